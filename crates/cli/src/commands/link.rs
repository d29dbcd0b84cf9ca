//! `countersign link`: which change, if any, an incident came from.

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use countersign_core::moment;
use countersign_core::radius::SetScore;
use countersign_operations::change::Change;
use countersign_operations::deployment::Deployment;
use countersign_operations::incident::Incident;
use countersign_operations::link::{
    Compared, Evidence, Found, Link, LinkState, LinkTo, Settings, Suggested, compare, suggest,
};
use countersign_operations::noted::Noted;
use countersign_operations::record::Recorded as _;
use countersign_store::{Access, Range, Store};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::database::{DbArgs, with};
use crate::error::{CliError, CliResult, exit};
use crate::recorder;
use crate::register::{self, RecordArgs, Table, cut, short};
use crate::report::json;
use crate::rules::Rules;
use crate::style::{BOLD, DIM, paint};

/// Which change, if any, an incident came from, and how sure that is.
#[derive(Debug, Subcommand)]
pub(crate) enum LinkCommand {
    Suggest(SuggestArgs),
    /// Say that it came from a change, a deployment, or none.
    Confirm(SayArgs),
    /// Say that it did not, with `--why`.
    Reject(SayArgs),
    List(ListArgs),
}

/// Weigh every change shipped before an incident, and "none of these".
///
/// Time alone decides little: the same service, dependencies by the catalogue,
/// rollbacks, reverts, what the change did, and what people said count for more.
#[derive(Debug, Args)]
pub(crate) struct SuggestArgs {
    /// The incident.
    incident: String,
    /// Changes shipped longer ago are not looked at.
    #[arg(long, value_name = "TIME", default_value = "7d")]
    look_back: String,
    /// After this time a change is half as likely to be the cause.
    #[arg(long, value_name = "TIME", default_value = "6h")]
    half_life: String,
    /// A repository with the catalogue; else the one here, if there is one.
    #[arg(long, value_name = "DIR")]
    repo: Option<PathBuf>,
    /// Also record what was computed.
    #[arg(long)]
    record: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    db: DbArgs,
}

/// What a person says about a link.
#[derive(Debug, Args)]
pub(crate) struct SayArgs {
    /// The incident.
    incident: String,
    /// `REPOSITORY@ID`, `deployment:ID`, or `none`.
    change: String,
    #[command(flatten)]
    record: RecordArgs,
}

/// Everything that was said and computed about the links of an incident.
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// Only of this incident.
    incident: Option<String>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    db: DbArgs,
}

/// The JSON form of `link suggest`.
#[derive(Serialize)]
struct Shown<'a> {
    version: u32,
    #[serde(flatten)]
    found: &'a Found,
    #[serde(skip_serializing_if = "Option::is_none")]
    predicted: Option<&'a Compared>,
}

pub(super) fn run(command: &LinkCommand) -> CliResult {
    match command {
        LinkCommand::Suggest(args) => run_suggest(args),
        LinkCommand::Confirm(args) => say(args, LinkState::Confirmed, &args.record.noted()?),
        LinkCommand::Reject(args) => say(
            args,
            LinkState::Rejected,
            &args.record.noted_because("rejecting a link")?,
        ),
        LinkCommand::List(args) => list(args),
    }
}

fn duration(text: &str) -> CliResult<SignedDuration> {
    moment::parse_duration(text)
        .map_err(|message| CliError::new(exit::USAGE, message).hint(moment::DURATION_HINT))
}

