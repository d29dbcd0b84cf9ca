//! Which changes an incident may have come from, with reasons and confidence.
//!
//! Every change shipped within a time before the incident is a candidate, and
//! so is "none of these". Each has a weight: what is to be expected from time
//! alone, multiplied by how much more (or less) often each piece of evidence is
//! seen with a true cause than with another change. The weights are then made
//! to add up to one. The multipliers are judgements, in one table of `weigh`, and
//! few links rest on one of them alone; how many wrong links a conclusion
//! survives is told by the function `sensitivity` beside this one.

use std::collections::{BTreeMap, BTreeSet};

use countersign_core::catalog::{Catalog, Share};
use countersign_core::effect::Environment;
use jiff::{SignedDuration, Timestamp};

use super::weigh::Weigher;
use super::{Link, LinkState, LinkTo, Reason};
use crate::change::{Change, ChangeRef};
use crate::deployment::{Deployment, Move};
use crate::incident::Incident;
use crate::noted::Noted;

/// Share of incidents that some change set off: 37 % binary and 31 % configuration
/// pushes among triggers (Google, The Site Reliability Workbook, appendix C).
const SET_OFF_BY_A_CHANGE: f64 = 0.68;
/// A start is often estimated, so a change may seem to come a little after it.
const SLACK: SignedDuration = SignedDuration::from_mins(10);

/// How far back to look, and how fast time makes a cause less likely.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// Changes shipped earlier than this before the start are no candidates.
    pub look_back: SignedDuration,
    /// After this time, a change is half as likely to be the cause.
    pub half_life: SignedDuration,
    /// The most suggestions returned; the rest is counted as "none of these".
    pub most: usize,
}

impl Default for Settings {
    /// Seven days, six hours, ten suggestions.
    fn default() -> Self {
        Self {
            look_back: SignedDuration::from_hours(7 * 24),
            half_life: SignedDuration::from_hours(6),
            most: 10,
        }
    }
}

/// What is known apart from the incident.
#[derive(Debug, Clone, Copy, Default)]
pub struct Evidence<'a> {
    /// Shipped changes, at least those of the time looked back over and of the
    /// incident's duration.
    pub changes: &'a [Change],
    /// Deployments of the same time.
    pub deployments: &'a [Deployment],
    /// What people and other systems said about links of this incident.
    pub statements: &'a [Link],
    /// Who needs whom.
    pub catalog: Option<&'a Catalog>,
}

/// One possible origin.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Suggested {
    /// The change, or none.
    pub to: LinkTo,
    /// When it shipped; `None` for [`LinkTo::NoChange`].
    pub shipped_at: Option<Timestamp>,
    /// How probable by evidence alone, between 0 and 1.
    pub computed: f64,
    /// How probable with what people said; what they said wins.
    pub probability: f64,
    /// What people said last, if anything.
    pub stated: Option<LinkState>,
    /// People disagree about it; then evidence decides.
    pub contested: bool,
    /// Why, strongest first.
    pub reasons: Vec<Reason>,
}

/// All possible origins of an incident, most probable first; their
/// probabilities add up to one, "no change" included.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Found {
    /// The incident.
    pub incident: String,
    /// Them.
    pub suggested: Vec<Suggested>,
    /// How many changes were looked at.
    pub looked_at: usize,
}

impl Found {
    /// As records of what was computed, for the ledger.
    #[must_use]
    pub fn records(&self, noted: &Noted) -> Vec<Link> {
        let of = |it: &Suggested| Link {
            noted: noted.clone(),
            incident: self.incident.clone(),
            to: it.to.clone(),
            state: LinkState::Suggested,
            confidence: Some(Share::from_ppm((it.computed * 1e6).round() as u64)),
            reasons: it.reasons.clone(),
        };
        self.suggested.iter().map(of).collect()
    }
}

/// A change or deployment, seen the same way.
pub(super) struct Candidate<'a> {
    pub(super) to: LinkTo,
    pub(super) from: Timestamp,
    pub(super) until: Timestamp,
    pub(super) services: BTreeSet<&'a str>,
    pub(super) environment: Environment,
    pub(super) change: Option<&'a Change>,
    pub(super) deployment: Option<&'a Deployment>,
}

