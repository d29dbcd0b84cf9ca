//! What a draft policy would have asked of a history, and of whom.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

use crate::decide::{Act, Load, RuleResult, Verdict, decide};
use crate::facts::Facts;
use crate::policy::Policy;
use crate::roster::Roster;

/// A change that landed, and when.
#[derive(Debug, Clone)]
pub struct Landed {
    /// What is known about it.
    pub facts: Facts,
    /// When it landed.
    pub at: Timestamp,
}

/// One rule over a history.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct RuleTally {
    /// Changes it applies to.
    pub applied: usize,
    /// Changes for which nobody could have satisfied it.
    pub unsatisfiable: usize,
}

/// One person over a history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SignerTally {
    /// The person's id.
    pub person: String,
    /// The name of their level.
    pub level: String,
    /// Sign-offs they would have been asked for.
    pub signoffs: usize,
    /// Sign-offs a week on average, in hundredths.
    pub signoffs_per_week_x100: usize,
    /// Minutes in their busiest week.
    pub busiest_week_minutes: u32,
    /// Minutes a week they can give.
    pub budget_minutes: u32,
    /// Weeks in which they were asked for more than their budget.
    pub weeks_over_budget: usize,
}

/// One week over a history.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct WeekTally {
    /// Changes that landed.
    pub changes: usize,
    /// Changes that would have been held or refused.
    pub held: usize,
    /// Sign-offs that would have been asked for.
    pub signoffs: usize,
    /// Sign-offs for which every possible signer was already over budget.
    pub over_capacity: usize,
}

/// What a policy would have asked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Backtest {
    /// Changes replayed.
    pub changes: usize,
    /// Changes that would have gone ahead without a sign-off.
    pub allowed: usize,
    /// Changes that would have needed sign-offs.
    pub held: usize,
    /// Changes that would have been refused.
    pub refused: usize,
    /// Held changes that nobody could have signed off.
    pub unsatisfiable: usize,
    /// Sign-offs in all.
    pub signoffs: usize,
    /// Per ISO week, such as `2026-W11`.
    pub weeks: BTreeMap<String, WeekTally>,
    /// Sign-offs by the level of the least loaded person who could give them.
    pub by_level: BTreeMap<String, usize>,
    /// Per rule, by id.
    pub rules: BTreeMap<String, RuleTally>,
    /// People who would have been asked, most asked first.
    pub signers: Vec<SignerTally>,
    /// Weeks in which demand exceeded what all possible signers could give.
    pub weeks_over_capacity: Vec<String>,
}

/// Minutes a careful sign-off takes: reviewers keep finding defects up to about
/// 400 lines an hour (Cohen, *Best Kept Secrets of Peer Code Review*, 2006), so
/// one minute per six lines, at least 5 and at most 90 minutes.
#[must_use]
pub fn minutes(lines: u64) -> u32 {
    u32::try_from((lines / 6).clamp(5, 90)).unwrap_or(90)
}

/// Replays a history, oldest change first, against a policy. Each sign-off is
/// given to the possible signer with the most budget left that week.
#[must_use]
pub fn replay(policy: &Policy, roster: &Roster, history: &[Landed]) -> Backtest {
    let mut order: Vec<&Landed> = history.iter().collect();
    order.sort_by_key(|landed| landed.at);
    let mut replay = Replay {
        policy,
        roster,
        result: Backtest {
            rules: policy
                .rules
                .iter()
                .map(|rule| (rule.id.clone(), RuleTally::default()))
                .collect(),
            ..Backtest::default()
        },
        week: String::new(),
        used: vec![0; roster.people().len()],
        people: vec![PersonTally::default(); roster.people().len()],
    };
    for landed in order {
        replay.change(landed);
    }
    replay.close_week();
    replay.finish()
}

#[derive(Clone, Default)]
struct PersonTally {
    signoffs: usize,
    busiest: u32,
    over: usize,
}

struct Replay<'a> {
    policy: &'a Policy,
    roster: &'a Roster,
    result: Backtest,
    week: String,
    /// Minutes used this week, by place in the roster.
    used: Vec<u32>,
    people: Vec<PersonTally>,
}

