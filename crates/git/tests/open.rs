//! Which branches are open changes, with git as the oracle.
#![allow(clippy::unwrap_used, reason = "set-up that fails has to fail loudly")]

use countersign_git::{Oid, Repo};
use countersign_testkit::{GitRepo, Who};

const WHO: Who = Who::new("Jun", "jun@example.com");

fn open(kit: &GitRepo, limit: usize) -> (Repo, Oid, Vec<countersign_git::OpenChange>) {
    let repo = Repo::open(kit.path()).unwrap();
    let onto = repo.resolve("main").unwrap();
    let open = repo.open_changes(&onto, limit).unwrap();
    (repo, onto, open.changes)
}

fn names(changes: &[countersign_git::OpenChange]) -> Vec<&str> {
    changes.iter().map(|change| change.name.as_str()).collect()
}

/// Two branches, one on top of the other, one that took the protected branch in
/// twice, one that was squashed, one renamed away, and one that never met it.
fn scene() -> GitRepo {
    let kit = GitRepo::new();
    kit.commit(WHO, "base", &[("a", "1\n"), ("old", "same\nsame\nsame\n")]);
    kit.branch("first");
    kit.commit(WHO, "one", &[("b", "1\n")]);
    kit.branch("second");
    kit.commit(WHO, "two", &[("c", "1\n")]);
    kit.switch("main");
    kit.branch("merged-in");
    kit.commit(WHO, "three", &[("d", "1\n")]);
    kit.switch("main");
    kit.commit(WHO, "meanwhile", &[("a", "2\n")]);
    kit.switch("merged-in");
    kit.git_as(WHO, &["merge", "-q", "--no-edit", "main"]);
    kit.switch("main");
    kit.branch("squashed");
    kit.commit(WHO, "four", &[("e", "1\n")]);
    kit.commit(WHO, "five", &[("e", "2\n")]);
    kit.switch("main");
    kit.commit(WHO, "four and five (#1)", &[("e", "2\n")]);
    kit.branch("renamed");
    kit.git(&["mv", "old", "new"]);
    kit.git_as(WHO, &["commit", "-q", "-m", "rename"]);
    kit.switch("main");
    kit.branch("empty");
    kit.git_as(WHO, &["commit", "-q", "--allow-empty", "-m", "nothing"]);
    kit.switch("main");
    kit.git(&["checkout", "-q", "--orphan", "pages"]);
    kit.git_as(WHO, &["commit", "-q", "-m", "pages"]);
    kit.switch("main");
    kit
}

#[test]
fn what_is_ahead_and_has_not_landed_is_open() {
    let kit = scene();
    let (repo, onto, changes) = open(&kit, usize::MAX);
    let mut found = names(&changes);
    found.sort_unstable();
    assert_eq!(found, ["first", "merged-in", "renamed", "second"]);
    for change in &changes {
        let base = repo.merge_base(&onto, &change.head).unwrap();
        assert_eq!(change.base, base, "{}", change.name);
        let mut commits = repo.commit_ids(Some(&onto), &change.head).unwrap();
        let mut found = change.commits.clone();
        assert_eq!(found.last(), Some(&change.head), "{}", change.name);
        commits.sort_unstable();
        found.sort_unstable();
        assert_eq!(found, commits, "{}", change.name);
        let files = repo.changed_files(Some(&base), &change.head).unwrap();
        assert_eq!(change.files, files, "{}", change.name);
    }
}

#[test]
fn the_same_change_is_listed_once_wherever_it_was_fetched_from() {
    let kit = scene();
    for (name, at) in [
        ("refs/remotes/origin/first", "first~0"),
        ("refs/remotes/origin/second", "first"),
        ("refs/remotes/origin/main", "main"),
        ("refs/pull/4/head", "second"),
        ("refs/pull/4/merge", "merged-in"),
        ("refs/pull/5/head", "renamed"),
        ("refs/merge-requests/6/head", "merged-in"),
    ] {
        kit.git(&["update-ref", name, at]);
    }
    kit.git(&[
        "symbolic-ref",
        "refs/remotes/origin/HEAD",
        "refs/remotes/origin/main",
    ]);
    for branch in ["renamed", "merged-in"] {
        kit.git(&["branch", "-q", "-D", branch]);
    }
    let (_, _, changes) = open(&kit, usize::MAX);
    let mut found = names(&changes);
    found.sort_unstable();
    assert_eq!(
        found,
        [
            "first",
            "refs/merge-requests/6/head",
            "refs/pull/5/head",
            "second"
        ]
    );
    // Pushed on from elsewhere: the newer one is enough.
    kit.switch("second");
    kit.commit(WHO, "three", &[("c", "2\n")]);
    kit.git(&["update-ref", "refs/remotes/origin/second", "second"]);
    kit.git(&["reset", "-q", "--hard", "HEAD~1"]);
    kit.switch("main");
    let (_, _, changes) = open(&kit, usize::MAX);
    assert!(names(&changes).contains(&"origin/second"));
    assert!(!names(&changes).contains(&"second"));
}

#[test]
fn only_the_newest_are_read() {
    let kit = scene();
    let repo = Repo::open(kit.path()).unwrap();
    let onto = repo.resolve("main").unwrap();
    let open = repo.open_changes(&onto, 3).unwrap();
    assert_eq!(open.not_read, 4);
    assert!(open.changes.len() <= 3);
    assert_eq!(repo.open_changes(&onto, 0).unwrap().changes, []);
}
