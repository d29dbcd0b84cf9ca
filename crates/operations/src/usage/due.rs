//! What people should look at again: what nobody registered, what has expired,
//! and what has become something else since it was last reviewed.

use std::collections::BTreeSet;

use countersign_core::effect::Environment;
use countersign_core::usage::{Maturity, Mode, Usage, Usages, Why};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::{Pattern, Uses};

/// How long before its expiry an entry is due.
const AHEAD: SignedDuration = SignedDuration::from_hours(30 * 24);

/// A review is dated to the day.
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// Why something is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DueKind {
    /// It is used although it is forbidden.
    Forbidden,
    /// No entry covers it.
    Unregistered,
    /// Its entry has expired.
    Expired,
    /// A safeguard that it requires is not in place.
    MissingSafeguard,
    /// There was more of it in seven days than its cap allows.
    OverCap,
    /// A model family that it did not have when it was reviewed.
    NewModelFamily,
    /// A mode that it did not have then.
    NewMode,
    /// An environment that it did not have then.
    NewEnvironment,
    /// Nobody answers for the entry.
    NoOwner,
    /// It expires within 30 days.
    ExpiresSoon,
    /// Nobody said when it was last looked at.
    NeverReviewed,
}

/// One thing to look at.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Due {
    /// Why.
    pub kind: DueKind,
    /// The pattern or the id of the entry.
    pub what: String,
    /// In words.
    pub text: String,
}

/// Everything that is due, the worst first.
#[must_use]
pub fn due(uses: &Uses, usages: &Usages, now: Timestamp) -> Vec<Due> {
    let mut found = Found::default();
    for (pattern, tally) in uses.patterns() {
        let standing = usages.standing(&pattern.as_use(), now, |_| None);
        let key = pattern.key();
        match (standing.maturity, &standing.why) {
            (Maturity::Forbidden, _) => {
                let text = format!("last seen on {}", day(tally.last));
                found.add(DueKind::Forbidden, &key, text);
            }
            (_, Why::Unregistered) => {
                let text = format!("no entry covers it; seen since {}", day(tally.first));
                found.add(DueKind::Unregistered, &key, text);
            }
            _ => {}
        }
    }
    // What is forbidden needs nobody's care, only that it does not happen.
    let cared_for = |it: &&Usage| it.maturity != Maturity::Forbidden;
    for usage in usages.entries().iter().filter(cared_for) {
        found.expiry(usage, now);
        found.safeguards(usage, usages);
        found.cap(usage, uses, now);
        found.care(usage, uses, usages, now);
    }
    found.0.into_iter().collect()
}

fn day(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d").to_string()
}

#[derive(Default)]
struct Found(BTreeSet<Due>);

impl Found {
    fn add(&mut self, kind: DueKind, what: &str, text: String) {
        let what = what.to_owned();
        self.0.insert(Due { kind, what, text });
    }

    fn expiry(&mut self, usage: &Usage, now: Timestamp) {
        match usage.expires {
            Some(at) if at <= now => {
                self.add(
                    DueKind::Expired,
                    &usage.id,
                    format!("expired on {}", day(at)),
                );
            }
            Some(at) if at.duration_since(now) <= AHEAD => {
                self.add(
                    DueKind::ExpiresSoon,
                    &usage.id,
                    format!("expires on {}", day(at)),
                );
            }
            _ => {}
        }
    }

    fn safeguards(&mut self, usage: &Usage, usages: &Usages) {
        if usage.maturity == Maturity::Novel {
            return;
        }
        for safeguard in usages.missing(usage, usage.maturity) {
            let text = format!("not in place: {safeguard}");
            self.add(DueKind::MissingSafeguard, &usage.id, text);
        }
    }

    fn cap(&mut self, usage: &Usage, uses: &Uses, now: Timestamp) {
        let recent = uses.recent(usage, now);
        let most = usage.cap.most(recent.all);
        if let Some(most) = most.filter(|most| recent.with > *most) {
            let text = format!("{} changes in seven days; the cap is {most}", recent.with);
            self.add(DueKind::OverCap, &usage.id, text);
        }
    }

    fn care(&mut self, usage: &Usage, uses: &Uses, usages: &Usages, now: Timestamp) {
        if usage.owner.is_none() {
            let text = "nobody answers for it".to_owned();
            self.add(DueKind::NoOwner, &usage.id, text);
        }
        let Some(reviewed) = usage.reviewed else {
            let text = "it does not say when it was last reviewed".to_owned();
            return self.add(DueKind::NeverReviewed, &usage.id, text);
        };
        for (kind, word) in material(uses, usages, usage, reviewed, now) {
            let text = format!("{word}: new since the review of {}", day(reviewed));
            self.add(kind, &usage.id, text);
        }
    }
}

