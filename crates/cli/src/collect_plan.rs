//! From a plan to the facts that policies ask about.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::path::PathBuf;

use countersign_core::catalog::{Catalog, Node};
use countersign_core::effect::{Effect, Environment, Verb};
use countersign_core::facts::{Facts, Kind};
use countersign_core::involvement::{Role, Verdict as Ai};
use countersign_core::radius::{Change, Hit, Model, Placement, Radius, RadiusFacts, Stage};
use countersign_core::roster::Roster;
use countersign_core::usage::Activity;
use countersign_effects::plan::{self, Source};
use countersign_effects::reading::{FindingKind, PlanReading, fingerprint, fingerprint_all};
use countersign_effects::terraform;
use jiff::Timestamp;

use crate::collect::Author;
use crate::error::CliResult;
use crate::input::{Input, unreadable};
use crate::rules::Rules;

/// What a person gave on the command line.
pub(crate) struct Given<'a> {
    /// The plan, or what is to be.
    pub(crate) files: &'a [PathBuf],
    /// What is there now, for formats that do not say themselves what changes.
    pub(crate) before: &'a [PathBuf],
    /// Where it would be applied, if they said.
    pub(crate) environment: Option<Environment>,
}

/// A plan as it was read.
pub(crate) struct Read {
    /// What people call the files.
    pub(crate) names: Vec<String>,
    /// Its content, every effect in the environment it lands in.
    pub(crate) reading: PlanReading,
    /// Where it lands.
    pub(crate) environment: Environment,
    /// What says so, in words.
    pub(crate) environment_from: String,
    /// The bytes that would be applied, where they are those of one file.
    pub(crate) bytes: Option<Vec<u8>>,
}

/// Who made or applies a plan.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Maker<'a> {
    /// An id, mailbox or name.
    pub(crate) by: Option<&'a str>,
    /// The tool of an agent that made or applies it.
    pub(crate) agent: Option<&'a str>,
}

/// The facts of a plan, and what they were read from.
pub(crate) struct Collected {
    pub(crate) facts: Facts,
    pub(crate) radius: Radius,
    pub(crate) author: Option<Author>,
    /// Services that the plan touches itself.
    pub(crate) services: Vec<String>,
}

/// Reads a plan in any known format.
pub(crate) fn read(given: &Given<'_>) -> CliResult<Read> {
    let all = |paths: &[PathBuf]| -> CliResult<Vec<Input>> {
        paths.iter().map(|path| Input::read(path)).collect()
    };
    let (files, before) = (all(given.files)?, all(given.before)?);
    let names: Vec<String> = files.iter().map(|file| file.name.clone()).collect();
    let told = given.environment.unwrap_or_default();
    let contents = texts(&files)?;
    let old = texts(&before)?;
    let source = Source {
        files: &pairs(&contents),
        before: &pairs(&old),
        dialect: None,
    };
    let mut reading =
        plan::read(&source, told).map_err(|error| unreadable(&names.join(", "), &error))?;
    // What a sign-off binds to is what would be applied, not its translation.
    reading.sha256 = match files.as_slice() {
        [only] if before.is_empty() => fingerprint(&only.bytes),
        _ => fingerprint_all(
            files
                .iter()
                .chain(&before)
                .map(|file| (file.name.as_str(), file.bytes.as_slice())),
        ),
    };
    if let [only] = files.as_slice()
        && only.is_binary_plan()
    {
        reading.state = terraform::state_in_binary_plan(&only.bytes)
            .map_err(|error| unreadable(&only.name, &error))?;
    }
    let (environment, environment_from) = environment(given.environment, &reading);
    for effect in &mut reading.effects {
        if effect.environment == told {
            effect.environment = environment;
        }
    }
    drop((contents, old));
    Ok(Read {
        names,
        reading,
        environment,
        environment_from,
        bytes: match <[Input; 1]>::try_from(files) {
            Ok([only]) if before.is_empty() => Some(only.bytes),
            _ => None,
        },
    })
}

/// A file's name and text.
type Named<'a> = (&'a str, Cow<'a, [u8]>);

/// Every file's name and text; binary plans are shown by their own tool.
fn texts(files: &[Input]) -> CliResult<Vec<Named<'_>>> {
    files
        .iter()
        .map(|file| {
            let text = if file.is_binary_plan() {
                Cow::Owned(file.shown()?)
            } else {
                Cow::Borrowed(file.bytes.as_slice())
            };
            Ok((file.name.as_str(), text))
        })
        .collect()
}

fn pairs<'a>(files: &'a [Named<'a>]) -> Vec<(&'a str, &'a [u8])> {
    files
        .iter()
        .map(|(name, text)| (*name, text.as_ref()))
        .collect()
}

/// Where a plan lands, and what says so. Of the option and the plan itself the
/// more guarded one counts: neither may talk the other down.
fn environment(told: Option<Environment>, reading: &PlanReading) -> (Environment, String) {
    match (told, &reading.environment_hint) {
        (Some(told), Some(hint)) if hint.environment > told => {
            let from = format!("{}, although --env says {}", hint.witness, told.as_str());
            (hint.environment, from)
        }
        (Some(told), _) => (told, "--env".to_owned()),
        (None, Some(hint)) => (hint.environment, hint.witness.clone()),
        (None, None) => (Environment::Unknown, "nothing says where".to_owned()),
    }
}