fn run_suggest(args: &SuggestArgs) -> CliResult {
    let settings = Settings {
        look_back: duration(&args.look_back)?,
        half_life: duration(&args.half_life)?,
        ..Settings::default()
    };
    let rules = Rules::around(args.repo.as_deref())?;
    let access = if args.record {
        Access::Write
    } else {
        Access::Read
    };
    with(&args.db.address()?, access, async |store| {
        let (incident, _) = register::needed::<Incident>(store, &args.incident).await?;
        let range = around(&incident, &settings);
        let changes = register::all::<Change>(store, range).await?;
        let deployments = register::all::<Deployment>(store, range).await?;
        let statements = register::statements::<Link>(store, Some(&args.incident)).await?;
        let evidence = Evidence {
            changes: &changes,
            deployments: &deployments,
            statements: &statements,
            catalog: rules.as_ref().and_then(|rules| rules.catalog.as_ref()),
        };
        let found = suggest(&incident, &evidence, &settings);
        if args.record {
            keep(store, &found).await?;
        }
        let compared = compare(&incident, &found, &changes);
        let mut out = anstream::stdout().lock();
        if args.json {
            let shown = Shown {
                version: 1,
                found: &found,
                predicted: compared.as_ref(),
            };
            out.write_all(json(&shown)?.as_bytes())?;
            return Ok(exit::ALLOW);
        }
        print(&mut out, args, &found, evidence.catalog.is_some())?;
        if let Some(compared) = &compared {
            prediction(&mut out, compared)?;
        }
        Ok(exit::ALLOW)
    })
}

/// From the earliest candidate to a week after the end, for reverts.
fn around(incident: &Incident, settings: &Settings) -> Range {
    let week = SignedDuration::from_hours(7 * 24);
    let end = incident.end().unwrap_or_else(Timestamp::now);
    let from = incident
        .started
        .checked_sub(settings.look_back)
        .unwrap_or(Timestamp::MIN);
    let until = end.checked_add(week).unwrap_or(Timestamp::MAX);
    Range {
        from: from.as_microsecond(),
        until: until.as_microsecond(),
    }
}

async fn keep(store: &Store, found: &Found) -> CliResult<()> {
    let mut noted = Noted::by("countersign", Timestamp::now());
    noted.through = Some("countersign".to_owned());
    let mut entries = Vec::new();
    for link in found.records(&noted) {
        // What a person said stays the latest word about a link.
        let latest = register::latest::<Link>(store, &link.key()).await?;
        if latest.is_none_or(|(latest, _)| latest.state == LinkState::Suggested) {
            entries.push(recorder::entry(&link.into())?);
        }
    }
    store.append("countersign", entries).await?;
    Ok(())
}

fn print(
    out: &mut impl Write,
    args: &SuggestArgs,
    found: &Found,
    catalogue: bool,
) -> CliResult<()> {
    let looked = format!(
        "{} changes and deployments of the {} before",
        found.looked_at, args.look_back
    );
    writeln!(
        out,
        "{}  {}",
        paint(BOLD, &found.incident),
        paint(DIM, looked)
    )?;
    for it in &found.suggested {
        suggestion(out, it)?;
    }
    if !catalogue {
        writeln!(
            out,
            "  {}",
            paint(DIM, "no catalogue: dependencies were not looked at")
        )?;
    }
    let nobody_spoke = found.suggested.iter().all(|it| it.stated.is_none());
    if let Some(best) = found.suggested.first().filter(|_| nobody_spoke) {
        let to = name(&best.to);
        writeln!(
            out,
            "  {}",
            paint(
                DIM,
                format!("countersign link confirm {} {to}", found.incident)
            )
        )?;
    }
    Ok(())
}

/// How good what was said before was.
fn prediction(out: &mut impl Write, compared: &Compared) -> CliResult<()> {
    let score = &compared.score;
    let set = |set: &SetScore| {
        format!(
            "{} of {} foreseen, {} foreseen in vain",
            set.found,
            set.found + set.missed,
            set.spurious
        )
    };
    let within = |within: bool| {
        if within {
            "within the bounds"
        } else {
            "outside the bounds"
        }
    };
    writeln!(
        out,
        "\n  {}",
        paint(DIM, format!("what was predicted of {}", compared.change))
    )?;
    writeln!(
        out,
        "  services   {}; {}",
        set(&score.services),
        within(score.services_within)
    )?;
    writeln!(
        out,
        "  functions  {}; {}",
        set(&score.functions),
        within(score.functions_within)
    )?;
    if let Some(customers) = score.customers_within {
        writeln!(out, "  customers  {}", within(customers))?;
    }
    Ok(())
}

