//! Reading `people.toml`.

use std::collections::HashMap;

use jiff::Timestamp;
use serde::Deserialize;
use toml::Spanned;

use super::{Away, Key, Level, Levels, Person, Roster};
use crate::moment;
use crate::problem::{Problem, Source, closest};

/// A commented `people.toml` without people, as `countersign init` writes it.
pub const TEMPLATE: &str = include_str!("template.toml");

/// Minutes a week for sign-offs when a person names none: two hours.
const DEFAULT_MINUTES_PER_WEEK: u32 = 120;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFile {
    version: Spanned<u32>,
    #[serde(default)]
    levels: Option<Spanned<Vec<String>>>,
    #[serde(default)]
    default_level: Option<Spanned<String>>,
    #[serde(default)]
    person: Vec<Spanned<RawPerson>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPerson {
    id: Spanned<String>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    emails: Vec<Spanned<String>>,
    #[serde(default)]
    accounts: Vec<Spanned<String>>,
    #[serde(default)]
    keys: Vec<RawKey>,
    #[serde(default)]
    level: Option<Spanned<String>>,
    #[serde(default)]
    teams: Vec<Spanned<String>>,
    #[serde(default = "yes")]
    active: bool,
    #[serde(default)]
    away: Vec<RawAway>,
    #[serde(default)]
    manager: Option<Spanned<String>>,
    #[serde(default)]
    minutes_per_week: Option<u32>,
    #[serde(default)]
    wip_limit: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawKey {
    ssh: Spanned<String>,
    #[serde(default)]
    from: Option<Spanned<String>>,
    #[serde(default)]
    until: Option<Spanned<String>>,
    #[serde(default)]
    revoked: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawAway {
    from: Spanned<String>,
    until: Spanned<String>,
    #[serde(default)]
    delegate: Option<Spanned<String>>,
}

const fn yes() -> bool {
    true
}

/// Reads a roster.
///
/// # Errors
/// Every problem found: a field that is unknown or of the wrong type (the first
/// only), a level that is not in `levels`, an id, mailbox, account or key that
/// two people share, a manager or delegate who is not on the roster.
pub fn parse(text: &str, file: &str) -> Result<Roster, Vec<Problem>> {
    let source = Source { file, text };
    let raw: RawFile = source.toml().map_err(|problem| vec![problem])?;
    let mut reader = Reader {
        source,
        problems: Vec::new(),
        seen: HashMap::new(),
    };
    if *raw.version.get_ref() != 1 {
        let message = format!("version {} is not known", raw.version.get_ref());
        let problem = source.at(raw.version.span(), message);
        reader
            .problems
            .push(problem.hint("this program reads version 1"));
    }
    let levels = reader.levels(raw.levels);
    let default = raw
        .default_level
        .map_or_else(|| levels.lowest(), |name| reader.level(&levels, &name));
    let ids: Vec<String> = raw
        .person
        .iter()
        .map(|person| person.get_ref().id.get_ref().clone())
        .collect();
    let people = raw
        .person
        .into_iter()
        .map(|person| reader.person(person.into_inner(), &levels, default, &ids))
        .collect();
    if reader.problems.is_empty() {
        Ok(Roster::new(levels, people))
    } else {
        Err(reader.problems)
    }
}

struct Reader<'a> {
    source: Source<'a>,
    problems: Vec<Problem>,
    /// What is already taken, and by whom.
    seen: HashMap<String, String>,
}

impl Reader<'_> {
    fn levels(&mut self, raw: Option<Spanned<Vec<String>>>) -> Levels {
        let Some(raw) = raw else {
            return Levels::default();
        };
        let span = raw.span();
        Levels::new(raw.into_inner()).unwrap_or_else(|| {
            let message = "levels must be 1 to 32 different names, lowest first";
            self.problems.push(self.source.at(span, message));
            Levels::default()
        })
    }

    fn level(&mut self, levels: &Levels, name: &Spanned<String>) -> Level {
        levels.get(name.get_ref()).unwrap_or_else(|| {
            let known: Vec<&str> = levels.names().collect();
            let hint = match closest(name.get_ref(), known.iter().copied()) {
                Some(close) => format!("did you mean `{close}`?"),
                None => format!("levels are {}", known.join(", ")),
            };
            let message = format!("`{}` is not a level", name.get_ref());
            self.problems
                .push(self.source.at(name.span(), message).hint(hint));
            levels.lowest()
        })
    }

    fn person(
        &mut self,
        raw: RawPerson,
        levels: &Levels,
        default: Level,
        ids: &[String],
    ) -> Person {
        let id = raw.id.get_ref().clone();
        if id.is_empty() || id.contains(char::is_whitespace) {
            let message = format!("`{id}` cannot be an id");
            let problem = self.source.at(raw.id.span(), message);
            self.problems
                .push(problem.hint("use a short name without spaces"));
        }
        self.unique("id", &raw.id, &id, &id);
        let emails = self.all_unique("mailbox", &raw.emails, &id, |email| {
            email.contains('@').then(|| email.trim().to_lowercase())
        });
        let accounts = self.all_unique("account", &raw.accounts, &id, |account| {
            let (forge, name) = account.split_once(':')?;
            (!forge.is_empty() && !name.is_empty()).then(|| account.to_lowercase())
        });
        let keys = raw
            .keys
            .iter()
            .filter_map(|key| self.key(key, &id))
            .collect();
        let level = raw
            .level
            .as_ref()
            .map_or(default, |name| self.level(levels, name));
        if let Some(manager) = &raw.manager {
            self.known("manager", manager, ids);
        }
        let away = raw
            .away
            .iter()
            .filter_map(|away| self.away(away, ids))
            .collect();
        Person {
            name: raw.name.unwrap_or_else(|| id.clone()),
            id,
            emails,
            accounts,
            keys,
            level,
            teams: raw
                .teams
                .into_iter()
                .map(|team| super::team_name(team.get_ref()).to_owned())
                .collect(),
            active: raw.active,
            away,
            manager: raw.manager.map(Spanned::into_inner),
            minutes_per_week: raw.minutes_per_week.unwrap_or(DEFAULT_MINUTES_PER_WEEK),
            wip_limit: raw.wip_limit,
        }
    }

    fn all_unique(
        &mut self,
        what: &str,
        values: &[Spanned<String>],
        owner: &str,
        normal: impl Fn(&str) -> Option<String>,
    ) -> Vec<String> {
        let mut out = Vec::with_capacity(values.len());
        for value in values {
            if let Some(text) = normal(value.get_ref()) {
                self.unique(what, value, &text, owner);
                out.push(text);
            } else {
                let message = format!("`{}` is not a valid {what}", value.get_ref());
                let hint = match what {
                    "account" => "write `forge:login`, such as `github:ada`",
                    _ => "write an address such as `ada@example.com`",
                };
                self.problems
                    .push(self.source.at(value.span(), message).hint(hint));
            }
        }
        out
    }

    fn unique(&mut self, what: &str, place: &Spanned<String>, value: &str, owner: &str) {
        let key = format!("{what} {value}");
        if let Some(first) = self.seen.insert(key, owner.to_owned()) {
            let message = if what == "id" {
                format!("two people have the id `{value}`")
            } else {
                format!("{what} `{value}` belongs to `{first}` and to `{owner}`")
            };
            let problem = self.source.at(place.span(), message);
            self.problems
                .push(problem.hint("a sign-off counts people, so no identity may be shared"));
        }
    }

    fn known(&mut self, what: &str, who: &Spanned<String>, ids: &[String]) {
        if !ids.contains(who.get_ref()) {
            let message = format!("{what} `{}` is not on the roster", who.get_ref());
            let problem = self.source.at(who.span(), message);
            let hint = closest(who.get_ref(), ids.iter().map(String::as_str)).map_or_else(
                || "use the `id` of a person in this file".to_owned(),
                |close| format!("did you mean `{close}`?"),
            );
            self.problems.push(problem.hint(hint));
        }
    }

    fn key(&mut self, raw: &RawKey, owner: &str) -> Option<Key> {
        let mut words = raw.ssh.get_ref().split_whitespace();
        let (Some(kind), Some(body)) = (words.next(), words.next()) else {
            let problem = self
                .source
                .at(raw.ssh.span(), "this is not an SSH public key");
            self.problems
                .push(problem.hint("paste the line of the `.pub` file: type, then key"));
            return None;
        };
        let ssh = format!("{kind} {body}");
        self.unique("key", &raw.ssh, &ssh, owner);
        Some(Key {
            ssh,
            from: raw.from.as_ref().and_then(|at| self.time(at)),
            until: raw.until.as_ref().and_then(|at| self.time(at)),
            revoked: raw.revoked,
        })
    }

    fn away(&mut self, raw: &RawAway, ids: &[String]) -> Option<Away> {
        if let Some(delegate) = &raw.delegate {
            self.known("delegate", delegate, ids);
        }
        let (from, until) = (self.time(&raw.from)?, self.time(&raw.until)?);
        if until <= from {
            let problem = self
                .source
                .at(raw.until.span(), "`until` must be after `from`");
            self.problems.push(problem);
            return None;
        }
        Some(Away {
            from,
            until,
            delegate: raw.delegate.as_ref().map(|who| who.get_ref().clone()),
        })
    }

    fn time(&mut self, raw: &Spanned<String>) -> Option<Timestamp> {
        moment::parse_utc(raw.get_ref())
            .map_err(|message| {
                let problem = self.source.at(raw.span(), message);
                self.problems.push(problem.hint(moment::HINT));
            })
            .ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str) -> String {
        let problems = parse(text, "people.toml").unwrap_err();
        problems
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join("\n")
    }

    #[test]
    fn the_template_is_a_valid_empty_roster() {
        let roster = parse(TEMPLATE, "people.toml").unwrap();
        assert!(roster.people().is_empty());
        // The commented example is valid too, once its key is a real one.
        let example: String = TEMPLATE
            .lines()
            .map(|line| line.strip_prefix("# ").unwrap_or(line))
            .skip_while(|line| *line != "[[person]]")
            .collect::<Vec<_>>()
            .join("\n");
        let text = format!("version = 1\n{example}\n[[person]]\nid = \"grace\"\n");
        let roster = parse(&text, "people.toml").unwrap();
        assert_eq!(roster.people().len(), 2);
    }

    #[test]
    fn every_field_that_is_wrong_is_placed() {
        insta::assert_snapshot!(problems(
            r#"version = 2
levels = ["junior", "senior"]
default_level = "mid"

[[person]]
id = "ada"
emails = ["ada@example.com", "ada"]
accounts = ["github:ada", "ada"]
keys = [{ ssh = "ssh-ed25519" }]
level = "senoir"
manager = "grac"
away = [{ from = "2026-12-20", until = "2026-12-01", delegate = "bob" }]

[[person]]
id = "ada"
emails = ["ADA@example.com"]
keys = [{ ssh = "ssh-ed25519 AAAA x", from = "soon" }]

[[person]]
id = "grace"
accounts = ["GitHub:Ada"]
keys = [{ ssh = "ssh-ed25519 AAAA y" }]
"#
        ), @"
        people.toml:1:11: version 2 is not known (this program reads version 1)
        people.toml:3:17: `mid` is not a level (levels are junior, senior)
        people.toml:7:30: `ada` is not a valid mailbox (write an address such as `ada@example.com`)
        people.toml:8:27: `ada` is not a valid account (write `forge:login`, such as `github:ada`)
        people.toml:9:17: this is not an SSH public key (paste the line of the `.pub` file: type, then key)
        people.toml:10:9: `senoir` is not a level (did you mean `senior`?)
        people.toml:11:11: manager `grac` is not on the roster (did you mean `grace`?)
        people.toml:12:65: delegate `bob` is not on the roster (use the `id` of a person in this file)
        people.toml:12:40: `until` must be after `from`
        people.toml:15:6: two people have the id `ada` (a sign-off counts people, so no identity may be shared)
        people.toml:16:11: mailbox `ada@example.com` belongs to `ada` and to `ada` (a sign-off counts people, so no identity may be shared)
        people.toml:17:46: `soon` is not a time (write `2026-12-20`, `2026-12-20T18:00` or `2026-12-20T18:00Z`)
        people.toml:21:13: account `github:ada` belongs to `ada` and to `grace` (a sign-off counts people, so no identity may be shared)
        people.toml:22:17: key `ssh-ed25519 AAAA` belongs to `ada` and to `grace` (a sign-off counts people, so no identity may be shared)
        ");
    }

    #[test]
    fn wrong_shapes_are_placed_by_the_reader() {
        insta::assert_snapshot!([
            problems("version = 1\n[[person]]\nid = 7\n"),
            problems("version = 1\n[[person]]\nname = \"x\"\n"),
            problems("version = 1\n[[person]]\nid = \"a\"\nlevle = \"mid\"\n"),
            problems("version = 1\nlevels = []\n"),
            problems("version = 1\nlevels = [\"a\", \"a\"]\n"),
            problems("person = 1"),
            problems("version = "),
        ]
        .join("\n"), @"
        people.toml:3:6: invalid type: integer `7`, expected a string
        people.toml:2:1: missing field `id`
        people.toml:4:1: unknown field `levle`, expected one of `id`, `name`, `emails`, `accounts`, `keys`, `level`, `teams`, `active`, `away`, `manager`, `minutes_per_week`, `wip_limit`
        people.toml:2:10: levels must be 1 to 32 different names, lowest first
        people.toml:2:10: levels must be 1 to 32 different names, lowest first
        people.toml:1:10: invalid type: integer `1`, expected a sequence
        people.toml:1:11: string values must be quoted, expected literal string
        ");
    }
}
