//! Statements have one spelling and do not contradict themselves.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use countersign_core::signoff::Digest;
use countersign_core::signoff::content::{Artifact, Blob, Content, Transition, transition_digest};
use countersign_core::signoff::statement::{Answer, BreakGlass, SignOff, Stance, Statement};
use countersign_testkit::signing::{Sketch, content, of, signoff, start};
use proptest::prelude::*;

fn filled(tweak: impl FnOnce(&mut SignOff)) -> Statement {
    let mut it = signoff("sen", Stance::Approve, &content(1, 2, 3));
    tweak(&mut it);
    Sketch::new().fill(None, of(it))
}

fn payload() -> String {
    String::from_utf8(filled(|_| ()).to_bytes()).unwrap()
}

#[test]
fn the_bytes_of_a_statement() {
    insta::assert_snapshot!(payload().replace(",\"", ",\n\""), @r#"
    {"_type":"https://in-toto.io/Statement/v1",
    "subject":[{"name":"git+https://example.com/shop",
    "digest":{"gitCommit":"0000000000000000000000000000000000000002",
    "gitTree":"00000000000000000000000000000000000f4242"}}],
    "predicateType":"https://countersign.dev/sign-off/v0.1",
    "predicate":{"decision":"approve",
    "about":{"repository":"git+https://example.com/shop",
    "target":"refs/heads/main",
    "change":"42",
    "content":{"kind":"merge",
    "base":{"commit":"0000000000000000000000000000000000000001",
    "tree":"00000000000000000000000000000000000f4241"},
    "head":{"commit":"0000000000000000000000000000000000000002",
    "tree":"00000000000000000000000000000000000f4242"},
    "commits":[{"commit":"0000000000000000000000000000000000000002",
    "digest":"d5688a52d55a02ec4aea5ec1eadfffe1c9e0ee6a4ddbe2377f98326d42dfc975"}],
    "result":{"targetTip":"0000000000000000000000000000000000000001",
    "tree":"00000000000000000000000000000000001e8483",
    "digest":"d5688a52d55a02ec4aea5ec1eadfffe1c9e0ee6a4ddbe2377f98326d42dfc975"}}},
    "binding":"replay",
    "authors":["jun"],
    "claims":{"outranksAuthor":true},
    "involvement":{"verdict":"yes"},
    "policy":"823412d1eacb67956220e532959f0104603057c88704863ca38e7cd188fda812",
    "signed":{"person":"sen",
    "key":"SHA256:zbv/nU7iZdO0fB0DalMI70dP6/yFD8sctXvvW4+OokY",
    "roster":"556b2446533ba0c44843461108a5920e77b4a8646809f12d4d67e5d26c8331d6",
    "nonce":"0000000000000000",
    "issuedAt":"2026-03-02T12:00:00Z"}}}
    "#);
    let plan = filled(|it| {
        it.about.content = Content::Plan(Artifact {
            name: "prod.tfplan".to_owned(),
            sha256: Digest::of(b"plan"),
        });
    });
    assert_eq!(Statement::parse(&plan.to_bytes()), Ok(plan));
}

#[test]
fn answers_and_the_time_of_showing_are_signed_and_cost_older_statements_nothing() {
    let answer = |answer: &str| Answer {
        question: "What breaks first?".to_owned(),
        answer: answer.to_owned(),
    };
    let with = |tweak: &dyn Fn(&mut SignOff)| {
        let statement = filled(tweak);
        statement.check().map(|()| statement)
    };
    let both = with(&|it| {
        it.answers = vec![answer("the retry")];
        it.shown_at = Some(start() - jiff::SignedDuration::from_secs(90));
    })
    .unwrap();
    let text = String::from_utf8(both.to_bytes()).unwrap();
    let place = "\"answers\":[{\"question\":\"What breaks first?\",\"answer\":\"the retry\"}],\"shownAt\":\"2026-03-02T11:58:30Z\",\"signed\":";
    assert!(text.contains(place), "{text}");
    assert_eq!(Statement::parse(text.as_bytes()), Ok(both));
    // What is absent has no second spelling.
    let plain = payload();
    for more in ["\"answers\":[],", "\"shownAt\":null,"] {
        let other = plain.replace("\"signed\":", &format!("{more}\"signed\":"));
        assert!(Statement::parse(other.as_bytes()).is_err(), "{more}");
    }
    assert!(with(&|it| it.answers = vec![answer("\u{1b}[2J")]).is_err());
    assert!(with(&|it| it.answers = vec![answer("x"); 7]).is_err());
    assert!(with(&|it| it.shown_at = Some(start() + jiff::SignedDuration::from_secs(1))).is_err());
}

#[test]
fn any_other_spelling_is_refused() {
    let good = payload();
    assert!(Statement::parse(good.as_bytes()).is_ok());
    let digest = Digest::of(b"policy").to_string();
    let mut seen = Vec::new();
    for (from, to) in [
        // A commit and a tree in one digest set would mean "either".
        (
            format!(",\"gitTree\":\"{:040x}\"", 1_000_002),
            String::new(),
        ),
        (
            format!("\"gitCommit\":\"{:040x}\"", 2),
            format!("\"gitCommit\":\"{:040x}\"", 9),
        ),
        (
            format!("\"commit\":\"{:040x}\"", 2),
            format!("\"commit\":\"{:040x}\"", 9),
        ),
        ("{\"_type\"".into(), "{ \"_type\"".into()),
        (
            "\"binding\":\"replay\"".into(),
            "\"binding\":\"replay\",\"binding\":\"exact\"".into(),
        ),
        (
            "\"binding\":\"replay\"".into(),
            "\"binding\":\"replay\",\"extra\":1".into(),
        ),
        (
            "\"binding\":\"replay\"".into(),
            "\"binding\":\"any\"".into(),
        ),
        (
            "\"outranksAuthor\":true".into(),
            "\"outranksAuthor\":true,\"level\":3".into(),
        ),
        (digest.clone(), digest.to_uppercase()),
        ("Statement/v1".into(), "Statement/v0.1".into()),
        ("sign-off/v0.1".into(), "sign-off/v9".into()),
        (
            "\"change\":\"42\"".into(),
            "\"change\":\"\\u001b[2J\"".into(),
        ),
        (
            "\"change\":\"42\"".into(),
            "\"change\":\"a\u{202e}b\"".into(),
        ),
        (
            "\"nonce\":\"0000000000000000\"".into(),
            "\"nonce\":\"0\"".into(),
        ),
    ] {
        assert!(good.contains(&from), "{from}");
        let bad = good.replacen(&from, &to, 1);
        seen.push(Statement::parse(bad.as_bytes()).unwrap_err().to_string());
    }
    insta::assert_snapshot!(seen.join("\n"), @"
    the subject does not match the content that the predicate names
    the subject does not match the content that the predicate names
    the subject does not match the content that the predicate names
    the statement is not in its canonical form
    this is not a statement of Countersign: duplicate field `binding` at line 1 column 1010
    this is not a statement of Countersign: unknown field `extra`, expected one of `decision`, `about`, `binding`, `authors`, `claims`, `involvement`, `policy`, `expiresAt`, `message`, `answers`, `shownAt`, `revokes`, `breakGlass`, `signed` at line 1 column 1008
    this is not a statement of Countersign: unknown variant `any`, expected `exact` or `replay` at line 1 column 997
    this is not a statement of Countersign: unknown field `level`, expected `outranksAuthor` or `rules` at line 1 column 1058
    this is not a statement of Countersign: `823412D1EACB67956220E532959F0104603057C88704863CA38E7CD188FDA812` is not a SHA-256 in 64 lower-case hexadecimal digits at line 1 column 1159
    `https://in-toto.io/Statement/v0.1` is not a statement type known here
    `https://countersign.dev/sign-off/v9` is not a predicate known here
    `change` is empty, too long, or has control characters
    `change` is empty, too long, or has control characters
    `nonce` is empty, too long, or has control characters
    ");
}

#[test]
fn contradictions_are_refused() {
    let terms = BreakGlass {
        rules: vec!["r".to_owned()],
        reason: "down".to_owned(),
        review_due: start(),
    };
    let seen: Vec<String> = [
        filled(|it| it.decision = Stance::Revoke),
        filled(|it| it.revokes = Some(Digest::of(b"x"))),
        filled(|it| it.decision = Stance::BreakGlass),
        filled(|it| it.break_glass = Some(terms.clone())),
        filled(|it| {
            it.decision = Stance::BreakGlass;
            it.break_glass = Some(terms.clone());
        }),
        filled(|it| it.expires_at = Some(start())),
        filled(|it| {
            if let Content::Merge(merge) = &mut it.about.content {
                merge.result = None;
            }
        }),
        filled(|it| it.message = Some(" ".to_owned())),
        filled(|it| it.message = Some("x".repeat(5000))),
    ]
    .iter()
    .map(|it| Statement::parse(&it.to_bytes()).unwrap_err().to_string())
    .collect();
    insta::assert_snapshot!(seen.join("\n"), @"
    the statement contradicts itself: a revocation, and nothing else, names the statement it takes back
    the statement contradicts itself: a revocation, and nothing else, names the statement it takes back
    the statement contradicts itself: a break-glass, and nothing else, has terms
    the statement contradicts itself: a break-glass, and nothing else, has terms
    the statement contradicts itself: a break-glass is exact and expires
    the statement contradicts itself: it expires before it was issued
    the statement contradicts itself: what conflicts with the target cannot be approved
    `message` is empty, too long, or has control characters
    `message` is empty, too long, or has control characters
    ");
}

fn transition() -> impl Strategy<Value = Transition> {
    let blob = || {
        proptest::option::of((0_u32..3, 0_u8..3).prop_map(|(mode, content)| Blob {
            mode,
            sha256: Digest::of(&[content]),
        }))
    };
    (prop::collection::vec(0_u8..3, 0..3), blob(), blob()).prop_map(|(path, before, after)| {
        Transition {
            path,
            before,
            after,
        }
    })
}

proptest! {
    /// Nothing that is hashed can be read as something else, and order of
    /// listing does not matter.
    #[test]
    fn the_digest_tells_changes_apart(
        a in prop::collection::btree_map(prop::collection::vec(0_u8..3, 0..3), transition(), 0..4),
        b in prop::collection::btree_map(prop::collection::vec(0_u8..3, 0..3), transition(), 0..4),
    ) {
        let list = |map: std::collections::BTreeMap<Vec<u8>, Transition>| -> Vec<Transition> {
            map.into_iter().map(|(path, it)| Transition { path, ..it }).collect()
        };
        let (a, b) = (list(a), list(b));
        prop_assert_eq!(transition_digest(&a) == transition_digest(&b), a == b);
        let mut reversed = a.clone();
        reversed.reverse();
        prop_assert_eq!(transition_digest(&a), transition_digest(&reversed));
    }

    #[test]
    fn reading_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Statement::parse(&bytes);
    }
}
