//! Failures: what failed, why, what to try; and the one place that prints them.

use std::error::Error;
use std::ffi::OsString;
use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use serde_json::json;
use weft_api::{CallError, ProblemKind};

use crate::arguments::{Color, Format};
use crate::paint::{Paint, Tone};

/// What failed, why, and what to try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    what: String,
    why: Vec<String>,
    hint: String,
    exit: Exit,
}

/// How the command ends. The order is that of precedence when several things fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Exit {
    /// All is done.
    Done,
    /// There is no such thing, or not for this user.
    Missing,
    /// Something failed.
    Failed,
    /// The question makes no sense (`EX_USAGE` of sysexits.h).
    Usage,
    /// As the command that was run.
    Child(u8),
}

impl Exit {
    pub(crate) fn code(self) -> ExitCode {
        ExitCode::from(match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Missing => 2,
            Self::Usage => 64,
            Self::Child(code) => code,
        })
    }

    const fn of(kind: ProblemKind) -> Self {
        match kind {
            ProblemKind::NotFound | ProblemKind::Denied => Self::Missing,
            ProblemKind::BadInput => Self::Usage,
            ProblemKind::Conflict
            | ProblemKind::Unavailable
            | ProblemKind::Unsettled
            | ProblemKind::Internal => Self::Failed,
        }
    }
}

impl Failure {
    /// A call to the agent that did not work.
    pub(crate) fn call(what: &str, error: &CallError) -> Self {
        let why = std::iter::once(error.to_string()).chain(error.cause()).collect();
        Self { what: what.to_owned(), why, hint: error.hint(), exit: Exit::of(error.kind()) }
    }

    /// Something on this side that did not work.
    pub(crate) fn local(what: &str, error: &dyn Error, hint: &str) -> Self {
        let why = std::iter::successors(Some(error), |error| (*error).source());
        Self {
            what: what.to_owned(),
            why: why.map(ToString::to_string).collect(),
            hint: hint.to_owned(),
            exit: Exit::Failed,
        }
    }

    /// A question that makes no sense.
    pub(crate) fn usage(what: &str, why: &str, hint: &str) -> Self {
        let exit = Exit::Usage;
        Self { what: what.to_owned(), why: vec![why.to_owned()], hint: hint.to_owned(), exit }
    }

    /// The same, with another end.
    pub(crate) fn ending(self, exit: Exit) -> Self {
        Self { exit, ..self }
    }

    pub(crate) const fn exit(&self) -> Exit {
        self.exit
    }

    /// Writes to stderr; if even that is closed, the exit code still tells.
    pub(crate) fn print(&self, format: Format, paint: Paint) {
        let text = match format {
            Format::Table => self.text(paint),
            Format::Json => self.json(),
        };
        drop(std::io::stderr().write_all(text.as_bytes()));
    }

    fn text(&self, paint: Paint) -> String {
        let parts: Vec<&str> =
            std::iter::once(&self.what).chain(&self.why).map(String::as_str).collect();
        let first = format!("{} {}\n", paint.tone(Tone::Bad, "weft:"), parts.join(": "));
        match self.hint.as_str() {
            "" => first,
            hint => format!("{first}{} {hint}\n", paint.tone(Tone::Good, "try:")),
        }
    }

    fn json(&self) -> String {
        let Self { what, why, hint, exit: _ } = self;
        format!("{}\n", json!({ "error": what, "cause": why, "hint": hint }))
    }
}

/// What clap refused, or its help; as JSON if that was asked for.
pub(crate) fn usage(refused: &clap::Error, words: &[OsString]) -> ExitCode {
    if !refused.use_stderr() {
        // Help or version; a closed stdout is not an error.
        drop(refused.print());
        return Exit::Done.code();
    }
    let text = refused.render();
    if asks_for_json(words) {
        let (why, hint) = parts(&text.to_string());
        Failure::usage("understand the command", &why, &hint).print(Format::Json, Paint::Plain);
    } else {
        let text = match Paint::choose(Color::Auto, std::io::stderr().is_terminal()) {
            Paint::Coloured => text.ansi().to_string(),
            Paint::Plain => text.to_string(),
        };
        drop(std::io::stderr().write_all(in_our_words(&text).as_bytes()));
    }
    Exit::Usage.code()
}

