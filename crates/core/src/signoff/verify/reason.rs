//! Why a statement does not count, as a type and as a sentence.

use std::fmt;

use jiff::Timestamp;

use crate::signoff::carry::Dropped;
use crate::signoff::sshsig::SigError;

/// Why a statement does not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// The signature is not valid, not ours, or by a weak key.
    Signature(SigError),
    /// The statement names another key than the one that signed.
    KeyClaim,
    /// Nobody on the roster has the key (fingerprint).
    UnknownKey(String),
    /// The statement names another person than the key's owner.
    NotTheirKey {
        /// Whose key it is.
        owner: String,
    },
    /// The key is marked as compromised.
    KeyRevoked,
    /// The key was not yet valid.
    KeyNotYetValid(Timestamp),
    /// The key was no longer valid.
    KeyExpired(Timestamp),
    /// It is not where its signer put it in the chain.
    Moved,
    /// The same statement, or the same nonce, came before.
    Repeated,
    /// Dated in the future.
    FutureDated,
    /// Dated well before something that its signer had already seen.
    BackDated,
    /// Signed under a roster that the protected branch never had.
    UnknownRoster,
    /// Not on the roster, or not active on it, when signing.
    InactiveThen,
    /// Not active any more.
    InactiveNow,
    /// The signer's level is higher now, or they joined a team since.
    Risen {
        /// Then, in words.
        then: String,
        /// Now, in words.
        now: String,
    },
    /// The signer made the change or operated the agent that did.
    Author,
    /// Someone unknown made the change, and it may be the only signer.
    MayBeAuthor(String),
    /// For another protected branch or environment.
    OtherTarget(String),
    /// For another change.
    OtherChange(String),
    /// Taken back by the signer.
    Revoked,
    /// The signer vetoed later or at the same time; lifting that veto does not
    /// bring this back.
    VetoedSince,
    /// The signer vetoed this very content before and has not taken it back.
    VetoStands,
    /// The signer took the veto back, or approved other content after it.
    VetoLifted,
    /// The signer said the same later; a person counts once.
    Superseded,
    /// Its own time is over.
    Expired(Timestamp),
    /// A break-glass whose tip the protected branch has left: it was used, or
    /// something else landed first.
    Spent,
    /// A break-glass for a plan that was let through before.
    LetThrough,
    /// AI involvement turned out greater than the signer was shown.
    InvolvementRose,
    /// Only those who made a change can declare that people alone did.
    NotAnAuthor,
    /// The signer vouched for a change that nobody on the roster made.
    Sponsor,
    /// A self-review is the authors' own.
    NotTheirReview,
    /// A self-review leaves this out.
    ReviewLacks(String),
    /// A question that a rule raises is not answered.
    Unanswered(String),
    /// It is about other content.
    Content(Dropped),
    /// It takes back something that is not there or is not theirs.
    NothingToRevoke,
    /// More statements about one change than are judged.
    TooMany,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Signature(error) => write!(f, "{error}"),
            Self::KeyClaim => f.write_str("it names another key than the one that signed it"),
            Self::UnknownKey(key) => write!(
                f,
                "nobody on the roster has the key {key}; bots and agents never count"
            ),
            Self::NotTheirKey { owner } => write!(f, "it was signed with a key of `{owner}`"),
            Self::KeyRevoked => f.write_str("the key is marked as compromised"),
            Self::KeyNotYetValid(from) => write!(f, "the key was not valid before {from}"),
            Self::KeyExpired(until) => write!(f, "the key was not valid after {until}"),
            Self::Moved => f.write_str("it is not where its signer put it in the chain"),
            Self::Repeated => f.write_str("it repeats an earlier statement"),
            Self::FutureDated => f.write_str("it is dated in the future"),
            Self::BackDated => {
                f.write_str("it is dated before statements that its signer had already seen")
            }
            Self::UnknownRoster => {
                f.write_str("it was signed under a roster that the protected branch never had")
            }
            Self::InactiveThen => f.write_str("the signer was not active on the roster then"),
            Self::InactiveNow => f.write_str("the signer is no longer active on the roster"),
            Self::Risen { then, now } => write!(
                f,
                "the signer was {then} then and is {now} now; to count as that, sign again"
            ),
            Self::Author => f.write_str("the signer made the change, so cannot sign it off"),
            Self::MayBeAuthor(who) if who.is_empty() => f.write_str(
                "nobody says who made it, so that may be the only signer; \
                 name them with `--by` or let a second person sign",
            ),
            Self::MayBeAuthor(who) => write!(
                f,
                "`{who}`, who is not on the roster, made part of it and may be the only signer; \
                 add them to the roster or let a second person sign"
            ),
            Self::OtherTarget(target) => write!(f, "it is for `{target}`"),
            Self::OtherChange(change) => write!(f, "it is for the change `{change}`"),
            Self::Revoked => f.write_str("its signer took it back"),
            Self::VetoedSince => f.write_str(
                "its signer vetoed since; lifting a veto does not bring an earlier approval back",
            ),
            Self::VetoStands => {
                f.write_str("its signer vetoed this very content and has not taken that back")
            }
            Self::VetoLifted => f.write_str("its signer has lifted it"),
            Self::Superseded => f.write_str("its signer signed again later; a person counts once"),
            Self::Expired(at) => write!(f, "it expired at {at}"),
            Self::Spent => f.write_str(
                "the target branch has moved on from the tip it was signed on; \
                 a break-glass counts once, for exactly these commits on exactly that tip",
            ),
            Self::LetThrough => {
                f.write_str("the plan was let through before; a break-glass counts once")
            }
            Self::InvolvementRose => {
                f.write_str("AI took part, which its signer was not shown; sign again")
            }
            Self::NotAnAuthor => {
                f.write_str("only those who made the change can declare that no AI took part")
            }
            Self::Sponsor => f.write_str(
                "the signer reviewed this change in place of its author; someone else has to sign",
            ),
            Self::NotTheirReview => f.write_str("a self-review is by someone who made the change"),
            Self::ReviewLacks(what) => write!(f, "the self-review says nothing about `{what}`"),
            Self::Unanswered(question) => {
                write!(f, "it does not answer `{question}`; sign again")
            }
            Self::Content(dropped) => write!(f, "{dropped}"),
            Self::NothingToRevoke => {
                f.write_str("what it takes back is not there or is someone else's")
            }
            Self::TooMany => f.write_str("there are too many statements about this change"),
        }
    }
}
