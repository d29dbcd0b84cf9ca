//! Finding the commits behind a squash.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot set itself up has to fail"
)]

use countersign_git::{Proof, Repo, SquashOrigin};
use countersign_testkit::{GitRepo, Who};

const ADA: Who = Who::new("Ada", "ada@example.com");
const BOB: Who = Who::new("Bob", "bob@example.com");

/// The origin of HEAD.
fn origin(repo: &GitRepo) -> Option<SquashOrigin> {
    let git = Repo::open(repo.path()).unwrap();
    let head = git.resolve("HEAD").unwrap();
    let origins = git.origins(&head).unwrap();
    git.squash_origin(&origins, &git.commit(&head).unwrap())
        .unwrap()
}

/// `main` with a file, and `topic` with two commits that change it.
fn with_topic() -> (GitRepo, Vec<String>) {
    let repo = GitRepo::new();
    let text: String = (1..=30).map(|n| format!("{n}\n")).collect();
    repo.commit(ADA, "base", &[("a", &text), ("other", "1\n")]);
    repo.branch("topic");
    let one = repo.commit(BOB, "one", &[("a", &format!("0\n{text}"))]);
    let two = repo.commit(BOB, "two", &[("b", "b\n")]);
    repo.switch("main");
    (repo, vec![one, two])
}

fn objects(repo: &GitRepo) -> String {
    repo.git(&["count-objects", "-v"])
}

#[test]
fn a_branch_left_behind_is_found_and_nothing_is_written() {
    let (repo, commits) = with_topic();
    repo.squash("topic", ADA, "Feature");
    let before = objects(&repo);
    let found = origin(&repo).unwrap();
    assert_eq!(
        (found.refname.as_str(), found.proof),
        ("refs/heads/topic", Proof::SameTree)
    );
    let ids: Vec<&str> = found
        .commits
        .iter()
        .map(countersign_git::Oid::as_str)
        .collect();
    assert_eq!(ids, commits);
    assert_eq!(objects(&repo), before);
}

#[test]
fn also_when_the_base_moved_on_in_the_same_file() {
    let (repo, commits) = with_topic();
    let text: String = (1..=30).map(|n| format!("{n}\n")).collect();
    repo.commit(
        ADA,
        "meanwhile",
        &[("a", &(text + "end\n")), ("other", "2\n")],
    );
    repo.squash("topic", ADA, "Feature (#12)");
    repo.git(&["update-ref", "refs/pull/12/head", "topic"]);
    repo.git(&["branch", "-q", "-D", "topic"]);
    let before = objects(&repo);
    let found = origin(&repo).unwrap();
    assert_eq!(
        (found.refname.as_str(), found.proof),
        ("refs/pull/12/head", Proof::SameMerge)
    );
    assert_eq!(found.commits.len(), commits.len());
    assert_eq!(objects(&repo), before);
}

#[test]
fn the_wrong_branch_is_never_the_origin() {
    let (repo, _) = with_topic();
    repo.git(&["update-ref", "refs/pull/12/head", "topic"]);
    // The number is right and the content is not.
    repo.commit(ADA, "Feature (#12)", &[("b", "b\n"), ("a", "rewritten\n")]);
    assert_eq!(origin(&repo), None);

    // A branch on top of the commit is not where it came from.
    repo.git(&["branch", "-q", "-D", "topic"]);
    repo.git(&["update-ref", "-d", "refs/pull/12/head"]);
    let plain = repo.commit(ADA, "plain", &[("c", "c\n")]);
    repo.branch("later");
    repo.commit(ADA, "later", &[]);
    repo.git(&["checkout", "-q", &plain]);
    assert_eq!(origin(&repo), None);
}

#[test]
fn merges_and_first_commits_have_none() {
    let (repo, _) = with_topic();
    repo.merge("topic", "Merge topic");
    assert_eq!(origin(&repo), None);
    let first = GitRepo::new();
    first.commit(ADA, "first", &[]);
    assert_eq!(origin(&first), None);
}

#[test]
fn unrelated_histories_and_deletions() {
    let (repo, _) = with_topic();
    repo.git(&["checkout", "-q", "--orphan", "apart"]);
    repo.commit(ADA, "apart", &[("b", "b\n")]);
    repo.switch("main");
    repo.commit(ADA, "same first file", &[("b", "b\n"), ("c", "c\n")]);
    assert_eq!(origin(&repo), None);
    repo.branch("gone");
    std::fs::remove_file(repo.path().join("other")).unwrap();
    repo.commit(BOB, "remove", &[]);
    repo.switch("main");
    repo.squash("gone", ADA, "Remove");
    assert_eq!(origin(&repo).unwrap().refname, "refs/heads/gone");
}

#[test]
fn a_configured_merge_program_is_not_run() {
    let (repo, _) = with_topic();
    let text: String = (1..=30).map(|n| format!("{n}\n")).collect();
    repo.commit(ADA, "meanwhile", &[("a", &(text + "end\n"))]);
    repo.squash("topic", ADA, "Feature");
    let proof = repo.path().join(".git/ran");
    let driver = format!("touch '{}'; exit 1 #", proof.display());
    for key in ["merge.evil.driver", "merge.e=v.il.driver"] {
        repo.git(&["config", key, &driver]);
    }
    repo.git(&["config", "merge.default", "evil"]);
    assert!(origin(&repo).is_some());
    std::fs::write(repo.path().join(".git/info/attributes"), "* merge=evil\n").unwrap();
    assert_eq!(origin(&repo), None);
    assert!(!proof.exists(), "the driver was run");
}
