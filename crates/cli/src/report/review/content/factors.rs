//! What people say contributed, and where the meeting looks deeper.

use countersign_operations::review::{Review, RoleSplit, Rule};
use countersign_page::Table;

use super::whole;
use crate::report::review::parts::{joined, moment};
use crate::report::review::{Block, Section, charts};

/// Incidents named before the rest is counted.
const MOST_LISTED: usize = 6;

fn roles(ai: &RoleSplit) -> String {
    let parts = [
        ("wrote", ai.wrote),
        ("executed", ai.executed),
        ("advised", ai.advised),
        ("reviewed", ai.reviewed),
        ("none", ai.none),
        ("unknown", ai.unknown),
    ];
    let said = parts
        .into_iter()
        .filter(|(_, n)| *n > 0)
        .map(|(word, n)| format!("{word} {n}"));
    let said = said.collect::<Vec<_>>().join(", ");
    if said.is_empty() {
        "–".to_owned()
    } else {
        said
    }
}

pub(super) fn factors(review: &Review) -> Section {
    let mut section = Section::new("Factors: what people say contributed");
    let it = &review.factors;
    let mut table = Table::new([
        "factor",
        "claimed",
        "confirmed",
        "disputed",
        "withdrawn",
        "role of AI",
    ]);
    for row in &it.table {
        table.row([
            row.title.clone(),
            whole(row.claimed),
            whole(row.confirmed),
            whole(row.disputed),
            whole(row.withdrawn),
            roles(&row.ai),
        ]);
    }
    section.table(
        "Factors",
        table,
        "No factor is claimed for an incident of the week.",
    );
    if let Some(chart) = charts::factors(&it.table) {
        section.blocks.push(Block::Chart(Box::new(chart)));
    }
    let mut table = Table::new([
        "incident",
        "factor",
        "claimed by",
        "state",
        "agree",
        "do not agree",
        "last word",
    ]);
    for row in &it.claims {
        let why = row
            .last_why
            .as_ref()
            .map_or(String::new(), |why| format!(": {why}"));
        let machine = if row.unconfirmed_machine {
            ", by a machine, to be checked"
        } else {
            ""
        };
        table.row([
            row.incident.clone(),
            row.factor.clone(),
            row.claimant.clone(),
            format!("{}{machine}", row.state),
            joined(&row.confirmed_by),
            joined(&row.disputed_by),
            format!("{} {}{why}", moment(row.last_at), row.last_by),
        ]);
    }
    section.table("Claims", table, "");
    if !it.without.is_empty() {
        section.fine(format!(
            "Nothing is claimed yet for {}.",
            joined(&it.without)
        ));
    }
    if !it.not_counted.is_empty() {
        section.fine(format!(
            "Claims are left out for {}: dismissed, or the same as another.",
            joined(&it.not_counted)
        ));
    }
    section
}

/// The first of a list, and how many more there are.
fn listed(ids: &[String]) -> String {
    let first = joined(ids.iter().take(MOST_LISTED));
    match ids.len().checked_sub(MOST_LISTED) {
        None | Some(0) => first,
        Some(more) => format!("{first} and {more} more"),
    }
}

pub(super) fn dives(review: &Review) -> Section {
    let mut section = Section::new("Deep dives");
    let mut table = Table::new([
        "dive into",
        "picked because",
        "incidents",
        "to expect from it in 13 weeks: confirmed alone, to every claim",
    ]);
    for it in &review.dives.picked {
        let why = match it.rule {
            Rule::NoAnalysis => "Sev1 or Sev2 without a correction of errors",
            Rule::MostAvoided => "it is named for the most incidents",
            Rule::Repeated => "it repeats: 3 incidents or more in 13 weeks",
        };
        let expected = it
            .avoidable
            .map_or("–".to_owned(), |range| range.to_string());
        table.row([
            it.title.clone(),
            why.to_owned(),
            listed(&it.incidents),
            expected,
        ]);
    }
    section.table("Picked by rule", table, "No rule picks anything.");
    let wheel = &review.dives.wheel;
    match &wheel.service {
        Some(service) => section.say(format!(
            "The wheel stops at {service}: its owners walk the meeting through its dashboard. \
             Drawn with seed {} from {} services, the more important and the longer not drawn the likelier.",
            wheel.seed,
            wheel.weights.len()
        )),
        None => section.say("The wheel has no service to stop at: none is known."),
    }
    section
}
