//! Poisson, quasi-Poisson and NB2 regression.

use super::data::{SHIPS, SICILY_EVENTS, SICILY_POPULATION};
use super::rates::poisson as draw;
use super::{close, places};
use countersign_stats::regression::{
    Design, Errors, Reference, negative_binomial, newey_west_lags, poisson,
};
use countersign_stats::{Confidence, Error, Random};
use proptest::prelude::*;

fn ships() -> (Vec<u64>, Design) {
    let pick = |f: fn(&(&'static str, &'static str, &'static str, f64, u64)) -> &'static str| {
        SHIPS.iter().map(f).collect::<Vec<_>>()
    };
    let exposure: Vec<f64> = SHIPS.iter().map(|s| s.3).collect();
    let design = Design::new(34)
        .unwrap()
        .intercept()
        .unwrap()
        .factor("type", &["A", "B", "C", "D", "E"], &pick(|s| s.0))
        .unwrap()
        .factor("year", &["60", "65", "70", "75"], &pick(|s| s.1))
        .unwrap()
        .factor("period", &["60", "75"], &pick(|s| s.2))
        .unwrap()
        .exposure(&exposure)
        .unwrap();
    (SHIPS.iter().map(|s| s.4).collect(), design)
}

/// *Generalized Linear Models*, 2nd ed. 1989, §6.3.2; statsmodels 0.15.0
/// `GLM(…, family=Poisson(), offset=log(service))`.
#[test]
fn ship_damage_matches_published_values() {
    let (counts, design) = ships();
    assert_eq!(counts.iter().sum::<u64>(), 356);
    let fit = poisson(&counts, &design, Errors::Model).unwrap();
    for (name, estimate, std_error) in [
        ("intercept", -6.405901561048848, 0.2174441062482921),
        ("type=B", -0.5433443011939231, 0.17758990736231683),
        ("type=C", -0.6874016474498208, 0.32904721616377025),
        ("type=D", -0.07596142187713323, 0.29057865877239186),
        ("type=E", 0.3255794562239509, 0.2358794025854924),
        ("year=65", 0.697140426700508, 0.149641392520021),
        ("year=70", 0.8184265772017502, 0.16977364929121386),
        ("year=75", 0.4534266388004956, 0.23317047777365127),
        ("period=75", 0.3844669582120766, 0.11827216262380016),
    ] {
        let found = fit.coefficient(name).unwrap();
        close(found.estimate, estimate, 9);
        close(found.std_error, std_error, 8);
    }
    places(fit.deviance, 38.69505, 5);
    assert_eq!(fit.df_residual, 25);
    places(fit.pearson, 42.27525, 5);
    places(fit.dispersion(), 1.69101, 5);
    places(fit.log_likelihood, -68.28077, 5);
    let quasi = poisson(&counts, &design, Errors::Quasi).unwrap();
    close(
        quasi.coefficient("type=B").unwrap().std_error,
        0.17758990736231683 * (42.2752531195298f64 / 25.0).sqrt(),
        8,
    );
}

/// The ship data show no extra variance of the NB2 kind: optimisers warn, the
/// right answer is the Poisson fit with alpha 0.
#[test]
fn negative_binomial_collapses_on_the_ship_data() {
    let (counts, design) = ships();
    let nb = negative_binomial(&counts, &design, Errors::Model).unwrap();
    let plain = poisson(&counts, &design, Errors::Model).unwrap();
    assert!(nb.alpha < 1e-6, "{}", nb.alpha);
    places(nb.fit.log_likelihood, plain.log_likelihood, 5);
    for (a, b) in nb.fit.coefficients.iter().zip(&plain.coefficients) {
        close(a.estimate, b.estimate, 6);
    }
    assert!(nb.lr_p_value > 0.4);
}

fn sicily() -> Design {
    let ban: Vec<f64> = (0..59).map(|i| if i < 36 { 0.0 } else { 1.0 }).collect();
    let time: Vec<f64> = (1..=59).map(f64::from).collect();
    Design::new(59)
        .unwrap()
        .intercept()
        .unwrap()
        .column("ban", &ban)
        .unwrap()
        .column("time", &time)
        .unwrap()
        .exposure(&SICILY_POPULATION)
        .unwrap()
}

/// statsmodels 0.15.0 `GLM(Poisson).fit(cov_type=…)`; its `HC0` is rescaled by
/// n/(n-p) = 59/56, its HAC taken with `use_correction=True`.
#[test]
fn robust_errors_match_statsmodels() {
    let error = |errors| {
        let fit = poisson(&SICILY_EVENTS, &sicily(), errors).unwrap();
        fit.coefficients
            .iter()
            .map(|c| c.std_error)
            .collect::<Vec<_>>()
    };
    let factor = (59.0f64 / 56.0).sqrt();
    for (errors, want) in [
        (
            Errors::Quasi,
            [
                0.02110963721937253,
                0.03249594070835015,
                0.0009418377051145056,
            ],
        ),
        (
            Errors::Robust,
            [
                0.01731626731548255,
                0.026119114964631696,
                0.0007089872115890943,
            ]
            .map(|e| e * factor),
        ),
        (
            Errors::NeweyWest { lags: 3 },
            [
                0.019714640756996304,
                0.03284179456171332,
                0.0007951133473552761,
            ],
        ),
        (
            Errors::NeweyWest { lags: 6 },
            [
                0.018432035412925662,
                0.03173646727792984,
                0.0007892285122298045,
            ],
        ),
    ] {
        for (got, want) in error(errors).into_iter().zip(want) {
            close(got, want, 7);
        }
    }
    assert_eq!(newey_west_lags(59), 3);
    assert_eq!(newey_west_lags(100), 4);
}

/// statsmodels 0.15.0 `NegativeBinomial(loglike_method="nb2")` for the
/// estimates, `GLM(family=NegativeBinomial(alpha=…))` for standard errors.
#[test]
fn negative_binomial_matches_statsmodels() {
    let nb = negative_binomial(&SICILY_EVENTS, &sicily(), Errors::Model).unwrap();
    close(nb.alpha, 0.002806713682238658, 6);
    for (c, (estimate, error)) in nb.fit.coefficients.iter().zip([
        (-6.2437825315826565, 0.019989847320681334),
        (-0.11280043826884655, 0.031556026876011015),
        (0.0049800640106353435, 0.0009071162953510335),
    ]) {
        close(c.estimate, estimate, 6);
        close(c.std_error, error, 6);
    }
    places(nb.fit.log_likelihood, -317.16729863882153, 7);
    places(
        nb.lr_statistic,
        2.0 * (351.0162932650728 - 317.16729863882153),
        6,
    );
    places(nb.fit.deviance, 58.77947316173125, 4);

    let counts = [
        3, 0, 7, 2, 12, 1, 0, 5, 9, 4, 15, 2, 6, 1, 22, 3, 8, 0, 11, 5, 2, 17, 4, 6,
    ];
    let exposure = [
        100.0, 80.0, 120.0, 90.0, 110.0, 95.0, 60.0, 130.0, 105.0, 70.0, 140.0, 85.0, 99.0, 77.0,
        150.0, 66.0, 101.0, 58.0, 115.0, 92.0, 88.0, 143.0, 79.0, 97.0,
    ];
    let arm: Vec<f64> = (0..24).map(|i| f64::from(i % 2)).collect();
    let time: Vec<f64> = (0..24).map(f64::from).collect();
    let design = Design::new(24)
        .unwrap()
        .intercept()
        .unwrap()
        .column("arm", &arm)
        .unwrap()
        .column("time", &time)
        .unwrap()
        .exposure(&exposure)
        .unwrap();
    let nb = negative_binomial(&counts, &design, Errors::Model).unwrap();
    close(nb.alpha, 0.21866322060580337, 6);
    for (c, (estimate, error)) in nb.fit.coefficients.iter().zip([
        (-3.07193332477039, 0.2842146299126863),
        (-0.7419767478506432, 0.272750967383397),
        (0.04191003833800933, 0.01936603951527369),
    ]) {
        close(c.estimate, estimate, 6);
        close(c.std_error, error, 6);
    }
    places(nb.fit.log_likelihood, -59.49050878312302, 8);
    // numpy 2.4.6: sandwich around the expected information, as R `sandwich`
    // does (statsmodels puts the observed information there)
    let robust = negative_binomial(&counts, &design, Errors::Robust).unwrap();
    let factor = (24.0f64 / 21.0).sqrt();
    for (c, error) in robust.fit.coefficients.iter().zip([
        0.27400287928462524,
        0.25717556991940094,
        0.01902553221261574,
    ]) {
        close(c.std_error, error * factor, 6);
    }
}

#[test]
fn a_group_without_events_is_named() {
    let design = Design::new(6)
        .unwrap()
        .intercept()
        .unwrap()
        .column("quiet", &[0.0, 0.0, 0.0, 1.0, 1.0, 1.0])
        .unwrap();
    let found = poisson(&[4, 2, 5, 0, 0, 0], &design, Errors::Model);
    assert_eq!(
        found,
        Err(Error::Separated {
            column: "quiet".into()
        })
    );
}

#[test]
fn bad_designs_are_refused_with_the_reason() {
    let design = Design::new(4).unwrap().intercept().unwrap();
    assert!(matches!(
        design.clone().column("x", &[1.0, f64::NAN, 0.0, 0.0]),
        Err(Error::BadElement { position: 1, .. })
    ));
    assert!(design.clone().column("x", &[1.0]).is_err());
    assert!(design.clone().exposure(&[1.0, 0.0, 1.0, 1.0]).is_err());
    assert!(matches!(
        poisson(&[0, 0, 0, 0], &design, Errors::Model),
        Err(Error::Undetermined { .. })
    ));
    assert!(poisson(&[1, 2], &design, Errors::Model).is_err());
    let twice = design.column("again", &[2.0; 4]).unwrap();
    assert_eq!(
        poisson(&[1, 2, 3, 4], &twice, Errors::Model),
        Err(Error::Collinear {
            column: "again".into()
        })
    );
    assert!(Design::new(0).is_err());
    assert!(
        Design::new(2)
            .unwrap()
            .factor("f", &["a"], &["a", "b"])
            .is_err()
    );
}

/// Overdispersed counts: the model's own errors cover far less than promised,
/// quasi and robust errors about what they promise.
#[test]
fn coverage_under_overdispersion() {
    let mut random = Random::seeded(5);
    let arm: Vec<f64> = (0..40).map(|i| f64::from(i % 2)).collect();
    let design = Design::new(40)
        .unwrap()
        .intercept()
        .unwrap()
        .column("arm", &arm)
        .unwrap();
    let (mut model, mut quasi, mut robust) = (0, 0, 0);
    let runs = 400;
    for _ in 0..runs {
        // a rate that is 2 or 14 at random: dispersion about 5.5
        let counts: Vec<u64> = (0..40)
            .map(|_| {
                let mean = if random.below(2) == 0 { 2.0 } else { 14.0 };
                draw(&mut random, mean)
            })
            .collect();
        let covers = |errors| {
            let fit = poisson(&counts, &design, errors)
                .unwrap()
                .judged_by(Reference::StudentT);
            u32::from(
                fit.coefficient("arm")
                    .unwrap()
                    .interval(Confidence::P95)
                    .contains(0.0),
            )
        };
        model += covers(Errors::Model);
        quasi += covers(Errors::Quasi);
        robust += covers(Errors::Robust);
    }
    let share = |n: u32| f64::from(n) / f64::from(runs);
    assert!(share(model) < 0.70, "{}", share(model));
    assert!(share(quasi) > 0.92, "{}", share(quasi));
    assert!(share(robust) > 0.92, "{}", share(robust));
}

proptest! {
    /// Sparse counts, lopsided groups, wild exposures: a finite fit, or an error
    /// that names its reason; never a `NaN`, never an endless loop.
    #[test]
    fn any_small_table_gives_an_answer(
        rows in prop::collection::vec((0u64..6, any::<bool>(), -4f64..6.0, -2f64..2.0), 5..30),
    ) {
        let counts: Vec<u64> = rows.iter().map(|r| r.0).collect();
        let arm: Vec<f64> = rows.iter().map(|r| f64::from(u8::from(r.1))).collect();
        let exposure: Vec<f64> = rows.iter().map(|r| 10f64.powf(r.2)).collect();
        let size: Vec<f64> = rows.iter().map(|r| r.3).collect();
        let design = Design::new(rows.len())
            .and_then(Design::intercept)
            .and_then(|d| d.column("arm", &arm))
            .and_then(|d| d.column("size", &size))
            .and_then(|d| d.exposure(&exposure))
            .unwrap();
        let sane = |fit: &countersign_stats::regression::Fit| {
            fit.coefficients.iter().all(|c| c.estimate.is_finite() && c.std_error.is_finite())
                && fit.log_likelihood.is_finite()
        };
        let expected = |error: &Error| {
            matches!(
                error,
                Error::Separated { .. } | Error::Collinear { .. } | Error::Undetermined { .. }
            )
        };
        for errors in [Errors::Model, Errors::Quasi, Errors::Robust, Errors::NeweyWest { lags: 2 }] {
            match poisson(&counts, &design, errors) {
                Ok(fit) => prop_assert!(sane(&fit)),
                Err(error) => prop_assert!(expected(&error), "{error}"),
            }
        }
        match negative_binomial(&counts, &design, Errors::Model) {
            Ok(nb) => prop_assert!(sane(&nb.fit) && nb.alpha >= 0.0),
            // a likelihood that is flat for exposures this wild may not settle
            Err(error) => prop_assert!(
                expected(&error) || matches!(error, Error::NotConverged { .. }),
                "{error}"
            ),
        }
    }
}
