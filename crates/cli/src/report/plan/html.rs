//! The answer as a page that stands alone.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use countersign_core::catalog::{Catalog, Mark, Node, draw_reached};
use countersign_core::decide::{ExplainedRule, Verdict};
use countersign_core::effect::Effect;
use countersign_core::policy::Mode;
use countersign_core::radius::{Claim, Impact, Radius};
use countersign_page::{Markup, Page, Tone, escape};

use super::super::human::requirement_text;
use super::super::{ReportSignOff, count, reach};
use super::PlanReport;
use crate::gate_record::ReportSpent;

/// Effects listed before the rest is counted.
const MAX_EFFECTS: usize = 500;
/// Boxes that can still be taken in at a glance. With more, only what likely
/// fails is drawn; with more of that, nothing is.
const MAX_BOXES: usize = 60;

/// The answer as one HTML page.
pub(crate) fn html(report: &PlanReport, catalog: Option<&Catalog>) -> String {
    let (word, tone) = match report.verdict {
        Verdict::Allow => ("Allow", Tone::Good),
        Verdict::Hold => ("Hold", Tone::Attention),
        Verdict::Refuse => ("Refuse", Tone::Bad),
    };
    let notes: &[String] = match report.mode {
        Mode::Shadow => &["Shadow mode: nothing is stopped.".to_owned()],
        Mode::Enforce => &[],
    };
    let title = format!("{word}: {}", report.plan.files.join(", "));
    let page = Page {
        title: &title,
        tone,
        word,
        headline: &report.summary,
        notes,
    };
    let mut out = String::new();
    lead(&mut out, report);
    if let (Some(radius), Some(catalog)) = (&report.radius, catalog) {
        drawing(&mut out, radius, catalog);
    }
    stages(&mut out, report);
    rules(&mut out, report);
    effects(&mut out, report);
    notes_section(&mut out, report);
    about(&mut out, report);
    // every text above went through `escape`
    page.html(&Markup::trusted(out))
}

fn lead(out: &mut String, report: &PlanReport) {
    out.push_str("<section><h2>What it would do</h2><ul class=\"lead\">");
    for sentence in &report.sentences {
        let _ = write!(out, "<li>{}</li>", escape(sentence));
    }
    out.push_str("</ul></section>\n");
}

fn drawing(out: &mut String, radius: &Radius, catalog: &Catalog) {
    let mut marks = marks(radius, catalog);
    if marks.len() > MAX_BOXES {
        marks.retain(|_, mark| *mark > Mark::Possible);
    }
    out.push_str("<section><h2>How far it reaches</h2>");
    if !marks.is_empty() && marks.len() <= MAX_BOXES {
        let svg = draw_reached(catalog, &marks);
        let _ = write!(out, "<figure>{svg}</figure>");
    }
    let claims = radius.functions.iter().chain(&radius.services);
    let claims = claims.filter(|claim| claim.impact > Impact::Possible && claim.path.len() > 1);
    out.push_str("<ul>");
    for claim in claims.take(MAX_BOXES) {
        let _ = write!(
            out,
            "<li><b>{}</b> {} <span class=\"soft\">{}</span></li>",
            escape(&claim.id),
            claim.impact.as_str(),
            escape(&reach::path(claim))
        );
    }
    if let Some(unplaced) = reach::unplaced(radius) {
        let _ = write!(out, "<li>Not known: {}</li>", escape(&unplaced));
    }
    out.push_str("</ul></section>\n");
}

/// A bar per step of the rollout: likely share of customers, and the most.
fn stages(out: &mut String, report: &PlanReport) {
    let stages = report.radius.iter().flat_map(|radius| &radius.stages);
    let stages: Vec<_> = stages.take(MAX_BOXES).collect();
    if stages.is_empty() {
        return;
    }
    out.push_str("<section><h2>Stage by stage</h2><ol class=\"stages\">");
    for stage in stages {
        let customers = &stage.facts.customers_share;
        let width = |ppm: u32| f64::from(ppm) / 10_000.0;
        let _ = write!(
            out,
            "<li><b>{}</b> <span>{}{}</span><i class=\"bar\"><i class=\"most\" style=\"width:{}%\"></i>\
             <i class=\"likely\" style=\"width:{}%\"></i></i></li>",
            escape(&stage.name),
            reach::stage(stage),
            reach::bake(stage),
            width(customers.high.ppm()),
            width(customers.likely.ppm()),
        );
    }
    out.push_str("</ol></section>\n");
}

/// Where a radius is drawn.
fn marks(radius: &Radius, catalog: &Catalog) -> BTreeMap<Node, Mark> {
    let mark = |claim: &Claim| {
        let mark = match claim.impact {
            Impact::Possible => Mark::Possible,
            Impact::Degraded => Mark::Degraded,
            Impact::Down => Mark::Down,
            Impact::Touched => Mark::Touched,
        };
        claim.path.last().map(|step| (step.node, mark))
    };
    let possible = radius.possible_services.iter();
    let mut marks: BTreeMap<Node, Mark> = possible
        .filter_map(|id| Some((catalog.resolve(id)?, Mark::Possible)))
        .collect();
    marks.extend(radius.services.iter().filter_map(mark));
    marks.extend(radius.functions.iter().filter_map(mark));
    marks
}

