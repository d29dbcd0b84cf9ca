//! Whether a usage has shown enough to be established.

use countersign_core::usage::{Maturity, Usages, Why};
use countersign_stats::{Confidence, Counted, rate};
use jiff::Timestamp;
use serde::Serialize;

use super::{Pattern, UsageEvidence, Uses};
use crate::words::count;

/// What was asked and what was found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Proof {
    /// The pattern.
    pub pattern: String,
    /// Id of the entry that covers it.
    pub entry: Option<String>,
    /// Changes shipped with it, or tool calls and deployments where it makes
    /// no changes.
    pub uses: u64,
    /// `changes` or `actions`.
    pub per: &'static str,
    /// Incidents linked to them.
    pub incidents: u64,
    /// Incidents since its first use of which nobody knows where they came
    /// from; they are counted against it.
    pub unlinked: u64,
    /// One-sided exact 95 % upper bound of incidents per million; `None`: no
    /// uses.
    pub at_most_per_million: Option<u64>,
    /// The most that there may be.
    pub bound_per_million: u64,
    /// What it has shown.
    pub shown: Vec<String>,
    /// What is missing; empty: it may be established.
    pub missing: Vec<String>,
}

impl Proof {
    /// Whether it may be established.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.missing.is_empty()
    }

    /// As it is recorded.
    #[must_use]
    pub fn evidence(&self) -> UsageEvidence {
        UsageEvidence {
            changes: self.uses,
            incidents: self.incidents + self.unlinked,
            at_most_per_million: self.at_most_per_million.unwrap_or(u64::MAX),
        }
    }

    fn say(&mut self, holds: bool, text: String) {
        if holds {
            self.shown.push(text);
        } else {
            self.missing.push(text);
        }
    }
}

/// Asks whether a pattern may be established, and shows why or why not.
#[must_use]
pub fn graduate(pattern: &Pattern, uses: &Uses, usages: &Usages, now: Timestamp) -> Proof {
    let asked = usages.graduation();
    let standing = usages.standing(&pattern.as_use(), now, |_| None);
    let entry = standing.entry;
    let bound = entry.and_then(|it| it.incidents_per_million);
    let tally = uses.get(pattern);
    let changes = tally.map_or(0, |it| it.changes);
    let (used, per) = match tally {
        Some(tally) if changes == 0 => (tally.uses(), "actions"),
        _ => (changes, "changes"),
    };
    let incidents = tally.map_or(0, |it| it.incidents.len() as u64);
    let unlinked = tally.map_or(0, |it| uses.unlinked_since(it.first));
    let upper = Counted::new(incidents + unlinked, used as f64)
        .ok()
        .map(|counted| (rate::upper_bound(counted, Confidence::P95) * 1e6).ceil() as u64);
    let mut proof = Proof {
        pattern: pattern.key(),
        entry: entry.map(|it| it.id.clone()),
        uses: used,
        per,
        incidents,
        unlinked,
        at_most_per_million: upper,
        bound_per_million: bound.unwrap_or(asked.incidents_per_million),
        shown: Vec::new(),
        missing: Vec::new(),
    };
    registered(&mut proof, usages, &standing);
    proof.say(
        used >= asked.changes,
        format!("{used} {per} with it; {} are asked for", asked.changes),
    );
    rated(&mut proof, uses);
    // a single try long ago has not been in use since
    let age = tally.map_or(0, |it| it.last.duration_since(it.first).as_hours() / 24);
    let least = asked.age.as_hours() / 24;
    proof.say(
        tally.is_some() && age >= least,
        format!("in use for {age} days, from first to last; {least} are asked for"),
    );
    proof
}

fn registered(
    proof: &mut Proof,
    usages: &Usages,
    standing: &countersign_core::usage::Standing<'_>,
) {
    let Some(entry) = standing.entry else {
        return proof.say(false, "no entry covers it: register it first".to_owned());
    };
    let (id, maturity) = (&entry.id, entry.maturity);
    let text = format!("registered as {} ({id})", maturity.as_str());
    match (maturity, &standing.why) {
        (_, Why::Expired(at)) => proof.say(false, format!("the entry `{id}` expired at {at}")),
        (Maturity::Trial, _) => proof.say(true, text),
        (Maturity::Established, _) => proof.say(false, format!("{text}: nothing is left to do")),
        (Maturity::Novel | Maturity::Forbidden, _) => {
            proof.say(false, format!("{text}; only a trial can graduate"));
        }
    }
    match &entry.owner {
        Some(owner) => proof.say(true, format!("{owner} answers for it")),
        None => proof.say(false, "nobody answers for it: name an owner".to_owned()),
    }
    for safeguard in usages.required(entry, Maturity::Established) {
        let there = entry.in_place.iter().any(|it| it == safeguard);
        let text = if there { "in place" } else { "not in place" };
        proof.say(there, format!("{text}: {safeguard}"));
    }
}

