//! Whether what landed on a protected branch is what was signed.
//!
//! Needs nothing but the commits that landed and the statements: the signed
//! digest covers the old and the new content of every path, so the branches the
//! change came from may be gone.

use std::collections::{BTreeMap, BTreeSet};

use countersign_core::signoff::Digest;
use countersign_core::signoff::carry::Dropped;
use countersign_core::signoff::content::{Merge, transition_digest};

use super::isolated::Isolated;
use super::transitions::differences;
use super::{MAX_COMMITS, git_oid, steps};
use crate::{Commit, GitError, Oid, Repo};

/// How a change landed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LandedAs {
    /// As one commit.
    OneCommit,
    /// Commit by commit.
    EveryCommit,
    /// By a merge commit.
    Merge,
}

/// One step of the protected branch: what it gained at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// The tip before.
    pub parent: Oid,
    /// The tip after.
    pub tip: Oid,
    /// Which of the signed contents it is, and how it landed; else why the
    /// nearest one is not it, if any came near.
    pub proof: Result<(usize, LandedAs), Option<Dropped>>,
}

impl Repo {
    /// Explains every first-parent step from `old` to `new` by the signed
    /// contents, each at most once, in the order in which they landed: by merge,
    /// squash, rebase, fast-forward, or several in one push from a queue.
    ///
    /// A squash makes only its result reachable; anything else must bring the
    /// signed commits one by one.
    ///
    /// # Errors
    /// When history or content that is needed is missing, or there are more
    /// than [`MAX_COMMITS`] steps.
    pub fn explain_landing(
        &self,
        old: &Oid,
        new: &Oid,
        signed: &[&Merge],
    ) -> Result<Vec<Unit>, GitError> {
        let Some(line) = self.first_parents(old, new)? else {
            // The old tip is not on the main line of the new one: some merge
            // has put another history in its place.
            return Ok(vec![Unit {
                parent: old.clone(),
                tip: new.clone(),
                proof: Err(Some(Dropped::MergeCommits)),
            }]);
        };
        let mut search = Search {
            isolated: self.isolated()?,
            line,
            signed,
            used: vec![false; signed.len()],
            digests: BTreeMap::new(),
        };
        search.digest_all()?;
        let mut units = Vec::new();
        let mut at = 0;
        while let (Some(parent), Some(_)) = (search.line.get(at), search.line.get(at + 1)) {
            let parent = parent.id.clone();
            let (reach, proof) = search.explain(at)?;
            let Some(tip) = search.line.get(at + reach) else {
                break;
            };
            units.push(Unit {
                parent,
                tip: tip.id.clone(),
                proof,
            });
            at += reach;
        }
        Ok(units)
    }

    /// `old` and the first-parent line from it to `new`; `None` if there is none.
    fn first_parents(&self, old: &Oid, new: &Oid) -> Result<Option<Vec<Commit>>, GitError> {
        let not = format!("^{old}");
        let args = [
            "rev-list",
            "--first-parent",
            "--reverse",
            new.as_str(),
            &not,
        ];
        let text = self.git.output(&args)?;
        let text = String::from_utf8_lossy(&text);
        let mut ids = vec![old.clone()];
        ids.extend(text.lines().filter_map(Oid::new));
        if ids.len() > MAX_COMMITS {
            return Err(GitError::TooLarge {
                what: format!("the push ({} steps)", ids.len()),
                limit: MAX_COMMITS,
            });
        }
        let line = self.read_commits(&ids)?;
        let follows = match line.get(1) {
            Some(first) => first.parents.first() == Some(old),
            None => old == new,
        };
        Ok(follows.then_some(line))
    }
}

/// Explaining one line of steps.
struct Search<'a> {
    isolated: &'a Isolated,
    /// The old tip, then every step.
    line: Vec<Commit>,
    signed: &'a [&'a Merge],
    used: Vec<bool>,
    /// What the steps from one place to another do together.
    digests: BTreeMap<(usize, usize), Digest>,
}

type Explained = (usize, Result<(usize, LandedAs), Option<Dropped>>);

