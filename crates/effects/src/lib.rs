//! Text turned into effects: plans, manifests, SQL, shell commands, API calls.
//!
//! Pure: bytes in, [`countersign_core::effect::Effect`]s out. Anything that is
//! not understood becomes an unknown effect; nothing is dropped.

mod backups;
pub mod cloudformation;
pub mod command;
pub mod document;
pub mod environment;
pub mod http;
pub mod interpreter;
pub mod knowledge;
pub mod kubernetes;
pub mod plan;
pub mod pulumi;
pub mod reading;
pub mod shell;
pub mod sql;
pub mod summary;
pub mod target;
pub mod terraform;
