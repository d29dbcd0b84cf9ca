//! How fast decisions are made durable, and how fast a year is imported and
//! summed up. Each beside its floor: the same rows by plain SQL on the same
//! disk, without hashing, columns or checks.
//!
//! `cargo bench -p countersign-store -- 1000000` for a million changes.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    reason = "a benchmark that cannot set itself up has to fail loudly"
)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use countersign_core::ledger::Record;
use countersign_store::{Address, Range, Store, Weeks};
use countersign_testkit::postgres;
use serde_json::json;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use tempfile::TempDir;

/// Callers that append at the same time.
const CALLERS: usize = 64;
const DECISIONS: usize = 20_000;
const INCIDENTS: usize = 10_000;
const BATCH: usize = 2_000;

fn main() {
    let changes = std::env::args().skip(1).find_map(|arg| arg.parse().ok());
    let changes = changes.unwrap_or(100_000);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let dir = TempDir::new().unwrap();
        floor(&dir).await;
        let file = Address::Sqlite(dir.path().join("bench.db"));
        measure("SQLite", &file, changes).await;
        if let Some(server) = postgres::server() {
            let database = server.database();
            measure(
                "PostgreSQL (without fsync)",
                &database.url().parse().unwrap(),
                changes,
            )
            .await;
        }
    });
}

fn say(what: &str, count: usize, took: Duration) {
    let rate = count as f64 / took.as_secs_f64();
    println!("  {what:<52}{:>9.3} s{rate:>12.0} /s", took.as_secs_f64());
}

/// Plain inserts of the same size with the same promises.
async fn floor(dir: &TempDir) {
    println!("floor: plain SQL");
    let options = SqliteConnectOptions::new()
        .filename(dir.path().join("floor.db"))
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full);
    let pool = sqlx::sqlite::SqlitePoolOptions::new().max_connections(1);
    let pool = pool.connect_with(options).await.unwrap();
    sqlx::query("CREATE TABLE plain (key TEXT PRIMARY KEY, body TEXT)")
        .execute(&pool)
        .await
        .unwrap();
    let body = change(0).body().to_owned();
    let begin = Instant::now();
    let one = 1_000;
    for n in 0..one {
        let insert = sqlx::query("INSERT INTO plain VALUES ($1, $2)");
        insert
            .bind(format!("d{n}"))
            .bind(&body)
            .execute(&pool)
            .await
            .unwrap();
    }
    say("one durable row after the other", one, begin.elapsed());
    let begin = Instant::now();
    let many = 100_000;
    let mut tx = pool.begin().await.unwrap();
    for n in 0..many {
        let insert = sqlx::query("INSERT INTO plain VALUES ($1, $2)");
        insert
            .bind(format!("c{n}"))
            .bind(&body)
            .execute(&mut *tx)
            .await
            .unwrap();
    }
    tx.commit().await.unwrap();
    say(
        "100,000 rows, one by one in one transaction",
        many,
        begin.elapsed(),
    );
}

async fn measure(engine: &str, address: &Address, changes: usize) {
    println!("{engine}");
    let store = Arc::new(Store::migrate(address).await.unwrap());
    decisions(&store).await;
    let begin = Instant::now();
    import(&store, INCIDENTS, incident).await;
    say("import of 10,000 incidents", INCIDENTS, begin.elapsed());
    let begin = Instant::now();
    import(&store, INCIDENTS, incident).await;
    say(
        "the same import again, nothing new",
        INCIDENTS,
        begin.elapsed(),
    );
    let begin = Instant::now();
    import(&store, changes, change).await;
    say(
        &format!("import of {changes} changes"),
        changes,
        begin.elapsed(),
    );

    let weeks = store.weeks().await.unwrap().unwrap();
    let begin = Instant::now();
    let rows = store.exposure(weeks).await.unwrap();
    say(
        &format!(
            "{} weeks summed into {} strata",
            weeks.until - weeks.from + 1,
            rows.len()
        ),
        changes,
        begin.elapsed(),
    );
    let last = Weeks {
        from: weeks.until - 1,
        until: weeks.until,
    };
    let begin = Instant::now();
    let rows = store.exposure(last).await.unwrap();
    say(
        &format!("two weeks summed into {} strata", rows.len()),
        rows.len(),
        begin.elapsed(),
    );
    let begin = Instant::now();
    let rows = store.service_exposure(weeks).await.unwrap();
    say(
        &format!("all weeks by service, {} rows", rows.len()),
        changes,
        begin.elapsed(),
    );
    let begin = Instant::now();
    let rows = store.incidents(Range::ALL).await.unwrap();
    say("10,000 incidents listed", rows.len(), begin.elapsed());
    let begin = Instant::now();
    let head = store.verified_head(|_| {}).await.unwrap();
    say(
        "ledger verified",
        usize::try_from(head.seq).unwrap(),
        begin.elapsed(),
    );
    let begin = Instant::now();
    let found = store.differences().await.unwrap();
    assert!(found.is_empty());
    say(
        "tables compared with the ledger",
        usize::try_from(head.seq).unwrap(),
        begin.elapsed(),
    );
    Arc::into_inner(store).unwrap().close().await;
}

