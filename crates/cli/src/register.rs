//! Reading and recording what `incident`, `factor`, `link`, `deployment` and
//! `action` are about.

use std::collections::BTreeMap;
use std::io::{IsTerminal as _, Write};
use std::sync::LazyLock;

use clap::Args;
use countersign_core::moment;
use countersign_git::Repo;
use countersign_operations::history::History;
use countersign_operations::noted::Noted;
use countersign_operations::record::{Kind, Record, Recorded};
use countersign_store::{Appended, Expected, Range, Store};
use jiff::Timestamp;
use jiff::tz::{TimeZone, TimeZoneDatabase};

use crate::commands::protected;
use crate::database::DbArgs;
use crate::error::{CliError, CliResult, exit};
use crate::recorder;
use crate::rules::Rules;
use crate::style::{DIM, paint};

/// Rows read at once.
const PAGE: u32 = 5_000;
/// The most versions of one thing that are read.
const MOST_VERSIONS: u32 = 100_000;

/// One moment for a whole command, so that what happens `now` is not later
/// than its recording.
pub(crate) fn now() -> Timestamp {
    static NOW: LazyLock<Timestamp> = LazyLock::new(Timestamp::now);
    *NOW
}

/// Who says it, and where it is recorded.
#[derive(Debug, Args)]
pub(crate) struct RecordArgs {
    /// Your id on the roster; else the person with git's `user.email`.
    #[arg(long, value_name = "PERSON")]
    by: Option<String>,
    /// Why, in your words; corrections and withdrawals need it.
    #[arg(long, value_name = "TEXT")]
    why: Option<String>,
    /// The agent that writes this on your behalf.
    #[arg(long, value_name = "TOOL")]
    through: Option<String>,
    #[command(flatten)]
    pub(crate) db: DbArgs,
}

impl RecordArgs {
    /// Who, when, why.
    pub(crate) fn noted(&self) -> CliResult<Noted> {
        let mut noted = match &self.by {
            Some(by) => Noted::by(by.clone(), now()),
            None => from_git()?,
        };
        noted.at = now();
        noted.why.clone_from(&self.why);
        noted.through.clone_from(&self.through);
        Ok(noted)
    }

    /// The same, for what needs a reason.
    pub(crate) fn noted_because(&self, what: &str) -> CliResult<Noted> {
        let noted = self.noted()?;
        if noted.why.as_ref().is_none_or(|why| why.trim().is_empty()) {
            return Err(CliError::new(exit::USAGE, format!("{what} needs a reason"))
                .hint("say why with `--why TEXT`; it stays with what it is about"));
        }
        Ok(noted)
    }
}

fn from_git() -> CliResult<Noted> {
    let unnamed = |error: CliError| {
        CliError::new(exit::USAGE, format!("who says this? {error}"))
            .hint("name yourself with `--by PERSON`")
    };
    let repo = Repo::open(std::path::Path::new(".")).map_err(|error| unnamed(error.into()))?;
    let rules = Rules::at(&repo, protected(&repo)?.as_ref())?;
    recorder::noted(&repo, &rules)
}

/// A time, and the zone of those that do not say their own.
#[derive(Debug, Args)]
pub(crate) struct ZoneArgs {
    /// Time zone of times without an offset, such as `Europe/Berlin`.
    #[arg(long, value_name = "ZONE")]
    zone: Option<String>,
}

impl ZoneArgs {
    /// Of a zone that was given in another way.
    pub(crate) fn of(zone: &str) -> Self {
        Self {
            zone: Some(zone.to_owned()),
        }
    }

    /// Reads `now`, a time with an offset or, with `--zone`, one without.
    pub(crate) fn time(&self, text: &str) -> CliResult<Timestamp> {
        if text == "now" {
            return Ok(now());
        }
        if let Ok(at) = text.parse::<Timestamp>() {
            return Ok(at);
        }
        let wrong = |message: String| CliError::new(exit::USAGE, message);
        let Some(zone) = &self.zone else {
            return Err(wrong(format!("`{text}` is not a time with an offset")).hint(
                "write `2026-03-05T09:10Z` or `2026-03-05T10:10+01:00`, or state `--zone Europe/Berlin`",
            ));
        };
        let zone = zone_named(zone)?;
        moment::parse_in(text, &zone).map_err(|message| wrong(message).hint(moment::HINT))
    }

