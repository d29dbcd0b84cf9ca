//! The weekly review through the binary, on both engines.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "set-up that fails has to fail loudly"
)]

mod common;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;

use common::{Org, shown};
use countersign_core::effect::Environment;
use countersign_core::facts::Kind;
use countersign_core::involvement::{Role, Verdict};
use countersign_core::ledger;
use countersign_core::signoff::Digest;
use countersign_operations::action::{Action, ActionState};
use countersign_operations::change::{Change, ChangeRef};
use countersign_operations::decision::{Decision, RuleSaid};
use countersign_operations::deployment::{Deployment, Outcome, Stage};
use countersign_operations::factor::{ClaimState, FactorClaim};
use countersign_operations::guard::GuardDecision;
use countersign_operations::incident::{AiPart, Incident, Severity, Status};
use countersign_operations::link::{Link, LinkState, LinkTo};
use countersign_operations::noted::Noted;
use countersign_operations::record::Record;
use countersign_operations::sign_off::{SignOffGiven, Stated};
use countersign_store::{Address, Store};
use countersign_testkit::programs::installed;
use countersign_testkit::{Who, postgres};
use jiff::{SignedDuration, Timestamp};
use tempfile::TempDir;

const CATALOG: &str = "version: 1\ndefault_tier: 3\nservices:\n  - id: checkout\n    tier: 1\n    paths: [\"checkout/**\"]\n  - id: search\n    tier: 2\n    paths: [\"search/**\"]\n";
const OBJECTIVES: &str = "version = 1\n[[objective]]\nid = \"sev2-per-day\"\ntitle = \"Sev2 or worse per day\"\nmetric = \"incidents-per-day\"\nseverity = \"sev2\"\nat_most = 0.1\n[[objective]]\nid = \"checkout-there\"\ntitle = \"Checkout is there\"\nmetric = \"availability\"\ndefinition = \"customer-weighted\"\nservices = [\"checkout\"]\nat_least = 99.95\n";

const USAGES: &str = "version = 1\n[[usage]]\nid = \"code\"\nactivity = \"code\"\nmaturity = \"trial\"\nowner = \"pat\"\nsafeguards = [\"canary\"]\nin_place = [\"canary\"]\nweekly_percent = 40\n";
const CODE: &str = "claude-code/claude-opus/agent-interactive/code/production";

/// An organisation, and a database with 40 weeks of it.
struct Scene {
    org: Org,
    dir: TempDir,
    address: String,
}

fn at(day: &str, minute: i64) -> Timestamp {
    let day: Timestamp = format!("2026-{day}T00:00:00Z").parse().unwrap();
    day + SignedDuration::from_mins(minute)
}

fn incident(id: &str, title: &str, day: &str, severity: Severity, ai: AiPart) -> Record {
    let noted = Noted::by("sen", at(day, 700));
    let mut it = Incident::new(id.into(), title.into(), at(day, 600), noted);
    it.severity = Some(severity);
    it.status = Status::Resolved;
    it.resolved = Some(at(day, 660));
    it.services = BTreeSet::from(["checkout".to_owned()]);
    it.ai = ai;
    it.into()
}

fn claim(incident: &str, factor: &str, state: ClaimState, by: &str, of: &str) -> Record {
    let minute = if by == of { 800 } else { 900 };
    FactorClaim {
        noted: Noted::by(by, at("03-12", minute)).because("seen in the timeline"),
        incident: incident.into(),
        factor: factor.into(),
        claimant: of.into(),
        state,
        evidence: vec!["timeline".into()],
    }
    .into()
}

fn changes() -> Vec<Record> {
    let last = at("03-13", 0);
    let change = |n: i64| {
        let shipped = last - SignedDuration::from_hours(n * 4);
        let noted = Noted::by("history", shipped);
        let reference = ChangeRef::new("shop", format!("c{n}"));
        let mut it = Change::new(reference, Kind::Merge, shipped, noted);
        it.services = BTreeSet::from([if n % 3 == 0 { "search" } else { "checkout" }.to_owned()]);
        it.tier = Some(if n % 3 == 0 { 2 } else { 1 });
        it.team = Some("shop".into());
        it.lines = 120;
        it.involvement = if n % 2 == 0 {
            Verdict::Yes
        } else {
            Verdict::Unknown
        };
        if n % 2 == 0 {
            it.usages.insert(CODE.to_owned());
            it.people
                .insert(if n % 4 == 0 { "mia" } else { "jun" }.to_owned());
        }
        it.bypassed = n == 3;
        it.title = (n == 3).then(|| "Straight | to <production>".to_owned());
        it.into()
    };
    (0..1_680).map(change).collect()
}

