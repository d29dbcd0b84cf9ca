//! Where a command lands: names and addresses taken from it, and the
//! environment they stand for.

mod infer;
mod map;

pub use infer::{environment_of_host, environment_of_name, host_of_url};
pub use map::{Mapping, Targets, TargetsError};

use countersign_core::effect::Environment;
use serde::Serialize;

/// How an environment became known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Basis {
    /// Nothing tells.
    Nothing,
    /// A name that follows common usage, such as `prod-eu` or `minikube`.
    Name,
    /// An address of this machine.
    Address,
    /// `.countersign/targets.toml`.
    Mapped,
}

/// Where one effect lands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Target {
    /// The names it was read from: facet (`kube-context`, `host` …) and value.
    pub facets: Vec<(String, String)>,
    /// The environment they stand for.
    pub environment: Environment,
    /// How that is known.
    pub basis: Basis,
}

impl Target {
    /// This machine itself.
    #[must_use]
    pub const fn machine() -> Self {
        Self {
            facets: Vec::new(),
            environment: Environment::Local,
            basis: Basis::Address,
        }
    }

    /// Nobody knows where.
    #[must_use]
    pub const fn unknown() -> Self {
        Self {
            facets: Vec::new(),
            environment: Environment::Unknown,
            basis: Basis::Nothing,
        }
    }
}

/// Facets whose value is a host or a URL.
const ADDRESSES: &[&str] = &["host", "endpoint", "docker-host", "ssh-host"];
/// Facets that mean the whole target is on this machine when local.
const DECIDING: &[&str] = &[
    "host",
    "endpoint",
    "docker-host",
    "kube-context",
    "database-url",
];

/// Resolves collected facets. A mapping beats an address, an address a name;
/// of several facets of one kind the most guarded environment wins, except
/// that an address on this machine decides alone.
#[must_use]
pub fn resolve(facets: Vec<(String, String)>, targets: &Targets) -> Target {
    let mut mapped: Option<Environment> = None;
    let mut local = false;
    let mut named: Option<Environment> = None;
    for (facet, value) in &facets {
        if value.contains(crate::shell::HOLE) {
            // A name nobody knows could be any name.
            if DECIDING.contains(&facet.as_str()) {
                named = named.max(Some(Environment::Unknown));
            }
            continue;
        }
        if let Some(environment) = targets.environment(facet, value) {
            mapped = mapped.max(Some(environment));
            continue;
        }
        let found = if ADDRESSES.contains(&facet.as_str()) {
            environment_of_host(value)
        } else if facet == "database-url" {
            infer::environment_of_database(value)
        } else {
            environment_of_name(value)
        };
        if found == Some(Environment::Local) && DECIDING.contains(&facet.as_str()) {
            local = true;
        }
        named = named.max(found);
    }
    let (environment, basis) = match (mapped, local, named) {
        (Some(environment), ..) => (environment, Basis::Mapped),
        (None, true, _) => (Environment::Local, Basis::Address),
        (None, false, Some(environment)) => (environment, Basis::Name),
        (None, false, None) => (Environment::Unknown, Basis::Nothing),
    };
    Target {
        facets,
        environment,
        basis,
    }
}
