//! Whether everyone can still work under a policy, and whether it says what
//! its author meant.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::Serialize;

use crate::decide::{Judged, judge_rules, rule_applies};
use crate::facts::{Facts, Kind};
use crate::involvement::{Role, Verdict};
use crate::roster::{Level, PersonSet, Roster};

use super::cells::Space;
use super::diff::{Demand, TooManyCells, bounded, demand, lost};
use super::{Observed, Outcome, Policy, Team};

/// Something about a policy that its author should know.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "finding", rename_all = "kebab-case")]
pub enum Finding {
    /// Changes by this author can be held without anyone being able to sign.
    Unsatisfiable {
        /// Ids of the rules that ask for it, together.
        rules: Vec<String>,
        /// Who makes such a change: ids of people, or `someone not on the roster`.
        authors: Vec<String>,
        /// What nobody can give.
        asked: Vec<String>,
    },
    /// Saying "AI took part" costs more than saying nothing.
    PunishesDisclosure {
        /// The rule that asks for more.
        rule: String,
        /// What it asks for only from those who declare.
        asked: String,
    },
    /// The rule can never apply.
    NeverApplies {
        /// The rule.
        rule: String,
    },
    /// The rule asks for an owning team, but nothing names owners.
    NoOwners {
        /// The rule.
        rule: String,
    },
    /// The rule names a team that nobody is in.
    EmptyTeam {
        /// The rule.
        rule: String,
        /// The team.
        team: String,
    },
}

impl Finding {
    /// Whether someone cannot work; the others are advice.
    #[must_use]
    pub const fn is_error(&self) -> bool {
        matches!(
            self,
            Self::Unsatisfiable { .. } | Self::NoOwners { .. } | Self::EmptyTeam { .. }
        )
    }
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unsatisfiable {
                rules,
                authors,
                asked,
            } => write!(
                f,
                "nobody can sign off changes by {} under {}: {}",
                shorten(authors),
                rules.join(" and "),
                asked.join("; ")
            ),
            Self::PunishesDisclosure { rule, asked } => write!(
                f,
                "{rule} asks for more when AI use is declared than when it is unknown: {asked}"
            ),
            Self::NeverApplies { rule } => write!(f, "{rule} can never apply"),
            Self::NoOwners { rule } => write!(
                f,
                "{rule} asks for an owning team, but no CODEOWNERS file or catalogue names one"
            ),
            Self::EmptyTeam { rule, team } => {
                write!(
                    f,
                    "{rule} asks for the team {team}, which has no active member"
                )
            }
        }
    }
}

/// "a, b, c and 4 more".
fn shorten(names: &[String]) -> String {
    match names {
        [] => "anyone".to_owned(),
        names if names.len() <= 4 => names.join(", "),
        names => {
            let shown: Vec<&str> = names.iter().take(3).map(String::as_str).collect();
            format!("{} and {} more", shown.join(", "), names.len() - 3)
        }
    }
}

/// What was checked, and what was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PolicyCheck {
    /// Findings, errors first.
    pub findings: Vec<Finding>,
    /// Cells of the fact space that were walked: all there are.
    pub cells: u64,
    /// Author classes that were tried: everyone on the roster and someone who
    /// is not.
    pub authors: usize,
}

/// Checks a policy for every author on a roster, and for one who is not on it.
///
/// `owners` are the owners that CODEOWNERS and the catalogue name; each is
/// tried as the only owner. `now` decides who is away.
///
/// # Errors
/// [`TooManyCells`] when not all cases can be walked.
pub fn check(
    policy: &Policy,
    roster: &Roster,
    owners: &[String],
    now: Timestamp,
) -> Result<PolicyCheck, TooManyCells> {
    let space = Space::of(&[policy]);
    let cells = bounded(&space)?;
    let mut applied: BTreeSet<usize> = BTreeSet::new();
    // The sets of rules that apply together, per author level.
    let mut together: BTreeSet<(Option<Level>, Vec<usize>)> = BTreeSet::new();
    let mut punished: BTreeSet<(String, String)> = BTreeSet::new();
    let level_matters = space
        .facts
        .iter()
        .any(|fact| matches!(fact, super::cells::Fact::Author(_)));
    space.walk(&[policy], |_, seen| {
        let Some(seen) = seen.first() else { return };
        let rules: Vec<usize> = (0..policy.rules.len())
            .filter(|place| {
                policy
                    .rules
                    .get(*place)
                    .is_some_and(|rule| rule_applies(rule, seen))
            })
            .collect();
        applied.extend(&rules);
        together.insert((level_matters.then_some(seen.author_level), rules));
        if seen.involvement == Verdict::Yes {
            disclosure(policy, seen, &mut punished);
        }
    });
    let mut findings: Vec<Finding> = unsatisfiable(policy, roster, owners, now, &together);
    findings.extend(teams(policy, roster, owners));
    findings.extend(
        punished
            .into_iter()
            .map(|(rule, asked)| Finding::PunishesDisclosure { rule, asked }),
    );
    let never = policy.rules.iter().enumerate();
    findings.extend(
        never
            .filter(|(place, _)| !applied.contains(place))
            .map(|(_, rule)| Finding::NeverApplies {
                rule: rule.id.clone(),
            }),
    );
    findings.sort_by_key(|finding| !finding.is_error());
    Ok(PolicyCheck {
        findings,
        cells,
        authors: roster.people().len() + 1,
    })
}

