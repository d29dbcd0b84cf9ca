//! Where a call would run: the directory, the repository around it, its HEAD,
//! all read from files without git.

use std::path::{Path, PathBuf};

use countersign_core::signoff::Digest;

use super::files;

/// A directory and the repository around it.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// The directory, absolute, without symbolic links.
    pub(crate) cwd: PathBuf,
    /// The repository, if it is in one.
    pub(crate) repo: Option<Repository>,
}

/// A repository as its files show it.
#[derive(Debug, Clone)]
pub(crate) struct Repository {
    /// The root of the work tree.
    pub(crate) root: PathBuf,
    /// The git directory of this work tree.
    git_dir: PathBuf,
    /// The git directory that all work trees share.
    pub(crate) common: PathBuf,
}

/// Directories above this many are not looked at.
const MAX_DEPTH: usize = 64;
/// The largest of git's small files, in bytes.
const SMALL: usize = 16 << 10;
/// The largest list of packed refs looked at, in bytes.
const MAX_PACKED: usize = 16 << 20;

impl Place {
    /// Looks around a directory; the process's own where none is given.
    pub(crate) fn of(cwd: Option<&str>) -> Option<Self> {
        let cwd = match cwd.map(Path::new).filter(|path| path.is_absolute()) {
            Some(path) => path.to_owned(),
            None => std::env::current_dir().ok()?,
        };
        // A directory that is not there yet is taken as it is written.
        let cwd = std::fs::canonicalize(&cwd).unwrap_or(cwd);
        let repo = cwd.ancestors().take(MAX_DEPTH).find_map(Repository::at);
        Some(Self { cwd, repo })
    }
}

impl Repository {
    fn at(root: &Path) -> Option<Self> {
        let dot_git = root.join(".git");
        let about = std::fs::metadata(&dot_git).ok()?;
        let git_dir = if about.is_dir() {
            dot_git
        } else {
            let text = small(&dot_git)?;
            root.join(text.strip_prefix("gitdir:")?.trim())
        };
        let common = small(&git_dir.join("commondir"))
            .map_or_else(|| git_dir.clone(), |text| git_dir.join(text.trim()));
        let common = std::fs::canonicalize(&common).ok()?;
        // Without a HEAD it is no repository, whatever its name.
        git_dir.join("HEAD").is_file().then(|| Self {
            root: root.to_owned(),
            git_dir,
            common,
        })
    }

    /// What the repository's files are named after.
    pub(crate) fn key(&self) -> String {
        let path = self.common.to_string_lossy();
        Digest::of(path.as_bytes())
            .to_string()
            .chars()
            .take(16)
            .collect()
    }

    /// Whether it has rules of its own in the work tree.
    pub(crate) fn has_adopted(&self) -> bool {
        [".countersign/policy.toml", ".countersign/people.toml"]
            .iter()
            .any(|file| self.root.join(file).is_file())
    }

    /// What is checked out: the branch and its commit, or the commit alone.
    pub(crate) fn head(&self) -> Option<String> {
        let head = small(&self.git_dir.join("HEAD"))?;
        let Some(name) = head.trim().strip_prefix("ref:") else {
            return Some(head.trim().to_owned());
        };
        let name = name.trim();
        let commit = small(&self.common.join(name))
            .map(|text| text.trim().to_owned())
            .or_else(|| self.packed(name))
            .unwrap_or_default();
        Some(format!("{name} {commit}"))
    }

    fn packed(&self, name: &str) -> Option<String> {
        let bytes = files::read(&self.common.join("packed-refs"), MAX_PACKED).ok()?;
        let text = String::from_utf8_lossy(&bytes);
        text.lines()
            .filter_map(|line| line.split_once(' '))
            .find(|(_, known)| *known == name)
            .map(|(commit, _)| commit.to_owned())
    }
}

fn small(path: &Path) -> Option<String> {
    String::from_utf8(files::read(path, SMALL).ok()?).ok()
}
