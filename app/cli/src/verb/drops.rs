//! `weft drops`: what did not arrive, and why.

use std::collections::BTreeSet;

use clap::Args;
use weft_api::{DropView, DropsView};

use super::Outcome;
use crate::failure::Failure;
use crate::paint::{Paint, Tone};
use crate::session::Session;
use crate::table::{Table, plain};

const EXAMPLES: &str = "\
Examples:
  weft drops                       how many packets this host has dropped, for which reason
  weft drops --follow              … and each one that it looks at, as it happens
  weft drops -f -o json            the same for programs: one JSON object a line

All drops are counted (weft_path_drops_total), some are shown: at most 32 a second and reason.";

/// Show what this host drops: how much, who sent it, for which reason, and what to try
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Drops {
    /// Go on, with what is dropped from now on
    #[arg(long, short)]
    follow: bool,
}

impl Drops {
    pub(crate) async fn run(self, session: &mut Session) -> Outcome {
        match self.follow {
            false => {
                let drops = session.ask("list drops", async |c| c.drops().await).await?;
                session.output.show(&drops, |paint| text(&drops, paint))
            }
            true => follow(session).await,
        }
    }
}

async fn follow(session: &mut Session) -> Outcome {
    let mut drops = session.ask("follow drops", async |c| c.follow_drops().await).await?;
    let mut hinted = BTreeSet::new();
    loop {
        let next = drops.next().await.map_err(|error| Failure::call("follow drops", &error))?;
        let Some(sample) = next else { return Ok(()) };
        let news = hinted.insert(sample.reason.clone());
        if !session.output.line(&sample, |paint| line(&sample, news, paint))? {
            return Ok(());
        }
    }
}

/// One that is told, with its hint if its reason is new.
fn line(sample: &DropView, news: bool, paint: Paint) -> String {
    let DropView { at, hop, reason, who, .. } = sample;
    let reason = paint.tone(Tone::Bad, reason);
    let line = format!("{at}  {hop:8}  {reason}  {who}: {}", packet(sample));
    match news {
        true => format!("{line}\n{}", hint(&sample.hint, paint)),
        false => line,
    }
}

fn hint(hint: &str, paint: Paint) -> String {
    format!("{} {hint}", paint.tone(Tone::Wary, "try:"))
}

fn text(drops: &DropsView, paint: Paint) -> String {
    let dropped: Vec<_> = drops.counters.iter().filter(|counter| counter.count > 0).collect();
    if dropped.is_empty() {
        return "Nothing was dropped.".to_owned();
    }
    let mut table = Table::new(paint, &["HOP", "REASON", "DROPPED"]);
    for counter in &dropped {
        let count = (Tone::Bad, counter.count.to_string());
        table.row([plain(counter.hop), plain(&counter.reason), count]);
    }
    let mut parts = vec![table.text()];
    parts.extend((!drops.samples.is_empty()).then(|| samples(&drops.samples, paint)));
    let hints = dropped.iter().map(|counter| {
        let reason = paint.tone(Tone::Bad, &counter.reason);
        format!("{reason}: {}", hint(&counter.hint, paint))
    });
    parts.push(hints.collect::<Vec<_>>().join("\n"));
    parts.join("\n\n")
}

fn samples(samples: &[DropView], paint: Paint) -> String {
    let mut table = Table::new(paint, &["AT", "REASON", "WHO", "WHERE", "PACKET"]);
    for sample in samples {
        table.row([
            plain(&sample.at),
            plain(&sample.reason),
            plain(&sample.who),
            plain(sample.interface.as_deref().unwrap_or_default()),
            plain(packet(sample)),
        ]);
    }
    table.text()
}

/// What the packet was, as far as it was read.
fn packet(sample: &DropView) -> String {
    let network = match (&sample.network, sample.vni) {
        (Some(network), _) => format!("{network}:"),
        (None, Some(vni)) => format!("VNI {vni}:"),
        (None, None) => String::new(),
    };
    let pair = |from: Option<String>, to: Option<String>| Some(format!("{} > {}", from?, to?));
    let macs = pair(
        sample.source_mac.map(|mac| mac.to_string()),
        sample.destination_mac.map(|mac| mac.to_string()),
    );
    let addresses = pair(
        sample.source.map(|address| address.to_string()),
        sample.destination.map(|address| address.to_string()),
    );
    let length = sample.length.map(|length| format!("{length} bytes"));
    let parts = [Some(network).filter(|text| !text.is_empty()), addresses.or(macs), length];
    let known: Vec<String> = parts.into_iter().flatten().collect();
    if known.is_empty() { "a question to the name server".to_owned() } else { known.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    #[test]
    fn drops_are_counted_shown_and_come_with_what_to_try() {
        assert_eq!(
            text(&samples::drops(), Paint::Plain),
            "\
HOP     REASON         DROPPED
decap   unknown_peer   7

AT                     REASON         WHO                     WHERE   PACKET
2026-11-22T23:00:00Z   unknown_peer   192.0.2.77, no member   eth0    app: 10.7.0.2 > 10.7.0.3 98 bytes

unknown_peer: try: a host must join before its packets are accepted"
        );
    }

    #[test]
    fn nothing_dropped_is_said_so() {
        assert_eq!(text(&DropsView::default(), Paint::Plain), "Nothing was dropped.");
    }

    #[test]
    fn a_reason_is_explained_when_it_first_comes_by() {
        let sample = samples::drops().samples.remove(0);
        let told = line(&sample, false, Paint::Plain);
        assert_eq!(
            told,
            "2026-11-22T23:00:00Z  decap     unknown_peer  192.0.2.77, no member: \
             app: 10.7.0.2 > 10.7.0.3 98 bytes"
        );
        let first = line(&sample, true, Paint::Plain);
        assert_eq!(first, format!("{told}\ntry: {}", sample.hint));
    }
}
