//! `countersign plan record-state`: say which state plans have to come from.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use countersign_core::effect::Environment;
use countersign_effects::reading::StateIdentity;
use countersign_effects::terraform;

use super::super::{RepoArgs, protected};
use super::Env;
use crate::error::{CliError, CliResult, exit};
use crate::input::{Input, unreadable};
use crate::report::count;
use crate::states::{Recorded, STATES, States, name_of, toml};
use crate::style::{BOLD, DIM, paint};

/// Record the state that plans have to come from.
///
/// A plan from an older serial, another lineage or other resources than the
/// recorded state is flagged, and nothing it says about its effects is believed.
/// Plans with a serial are remembered by themselves, for this clone. For
/// everyone, commit the lines that `--print` gives to `.countersign/states.toml`.
#[derive(Debug, Args)]
pub(crate) struct RecordStateArgs {
    /// What `terraform state pull` prints, or a binary plan; `-` reads standard
    /// input.
    file: PathBuf,
    /// Where the state belongs.
    #[arg(long, value_enum, value_name = "ENV")]
    env: Option<Env>,
    /// What it is called; else the folder of the file inside the repository.
    #[arg(long, value_name = "NAME")]
    state: Option<String>,
    /// Record nothing; print the lines for `.countersign/states.toml`.
    #[arg(long)]
    print: bool,
    #[command(flatten)]
    repo: RepoArgs,
}

pub(super) fn run(args: &RecordStateArgs) -> CliResult {
    let repo = args.repo.open()?;
    let input = Input::read(&args.file)?;
    let state = identity(&input)?;
    let name = args.state.clone().or_else(|| name_of(&repo, &args.file));
    let name = name.ok_or_else(|| {
        let message = "nothing says what this state is called";
        CliError::new(exit::USAGE, message).hint("name it with `--state`, such as `--state infra`")
    })?;
    let recorded = Recorded {
        name,
        environment: args.env.map_or(Environment::Unknown, Environment::from),
        state,
    };
    let mut out = anstream::stdout().lock();
    if args.print {
        write!(out, "{}", toml(&recorded))?;
        return Ok(exit::ALLOW);
    }
    let onto = protected(&repo)?;
    let mut states = States::of(&repo, onto.as_ref())?;
    let size = recorded.state.resources.unwrap_or(0);
    writeln!(
        out,
        "recorded {} in {}: serial {}, {}  {}",
        paint(BOLD, &recorded.name),
        recorded.environment.as_str(),
        recorded
            .state
            .serial
            .map_or_else(|| "unknown".to_owned(), |serial| serial.to_string()),
        count(size as u64, "resource"),
        paint(
            DIM,
            format!(
                "lineage {}",
                recorded.state.lineage.as_deref().unwrap_or("unknown")
            )
        )
    )?;
    states.record(recorded)?;
    writeln!(
        out,
        "  {}",
        paint(
            DIM,
            format!("in this clone; for everyone: --print, into {STATES}")
        )
    )?;
    Ok(exit::ALLOW)
}

fn identity(input: &Input) -> CliResult<StateIdentity> {
    let read = if input.is_binary_plan() {
        terraform::state_in_binary_plan(&input.bytes)
    } else {
        terraform::state_identity(&input.bytes)
    };
    read.map_err(|error| unreadable(&input.name, &error))
}