impl Replay<'_> {
    fn change(&mut self, landed: &Landed) {
        let week = iso_week(landed.at);
        if week != self.week {
            self.close_week();
            self.week = week;
        }
        let facts = &landed.facts;
        let seen = self.policy.observe(facts, landed.at);
        let load = Load {
            minutes: std::mem::take(&mut self.used),
            waiting: Vec::new(),
        };
        let decision = decide(
            self.policy,
            self.roster,
            facts,
            &seen,
            &[],
            &load,
            landed.at,
        );
        self.used = load.minutes;
        let mut tally = WeekTally {
            changes: 1,
            held: usize::from(decision.verdict != Verdict::Allow),
            ..WeekTally::default()
        };
        self.result.changes += 1;
        match decision.verdict {
            Verdict::Allow => self.result.allowed += 1,
            Verdict::Hold => self.result.held += 1,
            Verdict::Refuse => self.result.refused += 1,
        }
        if decision.verdict == Verdict::Hold && !decision.way.blocked.is_empty() {
            self.result.unsatisfiable += 1;
        }
        for (place, result) in decision.rules.iter().enumerate() {
            self.rule(place, result, &decision.way.blocked);
        }
        let minutes = minutes(facts.lines);
        for act in &decision.way.acts {
            tally.signoffs += 1;
            tally.over_capacity += usize::from(self.act(act, minutes));
        }
        self.result.signoffs += tally.signoffs;
        let total = self.result.weeks.entry(self.week.clone()).or_default();
        total.changes += tally.changes;
        total.held += tally.held;
        total.signoffs += tally.signoffs;
        total.over_capacity += tally.over_capacity;
    }

    fn rule(&mut self, place: usize, result: &RuleResult, blocked: &[(usize, usize)]) {
        let applied = matches!(
            result,
            RuleResult::Requires { .. } | RuleResult::Refuses { .. }
        );
        let Some(rule) = self.policy.rules.get(place).filter(|_| applied) else {
            return;
        };
        if let Some(tally) = self.result.rules.get_mut(&rule.id) {
            tally.applied += 1;
            tally.unsatisfiable += usize::from(blocked.iter().any(|(rule, _)| *rule == place));
        }
    }

    /// Gives one sign-off to the first candidate, who is the least loaded.
    /// `true` when even that one has no budget left.
    fn act(&mut self, act: &Act, minutes: u32) -> bool {
        let Some(index) = act.candidates.first().copied() else {
            return true;
        };
        let Some(person) = self.roster.person(index) else {
            return true;
        };
        let level = self.roster.levels().name(person.level).to_owned();
        *self.result.by_level.entry(level).or_default() += 1;
        if let Some(tally) = self.people.get_mut(index) {
            tally.signoffs += 1;
        }
        let Some(used) = self.used.get_mut(index) else {
            return true;
        };
        *used = used.saturating_add(minutes);
        *used > person.minutes_per_week
    }

    fn close_week(&mut self) {
        for ((used, tally), person) in self
            .used
            .iter_mut()
            .zip(&mut self.people)
            .zip(self.roster.people())
        {
            tally.busiest = tally.busiest.max(*used);
            tally.over += usize::from(*used > person.minutes_per_week);
            *used = 0;
        }
    }

    fn finish(mut self) -> Backtest {
        let weeks = self.result.weeks.len().max(1);
        let people = self.roster.people().iter().zip(&self.people);
        self.result.signers = people
            .filter(|(_, tally)| tally.signoffs > 0)
            .map(|(person, tally)| SignerTally {
                person: person.id.clone(),
                level: self.roster.levels().name(person.level).to_owned(),
                signoffs: tally.signoffs,
                signoffs_per_week_x100: tally.signoffs * 100 / weeks,
                busiest_week_minutes: tally.busiest,
                budget_minutes: person.minutes_per_week,
                weeks_over_budget: tally.over,
            })
            .collect();
        self.result.signers.sort_by(|a, b| {
            b.signoffs
                .cmp(&a.signoffs)
                .then_with(|| a.person.cmp(&b.person))
        });
        self.result.weeks_over_capacity = self
            .result
            .weeks
            .iter()
            .filter(|(_, week)| week.over_capacity > 0)
            .map(|(week, _)| week.clone())
            .collect();
        self.result
    }
}

