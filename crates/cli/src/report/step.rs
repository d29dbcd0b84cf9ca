//! One step of a protected branch, for `verify` and `audit`.

use countersign_core::decide::{ExplainedIgnored, ExplainedRule, Verdict};
use countersign_core::policy::Mode;
use serde::Serialize;

use super::human::requirement_text;
use super::{CheckReport, ReportPolicy, ReportSignOff};
use crate::collect::Author;
use crate::landing::{JudgedStep, Step, When};
use crate::rules::Rules;

/// One step and how it stands.
#[derive(Debug, Serialize)]
pub(crate) struct StepReport {
    pub(crate) parent: String,
    pub(crate) tip: String,
    /// First line of the tip's message.
    pub(crate) subject: String,
    /// How signed content landed; absent where the step is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) landed_as: Option<&'static str>,
    pub(crate) verdict: Verdict,
    pub(crate) summary: String,
    pub(crate) mode: Mode,
    /// It went ahead by break-glass.
    pub(crate) overridden: bool,
    pub(crate) landed: Landed,
    /// As the commit names them; nobody has proven it.
    pub(crate) authors: Vec<Author>,
    pub(crate) committer: String,
    /// As the server said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pusher: Option<String>,
    pub(crate) signoffs: Vec<ReportSignOff>,
    /// What is missing, one line each.
    pub(crate) missing: Vec<String>,
    pub(crate) ignored: Vec<ExplainedIgnored>,
    /// The policy of the step's parent.
    pub(crate) policy: ReportPolicy,
}

/// When a step landed, and how that is known.
#[derive(Debug, Serialize)]
pub(crate) struct Landed {
    /// RFC 3339.
    pub(crate) at: String,
    /// By the gate's clock; else a claim of the commit.
    pub(crate) recorded: bool,
    /// What it needed was signed after that.
    pub(crate) signed_late: bool,
}

impl StepReport {
    pub(crate) fn new(
        step: &Step,
        judged: &JudgedStep,
        rules: &Rules,
        when: When,
        pusher: Option<String>,
    ) -> Self {
        let check = CheckReport::new(&judged.range, rules, &judged.merge, &judged.decision);
        let mut missing: Vec<String> = check.decision.rules.iter().flat_map(missing_of).collect();
        if let (false, Some(near)) = (missing.is_empty(), &step.near) {
            missing.push(format!("what was signed is not what landed: {near}"));
        }
        let committer = &step.commit.committer;
        Self {
            parent: step.parent.to_string(),
            tip: step.commit.id.to_string(),
            subject: step.commit.subject().to_owned(),
            landed_as: step.landed_as(),
            verdict: check.verdict,
            summary: check.summary,
            mode: check.mode,
            overridden: judged.decision.is_overridden(),
            landed: Landed {
                at: when.at.to_string(),
                recorded: when.recorded,
                signed_late: when.late && !check.signoffs.is_empty(),
            },
            authors: check.authors,
            committer: format!("{} <{}>", committer.name, committer.email),
            pusher,
            signoffs: check.signoffs,
            missing,
            ignored: check.decision.ignored,
            policy: check.policy,
        }
    }

    /// Whether its policy let it through: satisfied, or broken as it allows.
    pub(crate) fn is_satisfied(&self) -> bool {
        self.verdict == Verdict::Allow
    }

    /// Whether a policy in force stopped it and it landed all the same.
    pub(crate) fn is_bypass(&self) -> bool {
        !self.is_satisfied() && self.mode == Mode::Enforce
    }

    /// Who made it, in short.
    pub(crate) fn made_by(&self) -> String {
        let names: Vec<String> = self
            .authors
            .iter()
            .filter(|author| author.is_person)
            .map(|author| match &author.person {
                Some(person) => person.clone(),
                None => format!("{} <{}>", author.name, author.email),
            })
            .collect();
        if names.is_empty() {
            "nobody named".to_owned()
        } else {
            names.join(", ")
        }
    }
}

/// What a rule that stops the step still asks for.
fn missing_of(rule: &ExplainedRule) -> Vec<String> {
    if rule.met || rule.is_lifted() {
        return Vec::new();
    }
    if rule.refuses {
        return vec![format!("{}: refuses, whoever signs", rule.id)];
    }
    let open = rule.requirements.iter().filter(|it| !it.met);
    let mut lines: Vec<String> = open
        .map(|it| format!("{}: {}", rule.id, requirement_text(it)))
        .collect();
    if let Some(broken) = &rule.broken {
        lines.push(format!(
            "{}: {}",
            rule.id,
            super::human::broken_text(broken)
        ));
    }
    lines
}
