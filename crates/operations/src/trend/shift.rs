//! Is there a trend, and since when?
//!
//! Two shapes are looked for, a steady growth and one sudden turn, and both
//! looks are paid for (Holm). Weeks vary more than chance alone would make
//! them, so the growth is judged by a quasi-Poisson regression and the turn by
//! shuffling whole weeks; a negative binomial fit stands beside as a check.

use countersign_stats::change_point::{
    Calibration, Resampling, credible_range, poisson_split, split_posterior,
};
use countersign_stats::power::{Arms, minimum_detectable_ratio};
use countersign_stats::regression::{
    Coefficient, Design, Errors, Fit, Reference, negative_binomial, poisson,
};
use countersign_stats::{Confidence, Counted, dispersion, rate};
use serde::Serialize;

use super::Options;
use super::answer::{Answer, Range, Ratio, Verdict, count, decimal};
use super::history::History;
use super::series::{Metric, Series};
use crate::week::Week;

/// Weeks in a year.
pub(super) const YEAR: f64 = 52.1775;
/// Fewer weeks than this are no series.
const SHORTEST: usize = 12;
/// Shortest regime between turns, in weeks.
const REGIME: usize = 4;
const SEED: u64 = 20_260_311;
/// How likely a difference must be seen to say that it would have been.
pub(super) const POWER: f64 = 0.8;

/// The most likely week in which the rate turned.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Turn {
    /// First week of the new rate.
    pub week: Week,
    /// First and last week that the data allow for it, at 95 %.
    pub earliest: Week,
    /// See `earliest`.
    pub latest: Week,
    /// Incidents per unit before it.
    pub before: f64,
    /// Incidents per unit from it on.
    pub after: f64,
    /// After over before.
    pub ratio: Ratio,
    /// Chance of so clear a turn, anywhere, when there is none.
    pub p_value: f64,
    /// Whether that is small enough, both looks allowed for.
    pub supported: bool,
    /// Whether steady growth describes the weeks at least as well.
    pub gradual: bool,
}

/// A trend with everything behind it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Trend {
    /// The answer.
    pub answer: Answer,
    /// What the rates are per.
    pub metric: Metric,
    /// Incidents counted.
    pub incidents: u64,
    /// Exposure they are counted over.
    pub exposure: f64,
    /// Rate over the whole window, per single unit, with its exact interval
    /// widened for overdispersion.
    pub rate: Option<Ratio>,
    /// Growth of the rate per year: quasi-Poisson.
    pub per_year: Option<Ratio>,
    /// The same by negative binomial regression.
    pub per_year_negative_binomial: Option<Ratio>,
    /// Variance over what chance alone would give: 1 for Poisson counts.
    pub dispersion: Option<f64>,
    /// p-value of "no more than chance".
    pub dispersion_p: Option<f64>,
    /// The most likely turn.
    pub turn: Option<Turn>,
    /// p-value of "no trend of either shape".
    pub p_value: Option<f64>,
    /// Smallest ratio of the window's second half to its first that would have
    /// shown in four of five such histories.
    pub would_have_seen: Option<f64>,
    /// The weeks behind it.
    pub series: Series,
}

/// The trend of everything: is there one, and since when?
#[must_use]
pub fn overall(history: &History, options: &Options, metric: Metric) -> Trend {
    study(
        Series::all(history, metric),
        metric,
        options,
        "Incidents",
        999,
    )
}

/// Studies one series; `what` starts the sentence, `rounds` shuffles judge the turn.
pub(super) fn study(
    series: Series,
    metric: Metric,
    options: &Options,
    what: &str,
    rounds: u32,
) -> Trend {
    let mut trend = empty(series, metric, what, rounds);
    if trend.series.weeks.is_empty() {
        trend.answer.verdict = Verdict::cannot("no-exposure", metric.missing());
    } else if trend.series.weeks.len() < SHORTEST {
        let weeks = trend.series.weeks.len();
        trend.answer.verdict = Verdict::cannot(
            "too-little-data",
            format!(
                "only {} with exposure; {SHORTEST} are needed",
                count(weeks as u64, "week")
            ),
        );
    } else if trend.incidents == 0 {
        trend.answer.verdict = Verdict::cannot("too-little-data", "no incident is recorded");
    } else {
        measure(&mut trend, options, rounds);
        let p_value = trend.p_value.unwrap_or(1.0);
        judge(&mut trend, options, p_value);
    }
    phrase(&mut trend, what);
    trend
}

