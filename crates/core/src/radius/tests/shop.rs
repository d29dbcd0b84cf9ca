//! A small shop, with the answers a person would give.

use crate::catalog::{Catalog, Node, Share};
use crate::effect::{Effect, Environment, StateLoss, Verb};
use crate::radius::{Actual, Change, Hit, Impact, Model, Placement, Radius, Recovery, Stage};

const SHOP: &str = r#"
version: 1
regions:
  - {id: eu-west-1, customers: 60}
  - {id: us-east-1, customers: 40}
functions:
  - {id: buy, tier: 0, customers: 80, needs: [checkout]}
  - {id: prices, tier: 1, customers: 100, needs: [catalogue, {service: currency, kind: soft}]}
services:
  - {id: checkout, tier: 0, runs_in: [eu-west-1, us-east-1], revert: 10m, depends_on: [cart, {service: mail, kind: async}]}
  - {id: cart, tier: 1, runs_in: [eu-west-1, us-east-1], revert: 10m, depends_on: [cart-store]}
  - {id: redis-a, stateful: true, backup: true, restore: 2h, runs_in: [eu-west-1, us-east-1]}
  - {id: redis-b, stateful: true, runs_in: [eu-west-1, us-east-1]}
  - {id: catalogue, tier: 1, runs_in: [eu-west-1, us-east-1], revert: 10m}
  - {id: currency, tier: 2, revert: 5m, paths: [services/currency]}
  - {id: mail, revert: 5m}
redundancy:
  - {id: cart-store, members: [redis-a, redis-b]}
not_shipped: ["**/*.md"]
"#;

fn shop() -> Catalog {
    Catalog::parse(SHOP, "catalog.yaml").unwrap()
}

fn hit(catalog: &Catalog, verb: Verb, service: &str) -> Hit {
    let effect = Effect {
        verb,
        kind: "service".to_owned(),
        object: service.to_owned(),
        environment: Environment::Production,
        state: StateLoss::None,
        reasons: Vec::new(),
        witness: format!("{} {service}", verb.as_str()),
    };
    Hit::placed(&effect, catalog)
}

fn deletes(catalog: &Catalog, services: &[&str]) -> Radius {
    let hits = services
        .iter()
        .map(|service| hit(catalog, Verb::Delete, service))
        .collect();
    let change = Change {
        hits,
        ..Change::default()
    };
    Model::new(catalog).radius(&change)
}

fn down(radius: &Radius) -> Vec<&str> {
    let claims = radius.functions.iter().chain(&radius.services);
    let down = claims.filter(|claim| claim.impact == Impact::Down);
    down.map(|claim| claim.id.as_str()).collect()
}

#[test]
fn one_redundant_member_takes_nothing_down_and_both_take_all() {
    let catalog = shop();
    let one = deletes(&catalog, &["redis-a"]);
    assert!(down(&one).is_empty());
    assert_eq!(one.facts.services.likely, 1);
    assert_eq!(one.facts.customers_share.likely, Share::NONE);
    let both = deletes(&catalog, &["redis-b", "redis-a"]);
    assert_eq!(down(&both), ["buy", "checkout", "cart"]);
    assert_eq!(both.facts.customers_share.likely.to_string(), "80 %");
    assert_eq!(both.facts.tier0_down_share.likely.to_string(), "80 %");
    let path: Vec<String> = both.functions[0]
        .path
        .iter()
        .map(|step| format!("{} {:?}", step.id, step.also_lost))
        .collect();
    assert_eq!(
        path,
        [
            "redis-b []",
            "cart-store [\"redis-a\"]",
            "cart []",
            "checkout []",
            "buy []"
        ]
    );
}

#[test]
fn soft_needs_degrade_and_async_needs_are_possible() {
    let catalog = shop();
    let currency = deletes(&catalog, &["currency"]);
    assert_eq!(currency.facts.functions_down.likely, 0);
    assert_eq!(currency.facts.functions_degraded, 1);
    assert_eq!(currency.functions[0].impact, Impact::Degraded);
    let mail = deletes(&catalog, &["mail"]);
    assert_eq!(mail.functions[0].impact, Impact::Possible);
    assert_eq!(mail.possible_services, ["checkout"]);
    assert_eq!(mail.facts.functions_down.high, 1);
    assert_eq!(mail.facts.customers_share.likely, Share::NONE);
    assert_eq!(mail.facts.customers_share.high.to_string(), "80 %");
}

