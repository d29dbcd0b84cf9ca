//! What was counted in the scope of each initiative, and the test over it.

use std::collections::{BTreeMap, BTreeSet};

use countersign_core::catalog::Catalog;
use countersign_operations::initiative::{Initiative, Metric, Scope, Tested, Weekly, test};
use countersign_operations::week::Week;
use countersign_store::{Exposure, IncidentRow, Later, Range, Store, Weeks};
use jiff::tz::TimeZone;

use super::{number, severity, week};
use crate::error::CliResult;

/// Weeks looked back from the first start.
const BEFORE: i32 = 104;

/// Tests initiatives by what is counted up to a week, without what was noted
/// later than is looked at.
pub(crate) async fn tested(
    (store, later): (&Store, &Later),
    initiatives: Vec<Initiative>,
    until: Week,
    catalog: Option<&Catalog>,
) -> CliResult<Vec<(Initiative, Tested)>> {
    let utc = TimeZone::UTC;
    let Some(first) = initiatives.iter().map(|it| Week::of(it.start, &utc)).min() else {
        return Ok(Vec::new());
    };
    let from = first.plus(-BEFORE);
    let weeks = Weeks {
        from: number(from),
        until: number(until),
    };
    let range = Range {
        from: from.bounds(&utc).0.as_microsecond(),
        until: until.bounds(&utc).1.as_microsecond(),
    };
    let counted = Counted {
        exposure: later.exposure(weeks, store.exposure(weeks).await?),
        incidents: later.incidents(range, store.incidents(range).await?),
        catalog,
        last: until,
    };
    let all: Vec<(String, Week, BTreeSet<String>)> = initiatives
        .iter()
        .map(|it| {
            let services = counted.services(&it.scope);
            (it.title.clone(), Week::of(it.start, &utc), services)
        })
        .collect();
    let tested = initiatives.into_iter().enumerate().map(|(place, it)| {
        let own = all
            .get(place)
            .map(|(_, _, services)| services.clone())
            .unwrap_or_default();
        let meets = |other: &BTreeSet<String>| {
            own.is_empty() || other.is_empty() || !own.is_disjoint(other)
        };
        let others: Vec<(String, Week)> = all
            .iter()
            .enumerate()
            .filter(|(at, (_, _, services))| *at != place && meets(services))
            .map(|(_, (title, week, _))| (title.clone(), *week))
            .collect();
        let found = counted.test(&it, &others);
        (it, found)
    });
    Ok(tested.collect())
}

struct Counted<'a> {
    exposure: Vec<Exposure>,
    incidents: Vec<IncidentRow>,
    catalog: Option<&'a Catalog>,
    last: Week,
}

impl Counted<'_> {
    /// The services of a scope. Incidents carry nothing else to tell groups by,
    /// so tiers and teams become the services that have them.
    fn services(&self, scope: &Scope) -> BTreeSet<String> {
        if !scope.services.is_empty() || (scope.tiers.is_empty() && scope.teams.is_empty()) {
            return scope.services.clone();
        }
        if let (Some(catalog), true) = (self.catalog, scope.teams.is_empty()) {
            let services = catalog.services().iter();
            let of = services.filter(|it| scope.tiers.contains(&catalog.tier(it)));
            return of.map(|it| it.id.clone()).collect();
        }
        let rows = self.exposure.iter().filter(|row| row.services.len() == 1);
        let rows = rows.filter(|row| {
            (scope.tiers.is_empty() || row.tier.is_some_and(|tier| scope.tiers.contains(&tier)))
                && (scope.teams.is_empty() || scope.teams.contains(&row.team))
        });
        rows.flat_map(|row| row.services.iter().cloned()).collect()
    }

    fn test(&self, it: &Initiative, others: &[(String, Week)]) -> Tested {
        let metric: Metric = match it.metric.parse() {
            Ok(metric) => metric,
            Err(why) => return Tested::cannot(why),
        };
        let scopes = [Some(&it.scope), it.comparison.as_ref()];
        if scopes
            .into_iter()
            .flatten()
            .any(|scope| !scope.kinds.is_empty())
        {
            return Tested::cannot("changes are not counted by kind: leave the kinds out");
        }
        let own = self.services(&it.scope);
        let named = |scope: &Scope| !(scope.tiers.is_empty() && scope.teams.is_empty());
        if own.is_empty() && named(&it.scope) {
            return Tested::cannot("no service has its tiers and teams");
        }
        let treated = self.weekly(metric, &it.scope, &own, None);
        let comparison = it.comparison.as_ref().map(|scope| {
            let services = self.services(scope);
            self.weekly(metric, scope, &services, Some(&own))
        });
        test(it, &treated, comparison.as_deref(), others)
    }

    /// Counts of a group; what touches `not` belongs to the other group.
    fn weekly(
        &self,
        metric: Metric,
        scope: &Scope,
        services: &BTreeSet<String>,
        not: Option<&BTreeSet<String>>,
    ) -> Vec<Weekly> {
        let inside = |of: &BTreeSet<String>| {
            let other = not.is_some_and(|not| !not.is_disjoint(of));
            !other && (services.is_empty() || !services.is_disjoint(of))
        };
        let mut weeks: BTreeMap<i64, (u64, u64)> = BTreeMap::new();
        for row in self.exposure.iter().filter(|row| inside(&row.services)) {
            let here = scope.environments.is_empty()
                || scope
                    .environments
                    .iter()
                    .any(|it| it.as_str() == row.environment);
            if here {
                weeks.entry(row.week).or_default().1 += row.changes;
            }
        }
        let grave = |row: &&IncidentRow| {
            metric
                .severity
                .is_none_or(|most| severity(row.severity).is_some_and(|it| it <= most))
        };
        let counting = self.incidents.iter().filter(|row| row.counts);
        for row in counting.filter(grave).filter(|row| inside(&row.services)) {
            weeks.entry(row.week).or_default().0 += 1;
        }
        // weeks between the first and the last with nothing in them count too
        let (Some(first), last) = (weeks.keys().next().copied(), number(self.last)) else {
            return Vec::new();
        };
        (first..=last)
            .map(|n| {
                let (incidents, changes) = weeks.get(&n).copied().unwrap_or_default();
                Weekly {
                    week: week(n),
                    incidents,
                    changes,
                }
            })
            .collect()
    }
}
