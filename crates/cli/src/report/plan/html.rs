//! A page that stands alone: no scripts, nothing from a network, light and
//! dark, and fit to print.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use countersign_core::catalog::{Catalog, Mark, Node, draw_reached};
use countersign_core::decide::{ExplainedRule, Verdict};
use countersign_core::effect::Effect;
use countersign_core::policy::Mode;
use countersign_core::radius::{Claim, Impact, Radius};

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
    let mut out = String::new();
    let (word, class) = match report.verdict {
        Verdict::Allow => ("Allow", "allow"),
        Verdict::Hold => ("Hold", "hold"),
        Verdict::Refuse => ("Refuse", "refuse"),
    };
    let title = escape(&format!("{word}: {}", report.plan.files.join(", ")));
    // Writing to a string cannot fail.
    let _ = write!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n\
         <header class=\"verdict {class}\"><p class=\"word\">{word}</p><h1>{}</h1>{}</header>\n",
        escape(&report.summary),
        match report.mode {
            Mode::Shadow => "<p>Shadow mode: nothing is stopped.</p>",
            Mode::Enforce => "",
        }
    );
    lead(&mut out, report);
    if let (Some(radius), Some(catalog)) = (&report.radius, catalog) {
        drawing(&mut out, radius, catalog);
    }
    stages(&mut out, report);
    rules(&mut out, report);
    effects(&mut out, report);
    notes(&mut out, report);
    about(&mut out, report);
    out.push_str("</main>\n</body>\n</html>\n");
    out
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

fn notes(out: &mut String, report: &PlanReport) {
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

/// Makes text that came from outside harmless in HTML.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c if c.is_control() => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

const STYLE: &str = "\
:root{color-scheme:light dark;--page:#fff;--ink:#1b1f24;--faint:#57606a;--line:#d8dee4;--card:#f6f8fa;--allow:#1a7f37;--hold:#9a6700;--refuse:#c0292b}\
@media(prefers-color-scheme:dark){:root{--page:#14181d;--ink:#eef1f4;--faint:#a5afb9;--line:#343c45;--card:#1d232a;--allow:#57c271;--hold:#e3b341;--refuse:#ff7b72}}\
*{box-sizing:border-box}body{margin:0;background:var(--page);color:var(--ink);font:16px/1.5 system-ui,sans-serif}\
main{max-width:62rem;margin:0 auto;padding:1.5rem 1.25rem 4rem}\
.verdict{border-left:.5rem solid;border-radius:.4rem;background:var(--card);padding:1rem 1.25rem}\
.verdict .word{margin:0;font-weight:700;letter-spacing:.08em;text-transform:uppercase}.verdict h1{margin:.1rem 0 0;font-size:1.5rem;line-height:1.25;color:var(--ink)}\
.verdict p{margin:.25rem 0 0}.allow{border-color:var(--allow)}.hold{border-color:var(--hold)}.refuse{border-color:var(--refuse)}\
.allow .word{color:var(--allow)}.hold .word{color:var(--hold)}.refuse .word{color:var(--refuse)}\
section{margin-top:2rem}h2{font-size:1.1rem;margin:0 0 .6rem}h3{font-size:1rem;margin:0}small{font-weight:400;color:var(--faint)}\
ul{margin:0;padding-left:1.2rem}.lead{font-size:1.15rem;padding:0;list-style:none}.lead li{padding:.15rem 0}.lead li:first-child{font-weight:600}\
.soft{color:var(--faint)}figure{margin:0 0 1rem;overflow-x:auto;border:1px solid var(--line);border-radius:.4rem}figure svg{display:block;margin:0 auto;max-width:100%;height:auto}\
.rule{border-left:.25rem solid var(--hold);padding:.1rem 0 .1rem .9rem;margin:.8rem 0}.rule.met{border-color:var(--allow)}.rule.refused{border-color:var(--refuse)}.rule p{margin:.15rem 0}\
.sign{margin:.6rem 0;font-weight:600}.sign span{font-weight:400;color:var(--faint)}\
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:.92rem}th{text-align:left;font-weight:600}th,td{padding:.35rem .8rem .35rem 0;border-bottom:1px solid var(--line);vertical-align:top}\
td:nth-child(2){min-width:15rem}.stake td:first-child{color:var(--refuse);font-weight:700}code{font:.9em ui-monospace,monospace;overflow-wrap:anywhere}\
.stages{padding:0;list-style:none}.stages li{margin:.5rem 0}.stages span{color:var(--faint)}.bar{position:relative;display:block;height:.6rem;margin-top:.2rem;border-radius:.3rem;background:var(--line);overflow:hidden}\
.bar i{position:absolute;inset:0 auto 0 0;border-radius:.3rem}.bar .most{background:var(--hold);opacity:.35}.bar .likely{background:var(--refuse)}\
dl{display:grid;grid-template-columns:max-content 1fr;gap:.25rem 1.25rem;margin:0}dt{color:var(--faint)}dd{margin:0;overflow-wrap:anywhere}\
@media(max-width:36rem){dl{grid-template-columns:1fr;gap:0}dd{margin-bottom:.5rem}}\
@media print{main{max-width:none;padding:0}section,article,tr{break-inside:avoid}.verdict{border:1px solid;border-left-width:.5rem}}";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outside_text_cannot_break_out() {
        assert_eq!(
            escape("<b a='1' c=\"2\">&\u{1b}"),
            "&lt;b a=&#39;1&#39; c=&quot;2&quot;&gt;&amp;\u{fffd}"
        );
    }
}
