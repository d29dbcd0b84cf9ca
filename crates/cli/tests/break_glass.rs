//! Breaking the glass, reviewing it afterwards, and what an audit finds.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "set-up that fails has to fail loudly"
)]

mod common;

use std::process::Command;

use common::server::Server;
use common::{Org, countersign, shown};
use countersign_testkit::Who;

const JUN: Who = Who::new("Jun Junior", "jun@example.com");
const PAT: Who = Who::new("Pat Principal", "pat@example.com");
const BOTH: [&str; 2] = ["refs/countersign/signoffs", "retry:main"];

fn break_glass(org: &Org, id: &str, more: &[&str]) -> String {
    let mut args = vec![
        "break-glass",
        "main..retry",
        "--reason",
        "the shop is down",
        "--yes",
    ];
    args.extend(more);
    org.sign(id, &args)
}

fn json(output: &str) -> serde_json::Value {
    serde_json::from_str(output.split_once('\n').unwrap().1).unwrap()
}

fn audit(server: &Server) -> String {
    shown(&countersign(&server.path(), &["audit"]))
}

#[test]
fn an_emergency_lands_and_is_reviewed_afterwards() {
    let org = Org::with_change("src/app.py");
    let server = Server::of(&org, &[]);
    let said = break_glass(
        &org,
        "sen",
        &["--rules", "ai-below-senior", "--expires", "1h"],
    );
    assert!(said.starts_with("exit 0\n"), "{said}");
    assert!(
        said.contains("now: allow (allowed by break-glass of sen, review due "),
        "{said}"
    );
    let check = shown(&countersign(org.repo.path(), &["check", "main..retry"]));
    assert!(
        check.starts_with("exit 0\nALLOW  allowed by break-glass of sen"),
        "{check}"
    );
    assert!(
        check.contains("overridden by break-glass of sen, review due"),
        "{check}"
    );
    assert!(
        check.contains("glass broken by sen: the shop is down"),
        "{check}"
    );

    // Nothing waits for a review before it is used.
    org.push(&["refs/countersign/signoffs"]);
    assert!(
        audit(&server).starts_with("exit 0\nCLEAN"),
        "{}",
        audit(&server)
    );
    let said = org.push(&["retry:main"]);
    assert!(
        said.contains("OVERRIDDEN  main: allowed by break-glass of sen"),
        "{said}"
    );
    let open = audit(&server);
    assert!(
        open.starts_with("exit 1\nNEEDS SOMEONE  main: 1 break-glass to review"),
        "{open}"
    );
    assert!(open.contains("glass broken by sen for retry"), "{open}");
    let verify = shown(&countersign(&server.path(), &["verify", "main", "--json"]));
    let verify = json(&verify);
    assert_eq!(verify["outcome"], "verified");
    assert_eq!(verify["steps"][0]["overridden"], true);
    let levels = verify["levels"].to_string();
    assert!(
        levels.contains("POLICY_SATISFIED") && levels.contains("LANDING_RECORDED"),
        "{levels}"
    );
    assert!(
        !levels.contains("NO_BREAK_GLASS") && !levels.contains("ANOTHER_PERSON"),
        "{levels}"
    );

    // Who may review it, and who may not.
    let found = shown(&countersign(&server.path(), &["audit", "--json"]));
    let statement = json(&found)["break_glass"][0]["statement"]
        .as_str()
        .unwrap()
        .to_owned();
    let ratify = |id: &str, more: &[&str]| {
        let mut args = vec![
            "ratify",
            statement.get(..10).unwrap(),
            "-m",
            "looked at",
            "--yes",
        ];
        args.extend(more);
        org.sign(id, &args)
    };
    org.repo.git(&["fetch", "-q", "origin"]);
    for (id, because) in [
        ("sen", "sen broke the glass"),
        ("jun", "jun made the change"),
        ("mia", "mia is below the level"),
    ] {
        let said = ratify(id, &[]);
        assert!(
            said.starts_with("exit 65\n") && said.contains(because),
            "{said}"
        );
    }
    let said = ratify("pat", &[]);
    assert!(
        said.starts_with("exit 0\n") && said.contains("ratified as pat"),
        "{said}"
    );
    org.push(&["refs/countersign/signoffs"]);
    assert!(
        audit(&server).starts_with("exit 0\nCLEAN"),
        "{}",
        audit(&server)
    );
    let said = ratify("pat", &["--reject"]);
    assert!(said.contains("rejected as pat"), "{said}");
    org.push(&["refs/countersign/signoffs"]);
    let rejected = audit(&server);
    assert!(
        rejected.contains("rejected by pat: what landed has to go"),
        "{rejected}"
    );
}

