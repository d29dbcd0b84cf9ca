//! Whole commits through both readers: every row of the catalogue, every trap.

use countersign_core::involvement::{
    Channel, Claim, Evidence, Involvement, Role, Strength, Verdict,
};
use proptest::prelude::*;

use super::catalogue::examples;
use super::*;

const ADA: Identity<'static> = Identity {
    name: "Ada Lovelace",
    email: "ada@example.org",
};
const GITHUB: Identity<'static> = Identity {
    name: "GitHub",
    email: "noreply@github.com",
};
const ID: &str = "89abcdef0123456789abcdef0123456789abcdef";
const PARENT: &str = "0123456789abcdef0123456789abcdef01234567";

fn commit(message: &[u8]) -> CommitInput<'_> {
    CommitInput {
        id: ID,
        parents: &[PARENT],
        author: ADA,
        committer: ADA,
        message,
        note: None,
        signature: Signature::NotByAuthor,
        added: None,
        traces: None,
        checkpoints: None,
    }
}

/// Reads with both readers and checks that they agree.
fn read(input: &CommitInput<'_>) -> Involvement {
    let full = read_commit(Catalogue::builtin(), input);
    let fast = scan_commit(Catalogue::builtin(), input);
    assert_eq!(full.verdict, fast.verdict, "{full:?}");
    assert_eq!(full.tools, fast.tools);
    assert_eq!(
        full.evidence.iter().filter_map(strength).max(),
        fast.strength
    );
    full
}

fn strength(evidence: &Evidence) -> Option<Strength> {
    match evidence.claim {
        Claim::Ai { strength, .. } => Some(strength),
        _ => None,
    }
}

fn tool(evidence: &Evidence) -> &str {
    match &evidence.claim {
        Claim::Ai {
            tool: Some(tool), ..
        } => tool,
        _ => "",
    }
}

fn identity(text: &str) -> Identity<'_> {
    let (name, email) = text.split_once('<').unwrap();
    Identity {
        name: name.trim(),
        email: email.trim_end_matches('>'),
    }
}

/// The evidence that a row's example or near miss gives.
fn try_row(row: &Row, text: &str) -> Vec<Evidence> {
    let (message, author) = match row.kind {
        Kind::GithubId | Kind::Login | Kind::Mailbox => {
            (format!("Fix\n\nCo-authored-by: {text}\n"), ADA)
        }
        Kind::NameSuffix => ("Fix".to_owned(), identity(text)),
        Kind::Subject | Kind::Branch => (format!("{text}\n\nBody\n"), ADA),
        _ => (format!("Fix\n\nBody text.\n\n{text}\n"), ADA),
    };
    read(&CommitInput {
        author,
        ..commit(message.as_bytes())
    })
    .evidence
}

#[test]
fn every_row_gives_evidence_of_its_tool_and_strength() {
    for (row, example, _) in examples().filter(|(row, ..)| row.kind != Kind::Config) {
        let found = try_row(row, example);
        if row.class != RowClass::Agent {
            assert_eq!(found, [], "{example}");
            continue;
        }
        let wanted = |e: &&Evidence| row.tool.is_empty() || tool(e) == row.tool;
        let strongest = found.iter().filter(wanted).filter_map(strength).max();
        let expected = match row.kind {
            // The example's agent says less than the key allows at most.
            Kind::IdentityKey => row.strength.min(Strength::Session),
            _ => row.strength,
        };
        assert_eq!(
            strongest,
            Some(expected),
            "{} {example}: {found:?}",
            row.value
        );
    }
}

#[test]
fn no_near_miss_gives_evidence() {
    for (row, _, near) in examples().filter(|(row, ..)| row.kind != Kind::Config) {
        for miss in near {
            assert_eq!(try_row(row, miss), [], "{}: {miss}", row.value);
        }
    }
}

