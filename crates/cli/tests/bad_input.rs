//! Wrong input: a clear message, the right exit code, never a pass.

#![allow(clippy::unwrap_used, reason = "set-up that fails has to fail loudly")]

mod common;

use common::{Org, check, countersign, shown};
use countersign_testkit::{GitRepo, Who};

const JUN: Who = Who::new("Jun Junior", "jun@example.com");

#[test]
fn places_that_cannot_be_judged() {
    let empty = tempfile::tempdir().unwrap();
    let said = shown(&countersign(empty.path(), &["check"]));
    assert!(said.starts_with("exit 66\ncountersign: "), "{said}");
    assert!(
        said.contains("is not in a git repository") && said.contains("--repo DIR"),
        "{said}"
    );

    let unborn = GitRepo::new();
    let said = check(unborn.path(), &[]);
    assert_eq!(
        said,
        "exit 66\ncountersign: the branch `main` has no commits yet\n  hint: make a first commit\n"
    );

    let org = Org::new();
    let said = check(org.repo.path(), &["nope..HEAD"]);
    assert!(
        said.starts_with("exit 66\ncountersign: `nope` is not a commit"),
        "{said}"
    );

    let said = shown(&countersign(org.repo.path(), &["check", "--format", "xml"]));
    assert!(said.starts_with("exit 64\n"), "{said}");
}

#[test]
fn kinds_of_repository() {
    for repo in [GitRepo::new(), GitRepo::sha256()] {
        repo.commit(JUN, "one", &[("a", "1\n")]);
        repo.git(&["checkout", "-q", "--detach"]);
        let said = check(repo.path(), &[]);
        assert!(said.starts_with("exit 0\nHOLD"), "{said}");
        let bare = tempfile::tempdir().unwrap();
        let target = bare.path().join("b.git");
        repo.git(&["clone", "-q", "--bare", ".", &target.display().to_string()]);
        assert!(check(&target, &[]).starts_with("exit 0\nHOLD"));
        let said = shown(&countersign(&target, &["init"]));
        assert!(said.starts_with("exit 65\n"), "{said}");
    }
}

#[test]
fn a_shallow_clone_is_not_a_pass() {
    let org = Org::new();
    org.repo.commit(JUN, "two", &[("a", "2\n")]);
    let clone = tempfile::tempdir().unwrap();
    let url = format!("file://{}", org.repo.path().display());
    let target = clone.path().join("c");
    org.repo.git(&[
        "clone",
        "-q",
        "--depth=1",
        &url,
        &target.display().to_string(),
    ]);
    let said = check(&target, &[]);
    assert!(
        said.starts_with("exit 65\n") && said.contains("--unshallow"),
        "{said}"
    );
}

#[test]
fn rules_that_cannot_be_read_are_never_a_pass() {
    for (file, text, wanted) in [
        (
            "policy.toml",
            "version = 1\n[[rule]]\nid = \"a\"\n",
            "asks for nothing",
        ),
        ("policy.toml", "version = 9\n", "version 9 is not known"),
        ("policy.toml", "{", ""),
        (
            "people.toml",
            "version = 1\n[[person]]\nid = \"a\"\n[[person]]\nid = \"a\"\n",
            "two people have the id",
        ),
        (
            "people.toml",
            "version = 1\n[[person]]\nid = \"a\"\nlevel = \"boss\"\n",
            "is not a level",
        ),
        ("usage.toml", "version = 1\n[[usage]]\n", "missing field"),
        ("catalog.yaml", "version: 1\nservises: []\n", "servises"),
        ("policy.toml", "\u{0}", ""),
    ] {
        let org = Org::new();
        let path = format!(".countersign/{file}");
        org.repo.commit(JUN, "break it", &[(&path, text)]);
        org.repo.branch("topic");
        org.repo.commit(JUN, "change", &[("a", "1\n")]);
        let said = check(org.repo.path(), &[]);
        assert!(said.starts_with("exit 65\n"), "{file} {text:?}: {said}");
        assert!(
            said.contains(wanted) && said.contains(file),
            "{file}: {said}"
        );
    }
    // Not UTF-8.
    let org = Org::new();
    std::fs::write(
        org.repo.path().join(".countersign/policy.toml"),
        b"\xff\xfe",
    )
    .unwrap();
    org.repo.commit(JUN, "break it", &[]);
    org.repo.branch("topic");
    org.repo.commit(JUN, "change", &[("a", "1\n")]);
    assert!(check(org.repo.path(), &[]).contains("is not UTF-8"));
}

