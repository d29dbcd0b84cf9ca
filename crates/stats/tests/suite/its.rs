//! Interrupted time series.

use super::data::{SICILY_EVENTS, SICILY_POPULATION};
use super::rates::poisson as draw;
use super::{close, places, spans};
use countersign_stats::its::{
    Analysis, Intervention, Outcome, Plan, Season, Series, analyse, separability,
};
use countersign_stats::regression::{Errors, Reference};
use countersign_stats::{Confidence, Random};

fn at(name: &str, start: usize, slope: bool) -> Intervention {
    Intervention {
        name: name.into(),
        start,
        slope,
    }
}

fn sicily(errors: Errors, season: Option<Season>, slope: bool) -> Analysis {
    let plan = Plan {
        series: Series {
            counts: &SICILY_EVENTS,
            exposure: &SICILY_POPULATION,
        },
        comparison: None,
        interventions: vec![at("ban", 36, slope)],
        season,
        errors,
        reference: Reference::Normal,
        confidence: Confidence::P95,
    };
    match analyse(&plan).unwrap() {
        Outcome::Estimated(found) => *found,
        Outcome::CannotBeSeparated(_) => panic!("one intervention cannot collide"),
    }
}

const TWO_PAIRS: Option<Season> = Some(Season {
    length: 12.0,
    pairs: 2,
});

/// Lopez Bernal, Cummins & Gasparrini 2017; statsmodels 0.15.0 `GLM`.
#[test]
fn sicily_matches_the_published_tutorial() {
    let poisson = sicily(Errors::Model, None, false);
    let ban = &poisson.effects[0];
    places(ban.level.value, 0.894377, 6);
    spans(ban.level.interval, 0.864686, 0.925086, 6);
    close(ban.level_p_value, 9.130506228515029e-11, 6);
    places(poisson.fit.dispersion(), 3.559187, 6);
    let quasi = sicily(Errors::Quasi, None, false);
    spans(quasi.effects[0].level.interval, 0.839189, 0.953193, 6);
    let seasonal = sicily(Errors::Quasi, TWO_PAIRS, false);
    places(seasonal.effects[0].level.value, 0.885072, 6);
    spans(seasonal.effects[0].level.interval, 0.839401, 0.933227, 6);
    places(seasonal.fit.dispersion(), 2.262183, 6);
}

/// The rate after the ban is higher than before, yet the ban lowered it: the
/// rate was rising all along.
#[test]
fn naive_before_and_after_has_the_wrong_sign() {
    let found = sicily(Errors::Quasi, TWO_PAIRS, false);
    let ban = &found.effects[0];
    places(ban.naive.unwrap(), 1.033844, 6);
    assert!(ban.level.interval.high < 1.0);
    assert!(found.trend.interval.low > 1.0);
}

/// statsmodels 0.15.0: harmonics and `(time - 37) * ban`.
#[test]
fn level_and_slope_match_statsmodels() {
    let found = sicily(Errors::Quasi, TWO_PAIRS, true);
    let level = found.fit.coefficient("level ban").unwrap();
    let slope = found.fit.coefficient("slope ban").unwrap();
    close(level.estimate, -0.13037694325099936, 7);
    close(level.std_error, 0.02907722284986473, 6);
    close(slope.estimate, 0.0014822279979575248, 6);
    close(slope.std_error, 0.0018546308620578133, 6);
    let ratio = found.effects[0].slope.unwrap();
    assert!(ratio.interval.contains(1.0));
}

#[test]
fn coinciding_interventions_cannot_be_separated() {
    let counts: Vec<u64> = (0..60).map(|i| 20 + i % 5).collect();
    let exposure = vec![1000.0; 60];
    let run = |first, second| {
        analyse(&Plan {
            series: Series {
                counts: &counts,
                exposure: &exposure,
            },
            comparison: None,
            interventions: vec![
                at("layoffs", first, false),
                at("tool launch", second, false),
            ],
            season: None,
            errors: Errors::Quasi,
            reference: Reference::Normal,
            confidence: Confidence::P95,
        })
        .unwrap()
    };
    for (first, second) in [(30, 30), (30, 31)] {
        let Outcome::CannotBeSeparated(pairs) = run(first, second) else {
            panic!("{first} and {second} were separated")
        };
        assert_eq!(pairs[0].first, "layoffs");
        assert!(pairs[0].correlation > 0.9);
    }
    let Outcome::Estimated(found) = run(15, 45) else {
        panic!("far apart, yet not separated")
    };
    assert!(found.pairs[0].separable());
    assert_eq!(found.effects.len(), 2);
}

/// numpy 2.4.6: residuals of the two steps on (1, t), `corrcoef`.
#[test]
fn correlation_of_regressors_matches_numpy() {
    let pairs = separability(60, &[at("a", 20, false), at("b", 40, false)], None).unwrap();
    places(pairs[0].correlation, 0.5, 10);
    places(pairs[0].partial_correlation, -0.5008340283569643, 8);
}

/// A shock that hits everybody: without a comparison series the policy gets the
/// blame, with one it does not.
#[test]
fn a_comparison_series_takes_up_what_happened_to_everybody() {
    let mut random = Random::seeded(9);
    let exposure = vec![100.0; 60];
    let mut series = |effect: f64| -> Vec<u64> {
        (0..60)
            .map(|t| draw(&mut random, if t < 30 { 20.0 } else { 20.0 * effect }))
            .collect()
    };
    let (treated, control) = (series(1.8), series(1.8));
    let run = |comparison| {
        let plan = Plan {
            series: Series {
                counts: &treated,
                exposure: &exposure,
            },
            comparison,
            interventions: vec![at("policy", 30, false)],
            season: None,
            errors: Errors::NeweyWest { lags: 3 },
            reference: Reference::Normal,
            confidence: Confidence::P99,
        };
        match analyse(&plan).unwrap() {
            Outcome::Estimated(found) => found.effects[0].level,
            Outcome::CannotBeSeparated(_) => panic!("one intervention"),
        }
    };
    assert!(run(None).interval.low > 1.0);
    let control = Series {
        counts: &control,
        exposure: &exposure,
    };
    assert!(run(Some(control)).interval.contains(1.0));
}

