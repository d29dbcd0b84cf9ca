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
    // one incident is no trend
    let trend = shop.run("trend");
    let grave = trend
        .split("Sev1 incidents, by changes shipped between them: ")
        .nth(1)
        .unwrap();
    assert!(grave.starts_with("cannot tell"), "{grave}");
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
