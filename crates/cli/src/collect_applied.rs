//! Plans and migrations that a merge brings along: code that destroys nothing
//! when it is merged, and may when it is applied.

use std::collections::BTreeSet;

use countersign_core::catalog::Catalog;
use countersign_core::effect::{Effect, Environment, StateLoss, Verb};
use countersign_effects::document::ReadError;
use countersign_effects::plan::{self, Source};
use countersign_effects::reading::Format;
use countersign_git::{FileChange, GitError, Oid, Repo};

use crate::collect_manifests;
use crate::error::CliResult;

/// Files read at most; the others count as unread.
pub(crate) const MAX_FILES: usize = 500;

/// What would be applied.
#[derive(Debug, Default)]
pub(crate) struct Applied {
    pub(crate) effects: Vec<Effect>,
    /// Files that could not be read, and why.
    pub(crate) unread: Vec<String>,
    /// Whether there are files of kinds that nobody here reads.
    pub(crate) other: bool,
}

/// Reads the plans and SQL migrations of a merge, as they are at its head, and
/// its manifests and templates as they were at `base` and are.
pub(crate) fn read(
    repo: &Repo,
    base: Option<&Oid>,
    head: &Oid,
    files: &[FileChange],
    catalog: Option<&Catalog>,
) -> CliResult<Applied> {
    let shipped = |path: &str| !catalog.is_some_and(|catalog| catalog.ships_nothing(path));
    let mut applied = Applied {
        other: files
            .iter()
            .flat_map(FileChange::paths)
            .any(|path| shipped(path) && is_applied(path) && !is_read(path)),
        ..Applied::default()
    };
    let found = files
        .iter()
        .filter(|file| shipped(&file.path) && is_read(&file.path) && file.status != 'D');
    for (at, file) in found.enumerate() {
        let path = file.path.as_str();
        if !file.new_mode.starts_with("100") {
            applied.unread.push(format!("{path}: not a regular file"));
            continue;
        }
        if at >= MAX_FILES {
            applied.unread.push(format!("{path}: too many files"));
            continue;
        }
        if let Some(bytes) = applied.content(repo, head, path)? {
            applied.take_in(path, &bytes);
        }
    }
    let shipped: Vec<&FileChange> = files
        .iter()
        .filter(|file| file.paths().any(shipped))
        .collect();
    collect_manifests::read(repo, base, head, &shipped, &mut applied)?;
    Ok(applied)
}

impl Applied {
    /// A file at a commit; one that is too large counts as unread.
    pub(crate) fn content(
        &mut self,
        repo: &Repo,
        at: &Oid,
        path: &str,
    ) -> CliResult<Option<Vec<u8>>> {
        match repo.read_file(at, path) {
            Err(error @ GitError::TooLarge { .. }) => {
                self.unread.push(format!("{path}: {error}"));
                Ok(None)
            }
            found => Ok(found?),
        }
    }

    fn take_in(&mut self, path: &str, bytes: &[u8]) {
        let format = plan::sniff(path, bytes);
        if matches!(
            format,
            Ok(Format::KubernetesObjects | Format::CloudFormationTemplates)
        ) {
            // Compared with what was there before, with the others.
            return;
        }
        let source = Source {
            files: &[(path, bytes)],
            ..Source::default()
        };
        match plan::read(&source, Environment::Unknown) {
            Ok(reading) => self.effects.extend(reading.effects),
            // A file may have `plan` in its name and be none.
            Err(ReadError::UnknownFormat { .. }) if !has_ending(path, &[".sql"]) => {}
            Err(error) => self.unread.push(format!("{path}: {error}")),
        }
    }

    /// What it would do; unknown as well where something was not read.
    pub(crate) fn verbs(&self) -> BTreeSet<Verb> {
        let unread = self.other || !self.unread.is_empty();
        self.effects
            .iter()
            .map(|effect| effect.verb)
            .chain(unread.then_some(Verb::Unknown))
            .collect()
    }

    /// Whether state goes for good: yes as soon as one loss is sure, no only
    /// when everything was read and nothing is lost.
    pub(crate) fn irreversible(&self) -> Option<bool> {
        let lost = || {
            self.effects
                .iter()
                .filter(|effect| effect.is_irreversible())
        };
        if lost().any(|effect| effect.state == StateLoss::Destroyed) {
            return Some(true);
        }
        let certain = !self.other && self.unread.is_empty() && lost().next().is_none();
        certain.then_some(false)
    }
}

/// Whether a path is a plan or migration that can be read.
fn is_read(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
    has_ending(path, &[".sql", ".tfplan"]) || (name.ends_with(".json") && name.contains("plan"))
}

/// Whether a path may be applied to something that keeps state.
pub(crate) fn is_applied(path: &str) -> bool {
    let folders = || path.split('/');
    has_ending(path, &[".sql", ".tf", ".tf.json", ".tofu", ".tfplan"])
        || folders().any(|part| part.eq_ignore_ascii_case("migrations"))
}

/// Whether a path ends in one of these, in any case: tools that apply files do
/// not ask how an ending is written.
pub(crate) fn has_ending(path: &str, endings: &[&str]) -> bool {
    let path = path.to_ascii_lowercase();
    endings.iter().any(|end| path.ends_with(end))
}
