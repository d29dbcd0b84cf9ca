//! A whole history, read for its verdicts alone.

use countersign_core::involvement::{Strength, Verdict};

use crate::GitError;
use crate::provenance::{Catalogue, CommitInput, Identity, Signature, scan_commit};
use crate::repo::{Commit, Oid, Repo};

/// What to read.
#[derive(Debug, Clone)]
pub struct ScanOptions {
    /// The commit whose history is read.
    pub rev: Oid,
    /// Only commits since then, in seconds since 1970.
    pub since: Option<i64>,
}

/// One commit, as far as a scan looks.
#[derive(Debug)]
pub struct ScanRecord<'a> {
    /// The author's mailbox.
    pub email: &'a str,
    /// When it was committed, in seconds since 1970.
    pub time: i64,
    /// Did AI take part?
    pub verdict: Verdict,
    /// The strongest evidence of AI, if there is any.
    pub strength: Option<Strength>,
    /// The tools involved.
    pub tools: &'a [&'a str],
}

impl Repo {
    /// Reads every commit of a history, one in memory at a time.
    ///
    /// # Errors
    /// When git cannot walk the history.
    pub fn scan(
        &self,
        options: &ScanOptions,
        visit: &mut dyn FnMut(&ScanRecord<'_>),
    ) -> Result<(), GitError> {
        let ids = self.commit_ids(None, &options.rev)?;
        let names: Vec<&str> = ids.iter().map(Oid::as_str).collect();
        self.each_object(&names, crate::repo::MAX_OBJECT, |at, object| {
            let (Some(id), Some(object)) = (ids.get(at), object) else {
                return;
            };
            let Some(commit) = Commit::parse(id.clone(), &object.bytes) else {
                return;
            };
            if options
                .since
                .is_some_and(|since| commit.committer.time < since)
            {
                return;
            }
            let scanned = scan_commit(
                Catalogue::builtin(),
                &CommitInput {
                    id: id.as_str(),
                    parents: &[],
                    author: Identity {
                        name: &commit.author.name,
                        email: &commit.author.email,
                    },
                    committer: Identity {
                        name: &commit.committer.name,
                        email: &commit.committer.email,
                    },
                    message: commit.message.as_bytes(),
                    note: None,
                    signature: Signature::NotByAuthor,
                    added: None,
                    traces: None,
                    checkpoints: None,
                },
            );
            let tools: Vec<&str> = scanned.tools.iter().map(String::as_str).collect();
            visit(&ScanRecord {
                email: &commit.author.email,
                time: commit.committer.time,
                verdict: scanned.verdict,
                strength: scanned.strength,
                tools: &tools,
            });
        })
    }
}
