//! Whole ranges, as a person meets them.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot set itself up has to fail"
)]

use std::fmt::Write as _;

use countersign_core::involvement::{Claim, Verdict};
use countersign_git::provenance::{Class, Part};
use countersign_git::{Judged, Repo, Trust};
use countersign_testkit::{GitRepo, Who};

const ADA: Who = Who::new("Ada", "ada@example.com");
const BOB: Who = Who::new("Bob", "bob@example.com");
const GITHUB: Who = Who::new("GitHub", "noreply@github.com");
const CLAUDE: &str = "Co-Authored-By: Claude <noreply@anthropic.com>";

fn judge(repo: &GitRepo, range: &str) -> Judged {
    judge_with(repo, range, &|_| Vec::new())
}

fn judge_with(repo: &GitRepo, range: &str, keys: &dyn Fn(&str) -> Vec<String>) -> Judged {
    let git = Repo::open(repo.path()).unwrap();
    let range = git.parse_range(range).unwrap();
    let files = git.changed_files(range.base.as_ref(), &range.head).unwrap();
    git.judge_range(&range, &files, Trust { keys, notes: true })
        .unwrap()
}

/// The judgement as a person would read it.
fn show(judged: &Judged) -> String {
    let mut out = String::new();
    let whole = judged.involvement();
    let flags = [
        (whole.suppressed, " suppressed"),
        (whole.conflict, " conflict"),
    ];
    let flags: String = flags
        .iter()
        .filter(|(on, _)| *on)
        .map(|(_, word)| *word)
        .collect();
    writeln!(out, "{}{flags}", whole.verdict.as_str()).unwrap();
    for commit in &judged.commits {
        let verdict = commit.involvement.verdict.as_str();
        let (added, deleted) = (commit.added, commit.deleted);
        writeln!(
            out,
            "  {} ({verdict}, +{added} -{deleted})",
            commit.commit.subject()
        )
        .unwrap();
        for person in &commit.people {
            writeln!(out, "    {:?} {}", person.part, person.email).unwrap();
        }
        for item in &commit.involvement.evidence {
            let claim = match &item.claim {
                Claim::Ai { strength, tool, .. } => {
                    format!("{} {}", strength.as_str(), tool.as_deref().unwrap_or("?"))
                }
                Claim::Human { trusted } => format!("human, trusted: {trusted}"),
                Claim::Suppressed => "suppressed".to_owned(),
            };
            let id = commit.commit.id.short();
            let witness = item.witness.replace(id, "ID");
            writeln!(out, "    {} | {claim} | {witness}", item.channel.as_str()).unwrap();
        }
    }
    for item in &judged.repository {
        writeln!(out, "  {} | {}", item.channel.as_str(), item.witness).unwrap();
    }
    out
}

#[test]
fn the_people_of_the_story() {
    let repo = GitRepo::new();
    repo.commit(ADA, "base", &[("a", "1\n")]);
    let aider = Who::new("Mid (aider)", "mid@example.com");
    repo.commit(
        BOB,
        &format!("Retry orders\n\n{CLAUDE}\n"),
        &[("a", "1\n2\n")],
    );
    repo.commit(aider, "Cache prices", &[("b", "x\n")]);
    repo.commit_by(ADA, aider, "Dirty file", &[("c", "x\n")]);
    repo.commit(ADA, "By hand", &[("a", "3\n")]);
    repo.commit(
        Who::new("Claude Paroz", "claude@2xlibre.net"),
        "A person",
        &[],
    );
    repo.commit(
        Who::new(
            "dependabot[bot]",
            "49699333+dependabot[bot]@users.noreply.github.com",
        ),
        "Bump",
        &[],
    );
    repo.commit_by(
        Who::new(
            "copilot-swe-agent[bot]",
            "198982749+Copilot@users.noreply.github.com",
        ),
        GITHUB,
        "Fix\n\nCo-authored-by: Bob <bob@example.com>",
        &[],
    );
    insta::assert_snapshot!(show(&judge(&repo, "HEAD~7..HEAD")));
}

#[test]
fn a_squash_that_lost_its_trailers() {
    let repo = GitRepo::new();
    repo.commit(ADA, "base", &[("a", "1\n")]);
    repo.branch("topic");
    repo.commit(BOB, &format!("one\n\n{CLAUDE}\n"), &[("a", "1\n2\n")]);
    repo.commit(BOB, "two", &[("b", "2\n")]);
    repo.switch("main");
    repo.commit(ADA, "meanwhile", &[("c", "3\n")]);
    repo.squash("topic", ADA, "Feature (#12)");
    let judged = judge(&repo, "HEAD");
    assert_eq!(judged.involvement().verdict, Verdict::Yes);
    assert!(judged.involvement().suppressed);
    let shown = show(&judged);
    let origin = repo.git(&["rev-parse", "--short=7", "topic~1"]);
    insta::assert_snapshot!(shown.replace(&origin, "ORIGIN"));
}

