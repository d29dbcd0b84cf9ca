//! Who signed, and whether they and their key could then and can now.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::reason::Reason;
use crate::roster::{Person, Roster};
use crate::signoff::chain::{Chain, Entry};
use crate::signoff::hash::Digest;
use crate::signoff::sshsig::Proven;

/// How much later something that a signer had already seen may be dated,
/// because clocks differ.
pub const CLOCK_SKEW: SignedDuration = SignedDuration::from_mins(10);

/// The roster as it is and as it was, all from the protected branch.
#[derive(Debug, Clone, Copy)]
pub struct Rosters<'a> {
    /// In force now.
    pub now: &'a Roster,
    /// Every version that was in force before, and the one in force now, by the
    /// SHA-256 of its file.
    pub known: &'a BTreeMap<Digest, Roster>,
}

/// A statement that its signer really made, in its place in the chain.
#[derive(Debug, Clone)]
pub(super) struct Authentic<'a> {
    pub(super) entry: &'a Entry,
    pub(super) person: &'a Person,
    pub(super) then: &'a Person,
    pub(super) proven: Proven,
    pub(super) rosters: (&'a Roster, &'a Roster),
}

impl Authentic<'_> {
    /// Why the signer's standing now is more than it was: what was signed by
    /// someone at one level does not count as signed at a higher one.
    pub(super) fn risen(&self) -> Option<Reason> {
        let (then, now) = self.rosters;
        let (was, is) = (
            then.levels().name(self.then.level),
            now.levels().name(self.person.level),
        );
        // Levels are compared by name, in today's order of names.
        let same_or_lower = now
            .levels()
            .get(was)
            .is_some_and(|level| self.person.level <= level);
        if !same_or_lower {
            return Some(Reason::Risen {
                then: was.to_owned(),
                now: is.to_owned(),
            });
        }
        let joined = self
            .person
            .teams
            .iter()
            .find(|team| !self.then.teams.contains(team));
        joined.map(|team| Reason::Risen {
            then: format!("outside `{team}`"),
            now: "in it".to_owned(),
        })
    }
}

/// Proves one statement, all but its place in time.
pub(super) fn authenticate<'a>(
    entry: &'a Entry,
    rosters: Rosters<'a>,
    now: Timestamp,
) -> Result<Authentic<'a>, Reason> {
    let signed = entry.statement.signed();
    let proven = entry.envelope.verify().map_err(Reason::Signature)?;
    if proven.fingerprint != signed.key {
        return Err(Reason::KeyClaim);
    }
    let Some((person, key)) = rosters.now.by_key(&proven.key) else {
        return Err(Reason::UnknownKey(proven.fingerprint));
    };
    if person.id != signed.person {
        let owner = person.id.clone();
        return Err(Reason::NotTheirKey { owner });
    }
    let at = signed.issued_at;
    if key.revoked {
        return Err(Reason::KeyRevoked);
    }
    if let Some(from) = key.from.filter(|from| at < *from) {
        return Err(Reason::KeyNotYetValid(from));
    }
    if let Some(until) = key.until.filter(|until| *until <= at) {
        return Err(Reason::KeyExpired(until));
    }
    if !entry.in_place {
        return Err(Reason::Moved);
    }
    if at > now {
        return Err(Reason::FutureDated);
    }
    let then_roster = rosters
        .known
        .get(&signed.roster)
        .ok_or(Reason::UnknownRoster)?;
    let then = then_roster
        .by_id(&person.id)
        .filter(|then| then.active)
        .ok_or(Reason::InactiveThen)?;
    if !person.active {
        return Err(Reason::InactiveNow);
    }
    Ok(Authentic {
        entry,
        person,
        then,
        proven,
        rosters: (then_roster, rosters.now),
    })
}

/// Splits off statements that are dated well before something their signer had
/// seen, and repetitions. `list` is in the order of the chain and stays so.
pub(super) fn reject_repeats<'a>(
    chain: &Chain,
    list: &[Authentic<'a>],
) -> (Vec<Authentic<'a>>, Vec<(&'a Entry, Reason)>) {
    let entries: Vec<&Entry> = list.iter().map(|it| it.entry).collect();
    let order = chain.order(&entries);
    let mut seen = std::collections::BTreeSet::new();
    let (mut kept, mut ignored) = (Vec::new(), Vec::new());
    for (place, it) in list.iter().enumerate() {
        let signed = it.entry.statement.signed();
        let back_dated = entries.iter().enumerate().any(|(other, earlier)| {
            let before = earlier.statement.signed().issued_at;
            order.precedes(other, place) && before.duration_since(signed.issued_at) > CLOCK_SKEW
        });
        let repeated = !seen.insert((signed.person.as_str(), signed.nonce.as_str()));
        if repeated {
            ignored.push((it.entry, Reason::Repeated));
        } else if back_dated {
            ignored.push((it.entry, Reason::BackDated));
        } else {
            kept.push(it.clone());
        }
    }
    (kept, ignored)
}
