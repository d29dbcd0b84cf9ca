//! `countersign demo`: a sample organisation to look at.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::demo::{self, CUT_OFF, DATABASE, LAST_WEEK};
use crate::error::{CliError, CliResult, exit};
use crate::style::{BOLD, DIM, paint};

/// Write a sample organisation into an empty directory: a year of changes,
/// sign-offs, incidents and what was tried, to see every page filled.
///
/// Everything in it is made up and says so. The same seed writes the same.
#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// Where to; made if it is not there.
    dir: PathBuf,
    /// Another number tells another story with the same truths in it.
    #[arg(long, value_name = "N", default_value_t = 7)]
    seed: u64,
}

pub(super) fn run(args: &DemoArgs) -> CliResult {
    let dir = &args.dir;
    empty(dir)?;
    let made = demo::make(dir, args.seed)?;
    let mut out = anstream::stdout().lock();
    writeln!(
        out,
        "{}  {}",
        paint(BOLD, format!("SAMPLE DATA in {}", dir.display())),
        paint(
            DIM,
            format!(
                "{} changes, {} incidents, {} entries in the ledger, up to {LAST_WEEK}",
                made.changes, made.incidents, made.entries
            )
        )
    )?;
    writeln!(
        out,
        "No such organisation, person or incident exists. README.md says what is hidden in it.\n"
    )?;
    let db = format!("--db {DATABASE}");
    let next = [
        (format!("cd {}", quoted(dir)), String::new()),
        (
            format!(
                "countersign review build --week {LAST_WEEK} --cut-off {CUT_OFF} --format html -o review.html {db}"
            ),
            "the weekly review".to_owned(),
        ),
        (
            format!("countersign trend {db}"),
            "are incidents rising, and is it AI?".to_owned(),
        ),
        (
            format!("countersign trend {db} --event 'job cuts=2025-06-16'"),
            "two causes at once".to_owned(),
        ),
        (
            format!("countersign usage list {db}"),
            "what AI is used for".to_owned(),
        ),
        (
            format!("countersign incident show {} {db}", made.environment),
            "an agent recreates an environment".to_owned(),
        ),
        (
            format!("countersign initiative result INI-2025-2 {db}"),
            "did it help?".to_owned(),
        ),
        (
            "countersign queue".to_owned(),
            "what waits for you (you are Sara, a senior)".to_owned(),
        ),
        (
            format!("countersign ledger verify {db}"),
            "nothing was altered since".to_owned(),
        ),
    ];
    for (command, why) in next {
        if !why.is_empty() {
            writeln!(out, "{}", paint(DIM, format!("  # {why}")))?;
        }
        writeln!(out, "  {command}")?;
    }
    Ok(exit::ALLOW)
}

/// Refuses a directory with anything in it: nothing of anyone's is mixed with
/// samples, or overwritten.
fn empty(dir: &Path) -> CliResult<()> {
    let failed =
        |error: std::io::Error| CliError::new(exit::IO, format!("{}: {error}", dir.display()));
    match std::fs::read_dir(dir).map(|mut entries| entries.next().is_some()) {
        Ok(true) => Err(
            CliError::new(exit::DATA, format!("{} is not empty", dir.display()))
                .hint("name a new directory; samples are never mixed with anything else"),
        ),
        Ok(false) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            std::fs::create_dir_all(dir).map_err(failed)
        }
        Err(error) => Err(failed(error)),
    }
}

/// As a shell reads it as one word.
fn quoted(dir: &Path) -> String {
    let text = dir.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    if !text.is_empty() && text.chars().all(plain) && !text.starts_with('-') {
        text
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}
