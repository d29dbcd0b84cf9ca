//! The catalogue of markers, indexed for reading commits.
//!
//! The rows live in `data/markers.toml`; the build turns them into a static
//! table, and [`Catalogue::builtin`] indexes it once.

use std::collections::HashMap;
use std::sync::LazyLock;

use memchr::memmem::Finder;

mod row;

pub use row::{Kind, Row, RowClass, Values};

use countersign_core::involvement::Strength;

mod rows {
    use super::{Kind, Row, RowClass, Strength, Values};
    include!(concat!(env!("OUT_DIR"), "/markers.rs"));
}

/// The longest trailer key of the catalogue is shorter than this, in bytes.
pub(super) const KEY_MAX: usize = 40;

/// The catalogue, indexed by what is looked up.
#[derive(Debug)]
pub struct Catalogue {
    ids: HashMap<u64, &'static Row>,
    logins: HashMap<&'static str, &'static Row>,
    mailboxes: HashMap<&'static str, &'static Row>,
    keys: HashMap<&'static str, &'static Row>,
    /// For each last byte of a key, the lengths of the keys that end in it, as
    /// bits: most words before a colon are turned away without hashing.
    key_lengths: [u64; 256],
    /// Longest name first, so that `claude code` is tried before `claude`.
    agents: Vec<&'static Row>,
    name_suffixes: Vec<&'static Row>,
    footers: Vec<&'static Row>,
    urls: Vec<&'static Row>,
    subjects: Vec<&'static Row>,
    branches: Vec<&'static Row>,
    configs: Vec<&'static Row>,
    tools: Vec<&'static str>,
    footer_words: [Finder<'static>; 2],
}

static BUILTIN: LazyLock<Catalogue> = LazyLock::new(|| Catalogue::new(rows::ROWS));

impl Catalogue {
    /// The catalogue that comes with the program, indexed on first use.
    #[must_use]
    pub fn builtin() -> &'static Self {
        &BUILTIN
    }

    fn new(rows: &'static [Row]) -> Self {
        let of = |kind| rows.iter().filter(move |row| row.kind == kind);
        // Collected first so that each table is made in its final size.
        let table = |kinds: &[Kind]| {
            let all = rows.iter().filter(|row| kinds.contains(&row.kind));
            let pairs: Vec<_> = all.map(|row| (row.value, row)).collect();
            pairs.into_iter().collect::<HashMap<_, _>>()
        };
        let mut agents: Vec<_> = of(Kind::Agent).collect();
        agents.sort_by_key(|row| std::cmp::Reverse(row.value.len()));
        let mut key_lengths = [0_u64; 256];
        for row in of(Kind::Key).chain(of(Kind::IdentityKey)) {
            let last = row.value.as_bytes().last().copied().unwrap_or_default();
            if let Some(lengths) = key_lengths.get_mut(usize::from(last)) {
                *lengths |= 1 << row.value.len().min(63);
            }
        }
        let mut tools: Vec<_> = rows
            .iter()
            .filter(|row| row.class == RowClass::Agent && !row.tool.is_empty())
            .map(|row| row.tool)
            .collect();
        tools.sort_unstable();
        tools.dedup();
        Self {
            ids: of(Kind::GithubId)
                .filter_map(|row| Some((row.value.parse().ok()?, row)))
                .collect(),
            logins: table(&[Kind::Login]),
            mailboxes: table(&[Kind::Mailbox]),
            keys: table(&[Kind::Key, Kind::IdentityKey]),
            key_lengths,
            agents,
            name_suffixes: of(Kind::NameSuffix).collect(),
            footers: of(Kind::Footer).collect(),
            urls: of(Kind::Url).collect(),
            subjects: of(Kind::Subject).collect(),
            branches: of(Kind::Branch).collect(),
            configs: of(Kind::Config).collect(),
            tools,
            // Parts of the words that every footer row has, whatever the case
            // of their first letter. Prepared once: it costs more than a search.
            footer_words: [Finder::new("enerated "), Finder::new("ade with ")],
        }
    }

