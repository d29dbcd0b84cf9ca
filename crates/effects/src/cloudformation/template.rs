//! Two templates, before and after, judged by the replacement rules.
//!
//! A template says less than a change set: parameters given at deployment and
//! what the account holds are not in it. Where those decide, the worst is taken
//! and the reason says so.
//!
//! Source: "Template anatomy" and "Intrinsic function reference" of the AWS
//! CloudFormation documentation.

use std::collections::{BTreeMap, BTreeSet};

use countersign_core::effect::{Effect, Environment, StateLoss, Verb};

use super::policy::{Policy, judge};
use super::reference::References;
use super::spec::{self, Replacement};
use crate::document::{ReadError, Value, decode, parse_json, parse_yaml};
use crate::knowledge;
use crate::reading::{Edge, FindingKind, Format, PlanReading, fingerprint_all};

/// The longest chain of resources that replace one another that is followed.
const MAX_ROUNDS: usize = 500;

/// Whether a value is a template.
#[must_use]
pub fn looks_like(value: &Value<'_>) -> bool {
    value.get("AWSTemplateFormatVersion").is_some()
        || value.at("Resources").entries().any(|(_, resource)| {
            resource
                .at("Type")
                .as_str()
                .is_some_and(|kind| kind.contains("::"))
        })
}

/// Reads what replacing template `old` by `new` does. `None` stands for no
/// stack: with `old` missing all is created, with `new` missing all is deleted.
/// Each is JSON or YAML, as CloudFormation or `cdk synth` write it.
///
/// # Errors
/// A [`ReadError`] when one of them is not a template.
pub fn read(
    old: Option<&[u8]>,
    new: Option<&[u8]>,
    environment: Environment,
) -> Result<PlanReading, ReadError> {
    let files = [("old", old), ("new", new)];
    let sha256 = fingerprint_all(files.iter().filter_map(|(n, b)| b.map(|b| (*n, b))));
    let texts = [old.map(decode).transpose()?, new.map(decode).transpose()?];
    let [old, new] = &texts;
    let old = parse(old.as_deref())?;
    let new = parse(new.as_deref())?;
    let mut reading = PlanReading::new(Format::CloudFormationTemplates, sha256);
    reading.format_version = new
        .at("AWSTemplateFormatVersion")
        .as_str()
        .map(str::to_owned);
    Diff::new(&old, &new, environment).read(&mut reading);
    Ok(reading.finish())
}

fn parse(text: Option<&str>) -> Result<Value<'_>, ReadError> {
    let Some(text) = text else {
        return Ok(Value::Null);
    };
    let value = if text.trim_start().starts_with('{') {
        parse_json(text)?
    } else {
        parse_yaml(text)?.into_iter().next().unwrap_or(Value::Null)
    };
    if looks_like(&value) {
        Ok(value)
    } else {
        Err(ReadError::UnknownFormat {
            hint: "expected a CloudFormation template with `Resources`".to_owned(),
        })
    }
}

struct Diff<'d, 'a> {
    old: &'d Value<'a>,
    new: &'d Value<'a>,
    environment: Environment,
    /// Names whose value may be another one: parameters with a new default,
    /// and, as the reading goes on, replaced resources.
    shifted: BTreeSet<String>,
    mappings: BTreeSet<String>,
    conditions: BTreeSet<String>,
}

impl<'d, 'a> Diff<'d, 'a> {
    fn new(old: &'d Value<'a>, new: &'d Value<'a>, environment: Environment) -> Self {
        let changed = |section: &str| -> BTreeSet<String> {
            let (old, new) = (old.at(section), new.at(section));
            new.entries()
                .filter(|(name, value)| old.get(name).is_some_and(|o| !o.same_as(value)))
                .map(|(name, _)| name.to_owned())
                .collect()
        };
        Self {
            old,
            new,
            environment,
            shifted: changed("Parameters"),
            mappings: changed("Mappings"),
            conditions: changed("Conditions"),
        }
    }

