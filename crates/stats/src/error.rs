//! The one error type: what was wrong, where, and what would be right.

/// Why an answer was refused.
///
/// Every function of this crate checks its input before it computes; none of
/// them panics or returns a silent `NaN`.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A single argument lies outside its range (or is not a number).
    #[error("{what} is `{value}`; expected {expected}")]
    OutOfRange {
        /// The argument.
        what: &'static str,
        /// What was given.
        value: f64,
        /// The accepted range, in words.
        expected: &'static str,
    },
    /// One element of a list lies outside its range (or is not a number).
    #[error("{what}[{position}] is `{value}`; expected {expected}")]
    BadElement {
        /// The list.
        what: &'static str,
        /// Zero-based position of the element.
        position: usize,
        /// What was given.
        value: f64,
        /// The accepted range, in words.
        expected: &'static str,
    },
    /// A list is too short for the method.
    #[error("{what}: {found} given, at least {needed} needed")]
    TooFew {
        /// The list.
        what: &'static str,
        /// Its length.
        found: usize,
        /// The shortest length the method can work with.
        needed: usize,
    },
    /// A list or number is larger than the method accepts.
    #[error("{what} is {found}; at most {limit} accepted")]
    TooLarge {
        /// The list or number.
        what: &'static str,
        /// Its size.
        found: u64,
        /// The largest size accepted.
        limit: u64,
    },
    /// Two lists that belong together differ in length.
    #[error("{left} ({left_len}) and {right} ({right_len}) must match in length")]
    LengthMismatch {
        /// The first list.
        left: &'static str,
        /// Its length.
        left_len: usize,
        /// The second list.
        right: &'static str,
        /// Its length.
        right_len: usize,
    },
    /// The data carry no information about the quantity asked for.
    #[error("{what} cannot be determined: {why}")]
    Undetermined {
        /// The quantity asked for.
        what: &'static str,
        /// What the data lack.
        why: &'static str,
    },
    /// A regressor is an exact (or nearly exact) combination of earlier ones.
    #[error("column `{column}` cannot be told apart from the columns before it; drop one of them")]
    Collinear {
        /// The later of the columns involved.
        column: String,
    },
    /// A coefficient runs off to infinity: all counts in one group are zero.
    #[error(
        "the coefficient of column `{column}` has no finite estimate; a group has no events at all"
    )]
    Separated {
        /// The column whose coefficient diverges.
        column: String,
    },
    /// An iteration did not settle.
    #[error("{what} did not settle within {iterations} iterations")]
    NotConverged {
        /// The iteration.
        what: &'static str,
        /// How many steps were taken.
        iterations: usize,
    },
}

/// Shorthand for this crate's results.
pub type Result<T> = std::result::Result<T, Error>;

/// Checks a finite, strictly positive argument.
pub(crate) fn positive(what: &'static str, value: f64) -> Result<f64> {
    if value.is_finite() && value > 0.0 {
        Ok(value)
    } else {
        Err(Error::OutOfRange {
            what,
            value,
            expected: "a finite number above 0",
        })
    }
}

/// Checks a probability strictly between 0 and 1.
pub(crate) fn open_unit(what: &'static str, value: f64) -> Result<f64> {
    if value > 0.0 && value < 1.0 {
        Ok(value)
    } else {
        Err(Error::OutOfRange {
            what,
            value,
            expected: "a number strictly between 0 and 1",
        })
    }
}

/// Checks a probability in `[0, 1]`.
pub(crate) fn unit(what: &'static str, value: f64) -> Result<f64> {
    if (0.0..=1.0).contains(&value) {
        Ok(value)
    } else {
        Err(Error::OutOfRange {
            what,
            value,
            expected: "a number from 0 to 1",
        })
    }
}

/// Checks that a list has at least `needed` elements.
pub(crate) fn at_least<T>(what: &'static str, list: &[T], needed: usize) -> Result<()> {
    if list.len() >= needed {
        Ok(())
    } else {
        Err(Error::TooFew {
            what,
            found: list.len(),
            needed,
        })
    }
}

/// Checks that a number does not pass a bound that keeps run time finite.
pub(crate) fn at_most(what: &'static str, found: u64, limit: u64) -> Result<()> {
    if found <= limit {
        Ok(())
    } else {
        Err(Error::TooLarge { what, found, limit })
    }
}

/// Checks that two lists have the same length.
pub(crate) fn same_length<A, B>(
    left: &'static str,
    a: &[A],
    right: &'static str,
    b: &[B],
) -> Result<()> {
    if a.len() == b.len() {
        Ok(())
    } else {
        Err(Error::LengthMismatch {
            left,
            left_len: a.len(),
            right,
            right_len: b.len(),
        })
    }
}

/// Checks every element of a list against `accept`.
pub(crate) fn every(
    what: &'static str,
    list: &[f64],
    expected: &'static str,
    accept: impl Fn(f64) -> bool,
) -> Result<()> {
    match list.iter().position(|&v| !accept(v)) {
        None => Ok(()),
        Some(position) => Err(Error::BadElement {
            what,
            position,
            value: list.get(position).copied().unwrap_or(f64::NAN),
            expected,
        }),
    }
}

/// Checks that every element is finite, and small enough for its square to be.
pub(crate) fn all_finite(what: &'static str, list: &[f64]) -> Result<()> {
    every(
        what,
        list,
        "a finite number of at most 1e100 in size",
        |v| v.abs() <= 1e100,
    )
}