fn suggestion(out: &mut impl Write, it: &Suggested) -> CliResult<()> {
    let percent = format!("{:>5.1} %", it.probability * 100.0);
    let what = match &it.to {
        LinkTo::NoChange => "none of these".to_owned(),
        to => name(to),
    };
    let said = match (it.contested, it.stated) {
        (true, _) => "  people disagree".to_owned(),
        (false, Some(state)) => format!("  {state}, computed {:.1} %", it.computed * 100.0),
        (false, None) => String::new(),
    };
    writeln!(out, "  {percent}  {}{}", cut(&what, 120), paint(BOLD, said))?;
    for reason in &it.reasons {
        writeln!(out, "           {}", paint(DIM, cut(&reason.text, 160)))?;
    }
    Ok(())
}

/// As people type it.
fn name(to: &LinkTo) -> String {
    match to {
        LinkTo::NoChange => "none".to_owned(),
        to => to.to_string(),
    }
}

fn parse(text: &str) -> CliResult<LinkTo> {
    if text == "none" || text == "no-change" {
        return Ok(LinkTo::NoChange);
    }
    if let Some(id) = text.strip_prefix("deployment:") {
        return Ok(LinkTo::Deployment(id.to_owned()));
    }
    text.parse().map(LinkTo::Change).map_err(|message: String| {
        CliError::new(exit::USAGE, message).hint("or `deployment:ID`, or `none`")
    })
}

fn say(args: &SayArgs, state: LinkState, noted: &Noted) -> CliResult {
    let to = parse(&args.change)?;
    with(&args.record.db.address()?, Access::Write, async |store| {
        register::needed::<Incident>(store, &args.incident).await?;
        let known = match &to {
            LinkTo::Change(change) => register::latest::<Change>(store, &change.to_string())
                .await?
                .is_some(),
            LinkTo::Deployment(id) => register::latest::<Deployment>(store, id).await?.is_some(),
            LinkTo::NoChange => true,
        };
        let link = Link {
            noted: noted.clone(),
            incident: args.incident.clone(),
            to: to.clone(),
            state,
            confidence: None,
            reasons: Vec::new(),
        };
        let latest = register::latest::<Link>(store, &link.key()).await?;
        register::keep(store, link.into(), latest.map(|(_, seq)| seq)).await?;
        let mut out = anstream::stdout().lock();
        let text = format!("{state}: {} came from {}", args.incident, name(&to));
        writeln!(
            out,
            "{}  {}",
            paint(BOLD, text),
            paint(DIM, format!("by {}", noted.by))
        )?;
        if !known {
            writeln!(
                out,
                "  {} is not recorded; it counts all the same",
                name(&to)
            )?;
        }
        Ok(exit::ALLOW)
    })
}

fn list(args: &ListArgs) -> CliResult {
    with(&args.db.address()?, Access::Read, async |store| {
        let mut links = register::statements::<Link>(store, args.incident.as_deref()).await?;
        links.sort_by(|a, b| (&a.incident, &a.noted).cmp(&(&b.incident, &b.noted)));
        let mut out = anstream::stdout().lock();
        if args.json {
            out.write_all(json(&links)?.as_bytes())?;
            return Ok(exit::ALLOW);
        }
        let mut table = Table::new(&[
            "incident",
            "change",
            "state",
            "confidence",
            "when",
            "by",
            "why",
        ]);
        for it in &links {
            let reasons: Vec<&str> = it.reasons.iter().map(|it| it.text.as_str()).collect();
            table.row(vec![
                it.incident.clone(),
                name(&it.to),
                it.state.to_string(),
                it.confidence.map_or(String::new(), |it| it.to_string()),
                short(it.noted.at),
                it.noted.by.clone(),
                it.noted.why.clone().unwrap_or_else(|| reasons.join("; ")),
            ]);
        }
        table.print(&mut out)?;
        if links.is_empty() {
            writeln!(out, "no links")?;
        }
        Ok(exit::ALLOW)
    })
}
