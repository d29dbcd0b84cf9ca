//! The ledger: an append-only chain of everything recorded.
//!
//! Each [`Entry`] covers the hash of the one before it, so nobody can change,
//! drop, add or move an entry without changing every hash after it. A
//! correction is a new entry with the same kind and key; the old one stays.
//! [`Verifier`] checks a chain entry by entry, in constant memory. A chain
//! cannot prove on its own that its end was not cut off, or that it was not
//! written anew as a whole: that takes a [`Head`] kept elsewhere, or a [`Seal`],
//! which is a head that a person signed.
//!
//! The bytes that are hashed are in [`Entry::preimage`]; the form on disk is in
//! [`export`]. An independent reader in Python is in `docs/reference/ledger.md`.

pub mod entry;
pub mod export;
pub mod seal;
pub mod verify;

pub use entry::{Entry, Record, RecordError};
pub use seal::{Seal, SealError};
pub use verify::{Fault, Head, HeadError, Verified, Verifier};
