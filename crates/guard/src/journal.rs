//! The decision log: one line of JSON for every judged call, each holding the
//! hash of the line before it.
//!
//! The format is described in `docs/reference/guard-log.md`. A change of a field's
//! meaning is a new version.

use countersign_core::decide::Verdict;
use countersign_core::signoff::Digest;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::redact::redact;

/// The version of the line.
pub const VERSION: u32 = 1;
/// The longest line, in bytes, its end included.
pub const MAX_LINE: usize = 4096;
/// A file is closed when it has more bytes than this.
pub const MAX_FILE: u64 = 8 << 20;
/// How many closed files are kept.
pub const KEPT_FILES: usize = 16;

/// The longest call text kept, in characters.
const MAX_CALL: usize = 400;

/// What happened to one call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The version of the line.
    pub v: u32,
    /// The place in the log, from 1, over all its files.
    pub seq: u64,
    /// SHA-256 of the line before, without its line end; 64 zeros for the first.
    pub prev: String,
    /// When.
    pub at: Timestamp,
    /// The agent.
    pub agent: String,
    /// The conversation, as the first 16 digits of the SHA-256 of its name.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub session: Option<String>,
    /// The repository's work tree or the directory.
    pub place: String,
    /// The tool.
    pub tool: String,
    /// The call in one line, secrets taken out.
    pub call: String,
    /// SHA-256 of the canonical action, where one was made.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub action: Option<Digest>,
    /// `allow`, `hold` or `refuse`.
    pub verdict: Verdict,
    /// Whether the verdict was only recorded, because the policy is in shadow mode.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub shadow: bool,
    /// Rules that apply.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub rules: Vec<String>,
    /// The class of what would happen, such as `delete files`, worst first.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub class: Option<String>,
    /// The environment it lands in.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub target: Option<String>,
    /// The ticket of a held call.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ticket: Option<String>,
    /// The ticket of the first attempt at the same goal.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub attempt_of: Option<String>,
    /// Statements that were spent on this call.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub passes: Vec<Digest>,
    /// Who signed them, by id on the roster.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub passed_by: Vec<String>,
    /// What kept the guard from judging.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub fault: Option<String>,
}

/// The `prev` of the first line.
#[must_use]
pub fn beginning() -> String {
    "0".repeat(64)
}

impl Record {
    /// A record with nothing but what every call has.
    #[must_use]
    pub fn new(at: Timestamp, agent: &str, tool: &str, call: &str, verdict: Verdict) -> Self {
        Self {
            v: VERSION,
            seq: 0,
            prev: String::new(),
            at,
            agent: agent.to_owned(),
            session: None,
            place: String::new(),
            tool: tool.chars().take(120).collect(),
            call: shortened(call),
            action: None,
            verdict,
            shadow: false,
            rules: Vec::new(),
            class: None,
            target: None,
            ticket: None,
            attempt_of: None,
            passes: Vec::new(),
            passed_by: Vec::new(),
            fault: None,
        }
    }

    /// The line after `last`, with its line end.
    #[must_use]
    pub fn line_after(&mut self, last: Option<&Last>) -> Vec<u8> {
        self.seq = last.map_or(1, |last| last.seq.saturating_add(1));
        self.prev = last.map_or_else(beginning, |last| last.hash.to_string());
        self.rules.truncate(16);
        self.passes.truncate(8);
        self.passed_by.truncate(8);
        for text in [&mut self.place, &mut self.agent] {
            *text = text.chars().take(400).collect();
        }
        // Plain data cannot fail to be written.
        let mut bytes = serde_json::to_vec(self).unwrap_or_default();
        if bytes.len() >= MAX_LINE {
            self.call = self.call.chars().take(60).collect();
            self.place = self.place.chars().take(60).collect();
            self.rules.truncate(2);
            bytes = serde_json::to_vec(self).unwrap_or_default();
        }
        bytes.push(b'\n');
        bytes
    }
}

fn shortened(call: &str) -> String {
    // Redaction reads all of it, so what is cut off first cannot hide a secret's
    // beginning; only the first part is ever kept.
    let head: String = call.chars().take(MAX_CALL * 4).collect();
    redact(&head).chars().take(MAX_CALL).collect()
}

/// The conversation as it is written down.
#[must_use]
pub fn session_hash(session: &str) -> String {
    Digest::of(session.as_bytes())
        .to_string()
        .chars()
        .take(16)
        .collect()
}

/// What the next line refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Last {
    /// The place of the last line.
    pub seq: u64,
    /// SHA-256 of the last line without its end.
    pub hash: Digest,
}

