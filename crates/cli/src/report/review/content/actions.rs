//! What waits: decisions, and actions with their owners and days.

use countersign_operations::review::{ActionRow, Review, late};
use countersign_page::Table;

use super::whole;
use crate::report::review::Section;
use crate::report::review::parts::dash;

pub(super) fn decisions(review: &Review) -> Section {
    let mut section = Section::new("Decisions needed");
    let mut table = Table::new(["to decide", "who answers for it"]);
    for it in &review.decisions {
        table.row([
            it.question.clone(),
            it.owner.clone().unwrap_or_else(|| "nobody yet".to_owned()),
        ]);
    }
    section.table("Decisions needed", table, "Nothing waits for a decision.");
    section
}

fn action_table(rows: &[ActionRow]) -> Table {
    let mut table = Table::new([
        "action",
        "what",
        "owner",
        "due",
        "follows from",
        "effect shown by",
    ]);
    for it in rows {
        let due = match (it.due, it.days_late) {
            (Some(due), Some(days)) => format!("{due}, {}", late(days)),
            (Some(due), None) => due.to_string(),
            (None, _) => "no day".to_owned(),
        };
        table.row([
            it.id.clone(),
            it.title.clone(),
            it.owner.clone().unwrap_or_else(|| "nobody".to_owned()),
            due,
            dash(it.incident.as_deref()),
            it.evidence
                .clone()
                .unwrap_or_else(|| "nothing yet".to_owned()),
        ]);
    }
    table
}

pub(super) fn actions(review: &Review) -> Section {
    let mut section = Section::new("Actions: overdue, due, done");
    let it = &review.actions;
    section.say(format!(
        "{} open, {} of them overdue.",
        whole(it.open),
        it.overdue.len()
    ));
    section.table("Overdue", action_table(&it.overdue), "Nothing is overdue.");
    section.table("Due within a week", action_table(&it.due), "");
    section.table("Without an owner or a day", action_table(&it.adrift), "");
    section.table("Done lately", action_table(&it.done), "");
    section
}

pub(super) fn new_actions(review: &Review) -> Section {
    let mut section = Section::new("New actions");
    section.table(
        "New actions",
        action_table(&review.new_actions),
        "No action was opened in the week.",
    );
    section
}
