//! How AI took part in a commit: every channel read into evidence.

mod agent;
mod catalogue;
mod commit;
mod git_ai;
mod identity;
mod message;

pub use catalogue::{Catalogue, Kind, Row, RowClass, Values};
pub use commit::{AddedLines, CommitInput, Identity, Signature};
pub use git_ai::{NOTE_MAX, Note, NoteAgent};
pub use identity::{Class, classify, name_suffix};
pub use message::MESSAGE_MAX;
