//! What a change would land, and whether a sign-off of other commits holds for
//! it.
//!
//! The rules are in [`countersign_core::signoff::carry`]; here git is asked for
//! the facts they need. Merges use fixed options in an empty repository of our
//! own, so that no configuration, attribute or merge driver, whether pushed or
//! local, has a say (`isolated`).

mod isolated;
mod landing;
mod transitions;

use countersign_core::signoff;
use countersign_core::signoff::carry::{Ground, NeverCarried, Replay};
use countersign_core::signoff::content::{Landed, Merge, Snapshot, Step, transition_digest};

pub(crate) use self::isolated::Isolated;
use self::isolated::Merged;
use self::transitions::{Difference, differences};
use crate::{Commit, GitError, Oid, Repo};

pub use landing::{LandedAs, Unit};

/// The most commits of one change.
pub const MAX_COMMITS: usize = 5_000;

/// Commits on their way into a protected branch, with what carrying a sign-off
/// over depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposed {
    /// What a sign-off binds to.
    pub content: Merge,
    /// Every path that would change on the protected branch.
    pub paths: Vec<String>,
    /// Paths whose change is never carried.
    pub never_carried: Vec<(String, NeverCarried)>,
    /// Whether a merge is among the commits.
    pub merge_commits: bool,
    /// Paths that conflict with the protected branch; nothing would land then.
    pub conflicts: Vec<String>,
}

/// An object name as statements write it.
///
/// # Errors
/// Never for a name that git gave.
pub fn statement_oid(oid: &Oid) -> Result<signoff::Oid, GitError> {
    oid.as_str().parse().map_err(|_| GitError::Unexpected {
        command: "rev-parse".into(),
        detail: format!("`{oid}` is not a full object name"),
    })
}

fn git_oid(oid: &signoff::Oid) -> Result<Oid, GitError> {
    Oid::new(oid.as_str()).ok_or_else(|| GitError::UnknownRevision(oid.to_string()))
}

fn snapshot(commit: &Commit) -> Result<Snapshot, GitError> {
    Ok(Snapshot {
        commit: statement_oid(&commit.id)?,
        tree: statement_oid(&commit.tree)?,
    })
}

impl Repo {
    /// What landing `head` on a protected branch at `tip` would do.
    ///
    /// # Errors
    /// When the two have no common history, part of it is missing, there are
    /// more than [`MAX_COMMITS`] commits, or a file is larger than 64 MiB.
    pub fn proposed(&self, tip: &Oid, head: &Oid) -> Result<Proposed, GitError> {
        self.isolated()?.proposed(self, tip, head)
    }

    /// What git says about a signed content and today's: the facts that
    /// [`countersign_core::signoff::carry::carry`] judges by.
    ///
    /// # Errors
    /// When history that is needed is missing.
    pub fn ground(&self, signed: &Merge, today: &Proposed) -> Result<Ground, GitError> {
        self.isolated()?.ground(signed, today)
    }

    /// For each signed content, the paths that it changes on its base; nothing
    /// for one whose commits are not here any more.
    ///
    /// # Errors
    /// When git cannot compare them.
    pub fn paths_of(&self, signed: &[&Merge]) -> Result<Vec<Vec<String>>, GitError> {
        let isolated = self.isolated()?;
        let mut pairs = Vec::with_capacity(signed.len());
        for merge in signed {
            let (base, head) = (git_oid(&merge.base.commit)?, git_oid(&merge.head.commit)?);
            let here = isolated.has(&base)? && isolated.has(&head)?;
            pairs.push(here.then_some((base, head)));
        }
        let here: Vec<Oid> = pairs
            .iter()
            .flatten()
            .flat_map(|(base, head)| [base.clone(), head.clone()])
            .collect();
        let commits = isolated.repo.read_commits(&here)?;
        let mut trees = commits.into_iter().map(|commit| commit.tree);
        let pairs: Vec<Option<(Oid, Oid)>> = pairs
            .iter()
            .map(|pair| pair.as_ref().and_then(|_| trees.next().zip(trees.next())))
            .collect();
        let wanted: Vec<(Oid, Oid)> = pairs.iter().flatten().cloned().collect();
        let mut differences = differences(&isolated.repo, &wanted)?.into_iter();
        Ok(pairs
            .iter()
            .map(|pair| {
                let difference = pair.as_ref().and_then(|_| differences.next());
                difference.map_or_else(Vec::new, |it| it.paths())
            })
            .collect())
    }

