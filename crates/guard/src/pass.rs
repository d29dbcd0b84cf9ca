//! Passes: signed statements by people that let one held action run once.
//!
//! A pass is a sign-off like any other (in-toto statement, DSSE, the person's SSH
//! key), about [`Content::Action`] and the action's hash, exact, and expiring.

use countersign_core::decide::{Said, SignOff};
use countersign_core::involvement::Verdict as Ai;
use countersign_core::signoff::Digest;
use countersign_core::signoff::content::{Artifact, Content};
use countersign_core::signoff::dsse::Envelope;
use countersign_core::signoff::statement::{
    About, Answer, Binding, Claims, Shown, SignOff as Signoff, Signed, Stance, Statement,
};
use jiff::{SignedDuration, Timestamp};

use crate::compiled::{Compiled, Rules};
use crate::redact::redact;
use crate::ticket::{Ticket, id_of};

/// How long a pass lasts unless its signer says otherwise.
pub const LIFETIME: SignedDuration = SignedDuration::from_mins(15);
/// The longest a pass can last.
pub const MAX_LIFETIME: SignedDuration = SignedDuration::from_hours(8);
/// How far apart the clocks of signer and guard may be.
const SKEW: SignedDuration = SignedDuration::from_secs(60);
/// The longest name of an action in a statement, in characters.
const MAX_NAME: usize = 200;

/// Why a pass does not count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PassError {
    /// Not an envelope with a statement of ours.
    #[error("it is not a pass: {0}")]
    Malformed(String),
    /// The signature is wrong.
    #[error("its signature does not hold: {0}")]
    Signature(String),
    /// Not an approval of an action.
    #[error("it is no approval of an action")]
    Kind,
    /// About another action.
    #[error("it is for another action")]
    OtherAction,
    /// For another repository.
    #[error("it is for another repository")]
    OtherRepository,
    /// No end, too long, over, or not begun.
    #[error("it has expired, or lasts longer than a pass may")]
    Expired,
    /// Signed with a key that nobody on the roster has, or that no longer counts.
    #[error("nobody on the roster has the key {0}")]
    UnknownKey(String),
    /// The key is another person's.
    #[error("the key is not that of `{0}`")]
    NotTheirs(String),
    /// Made under another roster or policy.
    #[error("it was made under other rules than those compiled now")]
    OtherRules,
    /// It lacks an answer that the rules demand.
    #[error("it does not answer `{0}`")]
    Unanswered(String),
}

/// A pass that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    /// The statement's hash: spent once.
    pub statement: Digest,
    /// For the decision.
    pub signoff: SignOff,
}

/// The statement that a person signs for a ticket.
#[must_use]
pub fn statement(
    ticket: &Ticket,
    compiled: &Compiled,
    rules: &Rules,
    outranks: bool,
    answers: Vec<Answer>,
    lifetime: SignedDuration,
    signed: Signed,
) -> Statement {
    let digest = ticket.action.digest();
    let expires_at = signed
        .issued_at
        .checked_add(lifetime.min(MAX_LIFETIME))
        .ok();
    Statement::SignOff(Box::new(Signoff {
        decision: Stance::Approve,
        about: About {
            repository: compiled.repository.clone(),
            target: ticket.action.target.clone(),
            change: id_of(&digest),
            content: Content::Action(Artifact {
                name: name_of(ticket),
                sha256: digest,
            }),
        },
        binding: Binding::Exact,
        authors: compiled.operator.iter().cloned().collect(),
        claims: Claims {
            outranks_author: outranks,
            rules: ticket.rules.clone(),
        },
        involvement: Shown {
            verdict: Ai::Yes,
            evidence: Vec::new(),
        },
        policy: policy_digest(rules),
        expires_at,
        message: None,
        answers,
        shown_at: None,
        revokes: None,
        break_glass: None,
        signed,
    }))
}

/// The digest of the policy in force, as statements carry it.
#[must_use]
pub fn policy_digest(rules: &Rules) -> Digest {
    rules
        .policy
        .digest
        .parse()
        .unwrap_or_else(|_| Digest::of(b""))
}

/// What the statement calls the action: one line without secrets or control
/// characters.
fn name_of(ticket: &Ticket) -> String {
    let line: String = redact(&ticket.action.line())
        .chars()
        .map(|c| if c.is_control() || is_mark(c) { ' ' } else { c })
        .take(MAX_NAME)
        .collect();
    if line.trim().is_empty() {
        ticket
            .action
            .tool
            .chars()
            .filter(|c| !c.is_control())
            .take(MAX_NAME)
            .collect()
    } else {
        line
    }
}

