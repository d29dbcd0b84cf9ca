//! Every SQL statement, prepared by the engine that will run it.

use countersign_store::{Address, statements};

use crate::support::on_both_engines;

on_both_engines! {
    async fn every_statement_can_be_prepared(db) {
        use sqlx::{Executor as _, SqlSafeStr as _};
        match &db.address {
            Address::Sqlite(path) => {
                let url = format!("sqlite://{}", path.display());
                let pool = sqlx::SqlitePool::connect(&url).await.unwrap();
                for sql in statements("SQLite") {
                    let prepared = pool.prepare(sql.into_sql_str()).await;
                    assert!(prepared.is_ok(), "{sql}: {prepared:?}");
                }
            }
            Address::Postgres(options) => {
                let pool = sqlx::PgPool::connect_with((**options).clone()).await.unwrap();
                for sql in statements("PostgreSQL") {
                    let prepared = pool.prepare(sql.into_sql_str()).await;
                    assert!(prepared.is_ok(), "{sql}: {prepared:?}");
                }
            }
        }
        assert!(statements("SQLite").len() > 40);
    }
}
