//! Misclassified flags, wrong links, undeclared parts.

use super::{close, counted, places, spans};
use countersign_stats::bounds::{Hidden, rate_ratio_bounds, rate_ratio_if_alike, tolerable_share};
use countersign_stats::misclassification::{
    Accuracy, Validation, corrected_rate_ratio, corrected_share, corrected_share_validated, flips,
};
use countersign_stats::{Confidence, Interval, rate_ratio};
use proptest::prelude::*;

const P95: Confidence = Confidence::P95;

/// epiR `epi.prev`: brucellosis (23 of 150) and Helicobacter pylori (6 of 151,
/// Clopper–Pearson 0 to 1.3 %).
#[test]
fn rogan_gladen_examples() {
    let cows = Accuracy::new(0.96, 0.89).unwrap();
    places(corrected_share(23, 150, cows, P95).unwrap().value, 0.051, 3);
    let elisa = Accuracy::new(0.964, 0.927).unwrap();
    let found = corrected_share(6, 151, elisa, P95).unwrap();
    assert_eq!(found.value, 0.0);
    spans(found.interval, 0.0, 0.013, 3);
    let perfect = corrected_share(6, 151, Accuracy::PERFECT, P95).unwrap();
    places(perfect.value, 6.0 / 151.0, 12);
}

/// The formulas of Lang & Reiczigel 2014 in numpy 2.4.6 (as in R
/// `asht::prevSeSp`).
#[test]
fn lang_reiczigel_interval() {
    let validated = |right, examined| Validation { right, examined };
    let found =
        corrected_share_validated(30, 100, validated(42, 60), validated(196, 200), P95).unwrap();
    close(found.value, 0.41176470588235303, 9);
    spans(found.interval, 0.28087476116578014, 0.5855655131080787, 10);
    let found =
        corrected_share_validated(23, 150, validated(48, 50), validated(89, 100), P95).unwrap();
    spans(found.interval, 0.0, 0.14754397025067129, 10);
    assert!(corrected_share_validated(1, 9, validated(1, 0), validated(1, 2), P95).is_err());
    assert!(corrected_share_validated(1, 9, validated(2, 9), validated(2, 9), P95).is_err());
}

/// Nondifferential errors pull towards 1; undoing them gives the truth back.
#[test]
fn correction_recovers_the_true_ratio() {
    // truth: 100 events on 400, 60 on 600 changes; ratio 2.5
    let flag = Accuracy::new(0.75, 0.9).unwrap();
    let flagged_events = 0.75 * 100.0 + 0.1 * 60.0;
    let flagged_changes = 0.75 * 400.0 + 0.1 * 600.0;
    let first = counted(flagged_events as u64, flagged_changes);
    let second = counted(160 - flagged_events as u64, 1000.0 - flagged_changes);
    let crude = rate_ratio::exact_interval(first, second, P95).unwrap();
    assert!(crude.value < 2.0);
    let found = corrected_rate_ratio(first, second, flag, flag, P95).unwrap();
    close(found.value, 2.5, 9);
    // incidents searched harder than quiet changes: the same data, no effect left
    let hunted = Accuracy::new(0.95, 0.74).unwrap();
    let differential = corrected_rate_ratio(first, second, hunted, flag, P95).unwrap();
    assert!(differential.value < 1.0);
    assert!(Accuracy::new(0.5, 0.5).is_err() && Accuracy::new(f64::NAN, 1.0).is_err());
    let blind = Accuracy::new(0.3, 1.0).unwrap();
    assert!(corrected_rate_ratio(first, second, flag, blind, P95).is_err());
    assert!(corrected_rate_ratio(counted(0, 1.0), counted(0, 1.0), flag, flag, P95).is_err());
}

#[test]
fn flips_are_the_smallest_that_change_the_verdict() {
    let (a, b) = (counted(30, 1000.0), counted(30, 2500.0));
    let verdict = |x: u64, y: u64| {
        let found =
            rate_ratio::exact_interval(counted(x, 1000.0), counted(y, 2500.0), P95).unwrap();
        (found.interval.low > 1.0, found.interval.high < 1.0)
    };
    let found = flips(a, b, P95).unwrap();
    let k = found.out_of_first.unwrap();
    assert_eq!(verdict(30 - k + 1, 30 + k - 1), verdict(30, 30));
    assert_ne!(verdict(30 - k, 30 + k), verdict(30, 30));
    assert_eq!(found.into_first, None);
    let around = flips(counted(5, 1000.0), counted(6, 1000.0), P95).unwrap();
    assert!(around.out_of_first.is_some() && around.into_first.is_some());
}