    fn read(mut self, reading: &mut PlanReading) {
        let names: BTreeSet<&str> = [self.old, self.new]
            .iter()
            .flat_map(|t| t.at("Resources").entries().map(|(name, _)| name))
            .collect();
        self.spread(&names, reading);
        for name in names {
            let effect = self.resource(name);
            reading.changes_seen += 1;
            match effect {
                Some(effect) => {
                    self.weakened(name, &effect, reading);
                    reading.effects.push(effect);
                }
                None => reading.unchanged += 1,
            }
        }
        self.outputs(reading);
        for template in [self.old, self.new] {
            edges(template, reading);
        }
    }

    /// A replaced resource has a new physical name, which may replace what
    /// refers to it, and so on: repeated until nothing more is replaced.
    fn spread(&mut self, names: &BTreeSet<&str>, reading: &mut PlanReading) {
        let mut dependents: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for name in names {
            let uses = References::of(self.new.at("Resources").at(name));
            for used in uses.names {
                dependents.entry(used).or_default().push(name);
            }
        }
        let mut pending = names.clone();
        for _ in 0..MAX_ROUNDS {
            let replaced: Vec<&str> = pending
                .into_iter()
                .filter(|name| !self.shifted.contains(*name))
                .filter(|name| self.resource(name).is_some_and(|e| e.verb == Verb::Replace))
                .collect();
            if replaced.is_empty() {
                return;
            }
            self.shifted
                .extend(replaced.iter().map(|name| (*name).to_owned()));
            pending = replaced
                .iter()
                .flat_map(|name| dependents.get(*name).into_iter().flatten().copied())
                .collect();
        }
        reading.finding(
            FindingKind::Incomplete,
            None,
            format!("more than {MAX_ROUNDS} resources replace one another in a row; the rest was not followed"),
        );
    }

    fn effect(&self, verb: Verb, kind: &str, name: &str, what: &str) -> Effect {
        Effect {
            verb,
            kind: kind.to_owned(),
            object: name.to_owned(),
            environment: self.environment,
            state: StateLoss::None,
            reasons: Vec::new(),
            witness: format!("Resources.{name}: {what}"),
        }
    }

    fn resource(&self, name: &str) -> Option<Effect> {
        let sides = (
            self.old.at("Resources").get(name),
            self.new.at("Resources").get(name),
        );
        let kind = |r: &Value<'_>| r.at("Type").as_str().map(str::to_owned);
        let unread = |effect: Effect| {
            let mut effect = effect;
            effect.state = StateLoss::Unknown;
            effect
                .reasons
                .push("not a plain resource, such as a loop or an include".to_owned());
            Some(effect)
        };
        match sides {
            (None, None) => None,
            (None, Some(new)) => match kind(new) {
                Some(kind) => Some(self.effect(Verb::Create, &kind, name, "added")),
                None => unread(self.effect(Verb::Unknown, "resource", name, "added")),
            },
            (Some(old), None) => match kind(old) {
                Some(kind) => Some(self.removed(old, &kind, name)),
                None => unread(self.effect(Verb::Unknown, "resource", name, "removed")),
            },
            (Some(old), Some(new)) => match (kind(old), kind(new)) {
                (Some(a), Some(b)) => self.both(old, new, (&a, &b), name),
                _ if old.same_as(new) => None,
                _ => unread(self.effect(Verb::Unknown, "resource", name, "changed")),
            },
        }
    }

    fn removed(&self, old: &Value<'_>, kind: &str, name: &str) -> Effect {
        let mut effect = self.effect(Verb::Delete, kind, name, "removed");
        // "Snapshot is the default for AWS::RDS::DBCluster, and for
        // AWS::RDS::DBInstance without DBClusterIdentifier" (DeletionPolicy).
        let database = kind == "AWS::RDS::DBCluster"
            || (kind == "AWS::RDS::DBInstance"
                && old.path("Properties.DBClusterIdentifier").is_null());
        let default = if database {
            Policy::Snapshot
        } else {
            Policy::Delete
        };
        judge(
            &mut effect,
            old.at("Properties"),
            Policy::of(old.at("DeletionPolicy"), default),
        );
        effect
    }

