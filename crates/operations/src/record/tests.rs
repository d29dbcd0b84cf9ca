use std::collections::{BTreeMap, BTreeSet};

use countersign_core::effect::Environment;
use countersign_core::facts;
use countersign_core::involvement::Role;
use countersign_core::signoff::Digest;

use super::*;
use crate::change::ChangeRef;
use crate::incident::AiPart;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn noted() -> Noted {
    Noted::by("ada", at("2026-03-09T10:00:00Z"))
}

fn change() -> Change {
    let id = ChangeRef::new("shop", "0f3a");
    Change::new(id, facts::Kind::Merge, at("2026-03-05T09:00:00Z"), noted())
}

fn incident() -> Incident {
    let mut incident = Incident::new(
        "INC-1".into(),
        "checkout down".into(),
        at("2026-03-05T09:10:00Z"),
        noted(),
    );
    incident.ai = AiPart::Took(BTreeSet::from([Role::Advised]));
    incident
}

#[test]
fn the_canonical_form_is_what_it_is() {
    insta::assert_snapshot!(Record::from(incident()).to_json().unwrap(), @r#"{"kind":"incident","version":1,"record":{"noted":{"at":"2026-03-09T10:00:00Z","by":"ada"},"id":"INC-1","title":"checkout down","status":"open","started":"2026-03-05T09:10:00Z","ai":["advised"]}}"#);
    insta::assert_snapshot!(Record::from(change()).to_json().unwrap(), @r#"{"kind":"change","version":1,"record":{"noted":{"at":"2026-03-09T10:00:00Z","by":"ada"},"change":{"repository":"shop","id":"0f3a"},"kind":"merge","shipped_at":"2026-03-05T09:00:00Z","environment":"unknown","lines":0,"files":0,"involvement":"unknown"}}"#);
}

/// One record of every kind.
fn every_kind() -> Vec<Record> {
    let text = |kind: Kind, record: &str| {
        let noted = r#""noted":{"at":"2026-03-09T10:00:00Z","by":"ada","why":"because"}"#;
        format!(r#"{{"kind":"{kind}","version":1,"record":{{{noted},{record}}}}}"#)
    };
    let digest = Digest::of(b"x");
    let pattern = r#""pattern":{"tool":"claude-code","mode":"agent-interactive","activity":"code","environment":"unknown"}"#;
    let change = r#""change":{"repository":"shop","id":"0f3a"},"kind":"merge""#;
    let others: Vec<(Kind, String)> = vec![
        (Kind::Decision, format!(r#"{change},"decided_at":"2026-03-05T08:00:00Z","verdict":"hold","asked_by":"check""#)),
        (Kind::SignOff, format!(r#""statement":"{digest}",{change},"target":"main","person":"bo","stated":"approved","issued_at":"2026-03-05T08:30:00Z""#)),
        (Kind::Guard, format!(r#""id":"g1","asked_at":"2026-03-05T08:30:00Z","tool":"claude-code","action":"{digest}","summary":"terraform destroy","verdict":"refuse","environment":"production""#)),
        (Kind::Deployment, r#""id":"d1","service":"cart","environment":"production","move":"deploy","started":"2026-03-05T09:00:00Z","outcome":"halted""#.into()),
        (Kind::Coe, r#""incident":"INC-1","written_at":"2026-03-09T10:00:00Z","summary":"s","impact":"i""#.into()),
        (Kind::Factor, r#""incident":"INC-1","factor":"novel-usage","claimant":"ada","state":"claimed""#.into()),
        (Kind::Link, r#""incident":"INC-1","to":{"change":{"repository":"shop","id":"0f3a"}},"state":"suggested","confidence":620000"#.into()),
        (Kind::Link, r#""incident":"INC-1","to":"no-change","state":"confirmed""#.into()),
        (Kind::Action, r#""id":"A-1","title":"add a check","due":"2026-04-01","opened_at":"2026-03-09T10:00:00Z","state":"open""#.into()),
        (Kind::Initiative, r#""id":"I-1","title":"reset","owner":"ada","hypothesis":"fewer","metric":"sev2","scope":{"tiers":[1]},"start":"2026-03-09T10:00:00Z""#.into()),
        (Kind::UsageSeen, format!(r#"{pattern},"seen_in":"change","in_key":"shop@0f3a","seen_at":"2026-03-05T09:00:00Z""#)),
        (Kind::Usage, format!(r#"{pattern},"from":"2026-03-09T10:00:00Z","maturity":"trial""#)),
        (Kind::Review, format!(r#""week":"2026-W11","version":1,"issued_at":"2026-03-09T10:00:00Z","cut_off":"2026-03-09T09:00:00Z","content":"{digest}""#)),
        (Kind::Pack, r#""id":"P-1","pack":"reset","services":{"cart":"tier 1"},"from":"2026-03-09T10:00:00Z","until":"2026-06-07T10:00:00Z""#.into()),
    ];
    let mut records: Vec<Record> = others
        .iter()
        .map(|(kind, record)| Record::parse(&text(*kind, record)).unwrap())
        .collect();
    records.push(change_record());
    records.push(incident().into());
    records
}

fn change_record() -> Record {
    let mut change = change();
    change.environment = Environment::Production;
    change.reverts.insert(ChangeRef::new("shop", "0f39"));
    change.into()
}

#[test]
fn every_kind_is_written_and_read_back() {
    let mut kinds = BTreeMap::new();
    for record in every_kind() {
        let text = record.to_json().unwrap();
        assert_eq!(Record::parse(&text).as_ref(), Ok(&record), "{text}");
        let key = record.key();
        assert!(!key.is_empty() && !key.contains("  "), "{key}");
        kinds.insert(record.kind(), key);
    }
    assert_eq!(kinds.len(), Kind::ALL.len());
    insta::assert_debug_snapshot!(kinds);
}

#[test]
fn other_spellings_are_refused() {
    let good = Record::from(incident()).to_json().unwrap();
    let with = |from: &str, to: &str| {
        assert!(good.contains(from), "{from}");
        Record::parse(&good.replacen(from, to, 1)).unwrap_err()
    };
    assert_eq!(
        with(r#""version":1"#, r#""version": 1"#),
        RecordError::NotCanonical
    );
    assert_eq!(
        with(r#""version":1"#, r#""version":2"#),
        RecordError::Version(2)
    );
    assert_eq!(
        with("09:10:00Z", "10:10:00+01:00"),
        RecordError::NotCanonical
    );
    for (from, to) in [
        ("\"incident\"", "\"accident\""),
        ("\"ai\"", "\"ia\""),
        ("\"open\"", "\"opened\""),
        ("[\"advised\"]", "[]"),
        ("\"title\":\"checkout down\",", ""),
        ("}}", "},\"more\":1}"),
    ] {
        assert!(
            matches!(with(from, to), RecordError::Json(_)),
            "{from} -> {to}"
        );
    }
    assert!(Record::parse(&"x".repeat(MAX_BYTES + 1)).is_err());
}

#[test]
fn what_contradicts_itself_is_not_kept() {
    fn faults(alter: impl Fn(&mut Incident)) -> String {
        let mut incident = incident();
        alter(&mut incident);
        match Record::from(incident).to_json() {
            Err(RecordError::Faults(faults)) => {
                faults.iter().map(|fault| format!("{fault}\n")).collect()
            }
            other => format!("{other:?}"),
        }
    }
    let early = Some(at("2026-03-05T09:00:00Z"));
    for (said, expected) in [
        (
            faults(|it| it.mitigated = early),
            "mitigated: it is before `started`\n",
        ),
        (
            faults(|it| it.started = at("2026-03-10T00:00:00Z")),
            "started: it is in the future\n",
        ),
        (
            faults(|it| it.id = "INC 1".into()),
            "id: it has spaces or control characters\n",
        ),
        (
            faults(|it| it.title = "a\u{1b}[31m".into()),
            "title: it has control characters\n",
        ),
        (
            faults(|it| it.duplicate_of = Some("INC-1".into())),
            "duplicate_of: an incident is not its own duplicate\n",
        ),
        (
            faults(|it| it.resolved = Some(at("2026-03-05T12:00:00Z"))),
            "status: it is open, yet `resolved` is set\n",
        ),
    ] {
        assert_eq!(said, expected);
    }
}
