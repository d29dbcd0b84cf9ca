use countersign_core::effect::{Effect, StateLoss, Verb};
use countersign_core::facts::Kind;
use proptest::prelude::*;

use super::*;
use crate::deployment::Outcome;
use crate::incident::Status;

fn at(minute: i64) -> Timestamp {
    Timestamp::from_second(1_772_000_000 + minute * 60).unwrap()
}

fn incident(services: &[&str]) -> Incident {
    let mut it = Incident::new(
        "INC-1".into(),
        "down".into(),
        at(0),
        Noted::by("ada", at(9000)),
    );
    it.status = Status::Resolved;
    it.resolved = Some(at(60));
    it.services = services.iter().map(|it| (*it).to_owned()).collect();
    it
}

fn change(id: &str, minute: i64, services: &[&str]) -> Change {
    let noted = Noted::by("ada", at(9000));
    let mut it = Change::new(ChangeRef::new("shop", id), Kind::Merge, at(minute), noted);
    it.services = services.iter().map(|it| (*it).to_owned()).collect();
    it.environment = Environment::Production;
    it
}

fn deployment(id: &str, minute: i64, service: &str) -> Deployment {
    let mut it = Deployment::new(
        id.into(),
        service.into(),
        at(minute),
        Noted::by("ada", at(9000)),
    );
    it.environment = Environment::Production;
    it.finished = Some(at(minute + 5));
    it.outcome = Outcome::Succeeded;
    it
}

fn find(
    incident: &Incident,
    changes: &[Change],
    deployments: &[Deployment],
    statements: &[Link],
) -> Found {
    let evidence = Evidence {
        changes,
        deployments,
        statements,
        catalog: None,
    };
    suggest(incident, &evidence, &Settings::default())
}

fn probability(found: &Found, id: &str) -> f64 {
    let to = match id {
        "none" => LinkTo::NoChange,
        id if id.starts_with('d') => LinkTo::Deployment(id.to_owned()),
        id => LinkTo::Change(ChangeRef::new("shop", id)),
    };
    found
        .suggested
        .iter()
        .find(|it| it.to == to)
        .map_or(0.0, |it| it.probability)
}

fn best(found: &Found) -> String {
    found.suggested[0].to.to_string()
}

fn said(to: LinkTo, minute: i64, by: &str, state: LinkState) -> Link {
    Link {
        noted: Noted::by(by, at(minute)).because("looked at it"),
        incident: "INC-1".into(),
        to,
        state,
        confidence: None,
        reasons: vec![],
    }
}

fn shop(id: &str) -> LinkTo {
    LinkTo::Change(ChangeRef::new("shop", id))
}

/// apache/incubator-devlake 8150: an incident is tied to the last deployment
/// before it, however long ago and of whatever service.
#[test]
fn an_old_deployment_is_not_blamed_for_being_the_last() {
    let found = find(
        &incident(&["cart"]),
        &[],
        &[deployment("d1", -90 * 24 * 60, "cart")],
        &[],
    );
    assert_eq!(found.looked_at, 0);
    assert_eq!(best(&found), "no-change");
    assert_eq!(probability(&found, "none"), 1.0);
    let found = find(
        &incident(&["cart"]),
        &[],
        &[deployment("d1", -6 * 24 * 60, "cart")],
        &[],
    );
    assert!(probability(&found, "none") > 0.99, "{found:?}");
}

/// 2879: "assuming the most recent deployment": a service match counts for more.
#[test]
fn the_latest_change_is_not_the_cause_for_being_the_latest() {
    let mut elsewhere = change("late", -5, &["mail"]);
    elsewhere.services.insert("newsletter".into());
    let found = find(
        &incident(&["cart"]),
        &[change("early", -60, &["cart"]), elsewhere],
        &[],
        &[],
    );
    assert_eq!(best(&found), "shop@early");
    assert!(
        probability(&found, "late") > 0.0,
        "and it stays a candidate"
    );
}

/// 4989: two installations with the same data tied an incident differently.
#[test]
fn the_same_data_give_the_same_links() {
    let changes = [
        change("a", -10, &["cart"]),
        change("b", -10, &["cart"]),
        change("c", -10, &["cart"]),
    ];
    let mut turned = changes.clone();
    turned.reverse();
    let incident = incident(&["cart"]);
    assert_eq!(
        find(&incident, &changes, &[], &[]),
        find(&incident, &turned, &[], &[])
    );
}

