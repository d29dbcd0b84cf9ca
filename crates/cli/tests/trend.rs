//! `countersign trend` on files, through the real binary.

#![allow(clippy::unwrap_used, reason = "set-up that fails has to fail loudly")]

mod common;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use common::{countersign, shown};
use countersign_testkit::programs::installed;

/// A folder with `incidents.csv` and `changes.csv` of a shop whose rate doubles
/// in 2025-W18, when an assistant arrived and people left; its AI-assisted
/// changes are small and safe as they stand, and riskier like for like.
struct Shop {
    folder: tempfile::TempDir,
}

/// A number from 0 to 1 that is the same on every machine.
fn lot(seed: &mut u64) -> f64 {
    *seed = seed
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407);
    (*seed >> 11) as f64 / (1u64 << 53) as f64
}

fn poisson(mean: f64, seed: &mut u64) -> u32 {
    let (limit, mut product, mut number) = ((-mean).exp(), lot(seed), 0);
    while product > limit {
        product *= lot(seed);
        number += 1;
    }
    number
}

impl Shop {
    fn new() -> Self {
        Self::undeclared(0)
    }

    /// With so many percent of the changes made without AI left undeclared.
    fn undeclared(percent: u32) -> Self {
        let mut seed = 42;
        let mut changes =
            "id,shipped_at,service,tier,team,author_level,lines,ai,count\n".to_owned();
        let mut incidents = "id,started_at,severity,services,links,ai\n".to_owned();
        let mut number = 0;
        for week in 0..100i64 {
            let monday = jiff::civil::date(2024, 3, 4)
                .checked_add(jiff::Span::new().days(7 * week))
                .unwrap();
            let worse = if week >= 60 { 2.0 } else { 1.0 };
            for (service, tier, lines, ai, count, mean) in [
                ("prices", "tier-1", 30, "yes", 150, 0.30),
                ("prices", "tier-1", 30, "no", 40, 0.04),
                ("cart", "tier-1", 400, "yes", 20, 0.55),
                ("cart", "tier-1", 400, "no", 90, 1.25),
                ("search", "tier-2", 90, "no", 60, 0.35),
            ] {
                let failing = poisson(mean * worse, &mut seed);
                let row = |id: &str, ai: &str, count: u32| {
                    format!("{id},{monday},{service},{tier},shop,mid,{lines},{ai},{count}\n")
                };
                let hidden = if ai == "no" { count * percent / 100 } else { 0 };
                changes.push_str(&row("", "", hidden));
                changes.push_str(&row("", ai, count - hidden - failing));
                for _ in 0..failing {
                    number += 1;
                    let hide = ai == "no" && lot(&mut seed) * 100.0 < f64::from(percent);
                    changes.push_str(&row(&format!("c{number}"), if hide { "" } else { ai }, 1));
                    let day = monday
                        .checked_add(jiff::Span::new().days((lot(&mut seed) * 7.0) as i64))
                        .unwrap();
                    let severity = match lot(&mut seed) {
                        l if l < 0.06 => "Sev1",
                        l if l < 0.35 => "Sev2",
                        _ => "Sev3",
                    };
                    let confidence = if lot(&mut seed) < 0.1 { 0.6 } else { 0.9 };
                    let _ = writeln!(
                        incidents,
                        "inc-{number},{day}T09:30:00Z,{severity},{service},c{number}:{confidence},unknown"
                    );
                }
            }
        }
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("changes.csv"), changes).unwrap();
        std::fs::write(folder.path().join("incidents.csv"), incidents).unwrap();
        Self { folder }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn trend(&self, more: &[&str]) -> String {
        let mut args = vec![
            "trend",
            "--incidents",
            "incidents.csv",
            "--changes",
            "changes.csv",
        ];
        args.extend(more);
        shown(&countersign(self.path(), &args))
    }

    fn json(&self, more: &[&str]) -> serde_json::Value {
        let mut args = vec![
            "trend",
            "--incidents",
            "incidents.csv",
            "--changes",
            "changes.csv",
            "--format",
            "json",
        ];
        args.extend(more);
        serde_json::from_slice(&countersign(self.path(), &args).stdout).unwrap()
    }
}

const EVENTS: [&str; 6] = [
    "--event",
    "assistant for everybody=2025-04-28",
    "--event",
    "job cuts=2025-05-06",
    "--event",
    "new on-call rota=2024-09-02@search",
];

#[test]
fn a_shop_at_a_glance() {
    insta::assert_snapshot!(Shop::new().trend(&EVENTS));
}

#[test]
fn the_json_form_names_every_answer() {
    let json = Shop::new().json(&EVENTS);
    assert_eq!(json["schema"], "countersign.trend/1");
    assert_eq!(json["trend"]["answer"]["verdict"]["word"], "higher");
    assert_eq!(
        json["comparison"]["simpson"]["text"]
            .as_str()
            .map(|t| t.contains("Simpson's paradox")),
        Some(true)
    );
    assert_eq!(
        json["events"]["effects"][0]["answer"]["verdict"]["reason"]["code"],
        "coincide"
    );
    assert_eq!(json["inputs"][0]["sha256"].as_str().unwrap().len(), 64);
    for part in ["trend", "pace", "rare", "comparison", "looks"] {
        let answer = &json[part]["answer"];
        for field in ["question", "sentence", "method"] {
            assert!(
                answer[field].as_str().is_some_and(|text| !text.is_empty()),
                "{part}.{field}"
            );
        }
    }
}