/// Two answers of the guard to an agent in production, one of them no.
fn asked() -> Vec<Record> {
    let asked = |call: &str, verdict| {
        let decision = GuardDecision {
            noted: Noted::by("mia", at("03-12", 400)),
            id: Digest::of(call.as_bytes()).to_string(),
            asked_at: at("03-12", 300),
            tool: "kiro".into(),
            model: None,
            session: None,
            person: Some("mia".into()),
            action: Digest::of(call.as_bytes()),
            summary: call.into(),
            verdict,
            rules: BTreeSet::new(),
            environment: Environment::Production,
            effects: Vec::new(),
            usage: None,
            shadow: false,
            ran: None,
        };
        decision.into()
    };
    let no = countersign_core::decide::Verdict::Refuse;
    let yes = countersign_core::decide::Verdict::Allow;
    vec![
        asked("terraform destroy", no),
        asked("kubectl get pods", yes),
    ]
}

fn linked(incident: &str, change: &str) -> Record {
    Link {
        noted: Noted::by("sen", at("03-12", 0)).because("it was the deploy"),
        incident: incident.into(),
        to: LinkTo::Change(ChangeRef::new("shop", change)),
        state: LinkState::Confirmed,
        confidence: None,
        reasons: Vec::new(),
    }
    .into()
}

fn week() -> Vec<Record> {
    let executed = AiPart::Took(BTreeSet::from([Role::Executed]));
    let broke = SignOffGiven {
        noted: Noted::by("sen", at("03-10", 605)),
        statement: Digest::of(b"broke"),
        change: ChangeRef::new("shop", "c9"),
        kind: Kind::Merge,
        target: "main".into(),
        person: "sen".into(),
        stated: Stated::BrokeGlass,
        issued_at: at("03-10", 605),
        rules: BTreeSet::from(["ai-tier-1".to_owned()]),
        message: Some("the shop is down".into()),
        of: None,
        review_due: Some(at("03-12", 605)),
    };
    let approved = SignOffGiven {
        statement: Digest::of(b"approved"),
        change: ChangeRef::new("shop", "c6"),
        stated: Stated::Approved,
        issued_at: at("03-11", 660),
        review_due: None,
        message: None,
        ..broke.clone()
    };
    let held = |change: &str, day: &str| Decision {
        noted: Noted::by("mia", at(day, 540)),
        change: ChangeRef::new("shop", change),
        kind: Kind::Plan,
        decided_at: at(day, 540),
        verdict: countersign_core::decide::Verdict::Hold,
        rules: vec![RuleSaid {
            rule: "ai-tier-1".into(),
            verdict: countersign_core::decide::Verdict::Hold,
            reason: "needs an independent sign-off".into(),
        }],
        signers: BTreeSet::new(),
        policy: None,
        asked_by: "plan".into(),
    };
    let mut rollout = Deployment::new(
        "dep-7".into(),
        "checkout".into(),
        at("03-11", 60),
        Noted::by("cd", at("03-11", 90)),
    );
    rollout.outcome = Outcome::Halted;
    rollout.stages = vec![Stage {
        name: "5 %".into(),
        started: at("03-11", 60),
        customers: None,
        outcome: Outcome::Halted,
        reason: Some("errors above 1 %".into()),
    }];
    let action = Action {
        noted: Noted::by("sen", at("03-10", 0)),
        id: "ACT-2026-1".into(),
        title: "Restore test every day".into(),
        incident: Some("INC-2026-9".into()),
        initiative: None,
        factor: None,
        owner: Some("mia".into()),
        due: Some("2026-03-12".parse().unwrap()),
        opened_at: at("03-10", 0),
        state: ActionState::Open,
        ended_at: None,
        evidence: None,
        url: None,
    };
    vec![
        incident(
            "INC-2026-9",
            "Checkout refuses orders",
            "03-10",
            Severity::Sev1,
            executed,
        ),
        incident(
            "INC-2026-10",
            "Prices are stale",
            "03-11",
            Severity::Sev3,
            AiPart::Unknown,
        ),
        claim(
            "INC-2026-9",
            "novel-usage",
            ClaimState::Claimed,
            "mia",
            "mia",
        ),
        claim(
            "INC-2026-9",
            "missing-validation",
            ClaimState::Claimed,
            "sen",
            "sen",
        ),
        claim(
            "INC-2026-9",
            "missing-validation",
            ClaimState::Confirmed,
            "pat",
            "sen",
        ),
        broke.into(),
        approved.into(),
        held("c6", "03-11").into(),
        held("plan-1", "03-12").into(),
        rollout.into(),
        action.into(),
    ]
}

