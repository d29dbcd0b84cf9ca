//! How long an incident was felt, by the clock and by those who felt it.

use countersign_core::catalog::Share;
use jiff::Timestamp;

use super::{Incident, Traffic};

/// A time in which a share of customers was not served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Outage {
    /// From.
    pub from: Timestamp,
    /// Until, exclusive.
    pub until: Timestamp,
    /// Share of customers.
    pub customers: Share,
}

impl Incident {
    /// Its outages, in order. An incident that has not ended lasts until `now`;
    /// where nobody said how many were affected, everyone was. `None` when it is
    /// over and nobody said since when: how long it lasted cannot be told.
    #[must_use]
    pub fn outages(&self, now: Timestamp) -> Option<Vec<Outage>> {
        let open = matches!(self.status, super::Status::Open);
        let end = self
            .end()
            .or_else(|| open.then_some(now.max(self.started)))?;
        let mut steps = vec![(self.started, None)];
        steps.extend(
            self.impact
                .iter()
                .map(|step| (step.from.max(self.started), Some(step.customers))),
        );
        let ends = steps.iter().skip(1).map(|step| step.0).chain([end]);
        let outages = steps
            .iter()
            .zip(ends)
            .map(|((from, customers), until)| Outage {
                from: *from,
                until: until.min(end),
                customers: customers.unwrap_or_else(|| self.first_share()),
            });
        Some(
            outages
                .filter(|it| it.from < it.until && it.customers > Share::NONE)
                .collect(),
        )
    }

    /// The share before the first step, which says how many from then on.
    fn first_share(&self) -> Share {
        if self.impact.is_empty() {
            Share::ALL
        } else {
            Share::NONE
        }
    }

    /// Minutes by the clock, from start to end.
    #[must_use]
    pub fn clock_minutes(&self, now: Timestamp) -> Option<f64> {
        let open = matches!(self.status, super::Status::Open);
        let end = self
            .end()
            .or_else(|| open.then_some(now.max(self.started)))?;
        Some(end.duration_since(self.started).as_secs_f64() / 60.0)
    }

    /// Minutes weighted by how many felt it: by failed of expected requests
    /// where traffic was measured, else by share of customers.
    #[must_use]
    pub fn weighted_minutes(&self, now: Timestamp) -> Option<f64> {
        if !self.traffic.is_empty() {
            return Some(self.traffic.iter().map(Traffic::lost_minutes).sum());
        }
        let outages = self.outages(now)?;
        Some(outages.iter().map(Outage::weighted_minutes).sum())
    }

    /// The largest share of customers affected at once; `None`: nobody said.
    #[must_use]
    pub fn peak_customers(&self) -> Option<Share> {
        self.impact.iter().map(|step| step.customers).max()
    }
}

impl Outage {
    /// Minutes times share.
    #[must_use]
    pub fn weighted_minutes(&self) -> f64 {
        let minutes = self.until.duration_since(self.from).as_secs_f64() / 60.0;
        minutes * f64::from(self.customers.ppm()) / 1e6
    }
}

impl Traffic {
    /// Share of what was asked for that was not served, 0 to 1. Where it is
    /// known how much to expect, requests that were never made count as failed.
    #[must_use]
    pub fn lost_share(&self) -> f64 {
        let wanted = self.expected.unwrap_or(self.requests).max(self.requests);
        if wanted == 0 {
            return 0.0;
        }
        let unmade = wanted - self.requests;
        (self.failed + unmade) as f64 / wanted as f64
    }

    /// Length times lost share, in minutes.
    #[must_use]
    pub fn lost_minutes(&self) -> f64 {
        f64::from(self.seconds) / 60.0 * self.lost_share()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::incident::{ImpactStep, Status};
    use crate::noted::Noted;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_772_000_000 + minute * 60).unwrap()
    }

    fn share(percent: f64) -> Share {
        Share::from_percent(percent).unwrap()
    }

    fn incident() -> Incident {
        let mut it = Incident::new("a".into(), "a".into(), at(0), Noted::by("ada", at(9000)));
        it.status = Status::Resolved;
        it.resolved = Some(at(60));
        it
    }

    #[test]
    fn minutes_by_the_clock_and_by_customers() {
        let mut it = incident();
        assert_eq!(
            it.weighted_minutes(at(0)),
            Some(60.0),
            "nobody said how many: all"
        );
        // A fault in a fifth of requests on a 5 % canary costs 1 % of requests
        // (SRE workbook, "Canarying Releases").
        it.impact = vec![ImpactStep {
            from: at(0),
            customers: share(20.0).of(share(5.0)),
        }];
        assert!((it.weighted_minutes(at(0)).unwrap() - 0.6).abs() < 1e-9);
        it.impact = vec![
            ImpactStep {
                from: at(0),
                customers: share(10.0),
            },
            ImpactStep {
                from: at(30),
                customers: share(50.0),
            },
            ImpactStep {
                from: at(50),
                customers: Share::NONE,
            },
        ];
        assert!((it.weighted_minutes(at(0)).unwrap() - 13.0).abs() < 1e-9);
        assert_eq!(it.clock_minutes(at(0)), Some(60.0));
        assert_eq!(it.peak_customers(), Some(share(50.0)));
    }

    #[test]
    fn an_end_that_nobody_said_is_not_made_up() {
        let mut it = incident();
        it.resolved = None;
        assert_eq!(it.clock_minutes(at(100)), None);
        it.status = Status::Open;
        assert_eq!(it.clock_minutes(at(100)), Some(100.0));
    }

    #[test]
    fn customers_who_stopped_asking_count() {
        let mut it = incident();
        let interval = |requests, failed, expected| Traffic {
            from: at(0),
            seconds: 600,
            requests,
            failed,
            expected,
        };
        it.traffic = vec![interval(1000, 500, None)];
        assert_eq!(it.weighted_minutes(at(0)), Some(5.0));
        it.traffic = vec![interval(1000, 500, Some(2000))];
        assert_eq!(it.weighted_minutes(at(0)), Some(7.5));
        it.traffic = vec![interval(0, 0, None)];
        assert_eq!(it.weighted_minutes(at(0)), Some(0.0));
    }
}
