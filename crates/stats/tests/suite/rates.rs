//! One and two Poisson rates, proportions.

use super::{close, counted, places, spans};
use countersign_stats::proportion::{self, Method as Share};
use countersign_stats::rate_test::Method;
use countersign_stats::{
    Alternative, Confidence, Counted, Error, Random, rate, rate_ratio, rate_test,
};
use proptest::prelude::*;

const P95: Confidence = Confidence::P95;

/// R `poisson.test(137, 24.19893)` and chi-square tables.
#[test]
fn garwood_interval_matches_published_values() {
    let found = rate::exact_interval(counted(137, 24.19893), P95);
    places(found.value, 5.661407, 6);
    spans(found.interval, 4.753125, 6.692709, 6);
    for (events, low, high) in [
        (0, 0.0, 3.688879),
        (1, 0.025318, 5.571643),
        (2, 0.242209, 7.224688),
        (3, 0.618672, 8.767273),
        (5, 1.623486, 11.668332),
        (10, 4.795389, 18.390356),
    ] {
        spans(
            rate::exact_interval(counted(events, 1.0), P95).interval,
            low,
            high,
            6,
        );
    }
}

#[test]
fn rule_of_three() {
    places(rate::upper_bound(counted(0, 1.0), P95), 2.995732, 6);
    places(rate::upper_bound(counted(0, 1000.0), P95), 0.002995732, 9);
    close(rate::lower_bound(counted(0, 1.0), P95), 0.0, 6);
    // scipy 1.17.1 chi2.ppf(.05, 20)/2
    places(rate::lower_bound(counted(10, 1.0), P95), 5.425406, 6);
}

/// R `poisson.test(c(11, 21), c(800, 3011))`; mid-p limits by root finding on
/// scipy 1.17.1 `binom`.
#[test]
fn exact_rate_ratio_matches_published_values() {
    let (a, b) = (counted(11, 800.0), counted(21, 3011.0));
    let exact = rate_ratio::exact_interval(a, b, P95).unwrap();
    places(exact.value, 1.971488, 6);
    spans(exact.interval, 0.858426, 4.277266, 6);
    let p = rate_ratio::exact_test(a, b, 1.0).unwrap();
    places(p.two_sided, 0.0796686, 7);
    // scipy 1.17.1: twice binom(32, 800/3811).sf(10) less half of pmf(11)
    close(p.mid_p, 0.0800768365603875, 10);
    let mid = rate_ratio::mid_p_interval(a, b, P95).unwrap();
    close(mid.interval.low, 0.9166020758605322, 9);
    close(mid.interval.high, 4.058404252508526, 9);
    let mid = rate_ratio::mid_p_interval(counted(60, 51477.5), counted(30, 54308.7), P95).unwrap();
    close(mid.interval.low, 1.3681036551886454, 9);
    close(mid.interval.high, 3.307296722010927, 9);
}

#[test]
fn rate_ratio_edges() {
    let none = counted(0, 10.0);
    let three = counted(3, 10.0);
    assert!(matches!(
        rate_ratio::exact_interval(none, none, P95),
        Err(Error::Undetermined { .. })
    ));
    let low = rate_ratio::exact_interval(none, three, P95).unwrap();
    assert!(low.value == 0.0 && low.interval.low == 0.0 && low.interval.high.is_finite());
    let high = rate_ratio::mid_p_interval(three, none, P95).unwrap();
    assert!(high.value.is_infinite() && high.interval.high.is_infinite());
    assert!(high.interval.low > 0.0);
    let p = rate_ratio::exact_test(none, none, 1.0).unwrap();
    assert!((p.two_sided - 1.0).abs() < 1e-12);
    for bad in [f64::NAN, 0.0, -1.0, f64::INFINITY] {
        assert!(rate_ratio::exact_test(three, three, bad).is_err());
        assert!(Counted::new(1, bad).is_err());
    }
    assert!(Counted::new(u64::MAX, 1.0).is_err());
}

/// Gu et al. 2008, table values; more digits from statsmodels 0.15.0
/// `test_poisson_2indep(60, 51477.5, 30, 54308.7, method=…)`. The published
/// one-sided "exact" and "mid-p" of the first example are half of the
/// two-sided p-values.
#[test]
fn two_sample_tests_match_gu_2008() {
    use Alternative::{Greater, Less, TwoSided};
    let (a, b) = (counted(60, 51477.5), counted(30, 54308.7));
    let run = |method, side| rate_test::test(method, a, b, 1.0, side).unwrap();
    for (method, z, p) in [
        (Method::Wald, 3.384913, 0.0003560046642530554),
        (Method::Score, 3.417402, 0.0003161094410235486),
        (Method::SquareRoot, 3.445485, 0.0002850177810897554),
    ] {
        places(run(method, Greater).statistic.unwrap(), z, 6);
        close(run(method, Greater).p_value, p, 9);
        close(run(method, TwoSided).p_value, 2.0 * p, 9);
        close(run(method, Less).p_value, 1.0 - p, 9);
    }
    places(
        run(Method::ExactConditional, TwoSided).p_value / 2.0,
        0.000338,
        6,
    );
    places(run(Method::MidP, TwoSided).p_value / 2.0, 0.000279, 6);
    for (method, side, p) in [
        (Method::ExactConditional, TwoSided, 0.0006751826586863219),
        (Method::ExactConditional, Greater, 0.0004280526940501244),
        (Method::ExactConditional, Less, 0.9998077878100844),
        (Method::MidP, TwoSided, 0.0005572624066190538),
        (Method::MidP, Greater, 0.0003101324419828563),
        (Method::ETest, TwoSided, 0.0005672617581627942),
        (Method::ETest, Greater, 0.00029751917881239484),
        (Method::ETest, Less, 0.999712389256504),
    ] {
        close(run(method, side).p_value, p, 8);
    }
}

