//! `package-lock.json`, lockfile versions 1 to 3, and `package.json`.
//!
//! Format: <https://docs.npmjs.com/cli/v11/configuring-npm/package-lock-json>.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;

use super::{Lock, Manifest, Member};
use crate::problem::{Problem, Source};

#[derive(Deserialize)]
struct RawLock {
    #[serde(default)]
    packages: BTreeMap<String, RawPackage>,
    #[serde(default)]
    dependencies: BTreeMap<String, RawDependency>,
}

type Needs = BTreeMap<String, Value>;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawPackage {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    version: String,
    #[serde(default)]
    resolved: Value,
    #[serde(default)]
    integrity: String,
    #[serde(default)]
    link: bool,
    #[serde(default)]
    dependencies: Needs,
    #[serde(default)]
    optional_dependencies: Needs,
    #[serde(default)]
    peer_dependencies: Needs,
    #[serde(default)]
    dev_dependencies: Needs,
}

/// Version 1: packages nest, and `requires` names what they need.
#[derive(Deserialize)]
struct RawDependency {
    #[serde(default)]
    version: String,
    #[serde(default)]
    integrity: String,
    #[serde(default)]
    requires: Value,
    #[serde(default)]
    dependencies: BTreeMap<String, Self>,
}

pub(super) fn lock(source: Source<'_>) -> Result<Lock, Problem> {
    let raw: RawLock = json(source)?;
    let mut lock = Lock::default();
    if raw.packages.is_empty() {
        nested(&mut lock, raw.dependencies);
        return Ok(lock);
    }
    for (path, package) in raw.packages {
        let needs: BTreeSet<String> = [
            package.dependencies,
            package.optional_dependencies,
            package.peer_dependencies,
            package.dev_dependencies,
        ]
        .into_iter()
        .flat_map(BTreeMap::into_keys)
        .collect();
        match path.rsplit_once("node_modules/") {
            Some((_, folder)) if !package.link => {
                let pin = format!("{} {}", package.resolved, package.integrity);
                let name = package.name.unwrap_or_else(|| folder.to_owned());
                lock.add(name, &package.version, pin, needs);
            }
            // A link points at a member, which has an entry of its own.
            Some(_) => {}
            None => {
                let at = super::join(&path, "package.json");
                if let Some(name) = package.name {
                    // Members may need each other by name.
                    lock.packages
                        .entry(name)
                        .or_default()
                        .needs
                        .extend(needs.clone());
                }
                lock.members.insert(at, Member { needs });
            }
        }
    }
    Ok(lock)
}

/// JSON's own depth limit bounds the recursion.
fn nested(lock: &mut Lock, dependencies: BTreeMap<String, RawDependency>) {
    for (name, dependency) in dependencies {
        let requires = dependency.requires.as_object();
        let needs = requires.into_iter().flat_map(|all| all.keys().cloned());
        let needs: BTreeSet<String> = needs.collect();
        lock.add(name, &dependency.version, dependency.integrity, needs);
        nested(lock, dependency.dependencies);
    }
}

pub(super) fn manifest(source: Source<'_>) -> Result<Manifest, Problem> {
    let raw: RawPackage = json(source)?;
    let needs = [
        raw.dependencies,
        raw.optional_dependencies,
        raw.peer_dependencies,
        raw.dev_dependencies,
    ];
    Ok(Manifest {
        name: raw.name,
        needs: needs.into_iter().flat_map(BTreeMap::into_keys).collect(),
    })
}

fn json<T: serde::de::DeserializeOwned>(source: Source<'_>) -> Result<T, Problem> {
    let text = source.text.trim_start_matches('\u{feff}');
    serde_json::from_str(text).map_err(|error| {
        let before: usize = text
            .split_inclusive('\n')
            .take(error.line().saturating_sub(1))
            .map(str::len)
            .sum();
        let at = (before + error.column().saturating_sub(1)).min(text.len());
        let message = error.to_string();
        let message = message.split(" at line ").next().unwrap_or_default();
        source.at(at..at, message)
    })
}