#[test]
fn undeclared_use_turns_the_answer_into_cannot_tell() {
    let sure = Shop::new().json(&["--by", "severity"]);
    assert_eq!(sure["comparison"]["answer"]["verdict"]["word"], "higher");
    let unsure = Shop::undeclared(50).json(&["--by", "severity"]);
    assert_eq!(
        unsure["comparison"]["answer"]["verdict"]["reason"]["code"],
        "undeclared"
    );
    assert_eq!(
        unsure["trend"]["answer"]["verdict"]["word"], "higher",
        "the trend needs no declaration"
    );
}

#[test]
fn without_exposure_nothing_is_called_a_rate() {
    let shop = Shop::new();
    let said = shown(&countersign(
        shop.path(),
        &["trend", "--incidents", "incidents.csv", "--by", "severity"],
    ));
    let mut lines = said.lines().skip(1);
    assert_eq!(
        lines.next().unwrap(),
        "Incidents per 1,000 changes shipped: cannot tell: no exposure: changes shipped"
    );
    assert!(said.contains("(a count, not a risk)"), "{said}");
}

#[test]
fn service_hours_are_exposure_too() {
    let shop = Shop::new();
    let mut hours = String::new();
    for week in 0..100i64 {
        let monday = jiff::civil::date(2024, 3, 4)
            .checked_add(jiff::Span::new().days(7 * week))
            .unwrap();
        for service in ["prices", "cart", "search"] {
            let _ = writeln!(
                hours,
                "{{\"week\":\"{monday}\",\"service\":\"{service}\",\"hours\":168}}"
            );
        }
    }
    std::fs::write(shop.path().join("hours.jsonl"), hours).unwrap();
    let said = shop.trend(&[
        "--metric",
        "service-hours",
        "--service-hours",
        "hours.jsonl",
        "--by",
        "service",
    ]);
    assert!(
        said.contains("Incidents per 1,000 service-hours: higher since 2025-W"),
        "{said}"
    );
}

#[test]
fn the_page_stands_alone() {
    let shop = Shop::new();
    let mut args = vec!["--format", "html", "--output", "trend.html"];
    args.extend(EVENTS);
    assert_eq!(shop.trend(&args), "exit 0\n");
    let html = std::fs::read_to_string(shop.path().join("trend.html")).unwrap();
    assert!(html.starts_with("<!doctype html>") && html.ends_with("</html>\n"));
    assert!(!html.contains("<script") && !html.contains("src="));
    let links = html.matches("http").count();
    assert_eq!(
        links,
        html.matches("http://www.w3.org/2000/svg").count() + html.matches("http-equiv").count()
    );
    assert!(html.matches("<svg").count() >= 6);
    assert_eq!(html.matches("<svg").count(), html.matches("<desc>").count());
    assert_eq!(
        html.matches("<figure>").count(),
        html.matches("<figcaption").count()
    );
    if let Some(folder) = std::env::var_os("COUNTERSIGN_PAGE_OUT") {
        // for eyes
        std::fs::write(PathBuf::from(folder).join("trend.html"), html).unwrap();
        for file in ["incidents.csv", "changes.csv"] {
            let folder = std::env::var_os("COUNTERSIGN_PAGE_OUT").unwrap();
            std::fs::copy(shop.path().join(file), PathBuf::from(folder).join(file)).unwrap();
        }
    }
}

#[test]
fn the_page_prints_as_pdf() {
    if installed(&["chromium", "google-chrome", "chromium-browser"]).is_none() {
        return;
    }
    let shop = Shop::new();
    assert_eq!(
        shop.trend(&["--format", "pdf", "--output", "trend.pdf"]),
        "exit 0\n"
    );
    let pdf = std::fs::read(shop.path().join("trend.pdf")).unwrap();
    assert!(pdf.starts_with(b"%PDF-") && pdf.len() > 20_000);
}

