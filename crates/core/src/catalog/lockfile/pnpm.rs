//! `pnpm-lock.yaml`, lockfile versions 5 to 9.
//!
//! Format: <https://github.com/pnpm/spec/tree/master/lockfile>.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{Lock, Member};
use crate::catalog::yaml;
use crate::problem::{Problem, Source};

const NEEDS: [&str; 3] = ["dependencies", "devDependencies", "optionalDependencies"];

pub(super) fn lock(source: Source<'_>) -> Result<Lock, Problem> {
    let raw: Map<String, Value> = yaml::one(source)?;
    let mut lock = Lock::default();
    let importers = raw.get("importers").and_then(Value::as_object);
    match importers {
        Some(importers) => {
            for (folder, importer) in importers {
                let folder = folder.trim_start_matches("./");
                let folder = if folder == "." { "" } else { folder };
                let needs = needs(importer, &NEEDS);
                let at = super::join(folder, "package.json");
                lock.members.insert(at, Member { needs });
            }
        }
        None => {
            let whole = Value::Object(raw.clone());
            let needs = needs(&whole, &NEEDS);
            lock.members
                .insert("package.json".to_owned(), Member { needs });
        }
    }
    // Version 9 keeps what pins a package apart from what it needs.
    for section in ["packages", "snapshots"] {
        let packages = raw.get(section).and_then(Value::as_object);
        for (key, package) in packages.into_iter().flatten() {
            let Some((name, version)) = name_and_version(key) else {
                continue;
            };
            let needs = needs(package, &["dependencies", "optionalDependencies"]);
            if section == "snapshots" {
                lock.packages
                    .entry(name.to_owned())
                    .or_default()
                    .needs
                    .extend(needs);
            } else {
                let pin = package.get("resolution").map(Value::to_string);
                lock.add(name.to_owned(), version, pin.unwrap_or_default(), needs);
            }
        }
    }
    Ok(lock)
}

fn needs(value: &Value, keys: &[&str]) -> BTreeSet<String> {
    let sections = keys.iter().filter_map(|key| value.get(key)?.as_object());
    sections
        .flat_map(|section| section.keys().cloned())
        .collect()
}

/// `name@1.0.0(peers)`, `/name@1.0.0` or, before version 6, `/name/1.0.0_peers`.
fn name_and_version(key: &str) -> Option<(&str, &str)> {
    let key = key.split('(').next()?;
    let old = key.starts_with('/');
    let key = key.trim_start_matches('/');
    let at = key.char_indices().skip(1).find(|(_, c)| *c == '@');
    match at {
        Some((at, _)) => Some((key.get(..at)?, key.get(at + 1..)?)),
        None if old => key.rsplit_once('/'),
        None => None,
    }
}
