//! What can go wrong with a repository.

use std::path::PathBuf;

/// Why a repository could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GitError {
    /// The `git` program is not installed or not on the path.
    #[error("git is not installed, or not on the PATH")]
    GitMissing,
    /// The `git` program is older than what is needed.
    #[error("git {0} is too old: 2.38 or newer is needed")]
    GitTooOld(String),
    /// The directory is not inside a repository.
    #[error("`{}` is not in a git repository", .0.display())]
    NotARepository(PathBuf),
    /// The repository belongs to someone else, and git refuses to read it.
    #[error("git does not trust the owner of `{}`", .0.display())]
    DubiousOwnership(PathBuf),
    /// The current branch has no commits yet.
    #[error("the branch `{0}` has no commits yet")]
    UnbornBranch(String),
    /// A name that leads to no commit.
    #[error("`{0}` is not a commit in this repository")]
    UnknownRevision(String),
    /// The history was cut off when cloning, and the missing part is needed.
    #[error("this is a shallow clone: the history before `{0}` is missing")]
    Shallow(String),
    /// Two commits have no common ancestor.
    #[error("`{0}` and `{1}` have no common ancestor")]
    NoMergeBase(String, String),
    /// Something is larger than this program reads.
    #[error("{what} is larger than {limit} bytes")]
    TooLarge {
        /// What was to be read.
        what: String,
        /// The limit in bytes.
        limit: usize,
    },
    /// An object is missing or damaged.
    #[error("object {id} cannot be read: {reason}")]
    BadObject {
        /// Its name.
        id: String,
        /// What is wrong.
        reason: String,
    },
    /// A path that names something else than a file.
    #[error("`{path}` is a {kind}, not a file")]
    NotAFile {
        /// The path.
        path: String,
        /// What it is instead.
        kind: &'static str,
    },
    /// Something that must not be written.
    #[error("cannot record {0}")]
    Refused(String),
    /// A remote that is not set up here.
    #[error("`{0}` is not a remote of this repository")]
    UnknownRemote(String),
    /// git answered in a way this program does not understand.
    #[error("git {command} answered in an unexpected way: {detail}")]
    Unexpected {
        /// The git command.
        command: String,
        /// What was wrong with the answer.
        detail: String,
    },
    /// git reported an error of its own.
    #[error("git {command} failed: {message}")]
    Failed {
        /// The git command.
        command: String,
        /// The first lines of what it said.
        message: String,
    },
    /// Starting git or talking to it failed.
    #[error("talking to git failed: {0}")]
    Io(#[from] std::io::Error),
}

impl GitError {
    /// What a person can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::GitMissing | Self::GitTooOld(_) => "install git 2.38 or newer".to_owned(),
            Self::BadObject { .. } => "see what is missing: git fsck".to_owned(),
            Self::UnknownRemote(_) => "list them with: git remote".to_owned(),
            Self::Refused(_) => "sign it again with: countersign sign".to_owned(),
            Self::NotAFile { .. } => "put a plain file in its place".to_owned(),
            Self::NotARepository(_) => {
                "run this inside a clone, or name one with `--repo DIR`".to_owned()
            }
            Self::DubiousOwnership(path) => format!(
                "if you trust it: git config --global --add safe.directory '{}'",
                path.display()
            ),
            Self::UnbornBranch(_) => "make a first commit".to_owned(),
            Self::UnknownRevision(_) => {
                "name a branch, a tag, a commit or a range such as `main..HEAD`".to_owned()
            }
            Self::Shallow(_) => "fetch the rest: git fetch --unshallow".to_owned(),
            Self::NoMergeBase(..) => "name the base and the head of one history".to_owned(),
            Self::TooLarge { .. } | Self::Unexpected { .. } | Self::Failed { .. } | Self::Io(_) => {
                return None;
            }
        })
    }
}
