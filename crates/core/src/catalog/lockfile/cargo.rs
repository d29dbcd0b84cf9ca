//! `Cargo.lock` and `Cargo.toml`.
//!
//! Format: <https://doc.rust-lang.org/cargo/guide/cargo-toml-vs-cargo-lock.html>,
//! versions 1 to 4. Packages without a source are the repository's own.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::{Lock, Manifest};
use crate::problem::{Problem, Source};

#[derive(Deserialize)]
struct RawLock {
    #[serde(default)]
    package: Vec<RawPackage>,
}

#[derive(Deserialize)]
struct RawPackage {
    name: String,
    #[serde(default)]
    version: String,
    #[serde(default)]
    source: String,
    #[serde(default)]
    checksum: String,
    #[serde(default)]
    dependencies: Vec<String>,
}

pub(super) fn lock(source: Source<'_>) -> Result<Lock, Problem> {
    let raw: RawLock = source.toml()?;
    let mut lock = Lock::default();
    for package in raw.package {
        // `name`, `name version` or `name version (source)`.
        let needs: BTreeSet<String> = package
            .dependencies
            .iter()
            .filter_map(|need| need.split(' ').next())
            .map(str::to_owned)
            .collect();
        let pin = format!("{} {}", package.source, package.checksum);
        lock.add(package.name, &package.version, pin, needs);
    }
    Ok(lock)
}

#[derive(Deserialize)]
struct RawManifest {
    #[serde(default)]
    package: Option<RawName>,
}

#[derive(Deserialize)]
struct RawName {
    name: String,
}

/// Only the name: what the package needs is in the lockfile.
pub(super) fn manifest(source: Source<'_>) -> Result<Manifest, Problem> {
    let raw: RawManifest = source.toml()?;
    Ok(Manifest {
        name: raw.package.map(|package| package.name),
        needs: BTreeSet::new(),
    })
}
