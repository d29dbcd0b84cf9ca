//! What one source says, before sources are merged.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::pattern::Pattern;
use super::share::Share;

/// How badly one thing needs another. Ordered by how sure the failure spreads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NeedKind {
    /// Seen to call it; nobody said how badly it needs it.
    Unknown,
    /// Notices late or never: queues, events, batch.
    Async,
    /// Works worse without it.
    Soft,
    /// Does not work without it.
    Hard,
}

impl NeedKind {
    /// The word used in files and output.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Async => "async",
            Self::Soft => "soft",
            Self::Hard => "hard",
        }
    }
}

/// Where a fact comes from. Ordered by trust: a later one overrules an earlier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// Measured: traces, service graphs.
    Traced,
    /// Read from deployment manifests.
    Manifest,
    /// Said in a Backstage catalogue.
    Backstage,
    /// Said in `catalog.yaml`.
    Declared,
}

/// Something changed, deployed and owned: a service, data store, queue.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Service {
    /// Unique name.
    pub id: String,
    /// The name people use; the id when left out.
    pub name: Option<String>,
    /// Other names in traces, manifests and commands.
    pub aliases: Vec<String>,
    /// Importance, 0 highest; the catalogue's default when left out.
    pub tier: Option<u8>,
    /// Owning team or person.
    pub owner: Option<String>,
    /// Code that becomes this service.
    pub paths: Vec<Pattern>,
    /// Its names in plans and commands.
    pub resources: Vec<Pattern>,
    /// Regions and cells it runs in; empty: everywhere.
    pub runs_in: Vec<String>,
    /// Whether it keeps state.
    pub stateful: Option<bool>,
    /// Whether a backup is known to restore.
    pub backup: Option<bool>,
    /// Seconds to bring the last version back.
    pub revert: Option<u64>,
    /// Seconds to bring lost state back.
    pub restore: Option<u64>,
}

/// Something customers do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Function {
    /// Unique name among functions.
    pub id: String,
    /// The name people use; the id when left out.
    pub name: Option<String>,
    /// Importance, 0 highest; the catalogue's default when left out.
    pub tier: Option<u8>,
    /// Share of all customers who use it; everyone when left out.
    pub customers: Option<Share>,
}

/// A part of a region that fails alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cell {
    /// Unique name among regions and cells.
    pub id: String,
    /// Share of all customers served from here.
    pub customers: Option<Share>,
}

/// A place that fails alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Region {
    /// Unique name among regions and cells.
    pub id: String,
    /// Share of all customers served from here, cells included.
    pub customers: Option<Share>,
    /// Its parts, if it has any.
    pub cells: Vec<Cell>,
}

/// Services that stand in for each other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Group {
    /// Unique name among services and groups.
    pub id: String,
    /// The services.
    pub members: Vec<String>,
    /// How many of them must be up, at least 1.
    pub needed: u32,
}

/// Who needs something.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Needer {
    /// A service, by id or alias.
    Service(String),
    /// A customer function, by id.
    Function(String),
}

/// `from` needs `to`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Need {
    /// Who needs it.
    pub from: Needer,
    /// A service or redundancy group, by id or alias.
    pub to: String,
    /// How badly.
    pub kind: NeedKind,
    /// Where this comes from.
    pub origin: Origin,
    /// When it was last seen; `None`: it does not age.
    pub seen: Option<Timestamp>,
    /// Calls counted in the window that was read, 0 when not measured.
    pub calls: u64,
    /// Failed calls among them.
    pub errors: u64,
}

impl Need {
    /// A need that was said, not measured.
    #[must_use]
    pub fn said(from: Needer, to: impl Into<String>, kind: NeedKind, origin: Origin) -> Self {
        Self {
            from,
            to: to.into(),
            kind,
            origin,
            seen: None,
            calls: 0,
            errors: 0,
        }
    }
}

/// Everything one source says. Names are not resolved yet.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Draft {
    /// Services.
    pub services: Vec<Service>,
    /// Customer functions.
    pub functions: Vec<Function>,
    /// Regions with their cells.
    pub regions: Vec<Region>,
    /// Redundancy groups.
    pub groups: Vec<Group>,
    /// Who needs what.
    pub needs: Vec<Need>,
    /// Paths whose changes ship nothing.
    pub not_shipped: Vec<Pattern>,
    /// The tier of whatever does not say.
    pub default_tier: Option<u8>,
}
