//! What waits for whom.

use std::fmt::Write as _;

use countersign_core::facts::Reach;
use countersign_core::involvement::Verdict as Ai;
use countersign_core::usage::Maturity;
use jiff::Timestamp;
use serde::Serialize;

use super::count;
use crate::style::{self, BOLD, DIM, paint};

/// The version of the JSON form. Fields are only ever added to it.
pub(crate) const SCHEMA: &str = "countersign.queue/1";

/// Everything that `queue` says. The JSON form is exactly this.
#[derive(Debug, Serialize)]
pub(crate) struct QueueReport {
    pub(crate) schema: &'static str,
    /// Whose queue it is; absent for everyone's.
    pub(crate) person: Option<PersonLoad>,
    /// Riskiest first, then oldest.
    pub(crate) changes: Vec<Waiting>,
    /// What waits for its authors.
    pub(crate) self_reviews: Vec<SelfReviewFirst>,
    /// Open changes that nobody can bring forward, or that were refused.
    pub(crate) stuck: Vec<Stuck>,
    /// Open changes that need nothing.
    pub(crate) ready: Vec<String>,
    /// Open changes that could not be judged, and why.
    pub(crate) not_judged: Vec<Stuck>,
    /// Older branches that were not looked at.
    pub(crate) not_read: usize,
}

