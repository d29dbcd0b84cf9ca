//! What was shipped: about 140 changes a week.

use std::collections::BTreeSet;

use countersign_core::effect::Environment;
use countersign_core::facts::Kind;
use countersign_core::involvement::{Role, Verdict};
use countersign_operations::change::{Change, ChangeRef};
use countersign_operations::noted::Noted;
use countersign_stats::Random;
use jiff::SignedDuration;

use super::organisation::{PEOPLE, SERVICES, Service};
use super::{WEEKS, below, happens, moment, name, pick};

/// The repository that all of it is in.
pub(super) const REPOSITORY: &str = "sample-shop";
/// Patterns of use, as provenance would show them.
const PATTERNS: [(&str, &str); 3] = [
    (
        "claude-code",
        "claude-code/claude-opus/agent-interactive/code/unknown",
    ),
    ("copilot", "copilot/unknown/autocomplete/code/unknown"),
    (
        "claude-code",
        "claude-code/claude-opus/agent-interactive/data/unknown",
    ),
];

/// A shipped change, with what its record does not say.
pub(super) struct Shipped {
    pub(super) change: Change,
    pub(super) week: i64,
    pub(super) service: &'static Service,
    /// 0 small, 1 middling, 2 large.
    pub(super) size: usize,
    /// Whether AI took part, declared or not.
    pub(super) ai: bool,
}

pub(super) fn ship(random: &mut Random) -> Vec<Shipped> {
    let mut all = Vec::new();
    for week in 0..WEEKS {
        let count = 118 + week / 2 + below(random, 17);
        all.extend((0..count).filter_map(|_| one(random, week)));
    }
    all
}

fn one(random: &mut Random, week: i64) -> Option<Shipped> {
    let service = pick(random, &SERVICES, |it| it.weight)?;
    let author = pick(random, &PEOPLE, |it| u64::from(it.team == service.team))?;
    let (size, lines) = match random.below(100) {
        0..60 => (0, 3 + random.below(45)),
        60..88 => (1, 50 + random.below(190)),
        _ => (2, 260 + random.below(600)),
    };
    let ai = happens(random, with_ai(service.tier, size, week));
    // one in nine says nothing, a little oftener where AI took part
    let silent = happens(random, if ai { 0.13 } else { 0.1 });
    let shipped_at = moment(week, below(random, 5), 480 + below(random, 600));
    let shipped_at = shipped_at + SignedDuration::from_secs(below(random, 60));
    let reference = ChangeRef::new(REPOSITORY, name(random));
    let noted = Noted::by("history", shipped_at + SignedDuration::from_mins(10));
    let mut change = Change::new(reference, Kind::Merge, shipped_at, noted);
    change.people = BTreeSet::from([author.id.to_owned()]);
    change.team = Some(service.team.to_owned());
    change.author_level = Some(author.level.to_owned());
    change.services = BTreeSet::from([service.id.to_owned()]);
    change.tier = Some(service.tier);
    change.environment = Environment::Production;
    change.lines = lines;
    change.files = 1 + lines / 40;
    change.involvement = match (silent, ai) {
        (true, _) => Verdict::Unknown,
        (false, true) => Verdict::Yes,
        (false, false) => Verdict::No,
    };
    if ai && !silent {
        let pattern = pick(random, &PATTERNS, |(_, key)| match *key {
            key if key.contains("/data/") => u64::from(week > 50),
            key if key.starts_with("copilot") => 8,
            _ => 12,
        });
        change.roles = BTreeSet::from([Role::Wrote]);
        change.tools = pattern.iter().map(|(tool, _)| (*tool).to_owned()).collect();
        change.usages = pattern.iter().map(|(_, key)| (*key).to_owned()).collect();
    }
    Some(Shipped {
        change,
        week,
        service,
        size,
        ai,
    })
}

/// How likely AI took part: the smaller, the further from the shop's heart and
/// the later, the likelier. That is what makes the plain ratio mislead.
fn with_ai(tier: u8, size: usize, week: i64) -> f64 {
    let most = match (tier, size) {
        (1, 0) => 0.1,
        (1, 1) => 0.06,
        (1, _) => 0.04,
        (2, 0) => 0.4,
        (2, 1) => 0.24,
        (2, _) => 0.13,
        (_, 0) => 0.95,
        (_, 1) => 0.8,
        (_, _) => 0.5,
    };
    most * (0.5 + 0.5 * week as f64 / WEEKS as f64)
}
