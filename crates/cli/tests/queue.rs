//! What waits for whom, end to end.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "set-up that fails has to fail loudly"
)]

mod common;

use common::{Org, countersign, shown};
use countersign_testkit::Who;
use serde_json::Value;

const JUN: Who = Who::new("Jun Junior", "jun@example.com");
const PAT: Who = Who::new("Pat Principal", "pat@example.com");
const CLAUDE: &str = "\n\nCo-Authored-By: Claude Opus 4.8 <noreply@anthropic.com>\n";

/// Commits a junior's AI-assisted change on a branch of its own.
fn branch(org: &Org, name: &str, files: &[(&str, &str)]) {
    org.repo.switch("main");
    org.repo.branch(name);
    org.repo.commit(JUN, &format!("{name}{CLAUDE}"), files);
    org.repo.switch("main");
}

fn json(org: &Org, args: &[&str]) -> Value {
    let mut all = args.to_vec();
    all.push("--json");
    let output = countersign(org.repo.path(), &all);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", shown(&output)))
}

fn changes(queue: &Value) -> Vec<&str> {
    let changes = queue["changes"].as_array().unwrap();
    changes
        .iter()
        .map(|it| it["change"].as_str().unwrap())
        .collect()
}

/// Replaces a piece of text in a file on the protected branch.
fn edit(org: &Org, path: &str, from: &str, to: &str) {
    org.repo.switch("main");
    let text = std::fs::read_to_string(org.repo.path().join(path)).unwrap();
    assert!(text.contains(from), "{from} in {text}");
    org.repo
        .commit(PAT, "Edit", &[(path, &text.replacen(from, to, 1))]);
}

#[test]
fn what_waits_is_in_the_order_of_risk_and_landed_changes_are_gone() {
    let org = Org::new();
    branch(&org, "tidy", &[("src/a.py", "a\n")]);
    branch(&org, "drop", &[("db/1.sql", "DROP TABLE orders;\n")]);
    branch(&org, "pay", &[("checkout/pay.py", "x\n")]);
    branch(&org, "squashed", &[("src/s.py", "s\n")]);
    org.repo
        .commit(PAT, "Squashed (#4)", &[("src/s.py", "s\n")]);
    // A fetched pull request, and the same branch on a remote.
    org.repo.git(&["update-ref", "refs/pull/7/head", "tidy"]);
    org.repo
        .git(&["update-ref", "refs/remotes/origin/pay", "pay"]);
    org.repo.branch("fork");
    org.repo
        .commit(JUN, &format!("Fork{CLAUDE}"), &[("src/f.py", "f\n")]);
    org.repo
        .git(&["update-ref", "refs/merge-requests/3/head", "fork"]);
    org.repo.switch("main");
    org.repo.git(&["branch", "-D", "fork"]);

    let queue = json(&org, &["queue", "--for", "sen"]);
    assert_eq!(
        changes(&queue),
        ["drop", "pay", "tidy", "refs/merge-requests/3/head"]
    );
    let first = &queue["changes"][0];
    // Nobody knows of a backup, and nobody knows that there is none.
    assert_eq!(first["irreversible"], Value::Null);
    assert_eq!(first["next"], "countersign sign main..drop");
    assert_eq!(queue["person"]["budget_minutes"], 120);
    // Both seniors get a part of the work; everyone who could sign is told.
    let asked: Vec<&str> = (0..4)
        .map(|at| queue["changes"][at]["asked"][0]["person"].as_str().unwrap())
        .collect();
    assert!(
        asked.contains(&"sen") && asked.contains(&"sue"),
        "{asked:?}"
    );
    assert_eq!(
        changes(&json(&org, &["queue", "--for", "jun"])),
        Vec::<&str>::new()
    );
    assert_eq!(changes(&json(&org, &["queue", "--everyone"])).len(), 4);
    let newest = json(&org, &["queue", "--everyone", "--newest", "2"]);
    assert!(newest["not_read"].as_u64().unwrap() >= 2, "{newest}");

    let text = shown(&countersign(org.repo.path(), &["queue", "--for", "sen"]));
    assert!(
        text.starts_with("exit 0\n4 changes wait for sen\n"),
        "{text}"
    );
    assert!(text.contains("may destroy state"), "{text}");
    let nobody = shown(&countersign(org.repo.path(), &["queue", "--for", "senn"]));
    assert!(
        nobody.starts_with("exit 66\n") && nobody.contains("did you mean `sen`"),
        "{nobody}"
    );

    // What is signed waits no longer, and the work counts.
    org.sign("sen", &["sign", "main..drop", "--yes"]);
    let queue = json(&org, &["queue", "--for", "sen"]);
    assert!(!changes(&queue).contains(&"drop"), "{queue}");
    assert_eq!(queue["person"]["done_minutes"], 5);
    assert!(
        queue["ready"].as_array().unwrap().contains(&"drop".into()),
        "{queue}"
    );
}

