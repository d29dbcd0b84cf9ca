//! An agent deletes and recreates an environment.

use std::collections::BTreeSet;

use countersign_core::decide::Verdict;
use countersign_core::effect::{Effect, Environment, StateLoss, Verb};
use countersign_core::facts::Kind;
use countersign_core::involvement::{self, Role};
use countersign_core::signoff::Digest;
use countersign_operations::change::ChangeRef;
use countersign_operations::factor::ClaimState;
use countersign_operations::guard::GuardDecision;
use countersign_operations::incident::{AiPart, Severity};
use countersign_operations::link::LinkTo;
use countersign_operations::noted::Noted;
use countersign_operations::record::Record;

use super::{at, change_of, incident, linked, names, said, timeline};
use crate::demo::changes::REPOSITORY;
use crate::demo::incidents::{Register, after};

/// Tuesday: an agent chooses to delete and recreate the environment.
pub(super) fn environment(register: &mut Register) -> String {
    let start = at(1, 822);
    let id = register.next(start);
    let mut it = incident(
        id.clone(),
        "Nobody can sign in: the accounts environment was deleted and recreated",
        (start, 13 * 60),
        Severity::Sev1,
        60.0,
    );
    it.services = names(&["accounts"]);
    it.functions = names(&["sign-in", "buy"]);
    it.regions = names(&["eu-west"]);
    it.objects = names(&["module.accounts"]);
    it.ai = AiPart::Took(BTreeSet::from([Role::Executed]));
    it.timeline = timeline(&[
        (
            after(start, -22),
            "an agent is asked to mend a drift of the accounts environment",
        ),
        (
            after(start, -2),
            "it chooses to delete and recreate it, with the rights of whoever asked",
        ),
        (start, "sign-in fails in eu-west"),
        (
            after(start, 13 * 60),
            "the last backup is restored, and sign-in works",
        ),
    ]);
    let digest = Digest::of(b"terraform destroy -target=module.accounts && terraform apply");
    let change = ChangeRef::new(REPOSITORY, digest.to_string());
    let usage = "kiro/claude-sonnet/agent-autonomous/infrastructure/production";
    let effect = Effect {
        verb: Verb::Replace,
        kind: "environment".to_owned(),
        object: "module.accounts".to_owned(),
        environment: Environment::Production,
        state: StateLoss::Unknown,
        reasons: Vec::new(),
        witness: "terraform destroy -target=module.accounts".to_owned(),
    };
    let mut made = change_of(change.clone(), Kind::Action, after(start, -2), "noor");
    made.title = Some("Delete and recreate the accounts environment".to_owned());
    made.services = names(&["accounts"]);
    made.tier = Some(1);
    made.team = Some("identity".to_owned());
    made.author_level = Some("mid".to_owned());
    made.involvement = involvement::Verdict::Yes;
    made.roles = BTreeSet::from([Role::Executed]);
    made.tools = names(&["kiro"]);
    made.usages = names(&[usage]);
    made.bypassed = true;
    made.effects = vec![effect.clone()];
    let asked = GuardDecision {
        noted: Noted::by("noor", after(start, -2)),
        id: Digest::of(b"the environment").to_string(),
        asked_at: after(start, -3),
        tool: "kiro".to_owned(),
        model: Some("claude-sonnet".to_owned()),
        session: None,
        person: Some("noor".to_owned()),
        action: digest,
        summary: "terraform destroy -target=module.accounts && terraform apply".to_owned(),
        verdict: Verdict::Refuse,
        rules: names(&["agents-recreate-nothing"]),
        environment: Environment::Production,
        effects: vec![effect],
        usage: Some(usage.to_owned()),
        shadow: true,
        ran: Some(true),
    };
    register.records.extend([
        it.into(),
        made.into(),
        asked.into(),
        linked(&id, LinkTo::Change(change), "li", at(2, 540)),
    ]);
    register.records.extend(claims_of_environment(&id));
    id
}

/// What people say of it, and do not agree on.
fn claims_of_environment(id: &str) -> [Record; 7] {
    let (claimed, confirmed, disputed) = (
        ClaimState::Claimed,
        ClaimState::Confirmed,
        ClaimState::Disputed,
    );
    let inherited = (id, "inherited-permission");
    let novel = (id, "novel-usage");
    let unreviewed = (id, "unreviewed-agent-change");
    [
        said(
            inherited,
            "li",
            "li",
            at(2, 560),
            claimed,
            "it ran with the rights of an operator",
        ),
        said(
            inherited,
            "li",
            "gwen",
            at(2, 700),
            confirmed,
            "the log of the roles shows it",
        ),
        said(
            novel,
            "sara",
            "sara",
            at(2, 580),
            claimed,
            "nobody had decided on agents in infrastructure",
        ),
        said(
            novel,
            "sara",
            "noor",
            at(2, 720),
            disputed,
            "a person with these rights could have done the same",
        ),
        said(
            unreviewed,
            "li",
            "li",
            at(2, 600),
            claimed,
            "no second person saw the plan",
        ),
        said(
            unreviewed,
            "li",
            "gwen",
            at(2, 705),
            confirmed,
            "there is no sign-off",
        ),
        said(
            (id, "backup-in-blast-radius"),
            "omar",
            "omar",
            at(3, 480),
            claimed,
            "the daily snapshot went with it",
        ),
    ]
}
