//! All rules of the packet filter, others' too.

use nftables::helper::{self, NftablesError};
use serde_json::Value;

use crate::nft::failed;
use crate::{Netns, NftError};

/// Everything that `nft -j list ruleset` tells of the calling thread's namespace; blocks.
///
/// # Errors
///
/// If `nft` is not there, or refuses.
pub fn ruleset() -> Result<Value, NftError> {
    let told = match helper::get_current_ruleset_raw(helper::DEFAULT_NFT, &["list", "ruleset"]) {
        Ok(told) => told,
        Err(NftablesError::NftFailed { stderr, .. }) => return Err(failed(stderr.as_bytes())),
        Err(NftablesError::NftExecution { inner, .. }) => return Err(NftError::Start(inner)),
        Err(other) => return Err(failed(other.to_string().as_bytes())),
    };
    serde_json::from_str(&told).map_err(NftError::Answer)
}

/// As [`ruleset`], of another namespace.
///
/// # Errors
///
/// As [`ruleset`]; also if the namespace cannot be entered.
pub fn ruleset_in(netns: &Netns) -> Result<Value, NftError> {
    netns.run(ruleset).map_err(NftError::Start)?
}

/// Whether the calling thread's namespace has rules that `nft` does not tell: of iptables, written
/// with the kernel's older tables.
#[must_use]
pub fn has_older_tables() -> bool {
    let names = std::fs::read_to_string("/proc/thread-self/net/ip_tables_names");
    names.is_ok_and(|names| !names.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::Netns;

    #[test]
    fn rules_of_others_are_told() {
        let told = Netns::unnamed().unwrap().run(|| {
            assert!(
                Command::new("nft")
                    .args(["add", "table", "ip", "theirs"])
                    .status()
                    .unwrap()
                    .success()
            );
            ruleset_in(&Netns::current().unwrap()).unwrap()
        });
        assert!(told.unwrap().to_string().contains("theirs"));
    }
}
