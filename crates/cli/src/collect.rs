//! From a range of commits to the facts that policies ask about.

use std::collections::BTreeSet;
use std::sync::Arc;

use countersign_core::catalog::Catalog;
use countersign_core::decide::Statements;
use countersign_core::effect::{Environment, Verb};
use countersign_core::facts::{Facts, Kind, Reach};
use countersign_core::involvement::{Involvement, Verdict as Ai};
use countersign_core::problem::Problem;
use countersign_core::radius::{Change, Hit, Model, Radius};
use countersign_core::roster::{Level, PersonSet, Roster};
use countersign_core::signoff::Digest;
use countersign_core::signoff::statement::{RiskyHunk, Shown};
use countersign_core::usage::{Cap, Maturity, Mode, Usage, Why};
use countersign_git::provenance::{self, Catalogue, Class, Part, Participant, classify};
use countersign_git::{FileChange, Identity, Judged, JudgedCommit, Oid, Range, Repo, Trust};
use countersign_operations::usage::{self, Pattern, Uses};
use jiff::Timestamp;
use serde::Serialize;

use crate::collect_applied::{self, Applied, is_applied};
use crate::collect_locks::{self, Lock};
use crate::error::{CliError, CliResult, exit};
use crate::risky;
use crate::rules::Rules;
use crate::signoffs::{Counted, Ground, Subject};

/// Lines added and deleted, by the involvement of the commit they are in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Lines {
    pub(crate) yes: u64,
    pub(crate) unknown: u64,
    pub(crate) no: u64,
}

impl Lines {
    pub(crate) const fn total(self) -> u64 {
        self.yes + self.unknown + self.no
    }

    fn add(&mut self, verdict: Ai, lines: u64) {
        match verdict {
            Ai::Yes => self.yes += lines,
            Ai::Unknown => self.unknown += lines,
            Ai::No => self.no += lines,
        }
    }
}

/// Someone or something that made the change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Author {
    pub(crate) name: String,
    pub(crate) email: String,
    /// The id on the roster.
    pub(crate) person: Option<String>,
    pub(crate) level: Option<String>,
    /// What they did: author, committer, co-author, operator.
    pub(crate) parts: BTreeSet<&'static str>,
    /// A person, rather than an agent, a bot or a forge.
    pub(crate) is_person: bool,
}

/// The facts of a change, and what they were read from.
pub(crate) struct Collected {
    pub(crate) facts: Facts,
    pub(crate) involvement: Involvement,
    pub(crate) lines: Lines,
    pub(crate) authors: Vec<Author>,
    /// Services that the change touches itself.
    pub(crate) services: Vec<String>,
    /// How far it reaches; `None` without a catalogue.
    pub(crate) radius: Option<Radius>,
    /// Plans and migrations in it, where they were read.
    pub(crate) applied: Applied,
    /// Lockfiles in it, compared package by package.
    pub(crate) locks: Vec<Lock>,
    /// What is wrong with files of the change.
    pub(crate) problems: Vec<Problem>,
    /// Patterns of AI use, and what the registry says of them.
    pub(crate) uses: Vec<SeenUse>,
    pub(crate) commits: usize,
}

/// A pattern of AI use in a change, and what the registry says of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct SeenUse {
    /// [`Pattern::key`].
    pub(crate) pattern: String,
    /// What policies see.
    pub(crate) maturity: Maturity,
    /// Why.
    pub(crate) why: Why,
    /// Id of the entry that covers it.
    pub(crate) entry: Option<String>,
}

/// Whether an identity in a commit is a person's.
pub(crate) fn is_person(who: &Identity) -> bool {
    let named = provenance::Identity {
        name: &who.name,
        email: &who.email,
    };
    matches!(classify(Catalogue::builtin(), named), Class::Human)
}

/// What is known of a change beside its commits.
#[derive(Default)]
pub(crate) struct Context {
    /// What statements have to be about to count; `None` where nothing was ever
    /// signed, or the change goes onto nothing.
    pub(crate) subject: Option<Subject>,
    /// The commits that were signed, where others with the same content landed
    /// in their place: whoever committed those made nothing.
    pub(crate) signed: Option<BTreeSet<String>>,
    /// Who made it beside those that its commits name.
    pub(crate) also: Vec<Also>,
}

/// Someone who took part in a change and is not named by its commits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Also {
    /// The id on the roster, or how the server knows them.
    pub(crate) who: String,
    /// What they did.
    pub(crate) part: &'static str,
}

