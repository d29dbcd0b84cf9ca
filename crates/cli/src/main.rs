//! The one binary, `countersign`: the safety interlock between AI coding tools
//! and production.

mod catalogue;
mod collect;
mod collect_applied;
mod collect_locks;
mod collect_manifests;
mod collect_plan;
mod commands;
mod database;
mod demo;
mod error;
mod gate_record;
mod guard;
mod history;
mod input;
mod landing;
mod links;
mod parallel;
mod pushed_by;
mod questions;
mod recorder;
mod register;
mod report;
mod review_inputs;
mod risky;
mod rules;
mod self_review;
mod signer;
mod signoffs;
mod signoffs_plan;
mod states;
mod style;
mod usages;
mod vsa;
mod work;

use std::process::ExitCode;

use clap::Parser;

use error::{CliError, exit};

fn main() -> ExitCode {
    // The agents' hook is on the path of every tool call: nothing goes before it.
    if let Some(agent) = guard::asked(std::env::args_os().skip(1)) {
        return ExitCode::from(guard::run(agent));
    }
    let cli = match commands::Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // `--help` and `--version` are answers, not errors.
            let code = if error.use_stderr() {
                exit::USAGE
            } else {
                exit::ALLOW
            };
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    match commands::run(cli) {
        Ok(code) => ExitCode::from(code),
        Err(error) if error.is_broken_pipe() => ExitCode::from(exit::ALLOW),
        Err(error) => {
            error.print();
            ExitCode::from(error.code)
        }
    }
}

impl From<countersign_git::GitError> for CliError {
    fn from(error: countersign_git::GitError) -> Self {
        use countersign_git::GitError as Git;
        let code = match &error {
            Git::NotARepository(_) | Git::UnknownRevision(_) | Git::UnbornBranch(_) => {
                exit::NOT_FOUND
            }
            Git::Shallow(_) | Git::NoMergeBase(..) | Git::TooLarge { .. } => exit::DATA,
            Git::Unexpected { .. } => exit::INTERNAL,
            _ => exit::IO,
        };
        let hint = error.hint();
        let new = Self::new(code, error.to_string());
        hint.into_iter().fold(new, Self::hint)
    }
}
