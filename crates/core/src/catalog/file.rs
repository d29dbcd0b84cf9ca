//! `catalog.yaml`: Countersign's own catalogue format, version 1.
//!
//! The template beside this file describes every field. Unknown fields are
//! errors: a misspelt `depends_on` would make the radius look smaller.

use std::collections::BTreeSet;

use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use serde_saphyr::Spanned;

use super::draft::{Cell, Draft, Function, Group, Need, NeedKind, Needer, Origin, Region, Service};
use super::pattern::Pattern;
use super::share::Share;
use super::yaml;
use crate::moment;
use crate::problem::{Problem, Source};

/// Tiers are 0 (most important) to this.
pub const MAX_TIER: u8 = 15;

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFile {
    version: Spanned<u32>,
    #[serde(default)]
    default_tier: Option<Spanned<u8>>,
    #[serde(default)]
    not_shipped: Vec<Spanned<String>>,
    #[serde(default)]
    regions: Vec<RawRegion>,
    #[serde(default)]
    functions: Vec<RawFunction>,
    #[serde(default)]
    services: Vec<RawService>,
    #[serde(default)]
    redundancy: Vec<RawGroup>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRegion {
    id: Spanned<String>,
    #[serde(default)]
    customers: Option<Spanned<f64>>,
    #[serde(default)]
    cells: Vec<RawCell>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCell {
    id: Spanned<String>,
    #[serde(default)]
    customers: Option<Spanned<f64>>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFunction {
    id: Spanned<String>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    tier: Option<Spanned<u8>>,
    #[serde(default)]
    customers: Option<Spanned<f64>>,
    #[serde(default)]
    needs: Vec<RawNeed>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct RawService {
    id: Spanned<String>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    aliases: Vec<String>,
    #[serde(default)]
    tier: Option<Spanned<u8>>,
    #[serde(default)]
    owner: Option<String>,
    #[serde(default)]
    paths: Vec<Spanned<String>>,
    #[serde(default)]
    resources: Vec<Spanned<String>>,
    #[serde(default)]
    runs_in: Vec<String>,
    #[serde(default)]
    stateful: Option<bool>,
    #[serde(default)]
    backup: Option<bool>,
    #[serde(default)]
    revert: Option<Spanned<String>>,
    #[serde(default)]
    restore: Option<Spanned<String>>,
    #[serde(default)]
    depends_on: Vec<RawNeed>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct RawGroup {
    id: Spanned<String>,
    members: Vec<String>,
    #[serde(default)]
    needed: Option<Spanned<u32>>,
}

/// `checkout`, or `{service: checkout, kind: soft}`.
struct RawNeed {
    service: String,
    kind: NeedKind,
}

impl<'de> Deserialize<'de> for RawNeed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawNeedVisitor)
    }
}

struct RawNeedVisitor;

impl<'de> Visitor<'de> for RawNeedVisitor {
    type Value = RawNeed;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the id of a service, or a mapping with `service` and `kind`")
    }

    fn visit_str<E: de::Error>(self, id: &str) -> Result<RawNeed, E> {
        Ok(RawNeed {
            service: id.to_owned(),
            kind: NeedKind::Hard,
        })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<RawNeed, A::Error> {
        #[derive(serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Fields {
            service: String,
            kind: NeedKind,
        }
        let fields = Fields::deserialize(MapAccessDeserializer::new(map))?;
        Ok(RawNeed {
            service: fields.service,
            kind: fields.kind,
        })
    }
}

/// Reads `catalog.yaml`.
///
/// # Errors
/// Every problem found, placed in the file. References to things that are not
/// in the file are no errors here: another source may know them.
pub fn parse(text: &str, file: &str) -> Result<Draft, Vec<Problem>> {
    let source = Source { file, text };
    let raw: RawFile = yaml::one(source).map_err(|problem| vec![problem])?;
    let mut reader = Reader {
        source,
        problems: Vec::new(),
        draft: Draft::default(),
    };
    reader.file(raw);
    if reader.problems.is_empty() {
        Ok(reader.draft)
    } else {
        Err(reader.problems)
    }
}

struct Reader<'a> {
    source: Source<'a>,
    problems: Vec<Problem>,
    draft: Draft,
}

