//! `weft top`: what flows now.

mod live;
mod screen;
mod units;

use std::io::{self, IsTerminal as _};
use std::time::Duration;

use clap::Args;
use weft_api::{FlowView, LoadView, TopQuestion, TopView};

use super::Outcome;
use crate::arguments::Format;
use crate::failure::Failure;
use crate::paint::{Paint, Tone};
use crate::session::Session;
use crate::table::{Table, plain};
use units::{bytes, packets, trip};

const EXAMPLES: &str = "\
Examples:
  weft top                 workloads and flows of this host, live; q ends it
  weft top --host h2       … of another host
  weft top --once          one measurement, as tables
  weft top -o json         one measurement after the other, for programs: one JSON object a line

Rates of workloads are those of their interfaces' counters. Flows are frames that are looked at while top
runs, each where it comes into the host's network; nothing is looked at while nobody asks. The time to
another host and back is what the connection between both agents has last probed.";

/// Between two measurements.
const PAUSE: Duration = Duration::from_millis(500);

/// Show live which workloads and flows use the network: rates, drops, the time to other hosts
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Top {
    /// Of another host than this one
    #[arg(long, value_name = "NODE")]
    host: Option<String>,
    /// Measure once, and end
    #[arg(long)]
    once: bool,
}

impl Top {
    pub(crate) async fn run(self, session: &mut Session) -> Outcome {
        let question = TopQuestion { host: self.host, millis: None };
        match (self.once, session.output.format(), io::stdout().is_terminal()) {
            (false, Format::Json, _) => stream(&question, session).await,
            (false, Format::Table, true) => live::show(&session.client()?, &question).await,
            _ => {
                let view = session.ask("measure", async |c| c.top(&question).await).await?;
                session.output.show(&view, |paint| text(&view, paint))
            }
        }
    }
}

async fn stream(question: &TopQuestion, session: &mut Session) -> Outcome {
    let client = session.client()?;
    loop {
        let measured = client.top(question).await;
        let view = measured.map_err(|error| Failure::call("measure", &error))?;
        if !session.output.line(&view, |_paint| String::new())? {
            return Ok(());
        }
        tokio::time::sleep(PAUSE).await;
    }
}

fn text(view: &TopView, paint: Paint) -> String {
    let mut loads = Table::new(paint, &LOADS);
    for load in &view.endpoints {
        let dropped = tone(load.dropped);
        loads.row(cells(load).map(plain_with(dropped)));
    }
    let mut flows = Table::new(paint, &FLOWS);
    for flow in &view.flows {
        flows.row(columns(flow).map(plain));
    }
    let peers = view.peers.iter().map(|peer| {
        let (tone, trip) = match peer.round_trip {
            Some(micros) => (Tone::Good, trip(micros)),
            None => (Tone::Bad, "not connected".to_owned()),
        };
        format!("{} {}", peer.node, paint.tone(tone, &trip))
    });
    let peers: Vec<String> = peers.collect();
    let head = format!("{}, over {} ms", view.host, view.millis);
    let mut parts = vec![head, loads.text(), flows.text()];
    parts.extend((!peers.is_empty()).then(|| format!("there and back: {}", peers.join(", "))));
    parts.extend(unseen(view).map(|text| paint.tone(Tone::Wary, &text)));
    parts.join("\n\n")
}

fn tone(dropped: u64) -> Tone {
    if dropped == 0 { Tone::Neutral } else { Tone::Bad }
}

/// The last column is about drops.
fn plain_with(dropped: Tone) -> impl Fn(String) -> (Tone, String) {
    move |text| match text.ends_with(units::DROPS) {
        true => (dropped, text),
        false => plain(text),
    }
}

const LOADS: [&str; 7] = ["WORKLOAD", "NETWORK", "SENT", "", "GOT", "", "DROPPED"];
const FLOWS: [&str; 7] = ["FLOW", "", "NETWORK", "PROTOCOL", "RATE", "", "THERE AND BACK"];

fn cells(load: &LoadView) -> [String; 7] {
    [
        load.name.clone(),
        load.network.clone(),
        bytes(load.sent_bytes),
        packets(load.sent_packets),
        bytes(load.got_bytes),
        packets(load.got_packets),
        units::drops(load.dropped),
    ]
}

fn columns(flow: &FlowView) -> [String; 7] {
    let there = match (&flow.peer, flow.round_trip) {
        (Some(peer), Some(micros)) => format!("{peer} {}", trip(micros)),
        (Some(peer), None) => format!("{peer} not connected"),
        (None, _) => "same host".to_owned(),
    };
    [
        flow.from.clone(),
        format!("> {}", flow.to),
        flow.network.clone(),
        flow.protocol.clone(),
        bytes(flow.bytes),
        packets(flow.packets),
        there,
    ]
}

fn unseen(view: &TopView) -> Option<String> {
    (view.unseen > 0).then(|| {
        format!("{} frames came too fast to be seen: flows are larger than told", view.unseen)
    })
}

#[cfg(test)]
mod tests {
    use weft_api::PeerView;

    use super::*;

    /// One workload that pings another host.
    pub(super) fn view() -> TopView {
        TopView {
            host: "h1".into(),
            millis: 500,
            endpoints: vec![LoadView {
                name: "web".into(),
                network: "app".into(),
                address: Some([10, 7, 0, 2].into()),
                sent_bytes: 98_000,
                sent_packets: 1000,
                got_bytes: 0,
                got_packets: 0,
                dropped: 3,
            }],
            flows: vec![FlowView {
                network: "app".into(),
                from: "web".into(),
                to: "db".into(),
                protocol: "tcp 40000 > 5432".into(),
                bytes: 2_500_000,
                packets: 1700,
                peer: Some("h2".into()),
                round_trip: Some(420),
            }],
            peers: vec![
                PeerView { node: "h2".into(), round_trip: Some(420) },
                PeerView { node: "h3".into(), round_trip: None },
            ],
            unseen: 7,
        }
    }

    #[test]
    fn a_measurement_is_told_in_tables() {
        assert_eq!(
            text(&view(), Paint::Plain),
            "\
h1, over 500 ms

WORKLOAD   NETWORK   SENT                   GOT             DROPPED
web        app       98.0 kB/s   1.0 kp/s   0 B/s   0 p/s   3 drops/s

FLOW          NETWORK   PROTOCOL           RATE                  THERE AND BACK
web    > db   app       tcp 40000 > 5432   2.5 MB/s   1.7 kp/s   h2 0.4 ms

there and back: h2 0.4 ms, h3 not connected

7 frames came too fast to be seen: flows are larger than told"
        );
    }
}
