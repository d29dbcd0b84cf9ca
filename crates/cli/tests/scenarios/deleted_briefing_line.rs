//! A line of the briefing is gone the next morning.

use super::shop::{Shop, line, section};

#[test]
fn a_deleted_line_is_named_with_who_and_when() {
    let shop = Shop::new();
    let id = shop.incident("accounts environment");
    let sent =
        shop.run("review circulate --week 2026-W11 --by gwen --required sara,li --optional omar");
    assert!(sent.contains("version 1"), "{sent}");
    // only who made the claim can take it back
    let boss = shop.say(&format!(
        "factor withdraw {id} novel-usage --by gwen --why 'not for the briefing' --db countersign.db"
    ));
    assert!(
        boss.code != 0 && boss.text.contains("only sara"),
        "{}",
        boss.text
    );
    shop.run(&format!(
        "factor withdraw {id} novel-usage --by sara --why 'not the wording we want'"
    ));
    let wiki = shop.incident("Prices without tax");
    shop.run(&format!(
        "incident update {wiki} --status dismissed --by omar --why 'a drill'"
    ));
    let review = shop.review_now();
    let changed = section(&review, "Changed against");
    let withdrawn = line(changed, &["novel-usage", "withdrawn"]);
    assert!(withdrawn.contains("sara: withdrawn"), "{withdrawn}");
    assert!(withdrawn.contains("not the wording we want"), "{withdrawn}");
    let dismissed = line(changed, &["Prices without tax"]);
    assert!(
        dismissed.starts_with("| deleted |") && dismissed.contains("omar"),
        "{dismissed}"
    );
    // the claim stays in the register, with who and why
    let claims = shop.run(&format!("factor list {id} --history"));
    assert!(
        claims.contains("withdrawn") && claims.contains("not the wording we want"),
        "{claims}"
    );
    // and the trend still counts what was recorded, but for what is no incident
    assert!(shop.run("ledger verify").starts_with("WHOLE"));
    assert!(
        shop.json("trend --format json")["totals"]["incidents"]
            .as_u64()
            .unwrap()
            > 200
    );
}
