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

/// A prediction as it was made before the change, however it was kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "Kept")]
pub struct Prediction {
    /// Ids of services touched or likely down.
    pub services: BTreeSet<String>,
    /// Ids of functions down or degraded.
    pub functions: BTreeSet<String>,
    /// How many services, at least, likely, at most.
    pub services_bounds: Bounds<u32>,
    /// How many functions go down.
    pub functions_bounds: Bounds<u32>,
    /// For what share of customers.
    pub customers_bounds: Bounds<Share>,
}

/// A radius as `plan --json` and `check --json` write it; the rest of it does
/// not matter here.
#[derive(Deserialize)]
struct Kept {
    facts: KeptFacts,
    functions: Vec<KeptClaim>,
    services: Vec<KeptClaim>,
}

#[derive(Deserialize)]
struct KeptFacts {
    services: Bounds<u32>,
    functions_down: Bounds<u32>,
    customers_share: Bounds<Share>,
}

#[derive(Deserialize)]
struct KeptClaim {
    id: String,
    impact: Impact,
}

impl From<Kept> for Prediction {
    fn from(kept: Kept) -> Self {
        let names = |claims: Vec<KeptClaim>, at_least: Impact| {
            let sure = claims.into_iter().filter(|claim| claim.impact >= at_least);
            sure.map(|claim| claim.id).collect()
        };
        Self {
            services: names(kept.services, Impact::Down),
            functions: names(kept.functions, Impact::Degraded),
            services_bounds: kept.facts.services,
            functions_bounds: kept.facts.functions_down,
            customers_bounds: kept.facts.customers_share,
        }
    }
}

impl Prediction {
    /// What a radius predicts.
    #[must_use]
    pub fn of(radius: &Radius) -> Self {
        Self {
            services: names(&radius.services, Impact::Down),
            functions: names(&radius.functions, Impact::Degraded),
            services_bounds: radius.facts.services,
            functions_bounds: radius.facts.functions_down,
            customers_bounds: radius.facts.customers_share,
        }
    }

    /// Compares the prediction with what happened.
    #[must_use]
    pub fn score(&self, actual: &Actual) -> Score {
        Score {
            services: SetScore::of(&self.services, &actual.services),
            functions: SetScore::of(&self.functions, &actual.functions),
            services_within: within(self.services_bounds, count(&actual.services)),
            functions_within: within(self.functions_bounds, count(&actual.functions)),
            customers_within: actual
                .customers
                .map(|share| within(self.customers_bounds, share)),
        }
    }
}

impl Radius {
    /// Compares the prediction with what happened.
    #[must_use]
    pub fn score(&self, actual: &Actual) -> Score {
        Prediction::of(self).score(actual)
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