fn empty(series: Series, metric: Metric, what: &str, rounds: u32) -> Trend {
    let limits = base_limits(&series, metric);
    Trend {
        answer: Answer {
            question: format!("Is there a trend in {} {metric}?", lower_first(what)),
            verdict: Verdict::too_little(None),
            sentence: String::new(),
            method: format!(
                "log-linear quasi-Poisson regression of weekly counts with exposure as offset \
                 (McCullagh & Nelder 1989), a negative binomial fit as a check, and the most likely single turn \
                 with a p-value from {rounds} shuffles of whole weeks; the two looks share the error (Holm 1979)"
            ),
            assumptions: vec![
                "incidents are recorded as completely at the end as at the start".to_owned(),
                "weeks are exchangeable apart from the trend: no season and no carry-over is allowed for in the turn".to_owned(),
            ],
            limits,
        },
        metric,
        incidents: series.incidents(),
        exposure: series.total_exposure(),
        rate: None,
        per_year: None,
        per_year_negative_binomial: None,
        dispersion: None,
        dispersion_p: None,
        turn: None,
        p_value: None,
        would_have_seen: None,
        series,
    }
}

/// What holds whatever is found.
fn base_limits(series: &Series, metric: Metric) -> Vec<String> {
    let mut limits = Vec::new();
    if series.weeks_left_out > 0 && !series.weeks.is_empty() {
        limits.push(format!(
            "{} without exposure left out, with {}",
            count(series.weeks_left_out, "week"),
            count(series.incidents_left_out, "incident")
        ));
    }
    if metric == Metric::Weeks {
        limits.push(
            "a count over time, not a rate of risk: more work brings more incidents".to_owned(),
        );
    }
    limits
}

/// Judges again, by a p-value that allows for other questions asked.
pub(super) fn judge_again(trend: &mut Trend, options: &Options, what: &str, p_value: f64) {
    trend.answer.limits = base_limits(&trend.series, trend.metric);
    judge(trend, options, p_value);
    phrase(trend, what);
}

fn measure(trend: &mut Trend, options: &Options, rounds: u32) {
    let series = &trend.series;
    if let Ok(found) = dispersion::dispersion(&series.counts, &series.exposure) {
        trend.dispersion = Some(found.index);
        trend.dispersion_p = Some(found.p_over);
    }
    let growth = growth(series);
    let split = poisson_split(
        &series.counts,
        &series.exposure,
        REGIME,
        Calibration {
            resampling: Resampling::Permutation,
            rounds,
            seed: SEED,
        },
    );
    let slope_p = growth.as_ref().map(|fit| coefficient_p(fit, "year"));
    let turn_p = split.as_ref().ok().map(|split| split.p_value);
    // two looks: the smaller p-value counts twice
    trend.p_value = [slope_p, turn_p]
        .into_iter()
        .flatten()
        .reduce(f64::min)
        .map(|p| (2.0 * p).min(1.0));
    if let Some(fit) = &growth {
        trend.per_year = fit
            .coefficient("year")
            .map(|c| c.ratio(Confidence::P95).into());
    }
    trend.per_year_negative_binomial = negative(series);
    if let Ok(split) = split {
        trend.turn = turn(series, &split, growth.as_ref(), options.alpha);
    }
    let spread = growth.as_ref().map_or(1.0, Fit::dispersion).max(1.0);
    trend.rate = Counted::new(trend.incidents, trend.exposure)
        .ok()
        .map(|counted| {
            Ratio::from(rate::exact_interval(counted, Confidence::P95)).widened(spread.sqrt())
        });
    trend.would_have_seen = detectable(series, spread);
}

