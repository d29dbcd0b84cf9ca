//! An assistant answers with the steps of an old wiki page, and they are taken.

use super::shop::{Shop, line, section};

#[test]
fn advice_from_a_stale_wiki() {
    let shop = Shop::new();
    let id = shop.incident("Prices without tax");
    let shown = shop.run(&format!("incident show {id}"));
    assert!(
        shown.contains("advised") && shown.contains("wiki page of 2022"),
        "{shown}"
    );
    let review = shop.review();
    let factors = section(&review, "Factors");
    let stale = line(factors, &[&id, "stale-source-advice"]);
    assert!(
        stale.contains("confirmed") && stale.contains("omar"),
        "{stale}"
    );
    assert!(line(section(&review, "Incidents"), &[&id]).contains("advised"));
    // an action that nobody took on is asked for
    let asked = line(section(&review, "Decisions"), &["Wiki pages"]);
    assert!(asked.contains("no owner"), "{asked}");
    // advice is a part in the cause: the change counts as AI-assisted
    let with = shop.json("trend --until 2026-W11 --format json");
    shop.run(&format!(
        "link reject {id} sample-shop@7a11c0de00000000000000000000000000000001 --by gwen --why 'it was a cache'"
    ));
    let without = shop.json("trend --until 2026-W11 --format json");
    let of = |it: &serde_json::Value| it["comparison"]["ai"]["incidents"].as_u64().unwrap();
    assert_eq!(of(&with), of(&without) + 1);
}
