//! Sign-offs: signed statements by people about exact content.
//!
//! A sign-off is an in-toto [`statement`] in a [`dsse`] envelope, signed with
//! the person's SSH key ([`sshsig`]).

pub mod hash;
pub mod sshsig;

pub use hash::{Digest, HashError, Oid};