/// Collects the facts of a merge, and the statements that count for it.
pub(crate) fn merge(repo: &Repo, range: &Range, rules: &Rules, now: Timestamp) -> CliResult<Merge> {
    merge_also_by(repo, range, rules, None, now)
}

/// The same for a change that someone took part in whom its commits do not name.
pub(crate) fn merge_also_by(
    repo: &Repo,
    range: &Range,
    rules: &Rules,
    also: Option<Also>,
    now: Timestamp,
) -> CliResult<Merge> {
    let ground = ground(repo, range.onto.as_ref(), rules)?;
    merge_on(repo, range, rules, ground.as_ref(), also, now)
}

/// What changes onto a commit have in common; `None` where nothing was ever
/// signed, because finding it costs several processes.
pub(crate) fn ground(
    repo: &Repo,
    onto: Option<&Oid>,
    rules: &Rules,
) -> CliResult<Option<Arc<Ground>>> {
    let Some(onto) = onto else {
        return Ok(None);
    };
    let chain = repo.signoffs()?;
    if chain.entries().is_empty() {
        return Ok(None);
    }
    let ground = Ground::of(repo, onto, rules, Arc::new(chain))?;
    Ok(Some(Arc::new(ground)))
}

/// The same where the ground is known already, for judging many changes.
pub(crate) fn merge_on(
    repo: &Repo,
    range: &Range,
    rules: &Rules,
    ground: Option<&Arc<Ground>>,
    also: Option<Also>,
    now: Timestamp,
) -> CliResult<Merge> {
    let subject = match ground {
        Some(ground) => Subject::on(repo, range, ground)?,
        None => None,
    };
    let context = Context {
        subject,
        also: also.into_iter().collect(),
        ..Context::default()
    };
    merge_in(repo, range, rules, now, context)
}

/// Collects the facts of a merge in a context.
pub(crate) fn merge_in(
    repo: &Repo,
    range: &Range,
    rules: &Rules,
    now: Timestamp,
    context: Context,
) -> CliResult<Merge> {
    let keys = |email: &str| signing_keys(&rules.roster, email);
    let trust = Trust {
        keys: &keys,
        notes: rules.policy.settings.trust_authorship_notes,
    };
    let files = repo.changed_files(range.base.as_ref(), &range.head)?;
    let mut judged = repo.judge_range(range, &files, trust)?;
    if let Some(signed) = &context.signed {
        forget_carriers(&mut judged, signed);
    }
    let catalog = rules.catalog.as_ref();
    let applied = collect_applied::read(repo, range.base.as_ref(), &range.head, &files, catalog)?;
    let (locks, problems) = match catalog {
        Some(catalog) => collect_locks::read(repo, range, &files, catalog)?,
        None => Default::default(),
    };
    let model = catalog.map(Model::new);
    let week = week(repo, range, rules, trust, now)?;
    let facts_of = |judged: &Judged| {
        let mut collected = facts(judged, &files, &locks, rules, model.as_ref(), now);
        if let Some(week) = &week {
            let seen = patterns(&collected.involvement, &files);
            collected.judge_uses(&seen, rules, Some(week), now);
        }
        collected.facts.irreversible = applied.irreversible();
        collected.facts.effects = applied.verbs();
        for also in &context.also {
            collected.also_made_by(&rules.roster, also);
        }
        collected
    };
    let mut collected = facts_of(&judged);
    let subject = context.subject;
    let risky = if rules.policy.self_review.is_some() {
        risky::hunks(repo, range, &files)?
    } else {
        Vec::new()
    };
    let mut counted = None;
    if let Some(subject) = &subject {
        let mut found = subject.count(repo, rules, &collected, &risky, now)?;
        if found.declare(&mut judged, &collected) {
            collected = facts_of(&judged);
            // What was declared may be more than a signer was shown.
            found = subject.count(repo, rules, &collected, &risky, now)?;
        }
        let facts = &mut collected.facts;
        facts.self_reviewed = found.verified.self_reviewed_by().is_some();
        let sponsors = found.verified.sponsors.iter();
        // Who vouches for a change cannot sign it off, so is not asked to.
        if facts.self_reviewed {
            for sponsor in sponsors.filter_map(|id| rules.roster.index_of(id)) {
                facts.authors.insert(sponsor);
            }
        }
        counted = Some(found);
    }
    collected.applied = applied;
    collected.locks = locks;
    collected.problems = problems;
    Ok(Merge {
        collected,
        files,
        risky,
        subject,
        counted,
    })
}

