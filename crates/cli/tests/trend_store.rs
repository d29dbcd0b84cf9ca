//! `countersign trend` on what is recorded says what it says on files.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "set-up that fails has to fail loudly"
)]

mod common;

use std::fmt::Write as _;
use std::path::Path;

use common::{Org, countersign, shown};
use countersign_core::catalog::Share;
use countersign_core::facts::Kind;
use countersign_core::involvement::Verdict;
use countersign_core::ledger;
use countersign_operations::change::{Change, ChangeRef};
use countersign_operations::incident::{Incident, Severity};
use countersign_operations::initiative::{Initiative, Scope};
use countersign_operations::link::{Link, LinkState, LinkTo};
use countersign_operations::noted::Noted;
use countersign_operations::record::Record;
use countersign_store::{Access, Address, Store};
use countersign_testkit::postgres;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tempfile::TempDir;

/// A number from 0 to 1 that is the same on every machine.
fn lot(seed: &mut u64) -> f64 {
    *seed = seed
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407);
    (*seed >> 11) as f64 / (1u64 << 53) as f64
}

/// The same year, as files and as records.
struct Year {
    dir: TempDir,
    records: Vec<Record>,
}

fn noted() -> Noted {
    Noted::by("ann", "2026-02-01T00:00:00Z".parse().unwrap())
}

fn link(incident: &str, to: LinkTo, state: LinkState, confidence: Option<f64>) -> Record {
    Link {
        noted: noted().because("looked into it"),
        incident: incident.to_owned(),
        to,
        state,
        confidence: confidence.map(|it| Share::from_percent(100.0 * it).unwrap()),
        reasons: Vec::new(),
    }
    .into()
}

impl Year {
    /// Fifty whole weeks of three services; incidents double half-way.
    fn new() -> Self {
        let (mut seed, mut records) = (7, Vec::new());
        let mut changes = "id,shipped_at,service,tier,team,author_level,lines,ai\n".to_owned();
        let mut incidents = "id,started_at,severity,services,links\n".to_owned();
        let start: Timestamp = "2025-01-06T08:00:00Z".parse().unwrap();
        let mut number = 0;
        for day in 0..350u32 {
            for n in 0..12u32 {
                number += 1;
                let at = start + SignedDuration::from_hours(i64::from(day) * 24 + i64::from(n) / 2);
                let service = ["cart", "prices", "search"][(number % 3) as usize];
                let tier = (number % 3) as u8 + 1;
                let (word, verdict) = [
                    ("yes", Verdict::Yes),
                    ("no", Verdict::No),
                    ("unknown", Verdict::Unknown),
                ][(lot(&mut seed) * 3.0) as usize];
                let level = ["junior", "senior"][(lot(&mut seed) * 2.0) as usize];
                let lines = (lot(&mut seed) * 1500.0) as u64;
                let _ = writeln!(
                    changes,
                    "c{number},{at},{service},{tier},shop,{level},{lines},{word}"
                );
                let change = ChangeRef::new("shop", format!("c{number}"));
                let mut it = Change::new(change.clone(), Kind::Merge, at, noted());
                it.services.insert(service.to_owned());
                it.tier = Some(tier);
                it.team = Some("shop".to_owned());
                it.author_level = Some(level.to_owned());
                it.lines = lines;
                it.involvement = verdict;
                records.push(it.into());
                let risk = if day >= 175 { 0.06 } else { 0.03 };
                if lot(&mut seed) >= risk {
                    continue;
                }
                let began = at + SignedDuration::from_mins(30);
                let severity = (lot(&mut seed) * 3.0) as usize;
                let confidence = if lot(&mut seed) < 0.2 { 0.4 } else { 0.9 };
                let id = format!("INC-{number}");
                let _ = writeln!(
                    incidents,
                    "{id},{began},sev{},{service},c{number}:{confidence}",
                    severity + 1
                );
                let mut it = Incident::new(id.clone(), "Slow".to_owned(), began, noted());
                it.severity = Some(Severity::ALL[severity]);
                it.services.insert(service.to_owned());
                records.push(it.into());
                let to = LinkTo::Change(change);
                records.push(link(&id, to, LinkState::Suggested, Some(confidence)));
            }
        }
        let initiative = Initiative {
            noted: noted(),
            id: "freeze".to_owned(),
            title: "freeze".to_owned(),
            owner: "ann".to_owned(),
            hypothesis: "fewer changes, fewer incidents".to_owned(),
            metric: "incidents-per-change".to_owned(),
            scope: Scope {
                services: ["cart".to_owned()].into_iter().collect(),
                ..Scope::default()
            },
            comparison: None,
            start: "2025-08-05T00:00:00Z".parse().unwrap(),
            end: None,
            exit_criteria: Vec::new(),
            packs: Default::default(),
            result: None,
        };
        records.push(initiative.into());
        let dir = TempDir::new().unwrap();
        std::fs::write(dir.path().join("changes.csv"), changes).unwrap();
        std::fs::write(dir.path().join("incidents.csv"), incidents).unwrap();
        Self { dir, records }
    }

