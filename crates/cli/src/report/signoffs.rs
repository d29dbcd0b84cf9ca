//! What sign-offs caught and what they cost.

use std::fmt::Write as _;

use countersign_core::signoff::value::{FEWEST_PEOPLE, Share, Signals, Value, Worth, median};
use countersign_stats::{Confidence, proportion};
use serde::Serialize;

use crate::error::{CliError, CliResult, exit};
use crate::report::count;
use crate::style::{BOLD, DIM, paint};

/// The version of the JSON form. Fields are only ever added to it.
pub(crate) const SCHEMA: &str = "countersign.report.signoffs/1";

/// Fewer than this say nothing about a rate.
const FEWEST: u64 = 5;

/// What every number rests on.
const CLAIMS: [&str; 4] = [
    "lead time: from when the last commit says it was made to when the signer's clock says it was signed; both are claims, and the author may not have been waiting",
    "caught: vetoed, or a version that a statement knows was changed before approval, whatever the reason; defects that nobody noticed are not in it",
    "minutes: estimated from the size of each change, one minute per six lines, 5 to 90",
    "intervals: 95 %, exact (Clopper-Pearson)",
];

/// Everything that `report signoffs` says. The JSON form is exactly this.
#[derive(Debug, Serialize)]
pub(crate) struct SignoffsReport {
    pub(crate) schema: &'static str,
    pub(crate) since: String,
    pub(crate) people: usize,
    pub(crate) all: Line,
    /// By rule, in the order of their ids.
    pub(crate) rules: Vec<Line>,
    /// How people sign, over all of them; absent for fewer than five.
    pub(crate) signals: Option<Signals>,
    /// How the person who asks signs.
    pub(crate) own: Option<Own>,
    /// What the numbers rest on.
    pub(crate) claims: [&'static str; 4],
}

#[derive(Debug, Serialize)]
pub(crate) struct Own {
    pub(crate) person: String,
    #[serde(flatten)]
    pub(crate) signals: Signals,
}

/// One set of sign-offs.
#[derive(Debug, Serialize)]
pub(crate) struct Line {
    /// The rule; absent for all of them.
    pub(crate) rule: Option<String>,
    pub(crate) signoffs: u64,
    pub(crate) vetoed: u64,
    pub(crate) caught: Rate,
    pub(crate) unchanged: Rate,
    /// Estimated.
    pub(crate) minutes: u64,
    /// Half of the approved changes waited at most this long (claimed times).
    pub(crate) median_lead_seconds: Option<i64>,
    /// Nine of ten approved changes waited at most this long.
    pub(crate) p90_lead_seconds: Option<i64>,
    /// Changes for which the lead time is known.
    pub(crate) leads: usize,
}

/// A share with its interval.
#[derive(Debug, Serialize)]
pub(crate) struct Rate {
    #[serde(flatten)]
    pub(crate) share: Share,
    /// Lower and upper end, 0 to 1; absent where there are too few to tell.
    pub(crate) interval: Option<(f64, f64)>,
}

impl SignoffsReport {
    pub(crate) fn new(
        since: &str,
        value: Value,
        signals: Option<Signals>,
        own: Option<(Signals, String)>,
    ) -> CliResult<Self> {
        Ok(Self {
            schema: SCHEMA,
            since: since.to_owned(),
            people: value.people,
            all: Line::of(None, &value.all)?,
            rules: value
                .rules
                .into_iter()
                .map(|(rule, worth)| Line::of(Some(rule), &worth))
                .collect::<CliResult<_>>()?,
            signals,
            own: own.map(|(signals, person)| Own { person, signals }),
            claims: CLAIMS,
        })
    }
}

impl Line {
    fn of(rule: Option<String>, worth: &Worth) -> CliResult<Self> {
        let leads = worth.lead_seconds.as_slice();
        let enough = leads.len() as u64 >= FEWEST;
        // The nearest rank: the smallest value that nine tenths do not exceed.
        let rank = (leads.len() * 9).div_ceil(10).saturating_sub(1);
        Ok(Self {
            rule,
            signoffs: worth.signoffs,
            vetoed: worth.vetoed,
            caught: Rate::of(worth.caught)?,
            unchanged: Rate::of(worth.unchanged)?,
            minutes: worth.minutes,
            median_lead_seconds: median(leads).filter(|_| enough),
            p90_lead_seconds: leads.get(rank).copied().filter(|_| enough),
            leads: leads.len(),
        })
    }
}

impl Rate {
    fn of(share: Share) -> CliResult<Self> {
        let method = proportion::Method::ClopperPearson;
        let interval = if share.of < FEWEST {
            None
        } else {
            let found = proportion::interval(share.n, share.of, Confidence::P95, method)
                .map_err(|error| CliError::new(exit::INTERNAL, error.to_string()))?;
            Some((found.interval.low, found.interval.high))
        };
        Ok(Self { share, interval })
    }

