//! Whether a sign-off of one content holds for another: what survives a rebase.
//!
//! Only [`Landed::digest`] decides: the same paths, with the same content
//! before and after. Everything else can only take a sign-off away. Patch
//! hashes are no binding: they ignore white space or position, so that the same
//! hunk in another function looks the same.
//!
//! [`Landed::digest`]: super::content::Landed::digest

use std::fmt;

use serde::Serialize;

use super::content::{Content, Merge};
use super::statement::Binding;

/// Version of the rules below and of the merge options; part of every reason,
/// so that a stored answer says how it was found.
pub const ALGORITHM: &str = "transitions 1, ort without renames, attributes and drivers";

/// How commits reach the protected branch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Landing {
    /// As one commit: only the result becomes reachable.
    Squash,
    /// By merge, rebase or fast-forward: every commit becomes reachable, so
    /// every commit must be one that was signed.
    EveryCommit,
}

/// Paths whose change is never carried, because it changes what other content
/// means or stands for content that is not in the repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum NeverCarried {
    /// Another repository at some commit.
    Submodule,
    /// A pointer to a file kept by git LFS.
    LfsPointer,
    /// A `.gitattributes` file.
    Attributes,
}

impl NeverCarried {
    const fn text(self) -> &'static str {
        match self {
            Self::Submodule => "a submodule",
            Self::LfsPointer => "a git LFS pointer",
            Self::Attributes => "an attributes file",
        }
    }
}

/// What replaying the signed head on today's base gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Replay {
    /// Today's tree.
    Identical,
    /// Another tree.
    Different,
    /// Conflicts.
    Conflicts,
    /// The signed head is not in this repository any more.
    HeadGone,
}

/// What the repository says about a signed content and today's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ground {
    /// Whether the tip that was signed is part of the protected branch's past.
    pub signed_tip_on_target: bool,
    /// Whether today's commits include a merge.
    pub merge_commits: bool,
    /// Paths of today's change that are never carried.
    pub never_carried: Vec<(String, NeverCarried)>,
    /// Paths of the signed change that moved on the protected branch since.
    pub moved_under: Vec<String>,
    /// Paths whose content before or after is not what was signed, where known.
    pub differs: Vec<String>,
    /// Number of paths in today's change.
    pub files: usize,
    /// What replaying gives.
    pub replay: Replay,
}

/// Why a sign-off does not hold for today's content.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Dropped {
    /// Something else would land.
    Different(Vec<String>),
    /// The protected branch changed the same files.
    MovedUnder(Vec<String>),
    /// The change conflicts with the protected branch.
    Conflicts,
    /// The protected branch was rewritten since.
    TargetRewritten,
    /// The signer consented to the exact commits only.
    SignerWantsExact,
    /// The policy demands the exact commits.
    PolicyWantsExact,
    /// There are merge commits among today's commits.
    MergeCommits,
    /// It changes something that is never carried.
    NeverCarried(String, NeverCarried),
    /// The commits are not one by one those that were signed.
    CommitsDiffer,
    /// Replaying the signed head gives another tree.
    ReplayDiffers,
    /// Replaying the signed head conflicts.
    ReplayConflicts,
    /// It could not be established.
    CannotTell(String),
}

/// Why a sign-off holds for today's content.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kept {
    /// It is the content that was signed.
    Identical,
    /// The commits are those that were signed; the protected branch moved.
    SameHead {
        /// Today's tip, shortened.
        onto: String,
        /// Number of paths in the change.
        files: usize,
    },
    /// The change was replayed on another base.
    Replayed {
        /// Today's base, shortened.
        onto: String,
        /// Number of paths in the change.
        files: usize,
        /// Whether the signed head was here to be replayed; otherwise the
        /// hashes of the paths alone prove it.
        head_present: bool,
    },
}

impl Ground {
    fn drop_reason(&self) -> Dropped {
        if self.moved_under.is_empty() {
            Dropped::Different(self.differs.clone())
        } else {
            Dropped::MovedUnder(self.moved_under.clone())
        }
    }
}

/// Whether a sign-off of `signed` holds for `today`.
///
/// `demand_exact` is the policy's demand; `ground` is only asked for two merges
/// that are not the same anyway.
///
/// # Errors
/// [`Dropped`] when it does not hold.
pub fn carry(
    signed: &Content,
    today: &Content,
    binding: Binding,
    demand_exact: bool,
    landing: Landing,
    ground: &dyn Fn(&Merge) -> Result<Ground, String>,
) -> Result<Kept, Dropped> {
    match (signed, today) {
        _ if signed.is_same(today) => Ok(Kept::Identical),
        (Content::Merge(signed), Content::Merge(today)) => {
            let ground = ground(signed).map_err(Dropped::CannotTell)?;
            let exact = match (binding, demand_exact) {
                (Binding::Exact, _) => Some(Dropped::SignerWantsExact),
                (Binding::Replay, true) => Some(Dropped::PolicyWantsExact),
                (Binding::Replay, false) => None,
            };
            carry_merge(signed, today, exact, landing, &ground)
        }
        _ => Err(Dropped::Different(Vec::new())),
    }
}

