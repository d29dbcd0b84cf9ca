//! `countersign declare`: an author says how a change was made.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use countersign_core::involvement::Role;
use countersign_core::signoff::statement::{Declaration, Declared, Statement};
use jiff::Timestamp;

use super::RepoArgs;
use super::sign::about;
use crate::collect;
use crate::error::{CliError, CliResult, exit};
use crate::recorder::{self, Recording};
use crate::rules::Rules;
use crate::signer::Signer;
use crate::style::{BOLD, DIM, paint};

/// Declare, under your signature, how your change was made.
///
/// `--human` counts when every author has declared it and no evidence says
/// otherwise. Declaring AI never costs more than saying nothing.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("how").required(true))]
pub(crate) struct DeclareArgs {
    /// `BASE..HEAD`, or one revision; else as `check`.
    range: Option<String>,
    /// Made by people alone.
    #[arg(long, group = "how")]
    human: bool,
    /// Made with AI: what it did (wrote, executed, advised, reviewed) and the tool.
    #[arg(long, group = "how", num_args = 2, value_names = ["ROLE", "TOOL"])]
    ai: Option<Vec<String>>,
    /// Your private key, or the public key of one in an agent.
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    #[command(flatten)]
    repo: RepoArgs,
}

pub(super) fn run(args: &DeclareArgs) -> CliResult {
    let declared = match args.ai.as_deref() {
        Some([role, tool]) => Declared::Ai {
            role: role_named(role)?,
            tool: tool.clone(),
        },
        _ => Declared::Human,
    };
    let repo = args.repo.open()?;
    let range = match &args.range {
        Some(text) => repo.parse_range(text)?,
        None => repo.default_range()?,
    };
    let rules = Rules::at(&repo, range.onto.as_ref())?;
    let now = Timestamp::now();
    let mut merge = collect::merge(&repo, &range, &rules, now)?;
    let subject = merge.subject(&repo, &range, &rules)?;
    let signer = Signer::find(&repo, &rules, args.key.as_deref())?;
    if !merge.collected.facts.authors.contains(signer.index) {
        let message = format!("{} did not make this change", signer.person.id);
        return Err(
            CliError::new(exit::DATA, message).hint("only its authors can declare how it was made")
        );
    }
    let about = about(&subject, &range);
    let id = signer.seal(&repo, &subject, now, |signed| {
        Statement::Declaration(Box::new(Declaration {
            declared,
            about,
            signed,
        }))
    })?;
    let after = collect::merge(&repo, &range, &rules, Timestamp::now())?;
    let mut out = anstream::stdout().lock();
    writeln!(
        out,
        "declared as {}  {}",
        paint(BOLD, &signer.person.id),
        paint(DIM, id.short())
    )?;
    let verdict = after.collected.involvement.verdict.as_str();
    writeln!(out, "  AI involved: {verdict}")?;
    writeln!(
        out,
        "  {}   {}",
        paint(BOLD, "countersign signoffs push"),
        paint(DIM, "share it")
    )?;
    Recording::IfConfigured.record(&repo, &rules, |noted| {
        Ok(recorder::of_signoffs(&repo, &rules.roster, noted)?.records)
    })?;
    Ok(exit::ALLOW)
}

fn role_named(name: &str) -> CliResult<Role> {
    Role::ALL
        .into_iter()
        .find(|role| role.as_str() == name)
        .ok_or_else(|| {
            CliError::new(exit::USAGE, format!("`{name}` is not a role"))
                .hint("write wrote, executed, advised or reviewed")
        })
}
