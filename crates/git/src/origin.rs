//! Squashes judged by the commits they were made from.
//!
//! A squash keeps the content and loses the history, often with every marker
//! in it. Where the original commits can still be found, they are judged.

use countersign_core::involvement::{Channel, Claim, Evidence, Verdict, reconcile, witness};

use crate::GitError;
use crate::judge::{JudgedCommit, Trust};
use crate::records::Records;
use crate::repo::Repo;

/// Original commits judged for one squash, newest ones first to go.
const ORIGINALS_MAX: usize = 500;

/// Adds to every squash among the commits what its original commits say.
pub(crate) fn judge_squashes(
    repo: &Repo,
    head: &crate::Oid,
    commits: &mut [JudgedCommit],
    records: &mut Records,
    trust: Trust<'_>,
) -> Result<(), GitError> {
    let origins = repo.origins(head)?;
    if origins.is_empty() {
        return Ok(());
    }
    for commit in commits {
        let Some(origin) = repo.squash_origin(&origins, &commit.commit)? else {
            continue;
        };
        let kept = origin.commits.get(..ORIGINALS_MAX);
        let ids = kept.unwrap_or(&origin.commits);
        let originals = repo.judge_commits(ids, records, trust)?;
        let complete = ids.len() == origin.commits.len();
        absorb(commit, &originals, &origin.refname, complete);
    }
    Ok(())
}

/// What the originals say, said of the squash. AI evidence that the squash no
/// longer shows is suppression too: markers were there and got lost.
fn absorb(squash: &mut JudgedCommit, originals: &[JudgedCommit], refname: &str, complete: bool) {
    let id = squash.commit.id.to_string();
    let of_squash = |claim, words: &str| Evidence {
        channel: Channel::SquashOrigin,
        claim,
        witness: witness(words),
        commit: Some(id.clone()),
    };
    let has = |verdict| {
        originals
            .iter()
            .any(|original| original.involvement.verdict == verdict)
    };
    let mut evidence = squash.involvement.evidence.clone();
    if squash.involvement.verdict != Verdict::Yes && has(Verdict::Yes) {
        let words = format!("markers on {refname} are missing in the squash");
        evidence.push(of_squash(Claim::Suppressed, &words));
    }
    // A squash is human only when every original is.
    if complete && has(Verdict::No) && !has(Verdict::Unknown) && !has(Verdict::Yes) {
        let words = format!("every commit of {refname} is human");
        evidence.push(of_squash(Claim::Human { trusted: true }, &words));
    }
    for original in originals {
        for item in &original.involvement.evidence {
            if matches!(item.claim, Claim::Ai { .. }) {
                let words = format!("{}: {}", original.commit.id.short(), item.witness);
                evidence.push(of_squash(item.claim.clone(), &words));
            }
        }
        for participant in &original.people {
            if !squash.people.contains(participant) {
                squash.people.push(participant.clone());
            }
        }
    }
    squash.involvement = reconcile(evidence);
}
