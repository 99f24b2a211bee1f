//! The terminal while measurements come and until a key ends it.

use std::io;
use std::time::Duration;

use ratatui::crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use tokio::sync::mpsc;
use weft_api::{CallError, Client, TopQuestion, TopView};

use super::PAUSE;
use super::screen::{Shown, draw};
use crate::failure::Failure;
use crate::verb::Outcome;

/// How often the thread that reads keys looks whether it is wanted.
const TURN: Duration = Duration::from_millis(100);

/// What a person does.
enum Act {
    End,
    Redraw,
}

/// Shows measurements until somebody has seen enough.
pub(super) async fn show(client: &Client, question: &TopQuestion) -> Outcome {
    let mut terminal = ratatui::try_init().map_err(|error| unshown(&error))?;
    let acts = watch_keys();
    let shown = run(client, question, &mut terminal, acts).await;
    ratatui::restore();
    shown.map_err(|error| unshown(&error))
}

async fn run(
    client: &Client,
    question: &TopQuestion,
    terminal: &mut ratatui::DefaultTerminal,
    mut acts: mpsc::Receiver<Act>,
) -> io::Result<()> {
    let mut last: Option<Result<TopView, String>> = None;
    loop {
        terminal.draw(|frame| draw(frame, &shown(last.as_ref())))?;
        tokio::select! {
            act = acts.recv() => match act {
                Some(Act::Redraw) => {}
                Some(Act::End) | None => return Ok(()),
            },
            measured = measure(client, question, last.is_some()) => {
                last = Some(measured.map_err(|error| told(&error)));
            }
        }
    }
}

fn shown(last: Option<&Result<TopView, String>>) -> Shown<'_> {
    match last {
        None => Shown::Waiting,
        Some(Ok(view)) => Shown::View(view),
        Some(Err(why)) => Shown::Trouble(why),
    }
}

fn told(error: &CallError) -> String {
    std::iter::once(error.to_string()).chain(error.cause()).collect::<Vec<_>>().join(": ")
}

async fn measure(
    client: &Client,
    question: &TopQuestion,
    again: bool,
) -> Result<TopView, CallError> {
    if again {
        tokio::time::sleep(PAUSE).await;
    }
    client.top(question).await
}

/// Keys are read on a thread, which ends when nobody listens.
fn watch_keys() -> mpsc::Receiver<Act> {
    let (sender, acts) = mpsc::channel(1);
    std::thread::spawn(move || {
        while !sender.is_closed() {
            if !event::poll(TURN).unwrap_or(true) {
                continue;
            }
            let Ok(event) = event::read() else { return };
            if let Some(act) = act(&event)
                && sender.blocking_send(act).is_err()
            {
                return;
            }
        }
    });
    acts
}

fn act(event: &Event) -> Option<Act> {
    match event {
        Event::Resize(..) => Some(Act::Redraw),
        Event::Key(key) if key.kind == KeyEventKind::Press => match key.code {
            KeyCode::Char('q') | KeyCode::Esc => Some(Act::End),
            KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => Some(Act::End),
            _ => None,
        },
        _ => None,
    }
}

fn unshown(error: &io::Error) -> Failure {
    Failure::local("show it on this terminal", error, "ask once: weft top --once")
}

#[cfg(test)]
mod tests {
    use ratatui::crossterm::event::KeyEvent;

    use super::*;

    #[test]
    fn q_escape_and_control_c_end_it() {
        let key = |code, modifiers| act(&Event::Key(KeyEvent::new(code, modifiers)));
        for (code, modifiers) in [
            (KeyCode::Char('q'), KeyModifiers::NONE),
            (KeyCode::Esc, KeyModifiers::NONE),
            (KeyCode::Char('c'), KeyModifiers::CONTROL),
        ] {
            assert!(matches!(key(code, modifiers), Some(Act::End)), "{code:?}");
        }
        assert!(key(KeyCode::Char('c'), KeyModifiers::NONE).is_none());
        assert!(matches!(act(&Event::Resize(80, 24)), Some(Act::Redraw)));
    }
}