    /// Where merges are tried; made once.
    fn isolated(&self) -> Result<&Isolated, GitError> {
        if let Some(isolated) = self.isolated.get() {
            return Ok(isolated);
        }
        let made = Isolated::of(self)?;
        Ok(self.isolated.get_or_init(|| made))
    }
}

impl Isolated {
    fn proposed(&self, real: &Repo, tip: &Oid, head: &Oid) -> Result<Proposed, GitError> {
        // Asked of the real repository, which knows whether it is shallow.
        let base = real.merge_base(tip, head)?;
        let ids = real.commit_ids(Some(tip), head)?;
        if ids.len() > MAX_COMMITS {
            return Err(GitError::TooLarge {
                what: format!("the change ({} commits)", ids.len()),
                limit: MAX_COMMITS,
            });
        }
        let commits = self.repo.read_commits(&ids)?;
        let ends = [base.clone(), tip.clone(), head.clone()];
        let ends = self.repo.read_commits(&ends)?;
        let [base_at, tip_at, head_at] = ends.as_slice() else {
            return Err(GitError::UnknownRevision(head.to_string()));
        };
        let (tree, conflicts) = if base == *tip {
            (Some(head_at.tree.clone()), Vec::new())
        } else {
            match self.merge(None, tip, head)? {
                Merged::Tree(tree) => (Some(tree), Vec::new()),
                Merged::Conflicts(paths) => (None, paths),
            }
        };
        let mut pairs = self.step_pairs(&commits)?;
        let end = tree.as_ref().unwrap_or(&head_at.tree);
        pairs.push((tip_at.tree.clone(), end.clone()));
        let mut found = differences(&self.repo, &pairs)?;
        let whole = found.pop().unwrap_or_default();
        let result = match &tree {
            None => None,
            Some(tree) => Some(Landed {
                target_tip: statement_oid(tip)?,
                tree: statement_oid(tree)?,
                digest: transition_digest(&whole.transitions),
            }),
        };
        Ok(Proposed {
            content: Merge {
                base: snapshot(base_at)?,
                head: snapshot(head_at)?,
                commits: steps(&commits, &found)?,
                result,
            },
            paths: whole.paths(),
            never_carried: whole.never_carried,
            merge_commits: commits.iter().any(|commit| commit.parents.len() > 1),
            conflicts,
        })
    }

    /// Each commit's tree against that of its first parent.
    fn step_pairs(&self, commits: &[Commit]) -> Result<Vec<(Oid, Oid)>, GitError> {
        let parents: Vec<Oid> = commits
            .iter()
            .filter_map(|commit| commit.parents.first().cloned())
            .collect();
        let mut trees = self.repo.read_commits(&parents)?.into_iter();
        let pair = |commit: &Commit| {
            let before = match commit.parents.first() {
                Some(_) => trees.next().map(|parent| parent.tree),
                None => Some(self.repo.empty_tree().clone()),
            };
            before.map(|before| (before, commit.tree.clone()))
        };
        Ok(commits.iter().filter_map(pair).collect())
    }

