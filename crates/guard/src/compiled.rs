//! The compiled rules: what the guard reads instead of the repository's files.
//!
//! An agent can edit a work tree, so policy, roster, usage and targets are taken
//! from the protected branch by `countersign guard compile` and kept outside of
//! it, in one file: a line of JSON and a line with its SHA-256. The checksum
//! finds damage, not forgery; what keeps forgers out is where the file lies.

use countersign_core::effect::Environment;
use countersign_core::facts::Kind;
use countersign_core::policy::{
    self, Condition, MinLevel, Mode, Outcome, Policy, Requirement, Rule,
};
use countersign_core::roster::{self, Level, Roster};
use countersign_core::signoff::Digest;
use countersign_core::usage::Usages;
use countersign_effects::target::{Mapping, Targets};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// The version of the file.
pub const VERSION: u32 = 1;
/// After this time the file no longer counts: people leave, keys are revoked.
pub const MAX_AGE: SignedDuration = SignedDuration::from_hours(30 * 24);
/// The largest file read, in bytes.
pub const MAX_SIZE: usize = 4 << 20;

/// The rule that is part of every policy for actions.
pub const ALONE: &str = "agent-alone";

/// Why the compiled rules cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CompiledError {
    /// There are none.
    #[error("no rules are compiled for this repository")]
    Missing,
    /// They cannot be read.
    #[error("the compiled rules cannot be read: {0}")]
    Unreadable(String),
    /// Cut off, changed, or not such a file.
    #[error("the compiled rules are damaged")]
    Damaged,
    /// Another version of the format.
    #[error("the compiled rules have version {0}, this program reads {VERSION}")]
    Version(u32),
    /// Older than [`MAX_AGE`], or made in the future.
    #[error("the compiled rules are outdated (made {0})")]
    Outdated(Timestamp),
    /// A part that cannot be parsed any more.
    #[error("the compiled rules contain a file that cannot be used: {0}")]
    Content(String),
}

/// One name that stands for an environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Named {
    /// The facet, such as `kube-context`.
    pub facet: String,
    /// A glob over its values.
    pub glob: String,
    /// What a match stands for.
    pub environment: Environment,
}

/// The compiled rules, as they are stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Compiled {
    /// The version of the format.
    pub v: u32,
    /// The version of the program that wrote them.
    pub program: String,
    /// When.
    pub made: Timestamp,
    /// Where from, for people: a branch and commit, or the built-in rules.
    pub from: String,
    /// The repository, as sign-offs name it.
    pub repository: String,
    /// The policy's text; empty for the built-in one.
    pub policy: String,
    /// The roster's text.
    pub people: String,
    /// The usage registry's text.
    pub usage: String,
    /// What names stand for.
    pub targets: Vec<Named>,
    /// The person on the roster whose agents these are.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub operator: Option<String>,
    /// What an unknown environment counts as.
    pub unknown: Environment,
    /// The most guarded environment in which the operator may pass what their
    /// own agent wants to do.
    pub operator_may_pass: Environment,
    /// Whether a rule of the policy speaks of actions.
    pub about_actions: bool,
    /// Whether verdicts are only recorded.
    pub shadow: bool,
}

impl Compiled {
    /// Writes the file.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        // Plain data cannot fail to be written.
        let mut bytes = serde_json::to_vec(self).unwrap_or_default();
        let sum = Digest::of(&bytes).to_string();
        bytes.push(b'\n');
        bytes.extend(sum.as_bytes());
        bytes.push(b'\n');
        bytes
    }

    /// Reads the file as it is at `now`.
    ///
    /// # Errors
    /// [`CompiledError`] when it is damaged, of another version or outdated.
    pub fn parse(bytes: &[u8], now: Timestamp) -> Result<Self, CompiledError> {
        let damaged = CompiledError::Damaged;
        let text = std::str::from_utf8(bytes).map_err(|_| damaged.clone())?;
        let (body, sum) = text.split_once('\n').ok_or_else(|| damaged.clone())?;
        if Digest::of(body.as_bytes()).to_string() != sum.trim_end() {
            return Err(damaged);
        }
        #[derive(Deserialize)]
        struct Head {
            v: u32,
        }
        let found: Self = match serde_json::from_str::<Self>(body) {
            Ok(found) if found.v == VERSION => found,
            // Another version may have other fields. Only then it is read twice.
            _ => {
                let head: Head = serde_json::from_str(body).map_err(|_| damaged.clone())?;
                return Err(if head.v == VERSION {
                    damaged
                } else {
                    CompiledError::Version(head.v)
                });
            }
        };
        let age = now.duration_since(found.made);
        if age > MAX_AGE || age < -SignedDuration::from_hours(1) {
            return Err(CompiledError::Outdated(found.made));
        }
        Ok(found)
    }

    /// The targets, ready to resolve names.
    #[must_use]
    pub fn targets(&self) -> Targets {
        Targets {
            mappings: self
                .targets
                .iter()
                .map(|named| Mapping {
                    facet: named.facet.clone(),
                    glob: named.glob.clone(),
                    environment: named.environment,
                })
                .collect(),
        }
    }

    /// Parses what only a dangerous action needs.
    ///
    /// # Errors
    /// [`CompiledError::Content`].
    pub fn open(&self) -> Result<Rules, CompiledError> {
        let said = |problems: Vec<countersign_core::problem::Problem>| {
            let first = problems.first().map(ToString::to_string);
            CompiledError::Content(first.unwrap_or_default())
        };
        let roster = if self.people.is_empty() {
            Roster::default()
        } else {
            roster::parse(&self.people, "people.toml").map_err(said)?
        };
        let policy = if self.policy.is_empty() {
            Policy::builtin(roster.levels()).map_err(said)?
        } else {
            policy::parse(&self.policy, "policy.toml", roster.levels()).map_err(said)?
        };
        let usages = if self.usage.is_empty() {
            Usages::default()
        } else {
            Usages::parse(&self.usage, "usage.toml").map_err(said)?
        };
        Ok(Rules {
            people: Digest::of(self.people.as_bytes()),
            policy,
            roster,
            usages,
        })
    }
}

