//! What AI is used for, gathered: from what is recorded, else from the history
//! of the repository.

use std::collections::{BTreeSet, HashMap};

use clap::Args;
use countersign_core::decide::Verdict;
use countersign_core::effect::Environment;
use countersign_core::involvement::Verdict as Ai;
use countersign_core::moment;
use countersign_core::usage::Usages;
use countersign_git::{Oid, Repo, Trust};
use countersign_operations::change::ChangeRef;
use countersign_operations::link::LinkTo;
use countersign_operations::usage::{Pattern, SeenIn, Uses, of_action, of_deployment};
use countersign_store::{Access, Range, Store};
use jiff::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::collect;
use crate::commands::{RepoArgs, protected};
use crate::database::{DbArgs, with};
use crate::error::{CliError, CliResult, exit};
use crate::links::{SURE, led_to, traced};
use crate::register::now;
use crate::rules::Rules;
use crate::signoffs::repository;

/// Rows read at once.
const PAGE: u32 = 5_000;

/// Where to look.
#[derive(Debug, Args)]
pub(crate) struct UsesArgs {
    #[command(flatten)]
    pub(crate) repo: RepoArgs,
    #[command(flatten)]
    pub(crate) db: DbArgs,
    /// How far back: a date, or a time such as `26w`; else all.
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
}

/// Where a pattern was seen first, in each of the places to look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sighting {
    pub(crate) seen_in: SeenIn,
    pub(crate) in_key: String,
    pub(crate) at: Timestamp,
}

/// What was found, and the registry as it is on the protected branch.
pub(crate) struct Gathered {
    pub(crate) uses: Uses,
    pub(crate) first: HashMap<(Pattern, &'static str), Sighting>,
    pub(crate) rules: Rules,
    pub(crate) repo: Repo,
    /// Where it was looked: the database's address, or the branch.
    pub(crate) from: String,
    pub(crate) now: Timestamp,
}

impl Gathered {
    pub(crate) const fn usages(&self) -> &Usages {
        &self.rules.usages
    }

