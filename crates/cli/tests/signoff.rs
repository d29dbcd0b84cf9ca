//! Sign-offs end to end: who counts, what survives a rebase, what does not.

#![allow(clippy::unwrap_used, reason = "set-up that fails has to fail loudly")]

mod common;

use common::{Org, countersign, shown};
use countersign_testkit::Who;

const JUN: Who = Who::new("Jun Junior", "jun@example.com");
const PAT: Who = Who::new("Pat Principal", "pat@example.com");
const CLAUDE: &str = "\n\nCo-Authored-By: Claude Opus 4.8 <noreply@anthropic.com>\n";

const CODE: &str = "def admin():\n    check()\n    log()\n    done()\n\n\ndef guest():\n    check()\n    log()\n    done()\n";

/// A junior's change made with an agent, on a branch of its own.
fn change() -> Org {
    let org = Org::new();
    org.repo
        .commit(PAT, "Code", &[("src/app.py", CODE), ("far.txt", "1\n")]);
    org.repo.branch("retry");
    let text = CODE.replacen("    log()\n", "    log()\n    audit()\n", 1);
    org.repo.commit(
        JUN,
        &format!("Audit admin{CLAUDE}"),
        &[("src/app.py", &text)],
    );
    org
}

fn check(org: &Org) -> String {
    shown(&countersign(org.repo.path(), &["check", "main..retry"]))
}

const SIGN: [&str; 3] = ["sign", "main..retry", "--yes"];

#[test]
fn only_someone_more_senior_counts() {
    let org = change();
    assert!(
        check(&org).starts_with("exit 1\nHOLD  needs 1 sign-off"),
        "{}",
        check(&org)
    );

    let own = org.sign("jun", &SIGN);
    assert!(
        own.starts_with("exit 65\n") && own.contains("jun made the change"),
        "{own}"
    );

    let mid = org.sign("mia", &SIGN);
    assert!(
        mid.starts_with("exit 1\n") && mid.contains("approved as mia"),
        "{mid}"
    );
    assert!(check(&org).starts_with("exit 1\nHOLD"), "{}", check(&org));
    // It counts, and says why it does not help.
    let idle = "approve of mia meets no requirement: below senior";
    assert!(check(&org).contains(idle), "{}", check(&org));
    assert!(!check(&org).contains("approved by mia"), "{}", check(&org));
    let range = ["check", "main..retry", "--format"];
    let of = |format| {
        let mut args = range.to_vec();
        args.push(format);
        shown(&countersign(org.repo.path(), &args))
    };
    assert!(of("markdown").contains(idle), "{}", of("markdown"));
    let json = of("json");
    assert!(
        json.contains("\"meets_nothing\": \"below senior\""),
        "{json}"
    );
    assert!(json.contains("\"meet_nothing\": ["), "{json}");

    let senior = org.sign(
        "sen",
        &["sign", "main..retry", "--yes", "-m", "read every line"],
    );
    assert!(
        senior.starts_with("exit 0\n") && senior.contains("now: allow"),
        "{senior}"
    );
    let said = check(&org);
    assert!(
        said.starts_with("exit 0\nALLOW  all sign-offs are there"),
        "{said}"
    );
    assert!(said.contains("approved by sen: read every line"), "{said}");

    // Who cannot be asked at a terminal has to have read it before.
    let quiet = org.sign("sen", &["sign", "main..retry"]);
    assert!(
        quiet.starts_with("exit 64\n") && quiet.contains("nobody is there"),
        "{quiet}"
    );
}

#[test]
fn an_honest_rebase_keeps_the_sign_off_and_a_transplant_does_not() {
    let org = change();
    org.sign("sen", &SIGN);
    assert!(check(&org).starts_with("exit 0\nALLOW"), "{}", check(&org));

    org.repo.switch("main");
    org.repo.commit(PAT, "Elsewhere", &[("far.txt", "2\n")]);
    org.repo.switch("retry");
    org.repo.git_as(JUN, &["rebase", "-q", "main"]);
    let kept = check(&org);
    assert!(
        kept.starts_with("exit 0\nALLOW") && kept.contains("kept"),
        "{kept}"
    );

    // The same line, moved to the other function.
    let moved = CODE.replace(
        "def guest():\n    check()\n    log()\n",
        "def guest():\n    check()\n    log()\n    audit()\n",
    );
    org.repo.write("src/app.py", moved);
    org.repo
        .git(&["commit", "-q", "-a", "--amend", "--no-edit"]);
    let transplanted = check(&org);
    assert!(transplanted.starts_with("exit 1\nHOLD"), "{transplanted}");
    assert!(
        transplanted.contains("approve of sen does not count"),
        "{transplanted}"
    );

    // Pushing the approved version back makes it count again, and only it.
    org.repo.git(&["reset", "-q", "--hard", "HEAD@{1}"]);
    assert!(check(&org).starts_with("exit 0\nALLOW"), "{}", check(&org));
}

