//! Plain counts by week, for drawings: they need no exposure and claim nothing.

use std::collections::BTreeMap;

use serde::Serialize;

use super::history::{History, Name};
use crate::week::Week;

/// Services with a row of their own.
const MAX_SERVICES: usize = 12;

/// Counts of one kind, week by week.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// `Sev1` … `Sev5`, `unrated`, or a service.
    pub name: String,
    /// Incidents in each week.
    pub counts: Vec<u64>,
}

/// Plain counts by week.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Calendar {
    /// Every week of the window.
    pub weeks: Vec<Week>,
    /// By severity, gravest first.
    pub severities: Vec<Counts>,
    /// The services most affected, most incidents first. An incident counts for
    /// every service it affected.
    pub services: Vec<Counts>,
}

pub(super) fn calendar(history: &History) -> Calendar {
    let weeks: Vec<Week> = (0..history.weeks())
        .map(|at| history.from.plus(i32::try_from(at).unwrap_or(i32::MAX)))
        .collect();
    let mut severities: BTreeMap<u8, Vec<u64>> = BTreeMap::new();
    let mut services: BTreeMap<Name, Vec<u64>> = BTreeMap::new();
    let bump = |counts: &mut Vec<u64>, at: Option<usize>| {
        counts.resize(weeks.len(), 0);
        if let Some(cell) = at.and_then(|at| counts.get_mut(at)) {
            *cell += 1;
        }
    };
    for incident in &history.incidents {
        let at = history.position(incident.week());
        bump(
            severities
                .entry(severity_order(incident.severity))
                .or_default(),
            at,
        );
        let mut affected = incident.services.clone();
        affected.sort_unstable();
        affected.dedup();
        for service in affected {
            bump(services.entry(service).or_default(), at);
        }
    }
    let mut services: Vec<Counts> = services
        .into_iter()
        .map(|(name, counts)| Counts {
            name: history.text(name).to_owned(),
            counts,
        })
        .collect();
    let all = |row: &Counts| row.counts.iter().sum::<u64>();
    services.sort_by(|a, b| all(b).cmp(&all(a)).then_with(|| a.name.cmp(&b.name)));
    services.truncate(MAX_SERVICES);
    Calendar {
        weeks,
        severities: severities
            .into_iter()
            .map(|(severity, counts)| Counts {
                name: severity_name(severity),
                counts,
            })
            .collect(),
        services,
    }
}

/// Everything that is no severity comes last.
const fn severity_order(severity: u8) -> u8 {
    match severity {
        1..=5 => severity,
        _ => u8::MAX,
    }
}

/// `Sev1` … `Sev5`, or `unrated`.
pub(super) fn severity_name(severity: u8) -> String {
    match severity {
        1..=5 => format!("Sev{severity}"),
        _ => "unrated".to_owned(),
    }
}