/// Log rate against time in years.
fn growth(series: &Series) -> Option<Fit> {
    let design = time_design(series)?;
    let fit = poisson(&series.counts, &design, Errors::Quasi).ok()?;
    Some(fit.judged_by(Reference::StudentT))
}

fn negative(series: &Series) -> Option<Ratio> {
    let design = time_design(series)?;
    let found = negative_binomial(&series.counts, &design, Errors::Model).ok()?;
    let fit = found.fit.judged_by(Reference::StudentT);
    fit.coefficient("year")
        .map(|c| c.ratio(Confidence::P95).into())
}

fn time_design(series: &Series) -> Option<Design> {
    let first = *series.weeks.first()?;
    let years: Vec<f64> = series
        .weeks
        .iter()
        .map(|week| f64::from(week.since(first)) / YEAR)
        .collect();
    let design = Design::new(years.len()).and_then(Design::intercept);
    design
        .and_then(|design| design.column("year", &years))
        .and_then(|design| design.exposure(&series.exposure))
        .ok()
}

fn coefficient_p(fit: &Fit, name: &str) -> f64 {
    let p = fit.coefficient(name).map_or(1.0, Coefficient::p_value);
    if p.is_finite() { p } else { 1.0 }
}

fn turn(
    series: &Series,
    split: &countersign_stats::change_point::Split,
    growth: Option<&Fit>,
    alpha: f64,
) -> Option<Turn> {
    let week = *series.weeks.get(split.at)?;
    let after: Vec<f64> = (0..series.weeks.len())
        .map(|at| if at < split.at { 0.0 } else { 1.0 })
        .collect();
    let design = Design::new(after.len())
        .and_then(Design::intercept)
        .and_then(|design| design.column("after", &after))
        .and_then(|design| design.exposure(&series.exposure))
        .ok()?;
    let step = poisson(&series.counts, &design, Errors::Quasi)
        .map(|fit| fit.judged_by(Reference::StudentT));
    let spread = step.as_ref().map_or(1.0, Fit::dispersion).max(1.0);
    let ratio = match step.as_ref().ok().and_then(|fit| fit.coefficient("after")) {
        Some(after) => after.ratio(Confidence::P95).into(),
        // a regime without any incident has no finite coefficient
        None => Ratio::from(
            countersign_stats::rate_ratio::exact_interval(
                split.after,
                split.before,
                Confidence::P95,
            )
            .ok()?,
        ),
    };
    let (earliest, latest) = region(series, spread).unwrap_or((split.at, split.at));
    let deviance = |fit: Option<&Fit>| fit.map_or(f64::INFINITY, |fit| fit.deviance);
    Some(Turn {
        week,
        earliest: *series.weeks.get(earliest.min(split.at))?,
        latest: *series.weeks.get(latest.max(split.at))?,
        before: split.before.rate(),
        after: split.after.rate(),
        ratio,
        p_value: split.p_value,
        supported: 2.0 * split.p_value <= alpha,
        gradual: deviance(growth) <= deviance(step.as_ref().ok()),
    })
}

/// First and last start of the new rate that hold 95 % of the profile; the
/// likelihood is divided by the dispersion, as quasi-likelihood asks.
fn region(series: &Series, spread: f64) -> Option<(usize, usize)> {
    let per_event = series.total_exposure() / series.incidents() as f64;
    let posterior = split_posterior(&series.counts, &series.exposure, 1.0, per_event).ok()?;
    let peak = posterior.iter().copied().fold(0.0, f64::max);
    let tempered: Vec<f64> = posterior
        .iter()
        .map(|mass| (mass / peak).powf(1.0 / spread))
        .collect();
    credible_range(&tempered, 0.95).ok()
}

/// What a comparison of the second half with the first would have seen; the
/// information in overdispersed counts is that of fewer counts.
fn detectable(series: &Series, spread: f64) -> Option<f64> {
    let half = series.weeks.len() / 2;
    let first: f64 = series.exposure.iter().take(half).sum();
    let second: f64 = series.exposure.iter().skip(half).sum();
    let arms = Arms {
        first_exposure: second / spread,
        second_exposure: first / spread,
        base_rate: series.incidents() as f64 / series.total_exposure(),
    };
    minimum_detectable_ratio(arms, POWER, Confidence::P95)
        .ok()?
        .increase
}

