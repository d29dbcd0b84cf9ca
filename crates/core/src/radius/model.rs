//! A catalogue made ready to be asked.

use super::bits::{self, Bits};
use super::change::{Change, Stage};
use super::graph::{Graph, Numbering, shape};
use super::measure::Measure;
use super::outline::{Marks, Outline};
use super::witness::{self, Claim};
use super::{Level, RadiusFacts};
use crate::catalog::{Catalog, Node, Share};

/// A catalogue with its graph. Build it once, ask it often.
#[derive(Debug, Clone)]
pub struct Model<'a> {
    pub(super) catalog: &'a Catalog,
    pub(super) numbering: Numbering,
    pub(super) graph: Graph,
}

/// The radius after one step of a rollout.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct StageRadius {
    /// What people call the step.
    pub name: String,
    /// How long it stays there before the next step, as far as anyone said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bake_seconds: Option<u64>,
    /// The figures up to and including this step.
    pub facts: RadiusFacts,
}

/// How far a change reaches, with a witness for every claim.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Radius {
    /// The figures, of the whole change.
    pub facts: RadiusFacts,
    /// Functions down, degraded or possibly touched, by tier and id.
    pub functions: Vec<Claim>,
    /// Services touched or likely down, by tier and id.
    pub services: Vec<Claim>,
    /// Ids of services that are only possibly touched, sorted.
    pub possible_services: Vec<String>,
    /// Regions and cells where something is likely to fail, sorted.
    pub units: Vec<String>,
    /// Objects that could not be placed, sorted.
    pub unplaced: Vec<String>,
    /// After every step of the rollout, if there is one.
    pub stages: Vec<StageRadius>,
}

/// What a rollout has reached so far.
pub(super) struct Progress {
    /// Units, as a row of bits; `None`: all.
    pub(super) units: Option<Vec<u64>>,
    /// Share of customers within them.
    pub(super) share: Share,
}

impl<'a> Model<'a> {
    /// Builds the graph of a catalogue.
    #[must_use]
    pub fn new(catalog: &'a Catalog) -> Self {
        Self {
            catalog,
            numbering: Numbering::of(catalog),
            graph: Graph::new(shape(catalog)),
        }
    }

    /// The graph. Its nodes are numbered: services, groups, functions.
    #[must_use]
    pub const fn graph(&self) -> &Graph {
        &self.graph
    }

    /// The number of a node in the graph.
    #[must_use]
    pub const fn number(&self, node: Node) -> u32 {
        self.numbering.number(node)
    }

    /// The node with a number in the graph.
    #[must_use]
    pub const fn node(&self, number: u32) -> Node {
        self.numbering.node(number)
    }

    /// Rows that answer "which functions, units and tiers" in well under a
    /// microsecond. Functions are numbered as in [`Catalog::functions`].
    #[must_use]
    pub fn outline(&self) -> Outline {
        let nodes = 0..self.numbering.nodes();
        let (mut function, mut tier) = (Vec::new(), Vec::new());
        for node in nodes.map(|number| self.node(number)) {
            function.push(match node {
                Node::Function(at) => Some(at),
                Node::Service(_) | Node::Group(_) => None,
            });
            tier.push(self.tier(node));
        }
        let marks = Marks {
            functions: u32::try_from(self.catalog.functions().len()).unwrap_or(u32::MAX),
            function,
            tier,
        };
        Outline::new(&self.graph, &marks)
    }

    /// Every service that needs one of the nodes, themselves included.
    #[must_use]
    pub fn services_reached(&self, nodes: &[Node], level: Level) -> Vec<u32> {
        let seeds: Vec<u32> = nodes.iter().map(|node| self.number(*node)).collect();
        let reached = self.graph.reach(&seeds, level);
        let services = self.numbering.services();
        reached.iter().take_while(|node| *node < services).collect()
    }

    /// How far a change reaches. Same inputs, same bytes.
    #[must_use]
    pub fn radius(&self, change: &Change) -> Radius {
        let steps = self.progress(&change.rollout);
        let mut stages = Vec::new();
        for (stage, progress) in change.rollout.iter().zip(&steps) {
            stages.push(StageRadius {
                name: stage.name.clone(),
                bake_seconds: stage.bake_seconds,
                facts: Measure::new(self, change, progress).facts(),
            });
        }
        let everything = Progress {
            units: None,
            share: Share::ALL,
        };
        let measure = Measure::new(self, change, steps.last().unwrap_or(&everything));
        let claims = witness::claims(&measure);
        Radius {
            facts: measure.facts(),
            functions: claims.functions,
            services: claims.services,
            possible_services: claims.possible_services,
            units: self.unit_names(&measure.failing_units()),
            unplaced: measure.unplaced(),
            stages,
        }
    }

    /// What every step of a rollout has reached, earlier steps included.
    fn progress(&self, rollout: &[Stage]) -> Vec<Progress> {
        let mut all = false;
        let mut units = Bits::new(self.catalog.units().len());
        let mut share = Share::NONE;
        let mut steps = Vec::new();
        for stage in rollout {
            all |= stage.units.is_empty();
            for unit in &stage.units {
                units.insert(*unit);
            }
            share = share.max(stage.share);
            steps.push(Progress {
                units: (!all).then(|| units.words().to_vec()),
                share,
            });
        }
        steps
    }

    pub(super) fn tier(&self, node: Node) -> Option<u8> {
        match node {
            Node::Service(at) => {
                let service = self.catalog.services().get(at as usize)?;
                Some(self.catalog.tier(service))
            }
            Node::Function(at) => {
                let function = self.catalog.functions().get(at as usize)?;
                Some(self.catalog.function_tier(function))
            }
            Node::Group(_) => None,
        }
    }

    pub(super) fn unit_names(&self, units: &[u64]) -> Vec<String> {
        let mut names: Vec<String> = bits::ones(units)
            .filter_map(|unit| self.catalog.units().get(unit as usize))
            .map(|unit| unit.id.clone())
            .collect();
        names.sort();
        names
    }
}
