//! Whether the backups of what a change destroys go in the same change.

use std::collections::{BTreeMap, BTreeSet};

use countersign_core::effect::{Effect, StateLoss, Verb};

use crate::knowledge::{self, Role};
use crate::reading::{FindingKind, PlanReading};

/// How a reason names a backup that goes with what it is a backup of.
pub(crate) const GOES_TOO: &str = "its backup goes too: ";

/// Backups by the object they are a backup of.
#[derive(Debug, Default)]
pub(crate) struct Links(BTreeMap<String, BTreeSet<String>>);

impl Links {
    pub(crate) fn add(&mut self, object: &str, backup: &str) {
        self.0
            .entry(object.to_owned())
            .or_default()
            .insert(backup.to_owned());
    }

    fn of(&self, object: &str) -> impl Iterator<Item = &str> {
        self.0.get(object).into_iter().flatten().map(String::as_str)
    }
}

/// Whether the effect takes the object away.
pub(crate) const fn takes_away(effect: &Effect) -> bool {
    matches!(effect.verb, Verb::Delete | Verb::Replace)
}

/// Settles the state loss of every destroyed object by its backups: one that
/// goes in the same change is named, one that survives saves the state.
pub(crate) fn settle(reading: &mut PlanReading, links: &Links) {
    let going: BTreeSet<String> = reading
        .effects
        .iter()
        .filter(|e| takes_away(e) && knowledge::kind(&e.kind).role == Role::Backup)
        .map(|e| e.object.clone())
        .collect();
    let mut found = Vec::new();
    for effect in &mut reading.effects {
        let keeps_state = matches!(
            knowledge::kind(&effect.kind).role,
            Role::State | Role::Unknown
        );
        if !keeps_state || !takes_away(effect) || effect.state == StateLoss::None {
            continue;
        }
        let (gone, left): (Vec<&str>, Vec<&str>) =
            links.of(&effect.object).partition(|b| going.contains(*b));
        for backup in &gone {
            effect.reasons.push(format!("{GOES_TOO}{backup}"));
            found.push((
                effect.object.clone(),
                format!("`{backup}`, a backup of it, is destroyed in the same change"),
            ));
        }
        if let Some(backup) = left.first() {
            effect.state = StateLoss::BackedUp;
            effect.reasons.push(format!("its backup stays: {backup}"));
        } else if !gone.is_empty() && effect.state == StateLoss::Unknown {
            effect.state = StateLoss::Destroyed;
        }
    }
    for (object, detail) in found {
        reading.finding(FindingKind::BackupDestroyed, Some(&object), detail);
    }
}
