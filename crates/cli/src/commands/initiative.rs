//! `countersign initiative`: what the organisation tries, and whether it worked.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use countersign_core::catalog::Catalog;
use countersign_git::Repo;
use countersign_operations::initiative::{
    Effectiveness, Initiative, InitiativeResult, Metric, Scope, Tested,
};
use countersign_operations::record::Kind;
use countersign_operations::week::Week;
use countersign_store::{Access, Later, Range, Store};
use jiff::tz::TimeZone;
use serde::Serialize;

use crate::commands::protected;
use crate::database::{DbArgs, with};
use crate::error::{CliError, CliResult, exit};
use crate::register::{self, RecordArgs, Table, ZoneArgs};
use crate::report::json;
use crate::review_inputs::tested;
use crate::rules::Rules;
use crate::style::{BOLD, DIM, paint};

/// Initiatives: start, end, and what may be said of their effect.
///
/// An effect is told by an interrupted series against a comparison group, never
/// by a plain before and after; where the data cannot say, what is missing is said.
#[derive(Debug, Subcommand)]
pub(crate) enum InitiativeCommand {
    Start(Box<StartArgs>),
    List(ListArgs),
    End(EndArgs),
    Result(ResultArgs),
}

/// Start an initiative.
#[derive(Debug, Args)]
pub(crate) struct StartArgs {
    /// What it is, in one line.
    title: String,
    /// Its id; else the next of the form `INI-2026-3`.
    #[arg(long, value_name = "ID")]
    id: Option<String>,
    /// Who answers for it, by id on the roster.
    #[arg(long, value_name = "PERSON")]
    owner: String,
    /// What should become better, and why that is to be expected.
    #[arg(long, value_name = "TEXT")]
    hypothesis: String,
    /// What is measured: `incidents-per-change`, `sev2-incidents-per-change`,
    /// `incidents-per-week`, `sev2-incidents-per-week` (that severity or worse).
    #[arg(long, value_name = "METRIC")]
    metric: Metric,
    /// The services it treats.
    #[arg(long, value_name = "SERVICE", value_delimiter = ',')]
    services: Vec<String>,
    /// The tiers it treats.
    #[arg(long, value_name = "TIER", value_delimiter = ',')]
    tiers: Vec<u8>,
    /// The teams it treats.
    #[arg(long, value_name = "TEAM", value_delimiter = ',')]
    teams: Vec<String>,
    /// Services that it should not change, to compare with.
    #[arg(long, value_name = "SERVICE", value_delimiter = ',')]
    compare_services: Vec<String>,
    /// Tiers to compare with.
    #[arg(long, value_name = "TIER", value_delimiter = ',')]
    compare_tiers: Vec<u8>,
    /// Teams to compare with.
    #[arg(long, value_name = "TEAM", value_delimiter = ',')]
    compare_teams: Vec<String>,
    /// When it begins.
    #[arg(long, value_name = "TIME", default_value = "now")]
    start: String,
    /// When it ends unless prolonged.
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// What ends it, such as `sev2-per-day at most 0.3 over 8 weeks`.
    #[arg(long = "exit", value_name = "TEXT")]
    exit_criteria: Vec<String>,
    /// Policy packs that it switches on, by id.
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    packs: Vec<String>,
    #[command(flatten)]
    zone: ZoneArgs,
    #[command(flatten)]
    record: RecordArgs,
}

/// List initiatives with what may be said of each.
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// Also those that are over.
    #[arg(long)]
    all: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// The repository with the catalogue, which says what has which tier.
    #[arg(long, value_name = "DIR", default_value = ".")]
    repo: PathBuf,
    #[command(flatten)]
    db: DbArgs,
}

/// End an initiative.
#[derive(Debug, Args)]
pub(crate) struct EndArgs {
    /// Its id.
    id: String,
    /// When it ended.
    #[arg(long, value_name = "TIME", default_value = "now")]
    at: String,
    #[command(flatten)]
    zone: ZoneArgs,
    #[command(flatten)]
    record: RecordArgs,
}

/// Test an initiative and show what may be said; `--record` keeps it as its result.
#[derive(Debug, Args)]
pub(crate) struct ResultArgs {
    /// Its id.
    id: String,
    /// Keep it as the result.
    #[arg(long = "record")]
    record_it: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// The repository with the catalogue, which says what has which tier.
    #[arg(long, value_name = "DIR", default_value = ".")]
    repo: PathBuf,
    #[command(flatten)]
    record: RecordArgs,
}

