//! `countersign ratify`: the review after a break-glass.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use countersign_core::signoff::chain::Chain;
use countersign_core::signoff::statement::{AfterReview, Outcome, SignOff, Stance, Statement};
use countersign_core::signoff::verify::{Rosters, proven};
use countersign_core::signoff::{Digest, content::Content};
use countersign_git::Oid;
use jiff::Timestamp;

use super::RepoArgs;
use super::break_glass::record;
use super::sign::confirmed;
use crate::error::{CliError, CliResult, exit};
use crate::rules::{PEOPLE, Rules};
use crate::signer::Signer;
use crate::signoffs::rosters;
use crate::style::{BOLD, DIM, paint};

/// Review a break-glass afterwards, under your signature.
///
/// Only someone who neither made the change nor broke the glass. Of several
/// reviews a rejection wins. `countersign audit` lists what waits.
#[derive(Debug, Args)]
pub(crate) struct RatifyArgs {
    /// The break-glass: SHA-256 of the statement, or its beginning.
    statement: String,
    /// It was not right to go ahead.
    #[arg(long)]
    reject: bool,
    /// What came out of the review.
    #[arg(long, short, value_name = "TEXT")]
    message: String,
    /// Your private key, or the public key of one in an agent.
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Do not ask.
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    repo: RepoArgs,
}

pub(super) fn run(args: &RatifyArgs) -> CliResult {
    let repo = args.repo.open()?;
    let protected = super::protected(&repo)?.ok_or_else(|| {
        CliError::new(
            exit::NOT_FOUND,
            "there is no protected branch with a roster yet",
        )
    })?;
    let rules = Rules::at(&repo, Some(&protected))?;
    let chain = repo.signoffs()?;
    let (id, broken) = named(&chain, &args.statement)?;
    let signer = Signer::find(&repo, &rules, args.key.as_deref())?;
    let person = &signer.person.id;
    let (_, known) = rosters(&repo, &protected)?;
    let rosters = Rosters {
        now: &rules.roster,
        known: &known,
    };
    let involved = if has_broken(&chain, rosters, &broken, person) {
        Some("broke the glass")
    } else if broken.authors.contains(person) {
        Some("made the change")
    } else if signer.person.level < rules.policy.settings.break_glass.level {
        Some("is below the level that may break the glass, so cannot review it")
    } else {
        None
    };
    if let Some(why) = involved {
        return Err(CliError::new(exit::DATA, format!("{person} {why}"))
            .hint("someone who took no part has to review it"));
    }
    let outcome = if args.reject {
        Outcome::Rejected
    } else {
        Outcome::Ratified
    };
    let mut out = anstream::stdout().lock();
    show(&mut out, &broken)?;
    let asks = match outcome {
        Outcome::Ratified => "Ratify it",
        Outcome::Rejected => "Reject it",
    };
    if !confirmed(&mut out, args.yes, person, asks)? {
        writeln!(out, "nothing signed")?;
        return Ok(exit::HOLD);
    }
    let people = repo.read_file(&protected, PEOPLE)?.unwrap_or_default();
    let about = broken.about.clone();
    let commit: Oid = signer.seal_as(&repo, Digest::of(&people), Timestamp::now(), |signed| {
        Statement::AfterReview(Box::new(AfterReview {
            outcome,
            of: id,
            about,
            message: args.message.clone(),
            signed,
        }))
    })?;
    let done = match outcome {
        Outcome::Ratified => "ratified",
        Outcome::Rejected => "rejected",
    };
    record(&repo, &rules)?;
    writeln!(
        out,
        "\n{done} as {}  {}",
        paint(BOLD, person),
        paint(DIM, commit.short())
    )?;
    writeln!(
        out,
        "  {}   {}",
        paint(BOLD, "countersign signoffs push"),
        paint(DIM, "share it")
    )?;
    Ok(exit::ALLOW)
}

/// Whether someone signed this break-glass, or another for the same content:
/// where it takes two persons, neither reviews the other.
fn has_broken(chain: &Chain, rosters: Rosters<'_>, broken: &SignOff, person: &str) -> bool {
    let same = |statement: &Statement| match statement {
        Statement::SignOff(it) => {
            it.decision == Stance::BreakGlass
                && it.signed.person == person
                && it.about.content.is_same(&broken.about.content)
        }
        Statement::Declaration(_) | Statement::AfterReview(_) => false,
    };
    broken.signed.person == person || !proven(chain, rosters, Timestamp::now(), same).is_empty()
}

/// The break-glass whose name begins so.
fn named(chain: &Chain, wanted: &str) -> CliResult<(Digest, SignOff)> {
    let mut found = chain.entries().iter().filter_map(|entry| {
        let Statement::SignOff(it) = &entry.statement else {
            return None;
        };
        let id = entry.statement_id;
        let fits = wanted.len() >= 4 && id.to_string().starts_with(wanted);
        (it.decision == Stance::BreakGlass && fits).then(|| (id, it.as_ref().clone()))
    });
    match (found.next(), found.next()) {
        (Some(only), None) => Ok(only),
        _ => Err(CliError::new(
            exit::NOT_FOUND,
            format!("`{wanted}` is not one break-glass here"),
        )
        .hint(
            "`countersign audit` lists them; `countersign signoffs fetch` brings those of others",
        )),
    }
}

fn show(out: &mut impl Write, broken: &SignOff) -> CliResult<()> {
    let row = |label: &str| paint(DIM, format!("  {label:<13}"));
    let Some(terms) = &broken.break_glass else {
        return Ok(());
    };
    writeln!(
        out,
        "break-glass of {} at {}",
        paint(BOLD, &broken.signed.person),
        broken.signed.issued_at
    )?;
    writeln!(out, "{}{}", row("change"), broken.about.change)?;
    if let Content::Merge(merge) = &broken.about.content {
        writeln!(out, "{}{}", row("commit"), merge.head.commit)?;
    }
    if let Content::Plan(plan) = &broken.about.content {
        writeln!(out, "{}{}", row("plan"), plan.name)?;
        writeln!(out, "{}{}", row("sha256"), plan.sha256)?;
        writeln!(out, "{}{}", row("target"), broken.about.target)?;
    }
    writeln!(out, "{}{}", row("rules broken"), terms.rules.join(", "))?;
    writeln!(out, "{}{}", row("reason"), terms.reason)?;
    writeln!(out, "{}{}", row("review due"), terms.review_due)?;
    Ok(())
}
