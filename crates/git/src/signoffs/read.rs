//! Reading the chain, whatever someone has put into it.

use std::io::Write as _;

use countersign_core::signoff::Digest;
use countersign_core::signoff::chain::{Chain, Holds, MAX_NODES, Node};
use countersign_core::signoff::dsse::MAX_ENVELOPE;

use super::{FILE, REF};
use crate::repo::{MAX_OBJECT, Object};
use crate::{GitError, Oid, Repo};

/// The most bytes of envelopes read.
const MAX_TOTAL: usize = 1 << 30;

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
        let names: Vec<String> = links
            .iter()
            .map(|link| format!("{}:{FILE}", link.id))
            .collect();
        let sizes = self.blob_sizes(&names)?;
        let (mut wanted, mut places) = (Vec::new(), Vec::new());
        let mut total = 0;
        for (at, (link, found)) in links.iter().zip(sizes).enumerate() {
            let hold = match found {
                None if link.tree == *self.empty_tree() => continue,
                None => Holds::Foreign(format!("it holds no `{FILE}`")),
                Some((_, size)) if size > MAX_ENVELOPE => {
                    Holds::Foreign(format!("its `{FILE}` has {size} bytes"))
                }
                Some((blob, size)) => {
                    total += size;
                    wanted.push(blob);
                    places.push(at);
                    continue;
                }
            };
            if let Some(slot) = holds.get_mut(at) {
                *slot = hold;
            }
        }
        if total > MAX_TOTAL {
            return Err(GitError::TooLarge {
                what: "the chain of sign-offs".into(),
                limit: MAX_TOTAL,
            });
        }
        let names: Vec<&str> = wanted.iter().map(String::as_str).collect();
        self.each_object(&names, MAX_OBJECT, |at, object| {
            let slot = places.get(at).and_then(|place| holds.get_mut(*place));
            if let Some(slot) = slot {
                *slot = match object.filter(Object::is_whole_blob) {
                    Some(object) => Holds::Envelope(object.bytes),
                    None => Holds::Foreign(format!("its `{FILE}` cannot be read")),
                };
            }
        })?;
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

    /// Name and size of each blob, without reading it.
    fn blob_sizes(&self, names: &[String]) -> Result<Vec<Option<(String, usize)>>, GitError> {
        let mut input = Vec::new();
        for name in names {
            writeln!(input, "{name}")?;
        }
        if input.is_empty() {
            return Ok(Vec::new());
        }
        let text = self
            .git
            .output_with(&["cat-file", "--batch-check", "--buffer"], &input)?;
        Ok(String::from_utf8_lossy(&text)
            .lines()
            .map(|line| {
                let mut words = line.split(' ');
                let (id, kind, size) = (words.next()?, words.next()?, words.next()?);
                (kind == "blob").then(|| Some((id.to_owned(), size.parse().ok()?)))?
            })
            .collect())
    }
}
