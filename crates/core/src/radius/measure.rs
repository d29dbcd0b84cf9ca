//! The vector: every figure of a radius, from the catalogue's graph.

use std::collections::{BTreeMap, BTreeSet};

use super::bits;
use super::change::{Change, Hit, severity};
use super::csr::Level;
use super::facts::{Bounds, RadiusFacts};
use super::losses::irreversible;
use super::model::{Model, Progress};
use super::spread::{Seed, Spread};
use crate::catalog::{Function, Node, Share};
use crate::effect::Verb;

/// A function that works worse weighs this much of one that is down, in parts
/// per million.
const DEGRADED: u64 = 300_000;

/// Everything worked out for one change up to one step of its rollout.
pub(super) struct Measure<'a> {
    pub(super) model: &'a Model<'a>,
    pub(super) change: &'a Change,
    share: Share,
    /// What the change touches itself.
    pub(super) touched: Vec<Seed>,
    /// What goes down, by how badly what it needs is hit (parts per million,
    /// worst first). Each spread includes those before it.
    down: Vec<(u32, Spread)>,
    degraded: Vec<(u32, Spread)>,
    possible: Vec<(u32, Spread)>,
    /// What is possible if everything that could not be placed is harmless.
    pub(super) placed: Spread,
}

impl<'a> Measure<'a> {
    pub(super) fn new(model: &'a Model<'a>, change: &'a Change, progress: &Progress) -> Self {
        let hits: Vec<&Hit> = change.hits.iter().filter(|hit| hit.counts()).collect();
        let mut altering = Vec::new();
        let mut any = Vec::new();
        for hit in &hits {
            let severity = severity(hit.verb);
            for seed in seeds(model, hit, progress) {
                if hit.alters() {
                    altering.push((severity.likely, seed.clone()));
                }
                any.push((severity.high, seed));
            }
        }
        let placed = by_severity(model, &any, Level::Any);
        let unplaced = unplaced_seeds(model, change, &hits, progress);
        let possible = if unplaced.is_empty() {
            placed.clone()
        } else {
            any.extend(unplaced);
            by_severity(model, &any, Level::Any)
        };
        Self {
            model,
            change,
            share: progress.share,
            down: by_severity(model, &altering, Level::Hard),
            degraded: by_severity(model, &altering, Level::Soft),
            touched: merged(altering.iter().map(|(_, seed)| seed)),
            placed: last(model, placed),
            possible,
        }
    }

    /// What likely goes down.
    pub(super) fn down(&self) -> Option<&Spread> {
        self.down.last().map(|(_, spread)| spread)
    }

    /// What likely works worse, down included.
    pub(super) fn degraded(&self) -> Option<&Spread> {
        self.degraded.last().map(|(_, spread)| spread)
    }

    fn possible(&self) -> Option<&Spread> {
        self.possible.last().map(|(_, spread)| spread)
    }

    /// Every figure.
    pub(super) fn facts(&self) -> RadiusFacts {
        let losses = self.losses();
        RadiusFacts {
            irreversible_without_backup: irreversible(&losses),
            losses,
            tier0_down_share: self.customers(|tier| tier == 0),
            customers_share: self.customers(|_| true),
            functions_down: self.count(|node| matches!(node, Node::Function(_))),
            functions_degraded: self.functions_degraded(),
            services: self.count(|node| matches!(node, Node::Service(_))),
            units: self.units(),
            tier: self.tier(),
            severity: self.severity(),
            recovery: self.recovery(),
            unknown_share: self.unknown_share(),
            high_is_everything: self.change.incomplete
                || self.counted().any(|hit| hit.is_unplaced() && hit.alters()),
        }
    }

    pub(super) fn counted(&self) -> impl Iterator<Item = &Hit> {
        self.change.hits.iter().filter(|hit| hit.counts())
    }