/// Leaves out who committed what was signed under another name.
fn forget_carriers(judged: &mut Judged, signed: &BTreeSet<String>) {
    for commit in &mut judged.commits {
        if !signed.contains(commit.commit.id.as_str()) {
            commit.people.retain(|it| it.part != Part::Committer);
        }
    }
}

impl Collected {
    fn also_made_by(&mut self, roster: &Roster, also: &Also) {
        let index = roster.index_of(&also.who);
        let person = index.and_then(|index| roster.person(index));
        if let Some(index) = index {
            self.facts.authors.insert(index);
        }
        let level = person.map_or(roster.levels().lowest(), |person| person.level);
        self.facts.author_level = self.facts.author_level.min(level);
        // Someone on the roster may go by that name, and sign what they pushed.
        let unidentified = &mut self.facts.unidentified;
        if person.is_none() && !unidentified.contains(&also.who) {
            unidentified.push(also.who.clone());
        }
        let known = self.authors.iter_mut().find(|author| match person {
            Some(person) => author.person.as_ref() == Some(&person.id),
            None => author.email == also.who,
        });
        match known {
            Some(author) => {
                author.parts.insert(also.part);
            }
            None => self.authors.push(Author {
                name: person.map_or(&also.who, |person| &person.name).clone(),
                email: also.who.clone(),
                person: person.map(|person| person.id.clone()),
                level: person.map(|person| roster.levels().name(person.level).to_owned()),
                parts: BTreeSet::from([also.part]),
                is_person: true,
            }),
        }
    }
}

/// A merge, ready to be decided on.
pub(crate) struct Merge {
    pub(crate) collected: Collected,
    pub(crate) files: Vec<FileChange>,
    /// What a self-review has to explain; empty where no policy asks for one.
    pub(crate) risky: Vec<RiskyHunk>,
    /// Absent when nothing was ever signed here, or the change goes onto nothing.
    subject: Option<Subject>,
    pub(crate) counted: Option<Counted>,
}

impl Merge {
    /// What a statement about this change binds to.
    pub(crate) fn subject(
        &mut self,
        repo: &Repo,
        range: &Range,
        rules: &Rules,
    ) -> CliResult<Subject> {
        let found = match self.subject.take() {
            Some(subject) => Some(subject),
            None => Subject::of(repo, range, rules)?,
        };
        found.ok_or_else(|| {
            let message = "this change goes onto nothing, so there is nothing to bind to";
            CliError::new(exit::DATA, message).hint("name a range such as `main..HEAD`")
        })
    }

    /// What it has in common with other changes, where something was ever signed.
    pub(crate) fn ground(&self) -> Option<&Arc<Ground>> {
        self.subject.as_ref().map(|subject| &subject.ground)
    }

    /// The AI involvement that a signer is shown, for a statement.
    pub(crate) fn shown(&self) -> Shown {
        let involvement = &self.collected.involvement;
        let evidence: BTreeSet<Digest> = involvement
            .evidence
            .iter()
            .map(|item| Digest::of(item.witness.as_bytes()))
            .collect();
        Shown {
            verdict: involvement.verdict,
            evidence: evidence.into_iter().collect(),
        }
    }

    /// Ids of those on the roster who made it, for a statement.
    pub(crate) fn author_ids(&self) -> Vec<String> {
        let people = self.collected.authors.iter();
        let ids: BTreeSet<String> = people.filter_map(|author| author.person.clone()).collect();
        ids.into_iter().collect()
    }

    /// What was signed and counts.
    pub(crate) fn statements(&self) -> Statements<'_> {
        self.counted
            .as_ref()
            .map_or_else(Statements::default, Counted::statements)
    }
}

/// The public keys that a commit by this mailbox may be signed with.
pub(crate) fn signing_keys(roster: &Roster, email: &str) -> Vec<String> {
    let person = roster
        .by_email(email)
        .and_then(|index| roster.person(index));
    let keys = person.into_iter().flat_map(|person| &person.keys);
    keys.filter(|key| !key.revoked)
        .map(|key| key.ssh.clone())
        .collect()
}

