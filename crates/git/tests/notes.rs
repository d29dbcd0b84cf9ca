//! Notes and added lines, with git as the judge.

use countersign_git::Repo;
use countersign_testkit::{GitRepo, Who};

const ADA: Who = Who::new("Ada", "ada@example.com");

#[test]
fn notes_are_found_in_every_place_and_at_any_fan_out() {
    {
        let repo = GitRepo::new();
        // git splits a notes tree into directories when it grows.
        let mut ids = Vec::new();
        for n in 0..300 {
            ids.push(repo.commit(ADA, &format!("commit {n}"), &[]));
        }
        let many: String = ids.iter().map(|id| format!("{id} {id}\n")).collect();
        let file = repo.path().join(".git/many");
        std::fs::write(&file, many).unwrap();
        let mut copy = repo.command();
        copy.args(["notes", "--ref=ai", "copy", "--stdin"]);
        for (n, id) in ids.iter().enumerate() {
            if n < 2 {
                repo.git(&["notes", "--ref=ai", "add", "-m", &format!("note {n}"), id]);
            }
        }
        let input: String = ids
            .iter()
            .skip(2)
            .map(|id| format!("{} {id}\n", ids[0]))
            .collect();
        std::fs::write(&file, input).unwrap();
        assert!(
            copy.stdin(std::fs::File::open(&file).unwrap())
                .status()
                .unwrap()
                .success()
        );
        let listing = repo.git(&["ls-tree", "--name-only", "refs/notes/ai"]);
        assert!(listing.lines().all(|name| name.len() == 2), "fan-out");
        repo.git(&[
            "notes",
            "--ref=ai-remote/origin",
            "add",
            "-m",
            "theirs",
            &ids[1],
        ]);
        std::fs::write(&file, "{\"files\":{}}").unwrap();
        let blob = repo.git(&["hash-object", "-w", &file.display().to_string()]);
        repo.git(&[
            "update-ref",
            &format!("refs/ai/authorship/{}", ids[0]),
            &blob,
        ]);

        let git = Repo::open(repo.path()).unwrap();
        let index = git.note_index().unwrap();
        assert_eq!(index.len(), 300);
        let notes = |n: usize| -> Vec<String> {
            let id = git.resolve(&ids[n]).unwrap();
            let notes = git.notes(&index, &[id]).unwrap().remove(0);
            let mut notes: Vec<_> = notes
                .into_iter()
                .map(|b| String::from_utf8(b).unwrap())
                .collect();
            notes.sort();
            notes
        };
        assert_eq!(notes(0), ["note 0\n", "{\"files\":{}}"]);
        assert_eq!(notes(1), ["note 1\n", "theirs\n"]);
        assert_eq!(notes(299), ["note 0\n"]);
    }
}

#[test]
fn a_note_of_any_size_is_read_or_cut() {
    let repo = GitRepo::new();
    let id = repo.commit(ADA, "one", &[]);
    let file = repo.path().join(".git/big");
    std::fs::write(&file, "x".repeat(17 << 20)).unwrap();
    repo.git(&[
        "notes",
        "--ref=ai",
        "add",
        "-F",
        &file.display().to_string(),
        &id,
    ]);
    let git = Repo::open(repo.path()).unwrap();
    let index = git.note_index().unwrap();
    let notes = git.notes(&index, &[git.resolve("HEAD").unwrap()]).unwrap();
    assert_eq!(notes[0][0].len(), (16 << 20) + 1);
}

#[test]
fn added_lines_are_those_that_git_blames_on_the_commit() {
    let repo = GitRepo::new();
    let text: String = (1..=40).map(|n| format!("line {n}\n")).collect();
    repo.commit(ADA, "one", &[("a", &text), ("gone", "x\n"), ("b c", "1\n")]);
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines[4] = "diff --git a/x b/x".into();
    lines.remove(9);
    lines.insert(20, "@@ -1 +1,99 @@".into());
    lines.insert(20, "new".into());
    std::fs::remove_file(repo.path().join("gone")).unwrap();
    std::os::unix::fs::symlink("a", repo.path().join("gone")).unwrap();
    std::fs::rename(repo.path().join("b c"), repo.path().join("d\ne")).unwrap();
    repo.commit(
        ADA,
        "two",
        &[("a", &(lines.join("\n") + "\n")), ("empty", "")],
    );
    let git = Repo::open(repo.path()).unwrap();
    let head = git.commit(&git.resolve("HEAD").unwrap()).unwrap();
    let mut added = git.added_lines(&head).unwrap().unwrap();
    added.sort_by(|a, b| a.path.cmp(&b.path));
    let shown: Vec<_> = added
        .iter()
        .map(|f| (f.path.as_str(), f.ranges.clone()))
        .collect();
    assert_eq!(
        shown,
        [
            ("a", vec![(5, 5), (21, 22)]),
            (r"d\x0ae", vec![(1, 1)]),
            ("gone", vec![(1, 1)]),
        ]
    );
    let blame = repo.git(&["blame", "-s", "--abbrev=40", "HEAD", "--", "a"]);
    let mine: Vec<usize> = blame
        .lines()
        .enumerate()
        .filter(|(_, line)| line.trim_start_matches('^').starts_with(head.id.as_str()))
        .map(|(at, _)| at + 1)
        .collect();
    assert_eq!(mine, [5, 21, 22]);

    repo.branch("topic");
    repo.commit(ADA, "t", &[("t", "1\n")]);
    repo.switch("main");
    repo.commit(ADA, "m", &[("m", "1\n")]);
    repo.merge("topic", "Merge");
    let merge = git.commit(&git.resolve("HEAD").unwrap()).unwrap();
    assert_eq!(git.added_lines(&merge).unwrap(), None);
}
