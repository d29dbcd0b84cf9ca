//! What an edit of a policy changes: a proof that nothing held before is let
//! through now, or the counterexamples.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::decide::rule_applies;
use crate::moment::duration_text;
use crate::roster::Level;

use super::cells::{Fact, MAX_CELLS, Space};
use super::{Answers, Mode, Observed, Outcome, Policy, Requirement, SelfReview};

/// A change that the old policy held and the new one lets through, or holds
/// with less.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Counterexample {
    /// The old rule whose demand is lost.
    pub rule: String,
    /// What it asked for, in words.
    pub asked: String,
    /// What the new policy asks for in the same case.
    pub now: Vec<String>,
    /// The case: one line per fact.
    pub case: Vec<String>,
    /// Paths that show the case can occur, where paths matter; empty when none
    /// were found, and the case may then be impossible.
    pub example_paths: Vec<String>,
    /// Whether the case certainly can occur.
    pub certain: bool,
    /// In how many cells of the fact space the demand is lost.
    pub cells: u64,
}

/// What an edit changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PolicyDiff {
    /// Settings that let more through, in words.
    pub weaker_settings: Vec<String>,
    /// Demands that are lost, one per old rule and demand.
    pub weaker: Vec<Counterexample>,
    /// Cells in which the new policy asks for more.
    pub stricter_cells: u64,
    /// Cells compared: all there are.
    pub cells: u64,
}

impl PolicyDiff {
    /// Whether the edit provably lets nothing through that was held before.
    #[must_use]
    pub fn is_harmless(&self) -> bool {
        self.weaker.is_empty() && self.weaker_settings.is_empty()
    }
}

/// The space is too large to walk.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{cells} cases are too many to compare (limit {MAX_CELLS}); the largest facts are {}", facts.join(", "))]
pub struct TooManyCells {
    /// How many cells there would be.
    pub cells: u64,
    /// The facts with the most values, largest first.
    pub facts: Vec<String>,
}

pub(super) fn bounded(space: &Space) -> Result<u64, TooManyCells> {
    let cells = space.cells();
    if cells <= MAX_CELLS {
        return Ok(cells);
    }
    let mut facts: Vec<&Fact> = space.facts.iter().collect();
    facts.sort_by_key(|fact| std::cmp::Reverse(fact.len()));
    Err(TooManyCells {
        cells,
        facts: facts
            .iter()
            .take(4)
            .map(|fact| format!("{} ({})", fact.name(), fact.len()))
            .collect(),
    })
}

/// What a policy asks for in one cell.
pub(super) struct Demand<'a> {
    /// A rule that refuses; one that no break-glass lifts, if there is one.
    pub(super) refuses: Option<&'a str>,
    pub(super) requirements: Vec<(&'a str, &'a Requirement)>,
    /// Rules that no break-glass lifts.
    firm: BTreeSet<&'a str>,
    /// Questions that an approval must answer to count.
    questions: Vec<(&'a str, &'a str)>,
    self_review: Option<&'a SelfReview>,
}

/// One part of a demand.
#[derive(Debug, Clone, Copy)]
pub(super) enum Part<'a> {
    Refusal,
    Requirement(&'a Requirement),
    Question(&'a str),
    SelfReview(&'a SelfReview),
}

impl Part<'_> {
    /// In words.
    pub(super) fn text(self, policy: &Policy) -> String {
        match self {
            Self::Refusal => "refused".to_owned(),
            Self::Requirement(requirement) => requirement.text(&policy.levels),
            Self::Question(question) => format!("an answer to `{question}`"),
            Self::SelfReview(review) => review.text(),
        }
    }
}

pub(super) fn demand<'a>(policy: &'a Policy, seen: &Observed) -> Demand<'a> {
    let mut demand = Demand {
        refuses: None,
        requirements: Vec::new(),
        firm: BTreeSet::new(),
        questions: Vec::new(),
        self_review: policy.self_review_of(seen),
    };
    for rule in policy.rules.iter().filter(|rule| rule_applies(rule, seen)) {
        if !rule.break_glass {
            demand.firm.insert(&rule.id);
        }
        match &rule.outcome {
            Outcome::Refuse if !rule.break_glass => demand.refuses = Some(&rule.id),
            Outcome::Refuse => demand.refuses = demand.refuses.or(Some(&rule.id)),
            Outcome::Require(list) => demand.requirements.extend(
                list.iter()
                    .map(|requirement| (rule.id.as_str(), requirement)),
            ),
        }
        if policy.settings.answers == Answers::Required {
            let questions = rule.questions.iter();
            let of_rule = questions.map(|question| (rule.id.as_str(), question.as_str()));
            demand.questions.extend(of_rule);
        }
    }
    demand
}

