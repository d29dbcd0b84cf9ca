//! What an earlier version recorded survives. `data/v1-*.sql` are dumps of
//! databases as version 1 made them (Python's `iterdump`, `pg_dump --inserts`);
//! they are never edited.

use countersign_store::{Access, LATEST_VERSION, Range, Store, StoreError};

use crate::support::{Db, note, on_both_engines, run};

/// The end of the ledger in both dumps.
const HEAD: &str = "7:de028c7cd2d181f19d1f779b008acd9a89cccfdbbb2dd61f1a5dbe192939d19e";

async fn upgraded(db: &Db) {
    let opened = Store::open(&db.address, Access::Write).await;
    assert!(
        matches!(
            opened,
            Err(StoreError::Older {
                found: 1,
                wanted: LATEST_VERSION
            })
        ),
        "{opened:?}"
    );
    let store = Store::migrate(&db.address).await.unwrap();
    assert_eq!(store.head().await.unwrap().to_string(), HEAD);
    assert!(store.verified_head(|_| {}).await.is_ok());
    // Columns that version 1 did not have are filled from the bodies.
    let weeks = store.weeks().await.unwrap().unwrap();
    let changes: u64 = store
        .exposure(weeks)
        .await
        .unwrap()
        .iter()
        .map(|row| row.changes)
        .sum();
    assert_eq!(changes, 3);
    let incidents = store.incidents(Range::ALL).await.unwrap();
    assert_eq!(incidents.len(), 2);
    assert_eq!(store.differences().await.unwrap(), []);
    let corrected = store.history("incident", "i1", 0, 10).await.unwrap();
    assert_eq!(corrected.len(), 2);
    // It goes on.
    let done = store
        .append("ann", vec![note("n", "after the upgrade")])
        .await
        .unwrap();
    assert_eq!(done.head.seq, 8);
    store.close().await;
    Store::migrate(&db.address).await.unwrap().close().await;
}

#[test]
fn sqlite_of_version_1() {
    let db = Db::bare_sqlite();
    run(async {
        db.create_file();
        db.tamper(include_str!("../data/v1-sqlite.sql")).await;
        upgraded(&db).await;
    });
}

#[test]
fn postgres_of_version_1() {
    let Some(db) = Db::bare_postgres() else {
        return;
    };
    run(async {
        db.tamper(include_str!("../data/v1-postgres.sql")).await;
        upgraded(&db).await;
    });
}

on_both_engines! {
    async fn two_programs_may_migrate_at_once(db) {
        let fresh = match db.postgres {
            None => Db::bare_sqlite(),
            Some(_) => Db::bare_postgres().unwrap(),
        };
        let mut tasks = Vec::new();
        for _ in 0..4 {
            let address = fresh.address.clone();
            tasks.push(tokio::spawn(async move { Store::migrate(&address).await }));
        }
        for task in tasks {
            task.await.unwrap().unwrap().close().await;
        }
        let store = Store::open(&fresh.address, Access::Write).await.unwrap();
        store.append("ann", vec![note("n", "x")]).await.unwrap();
        store.close().await;
    }
}

#[test]
fn another_programs_lock_on_a_new_file_is_waited_for() {
    use sqlx::{ConnectOptions as _, Connection as _};
    let db = Db::bare_sqlite();
    db.create_file();
    run(async {
        // A file that is not in WAL mode yet, and a program about to write to it.
        let options =
            sqlx::sqlite::SqliteConnectOptions::new().filename(db.address.file().unwrap());
        let mut other = options.connect().await.unwrap();
        sqlx::raw_sql("BEGIN IMMEDIATE")
            .execute(&mut other)
            .await
            .unwrap();
        let address = db.address.clone();
        let waits = tokio::spawn(async move { Store::migrate(&address).await });
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        assert!(!waits.is_finished());
        other.close().await.unwrap();
        waits.await.unwrap().unwrap().close().await;
    });
}

#[test]
fn what_is_no_database_is_said() {
    run(async {
        let db = Db::bare_sqlite();
        let missing = Store::open(&db.address, Access::Write).await;
        assert!(matches!(missing, Err(StoreError::Missing(_))));
        std::fs::write(db.address.file().unwrap(), "").unwrap();
        let empty = Store::open(&db.address, Access::Read).await;
        assert!(matches!(empty, Err(StoreError::Empty)), "{empty:?}");
        std::fs::write(
            db.address.file().unwrap(),
            "not a database, but long enough to see",
        )
        .unwrap();
        let other = Store::open(&db.address, Access::Read).await;
        assert!(matches!(other, Err(StoreError::Database(_))), "{other:?}");
    });
}

#[test]
fn someone_elses_tables_are_not_touched() {
    run(async {
        let db = Db::bare_sqlite();
        db.create_file();
        db.tamper("CREATE TABLE ledger (mine TEXT)").await;
        assert!(Store::migrate(&db.address).await.is_err());
        db.tamper("INSERT INTO ledger (mine) VALUES ('still here')")
            .await;
    });
}
