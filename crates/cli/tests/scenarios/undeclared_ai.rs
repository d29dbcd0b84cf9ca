//! Part of what AI wrote is declared by nobody.

use super::shop::Shop;

/// Changes of three kinds over a year, as `week,tier,lines,ai,count`, and one
/// incident for so many of them. AI-assisted changes fail twice as often.
fn year(shop: &Shop, silent: u64) {
    let mut changes = "id,shipped_at,service,tier,lines,ai,count\n".to_owned();
    let mut incidents = "id,started_at,severity,services,links\n".to_owned();
    let mut number = 0;
    for week in 1..=50 {
        for (ai, count, every) in [("yes", 60, 2), ("no", 100, 3)] {
            let hidden = if ai == "yes" { count * silent / 100 } else { 0 };
            // incidents of AI-assisted changes: those of declared and silent ones
            for n in 0..(if ai == "yes" { 4 } else { 2 }) + u64::from(week % every == 0) {
                number += 1;
                // every change that failed is one of its own
                let word = if ai == "yes" && n * 100 < silent * 4 {
                    ""
                } else {
                    ai
                };
                changes.push_str(&format!("c{number},2025-W{week:02},shop,1,30,{word},1\n"));
                incidents.push_str(&format!("i{number},2025-W{week:02},sev3,shop,c{number}\n"));
            }
            changes.push_str(&format!(
                "r{week}{ai},2025-W{week:02},shop,1,30,{ai},{}\n",
                count - hidden
            ));
            if hidden > 0 {
                changes.push_str(&format!("s{week},2025-W{week:02},shop,1,30,,{hidden}\n"));
            }
        }
    }
    std::fs::write(shop.path().join("changes.csv"), changes).unwrap();
    std::fs::write(shop.path().join("incidents.csv"), incidents).unwrap();
}

fn answer(shop: &Shop) -> serde_json::Value {
    let said = shop.say("trend --incidents incidents.csv --changes changes.csv --format json");
    assert_eq!(said.code, 0, "{}", said.text);
    let json: serde_json::Value = serde_json::from_str(&said.text).unwrap();
    json["comparison"].clone()
}

#[test]
fn undeclared_ai_takes_the_verdict_away() {
    let shop = Shop::new();
    year(&shop, 0);
    let declared = answer(&shop);
    assert_eq!(
        declared["answer"]["verdict"]["word"], "higher",
        "{declared}"
    );
    year(&shop, 50);
    let silent = answer(&shop);
    assert_eq!(
        silent["answer"]["verdict"]["word"], "cannot tell",
        "{silent}"
    );
    assert_eq!(
        silent["answer"]["verdict"]["reason"]["code"], "undeclared",
        "{silent}"
    );
    assert!(silent["bounds"]["low"].as_f64().unwrap() < 1.0, "{silent}");
}

#[test]
fn the_sample_shop_cannot_tell_either() {
    let shop = Shop::new();
    let all = shop.json("trend --format json");
    // the weekly looks go off on declared changes alone, and no more than that is said
    assert!(!all["looks"]["alarm"].is_null(), "{}", all["looks"]);
    let looks = &all["looks"]["answer"];
    assert_eq!(looks["verdict"]["reason"]["code"], "undeclared", "{looks}");
    // three Sev1, of which any one carries the answer
    let rare = &all["rare"];
    assert!(rare["p_value"].as_f64().unwrap() < 0.05, "{rare}");
    let reason = &rare["answer"]["verdict"]["reason"];
    assert_eq!(reason["code"], "rests-on-one", "{rare}");
    let found = &all["comparison"];
    // safer as they stand, riskier like for like, and neither may be said
    assert!(found["crude"]["high"].as_f64().unwrap() < 1.0, "{found}");
    assert!(found["adjusted"]["low"].as_f64().unwrap() > 1.0, "{found}");
    assert!(!found["simpson"].is_null(), "{found}");
    assert_eq!(found["answer"]["verdict"]["word"], "cannot tell");
    // the register says of those incidents that nobody has established it
    let review = shop.review_json();
    let list = review["incidents"]["list"].as_array().unwrap();
    assert!(list.iter().any(|it| it["ai"] == "unknown"), "{list:?}");
}
