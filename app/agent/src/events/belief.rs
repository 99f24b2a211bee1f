//! What a picture says, as the history keeps it.

use weft_events::{Belief, Row};
use weft_membership::Standing;

use crate::state::Picture;

impl From<&Picture> for Belief {
    fn from(picture: &Picture) -> Self {
        let down = picture.standings.iter();
        let down = down.filter(|(_, standing)| {
            matches!(standing, Standing::Down { .. } | Standing::Indirect { .. })
        });
        let blocks = picture.view.networks().keys().flat_map(|network| {
            let of = picture.view.blocks_of(*network, picture.me.id);
            of.map(|block| (block.network, block.range))
        });
        let row = |located: &weft_path::Located| Row {
            network: located.network,
            owner: located.owner,
            endpoint: located.endpoint.clone(),
            visible: located.visible,
        };
        let mirrored = picture.docker_networks.iter();
        Self {
            nodes: picture.view.nodes().clone(),
            down: down.map(|(id, _)| *id).collect(),
            networks: picture.view.networks().clone(),
            endpoints: picture.facts.endpoints.iter().map(|(id, at)| (*id, row(at))).collect(),
            blocks: blocks.collect(),
            leases: picture.leased.iter().map(|held| (held.network, held.address)).collect(),
            mirrored: mirrored.map(|(docker, of)| (docker.to_string(), *of)).collect(),
            managed: picture.managed,
            disowned: picture.disowned,
        }
    }
}
