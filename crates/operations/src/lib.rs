//! What the organisation learns: incidents, the factors people claim for them,
//! the changes they are linked to, the actions that follow. Pure: no input or
//! output, no clock, no environment; the time and every fact are arguments.
//!
//! Each word has its file. What is recorded is a [`record::Record`]: it is
//! appended to a ledger and never altered. A correction is a new version with
//! the same key, so today's state is a fold over history, and the state "as of"
//! any earlier moment is the same fold over less of it.

pub mod action;
pub mod availability;
pub mod change;
pub mod coe;
pub mod decision;
pub mod deployment;
pub mod factor;
pub mod guard;
pub mod history;
pub mod import;
pub mod incident;
pub mod initiative;
pub mod link;
pub mod noted;
pub mod pack;
pub mod record;
pub mod review;
pub mod sample;
pub mod sign_off;
pub mod trend;
pub mod usage;
pub mod week;

mod faults;
mod words;

pub use self::words::UnknownWord;
