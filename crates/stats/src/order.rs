//! Ranks, ties and medians.

/// Sorts in ascending order; inputs are checked to be finite beforehand.
pub(crate) fn sort(values: &mut [f64]) {
    values.sort_unstable_by(f64::total_cmp);
}

/// Median of a list, which is sorted on the way; `NaN` for an empty one.
pub(crate) fn median(values: &mut [f64]) -> f64 {
    sort(values);
    let middle = values.len() / 2;
    let at = |i: usize| values.get(i).copied().unwrap_or(f64::NAN);
    if values.len() % 2 == 1 {
        at(middle)
    } else {
        0.5 * (at(middle.wrapping_sub(1)) + at(middle))
    }
}

/// Sizes of the groups of equal values that hold more than one.
pub(crate) fn tie_groups(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sort(&mut sorted);
    sorted
        .chunk_by(|a, b| a == b)
        .filter(|group| group.len() > 1)
        .map(|group| group.len() as f64)
        .collect()
}

/// Ranks from 1, ties at their mean rank.
pub(crate) fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<(f64, usize)> = values.iter().copied().zip(0..).collect();
    order.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let mut ranks = vec![0.0; values.len()];
    let mut before = 0.0;
    for group in order.chunk_by(|a, b| a.0 == b.0) {
        let size = group.len() as f64;
        for &(_, position) in group {
            if let Some(rank) = ranks.get_mut(position) {
                *rank = before + (size + 1.0) / 2.0;
            }
        }
        before += size;
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_share_their_mean_rank() {
        assert_eq!(ranks(&[3.0, 1.0, 3.0, 2.0, 3.0]), [4.0, 1.0, 4.0, 2.0, 4.0]);
        assert_eq!(tie_groups(&[3.0, 1.0, 3.0, 2.0, 1.0, 3.0]), [2.0, 3.0]);
        assert_eq!(median(&mut [4.0, 1.0, 3.0]), 3.0);
        assert_eq!(median(&mut [4.0, 1.0, 3.0, 2.0]), 2.5);
        assert!(median(&mut []).is_nan());
    }
}
