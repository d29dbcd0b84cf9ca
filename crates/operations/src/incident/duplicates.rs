//! The same incident told twice.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::{AiPart, Incident};

/// Starts this close together may be one incident seen by two systems.
const CLOSE: SignedDuration = SignedDuration::from_mins(30);
/// Each incident is compared with at most this many that began before it.
const COMPARED: usize = 50;

/// Two incidents that may be the same.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Doubt {
    /// The one that began first.
    pub first: String,
    /// The other.
    pub second: String,
    /// Why, in one line.
    pub why: String,
}

/// Pairs that may be one incident: from different sources, begun within 30
/// minutes of each other, with a service in common or the same words for title.
/// Only a person says that they are.
#[must_use]
pub fn doubts<'a>(incidents: impl IntoIterator<Item = &'a Incident>) -> Vec<Doubt> {
    let mut sorted: Vec<&Incident> = incidents.into_iter().filter(|it| it.counts()).collect();
    sorted.sort_by(|a, b| (a.started, &a.id).cmp(&(b.started, &b.id)));
    let mut found = Vec::new();
    for (place, second) in sorted.iter().enumerate() {
        let before = sorted.get(..place).unwrap_or_default();
        for first in before.iter().rev().take(COMPARED) {
            let apart = second.started.duration_since(first.started);
            if apart > CLOSE {
                break;
            }
            if let Some(why) = alike(first, second) {
                found.push(Doubt {
                    first: first.id.clone(),
                    second: second.id.clone(),
                    why: format!("{why}, begun {} min apart", apart.as_mins()),
                });
            }
        }
    }
    found
}

fn alike(a: &Incident, b: &Incident) -> Option<String> {
    let systems = |it: &Incident| -> BTreeSet<String> {
        it.sources
            .iter()
            .map(|source| source.system.clone())
            .collect()
    };
    // One system does not tell the same incident twice.
    if !systems(a).is_disjoint(&systems(b)) {
        return None;
    }
    if let Some(service) = a.services.intersection(&b.services).next() {
        return Some(format!("both say `{service}`"));
    }
    let words = |text: &str| {
        text.to_lowercase()
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
    };
    (words(&a.title) == words(&b.title)).then(|| "the same title".to_owned())
}

/// Today's incidents, each counted once.
#[derive(Debug, Clone, Default)]
pub struct Register {
    incidents: BTreeMap<String, Incident>,
}

impl Register {
    /// From the current version of every incident.
    #[must_use]
    pub fn of(incidents: impl IntoIterator<Item = Incident>) -> Self {
        let by_id = incidents.into_iter().map(|it| (it.id.clone(), it));
        Self {
            incidents: by_id.collect(),
        }
    }

    /// One, as it was recorded.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Incident> {
        self.incidents.get(id)
    }

    /// Which incident counts for this one: where its `duplicate_of` leads.
    /// Incidents that name each other in a circle count for themselves.
    #[must_use]
    pub fn counted_as<'a>(&'a self, id: &'a str) -> &'a str {
        let mut seen = BTreeSet::from([id]);
        let mut current = id;
        while let Some(next) = self
            .incidents
            .get(current)
            .and_then(|it| it.duplicate_of.as_deref())
        {
            if !self.incidents.contains_key(next) {
                return current;
            }
            if !seen.insert(next) {
                return id;
            }
            current = next;
        }
        current
    }

    /// Every incident that counts, with what its duplicates add, by start.
    #[must_use]
    pub fn counted(&self) -> Vec<Incident> {
        let mut merged: BTreeMap<&str, Incident> = BTreeMap::new();
        for id in self.incidents.keys() {
            let counted = self.counted_as(id);
            let Some(primary) = self.incidents.get(counted) else {
                continue;
            };
            let entry = merged.entry(counted).or_insert_with(|| {
                let mut primary = primary.clone();
                primary.duplicate_of = None;
                primary
            });
            if let Some(other) = self.incidents.get(id).filter(|_| id != counted) {
                join(entry, other);
            }
        }
        let mut counted: Vec<Incident> = merged.into_values().filter(Incident::counts).collect();
        counted.sort_by(|a, b| (a.started, &a.id).cmp(&(b.started, &b.id)));
        counted
    }
}

