//! What has happened to this node, and what it believed.

use serde::{Deserialize, Serialize};
use weft_api::{BeliefView, EventView};
use weft_events::Moment;

use super::Desk;
use crate::events::{Wanted, believed, seen};
use crate::problem::Answer;

/// Some of a node's events.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Happened {
    /// From when on it keeps them, RFC 3339.
    pub(crate) since: String,
    /// Oldest first.
    pub(crate) events: Vec<EventView>,
}

/// What a node believed at a moment.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Believed {
    /// This.
    Was(Box<BeliefView>),
    /// It does not know: its events begin later, RFC 3339.
    Since(String),
}

impl Desk {
    pub(super) async fn happened(&self, wanted: Wanted) -> Answer<Happened> {
        let found = self.events.find(wanted).await?;
        Ok(Happened { since: seen(found.since), events: found.events })
    }

    pub(super) async fn believed(&self, at: Moment) -> Answer<Believed> {
        let host = self.fabric.state.picture().me.name.to_string();
        Ok(match self.events.at(at).await? {
            Ok(recalled) => Believed::Was(Box::new(believed(&host, at, &recalled))),
            Err(unknown) => Believed::Since(seen(unknown.since)),
        })
    }
}
