//! What is signed: in-toto statements (`in-toto/attestation`, Statement v1)
//! with three predicates of our own.
//!
//! The bytes of a statement are canonical: compact JSON with the fields in one
//! fixed order. Reading refuses any other spelling, unknown fields included, so
//! that all readers see the same statement.
//!
//! A consumer of in-toto matches subjects by digest and takes *any* digest of a
//! set as a match; commit and tree in one set would then mean "either". Here
//! the subject is for such consumers only: it must say what the predicate says,
//! and verification compares the predicate, where everything must match.

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::content::Content;
use super::hash::{Digest, Oid};
use crate::involvement::{Role, Verdict};

/// The `_type` of an in-toto statement.
pub const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";
/// Predicate of a [`SignOff`].
pub const SIGN_OFF: &str = "https://countersign.dev/sign-off/v0.1";
/// Predicate of a [`Declaration`].
pub const DECLARATION: &str = "https://countersign.dev/declaration/v0.1";
/// Predicate of an [`AfterReview`].
pub const AFTER_REVIEW: &str = "https://countersign.dev/after-review/v0.1";

/// The longest free text, in characters.
const MAX_TEXT: usize = 4096;
/// The fewest characters of a nonce: 64 bits in hexadecimal.
const MIN_NONCE: usize = 16;
/// The most questions answered in one statement.
pub const MAX_ANSWERS: usize = 6;
/// The most items affirmed in a self-review.
pub const MAX_ITEMS: usize = 12;
/// The most hunks explained in a self-review.
pub const MAX_HUNKS: usize = 100;

/// Why a statement was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StatementError {
    /// Not JSON, or a field is missing, unknown or of the wrong type.
    #[error("this is not a statement of Countersign: {0}")]
    Json(String),
    /// Another kind of in-toto statement.
    #[error("`{0}` is not a statement type known here")]
    Type(String),
    /// Another predicate.
    #[error("`{0}` is not a predicate known here")]
    Predicate(String),
    /// The subject and the predicate speak of different content.
    #[error("the subject does not match the content that the predicate names")]
    Subject,
    /// Fields in another order, other spaces, or a field twice.
    #[error("the statement is not in its canonical form")]
    NotCanonical,
    /// Fields that contradict each other.
    #[error("the statement contradicts itself: {0}")]
    Contradiction(&'static str),
    /// Control characters or too much text.
    #[error("`{0}` is empty, too long, or has control characters")]
    Text(&'static str),
}

/// What a person says about a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stance {
    /// Go ahead.
    Approve,
    /// Do not.
    Veto,
    /// Takes an earlier statement of the same person back.
    Revoke,
    /// Go ahead although rules are not met; to be reviewed afterwards.
    BreakGlass,
}

/// What the signer consents to when the change is rebased.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Binding {
    /// Only these commits on this base.
    Exact,
    /// Also the identical change on a base that touches none of its files.
    Replay,
}

/// Which change a statement is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct About {
    /// The repository, as the organisation names it.
    pub repository: String,
    /// The protected branch or environment it goes into.
    pub target: String,
    /// The forge's id of the change, or the branch it comes from.
    pub change: String,
    /// The exact content.
    pub content: Content,
}

/// Who signs, when, after what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Signed {
    /// The signer's id on the roster.
    pub person: String,
    /// Fingerprint of the key, as OpenSSH prints it.
    pub key: String,
    /// SHA-256 of the roster file that was in force.
    pub roster: Digest,
    /// Random text that makes every statement different.
    pub nonce: String,
    /// When, by the signer's clock.
    pub issued_at: Timestamp,
    /// The state of the chain that the signer saw; absent at its beginning.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prev: Option<Digest>,
}

/// What the signer's tool found about the requirement served. Levels stay on
/// the roster: nothing more is disclosed than the comparison.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Claims {
    /// The signer is above every author.
    pub outranks_author: bool,
    /// Ids of the rules this serves.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<String>,
}

/// The AI involvement that the signer was shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shown {
    /// Did AI take part?
    pub verdict: Verdict,
    /// Hashes of the pieces of evidence.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Digest>,
}