/// Where the blast radius is high, a policy can ask for the exact commits.
#[test]
fn a_rule_can_demand_the_exact_commits() {
    let org = change();
    org.repo.switch("main");
    let policy = "version = 1\n[[rule]]\nid = \"app\"\nwhy = \"the app is everyone's\"\nwhen = { paths = [\"src/**\"] }\nrequire = [{ signoffs = 1, level = \"senior\", exact = true }]\n[[rule]]\nid = \"any\"\nwhy = \"two pairs of eyes\"\nrequire = [{ signoffs = 1, level = \"senior\" }]\n";
    org.repo
        .commit(PAT, "Exact", &[(".countersign/policy.toml", policy)]);
    let checked = shown(&countersign(org.repo.path(), &["policy", "check"]));
    assert!(checked.starts_with("exit 0\n"), "{checked}");
    org.repo.switch("retry");
    org.repo.git_as(JUN, &["rebase", "-q", "main"]);
    org.sign("sen", &SIGN);
    assert!(check(&org).starts_with("exit 0\nALLOW"), "{}", check(&org));
    // The target moves on: the commits are still those that were signed.
    org.repo.switch("main");
    org.repo.commit(PAT, "Elsewhere", &[("far.txt", "2\n")]);
    assert!(check(&org).starts_with("exit 0\nALLOW"), "{}", check(&org));
    // Rebased onto it, they are others: it counts for the rule that does not ask.
    org.repo.switch("retry");
    org.repo.git_as(JUN, &["rebase", "-q", "main"]);
    let said = check(&org);
    assert!(
        said.starts_with("exit 1\nHOLD  needs 1 sign-off\n"),
        "{said}"
    );
    assert!(
        said.contains(
            "needs 1 sign-off by at least senior, of these exact commits: nobody yet; sen signed other commits with this content, and has to sign these"
        ),
        "{said}"
    );
    assert!(
        said.contains("needs 1 sign-off by at least senior: signed by sen"),
        "{said}"
    );
    assert!(said.contains("can sign      sue, pat, sen"), "{said}");
    org.sign("sen", &SIGN);
    assert!(check(&org).starts_with("exit 0\nALLOW"), "{}", check(&org));
}

#[test]
fn a_base_that_moved_under_the_same_file_drops_it() {
    let org = change();
    org.sign("sen", &SIGN);
    org.repo.switch("main");
    org.repo.commit(
        PAT,
        "Same file",
        &[("src/app.py", &format!("{CODE}\n# end\n"))],
    );
    org.repo.switch("retry");
    org.repo.git_as(JUN, &["rebase", "-q", "main"]);
    let said = check(&org);
    assert!(
        said.starts_with("exit 1\nHOLD") && said.contains("does not count"),
        "{said}"
    );
}

#[test]
fn a_veto_stands_until_it_is_taken_back() {
    let org = change();
    let veto = org.sign(
        "sen",
        &["sign", "main..retry", "--veto", "--yes", "-m", "no tests"],
    );
    assert!(
        veto.starts_with("exit 0\n") && veto.contains("vetoed as sen"),
        "{veto}"
    );
    org.sign("pat", &SIGN);
    let said = check(&org);
    assert!(said.starts_with("exit 2\nREFUSE  vetoed by sen"), "{said}");

    let json = shown(&countersign(
        org.repo.path(),
        &["check", "main..retry", "--json"],
    ));
    let json: serde_json::Value = serde_json::from_str(json.split_once('\n').unwrap().1).unwrap();
    let of_sen = json["signoffs"].as_array().unwrap();
    let of_sen = of_sen.iter().find(|it| it["person"] == "sen").unwrap();
    let statement = of_sen["statement"].as_str().unwrap();
    let back = org.sign(
        "sen",
        &["sign", "main..retry", "--yes", "--revoke", statement],
    );
    assert!(back.contains("taken back as sen"), "{back}");
    assert!(check(&org).starts_with("exit 0\nALLOW"), "{}", check(&org));
}