/// What an entry covers now and did not when it was reviewed, among what it
/// leaves open. What was seen on the day of the review was seen by the reviewer.
fn material(
    uses: &Uses,
    usages: &Usages,
    usage: &Usage,
    reviewed: Timestamp,
    now: Timestamp,
) -> Vec<(DueKind, String)> {
    let covered = |pattern: &Pattern| {
        let standing = usages.standing(&pattern.as_use(), now, |_| None);
        standing.entry.is_some_and(|entry| entry.id == usage.id)
    };
    let (mut before, mut after) = (Vec::new(), Vec::new());
    for (pattern, tally) in uses.patterns().filter(|(pattern, _)| covered(pattern)) {
        if tally.first.duration_since(reviewed) < DAY {
            before.push(pattern);
        } else {
            after.push(pattern);
        }
    }
    let mut found = BTreeSet::new();
    for pattern in after {
        let is_new = |same: &dyn Fn(&Pattern) -> bool| !before.iter().any(|it| same(it));
        if let (None, Some(family)) = (&usage.model_family, &pattern.model_family)
            && is_new(&|it| it.model_family.as_ref() == Some(family))
        {
            found.insert((DueKind::NewModelFamily, format!("model family {family}")));
        }
        if usage.mode.is_none()
            && pattern.mode != Mode::Unknown
            && is_new(&|it| it.mode == pattern.mode)
        {
            found.insert((DueKind::NewMode, format!("mode {}", pattern.mode.as_str())));
        }
        if usage.environment.is_none()
            && pattern.environment != Environment::Unknown
            && is_new(&|it| it.environment == pattern.environment)
        {
            let place = pattern.environment.as_str();
            found.insert((DueKind::NewEnvironment, format!("environment {place}")));
        }
    }
    found.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_core::involvement::Verdict;

    fn dues(lines: &str, patterns: &[(&str, i64)]) -> Vec<(DueKind, String)> {
        let mut uses = Uses::default();
        for (key, day) in patterns {
            let at = Timestamp::from_second(day * 86_400).unwrap();
            let with = [key.parse().unwrap()].into_iter().collect();
            uses.change(at, Verdict::Yes, with, &[]);
        }
        let text = format!("version = 1\n{lines}");
        let usages = Usages::parse(&text, "usage.toml").unwrap();
        let now: Timestamp = "1970-04-01T00:00:00Z".parse().unwrap();
        let found = due(&uses, &usages, now);
        found
            .into_iter()
            .map(|it| (it.kind, format!("{} {}", it.what, it.text)))
            .collect()
    }

    const KIRO: &str = "[[usage]]\nid = \"kiro\"\ntool = \"kiro\"\nowner = \"ada\"\nmaturity = \"trial\"\nreviewed = \"1970-02-01\"\n";

    #[test]
    fn a_new_family_mode_or_place_is_reviewed_again() {
        let found = dues(
            KIRO,
            &[
                ("kiro/claude-opus/chat/code/staging", 1),
                ("kiro/gpt/chat/code/staging", 40),
                ("kiro/claude-opus/agent-autonomous/code/production", 41),
                ("kiro/claude-opus/chat/data/staging", 42),
            ],
        );
        assert_eq!(
            found,
            [
                (
                    DueKind::NewModelFamily,
                    "kiro model family gpt: new since the review of 1970-02-01".to_owned()
                ),
                (
                    DueKind::NewMode,
                    "kiro mode agent-autonomous: new since the review of 1970-02-01".to_owned()
                ),
                (
                    DueKind::NewEnvironment,
                    "kiro environment production: new since the review of 1970-02-01".to_owned()
                ),
            ]
        );
    }

    #[test]
    fn what_nobody_looks_after_is_due() {
        let none: [(DueKind, String); 0] = [];
        assert_eq!(dues(KIRO, &[("kiro/unknown/chat/code/unknown", 1)]), none);
        // registered on the day it was seen, for what it is; nothing else is known of it
        let named = format!("{KIRO}environment = \"production\"\n");
        let same_day = ("kiro/unknown/unknown/deployment/production", 31);
        let later = ("kiro/gpt/unknown/operations/production", 40);
        assert_eq!(dues(&named, &[same_day]), none);
        let family = (
            DueKind::NewModelFamily,
            "kiro model family gpt: new since the review of 1970-02-01".to_owned(),
        );
        assert_eq!(dues(&named, &[same_day, later]), [family]);
        for (lines, key, kind) in [
            ("", "kiro/unknown/chat/code/unknown", DueKind::Unregistered),
            (
                "[[usage]]\nid = \"a\"\nmaturity = \"forbidden\"\n",
                "kiro/unknown/chat/code/unknown",
                DueKind::Forbidden,
            ),
        ] {
            let found = dues(lines, &[(key, 1)]);
            assert_eq!((found.len(), found[0].0), (1, kind), "{found:?}");
        }
        for (line, kind) in [
            ("expires = \"1970-03-01\"\n", DueKind::Expired),
            ("expires = \"1970-04-20\"\n", DueKind::ExpiresSoon),
            ("safeguards = [\"canary\"]\n", DueKind::MissingSafeguard),
        ] {
            let found = dues(&format!("{KIRO}{line}"), &[]);
            assert_eq!(found.len(), 1, "{found:?}");
            assert_eq!(found[0].0, kind);
        }
        let capped = format!("{KIRO}weekly_changes = 1\n");
        let busy = ("kiro/unknown/chat/code/unknown", 90);
        assert_eq!(
            dues(
                &capped,
                &[("kiro/unknown/chat/code/unknown", 1), busy, busy]
            )[0]
            .0,
            DueKind::OverCap
        );
    }
}
