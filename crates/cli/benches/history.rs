//! `incident import`, and `trend` and `usage list` over a whole history, from start
//! to exit, through the binary: from the database, beside the same changes and incidents in CSV files.
//! The floor is counting the lines of those files.
//!
//! `cargo bench -p countersign --bench history -- 1000000` for a million changes.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "set-up that fails has to fail loudly"
)]

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use countersign_core::catalog::Share;
use countersign_core::facts::Kind;
use countersign_core::involvement::Verdict;
use countersign_core::ledger;
use countersign_operations::change::{Change, ChangeRef};
use countersign_operations::incident::{Incident, Severity};
use countersign_operations::link::{Link, LinkState, LinkTo};
use countersign_operations::noted::Noted;
use countersign_operations::record::Record;
use countersign_store::{Access, Address, Store};
use countersign_testkit::postgres;
use jiff::Timestamp;

const INCIDENTS: usize = 10_000;
const LEVELS: [&str; 4] = ["junior", "mid", "senior", "principal"];
const INVOLVED: [Verdict; 3] = [Verdict::Yes, Verdict::No, Verdict::Unknown];

fn main() {
    let count = std::env::args().skip(1).find_map(|arg| arg.parse().ok());
    let count: usize = count.unwrap_or(100_000);
    let dir = tempfile::tempdir().unwrap();
    files(dir.path(), count);
    println!("{count} changes, {INCIDENTS} incidents, three years");
    let begin = Instant::now();
    for name in ["changes.csv", "incidents.csv"] {
        let bytes = std::fs::read(dir.path().join(name)).unwrap();
        std::hint::black_box(bytes.iter().filter(|byte| **byte == b'\n').count());
    }
    say("floor: the lines of both files counted", begin);
    let csv = ["--incidents", "incidents.csv", "--changes", "changes.csv"];
    run(dir.path(), "trend from CSV files", "trend", &csv);

    import(dir.path());
    let file = dir.path().join("bench.db").display().to_string();
    engine(dir.path(), "SQLite", &file, count);
    if let Some(server) = postgres::server() {
        let database = server.database();
        let url = database.url();
        engine(dir.path(), "PostgreSQL", &url, count);
    }
}

/// Incidents as another system exports them, into a database of their own.
fn import(dir: &Path) {
    let mapping = r#"version = 1
source = "bench"
[fields]
id = "id"
title = "id"
started = "started_at"
severity = "severity"
services = "services"
"#;
    std::fs::write(dir.join("mapping.toml"), mapping).unwrap();
    run(dir, "db migrate", "db", &["migrate", "--db", "import.db"]);
    let args = [
        "import",
        "--format",
        "csv",
        "--mapping",
        "mapping.toml",
        "--db",
        "import.db",
        "incidents.csv",
    ];
    run(
        dir,
        "incident import, 10,000 rows of CSV",
        "incident",
        &args,
    );
    run(dir, "the same again, nothing new", "incident", &args);
}

fn engine(dir: &Path, name: &str, db: &str, count: usize) {
    fill(&db.parse().unwrap(), count);
    run(dir, &format!("trend from {name}"), "trend", &["--db", db]);
    let git = Command::new("git")
        .current_dir(dir)
        .args(["init", "-q"])
        .status();
    assert!(git.unwrap().success());
    run(
        dir,
        &format!("usage list from {name}"),
        "usage",
        &["list", "--db", db],
    );
}

fn say(what: &str, begin: Instant) {
    println!("  {what:<44}{:>9.3} s", begin.elapsed().as_secs_f64());
}

fn run(dir: &Path, what: &str, command: &str, args: &[&str]) {
    let begin = Instant::now();
    let status = Command::new(env!("CARGO_BIN_EXE_countersign"))
        .current_dir(dir)
        .arg(command)
        .args(args)
        .stdout(Stdio::null())
        .status();
    assert!(status.unwrap().success(), "{what}");
    say(what, begin);
}

/// The same scattered number for the same place.
const fn pick(n: usize, of: usize, salt: usize) -> usize {
    (n * 2_654_435_761 + salt * 40_503) / 65_536 % of
}

