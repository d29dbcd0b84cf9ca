//! `countersign verify`: prove from the repository alone that what landed is
//! what was signed.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use countersign_core::decide::Verdict;
use countersign_git::{Oid, Repo};
use jiff::Timestamp;
use serde::Serialize;

use super::RepoArgs;
use crate::error::{CliError, CliResult, exit};
use crate::landing::{Line, Step};
use crate::parallel::in_parallel;
use crate::report::step::StepReport;
use crate::report::{self, count};
use crate::rules::Rules;
use crate::style::{self, BOLD, DIM, paint};
use crate::{signoffs, vsa};

/// Prove, offline and from the repository alone, that what landed is what was
/// signed.
///
/// Every step of the protected branch is explained by signed content (merge,
/// squash, rebase, fast-forward, several at once from a queue) and judged by the
/// policy and people of its parent. Exits with 1 when a step lacks something,
/// with 2 when its policy refused it.
#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// A commit that landed, or `OLD..NEW` on the protected branch.
    rev: String,
    /// The protected branch; else the default branch.
    #[arg(long, value_name = "BRANCH")]
    target: Option<String>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// Write a SLSA source verification summary here.
    #[arg(long, value_name = "FILE")]
    vsa: Option<PathBuf>,
    /// Sign the summary with this SSH key (DSSE, namespace `vsa@countersign.dev`).
    #[arg(long, value_name = "FILE", requires = "vsa")]
    key: Option<PathBuf>,
    /// What the summary calls the repository; else from the remote `origin`.
    #[arg(long, value_name = "URI", requires = "vsa")]
    resource_uri: Option<String>,
    #[command(flatten)]
    repo: RepoArgs,
}

/// The version of the JSON form. Fields are only ever added to it.
const SCHEMA: &str = "countersign.verify/1";

#[derive(Serialize)]
struct VerifyReport {
    schema: &'static str,
    /// `verified`, `failed`, or `not-adopted` when no policy judged anything.
    outcome: &'static str,
    target: String,
    old: String,
    new: String,
    /// Steps before a policy existed in their parent; not judged.
    before_adoption: usize,
    steps: Vec<StepReport>,
    /// What a summary may claim of these steps.
    levels: Vec<&'static str>,
}

/// A protected branch by name: what statements call it, and its tip here.
pub(super) struct Target {
    /// Full name of the ref on the server.
    pub(super) name: String,
    pub(super) tip: Oid,
}

impl Target {
    pub(super) fn find(repo: &Repo, named: Option<&str>) -> CliResult<Self> {
        let rev = match named {
            Some(name) => name.to_owned(),
            None => repo.default_branch()?.ok_or_else(|| {
                CliError::new(exit::NOT_FOUND, "there is no default branch")
                    .hint("name the protected branch with `--target`")
            })?,
        };
        let short = repo.branch_name(&rev)?.ok_or_else(|| {
            CliError::new(exit::NOT_FOUND, format!("`{rev}` is not a branch here"))
                .hint("name the protected branch with `--target`")
        })?;
        Ok(Self {
            name: format!("refs/heads/{short}"),
            tip: repo.resolve(&rev)?,
        })
    }

    /// Its name as people say it.
    pub(super) fn short(&self) -> &str {
        self.name.strip_prefix("refs/heads/").unwrap_or(&self.name)
    }
}

/// Judges steps by the rules of their parents. Steps from before adoption are
/// counted only.
pub(super) fn judge_steps(
    repo: &Repo,
    line: &Line<'_>,
    oids: &[Oid],
    steps: &[Step],
    now: Timestamp,
) -> CliResult<(Vec<StepReport>, usize)> {
    let one = |step: &Step| -> CliResult<Option<StepReport>> {
        let rules = Rules::at(repo, Some(&step.parent))?;
        if !rules.adopted {
            return Ok(None);
        }
        let when = line.when(step, oids, now);
        let spent = line.left_before(step, oids);
        let judged = line.judge(step, &rules, when.at, &[], spent)?;
        let pusher = line.pusher(step, oids);
        Ok(Some(StepReport::new(step, &judged, &rules, when, pusher)))
    };
    let judged = in_parallel(steps, "steps", one)?;
    let before = judged.iter().filter(|it| it.is_none()).count();
    Ok((judged.into_iter().flatten().collect(), before))
}

