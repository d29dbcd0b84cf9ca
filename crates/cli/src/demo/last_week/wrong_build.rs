//! A build of another stage goes to the shop.

use std::collections::BTreeSet;

use countersign_core::catalog::Share;
use countersign_core::effect::Environment;
use countersign_core::facts::Kind;
use countersign_core::involvement;
use countersign_operations::change::ChangeRef;
use countersign_operations::deployment::{Deployment, Outcome, Stage};
use countersign_operations::factor::ClaimState;
use countersign_operations::incident::{AiPart, ImpactStep, Severity};
use countersign_operations::link::LinkTo;
use countersign_operations::noted::Noted;

use super::{at, change_of, incident, linked, names, said};
use crate::demo::changes::REPOSITORY;
use crate::demo::incidents::{Register, after};

/// Thursday: a build of another stage goes to the shop, over a halt.
pub(super) fn wrong_build(register: &mut Register) -> String {
    let start = at(3, 935);
    let id = register.next(start);
    let mut it = incident(
        id.clone(),
        "The shop is down: a build of the staging line on checkout",
        (start, 350),
        Severity::Sev1,
        90.0,
    );
    it.services = names(&["checkout", "storefront"]);
    it.functions = names(&["buy", "see-prices"]);
    it.ai = AiPart::None;
    it.impact.push(ImpactStep {
        from: after(start, 200),
        customers: Share::from_percent(25.0).unwrap_or_default(),
    });
    let change = ChangeRef::new(REPOSITORY, "bad0b01d00000000000000000000000000000002");
    let mut made = change_of(change.clone(), Kind::Deployment, after(start, -15), "mia");
    made.title = Some("checkout: v2026.03.12-rc".to_owned());
    made.services = names(&["checkout"]);
    made.tier = Some(1);
    made.team = Some("shop".to_owned());
    made.author_level = Some("mid".to_owned());
    made.involvement = involvement::Verdict::No;
    let halted = Stage {
        name: "canary".to_owned(),
        started: after(start, -15),
        customers: Share::from_percent(5.0).ok(),
        outcome: Outcome::Halted,
        reason: Some("version is not on the release line".to_owned()),
    };
    let everyone = Stage {
        name: "everyone".to_owned(),
        started: start,
        customers: Some(Share::ALL),
        outcome: Outcome::Succeeded,
        reason: None,
    };
    let noted = Noted::by("pipeline", after(start, 10));
    let mut rollout = Deployment::new(
        "dep-checkout-rc".to_owned(),
        "checkout".to_owned(),
        after(start, -15),
        noted,
    );
    rollout.version = Some("v2026.03.12-rc".to_owned());
    rollout.environment = Environment::Production;
    rollout.finished = Some(after(start, 10));
    rollout.outcome = Outcome::Succeeded;
    rollout.stages = vec![halted, everyone];
    rollout.changes = BTreeSet::from([change.clone()]);
    rollout.person = Some("mia".to_owned());
    let bypass = (id.as_str(), "bypassed-change-process");
    let missing = (id.as_str(), "missing-validation");
    register.records.extend([
        it.into(),
        made.into(),
        rollout.into(),
        linked(&id, LinkTo::Change(change), "sara", at(4, 500)),
        said(
            bypass,
            "sara",
            "sara",
            at(4, 520),
            ClaimState::Claimed,
            "the halt was overridden by hand",
        ),
        said(
            bypass,
            "sara",
            "gwen",
            at(4, 560),
            ClaimState::Confirmed,
            "the pipeline's log shows who",
        ),
        said(
            missing,
            "mia",
            "mia",
            at(4, 530),
            ClaimState::Claimed,
            "nothing compares the line with the stage",
        ),
    ]);
    id
}