/// The JSON form.
#[derive(Serialize)]
struct Shown<'a> {
    version: u32,
    initiative: &'a Initiative,
    tested: &'a Tested,
}

pub(super) fn run(command: &InitiativeCommand) -> CliResult {
    match command {
        InitiativeCommand::Start(args) => start(args),
        InitiativeCommand::List(args) => list(args),
        InitiativeCommand::End(args) => end(args),
        InitiativeCommand::Result(args) => result(args),
    }
}

fn scope(services: &[String], tiers: &[u8], teams: &[String]) -> Scope {
    Scope {
        services: services.iter().cloned().collect(),
        tiers: tiers.iter().copied().collect(),
        teams: teams.iter().cloned().collect(),
        ..Scope::default()
    }
}

/// The metric as it is written in the record.
fn metric(metric: Metric) -> String {
    let of = metric.severity.map_or(String::new(), |severity| {
        format!("{}-", severity.as_str().to_lowercase())
    });
    let per = if metric.per_change { "change" } else { "week" };
    format!("{of}incidents-per-{per}")
}

fn start(args: &StartArgs) -> CliResult {
    let noted = args.record.noted()?;
    let begin = args.zone.time(&args.start)?;
    let until = args.zone.maybe(args.until.as_ref())?;
    let treated = scope(&args.services, &args.tiers, &args.teams);
    let other = scope(
        &args.compare_services,
        &args.compare_tiers,
        &args.compare_teams,
    );
    let comparison = Some(other).filter(|other| *other != Scope::default());
    if comparison.as_ref() == Some(&treated) {
        return Err(
            CliError::new(exit::USAGE, "it would be compared with itself")
                .hint("compare with services that it does not treat"),
        );
    }
    with(&args.record.db.address()?, Access::Write, async |store| {
        let id = match &args.id {
            Some(id) => id.clone(),
            None => register::next_id(store, Kind::Initiative, "INI", noted.at).await?,
        };
        if register::latest::<Initiative>(store, &id).await?.is_some() {
            return Err(CliError::new(
                exit::DATA,
                format!("there is an initiative `{id}` already"),
            ));
        }
        let initiative = Initiative {
            noted: noted.clone(),
            id: id.clone(),
            title: args.title.clone(),
            owner: args.owner.clone(),
            hypothesis: args.hypothesis.clone(),
            metric: metric(args.metric),
            scope: treated.clone(),
            comparison: comparison.clone(),
            start: begin,
            end: until,
            exit_criteria: args.exit_criteria.clone(),
            packs: args.packs.iter().cloned().collect(),
            result: None,
        };
        register::keep(store, initiative.into(), None).await?;
        let mut out = anstream::stdout().lock();
        let title = paint(BOLD, format!("started {id}"));
        writeln!(out, "{title}  {}", args.title)?;
        if comparison.is_none() {
            let text = "without a comparison group, whatever happens to everybody will look like its doing";
            writeln!(out, "  {}", paint(DIM, text))?;
        }
        Ok(exit::ALLOW)
    })
}

/// The catalogue of a repository, if there is one.
fn catalog(repo: &Path) -> CliResult<Option<Catalog>> {
    let Ok(repo) = Repo::open(repo) else {
        return Ok(None);
    };
    let commit = protected(&repo)?;
    Ok(Rules::at(&repo, commit.as_ref())?.catalog)
}

/// Tests all of them, so that those which overlap are known; up to the last
/// week that is over.
async fn all_tested(
    store: &Store,
    catalog: Option<&Catalog>,
) -> CliResult<Vec<(Initiative, Tested)>> {
    let all = register::all::<Initiative>(store, Range::ALL).await?;
    let until = Week::of(register::now(), &TimeZone::UTC).before();
    tested((store, &Later::default()), all, until, catalog).await
}

