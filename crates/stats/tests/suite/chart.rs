//! g and t charts.

use super::{close, places};
use countersign_stats::chart::{Limits, g_chart, t_chart};

/// scipy 1.17.1 `geom.ppf([.02, .98], 1 / (mean + 1)) - 1`.
#[test]
fn g_chart_limits() {
    let gaps = [120, 80, 150, 95, 110, 130, 1, 0, 2, 449, 448];
    let chart = g_chart(&gaps, 6, Limits::Probability(0.02)).unwrap();
    places(chart.centre, 114.166_666_67, 6);
    assert_eq!((chart.lower, chart.upper), (2.0, 448.0));
    assert_eq!(chart.too_close, [6, 7]);
    assert_eq!(chart.rarer, [9]);
    // Benneyan: mean + 3 sqrt(mean (mean + 1)), no lower limit
    let chart = g_chart(&gaps, 6, Limits::ThreeSigma).unwrap();
    close(
        chart.upper,
        114.166_666_666_67 + 3.0 * (114.166_666_666_67f64 * 115.166_666_666_67).sqrt(),
        9,
    );
    assert!(chart.lower == 0.0 && chart.too_close.is_empty());
}

/// numpy 2.4.6 and scipy 1.17.1 `expon`.
#[test]
fn t_chart_limits() {
    let gaps = [30.0, 12.0, 55.0, 21.0, 40.0, 8.0, 33.0, 61.0, 0.01, 260.0];
    let chart = t_chart(&gaps, 8, Limits::Probability(0.00135)).unwrap();
    close(chart.lower, 0.0439046423, 8);
    close(chart.upper, 214.748647, 8);
    close(chart.centre, 22.527283368198223, 9);
    assert_eq!((chart.too_close, chart.rarer), (vec![8], vec![9]));
    let chart = t_chart(&gaps, 8, Limits::ThreeSigma).unwrap();
    close(chart.lower, 0.13813712331070294, 8);
    close(chart.upper, 223.50961618310666, 8);
    close(chart.centre, 28.475791404852643, 8);
    assert_eq!((chart.too_close, chart.rarer), (vec![8], vec![9]));
}

#[test]
fn bad_gaps_are_refused() {
    assert!(g_chart(&[1, 2, 3], 4, Limits::ThreeSigma).is_err());
    assert!(g_chart(&[1, 2, 3], 1, Limits::ThreeSigma).is_err());
    assert!(g_chart(&[0, 0, 3], 2, Limits::ThreeSigma).is_err());
    assert!(g_chart(&[1, 2, 3], 2, Limits::Probability(1.0)).is_err());
    assert!(t_chart(&[1.0, f64::NAN, 3.0], 2, Limits::ThreeSigma).is_err());
    assert!(t_chart(&[1.0, -2.0, 3.0], 2, Limits::ThreeSigma).is_err());
}
