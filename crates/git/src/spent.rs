//! Permissions that hold once: `refs/countersign/spent/<sha256>`.
//!
//! A permission is spent by creating the ref named after what it permits. Git
//! creates a ref that must not exist yet (old value all zeros) under a lock and
//! atomically, here and on a server that is pushed to, so of any number who try
//! at the same time exactly one wins. The ref leads to a commit whose tree holds
//! the file `spent.json`: what the winner wrote about the occasion.
//!
//! A ref on this machine binds this clone; whoever may write here may delete it.
//! One on a remote binds everyone who names that remote.

use countersign_core::signoff::Digest;

use crate::repo::MAX_OBJECT;
use crate::signoffs::DURABLE;
use crate::{GitError, Oid, Repo};

/// Where spent permissions are.
pub const PREFIX: &str = "refs/countersign/spent/";

/// The file that holds what was written about the occasion.
const FILE: &str = "spent.json";

/// How often a lock that someone else holds is waited for, 10 ms each. Whoever
/// holds it creates the very ref we want, so waiting ends with an answer.
const TRIES: u32 = 500;

/// What became of an attempt to spend a permission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Spending {
    /// It was there to be spent, and now it is not any more.
    Spent(Oid),
    /// It had been spent before.
    Before(Occasion),
}

/// When and how a permission was spent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occasion {
    /// The remote where that is known from; `None`: this repository.
    pub remote: Option<String>,
    /// The commit; `None` where it cannot be had.
    pub commit: Option<Oid>,
    /// What was written about it; empty where it cannot be read.
    pub record: Vec<u8>,
}

impl Repo {
    /// When and how a permission was spent here; `None` while it is not.
    ///
    /// # Errors
    /// When git cannot read the refs.
    pub fn spent(&self, key: &Digest) -> Result<Option<Occasion>, GitError> {
        let name = name(key);
        let args = ["rev-parse", "--verify", "--quiet", "--end-of-options"];
        let found = self.git.line(&[&args[..], &[&name]].concat())?;
        let Some(found) = found else {
            return Ok(None);
        };
        let commit = Oid::new(&found);
        let record = match &commit {
            Some(commit) => self.occasion(commit)?,
            None => Vec::new(),
        };
        Ok(Some(Occasion {
            remote: None,
            commit,
            record,
        }))
    }

    /// Spends a permission, if nobody has: on the remote first, if one is
    /// named, then here. `record` is kept with it; `at` is the time in seconds
    /// since 1970.
    ///
    /// # Errors
    /// When git cannot write or the remote cannot be reached or refuses. Then
    /// nothing may go ahead, and the permission may be spent or not.
    pub fn spend(
        &self,
        key: &Digest,
        record: &[u8],
        at: i64,
        remote: Option<&str>,
    ) -> Result<Spending, GitError> {
        if let Some(remote) = remote {
            self.check_remote(remote)?;
        }
        if let Some(before) = self.spent(key)? {
            return Ok(Spending::Before(before));
        }
        let blob = self.write_object(&["hash-object", "-w", "--stdin"], record)?;
        let entry = format!("100644 blob {blob}\t{FILE}\n");
        let tree = self.write_object(&["mktree"], entry.as_bytes())?;
        let message = format!("spend {key}\n\nNonce: {}", nonce()?);
        let commit = self.write_commit(&tree, &[], at, &message)?;
        if let Some(remote) = remote
            && let Some(before) = self.spend_at(remote, key, &commit)?
        {
            return Ok(Spending::Before(before));
        }
        Ok(match self.create_ref(key, &commit)? {
            None => Spending::Spent(commit),
            Some(before) => Spending::Before(before),
        })
    }

    /// Whether a ref of this name that leads to this commit spends a permission,
    /// as [`Self::spend`] does it. A server lets such a ref be created, and never
    /// moved or taken away.
    ///
    /// # Errors
    /// When git cannot read the commit.
    pub fn is_spending(&self, name: &str, commit: &Oid) -> Result<bool, GitError> {
        let is_digest = name.strip_prefix(PREFIX).is_some_and(|key| {
            let is_hex = |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
            key.len() == 64 && key.bytes().all(is_hex)
        });
        Ok(is_digest && !self.occasion(commit)?.is_empty())
    }

    /// Creates the ref here; the other occasion where someone was first.
    fn create_ref(&self, key: &Digest, commit: &Oid) -> Result<Option<Occasion>, GitError> {
        let (name, absent) = (name(key), self.no_object());
        let mut args = DURABLE.to_vec();
        args.extend(["update-ref", "-m", "countersign gate", &name]);
        args.extend([commit.as_str(), &absent]);
        let mut tries = 0;
        loop {
            let answer = self.git.run(&args, &[])?;
            if answer.status == 0 {
                return Ok(None);
            }
            if let Some(before) = self.spent(key)? {
                return Ok(Some(before));
            }
            tries += 1;
            if tries >= TRIES {
                return Err(self.git.failure(&["update-ref"], &answer));
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
    }

    /// Creates the ref on a remote; the other occasion where someone was first.
    fn spend_at(
        &self,
        remote: &str,
        key: &Digest,
        commit: &Oid,
    ) -> Result<Option<Occasion>, GitError> {
        let name = name(key);
        // Nothing after the colon: the ref must not exist there. The server
        // checks that again when it takes the push.
        let lease = format!("--force-with-lease={name}:");
        let refspec = format!("{commit}:{name}");
        let answer = self
            .git
            .remote(&["push", "--quiet", &lease, remote, &refspec])?;
        if answer.status == 0 {
            return Ok(None);
        }
        let listed = self.git.remote(&["ls-remote", remote, &name])?;
        let theirs = String::from_utf8_lossy(&listed.stdout);
        let theirs = theirs.split_whitespace().next().and_then(Oid::new);
        match theirs.filter(|_| listed.status == 0) {
            Some(theirs) if theirs == *commit => Ok(None),
            Some(theirs) => Ok(Some(self.occasion_at(remote, &name, theirs))),
            None => Err(self.git.failure(&["push"], &answer)),
        }
    }

    /// What a remote knows about an occasion. That it exists is enough to say
    /// no, so what cannot be fetched is left out.
    fn occasion_at(&self, remote: &str, name: &str, commit: Oid) -> Occasion {
        let args = ["fetch", "--quiet", "--no-tags", "--no-write-fetch-head"];
        let fetched = self.remote(&[&args[..], &[remote, name]].concat());
        let record = fetched.and_then(|()| self.occasion(&commit));
        Occasion {
            remote: Some(remote.to_owned()),
            commit: Some(commit),
            record: record.unwrap_or_default(),
        }
    }

    fn occasion(&self, commit: &Oid) -> Result<Vec<u8>, GitError> {
        let mut record = Vec::new();
        let name = format!("{commit}:{FILE}");
        self.each_object(&[&name], MAX_OBJECT, |_, object| {
            record = object.map(|it| it.bytes).unwrap_or_default();
        })?;
        Ok(record)
    }
}

/// Makes every attempt a commit of its own. Were two the same, the second push
/// would change nothing on the server, and git would call that a success.
fn nonce() -> Result<String, GitError> {
    let mut nonce = [0; 16];
    getrandom::fill(&mut nonce).map_err(|error| std::io::Error::other(error.to_string()))?;
    Ok(nonce.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn name(key: &Digest) -> String {
    format!("{PREFIX}{key}")
}