    /// Objects that could not be placed, sorted.
    pub(super) fn unplaced(&self) -> Vec<String> {
        let unplaced = self.counted().filter(|hit| hit.is_unplaced());
        let objects: BTreeSet<&str> = unplaced.map(|hit| hit.object.as_str()).collect();
        objects.into_iter().map(str::to_owned).collect()
    }

    /// How many nodes of a kind are touched, go down, could be touched.
    fn count(&self, kind: impl Fn(Node) -> bool) -> Bounds<u32> {
        let count = |nodes: &mut dyn Iterator<Item = u32>| {
            let found = nodes.filter(|node| kind(self.model.node(*node))).count();
            u32::try_from(found).unwrap_or(u32::MAX)
        };
        let reached = |spread: Option<&Spread>| match spread {
            Some(spread) => count(&mut spread.reached.iter()),
            None => 0,
        };
        Bounds {
            low: count(&mut self.touched.iter().map(|seed| seed.node)),
            likely: reached(self.down()),
            high: reached(self.possible()),
        }
    }

    fn functions_degraded(&self) -> u32 {
        let (Some(degraded), Some(down)) = (self.degraded(), self.down()) else {
            return 0;
        };
        let worse = degraded.reached.iter().filter(|node| {
            matches!(self.model.node(*node), Node::Function(_)) && !down.reached.contains(*node)
        });
        u32::try_from(worse.count()).unwrap_or(u32::MAX)
    }

    /// Units where something likely fails.
    pub(super) fn failing_units(&self) -> Vec<u64> {
        self.union(self.down())
    }

    fn union(&self, spread: Option<&Spread>) -> Vec<u64> {
        let mut union = vec![0; self.model.graph.unit_words];
        for node in spread.iter().flat_map(|spread| spread.reached.iter()) {
            if let Some(spread) = spread {
                bits::or(&mut union, spread.units(&self.model.graph, node));
            }
        }
        union
    }

    fn units(&self) -> Bounds<u32> {
        let count = |units: &[u64]| u32::try_from(bits::count(units)).unwrap_or(u32::MAX);
        let mut touched = vec![0; self.model.graph.unit_words];
        for seed in &self.touched {
            bits::or(&mut touched, &seed.units);
        }
        Bounds {
            low: count(&touched),
            likely: count(&self.union(self.down())),
            high: count(&self.union(self.possible())),
        }
    }

    fn tier(&self) -> Bounds<Option<u8>> {
        let best = |nodes: &mut dyn Iterator<Item = u32>| {
            nodes
                .filter_map(|node| self.model.tier(self.model.node(node)))
                .min()
        };
        let reached = |spread: Option<&Spread>| match spread {
            Some(spread) => best(&mut spread.reached.iter()),
            None => None,
        };
        Bounds {
            low: best(&mut self.touched.iter().map(|seed| seed.node)),
            likely: reached(self.down()),
            high: reached(self.possible()),
        }
    }

    /// Functions of some tiers with their node numbers.
    fn functions(
        &self,
        tiers: impl Fn(u8) -> bool,
    ) -> impl Iterator<Item = (u32, u8, &'a Function)> {
        let model = self.model;
        (0_u32..)
            .zip(model.catalog.functions())
            .filter_map(move |(at, function)| {
                let tier = model.catalog.function_tier(function);
                tiers(tier).then(|| (model.number(Node::Function(at)), tier, function))
            })
    }

