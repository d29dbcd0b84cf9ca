use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::deployment::Move;
use crate::incident::{Amended, Severity, Status};
use crate::link::LinkTo;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn read_at(format: Format, text: &str, mapping: Option<&Mapping>, now: &str) -> Import {
    read(format, text, mapping, at(now)).unwrap()
}

fn now(format: Format, text: &str) -> Import {
    read_at(format, text, None, "2026-11-28T00:00:00Z")
}

fn remarks(import: &Import) -> Vec<String> {
    let text = |it: &Remark| format!("{} {}: {}", it.row, it.became, it.message);
    import.report.remarks.iter().map(text).collect()
}

/// Public samples beside the repository, or beside the folder of its worktrees;
/// says so when they are absent.
fn shared(path: &str) -> Option<std::path::PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .unwrap();
    let beside = root
        .ancestors()
        .skip(1)
        .take(2)
        .map(|above| above.join("shared/data"));
    let found = beside.map(|data| data.join(path)).find(|it| it.exists());
    if found.is_none() {
        eprintln!("SKIPPED: no ../shared/data/{path}");
    }
    found
}

#[test]
fn githubs_819_incidents_of_four_years() {
    let Some(path) = shared("github-status/parsed_incidents.jsonl") else {
        return;
    };
    let text = std::fs::read_to_string(path).unwrap();
    let import = now(Format::GithubStatus, &text);
    assert_eq!(
        (import.report.rows, import.incidents.len()),
        (819, 819),
        "{:?}",
        remarks(&import)
    );
    assert_eq!(import.report.skipped(), 0);
    let count = |wanted: Option<Severity>| {
        import
            .incidents
            .iter()
            .filter(|it| it.severity == wanted)
            .count()
    };
    // 28 critical, 138 major, 604 minor, 31 none, 18 maintenance: counted with
    // another program (`jq .impact | sort | uniq -c`).
    use Severity::{Sev1, Sev2, Sev3, Sev4};
    assert_eq!(
        [Some(Sev1), Some(Sev2), Some(Sev3), Some(Sev4), None].map(count),
        [28, 138, 604, 31, 18]
    );
    let counted = import.incidents.iter().filter(|it| it.counts()).count();
    assert_eq!(counted, 801, "maintenance is not an incident");
    let copilot = import
        .incidents
        .iter()
        .filter(|it| it.services.contains("copilot"));
    assert!(copilot.clone().count() > 100);
    for it in copilot {
        assert_eq!(
            it.ai,
            crate::incident::AiPart::Unknown,
            "what failed is not what caused it"
        );
    }
    // The same file again, from the state that the first reading left.
    let again = now(Format::GithubStatus, &text);
    for (old, new) in import.incidents.iter().zip(again.incidents) {
        let Amended::Version { incident, .. } = Incident::imported(None, old.clone()) else {
            panic!("{} is new", old.id);
        };
        assert_eq!(
            Incident::imported(Some(&incident), new),
            Amended::Unchanged { kept: vec![] }
        );
    }
}

#[test]
fn all_conformance_files_of_cdevents_are_read_or_named() {
    let Some(folder) = shared("cdevents") else {
        return;
    };
    let (mut files, mut incidents, mut deployments, mut named) = (0, 0, 0, 0);
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|it| it != "json") {
            continue;
        }
        files += 1;
        let text = std::fs::read_to_string(&path).unwrap();
        let import = now(Format::Cdevents, &text);
        incidents += import.incidents.len();
        deployments += import.deployments.len();
        named += import.report.not_relevant.values().sum::<usize>();
        if path.ends_with("conformance_formats_domainid.json") {
            // A table of names for other implementations, not an event.
            assert_eq!(
                remarks(&import),
                ["1 skipped: it is not an event with a `context.type` of CDEvents"]
            );
        } else {
            let partial = import
                .report
                .remarks
                .iter()
                .filter(|it| it.became == Became::Skipped);
            assert_eq!(partial.count(), 0, "{path:?}: {:?}", remarks(&import));
        }
    }
    assert_eq!((files, incidents, deployments, named), (49, 3, 4, 41));
}

