//! What is known: changes shipped and service-hours by week and stratum,
//! incidents with their links, and events that people want to know about.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;

pub(super) use countersign_core::involvement::Verdict as Involvement;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

use super::Options;
use crate::week::Week;

/// What stands where nothing was recorded.
const UNKNOWN: &str = "unknown";

/// How large a change is, by lines added and deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SizeBucket {
    /// Up to 50 lines.
    Small,
    /// Up to 250 lines.
    Medium,
    /// Up to 1,000 lines.
    Large,
    /// More.
    Huge,
    /// Not recorded.
    Unknown,
}

impl SizeBucket {
    /// The bucket of a change of so many lines.
    #[must_use]
    pub const fn of(lines: Option<u64>) -> Self {
        match lines {
            None => Self::Unknown,
            Some(0..=50) => Self::Small,
            Some(51..=250) => Self::Medium,
            Some(251..=1_000) => Self::Large,
            Some(_) => Self::Huge,
        }
    }
}

/// Texts given numbers, so that a million changes need not hold a million names.
#[derive(Debug, Clone, Default)]
pub struct Names {
    list: Vec<String>,
    numbers: HashMap<String, u32>,
    /// The single texts behind a name that stands for several.
    parts: HashMap<Name, Vec<Name>>,
}

/// Where each name went when they were sorted.
struct Places(Vec<Name>);

impl Places {
    fn of(&self, name: Name) -> Name {
        self.0.get(name.0 as usize).copied().unwrap_or(name)
    }

    fn all(&self, names: &mut [Name]) {
        for name in names {
            *name = self.of(*name);
        }
    }
}

/// A text in [`Names`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(u32);

impl Names {
    /// The number of a text; nothing but blanks counts as `unknown`.
    pub fn name(&mut self, text: &str) -> Name {
        let text = match text.trim() {
            "" => UNKNOWN,
            text => text,
        };
        if let Some(&number) = self.numbers.get(text) {
            return Name(number);
        }
        let number = u32::try_from(self.list.len()).unwrap_or(u32::MAX);
        self.list.push(text.to_owned());
        self.numbers.insert(text.to_owned(), number);
        Name(number)
    }

    /// One name for several texts, as of a change of more than one service. It
    /// is no text of its own: `covers` says which it stands for.
    pub fn together<'a>(&mut self, texts: impl IntoIterator<Item = &'a str>) -> Name {
        let texts: BTreeSet<&str> = texts.into_iter().collect();
        let joined = texts.iter().copied().collect::<Vec<_>>().join(" + ");
        let name = self.name(&joined);
        if texts.len() > 1 && !self.parts.contains_key(&name) {
            let parts = texts.into_iter().map(|text| self.name(text)).collect();
            self.parts.insert(name, parts);
        }
        name
    }

    /// Puts the texts in order, so that the same history told in another order
    /// gives the same answer to the last digit. Says where each name went.
    fn sort(&mut self) -> Places {
        let mut order: Vec<u32> = (0..).take(self.list.len()).collect();
        order.sort_by_key(|at| self.list.get(*at as usize));
        let mut places = Places(vec![Name(0); order.len()]);
        for (to, from) in (0..).zip(&order) {
            if let Some(place) = places.0.get_mut(*from as usize) {
                *place = Name(to);
            }
        }
        self.list.sort();
        for number in self.numbers.values_mut() {
            *number = places.of(Name(*number)).0;
        }
        let parts = std::mem::take(&mut self.parts).into_iter();
        let moved = |(name, mut parts): (Name, Vec<Name>)| {
            places.all(&mut parts);
            (places.of(name), parts)
        };
        self.parts = parts.map(moved).collect();
        places
    }

    /// The texts that a name stands for: itself, or several.
    pub(super) fn parts<'a>(&'a self, name: &'a Name) -> &'a [Name] {
        match self.parts.get(name) {
            Some(parts) => parts,
            None => std::slice::from_ref(name),
        }
    }

    /// Whether a name is another, or one of those that it stands for.
    pub(super) fn covers(&self, name: Name, one: Name) -> bool {
        name == one || self.parts(&name).contains(&one)
    }

    /// The text behind a number.
    #[must_use]
    pub fn text(&self, name: Name) -> &str {
        self.list
            .get(name.0 as usize)
            .map_or(UNKNOWN, String::as_str)
    }
}

