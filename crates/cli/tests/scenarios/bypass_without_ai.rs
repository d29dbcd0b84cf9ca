//! Somebody goes round the process, and no AI is anywhere near.

use super::shop::{Shop, line, section};

#[test]
fn a_bypass_without_ai_is_no_incident_of_ai() {
    let shop = Shop::new();
    let id = shop.incident("staging line");
    let review = shop.review();
    let bypasses = section(&review, "Bypasses and break-glass");
    let by_hand = line(bypasses, &["Prices altered in the database by hand"]);
    assert!(
        by_hand.contains("nothing allowed it") && by_hand.contains("joy"),
        "{by_hand}"
    );
    let glass = line(bypasses, &["break-glass, after-review overdue"]);
    assert!(glass.contains("omar"), "{glass}");
    let rollout = line(section(&review, "Rollouts"), &["dep-checkout-rc"]);
    assert!(rollout.contains("went on over a halt"), "{rollout}");
    let factors = section(&review, "Factors");
    let bypass = line(factors, &[&id, "bypassed-change-process"]);
    assert!(bypass.contains("confirmed"), "{bypass}");
    // established that AI had no part: the record, and the arm it counts in
    let row = line(section(&review, "Incidents"), &[&id]);
    assert!(row.contains("none"), "{row}");
    let before = shop.json("trend --until 2026-W11 --format json");
    let why = "a colleague found the log of an agent";
    shop.run(&format!(
        "incident update {id} --ai executed --by sara --why '{why}'"
    ));
    let after = shop.json("trend --until 2026-W11 --format json");
    // what an incident's record says of AI moves it to no other arm: links do
    assert_eq!(before["comparison"]["ai"], after["comparison"]["ai"]);
    assert_eq!(
        before["comparison"]["others"],
        after["comparison"]["others"]
    );
}