#[test]
fn a_signed_declaration_counts_and_an_unsigned_one_is_listed() {
    let repo = GitRepo::new();
    repo.commit(ADA, "base", &[]);
    let key = repo.signing_key(ADA);
    let keys = |mailbox: &str| match mailbox {
        "ada@example.com" => vec![key.clone()],
        _ => Vec::new(),
    };
    for (message, options, verdict) in [
        ("x\n\nAI-assisted: no\n", &["-S"][..], Verdict::No),
        ("x\n\nAI-involvement: none\n", &["-S"], Verdict::No),
        ("x\n\nAI-assisted: no\n", &[], Verdict::Unknown),
        ("x\n\nAI-assisted: yes\n", &["-S"], Verdict::Yes),
        ("x\n", &["-S"], Verdict::Unknown),
    ] {
        repo.commit_with(ADA, ADA, message, &[], options);
        let involvement = judge_with(&repo, "HEAD", &keys).involvement();
        assert_eq!(involvement.verdict, verdict, "{message:?} {options:?}");
        assert_eq!(involvement.evidence.is_empty(), message == "x\n");
    }
    let message = format!("x\n\nAI-assisted: no\n{CLAUDE}\n");
    repo.commit_with(ADA, ADA, &message, &[], &["-S"]);
    let both = judge_with(&repo, "HEAD", &keys).involvement();
    assert_eq!((both.verdict, both.conflict), (Verdict::Yes, true));
    // Someone else's signature on Ada's commit proves nothing.
    repo.signing_key(BOB);
    repo.commit_with(ADA, BOB, "x\n\nAI-assisted: no\n", &[], &["-S"]);
    assert_eq!(
        judge_with(&repo, "HEAD", &keys).involvement().verdict,
        Verdict::Unknown
    );
}

fn note(repo: &GitRepo, refname: &str, text: &str) {
    let file = repo.path().join(".git/note");
    std::fs::write(&file, text).unwrap();
    let (refname, file) = (format!("--ref={refname}"), file.display().to_string());
    repo.git(&[
        "notes",
        &refname,
        "add",
        "-f",
        "--no-stripspace",
        "-F",
        &file,
        "HEAD",
    ]);
}

const HUMAN: &str = r#"{"schema_version":"authorship/3.0.0","base_commit_sha":"","prompts":{},"humans":{"h_00000000000001":{"author":"Ada <ada@example.com>"}}}"#;

#[test]
fn observed_authorship_must_cover_every_line() {
    let repo = GitRepo::new();
    repo.commit(ADA, "base", &[("a", "1\n")]);
    repo.commit(ADA, "two files", &[("a", "1\n2\n3\n"), ("b", "1\n")]);
    let human = |entries: &str| format!("{entries}---\n{HUMAN}\n");
    for (text, verdict) in [
        (
            human("a\n  h_00000000000001 2-3\nb\n  h_00000000000001 1\n"),
            Verdict::No,
        ),
        (
            human("a\n  h_00000000000001 3,2\nb\n  h_00000000000001 1\n"),
            Verdict::No,
        ),
        (human("a\n  h_00000000000001 2-3\n"), Verdict::Unknown),
        (
            human("a\n  h_00000000000001 2\nb\n  h_00000000000001 1\n"),
            Verdict::Unknown,
        ),
        (human(""), Verdict::Unknown),
        (String::new(), Verdict::Unknown),
        (
            human("a\n  s_00000000000001::t_00000000000001 2-3\n"),
            Verdict::Yes,
        ),
        (human("a\n  0123456789abcdef 2-3\n"), Verdict::Yes),
    ] {
        if text.is_empty() {
            repo.git(&[
                "notes",
                "--ref=ai",
                "add",
                "-f",
                "--allow-empty",
                "-m",
                "",
                "HEAD",
            ]);
        } else {
            note(&repo, "ai", &text);
        }
        assert_eq!(
            judge(&repo, "HEAD").involvement().verdict,
            verdict,
            "{text}"
        );
    }
}