/// Finds what an incident may have come from. The order of changes,
/// deployments and statements does not matter, and the same inputs give the
/// same answer.
#[must_use]
pub fn suggest(incident: &Incident, evidence: &Evidence<'_>, settings: &Settings) -> Found {
    let candidates = candidates(incident, evidence, settings);
    let weigher = Weigher::new(incident, evidence);
    let ages: Vec<f64> = candidates
        .iter()
        .map(|it| half_lives(incident.started, it, settings))
        .collect();
    // The chance that one of them did it grows with their number, and never
    // beyond what changes cause at all.
    let decayed = ages.iter().map(|age| 0.5_f64.powf(*age));
    let none_of_them: f64 = decayed.clone().map(|one| 1.0 - 0.5 * one).product();
    let all: f64 = decayed.clone().sum();
    let mass = SET_OFF_BY_A_CHANGE * (1.0 - none_of_them);
    let mut suggested: Vec<(f64, Suggested)> = candidates
        .iter()
        .zip(decayed)
        .map(|(candidate, decayed)| {
            let (times, reasons) = weigher.weigh(candidate);
            let weight = if all > 0.0 {
                mass * decayed / all * times
            } else {
                0.0
            };
            (
                weight,
                unscored(candidate.to.clone(), Some(candidate.from), reasons),
            )
        })
        .collect();
    suggested.push((1.0 - mass, unscored(LinkTo::NoChange, None, Vec::new())));
    let total: f64 = suggested.iter().map(|(weight, _)| weight).sum();
    let mut suggested: Vec<Suggested> = suggested
        .into_iter()
        .map(|(weight, mut it)| {
            it.computed = weight / total;
            it
        })
        .collect();
    state(&mut suggested, evidence.statements);
    suggested.sort_by(|a, b| {
        let probable = b.probability.total_cmp(&a.probability);
        probable
            .then_with(|| b.computed.total_cmp(&a.computed))
            .then_with(|| a.to.cmp(&b.to))
    });
    keep(&mut suggested, settings.most);
    Found {
        incident: incident.id.clone(),
        suggested,
        looked_at: candidates.len(),
    }
}

fn unscored(to: LinkTo, shipped_at: Option<Timestamp>, reasons: Vec<Reason>) -> Suggested {
    Suggested {
        to,
        shipped_at,
        computed: 0.0,
        probability: 0.0,
        stated: None,
        contested: false,
        reasons,
    }
}

/// Keeps the most probable, what people spoke of, and "no change", which takes
/// over the probability of what is left out.
fn keep(suggested: &mut Vec<Suggested>, most: usize) {
    let mut rest = (0.0, 0.0);
    let mut place = 0;
    suggested.retain(|it| {
        let stays = it.to == LinkTo::NoChange || it.stated.is_some() || place < most;
        place += usize::from(it.to != LinkTo::NoChange);
        if !stays {
            rest = (rest.0 + it.computed, rest.1 + it.probability);
        }
        stays
    });
    if let Some(none) = suggested.iter_mut().find(|it| it.to == LinkTo::NoChange) {
        none.computed += rest.0;
        none.probability += rest.1;
    }
}

fn half_lives(start: Timestamp, candidate: &Candidate<'_>, settings: &Settings) -> f64 {
    let age = start
        .duration_since(candidate.until)
        .max(SignedDuration::ZERO);
    age.as_secs_f64() / settings.half_life.as_secs_f64().max(1.0)
}