/// Calls `lost` with every part of `old` that `new` does not cover. What a
/// break-glass may lift covers only what one might have lifted before.
pub(super) fn lost<'a>(
    old: &Demand<'a>,
    new: &Demand<'_>,
    author: Level,
    highest: Level,
    mut lost: impl FnMut(&'a str, Part<'a>),
) {
    if new.refuses.is_some_and(|rule| new.firm.contains(rule)) {
        return;
    }
    let refused = |rule: &str| new.refuses.is_some() && !old.firm.contains(rule);
    if let Some(rule) = old.refuses.filter(|rule| !refused(rule)) {
        lost(rule, Part::Refusal);
    }
    for (rule, asked) in &old.requirements {
        let covered = new.requirements.iter().any(|(other, now)| {
            (!old.firm.contains(rule) || new.firm.contains(other))
                && now.covers(asked, author, highest)
        });
        if !covered && !refused(rule) {
            lost(rule, Part::Requirement(asked));
        }
    }
    for (rule, question) in &old.questions {
        if !new.questions.iter().any(|(_, now)| now == question) {
            lost(rule, Part::Question(question));
        }
    }
    if let Some(review) = old.self_review
        && !new.self_review.is_some_and(|now| now.covers(review))
    {
        lost("self_review", Part::SelfReview(review));
    }
}

/// Compares two policies over every cell of the facts they can tell apart.
///
/// # Errors
/// [`TooManyCells`] when the policies name so many facts that the cases cannot
/// all be compared; no partial answer is given.
pub fn diff(old: &Policy, new: &Policy) -> Result<PolicyDiff, TooManyCells> {
    let policies = [old, new];
    let space = Space::of(&policies);
    let cells = bounded(&space)?;
    let highest = old.levels.highest().max(new.levels.highest());
    let mut weaker: BTreeMap<(String, String), Counterexample> = BTreeMap::new();
    let mut stricter_cells = 0;
    space.walk(&policies, |choice, seen| {
        let [seen_old, seen_new] = seen else { return };
        let (before, after) = (demand(old, seen_old), demand(new, seen_new));
        lost(
            &before,
            &after,
            seen_old.author_level,
            highest,
            |rule, asked| {
                let asked = asked.text(old);
                let key = (rule.to_owned(), asked.clone());
                let found = weaker.entry(key).or_insert_with(|| {
                    counterexample(rule, asked, &space, choice, &policies, &after)
                });
                found.cells += 1;
                // Prefer to show a case that certainly occurs.
                if !found.certain {
                    let asked = found.asked.clone();
                    let other = counterexample(rule, asked, &space, choice, &policies, &after);
                    if other.certain {
                        let cells = found.cells;
                        *found = Counterexample { cells, ..other };
                    }
                }
            },
        );
        let mut more = false;
        lost(&after, &before, seen_new.author_level, highest, |_, _| {
            more = true;
        });
        stricter_cells += u64::from(more);
    });
    Ok(PolicyDiff {
        weaker_settings: weaker_settings(old, new),
        weaker: weaker.into_values().collect(),
        stricter_cells,
        cells,
    })
}

