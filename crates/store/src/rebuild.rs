//! Tables that are read from the ledger: making them anew, and finding out
//! whether they still say what it says.

use std::collections::BTreeMap;

use countersign_core::ledger::{Entry, Verifier};
use sqlx::Row as _;

use crate::append::{Writes, lock_head, number, signed};
use crate::engine::{Tx, on_pool, on_tx};
use crate::error::StoreError;
use crate::exposure::{IncidentColumns, incident_row};
use crate::projection::{self, ChangeRow, IncidentRow, Row, project, sameness, split};
use crate::read::{EntryRow, chained};
use crate::sql;
use crate::store::Store;

/// Rows read at once.
const PAGE: u32 = 5_000;
/// Differences that are told one by one.
const MOST: usize = 20;

/// What a rebuild did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rebuilt {
    /// Entries read.
    pub entries: u64,
    /// Bodies whose columns could not be read; they are in the ledger only.
    pub unreadable: u64,
}

/// A table that does not say what the ledger says. Somebody wrote to it past
/// this program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Which table.
    pub table: &'static str,
    /// What it is about: a key, with the kind where there are several.
    pub what: String,
}

impl Store {
    /// Empties every table but the ledger and fills them from it, in one
    /// transaction. Nothing can be appended meanwhile.
    ///
    /// # Errors
    /// [`StoreError::Ledger`] when the ledger is not whole: then nothing is
    /// changed. Or what the database says.
    pub async fn rebuild(&self) -> Result<Rebuilt, StoreError> {
        let mut tx = self.write()?.pool.begin().await?;
        let (head, _) = lock_head(&mut tx).await?;
        if let Tx::Postgres(_) = tx {
            on_tx!(&mut tx, c => { sqlx::query(sql::PATIENT_POSTGRES).execute(c).await?; });
        }
        for statement in sql::CLEAR {
            on_tx!(&mut tx, c => { sqlx::query(statement).execute(c).await?; });
        }
        let mut verifier = Verifier::knowing(&[head]);
        let (mut last, mut rebuilt) = (
            None::<Entry>,
            Rebuilt {
                entries: 0,
                unreadable: 0,
            },
        );
        loop {
            let after = last.as_ref().map_or(0, |entry| entry.seq);
            let prev = last.as_ref().map_or(Entry::GENESIS, |entry| entry.hash);
            let after = signed(after)?;
            let rows: Vec<EntryRow> = on_tx!(&mut tx, c =>
                sqlx::query_as(sql::ENTRIES).bind(after).bind(i64::from(PAGE)).fetch_all(c).await?);
            let entries = chained(prev, rows)?;
            let Some(end) = entries.last() else { break };
            last = Some(end.clone());
            let mut writes = Writes::after(head, 0);
            for entry in entries {
                verifier.push(&entry)?;
                let same = sameness(entry.record.body());
                writes.entry(entry, same)?;
                rebuilt.entries += 1;
            }
            rebuilt.unreadable += writes.unreadable;
            writes.put(&mut tx, false).await?;
        }
        if let Some(fault) = verifier.finish().1.into_iter().next() {
            return Err(fault.into());
        }
        on_tx!(&mut tx, c => {
            sqlx::query(sql::SET_PROJECTION_VERSION).bind(projection::VERSION).execute(c).await?;
        });
        tx.commit().await?;
        Ok(rebuilt)
    }

