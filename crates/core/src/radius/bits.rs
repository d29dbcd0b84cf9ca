//! Sets of small numbers as bits.

/// A set of numbers below a fixed limit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bits {
    words: Vec<u64>,
}

impl Bits {
    /// An empty set for numbers below `limit`.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            words: vec![0; limit.div_ceil(64)],
        }
    }

    /// Whether the number is in the set.
    #[inline]
    #[must_use]
    pub fn contains(&self, number: u32) -> bool {
        test(&self.words, number)
    }

    /// Adds the number; says whether it is new. A number at or above the limit
    /// is not added.
    #[inline]
    pub fn insert(&mut self, number: u32) -> bool {
        set(&mut self.words, number)
    }

    /// How many numbers there are.
    #[must_use]
    pub fn len(&self) -> usize {
        count(&self.words)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }

    /// The numbers, ascending.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        ones(&self.words)
    }

    /// The set as words, lowest numbers first.
    pub(super) fn words(&self) -> &[u64] {
        &self.words
    }

    /// The set as words, to change.
    pub(super) fn words_mut(&mut self) -> &mut [u64] {
        &mut self.words
    }
}

/// Whether a bit is set in a row of words.
#[inline]
pub(super) fn test(words: &[u64], number: u32) -> bool {
    words
        .get(number as usize / 64)
        .is_some_and(|word| word >> (number % 64) & 1 == 1)
}

/// Sets a bit in a row of words; says whether it was clear.
#[inline]
pub(super) fn set(words: &mut [u64], number: u32) -> bool {
    let Some(word) = words.get_mut(number as usize / 64) else {
        return false;
    };
    let bit = 1 << (number % 64);
    let new = *word & bit == 0;
    *word |= bit;
    new
}

/// How many bits are set.
pub(super) fn count(words: &[u64]) -> usize {
    words.iter().map(|word| word.count_ones() as usize).sum()
}

/// How many bits from `start` up to `end` are set.
pub(super) fn count_between(words: &[u64], start: u32, end: u32) -> u32 {
    let (first, last) = (start / 64, end.div_ceil(64));
    let words = words.get(first as usize..last as usize).unwrap_or(&[]);
    let mut count = 0;
    for (base, word) in (first * 64..).step_by(64).zip(words) {
        let above = u64::MAX << start.saturating_sub(base).min(63);
        let below = match end - base {
            rest @ 0..64 => !(u64::MAX << rest),
            _ => u64::MAX,
        };
        count += (word & above & below).count_ones();
    }
    count
}

/// The set bits of a row of words, ascending.
pub(super) fn ones(words: &[u64]) -> impl Iterator<Item = u32> + '_ {
    (0_u32..).step_by(64).zip(words).flat_map(|(base, word)| {
        let mut rest = *word;
        std::iter::from_fn(move || {
            let bit = (rest != 0).then(|| rest.trailing_zeros())?;
            rest &= rest - 1;
            Some(base + bit)
        })
    })
}

/// Adds one row of words to another of the same length.
#[inline]
pub(super) fn or(into: &mut [u64], from: &[u64]) {
    for (into, from) in into.iter_mut().zip(from) {
        *into |= from;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn counts_between_are_counts(
            numbers in prop::collection::btree_set(0_u32..300, 0..80),
            start in 0_u32..300,
            length in 0_u32..300,
        ) {
            let end = (start + length).min(300);
            let mut set = Bits::new(300);
            for number in &numbers {
                set.insert(*number);
            }
            let expected = numbers.iter().filter(|n| (start..end).contains(*n)).count();
            prop_assert_eq!(count_between(set.words(), start, end) as usize, expected);
            prop_assert!(set.iter().eq(numbers.iter().copied()));
            prop_assert_eq!(set.len(), numbers.len());
        }
    }
}