/// The parsed rules.
#[derive(Debug, Clone)]
pub struct Rules {
    /// The policy as the repository has it.
    pub policy: Policy,
    /// The roster.
    pub roster: Roster,
    /// SHA-256 of the roster's text.
    pub people: Digest,
    /// The usage registry.
    pub usages: Usages,
}

impl Rules {
    /// The policy as it counts for an agent's action. `shared`: it alters a
    /// shared system, so it is a change like any other and every rule counts. A
    /// loss on the operator's own machine is no such change: only rules that
    /// speak of actions count there. `dangerous` adds that no agent acts alone, but
    /// with the sign-offs of so many people.
    #[must_use]
    pub fn for_action(&self, shared: bool, dangerous: bool, signers: u32) -> Policy {
        let mut policy = self.policy.clone();
        if !(shared && dangerous) {
            policy.rules.retain(is_about_actions);
        }
        if dangerous {
            policy.rules.push(alone(signers));
        }
        policy
    }
}

/// Whether a rule speaks of actions by name.
#[must_use]
pub fn is_about_actions(rule: &Rule) -> bool {
    rule.when.iter().any(
        |condition| matches!(condition, Condition::Kind(kinds) if kinds.contains(&Kind::Action)),
    )
}

/// Whether verdicts of this policy are only recorded.
#[must_use]
pub fn is_shadow(policy: &Policy) -> bool {
    policy.settings.mode == Mode::Shadow
}

fn alone(signers: u32) -> Rule {
    Rule {
        id: ALONE.to_owned(),
        why: "no agent destroys, or runs what nobody understands, alone".to_owned(),
        when: vec![Condition::Kind(vec![Kind::Action])],
        unless: Vec::new(),
        outcome: Outcome::Require(vec![Requirement {
            signoffs: signers,
            level: MinLevel::Level(Level(0)),
            above_author: false,
            team: None,
            independent: false,
            distinct: false,
            exact: false,
            cooling: None,
        }]),
        pack: None,
        break_glass: false,
        questions: Vec::new(),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use countersign_testkit::signing::usual_people;

    pub(crate) fn now() -> Timestamp {
        "2026-03-02T12:00:00Z".parse().unwrap()
    }

    pub(crate) fn compiled() -> Compiled {
        Compiled {
            v: VERSION,
            program: "0.1.0".to_owned(),
            made: now(),
            from: "main at 1234567".to_owned(),
            repository: "git+https://example.com/shop".to_owned(),
            policy: String::new(),
            people: usual_people(),
            usage: String::new(),
            targets: vec![Named {
                facet: "kube-context".to_owned(),
                glob: "blue-*".to_owned(),
                environment: Environment::Development,
            }],
            operator: Some("mid".to_owned()),
            unknown: Environment::Production,
            operator_may_pass: Environment::Staging,
            about_actions: false,
            shadow: false,
        }
    }

    #[test]
    fn written_and_read() {
        let file = compiled().to_bytes();
        assert_eq!(Compiled::parse(&file, now()), Ok(compiled()));
        assert!(compiled().open().is_ok());
    }

    #[test]
    fn damage_age_and_version_are_told_apart() {
        let file = compiled().to_bytes();
        for place in [0, 10, file.len() / 2, file.len() - 2] {
            let mut bad = file.clone();
            bad[place] ^= 1;
            assert_eq!(Compiled::parse(&bad, now()), Err(CompiledError::Damaged));
        }
        assert_eq!(Compiled::parse(b"", now()), Err(CompiledError::Damaged));
        assert_eq!(
            Compiled::parse(&file[..file.len() / 2], now()),
            Err(CompiledError::Damaged)
        );
        let late = now() + MAX_AGE + SignedDuration::from_secs(1);
        assert_eq!(
            Compiled::parse(&file, late),
            Err(CompiledError::Outdated(now()))
        );
        let other = Compiled { v: 2, ..compiled() }.to_bytes();
        assert_eq!(
            Compiled::parse(&other, now()),
            Err(CompiledError::Version(2))
        );
    }
}
