//! Drafts from several sources into one catalogue, names resolved.

use std::collections::{BTreeMap, HashMap};

use super::draft::{Draft, Function, Group, Need, Needer, Region, Service};
use super::pattern::Matcher;
use super::share::Share;
use super::{Catalog, Dangling, DanglingEnd, Edge, Members, Node, Unit};
use crate::problem::{Problem, Source};

/// The tier of whatever does not say, when the catalogue does not either.
const DEFAULT_TIER: u8 = 3;

/// Several files together, for problems that none of them has alone.
pub(super) const CATALOGUE: Source<'_> = Source {
    file: "catalogue",
    text: "",
};

/// Most services in a catalogue.
const MAX_SERVICES: usize = 1_000_000;
/// Most customer functions, units and members of redundancy groups: every
/// component of the graph keeps a bit for each of them.
const MAX_MARKS: usize = 8_192;

/// Who is who: ids first, then aliases, then both without regard to case.
#[derive(Debug, Clone, Default)]
pub(super) struct Names {
    exact: HashMap<String, Node>,
    folded: HashMap<String, Node>,
}

impl Names {
    pub(super) fn resolve(&self, name: &str) -> Option<Node> {
        self.exact
            .get(name)
            .or_else(|| self.folded.get(&name.to_lowercase()))
            .copied()
    }

    fn add(&mut self, name: &str, node: Node) {
        self.exact.entry(name.to_owned()).or_insert(node);
        self.folded.entry(name.to_lowercase()).or_insert(node);
    }
}

/// Merges drafts; for every field the first draft that says something wins,
/// lists are joined, and of two needs the more trusted source wins.
pub(super) fn assemble(drafts: Vec<Draft>) -> Result<Catalog, Vec<Problem>> {
    let mut merged = Merged::default();
    for draft in drafts {
        merged.take(draft);
    }
    merged.finish()
}

#[derive(Default)]
struct Merged {
    services: Vec<Service>,
    /// Ids and aliases, folded, of what `services` holds.
    known: HashMap<String, usize>,
    functions: BTreeMap<String, Function>,
    regions: Vec<Region>,
    groups: BTreeMap<String, Group>,
    needs: Vec<Need>,
    not_shipped: Vec<super::Pattern>,
    default_tier: Option<u8>,
}

impl Merged {
    fn take(&mut self, draft: Draft) {
        for service in draft.services {
            self.service(service);
        }
        for function in draft.functions {
            let id = function.id.clone();
            self.functions.entry(id).or_insert(function);
        }
        for region in draft.regions {
            if self.regions.iter().all(|known| known.id != region.id) {
                self.regions.push(region);
            }
        }
        for group in draft.groups {
            let id = group.id.clone();
            self.groups.entry(id).or_insert(group);
        }
        self.needs.extend(draft.needs);
        self.not_shipped.extend(draft.not_shipped);
        self.default_tier = self.default_tier.or(draft.default_tier);
    }

    fn service(&mut self, new: Service) {
        let index = self.known.get(&new.id.to_lowercase()).copied();
        let index = match index.and_then(|index| self.services.get_mut(index).map(|s| (index, s))) {
            Some((index, old)) => {
                join(old, new);
                index
            }
            None => {
                self.services.push(new);
                self.services.len() - 1
            }
        };
        let Some(service) = self.services.get(index) else {
            return;
        };
        for name in std::iter::once(&service.id).chain(&service.aliases) {
            self.known.entry(name.to_lowercase()).or_insert(index);
        }
    }

    /// Refuses catalogues whose graph would not fit into memory.
    fn bounded(&self) -> Result<(), Vec<Problem>> {
        let cells = self.regions.iter().map(|region| region.cells.len().max(1));
        let members = self.groups.values().map(|group| group.members.len());
        let counts = [
            (self.services.len(), MAX_SERVICES, "services"),
            (self.functions.len(), MAX_MARKS, "functions"),
            (cells.sum(), MAX_MARKS, "regions and cells"),
            (members.sum(), MAX_MARKS, "members of redundancy groups"),
        ];
        let problems: Vec<Problem> = counts
            .into_iter()
            .filter(|(count, limit, _)| count > limit)
            .map(|(count, limit, what)| {
                CATALOGUE
                    .whole(format!("{count} {what} are too many"))
                    .hint(format!("at most {limit} are read"))
            })
            .collect();
        if problems.is_empty() {
            Ok(())
        } else {
            Err(problems)
        }
    }

