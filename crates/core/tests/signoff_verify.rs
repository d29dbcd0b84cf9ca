//! Which statements count for a change, and why the others do not.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests"
)]

use std::collections::{BTreeMap, BTreeSet};

use countersign_core::involvement::{Role, Verdict};
use countersign_core::roster::{Level, Roster};
use countersign_core::signoff::Digest;
use countersign_core::signoff::carry::{Ground, Landing, Replay};
use countersign_core::signoff::chain::Holds;
use countersign_core::signoff::content::{Content, Merge};
use countersign_core::signoff::statement::{
    AfterReview, Answer, BreakGlass, Declaration, Declared, Explained, Outcome, Risk, RiskyHunk,
    SignOff, Stance, Statement,
};
use countersign_core::signoff::verify::{
    Change, Reason, Review, ReviewState, Rosters, Verified, break_glass_reviews, verify,
};
use countersign_testkit::signing::{
    CHANGE, REPOSITORY, Sketch, TARGET, content, key, key_of, of, oid, people_toml, public,
    rosters, seal, signed, signoff, start, usual_people,
};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

const SENIOR: Level = Level(2);

/// The world of one test: what is not said is as usual.
struct World {
    sketch: Sketch,
    today: Content,
    people: Vec<String>,
    authors: BTreeSet<String>,
    unattributed: Vec<String>,
    change: Option<&'static str>,
    target: &'static str,
    involvement: Verdict,
    policy: Digest,
    demand_exact: bool,
    landing: Landing,
    questions: Vec<String>,
    items: Option<Vec<String>>,
    hunks: Vec<RiskyHunk>,
    now: Timestamp,
}

impl World {
    fn new() -> Self {
        Self {
            sketch: Sketch::new(),
            today: content(1, 2, 3),
            people: vec![usual_people()],
            authors: BTreeSet::from(["jun".to_owned()]),
            unattributed: Vec::new(),
            change: Some(CHANGE),
            target: TARGET,
            involvement: Verdict::Yes,
            policy: Digest::of(b"policy"),
            demand_exact: false,
            landing: Landing::EveryCommit,
            questions: Vec::new(),
            items: None,
            hunks: Vec::new(),
            now: start() + SignedDuration::from_hours(3),
        }
    }

    /// The last of the roster files is in force.
    fn rosters(&self) -> (BTreeMap<Digest, Roster>, Roster) {
        let files: Vec<&str> = self.people.iter().map(String::as_str).collect();
        let known = rosters(&files);
        let now = known[&Digest::of(self.people.last().unwrap().as_bytes())].clone();
        (known, now)
    }

    fn verify(&self) -> Verified {
        let (known, now) = self.rosters();
        let change = Change {
            repository: REPOSITORY,
            target: self.target,
            change: self.change,
            content: &self.today,
            authors: &self.authors,
            unattributed: &self.unattributed,
            involvement: self.involvement,
            policy: self.policy,
            demand_exact: self.demand_exact,
            landing: self.landing,
            questions: &self.questions,
            review: self.items.as_ref().map(|items| Review {
                items,
                hunks: &self.hunks,
            }),
        };
        let rosters = Rosters {
            now: &now,
            known: &known,
        };
        verify(&self.sketch.chain(), &change, rosters, &ground, self.now)
    }

    /// What counts and what does not, as text.
    fn text(&self) -> String {
        let verified = self.verify();
        let mut lines: Vec<String> = Vec::new();
        for it in &verified.accepted {
            let kept = it.kept.as_ref().map(|kept| format!(", {kept}"));
            lines.push(format!(
                "+ {} {:?}{}",
                it.person,
                it.stance,
                kept.unwrap_or_default()
            ));
        }
        for it in &verified.ignored {
            let stance = it.stance.map_or("other".to_owned(), |it| format!("{it:?}"));
            lines.push(format!("- {} {stance}: {}", it.person, it.reason));
        }
        lines.join("\n")
    }

    fn reason(&self) -> Reason {
        let verified = self.verify();
        assert!(verified.accepted.is_empty(), "{}", self.text());
        let [ignored] = verified.ignored.as_slice() else {
            panic!("{}", self.text())
        };
        ignored.reason.clone()
    }
}

/// A repository in which every rebase is honest.
fn ground(_: &Merge) -> Result<Ground, String> {
    Ok(Ground {
        signed_tip_on_target: true,
        merge_commits: false,
        never_carried: Vec::new(),
        moved_under: Vec::new(),
        differs: Vec::new(),
        files: 6,
        replay: Replay::Identical,
    })
}

