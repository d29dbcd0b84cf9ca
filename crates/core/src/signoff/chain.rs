//! The append-only chain that sign-offs are kept in, and the order it proves.
//!
//! Every node either holds one envelope after at most one parent, or joins the
//! heads of writers who worked at the same time. The hash of a node covers the
//! hashes of its parents, and a statement signs the hash of the node it was
//! made after ([`super::statement::Signed::prev`]). So the place of a statement
//! is part of what its signer signed: nobody who can write to the chain can
//! move it, and no clock is needed to tell what came first. Statements made at
//! the same time are not ordered, and are judged so.

use std::collections::HashMap;

use super::dsse::Envelope;
use super::hash::Digest;
use super::statement::Statement;

/// The most nodes read.
pub const MAX_NODES: usize = 500_000;

/// What a node holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holds {
    /// Nothing: it joins its parents.
    Join,
    /// One envelope, as stored.
    Envelope(Vec<u8>),
    /// Something else; why it cannot be one.
    Foreign(String),
}

/// One node as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// The name by which children refer to it, such as a commit id.
    pub id: String,
    /// Its parents' names.
    pub parents: Vec<String>,
    /// What it holds.
    pub holds: Holds,
}

/// One statement in the chain, not yet proven to come from its signer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The node's name.
    pub id: String,
    /// SHA-256 of the payload.
    pub statement_id: Digest,
    /// The envelope.
    pub envelope: Envelope,
    /// What is stated.
    pub statement: Statement,
    /// Whether it is where its signer put it.
    pub in_place: bool,
    node: usize,
}

/// Something in the chain that is not a statement; reported, never counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainProblem {
    /// The node's name.
    pub id: String,
    /// One line.
    pub why: String,
}

/// A chain whose hashes have been computed.
#[derive(Debug, Clone, Default)]
pub struct Chain {
    entries: Vec<Entry>,
    problems: Vec<ChainProblem>,
    parents: Vec<Vec<usize>>,
    hashes: Vec<Digest>,
    tip: Option<Digest>,
}

/// The hash of a node after `parents` (in any order) that holds `content`.
#[must_use]
pub fn node_hash(parents: &[Digest], content: Option<Digest>) -> Digest {
    let mut sorted = parents.to_vec();
    sorted.sort_unstable();
    let mut bytes = b"countersign chain 1\n".to_vec();
    bytes.extend(
        u64::try_from(sorted.len())
            .unwrap_or(u64::MAX)
            .to_be_bytes(),
    );
    for parent in &sorted {
        bytes.extend(parent.as_bytes());
    }
    match content {
        None => bytes.push(0),
        Some(content) => {
            bytes.push(1);
            bytes.extend(content.as_bytes());
        }
    }
    Digest::of(&bytes)
}

impl Chain {
    /// Reads nodes, given parents first. Any such order gives the same chain.
    #[must_use]
    pub fn build(nodes: Vec<Node>) -> Self {
        let mut builder = Builder::default();
        for node in nodes {
            builder.add(node);
        }
        builder.finish()
    }

    /// All statements in a fixed order in which what came before comes first.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// What is in the chain and does not belong there.
    #[must_use]
    pub fn problems(&self) -> &[ChainProblem] {
        &self.problems
    }

    /// What a new statement signs as its predecessor; `None` when empty.
    #[must_use]
    pub const fn tip(&self) -> Option<Digest> {
        self.tip
    }

    /// Which of some entries came before which.
    #[must_use]
    pub fn order(&self, chosen: &[&Entry]) -> Order {
        let words = chosen.len().div_ceil(64).max(1);
        let mut own: HashMap<usize, Vec<usize>> = HashMap::new();
        for (place, entry) in chosen.iter().enumerate() {
            own.entry(entry.node).or_default().push(place);
        }
        // One row of bits per node: which of the chosen entries came before.
        let mut rows: Vec<Vec<u64>> = Vec::with_capacity(self.parents.len());
        for parents in &self.parents {
            let mut row = vec![0; words];
            for parent in parents {
                if let Some(before) = rows.get(*parent) {
                    row.iter_mut().zip(before).for_each(|(a, b)| *a |= b);
                }
                for place in own.get(parent).into_iter().flatten() {
                    if let Some(word) = row.get_mut(place / 64) {
                        *word |= 1 << (place % 64);
                    }
                }
            }
            rows.push(row);
        }
        Order {
            before: chosen
                .iter()
                .map(|entry| rows.get(entry.node).cloned().unwrap_or_default())
                .collect(),
        }
    }
}

