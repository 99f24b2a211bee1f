//! `weft token`: what other hosts join with.

use std::time::Duration;

use clap::{Args, ValueEnum};
use weft_api::{CallError, Client, NodeView, TokenRotate, TokenView};
use weft_model::Role;

use super::Outcome;
use crate::duration;
use crate::session::Session;

const EXAMPLES: &str = "\
Examples:
  weft token                         what to type on a new host
  weft token manager --quiet         the token alone, for scripts
  weft token --rotate --ttl 1h       a new one that is good for an hour; the old one is worthless";

/// Print what other hosts join with
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Token {
    /// What a host that joins with it becomes
    #[arg(value_enum, default_value = "worker")]
    role: RoleWord,
    /// Make a new token; the old one is worth nothing from then on
    #[arg(long)]
    rotate: bool,
    /// How long the new token is good for, as in 15m, 2h or 7d [default: until the next rotation]
    #[arg(long, requires = "rotate", value_name = "TIME", value_parser = duration::parse)]
    ttl: Option<Duration>,
    /// Print the token alone
    #[arg(long, short)]
    quiet: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum RoleWord {
    Worker,
    Manager,
}

impl From<RoleWord> for Role {
    fn from(word: RoleWord) -> Self {
        match word {
            RoleWord::Worker => Self::Worker,
            RoleWord::Manager => Self::Manager,
        }
    }
}

impl Token {
    pub(crate) async fn run(self, session: &mut Session) -> Outcome {
        let role = self.role.into();
        let rotate = TokenRotate { ttl_seconds: self.ttl.map(|ttl| ttl.as_secs()) };
        let token = if self.rotate {
            session.ask("rotate the token", async |c| c.rotate_token(role, rotate).await).await?
        } else {
            session.ask("read the token", async |c| c.token(role).await).await?
        };
        if self.quiet {
            return session.output.show(&token, |_paint| token.token.clone());
        }
        let managers = session.ask("find the managers", managers).await?;
        session.output.show(&token, |_paint| invitation(&token, &managers))
    }
}

/// Prints what to type on the next host.
pub(crate) async fn show_invitation(session: &mut Session, role: Role) -> Outcome {
    let token = session.ask("read the token", async |c| c.token(role).await).await?;
    let managers = session.ask("find the managers", managers).await?;
    session.output.text(&format!("\n{}", invitation(&token, &managers)))
}

async fn managers(client: Client) -> Result<Vec<NodeView>, CallError> {
    let mut nodes = client.nodes().await?;
    nodes.retain(|node| node.role == Role::Manager);
    // This node first, then those that are up: the first one is printed.
    nodes.sort_by(|a, b| (a.standing, &a.name).cmp(&(b.standing, &b.name)));
    Ok(nodes)
}

fn invitation(token: &TokenView, managers: &[NodeView]) -> String {
    let TokenView { role, token, expires_at } = token;
    let role = match role {
        Role::Manager => "manager",
        Role::Worker => "worker",
    };
    let manager =
        managers.first().map_or_else(|| "HOST:PORT".to_owned(), |node| node.control.to_string());
    let until = expires_at.as_ref().map(|at| format!(" (until {at})")).unwrap_or_default();
    format!(
        "To add a {role}, run on the new host{until}:\n\n    weft join --token {token} {manager}\n"
    )
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    #[test]
    fn the_invitation_is_a_command_to_copy() {
        let mut token =
            TokenView { role: Role::Worker, token: "weft-1-ab-cd".into(), expires_at: None };
        assert_eq!(
            invitation(&token, &samples::nodes()),
            "To add a worker, run on the new host:\n\n    \
             weft join --token weft-1-ab-cd 192.0.2.1:4788\n"
        );
        token.expires_at = Some("2026-11-22T23:00:00Z".into());
        assert!(invitation(&token, &[]).contains("(until 2026-11-22T23:00:00Z)"));
    }
}
