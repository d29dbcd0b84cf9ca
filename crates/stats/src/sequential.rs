//! Looking every week without fooling oneself.
//!
//! A test at the 5 % level that is repeated every week raises a false alarm in
//! about a quarter of all quiet years. An *e-process* does not: while nothing
//! has changed its expectation stays at or below 1 however often and for
//! whatever reason one looks, so it ever reaches `1 / alpha` with probability
//! at most `alpha` (Ville 1939; Ramdas, Grünwald, Vovk & Shafer 2023,
//! *Game-Theoretic Statistics and Safe Anytime-Valid Inference*). Likewise a
//! *confidence sequence* covers the truth at all looks at once.
//!
//! What remains assumed: events fall on one arm or the other independently of
//! each other. Ten alerts of one outage are one event.

mod ratio;
mod share;

pub use ratio::{Look, RatioProcess, fixed_ratio_e_value};
pub use share::{ShareProcess, e_value, share_interval};

use crate::error::{Result, open_unit};

/// The value that an e-process reaches with probability at most `alpha` while
/// nothing has changed: 20 for 5 %.
///
/// # Errors
/// [`Error::OutOfRange`](crate::Error::OutOfRange) unless `0 < alpha < 1`.
pub fn alarm_threshold(alpha: f64) -> Result<f64> {
    Ok(1.0 / open_unit("false-alarm probability", alpha)?)
}
