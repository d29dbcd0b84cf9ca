//! Advice of an old wiki page, taken.

use std::collections::BTreeSet;

use countersign_core::facts::Kind;
use countersign_core::involvement::{self, Role};
use countersign_operations::change::ChangeRef;
use countersign_operations::factor::ClaimState;
use countersign_operations::incident::{AiPart, Severity};
use countersign_operations::link::LinkTo;

use super::{at, change_of, incident, linked, names, said, timeline};
use crate::demo::changes::REPOSITORY;
use crate::demo::incidents::{Register, after};

/// Monday: an engineer asks for advice, and gets that of an old page.
pub(super) fn stale_wiki(register: &mut Register) -> String {
    let start = at(0, 615);
    let id = register.next(start);
    let mut it = incident(
        id.clone(),
        "Prices without tax in one country",
        (start, 95),
        Severity::Sev2,
        12.0,
    );
    it.services = names(&["prices"]);
    it.functions = names(&["see-prices"]);
    it.ai = AiPart::Took(BTreeSet::from([Role::Advised]));
    it.timeline = timeline(&[
        (
            after(start, -40),
            "an assistant answers with the steps of a wiki page of 2022",
        ),
        (
            after(start, -5),
            "the tax table is loaded as that page says",
        ),
        (start, "prices are shown without tax"),
    ]);
    let change = ChangeRef::new(REPOSITORY, "7a11c0de00000000000000000000000000000001");
    let mut made = change_of(change.clone(), Kind::Merge, after(start, -5), "max");
    made.title = Some("Load the tax table".to_owned());
    made.services = names(&["prices"]);
    made.tier = Some(1);
    made.team = Some("money".to_owned());
    made.author_level = Some("mid".to_owned());
    made.lines = 14;
    made.files = 1;
    made.involvement = involvement::Verdict::Yes;
    made.roles = BTreeSet::from([Role::Advised]);
    let claimed = (id.as_str(), "stale-source-advice");
    register.records.extend([
        it.into(),
        made.into(),
        linked(&id, LinkTo::Change(change), "omar", at(0, 840)),
        said(
            claimed,
            "max",
            "max",
            at(0, 850),
            ClaimState::Claimed,
            "the page was of 2022",
        ),
        said(
            claimed,
            "max",
            "omar",
            at(0, 930),
            ClaimState::Confirmed,
            "the page is there, with its date",
        ),
    ]);
    id
}
