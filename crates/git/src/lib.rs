//! A git repository turned into facts.
//!
//! The only room that touches git. It talks to the `git` program, which knows
//! every repository format (SHA-256, reftable, worktrees, partial clones), and
//! never lets a repository's own configuration run a program.

mod command;
mod create;
mod error;
mod judge;
mod open;
mod origin;
pub mod provenance;
mod records;
pub mod replay;
mod repo;
mod scan;
mod signature;
pub mod signoffs;
pub mod spent;
pub mod tips;

pub use create::Author;
pub use error::GitError;
pub use judge::{Judged, JudgedChange, JudgedCommit, Trust};
pub use open::{OpenChange, OpenChanges};
pub use repo::{
    Change, Commit, FileChange, Hunk, Identity, NoteIndex, Oid, Origins, Proof, Range, Repo,
    Signature, SquashOrigin, TreeEntry,
};
pub use scan::{ScanOptions, ScanRecord};
pub use signature::{Verified, verify};
