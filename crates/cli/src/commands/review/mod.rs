//! `countersign review`: the weekly document that decides.

mod build;
mod circulate;
mod compare;
mod letters;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use countersign_git::Repo;
use countersign_operations::review::objectives::{self, Objective};
use countersign_operations::review::{self, Review, Zone};
use countersign_operations::week::Week;
use countersign_store::Store;

use crate::commands::protected;
use crate::error::{CliError, CliResult, exit};
use crate::input::Input;
use crate::register::{self, ZoneArgs};
use crate::review_inputs::{Asked, gather};
use crate::rules::{self, Rules};

/// Where objectives live.
const OBJECTIVES: &str = ".countersign/objectives.toml";

/// The weekly review: build it, send it, compare what was sent.
///
/// It is compiled from what is recorded: decisions first, then overdue actions,
/// figures against objectives, incidents against exposure, claimed factors, deep
/// dives, safeguards and their cost, and what changed against the version that
/// people were given before.
#[derive(Debug, Subcommand)]
pub(crate) enum ReviewCommand {
    Build(build::BuildArgs),
    Circulate(circulate::CirculateArgs),
    Diff(compare::DiffArgs),
    List(compare::ListArgs),
    Briefing(letters::BriefingArgs),
    Invitation(letters::InvitationArgs),
}

/// Which week, and by which clock.
#[derive(Debug, Args)]
pub(super) struct WeekArgs {
    /// The week, such as `2026-W11`; else the one before this one.
    #[arg(long, value_name = "WEEK")]
    week: Option<Week>,
    /// Nothing recorded after this is looked at; else now.
    #[arg(long, value_name = "TIME", default_value = "now")]
    cut_off: String,
    /// Time zone that says where the week begins; also of times without an offset.
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    zone: String,
    /// Objectives; else `.countersign/objectives.toml` of the protected branch.
    #[arg(long, value_name = "FILE")]
    objectives: Option<PathBuf>,
    /// The repository with catalogue, policy and objectives.
    #[arg(long, value_name = "DIR", default_value = ".")]
    repo: PathBuf,
}

pub(super) fn run(command: &ReviewCommand) -> CliResult {
    match command {
        ReviewCommand::Build(args) => build::run(args),
        ReviewCommand::Circulate(args) => circulate::run(args),
        ReviewCommand::Diff(args) => compare::run(args),
        ReviewCommand::List(args) => compare::list(args),
        ReviewCommand::Briefing(args) => letters::briefing(args),
        ReviewCommand::Invitation(args) => letters::invitation(args),
    }
}

/// What the files beside the database say.
pub(super) struct Beside {
    rules: Option<Rules>,
    objectives: Vec<Objective>,
}

impl WeekArgs {
    fn zone(&self) -> CliResult<Zone> {
        Ok(Zone {
            name: self.zone.clone(),
            zone: register::zone_named(&self.zone)?,
        })
    }

    /// Rules and objectives, read from the protected branch; without a
    /// repository there are none.
    pub(super) fn beside(&self) -> CliResult<Beside> {
        let named = match &self.objectives {
            Some(path) => Some(read(
                &path.display().to_string(),
                &Input::read(path)?.text()?,
            )?),
            None => None,
        };
        let Ok(repo) = Repo::open(&self.repo) else {
            return Ok(Beside {
                rules: None,
                objectives: named.unwrap_or_else(Objective::defaults),
            });
        };
        let commit = protected(&repo)?;
        let rules = Rules::at(&repo, commit.as_ref())?;
        let objectives = match (named, &commit) {
            (Some(named), _) => named,
            (None, None) => Objective::defaults(),
            (None, Some(commit)) => {
                match rules::text(OBJECTIVES, repo.read_file(commit, OBJECTIVES)?)? {
                    Some(text) => read(OBJECTIVES, &text)?,
                    None => Objective::defaults(),
                }
            }
        };
        Ok(Beside {
            rules: Some(rules),
            objectives,
        })
    }

    /// Builds the review.
    pub(super) async fn build(&self, store: &Store, beside: &Beside) -> CliResult<Review> {
        let zone = self.zone()?;
        let times = ZoneArgs::of(&self.zone);
        let cut_off = times.time(&self.cut_off)?;
        let week = self
            .week
            .unwrap_or_else(|| Week::of(cut_off, &zone.zone).before());
        if week.bounds(&zone.zone).0 >= cut_off {
            return Err(CliError::new(
                exit::USAGE,
                format!("{week} has not begun at the cut-off, {cut_off}"),
            ));
        }
        let asked = Asked {
            week,
            zone,
            cut_off,
            objectives: beside.objectives.clone(),
            catalog: beside.rules.as_ref().and_then(|it| it.catalog.as_ref()),
            policy: beside.rules.as_ref().map(|it| &it.policy),
            usages: beside.rules.as_ref().map(|it| &it.usages),
        };
        let inputs = gather(store, &asked).await?;
        Ok(review::build(week, &inputs, cut_off))
    }
}

fn read(file: &str, text: &str) -> CliResult<Vec<Objective>> {
    objectives::parse(text).map_err(|wrong| {
        CliError::new(exit::DATA, format!("{file}: {}", wrong.join("\n  ")))
            .hint("`docs/guide/review.md` shows the form of objectives")
    })
}
