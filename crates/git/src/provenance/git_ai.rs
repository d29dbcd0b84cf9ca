//! git-ai authorship notes: version 3.0.0, what came before it, and the older
//! blob format `authorship/0.0.1`.
//!
//! Format: git-ai-project/git-ai, `specs/git_ai_standard_v3.0.0.md`. Real notes
//! are looser than the standard: entries are unsorted, keys have many lengths
//! and often no metadata record, and old notes embed whole transcripts. So keys
//! are told apart by their prefix alone, and transcripts are skipped while
//! reading, never stored. A note without entries says nothing.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::Deserialize;

use super::commit::AddedLines;

/// A longer note's metadata is not read, in bytes; its entries still are.
pub const NOTE_MAX: usize = 16 << 20;

/// The most agents and human ranges kept from one note.
const AGENTS_MAX: usize = 64;

/// What one note says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Note {
    /// The agents that wrote lines, each once, in order of appearance.
    pub agents: Vec<NoteAgent>,
    /// Agents with a record but no line left in the commit.
    pub without_lines: Vec<NoteAgent>,
    /// Lines observed while a person typed them, by path.
    pub human: BTreeMap<String, Vec<(u32, u32)>>,
    /// The people who ran the agents, as `Name <mailbox>`, each once.
    pub operators: Vec<String>,
    /// Whether an entry has a key of a kind that this reader does not know.
    pub unknown_keys: bool,
}

/// An agent as a note records it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NoteAgent {
    /// The tool's name as recorded; empty where the key has no record.
    pub tool: String,
    /// The model as recorded; empty where there is none.
    pub model: String,
    /// The words of its first entry, with the path.
    pub witness: String,
}

impl Note {
    /// Reads a note, keeping what can be understood of a damaged one.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes.get(..bytes.len().min(NOTE_MAX)).unwrap_or(bytes));
        if text.trim_start().starts_with('{') {
            return old_blob(&text).unwrap_or_default();
        }
        let (entries, json) = split(&text);
        // A cut-off record could not be parsed anyway.
        let metadata = if bytes.len() > NOTE_MAX {
            None
        } else {
            serde_json::from_str(json).ok()
        };
        build(entries, &metadata.unwrap_or_default())
    }

    /// Whether every line of `added` was observed being typed by a person, and
    /// nothing in the note points at anyone else.
    #[must_use]
    pub fn covers(&self, added: &[AddedLines]) -> bool {
        let nobody_else =
            self.agents.is_empty() && self.without_lines.is_empty() && !self.unknown_keys;
        let mut ranges = added
            .iter()
            .flat_map(|file| file.ranges.iter().map(move |range| (&file.path, *range)))
            .peekable();
        nobody_else
            && ranges.peek().is_some()
            && ranges.all(|(path, range)| {
                let human = self.human.get(path).map_or(&[][..], Vec::as_slice);
                is_covered(range, human)
            })
    }
}

/// Whether sorted, disjoint `blocks` contain every line of `range`.
fn is_covered((first, last): (u32, u32), blocks: &[(u32, u32)]) -> bool {
    first <= last && blocks.iter().any(|(a, b)| *a <= first && last <= *b)
}

/// Sorts blocks and joins those that touch.
fn merge(blocks: &mut Vec<(u32, u32)>) {
    blocks.sort_unstable();
    let mut merged: Vec<(u32, u32)> = Vec::with_capacity(blocks.len());
    for (first, last) in blocks.drain(..) {
        match merged.last_mut() {
            Some(previous) if first <= previous.1.saturating_add(1) => {
                previous.1 = previous.1.max(last);
            }
            _ => merged.push((first, last)),
        }
    }
    *blocks = merged;
}