const STATUSPAGE: &str = r#"{"page": {"id": "x"}, "incidents": [
  {"id": "a1", "name": "Checkout\u0007 errors", "status": "monitoring", "impact": "major",
   "created_at": "2026-03-05T04:10:00.123-05:00", "updated_at": "2026-03-05T10:00:00Z",
   "monitoring_at": "2026-03-05T09:50:00Z", "resolved_at": null, "shortlink": "https://stspg.io/x",
   "incident_updates": [
     {"status": "monitoring", "body": "A fix is in.", "created_at": "2026-03-05T09:50:00Z",
      "display_at": "2026-03-05T09:49:00Z", "affected_components": null},
     {"status": "investigating", "body": "Looking.", "created_at": "2026-03-05T09:12:00Z"}],
   "components": [{"id": "c", "name": "Web Shop", "status": "operational"}]},
  {"id": "a2", "name": "Backwards", "impact": "unheard", "started_at": "2026-03-05T10:00:00Z",
   "resolved_at": "2026-03-05T09:00:00Z", "incident_updates": []},
  {"id": "a 3", "name": "odd id", "impact": "none", "started_at": "2026-03-05T10:00:00Z"}
]}"#;

#[test]
fn statuspage_json_is_read_and_what_is_odd_is_said() {
    let import = now(Format::GithubStatus, STATUSPAGE);
    let first = &import.incidents[0];
    assert_eq!(
        (first.id.as_str(), first.title.as_str()),
        ("github-status:a1", "Checkout  errors")
    );
    assert_eq!(first.started, at("2026-03-05T09:10:00.123Z"));
    assert_eq!(
        (first.status, first.severity),
        (Status::Mitigated, Some(Severity::Sev2))
    );
    assert!(first.services.contains("web-shop"));
    assert_eq!(first.detected, Some(at("2026-03-05T09:12:00Z")));
    let times: Vec<_> = first.timeline.iter().map(|it| it.at).collect();
    assert_eq!(
        times,
        [at("2026-03-05T09:12:00Z"), at("2026-03-05T09:49:00Z")]
    );
    assert_eq!(
        remarks(&import),
        [
            "1 partial: `a2`: impact `unheard` is no severity",
            "1 partial: `github-status:a2`: resolved 2026-03-05T09:00:00Z is before it started",
            "1 skipped: `a 3`: its id cannot be used",
        ]
    );
}

fn pagerduty(id: &str, kind: &str, minute: u8, data: &str) -> String {
    format!(
        r#"{{"event":{{"id":"{id}","event_type":"{kind}","resource_type":"incident","occurred_at":"2026-03-05T09:{minute:02}:00.000Z","agent":null,"client":null,"data":{data}}}}}"#
    )
}

