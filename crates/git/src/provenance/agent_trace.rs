//! Agent Trace records.
//!
//! Format: cursor/agent-trace, README.md section 6 and schemas.ts, version
//! 0.1.0. Two facts about real writers shape this reader: the reference hook
//! writes the two-part version `1.0`, so versions are not judged here; and it
//! records the commit that was checked out while editing, which is the parent
//! of the commit that will hold the lines.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::Value;

/// The most bytes read from one file of records.
pub const TRACE_MAX: usize = 64 << 20;

/// Who contributed a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Contributor {
    /// A person.
    Human,
    /// AI.
    Ai,
    /// Both.
    Mixed,
    /// Not recorded.
    Unknown,
}

/// One file of a record: who contributed to it, each kind and model once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceFile {
    /// Path from the root of the repository.
    pub path: String,
    /// Contributors of its ranges with the model, empty where none is named.
    pub contributors: Vec<(Contributor, String)>,
}

/// One record, reduced to what matters for a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceRecord {
    /// The tool's name; empty where none is given.
    pub tool: String,
    /// The files it covers.
    pub files: Vec<TraceFile>,
}

/// Records by the git revision that they name.
#[derive(Debug, Clone, Default)]
pub struct Traces {
    by_revision: HashMap<String, Vec<TraceRecord>>,
    skipped: usize,
}

impl Traces {
    /// Adds the records of a file: one JSON record, an array of records, or one
    /// record per line. Records of other version control systems or without a
    /// revision cannot be tied to a commit and are skipped.
    pub fn add(&mut self, bytes: &[u8]) {
        let bytes = bytes.get(..bytes.len().min(TRACE_MAX)).unwrap_or(bytes);
        if let Ok(record) = serde_json::from_slice::<Json>(bytes) {
            return self.add_record(record);
        }
        if let Ok(records) = serde_json::from_slice::<Vec<Value>>(bytes) {
            for record in records {
                self.add_value(serde_json::from_value(record));
            }
            return;
        }
        for line in bytes.split(|b| *b == b'\n') {
            if !line.trim_ascii().is_empty() {
                self.add_value(serde_json::from_slice(line));
            }
        }
    }

    /// How many records could not be read or tied to a commit.
    #[must_use]
    pub fn skipped(&self) -> usize {
        self.skipped
    }

    /// The records that name `revision`.
    #[must_use]
    pub fn of(&self, revision: &str) -> &[TraceRecord] {
        self.by_revision.get(revision).map_or(&[], Vec::as_slice)
    }

    fn add_value(&mut self, record: serde_json::Result<Json>) {
        match record {
            Ok(record) => self.add_record(record),
            Err(_) => self.skipped += 1,
        }
    }

    fn add_record(&mut self, record: Json) {
        let vcs = record.vcs.unwrap_or_default();
        let is_git = vcs.kind.is_empty() || vcs.kind.eq_ignore_ascii_case("git");
        let is_id = vcs.revision.len() >= 40 && vcs.revision.bytes().all(|b| b.is_ascii_hexdigit());
        if !is_git || !is_id {
            self.skipped += 1;
            return;
        }
        let files = record.files.into_iter().map(file).collect();
        let tool = record.tool.and_then(|tool| tool.name).unwrap_or_default();
        self.by_revision
            .entry(vcs.revision.to_ascii_lowercase())
            .or_default()
            .push(TraceRecord { tool, files });
    }
}

fn file(file: JsonFile) -> TraceFile {
    let mut contributors = Vec::new();
    for conversation in file.conversations {
        for range in conversation.ranges {
            let who = range
                .contributor
                .as_ref()
                .or(conversation.contributor.as_ref());
            let model = who.and_then(|who| who.model_id.clone()).unwrap_or_default();
            let entry = (who.map_or(Contributor::Unknown, kind), model);
            if !contributors.contains(&entry) && contributors.len() < 64 {
                contributors.push(entry);
            }
        }
    }
    TraceFile {
        path: file.path,
        contributors,
    }
}

