//! What the meeting has to decide: everything that waits for somebody.

use serde::Serialize;

use super::Review;
use super::bypasses::BypassKind;
use super::dives::Rule;
use super::metrics::{Against, Moved};
use crate::factor::ClaimState;
use crate::initiative::Effectiveness;

/// A pack that ends within so many days is to be decided on.
const SOON_DAYS: i64 = 14;

/// Something to decide.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Needed {
    /// What it is about, the same every week.
    pub about: String,
    /// The question.
    pub question: String,
    /// Who answers for it, where somebody does.
    pub owner: Option<String>,
}

pub(super) fn decisions(review: &Review) -> Vec<Needed> {
    let mut needed = Vec::new();
    let mut ask = |about: String, owner: Option<&str>, question: String| {
        needed.push(Needed {
            about,
            question,
            owner: owner.map(str::to_owned),
        });
    };
    for it in &review.bypasses {
        match it.kind {
            BypassKind::OverdueBreakGlass => ask(
                it.about.clone(),
                it.person.as_deref(),
                format!(
                    "Was the break-glass on {} right? Its after-review is overdue.",
                    it.title
                ),
            ),
            BypassKind::NothingAllowed | BypassKind::RanThoughHeld => ask(
                it.about.clone(),
                it.person.as_deref(),
                format!(
                    "{} {}: how, and who closes the way?",
                    it.title,
                    it.kind.as_str()
                ),
            ),
            _ => {}
        }
    }
    for it in &review.metrics {
        let title = &it.objective.title;
        let about = format!("metric:{}", it.objective.id);
        match (&it.against, &it.moved) {
            (Against::Missed, _) => ask(
                about,
                None,
                format!("{title} misses its objective: what is done about it?"),
            ),
            (_, Moved::Higher) => ask(about, None, format!("{title} is higher than before: why?")),
            _ => {}
        }
    }
    for it in review
        .dives
        .picked
        .iter()
        .filter(|it| it.rule == Rule::NoAnalysis)
    {
        ask(
            format!("incident:{}", it.about),
            None,
            format!("Who writes the correction of errors of {}?", it.about),
        );
    }
    for it in &review.factors.claims {
        if it.state == ClaimState::Disputed {
            ask(
                format!("factor:{} {} {}", it.incident, it.factor, it.claimant),
                None,
                format!(
                    "Did {} contribute to {}? {} says so, {} does not agree.",
                    it.factor,
                    it.incident,
                    it.claimant,
                    joined(&it.disputed_by)
                ),
            );
        }
    }
    for it in &review.usage {
        if it.undecided || it.owner.is_none() || it.expired.is_some() || it.over_cap() {
            let why = if it.over_cap() {
                "shipped more changes than agreed"
            } else if it.expired.is_some() {
                "was decided on for a time that is over"
            } else {
                "has nobody who answers for it"
            };
            ask(
                format!("usage:{}", it.pattern),
                it.owner.as_deref(),
                format!("{} {why}: with which safeguards may it go on?", it.pattern),
            );
        }
    }
    for it in review
        .packs
        .iter()
        .filter(|it| it.in_force && it.days_left <= SOON_DAYS)
    {
        ask(
            format!("pack:{}", it.id),
            None,
            format!(
                "{} ends in {} days: end, prolong or keep it?",
                it.pack, it.days_left
            ),
        );
    }
    for it in review.initiatives.iter().filter(|it| !it.judged) {
        let question = match it.effectiveness {
            _ if it.over => "is over: what came of it, and does it stay?",
            Effectiveness::Worse => "makes it worse: stop it?",
            _ => continue,
        };
        ask(
            format!("initiative:{}", it.id),
            Some(&it.owner),
            format!("{} {question}", it.title),
        );
    }
    let actions = &review.actions;
    for it in actions
        .overdue
        .iter()
        .chain(&actions.due)
        .chain(&actions.adrift)
    {
        let question = match (&it.owner, it.days_late) {
            (None, _) => "has no owner: who does it?".to_owned(),
            (Some(_), Some(days)) => {
                format!(
                    "is {}: new day, help, or give it up?",
                    super::actions::late(days)
                )
            }
            (Some(_), None) if it.due.is_none() => "has no day: by when?".to_owned(),
            (Some(_), None) => continue,
        };
        ask(
            format!("action:{}", it.id),
            it.owner.as_deref(),
            format!("{} {} {question}", it.id, it.title),
        );
    }
    needed
}

pub(super) fn joined<'a>(names: impl IntoIterator<Item = &'a String>) -> String {
    let names: Vec<&str> = names.into_iter().map(String::as_str).collect();
    names.join(", ")
}
