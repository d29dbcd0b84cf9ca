//! `countersign gate`: let a change through, or not.

mod apply;
mod sealed;

use clap::Subcommand;

use crate::error::CliResult;

/// Let exactly what was judged through, and nothing else.
#[derive(Debug, Subcommand)]
pub(crate) enum GateCommand {
    Apply(Box<apply::ApplyArgs>),
}

pub(super) fn run(command: &GateCommand) -> CliResult {
    match command {
        GateCommand::Apply(args) => apply::run(args),
    }
}
