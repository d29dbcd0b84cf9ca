//! The chain of sign-offs in a repository: `refs/countersign/signoffs`.
//!
//! Every statement is one commit whose tree holds the file `envelope.json`, on
//! top of the head that its signer saw. Writers who worked at the same time are
//! joined by a commit with both heads as parents and an empty tree; the join of
//! two heads is the same commit whoever makes it. What the chain proves, and how
//! its hashes are made, is [`countersign_core::signoff::chain`].
//!
//! Objects are written first and the ref is moved last, from the value that was
//! read, so a writer that is killed leaves at most unreferenced objects behind,
//! and no writer overwrites another.

mod read;
mod remote;
mod versions;
mod write;

pub use read::Head;
pub use remote::{Fetched, REFSPEC};
pub(crate) use write::DURABLE;

/// Where the chain is.
pub const REF: &str = "refs/countersign/signoffs";

/// The file that holds a statement.
const FILE: &str = "envelope.json";
