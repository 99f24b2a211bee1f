//! One table of the programs' that only the agent writes.
//!
//! Many rows are read and written with one system call each, where the kernel has that (5.6).

use std::io;
use std::os::fd::AsFd as _;
use std::path::Path;

use aya::Ebpf;
use aya::maps::{HashMap, IterableMap as _, MapData, MapError};
use nix::libc;

use super::error::TableError;
use super::sys::{self, Batch, Verb};
use super::tables::{pinned, take};
use super::{GuardError, TableUse};

/// So many rows are read at once; more than hash to one place.
const CHUNK: usize = 1 << 13;

/// A hash table.
pub(super) struct Table<K, V> {
    name: &'static str,
    map: HashMap<MapData, K, V>,
    /// Whether rows are handled one by one.
    singly: bool,
}

impl<K: aya::Pod, V: aya::Pod> Table<K, V> {
    pub(super) fn take(object: &mut Ebpf, name: &'static str) -> Result<Self, GuardError> {
        Ok(Self { name, map: take(object, name)?, singly: false })
    }

    /// Takes over all rows of the table of this name in another set. Says whether there is one, with
    /// rows of the same form.
    pub(super) fn inherit(&mut self, older: &Path) -> Result<bool, TableError> {
        let Ok(map) = pinned(older, self.name) else { return Ok(false) };
        let rows = Self { name: self.name, map, singly: false }.rows()?;
        self.insert_all(&rows).into_iter().collect::<Result<(), _>>()?;
        Ok(true)
    }

    pub(super) fn insert(&mut self, key: K, value: V) -> Result<(), TableError> {
        let inserted = self.map.insert(key, value, 0);
        inserted.map_err(|error| self.refused(io_error(error)))
    }

    /// What is not there need not be removed.
    pub(super) fn remove(&mut self, key: &K) -> Result<(), TableError> {
        match self.map.remove(key).map_err(io_error) {
            Err(error) if !sys::is_missing(&error) => Err(self.refused(error)),
            _ => Ok(()),
        }
    }

    /// Writes rows; the answers are in their order. One that is refused stops no other.
    pub(super) fn insert_all(&mut self, rows: &[(K, V)]) -> Vec<Result<(), TableError>> {
        let (keys, values): (Vec<K>, Vec<V>) = rows.iter().copied().unzip();
        let mut answers = Vec::with_capacity(rows.len());
        while let Some(rest) = keys.get(answers.len()..).filter(|rest| !rest.is_empty()) {
            let from = answers.len();
            let batched = (!self.singly).then(|| {
                let values = values.get(from..).unwrap_or_default();
                self.batch(Verb::Update, rest, values)
            });
            let Some(left) = self.note(batched, rest.len(), &mut answers) else { continue };
            answers.extend(rows.iter().skip(left).map(|(key, value)| self.insert(*key, *value)));
        }
        answers
    }

    /// Removes rows, also those that are not there; the answers are in their order.
    pub(super) fn remove_all(&mut self, keys: &[K]) -> Vec<Result<(), TableError>> {
        let mut answers = Vec::with_capacity(keys.len());
        while let Some(rest) = keys.get(answers.len()..).filter(|rest| !rest.is_empty()) {
            let batched = (!self.singly).then(|| self.batch(Verb::Delete, rest, &[]));
            let Some(left) = self.note(batched, rest.len(), &mut answers) else { continue };
            answers.extend(keys.iter().skip(left).map(|key| self.remove(key)));
        }
        answers
    }

    /// Takes down what became of a batch. If there are no batches, from which row on all are to be
    /// handled one by one.
    fn note(
        &mut self,
        batched: Option<(usize, io::Result<()>)>,
        asked: usize,
        answers: &mut Vec<Result<(), TableError>>,
    ) -> Option<usize> {
        let Some((done, stopped)) = batched else { return Some(answers.len()) };
        answers.extend((0..done.min(asked)).map(|_| Ok(())));
        match stopped {
            Ok(()) => {}
            Err(error) if sys::is_missing(&error) => answers.push(Ok(())),
            Err(error) if is_unknown(&error) => {
                self.singly = true;
                return Some(answers.len());
            }
            Err(error) => answers.push(Err(self.refused(error))),
        }
        None
    }

    /// How many rows were done, and what stopped it.
    fn batch(&self, verb: Verb, keys: &[K], values: &[V]) -> (usize, io::Result<()>) {
        let mut batch = Batch {
            keys: keys.as_ptr() as u64,
            values: values.as_ptr() as u64,
            count: u32::try_from(keys.len()).unwrap_or(u32::MAX),
            ..Batch::default()
        };
        // SAFETY: there are as many keys as is said, and values where they are read (an update has
        // as many); aya has compared their sizes with the table's; the kernel writes to neither.
        #[expect(unsafe_code, reason = "bpf(2)")]
        let done = unsafe { sys::batch(verb, self.map.map().fd().as_fd(), &mut batch) };
        (usize::try_from(batch.count).unwrap_or(usize::MAX), done)
    }

    /// All rows.
    pub(super) fn rows(&self) -> Result<Vec<(K, V)>, TableError> {
        let mut rows = Vec::new();
        let read = match self.singly {
            true => self.read_singly(&mut rows),
            false => self.read(&mut rows),
        };
        match read {
            Err(error) if is_unknown(&error) && !self.singly => self.read_singly(&mut rows),
            read => read,
        }
        .map_err(|error| self.refused(error))?;
        Ok(rows)
    }

