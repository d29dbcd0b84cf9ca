//! Effects in a few sentences for people.

use std::collections::{BTreeMap, BTreeSet};

use countersign_core::effect::{Effect, Environment, StateLoss, Verb};

use crate::backups::GOES_TOO;
use crate::knowledge::{self, Role};

/// Most kinds named in the sentence about objects without state.
const NAMED_KINDS: usize = 3;

/// One sentence per group of like effects, the worst first, lower case and
/// without a full stop: `replaces 1 database in production: destroys state, its
/// 3 snapshots go with it`.
#[must_use]
pub fn sentences(effects: &[Effect]) -> Vec<String> {
    let kinds: BTreeMap<&str, &str> = effects
        .iter()
        .map(|e| (e.object.as_str(), e.kind.as_str()))
        .collect();
    let claimed: BTreeSet<&str> = effects.iter().flat_map(backups_of).collect();
    let mut stateful: BTreeMap<Key<'_>, Vec<&Effect>> = BTreeMap::new();
    let mut plain: BTreeMap<(Rank, Environment), Vec<&Effect>> = BTreeMap::new();
    for effect in effects
        .iter()
        .filter(|e| !claimed.contains(e.object.as_str()))
    {
        let kind = knowledge::kind(&effect.kind);
        let rank = Rank::of(effect);
        if effect.verb != Verb::Unknown
            && matches!(kind.role, Role::State | Role::Backup | Role::Unknown)
        {
            let noun = noun(&effect.kind);
            stateful
                .entry((rank, noun, effect.environment))
                .or_default()
                .push(effect);
        } else {
            plain
                .entry((rank, effect.environment))
                .or_default()
                .push(effect);
        }
    }
    let mut lines: Vec<(Rank, String)> = Vec::new();
    for ((rank, noun, environment), group) in stateful {
        let text = with_state(&group, noun, environment, &kinds);
        lines.push((rank, text));
    }
    for ((rank, environment), group) in plain {
        lines.push((rank, without_state(&group, environment)));
    }
    lines.sort();
    lines.into_iter().map(|(_, text)| text).collect()
}

type Key<'e> = (Rank, &'e str, Environment);

/// Worst first: by what happens to state, data before copies of it, then by verb.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Rank(std::cmp::Reverse<StateLoss>, bool, std::cmp::Reverse<Verb>);

impl Rank {
    fn of(effect: &Effect) -> Self {
        let backup = knowledge::kind(&effect.kind).role == Role::Backup;
        Self(
            std::cmp::Reverse(effect.state),
            backup,
            std::cmp::Reverse(effect.verb),
        )
    }
}

/// The backups that go with what they are a backup of.
fn backups_of(effect: &Effect) -> impl Iterator<Item = &str> {
    effect
        .reasons
        .iter()
        .filter_map(|r| r.strip_prefix(GOES_TOO))
}

/// The word for people; the kind itself where there is none.
fn noun(kind: &str) -> &str {
    match knowledge::kind(kind).noun {
        "" => kind,
        noun => noun,
    }
}

fn with_state(
    group: &[&Effect],
    noun: &str,
    environment: Environment,
    kinds: &BTreeMap<&str, &str>,
) -> String {
    let Some(first) = group.first() else {
        return String::new();
    };
    let what = match first.kind.as_str() {
        kind @ ("all rows" | "rows" | "merged rows" | "row security") => {
            format!("{kind} of {}", count(group.len(), "table"))
        }
        _ => count(group.len(), noun),
    };
    let subject = format!("{} {what} {}", verb(first.verb), place(environment));
    let mut clauses: Vec<String> = Vec::new();
    clauses.extend(state(first, group.len()).map(str::to_owned));
    let mut gone: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for backup in group.iter().flat_map(|e| backups_of(e)) {
        let kind = kinds.get(backup).copied().unwrap_or("backup");
        gone.entry(self::noun(kind)).or_default().insert(backup);
    }
    for (noun, backups) in gone {
        let whose = if group.len() == 1 { "its" } else { "their" };
        let with = if group.len() == 1 { "it" } else { "them" };
        let go = if backups.len() == 1 { "goes" } else { "go" };
        clauses.push(format!(
            "{whose} {} {go} with {with}",
            count(backups.len(), noun)
        ));
    }
    if clauses.is_empty() {
        subject
    } else {
        format!("{subject}: {}", clauses.join(", "))
    }
}

/// What happens to the state, in words.
fn state(effect: &Effect, count: usize) -> Option<&'static str> {
    let update = matches!(effect.verb, Verb::Update | Verb::Disrupt);
    match effect.state {
        StateLoss::Destroyed => Some("destroys state"),
        StateLoss::Unknown if knowledge::kind(&effect.kind).role == Role::Unknown => {
            Some("may destroy state, nothing is known about the kind")
        }
        StateLoss::Unknown if update => Some("may lose data, no backup is known"),
        StateLoss::Unknown => Some("destroys state unless a backup exists, none is known"),
        StateLoss::BackedUp if count == 1 => Some("its state can be brought back"),
        StateLoss::BackedUp => Some("their state can be brought back"),
        StateLoss::None => None,
    }
}

