//! Exchanging the chain with a remote.

use super::REF;
use crate::{GitError, Oid, Repo};

/// What to fetch, for a remote called `REMOTE`. The pattern matches nothing,
/// without an error, where the remote has no chain yet.
pub const REFSPEC: &str = "+refs/countersign/signoffs*:refs/countersign/remotes/REMOTE/signoffs*";

/// The same for the record of tips, which only the gate writes.
const TIPS: &str = "+refs/countersign/tips*:refs/countersign/remotes/REMOTE/tips*";

/// How often a push that others got ahead of is tried again.
const TRIES: u32 = 10;

/// What a fetch found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fetched {
    /// The remote's newest commit; `None` where it has no chain.
    pub tip: Option<Oid>,
    /// Commits that the remote had at the last fetch and no longer has: someone
    /// rewrote what must only grow. They are kept here.
    pub withdrawn: usize,
}

impl Repo {
    /// Fetches a remote's chain and joins it with the one here.
    ///
    /// # Errors
    /// When the remote is unknown or cannot be reached.
    pub fn fetch_signoffs(&self, remote: &str) -> Result<Fetched, GitError> {
        self.check_remote(remote)?;
        let tracking = format!("refs/countersign/remotes/{remote}/signoffs");
        let before = self.tip_of(&tracking)?;
        let refspecs = [REFSPEC, TIPS].map(|it| it.replace("REMOTE", remote));
        let mut args = vec!["fetch", "--quiet", "--no-tags", "--prune", remote];
        args.extend(refspecs.iter().map(String::as_str));
        self.remote(&args)?;
        let tip = self.tip_of(&tracking)?;
        let withdrawn = match (&before, &tip) {
            (Some(before), Some(tip)) => self.commit_ids(Some(tip), before)?.len(),
            (Some(before), None) => self.commit_ids(None, before)?.len(),
            (None, _) => 0,
        };
        for oid in before.iter().filter(|_| withdrawn > 0).chain(&tip) {
            self.advance_signoffs(oid)?;
        }
        Ok(Fetched { tip, withdrawn })
    }

    /// Sends the chain to a remote, after joining what others have added there.
    ///
    /// # Errors
    /// When the remote is unknown, cannot be reached, or refuses.
    pub fn push_signoffs(&self, remote: &str) -> Result<(), GitError> {
        self.check_remote(remote)?;
        if self.tip_of(REF)?.is_none() {
            return Ok(());
        }
        let refspec = format!("{REF}:{REF}");
        let mut tries = 0;
        loop {
            tries += 1;
            let answer = self.git.remote(&["push", "--quiet", remote, &refspec])?;
            if answer.status == 0 {
                return Ok(());
            }
            let raced = [
                "fetch first",
                "non-fast-forward",
                "cannot lock ref",
                "stale info",
            ];
            let again = raced.iter().any(|it| answer.stderr.contains(it));
            if !again || tries >= TRIES {
                return Err(self.git.failure(&["push"], &answer));
            }
            self.fetch_signoffs(remote)?;
        }
    }

    /// Whether a push that moves the chain from `old` to `new` only adds to it.
    ///
    /// # Errors
    /// When git cannot compare them.
    pub fn signoffs_only_grow(
        &self,
        old: Option<&Oid>,
        new: Option<&Oid>,
    ) -> Result<bool, GitError> {
        match (old, new) {
            (None, _) => Ok(true),
            (Some(_), None) => Ok(false),
            (Some(old), Some(new)) => self.is_ancestor(old, new),
        }
    }

    /// The names of all remotes.
    ///
    /// # Errors
    /// When git cannot read its configuration.
    pub fn remotes(&self) -> Result<Vec<String>, GitError> {
        let known = self.git.output(&["remote"])?;
        let known = String::from_utf8_lossy(&known);
        Ok(known.lines().map(str::to_owned).collect())
    }

    /// A remote is a name, so that it can be part of a ref and is no option.
    pub(crate) fn check_remote(&self, remote: &str) -> Result<(), GitError> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let fits = !remote.starts_with(['-', '.']) && remote.chars().all(plain);
        if fits && self.remotes()?.iter().any(|name| name == remote) {
            Ok(())
        } else {
            Err(GitError::UnknownRemote(remote.to_owned()))
        }
    }

    pub(crate) fn remote(&self, args: &[&str]) -> Result<(), GitError> {
        let answer = self.git.remote(args)?;
        if answer.status == 0 {
            Ok(())
        } else {
            Err(self.git.failure(args, &answer))
        }
    }
}
