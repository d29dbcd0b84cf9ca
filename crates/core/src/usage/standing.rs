//! What the registry says of one use.

use jiff::Timestamp;
use serde::Serialize;

use super::{Activity, Cap, Maturity, Mode, Usage, Usages};
use crate::effect::Environment;

/// One use, as far as known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Use<'a> {
    /// The tool's identifier in the marker catalogue.
    pub tool: &'a str,
    /// The family of the model; `None`: not known.
    pub model_family: Option<&'a str>,
    /// How much a person stands between.
    pub mode: Mode,
    /// What it is used for.
    pub activity: Activity,
    /// Where.
    pub environment: Environment,
}

/// How much a usage was used in the last seven days.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Recent {
    /// Changes with it, the one in question left out.
    pub with: u64,
    /// All changes, the one in question left out.
    pub all: u64,
}

/// Why a use counts as it does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// As its entry says.
    Registered,
    /// No entry covers it.
    Unregistered,
    /// Its entry has expired.
    Expired(Timestamp),
    /// Safeguards that it requires are not in place.
    Missing(Vec<String>),
    /// There would be more of it in seven days than its entry allows.
    OverCap {
        /// Changes with it, this one included.
        changes: u64,
        /// The most there may be.
        most: u64,
    },
}

/// What the registry says of one use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing<'a> {
    /// What policies see.
    pub maturity: Maturity,
    /// The entry that covers it.
    pub entry: Option<&'a Usage>,
    /// Why.
    pub why: Why,
}

impl Usage {
    /// Whether it is about this use. What is not known of a use is covered only
    /// by an entry that leaves it open.
    #[must_use]
    pub fn covers(&self, it: &Use<'_>) -> bool {
        let same =
            |entry: &Option<String>, of: Option<&str>| entry.is_none() || entry.as_deref() == of;
        same(&self.tool, Some(it.tool))
            && same(&self.model_family, it.model_family)
            && self.mode.is_none_or(|mode| mode == it.mode)
            && self.activity.is_none_or(|activity| activity == it.activity)
            && self.environment.is_none_or(|place| place == it.environment)
    }

    fn specificity(&self) -> usize {
        [
            self.tool.is_some(),
            self.model_family.is_some(),
            self.mode.is_some(),
            self.activity.is_some(),
            self.environment.is_some(),
        ]
        .into_iter()
        .filter(|is_named| *is_named)
        .count()
    }

    /// The most changes with it in seven days, where it has a cap.
    #[must_use]
    pub fn most(&self, recent: Recent) -> Option<u64> {
        self.cap.most(recent.all.saturating_add(1))
    }
}

impl Cap {
    /// The most changes with it among so many changes, where there is a cap.
    #[must_use]
    pub fn most(self, all: u64) -> Option<u64> {
        let share = self.percent.map(|percent| {
            let part = u128::from(all) * u128::from(percent) / 100;
            u64::try_from(part).unwrap_or(u64::MAX).max(1)
        });
        [self.changes, share].into_iter().flatten().min()
    }
}

