//! `poetry.lock`, `uv.lock`, `requirements*.txt` and `pyproject.toml`.
//!
//! Formats: <https://python-poetry.org/docs/basic-usage/>,
//! <https://docs.astral.sh/uv/concepts/projects/layout/#the-lockfile>,
//! <https://pip.pypa.io/en/stable/reference/requirements-file-format/>,
//! <https://packaging.python.org/en/latest/specifications/pyproject-toml/>.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use toml::{Table, Value};

use super::{Lock, Manifest, Member};
use crate::problem::{Problem, Source};

#[derive(Deserialize)]
struct RawLock {
    #[serde(default)]
    package: Vec<Table>,
}

/// Names compare as in the index: `Foo_Bar` is `foo-bar` (PEP 503).
fn normal(name: &str) -> String {
    let mut normal = String::with_capacity(name.len());
    for c in name.trim().chars() {
        match c {
            '-' | '_' | '.' if normal.ends_with('-') => {}
            '-' | '_' | '.' => normal.push('-'),
            c => normal.push(c.to_ascii_lowercase()),
        }
    }
    normal
}

fn text<'v>(table: &'v Table, key: &str) -> &'v str {
    table.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// Everything in a package's entry except what it needs.
fn pin(package: &Table) -> String {
    let keys = ["source", "files", "sdist", "wheels", "content-hash"];
    let values = keys.iter().filter_map(|key| package.get(*key));
    let texts: Vec<String> = values.map(Value::to_string).collect();
    texts.join(" ")
}

pub(super) fn poetry(source: Source<'_>) -> Result<Lock, Problem> {
    let raw: RawLock = source.toml()?;
    let mut lock = Lock::default();
    for package in &raw.package {
        let needs = package.get("dependencies").and_then(Value::as_table);
        let needs = needs.into_iter().flatten().map(|(name, _)| normal(name));
        let name = normal(text(package, "name"));
        lock.add(
            name,
            text(package, "version"),
            pin(package),
            needs.collect(),
        );
    }
    Ok(lock)
}

pub(super) fn uv(source: Source<'_>) -> Result<Lock, Problem> {
    let raw: RawLock = source.toml()?;
    let mut lock = Lock::default();
    for package in &raw.package {
        let mut needs = BTreeSet::new();
        names(package.get("dependencies"), &mut needs);
        for key in ["optional-dependencies", "dev-dependencies"] {
            let groups = package.get(key).and_then(Value::as_table);
            for (_, group) in groups.into_iter().flatten() {
                names(Some(group), &mut needs);
            }
        }
        let name = normal(text(package, "name"));
        let origin = package.get("source").and_then(Value::as_table);
        let member = ["editable", "virtual", "directory"]
            .into_iter()
            .find_map(|key| origin?.get(key)?.as_str());
        match member {
            Some(folder) => {
                let folder = if folder == "." { "" } else { folder };
                let at = super::join(folder.trim_start_matches("./"), "pyproject.toml");
                lock.packages
                    .entry(name)
                    .or_default()
                    .needs
                    .extend(needs.clone());
                lock.members.insert(at, Member { needs });
            }
            None => lock.add(name, text(package, "version"), pin(package), needs),
        }
    }
    Ok(lock)
}

fn names(list: Option<&Value>, into: &mut BTreeSet<String>) {
    let list = list.and_then(Value::as_array).into_iter().flatten();
    into.extend(list.filter_map(|need| Some(normal(need.get("name")?.as_str()?))));
}

/// One pinned package a line; options and nested files pin nothing by name.
pub(super) fn requirements(source: Source<'_>) -> Lock {
    let mut lock = Lock::default();
    let joined = source.text.replace("\\\r\n", " ").replace("\\\n", " ");
    for line in joined.lines() {
        let line = match line.split_once(" #") {
            Some((line, _)) => line.trim(),
            None => line.trim(),
        };
        if line.starts_with('#') || line.is_empty() {
            continue;
        }
        let name = requirement(line);
        // An option (`-r base.txt`) is compared as a whole line.
        let name = if name.is_empty() { line } else { name };
        let rest = line.strip_prefix(name).unwrap_or_default();
        let version = rest.trim().strip_prefix("==").unwrap_or_default();
        let version = version.split([' ', ';', ',']).next().unwrap_or_default();
        lock.add(normal(name), version, rest.to_owned(), BTreeSet::new());
    }
    lock
}

/// The name that a requirement begins with.
fn requirement(text: &str) -> &str {
    if text.starts_with('-') {
        return "";
    }
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')));
    text.get(..end.unwrap_or(text.len())).unwrap_or_default()
}

#[derive(Deserialize)]
struct RawManifest {
    #[serde(default)]
    project: Option<RawProject>,
    #[serde(default, rename = "dependency-groups")]
    groups: BTreeMap<String, Vec<Value>>,
    #[serde(default)]
    tool: Table,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct RawProject {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    dependencies: Vec<String>,
    #[serde(default)]
    optional_dependencies: BTreeMap<String, Vec<String>>,
}

pub(super) fn manifest(source: Source<'_>) -> Result<Manifest, Problem> {
    let raw: RawManifest = source.toml()?;
    let mut needs = BTreeSet::new();
    let mut name = None;
    if let Some(project) = raw.project {
        let optional = project.optional_dependencies.values().flatten();
        let all = project.dependencies.iter().chain(optional);
        needs.extend(all.map(|text| normal(requirement(text))));
        name = project.name.map(|name| normal(&name));
    }
    let grouped = raw.groups.values().flatten().filter_map(Value::as_str);
    needs.extend(grouped.map(|text| normal(requirement(text))));
    if let Some(poetry) = raw.tool.get("poetry").and_then(Value::as_table) {
        poetry_needs(poetry, &mut needs);
        let groups = poetry.get("group").and_then(Value::as_table);
        for (_, group) in groups.into_iter().flatten() {
            if let Some(group) = group.as_table() {
                poetry_needs(group, &mut needs);
            }
        }
    }
    Ok(Manifest { name, needs })
}

fn poetry_needs(table: &Table, needs: &mut BTreeSet<String>) {
    for key in ["dependencies", "dev-dependencies"] {
        let listed = table.get(key).and_then(Value::as_table);
        let listed = listed.into_iter().flatten();
        needs.extend(listed.map(|(name, _)| normal(name)));
    }
}
