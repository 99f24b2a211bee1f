//! `/v1/networks/{reference}/tables`: what this host's kernel holds of a network.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Path, State};
use weft_api::{AddressRow, ApiProblem, HomeRow, NetworkTables, ProblemKind};
use weft_model::{MacAddr, Vni};
use weft_plan::{Engine, FdbSeen, IfName, LinkSeen, NeighborSeen, Observed};

use super::json::{Json, Reply};
use crate::agent::Agent;
use crate::problem::problem;

/// What this host's kernel holds of a network, read now.
#[utoipa::path(get, path = "/v1/networks/{reference}/tables",
    params(("reference" = String, Path)),
    responses((status = 200, body = NetworkTables), (status = "default", body = ApiProblem)))]
pub(super) async fn tables(
    State(agent): State<Arc<Agent>>,
    Path(reference): Path<String>,
) -> Reply<NetworkTables> {
    let network = agent.need()?.fabric.network(&reference)?;
    let observed = agent.observed().await?;
    Ok(Json(of(network.vni, &observed).ok_or_else(|| {
        let what = format!("this host holds nothing of network {reference}");
        problem(ProblemKind::NotFound, what, "only hosts with an endpoint on it do")
    })?))
}

fn of(vni: Vni, observed: &Observed) -> Option<NetworkTables> {
    if let Some(seen) = observed.woven.get(&vni) {
        return Some(view(vni, Engine::Bpf, (&seen.fdb, &seen.neighbors, &seen.ports)));
    }
    let seen = observed.segments.get(&vni)?;
    Some(view(vni, Engine::Bridge, (&seen.fdb, &seen.neighbors, &seen.ports)))
}

type Seen<'a> = (
    &'a BTreeMap<MacAddr, FdbSeen>,
    &'a BTreeMap<IpAddr, NeighborSeen>,
    &'a BTreeMap<IfName, LinkSeen>,
);

fn view(vni: Vni, engine: Engine, (fdb, neighbors, ports): Seen<'_>) -> NetworkTables {
    let homes = fdb.iter().filter_map(|(mac, seen)| match seen {
        FdbSeen::At(host) => Some(HomeRow { mac: *mac, host: host.0 }),
        FdbSeen::Foreign => None,
    });
    let addresses = neighbors.iter().filter_map(|(address, seen)| match seen {
        NeighborSeen::Permanent(mac) => Some(AddressRow { address: *address, mac: *mac }),
        NeighborSeen::Aging => None,
    });
    NetworkTables {
        vni: vni.number(),
        engine: engine.to_string(),
        homes: homes.collect(),
        addresses: addresses.collect(),
        ports: ports.keys().map(ToString::to_string).collect(),
    }
}
