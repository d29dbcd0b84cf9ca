//! Readers against real files, real tools and independent counts.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a failing test should stop where it fails"
)]

mod bash_agreement;
mod bypasses;
mod cloudformation;
mod corpus;
mod evasions;
mod hostile;
mod incidents;
mod kubernetes;
mod pulumi;
mod robust;
mod rows;
mod sql;
mod support;
mod targets;
mod terraform;
mod tool_calls;
