//! For a person at a terminal: the verdict first, then why, who, and what next.

use std::fmt::Write as _;

use countersign_core::decide::{
    ExplainedBroken, ExplainedRequirement, ExplainedRule, Explanation, Verdict,
};
use countersign_core::involvement::{Claim as AiClaim, Evidence};
use countersign_core::policy::Mode;
use countersign_core::problem::Problem;
use countersign_core::radius::{Claim, Impact};
use countersign_core::usage::{Maturity, Why};
use countersign_effects::summary;

use super::{CheckReport, ReportSignOff, count, packages, reach};
use crate::collect::SeenUse;
use crate::style::{self, BOLD, DIM, paint};

/// Evidence lines shown before the rest is counted.
const MAX_EVIDENCE: usize = 8;

/// The answer for a terminal. Colour codes are always in it; the caller's
/// stream drops them where they do not belong.
pub(crate) fn human(report: &CheckReport) -> String {
    let mut out = String::new();
    headline(&mut out, report.verdict, &report.summary, report.mode);
    change(&mut out, report);
    involvement(&mut out, report);
    for rule in &report.decision.rules {
        explain_rule(&mut out, rule);
    }
    signed(&mut out, &report.signoffs);
    self_review(&mut out, report);
    others(&mut out, &report.decision, &report.warnings);
    signers(&mut out, &report.decision);
    next(&mut out, &report.next);
    out
}

/// The verdict and its reasons, for someone whose push waits for them.
pub(crate) fn brief(report: &CheckReport) -> String {
    let mut out = String::new();
    headline(&mut out, report.verdict, &report.summary, report.mode);
    let size = count(report.range.commits as u64, "commit");
    row(
        &mut out,
        "change",
        &format!("{}  {size}", report.range.text),
    );
    let people = report.authors.iter().filter(|author| author.is_person);
    let people: Vec<String> = people
        .map(|author| {
            let parts: Vec<&str> = author.parts.iter().copied().collect();
            let who = author.person.as_ref().unwrap_or(&author.email);
            format!("{who} ({})", parts.join(", "))
        })
        .collect();
    row(&mut out, "made by", &people.join(", "));
    row(&mut out, "AI involved", report.involvement.verdict.as_str());
    for rule in report.decision.rules.iter().filter(|rule| !rule.met) {
        explain_rule(&mut out, rule);
    }
    signed(&mut out, &report.signoffs);
    self_review(&mut out, report);
    others(&mut out, &report.decision, &[]);
    signers(&mut out, &report.decision);
    out
}

/// The commands that lead on from here, and why.
pub(super) fn next(out: &mut String, commands: &[String]) {
    if !commands.is_empty() {
        let _ = writeln!(out);
    }
    for command in commands {
        let why = match command.as_str() {
            "countersign init" => "adopt Countersign here: writes policy and roster to edit",
            command if command.starts_with("countersign sign ") => "for someone who can sign",
            command if command.starts_with("countersign declare ") => "for an author, first",
            command if command.starts_with("countersign usage ") => "for whoever answers for it",
            _ => "find the rules that nobody can satisfy",
        };
        let _ = writeln!(out, "  {}   {}", paint(BOLD, command), paint(DIM, why));
    }
}

pub(super) fn headline(out: &mut String, verdict: Verdict, summary: &str, mode: Mode) {
    let word = match verdict {
        Verdict::Allow => "ALLOW",
        Verdict::Hold => "HOLD",
        Verdict::Refuse => "REFUSE",
    };
    let verdict = paint(style::verdict(verdict), word);
    let shadow = match mode {
        Mode::Shadow => paint(DIM, "  [shadow: nothing is stopped]"),
        Mode::Enforce => String::new(),
    };
    let _ = writeln!(out, "{verdict}  {summary}{shadow}\n");
}

pub(super) fn row(out: &mut String, label: &str, text: &str) {
    let _ = writeln!(out, "  {}{text}", paint(DIM, format!("{label:<13}")));
}

