//! The history on disk: two files of JSON lines, the newer of which grows until it takes the older
//! one's place.
//!
//! Lines go to the kernel's page cache and are not forced to the disk: a killed agent loses none, a
//! power cut the last seconds. What was torn then is left out at the next start.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::Serialize;
use weft_events::{Chapter, Event, Log, Moment, Noted};

/// The newer file.
const NEW: &str = "events.jsonl";
/// The older one.
const OLD: &str = "events.old.jsonl";

/// The files of one history.
#[derive(Debug)]
pub(super) struct Book {
    dir: PathBuf,
    file: Option<File>,
}

impl Book {
    /// Opens the history that is in `dir`, or begins one.
    pub(super) fn open(dir: &Path, at: Moment, most: usize) -> (Self, Log) {
        let mut book = Self { dir: dir.to_owned(), file: None };
        match read(&dir.join(NEW)) {
            Some(new) => {
                let log = Log::resume(read(&dir.join(OLD)), new, most);
                book.told(append(&dir.join(NEW)));
                (book, log)
            }
            None => {
                book.begin(&Chapter { from: at, ..Chapter::default() });
                (book, Log::begin(at, most))
            }
        }
    }

    /// Writes down what was noted. A disk that takes nothing is told of once.
    pub(super) fn write(&mut self, noted: &Noted) {
        if let Some(chapter) = &noted.opens {
            // What is not there need not be kept.
            drop(fs::rename(self.dir.join(NEW), self.dir.join(OLD)));
            self.begin(chapter);
        }
        self.line(&noted.event);
    }

    fn begin(&mut self, chapter: &Chapter) {
        self.told(File::create(self.dir.join(NEW)));
        self.line(chapter);
    }

    fn line(&mut self, value: &impl Serialize) {
        let Some(file) = &mut self.file else { return };
        let line = serde_json::to_vec(value).map_err(io::Error::other);
        let written = line.and_then(|mut line| {
            line.push(b'\n');
            file.write_all(&line)
        });
        if let Err(error) = written {
            self.told(Err(error));
        }
    }

    fn told(&mut self, file: io::Result<File>) {
        let told = |error: &io::Error| {
            tracing::warn!(%error, "events are kept in memory only, until the next start");
        };
        self.file = file.inspect_err(told).ok();
    }
}

fn append(path: &Path) -> io::Result<File> {
    let text = fs::read(path)?;
    let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let file = File::options().append(true).open(path)?;
    file.set_len(whole as u64)?;
    Ok(file)
}

/// A chapter, up to the first line that cannot be read.
fn read(path: &Path) -> Option<Chapter> {
    let text = fs::read_to_string(path).ok()?;
    let mut lines = text.lines();
    let mut chapter: Chapter = serde_json::from_str(lines.next()?).ok()?;
    let events = lines.map_while(|line| serde_json::from_str::<Event>(line).ok());
    chapter.events.extend(events);
    Some(chapter)
}

#[cfg(test)]
mod tests {
    use weft_events::Change;

    use super::*;

    const MOST: usize = 3;

    fn note(book: &mut Book, log: &mut Log, at: u64) {
        let change = Change::KernelDrift { difference: at.to_string() };
        book.write(&log.note(Moment(at), change, None));
    }

    fn differences(log: &Log) -> Vec<u64> {
        log.events().map(|event| event.at.0).collect()
    }

    #[test]
    fn a_history_outlives_its_agent_within_its_bound() {
        let dir = tempfile::tempdir().unwrap();
        let (mut book, mut log) = Book::open(dir.path(), Moment(1), MOST);
        (2..10).for_each(|at| note(&mut book, &mut log, at));
        let (mut book, mut resumed) = Book::open(dir.path(), Moment(99), MOST);
        assert_eq!(differences(&resumed), differences(&log));
        assert_eq!(differences(&resumed), [5, 6, 7, 8, 9]);
        note(&mut book, &mut resumed, 100);
        let (_book, again) = Book::open(dir.path(), Moment(999), MOST);
        assert_eq!(differences(&again), [5, 6, 7, 8, 9, 100]);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
    }

    #[test]
    fn a_torn_line_is_left_out() {
        let dir = tempfile::tempdir().unwrap();
        let (mut book, mut log) = Book::open(dir.path(), Moment(1), MOST);
        note(&mut book, &mut log, 2);
        let mut file = File::options().append(true).open(dir.path().join(NEW)).unwrap();
        file.write_all(b"{\"seq\":1,\"at\"").unwrap();
        let (mut book, mut log) = Book::open(dir.path(), Moment(9), MOST);
        note(&mut book, &mut log, 10);
        let (_book, log) = Book::open(dir.path(), Moment(99), MOST);
        assert_eq!(differences(&log), [2, 10]);
    }

    #[test]
    fn a_disk_that_takes_nothing_keeps_nobody_from_noting() {
        let (mut book, mut log) = Book::open(Path::new("/proc/none"), Moment(1), MOST);
        note(&mut book, &mut log, 2);
        assert_eq!(differences(&log), [2]);
    }
}
