//! Power, detectable ratios, verdicts.

use super::close;
use countersign_stats::power::{
    Arms, Detectable, changes_per_arm, minimum_detectable_ratio, rate_ratio_power,
};
use countersign_stats::verdict::{Reason, Verdict, judge};
use countersign_stats::{Confidence, Interval};

const P95: Confidence = Confidence::P95;

/// statsmodels 0.15.0 `NormalIndPower().solve_power(proportion_effectsize(…))`.
#[test]
fn changes_needed_per_arm() {
    for (share, ratio, want) in [
        (0.02, 1.5, 3788.2949740366535),
        (0.02, 2.0, 1109.9774409445643),
        (0.005, 2.0, 4540.988121130762),
        (0.05, 1.3, 3765.414359590609),
    ] {
        close(changes_per_arm(share, ratio, 0.8, P95).unwrap(), want, 9);
    }
    for (share, ratio, power) in [
        (0.02, 1.0, 0.8),
        (0.6, 2.0, 0.8),
        (0.0, 2.0, 0.8),
        (0.02, 2.0, 0.01),
        (0.02, f64::NAN, 0.8),
    ] {
        assert!(changes_per_arm(share, ratio, power, P95).is_err());
    }
}

fn arms(first_exposure: f64, second_exposure: f64, base_rate: f64) -> Arms {
    Arms {
        first_exposure,
        second_exposure,
        base_rate,
    }
}

/// Sum over the grid of both counts (numpy 2.4.6, scipy 1.17.1 `binom`).
#[test]
fn exact_power_matches_enumeration() {
    for (setting, ratio, want) in [
        (
            arms(500.0, 1500.0, 0.01),
            3.0,
            0.770515382932462 + 1.5201802880009867e-06,
        ),
        (
            arms(1000.0, 1000.0, 0.03),
            2.0,
            0.8721045980475352 + 7.389646441734382e-08,
        ),
        (
            arms(1000.0, 1000.0, 0.03),
            0.5,
            0.5627035208797154 + 6.83248958427722e-06,
        ),
        (
            arms(200.0, 800.0, 0.05),
            1.0,
            0.01723987001497368 + 0.016170847543504,
        ),
    ] {
        close(rate_ratio_power(setting, ratio, P95).unwrap(), want, 7);
    }
}

/// scipy 1.17.1 `brentq` over that enumeration.
#[test]
fn minimum_detectable_ratios() {
    let found = minimum_detectable_ratio(arms(1000.0, 1000.0, 0.03), 0.8, P95).unwrap();
    close(found.increase.unwrap(), 1.8948219609240666, 7);
    close(found.decrease.unwrap(), 0.3804858424946109, 7);
    let found = minimum_detectable_ratio(arms(500.0, 1500.0, 0.01), 0.8, P95).unwrap();
    close(found.increase.unwrap(), 3.092653612707533, 7);
    assert_eq!(
        found.decrease, None,
        "five expected incidents cannot show a fall"
    );
    let hopeless = minimum_detectable_ratio(arms(1e-6, 1e-6, 0.01), 0.8, P95).unwrap();
    assert_eq!((hopeless.increase, hopeless.decrease), (None, None));
    assert!(minimum_detectable_ratio(arms(1.0, 0.0, 0.1), 0.8, P95).is_err());
    assert!(minimum_detectable_ratio(arms(1.0, 1.0, 0.1), 0.05, P95).is_err());
}

/// The approximation for large counts joins the exact sum without a jump worth
/// speaking of, and more exposure never makes a comparison blinder.
#[test]
fn more_exposure_sees_more() {
    let mut last = f64::INFINITY;
    for factor in [1.0, 2.0, 4.0, 8.0, 16.0, 64.0] {
        let setting = arms(1000.0 * factor, 3000.0 * factor, 0.02);
        let found = minimum_detectable_ratio(setting, 0.8, P95)
            .unwrap()
            .increase
            .unwrap();
        assert!(found < last, "{factor}: {found} after {last}");
        last = found;
    }
    let below = rate_ratio_power(arms(1000.0, 1000.0, 0.119), 1.5, P95).unwrap();
    let above = rate_ratio_power(arms(1000.0, 1000.0, 0.121), 1.5, P95).unwrap();
    assert!((below - above).abs() < 0.05, "{below} {above}");
}

#[test]
fn verdicts() {
    let seen = |increase| Detectable {
        increase,
        decrease: None,
    };
    let at = |low, high| Interval::new(low, high);
    for (interval, bounds, detectable, want) in [
        (at(1.2, 3.0), None, seen(Some(1.4)), Verdict::Higher),
        (at(0.2, 0.9), None, seen(None), Verdict::Lower),
        (
            at(1.2, 3.0),
            Some(at(1.1, 5.0)),
            seen(Some(1.4)),
            Verdict::Higher,
        ),
        (
            at(1.2, 3.0),
            Some(at(0.8, 5.0)),
            seen(Some(1.4)),
            Verdict::CannotTell(Reason::Hidden {
                bounds: at(0.8, 5.0),
            }),
        ),
        (
            at(0.8, 1.3),
            None,
            seen(Some(1.4)),
            Verdict::NoEvidence {
                would_have_seen: 1.4,
            },
        ),
        (
            at(0.8, 1.3),
            Some(at(0.5, 1.45)),
            seen(Some(1.4)),
            Verdict::NoEvidence {
                would_have_seen: 1.4,
            },
        ),
        (
            at(0.8, 1.3),
            Some(at(0.5, 2.5)),
            seen(Some(1.4)),
            Verdict::CannotTell(Reason::Hidden {
                bounds: at(0.5, 2.5),
            }),
        ),
        (
            at(0.1, 9.0),
            None,
            seen(Some(6.0)),
            Verdict::CannotTell(Reason::TooLittleData {
                would_have_seen: Some(6.0),
            }),
        ),
        (
            at(0.0, f64::INFINITY),
            None,
            seen(None),
            Verdict::CannotTell(Reason::TooLittleData {
                would_have_seen: None,
            }),
        ),
    ] {
        assert_eq!(judge(interval, bounds, detectable, 1.5).unwrap(), want);
    }
    assert!(judge(at(f64::NAN, 1.0), None, seen(None), 1.5).is_err());
    assert!(judge(at(0.5, 2.0), None, seen(None), 1.0).is_err());
}
