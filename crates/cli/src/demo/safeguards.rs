//! Decisions and sign-offs, from the day on which they were adopted.

use std::collections::BTreeSet;

use countersign_core::decide;
use countersign_core::facts::Kind;
use countersign_core::involvement;
use countersign_core::signoff::Digest;
use countersign_operations::decision::{Decision, RuleSaid};
use countersign_operations::noted::Noted;
use countersign_operations::record::Record;
use countersign_operations::sign_off::{SignOffGiven, Stated};
use countersign_stats::Random;
use jiff::{SignedDuration, Timestamp};

use super::changes::Shipped;
use super::organisation::senior_of;
use super::{below, happens, planted};

/// What seniors write when they write something.
const WORDS: [&str; 4] = [
    "read it line by line; the retry is bounded now",
    "tried it on staging with last week's orders",
    "the test fails without the fix, as it should",
    "asked for a smaller change, this is the smaller one",
];

pub(super) fn decide(random: &mut Random, shipped: &[Shipped]) -> Vec<Record> {
    let mut records = Vec::new();
    let since = shipped.iter().filter(|it| it.week >= planted::ADOPTED);
    for it in since {
        let rules = rules(it);
        if !rules.is_empty() {
            judge(random, it, &rules, &mut records);
        }
    }
    records
}

/// The rules of the policy that ask for a sign-off of it.
fn rules(it: &Shipped) -> Vec<(&'static str, &'static str)> {
    let mut rules = Vec::new();
    if it.change.involvement == involvement::Verdict::No {
        return rules;
    }
    if !matches!(it.change.author_level.as_deref(), Some("senior")) {
        rules.push((
            "ai-below-senior",
            "1 sign-off, at least senior, above the author",
        ));
    }
    if it.service.tier <= 1 {
        rules.push(("ai-tier-1", "1 sign-off, independent"));
    }
    if it.week >= planted::RESET && it.service.tier <= 1 {
        rules.push(("ninety-day-reset", "2 sign-offs, independent, distinct"));
    }
    rules
}

/// Held, signed off, allowed.
fn judge(
    random: &mut Random,
    it: &Shipped,
    rules: &[(&'static str, &'static str)],
    records: &mut Vec<Record>,
) {
    let before = |minutes: i64| it.change.shipped_at - SignedDuration::from_mins(minutes);
    let waited = 15 + below(random, 180) + if it.size == 2 { below(random, 900) } else { 0 };
    let author = it.change.people.first().map_or("unknown", String::as_str);
    let own = senior_of(it.service.team);
    let first = if own == author { "gwen" } else { own };
    let mut signers = vec![first];
    if rules.iter().any(|(id, _)| *id == "ninety-day-reset") {
        signers.push(if first == "gwen" { "omar" } else { "gwen" });
    }
    records.push(said(it, author, before(waited + 8), rules, &[]));
    if happens(random, 0.04) {
        let why = "the roll-back is missing".to_owned();
        records.push(stated(
            it,
            first,
            Stated::Vetoed,
            before(waited),
            rules,
            Some(why),
        ));
    }
    for (place, signer) in (0..).zip(&signers) {
        let message = happens(random, 0.35).then(|| {
            let place = random.below(WORDS.len() as u64);
            let words = WORDS.get(usize::try_from(place).unwrap_or_default());
            (*words.unwrap_or(&"read")).to_owned()
        });
        let at = before(8 - place);
        records.push(stated(it, signer, Stated::Approved, at, rules, message));
    }
    records.push(said(it, author, before(4), rules, &signers));
}

/// What was decided; held until somebody signed.
fn said(
    it: &Shipped,
    by: &str,
    at: Timestamp,
    rules: &[(&'static str, &'static str)],
    signers: &[&str],
) -> Record {
    let verdict = if signers.is_empty() {
        decide::Verdict::Hold
    } else {
        decide::Verdict::Allow
    };
    let said = rules.iter().map(|(rule, reason)| RuleSaid {
        rule: (*rule).to_owned(),
        verdict,
        reason: (*reason).to_owned(),
    });
    Decision {
        noted: Noted::by(by, at),
        change: it.change.change.clone(),
        kind: Kind::Merge,
        decided_at: at,
        verdict,
        rules: said.collect(),
        signers: signers.iter().map(|it| (*it).to_owned()).collect(),
        policy: None,
        asked_by: "check".to_owned(),
    }
    .into()
}

fn stated(
    it: &Shipped,
    person: &str,
    stated: Stated,
    at: Timestamp,
    rules: &[(&'static str, &'static str)],
    message: Option<String>,
) -> Record {
    let text = format!("{} {person} {stated}", it.change.change);
    SignOffGiven {
        noted: Noted::by(person, at),
        statement: Digest::of(text.as_bytes()),
        change: it.change.change.clone(),
        kind: Kind::Merge,
        target: "main".to_owned(),
        person: person.to_owned(),
        stated,
        issued_at: at,
        rules: rules
            .iter()
            .map(|(rule, _)| (*rule).to_owned())
            .collect::<BTreeSet<_>>(),
        message,
        of: None,
        review_due: None,
    }
    .into()
}
