//! Adding to the chain.

use std::fs::File;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use countersign_core::signoff::dsse::Envelope;
use countersign_core::signoff::statement::{Stance, Statement};

use super::{FILE, Head, REF};
use crate::{GitError, Oid, Repo};

/// Who git says made the commits of the chain. Who signed is in the envelope.
const IDENTITY: &str = "Countersign <signoffs@countersign.dev>";

/// How often moving the ref is tried. Others who move it at the same time cost
/// a try each, so this bounds how many may get ahead of one writer.
const TRIES: u32 = 1_000;

/// A lock on our own ref that is older than this was left by a process that was
/// killed: git holds it for milliseconds.
const STALE: Duration = Duration::from_secs(60);

/// Settings that put objects on disk before the ref that names them.
pub(crate) const DURABLE: [&str; 2] = ["-c", "core.fsync=loose-object,reference"];

impl Repo {
    /// Adds a signed statement that follows `head`, which is what its signer
    /// saw. Others may have added theirs since; then both are joined. Returns
    /// the statement's commit.
    ///
    /// # Errors
    /// When the envelope holds no statement of ours, its predecessor is not
    /// `head`, or git cannot write.
    pub fn add_signoff(&self, head: &Head, envelope: &Envelope) -> Result<Oid, GitError> {
        let refused = |detail: String| GitError::Refused(format!("the sign-off: {detail}"));
        let statement =
            Statement::parse(envelope.payload()).map_err(|error| refused(error.to_string()))?;
        if statement.signed().prev != head.prev {
            return Err(refused(
                "it was signed after another state of the chain".into(),
            ));
        }
        let commit = self.write_entry(head, envelope, &statement)?;
        self.advance_signoffs(&commit)?;
        Ok(commit)
    }

    fn write_entry(
        &self,
        head: &Head,
        envelope: &Envelope,
        statement: &Statement,
    ) -> Result<Oid, GitError> {
        let blob = self.write_object(&["hash-object", "-w", "--stdin"], &envelope.to_bytes())?;
        let entry = format!("100644 blob {blob}\t{FILE}\n");
        let tree = self.write_object(&["mktree"], entry.as_bytes())?;
        let parents: Vec<&Oid> = head.commit.iter().collect();
        let at = statement.signed().issued_at.as_second();
        self.write_commit(&tree, &parents, at, &subject(statement))
    }

    /// Moves the ref to a head that contains `commit` and everything that the
    /// ref contains now.
    pub(super) fn advance_signoffs(&self, commit: &Oid) -> Result<(), GitError> {
        // Writers on this machine queue up, so that they need not race; the
        // lock is the system's and ends with its holder.
        let queue = self.queue()?;
        queue.lock()?;
        let mut failure = None;
        for _ in 0..TRIES {
            let current = self.signoffs_tip(REF)?;
            let next = match &current {
                None => commit.clone(),
                Some(current) if self.is_ancestor(commit, current)? => return Ok(()),
                Some(current) if self.is_ancestor(current, commit)? => commit.clone(),
                Some(current) => self.write_join(current, commit)?,
            };
            let expected = current.map_or_else(|| self.no_object(), |oid| oid.to_string());
            let mut args = DURABLE.to_vec();
            args.extend(["update-ref", "-m", "countersign sign", REF]);
            args.extend([next.as_str(), &expected]);
            let answer = self.git.run(&args, &[])?;
            if answer.status == 0 {
                return Ok(());
            }
            failure = Some(self.git.failure(&["update-ref"], &answer));
            if !self.remove_stale_lock() {
                std::thread::sleep(Duration::from_millis(5));
            }
        }
        Err(failure.unwrap_or_else(|| GitError::Unexpected {
            command: "update-ref".into(),
            detail: "it did not say why it failed".into(),
        }))
    }

    fn write_join(&self, a: &Oid, b: &Oid) -> Result<Oid, GitError> {
        let (first, second) = if a < b { (a, b) } else { (b, a) };
        // Git knows the empty tree by name, but other tools want the object.
        let tree = self.write_object(&["mktree"], b"")?;
        self.write_commit(&tree, &[first, second], 0, "join")
    }

    pub(crate) fn write_commit(
        &self,
        tree: &Oid,
        parents: &[&Oid],
        at: i64,
        subject: &str,
    ) -> Result<Oid, GitError> {
        let parents: String = parents.iter().map(|it| format!("parent {it}\n")).collect();
        let text = format!(
            "tree {tree}\n{parents}author {IDENTITY} {at} +0000\ncommitter {IDENTITY} {at} +0000\n\n{subject}\n"
        );
        let args = ["hash-object", "-w", "-t", "commit", "--stdin"];
        self.write_object(&args, text.as_bytes())
    }

    pub(crate) fn write_object(&self, args: &[&str], input: &[u8]) -> Result<Oid, GitError> {
        let mut all = DURABLE.to_vec();
        all.extend(args);
        let mut answer = self.git.run(&all, input)?;
        if answer.status != 0 {
            return Err(self.git.failure(args, &answer));
        }
        answer.stdout.retain(|byte| *byte != b'\n');
        std::str::from_utf8(&answer.stdout)
            .ok()
            .and_then(Oid::new)
            .ok_or_else(|| GitError::Unexpected {
                command: args.first().copied().unwrap_or_default().to_owned(),
                detail: "it gave no object name".into(),
            })
    }

    pub(crate) fn no_object(&self) -> String {
        "0".repeat(self.empty_tree().as_str().len())
    }

    fn queue(&self) -> Result<File, GitError> {
        let dir = self.common_dir()?.join("countersign");
        std::fs::create_dir_all(&dir)?;
        let mut options = File::options();
        Ok(options
            .create(true)
            .truncate(false)
            .write(true)
            .open(dir.join("signoffs.queue"))?)
    }

    /// The git directory that all work trees of a clone share.
    ///
    /// # Errors
    /// When git cannot say.
    pub fn common_dir(&self) -> Result<PathBuf, GitError> {
        let args = ["rev-parse", "--path-format=absolute", "--git-common-dir"];
        let text = self.git.output(&args)?;
        let text = String::from_utf8_lossy(&text);
        Ok(PathBuf::from(text.trim_end_matches('\n')))
    }

    /// Removes a lock that a killed process left; whether there was one.
    fn remove_stale_lock(&self) -> bool {
        let Ok(dir) = self.common_dir() else {
            return false;
        };
        let lock = dir.join(format!("{REF}.lock"));
        let age = std::fs::metadata(&lock)
            .and_then(|meta| meta.modified())
            .ok()
            .and_then(|modified| SystemTime::now().duration_since(modified).ok());
        age.is_some_and(|age| age > STALE) && std::fs::remove_file(&lock).is_ok()
    }
}

/// For those who read the chain with `git log`.
fn subject(statement: &Statement) -> String {
    let what = match statement {
        Statement::SignOff(it) => match it.decision {
            Stance::Approve => "approve",
            Stance::Veto => "veto",
            Stance::Revoke => "revoke",
            Stance::BreakGlass => "break-glass",
        },
        Statement::Declaration(_) => "declare",
        Statement::AfterReview(_) => "after-review",
    };
    let (about, signed) = (statement.about(), statement.signed());
    format!("{what} {} by {}", about.change, signed.person)
}
