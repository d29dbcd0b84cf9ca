//! Looking every week without fooling oneself.
//!
//! Given how many linked incidents a week has, how many of them fall on
//! AI-assisted changes is binomial with the odds of that week's exposure while
//! the two kinds are equally risky. The evidence against that is an e-process:
//! it ever reaches `1 / alpha` with probability at most `alpha`, however often
//! one looks (Ramdas, Grünwald, Vovk & Shafer 2023).

use std::collections::BTreeMap;

use countersign_stats::multiple::e_benjamini_hochberg;
use countersign_stats::sequential::{self, RatioProcess, alarm_threshold};
use countersign_stats::{Alternative, Confidence, Counted};
use serde::Serialize;

use super::Options;
use super::answer::{Answer, Ratio, Verdict, count, decimal, percent};
use super::comparison::{Comparison, incidents_have};
use super::history::{History, Involvement, Name, SizeBucket};
use crate::week::Week;

/// Standard deviation of the log ratio in the mixture: expects up to fourfold.
const SPREAD: f64 = 0.7;

/// One weekly look.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Look {
    /// The week.
    pub week: Week,
    /// Incidents linked to AI-assisted changes.
    pub ai_incidents: u64,
    /// Incidents linked to changes without AI.
    pub other_incidents: u64,
    /// AI-assisted share of the changes of known involvement that were compared.
    pub ai_share: f64,
    /// Evidence so far that AI-assisted changes are riskier, as an e-value.
    pub evidence: f64,
    /// Whether the alarm has gone off, now or before.
    pub alarmed: bool,
}

/// The first time that the evidence passed the threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Alarm {
    /// The week of the look.
    pub week: Week,
    /// How many looks had been taken by then.
    pub look: u64,
}

/// The looks at one service.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ServiceLooks {
    /// The service.
    pub service: String,
    /// Evidence now.
    pub evidence: f64,
    /// Whether it stands out with all services allowed for (e-BH).
    pub stands_out: bool,
}

/// All looks taken so far.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Looks {
    /// The answer as of the last look.
    pub answer: Answer,
    /// Chance of ever raising an alarm while nothing is different.
    pub false_alarm_rate: f64,
    /// Evidence at which the alarm goes off: one over that chance.
    pub threshold: f64,
    /// Every look taken, in order.
    pub taken: Vec<Look>,
    /// The first alarm.
    pub alarm: Option<Alarm>,
    /// Ratio with an interval that holds at all looks at once.
    pub ratio: Option<Ratio>,
    /// Services with any evidence, strongest first.
    pub services: Vec<ServiceLooks>,
}

/// Incidents and exposure of both arms.
#[derive(Debug, Clone, Copy, Default)]
struct Both {
    ai: (u64, f64),
    other: (u64, f64),
}

/// By size and tier.
type Strata = BTreeMap<(SizeBucket, Name), Both>;

/// The question of [`compare`](super::compare), asked anew every week.
#[must_use]
pub fn looks(history: &History, options: &Options) -> Looks {
    let weeks = both_arms(history, options);
    let mut found = Looks {
        answer: answer(options),
        false_alarm_rate: options.alpha,
        threshold: alarm_threshold(options.alpha).unwrap_or(f64::INFINITY),
        taken: Vec::new(),
        alarm: None,
        ratio: None,
        services: services(history, options),
    };
    if let Ok(mut process) = RatioProcess::new(SPREAD) {
        let mut sums = (0.0, 0.0);
        for (&week, strata) in &weeks {
            take(&mut found, &mut process, week, strata);
            for arms in strata.values() {
                let ((a, t1), (b, t0)) = (arms.ai, arms.other);
                if t1 > 0.0 && t0 > 0.0 {
                    sums.0 += a as f64 * t0 / (t1 + t0);
                    sums.1 += b as f64 * t1 / (t1 + t0);
                }
            }
        }
        if sums.0 + sums.1 > 0.0 {
            let range = process.interval(Confidence::P95);
            found.ratio = Some(Ratio {
                value: sums.0 / sums.1,
                low: range.low,
                high: range.high,
            });
        }
    }
    conclude(&mut found, history, options);
    found
}

