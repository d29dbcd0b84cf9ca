//! The commits that a squash was made from.
//!
//! A squash keeps the content of its commits and loses their authors, trailers
//! and notes. Where the original commits still exist (a pull request's ref, a
//! branch that was not deleted) they say more than the squash does.
//!
//! A name is not enough: a branch may have moved on, and a subject may name any
//! number. A branch counts as the origin when merging it into the squash's
//! parent gives exactly the squash's tree.

use std::collections::HashSet;

use super::{Commit, FileChange, Oid, Repo};
use crate::GitError;

/// Where squashed commits may still be found.
const PLACES: [&str; 4] = [
    "refs/pull/",
    "refs/merge-requests/",
    "refs/remotes/",
    "refs/heads/",
];

/// The most refs that are looked at, newest first.
const REFS_MAX: usize = 4096;

/// The most refs that are tried by merging, for one commit.
const TRIES_MAX: usize = 8;

/// The most files of a squash that are compared with each ref.
const FILES_MAX: usize = 4;

/// How it was shown that a branch is the origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// Its last commit has the very tree of the squash.
    SameTree,
    /// Merging it into the squash's parent gives the tree of the squash.
    SameMerge,
}

/// The commits a squash was made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SquashOrigin {
    /// The ref that still has them.
    pub refname: String,
    /// The commits, oldest first.
    pub commits: Vec<Oid>,
    /// Why they are believed to be the origin.
    pub proof: Proof,
}

/// Branches that may hold the commits of squashes.
#[derive(Debug, Clone, Default)]
pub struct Origins {
    refs: Vec<Candidate>,
}

#[derive(Debug, Clone)]
struct Candidate {
    refname: String,
    tip: Oid,
    tree: Oid,
}

impl Origins {
    /// Whether there is none, so that looking for an origin is pointless.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.refs.is_empty()
    }
}

impl Repo {
    /// The branches and pull requests whose commits `head` does not have: only
    /// those can be the origin of a squash in its history.
    ///
    /// # Errors
    /// When git cannot list them.
    pub fn origins(&self, head: &Oid) -> Result<Origins, GitError> {
        let not_merged = format!("--no-merged={head}");
        let count = format!("--count={REFS_MAX}");
        let mut args = vec![
            "for-each-ref",
            "--sort=-committerdate",
            "--format=%(objecttype) %(objectname) %(tree) %(refname)",
            &not_merged,
            &count,
            "--",
        ];
        args.extend(PLACES);
        let text = self.git.output(&args)?;
        let refs = String::from_utf8_lossy(&text)
            .lines()
            .filter_map(|line| {
                let mut words = line.splitn(4, ' ');
                (words.next()? == "commit").then_some(())?;
                Some(Candidate {
                    tip: Oid::new(words.next()?)?,
                    tree: Oid::new(words.next()?)?,
                    refname: words.next()?.to_owned(),
                })
            })
            .collect();
        Ok(Origins { refs })
    }

    /// The commits that `squash` was made from, if they still exist. `None`
    /// for merges, first commits, and commits that are nobody's squash.
    ///
    /// # Errors
    /// When git cannot compare them.
    pub fn squash_origin(
        &self,
        origins: &Origins,
        squash: &Commit,
    ) -> Result<Option<SquashOrigin>, GitError> {
        let [parent] = squash.parents.as_slice() else {
            return Ok(None);
        };
        if origins.is_empty() {
            return Ok(None);
        }
        let mut tried = HashSet::new();
        for candidate in self.likely(origins, squash, parent)? {
            if !tried.insert(&candidate.tip) || tried.len() > TRIES_MAX {
                continue;
            }
            let proof = if candidate.tree == squash.tree {
                Proof::SameTree
            } else if self.merged_tree(parent, &candidate.tip)?.as_ref() == Some(&squash.tree) {
                Proof::SameMerge
            } else {
                continue;
            };
            let commits = self.commit_ids(Some(parent), &candidate.tip)?;
            // A branch on top of the squash has the commit itself.
            if commits.is_empty() || commits.contains(&squash.id) {
                continue;
            }
            return Ok(Some(SquashOrigin {
                refname: candidate.refname.clone(),
                commits,
                proof,
            }));
        }
        Ok(None)
    }

