//! Breaking the glass for a plan: what it lets through, once, and what not.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "set-up that fails has to fail loudly"
)]

mod common;

use std::process::Command;

use common::{Org, countersign, shown};
use countersign_testkit::Who;

const PAT: Who = Who::new("Pat Principal", "pat@example.com");
const DROP: &str = "DROP TABLE orders;\n";
const STAGING: [&str; 4] = ["--env", "staging", "--by", "mia"];
const POLICY: &str = ".countersign/policy.toml";

/// An organisation with a plan that the built-in policy holds in staging.
fn org() -> Org {
    let org = Org::new();
    org.repo.write("m.sql", DROP);
    org
}

/// The same with more rules, or others.
fn with_policy(change: impl Fn(String) -> String) -> Org {
    let org = org();
    let policy = std::fs::read_to_string(org.repo.path().join(POLICY)).unwrap();
    org.repo
        .commit(PAT, "Other rules", &[(POLICY, &change(policy))]);
    org
}

fn run(org: &Org, args: &[&str]) -> String {
    shown(&countersign(org.repo.path(), args))
}

fn gate(org: &Org, more: &[&str]) -> String {
    run(
        org,
        &[&["gate", "apply", "m.sql"], &STAGING[..], more].concat(),
    )
}

fn break_glass(org: &Org, who: &str, more: &[&str]) -> String {
    let args = [
        &[
            "break-glass",
            "--plan",
            "m.sql",
            "--yes",
            "--reason",
            "the shop is down",
        ],
        &STAGING[..],
        more,
    ];
    org.sign(who, &args.concat())
}

fn json(said: &str) -> serde_json::Value {
    serde_json::from_str(said.split_once('\n').unwrap().1).unwrap()
}

fn starts(said: &str, code: &str, because: &str) {
    assert!(said.starts_with(code) && said.contains(because), "{said}");
}

#[test]
fn an_emergency_plan_goes_through_once_and_is_reviewed_afterwards() {
    let org = org();
    let said = break_glass(&org, "sen", &["--expires", "1h", "--review-due", "8h"]);
    starts(
        &said,
        "exit 0\n",
        "this breaks ai-below-senior, delete-and-recreate for 1h, once, for exactly these bytes in staging",
    );
    assert!(
        said.contains("now: allow (allowed by break-glass of sen, review due "),
        "{said}"
    );
    // Whether it was used elsewhere nobody knows here, so the review is open.
    let open = run(&org, &["audit"]);
    starts(&open, "exit 1\n", "glass broken by sen for m.sql");
    assert!(open.contains("for staging; not let through"), "{open}");

    let through = gate(&org, &[]);
    starts(
        &through,
        "exit 0\nOVERRIDDEN  m.sql: allowed by break-glass of sen, review due ",
        "sen: break-glass",
    );
    let spent = run(&org, &["plan", "m.sql", "--json"]);
    assert_eq!(json(&spent)["spent"]["by"], "mia", "{spent}");

    // Used up: for the gate, for the verdict, and for another break-glass.
    let again = gate(&org, &["--json"]);
    starts(&again, "exit 2\n", "let through before");
    assert_eq!(json(&again)["overridden"], false);
    let plan = run(&org, &[&["plan", "m.sql"], &STAGING[..]].concat());
    starts(
        &plan,
        "exit 1\nHOLD",
        "break-glass of sen does not count: the plan was let through before",
    );
    starts(
        &break_glass(&org, "pat", &[]),
        "exit 65\n",
        "this plan was let through before, at ",
    );

    let open = run(&org, &["audit", "--json"]);
    let open = json(&open)["break_glass"][0].clone();
    assert_eq!(open["state"], "open");
    assert_eq!(open["plan"]["name"], "m.sql");
    assert_eq!(open["plan"]["target"], "environment:staging");
    assert_eq!(open["plan"]["let_through"]["by"], "mia");
    let statement = open["statement"].as_str().unwrap();
    let ratify = |id: &str, more: &[&str]| {
        let args = ["ratify", &statement[..10], "-m", "looked at", "--yes"];
        org.sign(id, &[&args[..], more].concat())
    };
    starts(&ratify("sen", &[]), "exit 65\n", "sen broke the glass");
    starts(&ratify("mia", &[]), "exit 65\n", "mia made the change");
    starts(&ratify("jun", &[]), "exit 65\n", "below the level");
    let said = ratify("pat", &[]);
    starts(&said, "exit 0\n", "ratified as pat");
    assert!(said.contains("environment:staging"), "{said}");
    starts(&run(&org, &["audit"]), "exit 0\nCLEAN", "main");
    ratify("pat", &["--reject"]);
    starts(
        &run(&org, &["audit"]),
        "exit 1\n",
        "rejected by pat: what it did has to be undone",
    );
}

