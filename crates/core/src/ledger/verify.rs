//! Checking a chain, entry by entry.

use std::collections::BTreeMap;
use std::fmt;

use super::entry::Entry;
use crate::signoff::Digest;

/// The end of a ledger: how many entries, and the hash of the last. Whoever
/// keeps one elsewhere notices when the ledger is cut off or written anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The number of entries.
    pub seq: u64,
    /// The hash of the last one.
    pub hash: Digest,
}

impl Head {
    /// The head of a ledger without entries.
    pub const EMPTY: Self = Self {
        seq: 0,
        hash: Entry::GENESIS,
    };
}

/// Why a text is not a head.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a head: a number, a colon, and 64 hexadecimal digits")]
pub struct HeadError(String);

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.seq, self.hash)
    }
}

impl std::str::FromStr for Head {
    type Err = HeadError;

    fn from_str(text: &str) -> Result<Self, HeadError> {
        let parts = text.trim().split_once(':');
        let read = parts.and_then(|(seq, hash)| {
            let seq = seq.parse().ok()?;
            let hash = hash.parse().ok()?;
            Some(Self { seq, hash })
        });
        read.ok_or_else(|| HeadError(text.chars().take(90).collect()))
    }
}

/// What is wrong with a ledger, and at which entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A number is missing, twice, or out of order.
    #[error("entry {wanted} is expected here, entry {found} was found")]
    Order {
        /// The number that follows.
        wanted: u64,
        /// The number there.
        found: u64,
    },
    /// The content is not what was hashed.
    #[error("entry {0} was changed: its hash does not fit its content")]
    Changed(u64),
    /// It was made after something else.
    #[error("entry {0} does not follow the entry before it")]
    Broken(u64),
    /// It was recorded before its predecessor.
    #[error("entry {0} claims to be recorded before the entry before it")]
    Time(u64),
    /// The ledger ends before a head that is known.
    #[error("the ledger was cut off: it ends at entry {last}, and had {known}")]
    CutOff {
        /// The last entry.
        last: u64,
        /// The entry of the known head.
        known: u64,
    },
    /// The ledger is not the one that the head was of.
    #[error("the ledger was written anew: entry {0} is not the one of the known head")]
    Rewritten(u64),
    /// The ledger begins after a head that is known.
    #[error("entry {known} of a known head is not in this part, which begins at entry {first}")]
    NotCovered {
        /// The first entry here.
        first: u64,
        /// The entry of the known head.
        known: u64,
    },
}

/// Checks a chain in constant memory.
#[derive(Debug, Default)]
pub struct Verifier {
    is_part: bool,
    known: BTreeMap<u64, Vec<Digest>>,
    first: Option<(u64, Digest)>,
    last: Option<(Head, i64)>,
    kinds: BTreeMap<String, u64>,
}

/// What was found by a [`Verifier`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The end.
    pub head: Head,
    /// The number of the first entry; more than 1 for the later part of a ledger.
    pub first: u64,
    /// What that part follows.
    pub prev: Digest,
    /// The number of entries of each kind.
    pub kinds: BTreeMap<String, u64>,
}

impl Verifier {
    /// Also insists on these heads.
    #[must_use]
    pub fn knowing(heads: &[Head]) -> Self {
        Self::new(heads, false)
    }

    /// For the later part of a ledger, which may begin with any entry. What came
    /// before is proven only where a known head is just before it.
    #[must_use]
    pub fn part(heads: &[Head]) -> Self {
        Self::new(heads, true)
    }

    fn new(heads: &[Head], is_part: bool) -> Self {
        let mut known: BTreeMap<u64, Vec<Digest>> = BTreeMap::new();
        for head in heads {
            known.entry(head.seq).or_default().push(head.hash);
        }
        Self {
            is_part,
            known,
            ..Self::default()
        }
    }

