//! The traps that a trend report falls into, one by one.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests stand outside the functions that clippy knows to be tests"
)]

mod ai;
mod github;
mod interrupted;
mod properties;
mod rates;
mod weekly;
mod world;
