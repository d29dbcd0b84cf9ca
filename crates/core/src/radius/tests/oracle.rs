//! The definition, written down as plainly as possible, and the fast code
//! against it.

use std::collections::BTreeSet;

use proptest::prelude::*;

use crate::radius::bits;
use crate::radius::csr::Level;
use crate::radius::graph::{Graph, Shape, Threshold};
use crate::radius::outline::{Marks, Outline};
use crate::radius::scc;
use crate::radius::spread::Seed;

type Failing = BTreeSet<(u32, u32)>;

fn places(shape: &Shape, node: u32) -> BTreeSet<u32> {
    let said = shape.places.get(node as usize).cloned().unwrap_or_default();
    if said.is_empty() {
        (0..shape.units as u32).collect()
    } else {
        said.into_iter().collect()
    }
}

fn isolated(shape: &Shape, node: u32) -> bool {
    !shape.places.get(node as usize).is_none_or(Vec::is_empty)
}

fn failing_units(failing: &Failing, node: u32) -> BTreeSet<u32> {
    let of_node = failing.iter().filter(|(n, _)| *n == node);
    of_node.map(|(_, unit)| *unit).collect()
}

/// Applies every rule to every edge until nothing changes.
fn fixpoint(shape: &Shape, seeds: &Failing, level: Level) -> Failing {
    let mut failing = seeds.clone();
    loop {
        let before = failing.len();
        for (from, to, edge) in &shape.edges {
            if *edge <= level {
                let carried = carried(shape, &failing, *to, *from, level);
                failing.extend(carried.into_iter().map(|unit| (*from, unit)));
            }
        }
        for group in &shape.thresholds {
            failing.extend(group_fails(shape, &failing, group, level));
        }
        if failing.len() == before {
            return failing;
        }
    }
}

fn carried(shape: &Shape, failing: &Failing, a: u32, b: u32, level: Level) -> BTreeSet<u32> {
    let lost = failing_units(failing, a);
    let (there, here) = (places(shape, a), places(shape, b));
    if lost.is_empty() {
        return BTreeSet::new();
    }
    if there.is_subset(&lost) || (level == Level::Any && !isolated(shape, b)) {
        return here;
    }
    let same = here.intersection(&lost).copied();
    if level == Level::Any {
        same.chain(here.difference(&there).copied()).collect()
    } else {
        same.collect()
    }
}

fn group_fails(shape: &Shape, failing: &Failing, group: &Threshold, level: Level) -> Failing {
    if level == Level::Any {
        let each = group.members.iter();
        return each
            .flat_map(|member| carried(shape, failing, *member, group.node, level))
            .map(|unit| (group.node, unit))
            .collect();
    }
    let lost_in = |member: u32, unit: u32| {
        let lost = failing_units(failing, member);
        lost.contains(&unit) || places(shape, member).is_subset(&lost)
    };
    let fails = |unit: &u32| {
        let lost = group
            .members
            .iter()
            .filter(|member| lost_in(**member, *unit));
        lost.count() >= group.losses as usize
    };
    let units = places(shape, group.node);
    units
        .into_iter()
        .filter(fails)
        .map(|unit| (group.node, unit))
        .collect()
}

fn level() -> impl Strategy<Value = Level> {
    prop_oneof![Just(Level::Hard), Just(Level::Soft), Just(Level::Any)]
}

fn shapes(nodes: usize, edges: usize) -> impl Strategy<Value = Shape> {
    (1..nodes, 1_usize..5).prop_flat_map(move |(nodes, units)| {
        let node = 0..nodes as u32;
        let edges = prop::collection::vec((node.clone(), node.clone(), level()), 0..edges);
        let group = (
            node.clone(),
            prop::collection::vec(node.clone(), 2..5),
            0_u32..3,
        );
        let groups = prop::collection::vec(group, 0..3);
        let unit = 0..units as u32;
        let places = prop::collection::vec(prop::collection::vec(unit, 0..3), 0..=nodes);
        (edges, groups, places).prop_map(move |(mut edges, groups, places)| {
            edges.sort_unstable();
            Shape {
                nodes,
                edges,
                thresholds: groups
                    .into_iter()
                    .map(|(node, members, fewer)| (node, BTreeSet::from_iter(members), fewer))
                    .filter(|(_, members, _)| members.len() >= 2)
                    .map(|(node, members, fewer)| Threshold {
                        node,
                        losses: (members.len() as u32).saturating_sub(fewer).max(2),
                        members: members.into_iter().collect(),
                    })
                    .collect(),
                units,
                places,
            }
        })
    })
}

fn seeds_of(graph: &Graph, seeds: &Failing) -> Vec<Seed> {
    let nodes: BTreeSet<u32> = seeds.iter().map(|(node, _)| *node).collect();
    nodes
        .into_iter()
        .map(|node| {
            let mut units = vec![0; graph.unit_words];
            for unit in failing_units(seeds, node) {
                bits::set(&mut units, unit);
            }
            Seed { node, units }
        })
        .collect()
}