/// Finds the word for a p-value.
fn judge(trend: &mut Trend, options: &Options, p_value: f64) {
    trend.p_value = Some(p_value);
    let turn = trend.turn.as_ref().filter(|turn| turn.supported);
    let direction = turn
        .map(|turn| turn.ratio.value)
        .or(trend.per_year.map(|growth| growth.value));
    trend.answer.verdict = match direction {
        Some(ratio) if p_value <= options.alpha && ratio > 1.0 => Verdict::Higher,
        Some(_) if p_value <= options.alpha => Verdict::Lower,
        _ => Verdict::nothing_found(trend.would_have_seen, options.relevant_ratio),
    };
    if let (Some(turn), Some(growth)) = (turn, trend.per_year)
        && (turn.ratio.value - 1.0) * (growth.value - 1.0) < 0.0
        && growth.side() != 0
    {
        trend.answer.limits.push(format!(
            "the rate turned one way ({} times) but its steady trend goes the other ({} a year): look at the chart",
            decimal(turn.ratio.value),
            growth
        ));
    }
}

/// Finds the sentence for the word.
fn phrase(trend: &mut Trend, what: &str) {
    let (metric, scale) = (trend.metric, trend.metric.scale());
    let mut sentence = format!("{what} {metric}: {}", trend.answer.verdict);
    let decided = matches!(trend.answer.verdict, Verdict::Higher | Verdict::Lower);
    match (&trend.turn, trend.per_year) {
        (Some(turn), _) if decided && turn.supported && !turn.gradual => {
            sentence.push_str(&format!(
                " since {} (or any week from {} to {}): {} before, {} after, {} times",
                turn.week,
                turn.earliest,
                turn.latest,
                decimal(turn.before * scale),
                decimal(turn.after * scale),
                turn.ratio
            ));
        }
        (_, Some(growth)) if decided => {
            sentence.push_str(&format!(", growing gradually: {growth} times a year"));
        }
        _ => {}
    }
    sentence.push('.');
    trend.answer.sentence = sentence;
    if let Some(turn) = trend.turn.as_ref().filter(|turn| turn.supported) {
        trend.answer.limits.push(
            "the interval of the turn does not allow for its week having been picked from the same data".to_owned(),
        );
        if turn.gradual {
            trend.answer.limits.push(format!(
                "steady growth describes the weeks at least as well as a sudden turn (the likeliest would be {})",
                turn.week
            ));
        }
    }
    if let (Some(index), Some(p)) = (trend.dispersion, trend.dispersion_p)
        && p < 0.05
    {
        trend.answer.limits.push(format!(
            "weeks vary {} times as much as chance around one steady rate; whatever a turn or slope does not explain of it widens its interval",
            decimal(index)
        ));
    }
}

/// The exposures as a range of rates, for charts: what a steady rate would give.
impl Trend {
    /// Rate expected in a week and the range of 95 % of weeks around it, per
    /// single unit of exposure, when nothing but the supported turn happened.
    #[must_use]
    pub fn expected(&self, week: Week, exposure: f64) -> Option<(f64, Range)> {
        let turn = self.turn.as_ref().filter(|turn| turn.supported);
        let rate = match turn {
            Some(turn) if week < turn.week => turn.before,
            Some(turn) => turn.after,
            None => self.rate?.value,
        };
        let spread = self.dispersion.unwrap_or(1.0).max(1.0);
        let half = 1.96 * (rate * spread / exposure).sqrt();
        (exposure > 0.0).then_some((
            rate,
            Range {
                low: (rate - half).max(0.0),
                high: rate + half,
            },
        ))
    }
}

fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    chars
        .next()
        .map(|first| first.to_lowercase().chain(chars).collect())
        .unwrap_or_default()
}