fn approve(world: &mut World, person: &str) -> Digest {
    let today = world.today.clone();
    world.sketch.say(person, Stance::Approve, &today)
}

/// Puts an approval by the senior after changing it.
fn approve_with(world: &mut World, tweak: impl FnOnce(&mut SignOff)) {
    let mut it = signoff("sen", Stance::Approve, &world.today);
    tweak(&mut it);
    world.sketch.put(of(it));
}

#[test]
fn an_ordinary_approval_counts() {
    let mut world = World::new();
    let id = approve(&mut world, "sen");
    let verified = world.verify();
    assert!(verified.ignored.is_empty());
    let [accepted] = verified.accepted.as_slice() else {
        panic!("{}", world.text())
    };
    assert_eq!((accepted.statement, accepted.policy_changed), (id, false));
    assert_eq!(verified.involvement_floor, Some(Verdict::Yes));
    insta::assert_snapshot!(world.text(), @"+ sen Approve, kept: exactly what was signed");
}

#[test]
fn those_who_made_it_do_not_count() {
    let mut world = World::new();
    world.authors = ["jun", "mid", "sue"].map(str::to_owned).into();
    for person in ["jun", "mid", "sue", "sen"] {
        approve(&mut world, person);
    }
    insta::assert_snapshot!(world.text(), @"
    + sen Approve, kept: exactly what was signed
    - jun Approve: the signer made the change, so cannot sign it off
    - mid Approve: the signer made the change, so cannot sign it off
    - sue Approve: the signer made the change, so cannot sign it off
    ");
}

#[test]
fn keys_decide_who_signed_and_when_they_could() {
    let cases: [(&str, &str); 4] = [
        ("keys = [{ ssh = \"KEY\", revoked = true }]", "revoked"),
        (
            "keys = [{ ssh = \"KEY\", from = \"2026-03-03\" }]",
            "not yet",
        ),
        (
            "keys = [{ ssh = \"KEY\", until = \"2026-03-02\" }]",
            "expired",
        ),
        ("active = false", "left"),
    ];
    let mut seen = Vec::new();
    for (fields, name) in cases {
        let mut world = World::new();
        approve(&mut world, "sen");
        let fields = fields.replace("KEY", &public(&key_of("sen")));
        world
            .people
            .push(people_toml(&[("sen", "senior", &fields)]));
        seen.push(format!("{name}: {}", world.reason()));
    }
    // Nobody's key; and somebody else's.
    let mut world = World::new();
    approve(&mut world, "x");
    let Reason::UnknownKey(_) = world.reason() else {
        panic!("{}", world.text())
    };
    let mut world = World::new();
    approve_with(&mut world, |it| it.signed = signed("mid"));
    let mut statement = world
        .sketch
        .fill(None, of(signoff("mid", Stance::Approve, &world.today)));
    if let Statement::SignOff(it) = &mut statement {
        it.signed.person = "sen".to_owned();
    }
    world.sketch = Sketch::new();
    let bytes = seal(&statement, &key_of("mid")).to_bytes();
    world.sketch.node(&[], Holds::Envelope(bytes));
    seen.push(world.reason().to_string());
    if let Statement::SignOff(it) = &mut statement {
        it.signed.key = "SHA256:other".to_owned();
    }
    world.sketch = Sketch::new();
    let bytes = seal(&statement, &key_of("sen")).to_bytes();
    world.sketch.node(&[], Holds::Envelope(bytes));
    seen.push(world.reason().to_string());
    insta::assert_snapshot!(seen.join("\n"), @"
    revoked: the key is marked as compromised
    not yet: the key was not valid before 2026-03-03T00:00:00Z
    expired: the key was not valid after 2026-03-02T00:00:00Z
    left: the signer is no longer active on the roster
    it was signed with a key of `mid`
    it names another key than the one that signed it
    ");
}

#[test]
fn standing_is_the_lower_of_then_and_now() {
    let risen = [
        people_toml(&[("sen", "mid", "")]),
        people_toml(&[("sen", "senior", "")]),
        people_toml(&[("sen", "senior", "teams = [\"payments\"]")]),
    ];
    let mut seen = Vec::new();
    for (then, now) in [(0, 1), (1, 0), (1, 2), (2, 1), (1, 1)] {
        let mut world = World::new();
        world.people = vec![risen[then].clone(), risen[now].clone()];
        approve_with(&mut world, |it| {
            it.signed.roster = Digest::of(risen[then].as_bytes());
        });
        seen.push(format!("{then} to {now}: {}", world.text()));
    }
    let mut world = World::new();
    world.people.remove(0);
    world.people.push(people_toml(&[("sen", "senior", "")]));
    approve(&mut world, "sen");
    seen.push(world.text());
    insta::assert_snapshot!(seen.join("\n"), @"
    0 to 1: - sen Approve: the signer was mid then and is senior now; to count as that, sign again
    1 to 0: + sen Approve, kept: exactly what was signed
    1 to 2: - sen Approve: the signer was outside `payments` then and is in it now; to count as that, sign again
    2 to 1: + sen Approve, kept: exactly what was signed
    1 to 1: + sen Approve, kept: exactly what was signed
    - sen Approve: it was signed under a roster that the protected branch never had
    ");
}

#[test]
fn approvals_are_narrow() {
    let mut seen = Vec::new();
    let mut world = World::new();
    approve_with(&mut world, |it| {
        it.about.target = "refs/heads/play".to_owned();
    });
    seen.push(world.text());
    let mut world = World::new();
    approve_with(&mut world, |it| it.about.change = "7".to_owned());
    seen.push(world.text());
    // Where the change has no name, content alone identifies.
    world.change = None;
    seen.push(world.text());
    let mut world = World::new();
    approve_with(&mut world, |it| {
        it.about.repository = "git+https://example.com/fork".to_owned();
    });
    seen.push(format!("{:?}", world.text()));
    insta::assert_snapshot!(seen.join("\n"), @r#"
    - sen Approve: it is for `refs/heads/play`
    - sen Approve: it is for the change `7`
    + sen Approve, kept: exactly what was signed
    ""
    "#);
}

#[test]
fn content_carries_only_by_its_digest() {
    let mut world = World::new();
    approve(&mut world, "sen");
    let mut seen = Vec::new();
    for today in [
        content(1, 2, 3),
        content(5, 6, 3), // rebased: other commits, the same lands
        content(1, 6, 4), // something else lands
        content(1, 2, 4), // the same commit ids, other bytes: a collision
    ] {
        world.today = today;
        seen.push(world.text());
    }
    world.today = content(5, 6, 3);
    world.demand_exact = true;
    seen.push(world.text());
    insta::assert_snapshot!(seen.join("\n"), @"
    + sen Approve, kept: exactly what was signed
    + sen Approve, kept: identical replay on 00000000; the base touched none of your 6 files
    - sen Approve: dropped: this is not the content that was signed
    - sen Approve: dropped: this is not the content that was signed
    - sen Approve: dropped: the commits changed, and the policy demands the exact commits signed
    ");
}

#[test]
fn a_person_counts_once_and_their_last_word_counts() {
    let mut world = World::new();
    approve(&mut world, "sen");
    world.sketch.say("sen", Stance::Approve, &content(1, 6, 9));
    // An author who pushes the first version back does not revive its approval.
    assert_eq!(world.verify().accepted, []);
    insta::assert_snapshot!(world.text(), @"
    - sen Approve: its signer signed again later; a person counts once
    - sen Approve: dropped: this is not the content that was signed
    ");
    approve(&mut world, "sen");
    approve(&mut world, "sen");
    insta::assert_snapshot!(world.text(), @"
    + sen Approve, kept: exactly what was signed
    - sen Approve: its signer signed again later; a person counts once
    - sen Approve: its signer signed again later; a person counts once
    - sen Approve: its signer signed again later; a person counts once
    ");
}

#[test]
fn a_second_key_is_not_a_second_person() {
    let mut world = World::new();
    let keys = format!(
        "keys = [{{ ssh = \"{}\" }}, {{ ssh = \"{}\" }}]",
        public(&key_of("sen")),
        public(&key(99))
    );
    world.people.push(people_toml(&[("sen", "senior", &keys)]));
    approve(&mut world, "sen");
    let mut it = signoff("sen", Stance::Approve, &world.today);
    it.signed.key = countersign_testkit::signing::fingerprint(&key(99));
    let second = world.sketch.fill(Some("n0"), of(it));
    let bytes = seal(&second, &key(99)).to_bytes();
    world.sketch.node(&["n0"], Holds::Envelope(bytes));
    insta::assert_snapshot!(world.text(), @"
    + sen Approve, kept: exactly what was signed
    - sen Approve: its signer signed again later; a person counts once
    ");
}

#[test]
fn a_revocation_ends_what_it_names_and_only_its_signers() {
    let mut world = World::new();
    let today = world.today.clone();
    let sen = approve(&mut world, "sen");
    let sue = approve(&mut world, "sue");
    world.sketch.take_back("sen", sen, &today);
    world.sketch.take_back("mid", sue, &today);
    insta::assert_snapshot!(world.text(), @"
    + sue Approve, kept: exactly what was signed
    - sen Approve: its signer took it back
    - mid Revoke: what it takes back is not there or is someone else's
    ");
}

#[test]
fn a_veto_stands_until_its_signer_lifts_it() {
    let (old, new) = (content(1, 2, 3), content(1, 6, 4));
    let play = |steps: &[(&str, &Content)], today: &Content| {
        let mut world = World::new();
        world.today = today.clone();
        let mut veto = None;
        for (step, content) in steps {
            match *step {
                "veto" => veto = Some(world.sketch.say("sen", Stance::Veto, content)),
                "lift" => {
                    world.sketch.take_back("sen", veto.unwrap(), content);
                }
                _ => {
                    world.sketch.say("sen", Stance::Approve, content);
                }
            }
        }
        let words: Vec<&str> = steps.iter().map(|(step, _)| *step).collect();
        format!("{}:\n{}", words.join(", "), world.text())
    };
    let seen = [
        play(&[("veto", &old)], &old),
        // It concerns every later version too.
        play(&[("veto", &old)], &new),
        play(&[("veto", &old), ("lift", &old)], &old),
        // Lifting it never revives what came before.
        play(&[("approve", &old), ("veto", &old), ("lift", &old)], &old),
        play(&[("veto", &old), ("approve", &old)], &old),
        play(&[("veto", &old), ("approve", &old), ("lift", &old)], &old),
        play(&[("veto", &old), ("lift", &old), ("approve", &old)], &old),
        play(&[("veto", &old), ("approve", &new)], &new),
        play(&[("approve", &new), ("veto", &old)], &new),
    ];
    insta::assert_snapshot!(seen.join("\n"), @"
    veto:
    + sen Veto
    veto:
    + sen Veto
    veto, lift:
    - sen Veto: its signer took it back
    approve, veto, lift:
    - sen Approve: its signer vetoed since; lifting a veto does not bring an earlier approval back
    - sen Veto: its signer took it back
    veto, approve:
    + sen Veto
    - sen Approve: its signer vetoed this very content and has not taken that back
    veto, approve, lift:
    - sen Veto: its signer took it back
    - sen Approve: its signer vetoed since; lifting a veto does not bring an earlier approval back
    veto, lift, approve:
    + sen Approve, kept: exactly what was signed
    - sen Veto: its signer took it back
    veto, approve:
    + sen Approve, kept: exactly what was signed
    - sen Veto: its signer has lifted it
    approve, veto:
    + sen Veto
    - sen Approve: its signer vetoed since; lifting a veto does not bring an earlier approval back
    ");
}

#[test]
fn of_what_is_said_at_the_same_time_the_cautious_wins() {
    let mut world = World::new();
    let approval = of(signoff("sen", Stance::Approve, &world.today));
    let veto = of(signoff("sen", Stance::Veto, &world.today));
    let (a, _) = world.sketch.put_after(None, approval);
    let (b, _) = world.sketch.put_after(None, veto);
    world.sketch.node(&[&a, &b], Holds::Join);
    insta::assert_snapshot!(world.text(), @"
    + sen Veto
    - sen Approve: its signer vetoed since; lifting a veto does not bring an earlier approval back
    ");
}

#[test]
fn clocks_do_not_order_and_cannot_be_set_back() {
    let mut world = World::new();
    let today = world.today.clone();
    world.sketch.say("sue", Stance::Approve, &today);
    approve_with(&mut world, |it| {
        it.signed.issued_at = start() - SignedDuration::from_hours(1);
    });
    world.sketch.say("mid", Stance::Approve, &today);
    let mut late = signoff("pat", Stance::Approve, &today);
    late.signed.issued_at = world.now + SignedDuration::from_secs(1);
    world.sketch.put(of(late));
    insta::assert_snapshot!(world.text(), @"
    + mid Approve, kept: exactly what was signed
    + sue Approve, kept: exactly what was signed
    - sen Approve: it is dated before statements that its signer had already seen
    - pat Approve: it is dated in the future
    ");
}

#[test]
fn expired_repeated_moved_and_uninformed_sign_offs() {
    let mut seen = Vec::new();
    let mut world = World::new();
    let end = world.now;
    approve_with(&mut world, |it| it.expires_at = Some(end));
    seen.push(world.text());
    world.now = end - SignedDuration::from_secs(1);
    seen.push(world.text());

    let mut world = World::new();
    approve(&mut world, "sen");
    let again = world.sketch.nodes[0].holds.clone();
    world.sketch.node(&["n0"], again);
    seen.push(world.text());

    let mut world = World::new();
    approve_with(&mut world, |it| {
        it.signed.nonce = "0000000000000000".to_owned();
    });
    approve_with(&mut world, |it| {
        it.signed.nonce = "0000000000000000".to_owned();
    });
    seen.push(world.text());

    let mut world = World::new();
    approve_with(&mut world, |it| it.involvement.verdict = Verdict::Unknown);
    seen.push(world.text());

    let mut world = World::new();
    world.policy = Digest::of(b"other");
    approve(&mut world, "sen");
    assert!(world.verify().accepted.iter().all(|it| it.policy_changed));
    seen.push(world.text());

    let mut world = World::new();
    world.unattributed = vec!["ghost@example.com".to_owned()];
    approve(&mut world, "sen");
    seen.push(world.text());
    approve(&mut world, "mid");
    seen.push(world.text());
    insta::assert_snapshot!(seen.join("\n\n"), @"
    - sen Approve: it expired at 2026-03-02T15:00:00Z

    + sen Approve, kept: exactly what was signed

    + sen Approve, kept: exactly what was signed
    - sen Approve: it is not where its signer put it in the chain

    + sen Approve, kept: exactly what was signed
    - sen Approve: it repeats an earlier statement

    - sen Approve: AI took part, which its signer was not shown; sign again

    + sen Approve, kept: exactly what was signed

    - sen Approve: `ghost@example.com`, who is not on the roster, made part of it and may be the only signer; add them to the roster or let a second person sign

    + mid Approve, kept: exactly what was signed
    + sen Approve, kept: exactly what was signed
    ");
}

#[test]
fn declarations_of_ai_use_outlive_rebases_and_those_of_human_work_do_not() {
    let declare = |person: &str, declared: Declared, content: &Content| {
        Statement::Declaration(Box::new(Declaration {
            declared,
            about: signoff(person, Stance::Approve, content).about,
            signed: signed(person),
        }))
    };
    let mut world = World::new();
    let ai = Declared::Ai {
        role: Role::Wrote,
        tool: "some tool".to_owned(),
    };
    world.sketch.put(declare("jun", ai, &content(1, 9, 9)));
    world
        .sketch
        .put(declare("jun", Declared::Human, &content(1, 9, 9)));
    world
        .sketch
        .put(declare("jun", Declared::Human, &content(7, 8, 3)));
    world
        .sketch
        .put(declare("sen", Declared::Human, &content(1, 2, 3)));
    let verified = world.verify();
    let kinds: Vec<bool> = verified
        .declarations
        .iter()
        .map(|it| it.declared == Declared::Human)
        .collect();
    assert_eq!(kinds, [false, true]);
    assert_eq!(verified.involvement_floor, Some(Verdict::Yes));
    insta::assert_snapshot!(world.text(), @"
    - jun other: dropped: this is not the content that was signed
    - sen other: only those who made the change can declare that no AI took part
    ");
}

#[test]
fn questions_that_must_be_answered_hold_an_approval_back_and_no_veto() {
    let mut world = World::new();
    world.questions = vec!["What breaks first?".to_owned()];
    let today = world.today.clone();
    world.sketch.say("sen", Stance::Approve, &today);
    world.sketch.say("pat", Stance::Veto, &today);
    let mut answered = signoff("sue", Stance::Approve, &today);
    answered.answers = vec![Answer {
        question: "What breaks first?".to_owned(),
        answer: "the retry".to_owned(),
    }];
    world.sketch.put(of(answered));
    insta::assert_snapshot!(world.text(), @"
    + pat Veto
    + sue Approve, kept: exactly what was signed
    - sen Approve: it does not answer `What breaks first?`; sign again
    ");
}

#[test]
fn a_self_review_is_of_this_content_by_an_author_and_leaves_nothing_out() {
    let hunk = |place: &str| RiskyHunk {
        path: "db/drop.sql".to_owned(),
        place: place.to_owned(),
        risk: Risk::Migration,
    };
    let review = |person: &str, items: &[&str], places: &[&str], content: &Content| {
        let explained = |place: &&str| Explained {
            hunk: hunk(place),
            explanation: "the table is empty since May".to_owned(),
        };
        Statement::Declaration(Box::new(Declaration {
            declared: Declared::Reviewed {
                items: items.iter().map(|item| (*item).to_owned()).collect(),
                hunks: places.iter().map(explained).collect(),
            },
            about: signoff(person, Stance::Approve, content).about,
            signed: signed(person),
        }))
    };
    let mut world = World::new();
    world.items = Some(vec!["I ran it".to_owned()]);
    world.hunks = vec![hunk("-0,0 +1,2"), hunk("-5,1 +7,0")];
    let all = ["-0,0 +1,2", "-5,1 +7,0"];
    let today = world.today.clone();
    for statement in [
        review("sen", &["I ran it"], &all, &today),
        review("jun", &[], &all, &today),
        review("jun", &["I ran it"], &all[..1], &today),
        review("jun", &["I ran it"], &all, &content(1, 9, 9)),
    ] {
        world.sketch.put(statement);
        assert_eq!(world.verify().self_reviewed_by(), None);
    }
    insta::assert_snapshot!(world.text(), @"
    - sen other: a self-review is by someone who made the change
    - jun other: the self-review says nothing about `I ran it`
    - jun other: the self-review says nothing about `db/drop.sql -5,1 +7,0`
    - jun other: dropped: this is not the content that was signed
    ");
    world.sketch.put(review("jun", &["I ran it"], &all, &today));
    assert_eq!(world.verify().self_reviewed_by(), Some("jun"));

    // Nobody on the roster made it: someone vouches for it, and cannot sign.
    world.authors.clear();
    let all_of_it = review("sen", &["I ran it"], &all, &today);
    world.sketch.put(all_of_it);
    world.sketch.say("sen", Stance::Approve, &today);
    let verified = world.verify();
    assert!(verified.sponsors.contains("sen"));
    assert_eq!(verified.accepted, []);
    assert_eq!(verified.ignored.last().unwrap().reason, Reason::Sponsor);
}

#[test]
fn a_broken_glass_is_reviewed_by_someone_else_in_time() {
    let mut world = World::new();
    let due = start() + SignedDuration::from_hours(48);
    let today = world.today.clone();
    let mut it = signoff("sen", Stance::BreakGlass, &today);
    it.binding = countersign_core::signoff::statement::Binding::Exact;
    it.expires_at = Some(start() + SignedDuration::from_hours(4));
    it.break_glass = Some(BreakGlass {
        rules: vec!["ai-tier-1".to_owned()],
        reason: "the shop is down".to_owned(),
        review_due: due,
    });
    let id = world.sketch.put(of(it));
    assert_eq!(world.verify().accepted.len(), 1, "{}", world.text());
    let review = |person: &str, outcome| {
        Statement::AfterReview(Box::new(AfterReview {
            outcome,
            of: id,
            about: signoff(person, Stance::Approve, &today).about,
            message: "looked at".to_owned(),
            signed: signed(person),
        }))
    };
    let state = |world: &World, now| {
        let (known, current) = world.rosters();
        let rosters = Rosters {
            now: &current,
            known: &known,
        };
        let mut list = break_glass_reviews(&world.sketch.chain(), rosters, SENIOR, now);
        list.remove(0).state
    };
    assert_eq!(state(&world, world.now), ReviewState::Open);
    assert_eq!(state(&world, due), ReviewState::Overdue);
    world.sketch.put(review("sen", Outcome::Ratified));
    world.sketch.put(review("jun", Outcome::Ratified));
    world.sketch.put(review("mid", Outcome::Ratified));
    assert_eq!(state(&world, due), ReviewState::Overdue);
    world.sketch.put(review("sue", Outcome::Ratified));
    assert!(matches!(
        state(&world, due),
        ReviewState::Reviewed { by, outcome: Outcome::Ratified, .. } if by == "sue"
    ));
    world.sketch.put(review("pat", Outcome::Rejected));
    assert!(matches!(
        state(&world, due),
        ReviewState::Reviewed {
            outcome: Outcome::Rejected,
            ..
        }
    ));
    // For the exact commits only, and not for ever.
    world.today = content(5, 6, 3);
    assert_eq!(world.verify().accepted, []);
    // On the very tip only: where the protected branch has moved on, also under
    // none of its files, or was pushed back, it has had its one use.
    let Content::Merge(mut moved) = today.clone() else {
        unreachable!("a merge")
    };
    if let Some(result) = &mut moved.result {
        result.target_tip = countersign_testkit::signing::oid(77);
    }
    world.today = Content::Merge(moved);
    assert_eq!(world.verify().accepted, [], "{}", world.text());
    assert_eq!(world.reason(), Reason::Spent);
    world.today = today.clone();
    let mut pushed_back = world.verify();
    assert_eq!(pushed_back.accepted.len(), 1);
    pushed_back.spend_break_glass(&Reason::Spent);
    assert_eq!(pushed_back.accepted, []);
    assert_eq!(pushed_back.ignored[0].reason, Reason::Spent);
    world.today = today.clone();
    world.now = start() + SignedDuration::from_hours(4);
    assert_eq!(world.verify().accepted, []);
}

#[test]
fn two_who_broke_the_glass_together_review_neither() {
    let mut world = World::new();
    let today = world.today.clone();
    let broken = |person: &str| {
        let mut it = signoff(person, Stance::BreakGlass, &today);
        it.binding = countersign_core::signoff::statement::Binding::Exact;
        it.expires_at = Some(start() + SignedDuration::from_hours(4));
        it.break_glass = Some(BreakGlass {
            rules: vec!["ai-tier-1".to_owned()],
            reason: "the shop is down".to_owned(),
            review_due: start() + SignedDuration::from_hours(48),
        });
        of(it)
    };
    let ids = ["sen", "sue"].map(|person| world.sketch.put(broken(person)));
    let review = |world: &mut World, person: &str, id| {
        let review = AfterReview {
            outcome: Outcome::Ratified,
            of: id,
            about: signoff(person, Stance::Approve, &today).about,
            message: "looked at".to_owned(),
            signed: signed(person),
        };
        world.sketch.put(Statement::AfterReview(Box::new(review)));
    };
    let open = |world: &World| {
        let (known, now) = world.rosters();
        let rosters = Rosters {
            now: &now,
            known: &known,
        };
        let list = break_glass_reviews(&world.sketch.chain(), rosters, SENIOR, world.now);
        list.iter()
            .filter(|it| it.state == ReviewState::Open)
            .count()
    };
    review(&mut world, "sue", ids[0]);
    review(&mut world, "sen", ids[1]);
    assert_eq!(open(&world), 2);
    review(&mut world, "pat", ids[0]);
    assert_eq!(open(&world), 1);
}

#[test]
fn whoever_leaves_takes_no_review_with_them_and_gives_none() {
    let mut world = World::new();
    let today = world.today.clone();
    let mut it = signoff("sen", Stance::BreakGlass, &today);
    it.binding = countersign_core::signoff::statement::Binding::Exact;
    it.expires_at = Some(start() + SignedDuration::from_hours(4));
    it.break_glass = Some(BreakGlass {
        rules: vec!["ai-tier-1".to_owned()],
        reason: "the shop is down".to_owned(),
        review_due: start() + SignedDuration::from_hours(48),
    });
    let id = world.sketch.put(of(it));
    world
        .sketch
        .put(Statement::AfterReview(Box::new(AfterReview {
            outcome: Outcome::Ratified,
            of: id,
            about: signoff("sue", Stance::Approve, &today).about,
            message: "looked at".to_owned(),
            signed: signed("sue"),
        })));
    let is_reviewed = |world: &World| {
        let (known, now) = world.rosters();
        let rosters = Rosters {
            now: &now,
            known: &known,
        };
        let list = break_glass_reviews(&world.sketch.chain(), rosters, SENIOR, world.now);
        assert_eq!(list.len(), 1);
        matches!(list[0].state, ReviewState::Reviewed { .. })
    };
    assert!(is_reviewed(&world));
    // Both leave. Nothing shows that the review is older than that.
    let left = usual_people()
        .replace("id = \"sue\"\n", "id = \"sue\"\nactive = false\n")
        .replace("id = \"sen\"\n", "id = \"sen\"\nactive = false\n");
    let mut after = World::new();
    after.sketch = world.sketch.clone();
    after.people.push(left.clone());
    assert!(!is_reviewed(&after));
    // Someone signed after it while she was still there.
    world.sketch.say("pat", Stance::Approve, &today);
    world.people.push(left);
    assert!(is_reviewed(&world));
}

#[test]
fn foreign_nodes_are_reported_and_never_counted() {
    let mut world = World::new();
    approve(&mut world, "sen");
    let junk = world
        .sketch
        .node(&["n0"], Holds::Envelope(b"junk".to_vec()));
    world
        .sketch
        .node(&[&junk], Holds::Foreign("no envelope in it".to_owned()));
    world.sketch.node(&["gone"], Holds::Join);
    world.sketch.node(&["n2", "n3"], Holds::Join);
    approve(&mut world, "sue");
    let chain = world.sketch.chain();
    let problems: Vec<String> = chain
        .problems()
        .iter()
        .map(|it| format!("{}: {}", it.id, it.why))
        .collect();
    insta::assert_snapshot!(problems.join("\n"), @"
    n1: this is not a DSSE envelope: expected value at line 1 column 1
    n2: no envelope in it
    n3: what came before it is missing (the history is cut off)
    ");
    assert_eq!(world.verify().accepted.len(), 2);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever byte is changed, what is accepted is still the same statement.
    #[test]
    fn no_flipped_byte_is_accepted(at in 0_usize..4000, bit in 0_u8..8) {
        let mut world = World::new();
        let id = approve(&mut world, "sen");
        let Holds::Envelope(bytes) = &mut world.sketch.nodes[0].holds else { panic!() };
        let place = at % bytes.len();
        bytes[place] ^= 1 << bit;
        prop_assert!(world.verify().accepted.iter().all(|it| it.statement == id));
    }

    /// The payload itself, under an intact signature over the original.
    #[test]
    fn no_flipped_byte_of_the_payload_is_accepted(at in 0_usize..4000, bit in 0_u8..8) {
        use base64::Engine as _;
        let mut world = World::new();
        approve(&mut world, "sen");
        let Holds::Envelope(bytes) = &mut world.sketch.nodes[0].holds else { panic!() };
        let mut json: serde_json::Value = serde_json::from_slice(bytes).unwrap();
        let engine = base64::engine::general_purpose::STANDARD;
        let mut payload = engine.decode(json["payload"].as_str().unwrap()).unwrap();
        let place = at % payload.len();
        payload[place] ^= 1 << bit;
        json["payload"] = engine.encode(payload).into();
        *bytes = serde_json::to_vec(&json).unwrap();
        prop_assert!(world.verify().accepted.is_empty());
    }

    /// Other people's approvals never take a person's away.
    #[test]
    fn more_approvals_never_reduce(
        first in prop::sample::subsequence(vec!["mid", "sen", "sue", "pat"], 0..4),
        more in prop::collection::vec(0_usize..5, 0..5),
    ) {
        let all = ["jun", "mid", "sen", "sue", "pat"];
        let mut world = World::new();
        for person in &first {
            approve(&mut world, person);
        }
        let people = |world: &World| -> BTreeSet<String> {
            world.verify().accepted.into_iter().map(|it| it.person).collect()
        };
        let before = people(&world);
        for person in more {
            approve(&mut world, all[person]);
        }
        prop_assert!(people(&world).is_superset(&before));
    }

    /// Any order of storing that keeps parents first gives the same answer.
    #[test]
    fn only_the_chain_orders(
        steps in prop::collection::vec((0_usize..5, 0_usize..4, any::<prop::sample::Index>()), 1..9),
        shuffle in prop::collection::vec(any::<prop::sample::Index>(), 20),
    ) {
        let people = ["jun", "mid", "sen", "sue", "pat"];
        let mut world = World::new();
        let mut heads: Vec<String> = Vec::new();
        for (who, what, parent) in steps {
            let after = (!heads.is_empty()).then(|| parent.get(&heads).clone());
            let (decision, about) = match what {
                0 => (Stance::Veto, content(1, 2, 3)),
                1 => (Stance::Approve, content(1, 6, 4)),
                _ => (Stance::Approve, content(1, 2, 3)),
            };
            let said = of(signoff(people[who], decision, &about));
            heads.push(world.sketch.put_after(after.as_deref(), said).0);
        }
        let ends: Vec<&str> = heads.iter().map(String::as_str).collect();
        world.sketch.node(&ends, Holds::Join);
        let answer = world.verify();
        let tip = world.sketch.chain().tip();
        let mut left = std::mem::take(&mut world.sketch.nodes);
        let mut given: BTreeSet<String> = BTreeSet::new();
        let mut turn = 0;
        while !left.is_empty() {
            let ready: Vec<usize> = (0..left.len())
                .filter(|it| left[*it].parents.iter().all(|parent| given.contains(parent)))
                .collect();
            let node = left.remove(*shuffle[turn % shuffle.len()].get(&ready));
            given.insert(node.id.clone());
            world.sketch.nodes.push(node);
            turn += 1;
        }
        prop_assert_eq!(world.sketch.chain().tip(), tip);
        prop_assert_eq!(world.verify(), answer);
    }
}

#[test]
fn an_overlap_is_enough_for_a_veto() {
    // A new name and a new target for commits that were vetoed.
    let mut world = World::new();
    let mut it = signoff("sen", Stance::Veto, &content(1, 2, 3));
    it.about.change = "7".to_owned();
    it.about.target = "refs/heads/release".to_owned();
    world.sketch.put(of(it));
    let Content::Merge(mut merge) = content(1, 9, 9) else {
        panic!()
    };
    let Content::Merge(vetoed) = content(1, 2, 3) else {
        panic!()
    };
    merge.commits.insert(0, vetoed.commits[0].clone());
    assert_eq!(merge.commits[0].commit, oid(2));
    world.today = Content::Merge(merge);
    insta::assert_snapshot!(world.text(), @"+ sen Veto");
}
