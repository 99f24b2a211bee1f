//! Which running agent a node is: two of them with the same key are told apart by it.
//!
//! The number is drawn when the agent starts and is on no disk, so a host that was cloned with its
//! state directory has another one. It goes with each connection: the one who dials writes it into the server's
//! name, which TLS carries and nobody looks at otherwise; the other one greets with it.

use std::net::IpAddr;

use quinn::Connection;
use quinn::crypto::rustls::HandshakeData;

/// What a running agent is known by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Instance(pub(crate) u64);

impl Instance {
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
    pub(crate) fn of_dialer(connection: &Connection) -> Option<Self> {
        let data = connection.handshake_data()?.downcast::<HandshakeData>().ok()?;
        Self::parse(data.server_name.as_deref()?)
    }

    fn parse(server_name: &str) -> Option<Self> {
        let number = server_name.strip_prefix('i')?.strip_suffix(".weft")?;
        u64::from_str_radix(number, 16).ok().map(Self)
    }
}

/// An agent behind a connection, as far as it is known.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    pub(crate) instance: Option<Instance>,
    pub(crate) at: IpAddr,
}

/// Whether two agents that claim to be the same node may both run. One that was started again where
/// it was replaces itself: two cannot have the same port.
pub(crate) fn are_rivals(old: Seen, new: Seen) -> bool {
    let both = old.instance.zip(new.instance);
    both.is_some_and(|(old, new)| old != new) && old.at.to_canonical() != new.at.to_canonical()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(instance: Option<u64>, last: u8) -> Seen {
        Seen { instance: instance.map(Instance), at: IpAddr::from([192, 0, 2, last]) }
    }

    #[test]
    fn two_agents_on_two_hosts_are_rivals_and_one_that_restarts_or_moves_is_not() {
        assert!(are_rivals(seen(Some(1), 1), seen(Some(2), 2)));
        assert!(!are_rivals(seen(Some(1), 1), seen(Some(2), 1)), "started again");
        assert!(!are_rivals(seen(Some(1), 1), seen(Some(1), 2)), "has another address");
        assert!(!are_rivals(seen(None, 1), seen(Some(2), 2)), "not known");
        let mapped = Seen { at: "::ffff:192.0.2.1".parse().unwrap(), ..seen(Some(2), 9) };
        assert!(!are_rivals(seen(Some(1), 1), mapped), "the same address in the other form");
    }

    #[test]
    fn it_is_read_out_of_the_name_that_it_was_written_into() {
        let own = Some(Instance(0xab_cdef));
        assert_eq!(Instance::parse(&Instance::server_name(own)), own);
        for other in ["weft", "i.weft", "i12", "ixyz.weft"] {
            assert_eq!(Instance::parse(other), None, "{other}");
        }
    }
}
