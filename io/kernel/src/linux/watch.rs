//! Listening for what others do.
//!
//! One thread polls a netlink socket per namespace, the packet filter's, and the directory of
//! namespaces. It ends when its stream is dropped.

mod ears;

use std::collections::BTreeSet;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;
use std::{io, thread};

use futures::StreamExt;
use futures::stream::{self, BoxStream};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use self::ears::Ears;
use crate::{Disturbance, Netns};

/// How many different disturbances a slow listener may be behind.
const BACKLOG: usize = 64;
/// How long disturbances are gathered before they are told.
const GATHERING: Duration = Duration::from_millis(5);
/// How often the directory is read although nothing was heard: an unmounted namespace is silent.
const LOOKING: u16 = 500;
/// The same while something is half-made.
const LOOKING_AGAIN: u16 = 20;

/// Disturbances of a host and its segments.
pub(super) fn stream(host: &Netns, directory: PathBuf) -> BoxStream<'static, Disturbance> {
    match start(host, directory) {
        Ok(listening) => stream::unfold(listening, |mut listening| async {
            let told = listening.told.recv().await?;
            Some((told, listening))
        })
        .boxed(),
        Err(error) => {
            tracing::error!(%error, "the kernel cannot be listened to");
            stream::empty().boxed()
        }
    }
}

/// The stream's end of the thread.
struct Listening {
    told: Receiver<Disturbance>,
    /// Closed by being dropped, which the thread hears.
    _leash: UnixStream,
}

fn start(host: &Netns, directory: PathBuf) -> io::Result<Listening> {
    let ears = Ears::open(host, directory)?;
    let (tell, told) = channel(BACKLOG);
    let (leash, collar) = UnixStream::pair()?;
    let watch = Watch { ears, tell, collar, untold: BTreeSet::new() };
    thread::Builder::new().name("weft-watch".into()).spawn(move || watch.run())?;
    Ok(Listening { told, _leash: leash })
}

/// The thread's own.
struct Watch {
    ears: Ears,
    tell: Sender<Disturbance>,
    collar: UnixStream,
    untold: BTreeSet<Disturbance>,
}

impl Watch {
    fn run(mut self) {
        loop {
            match self.wait() {
                Ok(Woken::Called) => return,
                Ok(Woken::Heard) => thread::sleep(GATHERING),
                Ok(Woken::Bored) => {}
                Err(error) => {
                    tracing::error!(%error, "the kernel can no longer be listened to");
                    return;
                }
            }
            self.ears.listen(&mut self.untold);
            self.pass_on();
        }
    }

    fn wait(&self) -> io::Result<Woken> {
        let mut waiting = vec![PollFd::new(self.collar.as_fd(), PollFlags::POLLIN)];
        waiting.extend(self.ears.fds().map(|fd| PollFd::new(fd, PollFlags::POLLIN)));
        let unfinished = self.ears.is_unsure() || !self.untold.is_empty();
        let timeout = if unfinished { LOOKING_AGAIN } else { LOOKING };
        match poll(&mut waiting, PollTimeout::from(timeout)) {
            Ok(0) | Err(Errno::EINTR) => Ok(Woken::Bored),
            Ok(_) if waiting.first().and_then(PollFd::any) == Some(true) => Ok(Woken::Called),
            Ok(_) => Ok(Woken::Heard),
            Err(error) => Err(error.into()),
        }
    }

    /// Tells what there is room for; the rest is told later.
    fn pass_on(&mut self) {
        let tell = &self.tell;
        self.untold.retain(|told| matches!(tell.try_send(*told), Err(TrySendError::Full(_))));
    }
}

/// Why the thread goes on.
enum Woken {
    Called,
    Heard,
    Bored,
}
