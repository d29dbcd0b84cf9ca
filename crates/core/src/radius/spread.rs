//! In which units everything fails, when a change touches only some.
//!
//! Regions and cells are walls. A failure of `a` in some units reaches what
//! needs it, `b`:
//! - everywhere, when `a` is gone from every unit it is in;
//! - else in the same units, as far as `b` is there.
//!
//! At worst ([`Level::Any`]) walls hold only where something says so: units of
//! `b` where `a` is not have to call across, so they are touched too, and a
//! `b` of which nothing says that its units fail alone is touched whole.

use std::collections::VecDeque;

use super::bits::{self, Bits};
use super::csr::Level;
use super::graph::{Graph, Threshold};
use super::reach::{NOWHERE, Steps};

/// A node that a change touches, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seed {
    pub(super) node: u32,
    /// Units touched, as a row of bits.
    pub(super) units: Vec<u64>,
}

/// How far seeds reach at one level.
#[derive(Debug, Clone)]
pub(super) struct Spread {
    pub(super) reached: Bits,
    pub(super) steps: Steps,
    /// Failing units of every node; `None`: all the units of what is reached.
    units: Option<Vec<u64>>,
}

impl Spread {
    /// The units in which a node fails.
    pub(super) fn units<'a>(&'a self, graph: &'a Graph, node: u32) -> &'a [u64] {
        match &self.units {
            Some(units) => row(units, graph.unit_words, node),
            None if self.reached.contains(node) => graph.places(node),
            None => &[],
        }
    }
}

impl Graph {
    /// Spreads failure from the seeds.
    pub(super) fn spread(&self, seeds: &[Seed], level: Level) -> Spread {
        if seeds.iter().all(|seed| self.is_whole(seed)) {
            let nodes: Vec<u32> = seeds.iter().map(|seed| seed.node).collect();
            let (reached, steps) = self.reach_from(&nodes, level);
            return Spread {
                reached,
                steps,
                units: None,
            };
        }
        self.spread_parts(seeds, level)
    }

    fn is_whole(&self, seed: &Seed) -> bool {
        seed.units.as_slice() == self.places(seed.node)
    }

    /// The general case: units of every node grow until nothing changes.
    fn spread_parts(&self, seeds: &[Seed], level: Level) -> Spread {
        let mut parts = Parts {
            graph: self,
            level,
            units: vec![0; self.nodes * self.unit_words],
            reached: Bits::new(self.nodes),
            steps: Steps::new(self.nodes),
            queue: VecDeque::new(),
            queued: Bits::new(self.nodes),
        };
        let mut ordered: Vec<&Seed> = seeds.iter().collect();
        ordered.sort_by(|a, b| (a.node, &a.units).cmp(&(b.node, &b.units)));
        for seed in ordered {
            parts.grow(seed.node, &seed.units, NOWHERE);
        }
        parts.run();
        Spread {
            reached: parts.reached,
            steps: parts.steps,
            units: Some(parts.units),
        }
    }
}

struct Parts<'a> {
    graph: &'a Graph,
    level: Level,
    units: Vec<u64>,
    reached: Bits,
    steps: Steps,
    queue: VecDeque<u32>,
    queued: Bits,
}

impl Parts<'_> {
    fn run(&mut self) {
        let graph = self.graph;
        while let Some(node) = self.queue.pop_front() {
            if let Some(word) = self.queued.words_mut().get_mut(node as usize / 64) {
                *word &= !(1 << (node % 64));
            }
            for dependent in graph.dependents.row(node, self.level) {
                let units = self.carried(node, *dependent);
                self.grow(*dependent, &units, node);
            }
            if self.level != Level::Any && graph.is_member.contains(node) {
                for (_, group) in graph.groups_of(node) {
                    let units = self.lost(group);
                    self.grow(group.node, &units, node);
                }
            }
        }
    }

    /// Adds failing units to a node and looks at it again if any are new.
    fn grow(&mut self, node: u32, units: &[u64], from: u32) {
        let words = self.graph.unit_words;
        let start = node as usize * words;
        let Some(row) = self.units.get_mut(start..start + words) else {
            return;
        };
        let mut new = 0;
        for (have, more) in row.iter_mut().zip(units) {
            new |= more & !*have;
            *have |= more;
        }
        if new == 0 {
            return;
        }
        if self.reached.insert(node) {
            self.steps.take(node, from);
        }
        if self.queued.insert(node) {
            self.queue.push_back(node);
        }
    }

    /// The units in which `to` fails because `from` does.
    fn carried(&self, from: u32, to: u32) -> Vec<u64> {
        let failing = row(&self.units, self.graph.unit_words, from);
        let (there, here) = (self.graph.places(from), self.graph.places(to));
        let crosses = self.level == Level::Any;
        if covers(failing, there) || (crosses && !self.graph.isolated.contains(to)) {
            return here.to_vec();
        }
        let each = failing.iter().zip(there).zip(here);
        each.map(|((failing, there), here)| {
            let across = if crosses { here & !there } else { 0 };
            (failing & here) | across
        })
        .collect()
    }

    /// The units in which a group has lost too many members. A member that is
    /// gone from everywhere it is counts as lost in every unit.
    fn lost(&self, group: &Threshold) -> Vec<u64> {
        let words = self.graph.unit_words;
        let mut down = vec![0; words];
        for unit in bits::ones(self.graph.places(group.node)) {
            let lost = group.members.iter().filter(|member| {
                let failing = row(&self.units, words, **member);
                bits::test(failing, unit) || covers(failing, self.graph.places(**member))
            });
            if lost.count() >= group.losses as usize {
                bits::set(&mut down, unit);
            }
        }
        down
    }
}

fn row(units: &[u64], words: usize, node: u32) -> &[u64] {
    let start = node as usize * words;
    units.get(start..start + words).unwrap_or(&[])
}

/// Whether every unit of a place fails.
fn covers(failing: &[u64], place: &[u64]) -> bool {
    failing
        .iter()
        .zip(place)
        .all(|(failing, place)| place & !failing == 0)
}
