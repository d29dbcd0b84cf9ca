//! The gate of a bare repository, through the installed hook and real pushes.

#![allow(clippy::unwrap_used, reason = "set-up that fails has to fail loudly")]

mod common;

use common::server::Server;
use common::{CODE, Org, countersign, shown};
use countersign_testkit::Who;

const JUN: Who = Who::new("Jun Junior", "jun@example.com");
const SEN: Who = Who::new("Sen Senior", "sen@example.com");
const PAT: Who = Who::new("Pat Principal", "pat@example.com");
const AUTHOR: &str = "--author=Jun Junior <jun@example.com>";
const SIGN: [&str; 3] = ["sign", "main..retry", "--yes"];
const BOTH: [&str; 2] = ["refs/countersign/signoffs", "retry:main"];

#[track_caller]
fn held(said: &str, because: &str) {
    assert!(said.starts_with("exit 1\n"), "{said}");
    assert!(said.contains("HOLD  needs 1 sign-off"), "{said}");
    assert!(said.contains("pre-receive hook declined"), "{said}");
    assert!(said.contains(because), "{said}");
}

#[track_caller]
fn landed(said: &str, because: &str) {
    assert!(said.starts_with("exit 0\n"), "{said}");
    assert!(
        said.contains("ALLOW  main: ") && said.contains(because),
        "{said}"
    );
}

/// The scenario of the issue, push by push.
#[test]
fn a_change_gets_in_with_the_sign_off_it_needs_and_with_no_other() {
    let org = Org::with_change("src/app.py");
    let server = Server::of(&org, &[]);
    let before = server.tip("main");

    // A junior pushes what an agent wrote. The branch is fine, main is not.
    assert!(org.push(&["retry"]).starts_with("exit 0\n"));
    let said = org.push(&["retry:main"]);
    held(&said, "ai-below-senior");
    assert!(said.contains("can sign      sen, sue, pat"), "{said}");
    assert!(
        said.contains("countersign sign origin/main..origin/retry && countersign signoffs push"),
        "{said}"
    );
    assert_eq!(server.tip("main"), before);

    // The author's own approval, made with their real key around the tool.
    org.sign("mia", &SIGN);
    org.forge("jun", |_| ());
    held(&org.push(&BOTH), "approve of jun does not count");
    // The sign-offs were in the same push, which is refused as a whole.
    assert_eq!(
        server.git(&["for-each-ref", "refs/countersign/signoffs"]),
        ""
    );
    // A mid-level engineer's counts, but is not what is asked for.
    held(
        &org.push(&BOTH),
        "approve of mia meets no requirement: below senior",
    );

    org.sign("sen", &SIGN);
    let approved = org.repo.head();

    // An honest rebase onto what someone else landed meanwhile.
    org.repo.switch("main");
    org.repo.commit(PAT, "Elsewhere", &[("far.txt", "2\n")]);
    landed(&org.push(&["main"]), "no sign-off needed");
    org.repo.switch("retry");
    org.repo.git_as(JUN, &["rebase", "-q", "main"]);
    let rebased = org.repo.head();

    // The same line, moved to the other function.
    let moved = CODE.replace(
        "def guest():\n    check()\n    log()\n",
        "def guest():\n    check()\n    log()\n    audit()\n",
    );
    org.repo.write("src/app.py", moved);
    org.repo
        .git_as(JUN, &["commit", "-q", "-a", "--amend", "--no-edit"]);
    let said = org.push(&BOTH);
    held(&said, "nobody yet");
    assert!(
        said.contains("sen approved other content of src/app.py (retry), not what is pushed"),
        "{said}"
    );
    let check = shown(&countersign(org.repo.path(), &["check", "main..retry"]));
    assert!(
        check.contains("approve of sen does not count: dropped"),
        "{check}"
    );

    // Force-pushed back and forth: what was signed counts, and only it.
    org.push(&["-f", "retry"]);
    org.repo.git(&["reset", "-q", "--hard", &approved]);
    org.push(&["-f", "retry"]);
    let said = org.push(&BOTH);
    assert!(
        said.starts_with("exit 1\n") && said.contains("non-fast-forward"),
        "{said}"
    );
    org.repo.git(&["reset", "-q", "--hard", &rebased]);
    landed(
        &org.push(&BOTH),
        "approved by sen, kept: identical replay on",
    );
    assert_eq!(server.tip("main"), rebased);
    // The gate has recorded both advances.
    let record = server.git(&[
        "log",
        "--first-parent",
        "--format=%s",
        "refs/countersign/tips",
    ]);
    assert_eq!(
        record,
        "advance refs/heads/main\nadvance refs/heads/main\nthe record begins"
    );
    let verified = countersign(&server.path(), &["verify", "main~2..main"]);
    let verified = shown(&verified);
    assert!(verified.starts_with("exit 0\nVERIFIED"), "{verified}");
    assert!(verified.contains("approve of sen") && verified.contains("kept: identical replay"));
}

