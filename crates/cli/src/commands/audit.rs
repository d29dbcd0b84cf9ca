//! `countersign audit`: what went around the gate, and what was never reviewed.

use std::collections::BTreeSet;
use std::io::Write;
use std::sync::Arc;

use clap::Args;
use countersign_core::decide::Verdict;
use countersign_core::moment::{DURATION_HINT, parse_duration};
use countersign_core::policy::Mode;
use countersign_core::signoff::chain::Chain;
use countersign_core::signoff::content::{Artifact, Content, Merge};
use countersign_core::signoff::statement::{Outcome, Statement};
use countersign_core::signoff::verify::{
    BreakGlassReview, ReviewState, Rosters, break_glass_reviews,
};
use countersign_git::{Oid, Repo};
use jiff::Timestamp;
use serde::Serialize;

use super::RepoArgs;
use super::verify::{Target, judge_steps, print_step};
use crate::error::{CliError, CliResult, exit};
use crate::gate_record::ReportSpent;
use crate::landing::{Line, Step};
use crate::report::step::StepReport;
use crate::report::{self, count, plain, seconds};
use crate::rules::Rules;
use crate::signoffs::{repository, rosters};
use crate::style::{self, BOLD, DIM, paint};

/// Find what went around the gate, and broken glass that nobody reviewed.
///
/// Judges every step by which the protected branch advanced since adoption, by
/// the policy and people of its parent: whoever made it, with AI or without.
/// Times in commits are claims of their authors; where the gate recorded when a
/// step landed, that counts. Exits with 1 when something needs a person.
#[derive(Debug, Args)]
pub(crate) struct AuditArgs {
    /// How far back, such as `90d`; else since adoption.
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// The protected branch; else the default branch.
    #[arg(long, value_name = "BRANCH")]
    target: Option<String>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    repo: RepoArgs,
}

/// The version of the JSON form. Fields are only ever added to it.
const SCHEMA: &str = "countersign.audit/1";

#[derive(Serialize)]
struct AuditReport {
    schema: &'static str,
    target: String,
    tip: String,
    /// Steps judged.
    steps: usize,
    /// Steps that landed without what a policy in force asked for.
    bypasses: Vec<StepReport>,
    /// Steps that would have been stopped, had the policy not been in shadow mode.
    shadow: Vec<StepReport>,
    break_glass: Vec<BrokenReport>,
    /// The branch was moved to where its recorded past is not.
    rewritten: Vec<Rewritten>,
    /// Whether the gate kept a record of tips.
    recorded: bool,
    /// Commits in the chain of sign-offs that are no statements.
    foreign: usize,
    needs_someone: bool,
}

#[derive(Serialize)]
struct BrokenReport {
    statement: String,
    person: String,
    change: String,
    rules: Vec<String>,
    reason: String,
    at: String,
    review_due: String,
    /// `open`, `overdue`, `ratified`, `rejected`, or `unused`: it never landed.
    /// One for a plan is never `unused`: it may have been let through elsewhere.
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reviewed_by: Option<String>,
    /// What it was for, where that is a plan.
    #[serde(skip_serializing_if = "Option::is_none")]
    plan: Option<BrokenPlan>,
}

#[derive(Serialize)]
struct BrokenPlan {
    /// What people called it.
    name: String,
    sha256: String,
    /// Where it goes, as its signer was shown.
    target: String,
    /// When it was let through, as far as is known here.
    let_through: Option<ReportSpent>,
}

impl BrokenReport {
    /// A rejected one needs someone too: what landed should not have.
    fn needs_someone(&self) -> bool {
        matches!(self.state, "open" | "overdue" | "rejected")
    }
}

#[derive(Serialize)]
struct Rewritten {
    /// The recorded tip that is gone.
    lost: String,
    /// When it was recorded.
    at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pusher: Option<String>,
}

pub(super) fn run(args: &AuditArgs) -> CliResult {
    let repo = args.repo.open()?;
    let now = Timestamp::now();
    let since = since(args.since.as_deref(), now)?;
    let target = Target::find(&repo, args.target.as_deref())?;
    let chain = Arc::new(repo.signoffs()?);
    let line = Line::new(&repo, &target.name, &target.tip, &chain)?;
    let oids = repo.first_parent_line(&target.tip)?;
    let steps = steps_since(&repo, &line, &oids, since, now)?;
    let (judged, _) = judge_steps(&repo, &line, &oids, &steps, now)?;
    let steps = judged.len();
    let (mut bypasses, mut shadow) = (Vec::new(), Vec::new());
    for step in judged.into_iter().filter(|step| !step.is_satisfied()) {
        match step.mode {
            Mode::Enforce => bypasses.push(step),
            Mode::Shadow => shadow.push(step),
        }
    }
    let rewritten = rewritten(&repo, &line, &oids)?;
    let break_glass = broken(&repo, &chain, &target, since, now)?;
    let report = AuditReport {
        schema: SCHEMA,
        target: target.name.clone(),
        tip: target.tip.to_string(),
        steps,
        needs_someone: !bypasses.is_empty()
            || !rewritten.is_empty()
            || break_glass.iter().any(BrokenReport::needs_someone),
        bypasses,
        shadow,
        break_glass,
        rewritten,
        recorded: !line.advances().is_empty(),
        foreign: chain.problems().len(),
    };
    let mut out = anstream::stdout().lock();
    if args.json {
        out.write_all(report::json(&report)?.as_bytes())?;
    } else {
        human(&mut out, &report, target.short())?;
    }
    Ok(if report.needs_someone {
        exit::HOLD
    } else {
        exit::ALLOW
    })
}