/// Compares what is asked of a declared `yes` with what would be asked had the
/// author said nothing.
///
/// That an agent acts is observed where it acts, not declared, so what follows
/// from it punishes nobody's honesty.
fn disclosure(policy: &Policy, seen: &Observed, punished: &mut BTreeSet<(String, String)>) {
    if seen.has_role(Role::Executed) {
        return;
    }
    let silent = Observed {
        involvement: Verdict::Unknown,
        roles: 0,
        usage: None,
        ..seen.clone()
    };
    let (declared, silent): (Demand<'_>, Demand<'_>) =
        (demand(policy, seen), demand(policy, &silent));
    let highest = policy.levels.highest();
    lost(
        &declared,
        &silent,
        seen.author_level,
        highest,
        |rule, asked| {
            let asked = asked.map_or_else(
                || "refused".to_owned(),
                |requirement| requirement.text(&policy.levels),
            );
            punished.insert((rule.to_owned(), asked));
        },
    );
}

/// Tries every author against every set of rules that can apply together.
fn unsatisfiable(
    policy: &Policy,
    roster: &Roster,
    owners: &[String],
    now: Timestamp,
    together: &BTreeSet<(Option<Level>, Vec<usize>)>,
) -> Vec<Finding> {
    let mut found: BTreeMap<(Vec<String>, Vec<String>), BTreeSet<String>> = BTreeMap::new();
    let nobody = std::iter::once(None);
    let authors = nobody.chain((0..roster.people().len()).map(Some));
    let uses_owners = policy.rules.iter().any(asks_owners);
    let owner_sets: Vec<BTreeSet<String>> = if uses_owners && !owners.is_empty() {
        owners.iter().map(|o| BTreeSet::from([o.clone()])).collect()
    } else {
        vec![BTreeSet::new()]
    };
    for author in authors {
        let person = author.and_then(|index| roster.person(index));
        if person.is_some_and(|person| !person.active) {
            continue;
        }
        let level = person.map_or_else(|| roster.levels().lowest(), |person| person.level);
        for (wanted, rules) in together {
            if wanted.is_some_and(|wanted| wanted != level) || rules.is_empty() {
                continue;
            }
            for owners in &owner_sets {
                let facts = Facts {
                    authors: author.into_iter().collect::<PersonSet>(),
                    author_level: level,
                    owners: owners.clone(),
                    changed_at: Some(now),
                    ..Facts::unknown(Kind::Merge)
                };
                let judged = judge_rules(policy, roster, &facts, rules, now);
                if let Some((rules, asked)) = blocked(policy, &judged, owners.is_empty()) {
                    let name = person.map_or("someone not on the roster", |person| &person.id);
                    found
                        .entry((rules, asked))
                        .or_default()
                        .insert(name.to_owned());
                }
            }
        }
    }
    found
        .into_iter()
        .map(|((rules, asked), authors)| Finding::Unsatisfiable {
            rules,
            authors: authors.into_iter().collect(),
            asked,
        })
        .collect()
}

fn asks_owners(rule: &super::Rule) -> bool {
    match &rule.outcome {
        Outcome::Require(list) => list.iter().any(|r| r.team == Some(Team::Owners)),
        Outcome::Refuse => false,
    }
}

/// The rules and demands that nobody can satisfy, leaving out owner demands
/// where nothing names owners (reported once, as such).
fn blocked(
    policy: &Policy,
    judged: &Judged,
    without_owners: bool,
) -> Option<(Vec<String>, Vec<String>)> {
    let (mut rules, mut asked) = (BTreeSet::new(), BTreeSet::new());
    for (rule, place) in &judged.blocked {
        let rule = policy.rules.get(*rule)?;
        let Outcome::Require(list) = &rule.outcome else {
            continue;
        };
        let requirement = list.get(*place)?;
        if without_owners && requirement.team == Some(Team::Owners) {
            continue;
        }
        rules.insert(rule.id.clone());
        asked.insert(requirement.text(&policy.levels));
    }
    (!rules.is_empty()).then(|| (rules.into_iter().collect(), asked.into_iter().collect()))
}

