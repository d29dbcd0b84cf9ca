//! For a person at a terminal: the verdict, what would happen, why, who can
//! sign, what to run.

use std::fmt::Write as _;

use countersign_core::radius::{Claim, Impact};

use super::super::human::{self as common, row};
use super::super::{count, reach};
use super::PlanReport;
use crate::style::{self, BOLD, DIM, paint};

/// Lines of one kind shown before the rest is counted.
const MAX_LINES: usize = 6;

/// Reasons shown for one effect.
const MAX_REASONS: usize = 4;

/// The answer for a terminal. Colour codes are always in it; the caller's
/// stream drops them where they do not belong.
pub(crate) fn human(report: &PlanReport) -> String {
    let mut out = String::new();
    common::headline(&mut out, report.verdict, &report.summary, report.mode);
    for sentence in &report.sentences {
        let _ = writeln!(out, "  {}", paint(BOLD, sentence));
    }
    let _ = writeln!(out);
    plan(&mut out, report);
    maker(&mut out, report);
    lost(&mut out, report);
    reached(&mut out, report);
    stages(&mut out, report);
    unknown(&mut out, report);
    findings(&mut out, report);
    for rule in &report.decision.rules {
        common::explain_rule(&mut out, rule);
    }
    common::signed(&mut out, &report.signoffs);
    common::others(&mut out, &report.decision, &report.warnings);
    common::signers(&mut out, &report.decision);
    common::next(&mut out, &report.next);
    out
}

fn plan(out: &mut String, report: &PlanReport) {
    let plan = &report.plan;
    let mut size = plan.format.as_str().to_owned();
    if let Some(version) = &plan.tool_version {
        let _ = write!(size, " by {version}");
    }
    let changes = plan.changes.saturating_sub(plan.unchanged);
    let _ = write!(size, ", {}", count(changes as u64, "change"));
    let names = plan.files.join(", ");
    row(
        out,
        "plan",
        &format!("{}  {}", paint(BOLD, names), paint(DIM, size)),
    );
    row(out, "sha256", &plan.sha256);
    row(
        out,
        "environment",
        &format!(
            "{}  {}",
            report.environment.as_str(),
            paint(DIM, &report.environment_from)
        ),
    );
    if let Some(spent) = &report.spent {
        row(out, "applied", &format!("before, {}", spent.text()));
    }
}

/// How far it reaches after every step of its rollout.
fn stages(out: &mut String, report: &PlanReport) {
    let stages = report.radius.iter().flat_map(|radius| &radius.stages);
    let lines: Vec<String> = stages
        .map(|stage| {
            let bake = paint(DIM, reach::bake(stage));
            format!(
                "{}  {}{bake}",
                paint(BOLD, &stage.name),
                reach::stage(stage)
            )
        })
        .collect();
    rows(out, "stages", &lines);
}

fn maker(out: &mut String, report: &PlanReport) {
    let who = match &report.author {
        None => "nobody is named, so the lowest level counts".to_owned(),
        Some(author) => match (&author.person, &author.level) {
            (Some(id), Some(level)) => format!("{id} ({level})"),
            _ => format!("{} (not on the roster)", author.name),
        },
    };
    let level = paint(DIM, format!("level {}", report.author_level));
    row(out, "made by", &format!("{who}  {level}"));
    let mut text = paint(
        style::involvement(report.involvement),
        report.involvement.as_str(),
    );
    if !report.roles.is_empty() {
        let roles: Vec<&str> = report.roles.iter().map(|role| role.as_str()).collect();
        let _ = write!(text, " ({})", roles.join(", "));
    }
    if !report.tools.is_empty() {
        let _ = write!(text, "  {}", report.tools.join(", "));
    }
    row(out, "AI involved", &text);
    if !report.services.is_empty() {
        let tier = report
            .tier
            .map_or_else(String::new, |tier| format!("  tier {tier}"));
        let names: Vec<&str> = report.services.iter().map(String::as_str).collect();
        row(
            out,
            "services",
            &format!("{}{}", reach::list(&names), paint(DIM, tier)),
        );
    }
    if !report.owners.is_empty() {
        row(out, "owned by", &report.owners.join(", "));
    }
}

/// Rows under one label, the first few of them.
fn rows(out: &mut String, label: &str, lines: &[String]) {
    for (at, line) in lines.iter().take(MAX_LINES).enumerate() {
        row(out, if at == 0 { label } else { "" }, line);
    }
    let more = lines.len().saturating_sub(MAX_LINES);
    if more > 0 {
        row(
            out,
            "",
            &paint(DIM, format!("and {more} more (see --format json)")),
        );
    }
}

/// What may be gone for good, with the words that say so.
fn lost(out: &mut String, report: &PlanReport) {
    let lines: Vec<String> = report
        .effects
        .iter()
        .filter(|effect| effect.is_irreversible())
        .map(|effect| {
            let mut why = vec![effect.witness.as_str()];
            why.extend(effect.reasons.iter().map(String::as_str));
            why.retain(|text| !text.is_empty());
            why.truncate(MAX_REASONS);
            format!(
                "{} {}  {}",
                effect.verb.as_str(),
                paint(BOLD, &effect.object),
                paint(DIM, why.join("; "))
            )
        })
        .collect();
    rows(out, "at stake", &lines);
}

/// Functions first, since customers notice those; else services.
fn reached(out: &mut String, report: &PlanReport) {
    let Some(radius) = &report.radius else {
        return;
    };
    let claims: Vec<&Claim> = radius
        .functions
        .iter()
        .chain(&radius.services)
        .filter(|claim| claim.impact > Impact::Possible && claim.path.len() > 1)
        .collect();
    let lines: Vec<String> = claims
        .iter()
        .map(|claim| {
            format!(
                "{} {}  {}",
                claim.id,
                claim.impact.as_str(),
                paint(DIM, reach::path(claim))
            )
        })
        .collect();
    rows(out, "reaches", &lines);
}

fn unknown(out: &mut String, report: &PlanReport) {
    let mut lines = Vec::new();
    if report.plan.unknown > 0 {
        lines.push(format!(
            "{} could not be understood or is put off",
            count(report.plan.unknown as u64, "effect")
        ));
    }
    match &report.radius {
        None => lines.push("no catalogue says what depends on this".to_owned()),
        Some(radius) => lines.extend(reach::unplaced(radius)),
    }
    rows(out, "not known", &lines);
}

fn findings(out: &mut String, report: &PlanReport) {
    let lines: Vec<String> = report
        .findings
        .iter()
        .map(|finding| match &finding.object {
            Some(object) => format!("{}: {}", paint(BOLD, object), finding.detail),
            None => finding.detail.clone(),
        })
        .collect();
    rows(out, "note", &lines);
}
