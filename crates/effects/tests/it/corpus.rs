//! The confusion tables over the labelled lists, and the page that shows them.
//!
//! `UPDATE_REFERENCE=1 cargo test -p countersign-effects --test it reference`
//! writes `docs/reference/guard-corpus.md`; without it the page is compared.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

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

    fn columns(self) -> String {
        format!(
            "{} | {} | {} | {}",
            self.caught, self.missed, self.alarms, self.passed
        )
    }

    fn add(&mut self, destructive: bool, held: bool) {
        match (destructive, held) {
            (true, true) => self.caught += 1,
            (true, false) => self.missed += 1,
            (false, true) => self.alarms += 1,
            (false, false) => self.passed += 1,
        }
    }
}

/// One list: its file's name and text, and what it is.
struct List {
    name: &'static str,
    text: &'static str,
    about: &'static str,
}

const LISTS: &[List] = &[
    List {
        name: "commands.tsv",
        text: include_str!("../../corpus/commands.tsv"),
        about: "Written before the first rules. First pass: recall 0.990, false alarms 0.5 %.",
    },
    List {
        name: "fresh.tsv",
        text: include_str!("../../corpus/fresh.tsv"),
        about: "Written after the first rules. First pass: recall 0.922, false alarms 4.1 %.",
    },
    List {
        name: "unseen-1.tsv",
        text: include_str!("../../corpus/unseen-1.tsv"),
        about: "Written without sight of the rules; rows that an older list has were left out.",
    },
    List {
        name: "unseen-2.tsv",
        text: include_str!("../../corpus/unseen-2.tsv"),
        about: "Half of its commands were chosen by the authors of another guard's tests.",
    },
    List {
        name: "unseen-3.tsv",
        text: include_str!("../../corpus/unseen-3.tsv"),
        about: "Sealed before the second list was run; a third of its commands chosen by others.",
    },
    List {
        name: "unseen-4.tsv",
        text: include_str!("../../corpus/unseen-4.tsv"),
        about: "Written independently after the third list was studied, and committed before any run.",
    },
    List {
        name: "unseen-5.tsv",
        text: include_str!("../../corpus/unseen-5.tsv"),
        about: "What coding agents write in a day's work, written without sight of the rules; sealed together with the sixth list.",
    },
    List {
        name: "unseen-6.tsv",
        text: include_str!("../../corpus/unseen-6.tsv"),
        about: "An operator's test of breadth, less-worn commands first, written without sight of the rules; sealed before the fifth list was run.",
    },
];

/// What the first pass over a list gave, by list and family.
const FIRST_PASS: &str = include_str!("../../corpus/first-pass.tsv");

struct Judged {
    families: BTreeMap<String, Counts>,
    total: Counts,
    wrong: Vec<String>,
}

fn judge_all(corpus: &str) -> Judged {
    let mut judged = Judged {
        families: BTreeMap::new(),
        total: Counts::default(),
        wrong: Vec::new(),
    };
    for row in rows::rows(corpus) {
        let reading = judge_command(&row.command, &row.facts);
        let held = reading.danger_above(Environment::Development) > Danger::None;
        judged
            .families
            .entry(row.family.clone())
            .or_default()
            .add(row.destructive, held);
        judged.total.add(row.destructive, held);
        if row.destructive != held {
            let kind = if held { "held for nothing" } else { "missed" };
            let command = row.command.replace('\n', "␤");
            judged
                .wrong
                .push(format!("{kind} ({}): `{command}`", row.family));
        }
    }
    judged
}

fn first_pass(list: &str) -> BTreeMap<&'static str, Counts> {
    FIRST_PASS
        .lines()
        .skip(1)
        .filter_map(|line| {
            let columns: Vec<&str> = line.split('\t').collect();
            let [name, family, numbers @ ..] = columns.as_slice() else {
                return None;
            };
            let number = |at: usize| numbers[at].parse().unwrap();
            (*name == list).then(|| {
                let counts = Counts {
                    caught: number(0),
                    missed: number(1),
                    alarms: number(2),
                    passed: number(3),
                };
                (*family, counts)
            })
        })
        .collect()
}

fn section(page: &mut String, list: &List) {
    let now = judge_all(list.text);
    let first = first_pass(list.name);
    let _ = write!(page, "\n## {}\n\n{}\n\n", list.name, list.about);
    if let Some(all) = first.get("all") {
        let _ = writeln!(
            page,
            "First pass: recall {:.3}, false alarms {:.1} %. ",
            all.recall(),
            all.alarm_rate() * 100.0
        );
    }
    let _ = writeln!(
        page,
        "Now: recall {:.3}, false alarms {:.1} %.\n",
        now.total.recall(),
        now.total.alarm_rate() * 100.0
    );
    let title = "caught | missed | false alarms | passed";
    if first.is_empty() {
        let _ = writeln!(page, "| family | {title} |\n|---|--:|--:|--:|--:|");
    } else {
        let _ = writeln!(
            page,
            "| family | {title} | now: {title} |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|"
        );
    }
    let all = ("all".to_owned(), now.total);
    for (family, counts) in now.families.iter().chain(std::iter::once((&all.0, &all.1))) {
        let before = first
            .get(family.as_str())
            .map_or_else(String::new, |c| format!("{} | ", c.columns()));
        let _ = writeln!(page, "| {family} | {before}{} |", counts.columns());
    }
    if !now.wrong.is_empty() {
        page.push_str("\nStill wrong:\n\n");
        for line in &now.wrong {
            let _ = writeln!(page, "- {line}");
        }
    }
}

#[test]
fn the_reference_page_shows_what_is_measured() {
    let mut page = String::from(include_str!("../../corpus/reference-head.md"));
    for list in LISTS {
        section(&mut page, list);
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/guard-corpus.md");
    if std::env::var_os("UPDATE_REFERENCE").is_some() {
        std::fs::write(&path, &page).unwrap();
        return;
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    if written != page {
        // Beside the build, so that the difference can be looked at.
        let beside = Path::new(env!("CARGO_TARGET_TMPDIR")).join("guard-corpus.md");
        std::fs::write(beside, &page).unwrap();
    }
    assert!(
        written == page,
        "{} is stale; write it with\nUPDATE_REFERENCE=1 cargo test -p countersign-effects --test it reference",
        path.display()
    );
}

#[test]
fn every_list_is_judged_well() {
    for list in LISTS {
        let judged = judge_all(list.text);
        println!("{}", list.name);
        for (family, counts) in &judged.families {
            println!("{family}\t{}", counts.columns().replace(" | ", "\t"));
        }
        println!("all\t{}", judged.total.columns().replace(" | ", "\t"));
        for line in &judged.wrong {
            println!("{line}");
        }
        println!(
            "recall {:.3}, false alarms {:.3}",
            judged.total.recall(),
            judged.total.alarm_rate()
        );
    }
    for list in LISTS {
        let total = judge_all(list.text).total;
        assert!(
            total.recall() >= 0.97,
            "{}: recall {:.3}",
            list.name,
            total.recall()
        );
        assert!(
            total.alarm_rate() <= 0.02,
            "{}: false alarms {:.3}",
            list.name,
            total.alarm_rate()
        );
    }
}
