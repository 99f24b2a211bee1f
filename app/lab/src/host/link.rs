//! What can be wrong with a host's link.

use super::Host;
use crate::protocol::KeeperRequest;
use crate::{Fault, LabError};

impl Host {
    /// Lets nothing through to or from the host; its link stays up.
    ///
    /// # Errors
    ///
    /// If the lab is gone.
    pub async fn cut(&self) -> Result<(), LabError> {
        self.disturb(Fault::Cut { host: self.name.clone() }).await
    }

    /// Lets nothing through between this host and `other`.
    ///
    /// # Errors
    ///
    /// If the lab is gone.
    pub async fn cut_from(&self, other: &Self) -> Result<(), LabError> {
        self.disturb(Fault::CutBetween { host: self.name.clone(), from: other.name.clone() }).await
    }

    /// Lets nothing through that this host sends to `other`; it hears the other all the same.
    ///
    /// # Errors
    ///
    /// If the lab is gone.
    pub async fn unheard_by(&self, other: &Self) -> Result<(), LabError> {
        self.disturb(Fault::CutOneWay { host: self.name.clone(), by: other.name.clone() }).await
    }

    /// Loses this share of the packets on the host's link, each way.
    ///
    /// # Errors
    ///
    /// If the lab is gone.
    pub async fn loss(&self, percent: u8) -> Result<(), LabError> {
        self.disturb(Fault::Loss { host: self.name.clone(), percent }).await
    }

    /// Swallows datagrams to a UDP port on the host's link, each way.
    ///
    /// # Errors
    ///
    /// If the lab is gone.
    pub async fn swallow(&self, port: u16) -> Result<(), LabError> {
        self.disturb(Fault::Swallow { host: self.name.clone(), port }).await
    }

    /// Lets IP packets of at most this length through the host's link, each way.
    ///
    /// # Errors
    ///
    /// If the lab is gone.
    pub async fn narrow(&self, length: u16) -> Result<(), LabError> {
        self.disturb(Fault::Narrow { host: self.name.clone(), length }).await
    }

    /// Spoils the sums of TCP segments that the host sends inside VXLAN to a UDP port.
    ///
    /// Its kernel has to finish them, as for a wire (`ethtool -K eth0 tx off`): of what it leaves
    /// to a device, nobody checks the sum on the way.
    ///
    /// # Errors
    ///
    /// If the lab is gone.
    pub async fn spoil(&self, port: u16) -> Result<(), LabError> {
        self.disturb(Fault::Spoil { host: self.name.clone(), port }).await
    }

    /// Ends everything that is wrong with the host's link.
    ///
    /// # Errors
    ///
    /// If the lab is gone.
    pub async fn heal(&self) -> Result<(), LabError> {
        self.ask_keeper(KeeperRequest::Heal { host: self.name.clone() }).await.map(drop)
    }

    async fn disturb(&self, fault: Fault) -> Result<(), LabError> {
        self.ask_keeper(KeeperRequest::Disturb(fault)).await.map(drop)
    }
}
