//! Mann–Whitney, permutation tests, dispersion.

use super::{close, places, spans};
use countersign_stats::dispersion::dispersion;
use countersign_stats::mann_whitney::compare;
use countersign_stats::permutation::{mean_difference, permutation_test};
use countersign_stats::{Confidence, Error, Random};
use proptest::prelude::*;

const P95: Confidence = Confidence::P95;

/// R `wilcox.test(c(10,20,30,40), 1:4, conf.int=TRUE)`, as kayenta's
/// `MannWhitneySuite` states it.
#[test]
fn r_tie_out_without_ties() {
    let found = compare(&[10.0, 20.0, 30.0, 40.0], &[1.0, 2.0, 3.0, 4.0], P95).unwrap();
    assert!(found.exact && found.u == 16.0 && found.superiority == 1.0);
    spans(found.shift.interval, 6.0, 39.0, 9);
    places(found.shift.value, 22.5, 9);
    close(found.p_two_sided, 0.02857142857142857, 10);
}

/// scipy 1.17.1 `mannwhitneyu(method="exact")`; interval from the exact
/// distribution of U by counting, as R's `qwilcox` does.
#[test]
fn exact_test_and_interval() {
    let x = [
        20.758, 22.802, 20.612, 20.973, 23.469, 21.531, 21.767, 18.308, 19.062, 25.879,
    ];
    let y = [
        9.777, 10.587, 17.838, 19.324, 18.377, 8.936, 21.271, 19.748, 11.624,
    ];
    let found = compare(&x, &y, P95).unwrap();
    assert_eq!(found.u, 80.0);
    close(found.p_two_sided, 0.0029877243499534523, 9);
    close(found.p_greater, 0.0014938621749767261, 9);
    places(found.shift.value, 5.3615, 9);
    spans(found.shift.interval, 1.531, 11.178, 9);
    let found = compare(&x, &y, Confidence::new(0.98).unwrap()).unwrap();
    spans(found.shift.interval, 1.224, 11.754, 9);
}

/// Part of the request times of kayenta's R tie-out, full of ties; scipy 1.17.1
/// `mannwhitneyu(method="asymptotic")` and root finding as in R `wilcox.test`.
#[test]
fn ties_use_the_corrected_normal_approximation() {
    let control = [
        1.5, 6.0, 5.0, 2.5, 2.5, 2.0, 2.0, 3.5, 3.0, 3.0, 3.0, 2.0, 3.0, 8.0, 4.0, 2.5, 3.0, 2.5,
        2.5, 2.0, 2.5, 2.0, 2.0, 2.5, 3.5, 3.0, 1.5, 5.0, 2.5, 5.5,
    ];
    let canary = [
        2.5, 2.5, 2.0, 2.5, 3.5, 2.0, 3.5, 1.5, 3.0, 3.0, 2.5, 3.5, 2.0, 2.5, 2.0, 2.0, 5.0, 3.0,
        2.0, 1.5, 2.0, 4.0, 3.0, 2.5, 3.0,
    ];
    let found = compare(&canary, &control, P95).unwrap();
    assert!(!found.exact && found.u == 323.5);
    close(found.p_two_sided, 0.37926093467884814, 9);
    close(found.p_less, 0.18963046733942407, 9);
    spans(found.shift.interval, -0.5, 0.0, 9);
    places(found.shift.value, 0.0, 9);
}

/// Canary data from reported complaints: kayenta #426 and #799, spinnaker
/// #6278. p-values by scipy 1.17.1 `mannwhitneyu` and `permutation_test`.
#[test]
fn canary_complaints() {
    let seven: Vec<f64> = [vec![100.0; 7], vec![1.0; 3]].concat();
    let eight: Vec<f64> = [vec![100.0; 8], vec![1.0; 2]].concat();
    for (canary, baseline, mann_whitney, permutation) in [
        (
            vec![0.0, 1.0, 2.0, 1.0, 0.0, 0.0],
            vec![0.0; 6],
            0.07313979965890892,
            0.18181818181818182,
        ),
        (
            vec![1.0, 4.0, 2.0, 3.0, 1.0],
            vec![0.0; 5],
            0.007290358091535638,
            0.007936507936507936,
        ),
        (
            seven,
            vec![1.0; 10],
            0.001616772830620606,
            0.0030959752321981426,
        ),
        (
            eight,
            vec![1.0; 10],
            0.00044051921287451397,
            0.0007144558228149559,
        ),
    ] {
        let found = compare(&canary, &baseline, P95).unwrap();
        close(found.p_two_sided, mann_whitney, 9);
        let found = permutation_test(&canary, &baseline, mean_difference, 999, 1).unwrap();
        assert!(found.exact);
        close(found.p_two_sided, permutation, 9);
    }
}