pub(super) fn run(args: &VerifyArgs) -> CliResult {
    let repo = args.repo.open()?;
    let target = Target::find(&repo, args.target.as_deref())?;
    let chain = Arc::new(repo.signoffs()?);
    let line = Line::new(&repo, &target.name, &target.tip, &chain)?;
    let now = Timestamp::now();
    let (old, new, oids, steps) = match args.rev.split_once("..") {
        Some((old, new)) => {
            let new = if new.is_empty() { "HEAD" } else { new };
            let (old, new) = (repo.resolve(old)?, repo.resolve(new)?);
            let oids = repo.first_parent_line(&new)?;
            let steps = line.steps(&old, &new, line.pushed_together(&oids))?;
            (old, new, oids, steps)
        }
        None => {
            let oids = repo.first_parent_line(&target.tip)?;
            let place = landed_at(&repo, &oids, &args.rev, target.short())?;
            let step = step_at(&line, &oids, place)?;
            (
                step.parent.clone(),
                step.commit.id.clone(),
                oids,
                vec![step],
            )
        }
    };
    let (steps, before_adoption) = judge_steps(&repo, &line, &oids, &steps, now)?;
    let failed = steps.iter().any(StepReport::is_bypass);
    let report = VerifyReport {
        schema: SCHEMA,
        outcome: match (failed, steps.is_empty()) {
            (true, _) => "failed",
            (false, true) => "not-adopted",
            (false, false) => "verified",
        },
        target: target.name.clone(),
        old: old.to_string(),
        new: new.to_string(),
        before_adoption,
        levels: if failed {
            Vec::new()
        } else {
            vsa::levels(&steps)
        },
        steps,
    };
    let mut out = anstream::stdout().lock();
    if args.json {
        out.write_all(report::json(&report)?.as_bytes())?;
    } else {
        human(&mut out, &report, target.short())?;
    }
    if let Some(file) = &args.vsa {
        let commit = repo.commit(&new)?;
        let resource = match &args.resource_uri {
            Some(uri) => uri.clone(),
            None => vsa::resource(&repo, &signoffs::repository(&repo, &new)?)?,
        };
        let verified = vsa::Verified {
            commit: new.as_str(),
            tree: commit.tree.as_str(),
            target: &target.name,
            resource,
            steps: &report.steps,
        };
        vsa::write(file, vsa::statement(&verified, now)?, args.key.as_deref())?;
    }
    let refused = |step: &StepReport| step.is_bypass() && step.verdict == Verdict::Refuse;
    Ok(match failed {
        false => exit::ALLOW,
        true if report.steps.iter().any(refused) => exit::REFUSE,
        true => exit::HOLD,
    })
}

