//! Change sets: the output of `aws cloudformation describe-change-set`.
//!
//! Fields as in the service model of botocore 1.44 (Apache-2.0),
//! `DescribeChangeSetOutput`. Several pages, and the change sets of nested
//! stacks, are read together.

use std::collections::BTreeSet;

use countersign_core::effect::{Effect, Environment, StateLoss, Verb};

use super::policy::{Policy, judge};
use crate::document::{ReadError, Value, decode, parse_json};
use crate::environment;
use crate::knowledge;
use crate::reading::{
    Edge, EnvironmentHint, FindingKind, Format, IMPORTED, PlanReading, fingerprint, fingerprint_all,
};

/// Most changed properties named in the reasons of one effect.
const NAMED_DETAILS: usize = 12;

/// Whether a JSON value is a change set, or a list of its pages.
#[must_use]
pub fn looks_like(value: &Value<'_>) -> bool {
    let page = value.items().first().unwrap_or(value);
    page.get("Changes").is_some()
        && ["ChangeSetName", "ChangeSetId", "StackName", "StackId"]
            .iter()
            .any(|key| page.get(key).is_some())
}

/// Reads the pages of a change set and the change sets of its nested stacks:
/// each file holds one page, or a JSON array of pages.
///
/// # Errors
/// A [`ReadError`] when a file is not such a page.
pub fn read(files: &[(&str, &[u8])], environment: Environment) -> Result<PlanReading, ReadError> {
    let sha256 = match files {
        [(_, only)] => fingerprint(only),
        _ => fingerprint_all(files.iter().copied()),
    };
    let mut texts = Vec::with_capacity(files.len());
    for (_, bytes) in files {
        texts.push(decode(bytes)?);
    }
    let mut values = Vec::with_capacity(texts.len());
    for text in &texts {
        values.push(parse_json(text)?);
    }
    let mut reading = PlanReading::new(Format::CloudFormationChangeSet, sha256);
    let pages: Vec<&Value<'_>> = values
        .iter()
        .flat_map(|value| match value {
            Value::Array(pages) => pages.iter().collect(),
            page => vec![page],
        })
        .collect();
    let given: BTreeSet<&str> = pages
        .iter()
        .filter_map(|p| p.at("ChangeSetId").as_str())
        .collect();
    for (i, page) in pages.iter().enumerate() {
        if !looks_like(page) {
            return Err(ReadError::UnknownFormat {
                hint: "expected the output of `aws cloudformation describe-change-set`, with `Changes` and `StackName`".to_owned(),
            });
        }
        read_page(page, i, environment, &given, &mut reading)?;
    }
    pages_missing(&pages, &mut reading);
    Ok(reading.finish())
}

/// The last page of each change set has no `NextToken`.
fn pages_missing(pages: &[&Value<'_>], reading: &mut PlanReading) {
    let more = pages
        .iter()
        .filter(|p| !p.at("NextToken").is_null())
        .count();
    let sets: BTreeSet<_> = pages.iter().map(|p| p.at("ChangeSetId").as_str()).collect();
    if more + sets.len() > pages.len() {
        reading.finding(
            FindingKind::Incomplete,
            None,
            "the change set has more pages (`NextToken`); give all of them",
        );
    }
}

fn read_page(
    page: &Value<'_>,
    number: usize,
    environment: Environment,
    given: &BTreeSet<&str>,
    reading: &mut PlanReading,
) -> Result<(), ReadError> {
    let changes = match page.at("Changes") {
        Value::Null => &[],
        Value::Array(changes) => changes.as_slice(),
        other => {
            return Err(ReadError::Shape {
                path: "Changes".to_owned(),
                expected: "an array",
                found: other.kind(),
            });
        }
    };
    let stack = page.at("StackName").as_str().unwrap_or_default();
    let hinted = environment::named(stack);
    if reading.environment_hint.is_none() && hinted != Environment::Unknown {
        reading.environment_hint = Some(EnvironmentHint {
            environment: hinted,
            witness: "StackName".to_owned(),
        });
    }
    if page.at("Status").as_str() == Some("FAILED") {
        reading.finding(
            FindingKind::Errored,
            None,
            "the change set could not be made",
        );
    }
    let execution = page.at("ExecutionStatus").as_str();
    if execution.is_some_and(|status| status != "AVAILABLE") {
        reading.finding(
            FindingKind::NotApplyable,
            None,
            "the change set cannot be executed now",
        );
    }
    for (i, change) in changes.iter().enumerate() {
        let path = format!("page {number}: Changes[{i}]");
        let reader = Reader {
            stack,
            environment,
            given,
        };
        reader.change(change, &path, reading);
    }
    Ok(())
}

struct Reader<'r> {
    stack: &'r str,
    environment: Environment,
    given: &'r BTreeSet<&'r str>,
}

