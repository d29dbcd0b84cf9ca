//! Which packages a lockfile change really changes, and who uses them.
//!
//! A lockfile belongs to everything in its folder, so taken as a path its
//! change would touch everything. Instead the old and the new text are
//! compared package by package, and a change reaches the manifests that lead
//! to a changed package through the lockfile's own graph. Packages are compared
//! by name: several versions of one count as one, which can only find more.

mod cargo;
mod go;
mod npm;
mod pnpm;
mod python;
mod yarn;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::Catalog;
use super::yaml::MAX_BYTES;
use crate::problem::{Problem, Source};

/// A package whose locked content changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PackageChange {
    /// Its name.
    pub name: String,
    /// Versions locked before, sorted; none when it is new.
    pub before: Vec<String>,
    /// Versions locked after, sorted; none when it is gone.
    pub after: Vec<String>,
}

/// What a lockfile change does.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct LockChange {
    /// Packages whose version, source or checksum changed, by name.
    pub packages: Vec<PackageChange>,
    /// Paths of the manifests that use any of them, directly or not.
    pub manifests: BTreeSet<String>,
    /// Whether some change could not be traced to a manifest, so that every
    /// manifest given counts.
    pub everything: bool,
}

/// A locked package, all its versions together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Package {
    /// `(version, everything else that pins the content)`.
    pins: BTreeSet<(String, String)>,
    needs: BTreeSet<String>,
}

/// A part of the repository that the lockfile itself lists.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Member {
    needs: BTreeSet<String>,
}

/// A lockfile, whatever its format.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Lock {
    packages: BTreeMap<String, Package>,
    /// Members by the path of their manifest, relative to the lockfile.
    members: BTreeMap<String, Member>,
}

impl Lock {
    fn add(&mut self, name: String, version: &str, pin: String, needs: BTreeSet<String>) {
        let package = self.packages.entry(name).or_default();
        package.pins.insert((version.to_owned(), pin));
        package.needs.extend(needs);
    }
}

/// A manifest: what it is called and what it needs directly.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Manifest {
    name: Option<String>,
    needs: BTreeSet<String>,
}

/// The formats, by file name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Cargo,
    Npm,
    Yarn,
    Pnpm,
    Go,
    Poetry,
    Uv,
    Requirements,
}

impl Format {
    fn of(path: &str) -> Option<Self> {
        let name = path.rsplit('/').next().unwrap_or(path);
        Some(match name {
            "Cargo.lock" => Self::Cargo,
            "package-lock.json" | "npm-shrinkwrap.json" => Self::Npm,
            "yarn.lock" => Self::Yarn,
            "pnpm-lock.yaml" => Self::Pnpm,
            "go.sum" => Self::Go,
            "poetry.lock" => Self::Poetry,
            "uv.lock" => Self::Uv,
            _ if name.starts_with("requirements") && name.ends_with(".txt") => Self::Requirements,
            _ => return None,
        })
    }

    /// The name of the manifests that belong to the format.
    const fn manifest(self) -> &'static str {
        match self {
            Self::Cargo => "Cargo.toml",
            Self::Npm | Self::Yarn | Self::Pnpm => "package.json",
            Self::Go => "go.mod",
            Self::Poetry | Self::Uv => "pyproject.toml",
            Self::Requirements => "requirements.txt",
        }
    }

    fn read(self, source: Source<'_>) -> Result<Lock, Problem> {
        match self {
            Self::Cargo => cargo::lock(source),
            Self::Npm => npm::lock(source),
            Self::Yarn => yarn::lock(source),
            Self::Pnpm => pnpm::lock(source),
            Self::Go => go::lock(source),
            Self::Poetry => python::poetry(source),
            Self::Uv => python::uv(source),
            Self::Requirements => Ok(python::requirements(source)),
        }
    }

    fn read_manifest(self, source: Source<'_>) -> Result<Manifest, Problem> {
        match self {
            Self::Cargo => cargo::manifest(source),
            Self::Npm | Self::Yarn | Self::Pnpm => npm::manifest(source),
            Self::Go => Ok(go::manifest(source)),
            Self::Poetry | Self::Uv => python::manifest(source),
            Self::Requirements => Ok(Manifest::default()),
        }
    }
}

/// Whether a path is a lockfile of a format that is read.
#[must_use]
pub fn is_lockfile(path: &str) -> bool {
    Format::of(path).is_some()
}

/// The file name of the manifests that belong to a lockfile, such as
/// `Cargo.toml`; `None` when the path is no lockfile.
#[must_use]
pub fn manifest_name(path: &str) -> Option<&'static str> {
    Format::of(path).map(Format::manifest)
}