/// Gu et al. 2008, null ratio 1.5; statsmodels 0.15.0 `value=1.5`.
#[test]
fn two_sample_tests_with_a_null_ratio() {
    let (a, b) = (counted(41, 28010.0), counted(15, 19017.0));
    for (method, published, p) in [
        (Method::Wald, 0.23103, 0.23103376410526943),
        (Method::Score, 0.23990, 0.23989793034772794),
        (Method::SquareRoot, 0.25003, 0.25002807881868216),
        (Method::ExactConditional, 0.29145, 0.29145375376519733),
        (Method::MidP, 0.24517, 0.24517371850109793),
        (Method::ETest, 0.24548, 0.24547925217512698),
    ] {
        let found = rate_test::test(method, a, b, 1.5, Alternative::Greater).unwrap();
        places(found.p_value, published, 5);
        close(found.p_value, p, 8);
    }
    let two = rate_test::test(Method::ETest, a, b, 1.5, Alternative::TwoSided).unwrap();
    close(two.p_value, 0.48854523148875234, 8);
}

/// statsmodels 0.15.0 `proportion_confint(method="beta" | "wilson")`.
#[test]
fn proportion_intervals_match_statsmodels() {
    for (x, n, exact, wilson) in [
        (
            0,
            10,
            (0.0, 0.30849710781876083),
            (0.0, 0.27753279986288926),
        ),
        (
            2,
            10,
            (0.02521072632683336, 0.5560954623076415),
            (0.056682151454375246, 0.5098375284633583),
        ),
        (10, 10, (0.6915028921812392, 1.0), (0.7224672001371106, 1.0)),
        (
            37,
            400,
            (0.0659659425906885, 0.12524331309665682),
            (0.06785393449857381, 0.12489858538387787),
        ),
        (
            81,
            263,
            (0.25273674558527126, 0.3676219226013514),
            (0.2552885198782742, 0.36620957698280004),
        ),
    ] {
        let found = proportion::interval(x, n, P95, Share::ClopperPearson).unwrap();
        spans(found.interval, exact.0, exact.1, 10);
        let found = proportion::interval(x, n, P95, Share::Wilson).unwrap();
        spans(found.interval, wilson.0, wilson.1, 10);
    }
    assert!(proportion::interval(1, 0, P95, Share::Wilson).is_err());
    assert!(proportion::interval(5, 4, P95, Share::Wilson).is_err());
}

/// Exact summation over all outcomes: coverage never below nominal.
#[test]
fn exact_intervals_cover_at_least_nominally() {
    for mean in [0.05f64, 0.3, 1.0, 2.7, 5.0, 11.3] {
        let mut covered = 0.0;
        let mut pmf = (-mean).exp();
        for x in 0..80u64 {
            if rate::exact_interval(counted(x, 1.0), P95)
                .interval
                .contains(mean)
            {
                covered += pmf;
            }
            pmf *= mean / (x + 1) as f64;
        }
        assert!(covered >= 0.95 - 1e-9, "mean {mean}: {covered}");
    }
}

/// Simulated coverage of the exact ratio interval, small unequal arms.
#[test]
fn exact_ratio_interval_covers_in_simulation() {
    let mut random = Random::seeded(11);
    let (runs, mut covered, mut decided) = (3000, 0, 0);
    for _ in 0..runs {
        let a = poisson(&mut random, 2.0 * 1.2);
        let b = poisson(&mut random, 4.0);
        if let Ok(found) = rate_ratio::exact_interval(counted(a, 1.2), counted(b, 2.0), P95) {
            decided += 1;
            covered += u32::from(found.interval.contains(1.0));
        }
    }
    let share = f64::from(covered) / f64::from(decided);
    assert!(share >= 0.95, "{share}");
}

/// Poisson draws by multiplication of uniforms (Knuth); small means only.
pub(crate) fn poisson(random: &mut Random, mean: f64) -> u64 {
    let floor = (-mean).exp();
    let (mut n, mut product) = (0, random.uniform());
    while product > floor {
        n += 1;
        product *= random.uniform();
    }
    n
}