impl Reader<'_> {
    /// Names are only unique inside one stack.
    fn object(&self, logical: &str) -> String {
        format!("{}/{logical}", self.stack)
    }

    fn change(&self, change: &Value<'_>, path: &str, reading: &mut PlanReading) {
        reading.changes_seen += 1;
        let resource = change.at("ResourceChange");
        let action = resource.at("Action").as_str().unwrap_or_default();
        let replacement = resource.at("Replacement").as_str();
        let object = self.object(resource.at("LogicalResourceId").as_str().unwrap_or(path));
        let mut effect = Effect {
            verb: Verb::Unknown,
            kind: resource
                .at("ResourceType")
                .as_str()
                .unwrap_or("resource")
                .to_owned(),
            object,
            environment: self.environment,
            state: StateLoss::None,
            reasons: Vec::new(),
            witness: match replacement {
                Some(r) => format!("{path}: Action = {action:.20}, Replacement = {r:.20}"),
                None => format!("{path}: Action = {action:.20}"),
            },
        };
        self.edges(resource, &effect.object, reading);
        match action {
            "Add" => effect.verb = Verb::Create,
            "Remove" => {
                effect.verb = Verb::Delete;
                self.goes(resource, &mut effect);
            }
            "Modify" => self.modify(resource, &mut effect, reading),
            "Import" => {
                return reading.unchanged_but(FindingKind::Imported, &effect.object, IMPORTED);
            }
            "SyncWithActual" => {
                let what = "was changed outside of the stack; the stack takes it over as it is";
                return reading.unchanged_but(FindingKind::Drift, &effect.object, what);
            }
            _ => {
                effect.state = StateLoss::Unknown;
                effect
                    .reasons
                    .push("the action is only known once the change set runs".to_owned());
            }
        }
        self.nested(resource, action, &mut effect, reading);
        reading.effects.push(effect);
    }

    fn modify(&self, resource: &Value<'_>, effect: &mut Effect, reading: &mut PlanReading) {
        let worst = resource
            .at("Details")
            .items()
            .iter()
            .filter_map(|d| d.path("Target.RequiresRecreation").as_str())
            .max_by_key(|word| match *word {
                "Always" => 2,
                "Conditionally" => 1,
                _ => 0,
            });
        let replaces = match (resource.at("Replacement").as_str(), worst) {
            (Some("True"), _) | (None, Some("Always")) => Some("replaced"),
            (Some("Conditional"), _) | (None, Some("Conditionally")) => {
                Some("may be replaced: it depends on values only known when it runs")
            }
            _ => None,
        };
        effect.reasons.extend(details(resource));
        match replaces {
            Some(why) => {
                effect.verb = Verb::Replace;
                effect.reasons.push(why.to_owned());
                self.goes(resource, effect);
            }
            None => effect.verb = Verb::Update,
        }
        weakened(resource, effect, reading);
    }

    /// State of a resource that is removed or replaced.
    fn goes(&self, resource: &Value<'_>, effect: &mut Effect) {
        let policy = match resource.at("PolicyAction").as_str() {
            Some("Delete" | "ReplaceAndDelete") => Policy::Delete,
            Some("Retain" | "ReplaceAndRetain") => Policy::Retain,
            Some("Snapshot" | "ReplaceAndSnapshot") => Policy::Snapshot,
            _ => Policy::Unclear,
        };
        let text = resource.at("BeforeContext").as_str().unwrap_or("{}");
        let before = parse_json(text).unwrap_or(Value::Null);
        judge(effect, before.at("Properties"), policy);
    }

    /// A nested stack whose own change set is not at hand could do anything.
    fn nested(
        &self,
        resource: &Value<'_>,
        action: &str,
        effect: &mut Effect,
        reading: &mut PlanReading,
    ) {
        let inner = resource.at("ChangeSetId").as_str();
        let stack = effect.kind == "AWS::CloudFormation::Stack";
        if !stack || action != "Modify" || inner.is_some_and(|id| self.given.contains(id)) {
            return;
        }
        effect.verb = Verb::Unknown;
        effect.state = StateLoss::Unknown;
        effect
            .reasons
            .push("the change set of the nested stack was not given".to_owned());
        reading.finding(
            FindingKind::Incomplete,
            Some(&effect.object),
            "the change set of this nested stack was not given; make it with `--include-nested-stacks` and describe it too",
        );
    }

    /// `CausingEntity` of a reference: `LogicalId` or `LogicalId.Attribute`.
    fn edges(&self, resource: &Value<'_>, from: &str, reading: &mut PlanReading) {
        for detail in resource.at("Details").items() {
            let source = detail.at("ChangeSource").as_str();
            let cause = detail.at("CausingEntity").as_str();
            if let (Some("ResourceReference" | "ResourceAttribute"), Some(cause)) = (source, cause)
            {
                let logical = cause.split('.').next().unwrap_or(cause);
                reading.edges.push(Edge {
                    from: from.to_owned(),
                    to: self.object(logical),
                });
            }
        }
    }
}

