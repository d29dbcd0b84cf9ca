//! `.countersign/targets.toml`: which names are which environment.
//!
//! ```toml
//! [[target]]
//! environment = "production"
//! kube-context = ["prod-*", "eks-live"]
//! aws-account = ["123456789012"]
//! host = ["*.prod.internal"]
//! ```

use std::collections::BTreeMap;
use std::ops::Range;

use countersign_core::effect::Environment;
use serde::Deserialize;

use crate::shell::glob_match_nocase;

/// The facets a mapping may name.
pub(super) const FACETS: &[&str] = &[
    "app",
    "aws-account",
    "aws-profile",
    "azure-subscription",
    "cluster",
    "database",
    "database-url",
    "directory",
    "docker-context",
    "docker-host",
    "endpoint",
    "environment",
    "gcp-project",
    "host",
    "inventory",
    "kube-config",
    "kube-context",
    "kube-namespace",
    "region",
    "resource-group",
    "ssh-host",
    "stack",
    "workspace",
];
/// The file may be this large, in bytes.
const MAX_SIZE: usize = 262_144;

/// Globs of one facet that stand for one environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    /// The facet, such as `kube-context`.
    pub facet: String,
    /// A glob over its values, without regard to ASCII case.
    pub glob: String,
    /// The environment a match stands for.
    pub environment: Environment,
}

/// Every mapping, in file order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Targets {
    /// The mappings.
    pub mappings: Vec<Mapping>,
}

/// Why `targets.toml` cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TargetsError {
    /// What was wrong and what to do.
    pub message: String,
    /// Where, in bytes.
    pub span: Option<Range<usize>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    target: Vec<BTreeMap<String, toml::Spanned<toml::Value>>>,
}

impl Targets {
    /// Reads the file's text.
    ///
    /// # Errors
    /// When it is not TOML, is larger than 256 KiB, or names a facet nobody reads.
    pub fn parse(text: &str) -> Result<Self, TargetsError> {
        if text.len() > MAX_SIZE {
            return Err(TargetsError {
                message: format!(
                    "targets.toml has {} bytes, more than {MAX_SIZE}; shorten it with globs",
                    text.len()
                ),
                span: None,
            });
        }
        let file: File = toml::from_str(text).map_err(|error| TargetsError {
            message: error.message().to_owned(),
            span: error.span(),
        })?;
        let mut mappings = Vec::new();
        for mut entry in file.target {
            let environment = entry
                .remove("environment")
                .ok_or_else(|| TargetsError {
                    message: "a target has no `environment`; add one".to_owned(),
                    span: entry.values().next().map(toml::Spanned::span),
                })
                .and_then(environment)?;
            for (facet, globs) in entry {
                mappings.extend(globs_of(&facet, &globs)?.into_iter().map(|glob| Mapping {
                    facet: facet.clone(),
                    glob,
                    environment,
                }));
            }
        }
        Ok(Self { mappings })
    }

    /// The most guarded environment any mapping gives this value.
    #[must_use]
    pub fn environment(&self, facet: &str, value: &str) -> Option<Environment> {
        self.mappings
            .iter()
            .filter(|mapping| mapping.facet == facet && glob_match_nocase(&mapping.glob, value))
            .map(|mapping| mapping.environment)
            .max()
    }
}

fn environment(value: toml::Spanned<toml::Value>) -> Result<Environment, TargetsError> {
    let span = value.span();
    value.into_inner().try_into().map_err(|_| TargetsError {
        message: "unknown `environment`; use local, development, staging, production or unknown"
            .to_owned(),
        span: Some(span),
    })
}

fn globs_of(facet: &str, value: &toml::Spanned<toml::Value>) -> Result<Vec<String>, TargetsError> {
    let error = |message| TargetsError {
        message,
        span: Some(value.span()),
    };
    if !FACETS.contains(&facet) {
        return Err(error(format!(
            "unknown facet `{facet}`; use one of {}",
            FACETS.join(", ")
        )));
    }
    let wrong = || error(format!("`{facet}` is not a list of texts"));
    let list = value.get_ref().as_array().ok_or_else(wrong)?;
    list.iter()
        .map(|item| item.as_str().map(str::to_owned).ok_or_else(wrong))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_file_and_prefers_the_guarded() {
        let targets = Targets::parse(
            "[[target]]\nenvironment = \"production\"\nkube-context = [\"*live*\"]\n[[target]]\nenvironment = \"development\"\nkube-context = [\"dev-*\"]\n",
        )
        .unwrap();
        assert_eq!(
            targets.environment("kube-context", "dev-live"),
            Some(Environment::Production)
        );
        assert_eq!(
            targets.environment("kube-context", "dev-a"),
            Some(Environment::Development)
        );
        assert_eq!(targets.environment("host", "dev-a"), None);
    }

    #[test]
    fn says_where_it_is_wrong() {
        let text = "[[target]]\nenvironment = \"production\"\nkube-contxt = [\"a\"]\n";
        let error = Targets::parse(text).unwrap_err();
        assert!(error.message.contains("`kube-contxt`"), "{error}");
        assert!(error.span.is_some());
        assert!(
            Targets::parse("[[target]]\nenvironment = \"prd\"\n")
                .unwrap_err()
                .span
                .is_some()
        );
    }
}
