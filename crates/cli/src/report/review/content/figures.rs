//! Figures against objectives, and the trend.

use countersign_operations::review::{Against, Review};
use countersign_page::{Table, decimal};

use crate::report::review::{Block, Section, charts};

pub(super) fn metrics(review: &Review) -> Section {
    let mut section = Section::new("Figures against objectives");
    let mut table = Table::new([
        "figure",
        "window",
        "value (95 %)",
        "objective",
        "against it",
        "against the weeks before",
    ]);
    for it in &review.metrics {
        let objective = &it.objective;
        let value = match (it.value, it.range) {
            (Some(value), Some(range)) => {
                format!("{} ({range}) {}", decimal(value), objective.measure)
            }
            (Some(value), None) => format!("{value:.3} {}", objective.measure),
            (None, _) => "not known".to_owned(),
        };
        let target = objective
            .target
            .map_or("–".to_owned(), |target| target.to_string());
        let against = match &it.against {
            Against::Met => "met".to_owned(),
            Against::Missed => "missed".to_owned(),
            Against::CannotTell { why } => format!("cannot tell: {why}"),
            Against::None => "–".to_owned(),
        };
        table.row([
            objective.title.clone(),
            format!("{} weeks", objective.weeks),
            value,
            target,
            against,
            it.change(),
        ]);
    }
    section.table("Figures against objectives", table, "Nothing is measured.");
    if let Some(trend) = &review.trend {
        section.say(trend.answer.sentence.clone());
        if let Some(chart) = charts::trend(trend) {
            section.blocks.push(Block::Chart(Box::new(chart)));
        }
        if !trend.answer.limits.is_empty() {
            section
                .blocks
                .push(Block::List(trend.answer.limits.clone()));
        }
    }
    section
}