fn list(args: &ListArgs) -> CliResult {
    let catalog = catalog(&args.repo)?;
    with(&args.db.address()?, Access::Read, async |store| {
        let mut all = all_tested(store, catalog.as_ref()).await?;
        all.retain(|(it, _)| args.all || it.end.is_none_or(|end| end > register::now()));
        let mut out = anstream::stdout().lock();
        if args.json {
            let shown: Vec<Shown<'_>> = all
                .iter()
                .map(|(initiative, tested)| Shown {
                    version: 1,
                    initiative,
                    tested,
                })
                .collect();
            out.write_all(json(&shown)?.as_bytes())?;
            return Ok(exit::ALLOW);
        }
        let mut table = Table::new(&["id", "owner", "since", "until", "title", "what may be said"]);
        for (it, tested) in &all {
            let day = |at: jiff::Timestamp| at.strftime("%Y-%m-%d").to_string();
            let said = it
                .result
                .as_ref()
                .map_or(&tested.sentence, |it| &it.summary);
            table.row(vec![
                it.id.clone(),
                it.owner.clone(),
                day(it.start),
                it.end.map_or("-".to_owned(), day),
                it.title.clone(),
                said.clone(),
            ]);
        }
        table.print(&mut out)?;
        if all.is_empty() {
            writeln!(out, "{}", paint(DIM, "no initiative is running"))?;
        }
        Ok(exit::ALLOW)
    })
}

fn end(args: &EndArgs) -> CliResult {
    let noted = args.record.noted_because("ending an initiative")?;
    let at = args.zone.time(&args.at)?;
    with(&args.record.db.address()?, Access::Write, async |store| {
        let (mut it, seq) = register::needed::<Initiative>(store, &args.id).await?;
        if at <= it.start {
            return Err(CliError::new(
                exit::DATA,
                format!("{} only began {}", it.id, it.start),
            ));
        }
        it.end = Some(at);
        it.noted = noted.clone();
        let id = it.id.clone();
        register::keep(store, it.into(), Some(seq)).await?;
        let mut out = anstream::stdout().lock();
        writeln!(
            out,
            "{}",
            paint(BOLD, format!("{id} ends {}", register::short(at)))
        )?;
        let text = format!("what came of it: countersign initiative result {id}");
        writeln!(out, "  {}", paint(DIM, text))?;
        Ok(exit::ALLOW)
    })
}

fn result(args: &ResultArgs) -> CliResult {
    let catalog = catalog(&args.repo)?;
    let access = if args.record_it {
        Access::Write
    } else {
        Access::Read
    };
    with(&args.record.db.address()?, access, async |store| {
        let (current, seq) = register::needed::<Initiative>(store, &args.id).await?;
        let all = all_tested(store, catalog.as_ref()).await?;
        let found = all.into_iter().find(|(it, _)| it.id == args.id);
        let tested = found.map_or_else(|| Tested::cannot("it is gone"), |(_, tested)| tested);
        let mut out = anstream::stdout().lock();
        if args.json {
            let shown = Shown {
                version: 1,
                initiative: &current,
                tested: &tested,
            };
            out.write_all(json(&shown)?.as_bytes())?;
        } else {
            print(&mut out, &current, &tested)?;
        }
        if args.record_it {
            let mut judged = current.clone();
            judged.noted = args.record.noted()?;
            judged.result = Some(InitiativeResult {
                effectiveness: tested.effectiveness,
                summary: tested.sentence.clone(),
                judged_at: judged.noted.at,
            });
            register::keep(store, judged.into(), Some(seq)).await?;
            writeln!(out, "{}", paint(DIM, "recorded as its result"))?;
        }
        Ok(exit::ALLOW)
    })
}

fn print(out: &mut impl Write, it: &Initiative, tested: &Tested) -> CliResult<()> {
    writeln!(out, "{}  {}", paint(BOLD, &it.id), it.title)?;
    writeln!(out, "  hoped for: {}", it.hypothesis)?;
    writeln!(out, "  {}", tested.sentence)?;
    let weeks = format!(
        "{} weeks before it, {} from it on{}",
        tested.weeks_before,
        tested.weeks_after,
        if tested.compared {
            ", against a comparison group"
        } else {
            ""
        }
    );
    writeln!(out, "  {}", paint(DIM, weeks))?;
    if tested.effectiveness == Effectiveness::CannotTell {
        let text = if tested.compared {
            "more weeks or more changes in its scope would help"
        } else {
            "more weeks, more changes in its scope, or a comparison group would help"
        };
        writeln!(out, "  {}", paint(DIM, text))?;
    }
    Ok(())
}
