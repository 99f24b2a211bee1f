//! Log lines: text for people, JSON for machines, both on standard error.

use std::io::{self, IsTerminal as _};

use tracing::Subscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// Libraries that warn about what others send: a container must not be able to fill the log. And one
/// that tells every step of it, and warns when an answer is known before its own has come.
const QUIET: &str = "hickory_proto=error,openraft=warn,openraft::raft::responder=error";

/// How lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Format {
    /// For people; with colours if standard error is a terminal.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Why logging did not start.
#[derive(Debug, thiserror::Error)]
pub enum LogsError {
    /// The filter cannot be read.
    #[error("log filter `{given}`")]
    Filter {
        /// What was asked for.
        given: String,
        /// What is wrong with it.
        source: tracing_subscriber::filter::ParseError,
    },
    /// Somebody else in this process logs already.
    #[error("start logging")]
    Twice(#[source] tracing::dispatcher::SetGlobalDefaultError),
}

impl LogsError {
    /// What to try.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Filter { .. } => {
                "write a level (`info`, `debug`) or levels by crate (`info,weft_kernel=debug`)"
            }
            Self::Twice(_) => "start logging once in a process",
        }
    }
}

/// Writes log lines to standard error from here on.
///
/// `filter` is a level or a list such as `info,weft_kernel=debug`.
///
/// # Errors
///
/// [`LogsError`] if the filter cannot be read or logging has been started before.
pub fn start_logs(filter: &str, format: Format) -> Result<(), LogsError> {
    let filter = parse(filter)?;
    let colours = io::stderr().is_terminal();
    match format {
        Format::Text => tracing::subscriber::set_global_default(text(filter, colours, io::stderr)),
        Format::Json => tracing::subscriber::set_global_default(json(filter, io::stderr)),
    }
    .map_err(LogsError::Twice)
}

fn parse(filter: &str) -> Result<EnvFilter, LogsError> {
    EnvFilter::builder()
        .parse(format!("{QUIET},{filter}"))
        .map_err(|source| LogsError::Filter { given: filter.to_owned(), source })
}

fn text<W>(filter: EnvFilter, colours: bool, to: W) -> impl Subscriber
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(colours)
        .with_target(false)
        .with_writer(to)
        .finish()
}

fn json<W>(filter: EnvFilter, to: W) -> impl Subscriber
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_env_filter(filter)
        .with_writer(to)
        .finish()
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use tracing::{debug, info, subscriber::with_default, warn};

    use super::*;

    #[derive(Clone, Default)]
    struct Page(Arc<Mutex<Vec<u8>>>);

    impl Page {
        fn read(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    impl Write for Page {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_json_line_has_the_fields_at_its_top() {
        let page = Page::default();
        let writer = page.clone();
        let subscriber = json(parse("info").unwrap(), move || writer.clone());
        with_default(subscriber, || info!(network = "app", vni = 4096, "network made"));
        let line: serde_json::Value = serde_json::from_str(&page.read()).unwrap();
        assert_eq!(line["message"], "network made");
        assert_eq!(line["network"], "app");
        assert_eq!(line["level"], "INFO");
    }

    #[test]
    fn what_the_filter_leaves_out_is_not_written() {
        let page = Page::default();
        let writer = page.clone();
        let subscriber = text(parse("info").unwrap(), false, move || writer.clone());
        with_default(subscriber, || {
            debug!("a decision");
            warn!(target: "hickory_proto::op", "what a container may cause");
            warn!("degraded");
        });
        let lines = page.read();
        assert!(lines.contains("degraded"), "{lines}");
        assert!(!lines.contains("decision") && !lines.contains("container"), "{lines}");
        assert!(!lines.contains('\x1b'), "{lines}");
    }

    #[test]
    fn a_filter_that_cannot_be_read_is_told() {
        let error = parse("weft=loud").unwrap_err();
        assert_eq!(error.to_string(), "log filter `weft=loud`");
        assert!(error.hint().contains("debug"));
    }
}
