//! What goes along with a deleted object.

use std::collections::{BTreeMap, BTreeSet};

use countersign_core::effect::{Effect, Environment, StateLoss, Verb};

use super::object::{Object, Parsed};
use crate::document::Value;
use crate::knowledge;
use crate::reading::{FindingKind, PlanReading};

const VOLUMES_STAY: &str = "its volumes stay";

/// Judges the state of a deleted object.
pub(super) fn state(object: &Object, all: &Parsed, effect: &mut Effect) {
    let assessment = knowledge::kind(&object.kind).deleting(&object.value);
    effect.state = assessment.state;
    effect.reasons.extend(assessment.reasons);
    match object.kind.as_str() {
        "PersistentVolumeClaim" => claim(object, all, effect),
        "StatefulSet" => {
            let policy = "spec.persistentVolumeClaimRetentionPolicy.whenDeleted";
            if object.value.path(policy).as_str() == Some("Delete") {
                effect.state = StateLoss::Unknown;
                effect
                    .reasons
                    .push("its volumes are deleted with it (`whenDeleted: Delete`)".to_owned());
            } else if !object.value.path("spec.volumeClaimTemplates").is_null() {
                effect.reasons.push(VOLUMES_STAY.to_owned());
            }
        }
        _ => {}
    }
}

/// The data of a claim follows the reclaim policy of its volume, which is by
/// default that of its storage class, which is by default `Delete`.
fn claim(object: &Object, all: &Parsed, effect: &mut Effect) {
    let find = |kind: &str, name: &Value<'_>| {
        let name = name.as_str()?;
        let mut objects = all.objects.values();
        objects.find(|o| o.kind == kind && o.own_name == name)
    };
    let volume = find("PersistentVolume", object.value.path("spec.volumeName"));
    let class = find("StorageClass", object.value.path("spec.storageClassName"));
    let policy = volume
        .and_then(|v| v.value.path("spec.persistentVolumeReclaimPolicy").as_str())
        .or_else(|| class.and_then(|c| c.value.at("reclaimPolicy").as_str()));
    match policy {
        Some("Retain") => {
            effect.state = StateLoss::None;
            effect
                .reasons
                .push("its volume is kept (reclaim policy `Retain`)".to_owned());
        }
        Some(policy) => effect
            .reasons
            .push(format!("its volume goes too (reclaim policy `{policy}`)")),
        None => effect
            .reasons
            .push("its volume goes too, unless the storage class says `Retain`".to_owned()),
    }
}

/// Adds what goes along: the content of namespaces, the objects of a resource
/// definition, and what is owned by a deleted object.
pub(super) fn follow(old: &Parsed, environment: Environment, reading: &mut PlanReading) {
    let mut gone: BTreeSet<String> = reading
        .effects
        .iter()
        .filter(|e| e.verb == Verb::Delete)
        .map(|e| e.object.clone())
        .collect();
    for object in old.objects.values().filter(|o| gone.contains(&o.name())) {
        let detail = match object.kind.as_str() {
            "Namespace" => {
                "everything in the namespace goes with it, also what is not in these manifests"
            }
            "CustomResourceDefinition" => {
                "every object of this kind goes with its definition, in every namespace"
            }
            _ => continue,
        };
        reading.finding(FindingKind::Cascade, Some(&object.name()), detail);
    }
    let definitions = definitions(old);
    let mut known: BTreeMap<String, usize> = reading
        .effects
        .iter()
        .enumerate()
        .map(|(i, e)| (e.object.clone(), i))
        .collect();
    // Owners own owners: until nothing more goes.
    loop {
        let more: Vec<(&Object, String)> = old
            .objects
            .values()
            .filter(|o| !gone.contains(&o.name()))
            .filter_map(|o| Some((o, goes_with(o, &definitions, &gone)?)))
            .collect();
        if more.is_empty() {
            return;
        }
        for (object, with) in more {
            gone.insert(object.name());
            let effect = along(object, old, &with, environment);
            // The object may also be among the changed or unchanged ones.
            match known
                .get(&effect.object)
                .and_then(|i| reading.effects.get_mut(*i))
            {
                Some(other) => *other = effect,
                None => {
                    reading.unchanged = reading.unchanged.saturating_sub(1);
                    known.insert(effect.object.clone(), reading.effects.len());
                    reading.effects.push(effect);
                }
            }
        }
    }
}

fn along(object: &Object, old: &Parsed, with: &str, environment: Environment) -> Effect {
    let mut effect = super::effect(Verb::Delete, object, environment, "goes along");
    effect.reasons.push(format!("goes with `{with}`"));
    state(object, old, &mut effect);
    // A workload leaves its volumes, but a namespace takes the claims as well.
    let claims = !object.value.path("spec.volumeClaimTemplates").is_null();
    if claims && with.starts_with("Namespace/") {
        effect.state = StateLoss::Unknown;
        effect.reasons.retain(|reason| reason != VOLUMES_STAY);
        effect
            .reasons
            .push("the claims of its volumes are in the namespace and go too".to_owned());
    }
    effect
}

/// The definitions of custom kinds, by group and kind.
fn definitions(old: &Parsed) -> BTreeMap<(&str, &str), String> {
    let definitions = old
        .objects
        .values()
        .filter(|o| o.kind == "CustomResourceDefinition");
    definitions
        .filter_map(|o| {
            let group = o.value.path("spec.group").as_str()?;
            let kind = o.value.path("spec.names.kind").as_str()?;
            Some(((group, kind), o.name()))
        })
        .collect()
}

/// The deleted object that takes this one along, if one does.
fn goes_with(
    object: &Object,
    definitions: &BTreeMap<(&str, &str), String>,
    gone: &BTreeSet<String>,
) -> Option<String> {
    let namespace = format!("Namespace/{}", object.namespace);
    if !object.namespace.is_empty() && gone.contains(&namespace) {
        return Some(namespace);
    }
    let definition = definitions.get(&(object.group.as_str(), object.kind.as_str()));
    if let Some(definition) = definition.filter(|d| gone.contains(*d)) {
        return Some(definition.clone());
    }
    let owners = object.value.path("metadata.ownerReferences").items().iter();
    let mut names = owners.flat_map(|owner| {
        let (kind, name) = (owner.at("kind").as_str(), owner.at("name").as_str());
        let (kind, name) = (kind.unwrap_or_default(), name.unwrap_or_default());
        [object.sibling(kind, name), format!("{kind}/{name}")]
    });
    names.find(|name| gone.contains(name))
}
