//! What waits for whom: open changes by risk and age, each sign-off asked of
//! the person who has the most room for it.

use std::cmp::Reverse;

use jiff::Timestamp;

use crate::backtest::minutes;
use crate::decide::{Act, Load};
use crate::facts::Facts;
use crate::involvement::Verdict;
use crate::policy::Policy;
use crate::roster::Roster;
use crate::usage::Maturity;

/// How much there is to lose; greater is riskier. Compared field by field: what
/// is lost for good, the tier, how far it reaches, how AI took part and how new
/// that is, the size. What nobody knows counts as the worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Risk {
    /// 2: destroys state; 1: may; 0: does not.
    irreversible: u8,
    tier: Reverse<u64>,
    /// Customers in percent, functions, services.
    reach: (u64, u64, u64),
    involvement: Verdict,
    usage: Option<Maturity>,
    lines: u64,
}

impl Risk {
    /// The risk of a change under a policy's reading of what is unknown.
    #[must_use]
    pub fn of(facts: &Facts, policy: &Policy) -> Self {
        let worst = |reach: Option<u64>| reach.unwrap_or(u64::MAX);
        Self {
            irreversible: match facts.irreversible {
                Some(true) => 2,
                None => 1,
                Some(false) => 0,
            },
            tier: Reverse(facts.tier.unwrap_or(policy.settings.unmapped_tier)),
            reach: (
                worst(facts.reach.customers),
                worst(facts.reach.functions),
                worst(facts.reach.services),
            ),
            involvement: facts.involvement,
            usage: facts.usage,
            lines: facts.lines,
        }
    }
}

/// An open change that is held and can be brought forward.
#[derive(Debug, Clone)]
pub struct Open<'a> {
    /// Its name, to put equals in a fixed order.
    pub name: &'a str,
    /// What is known about it.
    pub facts: &'a Facts,
    /// The sign-offs it waits for.
    pub acts: &'a [Act],
    /// Since when it waits, as far as known.
    pub since: Option<Timestamp>,
}

/// Who is asked for one sign-off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// The person.
    pub person: usize,
    /// Who would have been asked, were they not away.
    pub instead_of: Option<usize>,
}

/// An open change in its place in the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// Its place in the list that was given.
    pub change: usize,
    /// Minutes that one careful sign-off takes.
    pub minutes: u32,
    /// Who is asked for each sign-off; `None` where nobody is left.
    pub asked: Vec<Option<Asked>>,
}

