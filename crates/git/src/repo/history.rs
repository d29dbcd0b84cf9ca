//! The changes that a branch took in, one after the other.

use std::collections::{HashMap, HashSet};

use super::{Commit, Oid, Repo};
use crate::GitError;

/// One step of a branch: a merge with all it brought, or a single commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The commit on the branch.
    pub landed: Commit,
    /// The state of the branch before; `None` for the first commit.
    pub base: Option<Oid>,
    /// The commits it brought: for a merge those of the merged branch, else
    /// itself.
    pub commits: Vec<Oid>,
}

impl Repo {
    /// The changes a branch took in since a time (seconds since 1970), newest
    /// first: its first-parent history, which is what landed, one step at a time.
    /// Where a shallow clone was cut off, the last step is left out.
    ///
    /// # Errors
    /// When git cannot walk the history.
    pub fn landed_changes(&self, head: &Oid, since: Option<i64>) -> Result<Vec<Change>, GitError> {
        let parents = self.parents(head)?;
        let mut chain = Vec::new();
        let mut next = Some(head.clone());
        while let Some(id) = next {
            next = parents
                .get(&id)
                .and_then(|parents| parents.first().cloned());
            chain.push(id);
        }
        // From the oldest: what a step brings is what was not reached before.
        let mut reached: HashSet<Oid> = HashSet::new();
        let mut steps = Vec::new();
        for landed in chain.into_iter().rev() {
            let commits = newly_reached(&landed, &parents, &mut reached);
            steps.push((landed, commits));
        }
        steps.reverse();
        let ids: Vec<Oid> = steps.iter().map(|(landed, _)| landed.clone()).collect();
        let since = since.unwrap_or(i64::MIN);
        Ok(self
            .read_commits(&ids)?
            .into_iter()
            .zip(steps)
            .filter(|(landed, _)| landed.committer.time >= since)
            // Where a shallow clone was cut off, nobody knows what the change was.
            .filter(|(landed, _)| {
                let known = parents.get(&landed.id).map_or(0, Vec::len);
                known == landed.parents.len()
            })
            .map(|(landed, (_, commits))| Change {
                base: landed.parents.first().cloned(),
                commits,
                landed,
            })
            .collect())
    }

    /// The first-parent line of a branch, oldest first: every state it has been
    /// in, as far as its tip can tell.
    ///
    /// # Errors
    /// When git cannot walk the history.
    pub fn first_parent_line(&self, tip: &Oid) -> Result<Vec<Oid>, GitError> {
        let args = ["rev-list", "--first-parent", "--reverse", tip.as_str()];
        let text = self.git.output(&args)?;
        let text = String::from_utf8_lossy(&text);
        Ok(text.lines().filter_map(Oid::new).collect())
    }

    /// Whether a branch at `new` has been at `old`, as far as first parents tell.
    ///
    /// # Errors
    /// When git cannot walk the history.
    pub fn has_been_at(&self, old: &Oid, new: &Oid) -> Result<bool, GitError> {
        if old == new {
            return Ok(true);
        }
        let not = format!("^{old}");
        let args = [
            "rev-list",
            "--first-parent",
            "--parents",
            new.as_str(),
            &not,
        ];
        let text = self.git.output(&args)?;
        let text = String::from_utf8_lossy(&text);
        // The oldest comes last, and its first parent right after it.
        let oldest = text.lines().last().unwrap_or_default();
        Ok(oldest.split(' ').nth(1) == Some(old.as_str()))
    }

    /// The first state of a branch, along first parents, that had a file.
    ///
    /// # Errors
    /// When git cannot walk the history.
    pub fn first_with(&self, tip: &Oid, path: &str) -> Result<Option<Oid>, GitError> {
        let args = [
            "log",
            "--first-parent",
            "--diff-merges=first-parent",
            "--diff-filter=A",
            "--no-renames",
            "--no-notes",
            "--raw",
            "--format=%H",
            tip.as_str(),
            "--",
            path,
        ];
        let text = self.git.output(&args)?;
        let text = String::from_utf8_lossy(&text);
        Ok(text.lines().rev().find_map(Oid::new))
    }

    /// The parents of every commit that `head` has.
    fn parents(&self, head: &Oid) -> Result<HashMap<Oid, Vec<Oid>>, GitError> {
        let text = self.git.output(&["rev-list", "--parents", head.as_str()])?;
        Ok(String::from_utf8_lossy(&text)
            .lines()
            .filter_map(|line| {
                let mut ids = line.split(' ').filter_map(Oid::new);
                Some((ids.next()?, ids.collect()))
            })
            .collect())
    }
}

/// The commits that `landed` has and nothing before it had, oldest first,
/// `landed` itself last.
fn newly_reached(
    landed: &Oid,
    parents: &HashMap<Oid, Vec<Oid>>,
    reached: &mut HashSet<Oid>,
) -> Vec<Oid> {
    let mut found = Vec::new();
    let mut open = vec![landed.clone()];
    while let Some(id) = open.pop() {
        if !reached.insert(id.clone()) {
            continue;
        }
        open.extend(parents.get(&id).into_iter().flatten().rev().cloned());
        found.push(id);
    }
    found.reverse();
    found
}
