//! Faults that a shell can make.

use weft_model::Hop;

/// Who carries the network on the host of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Carried {
    ByBridge,
    ByAny,
}

impl Carried {
    /// Whether a fault cannot be made on a host where programs carry, or do not.
    pub(crate) const fn is_other(self, woven: bool) -> bool {
        matches!((self, woven), (Self::ByBridge, true))
    }
}

/// One fault: how it is made and unmade, and what is to be told of it.
pub(crate) struct Row {
    pub(crate) hop: Hop,
    /// A part of the cause.
    pub(crate) cause: &'static str,
    /// Further words of the command; the first is the sender, the second whom it is for.
    pub(crate) trace: &'static str,
    /// Where it can be made.
    pub(crate) carried: Carried,
    /// On which host.
    pub(crate) host: &'static str,
    /// What a shell does there; `weft reconcile pause` goes before and `resume` after if the fault
    /// is in what is Weft's own.
    pub(crate) break_it: &'static str,
    pub(crate) mend_it: &'static str,
}

const PAUSED: &str = "weft reconcile resume";
pub(crate) const SEGMENT: &str = "ip netns exec weft-$VNI";

pub(crate) const ROWS: &[Row] = &[
    Row {
        hop: Hop::Lookup,
        cause: "nothing on network app is called c4",
        trace: "c1 c4",
        carried: Carried::ByAny,
        host: "h1",
        break_it: "",
        mend_it: "",
    },
    Row {
        hop: Hop::Lookup,
        cause: "(nft table `ip weft_dns` in its namespace) was removed",
        trace: "c1 c2",
        carried: Carried::ByAny,
        host: "h1",
        break_it: "$INSIDE nft delete table ip weft_dns",
        mend_it: "",
    },
    Row {
        hop: Hop::Lookup,
        cause: "loopback is down",
        trace: "c3 c1",
        carried: Carried::ByAny,
        host: "h1",
        break_it: "ip netns exec c3 ip link set lo down",
        mend_it: "ip netns exec c3 ip link set lo up",
    },
    Row {
        hop: Hop::Neighbor,
        cause: "the neighbour entry for $C2 is gone, and reconciling is paused",
        trace: "c1 c2",
        carried: Carried::ByBridge,
        host: "h1",
        break_it: "weft reconcile pause && $SEGMENT ip neigh del $C2 dev vx0",
        mend_it: PAUSED,
    },
    Row {
        hop: Hop::Neighbor,
        cause: "says 02:00:00:00:00:99 instead of $MAC2",
        trace: "c1 c2",
        carried: Carried::ByBridge,
        host: "h1",
        break_it: "weft reconcile pause && \
                   $SEGMENT ip neigh replace $C2 lladdr 02:00:00:00:00:99 dev vx0 nud permanent",
        mend_it: PAUSED,
    },
    Row {
        hop: Hop::Neighbor,
        cause: "the sender's bridge port: it is down",
        trace: "c1 c2",
        carried: Carried::ByBridge,
        host: "h1",
        break_it: "weft reconcile pause && $SEGMENT ip link set $PORT1 down",
        mend_it: PAUSED,
    },
    Row {
        hop: Hop::Encap,
        cause: "leads to $H3 (h3) instead of $H2",
        trace: "c1 c2",
        carried: Carried::ByBridge,
        host: "h1",
        break_it: "weft reconcile pause && \
                   $SEGMENT bridge fdb replace $MAC2 dev vx0 dst $H3 self permanent",
        mend_it: PAUSED,
    },
    Row {
        hop: Hop::Encap,
        cause: "the forwarding entry for $MAC2 is gone",
        trace: "c1 c2",
        carried: Carried::ByBridge,
        host: "h1",
        break_it: "weft reconcile pause && $SEGMENT bridge fdb del $MAC2 dev vx0 dst $H2 self",
        mend_it: PAUSED,
    },
    Row {
        hop: Hop::Underlay,
        cause: "do not arrive at h2, the network's are up to 1500",
        trace: "c1 c2",
        carried: Carried::ByAny,
        host: "h1",
        break_it: "ip link set eth0 mtu 1400",
        mend_it: "ip link set eth0 mtu 1500",
    },
    Row {
        hop: Hop::Underlay,
        cause: "chain out in table ip theirs drops",
        trace: "c1 c2",
        carried: Carried::ByBridge,
        host: "h1",
        break_it: "nft 'add table ip theirs; \
                   add chain ip theirs out { type filter hook output priority 0; }; \
                   add rule ip theirs out udp dport 4789 drop'",
        mend_it: "nft delete table ip theirs",
    },
    Row {
        hop: Hop::Decap,
        cause: "chain INPUT in table ip filter drops",
        trace: "c1 c2",
        carried: Carried::ByBridge,
        host: "h2",
        break_it: "iptables -I INPUT -p udp --dport 4789 -j DROP",
        mend_it: "iptables -D INPUT -p udp --dport 4789 -j DROP",
    },
    Row {
        hop: Hop::Decap,
        cause: "the policy of chain filter_input in table inet firewalld_policy_drop drops",
        trace: "c1 c2",
        carried: Carried::ByBridge,
        host: "h2",
        // What firewalld 1.3 has in place while it loads its rules anew.
        break_it: "nft 'add table inet firewalld_policy_drop; \
                   add chain inet firewalld_policy_drop filter_input \
                   { type filter hook input priority 9; policy drop; }; \
                   add rule inet firewalld_policy_drop filter_input \
                   ct state { established, related } accept'",
        mend_it: "nft delete table inet firewalld_policy_drop",
    },
    Row {
        hop: Hop::Decap,
        cause: "set of members (inet weft) lacks $H1, and reconciling is paused",
        trace: "c1 c2",
        carried: Carried::ByBridge,
        host: "h2",
        break_it: "weft reconcile pause && nft delete element inet weft peers '{' $H1 '}'",
        mend_it: PAUSED,
    },
    Row {
        hop: Hop::Decap,
        cause: "the VXLAN device vx0 is gone",
        trace: "c1 c2",
        carried: Carried::ByBridge,
        host: "h2",
        break_it: "weft reconcile pause && $SEGMENT ip link del vx0",
        mend_it: PAUSED,
    },
    Row {
        hop: Hop::Decap,
        cause: "the VXLAN device vx0: it is down",
        trace: "c1 c2",
        carried: Carried::ByBridge,
        host: "h2",
        break_it: "weft reconcile pause && $SEGMENT ip link set vx0 down",
        mend_it: PAUSED,
    },
    Row {
        hop: Hop::Deliver,
        cause: "the receiver's bridge port: it is down",
        trace: "c1 c2",
        carried: Carried::ByBridge,
        host: "h2",
        break_it: "weft reconcile pause && $SEGMENT ip link set $PORT2 down",
        mend_it: PAUSED,
    },
    Row {
        hop: Hop::Deliver,
        cause: "chain across in table bridge theirs drops",
        trace: "c1 c2",
        carried: Carried::ByBridge,
        host: "h2",
        break_it: "$SEGMENT nft 'add table bridge theirs; \
                   add chain bridge theirs across { type filter hook forward priority 0; }; \
                   add rule bridge theirs across ip daddr $C2 drop'",
        mend_it: "$SEGMENT nft delete table bridge theirs",
    },
    Row {
        hop: Hop::Deliver,
        cause: "the policy of chain entry in table ip own drops",
        trace: "c1 c2 --port 5432",
        carried: Carried::ByAny,
        host: "h2",
        break_it: "ip netns exec c2 nft 'add table ip own; \
                   add chain ip own entry { type filter hook input priority 0; policy drop; }'",
        mend_it: "ip netns exec c2 nft delete table ip own",
    },
    Row {
        hop: Hop::Deliver,
        cause: "nobody in c2 listens",
        trace: "c1 c2 --port 5432",
        carried: Carried::ByAny,
        host: "h2",
        break_it: "",
        mend_it: "",
    },
];