/// Where on the first-parent line a commit landed: itself, or the first step
/// that brought it.
fn landed_at(repo: &Repo, line: &[Oid], rev: &str, target: &str) -> CliResult<usize> {
    let commit = repo.resolve(rev)?;
    if let Some(place) = line.iter().position(|it| *it == commit) {
        return Ok(place);
    }
    let missing = || {
        CliError::new(
            exit::NOT_FOUND,
            format!("`{rev}` has not landed on {target}"),
        )
        .hint("judge what has not landed with: countersign check")
    };
    let last = line.len().saturating_sub(1);
    let has = |place: usize| match line.get(place) {
        Some(it) => repo.is_ancestor(&commit, it),
        None => Ok(false),
    };
    if !has(last)? {
        return Err(missing());
    }
    // What one step has, all later ones have.
    let (mut low, mut high) = (0, last);
    while low < high {
        let middle = low + (high - low) / 2;
        if has(middle)? {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    Ok(high)
}

/// The step that the commit at a place is part of: signed content may have
/// landed as several commits.
fn step_at(line: &Line<'_>, oids: &[Oid], place: usize) -> CliResult<Step> {
    let wide = line.longest();
    let first = place.saturating_sub(wide);
    let last = (place + wide).min(oids.len().saturating_sub(1));
    let (Some(old), Some(new)) = (oids.get(first), oids.get(last)) else {
        return Err(CliError::new(
            exit::NOT_FOUND,
            "there is nothing on this branch",
        ));
    };
    let steps = line.steps(old, new, line.pushed_together(oids))?;
    let at = |oid: &Oid| oids.iter().position(|it| it == oid);
    steps
        .into_iter()
        .find(|step| {
            at(&step.parent).is_some_and(|parent| parent < place)
                && at(&step.commit.id).is_some_and(|tip| tip >= place)
        })
        .ok_or_else(|| {
            CliError::new(exit::DATA, "the first commit of a branch landed on nothing")
                .hint("name a later one, or `OLD..NEW`")
        })
}

fn human(out: &mut impl Write, report: &VerifyReport, target: &str) -> CliResult<()> {
    let tip = report.new.get(..7).unwrap_or(&report.new);
    let steps = count(report.steps.len() as u64, "step");
    let (style, word, text) = match report.outcome {
        "verified" => (
            Verdict::Allow,
            "VERIFIED",
            format!("{steps} as the policy asks"),
        ),
        "failed" => {
            let bad = report.steps.iter().filter(|it| it.is_bypass()).count();
            (
                Verdict::Refuse,
                "FAILED",
                format!("{bad} of {steps} lack something"),
            )
        }
        _ => (
            Verdict::Hold,
            "NOT ADOPTED",
            "no policy existed before these steps".to_owned(),
        ),
    };
    writeln!(
        out,
        "{}  {target} up to {tip}: {text}",
        paint(style::verdict(style), word)
    )?;
    if report.before_adoption > 0 && !report.steps.is_empty() {
        let before = count(report.before_adoption as u64, "step");
        writeln!(
            out,
            "  {}",
            paint(DIM, format!("{before} before adoption not judged"))
        )?;
    }
    for step in &report.steps {
        print_step(out, step)?;
    }
    if report.outcome == "verified" {
        writeln!(out, "\n  {}", paint(DIM, report.levels.join(" ")))?;
    }
    Ok(())
}

/// One step: what it is, who made it, what was signed, what is missing.
pub(super) fn print_step(out: &mut impl Write, step: &StepReport) -> CliResult<()> {
    let (mark, style) = match (step.is_satisfied(), step.overridden, step.is_bypass()) {
        (true, false, _) => ("✓", Verdict::Allow),
        (true, true, _) | (_, _, false) => ("!", Verdict::Hold),
        _ => ("✗", Verdict::Refuse),
    };
    let tip = step.tip.get(..7).unwrap_or(&step.tip);
    let how = step
        .landed_as
        .map_or_else(String::new, |how| format!(", landed as {how}"));
    writeln!(
        out,
        "\n  {} {}  {}",
        paint(style::verdict(style), mark),
        paint(BOLD, tip),
        report::plain(&step.subject)
    )?;
    let source = if step.landed.recorded {
        "by the gate's clock"
    } else {
        "by the commit's claim"
    };
    let pushed = step
        .pusher
        .as_ref()
        .map_or_else(String::new, |pusher| format!(", pushed by {pusher}"));
    let facts = format!(
        "made by {}, committed by {}{pushed}{how}, {} {source}",
        step.made_by(),
        report::plain(&step.committer),
        report::seconds(&step.landed.at)
    );
    writeln!(out, "    {}", paint(DIM, facts))?;
    for signoff in &step.signoffs {
        let kept = signoff
            .kept
            .as_ref()
            .map_or_else(String::new, |kept| format!(", {kept}"));
        let late = if step.landed.signed_late {
            ", after the commit says it landed"
        } else {
            ""
        };
        writeln!(
            out,
            "    {} of {} at {}{late}{kept}",
            signoff.said,
            signoff.person,
            report::seconds(&signoff.at)
        )?;
    }
    let shadow = if step.is_satisfied() || step.is_bypass() {
        ""
    } else {
        "  [shadow: nothing was stopped]"
    };
    writeln!(out, "    {}{}", step.summary, paint(DIM, shadow))?;
    for missing in &step.missing {
        writeln!(out, "    missing: {missing}")?;
    }
    for ignored in step.ignored.iter().filter(|_| !step.is_satisfied()) {
        writeln!(
            out,
            "    {} of {} does not count: {}",
            ignored.said, ignored.person, ignored.because
        )?;
    }
    Ok(())
}
