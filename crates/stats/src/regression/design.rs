//! The table of regressors.

use crate::error::{Error, Result, all_finite, at_least, at_most, same_length};
use crate::types::{MAX_COUNT, check_exposures};

/// Largest number of rows.
const MAX_ROWS: u64 = 5_000_000;
/// Largest number of columns.
const MAX_COLUMNS: u64 = 200;

/// Named regressors, the log exposure, and the period of every row.
#[derive(Debug, Clone, PartialEq)]
pub struct Design {
    rows: usize,
    pub(super) names: Vec<String>,
    pub(super) columns: Vec<Vec<f64>>,
    pub(super) offset: Vec<f64>,
    pub(super) periods: Vec<usize>,
}

impl Design {
    /// An empty design for `rows` observations, each with exposure 1 and a
    /// period of its own.
    ///
    /// # Errors
    /// [`Error::TooFew`] for zero rows, [`Error::TooLarge`] above five million.
    pub fn new(rows: usize) -> Result<Self> {
        if rows == 0 {
            return Err(Error::TooFew {
                what: "rows",
                found: 0,
                needed: 1,
            });
        }
        at_most("number of rows", rows as u64, MAX_ROWS)?;
        Ok(Self {
            rows,
            names: Vec::new(),
            columns: Vec::new(),
            offset: vec![0.0; rows],
            periods: (0..rows).collect(),
        })
    }

    /// Adds the constant column `intercept`.
    ///
    /// # Errors
    /// As [`Self::column`].
    pub fn intercept(self) -> Result<Self> {
        let ones = vec![1.0; self.rows];
        self.column("intercept", &ones)
    }

    /// Adds a regressor.
    ///
    /// # Errors
    /// [`Error::LengthMismatch`] or [`Error::BadElement`] for a wrong length or
    /// a value that is not finite; [`Error::TooLarge`] above 200 columns.
    pub fn column(mut self, name: &str, values: &[f64]) -> Result<Self> {
        self.check_length("column values", values)?;
        all_finite("column values", values)?;
        at_most(
            "number of columns",
            self.columns.len() as u64 + 1,
            MAX_COLUMNS,
        )?;
        self.names.push(name.to_owned());
        self.columns.push(values.to_vec());
        Ok(self)
    }

    /// Adds one 0/1 column per level of a factor except the first, named
    /// `factor=level`; `levels` fixes the order, its first entry the reference.
    ///
    /// # Errors
    /// As [`Self::column`]; [`Error::BadElement`] for a value outside `levels`.
    pub fn factor(mut self, name: &str, levels: &[&str], values: &[&str]) -> Result<Self> {
        if let Some(position) = values.iter().position(|v| !levels.contains(v)) {
            return Err(Error::BadElement {
                what: "factor values",
                position,
                value: f64::NAN,
                expected: "one of the factor's levels",
            });
        }
        for level in levels.iter().skip(1) {
            let column: Vec<f64> = values
                .iter()
                .map(|v| if v == level { 1.0 } else { 0.0 })
                .collect();
            self = self.column(&format!("{name}={level}"), &column)?;
        }
        Ok(self)
    }

    /// Sets the exposure of every row; its logarithm becomes the offset.
    ///
    /// # Errors
    /// [`Error::LengthMismatch`], or [`Error::BadElement`] for an exposure that
    /// is not finite and above 0.
    pub fn exposure(mut self, exposure: &[f64]) -> Result<Self> {
        self.check_length("exposures", exposure)?;
        check_exposures(exposure)?;
        self.offset = exposure.iter().map(|t| t.ln()).collect();
        Ok(self)
    }

    /// Says to which period each row belongs, for [`Errors::NeweyWest`] over
    /// several series at once: scores are summed within a period first
    /// (Driscoll & Kraay 1998), so correlation across series is allowed for.
    ///
    /// [`Errors::NeweyWest`]: super::Errors::NeweyWest
    ///
    /// # Errors
    /// [`Error::LengthMismatch`]; [`Error::TooLarge`] for a period number that
    /// is not below the number of rows.
    pub fn periods(mut self, periods: &[usize]) -> Result<Self> {
        self.check_length("periods", periods)?;
        let last = periods.iter().copied().max().unwrap_or(0);
        at_most("period number", last as u64, self.rows as u64 - 1)?;
        self.periods = periods.to_vec();
        Ok(self)
    }

    fn check_length<T>(&self, what: &'static str, list: &[T]) -> Result<()> {
        if list.len() == self.rows {
            Ok(())
        } else {
            Err(Error::LengthMismatch {
                left: what,
                left_len: list.len(),
                right: "the design",
                right_len: self.rows,
            })
        }
    }

    /// Checks the counts against the design and turns them into numbers.
    pub(super) fn check(&self, counts: &[u64]) -> Result<Vec<f64>> {
        same_length("counts", counts, "the design", &self.offset)?;
        at_least("columns", &self.columns, 1)?;
        at_least("rows", counts, self.columns.len() + 1)?;
        for &count in counts {
            at_most("count", count, MAX_COUNT)?;
        }
        if counts.iter().all(|&c| c == 0) {
            return Err(Error::Undetermined {
                what: "the regression",
                why: "every count is zero",
            });
        }
        Ok(counts.iter().map(|&c| c as f64).collect())
    }

    /// The regressors of every row, laid end to end.
    pub(super) fn row_major(&self) -> Vec<f64> {
        let width = self.columns.len();
        let mut data = vec![0.0; self.rows * width];
        for (j, column) in self.columns.iter().enumerate() {
            data.iter_mut()
                .skip(j)
                .step_by(width)
                .zip(column)
                .for_each(|(cell, value)| *cell = *value);
        }
        data
    }
}
