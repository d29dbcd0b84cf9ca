//! The arithmetic of the comparison: strata, their adjustment, and what moves
//! the answer.

use std::collections::{BTreeMap, BTreeSet};

use countersign_stats::regression::{Design, Errors, Reference, poisson};
use countersign_stats::stratified::{Adjusted, RateStratum, rate_ratio};
use countersign_stats::{Confidence, Counted, Error};

use super::Options;
use super::answer::{Range, Ratio};
use super::comparison::Arm;
use super::history::{History, Involvement, Link, Name, Names, SizeBucket, Stratum};

/// Teams with a column of their own in the regression; the rest share one.
const MAX_TEAMS: usize = 12;
/// Stands for "no exposure" where events are moved into an empty arm.
const HARDLY_ANY: f64 = 1e-6;

/// What is held equal between the arms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    quarter: (i16, i8),
    size: SizeBucket,
    tier: Name,
    team: Name,
    author_level: Name,
}

impl Key {
    fn new(quarter: (i16, i8), stratum: &Stratum) -> Self {
        Self {
            quarter,
            size: stratum.size,
            tier: stratum.tier,
            team: stratum.team,
            author_level: stratum.author_level,
        }
    }
}

/// Incidents and changes of one arm in one stratum.
#[derive(Debug, Clone, Copy, Default)]
struct Count {
    incidents: u64,
    changes: u64,
}

/// Yes, no, unknown.
type Three = [Count; 3];

/// Incidents without a likely change, of which nobody knows where they belong.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Unlinked {
    /// All of them.
    pub(super) all: u64,
    /// Those that an AI-assisted change may have caused: not those in which AI
    /// is known to have had no part.
    to_ai: u64,
    /// Those that another may have caused: not those in which AI had a part.
    to_others: u64,
}

/// Strata with their counts.
pub(super) struct Cells {
    strata: BTreeMap<Key, Three>,
    /// Incidents whose change lies outside the window or was never shipped.
    pub(super) outside: u64,
    /// Incidents with a recorded part of AI but without a link.
    pub(super) unlinked_with_ai: u64,
    /// All without a link.
    pub(super) unlinked: Unlinked,
}

const fn slot(involvement: Involvement) -> usize {
    match involvement {
        Involvement::Yes => 0,
        Involvement::No => 1,
        Involvement::Unknown => 2,
    }
}

impl Cells {
    pub(super) fn of(history: &History, options: &Options) -> Self {
        let mut strata: BTreeMap<Key, Three> = BTreeMap::new();
        for cell in &history.cells {
            let key = Key::new(cell.week.quarter(), &cell.stratum);
            let three = strata.entry(key).or_default();
            if let Some(count) = three.get_mut(slot(cell.stratum.involvement)) {
                count.changes += cell.changes;
            }
        }
        let (mut outside, mut unlinked_with_ai) = (0, 0);
        let mut unlinked = Unlinked::default();
        for incident in &history.incidents {
            match incident.cause(options.link_threshold) {
                None => {
                    unlinked_with_ai += u64::from(incident.ai == Involvement::Yes);
                    unlinked.all += 1;
                    unlinked.to_ai += u64::from(incident.ai != Involvement::No);
                    unlinked.to_others += u64::from(incident.ai != Involvement::Yes);
                }
                Some(link) => outside += u64::from(!blame(&mut strata, link)),
            }
        }
        Self {
            strata,
            outside,
            unlinked_with_ai,
            unlinked,
        }
    }

    /// Everything in one arm.
    pub(super) fn arm(&self, which: Involvement) -> Arm {
        let sum = |pick: fn(&Count) -> u64| -> u64 {
            self.strata
                .values()
                .filter_map(|three| three.get(slot(which)))
                .map(pick)
                .sum()
        };
        Arm::new(sum(|c| c.incidents), sum(|c| c.changes))
    }

    fn arms(&self) -> impl Iterator<Item = (&Key, Count, Count, Count)> {
        self.strata
            .iter()
            .map(|(key, [ai, others, unknown])| (key, *ai, *others, *unknown))
    }
}

/// Counts an incident where its change shipped; an incident without exposure is
/// no rate.
fn blame(strata: &mut BTreeMap<Key, Three>, link: &Link) -> bool {
    let count = strata
        .get_mut(&Key::new(link.week.quarter(), &link.stratum))
        .and_then(|three| three.get_mut(slot(link.stratum.involvement)))
        .filter(|count| count.changes > 0);
    if let Some(count) = count {
        count.incidents += 1;
        true
    } else {
        false
    }
}

