//! E-processes and confidence sequences.

use super::rates::poisson as draw;
use super::{close, counted, places};
use countersign_stats::sequential::{
    Look, RatioProcess, ShareProcess, alarm_threshold, e_value, fixed_ratio_e_value, share_interval,
};
use countersign_stats::{Alternative, Confidence, Error, Random};
use proptest::prelude::*;

/// `B(a+x, b+n-x) / (B(a,b) p^x (1-p)^(n-x))` by scipy 1.17.1 `betaln`.
#[test]
fn beta_binomial_e_values() {
    for (x, n, half, one) in [
        (8, 10, 50.903_922_901_036_34, 62.838_915_801_225_625),
        (12, 20, 8.201_701_445_135_484, 12.338_836_206_228_688),
        (3, 10, 0.245_327_408_519_304_2, 0.340_703_052_441_642_45),
        (30, 60, 19.172_395_435_406_695, 29.870_096_346_660_76),
    ] {
        close(e_value(x, n, 0.3, 0.5, 0.5).unwrap(), half, 10);
        close(e_value(x, n, 0.3, 1.0, 1.0).unwrap(), one, 10);
    }
}

/// Roots of the e-value in the null share (scipy 1.17.1 `brentq`).
#[test]
fn share_confidence_sequence() {
    for (x, n, low, high) in [
        (8, 10, 0.3424786084177963, 0.9906062402332216),
        (30, 60, 0.2992623176831742, 0.7007376823168258),
        (0, 5, 0.0, 0.5850324681542767),
        (120, 400, 0.22387546876994605, 0.38433607533867964),
    ] {
        let found = share_interval(x, n, Confidence::P95, 0.5, 0.5).unwrap();
        places(found.low, low, 9);
        places(found.high, high, 9);
    }
    let nothing = share_interval(0, 0, Confidence::P95, 0.5, 0.5).unwrap();
    assert_eq!((nothing.low, nothing.high), (0.0, 1.0));
}

fn looks() -> [Look; 4] {
    [
        (3, 100.0, 2, 150.0),
        (5, 120.0, 1, 140.0),
        (2, 90.0, 4, 160.0),
        (6, 110.0, 3, 150.0),
    ]
    .map(|(a, t, b, u)| Look {
        first: counted(a, t),
        second: counted(b, u),
    })
}

/// scipy 1.17.1 `quad` over the continuous normal mixture, which the discrete
/// one approximates to a part in a thousand (its prior is cut off at
/// four standard deviations).
#[test]
fn ratio_process_matches_the_integral() {
    let mut process = RatioProcess::new(0.7).unwrap();
    for look in looks() {
        process.observe(look).unwrap();
    }
    for (alternative, want) in [
        (Alternative::TwoSided, 2.559382223897276),
        (Alternative::Greater, 4.940171948101284),
        (Alternative::Less, 0.178592499693268),
    ] {
        let found = process.e_value(alternative);
        assert!(
            (found / want - 1.0).abs() < 3e-3,
            "{alternative:?} {found} {want}"
        );
    }
    let found = process.interval(Confidence::P95);
    assert!(
        (found.low / 0.720360970582081 - 1.0).abs() < 0.01,
        "{found:?}"
    );
    assert!(
        (found.high / 8.075941952842463 - 1.0).abs() < 0.01,
        "{found:?}"
    );
    // simple against simple, by hand for the first look: odds 100 : 150
    let found = fixed_ratio_e_value(&looks()[0], 1.0, 2.0).unwrap();
    let (p, q) = (200.0f64 / 350.0, 100.0f64 / 250.0);
    close(found, (p / q).powi(3) * ((1.0 - p) / (1.0 - q)).powi(2), 10);
}

#[test]
fn evidence_edges() {
    assert_eq!(alarm_threshold(0.05).unwrap(), 20.0);
    assert!(alarm_threshold(0.0).is_err());
    let mut process = ShareProcess::new(0.5, 0.5).unwrap();
    let fresh = process;
    for (x, n, share) in [(2, 1, 0.5), (1, 1, 0.0), (1, 1, 1.0), (1, 1, f64::NAN)] {
        assert!(process.observe(x, n, share).is_err());
        assert_eq!(process, fresh, "a refused look must leave no trace");
    }
    assert!(matches!(
        process.observe(1, u64::MAX, 0.5),
        Err(Error::TooLarge { .. })
    ));
    process.observe(0, 0, 0.5).unwrap();
    assert!((process.e_value() - 1.0).abs() < 1e-12);
    assert!(ShareProcess::new(0.0, 1.0).is_err());
    assert!(RatioProcess::new(0.0).is_err() && RatioProcess::new(f64::NAN).is_err());
    let empty = RatioProcess::new(0.7).unwrap();
    assert!((empty.e_value(Alternative::TwoSided) - 1.0).abs() < 1e-12);
    let anything = empty.interval(Confidence::P95);
    assert!(anything.low == 0.0 && anything.high.is_infinite());
    let mut lopsided = RatioProcess::new(0.7).unwrap();
    lopsided
        .observe(Look {
            first: counted(9, 1.0),
            second: counted(0, 1.0),
        })
        .unwrap();
    let found = lopsided.interval(Confidence::P95);
    assert!(found.low > 0.5 && found.high.is_infinite(), "{found:?}");
}

