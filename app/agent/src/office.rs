//! A manager's office: the registry's writer, the door for hosts that join, and this node's seat among
//! the managers.
//!
//! A node holds it for as long as the registry says that it is a manager; it comes and goes while the
//! node goes on.

mod authority;
mod left_behind;
mod links;
mod moving;
mod premises;
mod seat;
pub(crate) mod seats;
mod tenure;

use std::sync::Arc;

use crate::admission::Admission;
use crate::registry::{Backing, Manager};

pub(crate) use authority::{ask_authority, give_authority};
pub(crate) use links::MeshLinks;
pub(crate) use moving::move_to_etcd;
pub(crate) use premises::Premises;
pub(crate) use seat::SeatKeeper;
pub(crate) use tenure::{Held, Tenure};

/// What a manager has beyond other nodes.
#[derive(Clone, Debug)]
pub(crate) struct Office {
    /// The registry's writer.
    pub(crate) manager: Manager,
    /// Lets hosts in.
    pub(crate) admission: Arc<Admission>,
}

impl Office {
    /// Who keeps the registry.
    pub(crate) fn backing(&self) -> Backing {
        self.manager.backing()
    }
}
