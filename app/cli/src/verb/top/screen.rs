//! One measurement on a terminal's screen.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout};
use ratatui::style::{Color, Modifier, Style, Stylize as _};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Row, Table};
use weft_api::TopView;

use super::units::trip;
use super::{FLOWS, LOADS, cells, columns, unseen};

/// What is known when a screen is drawn.
pub(super) enum Shown<'a> {
    /// Nothing was measured yet.
    Waiting,
    /// This.
    View(&'a TopView),
    /// It could not be measured, and why.
    Trouble(&'a str),
}

/// Draws all of it.
pub(super) fn draw(frame: &mut Frame<'_>, shown: &Shown<'_>) {
    let rows = |many: usize| u16::try_from(many).unwrap_or(u16::MAX);
    let (loads, peers) = match shown {
        Shown::View(view) => (rows(view.endpoints.len()), 1),
        Shown::Waiting | Shown::Trouble(_) => (0, 1),
    };
    let upper = loads.saturating_add(3).min(frame.area().height / 2);
    let [head, upper, lower, foot] = Layout::vertical([
        Constraint::Length(peers),
        Constraint::Length(upper),
        Constraint::Min(3),
        Constraint::Length(1),
    ])
    .areas(frame.area());
    frame.render_widget(headline(shown), head);
    frame.render_widget(footline(shown), foot);
    if let Shown::View(view) = shown {
        frame.render_widget(loads_of(view), upper);
        frame.render_widget(flows_of(view), lower);
    }
}

fn headline(shown: &Shown<'_>) -> Line<'static> {
    match shown {
        Shown::Waiting => Line::from("measuring …"),
        Shown::Trouble(why) => Line::from((*why).to_owned()).fg(Color::Red),
        Shown::View(view) => {
            let mut spans =
                vec![Span::from(view.host.clone()).bold(), Span::from("  there and back:")];
            spans.extend(view.peers.iter().map(|peer| match peer.round_trip {
                Some(micros) => Span::from(format!("  {} {}", peer.node, trip(micros))),
                None => Span::from(format!("  {} not connected", peer.node)).fg(Color::Red),
            }));
            Line::from(spans)
        }
    }
}

fn footline(shown: &Shown<'_>) -> Line<'static> {
    let unseen = match shown {
        Shown::View(view) => unseen(view).map(|text| format!("  {text}")),
        Shown::Waiting | Shown::Trouble(_) => None,
    };
    let keys = Span::from("q: end").add_modifier(Modifier::DIM);
    Line::from(vec![keys, Span::from(unseen.unwrap_or_default()).fg(Color::Yellow)])
}

fn loads_of(view: &TopView) -> Table<'static> {
    let rows = view.endpoints.iter().map(|load| {
        let row = Row::new(cells(load));
        if load.dropped > 0 { row.fg(Color::Red) } else { row }
    });
    let widths = [
        Constraint::Min(16),
        Constraint::Max(16),
        Constraint::Length(11),
        Constraint::Length(10),
        Constraint::Length(11),
        Constraint::Length(10),
        Constraint::Length(12),
    ];
    table(rows.collect(), widths, LOADS)
}

fn flows_of(view: &TopView) -> Table<'static> {
    let rows = view.flows.iter().map(|flow| Row::new(columns(flow)));
    let widths = [
        Constraint::Min(16),
        Constraint::Min(16),
        Constraint::Max(12),
        Constraint::Max(20),
        Constraint::Length(11),
        Constraint::Length(10),
        Constraint::Length(16),
    ];
    table(rows.collect(), widths, FLOWS)
}

fn table(
    rows: Vec<Row<'static>>,
    widths: [Constraint; 7],
    titles: [&'static str; 7],
) -> Table<'static> {
    let titles = Row::new(titles).style(Style::new().add_modifier(Modifier::DIM));
    Table::new(rows, widths).header(titles).column_spacing(1).block(Block::new())
}

#[cfg(test)]
mod tests {
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    use super::super::tests::view;
    use super::*;

    fn screen(shown: &Shown<'_>, (width, height): (u16, u16)) -> String {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| draw(frame, shown)).unwrap();
        terminal.backend().to_string()
    }

    #[test]
    fn a_screen_has_workloads_flows_and_the_other_hosts() {
        let told = screen(&Shown::View(&view()), (110, 14));
        for part in [
            "h1  there and back:  h2 0.4 ms  h3 not connected",
            "98.0 kB/s",
            "3 drops/s",
            "> db",
            "tcp 40000 > 5432",
            "2.5 MB/s",
            "7 frames came too fast",
            "q: end",
        ] {
            assert!(told.contains(part), "{part} is not in\n{told}");
        }
    }

    #[test]
    fn trouble_is_told_and_a_small_screen_is_no_trouble() {
        assert!(
            screen(&Shown::Trouble("h2 does not answer"), (60, 6)).contains("h2 does not answer")
        );
        assert!(screen(&Shown::Waiting, (60, 6)).contains("measuring"));
        for size in [(1, 1), (10, 2), (40, 3)] {
            assert!(!screen(&Shown::View(&view()), size).is_empty());
        }
    }
}
