//! `countersign guard log`: what was decided about agents' calls.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;

use clap::Args;
use countersign_core::decide::Verdict;
use countersign_guard::journal::{Reader, Record};
use countersign_guard::judge::place_text;

use crate::error::{CliResult, exit};
use crate::guard::{journal, needed_home};
use crate::style::{self, BOLD, DIM, paint};

/// Show the decision log.
///
/// Every line holds the hash of the line before it, so an edited, removed or
/// moved line shows. Note the last line's hash somewhere else, and a cut end
/// shows as well.
#[derive(Debug, Args)]
pub(crate) struct LogArgs {
    /// Check the chain and print where it is broken; exits with 1 if it is.
    #[arg(long)]
    verify: bool,
    /// The lines as they are stored.
    #[arg(long, conflicts_with = "verify")]
    json: bool,
    /// Only what was not simply allowed.
    #[arg(long)]
    denied: bool,
    /// How many of the newest lines.
    #[arg(short = 'n', long, default_value_t = 50)]
    lines: usize,
}

pub(super) fn run(args: &LogArgs) -> CliResult {
    let (records, reader) = read_all(&needed_home()?)?;
    let mut out = anstream::stdout().lock();
    if args.verify {
        for broken in &reader.broken {
            writeln!(out, "{}", paint(BOLD, broken))?;
        }
        return Ok(match reader.head() {
            _ if !reader.broken.is_empty() => exit::HOLD,
            None => {
                writeln!(out, "the log is empty")?;
                exit::ALLOW
            }
            Some(head) => {
                writeln!(
                    out,
                    "{} lines follow from each other; the last is {} {}",
                    records.len(),
                    head.seq,
                    head.hash
                )?;
                exit::ALLOW
            }
        });
    }
    let shown: Vec<&Record> = records
        .iter()
        .filter(|record| {
            !args.denied || record.verdict != Verdict::Allow || !record.passes.is_empty()
        })
        .collect();
    for record in shown.iter().skip(shown.len().saturating_sub(args.lines)) {
        if args.json {
            writeln!(out, "{}", serde_json::to_string(record).unwrap_or_default())?;
        } else {
            print(&mut out, record)?;
        }
    }
    Ok(exit::ALLOW)
}

/// Every record that can be read, oldest first, and how the chain stands.
pub(super) fn read_all(home: &Path) -> CliResult<(Vec<Record>, Reader)> {
    let (mut reader, mut records) = (Reader::default(), Vec::new());
    for path in journal::all_files(home) {
        let file = match std::fs::File::open(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            other => other?,
        };
        for line in BufReader::new(file).split(b'\n') {
            records.extend(reader.read(&line?));
        }
    }
    Ok((records, reader))
}

fn print(out: &mut impl std::io::Write, record: &Record) -> CliResult<()> {
    let verdict = match (&record.fault, record.passes.is_empty()) {
        (Some(_), _) => "fault",
        (None, false) => "passed",
        (None, true) => record.verdict.as_str(),
    };
    let call: String = record
        .call
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let at = record.at.strftime("%F %T");
    writeln!(
        out,
        "{} {} {:<12} {call}",
        paint(DIM, at),
        paint(style::verdict(record.verdict), format!("{verdict:<7}")),
        record.agent
    )?;
    let mut notes = Vec::new();
    notes.extend(
        record
            .ticket
            .as_ref()
            .map(|ticket| format!("ticket {ticket}")),
    );
    notes.extend(
        record
            .attempt_of
            .as_ref()
            .map(|first| format!("another way to {first}")),
    );
    notes.extend(record.class.as_ref().map(|class| {
        format!(
            "{class} in {}",
            place_text(record.target.as_deref().unwrap_or("unknown"))
        )
    }));
    if !record.passed_by.is_empty() {
        notes.push(format!("signed by {}", record.passed_by.join(", ")));
    }
    if record.shadow {
        notes.push("shadow: not stopped".to_owned());
    }
    notes.extend(record.fault.clone());
    if !notes.is_empty() {
        writeln!(out, "    {}", paint(DIM, notes.join(" · ")))?;
    }
    Ok(())
}
