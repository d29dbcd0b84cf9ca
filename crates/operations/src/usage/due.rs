//! What people should look at again: what nobody registered, what has expired,
//! and what has become something else since it was last reviewed.

use std::collections::BTreeSet;

use countersign_core::usage::{Maturity, Usage, Usages, Why};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::{Pattern, Uses};

/// How long before its expiry an entry is due.
const AHEAD: SignedDuration = SignedDuration::from_hours(30 * 24);

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
    let mut found = BTreeSet::new();
    let mut add = |kind, what: &str, text: String| {
        found.insert(Due {
            kind,
            what: what.to_owned(),
            text,
        });
    };
    for (pattern, tally) in uses.patterns() {
        let standing = usages.standing(&pattern.as_use(), now, |_| None);
        let key = pattern.key();
        let since = tally.first.strftime("%Y-%m-%d");
        match (standing.maturity, &standing.why) {
            (Maturity::Forbidden, _) => {
                add(DueKind::Forbidden, &key, "forbidden, and used".to_owned());
            }
            (_, Why::Unregistered) => {
                let text = format!("no entry covers it; seen since {since}");
                add(DueKind::Unregistered, &key, text);
            }
            _ => {}
        }
    }
    for usage in usages.entries() {
        let id = usage.id.as_str();
        match usage.expires {
            Some(at) if at <= now => {
                let text = format!("expired on {}", at.strftime("%Y-%m-%d"));
                add(DueKind::Expired, id, text);
            }
            Some(at) if at.duration_since(now) <= AHEAD => {
                let text = format!("expires on {}", at.strftime("%Y-%m-%d"));
                add(DueKind::ExpiresSoon, id, text);
            }
            _ => {}
        }
        if matches!(usage.maturity, Maturity::Trial | Maturity::Established) {
            for safeguard in usages.missing(usage, usage.maturity) {
                add(
                    DueKind::MissingSafeguard,
                    id,
                    format!("not in place: {safeguard}"),
                );
            }
            let recent = uses.recent(usage, now);
            let before = countersign_core::usage::Recent {
                all: recent.all.saturating_sub(1),
                ..recent
            };
            if let Some(most) = usage.most(before).filter(|most| recent.with > *most) {
                let text = format!("{} changes in seven days; the cap is {most}", recent.with);
                add(DueKind::OverCap, id, text);
            }
        }
        if usage.owner.is_none() {
            add(DueKind::NoOwner, id, "nobody answers for it".to_owned());
        }
        match usage.reviewed {
            None => add(
                DueKind::NeverReviewed,
                id,
                "it does not say when it was last reviewed".to_owned(),
            ),
            Some(reviewed) => {
                for (kind, word) in material(uses, usages, usage, reviewed, now) {
                    let day = reviewed.strftime("%Y-%m-%d");
                    add(kind, id, format!("{word}: new since the review of {day}"));
                }
            }
        }
    }
    found.into_iter().collect()
}

/// What an entry covers now and did not when it was reviewed.
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
        if tally.first <= reviewed {
            before.push(pattern);
        } else {
            after.push(pattern);
        }
    }
    let mut found = BTreeSet::new();
    for pattern in after {
        let is_new = |same: &dyn Fn(&Pattern) -> bool| !before.iter().any(|it| same(it));
        if let Some(family) = &pattern.model_family
            && is_new(&|it| it.model_family.as_ref() == Some(family))
        {
            found.insert((DueKind::NewModelFamily, format!("model family {family}")));
        }
        if is_new(&|it| it.mode == pattern.mode) {
            found.insert((DueKind::NewMode, format!("mode {}", pattern.mode.as_str())));
        }
        if is_new(&|it| it.environment == pattern.environment) {
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
        for (lines, key, kind) in [
            ("", "kiro/unknown/chat/code/unknown", DueKind::Unregistered),
            (
                "[[usage]]\nid = \"a\"\nowner = \"b\"\nreviewed = \"1970-03-31\"\nmaturity = \"forbidden\"\n",
                "kiro/unknown/chat/code/unknown",
                DueKind::Forbidden,
            ),
        ] {
            assert_eq!(dues(lines, &[(key, 1)])[0].0, kind, "{lines}");
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
