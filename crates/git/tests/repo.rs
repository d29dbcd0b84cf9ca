//! The adapter against real repositories of every kind.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot set itself up has to fail"
)]

use countersign_git::{GitError, Repo};
use countersign_testkit::{GitRepo, Who};

const ADA: Who = Who::new("Ada", "ada@example.com");

fn open(repo: &GitRepo) -> Repo {
    Repo::open(repo.path()).unwrap()
}

#[test]
fn a_branch_is_judged_from_where_it_left_the_default_branch() {
    for repo in [GitRepo::new(), GitRepo::sha256(), GitRepo::reftable()] {
        let base = repo.commit(ADA, "one", &[("a", "1\n")]);
        repo.branch("topic");
        repo.commit(ADA, "two", &[("a", "1\n2\n"), ("dir/ü b", "x\n")]);
        let head = repo.commit(ADA, "three", &[("bin", "\0\u{1}")]);
        repo.switch("main");
        repo.commit(ADA, "elsewhere", &[("z", "z\n")]);
        repo.switch("topic");

        let git = open(&repo);
        let range = git.default_range().unwrap();
        assert_eq!(range.text, "main..HEAD");
        assert_eq!(range.base.as_ref().unwrap().as_str(), base);
        assert_eq!(range.head.as_str(), head);
        assert_eq!(git.parse_range("main..topic").unwrap().base, range.base);

        let commits = git.commits(range.base.as_ref(), &range.head).unwrap();
        let subjects: Vec<&str> = commits
            .iter()
            .map(countersign_git::Commit::subject)
            .collect();
        assert_eq!(subjects, ["two", "three"]);
        let ids: Vec<_> = commits.iter().map(|commit| commit.id.clone()).collect();
        assert_eq!(git.line_counts(&ids).unwrap(), [(2, 0), (0, 0)]);

        let files = git.changed_files(range.base.as_ref(), &range.head).unwrap();
        let shown: Vec<_> = files
            .iter()
            .map(|f| (f.path.as_str(), f.status, f.added))
            .collect();
        assert_eq!(
            shown,
            [
                ("a", 'M', Some(1)),
                ("bin", 'A', None),
                ("dir/ü b", 'A', Some(1))
            ]
        );
        assert_eq!(
            git.read_file(&range.head, "dir/ü b").unwrap().unwrap(),
            b"x\n"
        );
        assert_eq!(git.read_file(&range.head, "dir").unwrap(), None);
        assert_eq!(git.read_file(&range.head, "nope").unwrap(), None);
    }
}

#[test]
fn on_the_default_branch_the_last_commit_is_judged() {
    let repo = GitRepo::new();
    repo.commit(ADA, "one", &[("a", "1\n")]);
    let git = open(&repo);
    let root = git.default_range().unwrap();
    assert_eq!((root.base, root.text.as_str()), (None, "HEAD"));
    assert_eq!(git.changed_files(None, &root.head).unwrap().len(), 1);
    assert_eq!(
        git.line_counts(std::slice::from_ref(&root.head)).unwrap(),
        [(1, 0)]
    );
    repo.commit(ADA, "two", &[("a", "2\n")]);
    assert_eq!(git.default_range().unwrap().text, "HEAD^..HEAD");
    repo.git(&["checkout", "-q", "--detach"]);
    assert_eq!(open(&repo).default_range().unwrap().text, "HEAD^..HEAD");
}

#[test]
fn renames_and_deletions_keep_both_names() {
    let repo = GitRepo::new();
    let text: String = (0..30).map(|line| format!("line {line}\n")).collect();
    let base = repo.commit(ADA, "one", &[("old", &text), ("gone", "x\n")]);
    repo.git(&["mv", "old", "new"]);
    repo.git(&["rm", "-q", "gone"]);
    repo.commit(ADA, "two", &[("new", &(text.clone() + "more\n"))]);
    let git = open(&repo);
    let files = git
        .changed_files(
            Some(&git.resolve(&base).unwrap()),
            &git.resolve("HEAD").unwrap(),
        )
        .unwrap();
    let shown: Vec<_> = files
        .iter()
        .map(|f| (f.status, f.paths().collect::<Vec<_>>(), f.added, f.deleted))
        .collect();
    assert_eq!(
        shown,
        [
            ('D', vec!["gone"], Some(0), Some(1)),
            ('R', vec!["new", "old"], Some(1), Some(0)),
        ]
    );
}