fn counterexample(
    rule: &str,
    asked: String,
    space: &Space,
    choice: &[usize],
    policies: &[&Policy; 2],
    after: &Demand<'_>,
) -> Counterexample {
    let [old, new] = policies;
    let case = space
        .facts
        .iter()
        .zip(choice)
        .filter_map(|(fact, value)| Space::describe(fact, *value, old))
        .collect();
    let example_paths = witness_paths(space, choice, policies);
    Counterexample {
        rule: rule.to_owned(),
        now: after
            .requirements
            .iter()
            .map(|(rule, requirement)| {
                let text = requirement.text(&new.levels);
                // Else the two would look the same.
                let lifted = if text == asked && !after.firm.contains(rule) {
                    ", which a break-glass may lift"
                } else {
                    ""
                };
                format!("{text} ({rule}{lifted})")
            })
            .chain(after.self_review.map(SelfReview::text))
            .collect(),
        case,
        asked,
        certain: example_paths.is_some(),
        example_paths: example_paths.unwrap_or_default(),
        cells: 0,
    }
}

/// Paths that together match exactly the path sets of a cell; `None` when none
/// were found, an empty list when paths do not matter.
fn witness_paths(space: &Space, choice: &[usize], policies: &[&Policy]) -> Option<Vec<String>> {
    let sets: Vec<(&globset::GlobSet, usize)> = space
        .facts
        .iter()
        .zip(choice)
        .filter_map(|(fact, value)| match fact {
            Fact::Paths(globs) => policies
                .iter()
                .flat_map(|policy| &policy.paths)
                .find(|set| set.globs == *globs)
                .and_then(|set| Some((set.set()?, *value))),
            _ => None,
        })
        .collect();
    if sets.is_empty() {
        return Some(Vec::new());
    }
    let globs = space.facts.iter().filter_map(|fact| match fact {
        Fact::Paths(globs) => Some(globs),
        _ => None,
    });
    let fits = |path: &String| {
        sets.iter().all(|(set, value)| match value {
            0 => !set.is_match(path),
            1 => true,
            _ => set.is_match(path),
        })
    };
    let mut paths: Vec<String> = globs
        .flatten()
        .map(|glob| example_path(glob))
        .chain(["README".to_owned()])
        .filter(fits)
        .collect();
    paths.dedup();
    let whole = sets.iter().all(|(set, value)| match value {
        0 => true,
        1 => {
            paths.iter().any(|path| set.is_match(path))
                && !paths.iter().all(|path| set.is_match(path))
        }
        _ => !paths.is_empty(),
    });
    whole.then_some(paths)
}

/// A path that a simple glob matches: wildcards become letters, the first
/// alternative is taken.
fn example_path(glob: &str) -> String {
    let mut out = String::new();
    let mut chars = glob.chars().peekable();
    let mut skipping = false;
    while let Some(c) = chars.next() {
        match c {
            '}' => skipping = false,
            _ if skipping => {}
            ',' => skipping = true,
            '{' => {}
            '*' => {
                if chars.next_if_eq(&'*').is_some() {
                    out.push_str("any");
                } else {
                    out.push('x');
                }
            }
            '?' => out.push('x'),
            '[' => {
                out.extend(chars.next());
                for c in chars.by_ref() {
                    if c == ']' {
                        break;
                    }
                }
            }
            '\\' => out.extend(chars.next()),
            c => out.push(c),
        }
    }
    out
}

