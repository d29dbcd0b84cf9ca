//! `countersign catalog check`: what is wrong or missing in a catalogue.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::draft::{NeedKind, Origin};
use super::{Catalog, Dangling, Edge, Needer, Node};
use crate::problem::Severity;

/// What kind of thing was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FindingKind {
    /// A name that nothing has.
    Dangling,
    /// Services that need each other hard, in a circle.
    Cyclic,
    /// A measured need that was not seen for a long time.
    Stale,
    /// A service without an owner.
    Unowned,
    /// A service that no change can be traced to: no paths, no resources.
    Unreachable,
    /// A pattern that covers no file.
    MatchesNothing,
    /// A measured need that nobody has said how badly is needed.
    Undeclared,
    /// A more important service that needs a less important one hard.
    TierInversion,
    /// Shares of customers that do not add up.
    Shares,
    /// A redundancy group that protects from nothing.
    NotRedundant,
}

/// One thing found.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    /// What kind.
    pub kind: FindingKind,
    /// How bad.
    pub severity: Severity,
    /// What it is about: an id, or ids joined.
    pub subject: String,
    /// What is wrong: one line, lower case, no full stop.
    pub message: String,
}

/// Looks for everything that is wrong or missing. `files`: the paths of the
/// repository, if known; `stale_after`: how long a measured need lasts.
#[must_use]
pub fn check(
    catalog: &Catalog,
    files: Option<&[String]>,
    now: Timestamp,
    stale_after: SignedDuration,
) -> Vec<Finding> {
    let mut findings: Vec<Finding> = catalog.dangling().iter().map(dangling).collect();
    findings.extend(edges(catalog, now, stale_after));
    findings.extend(cycles(catalog));
    findings.extend(services(catalog));
    findings.extend(groups(catalog));
    findings.extend(shares(catalog));
    findings.extend(files.into_iter().flat_map(|files| patterns(catalog, files)));
    findings.sort();
    findings
}

fn error(kind: FindingKind, subject: String, message: String) -> Finding {
    Finding {
        kind,
        severity: Severity::Error,
        subject,
        message,
    }
}

fn warning(kind: FindingKind, subject: String, message: String) -> Finding {
    Finding {
        severity: Severity::Warning,
        ..error(kind, subject, message)
    }
}

fn dangling(dangling: &Dangling) -> Finding {
    let (subject, message) = match dangling {
        Dangling::Need { from, to, end } => {
            let (kind, from) = match from {
                Needer::Service(id) => ("service", id),
                Needer::Function(id) => ("function", id),
            };
            let unknown = match end {
                super::DanglingEnd::From => from,
                super::DanglingEnd::To => to,
            };
            let message =
                format!("{kind} `{from}` needs `{to}`, but nothing is called `{unknown}`");
            (from, message)
        }
        Dangling::Member { group, member } => {
            let message = format!("group `{group}` has a member `{member}` that does not exist");
            (group, message)
        }
        Dangling::Place { service, place } => {
            let message = format!("service `{service}` runs in `{place}`, which does not exist");
            (service, message)
        }
    };
    error(FindingKind::Dangling, subject.clone(), message)
}

fn edges(catalog: &Catalog, now: Timestamp, stale_after: SignedDuration) -> Vec<Finding> {
    let mut findings = Vec::new();
    for edge in catalog.edges() {
        let ends = format!("{} -> {}", catalog.id(edge.from), catalog.id(edge.to));
        if let Some(seen) = edge
            .seen
            .filter(|seen| now.duration_since(*seen) > stale_after)
        {
            let days = now.duration_since(seen).as_hours() / 24;
            let message = format!("`{ends}` was last seen {days} days ago");
            findings.push(warning(FindingKind::Stale, ends.clone(), message));
        }
        if edge.origin == Origin::Traced && edge.kind == NeedKind::Unknown {
            let message =
                format!("`{ends}` was measured, but nobody says whether it is hard, soft or async");
            findings.push(warning(FindingKind::Undeclared, ends.clone(), message));
        }
        findings.extend(inversion(catalog, edge, ends));
    }
    findings
}

fn inversion(catalog: &Catalog, edge: &Edge, ends: String) -> Option<Finding> {
    let tier = |node: Node| match node {
        Node::Service(at) => Some(catalog.tier(catalog.services().get(at as usize)?)),
        Node::Function(at) => Some(catalog.function_tier(catalog.functions().get(at as usize)?)),
        Node::Group(_) => None,
    };
    let (from, to) = (tier(edge.from)?, tier(edge.to)?);
    (edge.kind == NeedKind::Hard && from < to).then(|| {
        let message =
            format!("`{ends}` is a hard need of tier {from} on tier {to}, which is less important");
        warning(FindingKind::TierInversion, ends, message)
    })
}

/// Circles of hard needs: none of their members can start without the others.
fn cycles(catalog: &Catalog) -> Vec<Finding> {
    let model = crate::radius::Model::new(catalog);
    let circles = model.graph().hard_circles();
    circles
        .into_iter()
        .map(|circle| {
            let mut ids: Vec<&str> = circle
                .iter()
                .map(|number| catalog.id(model.node(*number)))
                .collect();
            ids.sort_unstable();
            let ids = ids.join(", ");
            let message = format!("`{ids}` need each other hard, so none can start alone");
            warning(FindingKind::Cyclic, ids, message)
        })
        .collect()
}

