//! How much of each pattern there was, and what went wrong with it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use countersign_core::involvement::Verdict;
use countersign_core::usage::{Recent, Usage};
use jiff::{SignedDuration, Timestamp};

use super::Pattern;

/// How long a cap looks back.
const WEEK: SignedDuration = SignedDuration::from_hours(7 * 24);

/// One pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    /// When it was first seen.
    pub first: Timestamp,
    /// When it was last seen.
    pub last: Timestamp,
    /// Changes with it.
    pub changes: u64,
    /// Tool calls of agents that were let through.
    pub actions: u64,
    /// Tool calls that were held or refused.
    pub stopped: u64,
    /// Deployments that it ran.
    pub deployments: u64,
    /// Incidents that came from a change with it, as far as linked.
    pub incidents: BTreeSet<String>,
}

impl Tally {
    const fn new(at: Timestamp) -> Self {
        Self {
            first: at,
            last: at,
            changes: 0,
            actions: 0,
            stopped: 0,
            deployments: 0,
            incidents: BTreeSet::new(),
        }
    }

    /// Everything that was done with it.
    #[must_use]
    pub const fn uses(&self) -> u64 {
        self.changes
            .saturating_add(self.actions)
            .saturating_add(self.deployments)
    }
}

/// Changes shipped, by involvement of AI.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Shipped {
    pub(super) yes: u64,
    pub(super) unknown: u64,
    pub(super) no: u64,
}

/// All patterns, the changes among which they were seen, and the incidents.
#[derive(Debug, Clone, Default)]
pub struct Uses {
    pub(super) patterns: BTreeMap<Pattern, Tally>,
    pub(super) shipped: Shipped,
    /// Of the last week, as far as told: when, and with which patterns.
    recent: VecDeque<(Timestamp, BTreeSet<Pattern>)>,
    /// Starts of incidents of which nobody knows which change they came from.
    pub(super) unlinked: Vec<Timestamp>,
    pub(super) incidents: u64,
}

impl Uses {
    fn at(&mut self, pattern: &Pattern, at: Timestamp) -> &mut Tally {
        let tally = self
            .patterns
            .entry(pattern.clone())
            .or_insert_with(|| Tally::new(at));
        tally.first = tally.first.min(at);
        tally.last = tally.last.max(at);
        tally
    }

    /// Adds a shipped change and the incidents that came from it. Changes have to
    /// come in order of time for [`Self::recent`] to hold the last week's.
    pub fn change(
        &mut self,
        at: Timestamp,
        involvement: Verdict,
        patterns: BTreeSet<Pattern>,
        incidents: &[String],
    ) {
        match involvement {
            Verdict::Yes => self.shipped.yes += 1,
            Verdict::Unknown => self.shipped.unknown += 1,
            Verdict::No => self.shipped.no += 1,
        }
        for pattern in &patterns {
            let tally = self.at(pattern, at);
            tally.changes += 1;
            tally.incidents.extend(incidents.iter().cloned());
        }
        self.recent.push_back((at, patterns));
        while let Some((first, _)) = self.recent.front()
            && at.duration_since(*first) > WEEK
        {
            self.recent.pop_front();
        }
    }

    /// Adds a tool call of an agent, and whether it was let through.
    pub fn action(&mut self, at: Timestamp, pattern: &Pattern, allowed: bool) {
        let tally = self.at(pattern, at);
        if allowed {
            tally.actions += 1;
        } else {
            tally.stopped += 1;
        }
    }

    /// Adds a deployment that a tool ran, and the incidents that came from it.
    pub fn deployment(&mut self, at: Timestamp, pattern: &Pattern, incidents: &[String]) {
        let tally = self.at(pattern, at);
        tally.deployments += 1;
        tally.incidents.extend(incidents.iter().cloned());
    }

    /// Adds an incident that counts; `linked`: somebody or something knows which
    /// change it came from, or that it came from none.
    pub fn incident(&mut self, started: Timestamp, linked: bool) {
        self.incidents += 1;
        if !linked {
            self.unlinked.push(started);
        }
    }

    /// Every pattern, in order.
    pub fn patterns(&self) -> impl Iterator<Item = (&Pattern, &Tally)> {
        self.patterns.iter()
    }

    /// One pattern.
    #[must_use]
    pub fn get(&self, pattern: &Pattern) -> Option<&Tally> {
        self.patterns.get(pattern)
    }

    /// Changes shipped.
    #[must_use]
    pub const fn changes(&self) -> u64 {
        self.shipped.yes + self.shipped.unknown + self.shipped.no
    }

    /// How much of an entry there was in the seven days up to `now`.
    #[must_use]
    pub fn recent(&self, usage: &Usage, now: Timestamp) -> Recent {
        let in_week = |at: &Timestamp| *at <= now && now.duration_since(*at) <= WEEK;
        let week = self.recent.iter().filter(|(at, _)| in_week(at));
        let mut found = Recent::default();
        for (_, patterns) in week {
            found.all += 1;
            let covered = patterns.iter().any(|it| usage.covers(&it.as_use()));
            found.with += u64::from(covered);
        }
        found
    }

    /// Incidents since a time of which nobody knows where they came from.
    #[must_use]
    pub fn unlinked_since(&self, at: Timestamp) -> u64 {
        self.unlinked
            .iter()
            .filter(|started| **started >= at)
            .count() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_core::effect::Environment;
    use countersign_core::usage::Usages;

    #[test]
    fn the_last_week_counts_for_the_cap() {
        let mut uses = Uses::default();
        let pattern: Pattern = "kiro/unknown/chat/code/unknown".parse().unwrap();
        for day in 0..20i64 {
            let at = Timestamp::from_second(day * 86_400).unwrap();
            let with = if day % 2 == 0 {
                vec![pattern.clone()]
            } else {
                vec![]
            };
            uses.change(at, Verdict::Unknown, with.into_iter().collect(), &[]);
        }
        let text = "version = 1\n[[usage]]\nid = \"a\"\ntool = \"kiro\"\nmaturity = \"trial\"\n";
        let usages = Usages::parse(text, "usage.toml").unwrap();
        let now = Timestamp::from_second(19 * 86_400).unwrap();
        let recent = uses.recent(&usages.entries()[0], now);
        assert_eq!((recent.with, recent.all), (4, 8));
        let later = now + SignedDuration::from_hours(24 * 30);
        assert_eq!(uses.recent(&usages.entries()[0], later), Recent::default());
        assert_eq!(uses.get(&pattern).unwrap().changes, 10);
    }

    #[test]
    fn what_was_stopped_is_no_use() {
        let mut uses = Uses::default();
        let pattern = crate::usage::of_action("kiro", None, Environment::Production);
        uses.action(Timestamp::UNIX_EPOCH, &pattern, true);
        uses.action(Timestamp::UNIX_EPOCH, &pattern, false);
        let tally = uses.get(&pattern).unwrap();
        assert_eq!((tally.uses(), tally.stopped), (1, 1));
    }
}
