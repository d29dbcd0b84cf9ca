//! Sign-offs: signed statements by people about exact content.
//!
//! A sign-off is an in-toto [`statement`] about some [`content`] in a [`dsse`]
//! envelope, signed with the person's SSH key ([`sshsig`]), kept in an
//! append-only [`chain`]. [`mod@carry`] says whether it holds for content other
//! than the one signed, [`mod@verify`] which of all statements count.

pub mod carry;
pub mod chain;
pub mod content;
pub mod dsse;
pub mod hash;
pub mod sshsig;
pub mod statement;
pub mod value;
pub mod verify;

pub use hash::{Digest, HashError, Hasher, Oid};
