//! Many questions at once: which answers survive.

use crate::error::{Result, every, open_unit};

/// Which guarantee to give.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    /// No false claim at all with probability 1 - level; multiplies every p.
    Bonferroni,
    /// The same guarantee, rejecting at least as much (Holm 1979).
    Holm,
    /// A bound on the expected share of false claims, for independent or
    /// positively dependent tests (Benjamini & Hochberg 1995).
    BenjaminiHochberg,
    /// The same bound under any dependence (Benjamini & Yekutieli 2001).
    BenjaminiYekutieli,
}

/// Adjusted p-values, in the order given: reject where they are at or below the
/// level.
///
/// ```
/// use countersign_stats::multiple::{Method, adjust};
/// let adjusted = adjust(&[0.01, 0.04, 0.03], Method::BenjaminiHochberg)?;
/// assert!((adjusted[0] - 0.03).abs() < 1e-12);
/// # Ok::<(), countersign_stats::Error>(())
/// ```
///
/// # Errors
/// [`Error::BadElement`](crate::Error::BadElement) for a value outside [0, 1].
pub fn adjust(p_values: &[f64], method: Method) -> Result<Vec<f64>> {
    every("p-values", p_values, "a number from 0 to 1", |p| {
        (0.0..=1.0).contains(&p)
    })?;
    let m = p_values.len() as f64;
    let harmonic: f64 = (1..=p_values.len()).map(|k| 1.0 / k as f64).sum();
    let mut order: Vec<(f64, usize)> = p_values.iter().copied().zip(0..).collect();
    order.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let scaled = order.iter().zip(1u32..).map(|((p, _), rank)| {
        let rank = f64::from(rank);
        let factor = match method {
            Method::Bonferroni => m,
            Method::Holm => m - rank + 1.0,
            Method::BenjaminiHochberg => m / rank,
            Method::BenjaminiYekutieli => m / rank * harmonic,
        };
        (p * factor).min(1.0)
    });
    let mut monotone: Vec<f64> = scaled.collect();
    match method {
        Method::Bonferroni => {}
        Method::Holm => cumulate(monotone.iter_mut(), f64::max),
        Method::BenjaminiHochberg | Method::BenjaminiYekutieli => {
            cumulate(monotone.iter_mut().rev(), f64::min);
        }
    }
    let mut adjusted = vec![0.0; p_values.len()];
    for ((_, position), value) in order.iter().zip(monotone) {
        if let Some(cell) = adjusted.get_mut(*position) {
            *cell = value;
        }
    }
    Ok(adjusted)
}

fn cumulate<'a>(values: impl Iterator<Item = &'a mut f64>, pick: fn(f64, f64) -> f64) {
    let mut last: Option<f64> = None;
    for value in values {
        *value = last.map_or(*value, |l| pick(l, *value));
        last = Some(*value);
    }
}

/// The e-BH procedure (Wang & Ramdas 2022): positions of the e-values rejected
/// at false-discovery rate `level`, under any dependence and at any time of
/// looking.
///
/// # Errors
/// [`Error::BadElement`](crate::Error::BadElement) for a negative or `NaN`
/// e-value; [`Error::OutOfRange`](crate::Error::OutOfRange) for a level outside
/// (0, 1).
pub fn e_benjamini_hochberg(e_values: &[f64], level: f64) -> Result<Vec<usize>> {
    every("e-values", e_values, "a number of at least 0", |e| e >= 0.0)?;
    open_unit("level", level)?;
    let mut order: Vec<(f64, usize)> = e_values.iter().copied().zip(0..).collect();
    order.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let needed = e_values.len() as f64 / level;
    let passing = |(e, rank): (f64, usize)| e * rank as f64 >= needed;
    let last = order
        .iter()
        .zip(1..)
        .filter(|((e, _), rank)| passing((*e, *rank)))
        .map(|(_, rank)| rank)
        .max()
        .unwrap_or(0);
    let mut rejected: Vec<usize> = order.iter().take(last).map(|(_, i)| *i).collect();
    rejected.sort_unstable();
    Ok(rejected)
}