#[test]
fn broken_glass_counts_once() {
    let org = Org::with_change("src/app.py");
    let server = Server::of(&org, &[]);
    let before = server.tip("main");
    break_glass(&org, "sen", &[]);
    // Squashed or rebased it is not the commits that were signed.
    org.repo.switch("main");
    org.repo.squash("retry", JUN, "Retry (#1)");
    let said = org.push(&["refs/countersign/signoffs", "main"]);
    assert!(
        said.starts_with("exit 1\n") && said.contains("break-glass of sen does not count"),
        "{said}"
    );
    org.repo.git(&["reset", "-q", "--hard", &before]);
    assert!(org.push(&BOTH).contains("OVERRIDDEN"));
    // Someone takes the branch back around the gate, and lands it again.
    server.git(&["update-ref", "refs/heads/main", &before]);
    let again = org.push(&["retry:main"]);
    assert!(again.starts_with("exit 1\n"), "{again}");
    assert!(again.contains("a break-glass counts once"), "{again}");
    assert_eq!(server.tip("main"), before);

    // Where the target has moved on first, it never counted.
    let org = Org::with_change("src/app.py");
    let server = Server::of(&org, &[]);
    break_glass(&org, "sen", &[]);
    org.repo.switch("main");
    org.repo.commit(PAT, "Elsewhere", &[("far.txt", "2\n")]);
    org.push(&["main"]);
    org.repo.merge("retry", "Merge retry");
    let said = org.push(&["refs/countersign/signoffs", "main"]);
    assert!(said.contains("a break-glass counts once"), "{said}");
    drop(server);
}

#[test]
fn it_takes_two_persons_on_tier_1() {
    let org = Org::with_change("checkout/app.py");
    let server = Server::of(&org, &[]);
    let one = break_glass(&org, "sen", &[]);
    assert!(
        one.starts_with("exit 1\n") && one.contains("1 more, by someone else"),
        "{one}"
    );
    let twice = break_glass(&org, "sen", &[]);
    assert!(twice.starts_with("exit 1\n"), "{twice}");
    let held = org.push(&BOTH);
    assert!(
        held.contains("broken by sen, and another person is needed for that"),
        "{held}"
    );
    let two = break_glass(&org, "pat", &[]);
    assert!(
        two.starts_with("exit 0\n") && two.contains("break-glass of pat and sen"),
        "{two}"
    );
    assert!(org.push(&BOTH).contains("OVERRIDDEN"));
    drop(server);
}

#[test]
fn the_glass_is_not_broken_for_just_anything() {
    let org = Org::with_change("src/app.py");
    let refused = |said: &str, code: &str, because: &str| {
        assert!(said.starts_with(code) && said.contains(because), "{said}");
    };
    refused(
        &break_glass(&org, "jun", &[]),
        "exit 65",
        "jun made the change",
    );
    refused(
        &break_glass(&org, "mia", &[]),
        "exit 65",
        "below the level that may break the glass",
    );
    refused(
        &break_glass(&org, "sen", &["--rules", "own-rules"]),
        "exit 65",
        "does not stop this change",
    );
    refused(
        &break_glass(&org, "sen", &["--expires", "9h"]),
        "exit 64",
        "longer than the policy allows",
    );
    refused(
        &break_glass(&org, "sen", &["--review-due", "9d"]),
        "exit 64",
        "longer than the policy allows",
    );
    org.repo.commit(
        JUN,
        "Rules",
        &[(".countersign/usage.toml", "version = 1\n")],
    );
    refused(
        &break_glass(&org, "sen", &[]),
        "exit 65",
        "the policy lets nobody break `own-rules`",
    );
    org.sign("pat", &["sign", "main..retry", "--veto", "--yes"]);
    refused(
        &break_glass(&org, "sen", &[]),
        "exit 65",
        "a break-glass lifts no veto",
    );
    // Around the tool: a break-glass is nobody's approval, and lifts no veto.
    let org = Org::with_change("src/app.py");
    break_glass(&org, "sen", &[]);
    org.sign("pat", &["sign", "main..retry", "--veto", "--yes"]);
    let check = shown(&countersign(org.repo.path(), &["check", "main..retry"]));
    assert!(
        check.starts_with("exit 2\nREFUSE  vetoed by pat"),
        "{check}"
    );
    // Nothing to break.
    let org = Org::with_change("src/app.py");
    org.sign("sen", &["sign", "main..retry", "--yes"]);
    refused(
        &break_glass(&org, "pat", &[]),
        "exit 65",
        "nothing stops this change",
    );
}

