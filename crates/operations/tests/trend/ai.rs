//! AI-assisted changes beside others.

use countersign_core::involvement::Verdict as Involvement;
use countersign_operations::trend::{Comparison, Incident, SizeBucket, Verdict, analyse, compare};

use crate::world::{World, steady, week, whole_only};

fn code(found: &Comparison) -> &str {
    found
        .answer
        .verdict
        .reason()
        .map_or("", |reason| reason.code)
}

/// AI does the small and safe changes and is twice as risky at each size.
fn mixed(undeclared_share: u64) -> World {
    let mut world = World::seeded(11);
    let small_ai = world.stratum("shop", SizeBucket::Small, Involvement::Yes);
    let small = world.stratum("shop", SizeBucket::Small, Involvement::No);
    let large_ai = world.stratum("shop", SizeBucket::Huge, Involvement::Yes);
    let large = world.stratum("shop", SizeBucket::Huge, Involvement::No);
    for number in 0..52 {
        let week = week("2025-W01").plus(number);
        for (stratum, changes, mean) in [
            (small_ai, 200, 0.8),
            (small, 20, 0.04),
            (large_ai, 10, 1.2),
            (large, 100, 6.0),
        ] {
            let failing = steady(mean, number);
            let hidden = match stratum.involvement {
                Involvement::No => undeclared_share,
                _ => 0,
            };
            let mut unknown = stratum;
            unknown.involvement = Involvement::Unknown;
            let hidden_failing = failing * hidden / 100;
            world.ship(week, unknown, changes * hidden / 100, hidden_failing);
            world.ship(
                week,
                stratum,
                changes - changes * hidden / 100,
                failing - hidden_failing,
            );
        }
    }
    world
}

#[test]
fn simpson_is_seen_through_and_named() {
    let found = compare(&mixed(0).history(), &whole_only());
    assert!(
        found.crude.unwrap().high < 1.0,
        "as they stand AI looks safer: {:?}",
        found.crude
    );
    assert_eq!(
        found.answer.verdict,
        Verdict::Higher,
        "{}",
        found.answer.sentence
    );
    let adjusted = found.adjusted.unwrap();
    assert!((1.5..2.6).contains(&adjusted.value), "{adjusted}");
    let stratified = found.mantel_haenszel.unwrap();
    assert!((stratified.value / adjusted.value - 1.0).abs() < 0.1);
    assert!(found.simpson.unwrap().text.contains("Simpson's paradox"));
}

#[test]
fn undeclared_use_turns_the_word_into_cannot_tell() {
    let found = compare(&mixed(40).history(), &whole_only());
    assert_eq!(code(&found), "undeclared", "{}", found.answer.sentence);
    let bounds = found.bounds.unwrap();
    assert!(bounds.low < 1.0 && bounds.high > 1.0);
    let adjusted = found.adjusted.unwrap();
    assert!(bounds.low < adjusted.low && adjusted.high < bounds.high);
}

#[test]
fn what_is_not_declared_is_not_no() {
    let mut world = World::seeded(12);
    let ai = world.stratum("shop", SizeBucket::Small, Involvement::Yes);
    let rest = world.stratum("shop", SizeBucket::Small, Involvement::Unknown);
    for number in 0..30 {
        world.ship(week("2025-W01").plus(number), ai, 100, 4);
        world.ship(week("2025-W01").plus(number), rest, 100, 1);
    }
    let found = compare(&world.history(), &whole_only());
    assert_eq!(code(&found), "undeclared");
    assert!(
        found
            .answer
            .verdict
            .to_string()
            .contains("undeclared is not \"no\"")
    );
    assert_eq!(found.crude, None);
}

