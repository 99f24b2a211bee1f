//! What a host's kernel lacks or has refused.

use crate::{Check, Finding, Severity};

/// Something that is missing or was refused, in the words of who noticed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// What.
    pub what: String,
    /// What to do.
    pub hint: String,
}

/// Judges what the kernel lacks.
#[must_use]
pub fn missing(host: &str, troubles: &[Trouble]) -> Vec<Finding> {
    let told = |trouble: &Trouble| {
        let what = format!("the kernel lacks {}", trouble.what);
        let why = "networks cannot be built on this host without it".to_owned();
        Finding::new(Severity::Error, Check::Kernel, host, [what, why, trouble.hint.clone()])
    };
    troubles.iter().map(told).collect()
}

/// Judges changes that the kernel has refused.
#[must_use]
pub fn refused(host: &str, troubles: &[Trouble]) -> Vec<Finding> {
    let told = |trouble: &Trouble| {
        let what = format!("the kernel refused: {}", trouble.what);
        let why = "this host is not what the cluster means it to be".to_owned();
        Finding::new(Severity::Error, Check::Kernel, host, [what, why, trouble.hint.clone()])
    };
    troubles.iter().map(told).collect()
}

/// Judges a guard that cannot stand.
#[must_use]
pub fn unguarded(host: &str, reason: &str) -> Finding {
    let what = format!("the guard's programs do not stand: {reason}");
    let why = "forged inner addresses pass, and a flush of the packet filter opens the VXLAN \
        port to hosts that are no members";
    let told = [
        what,
        why.to_owned(),
        "take Linux 6.1 or later; before 6.6 it needs the modules sch_ingress and cls_bpf"
            .to_owned(),
    ];
    Finding::new(Severity::Warning, Check::Kernel, host, told)
}

/// Judges a host whose kernel is left alone.
#[must_use]
pub fn paused(host: &str) -> Finding {
    let what = "reconciling is paused on this host".to_owned();
    let why = "its kernel is left as it is: changes of the cluster do not reach it".to_owned();
    let told = [what, why, "on that host: `weft reconcile resume`".to_owned()];
    Finding::new(Severity::Warning, Check::Kernel, host, told)
}

/// Judges a host that says nothing.
#[must_use]
pub fn silent(host: &str, peer: &str, why: &str, hint: &str) -> Finding {
    let what = format!("{peer} does not answer {host}: {why}");
    let follows = "its names vanish, and it hears of no change; what runs there goes on";
    let told = [what, follows.to_owned(), hint.to_owned()];
    Finding::new(Severity::Error, Check::Reach, host, told).towards(peer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_keeps_its_own_hint() {
        let trouble = Trouble { what: "bridges".into(), hint: "`modprobe bridge`".into() };
        let found = missing("a", std::slice::from_ref(&trouble));
        assert_eq!(found[0].remedy, trouble.hint);
        assert_eq!(refused("a", &[]), []);
    }
}
