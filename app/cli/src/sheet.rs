//! Sheets: one thing, one line a property.

use std::fmt::Write as _;

use crate::paint::{Paint, Tone};

/// A sheet that grows by lines.
pub(crate) struct Sheet {
    paint: Paint,
    lines: Vec<(&'static str, String)>,
}

impl Sheet {
    pub(crate) const fn new(paint: Paint) -> Self {
        Self { paint, lines: Vec::new() }
    }

    /// A property; one without a value is left out.
    pub(crate) fn line(&mut self, title: &'static str, value: impl ToString) -> &mut Self {
        self.toned(title, Tone::Neutral, value)
    }

    /// A property in a tone.
    #[expect(clippy::needless_pass_by_value, reason = "numbers and names are shown alike")]
    pub(crate) fn toned(
        &mut self,
        title: &'static str,
        tone: Tone,
        value: impl ToString,
    ) -> &mut Self {
        let value = value.to_string();
        if !value.is_empty() {
            self.lines.push((title, self.paint.tone(tone, &value)));
        }
        self
    }

    /// A property of several values, one a line.
    pub(crate) fn list<V: ToString>(
        &mut self,
        title: &'static str,
        values: impl IntoIterator<Item = V>,
    ) -> &mut Self {
        let titles = std::iter::once(title).chain(std::iter::repeat(""));
        for (title, value) in titles.zip(values) {
            self.lines.push((title, value.to_string()));
        }
        self
    }

    pub(crate) fn text(&self) -> String {
        let width = self.lines.iter().map(|(title, _)| title.len()).max().unwrap_or_default();
        self.lines.iter().fold(String::new(), |mut text, (title, value)| {
            let title = self.paint.tone(Tone::Faint, &format!("{title:width$}"));
            // Writing to a String cannot fail.
            let _infallible = writeln!(text, "{title}   {value}");
            text
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stand_below_each_other() {
        let mut sheet = Sheet::new(Paint::Plain);
        sheet.line("Name", "app").line("Nothing", "").list("Subnets", ["10.0.0.0/8", "fd00::/64"]);
        assert_eq!(sheet.text(), "Name      app\nSubnets   10.0.0.0/8\n          fd00::/64\n");
    }
}
