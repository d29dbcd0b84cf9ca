//! `countersign deployment`: versions on their way into an environment.

use std::io::Write;

use clap::{Args, Subcommand};
use countersign_core::effect::Environment;
use countersign_operations::change::ChangeRef;
use countersign_operations::deployment::{Deployment, Move, Outcome, Stage};
use countersign_operations::record::Kind;
use countersign_store::{Access, Range};

use crate::database::{DbArgs, with};
use crate::error::{CliError, CliResult, exit};
use crate::register::{self, RecordArgs, Table, ZoneArgs, short};
use crate::report::{count, json};
use crate::style::{BOLD, DIM, paint};

/// Record and list deployments.
#[derive(Debug, Subcommand)]
pub(crate) enum DeploymentCommand {
    Record(Box<RecordDeploymentArgs>),
    List(ListArgs),
}

/// Record a deployment, or what became of one (with its `--id`).
#[derive(Debug, Args)]
pub(crate) struct RecordDeploymentArgs {
    /// The service.
    service: String,
    /// Its id; else the next of the form `DEP-2026-7`.
    #[arg(long, value_name = "ID")]
    id: Option<String>,
    /// What was deployed: a tag, a digest, a build number.
    #[arg(long = "release", value_name = "VERSION")]
    release: Option<String>,
    /// local, development, staging or production.
    #[arg(long, value_name = "ENVIRONMENT")]
    environment: Option<String>,
    /// What the organisation calls it, such as `prod-eu-1`.
    #[arg(long, value_name = "NAME")]
    target: Option<String>,
    /// deploy, roll-back or remove.
    #[arg(long = "move", value_name = "MOVE")]
    moved: Option<Move>,
    /// When it began; `now` when left out.
    #[arg(long, value_name = "TIME")]
    started: Option<String>,
    /// When it ended.
    #[arg(long, value_name = "TIME")]
    finished: Option<String>,
    /// running, succeeded, failed, halted or rolled-back. Left out: succeeded
    /// once it has ended.
    #[arg(long)]
    outcome: Option<Outcome>,
    /// A stage: `NAME=TIME=OUTCOME`, such as `canary=2026-03-05T09:00Z=halted`.
    #[arg(long = "stage", value_name = "STAGE")]
    stages: Vec<String>,
    /// A change that it shipped: `REPOSITORY@COMMIT`.
    #[arg(long = "change", value_name = "CHANGE")]
    changes: Vec<ChangeRef>,
    /// The AI tool that ran it.
    #[arg(long, value_name = "TOOL")]
    tool: Option<String>,
    #[command(flatten)]
    zone: ZoneArgs,
    #[command(flatten)]
    record: RecordArgs,
}

/// List deployments, oldest first.
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// Only those of this service.
    #[arg(long, value_name = "ID")]
    service: Option<String>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    db: DbArgs,
}

pub(super) fn run(command: &DeploymentCommand) -> CliResult {
    match command {
        DeploymentCommand::Record(args) => record(args),
        DeploymentCommand::List(args) => list(args),
    }
}

fn record(args: &RecordDeploymentArgs) -> CliResult {
    let noted = args.record.noted()?;
    let started = args.zone.maybe(args.started.as_ref())?;
    with(&args.record.db.address()?, Access::Write, async |store| {
        let id = match &args.id {
            Some(id) => id.clone(),
            None => {
                register::next_id(store, Kind::Deployment, "DEP", started.unwrap_or(noted.at))
                    .await?
            }
        };
        let known = register::latest::<Deployment>(store, &id).await?;
        let seq = known.as_ref().map(|(_, seq)| *seq);
        let first = started.unwrap_or(noted.at);
        let mut it = known.map_or_else(
            || Deployment::new(id.clone(), args.service.clone(), first, noted.clone()),
            |(known, _)| known,
        );
        if it.service != args.service {
            let message = format!(
                "the deployment `{id}` is of `{}`, not of `{}`",
                it.service, args.service
            );
            return Err(CliError::new(exit::DATA, message));
        }
        it.noted = noted.clone();
        it.started = started.unwrap_or(it.started);
        apply(args, &mut it)?;
        register::keep(store, it.clone().into(), seq).await?;
        let what = format!("{} of {}, {}", it.moved, it.service, it.outcome);
        writeln!(
            anstream::stdout().lock(),
            "{}  {}",
            paint(BOLD, format!("recorded {id}")),
            paint(DIM, what)
        )?;
        Ok(exit::ALLOW)
    })
}

fn apply(args: &RecordDeploymentArgs, it: &mut Deployment) -> CliResult<()> {
    it.version = args.release.clone().or(it.version.take());
    it.target = args.target.clone().or(it.target.take());
    it.tool = args.tool.clone().or(it.tool.take());
    it.person = Some(it.noted.by.clone());
    it.moved = args.moved.unwrap_or(it.moved);
    it.finished = args.zone.maybe(args.finished.as_ref())?.or(it.finished);
    it.outcome = args.outcome.unwrap_or(match it.outcome {
        Outcome::Unknown | Outcome::Running if it.finished.is_some() => Outcome::Succeeded,
        Outcome::Unknown => Outcome::Running,
        known => known,
    });
    it.changes.extend(args.changes.iter().cloned());
    if let Some(name) = &args.environment {
        let found = Environment::ALL
            .into_iter()
            .find(|known| known.as_str() == name);
        it.environment = found.ok_or_else(|| {
            let known = Environment::ALL.map(Environment::as_str).join(", ");
            CliError::new(exit::USAGE, format!("`{name}` is not an environment"))
                .hint(format!("one of {known}"))
        })?;
    }
    for text in &args.stages {
        let stage = stage(args, text)?;
        it.stages.retain(|known| known.name != stage.name);
        it.stages.push(stage);
    }
    it.stages.sort_by_key(|stage| stage.started);
    Ok(())
}

fn stage(args: &RecordDeploymentArgs, text: &str) -> CliResult<Stage> {
    let wrong = |message: String| {
        CliError::new(exit::USAGE, message)
            .hint("write `NAME=TIME=OUTCOME`, such as `canary=now=succeeded`")
    };
    let mut parts = text.splitn(3, '=');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(name), Some(at), Some(outcome)) if !name.is_empty() => Ok(Stage {
            name: name.to_owned(),
            started: args.zone.time(at)?,
            customers: None,
            outcome: outcome.parse().map_err(|error| wrong(format!("{error}")))?,
            reason: None,
        }),
        _ => Err(wrong(format!("`{text}` is not a stage"))),
    }
}

fn list(args: &ListArgs) -> CliResult {
    with(&args.db.address()?, Access::Read, async |store| {
        let mut found = register::all::<Deployment>(store, Range::ALL).await?;
        found.retain(|it| {
            args.service
                .as_ref()
                .is_none_or(|service| it.service == *service)
        });
        let mut out = anstream::stdout().lock();
        if args.json {
            out.write_all(json(&found)?.as_bytes())?;
            return Ok(exit::ALLOW);
        }
        let mut table = Table::new(&[
            "id",
            "started",
            "service",
            "environment",
            "move",
            "outcome",
            "version",
        ]);
        for it in &found {
            table.row(vec![
                it.id.clone(),
                short(it.started),
                it.service.clone(),
                it.environment.as_str().to_owned(),
                it.moved.to_string(),
                it.outcome.to_string(),
                it.version.clone().unwrap_or_default(),
            ]);
        }
        table.print(&mut out)?;
        writeln!(
            out,
            "{}",
            paint(DIM, count(found.len() as u64, "deployment"))
        )?;
        Ok(exit::ALLOW)
    })
}