impl Usages {
    /// What is known of one use. The entry that names the most fields counts;
    /// between equals the more cautious. `recent` tells how much of an entry
    /// there was, where its cap is to be held; `None`: nobody counted.
    #[must_use]
    pub fn standing(
        &self,
        it: &Use<'_>,
        now: Timestamp,
        recent: impl FnOnce(&Usage) -> Option<Recent>,
    ) -> Standing<'_> {
        let covering = self.entries.iter().filter(|usage| usage.covers(it));
        let found = covering.max_by_key(|usage| (usage.specificity(), usage.maturity));
        let novel = |why| Standing {
            maturity: Maturity::Novel,
            entry: found,
            why,
        };
        let Some(usage) = found else {
            return novel(Why::Unregistered);
        };
        if let Some(at) = usage.expires.filter(|at| *at <= now) {
            return novel(Why::Expired(at));
        }
        if matches!(usage.maturity, Maturity::Trial | Maturity::Established) {
            let missing = self.missing(usage, usage.maturity);
            if !missing.is_empty() {
                return novel(Why::Missing(
                    missing.into_iter().map(str::to_owned).collect(),
                ));
            }
            let has_cap = usage.cap != Cap::default();
            if let Some(recent) = has_cap.then(|| recent(usage)).flatten()
                && let Some(most) = usage.most(recent)
            {
                let changes = recent.with.saturating_add(1);
                if changes > most {
                    return novel(Why::OverCap { changes, most });
                }
            }
        }
        Standing {
            maturity: usage.maturity,
            entry: found,
            why: Why::Registered,
        }
    }

    /// How established the use of one tool is, where neither model nor mode is
    /// known and nobody counted.
    #[must_use]
    pub fn maturity(
        &self,
        tool: &str,
        activity: Activity,
        environment: Environment,
        now: Timestamp,
    ) -> Maturity {
        let it = Use {
            tool,
            model_family: None,
            mode: Mode::Unknown,
            activity,
            environment,
        };
        self.standing(&it, now, |_| None).maturity
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::moment;

    fn use_of<'a>(tool: &'a str, family: Option<&'a str>, mode: Mode) -> Use<'a> {
        Use {
            tool,
            model_family: family,
            mode,
            activity: Activity::Code,
            environment: Environment::Unknown,
        }
    }

    fn usages(lines: &str) -> Usages {
        let text = format!(
            "version = 1\n[maturity.established]\nsafeguards = [\"canary\"]\n[[usage]]\nid = \"a\"\ntool = \"claude-code\"\n{lines}\n"
        );
        Usages::parse(&text, "usage.toml").unwrap()
    }

    #[test]
    fn what_is_not_known_is_not_covered() {
        let found =
            usages("maturity = \"trial\"\nmode = \"agent-interactive\"\nmodel_family = \"claude\"");
        let now = Timestamp::UNIX_EPOCH;
        for (family, mode, wanted) in [
            (Some("claude"), Mode::AgentInteractive, Maturity::Trial),
            (None, Mode::AgentInteractive, Maturity::Novel),
            (Some("gpt"), Mode::AgentInteractive, Maturity::Novel),
            (Some("claude"), Mode::Unknown, Maturity::Novel),
            (Some("claude"), Mode::AgentAutonomous, Maturity::Novel),
        ] {
            let it = use_of("claude-code", family, mode);
            let standing = found.standing(&it, now, |_| None);
            assert_eq!(standing.maturity, wanted, "{it:?}");
        }
    }

    #[test]
    fn a_missing_safeguard_makes_it_novel_again() {
        let it = use_of("claude-code", None, Mode::Unknown);
        let now = Timestamp::UNIX_EPOCH;
        let without = usages("maturity = \"established\"");
        let standing = without.standing(&it, now, |_| None);
        assert_eq!(standing.maturity, Maturity::Novel);
        assert_eq!(standing.why, Why::Missing(vec!["canary".to_owned()]));
        let with = usages("maturity = \"established\"\nin_place = [\"canary\"]");
        assert_eq!(
            with.standing(&it, now, |_| None).maturity,
            Maturity::Established
        );
        let forbidden = usages("maturity = \"forbidden\"\nsafeguards = [\"x\"]");
        assert_eq!(
            forbidden.standing(&it, now, |_| None).maturity,
            Maturity::Forbidden
        );
    }

    #[test]
    fn a_cap_holds_for_the_change_in_question() {
        let now = moment::parse_utc("2026-06-01").unwrap();
        let it = use_of("claude-code", None, Mode::Unknown);
        let of = |lines: &str, with, all| {
            let found = usages(&format!("maturity = \"trial\"\n{lines}"));
            found.standing(&it, now, |_| Some(Recent { with, all })).why
        };
        assert_eq!(of("weekly_changes = 5", 4, 100), Why::Registered);
        let over = |changes, most| Why::OverCap { changes, most };
        assert_eq!(of("weekly_changes = 5", 5, 100), over(6, 5));
        assert_eq!(of("weekly_percent = 20", 0, 0), Why::Registered);
        assert_eq!(of("weekly_percent = 20", 20, 104), Why::Registered);
        assert_eq!(of("weekly_percent = 20", 21, 104), over(22, 21));
        assert_eq!(
            of("weekly_changes = 3\nweekly_percent = 50", 3, 100),
            over(4, 3)
        );
    }
}