fn stratum(first: (u64, f64), second: (u64, f64)) -> Option<RateStratum> {
    Some(RateStratum {
        first: Counted::new(first.0, first.1).ok()?,
        second: Counted::new(second.0, second.1).ok()?,
    })
}

/// The Mantel–Haenszel ratio, and how many strata have changes in both arms.
pub(super) fn mantel_haenszel(cells: &Cells, wider: f64) -> Option<(Ratio, u64)> {
    let strata = shared_strata(cells, |ai, _| ai, |others, _| others);
    let found = rate_ratio(&strata, Confidence::P95).ok()?;
    Some((
        Ratio::from(found.adjusted).widened(wider),
        strata.len() as u64,
    ))
}

/// Strata with changes in both arms, after moving incidents about.
fn shared_strata(
    cells: &Cells,
    ai_events: impl Fn(u64, usize) -> u64,
    other_events: impl Fn(u64, usize) -> u64,
) -> Vec<RateStratum> {
    cells
        .arms()
        .filter(|(_, ai, others, _)| ai.changes > 0 && others.changes > 0)
        .enumerate()
        .filter_map(|(at, (_, ai, others, _))| {
            stratum(
                (ai_events(ai.incidents, at), ai.changes as f64),
                (other_events(others.incidents, at), others.changes as f64),
            )
        })
        .collect()
}

/// Every adjusted ratio that some declaration of the undeclared would give, and
/// with `unlinked` some change behind each unlinked incident.
///
/// Within a stratum the total exposure does not depend on who declares what, so
/// the Mantel–Haenszel ratio is smallest when all undeclared changes belong to
/// AI and all their incidents to others, and largest the other way round: the
/// two corners are sharp. An unlinked incident counts most in the stratum with
/// the largest share of the other arm, among those where its own arm has changes.
pub(super) fn adjusted_bounds(cells: &Cells, unlinked: Unlinked, wider: f64) -> Option<Range> {
    // an arm without events leaves the ratio open at that end
    let low = match corner(cells, unlinked.to_others, false) {
        Ok(found) => Ratio::from(found.adjusted).widened(wider).low,
        Err(Error::Undetermined { .. }) => 0.0,
        Err(_) => return None,
    };
    let high = match corner(cells, unlinked.to_ai, true) {
        Ok(found) => Ratio::from(found.adjusted).widened(wider).high,
        Err(Error::Undetermined { .. }) => f64::INFINITY,
        Err(_) => return None,
    };
    Some(Range { low, high })
}

/// Everything in question against others, or with `to_ai` against AI.
fn corner(cells: &Cells, unlinked: u64, to_ai: bool) -> Result<Adjusted, Error> {
    let mut strata: Vec<[(u64, f64); 2]> = Vec::new();
    let mut worst: Option<(f64, usize)> = None;
    for (at, (_, ai, others, unknown)) in cells.arms().enumerate() {
        let moved = |count: Count, events: bool| {
            let incidents = count.incidents + if events { unknown.incidents } else { 0 };
            let changes = count.changes + if events { 0 } else { unknown.changes };
            (incidents, (changes as f64).max(HARDLY_ANY))
        };
        let both = [moved(ai, to_ai), moved(others, !to_ai)];
        let [(_, own), (_, other)] = if to_ai { both } else { [both[1], both[0]] };
        let share = other / (own + other);
        if own > HARDLY_ANY && worst.is_none_or(|(most, _)| share > most) {
            worst = Some((share, at));
        }
        strata.push(both);
    }
    let arm = worst.and_then(|(_, at)| strata.get_mut(at));
    if let Some([ai, others]) = arm {
        let arm = if to_ai { ai } else { others };
        arm.0 += unlinked;
    }
    let strata: Vec<RateStratum> = strata
        .into_iter()
        .filter_map(|[ai, others]| stratum(ai, others))
        .collect();
    rate_ratio(&strata, Confidence::P95)
}

