//! `weft status`: this host at a glance.

use clap::Args;
use weft_api::{DegradedView, GuardView, ReconcileView};
use weft_model::Role;

use super::Outcome;
use crate::display::{short, standing_tone};
use crate::paint::{Paint, Tone};
use crate::session::Session;
use crate::sheet::Sheet;

/// Show this host at a glance: membership, kernel, Docker, and what is degraded
#[derive(Args, Debug)]
pub(crate) struct Status {}

impl Status {
    pub(crate) async fn run(self, session: &mut Session) -> Outcome {
        let status = session.ask("read the status", async |c| c.status().await).await?;
        session.output.show(&status, |paint| sheet(&status, paint))
    }
}

/// Everything on one screen; what is wrong comes last, where the eye rests.
pub(crate) fn sheet(status: &weft_api::Status, paint: Paint) -> String {
    let mut sheet = Sheet::new(paint);
    membership(&mut sheet, status);
    sheet.line("Engine", format!("{} ({})", status.engine, status.engine_reason));
    guard(&mut sheet, &status.guard);
    reconcile(&mut sheet, &status.reconcile);
    docker(&mut sheet, status);
    for degraded in &status.degraded {
        sheet.toned("Degraded", Tone::Wary, degraded_text(degraded));
        if !degraded.hint.is_empty() {
            sheet.line("", format!("try: {}", degraded.hint));
        }
    }
    sheet.text()
}

fn membership(sheet: &mut Sheet, status: &weft_api::Status) {
    match &status.node {
        Some(node) => {
            let role = match node.role {
                Role::Manager => "manager",
                Role::Worker => "worker",
            };
            let text = format!("{} ({}), {role}, VTEP {}", node.name, short(node.id), node.vtep);
            sheet.toned("Node", standing_tone(node.standing), text)
        }
        None => sheet.toned("Node", Tone::Wary, "in no cluster: `weft init` or `weft join`"),
    };
    if let Some(cluster) = &status.cluster {
        let text =
            format!("{} ({}), VXLAN port {}", cluster.name, short(&cluster.id), cluster.vxlan_port);
        sheet.line("Cluster", text);
        if let Some(until) = &cluster.certificate_until {
            sheet.line(
                "Identity",
                format!("certificate until {}, renewed by itself", seconds(until)),
            );
        }
        if let Some(ahead) = cluster.clock_ahead_ms {
            sheet.line("Clock", clock(ahead));
        }
        if !cluster.manager_reachable {
            sheet.toned("", Tone::Wary, "no manager is reachable: what runs goes on running");
        }
        let (tone, text) = super::store::told(&cluster.store);
        sheet.toned("Registry", tone, text);
        sheet.line("Networks", status.networks);
        sheet.line("Endpoints", format!("{} here", status.endpoints));
    }
}

/// Milliseconds that this host's clock is ahead, in words.
fn clock(ahead: i64) -> String {
    let by = match ahead.unsigned_abs() {
        0 => return "as the managers'".to_owned(),
        ms if ms < 1_000 => format!("{ms} ms"),
        ms => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
    };
    let side = if ahead > 0 { "ahead of" } else { "behind" };
    format!("{by} {side} the managers'")
}

fn guard(sheet: &mut Sheet, guard: &GuardView) {
    match (&guard.attached, &guard.missing) {
        (Some(how), _) => {
            sheet.toned("Guard", Tone::Good, format!("programs at every interface ({how})"))
        }
        (None, Some(_)) => sheet.toned("Guard", Tone::Wary, "only the nft table inet weft"),
        (None, None) => sheet.toned("Guard", Tone::Faint, "not looked at yet"),
    };
}

fn reconcile(sheet: &mut Sheet, reconcile: &ReconcileView) {
    match (&reconcile.last_at, reconcile.in_sync) {
        (None, _) => sheet.toned("Kernel", Tone::Wary, "not looked at yet"),
        (Some(at), true) => {
            let at = seconds(at);
            sheet.toned("Kernel", Tone::Good, format!("in sync ({at}, {} ms)", reconcile.took_ms))
        }
        (Some(at), false) => {
            let at = seconds(at);
            sheet.toned("Kernel", Tone::Bad, format!("differs ({at}, {} ms)", reconcile.took_ms))
        }
    };
    for difference in &reconcile.differences {
        sheet.line("", difference);
    }
    for failure in &reconcile.failures {
        sheet.toned("", Tone::Bad, format!("{}: {}", failure.what, failure.why));
        if !failure.hint.is_empty() {
            sheet.line("", format!("try: {}", failure.hint));
        }
    }
}

/// RFC 3339 without the fraction of a second.
fn seconds(at: &str) -> String {
    at.split_once('.').map_or_else(|| at.to_owned(), |(whole, _)| format!("{whole}Z"))
}

fn docker(sheet: &mut Sheet, status: &weft_api::Status) {
    let docker = &status.docker;
    let version = docker.version.as_deref().unwrap_or("of unknown version");
    match docker.connected {
        true => sheet.toned("Docker", Tone::Good, format!("Engine {version}")),
        false => sheet.toned("Docker", Tone::Faint, "not connected"),
    };
    for degraded in &docker.degraded {
        sheet.toned("", Tone::Wary, degraded);
    }
    sheet.line("Version", &status.version);
}

fn degraded_text(degraded: &DegradedView) -> String {
    match degraded.hop {
        Some(hop) => format!("{hop}: {}", degraded.reason),
        None => degraded.reason.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    #[test]
    fn a_healthy_member_fits_one_screen() {
        assert_eq!(
            sheet(&samples::status(), Paint::Plain),
            "\
Node        a (000000000000), manager, VTEP 192.0.2.1
Cluster     shop (c0ffee), VXLAN port 4789
Identity    certificate until 2026-11-24T23:00:00Z, renewed by itself
Clock       3 ms behind the managers'
Registry    on the managers' disks
Networks    2
Endpoints   3 here
Engine      bridge (asked for)
Guard       programs at every interface (tcx)
Kernel      in sync (2026-11-22T23:00:00Z, 4 ms)
Docker      Engine 29.7.0
Version     0.1.0
"
        );
    }

    #[test]
    fn a_clock_is_told_with_its_side() {
        let told = [(0, "as the managers'"), (999, "999 ms ahead of the managers'")];
        let told = told.into_iter().chain([(-100_250, "100.2 s behind the managers'")]);
        for (ahead, words) in told {
            assert_eq!(clock(ahead), words);
        }
    }

    #[test]
    fn what_is_wrong_comes_with_what_to_try() {
        let text = sheet(&samples::sick_status(), Paint::Plain);
        assert_eq!(
            text,
            "\
Node       in no cluster: `weft init` or `weft join`
Engine     bridge (asked for)
Guard      programs at every interface (tcx)
Kernel     differs (2026-11-22T23:00:00Z, 4 ms)
           add vxlan vx0
           add vxlan vx0: operation not supported
           try: modprobe vxlan
Docker     not connected
           the plugin socket is not there
Version    0.1.0
Degraded   underlay: UDP port 4789 is taken by flannel
           try: weft init --vxlan-port 4790
"
        );
    }
}
