//! The prior state inside a plan, and whether it is the state it should be.
//!
//! A plan from an old copy of the state deletes what was made since. The plan
//! JSON holds the resources of the state and neither its lineage nor its
//! serial; those are in the binary plan and in the state itself.

use std::collections::{BTreeMap, BTreeSet};

use super::address::resource_address;
use crate::backups::{Links, takes_away};
use crate::document::{ReadError, Value, decode, parse_json};
use crate::knowledge::{self, Role};
use crate::reading::{Edge, Finding, FindingKind, PlanReading, StateIdentity, fingerprint};

/// Attributes that say which one an object is; a backup refers to its origin by
/// one of them.
const IDENTIFIERS: [&str; 7] = [
    "id",
    "arn",
    "identifier",
    "self_link",
    "cluster_identifier",
    "name",
    "bucket",
];

/// One resource instance of a state or of planned values.
pub(super) struct Resource<'v, 'a> {
    pub(super) address: &'v str,
    pub(super) kind: &'v str,
    managed: bool,
    values: &'v Value<'a>,
    depends_on: &'v [Value<'a>],
}

/// All resources of a module and those below it.
pub(super) fn resources<'v, 'a>(module: &'v Value<'a>) -> Vec<Resource<'v, 'a>> {
    let mut found = Vec::new();
    gather(module, &mut found);
    found
}

fn gather<'v, 'a>(module: &'v Value<'a>, found: &mut Vec<Resource<'v, 'a>>) {
    for item in module.at("resources").items() {
        let Some(address) = item.at("address").as_str() else {
            continue;
        };
        found.push(Resource {
            address,
            kind: item.at("type").as_str().unwrap_or("resource"),
            managed: item.at("mode").as_str() != Some("data"),
            values: item.at("values"),
            depends_on: item.at("depends_on").items(),
        });
    }
    for child in module.at("child_modules").items() {
        gather(child, found);
    }
}

/// What the resources tell about the state: how many, and a digest of which.
pub(super) fn identify(resources: &[Resource<'_, '_>]) -> StateIdentity {
    let addresses = resources.iter().filter(|r| r.managed).map(|r| r.address);
    let (digest, count) = digest(addresses);
    StateIdentity {
        lineage: None,
        serial: None,
        digest: Some(digest),
        resources: Some(count),
    }
}

fn digest<'s>(addresses: impl Iterator<Item = &'s str>) -> (String, usize) {
    let sorted: BTreeSet<&str> = addresses.collect();
    let lines: String = sorted.iter().flat_map(|a| [a, "\n"]).collect();
    (fingerprint(lines.as_bytes()), sorted.len())
}

pub(super) fn edges(resources: &[Resource<'_, '_>]) -> Vec<Edge> {
    resources
        .iter()
        .flat_map(|resource| {
            let from = resource_address(resource.address);
            resource
                .depends_on
                .iter()
                .filter_map(Value::as_str)
                .map(move |to| Edge {
                    from: from.clone(),
                    to: resource_address(to),
                })
        })
        .filter(|edge| edge.from != edge.to)
        .collect()
}

/// The identity of a state file (version 4, what `terraform state pull` prints).
///
/// # Errors
/// A [`ReadError`] when the bytes are not such a state.
pub fn state_identity(bytes: &[u8]) -> Result<StateIdentity, ReadError> {
    let text = decode(bytes)?;
    let state = parse_json(&text)?;
    if state.at("version").as_i64() != Some(4) || state.get("resources").is_none() {
        return Err(ReadError::UnknownFormat {
            hint: "expected a Terraform state of version 4, as `terraform state pull` prints it"
                .to_owned(),
        });
    }
    let mut addresses = Vec::new();
    for resource in state.at("resources").items() {
        if resource.at("mode").as_str() != Some("managed") {
            continue;
        }
        let module = resource.at("module").as_str();
        let kind = resource.at("type").as_str().unwrap_or_default();
        let name = resource.at("name").as_str().unwrap_or_default();
        let prefix = module.map(|m| format!("{m}.")).unwrap_or_default();
        for instance in resource.at("instances").items() {
            let key = match instance.at("index_key") {
                Value::String(key) => format!("[\"{key}\"]"),
                Value::Number(key) => format!("[{key}]"),
                _ => String::new(),
            };
            addresses.push(format!("{prefix}{kind}.{name}{key}"));
        }
    }
    let (digest, count) = digest(addresses.iter().map(String::as_str));
    Ok(StateIdentity {
        lineage: state.at("lineage").as_str().map(str::to_owned),
        serial: state
            .at("serial")
            .as_i64()
            .and_then(|s| u64::try_from(s).ok()),
        digest: Some(digest),
        resources: Some(count),
    })
}

