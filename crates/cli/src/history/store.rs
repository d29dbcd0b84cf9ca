//! History from the store: what was recorded, summed where the database can sum.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use countersign_core::catalog::Catalog;
use countersign_core::involvement::Verdict as Involvement;
use countersign_operations::change::{Change, ChangeRef};
use countersign_operations::deployment::Deployment;
use countersign_operations::incident::Severity;
use countersign_operations::initiative::Initiative;
use countersign_operations::link::LinkTo;
use countersign_operations::pack::PackActivation;
use countersign_operations::sample;
use countersign_operations::trend::{Event, Incident, Link, Name, Names, SizeBucket, Stratum};
use countersign_operations::usage::UsageEntry;
use countersign_operations::week::Week;
use countersign_store::projection::monday;
use countersign_store::{Address, Exposure, Range, Store, Weeks};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{Gathered, InputFile, day_of};
use crate::error::CliResult;
use crate::review_inputs::is_sample;
use crate::{links, register};

/// A week of a service that is offered around the clock.
const HOURS: f64 = 7.0 * 24.0;
/// Rows read at once.
const PAGE: u32 = 5_000;

/// Reads all of it. With a catalogue, its services are taken to be offered
/// around the clock from the week of their first recorded change on.
pub(crate) async fn read_store(
    store: &Store,
    address: &Address,
    catalog: Option<&Catalog>,
) -> CliResult<Gathered> {
    let mut gathered = Gathered::default();
    if is_sample(store).await? {
        gathered.warnings.push(sample::LABEL.to_owned());
    }
    let weeks = store.weeks().await?;
    let mut shipped = 0;
    if let Some(weeks) = weeks {
        for row in store.exposure(weeks).await? {
            shipped += row.changes;
            let stratum = of_exposure(&row, &mut gathered.exposure.names);
            let week = Week::of_date(monday(row.week));
            gathered.exposure.ship(week, stratum, row.changes);
        }
        span(store, weeks, &mut gathered).await?;
        if let Some(catalog) = catalog {
            hours(store, weeks, catalog, &mut gathered).await?;
        }
    }
    let found = incidents(store, &mut gathered).await?;
    events(store, &mut gathered).await?;
    let head = store.head().await?;
    let input = |holds, rows| InputFile {
        holds,
        file: format!("{address}, ledger up to entry {}", head.seq),
        rows,
        sha256: head.hash.to_string(),
    };
    gathered.inputs = vec![input("incidents", found), input("changes", shipped)];
    Ok(gathered)
}

fn involvement(text: &str) -> Involvement {
    match text {
        "yes" => Involvement::Yes,
        "no" => Involvement::No,
        _ => Involvement::Unknown,
    }
}

fn services<'a>(services: impl IntoIterator<Item = &'a String>, names: &mut Names) -> Name {
    names.together(services.into_iter().map(String::as_str))
}

fn tier(tier: Option<u8>, names: &mut Names) -> Name {
    names.name(&tier.map_or_else(String::new, |tier| tier.to_string()))
}

fn of_exposure(row: &Exposure, names: &mut Names) -> Stratum {
    Stratum {
        service: services(&row.services, names),
        tier: tier(row.tier, names),
        team: names.name(&row.team),
        author_level: names.name(&row.author_level),
        size: match row.size {
            0 => SizeBucket::Small,
            1 => SizeBucket::Medium,
            2 => SizeBucket::Large,
            _ => SizeBucket::Huge,
        },
        involvement: involvement(&row.involvement),
    }
}

/// The stratum in which [`of_exposure`] counted this change.
fn of_change(change: &Change, names: &mut Names) -> Stratum {
    Stratum {
        service: services(&change.services, names),
        tier: tier(change.tier, names),
        team: names.name(change.team.as_deref().unwrap_or_default()),
        author_level: names.name(change.author_level.as_deref().unwrap_or_default()),
        size: SizeBucket::of(Some(change.lines)),
        involvement: change.involvement,
    }
}

