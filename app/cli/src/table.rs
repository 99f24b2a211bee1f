//! Tables: one line a thing, no frames, so that `awk` and eyes both read them.

use comfy_table::Cell;
use comfy_table::presets::NOTHING;

use crate::paint::{Paint, Tone};

/// A table that grows by rows.
pub(crate) struct Table {
    inner: comfy_table::Table,
}

impl Table {
    pub(crate) fn new(paint: Paint, header: &[&str]) -> Self {
        let mut inner = comfy_table::Table::new();
        inner.load_style(NOTHING).force_no_tty();
        if paint == Paint::Coloured {
            inner.enforce_styling();
        }
        inner.set_header(header.iter().map(|title| Tone::Faint.cell(title)));
        for column in inner.column_iter_mut() {
            column.set_padding((0, 3));
        }
        Self { inner }
    }

    /// An empty cell becomes `-`: every line has as many words.
    pub(crate) fn row<const N: usize>(&mut self, cells: [(Tone, String); N]) {
        let cell = |(tone, text): (Tone, String)| -> Cell {
            tone.cell(if text.is_empty() { "-" } else { &text })
        };
        self.inner.add_row(cells.map(cell));
    }

    pub(crate) fn text(&self) -> String {
        self.inner.trim_fmt()
    }
}

/// A cell without a tone.
#[expect(clippy::needless_pass_by_value, reason = "numbers and names are shown alike")]
pub(crate) fn plain(value: impl ToString) -> (Tone, String) {
    (Tone::Neutral, value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_aligned_and_has_no_empty_cells() {
        let mut table = Table::new(Paint::Plain, &["NAME", "ID"]);
        table.row([plain("a-long-name"), plain(1)]);
        table.row([plain("b"), plain("")]);
        assert_eq!(table.text(), "NAME          ID\na-long-name   1\nb             -");
    }

    #[test]
    fn colour_changes_no_text() {
        let mut table = Table::new(Paint::Coloured, &["NAME", "STANDING"]);
        table.row([plain("a"), (Tone::Bad, "down".into())]);
        let text = table.text();
        assert!(text.contains("\u{1b}[38;5;1mdown") || text.contains("\u{1b}[31mdown"), "{text:?}");
    }
}
