//! What the guard answered agents at the terminal.

use std::collections::BTreeSet;

use countersign_core::decide::Verdict;
use countersign_core::effect::Environment;
use countersign_core::signoff::Digest;
use countersign_operations::guard::GuardDecision;
use countersign_operations::noted::Noted;
use countersign_operations::record::Record;
use countersign_stats::Random;
use jiff::SignedDuration;

use super::{WEEKS, below, moment, pick, planted};

/// Commands, where they would land, what is answered, and how often of a hundred.
const COMMANDS: [(&str, Environment, Verdict, u64); 8] = [
    (
        "kubectl get pods --namespace checkout",
        Environment::Production,
        Verdict::Allow,
        30,
    ),
    (
        "terraform plan",
        Environment::Production,
        Verdict::Allow,
        18,
    ),
    (
        "psql orders --command 'select count(*) from orders'",
        Environment::Staging,
        Verdict::Allow,
        22,
    ),
    (
        "kubectl rollout restart deployment/mail",
        Environment::Staging,
        Verdict::Allow,
        16,
    ),
    (
        "kubectl scale deployment/search --replicas 0",
        Environment::Production,
        Verdict::Hold,
        6,
    ),
    (
        "psql orders --command 'delete from baskets'",
        Environment::Production,
        Verdict::Hold,
        4,
    ),
    (
        "aws s3 rm --recursive s3://sample-images",
        Environment::Production,
        Verdict::Refuse,
        2,
    ),
    (
        "terraform destroy",
        Environment::Staging,
        Verdict::Refuse,
        2,
    ),
];
/// On whose behalf.
const PEOPLE: [&str; 5] = ["mia", "max", "noor", "theo", "kit"];

pub(super) fn answer(random: &mut Random) -> Vec<Record> {
    let mut records = Vec::new();
    for week in planted::ADOPTED..WEEKS {
        for place in 0..18 + below(random, 9) {
            records.extend(one(random, week, place));
        }
    }
    records
}

fn one(random: &mut Random, week: i64, place: i64) -> Option<Record> {
    let (summary, environment, verdict, _) = pick(random, &COMMANDS, |it| it.3)?;
    let person = pick(random, &PEOPLE, |_| 1)?;
    let asked_at = moment(week, below(random, 5), 500 + below(random, 560));
    let held = *verdict != Verdict::Allow;
    let rules = if held {
        BTreeSet::from(["guard".to_owned()])
    } else {
        BTreeSet::new()
    };
    let decision = GuardDecision {
        noted: Noted::by(*person, asked_at + SignedDuration::from_mins(30)),
        id: Digest::of(format!("guard {week} {place}").as_bytes()).to_string(),
        asked_at,
        tool: "claude-code".to_owned(),
        model: None,
        session: None,
        person: Some((*person).to_owned()),
        action: Digest::of(summary.as_bytes()),
        summary: (*summary).to_owned(),
        verdict: *verdict,
        rules,
        environment: *environment,
        effects: Vec::new(),
        usage: None,
        shadow: false,
        ran: Some(!held),
    };
    Some(decision.into())
}
