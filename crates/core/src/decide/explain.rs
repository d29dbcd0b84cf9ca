//! A decision in words, for the terminal, JSON and pages.

use serde::Serialize;

use super::{Decision, RequirementResult, RuleResult, Said, Verdict};
use crate::policy::{Condition, Outcome, Policy};
use crate::roster::{PersonSet, Roster};

/// A requirement and how it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExplainedRequirement {
    /// What is asked for, in words.
    pub text: String,
    /// Whether nothing is missing.
    pub met: bool,
    /// Sign-offs still missing.
    pub missing: u32,
    /// Ids of people whose sign-off counts.
    pub signed_by: Vec<String>,
    /// Ids of people who signed other commits with the same content, where these
    /// exact ones have to be signed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub carried: Vec<String>,
    /// How many others could sign now.
    pub could_sign: usize,
    /// When the cooling time ends (RFC 3339), if it has not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waits_until: Option<String>,
    /// Why nobody can satisfy it, if so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blocked: Option<String>,
}

/// A rule that applies, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExplainedRule {
    /// The rule's id.
    pub id: String,
    /// Why the rule exists.
    pub why: String,
    /// The conditions that hold, in words.
    pub because: Vec<String>,
    /// Those of them whose fact is missing and was assumed to hold.
    pub assumed: Vec<String>,
    /// Whether it refuses whoever signs.
    pub refuses: bool,
    /// Whether everything it asks for is there.
    pub met: bool,
    /// What it asks for.
    pub requirements: Vec<ExplainedRequirement>,
    /// Who broke it in an emergency, if it is not met otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub broken: Option<ExplainedBroken>,
}

/// A rule that was broken in an emergency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExplainedBroken {
    /// Ids of who broke it and counts.
    pub by: Vec<String>,
    /// How many different persons it takes.
    pub needed: usize,
    /// Whether that lets the change through as far as this rule goes.
    pub holds: bool,
    /// When the after-review is due (RFC 3339).
    pub review_due: String,
}

/// One act that would bring the change forward.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExplainedAct {
    /// Ids of people who could do it, best first.
    pub candidates: Vec<String>,
    /// Candidates who stand in for someone who is away.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stand_ins: Vec<StandIn>,
    /// Ids of the rules it serves.
    pub rules: Vec<String>,
}

/// The self-review that has to come first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExplainedSelfReview {
    /// Ids of people who can give it.
    pub by: Vec<String>,
    /// What they affirm.
    pub items: Vec<String>,
}

/// Someone who is asked because someone else is away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StandIn {
    /// The delegate's id.
    pub person: String,
    /// Who is away.
    pub instead_of: String,
}

/// A sign-off that does not count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExplainedIgnored {
    /// The signer's id.
    pub person: String,
    /// `approve`, `veto` or `break-glass`.
    pub said: &'static str,
    /// Why it does not count.
    pub because: String,
}

/// A sign-off that counts and meets no requirement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExplainedIdle {
    /// The signer's id.
    pub person: String,
    /// What it lacks.
    pub because: String,
}

/// A decision in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// The answer.
    pub verdict: Verdict,
    /// The answer in one line.
    pub summary: String,
    /// Rules that apply.
    pub rules: Vec<ExplainedRule>,
    /// How many other rules do not.
    pub rules_not_applying: usize,
    /// Ids of people whose veto stands.
    pub vetoed_by: Vec<String>,
    /// Sign-offs that do not count.
    pub ignored: Vec<ExplainedIgnored>,
    /// Sign-offs that count and meet no requirement.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub meet_nothing: Vec<ExplainedIdle>,
    /// Who has to be identified before one sign-off alone can count: they made
    /// the change and are not on the roster.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub identify: Vec<String>,
    /// The self-review that comes first, where it is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub self_review: Option<ExplainedSelfReview>,
    /// As few sign-offs as possible that would satisfy everything.
    pub way_forward: Vec<ExplainedAct>,
    /// Not before this time (RFC 3339).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_before: Option<String>,
}

