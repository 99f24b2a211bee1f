//! A TCP canary: does what one workload's kernel sums up come to another's as it was?
//!
//! Network cards that sum up packets inside VXLAN wrongly are an old plague of overlays: pings pass
//! and connections hang. Every host lets a workload of its own knock at one on each other host, at
//! a port where nobody listens, and looks how many segments with a wrong sum have come to its own
//! meanwhile, and how many datagrams to itself: VXLAN may carry a sum of its own.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::path::PathBuf;
use std::time::Duration;

use futures::future::join_all;
use tokio::task::spawn_blocking;
use tokio::time::sleep;
use weft_doctor::{Finding, checksum};
use weft_kernel::{Netns, host};
use weft_model::{NetworkId, NodeId};

use crate::inspect::Desk;
use crate::local::Attachment;
use crate::state::Picture;

/// Discard (RFC 863): nobody listens there, and who does is not bothered.
const PORT: u16 = 9;
/// How long a knock may take.
const KNOCK: Duration = Duration::from_millis(200);
/// For so long after the beginning other hosts' knocks come.
const LISTENING: Duration = Duration::from_millis(350);
/// So many workloads are looked at.
const WORKLOADS: usize = 64;
/// At so many other hosts it is knocked.
const HOSTS: usize = 16;

/// Knocks at others and counts what came wrong to this host's own meanwhile.
pub(super) async fn findings(name: &str, desk: &Desk) -> Vec<Finding> {
    let picture = desk.fabric.state.picture();
    let (before, outer) = (wrong(&picture).await, host::wrong_datagrams());
    tokio::join!(knock_at_all(&picture), sleep(LISTENING));
    let after = wrong(&picture).await;
    let came = |(workload, count): (&String, &u64)| {
        let more = count.saturating_sub(*before.get(workload)?);
        checksum::judge(name, workload, more)
    };
    let more = outer.and_then(|before| Ok(host::wrong_datagrams()?.saturating_sub(before)));
    let around = more.ok().and_then(|more| checksum::judge_outer(name, more));
    after.iter().filter_map(came).chain(around).collect()
}

/// How many segments with a wrong sum have ever come to each workload.
async fn wrong(picture: &Picture) -> BTreeMap<String, u64> {
    let read = picture.attachments.values().filter(|one| one.joined).take(WORKLOADS);
    let read: Vec<(String, PathBuf)> =
        read.filter_map(|one| Some((called(one), one.workload.netns()?.clone()))).collect();
    let counted = spawn_blocking(move || {
        let count = |(name, path): (String, PathBuf)| {
            let netns = Netns::open(&path).ok()?;
            Some((name, host::wrong_checksums(&netns).ok()?))
        };
        read.into_iter().filter_map(count).collect()
    });
    counted.await.unwrap_or_default()
}

async fn knock_at_all(picture: &Picture) {
    join_all(doors(picture).into_iter().map(|(path, to)| {
        spawn_blocking(move || {
            let Ok(netns) = Netns::open(&path) else { return };
            // Refused or not: what matters is what its host counts.
            drop(netns.run(|| TcpStream::connect_timeout(&to, KNOCK)));
        })
    }))
    .await;
}

/// For each other host one workload there, and the namespace of one here on the same network.
fn doors(picture: &Picture) -> Vec<(PathBuf, SocketAddr)> {
    let mut mine: BTreeMap<NetworkId, PathBuf> = BTreeMap::new();
    for one in picture.attachments.values().filter(|one| one.joined) {
        mine.extend(one.workload.netns().map(|path| (one.network, path.clone())));
    }
    let mut doors: BTreeMap<NodeId, (PathBuf, SocketAddr)> = BTreeMap::new();
    let others = picture.facts.endpoints.values().filter(|row| row.owner != picture.me.id);
    for row in others.filter(|row| row.visible) {
        let address: Option<&IpAddr> = row.endpoint.addresses.first();
        let Some((path, address)) = mine.get(&row.network).zip(address) else { continue };
        let door = || (path.clone(), SocketAddr::new(*address, PORT));
        doors.entry(row.owner).or_insert_with(door);
    }
    doors.into_values().take(HOSTS).collect()
}

fn called(attachment: &Attachment) -> String {
    let endpoint = &attachment.endpoint;
    endpoint.name.as_ref().map_or_else(|| endpoint.id.short(), ToString::to_string)
}