#[test]
fn every_ref_of_notes_is_heard() {
    let repo = GitRepo::new();
    repo.commit(ADA, "base", &[]);
    repo.commit(ADA, "one", &[("a", "1\n")]);
    note(
        &repo,
        "ai",
        &format!("a\n  h_00000000000001 1\n---\n{HUMAN}\n"),
    );
    assert_eq!(judge(&repo, "HEAD").involvement().verdict, Verdict::No);
    note(
        &repo,
        "ai-remote/origin",
        &format!("a\n  s_00000000000002::t_00000000000001 1\n---\n{HUMAN}\n"),
    );
    let involvement = judge(&repo, "HEAD").involvement();
    assert_eq!(
        (involvement.verdict, involvement.conflict),
        (Verdict::Yes, true)
    );
}

#[test]
fn traces_name_the_commit_or_its_first_parent() {
    let repo = GitRepo::new();
    let base = repo.commit(ADA, "base", &[(".gitignore", ".agent-trace\n")]);
    let trace = |revision: &str, path: &str| {
        format!(
            r#"{{"version":"1.0","id":"x","timestamp":"2026-01-01T00:00:00Z","vcs":{{"type":"git","revision":"{revision}"}},"tool":{{"name":"cursor"}},"files":[{{"path":"{path}","conversations":[{{"contributor":{{"type":"ai","model_id":"a/b"}},"ranges":[{{"start_line":1,"end_line":1}}]}}]}}]}}"#
        )
    };
    let head = repo.commit(ADA, "one", &[("a", "1\n")]);
    for (record, verdict) in [
        (trace(&base, "a"), Verdict::Yes),
        (trace(&base, "other"), Verdict::Unknown),
        (trace(&head, "other"), Verdict::Yes),
        (
            trace(&head.replace(|c: char| c.is_ascii_digit(), "0"), "a"),
            Verdict::Unknown,
        ),
        ("not json".to_owned(), Verdict::Unknown),
    ] {
        // Left in the work tree by the writer …
        repo.write(".agent-trace/traces.jsonl", format!("{record}\n"));
        assert_eq!(
            judge(&repo, "HEAD").involvement().verdict,
            verdict,
            "{record}"
        );
    }
    // … or committed.
    repo.write(
        ".agent-trace/traces.jsonl",
        format!("junk\n{}\n", trace(&base, "a")),
    );
    repo.git(&["add", "-f", ".agent-trace"]);
    repo.commit(ADA, "traces", &[]);
    std::fs::remove_file(repo.path().join(".agent-trace/traces.jsonl")).unwrap();
    let judged = judge(&repo, &format!("{base}..HEAD"));
    let verdicts: Vec<_> = judged
        .commits
        .iter()
        .map(|c| c.involvement.verdict)
        .collect();
    assert_eq!(verdicts, [Verdict::Yes, Verdict::Unknown]);
}

#[test]
fn checkpoints_of_entire_name_the_agent() {
    let repo = GitRepo::new();
    repo.commit(ADA, "base", &[]);
    repo.commit(
        ADA,
        "one\n\nEntire-Checkpoint: 1234567890ab\n",
        &[("a", "1\n")],
    );
    let before = judge(&repo, "HEAD").involvement();
    assert_eq!(before.verdict, Verdict::Yes);
    let head = repo.head();
    repo.git(&["checkout", "-q", "--orphan", "entire/checkpoints/v1"]);
    let metadata =
        r#"{"checkpoint_id":"1234567890ab","agent":"Claude Code","model":"claude-opus-4-6"}"#;
    repo.commit(
        ADA,
        "checkpoint",
        &[("12/34567890ab/1/metadata.json", metadata)],
    );
    let after = judge(&repo, &head).involvement();
    assert!(after.tools.contains("claude-code"), "{:?}", after.tools);
}

#[test]
fn suppression_is_seen_on_both_sides() {
    let repo = GitRepo::new();
    let settings = r#"{"includeCoAuthoredBy": false}"#;
    let hook = "grep -v 'Co-authored-by' \"$1\" > t && mv t \"$1\"\n";
    repo.commit(ADA, "base", &[(".claude/settings.json", settings)]);
    std::fs::remove_file(repo.path().join(".claude/settings.json")).unwrap();
    repo.commit(ADA, "hide", &[("a", "1\n"), (".husky/commit-msg", hook)]);
    let judged = judge(&repo, "HEAD");
    assert!(judged.involvement().suppressed);
    assert_eq!(judged.involvement().verdict, Verdict::Unknown);
    insta::assert_snapshot!(show(&judged));
}

