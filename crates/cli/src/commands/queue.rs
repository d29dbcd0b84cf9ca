//! `countersign queue`: what waits for me?

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use clap::{Args, ValueEnum};
use countersign_core::decide::{Decision, Explanation, Load, Verdict};
use countersign_core::problem::closest;
use countersign_core::queue::{self, Open, Placed};
use countersign_core::roster::Roster;
use countersign_git::{OpenChange, Range, Repo};
use jiff::Timestamp;

use super::check::judge;
use super::{RepoArgs, protected};
use crate::collect::{self, Merge};
use crate::error::{CliError, CliResult, exit};
use crate::report::json;
use crate::report::queue::{
    self as report, PersonLoad, QueueReport, ReportAsked, SelfReviewFirst, Stuck, Waiting,
};
use crate::rules::{PEOPLE, Rules};
use crate::signer;
use crate::signoffs::Ground;
use crate::work;

/// What waits for me: open changes that I can bring forward, riskiest first.
///
/// Open changes are branches here and on remotes, and fetched pull and merge
/// requests, that are ahead of the default branch and have not landed. Each is
/// judged as `check` judges it. Sign-offs are asked of whoever has the most room
/// this week; people who are away are asked through their delegate.
#[derive(Debug, Args)]
pub(crate) struct QueueArgs {
    /// Whose queue (an id on the roster); else that of your signing key or
    /// mailbox, else everyone's.
    #[arg(long = "for", value_name = "PERSON", conflicts_with = "everyone")]
    person: Option<String>,
    /// Everyone's.
    #[arg(long)]
    everyone: bool,
    /// Look at every open branch, not only the newest.
    #[arg(long)]
    all: bool,
    /// How many of the newest branches to look at.
    #[arg(long, value_name = "N", default_value_t = 50, conflicts_with = "all")]
    newest: usize,
    #[command(flatten)]
    repo: RepoArgs,
    /// How to print the answer.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Short for `--format json`.
    #[arg(long, conflicts_with = "format")]
    json: bool,
    /// Judge as if it were this time (RFC 3339), for repeating an answer.
    #[arg(long, value_name = "TIME")]
    now: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For a person at a terminal.
    #[default]
    Human,
    /// Versioned and documented, for programs.
    Json,
}

/// An open change, judged.
struct Judged {
    change: OpenChange,
    range: Range,
    merge: Merge,
    decision: Decision,
}

pub(super) fn run(args: &QueueArgs) -> CliResult {
    let repo = args.repo.open()?;
    let Some(onto) = protected(&repo)? else {
        let message = "there is no commit yet, so nothing can wait";
        return Err(CliError::new(exit::NOT_FOUND, message));
    };
    let rules = Rules::at(&repo, Some(&onto))?;
    let now = args.now.unwrap_or_else(Timestamp::now);
    let person = match &args.person {
        Some(id) => Some(named(&rules.roster, id)?),
        None if args.everyone => None,
        None => signer::configured_person(&repo, &rules)?,
    };
    let limit = if args.all { usize::MAX } else { args.newest };
    let open = repo.open_changes(&onto, limit)?;
    let target = match repo.default_branch()? {
        Some(name) => name,
        None => repo.head_branch()?.unwrap_or_else(|| "HEAD".to_owned()),
    };
    let ranges: Vec<(OpenChange, Range)> = open
        .changes
        .into_iter()
        .map(|change| {
            let range = Range {
                base: Some(change.base.clone()),
                onto: Some(onto.clone()),
                head: change.head.clone(),
                text: format!("{target}..{}", change.name),
            };
            (change, range)
        })
        .collect();
    let ground = collect::ground(&repo, Some(&onto), &rules)?;
    let (judged, not_judged) = judge_all(&repo, &ranges, &rules, ground.as_ref(), now);
    let mut load = work::this_week(&repo, &rules, ground.as_deref(), now)?;
    let done = load.clone();
    let mut report = sort(&rules, person, &judged, &mut load);
    report.person = person.and_then(|index| person_load(&rules, index, &done, &load, now));
    report.not_judged = not_judged;
    report.not_read = open.not_read;
    let text = if args.json || args.format == Format::Json {
        json(&report)?
    } else {
        report::human(&report, now)
    };
    let mut out = anstream::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(exit::ALLOW)
}

fn named(roster: &Roster, id: &str) -> CliResult<usize> {
    roster
        .index_of(id)
        .or_else(|| roster.by_email(id))
        .ok_or_else(|| {
            let known = roster.people().iter().map(|person| person.id.as_str());
            let hint = closest(id, known).map_or_else(
                || format!("use the `id` of a person in {PEOPLE}"),
                |close| format!("did you mean `{close}`?"),
            );
            CliError::new(exit::NOT_FOUND, format!("`{id}` is not on the roster")).hint(hint)
        })
}

/// Judges changes on all cores: most of the time is spent waiting for git.
fn judge_all(
    repo: &Repo,
    ranges: &[(OpenChange, Range)],
    rules: &Rules,
    ground: Option<&Arc<Ground>>,
    now: Timestamp,
) -> (Vec<Judged>, Vec<Stuck>) {
    let next = AtomicUsize::new(0);
    let one = |(change, range): &(OpenChange, Range)| -> CliResult<Judged> {
        let merge = collect::merge_on(repo, range, rules, ground, None, now)?;
        Ok(Judged {
            decision: judge(rules, &merge, now),
            change: change.clone(),
            range: range.clone(),
            merge,
        })
    };
    let work = || {
        let mut found = Vec::new();
        while let Some(it) = ranges.get(next.fetch_add(1, Ordering::Relaxed)) {
            found.push((it.0.name.clone(), one(it)));
        }
        found
    };
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    let found: Vec<(String, CliResult<Judged>)> = std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads.min(8)).map(|_| scope.spawn(work)).collect();
        let finished = running.into_iter().filter_map(|thread| thread.join().ok());
        finished.flatten().collect()
    });
    let (mut judged, mut failed) = (Vec::new(), Vec::new());
    for (change, result) in found {
        match result {
            Ok(it) => judged.push(it),
            Err(error) => failed.push(Stuck {
                change,
                why: error.to_string(),
            }),
        }
    }
    // In a fixed order, whichever thread was first.
    judged.sort_by(|a, b| a.change.name.cmp(&b.change.name));
    failed.sort_by(|a, b| a.change.cmp(&b.change));
    (judged, failed)
}

