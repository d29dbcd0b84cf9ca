//! The catalogue: what runs, who owns it, what it needs, and which customers
//! notice when it is gone.
//!
//! Every source (`catalog.yaml`, Backstage, manifests, traces) is read into a
//! [`Draft`]; [`Catalog::assemble`] merges drafts and resolves names. What does
//! not resolve is kept as [`Dangling`], never dropped.

mod assemble;
mod backstage;
mod check;
mod draft;
mod draw;
mod file;
mod lockfile;
mod manifests;
mod pattern;
mod share;
mod traces;
pub(crate) mod yaml;

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Serialize;

pub use self::backstage::{MAX_FILES, from_backstage};
pub use self::check::{Finding, FindingKind, check};
pub use self::draft::{
    Cell, Draft, Function, Group, Need, NeedKind, Needer, Origin, Region, Service,
};
pub use self::draw::{Mark, draw, draw_reached};
pub use self::file::{MAX_TIER, parse};
pub use self::lockfile::{LockChange, PackageChange, is_lockfile, lock_change, manifest_name};
pub use self::manifests::from_manifests;
pub use self::pattern::Pattern;
pub use self::share::Share;
pub use self::traces::{from_dependencies, from_service_graph};
pub use self::yaml::MAX_BYTES;
use crate::problem::Problem;

/// A commented `catalog.yaml`, as `countersign init` writes it.
pub const TEMPLATE: &str = include_str!("template.yaml");

/// Something in the catalogue, by its position among its kind (sorted by id).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Node {
    /// A service.
    Service(u32),
    /// A redundancy group.
    Group(u32),
    /// A customer function.
    Function(u32),
}

/// `from` needs `to`; both are in the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Edge {
    /// A service or function.
    pub from: Node,
    /// A service or group.
    pub to: Node,
    /// How badly, as the most trusted source says.
    pub kind: NeedKind,
    /// The most trusted source.
    pub origin: Origin,
    /// When it was last seen; `None`: it was said, and does not age.
    pub seen: Option<Timestamp>,
    /// Calls measured, 0 when none were.
    pub calls: u64,
    /// Failed calls among them.
    pub errors: u64,
}

impl Edge {
    /// Takes in what another source says about the same two ends.
    fn join(&mut self, other: &Self) {
        // A measured edge knows that something is needed, not how badly, so it
        // never overrules anyone who does.
        let rank = |edge: &Self| (edge.kind != NeedKind::Unknown, edge.origin, edge.kind);
        if rank(other) > rank(self) {
            self.kind = other.kind;
        }
        self.seen = match (self.origin, other.origin) {
            (Origin::Traced | Origin::Manifest, Origin::Traced | Origin::Manifest) => {
                self.seen.max(other.seen)
            }
            (Origin::Traced | Origin::Manifest, _) => other.seen,
            _ => self.seen,
        };
        self.origin = self.origin.max(other.origin);
        self.calls = self.calls.saturating_add(other.calls);
        self.errors = self.errors.saturating_add(other.errors);
    }
}

/// A place that fails alone: a cell, or a region without cells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unit {
    /// Its id.
    pub id: String,
    /// The region it is a cell of; `None` when it is a region.
    pub region: Option<String>,
    /// Share of all customers served from here.
    pub customers: Share,
}

/// A redundancy group, names resolved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Members {
    /// Its id.
    pub id: String,
    /// Positions of the services, sorted.
    pub services: Vec<u32>,
    /// How many of them must be up, at least 1.
    pub needed: u32,
}

/// Which end of a need is not in the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DanglingEnd {
    /// The one that needs.
    From,
    /// The one that is needed.
    To,
}

/// A name that nothing in the catalogue has.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Dangling {
    /// A need with one unknown end.
    Need {
        /// Who needs it.
        from: Needer,
        /// What is needed.
        to: String,
        /// Which of them is unknown.
        end: DanglingEnd,
    },
    /// A redundancy group with an unknown member.
    Member {
        /// The group.
        group: String,
        /// The name.
        member: String,
    },
    /// A service that runs in an unknown place.
    Place {
        /// The service.
        service: String,
        /// The name.
        place: String,
    },
}

/// The merged catalogue.
#[derive(Debug, Clone)]
pub struct Catalog {
    services: Vec<Service>,
    functions: Vec<Function>,
    groups: Vec<Members>,
    units: Vec<Unit>,
    regions: Vec<Region>,
    edges: Vec<Edge>,
    dangling: Vec<Dangling>,
    runs_in: Vec<Vec<u32>>,
    default_tier: u8,
    names: assemble::Names,
    paths: pattern::Matcher,
    resources: pattern::Matcher,
    not_shipped: pattern::Matcher,
}

impl Catalog {
    /// Reads one `catalog.yaml` and nothing else.
    ///
    /// # Errors
    /// Every problem found, placed in the file.
    pub fn parse(text: &str, file: &str) -> Result<Self, Vec<Problem>> {
        Self::assemble(vec![parse(text, file)?])
    }

