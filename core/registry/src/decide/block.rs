//! Who may lease which addresses.

use std::net::IpAddr;

use ipnet::IpNet;
use weft_addresses::{block_holding, next_block, without};
use weft_model::{Network, NetworkId, NodeId};

use super::draft::{Draft, already};
use super::{Decision, Outcome, Situation, called, node_called};
use crate::{Block, Key, Refused, Want};

pub(super) fn claim(
    situation: &Situation<'_>,
    network: NetworkId,
    want: Want,
    known: Option<u64>,
) -> Result<Decision, Refused> {
    let network = situation.view.network(network).ok_or(Refused::NoSuchNetwork(network))?;
    let range = match want {
        Want::Next => match on_its_way(situation, network.id, known) {
            Some(block) => return Ok(already(Outcome::Block(block))),
            None => next(situation, network)?,
        },
        Want::Holding(address) => match owned(situation, network, address)? {
            Some(block) => return Ok(already(Outcome::Block(block))),
            None => holding(situation, network, address)?,
        },
    };
    Ok(give(situation, network.id, range))
}

pub(super) fn release(
    situation: &Situation<'_>,
    network: NetworkId,
    range: IpNet,
) -> Result<Decision, Refused> {
    match situation.view.block(network, range) {
        None => Ok(already(Outcome::Done)),
        Some(block) if block.owner != situation.by => {
            let what = "give back another node's block";
            Err(Refused::NotAllowed { by: situation.by, what })
        }
        Some(_) => {
            let key = Key::Block(network, range);
            let draft = Draft::new(situation.view).unchanged(&key).delete(&key);
            Ok(draft.decided(Outcome::Done))
        }
    }
}

pub(super) fn cede(
    situation: &Situation<'_>,
    network: NetworkId,
    address: IpAddr,
    to: NodeId,
) -> Result<Decision, Refused> {
    let Situation { view, by, .. } = *situation;
    let Some(old) = view.blocks(network).find(|block| block.range.contains(&address)) else {
        return Err(Refused::NotAllowed { by, what: "give away an address that it does not have" });
    };
    if old.owner == to {
        return Ok(already(Outcome::Block(*old)));
    }
    if old.owner != by {
        return Err(Refused::NotAllowed { by, what: "give away another node's address" });
    }
    view.node(to).ok_or(Refused::NoSuchNode(to))?;
    let counter = Key::BlocksOf(network);
    let generation = view.next(&counter);
    let ceded = Block { network, range: IpNet::from(address), owner: to, generation };
    let key = |block: &Block| Key::Block(network, block.range);
    // Emptied before it is filled: at no moment do two blocks overlap.
    let draft = Draft::new(view).present(&Key::Node(to)).unchanged(&key(old)).delete(&key(old));
    let kept = without(old.range, address).into_iter().map(|range| Block { range, ..*old });
    let draft = kept.fold(draft, |draft, block| draft.put(&key(&block), &block));
    Ok(draft.put(&key(&ceded), &ceded).count(&counter).decided(Outcome::Block(ceded)))
}

/// A block of the asker's that it does not know of yet.
fn on_its_way(situation: &Situation<'_>, network: NetworkId, known: Option<u64>) -> Option<Block> {
    let own = situation.view.blocks_of(network, situation.by);
    let newest = own.max_by_key(|block| block.generation)?;
    (newest.generation > known?).then_some(*newest)
}

fn next(situation: &Situation<'_>, network: &Network) -> Result<IpNet, Refused> {
    let view = situation.view;
    let taken: Vec<IpNet> = view.blocks(network.id).map(|block| block.range).collect();
    let own: Vec<IpNet> =
        view.blocks_of(network.id, situation.by).map(|block| block.range).collect();
    let resting = situation.resting.iter().filter(|(of, _)| *of == network.id);
    let avoided: Vec<IpNet> = taken.iter().copied().chain(resting.map(|(_, r)| *r)).collect();
    let beside = |taken: &[IpNet]| network.subnets.iter().find_map(|s| next_block(s, taken, &own));
    let found = beside(&avoided).or_else(|| beside(&taken));
    match (found, network.subnets.first()) {
        (Some(range), _) => Ok(range),
        (None, Some(subnet)) => {
            Err(Refused::SubnetFull { network: called(network), subnet: subnet.range })
        }
        (None, None) => Err(Refused::NoSubnetLeft),
    }
}

/// The asker's own block around the address, if there is one already.
fn owned(
    situation: &Situation<'_>,
    network: &Network,
    address: IpAddr,
) -> Result<Option<Block>, Refused> {
    let assignable = network.subnet_of(address).is_some_and(|subnet| subnet.is_assignable(address));
    if !assignable {
        return Err(Refused::NotAssignable { address, network: called(network) });
    }
    match situation.view.blocks(network.id).find(|block| block.range.contains(&address)) {
        Some(block) if block.owner != situation.by => Err(Refused::AddressTaken {
            address,
            block: block.range,
            owner: node_called(situation.view, block.owner),
        }),
        block => Ok(block.copied()),
    }
}

fn holding(
    situation: &Situation<'_>,
    network: &Network,
    address: IpAddr,
) -> Result<IpNet, Refused> {
    let taken: Vec<IpNet> = situation.view.blocks(network.id).map(|block| block.range).collect();
    let subnet = network.subnet_of(address);
    subnet
        .and_then(|subnet| block_holding(subnet, &taken, address))
        .ok_or_else(|| Refused::NotAssignable { address, network: called(network) })
}

fn give(situation: &Situation<'_>, network: NetworkId, range: IpNet) -> Decision {
    let counter = Key::BlocksOf(network);
    let generation = situation.view.next(&counter);
    let block = Block { network, range, owner: situation.by, generation };
    let key = Key::Block(network, range);
    Draft::new(situation.view)
        .present(&Key::Network(network))
        .present(&Key::Node(situation.by))
        .absent(&key)
        .put(&key, &block)
        .count(&counter)
        .decided(Outcome::Block(block))
}
