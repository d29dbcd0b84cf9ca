//! `countersign usage list`.

use std::io::Write;

use clap::Args;
use countersign_operations::usage::{Overview, PatternRow, overview};
use serde::Serialize;

use super::{percent, rate_text, standing_text};
use crate::error::{CliResult, exit};
use crate::register::Table;
use crate::report::{count, json};
use crate::style::{BOLD, DIM, paint};
use crate::usages::{UsesArgs, gather};

/// Every pattern, adoption beside safety: how much of it there is, and how many
/// incidents per change came with it.
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// Only what policies see as novel or forbidden.
    #[arg(long)]
    novel: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    uses: UsesArgs,
}

#[derive(Serialize)]
struct Shown<'a> {
    schema: &'static str,
    from: &'a str,
    #[serde(flatten)]
    overview: &'a Overview,
}

pub(super) fn run(args: &ListArgs) -> CliResult {
    let gathered = gather(&args.uses)?;
    let mut overview = overview(&gathered.uses, gathered.usages(), gathered.now);
    if args.novel {
        use countersign_core::usage::Maturity;
        overview
            .patterns
            .retain(|row| row.maturity >= Maturity::Novel);
    }
    let mut out = anstream::stdout().lock();
    if args.json {
        let shown = Shown {
            schema: "countersign.usage-list/1",
            from: &gathered.from,
            overview: &overview,
        };
        out.write_all(json(&shown)?.as_bytes())?;
        return Ok(exit::ALLOW);
    }
    head(&mut out, &overview)?;
    table(&overview.patterns).print(&mut out)?;
    foot(&mut out, &overview)?;
    Ok(exit::ALLOW)
}

fn head(out: &mut impl Write, overview: &Overview) -> CliResult<()> {
    let Some(adoption) = overview.adoption else {
        writeln!(out, "{}", paint(BOLD, "no change is known"))?;
        return Ok(());
    };
    let (least, most) = (percent(adoption.at_least), percent(adoption.at_most));
    let share = if least == most {
        least
    } else {
        format!("{least} to {most}")
    };
    let changes = count(adoption.changes, "change");
    let line = format!("AI took part in {share} of {changes}");
    writeln!(out, "{}", paint(BOLD, line))?;
    if overview.incidents > 0 {
        let incidents = count(overview.incidents, "incident");
        let text = format!(
            "{incidents} recorded; of {} nobody knows which change they came from",
            overview.unlinked
        );
        writeln!(out, "{}", paint(DIM, text))?;
    }
    writeln!(out)?;
    Ok(())
}

/// One line for each pattern.
fn table(rows: &[PatternRow]) -> Table {
    let mut table = Table::new(&[
        "pattern",
        "first seen",
        "last seen",
        "changes",
        "share",
        "actions",
        "incidents per 1,000 (95 %)",
        "owner",
        "counts as",
    ]);
    for row in rows {
        table.row(vec![
            row.pattern.clone(),
            row.first_seen.strftime("%Y-%m-%d").to_string(),
            row.last_seen.strftime("%Y-%m-%d").to_string(),
            row.changes.to_string(),
            row.share.map_or_else(String::new, percent),
            (row.actions + row.deployments).to_string(),
            row.rate
                .as_ref()
                .map_or_else(|| "cannot tell".to_owned(), rate_text),
            row.owner.clone().unwrap_or_else(|| "unset".to_owned()),
            standing_text(row),
        ]);
    }
    table
}

fn foot(out: &mut impl Write, overview: &Overview) -> CliResult<()> {
    let reasons: std::collections::BTreeSet<&str> = overview
        .patterns
        .iter()
        .filter_map(|row| row.cannot_tell)
        .collect();
    if overview.patterns.is_empty() {
        writeln!(
            out,
            "no use of AI was seen; that is not to say there is none"
        )?;
        return Ok(());
    }
    writeln!(out)?;
    for reason in reasons {
        writeln!(out, "{}", paint(DIM, format!("cannot tell: {reason}")))?;
    }
    if overview.unlinked > 0 {
        let text = "the upper ends count every unlinked incident since the first use";
        writeln!(out, "{}", paint(DIM, text))?;
    }
    let next = "countersign usage show PATTERN · countersign usage register PATTERN";
    writeln!(out, "{}", paint(DIM, next))?;
    Ok(())
}