/// The first and the last day on which something shipped: the weeks that they
/// cut short are left out.
async fn span(store: &Store, weeks: Weeks, gathered: &mut Gathered) -> CliResult<()> {
    let day = |at: i64| Timestamp::from_microsecond(at).map(day_of).ok();
    let first = store.page("change", Range::ALL, None, 1).await?;
    let first = first.items.first().and_then(|it| day(it.record.at()));
    let midnight = TimeZone::UTC.to_timestamp(monday(weeks.until).at(0, 0, 0, 0));
    let range = Range {
        from: midnight.map_or(i64::MIN, Timestamp::as_microsecond),
        until: i64::MAX,
    };
    let (mut last, mut after) = (None, None);
    loop {
        let page = store.page("change", range, after.as_ref(), PAGE).await?;
        last = page.items.last().map(|it| it.record.at()).or(last);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    for seen in first.into_iter().chain(last.and_then(day)) {
        gathered.seen(seen);
    }
    Ok(())
}

/// Hours of the catalogue's services. A service that is gone from the catalogue
/// has none: nobody recorded when it went.
async fn hours(
    store: &Store,
    weeks: Weeks,
    catalog: &Catalog,
    gathered: &mut Gathered,
) -> CliResult<()> {
    let mut begun: BTreeMap<String, i64> = BTreeMap::new();
    for row in store.service_exposure(weeks).await? {
        let first = begun.entry(row.service).or_insert(row.week);
        *first = (*first).min(row.week);
    }
    let mut counted = 0u64;
    for service in catalog.services() {
        let Some(&first) = begun.get(&service.id) else {
            continue;
        };
        counted += 1;
        let name = gathered.exposure.names.name(&service.id);
        for week in first..=weeks.until {
            let week = Week::of_date(monday(week));
            gathered.exposure.serve(week, name, HOURS);
        }
    }
    if counted > 0 {
        gathered.warnings.push(format!(
            "service-hours are those of {counted} services in the catalogue, taken as offered around the clock from the week of their first recorded change"
        ));
    }
    Ok(())
}

async fn incidents(store: &Store, gathered: &mut Gathered) -> CliResult<u64> {
    let traced = links::traced(store).await?;
    let mut changes = Changes::default();
    for it in &traced {
        let links = changes.links(store, &it.causes, gathered).await?;
        let it = &it.incident;
        gathered.seen(day_of(it.started));
        let names = &mut gathered.exposure.names;
        gathered.incidents.push(Incident {
            id: it.id.clone(),
            severity: it.severity.map_or(0, number),
            at: it.started,
            services: it.services.iter().map(|id| names.name(id)).collect(),
            links,
            ai: it.ai.verdict(),
        });
    }
    if let Some(first) = changes.unknown.first() {
        let more = match changes.unknown.len() {
            1 => String::new(),
            n => format!(" and {} more", n - 1),
        };
        gathered.warnings.push(format!(
            "incidents are linked to what is not recorded: {first}{more}"
        ));
    }
    Ok(traced.len() as u64)
}

fn number(severity: Severity) -> u8 {
    let before = Severity::ALL.iter().take_while(|it| **it != severity);
    u8::try_from(1 + before.count()).unwrap_or_default()
}

/// Changes that links name, each read once.
#[derive(Default)]
struct Changes {
    known: HashMap<ChangeRef, Option<(Stratum, Week)>>,
    unknown: BTreeSet<String>,
}

impl Changes {
    /// The changes that one incident may have come from.
    async fn links(
        &mut self,
        store: &Store,
        causes: &[(LinkTo, f64)],
        gathered: &mut Gathered,
    ) -> CliResult<Vec<Link>> {
        let mut links = Vec::new();
        for (to, confidence) in causes {
            let changes = self.changes_of(store, to).await?;
            let each = confidence / changes.len().max(1) as f64;
            for change in changes {
                if let Some((stratum, week)) = self.change(store, &change, gathered).await? {
                    links.push(Link {
                        stratum,
                        week,
                        confidence: each,
                    });
                }
            }
        }
        Ok(links)
    }

    /// The changes that a link leads to: those of a deployment share what is
    /// said of it.
    async fn changes_of(&mut self, store: &Store, to: &LinkTo) -> CliResult<Vec<ChangeRef>> {
        match to {
            LinkTo::Change(change) => Ok(vec![change.clone()]),
            LinkTo::NoChange => Ok(Vec::new()),
            LinkTo::Deployment(id) => {
                let found = register::latest::<Deployment>(store, id).await?;
                let changes = found.map(|(it, _)| it.changes).unwrap_or_default();
                if changes.is_empty() {
                    self.unknown.insert(format!("the changes of {to}"));
                }
                Ok(changes.into_iter().collect())
            }
        }
    }

    async fn change(
        &mut self,
        store: &Store,
        change: &ChangeRef,
        gathered: &mut Gathered,
    ) -> CliResult<Option<(Stratum, Week)>> {
        if let Some(known) = self.known.get(change) {
            return Ok(*known);
        }
        let found = register::latest::<Change>(store, &change.to_string()).await?;
        let found = found.map(|(it, _)| {
            let stratum = of_change(&it, &mut gathered.exposure.names);
            (stratum, Week::of(it.shipped_at, &TimeZone::UTC))
        });
        if found.is_none() {
            self.unknown.insert(change.to_string());
        }
        self.known.insert(change.clone(), found);
        Ok(found)
    }
}

/// Initiatives, packs and decisions on the use of AI: what people did that may
/// have changed the rate.
async fn events(store: &Store, gathered: &mut Gathered) -> CliResult<()> {
    let mut found: Vec<(String, Timestamp, Vec<String>)> = Vec::new();
    for it in register::all::<Initiative>(store, Range::ALL).await? {
        found.push((it.title, it.start, it.scope.services.into_iter().collect()));
    }
    for it in register::all::<PackActivation>(store, Range::ALL).await? {
        if it.initiative.is_none() {
            found.push((it.pack, it.from, it.services.into_keys().collect()));
        }
    }
    let mut tools: BTreeMap<String, Timestamp> = BTreeMap::new();
    for it in register::all::<UsageEntry>(store, Range::ALL).await? {
        if it.owner.is_none() {
            continue;
        }
        let from = tools.entry(it.pattern.tool).or_insert(it.from);
        *from = (*from).min(it.from);
    }
    found.extend(tools.into_iter().map(|(tool, from)| {
        let name = format!("{tool} registered");
        (name, from, Vec::new())
    }));
    found.sort_by(|a, b| (a.1, &a.0).cmp(&(b.1, &b.0)));
    for (name, at, services) in found {
        let names = &mut gathered.exposure.names;
        gathered.events.push(Event {
            name,
            week: Week::of(at, &TimeZone::UTC),
            affects: services.iter().map(|id| names.name(id)).collect(),
        });
    }
    Ok(())
}