#[test]
fn a_problem_in_a_file_is_drawn_in_its_place() {
    let org = Org::new();
    let text = "version = 1\n[[rule]]\nid = \"r\"\nwhen = { author = { below = \"senoir\" } }\nrequire = [{}]\n";
    org.repo
        .commit(JUN, "break it", &[(".countersign/policy.toml", text)]);
    org.repo.branch("topic");
    org.repo.commit(JUN, "change", &[("a", "1\n")]);
    insta::assert_snapshot!(check(org.repo.path(), &[]), @r#"
    exit 65
    countersign: .countersign/policy.toml cannot be used: 1 problem
      × `senoir` is not a level
       ╭─[.countersign/policy.toml:4:29]
     3 │ id = "r"
     4 │ when = { author = { below = "senoir" } }
       ·                             ────────
     5 │ require = [{}]
       ╰────
      help: did you mean `senior`?
    "#);
}

#[test]
fn a_roster_without_a_senior_holds_and_says_why() {
    let org = Org::new();
    let people = "version = 1\n[[person]]\nid = \"jun\"\nemails = [\"jun@example.com\"]\n";
    org.repo
        .commit(JUN, "only me", &[(".countersign/people.toml", people)]);
    org.repo.branch("topic");
    org.repo.commit(JUN, "change", &[("a", "1\n")]);
    insta::assert_snapshot!(check(org.repo.path(), &[]), @"
    exit 1
    HOLD  needs a sign-off that nobody can give now

      change       main..HEAD  1 commit, 1 file, 1 line
      made by      jun (junior)  level junior
      AI involved  unknown
      lines        0 AI-assisted, 1 unknown, 0 human

      • ai-below-senior  AI-assisted changes by people below senior need a more senior pair of eyes
        because AI involvement is yes or unknown; author is below senior
        needs 1 sign-off by at least senior, above the author: nobody on the roster can give this sign-off now

      countersign policy check   find the rules that nobody can satisfy
    ");
}

#[test]
fn odd_content_of_commits() {
    let org = Org::new();
    org.repo.branch("topic");
    let long = "x".repeat(1000) + "\n";
    let message = format!(
        "huge\n\n{}\nCo-Authored-By: Claude <noreply@anthropic.com>\n",
        long.repeat(10_000)
    );
    std::fs::write(org.repo.path().join(".git/msg"), message).unwrap();
    org.repo.write("a", "1\n");
    org.repo.git(&["add", "-A"]);
    org.repo
        .git(&["commit", "-q", "-F", ".git/msg", "--cleanup=verbatim"]);
    let said = check(org.repo.path(), &[]);
    assert!(said.starts_with("exit 1\nHOLD"), "{said}");
    assert!(said.contains("claude-code"), "{said}");

    // Co-author lines without a mailbox, and naming each other.
    let message = "odd\n\nCo-authored-by: Jun\nCo-authored-by: <>\nCo-authored-by:\nCo-authored-by: Jun <jun@example.com>\nCo-authored-by: Jun <jun@example.com>\n";
    org.repo.commit(JUN, message, &[("a", "2\n")]);
    let said = check(org.repo.path(), &["HEAD"]);
    assert!(said.starts_with("exit 1\nHOLD"), "{said}");
}

#[test]
fn names_that_are_not_text() {
    let org = Org::new();
    org.repo.branch("topic");
    let raw = b"tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\nauthor \xff\xfe <\xff@x> 1772442000 +0000\ncommitter \xff <> 1772442000 +0000\n\n\xff message\n";
    std::fs::write(org.repo.path().join(".git/raw"), raw).unwrap();
    let id = org.repo.git(&[
        "hash-object",
        "-t",
        "commit",
        "-w",
        "--literally",
        ".git/raw",
    ]);
    let said = check(org.repo.path(), &[&id]);
    assert!(
        said.starts_with("exit 0\nHOLD") && said.contains("[shadow"),
        "{said}"
    );
}

#[test]
fn a_foreign_catalogue_that_is_broken_does_not_stop_a_first_look() {
    let repo = GitRepo::new();
    repo.commit(JUN, "one", &[("catalog-info.yaml", "kind: [\n")]);
    repo.commit(JUN, "two", &[("a", "2\n")]);
    let said = check(repo.path(), &[]);
    assert!(said.starts_with("exit 0\nHOLD"), "{said}");
    assert!(said.contains("warning: catalog-info.yaml"), "{said}");
}
