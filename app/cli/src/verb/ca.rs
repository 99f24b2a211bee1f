//! `weft ca`: the CA that all hosts' certificates are of.

use clap::Subcommand;
use weft_api::{CaRetire, CaView};

use super::Outcome;
use crate::display::short;
use crate::paint::{Paint, Tone};
use crate::session::Session;
use crate::sheet::Sheet;

const EXAMPLES: &str = "\
Examples:
  weft ca show                     which CA it is, and who has no certificate of it yet
  weft ca rotate                   another CA; every host renews by itself, nothing is interrupted
  weft ca retire --force           shut out the hosts that have not renewed: they must join again

Join tokens name the CA: print new ones after a rotation (weft token).";

/// Show or replace the CA that all hosts' certificates are of
#[derive(Clone, Copy, Debug, Subcommand)]
#[command(after_help = EXAMPLES)]
pub(crate) enum Ca {
    /// Show it, and who has no certificate of it yet
    Show,
    /// Make another one; the former one is good until every host has renewed
    Rotate,
    /// End the trust in the former one, which happens by itself when every host has renewed
    Retire {
        /// Even though some host has no certificate of the present one: it must join again
        #[arg(long, short)]
        force: bool,
    },
}

impl Ca {
    pub(crate) async fn run(self, session: &mut Session) -> Outcome {
        match self {
            Self::Show => {
                let ca = session.ask("read the CA", async |c| c.ca().await).await?;
                session.output.show(&ca, |paint| sheet(&ca, paint))
            }
            Self::Rotate => {
                let ca = session.ask("rotate the CA", async |c| c.rotate_ca().await).await?;
                session.output.show(&ca, |paint| sheet(&ca, paint) + TOKENS)
            }
            Self::Retire { force } => {
                let retire = CaRetire { force };
                let what = "end the trust in the former CA";
                let ca = session.ask(what, async |c| c.retire_ca(retire).await).await?;
                session.output.show(&ca, |paint| sheet(&ca, paint))
            }
        }
    }
}

const TOKENS: &str = "\nThe join tokens have changed with it: weft token\n";

fn sheet(ca: &CaView, paint: Paint) -> String {
    let mut sheet = Sheet::new(paint);
    sheet.line("CA", format!("{} (generation {})", short(&ca.sha256), ca.generation));
    if let Some(former) = &ca.former_sha256 {
        let who = match ca.waiting.as_slice() {
            [] => "until the managers look again: everybody has renewed".to_owned(),
            waiting => format!("until these have renewed: {}", waiting.join(", ")),
        };
        sheet.toned("Former", Tone::Wary, format!("{}, trusted {who}", short(former)));
        if !ca.waiting.is_empty() {
            sheet.line("", "try: bring them back, or weft node rm those that are gone");
        }
    }
    sheet.text()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rotation_says_whom_it_waits_for() {
        let mut ca = CaView {
            sha256: "ab".repeat(32),
            generation: 1,
            former_sha256: Some("cd".repeat(32)),
            waiting: vec!["h2".into(), "h3".into()],
        };
        let text = sheet(&ca, Paint::Plain);
        assert!(text.contains("cdcdcdcdcdcd, trusted until these have renewed: h2, h3"), "{text}");
        ca.former_sha256 = None;
        assert_eq!(sheet(&ca, Paint::Plain), "CA   abababababab (generation 1)\n");
    }
}
