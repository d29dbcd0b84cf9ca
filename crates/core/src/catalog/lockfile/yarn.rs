//! `yarn.lock`, version 1 (Yarn Classic) and later (YAML).
//!
//! Format: <https://classic.yarnpkg.com/lang/en/docs/yarn-lock/>; later
//! versions have the same blocks as YAML with a `__metadata` entry.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Lock;
use crate::catalog::yaml;
use crate::problem::{Problem, Source};

pub(super) fn lock(source: Source<'_>) -> Result<Lock, Problem> {
    if source
        .text
        .lines()
        .any(|line| line.starts_with("__metadata:"))
    {
        return berry(source);
    }
    classic(source)
}

/// What a block says so far.
#[derive(Default)]
struct Block {
    name: String,
    version: String,
    pin: String,
    needs: BTreeSet<String>,
}

fn classic(source: Source<'_>) -> Result<Lock, Problem> {
    let mut lock = Lock::default();
    let mut block = Block::default();
    let mut in_needs = false;
    let mut start = 0;
    for raw in source.text.split_inclusive('\n') {
        let span = start..start + raw.trim_end().len();
        start += raw.len();
        let line = raw.trim_end();
        let indent = line.len() - line.trim_start().len();
        let line = line.trim_start();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        match indent {
            0 => {
                finish(&mut lock, std::mem::take(&mut block));
                let first = line
                    .strip_suffix(':')
                    .and_then(|line| line.split(", ").next());
                let name = first.and_then(|range| name_of(range.trim_matches('"')));
                let Some(name) = name else {
                    return Err(source.at(span, "not a block of a yarn lockfile"));
                };
                name.clone_into(&mut block.name);
            }
            2 => {
                in_needs = line == "dependencies:" || line == "optionalDependencies:";
                let (key, value) = line.split_once(' ').unwrap_or((line, ""));
                let value = value.trim_matches('"');
                match key {
                    "version" => value.clone_into(&mut block.version),
                    "resolved" | "integrity" => {
                        block.pin.push_str(value);
                        block.pin.push(' ');
                    }
                    _ => {}
                }
            }
            _ if in_needs => {
                let name = match line.strip_prefix('"') {
                    Some(quoted) => quoted.split('"').next(),
                    None => line.split(' ').next(),
                };
                block.needs.extend(name.map(str::to_owned));
            }
            _ => {}
        }
    }
    finish(&mut lock, block);
    Ok(lock)
}

fn finish(lock: &mut Lock, block: Block) {
    if !block.name.is_empty() {
        lock.add(block.name, &block.version, block.pin, block.needs);
    }
}

/// The name in `name@range`; names of scoped packages begin with `@`.
fn name_of(range: &str) -> Option<&str> {
    let at = range.char_indices().skip(1).find(|(_, c)| *c == '@')?.0;
    range.get(..at)
}

fn berry(source: Source<'_>) -> Result<Lock, Problem> {
    let blocks: serde_json::Map<String, Value> = yaml::one(source)?;
    let mut lock = Lock::default();
    for (ranges, block) in &blocks {
        let first = ranges.split(", ").next().and_then(name_of);
        let Some(name) = first.filter(|_| ranges != "__metadata") else {
            continue;
        };
        let text = |key: &str| block.get(key).and_then(Value::as_str).unwrap_or_default();
        let needs = ["dependencies", "peerDependencies"]
            .into_iter()
            .filter_map(|key| block.get(key)?.as_object())
            .flat_map(|needs| needs.keys().cloned())
            .collect();
        let pin = format!("{} {}", text("resolution"), text("checksum"));
        if text("linkType") == "soft" {
            // A member: nothing of it is locked, but it leads on.
            lock.packages
                .entry(name.to_owned())
                .or_default()
                .needs
                .extend(needs);
        } else {
            lock.add(name.to_owned(), text("version"), pin, needs);
        }
    }
    Ok(lock)
}
