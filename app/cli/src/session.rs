//! One run of the command: where it asks, where it writes, how it ends.

use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::process::ExitCode;

use tokio::runtime::{Builder, Runtime};
use weft_api::{CallError, Client};

use crate::arguments::{Format, Global};
use crate::failure::{Exit, Failure};
use crate::output::Output;
use crate::paint::Paint;
use crate::progress;
use crate::verb::Outcome;

/// One run of the command.
pub(crate) struct Session {
    /// Owns stdout.
    pub(crate) output: Output,
    socket: PathBuf,
    format: Format,
    errors: Paint,
    exit: Exit,
    code: Option<ExitCode>,
}

/// A runtime of one thread: the command waits for one answer at a time.
pub(crate) fn runtime() -> Result<Runtime, Failure> {
    let built = Builder::new_current_thread().enable_all().build();
    built.map_err(|error| Failure::local("start the runtime", &error, "free some file descriptors"))
}

impl Session {
    pub(crate) fn new(global: Global) -> Self {
        let paint = |terminal| Paint::choose(global.color, terminal);
        let stdout = io::stdout();
        Self {
            output: Output::new(global.output, paint(stdout.is_terminal()), Box::new(stdout)),
            errors: paint(io::stderr().is_terminal()),
            format: global.output,
            socket: global.socket,
            exit: Exit::Done,
            code: None,
        }
    }

    /// The agent.
    pub(crate) fn client(&self) -> Result<Client, Failure> {
        Client::at(&self.socket).map_err(|error| Failure::call("start the client", &error))
    }

    /// Asks the agent; `what` says what for, should it take long or fail.
    pub(crate) async fn ask<A>(
        &self,
        what: &str,
        call: impl AsyncFnOnce(Client) -> Result<A, CallError>,
    ) -> Result<A, Failure> {
        let client = self.client()?;
        let answer = progress::during(what, call(client)).await;
        answer.map_err(|error| Failure::call(what, &error))
    }

    /// Tells of a failure and goes on; the command's exit code keeps it.
    pub(crate) fn report(&mut self, failure: &Failure) {
        failure.print(self.format, self.errors);
        self.exit = self.exit.max(failure.exit());
    }

    /// Ends so, unless something worse happens.
    pub(crate) fn exit_as(&mut self, exit: Exit) {
        self.exit = self.exit.max(exit);
    }

    /// Ends so, if nothing fails.
    pub(crate) const fn exit_with(&mut self, code: ExitCode) {
        self.code = Some(code);
    }

    /// The command's end.
    pub(crate) fn finish(mut self, outcome: Outcome) -> ExitCode {
        if let Err(failure) = outcome.and_then(|()| self.output.flush()) {
            self.report(&failure);
        }
        match (self.exit, self.code) {
            (Exit::Done, Some(code)) => code,
            (exit, _) => exit.code(),
        }
    }
}
