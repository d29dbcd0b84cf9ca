//! AI-assisted changes beside others: crude, adjusted, and what remains of the
//! answer when part of AI's use is undeclared or links are wrong.

use countersign_stats::bounds::{Hidden, rate_ratio_bounds};
use countersign_stats::power::{Arms, minimum_detectable_ratio};
use countersign_stats::{Confidence, Counted, Interval, rate, rate_ratio, verdict};
use serde::Serialize;

use super::Options;
use super::answer::{Answer, Range, Ratio, Verdict, count, decimal, percent, thousands};
use super::comparison_model::{
    Cells, Unlinked, adjusted_bounds, arm_dispersion, mantel_haenszel, regression, wrong_links,
};
use super::history::{History, Involvement};
use super::shift::POWER;

/// Incidents and exposure of one arm.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Arm {
    /// Incidents linked to its changes.
    pub incidents: u64,
    /// Changes shipped.
    pub changes: u64,
    /// Incidents per change with the exact interval; none without changes, and
    /// none where no incident is known while there are unlinked ones.
    pub rate: Option<Ratio>,
}

/// Crude and adjusted ratio disagree about the direction.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Simpson {
    /// The crude ratio.
    pub crude: f64,
    /// The adjusted one, on the other side of 1.
    pub adjusted: f64,
    /// The same in words.
    pub text: String,
}

/// How many links must be wrong for the word to change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct LinkSensitivity {
    /// Incidents blamed on AI-assisted changes that others caused.
    pub wrongly_on_ai: Option<u64>,
    /// Incidents blamed on other changes that AI-assisted ones caused.
    pub wrongly_on_others: Option<u64>,
    /// Links with a confidence below 0.8: those most likely to be wrong.
    pub weak_links: u64,
    /// Incidents without any link, which either arm may have caused.
    pub unlinked: u64,
}

/// AI-assisted changes beside others.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// The answer: about risk, and so about AI as a cause.
    pub answer: Answer,
    /// Changes that AI is known to have had a part in.
    pub ai: Arm,
    /// Changes known to be made without.
    pub others: Arm,
    /// Changes nothing is declared of; in neither arm.
    pub undeclared: Arm,
    /// Ratio of the two rates as they stand, exact.
    pub crude: Option<Ratio>,
    /// Ratio with size, tier, team, level and quarter held equal: regression.
    pub adjusted: Option<Ratio>,
    /// The same by Mantel–Haenszel, which needs fewer assumptions and more data.
    pub mantel_haenszel: Option<Ratio>,
    /// Strata in which both arms have changes.
    pub strata: u64,
    /// How much the weekly split between the arms varies beyond chance.
    pub dispersion: f64,
    /// Ratios possible whatever the undeclared changes are, adjusted.
    pub bounds: Option<Range>,
    /// The same for the crude ratio.
    pub crude_bounds: Option<Range>,
    /// Incidents without a likely change, which either arm may have caused.
    pub unlinked: u64,
    /// Ratios possible whatever the undeclared changes are and wherever the
    /// unlinked incidents belong, adjusted.
    pub unlinked_bounds: Option<Range>,
    /// Smallest increase that would have shown in four of five such histories.
    pub would_have_seen: Option<f64>,
    /// Named where the crude ratio misleads.
    pub simpson: Option<Simpson>,
    /// What wrong links could do.
    pub links: Option<LinkSensitivity>,
}

/// Are AI-assisted changes riskier than others?
#[must_use]
pub fn compare(history: &History, options: &Options) -> Comparison {
    let cells = Cells::of(history, options);
    let [ai, others, undeclared] =
        [Involvement::Yes, Involvement::No, Involvement::Unknown].map(|which| cells.arm(which));
    let mut found = Comparison {
        answer: answer(history, &cells),
        ai,
        others,
        undeclared,
        crude: None,
        adjusted: None,
        mantel_haenszel: None,
        strata: 0,
        dispersion: 1.0,
        bounds: None,
        crude_bounds: None,
        unlinked: cells.unlinked.all,
        unlinked_bounds: None,
        would_have_seen: None,
        simpson: None,
        links: None,
    };
    found.answer.verdict = match refusal(history, options, &found) {
        Some(refused) => refused,
        None => measure(&mut found, history, options, &cells),
    };
    for arm in [&mut found.ai, &mut found.others, &mut found.undeclared] {
        if arm.incidents == 0 && cells.unlinked.all > 0 {
            arm.rate = None;
        }
    }
    phrase(&mut found);
    found
}

