//! Known ways to get a change past a gate, one test each, in the order in which
//! they are usually listed. Where an attack needs a forge, the test is made
//! without one and says so.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests"
)]

mod scene;

use countersign_core::involvement::Verdict;
use countersign_core::signoff::carry::{Dropped, Landing};
use countersign_core::signoff::chain::{Chain, Holds, Node};
use countersign_core::signoff::content::{Blob, Content, Transition, transition_digest};
use countersign_core::signoff::dsse::Envelope;
use countersign_core::signoff::sshsig::{self, SigError};
use countersign_core::signoff::statement::{SignOff, Stance, Statement, StatementError};
use countersign_core::signoff::{Digest, dsse};
use countersign_git::signoffs::{Head, REF};
use countersign_testkit::signing::{
    fingerprint, key, key_of, of, people_toml, public, seal, signed, signoff, start, usual_people,
};
use jiff::SignedDuration;
use scene::{CODE, JUN, SEN, Scene, edited, inserted, oid};

#[test]
fn push_after_approve() {
    let scene = Scene::new();
    let head = scene.feature();
    scene.approve("sen", &head);
    scene.allowed(&head, "exactly what was signed");
    let pushed = scene.kit.commit(JUN, "fixup", &[("app.py", &edited(2))]);
    scene.held(
        &pushed,
        "`app.py` would land with other content than was signed",
    );
}

#[test]
fn approve_then_force_push_back_and_forth() {
    let scene = Scene::new();
    let first = scene.feature();
    scene.approve("sen", &first);
    let second = scene.kit.commit(JUN, "fix", &[("app.py", &edited(2))]);
    scene.held(&second, "would land with other content");
    // Back to what was signed and never replaced by another approval.
    scene.allowed(&first, "exactly what was signed");
    // The fixed version is approved; the abandoned one must not come back.
    scene.approve("sen", &second);
    scene.allowed(&second, "exactly what was signed");
    scene.held(&first, "its signer signed again later");
}

/// The gate is asked about the head that lands, at the moment it lands; being
/// armed earlier leaves nothing behind that could be reused.
#[test]
fn auto_merge_armed_before_the_head_changed() {
    let mut scene = Scene::new();
    let head = scene.feature();
    scene.approve("sen", &head);
    let signed = scene.proposed(&head).content;
    scene.kit.commit(JUN, "late", &[("other.txt", "late\n")]);
    let before = scene.target_tip.clone();
    scene.kit.switch("main");
    scene.target_tip = scene.kit.squash("feature", SEN, "auto-merge");
    let landed = scene
        .git
        .explain_landing(&oid(&before), &oid(&scene.target_tip), &[&signed])
        .unwrap();
    assert_eq!(landed[0].proof, Err(None));
}

#[test]
fn review_left_on_an_older_commit() {
    let scene = Scene::new();
    let older = scene.feature();
    let newer = scene.kit.commit(JUN, "more", &[("app.py", &edited(2))]);
    // Signed after the push, but for the older commit.
    scene.approve("sen", &older);
    scene.held(&newer, "would land with other content");
}

#[test]
fn back_dated_committer_time() {
    let scene = Scene::new();
    let head = scene.feature();
    scene.approve("sen", &head);
    scene.kit.write("app.py", edited(2));
    let old = "2001-01-01T00:00:00Z";
    let mut commit = scene.kit.command();
    commit.args(["commit", "-q", "-a", "-m", "older than the approval"]);
    commit
        .env("GIT_COMMITTER_DATE", old)
        .env("GIT_AUTHOR_DATE", old);
    assert!(commit.status().unwrap().success());
    scene.held(&scene.kit.head(), "would land with other content");
    // A sign-off cannot be dated back either.
    scene.say_with("sue", Stance::Approve, &head, |it| {
        it.signed.issued_at = start() - SignedDuration::from_hours(24);
    });
    let reasons = scene.reasons(&head);
    assert!(
        reasons.contains("sue: it is dated before statements"),
        "{reasons}"
    );
}

