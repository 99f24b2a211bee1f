//! What to try when the daemon, or a membership, does not start.

use std::error::Error;
use std::io;

use weft_docker::SocketError;
use weft_store::StoreError;
use weft_transport::BindError;

use crate::disk::DiskError;
use crate::problem::Told;

/// What to try after an error of [`run`](crate::run): the nearest part that knows says it.
#[must_use]
pub fn hint(error: &anyhow::Error) -> Option<String> {
    error.chain().find_map(of)
}

fn of(error: &(dyn Error + 'static)) -> Option<String> {
    let disk = error.downcast_ref().map(DiskError::hint);
    let store = || error.downcast_ref().map(StoreError::hint);
    let bind = || error.downcast_ref().map(BindError::hint);
    let socket = || error.downcast_ref().map(|error: &SocketError| error.hint().to_owned());
    let told = || error.downcast_ref().map(|told: &Told| told.0.hint.clone());
    let file = || error.downcast_ref().map(|_: &toml::de::Error| CONFIG.to_owned());
    let denied = || {
        let io: &io::Error = error.downcast_ref()?;
        (io.kind() == io::ErrorKind::PermissionDenied).then(|| "run the agent as root".to_owned())
    };
    let unknown = || {
        let io: &io::Error = error.downcast_ref()?;
        (io.raw_os_error() == Some(nix::libc::EPROTONOSUPPORT)).then(|| MODULES.to_owned())
    };
    disk.or_else(store)
        .or_else(bind)
        .or_else(socket)
        .or_else(told)
        .or_else(file)
        .or_else(denied)
        .or_else(unknown)
}

/// Of a kernel without `nfnetlink` its very protocol is missing.
const MODULES: &str = "`modprobe nf_tables`, or a kernel that has it";
const CONFIG: &str =
    "mend that line; the keys are the flags that `weft agent --help` lists, and its [store]";

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context as _;

    #[test]
    fn the_part_that_failed_says_what_to_try_however_deep_it_is() {
        let path = std::path::PathBuf::from("/var/lib/weft/manager.redb");
        let error: anyhow::Result<()> = Err(StoreError::Full { path }).context("start");
        assert!(hint(&error.unwrap_err()).unwrap().contains("make room"));
        let denied = io::Error::from(io::ErrorKind::PermissionDenied);
        let error: anyhow::Result<()> = Err(denied).context("open netlink").context("start");
        assert_eq!(hint(&error.unwrap_err()).unwrap(), "run the agent as root");
        assert_eq!(hint(&anyhow::anyhow!("something else")), None);
    }
}
