//! State that goes, and the time to have it back.

use super::change::Hit;
use super::facts::{Bounds, Loss, Recovery};
use super::measure::Measure;
use crate::catalog::{Node, Service};
use crate::effect::{StateLoss, Verb};

impl Measure<'_> {
    fn services<'h>(&'h self, hit: &'h Hit) -> impl Iterator<Item = &'h Service> {
        hit.nodes().iter().filter_map(|node| match node {
            Node::Service(at) => self.model.catalog.services().get(*at as usize),
            Node::Group(_) | Node::Function(_) => None,
        })
    }

    /// State that goes for good, wherever it is.
    pub(super) fn losses(&self) -> Vec<Loss> {
        let hits = self.change.hits.iter().filter(|hit| {
            let known = matches!(hit.state, StateLoss::Destroyed | StateLoss::Unknown);
            known && !matches!(hit.verb, Verb::Read | Verb::Create | Verb::Forget)
        });
        let mut losses: Vec<Loss> = hits
            .map(|hit| {
                let safe = |service: &Service| {
                    service.backup == Some(true) || service.stateful == Some(false)
                };
                let placed = self.services(hit).next().is_some();
                Loss {
                    object: hit.object.clone(),
                    state: hit.state,
                    environment: hit.environment,
                    covered: hit.state == StateLoss::Unknown
                        && placed
                        && self.services(hit).all(safe),
                    witness: hit.witness.clone(),
                }
            })
            .collect();
        losses.sort();
        losses.dedup();
        losses
    }

    pub(super) fn recovery(&self) -> Recovery {
        let times = self.counted().map(|hit| self.recovery_of(hit)).max();
        let incomplete = self.change.incomplete.then_some(Recovery::Unknown);
        times.max(incomplete).unwrap_or_default()
    }

    /// What is destroyed has to be restored if it keeps state; everything else
    /// has to be brought back to its last version.
    fn recovery_of(&self, hit: &Hit) -> Recovery {
        if hit.state == StateLoss::Destroyed || hit.nodes().is_empty() {
            return Recovery::Unknown;
        }
        let destroys = matches!(hit.verb, Verb::Replace | Verb::Delete | Verb::Unknown);
        let time = |service: &Service| {
            let keeps_state = service.stateful != Some(false) && hit.state != StateLoss::None
                || service.stateful == Some(true);
            let seconds = if destroys && keeps_state {
                service.restore
            } else {
                service.revert
            };
            seconds.map_or(Recovery::Unknown, Recovery::Seconds)
        };
        self.services(hit)
            .map(time)
            .max()
            .unwrap_or(Recovery::Unknown)
    }
}

pub(super) fn irreversible(losses: &[Loss]) -> Bounds<u32> {
    let count = |wanted: &dyn Fn(&&Loss) -> bool| {
        let found = losses.iter().filter(|loss| wanted(loss)).count();
        u32::try_from(found).unwrap_or(u32::MAX)
    };
    Bounds {
        low: count(&|loss| loss.state == StateLoss::Destroyed),
        likely: count(&|loss| !loss.covered),
        high: count(&|_| true),
    }
}