#[derive(Debug, Serialize)]
pub(crate) struct PersonLoad {
    pub(crate) person: String,
    pub(crate) level: String,
    /// Minutes a week this person can give.
    pub(crate) budget_minutes: u32,
    /// Estimated minutes of what they signed since Monday.
    pub(crate) done_minutes: u32,
    /// Estimated minutes of what is asked of them.
    pub(crate) asked_minutes: u32,
    /// Changes asked of them.
    pub(crate) asked: u32,
    /// How many they may have at once, where they say so.
    pub(crate) wip_limit: Option<u32>,
    /// When they are back, where they are away (RFC 3339).
    pub(crate) away_until: Option<String>,
    /// Who is asked instead.
    pub(crate) delegate: Option<String>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Waiting {
    pub(crate) change: String,
    pub(crate) range: String,
    pub(crate) head: String,
    pub(crate) summary: String,
    pub(crate) authors: Vec<String>,
    /// Who is asked for each sign-off.
    pub(crate) asked: Vec<ReportAsked>,
    /// Who could sign instead.
    pub(crate) others: Vec<String>,
    /// The person is asked, rather than able to help.
    pub(crate) asked_of_you: bool,
    pub(crate) rules: Vec<String>,
    /// Not on the roster: to be identified first.
    pub(crate) identify: Vec<String>,
    /// Estimated minutes of one careful sign-off.
    pub(crate) minutes: u32,
    /// When its last commit was made, as its committer says (RFC 3339).
    pub(crate) since: Option<String>,
    pub(crate) irreversible: Option<bool>,
    pub(crate) tier: Option<u64>,
    pub(crate) reach: Reach,
    pub(crate) involvement: Ai,
    pub(crate) usage: Option<Maturity>,
    pub(crate) lines: u64,
    /// The command to run.
    pub(crate) next: String,
}

#[derive(Debug, Serialize)]
pub(crate) struct ReportAsked {
    pub(crate) person: String,
    /// Who would have been asked, were they not away.
    pub(crate) instead_of: Option<String>,
}

#[derive(Debug, Serialize)]
pub(crate) struct SelfReviewFirst {
    pub(crate) change: String,
    pub(crate) by: Vec<String>,
    pub(crate) next: String,
}

#[derive(Debug, Serialize)]
pub(crate) struct Stuck {
    pub(crate) change: String,
    pub(crate) why: String,
}

/// Names shown before the rest is counted.
const MAX_NAMES: usize = 4;

/// The answer for a terminal.
pub(crate) fn human(report: &QueueReport, now: Timestamp) -> String {
    let mut out = String::new();
    let n = count(report.changes.len() as u64, "change");
    let wait = if report.changes.len() == 1 {
        "waits"
    } else {
        "wait"
    };
    let headline = match &report.person {
        Some(it) => format!("{n} {wait} for {}", it.person),
        None => format!("{n} {wait} for a sign-off"),
    };
    let _ = writeln!(out, "{}", paint(BOLD, headline));
    if let Some(person) = &report.person {
        load(&mut out, person);
    }
    let (asked, others): (Vec<&Waiting>, Vec<&Waiting>) = report
        .changes
        .iter()
        .partition(|it| it.asked_of_you || report.person.is_none());
    for change in asked {
        waiting(&mut out, change, now);
    }
    if !others.is_empty() {
        let _ = writeln!(out, "\n  {}", paint(DIM, "asked of others; you could help"));
    }
    for change in others {
        waiting(&mut out, change, now);
    }
    rest(&mut out, report);
    out
}

fn load(out: &mut String, it: &PersonLoad) {
    let total = it.done_minutes + it.asked_minutes;
    let over = if total > it.budget_minutes {
        paint(
            BOLD,
            format!("  over budget by {} min", total - it.budget_minutes),
        )
    } else {
        String::new()
    };
    let _ = writeln!(
        out,
        "  {}: {} min budget a week, about {} done since Monday, about {} asked{over}",
        it.level, it.budget_minutes, it.done_minutes, it.asked_minutes
    );
    if let Some(limit) = it.wip_limit {
        let full = if it.asked >= limit { ": full" } else { "" };
        let _ = writeln!(out, "  {} of at most {limit} at once{full}", it.asked);
    }
    if let Some(until) = &it.away_until {
        let instead = it.delegate.as_ref().map_or_else(
            || "nobody stands in".to_owned(),
            |id| format!("{id} is asked instead"),
        );
        let _ = writeln!(out, "  away until {until}; {instead}");
    }
}

fn waiting(out: &mut String, it: &Waiting, now: Timestamp) {
    let minutes = format!("about {} min", it.minutes);
    let _ = writeln!(
        out,
        "\n  {}  {}",
        paint(BOLD, &it.change),
        paint(DIM, format!("{minutes}, {}", age(it.since.as_deref(), now)))
    );
    let _ = writeln!(out, "    {}", risk(it));
    let by = if it.authors.is_empty() {
        String::new()
    } else {
        format!("by {}; ", it.authors.join(", "))
    };
    let _ = writeln!(out, "    {by}for {}", it.rules.join(", "));
    let asked: Vec<String> = it
        .asked
        .iter()
        .map(|asked| match &asked.instead_of {
            Some(away) => format!("{} (for {away}, who is away)", asked.person),
            None => asked.person.clone(),
        })
        .collect();
    let others = match it.others.as_slice() {
        [] => String::new(),
        names => format!("; or {}", shorten(names)),
    };
    let _ = writeln!(out, "    asked: {}{others}", asked.join(" and "));
    if let Some(first) = it.identify.first() {
        let _ = writeln!(
            out,
            "    first identify {first}, who is not on the roster, or let two people sign"
        );
    }
    let _ = writeln!(out, "    {}", paint(BOLD, &it.next));
}

/// What there is to lose, worst first.
fn risk(it: &Waiting) -> String {
    let mut parts = Vec::new();
    match it.irreversible {
        Some(true) => parts.push(paint(BOLD, "destroys state for good")),
        None => parts.push("may destroy state".to_owned()),
        Some(false) => {}
    }
    if let Some(tier) = it.tier {
        parts.push(format!("tier {tier}"));
    }
    let some = |n: Option<u64>| n.filter(|n| *n > 0);
    let reach = some(it.reach.customers).map(|n| format!("{n} % of customers"));
    let reach = reach
        .or_else(|| some(it.reach.functions).map(|n| count(n, "customer function")))
        .or_else(|| some(it.reach.services).map(|n| count(n, "service")));
    if let Some(reach) = reach {
        parts.push(format!("reaches up to {reach}"));
    }
    let usage = match it.usage {
        Some(usage @ (Maturity::Novel | Maturity::Trial | Maturity::Forbidden)) => {
            format!(" ({})", usage.as_str())
        }
        _ => String::new(),
    };
    parts.push(format!(
        "AI {}{usage}",
        paint(style::involvement(it.involvement), it.involvement.as_str())
    ));
    parts.push(count(it.lines, "line"));
    parts.join(", ")
}

/// How long ago, in the largest unit that fits.
fn age(since: Option<&str>, now: Timestamp) -> String {
    let Some(since) = since.and_then(|text| text.parse::<Timestamp>().ok()) else {
        return "age unknown".to_owned();
    };
    let seconds = now.duration_since(since).as_secs().max(0);
    let (n, unit) = match seconds {
        ..60 => return "last commit just now".to_owned(),
        s if s < 2 * 3600 => (s / 60, "min"),
        s if s < 2 * 86400 => (s / 3600, "h"),
        s => (s / 86400, "days"),
    };
    format!("last commit {n} {unit} ago")
}

fn shorten(names: &[String]) -> String {
    match names
        .get(..MAX_NAMES)
        .filter(|_| names.len() > MAX_NAMES + 1)
    {
        Some(shown) => format!("{} and {} more", shown.join(", "), names.len() - MAX_NAMES),
        None => names.join(", "),
    }
}

fn rest(out: &mut String, report: &QueueReport) {
    for it in &report.self_reviews {
        let _ = writeln!(
            out,
            "\n  {}  self-review first, by {}\n    {}",
            paint(BOLD, &it.change),
            shorten(&it.by),
            paint(BOLD, &it.next)
        );
    }
    for it in &report.stuck {
        let _ = writeln!(out, "\n  {}  {}", paint(BOLD, &it.change), it.why);
    }
    for it in &report.not_judged {
        let _ = writeln!(
            out,
            "\n  {}  not judged: {}",
            paint(BOLD, &it.change),
            it.why
        );
    }
    if !report.ready.is_empty() {
        let names = shorten(&report.ready);
        let _ = writeln!(out, "\n  {}", paint(DIM, format!("needs nothing: {names}")));
    }
    if report.not_read > 0 {
        let plural = if report.not_read == 1 { "" } else { "es" };
        let more = format!(
            "{} older branch{plural} not looked at (`--all` looks at every branch)",
            report.not_read
        );
        let _ = writeln!(out, "\n  {}", paint(DIM, more));
    }
}