#[test]
fn it_is_for_these_bytes_there_and_then() {
    let org = org();
    break_glass(&org, "sen", &[]);
    // Another plan of the same name.
    org.repo.write("m.sql", "DROP TABLE orders, customers;\n");
    starts(
        &gate(&org, &[]),
        "exit 1\nHOLD",
        "break-glass of sen does not count: it is about another plan",
    );
    org.repo.write("m.sql", DROP);
    // Another environment.
    let production = ["gate", "apply", "m.sql", "--env", "production"];
    starts(
        &run(&org, &[&production[..], &["--by", "mia"]].concat()),
        "exit 1\nHOLD",
        "it is for `environment:staging`",
    );
    // An agent that its signer was not shown; nobody named who may be the signer.
    starts(
        &gate(&org, &["--agent", "claude-code"]),
        "exit 1\nHOLD",
        "AI took part, which its signer was not shown",
    );
    starts(
        &run(&org, &["gate", "apply", "m.sql", "--env", "staging"]),
        "exit 1\nHOLD",
        "may be the only signer",
    );
    // Under the name of someone else, its signer has made it.
    let as_sen = ["gate", "apply", "m.sql", "--env", "staging", "--by", "sen"];
    starts(
        &run(&org, &as_sen),
        "exit 1\nHOLD",
        "the signer made the change",
    );
    // None of this has used it up. Time does.
    let later = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(5);
    let later = later.to_string();
    let late = [&["plan", "m.sql", "--now", &later], &STAGING[..]].concat();
    starts(
        &run(&org, &late),
        "exit 1\nHOLD",
        "break-glass of sen does not count: it expired at ",
    );
    starts(&gate(&org, &[]), "exit 0\n", "OVERRIDDEN");
}

#[test]
fn who_may_and_what_for() {
    let org = org();
    starts(
        &break_glass(&org, "mia", &[]),
        "exit 65\n",
        "mia made the change",
    );
    starts(
        &break_glass(&org, "jun", &[]),
        "exit 65\n",
        "below the level that may break the glass",
    );
    starts(
        &break_glass(&org, "sen", &["--rules", "own-rules"]),
        "exit 65\n",
        "does not stop this change",
    );
    starts(
        &break_glass(&org, "sen", &["--expires", "9h"]),
        "exit 64\n",
        "longer than the policy allows",
    );
    // Sen's agent made it: Sen answers for it, so Sen lets nothing through.
    let agents = ["--env", "staging", "--by", "sen", "--agent", "claude-code"];
    let base = ["break-glass", "--plan", "m.sql", "--yes", "--reason", "x"];
    starts(
        &org.sign("sen", &[&base[..], &agents].concat()),
        "exit 65\n",
        "sen made the change",
    );
    // The rule that no agent recreates anything in production, nobody breaks.
    let production = ["--env", "production", "--by", "mia", "--agent", "codex"];
    starts(
        &org.sign("sen", &[&base[..], &production].concat()),
        "exit 65\n",
        "the policy lets nobody break `agents-recreate-nothing`",
    );
    // A veto stands.
    let veto = ["sign", "--plan", "m.sql", "--veto", "--yes"];
    break_glass(&org, "sen", &[]);
    org.sign("pat", &[&veto[..], &STAGING].concat());
    starts(&gate(&org, &[]), "exit 2\nREFUSE", "vetoed by pat");
    starts(
        &break_glass(&org, "sen", &[]),
        "exit 65\n",
        "a break-glass lifts no veto",
    );
    let mixed = ["break-glass", "main..HEAD", "--env", "staging", "--yes"];
    starts(
        &org.sign("sen", &[&mixed[..], &["--reason", "x"]].concat()),
        "exit 64\n",
        "--plan FILE",
    );
}

#[test]
fn rule_a_broken_leaves_rule_b_standing() {
    let org = with_policy(|policy| {
        format!(
            "{policy}\n[[rule]]\nid = \"staging\"\nwhy = \"staging is shared\"\n\
             when = {{ kind = [\"plan\"], environment = [\"staging\"] }}\n\
             require = [{{ signoffs = 1, level = \"principal\" }}]\n"
        )
    });
    let said = break_glass(
        &org,
        "sen",
        &["--rules", "ai-below-senior,delete-and-recreate"],
    );
    starts(&said, "exit 1\n", "now: hold (needs 1 sign-off)");
    let held = gate(&org, &[]);
    starts(&held, "exit 1\nHOLD", "overridden by break-glass of sen");
    assert!(held.contains("• staging"), "{held}");
    // The other one too, by someone else: each covers its own.
    let said = break_glass(&org, "pat", &["--rules", "staging"]);
    starts(&said, "exit 0\n", "now: allow");
    starts(&gate(&org, &[]), "exit 0\n", "OVERRIDDEN");
}