fn weaker_settings(old: &Policy, new: &Policy) -> Vec<String> {
    let (before, after) = (&old.settings, &new.settings);
    let mut out = Vec::new();
    if before.mode == Mode::Enforce && after.mode == Mode::Shadow {
        out.push("mode goes from enforce to shadow: nothing is stopped any more".to_owned());
    }
    let expiry = |settings: &super::Settings| {
        settings
            .signoff_expires
            .map_or_else(|| "never".to_owned(), duration_text)
    };
    let longer = match (before.signoff_expires, after.signoff_expires) {
        (Some(_), None) => true,
        (Some(before), Some(after)) => after > before,
        (None, _) => false,
    };
    if longer {
        let (before, after) = (expiry(before), expiry(after));
        out.push(format!(
            "sign-offs expire after {after} instead of {before}"
        ));
    }
    if after.veto_level > before.veto_level {
        let name = new.levels.name(after.veto_level);
        out.push(format!("a veto now needs the level {name}"));
    }
    if after.trust_authorship_notes && !before.trust_authorship_notes {
        out.push(
            "unsigned authorship notes can now say that people alone made a commit".to_owned(),
        );
    }
    if after.operator_may_pass > before.operator_may_pass {
        let name = after.operator_may_pass.as_str();
        out.push(format!(
            "the operator of an agent may now pass what it does up to {name}"
        ));
    }
    out.extend(weaker_break_glass(old, new));
    let (was, is) = (before.protected.globs(), after.protected.globs());
    for glob in was.iter().filter(|glob| !is.contains(glob)) {
        out.push(format!("`{glob}` is no longer named as protected"));
    }
    if old.levels != new.levels {
        out.push("the levels differ, so demands by level are not the same".to_owned());
    }
    out
}