fn history() -> Vec<Record> {
    (1..30)
        .map(|n| {
            let day = at("03-09", 0) - SignedDuration::from_hours(24 * 9 * n);
            let day = day.strftime("%Y-%m-%d").to_string();
            let started: Timestamp = format!("{day}T10:00:00Z").parse().unwrap();
            let mut it = Incident::new(
                format!("OLD-{n}"),
                "Slow search".into(),
                started,
                Noted::by("sen", started + SignedDuration::from_mins(31)),
            );
            it.severity = Some(if n % 4 == 0 {
                Severity::Sev2
            } else {
                Severity::Sev4
            });
            it.status = Status::Resolved;
            it.resolved = Some(started + SignedDuration::from_mins(30));
            it.services = BTreeSet::from(["search".to_owned()]);
            it.into()
        })
        .collect()
}

fn entry(record: &Record) -> ledger::Record {
    let body = record.to_json().unwrap();
    let at = record.at().as_microsecond();
    ledger::Record::from_parts(record.kind().as_str().to_owned(), record.key(), at, body).unwrap()
}

impl Scene {
    fn sqlite() -> Self {
        let dir = TempDir::new().unwrap();
        let address = dir.path().join("ops.db").display().to_string();
        Self::on(dir, address)
    }

    fn on(dir: TempDir, address: String) -> Self {
        let org = Org::new();
        let pat = Who::new("Pat Principal", "pat@example.com");
        let files = [
            (".countersign/catalog.yaml", CATALOG),
            (".countersign/objectives.toml", OBJECTIVES),
            (".countersign/usage.toml", USAGES),
        ];
        org.repo.commit(pat, "Catalogue and objectives", &files);
        let links = vec![linked("INC-2026-9", "c18")];
        let scene = Self { org, dir, address };
        scene.record(&[changes(), history(), week(), asked(), links].concat());
        scene
    }

    /// Adds records to the ledger.
    fn record(&self, records: &[Record]) {
        let address: Address = self.address.parse().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let store = Store::migrate(&address).await.unwrap();
            let entries = records.iter().map(entry).collect();
            store.append("test", entries).await.unwrap();
            store.close().await;
        });
    }

    /// Runs a line of arguments; single quotes keep words together.
    fn run(&self, line: &str) -> String {
        let mut args: Vec<String> = Vec::new();
        for (place, part) in line.split('\'').enumerate() {
            if place % 2 == 1 {
                args.push(part.to_owned());
            } else {
                args.extend(part.split_whitespace().map(str::to_owned));
            }
        }
        let output = Command::new(env!("CARGO_BIN_EXE_countersign"))
            .current_dir(self.org.repo.path())
            .args(&args)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_SYSTEM", "/dev/null")
            .env("COUNTERSIGN_DB", &self.address)
            .env("NO_COLOR", "1")
            .output()
            .unwrap();
        shown(&output)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }
}

const BUILD: &str = "review build --week 2026-W11 --cut-off 2026-03-17T08:00:00Z";

/// Without the hashes, which depend on when the test wrote its records.
fn without_hashes(text: &str) -> &str {
    text.split("**What was read**").next().unwrap()
}

