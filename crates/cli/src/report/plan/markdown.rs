//! For a comment on a pull request.

use std::fmt::Write as _;

use countersign_core::radius::Impact;

use super::super::markdown::{self as common, code, escape};
use super::super::reach;
use super::PlanReport;

/// Rows of a table before the rest is counted.
const MAX_ROWS: usize = 20;

/// The answer as GitHub-flavoured Markdown, with everything from the plan
/// escaped.
pub(crate) fn markdown(report: &PlanReport) -> String {
    let mut out = String::new();
    common::headline(&mut out, report.verdict, &report.summary, report.mode);
    for sentence in &report.sentences {
        let _ = writeln!(out, "- {}", escape(sentence));
    }
    let _ = writeln!(
        out,
        "\n{} ({}) in **{}** ({}). AI involvement: **{}**. Author level: **{}**.\n",
        code(&report.plan.files.join(", ")),
        report.plan.format.as_str(),
        report.environment.as_str(),
        escape(&report.environment_from),
        report.involvement.as_str(),
        escape(&report.author_level),
    );
    common::decision(&mut out, &report.decision);
    for signoff in &report.signoffs {
        let _ = writeln!(out, "\nSigned: {}", escape(&signoff.text()));
    }
    if let Some(spent) = &report.spent {
        let _ = writeln!(out, "\n**Applied before**, {}", escape(&spent.text()));
    }
    at_stake(&mut out, report);
    reached(&mut out, report);
    stages(&mut out, report);
    let _ = writeln!(out, "\nSHA-256 {}", code(&report.plan.sha256));
    out
}

fn at_stake(out: &mut String, report: &PlanReport) {
    let effects = report
        .effects
        .iter()
        .filter(|effect| effect.is_irreversible());
    let effects: Vec<_> = effects.collect();
    if effects.is_empty() {
        return;
    }
    let _ = writeln!(
        out,
        "\n<details><summary>At stake</summary>\n\n| what | object | read from |\n| --- | --- | --- |"
    );
    for effect in effects.iter().take(MAX_ROWS) {
        let _ = writeln!(
            out,
            "| {} | {} | {} |",
            effect.verb.as_str(),
            code(&effect.object),
            code(&effect.witness)
        );
    }
    let more = effects.len().saturating_sub(MAX_ROWS);
    if more > 0 {
        let _ = writeln!(out, "| … | {more} more | |");
    }
    let _ = writeln!(out, "\n</details>");
}

fn stages(out: &mut String, report: &PlanReport) {
    let stages = report.radius.iter().flat_map(|radius| &radius.stages);
    let rows: Vec<_> = stages.take(MAX_ROWS).collect();
    if rows.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n| stage | down for | stays |\n| --- | --- | --- |");
    for stage in rows {
        let _ = writeln!(
            out,
            "| {} | {} | {} |",
            escape(&stage.name),
            reach::stage(stage),
            stage.bake_seconds.map_or_else(String::new, reach::time)
        );
    }
}

fn reached(out: &mut String, report: &PlanReport) {
    let Some(radius) = &report.radius else {
        return;
    };
    out.push('\n');
    let claims = radius.functions.iter().chain(&radius.services);
    for claim in claims
        .filter(|claim| claim.impact > Impact::Possible && claim.path.len() > 1)
        .take(MAX_ROWS)
    {
        let _ = writeln!(
            out,
            "- {} {}: {}",
            escape(&claim.id),
            claim.impact.as_str(),
            escape(&reach::path(claim))
        );
    }
    if let Some(unplaced) = reach::unplaced(radius) {
        let _ = writeln!(out, "- Not known: {}", escape(&unplaced));
    }
}
