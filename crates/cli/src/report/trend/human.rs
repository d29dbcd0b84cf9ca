//! The answer for a person at a terminal.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Color, Style};
use countersign_operations::trend::{Answer, By, Comparison, Group, Verdict};
use countersign_page::chart::{COLUMNS, Chart};
use countersign_page::{Table, decimal, thousands};

use super::{TrendReport, charts};
use crate::style::{BOLD, DIM, paint};

/// Groups listed before the rest is counted.
const MAX_GROUPS: usize = 15;
/// Gaps drawn before the older are left out.
const MAX_GAPS: usize = 12;

/// The answer, at most 80 columns wide where it is drawn.
pub(crate) fn human(report: &TrendReport) -> String {
    let analysis = &report.analysis;
    let mut out = String::new();
    for answer in [&analysis.trend.answer, &analysis.comparison.answer] {
        let _ = writeln!(
            out,
            "{}",
            paint(colour(&answer.verdict), wrap(&answer.sentence, 0))
        );
    }
    let (trend, title) = super::html::drawn_trend(analysis);
    if !trend.series.weeks.is_empty() {
        let _ = write!(
            out,
            "\n{}",
            charts::run(trend, &analysis.events, title).text()
        );
    }
    if trend.metric != analysis.trend.metric
        || trend.answer.verdict != analysis.trend.answer.verdict
    {
        say(&mut out, &trend.answer);
    }
    section(&mut out, "AI-assisted changes beside others");
    arms(&mut out, &analysis.comparison);
    if let Some(forest) = charts::comparison(&analysis.comparison) {
        let _ = write!(out, "\n{}", forest.text());
    }
    limits(&mut out, &analysis.comparison.answer);
    section(&mut out, "AI-assisted changes, looked at every week");
    say(&mut out, &analysis.looks.answer);
    if !analysis.events.effects.is_empty() {
        section(&mut out, "Events");
        for effect in &analysis.events.effects {
            say(&mut out, &effect.answer);
        }
    }
    section(&mut out, "Sev1, one by one");
    say(&mut out, &analysis.rare.answer);
    if let Some(mut chart) = charts::gaps(analysis) {
        let older = chart.gaps.len().saturating_sub(MAX_GAPS);
        chart.gaps.drain(..older);
        let _ = write!(out, "\n{}", chart.text());
    }
    if let Some(mut bars) = charts::severities(&analysis.calendar) {
        let older = bars.columns.len().saturating_sub(MAX_GAPS);
        bars.columns.drain(..older);
        let _ = write!(out, "\n{}", bars.text());
    }
    groups(&mut out, &analysis.groups);
    section(&mut out, "How far this carries");
    limits(&mut out, &analysis.trend.answer);
    for warning in &report.warnings {
        item(&mut out, warning);
    }
    item(
        &mut out,
        "methods and assumptions of every answer: --format html, or docs/guide/trend.md",
    );
    out
}

const fn colour(verdict: &Verdict) -> Style {
    let color = match verdict {
        Verdict::Higher => AnsiColor::Red,
        Verdict::Lower | Verdict::NoEvidence { .. } => AnsiColor::Green,
        Verdict::CannotTell { .. } => AnsiColor::Yellow,
    };
    Style::new().bold().fg_color(Some(Color::Ansi(color)))
}

fn section(out: &mut String, title: &str) {
    let _ = writeln!(out, "\n{}", paint(BOLD, title));
}

fn say(out: &mut String, answer: &Answer) {
    let _ = writeln!(out, "{}", wrap(&answer.sentence, 0));
}

fn limits(out: &mut String, answer: &Answer) {
    for limit in &answer.limits {
        item(out, limit);
    }
}

fn item(out: &mut String, text: &str) {
    let _ = writeln!(out, "{}", paint(DIM, format!("- {}", wrap(text, 2))));
}

