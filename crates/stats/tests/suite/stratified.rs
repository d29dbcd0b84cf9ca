//! Mantel–Haenszel estimates.

use super::{close, counted, places, spans};
use countersign_stats::stratified::{RateStratum, TwoByTwo, odds_ratio, rate_ratio};
use countersign_stats::{Confidence, Error};
use proptest::prelude::*;

fn table(first_yes: u64, first_no: u64, second_yes: u64, second_no: u64) -> TwoByTwo {
    TwoByTwo {
        first_yes,
        first_no,
        second_yes,
        second_no,
    }
}

/// Admissions at Berkeley by department (Bickel, Hammel & O'Connell 1975; R
/// `UCBAdmissions`): men admitted and rejected, women admitted and rejected.
fn berkeley() -> [TwoByTwo; 6] {
    [
        table(512, 313, 89, 19),
        table(353, 207, 17, 8),
        table(120, 205, 202, 391),
        table(138, 279, 131, 244),
        table(53, 138, 94, 299),
        table(22, 351, 24, 317),
    ]
}

/// R `mantelhaen.test(UCBAdmissions)`; statsmodels 0.15.0 `StratifiedTable`.
#[test]
fn berkeley_matches_published_values_and_flips_sign() {
    let found = odds_ratio(&berkeley(), Confidence::P95).unwrap();
    places(found.ratio.crude, 1.841080, 6);
    places(found.ratio.adjusted.value, 0.904697, 6);
    spans(found.ratio.adjusted.interval, 0.771907, 1.060330, 6);
    places(found.cmh_corrected.statistic, 1.426946, 6);
    places(found.cmh_corrected.p_value, 0.232263, 6);
    places(found.cmh.statistic, 1.524607, 6);
    close(found.cmh.p_value, 0.21692369705551817, 8);
    places(found.breslow_day.statistic, 18.825513, 6);
    places(found.breslow_day.p_value, 0.002071, 6);
    places(found.tarone.statistic, 18.82550125205323, 6);
    assert_eq!(found.ratio.informative_strata, 6);
    assert!(
        found.ratio.sign_flips(),
        "Simpson's paradox must be said aloud"
    );
}

/// Rothman, *Epidemiology: An Introduction*, clozapine and mortality.
#[test]
fn clozapine_rates_match_published_values() {
    let strata = [
        RateStratum {
            first: counted(196, 62119.0),
            second: counted(111, 15763.0),
        },
        RateStratum {
            first: counted(167, 6085.0),
            second: counted(157, 2780.0),
        },
    ];
    // the published interval rounds the normal quantile to 1.96
    let level = Confidence::new(0.950_004_209_703_559).unwrap();
    let found = rate_ratio(&strata, level).unwrap();
    places(found.adjusted.value, 0.468872, 6);
    spans(found.adjusted.interval, 0.399839, 0.549824, 6);
    places(found.crude, 0.368249, 6);
    assert!(!found.sign_flips());
}

/// Assisted changes go to the risky services. Pooled they look twice as
/// dangerous; on each kind of service they are the safer ones.
#[test]
fn simpsons_trap_with_rates() {
    let strata = [
        RateStratum {
            first: counted(8, 1600.0),
            second: counted(48, 6400.0),
        },
        RateStratum {
            first: counted(256, 6400.0),
            second: counted(96, 1600.0),
        },
    ];
    let found = rate_ratio(&strata, Confidence::P95).unwrap();
    assert!(found.crude > 1.8, "{}", found.crude);
    assert!(found.adjusted.interval.high < 1.0, "{:?}", found.adjusted);
    assert!(found.sign_flips());
}

#[test]
fn strata_without_information_are_refused_or_ignored() {
    assert!(matches!(
        odds_ratio(&[], Confidence::P95),
        Err(Error::TooFew { .. })
    ));
    let empty = table(0, 10, 0, 12);
    assert!(matches!(
        odds_ratio(&[empty], Confidence::P95),
        Err(Error::Undetermined { .. })
    ));
    let with = odds_ratio(&[table(4, 6, 3, 9), empty], Confidence::P95).unwrap();
    let without = odds_ratio(&[table(4, 6, 3, 9)], Confidence::P95).unwrap();
    assert_eq!(with.ratio.adjusted, without.ratio.adjusted);
    let none = RateStratum {
        first: counted(0, 3.0),
        second: counted(4, 5.0),
    };
    assert!(rate_ratio(&[none], Confidence::P95).is_err());
    assert!(odds_ratio(&[table(u64::MAX, 1, 1, 1)], Confidence::P95).is_err());
}

proptest! {
    #[test]
    fn one_stratum_gives_the_plain_ratio(a in 1u64..500, b in 1u64..500, c in 1u64..500, d in 1u64..500) {
        let found = odds_ratio(&[table(a, b, c, d)], Confidence::P95).unwrap();
        prop_assert!((found.ratio.adjusted.value / found.ratio.crude - 1.0).abs() < 1e-12);
        let swapped = odds_ratio(&[table(c, d, a, b)], Confidence::P95).unwrap();
        prop_assert!((found.ratio.adjusted.value * swapped.ratio.adjusted.value - 1.0).abs() < 1e-12);
        prop_assert!((found.cmh.statistic - swapped.cmh.statistic).abs() < 1e-8 * (1.0 + found.cmh.statistic));
    }

    #[test]
    fn equal_strata_rates_stay_put(ratio in 0.2f64..5.0, strata in 1usize..6) {
        // every stratum has the same ratio but its own base rate and size
        let rows: Vec<RateStratum> = (1..=strata as u64)
            .map(|k| {
                let base = 100 * k;
                let t = 50.0 * k as f64 * k as f64;
                RateStratum { first: counted(base, t / ratio), second: counted(base, t) }
            })
            .collect();
        let found = rate_ratio(&rows, Confidence::P95).unwrap();
        prop_assert!((found.adjusted.value / ratio - 1.0).abs() < 1e-9);
    }
}
