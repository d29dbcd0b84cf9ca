//! Oracle tables, invariances and simulated coverage of every method family.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests stand outside the functions that clippy knows to be tests"
)]

mod change_point;
mod chart;
mod data;
mod errors;
mod hidden;
mod its;
mod multiple;
mod power;
mod rates;
mod regression;
mod samples;
mod sequential;
mod stratified;
mod trend;

use countersign_stats::{Counted, Interval};

/// Asserts agreement to `digits` significant digits.
fn close(got: f64, want: f64, digits: i32) {
    let tolerance = 0.5 * 10f64.powi(1 - digits) * want.abs().max(f64::MIN_POSITIVE);
    assert!(
        (got - want).abs() <= tolerance,
        "got {got}, want {want} to {digits} digits"
    );
}

/// Asserts agreement to `places` decimal places, one unit in the last allowed:
/// published values are sometimes cut off instead of rounded.
fn places(got: f64, want: f64, places: i32) {
    let tolerance = 1.000001 * 10f64.powi(-places);
    assert!(
        (got - want).abs() <= tolerance,
        "got {got}, want {want} to {places} places"
    );
}

fn spans(got: Interval, low: f64, high: f64, decimals: i32) {
    places(got.low, low, decimals);
    places(got.high, high, decimals);
}

fn counted(events: u64, exposure: f64) -> Counted {
    Counted::new(events, exposure).unwrap()
}
