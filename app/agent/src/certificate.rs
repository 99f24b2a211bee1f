//! This node's certificate: renewed by itself before it runs out, through any manager.
//!
//! On the disk first, then shown: connections that are there stay, and those that come next show
//! the new one. A host that comes back with a certificate that has run out asks all the same: its
//! key and its place in the registry are enough for a new one.

mod ask;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::watch;
use weft_api::ProblemKind;
use weft_events::Change;
use weft_identity::{KeyNotary, Validity};
use weft_registry::{Cluster, Command};
use weft_transport::{Credentials, MeshHandle};
use weft_whereabouts::Notary;

use crate::disk::{Disk, Membership};
use crate::events::EventsHandle;
use crate::metrics::Counters;
use crate::office::Tenure;
use crate::problem::{Answer, because};
use crate::registry::{Commander, Followed};

/// The clock is looked at this often: it may be set, or the host may have slept.
const LOOK: Duration = Duration::from_secs(60);
/// The longest pause after an attempt that failed.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Keeps this node's certificate good.
#[derive(Debug)]
pub(crate) struct Renewal {
    /// Where the certificate is kept.
    pub(crate) disk: Disk,
    /// What is kept there.
    pub(crate) membership: Membership,
    /// On managers: signs without asking anybody.
    pub(crate) tenure: Tenure,
    /// The way to the managers.
    pub(crate) mesh: MeshHandle,
    /// Who they are, and which CAs are trusted.
    pub(crate) registry: Commander,
    /// Tells when that changes.
    pub(crate) followed: watch::Receiver<Followed>,
    /// What this node shows of itself.
    pub(crate) shown: watch::Sender<Arc<Credentials>>,
    /// The daemon's numbers.
    pub(crate) counters: Counters,
    /// This host's history.
    pub(crate) events: EventsHandle,
}

impl Renewal {
    /// Renews for as long as anybody is shown the certificate.
    pub(crate) async fn run(mut self) {
        while !self.shown.is_closed() {
            if let Err(problem) = self.look().await {
                tracing::warn!(error = %problem, hint = problem.hint, "certificate not renewed");
                tokio::time::sleep(self.pause()).await;
                continue;
            }
            let due = self.due_in(SystemTime::now()).min(LOOK);
            // Late or early, everything is looked at again.
            drop(tokio::time::timeout(due, self.followed.changed()).await);
        }
    }

    /// Does whatever is due.
    async fn look(&mut self) -> Answer<()> {
        self.trust()?;
        if self.due_in(SystemTime::now()).is_zero() || !self.is_of_the_present_ca() {
            let until = self.renew().await?;
            self.counters.renewals.inc();
            let until = crate::told::rfc3339(until).unwrap_or_default();
            tracing::debug!(until, "certificate renewed");
            self.events.note(Change::CertificateRenewed { until });
        }
        self.report().await
    }

    /// Trusts the CAs that the registry names. An old view may not know the newest one.
    fn trust(&mut self) -> Answer<()> {
        let view = self.registry.view();
        let named = view.cluster().map(Cluster::trusted_pem);
        let news = named.filter(|named| self.registry.fresh() && *named != self.membership.ca_pem);
        news.map_or(Ok(()), |ca_pem| self.keep(|kept| kept.ca_pem = ca_pem))
    }

    fn is_of_the_present_ca(&self) -> bool {
        let view = self.registry.view();
        let Some(cluster) = view.cluster().filter(|_| self.registry.fresh()) else { return true };
        let Ok(present) = weft_identity::certificates(&cluster.ca_pem) else { return true };
        present.iter().all(|certificate| self.shown.borrow().chain.contains(certificate))
    }

    /// Tells the managers that this node has a certificate of the CA that came last.
    async fn report(&self) -> Answer<()> {
        let view = self.registry.view();
        let Some(cluster) = view.cluster().filter(|_| self.registry.fresh()) else { return Ok(()) };
        let told = view.certificate(self.membership.node.id) == Some(cluster.ca_generation);
        if cluster.former_ca_pem.is_none() || told || !self.is_of_the_present_ca() {
            return Ok(());
        }
        let generation = cluster.ca_generation;
        self.registry.command(Command::Certified { generation }).await.map(|_done| ())
    }

    /// How long it is until the next one is to be asked for. One that was signed while the clock was
    /// ahead is good for nothing until the clock is there again: it is replaced at once.
    fn due_in(&self, now: SystemTime) -> Duration {
        due_in(self.validity(), now)
    }

    fn pause(&self) -> Duration {
        let life = self.validity().map_or(LONGEST_PAUSE, |validity| validity.life());
        (life / 20).clamp(Duration::from_millis(250), LONGEST_PAUSE)
    }

    fn validity(&self) -> Option<Validity> {
        validity(&self.shown.borrow())
    }

    async fn renew(&mut self) -> Answer<SystemTime> {
        let chain = ask::new_certificate(self).await?;
        let chain_pem = weft_identity::pem_of(&chain);
        self.keep(|kept| kept.chain_pem = chain_pem)?;
        Ok(self.validity().map_or(SystemTime::UNIX_EPOCH, |validity| validity.until))
    }

    /// Changes what is kept, and then what is shown.
    fn keep(&mut self, change: impl FnOnce(&mut Membership)) -> Answer<()> {
        self.membership = self.disk.amend(change).map_err(|error| {
            let hint = error.hint();
            because(ProblemKind::Internal, "the new certificate is not kept", &error, hint)
        })?;
        let shown = credentials(&self.membership).map_err(|error| ask::unusable(&*error))?;
        self.shown.send_replace(Arc::new(shown));
        Ok(())
    }
}

fn due_in(validity: Option<Validity>, now: SystemTime) -> Duration {
    let begun = validity.filter(|validity| validity.has_begun(now));
    let due = begun.map(|validity| validity.renew_at());
    due.and_then(|due| due.duration_since(now).ok()).unwrap_or_default()
}

/// For how long what a node shows is good.
pub(crate) fn validity(shown: &Credentials) -> Option<Validity> {
    shown.chain.first().and_then(|certificate| Validity::of(certificate).ok())
}

/// What a membership shows of itself.
pub(crate) fn credentials(membership: &Membership) -> anyhow::Result<Credentials> {
    Ok(Credentials {
        node: membership.node.id,
        chain: weft_identity::certificates(&membership.chain_pem)?,
        key: weft_identity::private_key(&membership.key_pem)?,
        roots: weft_identity::certificates(&membership.ca_pem)?,
    })
}

/// Who signs what a member says of its endpoints.
pub(crate) fn notary(membership: &Membership) -> anyhow::Result<Arc<dyn Notary>> {
    Ok(Arc::new(KeyNotary::from_pem(&membership.key_pem)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_of_a_clock_that_was_ahead_is_replaced_at_once() {
        let hour = Duration::from_secs(3_600);
        let from = SystemTime::UNIX_EPOCH + 1_000 * hour;
        let validity = Some(Validity { from, until: from + 49 * hour });
        assert_eq!(due_in(validity, from + hour), 24 * hour);
        assert_eq!(due_in(validity, from + 30 * hour), Duration::ZERO);
        assert_eq!(due_in(validity, from - hour), Duration::ZERO);
        assert_eq!(due_in(None, from), Duration::ZERO);
    }
}
