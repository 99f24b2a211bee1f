//! Colours, and whether there are any.

use clap::builder::styling::{AnsiColor, Style};

use crate::arguments::Color;

/// Whether what is written is coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Paint {
    /// Not for a terminal, or not wanted.
    Plain,
    /// With ANSI escapes.
    Coloured,
}

/// What a colour is to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Nothing.
    Neutral,
    /// As it should be.
    Good,
    /// Soon as it should be, or soon not.
    Wary,
    /// Not as it should be.
    Bad,
    /// Of less importance.
    Faint,
}

impl Paint {
    /// `NO_COLOR` is honoured as <https://no-color.org> says: present and not empty.
    pub(crate) fn choose(color: Color, terminal: bool) -> Self {
        let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        match color {
            Color::Always => Self::Coloured,
            Color::Auto if terminal && !unwanted => Self::Coloured,
            Color::Auto | Color::Never => Self::Plain,
        }
    }

    /// `text` in a tone.
    pub(crate) fn tone(self, tone: Tone, text: &str) -> String {
        let style = tone.style();
        match self {
            Self::Coloured if tone != Tone::Neutral => format!("{style}{text}{style:#}"),
            Self::Coloured | Self::Plain => text.to_owned(),
        }
    }
}

impl Tone {
    const fn style(self) -> Style {
        match self {
            Self::Neutral => Style::new(),
            Self::Good => AnsiColor::Green.on_default(),
            Self::Wary => AnsiColor::Yellow.on_default(),
            Self::Bad => AnsiColor::Red.on_default(),
            Self::Faint => Style::new().dimmed(),
        }
    }

    /// The same for a cell of a table.
    pub(crate) fn cell(self, text: &str) -> comfy_table::Cell {
        let cell = comfy_table::Cell::new(text);
        match self {
            Self::Neutral => cell,
            Self::Good => cell.fg(comfy_table::Color::DarkGreen),
            Self::Wary => cell.fg(comfy_table::Color::DarkYellow),
            Self::Bad => cell.fg(comfy_table::Color::DarkRed),
            Self::Faint => cell.add_attribute(comfy_table::Attribute::Dim),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_for_terminals_unless_told_otherwise() {
        assert_eq!(Paint::choose(Color::Auto, false), Paint::Plain);
        assert_eq!(Paint::choose(Color::Never, true), Paint::Plain);
        assert_eq!(Paint::choose(Color::Always, false), Paint::Coloured);
        assert_eq!(Paint::Coloured.tone(Tone::Bad, "no"), "\u{1b}[31mno\u{1b}[0m");
        assert_eq!(Paint::Plain.tone(Tone::Bad, "no"), "no");
    }
}