    fn by_files(&self) -> Value {
        let args = [
            "trend",
            "--incidents",
            "incidents.csv",
            "--changes",
            "changes.csv",
            "--event",
            "freeze=2025-08-05@cart",
            "--format",
            "json",
        ];
        json(self.dir.path(), &args)
    }
}

fn json(dir: &Path, args: &[&str]) -> Value {
    let output = countersign(dir, args);
    let mut value: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", shown(&output)));
    // what was read, and from where, differs
    value.as_object_mut().unwrap().remove("inputs");
    value
}

fn keep(address: &Address, records: &[Record]) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(async {
        Store::migrate(address).await.unwrap().close().await;
        let store = Store::open(address, Access::Write).await.unwrap();
        for some in records.chunks(2_000) {
            let entries = some.iter().map(|record| {
                let at = record.at().as_microsecond();
                let kind = record.kind().as_str().to_owned();
                ledger::Record::from_parts(kind, record.key(), at, record.to_json().unwrap())
                    .unwrap()
            });
            store.append("ann", entries.collect()).await.unwrap();
        }
        store.close().await;
    });
}

#[test]
fn both_engines_say_what_the_files_say() {
    let year = Year::new();
    let wanted = year.by_files();
    assert_eq!(
        wanted["trend"]["answer"]["verdict"]["word"], "higher",
        "{}",
        wanted["trend"]["answer"]
    );
    let file = year.dir.path().join("ops.db").display().to_string();
    let database = postgres::server().map(postgres::Server::database);
    let url = database.as_ref().map(postgres::Database::url);
    for db in [Some(file), url].into_iter().flatten() {
        keep(&db.parse().unwrap(), &year.records);
        let found = json(year.dir.path(), &["trend", "--db", &db, "--format", "json"]);
        for (part, wanted) in wanted.as_object().unwrap() {
            assert_eq!(&found[part], wanted, "{part}");
        }
    }
}

#[test]
fn people_have_the_last_word_on_links() {
    let year = Year::new();
    let db = year.dir.path().join("ops.db").display().to_string();
    let mut records = year.records.clone();
    let first = records.iter().find_map(|record| match record {
        Record::Link(link) => Some((**link).clone()),
        _ => None,
    });
    let first = first.unwrap();
    let linked = |db: &str| {
        json(year.dir.path(), &["trend", "--db", db, "--format", "json"])["totals"]["linked"]
            .as_u64()
            .unwrap()
    };
    keep(&db.parse().unwrap(), &records);
    let before = linked(&db);
    records.push(link(
        &first.incident,
        LinkTo::NoChange,
        LinkState::Confirmed,
        None,
    ));
    keep(&db.parse().unwrap(), &records);
    assert_eq!(
        linked(&db),
        before - u64::from(first.confidence.unwrap().ppm() >= 500_000)
    );
}

#[test]
fn service_hours_come_from_the_catalogue_or_not_at_all() {
    let year = Year::new();
    let db = year.dir.path().join("ops.db").display().to_string();
    let mut records = Vec::new();
    for record in &year.records {
        let mut record = record.clone();
        if let Record::Change(change) = &mut record {
            change.services = ["checkout".to_owned()].into_iter().collect();
        }
        records.push(record);
    }
    keep(&db.parse().unwrap(), &records);
    let hours = |dir: &Path| {
        let args = [
            "trend",
            "--db",
            &db,
            "--metric",
            "service-hours",
            "--format",
            "json",
        ];
        json(dir, &args)["totals"]["service_hours"]
            .as_f64()
            .unwrap()
    };
    assert_eq!(hours(year.dir.path()), 0.0);
    let org = Org::new();
    assert_eq!(hours(org.repo.path()), 50.0 * 168.0);
}

#[test]
fn it_says_where_else_to_look() {
    let dir = TempDir::new().unwrap();
    let none = shown(&countersign(dir.path(), &["trend"]));
    assert!(none.starts_with("exit 64\n"), "{none}");
    assert!(
        none.contains("no database is named") && none.contains("--incidents FILE"),
        "{none}"
    );
    let both = shown(&countersign(
        dir.path(),
        &["trend", "--db", "a.db", "--incidents", "a.csv"],
    ));
    assert!(
        both.starts_with("exit 64\n") && both.contains("cannot be used with"),
        "{both}"
    );
}
