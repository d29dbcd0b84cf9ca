//! The people and agents who took part in a commit.
//!
//! Author, committer and co-authors, and the operators of agents: where an
//! agent is the author, the person who committed its work and the human
//! co-authors are those who asked for it (GitHub's coding agent names its
//! requester so), and git-ai notes name who ran a session. `Signed-off-by`
//! lines make nobody a participant: the committer's own line repeats the
//! committer, and other people's lines say that they passed the change on.

use std::collections::HashSet;

use super::catalogue::{Catalogue, Kind};
use super::commit::{CommitInput, Identity};
use super::finding::identities;
use super::git_ai::Note;
use super::identity::{Class, classify, name_suffix};
use super::message;

/// The most participants of one commit; a longer list is cut.
pub const PARTICIPANTS_MAX: usize = 256;

/// What someone did in a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// Wrote it, according to git.
    Author,
    /// Asked an agent for it, or committed an agent's work.
    Operator,
    /// Named in a `Co-authored-by` or `Co-developed-by` line.
    CoAuthor,
    /// Committed someone else's work.
    Committer,
}

/// Someone who took part in a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Participant {
    /// The display name, without an agent's suffix such as ` (aider)`.
    pub name: String,
    /// The mailbox as written.
    pub email: String,
    /// What they did.
    pub part: Part,
    /// Whom the identity stands for.
    pub class: Class,
}

/// Everyone who took part in `commit`, each mailbox once, with the first of the
/// parts in the order author, committer, co-author, operator named in a note.
#[must_use]
pub fn people(catalogue: &Catalogue, commit: &CommitInput<'_>) -> Vec<Participant> {
    let mut list = List {
        catalogue,
        seen: HashSet::new(),
        found: Vec::new(),
    };
    let by_agent = matches!(classify(catalogue, commit.author), Class::Agent { .. });
    // The people around an agent's work asked for it; the forge that committed
    // it, and other agents, did not.
    let part = |identity: Identity<'_>, otherwise| {
        let is_person = || classify(catalogue, identity) == Class::Human;
        if by_agent && is_person() {
            Part::Operator
        } else {
            otherwise
        }
    };
    list.add(commit.author, Part::Author);
    list.add(commit.committer, part(commit.committer, Part::Committer));
    message::markers(catalogue, commit.message, |marker| {
        let is_co_author = matches!(marker.row.value, "co-authored-by" | "co-developed-by");
        if marker.row.kind == Kind::IdentityKey && is_co_author {
            let value = String::from_utf8_lossy(marker.value);
            for identity in identities(&value) {
                list.add(identity, part(identity, Part::CoAuthor));
            }
        }
    });
    if let Some(note) = commit.note {
        for operator in Note::parse(note).operators {
            for identity in identities(&operator) {
                list.add(identity, Part::Operator);
            }
        }
    }
    list.found
}

struct List<'c> {
    catalogue: &'c Catalogue,
    seen: HashSet<String>,
    found: Vec<Participant>,
}

impl List<'_> {
    fn add(&mut self, identity: Identity<'_>, part: Part) {
        let class = classify(self.catalogue, identity);
        // An agent or a bot asks nobody for anything.
        let part = match (part, class) {
            (Part::Operator, Class::Human) => Part::Operator,
            (Part::Operator, _) => Part::CoAuthor,
            (part, _) => part,
        };
        let key = if identity.email.is_empty() {
            identity.name
        } else {
            identity.email
        };
        let is_new = !key.is_empty() && self.seen.insert(key.to_ascii_lowercase());
        if !is_new || self.found.len() >= PARTICIPANTS_MAX {
            return;
        }
        let name = match name_suffix(self.catalogue, identity.name) {
            Some(row) => {
                let name = identity.name.trim_end();
                name.get(..name.len() - row.value.len()).unwrap_or(name)
            }
            None => identity.name,
        };
        self.found.push(Participant {
            name: name.trim().to_owned(),
            email: identity.email.to_owned(),
            part,
            class,
        });
    }
}
