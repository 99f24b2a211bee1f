//! What goes wrong, each thing once.

use std::time::Duration;

use futures::future::try_join_all;
use rand::RngExt as _;
use rand_pcg::Pcg64;
use tokio::time::sleep;
use weft_e2e::Cluster;
use weft_lab::Host;

use crate::etcds::{Etcds, Member};
use crate::field::managers;

/// Longer than it takes to believe that a host is dead.
const LONG: Duration = Duration::from_secs(5);
/// Longer than an election takes.
const SHORT: Duration = Duration::from_millis(2_500);
/// Of each link, each way.
const LOSS: u8 = 5;
const FILL: &str = "dd if=/dev/zero of=/var/lib/weft/fill bs=64k status=none; true";

/// A kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A manager's agent is killed and started again.
    Kill,
    /// All agents are killed at once.
    KillAll,
    /// A manager does nothing for longer than it takes to be thought dead.
    Pause,
    /// A manager reaches nobody.
    Cut,
    /// Two managers do not reach each other, the others reach both.
    Between,
    /// One manager hears another that does not hear it.
    OneWay,
    /// Packets are lost on all links.
    Loss,
    /// There is no room on a manager's disk.
    Full,
    /// A manager's wall clock jumps a day ahead, then back.
    Clock,
    /// A member of the etcd is killed and started again.
    MemberKill,
    /// A member does nothing for longer than it takes to be thought dead.
    MemberPause,
    /// Most members are killed, and started again.
    MostMembersKill,
}

impl Fault {
    pub(crate) const ALL: [Self; 9] = [
        Self::Kill,
        Self::KillAll,
        Self::Pause,
        Self::Cut,
        Self::Between,
        Self::OneWay,
        Self::Loss,
        Self::Full,
        Self::Clock,
    ];
    /// Those besides if an etcd keeps the registry.
    pub(crate) const OF_ETCD: [Self; 3] =
        [Self::MemberKill, Self::MemberPause, Self::MostMembersKill];

    /// Makes it happen for a while, and ends it. It hits the leader as often as not.
    pub(crate) async fn happen(
        self,
        cluster: &Cluster,
        etcds: Option<&mut Etcds<'_>>,
        random: &mut Pcg64,
    ) -> anyhow::Result<()> {
        let count = if matches!(self, Self::MostMembersKill) { 2 } else { 1 };
        if let Some(etcds) = etcds.filter(|_etcds| Self::OF_ETCD.contains(&self)) {
            return self.hit(etcds.some(count, random)).await;
        }
        let (one, other) = self.victims(cluster, random).await?;
        match self {
            Self::Kill => killed(one).await,
            Self::KillAll => all_killed(cluster).await,
            Self::Pause => paused(one).await,
            Self::Cut => {
                one.cut().await?;
                healed(one, LONG).await
            }
            Self::Between => {
                one.cut_from(other).await?;
                healed(one, LONG).await
            }
            Self::OneWay => {
                one.unheard_by(other).await?;
                healed(one, LONG).await
            }
            Self::Loss => lossy(cluster).await,
            Self::Full => full(one).await,
            Self::Clock => jumping(one).await,
            Self::MemberKill | Self::MemberPause | Self::MostMembersKill => {
                anyhow::bail!("there is no etcd")
            }
        }
    }

    /// The same to members of the etcd.
    async fn hit(self, members: &mut [Member<'_>]) -> anyhow::Result<()> {
        let names: Vec<&str> = members.iter().map(|member| member.host.name()).collect();
        println!("{self:?} at {}", names.join(" and "));
        let pauses = matches!(self, Self::MemberPause);
        for member in &*members {
            member.signal(if pauses { "STOP" } else { "KILL" }).await?;
        }
        sleep(LONG).await;
        for member in members {
            if pauses {
                member.signal("CONT").await?;
            } else {
                member.run().await?;
            }
        }
        Ok(())
    }

    /// Whom it hits, and another manager.
    async fn victims<'a>(
        self,
        cluster: &'a Cluster,
        random: &mut Pcg64,
    ) -> anyhow::Result<(&'a Host, &'a Host)> {
        let all = managers(cluster);
        let led = match random.random() {
            true => cluster.leader(cluster.host("h6")?).await.ok(),
            false => None,
        };
        let chosen = random.random_range(0..all.len());
        let led = led.and_then(|led| all.iter().position(|host| host.name() == led));
        let at = led.unwrap_or(chosen);
        let (one, other) = (all[at], all[(at + random.random_range(1..all.len())) % all.len()]);
        println!("{self:?} of {} ({})", one.name(), if led.is_some() { "leads" } else { "any" });
        Ok((one, other))
    }
}

async fn killed(host: &Host) -> anyhow::Result<()> {
    host.kill_agent().await?;
    sleep(SHORT).await;
    Ok(host.start_agent().await?)
}

async fn all_killed(cluster: &Cluster) -> anyhow::Result<()> {
    try_join_all(cluster.lab.hosts().map(Host::kill_agent)).await?;
    try_join_all(cluster.lab.hosts().map(Host::start_agent)).await?;
    Ok(())
}

async fn paused(host: &Host) -> anyhow::Result<()> {
    host.pause_agent().await?;
    sleep(LONG).await;
    Ok(host.resume_agent().await?)
}

async fn healed(host: &Host, after: Duration) -> anyhow::Result<()> {
    sleep(after).await;
    Ok(host.heal().await?)
}

async fn lossy(cluster: &Cluster) -> anyhow::Result<()> {
    for host in cluster.lab.hosts() {
        host.loss(LOSS).await?;
    }
    sleep(LONG).await;
    for host in cluster.lab.hosts() {
        host.heal().await?;
    }
    Ok(())
}

async fn full(host: &Host) -> anyhow::Result<()> {
    host.run(&["sh", "-c", FILL]).await?;
    sleep(SHORT).await;
    host.run(&["rm", "/var/lib/weft/fill"]).await?;
    Ok(())
}

async fn jumping(host: &Host) -> anyhow::Result<()> {
    host.set_clock("+86400")?;
    sleep(SHORT).await;
    Ok(host.set_clock("+0")?)
}
