//! People, their levels, and who an identity in a commit belongs to.
//!
//! An agent is never a person: it acts on behalf of one.

mod file;
mod set;

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use file::{TEMPLATE, parse};
pub use set::PersonSet;

/// A place in the organisation's ordered list of levels; 0 is the lowest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Level(pub u8);

/// The names of the levels, lowest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Levels(Vec<String>);

impl Default for Levels {
    fn default() -> Self {
        Self(
            ["junior", "mid", "senior", "principal"]
                .map(String::from)
                .to_vec(),
        )
    }
}

impl Levels {
    /// The most levels an organisation can name.
    pub const MAX: usize = 32;

    /// Levels from their names, lowest first.
    ///
    /// Returns `None` for an empty list, more than [`Self::MAX`] names, or a
    /// name given twice.
    #[must_use]
    pub fn new(names: Vec<String>) -> Option<Self> {
        let mut sorted = names.clone();
        sorted.sort_unstable();
        sorted.dedup();
        let fits = (1..=Self::MAX).contains(&names.len()) && sorted.len() == names.len();
        fits.then_some(Self(names))
    }

    /// The level of a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Level> {
        let place = self.0.iter().position(|level| level == name)?;
        u8::try_from(place).ok().map(Level)
    }

    /// The name of a level.
    #[must_use]
    pub fn name(&self, level: Level) -> &str {
        self.0
            .get(usize::from(level.0))
            .map_or("above all levels", String::as_str)
    }

    /// All names, lowest first.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// All levels, lowest first.
    pub fn iter(&self) -> impl Iterator<Item = Level> + use<> {
        (0..self.0.len()).filter_map(|place| u8::try_from(place).ok().map(Level))
    }

    /// The highest level.
    #[must_use]
    pub fn highest(&self) -> Level {
        Level(u8::try_from(self.0.len().saturating_sub(1)).unwrap_or(u8::MAX))
    }

    /// The lowest level, which is also that of anyone not on the roster.
    #[must_use]
    pub const fn lowest(&self) -> Level {
        Level(0)
    }
}

/// A public key of a person and when it may be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Key {
    /// The key in OpenSSH's one-line form, without comment.
    pub ssh: String,
    /// Not valid before, inclusive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// Not valid at or after.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Known to be compromised: signatures never count, whenever they were made.
    pub revoked: bool,
}

impl Key {
    /// Whether a signature made at `at` with this key can count.
    #[must_use]
    pub fn is_valid_at(&self, at: Timestamp) -> bool {
        !self.revoked
            && self.from.is_none_or(|from| from <= at)
            && self.until.is_none_or(|until| at < until)
    }
}

/// A time during which a person does not sign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Away {
    /// First moment away, inclusive.
    pub from: Timestamp,
    /// First moment back.
    pub until: Timestamp,
    /// Who is asked instead (a person's id).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delegate: Option<String>,
}

/// Someone on the roster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Person {
    /// Stable identifier, chosen by the organisation.
    pub id: String,
    /// The name people know.
    pub name: String,
    /// Mailboxes used in commits, lower case.
    pub emails: Vec<String>,
    /// Forge accounts as `forge:login` or `forge:numeric-id`, lower case.
    pub accounts: Vec<String>,
    /// Signing keys.
    pub keys: Vec<Key>,
    /// How senior.
    pub level: Level,
    /// Teams, as CODEOWNERS and the catalogue name them.
    pub teams: Vec<String>,
    /// Still with the organisation.
    pub active: bool,
    /// Times away.
    pub away: Vec<Away>,
    /// The manager's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manager: Option<String>,
    /// Minutes a week this person can give to sign-offs.
    pub minutes_per_week: u32,
    /// The most changes that should wait for this person at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wip_limit: Option<u32>,
}

impl Person {
    /// Whether the person can sign at `now`: active and not away.
    #[must_use]
    pub fn is_available(&self, now: Timestamp) -> bool {
        self.active && self.absence(now).is_none()
    }

