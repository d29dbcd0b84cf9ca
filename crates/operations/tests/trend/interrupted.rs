//! Events: layoffs, a tool, a policy.

use countersign_core::involvement::Verdict as Involvement;
use countersign_operations::trend::{Event, EventEffect, SizeBucket, Verdict, events};

use crate::world::{World, week, whole_only};

/// A rate that climbs for two years and halves at the policy, yet is higher
/// after it than before.
fn climbing() -> World {
    let mut world = World::seeded(21);
    let stratum = world.stratum("shop", SizeBucket::Small, Involvement::Unknown);
    for number in 0..104 {
        let level = if number >= 60 { 0.5 } else { 1.0 };
        let mean = 6.0 * (f64::from(number) / 45.0).exp() * level;
        let failing = world.poisson(mean);
        world.ship(week("2024-W01").plus(number), stratum, 1_000, failing);
    }
    world
}

fn effects(world: World) -> Vec<EventEffect> {
    events(&world.history(), &whole_only()).effects
}

#[test]
fn a_naive_before_and_after_has_the_wrong_sign() {
    let mut world = climbing();
    world.event("policy", week("2024-W01").plus(60));
    let found = effects(world).remove(0);
    assert!(found.naive.unwrap() > 1.0);
    assert_eq!(
        found.answer.verdict,
        Verdict::Lower,
        "{}",
        found.answer.sentence
    );
    assert!(
        found.answer.sentence.contains("the wrong way round"),
        "{}",
        found.answer.sentence
    );
}

#[test]
fn events_that_coincide_cannot_be_separated() {
    let mut world = climbing();
    world.event("job cuts", week("2024-W01").plus(59));
    world.event("assistant for everybody", week("2024-W01").plus(60));
    world.event("early pilot", week("2024-W01").plus(20));
    let found = effects(world);
    for at in [0, 1] {
        let reason = found[at].answer.verdict.reason().unwrap();
        assert_eq!(reason.code, "coincide");
        assert!(reason.text.contains("cannot be separated from"));
        assert_eq!(found[at].together_with.len(), 1);
        assert!(
            found[at].level.unwrap().high < 1.0,
            "together they did lower it"
        );
    }
    assert!(found[2].together_with.is_empty() && found[2].level.is_some());
}

#[test]
fn a_comparison_takes_up_what_happened_to_everybody() {
    let mut world = World::seeded(23);
    let touched = world.stratum("shop", SizeBucket::Small, Involvement::Unknown);
    let other = world.stratum("search", SizeBucket::Small, Involvement::Unknown);
    for number in 0..80 {
        // a bad season for both from week 40 on; the event did nothing
        let mean = if number >= 40 { 8.0 } else { 4.0 };
        for stratum in [touched, other] {
            let failing = world.poisson(mean);
            world.ship(week("2024-W20").plus(number), stratum, 100, failing);
        }
    }
    let affects = vec![touched.service];
    let start = week("2024-W20").plus(40);
    for (name, affects) in [("alone", Vec::new()), ("compared", affects)] {
        world.events = vec![Event {
            name: name.to_owned(),
            week: start,
            affects,
        }];
        let history = countersign_operations::trend::History::new(
            world.exposure.clone(),
            world.incidents.clone(),
            world.events.clone(),
            (None, None),
        )
        .unwrap();
        let found = events(&history, &whole_only()).effects.remove(0);
        if name == "alone" {
            assert_eq!(found.answer.verdict, Verdict::Higher);
        } else {
            assert!(found.compared);
            assert!(
                !matches!(found.answer.verdict, Verdict::Higher | Verdict::Lower),
                "{}",
                found.answer.sentence
            );
        }
    }
}

#[test]
fn an_event_at_the_edge_has_too_little_around_it() {
    let mut world = climbing();
    world.event("yesterday", week("2024-W01").plus(102));
    world.event("before all", week("2020-W01"));
    let found = effects(world);
    assert!(
        found[0]
            .answer
            .sentence
            .contains("102 weeks before it and 2 from it on; 8 and 4 are needed")
    );
    assert!(found[1].answer.sentence.contains("0 weeks before it"));
}

#[test]
fn an_event_that_did_nothing_is_rarely_blamed() {
    let (mut blamed, rounds) = (0, 200);
    for seed in 0..rounds {
        let mut world = World::seeded(seed);
        let touched = world.stratum("shop", SizeBucket::Small, Involvement::Unknown);
        let other = world.stratum("search", SizeBucket::Small, Involvement::Unknown);
        for number in 0..70 {
            let mean = 4.0 * (f64::from(number) / 100.0).exp();
            for stratum in [touched, other] {
                let failing = world.poisson(mean);
                world.ship(week("2024-W20").plus(number), stratum, 100, failing);
            }
        }
        world.events = vec![Event {
            name: "nothing".to_owned(),
            week: week("2024-W20").plus(40),
            affects: vec![touched.service],
        }];
        let found = effects(world).remove(0);
        blamed += i32::from(matches!(
            found.answer.verdict,
            Verdict::Higher | Verdict::Lower
        ));
    }
    assert!(blamed <= 14, "{blamed} of {rounds}");
}