    /// Checks the next entry. After a fault the check goes on from what the
    /// entry states, so that one change gives one fault, not one per entry.
    ///
    /// # Errors
    /// The worst that is wrong with the entry.
    pub fn push(&mut self, entry: &Entry) -> Result<(), Fault> {
        let seq = entry.seq;
        let mut fault = None;
        let mut note = |found: Fault| {
            fault.get_or_insert(found);
        };
        if entry.computed_hash() != entry.hash {
            note(Fault::Changed(seq));
        }
        match &self.last {
            Some((last, recorded_at)) => {
                let wanted = last.seq.saturating_add(1);
                if seq != wanted {
                    let found = seq;
                    note(Fault::Order { wanted, found });
                } else if entry.prev != last.hash {
                    note(Fault::Broken(seq));
                }
                if entry.recorded_at < *recorded_at {
                    note(Fault::Time(seq));
                }
            }
            None if seq == 0 || (seq != 1 && !self.is_part) => note(Fault::Order {
                wanted: 1,
                found: seq,
            }),
            None if seq == 1 && entry.prev != Entry::GENESIS => note(Fault::Broken(1)),
            None => {}
        }
        let known = self.known.get(&seq);
        if known.is_some_and(|known| known.iter().any(|hash| *hash != entry.hash)) {
            note(Fault::Rewritten(seq));
        }
        self.first.get_or_insert((seq, entry.prev));
        let hash = entry.hash;
        self.last = Some((Head { seq, hash }, entry.recorded_at));
        match self.kinds.get_mut(entry.record.kind()) {
            Some(count) => *count += 1,
            None => {
                self.kinds.insert(entry.record.kind().to_owned(), 1);
            }
        }
        fault.map_or(Ok(()), Err)
    }

