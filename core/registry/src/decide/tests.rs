mod ca;
mod keep;
mod moving;
mod quarantine;

use std::net::IpAddr;
use std::time::Duration;

use ipnet::IpNet;
use weft_model::{Name, Node, PublicKey, SubnetError, Vni, Vtep};

use super::*;
use crate::{Change, Cluster, Condition, Key, NetworkRequest, Op, TokenHash, Want};

#[test]
fn a_cluster_is_founded_once() {
    let mut world = World::empty();
    assert_eq!(world.ask(1, &create(1)), Err(Refused::NotFounded));
    assert_eq!(world.ask(1, &found()), Ok(Outcome::Done));
    assert_eq!(world.ask(1, &found()), Err(Refused::AlreadyFounded(name("east"))));
    assert_eq!(world.view.cluster().unwrap().name, name("east"));
    assert_eq!(world.view.token(Role::Worker).unwrap().sha256, "ab");
}

#[test]
fn only_members_are_heard() {
    let mut world = World::founded();
    assert_eq!(world.ask(9, &create(1)), Err(Refused::NoSuchNode(node_id(9))));
}

#[test]
fn a_network_gets_what_was_left_open() {
    let mut world = World::founded();
    let first = world.network(request(1));
    let second = world.network(request(2));
    assert_eq!(first.subnets[0].range, net("10.64.0.0/24"));
    assert_eq!(second.subnets[0].range, net("10.64.1.0/24"));
    assert_ne!(first.vni, second.vni);
    assert_eq!(first.subnets[0].gateway.to_string(), "10.64.0.1");
}

#[test]
fn a_repeated_request_is_the_same_network() {
    let mut world = World::founded();
    let first = world.network(named(1, "shop"));
    assert_eq!(world.network(named(1, "shop")), first);
    assert_eq!(world.view.networks().len(), 1);
}

#[test]
fn a_removed_network_is_not_made_again_by_a_request_that_comes_late() {
    let mut world = World::founded();
    world.network(named(1, "shop"));
    let remove = Command::RemoveNetwork { id: network_id(1) };
    assert_eq!(world.ask(1, &remove), Ok(Outcome::Done));
    let late = world.ask(1, &Command::CreateNetwork(named(1, "shop")));
    assert_eq!(late, Err(Refused::NetworkGone(network_id(1))));
    world.network(named(2, "shop"));
}

#[test]
fn a_chosen_subnet_avoids_the_hosts_routes() {
    let mut world = World::founded();
    let avoid = vec![net("10.64.0.0/25"), net("0.0.0.0/0")];
    let network = world.network(NetworkRequest { avoid, ..request(1) });
    assert_eq!(network.subnets[0].range, net("10.64.1.0/24"));
    let avoid = vec![net("10.64.0.0/16")];
    let refused = world.ask(1, &Command::CreateNetwork(NetworkRequest { avoid, ..request(2) }));
    assert_eq!(refused, Err(Refused::NoSubnetLeft));
}

#[test]
fn an_overlapping_subnet_is_refused_and_names_the_other_network() {
    let mut world = World::founded();
    world.network(NetworkRequest { subnet: Some(net("10.99.0.0/16")), ..named(1, "shop") });
    for subnet in ["10.99.0.0/16", "10.99.7.0/24", "10.0.0.0/8"] {
        let request = NetworkRequest { subnet: Some(net(subnet)), ..request(2) };
        let refused = world.ask(1, &Command::CreateNetwork(request)).unwrap_err();
        assert!(matches!(refused, Refused::SubnetOverlaps { .. }), "{refused}");
        assert_eq!(
            refused.to_string(),
            format!("subnet {subnet} overlaps 10.99.0.0/16 of network shop")
        );
        assert!(refused.hint().contains("leave out `--subnet`"));
    }
}

