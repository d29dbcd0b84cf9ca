//! How AI took part in a change: verdict, roles, tools, and every piece of
//! evidence for them.
//!
//! Evidence comes from many channels that disagree. [`reconcile`] turns the
//! evidence about one commit into one verdict; [`join`] turns the verdicts of
//! several commits into the verdict of the change they make up. Both keep all
//! evidence: what lost is listed beside what won.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// Did AI take part?
///
/// The order is "how much we must assume": `No < Unknown < Yes`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Positive evidence that people alone made it.
    No,
    /// No evidence either way. The absence of a marker never means human.
    Unknown,
    /// At least one piece of evidence shows that AI took part.
    Yes,
}

impl Verdict {
    /// Every verdict, in order.
    pub const ALL: [Self; 3] = [Self::No, Self::Unknown, Self::Yes];

    /// The word used in policies and output.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::No => "no",
            Self::Unknown => "unknown",
            Self::Yes => "yes",
        }
    }
}

/// What AI did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// It wrote content that is part of the change.
    Wrote,
    /// It ran the action itself (committed, applied, deployed).
    Executed,
    /// A person wrote or accepted content on its advice.
    Advised,
    /// It only reviewed.
    Reviewed,
}

impl Role {
    /// Every role, in order.
    pub const ALL: [Self; 4] = [Self::Wrote, Self::Executed, Self::Advised, Self::Reviewed];

    /// The word used in policies and output.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Wrote => "wrote",
            Self::Executed => "executed",
            Self::Advised => "advised",
            Self::Reviewed => "reviewed",
        }
    }
}

/// How much a piece of evidence says. Ordered from weakest to strongest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Strength {
    /// Ambiguous or known to be stamped falsely; never decides a verdict.
    Weak,
    /// AI reviewed the change; says nothing about who wrote it.
    ReviewOnly,
    /// A person accepted a suggestion that AI had written.
    AcceptedSuggestion,
    /// A session of an agent made the commit under a person's name.
    Session,
    /// The agent itself is the author or committer.
    AgentAuthored,
}

impl Strength {
    /// Every strength, weakest first.
    pub const ALL: [Self; 5] = [
        Self::Weak,
        Self::ReviewOnly,
        Self::AcceptedSuggestion,
        Self::Session,
        Self::AgentAuthored,
    ];

    /// The roles that evidence of this strength supports.
    #[must_use]
    pub const fn roles(self) -> &'static [Role] {
        match self {
            Self::Weak => &[],
            Self::ReviewOnly => &[Role::Reviewed],
            Self::AcceptedSuggestion => &[Role::Advised],
            Self::Session => &[Role::Wrote],
            Self::AgentAuthored => &[Role::Wrote, Role::Executed],
        }
    }

    /// How much a signed declaration of a role says.
    #[must_use]
    pub const fn declared(role: Role) -> Self {
        match role {
            Role::Wrote => Self::Session,
            Role::Executed => Self::AgentAuthored,
            Role::Advised => Self::AcceptedSuggestion,
            Role::Reviewed => Self::ReviewOnly,
        }
    }

    /// Whether evidence of this strength alone makes the verdict `yes`.
    #[must_use]
    pub const fn decides(self) -> bool {
        matches!(
            self,
            Self::AcceptedSuggestion | Self::Session | Self::AgentAuthored
        )
    }

    /// The words used in output.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Weak => "weak",
            Self::ReviewOnly => "review only",
            Self::AcceptedSuggestion => "accepted suggestion",
            Self::Session => "agent session",
            Self::AgentAuthored => "agent authored",
        }
    }
}

/// Where a piece of evidence was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Channel {
    /// The author identity of a commit.
    Author,
    /// The committer identity of a commit.
    Committer,
    /// A `Co-authored-by:` line.
    CoAuthor,
    /// Any other trailer of the message.
    Trailer,
    /// A footer or link line of the message.
    Footer,
    /// The subject line, such as the name of a merged branch.
    Subject,
    /// A git-ai authorship note.
    GitAiNote,
    /// An Agent Trace record.
    AgentTrace,
    /// Entire's trailers or checkpoint branch.
    Entire,
    /// A person's declaration.
    Declaration,
    /// Configuration files in the repository.
    Configuration,
    /// The commits that a squash was made from.
    SquashOrigin,
}

impl Channel {
    /// The words used in output.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Author => "author",
            Self::Committer => "committer",
            Self::CoAuthor => "co-author",
            Self::Trailer => "trailer",
            Self::Footer => "footer",
            Self::Subject => "subject",
            Self::GitAiNote => "git-ai note",
            Self::AgentTrace => "agent trace",
            Self::Entire => "entire",
            Self::Declaration => "declaration",
            Self::Configuration => "configuration",
            Self::SquashOrigin => "squash origin",
        }
    }
}

