//! `countersign usage`: what AI is used for here, and how far the safeguards for
//! each use are established.

mod graduate;
mod list;
mod register;
mod registry;
mod review;
mod scan;
mod show;

use clap::Subcommand;
use countersign_core::usage::Why;
use countersign_operations::usage::{Pattern, PatternRow, Rate};

use crate::error::{CliError, CliResult, exit};

/// What AI is used for here: every pattern, how safe it is, who answers for it.
///
/// A pattern is TOOL/MODEL-FAMILY/MODE/ACTIVITY/ENVIRONMENT. What no entry of
/// `.countersign/usage.toml` on the protected branch covers is novel. With a
/// database what is recorded counts, else the history of the default branch.
#[derive(Debug, Subcommand)]
pub(crate) enum UsageCommand {
    Scan(scan::ScanArgs),
    List(list::ListArgs),
    Show(show::ShowArgs),
    Register(Box<register::RegisterArgs>),
    Graduate(graduate::GraduateArgs),
    Review(review::ReviewArgs),
}

pub(super) fn run(command: &UsageCommand) -> CliResult {
    match command {
        UsageCommand::Scan(args) => scan::run(args),
        UsageCommand::List(args) => list::run(args),
        UsageCommand::Show(args) => show::run(args),
        UsageCommand::Register(args) => register::run(args),
        UsageCommand::Graduate(args) => graduate::run(args),
        UsageCommand::Review(args) => review::run(args),
    }
}

fn pattern(text: &str) -> Result<Pattern, String> {
    text.parse()
}

/// A pattern that nobody has seen is most often a slip of the hand.
fn unseen<'a>(pattern: &Pattern, seen: impl Iterator<Item = &'a Pattern>) -> CliError {
    let key = pattern.key();
    let keys: Vec<String> = seen.map(Pattern::key).collect();
    let closest = countersign_core::problem::closest(&key, keys.iter().map(String::as_str));
    let error = CliError::new(exit::NOT_FOUND, format!("nobody has seen `{key}`"));
    match closest {
        Some(closest) => error.hint(format!("did you mean `{closest}`?")),
        None => error.hint("`countersign usage list` shows what was seen"),
    }
}

/// `2.0 (0.1–7.3)`, per 1,000 changes.
fn rate_text(rate: &Rate) -> String {
    let per_thousand = |value: f64| format!("{:.1}", 1000.0 * value);
    format!(
        "{} ({}–{})",
        per_thousand(rate.value),
        per_thousand(rate.low),
        per_thousand(rate.high)
    )
}

/// What it counts as, with why where its entry is not enough.
fn standing_text(row: &PatternRow) -> String {
    let why = match &row.why {
        Why::Registered => String::new(),
        Why::Unregistered => ": not registered".to_owned(),
        Why::Expired(at) => format!(": expired on {}", at.strftime("%Y-%m-%d")),
        Why::Missing(missing) => format!(": lacks {}", missing.join(", ")),
        Why::OverCap { changes, most } => format!(": {changes} in seven days, cap {most}"),
    };
    format!("{}{why}", row.maturity.as_str())
}

fn percent(share: f64) -> String {
    match 100.0 * share {
        0.0 => "0 %".to_owned(),
        small if small < 1.0 => "< 1 %".to_owned(),
        share => format!("{share:.0} %"),
    }
}
