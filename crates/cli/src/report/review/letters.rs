//! Text files ready to send: a briefing note and an invitation.

use countersign_operations::factor::ClaimState;
use countersign_operations::incident::Severity;
use countersign_operations::review::{Fate, Review, ReviewIssued};
use countersign_operations::sample;

use super::parts::{dash, joined, minutes, moment, severity};
use crate::history::clean;

/// Items of a list before the rest is counted.
const MOST: usize = 12;

struct Letter(String);

impl Letter {
    /// Empty, but for what says that nothing of it is real.
    fn about(review: &Review) -> Self {
        let mut letter = Self(String::new());
        if review.sample {
            letter.line(sample::LABEL);
        }
        letter
    }

    fn line(&mut self, text: impl AsRef<str>) {
        self.0.push_str(&clean(text.as_ref()));
        self.0.push('\n');
    }

    fn heading(&mut self, text: &str) {
        self.0.push('\n');
        self.line(text.to_uppercase());
    }

    /// A list with its sources; how many were left out is said.
    fn list(&mut self, items: &[String], otherwise: &str) {
        for item in items.iter().take(MOST) {
            self.line(format!("- {item}"));
        }
        if items.len() > MOST {
            self.line(format!("- and {} more, in the review", items.len() - MOST));
        }
        if items.is_empty() {
            self.line(format!("- {otherwise}"));
        }
    }
}

/// Facts with their sources. What nobody but its claimant has looked at is not a
/// fact: it is counted and left out.
pub(crate) fn briefing(review: &Review) -> String {
    let mut out = Letter::about(review);
    out.line(format!("Briefing, operations, week {}", review.week));
    out.line(format!(
        "{} to {} ({}), recorded until {}. Source of every line in brackets.",
        moment(review.from),
        moment(review.until),
        review.zone,
        moment(review.cut_off)
    ));
    out.heading("What happened");
    let grave = review.incidents.list.iter();
    let grave = grave.filter(|it| it.severity.is_some_and(|it| it <= Severity::Sev2));
    let grave: Vec<String> = grave
        .map(|it| {
            format!(
                "{}: {}. Began {}, lasted {}; services: {}; role of AI as recorded: {}. [{}]",
                severity(it.severity),
                it.title,
                moment(it.started),
                minutes(it.minutes),
                joined(&it.services),
                it.ai,
                it.id
            )
        })
        .collect();
    if review.incidents.recorded {
        out.list(&grave, "No incident of Sev2 or worse. [incident register]");
        out.line(format!(
            "- {} incidents in all, over {} changes shipped. [incident register, changes recorded]",
            review.incidents.total(),
            review.incidents.changes
        ));
    } else {
        out.line("- Nothing is recorded of the week or the year before it: neither incidents nor that there were none. [incident register]");
    }
    out.heading("What may be said of trends");
    if let Some(trend) = &review.trend {
        out.line(format!(
            "- {} [trend over the last year]",
            trend.answer.sentence
        ));
    }
    let figures: Vec<String> = review
        .lines()
        .into_iter()
        .filter(|line| line.about.starts_with("metric:"))
        .map(|line| format!("{}. [{}]", line.text, line.about))
        .collect();
    out.list(&figures, "Nothing is measured.");
    out.heading("What contributed, as confirmed by somebody other than the claimant");
    let confirmed: Vec<String> = review
        .factors
        .claims
        .iter()
        .filter(|it| it.state == ClaimState::Confirmed)
        .map(|it| {
            format!(
                "{} in {}: claimed by {}, confirmed by {}. [factor claims of {}]",
                it.factor,
                it.incident,
                it.claimant,
                joined(&it.confirmed_by),
                it.incident
            )
        })
        .collect();
    out.list(&confirmed, "Nothing is confirmed.");
    let of = |state| {
        review
            .factors
            .claims
            .iter()
            .filter(|it| it.state == state)
            .count()
    };
    out.line(format!(
        "- Left out, because they are claims and no facts: {} unconfirmed, {} disputed, {} withdrawn.",
        of(ClaimState::Claimed),
        of(ClaimState::Disputed),
        of(ClaimState::Withdrawn)
    ));
    out.heading("Safeguards");
    let it = &review.safeguards;
    out.line(format!(
        "- Vetoed, of changes judged: {}. [sign-offs]",
        it.vetoed
    ));
    out.line(format!(
        "- Shipped although nothing allowed it: {}. [changes]",
        it.bypassed
    ));
    out.line(format!(
        "- Break-glass used: {}. [sign-offs]",
        it.broke_glass
    ));
    changed(&mut out, review);
    out.0
}

/// A briefing that dropped a line says so.
fn changed(out: &mut Letter, review: &Review) {
    let gone = review.changelog.altered.iter();
    let gone: Vec<String> = gone
        .filter(|it| matches!(it.fate, Fate::Deleted | Fate::VanishedUnexplained))
        .map(|it| {
            let who = it.touches.last().map_or_else(
                || "no record says who or why".to_owned(),
                |touch| format!("{} by {}, {}", touch.what, touch.by, moment(touch.at)),
            );
            format!("{} ({who})", dash(it.before.as_deref()))
        })
        .collect();
    if !gone.is_empty() {
        out.heading("Said in the version before, and no longer");
        out.list(&gone, "");
    }
}

/// Who has to come, what is dived into, what to read.
pub(crate) fn invitation(
    review: &Review,
    issued: &ReviewIssued,
    when: &str,
    place: Option<&str>,
) -> String {
    let mut out = Letter::about(review);
    out.line(format!(
        "Invitation: weekly operations review, week {}",
        review.week
    ));
    out.line(format!("When: {when}"));
    if let Some(place) = place {
        out.line(format!("Where: {place}"));
    }
    let people = |required: bool| {
        let people = issued.to.iter().filter(|(_, it)| **it == required);
        joined(people.map(|(person, _)| person))
    };
    out.line(format!("Attendance required: {}", people(true)));
    out.line(format!("Attendance optional: {}", people(false)));
    out.heading("Please read before");
    out.line(format!(
        "- Weekly review {} version {}, circulated {} (SHA-256 {})",
        issued.week,
        issued.version,
        moment(issued.issued_at),
        issued.content.short()
    ));
    out.heading("Decisions needed");
    let decisions: Vec<String> = review
        .decisions
        .iter()
        .map(|it| match &it.owner {
            Some(owner) => format!("{} ({owner})", it.question),
            None => it.question.clone(),
        })
        .collect();
    out.list(&decisions, "Nothing waits for a decision.");
    out.heading("Deep dives, 15 minutes each");
    let mut dives: Vec<String> = review
        .dives
        .picked
        .iter()
        .map(|it| format!("{}: {}", it.title, joined(&it.incidents)))
        .collect();
    if let Some(service) = &review.dives.wheel.service {
        let seed = review.dives.wheel.seed;
        dives.push(format!("the wheel: {service} (drawn with seed {seed})"));
    }
    out.list(&dives, "None.");
    out.0
}
