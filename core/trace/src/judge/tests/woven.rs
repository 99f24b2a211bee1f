//! The same hops, where programs carry.

use weft_plan::Engine;

use super::*;
use crate::{Held, Housed, Woven};

impl World {
    /// Both hosts carry by programs, which need no device of the kernel.
    fn woven() -> Self {
        let part = Part::Present(BTreeSet::new());
        let (network, tunnel, shared) = (part.clone(), part.clone(), part.clone());
        let parts = Parts::Woven(Woven { network, tunnel, shared, port: part, swift: true });
        let mut world = Self::healthy();
        world.out.parts = parts.clone();
        world.inbound().parts = parts;
        world.inbound().home = Some(Housed::Rightly);
        world.inbound().listed = None;
        world
    }
}

fn woven(parts: &mut Parts) -> &mut Woven {
    match parts {
        Parts::Woven(parts) => parts,
        Parts::Bridged(_) => panic!("{parts:?}"),
    }
}

#[track_caller]
fn fails(hop: Hop, cause: &str, break_it: impl FnOnce(&mut World)) {
    let mut world = World::woven();
    break_it(&mut world);
    let told = world.trace();
    let failed = told.hops.iter().find(|one| one.verdict == Verdict::Failed);
    let failed = failed.unwrap_or_else(|| panic!("nothing failed: {told:#?}"));
    assert_eq!(failed.hop, hop, "{told:#?}");
    assert!(failed.cause.as_ref().unwrap().contains(cause), "{failed:#?}");
}

#[test]
fn a_path_by_programs_is_all_green_and_says_so() {
    let told = World::woven().trace();
    assert_eq!((told.verdict, told.failed), (Verdict::Ok, None), "{told:#?}");
    let held: Vec<_> = told.hops.iter().map(|hop| hop.kernel.as_str()).collect();
    assert!(held[1].contains("the programs' table answers for 10.7.0.5"), "{held:?}");
    assert!(held[2].contains("the programs' table sends 02:00:00:00:00:03"), "{held:?}");
    assert!(held[4].contains("programs take VXLAN 4242"), "{held:?}");
}

#[test]
fn each_entry_of_the_tables_is_missed_at_its_hop() {
    let mine = |flaw: Flaw| {
        move |w: &mut World| woven(&mut w.out.parts).port = Part::Present([flaw].into())
    };
    fails(Hop::Neighbor, "the guard's table of ports lacks it", mine(Flaw::Unlisted));
    fails(Hop::Neighbor, "what comes in by it is not guarded", mine(Flaw::Unguarded));
    fails(Hop::Neighbor, "the neighbour entry for 10.7.0.5 is gone", |w| w.out.neighbor = None);
    fails(Hop::Encap, "is gone", |w| w.out.homes.clear());
    fails(Hop::Encap, "leads to 192.0.2.1 (a) instead of", |w| {
        w.out.homes = [ip("192.0.2.1")].into();
    });
    fails(Hop::Encap, "its UDP port is 8472", |w| {
        woven(&mut w.out.parts).tunnel = Part::Present([Flaw::UdpPort(8472)].into());
    });
    fails(Hop::Decap, "table of members lacks 192.0.2.1", |w| w.inbound().peer = Some(false));
    fails(Hop::Decap, "does not let its network in", |w| {
        woven(&mut w.inbound().parts).network = Part::Present([Flaw::NotServed].into());
    });
    fails(Hop::Decap, "no home of web", |w| w.inbound().owner = None);
    fails(Hop::Deliver, "the receiver's station, is gone", |w| w.inbound().home = None);
    fails(Hop::Deliver, "leads to 192.0.2.9 (no member)", |w| {
        w.inbound().home = Some(Housed::At(ip("192.0.2.9")));
    });
    fails(Hop::Deliver, "the receiver's port: it is down", |w| {
        woven(&mut w.inbound().parts).port = Part::Present([Flaw::Down].into());
    });
}

/// Where one of the hosts has to take the slow way, the device is needed; else its loss is no fault.
#[test]
fn the_shared_device_matters_to_what_programs_do_not_carry() {
    for swift in [true, false] {
        let mut world = World::woven();
        let parts = woven(&mut world.inbound().parts);
        (parts.shared, parts.swift) = (Part::Missing, swift);
        let failed = (!swift).then_some(Hop::Decap);
        assert_eq!(world.trace().failed, failed, "swift: {swift}");
    }
}

/// A rule for what the host itself sends stops the probes, and not what programs send.
#[test]
fn a_rule_that_programs_pass_by_fails_nothing() {
    let obstacle = Obstacle { hop: Hop::Underlay, what: "a rule".into(), remedy: "so".into() };
    for swift in [true, false] {
        let mut world = World::woven();
        world.crossing.heard.clear();
        world.out.obstacles.push(obstacle.clone());
        woven(&mut world.out.parts).swift = swift;
        let told = world.trace();
        assert_eq!(told.failed, (!swift).then_some(Hop::Underlay), "{told:#?}");
        assert!(told.hops[3].kernel.contains("a rule") || !swift, "{told:#?}");
    }
}

#[test]
fn what_a_dump_lacks_is_what_the_plan_would_write() {
    let port = weft_plan::IfName::port(WEB);
    let held = Held { segment: None, woven: None, shared: None, gate: None, swift: true };
    let parts = Parts::compare(Engine::Bpf, None, &port, &held);
    assert_eq!(parts.port().0, &Part::Missing);
    assert!(parts.unwrapping().unwrap().contains("is gone"));
}