/// What a piece of evidence claims.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "claim", rename_all = "kebab-case")]
pub enum Claim {
    /// AI took part, as strongly as `strength` says.
    Ai {
        /// How much the evidence says.
        strength: Strength,
        /// The tool's identifier in the marker catalogue, such as `claude-code`.
        #[serde(skip_serializing_if = "Option::is_none")]
        tool: Option<String>,
        /// The model, where the evidence names one.
        #[serde(skip_serializing_if = "Option::is_none")]
        model: Option<String>,
    },
    /// People alone made it. Only counts when it can be trusted: a declaration
    /// signed by a person's key, or authorship observed line by line.
    Human {
        /// Signed or observed; an unsigned claim is listed but decides nothing.
        trusted: bool,
    },
    /// Markers are unreliable here: attribution is switched off, stripped, or
    /// was present in the pushed commits and lost.
    Suppressed,
}

/// One piece of evidence with the exact words it was read from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Evidence {
    /// Where it was read.
    pub channel: Channel,
    /// What it claims.
    #[serde(flatten)]
    pub claim: Claim,
    /// The exact words, shortened to at most [`WITNESS_MAX`] characters.
    pub witness: String,
    /// The commit it belongs to (full hexadecimal id), where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
}

/// The longest witness kept, in characters.
pub const WITNESS_MAX: usize = 160;

/// Shortens a witness to [`WITNESS_MAX`] characters and drops control
/// characters, which could otherwise forge terminal output.
#[must_use]
pub fn witness(text: &str) -> String {
    let mut out: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(WITNESS_MAX + 1)
        .collect();
    if out.chars().count() > WITNESS_MAX {
        out = out.chars().take(WITNESS_MAX - 1).collect();
        out.push('…');
    }
    out.trim().to_owned()
}

/// How AI took part in one commit or in a whole change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Involvement {
    /// The reconciled verdict.
    pub verdict: Verdict,
    /// Everything AI did, by evidence that counts.
    pub roles: BTreeSet<Role>,
    /// Identifiers of the tools involved, by evidence that counts.
    pub tools: BTreeSet<String>,
    /// All evidence, strongest claims first, including what did not count.
    pub evidence: Vec<Evidence>,
    /// Whether markers were suppressed, so that their absence says even less.
    pub suppressed: bool,
    /// Whether the evidence disagrees (AI took part, yet a trusted human claim).
    pub conflict: bool,
}

impl Involvement {
    /// No evidence at all.
    #[must_use]
    pub fn unknown() -> Self {
        reconcile(Vec::new())
    }
}

/// Turns all evidence about one commit into one verdict.
///
/// Evidence that AI took part wins over any claim that it did not: a person may
/// forget what an agent recorded. A trusted human claim wins over weak evidence
/// and over silence, but not over suppression: where markers are known to have
/// been removed, only an explicit claim *about that commit* says `no`, so a
/// suppressed commit with a trusted claim is still `no`, and one without stays
/// `unknown`.
#[must_use]
pub fn reconcile(mut evidence: Vec<Evidence>) -> Involvement {
    let mut roles = BTreeSet::new();
    let mut tools = BTreeSet::new();
    let (mut ai, mut human, mut suppressed) = (false, false, false);
    for item in &evidence {
        match &item.claim {
            Claim::Ai { strength, tool, .. } => {
                roles.extend(strength.roles());
                if strength.decides() {
                    ai = true;
                }
                if *strength > Strength::Weak {
                    tools.extend(tool.clone());
                }
            }
            Claim::Human { trusted } => human |= trusted,
            Claim::Suppressed => suppressed = true,
        }
    }
    evidence.sort_by(|a, b| rank(b).cmp(&rank(a)).then_with(|| a.cmp(b)));
    evidence.dedup();
    let verdict = if ai {
        Verdict::Yes
    } else if human {
        Verdict::No
    } else {
        Verdict::Unknown
    };
    Involvement {
        verdict,
        roles,
        tools,
        evidence,
        suppressed,
        conflict: ai && human,
    }
}

/// Strongest first: AI claims by strength, then human claims, then suppression.
fn rank(evidence: &Evidence) -> u8 {
    match &evidence.claim {
        Claim::Ai { strength, .. } => 10 + *strength as u8,
        Claim::Human { trusted: true } => 9,
        Claim::Human { trusted: false } => 8,
        Claim::Suppressed => 7,
    }
}

