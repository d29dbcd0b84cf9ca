//! `countersign hook`: enforcement with plain git, without a server of ours.

mod ci;
mod gate;
mod install;
mod push;
mod pusher;

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use crate::error::CliResult;

/// Enforce with plain git: hooks on the server, advice before a push, CI jobs.
#[derive(Debug, Subcommand)]
pub(crate) enum HookCommand {
    /// Install a hook; in a bare repository the gate, elsewhere the advice.
    ///
    /// A hook that is there already is kept and runs first. Installing twice
    /// changes nothing; `--uninstall` puts everything back.
    Install(InstallArgs),
    /// What installed hooks call.
    Run(RunArgs),
    /// Print a job for continuous integration.
    Ci {
        /// For which one.
        #[arg(value_enum)]
        forge: ci::Forge,
    },
}

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("which"))]
pub(crate) struct InstallArgs {
    /// Advice before a push; never stops one unless `--block` is given.
    #[arg(long, group = "which")]
    pre_push: bool,
    /// The gate of a server: judges every push to a protected branch as a whole.
    #[arg(long, group = "which")]
    pre_receive: bool,
    /// The gate of a server that allows only this hook: judges ref by ref.
    #[arg(long, group = "which")]
    update: bool,
    /// With the advice: stop a push to a protected branch that would be held.
    #[arg(long, conflicts_with_all = ["pre_receive", "update"])]
    block: bool,
    /// With the gate: the variable in which the server says who pushes, such as
    /// `GL_USERNAME`. Whoever pushes then counts among those who made the change.
    #[arg(long, value_name = "VARIABLE", conflicts_with = "pre_push")]
    pusher: Option<String>,
    /// Remove it again, and put back what was there before.
    #[arg(long)]
    uninstall: bool,
    /// The repository.
    #[arg(long, value_name = "DIR", default_value = ".")]
    repo: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// Which hook.
    #[arg(value_enum)]
    hook: Hook,
    /// What git gives the hook: `update` REF OLD NEW, `pre-push` NAME URL.
    args: Vec<String>,
    /// Stop a push instead of advising against it.
    #[arg(long)]
    block: bool,
    /// The variable in which the server says who pushes.
    #[arg(long, value_name = "VARIABLE")]
    pusher: Option<String>,
}

/// The hooks of git that are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Hook {
    PrePush,
    PreReceive,
    Update,
    PostReceive,
}

impl Hook {
    /// The file's name.
    const fn name(self) -> &'static str {
        match self {
            Self::PrePush => "pre-push",
            Self::PreReceive => "pre-receive",
            Self::Update => "update",
            Self::PostReceive => "post-receive",
        }
    }
}

pub(super) fn run(command: &HookCommand) -> CliResult {
    match command {
        HookCommand::Install(args) => install::run(args),
        HookCommand::Run(args) => match args.hook {
            Hook::PrePush => push::run(args),
            Hook::PreReceive | Hook::Update | Hook::PostReceive => gate::run(args),
        },
        HookCommand::Ci { forge } => ci::run(*forge),
    }
}