/// Compares a lockfile before and after a change (`""`: not there).
/// `manifests` are the manifests of the same ecosystem at or below the
/// lockfile's folder, as they are after the change.
///
/// # Errors
/// When the path is no lockfile, or a text is not of its format.
pub fn lock_change(
    path: &str,
    before: &str,
    after: &str,
    manifests: &[Source<'_>],
) -> Result<LockChange, Problem> {
    let source = |text| Source { file: path, text };
    let Some(format) = Format::of(path) else {
        return Err(source("").whole("not a lockfile that is read").hint(
            "Cargo.lock, package-lock.json, yarn.lock, pnpm-lock.yaml, go.sum, poetry.lock, uv.lock and requirements*.txt are",
        ));
    };
    let read = |text: &str| {
        if text.len() > MAX_BYTES {
            let message = format!("{} bytes are too many", text.len());
            return Err(source("").whole(message).hint("at most 64 MiB are read"));
        }
        if text.trim().is_empty() {
            return Ok(Lock::default());
        }
        format.read(Source { file: path, text })
    };
    let (before, after) = (read(before)?, read(after)?);
    let mut known = BTreeMap::new();
    for manifest in manifests {
        known.insert(manifest.file, format.read_manifest(*manifest)?);
    }
    if format == Format::Requirements {
        // It is its own manifest.
        known.insert(path, Manifest::default());
    }
    Ok(compare(path, format, &before, &after, &known))
}

fn compare(
    path: &str,
    format: Format,
    before: &Lock,
    after: &Lock,
    known: &BTreeMap<&str, Manifest>,
) -> LockChange {
    let packages = changed_packages(before, after);
    let mut changed: BTreeSet<&str> = packages.iter().map(|p| p.name.as_str()).collect();
    grow(&mut changed, [before, after]);
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut manifests = BTreeSet::new();
    let mut traced: BTreeSet<&str> = BTreeSet::new();
    for lock in [before, after] {
        for (at, member) in &lock.members {
            let hits: Vec<&str> = hits(&member.needs, &changed).collect();
            if !hits.is_empty() {
                manifests.insert(join(folder, at));
                traced.extend(hits);
            }
        }
    }
    for (at, manifest) in known {
        let own = manifest
            .name
            .as_deref()
            .filter(|name| changed.contains(name));
        let hits: Vec<&str> = hits(&manifest.needs, &changed).chain(own).collect();
        if !hits.is_empty() || (format == Format::Requirements && !packages.is_empty()) {
            manifests.insert((*at).to_owned());
            traced.extend(hits);
        }
    }
    // A changed package that no traced one leads to belongs to someone unseen.
    let everything = format != Format::Requirements
        && !packages.is_empty()
        && !leads_to_all(&traced, &packages, [before, after]);
    if everything {
        manifests.extend(known.keys().map(|at| (*at).to_owned()));
        manifests.insert(join(folder, format.manifest()));
    }
    LockChange {
        packages,
        manifests,
        everything,
    }
}

fn hits<'a>(
    needs: &'a BTreeSet<String>,
    changed: &'a BTreeSet<&str>,
) -> impl Iterator<Item = &'a str> {
    let needs = needs.iter().map(String::as_str);
    needs.filter(|need| changed.contains(need))
}

fn join(folder: &str, path: &str) -> String {
    if folder.is_empty() {
        path.to_owned()
    } else {
        format!("{folder}/{path}")
    }
}

fn changed_packages(before: &Lock, after: &Lock) -> Vec<PackageChange> {
    let names: BTreeSet<&String> = before
        .packages
        .keys()
        .chain(after.packages.keys())
        .collect();
    let versions = |package: Option<&Package>| -> Vec<String> {
        let pins = package.into_iter().flat_map(|package| &package.pins);
        let versions: BTreeSet<&String> = pins.map(|(version, _)| version).collect();
        versions.into_iter().cloned().collect()
    };
    names
        .into_iter()
        .map(|name| (name, before.packages.get(name), after.packages.get(name)))
        .filter(|(_, before, after)| before.map(|p| &p.pins) != after.map(|p| &p.pins))
        .map(|(name, before, after)| PackageChange {
            name: name.clone(),
            before: versions(before),
            after: versions(after),
        })
        .collect()
}

/// Adds every package that leads to a changed one.
fn grow<'a>(changed: &mut BTreeSet<&'a str>, locks: [&'a Lock; 2]) {
    let mut users: BTreeMap<&str, Vec<&'a str>> = BTreeMap::new();
    for (name, package) in locks.iter().flat_map(|lock| &lock.packages) {
        for need in &package.needs {
            users.entry(need).or_default().push(name);
        }
    }
    let mut queue: Vec<&str> = changed.iter().copied().collect();
    while let Some(name) = queue.pop() {
        for user in users.get(name).into_iter().flatten() {
            if changed.insert(user) {
                queue.push(user);
            }
        }
    }
}

/// Whether the traced packages lead to every changed one.
fn leads_to_all(traced: &BTreeSet<&str>, packages: &[PackageChange], locks: [&Lock; 2]) -> bool {
    let mut seen: BTreeSet<&str> = traced.clone();
    let mut queue: Vec<&str> = traced.iter().copied().collect();
    while let Some(name) = queue.pop() {
        for lock in locks {
            let needs = lock.packages.get(name).into_iter();
            for need in needs.flat_map(|package| &package.needs) {
                if seen.insert(need) {
                    queue.push(need);
                }
            }
        }
    }
    packages
        .iter()
        .all(|package| seen.contains(package.name.as_str()))
}

impl Catalog {
    /// Positions of the services that a lockfile change touches: those whose
    /// paths cover a manifest that uses a changed package. Sorted.
    #[must_use]
    pub fn components_of_lock_change(&self, change: &LockChange) -> Vec<u32> {
        let manifests = change.manifests.iter();
        let services = manifests.flat_map(|path| self.components_of(path));
        let services: BTreeSet<u32> = services.collect();
        services.into_iter().collect()
    }
}

#[cfg(test)]
mod tests;
