//! What the programs need of a kernel, and would not be refused for where it is missing.

use std::fs;

use aya::programs::ProgramType;
use aya::sys::{BpfHelper, is_helper_supported};

/// Why a kernel is not asked to take the programs.
#[derive(Debug, thiserror::Error)]
#[error("they need Linux 5.12 or newer, and this is Linux {release}")]
pub(super) struct TooOld {
    release: String,
}

/// Whether the kernel is new enough for the programs.
///
/// `bpf_fib_lookup` answers with the way's MTU since Linux 5.12, and before that leaves what was
/// asked in its place: nothing would fit any way. The helper `bpf_check_mtu` came with it, also to
/// kernels whose makers took both into an older one.
pub(super) fn check() -> Result<(), TooOld> {
    match is_helper_supported(ProgramType::SchedClassifier, BpfHelper::BPF_FUNC_check_mtu) {
        Ok(false) => {
            let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
            Err(TooOld { release: release.trim().to_owned() })
        }
        // Who may not ask may not load either, and is told so then.
        Ok(true) | Err(_) => Ok(()),
    }
}
