//! `/v1/status`: the node at a glance.

use std::sync::Arc;

use axum::extract::State;
use weft_api::{
    ApiProblem, ClusterView, DegradedView, DockerView, FailureView, GuardView, NodeView,
    ReconcileView, Status, StoreKind, StoreView,
};
use weft_kernel::Attachment;
use weft_model::Hop;
use weft_plan::GateSeen;
use weft_registry::Keeping;

use super::identity;
use super::json::{Json, Reply};
use super::node::{leader, view_of};
use crate::agent::Agent;
use crate::member::Member;
use crate::office::Held;
use crate::reconcile::Reconciled;
use crate::told::rfc3339;

/// The node at a glance.
#[utoipa::path(get, path = "/v1/status",
    responses((status = 200, body = Status), (status = "default", body = ApiProblem)))]
pub(super) async fn status(State(agent): State<Arc<Agent>>) -> Reply<Status> {
    Ok(Json(now(&agent)))
}

/// The status at this moment.
pub(super) fn now(agent: &Agent) -> Status {
    let member = agent.member();
    let picture = member.as_ref().map(|member| member.fabric.state.picture());
    let engine = agent.engine();
    let pass = member.as_ref().and_then(|member| member.last_pass());
    Status {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        node: member.as_ref().map(|member| own(member)),
        cluster: member.as_ref().and_then(|member| cluster(member)),
        engine: agent.datapath().engine.to_string(),
        engine_reason: agent.datapath().why.clone(),
        guard: pass.as_ref().map(|pass| guard(pass, agent.attachment())).unwrap_or_default(),
        reconcile: pass.map(reconcile).unwrap_or_default(),
        networks: picture.as_ref().map_or(0, |picture| picture.view.networks().len() as u64),
        endpoints: picture.as_ref().map_or(0, |picture| picture.attachments.len() as u64),
        docker: DockerView {
            connected: engine.is_some(),
            version: engine,
            degraded: agent.degraded().iter().map(|d| d.refusal.to_string()).collect(),
        },
        degraded: degraded(agent, member.as_deref()),
    }
}

fn own(member: &Member) -> NodeView {
    let picture = member.fabric.state.picture();
    let leads = leader(member) == Some(picture.me.id);
    NodeView { leads, ..view_of(&picture, &picture.me) }
}

fn cluster(member: &Member) -> Option<ClusterView> {
    let view = member.fabric.view();
    view.cluster().map(|cluster| ClusterView {
        id: cluster.id.clone(),
        name: cluster.name.clone(),
        vxlan_port: cluster.vxlan_port,
        manager_reachable: member.fabric.registry.fresh(),
        store: store(member, cluster.keeping),
        clock_ahead_ms: member.clock_ahead().map(|us| us / 1_000),
        certificate_until: member.certificate().and_then(|validity| rfc3339(validity.until)),
    })
}

/// Where the registry is, as far as this node knows.
pub(super) fn store(member: &Member, keeping: Keeping) -> StoreView {
    let backing = member.tenure.office().map(|office| office.backing());
    let etcd = backing.as_ref().and_then(|backing| backing.etcd());
    StoreView {
        kind: match keeping {
            Keeping::Managers => StoreKind::Embedded,
            Keeping::Moving => StoreKind::Moving,
            Keeping::Etcd => StoreKind::Etcd,
        },
        endpoints: etcd.map(|etcd| etcd.endpoints.clone()).unwrap_or_default(),
        prefix: etcd.map(|etcd| etcd.prefix.clone()),
        revision: member.fabric.view().revision(),
    }
}

fn guard(pass: &Reconciled, attachment: Attachment) -> GuardView {
    match &pass.gate {
        GateSeen::Holds { .. } => {
            GuardView { attached: Some(attachment.to_string()), missing: None }
        }
        GateSeen::Impossible(why) => GuardView { attached: None, missing: Some(why.clone()) },
        GateSeen::Missing => GuardView::default(),
    }
}