/// Changes and deployments in time. Of a change and a deployment that shipped
/// it, the change stands for both.
fn candidates<'a>(
    incident: &Incident,
    evidence: &Evidence<'a>,
    settings: &Settings,
) -> Vec<Candidate<'a>> {
    let from = incident
        .started
        .checked_sub(settings.look_back)
        .unwrap_or(Timestamp::MIN);
    let until = incident
        .started
        .checked_add(SLACK)
        .unwrap_or(Timestamp::MAX);
    let in_time = |it: &Candidate<'_>| it.until >= from && it.from <= until;
    let mut deployed: BTreeMap<&ChangeRef, &Deployment> = BTreeMap::new();
    let mut sorted: Vec<&Deployment> = evidence.deployments.iter().collect();
    sorted.sort_by(|a, b| (a.started, &a.id).cmp(&(b.started, &b.id)));
    for deployment in sorted
        .iter()
        .filter(|it| it.started <= until && it.moved == Move::Deploy)
    {
        for change in &deployment.changes {
            deployed.insert(change, deployment);
        }
    }
    let mut found: Vec<Candidate<'a>> = Vec::new();
    let mut changes: Vec<&Change> = evidence.changes.iter().collect();
    changes.sort_by(|a, b| (a.shipped_at, &a.change).cmp(&(b.shipped_at, &b.change)));
    for change in changes {
        let deployment = deployed.get(&change.change).copied();
        let candidate = Candidate {
            to: LinkTo::Change(change.change.clone()),
            // A merge takes effect when it is deployed.
            from: deployment.map_or(change.shipped_at, |it| it.started),
            until: deployment.map_or(change.shipped_at, |it| it.finished.unwrap_or(it.started)),
            services: change.services.iter().map(String::as_str).collect(),
            environment: deployment.map_or(change.environment, |it| it.environment),
            change: Some(change),
            deployment,
        };
        if in_time(&candidate) {
            found.push(candidate);
        }
    }
    let known: BTreeSet<&ChangeRef> = found
        .iter()
        .filter_map(|it| it.change)
        .map(|it| &it.change)
        .collect();
    let alone = |it: &&&Deployment| {
        it.moved != Move::RollBack && !it.changes.iter().any(|change| known.contains(change))
    };
    let alone: Vec<&Deployment> = sorted.iter().filter(alone).copied().collect();
    for deployment in alone {
        let candidate = Candidate {
            to: LinkTo::Deployment(deployment.id.clone()),
            from: deployment.started,
            until: deployment.finished.unwrap_or(deployment.started),
            services: BTreeSet::from([deployment.service.as_str()]),
            environment: deployment.environment,
            change: None,
            deployment: Some(deployment),
        };
        if in_time(&candidate) {
            found.push(candidate);
        }
    }
    found
}

/// Applies what people said: confirmed candidates share everything; rejected
/// ones get nothing. Each person's last word counts; where people disagree
/// about a candidate, neither word does.
fn state(suggested: &mut Vec<Suggested>, statements: &[Link]) {
    let mut said: Vec<&Link> = statements
        .iter()
        .filter(|it| matches!(it.state, LinkState::Confirmed | LinkState::Rejected))
        .collect();
    said.sort_by(|a, b| (&a.noted, a.state).cmp(&(&b.noted, b.state)));
    let mut last: BTreeMap<&LinkTo, BTreeMap<&str, LinkState>> = BTreeMap::new();
    for link in said {
        last.entry(&link.to)
            .or_default()
            .insert(&link.noted.by, link.state);
    }
    for (to, words) in last {
        let words: BTreeSet<LinkState> = words.into_values().collect();
        if !suggested.iter().any(|it| it.to == *to) {
            // A person may know of a change that was never a candidate.
            suggested.push(unscored(to.clone(), None, Vec::new()));
        }
        let found = suggested.iter_mut().find(|it| it.to == *to);
        if let Some(it) = found {
            it.contested = words.len() > 1;
            it.stated = words.into_iter().next();
        }
    }
    let settled = |it: &Suggested, word| !it.contested && it.stated == Some(word);
    let confirmed = suggested
        .iter()
        .filter(|it| settled(it, LinkState::Confirmed))
        .count();
    let open: f64 = suggested
        .iter()
        .filter(|it| !settled(it, LinkState::Rejected))
        .map(|it| it.computed)
        .sum();
    for it in suggested.iter_mut() {
        it.probability = if confirmed > 0 {
            if settled(it, LinkState::Confirmed) {
                1.0 / confirmed as f64
            } else {
                0.0
            }
        } else if settled(it, LinkState::Rejected) {
            0.0
        } else if open > 0.0 {
            it.computed / open
        } else {
            0.0
        };
    }
    // Everything rejected, "no change" too: nobody knows, so no change is linked.
    if confirmed == 0 && open <= 0.0 {
        let none = suggested.iter_mut().find(|it| it.to == LinkTo::NoChange);
        if let Some(none) = none {
            none.probability = 1.0;
        }
    }
}

#[cfg(test)]
#[path = "suggest_tests.rs"]
mod tests;
