//! The document as lines, each with what it is about: so that a later version
//! can be compared, and what it leaves out be named.

use super::decisions::joined;
use super::metrics::{Against, Measured, Moved};
use super::objectives::Measure;
use super::{ActionRow, Line, Review};
use crate::incident::Severity;
use crate::trend::{decimal, thousands};

/// The most lines of one version; the rest is counted in a last one.
const MOST: usize = 1_500;
/// The most characters of a line.
const MOST_CHARS: usize = 300;

struct Lines(Vec<Line>);

impl Lines {
    fn add(&mut self, about: impl Into<String>, text: impl Into<String>) {
        let plain = |c: char| if c.is_control() { ' ' } else { c };
        let text: String = text.into();
        let about: String = about.into();
        self.0.push(Line {
            about: about.chars().map(plain).take(500).collect(),
            text: text.chars().map(plain).take(MOST_CHARS).collect(),
        });
    }
}

pub(super) fn lines(review: &Review) -> Vec<Line> {
    let mut out = Lines(Vec::new());
    if let Some(trend) = &review.trend {
        out.add("trend:incidents", &*trend.answer.sentence);
    }
    for it in &review.metrics {
        out.add(format!("metric:{}", it.objective.id), metric(it));
    }
    incidents(review, &mut out);
    for it in &review.factors.claims {
        let mut text = format!(
            "{}: {} {} by {}",
            it.incident, it.factor, it.state, it.claimant
        );
        if !it.confirmed_by.is_empty() {
            text.push_str(&format!("; agrees: {}", joined(&it.confirmed_by)));
        }
        if !it.disputed_by.is_empty() {
            text.push_str(&format!("; does not agree: {}", joined(&it.disputed_by)));
        }
        let about = format!("factor:{} {} {}", it.incident, it.factor, it.claimant);
        out.add(about, text);
    }
    actions(review, &mut out);
    safeguards(review, &mut out);
    for it in &review.initiatives {
        let text = format!("{} ({}): {}", it.title, it.owner, it.sentence);
        out.add(format!("initiative:{}", it.id), text);
    }
    for it in &review.packs {
        let state = if it.in_force { "in force" } else { "over" };
        let text = format!("{}: {state}, until {}", it.pack, it.until);
        out.add(format!("pack:{}", it.id), text);
    }
    dives(review, &mut out);
    // two things may have the same name; a line is found by it
    let mut seen = std::collections::BTreeSet::new();
    let mut lines = out.0;
    lines.retain(|line| seen.insert(line.about.clone()));
    if lines.len() > MOST {
        let more = lines.len() - MOST;
        lines.truncate(MOST);
        lines.push(Line {
            about: "more:lines".to_owned(),
            text: format!("and {more} lines more"),
        });
    }
    lines
}

fn incidents(review: &Review, out: &mut Lines) {
    for row in &review.incidents.by_severity {
        let name = severity(row.severity);
        let text = match (row.per_day, row.per_day_range) {
            (Some(per_day), Some(range)) => format!(
                "{name}: {} ({} the week before), {} a day ({range})",
                row.incidents,
                row.week_before,
                decimal(per_day),
            ),
            _ => format!("{name}: nothing is recorded, so there is no rate"),
        };
        out.add(format!("severity:{}", name.to_lowercase()), text);
    }
    for it in &review.incidents.list {
        let minutes = it.minutes.map_or_else(
            || "end not recorded".to_owned(),
            |minutes| format!("{} min", thousands(minutes as i64)),
        );
        let services = joined(&it.services);
        let text = format!(
            "{} {} {}: {}, {minutes}; {services}; AI: {}",
            it.id,
            severity(it.severity),
            it.title,
            it.status,
            it.ai
        );
        out.add(format!("incident:{}", it.id), text);
    }
}

fn action(it: &ActionRow) -> String {
    let owner = it.owner.as_deref().unwrap_or("nobody");
    // how late it is changes with every day, and nobody did that
    let due = it
        .due
        .map_or_else(|| ", no day".to_owned(), |due| format!(", due {due}"));
    let evidence = it
        .evidence
        .as_ref()
        .map_or(String::new(), |evidence| format!("; effect: {evidence}"));
    format!(
        "{} {} ({owner}{due}): {}{evidence}",
        it.id, it.title, it.state
    )
}

