//! What the reader is given about one commit. Plain data: nothing here starts
//! a process or touches a repository.

use super::agent_trace::Traces;
use super::entire::Checkpoints;

/// A display name with a mailbox, as git stores them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Identity<'a> {
    /// The display name, without the mailbox.
    pub name: &'a str,
    /// The mailbox, without angle brackets.
    pub email: &'a str,
}

/// What verification of the commit's signature said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Signature {
    /// Signed with a key that the roster gives to the commit's author, a person.
    ByAuthor,
    /// Unsigned, not verified, or signed by someone else (such as the forge).
    #[default]
    NotByAuthor,
}

/// Lines that a commit added to one file, as it stands in that commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddedLines {
    /// Path from the root of the repository.
    pub path: String,
    /// First and last line of each added block: 1-based, inclusive.
    pub ranges: Vec<(u32, u32)>,
}

/// Everything known about one commit.
#[derive(Debug, Clone, Copy)]
pub struct CommitInput<'a> {
    /// Full hexadecimal id.
    pub id: &'a str,
    /// Full hexadecimal ids of the parents, first parent first.
    pub parents: &'a [&'a str],
    /// Who wrote it, according to git.
    pub author: Identity<'a>,
    /// Who committed it, according to git.
    pub committer: Identity<'a>,
    /// The message as stored; need not be UTF-8.
    pub message: &'a [u8],
    /// The git-ai note on the commit: `refs/notes/ai`, or the older blob
    /// `refs/ai/authorship/<commit>`.
    pub note: Option<&'a [u8]>,
    /// What verification of the signature said.
    pub signature: Signature,
    /// The lines that the commit added, where known. Without them, observed
    /// human authorship cannot be checked for completeness and proves nothing.
    pub added: Option<&'a [AddedLines]>,
    /// Agent Trace records of the repository, where there are any.
    pub traces: Option<&'a Traces>,
    /// Entire's checkpoints of the repository, where there are any.
    pub checkpoints: Option<&'a Checkpoints>,
}
