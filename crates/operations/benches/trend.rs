//! The whole analysis of 10,000 incidents over 1,000,000 changes, and its parts:
//! summing the changes up, and the questions themselves. Each beside its floor:
//! counting the same rows by week alone, and one rate with its exact interval for
//! every week, which is what a plain chart of the same data takes.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a bench that cannot set up should stop"
)]

use std::collections::HashMap;

use countersign_core::involvement::Verdict as Involvement;
use countersign_operations::trend::{
    Event, Exposure, History, Incident, Link, Options, SizeBucket, Stratum, analyse,
};
use countersign_operations::week::Week;
use countersign_stats::rate::exact_interval;
use countersign_stats::{Confidence, Counted, Random};
use divan::Bencher;
use jiff::Timestamp;

fn main() {
    divan::main();
}

const WEEKS: u64 = 156;

/// A change as a store would hand it over, texts and all.
struct Row {
    week: Week,
    service: String,
    tier: &'static str,
    team: String,
    level: &'static str,
    lines: u64,
    involvement: Involvement,
}

fn rows(number: usize) -> Vec<Row> {
    let mut random = Random::seeded(3);
    let first: Week = "2023-W01".parse().unwrap();
    (0..number)
        .map(|_| {
            let service = random.below(400);
            Row {
                week: first.plus(i32::try_from(random.below(WEEKS)).unwrap()),
                service: format!("service-{service}"),
                tier: ["tier-1", "tier-2", "tier-3"][(service % 3) as usize],
                team: format!("team-{}", service % 60),
                level: ["junior", "mid", "senior", "principal"][random.below(4) as usize],
                lines: random.below(2_000),
                involvement: [Involvement::Yes, Involvement::No, Involvement::Unknown]
                    [random.below(3) as usize],
            }
        })
        .collect()
}

fn stratum(row: &Row, exposure: &mut Exposure) -> Stratum {
    Stratum {
        service: exposure.names.name(&row.service),
        tier: exposure.names.name(row.tier),
        team: exposure.names.name(&row.team),
        author_level: exposure.names.name(row.level),
        size: SizeBucket::of(Some(row.lines)),
        involvement: row.involvement,
    }
}

fn summed(rows: &[Row]) -> Exposure {
    let mut exposure = Exposure::default();
    for row in rows {
        let stratum = stratum(row, &mut exposure);
        exposure.ship(row.week, stratum, 1);
    }
    exposure
}

fn incidents(rows: &[Row], exposure: &mut Exposure, number: usize) -> Vec<Incident> {
    let mut random = Random::seeded(5);
    (0..number)
        .map(|at| {
            let row = &rows[random.below(rows.len() as u64) as usize];
            let stratum = stratum(row, exposure);
            let day = row.week.monday().to_string();
            let start: Timestamp = format!("{day}T00:00:00Z").parse().unwrap();
            Incident {
                id: format!("inc-{at}"),
                severity: (1 + random.below(4)) as u8,
                at: Timestamp::from_second(start.as_second() + random.below(600_000) as i64)
                    .unwrap(),
                services: vec![stratum.service],
                links: vec![Link {
                    stratum,
                    week: row.week,
                    confidence: 0.9,
                }],
                ai: row.involvement,
            }
        })
        .collect()
}

fn history(rows: &[Row], number: usize) -> History {
    let mut exposure = summed(rows);
    let incidents = incidents(rows, &mut exposure, number);
    let event = |name: &str, week: &str| Event {
        name: name.to_owned(),
        week: week.parse().unwrap(),
        affects: Vec::new(),
    };
    let events = vec![event("tool", "2024-W10"), event("policy", "2025-W10")];
    History::new(exposure, incidents, events, (None, None)).unwrap()
}

#[divan::bench(sample_count = 3)]
fn sum_a_million_changes(bencher: Bencher<'_, '_>) {
    let rows = rows(1_000_000);
    bencher.bench(|| summed(&rows));
}

#[divan::bench(sample_count = 3)]
fn floor_count_a_million_changes_by_week(bencher: Bencher<'_, '_>) {
    let rows = rows(1_000_000);
    bencher.bench(|| {
        let mut weeks: HashMap<Week, u64> = HashMap::new();
        for row in &rows {
            *weeks.entry(row.week).or_default() += 1;
        }
        weeks
    });
}

#[divan::bench(sample_count = 3)]
fn floor_one_exact_interval_for_every_week(bencher: Bencher<'_, '_>) {
    let weeks: Vec<Counted> = (0..WEEKS)
        .map(|week| Counted::new(60 + week % 9, 6_400.0).unwrap())
        .collect();
    bencher.bench(|| {
        let interval = |week: &Counted| exact_interval(*week, Confidence::P95);
        weeks.iter().map(interval).collect::<Vec<_>>()
    });
}

#[divan::bench(sample_count = 3)]
fn analyse_ten_thousand_incidents(bencher: Bencher<'_, '_>) {
    let history = history(&rows(1_000_000), 10_000);
    let options = Options::default();
    bencher.bench(|| analyse(&history, &options).unwrap());
}
