//! `countersign guard`: what a command would do, before an agent runs it.

mod compile;
mod doctor;
mod explain;
mod install;
mod log;
mod report;
mod test;

use clap::Subcommand;
use countersign_effects::target::Targets;

use super::policy::read_named;
use crate::error::{CliError, CliResult, exit};
use crate::guard::compile::TARGETS;
use crate::guard::place::Place;

/// Judge commands by what they would do to which target.
///
/// `countersign guard --agent NAME` is the hook that agents call.
#[derive(Debug, Subcommand)]
pub(crate) enum GuardCommand {
    Explain(explain::ExplainArgs),
    Test(test::TestArgs),
    Install(install::InstallArgs),
    Uninstall(install::UninstallArgs),
    Doctor(doctor::DoctorArgs),
    Compile(compile::CompileArgs),
    Log(log::LogArgs),
    Report(report::ReportArgs),
}

pub(super) fn run(command: &GuardCommand) -> CliResult {
    match command {
        GuardCommand::Explain(args) => explain::run(args),
        GuardCommand::Test(args) => test::run(args),
        GuardCommand::Install(args) => install::install(args),
        GuardCommand::Uninstall(args) => install::uninstall(args),
        GuardCommand::Doctor(args) => doctor::run(args),
        GuardCommand::Compile(args) => compile::run(args),
        GuardCommand::Log(args) => log::run(args),
        GuardCommand::Report(args) => report::run(args),
    }
}

/// This directory.
fn here() -> CliResult<Place> {
    Place::of(None)
        .ok_or_else(|| CliError::new(exit::NOT_FOUND, "the working directory does not exist"))
}

/// What names stand for in this work tree, as a person tries them out. The hook
/// takes them from the protected branch.
fn targets(place: &Place) -> CliResult<Targets> {
    let file = place.repo.as_ref().map(|repo| repo.root.join(TARGETS));
    match file.filter(|file| file.is_file()) {
        Some(file) => Targets::parse(&read_named(&file)?)
            .map_err(|error| CliError::new(exit::DATA, format!("{TARGETS}: {error}"))),
        None => Ok(Targets::default()),
    }
}