#[test]
fn an_impossible_subnet_is_refused() {
    let mut world = World::founded();
    let mut ask = |subnet: &str, gateway: Option<IpAddr>| {
        let request = NetworkRequest { subnet: Some(net(subnet)), gateway, ..request(1) };
        world.ask(1, &Command::CreateNetwork(request)).unwrap_err()
    };
    let host_bits = ask("10.99.0.1/16", None);
    assert!(matches!(host_bits, Refused::Subnet(SubnetError::HostBits { .. })));
    assert_eq!(host_bits.hint(), "type `--subnet 10.99.0.0/16`");
    assert_eq!(ask("10.99.0.0/30", None), Refused::Subnet(SubnetError::Size(net("10.99.0.0/30"))));
    let gateway = ask("10.99.0.0/24", Some([10, 98, 0, 1].into()));
    assert!(matches!(gateway, Refused::Subnet(SubnetError::Gateway { .. })));
}

#[test]
fn names_and_vnis_are_given_once() {
    let mut world = World::founded();
    let first = world.network(named(1, "shop"));
    let refused = world.ask(1, &Command::CreateNetwork(named(2, "shop"))).unwrap_err();
    assert_eq!(refused, Refused::NameTaken { name: name("shop"), network: first.id });
    let vni = Some(first.vni);
    let refused = world.ask(1, &Command::CreateNetwork(NetworkRequest { vni, ..request(2) }));
    assert_eq!(refused, Err(Refused::VniTaken { vni: first.vni, network: "shop".into() }));
}

#[test]
fn a_random_vni_that_is_taken_is_passed_over() {
    let mut world = World::founded();
    let last = Vni::try_from(Vni::MAX).unwrap();
    world.network(NetworkRequest { vni: Some(last), ..request(1) });
    world.random = u128::from(Vni::MAX - Vni::MIN) << 96;
    assert_eq!(world.network(request(2)).vni.number(), Vni::MIN);
}

#[test]
fn a_network_is_named_once_and_later() {
    let mut world = World::founded();
    world.network(request(1));
    world.network(named(2, "shop"));
    let naming = |text: &str| Command::NameNetwork {
        id: network_id(1),
        name: name(text),
        labels: BTreeMap::from([("k".into(), "v".into())]),
    };
    let taken = Refused::NameTaken { name: name("shop"), network: network_id(2) };
    assert_eq!(world.ask(1, &naming("shop")), Err(taken));
    for _ in 0..2 {
        let Ok(Outcome::Network(network)) = world.ask(1, &naming("app")) else { panic!() };
        assert_eq!((network.name, network.labels.len()), (Some(name("app")), 1));
    }
    assert_eq!(world.view.network_named(&name("app")).unwrap().id, network_id(1));
    assert_eq!(world.ask(1, &naming("web")), Err(Refused::Named { name: name("app") }));
}

#[test]
fn a_network_in_use_stays() {
    let mut world = World::founded();
    world.network(named(1, "shop"));
    world.join(2, Role::Worker);
    world.in_use.insert(network_id(1), [node_id(1), node_id(2)].into());
    let remove = Command::RemoveNetwork { id: network_id(1) };
    let refused = world.ask(1, &remove).unwrap_err();
    assert_eq!(refused.to_string(), "network shop is in use on node1, node2");
    world.in_use.clear();
    world.claim(2, 1);
    assert_eq!(world.ask(1, &remove), Ok(Outcome::Done));
    assert_eq!(world.ask(1, &remove), Err(Refused::NoSuchNetwork(network_id(1))));
    let left: Vec<String> = world.keys().into_iter().filter(|key| !key.contains("node")).collect();
    let stays = Key::BlocksOf(network_id(1)).to_string();
    assert_eq!(
        left,
        [stays.as_str(), "/cluster", "/networks", "/quarantine/4096", "/token/worker"]
    );
    world.network(named(2, "shop"));
}

#[test]
fn blocks_do_not_overlap_and_generations_are_never_given_again() {
    let mut world = World::founded();
    world.network(request(1));
    world.join(2, Role::Worker);
    let first = world.claim(1, 1);
    let second = world.claim(2, 1);
    assert_eq!((first.range, second.range), (net("10.64.0.0/29"), net("10.64.0.8/29")));
    let release = Command::ReleaseBlock { network: network_id(1), range: first.range };
    let refused = world.ask(2, &release);
    assert!(matches!(refused, Err(Refused::NotAllowed { .. })));
    assert_eq!(world.ask(1, &release), Ok(Outcome::Done));
    assert_eq!(world.ask(1, &release), Ok(Outcome::Done), "repeated, it changes nothing");
    let again = world.claim(2, 1);
    assert_eq!(again.range, first.range);
    assert!(again.generation > second.generation);
}

