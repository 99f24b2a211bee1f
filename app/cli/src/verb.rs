//! The verbs, and who runs which.

mod agent;
mod attach;
mod backup;
mod ca;
mod capture;
mod completions;
mod detach;
mod doctor;
mod drops;
mod endpoint;
mod events;
mod init;
mod join;
mod lab;
mod leave;
mod man;
mod network;
mod node;
mod path;
mod reconcile;
mod recover;
mod restore;
mod run;
#[cfg(test)]
mod samples;
mod status;
mod store;
mod token;
mod top;
mod trace;
mod verify;
mod version;

pub(crate) use agent::Agent;
pub(crate) use attach::Attach;
pub(crate) use backup::Backup;
pub(crate) use ca::Ca;
pub(crate) use capture::Capture;
pub(crate) use completions::Completions;
pub(crate) use detach::Detach;
pub(crate) use doctor::Doctor;
pub(crate) use drops::Drops;
pub(crate) use endpoint::Endpoint;
pub(crate) use events::Events;
pub(crate) use init::Init;
pub(crate) use join::Join;
pub(crate) use lab::Lab;
pub(crate) use leave::Leave;
pub(crate) use man::Man;
pub(crate) use network::Network;
pub(crate) use node::Node;
pub(crate) use path::Path;
pub(crate) use reconcile::Reconcile;
pub(crate) use recover::Recover;
pub(crate) use restore::Restore;
pub(crate) use run::{BECOME_VERB, Run, become_command};
pub(crate) use status::Status;
pub(crate) use store::Store;
pub(crate) use token::Token;
pub(crate) use top::Top;
pub(crate) use trace::Trace;
pub(crate) use verify::Verify;
pub(crate) use version::Version;

use crate::arguments::Verb;
use crate::failure::Failure;
use crate::session::{self, Session};

/// What a verb comes to: nothing more to say, or what went wrong.
pub(crate) type Outcome = Result<(), Failure>;

impl Verb {
    pub(crate) fn run(self, session: &mut Session) -> Outcome {
        match self {
            Self::Run(verb) => verb.run(session),
            Self::Completions(verb) => verb.run(session),
            Self::Man(verb) => verb.run(session),
            Self::Lab(verb) => verb.run(session),
            Self::Agent(verb) => verb.run(session),
            Self::Recover(verb) => verb.run(session),
            Self::Restore(verb) => verb.run(session),
            asks => session::runtime()?.block_on(asks.ask(session)),
        }
    }

    /// The verbs that do nothing but speak with the agent.
    #[expect(clippy::cognitive_complexity, reason = "a table: one line a verb")]
    async fn ask(self, session: &mut Session) -> Outcome {
        match self {
            Self::Init(verb) => verb.run(session).await,
            Self::Join(verb) => verb.run(session).await,
            Self::Leave(verb) => verb.run(session).await,
            Self::Token(verb) => verb.run(session).await,
            Self::Ca(verb) => verb.run(session).await,
            Self::Status(verb) => verb.run(session).await,
            Self::Node(verb) => verb.run(session).await,
            Self::Backup(verb) => verb.run(session).await,
            Self::Store(verb) => verb.run(session).await,
            Self::Network(verb) => verb.run(session).await,
            Self::Endpoint(verb) => verb.run(session).await,
            Self::Attach(verb) => verb.run(session).await,
            Self::Detach(verb) => verb.run(session).await,
            Self::Path(verb) => verb.run(session).await,
            Self::Trace(verb) => verb.run(session).await,
            Self::Drops(verb) => verb.run(session).await,
            Self::Events(verb) => verb.run(session).await,
            Self::Capture(verb) => verb.run(session).await,
            Self::Top(verb) => verb.run(session).await,
            Self::Verify(verb) => verb.run(session).await,
            Self::Doctor(verb) => verb.run(session).await,
            Self::Reconcile(verb) => verb.run(session).await,
            Self::Version(verb) => verb.run(session).await,
            Self::Run(_) | Self::Completions(_) | Self::Man(_) | Self::Lab(_) | Self::Agent(_) => {
                Ok(())
            }
            Self::Recover(_) | Self::Restore(_) => Ok(()),
        }
    }
}

/// Says what is gone: one reference a line.
fn removed(session: &mut Session, references: &[&String]) -> Outcome {
    let value = serde_json::json!({ "removed": references });
    let text = references.iter().map(|reference| format!("{reference}\n")).collect::<String>();
    session.output.show(&value, |_paint| text)
}

/// Names the managers that are workers from now on.
fn demoted(names: &[String]) -> String {
    if names.is_empty() {
        return String::new();
    }
    format!(" Workers from now on: {}.", names.join(", "))
}
