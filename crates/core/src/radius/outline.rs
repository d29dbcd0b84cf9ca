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
    /// For every redundancy group where its members' bits begin.
    slots: Vec<u32>,
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
    /// Groups whose rows have joined.
    groups: Vec<u64>,
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
        let slots = slots(graph);
        let rows = |level| {
            let slots = &slots;
            let maker = Maker {
                graph,
                marks,
                layout,
                slots,
                level,
            };
            maker.rows()
        };
        Self {
            layout,
            hard: rows(Level::Hard),
            // Any loss takes a group along here, so nothing is counted.
            any: rows(Level::Any),
            slots,
        }
    }

    /// An empty answer of the right size.
    #[must_use]
    pub fn shadow(&self) -> Shadow {
        Shadow {
            layout: self.layout,
            bits: vec![0; self.layout.end],
            groups: vec![0; self.slots.len().div_ceil(64)],
        }
    }

    /// What goes down with the seeds: hard needs, redundancy counted.
    pub fn down(&self, graph: &Graph, seeds: &[u32], into: &mut Shadow) {
        into.bits.fill(0);
        into.groups.fill(0);
        for seed in seeds {
            self.hard.join(*seed, &mut into.bits);
        }
        // Each round adds a group or ends, so there are few rounds.
        while self.join_lost_groups(graph, into) {}
    }

    /// What could be touched at worst: every need, redundancy ignored.
    pub fn touched(&self, seeds: &[u32], into: &mut Shadow) {
        into.bits.fill(0);
        for seed in seeds {
            self.any.join(*seed, &mut into.bits);
        }
    }

    /// Joins the rows of groups that have lost too many members; says whether
    /// there were any.
    fn join_lost_groups(&self, graph: &Graph, into: &mut Shadow) -> bool {
        let members = into.bits.get(self.layout.members..).unwrap_or(&[]);
        if members.iter().all(|word| *word == 0) {
            return false;
        }
        let mut joined = false;
        for ((at, group), slot) in (0_u32..).zip(&graph.thresholds).zip(&self.slots) {
            if bits::test(&into.groups, at) {
                continue;
            }
            let members = into.bits.get(self.layout.members..).unwrap_or(&[]);
            let size = u32::try_from(group.members.len()).unwrap_or(u32::MAX);
            if bits::count_between(members, *slot, slot.saturating_add(size)) >= group.losses {
                bits::set(&mut into.groups, at);
                self.hard.join(group.node, &mut into.bits);
                joined = true;
            }
        }
        joined
    }
}

/// Gives the members of every group bits in a row.
fn slots(graph: &Graph) -> Vec<u32> {
    let mut next = 0_u32;
    let groups = graph.thresholds.iter();
    groups
        .map(|group| {
            let first = next;
            next = next.saturating_add(u32::try_from(group.members.len()).unwrap_or(u32::MAX));
            first
        })
        .collect()
}

/// What rows are made from.
struct Maker<'a> {
    graph: &'a Graph,
    marks: &'a Marks,
    layout: Layout,
    slots: &'a [u32],
    level: Level,
}

impl Maker<'_> {
    fn rows(&self) -> Rows {
        let words = match self.level {
            Level::Any => self.layout.tiers,
            Level::Hard | Level::Soft => self.layout.end,
        };
        let Components { of, order, count } =
            scc::components(&self.graph.dependents, self.graph.nodes, self.level);
        let mut rows = Rows {
            component: of,
            bits: vec![0; count as usize * words],
            words,
        };
        for node in order {
            self.close(&mut rows, node);
        }
        rows
    }

    /// Adds a node, all of whose later components are complete, to its row.
    fn close(&self, rows: &mut Rows, node: u32) {
        let own = rows.component_of(node);
        // Components it leads to have lower numbers, so they lie before the cut.
        let cut = (own as usize * rows.words).min(rows.bits.len());
        let (before, rest) = rows.bits.split_at_mut(cut);
        let Some(row) = rest.get_mut(..rows.words) else {
            return;
        };
        self.mark(row, node);
        for dependent in self.graph.dependents.row(node, self.level) {
            let other = rows.component.get(*dependent as usize).copied();
            let Some(other) = other.filter(|other| *other != own) else {
                continue;
            };
            let start = other as usize * rows.words;
            if let Some(other) = before.get(start..start + rows.words) {
                bits::or(row, other);
            }
        }
    }

    /// Sets the bits that a node stands for itself.
    fn mark(&self, row: &mut [u64], node: u32) {
        let (at, layout) = (node as usize, self.layout);
        if let Some(Some(function)) = self.marks.function.get(at) {
            bits::set(row, *function);
        }
        if let Some(units) = row.get_mut(layout.functions..layout.units) {
            bits::or(units, self.graph.places(node));
        }
        if let (Some(Some(tier)), Some(tiers)) = (
            self.marks.tier.get(at),
            row.get_mut(layout.units..layout.tiers),
        ) {
            bits::set(tiers, u32::from(*tier));
        }
        if self.level == Level::Any || !self.graph.is_member.contains(node) {
            return;
        }
        for (group, threshold) in self.graph.groups_of(node) {
            let first = self.slots.get(group as usize).copied();
            let place = threshold.members.binary_search(&node).ok();
            let place = place.and_then(|place| u32::try_from(place).ok());
            if let (Some(first), Some(place), Some(members)) =
                (first, place, row.get_mut(layout.members..))
            {
                bits::set(members, first + place);
            }
        }
    }
}

impl Rows {
    fn component_of(&self, node: u32) -> u32 {
        self.component
            .get(node as usize)
            .copied()
            .unwrap_or(u32::MAX)
    }

    /// Joins a node's row to another.
    #[inline]
    fn join(&self, node: u32, into: &mut [u64]) {
        let start = self.component_of(node) as usize * self.words;
        if let Some(row) = self.bits.get(start..start + self.words) {
            bits::or(into, row);
        }
    }
}