#[test]
fn a_full_subnet_is_told() {
    let mut world = World::founded();
    world.network(NetworkRequest { subnet: Some(net("10.99.0.0/29")), ..named(1, "tiny") });
    let claim = Command::ClaimBlock { network: network_id(1), want: Want::Next, known: None };
    let refused = (0..9).find_map(|_| world.ask(1, &claim).err()).unwrap();
    assert_eq!(
        refused.to_string(),
        "network tiny is full: all addresses of 10.99.0.0/29 are in blocks of nodes"
    );
}

#[test]
fn a_block_that_the_asker_does_not_know_of_yet_is_answered_with_before_another() {
    let mut world = World::founded();
    world.network(NetworkRequest { subnet: Some(net("10.99.0.0/29")), ..named(1, "tiny") });
    let newest = |world: &World| world.view.newest_block(network_id(1), node_id(1));
    let claim = |known| Command::ClaimBlock { network: network_id(1), want: Want::Next, known };
    // Three blocks fill it. Each is asked for twice, the second time as if the first were unknown.
    for nth in 1..=3 {
        let known = Some(newest(&world));
        let given = world.ask(1, &claim(known)).unwrap();
        assert_eq!(world.ask(1, &claim(known)), Ok(given), "block {nth}");
        assert_eq!(world.view.blocks(network_id(1)).count(), nth);
    }
    let known = Some(newest(&world));
    assert!(matches!(world.ask(1, &claim(known)), Err(Refused::SubnetFull { .. })));
    world.join(2, Role::Worker);
    assert!(matches!(world.ask(2, &claim(Some(0))), Err(Refused::SubnetFull { .. })));
}

#[test]
fn a_wanted_address_is_given_unless_another_node_has_it() {
    let mut world = World::founded();
    world.network(named(1, "shop"));
    world.join(2, Role::Worker);
    let claim = |address: [u8; 4]| Command::ClaimBlock {
        network: network_id(1),
        want: Want::Holding(address.into()),
        known: None,
    };
    let Ok(Outcome::Block(block)) = world.ask(1, &claim([10, 64, 0, 77])) else { panic!() };
    assert_eq!(block.range, net("10.64.0.72/29"));
    assert_eq!(world.ask(1, &claim([10, 64, 0, 78])), Ok(Outcome::Block(block)), "it has it");
    let refused = world.ask(2, &claim([10, 64, 0, 78])).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "address 10.64.0.78 is taken: it is in block 10.64.0.72/29 of node node1"
    );
    assert!(refused.hint().contains("start it on node1"));
    for address in [[10, 64, 0, 1], [10, 64, 0, 0], [10, 64, 0, 255], [10, 65, 0, 7]] {
        let refused = world.ask(2, &claim(address)).unwrap_err();
        assert!(matches!(refused, Refused::NotAssignable { .. }), "{refused}");
    }
}

#[test]
fn an_owner_cedes_an_address_and_keeps_the_rest_of_its_block() {
    let mut world = World::founded();
    world.network(named(1, "shop"));
    world.join(2, Role::Worker);
    let block = world.claim(1, 1);
    let cede = |address: [u8; 4]| Command::CedeAddress {
        network: network_id(1),
        address: address.into(),
        to: node_id(2),
    };
    let refused = world.ask(2, &cede([10, 64, 0, 2])).unwrap_err();
    assert!(matches!(refused, Refused::NotAllowed { .. }), "{refused}");
    let Ok(Outcome::Block(ceded)) = world.ask(1, &cede([10, 64, 0, 2])) else { panic!() };
    assert_eq!((ceded.range, ceded.owner), (net("10.64.0.2/32"), node_id(2)));
    assert!(ceded.generation > block.generation);
    assert_eq!(world.ask(1, &cede([10, 64, 0, 2])), Ok(Outcome::Block(ceded)), "repeated");
    let kept: Vec<IpNet> =
        world.view.blocks_of(network_id(1), node_id(1)).map(|block| block.range).collect();
    assert_eq!(kept, [net("10.64.0.0/31"), net("10.64.0.3/32"), net("10.64.0.4/30")]);
    let refused = world.ask(1, &cede([10, 64, 0, 99])).unwrap_err();
    assert!(matches!(refused, Refused::NotAllowed { .. }), "{refused}");
}

