//! Terraform and OpenTofu plans: the JSON of `terraform show -json PLAN`.
//!
//! Format 0.1 to 1.x, as described in "JSON Output Format" of the Terraform
//! documentation and by the types of `hashicorp/terraform-json` (MPL-2.0).
//! Values, sensitive or not, are compared and never kept.

mod address;
mod binary;
mod change;
mod configuration;
mod state;

use countersign_core::effect::{Effect, Environment, StateLoss, Verb};

use crate::backups;
use crate::document::{ReadError, Value, decode, parse_json_prefix};
use crate::environment;
use crate::reading::{EnvironmentHint, FindingKind, Format, PlanReading, fingerprint};

pub use address::resource_address;
pub use binary::{is_binary_plan, state_in_binary_plan};
pub use state::{compare, state_identity};

/// Most in-plan dependencies kept. Beyond this, the first ones in the order of
/// the input are kept and a finding says so.
const MAX_EDGES: usize = 200_000;

/// Reads a plan in JSON. `environment` is where it would be applied.
///
/// # Errors
/// A [`ReadError`] for anything that is not one plan: other text, a state, a
/// binary plan, a later major version of the format.
pub fn read(bytes: &[u8], environment: Environment) -> Result<PlanReading, ReadError> {
    if is_binary_plan(bytes) {
        return Err(ReadError::Unsupported {
            what: "this is a binary plan file".to_owned(),
            advice: "turn it into JSON with `terraform show -json FILE` or `tofu show -json FILE`"
                .to_owned(),
        });
    }
    let text = decode(bytes)?;
    let (plan, surrounded) = unwrap(&text)?;
    let mut reading = PlanReading::new(Format::TerraformPlan, fingerprint(bytes));
    if surrounded {
        reading.finding(
            FindingKind::Skipped,
            None,
            "the file holds text around the plan, as the wrapper of setup-terraform writes it; only the plan was read",
        );
    }
    read_plan(&plan, environment, reading)
}

/// Whether a JSON value looks like a plan, or like something a plan reader
/// should explain.
pub(crate) fn looks_like(value: &Value<'_>) -> bool {
    ["resource_changes", "planned_values", "terraform_version"]
        .iter()
        .any(|key| value.get(key).is_some())
}

/// The plan in `text`, and whether there was other text around it.
///
/// The GitHub action setup-terraform prints the command before the JSON and
/// workflow commands (`::debug::…`) behind it.
fn unwrap(text: &str) -> Result<(Value<'_>, bool), ReadError> {
    let first = text.trim_start();
    let start = if first.starts_with('{') {
        text.len() - first.len()
    } else {
        match text.match_indices("\n{").next() {
            Some((at, _)) => at + 1,
            None => 0,
        }
    };
    let (value, end) = parse_json_prefix(text, start)?;
    let rest = text.get(end..).unwrap_or_default().trim();
    let commands = rest
        .lines()
        .all(|line| line.starts_with("::") || line.trim().is_empty());
    if commands {
        return Ok((
            value,
            start > 0 && !rest.is_empty() || !first.starts_with('{'),
        ));
    }
    let line = 1 + text
        .get(..end)
        .unwrap_or_default()
        .bytes()
        .filter(|b| *b == b'\n')
        .count();
    Err(ReadError::Syntax {
        line,
        column: 1,
        what: "more text follows the plan; expected one JSON value".to_owned(),
    })
}

fn read_plan(
    plan: &Value<'_>,
    environment: Environment,
    mut reading: PlanReading,
) -> Result<PlanReading, ReadError> {
    check(plan)?;
    reading.format_version = plan.at("format_version").as_str().map(str::to_owned);
    reading.tool_version = plan.at("terraform_version").as_str().map(str::to_owned);
    reading.environment_hint = hint(plan.at("variables"));
    flags(plan, &mut reading);

    let changes = list(plan, "resource_changes")?;
    if plan.at("resource_changes").is_null() {
        planned_only(plan, environment, &mut reading);
    }
    for (i, item) in changes.iter().enumerate() {
        let path = format!("resource_changes[{i}]");
        change::resource(item, &path, environment, &mut reading);
    }
    for (i, item) in list(plan, "deferred_changes")?.iter().enumerate() {
        let path = format!("deferred_changes[{i}].resource_change");
        change::deferred(item, &path, environment, &mut reading);
    }
    for section in ["action_invocations", "deferred_action_invocations"] {
        for (i, item) in list(plan, section)?.iter().enumerate() {
            // A deferred invocation wraps the invocation with its reason.
            let inner = item.get("action_invocation").unwrap_or(item);
            change::action(inner, &format!("{section}[{i}]"), environment, &mut reading);
        }
    }
    change::outputs(plan.at("output_changes"), environment, &mut reading);
    for item in list(plan, "resource_drift")? {
        change::drift(item, &mut reading);
    }

    let prior = state::resources(plan.path("prior_state.values.root_module"));
    reading.state = state::identify(&prior);
    reading.edges = configuration::edges(plan.at("configuration"));
    reading.edges.extend(state::edges(&prior));
    if reading.edges.len() > MAX_EDGES {
        reading.edges.truncate(MAX_EDGES);
        reading.finding(
            FindingKind::Skipped,
            None,
            format!("more than {MAX_EDGES} dependencies in the plan; the rest was not read"),
        );
    }
    let links = state::backup_links(changes, &prior, &reading);
    backups::settle(&mut reading, &links);
    Ok(reading.finish())
}

