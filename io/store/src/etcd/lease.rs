//! Leases, which etcd counts in seconds.

use std::time::Duration;

use etcd_client::Client;
use weft_registry::LeaseId;

use super::Open;
use super::members::{Again, Answer};
use crate::StoreError;

impl Open {
    pub(super) async fn grant(&self, ttl: Duration) -> Result<LeaseId, StoreError> {
        let seconds = i64::try_from(ttl.as_millis().div_ceil(1_000)).unwrap_or(i64::MAX).max(1);
        let question = |mut client: Client| async move { client.lease_grant(seconds, None).await };
        match self.ask(Again::May, question).await? {
            Answer::Here(granted) => Ok(LeaseId(granted.id().cast_unsigned())),
            Answer::NoLease | Answer::Compacted => Err(StoreError::Unsettled),
        }
    }

    pub(super) async fn keep_alive(&self, lease: LeaseId) -> Result<(), StoreError> {
        let id = lease.0.cast_signed();
        let question = |mut client: Client| async move { client.lease_keep_alive(id).await };
        match self.ask(Again::May, question).await? {
            Answer::Here(_kept) => Ok(()),
            Answer::NoLease | Answer::Compacted => Err(StoreError::NoSuchLease(lease)),
        }
    }

    pub(super) async fn revoke(&self, lease: LeaseId) -> Result<(), StoreError> {
        let id = lease.0.cast_signed();
        let question = |mut client: Client| async move { client.lease_revoke(id).await };
        match self.ask(Again::MayNot, question).await? {
            Answer::Here(_revoked) => Ok(()),
            Answer::NoLease | Answer::Compacted => Err(StoreError::NoSuchLease(lease)),
        }
    }
}
