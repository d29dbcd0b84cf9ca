//! `countersign record changes`: the landed history, so that incidents can be
//! counted per change shipped.

use std::collections::{BTreeSet, HashMap};

use clap::Args;
use countersign_core::decide::Verdict;
use countersign_core::effect::Environment;
use countersign_core::facts::Kind;
use countersign_core::moment;
use countersign_core::policy::Mode;
use countersign_core::radius::{Model, Radius};
use countersign_git::{JudgedChange, Oid, Repo, Trust};
use countersign_operations::change::{Change, ChangeRef, Decided};
use countersign_operations::deployment::{Deployment, Move};
use countersign_operations::noted::Noted;
use countersign_operations::record::Record;
use countersign_operations::usage::Pattern;
use countersign_store::{Access, Appended, Range, Store};
use jiff::Timestamp;

use super::super::RepoArgs;
use super::then::Then;
use crate::collect::{self, Collected};
use crate::database::{DbArgs, with};
use crate::error::{CliError, CliResult, exit};
use crate::recorder::{self, word};
use crate::register;
use crate::rules::Rules;
use crate::signoffs::repository;

/// Changes recorded in one transaction.
const BATCH: usize = 1_000;
/// The longest title kept, in characters.
const MAX_TITLE: usize = 300;

/// Record every change that landed on the protected branch: when, by whom, how
/// large, on which services, with AI or not.
///
/// Every first-parent step of the branch is one change, as in `backtest`.
/// Levels, teams and services are those that the branch's files gave before it
/// landed; before there were such files, the first that there were.
#[derive(Debug, Args)]
pub(crate) struct ChangesArgs {
    /// How far back, such as `90d` or `26w`; else all.
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// The branch; else the default branch.
    #[arg(long, value_name = "REV")]
    branch: Option<String>,
    /// Where a change lands by being on the branch, as with continuous
    /// deployment. Without it, what recorded deployments say.
    #[arg(long, value_name = "ENVIRONMENT", value_parser = environment)]
    environment: Option<Environment>,
    #[command(flatten)]
    repo: RepoArgs,
    #[command(flatten)]
    db: DbArgs,
}

fn environment(text: &str) -> Result<Environment, String> {
    let known = Environment::ALL.into_iter();
    let mut named = known.filter(|it| *it != Environment::Unknown);
    named
        .find(|it| it.as_str() == text)
        .ok_or_else(|| "expected local, development, staging or production".to_owned())
}

pub(super) fn run(args: &ChangesArgs) -> CliResult {
    let repo = args.repo.open()?;
    let head = match &args.branch {
        Some(rev) => repo.resolve(rev)?,
        None => super::super::protected(&repo)?
            .ok_or_else(|| CliError::new(exit::NOT_FOUND, "there is no commit yet"))?,
    };
    let since = since(args.since.as_deref())?;
    let address = args.db.address()?;
    let rules = Rules::at(&repo, Some(&head))?;
    let noted = recorder::noted(&repo, &rules)?;
    let mode = rules.policy.settings.mode;
    let changes = collect(&repo, &head, rules, since, &noted)?;
    let done = with(&address, Access::Write, async |store| {
        let mut done = Appended {
            added: 0,
            unchanged: 0,
            head: store.head().await?,
        };
        let decisions = store.page("decision", Range::ALL, None, 1).await?;
        let has_decisions = !decisions.items.is_empty();
        let deployed = deployed(store).await?;
        for batch in changes.chunks(BATCH) {
            let mut records = Vec::with_capacity(batch.len());
            for landed in batch {
                let mut change = landed.change.clone();
                let place = args.environment;
                let place = place.or_else(|| deployed.get(&change.change).copied());
                change.environment = place.unwrap_or_default();
                let uses = landed.uses.iter().map(|pattern| Pattern {
                    environment: change.environment,
                    ..pattern.clone()
                });
                change.usages = uses.map(|pattern| pattern.key()).collect();
                if has_decisions {
                    decide(store, &mut change, &landed.commits, mode).await?;
                }
                records.push(Record::from(change));
            }
            let part = recorder::append(store, &noted.by, records).await?;
            done.added += part.added;
            done.unchanged += part.unchanged;
            done.head = part.head;
        }
        Ok(done)
    })?;
    super::print(done, "change")?;
    Ok(exit::ALLOW)
}

fn since(text: Option<&str>) -> CliResult<Option<i64>> {
    let Some(text) = text else { return Ok(None) };
    let since = moment::parse_duration(text)
        .map_err(|message| CliError::new(exit::USAGE, message).hint(moment::DURATION_HINT))?;
    Ok(Some((Timestamp::now() - since).as_second()))
}

/// The most guarded environment that each change was deployed to.
async fn deployed(store: &Store) -> CliResult<HashMap<ChangeRef, Environment>> {
    let mut found = HashMap::new();
    for deployment in register::all::<Deployment>(store, Range::ALL).await? {
        if deployment.moved != Move::Deploy || deployment.environment == Environment::Unknown {
            continue;
        }
        for change in deployment.changes {
            let place = found.entry(change).or_insert(deployment.environment);
            *place = (*place).max(deployment.environment);
        }
    }
    Ok(found)
}

/// A change, its patterns of AI use, and the commits that a decision on it may
/// name.
struct Landed {
    change: Change,
    uses: BTreeSet<Pattern>,
    commits: Vec<String>,
}

