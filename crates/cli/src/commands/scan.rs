//! `countersign scan`: AI involvement over a whole history.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use countersign_core::involvement::Verdict as Ai;
use countersign_core::moment;
use countersign_git::{ScanOptions, ScanRecord};
use indicatif::{ProgressBar, ProgressStyle};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

use super::RepoArgs;
use crate::error::{CliError, CliResult, exit};
use crate::report::{self, count};
use crate::rules::Rules;
use crate::style::{self, BOLD, DIM, paint};

/// AI involvement over a whole history: per tool, per month, per author level.
///
/// Shares are given as a range: the low end counts only commits with evidence
/// of AI, the high end also those without any evidence. The absence of a
/// marker never means human.
#[derive(Debug, Args)]
pub(crate) struct ScanArgs {
    #[command(flatten)]
    repo: RepoArgs,
    /// Only commits since then: a date, or a time back such as `90d`.
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// The branch or commit whose history is read.
    #[arg(long, default_value = "HEAD", value_name = "REV")]
    rev: String,
    /// How to print the answer.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, ValueEnum)]
enum Format {
    /// For a person at a terminal.
    #[default]
    Human,
    /// Versioned and documented, for programs.
    Json,
    /// One line per month, for spreadsheets.
    Csv,
}

/// Commits by verdict.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
struct Tally {
    commits: u64,
    yes: u64,
    unknown: u64,
    no: u64,
}

impl Tally {
    fn add(&mut self, verdict: Ai) {
        self.commits += 1;
        match verdict {
            Ai::Yes => self.yes += 1,
            Ai::Unknown => self.unknown += 1,
            Ai::No => self.no += 1,
        }
    }

    /// The share that AI took part in, in percent: at least, at most.
    fn bounds(self) -> (f64, f64) {
        let percent = |n: u64| n as f64 * 100.0 / self.commits.max(1) as f64;
        (percent(self.yes), percent(self.yes + self.unknown))
    }
}

/// Everything that `scan` says. The JSON form is this, with bounds added.
#[derive(Debug, Default, Serialize)]
struct Scan {
    schema: &'static str,
    total: Tally,
    /// Share of commits with AI involvement in percent: [at least, at most].
    share_percent: [f64; 2],
    tools: BTreeMap<String, u64>,
    strengths: BTreeMap<&'static str, u64>,
    months: BTreeMap<String, Tally>,
    levels: BTreeMap<String, Tally>,
}

pub(super) fn run(args: &ScanArgs) -> CliResult {
    let repo = args.repo.open()?;
    let head = repo.resolve(&args.rev)?;
    let rules = Rules::at(&repo, Some(&head))?;
    let since = args.since.as_deref().map(since).transpose()?;
    let mut scan = Scan {
        schema: "countersign.scan/1",
        ..Scan::default()
    };
    let mut months = MonthCache::default();
    let mut levels: BTreeMap<String, String> = BTreeMap::new();
    let mut progress = Progress::new(args.format == Format::Human);
    repo.scan(
        &ScanOptions { rev: head, since },
        &mut |record: &ScanRecord<'_>| {
            progress.tick();
            scan.total.add(record.verdict);
            for tool in record.tools {
                *scan.tools.entry((*tool).to_owned()).or_default() += 1;
            }
            if let Some(strength) = record.strength {
                *scan.strengths.entry(strength.as_str()).or_default() += 1;
            }
            let month = months.of(record.time);
            match scan.months.get_mut(month) {
                Some(tally) => tally.add(record.verdict),
                None => scan
                    .months
                    .entry(month.to_owned())
                    .or_default()
                    .add(record.verdict),
            }
            // Most commits come from few mailboxes, so each is looked up once.
            let level = match levels.get(record.email) {
                Some(level) => level,
                None => {
                    let person = rules.roster.by_email(record.email);
                    let level = person
                        .and_then(|index| rules.roster.person(index))
                        .map_or("not on the roster", |person| {
                            rules.roster.levels().name(person.level)
                        });
                    levels
                        .entry(record.email.to_owned())
                        .or_insert_with(|| level.to_owned())
                }
            };
            match scan.levels.get_mut(level.as_str()) {
                Some(tally) => tally.add(record.verdict),
                None => scan
                    .levels
                    .entry(level.clone())
                    .or_default()
                    .add(record.verdict),
            }
        },
    )?;
    progress.finish();
    let (low, high) = scan.total.bounds();
    scan.share_percent = [low, high];
    let mut out = anstream::stdout().lock();
    match args.format {
        Format::Json => out.write_all(report::json(&scan)?.as_bytes())?,
        Format::Csv => csv(&mut out, &scan)?,
        Format::Human => human(&mut out, &scan, repo.is_shallow())?,
    }
    Ok(exit::ALLOW)
}

fn since(text: &str) -> CliResult<i64> {
    if let Ok(back) = moment::parse_duration(text) {
        return Ok((Timestamp::now() - back).as_second());
    }
    moment::parse_utc(text)
        .map(Timestamp::as_second)
        .map_err(|message| CliError::new(exit::USAGE, message).hint(moment::HINT))
}

/// Months of seconds, remembering the last one: histories are mostly in order.
#[derive(Default)]
struct MonthCache {
    from: i64,
    until: i64,
    text: String,
}

