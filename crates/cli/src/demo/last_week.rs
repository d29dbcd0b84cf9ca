//! The week that the review is about: three grave incidents, what led to them,
//! and what went round the safeguards.

use std::collections::BTreeSet;

use countersign_core::catalog::Share;
use countersign_core::decide::Verdict;
use countersign_core::effect::{Effect, Environment, StateLoss, Verb};
use countersign_core::facts::Kind;
use countersign_core::involvement::{self, Role};
use countersign_core::signoff::Digest;
use countersign_operations::action::{Action, ActionState};
use countersign_operations::change::{Change, ChangeRef};
use countersign_operations::decision::{Decision, RuleSaid};
use countersign_operations::deployment::{Deployment, Outcome, Stage};
use countersign_operations::factor::{ClaimState, FactorClaim};
use countersign_operations::guard::GuardDecision;
use countersign_operations::incident::{
    AiPart, ImpactStep, Incident, Severity, Status, TimelineEntry,
};
use countersign_operations::link::{Link, LinkState, LinkTo};
use countersign_operations::noted::Noted;
use countersign_operations::record::Record;
use countersign_operations::sign_off::{SignOffGiven, Stated};
use jiff::Timestamp;

use super::changes::REPOSITORY;
use super::incidents::{Register, after};
use super::{WEEKS, moment};

/// A moment of the last week.
fn at(day: i64, minute: i64) -> Timestamp {
    moment(WEEKS - 1, day, minute)
}

/// All of it; the id of the incident of the environment.
pub(super) fn happen(register: &mut Register) -> String {
    let wiki = stale_wiki(register);
    let environment = environment(register);
    let build = wrong_build(register);
    for (title, incident, due) in [
        (
            "Restore the accounts environment every month",
            &environment,
            Some((6, "li")),
        ),
        (
            "The pipeline refuses builds of another stage",
            &build,
            Some((10, "sara")),
        ),
        ("Wiki pages of prices carry a date of expiry", &wiki, None),
    ] {
        let id = register.next_action(at(4, 600));
        let opened = action(id, title, incident, due);
        register.records.push(opened);
    }
    register
        .records
        .extend([break_glass(), hand_made(), held()]);
    environment
}

/// An incident as it was known when it was over.
fn incident(
    id: String,
    title: &str,
    (start, minutes): (Timestamp, i64),
    severity: Severity,
    felt: f64,
) -> Incident {
    let noted = Noted::by("gwen", after(start, minutes + 45));
    let mut it = Incident::new(id, title.to_owned(), start, noted);
    it.severity = Some(severity);
    it.status = Status::Resolved;
    it.detected = Some(after(start, 4));
    it.resolved = Some(after(start, minutes));
    it.impact = vec![ImpactStep {
        from: start,
        customers: Share::from_percent(felt).unwrap_or_default(),
    }];
    it
}

fn names(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|it| (*it).to_owned()).collect()
}

fn timeline(entries: &[(Timestamp, &str)]) -> Vec<TimelineEntry> {
    let entries = entries.iter().map(|(at, text)| TimelineEntry {
        at: *at,
        text: (*text).to_owned(),
    });
    entries.collect()
}

fn said(
    of: (&str, &str),
    claimant: &str,
    by: &str,
    at: Timestamp,
    state: ClaimState,
    why: &str,
) -> Record {
    let (incident, factor) = of;
    FactorClaim {
        noted: Noted::by(by, at).because(why),
        incident: incident.to_owned(),
        factor: factor.to_owned(),
        claimant: claimant.to_owned(),
        state,
        evidence: vec![format!("timeline of {incident}")],
    }
    .into()
}

fn linked(incident: &str, to: LinkTo, by: &str, at: Timestamp) -> Record {
    Link {
        noted: Noted::by(by, at).because("it says so in the timeline"),
        incident: incident.to_owned(),
        to,
        state: LinkState::Confirmed,
        confidence: None,
        reasons: Vec::new(),
    }
    .into()
}

/// Monday: an engineer asks for advice, and gets that of an old page.
fn stale_wiki(register: &mut Register) -> String {
    let start = at(0, 615);
    let id = register.next(start);
    let mut it = incident(
        id.clone(),
        "Prices without tax in one country",
        (start, 95),
        Severity::Sev2,
        12.0,
    );
    it.services = names(&["prices"]);
    it.functions = names(&["see-prices"]);
    it.ai = AiPart::Took(BTreeSet::from([Role::Advised]));
    it.timeline = timeline(&[
        (
            after(start, -40),
            "an assistant answers with the steps of a wiki page of 2022",
        ),
        (
            after(start, -5),
            "the tax table is loaded as that page says",
        ),
        (start, "prices are shown without tax"),
    ]);
    let change = ChangeRef::new(REPOSITORY, "7a11c0de00000000000000000000000000000001");
    let mut made = change_of(change.clone(), Kind::Merge, after(start, -5), "max");
    made.title = Some("Load the tax table".to_owned());
    made.services = names(&["prices"]);
    made.tier = Some(1);
    made.team = Some("money".to_owned());
    made.author_level = Some("mid".to_owned());
    made.lines = 14;
    made.files = 1;
    made.involvement = involvement::Verdict::Yes;
    made.roles = BTreeSet::from([Role::Advised]);
    let claimed = (id.as_str(), "stale-source-advice");
    register.records.extend([
        it.into(),
        made.into(),
        linked(&id, LinkTo::Change(change), "omar", at(0, 840)),
        said(
            claimed,
            "max",
            "max",
            at(0, 850),
            ClaimState::Claimed,
            "the page was of 2022",
        ),
        said(
            claimed,
            "max",
            "omar",
            at(0, 930),
            ClaimState::Confirmed,
            "the page is there, with its date",
        ),
    ]);
    id
}

fn change_of(change: ChangeRef, kind: Kind, shipped: Timestamp, person: &str) -> Change {
    let mut it = Change::new(
        change,
        kind,
        shipped,
        Noted::by("history", after(shipped, 10)),
    );
    it.people = names(&[person]);
    it.environment = Environment::Production;
    it
}

/// Tuesday: an agent chooses to delete and recreate the environment.
fn environment(register: &mut Register) -> String {
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

/// Thursday: a build of another stage goes to the shop, over a halt.
fn wrong_build(register: &mut Register) -> String {
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

fn action(id: String, title: &str, incident: &str, due: Option<(i64, &str)>) -> Record {
    let opened = at(4, 600);
    Action {
        noted: Noted::by("gwen", opened),
        id,
        title: title.to_owned(),
        incident: Some(incident.to_owned()),
        initiative: None,
        factor: None,
        owner: due.map(|(_, owner)| owner.to_owned()),
        due: due.map(|(day, _)| super::day_of(at(day, 0))),
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
fn break_glass() -> Record {
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
fn hand_made() -> Record {
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
fn held() -> Record {
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
