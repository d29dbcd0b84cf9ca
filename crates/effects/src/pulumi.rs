//! Pulumi previews: the output of `pulumi preview --json`.
//!
//! Fields as in `sdk/go/common/display/json.go` and `sdk/go/common/apitype` of
//! `pulumi/pulumi` (Apache-2.0); operations as in `pulumi.automation.OpType`.

use std::collections::BTreeMap;

use countersign_core::effect::{Effect, Environment, StateLoss, Verb};

use crate::backups::{self, Links};
use crate::document::{ReadError, Value, decode, parse_json};
use crate::environment;
use crate::knowledge::{self, Role};
use crate::reading::{
    Edge, EnvironmentHint, FindingKind, Format, IMPORTED, PlanReading, fingerprint,
};

/// Most changed properties named in one reason.
const NAMED_PROPERTIES: usize = 8;

/// Whether a JSON value is a preview.
#[must_use]
pub fn looks_like(value: &Value<'_>) -> bool {
    let first = value.at("steps").items().first();
    let step = first.is_some_and(|s| s.get("op").is_some() && s.get("urn").is_some());
    step || (value.get("changeSummary").is_some() && value.get("diagnostics").is_some())
}

/// Reads a preview. A replacement is several steps (`create-replacement`,
/// `replace`, `delete-replaced`) and becomes one effect.
///
/// # Errors
/// A [`ReadError`] when the bytes are not a preview.
pub fn read(bytes: &[u8], environment: Environment) -> Result<PlanReading, ReadError> {
    let text = decode(bytes)?;
    let preview = parse_json(&text)?;
    if !looks_like(&preview) {
        return Err(ReadError::UnknownFormat {
            hint: "expected the output of `pulumi preview --json`, with `steps`".to_owned(),
        });
    }
    let steps = match preview.at("steps") {
        Value::Null => &[],
        Value::Array(steps) => steps.as_slice(),
        other => {
            return Err(ReadError::Shape {
                path: "steps".to_owned(),
                expected: "an array",
                found: other.kind(),
            });
        }
    };
    let mut reading = PlanReading::new(Format::PulumiPreview, fingerprint(bytes));
    flags(&preview, &mut reading);
    let mut replaced = BTreeMap::new();
    for (i, step) in steps.iter().enumerate() {
        read_step(step, i, environment, &mut replaced, &mut reading);
    }
    summary(&preview, steps, &mut reading);
    let links = snapshots(steps, &reading);
    backups::settle(&mut reading, &links);
    Ok(reading.finish())
}

fn flags(preview: &Value<'_>, reading: &mut PlanReading) {
    if preview.at("maybeCorrupt").as_bool() == Some(true) {
        reading.finding(
            FindingKind::Errored,
            None,
            "the preview may be corrupt, it says so itself",
        );
    }
    let errors = preview.at("diagnostics").items().iter();
    let errors = errors
        .filter(|d| d.at("severity").as_str() == Some("error"))
        .count();
    if errors > 0 {
        // The messages may quote configuration values.
        let detail = format!("the preview ended with {errors} errors; it is only a part");
        reading.finding(FindingKind::Errored, None, detail);
    }
}

/// The preview counts its own steps: a different count means a cut file.
fn summary(preview: &Value<'_>, steps: &[Value<'_>], reading: &mut PlanReading) {
    for (op, count) in preview.at("changeSummary").entries() {
        // Steps that change nothing may be left out.
        if op == "same" {
            continue;
        }
        let found = steps
            .iter()
            .filter(|s| s.at("op").as_str() == Some(op))
            .count();
        let said = count.as_i64().and_then(|n| usize::try_from(n).ok());
        if said.is_some_and(|said| said > found) {
            let detail = format!("the summary counts more `{op:.30}` steps than the file holds");
            reading.finding(FindingKind::Incomplete, None, detail);
        }
    }
}

/// `urn:pulumi:STACK::PROJECT::PARENT$TYPE::NAME`.
struct Urn<'u> {
    stack: &'u str,
    kind: &'u str,
    name: &'u str,
}

