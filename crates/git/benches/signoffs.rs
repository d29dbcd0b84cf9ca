//! What a gate waits for: reading the chain, finding what would land, carrying
//! a sign-off over, and judging.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a benchmark")]

use std::collections::{BTreeMap, BTreeSet};

use countersign_core::involvement::Verdict;
use countersign_core::roster;
use countersign_core::signoff::Digest;
use countersign_core::signoff::carry::Landing;
use countersign_core::signoff::content::{Content, Merge};
use countersign_core::signoff::statement::Stance;
use countersign_core::signoff::verify::{Change, Rosters, verify};
use countersign_git::signoffs::REF;
use countersign_git::{Oid, Repo};
use countersign_testkit::signing::{
    CHANGE, REPOSITORY, TARGET, content, import_chain, signoff, start, usual_people,
};
use countersign_testkit::{GitRepo, Who};
use divan::Bencher;

fn main() {
    divan::main();
}

const WHO: Who = Who::new("Jun", "jun@example.com");

/// A chain of `length` statements about other changes, then one about `about`.
fn chain(kit: &GitRepo, length: usize, about: &Content) {
    let signoffs = (0..=length).map(|place| {
        let number = u64::try_from(place).unwrap() + 10;
        let other = content(number, number * 3, number * 5);
        let last = place == length;
        let mut it = signoff("sen", Stance::Approve, if last { about } else { &other });
        if !last {
            it.about.change = format!("other-{place}");
        }
        it.signed.issued_at = start();
        it
    });
    import_chain(kit, REF, signoffs);
}

/// A branch of 50 commits, its rebase onto a newer tip, and that tip.
fn scene() -> (GitRepo, Oid, Oid, Merge) {
    let kit = GitRepo::new();
    let base = kit.commit(WHO, "base", &[("base.txt", "x\n"), ("far.txt", "x\n")]);
    kit.branch("feature");
    for place in 0..50 {
        let path = format!("src/file{}.txt", place % 20);
        let text = format!("version {place}\n").repeat(100);
        kit.commit(WHO, "step", &[(path.as_str(), text.as_str())]);
    }
    let head = kit.head();
    let repo = Repo::open(kit.path()).unwrap();
    let oid = |text: &str| Oid::new(text).unwrap();
    let signed = repo.proposed(&oid(&base), &oid(&head)).unwrap().content;
    kit.switch("main");
    let tip = kit.commit(WHO, "meanwhile", &[("far.txt", "y\n")]);
    kit.switch("feature");
    kit.git(&["rebase", "-q", "main"]);
    let rebased = kit.head();
    (kit, oid(&tip), oid(&rebased), signed)
}

#[divan::bench(args = [1_000, 10_000])]
fn read_the_chain(bencher: Bencher<'_, '_>, length: usize) {
    let kit = GitRepo::new();
    chain(&kit, length, &content(1, 2, 3));
    let repo = Repo::open(kit.path()).unwrap();
    bencher.bench_local(|| repo.signoffs().unwrap());
}

#[divan::bench]
fn what_50_commits_would_land(bencher: Bencher<'_, '_>) {
    let (kit, tip, head, _) = scene();
    let repo = Repo::open(kit.path()).unwrap();
    bencher.bench_local(|| repo.proposed(&tip, &head).unwrap());
}

#[divan::bench]
fn judge_a_rebased_push_of_50_commits(bencher: Bencher<'_, '_>) {
    let (kit, tip, head, signed) = scene();
    chain(&kit, 1_000, &Content::Merge(signed));
    let text = usual_people();
    let now = roster::parse(&text, "people.toml").unwrap();
    let known = BTreeMap::from([(Digest::of(text.as_bytes()), now.clone())]);
    let authors = BTreeSet::from(["jun".to_owned()]);
    let path = kit.path().to_owned();
    bencher.bench_local(|| {
        let repo = Repo::open(&path).unwrap();
        let today = repo.proposed(&tip, &head).unwrap();
        let content = Content::Merge(today.content.clone());
        let change = Change {
            repository: REPOSITORY,
            target: TARGET,
            change: Some(CHANGE),
            content: &content,
            authors: &authors,
            unattributed: &[],
            involvement: Verdict::Yes,
            policy: Digest::of(b"policy"),
            demand_exact: false,
            landing: Landing::EveryCommit,
            questions: &[],
            review: None,
        };
        let rosters = Rosters {
            now: &now,
            known: &known,
        };
        let ground = |signed: &Merge| {
            repo.ground(signed, &today)
                .map_err(|error| error.to_string())
        };
        let chain = repo.signoffs().unwrap();
        let verified = verify(&chain, &change, rosters, &ground, start());
        assert_eq!(verified.accepted.len(), 1);
    });
}