/// Joins the commits of a change: `yes` if any commit is, `no` only if all are.
///
/// An empty change is `unknown`.
#[must_use]
pub fn join<'a>(parts: impl IntoIterator<Item = &'a Involvement>) -> Involvement {
    let mut verdict: Option<Verdict> = None;
    let mut joined = Involvement::unknown();
    for part in parts {
        verdict = Some(verdict.map_or(part.verdict, |v| v.max(part.verdict)));
        joined.roles.extend(&part.roles);
        joined.tools.extend(part.tools.iter().cloned());
        joined.evidence.extend(part.evidence.iter().cloned());
        joined.suppressed |= part.suppressed;
        joined.conflict |= part.conflict;
    }
    joined.verdict = verdict.unwrap_or(Verdict::Unknown);
    joined
        .evidence
        .sort_by(|a, b| rank(b).cmp(&rank(a)).then_with(|| a.cmp(b)));
    joined.evidence.dedup();
    joined
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ai(strength: Strength) -> Evidence {
        Evidence {
            channel: Channel::Trailer,
            claim: Claim::Ai {
                strength,
                tool: Some("claude-code".into()),
                model: None,
            },
            witness: "Co-Authored-By: Claude <noreply@anthropic.com>".into(),
            commit: None,
        }
    }

    fn claim(claim: Claim) -> Evidence {
        Evidence {
            channel: Channel::Declaration,
            claim,
            witness: String::new(),
            commit: None,
        }
    }

    #[test]
    fn verdict_follows_the_strongest_claim() {
        let signed = || claim(Claim::Human { trusted: true });
        let unsigned = || claim(Claim::Human { trusted: false });
        let suppressed = || claim(Claim::Suppressed);
        for (evidence, verdict) in [
            (vec![], Verdict::Unknown),
            (vec![ai(Strength::Weak)], Verdict::Unknown),
            (vec![ai(Strength::ReviewOnly)], Verdict::Unknown),
            (vec![ai(Strength::AcceptedSuggestion)], Verdict::Yes),
            (vec![ai(Strength::Session)], Verdict::Yes),
            (vec![signed()], Verdict::No),
            (vec![unsigned()], Verdict::Unknown),
            (vec![suppressed()], Verdict::Unknown),
            (vec![suppressed(), signed()], Verdict::No),
            (vec![signed(), ai(Strength::Weak)], Verdict::No),
            (vec![signed(), ai(Strength::Session)], Verdict::Yes),
        ] {
            assert_eq!(reconcile(evidence.clone()).verdict, verdict, "{evidence:?}");
        }
    }

    #[test]
    fn review_only_keeps_its_role_apart() {
        let involvement = reconcile(vec![ai(Strength::ReviewOnly)]);
        assert_eq!(involvement.roles, BTreeSet::from([Role::Reviewed]));
    }

    #[test]
    fn witness_is_short_and_printable() {
        assert_eq!(witness("a\u{1b}[31mred\n"), "a [31mred");
        assert_eq!(witness(&"x".repeat(500)).chars().count(), WITNESS_MAX);
    }

    fn any_evidence() -> impl Strategy<Value = Evidence> {
        prop_oneof![
            proptest::sample::select(&Strength::ALL[..]).prop_map(ai),
            any::<bool>().prop_map(|trusted| claim(Claim::Human { trusted })),
            Just(claim(Claim::Suppressed)),
        ]
    }

    proptest! {
        #[test]
        fn order_of_evidence_does_not_matter(
            (evidence, shuffled) in proptest::collection::vec(any_evidence(), 0..8)
                .prop_flat_map(|v| (Just(v.clone()), Just(v).prop_shuffle()))
        ) {
            prop_assert_eq!(reconcile(evidence), reconcile(shuffled));
        }

        #[test]
        fn more_ai_evidence_never_lowers_the_verdict(
            evidence in proptest::collection::vec(any_evidence(), 0..8),
            strength in proptest::sample::select(&Strength::ALL[..]),
        ) {
            let before = reconcile(evidence.clone()).verdict;
            let mut more = evidence;
            more.push(ai(strength));
            prop_assert!(reconcile(more).verdict >= before);
        }

        #[test]
        fn a_change_is_no_only_when_every_commit_is(
            commits in proptest::collection::vec(
                proptest::collection::vec(any_evidence(), 0..4), 1..6)
        ) {
            let parts: Vec<_> = commits.into_iter().map(reconcile).collect();
            let joined = join(&parts);
            prop_assert_eq!(
                joined.verdict == Verdict::No,
                parts.iter().all(|p| p.verdict == Verdict::No)
            );
            prop_assert_eq!(
                joined.verdict == Verdict::Yes,
                parts.iter().any(|p| p.verdict == Verdict::Yes)
            );
        }
    }
}
