//! Corrections for many tests.

use super::places;
use countersign_stats::Random;
use countersign_stats::multiple::{Method, adjust, e_benjamini_hochberg};
use proptest::prelude::*;

/// The thrombolysis example of Benjamini & Hochberg 1995; adjusted values by
/// statsmodels 0.15.0 `multipletests`.
const P: [f64; 15] = [
    0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.324, 0.4262, 0.5719,
    0.6528, 0.759, 1.0,
];

#[test]
fn benjamini_hochberg_example() {
    for (method, rejected, adjusted) in [
        (
            Method::BenjaminiHochberg,
            4,
            [
                0.0015,
                0.003,
                0.0095,
                0.035625,
                0.0603,
                0.063857143,
                0.063857143,
                0.0645,
            ],
        ),
        (
            Method::Holm,
            3,
            [0.0015, 0.0056, 0.0247, 0.114, 0.2211, 0.278, 0.278, 0.278],
        ),
        (
            Method::Bonferroni,
            3,
            [0.0015, 0.006, 0.0285, 0.1425, 0.3015, 0.417, 0.447, 0.516],
        ),
        (
            Method::BenjaminiYekutieli,
            3,
            [
                0.004977343,
                0.009954687,
                0.031523175,
                0.118211908,
                0.200089208,
                0.211892623,
                0.211892623,
                0.21402577,
            ],
        ),
    ] {
        let found = adjust(&P, method).unwrap();
        assert_eq!(
            found.iter().filter(|&&p| p <= 0.05).count(),
            rejected,
            "{method:?}"
        );
        for (got, want) in found.iter().zip(adjusted) {
            places(*got, want, 9);
        }
    }
}

#[test]
fn e_bh_by_hand() {
    // m / level = 100: sorted 300, 60, 40, 1, 0.2 -> 300*1, 60*2, 40*3 pass
    let found = e_benjamini_hochberg(&[1.0, 300.0, 40.0, 0.2, 60.0], 0.05).unwrap();
    assert_eq!(found, [1, 2, 4]);
    assert!(e_benjamini_hochberg(&[1.0, 2.0], 0.05).unwrap().is_empty());
    assert_eq!(e_benjamini_hochberg(&[f64::INFINITY], 0.05).unwrap(), [0]);
    assert!(e_benjamini_hochberg(&[f64::NAN], 0.05).is_err());
    assert!(e_benjamini_hochberg(&[-1.0], 0.05).is_err());
    assert!(adjust(&[0.1, 1.1], Method::Holm).is_err());
    assert!(adjust(&[f64::NAN], Method::Holm).is_err());
    assert!(adjust(&[], Method::Holm).unwrap().is_empty());
}

/// 80 true nulls and 20 real effects: the mean share of false claims stays
/// below the level.
#[test]
fn false_discoveries_stay_below_the_level() {
    let mut random = Random::seeded(4);
    let runs = 400;
    let mut share = 0.0;
    for _ in 0..runs {
        let p: Vec<f64> = (0..100)
            .map(|i| {
                if i < 80 {
                    random.uniform()
                } else {
                    random.uniform() * 0.002
                }
            })
            .collect();
        let adjusted = adjust(&p, Method::BenjaminiHochberg).unwrap();
        let claims = adjusted.iter().filter(|&&p| p <= 0.1).count();
        let wrong = adjusted.iter().take(80).filter(|&&p| p <= 0.1).count();
        share += wrong as f64 / claims.max(1) as f64;
    }
    assert!(
        share / f64::from(runs) <= 0.1,
        "{}",
        share / f64::from(runs)
    );
}

proptest! {
    #[test]
    fn order_is_kept_and_methods_nest(p in prop::collection::vec(0.0f64..=1.0, 1..40)) {
        let get = |method| adjust(&p, method).unwrap();
        let (bh, by) = (get(Method::BenjaminiHochberg), get(Method::BenjaminiYekutieli));
        let (holm, bonferroni) = (get(Method::Holm), get(Method::Bonferroni));
        for i in 0..p.len() {
            prop_assert!(p[i] <= bh[i] + 1e-12 && bh[i] <= by[i] + 1e-12);
            prop_assert!(bh[i] <= holm[i] + 1e-12 && holm[i] <= bonferroni[i] + 1e-12);
            for j in 0..p.len() {
                if p[i] < p[j] {
                    prop_assert!(bh[i] <= bh[j] && holm[i] <= holm[j]);
                }
            }
        }
    }
}
