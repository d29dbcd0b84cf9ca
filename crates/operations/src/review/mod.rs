//! The weekly review: one document from which a meeting decides.
//!
//! [`build`] is a pure function of what was recorded ([`Inputs`]), the week and
//! the cut-off; the same inputs give the same bytes. Its parts are those of
//! weekly operations reviews in real use (Amazon's weekly meeting with its
//! "wheel", Google's production meeting, GitLab's operational excellence
//! review): decisions first, then what is overdue, figures against objectives,
//! incidents, factors, deep dives, safeguards, and what changed against the
//! version that people were given before.
//!
//! Three rules keep it honest. A claim is shown as a claim until somebody else
//! confirmed it. A count never stands without its exposure. And no line of a
//! circulated version disappears without being named ([`Changelog`]).

mod actions;
mod bypasses;
mod changelog;
mod decisions;
mod dives;
mod factors;
mod incidents;
mod inputs;
mod issued;
mod lines;
mod metrics;
pub mod objectives;
mod planned;
mod rollouts;
mod running;
mod safeguards;
mod usage;

use std::collections::BTreeMap;

use countersign_core::signoff::Digest;
use jiff::Timestamp;
use serde::Serialize;

pub use self::actions::{ActionRow, Actions, late};
pub use self::bypasses::{Bypass, BypassKind};
pub use self::changelog::{Altered, Changelog, Fate, changelog, record_of};
pub use self::decisions::Needed;
pub use self::dives::{Dive, Dives, Rule, Wheel};
pub use self::factors::{ClaimRow, FactorRow, Factors, RoleSplit};
pub use self::incidents::{IncidentRow, Incidents, SeverityRow, WeekRow};
pub use self::inputs::{Began, Inputs, Touch, UsageCount, Zone};
pub use self::issued::{Line, ReviewIssued};
pub use self::metrics::{Against, Measured, Moved};
pub use self::planned::Planned;
pub use self::rollouts::{Rollout, RolloutKind};
pub use self::running::{Criterion, InitiativeRow, PackRow, criteria};
pub use self::safeguards::{Safeguards, Share};
pub use self::usage::UsageRow;
use crate::trend::{Trend, Verdict};
use crate::week::Week;

/// The version of the JSON form. Fields are only ever added to it.
pub const SCHEMA: &str = "countersign.review/1";

/// What a word or figure of the document means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Meaning {
    /// The word.
    pub word: &'static str,
    /// What it means here.
    pub text: String,
}

/// The document.
#[derive(Debug, Clone, Serialize)]
pub struct Review {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// It was made from the ledger of a sample organisation ([`crate::sample`]).
    pub sample: bool,
    /// The week.
    pub week: Week,
    /// One more than the last version that was circulated.
    pub version: u32,
    /// The time zone that says where the week begins and which day it is.
    pub zone: String,
    /// The first moment of the week.
    pub from: Timestamp,
    /// The first moment after it.
    pub until: Timestamp,
    /// Nothing recorded after this was looked at.
    pub cut_off: Timestamp,
    /// Whether the week was over at the cut-off.
    pub complete: bool,
    /// SHA-256 of what it was made from, by name.
    pub inputs: BTreeMap<String, Digest>,
    /// What words and figures mean.
    pub definitions: Vec<Meaning>,
    /// What the meeting has to decide, most urgent first.
    pub decisions: Vec<Needed>,
    /// Actions that are overdue, due or not shown to have helped.
    pub actions: Actions,
    /// Figures against objectives.
    pub metrics: Vec<Measured>,
    /// Incidents per change shipped over a year; `None`: nothing to look at.
    pub trend: Option<Trend>,
    /// Incidents by severity, against exposure.
    pub incidents: Incidents,
    /// Claimed causes.
    pub factors: Factors,
    /// What to look into together.
    pub dives: Dives,
    /// Rollouts that did not go through as planned.
    pub rollouts: Vec<Rollout>,
    /// What safeguards caught, and what they cost.
    pub safeguards: Safeguards,
    /// Uses of AI without established safeguards.
    pub usage: Vec<UsageRow>,
    /// What went round the safeguards.
    pub bypasses: Vec<Bypass>,
    /// Changes that are held and not yet shipped.
    pub planned: Vec<Planned>,
    /// What the organisation tries, and what may be said of it.
    pub initiatives: Vec<InitiativeRow>,
    /// Temporary policy packs.
    pub packs: Vec<PackRow>,
    /// Actions opened in the week.
    pub new_actions: Vec<ActionRow>,
    /// Against the version that was circulated before.
    pub changelog: Changelog,
}

/// The week, its bounds and the moment of looking, which every part needs.
#[derive(Debug, Clone, Copy)]
struct Frame<'a> {
    inputs: &'a Inputs,
    week: Week,
    from: Timestamp,
    until: Timestamp,
    cut_off: Timestamp,
}

