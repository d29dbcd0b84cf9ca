//! Oracle: scipy 1.17.1 `special.gammainc/gammaincc/betainc/ndtr/ndtri` and
//! `stats.t`, double precision; for shape 1e6 and above mpmath 1.4.1 with 40
//! digits, because scipy loses the far tail there.

use super::*;

fn close(got: f64, want: f64, tolerance: f64) {
    assert!(
        (got / want - 1.0).abs() < tolerance,
        "got {got:e}, want {want:e}"
    );
}

#[test]
fn incomplete_gamma_matches_scipy() {
    let table = [
        (0.01_f64, 0.001_f64, 0.9385706525261288, 0.06142934747387101),
        (0.5_f64, 0.2_f64, 0.47291074313446196, 0.5270892568655381),
        (1_f64, 5_f64, 0.9932620530009145, 0.006737946999085468),
        (10_f64, 3_f64, 0.0011024881301154815, 0.9988975118698845),
        (137_f64, 110_f64, 0.0071516195114291565, 0.9928483804885708),
        (5000_f64, 5100_f64, 0.9206711189223811, 0.07932888107761896),
        (
            1000000.0_f64,
            1002000.0_f64,
            0.9771959041012303,
            0.022804095898769836,
        ),
        (
            29828954.5_f64,
            29799074.3_f64,
            2.215_666_096_532_928e-8,
            0.999_999_977_843_339,
        ),
    ];
    for (a, x, lower, upper) in table {
        let tails = gamma_tails(a, x);
        close(tails.lower, lower, 1e-10);
        close(tails.upper, upper, 1e-10);
    }
}

#[test]
fn incomplete_beta_matches_scipy() {
    let table = [
        (
            0.5_f64,
            0.5_f64,
            0.3_f64,
            0.36901011956554536,
            0.6309898804344546,
        ),
        (2_f64, 3_f64, 0.9_f64, 0.9963, 0.0036999999999999976),
        (
            11_f64,
            21.5_f64,
            0.2_f64,
            0.03673309524599078,
            0.9632669047540092,
        ),
        (
            300_f64,
            4000_f64,
            0.06_f64,
            0.004457575914186117,
            0.995542424085814,
        ),
        (
            1000000.0_f64,
            2000000.0_f64,
            0.3336_f64,
            0.8364079104217175,
            0.16359208957825105,
        ),
        (
            11725882.7_f64,
            18023564.0_f64,
            0.3941570891980982_f64,
            0.5108782625585304,
            0.4891217374414973,
        ),
        (
            0.01_f64,
            50_f64,
            0.001_f64,
            0.9754603052015748,
            0.02453969479842519,
        ),
    ];
    for (a, b, x, lower, upper) in table {
        let tails = beta_tails(a, b, x, 1.0 - x);
        close(tails.lower, lower, 1e-9);
        close(tails.upper, upper, 1e-9);
    }
}

#[test]
fn normal_and_student_match_scipy() {
    close(normal_cdf(-8.0), 6.22096057427174e-16, 1e-13);
    close(normal_cdf(-1.959963984540054), 0.025, 1e-13);
    close(normal_cdf(0.0), 0.5, 1e-13);
    close(normal_cdf(1.0), 0.8413447460685429, 1e-13);
    close(normal_cdf(3.5), 0.9997673709209645, 1e-13);
    close(normal_quantile(1e-10), -6.361340902404056, 1e-12);
    close(normal_quantile(0.025), -1.9599639845400545, 1e-12);
    close(normal_quantile(0.2), -0.8416212335729142, 1e-12);
    close(normal_quantile(0.975), 1.959963984540054, 1e-12);
    close(normal_quantile(0.9999), 3.719016485455709, 1e-12);
    close(student_two_sided(2.3, 5.0), 0.06977246933203732, 1e-11);
    close(student_two_sided(1.1, 1.0), 0.4697076556232638, 1e-11);
    close(student_two_sided(4.0, 57.0), 0.00018460282956243325, 1e-11);
    close(student_critical(0.05, 5.0), 2.5705818356363155, 1e-11);
    close(student_critical(0.01, 30.0), 2.749995653567226, 1e-11);
    close(student_critical(0.05, 1.0), 12.706204736174705, 1e-11);
    assert!(normal_quantile(0.5).abs() < 1e-12);
}

#[test]
fn quantiles_match_scipy() {
    close(
        gamma_quantile(1.0, Tail::Lower(0.025)),
        0.025317807984289876,
        1e-10,
    );
    close(
        gamma_quantile(1.0, Tail::Upper(0.025)),
        3.6888794541139363,
        1e-10,
    );
    close(
        gamma_quantile(138.0, Tail::Lower(0.025)),
        115.93691167806902,
        1e-10,
    );
    close(
        gamma_quantile(138.0, Tail::Upper(0.025)),
        161.9564046880734,
        1e-10,
    );
    close(
        gamma_quantile(0.5, Tail::Lower(0.3)),
        0.07423593091627269,
        1e-10,
    );
    close(
        gamma_quantile(0.5, Tail::Upper(0.3)),
        0.5370970854287861,
        1e-10,
    );
    close(
        gamma_quantile(1000000.0, Tail::Lower(1e-06)),
        995_253.771_977_500_2,
        1e-10,
    );
    close(
        gamma_quantile(1000000.0, Tail::Upper(1e-06)),
        1004760.6247134736,
        1e-10,
    );
    close(
        beta_quantile_odds(11.0, 22.0, Tail::Lower(0.025)),
        0.22807742368426162,
        1e-9,
    );
    close(
        beta_quantile_odds(11.0, 22.0, Tail::Upper(0.025)),
        1.0003103746874282,
        1e-9,
    );
    close(
        beta_quantile_odds(1.0, 5.0, Tail::Lower(0.025)),
        0.005076403090295943,
        1e-9,
    );
    close(
        beta_quantile_odds(1.0, 5.0, Tail::Upper(0.025)),
        1.0912791051825463,
        1e-9,
    );
    close(
        beta_quantile_odds(0.5, 0.5, Tail::Lower(0.1)),
        0.025085630936916598,
        1e-9,
    );
    close(
        beta_quantile_odds(0.5, 0.5, Tail::Upper(0.1)),
        39.86345818906146,
        1e-9,
    );
}
