//! How AI took part in a commit: every channel read into evidence.

mod catalogue;

pub use catalogue::{Catalogue, Kind, Row, RowClass, Values};