proptest! {
    /// The whole range of accepted input: no panic, no `NaN`, ends in order.
    #[test]
    fn extremes_stay_sane(
        x in prop_oneof![0u64..5, 0u64..1_000_000_000], y in prop_oneof![0u64..5, 0u64..1_000_000_000],
        t in -12f64..18.0, u in -12f64..18.0, level in 0.001f64..0.999_999,
    ) {
        let (a, b) = (counted(x, 10f64.powf(t)), counted(y, 10f64.powf(u)));
        let confidence = Confidence::new(level).unwrap();
        let single = rate::exact_interval(a, confidence).interval;
        prop_assert!(single.low <= a.rate() && a.rate() <= single.high);
        for method in [Share::ClopperPearson, Share::Wilson] {
            if let Ok(found) = proportion::interval(x.min(y), y, confidence, method) {
                prop_assert!(found.interval.low <= found.value + 1e-12);
                prop_assert!(found.value <= found.interval.high + 1e-12);
            }
        }
        if let Ok(found) = rate_ratio::exact_interval(a, b, confidence) {
            prop_assert!(found.interval.low <= found.value * (1.0 + 1e-9));
            prop_assert!(found.value <= found.interval.high * (1.0 + 1e-9));
        }
        let p = rate_ratio::exact_test(a, b, 1.0).unwrap();
        for p in [p.less, p.greater, p.two_sided, p.mid_p, p.point] {
            prop_assert!((0.0..=1.0).contains(&p), "{p}");
        }
    }

    #[test]
    fn swapping_arms_inverts_the_ratio(
        x in 0u64..400, y in 0u64..400, t in 0.1f64..1e5, u in 0.1f64..1e5,
    ) {
        prop_assume!(x + y > 0);
        let ab = rate_ratio::exact_interval(counted(x, t), counted(y, u), P95).unwrap();
        let ba = rate_ratio::exact_interval(counted(y, u), counted(x, t), P95).unwrap();
        let same = |a: f64, b: f64| a == b || (a / b - 1.0).abs() < 1e-8;
        prop_assert!(same(ab.interval.low, 1.0 / ba.interval.high));
        prop_assert!(same(ab.interval.high, 1.0 / ba.interval.low));
        let p = rate_ratio::exact_test(counted(x, t), counted(y, u), 1.0).unwrap();
        let q = rate_ratio::exact_test(counted(y, u), counted(x, t), 1.0).unwrap();
        prop_assert!((p.greater - q.less).abs() < 1e-9);
        prop_assert!((p.two_sided - q.two_sided).abs() < 1e-6);
    }

    #[test]
    fn units_of_exposure_do_not_matter(
        x in 1u64..200, y in 1u64..200, t in 0.1f64..1e3, u in 0.1f64..1e3, k in 0.01f64..100.0,
    ) {
        let plain = rate_ratio::exact_interval(counted(x, t), counted(y, u), P95).unwrap();
        let scaled =
            rate_ratio::exact_interval(counted(x, t * k), counted(y, u * k), P95).unwrap();
        prop_assert!((plain.interval.low / scaled.interval.low - 1.0).abs() < 1e-8);
        prop_assert!((plain.interval.high / scaled.interval.high - 1.0).abs() < 1e-8);
    }

    #[test]
    fn the_interval_and_the_one_sided_tests_agree(
        x in 1u64..150, y in 1u64..150, t in 0.1f64..1e3, u in 0.1f64..1e3,
    ) {
        let (a, b) = (counted(x, t), counted(y, u));
        let found = rate_ratio::exact_interval(a, b, P95).unwrap();
        let low = rate_ratio::exact_test(a, b, found.interval.low).unwrap();
        let high = rate_ratio::exact_test(a, b, found.interval.high).unwrap();
        prop_assert!((low.greater - 0.025).abs() < 1e-7);
        prop_assert!((high.less - 0.025).abs() < 1e-7);
        let inside = rate_ratio::mid_p_interval(a, b, P95).unwrap();
        prop_assert!(found.interval.low <= inside.interval.low);
        prop_assert!(inside.interval.high <= found.interval.high);
    }

    #[test]
    fn every_p_value_is_a_probability(
        x in 0u64..90, y in 0u64..90, t in 0.1f64..1e3, u in 0.1f64..1e3, null in 0.05f64..20.0,
    ) {
        prop_assume!(x + y > 0);
        for method in [Method::Wald, Method::Score, Method::SquareRoot,
                       Method::ExactConditional, Method::MidP, Method::ETest] {
            for side in [Alternative::TwoSided, Alternative::Greater, Alternative::Less] {
                let p = rate_test::test(method, counted(x, t), counted(y, u), null, side)
                    .unwrap().p_value;
                prop_assert!((0.0..=1.0).contains(&p), "{method:?} {side:?} {p}");
            }
        }
    }
}
