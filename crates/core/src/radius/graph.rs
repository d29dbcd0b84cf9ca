//! The catalogue as a graph of numbers.

use super::bits::{self, Bits};
use super::csr::{Csr, Level};
use super::scc;
use crate::catalog::{Catalog, NeedKind, Node};

/// Redundancy group: `losses` of the members gone take it down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Threshold {
    /// The group's own node.
    pub node: u32,
    /// The members' nodes, sorted.
    pub members: Vec<u32>,
    /// How many losses take it down, at least 2 (with 1, members are plain
    /// hard needs).
    pub losses: u32,
}

/// What a graph is made from: numbers only.
#[derive(Debug, Clone, Default)]
pub struct Shape {
    /// How many nodes there are.
    pub nodes: usize,
    /// `(from, to, level)`: `from` needs `to`. Sorted edges give the same
    /// witnesses whatever order they came in.
    pub edges: Vec<(u32, u32, Level)>,
    /// Redundancy groups.
    pub thresholds: Vec<Threshold>,
    /// How many units there are, at least 1.
    pub units: usize,
    /// For every node the units it is in; empty: everywhere, and nothing says
    /// that the units of it fail alone. A node left out is everywhere.
    pub places: Vec<Vec<u32>>,
}

/// Who needs whom, both ways.
#[derive(Debug, Clone)]
pub struct Graph {
    pub(super) nodes: usize,
    /// From what is needed to whoever needs it: the way failures spread.
    pub(super) dependents: Csr,
    /// From whoever needs to what is needed.
    pub(super) needs: Csr,
    pub(super) thresholds: Vec<Threshold>,
    /// `(member, threshold)`, sorted.
    pub(super) member_of: Vec<(u32, u32)>,
    pub(super) is_member: Bits,
    /// Words for one node's units.
    pub(super) unit_words: usize,
    /// The units every node is in, one row for each.
    pub(super) places: Vec<u64>,
    /// Nodes whose units are said to fail alone.
    pub(super) isolated: Bits,
}

impl Graph {
    /// Builds the graph.
    #[must_use]
    pub fn new(shape: Shape) -> Self {
        let Shape {
            nodes,
            edges,
            thresholds,
            units,
            places,
        } = shape;
        // At the outermost level a lost member may take its group along.
        let through = || {
            thresholds.iter().flat_map(|group| {
                let members = group.members.iter();
                members.map(|member| (group.node, *member, Level::Any))
            })
        };
        let all = || edges.iter().copied().chain(through());
        let needs = Csr::new(nodes, all);
        let dependents = Csr::new(nodes, || all().map(|(from, to, level)| (to, from, level)));
        let mut member_of: Vec<(u32, u32)> = (0_u32..)
            .zip(&thresholds)
            .flat_map(|(at, group)| group.members.iter().map(move |member| (*member, at)))
            .collect();
        member_of.sort_unstable();
        let mut is_member = Bits::new(nodes);
        for (member, _) in &member_of {
            is_member.insert(*member);
        }
        let unit_words = units.max(1).div_ceil(64);
        let (places, isolated) = place(nodes, units.max(1), unit_words, &places);
        Self {
            nodes,
            dependents,
            needs,
            thresholds,
            member_of,
            is_member,
            unit_words,
            places,
            isolated,
        }
    }

    /// How many nodes there are.
    #[must_use]
    pub const fn nodes(&self) -> usize {
        self.nodes
    }

    /// How many needs there are, those of redundancy groups included.
    #[must_use]
    pub const fn edges(&self) -> usize {
        self.needs.edges()
    }

    /// Whether `from` needs `to` by an edge of that level or a harder one.
    #[must_use]
    pub fn has_edge(&self, from: u32, to: u32, level: Level) -> bool {
        self.needs.row(from, level).contains(&to)
    }

    /// Nodes that need each other hard in a circle, one list for each circle;
    /// redundancy groups are no part of circles.
    #[must_use]
    pub fn hard_circles(&self) -> Vec<Vec<u32>> {
        let found = scc::components(&self.dependents, self.nodes, Level::Hard);
        let component = |node: &u32| found.of.get(*node as usize).copied();
        let circles = found
            .order
            .chunk_by(|a, b| component(a) == component(b))
            .filter(|nodes| match nodes {
                [alone] => self.has_edge(*alone, *alone, Level::Hard),
                _ => true,
            });
        circles.map(<[u32]>::to_vec).collect()
    }

    /// The groups a node is a member of.
    pub(super) fn groups_of(&self, node: u32) -> impl Iterator<Item = (u32, &Threshold)> {
        let start = self.member_of.partition_point(|(member, _)| *member < node);
        self.member_of
            .get(start..)
            .unwrap_or(&[])
            .iter()
            .take_while(move |(member, _)| *member == node)
            .filter_map(|(_, at)| Some((*at, self.thresholds.get(*at as usize)?)))
    }