    fn ground(&self, signed: &Merge, today: &Proposed) -> Result<Ground, GitError> {
        let mut ground = Ground {
            signed_tip_on_target: false,
            merge_commits: today.merge_commits,
            never_carried: today.never_carried.clone(),
            moved_under: Vec::new(),
            differs: Vec::new(),
            files: today.paths.len(),
            replay: Replay::HeadGone,
        };
        let (Some(was), Some(is)) = (&signed.result, &today.content.result) else {
            return Ok(ground);
        };
        let (old_tip, new_tip) = (git_oid(&was.target_tip)?, git_oid(&is.target_tip)?);
        if !self.has(&old_tip)? || !self.repo.is_ancestor(&old_tip, &new_tip)? {
            return Ok(ground);
        }
        ground.signed_tip_on_target = true;
        let head = git_oid(&signed.head.commit)?;
        let head_present = self.has(&head)?;
        if was.digest == is.digest {
            if head_present {
                ground.replay = self.replay(signed, &today.content)?;
            }
        } else {
            self.explain_difference(&mut ground, (&old_tip, &new_tip), today, || {
                head_present.then_some(&head)
            })?;
        }
        Ok(ground)
    }

    /// Merges the signed head onto today's base: three-way, with the signed
    /// base as the common ancestor.
    fn replay(&self, signed: &Merge, today: &Merge) -> Result<Replay, GitError> {
        if signed.head == today.head && signed.base == today.base {
            return Ok(Replay::Identical);
        }
        let merged = self.merge(
            Some(&git_oid(&signed.base.commit)?),
            &git_oid(&today.base.commit)?,
            &git_oid(&signed.head.commit)?,
        )?;
        Ok(match merged {
            Merged::Conflicts(_) => Replay::Conflicts,
            Merged::Tree(tree) if tree.as_str() == today.head.tree.as_str() => Replay::Identical,
            Merged::Tree(_) => Replay::Different,
        })
    }

    /// Names what differs: paths that the protected branch changed under the
    /// change, and, where the signed head is still here, paths that would land
    /// with other content.
    fn explain_difference<'a>(
        &self,
        ground: &mut Ground,
        (old_tip, new_tip): (&Oid, &Oid),
        today: &Proposed,
        signed_head: impl FnOnce() -> Option<&'a Oid>,
    ) -> Result<(), GitError> {
        let tips = self
            .repo
            .read_commits(&[old_tip.clone(), new_tip.clone()])?;
        let [old, new] = tips.as_slice() else {
            return Ok(());
        };
        let is_tree = today.content.result.as_ref().map(|it| git_oid(&it.tree));
        let mut pairs = vec![(old.tree.clone(), new.tree.clone())];
        if let Some(tree) = is_tree {
            // What lands today, which may be a merge made for the occasion.
            let head = git_oid(&today.content.head.commit)?;
            let tree = match self.merge(None, new_tip, &head)? {
                Merged::Tree(made) => made,
                Merged::Conflicts(_) => tree?,
            };
            pairs.push((new.tree.clone(), tree));
        }
        if let Some(head) = signed_head()
            && let Merged::Tree(tree) = self.merge(None, old_tip, head)?
        {
            pairs.push((old.tree.clone(), tree));
        }
        let found = differences(&self.repo, &pairs)?;
        if let [moved, rest @ ..] = found.as_slice() {
            let moved = moved.paths();
            ground.moved_under = moved
                .into_iter()
                .filter(|path| today.paths.contains(path))
                .collect();
            if let [is, was] = rest {
                ground.differs = differing(was, is);
            }
        }
        Ok(())
    }
}

/// Paths that two changes treat differently.
fn differing(was: &Difference, is: &Difference) -> Vec<String> {
    let mut paths: Vec<String> = was
        .transitions
        .iter()
        .filter(|it| !is.transitions.contains(it))
        .chain(
            is.transitions
                .iter()
                .filter(|it| !was.transitions.contains(it)),
        )
        .map(|it| crate::repo::path_text(&it.path))
        .collect();
    paths.sort_unstable();
    paths.dedup();
    paths
}

fn steps(commits: &[Commit], found: &[Difference]) -> Result<Vec<Step>, GitError> {
    commits
        .iter()
        .zip(found)
        .map(|(commit, difference)| {
            Ok(Step {
                commit: statement_oid(&commit.id)?,
                digest: transition_digest(&difference.transitions),
            })
        })
        .collect()
}