/// The facts of a change made of these commits and files; `model` is that of
/// the rules' catalogue. A lockfile that was compared counts as the services
/// that use what changed in it; one that was not, as everything in its folder.
pub(crate) fn facts(
    judged: &Judged,
    files: &[FileChange],
    locks: &[Lock],
    rules: &Rules,
    model: Option<&Model<'_>>,
    now: Timestamp,
) -> Collected {
    let commits = &judged.commits;
    let involvement = judged.involvement();
    let mut lines = Lines::default();
    for commit in commits {
        lines.add(commit.involvement.verdict, commit.added + commit.deleted);
    }
    let made_by = MadeBy::of(commits, &rules.roster);
    let paths: BTreeSet<&str> = files.iter().flat_map(FileChange::paths).collect();
    let mut owners: BTreeSet<String> = paths
        .iter()
        .flat_map(|path| rules.owners.of(path))
        .map(str::to_owned)
        .collect();
    let traced = |path: &str| {
        locks
            .iter()
            .find(|lock| lock.path == path && lock.is_traced())
    };
    let (mut services, mut tier) = (BTreeSet::new(), None);
    if let Some(catalog) = &rules.catalog {
        let shipped = paths.iter().filter(|path| !catalog.ships_nothing(path));
        let shipped = shipped.flat_map(|path| touched(path, traced(path), catalog));
        let tiers = shipped.filter_map(|at| catalog.services().get(at as usize));
        tier = tiers.map(|service| u64::from(catalog.tier(service))).min();
        for path in &paths {
            let touched = touched(path, traced(path), catalog).into_iter();
            for service in touched.filter_map(|at| catalog.services().get(at as usize)) {
                owners.extend(service.owner.clone());
                services.insert(service.id.clone());
            }
        }
    }
    let radius = rules.catalog.as_ref().zip(model).map(|(catalog, model)| {
        let hit = |path: &&str| {
            let lock = traced(path).and_then(|lock| lock.hit(catalog));
            lock.unwrap_or_else(|| Hit::path(path, catalog))
        };
        model.radius(&Change {
            hits: paths.iter().map(hit).collect(),
            ..Change::default()
        })
    });
    let reach = rules.catalog.as_ref().zip(radius.as_ref());
    let reach = reach.map_or_else(Reach::default, |(catalog, radius)| {
        let (services, functions) = (catalog.services(), catalog.functions());
        radius
            .facts
            .reach(!services.is_empty(), !functions.is_empty())
    });
    let facts = Facts {
        kind: Kind::Merge,
        involvement: involvement.verdict,
        roles: involvement.roles.clone(),
        suppressed: involvement.suppressed,
        unidentified: made_by.unidentified(),
        authors: made_by.people,
        author_level: made_by.level,
        owners,
        tier,
        environment: Environment::Unknown,
        effects: match may_destroy(&paths) {
            Some(_) => BTreeSet::new(),
            None => BTreeSet::from([Verb::Unknown]),
        },
        reach,
        irreversible: may_destroy(&paths),
        usage: None,
        lines: FileChange::lines_of(files),
        files: files.len() as u64,
        // Times in commits are claims of their author, so none is used.
        changed_at: None,
        self_reviewed: false,
        paths: paths.into_iter().map(str::to_owned).collect(),
    };
    let seen = patterns(&involvement, files);
    let mut collected = Collected {
        facts,
        involvement,
        lines,
        radius,
        applied: Applied::default(),
        locks: Vec::new(),
        problems: Vec::new(),
        uses: Vec::new(),
        authors: made_by.authors,
        services: services.into_iter().collect(),
        commits: commits.len(),
    };
    collected.judge_uses(&seen, rules, None, now);
    collected
}

/// The patterns of AI use in a change. Where it lands is decided later.
pub(crate) fn patterns(involvement: &Involvement, files: &[FileChange]) -> BTreeSet<Pattern> {
    let paths = files.iter().flat_map(FileChange::paths);
    usage::of_change(involvement, paths, Environment::Unknown)
}

/// What landed in the last seven days, where a cap in the registry asks for it.
fn week(
    repo: &Repo,
    range: &Range,
    rules: &Rules,
    trust: Trust<'_>,
    now: Timestamp,
) -> CliResult<Option<Uses>> {
    let has_cap = |usage: &Usage| usage.cap != Cap::default();
    let Some(onto) = range
        .onto
        .as_ref()
        .filter(|_| rules.usages.entries().iter().any(has_cap))
    else {
        return Ok(None);
    };
    let mut uses = Uses::default();
    let since = now.as_second().saturating_sub(7 * 24 * 60 * 60);
    repo.judge_landed(onto, Some(since), trust, |landed| {
        let at = Timestamp::from_second(landed.time).unwrap_or(Timestamp::UNIX_EPOCH);
        let involvement = landed.judged.involvement();
        let seen = patterns(&involvement, &landed.files);
        uses.change(at, involvement.verdict, seen, &[]);
    })?;
    Ok(Some(uses))
}