fn change(out: &mut String, report: &CheckReport) {
    let commits = count(report.range.commits as u64, "commit");
    let size = format!(
        "{commits}, {}, {}",
        count(report.change.files, "file"),
        count(report.change.lines, "line")
    );
    row(
        out,
        "change",
        &format!("{}  {}", paint(BOLD, &report.range.text), paint(DIM, size)),
    );
    let people: Vec<String> = report
        .authors
        .iter()
        .filter(|author| author.is_person)
        .map(|author| match (&author.person, &author.level) {
            (Some(id), Some(level)) => format!("{id} ({level})"),
            _ => format!("{} <{}> (not on the roster)", author.name, author.email),
        })
        .collect();
    let people = match people.as_slice() {
        [] => "nobody is named, so the lowest level counts".to_owned(),
        people if people.len() <= 4 => people.join(", "),
        people => {
            let (shown, rest) = people.split_at(3);
            format!("{} and {} more", shown.join(", "), rest.len())
        }
    };
    row(
        out,
        "made by",
        &format!(
            "{people}  {}",
            paint(DIM, format!("level {}", report.author_level))
        ),
    );
    if !report.change.services.is_empty() {
        let tier = report
            .change
            .tier
            .map_or_else(String::new, |tier| format!("  tier {tier}"));
        row(
            out,
            "services",
            &format!("{}{}", report.change.services.join(", "), paint(DIM, tier)),
        );
    }
    if !report.change.owners.is_empty() {
        row(out, "owned by", &report.change.owners.join(", "));
    }
    for (at, lock) in report.change.locks.iter().take(MAX_EVIDENCE).enumerate() {
        row(out, if at == 0 { "packages" } else { "" }, &packages(lock));
    }
    applied(out, report);
    reached(out, report);
}

/// What the plans and migrations in it would do.
fn applied(out: &mut String, report: &CheckReport) {
    let change = &report.change;
    let sentences = summary::sentences(&change.effects);
    let unread = change.unread.iter().map(|why| format!("not read: {why}"));
    let lines: Vec<String> = sentences.into_iter().chain(unread).collect();
    for (at, line) in lines.iter().take(MAX_EVIDENCE).enumerate() {
        row(out, if at == 0 { "applied, it" } else { "" }, line);
    }
    if lines.len() > MAX_EVIDENCE {
        let more = lines.len() - MAX_EVIDENCE;
        row(
            out,
            "",
            &paint(DIM, format!("and {more} more (see --json)")),
        );
    }
}

/// How far it reaches beyond what it touches, with one path as a witness.
fn reached(out: &mut String, report: &CheckReport) {
    let Some(radius) = &report.change.radius else {
        return;
    };
    let claims = radius.functions.iter().chain(&radius.services);
    let beyond = |claim: &&Claim| claim.impact > Impact::Possible && claim.path.len() > 1;
    let Some(claim) = claims.clone().find(beyond) else {
        return;
    };
    let services = count(u64::from(radius.facts.services.likely), "service");
    let sentence = reach::sentence(radius, &report.change.reach).unwrap_or_default();
    let text = if sentence.starts_with("reaches") {
        sentence
    } else {
        format!("{services}; {sentence}")
    };
    row(out, "reaches", text.trim_start_matches("reaches "));
    row(out, "", &paint(DIM, reach::path(claim)));
}

/// A pattern, what it counts as, and why.
fn use_text(it: &SeenUse) -> String {
    let entry = it.entry.as_deref().unwrap_or_default();
    let why = match &it.why {
        Why::Registered => format!("as `{entry}` says"),
        Why::Unregistered => "no entry of usage.toml covers it".to_owned(),
        Why::Expired(at) => format!("`{entry}` expired on {}", at.strftime("%Y-%m-%d")),
        Why::Missing(missing) => format!("`{entry}` lacks: {}", missing.join(", ")),
        Why::OverCap { changes, most } => {
            format!("change {changes} in seven days; `{entry}` allows {most}")
        }
    };
    let counts = format!("{}: {why}", it.maturity.as_str());
    format!("{}  {}", it.pattern, paint(DIM, counts))
}

