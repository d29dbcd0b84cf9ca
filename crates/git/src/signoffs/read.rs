//! Reading the chain, whatever someone has put into it.

use countersign_core::signoff::Digest;
use countersign_core::signoff::chain::{Chain, Holds, MAX_NODES, Node};
use countersign_core::signoff::dsse::MAX_ENVELOPE;

use super::cache::{self, Cache, WORTH};
use super::{FILE, REF};
use crate::{GitError, Oid, Repo};

/// The most bytes of envelopes read.
pub(super) const MAX_TOTAL: usize = 1 << 30;

/// What a new statement follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The newest commit of the chain; `None` while it is empty.
    pub commit: Option<Oid>,
    /// What the statement signs as its predecessor.
    pub prev: Option<Digest>,
}

/// One commit of the chain.
struct Link {
    id: Oid,
    tree: Oid,
    parents: Vec<String>,
}

impl Repo {
    /// The chain as it is here. An absent ref is an empty chain. What does not
    /// belong in it is among [`Chain::problems`].
    ///
    /// # Errors
    /// When git cannot read it, or it has more than 500,000 commits or 1 GiB of
    /// envelopes.
    pub fn signoffs(&self) -> Result<Chain, GitError> {
        match self.tip_of(REF)? {
            Some(tip) => self.signoffs_at(&tip),
            None => Ok(Chain::default()),
        }
    }

    /// The chain up to one of its commits, such as one that is being pushed.
    ///
    /// # Errors
    /// See [`Self::signoffs`].
    pub fn signoffs_at(&self, tip: &Oid) -> Result<Chain, GitError> {
        let links = self.links(tip)?;
        let mut holds: Vec<Holds> = links.iter().map(|_| Holds::Join).collect();
        let cache = if links.len() < WORTH {
            Cache::default()
        } else {
            Cache::open(self)
        };
        let (mut total, mut asked) = (0, Vec::new());
        for (at, (link, slot)) in links.iter().zip(&mut holds).enumerate() {
            match cache.get(&link.tree) {
                Some(bytes) => {
                    total += bytes.len();
                    *slot = Holds::Envelope(bytes.to_vec());
                }
                None => asked.push((at, format!("{}:{FILE}", link.id))),
            }
        }
        let names: Vec<&str> = asked.iter().map(|(_, name)| name.as_str()).collect();
        let mut fresh = 0;
        self.each_object(&names, MAX_ENVELOPE, |place, object| {
            let at = asked.get(place).map_or(usize::MAX, |(at, _)| *at);
            let (Some(link), Some(slot)) = (links.get(at), holds.get_mut(at)) else {
                return;
            };
            let blob = object.filter(|object| object.kind == "blob");
            match blob {
                None if link.tree == *self.empty_tree() => {}
                None => *slot = Holds::Foreign(format!("it holds no `{FILE}`")),
                Some(blob) if !blob.is_whole_blob() => {
                    *slot = Holds::Foreign(format!("its `{FILE}` has {} bytes", blob.size));
                }
                Some(blob) => {
                    (total, fresh) = (total + blob.bytes.len(), fresh + 1);
                    // Beyond the limit nothing is kept, for memory's sake.
                    if total <= MAX_TOTAL {
                        *slot = Holds::Envelope(blob.bytes);
                    }
                }
            }
        })?;
        if total > MAX_TOTAL {
            return Err(GitError::TooLarge {
                what: "the chain of sign-offs".into(),
                limit: MAX_TOTAL,
            });
        }
        if fresh >= WORTH {
            let read = links.iter().zip(&holds);
            let envelopes = read.filter_map(|(link, holds)| match holds {
                Holds::Envelope(bytes) => Some((&link.tree, bytes.as_slice())),
                _ => None,
            });
            cache::keep(self, envelopes);
        }
        let nodes = links.into_iter().zip(holds).map(|(link, holds)| Node {
            id: link.id.as_str().to_owned(),
            parents: link.parents,
            holds,
        });
        Ok(Chain::build(nodes.collect()))
    }

    /// What a new statement follows.
    ///
    /// # Errors
    /// See [`Self::signoffs`].
    pub fn signoffs_head(&self) -> Result<Head, GitError> {
        let commit = self.tip_of(REF)?;
        let prev = match &commit {
            Some(tip) => self.signoffs_at(tip)?.tip(),
            None => None,
        };
        Ok(Head { commit, prev })
    }

    /// The commit that a ref of ours names.
    pub(crate) fn tip_of(&self, name: &str) -> Result<Option<Oid>, GitError> {
        let wanted = format!("{name}^{{commit}}");
        let args = [
            "rev-parse",
            "--verify",
            "--quiet",
            "--end-of-options",
            &wanted,
        ];
        Ok(self.git.line(&args)?.as_deref().and_then(Oid::new))
    }

    /// Every commit of the chain, parents first.
    fn links(&self, tip: &Oid) -> Result<Vec<Link>, GitError> {
        let most = format!("--max-count={}", MAX_NODES + 1);
        let args = [
            "log",
            "--topo-order",
            "--reverse",
            "--format=%H %T %P",
            "--no-decorate",
            "--no-notes",
            most.as_str(),
            tip.as_str(),
        ];
        let text = self.git.output(&args)?;
        let links: Vec<Link> = String::from_utf8_lossy(&text)
            .lines()
            .filter_map(|line| {
                let mut words = line.split(' ');
                Some(Link {
                    id: Oid::new(words.next()?)?,
                    tree: Oid::new(words.next()?)?,
                    parents: words
                        .filter(|it| !it.is_empty())
                        .map(str::to_owned)
                        .collect(),
                })
            })
            .collect();
        if links.len() > MAX_NODES {
            return Err(GitError::TooLarge {
                what: "the chain of sign-offs (in commits)".into(),
                limit: MAX_NODES,
            });
        }
        Ok(links)
    }
}
