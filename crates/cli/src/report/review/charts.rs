//! What the review draws.

use countersign_operations::review::{FactorRow, Incidents};
use countersign_operations::trend::{Events, Trend};
use countersign_page::chart::{Column, Point, RunChart, Scale, StackedBars};

use crate::report::trend::charts;

/// Factors that the chart shows.
const MOST_FACTORS: usize = 12;

/// Incidents of each week by severity.
pub(super) fn severities(incidents: &Incidents) -> Option<StackedBars> {
    (incidents.weeks.len() > 1).then(|| StackedBars {
        title: "Incidents by week and severity".to_owned(),
        time: "week".to_owned(),
        kinds: ["Sev1", "Sev2", "Sev3", "Sev4", "Sev5 or not graded"]
            .map(str::to_owned)
            .to_vec(),
        columns: incidents
            .weeks
            .iter()
            .map(|row| {
                let [one, two, three, four, five, none] = row.incidents;
                Column {
                    label: row.week.to_string(),
                    counts: vec![one, two, three, four, five + none],
                }
            })
            .collect(),
    })
}

/// What they are to be seen against.
pub(super) fn exposure(incidents: &Incidents) -> Option<RunChart> {
    let any = incidents.weeks.iter().any(|row| row.changes > 0);
    (any && incidents.weeks.len() > 1).then(|| RunChart {
        title: "Changes shipped by week".to_owned(),
        unit: "changes".to_owned(),
        time: "week".to_owned(),
        points: incidents
            .weeks
            .iter()
            .enumerate()
            .map(|(at, row)| Point {
                label: row.week.to_string(),
                tick: if at % 6 == 0 {
                    row.week.to_string()
                } else {
                    String::new()
                },
                value: row.changes as f64,
                expected: None,
                flagged: false,
            })
            .collect(),
        events: Vec::new(),
        threshold: None,
        scale: Scale::Linear,
    })
}

/// Incidents per change over a year, with what chance would do.
pub(super) fn trend(trend: &Trend) -> Option<RunChart> {
    (trend.series.weeks.len() > 1).then(|| {
        charts::run(
            trend,
            &Events::default(),
            "Incidents per 1,000 changes shipped",
        )
    })
}

/// Claims of each factor by what became of them.
pub(super) fn factors(table: &[FactorRow]) -> Option<StackedBars> {
    (!table.is_empty()).then(|| StackedBars {
        title: "Factors by incidents of the week".to_owned(),
        time: "factor".to_owned(),
        kinds: ["confirmed", "disputed", "claimed", "withdrawn"]
            .map(str::to_owned)
            .to_vec(),
        columns: table
            .iter()
            .take(MOST_FACTORS)
            .map(|row| Column {
                label: row.factor.clone(),
                counts: vec![row.confirmed, row.disputed, row.claimed, row.withdrawn],
            })
            .collect(),
    })
}