fn involvement(out: &mut String, report: &CheckReport) {
    let ai = &report.involvement;
    let mut text = paint(style::involvement(ai.verdict), ai.verdict.as_str());
    if !ai.roles.is_empty() {
        let roles: Vec<&str> = ai.roles.iter().map(|role| role.as_str()).collect();
        let _ = write!(text, " ({})", roles.join(", "));
    }
    if !ai.tools.is_empty() {
        let _ = write!(text, "  {}", ai.tools.join(", "));
    }
    row(out, "AI involved", &text);
    // Without a registry of one's own everything is novel, which says nothing.
    let adopted = report.policy.from.is_some();
    let novel = |it: &&SeenUse| adopted && it.maturity >= Maturity::Novel;
    let novel = ai.uses.iter().filter(novel);
    for (at, it) in novel.take(MAX_EVIDENCE).enumerate() {
        let label = if at == 0 { "usage" } else { "" };
        row(out, label, &use_text(it));
    }
    let lines = &ai.lines;
    if lines.total() > 0 {
        let text = format!(
            "{} AI-assisted, {} unknown, {} human",
            lines.yes, lines.unknown, lines.no
        );
        row(out, "lines", &text);
    }
    if ai.conflict {
        row(
            out,
            "",
            "the evidence disagrees; what an agent recorded wins over a claim of none",
        );
    }
    if ai.suppressed {
        row(
            out,
            "",
            "AI markers are suppressed here, so their absence says even less",
        );
    }
    for (at, evidence) in ai.evidence.iter().take(MAX_EVIDENCE).enumerate() {
        row(
            out,
            if at == 0 { "evidence" } else { "" },
            &evidence_text(evidence),
        );
    }
    if ai.evidence.len() > MAX_EVIDENCE {
        let more = ai.evidence.len() - MAX_EVIDENCE;
        row(
            out,
            "",
            &paint(DIM, format!("and {more} more (see --json)")),
        );
    }
}

fn evidence_text(evidence: &Evidence) -> String {
    let claim = claim_text(&evidence.claim);
    let commit = evidence
        .commit
        .as_deref()
        .and_then(|id| id.get(..7))
        .map_or_else(String::new, |id| format!("{id} "));
    let place = paint(DIM, format!("{commit}{}", evidence.channel.as_str()));
    format!("{claim}  {place}  {}", evidence.witness)
}

/// What a piece of evidence claims, in words.
pub(super) fn claim_text(claim: &AiClaim) -> &'static str {
    match claim {
        AiClaim::Ai { strength, .. } => strength.as_str(),
        AiClaim::Human { trusted: true } => "human",
        AiClaim::Human { trusted: false } => "human (unsigned, so it does not count)",
        AiClaim::Suppressed => "suppressed",
    }
}

pub(super) fn explain_rule(out: &mut String, rule: &ExplainedRule) {
    let (mark, style) = if rule.is_lifted() {
        ("!", style::verdict(Verdict::Hold))
    } else if rule.met {
        ("✓", style::verdict(Verdict::Allow))
    } else if rule.refuses {
        ("✗", style::verdict(Verdict::Refuse))
    } else {
        ("•", style::verdict(Verdict::Hold))
    };
    let _ = writeln!(
        out,
        "\n  {} {}  {}",
        paint(style, mark),
        paint(BOLD, &rule.id),
        rule.why
    );
    if !rule.because.is_empty() {
        let _ = writeln!(
            out,
            "    {}",
            paint(DIM, format!("because {}", rule.because.join("; ")))
        );
    }
    for assumed in &rule.assumed {
        let _ = writeln!(
            out,
            "    {}",
            paint(DIM, format!("not known, so assumed: {assumed}"))
        );
    }
    if rule.refuses && !rule.is_lifted() {
        let _ = writeln!(out, "    this cannot go ahead, whoever signs");
    }
    for requirement in &rule.requirements {
        let _ = writeln!(out, "    {}", requirement_text(requirement));
    }
    if let Some(broken) = &rule.broken {
        let _ = writeln!(out, "    {}", broken_text(broken));
    }
}

/// Who broke a rule, and what that does.
pub(super) fn broken_text(broken: &ExplainedBroken) -> String {
    let by = broken.by.join(" and ");
    if broken.holds {
        return format!(
            "overridden by break-glass of {by}, review due {}",
            broken.review_due
        );
    }
    let more = broken.needed.saturating_sub(broken.by.len());
    format!(
        "broken by {by}, and {} needed for that",
        match more {
            1 => "another person is".to_owned(),
            more => format!("{more} more persons are"),
        }
    )
}

