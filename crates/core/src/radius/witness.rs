//! For every claim a path that a person can check.

use serde::{Deserialize, Serialize};

use super::bits;
use super::measure::Measure;
use super::model::Model;
use super::reach::NOWHERE;
use super::spread::Spread;
use crate::catalog::{NeedKind, Node, Share};

/// How sure a claim is, and how bad. Ordered by how bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Impact {
    /// Something it needs in some way could fail.
    Possible,
    /// Something it uses likely fails.
    Degraded,
    /// Something it cannot do without likely fails.
    Down,
    /// The change touches it itself.
    Touched,
}

impl Impact {
    /// The word used in output.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Possible => "possible",
            Self::Degraded => "degraded",
            Self::Down => "down",
            Self::Touched => "touched",
        }
    }
}

/// One step of a path: this needs the one before it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// Service, group or function.
    pub id: String,
    /// What it is, and its position in the catalogue; only the kind is written.
    #[serde(rename = "kind", serialize_with = "kind")]
    pub node: Node,
    /// How it needs the step before; `None` for the first step, and for a
    /// group, which loses the step before as a member.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub needs: Option<NeedKind>,
    /// Other members that the group has lost by then.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub also_lost: Vec<String>,
}

/// Positions change with the catalogue, so they stay inside.
fn kind<S: serde::Serializer>(node: &Node, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(match node {
        Node::Service(_) => "service",
        Node::Group(_) => "group",
        Node::Function(_) => "function",
    })
}

/// Something a change reaches, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Claim {
    /// Service or function.
    pub id: String,
    /// Its tier, 0 most important.
    pub tier: u8,
    /// How bad.
    pub impact: Impact,
    /// Share of all customers who use it where it fails; `None` for services.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customers: Option<Share>,
    /// Regions and cells where it fails, sorted.
    pub units: Vec<String>,
    /// From what the change touches to this.
    pub path: Vec<Step>,
}

pub(super) struct Claims {
    pub(super) functions: Vec<Claim>,
    pub(super) services: Vec<Claim>,
    pub(super) possible_services: Vec<String>,
}

/// Everything that is reached, what is only possible named without a path for
/// services: there can be very many.
pub(super) fn claims(measure: &Measure<'_>) -> Claims {
    let model = measure.model;
    let mut claims = Claims {
        functions: Vec::new(),
        services: Vec::new(),
        possible_services: Vec::new(),
    };
    for number in measure.placed.reached.iter() {
        let node = model.node(number);
        let (impact, spread) = strongest(measure, number);
        match (node, impact) {
            (Node::Group(_), _) => {}
            (Node::Service(_), Impact::Possible | Impact::Degraded) => {
                let id = model.catalog.id(node).to_owned();
                claims.possible_services.push(id);
            }
            (Node::Service(_), _) => claims.services.push(claim(model, spread, number, impact)),
            (Node::Function(_), _) => claims.functions.push(claim(model, spread, number, impact)),
        }
    }
    let order = |a: &Claim, b: &Claim| (a.tier, &a.id).cmp(&(b.tier, &b.id));
    claims.functions.sort_by(order);
    claims.services.sort_by(order);
    claims
}

/// The worst that is claimed about a node, and the spread that shows it.
fn strongest<'m>(measure: &'m Measure<'_>, node: u32) -> (Impact, &'m Spread) {
    let reached = |spread: Option<&'m Spread>| spread.filter(|s| s.reached.contains(node));
    let touched = measure.touched.iter().any(|seed| seed.node == node);
    if let Some(down) = reached(measure.down()) {
        let impact = if touched {
            Impact::Touched
        } else {
            Impact::Down
        };
        return (impact, down);
    }
    match reached(measure.degraded()) {
        Some(degraded) => (Impact::Degraded, degraded),
        None => (Impact::Possible, &measure.placed),
    }
}

fn claim(model: &Model<'_>, spread: &Spread, number: u32, impact: Impact) -> Claim {
    let node = model.node(number);
    let units = spread.units(&model.graph, number);
    let customers = match node {
        Node::Function(at) => model.catalog.functions().get(at as usize).map(|function| {
            let here = bits::ones(units)
                .filter_map(|unit| model.catalog.units().get(unit as usize))
                .fold(Share::NONE, |sum, unit| sum.plus(unit.customers));
            here.of(function.customers.unwrap_or(Share::ALL))
        }),
        Node::Service(_) | Node::Group(_) => None,
    };
    Claim {
        id: model.catalog.id(node).to_owned(),
        tier: model.tier(node).unwrap_or_default(),
        impact,
        customers,
        units: model.unit_names(units),
        path: path(model, spread, number),
    }
}

/// Walks back from a node to the seed it was reached from.
fn path(model: &Model<'_>, spread: &Spread, number: u32) -> Vec<Step> {
    let mut path = Vec::new();
    let mut at = number;
    // Ranks fall with every step, so this ends.
    while at != NOWHERE {
        let from = spread.steps.from.get(at as usize).copied();
        let from = from.unwrap_or(NOWHERE);
        path.push(step(model, spread, at, from));
        at = from;
    }
    path.reverse();
    path
}

fn step(model: &Model<'_>, spread: &Spread, number: u32, from: u32) -> Step {
    let node = model.node(number);
    let needs = if from == NOWHERE {
        None
    } else {
        need(model, node, model.node(from))
    };
    Step {
        id: model.catalog.id(node).to_owned(),
        node,
        needs,
        also_lost: also_lost(model, spread, number, from),
    }
}

fn need(model: &Model<'_>, from: Node, to: Node) -> Option<NeedKind> {
    let edges = model.catalog.edges();
    let found = edges.binary_search_by_key(&(from, to), |edge| (edge.from, edge.to));
    let edge = found.ok().and_then(|at| edges.get(at))?;
    Some(edge.kind)
}

/// The members that a group had lost before the one that was too many.
fn also_lost(model: &Model<'_>, spread: &Spread, group: u32, last: u32) -> Vec<String> {
    let thresholds = &model.graph.thresholds;
    let Some(threshold) = thresholds.iter().find(|t| t.node == group) else {
        return Vec::new();
    };
    let rank = |node: u32| spread.steps.rank.get(node as usize).copied();
    let before = rank(group).unwrap_or(0);
    let lost = threshold.members.iter().filter(|member| {
        **member != last && last != NOWHERE && rank(**member).is_some_and(|rank| rank < before)
    });
    lost.map(|member| model.catalog.id(model.node(*member)).to_owned())
        .collect()
}