proptest! {
    #[test]
    fn spread_is_the_fixpoint(
        shape in shapes(12, 30),
        picks in prop::collection::vec((any::<u32>(), any::<u32>()), 0..4),
        level in level(),
    ) {
        let seeds: Failing = picks
            .iter()
            .map(|(node, unit)| (node % shape.nodes as u32, unit % shape.units as u32))
            .collect();
        let expected = fixpoint(&shape, &seeds, level);
        let graph = Graph::new(shape.clone());
        let spread = graph.spread(&seeds_of(&graph, &seeds), level);
        let mut found = Failing::new();
        for node in 0..shape.nodes as u32 {
            let units: Vec<u32> = bits::ones(spread.units(&graph, node)).collect();
            prop_assert_eq!(spread.reached.contains(node), !units.is_empty());
            found.extend(units.into_iter().map(|unit| (node, unit)));
        }
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn whole_seeds_reach_the_fixpoint(
        shape in shapes(40, 200),
        picks in prop::collection::vec(any::<u32>(), 0..6),
        level in level(),
    ) {
        let nodes: Vec<u32> = picks.iter().map(|node| node % shape.nodes as u32).collect();
        let seeds: Failing = nodes
            .iter()
            .flat_map(|node| places(&shape, *node).into_iter().map(|unit| (*node, unit)))
            .collect();
        let expected: BTreeSet<u32> =
            fixpoint(&shape, &seeds, level).into_iter().map(|(node, _)| node).collect();
        let graph = Graph::new(shape);
        let found: BTreeSet<u32> = graph.reach(&nodes, level).iter().collect();
        prop_assert_eq!(&found, &expected);
        let (traced, steps) = graph.reach_from(&nodes, level);
        prop_assert_eq!(traced.iter().collect::<BTreeSet<u32>>(), expected);
        for node in found {
            let from = steps.from[node as usize];
            if from == super::super::reach::NOWHERE {
                prop_assert!(nodes.contains(&node));
            } else {
                prop_assert!(steps.rank[from as usize] < steps.rank[node as usize]);
            }
        }
    }

    #[test]
    fn the_outline_is_what_is_reached(
        shape in shapes(30, 90),
        picks in prop::collection::vec(any::<u32>(), 0..6),
    ) {
        let seeds: Vec<u32> = picks.iter().map(|node| node % shape.nodes as u32).collect();
        let graph = Graph::new(shape.clone());
        let marks = Marks {
            functions: 70,
            function: (0..shape.nodes as u32).map(|n| (n % 3 == 0).then_some(n * 2)).collect(),
            tier: (0..shape.nodes).map(|n| (n % 4 != 1).then_some((n % 16) as u8)).collect(),
        };
        let outline = Outline::new(&graph, &marks);
        let mut shadow = outline.shadow();
        for level in [Level::Hard, Level::Any] {
            if level == Level::Hard {
                outline.down(&graph, &seeds, &mut shadow);
            } else {
                outline.touched(&seeds, &mut shadow);
            }
            let reached: Vec<u32> = graph.reach(&seeds, level).iter().collect();
            let functions: BTreeSet<u32> =
                reached.iter().filter_map(|n| marks.function[*n as usize]).collect();
            prop_assert_eq!(shadow.function_count(), functions.len());
            prop_assert_eq!(shadow.functions().collect::<BTreeSet<u32>>(), functions);
            let units: BTreeSet<u32> =
                reached.iter().flat_map(|n| places(&shape, *n)).collect();
            prop_assert_eq!(shadow.units().collect::<BTreeSet<u32>>(), units);
            let tier = reached.iter().filter_map(|n| marks.tier[*n as usize]).min();
            prop_assert_eq!(shadow.tier(), tier);
        }
    }

    #[test]
    fn components_are_mutual_reach(shape in shapes(20, 60)) {
        // Without groups, a component is what reaches each other.
        let shape = Shape { thresholds: Vec::new(), ..shape };
        let nodes = shape.nodes as u32;
        let graph = Graph::new(shape);
        for level in [Level::Hard, Level::Soft, Level::Any] {
            let found = scc::components(&graph.dependents, nodes as usize, level);
            prop_assert_eq!(found.order.len(), nodes as usize);
            for a in 0..nodes {
                let from_a = graph.reach(&[a], level);
                for b in from_a.iter() {
                    let mutual = graph.reach(&[b], level).contains(a);
                    let (of_a, of_b) = (found.of[a as usize], found.of[b as usize]);
                    prop_assert_eq!(of_a == of_b, mutual);
                    prop_assert!(of_b <= of_a);
                }
            }
        }
    }
}

#[test]
fn a_chain_of_a_million_does_not_overflow() {
    let nodes = 1_000_000_u32;
    let graph = Graph::new(Shape {
        nodes: nodes as usize,
        edges: (1..nodes).map(|n| (n, n - 1, Level::Hard)).collect(),
        units: 1,
        ..Shape::default()
    });
    assert_eq!(graph.reach(&[0], Level::Hard).len(), nodes as usize);
    let marks = Marks {
        functions: 1,
        function: (0..nodes).map(|n| (n + 1 == nodes).then_some(0)).collect(),
        tier: Vec::new(),
    };
    let outline = Outline::new(&graph, &marks);
    let mut shadow = outline.shadow();
    outline.down(&graph, &[0], &mut shadow);
    assert_eq!(shadow.function_count(), 1);
}
