//! Whoever writes to the database past this program is found out.

use countersign_core::ledger::{Fault, Verifier};
use countersign_store::{Address, Difference, Store, StoreError};
use serde_json::json;

use crate::support::{Db, change, incident, note, on_both_engines};

async fn filled(db: &Db) -> Store {
    let store = db.open().await;
    let records = vec![
        change("c1", "03-02", &json!({})),
        change("c2", "03-03", &json!({})),
        incident("i1", "03-04", &json!({})),
        note("n1", "one"),
    ];
    store.append("ann", records).await.unwrap();
    store
}

fn tables(found: &[Difference]) -> Vec<&'static str> {
    let mut tables: Vec<_> = found.iter().map(|it| it.table).collect();
    tables.dedup();
    tables
}

on_both_engines! {
    async fn the_database_itself_refuses_to_change_the_ledger(db) {
        let store = filled(db).await;
        for sql in ["UPDATE ledger SET body = '{}'", "DELETE FROM ledger"] {
            let refused = match &db.address {
                Address::Sqlite(path) => {
                    let url = format!("sqlite://{}", path.display());
                    let pool = sqlx::SqlitePool::connect(&url).await.unwrap();
                    sqlx::query(sql).execute(&pool).await.map(|_| ())
                }
                Address::Postgres(options) => {
                    let pool = sqlx::PgPool::connect_with((**options).clone()).await.unwrap();
                    sqlx::query(sql).execute(&pool).await.map(|_| ())
                }
            };
            assert!(refused.unwrap_err().to_string().contains("append-only"));
        }
        store.close().await;
    }

    async fn a_changed_entry_is_found(db) {
        let store = filled(db).await;
        db.lift().await;
        db.tamper("UPDATE ledger SET recorded_by = 'ben' WHERE seq = 2").await;
        let checked = store.verified_head(|_| {}).await;
        assert!(matches!(checked, Err(StoreError::Ledger(Fault::Changed(2)))));
        // Nothing is built on it.
        assert!(matches!(store.rebuild().await, Err(StoreError::Ledger(Fault::Changed(2)))));
        store.close().await;
    }

    async fn a_dropped_end_is_found(db) {
        let store = filled(db).await;
        db.lift().await;
        db.tamper("DELETE FROM latest WHERE seq = 4; DELETE FROM ledger WHERE seq = 4").await;
        let checked = store.verified_head(|_| {}).await;
        let cut = Fault::CutOff { last: 3, known: 4 };
        assert!(matches!(checked, Err(StoreError::Ledger(fault)) if fault == cut));
        store.close().await;
    }

    async fn a_changed_head_is_found(db) {
        let store = filled(db).await;
        let real = store.head().await.unwrap();
        db.lift().await;
        // Someone cuts the end off and mends the head as well: only a head that
        // was kept elsewhere tells.
        let hash = store.entries(2, 1).await.unwrap()[0].hash;
        let blob = match db.address {
            Address::Sqlite(_) => format!("X'{hash}'"),
            Address::Postgres(_) => format!("'\\x{hash}'"),
        };
        db.tamper(&format!(
            "DELETE FROM latest WHERE seq = 4; DELETE FROM ledger WHERE seq = 4; \
             UPDATE ledger_head SET seq = 3, hash = {blob}"
        )).await;
        assert!(store.verified_head(|_| {}).await.is_ok());
        let mut verifier = Verifier::knowing(&[real]);
        for entry in store.entries(0, 100).await.unwrap() {
            verifier.push(&entry).unwrap();
        }
        assert_eq!(verifier.finish().1, [Fault::CutOff { last: 3, known: 4 }]);
        store.close().await;
    }

    async fn a_table_that_says_something_else_is_found(db) {
        let store = filled(db).await;
        assert_eq!(store.differences().await.unwrap(), []);
        for (sql, table) in [
            ("UPDATE change SET involvement = 'no' WHERE key = 'c2'", "change"),
            ("DELETE FROM change WHERE key = 'c1'", "change"),
            ("UPDATE incident SET severity = 5", "incident"),
            ("DELETE FROM incident", "incident"),
            ("UPDATE latest SET at = at + 1 WHERE key = 'n1'", "latest"),
            ("DELETE FROM latest WHERE key = 'n1'", "latest"),
            ("UPDATE latest SET seq = 1 WHERE key = 'n1'", "latest"),
            ("DELETE FROM change_service WHERE key = 'c1'", "change_service"),
            ("INSERT INTO change_service VALUES ('zz', 's', 1, 'yes')", "change_service"),
            ("INSERT INTO incident (key, seq, started_at, week, severity, status, counts, \
              services, ai) VALUES ('a', 9, 0, 0, 1, 'open', 1, '', 'none')", "incident"),
        ] {
            db.tamper(sql).await;
            let found = store.differences().await.unwrap();
            assert!(tables(&found).contains(&table), "{sql}: {found:?}");
            store.rebuild().await.unwrap();
            assert_eq!(store.differences().await.unwrap(), [], "{sql}");
        }
        store.close().await;
    }

    async fn a_database_of_a_later_version_is_left_alone(db) {
        let insert = match db.address {
            Address::Sqlite(_) => "INSERT INTO _sqlx_migrations \
                (version, description, success, checksum, execution_time) VALUES (99, 'x', 1, X'00', 0)",
            Address::Postgres(_) => "INSERT INTO _sqlx_migrations \
                (version, description, success, checksum, execution_time) VALUES (99, 'x', true, '\\x00', 0)",
        };
        db.tamper(insert).await;
        let opened = Store::open(&db.address, countersign_store::Access::Write).await;
        assert!(matches!(opened, Err(StoreError::Newer { found: 99, .. })));
        let migrated = Store::migrate(&db.address).await;
        assert!(matches!(migrated, Err(StoreError::Newer { found: 99, .. })));
    }

    async fn tables_of_an_earlier_reading_are_made_anew(db) {
        let store = filled(db).await;
        store.close().await;
        db.tamper("UPDATE projection SET version = 0; DELETE FROM change").await;
        let opened = Store::open(&db.address, countersign_store::Access::Read).await;
        assert!(matches!(opened, Err(StoreError::Older { .. })));
        let store = Store::migrate(&db.address).await.unwrap();
        assert_eq!(store.differences().await.unwrap(), []);
        store.close().await;
    }
}
