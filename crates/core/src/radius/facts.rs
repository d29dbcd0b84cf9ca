//! The figures of a radius, for policies and people.

use serde::{Deserialize, Serialize};

use crate::catalog::Share;
use crate::effect::{Environment, StateLoss};
use crate::facts::Reach;

/// At least, likely, at most.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Bounds<T> {
    /// No less than this.
    pub low: T,
    /// What the catalogue says will follow.
    pub likely: T,
    /// No more than this, unknowns included.
    pub high: T,
}

/// How long until everything is as before, at worst. Ordered: later is worse.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Recovery {
    /// Nothing to recover.
    #[default]
    Nothing,
    /// Seconds to revert or restore.
    Seconds(u64),
    /// Nobody has said, or state is gone for good.
    Unknown,
}

/// State that a change takes away, by name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Loss {
    /// The object.
    pub object: String,
    /// What happens to its state.
    pub state: StateLoss,
    /// Where.
    pub environment: Environment,
    /// Whether the catalogue knows a backup of it or says that it keeps no
    /// state; then the loss is possible, not likely.
    pub covered: bool,
    /// The exact words or path it was read from.
    pub witness: String,
}

/// The figures that policies ask about, most important first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct RadiusFacts {
    /// Objects whose state is gone for good, without a backup that survives.
    pub irreversible_without_backup: Bounds<u32>,
    /// Their names, in every environment.
    pub losses: Vec<Loss>,
    /// Share of all customers for whom a tier-0 function is down.
    pub tier0_down_share: Bounds<Share>,
    /// Share of all customers for whom any function is down.
    pub customers_share: Bounds<Share>,
    /// Customer functions down.
    pub functions_down: Bounds<u32>,
    /// Customer functions likely working worse, those down not counted.
    pub functions_degraded: u32,
    /// Services reached; `low` counts those the change touches itself.
    pub services: Bounds<u32>,
    /// Regions and cells where something fails.
    pub units: Bounds<u32>,
    /// The most important tier reached (lowest number).
    pub tier: Bounds<Option<u8>>,
    /// One number to compare changes by: the weighted share of everything
    /// customers do that fails, where each tier weighs half of the one above.
    pub severity: Bounds<Share>,
    /// Time to recover, at worst.
    pub recovery: Recovery,
    /// Share of the hits that could not be placed or understood.
    pub unknown_share: Share,
    /// Whether hits that alter something could not be placed, so that every
    /// `high` is everything within their units.
    pub high_is_everything: bool,
}

impl RadiusFacts {
    /// The upper bounds as policies take them; `None` where the catalogue is
    /// too empty to tell.
    #[must_use]
    pub fn reach(&self, services_known: bool, functions_known: bool) -> Reach {
        let certain = !self.high_is_everything;
        Reach {
            services: (services_known || certain).then_some(u64::from(self.services.high)),
            functions: (functions_known || certain).then_some(u64::from(self.functions_down.high)),
            customers: (functions_known || certain)
                .then_some(self.customers_share.high.percent_up()),
        }
    }
}
