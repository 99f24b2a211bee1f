//! A registry that leaves the managers' disks for an etcd.
//!
//! The manager that is told to do it seals what is there, so that nothing is added behind the copy;
//! founds the copy in etcd, complete or not at all; and goes on there. The others see the seal, or the
//! copy, and ask it for the way. What was on their disks is put aside: nobody opens it again.

use weft_api::{ApiProblem, ProblemKind};
use weft_registry::{
    Command, Keeping, NotMoved, Snapshot, There, View, has_arrived, may_leave, with_keeping,
};
use weft_store::{Etcd, EtcdAccess, EtcdFault, Store as _, StoreError};

use super::authority::{Deed, ask_authority};
use super::left_behind::AT_START;
use super::seat::SeatKeeper;
use super::{Held, Office, left_behind};
use crate::disk::{Disk, DiskError};
use crate::problem::{Answer, because, chain, problem};
use crate::registry::Backing;

/// Copies the registry into the etcd, and notes that this manager goes on there; its [`SeatKeeper`]
/// does.
///
/// # Errors
///
/// What failed; the registry stays where it is, or the answer says that the move is to be finished.
pub(crate) async fn move_to_etcd(disk: &Disk, office: &Office, access: &EtcdAccess) -> Answer<()> {
    if !matches!(office.backing(), Backing::Managers(_)) {
        let hint = "another etcd: `weft backup`, then `weft restore --force`, then move it there";
        return Err(problem(ProblemKind::Conflict, "an etcd keeps the registry already", hint));
    }
    must_be_free(access, office).await?;
    seal(office, Keeping::Moving).await?;
    let sealed = office.manager.store().range("/").await.map_err(|e| unfinished(&e))?;
    let copy = with_keeping(&sealed, Keeping::Etcd)
        .map_err(|e| because(ProblemKind::Internal, "read the registry", &e, e.hint()))?;
    if let Err(error) = Etcd::found(access, &copy).await {
        settle(access, office, &sealed, &error).await?;
    }
    let kept = disk.amend(|membership| membership.etcd = Some(access.clone()));
    kept.map(drop).map_err(|error| {
        let what = "the registry is in etcd, but this manager could not note it";
        because(ProblemKind::Internal, what, &error, FINISH)
    })
}

/// Before anything is sealed: etcd answers, and nothing is there but what an earlier attempt left.
async fn must_be_free(access: &EtcdAccess, office: &Office) -> Answer<()> {
    let here = office.manager.store().range("/").await.map_err(|e| not_moved(&e))?;
    let looked = look(access).await;
    may_leave(&here, there(&looked)).map_err(|why| match &looked {
        Ok(_another) => taken(),
        Err(away) => told(why, away),
    })
}

/// The copy could not be founded, as it seems. If it is there all the same, the move goes on; if it
/// surely is not, the registry stays where it is.
async fn settle(
    access: &EtcdAccess,
    office: &Office,
    sealed: &Snapshot,
    error: &StoreError,
) -> Answer<()> {
    let perhaps = matches!(error, StoreError::Unsettled);
    let arrived = has_arrived(sealed, there(&look(access).await), perhaps);
    if arrived == Err(NotMoved::Stays) {
        seal(office, Keeping::Managers).await?;
    }
    arrived.map_err(|why| told(why, error))
}

/// The registry that is in etcd, if there is one.
async fn look(access: &EtcdAccess) -> Result<Option<Snapshot>, StoreError> {
    match Etcd::open(access).await {
        Err(StoreError::Etcd(EtcdFault::Missing(_))) => Ok(None),
        Err(error) => Err(error),
        Ok(etcd) => etcd.range("/").await.map(Some),
    }
}

const fn there(looked: &Result<Option<Snapshot>, StoreError>) -> There<'_> {
    match looked {
        Ok(Some(registry)) => There::Found(registry),
        Ok(None) => There::Nothing,
        Err(_away) => There::Unknown,
    }
}

fn told(why: NotMoved, error: &StoreError) -> ApiProblem {
    match why {
        NotMoved::Taken => taken(),
        NotMoved::Stays => not_moved(error),
        NotMoved::Open => unfinished(error),
    }
}

