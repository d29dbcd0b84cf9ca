//! `countersign action`: who does what by when, and whether it helped.

use std::io::Write;

use clap::{Args, Subcommand};
use countersign_operations::action::{Action, ActionState};
use countersign_operations::incident::Incident;
use countersign_operations::record::Kind;
use countersign_store::{Access, Range};
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::database::{DbArgs, with};
use crate::error::{CliError, CliResult, exit};
use crate::register::{self, RecordArgs, Table};
use crate::report::{count, json};
use crate::style::{BOLD, DIM, paint};

/// Corrective actions: add, finish, give up, list.
#[derive(Debug, Subcommand)]
pub(crate) enum ActionCommand {
    Add(AddArgs),
    /// It is done. `--evidence` says what shows that it helped.
    Done(EndArgs),
    /// It is given up, for the reason in `--why`.
    Drop(EndArgs),
    List(ListArgs),
}

/// Add an action.
#[derive(Debug, Args)]
pub(crate) struct AddArgs {
    /// What is to be done, in one line.
    title: String,
    /// Its id; else the next of the form `ACT-2026-7`.
    #[arg(long, value_name = "ID")]
    id: Option<String>,
    /// Who does it, by id on the roster.
    #[arg(long, value_name = "PERSON")]
    owner: Option<String>,
    /// The last day it is not overdue, such as `2026-04-01`.
    #[arg(long, value_name = "DAY")]
    due: Option<Date>,
    /// The incident it follows from.
    #[arg(long, value_name = "ID")]
    incident: Option<String>,
    /// The factor it works against.
    #[arg(long, value_name = "FACTOR")]
    factor: Option<String>,
    /// Where people look at it.
    #[arg(long)]
    url: Option<String>,
    #[command(flatten)]
    record: RecordArgs,
}

/// How an action ended.
#[derive(Debug, Args)]
pub(crate) struct EndArgs {
    /// Its id.
    id: String,
    /// What shows that it had the effect hoped for.
    #[arg(long, value_name = "TEXT")]
    evidence: Option<String>,
    #[command(flatten)]
    record: RecordArgs,
}

/// List actions: overdue ones first, then by day.
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// Only those of this incident.
    #[arg(long, value_name = "ID")]
    incident: Option<String>,
    /// Also those that are done or given up.
    #[arg(long)]
    all: bool,
    /// Time zone that says which day it is.
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    zone: String,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    db: DbArgs,
}

pub(super) fn run(command: &ActionCommand) -> CliResult {
    match command {
        ActionCommand::Add(args) => add(args),
        ActionCommand::Done(args) => end(args, ActionState::Done),
        ActionCommand::Drop(args) => end(args, ActionState::Dropped),
        ActionCommand::List(args) => list(args),
    }
}

fn add(args: &AddArgs) -> CliResult {
    let noted = args.record.noted()?;
    with(&args.record.db.address()?, Access::Write, async |store| {
        if let Some(incident) = &args.incident {
            register::needed::<Incident>(store, incident).await?;
        }
        let id = match &args.id {
            Some(id) => id.clone(),
            None => register::next_id(store, Kind::Action, "ACT", noted.at).await?,
        };
        let action = Action {
            noted: noted.clone(),
            id: id.clone(),
            title: args.title.clone(),
            incident: args.incident.clone(),
            initiative: None,
            factor: args.factor.clone(),
            owner: args.owner.clone(),
            due: args.due,
            opened_at: noted.at,
            state: ActionState::Open,
            ended_at: None,
            evidence: None,
            url: args.url.clone(),
        };
        if register::latest::<Action>(store, &id).await?.is_some() {
            return Err(CliError::new(
                exit::DATA,
                format!("there is an action `{id}` already"),
            ));
        }
        register::keep(store, action.into(), None).await?;
        let mut out = anstream::stdout().lock();
        writeln!(
            out,
            "{}  {}",
            paint(BOLD, format!("recorded {id}")),
            args.title
        )?;
        for (missing, option) in [(args.owner.is_none(), "owner"), (args.due.is_none(), "due")] {
            if missing {
                writeln!(
                    out,
                    "  {}",
                    paint(
                        DIM,
                        format!("without --{option} it is nobody's and never overdue")
                    )
                )?;
            }
        }
        Ok(exit::ALLOW)
    })
}

fn end(args: &EndArgs, state: ActionState) -> CliResult {
    let noted = match state {
        ActionState::Dropped => args.record.noted_because("giving up an action")?,
        _ => args.record.noted()?,
    };
    with(&args.record.db.address()?, Access::Write, async |store| {
        let (current, seq) = register::needed::<Action>(store, &args.id).await?;
        let mut action = current.clone();
        action.evidence = args.evidence.clone().or(action.evidence.take());
        if action.state != state {
            action.state = state;
            action.ended_at = Some(noted.at);
        }
        let mut out = anstream::stdout().lock();
        if action == current {
            writeln!(out, "{} is {state} already", args.id)?;
            return Ok(exit::ALLOW);
        }
        let shown = action.evidence.is_some();
        action.noted = noted.clone();
        register::keep(store, action.into(), Some(seq)).await?;
        writeln!(
            out,
            "{}  {}",
            paint(BOLD, format!("{} is {state}", args.id)),
            current.title
        )?;
        if state == ActionState::Done && !shown {
            writeln!(
                out,
                "  {}",
                paint(
                    DIM,
                    "done, not yet shown to help: add --evidence when something shows it"
                )
            )?;
        }
        Ok(exit::ALLOW)
    })
}

fn list(args: &ListArgs) -> CliResult {
    let zone: TimeZone = register::zone_named(&args.zone)?;
    let today = zone.to_datetime(jiff::Timestamp::now()).date();
    with(&args.db.address()?, Access::Read, async |store| {
        let mut actions = register::all::<Action>(store, Range::ALL).await?;
        actions.retain(|it| args.all || it.state == ActionState::Open);
        actions.retain(|it| args.incident.is_none() || it.incident == args.incident);
        actions.sort_by(|a, b| {
            let key = |it: &Action| (it.state, !it.is_overdue(today), it.due.unwrap_or(Date::MAX));
            key(a).cmp(&key(b)).then_with(|| a.id.cmp(&b.id))
        });
        let mut out = anstream::stdout().lock();
        if args.json {
            out.write_all(json(&actions)?.as_bytes())?;
            return Ok(exit::ALLOW);
        }
        let mut table = Table::new(&["id", "state", "due", "owner", "incident", "helped", "title"]);
        for it in &actions {
            let state = if it.is_overdue(today) {
                "overdue".to_owned()
            } else {
                it.state.to_string()
            };
            table.row(vec![
                it.id.clone(),
                state,
                it.due.map_or("-".to_owned(), |due| due.to_string()),
                it.owner.clone().unwrap_or_else(|| "nobody".to_owned()),
                it.incident.clone().unwrap_or_default(),
                if it.evidence.is_some() { "shown" } else { "-" }.to_owned(),
                it.title.clone(),
            ]);
        }
        table.print(&mut out)?;
        let overdue = actions.iter().filter(|it| it.is_overdue(today)).count();
        let text = format!(
            "{}, {overdue} overdue",
            count(actions.len() as u64, "action")
        );
        writeln!(out, "{}", paint(DIM, text))?;
        Ok(exit::ALLOW)
    })
}