    /// Compares every table with the ledger; the first differences of each. The
    /// ledger itself is checked with a [`Verifier`].
    ///
    /// # Errors
    /// What the database says.
    pub async fn differences(&self) -> Result<Vec<Difference>, StoreError> {
        let mut found = Vec::new();
        for statement in [sql::NOT_LATEST, sql::NOT_IN_LEDGER] {
            let rows: Vec<(String, String)> = on_pool!(&self.readers, pool =>
                sqlx::query_as(statement).fetch_all(pool).await?);
            found.extend(rows.into_iter().map(|(kind, key)| Difference {
                table: "latest",
                what: format!("{kind} {key}"),
            }));
        }
        let kinds: Vec<(String,)> = on_pool!(&self.readers, pool =>
            sqlx::query_as(sql::KINDS).fetch_all(pool).await?);
        let kinds = kinds.into_iter().map(|(kind,)| kind);
        // A table may have rows although nothing of its kind was recorded.
        let kinds: std::collections::BTreeSet<String> = kinds
            .chain(["change".to_owned(), "incident".to_owned()])
            .collect();
        for kind in kinds {
            self.compare_kind(&kind, &mut found).await?;
        }
        found.sort_by(|a, b| (a.table, &a.what).cmp(&(b.table, &b.what)));
        found.dedup();
        Ok(found)
    }

    /// Walks the latest bodies of a kind and the rows made of them side by side.
    async fn compare_kind(
        &self,
        kind: &str,
        found: &mut Vec<Difference>,
    ) -> Result<(), StoreError> {
        let mut wanted = Wanted::default();
        let mut services = 0;
        let mut after = String::new();
        let mut rows = TableRows::of(kind);
        loop {
            let page: Vec<(String, i64, Vec<u8>, String)> = on_pool!(&self.readers, pool => {
                let query = sqlx::query_as(sql::LATEST_BY_KEY).bind(kind).bind(after.as_str());
                query.bind(i64::from(PAGE)).fetch_all(pool).await?
            });
            let Some((end, ..)) = page.last() else { break };
            let end = end.clone();
            for (key, seq, same, body) in page {
                if sameness(&body).as_bytes().as_slice() != same {
                    differs(found, "latest", format!("{kind} {key}"));
                }
                match project(kind, &key, number(seq)?, &body) {
                    Ok(Some(Row::Change(row))) => {
                        services += row.services.len();
                        wanted.changes.insert(key, *row);
                    }
                    Ok(Some(Row::Incident(row))) => {
                        wanted.incidents.insert(key, *row);
                    }
                    Ok(None) | Err(_) => {}
                }
            }
            rows.compare(self, &mut wanted, Some((&after, &end)), found)
                .await?;
            after = end;
        }
        rows.compare(self, &mut wanted, None, found).await?;
        if kind == "change" {
            let (stored,): (i64,) = on_pool!(&self.readers, pool =>
                sqlx::query_as(sql::COUNT_CHANGE_SERVICES).fetch_one(pool).await?);
            if number(stored)? != services as u64 {
                let what = format!("{stored} rows instead of {services}");
                differs(found, "change_service", what);
            }
        }
        Ok(())
    }

    async fn change_rows(&self, after: &str) -> Result<Vec<ChangeRow>, StoreError> {
        let mut rows = Vec::new();
        on_pool!(&self.readers, pool => {
            let query = sqlx::query(sql::CHANGE_ROWS).bind(after).bind(i64::from(PAGE));
            for row in query.fetch_all(pool).await? {
                let services: String = row.try_get(8)?;
                let bypassed: i64 = row.try_get(16)?;
                rows.push(ChangeRow {
                    key: row.try_get(0)?,
                    seq: row.try_get(1)?,
                    shipped_at: row.try_get(2)?,
                    week: row.try_get(3)?,
                    repository: row.try_get(4)?,
                    kind: row.try_get(5)?,
                    team: row.try_get(6)?,
                    author_level: row.try_get(7)?,
                    services: split(&services),
                    tier: row.try_get(9)?,
                    lines: row.try_get(10)?,
                    size: row.try_get(11)?,
                    files: row.try_get(12)?,
                    involvement: row.try_get(13)?,
                    verdict: row.try_get(14)?,
                    environment: row.try_get(15)?,
                    bypassed: bypassed != 0,
                });
            }
        });
        Ok(rows)
    }

