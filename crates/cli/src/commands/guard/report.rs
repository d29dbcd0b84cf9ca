//! `countersign guard report`: what the guard asks for, and where it asks too much.

use std::io::Write as _;

use clap::Args;
use countersign_guard::report::report;
use jiff::{SignedDuration, Timestamp};

use super::log::read_all;
use crate::error::{CliError, CliResult, exit};
use crate::guard::needed_home;
use crate::report as output;
use crate::style::{BOLD, DIM, paint};

/// Count decisions, and propose narrower rules where people pass everything.
#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    /// Only what happened since: a date or time (RFC 3339), or days such as `30d`.
    #[arg(long, value_name = "WHEN")]
    since: Option<String>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &ReportArgs) -> CliResult {
    let since = args
        .since
        .as_deref()
        .map(|text| moment(text, Timestamp::now()))
        .transpose()?;
    let (records, _) = read_all(&needed_home()?)?;
    let found = report(&records, since);
    let mut out = anstream::stdout().lock();
    if args.json {
        out.write_all(output::json(&found)?.as_bytes())?;
        return Ok(exit::ALLOW);
    }
    writeln!(
        out,
        "{} {} allowed, {} held, {} passed, {} refused, {} could not be judged",
        paint(BOLD, format!("{} calls:", found.calls)),
        found.allowed,
        found.held,
        found.passed,
        found.refused,
        found.faults
    )?;
    if !found.classes.is_empty() {
        writeln!(
            out,
            "\n{}",
            paint(
                DIM,
                format!(
                    "{:<44}{:>8}{:>8}{:>12}",
                    "held, by what would happen", "tickets", "passed", "other ways"
                )
            )
        )?;
        for class in &found.classes {
            writeln!(
                out,
                "{:<44}{:>8}{:>8}{:>12}",
                class.name, class.tickets, class.passed, class.other_ways
            )?;
        }
    }
    if !found.rules.is_empty() {
        writeln!(out, "\n{}", paint(DIM, "denials, by rule"))?;
        for (rule, count) in &found.rules {
            writeln!(out, "{rule:<44}{count:>8}")?;
        }
    }
    for proposal in &found.proposals {
        writeln!(
            out,
            "\n{} {}",
            paint(BOLD, "asked too much:"),
            proposal.text
        )?;
        writeln!(
            out,
            "  replayed: {} tickets spared, {} of them were not passed",
            proposal.spared, proposal.wrongly_spared
        )?;
    }
    Ok(exit::ALLOW)
}

fn moment(text: &str, now: Timestamp) -> CliResult<Timestamp> {
    let wrong = || {
        CliError::new(exit::USAGE, format!("`{text}` is no time"))
            .hint("write 30d, 2026-11-01 or 2026-11-01T00:00:00Z")
    };
    if let Some(days) = text.strip_suffix('d') {
        let days: i64 = days.parse().map_err(|_| wrong())?;
        let ago = SignedDuration::from_hours(days.checked_mul(24).ok_or_else(wrong)?);
        return now.checked_sub(ago).map_err(|_| wrong());
    }
    countersign_core::moment::parse_utc(text).map_err(|_| wrong())
}