impl<'u> Urn<'u> {
    fn parse(urn: &'u str) -> Option<Self> {
        // Names may hold `::` themselves.
        let mut parts = urn.strip_prefix("urn:pulumi:")?.splitn(4, "::");
        let (stack, _project) = (parts.next()?, parts.next()?);
        let (types, name) = (parts.next()?, parts.next()?);
        let kind = types.rsplit('$').next().unwrap_or(types);
        Some(Self { stack, kind, name })
    }

    fn object(&self) -> String {
        format!("{}::{}", self.kind, self.name)
    }
}

fn object(urn: &str) -> String {
    Urn::parse(urn).map_or_else(|| urn.to_owned(), |urn| urn.object())
}

fn read_step(
    step: &Value<'_>,
    number: usize,
    environment: Environment,
    replaced: &mut BTreeMap<String, usize>,
    reading: &mut PlanReading,
) {
    let op = step.at("op").as_str().unwrap_or_default();
    let path = format!("steps[{number}]");
    let urn = step.at("urn").as_str().unwrap_or(&path);
    hint(urn, reading);
    let (old, new) = (step.at("oldState"), step.at("newState"));
    let object = object(urn);
    edges(&object, old, reading);
    edges(&object, new, reading);
    let replacement = matches!(
        op,
        "replace" | "create-replacement" | "delete-replaced" | "import-replacement"
    );
    if replacement && let Some(effect) = replaced.get(urn).and_then(|i| reading.effects.get_mut(*i))
    {
        // Another step of a replacement that is known already.
        judge_replacement(step, old, effect);
        return;
    }
    reading.changes_seen += 1;
    let mut effect = Effect {
        verb: Verb::Unknown,
        kind: Urn::parse(urn).map_or("resource", |u| u.kind).to_owned(),
        object,
        environment,
        state: StateLoss::None,
        reasons: Vec::new(),
        witness: format!("{path}.op = {op:.30}"),
    };
    match op {
        "same" | "remove-pending-replace" => {
            reading.unchanged += 1;
            return;
        }
        "refresh" => {
            let what = "is read again from the provider";
            return reading.unchanged_but(FindingKind::Drift, &effect.object, what);
        }
        "import" => {
            return reading.unchanged_but(FindingKind::Imported, &effect.object, IMPORTED);
        }
        "create" => effect.verb = Verb::Create,
        "read" | "read-replacement" => effect.verb = Verb::Read,
        "discard" | "discard-replaced" => effect.verb = Verb::Forget,
        "update" => update(step, old, new, &mut effect, reading),
        "delete" => {
            effect.verb = Verb::Delete;
            goes(old, &mut effect, reading);
        }
        _ if replacement => {
            effect.verb = Verb::Replace;
            judge_replacement(step, old, &mut effect);
            replaced.insert(urn.to_owned(), reading.effects.len());
        }
        _ => {
            effect.state = StateLoss::Unknown;
            effect.reasons.push("the operation is not known".to_owned());
        }
    }
    reading.effects.push(effect);
}

fn hint(urn: &str, reading: &mut PlanReading) {
    if reading.environment_hint.is_some() {
        return;
    }
    let named = Urn::parse(urn).map(|urn| environment::named(urn.stack));
    if let Some(environment) = named.filter(|e| *e != Environment::Unknown) {
        reading.environment_hint = Some(EnvironmentHint {
            environment,
            witness: "the name of the stack".to_owned(),
        });
    }
}

/// Outputs are what there is; before the first one there are inputs only.
fn attributes<'v, 'a>(state: &'v Value<'a>) -> &'v Value<'a> {
    let outputs = state.at("outputs");
    if outputs.as_object().is_some_and(|o| !o.is_empty()) {
        outputs
    } else {
        state.at("inputs")
    }
}

fn goes(old: &Value<'_>, effect: &mut Effect, reading: &mut PlanReading) {
    let kind = knowledge::kind(&effect.kind);
    lose(old, effect);
    if effect.state == StateLoss::None && old.at("retainOnDelete").as_bool() == Some(true) {
        effect.verb = Verb::Forget;
    }
    if kind.role == Role::Protection {
        let detail = format!("the {} goes", kind.noun);
        reading.finding(FindingKind::ProtectionRemoved, Some(&effect.object), detail);
    }
}