/// How many incidents must change arms, out of AI's and into it, before the
/// Mantel–Haenszel interval lies on another side.
pub(super) fn wrong_links(cells: &Cells, wider: f64) -> Option<(Option<u64>, Option<u64>)> {
    let side = |strata: &[RateStratum]| {
        rate_ratio(strata, Confidence::P95)
            .ok()
            .map(|found| Ratio::from(found.adjusted).widened(wider).side())
    };
    let now = side(&shared_strata(cells, |ai, _| ai, |others, _| others))?;
    let shared: Vec<(u64, u64)> = cells
        .arms()
        .filter(|(_, ai, others, _)| ai.changes > 0 && others.changes > 0)
        .map(|(_, ai, others, _)| (ai.incidents, others.incidents))
        .collect();
    let out_of_ai = smallest(shared.iter().map(|s| s.0).sum(), |k| {
        let moved = spread(&shared, k, |s| s.0);
        let at = |i: usize| moved.get(i).copied().unwrap_or(0);
        side(&shared_strata(
            cells,
            |ai, i| ai - at(i),
            |others, i| others + at(i),
        )) != Some(now)
    });
    let into_ai = smallest(shared.iter().map(|s| s.1).sum(), |k| {
        let moved = spread(&shared, k, |s| s.1);
        let at = |i: usize| moved.get(i).copied().unwrap_or(0);
        side(&shared_strata(
            cells,
            |ai, i| ai + at(i),
            |others, i| others - at(i),
        )) != Some(now)
    });
    Some((out_of_ai, into_ai))
}

/// Takes `total` incidents out of strata in proportion to what each has.
fn spread(shared: &[(u64, u64)], total: u64, of: impl Fn(&(u64, u64)) -> u64) -> Vec<u64> {
    let all: u64 = shared.iter().map(&of).sum();
    let (mut seen, mut taken) = (0u64, 0u64);
    shared
        .iter()
        .map(|s| {
            seen += of(s);
            // cumulative rounding never takes more than a stratum has
            let due = (u128::from(seen) * u128::from(total) / u128::from(all.max(1))) as u64;
            let here = due - taken;
            taken = due;
            here
        })
        .collect()
}

/// Smallest `k` from 1 to `limit` for which something that stays true becomes true.
fn smallest(limit: u64, holds: impl Fn(u64) -> bool) -> Option<u64> {
    if limit == 0 || !holds(limit) {
        return None;
    }
    let (mut low, mut high) = (1, limit);
    while low < high {
        let middle = low + (high - low) / 2;
        if holds(middle) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    Some(low)
}

/// Poisson regression on the strata, the interval widened for whatever varies
/// more than chance. A column that the columns before it already determine (a
/// tier whose changes all have one size, say) adds nothing and is left out.
pub(super) fn regression(cells: &Cells, names: &Names, dispersion: f64) -> Result<Ratio, Error> {
    let rows = rows(cells);
    let counts: Vec<u64> = rows.iter().map(|row| row.1.incidents).collect();
    let exposure: Vec<f64> = rows.iter().map(|row| row.1.changes as f64).collect();
    let ai = rows.iter().map(|row| if row.2 { 1.0 } else { 0.0 });
    let mut columns = vec![(AI.to_owned(), ai.collect())];
    for (name, level) in factors() {
        columns.extend(factor(name, &rows, |row| level(row, names)));
    }
    let fit = loop {
        let mut design = Design::new(rows.len())?.intercept()?;
        for (name, values) in &columns {
            design = design.column(name, values)?;
        }
        match poisson(&counts, &design.exposure(&exposure)?, Errors::Model) {
            Err(Error::Collinear { column })
                if column != AI && columns.iter().any(|c| c.0 == column) =>
            {
                columns.retain(|(name, _)| *name != column);
            }
            fit => break fit?.judged_by(Reference::Normal),
        }
    };
    let spread = fit.dispersion().max(dispersion).max(1.0);
    let coefficient = fit.coefficient(AI).ok_or(Error::Undetermined {
        what: "the adjusted ratio",
        why: "its column is missing from the fit",
    })?;
    Ok(Ratio::from(coefficient.ratio(Confidence::P95)).widened(spread.sqrt()))
}

/// The column of the ratio that is asked for.
const AI: &str = "AI";

type Row = (Reduced, Count, bool);

/// A key with small teams put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Reduced {
    quarter: (i16, i8),
    size: SizeBucket,
    tier: Name,
    team: Option<Name>,
    author_level: Name,
}

type Level = fn(&Reduced, &Names) -> String;