/// clap's first paragraph is the reason; its tips, or else the usage, are what to try.
fn parts(text: &str) -> (String, String) {
    let words = |paragraph: &str| paragraph.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut paragraphs = text.split("\n\n").map(words);
    let why = paragraphs.next().unwrap_or_default();
    let mut hints: Vec<String> = paragraphs
        .filter(|text| text.starts_with("tip: ") || text.starts_with("Usage: "))
        .collect();
    hints.push("`weft --help`, or `--help` after any verb".to_owned());
    (why.trim_start_matches("error: ").to_owned(), hints.join("; ").replace("tip: ", ""))
}

/// clap's text in the form of all other errors.
fn in_our_words(text: &str) -> String {
    text.replacen("error:", "weft:", 1).replacen("For more information, try", "try:", 1)
}

/// Looks for `--output json` where clap gave up before it could say.
fn asks_for_json(words: &[OsString]) -> bool {
    let ours = words.iter().take_while(|word| *word != "--");
    let pairs = ours.clone().zip(ours.clone().skip(1));
    ours.clone().any(|word| word == "--output=json" || word == "-ojson" || word == "-o=json")
        || pairs.into_iter().any(|(a, b)| (a == "--output" || a == "-o") && b == "json")
}

#[cfg(test)]
mod tests {
    use super::*;
    use weft_api::ApiProblem;

    fn taken() -> Failure {
        let problem = ApiProblem {
            error: "the name `app` is taken".into(),
            cause: vec!["by network 0123".into()],
            hint: "take another name".into(),
            kind: ProblemKind::Conflict,
        };
        Failure::call("create network app", &CallError::Problem(problem))
    }

    #[test]
    fn a_failure_says_what_why_and_what_to_try() {
        assert_eq!(
            taken().text(Paint::Plain),
            "weft: create network app: the name `app` is taken: by network 0123\n\
             try: take another name\n"
        );
    }

    #[test]
    fn in_json_the_three_parts_are_apart() {
        assert_eq!(
            taken().json(),
            "{\"cause\":[\"the name `app` is taken\",\"by network 0123\"],\
             \"error\":\"create network app\",\"hint\":\"take another name\"}\n"
        );
    }

    #[test]
    fn each_kind_has_its_exit() {
        assert_eq!(taken().exit(), Exit::Failed);
        assert_eq!(Exit::of(ProblemKind::Denied), Exit::Missing);
        assert_eq!(Exit::of(ProblemKind::NotFound), Exit::Missing);
        assert_eq!(Exit::of(ProblemKind::BadInput), Exit::Usage);
        assert_eq!(Exit::of(ProblemKind::Unavailable), Exit::Failed);
    }

    #[test]
    fn what_clap_says_has_its_reason_and_what_to_try() {
        let (why, hint) = parts(
            "error: the following required arguments were not provided:\n  --subnet <RANGE>\n\n\
             Usage: weft network create --subnet <RANGE> <NAME>\n\nFor more information, try '--help'.\n",
        );
        assert_eq!(why, "the following required arguments were not provided: --subnet <RANGE>");
        assert!(hint.starts_with("Usage: weft network create --subnet <RANGE> <NAME>; "), "{hint}");
    }

    #[test]
    fn json_is_noticed_in_every_spelling_but_not_behind_the_dashes() {
        let words = |text: &str| text.split(' ').map(OsString::from).collect::<Vec<_>>();
        for text in
            ["weft x --output json", "weft x --output=json", "weft -o json x", "weft -ojson"]
        {
            assert!(asks_for_json(&words(text)), "{text}");
        }
        assert!(!asks_for_json(&words("weft run -- x --output json")));
        assert!(!asks_for_json(&words("weft json --output table")));
    }
}
