//! Reading `policy.toml`.

use std::collections::HashSet;

use globset::GlobBuilder;
use jiff::civil::{Time, Weekday};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use sha2::{Digest, Sha256};
use toml::Spanned;

use super::condition::{Bound, Condition, LevelBound};
use super::raw::{
    RawBound, RawBreakGlass, RawFile, RawLevelBound, RawPack, RawRequirement, RawRule,
    RawSelfReview, RawSettings, RawWhen, RawWindow,
};
use super::window::{Span, Window};
use super::{
    BreakGlassTerms, MinLevel, Outcome, Pack, PathSet, Policy, Protected, Requirement, Rule,
    SelfReview, Settings, Team,
};
use crate::effect::Environment;
use crate::moment;
use crate::problem::{Problem, Source, closest};
use crate::roster::{Level, Levels, team_name};

/// The built-in policy, which is also what `countersign init` writes.
pub const DEFAULT: &str = include_str!("default.toml");

/// The most rules, windows, packs or globs in a list that a policy can have;
/// more is a mistake or an attack on whoever evaluates it.
const MAX_ENTRIES: usize = 1000;

/// The most questions in a policy: a signer who is asked more answers none.
const MAX_QUESTIONS: usize = crate::signoff::statement::MAX_ANSWERS;

/// The most items of a self-review.
const MAX_ITEMS: usize = crate::signoff::statement::MAX_ITEMS;

/// The longest question or item, in characters.
const MAX_LINE: usize = 200;

/// Reads a policy against the levels of a roster.
///
/// # Errors
/// Every problem found: an unknown field or wrong type (the first only), a
/// level, window, glob, time or duration that does not exist or parse, a rule
/// that asks for nothing, an id given twice.
pub fn parse(text: &str, file: &str, levels: &Levels) -> Result<Policy, Vec<Problem>> {
    let source = Source { file, text };
    let raw: RawFile = source.toml().map_err(|problem| vec![problem])?;
    let mut reader = Reader {
        source,
        levels,
        zone: TimeZone::UTC,
        problems: Vec::new(),
        ids: HashSet::new(),
        paths: Vec::new(),
        owners: Vec::new(),
        windows: Vec::new(),
        questions: 0,
    };
    if *raw.version.get_ref() != 1 {
        let message = format!("version {} is not known", raw.version.get_ref());
        reader.say(&raw.version, message, "this program reads version 1");
    }
    let settings = reader.settings(raw.settings);
    for window in raw.window {
        reader.window(window.into_inner());
    }
    let mut rules: Vec<Rule> = Vec::new();
    for rule in raw.rule {
        rules.extend(reader.rule(rule, None));
    }
    let mut packs = Vec::new();
    for pack in raw.pack {
        reader.pack(pack.into_inner(), &mut packs, &mut rules);
    }
    let self_review = raw
        .self_review
        .map(|review| reader.self_review(review.into_inner(), &rules));
    if rules.len() > MAX_ENTRIES || reader.windows.len() > MAX_ENTRIES {
        let message = format!("more than {MAX_ENTRIES} rules or windows");
        reader.problems.push(source.whole(message));
    }
    if !reader.problems.is_empty() {
        return Err(reader.problems);
    }
    Ok(Policy {
        file: file.to_owned(),
        digest: hex(&Sha256::digest(text.as_bytes())),
        settings,
        rules,
        packs,
        paths: reader.paths,
        owners: reader.owners,
        windows: reader.windows,
        levels: levels.clone(),
        self_review,
    })
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut out, byte| {
        // Writing to a string cannot fail.
        let _ = write!(out, "{byte:02x}");
        out
    })
}

struct Reader<'a> {
    source: Source<'a>,
    levels: &'a Levels,
    zone: TimeZone,
    problems: Vec<Problem>,
    ids: HashSet<String>,
    paths: Vec<PathSet>,
    owners: Vec<String>,
    windows: Vec<Window>,
    /// Questions so far.
    questions: usize,
}

