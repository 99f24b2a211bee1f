use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use weft_model::{
    Endpoint, EndpointId, MacAddr, Mtu, Name, Network, NetworkId, Node, NodeId, PublicKey, Role,
    Subnet, Vni, Vtep,
};
use weft_path::{Facts, Located, Reason, decap, deliver, walk};
use weft_plan::{Flaw, NeighborSeen};

use super::*;
use crate::{Asked, Bridged, Interface, Listening, Part, Parts, Redirect, Route, Standing};

mod woven;

const APP: NetworkId = NetworkId::from_random(1);
const A: NodeId = NodeId::from_random(0xa);
const B: NodeId = NodeId::from_random(0xb);
const WEB: EndpointId = EndpointId::from_random(1);
const DB: EndpointId = EndpointId::from_random(3);

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn node(id: NodeId, called: &str, at: &str) -> (NodeId, Node) {
    let control = format!("{at}:4788").parse().unwrap();
    (
        id,
        Node {
            id,
            key: PublicKey::from_point([[1; 32]; 2]),
            name: name(called),
            role: Role::Worker,
            vtep: Vtep(ip(at)),
            control,
        },
    )
}

fn row(id: EndpointId, owner: NodeId, called: &str, at: &str) -> (EndpointId, Located) {
    let [.., last] = id.to_bytes();
    let endpoint = Endpoint {
        id,
        mac: MacAddr([2, 0, 0, 0, 0, last]),
        addresses: vec![ip(at)],
        name: Some(name(called)),
        aliases: BTreeSet::new(),
    };
    (id, Located { network: APP, owner, endpoint, visible: true })
}

/// Network app: web on a, db on b.
fn facts() -> Facts {
    let network = Network {
        id: APP,
        name: Some(name("app")),
        vni: Vni::try_from(4242).unwrap(),
        subnets: vec![Subnet::new("10.7.0.0/24".parse().unwrap(), None, BTreeSet::new()).unwrap()],
        mtu: None,
        internal: false,
        options: BTreeMap::new(),
        labels: BTreeMap::new(),
    };
    Facts {
        networks: [(APP, network)].into(),
        nodes: [node(A, "a", "192.0.2.1"), node(B, "b", "192.0.2.2")].into(),
        endpoints: [row(WEB, A, "web", "10.7.0.3"), row(DB, B, "db", "10.7.0.5")].into(),
        inner_mtu: Mtu::try_from(1450).unwrap(),
        ..Facts::default()
    }
}

fn sound() -> Parts {
    let part = Part::Present(BTreeSet::new());
    let (bridge, vxlan) = (part.clone(), part.clone());
    Parts::Bridged(Bridged { namespace: true, bridge, vxlan, port: part })
}

fn bridged(parts: &mut Parts) -> &mut Bridged {
    match parts {
        Parts::Bridged(parts) => parts,
        Parts::Woven(_) => panic!("{parts:?}"),
    }
}

fn interface(address: &str) -> Option<Interface> {
    Some(Interface {
        name: "eth0".into(),
        up: true,
        mtu: 1450,
        addresses: [ip(address)].into(),
        leads_by: Some("eth0".into()),
        fixed: None,
    })
}

fn answered(addresses: &[&str], redirect: Redirect) -> Option<Asked> {
    let addresses = addresses.iter().map(|text| ip(text)).collect();
    Some(Asked::Answered { addresses, micros: 80, redirect })
}

/// Everything as it should be.
struct World {
    facts: Facts,
    to: &'static str,
    out: Outbound,
    crossing: Crossing,
    inbound: Option<Result<Inbound, Silence>>,
}

