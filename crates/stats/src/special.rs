//! Special functions at full double precision for large arguments too.
//!
//! `libm` gives `lgamma` and `erfc` to about one unit in the last place. The
//! incomplete gamma and beta functions are built here on top of it, with
//! Loader's saddle-point form of the prefactor (C. Loader 2000, *Fast and
//! Accurate Computation of Binomial Probabilities*) and the continued fractions
//! of DLMF 8.9.2 and 8.17.22. Reason for not taking them from a library: the
//! incomplete beta of statrs 0.19.1 stops after 140 terms and is silently wrong
//! for counts in the millions (I(0.39409; 1.17e7, 1.80e7) = 0.317 for 0.511).

use crate::roots::solve_increasing;

const LN_SQRT_2PI: f64 = 0.918_938_533_204_672_8;
const TINY: f64 = 1e-300;
/// Bound on series and continued fractions; about `sqrt(72 n)` terms are used.
const MAX_TERMS: u32 = 2_000_000;

/// Both tail probabilities of a distribution at a point.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tails {
    pub(crate) lower: f64,
    pub(crate) upper: f64,
}

/// Which tail a given probability belongs to; avoids computing `1 - p`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Tail {
    Lower(f64),
    Upper(f64),
}

/// Natural logarithm of the gamma function.
pub(crate) fn ln_gamma(x: f64) -> f64 {
    libm::lgamma(x)
}

/// `ln C(n, k)` for real arguments.
pub(crate) fn ln_choose(n: f64, k: f64) -> f64 {
    ln_gamma(n + 1.0) - ln_gamma(k + 1.0) - ln_gamma(n - k + 1.0)
}

/// `ln B(a, b)`.
pub(crate) fn ln_beta(a: f64, b: f64) -> f64 {
    ln_gamma(a) + ln_gamma(b) - ln_gamma(a + b)
}

/// `ln(sum(exp(terms)))` without overflow.
pub(crate) fn ln_sum_exp(terms: impl Iterator<Item = f64> + Clone) -> f64 {
    let peak = terms.clone().fold(f64::NEG_INFINITY, f64::max);
    if peak.is_infinite() {
        return peak;
    }
    peak + terms.map(|t| (t - peak).exp()).sum::<f64>().ln()
}

/// Stirling's error `ln n! - ln(sqrt(2 pi n) (n/e)^n)`.
fn stirling_error(n: f64) -> f64 {
    if n <= 16.0 {
        return ln_gamma(n + 1.0) - (n + 0.5) * n.ln() + n - LN_SQRT_2PI;
    }
    let m = n * n;
    (1.0 / 12.0 - (1.0 / 360.0 - (1.0 / 1260.0 - (1.0 / 1680.0 - 1.0 / 1188.0 / m) / m) / m) / m)
        / n
}

/// `ln Gamma(r + y) - ln Gamma(r) - y ln r`, without the cancellation that a
/// difference of two large `lgamma` values suffers for large `r`.
pub(crate) fn ln_gamma_growth(r: f64, y: f64) -> f64 {
    (r + y - 0.5) * libm::log1p(y / r) - y + stirling_error(r + y) - stirling_error(r)
}

/// Deviance term `x ln(x/m) + m - x`, accurate for `x` near `m`.
fn deviance_term(x: f64, m: f64) -> f64 {
    if (x - m).abs() < 0.1 * (x + m) {
        let v = (x - m) / (x + m);
        let mut sum = (x - m) * v;
        let mut power = 2.0 * x * v;
        for j in 1..1000 {
            power *= v * v;
            let next = sum + power / f64::from(2 * j + 1);
            if next == sum {
                return next;
            }
            sum = next;
        }
    }
    x * (x / m).ln() + m - x
}

/// `x^a e^-x / Gamma(a + 1)` for real `a > 0`: the Poisson probability of `a`.
fn poisson_density(a: f64, x: f64) -> f64 {
    if a == 0.0 {
        return (-x).exp();
    }
    (-stirling_error(a) - deviance_term(a, x)).exp() / (2.0 * std::f64::consts::PI * a).sqrt()
}

/// Poisson probability of exactly `k` events for mean `mean`.
pub(crate) fn poisson_pmf(k: f64, mean: f64) -> f64 {
    if mean <= 0.0 {
        return if k == 0.0 { 1.0 } else { 0.0 };
    }
    poisson_density(k, mean)
}

