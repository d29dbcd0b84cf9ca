//! The little dense linear algebra that regression needs.

use crate::error::{Error, Result};

/// A small dense matrix, row by row.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Matrix {
    columns: usize,
    data: Vec<f64>,
}

impl Matrix {
    pub(crate) fn zeros(rows: usize, columns: usize) -> Self {
        Self {
            columns,
            data: vec![0.0; rows * columns],
        }
    }

    /// Rows laid end to end, each `columns` long.
    pub(crate) fn from_rows(columns: usize, data: Vec<f64>) -> Self {
        Self { columns, data }
    }

    pub(crate) fn columns(&self) -> usize {
        self.columns
    }

    pub(crate) fn rows(&self) -> impl Iterator<Item = &[f64]> {
        self.data.chunks_exact(self.columns.max(1))
    }

    /// The element, or `NaN` outside the matrix so that a slip cannot go unseen.
    pub(crate) fn at(&self, row: usize, column: usize) -> f64 {
        self.data
            .get(row * self.columns + column)
            .copied()
            .unwrap_or(f64::NAN)
    }

    pub(crate) fn set(&mut self, row: usize, column: usize, value: f64) {
        if let Some(cell) = self.data.get_mut(row * self.columns + column) {
            *cell = value;
        }
    }

    /// Adds `weight * left right'`.
    pub(crate) fn add_outer(&mut self, weight: f64, left: &[f64], right: &[f64]) {
        for (row, l) in self.data.chunks_exact_mut(self.columns.max(1)).zip(left) {
            let scaled = weight * l;
            row.iter_mut()
                .zip(right)
                .for_each(|(cell, r)| *cell += scaled * r);
        }
    }

    pub(crate) fn scale(mut self, factor: f64) -> Self {
        self.data.iter_mut().for_each(|v| *v *= factor);
        self
    }

    pub(crate) fn times(&self, vector: &[f64]) -> Vec<f64> {
        self.rows().map(|row| dot(row, vector)).collect()
    }

    pub(crate) fn product(&self, other: &Self) -> Self {
        let mut data = Vec::with_capacity(self.data.len());
        for row in self.rows() {
            let mut sums = vec![0.0; other.columns];
            for (weight, other_row) in row.iter().zip(other.rows()) {
                sums.iter_mut()
                    .zip(other_row)
                    .for_each(|(s, o)| *s += weight * o);
            }
            data.extend(sums);
        }
        Self {
            columns: other.columns,
            data,
        }
    }
}

/// Inner product.
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

/// Inverse of a symmetric positive definite matrix by Cholesky's method, after
/// scaling its diagonal to 1 so that the units of the columns do not matter.
///
/// A column whose remaining diagonal drops below `1e-11` of its size is a
/// combination of the ones before it; `names` says which.
pub(crate) fn invert_spd(matrix: &Matrix, names: &[String]) -> Result<Matrix> {
    let n = matrix.columns();
    let scale: Vec<f64> = (0..n).map(|i| matrix.at(i, i).sqrt()).collect();
    let entry = |i: usize, j: usize| {
        let unit = |k: usize| scale.get(k).copied().filter(|s| *s > 0.0).unwrap_or(1.0);
        matrix.at(i, j) / (unit(i) * unit(j))
    };
    let mut lower = Matrix::zeros(n, n);
    for i in 0..n {
        for j in 0..=i {
            let sum: f64 = (0..j).map(|k| lower.at(i, k) * lower.at(j, k)).sum();
            let rest = entry(i, j) - sum;
            if i == j {
                if rest.is_nan() || rest <= 1e-11 {
                    return Err(Error::Collinear {
                        column: names.get(i).cloned().unwrap_or_default(),
                    });
                }
                lower.set(i, i, rest.sqrt());
            } else {
                lower.set(i, j, rest / lower.at(j, j));
            }
        }
    }
    let half = invert_lower(&lower);
    let mut inverse = Matrix::zeros(n, n);
    for i in 0..n {
        for j in 0..n {
            let sum: f64 = (i.max(j)..n).map(|k| half.at(k, i) * half.at(k, j)).sum();
            let unit = |k: usize| scale.get(k).copied().unwrap_or(1.0);
            inverse.set(i, j, sum / (unit(i) * unit(j)));
        }
    }
    Ok(inverse)
}

fn invert_lower(lower: &Matrix) -> Matrix {
    let n = lower.columns();
    let mut inverse = Matrix::zeros(n, n);
    for j in 0..n {
        inverse.set(j, j, 1.0 / lower.at(j, j));
        for i in j + 1..n {
            let sum: f64 = (j..i).map(|k| lower.at(i, k) * inverse.at(k, j)).sum();
            inverse.set(i, j, -sum / lower.at(i, i));
        }
    }
    inverse
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inverse_times_matrix_is_identity_whatever_the_units() {
        let matrix = Matrix::from_rows(3, vec![4e6, 2e3, 0.6, 2e3, 5.0, 1e-4, 0.6, 1e-4, 1e-6]);
        let names = ["a".to_owned(), "b".to_owned(), "c".to_owned()];
        let identity = invert_spd(&matrix, &names).unwrap().product(&matrix);
        for i in 0..3 {
            for j in 0..3 {
                let want = if i == j { 1.0 } else { 0.0 };
                assert!(
                    (identity.at(i, j) - want).abs() < 1e-6,
                    "{i} {j} {}",
                    identity.at(i, j)
                );
            }
        }
    }

    #[test]
    fn a_repeated_column_is_named() {
        let matrix = Matrix::from_rows(2, vec![4.0, 8.0, 8.0, 16.0]);
        let found = invert_spd(&matrix, &["a".to_owned(), "b".to_owned()]);
        assert_eq!(
            found,
            Err(Error::Collinear {
                column: "b".to_owned()
            })
        );
    }
}
