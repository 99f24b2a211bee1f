//! SWIM itself (Das, Gupta, Motivala 2002), by `foca`: what goes in and what comes out, as values.

use std::collections::BTreeMap;
use std::num::{NonZeroU8, NonZeroUsize};
use std::time::{Duration, Instant};

use foca::{
    Config, Foca, Member, NoCustomBroadcast, Notification, PeriodicParams, Runtime, State, Timer,
};
use rand::SeedableRng as _;
use rand_pcg::Pcg64Mcg;

use crate::codec::{Compact, Malformed};
use crate::who::Who;

/// One member is probed so often.
const PROBE: Duration = Duration::from_millis(500);
/// Who has not answered by then is asked through others.
const ROUND_TRIP: Duration = Duration::from_millis(150);
/// Who is suspected has so long to object.
const SUSPICION: Duration = Duration::from_secs(3);
const GOSSIP: Duration = Duration::from_millis(200);
/// A member that is down is told of, so often.
const RETRY: Duration = Duration::from_secs(2);
/// Fits into a QUIC datagram on a path of the smallest size, 1,200 bytes (RFC 9000 §14).
const PACKET: NonZeroUsize = NonZeroUsize::MIN.saturating_add(1_099);
const THREE: NonZeroUsize = NonZeroUsize::MIN.saturating_add(2);

/// The protocol's state.
pub(crate) struct Swim {
    foca: Foca<Who, Compact, Pcg64Mcg, NoCustomBroadcast>,
    timers: BTreeMap<(Instant, u64), Timer<Who>>,
    count: u64,
    out: Out,
}

/// What came out.
#[derive(Debug, Default)]
pub(crate) struct Out {
    pub(crate) packets: Vec<(Who, Vec<u8>)>,
    pub(crate) news: Vec<News>,
    timers: Vec<(Timer<Who>, Duration)>,
}

/// What the protocol found out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum News {
    Up(Who),
    Down(Who),
}

impl Swim {
    pub(crate) fn new(me: Who, seed: u64) -> Self {
        let dice = Pcg64Mcg::seed_from_u64(seed);
        let foca = Foca::new(me, config(1), dice, Compact);
        Self { foca, timers: BTreeMap::new(), count: 0, out: Out::default() }
    }

    pub(crate) fn me(&self) -> Who {
        *self.foca.identity()
    }

    /// Everybody that is known, alive or not, this node not counted.
    pub(crate) fn members(&self) -> impl Iterator<Item = &Member<Who>> {
        self.foca.iter_membership_state()
    }

    /// News are told as often as so many members need.
    pub(crate) fn set_size(&mut self, members: usize) {
        // Nothing of it is among what may not change.
        drop(self.foca.set_config(config(members)));
    }

    pub(crate) fn handle(&mut self, now: Instant, packet: &[u8]) -> Result<(), Malformed> {
        let handled = self.foca.handle_data(packet, &mut self.out);
        self.keep_timers(now);
        match handled {
            Err(
                foca::Error::Decode(_) | foca::Error::MalformedPacket | foca::Error::DataTooBig,
            ) => Err(Malformed),
            // All else is about packets that came late.
            _ => Ok(()),
        }
    }

    /// Takes over what is known of members; `tell`: passes it on.
    pub(crate) fn apply(&mut self, now: Instant, members: Vec<Member<Who>>, tell: bool) {
        // It fails if a packet cannot be written, which is tried again.
        drop(self.foca.apply_many(members.into_iter(), tell, &mut self.out));
        self.keep_timers(now);
    }

    /// Forgets a member, for good.
    pub(crate) fn forget(&mut self, now: Instant, member: &Member<Who>) {
        let down = Member::new(*member.id(), member.incarnation(), State::Down);
        self.apply(now, vec![down], false);
        drop(self.foca.handle_timer(Timer::RemoveDown(*member.id()), &mut self.out));
        self.keep_timers(now);
    }

    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        while let Some(first) = self.timers.first_entry().filter(|first| first.key().0 <= now) {
            let timer = first.remove();
            // A probe that was interrupted by a change of identity is begun anew.
            drop(self.foca.handle_timer(timer, &mut self.out));
            self.keep_timers(now);
        }
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.timers.first_key_value().map(|((at, _), _)| *at)
    }

    /// All that came out since.
    pub(crate) fn take(&mut self) -> Out {
        std::mem::take(&mut self.out)
    }

    fn keep_timers(&mut self, now: Instant) {
        for (timer, after) in std::mem::take(&mut self.out.timers) {
            self.count += 1;
            self.timers.insert((now + after, self.count), timer);
        }
    }
}

impl std::fmt::Debug for Swim {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Swim").field("me", self.foca.identity()).finish_non_exhaustive()
    }
}

impl Runtime<Who> for &mut Out {
    fn notify(&mut self, notification: Notification<'_, Who>) {
        match notification {
            Notification::MemberUp(who) => self.news.push(News::Up(*who)),
            Notification::MemberDown(who) => self.news.push(News::Down(*who)),
            _ => {}
        }
    }

    fn send_to(&mut self, to: Who, data: &[u8]) {
        self.packets.push((to, data.to_vec()));
    }

    fn submit_after(&mut self, event: Timer<Who>, after: Duration) {
        self.timers.push((event, after));
    }
}

/// For a cluster of so many members.
///
/// `notify_down_members` stays off: foca 2.0 would tell members that have long objected to a
/// suspicion that they are down. Rosters tell those that are (`roster.rs`).
fn config(members: usize) -> Config {
    let digits = members.max(1).ilog10().saturating_add(1);
    let told = u8::try_from(4 * digits).ok().and_then(NonZeroU8::new);
    let every = |frequency, num_members| Some(PeriodicParams { frequency, num_members });
    Config {
        probe_period: PROBE,
        probe_rtt: ROUND_TRIP,
        num_indirect_probes: THREE,
        max_transmissions: told.unwrap_or(NonZeroU8::MAX),
        suspect_to_down_after: SUSPICION,
        remove_down_after: None,
        max_packet_size: PACKET,
        notify_down_members: false,
        periodic_announce: None,
        periodic_announce_to_down_members: every(RETRY, NonZeroUsize::MIN),
        periodic_gossip: every(GOSSIP, THREE),
    }
}
