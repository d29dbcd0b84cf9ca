//! What a review is made from, read out of the database as it was known at the
//! cut-off. Sums come from columns; bodies are read only of what the document
//! names one by one.

mod initiatives;
pub(crate) mod touches;
mod usage;

use std::collections::{BTreeMap, BTreeSet};

use countersign_core::catalog::Catalog;
use countersign_core::policy::Policy;
use countersign_core::signoff::Digest;
use countersign_core::usage::Usages;
use countersign_operations::action::Action;
use countersign_operations::change::{Change, ChangeRef};
use countersign_operations::coe::Coe;
use countersign_operations::decision::Decision;
use countersign_operations::factor::FactorClaim;
use countersign_operations::incident::{Incident, Severity};
use countersign_operations::initiative::Initiative;
use countersign_operations::pack::PackActivation;
use countersign_operations::record::{Record, Recorded};
use countersign_operations::review::objectives::Objective;
use countersign_operations::review::{Began, Inputs, ReviewIssued, Zone};
use countersign_operations::sample;
use countersign_operations::sign_off::{SignOffGiven, Stated};
use countersign_operations::week::Week;
use countersign_store::projection::{monday, week_of};
use countersign_store::{Later, Range, Store, Weeks};
use jiff::Timestamp;
use jiff::tz::TimeZone;

pub(crate) use initiatives::tested;

use crate::error::CliResult;
use crate::register;

/// Weeks of which incidents and sign-offs are read in full.
const FULL_WEEKS: i32 = 13;
/// Weeks of which counts are read.
const COUNT_WEEKS: i32 = 52;
/// Weeks of which decisions are read.
const DECISION_WEEKS: i32 = 4;
/// Bypassed changes that are named one by one.
const MOST_BYPASSED: u32 = 200;
/// Rows read at once.
const PAGE: u32 = 5_000;

/// What is asked, and what is known beside the database.
pub(crate) struct Asked<'a> {
    pub(crate) week: Week,
    pub(crate) zone: Zone,
    pub(crate) cut_off: Timestamp,
    pub(crate) objectives: Vec<Objective>,
    pub(crate) catalog: Option<&'a Catalog>,
    pub(crate) policy: Option<&'a Policy>,
    pub(crate) usages: Option<&'a Usages>,
}

/// Reads everything.
pub(crate) async fn gather(store: &Store, asked: &Asked<'_>) -> CliResult<Inputs> {
    let mut reading = Reading {
        store,
        cut_off: asked.cut_off,
        later: store.noted_after(asked.cut_off.as_microsecond()).await?,
        inputs: Inputs::empty(asked.zone.clone()),
    };
    reading.inputs.objectives.clone_from(&asked.objectives);
    let said = format!("{:?}", asked.objectives);
    reading.digest("objectives", said.as_bytes());
    if let Some(catalog) = asked.catalog {
        let tiers = catalog.services().iter();
        reading.inputs.tiers = tiers.map(|it| (it.id.clone(), catalog.tier(it))).collect();
    }
    reading.counts(asked.week).await?;
    reading.incidents(asked.week).await?;
    reading.work(asked.week).await?;
    reading.safeguards(asked.week).await?;
    usage::read(&mut reading, asked.week, asked.usages).await?;
    reading.running(asked).await?;
    reading.ledger(asked.week).await?;
    touches::read(&mut reading, asked.week).await?;
    Ok(reading.inputs)
}

/// Inputs, while they are read.
struct Reading<'a> {
    store: &'a Store,
    cut_off: Timestamp,
    /// What columns know too much of.
    later: Later,
    inputs: Inputs,
}

/// From the first moment of one week to the first moment after another.
fn range(zone: &TimeZone, from: Week, until: Week) -> Range {
    Range {
        from: from.bounds(zone).0.as_microsecond(),
        until: until.bounds(zone).1.as_microsecond(),
    }
}

