//! Reading 10,000 incidents against only parsing their JSON; weighing a week of
//! changes for one incident.
#![allow(
    clippy::unwrap_used,
    reason = "a benchmark that cannot be set up has to fail"
)]

use std::collections::BTreeMap;
use std::fmt::Write as _;

use countersign_core::facts::Kind;
use countersign_operations::change::{Change, ChangeRef};
use countersign_operations::import::{Format, read};
use countersign_operations::incident::{Amended, Incident};
use countersign_operations::link::{Evidence, Settings, suggest};
use countersign_operations::noted::Noted;
use divan::Bencher;
use jiff::Timestamp;

fn main() {
    divan::main();
}

const INCIDENTS: usize = 10_000;

fn at(second: usize) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + i64::try_from(second).unwrap()).unwrap()
}

/// One status page incident a line.
fn lines() -> String {
    let mut text = String::new();
    for number in 0..INCIDENTS {
        let (from, until) = (at(number * 600), at(number * 600 + 3_000));
        let update = |at, status| {
            format!(
                r#"{{"at":"{at}","status":"{status}","message":"We are looking into elevated error rates."}}"#
            )
        };
        let updates = [update(from, "Investigating"), update(until, "Resolved")].join(",");
        writeln!(
            text,
            r#"{{"id":"{number}","title":"Incident with service {number}","impact":"minor","started_at":"{from}","resolved_at":"{until}","updates":[{updates}],"components":["Pull Requests","Service {number}"]}}"#
        )
        .unwrap();
    }
    text
}

#[divan::bench]
fn floor_parse_json_of_10000(bencher: Bencher<'_, '_>) {
    let text = lines();
    bencher.bench(|| {
        let values = text.lines().map(serde_json::from_str::<serde_json::Value>);
        values.filter(Result::is_ok).count()
    });
}

#[divan::bench]
fn read_10000(bencher: Bencher<'_, '_>) {
    let text = lines();
    let now = at(INCIDENTS * 1_000);
    bencher.bench(|| {
        read(Format::GithubStatus, &text, None, now)
            .unwrap()
            .incidents
            .len()
    });
}

/// The second import of the same file: every incident is known.
#[divan::bench]
fn read_and_compare_10000(bencher: Bencher<'_, '_>) {
    let text = lines();
    let now = at(INCIDENTS * 1_000);
    let first = read(Format::GithubStatus, &text, None, now)
        .unwrap()
        .incidents;
    let known: BTreeMap<String, Incident> = first
        .into_iter()
        .map(|it| (it.id.clone(), it.set_by("github-status")))
        .collect();
    bencher.bench(|| {
        let again = read(Format::GithubStatus, &text, None, now)
            .unwrap()
            .incidents;
        let news = again
            .into_iter()
            .map(|news| Incident::imported(known.get(&news.id.clone()), news));
        news.filter(|it| matches!(it, Amended::Version { .. }))
            .count()
    });
}

#[divan::bench(args = [100, 10_000])]
fn weigh_changes(bencher: Bencher<'_, '_>, count: usize) {
    let end = at(7 * 24 * 3_600);
    let mut incident = Incident::new("INC-1".into(), "down".into(), end, Noted::by("ada", end));
    incident.services.insert("service-7".into());
    let changes: Vec<Change> = (0..count)
        .map(|number| {
            let shipped = at(number * 7 * 24 * 3_600 / count);
            let id = ChangeRef::new("shop", number.to_string());
            let mut change = Change::new(id, Kind::Merge, shipped, Noted::by("ada", end));
            change.services.insert(format!("service-{}", number % 50));
            change
        })
        .collect();
    let evidence = Evidence {
        changes: &changes,
        ..Evidence::default()
    };
    bencher.bench(|| suggest(&incident, &evidence, &Settings::default()));
}
