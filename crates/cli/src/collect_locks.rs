//! What lockfile changes of a merge really change.

use countersign_core::catalog::{
    Catalog, LockChange, Node, PackageChange, is_lockfile, lock_change, manifest_name,
};
use countersign_core::problem::{Problem, Source};
use countersign_core::radius::{Hit, Placement};
use countersign_git::{FileChange, GitError, Oid, Range, Repo};
use serde::Serialize;

use crate::error::CliResult;

/// Lockfiles compared at most; the others count as any path.
const MAX_LOCKS: usize = 50;
/// Manifests read at most for one lockfile.
const MAX_MANIFESTS: usize = 2_000;

/// One lockfile of the change.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Lock {
    pub(crate) path: String,
    /// Packages whose locked content changed.
    pub(crate) packages: Vec<PackageChange>,
    /// Whether it cannot be told who uses them, so that everything in its
    /// folder counts.
    pub(crate) everything: bool,
    /// Positions of the services that use them.
    #[serde(skip)]
    pub(crate) services: Vec<u32>,
}

impl Lock {
    /// Where in the catalogue the change of this lockfile lands; `None` where
    /// it counts as any other path.
    pub(crate) fn hit(&self, catalog: &Catalog) -> Option<Hit> {
        if self.everything || catalog.ships_nothing(&self.path) {
            return None;
        }
        let place = match self.services.as_slice() {
            [] if self.packages.is_empty() => Placement::Nowhere,
            // Whoever uses them is in no catalogue.
            [] => Placement::Unknown,
            services => Placement::At(services.iter().copied().map(Node::Service).collect()),
        };
        let mut hit = Hit::path(&self.path, catalog);
        hit.place = place;
        Some(hit)
    }

    /// Whether it counts as the services it reaches, not as a path.
    pub(crate) fn is_traced(&self) -> bool {
        !self.everything
    }
}

/// Compares the lockfiles of a merge, and says which could not be read.
pub(crate) fn read(
    repo: &Repo,
    range: &Range,
    files: &[FileChange],
    catalog: &Catalog,
) -> CliResult<(Vec<Lock>, Vec<Problem>)> {
    let (mut locks, mut problems) = (Vec::new(), Vec::new());
    // A lockfile that moved is compared with what was there under its name.
    let found = files.iter().filter(|file| is_lockfile(&file.path));
    for file in found.take(MAX_LOCKS) {
        match one(repo, range, &file.path, catalog)? {
            Ok(lock) => locks.push(lock),
            Err(problem) => problems.push(problem.warning()),
        }
    }
    Ok((locks, problems))
}

fn one(
    repo: &Repo,
    range: &Range,
    path: &str,
    catalog: &Catalog,
) -> CliResult<Result<Lock, Problem>> {
    let source = Source {
        file: path,
        text: "",
    };
    let before = match &range.base {
        Some(base) => text_at(repo, base, path)?,
        None => Ok(String::new()),
    };
    let after = text_at(repo, &range.head, path)?;
    let (before, after) = match (before, after) {
        (Ok(before), Ok(after)) => (before, after),
        (Err(why), _) | (_, Err(why)) => return Ok(Err(source.whole(why))),
    };
    let manifests = manifests(repo, &range.head, path)?;
    let sources: Vec<Source<'_>> = manifests
        .iter()
        .map(|(file, text)| Source { file, text })
        .collect();
    Ok(lock_change(path, &before, &after, &sources).map(|change| of(path, &change, catalog)))
}

fn of(path: &str, change: &LockChange, catalog: &Catalog) -> Lock {
    Lock {
        path: path.to_owned(),
        services: catalog.components_of_lock_change(change),
        packages: change.packages.clone(),
        everything: change.everything,
    }
}

/// A file's text; empty where there is none, and why it cannot be read.
fn text_at(repo: &Repo, commit: &Oid, path: &str) -> CliResult<Result<String, String>> {
    Ok(match repo.read_file(commit, path) {
        Ok(bytes) => String::from_utf8(bytes.unwrap_or_default())
            .map_err(|_| "it is not UTF-8 text".to_owned()),
        Err(error @ (GitError::TooLarge { .. } | GitError::NotAFile { .. })) => {
            Err(error.to_string())
        }
        Err(error) => return Err(error.into()),
    })
}

/// The manifests that belong to a lockfile: in its folder or below.
fn manifests(repo: &Repo, head: &Oid, lock: &str) -> CliResult<Vec<(String, String)>> {
    let Some(name) = manifest_name(lock) else {
        return Ok(Vec::new());
    };
    let folder = lock.rsplit_once('/').map_or("", |(folder, _)| folder);
    let files = repo.list_files(head, folder)?;
    let is_manifest = |path: &str| path.rsplit('/').next() == Some(name);
    let paths: Vec<&str> = files
        .iter()
        .filter(|file| file.mode.starts_with("100") && is_manifest(&file.path))
        .map(|file| file.path.as_str())
        .take(MAX_MANIFESTS)
        .collect();
    let texts = match repo.read_files(head, &paths) {
        Ok(texts) => texts,
        Err(GitError::TooLarge { .. }) => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    };
    let named = paths.into_iter().zip(texts);
    Ok(named
        .filter_map(|(path, bytes)| Some((path.to_owned(), String::from_utf8(bytes?).ok()?)))
        .collect())
}
