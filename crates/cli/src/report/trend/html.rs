//! The answer as a page that stands alone.

use countersign_operations::trend::{Analysis, Answer, By, Group, Trend, Verdict};
use countersign_page::chart::Chart;
use countersign_page::{Markup, Page, Table, Tone, decimal};

use super::human::{arms_table, groups_table, whole};
use super::{TrendReport, charts};

/// Groups in a table before the rest is counted.
const MAX_GROUPS: usize = 60;

/// The whole page.
pub(crate) fn html(report: &TrendReport) -> String {
    let analysis = &report.analysis;
    let answer = &analysis.trend.answer;
    let title = format!("Incident trend, {} to {}", analysis.from, analysis.until);
    let notes = [
        analysis.comparison.answer.sentence.clone(),
        format!(
            "{} to {}: {} incidents, {} changes shipped.",
            analysis.from,
            analysis.until,
            whole(analysis.totals.incidents),
            whole(analysis.totals.changes.all())
        ),
    ];
    let page = Page {
        title: &title,
        tone: tone(&answer.verdict),
        word: answer.verdict.word(),
        headline: &answer.sentence,
        notes: &notes,
    };
    let mut body = Markup::new();
    over_time(analysis, &mut body);
    beside_others(analysis, &mut body);
    weekly(analysis, &mut body);
    events(analysis, &mut body);
    severity(analysis, &mut body);
    service(analysis, &mut body);
    involvement(analysis, &mut body);
    methods(analysis, &mut body);
    about(report, &mut body);
    page.html(&body)
}

const fn tone(verdict: &Verdict) -> Tone {
    match verdict {
        Verdict::Higher => Tone::Bad,
        Verdict::Lower => Tone::Good,
        Verdict::NoEvidence { .. } => Tone::Plain,
        Verdict::CannotTell { .. } => Tone::Attention,
    }
}

/// The trend to draw: the rate, or the pace where no exposure makes a rate.
pub(super) fn drawn_trend(analysis: &Analysis) -> (&Trend, &'static str) {
    if analysis.trend.series.weeks.is_empty() {
        (&analysis.pace, "Incidents per week (a count, not a risk)")
    } else {
        (&analysis.trend, "Incidents over exposure")
    }
}

fn section(out: &mut Markup, title: &str, inside: impl FnOnce(&mut Markup)) {
    out.element("section", &[], |section| {
        section.line("h2", "", title);
        inside(section);
    });
    out.raw("\n");
}

fn say(out: &mut Markup, answer: &Answer) {
    out.line("p", "say", &answer.sentence);
    limits(out, answer);
}

fn limits(out: &mut Markup, answer: &Answer) {
    if answer.limits.is_empty() {
        return;
    }
    out.element("ul", &[("class", "fine")], |list| {
        for limit in &answer.limits {
            list.line("li", "", limit);
        }
    });
}

fn over_time(analysis: &Analysis, body: &mut Markup) {
    section(body, "Is there a trend, and since when?", |out| {
        limits(out, &analysis.trend.answer);
        let (trend, title) = drawn_trend(analysis);
        if !trend.series.weeks.is_empty() {
            charts::run(trend, &analysis.events, title).figure(out);
        }
        out.line("p", "", &analysis.pace.answer.sentence);
        numbers(trend).html("The trend in numbers", out);
    });
}

/// What stands behind the sentence.
fn numbers(trend: &Trend) -> Table {
    let scale = trend.metric.scale();
    let mut table = Table::new(["", "value", "95 %"]);
    let mut row = |name: &str, value: f64, low: f64, high: f64| {
        table.row([
            name.to_owned(),
            decimal(value),
            format!("{} to {}", decimal(low), decimal(high)),
        ]);
    };
    if let Some(rate) = trend.rate {
        row(
            &format!("rate {}", trend.metric),
            rate.value * scale,
            rate.low * scale,
            rate.high * scale,
        );
    }
    if let Some(turn) = &trend.turn {
        row(
            &format!("after over before the likeliest turn, {}", turn.week),
            turn.ratio.value,
            turn.ratio.low,
            turn.ratio.high,
        );
    }
    if let Some(growth) = trend.per_year {
        row(
            "growth a year, quasi-Poisson",
            growth.value,
            growth.low,
            growth.high,
        );
    }
    if let Some(growth) = trend.per_year_negative_binomial {
        row(
            "growth a year, negative binomial",
            growth.value,
            growth.low,
            growth.high,
        );
    }
    let mut alone = |name: &str, value: Option<f64>| {
        if let Some(value) = value {
            table.row([name.to_owned(), decimal(value), String::new()]);
        }
    };
    alone("variance of weeks over chance", trend.dispersion);
    alone("p-value of no trend of either shape", trend.p_value);
    alone(
        "smallest ratio of halves that would have shown",
        trend.would_have_seen,
    );
    table
}

