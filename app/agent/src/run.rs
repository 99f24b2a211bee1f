//! The life of the daemon: start, serve, end.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use weft_docker::{Docker, PluginSocket};
use weft_docker_api::Engine;
use weft_kernel::Linux;
use weft_resolver::Resolver;
use weft_telemetry::{Format, on_signals, start_logs};

use crate::agent::Agent;
use crate::datapath;
use crate::disk::Disk;
use crate::docker::ForDocker;
use crate::drops::{self, DropsKeeper};
use crate::events::EventsKeeper;
use crate::member::Surroundings;
use crate::metrics::{self, Counters};
use crate::options::{Flags, Options};

/// What is logged unless `WEFT_LOG` says otherwise.
const LOG: &str = "info";
/// How often the Engine is looked for, and how long it may take to answer.
const DOCKER_PAUSE: Duration = Duration::from_secs(5);
const DOCKER_PATIENCE: Duration = Duration::from_secs(2);

/// Runs the daemon until it is told to end.
///
/// # Errors
///
/// If it cannot start: the text says what failed and why.
pub fn run(flags: Flags) -> anyhow::Result<()> {
    let options = Options::resolve(flags)?;
    let filter = std::env::var("WEFT_LOG").unwrap_or_else(|_unset| LOG.to_owned());
    start_logs(&filter, if options.log_json { Format::Json } else { Format::Text })?;
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("start the runtime")?
        .block_on(serve(options))
}

async fn serve(options: Options) -> anyhow::Result<()> {
    let stop = on_signals()?;
    let (member, member_seen) = watch::channel(None);
    let (cluster_networks, networks_seen) = watch::channel(None);
    let (degraded, degraded_seen) = watch::channel(Vec::new());
    let (engine, engine_seen) = watch::channel(None);
    let (zones, zones_seen) = watch::channel(Arc::default());
    let counters = Counters::default();
    let resolver =
        Resolver::new(zones_seen, weft_kernel::hurry).context("start the name server's threads")?;
    let (complaints, complaints_heard) = drops::complaints();
    let kernel = Linux::new().context("open the kernel's netlink")?;
    let kernel = Arc::new(options.attach.to(kernel.with_room(options.table_rows)));
    let queries = resolver.queries().clone();
    let drops =
        DropsKeeper::new(Arc::clone(&kernel), queries, member_seen.clone(), complaints_heard);
    let metrics = metrics::list(&counters, &drops.metrics, resolver.queries());
    let datapath = datapath::choose(options.datapath, kernel.attachment()).await;
    let disk = Disk::open(&options.state)?;
    let (events, keep_events) = EventsKeeper::open(&options.state, counters.events_lost.clone());
    let (drops, keep_drops) = drops.start(stop.clone());
    let overlay = Arc::new(ForDocker::new(member_seen, networks_seen, degraded));
    let around = Surroundings {
        disk,
        events,
        drops,
        kernel,
        options: options.clone(),
        datapath,
        cluster_networks,
        zones,
        beyond: overlay.servers_beyond(),
        resolver,
        complaints,
        counters: counters.clone(),
    };
    let history = keep_events.start(engine_seen.clone(), degraded_seen.clone());
    let agent = Arc::new(Agent::new(around, member, degraded_seen, engine_seen));

    // Docker's calls wait from here on, and are answered once the state has been read.
    let engine_api = Engine::at(&options.docker_socket)?;
    let docker = Docker::listen(plugin_socket(&options), engine_api.clone(), overlay)?;
    agent.resume().await?;
    let tasks = TaskTracker::new();
    tasks.spawn(keep_drops);
    tasks.spawn(told(docker.run(stop.clone())));
    tasks.spawn(look_for_docker(engine_api, engine, stop.clone()));
    let page = metrics::serve(options.metrics, Arc::clone(&agent), counters, metrics, stop.clone());
    tasks.spawn(told(page));
    tell_systemd();
    let socket = options.admin_socket();
    let admin = crate::admin::serve(Arc::clone(&agent), &socket, stop.clone());
    tracing::info!(socket = %socket.display(), "the agent listens");
    let served = admin.await;
    stop.cancel();
    agent.stop().await;
    tasks.close();
    tasks.wait().await;
    history.end().await;
    tracing::info!("the agent has ended; the data plane goes on");
    served
}

/// The socket that systemd holds for Docker, or one of our own.
fn plugin_socket(options: &Options) -> PluginSocket {
    match inherited() {
        Some(listener) => PluginSocket::Inherited(listener),
        None => PluginSocket::At(options.plugin_socket.clone()),
    }
}

/// A failed part is told; the others go on.
async fn told<E: std::fmt::Display>(part: impl Future<Output = Result<(), E>>) {
    if let Err(error) = part.await {
        tracing::error!(error = format!("{error:#}"), "a part of the agent has ended");
    }
}

/// Keeps the Engine's version at hand for the status.
async fn look_for_docker(
    engine: Engine,
    seen: watch::Sender<Option<String>>,
    stop: CancellationToken,
) {
    while !stop.is_cancelled() {
        let version = engine.version(DOCKER_PATIENCE).await.ok().map(|version| version.version);
        seen.send_if_modified(|known| {
            let differs = *known != version;
            *known = version;
            differs
        });
        // Whether the pause ends by the signal is looked at above.
        drop(tokio::time::timeout(DOCKER_PAUSE, stop.cancelled()).await);
    }
}

fn tell_systemd() {
    // Outside systemd there is nobody to tell.
    drop(sd_notify::notify(&[sd_notify::NotifyState::Ready]));
}

fn inherited() -> Option<std::os::unix::net::UnixListener> {
    let fd = sd_notify::listen_fds().ok()?.next()?;
    weft_kernel::unix_listener(fd)
        .inspect_err(|error| tracing::warn!(%error, "what systemd passed is no unix socket"))
        .ok()
}