/// Regularised incomplete gamma functions `P(a, x)` and `Q(a, x)`.
pub(crate) fn gamma_tails(a: f64, x: f64) -> Tails {
    if x <= 0.0 {
        return Tails {
            lower: 0.0,
            upper: 1.0,
        };
    }
    if x.is_infinite() {
        return Tails {
            lower: 1.0,
            upper: 0.0,
        };
    }
    let density = poisson_density(a, x);
    if x < a + 1.0 {
        let lower = (density * gamma_series(a, x)).min(1.0);
        Tails {
            lower,
            upper: 1.0 - lower,
        }
    } else {
        let upper = (a * density * gamma_fraction(a, x)).min(1.0);
        Tails {
            lower: 1.0 - upper,
            upper,
        }
    }
}

/// Power series of the lower incomplete gamma function (DLMF 8.7.1).
fn gamma_series(a: f64, x: f64) -> f64 {
    let (mut term, mut sum, mut k) = (1.0, 1.0, a);
    for _ in 0..MAX_TERMS {
        k += 1.0;
        term *= x / k;
        sum += term;
        if term < sum * 1e-17 {
            break;
        }
    }
    sum
}

/// Continued fraction of the upper incomplete gamma function (DLMF 8.9.2).
fn gamma_fraction(a: f64, x: f64) -> f64 {
    let mut b = x + 1.0 - a;
    let mut c = 1.0 / TINY;
    let mut d = 1.0 / b;
    let mut h = d;
    for i in 1..MAX_TERMS {
        let i = f64::from(i);
        let an = -i * (i - a);
        b += 2.0;
        d = 1.0 / guard(an * d + b);
        c = guard(b + an / c);
        let delta = d * c;
        h *= delta;
        if (delta - 1.0).abs() < 1e-16 {
            break;
        }
    }
    h
}

/// Keeps Lentz's algorithm away from division by zero.
fn guard(x: f64) -> f64 {
    if x.abs() < TINY { TINY } else { x }
}

/// Poisson tails: `lower = P(X <= k)`, `upper = P(X >= k)`; they overlap at `k`.
pub(crate) fn poisson_tails(k: f64, mean: f64) -> Tails {
    Tails {
        lower: gamma_tails(k + 1.0, mean).upper,
        upper: if k <= 0.0 {
            1.0
        } else {
            gamma_tails(k, mean).lower
        },
    }
}

/// Binomial probability of `x` successes in `n`, with `q = 1 - p` given
/// separately so that neither loses digits; real `x` and `n` are allowed.
pub(crate) fn binomial_pmf(x: f64, n: f64, p: f64, q: f64) -> f64 {
    if p <= 0.0 || q <= 0.0 {
        let certain = if p <= 0.0 { 0.0 } else { n };
        return if x == certain { 1.0 } else { 0.0 };
    }
    if x == 0.0 {
        return (n * ln_complement(p, q)).exp();
    }
    if x == n {
        return (n * ln_complement(q, p)).exp();
    }
    let ln = stirling_error(n)
        - stirling_error(x)
        - stirling_error(n - x)
        - deviance_term(x, n * p)
        - deviance_term(n - x, n * q);
    ln.exp() * (n / (2.0 * std::f64::consts::PI * x * (n - x))).sqrt()
}

/// `ln q` where `q = 1 - p`, from whichever of the two is more accurate.
fn ln_complement(p: f64, q: f64) -> f64 {
    if p < 0.1 { libm::log1p(-p) } else { q.ln() }
}

/// Regularised incomplete beta function `I_x(a, b)` and its complement, with
/// `y = 1 - x` given separately.
pub(crate) fn beta_tails(a: f64, b: f64, x: f64, y: f64) -> Tails {
    if x <= 0.0 {
        return Tails {
            lower: 0.0,
            upper: 1.0,
        };
    }
    if y <= 0.0 {
        return Tails {
            lower: 1.0,
            upper: 0.0,
        };
    }
    let density = binomial_pmf(a, a + b, x, y);
    if x < (a + 1.0) / (a + b + 2.0) {
        let lower = (density * b / (a + b) * beta_fraction(a, b, x)).min(1.0);
        Tails {
            lower,
            upper: 1.0 - lower,
        }
    } else {
        let upper = (density * a / (a + b) * beta_fraction(b, a, y)).min(1.0);
        Tails {
            lower: 1.0 - upper,
            upper,
        }
    }
}

