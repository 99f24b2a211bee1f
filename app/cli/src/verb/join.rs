//! `weft join`: joins a cluster.

use std::net::IpAddr;

use clap::Args;
use weft_api::ClusterJoin;
use weft_model::Name;

use super::{Outcome, status};
use crate::display::parse_label;
use crate::failure::Failure;
use crate::session::Session;

/// Where managers accept other nodes, unless told otherwise.
const CONTROL_PORT: u16 = 4788;

/// What to try when the manager makes no sense.
const EXAMPLE: &str = "weft join --token weft-1-… 192.0.2.10:4788";

const EXAMPLES: &str = "\
Examples:
  weft join --token weft-1-… 192.0.2.10:4788
  WEFT_TOKEN=weft-1-… weft join 192.0.2.10       keeps the token out of the process list

`weft token` on a manager prints the whole command.";

/// Make this host a member of a cluster
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Join {
    /// Manager to join through
    #[arg(value_name = "HOST[:PORT]")]
    manager: String,
    /// The manager, when the token stands before it
    #[arg(hide = true)]
    after_token: Option<String>,
    /// Join token; what it was made for decides this host's role
    #[arg(long, env = "WEFT_TOKEN", hide_env_values = true)]
    #[arg(required_unless_present = "after_token")]
    token: Option<String>,
    /// Name of this host in the cluster [default: its host name]
    #[arg(long, value_parser = parse_label, value_name = "NAME")]
    node_name: Option<Name>,
    /// Address that the other hosts reach this one at
    #[arg(long, value_name = "ADDRESS")]
    advertise: Option<IpAddr>,
}

impl Join {
    pub(crate) async fn run(self, session: &mut Session) -> Outcome {
        let Self { manager, after_token, token, node_name, advertise } = self;
        let (token, manager) = in_order(token, manager, after_token);
        let what = format!("join the cluster of {manager}");
        let manager = completed(&manager).map_err(|why| Failure::usage(&what, &why, EXAMPLE))?;
        let join = ClusterJoin { token, manager, node_name, advertise };
        let status = session.ask(&what, async |c| c.join(&join).await).await?;
        session.output.show(&status, |paint| status::sheet(&status, paint))
    }
}

/// Both `--token TOKEN HOST` and `TOKEN HOST` are understood.
fn in_order(option: Option<String>, first: String, second: Option<String>) -> (String, String) {
    match second {
        Some(manager) => (first, manager),
        None => (option.unwrap_or_default(), first),
    }
}

/// Completes `host`, `host:port`, `v6`, `[v6]` and `[v6]:port` to what has a port.
fn completed(text: &str) -> Result<String, String> {
    if let Ok(address) = text.trim_matches(['[', ']']).parse::<IpAddr>() {
        return Ok(std::net::SocketAddr::new(address, CONTROL_PORT).to_string());
    }
    match text.rsplit_once(':') {
        None if text.is_empty() => Err("a manager's host is expected".to_owned()),
        None => Ok(format!("{text}:{CONTROL_PORT}")),
        Some(("", _)) => Err(format!("`{text}` has a port, but no host")),
        Some((_, port)) if port.parse::<u16>().is_ok_and(|port| port > 0) => Ok(text.to_owned()),
        Some((_, port)) => Err(format!("`{port}` is not a port")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_may_stand_first_or_be_an_option() {
        let pair = |token: &str, manager: &str| (token.to_owned(), manager.to_owned());
        assert_eq!(in_order(Some("t".into()), "m".into(), None), pair("t", "m"));
        assert_eq!(in_order(None, "t".into(), Some("m".into())), pair("t", "m"));
    }

    #[test]
    fn the_port_is_added_where_it_is_missing() {
        let cases = [
            ("m1", "m1:4788"),
            ("m1.example:99", "m1.example:99"),
            ("192.0.2.1", "192.0.2.1:4788"),
            ("2001:db8::1", "[2001:db8::1]:4788"),
            ("[2001:db8::1]", "[2001:db8::1]:4788"),
            ("[2001:db8::1]:99", "[2001:db8::1]:99"),
        ];
        for (typed, meant) in cases {
            assert_eq!(completed(typed).as_deref(), Ok(meant));
        }
        for wrong in ["", ":99", "m1:", "m1:x", "m1:0", "m1:70000"] {
            assert!(completed(wrong).is_err(), "{wrong}");
        }
    }
}