    /// The candidates worth trying, best first: the ref of the pull request
    /// that the message names, the same tree, and those that hold files of the
    /// squash just as the squash left them, most of them first.
    fn likely<'o>(
        &self,
        origins: &'o Origins,
        squash: &Commit,
        parent: &Oid,
    ) -> Result<Vec<&'o Candidate>, GitError> {
        let number = request_number(&squash.message);
        let named = |c: &&Candidate| number.is_some_and(|n| names_request(&c.refname, n));
        let mut likely: Vec<&Candidate> = origins.refs.iter().filter(named).collect();
        likely.extend(origins.refs.iter().filter(|c| c.tree == squash.tree));
        // Files that moved on the base too differ, so several are compared.
        let files: Vec<FileChange> = self
            .changed_files(Some(parent), &squash.id)?
            .into_iter()
            // `cat-file` reads one name per line.
            .filter(|file| !file.is_submodule() && !file.path.contains('\\'))
            .take(FILES_MAX)
            .collect();
        let names: Vec<String> = origins
            .refs
            .iter()
            .flat_map(|c| files.iter().map(|file| format!("{}:{}", c.tip, file.path)))
            .collect();
        let found = self.object_ids(&names)?;
        let mut by_files: Vec<(usize, &Candidate)> = origins
            .refs
            .iter()
            .zip(found.chunks(files.len().max(1)))
            .map(|(candidate, ids)| {
                let same = |(file, id): &(&FileChange, &Option<Oid>)| match id {
                    Some(id) => *id == file.new_id,
                    None => file.new_id.is_null(),
                };
                (files.iter().zip(ids).filter(same).count(), candidate)
            })
            .filter(|(same, _)| *same > 0)
            .collect();
        by_files.sort_by_key(|(same, _)| std::cmp::Reverse(*same));
        likely.extend(by_files.into_iter().map(|(_, candidate)| candidate));
        Ok(likely)
    }

    /// The tree that merging `theirs` into `ours` gives; `None` on a conflict.
    ///
    /// The objects it makes go into a temporary directory: reading a repository
    /// must not change it.
    pub(crate) fn merged_tree(&self, ours: &Oid, theirs: &Oid) -> Result<Option<Oid>, GitError> {
        let scratch = tempfile::tempdir()?;
        let args = [
            "-c",
            "merge.renames=true",
            "-c",
            "merge.directoryRenames=conflict",
            "-c",
            "merge.default=text",
            "merge-tree",
            "--write-tree",
            "--no-messages",
            ours.as_str(),
            theirs.as_str(),
        ];
        let mut command = self.git.command(&args);
        command
            .env("GIT_OBJECT_DIRECTORY", scratch.path())
            .env("GIT_ALTERNATE_OBJECT_DIRECTORIES", self.object_dirs()?);
        for (at, key) in self.merge_drivers()?.iter().enumerate() {
            command
                .env("GIT_CONFIG_COUNT", (at + 1).to_string())
                .env(format!("GIT_CONFIG_KEY_{at}"), key)
                .env(format!("GIT_CONFIG_VALUE_{at}"), "false");
        }
        let answer = crate::command::finish(command, &args, &[])?;
        match answer.status {
            0 => Ok(String::from_utf8_lossy(&answer.stdout)
                .lines()
                .next()
                .and_then(Oid::new)),
            1 => Ok(None),
            // Histories that never met cannot be merged, which is an answer too.
            _ if answer.stderr.contains("unrelated histories") => Ok(None),
            _ => Err(self.git.failure(&args, &answer)),
        }
    }

    /// The settings that name a program for merging; each is replaced by one
    /// that fails, which counts as a conflict.
    fn merge_drivers(&self) -> Result<Vec<String>, GitError> {
        let args = [
            "config",
            "-z",
            "--name-only",
            "--get-regexp",
            r"^merge\..*\.driver$",
        ];
        let answer = self.git.run(&args, &[])?;
        Ok(String::from_utf8_lossy(&answer.stdout)
            .split('\0')
            .filter(|key| !key.is_empty())
            .map(str::to_owned)
            .collect())
    }

    /// Where objects are kept, as git wants it in its environment.
    fn object_dirs(&self) -> Result<std::ffi::OsString, GitError> {
        let own = self.object_dir()?;
        let more = std::env::var_os("GIT_ALTERNATE_OBJECT_DIRECTORIES").unwrap_or_default();
        let more = std::env::split_paths(&more).collect::<Vec<_>>();
        std::env::join_paths(std::iter::once(own).chain(more)).map_err(|_| GitError::Unexpected {
            command: "rev-parse".into(),
            detail: "an object directory with a separator in its name".into(),
        })
    }
}

/// The number of the pull or merge request that a message names: `(#12)` at the
/// end of the subject (GitHub, Gitea), `See merge request group/project!12`
/// (GitLab), `(pull request #12)` (Bitbucket).
fn request_number(message: &str) -> Option<u64> {
    let subject = message.lines().next().unwrap_or_default().trim_end();
    let in_subject = subject
        .strip_suffix(')')
        .and_then(|rest| rest.rsplit_once('#'))
        .filter(|(before, _)| before.ends_with('(') || before.ends_with("(pull request "))
        .map(|(_, number)| number);
    let in_body = || {
        let tail = message.rsplit_once("See merge request ")?.1;
        let word = tail.split_whitespace().next()?;
        Some(word.rsplit_once('!')?.1)
    };
    in_subject.or_else(in_body)?.parse().ok()
}

/// Whether a ref is the head of this request, in the places forges offer and
/// people fetch it to.
fn names_request(refname: &str, number: u64) -> bool {
    let number = number.to_string();
    let mut words = refname.split('/').rev().skip_while(|word| *word == "head");
    words.next() == Some(&number)
        && words
            .next()
            .is_some_and(|word| matches!(word, "pull" | "pr" | "merge-requests" | "mr"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_named_as_forges_name_them() {
        for (message, number) in [
            ("Fix the lamp (#12)\n\nbody (#9)", Some(12)),
            ("Fix the lamp (pull request #7)", Some(7)),
            ("Fix\n\nSee merge request shop/web!31", Some(31)),
            ("Fix #12", None),
            ("Fix (#x)", None),
            ("Fix (#99999999999999999999999)", None),
            ("", None),
        ] {
            assert_eq!(request_number(message), number, "{message}");
        }
        for (refname, named) in [
            ("refs/pull/12/head", true),
            ("refs/merge-requests/12/head", true),
            ("refs/remotes/origin/pr/12", true),
            ("refs/remotes/origin/pull/12/head", true),
            ("refs/pull/112/head", false),
            ("refs/heads/12", false),
            ("refs/heads/head", false),
        ] {
            assert_eq!(names_request(refname, 12), named, "{refname}");
        }
    }
}