/// Who pushed is known to the gate whatever the commits say.
#[test]
fn forged_author_mailbox() {
    let mut scene = Scene::new();
    scene.kit.branch("feature");
    // The senior writes under the junior's mailbox and pushes.
    let head = scene.kit.commit(JUN, "by sen", &[("app.py", &edited(5))]);
    scene.authors = ["jun", "sen"].map(str::to_owned).into();
    scene.approve("sen", &head);
    scene.held(&head, "sen: the signer made the change");
}

#[test]
fn unmapped_author_mailbox() {
    let mut scene = Scene::new();
    let head = scene.feature();
    scene.unattributed = vec!["sen@private.example".to_owned()];
    scene.approve("sen", &head);
    scene.held(&head, "`sen@private.example`, who is not on the roster");
    scene.approve("sue", &head);
    scene.allowed(&head, "sue: kept");
}

#[test]
fn second_key_of_one_person() {
    let mut scene = Scene::new();
    let head = scene.feature();
    let keys = format!(
        "keys = [{{ ssh = \"{}\" }}, {{ ssh = \"{}\" }}]",
        public(&key_of("sen")),
        public(&key(99))
    );
    scene.people.push(people_toml(&[("sen", "senior", &keys)]));
    scene.approve("sen", &head);
    let at = scene.git.signoffs_head().unwrap();
    let mut it = signoff("sen", Stance::Approve, &scene.content(&head));
    it.signed.roster = Digest::of(scene.people[1].as_bytes());
    it.signed.key = fingerprint(&key(99));
    it.signed.nonce = "a-nonce-of-its-own".to_owned();
    it.signed.issued_at = scene.now();
    it.signed.prev = at.prev;
    scene
        .git
        .add_signoff(&at, &seal(&of(it), &key(99)))
        .unwrap();
    let verified = scene.verify(&head);
    assert_eq!(verified.accepted.len(), 1, "{}", scene.reasons(&head));
    assert!(scene.reasons(&head).contains("a person counts once"));
}

/// An account on a forge is one more identity of a person on the roster, as a
/// key is; two accounts of one person lead to one person.
#[test]
fn second_account_of_one_person() {
    let accounts = "accounts = [\"github:sen\", \"gitlab:sen2\"]";
    let text = people_toml(&[("sen", "senior", accounts)]);
    let roster = countersign_core::roster::parse(&text, "people.toml").unwrap();
    let first = roster.by_account("github", "sen");
    assert!(first.is_some());
    assert_eq!(first, roster.by_account("gitlab", "sen2"));
}

#[test]
fn approver_is_co_author_committer_or_agent_operator() {
    let mut scene = Scene::new();
    let head = scene.feature();
    // Whichever part they had, those who made the change are one set.
    scene.authors = ["jun", "sen", "sue", "pat"].map(str::to_owned).into();
    for person in ["jun", "sen", "sue", "pat"] {
        scene.approve(person, &head);
    }
    scene.held(&head, "pat: the signer made the change");
    assert!(scene.verify(&head).accepted.is_empty());
}

#[test]
fn bot_or_app_approval() {
    let scene = Scene::new();
    let head = scene.feature();
    scene.approve("robot", &head);
    scene.held(&head, "bots and agents never count");
}

#[test]
fn edited_approval() {
    let scene = Scene::new();
    let head = scene.feature();
    let veto = scene.say("sen", Stance::Veto, &head);
    // Whoever can write to the repository turns the veto into an approval.
    let chain = scene.git.signoffs().unwrap();
    let entry = &chain.entries()[0];
    assert_eq!(entry.statement_id, veto);
    let Statement::SignOff(mut it) = entry.statement.clone() else {
        panic!()
    };
    it.decision = Stance::Approve;
    let text = String::from_utf8(entry.envelope.to_bytes()).unwrap();
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    let old = json["payload"].as_str().unwrap().to_owned();
    let new = Envelope::new(of(*it).to_bytes(), Vec::new()).to_bytes();
    let new: serde_json::Value = serde_json::from_slice(&new).unwrap();
    let edited = text.replace(&old, new["payload"].as_str().unwrap());
    let edited = Envelope::parse(edited.as_bytes()).unwrap();
    scene.kit.git(&["update-ref", "-d", REF]);
    let empty = scene.git.signoffs_head().unwrap();
    scene.git.add_signoff(&empty, &edited).unwrap();
    scene.held(&head, "sen: the signature does not fit");
}