fn services(catalog: &Catalog) -> Vec<Finding> {
    let mut findings = Vec::new();
    for service in catalog.services() {
        let id = &service.id;
        if service.owner.is_none() {
            let message = format!("service `{id}` has no owner");
            findings.push(warning(FindingKind::Unowned, id.clone(), message));
        }
        if service.paths.is_empty() && service.resources.is_empty() {
            let message = format!(
                "service `{id}` has neither paths nor resources, so only its name can be traced to it"
            );
            findings.push(warning(FindingKind::Unreachable, id.clone(), message));
        }
    }
    findings
}

fn groups(catalog: &Catalog) -> Vec<Finding> {
    let weak = catalog
        .groups()
        .iter()
        .filter(|group| group.services.len() <= group.needed as usize);
    weak.map(|group| {
        let (id, needed, members) = (&group.id, group.needed, group.services.len());
        let message =
            format!("group `{id}` needs {needed} of {members} members, so any loss takes it down");
        warning(FindingKind::NotRedundant, id.clone(), message)
    })
    .collect()
}

fn shares(catalog: &Catalog) -> Option<Finding> {
    let shares = catalog.units().iter().map(|unit| unit.customers.ppm());
    let sum: u64 = shares.map(u64::from).sum();
    // Each unit may be rounded by one part per million.
    let slack = catalog.units().len() as u64;
    (sum.abs_diff(1_000_000) > slack).then(|| {
        let tenths = sum / 1_000;
        let (whole, tenth) = (tenths / 10, tenths % 10);
        let message = format!("regions and cells serve {whole}.{tenth} % of customers together");
        error(FindingKind::Shares, "regions".to_owned(), message)
    })
}

/// Patterns that cover no file of the repository.
fn patterns(catalog: &Catalog, files: &[String]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for service in catalog.services() {
        for pattern in &service.paths {
            let Ok(matcher) = super::pattern::Matcher::new([(0, pattern)]) else {
                continue;
            };
            if files.iter().all(|file| matcher.matches(file).is_empty()) {
                let message = format!(
                    "`{}` of service `{}` covers no file",
                    pattern.as_str(),
                    service.id
                );
                findings.push(warning(
                    FindingKind::MatchesNothing,
                    service.id.clone(),
                    message,
                ));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{Draft, Need, parse};

    #[test]
    fn everything_wrong_is_found() {
        let text = "
version: 1
regions: [{id: eu, customers: 60}, {id: us, customers: 60}]
functions: [{id: buy, tier: 0, needs: [nothing]}]
services:
  - {id: a, tier: 1, owner: x, paths: [src/a], depends_on: [b, pair]}
  - {id: b, tier: 2, owner: x, paths: [src/b], depends_on: [a], runs_in: [mars]}
  - {id: c}
redundancy: [{id: pair, members: [b, c, d], needed: 2}]
";
        let seen = "2026-01-01T00:00:00Z".parse().unwrap();
        let traced = Draft {
            needs: vec![Need {
                seen: Some(seen),
                ..Need::said(
                    Needer::Service("c".to_owned()),
                    "a",
                    NeedKind::Unknown,
                    Origin::Traced,
                )
            }],
            ..Draft::default()
        };
        let declared = parse(text, "catalog.yaml").unwrap();
        let catalog = Catalog::assemble(vec![declared, traced]).unwrap();
        let files = ["src/a/main.rs".to_owned()];
        let now = "2026-03-02T00:00:00Z".parse().unwrap();
        let findings = check(&catalog, Some(&files), now, SignedDuration::from_hours(720));
        let lines: Vec<String> = findings
            .iter()
            .map(|f| format!("{:?} {:?}: {}", f.severity, f.kind, f.message))
            .collect();
        insta::assert_snapshot!(lines.join("\n"), @r#"
        Error Dangling: service `b` runs in `mars`, which does not exist
        Error Dangling: function `buy` needs `nothing`, but nothing is called `nothing`
        Error Dangling: group `pair` has a member `d` that does not exist
        Warning Cyclic: `a, b, pair` need each other hard, so none can start alone
        Warning Stale: `c -> a` was last seen 60 days ago
        Warning Unowned: service `c` has no owner
        Warning Unreachable: service `c` has neither paths nor resources, so only its name can be traced to it
        Warning MatchesNothing: `src/b` of service `b` covers no file
        Warning Undeclared: `c -> a` was measured, but nobody says whether it is hard, soft or async
        Warning TierInversion: `a -> b` is a hard need of tier 1 on tier 2, which is less important
        Error Shares: regions and cells serve 120.0 % of customers together
        Warning NotRedundant: group `pair` needs 2 of 2 members, so any loss takes it down
        "#);
    }

    #[test]
    fn a_whole_catalogue_has_no_findings() {
        let text = "
version: 1
functions: [{id: buy, tier: 0, needs: [a]}]
services: [{id: a, tier: 0, owner: x, paths: [src]}]
";
        let catalog = Catalog::parse(text, "catalog.yaml").unwrap();
        let findings = check(&catalog, None, Timestamp::UNIX_EPOCH, SignedDuration::ZERO);
        assert_eq!(findings, []);
    }
}
