//! The graph against a naive oracle, the measure against its laws.

mod laws;
mod oracle;
mod shop;