/// A requirement and how it stands, in one line.
pub(super) fn requirement_text(requirement: &ExplainedRequirement) -> String {
    let state = if let Some(blocked) = &requirement.blocked {
        blocked.clone()
    } else if let Some(until) = &requirement.waits_until {
        format!("not before {until}")
    } else if requirement.signed_by.is_empty() {
        "nobody yet".to_owned()
    } else {
        format!("signed by {}", requirement.signed_by.join(", "))
    };
    let carried = if requirement.carried.is_empty() {
        String::new()
    } else {
        let who = requirement.carried.join(", ");
        format!("; {who} signed other commits with this content, and has to sign these")
    };
    format!("needs {}: {state}{carried}", requirement.text)
}

/// Signed statements that count.
pub(super) fn signed(out: &mut String, signoffs: &[ReportSignOff]) {
    for signoff in signoffs {
        let kept = signoff
            .kept
            .as_ref()
            .map_or_else(String::new, |kept| format!(", {kept}"));
        let message = signoff
            .message
            .as_ref()
            .map_or_else(String::new, |m| format!(": {m}"));
        let said = match signoff.said {
            "veto" => "vetoed by",
            "break-glass" => "glass broken by",
            _ => "approved by",
        };
        // What helps stands out; what does not says why.
        let _ = match &signoff.meets_nothing {
            None => writeln!(
                out,
                "\n  {said} {}{kept}{message}",
                paint(BOLD, &signoff.person)
            ),
            Some(because) => writeln!(
                out,
                "\n  {}{message}",
                paint(DIM, idle_text(&signoff.person, because))
            ),
        };
        for it in &signoff.answers {
            let _ = writeln!(out, "    {} {}", paint(DIM, &it.question), it.answer);
        }
    }
}

/// An approval that meets no requirement.
pub(super) fn idle_text(person: &str, because: &str) -> String {
    format!("approve of {person} meets no requirement: {because}")
}

/// The self-review that has to come before anyone else is asked.
fn self_review(out: &mut String, report: &CheckReport) {
    if let Some(person) = &report.self_reviewed_by {
        let _ = writeln!(out, "\n  reviewed first by {}", paint(BOLD, person));
    }
    let Some(asked) = &report.decision.self_review else {
        return;
    };
    let by = match asked.by.as_slice() {
        [] => "someone on the roster".to_owned(),
        names if names.len() > 4 => "someone on the roster who vouches for it".to_owned(),
        names => names.join(" or "),
    };
    let _ = writeln!(out, "\n  first         self-review by {}", paint(BOLD, by));
    for item in &asked.items {
        let _ = writeln!(out, "                - {item}");
    }
}

/// Statements that do not count, and warnings about files.
pub(super) fn others(out: &mut String, decision: &Explanation, warnings: &[Problem]) {
    for ignored in &decision.ignored {
        let _ = writeln!(
            out,
            "\n  {} of {} does not count: {}",
            ignored.said, ignored.person, ignored.because
        );
    }
    for warning in warnings {
        let _ = writeln!(out, "\n  warning: {warning}");
    }
}

pub(super) fn signers(out: &mut String, decision: &Explanation) {
    if let Some(first) = decision.identify.first() {
        let more = match decision.identify.len() {
            1 => String::new(),
            n => format!(" and {} more", n - 1),
        };
        let _ = writeln!(
            out,
            "\n  first         identify {}{more}: not on the roster, so a lone sign-off could be \
             theirs\n  {:<14}(add them to people.toml, or let a second person sign too)",
            paint(BOLD, first),
            ""
        );
    }
    let acts = &decision.way_forward;
    for (at, act) in acts.iter().enumerate() {
        let label = match (at, acts.len()) {
            (0, 1) => "\n  can sign      ".to_owned(),
            (0, _) => "\n  can sign   1  ".to_owned(),
            (at, _) => format!("  and        {}  ", at + 1),
        };
        let names = match act.candidates.as_slice() {
            names if names.len() <= 5 => names.join(", "),
            names => {
                let shown = names.get(..4).unwrap_or(names);
                format!(
                    "{} and {} more",
                    shown.join(", "),
                    names.len() - shown.len()
                )
            }
        };
        let _ = writeln!(out, "{}{}", label, paint(BOLD, names));
    }
}
