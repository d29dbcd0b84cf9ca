//! The fewest sign-offs that satisfy all requirements together.
//!
//! People who can serve the same requirements are interchangeable, so the
//! search runs over groups of people, not over people. Someone who signs serves
//! every shared requirement at once, or exactly one `distinct` requirement.

use jiff::Timestamp;

use super::{Act, Load, RequirementResult, RuleResult, Way};
use crate::policy::{Outcome, Policy};
use crate::roster::{PersonSet, Roster};

/// Requirements beyond this many at once are reported as blocked: they cannot
/// be judged together, and judging them apart could let one person serve two.
const MAX_TOGETHER: usize = 32;

/// The search stops here and keeps the best found; the bound is far above what
/// real policies need.
const MAX_STEPS: u32 = 50_000;

struct Need {
    rule: usize,
    place: usize,
    signoffs: u32,
    distinct: bool,
}

/// People who can serve the same requirements.
#[derive(Clone)]
struct Group {
    /// One bit per need.
    serves: u32,
    /// They have signed already.
    signed: bool,
    left: u32,
}

/// Finds the way forward. It is empty when all requirements are satisfied
/// together, which is more than each being satisfied alone.
pub(super) fn shortest(
    policy: &Policy,
    roster: &Roster,
    rules: &[RuleResult],
    load: &Load,
    now: Timestamp,
) -> Way {
    let mut way = Way::default();
    let needs = needs(policy, rules, &mut way);
    if needs.is_empty() || !way.blocked.is_empty() {
        return way;
    }
    let results: Vec<&RequirementResult> = needs
        .iter()
        .filter_map(|need| match rules.get(need.rule) {
            Some(rule) => requires(rule)?.get(need.place),
            None => None,
        })
        .collect();
    let mut search = Search {
        needs: &needs,
        steps: 0,
        best: None,
    };
    let left: Vec<u32> = needs.iter().map(|need| need.signoffs).collect();
    search.assign_distinct(0, left, groups(&results), Vec::new());
    let Some(picks) = search.best else {
        // Each could be satisfied alone, but not together: too few people.
        way.blocked = needs.iter().map(|need| (need.rule, need.place)).collect();
        return way;
    };
    way.acts = picks
        .iter()
        .map(|serves| act(*serves, &needs, &results, roster, load, now))
        .collect();
    way
}

/// What a rule still asks for; nothing if enough people broke it.
fn requires(rule: &RuleResult) -> Option<&[RequirementResult]> {
    match rule.stands()? {
        RuleResult::Requires { results, .. } => Some(results),
        _ => None,
    }
}

/// The requirements that apply, after noting those that nobody can satisfy and
/// the latest cooling time.
fn needs(policy: &Policy, rules: &[RuleResult], way: &mut Way) -> Vec<Need> {
    let mut needs = Vec::new();
    for (rule, (result, text)) in rules.iter().zip(&policy.rules).enumerate() {
        let (Some(results), Outcome::Require(requirements)) = (requires(result), &text.outcome)
        else {
            continue;
        };
        for (place, (result, requirement)) in results.iter().zip(requirements).enumerate() {
            way.not_before = way.not_before.max(result.waits_until);
            let can = result.counted.len() + result.eligible.len();
            if result.age_unknown || (can as u64) < u64::from(requirement.signoffs) {
                way.blocked.push((rule, place));
            }
            if requirement.signoffs == 0 {
                continue;
            }
            if needs.len() == MAX_TOGETHER {
                way.blocked.push((rule, place));
            } else {
                needs.push(Need {
                    rule,
                    place,
                    signoffs: requirement.signoffs,
                    distinct: requirement.distinct,
                });
            }
        }
    }
    needs
}

/// Groups people by what they can serve.
fn groups(results: &[&RequirementResult]) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let signed = |result: &RequirementResult| result.counted.clone();
    let fresh = |result: &RequirementResult| result.eligible.clone();
    for (pick, is_signed) in [(&signed as &dyn Fn(&_) -> PersonSet, true), (&fresh, false)] {
        let sets: Vec<PersonSet> = results.iter().map(|result| pick(result)).collect();
        let mut anyone = PersonSet::default();
        for set in &sets {
            anyone.union(set);
        }
        for person in anyone.iter() {
            let serves = sets
                .iter()
                .enumerate()
                .filter(|(_, set)| set.contains(person))
                .fold(0_u32, |bits, (bit, _)| bits | 1 << bit);
            let known = groups
                .iter_mut()
                .find(|group| group.serves == serves && group.signed == is_signed);
            match known {
                Some(group) => group.left += 1,
                None => groups.push(Group {
                    serves,
                    signed: is_signed,
                    left: 1,
                }),
            }
        }
    }
    // Those who serve most first: the search finds a good answer early.
    groups.sort_by_key(|group| {
        std::cmp::Reverse((group.signed, group.serves.count_ones(), group.serves))
    });
    groups
}

struct Search<'a> {
    needs: &'a [Need],
    steps: u32,
    /// For each new sign-off, the needs it serves.
    best: Option<Vec<u32>>,
}