/// What a change is, as far as its risk goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stratum {
    /// The service it changes; [`Names::together`] where there are several.
    pub service: Name,
    /// How much the organisation depends on that service.
    pub tier: Name,
    /// Who owns it.
    pub team: Name,
    /// The level of its author.
    pub author_level: Name,
    /// Its size.
    pub size: SizeBucket,
    /// Whether AI took part. Not declared is [`Involvement::Unknown`].
    pub involvement: Involvement,
}

impl Stratum {
    fn renamed(self, places: &Places) -> Self {
        Self {
            service: places.of(self.service),
            tier: places.of(self.tier),
            team: places.of(self.team),
            author_level: places.of(self.author_level),
            ..self
        }
    }
}

/// Exposure as it is read, change by change or already summed.
#[derive(Debug, Clone, Default)]
pub struct Exposure {
    /// The texts in strata.
    pub names: Names,
    changes: HashMap<(Week, Stratum), u64>,
    hours: HashMap<(Week, Name), f64>,
}

impl Exposure {
    /// Adds changes shipped.
    pub fn ship(&mut self, week: Week, stratum: Stratum, changes: u64) {
        let cell = self.changes.entry((week, stratum)).or_default();
        *cell = cell.saturating_add(changes);
    }

    /// The services of which changes or hours are known.
    #[must_use]
    pub fn services(&self) -> BTreeSet<Name> {
        let of_changes = self.changes.keys().map(|(_, stratum)| &stratum.service);
        let of_hours = self.hours.keys().map(|(_, service)| service);
        let names: BTreeSet<&Name> = of_changes.chain(of_hours).collect();
        let parts = names.into_iter().flat_map(|name| self.names.parts(name));
        parts.copied().collect()
    }

    /// Adds hours that a service was offered; anything but a finite number
    /// above 0 adds nothing.
    pub fn serve(&mut self, week: Week, service: Name, hours: f64) {
        if hours.is_finite() && hours > 0.0 {
            *self.hours.entry((week, service)).or_default() += hours;
        }
    }
}

/// A change that may have caused an incident.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Link {
    /// What the change was.
    pub stratum: Stratum,
    /// The week it shipped in.
    pub week: Week,
    /// How sure one is, from 0 to 1.
    pub confidence: f64,
}

/// Something went wrong.
#[derive(Debug, Clone, PartialEq)]
pub struct Incident {
    /// Its name in the register.
    pub id: String,
    /// 1 is gravest; 5 lightest. Anything else counts as not recorded.
    pub severity: u8,
    /// When it began.
    pub at: Timestamp,
    /// The services affected. This says nothing of the cause.
    pub services: Vec<Name>,
    /// Changes that may have caused it.
    pub links: Vec<Link>,
    /// Whether AI is recorded to have had a part in its cause.
    pub ai: Involvement,
}

impl Incident {
    /// The ISO week of its beginning, in UTC.
    #[must_use]
    pub fn week(&self) -> Week {
        Week::of(self.at, &TimeZone::UTC)
    }

    fn renamed(&mut self, places: &Places) {
        places.all(&mut self.services);
        for link in &mut self.links {
            link.stratum = link.stratum.renamed(places);
        }
    }

    /// The likeliest change, where one is likely enough.
    pub(super) fn cause(&self, threshold: f64) -> Option<&Link> {
        self.links
            .iter()
            .filter(|link| link.confidence >= threshold)
            .max_by(|a, b| a.confidence.total_cmp(&b.confidence))
    }
}

/// Something that may have changed the rate: a policy, a tool, job cuts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// What people call it.
    pub name: String,
    /// Its first week.
    pub week: Week,
    /// The services it could have changed; the others then serve as comparison.
    /// None means all, and no comparison.
    pub affects: Vec<Name>,
}

/// One cell of exposure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cell {
    pub(super) week: Week,
    pub(super) stratum: Stratum,
    pub(super) changes: u64,
}

/// All of it, over a window of whole weeks.
#[derive(Debug, Clone)]
pub struct History {
    pub(super) from: Week,
    pub(super) until: Week,
    pub(super) names: Names,
    pub(super) cells: Vec<Cell>,
    pub(super) hours: Vec<(Week, Name, f64)>,
    pub(super) incidents: Vec<Incident>,
    pub(super) events: Vec<Event>,
}

