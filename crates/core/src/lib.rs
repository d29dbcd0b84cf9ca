//! The words of Countersign as types. Pure: no input or output, no clock, no
//! environment; the time and every fact are arguments.

pub mod effect;
pub mod involvement;
pub mod problem;
