//! What a member can do: networks, addresses, attachments. Used by the admin API and by Docker.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ipnet::IpNet;
use tokio::sync::{Mutex, watch};
use tokio::time::timeout;
use weft_api::{ApiProblem, ProblemKind};
use weft_membership::Standing;
use weft_model::{EndpointId, Mtu, Name, Network, NetworkId, NodeId, Subnet, Vni};
use weft_registry::{Command, NetworkRequest, Outcome, Refused, View, Want};

use crate::local::Attachment;
use crate::pause::{Pause, paused};
use crate::problem::{Answer, not_found, problem};
use crate::reconcile::Reconciled;
use crate::registry::Commander;
use crate::state::{LeaseRefused, StateHandle};

/// How long the kernel may take to become as desired.
const PROGRAMMING: Duration = Duration::from_secs(10);
/// How long others may take to say what they have on a network, or to be told what is new.
pub(crate) const ACQUAINTED: Duration = Duration::from_millis(500);
/// How often an address is tried after a new block came in.
const LEASE_ATTEMPTS: usize = 5;

/// A member's abilities.
#[derive(Clone, Debug)]
pub(crate) struct Fabric {
    /// The registry.
    pub(crate) registry: Commander,
    /// This node's own state.
    pub(crate) state: StateHandle,
    /// How far the kernel is.
    pub(crate) reconciled: watch::Receiver<Option<Reconciled>>,
    /// Whether the kernel is left alone.
    pub(crate) pause: Pause,
    /// Addresses go to other nodes one after the other.
    pub(crate) ceding: Arc<Mutex<()>>,
    /// So are blocks claimed: what one brings may do for who waits behind it.
    pub(crate) claiming: Arc<Mutex<()>>,
}

impl Fabric {
    /// The registry as it is known here.
    pub(crate) fn view(&self) -> Arc<View> {
        self.registry.view()
    }

    /// What the underlay leaves inside VXLAN.
    pub(crate) fn inner_mtu(&self) -> Mtu {
        self.state.picture().facts.inner_mtu
    }

    /// A network by name, id, or the unambiguous beginning of an id.
    pub(crate) fn network(&self, reference: &str) -> Answer<Network> {
        let view = self.view();
        let named = reference.parse::<Name>().ok().and_then(|n| view.network_named(&n).cloned());
        if let Some(network) = named {
            return Ok(network);
        }
        let mut begun =
            view.networks().values().filter(|n| n.id.to_string().starts_with(reference));
        match (begun.next(), begun.next()) {
            (Some(network), None) if !reference.is_empty() => Ok(network.clone()),
            _ => Err(not_found("network", reference)),
        }
    }

    /// The network that has a subnet.
    pub(crate) fn network_with(&self, subnet: IpNet) -> Option<Network> {
        let of = |network: &&Network| network.subnets.iter().any(|s| s.range == subnet);
        self.view().networks().values().find(of).cloned()
    }

    /// The hosts' and every network's ranges: what a new subnet must not overlap.
    pub(crate) async fn taken_ranges(&self) -> Vec<IpNet> {
        let mut taken = self.registry.routes().await;
        let view = self.view();
        taken.extend(view.networks().values().flat_map(|n| n.subnets.iter().map(|s| s.range)));
        taken
    }

    /// Makes a network that exists on every host from then on.
    pub(crate) async fn create_network(&self, request: NetworkRequest) -> Answer<Network> {
        let left = self.inner_mtu();
        if let Some(mtu) = request.mtu.filter(|mtu| *mtu > left) {
            let what = format!("an MTU of {mtu} does not fit: the underlay leaves {left}");
            let hint = format!("take {left} or less, or leave the MTU out");
            return Err(problem(ProblemKind::BadInput, what, hint));
        }
        check_subnet(&request)?;
        // A subnet that somebody chose is not held against routes, so that nobody is waited for.
        let avoid = match request.subnet {
            None => self.registry.routes().await,
            Some(_chosen) => Vec::new(),
        };
        let request = NetworkRequest { avoid, ..request };
        match self.registry.command(Command::CreateNetwork(request)).await? {
            Outcome::Network(network) => Ok(network),
            _other => Err(unexpected()),
        }
    }

