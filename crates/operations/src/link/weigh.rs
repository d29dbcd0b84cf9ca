//! What speaks for and against each candidate, and how much.

use std::collections::BTreeMap;

use countersign_core::effect::{Environment, Verb};
use jiff::SignedDuration;
use jiff::Timestamp;

use super::distance::{Distances, Needs};
use super::suggest::{Candidate, Evidence};
use super::{Link, LinkState, LinkTo, Reason};
use crate::change::{Change, ChangeRef};
use crate::deployment::{Deployment, Move, Outcome};
use crate::incident::Incident;

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

/// What every candidate is held against.
pub(super) struct Weigher<'a> {
    incident: &'a Incident,
    evidence: &'a Evidence<'a>,
    distances: Distances,
    reverted: BTreeMap<&'a ChangeRef, &'a Change>,
    /// Rollbacks during the incident or soon after.
    rollbacks: Vec<&'a Deployment>,
}

impl<'a> Weigher<'a> {
    pub(super) fn new(incident: &'a Incident, evidence: &'a Evidence<'a>) -> Self {
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
    pub(super) fn weigh(&self, it: &Candidate<'_>) -> (f64, Vec<Reason>) {
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