#[test]
fn dismissed_later_veto_reviving_an_old_approval() {
    let scene = Scene::new();
    let head = scene.feature();
    scene.approve("sen", &head);
    let veto = scene.say("sen", Stance::Veto, &head);
    scene.held(&head, "sen: stands");
    scene.say_with("sen", Stance::Revoke, &head, |it| it.revokes = Some(veto));
    scene.held(
        &head,
        "lifting a veto does not bring an earlier approval back",
    );
    scene.approve("sen", &head);
    scene.allowed(&head, "exactly what was signed");
}

#[test]
fn base_branch_retarget_after_approval() {
    let mut scene = Scene::new();
    let head = scene.feature();
    scene.target = "refs/heads/playground".to_owned();
    scene.approve("sen", &head);
    scene.allowed(&head, "exactly what was signed");
    scene.target = "refs/heads/main".to_owned();
    scene.held(&head, "it is for `refs/heads/playground`");
}

#[test]
fn base_moved_under_the_same_files() {
    let mut scene = Scene::new();
    let head = scene.feature();
    scene.approve("sen", &head);
    let moved = CODE.replacen("def admin(user):", "def admin(user, force):", 1);
    scene.advance(&[("app.py", &moved)]);
    scene.held(&head, "the target branch changed `app.py`");
    let rebased = scene.rebase();
    scene.held(&rebased, "the target branch changed `app.py`");
}

/// What `git patch-id` says about two versions of `app.py`.
fn same_patch(scene: &Scene, a: &str, b: &str, context: &str) -> bool {
    let id = |content: &str| {
        let kit = &scene.kit;
        kit.git(&["switch", "-q", "--detach", "main"]);
        kit.commit(JUN, "probe", &[("app.py", content)]);
        let diff = kit.git(&["diff", context, "HEAD~1", "HEAD"]);
        let mut child = kit
            .command()
            .args(["patch-id", "--stable"])
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let diff = diff + "\n";
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), diff.as_bytes()).unwrap();
        let out = child.wait_with_output().unwrap().stdout;
        String::from_utf8(out)
            .unwrap()
            .split(' ')
            .next()
            .unwrap()
            .to_owned()
    };
    id(a) == id(b)
}

/// The signed change is replaced by one with the same patch hash.
fn transplant(context: &str, honest: &str, evil: &str) {
    let scene = Scene::new();
    assert!(same_patch(&scene, honest, evil, context));
    scene.kit.switch("main");
    scene.kit.branch("feature");
    let head = scene.kit.commit(JUN, "change", &[("app.py", honest)]);
    scene.approve("sen", &head);
    scene.allowed(&head, "exactly what was signed");
    scene.kit.git(&["reset", "-q", "--hard", "main"]);
    let moved = scene.kit.commit(JUN, "change", &[("app.py", evil)]);
    scene.held(
        &moved,
        "`app.py` would land with other content than was signed",
    );
    // Nor does it land under the name of the signed one.
    let signed = scene.proposed(&head).content;
    let units = scene
        .git
        .explain_landing(&oid(&scene.target_tip), &oid(&moved), &[&signed])
        .unwrap();
    assert_eq!(units[0].proof, Err(None));
}

#[test]
fn hunk_transplanted_to_identical_context() {
    // Both functions have the same three lines before and after.
    transplant("-U3", &edited(5), &edited(15));
}

#[test]
fn hunk_transplanted_to_another_function() {
    transplant("-U0", &edited(2), &edited(13));
}

#[test]
fn whitespace_only_semantic_change() {
    // Without its indentation, the line leaves the function.
    let evil = inserted(5, "return True");
    transplant("-U3", &edited(5), &evil);
}

