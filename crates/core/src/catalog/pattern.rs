//! Globs that say which paths and resources belong to a service.

use globset::{Glob, GlobBuilder, GlobSet, GlobSetBuilder};
use serde::Serialize;

use crate::problem::Problem;

/// A glob that has been checked, as it was written.
///
/// `*` and `?` stay within one path segment, `**` crosses them. A pattern also
/// covers everything below what it matches, so `services/cart` and
/// `services/cart/` are the same as `services/cart/**`. Paths are relative to
/// the repository; a leading `/` or `./` changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Pattern(String);

impl Pattern {
    /// Checks a pattern.
    ///
    /// # Errors
    /// One line saying what is wrong with it.
    pub fn new(text: &str) -> Result<Self, String> {
        let trimmed = text.trim_start_matches("./").trim_start_matches('/');
        let trimmed = trimmed.trim_end_matches('/');
        if trimmed.is_empty() {
            return Err(format!("the pattern `{text}` matches nothing"));
        }
        glob(trimmed)
            .map_err(|error| format!("`{text}` is not a pattern: {}", error.kind()))
            .map(|_| Self(trimmed.to_owned()))
    }

    /// The pattern as text, without leading or trailing slashes.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn glob(text: &str) -> Result<Glob, globset::Error> {
    GlobBuilder::new(text).literal_separator(true).build()
}

/// Which owner (an index given by the caller) every pattern belongs to.
#[derive(Debug, Clone)]
pub(super) struct Matcher {
    set: GlobSet,
    owners: Vec<u32>,
}

impl Matcher {
    /// Compiles patterns with the index each of them stands for.
    pub(super) fn new<'a>(
        patterns: impl IntoIterator<Item = (u32, &'a Pattern)>,
    ) -> Result<Self, Problem> {
        let mut builder = GlobSetBuilder::new();
        let mut owners = Vec::new();
        for (owner, pattern) in patterns {
            for text in [pattern.0.clone(), format!("{}/**", pattern.0)] {
                builder.add(glob(&text).map_err(|error| too_large(&error))?);
                owners.push(owner);
            }
        }
        let set = builder.build().map_err(|error| too_large(&error))?;
        Ok(Self { set, owners })
    }

    /// The indices of every pattern that matches, sorted, without repeats.
    pub(super) fn matches(&self, text: &str) -> Vec<u32> {
        let text = text.trim_start_matches("./").trim_start_matches('/');
        let mut found: Vec<u32> = self
            .set
            .matches(text)
            .into_iter()
            .filter_map(|index| self.owners.get(index).copied())
            .collect();
        found.sort_unstable();
        found.dedup();
        found
    }
}

/// Each pattern alone was checked, so only their sum can be too much.
fn too_large(error: &globset::Error) -> Problem {
    super::assemble::CATALOGUE
        .whole(format!("the patterns cannot be compiled together: {error}"))
        .hint("use fewer or simpler patterns")
}