/// Judges the state of an object whose old self goes.
fn lose(old: &Value<'_>, effect: &mut Effect) {
    if old.at("protect").as_bool() == Some(true) {
        effect
            .reasons
            .push("`protect` holds: deleting is refused until it is changed".to_owned());
    }
    if old.at("retainOnDelete").as_bool() == Some(true) {
        effect
            .reasons
            .push("left in place: `retainOnDelete`".to_owned());
        return;
    }
    let assessment = knowledge::kind(&effect.kind).deleting(attributes(old));
    effect.state = effect.state.max(assessment.state);
    for reason in assessment.reasons {
        note(effect, reason);
    }
}

/// Adds a reason once: the steps of a replacement repeat each other.
fn note(effect: &mut Effect, reason: String) {
    if !effect.reasons.contains(&reason) {
        effect.reasons.push(reason);
    }
}

fn judge_replacement(step: &Value<'_>, old: &Value<'_>, effect: &mut Effect) {
    let forced: Vec<_> = step
        .at("replaceReasons")
        .items()
        .iter()
        .filter_map(Value::as_str)
        .map(|name| format!("`{name}`"))
        .collect();
    let forced = format!("forced by {}", forced.join(", "));
    if forced != "forced by " {
        note(effect, forced);
    }
    if !old.is_null()
        && !effect
            .reasons
            .iter()
            .any(|r| r.contains("`retainOnDelete`"))
    {
        lose(old, effect);
    }
}

fn update(
    step: &Value<'_>,
    old: &Value<'_>,
    new: &Value<'_>,
    effect: &mut Effect,
    reading: &mut PlanReading,
) {
    effect.verb = Verb::Update;
    let detailed: Vec<&str> = step
        .at("detailedDiff")
        .entries()
        .map(|(path, _)| path)
        .collect();
    let plain = step
        .at("diffReasons")
        .items()
        .iter()
        .filter_map(Value::as_str);
    let names = if detailed.is_empty() {
        plain.collect()
    } else {
        detailed
    };
    if !names.is_empty() {
        let shown: Vec<_> = names
            .iter()
            .take(NAMED_PROPERTIES)
            .map(|n| format!("`{n}`"))
            .collect();
        effect.reasons.push(format!("changes {}", shown.join(", ")));
    }
    let mut lost: Vec<&str> = knowledge::kind(&effect.kind)
        .weakened(old.at("inputs"), new.at("inputs"))
        .map(knowledge::attribute)
        .collect();
    for option in ["protect", "retainOnDelete"] {
        let set = |state: &Value<'_>| state.at(option).as_bool() == Some(true);
        if set(old) && !set(new) {
            lost.push(option);
        }
    }
    for attribute in lost {
        let detail = format!("protection removed: `{attribute}`");
        effect.reasons.push(detail.clone());
        reading.finding(FindingKind::ProtectionRemoved, Some(&effect.object), detail);
    }
}

fn edges(from: &str, state: &Value<'_>, reading: &mut PlanReading) {
    let listed = state.at("dependencies").items().iter();
    let by_property = state.at("propertyDependencies").entries();
    let all = listed
        .chain(by_property.flat_map(|(_, urns)| urns.items()))
        .chain(std::iter::once(state.at("parent")))
        .filter_map(Value::as_str)
        // The stack is the parent of everything and means nothing.
        .filter(|urn| Urn::parse(urn).is_some_and(|u| u.kind != "pulumi:pulumi:Stack"))
        .map(object);
    let edges: Vec<_> = all
        .filter(|to| to != from)
        .map(|to| Edge {
            from: from.to_owned(),
            to,
        })
        .collect();
    reading.edges.extend(edges);
}

/// Backups by what they depend on.
fn snapshots(steps: &[Value<'_>], reading: &PlanReading) -> Links {
    let mut links = Links::default();
    let urns = steps.iter().filter_map(|s| s.at("urn").as_str());
    let backups: std::collections::BTreeSet<String> = urns
        .filter_map(Urn::parse)
        .filter(|urn| knowledge::kind(urn.kind).role == Role::Backup)
        .map(|urn| urn.object())
        .collect();
    for edge in reading.edges.iter().filter(|e| backups.contains(&e.from)) {
        links.add(&edge.to, &edge.from);
    }
    links
}
