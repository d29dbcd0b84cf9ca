//! Versions of the tables.

use sqlx::SqlSafeStr as _;
use sqlx::migrate::{Migration, MigrationType, Migrator};

use crate::engine::{Pool, on_pool};
use crate::error::StoreError;
use crate::projection;
use crate::sql;
use crate::store::Store;

/// The version of the tables that this program reads and writes.
pub const LATEST_VERSION: i64 = 2;

/// The SQL of each version, oldest first: for SQLite, for PostgreSQL.
const STEPS: [(i64, &str, &str, &str); 2] = [
    (
        1,
        "ledger",
        include_str!("../migrations/sqlite/1_ledger.sql"),
        include_str!("../migrations/postgres/1_ledger.sql"),
    ),
    (
        2,
        "tables",
        include_str!("../migrations/sqlite/2_tables.sql"),
        include_str!("../migrations/postgres/2_tables.sql"),
    ),
];

/// What state the tables are in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schema {
    /// Their version; 0 when there are none.
    pub version: i64,
    /// Which reading of bodies filled them.
    pub projection: i64,
}

impl Schema {
    /// Whether this program can use them.
    pub(crate) const fn check(self) -> Result<(), StoreError> {
        let (found, wanted) = (self.version, LATEST_VERSION);
        if found == 0 {
            Err(StoreError::Empty)
        } else if found > wanted || self.projection > projection::VERSION {
            Err(StoreError::Newer { found, wanted })
        } else if found < wanted || self.projection < projection::VERSION {
            Err(StoreError::Older { found, wanted })
        } else {
            Ok(())
        }
    }
}

impl Store {
    /// What state the tables are in.
    ///
    /// # Errors
    /// What the database says.
    pub async fn schema(&self) -> Result<Schema, StoreError> {
        let exists = match &self.readers {
            Pool::Sqlite(_) => sql::MIGRATED_SQLITE,
            Pool::Postgres(_) => sql::MIGRATED_POSTGRES,
        };
        let found: (i64,) = on_pool!(&self.readers, pool =>
            sqlx::query_as(exists).fetch_one(pool).await?);
        if found.0 == 0 {
            return Ok(Schema {
                version: 0,
                projection: 0,
            });
        }
        let (version,): (i64,) = on_pool!(&self.readers, pool =>
            sqlx::query_as(sql::SCHEMA_VERSION).fetch_one(pool).await?);
        let mut projection = 0;
        if version >= 2 {
            (projection,) = on_pool!(&self.readers, pool =>
                sqlx::query_as(sql::PROJECTION_VERSION).fetch_one(pool).await?);
        }
        Ok(Schema {
            version,
            projection,
        })
    }
}

fn migrator(pool: &Pool) -> Migrator {
    let steps = STEPS.iter().map(|(version, name, sqlite, postgres)| {
        let sql = match pool {
            Pool::Sqlite(_) => sqlite,
            Pool::Postgres(_) => postgres,
        };
        Migration::new(
            *version,
            (*name).into(),
            MigrationType::Simple,
            sql.into_sql_str(),
            false,
        )
    });
    Migrator::with_migrations(steps.collect())
}

/// Applies what is missing up to `version`. Two programs that do it at the same
/// time wait for each other: PostgreSQL by an advisory lock, SQLite because
/// everything is one transaction that took the lock at its beginning.
pub(crate) async fn run(pool: &Pool, version: i64) -> Result<(), StoreError> {
    use sqlx::migrate::MigrateError;
    let migrator = migrator(pool);
    let done = match pool {
        Pool::Sqlite(pool) => {
            let mut tx = pool.begin_with("BEGIN IMMEDIATE").await?;
            let done = migrator.run_direct(Some(version), &mut *tx, false).await;
            if done.is_ok() {
                tx.commit().await?;
            }
            done
        }
        Pool::Postgres(pool) => {
            let mut connection = pool.acquire().await?;
            migrator
                .run_direct(Some(version), &mut *connection, false)
                .await
        }
    };
    done.map_err(|error| match error {
        MigrateError::Execute(error) => error.into(),
        MigrateError::VersionMissing(found) => StoreError::Newer {
            found,
            wanted: LATEST_VERSION,
        },
        MigrateError::VersionMismatch(version) => StoreError::Migration(format!(
            "version {version} in it is not the one that this program made"
        )),
        other => StoreError::Migration(other.to_string()),
    })
}
