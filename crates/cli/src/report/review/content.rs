//! What the review says, section by section, in the order of the meeting.

use countersign_operations::review::{
    ActionRow, Against, Altered, Fate, Review, RoleSplit, Rule, late,
};
use countersign_page::{Table, decimal, thousands};

use super::parts::{dash, day, joined, minutes, moment, severity};
use super::{Block, Section, charts};
use crate::report::count;

/// Incidents named before the rest is counted.
const MOST_LISTED: usize = 6;
/// Rows of the changelog before the rest is counted.
const MOST_ALTERED: usize = 200;

pub(super) fn sections(review: &Review) -> Vec<Section> {
    vec![
        decisions(review),
        actions(review),
        metrics(review),
        incidents(review),
        factors(review),
        dives(review),
        rollouts(review),
        safeguards(review),
        usage(review),
        bypasses(review),
        planned(review),
        running(review),
        new_actions(review),
        changelog(review),
        about(review),
    ]
}

fn whole(n: u64) -> String {
    thousands(i64::try_from(n).unwrap_or(i64::MAX))
}

fn decisions(review: &Review) -> Section {
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

fn actions(review: &Review) -> Section {
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

fn metrics(review: &Review) -> Section {
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

fn incidents(review: &Review) -> Section {
    let mut section = Section::new("Incidents against exposure");
    let it = &review.incidents;
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
            format!("{} ({})", decimal(row.per_day), row.per_day_range),
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

fn factors(review: &Review) -> Section {
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

fn dives(review: &Review) -> Section {
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

fn rollouts(review: &Review) -> Section {
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

fn safeguards(review: &Review) -> Section {
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
        "cost: minutes of signers, reckoned by size",
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

fn usage(review: &Review) -> Section {
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

fn bypasses(review: &Review) -> Section {
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

fn planned(review: &Review) -> Section {
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

fn running(review: &Review) -> Section {
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

fn new_actions(review: &Review) -> Section {
    let mut section = Section::new("New actions");
    section.table(
        "New actions",
        action_table(&review.new_actions),
        "No action was opened in the week.",
    );
    section
}

fn altered(it: &Altered) -> [String; 4] {
    let who = it.touches.iter().map(|touch| {
        let why = touch
            .why
            .as_ref()
            .map_or(String::new(), |why| format!(" ({why})"));
        let through = touch
            .through
            .as_ref()
            .map_or(String::new(), |it| format!(" through {it}"));
        format!(
            "{} {}{through}: {}{why}",
            moment(touch.at),
            touch.by,
            touch.what
        )
    });
    let who: Vec<String> = who.collect();
    let who = if who.is_empty() {
        match it.fate {
            Fate::VanishedUnexplained | Fate::ChangedUnexplained => "no record".to_owned(),
            _ => "–".to_owned(),
        }
    } else {
        who.join("; ")
    };
    [
        it.fate.as_str().to_owned(),
        dash(it.before.as_deref()),
        dash(it.after.as_deref()),
        who,
    ]
}

fn changelog(review: &Review) -> Section {
    let mut section = Section::new("Changed against the version circulated before");
    let log = &review.changelog;
    let (Some(week), Some(version), Some(at)) = (log.week, log.version, log.issued_at) else {
        section.say("No version was circulated before.");
        return section;
    };
    section.say(format!(
        "Against {week} version {version}, circulated {} by {}.",
        moment(at),
        dash(log.issued_by.as_deref())
    ));
    let mut table = Table::new(["", "it said", "it says", "who and when"]);
    for it in log.altered.iter().take(MOST_ALTERED) {
        table.row(altered(it));
    }
    section.table("Changed lines", table, "Every line is as it was.");
    if log.altered.len() > MOST_ALTERED {
        let more = log.altered.len() - MOST_ALTERED;
        section.fine(format!("And {more} more; the JSON form has all of them."));
    }
    if log.ended_with_week > 0 {
        section.fine(format!(
            "{} lines ended with their week.",
            whole(log.ended_with_week)
        ));
    }
    section
}

fn about(review: &Review) -> Section {
    let mut section = Section::new("What the words mean, and what was read");
    let mut table = Table::new(["word", "meaning"]);
    for it in &review.definitions {
        table.row([it.word.to_owned(), it.text.clone()]);
    }
    section.table("Definitions", table, "");
    let mut table = Table::new(["read", "SHA-256"]);
    for (name, digest) in &review.inputs {
        table.row([name.clone(), digest.short()]);
    }
    section.table("What was read", table, "");
    section
}