#[test]
fn undeclared_use_turns_higher_into_cannot_tell() {
    let (declared, rest) = (counted(40, 1000.0), counted(60, 4000.0));
    let crude = rate_ratio::exact_interval(declared, rest, P95).unwrap();
    assert!(crude.interval.low > 1.0);
    let none = rate_ratio_bounds(declared, rest, Hidden::up_to(0.0).unwrap(), P95).unwrap();
    assert_eq!(none.interval, crude.interval);
    let tolerated = tolerable_share(declared, rest, P95).unwrap().unwrap();
    assert!((0.0..0.5).contains(&tolerated), "{tolerated}");
    let holds = |share: f64| {
        let hidden = Hidden::up_to(share).unwrap();
        rate_ratio_bounds(declared, rest, hidden, P95)
            .unwrap()
            .interval
            .contains(1.0)
    };
    assert!(!holds(tolerated - 1e-3) && holds(tolerated + 1e-3));
    assert_eq!(
        tolerable_share(counted(5, 10.0), counted(5, 10.0), P95).unwrap(),
        None
    );
    let all = rate_ratio_bounds(declared, rest, Hidden::up_to(1.0).unwrap(), P95).unwrap();
    assert!(all.interval.low == 0.0 && all.interval.high.is_infinite());
    // a corner by hand: no hidden events, half of the exposure hidden
    let hidden = Hidden::new(Interval::new(0.0, 0.0), Interval::new(0.5, 0.5)).unwrap();
    let found = rate_ratio_bounds(declared, rest, hidden, P95).unwrap();
    close(found.identified.low, 40.0 / 3000.0 / (60.0 / 2000.0), 10);
    close(found.identified.high, found.identified.low, 10);
}

/// With a quarter of the rest secretly like the declared part, the true ratio
/// of 4 shows as 4 / (0.25·4 + 0.75) and comes back exactly.
#[test]
fn alike_correction_undoes_dilution() {
    let found = rate_ratio_if_alike(counted(400, 1000.0), counted(175, 1000.0), 0.25, P95).unwrap();
    close(found.value, 4.0, 9);
    assert!(found.interval.contains(4.0));
    let beyond = rate_ratio_if_alike(counted(400, 1000.0), counted(80, 1000.0), 0.5, P95).unwrap();
    assert!(beyond.value.is_infinite());
    assert!(rate_ratio_if_alike(counted(4, 1.0), counted(8, 1.0), 1.0, P95).is_err());
    for (events, exposure) in [
        ((0.5, 0.2), (0.0, 0.1)),
        ((0.0, 1.5), (0.0, 0.1)),
        ((0.0, 0.1), (1.0, 1.0)),
    ] {
        let range = |(low, high)| Interval::new(low, high);
        assert!(Hidden::new(range(events), range(exposure)).is_err());
    }
}

proptest! {
    #[test]
    fn more_hiding_never_narrows_the_bounds(
        x in 0u64..60, y in 1u64..60, t in 1.0f64..500.0, u in 1.0f64..500.0,
        small in 0.0f64..0.5, more in 0.0f64..0.5,
    ) {
        let bounds = |share: f64| {
            rate_ratio_bounds(counted(x, t), counted(y, u), Hidden::up_to(share).unwrap(), P95).unwrap()
        };
        let (inner, outer) = (bounds(small), bounds(small + more));
        prop_assert!(outer.interval.low <= inner.interval.low * (1.0 + 1e-9));
        prop_assert!(outer.interval.high >= inner.interval.high * (1.0 - 1e-9));
        prop_assert!(inner.interval.low <= inner.identified.low * (1.0 + 1e-9));
        prop_assert!(inner.interval.high >= inner.identified.high * (1.0 - 1e-9));
    }

    #[test]
    fn every_scenario_lies_inside_the_bounds(
        x in 0u64..40, y in 1u64..40, t in 1.0f64..500.0, u in 1.0f64..500.0,
        moved in 0.0f64..=1.0, exposure in 0.0f64..=1.0, limit in 0.05f64..0.9,
    ) {
        let found =
            rate_ratio_bounds(counted(x, t), counted(y, u), Hidden::up_to(limit).unwrap(), P95).unwrap();
        let shift = moved * limit * y as f64;
        let hidden = exposure * limit * u;
        let ratio = (x as f64 + shift) / (t + hidden) / ((y as f64 - shift) / (u - hidden));
        prop_assert!(found.identified.low <= ratio * (1.0 + 1e-9));
        prop_assert!(ratio <= found.identified.high * (1.0 + 1e-9));
    }
}
