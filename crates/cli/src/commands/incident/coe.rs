//! `countersign incident coe` and `close`.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use countersign_operations::action::{Action, ActionState};
use countersign_operations::coe::Coe;
use countersign_operations::coe::markdown::{self, ActionLine};
use countersign_operations::incident::{Incident, Status};
use countersign_operations::noted::Noted;
use countersign_operations::record::{Kind, Record};
use countersign_store::{Access, Range, Store};

use crate::database::with;
use crate::error::{CliError, CliResult, exit};
use crate::input::Input;
use crate::recorder;
use crate::register::{self, RecordArgs};
use crate::report::count;
use crate::style::{BOLD, DIM, paint};

/// Write the correction of errors (COE) of an incident as Markdown, or read it
/// back.
///
/// Without `--read` it prints the analysis, or a template of it. Fill it in and
/// read it back: its corrective actions become actions with owner and due day.
#[derive(Debug, Args)]
pub(crate) struct CoeArgs {
    /// Its id.
    id: String,
    /// Record what this file says; `-` for standard input.
    #[arg(long, value_name = "FILE")]
    read: Option<PathBuf>,
    #[command(flatten)]
    record: RecordArgs,
}

/// Close an incident that is over and analysed.
#[derive(Debug, Args)]
pub(crate) struct CloseArgs {
    /// Its id.
    id: String,
    /// Close it although nobody wrote an analysis; says why with `--why`.
    #[arg(long)]
    without_coe: bool,
    #[command(flatten)]
    record: RecordArgs,
}

pub(super) fn run(args: &CoeArgs) -> CliResult {
    match &args.read {
        None => print(args),
        Some(file) => record(args, file),
    }
}

fn print(args: &CoeArgs) -> CliResult {
    with(&args.record.db.address()?, Access::Read, async |store| {
        let (incident, _) = register::needed::<Incident>(store, &args.id).await?;
        let written = register::latest::<Coe>(store, &args.id).await?;
        let empty = || Coe::new(incident.id.clone(), incident.noted.clone());
        let coe = written.map_or_else(empty, |(coe, _)| coe);
        let actions = actions_of(store, &args.id).await?;
        let lines: Vec<ActionLine> = actions.iter().map(ActionLine::from).collect();
        let text = markdown::write(&incident, &coe, &lines);
        anstream::stdout().lock().write_all(text.as_bytes())?;
        Ok(exit::ALLOW)
    })
}

async fn actions_of(store: &Store, id: &str) -> CliResult<Vec<Action>> {
    let mut actions = register::all::<Action>(store, Range::ALL).await?;
    actions.retain(|action| action.incident.as_deref() == Some(id));
    Ok(actions)
}

fn record(args: &CoeArgs, file: &std::path::Path) -> CliResult {
    let noted = args.record.noted()?;
    let input = Input::read(file)?;
    let name = input.name.clone();
    let document = markdown::read(&input.text()?, &noted).map_err(|errors| {
        let new = CliError::new(exit::DATA, format!("{name} is not a COE that can be read"));
        errors
            .into_iter()
            .take(10)
            .fold(new, |error, it| error.hint(it.to_string()))
    })?;
    if document.coe.incident != args.id {
        let message = format!(
            "{name} is about {}, not about {}",
            document.coe.incident, args.id
        );
        return Err(CliError::new(exit::DATA, message));
    }
    with(&args.record.db.address()?, Access::Write, async |store| {
        let (incident, _) = register::needed::<Incident>(store, &args.id).await?;
        if incident.status == Status::Open {
            return Err(CliError::new(exit::DATA, format!("{} is still open", args.id))
                .hint("an analysis begins when it is mitigated: countersign incident update --mitigated TIME"));
        }
        let known = actions_of(store, &args.id).await?;
        let mut coe = document.coe.clone();
        let mut records: Vec<Record> = Vec::new();
        for line in &document.actions {
            let action = amended(store, &known, line, &args.id, &noted, records.len()).await?;
            if !coe.actions.contains(&action.id) {
                coe.actions.push(action.id.clone());
            }
            if !known.contains(&action) {
                records.push(action.into());
            }
        }
        let actions = records.len() as u64;
        records.push(coe.into());
        let entries: CliResult<Vec<_>> = records.iter().map(recorder::entry).collect();
        store.append(&noted.by, entries?).await?;
        let text = format!("recorded the analysis of {}", args.id);
        let detail = format!("{} new or changed", count(actions, "action"));
        writeln!(
            anstream::stdout().lock(),
            "{}  {}",
            paint(BOLD, text),
            paint(DIM, detail)
        )?;
        Ok(exit::ALLOW)
    })
}

