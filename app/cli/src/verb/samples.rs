//! What an agent might answer: the rendering tests' material.

use weft_api::{
    BlockView, ClusterView, DegradedView, DockerView, DropCount, DropView, DropsView, EndpointKind,
    EndpointView, FailureView, GuardView, NetworkView, NodeView, ReconcileView, Standing, Status,
    StoreView,
};
use weft_model::{EndpointId, Hop, MacAddr, Name, NetworkId, NodeId, PublicKey, Role, Vtep};

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

/// A manager that answers and a worker that is down.
pub(crate) fn nodes() -> Vec<NodeView> {
    let node = |bits, called: &str, role, octet, standing, endpoints| NodeView {
        id: NodeId::from_random(bits),
        key: PublicKey::from_point([[octet; 32]; 2]),
        name: name(called),
        role,
        leads: role == Role::Manager,
        vtep: Vtep([192, 0, 2, octet].into()),
        control: ([192, 0, 2, octet], 4788).into(),
        standing,
        endpoints,
    };
    vec![
        node(0xa, "a", Role::Manager, 1, Standing::Own, 3),
        node(0xb, "b", Role::Worker, 2, Standing::Down, 0),
    ]
}

/// One with everything, one without a name.
pub(crate) fn networks() -> Vec<NetworkView> {
    let app = NetworkView {
        id: NetworkId::from_random(1),
        name: Some(name("app")),
        vni: 4100,
        subnets: vec!["10.7.0.0/16".parse().unwrap()],
        mtu: 1450,
        internal: false,
        options: [].into(),
        labels: [("team".into(), "shop".into())].into(),
        gateway: Some([10, 7, 0, 1].into()),
        participants: vec![name("a"), name("b")],
        endpoints: 3,
        blocks: vec![
            BlockView { range: "10.7.0.8/29".parse().unwrap(), node: "a".into() },
            BlockView { range: "10.7.0.16/29".parse().unwrap(), node: "b".into() },
        ],
        created: None,
    };
    let unnamed = NetworkView {
        id: NetworkId::from_random(2),
        name: None,
        vni: 4101,
        subnets: vec!["10.8.0.0/16".parse().unwrap()],
        internal: true,
        participants: vec![],
        endpoints: 0,
        ..app.clone()
    };
    vec![app, unnamed]
}

/// One of this host.
pub(crate) fn endpoint() -> EndpointView {
    EndpointView {
        id: EndpointId::from_random(7),
        name: Some(name("web")),
        aliases: vec![name("www"), name("shop")],
        network: "app".into(),
        network_id: NetworkId::from_random(1),
        addresses: vec![[10, 7, 0, 10].into()],
        mac: MacAddr([2, 0, 0, 0, 0, 7]),
        node: "a".into(),
        node_id: NodeId::from_random(0xa),
        kind: EndpointKind::Plain,
        standing: Standing::Own,
        interface: Some("wp00000000000".into()),
    }
}

/// All is well.
pub(crate) fn status() -> Status {
    Status {
        version: "0.1.0".into(),
        node: nodes().into_iter().next(),
        cluster: Some(ClusterView {
            id: "c0ffee".into(),
            name: name("shop"),
            vxlan_port: 4789,
            manager_reachable: true,
            store: StoreView::default(),
            certificate_until: Some("2026-11-24T23:00:00Z".to_owned()),
            clock_ahead_ms: Some(-3),
        }),
        engine: "bridge".into(),
        engine_reason: "asked for".into(),
        guard: GuardView { attached: Some("tcx".into()), missing: None },
        reconcile: ReconcileView {
            last_at: Some("2026-11-22T23:00:00Z".into()),
            took_ms: 4,
            in_sync: true,
            ..ReconcileView::default()
        },
        networks: 2,
        endpoints: 3,
        docker: DockerView { connected: true, version: Some("29.7.0".into()), degraded: vec![] },
        degraded: vec![],
    }
}

/// Nothing is well.
pub(crate) fn sick_status() -> Status {
    let healthy = status();
    Status {
        node: None,
        cluster: None,
        reconcile: ReconcileView {
            in_sync: false,
            differences: vec!["add vxlan vx0".into()],
            failures: vec![FailureView {
                what: "add vxlan vx0".into(),
                why: "operation not supported".into(),
                hint: "modprobe vxlan".into(),
            }],
            ..healthy.reconcile
        },
        docker: DockerView {
            connected: false,
            version: None,
            degraded: vec!["the plugin socket is not there".into()],
        },
        degraded: vec![DegradedView {
            hop: Some(Hop::Underlay),
            reason: "UDP port 4789 is taken by flannel".into(),
            hint: "weft init --vxlan-port 4790".into(),
        }],
        ..healthy
    }
}

/// A stranger's VXLAN.
pub(crate) fn drops() -> DropsView {
    let hint = "a host must join before its packets are accepted".to_owned();
    let counter = |hop, reason: &str, count| DropCount {
        hop,
        reason: reason.into(),
        count,
        hint: hint.clone(),
    };
    let sample = DropView {
        at: "2026-11-22T23:00:00Z".into(),
        host: "a".into(),
        hop: Hop::Decap,
        reason: "unknown_peer".into(),
        who: "192.0.2.77, no member".into(),
        interface: Some("eth0".into()),
        network: Some("app".into()),
        vni: Some(4100),
        outer_source: Some([192, 0, 2, 77].into()),
        source_mac: Some(MacAddr([2, 0, 0, 0, 0, 7])),
        destination_mac: Some(MacAddr([2, 0, 0, 0, 0, 8])),
        source: Some([10, 7, 0, 2].into()),
        destination: Some([10, 7, 0, 3].into()),
        length: Some(98),
        hint: hint.clone(),
    };
    let counters =
        vec![counter(Hop::Decap, "unknown_peer", 7), counter(Hop::Decap, "unknown_vni", 0)];
    DropsView { counters, samples: vec![sample] }
}