#[test]
fn landed_changes_bring_what_they_merged() {
    let repo = GitRepo::new();
    let one = repo.commit(ADA, "one", &[("a", "1\n")]);
    repo.branch("topic");
    let two = repo.commit(ADA, "two", &[("b", "2\n")]);
    let three = repo.commit(ADA, "three", &[("b", "3\n")]);
    repo.switch("main");
    let four = repo.commit(ADA, "four", &[("c", "4\n")]);
    let merge = repo.merge("topic", "Merge topic");
    let git = open(&repo);
    let head = git.resolve("HEAD").unwrap();
    let landed = |since| -> Vec<Vec<String>> {
        let changes = git.landed_changes(&head, since).unwrap();
        let ids = changes
            .iter()
            .map(|c| c.commits.iter().map(ToString::to_string).collect());
        ids.collect()
    };
    let all = [vec![two, three, merge.clone()], vec![four], vec![one]];
    assert_eq!(landed(None), all);
    let merged_at = git.commit(&head).unwrap().committer.time;
    assert_eq!(landed(Some(merged_at)), all[..1]);
    // git itself is the oracle for what the merge brought.
    let oracle = repo.git(&["rev-list", "--count", &format!("{merge}^1..{merge}")]);
    assert_eq!(oracle, "3");
}

#[test]
fn wrong_input_is_told_apart() {
    let empty = tempfile::tempdir().unwrap();
    assert!(matches!(
        Repo::open(empty.path()),
        Err(GitError::NotARepository(_))
    ));
    assert!(matches!(
        Repo::open(&empty.path().join("missing")),
        Err(GitError::NotARepository(_))
    ));

    let unborn = GitRepo::new();
    assert!(matches!(
        open(&unborn).default_range(),
        Err(GitError::UnbornBranch(branch)) if branch == "main"
    ));

    let repo = GitRepo::new();
    repo.commit(ADA, "one", &[("a", "1\n")]);
    repo.commit(ADA, "two", &[("a", "2\n")]);
    for rev in ["nope", "--all", "HEAD:a", "nope..HEAD", ""] {
        assert!(
            matches!(
                open(&repo).parse_range(rev),
                Err(GitError::UnknownRevision(_))
            ),
            "{rev}"
        );
    }
    repo.git(&["checkout", "-q", "--orphan", "other"]);
    repo.commit(ADA, "apart", &[("b", "1\n")]);
    assert!(matches!(
        open(&repo).parse_range("main..other"),
        Err(GitError::NoMergeBase(..))
    ));
}

#[test]
fn a_shallow_clone_says_what_is_missing() {
    let repo = GitRepo::new();
    repo.commit(ADA, "one", &[("a", "1\n")]);
    repo.commit(ADA, "two", &[("a", "2\n")]);
    let clone = tempfile::tempdir().unwrap();
    let url = format!("file://{}", repo.path().display());
    let target = clone.path().join("c").display().to_string();
    repo.git(&["clone", "-q", "--depth=1", &url, &target]);
    let git = Repo::open(&clone.path().join("c")).unwrap();
    assert!(git.is_shallow());
    let error = git.default_range().unwrap_err();
    assert!(matches!(error, GitError::Shallow(_)), "{error}");
    assert!(error.hint().unwrap().contains("--unshallow"));
}

#[test]
fn a_bare_repository_can_be_judged() {
    let repo = GitRepo::new();
    repo.commit(ADA, "one", &[("a", "1\n")]);
    repo.commit(ADA, "two", &[("a", "2\n")]);
    let clone = tempfile::tempdir().unwrap();
    let target = clone.path().join("c.git").display().to_string();
    repo.git(&["clone", "-q", "--bare", ".", &target]);
    let git = Repo::open(&clone.path().join("c.git")).unwrap();
    assert!(git.work_tree().is_none());
    assert_eq!(git.default_range().unwrap().text, "HEAD^..HEAD");
}

#[test]
fn bytes_that_are_not_text_survive() {
    let repo = GitRepo::new();
    repo.commit(ADA, "one", &[("a", "1\n")]);
    use std::os::unix::ffi::OsStrExt;
    for bytes in [&b"n\xff"[..], b"n\xfe"] {
        let name = std::ffi::OsStr::from_bytes(bytes);
        std::fs::write(repo.path().join(name), "x\n").unwrap();
    }
    repo.commit(Who::new("\u{fffd}", "x"), "message", &[]);
    let git = open(&repo);
    let range = git.default_range().unwrap();
    let files = git.changed_files(range.base.as_ref(), &range.head).unwrap();
    let paths: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(paths, ["n\\xfe", "n\\xff"]);
}

