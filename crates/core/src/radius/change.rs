//! A change as the radius sees it: what it hits, and in which steps.

use serde::Serialize;

use crate::catalog::{Catalog, Node, Share};
use crate::effect::{Effect, Environment, StateLoss, Verb};

/// Where in the catalogue something is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Placement {
    /// These services, groups or functions.
    At(Vec<Node>),
    /// Nowhere: it is known to ship nothing and to serve nobody.
    Nowhere,
    /// Nobody can tell, so it may be anywhere.
    Unknown,
}

/// One thing a change does, placed in the catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// The object's name, such as an address or a path.
    pub object: String,
    /// What is done.
    pub verb: Verb,
    /// What happens to kept state.
    pub state: StateLoss,
    /// Where it lands. Only production and what is not known reach customers.
    pub environment: Environment,
    /// Where in the catalogue it is.
    pub place: Placement,
    /// Units touched, as positions in [`Catalog::units`]; `None`: all of them.
    pub units: Option<Vec<u32>>,
    /// The exact words or path it was read from.
    pub witness: String,
}

impl Hit {
    /// An effect at a place, touching all units there.
    #[must_use]
    pub fn effect(effect: &Effect, place: Placement) -> Self {
        Self {
            object: effect.object.clone(),
            verb: effect.verb,
            state: effect.state,
            environment: effect.environment,
            place,
            units: None,
            witness: effect.witness.clone(),
        }
    }

    /// An effect, placed by the names and patterns of the catalogue.
    #[must_use]
    pub fn placed(effect: &Effect, catalog: &Catalog) -> Self {
        let found = catalog.services_of_object(&effect.kind, &effect.object);
        let place = if found.is_empty() {
            Placement::Unknown
        } else {
            Placement::At(found.into_iter().map(Node::Service).collect())
        };
        Self::effect(effect, place)
    }

    /// A changed file that will be deployed to production. A file that belongs
    /// to nothing in the catalogue may be part of anything.
    #[must_use]
    pub fn path(path: &str, catalog: &Catalog) -> Self {
        let found = catalog.components_of(path);
        let place = if catalog.ships_nothing(path) {
            Placement::Nowhere
        } else if found.is_empty() {
            Placement::Unknown
        } else {
            Placement::At(found.into_iter().map(Node::Service).collect())
        };
        Self {
            object: path.to_owned(),
            verb: Verb::Update,
            state: StateLoss::None,
            environment: Environment::Production,
            place,
            units: None,
            witness: path.to_owned(),
        }
    }

    /// Whether it does anything to what customers use.
    pub(super) const fn counts(&self) -> bool {
        matches!(
            self.environment,
            Environment::Production | Environment::Unknown
        ) && !matches!(self.verb, Verb::Read)
            && !matches!(self.place, Placement::Nowhere)
    }

    /// Whether it alters something that is already there.
    pub(super) const fn alters(&self) -> bool {
        !matches!(self.verb, Verb::Read | Verb::Create | Verb::Forget)
    }

    pub(super) const fn is_unplaced(&self) -> bool {
        matches!(self.place, Placement::Unknown)
    }

    pub(super) fn nodes(&self) -> &[Node] {
        match &self.place {
            Placement::At(nodes) => nodes,
            Placement::Nowhere | Placement::Unknown => &[],
        }
    }
}

/// A step of a rollout. Steps add up: what an earlier one touched stays touched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stage {
    /// What people call it.
    pub name: String,
    /// Units it goes to, as positions in [`Catalog::units`]; empty: all.
    pub units: Vec<u32>,
    /// The share of customers or instances within those units. A share is no
    /// wall, so it lowers what is likely and never what is possible.
    pub share: Share,
    /// How long it stays at this step before the next; `None`: nobody has said.
    pub bake_seconds: Option<u64>,
}

/// Everything a change does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Change {
    /// What it hits.
    pub hits: Vec<Hit>,
    /// Whether the source says that there is more (deferred, targeted or
    /// errored plans). Counts as one more hit of which nothing is known.
    pub incomplete: bool,
    /// The steps of its rollout, first to last; empty: all at once.
    pub rollout: Vec<Stage>,
}

/// How bad it is for a function when what it needs is hit: parts per million
/// of a full outage. A scale to compare changes by, not a probability.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Severity {
    pub(super) low: u32,
    pub(super) likely: u32,
    pub(super) high: u32,
}

/// The scale: a change in place may do nothing or everything; what is
/// destroyed is gone; what is new has no one who needs it yet.
pub(super) const fn severity(verb: Verb) -> Severity {
    let (low, likely, high) = match verb {
        Verb::Read => (0, 0, 0),
        Verb::Create => (0, 0, 100_000),
        Verb::Forget => (0, 0, 300_000),
        Verb::Update => (100_000, 300_000, 1_000_000),
        Verb::Disrupt => (300_000, 700_000, 1_000_000),
        Verb::Replace => (500_000, 1_000_000, 1_000_000),
        Verb::Delete => (1_000_000, 1_000_000, 1_000_000),
        Verb::Unknown => (100_000, 1_000_000, 1_000_000),
    };
    Severity { low, likely, high }
}
