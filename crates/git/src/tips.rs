//! The record of where protected branches have been: `refs/countersign/tips`.
//!
//! The gate's `post-receive` adds one commit per advance. Its first parent is
//! the record before, its second the new tip, so that nothing that was ever
//! landed is swept away, and its date is the server's clock, not a claim of the
//! author. The gate lets nobody push to it.

use std::collections::BTreeSet;

use crate::{GitError, Oid, Repo};

/// Where the record is.
pub const REF: &str = "refs/countersign/tips";

/// The first line of a record.
const SUBJECT: &str = "advance ";

/// How often moving the ref is tried.
const TRIES: u32 = 100;

/// A protected branch went from one tip to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advance {
    /// The full name of the ref.
    pub target: String,
    /// The tip before; `None` where the branch was new.
    pub old: Option<Oid>,
    /// The tip after; `None` where the branch was deleted.
    pub new: Option<Oid>,
    /// When, by the server's clock, in seconds since 1970.
    pub at: i64,
    /// Who pushed it, where the server says.
    pub pusher: Option<String>,
}

impl Advance {
    /// The message of its record.
    #[must_use]
    pub fn message(&self) -> String {
        let name = |oid: &Option<Oid>| oid.as_ref().map_or("none", Oid::as_str).to_owned();
        let mut text = format!(
            "{SUBJECT}{}\n\nOld: {}\nNew: {}\n",
            self.target,
            name(&self.old),
            name(&self.new)
        );
        if let Some(pusher) = &self.pusher {
            let plain: String = pusher.chars().filter(|c| !c.is_control()).collect();
            text.push_str(&format!("Pusher: {plain}\n"));
        }
        text
    }

    /// Reads the message of a record made at a time; `None` for anything else.
    #[must_use]
    pub fn parse(at: i64, message: &str) -> Option<Self> {
        let mut lines = message.lines();
        let target = lines.next()?.strip_prefix(SUBJECT)?.to_owned();
        let fields: Vec<(&str, &str)> = lines.filter_map(|line| line.split_once(": ")).collect();
        let field = |name: &str| {
            let mut found = fields.iter().filter(|(key, _)| *key == name);
            found.next().map(|(_, value)| *value)
        };
        Some(Self {
            target,
            old: Oid::new(field("Old")?),
            new: Oid::new(field("New")?),
            at,
            pusher: field("Pusher").map(str::to_owned),
        })
    }
}

impl Repo {
    /// Adds advances to the record, in order.
    ///
    /// # Errors
    /// When git cannot write.
    pub fn record_advances(&self, advances: &[Advance]) -> Result<(), GitError> {
        for advance in advances {
            self.record_advance(advance)?;
        }
        Ok(())
    }

    fn record_advance(&self, advance: &Advance) -> Result<(), GitError> {
        let mut failure = None;
        for _ in 0..TRIES {
            let before = self.tip_of(REF)?;
            let tree = self.write_object(&["mktree"], b"")?;
            let first = match &before {
                Some(before) => before.clone(),
                // A root of its own, so that first parents are records alone.
                None => self.write_commit(&tree, &[], advance.at, "the record begins\n")?,
            };
            let parents: Vec<&Oid> = [Some(&first), advance.new.as_ref()]
                .into_iter()
                .flatten()
                .collect();
            let next = self.write_commit(&tree, &parents, advance.at, &advance.message())?;
            match self.move_ref(REF, before.as_ref(), &next)? {
                None => return Ok(()),
                Some(error) => failure = Some(error),
            }
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        Err(failure.unwrap_or_else(|| GitError::Refused("the advance of a branch".into())))
    }

    /// Every recorded advance, here and as last fetched from remotes, oldest
    /// first and each once.
    ///
    /// # Errors
    /// When git cannot read the record.
    pub fn advances(&self) -> Result<Vec<Advance>, GitError> {
        let patterns = [REF, "refs/countersign/remotes/*/tips"];
        let mut args = vec!["for-each-ref", "--format=%(objectname)", "--"];
        args.extend(patterns);
        let heads = self.git.output(&args)?;
        let heads = String::from_utf8_lossy(&heads);
        let heads: BTreeSet<&str> = heads.lines().collect();
        let mut advances = Vec::new();
        let mut seen = BTreeSet::new();
        for head in heads {
            let args = [
                "log",
                "--first-parent",
                "--reverse",
                "-z",
                "--format=%H %ct %B",
                "--no-notes",
                head,
            ];
            let text = self.git.output(&args)?;
            for record in String::from_utf8_lossy(&text).split('\0') {
                let mut parts = record.splitn(3, ' ');
                let (Some(id), Some(at), Some(message)) =
                    (parts.next(), parts.next(), parts.next())
                else {
                    continue;
                };
                if seen.insert(id.to_owned()) {
                    advances.extend(Advance::parse(at.parse().unwrap_or(0), message));
                }
            }
        }
        advances.sort_by_key(|advance| advance.at);
        Ok(advances)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let oid = |digit: char| Oid::new(&digit.to_string().repeat(40));
        for (old, new, pusher) in [
            (oid('1'), oid('2'), Some("sen")),
            (None, oid('2'), None),
            (oid('1'), None, Some("a: b")),
        ] {
            let advance = Advance {
                target: "refs/heads/main".into(),
                old,
                new,
                at: 7,
                pusher: pusher.map(str::to_owned),
            };
            assert_eq!(Advance::parse(7, &advance.message()), Some(advance));
        }
        assert_eq!(Advance::parse(0, "the record begins\n"), None);
        // A pusher cannot write fields of a record.
        let odd = Advance {
            target: "refs/heads/main".into(),
            old: None,
            new: None,
            at: 0,
            pusher: Some("x\nOld: 1111111111111111111111111111111111111111".into()),
        };
        assert_eq!(Advance::parse(0, &odd.message()).unwrap().old, None);
    }
}
