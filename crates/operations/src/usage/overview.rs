//! Adoption beside safety: one row for each pattern.

use countersign_core::usage::{Maturity, Usages, Why};
use countersign_stats::{Confidence, Counted, rate};
use jiff::Timestamp;
use serde::Serialize;

use super::{Pattern, Tally, Uses};

/// Incidents per change, with an exact 95 % interval. Incidents of which nobody
/// knows where they came from may have come from here: they widen it upwards.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Rate {
    /// As linked.
    pub value: f64,
    /// With every link right.
    pub low: f64,
    /// With every unlinked incident since the first use counted here too.
    pub high: f64,
    /// How many those are.
    pub unlinked: u64,
}

/// How much AI is used.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Adoption {
    /// Changes shipped.
    pub changes: u64,
    /// Share in which AI took part, as far as declared.
    pub at_least: f64,
    /// The same with everything undeclared.
    pub at_most: f64,
}

/// One pattern: how much it is used, and how safely.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PatternRow {
    /// Which.
    pub pattern: String,
    /// When it was first seen.
    pub first_seen: Timestamp,
    /// When it was last seen.
    pub last_seen: Timestamp,
    /// Changes with it.
    pub changes: u64,
    /// Share of all changes; `None` without changes.
    pub share: Option<f64>,
    /// Tool calls that were let through.
    pub actions: u64,
    /// Tool calls that were held or refused.
    pub stopped: u64,
    /// Deployments that it ran.
    pub deployments: u64,
    /// Incidents linked to changes with it.
    pub incidents: u64,
    /// Incidents per change; `None`: cannot tell, for the reason beside it.
    pub rate: Option<Rate>,
    /// Why the rate cannot be told.
    pub cannot_tell: Option<&'static str>,
    /// What policies see.
    pub maturity: Maturity,
    /// Why.
    pub why: Why,
    /// Id of the entry that covers it.
    pub entry: Option<String>,
    /// Who answers for it.
    pub owner: Option<String>,
    /// Safeguards that are in place.
    pub in_place: Vec<String>,
    /// Safeguards that its maturity, or the entry, requires and that are not.
    pub missing: Vec<String>,
    /// When the entry expires.
    pub expires: Option<Timestamp>,
}

/// All of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Overview {
    /// How much AI is used.
    pub adoption: Option<Adoption>,
    /// Incidents that count.
    pub incidents: u64,
    /// Those of which nobody knows where they came from.
    pub unlinked: u64,
    /// Every pattern, the least established first, then the most used.
    pub patterns: Vec<PatternRow>,
}

/// Puts uses and registry side by side.
#[must_use]
pub fn overview(uses: &Uses, usages: &Usages, now: Timestamp) -> Overview {
    let mut patterns: Vec<PatternRow> = uses
        .patterns()
        .map(|(pattern, tally)| row(pattern, tally, uses, usages, now))
        .collect();
    let rank = |row: &PatternRow| match row.maturity {
        Maturity::Forbidden => 0,
        Maturity::Novel => 1,
        Maturity::Trial => 2,
        Maturity::Established => 3,
    };
    let used = |row: &PatternRow| row.changes + row.actions + row.deployments;
    patterns.sort_by(|a, b| (rank(a), used(b), &a.pattern).cmp(&(rank(b), used(a), &b.pattern)));
    let changes = uses.changes();
    let share = |n: u64| n as f64 / changes as f64;
    Overview {
        adoption: (changes > 0).then(|| Adoption {
            changes,
            at_least: share(uses.shipped.yes),
            at_most: share(uses.shipped.yes + uses.shipped.unknown),
        }),
        incidents: uses.incidents,
        unlinked: uses.unlinked.len() as u64,
        patterns,
    }
}

fn row(
    pattern: &Pattern,
    tally: &Tally,
    uses: &Uses,
    usages: &Usages,
    now: Timestamp,
) -> PatternRow {
    // Of what has happened, no change more is in question.
    let recent = |usage: &countersign_core::usage::Usage| {
        let mut recent = uses.recent(usage, now);
        recent.with = recent.with.saturating_sub(1);
        recent.all = recent.all.saturating_sub(1);
        Some(recent)
    };
    let standing = usages.standing(&pattern.as_use(), now, recent);
    let entry = standing.entry;
    let missing = entry.map_or_else(Vec::new, |it| usages.missing(it, it.maturity));
    let rate = safety(tally, uses);
    PatternRow {
        pattern: pattern.key(),
        first_seen: tally.first,
        last_seen: tally.last,
        changes: tally.changes,
        share: (uses.changes() > 0).then(|| tally.changes as f64 / uses.changes() as f64),
        actions: tally.actions,
        stopped: tally.stopped,
        deployments: tally.deployments,
        incidents: tally.incidents.len() as u64,
        rate: rate.ok(),
        cannot_tell: rate.err(),
        maturity: standing.maturity,
        why: standing.why,
        entry: entry.map(|it| it.id.clone()),
        owner: entry.and_then(|it| it.owner.clone()),
        in_place: entry.map_or_else(Vec::new, |it| it.in_place.clone()),
        missing: missing.into_iter().map(str::to_owned).collect(),
        expires: entry.and_then(|it| it.expires),
    }
}

