//! Permissions that hold once: whoever tries, exactly one gets it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::sync::Barrier;

use countersign_core::signoff::Digest;
use countersign_git::spent::{Occasion, PREFIX, Spending};
use countersign_git::{GitError, Repo};
use countersign_testkit::GitRepo;

fn kits() -> Vec<GitRepo> {
    vec![
        GitRepo::new(),
        GitRepo::sha256(),
        GitRepo::reftable(),
        GitRepo::bare(),
    ]
}

fn spend(repo: &Repo, key: &Digest, who: &str, remote: Option<&str>) -> Spending {
    repo.spend(key, who.as_bytes(), 1_773_144_000, remote)
        .unwrap()
}

fn before(spending: Spending) -> Occasion {
    match spending {
        Spending::Before(before) => before,
        Spending::Spent(_) => panic!("spent twice"),
    }
}

#[test]
fn once_and_with_what_was_written() {
    for kit in kits() {
        let repo = Repo::open(kit.path()).unwrap();
        let (one, other) = (Digest::of(b"one"), Digest::of(b"other"));
        assert_eq!(repo.spent(&one).unwrap(), None);
        let Spending::Spent(commit) = spend(&repo, &one, "jun", None) else {
            panic!("nobody spent it before");
        };
        let found = before(spend(&repo, &one, "mia", None));
        assert_eq!(found.record, b"jun");
        assert_eq!(found.commit, Some(commit));
        assert_eq!(repo.spent(&one).unwrap(), Some(found));
        assert!(matches!(
            spend(&repo, &other, "mia", None),
            Spending::Spent(_)
        ));
        // Git itself agrees on what is there.
        let refs = kit.git(&["for-each-ref", "--format=%(refname)", PREFIX]);
        assert_eq!(refs.lines().count(), 2);
        kit.git(&["fsck", "--strict"]);
    }
}

#[test]
fn of_fifty_at_once_one_wins() {
    for kit in [GitRepo::new(), GitRepo::reftable()] {
        let repo = Repo::open(kit.path()).unwrap();
        let key = Digest::of(b"plan");
        let start = Barrier::new(50);
        let wins: usize = std::thread::scope(|scope| {
            let tries: Vec<_> = (0..50)
                .map(|who| {
                    let (repo, start) = (&repo, &start);
                    scope.spawn(move || {
                        start.wait();
                        spend(repo, &key, &who.to_string(), None)
                    })
                })
                .collect();
            let done = tries.into_iter().map(|it| it.join().unwrap());
            done.filter(|it| matches!(it, Spending::Spent(_))).count()
        });
        assert_eq!(wins, 1);
    }
}

/// A bare repository and clones of it.
fn shared(clones: usize) -> (tempfile::TempDir, Vec<Repo>) {
    let dir = tempfile::tempdir().unwrap();
    let kit = GitRepo::new();
    let who = countersign_testkit::Who::new("Pat", "pat@example.com");
    kit.commit(who, "a", &[("a", "a")]);
    let server = dir.path().join("server.git").display().to_string();
    kit.git(&["clone", "-q", "--bare", ".", &server]);
    let repos = (0..clones)
        .map(|at| {
            let there = dir.path().join(format!("clone{at}"));
            kit.git(&["clone", "-q", &server, &there.display().to_string()]);
            Repo::open(&there).unwrap()
        })
        .collect();
    (dir, repos)
}

#[test]
fn clones_share_a_remote() {
    let (dir, clones) = shared(2);
    let key = Digest::of(b"plan");
    let [here, there] = clones.as_slice() else {
        panic!("two clones");
    };
    let first = spend(here, &key, "jun", Some("origin"));
    assert!(matches!(first, Spending::Spent(_)));
    let found = before(spend(there, &key, "mia", Some("origin")));
    assert_eq!(found.remote.as_deref(), Some("origin"));
    assert_eq!(found.record, b"jun");
    // Deleting the ref here does not bring the permission back.
    let git = |args: &[&str]| {
        let dir = dir.path().join("clone0");
        let status = std::process::Command::new("git")
            .arg("-C")
            .arg(dir)
            .args(args)
            .status();
        assert!(status.unwrap().success());
    };
    git(&["update-ref", "-d", &format!("{PREFIX}{key}")]);
    before(spend(here, &key, "jun", Some("origin")));
    // Nothing is spent where the remote cannot be asked.
    let other = Digest::of(b"other");
    git(&["remote", "add", "gone", "/nonexistent/nowhere.git"]);
    let record = b"jun".as_slice();
    assert!(here.spend(&other, record, 0, Some("gone")).is_err());
    assert_eq!(here.spent(&other).unwrap(), None);
    let unknown = here.spend(&other, record, 0, Some("--upload-pack=x"));
    assert!(matches!(unknown, Err(GitError::UnknownRemote(_))));
}

#[test]
fn of_many_clones_at_once_one_wins() {
    let (_dir, clones) = shared(8);
    let key = Digest::of(b"plan");
    let start = Barrier::new(clones.len());
    let wins: usize = std::thread::scope(|scope| {
        let tries: Vec<_> = clones
            .iter()
            .map(|repo| {
                let start = &start;
                scope.spawn(move || {
                    start.wait();
                    spend(repo, &key, "x", Some("origin"))
                })
            })
            .collect();
        let done = tries.into_iter().map(|it| it.join().unwrap());
        done.filter(|it| matches!(it, Spending::Spent(_))).count()
    });
    assert_eq!(wins, 1);
}