/// A year of weekly looks at a constant share of 0.4, three incidents a week:
/// an ordinary |z| > 1.96 from week 4 on raises a false alarm in about 27 % of
/// all years; the e-process stays below 5 %.
#[test]
fn weekly_looks_over_simulated_years() {
    let mut random = Random::seeded(2026);
    let years = 3000u32;
    let (mut plain, mut anytime, mut varying) = (0u32, 0, 0);
    for _ in 0..years {
        let mut fixed = ShareProcess::new(0.5, 0.5).unwrap();
        let mut drifting = ShareProcess::new(0.5, 0.5).unwrap();
        let (mut involved, mut total) = (0u64, 0u64);
        let mut alarms = [false; 3];
        for week in 1..=52u32 {
            let incidents = draw(&mut random, 3.0);
            let share = 0.2 + 0.4 * f64::from(week) / 52.0;
            let mut hits = |p: f64| (0..incidents).filter(|_| random.uniform() < p).count() as u64;
            let (now, later) = (hits(0.4), hits(share));
            involved += now;
            total += incidents;
            fixed.observe(now, incidents, 0.4).unwrap();
            drifting.observe(later, incidents, share).unwrap();
            let n = total as f64;
            let z = (involved as f64 - 0.4 * n) / (n * 0.24).sqrt();
            alarms[0] |= week >= 4 && total > 0 && z.abs() > 1.96;
            alarms[1] |= fixed.e_value() >= 20.0;
            alarms[2] |= drifting.e_value() >= 20.0;
        }
        plain += u32::from(alarms[0]);
        anytime += u32::from(alarms[1]);
        varying += u32::from(alarms[2]);
        assert_eq!(alarms[1], fixed.anytime_p_value() <= 0.05);
    }
    let share = |n: u32| f64::from(n) / f64::from(years);
    assert!(
        (0.24..0.30).contains(&share(plain)),
        "plain z: {}",
        share(plain)
    );
    assert!(share(anytime) <= 0.05, "e-process: {}", share(anytime));
    assert!(share(varying) <= 0.05, "varying share: {}", share(varying));
}

/// The ratio process keeps its promise while the common level of risk swings,
/// its intervals hold the truth at every look, and it does find a doubling.
#[test]
fn ratio_process_over_simulated_years() {
    let mut random = Random::seeded(77);
    let years = 500u32;
    let (mut alarms, mut missed, mut found) = (0u32, 0u32, 0u32);
    for _ in 0..years {
        let mut quiet = RatioProcess::new(0.7).unwrap();
        let mut doubled = RatioProcess::new(0.7).unwrap();
        let (mut alarm, mut miss, mut hit) = (false, false, false);
        for week in 0..52u32 {
            let level = if week % 5 == 0 { 0.05 } else { 0.01 };
            let (t, u) = (100.0 + f64::from(week), 150.0);
            let mut look = |ratio: f64| Look {
                first: counted(draw(&mut random, level * ratio * t), t),
                second: counted(draw(&mut random, level * u), u),
            };
            let (same, twice) = (look(1.0), look(2.0));
            quiet.observe(same).unwrap();
            doubled.observe(twice).unwrap();
            alarm |= quiet.e_value(Alternative::TwoSided) >= 20.0;
            hit |= doubled.e_value(Alternative::Greater) >= 20.0;
            // intervals only move slowly; every fourth week will do
            if week % 4 == 3 {
                miss |= !doubled.interval(Confidence::P95).contains(2.0);
            }
        }
        alarms += u32::from(alarm);
        missed += u32::from(miss);
        found += u32::from(hit);
    }
    let share = |n: u32| f64::from(n) / f64::from(years);
    assert!(share(alarms) <= 0.05, "false alarms {}", share(alarms));
    assert!(share(missed) <= 0.05, "missed {}", share(missed));
    assert!(share(found) > 0.9, "found {}", share(found));
}

proptest! {
    #[test]
    fn batches_do_not_matter(weeks in prop::collection::vec((0u64..4, 0u64..4), 1..20), share in 0.05f64..0.95) {
        let mut weekly = ShareProcess::new(0.5, 0.5).unwrap();
        let (mut x, mut n) = (0, 0);
        for (a, b) in weeks {
            weekly.observe(a, a + b, share).unwrap();
            x += a;
            n += a + b;
        }
        prop_assume!(n > 0);
        let at_once = e_value(x, n, share, 0.5, 0.5).unwrap();
        prop_assert!((weekly.e_value() / at_once - 1.0).abs() < 1e-9);
    }

    #[test]
    fn swapping_arms_swaps_the_directions(
        weeks in prop::collection::vec((0u64..6, 0u64..6, 1.0f64..99.0, 1.0f64..99.0), 1..12),
    ) {
        let mut ab = RatioProcess::new(0.7).unwrap();
        let mut ba = RatioProcess::new(0.7).unwrap();
        for (x, y, t, u) in weeks {
            ab.observe(Look { first: counted(x, t), second: counted(y, u) }).unwrap();
            ba.observe(Look { first: counted(y, u), second: counted(x, t) }).unwrap();
        }
        let a = ab.log_e_value(Alternative::Greater);
        let b = ba.log_e_value(Alternative::Less);
        prop_assert!((a - b).abs() < 1e-8);
        let (a, b) = (ab.interval(Confidence::P95), ba.interval(Confidence::P95));
        prop_assert!(a.low == 0.0 || (a.low * b.high - 1.0).abs() < 1e-6);
    }
}
