//! The words of Countersign as types. Pure: no input or output, no clock, no
//! environment; the time and every fact are arguments.

pub mod backtest;
pub mod catalog;
pub mod decide;
pub mod effect;
pub mod facts;
pub mod involvement;
pub mod ledger;
pub mod moment;
pub mod owners;
pub mod policy;
pub mod problem;
pub mod queue;
pub mod radius;
pub mod roster;
pub mod signoff;
pub mod usage;
