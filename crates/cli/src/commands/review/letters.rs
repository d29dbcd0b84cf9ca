//! `countersign review briefing` and `invitation`: text files ready to send.

use std::path::PathBuf;

use clap::Args;
use countersign_operations::review::ReviewIssued;
use countersign_store::{Access, Range};

use super::{WeekArgs, build};
use crate::database::{DbArgs, with};
use crate::error::{CliError, CliResult, exit};
use crate::register;
use crate::report::review::letters;

/// A briefing note: facts only, each with its source. Claims that nobody else
/// confirmed are left out and counted.
#[derive(Debug, Args)]
pub(crate) struct BriefingArgs {
    #[command(flatten)]
    week: WeekArgs,
    /// Write it to this file.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    db: DbArgs,
}

/// An invitation: who has to come, what is dived into, what to read before.
#[derive(Debug, Args)]
pub(crate) struct InvitationArgs {
    #[command(flatten)]
    week: WeekArgs,
    /// When the meeting is, in your words.
    #[arg(long, value_name = "TEXT")]
    when: String,
    /// Where, in your words.
    #[arg(long = "where", value_name = "TEXT")]
    place: Option<String>,
    /// Write it to this file.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    db: DbArgs,
}

pub(super) fn briefing(args: &BriefingArgs) -> CliResult {
    let beside = args.week.beside()?;
    let review = with(&args.db.address()?, Access::Read, async |store| {
        args.week.build(store, &beside).await
    })?;
    build::write(args.output.as_ref(), letters::briefing(&review).as_bytes())?;
    Ok(exit::ALLOW)
}

pub(super) fn invitation(args: &InvitationArgs) -> CliResult {
    let beside = args.week.beside()?;
    let (review, issued) = with(&args.db.address()?, Access::Read, async |store| {
        let review = args.week.build(store, &beside).await?;
        let all = register::all::<ReviewIssued>(store, Range::ALL).await?;
        let own = all.into_iter().filter(|it| it.week == review.week);
        let last = own.max_by_key(|it| it.version);
        Ok((review, last))
    })?;
    let Some(issued) = issued else {
        let week = review.week;
        return Err(CliError::new(
            exit::NOT_FOUND,
            format!("no version of {week} was circulated, so nobody is invited to it"),
        )
        .hint(format!(
            "first: countersign review circulate --week {week} --required ada,bo"
        )));
    };
    let text = letters::invitation(&review, &issued, &args.when, args.place.as_deref());
    build::write(args.output.as_ref(), text.as_bytes())?;
    Ok(exit::ALLOW)
}
