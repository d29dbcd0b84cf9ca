//! Kubernetes manifests and CloudFormation templates that a merge changes: what
//! is applied with pruning takes away what a merge deletes.

use countersign_core::effect::Environment;
use countersign_effects::document::{Value, decode, parse_json, parse_yaml};
use countersign_effects::{cloudformation, kubernetes};
use countersign_git::{FileChange, GitError, Oid, Repo};

use crate::collect_applied::{Applied, MAX_FILES, has_ending};
use crate::error::CliResult;

/// Endings of files that may hold a manifest or a template.
const ENDINGS: [&str; 4] = [".yaml", ".yml", ".json", ".template"];

/// Words of which every manifest and template has one, unless it escapes them.
const WORDS: [&str; 4] = ["apiVersion", "Resources", "AWSTemplateFormatVersion", "\\"];

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Manifest,
    Template,
    /// It changes manifests that are not here.
    Kustomization,
    /// A manifest with places to fill in, or one that cannot be parsed.
    Unreadable,
}

/// A file before or after the merge.
struct Side {
    path: String,
    bytes: Vec<u8>,
    kind: Option<Kind>,
}

/// Adds what the manifests and templates among these files do, before against
/// after; manifests all together, since one may move from file to file.
pub(crate) fn read(
    repo: &Repo,
    base: Option<&Oid>,
    head: &Oid,
    files: &[&FileChange],
    applied: &mut Applied,
) -> CliResult<()> {
    let mut changed: Vec<&FileChange> = files
        .iter()
        .copied()
        .filter(|file| file.paths().any(|path| has_ending(path, &ENDINGS)))
        .collect();
    if changed.len() > MAX_FILES {
        let over = changed.split_off(MAX_FILES);
        let paths = over.iter().map(|file| &file.path);
        let unread = paths.map(|path| format!("{path}: too many files"));
        applied.unread.extend(unread);
    }
    let old = changed.iter().filter(|it| it.status != 'A');
    let old: Vec<(&str, &str)> = old
        .map(|it| {
            let path = it.old_path.as_ref().unwrap_or(&it.path);
            (path.as_str(), it.old_mode.as_str())
        })
        .collect();
    let new = changed.iter().filter(|it| it.status != 'D');
    let new: Vec<(&str, &str)> = new
        .map(|it| (it.path.as_str(), it.new_mode.as_str()))
        .collect();
    let before = match base {
        Some(base) => sides(repo, base, &old, applied)?,
        None => Vec::new(),
    };
    let after = sides(repo, head, &new, applied)?;
    for side in before.iter().chain(&after) {
        match side.kind {
            Some(Kind::Kustomization) => applied.other = true,
            Some(Kind::Unreadable) => {
                let text = format!("{}: not a manifest that can be read as it is", side.path);
                if !applied.unread.contains(&text) {
                    applied.unread.push(text);
                }
            }
            _ => {}
        }
    }
    manifests(&before, &after, applied);
    templates(&changed, &before, &after, applied);
    Ok(())
}

fn manifests(before: &[Side], after: &[Side], applied: &mut Applied) {
    let (old, new) = (files(before), files(after));
    let Some((first, _)) = old.first().or_else(|| new.first()) else {
        return;
    };
    match kubernetes::read_manifests(&old, &new, Environment::Unknown) {
        Ok(reading) => applied.effects.extend(reading.effects),
        Err(error) => applied.unread.push(format!("{first}: {error}")),
    }
}

fn files(sides: &[Side]) -> Vec<kubernetes::File<'_>> {
    let manifests = sides.iter().filter(|it| it.kind == Some(Kind::Manifest));
    manifests
        .map(|it| (it.path.as_str(), it.bytes.as_slice()))
        .collect()
}

fn templates(files: &[&FileChange], before: &[Side], after: &[Side], applied: &mut Applied) {
    for file in files {
        let old_path = file.old_path.as_ref().unwrap_or(&file.path);
        let (old, new) = (template(before, old_path), template(after, &file.path));
        if old.is_none() && new.is_none() {
            continue;
        }
        match cloudformation::read_templates(old, new, Environment::Unknown) {
            Ok(reading) => applied.effects.extend(reading.effects),
            Err(error) => applied.unread.push(format!("{}: {error}", file.path)),
        }
    }
}

fn template<'s>(sides: &'s [Side], path: &str) -> Option<&'s [u8]> {
    let mut sides = sides.iter();
    let found = sides.find(|it| it.path == path && it.kind == Some(Kind::Template))?;
    Some(&found.bytes)
}