/// What the regression holds equal, each as the text of its level.
fn factors() -> [(&'static str, Level); 5] {
    [
        ("quarter", |r, _| {
            format!("{}-Q{}", r.quarter.0, r.quarter.1)
        }),
        ("size", |r, _| format!("{:?}", r.size).to_lowercase()),
        ("tier", |r, names| names.text(r.tier).to_owned()),
        ("team", |r, names| {
            let team = r.team.map(|team| names.text(team));
            team.unwrap_or("other").to_owned()
        }),
        ("level", |r, names| names.text(r.author_level).to_owned()),
    ]
}

/// One row per arm and reduced key, for keys that both arms have a share in.
fn rows(cells: &Cells) -> Vec<Row> {
    let mut teams: BTreeMap<Name, u64> = BTreeMap::new();
    for (key, ai, others, _) in cells.arms() {
        *teams.entry(key.team).or_default() += ai.changes + others.changes;
    }
    let mut ranked: Vec<(Name, u64)> = teams.into_iter().collect();
    ranked.sort_by_key(|(name, changes)| (std::cmp::Reverse(*changes), *name));
    let large: BTreeSet<Name> = ranked
        .into_iter()
        .take(MAX_TEAMS)
        .map(|(name, _)| name)
        .collect();
    let mut reduced: BTreeMap<(Reduced, bool), Count> = BTreeMap::new();
    for (key, ai, others, _) in cells.arms() {
        let to = Reduced {
            quarter: key.quarter,
            size: key.size,
            tier: key.tier,
            team: large.contains(&key.team).then_some(key.team),
            author_level: key.author_level,
        };
        for (count, is_ai) in [(ai, true), (others, false)] {
            if count.changes > 0 {
                let sum = reduced.entry((to, is_ai)).or_default();
                sum.incidents += count.incidents;
                sum.changes += count.changes;
            }
        }
    }
    reduced
        .into_iter()
        .map(|((key, is_ai), count)| (key, count, is_ai))
        .collect()
}

/// The 0/1 columns of a factor; a level without an incident has no finite
/// coefficient, so its rows share the column of the level before it.
fn factor(name: &str, rows: &[Row], level: impl Fn(&Reduced) -> String) -> Vec<(String, Vec<f64>)> {
    let texts: Vec<String> = rows.iter().map(|row| level(&row.0)).collect();
    let mut events: BTreeMap<&str, u64> = BTreeMap::new();
    for (text, row) in texts.iter().zip(rows) {
        *events.entry(text).or_default() += row.1.incidents;
    }
    let mut shared: BTreeMap<&str, &str> = BTreeMap::new();
    let first = events.iter().find(|(_, n)| **n > 0).map(|(text, _)| *text);
    let mut last = first.unwrap_or_default();
    for (&text, &n) in &events {
        if n > 0 {
            last = text;
        }
        shared.insert(text, last);
    }
    let levels: BTreeSet<&str> = shared.values().copied().collect();
    levels
        .into_iter()
        .skip(1)
        .map(|level| {
            let belongs = |text: &String| shared.get(text.as_str()) == Some(&level);
            let values = texts
                .iter()
                .map(|text| if belongs(text) { 1.0 } else { 0.0 });
            (format!("{name}={level}"), values.collect())
        })
        .collect()
}

/// How much the weekly split of linked incidents between the arms varies beyond
/// the binomial: Pearson's statistic over its degrees of freedom, at least 1.
pub(super) fn arm_dispersion(
    history: &History,
    options: &Options,
    ai: Counted,
    others: Counted,
) -> f64 {
    let ratio = ai.rate() / others.rate();
    if !(ratio.is_finite() && ratio > 0.0) {
        return 1.0;
    }
    let weeks = history.weeks();
    let mut exposure = vec![[0.0f64; 2]; weeks];
    let mut events = vec![[0.0f64; 2]; weeks];
    let add = |list: &mut Vec<[f64; 2]>, week, involvement, amount| {
        let cell = history
            .position(week)
            .and_then(|at| list.get_mut(at))
            .and_then(|pair| pair.get_mut(slot(involvement)));
        if let Some(cell) = cell {
            *cell += amount;
        }
    };
    for cell in &history.cells {
        add(
            &mut exposure,
            cell.week,
            cell.stratum.involvement,
            cell.changes as f64,
        );
    }
    for link in history
        .incidents
        .iter()
        .filter_map(|i| i.cause(options.link_threshold))
    {
        add(&mut events, link.week, link.stratum.involvement, 1.0);
    }
    let (mut pearson, mut used) = (0.0, 0.0f64);
    for ([x, y], [t, u]) in events.into_iter().zip(exposure) {
        let n = x + y;
        let share = ratio * t / (ratio * t + u);
        if n > 0.0 && share > 0.0 && share < 1.0 {
            pearson += (x - n * share).powi(2) / (n * share * (1.0 - share));
            used += 1.0;
        }
    }
    if used > 1.0 {
        (pearson / (used - 1.0)).max(1.0)
    } else {
        1.0
    }
}