fn since(text: Option<&str>, now: Timestamp) -> CliResult<Option<Timestamp>> {
    let Some(text) = text else { return Ok(None) };
    let lasts = parse_duration(text)
        .map_err(|message| CliError::new(exit::USAGE, message).hint(DURATION_HINT))?;
    Ok(now.checked_sub(lasts).ok())
}

/// The steps from the first that landed since a time. What follows it belongs to
/// them whatever its commits claim: a date set back must not hide a step.
fn steps_since(
    repo: &Repo,
    line: &Line<'_>,
    oids: &[Oid],
    since: Option<Timestamp>,
    now: Timestamp,
) -> CliResult<Vec<Step>> {
    let Some(adopted) = adoption(repo, oids)? else {
        return Ok(Vec::new());
    };
    let (Some(old), Some(new)) = (oids.get(adopted), oids.last()) else {
        return Ok(Vec::new());
    };
    let mut steps = line.steps(old, new, line.pushed_together(oids))?;
    if let Some(since) = since {
        let first = steps
            .iter()
            .position(|step| line.when(step, oids, now).at >= since);
        steps.drain(..first.unwrap_or(steps.len()));
    }
    Ok(steps)
}

/// The first state of the branch that had a policy.
fn adoption(repo: &Repo, oids: &[Oid]) -> CliResult<Option<usize>> {
    let Some(tip) = oids.last() else {
        return Ok(None);
    };
    let first = repo.first_with(tip, crate::rules::POLICY)?;
    Ok(first.and_then(|first| oids.iter().position(|it| *it == first)))
}

/// Recorded tips that the branch no longer has.
fn rewritten(repo: &Repo, line: &Line<'_>, oids: &[Oid]) -> CliResult<Vec<Rewritten>> {
    let states: BTreeSet<&Oid> = oids.iter().collect();
    let mut lost: Vec<Rewritten> = Vec::new();
    for advance in line.advances() {
        let Some(new) = &advance.new else { continue };
        // The record keeps the tip, but a clone may not have fetched it.
        let is_here = || repo.resolve(new.as_str()).is_ok();
        if states.contains(new) {
            continue;
        }
        if let Some(tip) = oids.last()
            && is_here()
            && repo.is_ancestor(new, tip)?
        {
            continue;
        }
        lost.push(Rewritten {
            lost: new.to_string(),
            at: Timestamp::from_second(advance.at)
                .map(|at| at.to_string())
                .unwrap_or_default(),
            pusher: advance.pusher.clone(),
        });
    }
    Ok(lost)
}

fn broken(
    repo: &Repo,
    chain: &Chain,
    target: &Target,
    since: Option<Timestamp>,
    now: Timestamp,
) -> CliResult<Vec<BrokenReport>> {
    let rules = Rules::at(repo, Some(&target.tip))?;
    let (_, known) = rosters(repo, &target.tip)?;
    let name = repository(repo, &target.tip)?;
    let rosters = Rosters {
        now: &rules.roster,
        known: &known,
    };
    let level = rules.policy.settings.break_glass.level;
    let mut reports = Vec::new();
    for review in break_glass_reviews(chain, rosters, level, now) {
        let entry = chain
            .entries()
            .iter()
            .find(|entry| entry.statement_id == review.statement);
        let Some(Statement::SignOff(signoff)) = entry.map(|entry| &entry.statement) else {
            continue;
        };
        if since.is_some_and(|since| review.at < since) {
            continue;
        }
        let about = &signoff.about;
        let (plan, used) = match &about.content {
            Content::Plan(plan) if about.repository == name => {
                (Some(broken_plan(repo, plan, &about.target)?), true)
            }
            Content::Merge(merge) if about.target == target.name => {
                (None, has_landed(repo, merge, &target.tip)?)
            }
            _ => continue,
        };
        reports.push(report_of(review, plan, used));
    }
    Ok(reports)
}

fn broken_plan(repo: &Repo, plan: &Artifact, target: &str) -> CliResult<BrokenPlan> {
    Ok(BrokenPlan {
        name: plan.name.clone(),
        sha256: plan.sha256.to_string(),
        target: target.to_owned(),
        let_through: repo.spent(&plan.sha256)?.as_ref().map(ReportSpent::of),
    })
}

/// Whether the very commits that a break-glass was for are on the branch.
fn has_landed(repo: &Repo, merge: &Merge, tip: &Oid) -> CliResult<bool> {
    let head = Oid::new(merge.head.commit.as_str());
    match head.filter(|head| repo.resolve(head.as_str()).is_ok()) {
        Some(head) => Ok(repo.is_ancestor(&head, tip)?),
        None => Ok(false),
    }
}