/// Incidents per change with a pattern, or why nobody can tell.
fn safety(tally: &Tally, uses: &Uses) -> Result<Rate, &'static str> {
    if tally.changes == 0 {
        return Err("no change shipped with it");
    }
    if uses.incidents == 0 {
        return Err("no incident is recorded");
    }
    if uses.unlinked.len() as u64 == uses.incidents {
        return Err("no incident is linked to a change");
    }
    let linked = tally.incidents.len() as u64;
    let unlinked = uses.unlinked_since(tally.first);
    let counted = |events| {
        Counted::new(events, tally.changes as f64)
            .map(|counted| rate::exact_interval(counted, Confidence::P95))
            .map_err(|_| "the numbers are too large")
    };
    let (seen, worst) = (counted(linked)?, counted(linked + unlinked)?);
    Ok(Rate {
        value: seen.value,
        low: seen.interval.low,
        high: worst.interval.high,
        unlinked,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_core::involvement::Verdict;

    fn uses(changes: u64, failed: u64, unlinked: u64) -> Uses {
        let mut uses = Uses::default();
        let pattern: Pattern = "kiro/unknown/chat/code/unknown".parse().unwrap();
        for n in 0..changes {
            let incidents: Vec<String> = (n < failed)
                .then(|| format!("INC-{n}"))
                .into_iter()
                .collect();
            let with = [pattern.clone()].into_iter().collect();
            let at = Timestamp::from_second(i64::try_from(n).unwrap() * 3600).unwrap();
            uses.change(at, Verdict::Yes, with, &incidents);
        }
        uses.change(
            Timestamp::UNIX_EPOCH,
            Verdict::Unknown,
            Default::default(),
            &[],
        );
        for _ in 0..failed {
            uses.incident(Timestamp::UNIX_EPOCH, true);
        }
        for _ in 0..unlinked {
            uses.incident(Timestamp::UNIX_EPOCH, false);
        }
        uses
    }

    fn shown(uses: &Uses) -> PatternRow {
        overview(uses, &Usages::default(), Timestamp::UNIX_EPOCH)
            .patterns
            .remove(0)
    }

    /// R: `poisson.test(3, 1000)$conf.int * 1000`: 0.618672, 8.767273; with two
    /// that nobody linked the upper end is that of 5: 11.668332.
    #[test]
    fn what_nobody_linked_may_have_come_from_here() {
        let row = shown(&uses(1_000, 3, 0));
        let rate = row.rate.unwrap();
        assert!((rate.low * 1000.0 - 0.618_672).abs() < 1e-5);
        assert!((rate.high * 1000.0 - 8.767_273).abs() < 1e-5);
        let rate = shown(&uses(1_000, 3, 2)).rate.unwrap();
        assert!((rate.value * 1000.0 - 3.0).abs() < 1e-12);
        assert!((rate.low * 1000.0 - 0.618_672).abs() < 1e-5);
        assert!((rate.high * 1000.0 - 11.668_332).abs() < 1e-5);
    }

    #[test]
    fn silence_is_not_safety() {
        let none = shown(&uses(1_000, 0, 0));
        assert_eq!(
            (none.rate, none.cannot_tell),
            (None, Some("no incident is recorded"))
        );
        let none = shown(&uses(1_000, 0, 4));
        assert_eq!(none.cannot_tell, Some("no incident is linked to a change"));
        assert_eq!(
            (none.maturity, none.why),
            (Maturity::Novel, Why::Unregistered)
        );
    }

    #[test]
    fn adoption_is_a_range_where_not_all_is_declared() {
        let adoption = overview(&uses(3, 0, 0), &Usages::default(), Timestamp::UNIX_EPOCH).adoption;
        let adoption = adoption.unwrap();
        assert_eq!((adoption.at_least, adoption.at_most), (0.75, 1.0));
    }
}