    async fn incident_rows(&self, after: &str) -> Result<Vec<IncidentRow>, StoreError> {
        let rows: Vec<IncidentColumns> = on_pool!(&self.readers, pool => {
            let query = sqlx::query_as(sql::INCIDENT_ROWS).bind(after).bind(i64::from(PAGE));
            query.fetch_all(pool).await?
        });
        rows.into_iter().map(incident_row).collect()
    }
}

fn differs(found: &mut Vec<Difference>, table: &'static str, what: String) {
    if found.iter().filter(|it| it.table == table).count() < MOST {
        found.push(Difference { table, what });
    }
}

/// What the ledger says that a table should hold.
#[derive(Default)]
struct Wanted {
    changes: BTreeMap<String, ChangeRow>,
    incidents: BTreeMap<String, IncidentRow>,
}

/// The rows of the table of one kind, read in order of their keys.
enum TableRows {
    None,
    Changes { after: String },
    Incidents { after: String },
}

impl TableRows {
    fn of(kind: &str) -> Self {
        let after = String::new();
        match kind {
            "change" => Self::Changes { after },
            "incident" => Self::Incidents { after },
            _ => Self::None,
        }
    }

    /// Compares the rows of a span of keys; without a span, all that is left,
    /// which should be nothing.
    async fn compare(
        &mut self,
        store: &Store,
        wanted: &mut Wanted,
        span: Option<(&str, &str)>,
        found: &mut Vec<Difference>,
    ) -> Result<(), StoreError> {
        match self {
            Self::None => Ok(()),
            Self::Changes { after } => {
                let rows = store.change_rows(after).await?;
                let rows = rows.into_iter().map(|row| (row.key.clone(), row));
                compare(rows, &mut wanted.changes, after, span, "change", found);
                if let Some((from, until)) = span {
                    store.compare_services(from, until, found).await?;
                }
                Ok(())
            }
            Self::Incidents { after } => {
                let rows = store.incident_rows(after).await?;
                let rows = rows.into_iter().map(|row| (row.key.clone(), row));
                compare(rows, &mut wanted.incidents, after, span, "incident", found);
                Ok(())
            }
        }
    }
}

fn compare<T: PartialEq>(
    rows: impl Iterator<Item = (String, T)>,
    wanted: &mut BTreeMap<String, T>,
    after: &mut String,
    span: Option<(&str, &str)>,
    table: &'static str,
    found: &mut Vec<Difference>,
) {
    for (key, row) in rows {
        if span.is_some_and(|(_, until)| key.as_str() > until) {
            break;
        }
        if wanted.remove(&key).as_ref() != Some(&row) {
            differs(found, table, key.clone());
        }
        *after = key;
    }
    for key in std::mem::take(wanted).into_keys() {
        differs(found, table, key);
    }
}

impl Store {
    /// The services of a span of changes, beside those in the table `change`,
    /// which was compared with the ledger already.
    async fn compare_services(
        &self,
        from: &str,
        until: &str,
        found: &mut Vec<Difference>,
    ) -> Result<(), StoreError> {
        let rows: Vec<(String, String, i64, String)> = on_pool!(&self.readers, pool => {
            let query = sqlx::query_as(sql::CHANGE_SERVICE_ROWS).bind(from).bind(until);
            query.fetch_all(pool).await?
        });
        let changes = self.change_rows(from).await?;
        let mut wanted: std::collections::BTreeSet<(String, String, i64, String)> = changes
            .into_iter()
            .filter(|row| row.key.as_str() <= until)
            .flat_map(|row| {
                let (key, week, involvement) = (row.key, row.week, row.involvement);
                row.services
                    .into_iter()
                    .map(move |service| (key.clone(), service, week, involvement.clone()))
            })
            .collect();
        for row in rows {
            if !wanted.remove(&row) {
                differs(found, "change_service", format!("{} {}", row.0, row.1));
            }
        }
        for row in wanted {
            differs(found, "change_service", format!("{} {}", row.0, row.1));
        }
        Ok(())
    }
}