    /// Reads a time that may be left out.
    pub(crate) fn maybe(&self, text: Option<&String>) -> CliResult<Option<Timestamp>> {
        text.map(|text| self.time(text)).transpose()
    }
}

/// A time zone by its name.
pub(crate) fn zone_named(name: &str) -> CliResult<TimeZone> {
    TimeZoneDatabase::bundled().get(name).map_err(|_| {
        CliError::new(exit::USAGE, format!("`{name}` is not a time zone"))
            .hint("write one such as `Europe/Berlin` or `UTC`")
    })
}

/// A record of a kind, out of what the ledger holds.
pub(crate) fn of<T: Recorded + Clone>(body: &str) -> CliResult<T> {
    let wrong = |why: String| {
        CliError::new(
            exit::DATA,
            format!("the ledger holds a broken record: {why}"),
        )
    };
    let record = Record::parse(body).map_err(|error| wrong(error.to_string()))?;
    let found = T::of(&record).cloned();
    found.ok_or_else(|| wrong(format!("{record} is not of kind `{}`", T::KIND)))
}

/// The latest version of something, and the number of its entry.
pub(crate) async fn latest<T: Recorded + Clone>(
    store: &Store,
    key: &str,
) -> CliResult<Option<(T, u64)>> {
    let found = store.latest(T::KIND.as_str(), key).await?;
    found
        .map(|found| Ok((of(found.record.body())?, found.seq)))
        .transpose()
}

/// The latest version of something that has to exist.
pub(crate) async fn needed<T: Recorded + Clone>(store: &Store, key: &str) -> CliResult<(T, u64)> {
    if let Some(found) = latest(store, key).await? {
        return Ok(found);
    }
    let all = store.page(T::KIND.as_str(), Range::ALL, None, PAGE).await?;
    let keys = all.items.iter().map(|found| found.record.key());
    let closest = countersign_core::problem::closest(key, keys).map(str::to_owned);
    let error = CliError::new(exit::NOT_FOUND, format!("there is no {} `{key}`", T::KIND));
    Err(match closest {
        Some(closest) => error.hint(format!("did you mean `{closest}`?")),
        None => error.hint(format!(
            "`countersign {} list` shows what there is",
            T::KIND
        )),
    })
}

/// Every version of something.
pub(crate) async fn history<T: Recorded + Clone + PartialEq>(
    store: &Store,
    key: &str,
) -> CliResult<History<T>> {
    let found = store
        .history(T::KIND.as_str(), key, 0, MOST_VERSIONS)
        .await?;
    let versions: CliResult<Vec<T>> = found.iter().map(|found| of(found.record.body())).collect();
    Ok(History::of(versions?))
}

/// The latest version of everything of a kind that happened in a range.
pub(crate) async fn all<T: Recorded + Clone>(store: &Store, range: Range) -> CliResult<Vec<T>> {
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let page = store
            .page(T::KIND.as_str(), range, after.as_ref(), PAGE)
            .await?;
        for item in &page.items {
            found.push(of(item.record.body())?);
        }
        after = page.next;
        if after.is_none() {
            return Ok(found);
        }
    }
}

