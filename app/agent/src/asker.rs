//! Who has asked for what is being done, for as long as it is done: the history tells it.
//!
//! It goes with the task and not through every call: no decision depends on it.

use std::fmt;

tokio::task_local! {
    static ASKER: Asker;
}

/// Who asks this host for something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Asker {
    /// A user of this host, at the admin socket.
    User(String),
    /// This host's Docker Engine.
    Docker,
}

impl fmt::Display for Asker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(name) => write!(f, "user {name}"),
            Self::Docker => f.write_str("this host's Docker"),
        }
    }
}

impl Asker {
    /// Does something for them.
    pub(crate) async fn asks<F: Future>(self, what: F) -> F::Output {
        ASKER.scope(self, what).await
    }

    /// Whom this is done for; nothing for what the host does by itself.
    pub(crate) fn present() -> Option<Self> {
        ASKER.try_with(Clone::clone).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_is_known_for_whom_something_is_done_and_not_longer() {
        let asked = Asker::Docker.asks(async { Asker::present() }).await;
        assert_eq!((asked, Asker::present()), (Some(Asker::Docker), None));
    }
}
