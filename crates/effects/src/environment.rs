//! Names read as environments: `prod-eu-1` is production.

use countersign_core::effect::Environment;

/// The environment a name (workspace, namespace, variable, stack, host) speaks
/// of, or [`Environment::Unknown`]. Compares whole words only: `product` is not
/// production. With several, the most guarded one counts.
#[must_use]
pub fn named(name: &str) -> Environment {
    name.split(|c: char| !c.is_ascii_alphanumeric())
        .map(word)
        .max_by_key(|environment| match environment {
            Environment::Unknown => 0,
            Environment::Local => 1,
            Environment::Development => 2,
            Environment::Staging => 3,
            Environment::Production => 4,
        })
        .unwrap_or_default()
}

fn word(word: &str) -> Environment {
    // `prod1` and `prod` mean the same.
    let letters = word.trim_end_matches(|c: char| c.is_ascii_digit());
    match letters.to_ascii_lowercase().as_str() {
        "prod" | "production" | "prd" | "live" => Environment::Production,
        "staging" | "stage" | "stg" | "preprod" | "uat" => Environment::Staging,
        "dev" | "development" | "test" | "testing" | "qa" | "sandbox" | "preview" => {
            Environment::Development
        }
        "local" | "localhost" | "minikube" | "kind" => Environment::Local,
        _ => Environment::Unknown,
    }
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
