//! Which running agent says that it is a node, and whether another one that says so may run beside it.

use std::net::IpAddr;

/// An agent that has shown a node's key, as far as it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claimant {
    /// A number that it drew when it started; absent while it has not said which.
    pub instance: Option<u64>,
    /// Where it is.
    pub at: IpAddr,
}

impl Claimant {
    /// Whether the two may not both be the node: they are two agents, on two hosts. One that was
    /// started again where it was replaces itself, since two cannot have the same port.
    #[must_use]
    pub fn is_rival_of(&self, other: &Self) -> bool {
        let both = self.instance.zip(other.instance);
        both.is_some_and(|(own, other)| own != other)
            && self.at.to_canonical() != other.at.to_canonical()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claimant(instance: Option<u64>, last: u8) -> Claimant {
        Claimant { instance, at: IpAddr::from([192, 0, 2, last]) }
    }

    #[track_caller]
    fn check(one: Claimant, other: Claimant, rivals: bool) {
        assert_eq!(one.is_rival_of(&other), rivals);
        assert_eq!(other.is_rival_of(&one), rivals, "the other way round");
    }

    #[test]
    fn two_agents_on_two_hosts_are_rivals() {
        check(claimant(Some(1), 1), claimant(Some(2), 2), true);
    }

    #[test]
    fn an_agent_that_restarts_moves_or_is_not_known_has_no_rival() {
        check(claimant(Some(1), 1), claimant(Some(2), 1), false);
        check(claimant(Some(1), 1), claimant(Some(1), 2), false);
        check(claimant(None, 1), claimant(Some(2), 2), false);
        let mapped = Claimant { at: "::ffff:192.0.2.1".parse().unwrap(), ..claimant(Some(2), 9) };
        check(claimant(Some(1), 1), mapped, false);
    }
}