    fn both(
        &self,
        old: &Value<'_>,
        new: &Value<'_>,
        kinds: (&str, &str),
        name: &str,
    ) -> Option<Effect> {
        let replace_policy = Policy::of(old.at("UpdateReplacePolicy"), Policy::Delete);
        if kinds.0 != kinds.1 {
            let mut effect = self.effect(Verb::Replace, kinds.0, name, "Type changed");
            effect.reasons.push(format!("becomes `{}`", kinds.1));
            judge(&mut effect, old.at("Properties"), replace_policy);
            return Some(effect);
        }
        if let Some(effect) = self.conditional(old, new, kinds.0, name) {
            return Some(effect);
        }
        let paths = self.changed_properties(old, new);
        let others = [
            "DeletionPolicy",
            "UpdateReplacePolicy",
            "UpdatePolicy",
            "CreationPolicy",
            "Metadata",
        ];
        let others: Vec<_> = others
            .iter()
            .filter(|a| !old.at(a).same_as(new.at(a)))
            .collect();
        if paths.is_empty() && others.is_empty() {
            return None;
        }
        let mut effect = self.effect(Verb::Update, kinds.0, name, "changed");
        let rules = spec::rules(kinds.0);
        let mut worst = Replacement::Never;
        for (path, certain) in &paths {
            let rule = rules.map_or(Replacement::Never, |rules| rules.of(path));
            worst = worst.max(match (rule, certain) {
                (Replacement::Always, false) => Replacement::Maybe,
                (rule, _) => rule,
            });
            effect.reasons.push(reason(path, rule, *certain));
        }
        effect
            .reasons
            .extend(others.iter().map(|a| format!("changes `{a}`")));
        // What a custom resource does with its new properties is its own affair.
        let custom =
            kinds.0.starts_with("Custom::") || kinds.0 == "AWS::CloudFormation::CustomResource";
        if worst > Replacement::Never {
            effect.verb = Verb::Replace;
            judge(&mut effect, old.at("Properties"), replace_policy);
        } else if rules.is_none() && !paths.is_empty() && !custom {
            effect.verb = Verb::Unknown;
            effect.state = StateLoss::Unknown;
            effect
                .reasons
                .push("no replacement rules are known for this type".to_owned());
        }
        Some(effect)
    }

    /// A resource whose condition is another one may come or go.
    fn conditional(
        &self,
        old: &Value<'_>,
        new: &Value<'_>,
        kind: &str,
        name: &str,
    ) -> Option<Effect> {
        let (before, after) = (old.at("Condition").as_str(), new.at("Condition").as_str());
        let moved = before != after || after.is_some_and(|c| self.conditions.contains(c));
        moved.then(|| {
            let mut effect = self.effect(Verb::Unknown, kind, name, "Condition changed");
            effect.state = StateLoss::Unknown;
            effect
                .reasons
                .push("its condition changed: it may be created or deleted".to_owned());
            effect
        })
    }

    /// Dotted paths of the properties that differ (true) or may differ because
    /// of what they refer to (false).
    fn changed_properties(&self, old: &Value<'_>, new: &Value<'_>) -> BTreeMap<String, bool> {
        let mut paths = BTreeMap::new();
        differ(old.at("Properties"), new.at("Properties"), "", &mut paths);
        for (name, value) in new.at("Properties").entries() {
            let uses = References::of(value);
            let shifted = !uses.names.is_disjoint(&self.shifted)
                || !uses.mappings.is_disjoint(&self.mappings)
                || !uses.conditions.is_disjoint(&self.conditions);
            if shifted && !paths.keys().any(|p| p.split('.').next() == Some(name)) {
                paths.insert(name.to_owned(), false);
            }
        }
        paths
    }

