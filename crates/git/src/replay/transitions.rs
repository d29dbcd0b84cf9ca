//! What a change does to a tree, with a SHA-256 for every content.

use std::collections::{BTreeMap, BTreeSet};

use countersign_core::signoff::carry::NeverCarried;
use countersign_core::signoff::content::{Blob, Transition};
use countersign_core::signoff::{Digest, Hasher};

use crate::repo::{FIRST_PIECE, path_text};
use crate::{GitError, Oid, Repo};

const SUBMODULE: u32 = 0o160_000;

/// How a file kept by git LFS begins (`git-lfs/git-lfs`, `docs/spec.md`).
const LFS: &[u8] = b"version https://git-lfs.github.com/spec/v1";
const _: () = assert!(LFS.len() <= FIRST_PIECE);

/// The difference of two trees.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Difference {
    pub(super) transitions: Vec<Transition>,
    pub(super) never_carried: Vec<(String, NeverCarried)>,
}

impl Difference {
    pub(super) fn paths(&self) -> Vec<String> {
        let paths = self.transitions.iter();
        paths.map(|it| path_text(&it.path)).collect()
    }
}

/// One record of a raw diff.
#[derive(Debug, Clone)]
struct Raw {
    modes: [u32; 2],
    ids: [Oid; 2],
    path: Vec<u8>,
}

/// The differences of many pairs of trees, in order, through two processes.
pub(super) fn differences(repo: &Repo, pairs: &[(Oid, Oid)]) -> Result<Vec<Difference>, GitError> {
    let raw = raw_diffs(repo, pairs)?;
    let wanted: BTreeSet<&Oid> = raw
        .values()
        .flatten()
        .flat_map(|it| it.ids.iter().zip(it.modes))
        .filter(|(_, mode)| !matches!(*mode, 0 | SUBMODULE))
        .map(|(id, _)| id)
        .collect();
    let wanted: Vec<&Oid> = wanted.into_iter().collect();
    let names: Vec<&str> = wanted.iter().map(|id| id.as_str()).collect();
    let mut blobs: BTreeMap<&Oid, (Digest, bool)> = BTreeMap::new();
    let mut missing = None;
    // A file may be larger than memory, so none is held whole.
    repo.each_content(&names, |at, content| {
        let Some(id) = wanted.get(at) else {
            return Ok(());
        };
        let Some(content) = content.filter(|it| it.kind == "blob") else {
            missing = Some((*id).clone());
            return Ok(());
        };
        let (mut hasher, mut is_lfs) = (Hasher::default(), None);
        content.pieces(|piece| {
            is_lfs.get_or_insert(piece.starts_with(LFS));
            hasher.update(piece);
        })?;
        blobs.insert(id, (hasher.finish(), is_lfs.unwrap_or(false)));
        Ok(())
    })?;
    if let Some(id) = missing {
        return Err(GitError::Unexpected {
            command: "cat-file".into(),
            detail: format!("the file `{}` is not here", id.short()),
        });
    }
    let empty = Vec::new();
    Ok(pairs
        .iter()
        .map(|pair| difference(raw.get(pair).unwrap_or(&empty), &blobs))
        .collect())
}

fn difference(raw: &[Raw], blobs: &BTreeMap<&Oid, (Digest, bool)>) -> Difference {
    let mut found = Difference::default();
    for record in raw {
        let blob = |side: usize| {
            let (mode, id) = (record.modes.get(side)?, record.ids.get(side)?);
            let sha256 = match *mode {
                0 => return None,
                SUBMODULE => Digest::of(id.as_str().as_bytes()),
                _ => blobs.get(id)?.0,
            };
            Some(Blob {
                mode: *mode,
                sha256,
            })
        };
        let is_lfs = record
            .ids
            .iter()
            .any(|id| blobs.get(id).is_some_and(|it| it.1));
        let name = record.path.rsplit(|byte| *byte == b'/').next();
        let kind = if record.modes.contains(&SUBMODULE) {
            Some(NeverCarried::Submodule)
        } else if name == Some(b".gitattributes") {
            Some(NeverCarried::Attributes)
        } else {
            is_lfs.then_some(NeverCarried::LfsPointer)
        };
        if let Some(kind) = kind {
            found.never_carried.push((path_text(&record.path), kind));
        }
        found.transitions.push(Transition {
            path: record.path.clone(),
            before: blob(0),
            after: blob(1),
        });
    }
    found
}

fn raw_diffs(
    repo: &Repo,
    pairs: &[(Oid, Oid)],
) -> Result<BTreeMap<(Oid, Oid), Vec<Raw>>, GitError> {
    let input: String = pairs.iter().map(|(a, b)| format!("{a} {b}\n")).collect();
    if input.is_empty() {
        return Ok(BTreeMap::new());
    }
    let args = [
        "diff-tree",
        "--stdin",
        "-r",
        "-z",
        "--raw",
        "--no-renames",
        "--no-abbrev",
        "--no-ext-diff",
        "--no-textconv",
    ];
    let text = repo.git.output_with(&args, input.as_bytes())?;
    parse(&text).ok_or_else(|| GitError::Unexpected {
        command: "diff-tree".into(),
        detail: "a record is incomplete".into(),
    })
}

/// Reads `TREE TREE\n` headers, each followed by `:META\0PATH\0` records.
fn parse(mut rest: &[u8]) -> Option<BTreeMap<(Oid, Oid), Vec<Raw>>> {
    let mut found: BTreeMap<(Oid, Oid), Vec<Raw>> = BTreeMap::new();
    let mut pair = None;
    while let Some(first) = rest.first() {
        if *first == b':' {
            let (meta, after) = cut(rest, 0)?;
            let (path, after) = cut(after, 0)?;
            rest = after;
            let record = parse_raw(std::str::from_utf8(meta).ok()?, path)?;
            found.get_mut(pair.as_ref()?)?.push(record);
        } else {
            let (header, after) = cut(rest, b'\n')?;
            rest = after;
            let (a, b) = std::str::from_utf8(header).ok()?.split_once(' ')?;
            let key = (Oid::new(a)?, Oid::new(b)?);
            // The same pair twice gives the same records; keep one set.
            found.insert(key.clone(), Vec::new());
            pair = Some(key);
        }
    }
    Some(found)
}

fn cut(text: &[u8], end: u8) -> Option<(&[u8], &[u8])> {
    let place = text.iter().position(|byte| *byte == end)?;
    Some((text.get(..place)?, text.get(place + 1..)?))
}

fn parse_raw(meta: &str, path: &[u8]) -> Option<Raw> {
    let mut words = meta.strip_prefix(':')?.split(' ');
    let mut mode = || u32::from_str_radix(words.next()?, 8).ok();
    let modes = [mode()?, mode()?];
    let ids = [Oid::new(words.next()?)?, Oid::new(words.next()?)?];
    Some(Raw {
        modes,
        ids,
        path: path.to_owned(),
    })
}
