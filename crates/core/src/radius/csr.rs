//! Edges in compressed rows: one array of targets and where each row starts.
//!
//! Linked adjacency costs a cache miss for every edge; rows cost one for every
//! node. Within a row the hard edges come first, then the soft, then the rest,
//! so that following "hard and soft only" is a shorter prefix of the same row.

/// Which edges are followed; each level follows those before it too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Hard needs only: what goes down.
    Hard = 0,
    /// Soft needs too: what works worse.
    Soft = 1,
    /// Everything, redundancy ignored: what could be touched at worst.
    Any = 2,
}

const LEVELS: usize = 3;

/// Rows of targets, three levels in each.
#[derive(Debug, Clone, Default)]
pub(super) struct Csr {
    /// Three starts for every node, and one end.
    starts: Vec<u32>,
    targets: Vec<u32>,
}

impl Csr {
    /// Sorts edges `(node, target, level)` into rows, keeping their order
    /// within a level (a counting sort: two passes, no comparisons).
    pub(super) fn new<I>(nodes: usize, edges: impl Fn() -> I) -> Self
    where
        I: Iterator<Item = (u32, u32, Level)>,
    {
        let mut starts = vec![0_u32; nodes * LEVELS + 1];
        let bucket = |node: u32, level: Level| node as usize * LEVELS + level as usize;
        let mut total = 0_usize;
        for (node, _, level) in edges() {
            if let Some(count) = starts.get_mut(bucket(node, level) + 1) {
                *count += 1;
                total += 1;
            }
        }
        let mut sum = 0;
        for start in &mut starts {
            sum += *start;
            *start = sum;
        }
        let mut next = starts.clone();
        let mut targets = vec![0; total];
        for (node, target, level) in edges() {
            let Some(slot) = next.get_mut(bucket(node, level)) else {
                continue;
            };
            if let Some(place) = targets.get_mut(*slot as usize) {
                *place = target;
            }
            *slot += 1;
        }
        Self { starts, targets }
    }

    /// The targets of a node down to a level.
    #[inline]
    pub(super) fn row(&self, node: u32, level: Level) -> &[u32] {
        let first = node as usize * LEVELS;
        let (Some(start), Some(end)) = (
            self.starts.get(first),
            self.starts.get(first + level as usize + 1),
        ) else {
            return &[];
        };
        self.targets
            .get(*start as usize..*end as usize)
            .unwrap_or(&[])
    }

    /// How many edges there are.
    pub(super) const fn edges(&self) -> usize {
        self.targets.len()
    }
}
