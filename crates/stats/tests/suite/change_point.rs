//! Change points.

use super::data::{COAL, NILE};
use super::rates::poisson as draw;
use super::{close, places};
use countersign_stats::change_point::{
    Calibration, DivisiveOptions, NormalMeanCost, NormalMeanVarianceCost, PoissonCost, Resampling,
    SegmentCost, bic_penalty, credible_range, e_divisive, pelt, poisson_split, split_posterior,
};
use countersign_stats::{Error, Random};
use proptest::prelude::*;

fn calibration(resampling: Resampling, rounds: u32) -> Calibration {
    Calibration {
        resampling,
        rounds,
        seed: 1,
    }
}

/// Carlin, Gelfand & Smith 1992: the last year of the first regime is 1891.
#[test]
fn coal_disasters_change_in_1891() {
    let ones = [1.0; 111];
    for resampling in [Resampling::Poisson, Resampling::Permutation] {
        let found = poisson_split(&COAL, &ones, 1, calibration(resampling, 199)).unwrap();
        assert_eq!(1851 + found.at - 1, 1891);
        places(found.before.rate(), 3.098, 3);
        places(found.after.rate(), 0.914, 3);
        places(found.statistic, 68.378, 3);
        close(found.statistic, 68.37794609280706, 9);
        assert!((found.p_value - 1.0 / 200.0).abs() < 1e-12);
    }
    let posterior = split_posterior(&COAL, &ones, 1.0, 1.0).unwrap();
    let mode = (0..posterior.len())
        .max_by(|&a, &b| posterior[a].total_cmp(&posterior[b]))
        .unwrap();
    assert_eq!(1851 + mode, 1891);
    close(posterior[mode], 0.24014963341497514, 9);
    places(posterior.iter().sum(), 1.0, 9);
    // numpy: shortest window with 95 % of the posterior
    assert_eq!(credible_range(&posterior, 0.95).unwrap(), (35, 45));
}

/// Nile at Aswan: strucchange and changepoint documentation, 1898; ruptures
/// 1.1.10 `Pelt(model="l2")` and `Dynp` agree.
#[test]
fn nile_changes_after_1898() {
    let cost = NormalMeanCost::with_estimated_variance(&NILE).unwrap();
    let found = pelt(&cost, bic_penalty(100, 1), 2).unwrap();
    assert_eq!(found, [28]);
    assert_eq!(1871 + found[0] - 1, 1898);
    let mean = |part: &[f64]| part.iter().sum::<f64>() / part.len() as f64;
    places(mean(&NILE[..28]), 1097.75, 2);
    places(mean(&NILE[28..]), 849.9722, 4);
    // ruptures Pelt(model="l2", jump=1, min_size=2).predict(pen=30000)
    let cost = NormalMeanCost::new(&NILE, 1.0).unwrap();
    assert_eq!(
        pelt(&cost, 30_000.0, 2).unwrap(),
        [7, 9, 17, 19, 28, 37, 40, 45, 47, 63, 68, 71, 83, 95]
    );
    // ruptures Pelt(model="normal", jump=1, min_size=5).predict(pen=6 | 9.2)
    let cost = NormalMeanVarianceCost::new(&NILE).unwrap();
    assert_eq!(pelt(&cost, 6.0, 5).unwrap(), [21, 26, 47, 58, 83, 95]);
    assert_eq!(pelt(&cost, 9.2, 5).unwrap(), [28]);
}

/// Exhaustive dynamic programming over all segmentations (numpy 2.4.6).
#[test]
fn poisson_pelt_matches_dynamic_programming() {
    let cost = PoissonCost::new(&COAL, &[1.0; 111]).unwrap();
    for (penalty, shortest, want) in [
        (4.0, 1, &[3, 5, 36, 46, 54, 60, 79, 96][..]),
        (4.0, 5, &[36, 46, 54, 60, 79, 96]),
        (2.0, 5, &[36, 46, 54, 60, 79, 96, 105]),
        (6.0, 1, &[41, 79, 96]),
        (2.0 * 111f64.ln(), 1, &[41, 96]),
        (20.0, 1, &[41]),
    ] {
        assert_eq!(
            pelt(&cost, penalty, shortest).unwrap(),
            want,
            "{penalty} {shortest}"
        );
    }
}

/// Optimal cost by trying every last segment: no pruning to get wrong.
fn exhaustive(cost: &impl SegmentCost, penalty: f64, shortest: usize) -> f64 {
    let mut best = vec![-penalty];
    for end in 1..=cost.length() {
        let value = (0..=end.saturating_sub(shortest))
            .filter(|&start| start == 0 || start >= shortest)
            .filter(|&start| end - start >= shortest)
            .map(|start| best[start] + cost.cost(start, end) + penalty)
            .fold(f64::INFINITY, f64::min);
        best.push(value);
    }
    best[cost.length()]
}

fn total(cost: &impl SegmentCost, changes: &[usize], penalty: f64) -> f64 {
    let edges: Vec<usize> = [0]
        .into_iter()
        .chain(changes.iter().copied())
        .chain([cost.length()])
        .collect();
    edges.windows(2).map(|w| cost.cost(w[0], w[1])).sum::<f64>() + penalty * changes.len() as f64
}

