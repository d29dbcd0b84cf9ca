//! `countersign incident show`.

use std::io::Write;

use clap::Args;
use countersign_core::moment;
use countersign_operations::action::Action;
use countersign_operations::availability::{Objective, Window, availability};
use countersign_operations::factor::{FactorClaim, Standing, claims, standings};
use countersign_operations::history::{FieldChange, History};
use countersign_operations::incident::Incident;
use countersign_operations::link::{Link, LinkState};
use countersign_store::{Access, Range, Store};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::database::{DbArgs, with};
use crate::error::{CliError, CliResult, exit};
use crate::register::{self, ZoneArgs, cut, minutes, short};
use crate::report::{count, json};
use crate::style::{BOLD, DIM, paint};

/// Show one incident, today's or as it was known on a day.
#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// Its id.
    id: String,
    /// As it was known at this time.
    #[arg(long, value_name = "TIME")]
    as_of: Option<String>,
    /// Also every version: who changed what, when and why.
    #[arg(long)]
    history: bool,
    /// Availability over this time up to its end, by every definition.
    #[arg(long, value_name = "TIME", default_value = "30d")]
    window: String,
    /// The objective that its error budget is measured by, in percent.
    #[arg(long, value_name = "PERCENT", default_value_t = 99.9)]
    objective: f64,
    /// All requests expected in that time, for request-weighted availability
    /// where only a part was measured.
    #[arg(long, value_name = "N")]
    requests: Option<u64>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    zone: ZoneArgs,
    #[command(flatten)]
    db: DbArgs,
}

#[derive(Serialize)]
struct Shown<'a> {
    version: u32,
    incident: &'a Incident,
    clock_minutes: Option<f64>,
    weighted_minutes: Option<f64>,
    availability: &'a [Row],
    factors: &'a [Standing],
    links: &'a [Link],
    actions: &'a [Action],
    history: Vec<Version<'a>>,
}

#[derive(Serialize)]
struct Row {
    #[serde(flatten)]
    availability: countersign_operations::availability::Availability,
    budget_spent: Option<f64>,
}

#[derive(Serialize)]
struct Version<'a> {
    noted: &'a countersign_operations::noted::Noted,
    changed: Vec<FieldChange>,
}

/// What belongs to an incident.
struct Around {
    factors: Vec<Standing>,
    links: Vec<Link>,
    actions: Vec<Action>,
}

pub(super) fn run(args: &ShowArgs) -> CliResult {
    let as_of = args.zone.maybe(args.as_of.as_ref())?;
    let now = as_of.unwrap_or_else(Timestamp::now);
    with(&args.db.address()?, Access::Read, async |store| {
        register::needed::<Incident>(store, &args.id).await?;
        let history: History<Incident> = register::history(store, &args.id).await?;
        let Some(incident) = history.as_of(now) else {
            let message = format!("nothing was known of {} at {now}", args.id);
            return Err(CliError::new(exit::NOT_FOUND, message));
        };
        let around = around(store, &args.id, as_of).await?;
        let rows = rows(args, incident, now)?;
        let mut out = anstream::stdout().lock();
        if args.json {
            let versions = history
                .changes()
                .filter(|(version, _)| version.noted.at <= now);
            let shown = Shown {
                version: 1,
                incident,
                clock_minutes: incident.clock_minutes(now),
                weighted_minutes: incident.weighted_minutes(now),
                availability: &rows,
                factors: &around.factors,
                links: &around.links,
                actions: &around.actions,
                history: versions
                    .map(|(it, changed)| Version {
                        noted: &it.noted,
                        changed,
                    })
                    .collect(),
            };
            out.write_all(json(&shown)?.as_bytes())?;
            return Ok(exit::ALLOW);
        }
        head(&mut out, incident, now)?;
        table(&mut out, args, &rows)?;
        rest(&mut out, &args.id, &around)?;
        if args.history {
            versions(&mut out, &history, now)?;
        }
        Ok(exit::ALLOW)
    })
}

async fn around(store: &Store, id: &str, as_of: Option<Timestamp>) -> CliResult<Around> {
    let statements = register::statements::<FactorClaim>(store, Some(id)).await?;
    let mut links = register::statements::<Link>(store, Some(id)).await?;
    links.retain(|link| as_of.is_none_or(|at| link.noted.at <= at));
    let mut actions = register::all::<Action>(store, Range::ALL).await?;
    actions.retain(|action| action.incident.as_deref() == Some(id));
    Ok(Around {
        factors: standings(&claims(statements, as_of)),
        links,
        actions,
    })
}

fn rows(args: &ShowArgs, it: &Incident, now: Timestamp) -> CliResult<Vec<Row>> {
    let usage = |message: String| CliError::new(exit::USAGE, message);
    let length = moment::parse_duration(&args.window)
        .map_err(|message| usage(message).hint(moment::DURATION_HINT))?;
    let objective = Objective::from_percent(args.objective).map_err(usage)?;
    let Some(outages) = it.outages(now) else {
        return Ok(Vec::new());
    };
    let end = it.end().unwrap_or(now);
    let window = Window::new(end - length, end).map_err(usage)?;
    let found = availability(&window, &outages, &it.traffic, args.requests);
    let row = |it: countersign_operations::availability::Availability| Row {
        budget_spent: it.budget_spent(objective),
        availability: it,
    };
    Ok(found.into_iter().map(row).collect())
}