impl Decision {
    /// The decision in words.
    #[must_use]
    pub fn explain(&self, policy: &Policy, roster: &Roster) -> Explanation {
        let names = |people: &PersonSet| ids(people.iter(), roster);
        let rules: Vec<ExplainedRule> = self
            .rules
            .iter()
            .enumerate()
            .filter_map(|(place, result)| self.rule(place, result, policy, roster))
            .collect();
        let way_forward: Vec<ExplainedAct> = self
            .way
            .acts
            .iter()
            .map(|act| ExplainedAct {
                candidates: ids(act.candidates.iter().copied(), roster),
                stand_ins: stand_ins(&act.stand_ins, roster),
                rules: act
                    .rules
                    .iter()
                    .filter_map(|rule| policy.rules.get(*rule))
                    .map(|rule| rule.id.clone())
                    .collect(),
            })
            .collect();
        let vetoed_by = names(&self.vetoes);
        Explanation {
            verdict: self.verdict,
            summary: summary(self, &rules, &vetoed_by, roster),
            rules_not_applying: self.rules.len() - rules.len(),
            rules,
            vetoed_by,
            ignored: self
                .ignored
                .iter()
                .map(|(signoff, because)| ExplainedIgnored {
                    person: ids([signoff.person], roster).join(""),
                    said: match signoff.said {
                        Said::Approve => "approve",
                        Said::Veto => "veto",
                    },
                    because: because.text().to_owned(),
                })
                .chain(
                    self.ignored_break_glass
                        .iter()
                        .map(|(person, because)| ExplainedIgnored {
                            person: ids([*person], roster).join(""),
                            said: "break-glass",
                            because: because.text().to_owned(),
                        }),
                )
                .collect(),
            meet_nothing: self
                .idle
                .iter()
                .map(|idle| {
                    let lacks: Vec<String> = idle.lacks.iter().map(|it| it.text(roster)).collect();
                    ExplainedIdle {
                        person: ids([idle.person], roster).join(""),
                        because: lacks.join("; "),
                    }
                })
                .collect(),
            identify: self.way.identify.clone(),
            self_review: self.way.self_review.as_ref().map(|by| ExplainedSelfReview {
                by: names(by),
                items: policy
                    .self_review
                    .as_ref()
                    .map_or_else(Vec::new, |review| review.items.clone()),
            }),
            way_forward,
            not_before: self.way.not_before.map(|at| at.to_string()),
        }
    }

    fn rule(
        &self,
        place: usize,
        result: &RuleResult,
        policy: &Policy,
        roster: &Roster,
    ) -> Option<ExplainedRule> {
        let rule = policy.rules.get(place)?;
        let (result, broken) = match result {
            RuleResult::Broken { broken, was } => (was.as_ref(), Some(broken)),
            other => (other, None),
        };
        let (assumed, results) = match result {
            RuleResult::Refuses { assumed } => (assumed, &[][..]),
            RuleResult::Requires { assumed, results } => (assumed, results.as_slice()),
            _ => return None,
        };
        let text = |condition: &Condition| condition.text(policy);
        let requirements: Vec<ExplainedRequirement> = match &rule.outcome {
            Outcome::Refuse => Vec::new(),
            Outcome::Require(list) => list
                .iter()
                .zip(results)
                .enumerate()
                .map(|(at, (requirement, result))| ExplainedRequirement {
                    text: requirement.text(&policy.levels),
                    met: result.is_met(),
                    missing: result.missing,
                    signed_by: ids(result.counted.iter(), roster),
                    carried: ids(result.carried.iter(), roster),
                    could_sign: result.eligible.len(),
                    waits_until: result.waits_until.map(|at| at.to_string()),
                    blocked: self
                        .way
                        .blocked
                        .contains(&(place, at))
                        .then(|| blocked_text(result, roster)),
                })
                .collect(),
        };
        Some(ExplainedRule {
            id: rule.id.clone(),
            why: rule.why.clone(),
            because: rule.when.iter().map(text).collect(),
            assumed: assumed
                .iter()
                .filter_map(|place| rule.when.get(*place))
                .map(text)
                .collect(),
            refuses: rule.outcome == Outcome::Refuse,
            met: rule.outcome != Outcome::Refuse
                && requirements
                    .iter()
                    .all(|requirement| requirement.met && requirement.blocked.is_none()),
            requirements,
            broken: broken.map(|broken| ExplainedBroken {
                by: ids(broken.by.iter(), roster),
                needed: broken.needed,
                holds: broken.holds(),
                review_due: broken.review_due.to_string(),
            }),
        })
    }
}

