//! Kubernetes manifests as a source: workloads and the addresses they are
//! configured with.
//!
//! A workload that is given the address of another in an environment variable
//! is taken to need it hard; `catalog.yaml` can say otherwise. Format:
//! <https://kubernetes.io/docs/reference/kubernetes-api/>.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::draft::{Draft, Need, NeedKind, Needer, Origin, Service};
use super::yaml;
use crate::problem::{Problem, Source};

/// Kinds that run pods, with the path to the pod's template.
const WORKLOADS: [(&str, &str); 8] = [
    ("Deployment", "/spec/template"),
    ("StatefulSet", "/spec/template"),
    ("DaemonSet", "/spec/template"),
    ("ReplicaSet", "/spec/template"),
    ("Rollout", "/spec/template"),
    ("Job", "/spec/template"),
    ("CronJob", "/spec/jobTemplate/spec/template"),
    ("Pod", ""),
];

/// What the name of a variable ends in when its value is an address.
const ADDRESS_NAMES: [&str; 8] = [
    "ADDR", "ADDRESS", "HOST", "HOSTS", "URL", "URI", "ENDPOINT", "SERVICE",
];

/// Reads manifests together: a service in one file may select pods of another.
///
/// # Errors
/// The first problem of every file that is not YAML.
pub fn from_manifests<'a>(
    files: impl IntoIterator<Item = Source<'a>>,
) -> Result<Draft, Vec<Problem>> {
    let mut problems = Vec::new();
    let mut objects = Vec::new();
    for source in files {
        match yaml::many::<Value>(source) {
            Ok(documents) => objects.extend(documents.into_iter().flat_map(items)),
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() {
        Ok(draft(&objects))
    } else {
        Err(problems)
    }
}

/// A `List` holds objects; everything else is one.
fn items(document: Value) -> Vec<Value> {
    let is_list = text(&document, "/kind").ends_with("List");
    match document.pointer("/items") {
        Some(Value::Array(items)) if is_list => items.clone(),
        _ => vec![document],
    }
}

struct Workload<'a> {
    name: &'a str,
    labels: BTreeMap<&'a str, &'a str>,
    pod: &'a Value,
}

fn draft(objects: &[Value]) -> Draft {
    let workloads: Vec<Workload<'_>> = objects.iter().filter_map(workload).collect();
    let mut services: BTreeMap<&str, BTreeSet<&str>> = workloads
        .iter()
        .map(|workload| (workload.name, BTreeSet::new()))
        .collect();
    // The name that others call is the Service's, not the workload's.
    for object in objects.iter().filter(|o| text(o, "/kind") == "Service") {
        let selector = labels(object.pointer("/spec/selector"));
        if selector.is_empty() {
            continue;
        }
        let selected = |workload: &&Workload<'_>| {
            let mut wanted = selector.iter();
            wanted.all(|(key, value)| workload.labels.get(key) == Some(value))
        };
        for workload in workloads.iter().filter(selected) {
            let names = services.entry(workload.name).or_default();
            names.insert(text(object, "/metadata/name"));
        }
    }
    let known: BTreeSet<&str> = services
        .iter()
        .flat_map(|(name, aliases)| aliases.iter().chain(std::iter::once(name)))
        .copied()
        .collect();
    let needs = workloads
        .iter()
        .flat_map(|workload| needs(workload, &known));
    let needs = needs.collect();
    Draft {
        services: services
            .into_iter()
            .map(|(name, aliases)| Service {
                id: name.to_owned(),
                aliases: aliases
                    .into_iter()
                    .filter(|alias| *alias != name)
                    .map(str::to_owned)
                    .collect(),
                ..Service::default()
            })
            .collect(),
        needs,
        ..Draft::default()
    }
}

fn workload(object: &Value) -> Option<Workload<'_>> {
    let kind = text(object, "/kind");
    let (_, template) = WORKLOADS.iter().find(|(name, _)| *name == kind)?;
    let template = object.pointer(template)?;
    let name = text(object, "/metadata/name");
    (!name.is_empty()).then(|| Workload {
        name,
        labels: labels(template.pointer("/metadata/labels")),
        pod: template.pointer("/spec").unwrap_or(&Value::Null),
    })
}

fn needs(workload: &Workload<'_>, known: &BTreeSet<&str>) -> Vec<Need> {
    let containers = ["/initContainers", "/containers"]
        .into_iter()
        .filter_map(|list| workload.pod.pointer(list)?.as_array())
        .flatten();
    let variables = containers
        .filter_map(|container| container.pointer("/env")?.as_array())
        .flatten();
    let hosts: BTreeSet<&str> = variables
        .flat_map(|variable| addressed(text(variable, "/name"), text(variable, "/value"), known))
        .filter(|host| *host != workload.name)
        .collect();
    let from = Needer::Service(workload.name.to_owned());
    hosts
        .into_iter()
        .map(|host| Need::said(from.clone(), host, NeedKind::Hard, Origin::Manifest))
        .collect()
}

/// The services that a variable's value addresses. A host that nothing is
/// called counts only when the variable's name says that it is an address.
fn addressed<'v>(name: &str, value: &'v str, known: &BTreeSet<&str>) -> Vec<&'v str> {
    let named = name
        .rsplit('_')
        .next()
        .is_some_and(|last| ADDRESS_NAMES.contains(&last.to_uppercase().as_str()));
    value
        .split([',', ';', ' '])
        .filter_map(|part| host(part, named))
        .filter(|host| named || known.contains(host))
        .collect()
}

