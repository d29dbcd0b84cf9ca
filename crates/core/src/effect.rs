//! One thing a change would do.

use serde::{Deserialize, Serialize};

/// What is done to the object. Ordered by how much it can take away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verb {
    /// Looked at, not altered.
    Read,
    /// Brought into being.
    Create,
    /// Altered in place.
    Update,
    /// No longer managed, but left in place.
    Forget,
    /// Started, stopped, restarted, scaled: running state, not kept state.
    Disrupt,
    /// Destroyed and made anew.
    Replace,
    /// Destroyed.
    Delete,
    /// Could not be understood. Counts as the worst until someone looks.
    Unknown,
}

impl Verb {
    /// Every verb, the one that can take away least first.
    pub const ALL: [Self; 8] = [
        Self::Read,
        Self::Create,
        Self::Update,
        Self::Forget,
        Self::Disrupt,
        Self::Replace,
        Self::Delete,
        Self::Unknown,
    ];

    /// The word used in policies and output.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Create => "create",
            Self::Update => "update",
            Self::Forget => "forget",
            Self::Disrupt => "disrupt",
            Self::Replace => "replace",
            Self::Delete => "delete",
            Self::Unknown => "unknown",
        }
    }
}

/// Where an effect lands. Ordered from least to most guarded.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Environment {
    /// The machine of the person or agent.
    Local,
    /// Shared, but made to be broken.
    Development,
    /// Shared, like production, without customers.
    Staging,
    /// Nobody knows. Treated as production unless the policy says otherwise.
    #[default]
    Unknown,
    /// Customers depend on it.
    Production,
}

impl Environment {
    /// Every environment, least guarded first.
    pub const ALL: [Self; 5] = [
        Self::Local,
        Self::Development,
        Self::Staging,
        Self::Unknown,
        Self::Production,
    ];

    /// The word used in policies and output.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Development => "development",
            Self::Staging => "staging",
            Self::Unknown => "unknown",
            Self::Production => "production",
        }
    }
}

/// What happens to kept state (data, keys, history) under an effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StateLoss {
    /// The object keeps no state, or the state stays.
    None,
    /// State goes, and a backup or snapshot that survives the change is known.
    BackedUp,
    /// The object keeps state, and nothing tells whether a backup survives.
    Unknown,
    /// State goes for good; no surviving backup.
    Destroyed,
}

/// One thing a change would do, and the words it was read from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Effect {
    /// What is done.
    pub verb: Verb,
    /// The kind of object, such as `aws_db_instance` or `table`.
    pub kind: String,
    /// The object's own name, such as an address, a path or an identifier.
    pub object: String,
    /// Where it lands.
    pub environment: Environment,
    /// What happens to kept state.
    pub state: StateLoss,
    /// Why it counts as it does, such as `replace_because_cannot_update`.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub reasons: Vec<String>,
    /// The exact words or path it was read from. Never holds secret values.
    pub witness: String,
}

impl Effect {
    /// Whether the effect takes away state for good, as far as anyone can tell.
    #[must_use]
    pub const fn is_irreversible(&self) -> bool {
        matches!(self.state, StateLoss::Destroyed | StateLoss::Unknown)
            && matches!(
                self.verb,
                Verb::Delete | Verb::Replace | Verb::Unknown | Verb::Update
            )
    }
}
