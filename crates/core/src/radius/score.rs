//! After an incident: how good was the prediction?

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::facts::Bounds;
use super::model::Radius;
use super::witness::{Claim, Impact};
use crate::catalog::Share;

/// What was hit, as the incident showed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Actual {
    /// Ids of services that failed.
    pub services: BTreeSet<String>,
    /// Ids of customer functions that failed or worked worse.
    pub functions: BTreeSet<String>,
    /// Share of customers who noticed, if it was measured.
    pub customers: Option<Share>,
}

/// How a predicted set compares with what happened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct SetScore {
    /// In both.
    pub found: u32,
    /// Happened, but not predicted.
    pub missed: u32,
    /// Predicted, but did not happen.
    pub spurious: u32,
}

impl SetScore {
    fn of(predicted: &BTreeSet<String>, actual: &BTreeSet<String>) -> Self {
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Self {
            found: count(predicted.intersection(actual).count()),
            missed: count(actual.difference(predicted).count()),
            spurious: count(predicted.difference(actual).count()),
        }
    }

    /// Share of what happened that was predicted; `None` when nothing happened.
    #[must_use]
    pub fn recall(&self) -> Option<Share> {
        share(self.found, self.missed)
    }

    /// Share of what was predicted that happened; `None` when nothing was
    /// predicted.
    #[must_use]
    pub fn precision(&self) -> Option<Share> {
        share(self.found, self.spurious)
    }

    /// Both scores as one, for many incidents together.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            found: self.found + other.found,
            missed: self.missed + other.missed,
            spurious: self.spurious + other.spurious,
        }
    }
}

fn share(part: u32, rest: u32) -> Option<Share> {
    let whole = u64::from(part) + u64::from(rest);
    (whole > 0).then(|| Share::from_ppm(u64::from(part) * 1_000_000 / whole))
}

/// A prediction judged by what happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Score {
    /// Services touched or likely down against those that failed.
    pub services: SetScore,
    /// Functions down or degraded against those that failed.
    pub functions: SetScore,
    /// Whether the number of failed services lies within the bounds.
    pub services_within: bool,
    /// Whether the number of failed functions lies within the bounds.
    pub functions_within: bool,
    /// Whether the share of customers lies within the bounds, if measured.
    pub customers_within: Option<bool>,
}

/// What has to be kept of a [`Radius`] to judge it after an incident.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prediction {
    /// Ids of services touched or likely down.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub services: BTreeSet<String>,
    /// Ids of customer functions down or degraded.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub functions: BTreeSet<String>,
    /// How many services.
    pub services_reached: Bounds<u32>,
    /// How many functions down.
    pub functions_down: Bounds<u32>,
    /// Share of customers for whom a function is down.
    pub customers: Bounds<Share>,
}

impl Prediction {
    /// Compares the prediction with what happened.
    #[must_use]
    pub fn score(&self, actual: &Actual) -> Score {
        Score {
            services: SetScore::of(&self.services, &actual.services),
            functions: SetScore::of(&self.functions, &actual.functions),
            services_within: within(self.services_reached, count(&actual.services)),
            functions_within: within(self.functions_down, count(&actual.functions)),
            customers_within: actual.customers.map(|share| within(self.customers, share)),
        }
    }
}

/// A radius as `plan --json` and `check --json` write it; the rest of it does
/// not matter here.
#[derive(Debug, Deserialize)]
pub struct SavedRadius {
    facts: SavedFacts,
    functions: Vec<SavedClaim>,
    services: Vec<SavedClaim>,
}

#[derive(Debug, Deserialize)]
struct SavedFacts {
    services: Bounds<u32>,
    functions_down: Bounds<u32>,
    customers_share: Bounds<Share>,
}

#[derive(Debug, Deserialize)]
struct SavedClaim {
    id: String,
    impact: Impact,
}

impl From<SavedRadius> for Prediction {
    fn from(saved: SavedRadius) -> Self {
        let names = |claims: Vec<SavedClaim>, at_least: Impact| {
            let sure = claims.into_iter().filter(|claim| claim.impact >= at_least);
            sure.map(|claim| claim.id).collect()
        };
        Self {
            services: names(saved.services, Impact::Down),
            functions: names(saved.functions, Impact::Degraded),
            services_reached: saved.facts.services,
            functions_down: saved.facts.functions_down,
            customers: saved.facts.customers_share,
        }
    }
}

impl Radius {
    /// What has to be kept to judge it later.
    #[must_use]
    pub fn prediction(&self) -> Prediction {
        Prediction {
            services: names(&self.services, Impact::Down),
            functions: names(&self.functions, Impact::Degraded),
            services_reached: self.facts.services,
            functions_down: self.facts.functions_down,
            customers: self.facts.customers_share,
        }
    }

    /// Compares the prediction with what happened.
    #[must_use]
    pub fn score(&self, actual: &Actual) -> Score {
        self.prediction().score(actual)
    }
}

fn count(set: &BTreeSet<String>) -> u32 {
    u32::try_from(set.len()).unwrap_or(u32::MAX)
}

fn names(claims: &[Claim], at_least: Impact) -> BTreeSet<String> {
    let sure = claims.iter().filter(|claim| claim.impact >= at_least);
    sure.map(|claim| claim.id.clone()).collect()
}

fn within<T: PartialOrd + Copy>(bounds: Bounds<T>, value: T) -> bool {
    bounds.low <= value && value <= bounds.high
}
