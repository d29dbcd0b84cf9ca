//! A known shop: what goes down when one part of it does, against a walk of
//! the calls by hand.
#![allow(clippy::unwrap_used, reason = "set-up that fails has to fail loudly")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use countersign_core::catalog::{self, Catalog, from_manifests};
use countersign_core::effect::{Effect, Environment, StateLoss, Verb};
use countersign_core::problem::Source;
use countersign_core::radius::{Change, Hit, Impact, Model, Radius};

/// What the manifests do not say: what customers do, and a second cache.
const DECLARED: &str = "version: 1
functions:
  - {id: look, tier: 1, needs: [productcatalogservice]}
  - {id: buy, tier: 0, needs: [checkoutservice]}
  - {id: adverts, tier: 3, needs: [adservice]}
services:
  - {id: cartservice, depends_on: [carts, {service: redis-cart, kind: soft}]}
  - {id: redis-cart-2, stateful: true}
redundancy:
  - {id: carts, members: [redis-cart, redis-cart-2], needed: 1}
";

/// The public manifests beside the repository, as `(name, text)`.
fn manifests() -> Option<Vec<(String, String)>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = root
        .ancestors()
        .skip(2)
        .take(3)
        .map(|above| above.join("shared/data/online-boutique"))
        .find(|folder| folder.is_dir());
    let Some(folder) = folder else {
        eprintln!("SKIPPED: no ../shared/data/online-boutique");
        return None;
    };
    let files = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = files.filter(|path| path.extension().is_some()).collect();
    files.sort();
    let text = |path: &Path| std::fs::read_to_string(path).unwrap();
    Some(
        files
            .iter()
            .map(|path| (path.display().to_string(), text(path)))
            .collect(),
    )
}

/// Who calls whom, by the lines of the files alone.
fn calls(files: &[(String, String)]) -> BTreeMap<String, BTreeSet<String>> {
    let mut calls: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (_, text) in files {
        let (mut kind, mut caller, mut is_address) = ("", "", false);
        for line in text.lines() {
            if let Some(found) = line.strip_prefix("kind: ") {
                (kind, caller) = (found, "");
            }
            if let Some(name) = line.strip_prefix("  name: ").filter(|_| caller.is_empty()) {
                caller = name;
            }
            if is_address && let Some((_, value)) = line.split_once("value: ") {
                let target = value.trim_matches('"').split(':').next().unwrap();
                let targets = calls.entry(caller.to_owned()).or_default();
                if kind == "Deployment" {
                    targets.insert(target.to_owned());
                }
            }
            is_address = line.trim_start().starts_with("- name:") && line.ends_with("_ADDR");
        }
    }
    calls
}

/// Everyone who needs `start`, directly or not, and itself.
fn callers(calls: &BTreeMap<String, BTreeSet<String>>, start: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::from([start.to_owned()]);
    loop {
        let next: Vec<&String> = calls
            .iter()
            .filter(|(caller, targets)| !found.contains(*caller) && !targets.is_disjoint(&found))
            .map(|(caller, _)| caller)
            .collect();
        if next.is_empty() {
            return found;
        }
        found.extend(next.into_iter().cloned().collect::<Vec<_>>());
    }
}

fn delete(catalog: &Catalog, name: &str) -> Radius {
    let effect = Effect {
        verb: Verb::Delete,
        kind: "Deployment".to_owned(),
        object: format!("Deployment/{name}"),
        environment: Environment::Production,
        state: StateLoss::None,
        reasons: Vec::new(),
        witness: "test".to_owned(),
    };
    Model::new(catalog).radius(&Change {
        hits: vec![Hit::placed(&effect, catalog)],
        ..Change::default()
    })
}

fn down(radius: &Radius) -> (BTreeSet<String>, Vec<&str>) {
    let services = radius
        .services
        .iter()
        .filter(|it| it.impact >= Impact::Down);
    let functions = radius
        .functions
        .iter()
        .filter(|it| it.impact >= Impact::Down);
    (
        services.map(|it| it.id.clone()).collect(),
        functions.map(|it| it.id.as_str()).collect(),
    )
}

#[test]
fn what_the_graph_says_goes_down() {
    let Some(files) = manifests() else { return };
    let sources = files.iter().map(|(file, text)| Source { file, text });
    let calls_declared = from_manifests(sources).unwrap();
    let declared = catalog::parse(DECLARED, "catalog.yaml").unwrap();
    let catalog = Catalog::assemble(vec![declared, calls_declared]).unwrap();
    let calls = calls(&files);
    // Every address in the manifests, with the shopping assistant's, which leads
    // nowhere.
    assert_eq!(
        calls.values().map(BTreeSet::len).sum::<usize>(),
        17,
        "{calls:#?}"
    );

    for name in [
        "cartservice",
        "productcatalogservice",
        "paymentservice",
        "adservice",
    ] {
        let radius = delete(&catalog, name);
        let (services, _) = down(&radius);
        assert_eq!(services, callers(&calls, name), "{name}");
    }
    let cart = delete(&catalog, "cartservice");
    let (services, functions) = down(&cart);
    assert_eq!(functions, ["buy"]);
    assert!(services.contains("frontend") && services.contains("checkoutservice"));

    // One of two caches takes nothing else down; without the group it would.
    let member = delete(&catalog, "redis-cart");
    let (services, functions) = down(&member);
    assert_eq!(services, BTreeSet::from(["redis-cart".to_owned()]));
    assert!(functions.is_empty(), "{functions:?}");
}