#[test]
fn a_review_decides_and_is_the_same_on_both_engines() {
    let scene = Scene::sqlite();
    let text = scene.run(BUILD);
    insta::assert_snapshot!(without_hashes(&text));
    assert_eq!(text, scene.run(BUILD), "the same bytes again");
    if let Some(server) = postgres::server() {
        let database = server.database();
        let other = Scene::on(TempDir::new().unwrap(), database.url());
        assert_eq!(without_hashes(&other.run(BUILD)), without_hashes(&text));
    }
}

#[test]
fn the_page_stands_alone_and_the_json_is_versioned() {
    let scene = Scene::sqlite();
    let html = scene.run(&format!("{BUILD} --format html"));
    assert!(html.contains("<svg") && html.contains("Straight | to &lt;production&gt;"));
    for foreign in ["<script", "src=", "href=", "@import", "url("] {
        assert!(!html.contains(foreign), "{foreign}");
    }
    let json = scene.run(&format!("{BUILD} --format json"));
    let json: serde_json::Value =
        serde_json::from_str(json.strip_prefix("exit 0\n").unwrap()).unwrap();
    assert_eq!(json["schema"], "countersign.review/1");
    assert_eq!(json["bypasses"][0]["kind"], "overdue-break-glass");
    assert_eq!(json["metrics"][0]["id"], "sev2-per-day");
    let uses = json["usage"].as_array().unwrap();
    let kiro = &uses[1];
    assert_eq!(
        kiro["pattern"],
        "kiro/unknown/unknown/operations/production"
    );
    // what was refused is no use
    assert_eq!((&kiro["seen"], &kiro["is_new"]), (&1.into(), &true.into()));
    let code = &uses[0];
    assert_eq!(
        (&code["pattern"], &code["is_new"]),
        (&CODE.into(), &false.into())
    );
    assert_eq!(
        (&code["incidents"], &code["people"]),
        (&1.into(), &2.into())
    );
    assert_eq!(
        (&code["owner"], &code["weekly_cap"]),
        (&"pat".into(), &10.into())
    );
    let file = scene.file("review.html");
    let said = scene.run(&format!("{BUILD} --format html -o '{}'", file.display()));
    assert_eq!(said, "exit 0\n");
    assert!(
        std::fs::read_to_string(file)
            .unwrap()
            .contains("Weekly review 2026-W11")
    );
}

#[test]
fn the_page_prints_as_pdf() {
    if installed(&["chromium", "google-chrome", "chromium-browser"]).is_none() {
        return;
    }
    let scene = Scene::sqlite();
    let file = scene.file("review.pdf");
    let said = scene.run(&format!("{BUILD} --format pdf -o '{}'", file.display()));
    assert_eq!(said, "exit 0\n");
    let pdf = std::fs::read(file).unwrap();
    assert!(pdf.starts_with(b"%PDF-") && pdf.len() > 20_000);
}

#[test]
fn a_line_that_is_taken_away_is_named_with_who_and_when() {
    let scene = Scene::sqlite();
    let circulate = "review circulate --week 2026-W11 --by pat --required sen,mia --optional jun";
    let said = scene.run(circulate);
    assert!(
        said.starts_with("exit 0\ncirculated 2026-W11 version 1"),
        "{said}"
    );
    let said = scene
        .run("factor withdraw INC-2026-9 novel-usage --by mia --why 'not the wording we want'");
    assert!(said.starts_with("exit 0"), "{said}");
    let said = scene.run("incident update INC-2026-10 --status dismissed --by sen --why 'a drill'");
    assert!(said.starts_with("exit 0"), "{said}");
    let text = scene.run("review build --week 2026-W11");
    let log = text.split("## Changed against").nth(1).unwrap();
    let log = log.split("\n## ").next().unwrap();
    let row = |word: &str| {
        log.lines()
            .find(|line| line.contains(word))
            .unwrap()
            .to_owned()
    };
    let withdrawn = row("novel-usage withdrawn");
    assert!(
        withdrawn.starts_with("| changed |") && withdrawn.contains("mia: withdrawn"),
        "{withdrawn}"
    );
    assert!(withdrawn.contains("not the wording we want"));
    let drill = row("Prices are stale");
    assert!(
        drill.starts_with("| deleted |") && drill.contains("sen"),
        "{drill}"
    );
    assert!(scene.run(circulate).contains("version 2"));
    let diff = scene.run("review diff 1 2 --week 2026-W11");
    assert!(
        diff.contains("\ndeleted\n") && diff.contains("not the wording we want"),
        "{diff}"
    );
    assert_eq!(diff, scene.run("review diff 2026-W11/1 2026-W11/2"));
    let list = scene.run("review list");
    assert!(
        list.contains("2026-W11/1") && list.contains("2026-W11/2"),
        "{list}"
    );
}

