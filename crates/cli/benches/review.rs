//! How long the weekly review takes over a large store: 10,000 incidents and a
//! million changes, built by the real binary, with its peak memory. The floor is
//! the same binary answering `review list` on the same store.
//!
//! `cargo bench -p countersign --bench review -- 1000000`; without a number it
//! takes 100,000 changes.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a benchmark that cannot set itself up has to fail loudly"
)]

use std::collections::BTreeSet;
use std::process::Command;
use std::time::Instant;

use countersign_core::facts::Kind;
use countersign_core::involvement::Verdict;
use countersign_core::ledger;
use countersign_core::signoff::Digest;
use countersign_operations::change::{Change, ChangeRef};
use countersign_operations::factor::{ClaimState, FactorClaim};
use countersign_operations::incident::{Incident, Severity, Status};
use countersign_operations::noted::Noted;
use countersign_operations::record::Record;
use countersign_operations::sign_off::{SignOffGiven, Stated};
use countersign_store::{Address, Store};
use jiff::{SignedDuration, Timestamp};
use tempfile::TempDir;

const INCIDENTS: i64 = 10_000;
/// Two years up to the end of the week that is built.
const SECONDS: i64 = 104 * 7 * 86_400;
const BATCH: usize = 4_000;

fn main() {
    let changes = std::env::args().skip(1).find_map(|arg| arg.parse().ok());
    let changes: i64 = changes.unwrap_or(100_000);
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("bench.db");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(fill(&Address::Sqlite(file.clone()), changes));
    let file = file.display().to_string();
    println!("review of {changes} changes and {INCIDENTS} incidents");
    say("floor: review list", &["review", "list", "--db", &file]);
    for format in ["json", "html"] {
        let args = [
            "review",
            "build",
            "--week",
            "2026-W11",
            "--cut-off",
            "2026-03-16T00:00:00Z",
            "--format",
            format,
            "--db",
            &file,
        ];
        say(&format!("review build --format {format}"), &args);
    }
}

/// Runs the binary and says how long it took and how much memory it had.
fn say(what: &str, args: &[&str]) {
    let dir = TempDir::new().unwrap();
    let begin = Instant::now();
    let done = Command::new("/usr/bin/env")
        .args(["time", "-f", "%M"])
        .arg(env!("CARGO_BIN_EXE_countersign"))
        .args(args)
        .current_dir(dir.path())
        .output()
        .unwrap();
    let took = begin.elapsed().as_secs_f64();
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{said}");
    let kilobytes: f64 = said.lines().last().unwrap_or("0").parse().unwrap_or(0.0);
    println!(
        "  {what:<28}{took:>8.2} s{:>8.0} MB{:>10} bytes",
        kilobytes / 1024.0,
        done.stdout.len()
    );
}

fn end() -> i64 {
    "2026-03-16T00:00:00Z"
        .parse::<Timestamp>()
        .unwrap()
        .as_second()
}

/// The `n`th of `all`, spread over two years.
fn moment(n: i64, all: i64) -> Timestamp {
    Timestamp::from_second(end() - 1 - n * SECONDS / all).unwrap()
}

async fn fill(address: &Address, changes: i64) {
    let store = Store::migrate(address).await.unwrap();
    let mut batch = Vec::with_capacity(BATCH);
    let begin = Instant::now();
    for n in 0..changes {
        batch.push(entry(&change(n, changes)));
        // a third of all changes carry a sign-off
        if n % 3 == 0 {
            batch.push(entry(&sign_off(n, changes)));
        }
        if batch.len() >= BATCH {
            store
                .append("bench", std::mem::take(&mut batch))
                .await
                .unwrap();
        }
    }
    for n in 0..INCIDENTS {
        batch.push(entry(&incident(n)));
        batch.push(entry(&claim(n)));
    }
    store.append("bench", batch).await.unwrap();
    store.close().await;
    println!("filled in {:.1} s", begin.elapsed().as_secs_f64());
}

fn entry(record: &Record) -> ledger::Record {
    let body = record.to_json().unwrap();
    let at = record.at().as_microsecond();
    ledger::Record::from_parts(record.kind().as_str().to_owned(), record.key(), at, body).unwrap()
}

fn change(n: i64, all: i64) -> Record {
    let shipped = moment(n, all);
    let reference = ChangeRef::new("shop", format!("{n:040x}"));
    let mut it = Change::new(
        reference,
        Kind::Merge,
        shipped,
        Noted::by("history", shipped),
    );
    it.services = BTreeSet::from([format!("service-{:03}", n * 7 % 200)]);
    it.tier = Some((n % 4) as u8);
    it.team = Some(format!("team-{:02}", n % 30));
    it.author_level = Some(["junior", "mid", "senior"][(n % 3) as usize].to_owned());
    it.lines = (n * 13 % 900) as u64;
    it.files = (n % 9) as u64;
    it.involvement = [Verdict::Yes, Verdict::No, Verdict::Unknown][(n / 5 % 3) as usize];
    it.bypassed = n % 5_000 == 0;
    it.into()
}

fn sign_off(n: i64, all: i64) -> Record {
    let issued = moment(n, all) - SignedDuration::from_mins(1);
    SignOffGiven {
        noted: Noted::by("sen", issued),
        statement: Digest::of(format!("statement {n}").as_bytes()),
        change: ChangeRef::new("shop", format!("{n:040x}")),
        kind: Kind::Merge,
        target: "main".into(),
        person: "sen".into(),
        stated: if n % 60 == 0 {
            Stated::Vetoed
        } else {
            Stated::Approved
        },
        issued_at: issued,
        rules: BTreeSet::from(["ai-below-senior".to_owned()]),
        message: None,
        of: None,
        review_due: None,
    }
    .into()
}

fn incident(n: i64) -> Record {
    let started = moment(n, INCIDENTS);
    let noted = Noted::by("pager", started + SignedDuration::from_mins(100));
    let mut it = Incident::new(format!("INC-{n}"), "Orders fail".into(), started, noted);
    it.severity = Severity::ALL.get((n % 5) as usize).copied();
    it.status = Status::Resolved;
    it.resolved = Some(started + SignedDuration::from_mins(n % 90 + 5));
    it.services = BTreeSet::from([format!("service-{:03}", n % 200)]);
    it.into()
}

fn claim(n: i64) -> Record {
    let factors = [
        "novel-usage",
        "missing-validation",
        "config",
        "capacity",
        "third-party",
    ];
    FactorClaim {
        noted: Noted::by("ada", moment(n, INCIDENTS) + SignedDuration::from_mins(60)),
        incident: format!("INC-{n}"),
        factor: factors[(n % 5) as usize].to_owned(),
        claimant: "ada".into(),
        state: ClaimState::Claimed,
        evidence: vec!["timeline".into()],
    }
    .into()
}
