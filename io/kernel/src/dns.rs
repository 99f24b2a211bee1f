//! The way of a container's questions to Weft's resolver.
//!
//! A container asks 127.0.0.11:53. The table `ip weft_dns` in its namespace rewrites the ports of
//! such packets before connection tracking sees them. That is stateless: no entry outlives the
//! table, so that a client which has asked Weft's resolver before, from the same socket, reaches
//! Docker's as soon as the redirection ends. It ends by itself when nobody renews it.

mod rules;

use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::time::Duration;

use nftables::schema::NfObject;
use weft_plan::IfName;

use crate::netlink::Rtnl;
use crate::netlink::link::{self, Link};
use crate::{Netns, NftError, nft};

/// The mark of Weft's own questions, which are not redirected.
pub const MARK: u32 = 0x7765_6674;

/// Opens the resolver's sockets inside a namespace, nonblocking.
///
/// Brings `lo` up before: a socket that was bound to 127.0.0.11 while `lo` was down answers from
/// 127.0.0.1 for ever, and a container's `lo` may still be down when its namespace appears.
///
/// # Errors
///
/// If the address cannot be bound there.
pub fn open_sockets(netns: &Netns, at: SocketAddr) -> io::Result<(UdpSocket, TcpListener)> {
    netns.run(|| {
        let mut rtnl = Rtnl::open_here()?;
        if let Some(lo) = Link::of(rtnl.get(link::named(&IfName::loopback()))?) {
            rtnl.request(link::set_up(lo.index))?;
        }
        let udp = UdpSocket::bind(at)?;
        let tcp = TcpListener::bind(at)?;
        udp.set_nonblocking(true)?;
        tcp.set_nonblocking(true)?;
        Ok((udp, tcp))
    })?
}

/// Redirects questions to the resolver's two ports, for `ttl`.
///
/// # Errors
///
/// If the namespace cannot be entered or `nft` refuses. Nothing is redirected then.
pub async fn install(
    netns: &Netns,
    udp_port: u16,
    tcp_port: u16,
    ttl: Duration,
) -> Result<(), NftError> {
    apply(netns, rules::install((udp_port, tcp_port), ttl)).await?;
    renew(netns, ttl).await
}

/// Keeps the redirection for another `ttl`, or begins it again if it has ended. Starts no process:
/// it is done every few seconds for each container.
///
/// # Errors
///
/// As [`install`]; also if there is no table to renew.
pub async fn renew(netns: &Netns, ttl: Duration) -> Result<(), NftError> {
    let netns = netns.clone();
    blocking(move || rules::renew(&netns, ttl).map_err(NftError::Refused)).await
}

/// Ends the redirection. It is no error if there is none.
///
/// # Errors
///
/// As [`install`].
pub async fn remove(netns: &Netns) -> Result<(), NftError> {
    apply(netns, rules::remove()).await
}

/// How questions of a namespace are led.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Redirection {
    /// To Weft's resolver.
    Stands,
    /// As without Weft, since nobody renews the redirection.
    Expired,
    /// As without Weft: there is no redirection.
    Missing,
}

/// How a namespace's questions are led, now; blocks for some milliseconds.
///
/// # Errors
///
/// If the namespace cannot be entered or `nft` refuses.
pub fn redirection(netns: &Netns) -> Result<Redirection, NftError> {
    Ok(match nft::list(netns, rules::HOME.family, rules::HOME.table)? {
        None => Redirection::Missing,
        Some(objects) if objects.iter().any(rules::is_alive) => Redirection::Stands,
        Some(_) => Redirection::Expired,
    })
}

async fn apply(netns: &Netns, commands: Vec<NfObject<'static>>) -> Result<(), NftError> {
    let netns = netns.clone();
    blocking(move || nft::apply(&netns, commands)).await
}

async fn blocking(
    work: impl FnOnce() -> Result<(), NftError> + Send + 'static,
) -> Result<(), NftError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(panic) => std::panic::resume_unwind(panic.into_panic()),
    }
}