#[test]
fn crafted_conflict_resolution_in_an_update_merge() {
    let mut scene = Scene::new();
    let head = scene.feature();
    scene.approve("sen", &head);
    scene.advance(&[("far.txt", "further\n")]);
    scene.kit.switch("feature");
    // Looks like "update branch", carries more.
    scene
        .kit
        .git(&["merge", "-q", "--no-commit", "--no-ff", "main"]);
    scene.kit.write("other.txt", "smuggled\n");
    scene.kit.git(&[
        "commit",
        "-q",
        "-a",
        "-m",
        "Merge branch 'main' into feature",
    ]);
    scene.held(
        &scene.kit.head(),
        "`other.txt` would land with other content",
    );
    // Even an honest one is not carried: it asks for a new look.
    scene.kit.git(&["reset", "-q", "--hard", "HEAD~1"]);
    scene.kit.merge("main", "Merge branch 'main' into feature");
    scene.held(&scene.kit.head(), "include a merge, which is never carried");
}

#[test]
fn merge_commit_smuggling_unreviewed_reachable_commits() {
    let mut scene = Scene::new();
    let head = scene.feature();
    let signed = scene.proposed(&head).content;
    scene.approve("sen", &head);
    // The same result by a detour: a secret is added and taken out again.
    scene.kit.git(&["reset", "-q", "--hard", "main"]);
    scene
        .kit
        .commit(JUN, "detour", &[("secret.txt", "secret\n")]);
    scene.kit.git(&["rm", "-q", "secret.txt"]);
    let detour = scene.kit.commit(JUN, "change", &[("app.py", &edited(5))]);
    scene.held(&detour, "they are not one by one those that were signed");
    let before = scene.target_tip.clone();
    scene.kit.switch("main");
    scene.target_tip = scene.kit.merge("feature", "merge");
    let landed = |scene: &Scene| {
        let units = scene
            .git
            .explain_landing(&oid(&before), &oid(&scene.target_tip), &[&signed])
            .unwrap();
        units[0].proof.clone()
    };
    assert_eq!(landed(&scene), Err(Some(Dropped::CommitsDiffer)));
    // As a squash, only the signed result becomes reachable.
    scene.kit.git(&["reset", "-q", "--hard", &before]);
    scene.target_tip = scene.kit.squash("feature", SEN, "squash");
    assert!(landed(&scene).is_ok());
}

#[test]
fn stacked_parent_changed() {
    let scene = Scene::new();
    let lower = scene.feature();
    scene.kit.branch("upper");
    let upper = scene.kit.commit(JUN, "upper", &[("other.txt", "x\n")]);
    scene.approve("sen", &upper);
    scene.allowed(&upper, "exactly what was signed");
    // The change below is rewritten, the one above rebased onto it.
    scene.kit.git(&["switch", "-q", "feature"]);
    scene.kit.git(&["reset", "-q", "--hard", "main"]);
    scene.kit.commit(
        JUN,
        "change",
        &[("app.py", &inserted(5, "    return None"))],
    );
    scene
        .kit
        .git(&["rebase", "-q", "--onto", "feature", &lower, "upper"]);
    scene.held(&scene.kit.head(), "`app.py` would land with other content");
}

#[test]
fn queue_batch_reordered() {
    let mut scene = Scene::new();
    let first = scene.feature();
    let first_signed = scene.proposed(&first).content;
    scene.kit.switch("main");
    scene.kit.branch("second");
    // Merges without a conflict in either order, with another result.
    let below = CODE.replacen("end(user)\n\n", "finish(user)\n\n", 1);
    let second = scene.kit.commit(JUN, "second", &[("app.py", &below)]);
    let before = scene.target_tip.clone();
    // The second was signed as landing after the first.
    scene.kit.switch("main");
    scene.target_tip = scene.kit.squash("feature", SEN, "first");
    let second_signed = scene.proposed(&second).content;
    let proofs = |scene: &Scene| {
        let tip = oid(&scene.kit.head());
        let signed = [&first_signed, &second_signed];
        let units = scene.git.explain_landing(&oid(&before), &tip, &signed);
        units
            .unwrap()
            .into_iter()
            .map(|unit| unit.proof.is_ok())
            .collect::<Vec<_>>()
    };
    scene.kit.squash("second", SEN, "second");
    assert_eq!(proofs(&scene), [true, true]);
    scene.kit.git(&["reset", "-q", "--hard", &before]);
    scene.kit.squash("second", SEN, "second");
    scene.kit.squash("feature", SEN, "first");
    assert_eq!(proofs(&scene), [false, false]);
}