#[test]
fn what_is_recorded_after_the_cut_off_changes_nothing() {
    let scene = Scene::sqlite();
    let before = scene.run(BUILD);
    let before = without_hashes(&before);
    // an import of later: old changes and incidents, a correction, a dismissal
    let later = at("03-20", 0);
    let mut records: Vec<Record> = Vec::new();
    for record in changes().into_iter().chain(history()) {
        match record {
            Record::Change(mut it) => {
                it.noted = Noted::by("history", later);
                it.lines += 1;
                it.services.clear();
                let mut new = it.clone();
                new.change = ChangeRef::new("shop", format!("late-{}", it.change.id));
                records.extend([(*it).into(), (*new).into()]);
            }
            Record::Incident(mut it) => {
                it.noted = Noted::by("sen", later).because("a drill");
                it.status = Status::Dismissed;
                let mut new = it.clone();
                new.id = format!("LATE-{}", it.id);
                new.status = Status::Resolved;
                records.extend([(*it).into(), (*new).into()]);
            }
            _ => {}
        }
    }
    scene.record(&records);
    assert_eq!(without_hashes(&scene.run(BUILD)), before);
    // and before anything was recorded nothing is said
    let early = scene.run("review build --week 2024-W11 --cut-off 2024-03-19T08:00:00Z");
    assert!(early.contains("Nothing is recorded of the week"), "{early}");
    for word in ["lower", "100 %", " a day ("] {
        assert!(!early.contains(word), "{word}: {early}");
    }
}

#[test]
fn letters_hold_facts_only() {
    let scene = Scene::sqlite();
    let week = "--week 2026-W11 --cut-off 2026-03-17T08:00:00Z";
    insta::assert_snapshot!(scene.run(&format!("review briefing {week}")));
    let invite = format!("review invitation {week} --when 'Tuesday 12:00' --where 'room 7'");
    let early = scene.run(&invite);
    assert!(early.starts_with("exit 66"), "{early}");
    scene.run("review circulate --week 2026-W11 --by pat --required sen,mia --optional jun");
    let text = scene.run(&invite);
    assert!(
        text.contains("Attendance required: mia, sen\nAttendance optional: jun"),
        "{text}"
    );
    assert!(
        text.contains("Checkout refuses orders: INC-2026-9"),
        "{text}"
    );
}

#[test]
fn initiatives_are_tested_and_not_praised() {
    let scene = Scene::sqlite();
    let said = scene.run(
        "initiative start 'Staged rollouts' --owner sen --hypothesis 'fewer incidents' \
         --metric incidents-per-change --services search --compare-services checkout \
         --start 2026-01-05T00:00Z --by sen",
    );
    assert!(said.contains("started INI-2026-1"), "{said}");
    let found = scene.run("initiative result INI-2026-1");
    assert!(
        found.starts_with("exit 0") && found.contains("INI-2026-1  Staged rollouts"),
        "{found}"
    );
    assert!(
        found.contains("cannot tell") || found.contains("times what"),
        "{found}"
    );
    let same = scene.run(
        "initiative start Same --owner sen --hypothesis h --metric incidents-per-week \
         --services search --compare-services search --by sen",
    );
    assert!(
        same.starts_with("exit 64") && same.contains("compared with itself"),
        "{same}"
    );
    let wrong =
        scene.run("initiative start X --owner sen --hypothesis h --metric happiness --by sen");
    assert!(
        wrong.starts_with("exit 64") && wrong.contains("is not a metric"),
        "{wrong}"
    );
    assert!(
        scene
            .run("initiative end INI-2026-1 --by sen")
            .starts_with("exit 64")
    );
    let kept = scene.run("initiative result INI-2026-1 --record --by sen");
    assert!(kept.contains("recorded as its result"), "{kept}");
    let ended = scene.run("initiative end INI-2026-1 --by sen --why 'it is the way we work now'");
    assert!(ended.contains("INI-2026-1 ends"), "{ended}");
    assert!(
        scene
            .run("initiative list --all")
            .contains("Staged rollouts")
    );
}

