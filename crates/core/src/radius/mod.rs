//! Blast radius: how far a change reaches, as bounds with witnesses.
//!
//! The catalogue is a graph in which `u -> v` means that `u` needs `v`. A
//! change hits some nodes; failure spreads from them to whatever needs them:
//! - **low**: only what the change touches itself;
//! - **likely**: what cannot do without it, by hard needs; a redundancy group
//!   goes down when enough of its members do, and what fails in one region or
//!   cell fails what needs it in the same one;
//! - **high**: whatever needs it in any way, redundancy ignored, walls only
//!   where the catalogue says so; if something the change alters could not be
//!   placed, everything.
//!
//! How likely a change is to go wrong is another question, kept apart: these
//! figures say what follows if it does.

mod bits;
mod change;
mod csr;
mod facts;
mod graph;
mod losses;
mod measure;
mod model;
mod outline;
mod reach;
pub mod rollout;
mod scc;
mod score;
mod spread;
mod witness;

pub use self::bits::Bits;
pub use self::change::{Change, Hit, Placement, Stage};
pub use self::csr::Level;
pub use self::facts::{Bounds, Loss, RadiusFacts, Recovery};
pub use self::graph::{Graph, Shape, Threshold};
pub use self::model::{Model, Radius, StageRadius};
pub use self::outline::{Marks, Outline, Shadow};
pub use self::score::{Actual, Prediction, SavedRadius, Score, SetScore};
pub use self::witness::{Claim, Impact, Step};

#[cfg(test)]
mod tests;