/// Terms of a break-glass that let more through.
fn weaker_break_glass(old: &Policy, new: &Policy) -> Vec<String> {
    let (before, after) = (&old.settings.break_glass, &new.settings.break_glass);
    let mut out = Vec::new();
    if after.level < before.level {
        let name = new.levels.name(after.level);
        out.push(format!("{name} may now break the glass"));
    }
    if after.two_persons_tier < before.two_persons_tier {
        let tier = after.two_persons_tier;
        out.push(format!(
            "a break-glass takes two persons only up to tier {tier}"
        ));
    }
    for (what, was, is) in [
        ("a break-glass counts for", before.expires, after.expires),
        (
            "the review of a break-glass is due within",
            before.review_within,
            after.review_within,
        ),
    ] {
        if is > was {
            let (was, is) = (duration_text(was), duration_text(is));
            out.push(format!("{what} {is} instead of {was}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{DEFAULT, parse};
    use crate::roster::Levels;

    fn policy(text: &str) -> Policy {
        parse(text, "policy.toml", &Levels::default()).unwrap()
    }

    #[test]
    fn a_policy_is_as_strict_as_itself() {
        let result = diff(&policy(DEFAULT), &policy(DEFAULT)).unwrap();
        assert!(result.is_harmless());
        assert_eq!(result.stricter_cells, 0);
        assert!(result.cells > 10);
    }

    #[test]
    fn a_planted_weakening_is_found() {
        for (from, to, rule) in [
            (
                "involvement = [\"yes\", \"unknown\"], author",
                "involvement = [\"yes\"], author",
                "ai-below-senior",
            ),
            ("below = \"senior\"", "below = \"mid\"", "ai-below-senior"),
            (
                "effects = [\"delete\", \"replace\"] }\nrefuse",
                "effects = [\"delete\"] }\nrefuse",
                "agents-recreate-nothing",
            ),
            (
                "effects = [\"delete\", \"replace\"] }\nrequire",
                "effects = [\"replace\"] }\nrequire",
                "delete-and-recreate",
            ),
            (
                "\"staging\", \"production\"]",
                "\"production\"]",
                "delete-and-recreate",
            ),
            (
                "signoffs = 1, level = \"senior\"",
                "signoffs = 1, level = \"mid\"",
                "ai-below-senior",
            ),
            ("at_most = 1", "at_most = 0", "ai-tier-1"),
            ("independent = true", "independent = false", "ai-tier-1"),
            ("level = \"highest\"", "level = \"senior\"", "own-rules"),
            (
                "\".countersign/**\",",
                "\".countersign/policy.toml\",",
                "own-rules",
            ),
        ] {
            assert!(DEFAULT.contains(from), "{from}");
            let weaker = policy(&DEFAULT.replacen(from, to, 1));
            let result = diff(&policy(DEFAULT), &weaker).unwrap();
            let rules: Vec<&str> = result.weaker.iter().map(|c| c.rule.as_str()).collect();
            assert_eq!(rules, [rule], "{from} → {to}");
            assert!(result.weaker[0].certain, "{from}");
            // The opposite edit is harmless. (Not so for the highest level
            // present, which may be below a named level.)
            if rule == "own-rules" && from.starts_with("level") {
                continue;
            }
            let back = diff(&weaker, &policy(DEFAULT)).unwrap();
            assert!(back.is_harmless(), "{to} → {from}: {back:?}");
            assert!(back.stricter_cells > 0);
        }
    }

    #[test]
    fn weaker_terms_of_a_break_glass_are_found() {
        let settings = |from: &str, to: &str| {
            assert!(DEFAULT.contains(from), "{from}");
            let weaker = policy(&DEFAULT.replace(from, to));
            let back = diff(&weaker, &policy(DEFAULT)).unwrap();
            assert!(back.is_harmless(), "{to} → {from}: {back:?}");
            diff(&policy(DEFAULT), &weaker).unwrap()
        };
        let seen: Vec<String> = [
            ("level = \"senior\"         #", "level = \"mid\" #"),
            ("two_persons_tier = 1", "two_persons_tier = 0"),
            ("expires = \"4h\"", "expires = \"8h\""),
            ("review_within = \"24h\"", "review_within = \"48h\""),
        ]
        .into_iter()
        .flat_map(|(from, to)| settings(from, to).weaker_settings)
        .collect();
        insta::assert_snapshot!(seen.join("\n"), @"
        mid may now break the glass
        a break-glass takes two persons only up to tier 0
        a break-glass counts for 8h instead of 4h
        the review of a break-glass is due within 2d instead of 1d
        ");
        let lifted = settings("break_glass = false", "break_glass = true");
        let lost: Vec<String> = lifted
            .weaker
            .iter()
            .map(|lost| format!("{}: {} → {}", lost.rule, lost.asked, lost.now.join("; ")))
            .collect();
        insta::assert_snapshot!(lost.join("\n"), @"own-rules: 1 sign-off by the highest level present → 1 sign-off by the highest level present (own-rules, which a break-glass may lift)");
        // A refusal that may be lifted does not cover one that may not.
        let refuse = |more: &str| {
            policy(&format!(
                "version = 1\n[[rule]]\nid = \"a\"\nrefuse = true\n{more}"
            ))
        };
        let (firm, soft) = (refuse(""), refuse("break_glass = true\n"));
        assert!(!diff(&firm, &soft).unwrap().is_harmless());
        assert!(diff(&soft, &firm).unwrap().is_harmless());
        // What may be lifted covers no self-review, which never is.
        let reviewed = policy("version = 1\n[self_review]\nitems = [\"I ran it\"]\n");
        assert!(!diff(&reviewed, &soft).unwrap().is_harmless());
        assert!(diff(&reviewed, &firm).unwrap().is_harmless());
        let protected = "version = 1\n[settings]\nprotected = [\"a\", \"b\"]\n";
        let fewer = diff(
            &policy(protected),
            &policy(&protected.replace(", \"b\"", "")),
        );
        assert_eq!(
            fewer.unwrap().weaker_settings,
            ["`b` is no longer named as protected"]
        );
    }

    #[test]
    fn a_counterexample_reads_well() {
        let weaker = policy(&DEFAULT.replace("below = \"senior\"", "below = \"mid\""));
        let result = diff(&policy(DEFAULT), &weaker).unwrap();
        insta::assert_snapshot!(serde_json::to_string_pretty(&result).unwrap(), @r#"
        {
          "weaker_settings": [],
          "weaker": [
            {
              "rule": "ai-below-senior",
              "asked": "1 sign-off by at least senior, above the author",
              "now": [
                "1 sign-off, independent of the author (ai-tier-1)"
              ],
              "case": [
                "author is mid",
                "AI involvement is unknown",
                "a merge",
                "lands in local",
                "tier 0"
              ],
              "example_paths": [
                "README"
              ],
              "certain": true,
              "cells": 2556
            }
          ],
          "stricter_cells": 0,
          "cells": 23040
        }
        "#);
    }

    #[test]
    fn harmless_edits_are_proved_harmless() {
        let old = "version = 1\n[[rule]]\nid = \"a\"\nwhen = { author = { below = \"senior\" } }\nrequire = [{ level = \"senior\" }]\n";
        for new in [
            // Said in other words: split in two.
            "version = 1\n[[rule]]\nid = \"x\"\nwhen = { author = { below = \"mid\" } }\nrequire = [{ level = \"senior\", above_author = true }]\n\
             [[rule]]\nid = \"y\"\nwhen = { author = { at_least = \"mid\" } }\nrequire = [{ level = \"senior\" }]\n",
            // Level reached through `above_author`.
            "version = 1\n[[rule]]\nid = \"x\"\nwhen = { author = { below = \"senior\" } }\nrequire = [{ level = \"principal\" }]\n",
            // Refused is stricter than held.
            "version = 1\n[[rule]]\nid = \"x\"\nrefuse = true\n",
        ] {
            let result = diff(&policy(old), &policy(new)).unwrap();
            assert!(result.is_harmless(), "{new}: {result:?}");
        }
    }

    #[test]
    fn what_nobody_can_read_counts_against_the_change() {
        let with = |effects: &str| {
            policy(&format!(
                "version = 1\n[[rule]]\nid = \"r\"\nwhen = {{ effects = {effects} }}\nrefuse = true\n"
            ))
        };
        let all = with(r#"["delete", "replace", "update"]"#);
        let some = with(r#"["delete", "replace"]"#);
        assert!(diff(&some, &all).unwrap().is_harmless());
        let weaker = diff(&all, &some).unwrap().weaker;
        assert_eq!(weaker.len(), 1);
        assert_eq!(weaker[0].case, ["updates something"]);
        // `unless` does not hold for what nobody can read, `when` does.
        let excepted = policy(
            "version = 1\n[[rule]]\nid = \"r\"\nunless = { effects = [\"create\"] }\nrefuse = true\n",
        );
        let weaker = diff(&all, &excepted).unwrap().weaker;
        assert_eq!(weaker[0].case, ["creates and deletes something"]);
        assert!(!diff(&excepted, &all).unwrap().is_harmless());
    }

    #[test]
    fn windows_packs_and_settings_count() {
        let with = |until: &str, expires: &str, mode: &str| {
            policy(&format!(
                "version = 1\n[settings]\nmode = \"{mode}\"\nsignoff_expires = \"{expires}\"\n\
                 [[pack]]\nid = \"p\"\nowner = \"o\"\nfrom = \"2026-03-10\"\nuntil = \"{until}\"\nexit = \"x\"\n\
                 [[pack.rule]]\nid = \"r\"\nrequire = [{{}}]\n"
            ))
        };
        let old = with("2026-06-08", "14d", "enforce");
        let shorter = diff(&old, &with("2026-04-08", "14d", "enforce")).unwrap();
        assert_eq!(shorter.weaker.len(), 1);
        let settings = diff(&old, &with("2026-06-08", "30d", "shadow")).unwrap();
        assert!(settings.weaker.is_empty());
        assert_eq!(settings.weaker_settings.len(), 2);
        assert!(
            diff(&old, &with("2026-06-08", "7d", "enforce"))
                .unwrap()
                .is_harmless()
        );
    }

    #[test]
    fn questions_and_self_reviews_count() {
        let with = |answers: &str, question: &str, review: &str| {
            policy(&format!(
                "version = 1\n[settings]\nanswers = \"{answers}\"\n\
                 [[rule]]\nid = \"r\"\nquestions = [{question}]\nrequire = [{{}}]\n{review}"
            ))
        };
        let lost = |old: &Policy, new: &Policy| {
            let found = diff(old, new).unwrap();
            let text =
                |it: &Counterexample| format!("{}: {} [{}]", it.rule, it.asked, it.case.join(", "));
            found.weaker.iter().map(text).collect::<Vec<_>>().join("\n")
        };
        let old = with("required", "\"Why?\"", "");
        assert_eq!(lost(&old, &old), "");
        assert_eq!(
            lost(&old, &with("required", "", "")),
            "r: an answer to `Why?` []"
        );
        assert_eq!(
            lost(&old, &with("optional", "\"Why?\"", "")),
            "r: an answer to `Why?` []"
        );
        assert_eq!(lost(&old, &with("required", "\"Why?\", \"How?\"", "")), "");
        // What need not be answered can go.
        assert_eq!(
            lost(&with("optional", "\"Why?\"", ""), &with("optional", "", "")),
            ""
        );

        let review = |least: u64, paths: &str, items: &str| {
            let text = format!(
                "[self_review]\nlines = {{ at_least = {least} }}\npaths = [\"{paths}\"]\nitems = [{items}]\n"
            );
            with("optional", "", &text)
        };
        let old = review(100, "db/**", "\"I ran it\"");
        assert_eq!(lost(&old, &old), "");
        assert_eq!(lost(&old, &review(50, "**", "\"I ran it\", \"more\"")), "");
        insta::assert_snapshot!([
            lost(&old, &with("optional", "", "")),
            lost(&old, &review(200, "db/**", "\"I ran it\"")),
            lost(&old, &review(100, "db/x/**", "\"I ran it\"")),
            lost(&old, &review(100, "db/**", "")),
        ].join("\n"), @"
        self_review: a self-review by an author (1 item) [touches db/**, 0 lines]
        self_review: a self-review by an author (1 item) [100 lines]
        self_review: a self-review by an author (1 item) [touches db/**, 0 lines]
        self_review: a self-review by an author (1 item) [touches db/**, 0 lines]
        ");
        // Asked for wherever a rule applies, the rule's facts decide.
        let by_rule = |bound: u64| {
            policy(&format!(
                "version = 1\n[[rule]]\nid = \"r\"\nwhen = {{ files = {{ at_least = {bound} }} }}\nrequire = [{{}}]\n\
             [self_review]\nrules = [\"r\"]\n"
            ))
        };
        insta::assert_snapshot!(lost(&by_rule(5), &by_rule(6)), @"
        r: 1 sign-off [5 files]
        self_review: a self-review by an author [5 files]
        ");
        assert_eq!(lost(&by_rule(6), &by_rule(5)), "");
    }

    #[test]
    fn unknown_targets_count() {
        let with = |treated: &str| {
            policy(&format!(
                "version = 1\n[settings]\nunknown_environment = \"{treated}\"\n\
                 [[rule]]\nid = \"prod\"\nwhen = {{ environment = [\"production\"] }}\nrefuse = true\n"
            ))
        };
        let result = diff(&with("production"), &with("staging")).unwrap();
        assert_eq!(result.weaker.len(), 1);
        assert_eq!(result.weaker[0].case, ["lands in unknown"]);
    }

    #[test]
    fn a_space_that_is_too_large_is_refused() {
        let rules: String = (0..20)
            .map(|i| format!("[[rule]]\nid = \"r{i}\"\nwhen = {{ paths = [\"p{i}/**\"] }}\nrequire = [{{}}]\n"))
            .collect();
        let large = policy(&format!("version = 1\n{rules}"));
        let error = diff(&large, &large).unwrap_err();
        assert!(error.to_string().contains("too many to compare"), "{error}");
    }
}
