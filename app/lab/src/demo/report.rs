//! What the audience reads.

use std::io::{self, Write as _};
use std::time::{Duration, Instant};

use crate::error::OrHint;
use crate::{Host, LabError};

use super::workload::Kind;

/// The telling of a demo, scene by scene, with the time that each took.
#[derive(Debug)]
pub(super) struct Report {
    began: Instant,
    scene: Option<(String, Instant)>,
    times: Vec<(String, Duration)>,
}

impl Report {
    /// Opens the curtain.
    pub(super) fn begin(kind: Kind, docker_is_here: bool) -> Result<Self, LabError> {
        let report = Self { began: Instant::now(), scene: None, times: Vec::new() };
        report.line(&format!("Weft: one network for {} on many hosts\n", kind.plural()))?;
        if !docker_is_here {
            report.line(
                "Docker is not installed here (apt-get install docker.io): plain processes take \
                 the place of its containers.\n",
            )?;
        }
        Ok(report)
    }

    /// Ends a scene and begins the next.
    pub(super) fn scene(&mut self, title: &str) -> Result<(), LabError> {
        self.close();
        self.scene = Some((title.to_owned(), Instant::now()));
        self.line(&format!("── {title}"))
    }

    fn close(&mut self) {
        if let Some((title, since)) = self.scene.take() {
            self.times.push((title, since.elapsed()));
        }
    }

    /// What somebody types on a host.
    pub(super) fn typed(&self, host: &Host, command: &str) -> Result<(), LabError> {
        self.line(&format!("   {}$ {command}", host.name()))
    }

    /// One fact.
    pub(super) fn tell(&self, fact: &str) -> Result<(), LabError> {
        self.line(&format!("   {fact}"))
    }

    /// Several lines of facts.
    pub(super) fn paragraph(&self, text: &str) -> Result<(), LabError> {
        text.lines().try_for_each(|line| self.tell(line))
    }

    /// The lines of a program's output that matter.
    pub(super) fn show(&self, output: &str, word: &str) -> Result<(), LabError> {
        output.lines().filter(|line| line.contains(word)).try_for_each(|line| self.tell(line))
    }

    /// Tells how long everything took.
    pub(super) fn end(mut self) -> Result<(), LabError> {
        self.close();
        self.line("\nHow long each step took:")?;
        for (title, time) in &self.times {
            self.line(&format!("{:8.1} s  {title}", time.as_secs_f64()))?;
        }
        self.line(&format!("{:8.1} s  in all", self.began.elapsed().as_secs_f64()))
    }

    #[expect(clippy::unused_self, reason = "only a report writes")]
    fn line(&self, text: &str) -> Result<(), LabError> {
        writeln!(io::stdout(), "{text}").or_hint("write to the terminal", "is its reader gone?")
    }
}