/// `used`: it let something through, or may have.
fn report_of(review: BreakGlassReview, plan: Option<BrokenPlan>, used: bool) -> BrokenReport {
    let (state, reviewed_by) = match review.state {
        ReviewState::Reviewed { by, outcome, .. } => match outcome {
            Outcome::Ratified => ("ratified", Some(by)),
            Outcome::Rejected => ("rejected", Some(by)),
        },
        _ if !used => ("unused", None),
        ReviewState::Open => ("open", None),
        ReviewState::Overdue => ("overdue", None),
    };
    BrokenReport {
        statement: review.statement.to_string(),
        person: review.person,
        change: review.change,
        rules: review.terms.rules,
        reason: review.terms.reason,
        at: review.at.to_string(),
        review_due: review.terms.review_due.to_string(),
        state,
        reviewed_by,
        plan,
    }
}

fn human(out: &mut impl Write, report: &AuditReport, target: &str) -> CliResult<()> {
    let steps = count(report.steps as u64, "step");
    let open: Vec<&BrokenReport> = report
        .break_glass
        .iter()
        .filter(|it| it.needs_someone())
        .collect();
    if report.needs_someone {
        let mut found = Vec::new();
        for (n, noun, plural) in [
            (report.bypasses.len(), "bypass", "bypasses"),
            (
                open.len(),
                "break-glass to review",
                "break-glasses to review",
            ),
            (report.rewritten.len(), "tip lost", "tips lost"),
        ] {
            match n {
                0 => {}
                1 => found.push(format!("1 {noun}")),
                n => found.push(format!("{n} {plural}")),
            }
        }
        let word = paint(style::verdict(Verdict::Hold), "NEEDS SOMEONE");
        writeln!(out, "{word}  {target}: {} in {steps}", found.join(", "))?;
    } else {
        let word = paint(style::verdict(Verdict::Allow), "CLEAN");
        writeln!(
            out,
            "{word}  {target}: {steps}, nothing went around the gate"
        )?;
    }
    if !report.recorded {
        let note = "no record of a gate is here (`countersign signoffs fetch` brings one); times are claims of the commits";
        writeln!(out, "  {}", paint(DIM, note))?;
    }
    for step in &report.bypasses {
        print_step(out, step)?;
    }
    for it in &open {
        print_broken(out, it)?;
    }
    for it in &report.rewritten {
        let pusher = it
            .pusher
            .as_ref()
            .map_or_else(String::new, |pusher| format!(" by {}", plain(pusher)));
        let lost = it.lost.get(..7).unwrap_or(&it.lost);
        writeln!(
            out,
            "\n  {} {}  landed at {}{pusher} and is not on {target} any more",
            paint(style::verdict(Verdict::Refuse), "✗"),
            paint(BOLD, lost),
            seconds(&it.at)
        )?;
    }
    if !report.shadow.is_empty() {
        let n = count(report.shadow.len() as u64, "step");
        writeln!(
            out,
            "\n  {}",
            paint(
                DIM,
                format!("{n} in shadow mode would have been held (see --json)")
            )
        )?;
    }
    if report.foreign > 0 {
        let n = count(report.foreign as u64, "commit");
        writeln!(
            out,
            "\n  {}",
            paint(
                DIM,
                format!("{n} among the sign-offs are no statements: countersign signoffs list")
            )
        )?;
    }
    Ok(())
}

fn print_broken(out: &mut impl Write, it: &BrokenReport) -> CliResult<()> {
    let statement = it.statement.get(..12).unwrap_or(&it.statement);
    writeln!(
        out,
        "\n  {} {}  glass broken by {} for {}",
        paint(style::verdict(Verdict::Hold), "!"),
        paint(BOLD, statement),
        it.person,
        plain(it.plan.as_ref().map_or(&it.change, |plan| &plan.name))
    )?;
    writeln!(
        out,
        "    {} at {}: {}",
        it.rules.join(", "),
        seconds(&it.at),
        plain(&it.reason)
    )?;
    if let Some(plan) = &it.plan {
        let place = plan.target.trim_start_matches("environment:");
        let when = match &plan.let_through {
            Some(before) => format!("let through {}", before.text()),
            None => format!("for {place}; not let through as far as this clone knows"),
        };
        writeln!(out, "    {}", plain(&when))?;
    }
    match (it.state, &it.reviewed_by) {
        ("rejected", Some(by)) if it.plan.is_some() => {
            writeln!(out, "    rejected by {by}: what it did has to be undone")?;
        }
        ("rejected", Some(by)) => writeln!(out, "    rejected by {by}: what landed has to go")?,
        ("overdue", _) => writeln!(out, "    review was due {}", seconds(&it.review_due))?,
        _ => writeln!(out, "    review due {}", seconds(&it.review_due))?,
    }
    if it.state != "rejected" {
        writeln!(
            out,
            "\n  {}   {}",
            paint(BOLD, format!("countersign ratify {statement} -m TEXT")),
            paint(DIM, "for someone who took no part")
        )?;
    }
    Ok(())
}
