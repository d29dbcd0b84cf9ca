//! `go.sum` and `go.mod`.
//!
//! Format: <https://go.dev/ref/mod#go-sum-files>. Lines for `/go.mod` only are
//! left out: they pin what was looked at, not what is built.

use std::collections::BTreeSet;

use super::{Lock, Manifest};
use crate::problem::{Problem, Source};

pub(super) fn lock(source: Source<'_>) -> Result<Lock, Problem> {
    let mut lock = Lock::default();
    let mut start = 0;
    for line in source.text.split_inclusive('\n') {
        let span = start..start + line.trim_end().len();
        start += line.len();
        let mut words = line.split_whitespace();
        let Some(module) = words.next() else {
            continue;
        };
        let (Some(version), Some(hash), None) = (words.next(), words.next(), words.next()) else {
            let problem = source.at(span, "not a line of go.sum");
            return Err(problem.hint("expected `module version hash`"));
        };
        if !version.ends_with("/go.mod") {
            lock.add(module.to_owned(), version, hash.to_owned(), BTreeSet::new());
        }
    }
    Ok(lock)
}

/// The modules that a `go.mod` requires; since Go 1.17 indirect ones too.
pub(super) fn manifest(source: Source<'_>) -> Manifest {
    let mut needs = BTreeSet::new();
    let mut in_block = false;
    for line in source.text.lines() {
        let line = line.split("//").next().unwrap_or_default().trim();
        let required = match (line, in_block) {
            (")", _) => {
                in_block = false;
                continue;
            }
            (line, true) => Some(line),
            (line, false) if line.starts_with("require") && line.ends_with('(') => {
                in_block = true;
                continue;
            }
            (line, false) => line.strip_prefix("require "),
        };
        let module = required.and_then(|required| required.split_whitespace().next());
        needs.extend(module.map(str::to_owned));
    }
    Manifest { name: None, needs }
}