impl Search<'_> {
    /// How many steps each signed content may have landed in, in order.
    fn reaches(&self) -> BTreeSet<usize> {
        let signed = self.signed.iter().map(|it| it.commits.len().max(1));
        signed.chain([1]).collect()
    }

    fn digest_all(&mut self) -> Result<(), GitError> {
        let (mut places, mut pairs) = (Vec::new(), Vec::new());
        for reach in self.reaches() {
            for (at, from) in self.line.iter().enumerate() {
                if let Some(to) = self.line.get(at + reach) {
                    places.push((at, at + reach));
                    pairs.push((from.tree.clone(), to.tree.clone()));
                }
            }
        }
        let found = differences(&self.isolated.repo, &pairs)?;
        let digests = found.iter().map(|it| transition_digest(&it.transitions));
        self.digests = places.into_iter().zip(digests).collect();
        Ok(())
    }

    /// Finds the signed content that begins at `at`, and how many steps it is.
    fn explain(&mut self, at: usize) -> Result<Explained, GitError> {
        let mut nearest = None;
        for reach in self.reaches() {
            let Some(gained) = self.digests.get(&(at, at + reach)).copied() else {
                continue;
            };
            for (which, merge) in self.signed.iter().enumerate() {
                let lands = merge.result.as_ref().filter(|it| it.digest == gained);
                let (Some(lands), Some(false)) = (lands, self.used.get(which)) else {
                    continue;
                };
                match self.landed_as(at, reach, merge, &git_oid(&lands.target_tip)?)? {
                    Ok(landed_as) => {
                        self.used
                            .iter_mut()
                            .skip(which)
                            .take(1)
                            .for_each(|it| *it = true);
                        return Ok((reach, Ok((which, landed_as))));
                    }
                    Err(dropped) => nearest = nearest.or(Some(dropped)),
                }
            }
        }
        Ok((1, Err(nearest.or_else(|| self.altered(at)))))
    }

    /// How a content with the right digest landed, or why it does not count.
    fn landed_as(
        &self,
        at: usize,
        reach: usize,
        merge: &Merge,
        signed_tip: &Oid,
    ) -> Result<Result<LandedAs, Dropped>, GitError> {
        let (Some(parent), Some(tip)) = (self.line.get(at), self.line.get(at + reach)) else {
            return Ok(Err(Dropped::Different(Vec::new())));
        };
        let repo = &self.isolated.repo;
        if !self.isolated.has(signed_tip)? || !repo.is_ancestor(signed_tip, &parent.id)? {
            return Ok(Err(Dropped::TargetRewritten));
        }
        let is_merge = tip.parents.len() > 1;
        if reach == 1 && !is_merge {
            return Ok(Ok(LandedAs::OneCommit));
        }
        let ids = repo.commit_ids(Some(&parent.id), &tip.id)?;
        let mut commits = repo.read_commits(&ids)?;
        // The merge commit is the forge's own; what it made reachable is judged.
        commits.retain(|commit| !is_merge || commit.id != tip.id);
        let found = differences(repo, &self.isolated.step_pairs(&commits)?)?;
        let landed = steps(&commits, &found)?.into_iter().map(|it| it.digest);
        if !landed.eq(merge.commits.iter().map(|it| it.digest)) {
            return Ok(Err(Dropped::CommitsDiffer));
        }
        Ok(Ok(if is_merge {
            LandedAs::Merge
        } else {
            LandedAs::EveryCommit
        }))
    }

    /// The step brought a signed head, but not what was signed.
    fn altered(&self, at: usize) -> Option<Dropped> {
        let step = self.line.get(at + 1)?;
        let brought = step.parents.get(1).unwrap_or(&step.id);
        let signed = self.signed.iter().zip(&self.used);
        let mut unused = signed.filter(|(_, used)| !**used).map(|(merge, _)| merge);
        let near = unused.any(|merge| merge.head.commit.as_str() == brought.as_str());
        near.then(|| Dropped::Different(Vec::new()))
    }
}
