//! Everything that needs the seeds, however far away.
//!
//! Breadth first, switching to bottom-up while the frontier is large: then it
//! is cheaper to ask every node not yet reached whether it needs a reached one
//! (Beamer, Asanović, Patterson: Direction-Optimizing Breadth-First Search,
//! SC'12).

use super::bits::{self, Bits};
use super::csr::Level;
use super::graph::Graph;

/// Bottom-up once the frontier has more than 1/14 of the edges left (Beamer's α).
const ALPHA: usize = 14;
/// Top-down again once the frontier is under 1/24 of the nodes (Beamer's β).
const BETA: usize = 24;

/// Where a node was reached from; seeds were reached from nowhere.
pub(super) const NOWHERE: u32 = u32::MAX;

/// Takes note of steps.
trait Trail {
    fn step(&mut self, node: u32, from: u32);
}

/// Only the set matters.
struct NoTrail;

impl Trail for NoTrail {
    #[inline]
    fn step(&mut self, _: u32, _: u32) {}
}

/// How every node was reached.
#[derive(Debug, Clone)]
pub(super) struct Steps {
    /// For every node the one it was reached from, or [`NOWHERE`].
    pub(super) from: Vec<u32>,
    /// For every node how many were reached before it; `u32::MAX` when it was
    /// not reached. A reason always has a lower rank than what it explains.
    pub(super) rank: Vec<u32>,
    taken: u32,
}

impl Steps {
    pub(super) fn new(nodes: usize) -> Self {
        Self {
            from: vec![NOWHERE; nodes],
            rank: vec![u32::MAX; nodes],
            taken: 0,
        }
    }

    #[inline]
    pub(super) fn take(&mut self, node: u32, from: u32) {
        let at = node as usize;
        if let (Some(parent), Some(rank)) = (self.from.get_mut(at), self.rank.get_mut(at)) {
            *parent = from;
            *rank = self.taken;
            self.taken += 1;
        }
    }
}

impl Trail for Steps {
    #[inline]
    fn step(&mut self, node: u32, from: u32) {
        self.take(node, from);
    }
}

impl Graph {
    /// Every node that needs a seed at a level, seeds included. At
    /// [`Level::Hard`] and [`Level::Soft`] a redundancy group is reached when
    /// enough of its members are; at [`Level::Any`] by any of them.
    #[must_use]
    pub fn reach(&self, seeds: &[u32], level: Level) -> Bits {
        Search::new(self, level, NoTrail).run(seeds).0
    }

    /// The same, with how each was reached. Paths are as short as they can be;
    /// a group is reached from the member that was one too many.
    pub(super) fn reach_from(&self, seeds: &[u32], level: Level) -> (Bits, Steps) {
        Search::new(self, level, Steps::new(self.nodes)).run(seeds)
    }
}

struct Search<'a, T> {
    graph: &'a Graph,
    level: Level,
    trail: T,
    reached: Bits,
    frontier: Vec<u32>,
    next: Vec<u32>,
    /// Members lost so far, for every group.
    lost: Vec<u32>,
    /// Edges of nodes not yet expanded, for the switch.
    edges_left: usize,
}

impl<'a, T: Trail> Search<'a, T> {
    fn new(graph: &'a Graph, level: Level, trail: T) -> Self {
        let groups = match level {
            Level::Any => 0,
            Level::Hard | Level::Soft => graph.thresholds.len(),
        };
        Self {
            graph,
            level,
            trail,
            reached: Bits::new(graph.nodes),
            frontier: Vec::new(),
            next: Vec::new(),
            lost: vec![0; groups],
            edges_left: graph.dependents.edges(),
        }
    }

    fn run(mut self, seeds: &[u32]) -> (Bits, T) {
        self.frontier.extend_from_slice(seeds);
        self.frontier.sort_unstable();
        self.frontier.dedup();
        self.frontier.retain(|seed| self.reached.insert(*seed));
        for seed in &self.frontier {
            self.trail.step(*seed, NOWHERE);
        }
        self.groups();
        let mut bottom_up = false;
        while !self.frontier.is_empty() {
            let edges = self.frontier_edges();
            bottom_up = if bottom_up {
                self.frontier.len() > self.graph.nodes / BETA
            } else {
                edges > self.edges_left / ALPHA
            };
            self.edges_left = self.edges_left.saturating_sub(edges);
            if bottom_up {
                self.pull();
            } else {
                self.push();
            }
            std::mem::swap(&mut self.frontier, &mut self.next);
            self.next.clear();
            self.groups();
        }
        (self.reached, self.trail)
    }

    fn frontier_edges(&self) -> usize {
        let rows = &self.graph.dependents;
        let lengths = self.frontier.iter();
        lengths.map(|node| rows.row(*node, self.level).len()).sum()
    }

    /// Top-down: from the frontier to whoever needs it.
    fn push(&mut self) {
        for node in &self.frontier {
            for dependent in self.graph.dependents.row(*node, self.level) {
                if self.reached.insert(*dependent) {
                    self.trail.step(*dependent, *node);
                    self.next.push(*dependent);
                }
            }
        }
    }

    /// Bottom-up: from whatever is not reached to what it needs.
    fn pull(&mut self) {
        let reached = self.reached.words();
        let nodes = self.graph.nodes;
        for (base, word) in (0_u32..).step_by(64).zip(reached) {
            for bit in bits::ones(&[!word]) {
                let node = base + bit;
                if node as usize >= nodes {
                    break;
                }
                let needs = self.graph.needs.row(node, self.level);
                if let Some(need) = needs.iter().find(|need| bits::test(reached, **need)) {
                    self.trail.step(node, *need);
                    self.next.push(node);
                }
            }
        }
        for node in &self.next {
            self.reached.insert(*node);
        }
    }

    /// Adds groups that have lost too many members to the frontier.
    fn groups(&mut self) {
        if self.lost.is_empty() {
            return;
        }
        let mut at = 0;
        // Grows while it is walked: a group may be a member of nothing, but a
        // seed may be a group.
        while let Some(node) = self.frontier.get(at).copied() {
            at += 1;
            if !self.graph.is_member.contains(node) {
                continue;
            }
            for (group, threshold) in self.graph.groups_of(node) {
                let Some(lost) = self.lost.get_mut(group as usize) else {
                    continue;
                };
                *lost += 1;
                if *lost >= threshold.losses && self.reached.insert(threshold.node) {
                    self.trail.step(threshold.node, node);
                    self.frontier.push(threshold.node);
                }
            }
        }
    }
}