impl World {
    fn healthy() -> Self {
        let out = Outbound {
            lookup: answered(&["10.7.0.5"], Redirect::Direct),
            interface: interface("10.7.0.3"),
            parts: sound(),
            neighbor: Some(NeighborSeen::Permanent(MacAddr([2, 0, 0, 0, 0, 3]))),
            homes: [ip("192.0.2.2")].into(),
            route: Some(Ok(Route { device: "eth0".into(), source: ip("192.0.2.1"), mtu: 1500 })),
            obstacles: Vec::new(),
            standing: Standing::default(),
        };
        let facts = facts();
        let arrival = weft_path::Arrival {
            outer_source: ip("192.0.2.1"),
            vni: Vni::try_from(4242).unwrap(),
            inner_source: MacAddr([2, 0, 0, 0, 0, 1]),
        };
        let inbound = Inbound {
            accepted: Some(decap(&facts, B, &arrival)),
            delivered: deliver(&facts, B, APP, MacAddr([2, 0, 0, 0, 0, 3])),
            peer: Some(true),
            owner: Some(Vtep(ip("192.0.2.1"))),
            listed: Some(true),
            parts: sound(),
            home: None,
            interface: interface("10.7.0.5"),
            listening: None,
            obstacles: Vec::new(),
            standing: Standing::default(),
        };
        let sizes = BTreeSet::from([128, 1500]);
        let crossing = Crossing { sent: sizes.clone(), heard: sizes, needed: 1500, pings: None };
        Self { facts, to: "db", out, crossing, inbound: Some(Ok(inbound)) }
    }

    fn trace(&self) -> Trace {
        let journey = walk(&self.facts, WEB, self.to);
        trace(&Evidence {
            facts: &self.facts,
            journey: &journey,
            outbound: Ok(&self.out),
            crossing: Some(&self.crossing),
            inbound: self.inbound.as_ref().map(Result::as_ref),
        })
    }

    fn inbound(&mut self) -> &mut Inbound {
        self.inbound.as_mut().unwrap().as_mut().unwrap()
    }
}

/// Breaks one thing of a healthy world and says where that shows.
#[track_caller]
fn fails(hop: Hop, cause: &str, break_it: impl FnOnce(&mut World)) {
    let mut world = World::healthy();
    break_it(&mut world);
    let told = world.trace();
    assert_eq!(told.failed, Some(hop), "{told:#?}");
    let failed = told.hops.iter().find(|one| one.hop == hop).unwrap();
    assert!(failed.cause.as_ref().unwrap().contains(cause), "{failed:#?}");
    assert!(failed.remedy.as_ref().is_some_and(|remedy| !remedy.is_empty()), "{failed:#?}");
}

#[test]
fn a_path_that_is_held_as_it_was_decided_is_all_green() {
    let told = World::healthy().trace();
    assert_eq!((told.verdict, told.failed), (Verdict::Ok, None), "{told:#?}");
    assert!(told.hops.iter().all(|hop| hop.verdict == Verdict::Ok), "{told:#?}");
    let hosts: Vec<_> = told.hops.iter().map(|hop| hop.host.as_deref().unwrap()).collect();
    assert_eq!(hosts, ["a", "a", "a", "a", "b", "b"]);
}

#[test]
fn lookup_fails_where_the_resolver_is_silent_passed_by_or_does_not_know() {
    let why = || "no answer".to_owned();
    fails(Hop::Lookup, "loopback is down", |w| {
        w.out.lookup = Some(Asked::Silent { why: why(), redirect: Redirect::Direct });
    });
    fails(Hop::Lookup, "was removed", |w| w.out.lookup = answered(&[], Redirect::Missing));
    fails(Hop::Lookup, "not renewed", |w| w.out.lookup = answered(&[], Redirect::Expired));
    fails(Hop::Lookup, "nothing on network app is called nobody", |w| {
        w.to = "nobody";
        w.out.lookup = answered(&[], Redirect::Direct);
        w.inbound = None;
    });
    fails(Hop::Lookup, "something else", |w| {
        w.out.lookup = answered(&["10.7.0.9"], Redirect::Direct);
    });
}

#[test]
fn neighbor_fails_where_nobody_or_somebody_else_would_be_named() {
    fails(Hop::Neighbor, "is gone", |w| w.out.neighbor = None);
    fails(Hop::Neighbor, "says 02:00:00:00:00:09 instead of", |w| {
        w.out.neighbor = Some(NeighborSeen::Permanent(MacAddr([2, 0, 0, 0, 0, 9])));
    });
    fails(Hop::Neighbor, "paused", |w| {
        w.out.neighbor = None;
        w.out.standing.paused = true;
    });
    fails(Hop::Neighbor, "bridge port: it is down", |w| {
        bridged(&mut w.out.parts).port = Part::Present([Flaw::Down].into());
    });
    fails(Hop::Neighbor, "leads by eth1", |w| {
        w.out.interface.as_mut().unwrap().leads_by = Some("eth1".into());
    });
}

