//! Which kernels take programs, and what those have to say that are too old.

use weft_kernel::{Attachment, Netns};
use weft_plan::Engine;

/// The first that is to take them.
const FIRST: (u32, u32) = (5, 12);

/// Whether this kernel is to take programs. One that is too old has to say so, and to be given up by
/// whoever would have tried it.
#[expect(clippy::print_stdout, reason = "dist/vm/tests counts how often this is said")]
pub async fn takes_programs() -> bool {
    if !is_old() {
        return true;
    }
    let refused = weft_kernel::trial(Attachment::Clsact).await.unwrap_err().to_string();
    let words = "load the programs: they need Linux 5.12 or newer, and this is Linux";
    assert_eq!(refused, format!("{words} {}", release()));
    println!("no programs, as is expected: {refused}");
    false
}

/// All engines that this kernel is to have.
pub async fn engines() -> Vec<Engine> {
    match takes_programs().await {
        true => vec![Engine::Bridge, Engine::Bpf],
        false => vec![Engine::Bridge],
    }
}

/// All ways to attach programs that this kernel has; TCX only since Linux 6.6.
pub fn attachments() -> Vec<Attachment> {
    match Attachment::best(&Netns::unnamed().unwrap()) {
        Attachment::Tcx => vec![Attachment::Tcx, Attachment::Clsact],
        Attachment::Clsact => vec![Attachment::Clsact],
    }
}

fn is_old() -> bool {
    let release = release();
    let mut numbers = release.split('.').map(|number| number.parse().unwrap());
    (numbers.next().unwrap(), numbers.next().unwrap()) < FIRST
}

fn release() -> String {
    std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap().trim().to_owned()
}
