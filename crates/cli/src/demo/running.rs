//! What the organisation tries: initiatives, a temporary policy pack, and the
//! day on which agents were let into the code.

use std::collections::{BTreeMap, BTreeSet};

use countersign_core::usage::{Maturity, Mode};
use countersign_operations::initiative::{Initiative, Scope};
use countersign_operations::noted::Noted;
use countersign_operations::pack::PackActivation;
use countersign_operations::record::Record;
use countersign_operations::usage::{Pattern, UsageEntry};
use jiff::Timestamp;

use super::organisation::SERVICES;
use super::{moment, planted};

const PACK: &str = "PACK-2025-1";

pub(super) fn running() -> Vec<Record> {
    vec![
        registered().into(),
        without_canary().into(),
        reset().into(),
        pack().into(),
    ]
}

/// Nine weeks in: agents in the code, as a trial.
fn registered() -> UsageEntry {
    let from = moment(9, 0, 540);
    UsageEntry {
        noted: Noted::by("gwen", from),
        pattern: Pattern {
            tool: "claude-code".to_owned(),
            model_family: Some("claude-opus".to_owned()),
            mode: Mode::AgentInteractive,
            activity: countersign_core::usage::Activity::Code,
            environment: countersign_core::effect::Environment::Unknown,
        },
        from,
        maturity: Maturity::Trial,
        owner: Some("gwen".to_owned()),
        safeguards: vec!["sign-off per policy.toml".to_owned()],
        weekly_cap: None,
        weekly_percent: Some(40),
        expires: None,
        evidence: None,
    }
}

fn initiative(id: &str, title: &str, owner: &str, start: Timestamp) -> Initiative {
    Initiative {
        noted: Noted::by(owner, start),
        id: id.to_owned(),
        title: title.to_owned(),
        owner: owner.to_owned(),
        hypothesis: String::new(),
        metric: "incidents-per-change".to_owned(),
        scope: Scope::default(),
        comparison: None,
        start,
        end: None,
        exit_criteria: Vec::new(),
        packs: BTreeSet::new(),
        result: None,
    }
}

fn without_canary() -> Initiative {
    let start = moment(planted::CANARY_GONE, 0, 480);
    Initiative {
        hypothesis: "Releases without the canary stage are faster, and no riskier.".to_owned(),
        end: Some(moment(planted::RESET, 0, 480)),
        ..initiative(
            "INI-2025-1",
            "Releases without the canary stage",
            "gwen",
            start,
        )
    }
}

fn reset() -> Initiative {
    let start = moment(planted::RESET, 0, 0);
    let tiers = |tiers: &[u8]| Scope {
        tiers: tiers.iter().copied().collect(),
        ..Scope::default()
    };
    Initiative {
        hypothesis: "With two sign-offs on every change, tier-1 services fail as seldom as before."
            .to_owned(),
        scope: tiers(&[1]),
        comparison: Some(tiers(&[2, 3])),
        exit_criteria: vec!["sev2-per-day at most 0.3 over 4 weeks".to_owned()],
        packs: BTreeSet::from([PACK.to_owned()]),
        ..initiative("INI-2025-2", "Ninety-day reset on tier 1", "sara", start)
    }
}

fn pack() -> PackActivation {
    let from = moment(planted::RESET, 0, 0);
    let services = SERVICES.iter().filter(|it| it.tier <= 1);
    let services = services.map(|it| {
        let reason = format!("tier 1; {} of a hundred changes", it.weight);
        (it.id.to_owned(), reason)
    });
    PackActivation {
        noted: Noted::by("gwen", from),
        id: PACK.to_owned(),
        pack: "ninety-day-reset".to_owned(),
        policy: None,
        services: services.collect::<BTreeMap<_, _>>(),
        from,
        until: moment(planted::RESET + 12, 6, 0),
        ended: None,
        initiative: Some("INI-2025-2".to_owned()),
    }
}