fn carry_merge(
    signed: &Merge,
    today: &Merge,
    exact: Option<Dropped>,
    landing: Landing,
    ground: &Ground,
) -> Result<Kept, Dropped> {
    let Some(lands) = &today.result else {
        return Err(Dropped::Conflicts);
    };
    if !ground.signed_tip_on_target {
        return Err(Dropped::TargetRewritten);
    }
    if signed.result.as_ref().map(|result| result.digest) != Some(lands.digest) {
        return Err(ground.drop_reason());
    }
    let files = ground.files;
    if (&signed.base, &signed.head, &signed.commits) == (&today.base, &today.head, &today.commits) {
        let onto = lands.target_tip.short().to_owned();
        return Ok(Kept::SameHead { onto, files });
    }
    if let Some(exact) = exact {
        return Err(exact);
    }
    if ground.merge_commits {
        return Err(Dropped::MergeCommits);
    }
    if let Some((path, kind)) = ground.never_carried.first() {
        return Err(Dropped::NeverCarried(path.clone(), *kind));
    }
    let steps = |merge: &Merge| merge.commits.iter().map(|it| it.digest).collect::<Vec<_>>();
    if landing == Landing::EveryCommit && steps(signed) != steps(today) {
        return Err(Dropped::CommitsDiffer);
    }
    match ground.replay {
        Replay::Conflicts => Err(Dropped::ReplayConflicts),
        Replay::Different => Err(Dropped::ReplayDiffers),
        Replay::Identical | Replay::HeadGone => Ok(Kept::Replayed {
            onto: today.base.commit.short().to_owned(),
            files,
            head_present: ground.replay == Replay::Identical,
        }),
    }
}

/// "3 of your files (`a`, `b` and 1 more)".
fn paths(list: &[String]) -> String {
    let shown: Vec<String> = list
        .iter()
        .take(2)
        .map(|path| format!("`{path}`"))
        .collect();
    let more = list.len().saturating_sub(shown.len());
    let mut text = shown.join(", ");
    if more > 0 {
        text = format!("{text} and {more} more");
    }
    text
}

fn your_files(count: usize) -> String {
    match count {
        1 => "your 1 file".to_owned(),
        count => format!("your {count} files"),
    }
}

impl fmt::Display for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Identical => f.write_str("kept: exactly what was signed"),
            Self::SameHead { onto, files } => write!(
                f,
                "kept: the same commits; the target moved to {onto} and touched none of {}",
                your_files(*files)
            ),
            Self::Replayed {
                onto,
                files,
                head_present: true,
            } => write!(
                f,
                "kept: identical replay on {onto}; the base touched none of {}",
                your_files(*files)
            ),
            Self::Replayed { onto, files, .. } => write!(
                f,
                "kept: byte for byte the same change on {onto} to {}; the signed head itself is gone",
                your_files(*files)
            ),
        }
    }
}

impl fmt::Display for Dropped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("dropped: ")?;
        match self {
            Self::Different(list) if list.is_empty() => {
                f.write_str("this is not the content that was signed")
            }
            Self::Different(list) => {
                write!(
                    f,
                    "{} would land with other content than was signed",
                    paths(list)
                )
            }
            Self::MovedUnder(list) => write!(
                f,
                "the target branch changed {}, which this change touches too",
                paths(list)
            ),
            Self::Conflicts => f.write_str("the change conflicts with the target branch now"),
            Self::TargetRewritten => {
                f.write_str("the target branch no longer contains the tip that was signed")
            }
            Self::SignerWantsExact => {
                f.write_str("the commits changed, and the signer signed these exact commits only")
            }
            Self::PolicyWantsExact => {
                f.write_str("the commits changed, and the policy demands the exact commits signed")
            }
            Self::MergeCommits => {
                f.write_str("the commits changed and include a merge, which is never carried")
            }
            Self::NeverCarried(path, kind) => write!(
                f,
                "the commits changed, and `{path}` is {}, which is never carried",
                kind.text()
            ),
            Self::CommitsDiffer => f.write_str(
                "every commit would land, and they are not one by one those that were signed",
            ),
            Self::ReplayDiffers => f.write_str("replaying what was signed gives another tree"),
            Self::ReplayConflicts => f.write_str("replaying what was signed conflicts"),
            Self::CannotTell(why) => {
                write!(f, "whether it is still the same cannot be told: {why}")
            }
        }
    }
}