/// Why a question cannot be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputError(String);

impl InputError {
    pub(super) const fn new(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Display for InputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for InputError {}

/// Longest window.
const MAX_WEEKS: i32 = 52 * 60;

impl History {
    /// Puts exposure, incidents and events together. Without a window it runs
    /// from the first week with anything in it to the last.
    ///
    /// # Errors
    /// [`InputError`] for a window that ends before it starts or is longer than
    /// 60 years, and when there is neither a window nor anything recorded.
    pub fn new(
        mut exposure: Exposure,
        mut incidents: Vec<Incident>,
        mut events: Vec<Event>,
        window: (Option<Week>, Option<Week>),
    ) -> Result<Self, InputError> {
        let places = exposure.names.sort();
        incidents.iter_mut().for_each(|it| it.renamed(&places));
        for event in &mut events {
            places.all(&mut event.affects);
        }
        let weeks = || {
            let shipped = exposure.changes.keys().map(|(week, _)| *week);
            let served = exposure.hours.keys().map(|(week, _)| *week);
            shipped
                .chain(served)
                .chain(incidents.iter().map(Incident::week))
        };
        let from = window.0.or_else(|| weeks().min());
        let until = window.1.or_else(|| weeks().max());
        let (Some(from), Some(until)) = (from, until) else {
            return Err(InputError(
                "nothing is recorded: no incident and no change".to_owned(),
            ));
        };
        if until < from {
            return Err(InputError(format!(
                "the window ends ({until}) before it starts ({from})"
            )));
        }
        if until.since(from) >= MAX_WEEKS {
            return Err(InputError(format!(
                "the window from {from} to {until} is longer than 60 years"
            )));
        }
        let inside = |week: Week| from <= week && week <= until;
        let mut cells: Vec<Cell> = exposure
            .changes
            .into_iter()
            .filter(|((week, _), changes)| inside(*week) && *changes > 0)
            .map(|((week, stratum), changes)| Cell {
                week,
                stratum: stratum.renamed(&places),
                changes,
            })
            .collect();
        cells.sort_unstable_by_key(|cell| (cell.week, cell.stratum));
        let mut hours: Vec<(Week, Name, f64)> = exposure
            .hours
            .into_iter()
            .filter(|((week, _), _)| inside(*week))
            .map(|((week, service), hours)| (week, places.of(service), hours))
            .collect();
        hours.sort_unstable_by_key(|(week, service, _)| (*week, *service));
        incidents.retain(|incident| inside(incident.week()));
        incidents.sort_by(|a, b| a.at.cmp(&b.at).then_with(|| a.id.cmp(&b.id)));
        Ok(Self {
            from,
            until,
            names: exposure.names,
            cells,
            hours,
            incidents,
            events,
        })
    }

    /// The text behind a name.
    #[must_use]
    pub fn text(&self, name: Name) -> &str {
        self.names.text(name)
    }

    /// The events asked about.
    #[must_use]
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// Number of weeks in the window.
    pub(super) fn weeks(&self) -> usize {
        usize::try_from(self.until.since(self.from) + 1).unwrap_or(0)
    }

    /// Position of a week in the window.
    pub(super) fn position(&self, week: Week) -> Option<usize> {
        let inside = self.from <= week && week <= self.until;
        inside
            .then(|| usize::try_from(week.since(self.from)).ok())
            .flatten()
    }

    /// How much there is to look at.
    #[must_use]
    pub fn totals(&self, options: &Options) -> Totals {
        let mut changes = Shipped::default();
        for cell in &self.cells {
            *changes.of(cell.stratum.involvement) += cell.changes;
        }
        let cause = |incident: &&Incident| incident.cause(options.link_threshold).is_some();
        let linked = self.incidents.iter().filter(cause).count() as u64;
        let mut severities = BTreeMap::new();
        for incident in &self.incidents {
            *severities.entry(incident.severity).or_default() += 1;
        }
        let flagged = |incident: &&Incident| incident.ai != Involvement::Unknown;
        Totals {
            incidents: self.incidents.len() as u64,
            severities,
            linked,
            with_ai_role: self.incidents.iter().filter(flagged).count() as u64,
            weak_links: self
                .incidents
                .iter()
                .filter_map(|incident| incident.cause(options.link_threshold))
                .filter(|link| link.confidence < 0.8)
                .count() as u64,
            naming_ai_as_affected: self.affected_ai().len() as u64,
            changes,
            service_hours: self.hours.iter().map(|(_, _, hours)| hours).sum(),
        }
    }

    /// Incidents whose affected service is itself an AI product, with the names.
    pub(super) fn affected_ai(&self) -> Vec<&str> {
        self.incidents
            .iter()
            .filter_map(|incident| {
                let names = incident.services.iter().map(|name| self.names.text(*name));
                names.into_iter().find(|name| is_ai_product(name))
            })
            .collect()
    }
}

/// Whether a service's name says that it is an AI product.
fn is_ai_product(name: &str) -> bool {
    const WORDS: [&str; 12] = [
        "ai",
        "agent",
        "agents",
        "assistant",
        "chatgpt",
        "claude",
        "codex",
        "copilot",
        "cursor",
        "gemini",
        "genai",
        "llm",
    ];
    name.split(|c: char| !c.is_alphanumeric())
        .any(|word| WORDS.contains(&word.to_lowercase().as_str()))
}

/// Changes shipped, by declared involvement of AI.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Shipped {
    /// AI took part.
    pub yes: u64,
    /// It is known that it did not.
    pub no: u64,
    /// Not declared, which is not "no".
    pub unknown: u64,
}

impl Shipped {
    fn of(&mut self, involvement: Involvement) -> &mut u64 {
        match involvement {
            Involvement::Yes => &mut self.yes,
            Involvement::No => &mut self.no,
            Involvement::Unknown => &mut self.unknown,
        }
    }

