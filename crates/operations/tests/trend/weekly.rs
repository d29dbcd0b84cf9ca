//! Looking every week.

use countersign_core::involvement::Verdict as Involvement;
use countersign_operations::trend::{SizeBucket, Verdict, looks};

use crate::world::{World, steady, week, whole_only};

const YEARS: u64 = 1_000;

/// A year of three incidents a week that fall on AI-assisted changes with the
/// given odds while those are 40 % of all; the counts beside it for the plain test.
fn year(seed: u64, share: f64) -> (World, Vec<u64>) {
    let mut world = World::seeded(seed);
    let ai = world.stratum("shop", SizeBucket::Small, Involvement::Yes);
    let other = world.stratum("shop", SizeBucket::Small, Involvement::No);
    let mut counts = Vec::new();
    for number in 0..52 {
        let hits = (0..3).filter(|_| world.random.uniform() < share).count() as u64;
        world.ship(week("2025-W01").plus(number), ai, 40, hits);
        world.ship(week("2025-W01").plus(number), other, 60, 3 - hits);
        counts.push(hits);
    }
    (world, counts)
}

/// Whether |z| > 1.96 at any weekly look from the fourth on.
fn plain_test_alarms(counts: &[u64]) -> bool {
    let mut hits = 0.0;
    counts.iter().zip(1..).any(|(&count, weeks)| {
        hits += count as f64;
        let n = 3.0 * f64::from(weeks);
        weeks >= 4 && ((hits - 0.4 * n) / (n * 0.4 * 0.6).sqrt()).abs() > 1.96
    })
}

#[test]
fn quiet_years_raise_no_more_alarms_than_stated() {
    let (mut ours, mut plain) = (0, 0);
    for seed in 0..YEARS {
        let (world, counts) = year(seed, 0.4);
        let found = looks(&world.history(), &whole_only());
        assert_eq!(found.taken.len(), 52);
        ours += u64::from(found.alarm.is_some());
        plain += u64::from(plain_test_alarms(&counts));
    }
    let share = |alarms: u64| alarms as f64 / YEARS as f64;
    eprintln!(
        "false alarms in a year: {} by ours, {} by a plain test",
        share(ours),
        share(plain)
    );
    assert!(share(ours) <= 0.05, "{}", share(ours));
    assert!((0.22..0.32).contains(&share(plain)), "{}", share(plain));
}

#[test]
fn a_real_difference_is_found_within_the_year() {
    let found: Vec<bool> = (0..100)
        .map(|seed| looks(&year(seed, 0.62).0.history(), &whole_only()))
        .map(|looks| looks.alarm.is_some() && looks.answer.verdict == Verdict::Higher)
        .collect();
    assert!(found.iter().filter(|f| **f).count() > 85);
}

#[test]
fn the_list_of_looks_is_kept_and_the_rate_stated() {
    let found = looks(&year(7, 0.4).0.history(), &whole_only());
    assert_eq!(found.threshold, 20.0);
    assert_eq!(found.taken[0].week, week("2025-W01"));
    assert!((found.taken[0].ai_share - 0.4).abs() < 1e-12);
    assert!(
        found
            .answer
            .sentence
            .contains("at most 5 % of quiet histories ever raise one")
    );
    assert!(found.ratio.unwrap().low < 1.0);
}

#[test]
fn services_are_judged_together() {
    let mut world = World::seeded(31);
    for service in 0..20 {
        let name = format!("service-{service}");
        let ai = world.stratum(&name, SizeBucket::Small, Involvement::Yes);
        let other = world.stratum(&name, SizeBucket::Small, Involvement::No);
        for number in 0..52 {
            let (here, there) = (
                world.poisson(if service == 4 { 1.5 } else { 0.3 }),
                world.poisson(0.3),
            );
            world.ship(week("2025-W01").plus(number), ai, 20, here);
            world.ship(week("2025-W01").plus(number), other, 20, there);
        }
    }
    let found = looks(&world.history(), &whole_only());
    let standing: Vec<&str> = found
        .services
        .iter()
        .filter(|s| s.stands_out)
        .map(|s| s.service.as_str())
        .collect();
    assert_eq!(standing, ["service-4"]);
}

#[test]
fn a_mix_of_sizes_is_no_evidence_and_hides_none() {
    // AI does the small changes; at each size the rates of others times `ratio`
    let mixed = |ratio: f64| {
        let mut world = World::seeded(33);
        for (size, ai_changes, changes, rate) in [
            (SizeBucket::Small, 200, 40, 0.004),
            (SizeBucket::Huge, 20, 100, 0.05),
        ] {
            let ai = world.stratum("shop", size, Involvement::Yes);
            let other = world.stratum("shop", size, Involvement::No);
            for number in 0..78 {
                let mean = |changes: u64| changes as f64 * rate;
                let week = week("2025-W01").plus(number);
                let failing = steady(mean(ai_changes) * ratio, number);
                world.ship(week, ai, ai_changes, failing);
                world.ship(week, other, changes, steady(mean(changes), number));
            }
        }
        looks(&world.history(), &whole_only())
    };
    let same = mixed(1.0);
    assert!(same.alarm.is_none());
    assert!((0.9..1.1).contains(&same.ratio.unwrap().value));
    let riskier = mixed(2.0);
    assert!(riskier.alarm.is_some(), "{}", riskier.answer.sentence);
}
