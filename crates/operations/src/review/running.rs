//! What the organisation tries for a while: initiatives and policy packs.

use jiff::Timestamp;
use serde::Serialize;

use super::Frame;
use super::metrics::{Against, measure};
use super::objectives::Objective;
use crate::initiative::{Effectiveness, Initiative};

/// An ended initiative or pack is shown for so many weeks.
const SHOWN_AFTER_WEEKS: i32 = 4;

/// An initiative.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InitiativeRow {
    /// Its id.
    pub id: String,
    /// What it is.
    pub title: String,
    /// Who answers for it.
    pub owner: String,
    /// What should become better.
    pub hypothesis: String,
    /// What is measured.
    pub metric: String,
    /// When it began.
    pub start: Timestamp,
    /// When it ends or ended.
    pub end: Option<Timestamp>,
    /// Whether it is over at the cut-off.
    pub over: bool,
    /// What the test says, as judged when it ended, else today.
    pub effectiveness: Effectiveness,
    /// With its figures, or with what is missing.
    pub sentence: String,
    /// Whether somebody recorded a result.
    pub judged: bool,
}

/// A criterion that ends a pack.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Criterion {
    /// As written.
    pub text: String,
    /// Whether it is reached; [`Against::CannotTell`] also for what nobody can
    /// measure.
    pub reached: Against,
    /// The figure today.
    pub value: Option<f64>,
}

/// A policy pack.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PackRow {
    /// Its id.
    pub id: String,
    /// The pack, as the policy names it.
    pub pack: String,
    /// Services that it applies to; 0: all.
    pub services: u64,
    /// From when on.
    pub from: Timestamp,
    /// Until when.
    pub until: Timestamp,
    /// When and why it was ended early.
    pub ended: Option<Timestamp>,
    /// Whether it is in force at the cut-off.
    pub in_force: bool,
    /// Whole days left.
    pub days_left: i64,
    /// What ends it, measured.
    pub criteria: Vec<Criterion>,
}

fn shown(frame: &Frame<'_>, end: Option<Timestamp>) -> bool {
    let since = frame.week.plus(-SHOWN_AFTER_WEEKS);
    let since = since.bounds(&frame.inputs.zone.zone).0;
    end.is_none_or(|end| end >= since)
}

pub(super) fn initiatives(frame: &Frame<'_>) -> Vec<InitiativeRow> {
    let known = frame.inputs.initiatives.iter().filter(|(it, _)| {
        it.noted.at <= frame.cut_off && it.start < frame.until && shown(frame, it.end)
    });
    let mut rows: Vec<InitiativeRow> = known
        .map(|(it, tested)| {
            let (effectiveness, sentence) = match &it.result {
                Some(result) => (result.effectiveness, result.summary.clone()),
                None => (tested.effectiveness, tested.sentence.clone()),
            };
            row(frame, it, effectiveness, sentence)
        })
        .collect();
    rows.sort_by(|a, b| (a.over, a.start, &a.id).cmp(&(b.over, b.start, &b.id)));
    rows
}

fn row(
    frame: &Frame<'_>,
    it: &Initiative,
    effectiveness: Effectiveness,
    sentence: String,
) -> InitiativeRow {
    InitiativeRow {
        id: it.id.clone(),
        title: it.title.clone(),
        owner: it.owner.clone(),
        hypothesis: it.hypothesis.clone(),
        metric: it.metric.clone(),
        start: it.start,
        end: it.end,
        over: it.end.is_some_and(|end| end <= frame.cut_off),
        effectiveness,
        sentence,
        judged: it.result.is_some(),
    }
}

pub(super) fn packs(frame: &Frame<'_>) -> Vec<PackRow> {
    let known = frame.inputs.packs.iter().filter(|(it, _)| {
        let end = it.ended.map_or(it.until, |ended| ended.min(it.until));
        it.noted.at <= frame.cut_off && it.from < frame.until && shown(frame, Some(end))
    });
    let mut rows: Vec<PackRow> = known
        .map(|(it, criteria)| PackRow {
            id: it.id.clone(),
            pack: it.pack.clone(),
            services: it.services.len() as u64,
            from: it.from,
            until: it.until,
            ended: it.ended,
            in_force: it.in_force(frame.cut_off),
            days_left: if it.in_force(frame.cut_off) {
                it.until.duration_since(frame.cut_off).as_hours() / 24
            } else {
                0
            },
            criteria: criteria
                .iter()
                .map(|text| criterion(frame, text, it.services.keys()))
                .collect(),
        })
        .collect();
    rows.sort_by(|a, b| (!a.in_force, a.until, &a.id).cmp(&(!b.in_force, b.until, &b.id)));
    rows
}

/// Measures a criterion over the services that the pack is about.
fn criterion<'a>(
    frame: &Frame<'_>,
    text: &str,
    services: impl Iterator<Item = &'a String>,
) -> Criterion {
    match Objective::criterion(text) {
        Err(why) => Criterion {
            text: text.to_owned(),
            reached: Against::CannotTell { why },
            value: None,
        },
        Ok(mut objective) => {
            objective.services = services.cloned().collect();
            let found = measure(frame, &objective);
            Criterion {
                text: text.to_owned(),
                reached: found.against,
                value: found.value,
            }
        }
    }
}

/// Measures exit criteria at a moment, for `pack status`.
#[must_use]
pub fn criteria(
    inputs: &super::Inputs,
    texts: &[String],
    services: &std::collections::BTreeSet<String>,
    at: Timestamp,
) -> Vec<Criterion> {
    let week = crate::week::Week::of(at, &inputs.zone.zone);
    let (from, until) = week.bounds(&inputs.zone.zone);
    let frame = Frame {
        inputs,
        week,
        from,
        until,
        cut_off: at,
    };
    let measured = texts
        .iter()
        .map(|text| criterion(&frame, text, services.iter()));
    measured.collect()
}
