//! Backstage's `catalog-info.yaml` as a source.
//!
//! Format: <https://backstage.io/docs/features/software-catalog/descriptor-format>.
//! Components, Resources and `AiResource`s become services; APIs connect whoever
//! consumes them to whoever provides them; Locations name further files. The
//! other kinds (Domain, Group, System, User) hold nothing that fails.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::Value;
use serde_saphyr::Spanned;

use super::draft::{Draft, Need, NeedKind, Needer, Origin, Service};
use super::pattern::Pattern;
use super::yaml;
use crate::problem::{Problem, Source};

/// Files read by following locations, at most.
pub const MAX_FILES: usize = 10_000;

/// `kind:namespace/name`, in lower case, as Backstage compares them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Ref {
    kind: String,
    namespace: String,
    name: String,
}

impl Ref {
    /// Reads `[kind:][namespace/]name`, with defaults for what is left out.
    fn parse(text: &str, kind: &str, namespace: &str) -> Self {
        let text = text.trim().to_lowercase();
        let (kind, rest) = match text.split_once(':') {
            Some((kind, rest)) => (kind.to_owned(), rest),
            None => (kind.to_owned(), text.as_str()),
        };
        let (namespace, name) = rest.split_once('/').unwrap_or((namespace, rest));
        Self {
            kind,
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        }
    }

    fn full(&self) -> String {
        format!("{}:{}/{}", self.kind, self.namespace, self.name)
    }

    /// The shortest name that says the same where `kind` is expected.
    fn short(&self, kind: &str) -> String {
        let mut short = String::new();
        if self.kind != kind {
            short.push_str(&self.kind);
            short.push(':');
        }
        if self.namespace != "default" {
            short.push_str(&self.namespace);
            short.push('/');
        }
        short + &self.name
    }
}

/// What the files say so far.
#[derive(Default)]
struct Entities {
    services: Vec<Service>,
    needs: Vec<(Ref, Ref, NeedKind)>,
    provides: BTreeMap<Ref, BTreeSet<Ref>>,
    consumes: Vec<(Ref, Ref)>,
}

/// Reads a file and every file that its locations lead to.
///
/// `load` is given the path of a location, relative to where `start` is
/// relative to, and answers with the text of the file, or `None`. Locations
/// that are not files, or cannot be loaded, are warnings.
///
/// # Errors
/// Every problem found; the warnings are returned beside the draft.
pub fn from_backstage(
    start: Source<'_>,
    mut load: impl FnMut(&str) -> Option<String>,
) -> Result<(Draft, Vec<Problem>), Vec<Problem>> {
    let mut entities = Entities::default();
    let (mut errors, mut warnings) = (Vec::new(), Vec::new());
    let mut seen = BTreeSet::from([start.file.to_owned()]);
    let mut queue = VecDeque::from([(start.file.to_owned(), start.text.to_owned())]);
    while let Some((file, text)) = queue.pop_front() {
        let source = Source {
            file: &file,
            text: &text,
        };
        let targets = match entities.file(source) {
            Ok(targets) => targets,
            Err(problems) => {
                errors.extend(problems);
                continue;
            }
        };
        for target in targets {
            let Some(path) = beside(&file, &target) else {
                let message = format!("the location `{target}` is not a file, so it is not read");
                warnings.push(source.whole(message).warning());
                continue;
            };
            if seen.contains(&path) {
                continue;
            }
            if seen.len() >= MAX_FILES {
                let message = format!("locations lead to more than {MAX_FILES} files");
                errors.push(source.whole(message));
                return Err(errors);
            }
            seen.insert(path.clone());
            match load(&path) {
                Some(text) => queue.push_back((path, text)),
                None => {
                    let message = format!("the location `{target}` cannot be read");
                    let hint = format!("is there a file `{path}`?");
                    warnings.push(source.whole(message).hint(hint).warning());
                }
            }
        }
    }
    if errors.is_empty() {
        Ok((entities.draft(), warnings))
    } else {
        Err(errors)
    }
}

