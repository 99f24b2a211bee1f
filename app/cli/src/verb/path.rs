//! `weft path`: what happens to a packet.

use clap::Args;
use weft_api::PathQuestion;

use weft_path::Journey;

use super::Outcome;
use crate::paint::{Paint, Tone};
use crate::session::Session;

const EXAMPLES: &str = "\
Examples:
  weft path web db                 from the endpoint web to whatever it finds as db
  weft path web 10.7.0.9 -o json

Six hops: lookup, neighbor, encap, underlay, decap, deliver. The walk is that of the facts that
program the kernel, so what it says is what the packet does.";

/// Walk a packet's six hops and say what is decided at each, and why
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Path {
    /// Endpoint that sends: name, id, or the beginning of an id
    from: String,
    /// Name that it asks for, or an address
    to: String,
}

impl Path {
    pub(crate) async fn run(self, session: &mut Session) -> Outcome {
        let what = format!("walk from {} to {}", self.from, self.to);
        let question = PathQuestion { from: self.from, to: self.to };
        let journey = session.ask(&what, async |c| c.path(&question).await).await?;
        let known: Option<Journey> = serde_json::from_value(journey.clone()).ok();
        session.output.show(&journey, |paint| match &known {
            Some(journey) => text(journey, paint),
            // An agent of another version: better raw than nothing.
            None => format!("{journey:#}"),
        })
    }
}

/// One line a hop, its word first; then how it ends.
fn text(journey: &Journey, paint: Paint) -> String {
    let mut lines: Vec<String> = journey
        .steps
        .iter()
        .map(|step| line(paint, Tone::Good, step.hop.word(), &step.told))
        .collect();
    match &journey.dropped {
        None => lines.push("It arrives.".to_owned()),
        Some(dropped) => {
            let told = format!("dropped ({}): {}", dropped.reason, dropped.told);
            lines.push(line(paint, Tone::Bad, dropped.hop.word(), &told));
            lines.push(line(paint, Tone::Wary, "try", &dropped.hint));
        }
    }
    lines.join("\n")
}

fn line(paint: Paint, tone: Tone, word: &str, told: &str) -> String {
    format!("{}  {told}", paint.tone(tone, &format!("{word:8}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use weft_model::{EndpointId, Hop};
    use weft_path::{Decided, Dropped, Reason, Step};

    fn journey() -> Journey {
        let told = "10.7.0.9 is at 02:00:00:00:00:09".to_owned();
        Journey {
            from: EndpointId::from_random(1),
            to: "db".into(),
            network: None,
            steps: vec![Step { hop: Hop::Neighbor, told, decided: Decided::StaysOnHost }],
            dropped: None,
            packet: None,
        }
    }

    #[test]
    fn a_packet_that_arrives_is_told_hop_by_hop() {
        assert_eq!(
            text(&journey(), Paint::Plain),
            "neighbor  10.7.0.9 is at 02:00:00:00:00:09\nIt arrives."
        );
    }

    #[test]
    fn a_dropped_packet_ends_with_what_to_try() {
        let dropped = Dropped {
            hop: Hop::Underlay,
            reason: Reason::HostUnreachable,
            told: "b is down".into(),
            hint: "see `weft node ls`".into(),
        };
        assert_eq!(
            text(&Journey { dropped: Some(dropped), ..journey() }, Paint::Plain),
            "neighbor  10.7.0.9 is at 02:00:00:00:00:09\n\
             underlay  dropped (host_unreachable): b is down\n\
             try       see `weft node ls`"
        );
    }
}