#[test]
fn a_node_speaks_for_itself_and_managers_for_all() {
    let mut world = World::founded();
    world.join(2, Role::Worker);
    world.join(3, Role::Worker);
    let moved = Node { control: "192.0.2.99:4790".parse().unwrap(), ..node(2, Role::Worker) };
    assert_eq!(world.ask(2, &Command::PutNode(moved.clone())), Ok(Outcome::Done));
    assert_eq!(world.view.node(node_id(2)), Some(&moved));
    let not_allowed = |outcome| matches!(outcome, Err(Refused::NotAllowed { .. }));
    assert!(not_allowed(world.ask(3, &Command::PutNode(node(2, Role::Worker)))));
    assert!(
        not_allowed(world.ask(2, &Command::PutNode(node(2, Role::Manager)))),
        "no promotion of oneself"
    );
    assert!(not_allowed(world.ask(2, &Command::PutNode(node(9, Role::Worker)))), "no guests");
    assert!(not_allowed(world.ask(2, &Command::SetToken(token()))));
    assert!(not_allowed(world.ask(2, &Command::RemoveNode { id: node_id(3), force: true })));
    assert_eq!(world.ask(1, &Command::SetToken(token())), Ok(Outcome::Done));
}

#[test]
fn no_two_nodes_have_the_half_of_an_id_that_their_endpoints_have() {
    let mut world = World::founded();
    world.join(2, Role::Worker);
    let id = 7 << 64 | 2;
    let put = |id| Command::PutNode(node(id, Role::Worker));
    let refused = Refused::LikeAnother { node: node_id(id), like: node_id(2) };
    assert_eq!(world.ask(1, &put(id)), Err(refused));
    assert_eq!(world.ask(1, &put(2 << 64 | 7)), Ok(Outcome::Done));
}

#[test]
fn a_node_keeps_its_key() {
    let mut world = World::founded();
    world.join(2, Role::Worker);
    let key = PublicKey::from_point([[2; 32]; 2]);
    let other = Command::PutNode(Node { key, ..node(2, Role::Worker) });
    for by in [1, 2] {
        let refused = Refused::OtherKey { node: name("node2") };
        assert_eq!(world.ask(by, &other), Err(refused), "by a manager or by itself");
    }
    let remove = Command::RemoveNode { id: node_id(2), force: true };
    assert_eq!(world.ask(1, &remove), Ok(Outcome::Done));
    assert_eq!(world.ask(1, &other), Ok(Outcome::Done));
}

#[test]
fn node_names_are_given_once() {
    let mut world = World::founded();
    world.join(2, Role::Worker);
    let renamed = |text: &str| Command::PutNode(Node { name: name(text), ..node(2, Role::Worker) });
    let taken = Refused::NodeNameTaken { name: name("node1"), node: node_id(1) };
    assert_eq!(world.ask(2, &renamed("node1")), Err(taken));
    assert_eq!(world.ask(2, &renamed("db")), Ok(Outcome::Done));
    assert_eq!(world.view.node_named(&name("db")).unwrap().id, node_id(2));
    assert_eq!(world.view.node_named(&name("node2")), None);
}

