//! A hostile author against the installed gate: real pushes of crafted refs and
//! objects.

#![allow(clippy::unwrap_used, reason = "set-up that fails has to fail loudly")]

mod common;

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;

use common::server::Server;
use common::{Org, countersign, shown};
use countersign_testkit::Who;

const JUN: Who = Who::new("Jun Junior", "jun@example.com");
const PAT: Who = Who::new("Pat Principal", "pat@example.com");
const SIGN: [&str; 3] = ["sign", "main..retry", "--yes"];
const SIGNOFFS: &str = "refs/countersign/signoffs";

/// What a pusher names as the old value of a ref is what it was when the push
/// began. A veto that came in between is on the server, and counts.
#[test]
fn a_veto_that_came_during_the_push_is_not_pushed_aside() {
    let org = Org::with_change("src/app.py");
    let server = Server::of(&org, &[]);
    org.sign("sen", &SIGN);
    assert!(org.push(&[SIGNOFFS]).starts_with("exit 0\n"));
    let before = server.tip("main");
    // A clone in which the veto is given.
    let other = tempfile::tempdir().unwrap();
    let clone = other.path().join("clone");
    org.repo.git(&["clone", "-q", ".", clone.to_str().unwrap()]);
    let seen = org.repo.git(&["rev-parse", SIGNOFFS]);
    org.sign(
        "pat",
        &["sign", "main..retry", "--veto", "-m", "no", "--yes"],
    );
    let veto = org.repo.git(&["rev-parse", SIGNOFFS]);
    org.repo.git(&["update-ref", SIGNOFFS, &seen]);
    // The author adds something of their own, so that there is a chain to push.
    org.sign("mia", &SIGN);
    assert_ne!(org.repo.git(&["rev-parse", SIGNOFFS]), seen);
    // Git runs this after it has learnt where the refs are, and before it pushes.
    let hook = org.repo.path().join(".git/hooks/pre-push");
    let url = server.path().display().to_string();
    std::fs::write(
        &hook,
        format!("#!/bin/sh\nexec git push -q --no-verify '{url}' {veto}:{SIGNOFFS} >&2\n"),
    )
    .unwrap();
    std::fs::set_permissions(&hook, std::fs::Permissions::from_mode(0o755)).unwrap();
    let said = org.push(&[SIGNOFFS, "retry:main"]);
    assert_eq!(server.git(&["rev-parse", SIGNOFFS]), veto, "{said}");
    assert_eq!(server.tip("main"), before, "{said}");
    assert!(said.contains("sign-offs are only ever added to"), "{said}");
}

/// A mailbox in a commit is a claim; who pushes is not.
#[test]
fn a_junior_who_writes_as_a_senior_is_held_for_pushing_it() {
    let org = Org::with_change("src/app.py");
    let server = Server::of(&org, &["--pusher", "GL_USERNAME"]);
    let sen = Who::new("Sen Senior", "sen@example.com");
    org.repo.git(&["switch", "-q", "-c", "forged", "main"]);
    org.repo
        .commit(sen, "Mine", &[("src/app.py", "import evil\n")]);
    let before = server.tip("main");
    let said = org.push_with(&["forged:main"], &[("GL_USERNAME", "jun")]);
    assert_eq!(server.tip("main"), before, "{said}");
    assert!(said.contains("HOLD  needs 1 sign-off"), "{said}");
    assert!(said.contains("pushed by jun (says GL_USERNAME)"), "{said}");
    // In a pipeline, by what the forge says.
    let check = |args: &[&str]| {
        let mut all = vec!["check", "main..forged"];
        all.extend(args);
        shown(&countersign(org.repo.path(), &all))
    };
    assert!(check(&[]).starts_with("exit 0\nALLOW"));
    for who in ["jun", "jun@example.com", "Jun <jun@example.com>"] {
        let said = check(&["--pushed-by", who]);
        assert!(said.starts_with("exit 1\nHOLD  needs 1 sign-off"), "{said}");
        assert!(said.contains("jun (junior)"), "{said}");
    }
    // An account that nobody on the roster has may be anyone's, also one that is
    // called like a person's id.
    for who in ["github:mallory", "github:7+sen", "gitlab:sen", "mallory"] {
        let said = check(&["--pushed-by", who]);
        assert!(said.starts_with("exit 1\nHOLD  first identify"), "{said}");
    }
    for who in ["", "github:+"] {
        let said = check(&["--pushed-by", who]);
        assert!(said.starts_with("exit 65\n"), "{said}");
    }
    assert!(check(&["--pushed-by", "sen"]).starts_with("exit 0\nALLOW"));
}

/// Servers keep the old name of a renamed branch as a symbolic ref; git writes
/// through it.
#[test]
fn another_name_of_a_protected_branch_is_protected() {
    let org = Org::with_change("src/app.py");
    let server = Server::of(&org, &[]);
    server.git(&["symbolic-ref", "refs/heads/master", "refs/heads/main"]);
    server.git(&["symbolic-ref", "refs/heads/trunk", "refs/heads/master"]);
    server.git(&["symbolic-ref", "refs/odd/name", SIGNOFFS]);
    let before = server.tip("main");
    for name in ["master", "trunk"] {
        let said = org.push(&[&format!("retry:{name}")]);
        assert!(said.contains("HOLD  needs 1 sign-off"), "{name}: {said}");
        assert_eq!(server.tip("main"), before);
    }
    // Although it leads to nothing yet.
    let said = org.push(&["-f", "retry:refs/odd/name"]);
    assert!(said.contains("is no statement"), "{said}");
    assert_eq!(server.git(&["for-each-ref", SIGNOFFS]), "");
    org.sign("sen", &SIGN);
    let said = org.push(&[SIGNOFFS, "retry:trunk"]);
    assert!(said.contains("ALLOW  main"), "{said}");
    assert_ne!(server.tip("main"), before);
    // The record calls the branch by the name that rules speak of.
    let record = server.git(&["log", "-1", "--format=%s", "refs/countersign/tips"]);
    assert_eq!(record, "advance refs/heads/main");
}

