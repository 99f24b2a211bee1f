//! What the daemon is told: flags first, then the configuration file, then defaults.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use ipnet::{IpNet, Ipv4Net};
use serde::Deserialize;
use weft_api::ProblemKind;
use weft_store::EtcdAccess;

use crate::attach::Attach;
use crate::datapath::Datapath;
use crate::etcd::StoreSection;
use crate::problem::{Told, because};

/// Where nodes accept each other's QUIC connections, UDP.
pub(crate) const CONTROL_PORT: u16 = 4788;
/// Where the admin API listens, unless told otherwise.
const RUN: &str = "/run/weft";
const STATE: &str = "/var/lib/weft";
const PLUGIN_SOCKET: &str = "/run/docker/plugins/weft.sock";
const DOCKER_SOCKET: &str = "/var/run/docker.sock";
const CONFIG: &str = "/etc/weft/weft.toml";
const TABLE_ROWS: u32 = 1 << 17;
/// More rows than that need more memory than a kernel gives to one table.
const MOST_ROWS: i64 = 1 << 24;
const EGRESS: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::new(172, 30, 0, 1), 16);

/// Flags of `weft agent`; each may stand in the configuration file too.
#[derive(Args, Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Flags {
    /// Configuration file (TOML; its keys are these flags' names, and [store])
    #[arg(long, value_name = "FILE")]
    #[serde(skip)]
    config: Option<PathBuf>,
    /// Directory of what must survive a restart [default: /var/lib/weft]
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
    /// Directory of the admin socket [default: /run/weft]
    #[arg(long, value_name = "DIR")]
    run: Option<PathBuf>,
    /// Socket on which Docker finds the plugin [default: /run/docker/plugins/weft.sock]
    #[arg(long, value_name = "SOCKET")]
    plugin_socket: Option<PathBuf>,
    /// Docker Engine's socket [default: /var/run/docker.sock]
    #[arg(long, value_name = "SOCKET")]
    docker_socket: Option<PathBuf>,
    /// Address and port for other nodes' connections [default: 0.0.0.0:4788]
    #[arg(long, value_name = "ADDR:PORT")]
    listen: Option<SocketAddr>,
    /// Address and range of the bridge through which plain workloads leave [default: 172.30.0.1/16]
    #[arg(long, value_name = "CIDR")]
    egress: Option<IpNet>,
    /// Who carries frames: programs (bpf), bridges, or what this kernel can do [default: bridge]
    #[arg(long, value_enum)]
    datapath: Option<Datapath>,
    /// How programs get to interfaces: tcx, clsact, or what this kernel has [default: auto]
    #[arg(long, value_enum)]
    attach: Option<Attach>,
    /// Stations, of all networks, that the programs' tables have room for [default: 131072]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=MOST_ROWS))]
    table_rows: Option<u32>,
    /// Serve Prometheus metrics here [default: nowhere]
    #[arg(long, value_name = "ADDR:PORT")]
    metrics: Option<SocketAddr>,
    /// Write the log as JSON
    #[arg(long)]
    log_json: bool,
    #[arg(skip)]
    store: Option<StoreSection>,
}

impl Flags {
    /// Those of a host whose agent keeps its state in `state`, or where the configuration says.
    #[must_use]
    pub fn at(state: Option<PathBuf>) -> Self {
        Self { state, ..Self::default() }
    }
}

/// What the daemon runs with, complete.
#[derive(Clone, Debug)]
pub struct Options {
    /// What must survive a restart.
    pub state: PathBuf,
    /// Holds the admin socket.
    pub run: PathBuf,
    /// Where Docker finds the plugin.
    pub plugin_socket: PathBuf,
    /// Where the Engine answers.
    pub docker_socket: PathBuf,
    /// Where other nodes connect.
    pub listen: SocketAddr,
    /// The egress bridge's address and range.
    pub egress: IpNet,
    /// Who carries frames.
    pub datapath: Datapath,
    /// How programs get to interfaces.
    pub attach: Attach,
    /// For how many stations there is room in the programs' tables.
    pub table_rows: u32,
    /// Where Prometheus scrapes.
    pub metrics: Option<SocketAddr>,
    /// How managers reach the etcd that keeps the registry, if the file says so.
    pub(crate) etcd: Option<EtcdAccess>,
    /// Whether the log is JSON.
    pub log_json: bool,
}

