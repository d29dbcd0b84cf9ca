//! What exactly a statement is about.

use serde::{Deserialize, Serialize};

use super::hash::{Digest, Oid};

/// A commit together with its tree. Both must match: a commit id alone says
/// nothing where the forge rewrites commits, a tree alone nothing about history.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Snapshot {
    /// The commit.
    pub commit: Oid,
    /// Its tree.
    pub tree: Oid,
}

/// One commit of a change.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// The commit.
    pub commit: Oid,
    /// The [`transition_digest`] of what it does to its first parent.
    pub digest: Digest,
}

/// What the protected branch would hold if the change landed now.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Landed {
    /// The tip of the protected branch it was computed on.
    pub target_tip: Oid,
    /// The tree.
    pub tree: Oid,
    /// The [`transition_digest`] from the tip's tree to this tree.
    ///
    /// This is what binds the sign-off: a SHA-256 over the old and the new
    /// content of every path, so neither a rebase, nor a moved hunk, nor a
    /// SHA-1 collision can change what lands without changing it.
    pub digest: Digest,
}

/// Commits on their way into a protected branch.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Merge {
    /// The merge base of the protected branch and the head.
    pub base: Snapshot,
    /// The last commit of the change.
    pub head: Snapshot,
    /// Every commit that landing would make reachable, oldest first.
    pub commits: Vec<Step>,
    /// What would land; absent where the change conflicts with the branch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<Landed>,
}

/// A plan, an action or a deployment, known by the hash of its content.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Artifact {
    /// What people call it: a file, a command, a version and environment.
    pub name: String,
    /// SHA-256 of its canonical content.
    pub sha256: Digest,
}

/// What exactly a statement is about, for the four kinds of change.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Content {
    /// Commits into a protected branch.
    Merge(Merge),
    /// Terraform, CloudFormation, Kubernetes and the like.
    Plan(Artifact),
    /// One command or tool call of an agent.
    Action(Artifact),
    /// A version into an environment.
    Deployment(Artifact),
}

impl Content {
    /// The commits of a merge.
    #[must_use]
    pub const fn merge(&self) -> Option<&Merge> {
        match self {
            Self::Merge(merge) => Some(merge),
            _ => None,
        }
    }

    /// Whether two contents are the same. What people call an artifact may
    /// differ: its hash says what it is.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Merge(a), Self::Merge(b)) => a == b,
            (Self::Plan(a), Self::Plan(b))
            | (Self::Action(a), Self::Action(b))
            | (Self::Deployment(a), Self::Deployment(b)) => a.sha256 == b.sha256,
            _ => false,
        }
    }

    /// Whether two contents have a commit or a hash in common, so that a veto
    /// of one concerns the other.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Merge(a), Self::Merge(b)) => {
                let result = |merge: &Merge| merge.result.as_ref().map(|result| result.digest);
                let same = result(a).is_some() && result(a) == result(b);
                same || a.head.commit == b.head.commit
                    || a.commits
                        .iter()
                        .any(|step| b.commits.iter().any(|other| other.commit == step.commit))
            }
            _ => self.is_same(other),
        }
    }
}

/// One path of a change: what was there and what is there after.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Transition {
    /// The path as git stores it: bytes, `/` between names.
    pub path: Vec<u8>,
    /// Before; `None` where the path did not exist.
    pub before: Option<Blob>,
    /// After; `None` where the path does not exist any more.
    pub after: Option<Blob>,
}

/// The content at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Blob {
    /// Git's file mode, such as `0o100644`.
    pub mode: u32,
    /// SHA-256 of the bytes; for a submodule, of its commit id's digits.
    pub sha256: Digest,
}

/// The hash of what a change does to a tree.
///
/// It is the SHA-256 of the line `countersign transitions 1\n` followed, for
/// every path that differs in the order of its bytes, by the length of the path
/// (8 bytes, big-endian), the path, and for the content before and after: one
/// byte 0 where there is none, else one byte 1, the mode (4 bytes, big-endian)
/// and the SHA-256 (32 bytes). Renames are a deletion and an addition.
///
/// Two changes with the same hash touch the same paths, found the same content
/// there and leave the same content there. Applied to any tree that has the
/// content before at these paths, they give the same tree. So an equal hash on
/// a new base means two things at once: replaying the change there gives
/// exactly this, and nothing that the change touches moved underneath.
#[must_use]
pub fn transition_digest(transitions: &[Transition]) -> Digest {
    let mut sorted: Vec<&Transition> = transitions.iter().collect();
    sorted.sort_by(|a, b| a.path.cmp(&b.path));
    let mut bytes = b"countersign transitions 1\n".to_vec();
    for transition in sorted {
        let length = u64::try_from(transition.path.len()).unwrap_or(u64::MAX);
        bytes.extend(length.to_be_bytes());
        bytes.extend(&transition.path);
        for blob in [transition.before, transition.after] {
            match blob {
                None => bytes.push(0),
                Some(blob) => {
                    bytes.push(1);
                    bytes.extend(blob.mode.to_be_bytes());
                    bytes.extend(blob.sha256.as_bytes());
                }
            }
        }
    }
    Digest::of(&bytes)
}