    /// Merges what several sources say. For every field the first draft that
    /// says something wins; lists are joined; of two needs between the same
    /// ends the more trusted source wins.
    ///
    /// # Errors
    /// When there is too much of anything, or all patterns together are too
    /// large to compile.
    pub fn assemble(drafts: Vec<Draft>) -> Result<Self, Vec<Problem>> {
        assemble::assemble(drafts)
    }

    /// Services, sorted by id.
    #[must_use]
    pub fn services(&self) -> &[Service] {
        &self.services
    }

    /// Customer functions, sorted by id.
    #[must_use]
    pub fn functions(&self) -> &[Function] {
        &self.functions
    }

    /// Redundancy groups, sorted by id.
    #[must_use]
    pub fn groups(&self) -> &[Members] {
        &self.groups
    }

    /// Places that fail alone, by region. Never empty: without regions there
    /// is one unit, `everywhere`.
    #[must_use]
    pub fn units(&self) -> &[Unit] {
        &self.units
    }

    /// Regions as the sources say them, sorted by id.
    #[must_use]
    pub fn regions(&self) -> &[Region] {
        &self.regions
    }

    /// Who needs what, sorted, one edge for every pair.
    #[must_use]
    pub fn edges(&self) -> &[Edge] {
        &self.edges
    }

    /// Names that nothing has, sorted.
    #[must_use]
    pub fn dangling(&self) -> &[Dangling] {
        &self.dangling
    }

    /// What an id or alias stands for: a service or a redundancy group.
    #[must_use]
    pub fn resolve(&self, name: &str) -> Option<Node> {
        self.names.resolve(name)
    }

    /// The id of a node; empty for a position that is not in the catalogue.
    #[must_use]
    pub fn id(&self, node: Node) -> &str {
        let id = match node {
            Node::Service(at) => self.services.get(at as usize).map(|s| &s.id),
            Node::Group(at) => self.groups.get(at as usize).map(|g| &g.id),
            Node::Function(at) => self.functions.get(at as usize).map(|f| &f.id),
        };
        id.map_or("", String::as_str)
    }

    /// The tier of a service, 0 to 15, or the default.
    #[must_use]
    pub fn tier(&self, service: &Service) -> u8 {
        service.tier.unwrap_or(self.default_tier)
    }

    /// The tier of a function, 0 to 15, or the default.
    #[must_use]
    pub fn function_tier(&self, function: &Function) -> u8 {
        function.tier.unwrap_or(self.default_tier)
    }

    /// Positions in [`Self::units`] where a service runs; empty: everywhere.
    #[must_use]
    pub fn runs_in(&self, service: u32) -> &[u32] {
        self.runs_in
            .get(service as usize)
            .map_or(&[], Vec::as_slice)
    }

    /// Positions of every service whose `paths` cover a path. A path can
    /// belong to several, such as shared code: all of them are touched.
    #[must_use]
    pub fn components_of(&self, path: &str) -> Vec<u32> {
        self.paths.matches(path)
    }

    /// Whether changes to a path ship nothing.
    #[must_use]
    pub fn ships_nothing(&self, path: &str) -> bool {
        !self.not_shipped.matches(path).is_empty()
    }

    /// The most important tier (lowest number) among the services that the
    /// paths become; `None` when they become none.
    #[must_use]
    pub fn tier_of<'a>(&self, paths: impl IntoIterator<Item = &'a str>) -> Option<u8> {
        paths
            .into_iter()
            .filter(|path| !self.ships_nothing(path))
            .flat_map(|path| self.components_of(path))
            .filter_map(|service| self.services.get(service as usize))
            .map(|service| self.tier(service))
            .min()
    }

    /// The owners of every service that a path belongs to.
    #[must_use]
    pub fn owners_of(&self, path: &str) -> BTreeSet<&str> {
        self.components_of(path)
            .into_iter()
            .filter_map(|service| self.services.get(service as usize))
            .filter_map(|service| service.owner.as_deref())
            .collect()
    }

    /// Positions of the services that an object in a plan or command is part
    /// of: its name, or the last segment of it, is an id or alias; or
    /// `resources` covers the name, or `kind.name`.
    #[must_use]
    pub fn services_of_object(&self, kind: &str, object: &str) -> Vec<u32> {
        let last = object.rsplit('/').next().unwrap_or(object);
        let mut found: Vec<u32> = [object, last]
            .into_iter()
            .filter_map(|name| match self.resolve(name) {
                Some(Node::Service(service)) => Some(service),
                _ => None,
            })
            .collect();
        found.extend(self.resources.matches(object));
        found.extend(self.resources.matches(&format!("{kind}.{object}")));
        found.sort_unstable();
        found.dedup();
        found
    }
}

#[cfg(test)]
mod tests;
