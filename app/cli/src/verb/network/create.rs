//! `weft network create`.

use std::net::IpAddr;

use clap::Args;
use ipnet::IpNet;
use weft_api::NetworkCreate;
use weft_model::{Mtu, Name, Vni};

use super::super::Outcome;
use super::view;
use crate::display::{parse_label, parse_pair, parse_range};
use crate::session::Session;

const EXAMPLES: &str = "\
Examples:
  weft network create app
  weft network create app --subnet 10.7.0.0/16
  weft network create vault --internal           no way out of the cluster

It is known to the Docker Engine of every host at once: `docker run --network app …`";

/// Create an overlay network, known on every host
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Create {
    /// What it is called: one DNS label
    #[arg(value_parser = parse_label)]
    name: Name,
    /// Its addresses [default: a free range of the cluster's pools]
    #[arg(long, value_name = "RANGE", value_parser = parse_range)]
    subnet: Option<IpNet>,
    /// Address that no endpoint gets [default: the subnet's first]
    #[arg(long, value_name = "ADDRESS", requires = "subnet")]
    gateway: Option<IpAddr>,
    /// VXLAN network identifier [default: a free one]
    #[arg(long, value_name = "NUMBER", value_parser = vni)]
    vni: Option<Vni>,
    /// MTU of the interfaces inside [default: what the underlay leaves]
    #[arg(long, value_name = "BYTES", value_parser = mtu)]
    mtu: Option<Mtu>,
    /// Without a way out of the cluster, also for names
    #[arg(long)]
    internal: bool,
    /// Driver option; may be repeated
    #[arg(long = "opt", value_name = "KEY=VALUE", value_parser = parse_pair)]
    options: Vec<(String, String)>,
    /// Label; may be repeated
    #[arg(long = "label", value_name = "KEY=VALUE", value_parser = parse_pair)]
    labels: Vec<(String, String)>,
}

impl Create {
    pub(crate) async fn run(self, session: &mut Session) -> Outcome {
        let what = format!("create network {}", self.name);
        let create = NetworkCreate {
            name: self.name,
            subnet: self.subnet,
            gateway: self.gateway,
            vni: self.vni.map(Vni::number),
            mtu: self.mtu.map(u32::from),
            internal: self.internal,
            options: self.options.into_iter().collect(),
            labels: self.labels.into_iter().collect(),
        };
        let network = session.ask(&what, async |c| c.create_network(&create).await).await?;
        session.output.show(&network, |paint| view::sheet(&network, paint))
    }
}

fn vni(text: &str) -> Result<Vni, String> {
    let number: u32 = text.parse().map_err(|_digits| format!("`{text}` is not a number"))?;
    Vni::try_from(number).map_err(|error| error.to_string())
}

fn mtu(text: &str) -> Result<Mtu, String> {
    let bytes: u32 = text.parse().map_err(|_digits| format!("`{text}` is not a number"))?;
    Mtu::try_from(bytes).map_err(|error| error.to_string())
}
