//! The two readers of a commit: the full one with evidence, and the fast one
//! for whole histories.

use std::collections::{BTreeSet, HashSet};

use countersign_core::involvement::{
    Claim, Evidence, Involvement, Strength, Verdict, reconcile, witness,
};

use super::agent;
use super::catalogue::Catalogue;
use super::commit::CommitInput;
use super::finding::{Finding, Model, Says, Words, walk};

/// The most pieces of evidence kept that say the same thing in other words.
const ALIKE_MAX: usize = 8;

/// Reads everything known about `commit` and reconciles it.
#[must_use]
pub fn read_commit(catalogue: &Catalogue, commit: &CommitInput<'_>) -> Involvement {
    reconcile(evidence(catalogue, commit))
}

/// All evidence about `commit`, before it is reconciled with what the caller
/// adds, such as suppression or the commits that a squash was made from.
///
/// A hostile message may hold millions of markers: of evidence with the same
/// channel, claim and tool, the first few are kept. That never changes the
/// verdict, the roles or the tools.
#[must_use]
pub fn evidence(catalogue: &Catalogue, commit: &CommitInput<'_>) -> Vec<Evidence> {
    let mut all = Vec::new();
    let mut seen = HashSet::new();
    let mut alike = std::collections::HashMap::new();
    walk(catalogue, commit, &mut |finding| {
        let mut item = to_evidence(catalogue, commit, &finding);
        if !seen.insert(item.clone()) {
            return;
        }
        let full = item.clone();
        item.witness.clear();
        if let Claim::Ai { model, .. } = &mut item.claim {
            *model = None;
        }
        let count = alike.entry(item).or_insert(0_usize);
        *count += 1;
        if *count <= ALIKE_MAX {
            all.push(full);
        } else {
            seen.remove(&full);
        }
    });
    all
}

fn to_evidence(catalogue: &Catalogue, commit: &CommitInput<'_>, finding: &Finding<'_>) -> Evidence {
    let claim = match &finding.says {
        Says::Human { trusted } => Claim::Human { trusted: *trusted },
        Says::Ai(strength, tool) => Claim::Ai {
            strength: *strength,
            tool: (!tool.is_empty()).then(|| tool.to_string()),
            model: match finding.model {
                Model::None => None,
                Model::In(text) => agent::model(catalogue, text),
                Model::Is(text) => (!text.is_empty()).then(|| witness(text)),
            },
        },
    };
    let words = match finding.words {
        Words::Line(line) => witness(&String::from_utf8_lossy(line)),
        Words::Identity(identity) => witness(&format!("{} <{}>", identity.name, identity.email)),
        Words::Text(text) => witness(text),
    };
    Evidence {
        channel: finding.channel,
        claim,
        witness: words,
        commit: (!commit.id.is_empty()).then(|| commit.id.to_owned()),
    }
}

/// What the fast reader keeps of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scanned {
    /// The same verdict as [`read_commit`] gives.
    pub verdict: Verdict,
    /// The strongest evidence of AI, if there is any.
    pub strength: Option<Strength>,
    /// The tools involved, by evidence that is more than weak.
    pub tools: BTreeSet<String>,
}

/// Reads a commit for its verdict alone; allocates nothing for a commit
/// without markers.
#[must_use]
pub fn scan_commit(catalogue: &Catalogue, commit: &CommitInput<'_>) -> Scanned {
    let mut strength: Option<Strength> = None;
    let mut human = false;
    let mut tools = BTreeSet::new();
    walk(catalogue, commit, &mut |finding| match finding.says {
        Says::Human { trusted } => human |= trusted,
        Says::Ai(found, tool) => {
            strength = strength.max(Some(found));
            if found > Strength::Weak && !tool.is_empty() && !tools.contains(tool.as_ref()) {
                tools.insert(tool.into_owned());
            }
        }
    });
    let verdict = if strength.is_some_and(Strength::decides) {
        Verdict::Yes
    } else if human {
        Verdict::No
    } else {
        Verdict::Unknown
    };
    Scanned {
        verdict,
        strength,
        tools,
    }
}