#[test]
fn a_marker_that_was_signed_is_not_forgotten() {
    let org = Org::with_change("src/app.py");
    org.sign("mia", &["sign", "main..retry", "--yes"]);
    // The author strips the trailer and declares that people alone made it.
    org.repo
        .git_as(JUN, &["commit", "-q", "--amend", "-m", "Audit admin"]);
    let said = org.sign("jun", &["declare", "main..retry", "--human"]);
    assert!(said.contains("AI involved: yes"), "{said}");
    let check = shown(&countersign(org.repo.path(), &["check", "main..retry"]));
    assert!(check.starts_with("exit 1\nHOLD"), "{check}");
}

#[test]
fn a_date_set_back_hides_no_step() {
    let org = Org::with_change("src/app.py");
    let server = Server::of(&org, &[]);
    // Around the gate, dated before everything else.
    org.repo.switch("main");
    std::fs::write(org.repo.path().join("far.txt"), "evil\n").unwrap();
    let done = org
        .repo
        .command()
        .args(["commit", "-q", "-a", "-m", "Old news"])
        .env("GIT_COMMITTER_DATE", "2001-01-01T00:00:00Z")
        .env("GIT_AUTHOR_NAME", JUN.name)
        .env("GIT_AUTHOR_EMAIL", JUN.email)
        .status()
        .unwrap();
    assert!(done.success());
    org.repo.commit(PAT, "On", &[("far.txt", "3\n")]);
    let there = org.repo.path().display().to_string();
    server.git(&["fetch", "-q", &there, "main:main"]);
    // Recent enough to be older than 2001 only in the last step.
    let found = shown(&countersign(&server.path(), &["audit", "--since", "3650d"]));
    assert!(
        found.starts_with("exit 1\n") && found.contains("Old news"),
        "{found}"
    );
}