/// An action as the document has it; unchanged ones stay as they were.
async fn amended(
    store: &Store,
    known: &[Action],
    line: &ActionLine,
    incident: &str,
    noted: &Noted,
    new: usize,
) -> CliResult<Action> {
    let same = |it: &&Action| match &line.id {
        Some(id) => it.id == *id,
        // The same words again are the same action, read a second time.
        None => it.title == line.title,
    };
    let state = if line.done {
        ActionState::Done
    } else {
        ActionState::Open
    };
    if let Some(known) = known.iter().find(same) {
        let dropped = known.state == ActionState::Dropped;
        let mut action = known.clone();
        action.title.clone_from(&line.title);
        action.owner.clone_from(&line.owner);
        action.due = line.due;
        if !dropped && state != known.state {
            action.state = state;
            action.ended_at = line.done.then_some(noted.at);
        }
        if action != *known {
            action.noted = noted.clone();
        }
        return Ok(action);
    }
    if let Some(id) = &line.id {
        return Err(CliError::new(
            exit::DATA,
            format!("there is no action `{id}` of this incident"),
        )
        .hint("leave the id out for a new action"));
    }
    let next = register::next_id(store, Kind::Action, "ACT", noted.at).await?;
    Ok(Action {
        noted: noted.clone(),
        id: later(&next, new),
        title: line.title.clone(),
        incident: Some(incident.to_owned()),
        initiative: None,
        factor: None,
        owner: line.owner.clone(),
        due: line.due,
        opened_at: noted.at,
        state,
        ended_at: line.done.then_some(noted.at),
        evidence: None,
        url: None,
    })
}

/// The id `places` after one: several new actions are recorded at once.
fn later(id: &str, places: usize) -> String {
    match id
        .rsplit_once('-')
        .map(|(head, number)| (head, number.parse::<usize>()))
    {
        Some((head, Ok(number))) => format!("{head}-{}", number + places),
        _ => id.to_owned(),
    }
}

pub(super) fn close(args: &CloseArgs) -> CliResult {
    let noted = match args.without_coe {
        true => args.record.noted_because("closing without an analysis")?,
        false => args.record.noted()?,
    };
    with(&args.record.db.address()?, Access::Write, async |store| {
        let (current, seq) = register::needed::<Incident>(store, &args.id).await?;
        if current.resolved.is_none() {
            let message = format!("{} is not over: nothing says when it was resolved", args.id);
            return Err(CliError::new(exit::DATA, message).hint(format!(
                "countersign incident update {} --resolved TIME --why …",
                args.id
            )));
        }
        if !args.without_coe && register::latest::<Coe>(store, &args.id).await?.is_none() {
            return Err(CliError::new(
                exit::DATA,
                format!("nobody has written the analysis of {}", args.id),
            )
            .hint(format!(
                "countersign incident coe {} > coe.md, then `--read coe.md`",
                args.id
            ))
            .hint("or close it with `--without-coe --why TEXT`"));
        }
        let mut edited = current.clone();
        edited.noted = noted.clone();
        edited.status = Status::Closed;
        let Some(closed) = current.corrected(edited) else {
            writeln!(anstream::stdout().lock(), "{} is closed already", args.id)?;
            return Ok(exit::ALLOW);
        };
        register::keep(store, closed.into(), Some(seq)).await?;
        writeln!(
            anstream::stdout().lock(),
            "{}",
            paint(BOLD, format!("closed {}", args.id))
        )?;
        Ok(exit::ALLOW)
    })
}
