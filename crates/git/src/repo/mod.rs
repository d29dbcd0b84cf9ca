//! One repository: names, ranges, commits, changed files, file contents.

mod commit;
mod diff;
mod history;
mod lines;
mod notes;
mod objects;
mod range;
mod raw;
mod squash;
mod tree;

pub(crate) use tree::path_text;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

pub use commit::{Commit, Identity, Signature};
pub use diff::FileChange;
pub use history::Change;
pub use lines::Hunk;
pub use notes::NoteIndex;
pub(crate) use objects::{FIRST_PIECE, MAX_OBJECT, Readers};
pub use range::Range;
pub(crate) use raw::RawCommit;
pub use squash::{Origins, Proof, SquashOrigin};
pub use tree::TreeEntry;

use crate::GitError;
use crate::command::Git;
use crate::replay::Isolated;

/// The full hexadecimal name of an object: 40 characters for SHA-1, 64 for
/// SHA-256.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Oid(String);

impl Oid {
    /// An object name from its hexadecimal form; `None` if it is not one.
    #[must_use]
    pub fn new(hex: &str) -> Option<Self> {
        let valid = matches!(hex.len(), 40 | 64)
            && hex
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        valid.then(|| Self(hex.to_owned()))
    }

    /// The full hexadecimal form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first seven characters, for people.
    #[must_use]
    pub fn short(&self) -> &str {
        self.0.get(..7).unwrap_or(&self.0)
    }

    /// Whether it is the name that stands for "no object" in hooks.
    #[must_use]
    pub fn is_null(&self) -> bool {
        self.0.bytes().all(|byte| byte == b'0')
    }
}

impl From<gix_hash::ObjectId> for Oid {
    fn from(id: gix_hash::ObjectId) -> Self {
        Self(id.to_string())
    }
}

impl fmt::Display for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A repository on this machine.
#[derive(Debug, Clone)]
pub struct Repo {
    pub(crate) git: Git,
    pub(crate) readers: Arc<Readers>,
    /// Where merges are tried, once the first is.
    pub(crate) isolated: Arc<OnceLock<Isolated>>,
    git_dir: PathBuf,
    work_tree: Option<PathBuf>,
    shallow: bool,
    empty_tree: Oid,
}

/// The most names of refs in one command line.
const REFS_AT_ONCE: usize = 500;

/// The name of the empty tree in each object format.
const EMPTY_TREE_SHA1: &str = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";
const EMPTY_TREE_SHA256: &str = "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321";

impl Repo {
    /// Finds the repository that `dir` is in.
    ///
    /// # Errors
    /// When git is missing, the directory is in no repository, or git does not
    /// trust its owner.
    pub fn open(dir: &Path) -> Result<Self, GitError> {
        let git = Git::new(dir);
        if dir.is_dir() {
            git.check_version()?;
        }
        let args = [
            "rev-parse",
            "--absolute-git-dir",
            "--is-bare-repository",
            "--is-shallow-repository",
            "--show-object-format",
        ];
        let text = git.output(&args)?;
        let text = String::from_utf8_lossy(&text);
        let mut lines = text.lines();
        let mut next = || {
            lines.next().ok_or_else(|| GitError::Unexpected {
                command: "rev-parse".into(),
                detail: "too few lines".into(),
            })
        };
        let git_dir = PathBuf::from(next()?);
        let bare = next()? == "true";
        let shallow = next()? == "true";
        let empty_tree = match next()? {
            "sha256" => EMPTY_TREE_SHA256,
            _ => EMPTY_TREE_SHA1,
        };
        let work_tree = if bare {
            None
        } else {
            git.line(&["rev-parse", "--show-toplevel"])?
                .map(PathBuf::from)
        };
        let root = work_tree.clone().unwrap_or_else(|| git_dir.clone());
        Ok(Self {
            git: Git::new(&root).with_attributes_of(empty_tree),
            readers: Arc::default(),
            isolated: Arc::default(),
            git_dir,
            work_tree,
            shallow,
            empty_tree: Oid(empty_tree.to_owned()),
        })
    }

