//! What goes to stdout.

use std::io::{self, ErrorKind, Write};

use serde::Serialize;

use crate::arguments::Format;
use crate::failure::Failure;
use crate::paint::Paint;

/// Owns stdout: nothing else writes there.
pub(crate) struct Output {
    format: Format,
    paint: Paint,
    out: Box<dyn Write>,
}

impl Output {
    pub(crate) fn new(format: Format, paint: Paint, out: Box<dyn Write>) -> Self {
        Self { format, paint, out }
    }

    pub(crate) const fn format(&self) -> Format {
        self.format
    }

    /// Shows a value: as JSON to programs, as `text` to people.
    pub(crate) fn show(
        &mut self,
        value: &impl Serialize,
        text: impl FnOnce(Paint) -> String,
    ) -> Result<(), Failure> {
        match self.format {
            Format::Table => self.text(&text(self.paint)),
            Format::Json => {
                let json = serde_json::to_string_pretty(value)
                    .map_err(|error| Failure::local("write JSON", &error, "report this"))?;
                self.text(&json)
            }
        }
    }

    /// Shows one value of many that come one after the other, at once: to programs as JSON on a
    /// line. `false`: the reader has seen enough.
    pub(crate) fn line(
        &mut self,
        value: &impl Serialize,
        text: impl FnOnce(Paint) -> String,
    ) -> Result<bool, Failure> {
        let line = match self.format {
            Format::Table => text(self.paint),
            Format::Json => serde_json::to_string(value)
                .map_err(|error| Failure::local("write JSON", &error, "report this"))?,
        };
        match writeln!(self.out, "{line}").and_then(|()| self.out.flush()) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
            written => told(written).map(|()| true),
        }
    }

    /// Writes text as it is, with a line end.
    pub(crate) fn text(&mut self, text: &str) -> Result<(), Failure> {
        let text = text.trim_end_matches('\n');
        if text.is_empty() { Ok(()) } else { told(writeln!(self.out, "{text}")) }
    }

    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        told(self.out.flush())
    }
}

/// A reader that has seen enough, such as `head`, is no failure.
fn told(written: io::Result<()>) -> Result<(), Failure> {
    match written {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::local("write the answer", &error, "is there space where stdout leads to?"))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Closed(ErrorKind);

    impl Write for Closed {
        fn write(&mut self, _bytes: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Err(self.0.into())
        }
    }

    #[test]
    fn a_reader_that_has_seen_enough_is_no_failure() {
        let mut output =
            Output::new(Format::Table, Paint::Plain, Box::new(Closed(ErrorKind::BrokenPipe)));
        assert_eq!(output.text("more"), Ok(()));
        assert_eq!(output.line(&1, |_paint| "more".to_owned()), Ok(false));
        assert_eq!(output.flush(), Ok(()));
    }

    #[test]
    fn a_full_disk_is_a_failure() {
        let mut output =
            Output::new(Format::Table, Paint::Plain, Box::new(Closed(ErrorKind::StorageFull)));
        assert!(output.text("more").is_err());
    }
}
