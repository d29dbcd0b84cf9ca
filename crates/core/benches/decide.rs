//! How long judging takes once the facts are there.
//!
//! Floors in the same run: hashing the policy's text once (what a program that
//! re-read its policy would pay at least), and one `BTreeMap` look-up.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "set-up that fails has to fail loudly"
)]

use std::collections::BTreeMap;

use countersign_core::backtest::{Landed, replay};
use countersign_core::decide::{Load, Said, SignOff, decide};
use countersign_core::facts::{Facts, Kind};
use countersign_core::involvement::Verdict;
use countersign_core::policy::{self, DEFAULT, Policy};
use countersign_core::roster::{self, Level, Roster};
use divan::{Bencher, black_box};
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

fn main() {
    divan::main();
}

const NOW: Timestamp = Timestamp::constant(1_772_442_000, 0);

/// Two hundred people, ten teams, all levels.
fn people() -> Roster {
    let levels = ["junior", "mid", "senior", "principal"];
    let people: String = (0..200)
        .map(|i| {
            format!(
                "[[person]]\nid = \"p{i}\"\nlevel = \"{}\"\nteams = [\"t{}\"]\n",
                levels[(i / 3) % 4],
                i % 10
            )
        })
        .collect();
    roster::parse(&format!("version = 1\n{people}"), "people.toml").unwrap()
}

fn builtin(roster: &Roster) -> Policy {
    policy::parse(DEFAULT, "policy.toml", roster.levels()).unwrap()
}

fn facts(author: usize) -> Facts {
    Facts {
        involvement: Verdict::Yes,
        authors: [author].into_iter().collect(),
        author_level: Level(0),
        tier: Some(1),
        lines: 120,
        irreversible: Some(false),
        paths: (0..20).map(|i| format!("src/shop/file{i}.rs")).collect(),
        ..Facts::unknown(Kind::Merge)
    }
}

#[divan::bench]
fn decide_held(bencher: Bencher<'_, '_>) {
    let roster = people();
    let policy = builtin(&roster);
    let facts = facts(0);
    let seen = policy.observe(&facts, NOW);
    let load = Load::default();
    bencher.bench(|| decide(&policy, &roster, black_box(&facts), &seen, &[], &load, NOW));
}

#[divan::bench]
fn decide_signed(bencher: Bencher<'_, '_>) {
    let roster = people();
    let policy = builtin(&roster);
    let facts = facts(0);
    let seen = policy.observe(&facts, NOW);
    let load = Load::default();
    let signoffs = [SignOff {
        person: 6,
        said: Said::Approve,
        at: NOW,
        exact: true,
    }];
    bencher.bench(|| {
        decide(
            &policy,
            &roster,
            black_box(&facts),
            &seen,
            &signoffs,
            &load,
            NOW,
        )
    });
}

#[divan::bench]
fn decide_allowed(bencher: Bencher<'_, '_>) {
    let roster = people();
    let policy = builtin(&roster);
    let facts = Facts {
        involvement: Verdict::No,
        ..facts(6)
    };
    let seen = policy.observe(&facts, NOW);
    let load = Load::default();
    bencher.bench(|| decide(&policy, &roster, black_box(&facts), &seen, &[], &load, NOW));
}

#[divan::bench]
fn observe_20_paths(bencher: Bencher<'_, '_>) {
    let roster = people();
    let policy = builtin(&roster);
    let facts = facts(0);
    bencher.bench(|| policy.observe(black_box(&facts), NOW));
}

#[divan::bench]
fn floor_hash_of_the_policy(bencher: Bencher<'_, '_>) {
    bencher.bench(|| Sha256::digest(black_box(DEFAULT.as_bytes())));
}

#[divan::bench]
fn floor_one_map_lookup(bencher: Bencher<'_, '_>) {
    let map: BTreeMap<String, usize> = (0..200).map(|i| (format!("p{i}"), i)).collect();
    bencher.bench(|| map.get(black_box("p6")).copied());
}

#[divan::bench(sample_count = 3)]
fn backtest_100_000_changes(bencher: Bencher<'_, '_>) {
    let roster = people();
    let policy = builtin(&roster);
    let history: Vec<Landed> = (0..100_000)
        .map(|i| Landed {
            facts: facts(i % 200),
            at: NOW + SignedDuration::from_mins(i as i64),
        })
        .collect();
    bencher.bench(|| replay(&policy, &roster, black_box(&history)));
}

#[divan::bench]
fn policy_diff(bencher: Bencher<'_, '_>) {
    let roster = people();
    let old = builtin(&roster);
    let text = DEFAULT.replace("below = \"senior\"", "below = \"mid\"");
    let new = policy::parse(&text, "policy.toml", roster.levels()).unwrap();
    bencher.bench(|| policy::diff::diff(&old, &new));
}