    /// The units a node is in.
    pub(super) fn places(&self, node: u32) -> &[u64] {
        let start = node as usize * self.unit_words;
        self.places
            .get(start..start + self.unit_words)
            .unwrap_or(&[])
    }
}

/// One row of units for every node, and which nodes are isolated.
fn place(nodes: usize, units: usize, words: usize, places: &[Vec<u32>]) -> (Vec<u64>, Bits) {
    let mut everywhere = Bits::new(units);
    for unit in 0..u32::try_from(units).unwrap_or(u32::MAX) {
        everywhere.insert(unit);
    }
    let mut rows = vec![0; nodes * words];
    let mut isolated = Bits::new(nodes);
    let mut said = places.iter();
    for (node, row) in (0_u32..).zip(rows.chunks_exact_mut(words)) {
        match said.next().filter(|units| !units.is_empty()) {
            Some(units) => {
                isolated.insert(node);
                for unit in units {
                    bits::set(row, *unit);
                }
            }
            None => row.copy_from_slice(everywhere.words()),
        }
    }
    (rows, isolated)
}

/// Where the nodes of a catalogue are in its graph: services first, then
/// groups, then functions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Numbering {
    services: u32,
    groups: u32,
    functions: u32,
}

impl Numbering {
    pub(super) fn of(catalog: &Catalog) -> Self {
        let count = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
        Self {
            services: count(catalog.services().len()),
            groups: count(catalog.groups().len()),
            functions: count(catalog.functions().len()),
        }
    }

    pub(super) const fn number(self, node: Node) -> u32 {
        match node {
            Node::Service(at) => at,
            Node::Group(at) => self.services + at,
            Node::Function(at) => self.services + self.groups + at,
        }
    }

    pub(super) const fn node(self, number: u32) -> Node {
        if number < self.services {
            Node::Service(number)
        } else if number < self.services + self.groups {
            Node::Group(number - self.services)
        } else {
            Node::Function(number - self.services - self.groups)
        }
    }

    pub(super) const fn nodes(self) -> u32 {
        self.services + self.groups + self.functions
    }

    pub(super) const fn services(self) -> u32 {
        self.services
    }
}

const fn level(kind: NeedKind) -> Level {
    match kind {
        NeedKind::Hard => Level::Hard,
        NeedKind::Soft => Level::Soft,
        NeedKind::Async | NeedKind::Unknown => Level::Any,
    }
}

/// The graph of a catalogue.
pub(super) fn shape(catalog: &Catalog) -> Shape {
    let numbering = Numbering::of(catalog);
    let mut edges: Vec<(u32, u32, Level)> = catalog
        .edges()
        .iter()
        .map(|edge| {
            let (from, to) = (numbering.number(edge.from), numbering.number(edge.to));
            (from, to, level(edge.kind))
        })
        .collect();
    let mut thresholds = Vec::new();
    for (at, group) in (0_u32..).zip(catalog.groups()) {
        let node = numbering.number(Node::Group(at));
        let members = u32::try_from(group.services.len()).unwrap_or(u32::MAX);
        let losses = members.saturating_sub(group.needed) + 1;
        if losses > 1 {
            thresholds.push(Threshold {
                node,
                members: group.services.clone(),
                losses,
            });
        } else {
            let members = group.services.iter();
            edges.extend(members.map(|member| (node, *member, Level::Hard)));
        }
    }
    Shape {
        nodes: numbering.nodes() as usize,
        edges,
        thresholds,
        units: catalog.units().len(),
        places: places(catalog, numbering),
    }
}

/// Services are where they say. Groups are wherever a member is. Customers are
/// everywhere, and those of one unit are not those of another, so functions
/// are in every unit and isolated.
fn places(catalog: &Catalog, numbering: Numbering) -> Vec<Vec<u32>> {
    let services = 0..numbering.services();
    let mut places: Vec<Vec<u32>> = services.map(|at| catalog.runs_in(at).to_vec()).collect();
    for group in catalog.groups() {
        let members = group.services.iter().map(|at| catalog.runs_in(*at));
        let mut union: Vec<u32> = Vec::new();
        if members.clone().all(|units| !units.is_empty()) {
            union.extend(members.flatten());
            union.sort_unstable();
            union.dedup();
        }
        places.push(union);
    }
    let units = u32::try_from(catalog.units().len()).unwrap_or(u32::MAX);
    places.resize(numbering.nodes() as usize, (0..units).collect());
    places
}