/// statsmodels 0.15.0 `GLM` on the stacked series with level and slope for both
/// and for the first; errors `cov_type="hac-groupsum"` (Driscoll–Kraay, two
/// lags), rescaled by n/(n-p) = 48/40.
#[test]
fn comparison_series_matches_statsmodels() {
    let first = [
        12, 15, 11, 18, 14, 17, 13, 19, 16, 20, 15, 18, 26, 31, 24, 33, 29, 27, 35, 30, 28, 36, 31,
        34,
    ];
    let second = [
        22, 19, 25, 21, 24, 20, 26, 23, 21, 27, 22, 25, 28, 24, 30, 26, 29, 25, 31, 27, 30, 26, 32,
        28,
    ];
    let growing: Vec<f64> = (0..24).map(|i| 100.0 + 2.0 * f64::from(i)).collect();
    let shrinking: Vec<f64> = (0..24).map(|i| 200.0 - f64::from(i)).collect();
    let fit = |errors| {
        let plan = Plan {
            series: Series {
                counts: &first,
                exposure: &growing,
            },
            comparison: Some(Series {
                counts: &second,
                exposure: &shrinking,
            }),
            interventions: vec![at("pack", 12, true)],
            season: None,
            errors,
            reference: Reference::Normal,
            confidence: Confidence::P95,
        };
        match analyse(&plan).unwrap() {
            Outcome::Estimated(found) => found.fit,
            Outcome::CannotBeSeparated(_) => panic!("one intervention"),
        }
    };
    let model = fit(Errors::Model);
    let summed = fit(Errors::NeweyWest { lags: 2 });
    let factor = (48.0f64 / 40.0).sqrt();
    for (name, estimate, error, robust) in [
        (
            "trend",
            0.011057374259092687,
            0.02120810796971423,
            0.006562559767921343,
        ),
        (
            "comparison trend",
            0.016895974386149898,
            0.01747835034072432,
            0.003437300801400926,
        ),
        (
            "common level pack",
            0.0805494071692685,
            0.16368624104371785,
            0.033802954587873114,
        ),
        (
            "level pack",
            0.29622942892009657,
            0.24383608578321597,
            0.05723767795806967,
        ),
        (
            "slope pack",
            -0.004228388385484824,
            0.035164032367971214,
            0.00982705165379852,
        ),
    ] {
        let found = model.coefficient(name).unwrap();
        close(found.estimate, estimate, 6);
        close(found.std_error, error, 6);
        close(
            summed.coefficient(name).unwrap().std_error,
            robust * factor,
            6,
        );
    }
}

/// Forty overdispersed months without any effect: quasi-Poisson errors judged
/// by Student's t find one in about five of a hundred, the model's own errors in
/// far more.
#[test]
fn no_effect_is_rarely_found() {
    let mut random = Random::seeded(31);
    let exposure = vec![100.0; 40];
    let runs = 300u32;
    let (mut model, mut quasi) = (0u32, 0u32);
    for _ in 0..runs {
        let counts: Vec<u64> = (0..40)
            .map(|_| {
                let mean = if random.below(2) == 0 { 4.0 } else { 16.0 };
                draw(&mut random, mean)
            })
            .collect();
        let finds = |errors| {
            let plan = Plan {
                series: Series {
                    counts: &counts,
                    exposure: &exposure,
                },
                comparison: None,
                interventions: vec![at("nothing", 22, false)],
                season: None,
                errors,
                reference: Reference::StudentT,
                confidence: Confidence::P95,
            };
            match analyse(&plan).unwrap() {
                Outcome::Estimated(found) => !found.effects[0].level.interval.contains(1.0),
                Outcome::CannotBeSeparated(_) => panic!("one intervention"),
            }
        };
        model += u32::from(finds(Errors::Model));
        quasi += u32::from(finds(Errors::Quasi));
    }
    let share = |n: u32| f64::from(n) / f64::from(runs);
    assert!(share(model) > 0.25, "{}", share(model));
    assert!(share(quasi) < 0.085, "{}", share(quasi));
}

#[test]
fn bad_plans_are_refused() {
    let counts = [3u64; 12];
    let exposure = [1.0; 12];
    let plan = |interventions, season, exposure| Plan {
        series: Series {
            counts: &counts,
            exposure,
        },
        comparison: None,
        interventions,
        season,
        errors: Errors::Model,
        reference: Reference::Normal,
        confidence: Confidence::P95,
    };
    let bad_season = Some(Season {
        length: 4.0,
        pairs: 2,
    });
    for bad in [
        plan(vec![], None, &exposure[..]),
        plan(vec![at("x", 0, false)], None, &exposure),
        plan(vec![at("x", 11, false)], None, &exposure),
        plan(vec![at("x", 5, false), at("x", 8, false)], None, &exposure),
        plan(vec![at("x", 6, false)], bad_season, &exposure),
        plan(vec![at("x", 6, false)], None, &exposure[..5]),
        plan(vec![at("x", 6, false)], None, &[0.0; 12]),
    ] {
        assert!(analyse(&bad).is_err(), "{bad:?}");
    }
}
