//! Exact and sequential statistics that refuse to over-claim.
//!
//! The crate answers the questions that are asked about rare bad events: *is
//! there a trend, since when, is one way of working riskier than another, did a
//! measure help* — and says "cannot tell" where the data cannot. It knows
//! nothing of any domain and can be used alone.
//!
//! | question | module |
//! |---|---|
//! | how often, at best and at worst? | [`rate`], [`proportion`] |
//! | is one rate higher than another? | [`rate_ratio`], [`rate_test`] |
//! | … with team, size or tier held equal? | [`stratified`], [`regression`] |
//! | … when flags or links are sometimes wrong? | [`misclassification`] |
//! | … when part of one arm is undeclared? | [`bounds`] |
//! | what would "no difference" have missed? | [`power`], [`verdict`] |
//! | is the rate rising or falling? | [`trend`], [`chart`] |
//! | since when? | [`change_point`] |
//! | did an event change the level or slope? | [`its`] |
//! | may we look every week? | [`sequential`] |
//! | do counts vary more than chance would? | [`dispersion`] |
//! | which of many findings hold? | [`multiple`] |
//! | do two samples differ at all? | [`mann_whitney`], [`permutation`] |
//!
//! # Crude beside adjusted
//!
//! Berkeley's admissions of 1973: pooled, men fare far better; within
//! departments, they do not (Simpson's paradox).
//!
//! ```
//! use countersign_stats::Confidence;
//! use countersign_stats::stratified::{TwoByTwo, odds_ratio};
//! # fn main() -> Result<(), countersign_stats::Error> {
//! let department = |first_yes, first_no, second_yes, second_no| TwoByTwo {
//!     first_yes, first_no, second_yes, second_no,
//! };
//! let men_and_women = [
//!     department(512, 313, 89, 19),
//!     department(353, 207, 17, 8),
//!     department(120, 205, 202, 391),
//!     department(138, 279, 131, 244),
//!     department(53, 138, 94, 299),
//!     department(22, 351, 24, 317),
//! ];
//! let found = odds_ratio(&men_and_women, Confidence::P95)?.ratio;
//! assert!(found.crude > 1.8 && found.adjusted.value < 1.0);
//! assert!(found.sign_flips());
//! # Ok(())
//! # }
//! ```
//!
//! # From counts to a word
//!
//! ```
//! use countersign_stats::power::{Arms, minimum_detectable_ratio};
//! use countersign_stats::verdict::{Reason, Verdict, judge};
//! use countersign_stats::{Confidence, Counted, rate_ratio};
//! # fn main() -> Result<(), countersign_stats::Error> {
//! // 4 incidents in 300 assisted changes, 9 in 900 others
//! let (assisted, others) = (Counted::new(4, 300.0)?, Counted::new(9, 900.0)?);
//! let ratio = rate_ratio::exact_interval(assisted, others, Confidence::P95)?;
//! let arms = Arms {
//!     first_exposure: assisted.exposure(),
//!     second_exposure: others.exposure(),
//!     base_rate: others.rate(),
//! };
//! let detectable = minimum_detectable_ratio(arms, 0.8, Confidence::P95)?;
//! let verdict = judge(ratio.interval, None, detectable, 1.5)?;
//! assert!(matches!(verdict, Verdict::CannotTell(Reason::TooLittleData { .. })));
//! # Ok(())
//! # }
//! ```
//!
//! # Conventions
//!
//! * **Rates are per unit of exposure** the caller chooses (changes shipped,
//!   service-hours); [`Counted`] carries both and no count goes without its
//!   exposure.
//! * **Ratios are first over second**; above 1 means that the first arm is worse.
//! * **Bad input is an [`Error`]**, never a panic or a silent `NaN`; sizes are
//!   bounded so that run time is.
//! * **Pure**: no I/O, clock, environment or global state. What is drawn at
//!   random takes a seed and gives the same answer on every platform.
//! * **Checked against others**: every method is tested against published values
//!   or an independent package (R, scipy, statsmodels, ruptures); the tests name
//!   the source of each number.

mod error;
mod linalg;
mod order;
mod rng;
mod roots;
mod special;
mod types;

pub mod bounds;
pub mod change_point;
pub mod chart;
pub mod dispersion;
pub mod its;
pub mod mann_whitney;
pub mod misclassification;
pub mod multiple;
pub mod permutation;
pub mod power;
pub mod proportion;
pub mod rate;
pub mod rate_ratio;
pub mod rate_test;
pub mod regression;
pub mod sequential;
pub mod stratified;
pub mod trend;
pub mod verdict;

pub use error::{Error, Result};
pub use rng::Random;
pub use types::{Alternative, Confidence, Counted, Estimate, Interval, MAX_COUNT};