    fn finish(mut self) -> Result<Catalog, Vec<Problem>> {
        self.bounded()?;
        self.services.sort_by(|a, b| a.id.cmp(&b.id));
        self.regions.sort_by(|a, b| a.id.cmp(&b.id));
        let functions: Vec<Function> = self.functions.into_values().collect();
        let groups: Vec<Group> = self.groups.into_values().collect();
        let names = names(&self.services, &groups);
        let (units, places) = units(&self.regions);
        let mut dangling = Vec::new();
        let edges = edges(self.needs, &names, &functions, &mut dangling);
        let groups = members(groups, &names, &mut dangling);
        let runs_in = runs_in(&self.services, &places, &mut dangling);
        let paths = matcher(&self.services, |service| &service.paths)?;
        let resources = matcher(&self.services, |service| &service.resources)?;
        let not_shipped = Matcher::new(self.not_shipped.iter().map(|pattern| (0, pattern)))
            .map_err(|problem| vec![problem])?;
        dangling.sort();
        dangling.dedup();
        Ok(Catalog {
            services: self.services,
            functions,
            groups,
            units,
            regions: self.regions,
            edges,
            dangling,
            runs_in,
            default_tier: self.default_tier.unwrap_or(DEFAULT_TIER),
            names,
            paths,
            resources,
            not_shipped,
        })
    }
}

fn join(old: &mut Service, new: Service) {
    if old.id != new.id {
        old.aliases.push(new.id);
    }
    old.aliases.extend(new.aliases);
    old.paths.extend(new.paths);
    old.resources.extend(new.resources);
    old.runs_in.extend(new.runs_in);
    old.aliases.sort();
    old.aliases.dedup();
    old.paths.sort();
    old.paths.dedup();
    old.resources.sort();
    old.resources.dedup();
    old.runs_in.sort();
    old.runs_in.dedup();
    old.name = old.name.take().or(new.name);
    old.owner = old.owner.take().or(new.owner);
    old.tier = old.tier.or(new.tier);
    old.stateful = old.stateful.or(new.stateful);
    old.backup = old.backup.or(new.backup);
    old.revert = old.revert.or(new.revert);
    old.restore = old.restore.or(new.restore);
}

/// Counts as indices; catalogues stay far below four thousand million entries.
fn index(position: usize) -> u32 {
    u32::try_from(position).unwrap_or(u32::MAX)
}

fn names(services: &[Service], groups: &[Group]) -> Names {
    let mut names = Names::default();
    for (position, service) in services.iter().enumerate() {
        names.add(&service.id, Node::Service(index(position)));
    }
    for (position, group) in groups.iter().enumerate() {
        names.add(&group.id, Node::Group(index(position)));
    }
    for (position, service) in services.iter().enumerate() {
        for alias in &service.aliases {
            names.add(alias, Node::Service(index(position)));
        }
    }
    names
}

fn edges(
    needs: Vec<Need>,
    names: &Names,
    functions: &[Function],
    dangling: &mut Vec<Dangling>,
) -> Vec<Edge> {
    let mut edges: BTreeMap<(Node, Node), Edge> = BTreeMap::new();
    for need in needs {
        let from = match &need.from {
            Needer::Service(id) => names.resolve(id),
            Needer::Function(id) => functions
                .binary_search_by(|function| function.id.as_str().cmp(id))
                .ok()
                .map(|position| Node::Function(index(position))),
        };
        let (Some(from), Some(to)) = (from, names.resolve(&need.to)) else {
            let end = match from {
                None => DanglingEnd::From,
                Some(_) => DanglingEnd::To,
            };
            dangling.push(Dangling::Need {
                from: need.from,
                to: need.to,
                end,
            });
            continue;
        };
        let edge = Edge {
            from,
            to,
            kind: need.kind,
            origin: need.origin,
            seen: need.seen,
            calls: need.calls,
            errors: need.errors,
        };
        edges
            .entry((from, to))
            .and_modify(|known| known.join(&edge))
            .or_insert(edge);
    }
    edges.into_values().collect()
}