#[test]
fn messages_and_names_of_any_bytes_are_judged() {
    let repo = GitRepo::new();
    repo.commit(ADA, "base", &[]);
    let mut message = b"Sub\xffject\n\n".to_vec();
    message.extend(std::iter::repeat_n(b'x', 10 << 20));
    message.extend_from_slice(format!("\n{CLAUDE}\n").as_bytes());
    let file = repo.path().join(".git/message");
    std::fs::write(&file, message).unwrap();
    let who = Who::new("\u{fffd}Ann", "ann@example.com");
    let path = file.display().to_string();
    repo.commit_by(who, who, "x", &[("f", "1\n")]);
    repo.git(&["commit", "-q", "--amend", "--cleanup=verbatim", "-F", &path]);
    let judged = judge(&repo, "HEAD");
    assert_eq!(judged.involvement().verdict, Verdict::Yes);
    assert_eq!(judged.commits[0].added, 1);
}

#[test]
fn the_requester_of_an_agent_is_its_operator() {
    let repo = GitRepo::new();
    repo.commit(ADA, "base", &[]);
    let agent = Who::new(
        "copilot-swe-agent[bot]",
        "198982749+Copilot@users.noreply.github.com",
    );
    repo.commit_by(
        agent,
        GITHUB,
        "x\n\nCo-authored-by: Bob <bob@example.com>",
        &[],
    );
    let judged = judge(&repo, "HEAD");
    let bob = judged.commits[0]
        .people
        .iter()
        .find(|p| p.email == "bob@example.com");
    let bob = bob.unwrap();
    assert_eq!((bob.part, bob.class), (Part::Operator, Class::Human));
}

#[test]
fn landed_changes_are_judged_by_what_they_brought() {
    let repo = GitRepo::new();
    repo.commit(ADA, "base", &[("a", "1\n")]);
    repo.branch("topic");
    repo.commit(BOB, &format!("one\n\n{CLAUDE}"), &[("b", "1\n")]);
    repo.switch("main");
    repo.commit(ADA, "two", &[("c", "1\n")]);
    repo.merge("topic", "Merge branch 'topic'");
    let git = Repo::open(repo.path()).unwrap();
    let mut seen = Vec::new();
    let head = git.resolve("HEAD").unwrap();
    let trust = Trust {
        keys: &|_| Vec::new(),
        notes: false,
    };
    git.judge_landed(&head, None, trust, |change| {
        let paths: Vec<String> = change.files.iter().map(|f| f.path.clone()).collect();
        seen.push((
            change.judged.involvement().verdict,
            change.judged.commits.len(),
            paths.join(" "),
        ));
    })
    .unwrap();
    assert_eq!(
        seen,
        [
            (Verdict::Yes, 2, "b".to_owned()),
            (Verdict::Unknown, 1, "c".to_owned()),
            (Verdict::Unknown, 1, "a".to_owned()),
        ]
    );
}

#[test]
fn more_commits_than_one_batch_keep_their_notes_and_counts() {
    let repo = GitRepo::new();
    repo.commit(ADA, "base", &[]);
    for n in 0..230 {
        repo.commit(ADA, &format!("commit {n}"), &[("a", &"x\n".repeat(n + 1))]);
    }
    note(&repo, "ai", &format!("a\n  s_1::t_1 230\n---\n{HUMAN}\n"));
    let judged = judge(&repo, "HEAD~230..HEAD");
    assert_eq!(judged.commits.len(), 230);
    assert!(
        judged
            .commits
            .iter()
            .all(|c| (c.added, c.deleted) == (1, 0))
    );
    let yes = |c: &&countersign_git::JudgedCommit| c.involvement.verdict == Verdict::Yes;
    let with: Vec<_> = judged
        .commits
        .iter()
        .filter(yes)
        .map(|c| c.commit.subject())
        .collect();
    assert_eq!(with, ["commit 229"]);
}

#[test]
fn an_untrusted_note_never_makes_a_commit_human() {
    let repo = GitRepo::new();
    let base = repo.commit(ADA, "base", &[("a", "1\n")]);
    repo.commit(ADA, "one", &[("b", "1\n")]);
    note(
        &repo,
        "ai",
        &format!("b\n  h_00000000000001 1\n---\n{HUMAN}\n"),
    );
    // A trace that names the parent makes the reader look at the lines.
    repo.write(
        ".agent-trace/traces.jsonl",
        format!(r#"{{"version":"1.0","id":"x","timestamp":"2026-01-01T00:00:00Z","vcs":{{"type":"git","revision":"{base}"}},"files":[]}}"#),
    );
    let git = Repo::open(repo.path()).unwrap();
    let range = git.parse_range("HEAD").unwrap();
    for (notes, verdict) in [(true, Verdict::No), (false, Verdict::Unknown)] {
        let trust = Trust {
            keys: &|_| Vec::new(),
            notes,
        };
        let judged = git.judge_range(&range, &[], trust).unwrap();
        assert_eq!(judged.involvement().verdict, verdict);
        assert_eq!(judged.involvement().evidence.len(), 1);
    }
}
