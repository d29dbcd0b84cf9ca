//! `countersign usage scan`.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use clap::Args;
use countersign_core::usage::Why;
use countersign_operations::noted::Noted;
use countersign_operations::record::{Record, Recorded as _};
use countersign_operations::usage::{Pattern, SeenIn, UsageEntry, UsageSeen};
use countersign_store::{Access, Range, Store};
use serde::Serialize;

use crate::database::with;
use crate::error::{CliResult, exit};
use crate::recorder;
use crate::register;
use crate::report::{count, json};
use crate::style::{BOLD, DIM, paint};
use crate::usages::{Gathered, Sighting, UsesArgs, gather, gather_history};

/// What is recorded as the source of what a scan finds.
const SOURCE: &str = "usage-scan";

/// Find what AI is used for, and record each pattern that was not seen before.
///
/// Looks into the history of the default branch, and with a database also into
/// recorded changes, the guard's decisions and deployments that a tool ran.
#[derive(Debug, Args)]
pub(crate) struct ScanArgs {
    /// Print JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    uses: UsesArgs,
}

/// A pattern and where it was seen first.
#[derive(Debug, Serialize)]
struct Found {
    pattern: String,
    first_seen: jiff::Timestamp,
    seen_in: BTreeSet<&'static str>,
    /// No scan has recorded it before.
    is_new: bool,
    maturity: &'static str,
    is_registered: bool,
}

#[derive(Serialize)]
struct Shown {
    schema: &'static str,
    patterns: Vec<Found>,
}

/// First sightings, by pattern and where.
type Sightings = BTreeMap<(Pattern, &'static str), Sighting>;

pub(super) fn run(args: &ScanArgs) -> CliResult {
    let address = args.uses.db.named()?;
    let mut gathered = gather_history(&args.uses)?;
    let mut sightings: Sightings = std::mem::take(&mut gathered.first).into_iter().collect();
    let known = match &address {
        None => BTreeSet::new(),
        Some(address) => {
            for (key, seen) in gather(&args.uses)?.first {
                let first = sightings.entry(key).or_insert_with(|| seen.clone());
                if seen.at < first.at {
                    *first = seen;
                }
            }
            with(address, Access::Write, async |store| {
                record(store, &gathered, &sightings).await
            })?
        }
    };
    let found = found(&gathered, &sightings, &known);
    let mut out = anstream::stdout().lock();
    if args.json {
        let shown = Shown {
            schema: "countersign.usage-scan/1",
            patterns: found,
        };
        out.write_all(json(&shown)?.as_bytes())?;
    } else {
        human(&mut out, &found, address.is_some())?;
    }
    Ok(exit::ALLOW)
}

fn found(gathered: &Gathered, sightings: &Sightings, known: &BTreeSet<String>) -> Vec<Found> {
    let mut found: BTreeMap<&Pattern, Found> = BTreeMap::new();
    for ((pattern, seen_in), first) in sightings {
        let usages = gathered.usages();
        let standing = usages.standing(&pattern.as_use(), gathered.now, |_| None);
        let key = pattern.key();
        let it = found.entry(pattern).or_insert_with(|| Found {
            is_new: !known.contains(&key),
            pattern: key,
            first_seen: first.at,
            seen_in: BTreeSet::new(),
            maturity: standing.maturity.as_str(),
            is_registered: standing.why != Why::Unregistered,
        });
        it.seen_in.insert(seen_in);
        it.first_seen = it.first_seen.min(first.at);
    }
    found.into_values().collect()
}

/// Records first sightings and what the registry says now, where either is new.
/// Returns the patterns that were known before.
async fn record(
    store: &Store,
    gathered: &Gathered,
    sightings: &Sightings,
) -> CliResult<BTreeSet<String>> {
    let mut records: Vec<Record> = Vec::new();
    let mut firsts: BTreeMap<(String, SeenIn), jiff::Timestamp> = BTreeMap::new();
    for seen in register::all::<UsageSeen>(store, Range::ALL).await? {
        let key = (seen.pattern.key(), seen.seen_in);
        let first = firsts.entry(key).or_insert(seen.seen_at);
        *first = (*first).min(seen.seen_at);
    }
    for ((pattern, _), first) in sightings {
        let key = (pattern.key(), first.seen_in);
        if firsts.get(&key).is_none_or(|before| first.at < *before) {
            records.push(seen(pattern, first, gathered).into());
        }
    }
    let patterns: BTreeSet<&Pattern> = sightings.keys().map(|(pattern, _)| pattern).collect();
    for pattern in patterns {
        let noted = Noted::imported(SOURCE, gathered.now);
        let entry = UsageEntry::of(pattern, gathered.usages(), noted, gathered.now);
        let before = register::latest::<UsageEntry>(store, &entry.key()).await?;
        if before.is_none_or(|(before, _)| !says_the_same(&before, &entry)) {
            records.push(entry.into());
        }
    }
    recorder::append(store, SOURCE, records).await?;
    Ok(firsts.into_keys().map(|(key, _)| key).collect())
}

fn seen(pattern: &Pattern, first: &Sighting, gathered: &Gathered) -> UsageSeen {
    let is_change = first.seen_in == SeenIn::Change;
    UsageSeen {
        noted: Noted::imported(SOURCE, gathered.now),
        pattern: pattern.clone(),
        seen_in: first.seen_in,
        in_key: first.in_key.clone(),
        seen_at: first.at,
        change: is_change.then(|| first.in_key.parse().ok()).flatten(),
        person: None,
        team: None,
    }
}

/// The evidence of a graduation stays the last word while nothing else changes.
fn says_the_same(before: &UsageEntry, now: &UsageEntry) -> bool {
    let now = UsageEntry {
        noted: before.noted.clone(),
        from: before.from,
        evidence: before.evidence.clone(),
        ..now.clone()
    };
    *before == now
}

fn human(out: &mut impl Write, found: &[Found], recorded: bool) -> CliResult<()> {
    let new = found.iter().filter(|it| it.is_new).count() as u64;
    let patterns = count(found.len() as u64, "pattern");
    let line = if recorded {
        format!("{patterns} of AI use, {new} not seen before")
    } else {
        format!("{patterns} of AI use")
    };
    writeln!(out, "{}", paint(BOLD, line))?;
    let mut table = register::Table::new(&["", "first seen", "pattern", "counts as", "seen in"]);
    for it in found {
        let registered = if it.is_registered {
            ""
        } else {
            ": not registered"
        };
        let places: Vec<&str> = it.seen_in.iter().copied().collect();
        table.row(vec![
            if recorded && it.is_new { "new" } else { "" }.to_owned(),
            it.first_seen.strftime("%Y-%m-%d").to_string(),
            it.pattern.clone(),
            format!("{}{registered}", it.maturity),
            places.join(", "),
        ]);
    }
    if !found.is_empty() {
        writeln!(out)?;
    }
    table.print(out)?;
    let next = if recorded {
        "countersign usage list · countersign usage register PATTERN"
    } else {
        "nothing was recorded: name a database with --db to keep first sightings"
    };
    writeln!(out, "\n{}", paint(DIM, next))?;
    Ok(())
}