/// A file beyond what is read whole, made so that it packs into little.
#[test]
fn a_large_file_is_judged_signed_landed_and_audited() {
    let org = Org::with_change("src/app.py");
    let server = Server::of(&org, &[]);
    let mut large = vec![0_u8; 70 << 20];
    org.repo.write("model.bin", &large);
    org.repo.git(&["add", "model.bin"]);
    org.repo.commit(JUN, "Model", &[]);
    let check = |range: &str| shown(&countersign(org.repo.path(), &["check", range]));
    let said = check("main..retry");
    assert!(said.starts_with("exit 1\nHOLD  needs 1 sign-off"), "{said}");
    let signed = org.sign("sen", &SIGN);
    assert!(signed.starts_with("exit 0\n"), "{signed}");
    // Another last byte is other content.
    *large.last_mut().unwrap() = 1;
    let approved = org.repo.head();
    org.repo.write("model.bin", &large);
    org.repo
        .git_as(JUN, &["commit", "-q", "-a", "--amend", "--no-edit"]);
    let said = check("main..retry");
    assert!(said.contains("approve of sen does not count"), "{said}");
    org.repo.git(&["reset", "-q", "--hard", &approved]);
    // The same content on another base is the same.
    org.repo.switch("main");
    org.repo.commit(PAT, "Elsewhere", &[("far.txt", "2\n")]);
    landed(&org.push(&["main"]), "no sign-off needed");
    org.repo.switch("retry");
    org.repo.git_as(JUN, &["rebase", "-q", "main"]);
    landed(&org.push(&BOTH), "approved by sen, kept: ");
    for args in [&["audit"][..], &["verify", "main~3..main"]] {
        let said = shown(&countersign(&server.path(), args));
        assert!(said.starts_with("exit 0\n"), "{args:?}: {said}");
    }
}

#[test]
fn a_change_of_the_rules_is_judged_by_the_rules_it_would_replace() {
    let org = Org::with_change("src/app.py");
    let _server = Server::of(&org, &[]);
    let shadow = "version = 1\n[settings]\nmode = \"shadow\"\n";
    org.repo
        .commit(JUN, "No rules", &[(".countersign/policy.toml", shadow)]);
    org.sign("sen", &SIGN);
    held(&org.push(&BOTH), "own-rules");
    // Nor does it help to change them first, in the same push.
    org.repo.git(&["reset", "-q", "--hard", "HEAD~1"]);
    org.repo
        .git(&["update-ref", "-d", "refs/countersign/signoffs"]);
    org.repo.switch("main");
    org.repo
        .commit(JUN, "No rules", &[(".countersign/policy.toml", shadow)]);
    org.repo.merge("retry", "Merge retry");
    held(&org.push(&["main"]), "own-rules");
}

#[test]
fn whoever_left_before_it_landed_does_not_count() {
    let org = Org::with_change("src/app.py");
    let server = Server::of(&org, &[]);
    org.sign("sen", &SIGN);
    org.repo.switch("main");
    let people = std::fs::read_to_string(org.repo.path().join(".countersign/people.toml")).unwrap();
    let gone = people.replace("id = \"sen\"\n", "id = \"sen\"\nactive = false\n");
    org.repo
        .commit(PAT, "Sen left", &[(".countersign/people.toml", &gone)]);
    // The highest level present is asked, and that is who made the change.
    server.git(&[
        "fetch",
        "-q",
        &org.repo.path().display().to_string(),
        "main:main",
    ]);
    org.repo.switch("retry");
    org.repo.git_as(JUN, &["rebase", "-q", "main"]);
    held(
        &org.push(&BOTH),
        "approve of sen does not count: the signer is no longer active",
    );
    org.sign("pat", &SIGN);
    landed(&org.push(&BOTH), "all sign-offs are there");
}

