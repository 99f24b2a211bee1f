//! `weft init`: founds a cluster.

use std::net::IpAddr;
use std::time::Duration;

use clap::Args;
use ipnet::IpNet;
use weft_api::ClusterInit;
use weft_model::{Name, Role};

use super::{Outcome, status, token};
use crate::arguments::Format;
use crate::display::{parse_label, parse_range};
use crate::duration;
use crate::etcd::{self, EtcdFiles, Place};
use crate::session::Session;

const EXAMPLES: &str = "\
Examples:
  weft init
  weft init --name shop --advertise 192.0.2.10
  weft init --pool 10.99.0.0/16 --subnet-prefix 24
  weft init --store etcd=https://192.0.2.1:2379 --etcd-ca ca.pem --etcd-cert weft.pem --etcd-key weft.key

Without --store the registry goes into the etcd that [store] in /etc/weft/weft.toml names, if there is such a section
(weft agent --help); with --store embedded it stays on the managers' disks all the same.";

/// Found a cluster; this host is its first manager
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Init {
    /// Name of the cluster
    #[arg(long, value_parser = parse_label)]
    name: Option<Name>,
    /// Name of this host in the cluster [default: its host name]
    #[arg(long, value_parser = parse_label, value_name = "NAME")]
    node_name: Option<Name>,
    /// Address that the other hosts reach this one at
    #[arg(long, value_name = "ADDRESS")]
    advertise: Option<IpAddr>,
    /// UDP port of VXLAN, on every host [default: 4789]
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    vxlan_port: Option<u16>,
    /// Range that subnets are cut from; may be repeated
    #[arg(long = "pool", value_name = "RANGE", value_parser = parse_range)]
    pools: Vec<IpNet>,
    /// Prefix length of a subnet that is cut from a pool
    #[arg(long, value_name = "LENGTH")]
    subnet_prefix: Option<u8>,
    /// How long a freed address rests before anyone gets it again, as in 90s or 5m
    #[arg(long, value_name = "TIME", value_parser = duration::parse)]
    address_rest: Option<Duration>,
    /// How long a host's certificate is good for; it is renewed by itself at half of that
    /// [default: 48h]
    #[arg(long, value_name = "TIME", value_parser = duration::parse)]
    certificate_life: Option<Duration>,
    /// Who keeps the registry: embedded, or etcd=URL[,URL…] [default: as configured, or embedded]
    #[arg(long, value_name = "STORE", value_parser = etcd::parse_store)]
    store: Option<Place>,
    #[command(flatten)]
    etcd: EtcdFiles,
}

impl Init {
    pub(crate) async fn run(self, session: &mut Session) -> Outcome {
        let embedded = self.store == Some(Place::Embedded);
        let etcd = self.etcd.choice(self.store.unwrap_or_default())?;
        let init = ClusterInit {
            etcd,
            embedded,
            name: self.name,
            node_name: self.node_name,
            advertise: self.advertise,
            vxlan_port: self.vxlan_port,
            pools: (!self.pools.is_empty()).then_some(self.pools),
            subnet_prefix: self.subnet_prefix,
            address_rest_seconds: self.address_rest.map(|rest| rest.as_secs()),
            certificate_life_seconds: self.certificate_life.map(|life| life.as_secs()),
        };
        let status = session.ask("found a cluster", async |c| c.init(&init).await).await?;
        session.output.show(&status, |paint| status::sheet(&status, paint))?;
        match session.output.format() {
            Format::Table => token::show_invitation(session, Role::Worker).await,
            Format::Json => Ok(()),
        }
    }
}
