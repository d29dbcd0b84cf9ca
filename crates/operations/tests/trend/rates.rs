//! Counts over exposure: since when, and what growth alone explains.

use countersign_core::involvement::Verdict as Involvement;
use countersign_operations::trend::{
    By, History, Metric, Options, SizeBucket, Verdict, analyse, groups, overall, rare,
};

use crate::world::{World, at, by_all, doubled, week, whole_only};

#[test]
fn a_doubled_rate_is_found_with_its_week() {
    let found = overall(&doubled().history(), &whole_only(), Metric::Changes);
    assert_eq!(found.answer.verdict, Verdict::Higher);
    let turn = found.turn.unwrap();
    assert!(
        turn.earliest <= week("2025-W01") && week("2025-W01") <= turn.latest,
        "{turn:?}"
    );
    assert!((turn.ratio.value - 2.0).abs() < 0.5);
    assert!(turn.latest.since(turn.earliest) < 20, "{turn:?}");
}

#[test]
fn twice_the_incidents_from_twice_the_changes_is_no_trend() {
    let mut world = World::seeded(2);
    let stratum = world.stratum("prices", SizeBucket::Small, Involvement::Unknown);
    for number in 0..104 {
        let (changes, mean) = if number < 52 { (200, 4.0) } else { (400, 8.0) };
        let failing = world.poisson(mean);
        world.ship(week("2024-W01").plus(number), stratum, changes, failing);
    }
    let history = world.history();
    let rate = overall(&history, &whole_only(), Metric::Changes);
    assert!(
        matches!(rate.answer.verdict, Verdict::NoEvidence { .. }),
        "{}",
        rate.answer.sentence
    );
    let pace = overall(&history, &whole_only(), Metric::Weeks);
    assert_eq!(pace.answer.verdict, Verdict::Higher);
    assert!(
        pace.answer
            .limits
            .iter()
            .any(|limit| limit.contains("not a rate of risk"))
    );
}

#[test]
fn a_count_without_exposure_is_refused() {
    let mut world = World::seeded(3);
    let service = world.exposure.names.name("prices");
    let stratum = world.stratum("prices", SizeBucket::Small, Involvement::Yes);
    for number in 0..60 {
        world.fail(week("2025-W01").plus(number), stratum, 2);
    }
    for incident in &mut world.incidents {
        incident.links.clear();
        incident.services = vec![service];
    }
    let history = world.history();
    for metric in [Metric::Changes, Metric::ServiceHours] {
        let found = overall(&history, &whole_only(), metric);
        assert!(
            found
                .answer
                .verdict
                .to_string()
                .starts_with("cannot tell: no exposure")
        );
        assert_eq!(found.rate, None);
    }
}

#[test]
fn weeks_that_vary_are_no_change_of_the_rate() {
    // the rate of a week is 1 or 7, by lot: variance far above Poisson
    let (mut alarms, rounds) = (0, 100);
    for seed in 0..rounds {
        let mut world = World::seeded(seed);
        let stratum = world.stratum("prices", SizeBucket::Small, Involvement::Unknown);
        for number in 0..60 {
            let mean = if world.random.below(2) == 0 { 1.0 } else { 7.0 };
            let failing = world.poisson(mean);
            world.ship(week("2025-W01").plus(number), stratum, 100, failing);
        }
        let found = overall(&world.history(), &whole_only(), Metric::Changes);
        assert!(found.dispersion.unwrap() > 1.3);
        alarms += i32::from(matches!(
            found.answer.verdict,
            Verdict::Higher | Verdict::Lower
        ));
    }
    assert!(
        alarms <= 9,
        "{alarms} of {rounds} quiet histories were called a trend"
    );
}

#[test]
fn many_services_share_one_error() {
    let mut world = World::seeded(8);
    for service in 0..30 {
        let name = format!("service-{service}");
        let stratum = world.stratum(&name, SizeBucket::Small, Involvement::Unknown);
        for number in 0..80 {
            let mean = if service == 7 && number >= 40 {
                4.0
            } else {
                1.0
            };
            let failing = world.poisson(mean);
            world.ship(week("2024-W20").plus(number), stratum, 50, failing);
        }
    }
    let options = Options {
        by: vec![By::Service],
        ..Options::default()
    };
    let found = groups(&world.history(), &options);
    let higher: Vec<&str> = found
        .iter()
        .filter(|group| group.trend.answer.verdict == Verdict::Higher)
        .map(|group| group.name.as_str())
        .collect();
    assert_eq!(higher, ["service-7"]);
    assert!(
        found[0]
            .trend
            .answer
            .limits
            .iter()
            .any(|limit| limit.contains("one of 30 questions"))
    );
}