#[test]
fn policy_and_roster_changed_in_the_same_change() {
    let mut scene = Scene::new();
    let path = ".countersign/people.toml";
    let before = usual_people();
    scene.target_tip = scene.kit.commit(SEN, "roster", &[(path, &before)]);
    scene.kit.branch("feature");
    let promoted = before.replace("level = \"mid\"", "level = \"senior\"");
    let head = scene.kit.commit(
        JUN,
        "promote mid",
        &[("app.py", &edited(5)), (path, &promoted)],
    );
    // Only what the protected branch has had is a roster.
    let versions = scene
        .git
        .versions_of(&oid(&scene.target_tip), path)
        .unwrap();
    assert_eq!(versions, [before.clone().into_bytes()]);
    scene.say_with("mid", Stance::Approve, &head, |it| {
        it.signed.roster = Digest::of(promoted.as_bytes());
    });
    scene.held(&head, "a roster that the protected branch never had");
    scene.say_with("mid", Stance::Approve, &head, |_| ());
    scene.held(&head, "mid: kept");
}

#[test]
fn roster_changed_between_approval_and_merge() {
    let mut scene = Scene::new();
    let head = scene.feature();
    scene.approve("sen", &head);
    scene.approve("mid", &head);
    // Departure.
    scene
        .people
        .push(people_toml(&[("sen", "senior", "active = false")]));
    scene.held(&head, "sen: the signer is no longer active");
    // Demotion.
    scene.people.push(people_toml(&[("sen", "mid", "")]));
    scene.held(&head, "sen: kept");
    // Promotion: what a mid-level engineer signed is no senior's sign-off.
    scene.people.push(people_toml(&[("mid", "senior", "")]));
    scene.held(&head, "mid: the signer was mid then and is senior now");
    scene.approve("mid", &head);
    scene.allowed(&head, "mid: kept");
}

#[test]
fn stale_team_membership() {
    let mut scene = Scene::new();
    let head = scene.feature();
    scene.approve("sen", &head);
    // Joined the owning team only after signing.
    let team = "teams = [\"payments\"]";
    scene.people.push(people_toml(&[("sen", "senior", team)]));
    scene.held(&head, "sen: the signer was outside `payments` then");
}

/// Nothing that a forge says counts, only signed statements; an App that writes
/// to the chain is somebody without a key on the roster.
#[test]
fn status_forged_by_another_app() {
    let scene = Scene::new();
    let head = scene.feature();
    let mut it = signoff("sen", Stance::Approve, &scene.content(&head));
    it.signed.nonce = "0123456789abcdef".to_owned();
    it.signed.issued_at = start();
    let at = Head {
        commit: None,
        prev: None,
    };
    scene
        .git
        .add_signoff(&at, &seal(&of(it), &key(200)))
        .unwrap();
    scene.held(&head, "it names another key than the one that signed it");
}

/// While the ruleset was off, something landed. It has no proof afterwards.
#[test]
fn ruleset_disabled_then_enabled_again() {
    let mut scene = Scene::new();
    let head = scene.feature();
    let signed = scene.proposed(&head).content;
    let before = scene.target_tip.clone();
    scene.advance(&[("far.txt", "bypassed\n")]);
    let bypassed = scene.kit.head();
    scene.kit.squash("feature", SEN, "feature");
    let units = scene
        .git
        .explain_landing(&oid(&before), &oid(&scene.kit.head()), &[&signed])
        .unwrap();
    assert_eq!(units.len(), 2);
    assert_eq!(
        (units[0].tip.as_str(), &units[0].proof),
        (bypassed.as_str(), &Err(None))
    );
    assert!(units[1].proof.is_ok());
}