fn pagerduty_events() -> Vec<String> {
    let incident = |priority: &str| {
        format!(
            r#"{{"id":"PGR0VU2","type":"incident","html_url":"https://acme.pagerduty.com/incidents/PGR0VU2","created_at":"2026-03-05T09:00:00Z","title":"checkout down","service":{{"id":"PF9","summary":"API Service"}},"priority":{priority},"status":"whatever"}}"#
        )
    };
    let reference = r#"{"incident":{"id":"PGR0VU2","summary":"checkout down","html_url":"https://acme.pagerduty.com/incidents/PGR0VU2"},"id":"N","content":"rolled back","type":"incident_note"}"#;
    vec![
        pagerduty("e1", "incident.triggered", 0, &incident("null")),
        pagerduty("e2", "incident.acknowledged", 5, &incident("null")),
        pagerduty(
            "e3",
            "incident.priority_updated",
            10,
            &incident(r#"{"id":"P","summary":"P2"}"#),
        ),
        pagerduty("e4", "incident.annotated", 15, reference),
        pagerduty(
            "e5",
            "incident.resolved",
            20,
            &incident(r#"{"id":"P","summary":"P2"}"#),
        ),
        pagerduty("e6", "incident.reopened", 25, &incident("null")),
        pagerduty("e7", "incident.resolved", 40, &incident("null")),
        pagerduty("e8", "incident.workflow.started", 41, &incident("null")),
        pagerduty(
            "e9",
            "service.updated",
            42,
            r#"{"id":"PF9","type":"service"}"#,
        ),
    ]
}

#[test]
fn pagerduty_events_become_the_state_of_an_incident() {
    let import = now(Format::Pagerduty, &pagerduty_events().join("\n"));
    assert_eq!(import.incidents.len(), 1);
    let it = &import.incidents[0];
    assert_eq!(
        (it.status, it.resolved),
        (Status::Resolved, Some(at("2026-03-05T09:40:00Z")))
    );
    assert_eq!(
        (it.severity, it.started),
        (Some(Severity::Sev2), at("2026-03-05T09:00:00Z"))
    );
    assert!(it.services.contains("api-service"));
    assert!(
        it.timeline
            .iter()
            .any(|it| it.text == "annotated: rolled back")
    );
    assert_eq!(
        remarks(&import),
        ["8 kept: `incident.workflow.started` is not known"]
    );
    assert_eq!(import.report.not_relevant.get("service.updated"), Some(&1));
}

proptest! {
    #[test]
    fn pagerduty_events_come_in_any_order_and_twice(
        shuffled in Just(pagerduty_events()).prop_shuffle(),
        again in 0usize..9,
    ) {
        let ordered = now(Format::Pagerduty, &pagerduty_events().join("\n"));
        let mut twice = shuffled;
        twice.push(twice[again].clone());
        let other = now(Format::Pagerduty, &format!("[{}]", twice.join(",\n")));
        prop_assert_eq!(ordered.incidents, other.incidents);
    }

    /// Events that arrive one at a time leave what they leave together.
    #[test]
    fn pagerduty_events_may_be_imported_one_by_one(shuffled in Just(pagerduty_events()).prop_shuffle()) {
        let mut known = BTreeMap::new();
        for event in &shuffled {
            let mut import = now(Format::Pagerduty, event);
            import.keep_known(&known);
            for news in import.incidents {
                let id = news.id.clone();
                if let Amended::Version { incident, .. } = Incident::imported(known.get(&id), news) {
                    known.insert(id, *incident);
                }
            }
        }
        let together = now(Format::Pagerduty, &pagerduty_events().join("\n")).incidents.remove(0);
        let one_by_one = &known[&together.id];
        prop_assert_eq!(&one_by_one.timeline, &together.timeline);
        prop_assert_eq!(one_by_one.started, together.started);
        prop_assert_eq!((one_by_one.status, one_by_one.resolved), (together.status, together.resolved));
    }
}

#[test]
fn alertmanager_mixes_what_fires_and_what_is_over() {
    let alert = |status: &str, print: &str, start: &str, end: &str, severity: &str| {
        format!(
            r#"{{"status":"{status}","labels":{{"alertname":"HighErrors","service":"cart","region":"eu-1","severity":"{severity}"}},"annotations":{{"summary":"errors"}},"startsAt":"{start}","endsAt":"{end}","generatorURL":"http://p/graph","fingerprint":"{print}"}}"#
        )
    };
    let open = "0001-01-01T00:00:00Z";
    let (nine, ten) = ("2026-03-05T09:00:00Z", "2026-03-05T11:00:00+01:00");
    let message = |alerts: &[String]| {
        format!(
            r#"{{"version":"4","groupKey":"{{}}","truncatedAlerts":2,"status":"firing","receiver":"x","groupLabels":{{}},"commonLabels":{{}},"commonAnnotations":{{}},"externalURL":"","alerts":[{}]}}"#,
            alerts.join(",")
        )
    };
    let text = [
        message(&[
            alert("resolved", "a", nine, ten, "critical"),
            alert("firing", "b", nine, open, "warning"),
        ]),
        message(&[
            alert("firing", "a", nine, open, "critical"),
            alert("firing", "a", ten, open, "P1"),
        ]),
        message(&[
            alert("firing", "", nine, open, "info"),
            alert("resolved", "c", nine, open, "odd"),
        ]),
    ];
    let import = now(Format::Alertmanager, &text.join("\n"));
    let seen: Vec<_> = import
        .incidents
        .iter()
        .map(|it| {
            format!(
                "{} {} {} {:?}",
                it.id,
                it.severity.map_or("-", |it| it.as_str()),
                it.status,
                it.resolved.map(|it| it.to_string())
            )
        })
        .collect();
    insta::assert_snapshot!(seen.join("\n"), @r#"
    alertmanager:a:1772701200 Sev2 resolved Some("2026-03-05T10:00:00Z")
    alertmanager:a:1772704800 Sev1 open None
    alertmanager:b:1772701200 Sev4 open None
    alertmanager:c:1772701200 - resolved None
    "#);
    insta::assert_snapshot!(remarks(&import).join("\n"));
}

#[test]
fn cdevents_versions_are_read_by_their_end() {
    let event = |kind: &str, context: &str, hour: u8, more: &str| {
        format!(
            r#"{{"context":{{"specversion":"0.5.0","id":"{context}","source":"/m","type":"dev.cdevents.{kind}","timestamp":"2026-03-05T{hour:02}:00:00Z","links":[{{"linkType":"RELATION","linkKind":"TRIGGER","target":{{"contextId":"D1"}}}}]}},"subject":{{"id":"inc-1","source":"/m","content":{{"environment":{{"id":"prod-1"}},"description":"slow","service":{{"id":"myApp"}}}}}}{more}}}"#
        )
    };
    let text = [
        event("incident.resolved.0.2.0", "c", 12, ""),
        event(
            "incident.detected.0.4.0-draft",
            "a",
            9,
            r#","customData":{"severity":"medium"}"#,
        ),
        event("incident.reported.0.3.0", "b", 10, ""),
        event("service.rolledback.0.3.0", "D2", 11, ""),
        event("service.deployed.9.9.9", "D1", 8, ""),
        event("pipelinerun.started.0.3.0", "e", 8, ""),
        event("incident.detected.latest", "f", 8, ""),
    ];
    let import = now(Format::Cdevents, &text.join("\n"));
    let it = &import.incidents[0];
    assert_eq!(
        (it.id.as_str(), it.title.as_str()),
        ("cdevents:inc-1", "slow")
    );
    assert_eq!(
        (it.severity, it.status),
        (Some(Severity::Sev3), Status::Resolved)
    );
    assert_eq!(
        (it.started, it.resolved),
        (at("2026-03-05T09:00:00Z"), Some(at("2026-03-05T12:00:00Z")))
    );
    let moves: Vec<_> = import
        .deployments
        .iter()
        .map(|it| (it.id.as_str(), it.moved))
        .collect();
    assert_eq!(
        moves,
        [
            ("cdevents:d1", Move::Deploy),
            ("cdevents:d2", Move::RollBack)
        ]
    );
    assert_eq!(
        import.deployments[0].environment,
        countersign_core::effect::Environment::Production
    );
    let links: Vec<_> = import.links.iter().map(|it| &it.to).collect();
    assert_eq!(links, [&LinkTo::Deployment("cdevents:d1".into())]);
    assert_eq!(
        import.report.not_relevant.get("pipelinerun.started"),
        Some(&1)
    );
    assert_eq!(import.report.skipped(), 1);
}

fn cdevents_events() -> Vec<String> {
    let event = |predicate: &str, hour: u8, service: &str, content: &str| {
        format!(
            r#"{{"context":{{"id":"e{hour}","source":"/m","type":"dev.cdevents.incident.{predicate}.0.3.0","timestamp":"2026-03-05T{hour:02}:00:00Z"}},"subject":{{"id":"i10","content":{{"environment":{{"id":"prod"}},"service":{{"id":"{service}"}}{content}}}}}}}"#
        )
    };
    vec![
        event("detected", 9, "shop", ""),
        event("reported", 10, "shop", r#","description":"slow""#),
        event("reported", 11, "cart", r#","description":"very slow""#),
        event("resolved", 12, "shop", r#","description":"rolled back""#),
    ]
}

/// Imports files one after the other into nothing; the remarks of the last.
fn one_by_one(files: &[String]) -> (BTreeMap<String, Incident>, Vec<String>) {
    let (mut known, mut said) = (BTreeMap::new(), Vec::new());
    for file in files {
        let mut import = now(Format::Cdevents, file);
        import.keep_known(&known);
        said = remarks(&import);
        for news in import.incidents {
            let id = news.id.clone();
            if let Amended::Version { incident, .. } = Incident::imported(known.get(&id), news) {
                known.insert(id, *incident);
            }
        }
    }
    (known, said)
}

#[test]
fn cdevents_come_one_at_a_time_as_webhooks_do() {
    let all = cdevents_events();
    let (detected, resolved) = (&all[1], &all[3]);
    for files in [[detected, resolved], [resolved, detected]] {
        let files = files.map(Clone::clone);
        let (known, said) = one_by_one(&files);
        let it = &known["cdevents:i10"];
        assert_eq!((it.title.as_str(), it.status), ("slow", Status::Resolved));
        assert_eq!(it.started, at("2026-03-05T10:00:00Z"));
        assert_eq!(it.resolved, Some(at("2026-03-05T12:00:00Z")));
        assert_eq!(said, Vec::<String>::new());
    }
    let (_, said) = one_by_one(std::slice::from_ref(resolved));
    assert_eq!(said.len(), 1, "{said:?}");
}

proptest! {
    #[test]
    fn cdevents_one_by_one_leave_what_they_leave_together(
        shuffled in Just(cdevents_events()).prop_shuffle(),
    ) {
        let together = now(Format::Cdevents, &cdevents_events().join("\n")).incidents.remove(0);
        let (known, _) = one_by_one(&shuffled);
        let it = &known[&together.id];
        prop_assert_eq!(
            (it.started, it.detected, it.resolved, it.status),
            (together.started, together.detected, together.resolved, together.status)
        );
        prop_assert_eq!((&it.services, &it.regions), (&together.services, &together.regions));
        prop_assert_eq!((&it.timeline, &it.sources), (&together.timeline, &together.sources));
        // the second of two descriptions may have come when no other was known
        prop_assert!(it.title != "i10" && it.title != "rolled back", "{}", it.title);
    }
}

const MAPPING: &str = r#"version = 1
source = "servicenow"
zone = "Europe/Berlin"
list = ";"

[fields]
id = "Number"
title = "Short description"
started = "Opened"
resolved = "Closed"
severity = "Priority"
services = "CI"
customers = "Share"
ai = "AI"

[severity]
"1 - Critical" = "Sev1"

[ai]
"Copilot advice" = "advised"
"#;

#[test]
fn a_table_may_be_parted_by_semicolons_or_tabs() {
    let mapping = Mapping::parse(MAPPING, "map.toml").unwrap();
    for part in [",", ";", "\t"] {
        let text = [
            ["\u{feff}Number", "Short description", "Opened", "Share"],
            [
                "INC1",
                "\"Checkout, down; all\"",
                "2026-07-01 12:00",
                "\"12,5 %\"",
            ],
        ]
        .map(|row| row.join(part))
        .join("\r\n");
        let import = read_at(Format::Csv, &text, Some(&mapping), "2026-11-28T00:00:00Z");
        assert_eq!(remarks(&import), Vec::<String>::new(), "{part}");
        let only = &import.incidents[0];
        assert_eq!(only.title, "Checkout, down; all");
        assert_eq!(only.peak_customers().unwrap().to_string(), "12.5 %");
    }
}

#[test]
fn a_table_is_read_by_its_mapping() {
    let mapping = Mapping::parse(MAPPING, "map.toml").unwrap();
    let text = "\u{feff}Number,Short description,Opened,Closed,Priority,CI,Share,AI\r\n\
        INC1,\"Checkout, down\",2026-07-01 12:00,2026-07-01T18:00+02:00,1 - Critical,Cart; Price Book,\"12,5 %\",Copilot advice\r\n\
        INC2,fold,2025-10-26 02:30,,P3,,,\r\n\
        INC3,gap,2026-03-29 02:30,2026-03-29 01:00,sev9,,many,robot\r\n\
        INC4,no time,2026-03-29,,,,,\r\n\
        INC1,again,2026-07-01 12:00,,,,,\r\n\
        ,no id,2026-07-01 12:00,,,,,\r\n\
        INC5,future,2027-07-01 12:00,,,,,\r\n\
        INC6,short row,2026-07-01 12:00\r\n";
    let import = read_at(Format::Csv, text, Some(&mapping), "2026-11-28T00:00:00Z");
    let ids: Vec<_> = import
        .incidents
        .iter()
        .map(|it| (it.id.as_str(), it.started.to_string()))
        .collect();
    assert_eq!(
        ids,
        [
            ("servicenow:inc1", "2026-07-01T10:00:00Z".to_owned()),
            ("servicenow:inc2", "2025-10-26T00:30:00Z".to_owned()),
            ("servicenow:inc3", "2026-03-29T01:30:00Z".to_owned()),
            ("servicenow:inc6", "2026-07-01T10:00:00Z".to_owned()),
        ]
    );
    let first = &import.incidents[0];
    assert_eq!(
        (first.severity, first.ai.to_string()),
        (Some(Severity::Sev1), "advised".to_owned())
    );
    assert_eq!(first.peak_customers().unwrap().to_string(), "12.5 %");
    assert_eq!(
        first.services.iter().collect::<Vec<_>>(),
        ["cart", "price-book"]
    );
    insta::assert_snapshot!(remarks(&import).join("\n"));
    let lines = r#"{"Number":"A","Short description":"x","Opened":"2026-07-01T10:00:00Z","CI":["a","b"],"Share":5}"#;
    let import = read_at(Format::Jsonl, lines, Some(&mapping), "2026-11-28T00:00:00Z");
    assert_eq!(import.incidents[0].services.len(), 2);
}

#[test]
fn a_file_of_another_kind_is_refused() {
    let why = |format, text: &str, mapping: Option<&Mapping>| {
        read(format, text, mapping, at("2026-11-28T00:00:00Z"))
            .unwrap_err()
            .to_string()
    };
    let mapping = Mapping::parse(MAPPING, "map.toml").unwrap();
    let said = [
        why(Format::Csv, "a,b\n", None),
        why(Format::Csv, "a,b\n1,2\n", Some(&mapping)),
        why(Format::Pagerduty, "", None),
        why(Format::Pagerduty, "hello\n", None),
        why(Format::Jsonl, "hello\n", Some(&mapping)),
    ];
    insta::assert_snapshot!(said.join("\n"));
    let wrong = MAPPING
        .replace("Europe/Berlin", "Berlin")
        .replace("\"Sev1\"", "\"bad\"");
    let problems = Mapping::parse(&wrong, "map.toml").unwrap_err();
    let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(problems.join("\n"));
}

proptest! {
    #[test]
    fn nothing_makes_a_reader_fall_over(text in "[ -~\n]{0,120}", format in proptest::sample::select(Format::ALL)) {
        let mapping = Mapping::parse(MAPPING, "map.toml").unwrap();
        let _ = read(format, &text, Some(&mapping), at("2026-11-28T00:00:00Z"));
    }
}
