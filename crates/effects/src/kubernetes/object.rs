//! Manifest files made into objects with an identity.

use std::collections::BTreeMap;

use countersign_core::effect::{Effect, Environment, StateLoss, Verb};

use super::File;
use crate::document::{ReadError, Value, decode, parse_json, parse_yaml};
use crate::reading::{FindingKind, PlanReading};

/// How deep lists of lists are opened.
const MAX_LISTS: usize = 8;

/// What makes two manifests speak of the same object: group (without version),
/// kind, namespace, name.
pub(super) type Identity = (String, String, String, String);

/// One object.
#[derive(Debug)]
pub(super) struct Object {
    pub(super) group: String,
    pub(super) kind: String,
    /// Empty for cluster-wide objects and where the manifest leaves it open.
    pub(super) namespace: String,
    pub(super) own_name: String,
    pub(super) value: Value<'static>,
    /// The file it is from.
    pub(super) source: String,
}

impl Object {
    /// `Deployment/shop/cart`, or `Namespace/shop` without a namespace.
    pub(super) fn name(&self) -> String {
        full_name(&self.kind, &self.namespace, &self.own_name)
    }

    /// The name of another object in the same namespace.
    pub(super) fn sibling(&self, kind: &str, name: &str) -> String {
        full_name(kind, &self.namespace, name)
    }

    fn identity(&self) -> Identity {
        (
            self.group.clone(),
            self.kind.clone(),
            self.namespace.clone(),
            self.own_name.clone(),
        )
    }
}

pub(super) fn full_name(kind: &str, namespace: &str, name: &str) -> String {
    if namespace.is_empty() {
        format!("{kind}/{name}")
    } else {
        format!("{kind}/{namespace}/{name}")
    }
}

/// The objects of a set of files.
#[derive(Debug, Default)]
pub(super) struct Parsed {
    pub(super) objects: BTreeMap<Identity, Object>,
}

/// Whether a value is a Kubernetes object or a list of them.
#[must_use]
pub fn looks_like(value: &Value<'_>) -> bool {
    value.at("apiVersion").as_str().is_some() && value.at("kind").as_str().is_some()
}

/// Parses files of manifests. A file that cannot be read is an unknown effect
/// when there are others, and the error when it stands alone.
pub(super) fn parse(
    files: &[File<'_>],
    environment: Environment,
    reading: &mut PlanReading,
) -> Result<Parsed, ReadError> {
    let mut parsed = Parsed::default();
    for (name, bytes) in files {
        let documents = decode(bytes).and_then(|text| documents(&text));
        match documents {
            Ok(documents) => {
                for document in documents {
                    add(document, name, environment, &mut parsed, reading, MAX_LISTS);
                }
            }
            Err(ReadError::Empty) => {}
            Err(error) if files.len() == 1 => return Err(error),
            Err(error) => unread(name, &error.to_string(), environment, reading),
        }
    }
    Ok(parsed)
}

/// JSON is YAML as well, but its own parser is faster and allows more depth.
fn documents(text: &str) -> Result<Vec<Value<'static>>, ReadError> {
    if text.trim_start().starts_with('{') {
        match parse_json(text) {
            Ok(value) => return Ok(vec![value.into_owned()]),
            Err(ReadError::Syntax { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    parse_yaml(text)
}

fn unread(name: &str, why: &str, environment: Environment, reading: &mut PlanReading) {
    reading.changes_seen += 1;
    reading.effects.push(Effect {
        verb: Verb::Unknown,
        kind: "manifest".to_owned(),
        object: name.to_owned(),
        environment,
        state: StateLoss::Unknown,
        reasons: vec![why.to_owned()],
        witness: name.to_owned(),
    });
}

fn add(
    value: Value<'static>,
    file: &str,
    environment: Environment,
    parsed: &mut Parsed,
    reading: &mut PlanReading,
    lists: usize,
) {
    let text = |path: &str| value.path(path).as_str().unwrap_or_default().to_owned();
    let (version, kind) = (text("apiVersion"), text("kind"));
    let is_list = kind.ends_with("List") && matches!(value.at("items"), Value::Array(_));
    if is_list && lists > 0 {
        if let Value::Object(list) = value {
            for item in list.into_items() {
                add(item, file, environment, parsed, reading, lists - 1);
            }
        }
        return;
    }
    if version.starts_with("kustomize.config.k8s.io/") {
        reading.finding(
            FindingKind::Skipped,
            Some(file),
            "a kustomization changes other manifests before they are applied; give the output of `kubectl kustomize` to have it judged",
        );
        return;
    }
    let own_name = text("metadata.name");
    if version.is_empty() || kind.is_empty() || own_name.is_empty() {
        let why = "no Kubernetes object: it lacks `apiVersion`, `kind` or `metadata.name`";
        unread(file, why, environment, reading);
        return;
    }
    let object = Object {
        group: version
            .split_once('/')
            .map(|(g, _)| g.to_owned())
            .unwrap_or_default(),
        kind,
        namespace: text("metadata.namespace"),
        own_name,
        value,
        source: file.to_owned(),
    };
    let name = object.name();
    if let Some(earlier) = parsed.objects.insert(object.identity(), object) {
        let detail = format!(
            "given twice; the one in `{}` does not count",
            earlier.source
        );
        reading.finding(FindingKind::Skipped, Some(&name), detail);
    }
}