/// Continued fraction of the incomplete beta function (DLMF 8.17.22).
fn beta_fraction(a: f64, b: f64, x: f64) -> f64 {
    let mut c = 1.0;
    let mut d = 1.0 / guard(1.0 - (a + b) * x / (a + 1.0));
    let mut h = d;
    for m in 1..MAX_TERMS {
        let m = f64::from(m);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = 1.0 / guard(1.0 + even * d);
        c = guard(1.0 + even / c);
        h *= d * c;
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 / guard(1.0 + odd * d);
        c = guard(1.0 + odd / c);
        let delta = d * c;
        h *= delta;
        if (delta - 1.0).abs() < 1e-16 {
            break;
        }
    }
    h
}

/// Binomial tails: `lower = P(X <= x)`, `upper = P(X >= x)`; they overlap at `x`.
pub(crate) fn binomial_tails(x: f64, n: f64, p: f64, q: f64) -> Tails {
    let lower = if x >= n {
        1.0
    } else {
        beta_tails(x + 1.0, n - x, p, q).upper
    };
    let upper = if x <= 0.0 {
        1.0
    } else {
        beta_tails(x, n - x + 1.0, p, q).lower
    };
    Tails { lower, upper }
}

/// Signed distance between a computed tail and the wanted one, increasing in
/// the argument of the distribution.
fn tail_gap(tails: Tails, tail: Tail) -> f64 {
    match tail {
        Tail::Lower(p) => tails.lower - p,
        Tail::Upper(p) => p - tails.upper,
    }
}

/// Quantile of the gamma distribution with shape `a` and scale 1.
pub(crate) fn gamma_quantile(a: f64, tail: Tail) -> f64 {
    solve_increasing(|u| tail_gap(gamma_tails(a, u.exp()), tail), a.ln(), 700.0).exp()
}

/// Odds `x / (1 - x)` of the beta quantile; exact also for quantiles near 1.
pub(crate) fn beta_quantile_odds(a: f64, b: f64, tail: Tail) -> f64 {
    let gap = |u: f64| {
        let (x, y) = (1.0 / (1.0 + (-u).exp()), 1.0 / (1.0 + u.exp()));
        tail_gap(beta_tails(a, b, x, y), tail)
    };
    solve_increasing(gap, (a / b).ln(), 700.0).exp()
}

/// Standard normal distribution function.
pub(crate) fn normal_cdf(z: f64) -> f64 {
    0.5 * libm::erfc(-z * std::f64::consts::FRAC_1_SQRT_2)
}

/// Two-sided normal p-value of `z`.
pub(crate) fn normal_two_sided(z: f64) -> f64 {
    (2.0 * normal_cdf(-z.abs())).min(1.0)
}

/// Standard normal quantile.
pub(crate) fn normal_quantile(p: f64) -> f64 {
    if p <= 0.0 {
        return f64::NEG_INFINITY;
    }
    if p >= 1.0 {
        return f64::INFINITY;
    }
    if p > 0.5 {
        return solve_increasing(|z| (1.0 - p) - normal_cdf(-z), 1.0, 40.0);
    }
    solve_increasing(|z| normal_cdf(z) - p, -1.0, 40.0)
}

/// Upper tail of the chi-square distribution with `df` degrees of freedom.
pub(crate) fn chi_square_upper(x: f64, df: f64) -> f64 {
    gamma_tails(df / 2.0, x / 2.0).upper
}

/// Lower tail of the chi-square distribution with `df` degrees of freedom.
pub(crate) fn chi_square_lower(x: f64, df: f64) -> f64 {
    gamma_tails(df / 2.0, x / 2.0).lower
}

/// Two-sided p-value of Student's t with `df` degrees of freedom.
pub(crate) fn student_two_sided(t: f64, df: f64) -> f64 {
    let scale = df + t * t;
    beta_tails(df / 2.0, 0.5, df / scale, t * t / scale).lower
}

/// Two-sided critical value of Student's t: the `t` with tails `alpha / 2`.
pub(crate) fn student_critical(alpha: f64, df: f64) -> f64 {
    solve_increasing(|u| alpha - student_two_sided(u.exp(), df), 0.7, 700.0).exp()
}

#[cfg(test)]
#[path = "special_tests.rs"]
mod tests;
