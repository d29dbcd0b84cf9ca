//! What became of claims: a pure fold over everything that was stated.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::Serialize;

use super::{ClaimState, FactorClaim};

/// One person's claim that a factor contributed to an incident, today.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Claim {
    /// The incident.
    pub incident: String,
    /// The factor.
    pub factor: String,
    /// Who made it.
    pub claimant: String,
    /// Where it stands.
    pub state: ClaimState,
    /// Who agrees, other than the claimant.
    pub confirmed_by: BTreeSet<String>,
    /// Who does not.
    pub disputed_by: BTreeSet<String>,
    /// All evidence given for and against.
    pub evidence: Vec<String>,
    /// Everything that was stated, oldest first; nothing is ever left out.
    pub statements: Vec<FactorClaim>,
}

/// Why something cannot be stated about a claim.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// There is no such claim.
    #[error("{claimant} has not claimed `{factor}` for {incident}")]
    NoClaim {
        /// The incident.
        incident: String,
        /// The factor.
        factor: String,
        /// Whose claim.
        claimant: String,
    },
    /// Nobody confirms or disputes what they claim.
    #[error("{0} made the claim, so someone else has to look at it")]
    OwnClaim(String),
    /// Nobody takes back what another claims.
    #[error("only {0} can withdraw the claim; dispute it instead")]
    NotYours(String),
    /// It was taken back.
    #[error("the claim was withdrawn; it has to be made again first")]
    Withdrawn,
    /// It stands as it is.
    #[error("{0} has said so already")]
    Already(String),
}

/// Whether a statement can be made, where `claim` is what it is about today.
///
/// # Errors
/// [`Refused`] with the reason.
pub fn may_state(claim: Option<&Claim>, next: &FactorClaim) -> Result<(), Refused> {
    let by = &next.noted.by;
    let Some(claim) = claim else {
        return if next.state == ClaimState::Claimed {
            Ok(())
        } else {
            Err(Refused::NoClaim {
                incident: next.incident.clone(),
                factor: next.factor.clone(),
                claimant: next.claimant.clone(),
            })
        };
    };
    if !is_lawful(next, no_person(&claim.statements)) {
        return Err(match next.state {
            ClaimState::Withdrawn => Refused::NotYours(claim.claimant.clone()),
            _ => Refused::OwnClaim(claim.claimant.clone()),
        });
    }
    let more_evidence = next
        .evidence
        .iter()
        .any(|new| !claim.evidence.contains(new));
    let already = match next.state {
        ClaimState::Claimed => claim.state != ClaimState::Withdrawn && !more_evidence,
        ClaimState::Confirmed => claim.confirmed_by.contains(by) && !more_evidence,
        ClaimState::Disputed => claim.disputed_by.contains(by) && !more_evidence,
        ClaimState::Withdrawn => claim.state == ClaimState::Withdrawn,
    };
    if already {
        return Err(Refused::Already(by.clone()));
    }
    if claim.state == ClaimState::Withdrawn && next.state != ClaimState::Claimed {
        return Err(Refused::Withdrawn);
    }
    Ok(())
}

/// Whether its author may state it at all: claims and withdrawals are the
/// claimant's, the rest is for others. What an importer read has no author who
/// could withdraw it, so anyone may.
fn is_lawful(statement: &FactorClaim, no_person: bool) -> bool {
    let own = statement.noted.by == statement.claimant;
    match statement.state {
        ClaimState::Claimed => own,
        ClaimState::Withdrawn => own || no_person,
        ClaimState::Confirmed | ClaimState::Disputed => !own,
    }
}

/// Whether an importer made the claim.
fn no_person(statements: &[FactorClaim]) -> bool {
    let claimed = |it: &&FactorClaim| it.state == ClaimState::Claimed;
    statements
        .iter()
        .filter(claimed)
        .any(|it| it.noted.is_import())
}