fn kind(who: &JsonContributor) -> Contributor {
    match who.kind.as_str() {
        "human" => Contributor::Human,
        "ai" => Contributor::Ai,
        "mixed" => Contributor::Mixed,
        _ => Contributor::Unknown,
    }
}

#[derive(Deserialize)]
struct Json {
    vcs: Option<JsonVcs>,
    tool: Option<JsonTool>,
    files: Vec<JsonFile>,
}

#[derive(Deserialize, Default)]
struct JsonVcs {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    revision: String,
}

#[derive(Deserialize)]
struct JsonTool {
    name: Option<String>,
}

#[derive(Deserialize)]
struct JsonFile {
    path: String,
    #[serde(default)]
    conversations: Vec<JsonConversation>,
}

#[derive(Deserialize)]
struct JsonConversation {
    #[serde(default)]
    ranges: Vec<JsonRange>,
    contributor: Option<JsonContributor>,
}

#[derive(Deserialize)]
struct JsonRange {
    contributor: Option<JsonContributor>,
}

#[derive(Deserialize)]
struct JsonContributor {
    #[serde(rename = "type", default)]
    kind: String,
    model_id: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const REVISION: &str = "0123456789abcdef0123456789abcdef01234567";

    fn record(version: &str, conversation: &str) -> String {
        format!(
            r#"{{"version":"{version}","id":"x","timestamp":"2026-01-01T00:00:00Z","extra":1,
            "vcs":{{"type":"git","revision":"{REVISION}"}},"tool":{{"name":"cursor","version":"2.6"}},
            "files":[{{"path":"a.rs","conversations":[{conversation}]}}]}}"#
        )
        .replace('\n', " ")
    }

    fn contributors(conversation: &str) -> Vec<(Contributor, String)> {
        let mut traces = Traces::default();
        traces.add(record("1.0", conversation).as_bytes());
        traces.of(REVISION)[0].files[0].contributors.clone()
    }

    #[test]
    fn the_range_wins_over_the_conversation() {
        let range = |who| format!(r#"{{"start_line":1,"end_line":2{who}}}"#);
        let ai = r#","contributor":{"type":"ai","model_id":"anthropic/claude"}"#;
        let human = r#","contributor":{"type":"human"}"#;
        for (range_who, conversation_who, kind) in [
            (ai, human, Contributor::Ai),
            (human, ai, Contributor::Human),
            ("", ai, Contributor::Ai),
            ("", "", Contributor::Unknown),
            ("", r#","contributor":{"type":"mixed"}"#, Contributor::Mixed),
            (
                "",
                r#","contributor":{"type":"robot"}"#,
                Contributor::Unknown,
            ),
        ] {
            let text = format!(r#"{{"ranges":[{}]{conversation_who}}}"#, range(range_who));
            assert_eq!(contributors(&text)[0].0, kind, "{text}");
        }
    }

    #[test]
    fn records_come_alone_in_arrays_and_in_lines() {
        let conversation = r#"{"ranges":[{"contributor":{"type":"ai"}}]}"#;
        let (two, three) = (record("1.0", conversation), record("0.1.0", conversation));
        for text in [format!("{two}\n{three}\n"), format!("[{two},{three}]")] {
            let mut traces = Traces::default();
            traces.add(text.as_bytes());
            assert_eq!(traces.of(REVISION).len(), 2);
            assert_eq!(traces.skipped(), 0);
        }
    }

    #[test]
    fn what_cannot_be_tied_to_a_commit_is_counted() {
        let mut traces = Traces::default();
        traces.add(b"{\"files\":[]}\nnot json\n{\"vcs\":{\"type\":\"jj\",\"revision\":\"abc\"},\"files\":[]}");
        assert_eq!(traces.skipped(), 3);
        assert!(traces.of("").is_empty());
    }

    proptest! {
        #[test]
        fn nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            Traces::default().add(&bytes);
        }
    }
}