/// Marks that hide or reorder text.
const fn is_mark(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Checks one pass for an action. `questions` are those that it has to answer.
///
/// # Errors
/// [`PassError`]: it does not count.
pub fn check(
    envelope: &[u8],
    action: &Digest,
    compiled: &Compiled,
    rules: &Rules,
    questions: &[String],
    now: Timestamp,
) -> Result<Counted, PassError> {
    let envelope =
        Envelope::parse(envelope).map_err(|error| PassError::Malformed(error.to_string()))?;
    let statement = Statement::parse(envelope.payload())
        .map_err(|error| PassError::Malformed(error.to_string()))?;
    let Statement::SignOff(signoff) = &statement else {
        return Err(PassError::Kind);
    };
    let Content::Action(artifact) = &signoff.about.content else {
        return Err(PassError::Kind);
    };
    if signoff.decision != Stance::Approve {
        return Err(PassError::Kind);
    }
    if artifact.sha256 != *action {
        return Err(PassError::OtherAction);
    }
    if signoff.about.repository != compiled.repository {
        return Err(PassError::OtherRepository);
    }
    let at = signoff.signed.issued_at;
    let lasts = signoff
        .expires_at
        .filter(|end| *end > now && end.duration_since(at) <= MAX_LIFETIME);
    if lasts.is_none() || at.duration_since(now) > SKEW {
        return Err(PassError::Expired);
    }
    if signoff.policy != policy_digest(rules) || signoff.signed.roster != rules.people {
        return Err(PassError::OtherRules);
    }
    let proven = envelope
        .verify()
        .map_err(|error| PassError::Signature(error.to_string()))?;
    if proven.fingerprint != signoff.signed.key {
        return Err(PassError::Signature("it names another key".to_owned()));
    }
    let (person, key) = rules
        .roster
        .by_key(&proven.key)
        .ok_or_else(|| PassError::UnknownKey(proven.fingerprint.clone()))?;
    if !key.is_valid_at(at) || !key.is_valid_at(now) {
        return Err(PassError::UnknownKey(proven.fingerprint));
    }
    if person.id != signoff.signed.person {
        return Err(PassError::NotTheirs(signoff.signed.person.clone()));
    }
    let answered = |question: &String| {
        let mut answers = signoff.answers.iter();
        answers.any(|it| it.question == *question)
    };
    if let Some(open) = questions.iter().find(|it| !answered(it)) {
        return Err(PassError::Unanswered(open.clone()));
    }
    let index = rules
        .roster
        .index_of(&person.id)
        .ok_or_else(|| PassError::NotTheirs(person.id.clone()))?;
    Ok(Counted {
        statement: envelope.statement_id(),
        signoff: SignOff {
            person: index,
            said: Said::Approve,
            // A signer's clock may be a little ahead; it is not in the future.
            at: at.min(now),
            exact: true,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::{Action, Ground};
    use crate::agent::Agent;
    use crate::compiled::tests::{compiled, now};
    use crate::protocol::ToolCall;
    use countersign_testkit::signing::{key_of, seal, signed};
    use serde_json::json;

    fn ticket(command: &str) -> Ticket {
        let call = ToolCall {
            tool: "Bash".to_owned(),
            input: json!({ "command": command }),
            cwd: None,
            session: None,
            event: String::new(),
        };
        let ground = Ground {
            cwd: "/w".to_owned(),
            root: None,
            head: None,
            environment: Digest::of(b""),
            files: Vec::new(),
        };
        let action = Action::new(
            Agent::Kiro,
            &call,
            ground,
            "production",
            Vec::new(),
            Vec::new(),
        );
        Ticket::new(
            action,
            vec!["agent-alone".to_owned()],
            Vec::new(),
            None,
            None,
            now(),
        )
    }

    fn by(person: &str) -> Signed {
        Signed {
            nonce: "0123456789abcdef".to_owned(),
            issued_at: now(),
            ..signed(person)
        }
    }

    fn envelope(person: &str, key: &str, change: impl Fn(&mut Signoff)) -> Vec<u8> {
        let rules = compiled().open().unwrap();
        let Statement::SignOff(mut it) = statement(
            &ticket("terraform destroy"),
            &compiled(),
            &rules,
            true,
            Vec::new(),
            LIFETIME,
            by(person),
        ) else {
            unreachable!()
        };
        change(&mut it);
        seal(&Statement::SignOff(it), &key_of(key)).to_bytes()
    }

    fn checked(bytes: &[u8], command: &str, at: Timestamp) -> Result<Counted, PassError> {
        asked(bytes, command, &[], at)
    }

    fn asked(
        bytes: &[u8],
        command: &str,
        questions: &[String],
        at: Timestamp,
    ) -> Result<Counted, PassError> {
        let rules = compiled().open().unwrap();
        check(
            bytes,
            &ticket(command).action.digest(),
            &compiled(),
            &rules,
            questions,
            at,
        )
    }

    #[test]
    fn a_pass_answers_what_is_demanded() {
        let questions = ["What is lost?".to_owned(), "And then?".to_owned()];
        let answers = |given: &[(&str, &str)]| {
            envelope("sen", "sen", |it| {
                it.answers = given
                    .iter()
                    .map(|(question, answer)| Answer {
                        question: (*question).to_owned(),
                        answer: (*answer).to_owned(),
                    })
                    .collect();
            })
        };
        let checked = |bytes: &[u8]| asked(bytes, "terraform destroy", &questions, now());
        let open = |question: &str| Err(PassError::Unanswered(question.to_owned()));
        assert_eq!(checked(&answers(&[])), open("What is lost?"));
        let one = answers(&[("What is lost?", "nothing")]);
        assert_eq!(checked(&one), open("And then?"));
        let other = answers(&[("What is lost?", "nothing"), ("And then", "nothing")]);
        assert_eq!(checked(&other), open("And then?"));
        let both = answers(&[("And then?", "restore"), ("What is lost?", "nothing")]);
        assert!(checked(&both).is_ok());
        // Whitespace is no answer: such a statement is not even one.
        let blank = answers(&[("What is lost?", " "), ("And then?", "restore")]);
        assert!(matches!(checked(&blank), Err(PassError::Malformed(_))));
    }

    #[test]
    fn a_pass_counts_for_its_action_alone() {
        let pass = envelope("sen", "sen", |_| {});
        assert!(checked(&pass, "terraform destroy", now()).is_ok());
        assert_eq!(
            checked(&pass, "terraform destroy ", now()),
            Err(PassError::OtherAction)
        );
    }

    #[test]
    fn what_does_not_count() {
        let late = now() + LIFETIME;
        let pass = envelope("sen", "sen", |_| {});
        assert_eq!(
            checked(&pass, "terraform destroy", late),
            Err(PassError::Expired)
        );
        let stranger = envelope("sen", "zoe", |_| {});
        assert!(matches!(
            checked(&stranger, "terraform destroy", now()),
            Err(PassError::Signature(_))
        ));
        let agent = envelope("zoe", "zoe", |_| {});
        assert!(matches!(
            checked(&agent, "terraform destroy", now()),
            Err(PassError::UnknownKey(_))
        ));
        for (change, wanted) in [
            (
                (|it| it.about.repository = "other".to_owned()) as fn(&mut Signoff),
                PassError::OtherRepository,
            ),
            (|it| it.expires_at = None, PassError::Expired),
            (
                |it| {
                    it.expires_at = it
                        .signed
                        .issued_at
                        .checked_add(SignedDuration::from_hours(9))
                        .ok();
                },
                PassError::Expired,
            ),
            (|it| it.decision = Stance::Veto, PassError::Kind),
            (|it| it.policy = Digest::of(b"old"), PassError::OtherRules),
            (
                |it| it.signed.roster = Digest::of(b"old"),
                PassError::OtherRules,
            ),
            (
                |it| it.signed.issued_at += SignedDuration::from_mins(5),
                PassError::Expired,
            ),
        ] {
            assert_eq!(
                checked(&envelope("sen", "sen", change), "terraform destroy", now()),
                Err(wanted)
            );
        }
        for damage in [
            b"".to_vec(),
            b"{}".to_vec(),
            pass[..pass.len() / 2].to_vec(),
        ] {
            assert!(matches!(
                checked(&damage, "terraform destroy", now()),
                Err(PassError::Malformed(_))
            ));
        }
    }

    #[test]
    fn the_name_in_the_statement_is_one_line_without_secrets() {
        let it = ticket("PGPASSWORD=hunter2 psql \n\u{202e}x");
        let name = name_of(&it);
        assert!(
            !name.contains("hunter2") && !name.contains(['\n', '\u{202e}']),
            "{name}"
        );
    }
}