#[test]
fn drawn_permutations_agree_with_all_of_them() {
    let first: Vec<f64> = (0..10).map(f64::from).collect();
    let second: Vec<f64> = (0..10).map(|i| f64::from(i) * 1.1 + 1.9).collect();
    let exact = permutation_test(&first, &second, mean_difference, 0, 1).unwrap();
    assert!(exact.exact);
    let longer = |v: &[f64]| [v, v].concat();
    let drawn =
        permutation_test(&longer(&first), &longer(&second), mean_difference, 4000, 7).unwrap();
    let again =
        permutation_test(&longer(&first), &longer(&second), mean_difference, 4000, 7).unwrap();
    assert!(!drawn.exact);
    assert_eq!(drawn, again, "the same seed gives the same answer");
    assert!(drawn.p_two_sided < exact.p_two_sided && drawn.p_two_sided > 0.0);
}

/// scipy 1.17.1 `chi2`.
#[test]
fn dispersion_index() {
    let found = dispersion(&[2, 14, 3, 11, 1, 17], &[100.0; 6]).unwrap();
    close(found.index, 5.9, 10);
    close(found.p_over, 1.8496284022361776e-05, 8);
    close(found.p_under, 0.9999815037159776, 9);
    let even = dispersion(&[5, 10, 15], &[1.0, 2.0, 3.0]).unwrap();
    assert!(even.index < 1e-12 && (even.p_over - 1.0).abs() < 1e-12);
    assert!(dispersion(&[0, 0], &[1.0, 1.0]).is_err());
    assert!(dispersion(&[1], &[1.0]).is_err());
    assert!(dispersion(&[1, 2], &[1.0, f64::NAN]).is_err());
}

#[test]
fn bad_samples_are_refused() {
    assert!(matches!(
        compare(&[], &[1.0], P95),
        Err(Error::TooFew { .. })
    ));
    assert!(matches!(
        compare(&[f64::NAN], &[1.0], P95),
        Err(Error::BadElement { .. })
    ));
    assert!(matches!(
        compare(&[1.0; 4], &[1.0; 4], P95),
        Err(Error::Undetermined { .. })
    ));
    assert!(matches!(
        compare(&[1.0; 3000], &[1.0; 3000], P95),
        Err(Error::TooLarge { .. })
    ));
    assert!(permutation_test(&[1.0], &[], mean_difference, 9, 0).is_err());
    assert!(permutation_test(&[1.0], &[2.0], |_, _| f64::NAN, 9, 0).is_err());
}

/// Both tests keep their level when nothing differs; the interval of the shift
/// covers it.
#[test]
fn levels_and_coverage_hold() {
    let mut random = Random::seeded(15);
    let runs = 1000u32;
    let (mut rejected, mut covered) = (0u32, 0u32);
    for _ in 0..runs {
        let mut sample = |n: usize, shift: f64| -> Vec<f64> {
            // skewed: squares of uniforms
            (0..n).map(|_| random.uniform().powi(2) + shift).collect()
        };
        let (a, b, moved) = (sample(8, 0.0), sample(9, 0.0), sample(9, -0.3));
        rejected += u32::from(compare(&a, &b, P95).unwrap().p_two_sided < 0.05);
        covered += u32::from(
            compare(&a, &moved, P95)
                .unwrap()
                .shift
                .interval
                .contains(0.3),
        );
    }
    let share = |n: u32| f64::from(n) / f64::from(runs);
    assert!(share(rejected) < 0.06, "{}", share(rejected));
    assert!(share(covered) > 0.94, "{}", share(covered));
}

proptest! {
    #[test]
    fn swapping_samples_mirrors_everything(
        a in prop::collection::vec(-50i32..50, 1..30), b in prop::collection::vec(-50i32..50, 1..30),
    ) {
        let floats = |v: &[i32]| v.iter().map(|&x| f64::from(x)).collect::<Vec<_>>();
        let (a, b) = (floats(&a), floats(&b));
        if let (Ok(ab), Ok(ba)) = (compare(&a, &b, P95), compare(&b, &a, P95)) {
            prop_assert!((ab.p_two_sided - ba.p_two_sided).abs() < 1e-9);
            prop_assert!((ab.p_less - ba.p_greater).abs() < 1e-9);
            prop_assert!((ab.shift.value + ba.shift.value).abs() < 1e-9);
            prop_assert!((ab.shift.interval.low + ba.shift.interval.high).abs() < 1e-9);
            prop_assert!((ab.superiority + ba.superiority - 1.0).abs() < 1e-9);
        }
    }
}
