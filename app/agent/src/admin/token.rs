//! `/v1/tokens`: what hosts join with.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::extract::{Path, State};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use weft_api::{ApiProblem, ProblemKind, TokenRotate, TokenView};
use weft_model::Role;
use weft_registry::{Command, TokenHash};

use super::json::{Json, Reply};
use crate::agent::Agent;
use crate::member::Member;
use crate::office::Office;
use crate::problem::{Answer, problem};

/// The token of a role.
#[utoipa::path(get, path = "/v1/tokens/{role}", params(("role" = String, Path)),
    responses((status = 200, body = TokenView), (status = "default", body = ApiProblem)))]
pub(super) async fn show(
    State(agent): State<Arc<Agent>>,
    Path(role): Path<String>,
) -> Reply<TokenView> {
    let member = agent.need()?;
    Ok(Json(view(&member, parse(&role)?)?))
}

/// A new token for a role; the old one is good for nothing from now on.
#[utoipa::path(post, path = "/v1/tokens/{role}/rotate", params(("role" = String, Path)),
    request_body = TokenRotate,
    responses((status = 200, body = TokenView), (status = "default", body = ApiProblem)))]
pub(super) async fn rotate(
    State(agent): State<Arc<Agent>>,
    Path(role): Path<String>,
    Json(asked): Json<TokenRotate>,
) -> Reply<TokenView> {
    let member = agent.need()?;
    let role = parse(&role)?;
    let Some(Office { admission, .. }) = member.tenure.office() else {
        return Err(on_managers().into());
    };
    let expires_at = asked.ttl_seconds.map(|ttl| seconds_from_now(Duration::from_secs(ttl)));
    let token = admission.fresh_token(role, expires_at);
    member.fabric.registry.command(Command::SetToken(token)).await?;
    Ok(Json(view(&member, role)?))
}

fn view(member: &Member, role: Role) -> Answer<TokenView> {
    let Some(Office { admission, .. }) = member.tenure.office() else {
        return Err(on_managers());
    };
    let registry = member.fabric.view();
    let TokenHash { salt, expires_at, .. } = registry.token(role).ok_or_else(|| {
        problem(ProblemKind::NotFound, "this role has no token", "make one: weft token --rotate")
    })?;
    Ok(TokenView {
        role,
        token: admission.token(role, salt).to_string(),
        expires_at: expires_at.and_then(rfc3339),
    })
}

fn on_managers() -> ApiProblem {
    let hint = "run this on a manager: weft node ls";
    problem(ProblemKind::Denied, "only managers know join tokens", hint)
}

fn parse(role: &str) -> Answer<Role> {
    match role {
        "worker" => Ok(Role::Worker),
        "manager" => Ok(Role::Manager),
        _ => Err(problem(
            ProblemKind::BadInput,
            format!("`{role}` is not a role"),
            "take worker or manager",
        )),
    }
}

fn seconds_from_now(ttl: Duration) -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    now.saturating_add(ttl).as_secs()
}

fn rfc3339(seconds: u64) -> Option<String> {
    let at = i64::try_from(seconds).ok()?;
    OffsetDateTime::from_unix_timestamp(at).ok()?.format(&Rfc3339).ok()
}