/// Deliveries are not what counts: the chain is, and it says what came first,
/// whatever arrives twice, late, or not at all.
#[test]
fn webhook_replayed_out_of_order_or_lost() {
    let scene = Scene::new();
    let head = scene.feature();
    scene.approve("sen", &head);
    let approval = scene.git.signoffs().unwrap().entries()[0].envelope.clone();
    scene.say("sen", Stance::Veto, &head);
    // The approval is delivered again: it says what it was made after.
    let at = scene.git.signoffs_head().unwrap();
    assert!(scene.git.add_signoff(&at, &approval).is_err());
    // Where it belongs, it is there already; on top, it is out of place.
    let empty = Head {
        commit: None,
        prev: None,
    };
    scene.git.add_signoff(&empty, &approval).unwrap();
    assert_eq!(scene.git.signoffs().unwrap().entries().len(), 2);
    let first = scene.kit.git(&["rev-list", "--max-parents=0", REF]);
    let tree = scene.kit.git(&["rev-parse", &format!("{first}^{{tree}}")]);
    let copy = scene
        .kit
        .git(&["commit-tree", &tree, "-p", REF, "-m", "again"]);
    scene.kit.git(&["update-ref", REF, &copy]);
    scene.held(&head, "sen: stands");
}

#[test]
fn ai_trailer_stripped_by_a_rebase() {
    let mut scene = Scene::new();
    scene.kit.branch("feature");
    let message = "change\n\nCo-authored-by: Some Tool <tool@example.com>\n";
    let head = scene.kit.commit(JUN, message, &[("app.py", &edited(5))]);
    scene.approve("sen", &head);
    scene.kit.git(&["commit", "-q", "--amend", "-m", "change"]);
    let stripped = scene.kit.head();
    // The commits no longer say so, but what the signer was shown does.
    scene.involvement = Verdict::Unknown;
    let verified = scene.verify(&stripped);
    assert_eq!(verified.involvement_floor, Some(Verdict::Yes));
    // And who was shown "no AI" did not sign off a change by AI.
    scene.say_with("sue", Stance::Approve, &stripped, |it| {
        it.involvement.verdict = Verdict::Unknown;
        it.signed.nonce = "another-nonce-here".to_owned();
    });
    scene.involvement = Verdict::Yes;
    let reasons = scene.reasons(&stripped);
    assert!(reasons.contains("sue: AI took part"), "{reasons}");
}

/// A commit signature made by git itself, put into an envelope as it is.
#[test]
fn sshsig_namespace_confusion() {
    let scene = Scene::new();
    scene.kit.signing_key(SEN);
    scene.kit.branch("feature");
    let files = [("app.py", edited(5))];
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(path, it)| (*path, it.as_str()))
        .collect();
    let head = scene.kit.commit_with(SEN, SEN, "signed", &files, &["-S"]);
    let commit = scene.git.commit(&oid(&head)).unwrap();
    let armor = commit.signature.unwrap().armor;
    assert_eq!(
        sshsig::SshSig::parse_armored(&armor),
        Err(SigError::Namespace("git".to_owned()))
    );
    let mut it = signoff("sen", Stance::Approve, &scene.content(&head));
    it.signed.nonce = "0123456789abcdef".to_owned();
    it.signed.issued_at = start();
    let envelope = Envelope::new(of(it).to_bytes(), sshsig::unarmor(&armor).unwrap());
    let at = scene.git.signoffs_head().unwrap();
    scene.git.add_signoff(&at, &envelope).unwrap();
    scene.held(&head, "the signature was made for `git`");
}

#[test]
fn dsse_keyid_trusted() {
    let scene = Scene::new();
    let head = scene.feature();
    // The mid signs with their key and writes the senior's key id beside it.
    let mut it = signoff("sen", Stance::Approve, &scene.content(&head));
    it.signed = signed("sen");
    it.signed.nonce = "0123456789abcdef".to_owned();
    it.signed.issued_at = start();
    let payload = of(it).to_bytes();
    let signature = sshsig::sign(&key_of("mid"), &dsse::to_be_signed(&payload)).unwrap();
    let plain = Envelope::new(payload, signature).to_bytes();
    let hint = format!("{{\"keyid\":\"{}\",\"sig\"", fingerprint(&key_of("sen")));
    let hinted = String::from_utf8(plain).unwrap().replace("{\"sig\"", &hint);
    let node = Node {
        id: "n".to_owned(),
        parents: Vec::new(),
        holds: Holds::Envelope(hinted.clone().into_bytes()),
    };
    assert_eq!(Chain::build(vec![node]).entries().len(), 1);
    let at = scene.git.signoffs_head().unwrap();
    let envelope = Envelope::parse(hinted.as_bytes()).unwrap();
    scene.git.add_signoff(&at, &envelope).unwrap();
    scene.held(&head, "it names another key than the one that signed it");
}

