//! CloudFormation: change sets, and templates before and after.

mod change_set;
mod policy;
mod reference;
mod spec;
mod template;

pub use change_set::{looks_like as looks_like_change_set, read as read_change_set};
pub use template::{looks_like as looks_like_template, read as read_templates};