    /// Share of customers for whom a function of those tiers is down.
    ///
    /// Customers of different units are different people, so units add up.
    /// Within a unit, users of one function are likely users of another, so
    /// the largest counts; at worst they are all different.
    fn customers(&self, tiers: impl Fn(u8) -> bool) -> Bounds<Share> {
        let touched = |node| {
            let seed = self.touched.iter().find(|seed| seed.node == node);
            seed.map_or(&[][..], |seed| seed.units.as_slice())
        };
        let graph = &self.model.graph;
        let failing = |spread: Option<&'_ Spread>, node| match spread {
            Some(spread) => spread.units(graph, node).to_vec(),
            None => Vec::new(),
        };
        let low = self.exposed(&tiers, |node| touched(node).to_vec(), Share::max);
        let likely = self.exposed(&tiers, |node| failing(self.down(), node), Share::max);
        let high = self.exposed(&tiers, |node| failing(self.possible(), node), Share::plus);
        Bounds {
            low: low.of(self.share),
            likely: likely.of(self.share),
            high,
        }
    }

    fn exposed(
        &self,
        tiers: impl Fn(u8) -> bool,
        failing: impl Fn(u32) -> Vec<u64>,
        join: impl Fn(Share, Share) -> Share,
    ) -> Share {
        let units = self.model.catalog.units();
        let mut using = vec![Share::NONE; units.len()];
        for (node, _, function) in self.functions(tiers) {
            let share = function.customers.unwrap_or(Share::ALL);
            for unit in bits::ones(&failing(node)) {
                if let Some(using) = using.get_mut(unit as usize) {
                    *using = join(*using, share);
                }
            }
        }
        let both = units.iter().zip(using);
        both.map(|(unit, using)| using.of(unit.customers))
            .fold(Share::NONE, Share::plus)
    }

    /// The weighted share of everything customers do that fails.
    fn severity(&self) -> Bounds<Share> {
        let graph = &self.model.graph;
        let worst = |spreads: &[(u32, Spread)], node, unit| {
            let hit = spreads
                .iter()
                .find(|(_, spread)| bits::test(spread.units(graph, node), unit));
            hit.map_or(0, |(severity, _)| u64::from(*severity))
        };
        let low = self.weighed(|node, unit| self.touched_severity(node, unit));
        let likely = self.weighed(|node, unit| {
            let degraded = worst(&self.degraded, node, unit) * DEGRADED / 1_000_000;
            worst(&self.down, node, unit).max(degraded)
        });
        let high = self.weighed(|node, unit| worst(&self.possible, node, unit));
        Bounds {
            low: low.of(self.share),
            likely: likely.of(self.share),
            high,
        }
    }

    /// How badly a function is hit itself, at least.
    fn touched_severity(&self, node: u32, unit: u32) -> u64 {
        let here = |hit: &&Hit| {
            let mut nodes = hit.nodes().iter();
            nodes.any(|at| self.model.number(*at) == node)
        };
        let in_unit = |seed: &Seed| seed.node == node && bits::test(&seed.units, unit);
        if !self.touched.iter().any(in_unit) {
            return 0;
        }
        let hits = self.counted().filter(|hit| hit.alters()).filter(here);
        let severities = hits.map(|hit| u64::from(severity(hit.verb).low));
        severities.max().unwrap_or(0)
    }

    /// Sums tier weight × share of customers × parts per million failing over
    /// functions and units, as a share of the same sum with everything down.
    fn weighed(&self, failing: impl Fn(u32, u32) -> u64) -> Share {
        let (mut sum, mut whole) = (0_u128, 0_u128);
        for (node, tier, function) in self.functions(|_| true) {
            let share = function.customers.unwrap_or(Share::ALL);
            let weight = (1_u128 << (15 - tier.min(15))) * u128::from(share.ppm());
            for (unit, place) in (0_u32..).zip(self.model.catalog.units()) {
                let weight = weight * u128::from(place.customers.ppm());
                whole += weight * 1_000_000;
                sum += weight * u128::from(failing(node, unit));
            }
        }
        if whole == 0 {
            return Share::NONE;
        }
        let ppm = (sum * 1_000_000).div_ceil(whole);
        Share::from_ppm(u64::try_from(ppm).unwrap_or(u64::MAX))
    }

    fn unknown_share(&self) -> Share {
        let total = self.counted().count() as u64 + u64::from(self.change.incomplete);
        let unknown = self
            .counted()
            .filter(|hit| hit.is_unplaced() || hit.verb == Verb::Unknown);
        let unknown = unknown.count() as u64 + u64::from(self.change.incomplete);
        if total == 0 {
            return Share::NONE;
        }
        Share::from_ppm((unknown * 1_000_000).div_ceil(total))
    }
}