#[test]
fn it_takes_two_persons_on_tier_1_and_a_third_to_ratify() {
    // What no catalogue entry covers is of tier 3 here, which the terms include.
    let org =
        with_policy(|policy| policy.replace("two_persons_tier = 1 ", "two_persons_tier = 3 "));
    let one = break_glass(&org, "sen", &[]);
    starts(
        &one,
        "exit 1\n",
        "1 more, by someone else, must break it too",
    );
    starts(&break_glass(&org, "sen", &[]), "exit 1\n", "1 more");
    starts(
        &gate(&org, &[]),
        "exit 1\nHOLD",
        "broken by sen, and another person is needed for that",
    );
    starts(
        &break_glass(&org, "pat", &[]),
        "exit 0\n",
        "break-glass of pat and sen",
    );
    starts(&gate(&org, &[]), "exit 0\n", "OVERRIDDEN");
    let audit = json(&run(&org, &["audit", "--json"]));
    for it in audit["break_glass"].as_array().unwrap() {
        for id in ["pat", "sen"] {
            let statement = &it["statement"].as_str().unwrap()[..10];
            let said = org.sign(id, &["ratify", statement, "-m", "fine", "--yes"]);
            starts(&said, "exit 65\n", &format!("{id} broke the glass"));
        }
    }
}

#[test]
fn where_there_is_a_remote_it_is_spent_there() {
    let org = org();
    let bare = tempfile::tempdir().unwrap();
    let server = bare.path().join("b.git").display().to_string();
    org.repo.git(&["clone", "-q", "--bare", ".", &server]);
    org.repo.git(&["remote", "add", "origin", &server]);
    // The server has a gate, which is in nobody's way here.
    let gated = shown(&countersign(server.as_ref(), &["hook", "install"]));
    starts(&gated, "exit 0\n", "pre-receive");
    break_glass(&org, "sen", &[]);
    // Else it would count once in every clone.
    starts(
        &gate(&org, &[]),
        "exit 64\n",
        "name the remote to spend it on, such as `--remote origin`",
    );
    run(&org, &["signoffs", "push"]);
    let there = bare.path().join("c");
    org.repo
        .git(&["clone", "-q", &server, &there.display().to_string()]);
    std::fs::write(there.join("m.sql"), DROP).unwrap();
    let apply = ["gate", "apply", "m.sql", "--remote", "origin"];
    let apply = [&apply[..], &STAGING].concat();
    let first = shown(&countersign(&there, &apply));
    starts(&first, "exit 0\n", "OVERRIDDEN");
    let second = run(&org, &apply);
    starts(&second, "exit 2\nREFUSE", "according to origin");

    // What is spent stays so, and is written as the gate writes it.
    let refs = org
        .repo
        .git(&["ls-remote", "origin", "refs/countersign/spent/*"]);
    let spent = refs.split_whitespace().nth(1).unwrap();
    let other = format!("refs/countersign/spent/{}", "0".repeat(64));
    let push = |args: &[&str]| {
        let push = Command::new("git")
            .args(["push", "-f", "origin"])
            .args(args)
            .current_dir(org.repo.path())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&push.stderr).into_owned();
        assert!(!push.status.success(), "{args:?}: {said}");
        assert!(said.contains("is spent once, and stays spent"), "{said}");
    };
    push(&[&format!(":{spent}")]);
    push(&[&format!("HEAD:{spent}")]);
    push(&[&format!("HEAD:{other}")]);
}

#[test]
fn at_a_terminal_it_asks() {
    let org = org();
    let key = org.repo.path().join(".git/key-sen@example.com");
    let line = format!(
        "'{}' break-glass --plan m.sql --env staging --by mia --reason 'the shop is down' --key '{}'",
        env!("CARGO_BIN_EXE_countersign"),
        key.display()
    );
    let typed = |word: &str| {
        use std::io::Write as _;
        let mut child = Command::new("script")
            .args(["-qec", &line, "/dev/null"])
            .current_dir(org.repo.path())
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        writeln!(child.stdin.take().unwrap(), "{word}").unwrap();
        let output = child.wait_with_output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let no = typed("n");
    assert!(no.contains("nothing signed"), "{no}");
    let yes = typed("y");
    assert!(yes.contains("glass broken as"), "{yes}");
    starts(&gate(&org, &[]), "exit 0\n", "OVERRIDDEN");
}