/// Many callers, each waiting until its decision is on disk.
async fn decisions(store: &Arc<Store>) {
    let begin = Instant::now();
    let tasks = (0..CALLERS).map(|caller| {
        let store = Arc::clone(store);
        tokio::spawn(async move {
            let mut waits = Vec::with_capacity(DECISIONS / CALLERS);
            for n in 0..DECISIONS / CALLERS {
                let body = json!({ "kind": "decision", "version": 1, "record": {
                    "noted": { "at": "2026-03-02T12:00:00Z", "by": "check" },
                    "change": { "repository": "shop", "id": format!("{caller}-{n}") },
                    "kind": "merge", "decided_at": "2026-03-02T12:00:00Z", "verdict": "hold",
                    "rules": [{ "rule": "ai-needs-a-senior", "verdict": "hold",
                        "reason": "1 sign-off, at least senior, above the author" }],
                    "policy": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
                    "asked_by": "check" } });
                let key = format!("shop@{caller}-{n}");
                let record = Record::new("decision", key, 0, &body).unwrap();
                let begin = Instant::now();
                store.append("check", vec![record]).await.unwrap();
                waits.push(begin.elapsed());
            }
            waits
        })
    });
    let tasks: Vec<_> = tasks.collect();
    let mut waits = Vec::new();
    for task in tasks {
        waits.extend(task.await.unwrap());
    }
    say(
        &format!("{} durable decisions, {CALLERS} callers", waits.len()),
        waits.len(),
        begin.elapsed(),
    );
    waits.sort_unstable();
    let at = |share: f64| waits[(waits.len() as f64 * share) as usize].as_secs_f64() * 1000.0;
    println!(
        "    waits: median {:.1} ms, p99 {:.1} ms, most {:.1} ms",
        at(0.5),
        at(0.99),
        at(0.9999)
    );
}

async fn import(store: &Store, count: usize, make: fn(usize) -> Record) {
    for from in (0..count).step_by(BATCH) {
        let records = (from..count.min(from + BATCH)).map(make).collect();
        store.append("import", records).await.unwrap();
    }
}

fn time(n: usize) -> jiff::Timestamp {
    // Spread over three years.
    let second = 1_690_000_000 + i64::try_from(n * 7919 % 94_608_000).unwrap();
    jiff::Timestamp::from_second(second).unwrap()
}

fn change(n: usize) -> Record {
    let at = time(n);
    const LEVELS: [&str; 4] = ["junior", "mid", "senior", "principal"];
    const INVOLVED: [&str; 3] = ["yes", "no", "unknown"];
    let pick = |of: usize, salt: usize| (n * 2_654_435_761 + salt * 40_503) / 65_536 % of;
    let body = json!({ "kind": "change", "version": 1, "record": {
        "noted": { "at": "2026-06-01T00:00:00Z", "by": "history" },
        "change": { "repository": "shop", "id": format!("{n:040x}") },
        "kind": "merge", "shipped_at": at, "title": "Retry payments that timed out",
        "people": [format!("p{}", pick(400, 1))], "team": format!("team-{}", pick(12, 2)),
        "author_level": (LEVELS[pick(4, 3)]),
        "services": [format!("service-{}", pick(60, 4))], "tier": pick(4, 4),
        "environment": "production", "lines": pick(2_000, 5), "files": pick(30, 6),
        "involvement": (INVOLVED[pick(3, 7)]), "tools": ["claude-code"],
    } });
    Record::new(
        "change",
        format!("shop@{n:040x}"),
        at.as_microsecond(),
        &body,
    )
    .unwrap()
}

fn incident(n: usize) -> Record {
    let at = time(n * 97);
    let body = json!({ "kind": "incident", "version": 1, "record": {
        "noted": { "at": "2026-06-01T00:00:00Z", "by": "pager" },
        "id": format!("INC-{n}"), "title": "Orders fail in one region",
        "severity": format!("sev{}", n % 5 + 1), "status": "resolved", "started": at,
        "services": [format!("service-{}", n % 60)], "ai": ["unknown"],
        "summary": "x".repeat(600),
    } });
    Record::new("incident", format!("INC-{n}"), at.as_microsecond(), &body).unwrap()
}