#[test]
fn refs_that_must_stay_stay() {
    let org = Org::with_change("src/app.py");
    let server = Server::of(&org, &[]);
    org.sign("sen", &SIGN);
    landed(&org.push(&BOTH), "all sign-offs are there");
    let tip = server.tip("main");
    let refused = |said: &str, because: &str| {
        assert!(
            said.starts_with("exit 1\n") && said.contains(because),
            "{said}"
        );
        assert_eq!(server.tip("main"), tip);
    };
    refused(
        &org.push(&[":main"]),
        "REFUSE  main: a protected branch is not deleted",
    );
    refused(
        &org.push(&["+main:main"]),
        "REFUSE  main: a protected branch is not rewritten",
    );
    refused(
        &org.push(&[":refs/countersign/signoffs"]),
        "sign-offs are only ever added to",
    );
    refused(
        &org.push(&["+main:refs/countersign/signoffs"]),
        "sign-offs are only ever added to",
    );
    refused(
        &org.push(&["+main:refs/countersign/tips"]),
        "only the server writes this ref",
    );
    // Anything that is not a statement.
    org.repo
        .git(&["switch", "-q", "--detach", "refs/countersign/signoffs"]);
    org.repo.commit(SEN, "junk", &[("junk", "x\n")]);
    refused(
        &org.push(&["HEAD:refs/countersign/signoffs"]),
        "is no statement",
    );
    // New branches and tags are nobody's business.
    let said = org.push(&["retry:feature/x", "retry:refs/tags/v1"]);
    assert!(said.starts_with("exit 0\n"), "{said}");
}

#[test]
fn protected_branches_are_those_of_the_policy() {
    let org = Org::with_change("src/app.py");
    org.repo.switch("main");
    let policy = std::fs::read_to_string(org.repo.path().join(".countersign/policy.toml")).unwrap();
    let policy = policy.replace("[settings]\n", "[settings]\nprotected = [\"release/*\"]\n");
    org.repo
        .commit(PAT, "Protect", &[(".countersign/policy.toml", &policy)]);
    org.repo.switch("retry");
    org.repo.git_as(JUN, &["rebase", "-q", "main"]);
    let _server = Server::of(&org, &[]);
    let said = org.push(&["retry:release/1"]);
    assert!(
        said.contains("a new protected branch starts from a commit of main"),
        "{said}"
    );
    assert!(org.push(&["main:release/1"]).starts_with("exit 0\n"));
    held(&org.push(&["retry:release/1"]), "ai-below-senior");
    assert!(org.push(&["retry:releases"]).starts_with("exit 0\n"));
    // What was signed for one branch is for no other.
    org.sign("sen", &SIGN);
    held(
        &org.push(&["refs/countersign/signoffs", "retry:release/1"]),
        "it is for `refs/heads/main`",
    );
}

/// A branch from an old commit does not bring back that commit's mode or people.
#[test]
fn an_old_commits_rules_do_not_come_back() {
    const POLICY: &str = ".countersign/policy.toml";
    let org = Org::with_change("src/app.py");
    org.repo.switch("main");
    let policy = std::fs::read_to_string(org.repo.path().join(POLICY)).unwrap();
    let guarded = policy.replace("[settings]\n", "[settings]\nprotected = [\"release/*\"]\n");
    let shadow = guarded.replace("mode = \"enforce\"", "mode = \"shadow\"");
    assert_ne!(guarded, shadow, "{policy}");
    org.repo.commit(PAT, "Try it out", &[(POLICY, &shadow)]);
    org.repo.switch("retry");
    org.repo.git_as(JUN, &["rebase", "-q", "main"]);
    org.repo.switch("main");
    org.repo.commit(PAT, "Mean it", &[(POLICY, &guarded)]);
    let _server = Server::of(&org, &[]);
    assert!(
        org.push(&["main~1:refs/heads/release/1"])
            .starts_with("exit 0\n")
    );
    held(&org.push(&["retry:release/1"]), "ai-below-senior");
}

/// As a forge does for whoever presses the button: the author stays.
fn squash(org: &Org) {
    org.repo.git(&["merge", "-q", "--squash", "retry"]);
    let message = format!("Retry (#1){}", common::CLAUDE);
    org.repo.commit_by(JUN, SEN, &message, &[]);
}