/// Where a target is that is named in a file; `None` when it is no path.
fn beside(file: &str, target: &str) -> Option<String> {
    let target = target.strip_prefix("file:").unwrap_or(target);
    if target.contains(':') || target.starts_with('/') {
        return None;
    }
    let folder = file.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut parts: Vec<&str> = Vec::new();
    for part in folder.split('/').chain(target.split('/')) {
        match part {
            "" | "." => {}
            // A location above the repository is not in it.
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

impl Entities {
    /// Takes in every entity of a file; answers with the targets of locations.
    fn file(&mut self, source: Source<'_>) -> Result<Vec<String>, Vec<Problem>> {
        let documents: Vec<Spanned<Value>> = yaml::many(source).map_err(|problem| vec![problem])?;
        let (mut targets, mut problems) = (Vec::new(), Vec::new());
        let components = documents.iter().filter(|document| {
            let kind = string(&document.value, "/kind");
            kind.eq_ignore_ascii_case("component")
        });
        let alone = components.count() == 1;
        for document in documents {
            // Other tools keep their documents in the same files.
            let version = string(&document.value, "/apiVersion");
            if document.value.is_null() || !version.starts_with("backstage.io/") {
                continue;
            }
            let kind = string(&document.value, "/kind").to_lowercase();
            let name = string(&document.value, "/metadata/name");
            if kind.is_empty() || (name.is_empty() && kind != "location") {
                let span = yaml::span(document.referenced);
                let problem = source.at(span, "an entity without `kind` or `metadata.name`");
                problems.push(problem);
                continue;
            }
            match kind.as_str() {
                "location" => targets.extend(location_targets(&document.value)),
                "component" | "resource" | "airesource" => {
                    let folder = (alone && kind == "component").then_some(source.file);
                    self.service(&kind, &document.value, folder);
                }
                _ => {}
            }
        }
        if problems.is_empty() {
            Ok(targets)
        } else {
            Err(problems)
        }
    }

    fn service(&mut self, kind: &str, entity: &Value, file: Option<&str>) {
        let namespace = string(entity, "/metadata/namespace").to_lowercase();
        let namespace = if namespace.is_empty() {
            "default"
        } else {
            &namespace
        };
        let own = Ref::parse(string(entity, "/metadata/name"), kind, namespace);
        let owner = string(entity, "/spec/owner");
        let title = string(entity, "/metadata/title");
        self.services.push(Service {
            id: own.short("component"),
            name: (!title.is_empty()).then(|| title.to_owned()),
            aliases: vec![own.full(), own.name.clone()],
            owner: (!owner.is_empty())
                .then(|| Ref::parse(owner, "group", namespace).short("group")),
            paths: paths(entity, file),
            ..Service::default()
        });
        let refs = |pointer: &str, kind: &str| -> Vec<Ref> {
            let list = entity.pointer(pointer).and_then(Value::as_array);
            let texts = list.into_iter().flatten().filter_map(Value::as_str);
            texts
                .map(|text| Ref::parse(text, kind, namespace))
                .collect()
        };
        for to in refs("/spec/dependsOn", "component") {
            self.needs.push((own.clone(), to, NeedKind::Hard));
        }
        for from in refs("/spec/dependencyOf", "component") {
            self.needs.push((from, own.clone(), NeedKind::Hard));
        }
        let parent = string(entity, "/spec/subcomponentOf");
        if !parent.is_empty() {
            // A part that fails leaves the whole with less, not with nothing.
            let parent = Ref::parse(parent, "component", namespace);
            self.needs.push((parent, own.clone(), NeedKind::Soft));
        }
        for api in refs("/spec/providesApis", "api") {
            self.provides.entry(api).or_default().insert(own.clone());
        }
        for api in refs("/spec/consumesApis", "api") {
            self.consumes.push((own.clone(), api));
        }
    }

    fn draft(mut self) -> Draft {
        for (consumer, api) in self.consumes {
            match self.provides.get(&api) {
                Some(providers) => {
                    for provider in providers {
                        let need = (consumer.clone(), provider.clone(), NeedKind::Hard);
                        self.needs.push(need);
                    }
                }
                // Nobody provides it: kept, so that it is found dangling.
                None => self.needs.push((consumer, api, NeedKind::Hard)),
            }
        }
        let needs = self.needs.into_iter().filter(|(from, to, _)| from != to);
        Draft {
            needs: needs
                .map(|(from, to, kind)| {
                    let from = Needer::Service(from.full());
                    Need::said(from, to.full(), kind, Origin::Backstage)
                })
                .collect(),
            services: self.services,
            ..Draft::default()
        }
    }
}

fn location_targets(entity: &Value) -> Vec<String> {
    let one = entity.pointer("/spec/target").into_iter();
    let many = entity.pointer("/spec/targets").and_then(Value::as_array);
    one.chain(many.into_iter().flatten())
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}

/// The folder of a component: what `backstage.io/source-location` says as a
/// `dir:`, else the folder of the file if it holds no other component.
fn paths(entity: &Value, file: Option<&str>) -> Vec<Pattern> {
    let annotation = entity
        .pointer("/metadata/annotations")
        .and_then(|annotations| annotations.get("backstage.io/source-location"))
        .and_then(Value::as_str)
        .and_then(|location| location.strip_prefix("dir:"));
    let folder = match (annotation, file) {
        (Some(folder), file) => beside(file.unwrap_or_default(), folder),
        (None, Some(file)) => Some(file.rsplit_once('/').map_or("", |(f, _)| f).to_owned()),
        (None, None) => None,
    };
    let pattern = folder.map(|folder| match folder.as_str() {
        "" => Pattern::new("**"),
        folder => Pattern::new(&globset::escape(folder)),
    });
    pattern.into_iter().flatten().collect()
}

fn string<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{Catalog, Dangling};

    const ROOT: &str = "
apiVersion: backstage.io/v1alpha1
kind: Location
metadata: {name: all}
spec: {targets: [./shop/catalog-info.yaml, 'https://example.com/x.yaml', gone.yaml, ../out.yaml]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: not-an-entity}
";
    const SHOP: &str = "
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: Shop, title: The shop}
spec:
  type: service
  lifecycle: production
  owner: group:default/Team-Shop
  consumesApis: [stock-api, PRICES]
  dependsOn: [resource:Shop-DB]
---
apiVersion: backstage.io/v1beta1
kind: resource
metadata: {name: shop-db}
spec: {type: database, owner: user:ops/ada}
---
apiVersion: backstage.io/v1alpha1
kind: Location
spec: {target: ./stock.yaml}
";
    const STOCK: &str = "
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: stock, namespace: Warehouse}
spec: {type: service, owner: stockers, providesApis: [default/stock-api]}
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: counter, namespace: warehouse}
spec: {type: service, owner: stockers, subcomponentOf: stock}
---
apiVersion: backstage.io/v1alpha1
kind: Location
spec: {target: ../catalog-info.yaml}
";

    fn load(path: &str) -> Option<String> {
        match path {
            "shop/catalog-info.yaml" => Some(SHOP.to_owned()),
            "shop/stock.yaml" => Some(STOCK.to_owned()),
            _ => None,
        }
    }

    #[test]
    fn locations_are_followed_and_refs_resolved() {
        let start = Source {
            file: "catalog-info.yaml",
            text: ROOT,
        };
        let (draft, warnings) = from_backstage(start, load).unwrap();
        let warnings: Vec<&str> = warnings.iter().map(|w| w.message.as_str()).collect();
        assert_eq!(
            warnings,
            [
                "the location `https://example.com/x.yaml` is not a file, so it is not read",
                "the location `gone.yaml` cannot be read",
                "the location `../out.yaml` is not a file, so it is not read",
            ]
        );
        let catalog = Catalog::assemble(vec![draft]).unwrap();
        let services: Vec<String> = catalog
            .services()
            .iter()
            .map(|s| format!("{} {}", s.id, s.owner.as_deref().unwrap_or("-")))
            .collect();
        assert_eq!(
            services,
            [
                "resource:shop-db user:ops/ada",
                "shop team-shop",
                "warehouse/counter warehouse/stockers",
                "warehouse/stock warehouse/stockers",
            ]
        );
        let edges: Vec<String> = catalog
            .edges()
            .iter()
            .map(|e| {
                format!(
                    "{} {} {}",
                    catalog.id(e.from),
                    e.kind.as_str(),
                    catalog.id(e.to)
                )
            })
            .collect();
        assert_eq!(
            edges,
            [
                "shop hard resource:shop-db",
                "shop hard warehouse/stock",
                "warehouse/stock soft warehouse/counter",
            ]
        );
        assert_eq!(catalog.dangling().len(), 1);
        assert!(matches!(
            &catalog.dangling()[0],
            Dangling::Need { to, .. } if to == "api:default/prices"
        ));
        assert_eq!(catalog.components_of("shop/src/main.rs"), [1]);
    }

    #[test]
    fn broken_entities_are_placed() {
        let text = "apiVersion: backstage.io/v1alpha1\nkind: Component\n";
        let start = Source {
            file: "catalog-info.yaml",
            text,
        };
        let problems = from_backstage(start, |_| None).unwrap_err();
        assert_eq!(
            problems[0].to_string(),
            "catalog-info.yaml:1:1: an entity without `kind` or `metadata.name`"
        );
        let start = Source {
            file: "catalog-info.yaml",
            text: "a: [",
        };
        assert!(from_backstage(start, |_| None).is_err());
    }

    #[test]
    fn a_circle_of_locations_ends() {
        let text = "apiVersion: backstage.io/v1alpha1\nkind: Location\nspec: {target: ./b.yaml}\n";
        let start = Source {
            file: "a.yaml",
            text,
        };
        let mut asked = 0;
        let mut next = |_: &str| {
            asked += 1;
            let text =
                "apiVersion: backstage.io/v1alpha1\nkind: Location\nspec: {target: ./a.yaml}\n";
            Some(text.to_owned())
        };
        from_backstage(start, &mut next).unwrap();
        assert_eq!(asked, 1);
    }
}
