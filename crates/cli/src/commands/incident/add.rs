//! `countersign incident add` and `update`.

use std::collections::BTreeSet;
use std::io::Write;

use clap::Args;
use countersign_operations::history::difference;
use countersign_operations::incident::{Incident, PERSON};
use countersign_operations::record::Kind;
use countersign_store::{Access, Store};

use super::fields::FieldArgs;
use crate::database::with;
use crate::error::{CliError, CliResult, exit};
use crate::register::{self, RecordArgs};
use crate::style::{BOLD, DIM, paint};

/// Record an incident.
///
/// Example: countersign incident add "checkout down" --started
/// 2026-03-05T09:10Z --severity Sev2 --service checkout --customers 20
#[derive(Debug, Args)]
pub(crate) struct AddArgs {
    /// What it is, in one line.
    title: String,
    /// When customers were first affected: `now`, or a time with its offset.
    #[arg(long, value_name = "TIME")]
    started: String,
    /// Its id; else the next of the form `INC-2026-7`.
    #[arg(long, value_name = "ID")]
    id: Option<String>,
    #[command(flatten)]
    fields: FieldArgs,
    #[command(flatten)]
    record: RecordArgs,
}

/// Correct or complete an incident: a new version, with the reason.
#[derive(Debug, Args)]
pub(crate) struct UpdateArgs {
    /// Its id.
    id: String,
    /// What it is, in one line.
    #[arg(long)]
    title: Option<String>,
    /// When customers were first affected.
    #[arg(long, value_name = "TIME")]
    started: Option<String>,
    /// It is open again: its ends are taken back.
    #[arg(long, conflicts_with_all = ["mitigated", "resolved", "status"])]
    reopen: bool,
    /// It is the same as this one, which counts in its place.
    #[arg(long, value_name = "ID")]
    duplicate_of: Option<String>,
    /// It is an incident of its own after all.
    #[arg(long, conflicts_with = "duplicate_of")]
    not_duplicate: bool,
    /// A service that was named wrongly.
    #[arg(long = "drop-service", value_name = "ID")]
    drop_services: Vec<String>,
    #[command(flatten)]
    fields: FieldArgs,
    #[command(flatten)]
    record: RecordArgs,
}

pub(super) fn add(args: &AddArgs) -> CliResult {
    let noted = args.record.noted()?;
    let started = args.fields.zone.time(&args.started)?;
    with(&args.record.db.address()?, Access::Write, async |store| {
        let id = match &args.id {
            Some(id) => id.clone(),
            None => register::next_id(store, Kind::Incident, "INC", started).await?,
        };
        if register::latest::<Incident>(store, &id).await?.is_some() {
            return Err(
                CliError::new(exit::DATA, format!("there is an incident `{id}` already")).hint(
                    format!("correct it with `countersign incident update {id}`"),
                ),
            );
        }
        let mut it = Incident::new(id.clone(), args.title.clone(), started, noted.clone());
        args.fields.apply(&mut it)?;
        register::keep(store, it.set_by(PERSON).into(), None).await?;
        writeln!(
            anstream::stdout().lock(),
            "{}  {}",
            paint(BOLD, format!("recorded {id}")),
            args.title
        )?;
        Ok(exit::ALLOW)
    })
}

pub(super) fn update(args: &UpdateArgs) -> CliResult {
    let noted = args.record.noted_because("a correction")?;
    with(&args.record.db.address()?, Access::Write, async |store| {
        let (current, seq) = register::needed::<Incident>(store, &args.id).await?;
        let mut edited = current.clone();
        edited.noted = noted.clone();
        edited.title = args.title.clone().unwrap_or(edited.title);
        edited.started = args
            .fields
            .zone
            .maybe(args.started.as_ref())?
            .unwrap_or(edited.started);
        if args.reopen {
            edited.status = countersign_operations::incident::Status::Open;
            (edited.mitigated, edited.resolved) = (None, None);
        }
        edited
            .services
            .retain(|service| !args.drop_services.contains(service));
        args.fields.apply(&mut edited)?;
        if let Some(other) = &args.duplicate_of {
            no_circle(store, &args.id, other).await?;
            edited.duplicate_of = Some(other.clone());
        }
        if args.not_duplicate {
            edited.duplicate_of = None;
        }
        let mut out = anstream::stdout().lock();
        let Some(corrected) = current.corrected(edited) else {
            writeln!(out, "{} says so already; nothing was recorded", args.id)?;
            return Ok(exit::ALLOW);
        };
        let changes = difference(&current, &corrected);
        register::keep(store, corrected.into(), Some(seq)).await?;
        writeln!(out, "{}", paint(BOLD, format!("corrected {}", args.id)))?;
        for change in &changes {
            writeln!(out, "  {}", paint(DIM, super::show::change_text(change)))?;
        }
        Ok(exit::ALLOW)
    })
}

/// Two incidents that are each the same as the other would leave none that is
/// the real one.
async fn no_circle(store: &Store, id: &str, other: &str) -> CliResult<()> {
    let mut next = Some(other.to_owned());
    let mut seen = BTreeSet::from([id.to_owned()]);
    let mut last = id.to_owned();
    while let Some(at) = next {
        if at == id && last != id {
            return Err(CliError::new(
                exit::DATA,
                format!("`{last}` is recorded as the same as `{id}` already"),
            )
            .hint(format!(
                "choose one of them to be counted; to turn it round: `countersign incident update {last} --not-duplicate --why TEXT`"
            )));
        }
        if !seen.insert(at.clone()) {
            break;
        }
        let (it, _) = register::needed::<Incident>(store, &at).await?;
        next = it.duplicate_of;
        last = at;
    }
    Ok(())
}
