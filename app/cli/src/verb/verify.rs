//! `weft verify`: is what the kernels do what the cluster means?

use clap::Args;
use weft_api::{HostVerified, Verification};

use super::Outcome;
use crate::failure::Exit;
use crate::paint::{Paint, Tone};
use crate::session::Session;

const EXAMPLES: &str = "\
Examples:
  weft verify                      0 differences on 5 hosts
  weft verify -o json

Every host reads its kernel anew. It ends with 1 if one differs or does not answer.";

/// Compare the kernel of every host with what the cluster means
#[derive(Args, Clone, Copy, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Verify;

impl Verify {
    pub(crate) async fn run(self, session: &mut Session) -> Outcome {
        let what = "compare every host's kernel with what the cluster means";
        let told = session.ask(what, async |c| c.verify().await).await?;
        if told.differences > 0 || told.hosts.iter().any(|host| !host.answered) {
            session.exit_as(Exit::Failed);
        }
        session.output.show(&told, |paint| text(&told, paint))
    }
}

/// What differs, host by host, and the sum.
fn text(told: &Verification, paint: Paint) -> String {
    let mut lines: Vec<String> = told.hosts.iter().flat_map(|host| lines(host, paint)).collect();
    let answered = told.hosts.iter().filter(|host| host.answered).count();
    let count = told.differences;
    let tone = if count == 0 { Tone::Good } else { Tone::Bad };
    let word = if count == 1 { "difference" } else { "differences" };
    let hosts = if answered == 1 { "host" } else { "hosts" };
    lines.push(paint.tone(tone, &format!("{count} {word} on {answered} {hosts}")));
    match told.hosts.len() - answered {
        0 => {}
        silent => lines.push(paint.tone(Tone::Bad, &format!("no answer from {silent}"))),
    }
    lines.join("\n")
}

fn lines(host: &HostVerified, paint: Paint) -> Vec<String> {
    let differs = host.differences.iter();
    let mut lines: Vec<String> = differs
        .map(|difference| format!("{}  {difference}", paint.tone(Tone::Bad, &host.host)))
        .collect();
    if !host.answered {
        lines.push(format!("{}  does not answer", paint.tone(Tone::Bad, &host.host)));
    }
    if lines.is_empty() {
        return lines;
    }
    let why = host.cause.iter().map(|cause| ("because", Tone::Faint, cause));
    let hint = host.hint.iter().map(|hint| ("try", Tone::Wary, hint));
    lines.extend(
        why.chain(hint).map(|(word, tone, text)| {
            format!("  {}  {text}", paint.tone(tone, &format!("{word:7}")))
        }),
    );
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(name: &str, differences: &[&str]) -> HostVerified {
        HostVerified {
            host: name.into(),
            answered: true,
            differences: differences.iter().map(ToString::to_string).collect(),
            cause: None,
            hint: None,
        }
    }

    #[test]
    fn a_cluster_that_is_as_it_should_be_has_one_line() {
        let told = Verification { differences: 0, hosts: vec![host("a", &[]), host("b", &[])] };
        assert_eq!(text(&told, Paint::Plain), "0 differences on 2 hosts");
    }

    #[test]
    fn each_difference_stands_with_its_host_and_its_cause() {
        let a = HostVerified {
            cause: Some("reconciling is paused there".into()),
            hint: Some("weft reconcile resume".into()),
            ..host("a", &["segment 4100: 10.7.0.9 is 02:00:00:00:00:09"])
        };
        let b =
            HostVerified { answered: false, cause: Some("not connected".into()), ..host("b", &[]) };
        let told = Verification { differences: 1, hosts: vec![a, b] };
        assert_eq!(
            text(&told, Paint::Plain),
            "a  segment 4100: 10.7.0.9 is 02:00:00:00:00:09\n  \
             because  reconciling is paused there\n  \
             try      weft reconcile resume\n\
             b  does not answer\n  \
             because  not connected\n\
             1 difference on 1 host\n\
             no answer from 1"
        );
    }
}
