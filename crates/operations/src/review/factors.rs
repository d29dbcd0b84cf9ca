//! Claimed causes: what people say of them, and how AI took part.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::Serialize;

use super::Frame;
use crate::factor::{Claim, ClaimState, Taxonomy, claims, standings};
use crate::incident::{AiPart, Incident};

/// How AI took part in the incidents of a factor, by their records. An incident
/// in which it took two parts counts for both.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct RoleSplit {
    /// It wrote.
    pub wrote: u64,
    /// It executed.
    pub executed: u64,
    /// It advised.
    pub advised: u64,
    /// It reviewed.
    pub reviewed: u64,
    /// Established that it took no part.
    pub none: u64,
    /// Nobody established it.
    pub unknown: u64,
}

impl RoleSplit {
    fn add(&mut self, part: &AiPart) {
        use countersign_core::involvement::Role;
        match part {
            AiPart::Unknown => self.unknown += 1,
            AiPart::None => self.none += 1,
            AiPart::Took(roles) => {
                for role in roles {
                    match role {
                        Role::Wrote => self.wrote += 1,
                        Role::Executed => self.executed += 1,
                        Role::Advised => self.advised += 1,
                        Role::Reviewed => self.reviewed += 1,
                    }
                }
            }
        }
    }
}

/// A factor over the incidents of the week. Every incident with a claim of it is
/// in exactly one of the four counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FactorRow {
    /// Its id or tag.
    pub factor: String,
    /// Its name in the taxonomy; the id for a free tag.
    pub title: String,
    /// Incidents for which it is claimed and nobody else has looked.
    pub claimed: u64,
    /// … and somebody else agrees.
    pub confirmed: u64,
    /// … and somebody does not agree.
    pub disputed: u64,
    /// … and nobody claims it any more.
    pub withdrawn: u64,
    /// How AI took part where it is not withdrawn.
    pub ai: RoleSplit,
}

/// One claim about an incident of the week, or one whose state somebody changed
/// in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ClaimRow {
    /// The incident.
    pub incident: String,
    /// The factor.
    pub factor: String,
    /// Whose claim.
    pub claimant: String,
    /// Where it stands.
    pub state: ClaimState,
    /// Who agrees.
    pub confirmed_by: BTreeSet<String>,
    /// Who does not.
    pub disputed_by: BTreeSet<String>,
    /// When the last of it was said, and by whom.
    pub last_at: Timestamp,
    /// By whom.
    pub last_by: String,
    /// Their reason.
    pub last_why: Option<String>,
    /// An agent or importer wrote it, and nobody else confirmed it.
    pub unconfirmed_machine: bool,
    /// Evidence given.
    pub evidence: usize,
}

/// Claimed causes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Factors {
    /// By factor, the most incidents first.
    pub table: Vec<FactorRow>,
    /// One by one, by incident.
    pub claims: Vec<ClaimRow>,
    /// Incidents of the week for which nothing is claimed.
    pub without: Vec<String>,
    /// Dismissed or duplicate incidents of the week with claims, which are left
    /// out.
    pub not_counted: Vec<String>,
}

pub(super) fn title(factor: &str) -> String {
    let known = Taxonomy::built_in().get(factor);
    known.map_or_else(|| factor.to_owned(), |factor| factor.name.clone())
}

/// The claims as they stood at the cut-off, without those about incidents that
/// do not count.
pub(super) fn standing(frame: &Frame<'_>) -> Vec<Claim> {
    let mut all = claims(frame.inputs.claims.iter().cloned(), Some(frame.cut_off));
    let uncounted = uncounted(frame);
    all.retain(|claim| !uncounted.contains(claim.incident.as_str()));
    all
}

/// Incidents that were dismissed or are the same as another: whatever was said
/// of them is no finding.
fn uncounted<'a>(frame: &Frame<'a>) -> BTreeSet<&'a str> {
    let known = frame.inputs.incidents.iter();
    known
        .filter(|it| it.noted.at <= frame.cut_off && !it.counts())
        .map(|it| it.id.as_str())
        .collect()
}