#[test]
fn every_way_to_land_is_let_through_and_verified() {
    type Land<'a> = (&'a str, &'a dyn Fn(&Org), &'a str);
    let ways: [Land<'_>; 4] = [
        (
            "merge",
            &|org| drop(org.repo.merge("retry", "Merge retry")),
            "landed as merge",
        ),
        ("squash", &|org| squash(org), "landed as one commit"),
        (
            "rebase",
            &|org| drop(org.repo.git_as(SEN, &["cherry-pick", "main..retry"])),
            "landed as every commit",
        ),
        (
            "fast-forward",
            &|org| drop(org.repo.git(&["merge", "-q", "--ff-only", "retry"])),
            "landed as every commit",
        ),
    ];
    for (way, land, how) in ways {
        let org = Org::with_change("src/app.py");
        org.repo.commit(
            JUN,
            &format!("More{}", common::CLAUDE),
            &[("src/more.py", "more\n")],
        );
        let server = Server::of(&org, &[]);
        org.sign("sen", &SIGN);
        org.repo.switch("main");
        if way != "fast-forward" {
            org.repo.commit(PAT, "Elsewhere", &[("far.txt", "2\n")]);
        }
        land(&org);
        let said = org.push(&["refs/countersign/signoffs", "main"]);
        landed(&said, "all sign-offs are there");
        let said = shown(&countersign(&server.path(), &["verify", "main"]));
        assert!(said.starts_with("exit 0\nVERIFIED"), "{way}: {said}");
        assert!(
            said.contains(how) && said.contains("approve of sen"),
            "{way}: {said}"
        );
        let audit = shown(&countersign(&server.path(), &["audit"]));
        assert!(audit.starts_with("exit 0\nCLEAN"), "{way}: {audit}");
    }
}

/// Otherwise nobody could tell afterwards what landed when.
#[test]
fn the_branch_stays_the_main_line_of_its_history() {
    let org = Org::with_change("src/app.py");
    let _server = Server::of(&org, &[]);
    org.repo.switch("main");
    org.repo.commit(PAT, "Elsewhere", &[("far.txt", "2\n")]);
    landed(&org.push(&["main"]), "no sign-off needed");
    org.repo.switch("retry");
    let mut update = org.repo.command();
    update.args(["merge", "-q", "--no-ff", "-m", "Update", "main"]);
    for part in ["AUTHOR", "COMMITTER"] {
        update.env(format!("GIT_{part}_NAME"), JUN.name);
        update.env(format!("GIT_{part}_EMAIL"), JUN.email);
    }
    assert!(update.status().unwrap().success());
    org.sign("sen", &SIGN);
    let said = org.push(&BOTH);
    assert!(said.starts_with("exit 1\n"), "{said}");
    assert!(
        said.contains("it would become a side line of what is pushed"),
        "{said}"
    );
    // The other way round it lands.
    org.repo.switch("main");
    org.repo.merge("retry", "Merge retry");
    landed(
        &org.push(&["refs/countersign/signoffs", "main"]),
        "all sign-offs are there",
    );
}

#[test]
fn a_merge_that_adds_something_of_its_own_is_held() {
    let org = Org::with_change("src/app.py");
    let _server = Server::of(&org, &[]);
    org.sign("sen", &SIGN);
    org.repo.switch("main");
    org.repo
        .git(&["merge", "-q", "--no-commit", "--no-ff", "retry"]);
    org.repo.write("far.txt", "evil\n");
    org.repo
        .git_as(JUN, &["commit", "-q", "-a", "-m", "Merge retry", AUTHOR]);
    held(
        &org.push(&["refs/countersign/signoffs", "main"]),
        "what was signed is not what is pushed",
    );
}

#[test]
fn whoever_pushes_counts_among_those_who_made_it() {
    let org = Org::with_change("src/app.py");
    let _server = Server::of(&org, &["--pusher", "GL_USERNAME"]);
    org.sign("sen", &SIGN);
    let silent = org.push(&BOTH);
    assert!(
        silent.contains("the server does not say who pushes"),
        "{silent}"
    );
    let own = org.push_with(&BOTH, &[("GL_USERNAME", "sen")]);
    held(
        &own,
        "approve of sen does not count: the signer made the change",
    );
    assert!(own.contains("pushed by sen (says GL_USERNAME)"), "{own}");
    assert!(own.contains("sen (pusher)"), "{own}");
    let stranger = org.push_with(&BOTH, &[("GL_USERNAME", "mallory")]);
    assert!(
        stranger.starts_with("exit 1\n")
            && stranger.contains("HOLD  first identify mallory; then it needs 1 sign-off")
            && stranger.contains("pushed by mallory, who is not on the roster"),
        "{stranger}"
    );
    landed(
        &org.push_with(&BOTH, &[("GL_USERNAME", "jun")]),
        "all sign-offs are there",
    );
}

