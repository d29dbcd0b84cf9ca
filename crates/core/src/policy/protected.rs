//! Which branches are protected.

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

/// Names of branches, without `refs/heads/`, as globs in which `*` stops at `/`.
/// Empty means the default branch alone.
#[derive(Debug, Clone, Default)]
pub struct Protected {
    globs: Vec<String>,
    set: GlobSet,
}

impl PartialEq for Protected {
    fn eq(&self, other: &Self) -> bool {
        self.globs == other.globs
    }
}

impl Eq for Protected {}

impl Protected {
    /// The branches that these globs match.
    ///
    /// # Errors
    /// The first glob that is none, and why.
    pub fn new(globs: Vec<String>) -> Result<Self, (String, String)> {
        let mut builder = GlobSetBuilder::new();
        for glob in &globs {
            let parsed = GlobBuilder::new(glob).literal_separator(true).build();
            builder.add(parsed.map_err(|error| (glob.clone(), error.kind().to_string()))?);
        }
        let set = builder.build().map_err(|error| {
            let glob = error.glob().unwrap_or_default().to_owned();
            (glob, error.kind().to_string())
        })?;
        Ok(Self { globs, set })
    }

    /// Whether a branch is protected. The default branch always is: leaving it
    /// out of a list by mistake must not open it.
    #[must_use]
    pub fn covers(&self, branch: &str, default: Option<&str>) -> bool {
        default == Some(branch) || self.set.is_match(branch)
    }

    /// The globs as written.
    #[must_use]
    pub fn globs(&self) -> &[String] {
        &self.globs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_branch_is_always_protected() {
        let list =
            |globs: &[&str]| Protected::new(globs.iter().map(|glob| (*glob).to_owned()).collect());
        let none = Protected::default();
        let some = list(&["release/*", "prod"]).unwrap();
        for (set, branch, wanted) in [
            (&none, "main", true),
            (&none, "prod", false),
            (&some, "main", true),
            (&some, "prod", true),
            (&some, "release/1.0", true),
            (&some, "release/1/x", false),
            (&some, "feature", false),
        ] {
            assert_eq!(set.covers(branch, Some("main")), wanted, "{branch}");
        }
        assert!(!none.covers("main", None));
        assert_eq!(list(&["["]).unwrap_err().0, "[");
    }
}
