//! Entries of a plan turned into effects.

use countersign_core::effect::{Effect, Environment, StateLoss, Verb};

use crate::document::Value;
use crate::knowledge::{self, Role};
use crate::reading::{FindingKind, IMPORTED, PlanReading};

/// Most changed attributes named in one reason.
const NAMED_ATTRIBUTES: usize = 8;

/// Attributes that say how much of something runs. To zero is an outage.
const COUNTS: [&str; 8] = [
    "desired_count",
    "desired_capacity",
    "max_size",
    "replicas",
    "instance_count",
    "node_count",
    "num_nodes",
    "num_cache_nodes",
];

/// What the `actions` of a change mean. Terraform writes one, or two in the
/// order they are done; the source recommends to look for `delete` anywhere.
enum Actions {
    Nothing,
    One(Verb),
    /// Destroyed first, or created first.
    Replace(&'static str),
    /// A new object is made, and the old one stays without management.
    CreateAndForget,
    Unread,
}

fn actions(change: &Value<'_>) -> Actions {
    let words: Vec<_> = change
        .at("actions")
        .items()
        .iter()
        .map(|a| a.as_str().unwrap_or_default())
        .collect();
    match words.as_slice() {
        ["no-op"] => Actions::Nothing,
        ["read"] => Actions::One(Verb::Read),
        ["create"] => Actions::One(Verb::Create),
        ["update"] => Actions::One(Verb::Update),
        ["delete"] => Actions::One(Verb::Delete),
        ["forget"] => Actions::One(Verb::Forget),
        ["delete", "create"] => Actions::Replace("destroyed before its replacement is made"),
        ["create", "delete"] => Actions::Replace("destroyed after its replacement is made"),
        ["create", "forget"] | ["forget", "create"] => Actions::CreateAndForget,
        _ => Actions::Unread,
    }
}

/// One item of `resource_changes`.
pub(super) fn resource(
    item: &Value<'_>,
    path: &str,
    environment: Environment,
    reading: &mut PlanReading,
) {
    reading.changes_seen += 1;
    let change = item.at("change");
    let address = item.at("address").as_str().unwrap_or(path);
    if let Some(previous) = item.at("previous_address").as_str() {
        reading.finding(
            FindingKind::Moved,
            Some(address),
            format!("was `{previous}` before"),
        );
    }
    if !change.at("importing").is_null() {
        reading.finding(FindingKind::Imported, Some(address), IMPORTED);
    }
    let mut effect = Effect {
        verb: Verb::Unknown,
        kind: kind_of(item),
        object: address.to_owned(),
        environment,
        state: StateLoss::None,
        reasons: Vec::new(),
        witness: witness(change, path),
    };
    let named = item.at("action_reason").as_str().filter(|r| *r != "none");
    effect.reasons.extend(named.map(str::to_owned));
    if let Some(deposed) = item.at("deposed").as_str() {
        effect.reasons.push(format!("deposed object `{deposed}`"));
    }
    match actions(change) {
        Actions::Nothing => {
            reading.unchanged += 1;
            return;
        }
        Actions::One(verb) => {
            effect.verb = verb;
            match verb {
                Verb::Delete => destroy(change, &mut effect, reading),
                Verb::Update => update(change, &mut effect, reading),
                _ => {}
            }
        }
        Actions::Replace(order) => {
            effect.verb = Verb::Replace;
            effect.reasons.push(order.to_owned());
            effect.reasons.extend(forced_by(change));
            destroy(change, &mut effect, reading);
        }
        Actions::CreateAndForget => {
            effect.verb = Verb::Replace;
            effect
                .reasons
                .push("the old object stays in place, no longer managed".to_owned());
            if knowledge::kind(&effect.kind).role == Role::State {
                effect.state = StateLoss::BackedUp;
            }
        }
        Actions::Unread => {
            effect.state = StateLoss::Unknown;
            effect
                .reasons
                .push("the planned actions are not known".to_owned());
        }
    }
    reading.effects.push(effect);
}

/// Data sources and managed resources of the same type are different things.
fn kind_of(item: &Value<'_>) -> String {
    let kind = item.at("type").as_str().unwrap_or("resource");
    match item.at("mode").as_str() {
        Some("data") => format!("data.{kind}"),
        _ => kind.to_owned(),
    }
}

fn witness(change: &Value<'_>, path: &str) -> String {
    let words: Vec<_> = change
        .at("actions")
        .items()
        .iter()
        .map(|a| {
            a.as_str()
                .unwrap_or("?")
                .chars()
                .take(20)
                .collect::<String>()
        })
        .take(4)
        .collect();
    format!("{path}.change.actions = [{}]", words.join(", "))
}

fn destroy(change: &Value<'_>, effect: &mut Effect, reading: &mut PlanReading) {
    let kind = knowledge::kind(&effect.kind);
    let assessment = kind.deleting(change.at("before"));
    effect.state = assessment.state;
    effect.reasons.extend(assessment.reasons);
    if kind.role == Role::Protection {
        reading.finding(
            FindingKind::ProtectionRemoved,
            Some(&effect.object),
            format!("the {} goes", kind.noun),
        );
    }
}

/// `replace_paths`: the attributes that force the replacement.
fn forced_by(change: &Value<'_>) -> Option<String> {
    let paths: Vec<_> = change
        .at("replace_paths")
        .items()
        .iter()
        .map(|path| {
            let steps: Vec<_> = path.items().iter().filter_map(Value::scalar).collect();
            format!("`{}`", steps.join("."))
        })
        .collect();
    (!paths.is_empty()).then(|| format!("forced by {}", paths.join(", ")))
}

fn update(change: &Value<'_>, effect: &mut Effect, reading: &mut PlanReading) {
    let (before, after) = (change.at("before"), change.at("after"));
    let unknown = change.at("after_unknown");
    effect.reasons.extend(changed(before, after));
    for condition in knowledge::kind(&effect.kind).weakened(before, after) {
        let attribute = knowledge::attribute(condition);
        let unsure = unknown.path(attribute).as_bool() == Some(true);
        let detail = if unsure {
            format!("`{attribute}` is only known once the change is made, and was safe before")
        } else {
            format!("protection removed: `{attribute}`")
        };
        effect.reasons.push(detail.clone());
        reading.finding(FindingKind::ProtectionRemoved, Some(&effect.object), detail);
    }
    for attribute in COUNTS {
        let running = before.at(attribute).as_i64().is_some_and(|n| n > 0);
        if running && after.at(attribute).as_i64() == Some(0) {
            effect.verb = Verb::Disrupt;
            effect.reasons.push(format!("`{attribute}` goes to 0"));
        }
    }
    let later = leaves_true(unknown);
    if later > 0 {
        effect
            .reasons
            .push(format!("{later} values only known once the change is made"));
    }
}

/// The top-level attributes that differ, by name only: values may be secret.
fn changed(before: &Value<'_>, after: &Value<'_>) -> Option<String> {
    let names: Vec<_> = after
        .entries()
        .filter(|(name, value)| before.at(name) != *value)
        .map(|(name, _)| name)
        .collect();
    let shown: Vec<_> = names
        .iter()
        .take(NAMED_ATTRIBUTES)
        .map(|n| format!("`{n}`"))
        .collect();
    let more = match names.len().saturating_sub(NAMED_ATTRIBUTES) {
        0 => String::new(),
        n => format!(" and {n} more"),
    };
    (!names.is_empty()).then(|| format!("changes {}{more}", shown.join(", ")))
}

fn leaves_true(value: &Value<'_>) -> usize {
    match value {
        Value::Bool(true) => 1,
        Value::Array(items) => items.iter().map(leaves_true).sum(),
        Value::Object(object) => object.iter().map(|(_, v)| leaves_true(v)).sum(),
        _ => 0,
    }
}

/// One item of `deferred_changes`: `{reason, resource_change}`.
pub(super) fn deferred(
    item: &Value<'_>,
    path: &str,
    environment: Environment,
    reading: &mut PlanReading,
) {
    let why = item.at("reason").as_str().unwrap_or("unknown");
    let inner = item.at("resource_change");
    let before = reading.effects.len();
    resource(inner, path, environment, reading);
    let object = inner.at("address").as_str().unwrap_or(path);
    if let Some(effect) = reading.effects.get_mut(before) {
        effect.reasons.push(format!("put off: {why}"));
    }
    reading.finding(
        FindingKind::Deferred,
        Some(object),
        format!("put off to a later plan ({why}); what it will do is not settled"),
    );
}

/// One provider action (Terraform 1.14): a side effect that is no resource, such
/// as stopping a server. Its outcome is not in the plan.
pub(super) fn action(
    item: &Value<'_>,
    path: &str,
    environment: Environment,
    reading: &mut PlanReading,
) {
    reading.changes_seen += 1;
    let kind = item.at("type").as_str().unwrap_or("action");
    let trigger = item
        .path("lifecycle_action_trigger.triggering_resource_address")
        .as_str();
    let mut reasons = vec!["a provider action: what it does is not in the plan".to_owned()];
    reasons.extend(trigger.map(|t| format!("triggered by `{t}`")));
    reading.effects.push(Effect {
        verb: Verb::Unknown,
        kind: kind.to_owned(),
        object: item.at("address").as_str().unwrap_or(path).to_owned(),
        environment,
        state: StateLoss::Unknown,
        reasons,
        witness: path.to_owned(),
    });
}

/// `output_changes`: what other configurations read from this one.
pub(super) fn outputs(outputs: &Value<'_>, environment: Environment, reading: &mut PlanReading) {
    for (name, change) in outputs.entries() {
        reading.changes_seen += 1;
        let path = format!("output_changes.{name}");
        let (verb, reasons) = match actions(change) {
            Actions::Nothing => {
                reading.unchanged += 1;
                continue;
            }
            Actions::One(verb) => (verb, Vec::new()),
            Actions::Replace(_) | Actions::CreateAndForget => (Verb::Update, Vec::new()),
            Actions::Unread => (
                Verb::Unknown,
                vec!["the planned actions are not known".to_owned()],
            ),
        };
        reading.effects.push(Effect {
            verb,
            kind: "output".to_owned(),
            object: format!("output.{name}"),
            environment,
            state: StateLoss::None,
            reasons,
            witness: witness(change, &path).replace(".change.actions", ".actions"),
        });
    }
}

/// One item of `resource_drift`: it has happened already, so it is no effect.
pub(super) fn drift(item: &Value<'_>, reading: &mut PlanReading) {
    let address = item.at("address").as_str();
    let what = match actions(item.at("change")) {
        Actions::One(Verb::Delete) => "was deleted outside of Terraform",
        Actions::Nothing => "was moved",
        _ => "was changed outside of Terraform",
    };
    reading.finding(FindingKind::Drift, address, what);
}
