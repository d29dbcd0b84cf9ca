//! What records beside the message say: git-ai notes and Agent Trace.

use std::borrow::Cow;

use countersign_core::involvement::{Channel, Strength};

use super::agent;
use super::agent_trace::{Contributor, TraceRecord};
use super::catalogue::Catalogue;
use super::commit::CommitInput;
use super::finding::{Finding, Model, Says, Words};
use super::git_ai::{Note, NoteAgent};

/// What a git-ai note says.
pub(super) fn note(
    catalogue: &Catalogue,
    commit: &CommitInput<'_>,
    note: &Note,
    found: &mut dyn FnMut(Finding<'_>),
) {
    let mut report = |agent: &NoteAgent, strength| {
        found(Finding {
            channel: Channel::GitAiNote,
            says: Says::Ai(strength, tool(catalogue, &agent.tool)),
            model: Model::Is(&agent.model),
            words: Words::Text(&agent.witness),
        });
    };
    for agent in &note.agents {
        report(agent, Strength::Session);
    }
    for agent in &note.without_lines {
        report(agent, Strength::Weak);
    }
    if note.agents.is_empty()
        && let Some((path, ranges)) = note.human.iter().find(|(_, ranges)| !ranges.is_empty())
    {
        let lines: u64 = ranges.iter().map(|(a, b)| u64::from(b - a) + 1).sum();
        let words = format!("{path}: {lines} lines observed being typed");
        let trusted = commit.added.is_some_and(|added| note.covers(added));
        found(Finding {
            channel: Channel::GitAiNote,
            says: Says::Human { trusted },
            model: Model::None,
            words: Words::Text(&words),
        });
    }
}

/// What Agent Trace records say. A record that names the first parent counts
/// only if it covers a file that this commit changed: other children of that
/// parent may be meant.
pub(super) fn traces(
    catalogue: &Catalogue,
    commit: &CommitInput<'_>,
    found: &mut dyn FnMut(Finding<'_>),
) {
    let Some(traces) = commit.traces else {
        return;
    };
    let added = commit.added.unwrap_or_default();
    for record in traces.of(commit.id) {
        trace(catalogue, record, |_| true, found);
    }
    for record in commit
        .parents
        .first()
        .map_or(&[][..], |parent| traces.of(parent))
    {
        let touches = |path: &str| added.iter().any(|file| file.path == path);
        trace(catalogue, record, touches, found);
    }
}

fn trace(
    catalogue: &Catalogue,
    record: &TraceRecord,
    counts: impl Fn(&str) -> bool,
    found: &mut dyn FnMut(Finding<'_>),
) {
    for file in record.files.iter().filter(|file| counts(&file.path)) {
        for (who, model) in &file.contributors {
            let (says, word) = match who {
                Contributor::Ai | Contributor::Mixed => (
                    Says::Ai(Strength::Session, tool(catalogue, &record.tool)),
                    "ai",
                ),
                Contributor::Human => (Says::Human { trusted: false }, "human"),
                Contributor::Unknown => continue,
            };
            let words = format!("{}: {word} {model}", file.path);
            found(Finding {
                channel: Channel::AgentTrace,
                says,
                model: Model::Is(model),
                words: Words::Text(&words),
            });
        }
    }
}

/// The catalogue's identifier of a tool that a record names, else its own name.
pub(super) fn tool<'a>(catalogue: &Catalogue, name: &'a str) -> Cow<'a, str> {
    let name = name.trim();
    match agent::tool_id(catalogue, name) {
        Some(id) => Cow::Borrowed(id),
        None => name
            .chars()
            .filter(|c| !c.is_control())
            .take(64)
            .collect::<String>()
            .into(),
    }
}