/// Lines of at most 80 columns, all but the first indented.
fn wrap(text: &str, indent: usize) -> String {
    let mut out = String::new();
    let mut column = indent;
    for word in text.split(' ') {
        let length = word.chars().count();
        if column > indent && column + 1 + length > COLUMNS {
            out.push('\n');
            out.push_str(&" ".repeat(indent));
            column = indent;
        } else if column > indent {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += length;
    }
    out
}

fn arms(out: &mut String, found: &Comparison) {
    let all = found.ai.changes + found.others.changes + found.undeclared.changes;
    if all == 0 {
        return;
    }
    out.push_str(&arms_table(found).text());
    if let Some(seen) = found.would_have_seen {
        let _ = writeln!(
            out,
            "A ratio of {} or more would have been seen.",
            decimal(seen)
        );
    }
}

/// A count, its thousands separated.
pub(super) fn whole(number: u64) -> String {
    thousands(i64::try_from(number).unwrap_or(i64::MAX))
}

/// The arms in numbers; for the page too.
pub(super) fn arms_table(found: &Comparison) -> Table {
    let mut table = Table::new(["changes", "shipped", "incidents", "per 1,000", "95 %"]);
    for (name, arm) in [
        ("AI-assisted", found.ai),
        ("without AI", found.others),
        ("undeclared", found.undeclared),
    ] {
        let rate = arm
            .rate
            .map(|rate| [rate.value, rate.low, rate.high].map(|v| decimal(1000.0 * v)));
        let [value, low, high] = rate.unwrap_or_default();
        let range = match (value.is_empty(), arm.changes) {
            (false, _) => format!("{low} to {high}"),
            (true, 0) => String::new(),
            // none is known of, which is not the same as none
            (true, _) => format!("{} unlinked", whole(found.unlinked)),
        };
        table.row([
            name.to_owned(),
            whole(arm.changes),
            whole(arm.incidents),
            value,
            range,
        ]);
    }
    table
}

fn groups(out: &mut String, groups: &[Group]) {
    for (by, title) in [
        (By::Severity, "By severity"),
        (By::Service, "By service"),
        (By::Involvement, "By involvement of AI"),
    ] {
        let found: Vec<&Group> = groups.iter().filter(|group| group.by == by).collect();
        if found.is_empty() {
            continue;
        }
        section(out, title);
        out.push_str(&groups_table(&found, MAX_GROUPS).text());
        if found.len() > MAX_GROUPS {
            let _ = writeln!(out, "and {} more", found.len() - MAX_GROUPS);
        }
    }
}

/// Parts in numbers; for the page too. Each row says what its rate is per.
pub(super) fn groups_table(groups: &[&Group], most: usize) -> Table {
    let mut table = Table::new(["", "incidents", "per day", "rate", "verdict"]);
    for group in groups.iter().take(most) {
        let trend = &group.trend;
        let days = 7.0 * trend.series.weeks.len() as f64;
        let rate = trend.rate.map_or_else(String::new, |rate| {
            let per = match trend.metric.scale() {
                1.0 => "/week",
                _ => "‰",
            };
            format!("{} {per}", decimal(rate.value * trend.metric.scale()))
        });
        let per_day = if days > 0.0 {
            decimal(trend.incidents as f64 / days)
        } else {
            String::new()
        };
        table.row([
            group.name.clone(),
            trend.incidents.to_string(),
            per_day,
            rate,
            standing(group),
        ]);
    }
    table
}

/// The word, with since when or what would have been seen.
fn standing(group: &Group) -> String {
    match &group.trend.answer.verdict {
        verdict @ (Verdict::Higher | Verdict::Lower) => {
            let turn = group
                .trend
                .turn
                .as_ref()
                .filter(|turn| turn.supported && !turn.gradual);
            let since = turn.map_or_else(String::new, |turn| format!(" since {}", turn.week));
            format!("{verdict}{since}")
        }
        Verdict::NoEvidence { would_have_seen } => {
            format!(
                "no evidence (would have seen ≥ {})",
                decimal(*would_have_seen)
            )
        }
        Verdict::CannotTell { reason } => match group.trend.would_have_seen {
            Some(seen) if reason.code == "too-little-data" => {
                format!("cannot tell (sees ≥ {})", decimal(seen))
            }
            _ => format!("cannot tell ({})", reason.code.replace('-', " ")),
        },
    }
}
