//! The two engines, and one way to say something to either.

use sqlx::{PgPool, Postgres, Sqlite, SqlitePool, Transaction};

use crate::error::StoreError;

/// Connections of either kind.
#[derive(Debug, Clone)]
pub(crate) enum Pool {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

/// Writes the same code once for both kinds of pool.
macro_rules! on_pool {
    ($pool:expr, $name:ident => $body:expr) => {
        match $pool {
            $crate::engine::Pool::Sqlite($name) => $body,
            $crate::engine::Pool::Postgres($name) => $body,
        }
    };
}
pub(crate) use on_pool;

/// A transaction that may write.
pub(crate) enum Tx {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

/// Writes the same code once for both kinds of transaction.
macro_rules! on_tx {
    ($tx:expr, $name:ident => $body:expr) => {
        match $tx {
            $crate::engine::Tx::Sqlite(tx) => {
                let $name = &mut **tx;
                $body
            }
            $crate::engine::Tx::Postgres(tx) => {
                let $name = &mut **tx;
                $body
            }
        }
    };
}
pub(crate) use on_tx;

impl Pool {
    /// Begins a transaction that writes. SQLite takes its lock at once: a reader
    /// that becomes a writer later fails where it should have waited.
    pub(crate) async fn begin(&self) -> Result<Tx, StoreError> {
        Ok(match self {
            Self::Sqlite(pool) => Tx::Sqlite(pool.begin_with("BEGIN IMMEDIATE").await?),
            Self::Postgres(pool) => Tx::Postgres(pool.begin().await?),
        })
    }

    pub(crate) async fn close(&self) {
        on_pool!(self, pool => pool.close().await);
    }
}

impl Tx {
    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(tx) => tx.commit().await?,
            Self::Postgres(tx) => tx.commit().await?,
        }
        Ok(())
    }
}
