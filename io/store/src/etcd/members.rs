//! The members of an etcd, of which any will do.
//!
//! The client's own balancing goes on to pick a member that is down; here, who has answered last
//! is asked next, and after a failure another one.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use etcd_client::{Certificate, Client, ConnectOptions, Error, Identity, TlsOptions};
use tokio::time::{Instant, sleep, timeout};

use super::access::{EtcdAccess, EtcdTls};
use super::fault::{EtcdFault, Verdict};
use crate::StoreError;

/// How long a question may look for a member that answers: an election takes a second or two.
const PATIENCE: Duration = Duration::from_secs(4);
/// How long one member may take.
const HOP: Duration = Duration::from_millis(1_500);
const CONNECT: Duration = Duration::from_millis(700);
/// Pause before the members are asked once more.
const PAUSE: Duration = Duration::from_millis(50);
/// Members refuse to be pinged more often than every 5 s.
const PING: (Duration, Duration) = (Duration::from_secs(6), Duration::from_secs(3));

/// Whether a request may be sent again if it is not known what became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Again {
    May,
    MayNot,
}

/// What has become of a question that was answered.
#[derive(Debug)]
pub(super) enum Answer<T> {
    Here(T),
    NoLease,
    Compacted,
}

/// Clients, one a member.
pub(super) struct Members {
    clients: Vec<Client>,
    /// Who is asked first.
    first: AtomicUsize,
}

impl std::fmt::Debug for Members {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Members").field("count", &self.clients.len()).finish_non_exhaustive()
    }
}

impl Members {
    /// Makes the clients; none is connected yet.
    pub(super) async fn new(access: &EtcdAccess) -> Result<Self, StoreError> {
        let mut options = ConnectOptions::new()
            .with_connect_timeout(CONNECT)
            .with_keep_alive(PING.0, PING.1)
            .with_require_leader(true);
        if let Some(tls) = &access.tls {
            options = options.with_tls(tls_options(tls));
        }
        let mut clients = Vec::new();
        for endpoint in &access.endpoints {
            let client = Client::connect([endpoint], Some(options.clone())).await;
            clients.push(client.map_err(|error| EtcdFault::Settings(error.to_string()))?);
        }
        Ok(Self { clients, first: AtomicUsize::new(0) })
    }

    /// Who is asked first at the moment.
    pub(super) fn first(&self) -> Option<(usize, Client)> {
        let first = self.first.load(Ordering::Relaxed);
        self.clients.get(first).map(|client| (first, client.clone()))
    }

    /// Asks another one first than `member`, unless that happens already.
    pub(super) fn avoid(&self, member: usize) {
        let next = (member + 1) % self.clients.len().max(1);
        let unchanged = Ordering::Relaxed;
        // If it fails, another question has moved on already.
        let _moved = self.first.compare_exchange(member, next, unchanged, unchanged);
    }

    /// Asks members until one has answered.
    pub(super) async fn ask<T, F>(
        &self,
        again: Again,
        question: impl Fn(Client) -> F,
    ) -> Result<Answer<T>, StoreError>
    where
        F: Future<Output = Result<T, Error>> + Send,
    {
        let until = Instant::now() + PATIENCE;
        let mut asked = 0;
        loop {
            let Some((member, client)) = self.first() else {
                return Err(EtcdFault::Settings("there is no endpoint".into()).into());
            };
            let cause = match verdict(timeout(HOP, question(client)).await) {
                Ok(answer) => return Ok(answer),
                Err(Verdict::NoLease) => return Ok(Answer::NoLease),
                Err(Verdict::Compacted) => return Ok(Answer::Compacted),
                Err(Verdict::Never(fault)) => return Err(fault.into()),
                Err(Verdict::Unknown(_)) if again == Again::MayNot => {
                    self.avoid(member);
                    return Err(StoreError::Unsettled);
                }
                Err(Verdict::NotDone(cause) | Verdict::Unknown(cause)) => cause,
            };
            self.avoid(member);
            asked += 1;
            if Instant::now() >= until {
                return Err(EtcdFault::Away(cause).into());
            }
            if asked % self.clients.len() == 0 {
                sleep(PAUSE).await;
            }
        }
    }
}

fn verdict<T>(
    asked: Result<Result<T, Error>, tokio::time::error::Elapsed>,
) -> Result<Answer<T>, Verdict> {
    match asked {
        Ok(Ok(answer)) => Ok(Answer::Here(answer)),
        Ok(Err(error)) => Err(Verdict::of(&error)),
        Err(_elapsed) => Err(Verdict::Unknown("it takes too long".into())),
    }
}

fn tls_options(tls: &EtcdTls) -> TlsOptions {
    let options = TlsOptions::new().ca_certificate(Certificate::from_pem(&tls.ca_pem));
    match &tls.identity {
        Some(us) => options.identity(Identity::from_pem(&us.cert_pem, &us.key_pem)),
        None => options,
    }
}
