//! `countersign pack`: temporary policy packs, proposed, measured, ended.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use countersign_core::catalog::Catalog;
use countersign_core::policy;
use countersign_core::roster::Levels;
use countersign_git::Repo;
use countersign_operations::incident::Severity;
use countersign_operations::pack::{Candidate, Draft, PackActivation};
use countersign_operations::review::objectives::Objective;
use countersign_operations::review::{Criterion, Inputs, Zone, criteria};
use countersign_operations::week::Week;
use countersign_store::{Access, Store};
use jiff::ToSpan as _;
use jiff::tz::TimeZone;
use serde::Serialize;

use crate::commands::protected;
use crate::database::{DbArgs, with};
use crate::error::{CliError, CliResult, exit};
use crate::register::{self, RecordArgs, Table, short};
use crate::report::review::reached;
use crate::report::{count, json};
use crate::review_inputs::{Asked, gather};
use crate::rules::Rules;
use crate::style::{BOLD, DIM, paint};

/// Weeks looked at for the reasons of a proposal.
const LOOK_BACK: i32 = 13;

/// Temporary policy packs, such as a 90-day reset of the most important services.
///
/// A pack is text in the policy, which people review and merge as any other
/// change; nothing here edits a policy. What is recorded is that it was switched
/// on, for which services and why, so that it is measured while it runs.
#[derive(Debug, Subcommand)]
pub(crate) enum PackCommand {
    Propose(ProposeArgs),
    Start(StartArgs),
    #[command(visible_alias = "list")]
    Status(StatusArgs),
    End(EndArgs),
}

/// Draft a pack for a list of services derived from the catalogue, with the
/// reason for each.
#[derive(Debug, Args)]
pub(crate) struct ProposeArgs {
    /// Which services: `tier1` is every service of tier 1 or more important; or
    /// ids, with commas between.
    #[arg(long, value_name = "tierN|ID,ID")]
    services: String,
    /// For how many days.
    #[arg(long, value_name = "DAYS", default_value_t = 90, value_parser = clap::value_parser!(u16).range(1..=366))]
    days: u16,
    /// Why, in your words.
    #[arg(long, value_name = "TEXT")]
    why: String,
    /// Who answers for it, by id on the roster.
    #[arg(long, value_name = "PERSON")]
    owner: String,
    /// Its id.
    #[arg(long, value_name = "ID", default_value = "temporary-reset")]
    id: String,
    /// What ends it; else the rate of the last year is asked for again.
    #[arg(long, value_name = "TEXT")]
    exit: Option<String>,
    /// Sign-offs that it asks for.
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=5))]
    signoffs: u32,
    /// The repository with the catalogue.
    #[arg(long, value_name = "DIR", default_value = ".")]
    repo: PathBuf,
    /// Write the draft to this new file; else it is printed.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    db: DbArgs,
}

/// Record that a pack of the policy is switched on, and for which services.
#[derive(Debug, Args)]
pub(crate) struct StartArgs {
    /// The pack, as the policy of the protected branch names it.
    pack: String,
    /// Which services, as for `propose`.
    #[arg(long, value_name = "tierN|ID,ID")]
    services: String,
    /// The initiative that it serves.
    #[arg(long, value_name = "ID")]
    initiative: Option<String>,
    /// The repository with policy and catalogue.
    #[arg(long, value_name = "DIR", default_value = ".")]
    repo: PathBuf,
    #[command(flatten)]
    record: RecordArgs,
}

/// Packs in force, days left, and whether their exit criteria are reached.
#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    /// Also those that are over.
    #[arg(long)]
    all: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// The repository with policy and catalogue.
    #[arg(long, value_name = "DIR", default_value = ".")]
    repo: PathBuf,
    #[command(flatten)]
    db: DbArgs,
}

/// End a pack early, for the reason in `--why`. The policy has to drop it too.
#[derive(Debug, Args)]
pub(crate) struct EndArgs {
    /// Its id, as `pack status` shows it.
    id: String,
    #[command(flatten)]
    record: RecordArgs,
}

pub(super) fn run(command: &PackCommand) -> CliResult {
    match command {
        PackCommand::Propose(args) => propose(args),
        PackCommand::Start(args) => start(args),
        PackCommand::Status(args) => status(args),
        PackCommand::End(args) => end(args),
    }
}

fn rules(path: &std::path::Path) -> CliResult<Rules> {
    let repo = Repo::open(path)?;
    let commit = protected(&repo)?;
    Rules::at(&repo, commit.as_ref())
}

