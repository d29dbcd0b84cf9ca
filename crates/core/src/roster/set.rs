//! A small set of people, by their place in the roster.

/// A bit set over places in [`super::Roster::people`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PersonSet(Vec<u64>);

impl PersonSet {
    /// Adds a person.
    pub fn insert(&mut self, index: usize) {
        let word = index / 64;
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        if let Some(bits) = self.0.get_mut(word) {
            *bits |= 1 << (index % 64);
        }
    }

    /// Takes a person out.
    pub fn remove(&mut self, index: usize) {
        if let Some(bits) = self.0.get_mut(index / 64) {
            *bits &= !(1 << (index % 64));
        }
    }

    /// Whether the person is in the set.
    #[must_use]
    pub fn contains(&self, index: usize) -> bool {
        self.0
            .get(index / 64)
            .is_some_and(|bits| bits & (1 << (index % 64)) != 0)
    }

    /// Keeps only people who are also in `other`.
    pub fn intersect(&mut self, other: &Self) {
        for (word, bits) in self.0.iter_mut().enumerate() {
            *bits &= other.0.get(word).copied().unwrap_or(0);
        }
    }

    /// Adds everyone in `other`.
    pub fn union(&mut self, other: &Self) {
        if self.0.len() < other.0.len() {
            self.0.resize(other.0.len(), 0);
        }
        for (bits, more) in self.0.iter_mut().zip(&other.0) {
            *bits |= more;
        }
    }

    /// Takes everyone in `other` out.
    pub fn subtract(&mut self, other: &Self) {
        for (bits, gone) in self.0.iter_mut().zip(&other.0) {
            *bits &= !gone;
        }
    }

    /// How many people.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.iter().map(|bits| bits.count_ones() as usize).sum()
    }

    /// Whether nobody is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|bits| *bits == 0)
    }

    /// The people, by rising place.
    pub fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.0.iter().enumerate().flat_map(|(word, bits)| {
            (0..64)
                .filter(move |bit| bits & (1 << bit) != 0)
                .map(move |bit| word * 64 + bit)
        })
    }
}

impl FromIterator<usize> for PersonSet {
    fn from_iter<I: IntoIterator<Item = usize>>(people: I) -> Self {
        let mut set = Self::default();
        for index in people {
            set.insert(index);
        }
        set
    }
}

#[cfg(test)]
mod tests {
    use super::PersonSet;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn behaves_like_a_set(
            a in proptest::collection::btree_set(0_usize..200, 0..20),
            b in proptest::collection::btree_set(0_usize..200, 0..20),
        ) {
            let bits = |s: &BTreeSet<usize>| s.iter().copied().collect::<PersonSet>();
            let back = |s: &PersonSet| s.iter().collect::<BTreeSet<_>>();
            let mut both = bits(&a);
            both.intersect(&bits(&b));
            prop_assert_eq!(back(&both), &a & &b);
            let mut either = bits(&a);
            either.union(&bits(&b));
            prop_assert_eq!(either.len(), (&a | &b).len());
            prop_assert_eq!(back(&either), &a | &b);
            let mut only = bits(&a);
            only.subtract(&bits(&b));
            prop_assert_eq!(only.is_empty(), (&a - &b).is_empty());
            prop_assert_eq!(back(&only), &a - &b);
        }
    }
}
