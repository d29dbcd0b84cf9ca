//! Asking what was recorded.

use countersign_core::ledger::{Entry, Head, Record};

use crate::append::{digest, head, number, signed};
use crate::engine::on_pool;
use crate::error::StoreError;
use crate::sql;
use crate::store::Store;

/// One row of the ledger.
pub(crate) type EntryRow = (i64, i64, String, String, String, i64, String, Vec<u8>);

/// A version of something, as it was recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The number of its entry.
    pub seq: u64,
    /// When it was recorded, in microseconds since 1970-01-01 UTC.
    pub recorded_at: i64,
    /// Who or what recorded it.
    pub recorded_by: String,
    /// What was recorded.
    pub record: Record,
}

impl Found {
    fn read(row: EntryRow) -> Result<Self, StoreError> {
        let (seq, recorded_at, recorded_by, kind, key, at, body, _) = row;
        Ok(Self {
            seq: number(seq)?,
            recorded_at,
            recorded_by,
            record: Record::from_parts(kind, key, at, body)?,
        })
    }
}

/// Which times: from one on, up to but without another. Microseconds since
/// 1970-01-01 UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// The first moment.
    pub from: i64,
    /// The first moment after it.
    pub until: i64,
}

impl Range {
    /// All times.
    pub const ALL: Self = Self {
        from: i64::MIN,
        until: i64::MAX,
    };
}

/// A part of a list in order of time, and where the next one begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// What is on it.
    pub items: Vec<Found>,
    /// Give it back for the next page; `None` after the last.
    pub next: Option<(i64, String)>,
}

/// How much there is of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    /// The kind.
    pub kind: String,
    /// Entries in the ledger, corrections included.
    pub entries: u64,
    /// Different things.
    pub things: u64,
}

impl Store {
    /// The latest version of something.
    ///
    /// # Errors
    /// What the database says.
    pub async fn latest(&self, kind: &str, key: &str) -> Result<Option<Found>, StoreError> {
        let row: Option<EntryRow> = on_pool!(&self.readers, pool =>
            sqlx::query_as(sql::LATEST).bind(kind).bind(key).fetch_optional(pool).await?);
        row.map(Found::read).transpose()
    }

    /// Every version of something, oldest first, after entry number `after`, at
    /// most `limit`.
    ///
    /// # Errors
    /// What the database says.
    pub async fn history(
        &self,
        kind: &str,
        key: &str,
        after: u64,
        limit: u32,
    ) -> Result<Vec<Found>, StoreError> {
        let after = signed(after)?;
        let rows: Vec<EntryRow> = on_pool!(&self.readers, pool => {
            let query = sqlx::query_as(sql::ENTRIES_OF).bind(kind).bind(key);
            query.bind(after).bind(i64::from(limit)).fetch_all(pool).await?
        });
        rows.into_iter().map(Found::read).collect()
    }

    /// Every version of everything of a kind, by key and then in the order of
    /// the ledger: those after key and entry number `after`, at most `limit`.
    ///
    /// # Errors
    /// What the database says.
    pub async fn versions(
        &self,
        kind: &str,
        after: (&str, u64),
        limit: u32,
    ) -> Result<Vec<Found>, StoreError> {
        let seq = signed(after.1)?;
        let rows: Vec<EntryRow> = on_pool!(&self.readers, pool => {
            let query = sqlx::query_as(sql::VERSIONS).bind(kind).bind(after.0).bind(seq);
            query.bind(i64::from(limit)).fetch_all(pool).await?
        });
        rows.into_iter().map(Found::read).collect()
    }

    /// Where the ledger ended at a moment (microseconds since 1970-01-01 UTC);
    /// `None`: nothing was recorded yet.
    ///
    /// # Errors
    /// What the database says.
    pub async fn head_at(&self, at: i64) -> Result<Option<Head>, StoreError> {
        let row: Option<(i64, Vec<u8>)> = on_pool!(&self.readers, pool =>
            sqlx::query_as(sql::LAST_BY).bind(at).fetch_optional(pool).await?);
        row.map(|(seq, hash)| head(seq, &hash)).transpose()
    }

