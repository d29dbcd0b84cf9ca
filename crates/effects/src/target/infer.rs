//! What common names and addresses say about an environment.

use countersign_core::effect::Environment;

/// Words that mean production when they stand alone in a name.
const PRODUCTION: &[&str] = &["prod", "production", "prd", "live"];
/// Words that mean staging.
const STAGING: &[&str] = &["staging", "stage", "stg", "uat", "preprod", "preproduction"];
/// Words that mean a place made to be broken.
const DEVELOPMENT: &[&str] = &[
    "dev",
    "devel",
    "develop",
    "development",
    "test",
    "tests",
    "testing",
    "tst",
    "sandbox",
    "sbx",
    "scratch",
    "preview",
    "ci",
    "nonprod",
    "playground",
    "e2e",
    "qa",
];
/// Words and names that mean this machine.
const LOCAL: &[&str] = &[
    "local",
    "localhost",
    "minikube",
    "kind",
    "k3d",
    "orbstack",
    "colima",
    "localstack",
    "microk8s",
    "emulator",
];

/// The environment a name suggests, if it suggests one. When a name holds
/// words for several, the most guarded wins (`dev-but-live` is production).
#[must_use]
pub fn environment_of_name(name: &str) -> Option<Environment> {
    if matches!(name, "docker-desktop" | "rancher-desktop" | "default-local") {
        return Some(Environment::Local);
    }
    let lower = name.to_ascii_lowercase();
    if lower.contains("non-prod") || lower.contains("non_prod") {
        return Some(Environment::Development);
    }
    if lower.contains("pre-prod") || lower.contains("pre_prod") {
        return Some(Environment::Staging);
    }
    let mut found = None;
    for word in lower.split(|c: char| !c.is_ascii_alphanumeric()) {
        let trimmed = word.trim_end_matches(|c: char| c.is_ascii_digit());
        let trimmed = if trimmed.is_empty() { word } else { trimmed };
        let environment = if PRODUCTION.contains(&trimmed) {
            Environment::Production
        } else if STAGING.contains(&trimmed) {
            Environment::Staging
        } else if DEVELOPMENT.contains(&trimmed) || DEVELOPMENT.contains(&word) {
            Environment::Development
        } else if LOCAL.contains(&trimmed) || LOCAL.contains(&word) {
            Environment::Local
        } else {
            continue;
        };
        found = found.max(Some(environment));
    }
    found
}

/// The environment an address (host, `host:port`, URL, socket) suggests.
#[must_use]
pub fn environment_of_host(address: &str) -> Option<Environment> {
    let host = host_of_url(address);
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let local = matches!(
        host,
        "localhost" | "0.0.0.0" | "::1" | "host.docker.internal" | "localstack" | ""
    ) || host.starts_with("127.")
        || host.ends_with(".localhost")
        || host.starts_with('/');
    if local && !address.is_empty() {
        return Some(Environment::Local);
    }
    environment_of_name(without_public_suffix(host))
}

/// `.dev` is where anyone may register a name: `shop.dev` is no development host.
fn without_public_suffix(host: &str) -> &str {
    match host.trim_end_matches('.').strip_suffix(".dev") {
        Some(name) if !name.is_empty() => name,
        _ => host,
    }
}

/// The environment a database URL, DSN or file name suggests.
pub(super) fn environment_of_database(url: &str) -> Option<Environment> {
    let bare = url.trim_start_matches("jdbc:");
    if bare == ":memory:"
        || bare
            .trim_start_matches("sqlite:")
            .trim_start_matches("//")
            .starts_with("/tmp/")
    {
        return Some(Environment::Local);
    }
    if bare.starts_with("sqlite:") || bare.starts_with("file:") || !bare.contains("://") {
        return environment_of_name(bare);
    }
    environment_of_host(bare)
}

/// The host of a URL or of `user@host:port`, without credentials and port.
#[must_use]
pub fn host_of_url(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = if rest.starts_with('/') {
        rest
    } else {
        rest.split(['/', '?', '#']).next().unwrap_or(rest)
    };
    let host = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    if let Some(end) = host.find(']') {
        return host.get(..=end).unwrap_or(host);
    }
    host.split_once(':').map_or(host, |(host, _)| host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        use Environment::{Development, Local, Production, Staging};
        for (name, expected) in [
            ("prod-eu-1", Some(Production)),
            ("eks_live", Some(Production)),
            ("prod1", Some(Production)),
            ("dev-but-live", Some(Production)),
            ("non-prod", Some(Development)),
            ("preprod", Some(Staging)),
            ("shop_dev", Some(Development)),
            ("kind-test", Some(Development)),
            ("minikube", Some(Local)),
            ("reproduce", None),
            ("delivery", None),
            ("devon", None),
            ("team-a", None),
        ] {
            assert_eq!(environment_of_name(name), expected, "{name}");
        }
    }

    #[test]
    fn addresses() {
        use Environment::{Local, Production};
        for (address, expected) in [
            ("http://localhost:4566", Some(Local)),
            ("127.0.0.1:9092", Some(Local)),
            ("https://api.acme.dev/v1", None),
            ("https://test.acme.dev/v1", Some(Environment::Development)),
            (
                "https://api.dev.acme.com/v1",
                Some(Environment::Development),
            ),
            ("postgres://u:p@localhost:5432/shop", Some(Local)),
            ("http://[::1]:80/x", Some(Local)),
            ("https://api.prod.example.com/x", Some(Production)),
            ("https://user:localhost@db.example.com/", None),
            ("https://api.example.com/localhost", None),
        ] {
            assert_eq!(environment_of_host(address), expected, "{address}");
        }
    }
}