impl Reader<'_> {
    fn say<T>(&mut self, place: &Spanned<T>, message: impl Into<String>, hint: impl Into<String>) {
        let problem = self.source.at(place.span(), message).hint(hint);
        self.problems.push(problem);
    }

    fn settings(&mut self, raw: RawSettings) -> Settings {
        if let Some(name) = &raw.timezone {
            match TimeZoneDatabase::bundled().get(name.get_ref()) {
                Ok(zone) => self.zone = zone,
                Err(_) => self.say(
                    name,
                    format!("`{}` is not a time zone", name.get_ref()),
                    "write a name such as `Europe/Berlin`",
                ),
            }
        }
        let defaults = Settings::default();
        let unknown_environment =
            raw.unknown_environment
                .map_or(defaults.unknown_environment, |environment| {
                    if *environment.get_ref() == Environment::Unknown {
                        let message = "an unknown environment cannot be treated as unknown";
                        self.say(&environment, message, "write `production`, the safe choice");
                    }
                    environment.into_inner()
                });
        Settings {
            operator_may_pass: raw.operator_may_pass.unwrap_or(defaults.operator_may_pass),
            trust_authorship_notes: raw.trust_authorship_notes,
            answers: raw.answers,
            mode: raw.mode,
            unknown_environment,
            unmapped_tier: raw.unmapped_tier.unwrap_or(defaults.unmapped_tier),
            signoff_expires: raw.signoff_expires.and_then(|text| self.duration(&text)),
            veto_level: raw
                .veto_level
                .map_or(defaults.veto_level, |name| self.level(&name)),
            protected: self.protected(raw.protected),
            break_glass: self.break_glass(raw.break_glass),
        }
    }

    fn protected(&mut self, raw: Option<Spanned<Vec<Spanned<String>>>>) -> Protected {
        let globs = self.list(raw, |list| list).unwrap_or_default();
        let names = globs.iter().map(|glob| glob.get_ref().clone()).collect();
        Protected::new(names).unwrap_or_else(|(glob, why)| {
            if let Some(place) = globs.iter().find(|it| *it.get_ref() == glob) {
                let message = format!("`{glob}` is not a pattern of branches: {why}");
                self.say(place, message, "write a name such as `main` or `release/*`");
            }
            Protected::default()
        })
    }

    fn break_glass(&mut self, raw: RawBreakGlass) -> BreakGlassTerms {
        let defaults = BreakGlassTerms::of(self.levels);
        BreakGlassTerms {
            level: raw.level.map_or(defaults.level, |name| self.level(&name)),
            two_persons_tier: raw.two_persons_tier.unwrap_or(defaults.two_persons_tier),
            expires: raw
                .expires
                .and_then(|text| self.duration(&text))
                .unwrap_or(defaults.expires),
            review_within: raw
                .review_within
                .and_then(|text| self.duration(&text))
                .unwrap_or(defaults.review_within),
        }
    }

    fn id(&mut self, what: &str, id: &Spanned<String>) -> String {
        let text = id.get_ref();
        if text.is_empty() || text.len() > 80 || text.contains(char::is_whitespace) {
            let message = format!("`{text}` cannot be the id of a {what}");
            self.say(id, message, "use a short name without spaces");
        } else if !self.ids.insert(format!("{what} {text}")) {
            let message = format!("two {what}s have the id `{text}`");
            self.say(
                id,
                message,
                "decisions name rules by id, so each needs its own",
            );
        }
        text.clone()
    }

    fn rule(&mut self, raw: Spanned<RawRule>, pack: Option<usize>) -> Option<Rule> {
        let span = raw.span();
        let raw = raw.into_inner();
        let id = self.id("rule", &raw.id);
        let questions = self.questions(&raw.questions, raw.refuse);
        let when = self.conditions(raw.when);
        let unless = raw.unless.map_or_else(Vec::new, |unless| {
            let place = unless.span();
            let conditions = self.conditions(unless.into_inner());
            if conditions.is_empty() {
                let message = "an empty `unless` would switch the rule off";
                self.problems.push(self.source.at(place, message));
            }
            conditions
        });
        let requirements: Vec<Requirement> = raw
            .require
            .into_iter()
            .map(|requirement| self.requirement(requirement))
            .collect();
        let outcome = match (raw.refuse, requirements.is_empty()) {
            (true, true) => Outcome::Refuse,
            (false, false) => Outcome::Require(requirements),
            (refuse, _) => {
                let message = if refuse {
                    format!("rule `{id}` both refuses and asks for sign-offs")
                } else {
                    format!("rule `{id}` asks for nothing")
                };
                let problem = self.source.at(
                    raw.id.span().start..span.end.min(raw.id.span().end),
                    message,
                );
                self.problems.push(
                    problem
                        .hint("give it either `require = [{ signoffs = 1 }]` or `refuse = true`"),
                );
                return None;
            }
        };
        Some(Rule {
            id,
            why: raw.why,
            when,
            unless,
            break_glass: raw.break_glass.unwrap_or(outcome != Outcome::Refuse),
            outcome,
            questions,
            pack,
        })
    }

    fn questions(&mut self, raw: &[Spanned<String>], refuses: bool) -> Vec<String> {
        if let Some(first) = raw.first().filter(|_| refuses) {
            let message = "a rule that refuses has nobody to ask";
            self.say(first, message, "ask in a rule with `require`");
        }
        let before = self.questions;
        self.questions += raw.len();
        if let Some(first) = raw
            .get(MAX_QUESTIONS.saturating_sub(before))
            .filter(|_| before <= MAX_QUESTIONS)
        {
            let message = format!("more than {MAX_QUESTIONS} questions in all");
            self.say(first, message, "keep those whose answer would stop you");
        }
        raw.iter().map(|text| self.line(text)).collect()
    }

    /// Text that people are shown on one line.
    fn line(&mut self, text: &Spanned<String>) -> String {
        let line = text.get_ref();
        let fits = !line.trim().is_empty() && line.chars().take(MAX_LINE + 1).count() <= MAX_LINE;
        if !fits || line.contains(char::is_control) {
            let message = format!("this must be one line of 1 to {MAX_LINE} characters");
            self.say(text, message, "shorten it");
        }
        line.clone()
    }

    fn self_review(&mut self, raw: RawSelfReview, rules: &[Rule]) -> SelfReview {
        if let Some(first) = raw.items.get(MAX_ITEMS) {
            let message = format!("more than {MAX_ITEMS} items");
            self.say(first, message, "a long list is ticked unread");
        }
        let mut places = Vec::new();
        for id in &raw.rules {
            match rules.iter().position(|rule| rule.id == *id.get_ref()) {
                Some(place) => places.push(place),
                None => {
                    let known = rules.iter().map(|rule| rule.id.as_str());
                    let hint = closest(id.get_ref(), known).map_or_else(
                        || "name a rule of this file by its id".to_owned(),
                        |close| format!("did you mean `{close}`?"),
                    );
                    self.say(id, format!("there is no rule `{}`", id.get_ref()), hint);
                }
            }
        }
        SelfReview {
            paths: raw.paths.and_then(|set| self.path_set(set)),
            lines: raw.lines.map(|lines| lines.at_least),
            rules: places,
            items: raw.items.iter().map(|item| self.line(item)).collect(),
        }
    }

    fn conditions(&mut self, raw: RawWhen) -> Vec<Condition> {
        let mut out = Vec::new();
        out.extend(self.list(raw.kind, Condition::Kind));
        out.extend(self.list(raw.involvement, Condition::Involvement));
        out.extend(self.list(raw.roles, Condition::Roles));
        out.extend(raw.suppressed.map(Condition::Suppressed));
        out.extend(raw.author.map(|bound| self.level_bound(bound)));
        out.extend(
            raw.paths
                .and_then(|set| self.path_set(set))
                .map(Condition::Paths),
        );
        out.extend(
            raw.only_paths
                .and_then(|set| self.path_set(set))
                .map(Condition::OnlyPaths),
        );
        if let Some(owners) = self.list(raw.owners, |list| list) {
            let places = owners
                .into_iter()
                .map(|owner| place_of(&mut self.owners, team_name(owner.get_ref())))
                .collect();
            out.push(Condition::Owners(places));
        }
        out.extend(self.bound(raw.tier).map(Condition::Tier));
        out.extend(self.list(raw.environment, Condition::Environment));
        out.extend(self.list(raw.effects, Condition::Effects));
        out.extend(self.bound(raw.services).map(Condition::Services));
        out.extend(self.bound(raw.functions).map(Condition::Functions));
        out.extend(self.bound(raw.customers).map(Condition::Customers));
        out.extend(raw.irreversible.map(Condition::Irreversible));
        out.extend(self.list(raw.usage, Condition::Usage));
        out.extend(self.bound(raw.lines).map(Condition::Lines));
        out.extend(self.bound(raw.files).map(Condition::Files));
        if let Some(names) = self.list(raw.during, |list| list) {
            let places = names
                .iter()
                .filter_map(|name| self.window_named(name))
                .collect();
            out.push(Condition::During(places));
        }
        out
    }

    fn list<T, R>(
        &mut self,
        raw: Option<Spanned<Vec<T>>>,
        make: impl FnOnce(Vec<T>) -> R,
    ) -> Option<R> {
        let raw = raw?;
        if raw.get_ref().is_empty() || raw.get_ref().len() > MAX_ENTRIES {
            let message = format!("this list must have 1 to {MAX_ENTRIES} entries");
            self.say(&raw, message, "leave the field out to cover everything");
            return None;
        }
        Some(make(raw.into_inner()))
    }

    fn bound(&mut self, raw: Option<Spanned<RawBound>>) -> Option<Bound> {
        let raw = raw?;
        let bound = Bound {
            at_least: raw.get_ref().at_least,
            at_most: raw.get_ref().at_most,
        };
        match bound {
            Bound {
                at_least: None,
                at_most: None,
            } => {
                self.say(
                    &raw,
                    "this range has no end",
                    "write `at_least` or `at_most`",
                );
            }
            Bound {
                at_least: Some(least),
                at_most: Some(most),
            } if least > most => {
                self.say(
                    &raw,
                    "this range is empty",
                    "`at_least` must not be more than `at_most`",
                );
            }
            _ => {}
        }
        Some(bound)
    }

    fn level_bound(&mut self, raw: Spanned<RawLevelBound>) -> Condition {
        if raw.get_ref().below.is_none() && raw.get_ref().at_least.is_none() {
            self.say(
                &raw,
                "this range of levels has no end",
                "write `below` or `at_least`",
            );
        }
        let raw = raw.into_inner();
        Condition::Author(LevelBound {
            below: raw.below.map(|name| self.level(&name)),
            at_least: raw.at_least.map(|name| self.level(&name)),
        })
    }

    fn level(&mut self, name: &Spanned<String>) -> Level {
        if let Some(level) = self.levels.get(name.get_ref()) {
            return level;
        }
        let known: Vec<&str> = self.levels.names().collect();
        let hint = closest(name.get_ref(), known.iter().copied()).map_or_else(
            || format!("people.toml names {}", known.join(", ")),
            |close| format!("did you mean `{close}`?"),
        );
        self.say(name, format!("`{}` is not a level", name.get_ref()), hint);
        Level(u8::MAX)
    }

    fn path_set(&mut self, raw: Spanned<Vec<Spanned<String>>>) -> Option<usize> {
        let globs = self.list(Some(raw), |list| list)?;
        let mut parsed = Vec::new();
        for glob in &globs {
            match GlobBuilder::new(glob.get_ref())
                .literal_separator(true)
                .build()
            {
                Ok(glob) => parsed.push(glob),
                Err(error) => self.say(
                    glob,
                    format!(
                        "`{}` is not a path pattern: {}",
                        glob.get_ref(),
                        error.kind()
                    ),
                    "write a glob such as `infra/**` or `**/*.tf`",
                ),
            }
        }
        let globs: Vec<String> = globs.into_iter().map(Spanned::into_inner).collect();
        let known = self.paths.iter().position(|set| set.globs == globs);
        Some(known.unwrap_or_else(|| {
            self.paths.push(PathSet {
                globs,
                parsed,
                set: std::sync::OnceLock::new(),
            });
            self.paths.len() - 1
        }))
    }

    fn requirement(&mut self, raw: Spanned<RawRequirement>) -> Requirement {
        if raw.get_ref().signoffs > 20 {
            self.say(
                &raw,
                "more than 20 sign-offs",
                "name a level or a team instead",
            );
        }
        if raw.get_ref().signoffs == 0 && raw.get_ref().cooling.is_none() {
            self.say(
                &raw,
                "this asks for nothing",
                "write `signoffs = 1` or a `cooling` time",
            );
        }
        let raw = raw.into_inner();
        let level = match &raw.level {
            None => MinLevel::Level(self.levels.lowest()),
            Some(name) if name.get_ref() == "highest" => MinLevel::Highest,
            Some(name) => MinLevel::Level(self.level(name)),
        };
        Requirement {
            signoffs: raw.signoffs,
            level,
            above_author: raw.above_author,
            team: raw.team.map(|team| match team.as_str() {
                "owners" => Team::Owners,
                name => Team::Named(team_name(name).to_owned()),
            }),
            independent: raw.independent,
            distinct: raw.distinct,
            exact: raw.exact,
            cooling: raw.cooling.and_then(|text| self.duration(&text)),
        }
    }

    fn duration(&mut self, text: &Spanned<String>) -> Option<jiff::SignedDuration> {
        moment::parse_duration(text.get_ref())
            .map_err(|message| self.say(text, message, moment::DURATION_HINT))
            .ok()
    }

    fn time(&mut self, text: &Spanned<String>) -> Option<jiff::Timestamp> {
        moment::parse_in(text.get_ref(), &self.zone)
            .map_err(|message| self.say(text, message, moment::HINT))
            .ok()
    }

    fn between(
        &mut self,
        from: &Spanned<String>,
        until: &Spanned<String>,
    ) -> Option<(jiff::Timestamp, jiff::Timestamp)> {
        let (start, end) = (self.time(from)?, self.time(until)?);
        if end <= start {
            self.say(until, "`until` must be after `from`", moment::HINT);
            return None;
        }
        Some((start, end))
    }

    fn window(&mut self, raw: RawWindow) {
        let id = self.id("window", &raw.id);
        let span = match raw.days {
            None => self
                .between(&raw.from, &raw.until)
                .map(|(from, until)| Span::Absolute { from, until }),
            Some(days) => self.weekly(&days, &raw.from, &raw.until),
        };
        if let Some(span) = span {
            self.windows.push(Window { id, span });
        }
    }

    fn weekly(
        &mut self,
        days: &[Spanned<String>],
        from: &Spanned<String>,
        until: &Spanned<String>,
    ) -> Option<Span> {
        let mut clock = |text: &Spanned<String>| {
            text.get_ref().parse::<Time>().map_err(|_| {
                let message = format!("`{}` is not a time of day", text.get_ref());
                self.say(text, message, "write a time such as `18:00`");
            })
        };
        let (from, until) = (clock(from), clock(until));
        let days: Vec<Weekday> = days.iter().filter_map(|day| self.weekday(day)).collect();
        Some(Span::Weekly {
            days,
            from: from.ok()?,
            until: until.ok()?,
            zone: self.zone.clone(),
        })
    }

    fn weekday(&mut self, name: &Spanned<String>) -> Option<Weekday> {
        let day = match name.get_ref().as_str() {
            "mon" => Weekday::Monday,
            "tue" => Weekday::Tuesday,
            "wed" => Weekday::Wednesday,
            "thu" => Weekday::Thursday,
            "fri" => Weekday::Friday,
            "sat" => Weekday::Saturday,
            "sun" => Weekday::Sunday,
            other => {
                let message = format!("`{other}` is not a day");
                self.say(name, message, "write mon, tue, wed, thu, fri, sat or sun");
                return None;
            }
        };
        Some(day)
    }

    fn window_named(&mut self, name: &Spanned<String>) -> Option<usize> {
        let found = self.windows.iter().position(|w| w.id == *name.get_ref());
        if found.is_none() {
            let ids = self.windows.iter().map(|window| window.id.as_str());
            let hint = closest(name.get_ref(), ids).map_or_else(
                || "add a `[[window]]` with this id".to_owned(),
                |close| format!("did you mean `{close}`?"),
            );
            self.say(
                name,
                format!("there is no window `{}`", name.get_ref()),
                hint,
            );
        }
        found
    }

    fn pack(&mut self, raw: RawPack, packs: &mut Vec<Pack>, rules: &mut Vec<Rule>) {
        let id = self.id("pack", &raw.id);
        let Some((from, until)) = self.between(&raw.from, &raw.until) else {
            return;
        };
        let window = self.windows.len();
        self.windows.push(Window {
            id: format!("pack {id}"),
            span: Span::Absolute { from, until },
        });
        for rule in raw.rule {
            rules.extend(self.rule(rule, Some(window)));
        }
        packs.push(Pack {
            id,
            owner: raw.owner,
            from,
            until,
            exit: raw.exit,
        });
    }
}

/// The place of a text in a list, appended when it is new.
fn place_of(list: &mut Vec<String>, text: &str) -> usize {
    list.iter()
        .position(|known| known == text)
        .unwrap_or_else(|| {
            list.push(text.to_owned());
            list.len() - 1
        })
}

#[cfg(test)]
#[path = "file_tests.rs"]
mod tests;