/// The terms of a break-glass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BreakGlass {
    /// Ids of the failed rules it covers; no others.
    pub rules: Vec<String>,
    /// Why it cannot wait.
    pub reason: String,
    /// When the after-review is due.
    pub review_due: Timestamp,
}

/// What a signer answered to a question that a rule raised.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// The question, as the policy puts it.
    pub question: String,
    /// In the signer's words.
    pub answer: String,
}

/// A person's decision about a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SignOff {
    /// What is said.
    pub decision: Stance,
    /// About what.
    pub about: About,
    /// What may carry it forward.
    pub binding: Binding,
    /// Everyone who made the change, as the signer was shown it.
    pub authors: Vec<String>,
    /// About the signer's standing.
    pub claims: Claims,
    /// About AI.
    pub involvement: Shown,
    /// SHA-256 of the policy in force.
    pub policy: Digest,
    /// Not valid at or after this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// In the signer's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Answers to the questions that the rules raise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<Answer>,
    /// When the signer was shown what they sign and asked, by their own clock:
    /// a claim, and absent where they were not asked at a terminal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shown_at: Option<Timestamp>,
    /// For a revocation: the statement taken back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revokes: Option<Digest>,
    /// For a break-glass: its terms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub break_glass: Option<BreakGlass>,
    /// Who, when, after what.
    pub signed: Signed,
}

/// Why a hunk is easily missed, and so must be explained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Risk {
    /// It only takes away.
    Deletion,
    /// Configuration, infrastructure included.
    Configuration,
    /// It changes stored data or its form.
    Migration,
    /// It would do something when applied.
    Effect,
}

impl Risk {
    /// The word used in output.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Deletion => "deletion",
            Self::Configuration => "configuration",
            Self::Migration => "migration",
            Self::Effect => "effect",
        }
    }
}

/// A hunk that is easily missed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RiskyHunk {
    /// The file.
    pub path: String,
    /// Where in it, as in a diff (`-12,3 +12,0`); `file` for all of it.
    pub place: String,
    /// Why it is easily missed.
    pub risk: Risk,
}

/// A hunk and its author's explanation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Explained {
    /// Which.
    pub hunk: RiskyHunk,
    /// In the author's words.
    pub explanation: String,
}

/// What an author declares about a change: how it was made, or that they have
/// read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "made", rename_all = "lowercase", deny_unknown_fields)]
pub enum Declared {
    /// By people alone.
    Human,
    /// With AI.
    Ai {
        /// What it did.
        role: Role,
        /// Which tool.
        tool: String,
    },
    /// Read again by its author, hunk by hunk where it is risky.
    Reviewed {
        /// What the author affirms, as the policy puts it.
        items: Vec<String>,
        /// The risky hunks, each explained.
        hunks: Vec<Explained>,
    },
}

impl Declared {
    fn check(&self) -> Result<(), StatementError> {
        match self {
            Self::Human => Ok(()),
            Self::Ai { tool, .. } => line("tool", tool),
            Self::Reviewed { items, hunks } => {
                if items.len() > MAX_ITEMS || hunks.len() > MAX_HUNKS {
                    return Err(StatementError::Contradiction("it affirms too much at once"));
                }
                for item in items {
                    line("items", item)?;
                }
                for it in hunks {
                    line("path", &it.hunk.path)?;
                    line("place", &it.hunk.place)?;
                    text("explanation", &it.explanation)?;
                }
                Ok(())
            }
        }
    }
}

/// A signed declaration about AI involvement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Declaration {
    /// What is declared.
    pub declared: Declared,
    /// About what.
    pub about: About,
    /// Who, when, after what.
    pub signed: Signed,
}

/// The outcome of the review after a break-glass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It was right to go ahead.
    Ratified,
    /// It was not.
    Rejected,
}

/// The review after a break-glass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AfterReview {
    /// What came out.
    pub outcome: Outcome,
    /// The break-glass statement.
    pub of: Digest,
    /// What it was about.
    pub about: About,
    /// In the reviewer's words.
    pub message: String,
    /// Who, when, after what.
    pub signed: Signed,
}

