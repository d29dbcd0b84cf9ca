//! How loaded people are: what they signed this week, and what waits for them.

use std::collections::HashMap;

use countersign_core::backtest::minutes;
use countersign_core::decide::{Act, Decision, Load, Said, SignOff, Verdict, decide};
use countersign_core::facts::Facts;
use countersign_core::queue::{self, Open, week_start};
use countersign_core::radius::Model;
use countersign_core::signoff::chain::Entry;
use countersign_core::signoff::content::Content;
use countersign_core::signoff::statement::{Stance, Statement};
use countersign_core::signoff::verify::proven;
use countersign_git::{Oid, Range, Repo, Trust};
use jiff::Timestamp;

use crate::collect::{self, Merge};
use crate::error::CliResult;
use crate::rules::Rules;
use crate::signoffs::Ground;

/// Open changes looked at to see how loaded people are, while judging another.
const MAX_OPEN: usize = 30;

/// Whether a statement took its signer time as a reviewer.
pub(crate) fn is_review(statement: &Statement) -> bool {
    match statement {
        Statement::SignOff(it) => matches!(it.decision, Stance::Approve | Stance::Veto),
        Statement::Declaration(_) | Statement::AfterReview(_) => false,
    }
}

/// Lines changed by what each statement is about; `None` where the commits are
/// not here any more.
pub(crate) fn lines_of(repo: &Repo, entries: &[&Entry]) -> CliResult<Vec<Option<u64>>> {
    let pairs: Vec<Option<(Oid, Oid)>> = entries
        .iter()
        .map(|entry| {
            let merge = entry.statement.about().content.merge()?;
            let oid = |text: &str| Oid::new(text);
            Some((
                oid(merge.head.commit.as_str())?,
                oid(merge.base.commit.as_str())?,
            ))
        })
        .collect();
    Ok(repo.lines_between(&pairs)?)
}

/// Minutes of sign-off work done since Monday, by person.
pub(crate) fn this_week(
    repo: &Repo,
    rules: &Rules,
    ground: Option<&Ground>,
    now: Timestamp,
) -> CliResult<Load> {
    let mut load = Load::none(&rules.roster);
    let Some(ground) = ground else {
        return Ok(load);
    };
    let monday = week_start(now);
    let done = proven(&ground.chain, ground.rosters(rules), now, |statement| {
        is_review(statement) && statement.signed().issued_at >= monday
    });
    for (entry, lines) in done.iter().zip(lines_of(repo, &done)?) {
        if let Some(person) = rules.roster.index_of(&entry.statement.signed().person) {
            load.add_done(person, minutes(lines.unwrap_or(0)));
        }
    }
    Ok(load)
}

/// The load of this week and of other changes that are open. They are judged
/// by their own commits alone, which is quick and close enough: load decides in
/// which order people are named, and nothing else.
pub(crate) fn with_open_changes(
    repo: &Repo,
    range: &Range,
    rules: &Rules,
    merge: &Merge,
    now: Timestamp,
) -> CliResult<Load> {
    let ground = merge.ground().map(std::convert::AsRef::as_ref);
    let mut load = this_week(repo, rules, ground, now)?;
    let Some(onto) = &range.onto else {
        return Ok(load);
    };
    let mut open = repo.open_changes(onto, MAX_OPEN)?.changes;
    open.retain(|change| change.head != range.head);
    let keys = |email: &str| collect::signing_keys(&rules.roster, email);
    let trust = Trust {
        keys: &keys,
        notes: rules.policy.settings.trust_authorship_notes,
    };
    let judged = repo.judge_open(onto, &open, trust)?;
    let heads = open.iter().map(|change| change.head.as_str());
    let approved = approvals(rules, ground, heads, now);
    let model = rules.catalog.as_ref().map(Model::new);
    let waiting: Vec<(String, Facts, Vec<Act>, i64)> = open
        .iter()
        .zip(&judged)
        .filter_map(|(change, judged)| {
            let facts =
                collect::facts(judged, &change.files, &[], rules, model.as_ref(), now).facts;
            let signed = approved.get(change.head.as_str());
            let decision = decide_on(rules, &facts, signed.map_or(&[], Vec::as_slice), now);
            let asks = decision.verdict == Verdict::Hold && decision.way.self_review.is_none();
            asks.then_some((change.name.clone(), facts, decision.way.acts, change.time))
        })
        .collect();
    let waiting: Vec<Open<'_>> = waiting
        .iter()
        .map(|(name, facts, acts, time)| Open {
            name,
            facts,
            acts,
            since: Timestamp::from_second(*time).ok(),
        })
        .collect();
    queue::place(&waiting, &rules.policy, &rules.roster, &mut load);
    Ok(load)
}

fn decide_on(rules: &Rules, facts: &Facts, signed: &[SignOff], now: Timestamp) -> Decision {
    let seen = rules.policy.observe(facts, now);
    let load = Load::default();
    decide(
        &rules.policy,
        &rules.roster,
        facts,
        &seen,
        signed,
        &load,
        now,
    )
}

/// Approvals of exactly these commits.
fn approvals<'a>(
    rules: &Rules,
    ground: Option<&Ground>,
    heads: impl Iterator<Item = &'a str>,
    now: Timestamp,
) -> HashMap<String, Vec<SignOff>> {
    let mut found: HashMap<String, Vec<SignOff>> =
        heads.map(|head| (head.to_owned(), Vec::new())).collect();
    let Some(ground) = ground else {
        return found;
    };
    let head_of = |statement: &Statement| match &statement.about().content {
        Content::Merge(merge) => Some(merge.head.commit.as_str().to_owned()),
        _ => None,
    };
    let signed = proven(&ground.chain, ground.rosters(rules), now, |statement| {
        is_review(statement) && head_of(statement).is_some_and(|head| found.contains_key(&head))
    });
    for entry in signed {
        let signed = entry.statement.signed();
        let person = rules.roster.index_of(&signed.person);
        let list = head_of(&entry.statement).and_then(|head| found.get_mut(&head));
        if let (Some(person), Some(list)) = (person, list) {
            list.push(SignOff {
                person,
                said: Said::Approve,
                at: signed.issued_at,
                exact: true,
            });
        }
    }
    found
}
