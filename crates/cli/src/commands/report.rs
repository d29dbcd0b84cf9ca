//! `countersign report`: what the rules cost and what they are worth.

use std::io::Write;
use std::sync::Arc;

use clap::{Args, Subcommand, ValueEnum};
use countersign_core::moment;
use countersign_core::signoff::chain::{Chain, Entry};
use countersign_core::signoff::content::Content;
use countersign_core::signoff::statement::{Stance, Statement};
use countersign_core::signoff::value::{Act, Event, signals_of, signals_of_all, value};
use countersign_core::signoff::verify::proven;
use countersign_git::{Oid, Repo};
use jiff::Timestamp;

use super::{RepoArgs, protected};
use crate::error::{CliError, CliResult, exit};
use crate::report::json;
use crate::report::signoffs::{self as report, SignoffsReport};
use crate::rules::Rules;
use crate::signer;
use crate::signoffs::Ground;
use crate::work::{self, is_review};

/// What the rules cost and what they are worth.
#[derive(Debug, Subcommand)]
pub(crate) enum ReportCommand {
    Signoffs(SignoffsArgs),
}

/// What sign-offs caught and what they cost, from this repository alone.
///
/// How people sign is shown to each of them alone (`--for me`), and of others
/// only over at least five people together.
#[derive(Debug, Args)]
pub(crate) struct SignoffsArgs {
    /// How far back, such as `90d` or `26w`.
    #[arg(long, default_value = "90d", value_name = "TIME")]
    since: String,
    /// Also how you sign yourself: `me`, whose signing key or mailbox git has.
    #[arg(long = "for", value_name = "me")]
    person: Option<String>,
    #[command(flatten)]
    repo: RepoArgs,
    /// How to print the answer.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Short for `--format json`.
    #[arg(long, conflicts_with = "format")]
    json: bool,
    /// Report as if it were this time (RFC 3339), for repeating an answer.
    #[arg(long, value_name = "TIME")]
    now: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum Format {
    /// For a person at a terminal.
    #[default]
    Human,
    /// Versioned and documented, for programs.
    Json,
    /// For the weekly review.
    Markdown,
}

pub(super) fn run(command: &ReportCommand) -> CliResult {
    match command {
        ReportCommand::Signoffs(args) => signoffs(args),
    }
}

fn signoffs(args: &SignoffsArgs) -> CliResult {
    let repo = args.repo.open()?;
    let onto = protected(&repo)?;
    let rules = Rules::at(&repo, onto.as_ref())?;
    let now = args.now.unwrap_or_else(Timestamp::now);
    let lasts = moment::parse_duration(&args.since)
        .map_err(|message| CliError::new(exit::USAGE, message).hint(moment::DURATION_HINT))?;
    let since = now - lasts;
    let me = match &args.person {
        Some(who) => Some(myself(&repo, &rules, who)?),
        None => None,
    };
    let ground = match &onto {
        Some(onto) => Arc::new(Ground::of(&repo, onto, &rules, Arc::new(repo.signoffs()?))?),
        None => return Err(CliError::new(exit::NOT_FOUND, "there is no commit yet")),
    };
    let events = events(&repo, &rules, &ground, now)?;
    let report = SignoffsReport::new(
        &args.since,
        value(&events, since),
        signals_of_all(&events, since),
        me.map(|id| (signals_of(&events, &id, since), id)),
    )?;
    let text = match (args.json, args.format) {
        (true, _) | (_, Format::Json) => json(&report)?,
        (_, Format::Human) => report::human(&report),
        (_, Format::Markdown) => report::markdown(&report),
    };
    let mut out = anstream::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(exit::ALLOW)
}

/// The person who asks. How someone signs is nobody else's business, so another
/// name is not taken.
fn myself(repo: &Repo, rules: &Rules, who: &str) -> CliResult<String> {
    let me = signer::configured_person(repo, rules)?;
    let me = me.and_then(|index| rules.roster.person(index));
    match me {
        Some(person) if who == "me" || who == person.id => Ok(person.id.clone()),
        Some(_) => Err(
            CliError::new(exit::USAGE, "how someone signs is shown to them alone")
                .hint("`--for me` shows how you sign"),
        ),
        None => Err(CliError::new(
            exit::NOT_FOUND,
            "nobody on the roster has your key or mailbox",
        )
        .hint("set git's user.signingKey or user.email")),
    }
}

/// Every proven statement about a version of a change.
fn events(repo: &Repo, rules: &Rules, ground: &Ground, now: Timestamp) -> CliResult<Vec<Event>> {
    let chain: &Chain = &ground.chain;
    let proven = proven(
        chain,
        ground.rosters(rules),
        now,
        |statement| match statement {
            Statement::SignOff(_) => is_review(statement),
            Statement::Declaration(_) => true,
            Statement::AfterReview(_) => false,
        },
    );
    let lines = work::lines_of(repo, &proven)?;
    let heads: Vec<Option<Oid>> = proven
        .iter()
        .map(|entry| {
            let merge = entry.statement.about().content.merge()?;
            Oid::new(merge.head.commit.as_str())
        })
        .collect();
    let committed = repo.commit_times(&heads)?;
    Ok(proven
        .iter()
        .zip(lines)
        .zip(committed)
        .map(|((entry, lines), committed)| event(entry, lines, committed))
        .collect())
}

fn event(entry: &Entry, lines: Option<u64>, committed: Option<i64>) -> Event {
    let (about, signed) = (entry.statement.about(), entry.statement.signed());
    let (act, shown_at, rules) = match &entry.statement {
        Statement::SignOff(it) => {
            let act = match it.decision {
                Stance::Approve => Act::Approve,
                Stance::Veto => Act::Veto,
                Stance::Revoke | Stance::BreakGlass => Act::Other,
            };
            (act, it.shown_at, it.claims.rules.clone())
        }
        Statement::Declaration(_) | Statement::AfterReview(_) => (Act::Other, None, Vec::new()),
    };
    Event {
        change: format!("{} {} {}", about.repository, about.target, about.change),
        person: signed.person.clone(),
        act,
        version: match &about.content {
            Content::Merge(merge) => merge.result.as_ref().map(|result| result.digest),
            Content::Plan(it) | Content::Action(it) | Content::Deployment(it) => Some(it.sha256),
        },
        at: signed.issued_at,
        shown_at,
        committed_at: committed.and_then(|at| Timestamp::from_second(at).ok()),
        lines,
        rules,
    }
}