    fn read_singly(&self, rows: &mut Vec<(K, V)>) -> io::Result<()> {
        rows.clear();
        for row in self.map.iter() {
            rows.push(row.map_err(io_error)?);
        }
        Ok(())
    }

    fn read(&self, rows: &mut Vec<(K, V)>) -> io::Result<()> {
        let mut keys: Vec<K> = Vec::with_capacity(CHUNK);
        let mut values: Vec<V> = Vec::with_capacity(CHUNK);
        let (mut from, mut next) = ([0_u8; 8], [0_u8; 8]);
        let mut first = true;
        loop {
            let mut batch = Batch {
                in_batch: if first { 0 } else { from.as_ptr() as u64 },
                out_batch: next.as_mut_ptr() as u64,
                keys: keys.as_mut_ptr() as u64,
                values: values.as_mut_ptr() as u64,
                count: u32::try_from(CHUNK).unwrap_or(u32::MAX),
                ..Batch::default()
            };
            // SAFETY: there is room for as many keys and values as is said, and for two tokens;
            // aya has compared the sizes with the table's.
            #[expect(unsafe_code, reason = "bpf(2)")]
            let done = unsafe { sys::batch(Verb::Lookup, self.map.map().fd().as_fd(), &mut batch) };
            let ended = done.as_ref().is_err_and(sys::is_missing);
            if !ended {
                done?;
            }
            let count = usize::try_from(batch.count).map_err(io::Error::other)?.min(CHUNK);
            // SAFETY: the kernel has written so many keys; any bytes are one.
            #[expect(unsafe_code, reason = "memory that the kernel filled")]
            unsafe {
                keys.set_len(count);
            }
            // SAFETY: as many values, and any bytes are one.
            #[expect(unsafe_code, reason = "memory that the kernel filled")]
            unsafe {
                values.set_len(count);
            }
            rows.extend(keys.drain(..).zip(values.drain(..)));
            if ended {
                return Ok(());
            }
            (from, first) = (next, false);
        }
    }

    /// How much of it is in use.
    pub(super) fn usage(&self, rows: usize) -> io::Result<TableUse> {
        TableUse::of(self.name, self.map.map().fd().as_fd(), rows)
    }

    fn refused(&self, source: io::Error) -> TableError {
        let table = self.name;
        if source.raw_os_error() == Some(libc::E2BIG) {
            let most = self.usage(0).map_or(0, |usage| usage.most);
            return TableError::Full { table, most };
        }
        TableError::Refused { table, source }
    }
}

/// Whether the kernel does not know such a call, or not for such a table.
fn is_unknown(error: &io::Error) -> bool {
    /// `ENOTSUPP`, which is the kernel's own.
    const NOT_SUPPORTED: i32 = 524;
    matches!(error.raw_os_error(), Some(libc::EINVAL | NOT_SUPPORTED))
}

fn io_error(error: MapError) -> io::Error {
    match error {
        MapError::SyscallError(error) => error.io_error,
        MapError::KeyNotFound => libc_error(libc::ENOENT),
        other => io::Error::other(other),
    }
}

fn libc_error(code: i32) -> io::Error {
    io::Error::from_raw_os_error(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// More than are read at once.
    const MANY: u32 = 20_000;

    fn table(most: u32, singly: bool) -> Table<u32, u32> {
        Table { name: "tests", map: HashMap::create(most, 1).unwrap(), singly }
    }

    fn sorted(table: &Table<u32, u32>) -> Vec<(u32, u32)> {
        let mut rows = table.rows().unwrap();
        rows.sort_unstable();
        rows
    }

    #[test]
    fn many_rows_are_written_read_and_removed_at_once_and_one_by_one() {
        for singly in [false, true] {
            let mut table = table(MANY, singly);
            let rows: Vec<(u32, u32)> = (0..MANY).map(|key| (key, key + 1)).collect();
            let answers = table.insert_all(&rows);
            assert!(answers.len() == rows.len() && answers.iter().all(Result::is_ok));
            assert_eq!(sorted(&table), rows);
            // Every other one is there.
            let gone: Vec<u32> = (0..MANY).map(|key| key * 2).collect();
            let answers = table.remove_all(&gone);
            assert!(answers.len() == gone.len() && answers.iter().all(Result::is_ok));
            assert_eq!(sorted(&table), rows.into_iter().skip(1).step_by(2).collect::<Vec<_>>());
        }
    }

    #[test]
    fn of_too_many_rows_those_are_refused_that_do_not_fit() {
        for singly in [false, true] {
            let mut table = table(3, singly);
            let answers = table.insert_all(&[(1, 1), (2, 2), (3, 3), (4, 4), (2, 5), (5, 5)]);
            let told: Vec<String> = answers
                .into_iter()
                .map(|answer| answer.map_or_else(|e| e.to_string(), |()| String::new()))
                .collect();
            let full = "the table of tests is full, with 3 rows";
            assert_eq!(told, ["", "", "", full, "", full]);
            assert_eq!(sorted(&table), [(1, 1), (2, 5), (3, 3)]);
            let usage = table.usage(3).unwrap();
            assert!((usage.rows, usage.most) == (3, 3) && usage.bytes > 0, "{usage:?}");
        }
    }
}
