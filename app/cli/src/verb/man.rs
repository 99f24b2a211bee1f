//! `weft man`: manual pages.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::Outcome;
use crate::failure::Failure;
use crate::session::Session;

/// Write the manual pages, one a verb
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  weft man /usr/local/share/man/man1")]
pub(crate) struct Man {
    /// Directory to write to; made if it is missing
    #[arg(value_name = "DIR")]
    directory: PathBuf,
}

impl Man {
    pub(crate) fn run(self, session: &mut Session) -> Outcome {
        let directory = &self.directory;
        let written = std::fs::create_dir_all(directory)
            .and_then(|()| clap_mangen::generate_to(crate::grammar(), directory));
        written.map_err(|error| {
            let what = format!("write manual pages to {}", directory.display());
            Failure::local(&what, &error, "name a directory that you may write to")
        })?;
        session.output.show(&json!({ "directory": directory }), |_paint| String::new())
    }
}
