//! What can go wrong with a store.

use std::path::PathBuf;

use countersign_core::ledger::{Fault, RecordError};

/// Why a store did not do what it was asked. Never shows a password.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// No such file.
    #[error("there is no database `{}`", .0.display())]
    Missing(PathBuf),
    /// No tables of ours in it.
    #[error("the database is empty: it has no tables of Countersign")]
    Empty,
    /// Made by an earlier version of this program.
    #[error("the database has version {found}, and this program needs {wanted}")]
    Older {
        /// Its version.
        found: i64,
        /// That of this program.
        wanted: i64,
    },
    /// Made by a later version of this program.
    #[error(
        "the database has version {found}, which is later than {wanted}, the last that this program knows"
    )]
    Newer {
        /// Its version.
        found: i64,
        /// That of this program.
        wanted: i64,
    },
    /// A migration failed or is not the one that was applied.
    #[error("the database cannot be migrated: {0}")]
    Migration(String),
    /// Something that cannot be recorded.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// A body that must be readable is not.
    #[error("the {kind} `{key}` cannot be recorded: {why}")]
    Body {
        /// The record's kind.
        kind: String,
        /// The record's key.
        key: String,
        /// What is wrong with it.
        why: String,
    },
    /// Someone else recorded a version in between.
    #[error("`{key}` was changed by someone else in between")]
    Conflict {
        /// The record's key.
        key: String,
    },
    /// The ledger is not whole.
    #[error("the ledger is damaged: {0}")]
    Ledger(#[from] Fault),
    /// What is copied does not follow what is there.
    #[error("the database already holds another ledger, with {0} entries")]
    NotEmpty(u64),
    /// Opened for reading only.
    #[error("the database was opened for reading only")]
    ReadOnly,
    /// Another program holds a lock for too long.
    #[error("the database is busy: another program is writing to it")]
    Busy,
    /// The store was closed, or its writer is gone.
    #[error("the database is closed")]
    Closed,
    /// Everything else that the database says.
    #[error("{0}")]
    Database(String),
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::Database(error) => {
                // SQLITE_BUSY and its kin; lock_not_available and query_canceled.
                let code = error.code().unwrap_or_default();
                let low = code.parse::<i32>().map(|code| code & 0xff);
                if (code.len() < 5 && matches!(low, Ok(5 | 6))) || code == "55P03" {
                    Self::Busy
                } else {
                    Self::Database(error.message().to_owned())
                }
            }
            sqlx::Error::PoolClosed => Self::Closed,
            sqlx::Error::PoolTimedOut => Self::Database("no answer from the database".to_owned()),
            // The text of these may repeat the address.
            sqlx::Error::Configuration(_) => {
                Self::Database("the address of the database cannot be used".to_owned())
            }
            other => Self::Database(other.to_string()),
        }
    }
}