impl MonthCache {
    fn of(&mut self, time: i64) -> &str {
        if !(self.from..self.until).contains(&time) {
            let at = Timestamp::from_second(time).unwrap_or(Timestamp::UNIX_EPOCH);
            let date = at.to_zoned_datetime(TimeZone::UTC).date();
            let second = |date: jiff::civil::Date| {
                let midnight = date.at(0, 0, 0, 0);
                TimeZone::UTC
                    .to_timestamp(midnight)
                    .map_or(time, Timestamp::as_second)
            };
            self.from = second(date.first_of_month());
            self.until = second(date.last_of_month()) + 24 * 60 * 60;
            self.text = format!("{:04}-{:02}", date.year(), date.month());
        }
        &self.text
    }
}

/// A spinner with a count that appears only when a scan takes longer than a
/// second and someone is watching.
struct Progress {
    started: Instant,
    bar: Option<ProgressBar>,
    seen: u64,
    wanted: bool,
}

impl Progress {
    fn new(human: bool) -> Self {
        Self {
            started: Instant::now(),
            bar: None,
            seen: 0,
            wanted: human && std::io::stderr().is_terminal(),
        }
    }

    fn tick(&mut self) {
        self.seen += 1;
        // Asking for the time on every commit would cost more than reading it.
        if !self.wanted
            || !self.seen.is_multiple_of(1024)
            || self.started.elapsed() < Duration::from_secs(1)
        {
            return;
        }
        let bar = self.bar.get_or_insert_with(|| {
            let style = ProgressStyle::with_template("{spinner} {human_pos} commits, {per_sec}");
            let bar = ProgressBar::new_spinner();
            style.map_or(bar.clone(), |style| bar.with_style(style))
        });
        bar.set_position(self.seen);
    }

    fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn csv(out: &mut impl Write, scan: &Scan) -> CliResult<()> {
    writeln!(
        out,
        "month,commits,ai,unknown,human,at_least_percent,at_most_percent"
    )?;
    for (month, tally) in &scan.months {
        let (low, high) = tally.bounds();
        writeln!(
            out,
            "{month},{},{},{},{},{low:.2},{high:.2}",
            tally.commits, tally.yes, tally.unknown, tally.no
        )?;
    }
    Ok(())
}

/// Width of a bar in characters.
const BAR: usize = 32;

/// Months shown; older ones are summed up in one line.
const MONTHS: usize = 24;

fn human(out: &mut impl Write, scan: &Scan, shallow: bool) -> CliResult<()> {
    if scan.total.commits == 0 {
        writeln!(out, "no commits in this time")?;
        return Ok(());
    }
    let (low, high) = scan.total.bounds();
    writeln!(
        out,
        "{}  {}",
        paint(
            BOLD,
            format!(
                "AI took part in {low:.1} % to {high:.1} % of {}",
                count(scan.total.commits, "commit")
            )
        ),
        paint(DIM, "disclosed to not ruled out"),
    )?;
    let total = &scan.total;
    writeln!(
        out,
        "  {} disclosed, {} unknown, {} human",
        paint(style::involvement(Ai::Yes), total.yes),
        paint(style::involvement(Ai::Unknown), total.unknown),
        paint(style::involvement(Ai::No), total.no),
    )?;
    if shallow {
        writeln!(
            out,
            "  this is a shallow clone, so older commits are missing"
        )?;
    }
    let mut tools: Vec<(&String, &u64)> = scan.tools.iter().collect();
    tools.sort_by(|a, b| b.1.cmp(a.1).then_with(|| a.0.cmp(b.0)));
    if !tools.is_empty() {
        writeln!(
            out,
            "\n  {}",
            paint(DIM, format!("{:<28}{:>9}", "tool", "commits"))
        )?;
    }
    for (tool, commits) in tools.iter().take(15) {
        writeln!(out, "  {tool:<28}{commits:>9}")?;
    }
    if scan.levels.len() > 1 {
        writeln!(
            out,
            "\n  {}",
            paint(
                DIM,
                format!("{:<28}{:>9}  AI share", "author level", "commits")
            )
        )?;
        for (level, tally) in &scan.levels {
            let (low, high) = tally.bounds();
            writeln!(
                out,
                "  {level:<28}{:>9}  {low:.1} to {high:.1} %",
                tally.commits
            )?;
        }
    }
    writeln!(
        out,
        "\n  {}",
        paint(
            DIM,
            format!(
                "{:<9}{:>8}  {:<BAR$}  AI share",
                "month", "commits", "█ disclosed  ░ unknown"
            )
        )
    )?;
    let hidden = scan.months.len().saturating_sub(MONTHS);
    for (month, tally) in scan.months.iter().skip(hidden) {
        let (low, high) = tally.bounds();
        writeln!(
            out,
            "  {month:<9}{:>8}  {}  {low:.0} to {high:.0} %",
            tally.commits,
            bar(*tally)
        )?;
    }
    if hidden > 0 {
        writeln!(
            out,
            "  {}",
            paint(
                DIM,
                format!("and {hidden} earlier months (see --format csv)")
            )
        )?;
    }
    Ok(())
}

/// A bar of disclosed, unknown and human shares. What is not nothing shows at
/// least one character.
fn bar(tally: Tally) -> String {
    let cells = |n: u64| {
        let cells = (n as f64 * BAR as f64 / tally.commits.max(1) as f64).round() as usize;
        if n > 0 { cells.max(1) } else { 0 }
    };
    let yes = cells(tally.yes);
    let no = cells(tally.no).min(BAR.saturating_sub(yes));
    let unknown = BAR.saturating_sub(yes + no);
    format!(
        "{}{}{}",
        paint(style::involvement(Ai::Yes), "█".repeat(yes)),
        paint(style::involvement(Ai::Unknown), "░".repeat(unknown)),
        paint(style::involvement(Ai::No), "·".repeat(no)),
    )
}