fn today() -> Week {
    Week::of(register::now(), &TimeZone::UTC)
}

async fn inputs(store: &Store, rules: Option<&Rules>) -> CliResult<Inputs> {
    let asked = Asked {
        week: today(),
        zone: Zone::utc(),
        cut_off: register::now(),
        objectives: Vec::new(),
        catalog: rules.and_then(|it| it.catalog.as_ref()),
        policy: rules.map(|it| &it.policy),
        usages: rules.map(|it| &it.usages),
    };
    gather(store, &asked).await
}

/// The services that are meant, with what speaks for each.
fn candidates(text: &str, catalog: &Catalog, inputs: &Inputs) -> CliResult<Vec<Candidate>> {
    let tier: Option<u8> = text.strip_prefix("tier").and_then(|tier| tier.parse().ok());
    let named: BTreeSet<&str> = text.split(',').map(str::trim).collect();
    let services = catalog.services();
    if tier.is_none() {
        let known: BTreeSet<&str> = services.iter().map(|it| it.id.as_str()).collect();
        if let Some(unknown) = named.iter().find(|it| !known.contains(**it)) {
            let error = CliError::new(
                exit::NOT_FOUND,
                format!("the catalogue has no service `{unknown}`"),
            );
            let close = countersign_core::problem::closest(unknown, known.iter().copied());
            return Err(match close {
                Some(close) => error.hint(format!("did you mean `{close}`?")),
                None => error.hint("write `tier1`, or ids with commas between"),
            });
        }
    }
    let from = today().plus(1 - LOOK_BACK);
    let start = from.bounds(&TimeZone::UTC).0;
    let mut found: Vec<Candidate> = services
        .iter()
        .filter(|it| match tier {
            Some(tier) => catalog.tier(it) <= tier,
            None => named.contains(it.id.as_str()),
        })
        .map(|it| {
            let began = inputs.began.iter();
            let own = began.filter(|began| began.at >= start && began.services.contains(&it.id));
            let (mut incidents, mut grave) = (0, 0);
            for began in own {
                incidents += 1;
                grave += u64::from(began.severity.is_some_and(|it| it <= Severity::Sev2));
            }
            let shipped = inputs.service_shipped.iter();
            let shipped = shipped.filter(|((of, week), _)| *of == it.id && *week >= from);
            Candidate {
                service: it.id.clone(),
                tier: catalog.tier(it),
                grave,
                incidents,
                changes: shipped.map(|(_, n)| n).sum(),
                weeks: LOOK_BACK,
                paths: it.paths.iter().flat_map(|it| globs(it.as_str())).collect(),
            }
        })
        .collect();
    found.sort_by(|a, b| {
        let key = |it: &Candidate| (it.tier, u64::MAX - it.grave, u64::MAX - it.incidents);
        key(a).cmp(&key(b)).then_with(|| a.service.cmp(&b.service))
    });
    if found.is_empty() {
        return Err(CliError::new(
            exit::NOT_FOUND,
            format!("no service of the catalogue is meant by `{text}`"),
        ));
    }
    Ok(found)
}

/// A place of the catalogue covers everything below it too.
fn globs(place: &str) -> Vec<String> {
    if place.ends_with("/**") {
        return vec![place.to_owned()];
    }
    vec![place.to_owned(), format!("{place}/**")]
}

fn needed_catalog(rules: &Rules) -> CliResult<&Catalog> {
    rules.catalog.as_ref().ok_or_else(|| {
        CliError::new(
            exit::NOT_FOUND,
            "there is no catalogue to derive services from",
        )
        .hint("draft one: countersign catalog draft")
    })
}

/// What a year of these services was like, to be asked for again.
fn usual(inputs: &Inputs, services: &[Candidate]) -> CliResult<String> {
    let names: BTreeSet<&str> = services.iter().map(|it| it.service.as_str()).collect();
    let before = today().plus(-LOOK_BACK);
    let start = before.bounds(&TimeZone::UTC).1;
    let grave = inputs.began.iter().filter(|it| {
        it.at < start
            && it.severity.is_some_and(|it| it <= Severity::Sev2)
            && it.services.iter().any(|it| names.contains(it.as_str()))
    });
    let shipped = inputs.service_shipped.iter();
    let shipped = shipped.filter(|((of, week), _)| names.contains(of.as_str()) && *week <= before);
    let (grave, shipped) = (
        grave.count() as f64,
        shipped.map(|(_, n)| *n).sum::<u64>() as f64,
    );
    if grave == 0.0 || shipped == 0.0 {
        return Err(CliError::new(
            exit::USAGE,
            "there is no earlier rate of these services to ask for again",
        )
        .hint("say what ends it: `--exit 'sev2-per-1000-changes at most 1.5 over 8 weeks'`"));
    }
    let rate = 1000.0 * grave / shipped;
    Ok(format!(
        "sev2-per-1000-changes at most {rate:.2} over 8 weeks"
    ))
}

