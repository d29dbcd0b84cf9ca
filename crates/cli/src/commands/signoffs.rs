//! `countersign signoffs`: share and fetch signed statements.

use std::io::Write;

use clap::Subcommand;
use countersign_core::signoff::statement::{Declared, Stance, Statement};

use super::RepoArgs;
use crate::error::{CliResult, exit};
use crate::report::count;
use crate::style::{BOLD, DIM, paint};

/// Share, fetch and list signed statements (`refs/countersign/signoffs`).
#[derive(Debug, Subcommand)]
pub(crate) enum SignoffsCommand {
    /// Push yours, after joining them with what others have pushed.
    Push {
        /// The remote.
        #[arg(default_value = "origin")]
        remote: String,
        #[command(flatten)]
        repo: RepoArgs,
    },
    /// Fetch everyone's.
    Fetch {
        /// The remote.
        #[arg(default_value = "origin")]
        remote: String,
        #[command(flatten)]
        repo: RepoArgs,
    },
    /// List all statements here, oldest first, and what is wrong in the chain.
    List {
        #[command(flatten)]
        repo: RepoArgs,
    },
}

pub(super) fn run(command: &SignoffsCommand) -> CliResult {
    let mut out = anstream::stdout().lock();
    match command {
        SignoffsCommand::Push { remote, repo } => {
            repo.open()?.push_signoffs(remote)?;
            writeln!(out, "pushed to {remote}")?;
            Ok(exit::ALLOW)
        }
        SignoffsCommand::Fetch { remote, repo } => {
            let fetched = repo.open()?.fetch_signoffs(remote)?;
            if fetched.withdrawn > 0 {
                let lost = count(fetched.withdrawn as u64, "statement");
                writeln!(
                    out,
                    "{remote} no longer has {lost} that it had; they are kept here"
                )?;
                return Ok(exit::HOLD);
            }
            writeln!(out, "fetched from {remote}")?;
            Ok(exit::ALLOW)
        }
        SignoffsCommand::List { repo } => list(&mut out, repo),
    }
}

fn list(out: &mut impl Write, repo: &RepoArgs) -> CliResult {
    let chain = repo.open()?.signoffs()?;
    for entry in chain.entries() {
        let signed = entry.statement.signed();
        let what = match &entry.statement {
            Statement::SignOff(it) => match it.decision {
                Stance::Approve => "approve".to_owned(),
                Stance::Veto => "veto".to_owned(),
                Stance::Revoke => "revoke".to_owned(),
                Stance::BreakGlass => "break-glass".to_owned(),
            },
            Statement::Declaration(it) => match &it.declared {
                Declared::Human => "declares human".to_owned(),
                Declared::Reviewed { .. } => "self-review".to_owned(),
                Declared::Ai { role, tool } => format!("declares {tool} {}", role.as_str()),
            },
            Statement::AfterReview(_) => "after-review".to_owned(),
        };
        writeln!(
            out,
            "{}  {}  {:<16}{:<20}{}",
            paint(DIM, entry.statement_id.short()),
            signed.issued_at.strftime("%Y-%m-%d %H:%M"),
            paint(BOLD, &signed.person),
            what,
            entry.statement.about().change,
        )?;
    }
    for problem in chain.problems() {
        writeln!(
            out,
            "{}  {}",
            paint(DIM, problem.id.get(..8).unwrap_or(&problem.id)),
            problem.why
        )?;
    }
    Ok(if chain.problems().is_empty() {
        exit::ALLOW
    } else {
        exit::DATA
    })
}
