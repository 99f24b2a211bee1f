//! All of Docker's side, brought together.

use std::io;
use std::sync::Arc;

use tokio::net::UnixListener;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use weft_docker_api::Engine;

use crate::Overlay;
use crate::aliases::Aliases;
use crate::driver::Drivers;
use crate::exits::Exits;
use crate::mirror::Mirror;
use crate::plugin::{self, PluginSocket, SocketError};
use crate::presence::Presence;
use crate::watcher::Watcher;

/// Docker's drivers on their socket, with the mirror and the watcher beside them.
pub struct Docker {
    listener: UnixListener,
    overlay: Arc<dyn Overlay>,
    engine: Engine,
}

impl std::fmt::Debug for Docker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Docker").field("engine", &self.engine).finish_non_exhaustive()
    }
}

impl Docker {
    /// Listens: Docker's calls wait from now on, instead of failing, until [`Self::run`].
    ///
    /// To be called inside a Tokio runtime, as early as possible.
    ///
    /// # Errors
    ///
    /// [`SocketError`] if the plugin's socket cannot be had.
    pub fn listen(
        socket: PluginSocket,
        engine: Engine,
        overlay: Arc<dyn Overlay>,
    ) -> Result<Self, SocketError> {
        Ok(Self { listener: plugin::listen(socket)?, overlay, engine })
    }

    /// Serves, mirrors and watches until told to stop. Whether Docker runs does not matter: it
    /// is waited for, as often as it takes.
    ///
    /// # Errors
    ///
    /// What the system says when the socket breaks.
    pub async fn run(self, stop: CancellationToken) -> io::Result<()> {
        let Self { listener, overlay, engine } = self;
        let (aliases, presence) = (Aliases::default(), Presence::default());
        let nudge = Arc::new(Notify::new());
        let drivers = Drivers {
            overlay: Arc::clone(&overlay),
            engine: engine.clone(),
            aliases: aliases.clone(),
            presence: presence.clone(),
        };
        let mirror = Mirror::new(engine.clone(), Arc::clone(&overlay));
        let (exits, keeper) = Exits::new(Arc::clone(&overlay));
        let watching = (presence, exits);
        let watcher = Watcher::new(engine, overlay, aliases, Arc::clone(&nudge), watching);
        let mirror = tokio::spawn(mirror.run(nudge, stop.clone()));
        let keeper = tokio::spawn(keeper.run(stop.clone()));
        let watcher = tokio::spawn(watcher.run(stop.clone()));
        let outcome = plugin::serve(listener, drivers, stop.clone()).await;
        stop.cancel();
        for part in [mirror, watcher, keeper] {
            part.await.map_err(io::Error::other)?;
        }
        outcome
    }
}
