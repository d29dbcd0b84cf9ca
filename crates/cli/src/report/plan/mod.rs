//! The answer of `countersign plan`.

mod html;
mod human;
mod markdown;

use countersign_core::decide::{Explanation, Verdict};
use countersign_core::effect::{Effect, Environment};
use countersign_core::facts::Reach;
use countersign_core::involvement::{Role, Verdict as Ai};
use countersign_core::policy::Mode;
use countersign_core::problem::Problem;
use countersign_core::radius::Radius;
use countersign_effects::reading::{Finding, Format, StateIdentity};
use countersign_effects::summary;
use serde::Serialize;

pub(crate) use html::html;
pub(crate) use human::human;
pub(crate) use markdown::markdown;

use super::{ReportPolicy, ReportSignOff, reach};
use crate::collect::Author;
use crate::commands::Judged;
use crate::gate_record::ReportSpent;
use crate::states;

/// The version of the JSON form. Fields are only ever added to it.
pub(crate) const SCHEMA: &str = "countersign.plan/1";

/// Everything that `plan` says. The JSON form is exactly this.
#[derive(Debug, Serialize)]
pub(crate) struct PlanReport {
    pub(crate) schema: &'static str,
    pub(crate) verdict: Verdict,
    pub(crate) summary: String,
    /// `shadow`: the verdict stops nothing.
    pub(crate) mode: Mode,
    /// What it would do, the worst first, then what customers notice.
    pub(crate) sentences: Vec<String>,
    pub(crate) plan: ReportPlan,
    pub(crate) environment: Environment,
    /// What says where it lands.
    pub(crate) environment_from: String,
    pub(crate) involvement: Ai,
    pub(crate) roles: Vec<Role>,
    pub(crate) tools: Vec<String>,
    /// Who made or applies it, if someone said.
    pub(crate) author: Option<Author>,
    pub(crate) author_level: String,
    /// Whether state goes for good; absent when nobody can tell.
    pub(crate) irreversible: Option<bool>,
    /// 0 is the most important; absent when no catalogue entry covers it.
    pub(crate) tier: Option<u64>,
    /// Services that it touches itself.
    pub(crate) services: Vec<String>,
    pub(crate) owners: Vec<String>,
    /// Upper bounds, as rules see them.
    pub(crate) reach: Reach,
    /// Absent without a catalogue.
    pub(crate) radius: Option<Radius>,
    pub(crate) effects: Vec<Effect>,
    pub(crate) findings: Vec<Finding>,
    pub(crate) decision: Explanation,
    /// Signed statements that count.
    pub(crate) signoffs: Vec<ReportSignOff>,
    /// When this very plan was applied before; absent when it was not.
    pub(crate) spent: Option<ReportSpent>,
    pub(crate) policy: ReportPolicy,
    pub(crate) warnings: Vec<Problem>,
    /// Commands to run next, most useful first.
    pub(crate) next: Vec<String>,
}

/// The plan itself.
#[derive(Debug, Serialize)]
pub(crate) struct ReportPlan {
    pub(crate) files: Vec<String>,
    pub(crate) format: Format,
    pub(crate) format_version: Option<String>,
    pub(crate) tool_version: Option<String>,
    /// Of the bytes that would be applied, lower-case hexadecimal.
    pub(crate) sha256: String,
    /// Entries that stand for a change.
    pub(crate) changes: usize,
    /// Those of them that change nothing.
    pub(crate) unchanged: usize,
    /// Effects that cannot be told.
    pub(crate) unknown: usize,
    pub(crate) state: StateIdentity,
}

impl PlanReport {
    pub(crate) fn new(judged: &Judged) -> Self {
        let (rules, decision, read) = (&judged.rules, &judged.decision, &judged.read);
        let mut explanation = decision.explain(&rules.policy, &rules.roster);
        explanation.ignored.extend(judged.ignored());
        let collected = &judged.collected;
        let facts = &collected.facts;
        let reading = read.reading.clone();
        let mut sentences = summary::sentences(&reading.effects);
        if sentences.is_empty() {
            sentences.push("changes nothing".to_owned());
        }
        let level = rules.roster.levels().name(facts.author_level);
        let radius = rules.catalog.is_some().then(|| collected.radius.clone());
        if let Some(radius) = &radius {
            sentences.extend(reach::sentence(radius, &facts.reach));
        }
        let states = reading
            .findings
            .iter()
            .filter(|it| states::is_about_state(it));
        sentences.extend(states.map(|it| format!("made from a wrong state: {}", it.detail)));
        // Nobody can sign away a refusal.
        let sign = (decision.verdict != Verdict::Refuse).then(|| judged.sign_command());
        Self {
            schema: SCHEMA,
            verdict: decision.verdict,
            summary: explanation.summary.clone(),
            mode: rules.policy.settings.mode,
            sentences,
            plan: ReportPlan {
                files: read.names.clone(),
                format: reading.format,
                format_version: reading.format_version,
                tool_version: reading.tool_version,
                sha256: reading.sha256,
                changes: reading.changes_seen,
                unchanged: reading.unchanged,
                unknown: reading.unknown,
                state: reading.state,
            },
            environment: facts.environment,
            environment_from: read.environment_from.clone(),
            involvement: facts.involvement,
            roles: facts.roles.iter().copied().collect(),
            tools: judged.maker.agent.iter().cloned().collect(),
            author: collected.author.clone(),
            author_level: level.to_owned(),
            irreversible: facts.irreversible,
            tier: facts.tier,
            services: collected.services.clone(),
            owners: facts.owners.iter().cloned().collect(),
            reach: facts.reach.clone(),
            radius,
            effects: reading.effects,
            findings: reading.findings,
            policy: ReportPolicy::of(rules),
            warnings: rules.warnings.clone(),
            signoffs: super::signoffs(judged.counted.as_ref(), &explanation),
            spent: judged.spent.as_ref().map(ReportSpent::of),
            next: super::next(rules, sign, &explanation),
            decision: explanation,
        }
    }
}
