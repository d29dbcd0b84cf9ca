//! Since when? One change with a calibrated p-value, several changes by PELT,
//! and changes of any kind by energy distances.

mod divisive;
mod pelt;
mod split;

pub use divisive::{DivisiveOptions, e_divisive};
pub use pelt::{
    NormalMeanCost, NormalMeanVarianceCost, PoissonCost, SegmentCost, bic_penalty, pelt,
};
pub use split::{Calibration, Resampling, Split, credible_range, poisson_split, split_posterior};