/// One of the three predicates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Statement {
    /// A person's decision.
    SignOff(Box<SignOff>),
    /// An author's declaration.
    Declaration(Box<Declaration>),
    /// The review after a break-glass.
    AfterReview(Box<AfterReview>),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Subject {
    name: String,
    digest: DigestSet,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct DigestSet {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    git_commit: Option<Oid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    git_tree: Option<Oid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sha256: Option<Digest>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Wire<P> {
    #[serde(rename = "_type")]
    kind: String,
    subject: Vec<Subject>,
    predicate_type: String,
    predicate: P,
}

/// Only what is needed to choose the predicate.
#[derive(Deserialize)]
struct Head {
    #[serde(rename = "_type")]
    kind: String,
    #[serde(rename = "predicateType")]
    predicate_type: String,
}

fn subject(about: &About) -> Vec<Subject> {
    let digest = match &about.content {
        Content::Merge(merge) => DigestSet {
            git_commit: Some(merge.head.commit.clone()),
            git_tree: Some(merge.head.tree.clone()),
            sha256: None,
        },
        Content::Plan(artifact) | Content::Action(artifact) | Content::Deployment(artifact) => {
            DigestSet {
                git_commit: None,
                git_tree: None,
                sha256: Some(artifact.sha256),
            }
        }
    };
    vec![Subject {
        name: about.repository.clone(),
        digest,
    }]
}

fn write<P: Serialize>(about: &About, predicate_type: &str, predicate: &P) -> Vec<u8> {
    let wire = Wire {
        kind: STATEMENT_TYPE.to_owned(),
        subject: subject(about),
        predicate_type: predicate_type.to_owned(),
        predicate,
    };
    // Writing plain structs into memory cannot fail; an empty payload would be
    // refused by every reader.
    serde_json::to_vec(&wire).unwrap_or_default()
}

fn read<P: DeserializeOwned>(bytes: &[u8]) -> Result<(P, Vec<Subject>), StatementError> {
    let wire: Wire<P> =
        serde_json::from_slice(bytes).map_err(|error| StatementError::Json(error.to_string()))?;
    Ok((wire.predicate, wire.subject))
}

impl Statement {
    /// Reads a statement.
    ///
    /// # Errors
    /// [`StatementError`] for anything but a canonical statement that does not
    /// contradict itself.
    pub fn parse(bytes: &[u8]) -> Result<Self, StatementError> {
        // Chains are long, so a statement that is what it seems is read once.
        if let Some(statement) = Self::parse_canonical(bytes) {
            statement.check()?;
            return Ok(statement);
        }
        let head: Head = serde_json::from_slice(bytes)
            .map_err(|error| StatementError::Json(error.to_string()))?;
        let shown = |text: &str| text.chars().take(100).collect();
        if head.kind != STATEMENT_TYPE {
            return Err(StatementError::Type(shown(&head.kind)));
        }
        let (statement, given) = match head.predicate_type.as_str() {
            SIGN_OFF => read(bytes).map(|(p, s)| (Self::SignOff(Box::new(p)), s))?,
            DECLARATION => read(bytes).map(|(p, s)| (Self::Declaration(Box::new(p)), s))?,
            AFTER_REVIEW => read(bytes).map(|(p, s)| (Self::AfterReview(Box::new(p)), s))?,
            other => return Err(StatementError::Predicate(shown(other))),
        };
        if given != subject(statement.about()) {
            return Err(StatementError::Subject);
        }
        if statement.to_bytes() != bytes {
            return Err(StatementError::NotCanonical);
        }
        statement.check()?;
        Ok(statement)
    }

    /// Reads a canonical statement without looking for what is wrong with any
    /// other. The bytes that it writes name type, subject and predicate, so
    /// writing the same ones is proof of each.
    fn parse_canonical(bytes: &[u8]) -> Option<Self> {
        let names = |predicate: &str| {
            let wanted = format!("\"predicateType\":\"{predicate}\"");
            bytes
                .windows(wanted.len())
                .any(|it| it == wanted.as_bytes())
        };
        let statement = if names(SIGN_OFF) {
            Self::SignOff(Box::new(read(bytes).ok()?.0))
        } else if names(DECLARATION) {
            Self::Declaration(Box::new(read(bytes).ok()?.0))
        } else {
            return None;
        };
        (statement.to_bytes() == bytes).then_some(statement)
    }

    /// The canonical bytes, which are what is signed.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::SignOff(it) => write(&it.about, SIGN_OFF, it),
            Self::Declaration(it) => write(&it.about, DECLARATION, it),
            Self::AfterReview(it) => write(&it.about, AFTER_REVIEW, it),
        }
    }

    /// What it is about.
    #[must_use]
    pub const fn about(&self) -> &About {
        match self {
            Self::SignOff(it) => &it.about,
            Self::Declaration(it) => &it.about,
            Self::AfterReview(it) => &it.about,
        }
    }

    /// Who says so, when, after what.
    #[must_use]
    pub const fn signed(&self) -> &Signed {
        match self {
            Self::SignOff(it) => &it.signed,
            Self::Declaration(it) => &it.signed,
            Self::AfterReview(it) => &it.signed,
        }
    }

    /// Whether the statement makes sense in itself, as the signer's tool checks
    /// before signing and every reader after.
    ///
    /// # Errors
    /// [`StatementError::Contradiction`] or [`StatementError::Text`].
    pub fn check(&self) -> Result<(), StatementError> {
        let (about, signed) = (self.about(), self.signed());
        line("repository", &about.repository)?;
        line("target", &about.target)?;
        line("change", &about.change)?;
        line("person", &signed.person)?;
        line("key", &signed.key)?;
        line("nonce", &signed.nonce)?;
        if signed.nonce.len() < MIN_NONCE {
            return Err(StatementError::Text("nonce"));
        }
        match self {
            Self::SignOff(it) => it.check(),
            Self::Declaration(it) => it.declared.check(),
            Self::AfterReview(it) => text("message", &it.message),
        }
    }
}

