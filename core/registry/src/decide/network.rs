//! Networks are made, named and removed.

use std::collections::BTreeMap;

use ipnet::IpNet;
use weft_addresses::next_subnet;
use weft_model::{Name, Network, NetworkId, Subnet, Vni};

use super::draft::{Draft, already};
use super::{Decision, Outcome, Situation, called, node_called, quarantine};
use crate::{Cluster, Key, NetworkRequest, Quarantine, Refused, View};

pub(super) fn create(
    situation: &Situation<'_>,
    cluster: &Cluster,
    request: &NetworkRequest,
    random: u128,
) -> Result<Decision, Refused> {
    let view = situation.view;
    if let Some(network) = view.network(request.id) {
        return Ok(already(Outcome::Network(network.clone())));
    }
    if view.has_counted(&Key::BlocksOf(request.id)) {
        return Err(Refused::NetworkGone(request.id));
    }
    if let Some(name) = &request.name {
        must_be_free(view, name)?;
    }
    let range = match request.subnet {
        Some(range) => range,
        None => free_subnet(view, cluster, &request.avoid)?,
    };
    let subnet = Subnet::new(range, request.gateway, request.reserved.clone())?;
    must_not_overlap(view, range)?;
    let network = Network {
        id: request.id,
        name: request.name.clone(),
        vni: vni(view, request.vni, random)?,
        subnets: vec![subnet],
        mtu: request.mtu,
        internal: request.internal,
        options: request.options.clone(),
        labels: request.labels.clone(),
    };
    Ok(made(view, network))
}

fn made(view: &View, network: Network) -> Decision {
    let key = Key::Network(network.id);
    let vni = Key::Vni(network.vni);
    let draft = Draft::new(view).absent(&key).put(&key, &network);
    let draft = draft.absent(&Key::BlocksOf(network.id));
    let draft = draft.absent(&Key::Quarantine(network.vni));
    let draft = draft.absent(&vni).put(&vni, &network.id);
    let draft = match &network.name {
        Some(name) => with_name(draft, name, network.id),
        None => draft,
    };
    draft.count(&Key::Networks).decided(Outcome::Network(network))
}

pub(super) fn name(
    situation: &Situation<'_>,
    id: NetworkId,
    name: &Name,
    labels: &BTreeMap<String, String>,
) -> Result<Decision, Refused> {
    let view = situation.view;
    let network = view.network(id).ok_or(Refused::NoSuchNetwork(id))?;
    let key = Key::Network(id);
    let draft = Draft::new(view).unchanged(&key);
    let draft = match &network.name {
        Some(has) if has != name => return Err(Refused::Named { name: has.clone() }),
        Some(_) if network.labels == *labels => {
            return Ok(already(Outcome::Network(network.clone())));
        }
        Some(_) => draft,
        None => {
            must_be_free(view, name)?;
            with_name(draft, name, id)
        }
    };
    let network = Network { name: Some(name.clone()), labels: labels.clone(), ..network.clone() };
    Ok(draft.put(&key, &network).decided(Outcome::Network(network)))
}

pub(super) fn remove(situation: &Situation<'_>, id: NetworkId) -> Result<Decision, Refused> {
    let view = situation.view;
    let network = view.network(id).ok_or(Refused::NoSuchNetwork(id))?;
    let by: Vec<String> = situation
        .in_use
        .get(&id)
        .into_iter()
        .flatten()
        .map(|node| node_called(view, *node))
        .collect();
    if !by.is_empty() {
        return Err(Refused::NetworkInUse { network: called(network), by });
    }
    let (key, counter) = (Key::Network(id), Key::BlocksOf(id));
    let draft = quarantine::begin(Draft::new(view).unchanged(&key), view, network);
    let blocks = view.blocks(id).map(|block| Key::Block(id, block.range));
    let draft = blocks.fold(draft, |draft, block| draft.delete(&block));
    let draft = match &network.name {
        Some(name) => draft.delete(&Key::NetworkName(name.clone())),
        None => draft,
    };
    let draft = draft.delete(&Key::Vni(network.vni)).delete(&key);
    // The counter stays for ever: a request that comes late cannot make the network again.
    Ok(draft.count(&counter).decided(Outcome::Done))
}

fn with_name<'a>(draft: Draft<'a>, name: &Name, id: NetworkId) -> Draft<'a> {
    let key = Key::NetworkName(name.clone());
    draft.absent(&key).put(&key, &id)
}

fn must_be_free(view: &View, name: &Name) -> Result<(), Refused> {
    match view.network_with_name(name) {
        Some(network) => Err(Refused::NameTaken { name: name.clone(), network }),
        None => Ok(()),
    }
}

fn must_not_overlap(view: &View, subnet: IpNet) -> Result<(), Refused> {
    let overlap =
        subnets(view).find(|(_, other)| other.contains(&subnet) || subnet.contains(other));
    match overlap {
        Some((network, other)) => {
            Err(Refused::SubnetOverlaps { subnet, other, network: called(network) })
        }
        None => Ok(()),
    }
}

fn free_subnet(view: &View, cluster: &Cluster, avoid: &[IpNet]) -> Result<IpNet, Refused> {
    let taken: Vec<IpNet> =
        subnets(view).map(|(_, range)| range).chain(avoid.iter().copied()).collect();
    next_subnet(&cluster.pools, cluster.subnet_prefix, &taken, &[]).ok_or(Refused::NoSubnetLeft)
}

fn subnets(view: &View) -> impl Iterator<Item = (&Network, IpNet)> {
    view.networks()
        .values()
        .flat_map(|network| network.subnets.iter().map(move |subnet| (network, subnet.range)))
}

fn resting(view: &View, of: &Quarantine) -> Refused {
    let network = of.name.as_ref().map_or_else(|| of.network.short(), ToString::to_string);
    let by = of.nodes.iter().map(|node| node_called(view, *node)).collect();
    Refused::VniResting { vni: of.vni, network, by }
}

/// The wanted VNI, or a random one, or the next free one after that.
fn vni(view: &View, wanted: Option<Vni>, random: u128) -> Result<Vni, Refused> {
    if let Some(vni) = wanted {
        let holder = view.network_of(vni);
        return match (holder, view.quarantine(vni)) {
            (Some(network), _) => Err(Refused::VniTaken { vni, network: called(network) }),
            (None, Some(of)) => Err(resting(view, of)),
            (None, None) => Ok(vni),
        };
    }
    let [a, b, c, d, ..] = random.to_be_bytes();
    let first = Vni::from_random(u32::from_be_bytes([a, b, c, d])).number();
    let after = (first..=Vni::MAX).chain(Vni::MIN..first);
    let mut free = after.filter_map(|n| Vni::try_from(n).ok());
    free.find(|vni| !view.vni_is_taken(*vni)).ok_or(Refused::NoVniLeft)
}