impl Arm {
    pub(super) fn new(incidents: u64, changes: u64) -> Self {
        let rate = Counted::new(incidents, changes as f64).ok();
        Self {
            incidents,
            changes,
            rate: rate.map(|counted| rate::exact_interval(counted, Confidence::P95).into()),
        }
    }

    fn counted(self) -> Option<Counted> {
        Counted::new(self.incidents, self.changes as f64).ok()
    }
}

fn answer(history: &History, cells: &Cells) -> Answer {
    let mut limits = Vec::new();
    let affected = history.affected_ai();
    if let Some(name) = affected.first() {
        limits.push(format!(
            "{} an AI product ({name}) as the affected service; what is affected is not what caused it",
            match affected.len() {
                1 => "1 incident names".to_owned(),
                n => format!("{} name", count(n as u64, "incident")),
            }
        ));
    }
    if cells.unlinked_with_ai > 0 {
        limits.push(format!(
            "{} AI as having had a part but no change, so they are in neither arm",
            match cells.unlinked_with_ai {
                1 => "1 incident records".to_owned(),
                n => format!("{} record", count(n, "incident")),
            }
        ));
    }
    if cells.outside > 0 {
        limits.push(format!(
            "{} linked to changes outside the window or its recorded changes left out",
            count(cells.outside, "incident")
        ));
    }
    Answer {
        question: "Do AI-assisted changes cause more incidents per change than others?".to_owned(),
        verdict: Verdict::too_little(None),
        sentence: String::new(),
        method: "exact ratio of two rates (Clopper–Pearson), beside the ratio with size, tier, team, author level and \
                 calendar quarter held equal: Mantel–Haenszel (Greenland & Robins 1985) and Poisson regression with \
                 offset; undeclared changes and unlinked incidents by partial identification (Manski 2003)"
            .to_owned(),
        assumptions: vec![
            "whoever declares AI does so whether or not the change fails".to_owned(),
            "what was not recorded (difficulty, urgency) is alike in both arms: this is a comparison, not an experiment".to_owned(),
            "an incident belongs to its likeliest linked change".to_owned(),
        ],
        limits,
    }
}

/// Why the question cannot even be put to the data.
fn refusal(history: &History, options: &Options, found: &Comparison) -> Option<Verdict> {
    let totals = history.totals(options);
    if totals.changes.all() == 0 {
        let mut text = "no exposure: changes shipped are not recorded".to_owned();
        if totals.with_ai_role == 0 && totals.linked == 0 {
            text.push_str("; no AI flag: no incident names a change or a part of AI");
        }
        return Some(Verdict::cannot("no-exposure", text));
    }
    if found.ai.changes == 0 && found.others.changes == 0 {
        return Some(Verdict::cannot(
            "no-ai-flag",
            "no AI flag: of no change is it declared whether AI took part",
        ));
    }
    if found.ai.changes == 0 {
        return Some(Verdict::cannot(
            "no-ai-flag",
            "no AI flag: no change is recorded as AI-assisted",
        ));
    }
    if found.others.changes == 0 {
        return Some(Verdict::cannot(
            "undeclared",
            "no change is known to be free of AI, so there is nothing to compare with (undeclared is not \"no\")",
        ));
    }
    if totals.linked == 0 {
        return Some(Verdict::cannot(
            "too-little-data",
            "no incident is linked to a change",
        ));
    }
    None
}