#[test]
fn a_removed_node_leaves_nothing_behind() {
    let mut world = World::founded();
    world.network(named(1, "shop"));
    world.join(2, Role::Worker);
    let block = world.claim(2, 1);
    world.in_use.insert(network_id(1), [node_id(2)].into());
    let remove = |force| Command::RemoveNode { id: node_id(2), force };
    let refused = world.ask(1, &remove(false)).unwrap_err();
    assert_eq!(refused.to_string(), "node node2 is in use: it has endpoints on shop");
    assert_eq!(
        refused.hint(),
        "stop its workloads, or `weft node rm --force node2` if the host is gone for good"
    );
    assert_eq!(world.ask(1, &remove(true)), Ok(Outcome::Done));
    assert_eq!(world.view.block(network_id(1), block.range), None);
    assert!(
        world
            .keys()
            .iter()
            .all(|key| !key.contains("node2") && !key.contains(&node_id(2).to_string()))
    );
    assert_eq!(world.ask(2, &create(9)), Err(Refused::NoSuchNode(node_id(2))));
}

#[test]
fn a_block_that_was_just_freed_is_given_only_when_there_is_no_other() {
    let mut world = World::founded();
    let subnet = Some("10.7.0.0/28".parse().unwrap());
    world.network(NetworkRequest { subnet, ..named(1, "shop") });
    world.join(2, Role::Worker);
    let freed = world.claim(2, 1).range;
    assert_eq!(
        world.ask(1, &Command::RemoveNode { id: node_id(2), force: true }),
        Ok(Outcome::Done)
    );
    world.resting.insert((network_id(1), freed));
    let given = [(); 4].map(|()| world.claim(1, 1).range);
    assert_eq!(given.iter().position(|range| *range == freed), Some(3), "{given:?}");
}

#[test]
fn the_last_manager_stays() {
    let mut world = World::founded();
    let remove = Command::RemoveNode { id: node_id(1), force: true };
    assert_eq!(world.ask(1, &remove), Err(Refused::LastManager { node: name("node1") }));
    let demote = Command::PutNode(node(1, Role::Worker));
    assert_eq!(world.ask(1, &demote), Err(Refused::LastManager { node: name("node1") }));
    world.join(2, Role::Manager);
    assert_eq!(world.ask(1, &demote), Ok(Outcome::Done));
    assert!(matches!(world.ask(1, &remove), Err(Refused::LastManager { .. }) | Ok(Outcome::Done)));
}

#[test]
fn managers_say_who_manages_and_one_is_always_left() {
    let mut world = World::founded();
    world.join(2, Role::Worker);
    let role = |id, role| Command::SetRole { id: node_id(id), role };
    let refused = world.ask(2, &role(2, Role::Manager));
    assert!(matches!(refused, Err(Refused::NotAllowed { .. })), "{refused:?}");
    let last = world.ask(1, &role(1, Role::Worker)).unwrap_err();
    assert!(matches!(last, Refused::LastManager { .. }) && last.hint().contains("promote"));
    for _twice in 0..2 {
        assert_eq!(world.ask(1, &role(2, Role::Manager)), Ok(Outcome::Done));
    }
    assert_eq!(world.view.node(node_id(2)).unwrap().role, Role::Manager);
    assert_eq!(world.ask(2, &role(1, Role::Worker)), Ok(Outcome::Done));
    assert_eq!(world.view.node(node_id(1)).unwrap().role, Role::Worker);
    assert_eq!(world.ask(2, &role(9, Role::Worker)), Err(Refused::NoSuchNode(node_id(9))));
}

#[test]
fn what_was_done_by_a_lost_attempt_is_seen() {
    let mut world = World::founded();
    world.network(named(1, "shop"));
    let remove = Command::RemoveNetwork { id: network_id(1) };
    assert!(!remove.is_seen_in(&world.view));
    assert_eq!(world.ask(1, &remove), Ok(Outcome::Done));
    assert!(remove.is_seen_in(&world.view) && world.ask(1, &remove).is_err());
}

#[test]
fn counters_come_last() {
    let mut world = World::founded();
    world.network(request(1));
    for command in
        [create(2), Command::ClaimBlock { network: network_id(1), want: Want::Next, known: None }]
    {
        let decision = world.decide(1, &command).unwrap();
        let last = match decision.txn.ops.last() {
            Some(Op::Put { key, .. }) => Key::parse(key).unwrap().unwrap(),
            other => panic!("{other:?}"),
        };
        assert!(matches!(last, Key::Networks | Key::BlocksOf(_)), "{last}");
    }
}

