//! The fast reader of histories against git and against the full reader.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot set itself up has to fail"
)]

use std::collections::BTreeMap;

use countersign_core::involvement::Verdict;
use countersign_git::{GitError, Repo, ScanOptions, Trust};
use countersign_testkit::{GitRepo, Who};

const ADA: Who = Who::new("Ada", "ada@example.com");

/// Everything a scan says, counted, since its order is free.
type Seen = BTreeMap<(String, i64, String, Vec<String>), u32>;

fn scan(git: &Repo, since: Option<i64>) -> Seen {
    let rev = git.resolve("HEAD").unwrap();
    let mut seen = Seen::new();
    git.scan(&ScanOptions { rev, since }, &mut |record| {
        let tools = record.tools.iter().map(|tool| (*tool).to_owned()).collect();
        let verdict = record.verdict.as_str().to_owned();
        *seen
            .entry((record.email.to_owned(), record.time, verdict, tools))
            .or_default() += 1;
    })
    .unwrap();
    seen
}

/// The same by the full reader.
fn judged(git: &Repo, since: Option<i64>) -> Seen {
    let mut seen = Seen::new();
    let trust = Trust {
        keys: &|_| Vec::new(),
        notes: false,
    };
    let head = git.resolve("HEAD").unwrap();
    git.judge_landed(&head, None, trust, |change| {
        for judged in change.judged.commits {
            let (commit, found) = (judged.commit, judged.involvement);
            if since.is_some_and(|since| commit.committer.time < since) {
                continue;
            }
            let tools = found.tools.into_iter().collect();
            let verdict = found.verdict.as_str().to_owned();
            let key = (commit.author.email, commit.committer.time, verdict, tools);
            *seen.entry(key).or_default() += 1;
        }
    })
    .unwrap();
    seen
}

#[test]
fn both_readers_agree_on_a_large_history() {
    let repo = GitRepo::bare();
    repo.import_history(3000, 7);
    let git = Repo::open(repo.path()).unwrap();
    let seen = scan(&git, None);
    let count = repo.git(&["rev-list", "--count", "main"]);
    assert_eq!(seen.values().sum::<u32>().to_string(), count);
    assert_eq!(seen, judged(&git, None));
    let since = 1_577_836_800 + 2000 * 900;
    let recent = scan(&git, Some(since));
    assert_eq!(recent, judged(&git, Some(since)));
    assert_eq!(recent.values().sum::<u32>(), 1001);
}

#[test]
fn every_kind_of_repository() {
    for repo in [GitRepo::new(), GitRepo::sha256(), GitRepo::reftable()] {
        repo.commit(ADA, "one", &[("a", "1\n")]);
        repo.git(&["gc", "-q"]);
        repo.commit(
            ADA,
            "two\n\nCo-authored-by: Cursor <cursoragent@cursor.com>",
            &[],
        );
        let git = Repo::open(repo.path()).unwrap();
        assert_eq!(scan(&git, None), judged(&git, None));
        assert_eq!(scan(&git, None).values().sum::<u32>(), 2);
    }
}

#[test]
fn clones_that_are_shallow_or_share_objects() {
    let repo = GitRepo::new();
    for n in 0..5 {
        repo.commit(ADA, &format!("commit {n}"), &[]);
    }
    let dir = tempfile::tempdir().unwrap();
    let url = format!("file://{}", repo.path().display());
    for (options, count) in [(["--depth=2", &url], 2), (["--shared", "."], 5)] {
        let target = dir.path().join(count.to_string());
        let target_name = target.display().to_string();
        repo.git(&["clone", "-q", options[0], options[1], &target_name]);
        let git = Repo::open(&target).unwrap();
        assert_eq!(scan(&git, None).values().sum::<u32>(), count);
    }
}

#[test]
fn notes_are_heard_and_damage_is_named() {
    let repo = GitRepo::new();
    repo.commit(ADA, "one", &[("a", "1\n")]);
    let note = "a\n  s_1::t_1 1\n---\n{\"schema_version\":\"authorship/3.0.0\",\"prompts\":{}}\n";
    repo.git(&["notes", "--ref=ai", "add", "-m", note, "HEAD"]);
    let git = Repo::open(repo.path()).unwrap();
    assert!(
        scan(&git, None)
            .keys()
            .all(|(_, _, verdict, _)| verdict == Verdict::Yes.as_str())
    );

    let gone = repo.commit(ADA, "two", &[]);
    repo.commit(ADA, "three", &[]);
    let (folder, file) = gone.split_at(2);
    std::fs::remove_file(repo.path().join(".git/objects").join(folder).join(file)).unwrap();
    let rev = git.resolve("HEAD").unwrap();
    let error = git
        .scan(&ScanOptions { rev, since: None }, &mut |_| {})
        .unwrap_err();
    assert!(
        matches!(&error, GitError::BadObject { id, .. } if *id == gone),
        "{error}"
    );
}
