//! `weft doctor`: what is wrong, or soon will be?

use clap::Args;
use weft_doctor::{Diagnosis, Finding, Severity};

use super::Outcome;
use crate::failure::Exit;
use crate::paint::{Paint, Tone};
use crate::session::Session;

const EXAMPLES: &str = "\
Examples:
  weft doctor                      no findings: 5 hosts, 20 ways between them
  weft doctor -o json

Every host examines itself (kernel, packet filter, ports, routes, disk, Docker Engine, certificate)
and probes the ways to the others, at the VXLAN port and at full size. Each finding says what, why
it matters, and what to type. It ends with 1 if something does not work.";

/// Examine every host and the ways between them: what is wrong, why it matters, what to type
#[derive(Args, Clone, Copy, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Doctor;

impl Doctor {
    pub(crate) async fn run(self, session: &mut Session) -> Outcome {
        let told = session.ask("examine every host", async |c| c.doctor().await).await?;
        let known: Option<Diagnosis> = serde_json::from_value(told.clone()).ok();
        if known.as_ref().is_none_or(Diagnosis::is_ill) {
            session.exit_as(Exit::Failed);
        }
        session.output.show(&told, |paint| match &known {
            Some(diagnosis) => text(diagnosis, paint),
            // An agent of another version: better raw than nothing.
            None => format!("{told:#}"),
        })
    }
}

/// Three lines a finding, then the sum.
fn text(told: &Diagnosis, paint: Paint) -> String {
    let mut lines: Vec<String> = told.findings.iter().flat_map(|one| lines(one, paint)).collect();
    let (hosts, ways) = (told.hosts.len(), told.ways);
    let sum = match told.findings.len() {
        0 => paint.tone(Tone::Good, "no findings"),
        1 => paint.tone(Tone::Wary, "1 finding"),
        count => paint.tone(Tone::Wary, &format!("{count} findings")),
    };
    let noun = if hosts == 1 { "host" } else { "hosts" };
    let between = match ways {
        0 => String::new(),
        1 => ", 1 way between them".to_owned(),
        ways => format!(", {ways} ways between them"),
    };
    lines.push(format!("{sum}: {hosts} {noun}{between}"));
    lines.join("\n")
}

fn lines(finding: &Finding, paint: Paint) -> Vec<String> {
    let Finding { severity, check, host, peer, what, why, remedy } = finding;
    let (word, tone) = match severity {
        Severity::Error => ("ERROR", Tone::Bad),
        Severity::Warning => ("warning", Tone::Wary),
    };
    let place = peer.as_ref().map_or_else(|| host.clone(), |peer| format!("{host} → {peer}"));
    let head = paint.tone(tone, &format!("{word:7}"));
    let more = |word: &str, tone, text: &str| {
        format!("  {}  {text}", paint.tone(tone, &format!("{word:5}")))
    };
    vec![
        format!("{head}  {place}  {check}: {what}"),
        more("why", Tone::Faint, why),
        more("try", Tone::Wary, remedy),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use weft_doctor::Check;

    #[test]
    fn a_healthy_cluster_has_one_line() {
        let hosts = vec!["a".to_owned(), "b".to_owned()];
        let told = Diagnosis { hosts, ways: 2, findings: Vec::new() };
        assert_eq!(text(&told, Paint::Plain), "no findings: 2 hosts, 2 ways between them");
    }

    #[test]
    fn a_finding_says_what_why_and_what_to_type() {
        let told = ["it is closed", "nothing passes", "open it"].map(str::to_owned);
        let finding = Finding::new(Severity::Error, Check::Vxlan, "a", told).towards("b");
        let told = Diagnosis { hosts: vec!["a".into()], ways: 0, findings: vec![finding] };
        assert_eq!(
            text(&told, Paint::Plain),
            "ERROR    a → b  vxlan: it is closed\n  why    nothing passes\n  try    open it\n\
             1 finding: 1 host"
        );
    }
}
