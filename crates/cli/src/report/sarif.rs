//! SARIF 2.1.0, for code scanning.
//!
//! Format: <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>

use countersign_core::decide::ExplainedRule;
use countersign_core::policy::Mode;
use serde_json::json;

use super::human::requirement_text;
use super::{CheckReport, json as to_json};
use crate::error::CliResult;

/// One result per rule that is not met.
pub(crate) fn sarif(report: &CheckReport) -> CliResult<String> {
    let stops = |rule: &&ExplainedRule| !rule.met && !rule.is_lifted();
    let open = || report.decision.rules.iter().filter(stops);
    let level = |refuses: bool| match (report.mode, refuses) {
        (Mode::Shadow, _) => "note",
        (Mode::Enforce, true) => "error",
        (Mode::Enforce, false) => "warning",
    };
    let results: Vec<_> = open()
        .map(|rule| {
            let asked: Vec<String> = rule.requirements.iter().map(requirement_text).collect();
            let text = if rule.refuses {
                format!("{}: refused, {}", report.summary, rule.why)
            } else {
                format!("{}: {}", rule.why, asked.join("; "))
            };
            json!({
                "ruleId": rule.id,
                "level": level(rule.refuses),
                "message": { "text": text },
                "locations": [{
                    "physicalLocation": {
                        "artifactLocation": { "uri": crate::rules::POLICY }
                    }
                }],
                "partialFingerprints": {
                    "countersign/v1": format!("{}:{}", rule.id, report.range.head)
                }
            })
        })
        .collect();
    let rules: Vec<_> = open()
        .map(|rule| {
            json!({
                "id": rule.id,
                "shortDescription": { "text": if rule.why.is_empty() { &rule.id } else { &rule.why } }
            })
        })
        .collect();
    to_json(&json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "countersign",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules
            }},
            "properties": { "verdict": report.verdict, "mode": report.mode },
            "results": results
        }]
    }))
}
