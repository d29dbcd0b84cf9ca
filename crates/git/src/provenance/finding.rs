//! One walk over everything known about a commit.
//!
//! Both readers use this walk: the full one turns each finding into evidence
//! with its words, the fast one keeps the verdict only. So they cannot disagree
//! about what counts.

use std::borrow::Cow;

use countersign_core::involvement::{Channel, Strength};

use super::agent;
use super::catalogue::{Catalogue, Kind, Row, Values};
use super::commit::{CommitInput, Identity, Signature};
use super::git_ai::Note;
use super::identity::{Class, classify, name_suffix};
use super::message::{self, Marker};
use super::records;

/// What a finding says, with the tool's identifier or an empty text.
#[derive(Debug, Clone)]
pub(super) enum Says<'a> {
    Ai(Strength, Cow<'a, str>),
    Human { trusted: bool },
}

/// The words that a finding was read from, not yet copied.
#[derive(Debug, Clone, Copy)]
pub(super) enum Words<'a> {
    Line(&'a [u8]),
    Identity(Identity<'a>),
    Text(&'a str),
}

/// Where the model's name may be found, not yet looked for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Model<'a> {
    None,
    /// In a value or display name that begins with an agent's name.
    In(&'a str),
    /// This text itself, unless empty.
    Is(&'a str),
}

#[derive(Debug, Clone)]
pub(super) struct Finding<'a> {
    pub(super) channel: Channel,
    pub(super) says: Says<'a>,
    pub(super) model: Model<'a>,
    pub(super) words: Words<'a>,
}

/// Calls `found` for everything that `commit` tells about who made it.
pub(super) fn walk(
    catalogue: &Catalogue,
    commit: &CommitInput<'_>,
    found: &mut dyn FnMut(Finding<'_>),
) {
    people(catalogue, commit, found);
    message::markers(catalogue, commit.message, |marker| {
        judge(catalogue, commit, marker, found);
    });
    if let Some(bytes) = commit.note {
        records::note(catalogue, commit, &Note::parse(bytes), found);
    }
    records::traces(catalogue, commit, found);
}

/// The author and committer identities.
fn people(catalogue: &Catalogue, commit: &CommitInput<'_>, found: &mut dyn FnMut(Finding<'_>)) {
    let mut report = |channel, identity: Identity<'_>, suffix_cap| {
        if let Some((strength, tool)) = role(catalogue, identity, suffix_cap) {
            found(Finding {
                channel,
                says: Says::Ai(strength, tool.into()),
                model: Model::In(identity.name),
                words: Words::Identity(identity),
            });
        }
    };
    report(Channel::Author, commit.author, Strength::AgentAuthored);
    if commit.committer != commit.author {
        // aider also marks the committer of edits that a person made by hand.
        report(Channel::Committer, commit.committer, Strength::Weak);
    }
}

/// What an author or committer identity says.
fn role(
    catalogue: &Catalogue,
    identity: Identity<'_>,
    suffix_cap: Strength,
) -> Option<(Strength, &'static str)> {
    if let Class::Agent { tool, author, .. } = classify(catalogue, identity) {
        return Some((author, tool));
    }
    let row = name_suffix(catalogue, identity.name)?;
    Some((row.author.min(suffix_cap), row.tool))
}

/// What a marker in the message says.
fn judge(
    catalogue: &Catalogue,
    commit: &CommitInput<'_>,
    marker: Marker<'_>,
    found: &mut dyn FnMut(Finding<'_>),
) {
    let row = marker.row;
    let channel = match row.kind {
        Kind::IdentityKey => return named_people(catalogue, marker, found),
        Kind::Key => return key(catalogue, commit, marker, found),
        Kind::Footer | Kind::Url => Channel::Footer,
        _ => Channel::Subject,
    };
    found(Finding {
        channel,
        says: Says::Ai(row.strength, row.tool.into()),
        model: Model::None,
        words: Words::Line(marker.line),
    });
}

/// A key such as `Co-authored-by`: each agent that its value names.
fn named_people(catalogue: &Catalogue, marker: Marker<'_>, found: &mut dyn FnMut(Finding<'_>)) {
    let row = marker.row;
    let channel = match row.value {
        "co-authored-by" | "co-developed-by" => Channel::CoAuthor,
        _ => Channel::Trailer,
    };
    let value = String::from_utf8_lossy(marker.value);
    let mut report = |strength: Strength, tool, text: &str| {
        found(Finding {
            channel,
            says: Says::Ai(strength.min(row.strength), Cow::Borrowed(tool)),
            model: Model::In(text),
            words: Words::Line(marker.line),
        });
    };
    let mut has_mailbox = false;
    for identity in identities(&value) {
        has_mailbox = true;
        if let Class::Agent { tool, strength, .. } = classify(catalogue, identity) {
            report(strength, tool, identity.name);
        } else if let Some(suffix) = name_suffix(catalogue, identity.name) {
            report(Strength::Session, suffix.tool, identity.name);
        }
    }
    if !has_mailbox && let Some(named) = agent::named(catalogue, value.trim()) {
        report(named.strength, named.row.tool, value.trim());
    }
}

/// The `Name <mailbox>` pairs of a trailer's value.
pub(super) fn identities(value: &str) -> impl Iterator<Item = Identity<'_>> {
    let mut rest = value;
    std::iter::from_fn(move || {
        let (name, after) = rest.split_once('<')?;
        let (email, after) = after.split_once('>')?;
        rest = after;
        let name = name.trim_matches([' ', '\t', ',', ';', '&']);
        Some(Identity {
            name,
            email: email.trim(),
        })
    })
}