#[test]
fn repository_configuration_runs_no_program() {
    let repo = GitRepo::new();
    let proof = repo.path().join("ran");
    let program = repo.path().join("program.sh");
    std::fs::write(
        &program,
        format!("#!/bin/sh\ntouch '{}'\n", proof.display()),
    )
    .unwrap();
    let mut permissions = std::fs::metadata(&program).unwrap().permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o755);
    std::fs::set_permissions(&program, permissions).unwrap();
    let program = program.display().to_string();
    repo.commit(
        ADA,
        "one",
        &[
            ("a.txt", "1\n"),
            (".gitattributes", "*.txt diff=evil filter=evil\n"),
        ],
    );
    repo.commit(ADA, "two", &[("a.txt", "2\n")]);
    for key in [
        "core.fsmonitor",
        "diff.external",
        "diff.evil.textconv",
        "diff.evil.command",
        "core.pager",
        "filter.evil.smudge",
        "filter.evil.clean",
        "core.sshCommand",
    ] {
        repo.git(&["config", key, &program]);
    }
    let git = open(&repo);
    let range = git.default_range().unwrap();
    git.changed_files(range.base.as_ref(), &range.head).unwrap();
    git.commits(range.base.as_ref(), &range.head).unwrap();
    git.line_counts(std::slice::from_ref(&range.head)).unwrap();
    git.read_file(&range.head, "a.txt").unwrap();
    git.landed_changes(&range.head, None).unwrap();
    assert!(!proof.exists(), "a configured program was run");
}

#[test]
fn attributes_do_not_hide_lines() {
    let repo = GitRepo::new();
    repo.commit(ADA, "one", &[("a.txt", "1\n")]);
    repo.commit(
        ADA,
        "two",
        &[("a.txt", "1\n2\n"), (".gitattributes", "* -diff\n")],
    );
    let git = open(&repo);
    let range = git.default_range().unwrap();
    let files = git.changed_files(range.base.as_ref(), &range.head).unwrap();
    assert!(files.iter().all(|file| file.added == Some(1)), "{files:?}");
}

#[test]
fn a_link_in_place_of_a_file_is_refused() {
    let repo = GitRepo::new();
    std::os::unix::fs::symlink("/etc/hostname", repo.path().join("policy.toml")).unwrap();
    repo.commit(ADA, "one", &[]);
    let git = open(&repo);
    let error = git
        .read_file(&git.resolve("HEAD").unwrap(), "policy.toml")
        .unwrap_err();
    assert!(
        matches!(
            error,
            GitError::NotAFile {
                kind: "symbolic link",
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn escaped_paths_read_back_and_never_collide() {
    use std::os::unix::ffi::OsStrExt;
    let repo = GitRepo::new();
    for (bytes, text) in [
        (&b"n\xff"[..], "raw"),
        (b"n\\xff", "literal"),
        (b"n\n", "line"),
    ] {
        std::fs::write(repo.path().join(std::ffi::OsStr::from_bytes(bytes)), text).unwrap();
    }
    repo.commit(ADA, "one", &[]);
    let git = open(&repo);
    let head = git.resolve("HEAD").unwrap();
    let files = git.list_files(&head, "").unwrap();
    let mut seen: Vec<_> = files
        .iter()
        .map(|file| {
            (
                file.path.as_str(),
                git.read_file(&head, &file.path).unwrap().unwrap(),
            )
        })
        .collect();
    seen.sort();
    assert_eq!(
        seen,
        [
            (r"n\\xff", b"literal".to_vec()),
            (r"n\x0a", b"line".to_vec()),
            (r"n\xff", b"raw".to_vec()),
        ]
    );
}

#[test]
fn policy_comes_from_the_tip_a_change_goes_onto() {
    let repo = GitRepo::new();
    let old = repo.commit(ADA, "one", &[("a", "1\n")]);
    repo.branch("topic");
    repo.commit(ADA, "two", &[("b", "2\n")]);
    repo.switch("main");
    let tip = repo.commit(ADA, "stricter", &[("policy", "x\n")]);
    let range = open(&repo).parse_range("main..topic").unwrap();
    assert_eq!(range.base.unwrap().as_str(), old);
    assert_eq!(range.onto.unwrap().as_str(), tip);
}

#[test]
fn replaced_objects_change_nothing() {
    let repo = GitRepo::new();
    let one = repo.commit(ADA, "one", &[("a", "1\n")]);
    let two = repo.commit(
        ADA,
        "two\n\nCo-authored-by: X <x@example.com>",
        &[("a", "2\n")],
    );
    let harmless = repo.git(&[
        "commit-tree",
        &format!("{two}^{{tree}}"),
        "-p",
        &one,
        "-m",
        "plain",
    ]);
    repo.git(&["replace", &two, &harmless]);
    let git = open(&repo);
    assert_eq!(
        git.commit(&git.resolve("HEAD").unwrap()).unwrap().subject(),
        "two"
    );
}

#[test]
fn worktrees_and_detached_heads_open() {
    let repo = GitRepo::new();
    repo.commit(ADA, "one", &[("a", "1\n")]);
    let dir = tempfile::tempdir().unwrap();
    let other = dir.path().join("other");
    repo.git(&[
        "worktree",
        "add",
        "-q",
        "--detach",
        &other.display().to_string(),
    ]);
    let git = Repo::open(&other).unwrap();
    assert_eq!(git.head_branch().unwrap(), None);
    assert_eq!(git.default_range().unwrap().text, "HEAD");
}