#[test]
fn every_agents_identity_counts_as_author_and_committer() {
    let mut rows = 0;
    for (row, example, _) in examples() {
        if !matches!(row.kind, Kind::GithubId | Kind::Login | Kind::Mailbox) {
            continue;
        }
        let agent = identity(example);
        for (author, committer, channel) in [
            (agent, GITHUB, Channel::Author),
            (ADA, agent, Channel::Committer),
        ] {
            let found = read(&CommitInput {
                author,
                committer,
                ..commit(b"Fix")
            })
            .evidence;
            if row.class == RowClass::Agent {
                assert_eq!(found[0].channel, channel, "{example}");
                assert_eq!(strength(&found[0]), Some(row.author), "{example}");
            } else {
                assert_eq!(found, [], "{example}");
            }
        }
        rows += 1;
    }
    assert!(rows > 90);
}

#[test]
fn verdicts_of_messages() {
    use Verdict::{Unknown, Yes};
    for (message, verdict) in [
        ("Fix", Unknown),
        ("", Unknown),
        ("Fix\n\nCo-authored-by: Jane <jane@openai.com>", Unknown),
        (
            "Fix\n\nCo-authored-by: Claude Paroz <claude@2xlibre.net>",
            Unknown,
        ),
        ("Fix\n\nAssisted-by: Jane Doe", Unknown),
        ("Fix\n\nAssisted-by: Claude:claude-opus-4-6", Yes),
        ("Fix\n\nAssisted-by: Devin", Unknown),
        (
            "Fix\n\nCo-authored-by: Copilot <copilot@github.com>",
            Unknown,
        ),
        (
            "Fix\n\nReviewed-by: Claude <noreply@anthropic.com>",
            Unknown,
        ),
        (
            "Fix\n\nCo-authored-by: Copilot <175728472+Copilot@users.noreply.github.com>",
            Yes,
        ),
        (
            "Fix\n\nCo-authored-by: dependabot[bot] <49699333+dependabot[bot]@users.noreply.github.com>",
            Unknown,
        ),
        ("Merge pull request #1 from org/claude/x", Unknown),
        ("codex: make codex faster with codex", Unknown),
        ("Fix\n\nAI-assisted: yes", Yes),
        ("Fix\n\nAI-assisted: no", Unknown),
        ("Fix\n\nAI-assisted: yes/no", Unknown),
        (
            "Squashed\n\n* one\n\n* two\n\nCo-Authored-By: Claude <noreply@anthropic.com>\n\n* three\n\nLast.",
            Yes,
        ),
    ] {
        assert_eq!(
            read(&commit(message.as_bytes())).verdict,
            verdict,
            "{message:?}"
        );
    }
}

#[test]
fn reviews_keep_their_role_apart() {
    let found = read(&commit(
        b"Fix\n\nReviewed-by: Claude <noreply@anthropic.com>",
    ));
    assert!(found.roles.contains(&Role::Reviewed) && found.roles.len() == 1);
}

#[test]
fn aider_as_committer_alone_is_weak() {
    let aider = Identity {
        name: "Ada Lovelace (aider)",
        ..ADA
    };
    let both = read(&CommitInput {
        author: aider,
        committer: aider,
        ..commit(b"Fix")
    });
    let alone = read(&CommitInput {
        committer: aider,
        ..commit(b"Fix")
    });
    assert_eq!(
        (both.verdict, alone.verdict),
        (Verdict::Yes, Verdict::Unknown)
    );
    assert_eq!(strength(&alone.evidence[0]), Some(Strength::Weak));
}

#[test]
fn a_declaration_counts_only_when_its_author_signed_it() {
    for text in [
        "AI-assisted: no",
        "AI-involvement: none",
        "AI-generated: false",
    ] {
        let message = format!("Fix\n\n{text}");
        let unsigned = commit(message.as_bytes());
        let signed = CommitInput {
            signature: Signature::ByAuthor,
            ..unsigned
        };
        assert_eq!(read(&unsigned).verdict, Verdict::Unknown, "{text}");
        assert_eq!(
            read(&unsigned).evidence[0].claim,
            Claim::Human { trusted: false }
        );
        assert_eq!(read(&signed).verdict, Verdict::No, "{text}");
    }
    let taken_back = commit(b"Fix\n\nAI-assisted: no, except the tests");
    let signed = CommitInput {
        signature: Signature::ByAuthor,
        ..taken_back
    };
    assert_eq!(read(&signed).verdict, Verdict::Unknown);
    let both = commit(b"Fix\n\nAI-assisted: no\nCo-authored-by: Claude <noreply@anthropic.com>");
    let conflict = read(&CommitInput {
        signature: Signature::ByAuthor,
        ..both
    });
    assert!(conflict.verdict == Verdict::Yes && conflict.conflict);
}