    fn see(&mut self, pattern: &Pattern, sighting: Sighting) {
        let key = (pattern.clone(), sighting.seen_in.as_str());
        let first = self.first.entry(key).or_insert_with(|| sighting.clone());
        if sighting.at < first.at {
            *first = sighting;
        }
    }
}

/// Looks into the database where one is named, else into the history.
pub(crate) fn gather(args: &UsesArgs) -> CliResult<Gathered> {
    let Some(address) = args.db.named()? else {
        return gather_history(args);
    };
    let mut gathered = nothing(args)?;
    gathered.from = address.to_string();
    let since = args.since.as_deref().map(since).transpose()?;
    with(&address, Access::Read, async |store| {
        from_store(store, since, &mut gathered).await
    })?;
    Ok(gathered)
}

/// Looks into the history of the default branch.
pub(crate) fn gather_history(args: &UsesArgs) -> CliResult<Gathered> {
    let mut gathered = nothing(args)?;
    let since = args.since.as_deref().map(since).transpose()?;
    if let Some(head) = protected(&gathered.repo)? {
        from_git(&head, since, &mut gathered)?;
    }
    Ok(gathered)
}

fn nothing(args: &UsesArgs) -> CliResult<Gathered> {
    let repo = args.repo.open()?;
    let rules = Rules::at(&repo, protected(&repo)?.as_ref())?;
    Ok(Gathered {
        uses: Uses::default(),
        first: HashMap::new(),
        rules,
        repo,
        from: "the history of the default branch".to_owned(),
        now: now(),
    })
}

fn since(text: &str) -> CliResult<Timestamp> {
    if let Ok(back) = moment::parse_duration(text) {
        return Ok(now() - back);
    }
    moment::parse_utc(text)
        .map_err(|message| CliError::new(exit::USAGE, message).hint(moment::HINT))
}

fn from_git(head: &Oid, since: Option<Timestamp>, gathered: &mut Gathered) -> CliResult<()> {
    let roster = gathered.rules.roster.clone();
    let keys = |email: &str| collect::signing_keys(&roster, email);
    let trust = Trust {
        keys: &keys,
        notes: gathered.rules.policy.settings.trust_authorship_notes,
    };
    let since = since.map(Timestamp::as_second);
    let repository = repository(&gathered.repo, head)?;
    let mut found = Vec::new();
    gathered.repo.judge_landed(head, since, trust, |landed| {
        let at = Timestamp::from_second(landed.time).unwrap_or(Timestamp::UNIX_EPOCH);
        let involvement = landed.judged.involvement();
        let patterns = collect::patterns(&involvement, &landed.files);
        found.push((at, landed.landed.id, involvement.verdict, patterns));
    })?;
    for (at, id, verdict, patterns) in found.into_iter().rev() {
        for pattern in &patterns {
            let change = ChangeRef::new(repository.clone(), id.to_string()).to_string();
            gathered.see(pattern, sighting(SeenIn::Change, &change, at));
        }
        gathered.uses.change(at, verdict, patterns, &[]);
    }
    Ok(())
}

#[derive(Deserialize)]
struct Body<T> {
    record: T,
}

/// What is read of a change; reading all of it takes ten times as long.
#[derive(Deserialize)]
struct Shipped {
    involvement: Ai,
    #[serde(default)]
    usages: Vec<String>,
}

#[derive(Deserialize)]
struct Answered {
    tool: String,
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    environment: Environment,
    verdict: Verdict,
    #[serde(default)]
    shadow: bool,
    #[serde(default)]
    usage: Option<String>,
}

#[derive(Deserialize)]
struct Deployed {
    #[serde(default)]
    tool: Option<String>,
    #[serde(default)]
    environment: Environment,
}

/// Calls `each` with everything of a kind, in order of time.
async fn every<T: DeserializeOwned>(
    store: &Store,
    kind: &str,
    range: Range,
    mut each: impl FnMut(Timestamp, &str, T),
) -> CliResult<()> {
    let mut after = None;
    loop {
        let page = store.page(kind, range, after.as_ref(), PAGE).await?;
        for item in &page.items {
            let record = &item.record;
            let body: Body<T> = serde_json::from_str(record.body()).map_err(|error| {
                let message = format!("the ledger holds a broken {kind}: {error}");
                CliError::new(exit::DATA, message)
            })?;
            let at = Timestamp::from_microsecond(record.at()).unwrap_or(Timestamp::UNIX_EPOCH);
            each(at, record.key(), body.record);
        }
        after = page.next;
        if after.is_none() {
            return Ok(());
        }
    }
}

/// Patterns by their keys, each read once.
#[derive(Default)]
struct Keys(HashMap<String, Option<Pattern>>);

impl Keys {
    fn of(&mut self, key: String) -> Option<Pattern> {
        if let Some(known) = self.0.get(&key) {
            return known.clone();
        }
        let parsed = key.parse().ok();
        self.0.entry(key).or_insert(parsed).clone()
    }
}

async fn from_store(
    store: &Store,
    since: Option<Timestamp>,
    gathered: &mut Gathered,
) -> CliResult<()> {
    let range = Range {
        from: since.map_or(i64::MIN, Timestamp::as_microsecond),
        until: i64::MAX,
    };
    let causes = causes(store, since, gathered).await?;
    let none = Vec::new();
    let came_from = |key: &str| causes.get(key).unwrap_or(&none).as_slice();
    let mut keys = Keys::default();
    every(store, "change", range, |at, key, it: Shipped| {
        let patterns = it.usages.into_iter().filter_map(|key| keys.of(key));
        let patterns: BTreeSet<Pattern> = patterns.collect();
        for pattern in &patterns {
            gathered.see(pattern, sighting(SeenIn::Change, key, at));
        }
        let (verdict, incidents) = (it.involvement, came_from(key));
        gathered.uses.change(at, verdict, patterns, incidents);
    })
    .await?;
    every(store, "guard", range, |at, key, it: Answered| {
        let named = it.usage.and_then(|usage| keys.of(usage));
        let pattern =
            named.unwrap_or_else(|| of_action(&it.tool, it.model.as_deref(), it.environment));
        let allowed = it.shadow || it.verdict == Verdict::Allow;
        gathered.see(&pattern, sighting(SeenIn::Guard, key, at));
        gathered.uses.action(at, &pattern, allowed);
    })
    .await?;
    every(store, "deployment", range, |at, key, it: Deployed| {
        let Some(tool) = it.tool else { return };
        let pattern = of_deployment(&tool, it.environment);
        gathered.see(&pattern, sighting(SeenIn::Deployment, key, at));
        let incidents = came_from(&format!("deployment:{key}"));
        gathered.uses.deployment(at, &pattern, incidents);
    })
    .await
}

fn sighting(seen_in: SeenIn, key: &str, at: Timestamp) -> Sighting {
    Sighting {
        seen_in,
        in_key: key.to_owned(),
        at,
    }
}

/// The incidents that each change or deployment most probably led to.
async fn causes(
    store: &Store,
    since: Option<Timestamp>,
    gathered: &mut Gathered,
) -> CliResult<HashMap<String, Vec<String>>> {
    let mut found: HashMap<String, Vec<String>> = HashMap::new();
    for it in traced(store).await? {
        if since.is_some_and(|since| it.incident.started < since) {
            continue;
        }
        let sure = it
            .causes
            .iter()
            .filter(|(_, confidence)| *confidence >= SURE);
        let sure: Vec<&LinkTo> = sure.map(|(to, _)| to).collect();
        gathered
            .uses
            .incident(it.incident.started, !sure.is_empty());
        for to in sure {
            for key in led_to(store, to).await? {
                let incidents = found.entry(key).or_default();
                incidents.push(it.incident.id.clone());
            }
        }
    }
    Ok(found)
}
