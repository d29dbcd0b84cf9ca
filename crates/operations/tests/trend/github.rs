//! 819 real incidents of a public status page, where present.

use countersign_core::involvement::Verdict as Involvement;
use countersign_operations::trend::{By, Exposure, History, Incident, Options, Verdict, analyse};
use serde_json::Value;

use crate::world::week;

/// Incidents of the status page; maintenance that was planned is none.
fn incidents(exposure: &mut Exposure) -> Option<Vec<Incident>> {
    let above = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    let file = above
        .map(|dir| dir.join("shared/data/github-status/parsed_incidents.jsonl"))
        .find(|file| file.is_file());
    let Some(file) = file else {
        eprintln!("SKIPPED: no ../shared/data/github-status");
        return None;
    };
    let text = std::fs::read_to_string(file).unwrap();
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 819);
    let incidents = lines
        .iter()
        .filter(|line| line["impact"] != "maintenance")
        .map(|line| Incident {
            id: line["id"].as_str().unwrap().to_owned(),
            severity: match line["impact"].as_str().unwrap_or_default() {
                "critical" => 1,
                "major" => 2,
                "minor" => 3,
                _ => 5,
            },
            at: line["started_at"].as_str().unwrap().parse().unwrap(),
            services: line["components"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|name| exposure.names.name(name.as_str().unwrap()))
                .collect(),
            links: Vec::new(),
            ai: Involvement::Unknown,
        });
    Some(incidents.collect())
}

#[test]
fn the_change_of_january_2026_is_found_and_its_cause_is_not() {
    let mut exposure = Exposure::default();
    let Some(incidents) = incidents(&mut exposure) else {
        return;
    };
    // whole weeks of the record only
    let window = (Some(week("2022-W14")), Some(week("2026-W33")));
    let history = History::new(exposure, incidents, Vec::new(), window).unwrap();
    let options = Options {
        by: vec![By::Severity],
        ..Options::default()
    };
    let found = analyse(&history, &options).unwrap();
    // how often, it can say
    let turn = found.pace.turn.as_ref().unwrap();
    assert_eq!(found.pace.answer.verdict, Verdict::Higher);
    assert!(turn.supported);
    assert_eq!(turn.week, week("2026-W02"), "the week of 5 January 2026");
    assert!(found.pace.dispersion.unwrap() > 1.5);
    // how risky, it cannot
    let rate = &found.trend.answer.verdict;
    assert_eq!(
        rate.to_string(),
        "cannot tell: no exposure: changes shipped are not recorded"
    );
    // and why, it cannot either
    let reason = found.comparison.answer.verdict.reason().unwrap();
    assert_eq!(reason.code, "no-exposure");
    assert!(reason.text.contains("no exposure") && reason.text.contains("no AI flag"));
    let limits = &found.comparison.answer.limits;
    assert!(
        limits[0].contains("Copilot")
            && limits[0].contains("what is affected is not what caused it"),
        "{limits:?}"
    );
    assert!(found.looks.taken.is_empty());
}