    /// All of them.
    #[must_use]
    pub const fn all(self) -> u64 {
        self.yes
            .saturating_add(self.no)
            .saturating_add(self.unknown)
    }
}

/// How much there was to look at.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Totals {
    /// Incidents in the window.
    pub incidents: u64,
    /// The same by severity.
    pub severities: BTreeMap<u8, u64>,
    /// Those with a change likely enough to be their cause.
    pub linked: u64,
    /// Those among the linked whose link has a confidence below 0.8.
    pub weak_links: u64,
    /// Those for which someone recorded whether AI had a part.
    pub with_ai_role: u64,
    /// Those that affected a service which is itself an AI product.
    pub naming_ai_as_affected: u64,
    /// Changes shipped.
    pub changes: Shipped,
    /// Hours that services were offered.
    pub service_hours: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_affected_product_is_recognised_by_word() {
        for name in ["Copilot", "Copilot AI Model Providers", "claude-gateway"] {
            assert!(is_ai_product(name), "{name}");
        }
        for name in ["Mail", "Airport", "email-agentless", "Maintenance"] {
            assert!(!is_ai_product(name), "{name}");
        }
    }

    #[test]
    fn a_change_of_two_services_is_one_of_each() {
        let mut names = Names::default();
        let cart = names.name("cart");
        let both = names.together(["shop", "cart", "shop"]);
        let shop = names.name("shop");
        assert_eq!(both, names.together(["cart", "shop"]));
        assert!(names.covers(both, cart) && names.covers(both, shop));
        assert!(!names.covers(cart, both) && !names.covers(cart, shop));
        assert_eq!(names.together(["cart"]), cart);
        assert_eq!(names.text(names.clone().together([])), "unknown");
    }

    #[test]
    fn a_window_must_hold_a_week() {
        let none = History::new(Exposure::default(), Vec::new(), Vec::new(), (None, None));
        assert_eq!(
            none.unwrap_err().to_string(),
            "nothing is recorded: no incident and no change"
        );
        let week: Week = "2026-W11".parse().unwrap();
        let backwards = History::new(
            Exposure::default(),
            Vec::new(),
            Vec::new(),
            (Some(week), Some(week.plus(-1))),
        );
        assert_eq!(
            backwards.unwrap_err().to_string(),
            "the window ends (2026-W10) before it starts (2026-W11)"
        );
        let one = History::new(
            Exposure::default(),
            Vec::new(),
            Vec::new(),
            (Some(week), Some(week)),
        );
        assert_eq!(one.unwrap().weeks(), 1);
    }
}
