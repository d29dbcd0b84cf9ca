//! How AI took part in a commit: every channel read into evidence.

mod agent;
mod agent_trace;
mod catalogue;
mod commit;
mod entire;
mod finding;
mod footer;
mod git_ai;
mod identity;
mod message;
mod people;
mod read;
mod records;
mod suppression;

pub use agent_trace::{Contributor, TRACE_MAX, TraceFile, TraceRecord, Traces};
pub use catalogue::{Catalogue, Kind, Row, RowClass, Values};
pub use commit::{AddedLines, CommitInput, Identity, Signature};
pub use entire::{Checkpoint, Checkpoints, METADATA_MAX};
pub use git_ai::{NOTE_MAX, Note, NoteAgent};
pub use identity::{Class, classify, name_suffix};
pub use message::MESSAGE_MAX;
pub use people::{PARTICIPANTS_MAX, Part, Participant, people};
pub use read::{Scanned, evidence, read_commit, scan_commit};
pub use suppression::{FILE_MAX, may_suppress, places, suppression};

#[cfg(test)]
mod tests;
