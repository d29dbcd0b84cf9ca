//! Patterns of AI use seen in the week.

use std::collections::{BTreeMap, BTreeSet};

use countersign_operations::link::{Link, LinkState, LinkTo};
use countersign_operations::review::UsageCount;
use countersign_operations::usage::{Pattern, UsageEntry, UsageSeen};
use countersign_operations::week::Week;
use countersign_store::Range;

use super::{Reading, range};
use crate::error::CliResult;

pub(super) async fn read(reading: &mut Reading<'_>, week: Week) -> CliResult<()> {
    let in_week = range(&reading.inputs.zone.zone, week, week);
    let entries = reading.known::<UsageEntry>(Range::ALL).await?;
    let seen = reading.known::<UsageSeen>(in_week).await?;
    let ids: BTreeSet<String> = reading
        .inputs
        .incidents
        .iter()
        .filter(|it| it.counts())
        .filter(|it| (in_week.from..in_week.until).contains(&it.started.as_microsecond()))
        .map(|it| it.id.clone())
        .collect();
    let of = |key: &str| key.split(' ').next().is_some_and(|id| ids.contains(id));
    let links = reading.versions::<Link>(of).await?;
    let said = said(&links);
    let mut counts: BTreeMap<Pattern, (u64, BTreeSet<String>, BTreeSet<String>)> = BTreeMap::new();
    for it in &seen {
        let count = counts.entry(it.pattern.clone()).or_default();
        count.0 += 1;
        count.1.extend(it.person.clone());
        let change = it.change.clone().map(LinkTo::Change);
        let linked = said.iter().filter(|(_, to)| change.as_ref() == Some(to));
        count.2.extend(linked.map(|(incident, _)| incident.clone()));
    }
    let first = |pattern: &Pattern| {
        let known = entries
            .iter()
            .any(|it| it.pattern == *pattern && it.from.as_microsecond() < in_week.from);
        let times = seen.iter().filter(|it| it.pattern == *pattern);
        times.map(|it| it.seen_at).min().filter(|_| !known)
    };
    reading.inputs.seen = counts
        .into_iter()
        .map(|(pattern, (seen, people, incidents))| UsageCount {
            first_seen: first(&pattern),
            pattern,
            seen,
            people: people.len() as u64,
            incidents: incidents.len() as u64,
        })
        .collect();
    reading.digest_records("uses of AI decided on", &entries);
    reading.digest_records("uses of AI seen", &seen);
    reading.inputs.usages = entries;
    Ok(())
}

/// Links that somebody states, not what is only computed.
fn said(links: &[Link]) -> BTreeSet<(String, LinkTo)> {
    let mut last: BTreeMap<(&str, &LinkTo), &Link> = BTreeMap::new();
    for it in links.iter().filter(|it| it.state != LinkState::Suggested) {
        let place = last.entry((&it.incident, &it.to)).or_insert(it);
        if it.noted.at >= place.noted.at {
            *place = it;
        }
    }
    last.into_values()
        .filter(|it| it.state != LinkState::Rejected)
        .map(|it| (it.incident.clone(), it.to.clone()))
        .collect()
}
