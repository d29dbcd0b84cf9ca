//! A protected branch, people with keys, and a gate that asks for one senior.
#![allow(dead_code, reason = "every test file uses another part")]

use std::cell::Cell;
use std::collections::BTreeSet;

use countersign_core::involvement::Verdict;
use countersign_core::roster;
use countersign_core::signoff::Digest;
use countersign_core::signoff::carry::Landing;
use countersign_core::signoff::content::{Content, Merge};
use countersign_core::signoff::statement::{SignOff, Stance, Statement};
use countersign_core::signoff::verify::{Change, Rosters, Verified, verify};
use countersign_git::replay::Proposed;
use countersign_git::{Oid, Repo};
use countersign_testkit::signing::{
    CHANGE, REPOSITORY, TARGET, key_of, of, rosters, seal, signoff, start, usual_people,
};
use countersign_testkit::{GitRepo, Who};
use jiff::{SignedDuration, Timestamp};

pub(crate) const JUN: Who = Who::new("Jun", "jun@example.com");
pub(crate) const SEN: Who = Who::new("Sen", "sen@example.com");

/// Two functions with the same lines around an insertion point.
pub(crate) const CODE: &str = "def admin(user):\n    check(user)\n    log(user)\n    audit(user)\n    # here\n    done(user)\n    close(user)\n    end(user)\n\n\ndef guest(user):\n    check(user)\n    log(user)\n    audit(user)\n    # here\n    done(user)\n    close(user)\n    end(user)\n";

pub(crate) struct Scene {
    pub(crate) kit: GitRepo,
    pub(crate) git: Repo,
    /// Roster files of the protected branch, oldest first.
    pub(crate) people: Vec<String>,
    pub(crate) authors: BTreeSet<String>,
    pub(crate) unattributed: Vec<String>,
    pub(crate) change: Option<String>,
    pub(crate) target: String,
    pub(crate) involvement: Verdict,
    pub(crate) landing: Landing,
    pub(crate) demand_exact: bool,
    pub(crate) target_tip: String,
    minutes: Cell<i64>,
}

pub(crate) fn oid(text: &str) -> Oid {
    Oid::new(text).unwrap()
}

impl Scene {
    pub(crate) fn new() -> Self {
        Self::with(GitRepo::new())
    }