#[test]
fn the_rules_and_people_of_the_protected_branch_decide() {
    // A change that edits the policy is judged by the one it would replace.
    let org = change();
    org.repo.commit(
        JUN,
        "No rules",
        &[(".countersign/policy.toml", "version = 1\n")],
    );
    org.sign("sen", &SIGN);
    let said = check(&org);
    assert!(
        said.starts_with("exit 1\nHOLD") && said.contains("own-rules"),
        "{said}"
    );

    // The senior leaves before it lands.
    let org = change();
    org.sign("sen", &SIGN);
    org.repo.switch("main");
    let people = std::fs::read_to_string(org.repo.path().join(".countersign/people.toml")).unwrap();
    let gone = people.replace("id = \"sen\"\n", "id = \"sen\"\nactive = false\n");
    org.repo
        .commit(PAT, "Sen left", &[(".countersign/people.toml", &gone)]);
    let said = check(&org);
    assert!(
        said.starts_with("exit 1\nHOLD") && said.contains("of sen does not count"),
        "{said}"
    );
}

#[test]
fn declarations_are_signed_by_authors() {
    let org = Org::new();
    org.repo.branch("retry");
    org.repo.commit(JUN, "By hand", &[("src/app.py", CODE)]);
    assert!(check(&org).starts_with("exit 1\nHOLD"), "{}", check(&org));
    let other = org.sign("sen", &["declare", "main..retry", "--human"]);
    assert!(
        other.starts_with("exit 65\n") && other.contains("did not make"),
        "{other}"
    );
    let own = org.sign("jun", &["declare", "main..retry", "--human"]);
    assert!(
        own.starts_with("exit 0\n") && own.contains("AI involved: no"),
        "{own}"
    );
    assert!(check(&org).starts_with("exit 0\nALLOW"), "{}", check(&org));

    // Evidence of an agent wins over the declaration.
    org.repo
        .commit(JUN, &format!("More{CLAUDE}"), &[("src/app.py", "x\n")]);
    org.sign("jun", &["declare", "main..retry", "--human"]);
    assert!(check(&org).starts_with("exit 1\nHOLD"), "{}", check(&org));

    let ai = org.sign(
        "jun",
        &["declare", "main..retry", "--ai", "advised", "gemini-cli"],
    );
    assert!(ai.contains("AI involved: yes"), "{ai}");
    let wrong = org.sign("jun", &["declare", "main..retry", "--ai", "helped", "x"]);
    assert!(wrong.starts_with("exit 64\n"), "{wrong}");
}

#[test]
fn statements_travel_with_git() {
    let org = change();
    let bare = tempfile::tempdir().unwrap();
    let url = bare.path().join("b.git").display().to_string();
    org.repo.git(&["clone", "-q", "--bare", ".", &url]);
    org.repo.git(&["remote", "add", "origin", &url]);
    org.repo.git(&["fetch", "-q", "origin"]);
    org.sign("sen", &SIGN);
    let pushed = shown(&countersign(org.repo.path(), &["signoffs", "push"]));
    assert_eq!(pushed, "exit 0\npushed to origin\n");

    let clone = tempfile::tempdir().unwrap();
    let there = clone.path().join("c").display().to_string();
    org.repo.git(&["clone", "-q", &url, &there]);
    let dir = std::path::Path::new(&there);
    let before = shown(&countersign(dir, &["check", "origin/main..origin/retry"]));
    assert!(before.starts_with("exit 1\nHOLD"), "{before}");
    assert_eq!(
        shown(&countersign(dir, &["signoffs", "fetch"])),
        "exit 0\nfetched from origin\n"
    );
    let after = shown(&countersign(dir, &["check", "origin/main..origin/retry"]));
    assert!(after.starts_with("exit 0\nALLOW"), "{after}");
    let listed = shown(&countersign(dir, &["signoffs", "list"]));
    assert!(
        listed.contains("sen") && listed.contains("approve"),
        "{listed}"
    );
}

#[test]
fn a_key_of_nobody_signs_nothing() {
    let org = change();
    org.repo
        .signing_key(Who::new("Mallory", "mallory@example.com"));
    let said = org.sign("mallory", &SIGN);
    assert!(
        said.starts_with("exit 65\n") && said.contains("nobody on the roster"),
        "{said}"
    );
}