fn rules(out: &mut String, report: &PlanReport) {
    let decision = &report.decision;
    if decision.rules.is_empty() {
        return;
    }
    out.push_str("<section><h2>What it needs</h2>");
    for rule in &decision.rules {
        one_rule(out, rule);
    }
    for (at, act) in decision.way_forward.iter().enumerate() {
        let label = if at == 0 { "Can sign" } else { "And" };
        let names: Vec<&str> = act.candidates.iter().map(String::as_str).collect();
        let _ = write!(
            out,
            "<p class=\"sign\"><span>{label}</span> {}</p>",
            escape(&reach::list(&names))
        );
    }
    out.push_str("</section>\n");
}

fn one_rule(out: &mut String, rule: &ExplainedRule) {
    let state = match (rule.met, rule.refuses) {
        (true, _) => "met",
        (false, true) => "refused",
        (false, false) => "open",
    };
    let _ = write!(
        out,
        "<article class=\"rule {state}\"><h3>{} <small>{state}</small></h3><p>{}</p>",
        escape(&rule.id),
        escape(&rule.why)
    );
    if !rule.because.is_empty() {
        let _ = write!(
            out,
            "<p class=\"soft\">because {}</p>",
            escape(&rule.because.join("; "))
        );
    }
    for assumed in &rule.assumed {
        let _ = write!(
            out,
            "<p class=\"soft\">not known, so assumed: {}</p>",
            escape(assumed)
        );
    }
    for requirement in &rule.requirements {
        let _ = write!(out, "<p>{}</p>", escape(&requirement_text(requirement)));
    }
    out.push_str("</article>");
}

fn effects(out: &mut String, report: &PlanReport) {
    if report.effects.is_empty() {
        return;
    }
    let mut effects: Vec<&Effect> = report.effects.iter().collect();
    effects.sort_by_key(|effect| std::cmp::Reverse((effect.is_irreversible(), effect.verb)));
    out.push_str(
        "<section><h2>Every effect</h2><div class=\"wide\"><table><thead><tr><th>what</th>\
         <th>object</th><th>why, and where it was read</th></tr></thead><tbody>",
    );
    for effect in effects.iter().take(MAX_EFFECTS) {
        let class = if effect.is_irreversible() {
            "stake"
        } else {
            ""
        };
        let mut why: Vec<&str> = effect.reasons.iter().map(String::as_str).collect();
        why.push(&effect.witness);
        let _ = write!(
            out,
            "<tr class=\"{class}\"><td>{}</td><td><code>{}</code></td><td class=\"soft\">{}</td></tr>",
            effect.verb.as_str(),
            escape(&effect.object),
            escape(&why.join("; "))
        );
    }
    out.push_str("</tbody></table></div>");
    let more = effects.len().saturating_sub(MAX_EFFECTS);
    if more > 0 {
        let _ = write!(out, "<p>and {more} more</p>");
    }
    out.push_str("</section>\n");
}

fn notes_section(out: &mut String, report: &PlanReport) {
    if report.findings.is_empty() && report.warnings.is_empty() {
        return;
    }
    out.push_str("<section><h2>Worth a look</h2><ul>");
    for finding in report.findings.iter().take(MAX_EFFECTS) {
        let object = finding.object.as_ref().map_or_else(String::new, |object| {
            format!("<code>{}</code> ", escape(object))
        });
        let _ = write!(out, "<li>{object}{}</li>", escape(&finding.detail));
    }
    for warning in &report.warnings {
        let _ = write!(out, "<li>{}</li>", escape(&warning.to_string()));
    }
    out.push_str("</ul></section>\n");
}

fn about(out: &mut String, report: &PlanReport) {
    let plan = &report.plan;
    let author = match &report.author {
        None => "nobody is named".to_owned(),
        Some(author) => author.person.clone().unwrap_or_else(|| author.name.clone()),
    };
    let changes = plan.changes.saturating_sub(plan.unchanged) as u64;
    let mut rows = vec![
        ("plan", plan.files.join(", ")),
        ("format", plan.format.as_str().to_owned()),
        (
            "changes",
            format!(
                "{}, {} not understood",
                count(changes, "change"),
                plan.unknown
            ),
        ),
        (
            "environment",
            format!(
                "{} ({})",
                report.environment.as_str(),
                report.environment_from
            ),
        ),
        (
            "made by",
            format!("{author}, level {}", report.author_level),
        ),
        (
            "AI involved",
            [report.involvement.as_str(), &report.tools.join(", ")].join(" "),
        ),
        ("services", report.services.join(", ")),
        ("owned by", report.owners.join(", ")),
        ("policy", report.policy.source.clone()),
        ("SHA-256", plan.sha256.clone()),
    ];
    let signed: Vec<String> = report.signoffs.iter().map(ReportSignOff::text).collect();
    rows.push(("signed", signed.join(", ")));
    let spent = report.spent.as_ref().map(ReportSpent::text);
    rows.push(("applied before", spent.unwrap_or_default()));
    rows.retain(|(_, text)| !text.is_empty());
    out.push_str("<section><h2>About</h2><dl>");
    for (label, text) in rows {
        let _ = write!(out, "<dt>{label}</dt><dd>{}</dd>", escape(text.trim()));
    }
    out.push_str("</dl></section>\n");
}