/// One look: each stratum of the week says what it can; one without changes in
/// both arms says nothing.
fn take(found: &mut Looks, process: &mut RatioProcess, week: Week, strata: &Strata) {
    let mut seen = Both::default();
    for arms in strata.values() {
        let Some(look) = stats_look(arms) else {
            continue;
        };
        // a stratum without incidents changes nothing, but its changes were seen
        let quiet = arms.ai.0 + arms.other.0 == 0;
        if quiet || process.observe(look).is_ok() {
            seen.ai = (seen.ai.0 + arms.ai.0, seen.ai.1 + arms.ai.1);
            seen.other = (seen.other.0 + arms.other.0, seen.other.1 + arms.other.1);
        }
    }
    if seen.ai.1 <= 0.0 {
        return;
    }
    let evidence = process.e_value(Alternative::Greater);
    let alarmed = found.alarm.is_some() || evidence >= found.threshold;
    found.taken.push(Look {
        week,
        ai_incidents: seen.ai.0,
        other_incidents: seen.other.0,
        ai_share: seen.ai.1 / (seen.ai.1 + seen.other.1),
        evidence,
        alarmed,
    });
    if alarmed && found.alarm.is_none() {
        found.alarm = Some(Alarm {
            week,
            look: found.taken.len() as u64,
        });
    }
}

fn stats_look(arms: &Both) -> Option<sequential::Look> {
    Some(sequential::Look {
        first: Counted::new(arms.ai.0, arms.ai.1).ok()?,
        second: Counted::new(arms.other.0, arms.other.1).ok()?,
    })
}

/// By the week in which the change shipped, when it was at risk; and by size and
/// tier, so that like is compared to like.
fn both_arms(history: &History, options: &Options) -> BTreeMap<Week, Strata> {
    let mut weeks: BTreeMap<Week, Strata> = BTreeMap::new();
    for cell in &history.cells {
        let strata = weeks.entry(cell.week).or_default();
        let both = strata
            .entry((cell.stratum.size, cell.stratum.tier))
            .or_default();
        if let Some(arm) = arm(both, cell.stratum.involvement) {
            arm.1 += cell.changes as f64;
        }
    }
    for incident in &history.incidents {
        let Some(link) = incident.cause(options.link_threshold) else {
            continue;
        };
        let key = (link.stratum.size, link.stratum.tier);
        let both = weeks
            .get_mut(&link.week)
            .and_then(|strata| strata.get_mut(&key));
        if let Some(arm) = both.and_then(|both| arm(both, link.stratum.involvement)) {
            arm.0 += 1;
        }
    }
    weeks
}

fn arm(week: &mut Both, involvement: Involvement) -> Option<&mut (u64, f64)> {
    match involvement {
        Involvement::Yes => Some(&mut week.ai),
        Involvement::No => Some(&mut week.other),
        Involvement::Unknown => None,
    }
}

fn answer(options: &Options) -> Answer {
    Answer {
        question: "Have the weekly looks found AI-assisted changes to be riskier?".to_owned(),
        verdict: Verdict::too_little(None),
        sentence: String::new(),
        method: "a mixture e-process on each week's split of linked incidents between the arms, given the exposure \
                 of each size and tier in that week (Ville 1939; Ramdas, Grünwald, Vovk & Shafer 2023); services by e-BH (Wang & Ramdas 2022)"
            .to_owned(),
        assumptions: vec![
            "incidents fall on one arm or the other independently: several alerts of one outage are one incident".to_owned(),
            "nobody declares involvement because of an incident".to_owned(),
        ],
        limits: vec![
            format!(
                "false alarms: at most {} of organisations without any difference ever see one, however often they look",
                percent(options.alpha)
            ),
            "size and tier are held equal, team, level and season are not; see the comparison for those"
                .to_owned(),
        ],
    }
}