    /// Every row, in the order of the data file.
    #[must_use]
    pub fn rows(&self) -> &'static [Row] {
        rows::ROWS
    }

    /// The identifiers of all AI tools, sorted.
    #[must_use]
    pub fn tools(&self) -> &[&'static str] {
        &self.tools
    }

    pub(super) fn by_id(&self, id: u64) -> Option<&'static Row> {
        self.ids.get(&id).copied()
    }

    pub(super) fn by_login(&self, lower: &str) -> Option<&'static Row> {
        self.logins.get(lower).copied()
    }

    pub(super) fn by_mailbox(&self, lower: &str) -> Option<&'static Row> {
        self.mailboxes.get(lower).copied()
    }

    /// The row of a trailer key, whatever its case.
    pub(super) fn by_key(&self, key: &[u8]) -> Option<&'static Row> {
        let last = key.last()?.to_ascii_lowercase();
        let lengths = self.key_lengths.get(usize::from(last))?;
        if key.len() > KEY_MAX || lengths & (1 << key.len()) == 0 {
            return None;
        }
        let mut lower = [0_u8; KEY_MAX];
        let lower = lower.get_mut(..key.len())?;
        lower.copy_from_slice(key);
        lower.make_ascii_lowercase();
        self.keys.get(std::str::from_utf8(lower).ok()?).copied()
    }

    pub(super) fn agents(&self) -> &[&'static Row] {
        &self.agents
    }

    pub(super) fn name_suffixes(&self) -> &[&'static Row] {
        &self.name_suffixes
    }

    pub(super) fn footers(&self) -> &[&'static Row] {
        &self.footers
    }

    /// Searches for the words of which every footer has one, from its second
    /// letter on.
    pub(super) fn footer_words(&self) -> &[Finder<'static>; 2] {
        &self.footer_words
    }

    pub(super) fn urls(&self) -> &[&'static Row] {
        &self.urls
    }

    pub(super) fn subjects(&self) -> &[&'static Row] {
        &self.subjects
    }

    pub(super) fn branches(&self) -> &[&'static Row] {
        &self.branches
    }

    pub(super) fn configs(&self) -> &[&'static Row] {
        &self.configs
    }
}

/// The rows with their examples and near misses, for the tests.
#[cfg(test)]
pub(super) fn examples()
-> impl Iterator<Item = (&'static Row, &'static str, &'static [&'static str])> {
    std::iter::zip(rows::ROWS, rows::EXAMPLES).map(|(row, (example, near))| (row, *example, *near))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_marker_is_listed_twice_and_keys_fit() {
        let mut seen = std::collections::HashSet::new();
        for row in rows::ROWS {
            assert!(seen.insert((row.kind, row.value)), "{}", row.value);
            if matches!(row.kind, Kind::Key | Kind::IdentityKey) {
                assert!(row.value.len() < KEY_MAX, "{}", row.value);
            }
        }
        assert!(rows::ROWS.len() > 200);
    }

    #[test]
    fn every_agent_row_has_a_near_miss_or_is_an_exclusion() {
        for (row, example, near) in examples() {
            assert!(!example.is_empty() && !row.source.is_empty());
            if row.class == RowClass::Agent {
                assert!(!near.is_empty(), "{} needs a near miss", row.value);
            }
        }
    }

    #[test]
    fn every_footer_has_a_word_that_is_searched_for() {
        let catalogue = Catalogue::builtin();
        for row in catalogue.footers() {
            let found = |words: &Finder<'_>| words.find(row.value.as_bytes()).is_some();
            assert!(catalogue.footer_words().iter().any(found), "{}", row.value);
        }
    }

    #[test]
    fn keys_are_found_in_any_case() {
        let catalogue = Catalogue::builtin();
        for key in ["Co-authored-by", "CO-AUTHORED-BY", "co-Authored-By"] {
            assert!(catalogue.by_key(key.as_bytes()).is_some());
        }
        assert!(catalogue.by_key(b"Fixes").is_none());
        assert!(catalogue.by_key(b"").is_none());
        assert!(catalogue.by_key(&[b'y'; 500]).is_none());
    }
}