    /// The absence that covers `now`.
    #[must_use]
    pub fn absence(&self, now: Timestamp) -> Option<&Away> {
        self.away
            .iter()
            .find(|away| away.from <= now && now < away.until)
    }
}

/// Everyone, with the look-ups that judging needs.
#[derive(Debug, Clone, Default)]
pub struct Roster {
    levels: Levels,
    people: Vec<Person>,
    by_id: HashMap<String, usize>,
    by_email: HashMap<String, usize>,
    by_account: HashMap<String, usize>,
    by_key: HashMap<String, usize>,
    by_level: Vec<PersonSet>,
    by_team: BTreeMap<String, PersonSet>,
    /// Each person's manager and direct reports.
    line: Vec<PersonSet>,
    /// Each person's place when sorted by level, then id.
    rank: Vec<u32>,
}

impl Roster {
    /// A roster over people whose ids, mailboxes, accounts and keys differ.
    ///
    /// Of duplicates the first one wins; [`parse`] refuses them beforehand.
    #[must_use]
    pub fn new(levels: Levels, people: Vec<Person>) -> Self {
        let mut roster = Self {
            by_level: levels.iter().map(|_| PersonSet::default()).collect(),
            levels,
            ..Self::default()
        };
        for (index, person) in people.iter().enumerate() {
            roster.by_id.entry(person.id.clone()).or_insert(index);
            for email in &person.emails {
                roster.by_email.entry(email.clone()).or_insert(index);
            }
            for account in &person.accounts {
                roster.by_account.entry(account.clone()).or_insert(index);
            }
            for key in &person.keys {
                roster.by_key.entry(key.ssh.clone()).or_insert(index);
            }
            for team in &person.teams {
                roster
                    .by_team
                    .entry(team.clone())
                    .or_default()
                    .insert(index);
            }
            for (level, set) in roster.by_level.iter_mut().enumerate() {
                if usize::from(person.level.0) >= level {
                    set.insert(index);
                }
            }
        }
        roster.line = vec![PersonSet::default(); people.len()];
        for (index, person) in people.iter().enumerate() {
            let manager = person.manager.as_ref().and_then(|id| roster.index_of(id));
            if let Some(manager) = manager {
                for (of, other) in [(index, manager), (manager, index)] {
                    if let Some(line) = roster.line.get_mut(of) {
                        line.insert(other);
                    }
                }
            }
        }
        roster.rank = ranks(&people);
        roster.people = people;
        roster
    }

    /// The organisation's levels.
    #[must_use]
    pub const fn levels(&self) -> &Levels {
        &self.levels
    }

    /// Everyone, in the order of the file.
    #[must_use]
    pub fn people(&self) -> &[Person] {
        &self.people
    }

    /// A person by place in [`Self::people`].
    #[must_use]
    pub fn person(&self, index: usize) -> Option<&Person> {
        self.people.get(index)
    }

    /// The place of the person with this id.
    #[must_use]
    pub fn index_of(&self, id: &str) -> Option<usize> {
        self.by_id.get(id).copied()
    }

    /// The person with this id.
    #[must_use]
    pub fn by_id(&self, id: &str) -> Option<&Person> {
        self.index_of(id).and_then(|index| self.people.get(index))
    }

    /// The person that a mailbox belongs to.
    ///
    /// GitHub's private mailboxes (`ID+login@users.noreply.github.com`) are
    /// resolved through the account, by numeric id before login, because a
    /// login can be renamed and taken over.
    #[must_use]
    pub fn by_email(&self, email: &str) -> Option<usize> {
        let email = email.trim().to_lowercase();
        if let Some(index) = self.by_email.get(&email) {
            return Some(*index);
        }
        let local = email.strip_suffix("@users.noreply.github.com")?;
        match local.split_once('+') {
            Some((id, _)) => self.by_account("github", id),
            None => self.by_account("github", local),
        }
    }