    /// Removes a network that nobody uses.
    pub(crate) async fn remove_network(&self, id: NetworkId) -> Answer<()> {
        self.registry.command(Command::RemoveNetwork { id }).await.map(|_done| ())
    }

    /// Leases an address, with a new block if the ones that this node has are used up.
    pub(crate) async fn lease(&self, network: NetworkId, want: Option<IpAddr>) -> Answer<IpAddr> {
        let mut claiming = None;
        for _attempt in 0..LEASE_ATTEMPTS {
            match self.state.lease(network, want).await {
                Ok(address) => return Ok(address),
                Err(LeaseRefused::Refused(problem)) => return Err(problem),
                // A claim that was under way until now may have brought what is needed.
                Err(LeaseRefused::NeedsNext { .. }) if claiming.is_none() => {
                    claiming = Some(self.claiming.lock().await);
                }
                Err(LeaseRefused::NeedsNext { known, rest }) => {
                    let claimed = self.claim_next(network, known).await;
                    claimed.map_err(|refused| or_wait(refused, rest))?;
                }
                Err(LeaseRefused::NeedsHolding(address)) => self.claim(network, address).await?,
            }
        }
        Err(problem(
            ProblemKind::Unavailable,
            "other workloads took every address of the new blocks",
            "try again in a moment",
        ))
    }

    /// Claims the next block before the present ones, of which `known` is the newest, are used up.
    pub(crate) async fn claim_ahead(&self, network: NetworkId, known: u64) -> Answer<()> {
        let _one_at_a_time = self.claiming.lock().await;
        self.claim_next(network, known).await
    }

    /// Brings the block after `known`, which may be this node's already and on its way here.
    async fn claim_next(&self, network: NetworkId, known: u64) -> Answer<()> {
        let (want, known) = (Want::Next, Some(known));
        self.registry.command(Command::ClaimBlock { network, want, known }).await.map(drop)
    }

    /// Brings a block with `address`, or this address of another node's block.
    async fn claim(&self, network: NetworkId, address: IpAddr) -> Answer<()> {
        if let Some(owner) = self.registry.owner(network, address) {
            return self.registry.obtain(network, address, owner).await;
        }
        let claim = Command::ClaimBlock { network, want: Want::Holding(address), known: None };
        self.registry.command(claim).await.map(drop)
    }

    /// Lets node `to` have an address of this node's that nobody uses.
    pub(crate) async fn cede(
        &self,
        network: NetworkId,
        address: IpAddr,
        to: NodeId,
    ) -> Answer<Outcome> {
        let _one_at_a_time = self.ceding.lock().await;
        let range = self.state.set_aside(network, address).await?;
        let command = Command::CedeAddress { network, address, to };
        let outcome = self.registry.command(command).await;
        if outcome.is_ok() {
            self.registry.owned(network, address, to).await;
        }
        self.state.ceded(network, address, range).await?;
        outcome
    }

    /// Attaches a workload and waits until the kernel has its port; for one that may begin to talk, also
    /// until the ways to all others are there.
    pub(crate) async fn attach(&self, attachment: Attachment) -> Answer<()> {
        let (network, joined) = (attachment.network, attachment.joined);
        let generation = self.state.attach(attachment).await?;
        self.programmed(generation).await?;
        match self.view().network(network) {
            Some(network) if joined => self.acquainted(network.vni).await,
            _ => Ok(()),
        }
    }

    /// The first workload that this host has on a network would find nobody, were it faster than those
    /// who are asked what they have there. Whoever does not answer is not waited for long.
    async fn acquainted(&self, network: Vni) -> Answer<()> {
        let all_said = self.state.once(|picture| !picture.unheard.contains(&network));
        match timeout(ACQUAINTED, all_said).await {
            Ok(generation) => self.programmed(generation?).await,
            Err(_elapsed) => Ok(()),
        }
    }

