//! A sample organisation: a year and a bit of it, the same for the same seed, so
//! that a newcomer sees a full review in one command.
//!
//! Its records are those that the commands write, and they go through the same
//! recorder and the same ledger. Only when each of them was recorded is made up
//! as well, and every entry says that `sample-data` recorded it.
//!
//! What is planted, to be found, is in `files/README.md`.

mod changes;
mod guard;
mod incidents;
mod last_week;
mod organisation;
mod repository;
mod rollouts;
mod running;
mod safeguards;

use std::path::Path;

use countersign_core::ledger::Entry;
use countersign_operations::record::Record;
use countersign_operations::sample;
use countersign_stats::Random;
use countersign_store::{Address, Store};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::database::block_on;
use crate::error::CliResult;
use crate::recorder;

/// Monday 2024-12-30, where week 2025-W01 begins, in seconds since 1970.
const FIRST_MONDAY: i64 = 1_735_516_800;
/// Weeks from there to the end of the last one.
const WEEKS: i64 = 63;
/// The last of them, as people name it.
pub(crate) const LAST_WEEK: &str = "2026-W11";
/// When the review of the last week is looked at.
pub(crate) const CUT_OFF: &str = "2026-03-16T08:00:00Z";
/// The database, in the directory.
pub(crate) const DATABASE: &str = "countersign.db";
/// Entries in one transaction.
const BATCH: usize = 2_000;

/// Places in time that are planted, as weeks from the first.
mod planted {
    /// 2025-06-09: releases lose their canary stage.
    pub(super) const CANARY_GONE: i64 = 23;
    /// 2025-11-03: sign-offs and the guard are in place.
    pub(super) const ADOPTED: i64 = 44;
    /// 2025-12-22: on tier-1 services ninety days of two sign-offs begin.
    pub(super) const RESET: i64 = 51;
}

/// What was made.
pub(crate) struct Made {
    pub(crate) entries: u64,
    pub(crate) changes: usize,
    pub(crate) incidents: usize,
    /// The incident of the agent that recreated an environment.
    pub(crate) environment: String,
}

/// Writes the organisation into an empty directory.
pub(crate) fn make(dir: &Path, seed: u64) -> CliResult<Made> {
    let story = story(seed);
    repository::write(dir)?;
    let entries = keep(&Address::Sqlite(dir.join(DATABASE)), &story.records)?;
    Ok(Made {
        entries,
        changes: story.changes,
        incidents: story.incidents,
        environment: story.environment,
    })
}

/// Everything that is recorded, in the order in which it was.
struct Story {
    records: Vec<Record>,
    changes: usize,
    incidents: usize,
    environment: String,
}

fn story(seed: u64) -> Story {
    // each part has a stream of its own, so that more of one alters no other
    let stream = |part: u64| Random::seeded(seed.wrapping_mul(0x9e37_79b9).wrapping_add(part));
    let shipped = changes::ship(&mut stream(1));
    let mut register = incidents::Register::default();
    register.follow(&mut stream(2), &shipped);
    let environment = last_week::happen(&mut register);
    let mut records = register.records;
    records.extend(safeguards::decide(&mut stream(3), &shipped));
    records.extend(guard::answer(&mut stream(4)));
    records.extend(rollouts::roll_out(&mut stream(5), &shipped));
    records.extend(running::running());
    let changes = shipped.len();
    records.extend(shipped.into_iter().map(|it| Record::from(it.change)));
    // what people say of Sunday's incidents later on is not known yet
    let end = moment(WEEKS, 0, 480);
    records.retain(|it| it.noted().at <= end);
    records.sort_by_key(|it| it.noted().at);
    let incidents = records
        .iter()
        .filter(|it| matches!(it, Record::Incident(_)));
    Story {
        incidents: incidents.count(),
        records,
        changes,
        environment,
    }
}

/// Appends the records, each at the time at which it says it was recorded.
fn keep(address: &Address, records: &[Record]) -> CliResult<u64> {
    let mut entries: Vec<Entry> = Vec::with_capacity(records.len());
    for (record, seq) in records.iter().zip(1..) {
        let prev = entries.last().map_or(Entry::GENESIS, |it| it.hash);
        let (at, by) = (record.noted().at, sample::RECORDER.to_owned());
        let kept = recorder::entry(record)?;
        entries.push(Entry::after(prev, seq, at.as_microsecond(), by, kept));
    }
    block_on(async {
        let store = Store::migrate(address).await?;
        let mut rest = entries.into_iter();
        loop {
            let batch: Vec<Entry> = rest.by_ref().take(BATCH).collect();
            if batch.is_empty() {
                break;
            }
            store.import(batch).await?;
        }
        let head = store.head().await?;
        store.close().await;
        Ok(head.seq)
    })
}

/// A moment, by week from the first, day from Monday, and minute of the day.
fn moment(week: i64, day: i64, minute: i64) -> Timestamp {
    let seconds = FIRST_MONDAY + week * 604_800 + day * 86_400 + minute * 60;
    Timestamp::from_second(seconds).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// The day, by UTC.
fn day_of(at: Timestamp) -> Date {
    TimeZone::UTC.to_datetime(at).date()
}

/// One of them, each as likely as its weight.
fn pick<'a, T>(random: &mut Random, all: &'a [T], weight: impl Fn(&T) -> u64) -> Option<&'a T> {
    let mut place = random.below(all.iter().map(&weight).sum());
    all.iter().find(|it| {
        let own = weight(it);
        let here = place < own;
        place = place.saturating_sub(own);
        here
    })
}

/// Whether something happens that does so with this probability.
fn happens(random: &mut Random, probability: f64) -> bool {
    random.uniform() < probability
}

/// A whole number below a bound, as times are reckoned with.
fn below(random: &mut Random, bound: u64) -> i64 {
    i64::try_from(random.below(bound)).unwrap_or_default()
}

/// The form of a commit's name.
fn name(random: &mut Random) -> String {
    let (a, b, c) = (random.next_u64(), random.next_u64(), random.next_u64());
    format!("{a:016x}{b:016x}{:08x}", c >> 32)
}

#[cfg(test)]
mod tests;