    fn weakened(&self, name: &str, effect: &Effect, reading: &mut PlanReading) {
        let side = |t: &'d Value<'a>| t.at("Resources").at(name);
        let (old, new) = (side(self.old), side(self.new));
        if new.is_null() || old.is_null() {
            return;
        }
        let kind = knowledge::kind(&effect.kind);
        let mut lost: Vec<&str> = kind
            .weakened(old.at("Properties"), new.at("Properties"))
            .map(knowledge::attribute)
            .collect();
        for attribute in ["DeletionPolicy", "UpdateReplacePolicy"] {
            let policy = |r: &Value<'_>| Policy::of(r.at(attribute), Policy::Delete);
            if matches!(policy(old), Policy::Retain | Policy::Snapshot)
                && matches!(policy(new), Policy::Delete | Policy::Unclear)
            {
                lost.push(attribute);
            }
        }
        for attribute in lost {
            let detail = format!("protection removed: `{attribute}`");
            reading.finding(FindingKind::ProtectionRemoved, Some(name), detail);
        }
    }

    /// Outputs are what other stacks import.
    fn outputs(&self, reading: &mut PlanReading) {
        let (old, new) = (self.old.at("Outputs"), self.new.at("Outputs"));
        let names: BTreeSet<&str> = [old, new]
            .iter()
            .flat_map(|o| o.entries().map(|(name, _)| name))
            .collect();
        for name in names {
            reading.changes_seen += 1;
            let verb = match (old.get(name), new.get(name)) {
                (None, _) => Verb::Create,
                (_, None) => Verb::Delete,
                (Some(a), Some(b)) if !a.same_as(b) => Verb::Update,
                _ => {
                    reading.unchanged += 1;
                    continue;
                }
            };
            let mut effect = self.effect(verb, "output", &format!("output.{name}"), "");
            effect.witness = format!("Outputs.{name}");
            reading.effects.push(effect);
        }
    }
}

fn reason(path: &str, rule: Replacement, certain: bool) -> String {
    let verb = if certain { "changes" } else { "may change" };
    let what = match rule {
        Replacement::Always => ", which recreates it",
        Replacement::Maybe => ", which may recreate it",
        Replacement::Never => "",
    };
    format!("{verb} `{path}`{what}")
}

/// The dotted paths, without array indices, at which two values differ.
fn differ(old: &Value<'_>, new: &Value<'_>, path: &str, found: &mut BTreeMap<String, bool>) {
    if old.same_as(new) {
        return;
    }
    match (old, new) {
        (Value::Object(a), Value::Object(b)) if !is_function(old) && !is_function(new) => {
            let names: BTreeSet<&str> = a.iter().chain(b.iter()).map(|(name, _)| name).collect();
            for name in names {
                let deeper = if path.is_empty() {
                    name.to_owned()
                } else {
                    format!("{path}.{name}")
                };
                differ(old.at(name), new.at(name), &deeper, found);
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (a, b) in a.iter().zip(b) {
                differ(a, b, path, found);
            }
        }
        _ if path.is_empty() => {
            // `Properties` came or went as a whole.
            for (name, _) in old.entries().chain(new.entries()) {
                found.insert(name.to_owned(), true);
            }
        }
        _ => {
            found.insert(path.to_owned(), true);
        }
    }
}

/// An intrinsic function: an object with a single key `Ref` or `Fn::…`.
fn is_function(value: &Value<'_>) -> bool {
    value.as_object().is_some_and(|o| o.len() == 1)
        && value
            .entries()
            .any(|(key, _)| key == "Ref" || key.starts_with("Fn::"))
}

/// References between the resources of a template.
fn edges(template: &Value<'_>, reading: &mut PlanReading) {
    let resources = template.at("Resources");
    for (name, resource) in resources.entries() {
        for to in References::of(resource).names {
            if to != name && resources.get(&to).is_some() {
                reading.edges.push(Edge {
                    from: name.to_owned(),
                    to,
                });
            }
        }
    }
}