/// Puts open changes in order, riskiest and then oldest first, and asks for
/// each sign-off whoever then has the most room, so that work is spread. `load`
/// is what people have done this week; what is asked of them is added to it.
pub fn place(open: &[Open<'_>], policy: &Policy, roster: &Roster, load: &mut Load) -> Vec<Placed> {
    let mut order: Vec<(usize, &Open<'_>)> = open.iter().enumerate().collect();
    order.sort_by_cached_key(|(_, change)| {
        let since = change.since.unwrap_or(Timestamp::MIN);
        (Reverse(Risk::of(change.facts, policy)), since, change.name)
    });
    order
        .into_iter()
        .map(|(place, change)| {
            let minutes = minutes(change.facts.lines);
            let mut people = Vec::new();
            let mut ask = |act: &Act| {
                let (person, instead_of) = act.asks(roster, load, &people)?;
                people.push(person);
                load.add_waiting(person, minutes);
                if let Some(away) = instead_of {
                    // Their share is used up too, or the delegate would be
                    // asked for everything until they are back.
                    load.add_done(away, minutes);
                }
                Some(Asked { person, instead_of })
            };
            Placed {
                change: place,
                minutes,
                asked: change.acts.iter().map(&mut ask).collect(),
            }
        })
        .collect()
}

/// The beginning of the week (Monday, UTC) that a moment is in.
#[must_use]
pub fn week_start(now: Timestamp) -> Timestamp {
    const DAY: i64 = 24 * 60 * 60;
    let day = now.as_second().div_euclid(DAY);
    // 1970-01-01 was a Thursday.
    let monday = day - (day + 3).rem_euclid(7);
    Timestamp::from_second(monday * DAY).unwrap_or(Timestamp::MIN)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::facts::Kind;
    use crate::moment::parse_utc;
    use crate::roster;

    fn people(more: &str) -> Roster {
        let text = format!(
            "version = 1\n[[person]]\nid = \"jun\"\n\
             [[person]]\nid = \"sen\"\nlevel = \"senior\"\n\
             [[person]]\nid = \"sue\"\nlevel = \"senior\"\n{more}"
        );
        roster::parse(&text, "people.toml").unwrap()
    }

    fn act(candidates: &[usize]) -> Act {
        Act {
            candidates: candidates.to_vec(),
            stand_ins: Vec::new(),
            rules: vec![0],
        }
    }

    fn change(tweak: impl Fn(&mut Facts)) -> Facts {
        let mut facts = Facts {
            irreversible: Some(false),
            involvement: Verdict::Yes,
            lines: 60,
            ..Facts::unknown(Kind::Merge)
        };
        tweak(&mut facts);
        facts
    }

    #[test]
    fn the_riskiest_comes_first_and_then_the_oldest() {
        let roster = people("");
        let policy = Policy::builtin(roster.levels()).unwrap();
        let cases = [
            ("small", change(|it| it.lines = 6), 1),
            ("old", change(|_| ()), 1),
            ("new", change(|_| ()), 2),
            ("human", change(|it| it.involvement = Verdict::No), 1),
            ("novel", change(|it| it.usage = Some(Maturity::Novel)), 1),
            ("near", change(|it| it.reach.services = Some(1)), 1),
            ("tier 1", change(|it| it.tier = Some(1)), 1),
            ("may destroy", change(|it| it.irreversible = None), 1),
            ("destroys", change(|it| it.irreversible = Some(true)), 1),
        ];
        let acts = [act(&[1])];
        let open: Vec<Open<'_>> = cases
            .iter()
            .map(|(name, facts, day)| Open {
                name,
                facts,
                acts: &acts,
                since: Some(parse_utc(&format!("2026-03-0{day}")).unwrap()),
            })
            .collect();
        let placed = place(&open, &policy, &roster, &mut Load::none(&roster));
        let names: Vec<&str> = placed.iter().map(|it| open[it.change].name).collect();
        assert_eq!(
            names,
            [
                "destroys",
                "may destroy",
                "tier 1",
                "novel",
                "old",
                "new",
                "small",
                "human",
                "near"
            ]
        );
    }

    #[test]
    fn work_is_spread_and_two_sign_offs_are_asked_of_two_people() {
        let roster = people("");
        let policy = Policy::builtin(roster.levels()).unwrap();
        let facts = change(|_| ());
        let (one, two) = ([act(&[1, 2])], [act(&[1, 2]), act(&[1, 2])]);
        let open = |acts| Open {
            name: "x",
            facts: &facts,
            acts,
            since: None,
        };
        let mut load = Load::none(&roster);
        load.add_done(1, 15);
        let placed = place(
            &[open(&one), open(&one), open(&two)],
            &policy,
            &roster,
            &mut load,
        );
        let asked = |at: usize| {
            placed[at]
                .asked
                .iter()
                .map(|it| it.unwrap().person)
                .collect::<Vec<_>>()
        };
        assert_eq!(
            (asked(0), asked(1), asked(2)),
            (vec![2], vec![2], vec![1, 2])
        );
        assert_eq!(load.minutes, [0, 25, 30]);
        assert_eq!(load.waiting, [0, 1, 3]);
    }

    #[test]
    fn a_delegate_gets_the_share_of_who_is_away_and_no_more() {
        let roster = people("[[person]]\nid = \"pat\"\nlevel = \"senior\"\n");
        let policy = Policy::builtin(roster.levels()).unwrap();
        let facts = change(|_| ());
        // Pat (3) is away, and Sue (2) stands in.
        let acts = [Act {
            stand_ins: vec![(2, 3)],
            ..act(&[1, 2])
        }];
        let open: Vec<Open<'_>> = (0..9)
            .map(|_| Open {
                name: "x",
                facts: &facts,
                acts: &acts,
                since: None,
            })
            .collect();
        let placed = place(&open, &policy, &roster, &mut Load::none(&roster));
        let of = |person, instead_of| {
            let asked = Some(Asked { person, instead_of });
            placed.iter().filter(|it| it.asked[0] == asked).count()
        };
        assert_eq!((of(1, None), of(2, None), of(2, Some(3))), (4, 0, 5));
    }

    #[test]
    fn weeks_begin_on_monday() {
        for (now, start) in [
            ("2026-03-09T00:00Z", "2026-03-09"),
            ("2026-03-15T23:59Z", "2026-03-09"),
            ("2027-01-01T12:00Z", "2026-12-28"),
        ] {
            assert_eq!(
                week_start(parse_utc(now).unwrap()),
                parse_utc(start).unwrap()
            );
        }
    }

    proptest! {
        /// Nobody is asked who is no candidate, nobody twice for one change, and
        /// nobody while someone less loaded than them by a whole sign-off waits.
        #[test]
        fn placing_is_fair(sizes in proptest::collection::vec(1_u64..600, 1..12)) {
            let roster = people("");
            let policy = Policy::builtin(roster.levels()).unwrap();
            let facts: Vec<Facts> = sizes.iter().map(|lines| change(|it| it.lines = *lines)).collect();
            let acts = [act(&[1, 2])];
            let open: Vec<Open<'_>> = facts
                .iter()
                .map(|facts| Open { name: "x", facts, acts: &acts, since: None })
                .collect();
            let mut load = Load::none(&roster);
            let placed = place(&open, &policy, &roster, &mut load);
            prop_assert_eq!(placed.len(), sizes.len());
            let largest = placed.iter().map(|it| it.minutes).max().unwrap();
            prop_assert!(load.minutes_of(1).abs_diff(load.minutes_of(2)) <= largest);
            prop_assert_eq!(load.minutes_of(0), 0);
        }
    }
}
