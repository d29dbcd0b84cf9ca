//! Deployments of the last weeks, some of them halted.

use std::collections::BTreeMap;

use countersign_core::catalog::Share;
use countersign_core::effect::Environment;
use countersign_operations::change::ChangeRef;
use countersign_operations::deployment::{Deployment, Outcome, Stage};
use countersign_operations::noted::Noted;
use countersign_operations::record::Record;
use countersign_stats::Random;
use jiff::SignedDuration;

use super::changes::Shipped;
use super::{happens, moment, planted};

/// Each service goes out at the end of each day on which it was changed.
pub(super) fn roll_out(random: &mut Random, shipped: &[Shipped]) -> Vec<Record> {
    let mut days: BTreeMap<(i64, &str), Vec<ChangeRef>> = BTreeMap::new();
    for it in shipped.iter().filter(|it| it.week >= planted::ADOPTED) {
        let since = it.change.shipped_at.duration_since(moment(it.week, 0, 0));
        let day = it.week * 7 + since.as_hours() / 24;
        let changes = days.entry((day, it.service.id)).or_default();
        changes.push(it.change.change.clone());
    }
    let rolled = days.into_iter();
    let rolled = rolled.map(|((day, service), changes)| one(random, day, service, changes));
    rolled.collect()
}

fn one(random: &mut Random, day: i64, service: &str, changes: Vec<ChangeRef>) -> Record {
    let started = moment(0, day, 1_110);
    let finished = started + SignedDuration::from_mins(25);
    let halted = happens(random, 0.015);
    let id = format!("dep-{service}-{}", started.strftime("%Y-%m-%d"));
    let noted = Noted::by("pipeline", finished);
    let mut it = Deployment::new(id, service.to_owned(), started, noted);
    it.version = Some(started.strftime("v%Y.%m.%d").to_string());
    it.environment = Environment::Production;
    it.finished = Some(finished);
    it.outcome = if halted {
        Outcome::Halted
    } else {
        Outcome::Succeeded
    };
    it.stages = vec![Stage {
        name: "canary".to_owned(),
        started,
        customers: Share::from_percent(5.0).ok(),
        outcome: it.outcome,
        reason: halted.then(|| "errors above 1 % of requests".to_owned()),
    }];
    it.changes = changes.into_iter().collect();
    it.into()
}
