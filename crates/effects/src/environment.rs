//! Names read as environments: `prod-eu-1` is production.

use countersign_core::effect::Environment;

use crate::target::environment_of_name;

/// The environment a name (workspace, namespace, variable, stack) speaks of, or
/// [`Environment::Unknown`]. The same words count as for the target of a
/// command.
#[must_use]
pub fn named(name: &str) -> Environment {
    environment_of_name(name).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_words_count() {
        let cases = [
            ("prod", Environment::Production),
            ("shop-prod-eu-1", Environment::Production),
            ("PRD2", Environment::Production),
            ("dev-to-production", Environment::Production),
            ("product", Environment::Unknown),
            ("livestream", Environment::Unknown),
            ("pre-stage", Environment::Staging),
            ("team.dev", Environment::Development),
            ("", Environment::Unknown),
        ];
        for (name, expected) in cases {
            assert_eq!(named(name), expected, "{name}");
        }
    }
}
