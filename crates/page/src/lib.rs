//! Documents that stand alone: pages, tables and charts for screen, paper and
//! terminal.
//!
//! Nothing here asks a network for anything, runs a script, or lets text from
//! outside become markup: [`Markup`] escapes by construction. Colours follow
//! light and dark by CSS variables, and no meaning hangs on colour alone. Every
//! chart can also be written as [text](chart::Chart::text) that fits a terminal
//! and as the [`Table`] of its numbers.

pub mod chart;
mod markup;
mod number;
mod shell;
mod table;

pub use markup::{Markup, escape};
pub use number::{decimal, thousands};
pub use shell::{Page, Tone};
pub use table::Table;