fn members(groups: Vec<Group>, names: &Names, dangling: &mut Vec<Dangling>) -> Vec<Members> {
    let mut resolved = Vec::new();
    for group in groups {
        let mut members = Vec::new();
        for member in group.members {
            match names.resolve(&member) {
                Some(Node::Service(service)) => members.push(service),
                _ => dangling.push(Dangling::Member {
                    group: group.id.clone(),
                    member,
                }),
            }
        }
        members.sort_unstable();
        members.dedup();
        resolved.push(Members {
            id: group.id,
            services: members,
            needed: group.needed.max(1),
        });
    }
    resolved
}

/// For every service the units it runs in, sorted; empty means everywhere.
fn runs_in(
    services: &[Service],
    places: &BTreeMap<String, Vec<u32>>,
    dangling: &mut Vec<Dangling>,
) -> Vec<Vec<u32>> {
    let mut all = Vec::with_capacity(services.len());
    for service in services {
        let mut units = Vec::new();
        for place in &service.runs_in {
            match places.get(place) {
                Some(found) => units.extend(found),
                None => dangling.push(Dangling::Place {
                    service: service.id.clone(),
                    place: place.clone(),
                }),
            }
        }
        units.sort_unstable();
        units.dedup();
        all.push(units);
    }
    all
}

/// The units that fail alone, and for every region or cell the units in it.
fn units(regions: &[Region]) -> (Vec<Unit>, BTreeMap<String, Vec<u32>>) {
    let mut units = Vec::new();
    let mut places = BTreeMap::new();
    let shares = split(Share::ALL, regions.iter().map(region_share));
    for (region, share) in regions.iter().zip(shares) {
        let first = units.len();
        let cells = split(share, region.cells.iter().map(|cell| cell.customers));
        for (cell, share) in region.cells.iter().zip(cells) {
            places.insert(cell.id.clone(), vec![index(units.len())]);
            units.push(Unit {
                id: cell.id.clone(),
                region: Some(region.id.clone()),
                customers: share,
            });
        }
        if region.cells.is_empty() {
            units.push(Unit {
                id: region.id.clone(),
                region: None,
                customers: share,
            });
        }
        let all = (first..units.len()).map(index).collect();
        places.insert(region.id.clone(), all);
    }
    if units.is_empty() {
        units.push(Unit {
            id: "everywhere".to_owned(),
            region: None,
            customers: Share::ALL,
        });
    }
    (units, places)
}

/// What a region says, or what its cells add up to when all of them say.
fn region_share(region: &Region) -> Option<Share> {
    let cells = || {
        let shares: Option<Vec<Share>> = region.cells.iter().map(|cell| cell.customers).collect();
        let shares = shares.filter(|shares| !shares.is_empty())?;
        Some(shares.into_iter().fold(Share::NONE, Share::plus))
    };
    region.customers.or_else(cells)
}

/// Gives whoever does not say an equal part of what the others leave.
fn split(whole: Share, said: impl Iterator<Item = Option<Share>>) -> Vec<Share> {
    let said: Vec<Option<Share>> = said.collect();
    let taken: u64 = said.iter().flatten().map(|s| u64::from(s.ppm())).sum();
    let silent = said.iter().filter(|share| share.is_none()).count() as u64;
    let left = u64::from(whole.ppm()).saturating_sub(taken);
    let each = left.div_ceil(silent.max(1));
    said.into_iter()
        .map(|share| share.unwrap_or(Share::from_ppm(each)))
        .collect()
}

fn matcher(
    services: &[Service],
    patterns: impl Fn(&Service) -> &Vec<super::Pattern>,
) -> Result<Matcher, Vec<Problem>> {
    let all = services.iter().enumerate().flat_map(|(position, service)| {
        patterns(service)
            .iter()
            .map(move |pattern| (index(position), pattern))
    });
    Matcher::new(all).map_err(|problem| vec![problem])
}
