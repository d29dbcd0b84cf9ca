//! Trend tests on event times.

use super::{close, places};
use countersign_stats::trend::{
    Window, laplace, laplace_exact, mil_hdbk_189, power_law, reverse_arrangements,
};
use countersign_stats::{Confidence, Random};
use proptest::prelude::*;

/// NIST/SEMATECH e-Handbook 8.2.3.4 and 8.1.7: ten repairs in 1,500 hours.
const REPAIRS: [f64; 10] = [
    5.0, 40.0, 43.0, 175.0, 389.0, 712.0, 747.0, 795.0, 1299.0, 1478.0,
];
const GAPS: [f64; 10] = [
    5.0, 35.0, 3.0, 132.0, 214.0, 323.0, 35.0, 48.0, 504.0, 179.0,
];

#[test]
fn nist_repair_example() {
    let window = Window::Until(1500.0);
    let found = mil_hdbk_189(&REPAIRS, window).unwrap();
    places(found.statistic, 37.22808, 5);
    places(found.p_falling, 0.010986, 6);
    let found = laplace(&REPAIRS, window).unwrap();
    places(found.statistic, -1.326949, 6);
    close(found.p_falling, 0.0922627, 5);
    let shape = power_law(&REPAIRS, window, Confidence::P95).unwrap();
    places(shape.shape.value, 0.537229, 6);
    places(shape.unbiased_shape, 0.483506, 6);
    // scipy 1.17.1 chi2.ppf([.025, .975], 20) / (2 Σ ln(T/t))
    places(shape.shape.interval.low, 0.25762212, 8);
    places(shape.shape.interval.high, 0.91784496, 8);
    assert_eq!(reverse_arrangements(&GAPS).unwrap().statistic, 33.0);
}

/// Rational arithmetic (Python `fractions`) of the Irwin–Hall distribution.
#[test]
fn exact_laplace_is_the_sum_of_uniform_places() {
    let found = laplace_exact(&REPAIRS, Window::Until(1500.0)).unwrap();
    places(found.statistic, -1.326949, 6);
    close(found.p_falling, 0.09369340106194937, 12);
    close(found.p_two_sided, 2.0 * 0.09369340106194937, 12);
    // n even places that add up to x
    for (n, x, below) in [
        (2, 0.2, 0.02),
        (3, 0.48, 0.018432),
        (5, 1.4, 0.044392),
        (10, 3.1, 0.018022394767022595),
        (20, 7.0, 0.009680761241755645),
    ] {
        let times = vec![x / f64::from(n); n as usize];
        let found = laplace_exact(&times, Window::Until(1.0)).unwrap();
        close(found.p_falling, below, 9);
        close(found.p_rising, 1.0 - below, 9);
    }
    // beyond twenty the normal distribution takes over without a step
    let many: Vec<f64> = (1..=21).map(|i| f64::from(i) / 30.0).collect();
    let (few, window) = (&many[..20], Window::Until(1.0));
    let exact = laplace_exact(few, window).unwrap().p_falling;
    let normal = laplace(few, window).unwrap().p_falling;
    assert!((exact / normal - 1.0).abs() < 0.2, "{exact} {normal}");
    assert_eq!(laplace_exact(&many, window), laplace(&many, window));
}

/// scipy 1.17.1: the same formulas with T at the last event.
#[test]
fn observation_up_to_the_last_event() {
    let found = laplace(&REPAIRS, Window::LastEvent).unwrap();
    close(found.statistic, -1.910959077723714, 10);
    let found = mil_hdbk_189(&REPAIRS, Window::LastEvent).unwrap();
    close(found.statistic, 36.93257577184008, 10);
    close(found.p_falling, 0.0053475054165251, 9);
    let shape = power_law(&REPAIRS, Window::LastEvent, Confidence::P95).unwrap();
    close(shape.shape.value, 0.5415273530759089, 10);
    close(shape.unbiased_shape, 0.4332218824607271, 10);
}