/// Every claim as it stands; with `as_of`, as it stood then.
///
/// Each person's last statement counts. A claim is withdrawn if its claimant
/// took it back; else disputed if anyone disputes it; else confirmed if anyone
/// else agrees. Statements that nobody could lawfully make stay in the list and
/// count for nothing. The order in which statements arrive does not matter.
#[must_use]
pub fn claims(
    statements: impl IntoIterator<Item = FactorClaim>,
    as_of: Option<Timestamp>,
) -> Vec<Claim> {
    let mut by_key: BTreeMap<(String, String, String), BTreeSet<FactorClaim>> = BTreeMap::new();
    for statement in statements {
        if as_of.is_some_and(|at| statement.noted.at > at) {
            continue;
        }
        let key = (
            statement.incident.clone(),
            statement.factor.clone(),
            statement.claimant.clone(),
        );
        by_key.entry(key).or_default().insert(statement);
    }
    by_key
        .into_iter()
        .map(|((incident, factor, claimant), statements)| {
            let statements: Vec<FactorClaim> = statements.into_iter().collect();
            fold(Claim {
                incident,
                factor,
                claimant,
                state: ClaimState::Claimed,
                confirmed_by: BTreeSet::new(),
                disputed_by: BTreeSet::new(),
                evidence: Vec::new(),
                statements,
            })
        })
        .collect()
}

fn fold(mut claim: Claim) -> Claim {
    let mut withdrawn = false;
    let no_person = no_person(&claim.statements);
    for statement in claim
        .statements
        .iter()
        .filter(|it| is_lawful(it, no_person))
    {
        let by = statement.noted.by.clone();
        match statement.state {
            ClaimState::Claimed => withdrawn = false,
            ClaimState::Withdrawn => withdrawn = true,
            ClaimState::Confirmed => {
                claim.disputed_by.remove(&by);
                claim.confirmed_by.insert(by);
            }
            ClaimState::Disputed => {
                claim.confirmed_by.remove(&by);
                claim.disputed_by.insert(by);
            }
        }
        for evidence in &statement.evidence {
            if !claim.evidence.contains(evidence) {
                claim.evidence.push(evidence.clone());
            }
        }
    }
    claim.state = if withdrawn {
        ClaimState::Withdrawn
    } else if !claim.disputed_by.is_empty() {
        ClaimState::Disputed
    } else if !claim.confirmed_by.is_empty() {
        ClaimState::Confirmed
    } else {
        ClaimState::Claimed
    };
    claim
}

/// Where a factor of an incident stands, over everyone who claims it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// The incident.
    pub incident: String,
    /// The factor.
    pub factor: String,
    /// Disputed if any claim that stands is; else confirmed if any is; else
    /// claimed; withdrawn when nobody claims it any more.
    pub state: ClaimState,
    /// Who claims it, withdrawn claims included.
    pub claimants: Vec<String>,
}

