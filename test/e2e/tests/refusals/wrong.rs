//! What makes no sense in a cluster.

use crate::table::Line;

/// Subnets that are taken or of no use.
pub(crate) const SUBNETS: &[Line<'_>] = &[
    (
        "network create n --subnet 10.7.0.0/24",
        1,
        &["10.7.0.0/24 overlaps", "network app", "leave out"],
    ),
    ("network create n --subnet 10.0.0.0/8", 1, &["overlaps 10."]),
    ("network create n --subnet 10.7.0.128/25", 1, &["overlaps 10.7.0.0/24"]),
    ("network create n --subnet 10.9.0.5/24", 64, &["host bits", "--subnet 10.9.0.0/24"]),
    ("network create n --subnet 10.9.0.0/30", 64, &["/8 to /29", "leave out"]),
    ("network create n --subnet 10.0.0.0/7", 64, &["/8 to /29"]),
    ("network create n --subnet 127.1.0.0/16", 64, &["reserved for another purpose"]),
    ("network create n --subnet 224.1.0.0/16", 64, &["reserved for another purpose"]),
    ("network create n --subnet 10.9.0.0", 64, &["10.9.0.0", "--subnet"]),
    ("network create n --subnet 10.9.0.0/33", 64, &["10.9.0.0/33", "--subnet"]),
    ("network create n --subnet garbage", 64, &["garbage", "--subnet"]),
    ("network create n --subnet fd00::/200", 64, &["fd00::/200"]),
    (
        "network create n --subnet 10.9.0.0/24 --gateway 10.10.0.1",
        64,
        &["gateway 10.10.0.1 is not a host address", "leave the gateway out"],
    ),
    ("network create n --subnet 10.9.0.0/24 --gateway 10.9.0.255", 64, &["gateway 10.9.0.255"]),
    ("network create n --gateway 10.9.0.1", 64, &["--subnet"]),
];

/// Names, VNIs and MTUs.
pub(crate) const NETWORKS: &[Line<'_>] = &[
    ("network create app", 1, &["the name app is taken", "weft network ls"]),
    ("network create APP", 1, &["the name app is taken"]),
    ("network create a.b", 64, &["not a DNS label", "dots"]),
    ("network create a_/b", 64, &["letters, digits"]),
    ("network create n-", 64, &["neither begins nor ends with `-`"]),
    ("network create é", 64, &["letters, digits"]),
    (
        "network create aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        64,
        &["at most 63"],
    ),
    ("network create n --vni 5000", 1, &["VNI 5000 is taken", "app", "leave out"]),
    ("network create n --vni 0", 64, &["VNI 0 is out of range", "4096 to 16777215"]),
    ("network create n --vni 4095", 64, &["VNI 4095 is out of range"]),
    ("network create n --vni 16777216", 64, &["VNI 16777216 is out of range"]),
    ("network create n --vni 99999999999", 64, &["99999999999"]),
    (
        "network create n --mtu 9000",
        64,
        &["9000 does not fit", "the underlay leaves 1450", "1450 or less"],
    ),
    ("network create n --mtu 1451", 64, &["1451 does not fit"]),
    ("network create n --mtu 575", 64, &["out of range", "576"]),
    ("network create n --mtu 70000", 64, &["out of range", "65535"]),
];

/// What is not there, and what is in use.
pub(crate) const UNKNOWN: &[Line<'_>] = &[
    ("network inspect none", 2, &["no network `none`", "weft network ls"]),
    ("network rm none", 2, &["no network `none`", "weft network ls"]),
    ("network rm app", 1, &["network app is in use on h1", "weft endpoint ls --network app"]),
    ("network rm tiny none", 1, &["in use on h1", "no network `none`"]),
    ("node inspect none", 2, &["no node `none`", "weft node ls"]),
    ("node rm none", 2, &["no node `none`"]),
    ("node rm --force h1", 1, &["last manager", "another manager"]),
    ("endpoint inspect none", 2, &["no endpoint `none`", "weft endpoint ls"]),
    ("endpoint ls --network none", 2, &["no network `none`"]),
    ("path none web", 2, &["none"]),
    ("detach none", 2, &["no endpoint `none`", "weft endpoint ls"]),
];

/// Workloads that cannot be attached.
pub(crate) const WORKLOADS: &[Line<'_>] = &[
    (
        "attach --network tiny --name full NETNS",
        1,
        &["tiny", "full", "10.8.0.0/29", "larger subnet"],
    ),
    (
        "attach --network app --name web NETNS",
        1,
        &["`web` is taken on this host", "weft detach web"],
    ),
    ("attach --network none --name w NETNS", 2, &["no network `none`"]),
    (
        "attach --network app --name w nowhere",
        2,
        &["cannot use /run/netns/nowhere as a network namespace", "ip netns"],
    ),
    (
        "attach --network app --name w /etc/passwd",
        64,
        &["cannot use /etc/passwd as a network namespace"],
    ),
    (
        "attach --network app --name w 999999",
        2,
        &["cannot use /proc/999999/ns/net as a network namespace"],
    ),
    ("attach --network app --name w --ip 10.7.0.1 NETNS", 64, &["10.7.0.1", "gateway"]),
    ("attach --network app --name w --ip 10.99.0.1 NETNS", 64, &["10.99.0.1"]),
    ("attach --network app --name w.x NETNS", 64, &["not a DNS label"]),
];

/// What a manager does not do.
pub(crate) const MEMBERS: &[Line<'_>] = &[
    ("node rm h1", 1, &["h1", "weft node rm --force h1"]),
    ("init", 1, &["already a member of cluster `weft`", "weft leave"]),
    ("join weft-1-x 192.0.2.2", 1, &["already a member of cluster `weft`", "weft leave"]),
    ("token nobody", 64, &["nobody", "worker"]),
    ("token --rotate --ttl soon", 64, &["soon"]),
    ("frobnicate", 64, &["frobnicate"]),
];

/// What a worker is told, over the wire or at once.
pub(crate) const WORKER: &[Line<'_>] = &[
    ("network create app", 1, &["the name app is taken"]),
    ("network create n --subnet 10.7.0.0/16", 1, &["overlaps 10.7.0.0/24"]),
    ("network create n --subnet 10.9.0.5/24", 64, &["host bits"]),
    ("network create n --vni 5000", 1, &["VNI 5000 is taken"]),
    ("network rm tiny", 1, &["in use on h1"]),
    ("attach --network tiny --name w NETNS", 1, &["tiny", "larger subnet"]),
    ("node rm h1", 1, &["may not remove another node", "on a manager"]),
    ("token", 2, &["only managers know join tokens", "manager"]),
    ("init", 1, &["already a member"]),
];
