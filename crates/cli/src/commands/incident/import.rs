//! `countersign incident import`.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use countersign_operations::import::{Format, Import, mapping::Mapping, read};
use countersign_operations::incident::{Amended, Incident, Kept};
use countersign_operations::record::Record;
use countersign_store::{Access, Range};
use jiff::Timestamp;
use serde::Serialize;

use crate::database::{DbArgs, with};
use crate::error::{CliError, CliResult, exit};
use crate::input::Input;
use crate::recorder;
use crate::register::{self, cut};
use crate::report::{count, json};
use crate::style::{BOLD, DIM, paint};

/// Remarks told one by one.
const MOST_REMARKS: usize = 20;

/// Read incidents (and deployments) from another system.
///
/// The same file twice changes nothing; what a person corrected is kept. Every
/// row that was not understood is named. Exits with 65 when nothing could be
/// read, and with 1 when some rows were skipped.
#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// The file, or `-` for standard input.
    file: PathBuf,
    /// What wrote it: github-status, csv, jsonl, pagerduty, alertmanager, cdevents.
    #[arg(long, value_name = "FORMAT")]
    format: Format,
    /// Which column or field means what; for csv and jsonl.
    #[arg(long, value_name = "FILE")]
    mapping: Option<PathBuf>,
    /// Only say what would be recorded.
    #[arg(long)]
    dry_run: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    db: DbArgs,
}

#[derive(Default, Serialize)]
struct Outcome {
    version: u32,
    new: usize,
    updated: usize,
    unchanged: usize,
    deployments: usize,
    links: usize,
    kept: BTreeMap<String, Vec<Kept>>,
    report: countersign_operations::import::Report,
}

pub(super) fn run(args: &ImportArgs) -> CliResult {
    let mapping = args.mapping.as_ref().map(|path| {
        let input = Input::read(path)?;
        let name = input.name.clone();
        let text = input.text()?;
        Mapping::parse(&text, &name).map_err(|problems| CliError::file(&name, &text, problems))
    });
    let mapping = mapping.transpose()?;
    let input = Input::read(&args.file)?;
    let name = input.name.clone();
    let text = input.text()?;
    let import = read(args.format, &text, mapping.as_ref(), Timestamp::now()).map_err(|error| {
        let new = CliError::new(exit::DATA, format!("{name}: {error}"));
        match error {
            countersign_operations::import::ImportError::NeedsMapping(_) => {
                new.hint("give it with `--mapping FILE`; docs/guide/incidents.md has one")
            }
            _ => new,
        }
    })?;
    let access = if args.dry_run {
        Access::Read
    } else {
        Access::Write
    };
    with(&args.db.address()?, access, async |store| {
        let known = register::all::<Incident>(store, Range::ALL).await?;
        let (outcome, records) = plan(import, known);
        if !args.dry_run && !records.is_empty() {
            let source = records
                .first()
                .map_or("import".to_owned(), |it| it.noted().by.clone());
            let entries: CliResult<Vec<_>> = records.iter().map(recorder::entry).collect();
            store.append(&source, entries?).await?;
        }
        print(args, &outcome)?;
        let skipped = outcome.report.skipped() > 0;
        Ok(if skipped { exit::HOLD } else { exit::ALLOW })
    })
}

/// What is new in what was read.
fn plan(mut import: Import, known: Vec<Incident>) -> (Outcome, Vec<Record>) {
    let known: BTreeMap<String, Incident> =
        known.into_iter().map(|it| (it.id.clone(), it)).collect();
    import.keep_known(&known);
    let mut outcome = Outcome {
        version: 1,
        deployments: import.deployments.len(),
        links: import.links.len(),
        report: import.report,
        ..Outcome::default()
    };
    let mut records: Vec<Record> = Vec::new();
    for news in import.incidents {
        let (id, current) = (news.id.clone(), known.get(&news.id));
        let kept = match Incident::imported(current, news) {
            Amended::Unchanged { kept } => {
                outcome.unchanged += 1;
                kept
            }
            Amended::Version { incident, kept, .. } => {
                match current {
                    None => outcome.new += 1,
                    Some(_) => outcome.updated += 1,
                }
                records.push(Record::from(*incident));
                kept
            }
        };
        if !kept.is_empty() {
            outcome.kept.insert(id, kept);
        }
    }
    records.extend(import.deployments.into_iter().map(Record::from));
    records.extend(import.links.into_iter().map(Record::from));
    (outcome, records)
}

fn print(args: &ImportArgs, outcome: &Outcome) -> CliResult<()> {
    let mut out = anstream::stdout().lock();
    if args.json {
        out.write_all(json(outcome)?.as_bytes())?;
        return Ok(());
    }
    let verb = if args.dry_run {
        "would record"
    } else {
        "recorded"
    };
    let mut parts = vec![
        format!("{} updated", outcome.updated),
        format!("{} unchanged", outcome.unchanged),
    ];
    if outcome.deployments > 0 {
        parts.push(count(outcome.deployments as u64, "deployment"));
    }
    if outcome.links > 0 {
        parts.push(count(outcome.links as u64, "reported link"));
    }
    let new = format!("{verb} {}", count(outcome.new as u64, "new incident"));
    writeln!(
        out,
        "{}  {}",
        paint(BOLD, new),
        paint(DIM, parts.join(", "))
    )?;
    let report = &outcome.report;
    let irrelevant: usize = report.not_relevant.values().sum();
    if irrelevant > 0 {
        let kinds: Vec<&str> = report.not_relevant.keys().map(String::as_str).collect();
        let events = count(irrelevant as u64, "event");
        let text = format!("{events} of other kinds left out: {}", kinds.join(", "));
        writeln!(out, "  {}", paint(DIM, cut(&text, 160)))?;
    }
    for (id, kept) in outcome.kept.iter().take(MOST_REMARKS) {
        let fields: Vec<String> = kept
            .iter()
            .map(|it| format!("{} (by {})", it.field, it.set_by))
            .collect();
        writeln!(out, "  kept in {id}: {}", fields.join(", "))?;
    }
    for remark in report.remarks.iter().take(MOST_REMARKS) {
        let place = if remark.row == 0 {
            String::new()
        } else {
            format!("row {}: ", remark.row)
        };
        writeln!(
            out,
            "  {:<8}{place}{}",
            remark.became,
            cut(&remark.message, 160)
        )?;
    }
    let more = report.remarks.len().saturating_sub(MOST_REMARKS) + report.more_remarks;
    if more > 0 {
        writeln!(
            out,
            "  {}",
            paint(DIM, format!("and {more} more; --json has them"))
        )?;
    }
    Ok(())
}