    pub(crate) fn with(kit: GitRepo) -> Self {
        let tip = kit.commit(
            SEN,
            "base",
            &[
                ("app.py", CODE),
                ("other.txt", "one\ntwo\nthree\n"),
                ("far.txt", "far\n"),
            ],
        );
        Self {
            git: Repo::open(kit.path()).unwrap(),
            kit,
            people: vec![usual_people()],
            authors: BTreeSet::from(["jun".to_owned()]),
            unattributed: Vec::new(),
            change: Some(CHANGE.to_owned()),
            target: TARGET.to_owned(),
            involvement: Verdict::Yes,
            landing: Landing::EveryCommit,
            demand_exact: false,
            target_tip: tip,
            minutes: Cell::new(0),
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        start() + SignedDuration::from_mins(self.minutes.get() + 1)
    }

    /// Junior's branch with one change of the code.
    pub(crate) fn feature(&self) -> String {
        self.kit.branch("feature");
        self.kit.commit(JUN, "change", &[("app.py", &edited(5))])
    }

    /// Moves the protected branch by one commit.
    pub(crate) fn advance(&mut self, files: &[(&str, &str)]) -> String {
        self.kit.switch("main");
        self.target_tip = self.kit.commit(SEN, "meanwhile", files);
        self.target_tip.clone()
    }

    pub(crate) fn proposed(&self, head: &str) -> Proposed {
        self.git
            .proposed(&oid(&self.target_tip), &oid(head))
            .unwrap()
    }

    pub(crate) fn content(&self, head: &str) -> Content {
        Content::Merge(self.proposed(head).content)
    }

    /// Signs and stores; returns the statement's hash.
    pub(crate) fn put(&self, mut it: SignOff) -> Digest {
        self.minutes.set(self.minutes.get() + 1);
        let head = self.git.signoffs_head().unwrap();
        it.signed.prev = head.prev;
        if it.signed.nonce.is_empty() {
            it.signed.nonce = format!("{:016}", self.minutes.get());
        }
        if it.signed.issued_at == Timestamp::UNIX_EPOCH {
            it.signed.issued_at = start() + SignedDuration::from_mins(self.minutes.get());
        }
        if it.signed.roster == Digest::of(usual_people().as_bytes()) {
            it.signed.roster = Digest::of(self.people.last().unwrap().as_bytes());
        }
        let key = key_of(&it.signed.person);
        let envelope = seal(&of(it), &key);
        self.git.add_signoff(&head, &envelope).unwrap();
        envelope.statement_id()
    }

    pub(crate) fn say_with(
        &self,
        person: &str,
        stance: Stance,
        head: &str,
        tweak: impl FnOnce(&mut SignOff),
    ) -> Digest {
        let mut it = signoff(person, stance, &self.content(head));
        it.about.target.clone_from(&self.target);
        tweak(&mut it);
        self.put(it)
    }

    pub(crate) fn say(&self, person: &str, stance: Stance, head: &str) -> Digest {
        self.say_with(person, stance, head, |_| ())
    }

    pub(crate) fn approve(&self, person: &str, head: &str) -> Digest {
        self.say(person, Stance::Approve, head)
    }

    pub(crate) fn verify(&self, head: &str) -> Verified {
        let today = self.proposed(head);
        let files: Vec<&str> = self.people.iter().map(String::as_str).collect();
        let known = rosters(&files);
        let now = roster::parse(self.people.last().unwrap(), "people.toml").unwrap();
        let content = Content::Merge(today.content.clone());
        let change = Change {
            repository: REPOSITORY,
            target: &self.target,
            change: self.change.as_deref(),
            content: &content,
            authors: &self.authors,
            unattributed: &self.unattributed,
            involvement: self.involvement,
            policy: Digest::of(b"policy"),
            demand_exact: self.demand_exact,
            landing: self.landing,
            questions: &[],
            review: None,
        };
        let rosters = Rosters {
            now: &now,
            known: &known,
        };
        let ground = |signed: &Merge| {
            self.git
                .ground(signed, &today)
                .map_err(|error| error.to_string())
        };
        verify(
            &self.git.signoffs().unwrap(),
            &change,
            rosters,
            &ground,
            self.now(),
        )
    }

    /// Whether the gate lets it through: one standing approval by a senior or
    /// above, and no standing veto.
    pub(crate) fn passes(&self, head: &str) -> bool {
        let verified = self.verify(head);
        let roster = roster::parse(self.people.last().unwrap(), "people.toml").unwrap();
        let senior = roster.levels().get("senior").unwrap();
        let is_senior = |id: &str| roster.by_id(id).is_some_and(|it| it.level >= senior);
        let vetoed = verified.accepted.iter().any(|it| it.stance == Stance::Veto);
        let approved = verified
            .accepted
            .iter()
            .any(|it| it.stance == Stance::Approve && is_senior(&it.person));
        approved && !vetoed
    }

    /// What the gate says about every statement.
    pub(crate) fn reasons(&self, head: &str) -> String {
        let verified = self.verify(head);
        let kept = verified.accepted.iter().map(|it| {
            let kept = it
                .kept
                .as_ref()
                .map_or_else(|| "stands".to_owned(), ToString::to_string);
            format!("{}: {kept}", it.person)
        });
        let ignored = verified
            .ignored
            .iter()
            .map(|it| format!("{}: {}", it.person, it.reason));
        // Commit ids are fixed by the kit, but they are noise here.
        kept.chain(ignored).collect::<Vec<_>>().join("\n")
    }

    #[track_caller]
    pub(crate) fn held(&self, head: &str, because: &str) {
        let reasons = self.reasons(head);
        assert!(!self.passes(head), "passes: {reasons}");
        assert!(reasons.contains(because), "{reasons}");
    }

    #[track_caller]
    pub(crate) fn allowed(&self, head: &str, because: &str) {
        let reasons = self.reasons(head);
        assert!(self.passes(head), "held: {reasons}");
        assert!(reasons.contains(because), "{reasons}");
    }

    /// Rebases the branch `feature` onto main.
    pub(crate) fn rebase(&self) -> String {
        self.kit.switch("feature");
        self.kit.git(&["rebase", "-q", "main"]);
        self.kit.head()
    }
}

/// [`CODE`] with a line inserted after line `after`.
pub(crate) fn edited(after: usize) -> String {
    inserted(after, "    return True")
}

pub(crate) fn inserted(after: usize, line: &str) -> String {
    let mut lines: Vec<&str> = CODE.lines().collect();
    lines.insert(after, line);
    lines.join("\n") + "\n"
}

/// The sign-off in a statement.
pub(crate) fn inner(statement: &Statement) -> &SignOff {
    match statement {
        Statement::SignOff(it) => it,
        _ => panic!("not a sign-off"),
    }
}
