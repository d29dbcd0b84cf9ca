//! Strongly connected components: Tarjan's algorithm (SIAM J. Comput. 1(2),
//! 1972) without recursion, so that a chain of 100,000 services cannot
//! overflow the stack.

use super::csr::{Csr, Level};

/// Which component every node is in.
#[derive(Debug, Clone, Default)]
pub(super) struct Components {
    /// Component of every node. A component's number is higher than that of
    /// every other component it leads to.
    pub(super) of: Vec<u32>,
    /// Nodes in the order in which their components were closed.
    pub(super) order: Vec<u32>,
    /// How many components there are.
    pub(super) count: u32,
}

const UNSEEN: u32 = 0;
/// Above every running number: closed nodes never lower a link.
const CLOSED: u32 = u32::MAX;

struct Search<'a> {
    rows: &'a Csr,
    level: Level,
    /// 0 before a node is seen, then the lowest running number it leads back
    /// to, then [`CLOSED`].
    low: Vec<u32>,
    /// Seen and not closed, in order.
    open: Vec<u32>,
    /// The path from the root: node, its own running number, next edge.
    path: Vec<(u32, u32, u32)>,
    running: u32,
    found: Components,
}

/// Finds the components of the graph with the edges of one level.
pub(super) fn components(rows: &Csr, nodes: usize, level: Level) -> Components {
    let mut search = Search {
        rows,
        level,
        low: vec![UNSEEN; nodes],
        open: Vec::new(),
        path: Vec::new(),
        running: UNSEEN,
        found: Components {
            of: vec![0; nodes],
            order: Vec::with_capacity(nodes),
            count: 0,
        },
    };
    for root in 0..u32::try_from(nodes).unwrap_or(u32::MAX) {
        if search.low_of(root) == UNSEEN {
            search.enter(root);
            search.run();
        }
    }
    search.found
}

impl Search<'_> {
    fn low_of(&self, node: u32) -> u32 {
        self.low.get(node as usize).copied().unwrap_or(CLOSED)
    }

    fn lower(&mut self, node: u32, to: u32) {
        if let Some(low) = self.low.get_mut(node as usize) {
            *low = (*low).min(to);
        }
    }

    fn enter(&mut self, node: u32) {
        self.running += 1;
        if let Some(low) = self.low.get_mut(node as usize) {
            *low = self.running;
        }
        self.open.push(node);
        self.path.push((node, self.running, 0));
    }

    fn run(&mut self) {
        while let Some((node, own, mut edge)) = self.path.pop() {
            let rows = self.rows;
            let mut child = None;
            let mut low = self.low_of(node);
            for target in rows
                .row(node, self.level)
                .get(edge as usize..)
                .unwrap_or(&[])
            {
                edge += 1;
                match self.low_of(*target) {
                    UNSEEN => {
                        child = Some(*target);
                        break;
                    }
                    seen => low = low.min(seen),
                }
            }
            self.lower(node, low);
            match child {
                Some(child) => {
                    self.path.push((node, own, edge));
                    self.enter(child);
                }
                None => self.leave(node, own),
            }
        }
    }

    fn leave(&mut self, node: u32, own: u32) {
        let low = self.low_of(node);
        if let Some((parent, _, _)) = self.path.last() {
            let parent = *parent;
            self.lower(parent, low);
        }
        if low != own {
            return;
        }
        while let Some(member) = self.open.pop() {
            if let Some(low) = self.low.get_mut(member as usize) {
                *low = CLOSED;
            }
            if let Some(of) = self.found.of.get_mut(member as usize) {
                *of = self.found.count;
            }
            self.found.order.push(member);
            if member == node {
                break;
            }
        }
        self.found.count += 1;
    }
}
