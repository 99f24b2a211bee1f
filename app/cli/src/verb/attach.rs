//! `weft attach`: puts a network namespace on a network.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use clap::Args;
use weft_api::{AttachmentCreate, AttachmentView};
use weft_model::Name;

use super::{Outcome, endpoint};
use crate::display::parse_label;
use crate::paint::Paint;
use crate::session::Session;
use crate::sheet::Sheet;

const EXAMPLES: &str = "\
Examples:
  ip netns add web && weft attach --network app --name web web
  weft attach --network app --name web /run/netns/web
  weft attach --network app --name web --alias www --ip 10.7.0.9 4711

Names are answered at 127.0.0.11 inside; `weft detach web` undoes it.";

/// Put an existing network namespace on a network
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Attach {
    #[command(flatten)]
    pub(crate) wish: Wish,
    /// Path of a namespace's file, name below /run/netns, or id of a process
    #[arg(value_name = "NETNS", value_parser = netns)]
    netns: PathBuf,
}

/// What an endpoint is to be, whoever asks for it.
#[derive(Args, Clone, Debug)]
pub(crate) struct Wish {
    /// Network to be on: name, id, or the beginning of an id
    #[arg(long, short)]
    network: String,
    /// What others find it by
    #[arg(long, value_parser = parse_label)]
    name: Name,
    /// Further name; may be repeated
    #[arg(long = "alias", value_name = "NAME")]
    aliases: Vec<Name>,
    /// A certain address [default: the next free one]
    #[arg(long, value_name = "ADDRESS")]
    ip: Option<IpAddr>,
}

impl Wish {
    /// What goes wrong if it does.
    pub(crate) fn what(&self) -> String {
        format!("attach {} to {}", self.name, self.network)
    }

    /// The request, for a namespace.
    pub(crate) fn for_netns(self, netns: PathBuf) -> AttachmentCreate {
        let Self { network, name, aliases, ip: address } = self;
        AttachmentCreate { network, name, aliases, netns, address }
    }
}

impl Attach {
    pub(crate) async fn run(self, session: &mut Session) -> Outcome {
        let what = self.wish.what();
        let create = self.wish.for_netns(self.netns);
        let view = session.ask(&what, async |c| c.attach(&create).await).await?;
        session.output.show(&view, |paint| sheet(&view, paint))
    }
}

fn sheet(view: &AttachmentView, paint: Paint) -> String {
    endpoint::fill(&mut Sheet::new(paint), &view.endpoint)
        .line("Inside", &view.interface)
        .line("Nameserver", view.nameserver)
        .text()
}

/// The three ways to say which namespace. The agent looks whether it is one.
fn netns(text: &str) -> Result<PathBuf, String> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_number {
        return Ok(PathBuf::from(format!("/proc/{text}/ns/net")));
    }
    match text {
        "" | "." | ".." => Err("a network namespace is expected".to_owned()),
        path if path.contains('/') => {
            std::path::absolute(path).map_err(|error| format!("`{path}`: {error}"))
        }
        name => Ok(Path::new("/run/netns").join(name)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_namespace_is_said_in_three_ways() {
        assert_eq!(netns("web"), Ok("/run/netns/web".into()));
        assert_eq!(netns("4711"), Ok("/proc/4711/ns/net".into()));
        assert_eq!(netns("/proc/self/ns/net"), Ok("/proc/self/ns/net".into()));
        assert!(netns("./here").is_ok_and(|path| path.is_absolute()));
        assert!(netns("").is_err());
    }
}