    /// The repository's own directory (`.git`, or the bare repository).
    #[must_use]
    pub fn git_dir(&self) -> &Path {
        &self.git_dir
    }

    /// The top of the work tree; `None` for a bare repository.
    #[must_use]
    pub fn work_tree(&self) -> Option<&Path> {
        self.work_tree.as_deref()
    }

    /// Whether history was cut off when cloning.
    #[must_use]
    pub const fn is_shallow(&self) -> bool {
        self.shallow
    }

    /// Where this repository keeps its objects.
    pub(crate) fn object_dir(&self) -> Result<PathBuf, GitError> {
        let args = [
            "rev-parse",
            "--path-format=absolute",
            "--git-path",
            "objects",
        ];
        let dir = self.git.line(&args)?;
        dir.map(PathBuf::from).ok_or_else(|| GitError::Unexpected {
            command: "rev-parse".into(),
            detail: "no object directory".into(),
        })
    }

    /// The commits at which a shallow clone ends; their parents are not here.
    pub(crate) fn cut(&self) -> Result<Vec<Oid>, GitError> {
        if !self.shallow {
            return Ok(Vec::new());
        }
        let args = [
            "rev-parse",
            "--path-format=absolute",
            "--git-path",
            "shallow",
        ];
        let Some(path) = self.git.line(&args)? else {
            return Ok(Vec::new());
        };
        let text = std::fs::read_to_string(path)?;
        Ok(text.lines().filter_map(Oid::new).collect())
    }

    /// The tree without entries, in this repository's object format.
    #[must_use]
    pub const fn empty_tree(&self) -> &Oid {
        &self.empty_tree
    }

    /// The commit that a name leads to.
    ///
    /// # Errors
    /// [`GitError::UnbornBranch`] for `HEAD` before the first commit, else
    /// [`GitError::UnknownRevision`].
    pub fn resolve(&self, rev: &str) -> Result<Oid, GitError> {
        let full = self.branch_of(rev)?;
        let wanted = format!("{}^{{commit}}", full.as_deref().unwrap_or(rev));
        let args = [
            "rev-parse",
            "--verify",
            "--quiet",
            "--end-of-options",
            &wanted,
        ];
        if let Some(oid) = self.git.line(&args)?.as_deref().and_then(Oid::new) {
            return Ok(oid);
        }
        if rev == "HEAD"
            && let Some(branch) = self.head_branch()?
        {
            return Err(GitError::UnbornBranch(branch));
        }
        Err(GitError::UnknownRevision(rev.to_owned()))
    }

    /// The branch that is checked out; `None` when HEAD is detached.
    ///
    /// # Errors
    /// When git cannot be run.
    pub fn head_branch(&self) -> Result<Option<String>, GitError> {
        let full = self.git.line(&["symbolic-ref", "--quiet", "HEAD"])?;
        // Git's own short form depends on what else is called like it.
        Ok(full.map(|name| match name.strip_prefix("refs/heads/") {
            Some(short) => short.to_owned(),
            None => name,
        }))
    }

    /// The full name of the branch, here or on a remote, that a short name stands
    /// for; `None` where there is none. Git itself would prefer a tag of that name,
    /// and whoever may push may push one.
    fn branch_of(&self, rev: &str) -> Result<Option<String>, GitError> {
        let is_id = matches!(rev.len(), 7..=64) && rev.bytes().all(|it| it.is_ascii_hexdigit());
        let is_plain = !rev.is_empty() && !rev.contains(|c| "~^:@{?*[\\ ".contains(c));
        if !is_plain || is_id || rev == "HEAD" || rev.starts_with("refs/") {
            return Ok(None);
        }
        let mut names = ["refs/heads/", "refs/remotes/"].map(|kind| format!("{kind}{rev}"));
        if rev.starts_with("origin/") {
            names.reverse();
        }
        let args = ["for-each-ref", "--format=%(refname)", "--"];
        let [first, second] = &names;
        let found = self.git.output(&[&args[..], &[first, second]].concat())?;
        let found = String::from_utf8_lossy(&found);
        Ok(names
            .into_iter()
            .find(|name| found.lines().any(|line| line == name)))
    }

