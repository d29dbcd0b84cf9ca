//! What changing one object does.

use std::collections::BTreeSet;

use countersign_core::effect::{Effect, StateLoss, Verb};

use super::object::Object;
use crate::document::Value;
use crate::knowledge::{self, Role};
use crate::reading::{FindingKind, PlanReading};

/// Fields the server refuses to change: the object must be deleted and made
/// anew (`kubectl replace --force`, or Argo CD with `Replace=true`).
const IMMUTABLE: [(&str, &[&str]); 12] = [
    ("Deployment", &["spec.selector"]),
    ("DaemonSet", &["spec.selector"]),
    ("ReplicaSet", &["spec.selector"]),
    (
        "StatefulSet",
        &[
            "spec.selector",
            "spec.serviceName",
            "spec.volumeClaimTemplates",
            "spec.podManagementPolicy",
        ],
    ),
    (
        "Job",
        &["spec.selector", "spec.template", "spec.completionMode"],
    ),
    (
        "PersistentVolumeClaim",
        &[
            "spec.storageClassName",
            "spec.accessModes",
            "spec.volumeName",
            "spec.volumeMode",
            "spec.selector",
            "spec.dataSource",
        ],
    ),
    (
        "StorageClass",
        &["provisioner", "parameters", "reclaimPolicy"],
    ),
    ("RoleBinding", &["roleRef"]),
    ("ClusterRoleBinding", &["roleRef"]),
    ("PriorityClass", &["value"]),
    ("Secret", &["type"]),
    ("IngressClass", &["spec.controller"]),
];

/// Metadata the server writes; a difference there is no change.
const SERVER_METADATA: [&str; 6] = [
    "creationTimestamp",
    "generation",
    "managedFields",
    "resourceVersion",
    "selfLink",
    "uid",
];

/// Most changed paths named in one reason.
const NAMED_PATHS: usize = 8;

/// Judges the change of an object; false when nothing of its own changes.
pub(super) fn update(
    before: &Object,
    after: &Object,
    effect: &mut Effect,
    reading: &mut PlanReading,
) -> bool {
    let paths = changed(&before.value, &after.value);
    if paths.is_empty() {
        return false;
    }
    let shown: Vec<_> = paths
        .iter()
        .take(NAMED_PATHS)
        .map(|p| format!("`{p}`"))
        .collect();
    effect.reasons.push(format!("changes {}", shown.join(", ")));
    recreated(before, after, effect);
    scaled(&before.value, &after.value, effect);
    rolled(before, after, effect);
    protections(&before.value, &after.value, effect, reading);
    rollout_settings(after, reading);
    true
}

/// The changed paths, three levels deep, without what the server writes.
fn changed(before: &Value<'_>, after: &Value<'_>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    differ(before, after, "", 3, &mut found);
    found.retain(|path| {
        let written = |name: &str| {
            path.strip_prefix("metadata.")
                .is_some_and(|p| p.starts_with(name))
        };
        !path.starts_with("status") && !SERVER_METADATA.iter().any(|name| written(name))
    });
    found
}

fn differ(a: &Value<'_>, b: &Value<'_>, path: &str, depth: usize, found: &mut BTreeSet<String>) {
    if a == b {
        return;
    }
    if depth == 0 || a.as_object().is_none() || b.as_object().is_none() {
        found.insert(path.to_owned());
        return;
    }
    let names: BTreeSet<&str> = a
        .entries()
        .chain(b.entries())
        .map(|(name, _)| name)
        .collect();
    for name in names {
        let deeper = if path.is_empty() {
            name.to_owned()
        } else {
            format!("{path}.{name}")
        };
        differ(a.at(name), b.at(name), &deeper, depth - 1, found);
    }
}

fn recreated(before: &Object, after: &Object, effect: &mut Effect) {
    let listed = IMMUTABLE.iter().find(|(kind, _)| *kind == before.kind);
    let mut fields: Vec<&str> = listed
        .into_iter()
        .flat_map(|(_, fields)| fields.iter().copied())
        .filter(|field| {
            // A field the server fills in may be missing on one side.
            let (a, b) = (before.value.path(field), after.value.path(field));
            a != b && !(b.is_null() || a.is_null())
        })
        .collect();
    if before.value.at("immutable").as_bool() == Some(true)
        && before.value.at("data") != after.value.at("data")
    {
        fields.push("data");
    }
    if fields.is_empty() {
        return;
    }
    effect.verb = Verb::Replace;
    for field in fields {
        effect.reasons.push(format!(
            "`{field}` cannot be changed: the object must be deleted and made anew"
        ));
    }
    if knowledge::kind(&before.kind).role == Role::State {
        let assessment = knowledge::kind(&before.kind).deleting(&before.value);
        effect.state = assessment.state;
        effect.reasons.extend(assessment.reasons);
    }
}

