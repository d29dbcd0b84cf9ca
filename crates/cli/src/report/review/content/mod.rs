//! What the review says, section by section, in the order of the meeting.

mod actions;
mod changelog;
mod factors;
mod figures;
mod incidents;
mod running;
mod safeguards;

use countersign_operations::review::Review;
use countersign_page::thousands;

use super::Section;
pub(crate) use running::reached;

pub(super) fn sections(review: &Review) -> Vec<Section> {
    vec![
        actions::decisions(review),
        actions::actions(review),
        figures::metrics(review),
        incidents::incidents(review),
        factors::factors(review),
        factors::dives(review),
        safeguards::rollouts(review),
        safeguards::safeguards(review),
        safeguards::usage(review),
        safeguards::bypasses(review),
        safeguards::planned(review),
        running::running(review),
        actions::new_actions(review),
        changelog::changelog(review),
        changelog::about(review),
    ]
}

fn whole(n: u64) -> String {
    thousands(i64::try_from(n).unwrap_or(i64::MAX))
}
