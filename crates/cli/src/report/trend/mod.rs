//! The answer of `countersign trend`.

pub(crate) mod charts;
mod html;
mod human;

use countersign_operations::trend::Analysis;
use serde::Serialize;

pub(crate) use html::html;
pub(crate) use human::human;

use crate::history::InputFile;

/// The version of the JSON form. Fields are only ever added to it.
pub(crate) const SCHEMA: &str = "countersign.trend/1";

/// Everything that `trend` says. The JSON form is exactly this.
#[derive(Debug, Serialize)]
pub(crate) struct TrendReport {
    pub(crate) schema: &'static str,
    /// The trend and the comparison in a sentence each.
    pub(crate) headline: String,
    /// What was read.
    pub(crate) inputs: Vec<InputFile>,
    /// What was left out or looks wrong.
    pub(crate) warnings: Vec<String>,
    #[serde(flatten)]
    pub(crate) analysis: Analysis,
}

impl TrendReport {
    pub(crate) fn new(analysis: Analysis, inputs: Vec<InputFile>, warnings: Vec<String>) -> Self {
        Self {
            schema: SCHEMA,
            headline: analysis.headline(),
            inputs,
            warnings,
            analysis,
        }
    }
}
