//! The sample organisation itself: labelled, repeatable, and as it says.

use std::process::Command;

use tempfile::TempDir;

use super::shop::{Shop, WEEK, countersign, line, original};

#[test]
fn what_it_prints_can_be_typed() {
    let shop = Shop::new();
    let binary = std::path::Path::new(env!("CARGO_BIN_EXE_countersign"));
    let path = std::env::var("PATH").unwrap();
    let path = format!("{}:{path}", binary.parent().unwrap().display());
    let mut commands = 0;
    for command in original()
        .1
        .lines()
        .filter_map(|it| it.strip_prefix("  countersign "))
    {
        let done = Command::new("sh")
            .args(["-c", &format!("countersign {command}")])
            .current_dir(shop.path())
            .env("PATH", &path)
            .env("HOME", shop.path())
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env_remove("COUNTERSIGN_DB")
            .output()
            .unwrap();
        assert!(done.status.success(), "{command}: {done:?}");
        commands += 1;
    }
    assert!(commands >= 7, "{}", original().1);
    assert!(shop.path().join("review.html").metadata().unwrap().len() > 50_000);
}

#[test]
fn nobody_takes_it_for_real() {
    let shop = Shop::new();
    assert!(original().1.starts_with("SAMPLE DATA in shop"));
    assert!(shop.review().contains("SAMPLE DATA"));
    assert!(
        shop.run(&format!("{WEEK} --format html"))
            .contains("SAMPLE DATA")
    );
    assert_eq!(shop.review_json()["sample"], true);
    assert!(
        shop.run("review briefing --week 2026-W11")
            .starts_with("SAMPLE DATA")
    );
    assert!(shop.run("trend").contains("SAMPLE DATA"));
    assert!(shop.run("db status").contains("SAMPLE DATA"));
    let files = [
        "README.md",
        ".countersign/policy.toml",
        ".countersign/people.toml",
    ];
    for file in files
        .iter()
        .chain(&[".countersign/catalog.yaml", ".countersign/usage.toml"])
    {
        let text = std::fs::read_to_string(shop.path().join(file)).unwrap();
        assert!(text.contains("SAMPLE DATA"), "{file}");
    }
}

#[test]
fn the_same_seed_gives_the_same_review_and_no_directory_is_mixed() {
    let dir = TempDir::new().unwrap();
    let again = |args: &[&str]| countersign(dir.path(), dir.path(), args);
    assert_eq!(again(&["demo", "shop"]).text, original().1);
    let full = again(&["demo", "shop", "--seed", "3"]);
    assert!(
        full.code == 65 && full.text.contains("not empty"),
        "{}",
        full.text
    );
    let build: Vec<&str> = WEEK
        .split(' ')
        .chain(["--format", "html", "--db", "countersign.db"])
        .collect();
    let review = countersign(&dir.path().join("shop"), dir.path(), &build).text;
    assert_eq!(review, Shop::new().run(&format!("{WEEK} --format html")));
}

#[test]
fn what_is_planted_can_be_found() {
    let shop = Shop::new();
    let trend = shop.json("trend --format json");
    assert_eq!(
        trend["trend"]["answer"]["verdict"]["word"], "higher",
        "{}",
        trend["trend"]
    );
    let events = shop.run("trend");
    let canary = events
        .split("Releases without the canary stage (2025-W24): ")
        .nth(1)
        .unwrap();
    assert!(canary.starts_with("higher"), "{canary}");
    let both = shop.run("trend --event 'job cuts=2025-06-16'");
    let cuts = both.split("job cuts (2025-W25): ").nth(1).unwrap();
    assert!(
        cuts.starts_with("cannot tell: cannot be separated"),
        "{cuts}"
    );
    let whole = shop.run("ledger verify");
    assert!(line(&whole, &["WHOLE"]).starts_with("WHOLE"));
}
