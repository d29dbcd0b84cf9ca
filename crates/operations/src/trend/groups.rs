//! Trends of parts: severity, service, involvement. Many questions at once find
//! something by chance, so the p-values share one error (Benjamini & Hochberg
//! 1995).

use std::collections::{BTreeMap, BTreeSet};

use countersign_stats::multiple::{Method, adjust};
use serde::Serialize;

use super::Options;
use super::calendar::severity_name;
use super::history::{History, Incident, Involvement, Name};
use super::series::{Metric, Series};
use super::shift::{Trend, judge_again, study};

/// Services that get a trend of their own; the rest is one group.
const MAX_SERVICES: usize = 40;
/// Shuffles that judge a turn in a group.
const ROUNDS: u32 = 499;

/// What to split by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum By {
    /// Sev1 … Sev5.
    Severity,
    /// The affected service.
    Service,
    /// Whether AI took part in the change that an incident is linked to.
    Involvement,
}

/// The trend of one part.
#[derive(Debug, Clone, Serialize)]
pub struct Group {
    /// Which split it belongs to.
    pub by: By,
    /// Its name.
    pub name: String,
    /// Its trend; the p-value is adjusted for all groups of the analysis.
    pub trend: Trend,
}

/// The trends of the parts that `options` asks for, judged together.
#[must_use]
pub fn groups(history: &History, options: &Options) -> Vec<Group> {
    let wanted: BTreeSet<By> = options.by.iter().copied().collect();
    // without exposure parts can still be counted by the week, and are called so
    let metric = match Series::all(history, options.metric).weeks.is_empty() {
        true => Metric::Weeks,
        false => options.metric,
    };
    let mut groups: Vec<Group> = wanted
        .into_iter()
        .flat_map(|by| match by {
            By::Severity => severities(history, options, metric),
            By::Service => services(history, options, metric),
            By::Involvement => involvements(history, options),
        })
        .collect();
    share_the_error(&mut groups, options);
    groups
}

/// Judges every group again by its adjusted p-value.
fn share_the_error(groups: &mut [Group], options: &Options) {
    let p_values: Vec<f64> = groups.iter().filter_map(|g| g.trend.p_value).collect();
    // p-values come from tests that keep them within [0, 1]
    let Ok(adjusted) = adjust(&p_values, Method::BenjaminiHochberg) else {
        return;
    };
    let tested = groups.iter_mut().filter(|g| g.trend.p_value.is_some());
    for (group, p) in tested.zip(adjusted) {
        let what = title(group.by, &group.name);
        judge_again(&mut group.trend, options, &what, p);
        group.trend.answer.limits.push(format!(
            "one of {} questions asked at once; the share of false claims among them is held to {}",
            p_values.len(),
            super::answer::percent(options.alpha)
        ));
    }
}

fn title(by: By, name: &str) -> String {
    match by {
        By::Severity => format!("{name} incidents"),
        By::Service | By::Involvement => format!("Incidents of {name}"),
    }
}

fn group(by: By, name: String, series: Series, metric: Metric, options: &Options) -> Group {
    let trend = study(series, metric, options, &title(by, &name), ROUNDS);
    Group { by, name, trend }
}

fn severities(history: &History, options: &Options, metric: Metric) -> Vec<Group> {
    let found: BTreeSet<u8> = history.incidents.iter().map(|i| i.severity).collect();
    found
        .into_iter()
        .map(|severity| {
            let name = severity_name(severity);
            let counts = |incident: &Incident| incident.severity == severity;
            let series = Series::of(history, metric, counts, |_| true, |_| true);
            group(By::Severity, name, series, metric, options)
        })
        .collect()
}

/// The services with most incidents, by name, and all others together.
fn services(history: &History, options: &Options, metric: Metric) -> Vec<Group> {
    let mut totals: BTreeMap<Name, u64> = BTreeMap::new();
    for incident in &history.incidents {
        for service in BTreeSet::from_iter(&incident.services) {
            *totals.entry(*service).or_default() += 1;
        }
    }
    let mut ranked: Vec<(Name, u64)> = totals.into_iter().collect();
    ranked.sort_by(|a, b| {
        b.1.cmp(&a.1)
            .then_with(|| history.names.text(a.0).cmp(history.names.text(b.0)))
    });
    let others: BTreeSet<Name> = ranked
        .iter()
        .skip(MAX_SERVICES)
        .map(|(name, _)| *name)
        .collect();
    ranked.truncate(MAX_SERVICES);
    let mut groups: Vec<Group> = ranked
        .into_iter()
        .map(|(service, _)| {
            let series = Series::of(
                history,
                metric,
                |incident| incident.services.contains(&service),
                |cell| history.names.covers(cell.stratum.service, service),
                |name| name == service,
            );
            let name = history.names.text(service).to_owned();
            group(By::Service, name, series, metric, options)
        })
        .collect();
    if !others.is_empty() {
        let series = Series::of(
            history,
            metric,
            |incident| incident.services.iter().any(|name| others.contains(name)),
            |cell| {
                let parts = history.names.parts(&cell.stratum.service);
                parts.iter().any(|name| others.contains(name))
            },
            |name| others.contains(&name),
        );
        let name = format!("{} other services", others.len());
        groups.push(group(By::Service, name, series, metric, options));
    }
    groups
}

/// By the involvement of the linked change, per change of that involvement.
fn involvements(history: &History, options: &Options) -> Vec<Group> {
    [
        (Involvement::Yes, "AI-assisted changes"),
        (Involvement::No, "changes without AI"),
        (Involvement::Unknown, "undeclared changes"),
    ]
    .into_iter()
    .map(|(involvement, name)| {
        let counts = |incident: &Incident| {
            incident
                .cause(options.link_threshold)
                .is_some_and(|link| link.stratum.involvement == involvement)
        };
        let exposes = |cell: &super::history::Cell| cell.stratum.involvement == involvement;
        // hours are offered by services, not by changes
        let series = Series::of(history, Metric::Changes, counts, exposes, |_| false);
        group(
            By::Involvement,
            name.to_owned(),
            series,
            Metric::Changes,
            options,
        )
    })
    .collect()
}