    /// The person with this forge account (login or numeric id).
    #[must_use]
    pub fn by_account(&self, forge: &str, account: &str) -> Option<usize> {
        let account = format!("{}:{}", forge.to_lowercase(), account.to_lowercase());
        self.by_account.get(&account).copied()
    }

    /// The person and key for a public key in one-line form without comment.
    #[must_use]
    pub fn by_key(&self, ssh: &str) -> Option<(&Person, &Key)> {
        let person = self.people.get(*self.by_key.get(ssh)?)?;
        let key = person.keys.iter().find(|key| key.ssh == ssh)?;
        Some((person, key))
    }

    /// Everyone at `level` or above.
    #[must_use]
    pub fn at_least(&self, level: Level) -> PersonSet {
        self.by_level
            .get(usize::from(level.0))
            .cloned()
            .unwrap_or_default()
    }

    /// Everyone in a team; a leading `@` and an organisation before `/` in the
    /// name are ignored, so `@acme/payments` is the team `payments`.
    #[must_use]
    pub fn team(&self, name: &str) -> PersonSet {
        self.by_team
            .get(name)
            .or_else(|| self.by_team.get(team_name(name)))
            .cloned()
            .unwrap_or_default()
    }

    /// The people that one CODEOWNERS entry names: a mailbox, a login or a team.
    #[must_use]
    pub fn owner(&self, entry: &str) -> PersonSet {
        let mut set = PersonSet::default();
        if let Some(login) = entry.strip_prefix('@').filter(|rest| !rest.contains('/')) {
            let known = ["github", "gitlab"]
                .iter()
                .find_map(|forge| self.by_account(forge, login));
            if let Some(index) = known {
                set.insert(index);
                return set;
            }
        } else if let Some(index) = entry.contains('@').then(|| self.by_email(entry)).flatten() {
            set.insert(index);
            return set;
        }
        self.team(entry)
    }

    /// Everyone who is active and not away at `now`.
    #[must_use]
    pub fn available(&self, now: Timestamp) -> PersonSet {
        self.people
            .iter()
            .enumerate()
            .filter(|(_, person)| person.is_available(now))
            .map(|(index, _)| index)
            .collect()
    }

    /// Everyone who is active and away at `now`.
    #[must_use]
    pub fn away(&self, now: Timestamp) -> PersonSet {
        self.people
            .iter()
            .enumerate()
            .filter(|(_, person)| person.active && person.absence(now).is_some())
            .map(|(index, _)| index)
            .collect()
    }

    /// Who is asked instead of someone who is away: the delegate, or, where that
    /// one is away too, theirs. `None` where that leads to nobody.
    #[must_use]
    pub fn stand_in(&self, away: usize, now: Timestamp) -> Option<usize> {
        let mut seen = PersonSet::default();
        let mut current = away;
        while !seen.contains(current) {
            seen.insert(current);
            let absence = self.people.get(current)?.absence(now)?;
            current = self.index_of(absence.delegate.as_ref()?)?;
            if self.people.get(current)?.is_available(now) {
                return Some(current);
            }
        }
        None
    }

    /// A person's manager and direct reports.
    #[must_use]
    pub fn line(&self, index: usize) -> PersonSet {
        self.line.get(index).cloned().unwrap_or_default()
    }

    /// A person's place when everyone is sorted by level, then id.
    #[must_use]
    pub fn rank(&self, index: usize) -> u32 {
        self.rank.get(index).copied().unwrap_or(u32::MAX)
    }
}

fn ranks(people: &[Person]) -> Vec<u32> {
    let mut order: Vec<(Level, &str, usize)> = people
        .iter()
        .enumerate()
        .map(|(index, person)| (person.level, person.id.as_str(), index))
        .collect();
    order.sort_unstable();
    let mut ranks = vec![0; people.len()];
    for (rank, (_, _, index)) in (0_u32..).zip(order) {
        if let Some(place) = ranks.get_mut(index) {
            *place = rank;
        }
    }
    ranks
}

