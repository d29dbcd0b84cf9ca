//! What a change can take down, in well under a microsecond.
//!
//! Customer functions, units and tiers are small sets, so one row of bits for
//! every strongly connected component says which of them it leads to; the
//! answer for a change is the union of a few rows. Redundancy needs counting,
//! which a union cannot do, so the members of groups have bits too: when
//! enough of them are set, the group's own row joins the union.

use super::bits;
use super::csr::Level;
use super::graph::Graph;
use super::scc::{self, Components};
use crate::catalog::MAX_TIER;

/// What every node stands for in the rows.
#[derive(Debug, Clone, Default)]
pub struct Marks {
    /// How many customer functions there are.
    pub functions: u32,
    /// For every node the function it is, if it is one.
    pub function: Vec<Option<u32>>,
    /// For every node its tier, 0 to 15; `None` for nodes that have none.
    pub tier: Vec<Option<u8>>,
}

/// Rows for every component, at two levels.
#[derive(Debug, Clone)]
pub struct Outline {
    layout: Layout,
    hard: Rows,
    any: Rows,
}

/// Where in a row the bits of each kind begin, in words.
#[derive(Debug, Clone, Copy)]
struct Layout {
    functions: usize,
    units: usize,
    tiers: usize,
    members: usize,
    end: usize,
}

#[derive(Debug, Clone, Default)]
struct Rows {
    component: Vec<u32>,
    bits: Vec<u64>,
    words: usize,
}

/// The union of rows: what the seeds lead to. Reuse it between questions.
#[derive(Debug, Clone)]
pub struct Shadow {
    layout: Layout,
    bits: Vec<u64>,
}

impl Shadow {
    /// Customer functions, by the numbers in [`Marks`].
    pub fn functions(&self) -> impl Iterator<Item = u32> + '_ {
        bits::ones(self.part(0, self.layout.functions))
    }

    /// How many customer functions.
    #[must_use]
    pub fn function_count(&self) -> usize {
        bits::count(self.part(0, self.layout.functions))
    }

    /// Units that anything reached is in.
    pub fn units(&self) -> impl Iterator<Item = u32> + '_ {
        bits::ones(self.part(self.layout.functions, self.layout.units))
    }

    /// The most important tier reached.
    #[must_use]
    pub fn tier(&self) -> Option<u8> {
        let tiers = self.part(self.layout.units, self.layout.tiers);
        bits::ones(tiers)
            .next()
            .and_then(|tier| u8::try_from(tier).ok())
    }

    fn part(&self, start: usize, end: usize) -> &[u64] {
        self.bits.get(start..end).unwrap_or(&[])
    }
}

impl Outline {
    /// Computes the rows of a graph.
    #[must_use]
    pub fn new(graph: &Graph, marks: &Marks) -> Self {
        let words = |bits: usize| bits.div_ceil(64);
        let functions = words(marks.functions as usize);
        let units = functions + graph.unit_words;
        let tiers = units + words(usize::from(MAX_TIER) + 1);
        let layout = Layout {
            functions,
            units,
            tiers,
            members: tiers,
            end: tiers + words(graph.member_of.len()),
        };
        Self {
            layout,
            hard: Rows::new(graph, marks, layout, layout.end, Level::Hard),
            // Any loss takes a group along here, so nothing is counted.
            any: Rows::new(graph, marks, layout, layout.tiers, Level::Any),
        }
    }

    /// An empty answer of the right size.
    #[must_use]
    pub fn shadow(&self) -> Shadow {
        Shadow {
            layout: self.layout,
            bits: vec![0; self.layout.end],
        }
    }

    /// What goes down with the seeds: hard needs, redundancy counted.
    pub fn down(&self, graph: &Graph, seeds: &[u32], into: &mut Shadow) {
        into.bits.fill(0);
        for seed in seeds {
            self.hard.join(*seed, &mut into.bits);
        }
        if self.layout.members == self.layout.end {
            return;
        }
        // Each round adds a group or ends, so there are few rounds.
        while self.lost_group(graph, &mut into.bits) {}
    }

