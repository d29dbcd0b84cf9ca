//! An agent chooses to delete and recreate the environment.

use super::shop::{Shop, line, section};

#[test]
fn an_agent_recreates_the_environment() {
    let shop = Shop::new();
    let id = shop.incident("accounts environment");
    let shown = shop.run(&format!("incident show {id}"));
    assert!(
        shown.contains("executed") && shown.contains("13 h"),
        "{shown}"
    );
    let review = shop.review();
    // what the guard said, and that it was in shadow
    let bypass = line(
        section(&review, "Bypasses and break-glass"),
        &["terraform destroy"],
    );
    assert!(
        bypass.contains("ran although the guard held it") && bypass.contains("noor"),
        "{bypass}"
    );
    // a claim that others confirmed, and one that somebody does not agree with
    let factors = section(&review, "Factors");
    let inherited = line(factors, &[&id, "inherited-permission"]);
    assert!(
        inherited.contains("confirmed") && inherited.contains("gwen"),
        "{inherited}"
    );
    let novel = line(factors, &[&id, "novel-usage"]);
    assert!(
        novel.contains("disputed") && novel.contains("noor"),
        "{novel}"
    );
    let asked = line(section(&review, "Decisions"), &["novel-usage"]);
    assert!(asked.contains("does not agree"), "{asked}");
    // the use of AI that nobody had decided on
    let usage = section(&review, "Uses of AI");
    let kiro = line(
        usage,
        &["kiro/claude-sonnet/agent-autonomous/infrastructure/production"],
    );
    assert!(
        kiro.contains("nothing decided") && kiro.contains("nobody"),
        "{kiro}"
    );
    let counted = shop.json("usage list --json");
    let rows = counted["patterns"].as_array().unwrap();
    let row = rows.iter().find(|it| {
        it["pattern"]
            .as_str()
            .is_some_and(|it| it.starts_with("kiro/"))
    });
    assert_eq!(row.unwrap()["incidents"], 1, "{counted}");
    // the trend counts it among AI-assisted changes, because of its link
    let of = |shop: &Shop| {
        let trend = shop.json("trend --until 2026-W11 --format json");
        trend["comparison"]["ai"]["incidents"].as_u64().unwrap()
    };
    let with = of(&shop);
    let json = shop.review_json();
    let bypassed = json["bypasses"].as_array().unwrap().iter();
    let titled =
        |it: &&serde_json::Value| it["title"] == "Delete and recreate the accounts environment";
    let about = bypassed.clone().find(titled).unwrap()["about"]
        .as_str()
        .unwrap();
    let change = about.strip_prefix("change:").unwrap();
    shop.run(&format!(
        "link reject {id} {change} --by gwen --why 'it was the network'"
    ));
    assert_eq!(of(&shop) + 1, with);
}

#[test]
fn where_the_guard_is_not_in_shadow_it_holds() {
    let shop = Shop::new();
    assert_eq!(shop.say("guard compile").code, 0);
    let said =
        shop.say("guard explain -- 'terraform destroy -target=module.accounts && terraform apply'");
    assert!(
        said.code == 1 && said.text.starts_with("HOLD"),
        "{}",
        said.text
    );
    assert!(said.text.contains("destroys everything"), "{}", said.text);
}
