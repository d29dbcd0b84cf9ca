use std::collections::BTreeSet;

use countersign_stats::Random;

use super::*;
use crate::initiative::Scope;
use crate::noted::Noted;

fn first() -> Week {
    "2025-W01".parse().unwrap()
}

fn initiative(start: Week) -> Initiative {
    let at = start.bounds(&jiff::tz::TimeZone::UTC).0;
    Initiative {
        noted: Noted::by("grace", at),
        id: "INI-1".into(),
        title: "Staged rollouts".into(),
        owner: "grace".into(),
        hypothesis: "Fewer Sev2".into(),
        metric: "incidents-per-change".into(),
        scope: Scope {
            services: BTreeSet::from(["shop".to_owned()]),
            ..Scope::default()
        },
        comparison: None,
        start: at,
        end: None,
        exit_criteria: Vec::new(),
        packs: BTreeSet::new(),
        result: None,
    }
}

/// Poisson by counting exponential waits.
fn poisson(random: &mut Random, mean: f64) -> u64 {
    let (mut at, mut count) = (0.0, 0);
    loop {
        at -= (1.0 - random.uniform()).ln();
        if at > mean {
            return count;
        }
        count += 1;
    }
}

/// Weeks in which the rate is `rate(week)` per change.
fn weekly(seed: u64, weeks: i32, rate: impl Fn(i32) -> f64) -> Vec<Weekly> {
    let mut random = Random::seeded(seed);
    (0..weeks)
        .map(|week| {
            let changes = 900 + random.below(200);
            Weekly {
                week: first().plus(week),
                incidents: poisson(&mut random, rate(week) * changes as f64),
                changes,
            }
        })
        .collect()
}

#[test]
fn metrics_are_read() {
    for (text, said) in [
        ("incidents-per-change", "incidents per change"),
        (
            "sev2-incidents-per-change",
            "incidents of Sev2 or worse per change",
        ),
        (
            "sev1-incidents-per-week",
            "incidents of Sev1 or worse per week",
        ),
    ] {
        assert_eq!(text.parse::<Metric>().unwrap().to_string(), said);
    }
    for text in [
        "",
        "happiness",
        "sev9-incidents-per-change",
        "incidents-per-day",
    ] {
        assert!(text.parse::<Metric>().is_err(), "{text}");
    }
}

#[test]
fn what_halves_the_rate_is_better() {
    let it = initiative(first().plus(40));
    let treated = weekly(1, 60, |week| if week < 40 { 0.012 } else { 0.006 });
    let other = weekly(2, 60, |_| 0.012);
    let found = test(&it, &treated, Some(&other), &[]);
    assert_eq!(
        found.effectiveness,
        Effectiveness::Better,
        "{}",
        found.sentence
    );
    assert!(found.compared && found.level.unwrap().high < 1.0);
    assert_eq!((found.weeks_before, found.weeks_after), (40, 20));
}

#[test]
fn what_happened_to_everybody_is_not_its_doing() {
    let it = initiative(first().plus(40));
    let falls = |week: i32| if week < 40 { 0.02 } else { 0.01 };
    let treated = weekly(3, 60, falls);
    let other = weekly(4, 60, falls);
    let alone = test(&it, &treated, None, &[]);
    assert_eq!(alone.effectiveness, Effectiveness::Better);
    assert!(
        alone.sentence.contains("no comparison group"),
        "{}",
        alone.sentence
    );
    let found = test(&it, &treated, Some(&other), &[]);
    assert_ne!(
        found.effectiveness,
        Effectiveness::Better,
        "{}",
        found.sentence
    );
}

#[test]
fn what_was_falling_anyway_is_not_its_doing() {
    let it = initiative(first().plus(40));
    let treated = weekly(5, 60, |week| 0.03 * (-0.03 * f64::from(week)).exp());
    let found = test(&it, &treated, None, &[]);
    assert!(
        found.naive.unwrap() < 0.6,
        "a plain comparison would be taken in"
    );
    assert_ne!(
        found.effectiveness,
        Effectiveness::Better,
        "{}",
        found.sentence
    );
}

#[test]
fn what_is_missing_is_said() {
    let it = initiative(first().plus(40));
    let said = |treated: &[Weekly], others: &[(String, Week)]| {
        let found = test(&it, treated, None, others);
        assert_eq!(found.effectiveness, Effectiveness::CannotTell);
        found.sentence
    };
    assert!(said(&[], &[]).contains("no changes of its services"));
    let short = weekly(6, 42, |_| 0.01);
    assert!(said(&short, &[]).contains("2 whole weeks from it on; 8 and 4 are needed"));
    let quiet = weekly(7, 60, |_| 0.0);
    assert!(said(&quiet, &[]).contains("only 0 incidents in 60 weeks"));
    let busy = weekly(8, 60, |_| 0.01);
    let near = [("job cuts".to_owned(), first().plus(41))];
    assert!(said(&busy, &near).contains("cannot be separated from job cuts"));
}

#[test]
fn a_week_it_was_in_force_for_a_part_of_counts_nowhere() {
    let mut it = initiative(first().plus(40));
    it.start += jiff::SignedDuration::from_hours(50);
    let found = test(&it, &weekly(9, 60, |_| 0.01), None, &[]);
    assert_eq!((found.weeks_before, found.weeks_after), (40, 19));
    let found = test(
        &initiative(first().plus(40)),
        &weekly(9, 60, |_| 0.01),
        None,
        &[],
    );
    assert_eq!((found.weeks_before, found.weeks_after), (40, 20));
}