/// Refuses what is not a plan that can be judged.
fn check(plan: &Value<'_>) -> Result<(), ReadError> {
    if plan.as_object().is_none() {
        return Err(ReadError::Shape {
            path: "plan".to_owned(),
            expected: "an object",
            found: plan.kind(),
        });
    }
    let is_state = plan.get("lineage").is_some()
        || (plan.get("values").is_some() && plan.get("planned_values").is_none());
    if is_state {
        return Err(ReadError::Unsupported {
            what: "this is a Terraform state, not a plan".to_owned(),
            advice:
                "make a plan with `terraform plan -out=FILE` and read `terraform show -json FILE`"
                    .to_owned(),
        });
    }
    if !looks_like(plan) && plan.get("format_version").is_none() {
        return Err(ReadError::UnknownFormat {
            hint: "the JSON has no `format_version`, `resource_changes` or `planned_values`; expected the output of `terraform show -json PLAN`".to_owned(),
        });
    }
    let version = plan.at("format_version");
    let major = version.as_str().unwrap_or("1.0").split('.').next();
    match major.and_then(|m| m.parse::<u32>().ok()) {
        Some(0 | 1) => Ok(()),
        _ => Err(ReadError::Unsupported {
            what: format!(
                "plan format version `{}` is not known",
                version.scalar().unwrap_or_default()
            ),
            advice: "versions 0.1 to 1.x are read".to_owned(),
        }),
    }
}

/// A list that may be missing or null, as Terraform writes empty ones.
fn list<'v, 'a>(plan: &'v Value<'a>, key: &str) -> Result<&'v [Value<'a>], ReadError> {
    match plan.at(key) {
        Value::Null => Ok(&[]),
        Value::Array(items) => Ok(items),
        other => Err(ReadError::Shape {
            path: key.to_owned(),
            expected: "an array",
            found: other.kind(),
        }),
    }
}

fn flags(plan: &Value<'_>, reading: &mut PlanReading) {
    if plan.at("complete").as_bool() == Some(false) {
        reading.finding(
            FindingKind::Incomplete,
            None,
            "the plan says it is not complete: it was made with `-target`, or changes are put off",
        );
    }
    if plan.at("errored").as_bool() == Some(true) {
        reading.finding(
            FindingKind::Errored,
            None,
            "planning ended in an error; the plan is only a part",
        );
    }
    if plan.at("applyable").as_bool() == Some(false) {
        reading.finding(
            FindingKind::NotApplyable,
            None,
            "the tool would not apply this plan",
        );
    }
}

/// A plan without `resource_changes` but with planned resources says what there
/// will be and not what happens on the way, so each of them is unknown.
fn planned_only(plan: &Value<'_>, environment: Environment, reading: &mut PlanReading) {
    let planned = state::resources(plan.path("planned_values.root_module"));
    if planned.is_empty() {
        return;
    }
    reading.finding(
        FindingKind::Incomplete,
        None,
        "the file has planned values and no `resource_changes`: what happens to them cannot be told",
    );
    for resource in planned {
        reading.changes_seen += 1;
        reading.effects.push(Effect {
            verb: Verb::Unknown,
            kind: resource.kind.to_owned(),
            object: resource.address.to_owned(),
            environment,
            state: StateLoss::Unknown,
            reasons: vec!["planned values only".to_owned()],
            witness: "planned_values without resource_changes".to_owned(),
        });
    }
}

/// The environment a variable such as `environment` or `stage` names.
fn hint(variables: &Value<'_>) -> Option<EnvironmentHint> {
    ["environment", "env", "stage", "workspace"]
        .iter()
        .find_map(|name| {
            let value = variables.at(name).at("value").as_str()?;
            let found = environment::named(value);
            (found != Environment::Unknown).then(|| EnvironmentHint {
                environment: found,
                witness: format!("variables.{name}"),
            })
        })
}
