//! Merging where nothing but the commits themselves has a say.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use tempfile::TempDir;

use crate::command::Git;
use crate::{GitError, Oid, Repo};

/// Settings that fix how a merge comes out, whatever git version's default.
const MERGE: [&str; 3] = [
    "merge.renames=false",
    "merge.directoryRenames=false",
    "merge.renormalize=false",
];

/// An empty repository of our own in front of the real one's objects.
///
/// Configuration, attributes, merge drivers, grafts and replacements of the
/// real repository do not exist here, nor do those of the user and the machine.
/// What a merge writes goes away with it.
#[derive(Debug)]
pub(crate) struct Isolated {
    /// Reads the real objects, writes its own.
    pub(super) repo: Repo,
    _dir: TempDir,
}

/// What a merge gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Merged {
    /// A tree.
    Tree(Oid),
    /// Conflicts in these paths.
    Conflicts(Vec<String>),
}

impl Isolated {
    pub(super) fn of(repo: &Repo) -> Result<Self, GitError> {
        let dir = tempfile::Builder::new()
            .prefix("countersign-replay-")
            .tempdir()?;
        let path = dir.path();
        for name in ["objects", "refs"] {
            std::fs::create_dir(path.join(name))?;
        }
        std::fs::write(path.join("HEAD"), "ref: refs/heads/none\n")?;
        std::fs::write(path.join("config"), config(repo))?;
        let env = vec![
            ("GIT_DIR", path.as_os_str().to_owned()),
            ("GIT_OBJECT_DIRECTORY", path.join("objects").into()),
            ("GIT_ALTERNATE_OBJECT_DIRECTORIES", alternates(repo)?),
            ("GIT_CONFIG_NOSYSTEM", "1".into()),
            ("GIT_CONFIG_GLOBAL", "/dev/null".into()),
            ("GIT_CONFIG_COUNT", "0".into()),
            ("GIT_CONFIG_PARAMETERS", OsString::new()),
        ];
        let git = Git::new(path)
            .with_attributes_of(repo.empty_tree().as_str())
            .with_env(env);
        let mut isolated = repo.clone();
        isolated.git = git;
        isolated.readers = Arc::default();
        isolated.isolated = Arc::default();
        Ok(Self {
            repo: isolated,
            _dir: dir,
        })
    }

    /// Merges two commits; on top of `base`, or of where they parted.
    pub(super) fn merge(
        &self,
        base: Option<&Oid>,
        ours: &Oid,
        theirs: &Oid,
    ) -> Result<Merged, GitError> {
        let base = base.map(|base| format!("--merge-base={base}"));
        let mut args: Vec<&str> = MERGE.iter().flat_map(|it| ["-c", it]).collect();
        args.extend(["merge-tree", "--write-tree", "--no-messages"]);
        args.extend(["--name-only", "-z"]);
        args.extend(base.as_deref());
        args.extend([ours.as_str(), theirs.as_str()]);
        let answer = self.repo.git.run(&args, &[])?;
        let mut parts = answer.stdout.split(|byte| *byte == 0);
        let tree = parts
            .next()
            .and_then(|tree| std::str::from_utf8(tree).ok())
            .and_then(|tree| Oid::new(tree.trim()));
        match (answer.status, tree) {
            (0, Some(tree)) => Ok(Merged::Tree(tree)),
            (1, Some(_)) => Ok(Merged::Conflicts(
                parts
                    .filter(|path| !path.is_empty())
                    .map(crate::repo::path_text)
                    .collect(),
            )),
            _ => Err(self.repo.git.failure(&["merge-tree"], &answer)),
        }
    }

    /// Whether a commit is here.
    pub(super) fn has(&self, commit: &Oid) -> Result<bool, GitError> {
        let mut found = false;
        self.repo.each_object(&[commit.as_str()], 0, |_, object| {
            found = object.is_some_and(|object| object.kind == "commit");
        })?;
        Ok(found)
    }
}

fn config(repo: &Repo) -> &'static str {
    if repo.empty_tree().as_str().len() == 64 {
        "[core]\n\trepositoryformatversion = 1\n\tbare = true\n[extensions]\n\tobjectformat = sha256\n"
    } else {
        "[core]\n\trepositoryformatversion = 0\n\tbare = true\n"
    }
}

/// Where the real repository reads objects from: a push in quarantine has its
/// new objects apart and names both places in the environment.
fn alternates(repo: &Repo) -> Result<OsString, GitError> {
    let args = [
        "rev-parse",
        "--path-format=absolute",
        "--git-path",
        "objects",
    ];
    let text = repo.git.output(&args)?;
    let own = PathBuf::from(String::from_utf8_lossy(&text).trim_end_matches('\n'));
    let mut all = vec![own];
    for name in ["GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES"] {
        if let Some(value) = std::env::var_os(name) {
            all.extend(std::env::split_paths(&value));
        }
    }
    std::env::join_paths(all).map_err(|_| GitError::Unexpected {
        command: "rev-parse".into(),
        detail: "the path of the objects contains the separator of paths".into(),
    })
}
