//! Patterns of AI use in the week, counted as `usage list` counts them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use countersign_core::usage::Usages;
use countersign_operations::change::Change;
use countersign_operations::deployment::Deployment;
use countersign_operations::guard::GuardDecision;
use countersign_operations::link::{Link, LinkState, LinkTo};
use countersign_operations::noted::Noted;
use countersign_operations::review::UsageCount;
use countersign_operations::usage::{
    Pattern, UsageEntry, UsageSeen, Uses, of_deployment, of_guard,
};
use countersign_operations::week::Week;
use countersign_store::Range;
use jiff::Timestamp;

use super::{Reading, range};
use crate::error::CliResult;
use crate::links::{SURE, causes, led_to};

/// A pattern that was not seen in so many weeks before counts as new.
const QUIET_WEEKS: i32 = 12;

pub(super) async fn read(
    reading: &mut Reading<'_>,
    week: Week,
    registry: Option<&Usages>,
) -> CliResult<()> {
    let in_week = range(&reading.inputs.zone.zone, week, week);
    let caused = caused(reading, in_week).await?;
    let mut seen = Seen::default();
    for it in reading.known::<Change>(in_week).await? {
        let incidents = caused.get(&it.change.to_string());
        seen.change(&it, incidents.map_or(&[], Vec::as_slice));
    }
    for it in &reading.inputs.guard {
        seen.action(it);
    }
    for it in &reading.inputs.deployments {
        let incidents = caused.get(&LinkTo::Deployment(it.id.clone()).to_string());
        seen.deployment(it, incidents.map_or(&[], Vec::as_slice));
    }
    let known = known_before(reading, week, &seen).await?;
    reading.inputs.seen = seen.counts(&known);
    entries(reading, registry).await?;
    let said: Vec<String> = reading
        .inputs
        .seen
        .iter()
        .map(|it| format!("{it:?}"))
        .collect();
    reading.digest("uses of AI counted", said.join("\n").as_bytes());
    Ok(())
}

/// What was done with each pattern, and by whom.
#[derive(Default)]
struct Seen {
    uses: Uses,
    people: BTreeMap<Pattern, BTreeSet<String>>,
}

impl Seen {
    fn by<'a>(&mut self, pattern: &Pattern, people: impl IntoIterator<Item = &'a String>) {
        let known = self.people.entry(pattern.clone()).or_default();
        known.extend(people.into_iter().cloned());
    }

    fn change(&mut self, it: &Change, incidents: &[String]) {
        let patterns = patterns(it);
        for pattern in &patterns {
            self.by(pattern, &it.people);
        }
        self.uses
            .change(it.shipped_at, it.involvement, patterns, incidents);
    }

    fn action(&mut self, it: &GuardDecision) {
        let (pattern, allowed) = of_guard(it);
        self.by(&pattern, &it.person);
        self.uses.action(it.asked_at, &pattern, allowed);
    }

    fn deployment(&mut self, it: &Deployment, incidents: &[String]) {
        let Some(tool) = &it.tool else { return };
        let pattern = of_deployment(tool, it.environment);
        self.by(&pattern, &it.person);
        self.uses.deployment(it.started, &pattern, incidents);
    }

    fn counts(&self, known: &BTreeSet<Pattern>) -> Vec<UsageCount> {
        let count = self.uses.patterns().map(|(pattern, tally)| UsageCount {
            seen: tally.uses(),
            changes: tally.changes,
            people: self.people.get(pattern).map_or(0, |it| it.len() as u64),
            first_seen: (!known.contains(pattern)).then_some(tally.first),
            incidents: tally.incidents.len() as u64,
            pattern: pattern.clone(),
        });
        count.collect()
    }
}

fn patterns(it: &Change) -> BTreeSet<Pattern> {
    it.usages
        .iter()
        .filter_map(|key| key.parse().ok())
        .collect()
}

