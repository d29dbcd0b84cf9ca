//! `countersign record`: put into the ledger what was decided, signed and shipped.

mod changes;
mod guard_log;
mod then;

use std::io::Write;

use clap::Subcommand;
use countersign_store::{Access, Appended};

use super::RepoArgs;
use super::check::{self, CheckArgs};
use super::plan::{self, PlanArgs};
use crate::database::{DbArgs, with};
use crate::error::{CliResult, exit};
use crate::recorder::{self, Recording};
use crate::report::count;
use crate::rules::Rules;
use crate::style::{BOLD, DIM, paint};

/// Put into the ledger what was decided, signed and shipped.
///
/// Recording again what is recorded already adds nothing. `check`, `plan` and
/// `sign` record by themselves where `COUNTERSIGN_DB` names a database.
#[derive(Debug, Subcommand)]
pub(crate) enum RecordCommand {
    /// Judge a change as `check` does, and record the decision.
    Check {
        #[command(flatten)]
        check: Box<CheckArgs>,
        #[command(flatten)]
        db: DbArgs,
    },
    /// Judge a plan as `plan` does, and record the decision.
    Plan {
        #[command(flatten)]
        plan: Box<PlanArgs>,
        #[command(flatten)]
        db: DbArgs,
    },
    /// Record every signed statement in this repository.
    Signoffs {
        #[command(flatten)]
        repo: RepoArgs,
        #[command(flatten)]
        db: DbArgs,
    },
    Changes(changes::ChangesArgs),
    GuardLog(guard_log::GuardLogArgs),
}

pub(super) fn run(command: &RecordCommand) -> CliResult {
    match command {
        RecordCommand::Check { check, db } => {
            check::run_recording(check, Recording::To(&db.address()?))
        }
        RecordCommand::Plan { plan, db } => {
            plan::run_recording(plan, Recording::To(&db.address()?))
        }
        RecordCommand::Signoffs { repo, db } => signoffs(repo, db),
        RecordCommand::Changes(args) => changes::run(args),
        RecordCommand::GuardLog(args) => guard_log::run(args),
    }
}

fn signoffs(repo: &RepoArgs, db: &DbArgs) -> CliResult {
    let repo = repo.open()?;
    let rules = Rules::at(&repo, super::protected(&repo)?.as_ref())?;
    let noted = recorder::noted(&repo, &rules)?;
    let found = recorder::of_signoffs(&repo, &rules.roster, &noted)?;
    let unproven = found.unproven;
    let done = with(&db.address()?, Access::Write, async |store| {
        recorder::append(store, &noted.by, found.records).await
    })?;
    print(done, "statement")?;
    if unproven > 0 {
        let left = count(unproven as u64, "statement");
        let why = "not signed with a key of the person they name";
        writeln!(anstream::stdout().lock(), "  {left} left out: {why}")?;
    }
    Ok(exit::ALLOW)
}

/// What was added and what was there.
fn print(done: Appended, noun: &str) -> CliResult<()> {
    let mut out = anstream::stdout().lock();
    let known = match done.unchanged {
        0 => String::new(),
        known => format!("{known} known already, "),
    };
    writeln!(
        out,
        "{}  {}",
        paint(BOLD, format!("recorded {}", count(done.added, noun))),
        paint(DIM, format!("{known}ledger ends at {}", done.head.seq))
    )?;
    Ok(())
}