fn propose(args: &ProposeArgs) -> CliResult {
    let rules = rules(&args.repo)?;
    let catalog = needed_catalog(&rules)?;
    if rules.policy.packs.iter().any(|it| it.id == args.id) {
        return Err(CliError::new(
            exit::DATA,
            format!("the policy has a pack `{}` already", args.id),
        )
        .hint("name this one with `--id`"));
    }
    let address = args.db.address()?;
    let inputs = with(&address, Access::Read, async |store| {
        inputs(store, Some(&rules)).await
    })?;
    let services = candidates(&args.services, catalog, &inputs)?;
    let exit_text = match &args.exit {
        Some(text) => text.clone(),
        None => usual(&inputs, &services)?,
    };
    let from = TimeZone::UTC.to_datetime(register::now()).date();
    let draft = Draft {
        id: args.id.clone(),
        owner: args.owner.clone(),
        from,
        until: from.saturating_add(i64::from(args.days).days()),
        why: args.why.clone(),
        exit: exit_text,
        signoffs: args.signoffs,
        services,
    };
    let text = draft.toml();
    check(&text, rules.roster.levels())?;
    let mut out = anstream::stdout().lock();
    match &args.output {
        None => out.write_all(text.as_bytes())?,
        Some(path) => {
            let mut file = std::fs::OpenOptions::new()
                .write(true)
                .create_new(true)
                .open(path)
                .map_err(|error| {
                    CliError::new(
                        exit::IO,
                        format!("{} cannot be written: {error}", path.display()),
                    )
                })?;
            file.write_all(text.as_bytes())?;
            writeln!(
                out,
                "{}",
                paint(BOLD, format!("drafted {}", path.display()))
            )?;
            writeln!(
                out,
                "  {}; the policy itself was not touched",
                count(draft.services.len() as u64, "service")
            )?;
        }
    }
    if let Err(why) = Objective::criterion(&draft.exit) {
        anstream::eprintln!("countersign: warning: nobody can tell when it is over: {why}");
    }
    Ok(exit::ALLOW)
}

/// A draft that the policy would refuse is of no use to anyone.
fn check(text: &str, levels: &Levels) -> CliResult<()> {
    let whole = format!("version = 1\n{text}");
    policy::parse(&whole, "the draft", levels)
        .map(|_| ())
        .map_err(|problems| CliError::file("the draft", &whole, problems))
}

fn start(args: &StartArgs) -> CliResult {
    let noted = args.record.noted()?;
    let rules = rules(&args.repo)?;
    let catalog = needed_catalog(&rules)?;
    let packs = &rules.policy.packs;
    let Some(pack) = packs.iter().find(|it| it.id == args.pack) else {
        return Err(CliError::new(
            exit::NOT_FOUND,
            format!(
                "the policy of the protected branch has no pack `{}`",
                args.pack
            ),
        )
        .hint("draft one with `countersign pack propose`, and merge it"));
    };
    with(&args.record.db.address()?, Access::Write, async |store| {
        let inputs = inputs(store, Some(&rules)).await?;
        let services = candidates(&args.services, catalog, &inputs)?;
        let day = pack.from.strftime("%Y-%m-%d");
        let id = format!("{}-{day}", pack.id);
        if let Some((known, _)) = register::latest::<PackActivation>(store, &id).await? {
            return Err(CliError::new(
                exit::DATA,
                format!(
                    "`{}` was recorded {} by {}",
                    known.id,
                    short(known.noted.at),
                    known.noted.by
                ),
            ));
        }
        let activation = PackActivation {
            noted: noted.clone(),
            id: id.clone(),
            pack: pack.id.clone(),
            policy: rules.policy.digest.parse().ok(),
            services: services
                .iter()
                .map(|it| (it.service.clone(), it.reason()))
                .collect(),
            from: pack.from,
            until: pack.until,
            ended: None,
            initiative: args.initiative.clone(),
        };
        register::keep(store, activation.into(), None).await?;
        let mut out = anstream::stdout().lock();
        let said = paint(BOLD, format!("recorded {id}"));
        writeln!(
            out,
            "{said}  {}, until {}",
            count(services.len() as u64, "service"),
            short(pack.until)
        )?;
        Ok(exit::ALLOW)
    })
}