fn actions(review: &Review, out: &mut Lines) {
    let actions = &review.actions;
    let lists = [
        &actions.overdue,
        &actions.due,
        &actions.adrift,
        &actions.done,
    ];
    for it in lists.into_iter().flatten().chain(&review.new_actions) {
        out.add(format!("action:{}", it.id), action(it));
    }
}

fn safeguards(review: &Review, out: &mut Lines) {
    for it in &review.rollouts {
        let why = it
            .reason
            .as_ref()
            .map_or(String::new(), |why| format!(": {why}"));
        let text = format!("{} {} {}{why}", it.id, it.service, it.kind.as_str());
        out.add(format!("deployment:{}", it.id), text);
    }
    for it in &review.bypasses {
        let who = it.person.as_deref().unwrap_or("unknown");
        out.add(
            &*it.about,
            format!("{}: {} ({who})", it.title, it.kind.as_str()),
        );
    }
    for it in &review.usage {
        let owner = it.owner.as_deref().unwrap_or("nobody");
        let text = format!(
            "{}: {}, seen {} times, owner {owner}",
            it.pattern, it.maturity, it.seen
        );
        out.add(format!("usage:{}", it.pattern), text);
    }
    for it in &review.planned {
        let text = format!(
            "{} ({}): {}; {}",
            it.change,
            it.kind,
            it.verdict,
            it.reasons.join("; ")
        );
        out.add(format!("decision:{}", it.change), text);
    }
    let it = &review.safeguards;
    out.add(
        "safeguard:sign-offs",
        format!(
            "{} changes judged, {} vetoed, {} approvals, {} min of signers",
            it.judged,
            it.vetoed,
            it.approvals,
            thousands(it.minutes as i64)
        ),
    );
    out.add(
        "safeguard:guard",
        format!(
            "{} asked, {} held, {} refused",
            it.guard_asked, it.guard_held, it.guard_refused
        ),
    );
}

fn dives(review: &Review, out: &mut Lines) {
    for it in &review.dives.picked {
        let text = format!("deep dive into {}: {}", it.title, joined(&it.incidents));
        out.add(format!("dive:{}", it.about), text);
    }
    if let Some(service) = &review.dives.wheel.service {
        let text = format!(
            "the wheel stops at {service}, drawn with seed {}",
            review.dives.wheel.seed
        );
        out.add(format!("wheel:{service}"), text);
    }
}

/// `Sev2`, or `not graded`.
fn severity(severity: Option<Severity>) -> &'static str {
    severity.map_or("not graded", Severity::as_str)
}

fn metric(it: &Measured) -> String {
    let objective = &it.objective;
    let value = match (it.value, it.range) {
        (Some(value), Some(range)) => format!("{} ({range}) {}", decimal(value), objective.measure),
        (Some(value), None) => format!("{value:.3} {}", objective.measure),
        (None, _) => "not known".to_owned(),
    };
    format!(
        "{}: {value} over {} weeks; {}; {}",
        objective.title,
        objective.weeks,
        it.against.text(objective.target),
        it.change()
    )
}

impl Measured {
    /// How it changed, in words.
    #[must_use]
    pub fn change(&self) -> String {
        match (self.objective.measure, self.before) {
            (Measure::Availability(_), Some(before)) => format!("{before:.3} % before"),
            (Measure::Availability(_), None) => "nothing to compare with".to_owned(),
            _ => self.moved.text(),
        }
    }
}

impl Against {
    /// In words, with the objective.
    #[must_use]
    pub fn text(&self, target: Option<f64>) -> String {
        let target = target.map_or(String::new(), |target| format!(" {target}"));
        match self {
            Self::Met => format!("objective{target} met"),
            Self::Missed => format!("objective{target} missed"),
            Self::CannotTell { why } => format!("objective{target}: cannot tell ({why})"),
            Self::None => "no objective".to_owned(),
        }
    }
}

impl Moved {
    /// In words.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Higher => "changed: higher".to_owned(),
            Self::Lower => "changed: lower".to_owned(),
            Self::NotChanged { would_have_seen } => {
                format!(
                    "not changed (would have seen ≥ {})",
                    decimal(*would_have_seen)
                )
            }
            Self::CannotTell { why } => format!("cannot tell: {why}"),
        }
    }
}
