//! Readers against real files, real tools and independent counts.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a failing test should stop where it fails"
)]

mod cloudformation;
mod hostile;
mod kubernetes;
mod pulumi;
mod sql;
mod support;
mod terraform;
