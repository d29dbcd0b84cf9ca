//! Everything that a review is made from.

use std::collections::{BTreeMap, BTreeSet};

use countersign_core::signoff::Digest;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

use super::issued::ReviewIssued;
use super::objectives::Objective;
use crate::action::Action;
use crate::change::{Change, ChangeRef};
use crate::decision::Decision;
use crate::deployment::Deployment;
use crate::factor::FactorClaim;
use crate::guard::GuardDecision;
use crate::incident::{Incident, Severity};
use crate::initiative::{Initiative, Tested};
use crate::pack::PackActivation;
use crate::record::Kind;
use crate::sign_off::SignOffGiven;
use crate::usage::{Pattern, UsageEntry};
use crate::week::Week;

/// A time zone with the name that the document states.
#[derive(Debug, Clone)]
pub struct Zone {
    /// Such as `Europe/Berlin`.
    pub name: String,
    /// The zone.
    pub zone: TimeZone,
}

impl Zone {
    /// Coordinated universal time.
    #[must_use]
    pub fn utc() -> Self {
        Self {
            name: "UTC".to_owned(),
            zone: TimeZone::UTC,
        }
    }
}

/// That an incident began: as much as counting needs. Only those that count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Began {
    /// The incident.
    pub id: String,
    /// When.
    pub at: Timestamp,
    /// How bad; `None`: not graded.
    pub severity: Option<Severity>,
    /// What it affected.
    pub services: BTreeSet<String>,
}

/// How often a pattern of AI use was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageCount {
    /// The pattern.
    pub pattern: Pattern,
    /// Times seen in the week: changes, tool calls let through, deployments.
    pub seen: u64,
    /// Changes shipped with it.
    pub changes: u64,
    /// By how many people.
    pub people: u64,
    /// When it was seen for the first time; `None`: it was known before the week.
    pub first_seen: Option<Timestamp>,
    /// Incidents of the week that are linked to what was done with it.
    pub incidents: u64,
}

/// A version of something recorded, for naming who changed a line and when.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Touch {
    /// Which kind of record.
    pub kind: Kind,
    /// Which one.
    pub key: String,
    /// When the version was recorded.
    pub at: Timestamp,
    /// Who recorded it.
    pub by: String,
    /// What it came through, if no person typed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub through: Option<String>,
    /// Why, in their words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// What it did: `withdrawn`, `status: open → resolved`.
    pub what: String,
}

/// Everything that is looked at. The lists may come in any order and may hold
/// more than the week; [`super::build`] picks and sorts.
#[derive(Debug, Clone)]
pub struct Inputs {
    /// Where the week begins and which day it is.
    pub zone: Zone,
    /// The ledger is that of a sample organisation.
    pub sample: bool,
    /// SHA-256 of what was read, by name, as the header states them.
    pub digests: BTreeMap<String, Digest>,
    /// What random picks are drawn with, unless an earlier version of this
    /// week's review was circulated with another seed.
    pub seed: u64,
    /// Objectives.
    pub objectives: Vec<Objective>,
    /// Tiers of services, 0 highest, as far as known.
    pub tiers: BTreeMap<String, u8>,
    /// Incidents that began in the year up to the week's end.
    pub began: Vec<Began>,
    /// Changes shipped by week, over the same time.
    pub shipped: BTreeMap<Week, u64>,
    /// Changes that altered a service, by week, over the same time.
    pub service_shipped: BTreeMap<(String, Week), u64>,
    /// Incidents that began in the last 13 weeks, in full.
    pub incidents: Vec<Incident>,
    /// Incidents with a written correction of errors.
    pub analysed: BTreeSet<String>,
    /// Every statement about factors of those incidents.
    pub claims: Vec<FactorClaim>,
    /// All actions.
    pub actions: Vec<Action>,
    /// Sign-offs, break-glass and after-reviews of the last 13 weeks.
    pub sign_offs: Vec<SignOffGiven>,
    /// Decisions of the week, every version.
    pub decisions: Vec<Decision>,
    /// Shipped changes that a sign-off or decision of the week is about.
    pub changes: BTreeMap<ChangeRef, Change>,
    /// Changes of the week that took effect although nothing allowed them; the
    /// first of them where there are very many.
    pub bypassed: Vec<Change>,
    /// How many there are.
    pub bypassed_count: u64,
    /// The guard's answers in the week.
    pub guard: Vec<GuardDecision>,
    /// Deployments of the week.
    pub deployments: Vec<Deployment>,
    /// What was decided about patterns of AI use.
    pub usages: Vec<UsageEntry>,
    /// What was seen of them.
    pub seen: Vec<UsageCount>,
    /// Initiatives, each with what its test says today.
    pub initiatives: Vec<(Initiative, Tested)>,
    /// Policy packs, each with its exit criteria.
    pub packs: Vec<(PackActivation, Vec<String>)>,
    /// Reviews that were circulated.
    pub issued: Vec<ReviewIssued>,
    /// Who recorded what about the things that the last circulated review names.
    pub touches: Vec<Touch>,
}

impl Inputs {
    /// Nothing recorded.
    #[must_use]
    pub fn empty(zone: Zone) -> Self {
        Self {
            zone,
            sample: false,
            digests: BTreeMap::new(),
            seed: 0,
            objectives: Vec::new(),
            tiers: BTreeMap::new(),
            began: Vec::new(),
            shipped: BTreeMap::new(),
            service_shipped: BTreeMap::new(),
            incidents: Vec::new(),
            analysed: BTreeSet::new(),
            claims: Vec::new(),
            actions: Vec::new(),
            sign_offs: Vec::new(),
            decisions: Vec::new(),
            changes: BTreeMap::new(),
            bypassed: Vec::new(),
            bypassed_count: 0,
            guard: Vec::new(),
            deployments: Vec::new(),
            usages: Vec::new(),
            seen: Vec::new(),
            initiatives: Vec::new(),
            packs: Vec::new(),
            issued: Vec::new(),
            touches: Vec::new(),
        }
    }

    /// The version to compare with: the last circulated one of the same week,
    /// else the last one of an earlier week.
    #[must_use]
    pub fn before(&self, week: Week) -> Option<&ReviewIssued> {
        let up_to = self.issued.iter().filter(|it| it.week <= week);
        up_to.max_by_key(|it| (it.week, it.version))
    }
}
