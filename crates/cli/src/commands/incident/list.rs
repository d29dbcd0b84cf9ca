//! `countersign incident list`.

use std::io::Write;

use clap::Args;
use countersign_operations::incident::{Incident, Register, Severity, doubts};
use countersign_store::{Access, Range};
use jiff::{SignedDuration, Timestamp};

use crate::database::{DbArgs, with};
use crate::error::{CliError, CliResult, exit};
use crate::register::{self, Table};
use crate::report::{count, json};
use crate::style::{DIM, paint};

/// List incidents, oldest first.
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// Only those that began within this time, such as `30d`.
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Only this severity and worse.
    #[arg(long, value_name = "SEV")]
    severity: Option<Severity>,
    /// Only those of this service.
    #[arg(long, value_name = "ID")]
    service: Option<String>,
    /// Also dismissed ones and duplicates.
    #[arg(long)]
    all: bool,
    /// Instead, pairs that may be the same incident told by two systems.
    #[arg(long)]
    duplicates: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    db: DbArgs,
}

pub(super) fn run(args: &ListArgs) -> CliResult {
    let now = Timestamp::now();
    let range = match &args.since {
        None => Range::ALL,
        Some(text) => Range {
            from: (now - since(text)?).as_microsecond(),
            until: i64::MAX,
        },
    };
    with(&args.db.address()?, Access::Read, async |store| {
        let incidents = register::all::<Incident>(store, range).await?;
        if args.duplicates {
            return show_doubts(&incidents, args.json);
        }
        let total = incidents.len();
        let mut listed = if args.all {
            incidents
        } else {
            Register::of(incidents).counted()
        };
        listed.retain(|it| {
            args.severity
                .is_none_or(|least| it.severity.is_some_and(|own| own <= least))
        });
        listed.retain(|it| {
            args.service
                .as_ref()
                .is_none_or(|service| it.services.contains(service))
        });
        let mut out = anstream::stdout().lock();
        if args.json {
            out.write_all(json(&listed)?.as_bytes())?;
            return Ok(exit::ALLOW);
        }
        let mut table = Table::new(&[
            "id", "sev", "status", "started", "lasted", "AI", "services", "title",
        ]);
        for it in &listed {
            table.row(row(it, now));
        }
        table.print(&mut out)?;
        let hidden = total.saturating_sub(listed.len());
        let more = if hidden > 0 {
            format!(" of {total}")
        } else {
            String::new()
        };
        writeln!(
            out,
            "{}",
            paint(
                DIM,
                format!("{}{more}", count(listed.len() as u64, "incident"))
            )
        )?;
        Ok(exit::ALLOW)
    })
}

/// How far to look back.
fn since(text: &str) -> CliResult<SignedDuration> {
    countersign_core::moment::parse_duration(text).map_err(|message| {
        CliError::new(exit::USAGE, message).hint(countersign_core::moment::DURATION_HINT)
    })
}

fn row(it: &Incident, now: Timestamp) -> Vec<String> {
    vec![
        it.id.clone(),
        it.severity
            .map_or("-", |severity| severity.as_str())
            .to_owned(),
        it.status.to_string(),
        register::short(it.started),
        it.clock_minutes(now)
            .map_or("?".to_owned(), register::minutes),
        it.ai.to_string(),
        register::cut(
            &it.services.iter().cloned().collect::<Vec<_>>().join(" "),
            24,
        ),
        it.title.clone(),
    ]
}

fn show_doubts(incidents: &[Incident], as_json: bool) -> CliResult {
    let found = doubts(incidents);
    let mut out = anstream::stdout().lock();
    if as_json {
        out.write_all(json(&found)?.as_bytes())?;
        return Ok(exit::ALLOW);
    }
    let mut table = Table::new(&["first", "second", "why"]);
    for it in &found {
        table.row(vec![it.first.clone(), it.second.clone(), it.why.clone()]);
    }
    table.print(&mut out)?;
    match found.first() {
        None => writeln!(out, "no two incidents look the same")?,
        Some(it) => writeln!(
            out,
            "{}",
            paint(
                DIM,
                format!(
                    "countersign incident update {} --duplicate-of {} --why …",
                    it.second, it.first
                )
            )
        )?,
    }
    Ok(exit::ALLOW)
}