/// The ISO 8601 week of a moment in UTC, such as `2026-W11`.
#[must_use]
pub fn iso_week(at: Timestamp) -> String {
    let date = at.to_zoned_datetime(TimeZone::UTC).date().iso_week_date();
    format!("{:04}-W{:02}", date.year(), date.week())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Kind;
    use crate::involvement::Verdict as Ai;
    use crate::moment::parse_utc;
    use crate::policy;
    use crate::roster::{self, Level};

    fn landed(day: &str, author: usize, level: u8, lines: u64) -> Landed {
        Landed {
            at: parse_utc(day).unwrap(),
            facts: Facts {
                involvement: Ai::Yes,
                authors: [author].into_iter().collect(),
                author_level: Level(level),
                lines,
                irreversible: Some(false),
                ..Facts::unknown(Kind::Merge)
            },
        }
    }

    fn people(minutes: u32) -> Roster {
        let text = format!(
            "version = 1\n[[person]]\nid = \"jun\"\n\
             [[person]]\nid = \"sen\"\nlevel = \"senior\"\nminutes_per_week = {minutes}\n\
             [[person]]\nid = \"sue\"\nlevel = \"senior\"\nminutes_per_week = {minutes}\n"
        );
        roster::parse(&text, "people.toml").unwrap()
    }

    #[test]
    fn demand_is_spread_and_capacity_runs_out() {
        let roster = people(60);
        let policy = policy::Policy::builtin(roster.levels()).unwrap();
        // Four changes of 30 minutes fill both seniors; the fifth is too much.
        let mut history: Vec<Landed> = (0..5).map(|_| landed("2026-03-10", 0, 0, 180)).collect();
        history.push(landed("2026-03-17", 0, 0, 6000));
        history.push(landed("2026-03-18", 1, 2, 10));
        let result = replay(&policy, &roster, &history);
        assert_eq!((result.changes, result.held, result.allowed), (7, 6, 1));
        assert_eq!(result.signoffs, 6);
        assert_eq!(result.weeks["2026-W11"].over_capacity, 1);
        // One sign-off of 90 minutes alone exceeds the budget of 60.
        assert_eq!(result.weeks_over_capacity, ["2026-W11", "2026-W12"]);
        assert_eq!(result.by_level["senior"], 6);
        assert_eq!(result.rules["ai-below-senior"].applied, 6);
        assert_eq!(result.signers.iter().map(|s| s.signoffs).sum::<usize>(), 6);
    }

    #[test]
    fn rules_that_nobody_could_satisfy_are_counted() {
        let text = "version = 1\n[[person]]\nid = \"jun\"\n";
        let roster = roster::parse(text, "people.toml").unwrap();
        let policy = policy::Policy::builtin(roster.levels()).unwrap();
        let result = replay(&policy, &roster, &[landed("2026-03-10", 0, 0, 10)]);
        assert_eq!(
            (result.held, result.unsatisfiable, result.signoffs),
            (1, 1, 0)
        );
        assert_eq!(result.rules["ai-below-senior"].unsatisfiable, 1);
    }

    #[test]
    fn weeks_follow_iso_8601_around_new_year() {
        for (day, week) in [
            ("2026-12-31", "2026-W53"),
            ("2027-01-03", "2026-W53"),
            ("2027-01-04", "2027-W01"),
        ] {
            assert_eq!(iso_week(parse_utc(day).unwrap()), week);
        }
    }

    #[test]
    fn order_of_the_history_does_not_matter() {
        let roster = people(60);
        let policy = policy::Policy::builtin(roster.levels()).unwrap();
        let history: Vec<Landed> = (1..9)
            .map(|day| landed(&format!("2026-03-0{day}"), 0, 0, u64::from(day as u32) * 60))
            .collect();
        let mut backwards = history.clone();
        backwards.reverse();
        assert_eq!(
            replay(&policy, &roster, &history),
            replay(&policy, &roster, &backwards)
        );
    }
}