/// The entries and the JSON text, around the line `---`.
fn split(text: &str) -> (&str, &str) {
    let mut from = 0;
    for line in text.split_inclusive('\n') {
        let to = from + line.len();
        if line.trim_end() == "---" {
            return (
                text.get(..from).unwrap_or_default(),
                text.get(to..).unwrap_or_default(),
            );
        }
        from = to;
    }
    (text, "")
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Metadata {
    sessions: HashMap<String, Record>,
    prompts: HashMap<String, Record>,
}

/// A session or a prompt; `messages` and all else are skipped while reading.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Record {
    agent_id: Option<AgentId>,
    human_author: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct AgentId {
    tool: Option<String>,
    model: Option<String>,
}

enum Key<'t> {
    Human,
    Ai(&'t str),
    Unknown,
}

/// Kinds by prefix: the standard fixes prefixes, not lengths.
fn key_kind(key: &str) -> Key<'_> {
    if key.starts_with("h_") {
        Key::Human
    } else if key.starts_with("s_") {
        Key::Ai(key.split("::").next().unwrap_or(key))
    } else if key.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-') {
        Key::Ai(key)
    } else {
        Key::Unknown
    }
}

fn build(entries: &str, metadata: &Metadata) -> Note {
    let mut note = Note::default();
    let mut path = String::new();
    let mut seen = HashSet::new();
    for line in entries.lines() {
        let Some(entry) = line.strip_prefix("  ") else {
            line.trim_end().trim_matches('"').clone_into(&mut path);
            continue;
        };
        let (key, ranges) = entry
            .trim_end()
            .split_once(' ')
            .unwrap_or((entry.trim(), ""));
        match key_kind(key) {
            _ if key.is_empty() => {}
            Key::Unknown => note.unknown_keys = true,
            Key::Human => {
                let blocks = note.human.entry(path.clone()).or_default();
                blocks.extend(ranges.split(',').filter_map(range));
            }
            Key::Ai(id) => {
                if seen.insert(id) && note.agents.len() < AGENTS_MAX {
                    let record = metadata
                        .sessions
                        .get(id)
                        .or_else(|| metadata.prompts.get(id));
                    let witness = format!("{path}: {}", entry.trim());
                    add(&mut note.agents, agent(record, witness));
                }
            }
        }
    }
    note.human.values_mut().for_each(merge);
    without_lines(&mut note, metadata, |id| seen.contains(id));
    operators(&mut note, metadata);
    note
}

fn without_lines(note: &mut Note, metadata: &Metadata, has_lines: impl Fn(&str) -> bool) {
    let mut rest: Vec<_> = metadata
        .sessions
        .iter()
        .chain(&metadata.prompts)
        .filter(|(id, _)| !has_lines(id))
        .collect();
    rest.sort_by_key(|(id, _)| *id);
    for (id, record) in rest.into_iter().take(AGENTS_MAX) {
        add(
            &mut note.without_lines,
            agent(Some(record), format!("{id}: no lines left")),
        );
    }
}

fn operators(note: &mut Note, metadata: &Metadata) {
    let records = metadata.sessions.values().chain(metadata.prompts.values());
    note.operators = records
        .filter_map(|record| record.human_author.clone())
        .filter(|human| human.contains('@'))
        .collect();
    note.operators.sort();
    note.operators.dedup();
    note.operators.truncate(AGENTS_MAX);
}

fn agent(record: Option<&Record>, witness: String) -> NoteAgent {
    let id = record.and_then(|record| record.agent_id.as_ref());
    let text = |field: fn(&AgentId) -> &Option<String>| {
        let text = id.and_then(|id| field(id).as_deref()).unwrap_or_default();
        text.chars().filter(|c| !c.is_control()).take(100).collect()
    };
    NoteAgent {
        tool: text(|id| &id.tool),
        model: text(|id| &id.model),
        witness,
    }
}

/// Adds an agent unless the same tool and model are there already.
fn add(agents: &mut Vec<NoteAgent>, agent: NoteAgent) {
    let same = |other: &NoteAgent| other.tool == agent.tool && other.model == agent.model;
    if !agents.iter().any(same) {
        agents.push(agent);
    }
}