/// The regular ones of these files (path, mode) at a commit.
fn sides(
    repo: &Repo,
    at: &Oid,
    files: &[(&str, &str)],
    applied: &mut Applied,
) -> CliResult<Vec<Side>> {
    let regular = files.iter().filter(|(_, mode)| mode.starts_with("100"));
    let paths: Vec<&str> = regular.map(|(path, _)| *path).collect();
    // A link leads to what somebody else may read as a manifest.
    if files.iter().any(|(_, mode)| *mode == "120000") {
        applied.other = true;
    }
    let contents = match repo.read_files(at, &paths) {
        Ok(contents) => contents,
        Err(GitError::TooLarge { .. }) => {
            let each = paths.iter().map(|path| applied.content(repo, at, path));
            each.collect::<CliResult<_>>()?
        }
        Err(error) => return Err(error.into()),
    };
    let found = paths.into_iter().zip(contents);
    Ok(found
        .filter_map(|(path, bytes)| {
            let bytes = bytes?;
            Some(Side {
                kind: kind(path, &bytes),
                path: path.to_owned(),
                bytes,
            })
        })
        .collect())
}

/// What a file is; `None` for configuration of other programs.
fn kind(path: &str, bytes: &[u8]) -> Option<Kind> {
    let name = path.rsplit('/').next().unwrap_or(path);
    if matches!(name, "kustomization.yaml" | "kustomization.yml") {
        return Some(Kind::Kustomization);
    }
    let text = decode(bytes).ok()?;
    if !WORDS.iter().any(|word| text.contains(word)) {
        return None;
    }
    let json = text
        .trim_start()
        .starts_with('{')
        .then(|| parse_json(&text));
    let documents = match json {
        Some(Ok(value)) => vec![value.into_owned()],
        _ => match parse_yaml(&text) {
            Ok(documents) => documents,
            Err(_) => return looks_unfinished(&text).then_some(Kind::Unreadable),
        },
    };
    let kinds = documents.iter().map(kind_of);
    kinds
        .flatten()
        .max_by_key(|kind| *kind == Kind::Kustomization)
}

fn kind_of(document: &Value<'_>) -> Option<Kind> {
    if kubernetes::looks_like(document) {
        let version = document.at("apiVersion").as_str().unwrap_or_default();
        if version.starts_with("kustomize.config.k8s.io/") {
            return Some(Kind::Kustomization);
        }
        // A catalogue says who owns what, and is applied to nothing.
        return (!version.starts_with("backstage.io/")).then_some(Kind::Manifest);
    }
    cloudformation::looks_like_template(document).then_some(Kind::Template)
}

/// Whether text that is no YAML was to become a manifest or a template.
fn looks_unfinished(text: &str) -> bool {
    let key = |name: &str| {
        let trim = |line: &str| {
            line.trim_start_matches([' ', '-', '"', '\''])
                .starts_with(name)
        };
        text.lines().any(trim)
    };
    (key("apiVersion") && key("kind")) || key("AWSTemplateFormatVersion") || key("Resources")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn manifests_and_templates_are_known_by_content() {
        for (path, text, expected) in [
            (
                "a.yaml",
                "apiVersion: v1\nkind: Namespace\n",
                Some(Kind::Manifest),
            ),
            (
                "a.json",
                "{\"kind\": \"Pod\", \"apiVersion\": \"v1\"}",
                Some(Kind::Manifest),
            ),
            (
                "a.yaml",
                "\"api\\x56ersion\": v1\nkind: Pod\n",
                Some(Kind::Manifest),
            ),
            (
                "a.yaml",
                "Resources:\n  A: {Type: 'AWS::S3::Bucket'}\n",
                Some(Kind::Template),
            ),
            (
                "a.yaml",
                "AWSTemplateFormatVersion: x\n",
                Some(Kind::Template),
            ),
            (
                "kustomization.yaml",
                "resources: [a.yaml]\n",
                Some(Kind::Kustomization),
            ),
            (
                "chart/templates/a.yaml",
                "apiVersion: v1\nkind: Pod\nmetadata:\n  {{- include \"x\" . }}\n",
                Some(Kind::Unreadable),
            ),
            (
                "ci.yml",
                "on: push\njobs: {a: {steps: [{run: 'x'}]}}\n",
                None,
            ),
            (
                "docker-compose.yml",
                "services:\n  db: {image: postgres}\n",
                None,
            ),
            ("Chart.yaml", "apiVersion: v2\nname: x\n", None),
            ("app.json", "{\"Resources\": 3}", None),
            (
                "catalog-info.yaml",
                "apiVersion: backstage.io/v1alpha1\nkind: Component\n",
                None,
            ),
        ] {
            assert_eq!(kind(path, text.as_bytes()), expected, "{text}");
        }
    }
}