/// The facts of a plan.
pub(crate) fn facts(
    read: &Read,
    maker: Maker<'_>,
    rollout: Vec<Stage>,
    rules: &Rules,
    catalog: &Catalog,
    now: Timestamp,
) -> Collected {
    let change = Change {
        hits: read
            .reading
            .effects
            .iter()
            .map(|effect| Hit::placed(effect, catalog))
            .collect(),
        incomplete: is_incomplete(&read.reading),
        rollout,
    };
    let radius = Model::new(catalog).radius(&change);
    let touched = touched(&change);
    let services = || {
        touched
            .iter()
            .filter_map(|at| catalog.services().get(*at as usize))
    };
    let author = maker.by.map(|by| author(by, &rules.roster));
    let mut facts = Facts::unknown(Kind::Plan);
    if let Some(index) = author
        .as_ref()
        .and_then(|author| rules.roster.index_of(author.person.as_deref()?))
    {
        facts.authors.insert(index);
        if let Some(person) = rules.roster.person(index) {
            facts.author_level = person.level;
        }
    } else {
        facts.author_level = rules.roster.levels().lowest();
    }
    facts.environment = landing(&read.reading.effects, read.environment);
    facts.effects = verbs(&read.reading, change.incomplete);
    if let Some(tool) = maker.agent {
        facts.involvement = Ai::Yes;
        facts.roles = BTreeSet::from([Role::Executed]);
        let (activity, place) = (Activity::Infrastructure, facts.environment);
        facts.usage = Some(rules.usages.maturity(tool, activity, place, now));
    }
    facts.owners = services()
        .filter_map(|service| service.owner.clone())
        .collect();
    facts.tier = services()
        .map(|service| u64::from(catalog.tier(service)))
        .min();
    facts.reach = radius.facts.reach(
        !catalog.services().is_empty(),
        !catalog.functions().is_empty(),
    );
    facts.irreversible = irreversible(&radius.facts, &change, &read.reading);
    facts.files = read.names.len() as u64;
    Collected {
        facts,
        services: services().map(|service| service.id.clone()).collect(),
        radius,
        author,
    }
}

/// Positions of the services that the change touches itself, sorted.
fn touched(change: &Change) -> BTreeSet<u32> {
    let places = change.hits.iter().filter_map(|hit| match &hit.place {
        Placement::At(nodes) => Some(nodes),
        Placement::Nowhere | Placement::Unknown => None,
    });
    places
        .flatten()
        .filter_map(|node| match node {
            Node::Service(at) => Some(*at),
            Node::Group(_) | Node::Function(_) => None,
        })
        .collect()
}

/// The most guarded environment in which anything is altered.
fn landing(effects: &[Effect], otherwise: Environment) -> Environment {
    let altering = effects.iter().filter(|effect| effect.verb != Verb::Read);
    let places = altering.map(|effect| effect.environment);
    places.max().unwrap_or(otherwise)
}

/// What the plan does; unknown as well where it says that there is more.
fn verbs(reading: &PlanReading, incomplete: bool) -> BTreeSet<Verb> {
    let unread = incomplete || reading.unknown > 0;
    let verbs = reading.effects.iter().map(|effect| effect.verb);
    verbs.chain(unread.then_some(Verb::Unknown)).collect()
}

/// Whether the plan says that it is not the whole of the change.
pub(crate) fn is_incomplete(reading: &PlanReading) -> bool {
    reading.findings.iter().any(|finding| {
        matches!(
            finding.kind,
            FindingKind::Incomplete
                | FindingKind::Errored
                | FindingKind::Deferred
                // What it says it would do is about things as they were.
                | FindingKind::StaleState
                | FindingKind::DifferentState
        )
    })
}

/// Whether state goes for good: yes as soon as one loss is sure, no only when
/// everything was understood and nothing is lost.
pub(crate) fn irreversible(
    facts: &RadiusFacts,
    change: &Change,
    reading: &PlanReading,
) -> Option<bool> {
    let lost = facts.irreversible_without_backup;
    match (lost.low, lost.likely) {
        (1.., _) => Some(true),
        (0, 0) if reading.unknown == 0 && !change.incomplete => Some(false),
        _ => None,
    }
}

/// Someone by id, mailbox or name; whoever is not on the roster has no level.
fn author(by: &str, roster: &Roster) -> Author {
    let index = roster.index_of(by).or_else(|| roster.by_email(by));
    let person = index.and_then(|index| roster.person(index));
    Author {
        name: by.to_owned(),
        email: person
            .and_then(|person| person.emails.first().cloned())
            .unwrap_or_default(),
        person: person.map(|person| person.id.clone()),
        level: person.map(|person| roster.levels().name(person.level).to_owned()),
        parts: BTreeSet::from(["operator"]),
        is_person: true,
    }
}