#[test]
fn a_rollout_reaches_one_region_at_a_time() {
    let catalog = shop();
    let stage = |name: &str, units: Vec<u32>, percent: f64| Stage {
        name: name.to_owned(),
        units,
        share: Share::from_percent(percent).unwrap(),
        bake_seconds: None,
    };
    let change = Change {
        hits: vec![hit(&catalog, Verb::Update, "cart")],
        rollout: vec![
            stage("canary", vec![0], 5.0),
            stage("europe", vec![0], 100.0),
            stage("world", vec![], 100.0),
        ],
        ..Change::default()
    };
    let radius = Model::new(&catalog).radius(&change);
    let shares: Vec<String> = radius
        .stages
        .iter()
        .map(|stage| {
            let share = stage.facts.customers_share;
            format!("{} {} {}", stage.name, share.likely, share.high)
        })
        .collect();
    assert_eq!(
        shares,
        ["canary 2.4 % 48 %", "europe 48 % 48 %", "world 80 % 80 %"]
    );
    assert_eq!(radius.facts.recovery, Recovery::Seconds(600));
}

#[test]
fn what_cannot_be_placed_may_be_anything() {
    let catalog = shop();
    let radius = deletes(&catalog, &["mystery"]);
    assert!(radius.facts.high_is_everything);
    assert_eq!(radius.facts.services.high, 7);
    assert_eq!(radius.facts.services.likely, 0);
    assert_eq!(radius.facts.customers_share.high, Share::ALL);
    assert_eq!(radius.facts.unknown_share, Share::ALL);
    assert_eq!(radius.facts.recovery, Recovery::Unknown);
    assert_eq!(radius.unplaced, ["mystery"]);
    // Something new that nothing needs yet takes nothing along.
    let new = Change {
        hits: vec![hit(&catalog, Verb::Create, "mystery")],
        ..Change::default()
    };
    let new = Model::new(&catalog).radius(&new);
    assert_eq!(new.facts.services.high, 0);
    assert_eq!(new.facts.unknown_share, Share::ALL);
}

#[test]
fn lost_state_is_named() {
    let catalog = shop();
    let with = |service: &str, state| Hit {
        state,
        ..hit(&catalog, Verb::Delete, service)
    };
    let change = Change {
        hits: vec![
            with("redis-a", StateLoss::Unknown),
            with("redis-b", StateLoss::Unknown),
            with("catalogue", StateLoss::Destroyed),
            with("mail", StateLoss::BackedUp),
        ],
        ..Change::default()
    };
    let facts = Model::new(&catalog).radius(&change).facts;
    let bounds = facts.irreversible_without_backup;
    assert_eq!((bounds.low, bounds.likely, bounds.high), (1, 2, 3));
    let names: Vec<(&str, bool)> = facts
        .losses
        .iter()
        .map(|loss| (loss.object.as_str(), loss.covered))
        .collect();
    assert_eq!(
        names,
        [("catalogue", false), ("redis-a", true), ("redis-b", false)]
    );
}

#[test]
fn paths_and_other_environments() {
    let catalog = shop();
    let radius = |hits| {
        let change = Change {
            hits,
            ..Change::default()
        };
        Model::new(&catalog).radius(&change).facts
    };
    let docs = radius(vec![Hit::path("services/currency/README.md", &catalog)]);
    assert_eq!(docs, crate::radius::RadiusFacts::default());
    let code = radius(vec![Hit::path("services/currency/main.go", &catalog)]);
    assert_eq!((code.services.low, code.functions_degraded), (1, 1));
    let stray = radius(vec![Hit::path("Makefile", &catalog)]);
    assert!(stray.high_is_everything);
    let staging = Hit {
        environment: Environment::Staging,
        ..hit(&catalog, Verb::Delete, "checkout")
    };
    assert_eq!(radius(vec![staging]), crate::radius::RadiusFacts::default());
    let function = Hit {
        place: Placement::At(vec![Node::Function(0)]),
        ..hit(&catalog, Verb::Delete, "checkout")
    };
    let facts = radius(vec![function]);
    assert_eq!(facts.functions_down.low, 1);
    assert_eq!(facts.severity.low, facts.severity.likely);
}

#[test]
fn predictions_are_scored() {
    let catalog = shop();
    let radius = deletes(&catalog, &["cart"]);
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let score = radius.score(&Actual {
        services: names(&["cart", "checkout", "mail"]),
        functions: names(&["buy"]),
        customers: Some(Share::from_percent(90.0).unwrap()),
    });
    assert_eq!(score.services.recall(), Some(Share::from_ppm(666_666)));
    assert_eq!(score.services.precision(), Some(Share::ALL));
    assert_eq!(score.functions.missed, 0);
    assert!(!score.services_within && score.functions_within);
    assert_eq!(score.customers_within, Some(false));
}

#[test]
fn the_radius_as_json() {
    let catalog = shop();
    let radius = deletes(&catalog, &["redis-a", "redis-b"]);
    insta::assert_snapshot!(serde_json::to_string_pretty(&radius).unwrap());
}
