//! A new certificate from whoever may sign.

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::time::timeout;
use weft_api::{ApiProblem, ProblemKind};
use weft_identity::{NodeKey, Validity, node_of};
use weft_model::{Node, Role};
use weft_transport::{Request, RequestError, Response, ask_once};

use super::Renewal;
use crate::problem::{Answer, because, problem};

/// How long a manager may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// A certificate for the key that this node has, and the chain to the cluster's CA; DER.
pub(super) async fn new_certificate(of: &Renewal) -> Answer<Vec<Vec<u8>>> {
    let key = NodeKey::from_pem(&of.membership.key_pem).map_err(|error| unusable(&error))?;
    let csr_der = key.request().map_err(|error| unusable(&error))?;
    let chain = match of.tenure.office() {
        Some(office) => {
            match office.admission.renew(of.membership.node.id, &csr_der, &office.manager).await {
                Response::Certificate { chain } => chain,
                refused => return Err(no(&refused)),
            }
        }
        None => ask_managers(of, csr_der).await?,
    };
    let membership = &of.membership;
    let mine = |certificate: &Vec<u8>| {
        key.fits(certificate) && node_of(certificate, &membership.cluster) == Ok(membership.node.id)
    };
    if chain.first().is_some_and(mine) {
        return Ok(chain);
    }
    let what = "the manager signed a certificate that is not this node's";
    Err(problem(ProblemKind::Internal, what, "run the same version of Weft on every host"))
}

async fn ask_managers(of: &Renewal, csr_der: Vec<u8>) -> Answer<Vec<Vec<u8>>> {
    let mut refusal = None;
    for manager in managers(of) {
        let asked = ask(of, &manager, Request::Renew { csr_der: csr_der.clone() });
        match timeout(PATIENCE, asked).await {
            Ok(Ok(Response::Certificate { chain })) if is_good_now(&chain) => return Ok(chain),
            Ok(Ok(Response::Certificate { .. })) => refusal = Some(another_time(&manager)),
            Ok(Ok(response)) => refusal = Some(no(&response)),
            Ok(Err(error)) => tracing::debug!(node = %manager.id, %error, "manager not reached"),
            Err(_elapsed) => tracing::debug!(node = %manager.id, "manager did not answer in time"),
        }
    }
    Err(refusal.unwrap_or_else(|| {
        let what = "no manager answers: this host's certificate cannot be renewed now";
        problem(ProblemKind::Unavailable, what, "see which node is away: weft node ls")
    }))
}

/// By this host's clock; one that is not would make the others refuse this host.
fn is_good_now(chain: &[Vec<u8>]) -> bool {
    let validity = chain.first().and_then(|certificate| Validity::of(certificate).ok());
    let now = SystemTime::now();
    validity.is_some_and(|validity| validity.has_begun(now) && !validity.has_ended(now))
}

fn another_time(manager: &Node) -> ApiProblem {
    let name = &manager.name;
    let what = format!("manager {name} signs certificates for another time than it is here");
    let hint = format!("look at the clocks of this host and of {name} (`timedatectl`)");
    problem(ProblemKind::Unavailable, what, hint)
}

/// The managers as the registry has them, and as this host knew them when it joined.
fn managers(of: &Renewal) -> Vec<Node> {
    let view = of.registry.view();
    let me = of.membership.node.id;
    let listed = view.nodes().values().filter(|n| n.role == Role::Manager && n.id != me).cloned();
    let mut managers: Vec<Node> = listed.collect();
    if managers.is_empty() {
        managers.clone_from(&of.membership.managers);
    }
    managers
}

/// Over the connection that is there, or over one for this question alone: with a certificate that
/// has run out there is no other.
async fn ask(of: &Renewal, to: &Node, request: Request) -> Result<Response, RequestError> {
    match of.mesh.request(to.id, request.clone()).await {
        Err(RequestError::NotConnected) => {
            let own = Arc::clone(&of.shown.borrow());
            ask_once(&own, to.id, to.control, request).await
        }
        answer => answer,
    }
}

fn no(response: &Response) -> ApiProblem {
    match response {
        Response::Refused { error, hint } => problem(ProblemKind::Denied, error, hint),
        _ => {
            let what = "the asked node is no manager any more";
            problem(ProblemKind::Unavailable, what, "nothing: another one is asked in a moment")
        }
    }
}

/// The key or a certificate is not what it should be.
pub(super) fn unusable(error: &(dyn Error + 'static)) -> ApiProblem {
    let hint = "let this host join again: weft leave --force, weft join";
    because(ProblemKind::Internal, "this host's key or certificate is of no use", error, hint)
}