pub(super) fn factors(frame: &Frame<'_>) -> Factors {
    let week: BTreeMap<&str, &Incident> = frame
        .inputs
        .incidents
        .iter()
        .filter(|it| frame.holds(it.started) && it.counts() && it.noted.at <= frame.cut_off)
        .map(|it| (it.id.as_str(), it))
        .collect();
    let all = standing(frame);
    let of_week: Vec<Claim> = all
        .iter()
        .filter(|claim| week.contains_key(claim.incident.as_str()))
        .cloned()
        .collect();
    let said: BTreeSet<&str> = of_week.iter().map(|it| it.incident.as_str()).collect();
    let without = week.keys().filter(|id| !said.contains(*id));
    let without = without.map(|id| (*id).to_owned()).collect();
    let mut rows: BTreeMap<String, FactorRow> = BTreeMap::new();
    for standing in standings(&of_week) {
        let row = rows
            .entry(standing.factor.clone())
            .or_insert_with(|| FactorRow {
                title: title(&standing.factor),
                factor: standing.factor.clone(),
                claimed: 0,
                confirmed: 0,
                disputed: 0,
                withdrawn: 0,
                ai: RoleSplit::default(),
            });
        match standing.state {
            ClaimState::Claimed => row.claimed += 1,
            ClaimState::Confirmed => row.confirmed += 1,
            ClaimState::Disputed => row.disputed += 1,
            ClaimState::Withdrawn => row.withdrawn += 1,
        }
        if standing.state != ClaimState::Withdrawn
            && let Some(incident) = week.get(standing.incident.as_str())
        {
            row.ai.add(&incident.ai);
        }
    }
    let mut table: Vec<FactorRow> = rows.into_values().collect();
    table.sort_by(|a, b| {
        let key = |it: &FactorRow| (it.confirmed, it.confirmed + it.claimed + it.disputed);
        key(b).cmp(&key(a)).then_with(|| a.factor.cmp(&b.factor))
    });
    let shown = |claim: &&Claim| {
        let said_now = claim
            .statements
            .last()
            .is_some_and(|it| frame.holds(it.noted.at));
        week.contains_key(claim.incident.as_str()) || said_now
    };
    Factors {
        table,
        claims: all.iter().filter(shown).filter_map(claim_row).collect(),
        without,
        not_counted: left_out(frame),
    }
}

/// The dismissed and duplicate incidents of the week of which something is said.
fn left_out(frame: &Frame<'_>) -> Vec<String> {
    let uncounted = uncounted(frame);
    let of_week = frame.inputs.incidents.iter();
    let of_week = of_week.filter(|it| frame.holds(it.started));
    let mut ids: BTreeSet<&str> = of_week.map(|it| it.id.as_str()).collect();
    ids.retain(|id| uncounted.contains(id));
    let said = frame.inputs.claims.iter();
    let said: BTreeSet<&str> = said
        .filter(|it| it.noted.at <= frame.cut_off)
        .map(|it| it.incident.as_str())
        .collect();
    ids.intersection(&said).map(|id| (*id).to_owned()).collect()
}

fn claim_row(claim: &Claim) -> Option<ClaimRow> {
    let last = claim.statements.last()?;
    let machine = claim
        .statements
        .iter()
        .any(|it| it.state == ClaimState::Claimed && it.noted.through.is_some());
    Some(ClaimRow {
        incident: claim.incident.clone(),
        factor: claim.factor.clone(),
        claimant: claim.claimant.clone(),
        state: claim.state,
        confirmed_by: claim.confirmed_by.clone(),
        disputed_by: claim.disputed_by.clone(),
        last_at: last.noted.at,
        last_by: last.noted.by.clone(),
        last_why: last.noted.why.clone(),
        unconfirmed_machine: machine && claim.state == ClaimState::Claimed,
        evidence: claim.evidence.len(),
    })
}
