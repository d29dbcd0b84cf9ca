//! Which database to use, and a runtime to use it in.

use std::future::Future;

use clap::Args;
use countersign_store::{Access, Address, Store, StoreError};

use crate::error::{CliError, CliResult, exit};

/// Names the database when no option does.
pub(crate) const VARIABLE: &str = "COUNTERSIGN_DB";

/// Which database.
#[derive(Debug, Args)]
pub(crate) struct DbArgs {
    /// A SQLite file, or `postgres://…`; else `COUNTERSIGN_DB`.
    #[arg(long, value_name = "FILE|URL")]
    db: Option<String>,
}

impl DbArgs {
    /// The same for commands that need none; `None` when nothing names one.
    pub(crate) fn named(&self) -> CliResult<Option<Address>> {
        match &self.db {
            None if configured().is_none() => Ok(None),
            _ => self.address().map(Some),
        }
    }

    /// The database that the option or the environment names. There is no other
    /// default: what is recorded should never go where nobody looks.
    pub(crate) fn address(&self) -> CliResult<Address> {
        let named = match &self.db {
            Some(text) => Some((text.clone(), "--db")),
            None => configured().map(|text| (text, VARIABLE)),
        };
        let (text, from) = named.ok_or_else(|| {
            CliError::new(exit::USAGE, "no database is named").hint(format!(
                "name one with `--db FILE`, or set {VARIABLE} to a file or `postgres://…`"
            ))
        })?;
        text.parse().map_err(|error| {
            CliError::new(exit::USAGE, format!("{from}: {error}"))
                .hint("write a path, or `postgres://user@host/database`")
        })
    }
}

/// What the environment says, if anything.
pub(crate) fn configured() -> Option<String> {
    std::env::var(VARIABLE).ok().filter(|text| !text.is_empty())
}

/// Runs something that waits for a database.
pub(crate) fn block_on<T>(future: impl Future<Output = CliResult<T>>) -> CliResult<T> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(future)
}

/// Opens a database, does something with it, and closes it.
pub(crate) fn with<T>(
    address: &Address,
    access: Access,
    work: impl AsyncFnOnce(&Store) -> CliResult<T>,
) -> CliResult<T> {
    block_on(async {
        let store = open(address, access).await?;
        let done = work(&store).await;
        store.close().await;
        done
    })
}

/// Opens a database, or says how to make one.
pub(crate) async fn open(address: &Address, access: Access) -> CliResult<Store> {
    Store::open(address, access).await.map_err(|error| {
        let migrate = matches!(
            error,
            StoreError::Missing(_) | StoreError::Empty | StoreError::Older { .. }
        );
        let error = match error {
            // The engine does not say which database it speaks of.
            StoreError::Database(message) => {
                CliError::new(exit::IO, format!("{address}: {message}"))
            }
            error => CliError::from(error),
        };
        if migrate {
            error.hint(format!("make it: countersign db migrate --db {address}"))
        } else {
            error
        }
    })
}

impl From<StoreError> for CliError {
    fn from(error: StoreError) -> Self {
        use StoreError as Store;
        let code = match &error {
            Store::Missing(_) => exit::NOT_FOUND,
            Store::Empty
            | Store::Older { .. }
            | Store::Newer { .. }
            | Store::Migration(_)
            | Store::Record(_)
            | Store::Body { .. }
            | Store::Conflict { .. }
            | Store::Ledger(_)
            | Store::NotEmpty(_) => exit::DATA,
            Store::Busy | Store::Closed | Store::Database(_) => exit::IO,
            Store::ReadOnly => exit::INTERNAL,
        };
        let new = Self::new(code, error.to_string());
        match &error {
            Store::Newer { .. } => new.hint("use the version of countersign that made it"),
            Store::Busy => new.hint("try again when it is done"),
            Store::Ledger(_) => {
                new.hint("`countersign ledger verify` lists everything that is wrong")
            }
            Store::NotEmpty(_) => new.hint("name a new database"),
            _ => new,
        }
    }
}
