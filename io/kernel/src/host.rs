//! What the agent asks of the host itself.

use std::io;
use std::net::IpAddr;

use ipnet::IpNet;
use weft_model::{Mtu, Vni};
use weft_plan::IfName;

/// How packets to another host leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    /// Through which interface.
    pub device: IfName,
    /// With what MTU.
    pub mtu: Mtu,
    /// From which address.
    pub source: IpAddr,
}

/// A VXLAN device that is not Weft's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignVxlan {
    /// Its name.
    pub name: String,
    /// Its number, if Weft could have it too.
    pub vni: Option<Vni>,
}

/// Something that Weft needs and this host has not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// What is missing.
    pub what: String,
    /// How to get it.
    pub hint: String,
}

/// The destinations of all routes, the default route not counted.
///
/// # Errors
///
/// If the kernel does not answer.
pub async fn routes() -> io::Result<Vec<IpNet>> {
    Err(io::ErrorKind::Unsupported.into())
}

/// The way to an address.
///
/// # Errors
///
/// `NetworkUnreachable` if there is none.
pub async fn path_to(_address: IpAddr) -> io::Result<Path> {
    Err(io::ErrorKind::Unsupported.into())
}

/// The host's own addresses, loopback ones not counted.
///
/// # Errors
///
/// If the kernel does not answer.
pub async fn addresses() -> io::Result<Vec<IpNet>> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Who has a UDP port, if somebody has.
#[must_use]
pub fn udp_port_taken(_port: u16) -> Option<String> {
    None
}

/// VXLAN devices in the host's namespace that use this UDP port.
///
/// # Errors
///
/// If the kernel does not answer.
pub async fn foreign_vxlan(_port: u16) -> io::Result<Vec<ForeignVxlan>> {
    Err(io::ErrorKind::Unsupported.into())
}

/// What Weft needs and this host has not.
#[must_use]
pub fn missing_features() -> Vec<Missing> {
    Vec::new()
}
