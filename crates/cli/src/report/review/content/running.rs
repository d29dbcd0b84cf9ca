//! Initiatives and temporary policy packs.

use countersign_operations::review::{Against, Review};
use countersign_page::{Table, decimal};

use super::whole;
use crate::report::review::Section;
use crate::report::review::parts::day;

pub(super) fn running(review: &Review) -> Section {
    let mut section = Section::new("Initiatives and temporary policy packs");
    let mut table = Table::new([
        "initiative",
        "owner",
        "since",
        "what should become better",
        "what may be said",
    ]);
    for it in &review.initiatives {
        let since = match it.end {
            Some(end) => format!("{} to {}", day(it.start), day(end)),
            None => day(it.start),
        };
        table.row([
            format!("{} {}", it.id, it.title),
            it.owner.clone(),
            since,
            it.hypothesis.clone(),
            it.sentence.clone(),
        ]);
    }
    section.table("Initiatives", table, "No initiative is running.");
    let mut table = Table::new(["pack", "services", "until", "exit criterion", "reached"]);
    for it in &review.packs {
        let state = match (it.in_force, it.ended) {
            (true, _) => format!("{}, {} days left", day(it.until), it.days_left),
            (false, Some(ended)) => format!("ended {}", day(ended)),
            (false, None) => format!("{}, over", day(it.until)),
        };
        let services = if it.services == 0 {
            "all".to_owned()
        } else {
            whole(it.services)
        };
        let none = [(String::from("none stated"), String::from("cannot tell"))];
        let criteria: Vec<(String, String)> = it
            .criteria
            .iter()
            .map(|it| (it.text.clone(), reached(&it.reached, it.value)))
            .collect();
        let rows = if criteria.is_empty() {
            &none[..]
        } else {
            &criteria[..]
        };
        for (text, reached) in rows {
            table.row([
                it.pack.clone(),
                services.clone(),
                state.clone(),
                text.clone(),
                reached.clone(),
            ]);
        }
    }
    section.table("Policy packs", table, "");
    section
}

/// Whether an exit criterion is reached, with the figure.
pub(crate) fn reached(against: &Against, value: Option<f64>) -> String {
    let now = value.map_or(String::new(), |value| format!(" (now {})", decimal(value)));
    match against {
        Against::Met => format!("reached{now}"),
        Against::Missed => format!("not reached{now}"),
        Against::CannotTell { why } => format!("cannot tell{now}: {why}"),
        Against::None => "cannot tell".to_owned(),
    }
}