/// The units of a node that a hit touches at this step of the rollout.
fn units_touched(model: &Model<'_>, node: u32, hit: Option<&[u32]>, step: &Progress) -> Vec<u64> {
    let graph = &model.graph;
    let mut units = graph.places(node).to_vec();
    if let Some(named) = hit {
        // What the source names is believed over what the catalogue says.
        units.fill(0);
        for unit in named {
            bits::set(&mut units, *unit);
        }
    }
    // Only a place that is said to fail alone can be rolled out to by itself.
    if let Some(reached) = step
        .units
        .as_ref()
        .filter(|_| graph.isolated.contains(node))
    {
        for (unit, reached) in units.iter_mut().zip(reached) {
            *unit &= reached;
        }
    }
    units
}

fn seeds(model: &Model<'_>, hit: &Hit, step: &Progress) -> Vec<Seed> {
    let nodes = hit.nodes().iter().map(|node| model.number(*node));
    nodes
        .map(|node| Seed {
            node,
            units: units_touched(model, node, hit.units.as_deref(), step),
        })
        .filter(|seed| seed.units.iter().any(|word| *word != 0))
        .collect()
}

/// What could not be placed may be anything, so everything is a seed.
fn unplaced_seeds(
    model: &Model<'_>,
    change: &Change,
    hits: &[&Hit],
    step: &Progress,
) -> Vec<(u32, Seed)> {
    let unplaced = hits.iter().filter(|hit| hit.is_unplaced() && hit.alters());
    let mut scopes: Vec<Option<&[u32]>> = unplaced.map(|hit| hit.units.as_deref()).collect();
    if change.incomplete {
        scopes.push(None);
    }
    scopes.sort_unstable();
    scopes.dedup();
    let worst = severity(Verb::Unknown).high;
    let mut seeds = Vec::new();
    for scope in scopes {
        for node in 0..model.numbering.nodes() {
            let mut units = units_touched(model, node, scope, step);
            for (unit, place) in units.iter_mut().zip(model.graph.places(node)) {
                *unit &= place;
            }
            if units.iter().any(|word| *word != 0) {
                seeds.push((worst, Seed { node, units }));
            }
        }
    }
    seeds
}

/// One spread for every severity, worst first, each including those before.
fn by_severity(model: &Model<'_>, seeds: &[(u32, Seed)], level: Level) -> Vec<(u32, Spread)> {
    let mut grouped: BTreeMap<u32, Vec<&Seed>> = BTreeMap::new();
    for (severity, seed) in seeds {
        grouped.entry(*severity).or_default().push(seed);
    }
    let mut so_far: Vec<&Seed> = Vec::new();
    let mut spreads = Vec::new();
    for (severity, seeds) in grouped.into_iter().rev() {
        so_far.extend(seeds);
        let merged = merged(so_far.iter().copied());
        spreads.push((severity, model.graph.spread(&merged, level)));
    }
    spreads
}

/// One seed for every node.
fn merged<'s>(seeds: impl Iterator<Item = &'s Seed>) -> Vec<Seed> {
    let mut merged: BTreeMap<u32, Vec<u64>> = BTreeMap::new();
    for seed in seeds {
        let units = merged
            .entry(seed.node)
            .or_insert_with(|| vec![0; seed.units.len()]);
        bits::or(units, &seed.units);
    }
    let seeds = merged.into_iter();
    seeds.map(|(node, units)| Seed { node, units }).collect()
}

fn last(model: &Model<'_>, spreads: Vec<(u32, Spread)>) -> Spread {
    match spreads.into_iter().next_back() {
        Some((_, spread)) => spread,
        None => model.graph.spread(&[], Level::Any),
    }
}
