//! Are incidents trending, since when, and is AI-assisted work riskier?
//!
//! | question | answer |
//! |---|---|
//! | is there a trend, and since when? | [`Trend`], by severity, service and involvement: [`Group`] |
//! | are the rare and grave ones coming faster? | [`Rare`] |
//! | are AI-assisted changes riskier than others? | [`Comparison`]: crude beside adjusted, bounds for undeclared AI |
//! | did an event change it? | [`Events`]: interrupted series |
//! | may we look every week? | [`Looks`]: an e-process with a stated false-alarm rate |
//!
//! Input is a [`History`]: incidents over exposure, both by ISO week. Every
//! answer says what was asked, in one of four words ([`Verdict`]) what may be
//! said, by which method, under which assumptions and within which limits.
//!
//! Three refusals are built in. A count without exposure is never called a
//! rate. A missing AI flag is never read as "made by people": undeclared changes
//! are moved between the arms and the answer must survive it. And what an
//! incident *affected* is never taken for what *caused* it.

mod answer;
mod calendar;
mod comparison;
mod comparison_model;
mod events;
mod groups;
mod history;
mod looks;
mod rare;
mod series;
mod shift;

pub use answer::{Answer, Range, Ratio, Reason, Verdict};
pub(crate) use answer::{decimal, thousands};
pub use calendar::{Calendar, Counts};
pub use comparison::{Arm, Comparison, LinkSensitivity, Simpson, compare};
pub use events::{EventEffect, Events, Overlap, events};
pub use groups::{By, Group, groups};
pub use history::{
    Event, Exposure, History, Incident, InputError, Link, Name, Names, Shipped, SizeBucket,
    Stratum, Totals,
};
pub use looks::{Alarm, Look, Looks, ServiceLooks, looks};
pub use rare::{GapChart, Rare, rare};
pub use series::{Metric, Series};
pub use shift::{Trend, Turn, overall};

use serde::Serialize;

use crate::week::Week;

/// What to ask.
#[derive(Debug, Clone)]
pub struct Options {
    /// What a rate is per.
    pub metric: Metric,
    /// Which groups get a trend of their own.
    pub by: Vec<By>,
    /// Above which ratio one would act: "no evidence of a difference" is said
    /// only where such an increase would have shown. Above 1.
    pub relevant_ratio: f64,
    /// Chance of ever raising a false alarm, for weekly looks; and the level of
    /// every test. Between 0 and 1.
    pub alpha: f64,
    /// A link counts when its confidence is at least this. From 0 to 1.
    pub link_threshold: f64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            metric: Metric::Changes,
            by: vec![By::Severity, By::Service, By::Involvement],
            relevant_ratio: 1.5,
            alpha: 0.05,
            link_threshold: 0.5,
        }
    }
}

impl Options {
    /// Checks that every number lies in its range.
    ///
    /// # Errors
    /// [`InputError`] naming the number that does not.
    pub fn check(&self) -> Result<(), InputError> {
        let wrong = |what: &str, value: f64, expected: &str| {
            Err(InputError::new(format!(
                "{what} is `{value}`; expected {expected}"
            )))
        };
        if !(self.relevant_ratio.is_finite() && self.relevant_ratio > 1.0) {
            return wrong(
                "the relevant ratio",
                self.relevant_ratio,
                "a number above 1, such as 1.5",
            );
        }
        if !(self.alpha > 0.0 && self.alpha < 0.5) {
            return wrong(
                "the false-alarm rate",
                self.alpha,
                "a number above 0 and below 0.5, such as 0.05",
            );
        }
        if !(0.0..=1.0).contains(&self.link_threshold) {
            return wrong(
                "the link threshold",
                self.link_threshold,
                "a number from 0 to 1",
            );
        }
        Ok(())
    }
}

/// Every answer about one history.
#[derive(Debug, Clone, Serialize)]
pub struct Analysis {
    /// First week looked at.
    pub from: Week,
    /// Last week looked at.
    pub until: Week,
    /// What a rate is per.
    pub metric: Metric,
    /// What there was to look at.
    pub totals: Totals,
    /// Plain counts by week.
    pub calendar: Calendar,
    /// Incidents per unit of exposure.
    pub trend: Trend,
    /// Incidents per week of the calendar: how busy the responders are. It says
    /// nothing of how risky the work is.
    pub pace: Trend,
    /// Trends of parts, with the multiplicity of questions allowed for.
    pub groups: Vec<Group>,
    /// Sev1 on charts of gaps.
    pub rare: Rare,
    /// AI-assisted changes beside others.
    pub comparison: Comparison,
    /// The same question, asked anew every week.
    pub looks: Looks,
    /// What events did.
    pub events: Events,
}

impl Analysis {
    /// The verdict in one sentence; first of all the trend, then AI.
    #[must_use]
    pub fn headline(&self) -> String {
        format!(
            "{} {}",
            self.trend.answer.sentence, self.comparison.answer.sentence
        )
    }
}

/// Answers every question that `options` asks.
///
/// # Errors
/// [`InputError`] for options out of range or a window without a whole week.
/// What the data cannot say is no error but [`Verdict::CannotTell`].
pub fn analyse(history: &History, options: &Options) -> Result<Analysis, InputError> {
    options.check()?;
    let comparison = compare(history, options);
    let mut looks = looks(history, options);
    looks.allow_for_hidden(&comparison);
    Ok(Analysis {
        from: history.from,
        until: history.until,
        metric: options.metric,
        totals: history.totals(options),
        calendar: calendar::calendar(history),
        trend: overall(history, options, options.metric),
        pace: overall(history, options, Metric::Weeks),
        groups: groups(history, options),
        rare: rare(history, options),
        comparison,
        looks,
        events: events(history, options),
    })
}
