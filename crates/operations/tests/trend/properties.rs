//! What holds for every history.

use countersign_core::involvement::Verdict as Involvement;
use countersign_operations::trend::{History, Options, SizeBucket, analyse};
use proptest::prelude::*;

use crate::world::{World, week};

const INVOLVED: [Involvement; 3] = [Involvement::Yes, Involvement::No, Involvement::Unknown];

/// Rows of (week, size, involvement, changes, failures, severity).
type Rows = Vec<(i32, bool, usize, u64, u64, u8)>;

fn built(rows: &Rows) -> Option<History> {
    let mut world = World::seeded(1);
    for &(number, large, which, changes, failing, severity) in rows {
        let size = if large {
            SizeBucket::Large
        } else {
            SizeBucket::Small
        };
        let stratum = world.stratum(if large { "shop" } else { "search" }, size, INVOLVED[which]);
        let week = week("2025-W01").plus(number);
        world.exposure.ship(week, stratum, changes);
        for _ in 0..failing {
            world.fail(week, stratum, severity);
        }
    }
    world.event("a", week("2025-W20"));
    world.event("b", week("2025-W22"));
    History::new(world.exposure, world.incidents, world.events, (None, None)).ok()
}

fn rows() -> impl Strategy<Value = Rows> {
    let row = (
        0..40i32,
        any::<bool>(),
        0..3usize,
        0..60u64,
        0..4u64,
        0..7u8,
    );
    proptest::collection::vec(row, 0..80)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_history_gets_an_answer(rows in rows()) {
        let Some(history) = built(&rows) else { return Ok(()) };
        let found = analyse(&history, &Options::default()).unwrap();
        let again = analyse(&history, &Options::default()).unwrap();
        let json = serde_json::to_string(&found).unwrap();
        prop_assert_eq!(&json, &serde_json::to_string(&again).unwrap(), "the same history, the same bytes");
        prop_assert!(!json.contains("NaN"));
        // what undeclared changes allow always holds what the declared ones say
        if let (Some(bounds), Some(ratio)) = (found.comparison.bounds, found.comparison.mantel_haenszel) {
            prop_assert!(bounds.low <= ratio.value * (1.0 + 1e-9), "{bounds:?} {ratio:?}");
            prop_assert!(bounds.high >= ratio.value * (1.0 - 1e-9), "{bounds:?} {ratio:?}");
        }
        let arms = [found.comparison.ai, found.comparison.others, found.comparison.undeclared];
        let counted: u64 = arms.iter().map(|arm| arm.incidents).sum();
        prop_assert!(counted <= found.totals.linked);
        prop_assert_eq!(arms.iter().map(|arm| arm.changes).sum::<u64>(), found.totals.changes.all());
    }

    #[test]
    fn declaring_less_never_makes_the_answer_surer(rows in rows()) {
        let Some(history) = built(&rows) else { return Ok(()) };
        let mut vaguer = rows.clone();
        vaguer.iter_mut().step_by(3).for_each(|row| row.2 = 2);
        let Some(vaguer) = built(&vaguer) else { return Ok(()) };
        let options = Options { by: Vec::new(), ..Options::default() };
        let (sure, vague) = (
            countersign_operations::trend::compare(&history, &options),
            countersign_operations::trend::compare(&vaguer, &options),
        );
        // bounds of the crude ratio are nested: whatever the first allowed the second does
        if let (Some(a), Some(b)) = (sure.crude_bounds, vague.crude_bounds) {
            prop_assert!(b.low <= a.low * 1.000_001 && b.high * 1.000_001 >= a.high, "{a:?} {b:?}");
        }
    }
}