impl Reader<'_> {
    fn file(&mut self, raw: RawFile) {
        if raw.version.value != 1 {
            let message = format!("version {} is not known", raw.version.value);
            let at = yaml::span(raw.version.referenced);
            let problem = self.source.at(at, message);
            self.problems
                .push(problem.hint("this program reads version 1"));
        }
        self.draft.default_tier = self.tier(raw.default_tier);
        self.draft.not_shipped = self.patterns(raw.not_shipped);
        self.regions(raw.regions);
        self.functions(raw.functions);
        let mut seen = BTreeSet::new();
        for service in raw.services {
            self.unique(&mut seen, &service.id, "services or groups");
            self.service(service);
        }
        for group in raw.redundancy {
            self.unique(&mut seen, &group.id, "services or groups");
            self.group(group);
        }
    }

    fn regions(&mut self, regions: Vec<RawRegion>) {
        let mut seen = BTreeSet::new();
        for raw in regions {
            self.unique(&mut seen, &raw.id, "regions or cells");
            let customers = self.share(raw.customers);
            let mut cells = Vec::new();
            for cell in raw.cells {
                self.unique(&mut seen, &cell.id, "regions or cells");
                cells.push(Cell {
                    customers: self.share(cell.customers),
                    id: cell.id.value,
                });
            }
            self.draft.regions.push(Region {
                id: raw.id.value,
                customers,
                cells,
            });
        }
    }

    fn functions(&mut self, functions: Vec<RawFunction>) {
        let mut seen = BTreeSet::new();
        for raw in functions {
            self.unique(&mut seen, &raw.id, "functions");
            let function = Function {
                name: raw.name,
                tier: self.tier(raw.tier),
                customers: self.share(raw.customers),
                id: raw.id.value,
            };
            self.needs(&Needer::Function(function.id.clone()), raw.needs);
            self.draft.functions.push(function);
        }
    }

    fn service(&mut self, raw: RawService) {
        let service = Service {
            name: raw.name,
            aliases: raw.aliases,
            tier: self.tier(raw.tier),
            owner: raw.owner.filter(|owner| !owner.trim().is_empty()),
            paths: self.patterns(raw.paths),
            resources: self.patterns(raw.resources),
            runs_in: raw.runs_in,
            stateful: raw.stateful,
            backup: raw.backup,
            revert: self.seconds(raw.revert),
            restore: self.seconds(raw.restore),
            id: raw.id.value,
        };
        self.needs(&Needer::Service(service.id.clone()), raw.depends_on);
        self.draft.services.push(service);
    }

    fn group(&mut self, raw: RawGroup) {
        let members: BTreeSet<String> = raw.members.into_iter().collect();
        let needed = raw.needed.as_ref().map_or(1, |needed| needed.value);
        if needed == 0 || usize::try_from(needed).is_ok_and(|needed| needed > members.len()) {
            let location = raw.needed.map_or(raw.id.referenced, |n| n.referenced);
            let message = format!("`{needed}` of {} members cannot be needed", members.len());
            let problem = self.source.at(yaml::span(location), message);
            self.problems
                .push(problem.hint("`needed` is at least 1 and at most the number of members"));
        }
        self.draft.groups.push(Group {
            id: raw.id.value,
            members: members.into_iter().collect(),
            needed,
        });
    }

    fn needs(&mut self, from: &Needer, needs: Vec<RawNeed>) {
        self.draft.needs.extend(
            needs
                .into_iter()
                .map(|need| Need::said(from.clone(), need.service, need.kind, Origin::Declared)),
        );
    }

    /// Complains about ids that are taken or could not be typed in a command.
    fn unique(&mut self, seen: &mut BTreeSet<String>, id: &Spanned<String>, among: &str) {
        let span = yaml::span(id.referenced);
        if id.value.is_empty()
            || id
                .value
                .contains(|c: char| c.is_whitespace() || c.is_control())
        {
            let message = format!("`{}` is not an id", id.value.escape_debug());
            let problem = self.source.at(span, message);
            self.problems
                .push(problem.hint("use a word without spaces; `name` may have them"));
        } else if !seen.insert(id.value.clone()) {
            let message = format!("two {among} have the id `{}`", id.value);
            let problem = self.source.at(span, message);
            self.problems.push(problem.hint("rename or remove one"));
        }
    }

    fn tier(&mut self, raw: Option<Spanned<u8>>) -> Option<u8> {
        let raw = raw?;
        if raw.value > MAX_TIER {
            let message = format!("tier `{}` is out of range", raw.value);
            let problem = self.source.at(yaml::span(raw.referenced), message);
            self.problems
                .push(problem.hint("tiers go from 0, the most important, to 15"));
        }
        Some(raw.value)
    }

    fn share(&mut self, raw: Option<Spanned<f64>>) -> Option<Share> {
        let raw = raw?;
        match Share::from_percent(raw.value) {
            Ok(share) => Some(share),
            Err(message) => {
                let problem = self.source.at(yaml::span(raw.referenced), message);
                self.problems
                    .push(problem.hint("write a number from 0 to 100"));
                None
            }
        }
    }

    fn seconds(&mut self, raw: Option<Spanned<String>>) -> Option<u64> {
        let raw = raw?;
        match moment::parse_duration(&raw.value) {
            Ok(duration) => Some(duration.as_secs().unsigned_abs()),
            Err(message) => {
                let problem = self.source.at(yaml::span(raw.referenced), message);
                self.problems.push(problem.hint(moment::DURATION_HINT));
                None
            }
        }
    }

    fn patterns(&mut self, raw: Vec<Spanned<String>>) -> Vec<Pattern> {
        let mut patterns = Vec::new();
        for text in raw {
            match Pattern::new(&text.value) {
                Ok(pattern) => patterns.push(pattern),
                Err(message) => {
                    let span = yaml::span(text.referenced);
                    self.problems.push(self.source.at(span, message));
                }
            }
        }
        patterns
    }
}