proptest! {
    #[test]
    fn pelt_is_optimal_whatever_the_shortest_segment(
        counts in prop::collection::vec(0u64..12, 8..60), shortest in 1usize..5, penalty in 0.5f64..15.0,
    ) {
        let cost = PoissonCost::new(&counts, &vec![1.0; counts.len()]).unwrap();
        let changes = pelt(&cost, penalty, shortest).unwrap();
        let want = exhaustive(&cost, penalty, shortest);
        prop_assert!((total(&cost, &changes, penalty) - want).abs() < 1e-7);
        let values: Vec<f64> = counts.iter().map(|&c| c as f64).collect();
        let cost = NormalMeanCost::new(&values, 4.0).unwrap();
        let changes = pelt(&cost, penalty, shortest).unwrap();
        let want = exhaustive(&cost, penalty, shortest);
        prop_assert!((total(&cost, &changes, penalty) - want).abs() < 1e-7);
    }

    #[test]
    fn the_unit_of_exposure_does_not_matter(
        counts in prop::collection::vec(0u64..12, 8..30), scale in 0.01f64..100.0,
    ) {
        prop_assume!(counts.iter().any(|&c| c > 0));
        let setting = calibration(Resampling::Poisson, 19);
        let plain = poisson_split(&counts, &vec![1.0; counts.len()], 2, setting).unwrap();
        let scaled = poisson_split(&counts, &vec![scale; counts.len()], 2, setting).unwrap();
        prop_assert!((plain.statistic - scaled.statistic).abs() < 1e-7);
        prop_assert_eq!(plain.p_value, scaled.p_value);
    }
}

/// No change: the p-value is below 5 % in about 5 % of the series; with
/// overdispersed counts only the permutation calibration holds that.
#[test]
fn the_split_p_value_is_calibrated() {
    let mut random = Random::seeded(8);
    let runs = 300u32;
    let (mut plain, mut naive, mut permuted) = (0u32, 0, 0);
    let exposure: Vec<f64> = (0..30).map(|i| 1.0 + f64::from(i % 3)).collect();
    for seed in 0..runs {
        let setting = |resampling| Calibration {
            resampling,
            rounds: 99,
            seed: u64::from(seed),
        };
        let steady: Vec<u64> = exposure
            .iter()
            .map(|t| draw(&mut random, 2.0 * t))
            .collect();
        let p = |counts: &[u64], exposure: &[f64], r| {
            poisson_split(counts, exposure, 2, setting(r))
                .unwrap()
                .p_value
        };
        plain += u32::from(p(&steady, &exposure, Resampling::Poisson) <= 0.05);
        let bursty: Vec<u64> = (0..30)
            .map(|_| {
                let mean = if random.below(2) == 0 { 1.0 } else { 11.0 };
                draw(&mut random, mean)
            })
            .collect();
        let ones = [1.0; 30];
        naive += u32::from(p(&bursty, &ones, Resampling::Poisson) <= 0.05);
        permuted += u32::from(p(&bursty, &ones, Resampling::Permutation) <= 0.05);
    }
    let share = |n: u32| f64::from(n) / f64::from(runs);
    assert!(share(plain) < 0.085, "{}", share(plain));
    assert!(share(naive) > 0.4, "{}", share(naive));
    assert!(share(permuted) < 0.085, "{}", share(permuted));
}

/// Energy distances by numpy 2.4.6 (brute force over both ends); the spread
/// change leaves the mean alone.
#[test]
fn e_divisive_finds_level_and_spread_changes() {
    let options = DivisiveOptions {
        shortest: 10,
        rounds: 199,
        significance: 0.05,
        seed: 3,
    };
    assert_eq!(e_divisive(&NILE, options).unwrap(), [28]);
    // mean 10 throughout, ten times the spread in the middle; the value at 59
    // happens to be 10 exactly, so the energy is largest at 59
    let spread: Vec<f64> = (0..90)
        .map(|i| {
            let unit = f64::from((i * 37) % 11) / 5.0 - 1.0;
            10.0 + unit * if (30..60).contains(&i) { 10.0 } else { 1.0 }
        })
        .collect();
    let options = DivisiveOptions {
        shortest: 5,
        ..options
    };
    assert_eq!(e_divisive(&spread, options).unwrap(), [30, 59]);
    let steady: Vec<f64> = (0..60).map(|i| f64::from((i * 37) % 11)).collect();
    assert!(e_divisive(&steady, options).unwrap().is_empty());
    assert!(e_divisive(&[1.0; 30], options).unwrap().is_empty());
}

#[test]
fn bad_series_are_refused() {
    let setting = calibration(Resampling::Poisson, 9);
    assert!(poisson_split(&[1, 2], &[1.0], 1, setting).is_err());
    assert!(poisson_split(&[1, 2, 3], &[1.0; 3], 2, setting).is_err());
    assert!(matches!(
        poisson_split(&[0; 9], &[1.0; 9], 1, setting),
        Err(Error::Undetermined { .. })
    ));
    let endless = calibration(Resampling::Poisson, 100_000);
    assert!(matches!(
        poisson_split(&[900_000_000, 2, 3], &[1.0; 3], 1, endless),
        Err(Error::TooLarge { .. })
    ));
    assert!(poisson_split(&[u64::MAX, u64::MAX], &[1.0; 2], 1, setting).is_err());
    let cost = PoissonCost::new(&[1, 2, 3], &[1.0; 3]).unwrap();
    for bad in [0.0, -1.0, f64::NAN] {
        assert!(pelt(&cost, bad, 1).is_err());
    }
    assert!(pelt(&PoissonCost::new(&[], &[]).unwrap(), 1.0, 1).is_err());
    assert!(NormalMeanCost::new(&[1.0, f64::INFINITY], 1.0).is_err());
    assert!(NormalMeanVarianceCost::new(&[1.0, 1.0]).is_err());
    assert!(NormalMeanCost::with_estimated_variance(&[1.0; 9]).is_err());
    let options = DivisiveOptions {
        shortest: 1,
        rounds: 9,
        significance: 0.05,
        seed: 0,
    };
    assert!(e_divisive(&[1.0; 9], options).is_err());
}
