//! `weft network`: overlay networks.

mod create;
mod view;

use clap::Subcommand;

use super::Outcome;
use crate::session::Session;
use create::Create;

/// Create, list, inspect and remove overlay networks
#[derive(Debug, Subcommand)]
pub(crate) enum Network {
    Create(Box<Create>),
    /// List the networks
    #[command(visible_alias = "list")]
    Ls,
    /// Show one network
    Inspect {
        /// Name, id, or the beginning of an id
        network: String,
    },
    /// Show what this host's kernel holds of a network: where stations are, who has which address
    Tables {
        /// Name, id, or the beginning of an id
        network: String,
    },
    /// Remove networks that nobody is on
    Rm {
        /// Names, ids, or beginnings of ids
        #[arg(required = true)]
        networks: Vec<String>,
    },
}

impl Network {
    pub(crate) async fn run(self, session: &mut Session) -> Outcome {
        match self {
            Self::Create(create) => create.run(session).await,
            Self::Ls => ls(session).await,
            Self::Inspect { network } => inspect(session, &network).await,
            Self::Tables { network } => tables(session, &network).await,
            Self::Rm { networks } => rm(session, &networks).await,
        }
    }
}

async fn ls(session: &mut Session) -> Outcome {
    let mut networks = session.ask("list networks", async |c| c.networks().await).await?;
    networks.sort_by(|a, b| (&a.name, a.id).cmp(&(&b.name, b.id)));
    session.output.show(&networks, |paint| view::table(&networks, paint))
}

async fn inspect(session: &mut Session, network: &str) -> Outcome {
    let what = format!("inspect network {network}");
    let network = session.ask(&what, async |c| c.network(network).await).await?;
    session.output.show(&network, |paint| view::sheet(&network, paint))
}

async fn tables(session: &mut Session, network: &str) -> Outcome {
    let what = format!("read the tables of network {network}");
    let tables = session.ask(&what, async |c| c.network_tables(network).await).await?;
    session.output.show(&tables, |paint| view::tables(&tables, paint))
}

async fn rm(session: &mut Session, networks: &[String]) -> Outcome {
    let mut removed = Vec::new();
    for network in networks {
        let what = format!("remove network {network}");
        match session.ask(&what, async |c| c.remove_network(network).await).await {
            Ok(_done) => removed.push(network),
            Err(failure) => session.report(&failure),
        }
    }
    super::removed(session, &removed)
}