/// `replicas` to 0, a suspended job, and volumes that go with replicas.
fn scaled(before: &Value<'_>, after: &Value<'_>, effect: &mut Effect) {
    let replicas = |v: &Value<'_>| v.path("spec.replicas").as_i64().unwrap_or(1);
    let (from, to) = (replicas(before), replicas(after));
    let scalable = [
        "Deployment",
        "StatefulSet",
        "ReplicaSet",
        "ReplicationController",
        "Rollout",
    ];
    if scalable.contains(&effect.kind.as_str()) && to < from {
        effect.reasons.push(format!("from {from} to {to} replicas"));
        if to == 0 {
            effect.verb = effect.verb.max(Verb::Disrupt);
        }
        let scaled = after.path("spec.persistentVolumeClaimRetentionPolicy.whenScaled");
        if scaled.as_str() == Some("Delete") {
            effect.verb = effect.verb.max(Verb::Delete);
            effect.state = StateLoss::Unknown;
            effect
                .reasons
                .push("the volumes of the removed replicas are deleted".to_owned());
        }
    }
    let suspended = |v: &Value<'_>| v.path("spec.suspend").as_bool() == Some(true);
    if suspended(after) && !suspended(before) {
        effect.verb = effect.verb.max(Verb::Disrupt);
        effect.reasons.push("is suspended".to_owned());
    }
}

/// An object known to be there that is to run nothing.
pub(super) fn stopped(value: &Value<'_>, effect: &mut Effect) {
    if value.path("spec.replicas").as_i64() == Some(0) {
        effect.verb = Verb::Disrupt;
        effect.reasons.push("runs with 0 replicas".to_owned());
    }
}

/// A new pod template under a strategy that stops everything first.
fn rolled(before: &Object, after: &Object, effect: &mut Effect) {
    if before.value.path("spec.template") == after.value.path("spec.template") {
        return;
    }
    if !matches!(
        after.kind.as_str(),
        "Deployment" | "StatefulSet" | "DaemonSet"
    ) {
        return;
    }
    match all_at_once(after) {
        Some(why) => {
            effect.verb = effect.verb.max(Verb::Disrupt);
            effect
                .reasons
                .push(format!("its pods are replaced all at once: {why}"));
        }
        None => effect
            .reasons
            .push("its pods are replaced one after another".to_owned()),
    }
}

/// Why a rollout of this workload leaves nothing running, if it does.
fn all_at_once(object: &Object) -> Option<String> {
    let spec = object.value.at("spec");
    if spec.path("strategy.type").as_str() == Some("Recreate") {
        return Some("strategy `Recreate`".to_owned());
    }
    let unavailable = match object.kind.as_str() {
        "Deployment" => spec.path("strategy.rollingUpdate.maxUnavailable"),
        _ => spec.path("updateStrategy.rollingUpdate.maxUnavailable"),
    };
    let text = unavailable.scalar()?;
    let all = match text.strip_suffix('%') {
        Some(percent) => percent.parse::<u32>().ok()? >= 100,
        None => {
            let replicas = spec.at("replicas").as_i64().unwrap_or(1);
            // The only replica is always all of them.
            replicas > 1 && text.parse::<i64>().ok()? >= replicas
        }
    };
    all.then(|| format!("`maxUnavailable` is {text}"))
}

/// Findings about rollout and disruption settings, whatever changed.
pub(super) fn rollout_settings(object: &Object, reading: &mut PlanReading) {
    let name = object.name();
    if let Some(why) = all_at_once(object) {
        reading.finding(
            FindingKind::Rollout,
            Some(&name),
            format!("a rollout stops all pods at once: {why}"),
        );
    }
    if object.kind == "PodDisruptionBudget" && protects_nothing(&object.value) {
        reading.finding(
            FindingKind::Rollout,
            Some(&name),
            "the disruption budget lets every pod go at once",
        );
    }
}

fn protects_nothing(budget: &Value<'_>) -> bool {
    let text = |path: &str| budget.path(path).scalar().map(std::borrow::Cow::into_owned);
    text("spec.maxUnavailable").as_deref() == Some("100%")
        || matches!(text("spec.minAvailable").as_deref(), Some("0" | "0%"))
}

fn protections(
    before: &Value<'_>,
    after: &Value<'_>,
    effect: &mut Effect,
    reading: &mut PlanReading,
) {
    let mut lost: Vec<String> = knowledge::kind(&effect.kind)
        .weakened(before, after)
        .map(|c| format!("protection removed: `{}`", knowledge::attribute(c)))
        .collect();
    let finalizers = |v: &Value<'_>| -> BTreeSet<String> {
        let listed = v.path("metadata.finalizers").items().iter();
        listed
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect()
    };
    for gone in finalizers(before).difference(&finalizers(after)) {
        lost.push(format!(
            "finalizer `{gone}` removed: what it cleans up or guards is skipped"
        ));
    }
    if effect.kind == "PodDisruptionBudget" && protects_nothing(after) && !protects_nothing(before)
    {
        lost.push("protection removed: the disruption budget lets every pod go".to_owned());
    }
    for detail in lost {
        effect.reasons.push(detail.clone());
        reading.finding(FindingKind::ProtectionRemoved, Some(&effect.object), detail);
    }
}
