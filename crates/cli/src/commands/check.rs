//! `countersign check`: judge a change in a repository.

use std::io::Write;

use clap::{Args, ValueEnum};
use countersign_core::decide::{Decision, Load, Verdict, decide};
use countersign_core::policy::Mode;
use countersign_git::{Range, Repo};
use jiff::Timestamp;

use super::RepoArgs;
use crate::collect::{self, Merge};
use crate::error::{CliResult, exit};
use crate::pushed_by;
use crate::recorder::{self, Recording};
use crate::report::{self, CheckReport};
use crate::rules::Rules;
use crate::work;

/// Judge a change: which sign-off does it need, from whom, and why?
///
/// Without RANGE, judges what the current branch has beyond the default
/// branch, or else the last commit. Policy and roster are read from the branch
/// that the change goes onto, never from the change itself.
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// `BASE..HEAD`, or one revision.
    range: Option<String>,
    #[command(flatten)]
    repo: RepoArgs,
    /// Read policy and roster from this revision instead.
    #[arg(long, value_name = "REV")]
    policy_from: Option<String>,
    /// Who pushed or opened the change, where someone else says so, such as a
    /// forge: a person of the roster, a mailbox, or an account (`github:octocat`).
    /// They count among those who made it, whatever its commits say.
    #[arg(long, value_name = "WHO")]
    pushed_by: Option<String>,
    /// How to print the answer.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Short for `--format json`.
    #[arg(long, conflicts_with = "format")]
    json: bool,
    /// Judge as if it were this time (RFC 3339), for repeating an answer.
    #[arg(long, value_name = "TIME")]
    now: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum Format {
    /// For a person at a terminal.
    #[default]
    Human,
    /// Versioned and documented, for programs.
    Json,
    /// For a comment on a pull request.
    Markdown,
    /// For code scanning.
    Sarif,
}

pub(super) fn run(args: &CheckArgs) -> CliResult {
    run_recording(args, Recording::IfConfigured)
}

/// Judges a change and records the decision.
pub(super) fn run_recording(args: &CheckArgs, recording: Recording<'_>) -> CliResult {
    let repo = args.repo.open()?;
    let range = match &args.range {
        Some(text) => repo.parse_range(text)?,
        None => repo.default_range()?,
    };
    let rules_from = match &args.policy_from {
        Some(rev) => Some(repo.resolve(rev)?),
        None => range.onto.clone(),
    };
    let rules = Rules::at(&repo, rules_from.as_ref())?;
    let now = args.now.unwrap_or_else(Timestamp::now);
    let also = match &args.pushed_by {
        Some(who) => pushed_by::find(who, &rules.roster)?,
        None => None,
    };
    let merge = collect::merge_also_by(&repo, &range, &rules, also, now)?;
    let decision = judge_by_load(&repo, &range, &rules, &merge, now);
    let report = CheckReport::new(&range, &rules, &merge, &decision);
    let text = match (args.json, args.format) {
        (true, _) | (_, Format::Json) => report::json(&report)?,
        (_, Format::Human) => report::human(&report),
        (_, Format::Markdown) => report::markdown(&report),
        (_, Format::Sarif) => report::sarif(&report)?,
    };
    let mut out = anstream::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    recording.record(&repo, &rules, |noted| {
        recorder::of_check(&repo, &range, &report, now, noted)
    })?;
    Ok(code(rules.policy.settings.mode, decision.verdict))
}

/// Decides on a merge with the sign-offs that count for it.
pub(crate) fn judge(rules: &Rules, merge: &Merge, now: Timestamp) -> Decision {
    judge_under(rules, merge, &Load::default(), now)
}

/// The same, with those who have the most room named first. Their load is only
/// looked up where there is a choice, and another branch that cannot be read
/// must not keep this one from being judged.
fn judge_by_load(
    repo: &Repo,
    range: &Range,
    rules: &Rules,
    merge: &Merge,
    now: Timestamp,
) -> Decision {
    let decision = judge(rules, merge, now);
    let mut acts = decision.way.acts.iter();
    if !acts.any(|act| act.candidates.len() > 1) {
        return decision;
    }
    match work::with_open_changes(repo, range, rules, merge, now) {
        Ok(load) => judge_under(rules, merge, &load, now),
        Err(_) => decision,
    }
}

fn judge_under(rules: &Rules, merge: &Merge, load: &Load, now: Timestamp) -> Decision {
    let facts = &merge.collected.facts;
    let seen = rules.policy.observe(facts, now);
    decide(
        &rules.policy,
        &rules.roster,
        facts,
        &seen,
        merge.statements(),
        load,
        now,
    )
}

/// Shadow mode shows the same verdict and stops nothing.
pub(super) const fn code(mode: Mode, verdict: Verdict) -> u8 {
    match (mode, verdict) {
        (Mode::Shadow, _) | (_, Verdict::Allow) => exit::ALLOW,
        (_, Verdict::Hold) => exit::HOLD,
        (_, Verdict::Refuse) => exit::REFUSE,
    }
}