/// A commit with a second tree: git takes the first, and so must the judge.
#[test]
fn a_commit_that_can_be_read_in_two_ways_is_read_as_git_reads_it() {
    let org = Org::with_change("src/app.py");
    let server = Server::of(&org, &[]);
    org.sign("sen", &SIGN);
    let (base, good) = ("main", org.repo.git(&["rev-parse", "retry^{tree}"]));
    org.repo.git(&["switch", "-q", "-c", "evil", base]);
    org.repo.commit(
        JUN,
        "Other",
        &[("src/app.py", "import evil\n"), ("x", "y\n")],
    );
    let evil = org.repo.git(&["rev-parse", "evil^{tree}"]);
    let parent = org.repo.git(&["rev-parse", base]);
    let who = "Jun Junior <jun@example.com> 1767225600 +0000";
    let text = format!(
        "tree {evil}\nparent {parent}\nauthor {who}\ncommitter {who}\ntree {good}\n\nAudit admin\n"
    );
    let mut hash = org
        .repo
        .command()
        .args([
            "hash-object",
            "--literally",
            "-w",
            "-t",
            "commit",
            "--stdin",
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    hash.stdin
        .take()
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    let made = hash.wait_with_output().unwrap();
    let made = String::from_utf8(made.stdout).unwrap();
    let before = server.tip("main");
    let said = org.push(&[SIGNOFFS, &format!("{}:refs/heads/main", made.trim())]);
    assert_eq!(server.tip("main"), before, "{said}");
    assert!(!said.contains("ALLOW"), "{said}");
}

/// Tags and branches whose names hide the protected branch behind them.
#[test]
fn names_that_hide_a_branch_change_no_rules() {
    let org = Org::with_change("src/app.py");
    let server = Server::of(&org, &[]);
    let loose = "version = 1\n[settings]\nmode = \"shadow\"\n";
    org.repo.git(&["switch", "-q", "-c", "loose", "main"]);
    org.repo
        .commit(JUN, "Loose", &[(".countersign/policy.toml", loose)]);
    for name in [
        "refs/tags/main",
        "refs/heads/heads/main",
        "refs/tags/heads/main",
        "refs/remotes/main/HEAD",
        "refs/remotes/origin/main",
    ] {
        let said = org.push(&[&format!("loose:{name}")]);
        assert!(said.starts_with("exit 0\n"), "{name}: {said}");
    }
    let before = server.tip("refs/heads/main");
    let said = org.push(&["retry:refs/heads/main"]);
    assert!(said.contains("HOLD  needs 1 sign-off"), "{said}");
    assert_eq!(server.tip("refs/heads/main"), before);
}

/// One zero byte makes a program binary to git, without any lines.
#[test]
fn a_zero_byte_hides_no_lines() {
    let org = Org::with_change("src/app.py");
    org.repo.switch("main");
    let policy = std::fs::read_to_string(org.repo.path().join(".countersign/policy.toml")).unwrap();
    let rule = "[[rule]]\nid = \"big\"\nwhy = \"much\"\nwhen = { lines = { at_least = 100 } }\nrequire = [{ signoffs = 1 }]\n";
    org.repo.commit(
        PAT,
        "A limit",
        &[(".countersign/policy.toml", &format!("{policy}\n{rule}"))],
    );
    let server = Server::of(&org, &[]);
    let before = server.tip("main");
    org.repo.write("run.sh", b"# \0\n".repeat(150));
    org.repo.git(&["add", "run.sh"]);
    let author = "--author=Pat Principal <pat@example.com>";
    org.repo.git_as(PAT, &["commit", "-q", "-m", "Run", author]);
    let said = org.push(&["main"]);
    assert!(said.contains("big"), "{said}");
    assert_eq!(server.tip("main"), before);
}

/// A fetch brings tags along, and git prefers a tag to a branch of that name.
#[test]
fn a_tag_does_not_stand_in_for_the_branch_that_rules_come_from() {
    let org = Org::with_change("src/app.py");
    let _server = Server::of(&org, &[]);
    org.repo.git(&["switch", "-q", "-c", "loose", "main"]);
    let loose = "version = 1\n[settings]\nmode = \"shadow\"\n";
    org.repo
        .commit(JUN, "Loose", &[(".countersign/policy.toml", loose)]);
    for tag in ["main", "origin/main", "heads/main", "remotes/origin/main"] {
        org.repo.git(&["tag", tag, "loose"]);
    }
    for range in ["main..retry", "origin/main..retry"] {
        let said = common::run_check(&org, &[range]);
        assert!(said.starts_with("exit 1\nHOLD"), "{range}: {said}");
    }
}