fn reconcile(pass: Reconciled) -> ReconcileView {
    let failures: Vec<FailureView> = pass
        .failures
        .into_iter()
        .map(|failure| FailureView { what: failure.what, why: failure.why, hint: failure.hint })
        .collect();
    ReconcileView {
        last_at: rfc3339(pass.at),
        took_ms: u64::try_from(pass.took.as_millis()).unwrap_or(u64::MAX),
        changes: pass.changes,
        in_sync: failures.is_empty(),
        differences: if failures.is_empty() { Vec::new() } else { pass.differences },
        failures,
    }
}

/// A manager that does not do a manager's work.
fn without_vote(member: &Member) -> Option<DegradedView> {
    let name = &member.node.name;
    match member.tenure.held() {
        Held::No => None,
        Held::Lost { reason } => Some(DegradedView {
            hop: None,
            reason: format!("this manager does not vote: {reason}"),
            hint: format!(
                "give it a new seat, from another manager: weft node demote {name}, then weft node \
                 promote {name}"
            ),
        }),
        Held::Closed { reason, hint } => without_etcd(member, &reason, hint),
        Held::Yes(office) => {
            let (backing, error) = (office.backing(), office.backing().stopped()?);
            if backing.raft().is_none() {
                return without_etcd(member, &error.to_string(), error.hint());
            }
            let reason = format!("this manager does not vote: {error}");
            Some(DegradedView { hop: None, reason, hint: error.hint() })
        }
    }
}

/// If no manager reaches it, that is told as the reason why nothing is confirmed.
fn without_etcd(member: &Member, why: &str, hint: String) -> Option<DegradedView> {
    let reason = format!("this manager does not reach the registry, as others do: {why}");
    member.fabric.registry.fresh().then_some(DegradedView { hop: None, reason, hint })
}

fn unguarded(why: &str) -> DegradedView {
    DegradedView {
        hop: Some(Hop::Decap),
        reason: format!("the guard's programs do not stand: {why}"),
        hint:
            "take Linux 6.1 or later, with sch_ingress and cls_bpf before 6.6; until then the nft \
               table `inet weft` lets members alone in, as long as nobody flushes it, and forged \
               inner addresses pass"
                .to_owned(),
    }
}

fn degraded(agent: &Agent, member: Option<&Member>) -> Vec<DegradedView> {
    let mut degraded: Vec<DegradedView> = agent
        .degraded()
        .into_iter()
        .map(|trouble| DegradedView {
            hop: None,
            reason: trouble.refusal.to_string(),
            hint: trouble.refusal.hint().to_owned(),
        })
        .collect();
    if member.is_some_and(|member| member.fabric.state.picture().disowned) {
        degraded.push(DegradedView {
            hop: None,
            reason: "this host was taken out of its cluster: `weft node rm` on a manager"
                .to_owned(),
            hint: "weft leave --force, then weft join with a new token".to_owned(),
        });
    } else if member.is_some_and(|member| !member.fabric.registry.fresh()) {
        let problem = member.map(|member| member.fabric.registry.why_not());
        degraded.extend(problem.map(|problem| DegradedView {
            hop: None,
            reason: problem.error,
            hint: problem.hint,
        }));
    }
    if member.is_some_and(|member| member.fabric.state.picture().doubled) {
        degraded.push(DegradedView {
            hop: None,
            reason: "another host runs with this node's identity: this one is refused".to_owned(),
            hint: "weft leave --force must not be typed here, it would take out the other one: stop weft on \
                   this host, empty its state directory, and join as a node of its own"
                .to_owned(),
        });
    }
    degraded.extend(member.and_then(without_vote));
    degraded.extend(member.into_iter().flat_map(identity::troubles));
    if member.is_some_and(|member| member.fabric.pause.is_set()) {
        degraded.push(DegradedView {
            hop: None,
            reason: "reconciling is paused: the kernel is left as it is".to_owned(),
            hint: "weft reconcile resume".to_owned(),
        });
    }
    let pass = member.and_then(Member::last_pass);
    if let Some(GateSeen::Impossible(why)) = pass.as_ref().map(|pass| &pass.gate) {
        degraded.push(unguarded(why));
    }
    let failures = pass.map(|pass| pass.failures).unwrap_or_default();
    degraded.extend(failures.into_iter().map(|failure| DegradedView {
        hop: Some(Hop::Deliver),
        reason: format!("{}: {}", failure.what, failure.why),
        hint: failure.hint,
    }));
    degraded
}
