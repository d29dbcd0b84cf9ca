//! The commits that a squash was made from.
//!
//! A squash keeps the content and loses the history, often with every marker
//! in it. Where the original commits can still be found, they are judged.

use countersign_core::involvement::{Channel, Claim, Evidence, Verdict, reconcile, witness};

use crate::GitError;
use crate::judge::{JudgedCommit, Trust};
use crate::repo::{Commit, Oid, Repo};

/// Refs looked at for one squash, most likely ones first.
const MAX_CANDIDATES: usize = 50;

/// Original commits judged for one squash.
const MAX_ORIGINALS: usize = 500;

/// A ref whose history the branch does not have.
struct Tip {
    name: String,
    commit: Oid,
    tree: String,
}

/// Adds to every squash among the commits what its original commits say.
pub(crate) fn judge_squashes(
    repo: &Repo,
    head: &Oid,
    commits: &mut [JudgedCommit],
    trust: Trust<'_>,
) -> Result<(), GitError> {
    let single = |commit: &JudgedCommit| commit.commit.parents.len() == 1;
    if !commits.iter().any(single) {
        return Ok(());
    }
    let tips = tips(repo, head)?;
    if tips.is_empty() {
        return Ok(());
    }
    for commit in commits.iter_mut().filter(|commit| single(commit)) {
        let Some((tip, base)) = find(repo, &commit.commit, &tips)? else {
            continue;
        };
        let mut ids = repo.commit_ids(Some(&base), &tip.commit)?;
        ids.truncate(MAX_ORIGINALS);
        let originals = repo.judge_commits(&ids, None, trust)?;
        absorb(commit, &originals, &tip.name);
    }
    Ok(())
}

/// Branches and pull requests that `head` does not contain.
fn tips(repo: &Repo, head: &Oid) -> Result<Vec<Tip>, GitError> {
    let no_merged = format!("--no-merged={head}");
    let text = repo.git.output(&[
        "for-each-ref",
        &no_merged,
        "--sort=-committerdate",
        "--format=%(refname) %(objectname) %(tree)",
        "--",
        "refs/heads",
        "refs/remotes",
        "refs/pull",
        "refs/merge-requests",
    ])?;
    Ok(String::from_utf8_lossy(&text)
        .lines()
        .filter_map(|line| {
            let mut words = line.split(' ');
            Some(Tip {
                name: words.next()?.to_owned(),
                commit: Oid::new(words.next()?)?,
                tree: words.next()?.to_owned(),
            })
        })
        .collect())
}

/// The ref that a commit is the squash of, and where that ref branched off.
fn find<'a>(
    repo: &Repo,
    squash: &Commit,
    tips: &'a [Tip],
) -> Result<Option<(&'a Tip, Oid)>, GitError> {
    let Some(parent) = squash.parents.first() else {
        return Ok(None);
    };
    let number = pull_request(squash.subject());
    let names_it = |tip: &&Tip| {
        number.is_some_and(|number| {
            let mut parts = tip.name.split('/');
            parts.any(|part| part.parse() == Ok(number))
        })
    };
    let same_tree = |tip: &&Tip| tip.tree == squash.tree.as_str();
    // Merging a ref costs a process, so only where the message speaks of one.
    let looks_squashed = number.is_some() || squash.message.starts_with("Squashed commit");
    let likely = tips
        .iter()
        .filter(same_tree)
        .chain(tips.iter().filter(names_it));
    let others = tips.iter().filter(|_| looks_squashed);
    for tip in likely.chain(others).take(MAX_CANDIDATES) {
        let Some(base) = repo
            .git
            .line(&["merge-base", parent.as_str(), tip.commit.as_str()])?
        else {
            continue;
        };
        let Some(base) = Oid::new(&base).filter(|base| *base != tip.commit) else {
            continue;
        };
        if merged_tree(repo, parent, &tip.commit)?.as_deref() == Some(squash.tree.as_str()) {
            return Ok(Some((tip, base)));
        }
    }
    Ok(None)
}

/// The tree of merging two commits; `None` when they conflict.
fn merged_tree(repo: &Repo, ours: &Oid, theirs: &Oid) -> Result<Option<String>, GitError> {
    let args = [
        "merge-tree",
        "--write-tree",
        "--no-messages",
        ours.as_str(),
        theirs.as_str(),
    ];
    let tree = repo.git.line(&args)?;
    Ok(tree.and_then(|text| text.lines().next().map(str::to_owned)))
}

/// The number in `Subject (#12)` or `Subject (!12)`.
fn pull_request(subject: &str) -> Option<u64> {
    let inner = subject.trim_end().strip_suffix(')')?;
    let (_, number) = inner.rsplit_once('(')?;
    number.strip_prefix(['#', '!'])?.parse().ok()
}

/// What the originals say, said of the squash. AI evidence that the squash no
/// longer shows is suppression too: markers were there and got lost.
fn absorb(squash: &mut JudgedCommit, originals: &[JudgedCommit], name: &str) {
    let id = squash.commit.id.to_string();
    let mut evidence = squash.involvement.evidence.clone();
    let lost = squash.involvement.verdict != Verdict::Yes
        && originals
            .iter()
            .any(|original| original.involvement.verdict == Verdict::Yes);
    for original in originals {
        let said = original.involvement.evidence.iter().cloned();
        evidence.extend(
            said.filter(|item| matches!(item.claim, Claim::Ai { .. }))
                .map(|item| Evidence {
                    channel: Channel::SquashOrigin,
                    witness: witness(&format!("{}: {}", original.commit.id.short(), item.witness)),
                    commit: Some(id.clone()),
                    ..item
                }),
        );
    }
    // A squash is human only when every original is.
    let all_human = !originals.is_empty()
        && originals
            .iter()
            .all(|original| original.involvement.verdict == Verdict::No);
    if all_human {
        evidence.push(Evidence {
            channel: Channel::SquashOrigin,
            claim: Claim::Human { trusted: true },
            witness: witness(&format!("every commit of {name} is human")),
            commit: Some(id.clone()),
        });
    }
    if lost {
        evidence.push(Evidence {
            channel: Channel::SquashOrigin,
            claim: Claim::Suppressed,
            witness: witness(&format!("markers on {name} are missing in the squash")),
            commit: Some(id),
        });
    }
    squash.involvement = reconcile(evidence);
    for original in originals {
        for participant in &original.people {
            if !squash.people.contains(participant) {
                squash.people.push(participant.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::pull_request;

    #[test]
    fn numbers_of_pull_requests() {
        for (subject, number) in [
            ("Fix retries (#12)", Some(12)),
            ("Fix (!7) ", Some(7)),
            ("Fix (12)", None),
            ("Fix #12", None),
            ("(#x)", None),
        ] {
            assert_eq!(pull_request(subject), number, "{subject}");
        }
    }
}
