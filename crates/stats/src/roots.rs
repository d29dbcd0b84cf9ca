//! Root finding for the quantiles and limits that have no closed form.

/// Finds a zero of `f` between `low` and `high` by Brent's method
/// (Brent 1973, *Algorithms for Minimization without Derivatives*, ch. 4).
///
/// Without a change of sign the end with the smaller |f| is returned: callers
/// bracket first, so that end is then the limit of the admissible range.
pub(crate) fn brent(f: impl Fn(f64) -> f64, low: f64, high: f64) -> f64 {
    let (mut a, mut b) = (low, high);
    let (mut fa, mut fb) = (f(a), f(b));
    if fa == 0.0 {
        return a;
    }
    if fb == 0.0 || fa.signum() == fb.signum() {
        return if fb.abs() <= fa.abs() { b } else { a };
    }
    let (mut c, mut fc) = (a, fa);
    let mut step = b - a;
    let mut last_step = step;
    for _ in 0..200 {
        if fb.signum() == fc.signum() {
            (c, fc) = (a, fa);
            step = b - a;
            last_step = step;
        }
        if fc.abs() < fb.abs() {
            (a, b, c) = (b, c, b);
            (fa, fb, fc) = (fb, fc, fb);
        }
        let tolerance = 2.0 * f64::EPSILON * b.abs() + 1e-300;
        let half = 0.5 * (c - b);
        if half.abs() <= tolerance || fb == 0.0 {
            return b;
        }
        if last_step.abs() >= tolerance && fa.abs() > fb.abs() {
            let (p, q) = interpolate((a, fa), (b, fb), (c, fc));
            let limit = (3.0 * half * q - (tolerance * q).abs()).min((last_step * q).abs());
            if 2.0 * p < limit {
                last_step = step;
                step = p / q;
            } else {
                step = half;
                last_step = half;
            }
        } else {
            step = half;
            last_step = half;
        }
        (a, fa) = (b, fb);
        b += if step.abs() > tolerance {
            step
        } else {
            tolerance.copysign(half)
        };
        fb = f(b);
    }
    b
}

/// Secant or inverse quadratic step as the fraction `p / q` with `p >= 0`.
fn interpolate(a: (f64, f64), b: (f64, f64), c: (f64, f64)) -> (f64, f64) {
    let s = b.1 / a.1;
    let half = 0.5 * (c.0 - b.0);
    let (p, q) = if a.0 == c.0 {
        (2.0 * half * s, 1.0 - s)
    } else {
        let (q, r) = (a.1 / c.1, b.1 / c.1);
        (
            s * (2.0 * half * q * (q - r) - (b.0 - a.0) * (r - 1.0)),
            (q - 1.0) * (r - 1.0) * (s - 1.0),
        )
    };
    if p > 0.0 { (p, -q) } else { (-p, q) }
}

/// Solves `f(u) = 0` for an increasing `f`, starting near `start` and widening
/// the bracket until the sign changes (or `|u|` passes `limit`).
pub(crate) fn solve_increasing(f: impl Fn(f64) -> f64, start: f64, limit: f64) -> f64 {
    let mut width = 0.5;
    if f(start) < 0.0 {
        let mut low = start;
        loop {
            let high = (start + width).min(limit);
            if f(high) >= 0.0 || high >= limit {
                return brent(f, low, high);
            }
            low = high;
            width *= 2.0;
        }
    }
    let mut high = start;
    loop {
        let low = (start - width).max(-limit);
        if f(low) <= 0.0 || low <= -limit {
            return brent(f, low, high);
        }
        high = low;
        width *= 2.0;
    }
}

/// Largest value of a function with one peak, by golden-section search.
pub(crate) fn maximise(f: impl Fn(f64) -> f64, low: f64, high: f64) -> f64 {
    const GOLDEN: f64 = 0.618_033_988_749_894_8;
    let (mut a, mut b) = (low, high);
    let (mut x, mut y) = (b - GOLDEN * (b - a), a + GOLDEN * (b - a));
    let (mut fx, mut fy) = (f(x), f(y));
    for _ in 0..120 {
        if (b - a).abs() <= 1e-10 * (1.0 + a.abs() + b.abs()) {
            break;
        }
        if fx >= fy {
            (b, y, fy) = (y, x, fx);
            x = b - GOLDEN * (b - a);
            fx = f(x);
        } else {
            (a, x, fx) = (x, y, fy);
            y = a + GOLDEN * (b - a);
            fy = f(y);
        }
    }
    0.5 * (a + b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brent_finds_simple_roots() {
        assert!((brent(|x| x * x - 2.0, 0.0, 2.0) - 2f64.sqrt()).abs() < 1e-14);
        assert!((brent(|x| x.cos() - x, 0.0, 1.0) - 0.739_085_133_215_160_6).abs() < 1e-14);
        assert!((solve_increasing(|x| x - 40.0, 0.0, 700.0) - 40.0).abs() < 1e-12);
        assert!((solve_increasing(|x| x + 40.0, 0.0, 700.0) + 40.0).abs() < 1e-12);
        assert!((maximise(|x| -(x - 0.3) * (x - 0.3), -5.0, 9.0) - 0.3).abs() < 1e-6);
    }

    #[test]
    fn without_a_sign_change_the_nearer_end_is_returned() {
        assert!((brent(|x| x + 10.0, 0.0, 1.0)).abs() < 1e-14);
    }
}
