//! A cable between a host and another namespace.

use std::process::Command;

use weft_kernel::Netns;

use super::Host;

/// Joins them: its ends are called `name` at the host and `eth0` there.
pub fn join(host: &Host, name: &str, there: &Netns) {
    // Somebody has to be in a namespace without a name for `ip` to find it.
    let mut anchor = there.run(|| Command::new("sleep").arg("60").spawn().unwrap()).unwrap();
    host.run(&format!("ip link add {name} type veth peer name eth0 netns {}", anchor.id()));
    anchor.kill().unwrap();
    anchor.wait().unwrap();
}