    /// Waits until those who are on its network know the way to an endpoint of this node's: a packet of
    /// it that came before its row would be a stranger's. In a large network nobody is waited for.
    pub(crate) async fn introduce(&self, network: NetworkId, endpoint: EndpointId) {
        let picture = self.state.picture();
        let up = |node: &NodeId| picture.standings.get(node) == Some(&Standing::Up);
        let others: Vec<NodeId> =
            picture.in_use.get(&network).into_iter().flatten().copied().filter(up).collect();
        if others.len() <= weft_whereabouts::SMALL {
            self.registry.introduce(endpoint, others).await;
        }
    }

    /// Waits until the kernel knows the way to an endpoint.
    pub(crate) async fn has(&self, endpoint: EndpointId) -> Answer<()> {
        let told = self.state.once(|picture| picture.facts.endpoints.contains_key(&endpoint));
        match timeout(ACQUAINTED, told).await {
            Ok(generation) => self.programmed(generation?).await,
            Err(_elapsed) => Err(not_found("endpoint", &endpoint.to_string())),
        }
    }

    /// Detaches a workload and lets its addresses rest.
    pub(crate) async fn detach(&self, id: EndpointId) -> Answer<Option<Attachment>> {
        let Some((attachment, _generation)) = self.state.detach(id).await? else { return Ok(None) };
        for address in &attachment.endpoint.addresses {
            self.state.release(attachment.network, *address).await?;
        }
        Ok(Some(attachment))
    }

    /// Waits until the kernel has been brought to `generation`.
    pub(crate) async fn programmed(&self, generation: u64) -> Answer<()> {
        let (mut reconciled, mut turns) = (self.reconciled.clone(), self.pause.turns());
        let done = reconciled
            .wait_for(|done| done.as_ref().is_some_and(|done| done.generation >= generation));
        let done = tokio::select! {
            biased;
            done = timeout(PROGRAMMING, done) => done.map_err(|_elapsed| slow())?,
            Ok(_paused) = turns.wait_for(|paused| *paused) => return Err(paused()),
        };
        let done = done.map_err(|_closed| crate::problem::stopping())?;
        let failure = done.as_ref().and_then(|done| done.failures.first());
        failure.map_or(Ok(()), |failure| {
            let what = format!("{}: {}", failure.what, failure.why);
            Err(problem(ProblemKind::Internal, what, failure.hint.clone()))
        })
    }
}

/// What no registry would take is said here, as the mistake that it is.
fn check_subnet(request: &NetworkRequest) -> Answer<()> {
    let Some(range) = request.subnet else { return Ok(()) };
    let checked = Subnet::new(range, request.gateway, request.reserved.clone());
    checked.map(|_subnet| ()).map_err(|error| {
        let refused = Refused::from(error);
        problem(ProblemKind::BadInput, refused.to_string(), refused.hint())
    })
}

/// Whoever gets no other block may wait for addresses that `rest` until then.
fn or_wait(refused: ApiProblem, rest: Option<Instant>) -> ApiProblem {
    let Some(until) = rest else { return refused };
    let left = until.saturating_duration_since(Instant::now()).as_secs() + 1;
    let what = format!(
        "every free address of this host was in use a moment ago: the first is free again in {left} s"
    );
    let cause = std::iter::once(refused.error).chain(refused.cause).collect();
    let hint = format!("wait so long, or {}", refused.hint);
    ApiProblem { cause, ..problem(refused.kind, what, hint) }
}

fn slow() -> ApiProblem {
    problem(
        ProblemKind::Internal,
        format!("the kernel was not programmed within {PROGRAMMING:?}"),
        "see what it is busy with: weft status",
    )
}

fn unexpected() -> ApiProblem {
    let hint = "run the same version of Weft on every host";
    problem(ProblemKind::Internal, "the manager answered something else", hint)
}