/// Which of the patterns were seen before: recorded by a scan, or in the weeks
/// before, which are read only as far back as one of them is still missing.
async fn known_before(
    reading: &Reading<'_>,
    week: Week,
    seen: &Seen,
) -> CliResult<BTreeSet<Pattern>> {
    let zone = &reading.inputs.zone.zone;
    let start = week.bounds(zone).0;
    let sightings = reading.known::<UsageSeen>(Range::ALL).await?;
    let earlier = sightings.into_iter().filter(|it| it.seen_at < start);
    let mut known: BTreeSet<Pattern> = earlier.map(|it| it.pattern).collect();
    for back in 1..=QUIET_WEEKS {
        if seen
            .uses
            .patterns()
            .all(|(pattern, _)| known.contains(pattern))
        {
            break;
        }
        let before = range(zone, week.plus(-back), week.plus(-back));
        for it in reading.known::<Change>(before).await? {
            known.extend(patterns(&it));
        }
        let answers = reading.known::<GuardDecision>(before).await?;
        known.extend(answers.iter().map(|it| of_guard(it).0));
        let deployments = reading.known::<Deployment>(before).await?.into_iter();
        known.extend(
            deployments.filter_map(|it| it.tool.map(|tool| of_deployment(&tool, it.environment))),
        );
    }
    Ok(known)
}

/// What was decided of what was seen: as the registry says now, or without one
/// as it was recorded.
async fn entries(reading: &mut Reading<'_>, registry: Option<&Usages>) -> CliResult<()> {
    let mut entries = reading.known::<UsageEntry>(Range::ALL).await?;
    reading.digest_records("uses of AI decided on", &entries);
    if let Some(registry) = registry {
        reading.digest("registry of AI use", format!("{registry:?}").as_bytes());
        let seen = reading.inputs.seen.iter().map(|it| &it.pattern);
        let seen: BTreeSet<&Pattern> = seen.collect();
        entries.retain(|it| !seen.contains(&it.pattern));
        entries.extend(
            seen.into_iter()
                .filter_map(|it| said(it, registry, reading.cut_off)),
        );
    }
    reading.inputs.usages = entries;
    Ok(())
}

/// What the registry says of a pattern; `None`: nothing.
fn said(pattern: &Pattern, registry: &Usages, now: Timestamp) -> Option<UsageEntry> {
    let standing = registry.standing(&pattern.as_use(), now, |_| None);
    let expires = standing.entry?.expires;
    let entry = UsageEntry::of(pattern, registry, Noted::imported("usage.toml", now), now);
    Some(UsageEntry { expires, ..entry })
}

/// The incidents of a week that each change or deployment most probably led to.
async fn caused(reading: &Reading<'_>, in_week: Range) -> CliResult<HashMap<String, Vec<String>>> {
    let ids: BTreeSet<&str> = reading
        .inputs
        .incidents
        .iter()
        .filter(|it| it.counts())
        .filter(|it| (in_week.from..in_week.until).contains(&it.started.as_microsecond()))
        .map(|it| it.id.as_str())
        .collect();
    let of = |key: &str| key.split(' ').next().is_some_and(|id| ids.contains(id));
    let mut said: BTreeMap<String, Vec<Link>> = BTreeMap::new();
    for link in last(reading.versions::<Link>(of).await?) {
        said.entry(link.incident.clone()).or_default().push(link);
    }
    let mut found: HashMap<String, Vec<String>> = HashMap::new();
    for (incident, links) in said {
        for (to, _) in causes(links).into_iter().filter(|(_, sure)| *sure >= SURE) {
            for key in led_to(reading.store, &to).await? {
                found.entry(key).or_default().push(incident.clone());
            }
        }
    }
    Ok(found)
}

/// What was said last of each pair.
fn last(links: Vec<Link>) -> Vec<Link> {
    let mut last: BTreeMap<(String, LinkTo), Link> = BTreeMap::new();
    for it in links {
        let key = (it.incident.clone(), it.to.clone());
        match last.get(&key) {
            Some(before) if before.noted.at > it.noted.at => {}
            _ => {
                last.insert(key, it);
            }
        }
    }
    last.into_values()
        .filter(|it| it.state != LinkState::Rejected)
        .collect()
}