impl Last {
    /// The last line of the end of a file; `None` when there is none, or when it
    /// was cut off.
    #[must_use]
    pub fn of(tail: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        struct Seq {
            seq: u64,
        }
        let body = tail.strip_suffix(b"\n")?;
        let start = body
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |at| at + 1);
        let line = body.get(start..)?;
        let Seq { seq } = serde_json::from_slice(line).ok()?;
        Some(Self {
            seq,
            hash: Digest::of(line),
        })
    }
}

/// Where a chain is broken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {why}")]
pub struct Broken {
    /// The line, from 1, over all lines given.
    pub line: usize,
    /// What is wrong.
    pub why: &'static str,
}

/// Reads lines and follows the chain. The first line may be any: older files are
/// removed in time.
#[derive(Debug, Default)]
pub struct Reader {
    line: usize,
    last: Option<Last>,
    /// Breaks found so far.
    pub broken: Vec<Broken>,
}

impl Reader {
    /// Reads one line without its end. A line that cannot be read is a break and
    /// gives `None`.
    pub fn read(&mut self, line: &[u8]) -> Option<Record> {
        self.line += 1;
        let record: Option<Record> = serde_json::from_slice(line).ok();
        let why = match (&record, &self.last) {
            (None, _) => Some("it cannot be read"),
            (Some(record), _) if record.v != VERSION => Some("it has an unknown version"),
            (Some(record), None) if record.seq == 1 && record.prev != beginning() => {
                Some("the first line refers to another")
            }
            (Some(record), Some(last)) if record.prev != last.hash.to_string() => {
                Some("it does not follow from the line before")
            }
            (Some(record), Some(last)) if record.seq != last.seq + 1 => {
                Some("a line is missing or repeated")
            }
            _ => None,
        };
        if let Some(why) = why {
            self.broken.push(Broken {
                line: self.line,
                why,
            });
        }
        let seq = record.as_ref().map_or_else(
            || self.last.as_ref().map_or(0, |last| last.seq + 1),
            |it| it.seq,
        );
        self.last = Some(Last {
            seq,
            hash: Digest::of(line),
        });
        record
    }

    /// The last line's place and hash: what to note elsewhere, so that cutting
    /// the end off is noticed too.
    #[must_use]
    pub const fn head(&self) -> Option<&Last> {
        self.last.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(count: usize) -> Vec<Vec<u8>> {
        let mut last = None;
        (0..count)
            .map(|n| {
                let mut record = Record::new(
                    Timestamp::UNIX_EPOCH,
                    "kiro",
                    "shell",
                    &format!("cmd {n}"),
                    Verdict::Allow,
                );
                let line = record.line_after(last.as_ref());
                last = Last::of(&line);
                line
            })
            .collect()
    }

    fn breaks(lines: &[Vec<u8>]) -> Vec<usize> {
        let mut reader = Reader::default();
        for line in lines {
            reader.read(line.strip_suffix(b"\n").unwrap());
        }
        reader.broken.into_iter().map(|it| it.line).collect()
    }

    #[test]
    fn a_chain_holds_and_every_tampering_breaks_it() {
        let lines = log(6);
        assert_eq!(breaks(&lines), Vec::<usize>::new());
        assert_eq!(breaks(&lines[2..]), Vec::<usize>::new());
        let mut edited = lines.clone();
        edited[2] = String::from_utf8(edited[2].clone())
            .unwrap()
            .replace("allow", "hold")
            .into_bytes();
        assert_eq!(breaks(&edited), [4]);
        let mut dropped = lines.clone();
        dropped.remove(3);
        assert_eq!(breaks(&dropped), [4]);
        let mut swapped = lines.clone();
        swapped.swap(1, 2);
        assert!(!breaks(&swapped).is_empty());
        let mut damaged = lines;
        damaged[4] = b"nonsense\n".to_vec();
        assert_eq!(breaks(&damaged), [5, 6]);
    }

    #[test]
    fn lines_are_bounded_and_keep_no_secrets() {
        let call = format!("PGPASSWORD=hunter2 psql {}", "x\u{1}".repeat(100_000));
        let mut record = Record::new(
            Timestamp::UNIX_EPOCH,
            "kiro",
            &"t".repeat(9999),
            &call,
            Verdict::Hold,
        );
        record.place = "\u{1}".repeat(9999);
        record.rules = vec!["r".repeat(80); 99];
        let line = record.line_after(None);
        assert!(line.len() <= MAX_LINE, "{}", line.len());
        assert!(!String::from_utf8(line).unwrap().contains("hunter2"));
    }
}