#[test]
fn encap_fails_where_the_frame_would_go_elsewhere() {
    fails(Hop::Encap, "leads to 192.0.2.1 (a) instead of 192.0.2.2", |w| {
        w.out.homes = [ip("192.0.2.1")].into();
    });
    fails(Hop::Encap, "is gone", |w| w.out.homes.clear());
    fails(Hop::Encap, "its UDP port is 8472", |w| {
        bridged(&mut w.out.parts).vxlan = Part::Present([Flaw::UdpPort(8472)].into());
    });
}

#[test]
fn underlay_fails_where_nothing_or_only_small_packets_arrive() {
    fails(Hop::Underlay, "swallows VXLAN", |w| w.crossing.heard.clear());
    fails(Hop::Underlay, "larger than 128 bytes", |w| w.crossing.heard = [128].into());
    fails(Hop::Underlay, "no way to b", |w| w.out.route = Some(Err("unreachable".into())));
    fails(Hop::Underlay, "down or cut off", |w| {
        w.crossing.heard.clear();
        let (why, hint) = ("nothing came".to_owned(), "see it".to_owned());
        w.inbound = Some(Err(Silence { why, hint }));
    });
    fails(Hop::Underlay, "down or cut off", |w| {
        w.to = "10.7.0.5";
        w.out.lookup = None;
        w.facts.endpoints.get_mut(&DB).unwrap().visible = false;
        w.crossing.heard.clear();
        w.inbound = None;
    });
}

#[test]
fn an_agent_that_is_silent_on_a_host_that_answers_is_no_broken_path() {
    let mut world = World::healthy();
    world.crossing = Crossing { pings: Some(true), ..Crossing::default() };
    let (why, hint) = ("nothing came".to_owned(), "see it".to_owned());
    world.inbound = Some(Err(Silence { why, hint }));
    let told = world.trace();
    assert_eq!((told.verdict, told.failed), (Verdict::Unknown, None), "{told:#?}");
}

#[test]
fn decap_fails_where_the_other_host_would_not_take_it() {
    let obstacle = Obstacle { hop: Hop::Decap, what: "a rule".into(), remedy: "remove it".into() };
    fails(Hop::Decap, "a rule", |w| w.inbound().obstacles.push(obstacle));
    fails(Hop::Decap, "inet weft) lacks", |w| w.inbound().listed = Some(false));
    fails(Hop::Decap, "lacks 192.0.2.1", |w| w.inbound().peer = Some(false));
    fails(Hop::Decap, "vx0 is gone", |w| bridged(&mut w.inbound().parts).vxlan = Part::Missing);
    fails(Hop::Decap, "namespace is gone", |w| bridged(&mut w.inbound().parts).namespace = false);
    fails(Hop::Decap, "no home of web", |w| w.inbound().owner = None);
    fails(Hop::Decap, "does not know the sender's host", |w| {
        w.inbound().accepted = Some(Err(Reason::UnknownPeer));
    });
}

#[test]
fn deliver_fails_where_the_frame_does_not_get_in() {
    let obstacle = Obstacle { hop: Hop::Deliver, what: "a rule".into(), remedy: "so".into() };
    fails(Hop::Deliver, "a rule", |w| w.inbound().obstacles.push(obstacle));
    fails(Hop::Deliver, "it is down", |w| {
        bridged(&mut w.inbound().parts).port = Part::Present([Flaw::Down].into());
    });
    fails(Hop::Deliver, "itself is gone", |w| w.inbound().interface = None);
    fails(Hop::Deliver, "nobody in db listens", |w| w.inbound().listening = Some(Listening::No));
    fails(Hop::Deliver, "has not got the address", |w| {
        w.inbound().interface.as_mut().unwrap().addresses.clear();
    });
}

#[test]
fn a_trace_is_the_same_in_json() {
    let told = World::healthy().trace();
    let json = serde_json::to_string(&told).unwrap();
    assert_eq!(serde_json::from_str::<Trace>(&json).unwrap(), told);
    assert!(json.contains("\"decided\":") && !json.contains("remedy"), "{json}");
}
