//! Which changes an incident may have come from, with reasons and confidence.
//!
//! Every change shipped within a time before the incident is a candidate, and
//! so is "none of these". Each has a weight: what is to be expected from time
//! alone, multiplied by how much more (or less) often each piece of evidence is
//! seen with a true cause than with another change. The weights are then made
//! to add up to one. The multipliers are judgements, in one table below, and
//! few links rest on one of them alone; how many wrong links a conclusion
//! survives is told by the function `sensitivity` beside this one.

use std::collections::{BTreeMap, BTreeSet};

use countersign_core::catalog::{Catalog, Share};
use countersign_core::effect::{Environment, Verb};
use jiff::{SignedDuration, Timestamp};

use super::distance::{Distances, Needs};
use super::{Link, LinkState, LinkTo, Reason};
use crate::change::{Change, ChangeRef};
use crate::deployment::{Deployment, Move, Outcome};
use crate::incident::Incident;
use crate::noted::Noted;

/// Share of incidents that some change set off: 37 % binary and 31 % configuration
/// pushes among triggers (Google, The Site Reliability Workbook, appendix C).
const SET_OFF_BY_A_CHANGE: f64 = 0.68;
/// A start is often estimated, so a change may seem to come a little after it.
const SLACK: SignedDuration = SignedDuration::from_mins(10);

/// How much more often it is seen with a true cause than with another change.
mod times {
    pub(super) const SAME_SERVICE: f64 = 8.0;
    /// One hard need away; each further need halves what is above 1.
    pub(super) const NEEDED_HARD: f64 = 4.0;
    pub(super) const NEEDED_SOFTLY: f64 = 2.0;
    /// Both are known, and failure has no way from one to the other.
    pub(super) const UNRELATED: f64 = 0.1;
    pub(super) const ROLLED_BACK: f64 = 20.0;
    pub(super) const REVERTED: f64 = 20.0;
    pub(super) const ENDED_BADLY: f64 = 5.0;
    pub(super) const SAME_OBJECT: f64 = 15.0;
    pub(super) const DESTROYED: f64 = 5.0;
    pub(super) const NOT_PRODUCTION: f64 = 0.02;
    pub(super) const SHIPPED_AFTER: f64 = 0.2;
    pub(super) const REPORTED: f64 = 50.0;
}

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
struct Candidate<'a> {
    to: LinkTo,
    from: Timestamp,
    until: Timestamp,
    services: BTreeSet<&'a str>,
    environment: Environment,
    change: Option<&'a Change>,
    deployment: Option<&'a Deployment>,
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

/// What every candidate is held against.
struct Weigher<'a> {
    incident: &'a Incident,
    evidence: &'a Evidence<'a>,
    distances: Distances,
    reverted: BTreeMap<&'a ChangeRef, &'a Change>,
    /// Rollbacks during the incident or soon after.
    rollbacks: Vec<&'a Deployment>,
}

impl<'a> Weigher<'a> {
    fn new(incident: &'a Incident, evidence: &'a Evidence<'a>) -> Self {
        let distances = evidence.catalog.map(|catalog| {
            let needs = Needs::of(catalog);
            Distances::of(catalog, &needs, &incident.services, &incident.functions)
        });
        // A cause is often taken back for good only after the incident.
        let day = SignedDuration::from_hours(24);
        let end = incident.end().unwrap_or(incident.started);
        let end = end.checked_add(day).unwrap_or(Timestamp::MAX);
        let reverts = evidence.changes.iter().filter(|it| {
            it.shipped_at >= incident.started
                && (it.shipped_at <= end || it.mentions.contains(&incident.id))
        });
        // In order of time, so that the same data give the same reasons.
        let mut reverts: Vec<&Change> = reverts.collect();
        reverts.sort_by(|a, b| (b.shipped_at, &b.change).cmp(&(a.shipped_at, &a.change)));
        let rollbacks = evidence.deployments.iter().filter(|it| {
            it.moved == Move::RollBack && it.started >= incident.started && it.started <= end
        });
        let mut rollbacks: Vec<&Deployment> = rollbacks.collect();
        rollbacks.sort_by(|a, b| (a.started, &a.id).cmp(&(b.started, &b.id)));
        Self {
            incident,
            evidence,
            distances: distances.unwrap_or_default(),
            reverted: reverts
                .into_iter()
                .flat_map(|it| it.reverts.iter().map(move |of| (of, it)))
                .collect(),
            rollbacks,
        }
    }

    /// How much more or less likely the evidence makes it, and why.
    fn weigh(&self, it: &Candidate<'_>) -> (f64, Vec<Reason>) {
        let mut found = Vec::new();
        found.extend(Some(self.time(it)));
        found.extend(self.place(it));
        found.extend(self.taken_back(it));
        found.extend(self.effects(it));
        found.extend(self.environment(it));
        found.extend(self.reported(it));
        found.sort_by(|a, b| {
            b.0.ln()
                .abs()
                .total_cmp(&a.0.ln().abs())
                .then_with(|| a.1.cmp(&b.1))
        });
        let times = found.iter().map(|(times, _)| times).product();
        (times, found.into_iter().map(|(_, reason)| reason).collect())
    }

    fn time(&self, it: &Candidate<'_>) -> (f64, Reason) {
        let start = self.incident.started;
        if it.from > start {
            let late = it.from.duration_since(start).as_mins();
            let text = format!("shipped {late} min after the start that was noted");
            return (times::SHIPPED_AFTER, reason("time", text));
        }
        let text = if it.until >= start {
            "was being deployed when it began".to_owned()
        } else {
            format!("shipped {} before", span(start.duration_since(it.until)))
        };
        (1.0, reason("time", text))
    }

