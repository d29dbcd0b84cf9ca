//! Incidents that count, each with what is said of where it came from.

use std::collections::HashMap;

use countersign_operations::deployment::Deployment;
use countersign_operations::incident::{Incident, Register};
use countersign_operations::link::{Link, LinkState, LinkTo};
use countersign_store::{Range, Store};

use crate::error::CliResult;
use crate::register;

/// How sure one is of what another system reported: it may name the latest
/// deployment out of habit.
const REPORTED: f64 = 0.8;

/// Links count from this confidence on, unless asked otherwise.
pub(crate) const SURE: f64 = 0.5;

/// An incident, and what it may have come from with how sure that is.
pub(crate) struct Traced {
    pub(crate) incident: Incident,
    pub(crate) causes: Vec<(LinkTo, f64)>,
}

/// Every incident that counts, by start. What a person confirmed leaves nothing
/// of what was computed or reported.
pub(crate) async fn traced(store: &Store) -> CliResult<Vec<Traced>> {
    let register = Register::of(register::all::<Incident>(store, Range::ALL).await?);
    let mut said: HashMap<String, Vec<Link>> = HashMap::new();
    for link in register::all::<Link>(store, Range::ALL).await? {
        let incident = register.counted_as(&link.incident).to_owned();
        said.entry(incident).or_default().push(link);
    }
    let traced = register.counted().into_iter().map(|incident| {
        let links = said.remove(&incident.id).unwrap_or_default();
        Traced {
            causes: causes(links),
            incident,
        }
    });
    Ok(traced.collect())
}

/// What one incident may have come from, out of what is said of it last.
pub(crate) fn causes(mut said: Vec<Link>) -> Vec<(LinkTo, f64)> {
    let by_person = |link: &Link| link.state == LinkState::Confirmed;
    if said.iter().any(by_person) {
        said.retain(by_person);
    }
    let sure = |link: &Link| match link.state {
        LinkState::Confirmed => Some(1.0),
        LinkState::Reported => Some(REPORTED),
        LinkState::Suggested => link.confidence.map(|share| f64::from(share.ppm()) / 1e6),
        LinkState::Rejected => None,
    };
    let causes = said.into_iter();
    causes
        .filter_map(|link| sure(&link).map(|confidence| (link.to, confidence)))
        .collect()
}

/// The keys of what a link leads to: what a deployment shipped is meant with it.
pub(crate) async fn led_to(store: &Store, to: &LinkTo) -> CliResult<Vec<String>> {
    let mut keys = match to {
        LinkTo::NoChange => return Ok(Vec::new()),
        LinkTo::Change(_) => Vec::new(),
        LinkTo::Deployment(id) => register::latest::<Deployment>(store, id)
            .await?
            .map(|(deployment, _)| deployment.changes)
            .unwrap_or_default()
            .iter()
            .map(ToString::to_string)
            .collect(),
    };
    keys.push(to.to_string());
    Ok(keys)
}
