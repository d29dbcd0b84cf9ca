//! Which object needs which.

use std::collections::{BTreeMap, BTreeSet};

use super::object::Object;
use super::pod_spec;
use crate::document::Value;
use crate::reading::Edge;

/// Fields whose value is the name of an object in the same namespace.
const NAMED: [(&str, &str, &str); 8] = [
    ("configMapRef", "name", "ConfigMap"),
    ("configMapKeyRef", "name", "ConfigMap"),
    ("configMap", "name", "ConfigMap"),
    ("secretRef", "name", "Secret"),
    ("secretKeyRef", "name", "Secret"),
    ("secret", "secretName", "Secret"),
    (
        "persistentVolumeClaim",
        "claimName",
        "PersistentVolumeClaim",
    ),
    ("backend", "service", "Service"),
];

/// The edges between objects: what pods mount and read, the services they call,
/// the pods behind a service, and what an ingress routes to.
pub(super) fn edges(objects: &[&Object]) -> Vec<Edge> {
    let mut edges = Vec::new();
    let services = services(objects);
    for object in objects {
        let from = object.name();
        let mut needs = BTreeSet::new();
        named(&object.value, object, &mut needs);
        for host in hosts(object) {
            if let Some(service) = services.get(&key(object, &host)) {
                needs.insert(service.clone());
            }
        }
        if object.kind == "Service" {
            needs.extend(selected(object, objects));
        }
        edges.extend(needs.into_iter().map(|to| Edge {
            from: from.clone(),
            to,
        }));
    }
    edges
}

/// From each workload to the services it calls, by plain names.
pub(super) fn calls(objects: &[&Object]) -> Vec<Edge> {
    let mut edges: Vec<Edge> = objects
        .iter()
        .flat_map(|object| {
            hosts(object).into_iter().map(|host| Edge {
                from: object.own_name.clone(),
                to: host.split('.').next().unwrap_or(&host).to_owned(),
            })
        })
        .collect();
    edges.sort_unstable();
    edges.dedup();
    edges
}

fn services(objects: &[&Object]) -> BTreeMap<(String, String), String> {
    objects
        .iter()
        .filter(|o| o.kind == "Service")
        .map(|o| ((o.namespace.clone(), o.own_name.clone()), o.name()))
        .collect()
}

/// `cart` is a service of the own namespace, `cart.shop.svc…` of another.
fn key(object: &Object, host: &str) -> (String, String) {
    let mut parts = host.split('.');
    let name = parts.next().unwrap_or_default().to_owned();
    let namespace = parts
        .next()
        .map_or_else(|| object.namespace.clone(), str::to_owned);
    (namespace, name)
}

/// Hosts in the environment variables of a workload: `cart:7070`,
/// `http://cart.shop/path`, and lists of them.
fn hosts(object: &Object) -> BTreeSet<String> {
    let spec = pod_spec(object);
    let containers = spec.at("containers").items().iter();
    let values = containers
        .chain(spec.at("initContainers").items())
        .flat_map(|container| container.at("env").items())
        .filter_map(|variable| variable.at("value").as_str());
    values
        .flat_map(|value| value.split([',', ' ']))
        .filter_map(host)
        .collect()
}

/// The host of `[scheme://]host:port[/…]`; in-cluster names only.
fn host(text: &str) -> Option<String> {
    let (with_scheme, rest) = match text.split_once("://") {
        Some((_, rest)) => (true, rest),
        None => (false, text),
    };
    let authority = rest.split(['/', '?']).next()?;
    // Whatever stands before `@` is a credential.
    let authority = authority.rsplit('@').next()?;
    let (host, port) = match authority.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (authority, None),
    };
    let numeric = port.is_some_and(|p| !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit()));
    let is_name = host.starts_with(|c: char| c.is_ascii_lowercase())
        && host
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'.'));
    let in_cluster = !host.contains('.') || host.contains(".svc") || host.matches('.').count() == 1;
    let loopback = host == "localhost";
    (is_name && !loopback && in_cluster && (numeric || (with_scheme && !host.contains('.'))))
        .then(|| host.to_owned())
}

fn named(value: &Value<'_>, object: &Object, needs: &mut BTreeSet<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| named(item, object, needs)),
        Value::Object(entries) => {
            for (field, inner) in entries.iter() {
                for (_, name_field, kind) in NAMED.iter().filter(|(f, _, _)| *f == field) {
                    let target = inner.at(name_field);
                    let name = target.as_str().or_else(|| target.at("name").as_str());
                    needs.extend(name.map(|name| object.sibling(kind, name)));
                }
                if field == "serviceAccountName"
                    && let Some(name) = inner.as_str()
                {
                    needs.insert(object.sibling("ServiceAccount", name));
                }
                named(inner, object, needs);
            }
        }
        _ => {}
    }
}

/// The workloads whose pod labels match the selector of a service.
fn selected(service: &Object, objects: &[&Object]) -> Vec<String> {
    let selector = service.value.path("spec.selector");
    if selector.entries().next().is_none() {
        return Vec::new();
    }
    let matches = |object: &&&Object| {
        let labels = match object.kind.as_str() {
            "Pod" => object.value.path("metadata.labels"),
            _ => object.value.path("spec.template.metadata.labels"),
        };
        object.namespace == service.namespace
            && selector
                .entries()
                .all(|(key, value)| labels.get(key) == Some(value))
    };
    objects.iter().filter(matches).map(|o| o.name()).collect()
}