/// The service in `scheme://user@name.namespace.svc:port/path`, if the host is
/// inside the cluster. A bare word is a host only in an address variable.
fn host(text: &str, named: bool) -> Option<&str> {
    let (has_scheme, rest) = match text.split_once("://") {
        Some((_, rest)) => (true, rest),
        None => (false, text),
    };
    let authority = rest.split(['/', '?']).next()?;
    let authority = authority.rsplit('@').next()?;
    let (host, port) = match authority.split_once(':') {
        Some((host, port)) => (host, port.parse::<u16>().ok()),
        None => (authority, None),
    };
    let (label, domain) = host.split_once('.').unwrap_or((host, ""));
    let inside = domain.is_empty() || domain.split('.').any(|part| part == "svc");
    let is_label = label.starts_with(|c: char| c.is_ascii_lowercase())
        && label
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    let is_address = has_scheme || port.is_some() || named || !domain.is_empty();
    (inside && is_label && is_address && label != "localhost").then_some(label)
}

fn labels(value: Option<&Value>) -> BTreeMap<&str, &str> {
    let labels = value.and_then(Value::as_object);
    let pairs = labels.into_iter().flatten();
    pairs
        .filter_map(|(key, value)| Some((key.as_str(), value.as_str()?)))
        .collect()
}

fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{Catalog, Dangling, Node};
    use crate::radius::{Level, Model};

    #[test]
    fn hosts_are_found_in_every_shape() {
        let known = BTreeSet::from(["cart"]);
        for (name, value, expected) in [
            ("CART_ADDR", "cart:7070", vec!["cart"]),
            ("CART_ADDR", "cart", vec!["cart"]),
            ("OTHER_ADDR", "other:80", vec!["other"]),
            ("X", "cart:7070", vec!["cart"]),
            ("X", "other:80", vec![]),
            ("X", "cart", vec![]),
            (
                "X_URL",
                "http://u@cart.shop.svc.cluster.local:80/x?y=1",
                vec!["cart"],
            ),
            ("X_URL", "https://example.com/a", vec![]),
            ("X_HOSTS", "cart:1,b:2", vec!["cart", "b"]),
            ("X_ADDR", "localhost:80", vec![]),
            ("X_ADDR", "10.0.0.1:80", vec![]),
            ("X_ADDR", "", vec![]),
            ("SHARE", "1:2", vec![]),
        ] {
            assert_eq!(addressed(name, value, &known), expected, "{name}={value}");
        }
    }

    #[test]
    fn services_select_workloads() {
        let text = "
apiVersion: v1
kind: List
items:
- {kind: Service, metadata: {name: shop}, spec: {selector: {app: web}}}
- kind: Deployment
  metadata: {name: web-v2}
  spec: {template: {metadata: {labels: {app: web, v: '2'}}, spec: {containers: []}}}
---
kind: CronJob
metadata: {name: nightly}
spec:
  jobTemplate:
    spec:
      template:
        spec:
          containers: [{name: c, env: [{name: SHOP_URL, value: 'http://shop'}]}]
";
        let source = Source {
            file: "all.yaml",
            text,
        };
        let catalog = Catalog::assemble(vec![from_manifests([source]).unwrap()]).unwrap();
        let ids: Vec<&str> = catalog.services().iter().map(|s| s.id.as_str()).collect();
        assert_eq!(ids, ["nightly", "web-v2"]);
        assert_eq!(catalog.edges().len(), 1);
        assert_eq!(catalog.edges()[0].to, Node::Service(1));
    }

    /// The manifests of Google's Online Boutique (Apache-2.0) lie beside the
    /// repository where they are present.
    #[test]
    fn online_boutique_has_its_seventeen_needs() {
        let folder = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../../shared/data/online-boutique"
        );
        let Ok(entries) = std::fs::read_dir(folder) else {
            eprintln!("skipped: no Online Boutique manifests beside the repository");
            return;
        };
        let mut texts: Vec<(String, String)> = entries
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|end| end == "yaml"))
            .map(|path| {
                (
                    path.display().to_string(),
                    std::fs::read_to_string(path).unwrap(),
                )
            })
            .collect();
        texts.sort();
        let sources = texts.iter().map(|(file, text)| Source { file, text });
        let catalog = Catalog::assemble(vec![from_manifests(sources).unwrap()]).unwrap();
        let edges: Vec<String> = catalog
            .edges()
            .iter()
            .map(|edge| format!("{} -> {}", catalog.id(edge.from), catalog.id(edge.to)))
            .collect();
        assert_eq!(
            edges,
            [
                "cartservice -> redis-cart",
                "checkoutservice -> cartservice",
                "checkoutservice -> currencyservice",
                "checkoutservice -> emailservice",
                "checkoutservice -> paymentservice",
                "checkoutservice -> productcatalogservice",
                "checkoutservice -> shippingservice",
                "frontend -> adservice",
                "frontend -> cartservice",
                "frontend -> checkoutservice",
                "frontend -> currencyservice",
                "frontend -> productcatalogservice",
                "frontend -> recommendationservice",
                "frontend -> shippingservice",
                "loadgenerator -> frontend",
                "recommendationservice -> productcatalogservice",
            ]
        );
        let dangling: Vec<&str> = catalog
            .dangling()
            .iter()
            .map(|dangling| match dangling {
                Dangling::Need { to, .. } => to.as_str(),
                Dangling::Member { .. } | Dangling::Place { .. } => "",
            })
            .collect();
        assert_eq!(dangling, ["shoppingassistantservice"]);
        let cart = catalog.resolve("cartservice").unwrap();
        let model = Model::new(&catalog);
        let gone: Vec<&str> = model
            .services_reached(&[cart], Level::Hard)
            .into_iter()
            .map(|at| catalog.id(Node::Service(at)))
            .collect();
        assert_eq!(
            gone,
            [
                "cartservice",
                "checkoutservice",
                "frontend",
                "loadgenerator"
            ]
        );
    }
}
