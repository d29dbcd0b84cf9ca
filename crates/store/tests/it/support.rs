//! One database per test, of either kind.

use std::future::Future;

use countersign_core::ledger::Record;
use countersign_store::{Address, Store};
use countersign_testkit::postgres::{self, Database};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Runs each test once on SQLite and once on PostgreSQL.
macro_rules! on_both_engines {
    ($( $(#[$meta:meta])* async fn $name:ident($db:ident) $body:block )+) => {
        $( $(#[$meta])* async fn $name($db: &$crate::support::Db) $body )+

        mod sqlite {
            $( #[test] fn $name() {
                let db = $crate::support::Db::sqlite();
                $crate::support::run(super::$name(&db));
            } )+
        }

        mod postgres {
            $( #[test] fn $name() {
                let Some(db) = $crate::support::Db::postgres() else { return };
                $crate::support::run(super::$name(&db));
            } )+
        }
    };
}
pub(crate) use on_both_engines;

pub(crate) fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

/// A database that is gone with this value.
pub(crate) struct Db {
    pub(crate) dir: TempDir,
    pub(crate) address: Address,
    pub(crate) postgres: Option<Database>,
}

impl Db {
    /// Migrated and empty.
    pub(crate) fn sqlite() -> Self {
        let db = Self::bare_sqlite();
        run(async { Store::migrate(&db.address).await.unwrap().close().await });
        db
    }

    /// Without any table.
    pub(crate) fn bare_sqlite() -> Self {
        let dir = TempDir::new().unwrap();
        let address = Address::Sqlite(dir.path().join("test.db"));
        Self {
            dir,
            address,
            postgres: None,
        }
    }

    /// Migrated and empty; `None` when PostgreSQL is to be skipped.
    pub(crate) fn postgres() -> Option<Self> {
        let database = postgres::server()?.copy_of("latest", |url| {
            let address: Address = url.parse().unwrap();
            run(async { Store::migrate(&address).await.unwrap().close().await });
        });
        Some(Self::of(database))
    }

    /// Without any table.
    pub(crate) fn bare_postgres() -> Option<Self> {
        Some(Self::of(postgres::server()?.database()))
    }

    fn of(database: Database) -> Self {
        Self {
            dir: TempDir::new().unwrap(),
            address: database.url().parse().unwrap(),
            postgres: Some(database),
        }
    }

    /// An empty file.
    pub(crate) fn create_file(&self) {
        std::fs::write(self.address.file().unwrap(), "").unwrap();
    }

    pub(crate) async fn open(&self) -> Store {
        Store::open(&self.address, countersign_store::Access::Write)
            .await
            .unwrap()
    }

    /// Runs SQL past the store, as someone with access to the database would.
    pub(crate) async fn tamper(&self, sql: &str) {
        let sql = sqlx::AssertSqlSafe(sql.to_owned());
        match &self.address {
            Address::Sqlite(path) => {
                use sqlx::ConnectOptions as _;
                let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
                // Whoever tampers does not mind the rules.
                let mut connection = options.foreign_keys(false).connect().await.unwrap();
                sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
                sqlx::Connection::close(connection).await.unwrap();
            }
            Address::Postgres(options) => {
                use sqlx::ConnectOptions as _;
                let mut connection = options.connect().await.unwrap();
                sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
                sqlx::Connection::close(connection).await.unwrap();
            }
        }
    }

    /// The statements that lift what keeps the ledger append-only.
    pub(crate) async fn lift(&self) {
        let sql = match self.address {
            Address::Sqlite(_) => {
                "DROP TRIGGER ledger_keeps_entries; DROP TRIGGER ledger_drops_nothing"
            }
            Address::Postgres(_) => {
                "ALTER TABLE ledger DISABLE TRIGGER ALL; ALTER TABLE latest DISABLE TRIGGER ALL"
            }
        };
        self.tamper(sql).await;
    }
}

/// Noon of a day in 2026, in microseconds.
pub(crate) fn noon(day: &str) -> i64 {
    let at: jiff::Timestamp = format!("2026-{day}T12:00:00Z").parse().unwrap();
    at.as_microsecond()
}

/// A change as it is recorded, with `fields` over the usual ones.
pub(crate) fn change(key: &str, day: &str, fields: &Value) -> Record {
    let mut record = json!({
        "noted": { "at": "2026-06-01T00:00:00Z", "by": "history" },
        "change": { "repository": "shop", "id": key },
        "kind": "merge",
        "shipped_at": format!("2026-{day}T12:00:00Z"),
        "team": "checkout",
        "author_level": "mid",
        "services": ["checkout"],
        "tier": 1,
        "environment": "production",
        "lines": 40,
        "files": 2,
        "involvement": "yes",
    });
    for (name, value) in fields.as_object().unwrap() {
        record[name] = value.clone();
    }
    let body = json!({ "kind": "change", "version": 1, "record": record });
    Record::new("change", key, noon(day), &body).unwrap()
}

pub(crate) fn incident(key: &str, day: &str, fields: &Value) -> Record {
    let mut record = json!({
        "noted": { "at": "2026-06-01T00:00:00Z", "by": "pager" },
        "id": key,
        "title": "Orders fail",
        "severity": "sev2",
        "status": "resolved",
        "started": format!("2026-{day}T12:00:00Z"),
        "resolved": format!("2026-{day}T13:00:00Z"),
        "services": ["checkout"],
        "ai": ["unknown"],
    });
    for (name, value) in fields.as_object().unwrap() {
        record[name] = value.clone();
    }
    let body = json!({ "kind": "incident", "version": 1, "record": record });
    Record::new("incident", key, noon(day), &body).unwrap()
}

/// A record of a kind without columns.
pub(crate) fn note(key: &str, text: &str) -> Record {
    Record::new("note", key, noon("03-02"), &json!({ "text": text })).unwrap()
}