#[test]
fn wrong_links_that_would_flip_the_word_are_counted() {
    let found = compare(&split(0).history(), &whole_only());
    assert_eq!(
        found.answer.verdict,
        Verdict::Higher,
        "{}",
        found.answer.sentence
    );
    let needed = found.links.unwrap().wrongly_on_ai.unwrap();
    assert!((2..found.ai.incidents).contains(&needed), "{needed}");
    assert!(found.answer.limits.iter().any(|limit| {
        limit.contains(&format!(
            "{needed} wrong links would change the word \"higher\""
        ))
    }));
    // with that many links on the other side the word is gone, with one fewer it is not
    let low = |wrong| {
        compare(&split(wrong).history(), &whole_only())
            .mantel_haenszel
            .unwrap()
            .low
    };
    assert!(low(needed) <= 1.0 && low(needed - 2) > 1.0);
}

/// A rate of 1.8 to 1, with some incidents moved to the other arm.
fn split(mut wrong: u64) -> World {
    let mut world = World::seeded(13);
    let ai = world.stratum("shop", SizeBucket::Small, Involvement::Yes);
    let other = world.stratum("shop", SizeBucket::Small, Involvement::No);
    for number in 0..40 {
        let (here, there) = (steady(1.8, number), steady(1.0, number));
        let moved = here.min(wrong);
        wrong -= moved;
        let week = week("2025-W01").plus(number);
        world.ship(week, ai, 50, here - moved);
        world.ship(week, other, 50, there + moved);
    }
    world
}

#[test]
fn a_weak_link_is_no_link() {
    let mut world = World::seeded(14);
    let ai = world.stratum("shop", SizeBucket::Small, Involvement::Yes);
    let other = world.stratum("shop", SizeBucket::Small, Involvement::No);
    world.ship(week("2025-W01"), ai, 100, 20);
    world.ship(week("2025-W01"), other, 100, 2);
    for incident in &mut world.incidents {
        incident.links[0].confidence = 0.3;
    }
    let found = compare(&world.history(), &whole_only());
    assert_eq!(
        found.answer.verdict.reason().unwrap().text,
        "no incident is linked to a change"
    );
    assert!(found.answer.limits[0].contains("but no change, so they are in neither arm"));
}

/// Both arms fail alike, but four of five incidents of the one are linked and one
/// in five of the other: people look harder where AI took part.
fn half_linked(ai_linked: u64) -> World {
    let mut world = World::seeded(17);
    let ai = world.stratum("shop", SizeBucket::Small, Involvement::Yes);
    let other = world.stratum("shop", SizeBucket::Small, Involvement::No);
    for number in 0..60 {
        let week = week("2025-W01").plus(number);
        world.ship(week, ai, 50, 1);
        world.ship(week, other, 50, 1);
        let last = world.incidents.len();
        let linked = [number as u64 % 5 < ai_linked, number % 5 == 0];
        for (incident, linked) in world.incidents[last - 2..].iter_mut().zip(linked) {
            if !linked {
                incident.links.clear();
                incident.ai = Involvement::Unknown;
            }
        }
    }
    world
}

#[test]
fn a_word_holds_wherever_unlinked_incidents_belong() {
    let found = analyse(&half_linked(4).history(), &whole_only()).unwrap();
    let comparison = &found.comparison;
    assert!(comparison.adjusted.unwrap().low > 1.0);
    assert_eq!(
        code(comparison),
        "unlinked",
        "{}",
        comparison.answer.sentence
    );
    let text = &comparison.answer.verdict.reason().unwrap().text;
    assert!(
        text.starts_with("60 of 120 incidents have no likely change"),
        "{text}"
    );
    let bounds = comparison.unlinked_bounds.unwrap();
    assert!(bounds.low < 1.0 && bounds.high > comparison.adjusted.unwrap().high);
    // the alarm of the weekly looks went off on the same links
    assert!(found.looks.alarm.is_some());
    assert_eq!(
        found.looks.answer.verdict.reason().unwrap().code,
        "unlinked"
    );
    // where few are unlinked the word stays
    let mut world = half_linked(5);
    let other = world.stratum("shop", SizeBucket::Small, Involvement::No);
    world.incidents.retain(|it| !it.links.is_empty());
    world.fail(week("2025-W30"), other, 3);
    world.incidents.last_mut().unwrap().links.clear();
    let found = analyse(&world.history(), &whole_only()).unwrap();
    assert_eq!(found.comparison.answer.verdict, Verdict::Higher);
    assert_eq!(found.comparison.unlinked, 1);
    assert_eq!(found.looks.answer.verdict, Verdict::Higher);
}