#[test]
fn wrong_input_is_told_with_its_place() {
    let shop = Shop::new();
    let write = |name: &str, text: &str| std::fs::write(shop.path().join(name), text).unwrap();
    write("sev.csv", "id,started_at,severity\na,2026-03-10,Sev9\n");
    write("time.jsonl", "{\"id\":1,\"started_at\":\"10.3.2026\"}\n");
    write("head.csv", "name,started_at\na,2026-03-10\n");
    write("text.jsonl", "{\"id\":1,\n");
    write("ai.csv", "shipped_at,ai\n2026-03-10,perhaps\n");
    write(
        "link.jsonl",
        "{\"id\":1,\"started_at\":\"2026-03-10\",\"links\":[{\"change\":\"c\",\"confidence\":7}]}\n",
    );
    write("empty.csv", "id,started_at\n");
    let mut said = String::new();
    for args in [
        &["--incidents", "sev.csv"][..],
        &["--incidents", "time.jsonl"],
        &["--incidents", "head.csv"],
        &["--incidents", "text.jsonl"],
        &["--incidents", "link.jsonl"],
        &["--incidents", "incidents.csv", "--changes", "ai.csv"],
        &["--incidents", "nowhere.csv"],
        &["--incidents", "empty.csv"],
        &[
            "--incidents",
            "incidents.csv",
            "--since",
            "2026-W10",
            "--until",
            "2026-W09",
        ],
        &["--incidents", "incidents.csv", "--event", "policy"],
        &["--incidents", "incidents.csv", "--alpha", "5"],
        &["--incidents", "incidents.csv", "--format", "pdf"],
    ] {
        let mut all = vec!["trend"];
        all.extend(args);
        let _ = writeln!(
            said,
            "$ {}\n{}",
            args.join(" "),
            shown(&countersign(shop.path(), &all))
        );
    }
    insta::assert_snapshot!(said);
}

/// One mistyped year would fill the window with weeks in which nothing happened.
#[test]
fn a_mistyped_year_is_told_with_its_row() {
    let shop = Shop::new();
    let plain = std::fs::read_to_string(shop.path().join("incidents.csv")).unwrap();
    let rows = plain.lines().count();
    for (day, why) in [
        ("2099-03-05", "is in the future"),
        ("1926-03-05", "is more than 60 years ago"),
    ] {
        let text = format!("{plain}slip,{day}T10:00:00Z,Sev3,cart,,\n");
        std::fs::write(shop.path().join("slip.csv"), text).unwrap();
        std::fs::write(
            shop.path().join("shipped.csv"),
            format!("id,shipped_at,ai\nslip,{day},no\n"),
        )
        .unwrap();
        for (files, place) in [
            (
                ["slip.csv", "changes.csv"],
                format!("slip.csv line {}", rows + 1),
            ),
            (
                ["incidents.csv", "shipped.csv"],
                "shipped.csv line 2".to_owned(),
            ),
        ] {
            let args = ["trend", "--incidents", files[0], "--changes", files[1]];
            let said = shown(&countersign(shop.path(), &args));
            assert!(said.starts_with("exit 65"), "{said}");
            assert!(
                said.contains(&format!("{place}: `slip`: {day} {why}")),
                "{said}"
            );
        }
    }
}

#[test]
fn an_event_of_an_unknown_service_is_a_slip() {
    let said = Shop::new().trend(&["--event", "policy=2025-07-01@nosuch"]);
    assert!(said.starts_with("exit 64"), "{said}");
    assert!(
        said.contains("names the service `nosuch`, of which nothing is known"),
        "{said}"
    );
    assert!(said.contains("cart, prices, search"), "{said}");
}

#[test]
fn what_is_odd_is_said() {
    let shop = Shop::new();
    std::fs::write(
        shop.path().join("odd.jsonl"),
        "{\"id\":\"a\",\"started_at\":\"2025-03-10\",\"links\":[\"gone\"]}\n\
         {\"id\":\"a\",\"started_at\":\"2025-03-10\"}\n\n\
         {\"id\":\"m\",\"started_at\":\"2025-03-10\",\"impact\":\"maintenance\"}\n\
         {\"id\":\"b\",\"started_at\":\"2025-03-10T10:00:00+02:00\",\"impact\":\"major\",\"components\":[\"cart\"],\"links\":null}\n",
    )
    .unwrap();
    let args = [
        "trend",
        "--incidents",
        "odd.jsonl",
        "--changes",
        "changes.csv",
        "--format",
        "json",
        "--by",
        "severity",
    ];
    let json: serde_json::Value =
        serde_json::from_slice(&countersign(shop.path(), &args).stdout).unwrap();
    assert_eq!(
        json["warnings"],
        serde_json::json!([
            "1 incident given more than once; the first was kept",
            "1 planned maintenance left out",
            "incidents name changes that are not among those given: gone"
        ])
    );
    assert_eq!(json["totals"]["incidents"], 2);
}

/// 819 incidents of a public status page, where present.
#[test]
fn a_real_status_page_is_read_as_it_is() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let file = root
        .ancestors()
        .map(|above| above.join("shared/data/github-status/parsed_incidents.jsonl"))
        .find(|file| file.is_file());
    let Some(file) = file else {
        eprintln!("SKIPPED: no ../shared/data/github-status");
        return;
    };
    let shop = Shop::new();
    let file = file.display().to_string();
    let output = countersign(
        shop.path(),
        &[
            "trend",
            "--incidents",
            &file,
            "--format",
            "json",
            "--by",
            "severity",
        ],
    );
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json["inputs"][0]["rows"], 819);
    assert_eq!(json["pace"]["turn"]["week"], "2026-W02");
    assert_eq!(
        json["trend"]["answer"]["verdict"]["reason"]["code"],
        "no-exposure"
    );
    assert_eq!(
        json["comparison"]["answer"]["verdict"]["reason"]["code"],
        "no-exposure"
    );
}
