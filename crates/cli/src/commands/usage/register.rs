//! `countersign usage register`.

use std::io::Write;

use clap::{Args, ValueEnum};
use countersign_core::moment;
use countersign_core::problem::closest;
use countersign_core::roster::Roster;
use countersign_core::usage::Maturity;
use countersign_operations::usage::Pattern;

use super::super::{RepoArgs, protected};
use super::pattern;
use super::registry::{Entry, Registry};
use crate::error::{CliError, CliResult, exit};
use crate::register::now;
use crate::rules::{Rules, USAGE};
use crate::style::{BOLD, DIM, paint};

/// Write or change the entry of a pattern in `.countersign/usage.toml`.
///
/// The file in the work tree is written, and nothing else: it counts once it is
/// on the protected branch, by the rules that every change to it goes through.
#[derive(Debug, Args)]
pub(crate) struct RegisterArgs {
    /// TOOL/MODEL-FAMILY/MODE/ACTIVITY/ENVIRONMENT; a part that is `unknown` is
    /// left open, so that the entry covers all of it.
    #[arg(value_parser = pattern)]
    pattern: Pattern,
    /// The entry's id; else that of the entry of exactly this pattern, or a new
    /// one.
    #[arg(long)]
    id: Option<String>,
    /// Who answers for it, by id on the roster.
    #[arg(long, value_name = "PERSON")]
    owner: Option<String>,
    /// How far its safeguards are established.
    #[arg(long, value_enum)]
    maturity: Option<Stage>,
    /// From this day on it counts as novel again, unless reviewed before.
    #[arg(long, value_name = "DATE")]
    expires: Option<String>,
    /// A safeguard that it requires beside those of its maturity.
    #[arg(long = "safeguard", value_name = "TEXT")]
    safeguards: Vec<String>,
    /// A safeguard that is in place.
    #[arg(long = "in-place", value_name = "TEXT")]
    in_place: Vec<String>,
    /// The most of it in seven days, in percent of all changes.
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(1..=100))]
    weekly_percent: Option<u8>,
    /// The most changes with it in seven days.
    #[arg(long, value_name = "N")]
    weekly_changes: Option<u64>,
    #[command(flatten)]
    repo: RepoArgs,
}

/// `established` is not among them: that takes `usage graduate`.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Stage {
    Novel,
    Trial,
    Forbidden,
}

impl Stage {
    const fn word(self) -> &'static str {
        match self {
            Self::Novel => Maturity::Novel.as_str(),
            Self::Trial => Maturity::Trial.as_str(),
            Self::Forbidden => Maturity::Forbidden.as_str(),
        }
    }
}

pub(super) fn run(args: &RegisterArgs) -> CliResult {
    let repo = args.repo.open()?;
    let rules = Rules::at(&repo, protected(&repo)?.as_ref())?;
    if let Some(owner) = &args.owner {
        known(&rules.roster, owner)?;
    }
    if let Some(text) = &args.expires {
        let at = moment::parse_utc(text)
            .map_err(|message| CliError::new(exit::USAGE, message).hint(moment::HINT))?;
        if at <= now() {
            return Err(CliError::new(exit::USAGE, format!("{text} is over")));
        }
    }
    let entry = Entry {
        maturity: args.maturity.map(Stage::word),
        owner: args.owner.clone(),
        safeguards: args.safeguards.clone(),
        in_place: args.in_place.clone(),
        weekly_percent: args.weekly_percent,
        weekly_changes: args.weekly_changes,
        reviewed: Some(now().strftime("%Y-%m-%d").to_string()),
        expires: args.expires.clone(),
    };
    let mut registry = Registry::open(&repo)?;
    let (id, shown) = registry.put(&args.pattern, args.id.as_deref(), &entry)?;
    let missing = whole(&registry, &id, args)?;
    registry.write()?;
    let mut out = anstream::stdout().lock();
    writeln!(
        out,
        "{}\n\n{shown}\n",
        paint(BOLD, format!("wrote `{id}` to {USAGE}"))
    )?;
    for safeguard in missing {
        let text = format!("not in place, so it still counts as novel: {safeguard}");
        writeln!(out, "{text}")?;
    }
    let next =
        format!("it counts once it is on the protected branch: git add {USAGE} && git commit");
    writeln!(out, "{}", paint(DIM, next))?;
    Ok(exit::ALLOW)
}

/// Who answers for something is someone here.
fn known(roster: &Roster, owner: &str) -> CliResult<()> {
    if roster.by_id(owner).is_some() {
        return Ok(());
    }
    let ids = roster.people().iter().map(|person| person.id.as_str());
    let error = CliError::new(
        exit::NOT_FOUND,
        format!("`{owner}` is not on the roster, so they cannot answer for it"),
    );
    Err(match closest(owner, ids) {
        Some(closest) => error.hint(format!("did you mean `{closest}`?")),
        None => error.hint("people are in .countersign/people.toml on the protected branch"),
    })
}

/// A trial has an owner and an end. Returns the safeguards that it lacks.
fn whole(registry: &Registry, id: &str, args: &RegisterArgs) -> CliResult<Vec<String>> {
    let usages = registry.usages().map_err(|error| {
        if args.maturity.is_none() {
            return error.hint("a new entry needs `--maturity`");
        }
        error
    })?;
    let Some(entry) = usages.entries().iter().find(|entry| entry.id == id) else {
        return Err(CliError::new(exit::INTERNAL, "the entry is not there"));
    };
    if entry.maturity == Maturity::Trial {
        for (is_there, option) in [
            (entry.owner.is_some(), "--owner PERSON"),
            (entry.expires.is_some(), "--expires DATE"),
        ] {
            if !is_there {
                let message = "a trial has an owner and an end";
                return Err(CliError::new(exit::USAGE, message).hint(format!("add `{option}`")));
            }
        }
    }
    if matches!(entry.maturity, Maturity::Novel | Maturity::Forbidden) {
        return Ok(Vec::new());
    }
    let missing = usages.missing(entry, entry.maturity);
    Ok(missing.into_iter().map(str::to_owned).collect())
}