fn time(n: usize) -> Timestamp {
    let second = 1_690_000_000 + i64::try_from(n * 7919 % 94_608_000).unwrap();
    Timestamp::from_second(second).unwrap()
}

fn change(n: usize) -> Record {
    let noted = Noted::by("history", "2026-08-01T00:00:00Z".parse().unwrap());
    let reference = ChangeRef::new("shop", format!("{n:040x}"));
    let mut it = Change::new(reference, Kind::Merge, time(n), noted);
    it.services.insert(format!("service-{}", pick(n, 60, 4)));
    it.tier = u8::try_from(pick(n, 4, 4)).ok();
    it.team = Some(format!("team-{}", pick(n, 12, 2)));
    it.author_level = Some(LEVELS[pick(n, 4, 3)].to_owned());
    it.lines = pick(n, 2_000, 5) as u64;
    it.involvement = INVOLVED[pick(n, 3, 7)];
    if it.involvement == Verdict::Yes {
        let family = ["claude-opus", "claude-sonnet", "gpt-codex"][pick(n, 3, 8)];
        let usage = format!("claude-code/{family}/agent-interactive/code/production");
        it.usages.insert(usage);
    }
    it.into()
}

fn cause(n: usize, changes: usize) -> usize {
    n * (changes / INCIDENTS)
}

fn incident(n: usize, changes: usize) -> [Record; 2] {
    let noted = Noted::by("history", "2026-08-01T00:00:00Z".parse().unwrap());
    let from = cause(n, changes);
    let id = format!("INC-{n}");
    let mut it = Incident::new(id.clone(), "Slow".to_owned(), time(from), noted.clone());
    it.severity = Some(Severity::ALL[pick(n, 4, 9)]);
    it.services.insert(format!("service-{}", pick(from, 60, 4)));
    let link = Link {
        noted,
        incident: id,
        to: LinkTo::Change(ChangeRef::new("shop", format!("{from:040x}"))),
        state: LinkState::Suggested,
        confidence: Share::from_percent(90.0).ok(),
        reasons: Vec::new(),
    };
    [it.into(), link.into()]
}

fn fill(address: &Address, count: usize) {
    let entry = |record: &Record| {
        let (kind, at) = (record.kind().as_str().to_owned(), record.at());
        let body = record.to_json().unwrap();
        ledger::Record::from_parts(kind, record.key(), at.as_microsecond(), body).unwrap()
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(async {
        Store::migrate(address).await.unwrap().close().await;
        let store = Store::open(address, Access::Write).await.unwrap();
        for from in (0..count).step_by(2_000) {
            let records = (from..count.min(from + 2_000)).map(|n| entry(&change(n)));
            store.append("bench", records.collect()).await.unwrap();
        }
        for from in (0..INCIDENTS).step_by(1_000) {
            let records = (from..from + 1_000).flat_map(|n| incident(n, count));
            let records = records.map(|record| entry(&record)).collect();
            store.append("bench", records).await.unwrap();
        }
        store.close().await;
    });
}

fn files(dir: &Path, count: usize) {
    let mut changes = "id,shipped_at,service,tier,team,author_level,lines,ai\n".to_owned();
    for n in 0..count {
        let _ = writeln!(
            changes,
            "{n:040x},{},service-{},{},team-{},{},{},{}",
            time(n),
            pick(n, 60, 4),
            pick(n, 4, 4),
            pick(n, 12, 2),
            LEVELS[pick(n, 4, 3)],
            pick(n, 2_000, 5),
            INVOLVED[pick(n, 3, 7)].as_str()
        );
    }
    let mut incidents = "id,started_at,severity,services,links\n".to_owned();
    for n in 0..INCIDENTS {
        let from = cause(n, count);
        let _ = writeln!(
            incidents,
            "INC-{n},{},sev{},service-{},{from:040x}:0.9",
            time(from),
            pick(n, 4, 9) + 1,
            pick(from, 60, 4)
        );
    }
    std::fs::write(dir.join("changes.csv"), changes).unwrap();
    std::fs::write(dir.join("incidents.csv"), incidents).unwrap();
}