#[test]
fn notes() {
    let ai = b"a.rs\n  s_1::t_2 1-3\n---\n{\"sessions\":{\"s_1\":{\"agent_id\":{\"tool\":\"claude\",\"model\":\"opus\"}}}}";
    let dangling = b"a.rs\n  0123456789abcdef 1-3\n---\n{}";
    let human = b"a.rs\n  h_1 1-3\n---\n{}";
    let left = b"---\n{\"sessions\":{\"s_1\":{\"agent_id\":{\"tool\":\"claude\"}}}}";
    let added = |last| {
        vec![AddedLines {
            path: "a.rs".into(),
            ranges: vec![(1, last)],
        }]
    };
    let (all, more) = (added(3), added(4));
    for (note, added, verdict) in [
        (&ai[..], None, Verdict::Yes),
        (dangling, None, Verdict::Yes),
        (b"---\n{}", Some(&all), Verdict::Unknown),
        (left, Some(&all), Verdict::Unknown),
        (human, None, Verdict::Unknown),
        (human, Some(&more), Verdict::Unknown),
        (human, Some(&all), Verdict::No),
    ] {
        let added = added.map(Vec::as_slice);
        let input = CommitInput {
            note: Some(note),
            added,
            ..commit(b"Fix")
        };
        assert_eq!(
            read(&input).verdict,
            verdict,
            "{}",
            String::from_utf8_lossy(note)
        );
    }
    let found = read(&CommitInput {
        note: Some(ai),
        ..commit(b"Fix")
    });
    assert!(found.tools.contains("claude-code"), "{found:?}");
}

#[test]
fn trace_records_of_the_commit_and_of_its_first_parent() {
    let record = |revision: &str, who: &str| {
        let mut traces = Traces::default();
        traces.add(
            format!(
                r#"{{"version":"1.0","vcs":{{"type":"git","revision":"{revision}"}},"tool":{{"name":"cursor"}},
                "files":[{{"path":"a.rs","conversations":[{{"ranges":[{{"contributor":{{"type":"{who}"}}}}]}}]}}]}}"#
            )
            .as_bytes(),
        );
        traces
    };
    let file = |path: &str| {
        vec![AddedLines {
            path: path.into(),
            ranges: vec![(1, 1)],
        }]
    };
    let (a, b) = (file("a.rs"), file("b.rs"));
    for (traces, added, verdict) in [
        (record(ID, "ai"), None, Verdict::Yes),
        (record(ID, "mixed"), None, Verdict::Yes),
        (record(ID, "human"), Some(&a), Verdict::Unknown),
        (record(ID, "unknown"), Some(&a), Verdict::Unknown),
        (record(PARENT, "ai"), Some(&a), Verdict::Yes),
        (record(PARENT, "ai"), Some(&b), Verdict::Unknown),
        (record(PARENT, "ai"), None, Verdict::Unknown),
    ] {
        let added = added.map(Vec::as_slice);
        let input = CommitInput {
            traces: Some(&traces),
            added,
            ..commit(b"Fix")
        };
        assert_eq!(read(&input).verdict, verdict, "{traces:?}");
    }
}

#[test]
fn an_entire_checkpoint_names_the_tool() {
    let mut checkpoints = Checkpoints::default();
    checkpoints.add(
        "2a/ac03cf740c/0/metadata.json",
        br#"{"agent":"Claude Code","model":"opus"}"#,
    );
    let input = commit(b"Fix\n\nEntire-Checkpoint: 2aac03cf740c");
    let found = read(&CommitInput {
        checkpoints: Some(&checkpoints),
        ..input
    });
    assert!(found.tools.contains("claude-code"));
    let without = read(&input);
    assert!(without.verdict == Verdict::Yes && without.tools.is_empty());
}