/// One pack with what ends it.
#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    activation: PackActivation,
    in_force: bool,
    days_left: i64,
    criteria: Vec<Criterion>,
}

fn status(args: &StatusArgs) -> CliResult {
    let rules = Repo::open(&args.repo)
        .ok()
        .map(|_| rules(&args.repo))
        .transpose()?;
    let now = register::now();
    with(&args.db.address()?, Access::Read, async |store| {
        let inputs = inputs(store, rules.as_ref()).await?;
        let mut shown: Vec<Shown> = inputs
            .packs
            .iter()
            .filter(|(it, _)| args.all || it.in_force(now) || it.from > now)
            .map(|(it, texts)| Shown {
                in_force: it.in_force(now),
                days_left: it.until.duration_since(now).as_hours().max(0) / 24,
                criteria: criteria(&inputs, texts, &it.services.keys().cloned().collect(), now),
                activation: it.clone(),
            })
            .collect();
        shown.sort_by(|a, b| a.activation.id.cmp(&b.activation.id));
        let mut out = anstream::stdout().lock();
        if args.json {
            out.write_all(json(&shown)?.as_bytes())?;
            return Ok(exit::ALLOW);
        }
        print(&mut out, &shown)?;
        unrecorded(&mut out, rules.as_ref(), &inputs)?;
        Ok(exit::ALLOW)
    })
}

fn print(out: &mut impl Write, shown: &[Shown]) -> CliResult<()> {
    let mut table = Table::new(&["id", "services", "state", "exit criterion", "reached"]);
    for it in shown {
        let state = match (it.in_force, it.activation.ended) {
            (true, _) => format!("{} days left", it.days_left),
            (false, Some(ended)) => format!("ended {}", short(ended)),
            (false, None) if it.days_left > 0 => format!("from {}", short(it.activation.from)),
            (false, None) => "over".to_owned(),
        };
        let mut first = true;
        for criterion in &it.criteria {
            let once = |text: String| if first { text } else { String::new() };
            table.row(vec![
                once(it.activation.id.clone()),
                once(it.activation.services.len().to_string()),
                once(state.clone()),
                criterion.text.clone(),
                reached(&criterion.reached, criterion.value),
            ]);
            first = false;
        }
        if first {
            table.row(vec![
                it.activation.id.clone(),
                it.activation.services.len().to_string(),
                state,
                "none in the policy".to_owned(),
                "cannot tell".to_owned(),
            ]);
        }
    }
    table.print(out)?;
    if shown.is_empty() {
        writeln!(out, "{}", paint(DIM, "no pack is in force"))?;
    }
    Ok(())
}

/// Packs that the policy has in force and nobody recorded: they are not measured.
fn unrecorded(out: &mut impl Write, rules: Option<&Rules>, inputs: &Inputs) -> CliResult<()> {
    let now = register::now();
    let recorded: BTreeSet<&str> = inputs
        .packs
        .iter()
        .map(|(it, _)| it.pack.as_str())
        .collect();
    let packs = rules.into_iter().flat_map(|it| &it.policy.packs);
    for pack in packs.filter(|it| it.from <= now && now < it.until) {
        if !recorded.contains(pack.id.as_str()) {
            let text = format!(
                "the policy has `{}` in force until {}, not recorded: countersign pack start {} --services tier1",
                pack.id,
                short(pack.until),
                pack.id
            );
            writeln!(out, "{}", paint(DIM, text))?;
        }
    }
    Ok(())
}

fn end(args: &EndArgs) -> CliResult {
    let noted = args.record.noted_because("ending a pack early")?;
    with(&args.record.db.address()?, Access::Write, async |store| {
        let (mut it, seq) = register::needed::<PackActivation>(store, &args.id).await?;
        let mut out = anstream::stdout().lock();
        if !it.in_force(noted.at) {
            writeln!(out, "{} is not in force", it.id)?;
            return Ok(exit::ALLOW);
        }
        it.ended = Some(noted.at);
        it.noted = noted.clone();
        let pack = it.pack.clone();
        register::keep(store, it.into(), Some(seq)).await?;
        writeln!(out, "{}", paint(BOLD, format!("{} is ended", args.id)))?;
        let text =
            format!("its rules hold until `{pack}` is taken out of the policy, or its last day");
        writeln!(out, "  {}", paint(DIM, text))?;
        Ok(exit::ALLOW)
    })
}
