//! `countersign incident`: the register of what went wrong.

mod add;
mod coe;
mod fields;
mod import;
mod list;
mod show;
mod traffic;

use clap::Subcommand;

use crate::error::CliResult;

/// The register of incidents: record, correct, read, learn.
///
/// Nothing is ever altered: a correction is a new version that says who made it
/// and why, and `show --as-of` tells what was known on any day.
#[derive(Debug, Subcommand)]
pub(crate) enum IncidentCommand {
    Add(Box<add::AddArgs>),
    Update(Box<add::UpdateArgs>),
    Show(show::ShowArgs),
    List(list::ListArgs),
    Import(import::ImportArgs),
    Coe(coe::CoeArgs),
    Close(coe::CloseArgs),
    /// Claim, confirm, dispute and withdraw what contributed to it.
    #[command(subcommand)]
    Factor(super::factor::FactorCommand),
}

pub(super) fn run(command: &IncidentCommand) -> CliResult {
    match command {
        IncidentCommand::Add(args) => add::add(args),
        IncidentCommand::Update(args) => add::update(args),
        IncidentCommand::Show(args) => show::run(args),
        IncidentCommand::List(args) => list::run(args),
        IncidentCommand::Import(args) => import::run(args),
        IncidentCommand::Coe(args) => coe::run(args),
        IncidentCommand::Close(args) => coe::close(args),
        IncidentCommand::Factor(command) => super::factor::run(command),
    }
}