fn parts(input: &CommitInput<'_>) -> Vec<(String, Part, bool)> {
    people(Catalogue::builtin(), input)
        .into_iter()
        .map(|p| (p.name, p.part, p.class == Class::Human))
        .collect()
}

fn part(name: &str, part: Part, human: bool) -> (String, Part, bool) {
    (name.to_owned(), part, human)
}

#[test]
fn the_person_behind_an_agents_commit_is_its_operator() {
    let copilot = identity("copilot-swe-agent[bot] <198982749+Copilot@users.noreply.github.com>");
    let message = b"Fix\n\nCo-authored-by: Grace <grace@example.org>\nCo-authored-by: grace <Grace@Example.org>\nSigned-off-by: Max <max@example.org>";
    let input = CommitInput {
        author: copilot,
        committer: GITHUB,
        ..commit(message)
    };
    assert_eq!(
        parts(&input),
        [
            part("copilot-swe-agent[bot]", Part::Author, false),
            part("GitHub", Part::Committer, false),
            part("Grace", Part::Operator, true),
        ]
    );
    let input = CommitInput {
        author: copilot,
        ..commit(b"Fix")
    };
    assert_eq!(parts(&input)[1], part("Ada Lovelace", Part::Operator, true));
}

#[test]
fn the_people_of_a_persons_commit() {
    let note = b"a.rs\n  s_1 1\n---\n{\"sessions\":{\"s_1\":{\"human_author\":\"Eve <eve@example.org>\"}}}";
    let aider = Identity {
        name: "Ada Lovelace (aider)",
        ..ADA
    };
    let message = b"Fix\n\nCo-authored-by: Grace <grace@example.org>\n\nco-developed-by: x <>\nCo-authored-by: Claude <noreply@anthropic.com>";
    let input = CommitInput {
        author: aider,
        committer: GITHUB,
        note: Some(note),
        ..commit(message)
    };
    assert_eq!(
        parts(&input),
        [
            part("Ada Lovelace", Part::Author, true),
            part("GitHub", Part::Committer, false),
            part("Grace", Part::CoAuthor, true),
            part("x", Part::CoAuthor, true),
            part("Claude", Part::CoAuthor, false),
            part("Eve", Part::Operator, true),
        ]
    );
}

#[test]
fn hostile_messages_stay_bounded() {
    let line = |n: usize| format!("Co-authored-by: {n} <noreply@anthropic.com>\n");
    let message: String = (0..100_000).map(line).collect();
    let input = commit(message.as_bytes());
    assert!(read(&input).evidence.len() < 20);
    assert!(people(Catalogue::builtin(), &input).len() <= PARTICIPANTS_MAX);
    let mut long = vec![b'x'; 10 << 20];
    long.extend_from_slice(b"\n\nCo-authored-by: Claude <noreply@anthropic.com>");
    assert_eq!(read(&commit(&long)).verdict, Verdict::Yes);
}

fn listed(input: &CommitInput<'_>) -> String {
    let found = read(input);
    let mut out = format!("{}\n", found.verdict.as_str());
    for item in &found.evidence {
        let claim = match &item.claim {
            Claim::Ai {
                strength,
                tool,
                model,
            } => format!(
                "{} {} {}",
                strength.as_str(),
                tool.as_deref().unwrap_or("?"),
                model.as_deref().unwrap_or("-")
            ),
            Claim::Human { trusted } => format!("human, trusted: {trusted}"),
            Claim::Suppressed => "suppressed".to_owned(),
        };
        out.push_str(&format!(
            "{} | {claim} | {}\n",
            item.channel.as_str(),
            item.witness
        ));
    }
    out
}

#[test]
fn evidence_of_a_squash() {
    let message = "Merge pull request #7 from org/claude/parser\n\n* one\n\n🤖 Generated with [Claude Code](https://claude.com/claude-code)\n\nCo-Authored-By: Claude Opus 4.6 <noreply@anthropic.com>\n\n* two\n\nCo-authored-by: goose <noreply@anthropic.com>\nCo-authored-by: Copilot <copilot@github.com>\nCo-authored-by: Grace <grace@example.org>\nReviewed-by: coderabbitai[bot] <136622811+coderabbitai[bot]@users.noreply.github.com>\nAssisted-by: Crush:claude-sonnet-4-5\nAI-assisted: no\nClaude-Session: https://claude.ai/code/session_01";
    insta::assert_snapshot!(listed(&commit(message.as_bytes())));
}

