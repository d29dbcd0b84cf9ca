//! For a comment on a pull request.

use std::fmt::Write as _;

use countersign_core::policy::Mode;
use countersign_core::radius::Impact;

use super::super::human::requirement_text;
use super::super::markdown::{code, escape, verdict_word};
use super::super::reach;
use super::PlanReport;

/// Rows of a table before the rest is counted.
const MAX_ROWS: usize = 20;

/// The answer as GitHub-flavoured Markdown, with everything from the plan
/// escaped.
pub(crate) fn markdown(report: &PlanReport) -> String {
    let mut out = String::new();
    let word = verdict_word(report.verdict);
    let _ = writeln!(out, "### {word}: {}\n", escape(&report.summary));
    if report.mode == Mode::Shadow {
        let _ = writeln!(out, "_Shadow mode: nothing is stopped._\n");
    }
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
    for rule in &report.decision.rules {
        let mark = if rule.met { "x" } else { " " };
        let _ = writeln!(
            out,
            "- [{mark}] **{}** {}",
            escape(&rule.id),
            escape(&rule.why)
        );
        for requirement in &rule.requirements {
            let _ = writeln!(out, "  - {}", escape(&requirement_text(requirement)));
        }
    }
    for act in &report.decision.way_forward {
        let names = act.candidates.iter().take(5).map(|name| escape(name));
        let names: Vec<String> = names.collect();
        let _ = writeln!(out, "\nCan sign: {}", names.join(", "));
    }
    at_stake(&mut out, report);
    reached(&mut out, report);
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
