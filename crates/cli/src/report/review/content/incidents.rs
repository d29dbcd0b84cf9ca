//! Incidents of the week against exposure.

use countersign_operations::review::Review;
use countersign_page::{Table, decimal};

use super::whole;
use crate::report::count;
use crate::report::review::parts::{joined, minutes, moment, severity};
use crate::report::review::{Block, Section, charts};

pub(super) fn incidents(review: &Review) -> Section {
    let mut section = Section::new("Incidents against exposure");
    let it = &review.incidents;
    if !it.recorded {
        section.say("Nothing is recorded of the week or the year before it: neither incidents nor that there were none.");
        return section;
    }
    section.say(format!(
        "{} in {:.1} days, over {} shipped.",
        count(it.total(), "incident"),
        it.days,
        count(it.changes, "change")
    ));
    let mut table = Table::new([
        "severity",
        "incidents",
        "week before",
        "a day (95 %)",
        "per 1,000 changes",
    ]);
    for row in &it.by_severity {
        table.row([
            severity(row.severity).to_owned(),
            whole(row.incidents),
            whole(row.week_before),
            match (row.per_day, row.per_day_range) {
                (Some(per_day), Some(range)) => format!("{} ({range})", decimal(per_day)),
                _ => "–".to_owned(),
            },
            row.per_1000_changes
                .map_or_else(|| "no changes recorded".to_owned(), decimal),
        ]);
    }
    section.table("Incidents by severity", table, "");
    if let Some(chart) = charts::severities(it) {
        section.blocks.push(Block::Chart(Box::new(chart)));
    }
    if let Some(chart) = charts::exposure(it) {
        section.blocks.push(Block::Chart(Box::new(chart)));
    }
    let mut table = Table::new([
        "incident",
        "severity",
        "what",
        "began",
        "lasted",
        "weighted",
        "services",
        "role of AI",
        "analysis",
    ]);
    for row in &it.list {
        table.row([
            row.id.clone(),
            severity(row.severity).to_owned(),
            format!("{} ({})", row.title, row.status),
            moment(row.started),
            minutes(row.minutes),
            minutes(row.weighted_minutes),
            joined(&row.services),
            row.ai.clone(),
            if row.analysed { "written" } else { "–" }.to_owned(),
        ]);
    }
    section.table(
        "Incidents of the week",
        table,
        "No incident began in the week.",
    );
    if it.not_counted > 0 {
        section.fine(format!(
            "{} more were dismissed or are the same as another, and do not count.",
            whole(it.not_counted)
        ));
    }
    section
}