fn rated(proof: &mut Proof, uses: &Uses) {
    let per_thousand = |per_million: u64| format!("{:.2}", per_million as f64 / 1000.0);
    let Some(upper) = proof.at_most_per_million else {
        return proof.say(false, "no uses, so no rate of incidents".to_owned());
    };
    if uses.incidents == 0 {
        return proof.say(
            false,
            "no incident is recorded at all, so silence proves nothing".to_owned(),
        );
    }
    let against = match proof.unlinked {
        0 => String::new(),
        n => format!(", and {n} that nobody linked counted against it"),
    };
    let text = format!(
        "{} in {} {}{against}: at most {} per 1,000 (exact, 95 %); the bound is {}",
        count(proof.incidents, "incident"),
        proof.uses,
        proof.per,
        per_thousand(upper),
        per_thousand(proof.bound_per_million)
    );
    proof.say(upper <= proof.bound_per_million, text);
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_core::involvement::Verdict;

    const ENTRY: &str = "version = 1\n[maturity.established]\nsafeguards = [\"canary\"]\n[[usage]]\nid = \"kiro\"\ntool = \"kiro\"\n";

    fn pattern() -> Pattern {
        "kiro/unknown/chat/code/unknown".parse().unwrap()
    }

    fn uses(changes: u64, failed: usize, unlinked: usize) -> Uses {
        let mut uses = Uses::default();
        for n in 0..changes {
            let failed = usize::try_from(n).unwrap() < failed;
            let incidents: Vec<String> = failed.then(|| format!("INC-{n}")).into_iter().collect();
            let at = Timestamp::from_second(i64::try_from(n).unwrap() * 3 * 3600).unwrap();
            uses.change(
                at,
                Verdict::Yes,
                [pattern()].into_iter().collect(),
                &incidents,
            );
        }
        // someone keeps a register: this one came from no change
        uses.incident(Timestamp::UNIX_EPOCH, true);
        for _ in 0..unlinked {
            uses.incident(Timestamp::from_second(60).unwrap(), false);
        }
        uses
    }

    fn asked(lines: &str, uses: &Uses) -> Proof {
        let usages = Usages::parse(&format!("{ENTRY}{lines}\n"), "usage.toml").unwrap();
        let now: Timestamp = "1970-06-01T00:00:00Z".parse().unwrap();
        graduate(&pattern(), uses, &usages, now)
    }

    const READY: &str = "maturity = \"trial\"\nowner = \"ada\"\nin_place = [\"canary\"]";

    /// The rule of three: none in 300 is at most 9.986 per 1,000, none in 299 is
    /// not enough for a bound of 10 (R: `qgamma(0.95, 1) / 299`).
    #[test]
    fn the_bound_decides_not_the_count() {
        let proof = asked(READY, &uses(300, 0, 0));
        assert!(proof.holds(), "{:?}", proof.missing);
        assert_eq!(proof.at_most_per_million, Some(9_986));
        let few = asked(READY, &uses(299, 0, 0));
        assert_eq!(few.at_most_per_million, Some(10_020));
        assert_eq!(few.missing.len(), 2, "{:?}", few.missing);
        assert!(!asked(READY, &uses(300, 1, 0)).holds());
        assert!(
            asked(READY, &uses(500, 1, 0)).holds(),
            "qgamma(0.95, 2) / 500 = 9.49"
        );
    }

    #[test]
    fn what_nobody_linked_counts_against_it() {
        let proof = asked(READY, &uses(500, 1, 1));
        assert_eq!((proof.incidents, proof.unlinked), (1, 1));
        assert_eq!(proof.missing.len(), 1);
        assert!(
            proof.missing[0].contains("1 that nobody linked"),
            "{:?}",
            proof.missing
        );
    }

    /// A try of one day is no use of months, however long ago it was.
    #[test]
    fn one_day_of_use_is_no_age() {
        let mut uses = Uses::default();
        for second in 0..400 {
            let at = Timestamp::from_second(second * 60).unwrap();
            let pattern = [pattern()].into_iter().collect();
            uses.change(at, Verdict::Yes, pattern, &[]);
        }
        uses.incident(Timestamp::UNIX_EPOCH, true);
        let proof = asked(READY, &uses);
        assert_eq!(
            proof.missing,
            ["in use for 0 days, from first to last; 28 are asked for"]
        );
    }

    #[test]
    fn everything_that_is_missing_is_named() {
        for (lines, wanted) in [
            (
                "maturity = \"trial\"\nowner = \"ada\"",
                "not in place: canary",
            ),
            (
                "maturity = \"trial\"\nin_place = [\"canary\"]",
                "nobody answers for it",
            ),
            (
                "maturity = \"novel\"\nowner = \"ada\"\nin_place = [\"canary\"]",
                "only a trial",
            ),
            (
                "maturity = \"trial\"\nowner = \"ada\"\nin_place = [\"canary\"]\nexpires = \"1970-02-01\"",
                "expired",
            ),
        ] {
            let proof = asked(lines, &uses(400, 0, 0));
            assert_eq!(proof.missing.len(), 1, "{:?}", proof.missing);
            assert!(proof.missing[0].contains(wanted), "{:?}", proof.missing);
        }
        let unknown = graduate(
            &pattern(),
            &Uses::default(),
            &Usages::default(),
            Timestamp::UNIX_EPOCH,
        );
        assert_eq!(unknown.missing.len(), 4, "{:?}", unknown.missing);
    }
}