#[test]
fn evidence_of_an_agents_commit() {
    let devin = identity("Devin AI <158243242+devin-ai-integration[bot]@users.noreply.github.com>");
    let note = b"src/a.rs\n  s_1::t_1 1-4\n  s_2::t_1 9\n---\n{\"sessions\":{\"s_1\":{\"agent_id\":{\"tool\":\"devin\",\"model\":\"swe\"}}}}";
    let input = CommitInput {
        author: devin,
        committer: GITHUB,
        note: Some(note),
        ..commit(b"Fix\n\nCo-authored-by: Grace <grace@example.org>")
    };
    insta::assert_snapshot!(listed(&input));
}

fn any_line() -> impl Strategy<Value = String> {
    let rows: Vec<&str> = examples()
        .filter(|(row, ..)| !matches!(row.kind, Kind::Config))
        .map(|(_, example, _)| example)
        .collect();
    let near: Vec<&str> = examples()
        .flat_map(|(_, _, near)| near.iter().copied())
        .collect();
    prop_oneof![
        proptest::sample::select(rows.clone()).prop_map(str::to_owned),
        proptest::sample::select(rows).prop_map(|text| format!("Co-authored-by: {text}")),
        proptest::sample::select(near).prop_map(str::to_owned),
        "AI-assisted: (no|yes|none|maybe)",
        ".{0,40}",
    ]
}

fn any_identity() -> impl Strategy<Value = (String, String)> {
    let people: Vec<&str> = examples()
        .filter(|(row, ..)| {
            matches!(
                row.kind,
                Kind::GithubId | Kind::Login | Kind::Mailbox | Kind::NameSuffix
            )
        })
        .map(|(_, example, _)| example)
        .collect();
    prop_oneof![
        Just((ADA.name.to_owned(), ADA.email.to_owned())),
        proptest::sample::select(people).prop_map(|text| {
            let found = identity(text);
            (found.name.to_owned(), found.email.to_owned())
        }),
        (".{0,20}", ".{0,20}"),
    ]
}

proptest! {
    #[test]
    fn both_readers_agree(
        lines in proptest::collection::vec(any_line(), 0..8),
        joint in proptest::sample::select(vec!["\n", "\n\n", "\\n", " ", "\n* "]),
        author in any_identity(),
        committer in any_identity(),
        note in proptest::option::of("(a.rs\n)?(  (h_1|s_1::t_2|0123456) [1-3]\n){0,3}(---\n[{][}])?"),
        signed in any::<bool>(),
    ) {
        let message = lines.join(joint);
        let added = [AddedLines { path: "a.rs".into(), ranges: vec![(2, 2)] }];
        let input = CommitInput {
            author: Identity { name: &author.0, email: &author.1 },
            committer: Identity { name: &committer.0, email: &committer.1 },
            note: note.as_ref().map(String::as_bytes),
            signature: if signed { Signature::ByAuthor } else { Signature::NotByAuthor },
            added: Some(&added),
            ..commit(message.as_bytes())
        };
        let _ = read(&input);
        let _ = people(Catalogue::builtin(), &input);
    }

    #[test]
    fn a_co_author_is_found_wherever_it_stands(
        before in "([A-Za-z0-9 .,é:*-]{0,60}\n){0,6}",
        glue in proptest::sample::select(vec!["", " ", "\n", "\n\n", "\\n\\n", "\n* ", "\n    "]),
        after in "(\n[A-Za-z0-9 .,é:*-]{0,60}){0,6}",
    ) {
        let message = format!("Subject\n{before}word{glue}Co-Authored-By: Claude Opus 4.6 <noreply@anthropic.com>{after}");
        prop_assert_eq!(read(&commit(message.as_bytes())).verdict, Verdict::Yes, "{:?}", message);
    }
}