#[test]
fn check_names_the_least_loaded_first() {
    let org = Org::new();
    branch(&org, "one", &[("src/a.py", "a\n")]);
    branch(&org, "two", &[("src/b.py", "b\n")]);
    let candidates = |range: &str| {
        let said = json(&org, &["check", range]);
        said["decision"]["way_forward"][0]["candidates"].to_string()
    };
    // The other open change is asked of Sen, so this one of Sue.
    assert_eq!(candidates("main..one"), r#"["sue","pat","sen"]"#);
    org.sign("sen", &["sign", "main..one", "--yes"]);
    assert_eq!(candidates("main..two"), r#"["sue","pat","sen"]"#);
    org.repo.git(&["branch", "-D", "one"]);
    assert_eq!(candidates("main..two"), r#"["sue","pat","sen"]"#);
}

#[test]
fn away_people_are_asked_through_a_delegate_who_can_sign() {
    let org = Org::new();
    let away = "level = \"senior\"\naway = [{ from = \"2000-01-01\", until = \"2100-01-01\", delegate = \"pat\" }]\n";
    edit(
        &org,
        ".countersign/people.toml",
        "level = \"senior\"\n",
        away,
    );
    branch(&org, "one", &[("src/a.py", "a\n")]);
    let queue = json(&org, &["queue", "--everyone"]);
    let asked = &queue["changes"][0]["asked"][0];
    assert_eq!(
        (&asked["person"], &asked["instead_of"]),
        (&"pat".into(), &"sen".into())
    );
    // It routes, and lends nothing: a mid-level delegate is not asked.
    edit(
        &org,
        ".countersign/people.toml",
        "delegate = \"pat\"",
        "delegate = \"mia\"",
    );
    let queue = json(&org, &["queue", "--everyone"]);
    assert_eq!(queue["changes"][0]["asked"][0]["person"], "sue");
    assert_eq!(
        changes(&json(&org, &["queue", "--for", "mia"])),
        Vec::<&str>::new()
    );
    let signed = org.sign("mia", &["sign", "main..one", "--yes"]);
    assert!(signed.starts_with("exit 1\n"), "{signed}");
}

#[test]
fn an_author_who_is_not_on_the_roster_is_identified_first() {
    let org = Org::new();
    org.repo.branch("ghost");
    let ghost = Who::new("Ghost", "ghost@example.com");
    org.repo
        .commit(ghost, &format!("x{CLAUDE}"), &[("src/a.py", "a\n")]);
    let said = shown(&countersign(org.repo.path(), &["check", "main..ghost"]));
    assert!(
        said.starts_with(
            "exit 1\nHOLD  first identify ghost@example.com; then it needs 1 sign-off"
        ),
        "{said}"
    );
    org.sign("sen", &["sign", "main..ghost", "--yes"]);
    let said = shown(&countersign(org.repo.path(), &["check", "main..ghost"]));
    assert!(said.starts_with("exit 1\nHOLD  first identify"), "{said}");
    org.sign("pat", &["sign", "main..ghost", "--yes"]);
    let said = shown(&countersign(org.repo.path(), &["check", "main..ghost"]));
    assert!(said.starts_with("exit 0\nALLOW"), "{said}");
}

#[test]
fn questions_are_answered_in_the_signed_statement() {
    let org = Org::new();
    edit(
        &org,
        ".countersign/policy.toml",
        "require = [{ signoffs = 1, level = \"senior\", above_author = true }]",
        "require = [{ signoffs = 1, level = \"senior\", above_author = true }]\nquestions = [\"What breaks first?\", \"How is it undone?\"]",
    );
    edit(
        &org,
        ".countersign/policy.toml",
        "signoff_expires = \"30d\"",
        "signoff_expires = \"30d\"\nanswers = \"required\"",
    );
    branch(&org, "one", &[("src/a.py", "a\n")]);
    let sign = ["sign", "main..one", "--yes"];
    let silent = org.sign("sen", &sign);
    assert!(
        silent.starts_with("exit 1\n") && silent.contains("nothing signed: the policy requires"),
        "{silent}"
    );
    assert!(silent.contains("1. What breaks first?"), "{silent}");
    let answers = |list: &[&'static str]| {
        let mut all = sign.to_vec();
        for answer in list {
            all.extend(["--answer", answer]);
        }
        all
    };
    for (wrong, why) in [
        (&["1"][..], "is not a number and a text"),
        (&["3=x"], "there is no number 3"),
        (&["1=x", "1=y"], "given twice"),
    ] {
        let said = org.sign("sen", &answers(wrong));
        assert!(
            said.starts_with("exit 64\n") && said.contains(why),
            "{said}"
        );
    }
    let one = org.sign("sen", &answers(&["1=the retry"]));
    assert!(
        one.starts_with("exit 1\n") && one.contains("nothing signed"),
        "{one}"
    );
    let both = org.sign("sen", &answers(&["1=the retry", "2=revert"]));
    assert!(
        both.starts_with("exit 0\n") && both.contains("now: allow"),
        "{both}"
    );
    let said = shown(&countersign(org.repo.path(), &["check", "main..one"]));
    assert!(said.contains("What breaks first? the retry"), "{said}");

    // A question asked since is one that the signer has not answered.
    edit(
        &org,
        ".countersign/policy.toml",
        "How is it undone?",
        "Who is told?",
    );
    let said = shown(&countersign(org.repo.path(), &["check", "main..one"]));
    assert!(
        said.starts_with("exit 1\n") && said.contains("it does not answer `Who is told?`"),
        "{said}"
    );
    // A veto is never held back.
    let veto = org.sign("sen", &["sign", "main..one", "--yes", "--veto"]);
    assert!(veto.starts_with("exit 0\n"), "{veto}");
}

#[test]
fn a_self_review_comes_before_anyone_is_asked() {
    let org = Org::new();
    edit(
        &org,
        ".countersign/policy.toml",
        "[settings]",
        "[self_review]\npaths = [\"db/**\"]\nlines = { at_least = 200 }\nitems = [\"I ran it\"]\n\n[settings]",
    );
    branch(
        &org,
        "drop",
        &[("db/1.sql", "DROP TABLE orders;\n"), ("src/a.py", "a\n")],
    );
    branch(&org, "tidy", &[("src/b.py", "b\n")]);
    let check = || shown(&countersign(org.repo.path(), &["check", "main..drop"]));
    let said = check();
    assert!(
        said.starts_with("exit 1\nHOLD  self-review first; then it needs 1 sign-off"),
        "{said}"
    );
    assert!(
        said.contains("countersign declare main..drop --reviewed"),
        "{said}"
    );
    let queue = json(&org, &["queue", "--for", "sen"]);
    assert_eq!(changes(&queue), ["tidy"]);
    let queue = json(&org, &["queue", "--for", "jun"]);
    assert_eq!(queue["self_reviews"][0]["change"], "drop");

    let declare = ["declare", "main..drop", "--reviewed", "--yes"];
    let silent = org.sign("jun", &declare);
    assert!(
        silent.starts_with("exit 64\n") && silent.contains("1 of 1 are not explained"),
        "{silent}"
    );
    assert!(
        silent.contains("db/1.sql") && silent.contains("migration"),
        "{silent}"
    );
    let explain = [&declare[..], &["--explain", "1=empty since May"]].concat();
    let other = org.sign("sen", &explain);
    assert!(
        other.starts_with("exit 65\n") && other.contains("did not make"),
        "{other}"
    );
    let unasked = org.sign("jun", &[&explain[..3], &explain[4..]].concat());
    assert!(
        unasked.starts_with("exit 64\n") && unasked.contains("affirm"),
        "{unasked}"
    );
    let own = org.sign("jun", &explain);
    assert!(
        own.starts_with("exit 0\n") && own.contains("needs 1 sign-off"),
        "{own}"
    );
    let said = check();
    assert!(said.starts_with("exit 1\nHOLD  needs 1 sign-off"), "{said}");
    assert!(said.contains("reviewed first by jun"), "{said}");
    assert_eq!(
        changes(&json(&org, &["queue", "--for", "sen"])),
        ["drop", "tidy"]
    );

    // It is of that content: one more hunk, and the author reads again.
    org.repo.switch("drop");
    org.repo.commit(
        JUN,
        &format!("more{CLAUDE}"),
        &[("db/2.sql", "SELECT 1;\n")],
    );
    assert!(
        check().starts_with("exit 1\nHOLD  self-review first"),
        "{}",
        check()
    );
}

#[test]
fn a_report_from_the_repository_alone() {
    let org = Org::new();
    let empty = shown(&countersign(org.repo.path(), &["report", "signoffs"]));
    assert!(
        empty.starts_with("exit 0\nno sign-offs in the last 90d"),
        "{empty}"
    );
    branch(&org, "one", &[("src/a.py", "a\n")]);
    branch(&org, "two", &[("src/b.py", "b\n")]);
    org.sign("sen", &["sign", "main..one", "--yes"]);
    org.sign("sen", &["sign", "main..two", "--yes", "--veto"]);
    org.repo.switch("two");
    org.repo
        .commit(JUN, &format!("fix{CLAUDE}"), &[("src/b.py", "c\n")]);
    org.sign("sen", &["sign", "main..two", "--yes"]);
    let said = json(&org, &["report", "signoffs"]);
    let all = &said["all"];
    assert_eq!((&all["signoffs"], &all["vetoed"]), (&3.into(), &1.into()));
    assert_eq!(
        (&all["caught"]["n"], &all["caught"]["of"]),
        (&1.into(), &2.into())
    );
    assert_eq!(all["caught"]["interval"], Value::Null);
    assert_eq!(all["minutes"], 15);
    assert_eq!(said["rules"][0]["rule"], "ai-below-senior");
    assert_eq!(said["signals"], Value::Null);
    let text = shown(&countersign(org.repo.path(), &["report", "signoffs"]));
    assert!(text.contains("too few to tell"), "{text}");
    let markdown = countersign(
        org.repo.path(),
        &["report", "signoffs", "--format", "markdown"],
    );
    assert!(
        shown(&markdown).contains("| `ai-below-senior` | "),
        "{}",
        shown(&markdown)
    );

    // How someone signs is shown to them alone.
    let key = org.repo.path().join(".git/key-sen@example.com");
    let key = key.display().to_string();
    org.repo.git(&["config", "user.signingKey", &key]);
    let own = json(&org, &["report", "signoffs", "--for", "me"]);
    assert_eq!(
        (&own["own"]["person"], &own["own"]["approvals"]),
        (&"sen".into(), &2.into())
    );
    let other = shown(&countersign(
        org.repo.path(),
        &["report", "signoffs", "--for", "pat"],
    ));
    assert!(
        other.starts_with("exit 64\n") && other.contains("to them alone"),
        "{other}"
    );
}