fn teams(policy: &Policy, roster: &Roster, owners: &[String]) -> Vec<Finding> {
    let mut out = Vec::new();
    for rule in &policy.rules {
        let Outcome::Require(list) = &rule.outcome else {
            continue;
        };
        if owners.is_empty() && asks_owners(rule) {
            out.push(Finding::NoOwners {
                rule: rule.id.clone(),
            });
        }
        for team in list
            .iter()
            .filter_map(|requirement| match &requirement.team {
                Some(Team::Named(team)) => Some(team),
                _ => None,
            })
        {
            let active = roster
                .team(team)
                .iter()
                .any(|index| roster.person(index).is_some_and(|person| person.active));
            if !active {
                out.push(Finding::EmptyTeam {
                    rule: rule.id.clone(),
                    team: team.clone(),
                });
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::moment::parse_utc;
    use crate::policy::parse;
    use crate::roster;

    fn findings(people: &str, policy: &str, owners: &[&str]) -> Vec<String> {
        let roster = roster::parse(&format!("version = 1\n{people}"), "people.toml").unwrap();
        let policy = parse(
            &format!("version = 1\n{policy}"),
            "policy.toml",
            roster.levels(),
        )
        .unwrap();
        let owners: Vec<String> = owners.iter().map(|owner| (*owner).to_owned()).collect();
        let now = parse_utc("2026-03-10").unwrap();
        let checked = check(&policy, &roster, &owners, now).unwrap();
        checked.findings.iter().map(ToString::to_string).collect()
    }

    const TEAM: &str = r#"
[[person]]
id = "jun"
[[person]]
id = "sen"
level = "senior"
teams = ["shop"]
[[person]]
id = "pat"
level = "principal"
"#;

    fn person(id: &str, level: &str) -> String {
        format!("[[person]]\nid = \"{id}\"\nlevel = \"{level}\"\n")
    }

    #[test]
    fn the_built_in_policy_is_satisfiable_and_never_punishes_disclosure() {
        let policy = super::super::DEFAULT.replace("version = 1", "");
        assert_eq!(findings(TEAM, &policy, &[]), Vec::<String>::new());
    }

    #[test]
    fn a_roster_without_seniors_is_reported() {
        let people = person("a", "junior") + &person("b", "mid");
        let policy = super::super::DEFAULT.replace("version = 1", "");
        insta::assert_snapshot!(findings(&people, &policy, &[]).join("\n"), @"
        nobody can sign off changes by a, b, someone not on the roster under ai-below-senior: 1 sign-off by at least senior, above the author
        nobody can sign off changes by a, b, someone not on the roster under ai-below-senior and delete-and-recreate: 1 sign-off by at least senior; 1 sign-off by at least senior, above the author
        ");
    }

    #[test]
    fn each_kind_of_finding() {
        let policy = r#"
[[rule]]
id = "declare"
when = { involvement = ["yes"] }
require = [{ level = "senior" }]
[[rule]]
id = "two-principals"
when = { paths = ["infra/**"] }
require = [{ signoffs = 2, level = "principal" }]
[[rule]]
id = "owners"
require = [{ team = "owners" }]
[[rule]]
id = "ghosts"
when = { lines = { at_least = 100 } }
require = [{ team = "ghosts" }]
[[rule]]
id = "never"
when = { lines = { at_least = 100 }, author = { below = "junior" } }
refuse = true
"#;
        insta::assert_snapshot!(findings(TEAM, policy, &[]).join("\n"), @"
        nobody can sign off changes by jun, pat, sen, someone not on the roster under ghosts: 1 sign-off, from ghosts
        nobody can sign off changes by jun, pat, sen, someone not on the roster under ghosts and two-principals: 1 sign-off, from ghosts; 2 sign-offs by at least principal
        nobody can sign off changes by jun, pat, sen, someone not on the roster under two-principals: 2 sign-offs by at least principal
        owners asks for an owning team, but no CODEOWNERS file or catalogue names one
        ghosts asks for the team ghosts, which has no active member
        declare asks for more when AI use is declared than when it is unknown: 1 sign-off by at least senior
        never can never apply
        ");
        let with_owner = findings(TEAM, policy, &["@acme/shop"]);
        // The only member of the owning team cannot sign off a change of their own.
        assert!(
            with_owner.iter().any(
                |f| f.starts_with("nobody can sign off changes by sen under ")
                    && f.contains("owning team")
            ),
            "{with_owner:?}"
        );
    }
}
