//! `countersign usage review`.

use std::io::Write;

use clap::Args;
use countersign_operations::usage::{Due, DueKind, due};
use serde::Serialize;

use crate::error::{CliResult, exit};
use crate::report::{count, json};
use crate::style::{BOLD, DIM, paint};
use crate::usages::{UsesArgs, gather};

/// What people should look at again; exits with 1 when there is anything.
///
/// Patterns that nobody registered, entries that have expired or lack a
/// safeguard, and a model family, mode or environment that is new since an entry
/// was last reviewed.
#[derive(Debug, Args)]
pub(crate) struct ReviewArgs {
    /// Print JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    uses: UsesArgs,
}

#[derive(Serialize)]
struct Shown<'a> {
    schema: &'static str,
    due: &'a [Due],
}

pub(super) fn run(args: &ReviewArgs) -> CliResult {
    let gathered = gather(&args.uses)?;
    let found = due(&gathered.uses, gathered.usages(), gathered.now);
    let mut out = anstream::stdout().lock();
    if args.json {
        let shown = Shown {
            schema: "countersign.usage-review/1",
            due: &found,
        };
        out.write_all(json(&shown)?.as_bytes())?;
    } else {
        human(&mut out, &found)?;
    }
    Ok(if found.is_empty() {
        exit::ALLOW
    } else {
        exit::HOLD
    })
}

fn human(out: &mut impl Write, found: &[Due]) -> CliResult<()> {
    if found.is_empty() {
        writeln!(out, "{}", paint(BOLD, "nothing is due"))?;
        return Ok(());
    }
    let line = format!("{} to look at", count(found.len() as u64, "thing"));
    writeln!(out, "{}", paint(BOLD, line))?;
    let mut last = None;
    for it in found {
        let title = title(it.kind);
        if last != Some(title) {
            writeln!(out, "\n  {}", paint(DIM, title))?;
            last = Some(title);
        }
        writeln!(out, "  {}  {}", it.what, paint(DIM, &it.text))?;
        if it.kind == DueKind::Unregistered {
            writeln!(
                out,
                "    countersign usage register {} --owner PERSON --maturity trial --expires DATE",
                it.what
            )?;
        }
    }
    Ok(())
}

const fn title(kind: DueKind) -> &'static str {
    match kind {
        DueKind::Forbidden => "forbidden, and used",
        DueKind::Unregistered => "novel: nobody registered it",
        DueKind::Expired => "expired, so novel again",
        DueKind::MissingSafeguard => "a safeguard is missing, so novel again",
        DueKind::OverCap => "over its cap, so novel for now",
        DueKind::NewModelFamily | DueKind::NewMode | DueKind::NewEnvironment => {
            "changed since it was reviewed"
        }
        DueKind::NoOwner => "without owner",
        DueKind::ExpiresSoon => "expires soon",
        DueKind::NeverReviewed => "never reviewed",
    }
}