#[test]
fn the_summary_is_what_slsa_asks_for_and_openssh_verifies() {
    let org = Org::with_change("src/app.py");
    let server = Server::of(&org, &[]);
    org.sign("sen", &["sign", "main..retry", "--yes"]);
    org.push(&BOTH);
    let dir = tempfile::tempdir().unwrap();
    let plain = dir.path().join("vsa.json").display().to_string();
    let args = ["verify", "main", "--vsa", &plain];
    let said = shown(&countersign(&server.path(), &args));
    assert!(said.starts_with("exit 0\n"), "{said}");
    let read = |file: &str| std::fs::read(file).unwrap();
    let summary: serde_json::Value = serde_json::from_slice(&read(&plain)).unwrap();
    let tip = server.tip("main");
    assert_eq!(summary["_type"], "https://in-toto.io/Statement/v1");
    assert_eq!(
        summary["predicateType"],
        "https://slsa.dev/verification_summary/v1"
    );
    assert_eq!(summary["subject"][0]["digest"]["gitCommit"], tip.as_str());
    let tree = server.git(&["rev-parse", "main^{tree}"]);
    assert_eq!(summary["subject"][0]["digest"]["gitTree"], tree.as_str());
    assert_eq!(
        summary["subject"][0]["annotations"]["sourceRefs"][0],
        "refs/heads/main"
    );
    assert_eq!(summary["predicate"]["verificationResult"], "PASSED");
    let levels = summary["predicate"]["verifiedLevels"].as_array().unwrap();
    let levels: Vec<&str> = levels.iter().map(|it| it.as_str().unwrap()).collect();
    assert_eq!(
        levels,
        [
            "SLSA_SOURCE_LEVEL_1",
            "ORG_SOURCE_COUNTERSIGN_POLICY_SATISFIED",
            "ORG_SOURCE_COUNTERSIGN_APPROVED_BY_ANOTHER_PERSON",
            "ORG_SOURCE_COUNTERSIGN_NO_BREAK_GLASS",
            "ORG_SOURCE_COUNTERSIGN_LANDING_RECORDED",
        ]
    );

    // Signed, with the verifier's key in a namespace of its own.
    let signed = dir.path().join("vsa.dsse").display().to_string();
    let key = org
        .repo
        .path()
        .join(".git/key-pat@example.com")
        .display()
        .to_string();
    let uri = "git+https://git.example.com/shop";
    let args = [
        "verify",
        "main",
        "--vsa",
        &signed,
        "--key",
        &key,
        "--resource-uri",
        uri,
    ];
    let said = shown(&countersign(&server.path(), &args));
    assert!(said.starts_with("exit 0\n"), "{said}");
    let envelope = countersign_core::signoff::dsse::Envelope::parse(&read(&signed)).unwrap();
    // It can never be taken for a sign-off.
    assert!(envelope.verify().is_err());
    let wire: serde_json::Value = serde_json::from_slice(&read(&signed)).unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = dir.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path.display().to_string()
    };
    let sig = wire["signatures"][0]["sig"].as_str().unwrap();
    let blob = base64(sig);
    let armor = file(
        "sig",
        countersign_core::signoff::sshsig::armor(&blob).as_bytes(),
    );
    let public = std::fs::read_to_string(format!("{key}.pub")).unwrap();
    let allowed = file("allowed", format!("pat {public}\n").as_bytes());
    let pae = countersign_core::signoff::dsse::to_be_signed(envelope.payload());
    let pae = file("pae", &pae);
    let verify = |namespace: &str| {
        let args = [
            "-Y", "verify", "-f", &allowed, "-I", "pat", "-n", namespace, "-s", &armor,
        ];
        let mut command = Command::new("ssh-keygen");
        let input = std::fs::File::open(&pae).unwrap();
        command.args(args).stdin(input).status().unwrap().success()
    };
    assert!(verify("vsa@countersign.dev"));
    assert!(!verify("signoff@countersign.dev"));
    let body: serde_json::Value = serde_json::from_slice(envelope.payload()).unwrap();
    assert_eq!(body["predicate"]["resourceUri"], uri);

    // What lacks something passes nothing.
    org.repo.commit(
        JUN,
        &format!("More{}", common::CLAUDE),
        &[("far.txt", "2\n")],
    );
    let there = org.repo.path().display().to_string();
    server.git(&["fetch", "-q", &there, "retry:main"]);
    let args = ["verify", "main", "--vsa", &plain];
    let said = shown(&countersign(&server.path(), &args));
    assert!(said.starts_with("exit 1\nFAILED"), "{said}");
    let summary: serde_json::Value = serde_json::from_slice(&read(&plain)).unwrap();
    assert_eq!(summary["predicate"]["verificationResult"], "FAILED");
    assert_eq!(summary["predicate"]["verifiedLevels"][0], "FAILED");
}

/// Standard base64, by OpenSSL's or coreutils' hand.
fn base64(text: &str) -> Vec<u8> {
    use std::io::Write as _;
    let mut child = Command::new("base64")
        .arg("-d")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    child.wait_with_output().unwrap().stdout
}

#[test]
fn the_self_review_and_the_questions_stay_what_they_are() {
    let org = Org::with_change("src/app.py");
    org.repo.switch("main");
    let file = ".countersign/policy.toml";
    let policy = std::fs::read_to_string(org.repo.path().join(file)).unwrap();
    let asks = "require = [{ signoffs = 1, level = \"senior\", above_author = true }]";
    assert!(policy.contains(asks));
    let policy = policy
        .replace(asks, &format!("{asks}\nquestions = [\"What breaks?\"]"))
        .replace(
            "unmapped_tier = 3",
            "answers = \"required\"\nunmapped_tier = 3",
        );
    let policy = format!("{policy}\n[self_review]\nitems = [\"I have run it\"]\n");
    org.repo.commit(PAT, "Authors go first", &[(file, &policy)]);
    org.repo.switch("retry");

    // Whoever breaks the glass answers nothing: it is no approval.
    let said = break_glass(&org, "sen", &["--rules", "ai-below-senior"]);
    assert!(
        said.starts_with("exit 1\n") && said.contains("now: hold (self-review first)"),
        "{said}"
    );
    assert!(
        said.contains("countersign declare main..retry --reviewed"),
        "{said}"
    );
    let said = break_glass(&org, "pat", &[]);
    assert!(
        said.starts_with("exit 65\n") && said.contains("only the self-review is missing"),
        "{said}"
    );
    let said = org.sign("jun", &["declare", "main..retry", "--reviewed", "--yes"]);
    assert!(
        said.starts_with("exit 0\n") && said.contains("allowed by break-glass of sen"),
        "{said}"
    );
}
