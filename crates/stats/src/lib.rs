//! Exact and sequential statistics that refuse to over-claim.

mod error;
mod roots;
mod special;
mod types;

pub use error::{Error, Result};
pub use types::{Alternative, Confidence, Counted, Estimate, Interval, MAX_COUNT};
pub mod proportion;
pub mod rate;
pub mod rate_ratio;
pub mod rate_test;
mod rng;
pub use rng::Random;
pub mod change_point;
pub mod chart;
pub mod its;
mod linalg;
pub mod multiple;
mod order;
pub mod power;
pub mod regression;
pub mod sequential;
pub mod stratified;
pub mod trend;
