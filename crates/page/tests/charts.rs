//! Charts as people see them, and what holds for every one.

use countersign_page::chart::{
    COLUMNS, Chart, Column, Dot, Event, Forest, Gap, GapChart, HeatRow, HeatStrip, Point, RunChart,
    Scale, StackedBars,
};
use countersign_page::{Markup, Page, Tone};
use proptest::prelude::*;

const HOSTILE: &str = "<script>alert('x')</script>";

fn run(values: &[f64]) -> RunChart {
    let point = |(at, value): (usize, &f64)| Point {
        label: format!("week {at}"),
        tick: if at.is_multiple_of(13) {
            format!("w{at}")
        } else {
            String::new()
        },
        value: *value,
        expected: Some(if at < 30 {
            [1.0, 3.0, 5.0]
        } else {
            [3.0, 6.0, 9.0]
        }),
        flagged: *value > 9.0,
    };
    RunChart {
        title: "Incidents per 1,000 changes".to_owned(),
        unit: "per 1,000 changes".to_owned(),
        time: "week".to_owned(),
        points: values.iter().enumerate().map(point).collect(),
        events: vec![
            Event {
                at: 30,
                name: "assistant for everybody".to_owned(),
            },
            Event {
                at: 41,
                name: HOSTILE.to_owned(),
            },
        ],
        threshold: None,
        scale: Scale::Linear,
    }
}

fn waves() -> Vec<f64> {
    (0..60)
        .map(|at| {
            f64::from((at * 7) % 5)
                + if at < 30 { 1.0 } else { 4.5 }
                + f64::from(u8::from(at == 44)) * 4.0
        })
        .collect()
}

fn evidence() -> RunChart {
    let mut chart = run(&(0..40).map(|at| 1.15f64.powi(at)).collect::<Vec<f64>>());
    chart.scale = Scale::Log;
    chart.events.clear();
    chart
        .points
        .iter_mut()
        .for_each(|point| point.expected = None);
    chart.threshold = Some((20.0, "alarm at 20".to_owned()));
    chart
}

fn bars() -> StackedBars {
    StackedBars {
        title: "Incidents by severity".to_owned(),
        time: "quarter".to_owned(),
        kinds: ["Sev1", "Sev2", "Sev3"].map(str::to_owned).to_vec(),
        columns: (1..9)
            .map(|at| Column {
                label: format!("2025-Q{at}"),
                counts: vec![at % 3, at, 12 + at],
            })
            .collect(),
    }
}

#[test]
fn long_names_stand_beside_their_bars() {
    let mut chart = bars();
    let standing = chart.svg(true).into_string();
    for (at, column) in chart.columns.iter_mut().enumerate() {
        column.label = format!("dependency-failure-{at}");
    }
    let lying = chart.svg(true).into_string();
    assert_ne!(chart.height(), bars().height());
    // every name is there, each at a height of its own
    let heights: std::collections::BTreeSet<&str> = lying
        .split("<text ")
        .filter(|text| text.contains("dependency-failure-"))
        .filter_map(|text| text.split("y=\"").nth(1)?.split('"').next())
        .collect();
    assert_eq!(heights.len(), chart.columns.len(), "{lying}");
    let parts = |svg: &str| svg.matches("<rect ").count();
    assert_eq!(parts(&lying), parts(&standing));
}

fn forest() -> Forest {
    let dot = |name: &str, value, low, high| Dot {
        name: name.to_owned(),
        value,
        low,
        high,
    };
    Forest {
        title: "AI-assisted against other changes".to_owned(),
        sides: ["fewer incidents".to_owned(), "more incidents".to_owned()],
        dots: vec![
            dot("as they stand", Some(0.62), 0.48, 0.79),
            dot("like with like", Some(2.05), 1.55, 2.7),
            dot("whatever is undeclared", None, 0.4, f64::INFINITY),
        ],
    }
}