/// Every change, oldest first, by the rules of its time.
fn collect(
    repo: &Repo,
    head: &Oid,
    today: Rules,
    since: Option<i64>,
    noted: &Noted,
) -> CliResult<Vec<Landed>> {
    let name = repository(repo, head)?;
    let mut changes = Vec::new();
    // A key that was revoked since proves nothing any more, so keys are today's.
    let roster = today.roster.clone();
    let keys = |email: &str| collect::signing_keys(&roster, email);
    let trust = Trust {
        keys: &keys,
        notes: today.policy.settings.trust_authorship_notes,
    };
    let mut each = |rules: &Rules, some: Vec<JudgedChange>| {
        let model = rules.catalog.as_ref().map(Model::new);
        for landed in some {
            let at = Timestamp::from_second(landed.time).unwrap_or(Timestamp::UNIX_EPOCH);
            let (judged, files) = (&landed.judged, &landed.files);
            let collected = collect::facts(judged, files, &[], rules, model.as_ref(), at);
            let commits = judged.commits.iter().rev();
            changes.push(Landed {
                commits: commits.map(|commit| commit.commit.id.to_string()).collect(),
                uses: collect::patterns(&collected.involvement, files),
                change: change(&name, &landed, &collected, rules, at, noted),
            });
        }
    };
    let mut then = Then::from(repo, head, today)?;
    repo.judge_landed(head, since, trust, |landed| then.push(landed, &mut each))?;
    then.flush(&mut each);
    for error in &then.unread {
        anstream::eprintln!(
            "countersign: warning: rules of an earlier time could not be read, so later ones stand in: {error}"
        );
    }
    changes.reverse();
    Ok(changes)
}

fn change(
    repository: &str,
    landed: &JudgedChange,
    collected: &Collected,
    rules: &Rules,
    at: Timestamp,
    noted: &Noted,
) -> Change {
    let reference = ChangeRef::new(repository, landed.landed.id.to_string());
    let mut change = Change::new(reference, Kind::Merge, at, noted.clone());
    let (facts, involvement) = (&collected.facts, &collected.involvement);
    change.title = title(landed.landed.subject());
    let authors = collected.authors.iter().filter(|author| author.is_person);
    change.people = authors.filter_map(|author| author.person.clone()).collect();
    change.team = team(&change.people, rules);
    let has_roster = !rules.roster.people().is_empty();
    change.author_level =
        has_roster.then(|| rules.roster.levels().name(facts.author_level).to_owned());
    change.services = collected.services.iter().map(|id| word(id)).collect();
    change.tier = facts.tier.and_then(|tier| u8::try_from(tier).ok());
    change.lines = facts.lines;
    change.files = facts.files;
    change.involvement = involvement.verdict;
    change.roles = involvement.roles.iter().copied().collect();
    change.tools = involvement.tools.iter().map(|tool| word(tool)).collect();
    change.predicted = collected.radius.as_ref().map(Radius::prediction);
    change.reverts = reverted(&landed.landed.message)
        .map(|commit| ChangeRef::new(repository, commit))
        .collect();
    change
}

/// The subject on one line; `None` when nothing is left of it.
fn title(subject: &str) -> Option<String> {
    let plain = subject.chars().filter(|c| !c.is_control());
    let text: String = plain.take(MAX_TITLE).collect();
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// The team of the people who made it, where it is one; else the first of the
/// first who has any, so that a change counts once.
fn team(people: &BTreeSet<String>, rules: &Rules) -> Option<String> {
    let mut members = people.iter().filter_map(|id| rules.roster.by_id(id));
    let first = members.clone().find_map(|person| person.teams.first());
    let shared = members.next().and_then(|person| {
        person.teams.iter().find(|team| {
            let mut others = members.clone();
            others.all(|other| other.teams.contains(team))
        })
    });
    shared.or(first).cloned()
}

/// What git's own messages of reverts name.
fn reverted(message: &str) -> impl Iterator<Item = String> + '_ {
    message.lines().filter_map(|line| {
        let (_, rest) = line.split_once("This reverts commit ")?;
        let id: String = rest.chars().take_while(char::is_ascii_hexdigit).collect();
        matches!(id.len(), 40 | 64).then(|| id.to_ascii_lowercase())
    })
}

/// What was decided on it before, where that was recorded: on the commit that
/// landed or on one of those that it brought.
async fn decide(
    store: &Store,
    change: &mut Change,
    commits: &[String],
    mode: Mode,
) -> CliResult<()> {
    let landed = change.change.id.clone();
    let mut named: Vec<&str> = vec![landed.as_str()];
    named.extend(commits.iter().map(String::as_str).take(8));
    let repository = change.change.repository.clone();
    for id in named {
        let key = ChangeRef::new(repository.clone(), id).to_string();
        let Some(found) = store.latest("decision", &key).await? else {
            continue;
        };
        let Ok(Record::Decision(decision)) = Record::parse(found.record.body()) else {
            continue;
        };
        let rules = decision.rules.iter().map(|said| said.rule.clone());
        change.decided = Some(Decided {
            verdict: decision.verdict,
            rules: rules.collect(),
            signers: decision.signers.clone(),
        });
        // In shadow mode nothing is stopped, so nothing is got round.
        change.bypassed = decision.verdict != Verdict::Allow && mode == Mode::Enforce;
        break;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_are_one_line() {
        assert_eq!(
            title("Retry\u{1b}[31m payments "),
            Some("Retry[31m payments".to_owned())
        );
        assert_eq!(title(" \t"), None);
        assert_eq!(title(&"x".repeat(999)).unwrap().len(), MAX_TITLE);
    }

    #[test]
    fn reverts_are_read_from_the_message() {
        let id = "0123456789abcdef0123456789abcdef01234567";
        let message =
            format!("Revert \"x\"\n\nThis reverts commit {id}.\nThis reverts commit 12.\n");
        assert_eq!(reverted(&message).collect::<Vec<_>>(), [id]);
    }
}