/// A registry that commits at once.
struct World {
    view: View,
    in_use: BTreeMap<NetworkId, BTreeSet<NodeId>>,
    resting: BTreeSet<(NetworkId, IpNet)>,
    random: u128,
}

impl World {
    fn empty() -> Self {
        Self { view: View::default(), in_use: BTreeMap::new(), resting: BTreeSet::new(), random: 0 }
    }

    fn founded() -> Self {
        let mut world = Self::empty();
        world.ask(1, &found()).unwrap();
        world
    }

    fn join(&mut self, id: u128, role: Role) {
        self.ask(1, &Command::PutNode(node(id, role))).unwrap();
    }

    fn network(&mut self, request: NetworkRequest) -> Network {
        match self.ask(1, &Command::CreateNetwork(request)).unwrap() {
            Outcome::Network(network) => network,
            other => panic!("{other:?}"),
        }
    }

    fn claim(&mut self, by: u128, network: u128) -> Block {
        let command =
            Command::ClaimBlock { network: network_id(network), want: Want::Next, known: None };
        match self.ask(by, &command).unwrap() {
            Outcome::Block(block) => block,
            other => panic!("{other:?}"),
        }
    }

    fn decide(&self, by: u128, command: &Command) -> Result<Decision, Refused> {
        let situation = Situation {
            view: &self.view,
            by: node_id(by),
            in_use: &self.in_use,
            resting: &self.resting,
        };
        decide(&situation, command, &mut || self.random)
    }

    fn ask(&mut self, by: u128, command: &Command) -> Result<Outcome, Refused> {
        let decision = self.decide(by, command)?;
        for condition in &decision.txn.conditions {
            let key = match condition {
                Condition::Absent(key) | Condition::Present(key) => key,
                Condition::Unchanged { key, .. } => key,
            };
            assert!(Key::parse(key).unwrap().is_some(), "{key}");
        }
        let revision = self.view.revision() + 1;
        for op in decision.txn.ops {
            let (key, value) = match op {
                Op::Put { key, value, .. } => (key, Some(value)),
                Op::Delete { key } => (key, None),
            };
            self.view.apply(&Change { revision, key, value }).unwrap();
        }
        Ok(decision.outcome)
    }

    fn keys(&self) -> Vec<String> {
        self.view.to_snapshot().entries.into_iter().map(|entry| entry.key).collect()
    }
}

fn found() -> Command {
    let cluster = Cluster {
        id: "c1".into(),
        name: name("east"),
        vxlan_port: 4789,
        pools: vec![net("10.64.0.0/16")],
        subnet_prefix: 24,
        address_rest: Duration::from_secs(60),
        certificate_life: crate::CERTIFICATE_LIFE,
        ca_pem: String::new(),
        ca_generation: 0,
        former_ca_pem: None,
        keeping: Keeping::Managers,
    };
    Command::Found { cluster, node: node(1, Role::Manager), tokens: vec![token()] }
}

fn token() -> TokenHash {
    TokenHash { role: Role::Worker, salt: String::new(), sha256: "ab".into(), expires_at: None }
}

fn node(id: u128, role: Role) -> Node {
    Node {
        id: node_id(id),
        key: PublicKey::from_point([[1; 32]; 2]),
        name: name(&format!("node{id}")),
        role,
        vtep: Vtep([192, 0, 2, 1].into()),
        control: "192.0.2.1:4790".parse().unwrap(),
    }
}

fn create(id: u128) -> Command {
    Command::CreateNetwork(request(id))
}

fn request(id: u128) -> NetworkRequest {
    NetworkRequest::new(network_id(id))
}

fn named(id: u128, text: &str) -> NetworkRequest {
    NetworkRequest { name: Some(name(text)), ..request(id) }
}

fn network_id(id: u128) -> NetworkId {
    NetworkId::from_random(id)
}

fn node_id(id: u128) -> NodeId {
    NodeId::from_random(id)
}

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn net(text: &str) -> IpNet {
    text.parse().unwrap()
}
