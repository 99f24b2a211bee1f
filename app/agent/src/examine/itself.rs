//! What a host finds out about itself.

use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use tokio::task::spawn_blocking;
use weft_doctor::certificate::Certificate;
use weft_doctor::firewall::{Carries, Packet, Way};
use weft_doctor::host::Trouble;
use weft_doctor::port::Device;
use weft_doctor::{Finding, capacity, certificate, firewall, host as judge, port, subnets};
use weft_kernel::host;
use weft_plan::GateSeen;

use super::{canary, engine};
use crate::certificate::validity;
use crate::inspect::Desk;
use crate::state::Picture;

/// Rules are judged for packets of so many peers: rules that name peers are rare.
const PEERS: usize = 16;

/// All of it, looked at at the same time.
pub(super) async fn findings(desk: &Desk) -> Vec<Finding> {
    let picture = desk.fabric.state.picture();
    let name = picture.me.name.to_string();
    let (features, rules, ports, engine, routes, canary) = tokio::join!(
        features(&name),
        rules(&name, &picture),
        ports(&name, &picture),
        engine::findings(&name, desk),
        routes(&name, &picture),
        canary::findings(&name, desk),
    );
    let mut findings = [features, rules, ports, engine, routes, canary].concat();
    findings.extend(standing(&name, desk));
    findings.extend(capacities(&name, desk));
    findings.extend(certificate(&name, desk));
    findings.sort();
    findings.dedup();
    findings
}

async fn features(name: &str) -> Vec<Finding> {
    let missing = spawn_blocking(host::missing_features).await.unwrap_or_default();
    let troubles = missing.into_iter().map(|one| Trouble { what: one.what, hint: one.hint });
    judge::missing(name, &troubles.collect::<Vec<_>>())
}

/// What the agent already knows of its own kernel.
fn standing(name: &str, desk: &Desk) -> Vec<Finding> {
    let pass = desk.fabric.reconciled.borrow().clone();
    let failures = pass.iter().flat_map(|pass| &pass.failures);
    let troubles = failures.map(|failure| Trouble {
        what: format!("{}: {}", failure.what, failure.why),
        hint: failure.hint.clone(),
    });
    let mut findings = judge::refused(name, &troubles.collect::<Vec<_>>());
    findings.extend(desk.fabric.pause.is_set().then(|| judge::paused(name)));
    if let Some(GateSeen::Impossible(why)) = pass.as_ref().map(|pass| &pass.gate) {
        findings.push(judge::unguarded(name, why));
    }
    findings
}

/// Rules of others that drop what other hosts send: VXLAN, and the agents' own packets.
async fn rules(name: &str, picture: &Picture) -> Vec<Finding> {
    let Ok(Ok(ruleset)) = spawn_blocking(host::ruleset).await else { return Vec::new() };
    let ports =
        [(picture.facts.vxlan_port, "VXLAN"), (picture.me.control.port(), "the agents' packets")];
    let me = picture.me.vtep.0;
    let mut findings: Vec<Finding> = Vec::new();
    for (device, source) in peers(picture).await {
        for (port, purpose) in ports {
            let packet =
                |way| Packet { way, source, destination: me, carries: Carries::Udp(Some(port)) };
            let comes = packet(Way::In(device.clone()));
            let leaves =
                Packet { source: me, destination: source, ..packet(Way::Out(device.clone())) };
            for packet in [comes, leaves] {
                findings.extend(firewall::judge(name, &ruleset, &packet, purpose));
            }
        }
    }
    // One rule that drops what all peers send is one finding.
    findings.sort();
    findings.dedup();
    findings
}

/// Other hosts, and the interfaces by which they are reached.
async fn peers(picture: &Picture) -> Vec<(String, IpAddr)> {
    let mut peers = Vec::new();
    let others = picture.view.nodes().values().filter(|node| node.id != picture.me.id);
    for node in others.take(PEERS) {
        let Ok(path) = host::path_to(node.vtep.0).await else { continue };
        peers.push((path.device.to_string(), node.vtep.0));
    }
    peers
}

async fn ports(name: &str, picture: &Picture) -> Vec<Finding> {
    let at = picture.facts.vxlan_port;
    let process = spawn_blocking(move || host::udp_port_process(at)).await.ok().flatten();
    let foreign = host::foreign_vxlan(at).await.unwrap_or_default();
    let devices: Vec<Device> = foreign
        .into_iter()
        .map(|one| Device { name: one.name, vni: one.vni, netns: one.netns })
        .collect();
    let ours: Vec<u32> =
        picture.view.networks().values().map(|network| network.vni.number()).collect();
    port::judge(name, at, process.as_deref(), &devices, &ours)
}

async fn routes(name: &str, picture: &Picture) -> Vec<Finding> {
    let routes = host::routes_by_device().await.unwrap_or_default();
    let networks = picture.view.networks().values().flat_map(|network| {
        let name = network.name.as_ref().map_or_else(|| network.id.short(), ToString::to_string);
        network.subnets.iter().map(move |subnet| (name.clone(), subnet.range))
    });
    subnets::judge(name, &networks.collect::<Vec<_>>(), &routes)
}

/// For how long others will believe who this host is.
fn certificate(name: &str, desk: &Desk) -> Option<Finding> {
    let validity = validity(&desk.own.borrow())?;
    let since = |time: SystemTime| time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let shown = Certificate {
        from: since(validity.from),
        renew_at: since(validity.renew_at()),
        // It is good for the whole of its last second.
        until: since(validity.until) + Duration::from_secs(1),
    };
    certificate::judge(name, &shown, since(SystemTime::now()))
}

fn capacities(name: &str, desk: &Desk) -> Vec<Finding> {
    let entries: usize =
        desk.target.borrow().desired.segments.values().map(|segment| segment.fdb.len()).sum();
    let directory = &desk.state_directory;
    let free = host::free_space(directory).ok();
    let disk = free.and_then(|free| capacity::disk(name, &directory.display().to_string(), free));
    capacity::entries(name, entries).into_iter().chain(disk).collect()
}