/// What is wrong with a plan made from `found` where the last known state is
/// `recorded`. Only what both tell is compared; nothing wrong gives no finding.
#[must_use]
pub fn compare(recorded: &StateIdentity, found: &StateIdentity) -> Vec<Finding> {
    let finding = |kind, detail| {
        vec![Finding {
            kind,
            object: None,
            detail,
        }]
    };
    if let (Some(a), Some(b)) = (&recorded.lineage, &found.lineage)
        && a != b
    {
        return finding(
            FindingKind::DifferentState,
            format!("the plan is from the state with lineage `{b}`, the recorded state has `{a}`"),
        );
    }
    match (recorded.serial, found.serial) {
        (Some(a), Some(b)) if b < a => {
            return finding(
                FindingKind::StaleState,
                format!(
                    "the plan is from serial {b} of the state, {} behind the recorded {a}",
                    a - b
                ),
            );
        }
        // A later state may hold other resources.
        (Some(a), Some(b)) if b > a => return Vec::new(),
        _ => {}
    }
    match (&recorded.digest, &found.digest) {
        (Some(a), Some(b)) if a != b => finding(
            FindingKind::DifferentState,
            format!(
                "the plan's prior state holds {}, the recorded state {}, and they are not the same ones",
                count(found.resources),
                count(recorded.resources)
            ),
        ),
        _ => Vec::new(),
    }
}

fn count(resources: Option<usize>) -> String {
    match resources {
        Some(1) => "1 resource".to_owned(),
        Some(n) => format!("{n} resources"),
        None => "an unknown number of resources".to_owned(),
    }
}

/// Which backups (in the plan or in the prior state) belong to which object that
/// the plan takes away: by dependency, or because the backup holds the object's
/// identifier.
pub(super) fn backup_links(
    changes: &[Value<'_>],
    prior: &[Resource<'_, '_>],
    reading: &PlanReading,
) -> Links {
    let mut links = Links::default();
    let mut by_address: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    let gone: BTreeSet<&str> = reading
        .effects
        .iter()
        .filter(|e| takes_away(e) && knowledge::kind(&e.kind).role != Role::Backup)
        .map(|e| e.object.as_str())
        .collect();
    for object in &gone {
        by_address
            .entry(resource_address(object))
            .or_default()
            .push(object);
    }
    let before = |item: &Value<'_>| item.path("change.before").as_object().is_some();
    let in_plan = changes
        .iter()
        .filter(|item| before(item))
        .map(|item| Known {
            address: item.at("address").as_str().unwrap_or_default(),
            kind: item.at("type").as_str().unwrap_or_default(),
            values: item.path("change.before"),
        });
    let in_state = prior.iter().filter(|r| r.managed).map(|r| Known {
        address: r.address,
        kind: r.kind,
        values: r.values,
    });
    let all: Vec<_> = in_plan.chain(in_state).collect();
    let mut owners: BTreeMap<&str, &str> = BTreeMap::new();
    for known in all.iter().filter(|k| gone.contains(k.address)) {
        for value in IDENTIFIERS
            .iter()
            .filter_map(|i| known.values.at(i).as_str())
        {
            owners.insert(value, known.address);
        }
    }
    for backup in all
        .iter()
        .filter(|k| knowledge::kind(k.kind).role == Role::Backup)
    {
        for (_, value) in backup.values.entries() {
            if let Some(owner) = value.as_str().and_then(|v| owners.get(v)) {
                links.add(owner, backup.address);
            }
        }
        let plain = resource_address(backup.address);
        for edge in reading.edges.iter().filter(|e| e.from == plain) {
            for object in by_address.get(&edge.to).into_iter().flatten() {
                links.add(object, backup.address);
            }
        }
    }
    links
}

struct Known<'v, 'a> {
    address: &'v str,
    kind: &'v str,
    values: &'v Value<'a>,
}