impl Collected {
    /// Asks the registry about every pattern; the most cautious answer is what
    /// policies see. A review alone is no part of the change.
    fn judge_uses(
        &mut self,
        seen: &BTreeSet<Pattern>,
        rules: &Rules,
        week: Option<&Uses>,
        now: Timestamp,
    ) {
        self.uses.clear();
        let mut most = None;
        for pattern in seen {
            let recent = |usage: &Usage| week.map(|week| week.recent(usage, now));
            let standing = rules.usages.standing(&pattern.as_use(), now, recent);
            if pattern.mode != Mode::Review {
                most = most.max(Some(standing.maturity));
            }
            self.uses.push(SeenUse {
                pattern: pattern.key(),
                maturity: standing.maturity,
                entry: standing.entry.map(|entry| entry.id.clone()),
                why: standing.why,
            });
        }
        // A use that left no name is still a use.
        self.facts.usage =
            (self.involvement.verdict == Ai::Yes).then(|| most.unwrap_or(Maturity::Novel));
    }
}

/// Positions of the services that a path touches.
fn touched(path: &str, lock: Option<&Lock>, catalog: &Catalog) -> Vec<u32> {
    match lock {
        Some(lock) => lock.services.clone(),
        None => catalog.components_of(path),
    }
}

/// Code alone destroys nothing when it is merged. A migration or a plan might
/// when it is applied, and nobody has read it yet: unknown.
fn may_destroy(paths: &BTreeSet<&str>) -> Option<bool> {
    match paths.iter().find(|path| is_applied(path)) {
        Some(_) => None,
        None => Some(false),
    }
}

/// Who made a change.
pub(crate) struct MadeBy {
    pub(crate) people: PersonSet,
    pub(crate) level: Level,
    pub(crate) authors: Vec<Author>,
}

impl MadeBy {
    /// All authors, committers, co-authors and operators of the commits. The
    /// lowest level among the people counts; someone who is not on the roster
    /// has the lowest of all, and so has a change that names no person.
    pub(crate) fn of(commits: &[JudgedCommit], roster: &Roster) -> Self {
        let mut made_by = Self {
            people: PersonSet::default(),
            level: roster.levels().highest(),
            authors: Vec::new(),
        };
        for commit in commits {
            let mut named = false;
            for participant in &commit.people {
                named |= participant.class == Class::Human;
                made_by.add(participant, roster);
            }
            if !named {
                made_by.level = roster.levels().lowest();
            }
        }
        if commits.is_empty() {
            made_by.level = roster.levels().lowest();
        }
        made_by
    }

    /// Mailboxes of people who are not on the roster.
    fn unidentified(&self) -> Vec<String> {
        self.authors
            .iter()
            .filter(|author| author.is_person && author.person.is_none())
            .map(|author| author.email.clone())
            .collect()
    }

    fn add(&mut self, participant: &Participant, roster: &Roster) {
        let is_person = participant.class == Class::Human;
        let index = is_person
            .then(|| roster.by_email(&participant.email))
            .flatten();
        let person = index.and_then(|index| roster.person(index));
        if let Some(index) = index {
            self.people.insert(index);
        }
        if is_person {
            let level = person.map_or(roster.levels().lowest(), |person| person.level);
            self.level = self.level.min(level);
        }
        let known = self.authors.iter_mut().find(|author| {
            author.email.eq_ignore_ascii_case(&participant.email)
                || person.is_some_and(|person| author.person.as_ref() == Some(&person.id))
        });
        let part = part_text(participant.part);
        match known {
            Some(author) => {
                author.parts.insert(part);
            }
            None => self.authors.push(Author {
                name: participant.name.clone(),
                email: participant.email.clone(),
                person: person.map(|person| person.id.clone()),
                level: person.map(|person| roster.levels().name(person.level).to_owned()),
                parts: BTreeSet::from([part]),
                is_person,
            }),
        }
    }
}

const fn part_text(part: Part) -> &'static str {
    match part {
        Part::Author => "author",
        Part::Committer => "committer",
        Part::CoAuthor => "co-author",
        Part::Operator => "operator",
    }
}
