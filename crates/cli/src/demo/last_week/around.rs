//! What else went round the safeguards, and what follows from the week.

use std::collections::BTreeSet;

use countersign_core::decide::Verdict;
use countersign_core::facts::Kind;
use countersign_core::involvement;
use countersign_core::signoff::Digest;
use countersign_operations::action::{Action, ActionState};
use countersign_operations::change::ChangeRef;
use countersign_operations::decision::{Decision, RuleSaid};
use countersign_operations::noted::Noted;
use countersign_operations::record::Record;
use countersign_operations::sign_off::{SignOffGiven, Stated};

use super::{at, change_of, names};
use crate::demo::changes::REPOSITORY;

pub(super) fn action(id: String, title: &str, incident: &str, due: Option<(i64, &str)>) -> Record {
    let opened = at(4, 600);
    Action {
        noted: Noted::by("gwen", opened),
        id,
        title: title.to_owned(),
        incident: Some(incident.to_owned()),
        initiative: None,
        factor: None,
        owner: due.map(|(_, owner)| owner.to_owned()),
        due: due.map(|(day, _)| crate::demo::day_of(at(day, 0))),
        opened_at: opened,
        state: ActionState::Open,
        ended_at: None,
        evidence: None,
        url: None,
    }
    .into()
}

/// Wednesday, at night: a fix goes out without a sign-off, and nobody has looked
/// at it since.
pub(super) fn break_glass() -> Record {
    let issued = at(2, 95);
    SignOffGiven {
        noted: Noted::by("omar", issued),
        statement: Digest::of(b"break-glass"),
        change: ChangeRef::new(REPOSITORY, "0b0e000000000000000000000000000000000003"),
        kind: Kind::Merge,
        target: "main".to_owned(),
        person: "omar".to_owned(),
        stated: Stated::BrokeGlass,
        issued_at: issued,
        rules: names(&["ai-tier-1", "ninety-day-reset"]),
        message: Some("sign-in is down; this lets old sessions live on".to_owned()),
        of: None,
        review_due: Some(at(3, 95)),
    }
    .into()
}

/// Friday: somebody changes prices in the database by hand. No AI anywhere.
pub(super) fn hand_made() -> Record {
    let digest = Digest::of(b"update prices set ...");
    let change = ChangeRef::new(REPOSITORY, digest.to_string());
    let mut it = change_of(change, Kind::Action, at(4, 700), "joy");
    it.title = Some("Prices altered in the database by hand".to_owned());
    it.services = names(&["prices"]);
    it.tier = Some(1);
    it.team = Some("money".to_owned());
    it.author_level = Some("junior".to_owned());
    it.involvement = involvement::Verdict::No;
    it.bypassed = true;
    it.into()
}

/// A plan that waits for a sign-off.
pub(super) fn held() -> Record {
    let decided = at(4, 660);
    Decision {
        noted: Noted::by("noor", decided),
        change: ChangeRef::new(REPOSITORY, Digest::of(b"a plan").to_string()),
        kind: Kind::Plan,
        decided_at: decided,
        verdict: Verdict::Hold,
        rules: vec![RuleSaid {
            rule: "delete-and-recreate".to_owned(),
            verdict: Verdict::Hold,
            reason: "1 sign-off, at least senior".to_owned(),
        }],
        signers: BTreeSet::new(),
        policy: None,
        asked_by: "plan".to_owned(),
    }
    .into()
}
