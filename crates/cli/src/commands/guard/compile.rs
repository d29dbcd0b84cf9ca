//! `countersign guard compile`: the rules that the guard reads.

use std::io::Write as _;
use std::path::PathBuf;

use clap::Args;
use jiff::Timestamp;

use crate::commands::RepoArgs;
use crate::error::{CliResult, exit};
use crate::guard::compile::{For, Made, compile};
use crate::style::{BOLD, DIM, paint};

/// Take the rules for agents from the protected branch.
///
/// The guard reads policy, roster, usage and targets from one file outside of the
/// work tree, where an agent cannot edit them. This makes that file. Run it again
/// when the rules on the protected branch have changed; it counts for 30 days.
#[derive(Debug, Args)]
pub(crate) struct CompileArgs {
    #[command(flatten)]
    repo: RepoArgs,
    /// For this user, wherever a repository has no rules of its own.
    #[arg(long, conflicts_with = "managed")]
    user: bool,
    /// For everyone on this machine; these win over all others.
    #[arg(long)]
    managed: bool,
    /// The SSH key that passes are signed with, where there is no roster
    /// [default: git's `user.signingKey`, then the usual files].
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
}

pub(super) fn run(args: &CompileArgs) -> CliResult {
    let whom = match (args.user, args.managed) {
        (true, _) => For::User,
        (_, true) => For::Machine,
        _ => For::Repository,
    };
    let made = compile(args.repo.dir(), whom, args.key.as_deref(), Timestamp::now())?;
    made.write()?;
    print(&made)?;
    Ok(exit::ALLOW)
}

/// What is in force now.
pub(crate) fn print(made: &Made) -> CliResult<()> {
    let mut out = anstream::stdout().lock();
    let compiled = &made.compiled;
    writeln!(
        out,
        "{} {}",
        paint(BOLD, "rules for agents:"),
        compiled.from
    )?;
    writeln!(out, "  {}", paint(DIM, made.file.display()))?;
    let operator = compiled
        .operator
        .as_deref()
        .unwrap_or("nobody on the roster");
    let people = if made.signers == 1 {
        "1 person"
    } else {
        &format!("{} people", made.signers)
    };
    writeln!(out, "  agents act for {operator}; {people} can sign passes")?;
    if made.signers == 0 {
        let how = if made.adopted {
            "add `keys = [{ ssh = \"…\" }]` to a person in .countersign/people.toml"
        } else {
            "name a key with `--key FILE`"
        };
        let text = format!("nobody can pass a held action: {how}");
        writeln!(out, "  {}", paint(BOLD, text))?;
    } else if !made.adopted {
        writeln!(
            out,
            "  {}",
            paint(DIM, "no roster here, so you pass what your own agents do")
        )?;
    }
    if compiled.shadow {
        writeln!(
            out,
            "  {}",
            paint(
                BOLD,
                "shadow mode: verdicts are recorded, nothing is stopped"
            )
        )?;
    }
    Ok(())
}