/// A key whose value must be of the right kind.
fn key(
    catalogue: &Catalogue,
    commit: &CommitInput<'_>,
    marker: Marker<'_>,
    found: &mut dyn FnMut(Finding<'_>),
) {
    let row = marker.row;
    let value = String::from_utf8_lossy(marker.value);
    let value = value.trim();
    if value.is_empty() {
        return;
    }
    let named = || agent::named(catalogue, value);
    let (channel, says) = match row.values {
        Values::Declaration => match declared(value) {
            Declared::Nothing => return,
            Declared::No { clear } => {
                let trusted = clear && commit.signature == Signature::ByAuthor;
                (Channel::Declaration, Says::Human { trusted })
            }
            Declared::Yes => {
                let tool = named().map_or("", |named| named.row.tool);
                (Channel::Declaration, Says::Ai(row.strength, tool.into()))
            }
        },
        Values::Agent => match agent_value(catalogue, value) {
            Some((strength, tool)) => (
                Channel::Trailer,
                Says::Ai(strength.min(row.strength), tool.into()),
            ),
            None => return,
        },
        Values::Url if !value.starts_with("https://") => return,
        Values::OneOf(words) if !words.iter().any(|w| w.eq_ignore_ascii_case(value)) => return,
        _ if row.value.starts_with("entire-") => {
            return entire(catalogue, commit, row, value, marker.line, found);
        }
        _ => (Channel::Trailer, Says::Ai(row.strength, row.tool.into())),
    };
    let model = if row.tool.is_empty() {
        Model::In(value)
    } else {
        Model::None
    };
    found(Finding {
        channel,
        says,
        model,
        words: Words::Line(marker.line),
    });
}

/// The agent of a value that must name one; a mailbox decides where there is one.
fn agent_value(catalogue: &Catalogue, value: &str) -> Option<(Strength, &'static str)> {
    if let Some(identity) = identities(value).next() {
        return match classify(catalogue, identity) {
            Class::Agent { tool, strength, .. } => Some((strength, tool)),
            _ => None,
        };
    }
    let named = agent::named(catalogue, value)?;
    Some((named.strength, named.row.tool))
}

/// A trailer of Entire; the checkpoint or the agent trailer names the tool.
fn entire(
    catalogue: &Catalogue,
    commit: &CommitInput<'_>,
    row: &'static Row,
    value: &str,
    line: &[u8],
    found: &mut dyn FnMut(Finding<'_>),
) {
    let checkpoint = match row.value {
        "entire-checkpoint" => commit.checkpoints.and_then(|all| all.get(value)),
        _ => None,
    };
    let (name, model) = match checkpoint {
        Some(checkpoint) => (checkpoint.agent.as_str(), Model::Is(&checkpoint.model)),
        None if row.value == "entire-agent" => (value, Model::None),
        None => ("", Model::None),
    };
    found(Finding {
        channel: Channel::Entire,
        says: Says::Ai(row.strength, records::tool(catalogue, name)),
        model,
        words: Words::Line(line),
    });
}

/// What a declaration's value declares.
enum Declared {
    /// An unfilled template or "unknown".
    Nothing,
    /// No AI; `clear` unless more words follow, which may take it back.
    No { clear: bool },
    /// AI, in whatever words.
    Yes,
}

fn declared(value: &str) -> Declared {
    const NO: &[&str] = &[
        "no", "none", "false", "n/a", "never", "0", "off", "not used", "no ai", "nil",
    ];
    const OPEN: &[&str] = &[
        "unknown",
        "?",
        "tbd",
        "todo",
        "-",
        "…",
        "...",
        "unspecified",
        "unsure",
        "yes/no",
        "yes|no",
        "yes / no",
        "true/false",
        "true|false",
        "y/n",
        "[ ]",
    ];
    let value = value
        .trim_matches([' ', '\t', '.', '!', '*', '_', '`', '"'])
        .to_ascii_lowercase();
    let value = if value.is_empty() {
        "-"
    } else {
        value.as_str()
    };
    if OPEN.contains(&value) {
        return Declared::Nothing;
    }
    if NO.contains(&value) {
        return Declared::No { clear: true };
    }
    let first = value
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '/')
        .next();
    if first.is_some_and(|word| NO.contains(&word) || word == "not") {
        return Declared::No { clear: false };
    }
    Declared::Yes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declarations_are_read_by_their_value() {
        for value in [
            "no", "No", "none", "false", "N/A", "no.", "`no`", "not used", "No AI",
        ] {
            assert!(
                matches!(declared(value), Declared::No { clear: true }),
                "{value}"
            );
        }
        for value in [
            "no, but it wrote the tests",
            "not really",
            "none of the code",
        ] {
            assert!(
                matches!(declared(value), Declared::No { clear: false }),
                "{value}"
            );
        }
        for value in ["yes/no", "unknown", "?", "...", "TBD", "**"] {
            assert!(matches!(declared(value), Declared::Nothing), "{value}");
        }
        for value in [
            "yes",
            "true",
            "Claude",
            "partially",
            "nothing but tests",
            "1",
            "notebook",
        ] {
            assert!(matches!(declared(value), Declared::Yes), "{value}");
        }
    }

    #[test]
    fn identities_of_a_value() {
        let found: Vec<_> = identities("A B <a@x>, C <c@y> D")
            .map(|i| (i.name, i.email))
            .collect();
        assert_eq!(found, [("A B", "a@x"), ("C", "c@y")]);
        assert_eq!(identities("no mailbox").count(), 0);
        assert_eq!(identities("<><").count(), 1);
    }
}
