//! Counts as they were known at a moment.
//!
//! The tables of columns hold what is known now. What was noted after a moment
//! is found in the ledger behind the place where it ended then, so the usual
//! question, about a moment after which little or nothing was recorded, costs
//! next to nothing; and so that no table needs to hold more.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::Deserialize;

use crate::append::signed;
use crate::engine::on_pool;
use crate::error::StoreError;
use crate::exposure::{Exposure, ServiceExposure, Weeks};
use crate::projection::{ChangeRow, IncidentRow, Row, project};
use crate::read::Range;
use crate::sql;
use crate::store::Store;

/// The kinds that have columns.
const COUNTED: [&str; 2] = ["change", "incident"];
/// Entries read at once.
const PAGE: u32 = 5_000;

/// A row whose latest version was noted too late, and the one before.
#[derive(Debug)]
struct Replaced {
    now: Row,
    then: Option<Row>,
}

/// Changes and incidents of which something was noted after a moment: what takes
/// it back out of counts.
#[derive(Debug, Default)]
pub struct Later(BTreeMap<(String, String), Replaced>);

#[derive(Deserialize)]
struct Body {
    record: Inner,
}

#[derive(Deserialize)]
struct Inner {
    noted: Noted,
}

#[derive(Deserialize)]
struct Noted {
    at: Timestamp,
}

/// Whether a version was noted after a moment. One that does not say when it
/// was noted counts from when it was recorded.
fn is_later(body: &str, recorded_at: i64, at: i64) -> bool {
    let noted = serde_json::from_str::<Body>(body);
    noted.map_or(recorded_at, |body| body.record.noted.at.as_microsecond()) > at
}

impl Store {
    /// What was noted of changes and incidents after a moment (microseconds
    /// since 1970-01-01 UTC).
    ///
    /// # Errors
    /// What the database says.
    pub async fn noted_after(&self, at: i64) -> Result<Later, StoreError> {
        let before = self.head_at(at).await?.map_or(0, |head| head.seq);
        let mut later = Later::default();
        let mut after = before;
        loop {
            let entries = self.entries(after, PAGE).await?;
            let Some(last) = entries.last() else { break };
            after = last.seq;
            for entry in &entries {
                let record = &entry.record;
                if !COUNTED.contains(&record.kind()) {
                    continue;
                }
                let name = (record.kind().to_owned(), record.key().to_owned());
                if !is_later(record.body(), entry.recorded_at, at) {
                    later.0.remove(&name);
                    continue;
                }
                let row = project(record.kind(), record.key(), entry.seq, record.body());
                if let Ok(Some(now)) = row {
                    later.0.insert(name, Replaced { now, then: None });
                }
            }
        }
        let kinds: BTreeSet<String> = later.0.keys().map(|(kind, _)| kind.clone()).collect();
        for kind in kinds {
            self.earlier(&kind, (before, at), &mut later).await?;
        }
        Ok(later)
    }

    /// The versions of a kind that later ones took the place of.
    async fn earlier(
        &self,
        kind: &str,
        (before, at): (u64, i64),
        later: &mut Later,
    ) -> Result<(), StoreError> {
        let before = signed(before)?;
        let mut after = 0;
        loop {
            let rows: Vec<(i64, i64, String, String)> = on_pool!(&self.readers, pool => {
                let query = sqlx::query_as(sql::SUPERSEDED).bind(kind).bind(before);
                query.bind(after).bind(i64::from(PAGE)).fetch_all(pool).await?
            });
            let Some((last, ..)) = rows.last() else {
                return Ok(());
            };
            after = *last;
            for (seq, recorded_at, key, body) in rows {
                let name = (kind.to_owned(), key);
                if is_later(&body, recorded_at, at) {
                    continue;
                }
                if let Some(it) = later.0.get_mut(&name) {
                    let seq = crate::append::number(seq)?;
                    it.then = project(kind, &name.1, seq, &body).ok().flatten();
                }
            }
        }
    }
}

