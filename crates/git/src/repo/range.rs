//! Which commits a change is made of.

use super::{Oid, Repo};
use crate::GitError;

/// A change: what `head` has that `base` has not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Range {
    /// The commit the change starts from; `None` when it starts from nothing.
    pub base: Option<Oid>,
    /// The commit the change goes onto: the tip of the base branch, from which
    /// policy and roster are read. A stale branch must not be judged by the
    /// policy of the day it was made. `None` when there is nothing before it.
    pub onto: Option<Oid>,
    /// The last commit of the change.
    pub head: Oid,
    /// The range in words a person can give to git.
    pub text: String,
}

impl Repo {
    /// The range a person most likely means: the current branch since it left
    /// the default branch, else the last commit.
    ///
    /// # Errors
    /// For an unborn branch, and for a shallow clone that lacks the base.
    pub fn default_range(&self) -> Result<Range, GitError> {
        let head = self.resolve("HEAD")?;
        if let Some(branch) = self.default_branch()? {
            let tip = self.resolve(&branch)?;
            if tip != head {
                let base = self.merge_base(&tip, &head)?;
                if base != head {
                    return Ok(Range {
                        base: Some(base),
                        onto: Some(tip),
                        head,
                        text: format!("{branch}..HEAD"),
                    });
                }
            }
        }
        self.single("HEAD")
    }

    /// One commit as a range.
    fn single(&self, rev: &str) -> Result<Range, GitError> {
        let head = self.resolve(rev)?;
        let commit = self.commit(&head)?;
        let base = commit.parents.first().cloned();
        if let Some(base) = &base
            && self.shallow
            && self.resolve(base.as_str()).is_err()
        {
            return Err(GitError::Shallow(head.short().to_owned()));
        }
        let text = match &base {
            Some(_) => format!("{rev}^..{rev}"),
            None => rev.to_owned(),
        };
        Ok(Range {
            onto: base.clone(),
            base,
            head,
            text,
        })
    }

    /// Reads `A..B`, `A...B` or one revision (that commit alone). As on a pull
    /// request, the base is where the two histories parted.
    ///
    /// # Errors
    /// For names that lead to no commit and histories that never met.
    pub fn parse_range(&self, text: &str) -> Result<Range, GitError> {
        let parts = text.split_once("...").or_else(|| text.split_once(".."));
        let Some((base, head)) = parts else {
            return self.single(text);
        };
        let or_head = |rev: &str| {
            if rev.is_empty() {
                "HEAD".to_owned()
            } else {
                rev.to_owned()
            }
        };
        let tip = self.resolve(&or_head(base))?;
        let head = self.resolve(&or_head(head))?;
        Ok(Range {
            base: Some(self.merge_base(&tip, &head)?),
            onto: Some(tip),
            head,
            text: text.to_owned(),
        })
    }
}
