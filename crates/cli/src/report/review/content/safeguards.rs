//! Safeguards, and what went round them or waits behind them.

use countersign_operations::review::Review;
use countersign_page::Table;

use super::whole;
use crate::report::count;
use crate::report::review::Section;
use crate::report::review::parts::{dash, joined, minutes, moment};

pub(super) fn rollouts(review: &Review) -> Section {
    let mut section = Section::new("Rollouts halted, rolled back, overridden");
    let mut table = Table::new([
        "deployment",
        "service",
        "what became of it",
        "stage",
        "why",
        "began",
        "run by AI",
    ]);
    for it in &review.rollouts {
        table.row([
            it.id.clone(),
            it.service.clone(),
            it.kind.as_str().to_owned(),
            dash(it.stage.as_deref()),
            dash(it.reason.as_deref()),
            moment(it.started),
            dash(it.tool.as_deref()),
        ]);
    }
    section.table(
        "Rollouts",
        table,
        "No recorded rollout was halted, rolled back or overridden.",
    );
    section
}

pub(super) fn safeguards(review: &Review) -> Section {
    let mut section = Section::new("Safeguards: effect and cost");
    let it = &review.safeguards;
    let mut table = Table::new(["what", "this week"]);
    let mut row = |what: &str, value: String| table.row([what.to_owned(), value]);
    row("changes that people judged", whole(it.judged));
    row(
        "caught: changes vetoed, of those judged",
        it.vetoed.to_string(),
    );
    row(
        "approvals with words of the signer",
        it.with_words.to_string(),
    );
    row("approvals taken back", whole(it.revoked));
    let unknown = if it.size_unknown > 0 {
        format!(", and {} of unknown size", whole(it.size_unknown))
    } else {
        String::new()
    };
    row(
        "cost: minutes of signers under all rules, reckoned by size",
        format!("{}{unknown}", whole(it.minutes)),
    );
    let lead = match (it.lead_minutes, it.lead_minutes_p90) {
        (Some(middle), Some(slow)) => format!(
            "{} in the middle, {} for the slowest tenth, over {} changes",
            minutes(Some(middle)),
            minutes(Some(slow)),
            whole(it.lead_changes)
        ),
        _ => "no change was held and then approved".to_owned(),
    };
    row("cost: from hold to approval", lead);
    row("the guard was asked", whole(it.guard_asked));
    row("the guard held", it.guard_held.to_string());
    row("the guard refused", it.guard_refused.to_string());
    row("break-glass used", whole(it.broke_glass));
    row(
        "shipped although nothing allowed it, of all shipped",
        it.bypassed.to_string(),
    );
    section.table("Safeguards", table, "");
    section.fine("A veto shows a catch; what sign-offs prevent before anyone vetoes is not counted. Intervals are exact (Clopper & Pearson), 95 %.");
    section
}

pub(super) fn usage(review: &Review) -> Section {
    let mut section = Section::new("Uses of AI without established safeguards");
    let mut table = Table::new([
        "pattern",
        "maturity",
        "seen",
        "people",
        "owner",
        "safeguards",
        "linked incidents",
    ]);
    for it in &review.usage {
        let mut maturity = it.maturity.to_owned();
        if it.is_new {
            maturity.push_str(", new this week");
        }
        if it.undecided {
            maturity.push_str(", nothing decided");
        }
        if it.expired.is_some() {
            maturity.push_str(", decision expired");
        }
        let changes = count(it.changes, "change");
        let cap = match it.weekly_cap {
            Some(cap) if it.over_cap() => format!(" ({changes}, over the cap of {cap})"),
            Some(cap) => format!(" ({changes}, cap {cap})"),
            None => String::new(),
        };
        table.row([
            it.pattern.clone(),
            maturity,
            format!("{}{cap}", whole(it.seen)),
            whole(it.people),
            it.owner.clone().unwrap_or_else(|| "nobody".to_owned()),
            joined(&it.safeguards),
            whole(it.incidents),
        ]);
    }
    section.table(
        "Uses of AI",
        table,
        "No use without established safeguards was recorded.",
    );
    section
}

pub(super) fn bypasses(review: &Review) -> Section {
    let mut section = Section::new("Bypasses and break-glass");
    let mut table = Table::new([
        "what",
        "how",
        "who",
        "when",
        "after-review due",
        "in their words",
    ]);
    for it in &review.bypasses {
        table.row([
            it.title.clone(),
            it.kind.as_str().to_owned(),
            it.person.clone().unwrap_or_else(|| "not known".to_owned()),
            moment(it.at),
            it.review_due.map_or("–".to_owned(), moment),
            dash(it.message.as_deref()),
        ]);
    }
    section.table(
        "Bypasses",
        table,
        "Nothing went round the safeguards, as far as recorded.",
    );
    section
}

pub(super) fn planned(review: &Review) -> Section {
    let mut section = Section::new("Planned changes that are held");
    let mut table = Table::new(["change", "kind", "verdict", "decided", "what is asked for"]);
    for it in &review.planned {
        table.row([
            it.change.clone(),
            it.kind.to_owned(),
            it.verdict.to_owned(),
            moment(it.decided_at),
            it.reasons.join("; "),
        ]);
    }
    section.table("Held changes", table, "No recorded change is held.");
    section
}