impl Looks {
    /// Takes the word back where the [comparison](super::compare) found that what
    /// is undeclared or unlinked decides: the looks see declared changes and
    /// linked incidents alone.
    pub(super) fn allow_for_hidden(&mut self, comparison: &Comparison) {
        if self.answer.verdict != Verdict::Higher {
            return;
        }
        let hidden = comparison.answer.verdict.reason();
        let hidden = hidden.filter(|it| matches!(it.code, "undeclared" | "unlinked"));
        let open = comparison.unlinked_bounds.filter(|it| it.low <= 1.0);
        let (verdict, said) = match (hidden, open) {
            (Some(reason), _) => (
                Verdict::CannotTell {
                    reason: reason.clone(),
                },
                if reason.code == "undeclared" {
                    "declared changes only, and what is undeclared"
                } else {
                    "linked incidents only, and what is not linked"
                },
            ),
            (None, Some(_)) => (
                comparison.unlinked_decide(&incidents_have(comparison.unlinked)),
                "linked incidents only, and what is not linked",
            ),
            (None, None) => return,
        };
        self.answer.verdict = verdict;
        self.answer
            .sentence
            .push_str(&format!(" It counts {said} could undo it."));
    }
}

fn conclude(found: &mut Looks, history: &History, options: &Options) {
    let shipped = history.totals(options).changes;
    found.answer.verdict = if shipped.all() == 0 {
        Verdict::cannot(
            "no-exposure",
            "no exposure: changes shipped are not recorded",
        )
    } else if found.taken.is_empty() {
        Verdict::cannot(
            "undeclared",
            "no week has both changes known to be AI-assisted and changes known not to be",
        )
    } else if found.alarm.is_some() {
        Verdict::Higher
    } else {
        Verdict::cannot(
            "too-little-data",
            "the evidence has not reached the threshold",
        )
    };
    if let Some(alarm) = found.alarm
        && shipped.unknown > 0
    {
        found.answer.limits.push(format!(
            "the alarm of {} counts declared changes only; {} are undeclared",
            alarm.week,
            percent(shipped.unknown as f64 / shipped.all() as f64)
        ));
    }
    let looks = count(found.taken.len() as u64, "weekly look");
    let evidence = found.taken.last().map_or(0.0, |look| look.evidence);
    let standing = match found.alarm {
        Some(alarm) => format!(
            "the alarm went off in {} at look {}",
            alarm.week, alarm.look
        ),
        None if found.taken.is_empty() => "none could be taken".to_owned(),
        None => format!(
            "no alarm, evidence {} of the {} that raises one",
            decimal(evidence),
            decimal(found.threshold)
        ),
    };
    found.answer.sentence = format!(
        "AI-assisted changes against others, {looks}: {standing}; in the long run at most {} of quiet histories ever raise \
         one.",
        percent(options.alpha)
    );
}

/// Evidence service by service; quiet weeks say nothing, so only others count.
fn services(history: &History, options: &Options) -> Vec<ServiceLooks> {
    let mut cells: BTreeMap<(Name, Week), Both> = BTreeMap::new();
    let causes = || {
        history
            .incidents
            .iter()
            .filter_map(|incident| incident.cause(options.link_threshold))
    };
    for link in causes() {
        for service in history.names.parts(&link.stratum.service) {
            let cell = cells.entry((*service, link.week)).or_default();
            if let Some(arm) = arm(cell, link.stratum.involvement) {
                arm.0 += 1;
            }
        }
    }
    for cell in &history.cells {
        for service in history.names.parts(&cell.stratum.service) {
            if let Some(week) = cells.get_mut(&(*service, cell.week))
                && let Some(arm) = arm(week, cell.stratum.involvement)
            {
                arm.1 += cell.changes as f64;
            }
        }
    }
    let mut processes: BTreeMap<Name, RatioProcess> = BTreeMap::new();
    for ((service, _), arms) in &cells {
        let Some(look) = stats_look(arms) else {
            continue;
        };
        if let Ok(fresh) = RatioProcess::new(SPREAD) {
            let process = processes.entry(*service).or_insert(fresh);
            let _ = process.observe(look);
        }
    }
    let mut list: Vec<ServiceLooks> = processes
        .iter()
        .map(|(service, process)| ServiceLooks {
            service: history.names.text(*service).to_owned(),
            evidence: process.e_value(Alternative::Greater),
            stands_out: false,
        })
        .collect();
    let evidence: Vec<f64> = list.iter().map(|s| s.evidence).collect();
    for at in e_benjamini_hochberg(&evidence, options.alpha).unwrap_or_default() {
        if let Some(service) = list.get_mut(at) {
            service.stands_out = true;
        }
    }
    list.sort_by(|a, b| {
        b.evidence
            .total_cmp(&a.evidence)
            .then_with(|| a.service.cmp(&b.service))
    });
    list
}
