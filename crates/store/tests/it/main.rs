//! The store on both engines.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests"
)]

mod support;

mod methods;
mod statements;
mod transfer;
mod trust;
mod upgrade;