    /// The branch that changes are merged into, as a name to resolve: in a bare
    /// repository the branch of its own `HEAD`, else what the
    /// remote calls its head, else `main`, `master`, `trunk` or what
    /// `init.defaultBranch` says, remote before local. `None` if none exists.
    ///
    /// # Errors
    /// When git cannot be run.
    pub fn default_branch(&self) -> Result<Option<String>, GitError> {
        if self.work_tree.is_none()
            && let Some(branch) = self.head_branch()?
            && self.resolve(&branch).is_ok()
        {
            return Ok(Some(branch));
        }
        let remote_head = ["symbolic-ref", "--quiet", "refs/remotes/origin/HEAD"];
        if let Some(branch) = self.git.line(&remote_head)? {
            let short = branch.strip_prefix("refs/remotes/");
            return Ok(Some(short.unwrap_or(&branch).to_owned()));
        }
        let configured = self.git.line(&["config", "--get", "init.defaultBranch"])?;
        let names = ["main", "master", "trunk"].map(str::to_owned);
        let mut wanted = Vec::new();
        for name in configured.into_iter().chain(names) {
            wanted.push(format!("refs/remotes/origin/{name}"));
            wanted.push(format!("refs/heads/{name}"));
        }
        let mut args = vec!["for-each-ref", "--format=%(refname)", "--"];
        args.extend(wanted.iter().map(String::as_str));
        let existing = self.git.output(&args)?;
        let existing = String::from_utf8_lossy(&existing);
        let existing: Vec<&str> = existing.lines().collect();
        Ok(wanted
            .iter()
            .find(|name| existing.contains(&name.as_str()))
            .map(|name| {
                let short = name.strip_prefix("refs/remotes/");
                short
                    .or_else(|| name.strip_prefix("refs/heads/"))
                    .unwrap_or(name)
                    .to_owned()
            }))
    }

    /// The short name of a branch, here or on a remote; `None` for anything
    /// else that leads to a commit.
    ///
    /// # Errors
    /// When git cannot be run.
    pub fn branch_name(&self, rev: &str) -> Result<Option<String>, GitError> {
        if rev.is_empty() {
            return Ok(None);
        }
        let args = [
            "rev-parse",
            "--symbolic-full-name",
            "--verify",
            "--quiet",
            rev,
        ];
        let full = match self.branch_of(rev)? {
            Some(full) => Some(full),
            None => self.git.line(&args)?,
        };
        let Some(full) = full else {
            return Ok(None);
        };
        if let Some(short) = full.strip_prefix("refs/heads/") {
            return Ok(Some(short.to_owned()));
        }
        let remote = full.strip_prefix("refs/remotes/");
        Ok(remote.and_then(|name| Some(name.split_once('/')?.1.to_owned())))
    }

    /// The first commit of a history, along first parents.
    ///
    /// # Errors
    /// [`GitError::Shallow`] where it was cut off.
    pub fn root_of(&self, commit: &Oid) -> Result<Oid, GitError> {
        if self.shallow {
            return Err(GitError::Shallow(commit.short().to_owned()));
        }
        let args = [
            "rev-list",
            "--first-parent",
            "--max-parents=0",
            commit.as_str(),
        ];
        let root = self.git.line(&args)?;
        root.as_deref()
            .and_then(Oid::new)
            .ok_or_else(|| GitError::UnknownRevision(commit.to_string()))
    }

    /// A value from git's configuration.
    ///
    /// # Errors
    /// When git cannot be run.
    pub fn config(&self, key: &str) -> Result<Option<String>, GitError> {
        self.git.line(&["config", "--get", key])
    }

