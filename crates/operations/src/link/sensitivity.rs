//! What rests on links: how many changes failed, and how many wrong links a
//! conclusion survives.

use std::collections::BTreeMap;

use countersign_stats::misclassification::{Flips, flips};
use countersign_stats::{Confidence, Counted};

use super::{Found, LinkTo};

/// A link below this probability may well be wrong.
const SURE: f64 = 0.9;

/// Changes that led to an incident, of all that shipped.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct FailedChanges {
    /// How many are to be expected to have failed.
    pub failed: f64,
    /// How many shipped.
    pub shipped: u64,
    /// Incidents that were looked at.
    pub incidents: usize,
    /// Incidents that most probably came from no change.
    pub without_change: usize,
}

impl FailedChanges {
    /// The change failure rate, between 0 and 1; `None` when nothing shipped.
    #[must_use]
    pub fn rate(&self) -> Option<f64> {
        (self.shipped > 0).then(|| self.failed / self.shipped as f64)
    }
}

/// Counts changes that failed: a change counts once, however many incidents
/// came from it, and only as far as a link is probable.
#[must_use]
pub fn failed_changes(found: &[Found], shipped: u64) -> FailedChanges {
    let mut spared: BTreeMap<&LinkTo, f64> = BTreeMap::new();
    let mut without_change = 0;
    for it in found.iter().flat_map(|found| &found.suggested) {
        if it.to == LinkTo::NoChange {
            without_change += usize::from(it.probability > 0.5);
        } else {
            *spared.entry(&it.to).or_insert(1.0) *= 1.0 - it.probability;
        }
    }
    FailedChanges {
        failed: spared.values().map(|spared| 1.0 - spared).sum(),
        shipped,
        incidents: found.len(),
        without_change,
    }
}

/// How many wrong links turn a comparison of two kinds of change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sensitivity {
    /// How many links would have to be wrong, in each direction.
    pub flips: Flips,
    /// How many links are less than 90 % probable.
    pub unsure: u64,
}

impl Sensitivity {
    /// Whether the links that are unsure are enough to turn the conclusion.
    #[must_use]
    pub fn is_fragile(&self) -> bool {
        let needed = [self.flips.out_of_first, self.flips.into_first];
        needed
            .into_iter()
            .flatten()
            .any(|needed| needed <= self.unsure)
    }
}

/// How many wrong links the verdict on `first` against `second` survives, where
/// their events are the incidents linked to each.
///
/// # Errors
/// As [`countersign_stats::rate_ratio::exact_interval`].
pub fn sensitivity(
    first: Counted,
    second: Counted,
    links: &[Found],
    confidence: Confidence,
) -> countersign_stats::Result<Sensitivity> {
    let unsure = links.iter().filter(|found| {
        let best = found.suggested.first();
        best.is_none_or(|best| best.probability < SURE)
    });
    Ok(Sensitivity {
        flips: flips(first, second, confidence)?,
        unsure: unsure.count() as u64,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::ChangeRef;
    use crate::link::Suggested;

    fn found(incident: &str, links: &[(Option<&str>, f64)]) -> Found {
        let of = |(id, probability): &(Option<&str>, f64)| Suggested {
            to: id.map_or(LinkTo::NoChange, |id| {
                LinkTo::Change(ChangeRef::new("shop", id))
            }),
            shipped_at: None,
            computed: *probability,
            probability: *probability,
            stated: None,
            contested: false,
            reasons: vec![],
        };
        Found {
            incident: incident.into(),
            suggested: links.iter().map(of).collect(),
            looked_at: 10,
        }
    }

    /// gitlab-org/gitlab 444295: two incidents from one of ten deployments are
    /// a rate of 0.1, not 0.2.
    #[test]
    fn a_change_fails_once() {
        let both = [
            found("a", &[(Some("1"), 1.0)]),
            found("b", &[(Some("1"), 1.0)]),
        ];
        let counted = failed_changes(&both, 10);
        assert_eq!(counted.rate(), Some(0.1));
        assert_eq!((counted.incidents, counted.shipped), (2, 10));
        let half = [
            found("a", &[(Some("1"), 0.5), (None, 0.5)]),
            found("b", &[(Some("1"), 0.5), (None, 0.5)]),
        ];
        assert!((failed_changes(&half, 10).failed - 0.75).abs() < 1e-12);
        assert_eq!(failed_changes(&[], 0).rate(), None);
    }

    #[test]
    fn unsure_links_make_a_conclusion_fragile() {
        let (first, second) = (
            Counted::new(18, 500.0).unwrap(),
            Counted::new(20, 1500.0).unwrap(),
        );
        let sure: Vec<Found> = (0..38)
            .map(|n| found(&n.to_string(), &[(Some("1"), 0.95)]))
            .collect();
        let judged = sensitivity(first, second, &sure, Confidence::P95).unwrap();
        assert_eq!(
            (
                judged.flips.out_of_first,
                judged.unsure,
                judged.is_fragile()
            ),
            (Some(3), 0, false)
        );
        let unsure: Vec<Found> = (0..4)
            .map(|n| found(&n.to_string(), &[(Some("1"), 0.6)]))
            .collect();
        assert!(
            sensitivity(first, second, &unsure, Confidence::P95)
                .unwrap()
                .is_fragile()
        );
    }
}