fn gaps() -> GapChart {
    let gap = |at: usize, value: f64, note: &str| Gap {
        label: format!("inc-{at}"),
        value,
        note: note.to_owned(),
    };
    GapChart {
        title: "Days between Sev1 incidents".to_owned(),
        unit: "days".to_owned(),
        gaps: vec![
            gap(2, 40.0, ""),
            gap(3, 61.0, ""),
            gap(4, 35.0, ""),
            gap(5, 0.03, "too close"),
            gap(6, 20.0, ""),
        ],
        centre: 31.4,
        lower: 0.06,
        upper: 299.0,
    }
}

fn heat() -> HeatStrip {
    let row = |name: &str, step: u64| HeatRow {
        name: name.to_owned(),
        counts: (0..24).map(|at| (at * step) % 7).collect(),
    };
    HeatStrip {
        title: "Incidents by service".to_owned(),
        periods_are: "month".to_owned(),
        periods: (0..24)
            .map(|at| format!("2025-{:02}", at % 12 + 1))
            .collect(),
        rows: vec![row("prices", 3), row("a service with a very long name", 5)],
    }
}

fn all() -> Vec<(&'static str, Box<dyn Chart>)> {
    vec![
        ("run", Box::new(run(&waves()))),
        ("evidence", Box::new(evidence())),
        ("bars", Box::new(bars())),
        ("forest", Box::new(forest())),
        ("gaps", Box::new(gaps())),
        ("heat", Box::new(heat())),
    ]
}

#[test]
fn drawings() {
    for (name, chart) in all() {
        let svg = chart.svg(true).into_string().replace("><", ">\n<");
        insta::assert_snapshot!(format!("{name}_svg"), svg);
    }
}

#[test]
fn terminal() {
    for (name, chart) in all() {
        let text = chart.text();
        assert!(
            text.lines().all(|line| line.chars().count() <= COLUMNS),
            "{name}:\n{text}"
        );
        insta::assert_snapshot!(
            format!("{name}_text"),
            format!("\n{text}\n{}", chart.table().text())
        );
    }
}

#[test]
fn every_drawing_can_be_read_without_seeing_it() {
    for (name, chart) in all() {
        let svg = chart.svg(false).into_string();
        assert!(
            svg.contains("role=\"img\"") && svg.contains("<title>") && svg.contains("<desc>"),
            "{name}"
        );
        assert!(
            !svg.contains("<script") && !svg.contains("#0"),
            "{name}: colours come from the page"
        );
        assert!(!chart.table().rows.is_empty());
    }
}

#[test]
fn a_page_asks_nobody_for_anything() {
    let mut body = Markup::new();
    for (_, chart) in all() {
        chart.figure(&mut body);
    }
    let page = Page {
        title: HOSTILE,
        tone: Tone::Attention,
        word: "higher",
        headline: HOSTILE,
        notes: &[],
    };
    let html = page.html(&body);
    assert!(!html.contains("<script"));
    let namespace = html.matches("http://www.w3.org/2000/svg").count();
    assert_eq!(
        html.matches("http").count(),
        namespace + html.matches("http-equiv").count()
    );
    assert!(html.contains("prefers-color-scheme:dark") && html.contains("@media print"));
    // for eyes: open it in a browser
    if let Some(path) = std::env::var_os("COUNTERSIGN_PAGE_OUT") {
        std::fs::write(path, html).unwrap();
    }
}

proptest! {
    #[test]
    fn any_numbers_can_be_drawn(values in proptest::collection::vec(prop_oneof![0.0..1e6f64, Just(0.0), 0.0..1e-6f64], 0..200)) {
        for scale in [Scale::Linear, Scale::Log] {
            let mut chart = run(&values);
            chart.scale = scale;
            let svg = chart.svg(true).into_string();
            prop_assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
            prop_assert!(chart.text().lines().all(|line| line.chars().count() <= COLUMNS));
        }
    }

    #[test]
    fn any_ratio_can_be_drawn(value in 0.0..1e9f64, low in 0.0..1e3f64, high in prop_oneof![0.0..1e12f64, Just(f64::INFINITY)]) {
        let dots = vec![Dot { name: "x".repeat(60), value: Some(value), low, high }];
        let chart = Forest { dots, ..forest() };
        prop_assert!(!chart.svg(true).as_str().contains("NaN"));
        prop_assert!(chart.text().lines().all(|line| line.chars().count() <= COLUMNS));
    }
}