    fn place(&self, it: &Candidate<'_>) -> Option<(f64, Reason)> {
        let failed = &self.incident.services;
        if let Some(service) = it
            .services
            .iter()
            .find(|service| failed.contains(**service))
        {
            let text = format!("alters `{service}`, which failed");
            return Some((times::SAME_SERVICE, reason("same-service", text)));
        }
        let catalog = self.evidence.catalog?;
        let placed = it
            .services
            .iter()
            .filter_map(|service| Some((*service, catalog.resolve(service)?)));
        let near = placed
            .clone()
            .filter_map(|(name, node)| Some((self.distances.to(node)?, name)))
            .min();
        match near {
            Some(((0, _), service)) => {
                let text = format!("alters `{service}`, which failed");
                Some((times::SAME_SERVICE, reason("same-service", text)))
            }
            Some(((distance, hard), service)) => {
                let (most, how) = match hard {
                    true => (times::NEEDED_HARD, "cannot do without"),
                    false => (times::NEEDED_SOFTLY, "uses"),
                };
                let times = 1.0 + (most - 1.0) * 0.5_f64.powf(f64::from(distance - 1));
                let steps = if distance == 1 {
                    "directly".to_owned()
                } else {
                    format!("{distance} steps away")
                };
                let text = format!("alters `{service}`, which what failed {how} ({steps})");
                Some((times, reason("dependency", text)))
            }
            None => {
                let resolve = |name: &String| catalog.resolve(name).is_some();
                let known = placed.count() > 0 && failed.iter().any(resolve);
                let text = "what it alters has no way to what failed".to_owned();
                known.then(|| (times::UNRELATED, reason("unrelated", text)))
            }
        }
    }

    fn taken_back(&self, it: &Candidate<'_>) -> Option<(f64, Reason)> {
        if let Some(revert) = it.change.and_then(|it| self.reverted.get(&it.change)) {
            let text = format!("reverted by {} afterwards", revert.change);
            return Some((times::REVERTED, reason("reverted", text)));
        }
        let rollback = self.rollbacks.iter().find(|rollback| {
            it.services.contains(rollback.service.as_str())
                && it.from <= rollback.started
                && !self.replaced(it, rollback)
        });
        if let Some(rollback) = rollback {
            let text = format!(
                "`{}` was rolled back afterwards ({})",
                rollback.service, rollback.id
            );
            return Some((times::ROLLED_BACK, reason("rolled-back", text)));
        }
        let outcome = it.deployment.map(|it| it.outcome)?;
        let bad = matches!(
            outcome,
            Outcome::Failed | Outcome::Halted | Outcome::RolledBack
        );
        let text = format!("its deployment ended `{outcome}`");
        bad.then(|| (times::ENDED_BADLY, reason("ended-badly", text)))
    }

    /// Whether the service was deployed again between a candidate and its
    /// rollback, so that the rollback took back something later.
    fn replaced(&self, it: &Candidate<'_>, rollback: &Deployment) -> bool {
        self.evidence.deployments.iter().any(|other| {
            other.moved == Move::Deploy
                && other.service == rollback.service
                && other.started > it.from
                && other.started < rollback.started
                && it.deployment.is_none_or(|own| own.id != other.id)
        })
    }

    fn effects(&self, it: &Candidate<'_>) -> Option<(f64, Reason)> {
        let effects = &it.change?.effects;
        if let Some(effect) = effects
            .iter()
            .find(|it| self.incident.objects.contains(&it.object))
        {
            let text = format!(
                "did `{}` to `{}`, which was hit",
                effect.verb.as_str(),
                effect.object
            );
            return Some((times::SAME_OBJECT, reason("same-object", text)));
        }
        let destroyed = effects
            .iter()
            .find(|it| it.is_irreversible() && matches!(it.verb, Verb::Delete | Verb::Replace))?;
        let text = format!(
            "did `{}` to `{}`, which keeps state",
            destroyed.verb.as_str(),
            destroyed.object
        );
        Some((times::DESTROYED, reason("destroyed-state", text)))
    }

    fn environment(&self, it: &Candidate<'_>) -> Option<(f64, Reason)> {
        let elsewhere = matches!(
            it.environment,
            Environment::Local | Environment::Development | Environment::Staging
        );
        let text = format!("went to {}, not to production", it.environment.as_str());
        elsewhere.then(|| (times::NOT_PRODUCTION, reason("environment", text)))
    }

    fn reported(&self, it: &Candidate<'_>) -> Option<(f64, Reason)> {
        let own = it
            .deployment
            .map(|deployment| LinkTo::Deployment(deployment.id.clone()));
        let about = |link: &&Link| link.to == it.to || Some(&link.to) == own.as_ref();
        let reports = self
            .evidence
            .statements
            .iter()
            .filter(|link| link.state == LinkState::Reported);
        let report = reports.filter(about).min_by_key(|link| &link.noted)?;
        let text = format!("{} says so", report.noted.by);
        Some((times::REPORTED, reason("reported", text)))
    }
}

fn reason(kind: &str, text: String) -> Reason {
    Reason {
        kind: kind.to_owned(),
        text,
    }
}

fn span(duration: SignedDuration) -> String {
    match duration.as_mins() {
        minutes if minutes < 120 => format!("{minutes} min"),
        minutes if minutes < 48 * 60 => format!("{} h", minutes / 60),
        minutes => format!("{} days", minutes / (24 * 60)),
    }
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