/// What changes, by name only: `BeforeValue` and `AfterValue` may be secret.
fn details(resource: &Value<'_>) -> Vec<String> {
    let mut found = BTreeSet::new();
    for detail in resource.at("Details").items() {
        let target = detail.at("Target");
        let name = target
            .at("Name")
            .as_str()
            .or_else(|| target.at("Attribute").as_str())
            .unwrap_or("?");
        let dynamic = detail.at("Evaluation").as_str() == Some("Dynamic");
        let recreates = match target.at("RequiresRecreation").as_str() {
            Some("Always") if dynamic => " (recreates it, if its new value differs)",
            Some("Always") => " (recreates it)",
            Some("Conditionally") => " (may recreate it)",
            _ => "",
        };
        found.insert(format!("changes `{name}`{recreates}"));
    }
    found.into_iter().take(NAMED_DETAILS).collect()
}

fn weakened(resource: &Value<'_>, effect: &mut Effect, reading: &mut PlanReading) {
    let context = |key: &str| {
        let text = resource.at(key).as_str().unwrap_or("{}");
        parse_json(text).unwrap_or(Value::Null)
    };
    let (before, after) = (context("BeforeContext"), context("AfterContext"));
    let mut lost: Vec<String> = Vec::new();
    if !after.at("Properties").is_null() {
        lost.extend(
            knowledge::kind(&effect.kind)
                .weakened(before.at("Properties"), after.at("Properties"))
                .map(|c| knowledge::attribute(c).to_owned()),
        );
    }
    for detail in resource.at("Details").items() {
        let target = detail.at("Target");
        let attribute = target.at("Attribute").as_str().unwrap_or_default();
        let policy = |key: &str| Policy::of(target.at(key), Policy::Unclear);
        let safe = matches!(policy("BeforeValue"), Policy::Retain | Policy::Snapshot);
        if matches!(attribute, "DeletionPolicy" | "UpdateReplacePolicy")
            && safe
            && policy("AfterValue") == Policy::Delete
        {
            lost.push(attribute.to_owned());
        }
    }
    for attribute in lost {
        let detail = format!("protection removed: `{attribute}`");
        effect.reasons.push(detail.clone());
        reading.finding(FindingKind::ProtectionRemoved, Some(&effect.object), detail);
    }
}
