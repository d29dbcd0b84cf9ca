//! Rollouts that were halted, taken back, or went on over a halt.

use jiff::Timestamp;
use serde::Serialize;

use super::Frame;
use crate::deployment::{Deployment, Move, Outcome};

/// What became of a rollout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RolloutKind {
    /// A stage was halted and the rollout went on all the same.
    Overridden,
    /// It was taken back.
    RolledBack,
    /// It was halted part of the way.
    Halted,
    /// It ended with an error.
    Failed,
}

impl RolloutKind {
    /// The word in output.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Overridden => "went on over a halt",
            Self::RolledBack => "rolled back",
            Self::Halted => "halted",
            Self::Failed => "failed",
        }
    }
}

/// A rollout that did not go through as planned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rollout {
    /// The deployment.
    pub id: String,
    /// The service.
    pub service: String,
    /// What was deployed.
    pub version: Option<String>,
    /// Where.
    pub environment: &'static str,
    /// When it began.
    pub started: Timestamp,
    /// What became of it.
    pub kind: RolloutKind,
    /// The stage at which it did.
    pub stage: Option<String>,
    /// Why, as recorded.
    pub reason: Option<String>,
    /// The AI tool that ran it.
    pub tool: Option<String>,
}

pub(super) fn rollouts(frame: &Frame<'_>) -> Vec<Rollout> {
    let deployments = frame.inputs.deployments.iter();
    let known = deployments.filter(|it| frame.holds(it.started) && it.noted.at <= frame.cut_off);
    let mut found: Vec<Rollout> = known.filter_map(rollout).collect();
    found.sort_by(|a, b| (a.kind, a.started, &a.id).cmp(&(b.kind, b.started, &b.id)));
    found
}

fn rollout(it: &Deployment) -> Option<Rollout> {
    let stopped = |outcome| {
        matches!(
            outcome,
            Outcome::Halted | Outcome::RolledBack | Outcome::Failed
        )
    };
    let halted = it.stages.iter().position(|stage| stopped(stage.outcome));
    let went_on = halted.is_some_and(|at| {
        let mut later = it.stages.iter().skip(at + 1);
        it.outcome == Outcome::Succeeded || later.any(|stage| !stopped(stage.outcome))
    });
    let kind = match (it.moved, it.outcome) {
        (Move::RollBack, _) | (_, Outcome::RolledBack) => RolloutKind::RolledBack,
        _ if went_on => RolloutKind::Overridden,
        (_, Outcome::Halted) => RolloutKind::Halted,
        (_, Outcome::Failed) => RolloutKind::Failed,
        _ => return None,
    };
    let stage = halted.and_then(|at| it.stages.get(at));
    Some(Rollout {
        id: it.id.clone(),
        service: it.service.clone(),
        version: it.version.clone(),
        environment: it.environment.as_str(),
        started: it.started,
        kind,
        stage: stage.map(|stage| stage.name.clone()),
        reason: stage.and_then(|stage| stage.reason.clone()),
        tool: it.tool.clone(),
    })
}