fn ids(people: impl IntoIterator<Item = usize>, roster: &Roster) -> Vec<String> {
    people
        .into_iter()
        .filter_map(|index| roster.person(index))
        .map(|person| person.id.clone())
        .collect()
}

fn stand_ins(pairs: &[(usize, usize)], roster: &Roster) -> Vec<StandIn> {
    let id = |index: usize| ids([index], roster).join("");
    pairs
        .iter()
        .map(|(person, instead_of)| StandIn {
            person: id(*person),
            instead_of: id(*instead_of),
        })
        .collect()
}

fn blocked_text(result: &RequirementResult, roster: &Roster) -> String {
    let could = result.counted.len() + result.eligible.len();
    if roster.people().is_empty() {
        "no roster says who could".to_owned()
    } else if result.age_unknown {
        "the age of the content is not known".to_owned()
    } else if could == 0 {
        "nobody on the roster can give this sign-off now".to_owned()
    } else {
        let noun = if could == 1 { "person" } else { "people" };
        format!("only {could} {noun} on the roster can sign, which is too few")
    }
}

impl ExplainedRule {
    /// Whether enough people broke it.
    #[must_use]
    pub fn is_lifted(&self) -> bool {
        self.broken.as_ref().is_some_and(|broken| broken.holds)
    }
}

/// Everyone who broke a rule, and when the first review is due.
fn broken(rules: &[ExplainedRule]) -> Option<ExplainedBroken> {
    let mut all = rules.iter().filter_map(|rule| rule.broken.as_ref());
    let mut first = all.next()?.clone();
    for other in all {
        first.by.extend(other.by.clone());
        first.review_due = first.review_due.min(other.review_due.clone());
    }
    first.by.sort();
    first.by.dedup();
    Some(first)
}

/// One line: the verdict in words.
fn summary(
    decision: &Decision,
    rules: &[ExplainedRule],
    vetoed_by: &[String],
    roster: &Roster,
) -> String {
    let refusing: Vec<&str> = rules
        .iter()
        .filter(|rule| rule.refuses && !rule.is_lifted())
        .map(|rule| rule.id.as_str())
        .collect();
    if !vetoed_by.is_empty() {
        return format!("vetoed by {}", vetoed_by.join(", "));
    }
    if !refusing.is_empty() {
        return format!("refused by {}", refusing.join(", "));
    }
    let asked = rules.iter().flat_map(|rule| &rule.requirements).count();
    if let Some(broken) = broken(rules).filter(|_| decision.is_overridden()) {
        let due = &broken.review_due;
        let by = broken.by.join(" and ");
        return format!("allowed by break-glass of {by}, review due {due}");
    }
    if decision.verdict == Verdict::Allow {
        return if asked == 0 {
            "no sign-off needed".to_owned()
        } else {
            "all sign-offs are there".to_owned()
        };
    }
    if roster.people().is_empty()
        && let Some(first) = rules.iter().flat_map(|rule| &rule.requirements).next()
    {
        return format!("needs {}", first.text);
    }
    if !decision.way.blocked.is_empty() {
        return "needs a sign-off that nobody can give now".to_owned();
    }
    let needed = decision.way.acts.len();
    if decision.way.self_review.is_some() {
        return match needed {
            0 => "self-review first".to_owned(),
            n => format!("self-review first; then it needs {}", sign_offs(n)),
        };
    }
    if let Some(first) = decision.way.identify.first() {
        return format!(
            "first identify {first}; then it needs {}",
            sign_offs(needed)
        );
    }
    match (needed, &decision.way.not_before) {
        (0, Some(at)) => format!("must wait until {at}"),
        (n, _) => format!("needs {}", sign_offs(n)),
    }
}

fn sign_offs(n: usize) -> String {
    match n {
        1 => "1 sign-off".to_owned(),
        n => format!("{n} sign-offs by different people"),
    }
}
