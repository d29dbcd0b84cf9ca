//! What is wrong in a file a person wrote, where, and what to do about it.
//!
//! Every reader of a `.countersign/` file reports [`Problem`]s; the terminal
//! draws them, JSON carries them. A file with any error is not used at all.

use std::fmt;
use std::ops::Range;

use serde::Serialize;

/// How bad a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The file is usable, but someone should look.
    Warning,
    /// The file cannot be used.
    Error,
}

/// One problem in one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The file, as the person knows it (relative to the repository).
    pub file: String,
    /// Line, from 1; 0 when the problem has no place in the file.
    pub line: usize,
    /// Column in characters, from 1; 0 when the problem has no place.
    pub column: usize,
    /// The bytes it is about, for drawing.
    #[serde(skip)]
    pub span: Option<Range<usize>>,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong: one line, lower case, no full stop.
    pub message: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl Problem {
    /// Adds what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Lowers the problem to a warning.
    #[must_use]
    pub fn warning(mut self) -> Self {
        self.severity = Severity::Warning;
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line == 0 {
            write!(f, "{}: {}", self.file, self.message)?;
        } else {
            write!(
                f,
                "{}:{}:{}: {}",
                self.file, self.line, self.column, self.message
            )?;
        }
        if let Some(hint) = &self.hint {
            write!(f, " ({hint})")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problem {}

/// A file's name and text, to place problems in.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// The file, as the person knows it.
    pub file: &'a str,
    /// Its whole text.
    pub text: &'a str,
}

impl Source<'_> {
    /// A problem at a byte range of the text.
    #[must_use]
    pub fn at(&self, span: Range<usize>, message: impl Into<String>) -> Problem {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let column = before
            .rsplit('\n')
            .next()
            .map_or(0, |tail| tail.chars().count())
            + 1;
        Problem {
            file: self.file.to_owned(),
            line,
            column,
            span: Some(span),
            severity: Severity::Error,
            message: message.into(),
            hint: None,
        }
    }

    /// A problem with the file as a whole.
    #[must_use]
    pub fn whole(&self, message: impl Into<String>) -> Problem {
        Problem {
            file: self.file.to_owned(),
            line: 0,
            column: 0,
            span: None,
            severity: Severity::Error,
            message: message.into(),
            hint: None,
        }
    }

    /// Reads the text as TOML into `T`; the error is placed where TOML says.
    ///
    /// # Errors
    /// One [`Problem`] for the first thing that does not fit `T`.
    pub fn toml<T: serde::de::DeserializeOwned>(&self) -> Result<T, Problem> {
        toml::from_str(self.text).map_err(|error| {
            let message = error
                .message()
                .lines()
                .map(str::trim)
                .collect::<Vec<_>>()
                .join(", ");
            match error.span() {
                Some(span) => self.at(span, message),
                None => self.whole(message),
            }
        })
    }
}

/// The candidate closest to what was typed, for "did you mean" hints.
///
/// Uses the edit distance on characters; nothing is suggested when more than a
/// third of the word differs.
#[must_use]
pub fn closest<'a>(typed: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (typed.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (edit_distance(typed, candidate), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, candidate)| candidate)
}

/// Levenshtein distance with one row of memory.
fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut next = Vec::with_capacity(row.len());
        let mut left = i + 1;
        next.push(left);
        for ((cb, diagonal), above) in b.iter().zip(&row).zip(row.iter().skip(1)) {
            left = (diagonal + usize::from(ca != *cb))
                .min(above + 1)
                .min(left + 1);
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_lines_and_characters_from_one() {
        let source = Source {
            file: "policy.toml",
            text: "a = 1\nßß = \"x\"\n",
        };
        let start = source.text.find('"').unwrap();
        let problem = source.at(start..start + 3, "wrong");
        assert_eq!((problem.line, problem.column), (2, 6));
        assert_eq!(problem.to_string(), "policy.toml:2:6: wrong");
        let hinted = source.whole("empty").hint("write a rule");
        assert_eq!(hinted.to_string(), "policy.toml: empty (write a rule)");
    }

    #[test]
    fn a_span_outside_the_text_does_not_panic() {
        let source = Source {
            file: "x",
            text: "é",
        };
        assert_eq!(source.at(1..900, "m").line, 1);
    }

    #[test]
    fn suggestions_are_close() {
        assert_eq!(closest("senor", ["junior", "senior"]), Some("senior"));
        assert_eq!(closest("boss", ["junior", "senior"]), None);
    }
}
