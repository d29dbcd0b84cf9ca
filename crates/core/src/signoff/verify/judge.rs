//! Judging proven statements against each other and against the change.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::identity::Authentic;
use super::{Accepted, AcceptedDeclaration, Change, Reason, Verified};
use crate::involvement::Verdict;
use crate::signoff::carry::{Dropped, Ground, Kept, carry};
use crate::signoff::chain::{Chain, Entry, Order};
use crate::signoff::content::{Content, Merge};
use crate::signoff::hash::Digest;
use crate::signoff::statement::{Binding, Declared, SignOff, Stance, Statement};

/// A proven sign-off and its place in the order.
struct Said<'a> {
    it: &'a Authentic<'a>,
    signoff: &'a SignOff,
    place: usize,
}

impl Said<'_> {
    fn id(&self) -> Digest {
        self.it.entry.statement_id
    }
}

struct Judge<'a> {
    change: &'a Change<'a>,
    ground: &'a dyn Fn(&Merge) -> Result<Ground, String>,
    now: Timestamp,
    order: Order,
    said: Vec<Said<'a>>,
    /// What was taken back by whom it belongs to: the places of the revocations.
    revoked: BTreeMap<Digest, Vec<usize>>,
}

pub(super) fn judge<'a>(
    chain: &Chain,
    change: &'a Change<'a>,
    authentic: &'a [Authentic<'a>],
    ground: &'a dyn Fn(&Merge) -> Result<Ground, String>,
    now: Timestamp,
    ignored: &mut Vec<(&'a Entry, Reason)>,
) -> Verified {
    let entries: Vec<&Entry> = authentic.iter().map(|it| it.entry).collect();
    let said: Vec<Said<'_>> = authentic
        .iter()
        .enumerate()
        .filter_map(|(place, it)| match &it.entry.statement {
            Statement::SignOff(signoff) => Some(Said { it, signoff, place }),
            Statement::Declaration(_) | Statement::AfterReview(_) => None,
        })
        .collect();
    let mut judge = Judge {
        change,
        ground,
        now,
        order: chain.order(&entries),
        said,
        revoked: BTreeMap::new(),
    };
    judge.collect_revocations(ignored);
    let mut verified = Verified {
        involvement_floor: involvement_floor(authentic),
        ..Verified::default()
    };
    let mut counted: BTreeMap<(String, Stance), (usize, Accepted)> = BTreeMap::new();
    for said in &judge.said {
        match judge.one(said) {
            None => {}
            Some(Err(reason)) => ignored.push((said.it.entry, reason)),
            Some(Ok(accepted)) => {
                let key = (accepted.person.clone(), accepted.stance);
                if let Some((place, _)) = counted.insert(key, (said.place, accepted))
                    && let Some(earlier) = judge.said.iter().find(|it| it.place == place)
                {
                    ignored.push((earlier.it.entry, Reason::Superseded));
                }
            }
        }
    }
    let accepted: Vec<(usize, Accepted)> = counted.into_values().collect();
    verified.accepted = judge.without_lone_unknown(&accepted, ignored);
    judge.declarations(authentic, &mut verified, ignored);
    verified
}