    /// What could be touched at worst: every need, redundancy ignored.
    pub fn touched(&self, seeds: &[u32], into: &mut Shadow) {
        into.bits.fill(0);
        for seed in seeds {
            self.any.join(*seed, &mut into.bits);
        }
    }

    /// Joins the rows of every group that has lost too many members; says
    /// whether that added anything.
    fn lost_group(&self, graph: &Graph, row: &mut [u64]) -> bool {
        let members = row.get(self.layout.members..).unwrap_or(&[]);
        if members.iter().all(|word| *word == 0) {
            return false;
        }
        let mut lost: Vec<u32> = bits::ones(members)
            .filter_map(|slot| graph.member_of.get(slot as usize))
            .map(|(_, group)| *group)
            .collect();
        lost.sort_unstable();
        let mut added = false;
        for run in lost.chunk_by(|a, b| a == b) {
            let group = run
                .first()
                .and_then(|at| graph.thresholds.get(*at as usize));
            let Some(group) = group.filter(|group| run.len() >= group.losses as usize) else {
                continue;
            };
            added |= self.hard.join(group.node, row);
        }
        added
    }
}

impl Rows {
    fn new(graph: &Graph, marks: &Marks, layout: Layout, words: usize, level: Level) -> Self {
        let Components { of, order, count } =
            scc::components(&graph.dependents, graph.nodes, level);
        let mut rows = Self {
            component: of,
            bits: vec![0; count as usize * words],
            words,
        };
        for node in order {
            rows.close(graph, marks, layout, level, node);
        }
        rows
    }

    /// Adds a node, all of whose later components are complete, to its row.
    fn close(&mut self, graph: &Graph, marks: &Marks, layout: Layout, level: Level, node: u32) {
        let own = self.component_of(node);
        // Components it leads to have lower numbers, so they lie before the cut.
        let cut = (own as usize * self.words).min(self.bits.len());
        let (before, rest) = self.bits.split_at_mut(cut);
        let Some(row) = rest.get_mut(..self.words) else {
            return;
        };
        mark(row, graph, marks, layout, level, node);
        for dependent in graph.dependents.row(node, level) {
            let other = self.component.get(*dependent as usize).copied();
            let Some(other) = other.filter(|other| *other != own) else {
                continue;
            };
            let start = other as usize * self.words;
            if let Some(other) = before.get(start..start + self.words) {
                bits::or(row, other);
            }
        }
    }

    fn component_of(&self, node: u32) -> u32 {
        self.component
            .get(node as usize)
            .copied()
            .unwrap_or(u32::MAX)
    }

    /// Joins a node's row to another; says whether that added anything.
    #[inline]
    fn join(&self, node: u32, into: &mut [u64]) -> bool {
        let start = self.component_of(node) as usize * self.words;
        let Some(row) = self.bits.get(start..start + self.words) else {
            return false;
        };
        let mut added = 0;
        for (into, from) in into.iter_mut().zip(row) {
            added |= from & !*into;
            *into |= from;
        }
        added != 0
    }
}

/// Sets the bits that a node stands for itself.
fn mark(row: &mut [u64], graph: &Graph, marks: &Marks, layout: Layout, level: Level, node: u32) {
    let at = node as usize;
    if let Some(Some(function)) = marks.function.get(at) {
        bits::set(row, *function);
    }
    if let Some(units) = row.get_mut(layout.functions..layout.units) {
        bits::or(units, graph.places(node));
    }
    if let (Some(Some(tier)), Some(tiers)) =
        (marks.tier.get(at), row.get_mut(layout.units..layout.tiers))
    {
        bits::set(tiers, u32::from(*tier));
    }
    if level == Level::Any || !graph.is_member.contains(node) {
        return;
    }
    let start = graph
        .member_of
        .partition_point(|(member, _)| *member < node);
    let slots = graph.member_of.iter().enumerate().skip(start);
    for (slot, _) in slots.take_while(|(_, (member, _))| *member == node) {
        if let (Ok(slot), Some(members)) = (u32::try_from(slot), row.get_mut(layout.members..)) {
            bits::set(members, slot);
        }
    }
}