/// The bare name of a team: `@acme/payments` → `payments`.
#[must_use]
pub fn team_name(entry: &str) -> &str {
    let entry = entry.strip_prefix('@').unwrap_or(entry);
    entry.rsplit('/').next().unwrap_or(entry)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::moment;

    fn roster() -> Roster {
        parse(
            r#"version = 1
[[person]]
id = "ada"
emails = ["ada@example.com"]
accounts = ["github:ada", "github:583231"]
level = "senior"
teams = ["@acme/payments"]
away = [{ from = "2026-12-20", until = "2026-12-24", delegate = "bob" }]
[[person]]
id = "bob"
emails = ["Bob@Example.com"]
accounts = ["gitlab:bob"]
manager = "ada"
[[person]]
id = "cy"
level = "mid"
active = false
teams = ["payments"]
"#,
            "people.toml",
        )
        .unwrap()
    }

    #[test]
    fn identities_lead_to_people() {
        let roster = roster();
        let who = |email: &str| {
            roster
                .by_email(email)
                .and_then(|i| roster.person(i))
                .map(|p| p.id.clone())
        };
        assert_eq!(who("ADA@example.com").as_deref(), Some("ada"));
        assert_eq!(who("bob@example.com").as_deref(), Some("bob"));
        assert_eq!(
            who("583231+renamed@users.noreply.github.com").as_deref(),
            Some("ada")
        );
        assert_eq!(who("ada@users.noreply.github.com").as_deref(), Some("ada"));
        // Someone else who now holds the login: the numeric id decides.
        assert_eq!(who("999+ada@users.noreply.github.com"), None);
        assert_eq!(who("mallory@example.com"), None);
    }

    #[test]
    fn teams_and_owners() {
        let roster = roster();
        assert_eq!(roster.team("@acme/payments").len(), 2);
        assert_eq!(roster.owner("@acme/payments").len(), 2);
        assert_eq!(roster.owner("@bob").iter().collect::<Vec<_>>(), [1]);
        assert_eq!(
            roster.owner("ada@example.com").iter().collect::<Vec<_>>(),
            [0]
        );
        assert!(roster.owner("@nobody").is_empty());
    }

    #[test]
    fn availability_follows_absence_and_activity() {
        let roster = roster();
        let at = |text: &str| {
            let now = moment::parse_utc(text).unwrap();
            roster.available(now).iter().collect::<Vec<_>>()
        };
        assert_eq!(at("2026-12-19"), [0, 1]);
        assert_eq!(at("2026-12-20"), [1]);
        assert_eq!(at("2026-12-24"), [0, 1]);
        assert!(roster.line(0).contains(1) && roster.line(1).contains(0));
        assert!(roster.line(2).is_empty());
    }

    #[test]
    fn levels_are_cumulative() {
        let roster = roster();
        let senior = roster.levels().get("senior").unwrap();
        assert_eq!(roster.at_least(senior).iter().collect::<Vec<_>>(), [0]);
        assert_eq!(roster.at_least(Level(0)).len(), 3);
        assert!(roster.at_least(Level(200)).is_empty());
    }

    #[test]
    fn key_validity() {
        let at = |text: &str| moment::parse_utc(text).unwrap();
        let key = Key {
            ssh: String::new(),
            from: Some(at("2026-01-01")),
            until: Some(at("2026-06-01")),
            revoked: false,
        };
        assert!(!key.is_valid_at(at("2025-12-31")));
        assert!(key.is_valid_at(at("2026-01-01")));
        assert!(!key.is_valid_at(at("2026-06-01")));
        assert!(
            !Key {
                revoked: true,
                ..key
            }
            .is_valid_at(at("2026-02-01"))
        );
    }
}
