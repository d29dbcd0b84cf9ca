//! `countersign backtest`: what would a policy have asked of the past?

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use countersign_core::backtest::{Backtest, Landed, replay};
use countersign_core::moment;
use countersign_core::radius::Model;
use countersign_git::Trust;
use jiff::Timestamp;

use super::RepoArgs;
use super::policy::{read_policy, read_roster};
use crate::collect;
use crate::error::{CliError, CliResult, exit};
use crate::report::{self, count};
use crate::rules::Rules;
use crate::style::{BOLD, DIM, paint};

/// Replay a draft policy over the history: how many changes would have been
/// held, who would have been asked, and when would it have been too much?
#[derive(Debug, Args)]
pub(crate) struct BacktestArgs {
    /// The draft policy; else the one at HEAD, else the built-in one.
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// The roster; else the one at HEAD.
    #[arg(long, value_name = "FILE")]
    people: Option<PathBuf>,
    /// How far back, such as `90d` or `26w`.
    #[arg(long, default_value = "90d", value_name = "TIME")]
    since: String,
    /// The branch whose history is replayed.
    #[arg(long, default_value = "HEAD", value_name = "REV")]
    branch: String,
    #[command(flatten)]
    repo: RepoArgs,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &BacktestArgs) -> CliResult {
    let repo = args.repo.open()?;
    let head = repo.resolve(&args.branch)?;
    let mut rules = Rules::at(&repo, Some(&head))?;
    if let Some(path) = &args.people {
        rules.roster = read_roster(path)?;
        rules.policy = Rules::builtin(rules.roster.levels())?;
    }
    if let Some(path) = &args.policy {
        rules.policy = read_policy(path, rules.roster.levels())?;
    }
    let since = moment::parse_duration(&args.since)
        .map_err(|message| CliError::new(exit::USAGE, message).hint(moment::DURATION_HINT))?;
    let since = Timestamp::now() - since;
    let keys = |email: &str| collect::signing_keys(&rules.roster, email);
    let trust = Trust {
        keys: &keys,
        notes: rules.policy.settings.trust_authorship_notes,
    };
    let model = rules.catalog.as_ref().map(Model::new);
    let mut history = Vec::new();
    repo.judge_landed(&head, Some(since.as_second()), trust, |landed| {
        let at = Timestamp::from_second(landed.time).unwrap_or(Timestamp::UNIX_EPOCH);
        let collected = collect::facts(
            &landed.judged,
            &landed.files,
            &[],
            &rules,
            model.as_ref(),
            at,
        );
        history.push(Landed {
            facts: collected.facts,
            at,
        });
    })?;
    let result = replay(&rules.policy, &rules.roster, &history);
    let mut out = anstream::stdout().lock();
    if args.json {
        out.write_all(report::json(&result)?.as_bytes())?;
    } else {
        print(&mut out, &result, &rules, &args.since)?;
    }
    Ok(exit::ALLOW)
}

fn print(out: &mut impl Write, result: &Backtest, rules: &Rules, since: &str) -> CliResult<()> {
    if result.changes == 0 {
        writeln!(
            out,
            "no changes landed in the last {since}; try a longer `--since`"
        )?;
        return Ok(());
    }
    let held = result.held + result.refused;
    writeln!(
        out,
        "{}  {}",
        paint(
            BOLD,
            format!(
                "{held} of {} would have been held",
                count(result.changes as u64, "change")
            )
        ),
        paint(DIM, format!("last {since}, {}", rules.policy.file)),
    )?;
    let weeks = result.weeks.len().max(1);
    let per_week = |n: usize| format!("{:.1} a week", n as f64 / weeks as f64);
    writeln!(
        out,
        "  {}, {}",
        count(result.signoffs as u64, "sign-off"),
        per_week(result.signoffs)
    )?;
    for (level, n) in &result.by_level {
        writeln!(out, "    {n:>5}  by {level}, {}", per_week(*n))?;
    }
    if result.unsatisfiable > 0 {
        let text = format!(
            "{} that nobody could have signed off",
            count(result.unsatisfiable as u64, "change")
        );
        writeln!(out, "  {}", paint(BOLD, text))?;
    }
    writeln!(
        out,
        "\n  {}",
        paint(
            DIM,
            format!("{:<28}{:>8}{:>16}", "rule", "applied", "unsatisfiable")
        )
    )?;
    for (id, tally) in &result.rules {
        writeln!(
            out,
            "  {id:<28}{:>8}{:>16}",
            tally.applied, tally.unsatisfiable
        )?;
    }
    if !result.signers.is_empty() {
        let header = format!(
            "{:<20}{:<12}{:>9}{:>8}{:>14}{:>8}{:>12}",
            "signer", "level", "sign-offs", "a week", "busiest week", "budget", "weeks over"
        );
        writeln!(out, "\n  {}", paint(DIM, header))?;
    }
    for signer in result.signers.iter().take(20) {
        writeln!(
            out,
            "  {:<20}{:<12}{:>9}{:>8.1}{:>10} min{:>4} min{:>12}",
            signer.person,
            signer.level,
            signer.signoffs,
            signer.signoffs_per_week_x100 as f64 / 100.0,
            signer.busiest_week_minutes,
            signer.budget_minutes,
            signer.weeks_over_budget
        )?;
    }
    match result.weeks_over_capacity.as_slice() {
        [] => writeln!(
            out,
            "\n  demand stayed within the budgets of those who can sign"
        )?,
        weeks => {
            let shown: Vec<&str> = weeks.iter().take(8).map(String::as_str).collect();
            let more = weeks.len().saturating_sub(8);
            let more = if more > 0 {
                format!(" and {more} more")
            } else {
                String::new()
            };
            writeln!(
                out,
                "\n  demand exceeded every possible signer's budget in {}: {}{more}",
                count(weeks.len() as u64, "week"),
                shown.join(", ")
            )?;
        }
    }
    Ok(())
}