async fn seal(office: &Office, keeping: Keeping) -> Answer<()> {
    let me = office.admission.me();
    let done = office.manager.command(me, Command::Keep(keeping)).await;
    done.map(drop).map_err(|refusal| problem(ProblemKind::Conflict, refusal.error, refusal.hint))
}

fn taken() -> ApiProblem {
    let what = "the registry cannot be moved: there is one under that prefix already";
    let hint = "choose another prefix: weft store move --etcd-prefix PREFIX --to …";
    problem(ProblemKind::Conflict, what, hint)
}

fn not_moved(error: &StoreError) -> ApiProblem {
    because(ProblemKind::Unavailable, "the registry stays where it is", error, error.hint())
}

fn unfinished(error: &StoreError) -> ApiProblem {
    let what = "the move is not over: the registry is not changed until it is";
    because(ProblemKind::Unavailable, what, error, FINISH)
}

const FINISH: &str = "type the same command again: nothing is lost; if that etcd is gone for good, \
     `weft recover --force --etcd-is-gone` on a manager goes on without it";

/// What a manager is from now on, on its disk.
pub(super) fn take_up(disk: &Disk, deed: &Deed) -> Result<(), DiskError> {
    disk.amend(|membership| {
        membership.authority_pem = Some(deed.pem.0.clone());
        membership.etcd.clone_from(&deed.etcd);
    })?;
    disk.set_aside_manager_store()
}

impl SeatKeeper {
    /// The registry moves, or has moved: this manager goes on in etcd as soon as it knows the way.
    pub(super) async fn follow_to_etcd(&self, office: &Office, view: &View) {
        let Some(etcd) = self.way_to_etcd(view).await else { return };
        let pem = office.admission.authority().pem();
        let opened = match self.premises.open_etcd(&pem, &etcd).await {
            Ok(opened) => opened,
            Err(error) => {
                let error = chain(error.as_ref()).join(": ");
                return tracing::warn!(
                    error,
                    "this manager does not follow the registry to etcd yet"
                );
            }
        };
        office.backing().close().await;
        let deed = Deed { pem: weft_transport::Secret(pem), etcd: Some(etcd) };
        if let Err(error) = take_up(&self.premises.disk, &deed) {
            tracing::error!(%error, hint = error.hint(), "the way to etcd is not kept");
        }
        self.tenure.set(Held::Yes(opened));
        tracing::info!("the registry is in etcd now");
    }

    /// As this manager has founded it, or as another one tells.
    async fn way_to_etcd(&self, view: &View) -> Option<EtcdAccess> {
        let own = self.premises.disk.membership().ok().flatten();
        if let Some(etcd) = own.and_then(|membership| membership.etcd) {
            return Some(etcd);
        }
        let cluster = view.cluster()?;
        let wanted = (cluster.ca_pem.as_str(), Keeping::Etcd);
        ask_authority(&self.mesh, &self.others(view), wanted).await?.etcd
    }

    /// The agent has started, or etcd did not answer the last time.
    pub(super) async fn open_etcd(&self) {
        let membership = match self.premises.disk.membership() {
            Ok(membership) => membership,
            Err(error) => {
                return tracing::error!(%error, hint = error.hint(), "the registry is not opened");
            }
        };
        let way = membership.and_then(|own| own.authority_pem.zip(own.etcd));
        let Some((pem, etcd)) = way else { return };
        let held = match self.premises.open_etcd(&pem, &etcd).await {
            Ok(office) if self.is_left_behind(&office, AT_START).await => {
                office.backing().close().await;
                left_behind::held()
            }
            Ok(office) => Held::Yes(office),
            Err(error) => {
                let reason = chain(error.as_ref()).join(": ");
                let hint = crate::hint::hint(&error).unwrap_or_default();
                tracing::debug!(error = reason, "etcd does not keep the registry now");
                Held::Closed { reason, hint }
            }
        };
        if matches!(held, Held::Yes(_)) {
            tracing::info!("etcd keeps the registry");
        }
        self.tenure.set(held);
    }
}