fn head(out: &mut impl Write, it: &Incident, now: Timestamp) -> CliResult<()> {
    let severity = it
        .severity
        .map_or("not graded", |severity| severity.as_str());
    writeln!(out, "{}  {severity}  {}", paint(BOLD, &it.id), it.status)?;
    writeln!(out, "{}\n", cut(&it.title, 500))?;
    let time = |at: Option<Timestamp>| at.map_or("not known".to_owned(), short);
    let lasted = it
        .clock_minutes(now)
        .map_or("cannot be told".to_owned(), minutes);
    let weighted = it
        .weighted_minutes(now)
        .map_or("cannot be told".to_owned(), |it| format!("{it:.1} min"));
    let join = |set: &std::collections::BTreeSet<String>| {
        set.iter().cloned().collect::<Vec<_>>().join(", ")
    };
    for (name, value) in [
        ("started", short(it.started)),
        ("detected", time(it.detected)),
        ("mitigated", time(it.mitigated)),
        ("resolved", time(it.resolved)),
        ("by the clock", lasted),
        ("weighted", format!("{weighted} {}", basis(it))),
        ("services", join(&it.services)),
        ("functions", join(&it.functions)),
        ("regions", join(&it.regions)),
        ("objects", join(&it.objects)),
        ("role of AI", it.ai.to_string()),
        ("same as", it.duplicate_of.clone().unwrap_or_default()),
        ("url", it.url.clone().unwrap_or_default()),
        (
            "sources",
            it.sources
                .iter()
                .map(|it| format!("{} {}", it.system, it.id))
                .collect::<Vec<_>>()
                .join(", "),
        ),
    ] {
        if !value.is_empty() {
            writeln!(
                out,
                "  {}{}",
                paint(DIM, format!("{name:<14}")),
                cut(&value, 300)
            )?;
        }
    }
    if let Some(summary) = &it.summary {
        writeln!(out, "\n  {}", cut(summary, 2_000))?;
    }
    if !it.timeline.is_empty() {
        writeln!(out, "\n  {}", paint(DIM, "timeline"))?;
    }
    for entry in &it.timeline {
        writeln!(out, "  {}  {}", short(entry.at), cut(&entry.text, 160))?;
    }
    Ok(())
}

fn basis(it: &Incident) -> &'static str {
    match (it.traffic.is_empty(), it.impact.is_empty()) {
        (false, _) => "(by requests that failed)",
        (true, false) => "(by share of customers)",
        (true, true) => "(nobody said how many: everyone)",
    }
}

fn table(out: &mut impl Write, args: &ShowArgs, rows: &[Row]) -> CliResult<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let title = format!(
        "availability over {}, and budget of {} % spent",
        args.window, args.objective
    );
    writeln!(out, "\n  {}", paint(DIM, title))?;
    for row in rows {
        let name = row.availability.definition.as_str();
        match row.availability.value {
            None => writeln!(
                out,
                "  {name:<54}cannot be told: not all requests were measured (--requests N)"
            )?,
            Some(value) => {
                let spent = row
                    .budget_spent
                    .map_or(String::new(), |it| format!("{:>9.1} %", it * 100.0));
                writeln!(out, "  {name:<54}{:>9.4} %{spent}", value * 100.0)?;
            }
        }
    }
    Ok(())
}

fn rest(out: &mut impl Write, id: &str, around: &Around) -> CliResult<()> {
    if !around.factors.is_empty() {
        writeln!(out, "\n  {}", paint(DIM, "factors"))?;
    }
    for it in &around.factors {
        writeln!(
            out,
            "  {:<12}{}  {}",
            it.state,
            it.factor,
            paint(DIM, it.claimants.join(", "))
        )?;
    }
    let said: Vec<&Link> = around
        .links
        .iter()
        .filter(|it| it.state != LinkState::Suggested)
        .collect();
    if !said.is_empty() {
        writeln!(out, "\n  {}", paint(DIM, "links"))?;
    }
    for it in said {
        writeln!(
            out,
            "  {:<12}{}  {}",
            it.state,
            it.to,
            paint(DIM, &it.noted.by)
        )?;
    }
    if !around.actions.is_empty() {
        writeln!(out, "\n  {}", paint(DIM, "actions"))?;
    }
    for it in &around.actions {
        let due = it.due.map_or(String::new(), |due| format!("due {due}"));
        writeln!(
            out,
            "  {:<8}{}  {}  {}",
            it.state,
            it.id,
            cut(&it.title, 80),
            paint(DIM, due)
        )?;
    }
    writeln!(
        out,
        "\n  {}",
        paint(
            DIM,
            format!("countersign link suggest {id} · countersign incident coe {id}")
        )
    )?;
    Ok(())
}

fn versions(out: &mut impl Write, history: &History<Incident>, now: Timestamp) -> CliResult<()> {
    writeln!(out, "\n  {}", paint(DIM, "history"))?;
    for (version, changes) in history
        .changes()
        .filter(|(version, _)| version.noted.at <= now)
    {
        let noted = &version.noted;
        let why = noted
            .why
            .as_ref()
            .map_or(String::new(), |why| format!(": {}", cut(why, 200)));
        writeln!(out, "  {}  {}{why}", short(noted.at), noted.by)?;
        for change in &changes {
            writeln!(out, "      {}", paint(DIM, change_text(change)))?;
        }
    }
    Ok(())
}

/// One change of a field, for people.
pub(super) fn change_text(change: &FieldChange) -> String {
    let text = |value: &Option<Value>| match value {
        None => "nothing".to_owned(),
        Some(Value::String(text)) => cut(text, 80),
        Some(Value::Array(items)) => {
            let words: Option<Vec<&str>> = items.iter().map(Value::as_str).collect();
            words.map_or_else(
                || count(items.len() as u64, "line"),
                |words| cut(&words.join(", "), 80),
            )
        }
        Some(other) => cut(&other.to_string(), 80),
    };
    format!(
        "{}: {} → {}",
        change.field,
        text(&change.before),
        text(&change.after)
    )
}