    /// The latest versions of everything of a kind that happened in `range`, by
    /// time and then key: the page after `after`, with at most `limit` of them.
    ///
    /// # Errors
    /// What the database says.
    pub async fn page(
        &self,
        kind: &str,
        range: Range,
        after: Option<&(i64, String)>,
        limit: u32,
    ) -> Result<Page, StoreError> {
        // No key is empty, so this is before the first of the range.
        let (at, key) = after.map_or((range.from, ""), |(at, key)| (*at, key.as_str()));
        let rows: Vec<EntryRow> = on_pool!(&self.readers, pool => {
            let query = sqlx::query_as(sql::LATEST_PAGE).bind(kind).bind(at).bind(key);
            query.bind(range.until).bind(i64::from(limit)).fetch_all(pool).await?
        });
        let is_full = rows.len() as u64 == u64::from(limit);
        let items = rows.into_iter().map(Found::read);
        let items = items.collect::<Result<Vec<_>, _>>()?;
        let last = items.last().filter(|_| is_full);
        let next = last.map(|last| (last.record.at(), last.record.key().to_owned()));
        Ok(Page { items, next })
    }

    /// How much there is of each kind.
    ///
    /// # Errors
    /// What the database says.
    pub async fn counts(&self) -> Result<Vec<Counted>, StoreError> {
        let entries: Vec<(String, i64)> = on_pool!(&self.readers, pool =>
            sqlx::query_as(sql::COUNT_ENTRIES).fetch_all(pool).await?);
        let things: Vec<(String, i64)> = on_pool!(&self.readers, pool =>
            sqlx::query_as(sql::COUNT_LATEST).fetch_all(pool).await?);
        let counted = entries.into_iter().map(|(kind, entries)| {
            let things = things.iter().find(|(of, _)| *of == kind);
            Ok(Counted {
                entries: number(entries)?,
                things: number(things.map_or(0, |(_, things)| *things))?,
                kind,
            })
        });
        counted.collect()
    }

    /// The end of the ledger.
    ///
    /// # Errors
    /// What the database says.
    pub async fn head(&self) -> Result<Head, StoreError> {
        let (seq, hash, _): (i64, Vec<u8>, i64) = on_pool!(&self.readers, pool =>
            sqlx::query_as(sql::HEAD).fetch_one(pool).await?);
        head(seq, &hash)
    }

    /// The entries after number `after`, in order, at most `limit`. Their hashes
    /// are as stored: check them with a [`countersign_core::ledger::Verifier`].
    ///
    /// # Errors
    /// What the database says.
    pub async fn entries(&self, after: u64, limit: u32) -> Result<Vec<Entry>, StoreError> {
        let place = signed(after)?;
        let (before, rows): (Option<(Vec<u8>,)>, Vec<EntryRow>) = on_pool!(&self.readers, pool => (
            sqlx::query_as(sql::HASH_OF).bind(place).fetch_optional(pool).await?,
            sqlx::query_as(sql::ENTRIES).bind(place).bind(i64::from(limit))
                .fetch_all(pool).await?,
        ));
        let prev = before.map_or(Ok(Entry::GENESIS), |(hash,)| digest(&hash))?;
        chained(prev, rows)
    }
}

/// Entries from rows; each one's `prev` is the hash of the row before it.
pub(crate) fn chained(
    mut prev: countersign_core::signoff::Digest,
    rows: Vec<EntryRow>,
) -> Result<Vec<Entry>, StoreError> {
    let entries = rows.into_iter().map(|row| {
        let (seq, recorded_at, recorded_by, kind, key, at, body, hash) = row;
        let entry = Entry {
            seq: number(seq)?,
            recorded_at,
            recorded_by,
            record: Record::from_parts(kind, key, at, body)?,
            prev,
            hash: digest(&hash)?,
        };
        prev = entry.hash;
        Ok(entry)
    });
    entries.collect()
}
