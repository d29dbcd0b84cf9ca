//! How far a change was said to reach, against how far its incident did.

use countersign_core::radius::{Actual, Score};

use super::{Found, LinkTo};
use crate::change::{Change, ChangeRef};
use crate::incident::Incident;

/// A link below this probability is no ground to judge a prediction on.
const PROBABLE: f64 = 0.5;

/// A prediction judged by the incident that its change most probably led to.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Compared {
    /// The change.
    pub change: ChangeRef,
    /// How probable it is that the incident came from it.
    pub probability: f64,
    /// How good the prediction was.
    pub score: Score,
}

impl Incident {
    /// What was hit, as far as it is known.
    #[must_use]
    pub fn actual(&self) -> Actual {
        Actual {
            services: self.services.clone(),
            functions: self.functions.clone(),
            customers: self.peak_customers(),
        }
    }
}

/// Compares the incident with what was predicted of the change that it most
/// probably came from. `None` when that is less probable than not, no change,
/// or one of which nothing was predicted.
#[must_use]
pub fn compare(incident: &Incident, found: &Found, changes: &[Change]) -> Option<Compared> {
    let best = found
        .suggested
        .first()
        .filter(|best| best.probability > PROBABLE)?;
    let LinkTo::Change(change) = &best.to else {
        return None;
    };
    let shipped = changes.iter().find(|it| it.change == *change)?;
    Some(Compared {
        change: change.clone(),
        probability: best.probability,
        score: shipped.predicted.as_ref()?.score(&incident.actual()),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use countersign_core::catalog::Share;
    use countersign_core::facts::Kind;
    use countersign_core::radius::{Bounds, Prediction};
    use jiff::Timestamp;

    use super::*;
    use crate::incident::ImpactStep;
    use crate::link::Suggested;
    use crate::noted::Noted;

    fn names(list: &[&str]) -> BTreeSet<String> {
        list.iter().map(|it| (*it).to_owned()).collect()
    }

    #[test]
    fn a_prediction_is_judged_by_what_happened() {
        let at: Timestamp = "2026-03-05T09:00:00Z".parse().unwrap();
        let mut incident = Incident::new("INC-1".into(), "down".into(), at, Noted::by("ada", at));
        incident.services = names(&["cart", "web"]);
        incident.functions = names(&["buy"]);
        let percent = |it| Share::from_percent(it).unwrap();
        incident.impact = vec![ImpactStep {
            from: at,
            customers: percent(30.0),
        }];
        let id = ChangeRef::new("shop", "1");
        let mut change = Change::new(id.clone(), Kind::Plan, at, Noted::by("ada", at));
        let bounds = |low, likely, high| Bounds { low, likely, high };
        change.predicted = Some(Prediction {
            services: names(&["cart", "mail"]),
            functions: names(&["buy"]),
            services_reached: bounds(1, 2, 2),
            functions_down: bounds(0, 1, 1),
            customers: Bounds {
                low: percent(0.0),
                likely: percent(10.0),
                high: percent(20.0),
            },
        });
        let found = |probability| Found {
            incident: "INC-1".into(),
            suggested: vec![Suggested {
                to: LinkTo::Change(id.clone()),
                shipped_at: Some(at),
                computed: probability,
                probability,
                stated: None,
                contested: false,
                reasons: vec![],
            }],
            looked_at: 1,
        };
        let changes = [change];
        let compared = compare(&incident, &found(0.8), &changes).unwrap();
        let score = compared.score;
        assert_eq!(
            (
                score.services.found,
                score.services.missed,
                score.services.spurious
            ),
            (1, 1, 1)
        );
        assert!(score.services_within && score.functions_within);
        assert_eq!(
            score.customers_within,
            Some(false),
            "more noticed than the upper bound"
        );
        assert!(compare(&incident, &found(0.4), &changes).is_none());
        assert!(compare(&incident, &found(0.8), &[]).is_none());
    }
}