    /// "3 of 12 (25 %, between 5 % and 57 %)".
    fn text(&self) -> String {
        let Share { n, of } = self.share;
        match self.interval {
            Some((low, high)) => format!(
                "{n} of {of}: {:.0} %, between {:.0} % and {:.0} %",
                n as f64 * 100.0 / of as f64,
                low * 100.0,
                high * 100.0
            ),
            None => format!("{n} of {of}: too few to tell"),
        }
    }
}

/// The answer for a terminal.
pub(crate) fn human(report: &SignoffsReport) -> String {
    let mut out = String::new();
    let all = &report.all;
    if all.signoffs == 0 {
        let _ = writeln!(out, "no sign-offs in the last {}", report.since);
        own(&mut out, report);
        return out;
    }
    let _ = writeln!(
        out,
        "{}  {}",
        paint(
            BOLD,
            format!(
                "{} of {} by {}",
                count(all.signoffs, "sign-off"),
                count(all.caught.share.of, "change"),
                people(report.people)
            )
        ),
        paint(DIM, format!("last {}", report.since))
    );
    for (label, text) in rows(all) {
        let _ = writeln!(out, "  {}{text}", paint(DIM, format!("{label:<22}")));
    }
    for line in &report.rules {
        let rule = line.rule.as_deref().unwrap_or_default();
        let _ = writeln!(
            out,
            "\n  {}  {}",
            paint(BOLD, rule),
            paint(DIM, count(line.signoffs, "sign-off"))
        );
        for (label, text) in rows(line) {
            let _ = writeln!(out, "    {}{text}", paint(DIM, format!("{label:<20}")));
        }
    }
    group(&mut out, report);
    own(&mut out, report);
    let _ = writeln!(out);
    for claim in &report.claims {
        let _ = writeln!(out, "  {}", paint(DIM, claim));
    }
    out
}

fn people(n: usize) -> String {
    match n {
        1 => "1 person".to_owned(),
        n => format!("{n} people"),
    }
}

fn rows(line: &Line) -> [(&'static str, String); 4] {
    let lead = match (line.median_lead_seconds, line.p90_lead_seconds) {
        (Some(median), Some(p90)) => format!(
            "half within {}, nine in ten within {}",
            duration(median),
            duration(p90)
        ),
        _ => format!("{}: too few to tell", count(line.leads as u64, "change")),
    };
    [
        ("caught, at most", line.caught.text()),
        ("approved unchanged", line.unchanged.text()),
        ("waited, at most", lead),
        ("cost, about", hours(line.minutes)),
    ]
}

fn hours(minutes: u64) -> String {
    if minutes < 120 {
        format!("{minutes} min of reviewers")
    } else {
        format!("{:.1} h of reviewers", minutes as f64 / 60.0)
    }
}

fn duration(seconds: i64) -> String {
    match seconds {
        s if s < 2 * 3600 => format!("{} min", s / 60),
        s if s < 2 * 86400 => format!("{} h", s / 3600),
        s => format!("{} days", s / 86400),
    }
}

fn group(out: &mut String, report: &SignoffsReport) {
    let text = match &report.signals {
        None => format!("how people sign is shown over at least {FEWEST_PEOPLE} people"),
        Some(it) => format!("all together: {}", signals(it)),
    };
    let _ = writeln!(out, "\n  {}", paint(DIM, text));
}

fn own(out: &mut String, report: &SignoffsReport) {
    if let Some(own) = &report.own {
        let _ = writeln!(
            out,
            "\n  {} (shown to you alone): {}",
            paint(BOLD, &own.person),
            signals(&own.signals)
        );
    }
}

fn signals(it: &Signals) -> String {
    let mut parts = vec![count(it.approvals, "approval")];
    if let Some(ms) = it.median_ms_per_line {
        parts.push(format!(
            "half took {:.1} s a line or less",
            ms as f64 / 1000.0
        ));
    }
    let share = |text: &str, share: Share| format!("{} of {} {text}", share.n, share.of);
    if it.under_a_second.of > 0 {
        parts.push(share("under a second a line", it.under_a_second));
    }
    parts.push(share("within two minutes of the last", it.in_bursts));
    parts.push(share("of an unchanged first version", it.unchanged));
    parts.join(", ")
}

/// The answer for a document.
pub(crate) fn markdown(report: &SignoffsReport) -> String {
    let mut out = format!("## Sign-offs, last {}\n\n", report.since);
    if report.all.signoffs == 0 {
        out.push_str("No sign-offs.\n");
        return out;
    }
    out.push_str("| rule | sign-offs | caught, at most | approved unchanged | waited, at most | cost, about |\n");
    out.push_str("| --- | ---: | --- | --- | --- | --- |\n");
    for line in std::iter::once(&report.all).chain(&report.rules) {
        let rule = line.rule.as_deref().map_or("**all**".to_owned(), |id| {
            format!("`{}`", id.replace('|', "\\|"))
        });
        let [caught, unchanged, lead, cost] = rows(line).map(|(_, text)| text);
        let _ = writeln!(
            out,
            "| {rule} | {} | {caught} | {unchanged} | {lead} | {cost} |",
            line.signoffs
        );
    }
    out.push('\n');
    for claim in &report.claims {
        let _ = writeln!(out, "- {claim}");
    }
    out
}