fn measure(found: &mut Comparison, history: &History, options: &Options, cells: &Cells) -> Verdict {
    let (Some(ai), Some(others)) = (found.ai.counted(), found.others.counted()) else {
        return Verdict::cannot(
            "not-computable",
            "the counts are larger than any method accepts",
        );
    };
    found.dispersion = arm_dispersion(history, options, ai, others);
    let wider = found.dispersion.sqrt();
    let crude = rate_ratio::exact_interval(ai, others, Confidence::P95).ok();
    found.crude = crude.map(|crude| Ratio::from(crude).widened(wider));
    if let Some(stratified) = mantel_haenszel(cells, wider) {
        found.mantel_haenszel = Some(stratified.0);
        found.strata = stratified.1;
    }
    match regression(cells, &history.names, found.dispersion) {
        Ok(ratio) => found.adjusted = Some(ratio),
        Err(error) => found
            .answer
            .limits
            .push(format!("the regression could not be fitted: {error}")),
    }
    let base_rate = if others.events() > 0 {
        others.rate()
    } else {
        ai.rate()
    };
    let arms = Arms {
        first_exposure: ai.exposure() / found.dispersion,
        second_exposure: others.exposure() / found.dispersion,
        base_rate,
    };
    let detectable = minimum_detectable_ratio(arms, POWER, Confidence::P95);
    found.would_have_seen = detectable.as_ref().ok().and_then(|d| d.increase);
    if found.undeclared.changes > 0 || found.undeclared.incidents > 0 {
        found.bounds = adjusted_bounds(cells, Unlinked::default(), wider);
        found.crude_bounds = crude_bounds(found, ai);
    }
    if found.unlinked > 0 {
        found.unlinked_bounds = adjusted_bounds(cells, cells.unlinked, wider);
    }
    found.simpson = simpson(found);
    found.links = sensitivity(found, history, options, cells, wider);
    let decisive = found.adjusted.or(found.mantel_haenszel).or(found.crude);
    let (Some(decisive), Ok(detectable)) = (decisive, detectable) else {
        return Verdict::too_little(None);
    };
    let judge = |bounds: Option<Range>| {
        let bounds = bounds.map(|b| Interval::new(b.low, b.high));
        verdict::judge(
            decisive.interval(),
            bounds,
            detectable,
            options.relevant_ratio,
        )
    };
    // what is undeclared is the first reason; what is unlinked comes on top
    let hides = |judged: &verdict::Verdict| {
        matches!(
            judged,
            verdict::Verdict::CannotTell(verdict::Reason::Hidden { .. })
        )
    };
    let judged = match judge(found.bounds) {
        Ok(judged) if !hides(&judged) => match judge(found.unlinked_bounds.or(found.bounds)) {
            Ok(judged) if hides(&judged) => {
                let unlinked = thousands(i64::try_from(found.unlinked).unwrap_or(i64::MAX));
                let all = incidents_have(history.totals(options).incidents);
                return found.unlinked_decide(&format!("{unlinked} of {all}"));
            }
            judged => judged,
        },
        judged => judged,
    };
    match judged {
        Ok(judged) => word(&judged, found),
        Err(error) => Verdict::cannot("not-computable", error.to_string()),
    }
}

impl Comparison {
    /// What is linked would decide, but not with every place for what is not.
    /// `whose`: of how many.
    pub(super) fn unlinked_decide(&self, whose: &str) -> Verdict {
        let range = self.unlinked_bounds.map_or_else(String::new, |range| {
            format!(", and depending on where they belong the ratio is anything from {range}")
        });
        Verdict::cannot("unlinked", format!("{whose} no likely change{range}"))
    }
}

/// `N incidents have`.
pub(super) fn incidents_have(n: u64) -> String {
    match n {
        1 => "1 incident has".to_owned(),
        n => format!("{} have", count(n, "incident")),
    }
}

fn word(judged: &verdict::Verdict, found: &Comparison) -> Verdict {
    match judged {
        verdict::Verdict::Higher => Verdict::Higher,
        verdict::Verdict::Lower => Verdict::Lower,
        verdict::Verdict::NoEvidence { would_have_seen } => Verdict::NoEvidence {
            would_have_seen: *would_have_seen,
        },
        verdict::Verdict::CannotTell(verdict::Reason::TooLittleData { would_have_seen }) => {
            Verdict::too_little(*would_have_seen)
        }
        verdict::Verdict::CannotTell(verdict::Reason::Hidden { bounds }) => {
            let all = found.ai.changes + found.others.changes + found.undeclared.changes;
            let range = Range {
                low: bounds.low,
                high: bounds.high,
            };
            Verdict::cannot(
                "undeclared",
                format!(
                    "{} of changes are undeclared, and depending on what they are the ratio is anything from {range}",
                    percent(found.undeclared.changes as f64 / all as f64)
                ),
            )
        }
    }
}

