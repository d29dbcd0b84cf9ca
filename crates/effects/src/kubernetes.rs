//! Kubernetes: manifests before and after, `kubectl diff`, and the objects a
//! server-side dry run admits.
//!
//! Facts about fields are from the Kubernetes API reference (v1.34).

mod cascade;
mod compare;
mod diff;
mod object;
mod references;

use std::collections::{BTreeMap, BTreeSet};

use countersign_core::effect::{Effect, Environment, StateLoss, Verb};

use crate::backups::{self, Links};
use crate::document::{ReadError, Value};
use crate::environment;
use crate::knowledge::{self, Role};
use crate::reading::{
    Edge, EnvironmentHint, FindingKind, Format, PlanReading, fingerprint, fingerprint_all,
};

use object::{Object, Parsed};

pub use diff::{looks_like as looks_like_diff, read as read_diff};
pub use object::looks_like;

/// One file: its name, for messages and to know `kustomization.yaml`, and its
/// bytes (YAML documents, or JSON).
pub type File<'f> = (&'f str, &'f [u8]);

/// Reads what going from the manifests `old` to the manifests `new` does, where
/// what is missing in `new` is deleted: `kubectl apply --prune`, Argo CD or Flux
/// with pruning. For `kubectl delete -f`, give no `new`.
///
/// # Errors
/// A [`ReadError`] when nothing in the files can be read.
pub fn read_manifests(
    old: &[File<'_>],
    new: &[File<'_>],
    environment: Environment,
) -> Result<PlanReading, ReadError> {
    let files = old.iter().chain(new).copied();
    let mut reading = PlanReading::new(Format::KubernetesManifests, fingerprint_all(files));
    let old = object::parse(old, environment, &mut reading)?;
    let new = object::parse(new, environment, &mut reading)?;
    hint(&new, &mut reading);
    let identities: BTreeSet<_> = old.objects.keys().chain(new.objects.keys()).collect();
    for identity in identities {
        reading.changes_seen += 1;
        let sides = (old.objects.get(identity), new.objects.get(identity));
        let effect = match sides {
            (None, Some(after)) => {
                compare::rollout_settings(after, &mut reading);
                Some(effect(
                    Verb::Create,
                    after,
                    environment,
                    "only in the new manifests",
                ))
            }
            (Some(before), None) => Some(deleted(before, &old, environment, &mut reading)),
            (Some(before), Some(after)) => {
                let mut changed = effect(Verb::Update, after, environment, "differs");
                compare::update(before, after, &mut changed, &mut reading).then_some(changed)
            }
            (None, None) => None,
        };
        match effect {
            Some(effect) => reading.effects.push(effect),
            None => reading.unchanged += 1,
        }
    }
    cascade::follow(&old, environment, &mut reading);
    reading.edges = references::edges(
        &new.objects
            .values()
            .chain(old.objects.values())
            .collect::<Vec<_>>(),
    );
    let links = snapshots(&old);
    backups::settle(&mut reading, &links);
    Ok(reading.finish())
}

/// Reads objects with nothing to compare them with: what `kubectl apply
/// --server-side --dry-run=server -o json` (or `-o yaml`) prints, or manifests
/// about to be applied to an unknown cluster. An object with a
/// `resourceVersion` exists already; others are taken as new.
///
/// # Errors
/// A [`ReadError`] when nothing in the files can be read.
pub fn read_objects(
    files: &[File<'_>],
    environment: Environment,
) -> Result<PlanReading, ReadError> {
    let sha256 = match files {
        [(_, only)] => fingerprint(only),
        _ => fingerprint_all(files.iter().copied()),
    };
    let mut reading = PlanReading::new(Format::KubernetesObjects, sha256);
    let parsed = object::parse(files, environment, &mut reading)?;
    hint(&parsed, &mut reading);
    for found in parsed.objects.values() {
        reading.changes_seen += 1;
        let metadata = found.value.at("metadata");
        let effect = if metadata.get("deletionTimestamp").is_some() {
            deleted(found, &parsed, environment, &mut reading)
        } else if metadata.get("resourceVersion").is_some() {
            let mut effect = effect(Verb::Update, found, environment, "exists (resourceVersion)");
            compare::stopped(&found.value, &mut effect);
            effect
        } else {
            effect(Verb::Create, found, environment, "no resourceVersion")
        };
        compare::rollout_settings(found, &mut reading);
        reading.effects.push(effect);
    }
    reading.edges = references::edges(&parsed.objects.values().collect::<Vec<_>>());
    Ok(reading.finish())
}

/// Which service each workload calls, by the addresses (`host:port`) in its
/// environment variables: names of workloads and services only.
///
/// # Errors
/// A [`ReadError`] when nothing in the files can be read.
pub fn service_calls(files: &[File<'_>]) -> Result<Vec<Edge>, ReadError> {
    let mut unused = PlanReading::new(Format::KubernetesObjects, String::new());
    let parsed = object::parse(files, Environment::Unknown, &mut unused)?;
    Ok(references::calls(
        &parsed.objects.values().collect::<Vec<_>>(),
    ))
}

fn effect(verb: Verb, object: &Object, environment: Environment, what: &str) -> Effect {
    Effect {
        verb,
        kind: object.kind.clone(),
        object: object.name(),
        environment,
        state: StateLoss::None,
        reasons: Vec::new(),
        witness: format!("{}: {what}", object.source),
    }
}

fn deleted(
    object: &Object,
    all: &Parsed,
    environment: Environment,
    reading: &mut PlanReading,
) -> Effect {
    let mut effect = effect(
        Verb::Delete,
        object,
        environment,
        "gone from the new manifests",
    );
    cascade::state(object, all, &mut effect);
    let kind = knowledge::kind(&object.kind);
    if kind.role == Role::Protection {
        let detail = format!("the {} goes", kind.noun);
        reading.finding(FindingKind::ProtectionRemoved, Some(&effect.object), detail);
    }
    effect
}

/// Volume snapshots by the claim they were taken of.
fn snapshots(old: &Parsed) -> Links {
    let mut links = Links::default();
    for object in old.objects.values() {
        if object.kind != "VolumeSnapshot" {
            continue;
        }
        let claim = object.value.path("spec.source.persistentVolumeClaimName");
        if let Some(claim) = claim.as_str() {
            let owner = object.sibling("PersistentVolumeClaim", claim);
            links.add(&owner, &object.name());
        }
    }
    links
}

/// The environment most of the namespaces name, if they name one only.
fn hint(parsed: &Parsed, reading: &mut PlanReading) {
    let mut found = BTreeMap::new();
    for object in parsed.objects.values() {
        let named = environment::named(&object.namespace);
        if named != Environment::Unknown {
            found.insert(named, object.namespace.clone());
        }
    }
    if let Some((environment, namespace)) = found.pop_last() {
        reading.environment_hint = Some(EnvironmentHint {
            environment,
            witness: format!("namespace `{namespace}`"),
        });
    }
}

/// The pod template of a workload, or the pod itself.
fn pod_spec(object: &Object) -> &Value<'static> {
    match object.kind.as_str() {
        "Pod" => object.value.at("spec"),
        "CronJob" => object.value.path("spec.jobTemplate.spec.template.spec"),
        _ => object.value.path("spec.template.spec"),
    }
}