impl SignOff {
    fn check(&self) -> Result<(), StatementError> {
        if let Some(message) = &self.message {
            text("message", message)?;
        }
        for it in &self.answers {
            line("question", &it.question)?;
            text("answer", &it.answer)?;
        }
        for id in self.authors.iter().chain(&self.claims.rules) {
            line("authors or rules", id)?;
        }
        let fail = |why| Err(StatementError::Contradiction(why));
        if self.answers.len() > MAX_ANSWERS {
            return fail("it answers more than can be asked");
        }
        if self.shown_at.is_some_and(|at| at > self.signed.issued_at) {
            return fail("it was shown after it was signed");
        }
        if (self.decision == Stance::Revoke) != self.revokes.is_some() {
            return fail("a revocation, and nothing else, names the statement it takes back");
        }
        if (self.decision == Stance::BreakGlass) != self.break_glass.is_some() {
            return fail("a break-glass, and nothing else, has terms");
        }
        if let Some(terms) = &self.break_glass {
            text("reason", &terms.reason)?;
            for id in &terms.rules {
                line("rules", id)?;
            }
            if terms.rules.is_empty() {
                return fail("a break-glass names the rules it covers");
            }
            if self.binding != Binding::Exact || self.expires_at.is_none() {
                return fail("a break-glass is exact and expires");
            }
        }
        let lands = self.about.content.merge().map(|it| it.result.is_some());
        let consents = matches!(self.decision, Stance::Approve | Stance::BreakGlass);
        if consents && lands == Some(false) {
            return fail("what conflicts with the target cannot be approved");
        }
        if self
            .expires_at
            .is_some_and(|end| end <= self.signed.issued_at)
        {
            return fail("it expires before it was issued");
        }
        Ok(())
    }
}

/// Text on one line: what goes to a terminal must not steer it.
fn line(name: &'static str, value: &str) -> Result<(), StatementError> {
    if value.contains(['\n', '\t']) {
        return Err(StatementError::Text(name));
    }
    text(name, value)
}

fn text(name: &'static str, value: &str) -> Result<(), StatementError> {
    let steers = |c: char| {
        (c.is_control() && c != '\n' && c != '\t')
            // Marks that reorder or hide text.
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let fits = !value.trim().is_empty() && value.chars().take(MAX_TEXT + 1).count() <= MAX_TEXT;
    if fits && !value.contains(steers) {
        Ok(())
    } else {
        Err(StatementError::Text(name))
    }
}