/// Undeclared changes in either arm, without strata.
fn crude_bounds(found: &Comparison, ai: Counted) -> Option<Range> {
    let rest = Arm::new(
        found.others.incidents + found.undeclared.incidents,
        found.others.changes + found.undeclared.changes,
    );
    let share = |part: u64, whole: u64| {
        if whole == 0 {
            0.0
        } else {
            part as f64 / whole as f64
        }
    };
    let hidden = Hidden::new(
        Interval::new(0.0, share(found.undeclared.incidents, rest.incidents)),
        Interval::new(0.0, share(found.undeclared.changes, rest.changes)),
    );
    let bounds = rate_ratio_bounds(ai, rest.counted()?, hidden.ok()?, Confidence::P95).ok()?;
    Some(Range {
        low: bounds.interval.low,
        high: bounds.interval.high,
    })
}

/// Only a crude ratio that would have convinced somebody is called misleading.
fn simpson(found: &Comparison) -> Option<Simpson> {
    let (crude, adjusted) = (found.crude?, found.adjusted.or(found.mantel_haenszel)?);
    let opposite = (crude.value - 1.0) * (adjusted.value - 1.0) < 0.0;
    (opposite && crude.side() != 0).then(|| Simpson {
        crude: crude.value,
        adjusted: adjusted.value,
        text: format!(
            "the crude ratio says {} but with like compared to like it is {}: the two kinds of change differ in size, \
             tier, team, level or time (Simpson's paradox)",
            decimal(crude.value),
            decimal(adjusted.value)
        ),
    })
}

fn sensitivity(
    found: &Comparison,
    history: &History,
    options: &Options,
    cells: &Cells,
    wider: f64,
) -> Option<LinkSensitivity> {
    let (wrongly_on_ai, wrongly_on_others) = wrong_links(cells, wider)?;
    let totals = history.totals(options);
    found.crude.is_some().then_some(LinkSensitivity {
        wrongly_on_ai,
        wrongly_on_others,
        weak_links: totals.weak_links,
        unlinked: totals.incidents - totals.linked,
    })
}

fn phrase(found: &mut Comparison) {
    let mut sentence = format!(
        "AI-assisted changes against others: {}",
        found.answer.verdict
    );
    let adjusted = found.adjusted.or(found.mantel_haenszel);
    let is_blank = found.unlinked > 0 && found.ai.incidents.min(found.others.incidents) == 0;
    match (adjusted, found.crude) {
        _ if is_blank => {}
        (Some(adjusted), Some(crude)) => sentence.push_str(&format!(
            "; {adjusted} times the incidents per change with like compared to like, {crude} as they stand"
        )),
        (None, Some(crude)) => sentence.push_str(&format!("; {crude} times the incidents per change as they stand")),
        _ => {}
    }
    sentence.push('.');
    found.answer.sentence = sentence;
    if let Some(simpson) = &found.simpson {
        found.answer.limits.push(simpson.text.clone());
    }
    let decided = matches!(found.answer.verdict, Verdict::Higher | Verdict::Lower);
    if let Some(links) = found.links.filter(|_| decided) {
        found.answer.limits.push(links.text(&found.answer.verdict));
    }
}

impl LinkSensitivity {
    fn text(self, verdict: &Verdict) -> String {
        let needed = match verdict {
            Verdict::Higher => self.wrongly_on_ai,
            _ => self.wrongly_on_others,
        };
        let needed = needed.map_or_else(
            || "no number of wrong links would".to_owned(),
            |n| format!("{} would", count(n, "wrong link")),
        );
        format!(
            "{needed} change the word \"{}\"; {} a confidence below 0.8, and {} no likely change",
            verdict.word(),
            match self.weak_links {
                1 => "1 link has".to_owned(),
                n => format!("{} have", count(n, "link")),
            },
            match self.unlinked {
                1 => "1 incident has".to_owned(),
                n => format!("{} have", count(n, "incident")),
            }
        )
    }
}