/// Sums claims up by incident and factor.
#[must_use]
pub fn standings(claims: &[Claim]) -> Vec<Standing> {
    let mut by_factor: BTreeMap<(&str, &str), Vec<&Claim>> = BTreeMap::new();
    for claim in claims {
        let key = (claim.incident.as_str(), claim.factor.as_str());
        by_factor.entry(key).or_default().push(claim);
    }
    let worst = |claims: &[&Claim]| {
        let has = |state| claims.iter().any(|claim| claim.state == state);
        [
            ClaimState::Disputed,
            ClaimState::Confirmed,
            ClaimState::Claimed,
        ]
        .into_iter()
        .find(|state| has(*state))
        .unwrap_or(ClaimState::Withdrawn)
    };
    by_factor
        .into_iter()
        .map(|((incident, factor), claims)| Standing {
            incident: incident.to_owned(),
            factor: factor.to_owned(),
            state: worst(&claims),
            claimants: claims.iter().map(|claim| claim.claimant.clone()).collect(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::noted::Noted;

    fn state(minute: i64, by: &str, state: ClaimState) -> FactorClaim {
        let at = Timestamp::from_second(1_772_000_000 + minute * 60).unwrap();
        FactorClaim {
            noted: Noted::by(by, at).because("because"),
            incident: "INC-1".into(),
            factor: "novel-usage".into(),
            claimant: "ada".into(),
            state,
            evidence: vec![format!("seen by {by}")],
        }
    }

    fn today(statements: &[FactorClaim]) -> Claim {
        claims(statements.to_vec(), None).remove(0)
    }

    use ClaimState::{Claimed, Confirmed, Disputed, Withdrawn};

    #[test]
    fn the_state_follows_each_persons_last_word() {
        let all = [
            (state(0, "ada", Claimed), Claimed),
            (state(1, "ada", Confirmed), Claimed),
            (state(2, "bo", Confirmed), Confirmed),
            (state(3, "cy", Disputed), Disputed),
            (state(4, "bo", Withdrawn), Disputed),
            (state(5, "cy", Confirmed), Confirmed),
            (state(6, "ada", Withdrawn), Withdrawn),
            (state(7, "ada", Claimed), Confirmed),
        ];
        for end in 1..=all.len() {
            let statements: Vec<_> = all[..end].iter().map(|(it, _)| it.clone()).collect();
            let claim = today(&statements);
            assert_eq!(claim.state, all[end - 1].1, "after {end}");
            assert_eq!(claim.statements.len(), end, "nothing is left out");
        }
    }

    #[test]
    fn what_may_be_stated() {
        let open = today(&[state(0, "ada", Claimed)]);
        let taken_back = today(&[state(0, "ada", Claimed), state(1, "ada", Withdrawn)]);
        let said = |claim: Option<&Claim>, by, what| {
            may_state(claim, &state(9, by, what)).map_err(|refused| refused.to_string())
        };
        let no = |text: &str| Err(text.to_owned());
        assert_eq!(said(None, "ada", Claimed), Ok(()));
        assert_eq!(
            said(None, "bo", Disputed),
            no("ada has not claimed `novel-usage` for INC-1")
        );
        assert_eq!(said(Some(&open), "bo", Confirmed), Ok(()));
        let own = "ada made the claim, so someone else has to look at it";
        assert_eq!(said(Some(&open), "ada", Confirmed), no(own));
        let not_yours = "only ada can withdraw the claim; dispute it instead";
        assert_eq!(said(Some(&open), "boss", Withdrawn), no(not_yours));
        assert_eq!(
            said(Some(&open), "ada", Claimed),
            no("ada has said so already")
        );
        assert_eq!(said(Some(&taken_back), "ada", Claimed), Ok(()));
        let gone = "the claim was withdrawn; it has to be made again first";
        assert_eq!(said(Some(&taken_back), "bo", Confirmed), no(gone));
    }

    #[test]
    fn anyone_may_withdraw_what_no_person_claimed() {
        let mut imported = state(0, "jsonl", Claimed);
        imported.claimant = "jsonl".into();
        imported.noted = Noted::imported("jsonl", imported.noted.at);
        let mut back = state(1, "ada", Withdrawn);
        back.claimant = "jsonl".into();
        assert_eq!(today(&[imported, back]).state, Withdrawn);
    }

    fn any_statement() -> impl Strategy<Value = FactorClaim> {
        let who = proptest::sample::select(&["ada", "bo", "cy"][..]);
        let what = proptest::sample::select(ClaimState::ALL);
        (0i64..20, who, what).prop_map(|(minute, who, what)| state(minute, who, what))
    }

    proptest! {
        #[test]
        fn arrival_does_not_matter(
            (list, shuffled) in proptest::collection::vec(any_statement(), 1..10)
                .prop_flat_map(|v| (Just(v.clone()), Just(v).prop_shuffle())),
        ) {
            let twice: Vec<_> = shuffled.iter().chain(&list).cloned().collect();
            prop_assert_eq!(claims(list.clone(), None), claims(shuffled, None));
            prop_assert_eq!(claims(list, None), claims(twice, None));
        }

        #[test]
        fn then_is_what_was_stated_until_then(
            list in proptest::collection::vec(any_statement(), 1..10),
            minute in 0i64..20,
        ) {
            let at = state(minute, "ada", Claimed).noted.at;
            let early: Vec<_> = list.iter().filter(|it| it.noted.at <= at).cloned().collect();
            prop_assert_eq!(claims(list, Some(at)), claims(early, None));
        }

        #[test]
        fn only_the_claimant_takes_a_claim_back(
            list in proptest::collection::vec(any_statement(), 1..10),
        ) {
            let last_own = list
                .iter()
                .filter(|it| it.noted.by == "ada" && matches!(it.state, Claimed | Withdrawn))
                .max();
            let expected = last_own.is_some_and(|it| it.state == Withdrawn);
            prop_assert_eq!(today(&list).state == Withdrawn, expected);
        }
    }
}
