//! Sums over changes and lists of incidents, from columns alone.

use std::collections::BTreeSet;

use crate::append::number;
use crate::engine::on_pool;
use crate::error::StoreError;
pub use crate::projection::IncidentRow;
use crate::projection::{split, week_of};
use crate::read::Range;
use crate::sql;
use crate::store::Store;

/// Which weeks, both included, as [`crate::projection::week_of`] counts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Weeks {
    /// The first.
    pub from: i64,
    /// The last.
    pub until: i64,
}

/// How many changes with these properties shipped in a week. Every change is in
/// exactly one such row.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Exposure {
    /// The week, as [`crate::projection::week_of`] counts.
    pub week: i64,
    /// The services that they alter, all of them.
    pub services: BTreeSet<String>,
    /// The most important tier among them, 0 highest.
    pub tier: Option<u8>,
    /// The team that they count for, or `unknown`.
    pub team: String,
    /// The lowest level among those who made them, or `unknown`.
    pub author_level: String,
    /// The bucket of lines ([`crate::projection::SIZES`]), from 0.
    pub size: u8,
    /// `yes`, `no` or `unknown`.
    pub involvement: String,
    /// Where they landed, or `unknown`.
    pub environment: String,
    /// How many.
    pub changes: u64,
}

/// How many changes altered a service in a week. A change of two services is in
/// two such rows, so they must not be added up over services.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ServiceExposure {
    /// The week, as [`crate::projection::week_of`] counts.
    pub week: i64,
    /// The service.
    pub service: String,
    /// `yes`, `no` or `unknown`.
    pub involvement: String,
    /// How many.
    pub changes: u64,
}

/// One row of the `incident` table.
pub(crate) type IncidentColumns = (
    String,
    i64,
    i64,
    i64,
    Option<i64>,
    Option<i64>,
    Option<i64>,
    i64,
    String,
    i64,
    String,
    String,
);

pub(crate) fn incident_row(row: IncidentColumns) -> Result<IncidentRow, StoreError> {
    let (key, seq, started_at, week, detected_at, mitigated_at, resolved_at, ..) = row;
    let (.., severity, status, counts, services, ai) = (row.7, row.8, row.9, row.10, row.11);
    Ok(IncidentRow {
        key,
        seq: number(seq)?,
        started_at,
        week,
        detected_at,
        mitigated_at,
        resolved_at,
        severity: u8::try_from(severity).ok().filter(|severity| *severity > 0),
        status,
        counts: counts != 0,
        services: split(&services),
        ai,
    })
}

impl Store {
    /// The weeks from the first to the last change; `None` without changes.
    ///
    /// # Errors
    /// What the database says.
    pub async fn weeks(&self) -> Result<Option<Weeks>, StoreError> {
        let (from, until): (i64, i64) = on_pool!(&self.readers, pool =>
            sqlx::query_as(sql::WEEKS).fetch_one(pool).await?);
        Ok((from <= until).then_some(Weeks { from, until }))
    }

    /// Changes shipped, by week and by what makes them comparable.
    ///
    /// # Errors
    /// What the database says.
    pub async fn exposure(&self, weeks: Weeks) -> Result<Vec<Exposure>, StoreError> {
        type Row = (i64, String, i64, String, String, i64, String, String, i64);
        let rows: Vec<Row> = on_pool!(&self.readers, pool => {
            let query = sqlx::query_as(sql::EXPOSURE).bind(weeks.from).bind(weeks.until);
            query.fetch_all(pool).await?
        });
        let rows = rows.into_iter().map(|row| {
            let (week, services, tier, team, author_level, size, involvement, environment, n) = row;
            Ok(Exposure {
                week,
                services: split(&services),
                tier: u8::try_from(tier).ok(),
                team,
                author_level,
                size: u8::try_from(size).unwrap_or(u8::MAX),
                involvement,
                environment,
                changes: number(n)?,
            })
        });
        rows.collect()
    }

    /// Changes shipped, by week; weeks without any are left out.
    ///
    /// # Errors
    /// What the database says.
    pub async fn shipped(&self, weeks: Weeks) -> Result<Vec<(i64, u64)>, StoreError> {
        let rows: Vec<(i64, i64)> = on_pool!(&self.readers, pool => {
            let query = sqlx::query_as(sql::SHIPPED).bind(weeks.from).bind(weeks.until);
            query.fetch_all(pool).await?
        });
        let rows = rows.into_iter().map(|(week, n)| Ok((week, number(n)?)));
        rows.collect()
    }

    /// The changes that took effect in a range of times although nothing allowed
    /// them: how many, and the keys of the first `limit`, oldest first.
    ///
    /// # Errors
    /// What the database says.
    pub async fn bypassed(
        &self,
        range: Range,
        limit: u32,
    ) -> Result<(u64, Vec<String>), StoreError> {
        let (from, until) = (week_of(range.from), week_of(range.until));
        let (count, keys): ((i64,), Vec<(String,)>) = on_pool!(&self.readers, pool => {
            let count = sqlx::query_as(sql::COUNT_BYPASSED).bind(from).bind(until);
            let keys = sqlx::query_as(sql::BYPASSED).bind(from).bind(until);
            (
                count.bind(range.from).bind(range.until).fetch_one(pool).await?,
                keys.bind(range.from).bind(range.until).bind(i64::from(limit))
                    .fetch_all(pool).await?,
            )
        });
        Ok((
            number(count.0)?,
            keys.into_iter().map(|(key,)| key).collect(),
        ))
    }

    /// Changes shipped, by week and service.
    ///
    /// # Errors
    /// What the database says.
    pub async fn service_exposure(&self, weeks: Weeks) -> Result<Vec<ServiceExposure>, StoreError> {
        let rows: Vec<(i64, String, String, i64)> = on_pool!(&self.readers, pool => {
            let query = sqlx::query_as(sql::SERVICE_EXPOSURE).bind(weeks.from).bind(weeks.until);
            query.fetch_all(pool).await?
        });
        let rows = rows.into_iter().map(|(week, service, involvement, n)| {
            Ok(ServiceExposure {
                week,
                service,
                involvement,
                changes: number(n)?,
            })
        });
        rows.collect()
    }

    /// The incidents that began in a range of times, oldest first.
    ///
    /// # Errors
    /// What the database says.
    pub async fn incidents(&self, range: Range) -> Result<Vec<IncidentRow>, StoreError> {
        let rows: Vec<IncidentColumns> = on_pool!(&self.readers, pool => {
            let query = sqlx::query_as(sql::INCIDENTS).bind(range.from).bind(range.until);
            query.fetch_all(pool).await?
        });
        rows.into_iter().map(incident_row).collect()
    }
}