impl<'a> Judge<'a> {
    fn collect_revocations(&mut self, ignored: &mut Vec<(&'a Entry, Reason)>) {
        for said in &self.said {
            let Some(target) = said.signoff.revokes else {
                continue;
            };
            let theirs = self.said.iter().any(|other| {
                other.id() == target
                    && other.it.person.id == said.it.person.id
                    && other.signoff.decision != Stance::Revoke
            });
            if theirs {
                self.revoked.entry(target).or_default().push(said.place);
            } else {
                ignored.push((said.it.entry, Reason::NothingToRevoke));
            }
        }
    }

    /// Whether one sign-off counts; `None` for a revocation, which acts on
    /// others only.
    fn one(&self, said: &Said<'_>) -> Option<Result<Accepted, Reason>> {
        match said.signoff.decision {
            Stance::Revoke => None,
            Stance::Veto => Some(self.veto(said).map(|()| accept(said, None, self.change))),
            Stance::Approve | Stance::BreakGlass => Some(
                self.consent(said)
                    .map(|kept| accept(said, Some(kept), self.change)),
            ),
        }
    }

    fn veto(&self, said: &Said<'_>) -> Result<(), Reason> {
        if self.revoked.contains_key(&said.id()) {
            return Err(Reason::Revoked);
        }
        let lifted = self.said.iter().any(|later| {
            later.signoff.decision == Stance::Approve
                && later.it.person.id == said.it.person.id
                && self.order.precedes(said.place, later.place)
                && !same_content(&later.signoff.about.content, &said.signoff.about.content)
                && !self.revoked.contains_key(&later.id())
        });
        if lifted {
            Err(Reason::VetoLifted)
        } else {
            Ok(())
        }
    }

    fn consent(&self, said: &Said<'_>) -> Result<Kept, Reason> {
        let about = &said.signoff.about;
        if self.change.authors.contains(&said.it.person.id) {
            return Err(Reason::Author);
        }
        if about.target != self.change.target {
            return Err(Reason::OtherTarget(about.target.clone()));
        }
        if self
            .change
            .change
            .is_some_and(|change| change != about.change)
        {
            return Err(Reason::OtherChange(about.change.clone()));
        }
        if self.revoked.contains_key(&said.id()) {
            return Err(Reason::Revoked);
        }
        self.against_own_statements(said)?;
        if let Some(end) = said.signoff.expires_at.filter(|end| *end <= self.now) {
            return Err(Reason::Expired(end));
        }
        if self.change.involvement == Verdict::Yes
            && said.signoff.involvement.verdict != Verdict::Yes
        {
            return Err(Reason::InvolvementRose);
        }
        if let Some(risen) = said.it.risen() {
            return Err(risen);
        }
        self.carried(&about.content, said.signoff.binding)
            .map_err(Reason::Content)
    }

    fn carried(&self, content: &Content, binding: Binding) -> Result<Kept, Dropped> {
        let change = self.change;
        carry(
            content,
            change.content,
            binding,
            change.demand_exact,
            change.landing,
            self.ground,
        )
    }

    /// What the signer's own other statements do to this one.
    fn against_own_statements(&self, said: &Said<'_>) -> Result<(), Reason> {
        let own = |other: &&Said<'_>| other.it.person.id == said.it.person.id;
        for veto in self.said.iter().filter(own) {
            if veto.signoff.decision != Stance::Veto {
                continue;
            }
            if !self.order.precedes(veto.place, said.place) {
                return Err(Reason::VetoedSince);
            }
            let taken_back_before = self
                .revoked
                .get(&veto.id())
                .is_some_and(|places| places.iter().any(|it| self.order.precedes(*it, said.place)));
            let same = same_content(&veto.signoff.about.content, &said.signoff.about.content);
            if same && !taken_back_before {
                return Err(if self.revoked.contains_key(&veto.id()) {
                    Reason::VetoedSince
                } else {
                    Reason::VetoStands
                });
            }
        }
        let superseded = self.said.iter().filter(own).any(|later| {
            later.signoff.decision == said.signoff.decision
                && later.signoff.about.change == said.signoff.about.change
                && later.signoff.about.target == said.signoff.about.target
                && self.order.precedes(said.place, later.place)
        });
        if superseded {
            return Err(Reason::Superseded);
        }
        Ok(())
    }

    /// Where someone unknown made part of the change, one approver alone could
    /// be that someone under another name.
    fn without_lone_unknown(
        &self,
        accepted: &[(usize, Accepted)],
        ignored: &mut Vec<(&'a Entry, Reason)>,
    ) -> Vec<Accepted> {
        let consents = |it: &Accepted| it.stance != Stance::Veto;
        let people: BTreeSet<&str> = accepted
            .iter()
            .filter(|(_, it)| consents(it))
            .map(|(_, it)| it.person.as_str())
            .collect();
        let unknown = self
            .change
            .unattributed
            .first()
            .filter(|_| people.len() < 2);
        let lone = |it: &Accepted| unknown.filter(|_| consents(it)).cloned();
        let mut kept = Vec::new();
        for (place, it) in accepted {
            let entry = self.said.iter().find(|said| said.place == *place);
            match (lone(it), entry) {
                (Some(who), Some(said)) => {
                    ignored.push((said.it.entry, Reason::MayBeAuthor(who)));
                }
                _ => kept.push(it.clone()),
            }
        }
        kept
    }

    fn declarations(
        &self,
        authentic: &'a [Authentic<'a>],
        verified: &mut Verified,
        ignored: &mut Vec<(&'a Entry, Reason)>,
    ) {
        for it in authentic {
            let Statement::Declaration(declaration) = &it.entry.statement else {
                continue;
            };
            let holds = match declaration.declared {
                Declared::Ai { .. } => Ok(()),
                Declared::Human if !self.change.authors.contains(&it.person.id) => {
                    Err(Reason::NotAnAuthor)
                }
                Declared::Human => self
                    .carried(&declaration.about.content, Binding::Replay)
                    .map(|_| ())
                    .map_err(Reason::Content),
            };
            match holds {
                Err(reason) => ignored.push((it.entry, reason)),
                Ok(()) => verified.declarations.push(AcceptedDeclaration {
                    person: it.person.id.clone(),
                    declared: declaration.declared.clone(),
                    at: declaration.signed.issued_at,
                    statement: it.entry.statement_id,
                }),
            }
        }
    }
}

fn accept(said: &Said<'_>, kept: Option<Kept>, change: &Change<'_>) -> Accepted {
    let signoff = said.signoff;
    Accepted {
        person: said.it.person.id.clone(),
        stance: signoff.decision,
        statement: said.id(),
        at: signoff.signed.issued_at,
        key: said.it.proven.fingerprint.clone(),
        user_verified: said.it.proven.user_verified,
        kept,
        policy_changed: signoff.policy != change.policy,
        terms: signoff.break_glass.clone(),
        message: signoff.message.clone(),
    }
}

/// Whether two statements of one person are about the same content, whatever
/// base it sits on.
fn same_content(a: &Content, b: &Content) -> bool {
    match (a, b) {
        (Content::Merge(x), Content::Merge(y)) => {
            let lands = |merge: &Merge| merge.result.as_ref().map(|result| result.digest);
            x.head.tree == y.head.tree && x.base.tree == y.base.tree
                || lands(x).is_some() && lands(x) == lands(y)
        }
        _ => a.is_same(b),
    }
}

fn involvement_floor(authentic: &[Authentic<'_>]) -> Option<Verdict> {
    authentic
        .iter()
        .filter_map(|it| match &it.entry.statement {
            Statement::SignOff(signoff) => Some(signoff.involvement.verdict),
            Statement::Declaration(declaration) => match declaration.declared {
                Declared::Ai { .. } => Some(Verdict::Yes),
                Declared::Human => None,
            },
            Statement::AfterReview(_) => None,
        })
        .max()
}