fn without_state(group: &[&Effect], environment: Environment) -> String {
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    for effect in group {
        *kinds.entry(&effect.kind).or_default() += 1;
    }
    let mut kinds: Vec<_> = kinds.into_iter().collect();
    kinds.sort_by_key(|(kind, n)| (std::cmp::Reverse(*n), *kind));
    let shown: Vec<_> = kinds
        .iter()
        .take(NAMED_KINDS)
        .map(|(kind, n)| format!("{n} {kind}"))
        .collect();
    let more: usize = kinds.iter().skip(NAMED_KINDS).map(|(_, n)| n).sum();
    let more = if more > 0 {
        format!(", {more} more")
    } else {
        String::new()
    };
    let list = format!("{}{more}", shown.join(", "));
    match group.first().map(|e| e.verb) {
        Some(Verb::Unknown) => format!(
            "does {} {} that could not be understood: {list}",
            count(group.len(), "thing"),
            place(environment)
        ),
        Some(word) => format!("{} {list} {}", verb(word), place(environment)),
        None => String::new(),
    }
}

const fn verb(verb: Verb) -> &'static str {
    match verb {
        Verb::Read => "reads",
        Verb::Create => "creates",
        Verb::Update => "changes",
        Verb::Forget => "stops managing",
        Verb::Disrupt => "disrupts",
        Verb::Replace => "replaces",
        Verb::Delete => "deletes",
        Verb::Unknown => "may do anything to",
    }
}

const fn place(environment: Environment) -> &'static str {
    match environment {
        Environment::Local => "on this machine",
        Environment::Development => "in development",
        Environment::Staging => "in staging",
        Environment::Unknown => "in an unknown environment",
        Environment::Production => "in production",
    }
}

/// `1 database`, `2 databases`, `3 registries`, `4 caches`.
fn count(n: usize, noun: &str) -> String {
    if n == 1 {
        return format!("1 {noun}");
    }
    let consonant_y = noun
        .strip_suffix('y')
        .filter(|stem| !stem.ends_with(['a', 'e', 'i', 'o', 'u']));
    match consonant_y {
        Some(stem) => format!("{n} {stem}ies"),
        None if noun.ends_with(['s', 'x']) || noun.ends_with("ch") => format!("{n} {noun}es"),
        None => format!("{n} {noun}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn effect(verb: Verb, kind: &str, object: &str, state: StateLoss, reasons: &[&str]) -> Effect {
        Effect {
            verb,
            kind: kind.to_owned(),
            object: object.to_owned(),
            environment: Environment::Production,
            state,
            reasons: reasons.iter().map(|r| (*r).to_owned()).collect(),
            witness: String::new(),
        }
    }

    #[test]
    fn the_worst_comes_first() {
        let gone = [
            "its backup goes too: s1",
            "its backup goes too: s2",
            "its backup goes too: s3",
        ];
        let effects = [
            effect(Verb::Create, "aws_eip", "e1", StateLoss::None, &[]),
            effect(Verb::Create, "aws_eip", "e2", StateLoss::None, &[]),
            effect(Verb::Create, "aws_instance", "i", StateLoss::None, &[]),
            effect(Verb::Update, "aws_s3_bucket", "b", StateLoss::None, &[]),
            effect(
                Verb::Delete,
                "aws_ecr_repository",
                "r1",
                StateLoss::BackedUp,
                &[],
            ),
            effect(
                Verb::Delete,
                "aws_ecr_repository",
                "r2",
                StateLoss::BackedUp,
                &[],
            ),
            effect(
                Verb::Replace,
                "aws_db_instance",
                "db",
                StateLoss::Destroyed,
                &gone,
            ),
            effect(
                Verb::Delete,
                "aws_db_snapshot",
                "s1",
                StateLoss::Destroyed,
                &[],
            ),
            effect(
                Verb::Delete,
                "aws_db_snapshot",
                "s2",
                StateLoss::Destroyed,
                &[],
            ),
            effect(
                Verb::Delete,
                "aws_db_snapshot",
                "s3",
                StateLoss::Destroyed,
                &[],
            ),
            effect(
                Verb::Delete,
                "aws_ebs_snapshot",
                "other",
                StateLoss::Destroyed,
                &[],
            ),
            effect(
                Verb::Unknown,
                "aws_lambda_invoke",
                "a",
                StateLoss::Unknown,
                &[],
            ),
            effect(Verb::Delete, "all rows", "users", StateLoss::Unknown, &[]),
            effect(Verb::Delete, "acme_thing", "t", StateLoss::Unknown, &[]),
        ];
        insta::assert_snapshot!(sentences(&effects).join("\n"), @r#"
    replaces 1 database in production: destroys state, its 3 snapshots go with it
    deletes 1 snapshot in production: destroys state
    does 1 thing in production that could not be understood: 1 aws_lambda_invoke
    deletes 1 acme_thing in production: may destroy state, nothing is known about the kind
    deletes all rows of 1 table in production: destroys state unless a backup exists, none is known
    deletes 2 registries in production: their state can be brought back
    changes 1 bucket in production
    creates 2 aws_eip, 1 aws_instance in production
    "#);
        assert!(sentences(&[]).is_empty());
    }

    #[test]
    fn plurals() {
        for (n, noun, expected) in [
            (1, "registry", "1 registry"),
            (2, "registry", "2 registries"),
            (2, "key", "2 keys"),
            (2, "search index", "2 search indexes"),
            (0, "cache", "0 caches"),
        ] {
            assert_eq!(count(n, noun), expected);
        }
    }
}