#[test]
fn the_update_hook_judges_ref_by_ref() {
    let org = Org::with_change("src/app.py");
    let server = Server::of(&org, &["--update"]);
    let before = server.tip("main");
    let said = org.push(&["retry", "retry:main"]);
    assert!(
        said.contains("HOLD  needs 1 sign-off") && said.contains("hook declined"),
        "{said}"
    );
    assert_eq!(server.tip("main"), before);
    assert_eq!(server.tip("retry"), org.repo.head());
    org.sign("sen", &SIGN);
    assert!(
        org.push(&["refs/countersign/signoffs"])
            .starts_with("exit 0\n")
    );
    landed(&org.push(&["retry:main"]), "all sign-offs are there");
}

#[test]
fn what_cannot_be_judged_is_refused() {
    let org = Org::with_change("src/app.py");
    let server = Server::of(&org, &[]);
    // Rules that nobody can read, put there around the gate.
    org.repo.switch("main");
    org.repo.commit(
        PAT,
        "Broken",
        &[(".countersign/policy.toml", "version = 9\n")],
    );
    server.git(&[
        "fetch",
        "-q",
        &org.repo.path().display().to_string(),
        "main:main",
    ]);
    let said = org.push(&["retry:refs/heads/other"]);
    assert!(
        said.starts_with("exit 1\n") && said.contains("policy.toml"),
        "{said}"
    );
}

#[test]
fn shadow_mode_says_it_and_stops_nothing() {
    let org = Org::with_change("src/app.py");
    org.repo.switch("main");
    let policy = std::fs::read_to_string(org.repo.path().join(".countersign/policy.toml")).unwrap();
    let policy = policy.replace("mode = \"enforce\"", "mode = \"shadow\"");
    org.repo
        .commit(PAT, "Shadow", &[(".countersign/policy.toml", &policy)]);
    org.repo.switch("retry");
    org.repo.git_as(JUN, &["rebase", "-q", "main"]);
    let server = Server::of(&org, &[]);
    let said = org.push(&["retry:main"]);
    assert!(
        said.starts_with("exit 0\n") && said.contains("[shadow: nothing is stopped]"),
        "{said}"
    );
    let audit = shown(&countersign(&server.path(), &["audit"]));
    // Going into shadow mode was stopped by nobody here, and is a bypass itself.
    assert!(
        audit.contains("1 bypass in 3 steps") && audit.contains("1 step in shadow mode"),
        "{audit}"
    );
}

#[test]
fn what_went_around_the_gate_is_found() {
    let org = Org::with_change("src/app.py");
    let server = Server::of(&org, &[]);
    let there = org.repo.path().display().to_string();
    server.git(&["fetch", "-q", &there, "retry:retry"]);
    server.git(&["update-ref", "refs/heads/main", "retry"]);
    let audit = shown(&countersign(&server.path(), &["audit"]));
    assert!(
        audit.starts_with("exit 1\nNEEDS SOMEONE  main: 1 bypass in 2 steps"),
        "{audit}"
    );
    assert!(
        audit.contains("Audit admin") && audit.contains("made by jun"),
        "{audit}"
    );
    assert!(audit.contains("by the commit's claim"), "{audit}");
    assert!(
        audit.contains("missing: ai-below-senior: needs 1 sign-off by at least senior"),
        "{audit}"
    );
    let verify = shown(&countersign(&server.path(), &["verify", "main"]));
    assert!(verify.starts_with("exit 1\nFAILED"), "{verify}");
    // Signed afterwards, it is no bypass, but a statement that came late.
    // A tip that was recorded and is gone is found too.
    org.repo.switch("main");
    org.repo.git(&["reset", "-q", "--hard", "retry"]);
    org.repo.commit(PAT, "On", &[("far.txt", "3\n")]);
    landed(&org.push(&["main"]), "no sign-off needed");
    server.git(&["update-ref", "refs/heads/main", "retry"]);
    let audit = shown(&countersign(&server.path(), &["audit"]));
    assert!(
        audit.contains("1 tip lost") && audit.contains("is not on main any more"),
        "{audit}"
    );
    // So a clone that fetches the record can tell as well.
    org.repo.git(&[
        "fetch",
        "-q",
        "-f",
        "origin",
        "+refs/heads/*:refs/remotes/origin/*",
    ]);
    shown(&countersign(org.repo.path(), &["signoffs", "fetch"]));
    let audit = shown(&countersign(
        org.repo.path(),
        &["audit", "--target", "origin/main"],
    ));
    assert!(audit.contains("1 tip lost"), "{audit}");
}
