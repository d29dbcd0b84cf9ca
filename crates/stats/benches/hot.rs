//! What runs most often: the rate ratio of a table cell, one look of an
//! e-process, change points of a long series.

#![expect(clippy::unwrap_used, reason = "a bench that cannot set up should stop")]

use countersign_stats::change_point::{
    Calibration, NormalMeanCost, PoissonCost, Resampling, bic_penalty, pelt, poisson_split,
};
use countersign_stats::power::{Arms, minimum_detectable_ratio};
use countersign_stats::regression::{Design, Errors, poisson};
use countersign_stats::sequential::{Look, RatioProcess, ShareProcess};
use countersign_stats::{Confidence, Counted, Random, mann_whitney, rate_ratio};
use divan::{Bencher, black_box};

fn main() {
    divan::main();
}

#[divan::bench(args = [10, 1_000, 1_000_000])]
fn rate_ratio_interval(bencher: Bencher<'_, '_>, events: u64) {
    let first = Counted::new(events, 800.0).unwrap();
    let second = Counted::new(2 * events, 3011.0).unwrap();
    bencher.bench(|| rate_ratio::exact_interval(black_box(first), second, Confidence::P95));
}

#[divan::bench]
fn share_process_look(bencher: Bencher<'_, '_>) {
    let mut process = ShareProcess::new(0.5, 0.5).unwrap();
    bencher.bench_local(|| process.observe(black_box(2), 3, 0.4));
}

#[divan::bench]
fn ratio_process_look(bencher: Bencher<'_, '_>) {
    let look = Look {
        first: Counted::new(3, 100.0).unwrap(),
        second: Counted::new(2, 150.0).unwrap(),
    };
    bencher
        .with_inputs(|| RatioProcess::new(0.7).unwrap())
        .bench_local_refs(|process| process.observe(black_box(look)));
}

#[divan::bench]
fn ratio_process_interval_after_a_year(bencher: Bencher<'_, '_>) {
    let look = Look {
        first: Counted::new(3, 100.0).unwrap(),
        second: Counted::new(2, 150.0).unwrap(),
    };
    let mut process = RatioProcess::new(0.7).unwrap();
    for _ in 0..52 {
        process.observe(look).unwrap();
    }
    bencher.bench(|| process.interval(black_box(Confidence::P95)));
}

/// Counts whose level changes every 500 periods.
fn steps(length: usize) -> Vec<u64> {
    let mut random = Random::seeded(1);
    (0..length)
        .map(|i| (i as u64 / 500 % 3) * 6 + random.below(9))
        .collect()
}

#[divan::bench]
fn pelt_poisson_10k(bencher: Bencher<'_, '_>) {
    let counts = steps(10_000);
    let cost = PoissonCost::new(&counts, &vec![1.0; counts.len()]).unwrap();
    let penalty = 4.0 * bic_penalty(counts.len(), 1);
    bencher.bench(|| pelt(black_box(&cost), penalty, 2));
}

#[divan::bench]
fn pelt_normal_10k(bencher: Bencher<'_, '_>) {
    let values: Vec<f64> = steps(10_000).iter().map(|&c| c as f64).collect();
    let cost = NormalMeanCost::new(&values, 6.7).unwrap();
    let penalty = bic_penalty(values.len(), 1);
    bencher.bench(|| pelt(black_box(&cost), penalty, 2));
}

#[divan::bench]
fn poisson_split_999_rounds_of_104_weeks(bencher: Bencher<'_, '_>) {
    let counts = steps(104);
    let exposure = vec![100.0; counts.len()];
    let calibration = Calibration {
        resampling: Resampling::Permutation,
        rounds: 999,
        seed: 1,
    };
    bencher.bench(|| poisson_split(black_box(&counts), &exposure, 4, calibration));
}

#[divan::bench]
fn detectable_ratio(bencher: Bencher<'_, '_>) {
    let arms = Arms {
        first_exposure: 1_000.0,
        second_exposure: 3_000.0,
        base_rate: 0.02,
    };
    bencher.bench(|| minimum_detectable_ratio(black_box(arms), 0.8, Confidence::P95));
}

#[divan::bench]
fn poisson_regression_of_10k_rows_and_8_columns(bencher: Bencher<'_, '_>) {
    let mut random = Random::seeded(2);
    let rows = 10_000;
    let mut design = Design::new(rows).unwrap().intercept().unwrap();
    for column in 0..7 {
        let values: Vec<f64> = (0..rows).map(|_| random.uniform()).collect();
        design = design.column(&format!("x{column}"), &values).unwrap();
    }
    let counts: Vec<u64> = (0..rows).map(|_| random.below(6)).collect();
    bencher.bench(|| poisson(black_box(&counts), &design, Errors::Robust));
}

#[divan::bench]
fn mann_whitney_of_two_times_200(bencher: Bencher<'_, '_>) {
    let mut random = Random::seeded(3);
    let mut sample = || -> Vec<f64> { (0..200).map(|_| random.uniform()).collect() };
    let (first, second) = (sample(), sample());
    bencher.bench(|| mann_whitney::compare(black_box(&first), &second, Confidence::P95));
}