#[test]
fn a_pack_is_proposed_switched_on_and_ended() {
    let scene = Scene::sqlite();
    let propose = "pack propose --services tier1 --days 90 --owner pat --id reset \
                   --why 'a trend of incidents' --exit 'sev2-per-1000-changes at most 1.5 over 8 weeks'";
    let draft = scene.run(propose);
    assert!(
        draft.contains("#   checkout: tier 1;") && !draft.contains("search"),
        "{draft}"
    );
    assert!(draft.contains("\"checkout/**\""), "{draft}");
    let early = scene.run("pack start reset --services tier1 --by pat");
    assert!(early.starts_with("exit 66"), "{early}");
    // people merge it as any other change
    let policy = scene.org.repo.path().join(".countersign/policy.toml");
    let text = std::fs::read_to_string(&policy).unwrap();
    let text = format!("{text}\n{}", draft.strip_prefix("exit 0\n").unwrap());
    let pat = Who::new("Pat Principal", "pat@example.com");
    scene
        .org
        .repo
        .commit(pat, "Reset", &[(".countersign/policy.toml", &text)]);
    let status = scene.run("pack status");
    assert!(
        status.contains("not recorded: countersign pack start reset"),
        "{status}"
    );
    let started = scene.run("pack start reset --services tier1 --by pat");
    assert!(started.contains("1 service, until"), "{started}");
    let status = scene.run("pack status");
    assert!(
        status.contains("89 days left") || status.contains("90 days left"),
        "{status}"
    );
    assert!(
        status.contains("cannot tell: no changes are recorded in the window"),
        "{status}"
    );
    let again = scene.run(propose);
    assert!(
        again.starts_with("exit 65") && again.contains("already"),
        "{again}"
    );
    let id = status
        .lines()
        .nth(2)
        .unwrap()
        .split(' ')
        .next()
        .unwrap()
        .to_owned();
    let ended = scene.run(&format!("pack end {id} --by pat --why 'the rate is back'"));
    assert!(ended.contains("is ended"), "{ended}");
    assert!(scene.run("pack status").contains("no pack is in force"));
    let unknown = scene.run("pack propose --services chekout --owner pat --why x");
    assert!(unknown.contains("did you mean `checkout`?"), "{unknown}");
}

#[test]
fn wrong_input_is_said() {
    let scene = Scene::sqlite();
    let objectives = scene.file("objectives.toml");
    std::fs::write(
        &objectives,
        "version = 1\n[[objective]]\nid = \"x\"\nmetric = \"availability\"\n",
    )
    .unwrap();
    for (line, code, said) in [
        ("review build --week 2026-11", 64, "is not a week"),
        ("review build --week 2025-W53", 64, "2025 has no week 53"),
        ("review build --week 2099-W01", 64, "has not begun"),
        (
            "review build --week 2026-W11 --zone Mars/Olympus",
            64,
            "is not a time zone",
        ),
        ("review build --week 2026-W11 --format pdf", 64, "--output"),
        (
            "review circulate --week 2026-W11 --by pat",
            64,
            "nobody to give it to",
        ),
        ("review diff 1 2", 64, "of which week"),
        ("review diff 1 2 --week 2026-W11", 66, "there is no review"),
        ("pack end none --by pat --why x", 66, "there is no pack"),
        ("initiative result none", 66, "there is no initiative"),
    ] {
        let found = scene.run(line);
        assert!(
            found.starts_with(&format!("exit {code}\n")) && found.contains(said),
            "{line}: {found}"
        );
    }
    let line = format!(
        "review build --week 2026-W11 --objectives '{}'",
        objectives.display()
    );
    let found = scene.run(&line);
    assert!(
        found.starts_with("exit 65") && found.contains("needs a `definition`"),
        "{found}"
    );
}