#[test]
fn digest_set_any_match_confusion() {
    let scene = Scene::new();
    let head = scene.feature();
    let other = scene.kit.commit(JUN, "other", &[("app.py", &edited(2))]);
    let mixed = |tweak: &dyn Fn(&mut SignOff)| {
        let mut it = signoff("sen", Stance::Approve, &scene.content(&head));
        it.signed.nonce = "0123456789abcdef".to_owned();
        tweak(&mut it);
        of(it)
    };
    // The subject matches by tree, the predicate speaks of another commit.
    let text = String::from_utf8(mixed(&|_| ()).to_bytes()).unwrap();
    let confused = text.replacen(&head, &other, 1);
    assert_eq!(
        Statement::parse(confused.as_bytes()),
        Err(StatementError::Subject)
    );
    // The right tree under another commit, and the other way round, is other
    // content: the statement is for neither.
    let Content::Merge(wrong) = scene.content(&other) else {
        panic!()
    };
    scene.say_with("sen", Stance::Approve, &head, |it| {
        if let Content::Merge(merge) = &mut it.about.content {
            merge.head.commit = wrong.head.commit.clone();
            merge.result = wrong.result.clone();
        }
    });
    scene.held(&head, "dropped");
}

#[test]
fn custom_merge_driver_or_attributes_influencing_replay() {
    let mut scene = Scene::new();
    let head = scene.feature();
    scene.approve("sen", &head);
    // A driver that resolves every conflict, set up in every place there is.
    let kit = &scene.kit;
    let marker = kit.path().join("driver-ran");
    let driver = format!("touch '{}'; true", marker.display());
    kit.git(&["config", "merge.evil.driver", &driver]);
    kit.git(&["config", "merge.default", "evil"]);
    kit.git(&["config", "merge.renames", "true"]);
    std::fs::create_dir_all(kit.path().join(".git/info")).unwrap();
    std::fs::write(kit.path().join(".git/info/attributes"), "* merge=evil\n").unwrap();
    scene.advance(&[
        (".gitattributes", "* merge=evil\n"),
        ("app.py", &inserted(5, "    return False")),
    ]);
    // With the driver, git itself sees no conflict.
    let target = scene.target_tip.clone();
    let naive = scene
        .kit
        .command()
        .args(["merge-tree", "--write-tree", &target, &head])
        .output();
    assert!(naive.unwrap().status.success() && marker.exists());
    std::fs::remove_file(&marker).unwrap();
    assert_eq!(scene.proposed(&head).conflicts, ["app.py"]);
    scene.held(&head, "the change conflicts with the target branch now");
    assert!(!marker.exists());
}

/// Git itself refuses the known collisions, so this is made by hand: the same
/// object names, other bytes.
#[test]
fn sha1_collision_pair() {
    let at = |bytes: &[u8]| {
        let blob = Blob {
            mode: 0o100_644,
            sha256: Digest::of(bytes),
        };
        transition_digest(&[Transition {
            path: b"app.py".to_vec(),
            before: None,
            after: Some(blob),
        }])
    };
    assert_ne!(at(b"good"), at(b"evil"));
    let mut scene = Scene::new();
    let head = scene.feature();
    // What the signer saw had these commit and tree ids, and other bytes.
    scene.say_with("sen", Stance::Approve, &head, |it| {
        if let Content::Merge(merge) = &mut it.about.content
            && let Some(result) = &mut merge.result
        {
            result.digest = at(b"good");
        }
    });
    scene.held(&head, "dropped: this is not the content that was signed");
    scene.landing = Landing::Squash;
    scene.held(&head, "dropped");
}