fn beside_others(analysis: &Analysis, body: &mut Markup) {
    let found = &analysis.comparison;
    section(
        body,
        "Are AI-assisted changes riskier than others?",
        |out| {
            say(out, &found.answer);
            if let Some(forest) = charts::comparison(found) {
                forest.figure(out);
            }
            if analysis.totals.changes.all() > 0 {
                arms_table(found).html("The arms", out);
            }
            if let Some(seen) = found.would_have_seen {
                let text = format!(
                    "A ratio of {} or more would have been seen in four of five such histories.",
                    decimal(seen)
                );
                out.line("p", "", &text);
            }
        },
    );
}

fn weekly(analysis: &Analysis, body: &mut Markup) {
    let looks = &analysis.looks;
    section(body, "AI-assisted changes, looked at every week", |out| {
        say(out, &looks.answer);
        if let Some(chart) = charts::evidence(looks) {
            chart.figure(out);
        }
        let standing: Vec<&str> = looks
            .services
            .iter()
            .filter(|s| s.stands_out)
            .map(|s| s.service.as_str())
            .collect();
        if !standing.is_empty() {
            out.line(
                "p",
                "",
                &format!(
                    "Services that stand out, all looked at together: {}.",
                    standing.join(", ")
                ),
            );
        }
    });
}

fn events(analysis: &Analysis, body: &mut Markup) {
    if analysis.events.effects.is_empty() {
        return;
    }
    section(body, "What events did", |out| {
        for effect in &analysis.events.effects {
            say(out, &effect.answer);
        }
        if let Some(forest) = charts::events(&analysis.events) {
            forest.figure(out);
        }
    });
}

fn of(analysis: &Analysis, by: By) -> Vec<&Group> {
    analysis
        .groups
        .iter()
        .filter(|group| group.by == by)
        .collect()
}

fn parts(out: &mut Markup, found: &[&Group], caption: &str) {
    if found.is_empty() {
        return;
    }
    groups_table(found, MAX_GROUPS).html(caption, out);
    if found.len() > MAX_GROUPS {
        out.line("p", "", &format!("and {} more", found.len() - MAX_GROUPS));
    }
}

fn severity(analysis: &Analysis, body: &mut Markup) {
    section(body, "By severity", |out| {
        if let Some(bars) = charts::severities(&analysis.calendar) {
            bars.figure(out);
        }
        parts(out, &of(analysis, By::Severity), "Trend by severity");
        say(out, &analysis.rare.answer);
        if let Some(chart) = charts::gaps(analysis) {
            chart.figure(out);
        }
    });
}

fn service(analysis: &Analysis, body: &mut Markup) {
    let found = of(analysis, By::Service);
    if found.is_empty() {
        return;
    }
    section(body, "By service", |out| {
        if let Some(strip) = charts::services(&analysis.calendar) {
            strip.figure(out);
        }
        parts(out, &found, "Trend by service");
    });
}

fn involvement(analysis: &Analysis, body: &mut Markup) {
    let found = of(analysis, By::Involvement);
    if found.is_empty() || analysis.totals.changes.all() == 0 {
        return;
    }
    section(body, "By involvement of AI", |out| {
        parts(out, &found, "Trend by involvement");
    });
}

/// How every answer was found, and what must hold for it.
fn methods(analysis: &Analysis, body: &mut Markup) {
    section(body, "How this was found", |out| {
        let effects = analysis
            .events
            .effects
            .iter()
            .take(1)
            .map(|effect| &effect.answer);
        let answers = [
            &analysis.trend.answer,
            &analysis.comparison.answer,
            &analysis.looks.answer,
            &analysis.rare.answer,
        ];
        for answer in answers.into_iter().chain(effects) {
            out.line("h3", "", &answer.question);
            out.line("p", "fine", &format!("Method: {}.", answer.method));
            out.line(
                "p",
                "fine",
                &format!("Assumes: {}.", answer.assumptions.join("; ")),
            );
        }
    });
}

fn about(report: &TrendReport, body: &mut Markup) {
    section(body, "What was read", |out| {
        let mut table = Table::new(["file", "holds", "rows", "SHA-256"]);
        for input in &report.inputs {
            table.row([
                input.file.clone(),
                input.holds.to_owned(),
                input.rows.to_string(),
                input.sha256.chars().take(16).collect(),
            ]);
        }
        table.html("Files read", out);
        if !report.warnings.is_empty() {
            out.element("ul", &[("class", "fine")], |list| {
                for warning in &report.warnings {
                    list.line("li", "", warning);
                }
            });
        }
    });
}
