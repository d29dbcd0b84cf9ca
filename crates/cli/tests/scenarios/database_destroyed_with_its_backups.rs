//! An agent deletes a database, and its backups lie in what it deletes.

use super::shop::{Shop, line, section};

const DELETE: &str = "aws rds delete-db-instance --db-instance-identifier orders --skip-final-snapshot --delete-automated-backups";

#[test]
fn a_database_is_destroyed_with_its_backups() {
    let shop = Shop::new();
    // the guard would not let it through
    assert_eq!(shop.say("guard compile").code, 0);
    let said = shop.say(&format!("guard explain -- '{DELETE}'"));
    assert!(
        said.code == 1 && said.text.contains("destructive"),
        "{}",
        said.text
    );
    // where there was none
    let before = grave(&shop);
    shop.run(
        "incident add 'The orders database is gone, and its backups with it' --id INC-DB \
         --started 2026-03-14T02:10Z --resolved 2026-03-15T20:10Z --severity Sev1 --service warehouse \
         --customers 40 --object aws_db_instance.orders --ai executed --by ravi",
    );
    shop.run("factor claim INC-DB backup-in-blast-radius --by ravi --evidence 'snapshots are in the deleted instance'");
    shop.run("factor confirm INC-DB backup-in-blast-radius --by gwen");
    shop.run("link confirm INC-DB none --by ravi --why 'it was a command, not a change'");
    let coe = shop.run("incident coe INC-DB");
    assert!(coe.contains("INC-DB"), "{coe}");
    let review = shop.review_now();
    let row = line(section(&review, "Incidents"), &["INC-DB"]);
    assert!(row.contains("sev1") || row.contains("Sev1"), "{row}");
    assert!(row.contains("executed") && row.contains("42 h"), "{row}");
    let factor = line(
        section(&review, "Factors"),
        &["INC-DB", "backup-in-blast-radius"],
    );
    assert!(factor.contains("confirmed"), "{factor}");
    // grave, and nobody has written down what it taught
    assert!(section(&review, "Deep dives").contains("orders database"));
    let asked = line(section(&review, "Decisions"), &["INC-DB"]);
    assert!(asked.contains("correction of errors"), "{asked}");
    // the trend of Sev1 has one more to count
    let after = grave(&shop);
    assert_eq!(after, before + 1);
}

fn grave(shop: &Shop) -> u64 {
    let trend = shop.json("trend --until 2026-W11 --format json");
    trend["totals"]["severities"]["1"].as_u64().unwrap()
}