/// `N` or `A-B`, 1-based and inclusive.
fn range(text: &str) -> Option<(u32, u32)> {
    let text = text.trim();
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (first.parse().ok()?, last.parse().ok()?);
    (1 <= first && first <= last).then_some((first, last))
}

#[derive(Deserialize)]
struct OldBlob {
    files: BTreeMap<String, OldFile>,
}

#[derive(Deserialize)]
struct OldFile {
    #[serde(default)]
    authors: Vec<OldAuthor>,
}

#[derive(Deserialize)]
struct OldAuthor {
    #[serde(default)]
    author: String,
    agent_metadata: Option<serde::de::IgnoredAny>,
}

/// The blob `authorship/0.0.1`. It names authors in words; whoever has agent
/// metadata or an agent's name is one, and nobody counts as observed human.
fn old_blob(text: &str) -> Option<Note> {
    let blob: OldBlob = serde_json::from_str(text).ok()?;
    let mut note = Note::default();
    for (path, file) in blob.files {
        for author in file.authors {
            let name: String = author
                .author
                .chars()
                .filter(|c| !c.is_control())
                .take(100)
                .collect();
            let known = super::agent::named(super::Catalogue::builtin(), &name).is_some();
            if (known || author.agent_metadata.is_some()) && note.agents.len() < AGENTS_MAX {
                let witness = format!("{path}: {name}");
                add(
                    &mut note.agents,
                    NoteAgent {
                        tool: name,
                        model: String::new(),
                        witness,
                    },
                );
            }
        }
    }
    Some(note)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOTE: &str = r#"src/a.rs
  s_0123456789abcd::t_0123456789abcd 1-20,25
  0123456789abcdef 30
"dir with space/b.rs"
  s_ffffffffffffff::t_00000000000000 1
---
{"schema_version":"authorship/3.0.0","base_commit_sha":"abc","prompts":{"0123456789abcdef":
{"agent_id":{"tool":"cursor","id":"x","model":"gpt-5"},"human_author":"Ada <ada@example.org>",
"messages":[{"text":"a very long transcript"}],"total_additions":1}},
"sessions":{"s_0123456789abcd":{"agent_id":{"tool":"claude","id":"y","model":"claude-opus-4-6"}}}}"#;

    #[test]
    fn agents_operators_and_dangling_keys() {
        let note = Note::parse(NOTE.as_bytes());
        let tools: Vec<_> = note
            .agents
            .iter()
            .map(|a| (a.tool.as_str(), a.model.as_str()))
            .collect();
        assert_eq!(
            tools,
            [("claude", "claude-opus-4-6"), ("cursor", "gpt-5"), ("", "")]
        );
        assert_eq!(note.operators, ["Ada <ada@example.org>"]);
        assert_eq!(
            note.agents[2].witness,
            "dir with space/b.rs: s_ffffffffffffff::t_00000000000000 1"
        );
    }

    #[test]
    fn every_length_of_key_seen_in_real_notes_is_ai() {
        for key in [
            "s_0123456789abcd::t_0123456789abcd",
            "0123456789abcdef",
            "0123456",
            "01234567",
            "01234",
            "5b2c7f2e-6a0d-4a52-9f6e-0d9b6d0b8f11",
            "s_",
        ] {
            let note = Note::parse(format!("a.rs\n  {key} 3,1-2\n---\n{{}}").as_bytes());
            assert_eq!(note.agents.len(), 1, "{key}");
        }
    }

    #[test]
    fn an_empty_note_says_nothing() {
        for text in [
            "",
            "---\n{}",
            "---\n{\"prompts\":{}}",
            "---",
            "a.rs\n---\n{}",
            "{}",
            "{",
            "\n\n",
        ] {
            let note = Note::parse(text.as_bytes());
            assert_eq!(note, Note::default(), "{text:?}");
            assert!(!note.covers(&added(&[(1, 1)])), "{text:?}");
        }
    }

    fn added(ranges: &[(u32, u32)]) -> Vec<AddedLines> {
        vec![AddedLines {
            path: "a.rs".into(),
            ranges: ranges.to_vec(),
        }]
    }

    #[test]
    fn people_count_only_when_they_cover_every_added_line() {
        let human = "a.rs\n  h_0123456789abcd 11-20,1-5\n  h_ffffffffffffff 6-10\n";
        for (extra, ranges, covers) in [
            ("", &[(1, 20)][..], true),
            ("", &[(2, 3), (9, 12)], true),
            ("", &[(1, 21)], false),
            ("", &[], false),
            ("  s_0::t_0 50\n", &[(1, 2)], false),
            ("  x_new 50\n", &[(1, 2)], false),
        ] {
            let note = Note::parse(format!("{human}{extra}---\n{{}}").as_bytes());
            assert_eq!(note.covers(&added(ranges)), covers, "{extra:?} {ranges:?}");
        }
        let note = Note::parse(format!("{human}---\n{{}}").as_bytes());
        let other = [AddedLines {
            path: "b.rs".into(),
            ranges: vec![(1, 1)],
        }];
        assert!(!note.covers(&other));
        assert!(!note.covers(&[]));
    }

    #[test]
    fn a_record_without_lines_is_kept_apart() {
        let text = "---\n{\"sessions\":{\"s_1\":{\"agent_id\":{\"tool\":\"claude\"}}}}";
        let note = Note::parse(text.as_bytes());
        assert!(note.agents.is_empty());
        assert_eq!(note.without_lines[0].tool, "claude");
    }

    #[test]
    fn big_notes_with_transcripts_and_bigger_ones() {
        let transcript = "\"words \\\" and more\",".repeat(200_000);
        let text = format!(
            "a.rs\n  0123456789abcdef 1\n---\n{{\"prompts\":{{\"0123456789abcdef\":{{\"messages\":[{transcript}0],\
             \"agent_id\":{{\"tool\":\"claude\",\"model\":\"m\"}}}}}}}}"
        );
        assert!(text.len() > 3_000_000);
        assert_eq!(Note::parse(text.as_bytes()).agents[0].tool, "claude");
        let mut huge = text.into_bytes();
        huge.resize(NOTE_MAX + 10, b' ');
        assert_eq!(Note::parse(&huge).agents[0].tool, "");
    }

    #[test]
    fn the_older_blob_names_its_authors() {
        let text = r#"{"files":{"a.rs":{"file":"a.rs","authors":[
            {"author":"Claude","lines":[22,[1,4]],"agent_metadata":null},
            {"author":"Ada Lovelace","lines":[5]},
            {"author":"something","lines":[6],"agent_metadata":{"model":"x"}}]}},
            "schema_version":"authorship/0.0.1"}"#;
        let note = Note::parse(text.as_bytes());
        let tools: Vec<_> = note.agents.iter().map(|a| a.tool.as_str()).collect();
        assert_eq!(tools, ["Claude", "something"]);
        assert!(note.human.is_empty());
    }

    proptest! {
        #[test]
        fn nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = Note::parse(&bytes);
        }

        #[test]
        fn covering_means_every_line(
            human in proptest::collection::vec((1_u32..30, 0_u32..10), 0..6),
            wanted in proptest::collection::vec((1_u32..30, 0_u32..10), 1..4),
        ) {
            let list = |v: &[(u32, u32)]| {
                v.iter().map(|(a, n)| format!("{a}-{}", a + n)).collect::<Vec<_>>().join(",")
            };
            let note = Note::parse(format!("a.rs\n  h_1 {}\n---\n{{}}", list(&human)).as_bytes());
            let ranges: Vec<_> = wanted.iter().map(|(a, n)| (*a, a + n)).collect();
            let by_line = ranges.iter().flat_map(|(a, b)| *a..=*b)
                .all(|line| human.iter().any(|(a, n)| (*a..=a + n).contains(&line)));
            prop_assert_eq!(note.covers(&added(&ranges)), by_line);
        }
    }
}
