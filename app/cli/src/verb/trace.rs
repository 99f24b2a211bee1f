//! `weft trace`: why does a packet not arrive?

use clap::{Args, ValueEnum};
use weft_api::{Protocol, TraceQuestion};
use weft_trace::{HopTraced, Live, Trace as Traced, Verdict};

use super::Outcome;
use crate::failure::Exit;
use crate::paint::{Paint, Tone};
use crate::session::Session;

const EXAMPLES: &str = "\
Examples:
  weft trace web db                from the endpoint web to whatever it finds as db
  weft trace web 10.7.0.9
  weft trace web db --port 5432    and whether somebody listens there
  weft trace web db --live         and pings, watched at both hosts
  weft trace web db -o json

For each of the six hops: what was decided and since when, what the kernel of the right host holds
at this moment, and a verdict; the first hop that fails is told with its cause and what to do. It
may be asked on any host of the cluster. It ends with 1 if the packet does not arrive.";

/// Find out at which hop a packet ends: what was decided against what the kernels hold
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Trace {
    /// Endpoint that sends: name, address, id, or the beginning of an id
    from: String,
    /// Name that it asks for, or an address
    to: String,
    /// Port that the packet is for
    #[arg(long)]
    port: Option<u16>,
    /// What the packet is: tcp, udp or icmp; tcp if there is a port
    #[arg(long, value_enum, value_name = "PROTOCOL", hide_possible_values = true)]
    proto: Option<Proto>,
    /// Send pings too, and say where each was seen and when, there and back
    #[arg(long)]
    live: bool,
}

/// What a packet carries.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Proto {
    /// TCP
    Tcp,
    /// UDP
    Udp,
    /// A ping
    Icmp,
}

impl Trace {
    pub(crate) async fn run(self, session: &mut Session) -> Outcome {
        let what = format!("trace a packet from {} to {}", self.from, self.to);
        let protocol = self.proto.map(|proto| match proto {
            Proto::Tcp => Protocol::Tcp,
            Proto::Udp => Protocol::Udp,
            Proto::Icmp => Protocol::Icmp,
        });
        let Self { from, to, port, live, .. } = self;
        let question = TraceQuestion { from, to, port, protocol, live };
        let told = session.ask(&what, async |c| c.trace(&question).await).await?;
        let known: Option<Traced> = serde_json::from_value(told.clone()).ok();
        if known.as_ref().is_none_or(|trace| trace.verdict != Verdict::Ok) {
            session.exit_as(Exit::Failed);
        }
        session.output.show(&told, |paint| match &known {
            Some(trace) => text(trace, paint),
            // An agent of another version: better raw than nothing.
            None => format!("{told:#}"),
        })
    }
}

/// Some lines a hop, its word and verdict first; then how it ends.
fn text(trace: &Traced, paint: Paint) -> String {
    let mut lines: Vec<String> = trace.hops.iter().flat_map(|hop| lines(hop, paint)).collect();
    lines.extend(trace.live.iter().flat_map(|live| sent(live, paint)));
    lines.push(match (trace.verdict, trace.failed) {
        (Verdict::Ok, _) => paint.tone(Tone::Good, "It arrives."),
        (_, Some(hop)) => paint.tone(Tone::Bad, &format!("It ends at {hop}.")),
        (_, None) => paint.tone(Tone::Wary, "Not all of it could be found out."),
    });
    lines.join("\n")
}

/// What became of pings: one line a place.
fn sent(live: &Live, paint: Paint) -> Vec<String> {
    let Live { sent, returned, points, round_trip_us, lost } = live;
    let time = round_trip_us.map_or_else(String::new, |us| format!(", the fastest in {us} µs"));
    let tone = if *returned > 0 { Tone::Good } else { Tone::Bad };
    let head = paint.tone(tone, "live            ");
    let mut lines = vec![format!("{head}  {sent} pings sent, {returned} seen all the way{time}")];
    lines.extend(points.iter().map(|point| {
        let way = if point.back { "back" } else { "out" };
        let took = point.took_us.map_or_else(String::new, |us| format!("  +{us} µs"));
        let place = format!("{} {}", point.host, point.at);
        format!("{:18}{way:5}{:9} {place:20} seen {}{took}", "", point.hop.word(), point.seen)
    }));
    lines.extend(lost.iter().map(|lost| format!("{:18}{}", "", paint.tone(Tone::Bad, lost))));
    lines
}

fn lines(hop: &HopTraced, paint: Paint) -> Vec<String> {
    let tone = match hop.verdict {
        Verdict::Ok => Tone::Good,
        Verdict::Failed => Tone::Bad,
        Verdict::Unknown => Tone::Wary,
        Verdict::LeftOut | Verdict::NotReached => Tone::Faint,
    };
    let host = hop.host.as_ref().map_or_else(String::new, |host| format!(" ({host})"));
    let since = hop.since.as_ref().map_or_else(String::new, |at| format!(", known since {at}"));
    let mark = match hop.verdict {
        Verdict::Ok => "ok",
        Verdict::Failed => "FAILED",
        Verdict::Unknown => "?",
        Verdict::LeftOut | Verdict::NotReached => "-",
    };
    let head = paint.tone(tone, &format!("{:8}  {mark:6}", hop.hop.word()));
    let mut lines = vec![format!("{head}  {}{since}", hop.decided)];
    if matches!(hop.verdict, Verdict::LeftOut | Verdict::NotReached) {
        return lines;
    }
    let mut more = |word: &str, tone, text: &str| {
        lines.push(format!("{:18}{}  {text}", "", paint.tone(tone, &format!("{word:7}"))));
    };
    more("kernel", Tone::Faint, &format!("{}{host}", hop.kernel));
    hop.cause.iter().for_each(|cause| more("because", Tone::Bad, cause));
    hop.remedy.iter().for_each(|remedy| more("try", Tone::Wary, remedy));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use weft_model::Hop;

    fn hop(hop: Hop, verdict: Verdict) -> HopTraced {
        HopTraced {
            hop,
            verdict,
            host: Some("a".into()),
            decided: "so".into(),
            since: None,
            kernel: "held".into(),
            cause: None,
            remedy: None,
        }
    }

    #[test]
    fn the_hop_that_fails_stands_with_its_cause_and_what_to_do() {
        let failed = HopTraced {
            cause: Some("it is gone".into()),
            remedy: Some("put it back".into()),
            since: Some("2026-01-01T00:00:00Z".into()),
            ..hop(Hop::Encap, Verdict::Failed)
        };
        let trace = Traced {
            verdict: Verdict::Failed,
            failed: Some(Hop::Encap),
            from: "web".into(),
            to: "db".into(),
            network: None,
            hops: vec![hop(Hop::Lookup, Verdict::Ok), failed],
            live: None,
        };
        assert_eq!(
            text(&trace, Paint::Plain),
            "lookup    ok      so\n                  kernel   held (a)\n\
             encap     FAILED  so, known since 2026-01-01T00:00:00Z\n                  \
             kernel   held (a)\n                  because  it is gone\n                  \
             try      put it back\nIt ends at encap."
        );
    }

    #[test]
    fn a_hop_that_is_not_reached_has_one_line() {
        assert_eq!(lines(&hop(Hop::Deliver, Verdict::NotReached), Paint::Plain).len(), 1);
    }
}