#[test]
fn an_arm_of_which_no_incident_is_known_has_no_interval() {
    let mut world = half_linked(0);
    let ai = |it: &Incident| {
        let link = it.links.first();
        link.is_some_and(|link| link.stratum.involvement == Involvement::Yes)
    };
    assert!(!world.incidents.iter().any(ai));
    let found = compare(&world.history(), &whole_only());
    assert_eq!((found.ai.incidents, found.ai.rate), (0, None));
    assert!(found.others.rate.is_some());
    assert!(
        !found.answer.sentence.contains("times the incidents"),
        "{}",
        found.answer.sentence
    );
    // where every incident is linked, none is none
    world = half_linked(0);
    world.incidents.retain(|it| !it.links.is_empty());
    assert!(compare(&world.history(), &whole_only()).ai.rate.is_some());
}

#[test]
fn a_part_that_is_known_says_where_an_unlinked_incident_belongs() {
    let bounds = |part: Involvement| {
        let mut world = half_linked(4);
        for incident in &mut world.incidents {
            if incident.links.is_empty() {
                incident.ai = part;
            }
        }
        let found = compare(&world.history(), &whole_only());
        (found.adjusted.unwrap(), found.unlinked_bounds.unwrap())
    };
    let (adjusted, yes) = bounds(Involvement::Yes);
    let (_, no) = bounds(Involvement::No);
    let (_, unknown) = bounds(Involvement::Unknown);
    assert!(yes.low > 1.0 && (yes.low / adjusted.low - 1.0).abs() < 0.1);
    assert!(no.low < 1.0 && no.high < yes.high);
    assert_eq!((unknown.low, unknown.high), (no.low, yes.high));
}

#[test]
fn the_affected_product_is_not_the_cause() {
    let mut world = World::seeded(15);
    let copilot = world.exposure.names.name("Copilot");
    let ai = world.stratum("shop", SizeBucket::Small, Involvement::Yes);
    let other = world.stratum("shop", SizeBucket::Small, Involvement::No);
    for number in 0..40 {
        world.ship(week("2025-W01").plus(number), ai, 100, 1);
        world.ship(week("2025-W01").plus(number), other, 100, 1);
    }
    for number in 0..40 {
        world.fail(week("2025-W01").plus(number), other, 2);
        let last = world.incidents.last_mut().unwrap();
        last.services = vec![copilot];
        last.links.clear();
        last.ai = Involvement::Unknown;
    }
    let found = compare(&world.history(), &whole_only());
    assert_eq!((found.ai.incidents, found.others.incidents), (40, 40));
    assert!(
        found.answer.limits[0]
            .starts_with("40 incidents name an AI product (Copilot) as the affected service")
    );
}

#[test]
fn nothing_found_says_what_would_have_been_seen() {
    let mut world = World::seeded(16);
    let ai = world.stratum("shop", SizeBucket::Small, Involvement::Yes);
    let other = world.stratum("shop", SizeBucket::Small, Involvement::No);
    for number in 0..100 {
        let (here, there) = (world.poisson(3.0), world.poisson(3.0));
        world.ship(week("2024-W01").plus(number), ai, 100, here);
        world.ship(week("2024-W01").plus(number), other, 100, there);
    }
    let found = compare(&world.history(), &whole_only());
    let Verdict::NoEvidence { would_have_seen } = found.answer.verdict else {
        panic!("{}", found.answer.sentence);
    };
    assert!((1.15..1.5).contains(&would_have_seen));
    assert!(
        found
            .answer
            .sentence
            .contains("no evidence of a difference (would have seen ≥ 1.")
    );
}
