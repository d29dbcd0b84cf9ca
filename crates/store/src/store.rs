//! Opening and closing.

use std::fs::OpenOptions;
use std::path::Path;
use std::time::{Duration, Instant};

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions as _, SqlitePool};

use crate::address::Address;
use crate::append::Writer;
use crate::engine::Pool;
use crate::error::StoreError;
use crate::migrate;

/// Connections that read at the same time.
const READERS: u32 = 4;
/// How long to wait for another program's lock.
const LOCK_WAIT: Duration = Duration::from_secs(10);
/// How long between two attempts, where the database does not wait itself.
const LOCK_PAUSE: Duration = Duration::from_millis(20);
/// How long one statement may take on a server. Long work is done in pages.
const STATEMENT_LIMIT: Duration = Duration::from_secs(60);

/// What a store is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Reading only: nothing about the database is changed.
    Read,
    /// Reading and writing.
    Write,
}

/// An open database.
#[derive(Debug)]
pub struct Store {
    pub(crate) readers: Pool,
    pub(crate) writing: Option<Writing>,
}

#[derive(Debug)]
pub(crate) struct Writing {
    pub(crate) pool: Pool,
    pub(crate) writer: Writer,
}

impl Store {
    /// Opens a database that [`Self::migrate`] has made or renewed. Has to be
    /// called within a tokio runtime.
    ///
    /// # Errors
    /// [`StoreError::Missing`], [`StoreError::Empty`], [`StoreError::Older`] and
    /// [`StoreError::Newer`], or what the database says.
    pub async fn open(address: &Address, access: Access) -> Result<Self, StoreError> {
        if let Some(path) = address.file().filter(|path| !path.is_file()) {
            return Err(StoreError::Missing(path.to_owned()));
        }
        let store = Self::connect(address, access).await?;
        match store.schema().await?.check() {
            Ok(()) => Ok(store),
            Err(error) => {
                store.close().await;
                Err(error)
            }
        }
    }

    /// Creates the database if it is a file that does not exist, and brings its
    /// tables to the version of this program. What was recorded stays.
    ///
    /// # Errors
    /// [`StoreError::Newer`], [`StoreError::Migration`], or what the database says.
    pub async fn migrate(address: &Address) -> Result<Self, StoreError> {
        if let Some(path) = address.file() {
            create_private(path)?;
        }
        let store = Self::connect(address, Access::Write).await?;
        match store.bring_up().await {
            Ok(()) => Ok(store),
            Err(error) => {
                store.close().await;
                Err(error)
            }
        }
    }

    async fn bring_up(&self) -> Result<(), StoreError> {
        let pool = &self.write()?.pool;
        migrate::run(pool, migrate::LATEST_VERSION).await?;
        if self.schema().await?.projection != crate::projection::VERSION {
            self.rebuild().await?;
        }
        Ok(())
    }

    /// Connects whatever state the tables are in.
    pub(crate) async fn connect(address: &Address, access: Access) -> Result<Self, StoreError> {
        match address {
            Address::Sqlite(path) => Self::connect_sqlite(path, access).await,
            Address::Postgres(options) => Self::connect_postgres(options, access).await,
        }
    }

    async fn connect_sqlite(path: &Path, access: Access) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .foreign_keys(true)
            .busy_timeout(LOCK_WAIT)
            .disable_statement_logging();
        let writing = match access {
            Access::Read => None,
            Access::Write => {
                // FULL: what was acknowledged survives a power cut.
                let options = options
                    .clone()
                    .journal_mode(SqliteJournalMode::Wal)
                    .synchronous(SqliteSynchronous::Full);
                let pool = Pool::Sqlite(sqlite_writer(&options).await?);
                let writer = Writer::start(pool.clone());
                Some(Writing { pool, writer })
            }
        };
        let options = options.read_only(true);
        let readers = SqlitePoolOptions::new().max_connections(READERS);
        let readers = Pool::Sqlite(readers.connect_with(options).await?);
        Ok(Self { readers, writing })
    }

    async fn connect_postgres(
        options: &PgConnectOptions,
        access: Access,
    ) -> Result<Self, StoreError> {
        let millis = |limit: Duration| limit.as_millis().to_string();
        let options = options
            .clone()
            .application_name("countersign")
            .options([
                ("statement_timeout", millis(STATEMENT_LIMIT)),
                ("lock_timeout", millis(LOCK_WAIT)),
            ])
            .disable_statement_logging();
        let readers = options
            .clone()
            .options([("default_transaction_read_only", "on")]);
        let pool = |most| {
            PgPoolOptions::new()
                .max_connections(most)
                .acquire_timeout(LOCK_WAIT)
        };
        let readers = Pool::Postgres(pool(READERS).connect_with(readers).await?);
        let writing = match access {
            Access::Read => None,
            Access::Write => {
                let pool = Pool::Postgres(pool(1).connect_with(options).await?);
                let writer = Writer::start(pool.clone());
                Some(Writing { pool, writer })
            }
        };
        Ok(Self { readers, writing })
    }

    pub(crate) fn write(&self) -> Result<&Writing, StoreError> {
        self.writing.as_ref().ok_or(StoreError::ReadOnly)
    }

    /// `SQLite` or `PostgreSQL`.
    #[must_use]
    pub const fn engine(&self) -> &'static str {
        match self.readers {
            Pool::Sqlite(_) => "SQLite",
            Pool::Postgres(_) => "PostgreSQL",
        }
    }

    /// Finishes what was begun and closes all connections.
    pub async fn close(self) {
        self.readers.close().await;
        if let Some(writing) = self.writing {
            writing.writer.stop().await;
            writing.pool.close().await;
        }
    }
}

/// The one connection that writes. While another program writes to a file that
/// is not in WAL mode yet, turning it to WAL fails at once instead of waiting:
/// SQLite asks no busy handler when a reader becomes a writer. So this waits.
async fn sqlite_writer(options: &SqliteConnectOptions) -> Result<SqlitePool, StoreError> {
    let until = Instant::now() + LOCK_WAIT;
    loop {
        let pool = SqlitePoolOptions::new().max_connections(1);
        match pool.connect_with(options.clone()).await.map_err(Into::into) {
            Err(StoreError::Busy) if Instant::now() < until => {
                tokio::time::sleep(LOCK_PAUSE).await;
            }
            done => return done,
        }
    }
}

/// A new file that nobody else may read; SQLite gives its own files beside it
/// the same permissions.
pub(crate) fn create_private(path: &Path) -> Result<(), StoreError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    match options.open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => {
            let message = format!("`{}` cannot be created: {error}", path.display());
            Err(StoreError::Database(message))
        }
    }
}
