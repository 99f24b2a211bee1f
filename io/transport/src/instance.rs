//! Which running agent a node is: two of them with the same key are told apart by it.
//!
//! The number is drawn when the agent starts and is on no disk, so a host that was cloned with its
//! state directory has another one. It goes with each connection: the one who dials writes it into the server's
//! name, which TLS carries and nobody looks at otherwise; the other one greets with it.

use quinn::Connection;
use quinn::crypto::rustls::HandshakeData;
use weft_membership::Claimant;

/// What a running agent is known by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Instance(pub(crate) u64);

impl Instance {
    /// One that dials and does not say which it is: another than any that does.
    pub(crate) const UNTOLD: Self = Self(0);

    /// Draws one.
    pub(crate) fn draw() -> Option<Self> {
        let drawn = ring::rand::generate::<[u8; 8]>(&ring::rand::SystemRandom::new()).ok()?;
        Some(Self(u64::from_be_bytes(drawn.expose())))
    }

    /// What a dialer calls the server.
    pub(crate) fn server_name(own: Option<Self>) -> String {
        own.map_or_else(|| "weft".to_owned(), |Self(number)| format!("i{number:016x}.weft"))
    }

    /// The dialer's, by what it has called this server.
    pub(crate) fn of_dialer(connection: &Connection) -> Self {
        Self::said(connection).unwrap_or(Self::UNTOLD)
    }

    fn said(connection: &Connection) -> Option<Self> {
        let data = connection.handshake_data()?.downcast::<HandshakeData>().ok()?;
        Self::parse(data.server_name.as_deref()?)
    }

    fn parse(server_name: &str) -> Option<Self> {
        let number = server_name.strip_prefix('i')?.strip_suffix(".weft")?;
        u64::from_str_radix(number, 16).ok().map(Self)
    }
}

/// The agent at the other end of a connection, as far as it is known.
pub(crate) fn claimant(instance: Option<Instance>, connection: &Connection) -> Claimant {
    let instance = instance.map(|Instance(number)| number);
    Claimant { instance, at: connection.remote_address().ip() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_out_of_the_name_that_it_was_written_into() {
        let own = Some(Instance(0xab_cdef));
        assert_eq!(Instance::parse(&Instance::server_name(own)), own);
        for other in ["weft", "i.weft", "i12", "ixyz.weft"] {
            assert_eq!(Instance::parse(other), None, "{other}");
        }
    }
}