/// Exact: scipy 1.17.1 `kendalltau(range(n), gaps, method="exact")`; with ties:
/// its normal approximation with a continuity correction added.
#[test]
fn reverse_arrangements_match_kendalls_tau() {
    let untied = [
        4.0, 35.0, 3.0, 132.0, 214.0, 323.0, 36.0, 48.0, 504.0, 179.0,
    ];
    let found = reverse_arrangements(&untied).unwrap();
    assert_eq!(found.statistic, 34.0);
    close(found.p_falling, 0.023311287477954145, 9);
    close(found.p_two_sided, 0.04662257495590829, 9);
    let found = reverse_arrangements(&GAPS).unwrap();
    close(found.p_falling, 0.029657203235177267, 9);
    close(found.p_rising, 0.9805602977423843, 9);
    let tied = [
        5.0, 3.0, 3.0, 8.0, 1.0, 9.0, 9.0, 12.0, 7.0, 15.0, 15.0, 22.0, 3.0,
    ];
    close(
        reverse_arrangements(&tied).unwrap().p_falling,
        0.01801760899457052,
        9,
    );
}

#[test]
fn bad_times_are_refused() {
    let until = Window::Until(10.0);
    for bad in [
        &[1.0][..],
        &[2.0, 1.0],
        &[1.0, 11.0],
        &[0.0, 1.0],
        &[1.0, f64::NAN],
        &[10.0, 10.0],
    ] {
        assert!(laplace(bad, until).is_err(), "{bad:?}");
        assert!(mil_hdbk_189(bad, until).is_err(), "{bad:?}");
    }
    assert!(laplace(&[1.0, 2.0], Window::LastEvent).is_err());
    assert!(laplace(&[1.0, 2.0], Window::Until(f64::NAN)).is_err());
    assert!(reverse_arrangements(&[1.0; 8]).is_err());
    assert!(reverse_arrangements(&[1.0, 2.0]).is_err());
}

/// A steady process: each test is wrong about five times in a hundred.
#[test]
fn steady_processes_rarely_show_a_trend() {
    let mut random = Random::seeded(21);
    let runs = 2000;
    let mut wrong = [0u32; 3];
    for _ in 0..runs {
        let mut times: Vec<f64> = (0..12).map(|_| 100.0 * random.uniform() + 1e-9).collect();
        times.sort_by(f64::total_cmp);
        let gaps: Vec<f64> = std::iter::once(0.0)
            .chain(times.iter().copied())
            .zip(&times)
            .map(|(a, b)| b - a)
            .collect();
        let window = Window::Until(100.0);
        wrong[0] += u32::from(laplace(&times, window).unwrap().p_two_sided < 0.05);
        wrong[1] += u32::from(mil_hdbk_189(&times, window).unwrap().p_two_sided < 0.05);
        wrong[2] += u32::from(reverse_arrangements(&gaps).unwrap().p_two_sided < 0.05);
    }
    for count in wrong {
        assert!(f64::from(count) / f64::from(runs) < 0.066, "{wrong:?}");
    }
}

proptest! {
    #[test]
    fn the_unit_of_time_does_not_matter(scale in 0.001f64..1000.0) {
        let scaled: Vec<f64> = REPAIRS.iter().map(|t| t * scale).collect();
        let plain = laplace(&REPAIRS, Window::Until(1500.0)).unwrap();
        let found = laplace(&scaled, Window::Until(1500.0 * scale)).unwrap();
        prop_assert!((plain.statistic - found.statistic).abs() < 1e-9);
        let plain = mil_hdbk_189(&REPAIRS, Window::Until(1500.0)).unwrap();
        let found = mil_hdbk_189(&scaled, Window::Until(1500.0 * scale)).unwrap();
        prop_assert!((plain.p_rising - found.p_rising).abs() < 1e-9);
    }

    #[test]
    fn reversing_the_gaps_swaps_the_directions(gaps in prop::collection::vec(0u32..1000, 4..40)) {
        let forward: Vec<f64> = gaps.iter().map(|&g| f64::from(g)).collect();
        let backward: Vec<f64> = forward.iter().rev().copied().collect();
        if let (Ok(a), Ok(b)) = (reverse_arrangements(&forward), reverse_arrangements(&backward)) {
            prop_assert!((a.p_rising - b.p_falling).abs() < 1e-9);
        }
    }
}