/// What a duplicate adds: it widens, and fills what was not known.
fn join(into: &mut Incident, other: &Incident) {
    let earliest = |a: Option<Timestamp>, b: Option<Timestamp>| a.into_iter().chain(b).min();
    into.started = into.started.min(other.started);
    into.detected = earliest(into.detected, other.detected);
    into.mitigated = into.mitigated.or(other.mitigated);
    into.resolved = into.resolved.max(other.resolved);
    into.severity = into.severity.into_iter().chain(other.severity).min();
    for (mine, theirs) in [
        (&mut into.services, &other.services),
        (&mut into.functions, &other.functions),
        (&mut into.regions, &other.regions),
        (&mut into.objects, &other.objects),
    ] {
        mine.extend(theirs.iter().cloned());
    }
    into.sources.extend(other.sources.iter().cloned());
    into.timeline.extend(other.timeline.iter().cloned());
    into.timeline.sort();
    into.timeline.dedup();
    into.ai = match (&into.ai, &other.ai) {
        (AiPart::Took(a), AiPart::Took(b)) => AiPart::Took(a.union(b).copied().collect()),
        (AiPart::Unknown, theirs) => theirs.clone(),
        (AiPart::None, AiPart::Took(roles)) => AiPart::Took(roles.clone()),
        (mine, _) => mine.clone(),
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::incident::{Severity, SourceRef};
    use crate::noted::Noted;

    fn incident(id: &str, minute: u8, system: &str, alter: impl Fn(&mut Incident)) -> Incident {
        let started: Timestamp = format!("2026-03-05T09:{minute:02}:00Z").parse().unwrap();
        let mut it = Incident::new(
            id.into(),
            format!("title of {id}"),
            started,
            Noted::by("ada", started),
        );
        it.sources.insert(SourceRef {
            system: system.into(),
            id: id.into(),
            seen: None,
        });
        alter(&mut it);
        it
    }

    #[test]
    fn pairs_of_different_systems_close_in_time_are_doubted() {
        let cart = |it: &mut Incident| {
            it.services.insert("cart".into());
        };
        let list = [
            incident("a", 0, "pagerduty", cart),
            incident("b", 20, "statuspage", cart),
            incident("c", 25, "pagerduty", cart),
            incident("d", 59, "statuspage", cart),
            incident("e", 5, "statuspage", |_| ()),
        ];
        let pairs: Vec<_> = doubts(&list)
            .into_iter()
            .map(|it| (it.first, it.second, it.why))
            .collect();
        assert_eq!(
            pairs,
            [
                (
                    "a".into(),
                    "b".into(),
                    "both say `cart`, begun 20 min apart".into()
                ),
                (
                    "b".into(),
                    "c".into(),
                    "both say `cart`, begun 5 min apart".to_owned()
                ),
            ]
        );
    }

    #[test]
    fn duplicates_count_once_and_add_what_they_know() {
        let of = |it: &mut Incident, other: &str| it.duplicate_of = Some(other.into());
        let register = Register::of([
            incident("a", 10, "pagerduty", |it| {
                it.severity = Some(Severity::Sev3);
            }),
            incident("b", 5, "statuspage", |it| {
                of(it, "a");
                it.severity = Some(Severity::Sev2);
                it.services.insert("cart".into());
            }),
            incident("c", 6, "tickets", |it| of(it, "b")),
            incident("x", 7, "tickets", |it| of(it, "y")),
            incident("y", 8, "pagerduty", |it| of(it, "x")),
            incident("z", 9, "tickets", |it| of(it, "gone")),
        ]);
        let counted = register.counted();
        let ids: Vec<&str> = counted.iter().map(|it| it.id.as_str()).collect();
        assert_eq!(
            ids,
            ["a", "x", "y", "z"],
            "nothing is lost in a circle or a gap"
        );
        assert_eq!(counted[0].severity, Some(Severity::Sev2));
        assert_eq!(counted[0].started, register.get("b").unwrap().started);
        assert_eq!(counted[0].sources.len(), 3);
        assert_eq!(register.counted_as("c"), "a");
    }
}
