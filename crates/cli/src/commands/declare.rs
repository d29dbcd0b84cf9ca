//! `countersign declare`: an author says how a change was made.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use countersign_core::involvement::Role;
use countersign_core::signoff::statement::{Declaration, Declared, Statement};
use jiff::Timestamp;

use super::RepoArgs;
use super::check::judge;
use super::sign::about;
use crate::collect;
use crate::error::{CliError, CliResult, exit};
use crate::recorder::{self, Recording};
use crate::rules::Rules;
use crate::self_review::{self, Given};
use crate::signer::Signer;
use crate::style::{BOLD, DIM, paint};

/// Declare, under your signature, how your change was made, or that you have
/// read it again.
///
/// `--human` counts when every author has declared it and no evidence says
/// otherwise. Declaring AI never costs more than saying nothing. `--reviewed`
/// lists the hunks that are easily missed and asks you to explain each; a policy
/// may want that before anyone else is asked.
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
    /// Read again by you: affirms the policy's items and explains each risky hunk.
    #[arg(long, group = "how")]
    reviewed: bool,
    /// The explanation of a risky hunk, by its number; repeat for each.
    #[arg(long = "explain", value_name = "N=TEXT", requires = "reviewed")]
    explanations: Vec<String>,
    /// Affirm the policy's items without being asked.
    #[arg(long, requires = "reviewed")]
    yes: bool,
    /// Your private key, or the public key of one in an agent.
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    #[command(flatten)]
    repo: RepoArgs,
}

pub(super) fn run(args: &DeclareArgs) -> CliResult {
    let role = match args.ai.as_deref() {
        Some([role, _]) => Some(role_named(role)?),
        _ => None,
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
    let authors = &merge.collected.facts.authors;
    // Someone may vouch for a change that nobody on the roster made.
    let sponsor = args.reviewed && authors.is_empty();
    if !authors.contains(signer.index) && !sponsor {
        let message = format!("{} did not make this change", signer.person.id);
        return Err(CliError::new(exit::DATA, message).hint("only its authors can declare this"));
    }
    let mut out = anstream::stdout().lock();
    let declared = match (role, args.ai.as_deref()) {
        (Some(role), Some([_, tool])) => Declared::Ai {
            role,
            tool: tool.clone(),
        },
        _ if args.reviewed => {
            let given = Given {
                explanations: &args.explanations,
                yes: args.yes,
            };
            let Some(review) = self_review::ask(&mut out, &repo, &range, &rules, &merge, given)?
            else {
                writeln!(out, "nothing declared")?;
                return Ok(exit::HOLD);
            };
            review
        }
        _ => Declared::Human,
    };
    let about = about(&subject, &range);
    let id = signer.seal(&repo, &subject, Timestamp::now(), |signed| {
        Statement::Declaration(Box::new(Declaration {
            declared,
            about,
            signed,
        }))
    })?;
    let after = collect::merge(&repo, &range, &rules, Timestamp::now())?;
    writeln!(
        out,
        "declared as {}  {}",
        paint(BOLD, &signer.person.id),
        paint(DIM, id.short())
    )?;
    if args.reviewed {
        let decision = judge(&rules, &after, Timestamp::now());
        let said = decision.explain(&rules.policy, &rules.roster).summary;
        writeln!(out, "  now: {} ({said})", decision.verdict.as_str())?;
    } else {
        let verdict = after.collected.involvement.verdict.as_str();
        writeln!(out, "  AI involved: {verdict}")?;
    }
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
