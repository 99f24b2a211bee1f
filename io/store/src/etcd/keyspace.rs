//! Which keys in etcd are ours, and which of etcd's revisions is which of ours.

use weft_registry::Revision;

/// The keys of one cluster. Its entries are `PREFIX:KEY`; what is beside them, `PREFIX!WORD`. A prefix
/// holds neither `:` nor `!`, so no cluster's keys are ever taken for another's.
#[derive(Clone, Debug)]
pub(super) struct Keyspace {
    prefix: String,
}

impl Keyspace {
    pub(super) fn new(prefix: &str) -> Self {
        Self { prefix: prefix.to_owned() }
    }

    /// The key of an entry; or what the keys of some entries begin with.
    pub(super) fn entry(&self, key: &str) -> Vec<u8> {
        format!("{}:{key}", self.prefix).into_bytes()
    }

    /// The first key after all that begin with `key`.
    pub(super) fn end(&self, key: &str) -> Vec<u8> {
        let mut end = self.entry(key);
        // No byte of UTF-8 is the greatest one.
        if let Some(last) = end.last_mut() {
            *last = last.saturating_add(1);
        }
        end
    }

    /// The key of an entry as its store knows it.
    pub(super) fn name(&self, key: &[u8]) -> Option<String> {
        let key = std::str::from_utf8(key).ok()?;
        Some(key.strip_prefix(&self.prefix)?.strip_prefix(':')?.to_owned())
    }

    /// Holds a [`super::founding::Founding`].
    pub(super) fn founded(&self) -> Vec<u8> {
        format!("{}!founded", self.prefix).into_bytes()
    }

    /// Put by every commit that changes anything: when it was put is this store's revision. Etcd's
    /// own counts what others do, too.
    pub(super) fn mark(&self) -> Vec<u8> {
        format!("{}!last", self.prefix).into_bytes()
    }
}

/// Etcd's revisions begin before the store did: ours are theirs, moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Scale {
    /// Etcd's revision at the founding.
    pub(super) founded: i64,
    /// What it is called here.
    pub(super) first: Revision,
}

impl Scale {
    pub(super) fn ours(self, etcd: i64) -> Revision {
        let since = etcd.saturating_sub(self.founded);
        self.first.saturating_add_signed(since)
    }

    pub(super) fn etcds(self, ours: Revision) -> i64 {
        let since = i128::from(ours) - i128::from(self.first);
        i64::try_from(i128::from(self.founded) + since).unwrap_or(i64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn revisions_are_moved_there_and_back() {
        for (founded, first) in [(2, 0), (900, 0), (900, 4_000), (2, 77)] {
            let scale = Scale { founded, first };
            assert_eq!(scale.ours(founded), first);
            assert_eq!(scale.ours(founded + 5), first + 5);
            assert_eq!(scale.etcds(first + 5), founded + 5);
        }
        let moved = Scale { founded: 900, first: 100 };
        assert_eq!(moved.ours(890), 90, "what was brought along is older");
    }

    #[test]
    fn no_key_of_a_cluster_is_one_of_another() {
        let (one, other) = (Keyspace::new("/weft"), Keyspace::new("/weft/2"));
        let within = |space: &Keyspace, key: &[u8]| {
            key >= space.entry("").as_slice() && key < space.end("").as_slice()
        };
        assert!(within(&one, &one.entry("/nodes/1")));
        for foreign in [other.entry("/nodes/1"), other.founded(), one.founded(), one.mark()] {
            assert!(!within(&one, &foreign));
        }
        assert_eq!(one.name(&one.entry("/a")), Some("/a".into()));
        assert_eq!(one.name(&other.entry("/a")), None);
    }
}
