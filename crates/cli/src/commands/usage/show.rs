//! `countersign usage show`.

use std::io::Write;

use clap::Args;
use countersign_operations::usage::{Pattern, PatternRow, Proof, graduate, overview};
use serde::Serialize;

use super::{pattern, percent, rate_text, standing_text, unseen};
use crate::error::{CliResult, exit};
use crate::report::json;
use crate::style::{BOLD, DIM, paint};
use crate::usages::{UsesArgs, gather};

/// One pattern: how much it is used, how safely, and what it would have to show
/// to be established.
#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// TOOL/MODEL-FAMILY/MODE/ACTIVITY/ENVIRONMENT.
    #[arg(value_parser = pattern)]
    pattern: Pattern,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    uses: UsesArgs,
}

#[derive(Serialize)]
struct Shown<'a> {
    schema: &'static str,
    #[serde(flatten)]
    row: &'a PatternRow,
    incidents_linked: Vec<&'a String>,
    graduation: &'a Proof,
}

pub(super) fn run(args: &ShowArgs) -> CliResult {
    let gathered = gather(&args.uses)?;
    let key = args.pattern.key();
    let overview = overview(&gathered.uses, gathered.usages(), gathered.now);
    let row = overview.patterns.iter().find(|row| row.pattern == key);
    let (Some(row), Some(tally)) = (row, gathered.uses.get(&args.pattern)) else {
        let seen = gathered.uses.patterns().map(|(pattern, _)| pattern);
        return Err(unseen(&args.pattern, seen));
    };
    let proof = graduate(
        &args.pattern,
        &gathered.uses,
        gathered.usages(),
        gathered.now,
    );
    let mut out = anstream::stdout().lock();
    if args.json {
        let shown = Shown {
            schema: "countersign.usage-show/1",
            row,
            incidents_linked: tally.incidents.iter().collect(),
            graduation: &proof,
        };
        out.write_all(json(&shown)?.as_bytes())?;
        return Ok(exit::ALLOW);
    }
    writeln!(out, "{}  {}\n", paint(BOLD, &key), standing_text(row))?;
    let incidents: Vec<&str> = tally.incidents.iter().map(String::as_str).collect();
    for (name, value) in lines(row, &incidents) {
        if !value.is_empty() {
            writeln!(out, "  {}{value}", paint(DIM, format!("{name:<14}")))?;
        }
    }
    writeln!(out, "\n  {}", paint(DIM, "to be established"))?;
    say(&mut out, &proof)?;
    Ok(exit::ALLOW)
}

fn lines(row: &PatternRow, incidents: &[&str]) -> Vec<(&'static str, String)> {
    let day = |at: jiff::Timestamp| at.strftime("%Y-%m-%d").to_string();
    let share = row.share.map_or_else(String::new, percent);
    let rate = match (&row.rate, row.cannot_tell) {
        (Some(rate), _) => format!("{} per 1,000 changes (95 %)", rate_text(rate)),
        (None, reason) => format!("cannot tell: {}", reason.unwrap_or_default()),
    };
    vec![
        (
            "seen",
            format!("{} to {}", day(row.first_seen), day(row.last_seen)),
        ),
        ("changes", format!("{} ({share} of all)", row.changes)),
        (
            "actions",
            format!("{} let through, {} stopped", row.actions, row.stopped),
        ),
        ("deployments", row.deployments.to_string()),
        ("incidents", incidents.join(", ")),
        ("rate", rate),
        (
            "entry",
            row.entry.clone().unwrap_or_else(|| "none".to_owned()),
        ),
        (
            "owner",
            row.owner.clone().unwrap_or_else(|| "unset".to_owned()),
        ),
        ("in place", row.in_place.join("; ")),
        ("missing", row.missing.join("; ")),
        ("expires", row.expires.map(day).unwrap_or_default()),
    ]
}

/// What it has shown and what is missing, line by line.
pub(super) fn say(out: &mut impl Write, proof: &Proof) -> CliResult<()> {
    for text in &proof.shown {
        writeln!(out, "  ok       {text}")?;
    }
    for text in &proof.missing {
        writeln!(out, "  {}  {text}", paint(BOLD, "missing"))?;
    }
    Ok(())
}
