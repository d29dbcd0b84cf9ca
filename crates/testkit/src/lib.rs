//! Helpers for tests: scripted git repositories with fixed people and times.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot set itself up has to fail loudly"
)]

mod git;
mod history;
pub mod postgres;
pub mod programs;
pub mod signing;
pub mod simulator;

pub use git::{GitRepo, Who};
