//! `weft run`: a command in a network namespace of its own, on a network.
//!
//! This process itself moves into the new namespace, asks the agent to attach it, and has the
//! command as its child. If it is killed, command and namespace go with it, and the agent sees.

mod child;
mod room;

use clap::Args;
use tokio::runtime::Runtime;

use super::Outcome;
use super::attach::Wish;
use crate::display::parse_pair;
use crate::failure::{Exit, Failure};
use crate::session::{self, Session};
use child::Program;
pub(crate) use child::{BECOME_VERB, become_command};

const EXAMPLES: &str = "\
Examples:
  weft run --network app --name probe -- curl -s http://web
  weft run --network app --name db --alias postgres -e PGDATA=/srv/db -- postgres

The command has a network namespace of its own, and its /etc/resolv.conf asks Weft. All else is
the host's. Exit code: the command's; 128 + N if signal N ended it.";

/// Run a command on a network, without a container
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Run {
    #[command(flatten)]
    wish: Wish,
    /// Environment variable for the command; may be repeated
    #[arg(long = "env", short, value_name = "KEY=VALUE", value_parser = parse_pair)]
    environment: Vec<(String, String)>,
    /// Command and its arguments
    #[arg(last = true, required = true, value_name = "CMD")]
    command: Vec<std::ffi::OsString>,
}

impl Run {
    /// Moves first: a namespace is a thread's, and this is still the only one.
    pub(crate) fn run(self, session: &mut Session) -> Outcome {
        let Self { wish, environment, command } = self;
        let program = Program { command, environment, errors: session.output.format() };
        let room = room::enter()?;
        let runtime = session::runtime()?;
        let code = runtime.block_on(attached(session, wish, &program))?;
        drop(room);
        finish(session, runtime, code);
        Ok(())
    }
}

fn finish(session: &mut Session, runtime: Runtime, code: u8) {
    // Nothing is left to wait for.
    runtime.shutdown_background();
    session.exit_as(Exit::Child(code));
}

async fn attached(session: &mut Session, wish: Wish, program: &Program) -> Result<u8, Failure> {
    let what = wish.what();
    let create = wish.for_netns(room::netns());
    let view = session.ask(&what, async |c| c.attach(&create).await).await?;
    let id = view.endpoint.id.to_string();
    let ended = child::run(program).await;
    detach(session, &id).await;
    ended
}

/// The command's own end counts: a detach that fails is told, and the agent mends it.
async fn detach(session: &mut Session, id: &str) {
    let gone = session.ask("detach", async |c| c.detach(id).await).await;
    match gone {
        Err(failure) if failure.exit() != Exit::Missing => session.report(&failure),
        Ok(_) | Err(_) => {}
    }
}
