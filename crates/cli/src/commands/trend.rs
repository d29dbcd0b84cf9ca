//! `countersign trend`: are incidents trending, since when, and what may be said
//! of the cause?

use std::collections::BTreeSet;
use std::io::Write;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use countersign_operations::trend::{By, Event, Metric, Options, analyse};
use countersign_operations::week::Week;
use countersign_store::Access;

use crate::database::{DbArgs, with};
use crate::error::{CliError, CliResult, exit};
use crate::history::{self, Files, Gathered};
use crate::links;
use crate::report::trend::{TrendReport, html, human};
use crate::report::{json, pdf};
use crate::rules::Rules;

/// Are incidents trending, since when, and is AI-assisted work riskier?
///
/// Rates are per change shipped or per service-hour; a count without exposure is
/// never called a rate. Every answer is one of four: higher, lower, no evidence
/// of a difference (with what would have been seen), cannot tell (with why).
/// Undeclared changes are never counted as made without AI.
#[derive(Debug, Args)]
pub(crate) struct TrendArgs {
    /// Incidents, as CSV or JSON lines: `id`, `started_at`, `severity`,
    /// `services`, `links`, `ai`. Without them, what is recorded in the database.
    #[arg(long, value_name = "FILE", conflicts_with = "db")]
    incidents: Vec<PathBuf>,
    /// Changes shipped, as CSV or JSON lines: `id`, `shipped_at`, `service`,
    /// `tier`, `team`, `author_level`, `lines`, `ai`, `count`.
    #[arg(long, value_name = "FILE", requires = "incidents")]
    changes: Vec<PathBuf>,
    /// Hours that services were offered: `week`, `service`, `hours`.
    #[arg(long, value_name = "FILE")]
    service_hours: Vec<PathBuf>,
    /// Something that may have changed the rate, with its first day, and the
    /// services it could have changed: `job cuts=2026-01-28`, `policy=2026-03-10@shop,prices`.
    #[arg(long, value_name = "NAME=DATE", value_parser = event)]
    event: Vec<Happening>,
    /// The same from a file: `name`, `date`, `services`.
    #[arg(long, value_name = "FILE")]
    events: Vec<PathBuf>,
    /// First week: a date in it, or its name such as `2026-W11`. Without it the
    /// first whole week on record.
    #[arg(long, value_name = "WEEK", value_parser = history::week)]
    since: Option<Week>,
    /// Last week. Without it the last whole week on record.
    #[arg(long, value_name = "WEEK", value_parser = history::week)]
    until: Option<Week>,
    /// What a rate is per.
    #[arg(long, value_enum, default_value_t)]
    metric: Per,
    /// Which parts get a trend of their own; all when not given.
    #[arg(long, value_enum, value_name = "PART")]
    by: Vec<Part>,
    /// The ratio above which you would act: smaller differences need not show.
    #[arg(long, value_name = "RATIO", default_value_t = 1.5)]
    relevant: f64,
    /// Chance of ever raising a false alarm.
    #[arg(long, value_name = "SHARE", default_value_t = 0.05)]
    alpha: f64,
    /// Links to changes count from this confidence on.
    #[arg(long, value_name = "CONFIDENCE", default_value_t = links::SURE)]
    link_threshold: f64,
    #[command(flatten)]
    db: DbArgs,
    /// A repository with the catalogue, for service-hours of what is recorded;
    /// else the one here, if there is one.
    #[arg(long, value_name = "DIR")]
    repo: Option<PathBuf>,
    /// How to print the answer.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Write the answer to this file.
    #[arg(long, value_name = "FILE", required_if_eq("format", "pdf"))]
    output: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For a person at a terminal.
    #[default]
    Human,
    /// Versioned and documented, for programs.
    Json,
    /// A page that stands alone, with everything drawn.
    Html,
    /// That page, printed by an installed browser of the Chromium family.
    Pdf,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum Per {
    /// Changes shipped.
    #[default]
    Changes,
    /// Hours that services were offered.
    ServiceHours,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Part {
    Severity,
    Service,
    Involvement,
}

#[derive(Debug, Clone)]
struct Happening {
    name: String,
    week: Week,
    services: Vec<String>,
}

fn event(text: &str) -> Result<Happening, String> {
    let (name, rest) = text
        .rsplit_once('=')
        .filter(|(name, _)| !name.trim().is_empty())
        .ok_or("expected NAME=DATE, such as `job cuts=2026-01-28`")?;
    let (date, services) = rest.split_once('@').unwrap_or((rest, ""));
    Ok(Happening {
        name: history::clean(name),
        week: Week::of_date(history::day(date)?),
        services: services
            .split(',')
            .map(str::trim)
            .filter(|service| !service.is_empty())
            .map(str::to_owned)
            .collect(),
    })
}

pub(super) fn run(args: &TrendArgs) -> CliResult {
    let options = options(args);
    options
        .check()
        .map_err(|error| CliError::new(exit::USAGE, error.to_string()))?;
    let mut gathered = gather(args)?;
    let known = gathered.services();
    for happening in &args.event {
        add(&mut gathered, happening, &known)?;
    }
    let (history, inputs, warnings) = gathered.history(args.since, args.until)?;
    let analysis = analyse(&history, &options)
        .map_err(|error| CliError::new(exit::DATA, error.to_string()))?;
    let report = TrendReport::new(analysis, inputs, warnings);
    let answer = match args.format {
        Format::Human => human(&report).into_bytes(),
        Format::Json => json(&report)?.into_bytes(),
        Format::Html => html(&report).into_bytes(),
        Format::Pdf => pdf::print(&html(&report))?,
    };
    write(args, &answer)?;
    Ok(exit::ALLOW)
}

/// From files, or else from the database.
fn gather(args: &TrendArgs) -> CliResult<Gathered> {
    let files = Files {
        incidents: &args.incidents,
        changes: &args.changes,
        service_hours: &args.service_hours,
        events: &args.events,
    };
    if !args.incidents.is_empty() {
        return history::read(files);
    }
    let address = args.db.address().map_err(|error| {
        error.hint("or name files: `--incidents FILE`, and `--changes FILE` for rates")
    })?;
    let rules = Rules::around(args.repo.as_deref())?;
    let catalog = rules.as_ref().and_then(|rules| rules.catalog.as_ref());
    // Hours that someone measured are better than any that are assumed.
    let catalog = catalog.filter(|_| args.service_hours.is_empty());
    let mut gathered = with(&address, Access::Read, async |store| {
        history::read_store(store, &address, catalog).await
    })?;
    history::read_more(files, &mut gathered)?;
    Ok(gathered)
}

fn options(args: &TrendArgs) -> Options {
    let mut options = Options {
        metric: match args.metric {
            Per::Changes => Metric::Changes,
            Per::ServiceHours => Metric::ServiceHours,
        },
        relevant_ratio: args.relevant,
        alpha: args.alpha,
        link_threshold: args.link_threshold,
        ..Options::default()
    };
    if !args.by.is_empty() {
        options.by = args
            .by
            .iter()
            .map(|part| match part {
                Part::Severity => By::Severity,
                Part::Service => By::Service,
                Part::Involvement => By::Involvement,
            })
            .collect();
    }
    options
}

/// A service that nothing is known of is a slip: there is nothing to see of what
/// the event did to it.
fn add(gathered: &mut Gathered, happening: &Happening, known: &BTreeSet<String>) -> CliResult<()> {
    if let Some(unknown) = happening.services.iter().find(|it| !known.contains(*it)) {
        let listed: Vec<&str> = known.iter().take(12).map(String::as_str).collect();
        return Err(CliError::new(
            exit::USAGE,
            format!(
                "the event `{}` names the service `{}`, of which nothing is known",
                happening.name,
                history::clean(unknown)
            ),
        )
        .hint(format!(
            "services with changes, hours or incidents: {}",
            listed.join(", ")
        )));
    }
    let names = &mut gathered.exposure.names;
    let affects = happening
        .services
        .iter()
        .map(|service| names.name(service))
        .collect();
    gathered.events.push(Event {
        name: happening.name.clone(),
        week: happening.week,
        affects,
    });
    Ok(())
}

fn write(args: &TrendArgs, answer: &[u8]) -> CliResult<()> {
    if let Some(path) = &args.output {
        return std::fs::write(path, answer).map_err(|error| {
            CliError::new(
                exit::IO,
                format!("writing {} failed: {error}", path.display()),
            )
        });
    }
    let mut out = anstream::stdout().lock();
    out.write_all(answer)?;
    out.flush()?;
    Ok(())
}
