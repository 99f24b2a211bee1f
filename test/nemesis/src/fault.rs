//! What goes wrong, one thing after another.

use std::time::Duration;

use clap::ValueEnum;
use nix::sys::signal::Signal;
use rand::RngExt as _;
use rand_pcg::Pcg64;
use tokio::time::sleep;
use weft_lab::Host;

use crate::field::Field;
use crate::member::Member;

/// Of each link, each way: a packet passes two.
const LOSS: u8 = 3;

/// A kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Fault {
    /// A manager is killed and started again.
    Kill,
    /// All managers are killed at once.
    KillAll,
    /// A manager does nothing for a while.
    Pause,
    /// A manager reaches nobody.
    Cut,
    /// Two managers do not reach each other, the third reaches both.
    Between,
    /// One manager hears another that does not hear it.
    OneWay,
    /// 6 % of all packets are lost.
    Loss,
    /// There is no room on a manager's disk.
    Full,
    /// A manager's wall clock jumps a day ahead, then back. An etcd's own clock is the machine's, which
    /// stays as it is: there it is the clock of whoever asks it.
    Clock,
}

/// Everything that can go wrong.
const ALL: [Fault; 9] = [
    Fault::Kill,
    Fault::KillAll,
    Fault::Pause,
    Fault::Cut,
    Fault::Between,
    Fault::OneWay,
    Fault::Loss,
    Fault::Full,
    Fault::Clock,
];

impl Fault {
    /// Everything that can go wrong.
    #[must_use]
    pub fn all() -> Vec<Self> {
        ALL.to_vec()
    }

    /// Makes it happen, for so long, and ends it.
    pub(crate) async fn happen(
        self,
        field: &mut Field<'_>,
        random: &mut Pcg64,
        time: Duration,
    ) -> anyhow::Result<()> {
        let (one, other) = pair(random, field.members.len());
        match self {
            Self::Kill => killed(field, one, time).await,
            Self::KillAll => all_killed(field, time / 4).await,
            Self::Pause => paused(field.member(one)?, time).await,
            Self::Cut => cut(field.member(one)?.host, None, time).await,
            Self::Between => {
                let from = field.member(other)?.host;
                cut(field.member(one)?.host, Some(from), time).await
            }
            Self::OneWay => {
                let by = field.member(other)?.host;
                unheard(field.member(one)?.host, by, time).await
            }
            Self::Loss => lossy(field, time).await,
            Self::Full => full(field.member(one)?, time).await,
            Self::Clock => jumping(field.member(one)?, time).await,
        }
    }
}

async fn killed(field: &mut Field<'_>, at: usize, time: Duration) -> anyhow::Result<()> {
    field.member(at)?.kill().await?;
    sleep(time).await;
    field.member(at)?.start()
}

async fn all_killed(field: &mut Field<'_>, time: Duration) -> anyhow::Result<()> {
    for member in &mut field.members {
        member.kill().await?;
    }
    sleep(time).await;
    field.members.iter_mut().try_for_each(Member::start)
}

async fn paused(member: &Member<'_>, time: Duration) -> anyhow::Result<()> {
    member.signal(Signal::SIGSTOP)?;
    sleep(time).await;
    member.signal(Signal::SIGCONT)
}

async fn cut(host: &Host, from: Option<&Host>, time: Duration) -> anyhow::Result<()> {
    match from {
        Some(from) => host.cut_from(from).await?,
        None => host.cut().await?,
    }
    sleep(time).await;
    Ok(host.heal().await?)
}

async fn unheard(host: &Host, by: &Host, time: Duration) -> anyhow::Result<()> {
    host.unheard_by(by).await?;
    sleep(time).await;
    Ok(host.heal().await?)
}

async fn lossy(field: &Field<'_>, time: Duration) -> anyhow::Result<()> {
    for member in &field.members {
        member.host.loss(LOSS).await?;
    }
    sleep(time).await;
    for member in &field.members {
        member.host.heal().await?;
    }
    Ok(())
}

/// A store whose disk has failed does nothing any more until it is started again.
async fn full(member: &mut Member<'_>, time: Duration) -> anyhow::Result<()> {
    member.fill().await?;
    sleep(time).await;
    member.drain().await?;
    member.kill().await?;
    member.start()
}

async fn jumping(member: &Member<'_>, time: Duration) -> anyhow::Result<()> {
    member.set_clock("+1d")?;
    sleep(time).await;
    member.set_clock("+0s")
}

/// Two different ones.
fn pair(random: &mut Pcg64, count: usize) -> (usize, usize) {
    let one = random.random_range(0..count);
    (one, (one + random.random_range(1..count.max(2))) % count)
}