/// Every version of everything of a kind whose key begins with one or more ids.
pub(crate) async fn statements<T: Recorded + Clone>(
    store: &Store,
    prefix: Option<&str>,
) -> CliResult<Vec<T>> {
    let mut keys: Vec<String> = Vec::new();
    let mut after = None;
    loop {
        let page = store
            .page(T::KIND.as_str(), Range::ALL, after.as_ref(), PAGE)
            .await?;
        let own = |key: &str| prefix.is_none_or(|prefix| key.starts_with(&format!("{prefix} ")));
        keys.extend(
            page.items
                .iter()
                .map(|it| it.record.key().to_owned())
                .filter(|key| own(key)),
        );
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let mut found = Vec::new();
    for key in keys {
        let versions = store
            .history(T::KIND.as_str(), &key, 0, MOST_VERSIONS)
            .await?;
        for version in versions {
            found.push(of(version.record.body())?);
        }
    }
    Ok(found)
}

/// Records something that builds on the entry `seq`.
pub(crate) async fn keep(store: &Store, record: Record, seq: Option<u64>) -> CliResult<Appended> {
    let by = record.noted().by.clone();
    let expected = Expected {
        kind: record.kind().as_str().to_owned(),
        key: record.key(),
        seq,
    };
    let entry = recorder::entry(&record)?;
    Ok(store.append_if(&by, vec![entry], vec![expected]).await?)
}

/// The next free id of the form `PREFIX-2026-7`.
pub(crate) async fn next_id(
    store: &Store,
    kind: Kind,
    prefix: &str,
    at: Timestamp,
) -> CliResult<String> {
    let year = TimeZone::UTC.to_datetime(at).year();
    let head = format!("{prefix}-{year}-");
    let mut highest = 0u64;
    let mut after = None;
    loop {
        let page = store
            .page(kind.as_str(), Range::ALL, after.as_ref(), PAGE)
            .await?;
        let numbers = page
            .items
            .iter()
            .filter_map(|it| it.record.key().strip_prefix(&head)?.parse().ok());
        highest = numbers.fold(highest, u64::max);
        after = page.next;
        if after.is_none() {
            return Ok(format!("{head}{}", highest + 1));
        }
    }
}

/// What people read: a table whose last column takes the room that is left.
pub(crate) struct Table {
    headers: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(headers: &[&'static str]) -> Self {
        Self {
            headers: headers.to_vec(),
            rows: Vec::new(),
        }
    }

    pub(crate) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// Prints it with its first line dimmed; nothing when it has no rows.
    pub(crate) fn print(&self, out: &mut impl Write) -> CliResult<()> {
        if self.rows.is_empty() {
            return Ok(());
        }
        for (place, line) in self.lines().iter().enumerate() {
            match place {
                0 => writeln!(out, "{}", paint(DIM, line))?,
                _ => writeln!(out, "{line}")?,
            }
        }
        Ok(())
    }

    /// The lines, as wide as the terminal; anywhere else, as wide as they are.
    fn lines(&self) -> Vec<String> {
        let room = if std::io::stdout().is_terminal() {
            terminal_size::terminal_size().map_or(100, |(width, _)| usize::from(width.0))
        } else {
            usize::MAX
        };
        let mut widths: BTreeMap<usize, usize> = BTreeMap::new();
        let headers = self
            .headers
            .iter()
            .map(|it| (*it).to_owned())
            .collect::<Vec<_>>();
        for cells in std::iter::once(&headers).chain(&self.rows) {
            for (column, cell) in cells.iter().enumerate() {
                let width = widths.entry(column).or_default();
                *width = (*width).max(cell.chars().count());
            }
        }
        let last = self.headers.len().saturating_sub(1);
        let line = |cells: &Vec<String>| {
            let mut out = String::new();
            for (column, cell) in cells.iter().enumerate() {
                let width = widths.get(&column).copied().unwrap_or_default();
                if column == last {
                    let left = room.saturating_sub(out.chars().count()).max(12);
                    out.push_str(&cut(cell, left));
                } else {
                    out.push_str(&format!("{cell:<width$}  "));
                }
            }
            out.trim_end().to_owned()
        };
        std::iter::once(&headers)
            .chain(&self.rows)
            .map(line)
            .collect()
    }
}

/// At most so many characters, one line, nothing that a terminal obeys.
pub(crate) fn cut(text: &str, most: usize) -> String {
    let plain: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if plain.chars().count() <= most {
        return plain;
    }
    let kept: String = plain.chars().take(most.saturating_sub(1)).collect();
    format!("{kept}…")
}

/// Minutes as people say them: `45 min`, `6 h 12 min`, `3 d 4 h`.
pub(crate) fn minutes(minutes: f64) -> String {
    let whole = minutes.round().max(0.0) as u64;
    match whole {
        0..120 => format!("{whole} min"),
        120..2880 => format!("{} h {} min", whole / 60, whole % 60),
        _ => format!("{} d {} h", whole / 1440, whole % 1440 / 60),
    }
}

/// A time for people: to the minute, in UTC.
pub(crate) fn short(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%MZ").to_string()
}
