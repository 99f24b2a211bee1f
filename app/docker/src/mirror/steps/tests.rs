use std::sync::Arc;

use weft_model::{Network as Overlay, Vni};

use super::*;

fn id(n: u128) -> NetworkId {
    NetworkId::from_random(n)
}

fn subnet(range: &str) -> Subnet {
    Subnet::new(range.parse().unwrap(), None, BTreeSet::new()).unwrap()
}

/// A cluster network, and what Docker calls it here.
fn cluster(entries: &[(u128, Option<&str>, &[&str])]) -> Cluster {
    let entry = |(n, name, here): &(u128, Option<&str>, &[&str])| {
        let network = Overlay {
            id: id(*n),
            name: name.map(|name| name.parse().unwrap()),
            vni: Vni::from_random(0),
            subnets: vec![subnet(&format!("10.{n}.0.0/16"))],
            mtu: None,
            internal: false,
            options: BTreeMap::new(),
            labels: BTreeMap::new(),
        };
        let here = here.iter().map(|id| DockerNetworkId((*id).to_owned())).collect();
        (id(*n), ClusterNetwork { network: Arc::new(network), here })
    };
    entries.iter().map(entry).collect()
}

fn docker(id: &str, name: &str, driver: &str) -> Network {
    Network { id: id.into(), name: name.into(), driver: driver.into(), ..Network::default() }
}

fn marked(docker_id: &str, name: &str, n: u128) -> Network {
    let options = BTreeMap::from([(CLUSTER_ID.to_owned(), id(n).to_string())]);
    Network { options, ..docker(docker_id, name, DRIVER) }
}

/// The steps in few words.
#[track_caller]
fn check(cluster: &Cluster, docker: &[Network], expected: &[&str]) {
    let word = |step: Step| match step {
        Step::Adopt { docker_id, .. } => format!("adopt {docker_id}"),
        Step::Name { docker_id, name, .. } => format!("name {docker_id} {name}"),
        Step::Lost(docker_id) => format!("lost {docker_id}"),
        Step::Remove { docker_id, .. } => format!("remove {docker_id}"),
        Step::Create(copy) => format!("create {}", copy.network.name),
        Step::Collision { refusal, .. } => refusal.to_string(),
    };
    let steps: Vec<_> = steps(cluster, docker).into_iter().map(word).collect();
    assert_eq!(steps, expected);
}

#[test]
fn nothing_is_done_when_both_sides_agree() {
    let foreign = docker("b", "bridge", "bridge");
    check(&cluster(&[]), std::slice::from_ref(&foreign), &[]);
    let both = [foreign, docker("d1", "app", DRIVER), marked("d2", "shop", 2)];
    check(&cluster(&[(1, Some("app"), &["d1"]), (2, Some("shop"), &["d2"])]), &both, &[]);
}

#[test]
fn a_named_network_that_docker_lacks_is_made() {
    check(&cluster(&[(1, Some("app"), &[]), (2, None, &[])]), &[], &["create app"]);
}

#[test]
fn a_network_that_a_user_made_here_is_named_once() {
    let docker = [docker("d1", "app", DRIVER)];
    check(&cluster(&[(1, None, &["d1"])]), &docker, &["name d1 app"]);
    check(&cluster(&[(1, Some("app"), &["d1"])]), &docker, &[]);
}

#[test]
fn a_copy_whose_cluster_network_is_gone_is_removed() {
    let docker = [marked("d1", "app", 1), docker("d2", "shop", DRIVER)];
    check(&cluster(&[]), &docker, &["remove d1", "remove d2"]);
}

#[test]
fn a_copy_that_the_overlay_does_not_know_is_adopted_by_its_mark() {
    check(&cluster(&[(1, Some("app"), &[])]), &[marked("d1", "app", 1)], &["adopt d1"]);
}

#[test]
fn a_network_without_a_mark_is_adopted_by_name_and_subnet() {
    let with = |range: &str| {
        let config = vec![IpamConfig { subnet: range.into(), ..IpamConfig::default() }];
        let ipam = Ipam { driver: DRIVER.into(), config };
        [Network { ipam, ..docker("d1", "App", DRIVER) }]
    };
    let cluster = cluster(&[(1, Some("app"), &[])]);
    check(&cluster, &with("10.1.0.0/16"), &["adopt d1"]);
    check(&cluster, &with("10.2.0.0/16"), &["remove d1", "create app"]);
}

#[test]
fn a_copy_that_docker_does_not_list_is_lost_and_made_again() {
    check(&cluster(&[(1, Some("app"), &["d1"])]), &[], &["lost d1", "create app"]);
    check(&cluster(&[(1, None, &["d1"])]), &[], &["lost d1"]);
}

#[test]
fn a_foreign_network_of_the_same_name_is_told_and_left_alone() {
    check(
        &cluster(&[(1, Some("app"), &[])]),
        &[docker("b", "app", "bridge")],
        &["network app of the cluster is missing in this host's Docker: Docker has another \
           network app, of driver bridge — try: docker network rm app, and the cluster's \
           appears by itself; or another name for one"],
    );
}

#[test]
fn two_hosts_that_made_the_same_name_at_once_are_told() {
    let cluster = cluster(&[(1, Some("app"), &[]), (2, None, &["d2"])]);
    let steps = steps(&cluster, &[docker("d2", "app", DRIVER)]);
    assert!(matches!(steps.as_slice(), [Step::Name { .. }, Step::Collision { .. }]), "{steps:?}");
}

#[test]
fn a_copy_has_everything_that_the_network_has() {
    let mut cluster = cluster(&[(1, Some("app"), &[])]);
    let entry = cluster.get_mut(&id(1)).unwrap();
    let network = Arc::make_mut(&mut entry.network);
    network.internal = true;
    network.options.insert("mtu".into(), "1300".into());
    network.labels.insert("com.docker.compose.network".into(), "app".into());
    network.subnets[0].reserved.insert([10, 1, 0, 5].into());
    let steps = steps(&cluster, &[]);
    let [Step::Create(copy)] = steps.as_slice() else { panic!("{steps:?}") };
    assert_eq!(
        serde_json::to_value(&copy.network).unwrap(),
        serde_json::json!({
            "Name": "app", "Driver": "weft", "CheckDuplicate": true, "Internal": true,
            "Options": {"mtu": "1300", "weft.network": id(1).to_string()},
            "Labels": {"com.docker.compose.network": "app"},
            "IPAM": {"Driver": "weft", "Config": [{"Subnet": "10.1.0.0/16",
                "Gateway": "10.1.0.1", "AuxiliaryAddresses": {"reserved0": "10.1.0.5"}}]},
        })
    );
}
