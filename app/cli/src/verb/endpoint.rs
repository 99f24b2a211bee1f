//! `weft endpoint`: where workloads meet networks.

use clap::Subcommand;
use weft_api::{EndpointFilter, EndpointView};

use super::Outcome;
use crate::display::{joined, kind_tone, short, standing_tone};
use crate::paint::Paint;
use crate::session::Session;
use crate::sheet::Sheet;
use crate::table::{Table, plain};

/// List and inspect what is on the networks
#[derive(Debug, Subcommand)]
pub(crate) enum Endpoint {
    /// List the endpoints of the networks that this host takes part in
    #[command(visible_alias = "list")]
    Ls {
        /// Only those of this network
        #[arg(long, short)]
        network: Option<String>,
    },
    /// Show one endpoint
    Inspect {
        /// Name, id, or the beginning of an id
        endpoint: String,
    },
}

impl Endpoint {
    pub(crate) async fn run(self, session: &mut Session) -> Outcome {
        match self {
            Self::Ls { network } => ls(session, EndpointFilter { network }).await,
            Self::Inspect { endpoint } => inspect(session, &endpoint).await,
        }
    }
}

async fn ls(session: &mut Session, filter: EndpointFilter) -> Outcome {
    let mut endpoints = session.ask("list endpoints", async |c| c.endpoints(&filter).await).await?;
    endpoints.sort_by(|a, b| (&a.network, &a.name, a.id).cmp(&(&b.network, &b.name, b.id)));
    session.output.show(&endpoints, |paint| table(&endpoints, paint))
}

async fn inspect(session: &mut Session, endpoint: &str) -> Outcome {
    let what = format!("inspect endpoint {endpoint}");
    let endpoint = session.ask(&what, async |c| c.endpoint(endpoint).await).await?;
    session.output.show(&endpoint, |paint| sheet(&endpoint, paint))
}

fn name(endpoint: &EndpointView) -> String {
    endpoint.name.as_ref().map(ToString::to_string).unwrap_or_default()
}

fn table(endpoints: &[EndpointView], paint: Paint) -> String {
    let header = ["NAME", "NETWORK", "ADDRESS", "NODE", "KIND", "STANDING", "ID"];
    let mut table = Table::new(paint, &header);
    for endpoint in endpoints {
        table.row([
            plain(name(endpoint)),
            plain(&endpoint.network),
            plain(joined(&endpoint.addresses)),
            plain(&endpoint.node),
            (kind_tone(endpoint.kind), endpoint.kind.to_string()),
            (standing_tone(endpoint.standing), endpoint.standing.to_string()),
            plain(short(endpoint.id)),
        ]);
    }
    table.text()
}

fn sheet(endpoint: &EndpointView, paint: Paint) -> String {
    fill(&mut Sheet::new(paint), endpoint).text()
}

/// One endpoint, whole, on a sheet that may hold more.
pub(crate) fn fill<'a>(sheet: &'a mut Sheet, endpoint: &EndpointView) -> &'a mut Sheet {
    sheet
        .line("Name", name(endpoint))
        .line("Aliases", joined(&endpoint.aliases))
        .line("Id", endpoint.id)
        .line("Network", format!("{} ({})", endpoint.network, short(endpoint.network_id)))
        .list("Addresses", &endpoint.addresses)
        .line("MAC", endpoint.mac)
        .line("Node", format!("{} ({})", endpoint.node, short(endpoint.node_id)))
        .toned("Standing", standing_tone(endpoint.standing), endpoint.standing)
        .line("Kind", endpoint.kind)
        .line("Interface", endpoint.interface.as_deref().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    #[test]
    fn endpoints_are_one_a_line() {
        assert_eq!(
            table(&[samples::endpoint()], Paint::Plain),
            "\
NAME   NETWORK   ADDRESS     NODE   KIND    STANDING   ID
web    app       10.7.0.10   a      plain   self       000000000000"
        );
    }

    #[test]
    fn one_endpoint_is_a_sheet() {
        assert_eq!(
            sheet(&samples::endpoint(), Paint::Plain),
            "\
Name        web
Aliases     www,shop
Id          00000000000000000000000000000007
Network     app (000000000000)
Addresses   10.7.0.10
MAC         02:00:00:00:00:07
Node        a (000000000000)
Standing    self
Kind        plain
Interface   wp00000000000
"
        );
    }
}
