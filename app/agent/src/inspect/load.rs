//! What flows on this node.

use std::time::Duration;

use weft_api::TopView;

use super::Desk;
use crate::problem::Answer;
use crate::top::measure;

/// A measurement ends before whoever asked has given up.
const LONGEST: u32 = 500;
const SHORTEST: u32 = 50;

impl Desk {
    pub(super) async fn top(&self, millis: u32) -> Answer<TopView> {
        let lasting = Duration::from_millis(millis.clamp(SHORTEST, LONGEST).into());
        let drops = self.drops.follow().await?;
        let picture = self.fabric.state.picture();
        Ok(measure(&picture, &self.mesh, lasting, drops).await)
    }
}
