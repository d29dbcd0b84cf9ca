//! `countersign review diff`.

use std::io::Write;

use clap::Args;
use countersign_operations::review::{Altered, Changelog, Fate, ReviewIssued, changelog};
use countersign_operations::week::Week;
use countersign_store::{Access, Range};

use crate::database::{DbArgs, with};
use crate::error::{CliError, CliResult, exit};
use crate::register::{self, Table, cut, short};
use crate::report::{count, json};
use crate::review_inputs::touches;
use crate::style::{BOLD, DIM, paint};

/// What one circulated version says that another did not, and who changed it.
#[derive(Debug, Args)]
pub(crate) struct DiffArgs {
    /// The earlier version: a number, or `2026-W11/1`.
    before: String,
    /// The later version.
    after: String,
    /// The week of versions that are numbers alone.
    #[arg(long, value_name = "WEEK")]
    week: Option<Week>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    db: DbArgs,
}

/// Versions that were circulated.
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// Only of this week.
    #[arg(long, value_name = "WEEK")]
    week: Option<Week>,
    #[command(flatten)]
    db: DbArgs,
}

pub(super) fn list(args: &ListArgs) -> CliResult {
    with(&args.db.address()?, Access::Read, async |store| {
        let mut issued = register::all::<ReviewIssued>(store, Range::ALL).await?;
        issued.retain(|it| args.week.is_none_or(|week| week == it.week));
        issued.sort_by_key(|it| (it.week, it.version));
        let mut table = Table::new(&["version", "circulated", "by", "to", "lines", "SHA-256"]);
        for it in &issued {
            table.row(vec![
                format!("{}/{}", it.week, it.version),
                short(it.issued_at),
                it.noted.by.clone(),
                it.to.len().to_string(),
                it.lines.len().to_string(),
                it.content.to_string(),
            ]);
        }
        let mut out = anstream::stdout().lock();
        table.print(&mut out)?;
        if issued.is_empty() {
            writeln!(out, "{}", paint(DIM, "no review was circulated"))?;
        }
        Ok(exit::ALLOW)
    })
}

/// A version, as `2026-W11/1` or as a number of a week.
fn version(text: &str, week: Option<Week>) -> CliResult<(Week, u32)> {
    let wrong = |message: String| {
        CliError::new(exit::USAGE, message)
            .hint("write `2026-W11/1`, or a number and `--week 2026-W11`")
    };
    let (named, number) = match text.split_once('/') {
        Some((named, number)) => {
            let named = named
                .parse::<Week>()
                .map_err(|error| wrong(error.to_string()))?;
            (Some(named), number)
        }
        None => (week, text),
    };
    let number: u32 = number
        .parse()
        .map_err(|_| wrong(format!("`{text}` is not a version")))?;
    let week = named.ok_or_else(|| wrong(format!("of which week is version {number}?")))?;
    Ok((week, number))
}

pub(super) fn run(args: &DiffArgs) -> CliResult {
    let before = version(&args.before, args.week)?;
    let after = version(&args.after, args.week)?;
    with(&args.db.address()?, Access::Read, async |store| {
        let key = |(week, version): (Week, u32)| format!("{week} {version}");
        let (before, _) = register::needed::<ReviewIssued>(store, &key(before)).await?;
        let (after, _) = register::needed::<ReviewIssued>(store, &key(after)).await?;
        let mut lines = before.lines.clone();
        lines.extend(after.lines.iter().cloned());
        lines.sort_unstable();
        lines.dedup_by(|a, b| a.about == b.about);
        let touches = touches::of(store, &lines, before.cut_off, after.cut_off).await?;
        let found = changelog(&before, (after.week, after.cut_off), &after.lines, &touches);
        let mut out = anstream::stdout().lock();
        if args.json {
            out.write_all(json(&found)?.as_bytes())?;
            return Ok(exit::ALLOW);
        }
        print(&mut out, &found)?;
        Ok(exit::ALLOW)
    })
}

fn print(out: &mut impl Write, found: &Changelog) -> CliResult<()> {
    for fate in [
        Fate::VanishedUnexplained,
        Fate::Deleted,
        Fate::ChangedUnexplained,
        Fate::NoLonger,
        Fate::Changed,
        Fate::New,
    ] {
        let of: Vec<&Altered> = found.altered.iter().filter(|it| it.fate == fate).collect();
        if of.is_empty() {
            continue;
        }
        writeln!(out, "{}", paint(BOLD, fate.as_str()))?;
        for it in of {
            for (sign, text) in [("-", &it.before), ("+", &it.after)] {
                if let Some(text) = text {
                    writeln!(out, "  {sign} {}", cut(text, 200))?;
                }
            }
            for touch in &it.touches {
                let why = touch
                    .why
                    .as_ref()
                    .map_or(String::new(), |why| format!(": {why}"));
                let text = format!("{} {} {}{why}", short(touch.at), touch.by, touch.what);
                writeln!(out, "    {}", paint(DIM, cut(&text, 200)))?;
            }
        }
    }
    let said = count(found.altered.len() as u64, "line");
    writeln!(out, "{}", paint(DIM, format!("{said} not as before")))?;
    Ok(())
}