/// Whether the ledger is that of a sample organisation.
pub(crate) async fn is_sample(store: &Store) -> CliResult<bool> {
    let first = store.entries(0, 1).await?;
    Ok(first
        .first()
        .is_some_and(|it| it.recorded_by == sample::RECORDER))
}

/// The number of a week as the store counts them.
pub(crate) fn number(week: Week) -> i64 {
    week_of(week.bounds(&TimeZone::UTC).0.as_microsecond())
}

/// The week of a number.
pub(crate) fn week(number: i64) -> Week {
    Week::of_date(monday(number))
}

/// A severity as columns hold it.
pub(crate) fn severity(column: Option<u8>) -> Option<Severity> {
    let place = usize::from(column?).checked_sub(1)?;
    Severity::ALL.get(place).copied()
}

impl Reading<'_> {
    /// States what was read.
    fn digest(&mut self, name: &str, bytes: &[u8]) {
        self.inputs
            .digests
            .insert(name.to_owned(), Digest::of(bytes));
    }

    /// States records that were read.
    fn digest_records<T: Recorded + Clone>(&mut self, name: &str, records: &[T]) {
        let lines = records.iter().map(|it| {
            let record: Record = it.clone().into();
            record.to_json().unwrap_or_else(|error| error.to_string())
        });
        let mut lines: Vec<String> = lines.collect();
        lines.sort_unstable();
        self.digest(name, lines.join("\n").as_bytes());
    }

    /// The latest version of everything of a kind that happened in a range, as
    /// it was known at the cut-off.
    async fn known<T: Recorded + Clone + PartialEq>(&self, range: Range) -> CliResult<Vec<T>> {
        let mut known = Vec::new();
        for it in register::all::<T>(self.store, range).await? {
            if it.noted().at <= self.cut_off {
                known.push(it);
            } else {
                let history = register::history::<T>(self.store, &it.key()).await?;
                known.extend(history.as_of(self.cut_off).cloned());
            }
        }
        Ok(known)
    }

    /// Every version of everything of a kind whose key passes, known at the cut-off.
    async fn versions<T: Recorded + Clone>(
        &self,
        wanted: impl Fn(&str) -> bool,
    ) -> CliResult<Vec<T>> {
        let mut found = Vec::new();
        let mut after = (String::new(), 0);
        loop {
            let kind = T::KIND.as_str();
            let rows = self
                .store
                .versions(kind, (after.0.as_str(), after.1), PAGE)
                .await?;
            let full = rows.len() as u64 == u64::from(PAGE);
            for row in &rows {
                if wanted(row.record.key()) {
                    let record: T = register::of(row.record.body())?;
                    if record.noted().at <= self.cut_off {
                        found.push(record);
                    }
                }
            }
            match rows.last() {
                Some(last) if full => after = (last.record.key().to_owned(), last.seq),
                _ => return Ok(found),
            }
        }
    }

    /// A change as it was known at the cut-off.
    async fn change(&self, key: &str) -> CliResult<Option<Change>> {
        match register::latest::<Change>(self.store, key).await? {
            Some((it, _)) if it.noted.at > self.cut_off => {
                let history = register::history::<Change>(self.store, key).await?;
                Ok(history.as_of(self.cut_off).cloned())
            }
            found => Ok(found.map(|(it, _)| it)),
        }
    }

    async fn counts(&mut self, until: Week) -> CliResult<()> {
        let from = until.plus(-COUNT_WEEKS);
        let weeks = Weeks {
            from: number(from),
            until: number(until),
        };
        let shipped = self.later.shipped(weeks, self.store.shipped(weeks).await?);
        let by_service = self.store.service_exposure(weeks).await?;
        let by_service = self.later.service_exposure(weeks, by_service);
        let said: String = shipped
            .iter()
            .map(|(week, n)| format!("{week} {n}\n"))
            .collect();
        self.digest("changes shipped by week", said.as_bytes());
        self.inputs.shipped = shipped
            .into_iter()
            .map(|(n, changes)| (week(n), changes))
            .collect();
        for row in by_service {
            let key = (row.service, week(row.week));
            *self.inputs.service_shipped.entry(key).or_default() += row.changes;
        }
        let all = range(&self.inputs.zone.zone, from, until);
        let rows = self.later.incidents(all, self.store.incidents(all).await?);
        let counting = rows.into_iter().filter(|row| row.counts);
        self.inputs.began = counting
            .filter_map(|row| {
                Some(Began {
                    at: Timestamp::from_microsecond(row.started_at).ok()?,
                    severity: severity(row.severity),
                    services: row.services,
                    id: row.key,
                })
            })
            .collect();
        Ok(())
    }

    async fn incidents(&mut self, until: Week) -> CliResult<()> {
        let from = until.plus(1 - FULL_WEEKS);
        let recent = range(&self.inputs.zone.zone, from, until);
        let mut incidents = self.known::<Incident>(recent).await?;
        // a correction after the cut-off may have moved one in or out
        let within = |at: Timestamp| (recent.from..recent.until).contains(&at.as_microsecond());
        incidents.retain(|it| within(it.started));
        let seen: BTreeSet<&str> = incidents.iter().map(|it| it.id.as_str()).collect();
        let began = self.inputs.began.iter();
        let moved: Vec<&str> = began
            .filter(|it| within(it.at) && !seen.contains(it.id.as_str()))
            .map(|it| it.id.as_str())
            .collect();
        let mut found = Vec::new();
        for id in moved {
            let history = register::history::<Incident>(self.store, id).await?;
            found.extend(history.as_of(self.cut_off).cloned());
        }
        incidents.extend(found);
        let mut said: Vec<String> = self
            .inputs
            .began
            .iter()
            .map(|it| format!("{} {} {:?} {:?}", it.id, it.at, it.severity, it.services))
            .collect();
        said.sort_unstable();
        self.digest("incidents counted", said.join("\n").as_bytes());
        self.digest_records("incidents", &incidents);
        let ids: BTreeSet<&str> = incidents.iter().map(|it| it.id.as_str()).collect();
        let of = |key: &str| key.split(' ').next().is_some_and(|id| ids.contains(id));
        let claims = self.versions::<FactorClaim>(of).await?;
        let mut analysed = BTreeSet::new();
        for it in self.versions::<Coe>(|key| ids.contains(key)).await? {
            analysed.insert(it.incident);
        }
        self.digest_records("factor claims", &claims);
        self.inputs.analysed = analysed;
        self.inputs.claims = claims;
        self.inputs.incidents = incidents;
        Ok(())
    }

    async fn work(&mut self, until: Week) -> CliResult<()> {
        let actions = self.known::<Action>(Range::ALL).await?;
        let week = range(&self.inputs.zone.zone, until, until);
        let deployments = self.known(week).await?;
        self.digest_records("actions", &actions);
        self.digest_records("deployments", &deployments);
        self.inputs.actions = actions;
        self.inputs.deployments = deployments;
        Ok(())
    }

    async fn safeguards(&mut self, until: Week) -> CliResult<()> {
        let zone = self.inputs.zone.zone.clone();
        let recent = range(&zone, until.plus(1 - FULL_WEEKS), until);
        // an after-review may come later than the week
        let until_now = Range {
            until: recent
                .until
                .max(self.cut_off.as_microsecond().saturating_add(1)),
            ..recent
        };
        let sign_offs = self.known::<SignOffGiven>(until_now).await?;
        let week = range(&zone, until, until);
        let approved: BTreeSet<&ChangeRef> = sign_offs
            .iter()
            .filter(|it| it.stated == Stated::Approved)
            .filter(|it| (week.from..week.until).contains(&it.issued_at.as_microsecond()))
            .map(|it| &it.change)
            .collect();
        let decided = range(&zone, until.plus(1 - DECISION_WEEKS), until);
        let mut decisions = self.known::<Decision>(decided).await?;
        let mut changes: BTreeMap<ChangeRef, Change> = BTreeMap::new();
        for change in &approved {
            let history = register::history::<Decision>(self.store, &change.to_string()).await?;
            let known = history
                .versions()
                .iter()
                .filter(|it| it.noted.at <= self.cut_off);
            decisions.extend(known.cloned());
        }
        let open = decisions
            .iter()
            .filter(|it| it.verdict != countersign_core::decide::Verdict::Allow);
        for change in approved.into_iter().chain(open.map(|it| &it.change)) {
            if changes.contains_key(change) {
                continue;
            }
            if let Some(found) = self.change(&change.to_string()).await? {
                changes.insert(change.clone(), found);
            }
        }
        let now = self.store.bypassed(week, MOST_BYPASSED).await?;
        let (count, keys) = self.later.bypassed(week, now);
        for key in keys {
            let found = self.change(&key).await?;
            self.inputs.bypassed.extend(found);
        }
        let guard = self.known(week).await?;
        self.digest_records("sign-offs", &sign_offs);
        self.digest_records("decisions", &decisions);
        self.digest_records("guard decisions", &guard);
        self.inputs.bypassed_count = count;
        self.inputs.sign_offs = sign_offs;
        self.inputs.decisions = decisions;
        self.inputs.changes = changes;
        self.inputs.guard = guard;
        Ok(())
    }

    /// Initiatives with their tests, and packs with their exit criteria.
    async fn running(&mut self, asked: &Asked<'_>) -> CliResult<()> {
        let initiatives = self.known::<Initiative>(Range::ALL).await?;
        let packs = self.known::<PackActivation>(Range::ALL).await?;
        self.digest_records("initiatives", &initiatives);
        self.digest_records("policy packs", &packs);
        let with_criteria = packs.into_iter().map(|pack| {
            let mut criteria: Vec<String> = Vec::new();
            let policy = asked.policy.iter().flat_map(|policy| &policy.packs);
            criteria.extend(
                policy
                    .filter(|it| it.id == pack.pack)
                    .map(|it| it.exit.clone()),
            );
            let serving = initiatives.iter().filter(|it| it.packs.contains(&pack.id));
            criteria.extend(serving.flat_map(|it| it.exit_criteria.iter().cloned()));
            criteria.sort_unstable();
            criteria.dedup();
            (pack, criteria)
        });
        self.inputs.packs = with_criteria.collect();
        // a week that is not over would look quieter than it is
        let complete = asked.week.bounds(&asked.zone.zone).1 <= asked.cut_off;
        let until = if complete {
            asked.week
        } else {
            asked.week.before()
        };
        let known = (self.store, &self.later);
        self.inputs.initiatives = tested(known, initiatives, until, asked.catalog).await?;
        Ok(())
    }

    /// Where the ledger ended, earlier reviews, and the seed of the wheel.
    async fn ledger(&mut self, week: Week) -> CliResult<()> {
        let cut_off = self.cut_off.as_microsecond();
        if let Some(head) = self.store.head_at(cut_off).await? {
            self.inputs
                .digests
                .insert(format!("ledger up to entry {}", head.seq), head.hash);
        }
        self.inputs.sample = is_sample(self.store).await?;
        self.inputs.issued = self.versions::<ReviewIssued>(|_| true).await?;
        // fixed once the week is over: nobody knows it before, and nothing that
        // is recorded later turns the wheel again
        let end = week.bounds(&self.inputs.zone.zone).1.as_microsecond();
        let at_end = self.store.head_at(end.saturating_sub(1)).await?;
        let hash = at_end.map_or_else(|| "nothing".to_owned(), |head| head.hash.to_string());
        let mixed = Digest::of(format!("countersign wheel {week} {hash}").as_bytes());
        let bytes = mixed.as_bytes().iter().take(6);
        self.inputs.seed = bytes.fold(0_u64, |seed, byte| (seed << 8) | u64::from(*byte));
        Ok(())
    }
}