/// 6606: "how is the link made?"
#[test]
fn every_link_says_why() {
    let mut plan = change("plan", -30, &["db"]);
    plan.effects.push(Effect {
        verb: Verb::Delete,
        kind: "aws_db_instance".into(),
        object: "aws_db_instance.orders".into(),
        environment: Environment::Production,
        state: StateLoss::Destroyed,
        reasons: vec![],
        witness: "- aws_db_instance.orders".into(),
    });
    let mut incident = incident(&["cart"]);
    incident.objects.insert("aws_db_instance.orders".into());
    let found = find(
        &incident,
        &[plan, change("other", -20, &["cart"])],
        &[],
        &[],
    );
    let text = |it: &Suggested| {
        let reasons: Vec<_> = it.reasons.iter().map(|it| it.text.as_str()).collect();
        format!("{} {:.2}: {}", it.to, it.probability, reasons.join("; "))
    };
    let lines: Vec<String> = found.suggested.iter().map(text).collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn a_rollback_and_a_revert_point_at_what_they_take_back() {
    let mut first = deployment("d1", -120, "cart");
    first.changes.insert(ChangeRef::new("shop", "a"));
    let mut second = deployment("d2", -60, "cart");
    second.changes.insert(ChangeRef::new("shop", "b"));
    let mut back = deployment("d3", 20, "cart");
    back.moved = Move::RollBack;
    let changes = [change("a", -130, &["cart"]), change("b", -70, &["cart"])];
    let deployments = [first, second, back];
    let found = find(&incident(&["cart"]), &changes, &deployments, &[]);
    assert_eq!(best(&found), "shop@b", "what the rollback took back");
    assert!(probability(&found, "b") > 0.9, "{found:?}");
    let mut revert = change("r", 300, &["cart"]);
    revert.reverts.insert(ChangeRef::new("shop", "a"));
    let with_revert = [changes[0].clone(), changes[1].clone(), revert];
    let found = find(&incident(&["cart"]), &with_revert, &deployments[..2], &[]);
    assert_eq!(best(&found), "shop@a");
}

#[test]
fn what_went_elsewhere_or_came_after_is_hardly_a_cause() {
    let mut staging = change("staging", -5, &["cart"]);
    staging.environment = Environment::Staging;
    let later = change("later", 30, &["cart"]);
    let found = find(&incident(&["cart"]), &[staging, later], &[], &[]);
    assert_eq!(found.looked_at, 1);
    assert!(probability(&found, "staging") < 0.2);
}

#[test]
fn dependencies_make_a_cause_and_their_absence_unmakes_it() {
    let text = r"
version: 1
services:
  - id: web
    depends_on: [cart]
  - id: cart
  - id: mail
";
    let catalog = Catalog::parse(text, "catalog.yaml").unwrap();
    let changes = [
        change("needed", -60, &["cart"]),
        change("unrelated", -5, &["mail"]),
    ];
    let evidence = Evidence {
        changes: &changes,
        catalog: Some(&catalog),
        ..Evidence::default()
    };
    let found = suggest(&incident(&["web"]), &evidence, &Settings::default());
    assert_eq!(best(&found), "shop@needed");
    assert!(probability(&found, "unrelated") < 0.1);
}

#[test]
fn what_people_say_wins_and_erases_nothing() {
    let changes = [change("a", -10, &["cart"]), change("b", -60, &["mail"])];
    let incident = incident(&["cart"]);
    let computed = find(&incident, &changes, &[], &[]);
    let confirmed = said(shop("b"), 100, "bo", LinkState::Confirmed);
    let found = find(&incident, &changes, &[], std::slice::from_ref(&confirmed));
    assert_eq!(
        (best(&found), probability(&found, "b")),
        ("shop@b".into(), 1.0)
    );
    let a = found
        .suggested
        .iter()
        .find(|it| it.to == shop("a"))
        .unwrap();
    assert_eq!(
        a.computed, computed.suggested[0].computed,
        "what was computed stays"
    );
    // Two people disagree: evidence decides again, and it says so.
    let rejected = said(shop("b"), 90, "cy", LinkState::Rejected);
    let found = find(
        &incident,
        &changes,
        &[],
        &[confirmed.clone(), rejected.clone()],
    );
    assert_eq!(best(&found), "shop@a");
    assert!(found.suggested.iter().any(|it| it.contested));
    // The one who rejected changes their mind.
    let agrees = said(shop("b"), 120, "cy", LinkState::Confirmed);
    let found = find(&incident, &changes, &[], &[agrees, confirmed, rejected]);
    assert_eq!(probability(&found, "b"), 1.0);
    // A change that nobody had recorded, and no change at all.
    for to in [shop("unseen"), LinkTo::NoChange] {
        let found = find(
            &incident,
            &changes,
            &[],
            &[said(to.clone(), 100, "bo", LinkState::Confirmed)],
        );
        assert_eq!(
            (
                found.suggested[0].to.clone(),
                found.suggested[0].probability
            ),
            (to, 1.0)
        );
    }
}

proptest! {
    #[test]
    fn probabilities_add_up_to_one(
        changes in proptest::collection::vec((-20_000i64..20, 0usize..3, any::<bool>()), 0..30),
        statements in proptest::collection::vec((0usize..30, any::<bool>()), 0..4),
        most in 0usize..5,
    ) {
        let names = ["cart", "mail", "web"];
        let list: Vec<Change> = changes.iter().enumerate().map(|(place, (minute, service, production))| {
            let mut it = change(&place.to_string(), *minute, &[names[*service]]);
            if !production {
                it.environment = Environment::Staging;
            }
            it
        }).collect();
        let words: Vec<Link> = statements.iter().map(|(place, confirmed)| {
            let state = if *confirmed { LinkState::Confirmed } else { LinkState::Rejected };
            said(shop(&place.to_string()), 100, "bo", state)
        }).collect();
        let evidence = Evidence { changes: &list, statements: &words, ..Evidence::default() };
        let settings = Settings { most, ..Settings::default() };
        let found = suggest(&incident(&["cart"]), &evidence, &settings);
        let sum: f64 = found.suggested.iter().map(|it| it.probability).sum();
        prop_assert!((sum - 1.0).abs() < 1e-9, "{}", sum);
        let computed: f64 = found.suggested.iter().map(|it| it.computed).sum();
        prop_assert!((computed - 1.0).abs() < 1e-9, "{}", computed);
    }
}