impl Search<'_> {
    fn is_worse(&self, picks: &[u32], at_least: usize) -> bool {
        self.best
            .as_ref()
            .is_some_and(|best| picks.len() + at_least >= best.len())
    }

    /// Gives each distinct need people of its own, then covers the rest.
    fn assign_distinct(
        &mut self,
        need: usize,
        mut left: Vec<u32>,
        groups: Vec<Group>,
        picks: Vec<u32>,
    ) {
        self.steps += 1;
        if self.steps > MAX_STEPS || self.is_worse(&picks, 0) {
            return;
        }
        let Some(current) = self.needs.get(need) else {
            self.cover_shared(left, groups, picks);
            return;
        };
        let missing = left.get(need).copied().unwrap_or(0);
        if !current.distinct || missing == 0 {
            self.assign_distinct(need + 1, left, groups, picks);
            return;
        }
        if let Some(missing) = left.get_mut(need) {
            *missing -= 1;
        }
        for (at, group) in groups.iter().enumerate() {
            if group.left > 0 && group.serves & (1 << need) != 0 {
                let mut groups = groups.clone();
                if let Some(group) = groups.get_mut(at) {
                    group.left -= 1;
                }
                let mut picks = picks.clone();
                if !group.signed {
                    picks.push(1 << need);
                }
                self.assign_distinct(need, left.clone(), groups, picks);
            }
        }
    }

    /// People who have signed serve every shared need; new ones cover the rest.
    fn cover_shared(&mut self, mut left: Vec<u32>, groups: Vec<Group>, picks: Vec<u32>) {
        for group in groups.iter().filter(|group| group.signed) {
            for (bit, missing) in left.iter_mut().enumerate() {
                if group.serves & (1 << bit) != 0 {
                    *missing = missing.saturating_sub(group.left);
                }
            }
        }
        let fresh: Vec<Group> = groups.into_iter().filter(|group| !group.signed).collect();
        self.cover(&left, &fresh, picks);
    }

    fn cover(&mut self, left: &[u32], groups: &[Group], picks: Vec<u32>) {
        self.steps += 1;
        let most = left.iter().copied().max().unwrap_or(0);
        if self.steps > MAX_STEPS || self.is_worse(&picks, most as usize) {
            return;
        }
        let Some(need) = left.iter().position(|missing| *missing > 0) else {
            self.best = Some(picks);
            return;
        };
        let open = left
            .iter()
            .enumerate()
            .filter(|(_, missing)| **missing > 0)
            .fold(0_u32, |bits, (bit, _)| bits | 1 << bit);
        for (at, group) in groups.iter().enumerate() {
            if group.left == 0 || group.serves & (1 << need) == 0 {
                continue;
            }
            let serves = group.serves & open;
            let mut groups = groups.to_vec();
            if let Some(group) = groups.get_mut(at) {
                group.left -= 1;
            }
            let mut left = left.to_vec();
            for (bit, missing) in left.iter_mut().enumerate() {
                if serves & (1 << bit) != 0 {
                    *missing -= 1;
                }
            }
            let mut picks = picks.clone();
            picks.push(serves);
            self.cover(&left, &groups, picks);
        }
    }
}

/// Everyone who could do one act, best first.
fn act(
    serves: u32,
    needs: &[Need],
    results: &[&RequirementResult],
    roster: &Roster,
    load: &Load,
    now: Timestamp,
) -> Act {
    let served = |bit: usize| serves & (1 << bit) != 0;
    let together = |pick: fn(&RequirementResult) -> &PersonSet| {
        let mut people: Option<PersonSet> = None;
        for (_, result) in results.iter().enumerate().filter(|(bit, _)| served(*bit)) {
            match &mut people {
                Some(people) => people.intersect(pick(result)),
                None => people = Some(pick(result).clone()),
            }
        }
        people.unwrap_or_default()
    };
    let (people, away) = (together(|it| &it.eligible), together(|it| &it.away));
    // A delegation lends no level: whom it names must be able to sign.
    let stand_in = |index: usize| {
        let delegate = roster.stand_in(index, now);
        let delegate = delegate.filter(|delegate| people.contains(*delegate));
        delegate.map(|delegate| (delegate, index))
    };
    let stand_ins: Vec<(usize, usize)> = away.iter().filter_map(stand_in).collect();
    let mut rules: Vec<usize> = needs
        .iter()
        .enumerate()
        .filter(|(bit, _)| served(*bit))
        .map(|(_, need)| need.rule)
        .collect();
    rules.dedup();
    let mut act = Act {
        candidates: people.iter().collect(),
        stand_ins,
        rules,
    };
    act.candidates = act.in_order(roster, load);
    act
}

impl Act {
    /// Candidates in the order in which they are asked under this load.
    #[must_use]
    pub fn in_order(&self, roster: &Roster, load: &Load) -> Vec<usize> {
        let mut candidates: Vec<usize> = Vec::with_capacity(self.candidates.len());
        for (asked, _) in self.order(roster, load) {
            if !candidates.contains(&asked) {
                candidates.push(asked);
            }
        }
        candidates
    }

    /// Who is asked first under this load and, where they stand in for someone
    /// who is away, for whom.
    #[must_use]
    pub fn asks(
        &self,
        roster: &Roster,
        load: &Load,
        except: &[usize],
    ) -> Option<(usize, Option<usize>)> {
        let mut order = self.order(roster, load).into_iter();
        let (asked, place_of) = order.find(|(asked, _)| !except.contains(asked))?;
        Some((asked, Some(place_of).filter(|it| *it != asked)))
    }

    /// Who is asked in whose place.
    fn order(&self, roster: &Roster, load: &Load) -> Vec<(usize, usize)> {
        let key = |(asked, place_of): (usize, usize)| {
            let budget = roster
                .person(place_of)
                .map_or(1, |person| u64::from(person.minutes_per_week.max(1)));
            let share = u64::from(load.minutes_of(place_of)) * 1000 / budget;
            let full = load.is_at_limit(roster, asked);
            (full, share, roster.rank(place_of), asked)
        };
        let own = self.candidates.iter().map(|index| (*index, *index));
        let mut order: Vec<(usize, usize)> = own.chain(self.stand_ins.iter().copied()).collect();
        order.sort_by_key(|it| key(*it));
        order
    }
}
