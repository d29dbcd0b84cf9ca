//! What a rule costs, in minutes of those who have to sign.

use super::shop::{Shop, line, section};

#[test]
fn the_minutes_that_a_rule_costs_are_shown() {
    let shop = Shop::new();
    let review = shop.review();
    let safeguards = section(&review, "Safeguards");
    let cost = line(safeguards, &["minutes of signers"]);
    assert!(cost.chars().any(|c| c.is_ascii_digit()), "{cost}");
    let json = shop.review_json();
    let week = &json["safeguards"];
    let number = |name: &str| week[name].as_u64().unwrap();
    // at least five minutes for every approval whose size is known
    let known = number("approvals") - number("size_unknown");
    assert!(known > 0 && number("minutes") >= 5 * known, "{week}");
    assert!(number("lead_minutes") > 0 && number("lead_minutes_p90") >= number("lead_minutes"));
    assert!(line(safeguards, &["from hold to approval"]).contains("changes"));
    // beside what it caught
    assert!(line(safeguards, &["vetoed"]).contains(" of "));
    // the week before the ninety days began cost less
    let before = "review build --week 2025-W50 --cut-off 2025-12-15T08:00:00Z --format json";
    let before = shop.json(before);
    let before = before["safeguards"]["minutes"].as_u64().unwrap();
    assert!(before < number("minutes"), "{before}");
    // and what it is for: fewer incidents where it holds
    assert!(shop.run("initiative result INI-2025-2").contains("better"));
    assert!(shop.run("trend").contains("Ninety-day reset on tier 1"));
}