    /// The directory of the repository's hooks, and whether it is one for all
    /// repositories of the user or the machine (`core.hooksPath`).
    ///
    /// # Errors
    /// When git cannot be run.
    pub fn hooks_dir(&self) -> Result<(PathBuf, bool), GitError> {
        let args = [
            "config",
            "--show-scope",
            "--type=path",
            "--get-all",
            "core.hooksPath",
        ];
        let answer = self.git.run(&args, &[])?;
        let text = String::from_utf8_lossy(&answer.stdout);
        // Our own setting, which keeps hooks from running, is in the last line.
        let configured = text
            .lines()
            .filter_map(|line| line.split_once('\t'))
            .rfind(|(scope, _)| *scope != "command");
        let root = self.work_tree.as_deref().unwrap_or(&self.git_dir);
        if let Some((scope, dir)) = configured {
            let shared = !matches!(scope, "local" | "worktree");
            return Ok((root.join(dir), shared));
        }
        let args = ["rev-parse", "--path-format=absolute", "--git-common-dir"];
        let common = self.git.line(&args)?.map(PathBuf::from);
        let common = common.unwrap_or_else(|| self.git_dir.clone());
        Ok((common.join("hooks"), false))
    }

    /// The short names of the branches here that are at a commit.
    ///
    /// # Errors
    /// When git cannot be run.
    pub fn branches_at(&self, commit: &Oid) -> Result<Vec<String>, GitError> {
        let at = format!("--points-at={commit}");
        let args = [
            "for-each-ref",
            "--format=%(refname:lstrip=2)",
            &at,
            "refs/heads/",
        ];
        let text = self.git.output(&args)?;
        let text = String::from_utf8_lossy(&text);
        Ok(text.lines().map(str::to_owned).collect())
    }

    /// Which of these refs (full names) are symbolic, and the refs that they lead
    /// to in the end.
    ///
    /// # Errors
    /// When git cannot list them.
    pub fn symbolic_refs(&self, names: &[&str]) -> Result<BTreeMap<String, String>, GitError> {
        let mut found = BTreeMap::new();
        for names in names.chunks(REFS_AT_ONCE) {
            let mut args = vec!["for-each-ref", "--format=%(refname) %(symref)", "--"];
            args.extend(names);
            let text = self.git.output(&args)?;
            let text = String::from_utf8_lossy(&text);
            let listed: BTreeMap<&str, &str> =
                text.lines().filter_map(|it| it.split_once(' ')).collect();
            for name in names {
                let may_lead = match listed.get(name) {
                    Some(target) => !target.is_empty(),
                    None => self.may_dangle(name),
                };
                if !may_lead {
                    continue;
                }
                // Asked again, since a link may lead to another link.
                if let Some(target) = self.git.line(&["symbolic-ref", "--quiet", name])? {
                    found.insert((*name).to_owned(), target);
                }
            }
        }
        Ok(found)
    }

    /// Whether a ref that git does not list could be a symbolic one that leads to
    /// no ref yet.
    fn may_dangle(&self, name: &str) -> bool {
        let is_link = std::fs::symlink_metadata(self.git_dir.join(name)).is_ok();
        is_link || self.git_dir.join("reftable").exists()
    }

    /// The best common ancestor of two commits.
    ///
    /// # Errors
    /// [`GitError::Shallow`] or [`GitError::NoMergeBase`] when there is none.
    pub fn merge_base(&self, a: &Oid, b: &Oid) -> Result<Oid, GitError> {
        if self.sits_on(b, a) {
            return Ok(a.clone());
        }
        let found = self.git.line(&["merge-base", a.as_str(), b.as_str()])?;
        match found.as_deref().and_then(Oid::new) {
            Some(oid) => Ok(oid),
            None if self.shallow => Err(GitError::Shallow(b.short().to_owned())),
            None => Err(GitError::NoMergeBase(
                a.short().to_owned(),
                b.short().to_owned(),
            )),
        }
    }

    /// Whether `ancestor` is `commit` or among its ancestors.
    ///
    /// # Errors
    /// When git cannot be run or does not know a commit.
    pub fn is_ancestor(&self, ancestor: &Oid, commit: &Oid) -> Result<bool, GitError> {
        let args = [
            "merge-base",
            "--is-ancestor",
            ancestor.as_str(),
            commit.as_str(),
        ];
        let answer = self.git.run(&args, &[])?;
        match answer.status {
            0 => Ok(true),
            1 => Ok(false),
            _ => Err(self.git.failure(&args, &answer)),
        }
    }
}