impl Options {
    /// Lays the flags over the configuration file over the defaults.
    ///
    /// # Errors
    ///
    /// If the configuration file was named and is not there, says something unknown, or names an etcd that
    /// cannot be asked so.
    pub fn resolve(flags: Flags) -> anyhow::Result<Self> {
        let default = Path::new(CONFIG);
        let config = flags.config.as_deref().or_else(|| default.exists().then_some(default));
        let file = config.map(read).transpose()?.unwrap_or_default();
        let etcd = file.store.map(StoreSection::access).transpose().with_context(|| {
            format!("use [store] of configuration file {}", config.unwrap_or(default).display())
        })?;
        let path = |flag: Option<PathBuf>, file: Option<PathBuf>, default: &str| {
            flag.or(file).unwrap_or_else(|| default.into())
        };
        let anywhere = SocketAddr::new(IpAddr::from([0, 0, 0, 0]), CONTROL_PORT);
        Ok(Self {
            state: path(flags.state, file.state, STATE),
            run: path(flags.run, file.run, RUN),
            plugin_socket: path(flags.plugin_socket, file.plugin_socket, PLUGIN_SOCKET),
            docker_socket: path(flags.docker_socket, file.docker_socket, DOCKER_SOCKET),
            listen: flags.listen.or(file.listen).unwrap_or(anywhere),
            egress: flags.egress.or(file.egress).unwrap_or(IpNet::V4(EGRESS)),
            datapath: flags.datapath.or(file.datapath).unwrap_or(Datapath::Bridge),
            attach: flags.attach.or(file.attach).unwrap_or_default(),
            table_rows: flags.table_rows.or(file.table_rows).unwrap_or(TABLE_ROWS),
            metrics: flags.metrics.or(file.metrics),
            etcd,
            log_json: flags.log_json || file.log_json,
        })
    }

    /// The admin API's socket.
    #[must_use]
    pub fn admin_socket(&self) -> PathBuf {
        self.run.join("weft.sock")
    }
}

fn read(path: &Path) -> anyhow::Result<Flags> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        let what = format!("cannot read configuration file {}", path.display());
        let hint = "name one that is there and may be read: weft agent --config FILE";
        Told(because(ProblemKind::BadInput, what, &error, hint))
    })?;
    toml::from_str(&text)
        .with_context(|| format!("understand configuration file {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_win_over_the_file_and_the_file_over_defaults() {
        let dir = tempfile::tempdir().unwrap();
        let config = dir.path().join("weft.toml");
        std::fs::write(&config, "run = \"/run/a\"\nstate = \"/var/a\"\n").unwrap();
        let flags = Flags { config: Some(config), run: Some("/run/b".into()), ..Flags::default() };
        let options = Options::resolve(flags).unwrap();
        assert_eq!(options.admin_socket(), Path::new("/run/b/weft.sock"));
        assert_eq!(options.state, Path::new("/var/a"));
        assert_eq!(options.listen.port(), CONTROL_PORT);
    }

    #[test]
    fn an_unknown_key_is_told_by_name() {
        let dir = tempfile::tempdir().unwrap();
        let config = dir.path().join("weft.toml");
        std::fs::write(&config, "runn = \"/run/a\"\n").unwrap();
        let flags = Flags { config: Some(config), ..Flags::default() };
        let error = format!("{:#}", Options::resolve(flags).unwrap_err());
        assert!(error.contains("unknown field `runn`"), "{error}");
    }

    #[test]
    fn an_etcd_that_cannot_be_asked_is_told_with_the_section_that_names_it() {
        let dir = tempfile::tempdir().unwrap();
        let config = dir.path().join("weft.toml");
        let resolved = |section: &str| {
            std::fs::write(&config, format!("[store]\n{section}\n")).unwrap();
            Options::resolve(Flags { config: Some(config.clone()), ..Flags::default() })
        };
        let good = resolved("etcd = [\"http://192.0.2.1:2379\"]\nprefix = \"/east\"").unwrap();
        assert_eq!(good.etcd.unwrap().prefix, "/east");
        let error = resolved("etcd = [\"https://192.0.2.1:2379\"]").unwrap_err();
        let told = format!("{error:#}");
        for words in ["[store]", "weft.toml", "etcd's CA"] {
            assert!(told.contains(words), "{told}");
        }
        assert!(crate::hint(&error).is_some_and(|hint| hint.contains("https://HOST:2379")));
        let error = resolved("prefix = \"/east\"").unwrap_err();
        assert!(format!("{error:#}").contains("missing field `etcd`"), "{error:#}");
    }
}