impl Later {
    /// Nothing was.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn changes(&self) -> impl Iterator<Item = (&ChangeRow, Option<&ChangeRow>)> {
        self.0.values().filter_map(|it| match (&it.now, &it.then) {
            (Row::Change(now), Some(Row::Change(then))) => Some((&**now, Some(&**then))),
            (Row::Change(now), _) => Some((&**now, None)),
            _ => None,
        })
    }

    /// Takes what is known now out of counts, and what was known then into them.
    fn counted<K: Ord, I: IntoIterator<Item = K>>(
        &self,
        weeks: Weeks,
        counts: impl Iterator<Item = (K, u64)>,
        of: impl Fn(&ChangeRow) -> I,
    ) -> BTreeMap<K, u64> {
        let mut counts: BTreeMap<K, u64> = counts.collect();
        let inside = |row: &&ChangeRow| weeks.from <= row.week && row.week <= weeks.until;
        for (now, then) in self.changes() {
            for key in Some(now).filter(inside).into_iter().flat_map(&of) {
                if let Some(count) = counts.get_mut(&key) {
                    *count = count.saturating_sub(1);
                }
            }
            for key in then.filter(inside).into_iter().flat_map(&of) {
                *counts.entry(key).or_default() += 1;
            }
        }
        counts.retain(|_, count| *count > 0);
        counts
    }

    /// [`Store::shipped`] of these weeks, as it was then.
    #[must_use]
    pub fn shipped(&self, weeks: Weeks, rows: Vec<(i64, u64)>) -> Vec<(i64, u64)> {
        let found = self.counted(weeks, rows.into_iter(), |row| [row.week]);
        found.into_iter().collect()
    }

    /// [`Store::service_exposure`] of these weeks, as it was then.
    #[must_use]
    pub fn service_exposure(
        &self,
        weeks: Weeks,
        rows: Vec<ServiceExposure>,
    ) -> Vec<ServiceExposure> {
        let rows = rows
            .into_iter()
            .map(|it| ((it.week, it.service, it.involvement), it.changes));
        let found = self.counted(weeks, rows, |row| {
            let services = row.services.iter();
            let keys = services.map(|it| (row.week, it.clone(), row.involvement.clone()));
            keys.collect::<Vec<_>>()
        });
        let rows = found.into_iter();
        let rows = rows.map(|((week, service, involvement), changes)| ServiceExposure {
            week,
            service,
            involvement,
            changes,
        });
        rows.collect()
    }

    /// [`Store::exposure`] of these weeks, as it was then.
    #[must_use]
    pub fn exposure(&self, weeks: Weeks, rows: Vec<Exposure>) -> Vec<Exposure> {
        // a row that counts nothing is its own key
        let rows = rows.into_iter().map(|mut it| {
            let changes = std::mem::take(&mut it.changes);
            (it, changes)
        });
        let found = self.counted(weeks, rows, |row| {
            [Exposure {
                week: row.week,
                services: row.services.clone(),
                tier: u8::try_from(row.tier).ok(),
                team: row.team.clone(),
                author_level: row.author_level.clone(),
                size: u8::try_from(row.size).unwrap_or(u8::MAX),
                involvement: row.involvement.clone(),
                environment: row.environment.clone(),
                changes: 0,
            }]
        });
        let rows = found.into_iter();
        rows.map(|(it, changes)| Exposure { changes, ..it })
            .collect()
    }

    /// [`Store::incidents`] of a range, as it was then.
    #[must_use]
    pub fn incidents(&self, range: Range, mut rows: Vec<IncidentRow>) -> Vec<IncidentRow> {
        let mut then = Vec::new();
        let mut late = BTreeSet::new();
        for it in self.0.values() {
            if let Row::Incident(now) = &it.now {
                late.insert(now.key.as_str());
            }
            if let Some(Row::Incident(row)) = &it.then
                && (range.from..range.until).contains(&row.started_at)
            {
                then.push((**row).clone());
            }
        }
        rows.retain(|row| !late.contains(row.key.as_str()));
        rows.extend(then);
        rows.sort_by(|a, b| (a.started_at, &a.key).cmp(&(b.started_at, &b.key)));
        rows
    }

    /// [`Store::bypassed`] of a range, as it was then.
    #[must_use]
    pub fn bypassed(&self, range: Range, (count, keys): (u64, Vec<String>)) -> (u64, Vec<String>) {
        let is =
            |row: &&ChangeRow| row.bypassed && (range.from..range.until).contains(&row.shipped_at);
        let mut out = BTreeSet::new();
        let mut then = Vec::new();
        for (now, before) in self.changes() {
            out.extend(Some(now).filter(is).map(|row| row.key.as_str()));
            then.extend(
                before
                    .filter(is)
                    .map(|row| (row.shipped_at, row.key.clone())),
            );
        }
        let left = count.saturating_sub(out.len() as u64) + then.len() as u64;
        then.sort();
        let known = keys.into_iter().filter(|key| !out.contains(key.as_str()));
        (
            left,
            known.chain(then.into_iter().map(|(_, key)| key)).collect(),
        )
    }
}
