//! The envelopes of a long chain in one file, `countersign/envelopes` in the git
//! directory: reading ten thousand small objects takes git half a second.
//!
//! Nothing in it is trusted. A record counts only where its bytes have the very
//! name that git gives to a tree with that one file in it, so whatever else is
//! written into the file is as if it were not there. Signatures are proven later,
//! whether an envelope came from here or from git.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::ops::Range;
use std::path::PathBuf;

use gix_hash::Kind;

use super::FILE;
use super::read::MAX_TOTAL;
use crate::{GitError, Oid, Repo};

/// How the file begins.
const MAGIC: &[u8] = b"countersign envelopes 1\n";

/// Fewer envelopes than this are as quickly read from git.
pub(super) const WORTH: usize = 256;

/// The longest first line of a record: a name, a length.
const MAX_LINE: usize = 96;

/// What the file holds.
#[derive(Debug, Default)]
pub(super) struct Cache {
    bytes: Vec<u8>,
    places: HashMap<Oid, Range<usize>>,
}

impl Cache {
    /// Reads the file. What cannot be read is an empty one.
    pub(super) fn open(repo: &Repo) -> Self {
        let mut bytes = Vec::new();
        let read = path(repo).ok().and_then(|path| {
            let file = File::open(path).ok()?;
            // Each record has a line beside its envelope.
            let most = 2 * MAX_TOTAL as u64;
            file.take(most).read_to_end(&mut bytes).ok()
        });
        match read {
            Some(_) => Self::parse(bytes),
            None => Self::default(),
        }
    }

    fn parse(bytes: Vec<u8>) -> Self {
        let mut places = HashMap::new();
        let mut at = MAGIC.len();
        while bytes.starts_with(MAGIC)
            && let Some((tree, range)) = record(&bytes, at)
        {
            at = range.end;
            places.insert(tree, range);
        }
        Self { bytes, places }
    }

    /// The envelope in a tree, proven to be it.
    pub(super) fn get(&self, tree: &Oid) -> Option<&[u8]> {
        let bytes = self.bytes.get(self.places.get(tree)?.clone())?;
        is_in(bytes, tree).then_some(bytes)
    }
}

/// One record: a line `TREE LENGTH`, then so many bytes.
fn record(bytes: &[u8], at: usize) -> Option<(Oid, Range<usize>)> {
    let rest = bytes.get(at..)?;
    let length = rest.iter().take(MAX_LINE).position(|it| *it == b'\n')?;
    let line = std::str::from_utf8(rest.get(..length)?).ok()?;
    let (tree, size) = line.split_once(' ')?;
    let begin = at + length + 1;
    let end = begin.checked_add(size.parse().ok()?)?;
    bytes.get(begin..end)?;
    Some((Oid::new(tree)?, begin..end))
}

/// Whether a tree holds these bytes as its envelope, and nothing else.
fn is_in(bytes: &[u8], tree: &Oid) -> bool {
    let kind = match tree.as_str().len() {
        64 => Kind::Sha256,
        _ => Kind::Sha1,
    };
    let name = |what: &str, body: &[u8]| {
        let mut hasher = gix_hash::hasher(kind);
        hasher.update(format!("{what} {}\0", body.len()).as_bytes());
        hasher.update(body);
        hasher.try_finalize().ok()
    };
    let Some(blob) = name("blob", bytes) else {
        return false;
    };
    let mut entry = format!("100644 {FILE}\0").into_bytes();
    entry.extend(blob.as_slice());
    name("tree", &entry).is_some_and(|found| Oid::from(found) == *tree)
}

/// Keeps envelopes for the next time. Where that fails, as in a repository that
/// is only read, the next time takes as long.
pub(super) fn keep<'a>(repo: &Repo, envelopes: impl Iterator<Item = (&'a Oid, &'a [u8])>) {
    let _ = write(repo, envelopes);
}

fn write<'a>(
    repo: &Repo,
    envelopes: impl Iterator<Item = (&'a Oid, &'a [u8])>,
) -> Result<(), GitError> {
    let path = path(repo)?;
    let dir = path.parent().unwrap_or(&path);
    std::fs::create_dir_all(dir)?;
    let mut file = tempfile::NamedTempFile::new_in(dir)?;
    let mut out = BufWriter::new(file.as_file_mut());
    out.write_all(MAGIC)?;
    for (tree, bytes) in envelopes.filter(|(tree, bytes)| is_in(bytes, tree)) {
        writeln!(out, "{tree} {}", bytes.len())?;
        out.write_all(bytes)?;
    }
    out.flush()?;
    drop(out);
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

fn path(repo: &Repo) -> Result<PathBuf, GitError> {
    Ok(repo.common_dir()?.join("countersign").join("envelopes"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// As `git mktree` names a tree with `{}` as its envelope.
    const EMPTY_JSON: &str = "74646084fd94e39dbb217f237348df3f66ab9fe9";

    proptest! {
        #[test]
        fn whatever_is_in_the_file_is_no_reason_to_fail(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut whole = MAGIC.to_vec();
            whole.extend(&bytes);
            let tree = Oid::new(EMPTY_JSON).unwrap();
            prop_assert!(Cache::parse(whole).get(&tree).is_none());
            prop_assert!(Cache::parse(bytes).get(&tree).is_none());
        }

        #[test]
        fn a_length_that_lies_leads_nowhere(length in prop_oneof![0_u64..4, any::<u64>()]) {
            let text = format!("{EMPTY_JSON} {length}\n{{}}");
            let whole = [MAGIC, text.as_bytes()].concat();
            let found = Cache::parse(whole);
            prop_assert_eq!(found.places.len(), usize::from(length <= 2));
            let tree = Oid::new(EMPTY_JSON).unwrap();
            prop_assert_eq!(found.get(&tree).is_some(), length == 2);
        }
    }
}
