//! What becomes of state when CloudFormation removes or replaces a resource.

use countersign_core::effect::{Effect, StateLoss, Verb};

use super::spec;
use crate::document::Value;
use crate::knowledge::{self, Role};

/// `DeletionPolicy` or `UpdateReplacePolicy`, as far as it can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Policy {
    Delete,
    Retain,
    Snapshot,
    Unclear,
}

impl Policy {
    /// From the attribute of a template, where missing means the default.
    pub(super) fn of(value: &Value<'_>, default: Self) -> Self {
        match value.as_str() {
            Some("Delete") => Self::Delete,
            Some("Retain" | "RetainExceptOnCreate") => Self::Retain,
            Some("Snapshot") => Self::Snapshot,
            None if value.is_null() => default,
            _ => Self::Unclear,
        }
    }
}

/// Judges the state of a resource that goes, and settles the verb: a retained
/// resource that is removed is only forgotten.
pub(super) fn judge(effect: &mut Effect, properties: &Value<'_>, policy: Policy) {
    let kind = knowledge::kind(&effect.kind);
    let stateful = spec::rules(&effect.kind).is_some_and(|rules| rules.stateful);
    let keeps_state = stateful || matches!(kind.role, Role::State | Role::Backup | Role::Unknown);
    match policy {
        Policy::Retain => {
            effect
                .reasons
                .push("the policy keeps the old resource".to_owned());
            if effect.verb == Verb::Delete {
                effect.verb = Verb::Forget;
            } else if keeps_state {
                effect.state = StateLoss::BackedUp;
            }
        }
        Policy::Snapshot => {
            effect
                .reasons
                .push("the policy takes a snapshot first".to_owned());
            if keeps_state {
                effect.state = StateLoss::BackedUp;
            }
        }
        Policy::Delete | Policy::Unclear => {
            let assessment = kind.deleting(properties);
            effect.state = assessment.state;
            effect.reasons.extend(assessment.reasons);
            if stateful && kind.role == Role::None {
                effect.state = StateLoss::Unknown;
            }
            if policy == Policy::Unclear {
                effect
                    .reasons
                    .push("the deletion policy cannot be told".to_owned());
            }
        }
    }
}