/// Which of some entries came before which; places are those of the slice that
/// [`Chain::order`] was asked about.
#[derive(Debug, Clone)]
pub struct Order {
    before: Vec<Vec<u64>>,
}

impl Order {
    /// Whether the signer of `b` had `a` before them. Of two statements made at
    /// the same time, neither precedes the other.
    #[must_use]
    pub fn precedes(&self, a: usize, b: usize) -> bool {
        self.before
            .get(b)
            .and_then(|row| row.get(a / 64))
            .is_some_and(|word| word & (1 << (a % 64)) != 0)
    }
}

#[derive(Default)]
struct Builder {
    chain: Chain,
    places: HashMap<String, usize>,
    depths: Vec<u64>,
    is_parent: Vec<bool>,
}

impl Builder {
    fn add(&mut self, node: Node) {
        let place = self.chain.hashes.len();
        if place >= MAX_NODES {
            if place == MAX_NODES {
                self.problem(
                    node.id,
                    format!("the chain has more than {MAX_NODES} nodes"),
                );
            }
            return;
        }
        let parents: Vec<usize> = node
            .parents
            .iter()
            .filter_map(|id| self.places.get(id).copied())
            .collect();
        let complete = parents.len() == node.parents.len();
        if !complete {
            let why = "what came before it is missing (the history is cut off)".to_owned();
            self.problem(node.id.clone(), why);
        }
        let before: Vec<Digest> = parents
            .iter()
            .filter_map(|parent| self.chain.hashes.get(*parent).copied())
            .collect();
        let content = match &node.holds {
            Holds::Join => None,
            Holds::Envelope(bytes) => Some(Digest::of(bytes)),
            Holds::Foreign(_) => Some(Digest::of(node.id.as_bytes())),
        };
        for parent in &parents {
            if let Some(flag) = self.is_parent.get_mut(*parent) {
                *flag = true;
            }
        }
        let depth = parents
            .iter()
            .filter_map(|parent| self.depths.get(*parent))
            .max();
        self.depths.push(depth.map_or(0, |depth| depth + 1));
        self.chain.hashes.push(node_hash(&before, content));
        self.chain.parents.push(parents);
        self.is_parent.push(false);
        self.places.insert(node.id.clone(), place);
        match node.holds {
            Holds::Join => {}
            Holds::Foreign(why) => self.problem(node.id, why),
            Holds::Envelope(bytes) => {
                let after = (complete && before.len() < 2).then(|| before.first().copied());
                self.entry(node.id, place, &bytes, after);
            }
        }
    }

    /// `after` is the hash of the parent, where the node has at most one.
    fn entry(&mut self, id: String, node: usize, bytes: &[u8], after: Option<Option<Digest>>) {
        let read = Envelope::parse(bytes)
            .map_err(|error| error.to_string())
            .and_then(|envelope| {
                Statement::parse(envelope.payload())
                    .map(|statement| (envelope, statement))
                    .map_err(|error| error.to_string())
            });
        match read {
            Err(why) => self.problem(id, why),
            Ok((envelope, statement)) => self.chain.entries.push(Entry {
                id,
                statement_id: envelope.statement_id(),
                in_place: after == Some(statement.signed().prev),
                envelope,
                statement,
                node,
            }),
        }
    }

    fn problem(&mut self, id: String, why: String) {
        self.chain.problems.push(ChainProblem { id, why });
    }

    fn finish(mut self) -> Chain {
        let (depths, hashes) = (self.depths, &self.chain.hashes);
        let key = |node: usize| (depths.get(node).copied(), hashes.get(node).copied());
        self.chain
            .entries
            .sort_by_key(|entry| (key(entry.node), entry.statement_id));
        self.chain
            .problems
            .sort_by(|a, b| (&a.id, &a.why).cmp(&(&b.id, &b.why)));
        let heads = self.is_parent.iter().enumerate();
        self.chain.tip = heads
            .filter(|(_, is_parent)| !**is_parent)
            .map(|(node, _)| key(node))
            .max()
            .and_then(|(_, hash)| hash);
        self.chain
    }
}