    /// The end of the ledger; what is wrong with it against the known heads.
    #[must_use]
    pub fn finish(self) -> (Verified, Vec<Fault>) {
        let head = self.last.map_or(Head::EMPTY, |(head, _)| head);
        let (first, prev) = self.first.unwrap_or((1, Entry::GENESIS));
        let mut faults = Vec::new();
        for (&known, hashes) in &self.known {
            if known > head.seq {
                let last = head.seq;
                faults.push(Fault::CutOff { last, known });
            } else if known == 0 {
                if hashes.iter().any(|hash| *hash != Entry::GENESIS) {
                    faults.push(Fault::Rewritten(0));
                }
            } else if known + 1 == first {
                // What this part follows is the head itself.
                if hashes.iter().any(|hash| *hash != prev) {
                    faults.push(Fault::Rewritten(known));
                }
            } else if known < first {
                faults.push(Fault::NotCovered { first, known });
            }
        }
        let kinds = self.kinds;
        let verified = Verified {
            head,
            first,
            prev,
            kinds,
        };
        (verified, faults)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::ledger::Record;

    fn chain(length: u64) -> Vec<Entry> {
        let mut prev = Entry::GENESIS;
        let entries = (1..=length).map(|seq| {
            let body = json!({ "n": seq });
            let record = Record::new("change", format!("c{seq}"), 5, &body).unwrap();
            let recorded_at = 1000 + i64::try_from(seq).unwrap();
            let entry = Entry::after(prev, seq, recorded_at, "ci".to_owned(), record);
            prev = entry.hash;
            entry
        });
        entries.collect()
    }

    fn faults(entries: &[Entry], heads: &[Head]) -> Vec<Fault> {
        faults_of(Verifier::knowing(heads), entries)
    }

    fn faults_of(mut verifier: Verifier, entries: &[Entry]) -> Vec<Fault> {
        let mut faults: Vec<Fault> = entries
            .iter()
            .filter_map(|entry| verifier.push(entry).err())
            .collect();
        faults.extend(verifier.finish().1);
        faults
    }

    fn head(entry: &Entry) -> Head {
        Head {
            seq: entry.seq,
            hash: entry.hash,
        }
    }

    /// The same chain with entry `seq` rewritten and everything after it rehashed.
    fn rewritten(entries: &[Entry], seq: u64) -> Vec<Entry> {
        let mut prev = Entry::GENESIS;
        let made = entries.iter().map(|entry| {
            let mut entry = entry.clone();
            if entry.seq == seq {
                entry.recorded_by = "someone else".to_owned();
            }
            entry.prev = prev;
            entry.hash = entry.computed_hash();
            prev = entry.hash;
            entry
        });
        made.collect()
    }

    #[test]
    fn a_whole_chain_and_its_parts_are_fine() {
        let entries = chain(9);
        let heads: Vec<Head> = entries.iter().map(head).chain([Head::EMPTY]).collect();
        assert_eq!(faults(&entries, &heads), []);
        let part = |heads: &[Head]| faults_of(Verifier::part(heads), &entries[4..]);
        assert_eq!(part(&heads[3..9]), []);
        assert_eq!(
            part(&heads[1..2]),
            [Fault::NotCovered { first: 5, known: 2 }]
        );
        let other = Head { seq: 4, ..heads[2] };
        assert_eq!(part(&[other]), [Fault::Rewritten(4)]);
        assert_eq!(
            faults(&entries[4..], &[]),
            [Fault::Order {
                wanted: 1,
                found: 5
            }]
        );
        assert_eq!(faults(&[], &[Head::EMPTY]), []);
        let text = heads[8].to_string();
        assert_eq!(text.parse(), Ok(heads[8]));
        for text in ["", "9", "9:ab", "-1:00", ":"] {
            assert!(text.parse::<Head>().is_err());
        }
    }

    #[test]
    fn each_way_to_tamper_is_found() {
        let entries = chain(6);
        let seal = [head(&entries[5])];

        let mut changed = entries.clone();
        changed[2].recorded_by = "someone else".to_owned();
        assert_eq!(faults(&changed, &[]), [Fault::Changed(3)]);

        changed[2].hash = changed[2].computed_hash();
        assert_eq!(faults(&changed, &[]), [Fault::Broken(4)]);

        let mut dropped = entries.clone();
        dropped.remove(2);
        assert_eq!(
            faults(&dropped, &[]),
            [Fault::Order {
                wanted: 3,
                found: 4
            }]
        );

        let mut twice = entries.clone();
        twice.insert(2, entries[1].clone());
        assert_eq!(
            faults(&twice, &[])[0],
            Fault::Order {
                wanted: 3,
                found: 2
            }
        );

        let mut moved = entries.clone();
        moved.swap(1, 2);
        assert!(!faults(&moved, &[]).is_empty());

        // Only a head kept elsewhere finds these.
        let cut = &entries[..4];
        assert_eq!(faults(cut, &[]), []);
        assert_eq!(faults(cut, &seal), [Fault::CutOff { last: 4, known: 6 }]);
        let anew = rewritten(&entries, 2);
        assert_eq!(faults(&anew, &[]), []);
        assert_eq!(faults(&anew, &seal), [Fault::Rewritten(6)]);
    }

    #[test]
    fn time_does_not_run_backwards() {
        let mut entries = chain(3);
        entries[2].recorded_at = 0;
        entries[2].hash = entries[2].computed_hash();
        assert_eq!(faults(&entries, &[]), [Fault::Time(3)]);
    }

    proptest! {
        /// Whatever is done to one entry, or to the order, a sealed ledger shows it.
        #[test]
        fn a_sealed_ledger_shows_every_change(
            length in 1_u64..12,
            place in any::<prop::sample::Index>(),
            what in 0..7,
        ) {
            let entries = chain(length);
            let seal = [head(entries.last().unwrap())];
            let mut other = entries.clone();
            let index = place.index(other.len());
            match what {
                0 => other[index].recorded_at += 1,
                1 => other[index].recorded_by.push('x'),
                2 => { other.remove(index); }
                3 => other = rewritten(&entries, index as u64 + 1),
                4 => other.truncate(index),
                5 => {
                    let record = Record::new("change", "c", 5, &json!({})).unwrap();
                    other[index].record = record;
                }
                _ => other[index].prev = Digest::of(b"x"),
            }
            prop_assert!(!faults(&other, &seal).is_empty());
        }
    }
}