#[test]
fn groups_name_every_part() {
    let mut world = doubled();
    let stratum = world.stratum("prices", SizeBucket::Small, Involvement::Yes);
    world.fail(week("2024-W30"), stratum, 1);
    let options = Options {
        by: by_all(),
        ..Options::default()
    };
    let names: Vec<String> = groups(&world.history(), &options)
        .into_iter()
        .map(|group| group.name)
        .collect();
    assert_eq!(
        names,
        [
            "Sev1",
            "Sev3",
            "prices",
            "AI-assisted changes",
            "changes without AI",
            "undeclared changes"
        ]
    );
}

#[test]
fn rare_and_grave_ones_are_judged_by_their_gaps() {
    let grave = |weeks: &[i32]| -> History {
        let mut world = World::seeded(4);
        let stratum = world.stratum("prices", SizeBucket::Small, Involvement::Unknown);
        for number in 0..156 {
            world.ship(week("2023-W01").plus(number), stratum, 100, 0);
        }
        for &number in weeks {
            world.fail(week("2023-W01").plus(number), stratum, 1);
        }
        world.history()
    };
    let faster = rare(
        &grave(&[20, 60, 95, 115, 126, 134, 140, 145, 149, 153]),
        &whole_only(),
    );
    assert_eq!(faster.answer.verdict, Verdict::Higher);
    assert_eq!(faster.changes.unwrap().gaps.len(), 9);
    // three late ones: exact p below 0.05, and any one of them carries it
    let three = rare(&grave(&[110, 135, 152]), &whole_only());
    assert!(three.p_value.unwrap() <= 0.05, "{three:?}");
    assert!(three.p_value_one_fewer.unwrap() > 0.05, "{three:?}");
    assert_eq!(three.answer.verdict.reason().unwrap().code, "rests-on-one");
    // early ones are the mirror image
    let early = rare(&grave(&[3, 20, 45]), &whole_only());
    assert_eq!(early.answer.verdict.reason().unwrap().code, "rests-on-one");
    // three in the last tenth of three years, and none before: that is something
    let cluster = rare(&grave(&[146, 149, 152]), &whole_only());
    assert_eq!(cluster.answer.verdict, Verdict::Higher);
    // two never are
    let two = rare(&grave(&[153, 154]), &whole_only());
    assert_eq!(two.answer.verdict.word(), "cannot tell");
    let even = rare(&grave(&[10, 40, 70, 100, 130]), &whole_only());
    assert!(matches!(even.answer.verdict, Verdict::CannotTell { .. }));
    let lone = rare(&grave(&[10]), &whole_only());
    assert!(
        lone.answer
            .sentence
            .contains("1 incident of Sev1; two are needed"),
        "{}",
        lone.answer.sentence
    );
}

#[test]
fn changes_between_are_counted_within_the_week() {
    let mut world = World::seeded(5);
    let stratum = world.stratum("prices", SizeBucket::Small, Involvement::Unknown);
    for number in 0..20 {
        world.ship(week("2025-W01").plus(number), stratum, 700, 0);
    }
    for day in [0, 1, 3, 6] {
        world.fail(week("2025-W10"), stratum, 1);
        world.incidents.last_mut().unwrap().at = at(week("2025-W10"), day);
    }
    let found = rare(&world.history(), &whole_only());
    assert_eq!(found.changes.unwrap().gaps, [100.0, 200.0, 300.0]);
    assert_eq!(found.days.unwrap().gaps, [1.0, 2.0, 3.0]);
}

#[test]
fn wrong_options_are_named() {
    let options = Options {
        relevant_ratio: 1.0,
        ..Options::default()
    };
    let error = analyse(&doubled().history(), &options).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the relevant ratio is `1`; expected a number above 1, such as 1.5"
    );
}