/// Puts every open change where it belongs.
fn sort(rules: &Rules, person: Option<usize>, judged: &[Judged], load: &mut Load) -> QueueReport {
    let mut report = QueueReport {
        schema: report::SCHEMA,
        person: None,
        changes: Vec::new(),
        self_reviews: Vec::new(),
        stuck: Vec::new(),
        ready: Vec::new(),
        not_judged: Vec::new(),
        not_read: 0,
    };
    let mut waiting = Vec::new();
    for it in judged {
        let explained = it.decision.explain(&rules.policy, &rules.roster);
        let way = &it.decision.way;
        let change = it.change.name.clone();
        if it.decision.verdict == Verdict::Allow {
            report.ready.push(change);
        } else if it.decision.verdict == Verdict::Refuse {
            report.stuck.push(Stuck {
                change,
                why: explained.summary,
            });
        } else if let Some(by) = &way.self_review {
            if person.is_none_or(|person| by.contains(person)) {
                report.self_reviews.push(SelfReviewFirst {
                    change,
                    by: explained.self_review.map_or_else(Vec::new, |it| it.by),
                    next: format!("countersign declare {} --reviewed", it.range.text),
                });
            }
        } else if way.acts.is_empty() || !way.blocked.is_empty() {
            report.stuck.push(Stuck {
                change,
                why: explained.summary,
            });
        } else {
            waiting.push((it, explained));
        }
    }
    let open: Vec<Open<'_>> = waiting
        .iter()
        .map(|(it, _)| Open {
            name: &it.change.name,
            facts: &it.merge.collected.facts,
            acts: &it.decision.way.acts,
            since: Timestamp::from_second(it.change.time).ok(),
        })
        .collect();
    for placed in queue::place(&open, &rules.policy, &rules.roster, load) {
        let Some((it, explained)) = waiting.get(placed.change) else {
            continue;
        };
        let mut acts = it.decision.way.acts.iter();
        if person.is_none_or(|who| acts.any(|act| act.candidates.contains(&who))) {
            report
                .changes
                .push(row(rules, person, it, explained, &placed));
        }
    }
    report
}

fn row(
    rules: &Rules,
    person: Option<usize>,
    it: &Judged,
    explained: &Explanation,
    placed: &Placed,
) -> Waiting {
    let id = |index: usize| {
        let person = rules.roster.person(index);
        person.map_or_else(String::new, |person| person.id.clone())
    };
    let facts = &it.merge.collected.facts;
    let asked: Vec<ReportAsked> = placed
        .asked
        .iter()
        .flatten()
        .map(|asked| ReportAsked {
            person: id(asked.person),
            instead_of: asked.instead_of.map(id),
        })
        .collect();
    let mut others: Vec<String> = Vec::new();
    for candidate in explained.way_forward.iter().flat_map(|act| &act.candidates) {
        let known = others.contains(candidate) || asked.iter().any(|it| it.person == *candidate);
        if !known {
            others.push(candidate.clone());
        }
    }
    let mut rules_served: Vec<String> = Vec::new();
    for rule in explained.way_forward.iter().flat_map(|act| &act.rules) {
        if !rules_served.contains(rule) {
            rules_served.push(rule.clone());
        }
    }
    let authors = it.merge.collected.authors.iter();
    Waiting {
        change: it.change.name.clone(),
        range: it.range.text.clone(),
        head: it.change.head.to_string(),
        summary: explained.summary.clone(),
        authors: authors
            .filter(|author| author.is_person)
            .map(|author| {
                author
                    .person
                    .clone()
                    .unwrap_or_else(|| author.email.clone())
            })
            .collect(),
        asked_of_you: person.is_some_and(|who| {
            let mut people = placed.asked.iter().flatten();
            people.any(|asked| asked.person == who)
        }),
        asked,
        others,
        rules: rules_served,
        identify: explained.identify.clone(),
        minutes: placed.minutes,
        since: Timestamp::from_second(it.change.time)
            .ok()
            .map(|at| at.to_string()),
        irreversible: facts.irreversible,
        tier: facts.tier,
        reach: facts.reach.clone(),
        involvement: facts.involvement,
        usage: facts.usage,
        lines: facts.lines,
        next: format!("countersign sign {}", it.range.text),
    }
}

fn person_load(
    rules: &Rules,
    index: usize,
    done: &Load,
    load: &Load,
    now: Timestamp,
) -> Option<PersonLoad> {
    let person = rules.roster.person(index)?;
    let stand_in = rules.roster.stand_in(index, now);
    Some(PersonLoad {
        person: person.id.clone(),
        level: rules.roster.levels().name(person.level).to_owned(),
        budget_minutes: person.minutes_per_week,
        done_minutes: done.minutes_of(index),
        asked_minutes: load
            .minutes_of(index)
            .saturating_sub(done.minutes_of(index)),
        asked: load.waiting_of(index),
        wip_limit: person.wip_limit,
        away_until: person.absence(now).map(|away| away.until.to_string()),
        delegate: stand_in
            .and_then(|index| rules.roster.person(index))
            .map(|person| person.id.clone()),
    })
}