impl Frame<'_> {
    /// Whether something happened in the week, as far as it was looked at.
    fn holds(&self, at: Timestamp) -> bool {
        self.from <= at && at < self.until
    }

    /// The day of the cut-off, where the organisation is.
    fn today(&self) -> jiff::civil::Date {
        self.inputs.zone.zone.to_datetime(self.cut_off).date()
    }
}

/// Makes the review of a week out of what had been recorded by `cut_off`.
///
/// What was recorded later is ignored wherever a record says when it was
/// recorded.
#[must_use]
pub fn build(week: Week, inputs: &Inputs, cut_off: Timestamp) -> Review {
    let (from, until) = week.bounds(&inputs.zone.zone);
    let frame = Frame {
        inputs,
        week,
        from,
        until,
        cut_off,
    };
    let earlier = inputs.issued.iter().filter(|it| it.week == week);
    let version = earlier.map(|it| it.version).max().unwrap_or(0) + 1;
    let mut review = Review {
        schema: SCHEMA,
        sample: inputs.sample,
        week,
        version,
        zone: inputs.zone.name.clone(),
        from,
        until,
        cut_off,
        complete: until <= cut_off,
        inputs: inputs.digests.clone(),
        definitions: definitions(inputs),
        decisions: Vec::new(),
        actions: actions::actions(&frame),
        metrics: metrics::metrics(&frame),
        trend: metrics::trend(&frame),
        incidents: incidents::incidents(&frame),
        factors: factors::factors(&frame),
        dives: dives::dives(&frame),
        rollouts: rollouts::rollouts(&frame),
        safeguards: safeguards::safeguards(&frame),
        usage: usage::usage(&frame),
        bypasses: bypasses::bypasses(&frame),
        planned: planned::planned(&frame),
        initiatives: running::initiatives(&frame),
        packs: running::packs(&frame),
        new_actions: actions::opened(&frame),
        changelog: Changelog::default(),
    };
    review.decisions = decisions::decisions(&review);
    review.changelog = changelog::against_before(&frame, &review.lines());
    review
}

impl Review {
    /// Everything it says, line by line, in the order of the document.
    #[must_use]
    pub fn lines(&self) -> Vec<Line> {
        lines::lines(self)
    }

    /// The most important thing, in one sentence.
    #[must_use]
    pub fn headline(&self) -> String {
        let incidents = crate::words::count(self.incidents.total(), "incident");
        let grave = self.incidents.at_least(crate::incident::Severity::Sev2);
        let trend = match self.trend.as_ref().map(|trend| &trend.answer.verdict) {
            None => "no trend can be told: nothing is recorded".to_owned(),
            Some(Verdict::Higher) => "incidents per change are rising".to_owned(),
            Some(Verdict::Lower) => "incidents per change are falling".to_owned(),
            Some(Verdict::NoEvidence { .. }) => {
                "no evidence of a trend in incidents per change".to_owned()
            }
            Some(Verdict::CannotTell { .. }) => {
                "whether incidents per change are rising cannot be told".to_owned()
            }
        };
        let needed = match self.decisions.len() {
            0 => "nothing to decide".to_owned(),
            n => format!("{} needed", crate::words::count(n as u64, "decision")),
        };
        if !self.incidents.recorded {
            return format!("nothing is recorded, so nothing can be said of incidents; {needed}.");
        }
        format!("{incidents}, {grave} of Sev2 or worse; {trend}; {needed}.")
    }
}

fn definitions(inputs: &Inputs) -> Vec<Meaning> {
    let utc = if inputs.zone.name == "UTC" {
        String::new()
    } else {
        "; changes are counted by UTC weeks, incidents by the weeks of this zone".to_owned()
    };
    let meaning = |word, text: &str| Meaning {
        word,
        text: text.to_owned(),
    };
    vec![
        meaning(
            "week",
            &format!(
                "ISO 8601, Monday to Sunday, in {}; the first week has the year's first Thursday{utc}",
                inputs.zone.name
            ),
        ),
        meaning(
            "incident",
            "counts in the week it began; drills, false alarms and duplicates do not count",
        ),
        meaning(
            "per change",
            "incidents over changes shipped in the same weeks, every recorded change counting one",
        ),
        meaning(
            "interval",
            "exact Poisson (Garwood 1936), 95 %: the true rate lies in it in 19 of 20 such cases",
        ),
        meaning(
            "changed",
            "the window against the 12 weeks before it, exact 99 % interval of the ratio, widened by how much weeks vary; \
             looked at every week, each figure that never changed still raises about one false alarm in two years",
        ),
        meaning(
            "cannot tell",
            "the data could be so by chance, and a change worth acting on would not have shown",
        ),
        meaning(
            "claimed, confirmed, disputed, withdrawn",
            "what people say of a factor; confirmed means that someone other than the claimant looked and agrees. \
             Only confirmed factors are stated as facts",
        ),
        meaning(
            "role of AI",
            "as the incident's record states it; `unknown` means that nobody established it, never `none`",
        ),
    ]
}

#[cfg(test)]
mod tests;
