//! What an agent may do: the agents' hook protocols, the compiled rules, held
//! actions, and the signed passes that let one of them run once.
//!
//! Pure: bytes in, bytes out. The files, the clock and the terminal are the
//! command line's; this crate neither reads nor writes any of them. It is a room
//! of its own because it needs `core` and `effects` and nothing else, so that
//! its tests link neither git nor a terminal.

pub mod action;
pub mod agent;
pub mod compiled;
pub mod install;
pub mod journal;
pub mod judge;
pub mod keys;
pub mod mcp;
pub mod memory;
pub mod message;
pub mod own;
pub mod pass;
pub mod protocol;
pub mod redact;
pub mod report;
pub mod ticket;
