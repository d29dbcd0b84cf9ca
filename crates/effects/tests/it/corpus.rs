//! The confusion table over the labelled corpus. `--nocapture` prints it.

use std::collections::BTreeMap;

use crate::rows;
use countersign_core::effect::Environment;
use countersign_effects::command::{Danger, judge_command};

/// Caught, missed, false alarms, passed.
#[derive(Default, Clone, Copy)]
struct Counts {
    caught: u32,
    missed: u32,
    alarms: u32,
    passed: u32,
}

impl Counts {
    fn recall(self) -> f64 {
        f64::from(self.caught) / f64::from((self.caught + self.missed).max(1))
    }

    fn alarm_rate(self) -> f64 {
        f64::from(self.alarms) / f64::from((self.alarms + self.passed).max(1))
    }
}

#[test]
fn the_corpus_is_judged_well() {
    let total = judge_all(include_str!("../../corpus/commands.tsv"));
    assert!(total.recall() >= 0.97, "recall {:.3}", total.recall());
    assert!(
        total.alarm_rate() <= 0.02,
        "false alarms {:.3}",
        total.alarm_rate()
    );
}

#[test]
fn fresh_rows_are_judged_well() {
    let total = judge_all(include_str!("../../corpus/fresh.tsv"));
    assert!(total.recall() >= 0.97, "recall {:.3}", total.recall());
    assert!(
        total.alarm_rate() <= 0.02,
        "false alarms {:.3}",
        total.alarm_rate()
    );
}

fn judge_all(corpus: &str) -> Counts {
    let mut families: BTreeMap<String, Counts> = BTreeMap::new();
    let mut total = Counts::default();
    let mut wrong = Vec::new();
    for row in rows::rows(corpus) {
        let reading = judge_command(&row.command, &row.facts);
        let held = reading.danger_above(Environment::Development) > Danger::None;
        for counts in [families.entry(row.family.clone()).or_default(), &mut total] {
            match (row.destructive, held) {
                (true, true) => counts.caught += 1,
                (true, false) => counts.missed += 1,
                (false, true) => counts.alarms += 1,
                (false, false) => counts.passed += 1,
            }
        }
        if row.destructive != held {
            let kind = if row.destructive { "missed" } else { "alarm " };
            wrong.push(format!(
                "{kind} {:8} {}",
                row.family,
                row.command.replace('\n', "␤")
            ));
        }
    }
    println!("| family | caught | missed | false alarms | passed |\n|---|---|---|---|---|");
    for (family, c) in &families {
        println!(
            "| {family} | {} | {} | {} | {} |",
            c.caught, c.missed, c.alarms, c.passed
        );
    }
    println!(
        "| all | {} | {} | {} | {} |\nrecall {:.3}, false alarms {:.3}",
        total.caught,
        total.missed,
        total.alarms,
        total.passed,
        total.recall(),
        total.alarm_rate()
    );
    for line in &wrong {
        println!("{line}");
    }
    total
}
