//! The register of incidents through the binary: a database, people, history.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot be set up has to fail"
)]

use std::path::PathBuf;
use std::process::Command;

/// A database of its own, and the binary on it.
struct Register {
    folder: tempfile::TempDir,
}

impl Register {
    fn new() -> Self {
        let register = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        register.run("db migrate");
        register
    }

    /// Writes a file and gives its path.
    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Runs a line of arguments; single quotes keep words together.
    fn run(&self, line: &str) -> String {
        let mut args: Vec<String> = Vec::new();
        for (place, part) in line.split('\'').enumerate() {
            if place % 2 == 1 {
                args.push(part.to_owned());
            } else {
                args.extend(part.split_whitespace().map(str::to_owned));
            }
        }
        let output = Command::new(env!("CARGO_BIN_EXE_countersign"))
            .current_dir(self.folder.path())
            .args(&args)
            .env("COUNTERSIGN_DB", self.folder.path().join("ledger.db"))
            .env("NO_COLOR", "1")
            .output()
            .unwrap();
        let stdout = String::from_utf8_lossy(&output.stdout);
        let stderr = String::from_utf8_lossy(&output.stderr);
        format!(
            "exit {}\n{stdout}{stderr}",
            output.status.code().unwrap_or(-1)
        )
    }

    fn json(&self, line: &str) -> serde_json::Value {
        let said = self.run(line);
        assert!(said.starts_with("exit 0\n"), "{line}: {said}");
        let json = said.trim_start_matches("exit 0\n");
        serde_json::from_str(json).unwrap()
    }
}

const ADD: &str = "incident add 'checkout down' --id INC-1 --started 2026-03-05T09:10Z --severity Sev2 \
    --service checkout --function buy --customers 20 --by ada";

#[test]
fn an_incident_is_recorded_corrected_and_remembered_as_it_was() {
    let register = Register::new();
    assert_eq!(register.run(ADD), "exit 0\nrecorded INC-1  checkout down\n");
    assert!(
        register
            .run(ADD)
            .contains("there is an incident `INC-1` already")
    );
    let before = register.json("incident show INC-1 --json");
    let known = before["incident"]["noted"]["at"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(
        register
            .run("incident update INC-1 --severity Sev1 --by bo")
            .contains("a correction needs a reason")
    );
    let said = register.run(
        "incident update INC-1 --severity Sev1 --resolved 2026-03-05T15:10+01:00 --by bo --why 'everyone was down'",
    );
    assert!(
        said.contains("severity: sev2 → sev1") && said.contains("status: open → resolved"),
        "{said}"
    );
    let today = register.json("incident show INC-1 --json");
    assert_eq!(today["incident"]["severity"], "sev1");
    assert_eq!(today["clock_minutes"], 300.0);
    assert_eq!(today["weighted_minutes"], 60.0);
    assert_eq!(today["history"][1]["noted"]["why"], "everyone was down");
    let then = register.json(&format!("incident show INC-1 --json --as-of {known}"));
    assert_eq!(then["incident"]["severity"], "sev2");
    assert_eq!(then["history"].as_array().unwrap().len(), 1);
    let said =
        register.run("incident update INC-1 --mitigated 2026-03-05T08:00Z --by bo --why typo");
    assert!(
        said.starts_with("exit 65") && said.contains("it is before `started`"),
        "{said}"
    );
    let said =
        register.run("incident update INC-1 --mitigated '2026-03-05 10:00' --by bo --why typo");
    assert!(
        said.starts_with("exit 64") && said.contains("--zone"),
        "{said}"
    );
}

#[test]
fn two_incidents_are_not_each_the_same_as_the_other() {
    let register = Register::new();
    register.run(ADD);
    for (id, other) in [("INC-2", "INC-1"), ("INC-3", "INC-2")] {
        let add = ADD.replace("INC-1", id);
        assert!(register.run(&add).starts_with("exit 0"));
        let same = format!("incident update {id} --duplicate-of {other} --by ada --why same");
        assert!(register.run(&same).starts_with("exit 0"));
    }
    let said = register.run("incident update INC-1 --duplicate-of INC-3 --by ada --why same");
    assert!(said.starts_with("exit 65"), "{said}");
    assert!(
        said.contains("`INC-2` is recorded as the same as `INC-1` already"),
        "{said}"
    );
    let shown = register.json("incident show INC-1 --json");
    assert_eq!(shown["incident"].get("duplicate_of"), None);
}

#[test]
fn factors_are_claimed_disputed_and_withdrawn_in_sight() {
    let register = Register::new();
    register.run(ADD);
    register.run("factor claim INC-1 novel-usage --by ada --evidence 'chat log'");
    let own = register.run("factor confirm INC-1 novel-usage --by ada");
    assert!(own.contains("someone else has to look at it"), "{own}");
    register.run("factor confirm INC-1 novel-usage --by bo");
    assert_eq!(
        register.json("factor list INC-1 --json")[0]["state"],
        "confirmed"
    );
    let boss =
        register.run("factor withdraw INC-1 novel-usage --by boss --why 'not in the briefing'");
    assert!(boss.contains("only ada can withdraw"), "{boss}");
    register.run("factor dispute INC-1 novel-usage --by boss --why 'it was a process'");
    assert_eq!(
        register.json("factor list INC-1 --json")[0]["state"],
        "disputed"
    );
    register.run(
        "incident factor withdraw INC-1 novel-usage --by ada --why 'the log was of another day'",
    );
    let claims = register.json("factor list INC-1 --json");
    assert_eq!(claims[0]["state"], "withdrawn");
    assert_eq!(claims[0]["statements"].as_array().unwrap().len(), 4);
    assert!(
        register
            .run("factor claim INC-1 novel-usge --by ada")
            .contains("did you mean `novel-usage`?")
    );
    assert!(
        register
            .run("factor claim INC-2 novel-usage --by ada")
            .starts_with("exit 66")
    );
}

#[test]
fn importing_twice_changes_nothing_and_keeps_corrections() {
    let register = Register::new();
    let event = |id: &str, kind: &str, minute: u8| {
        format!(
            r#"{{"event":{{"id":"{id}","event_type":"incident.{kind}","occurred_at":"2026-03-05T09:{minute:02}:00Z","data":{{"id":"P1","type":"incident","title":"down","created_at":"2026-03-05T09:00:00Z","service":{{"id":"S","summary":"Cart"}},"priority":{{"summary":"P3"}}}}}}}}"#
        )
    };
    let file = register.file(
        "events.jsonl",
        &[event("a", "triggered", 0), event("b", "resolved", 40)].join("\n"),
    );
    let import = format!(
        "incident import --format pagerduty {} --json",
        file.display()
    );
    assert_eq!(register.json(&import)["new"], 1);
    assert_eq!(register.json(&import)["unchanged"], 1);
    register.run("incident update pagerduty:P1 --severity Sev1 --by ada --why 'worse than paged'");
    let again = register.json(&import);
    assert_eq!(
        (
            &again["updated"],
            &again["kept"]["pagerduty:P1"][0]["field"]
        ),
        (&0.into(), &"severity".into())
    );
    assert_eq!(
        register.json("incident show pagerduty:P1 --json")["incident"]["severity"],
        "sev1"
    );
    let head = register.run("ledger head");
    register.run(&import);
    assert_eq!(register.run("ledger head"), head, "nothing was added");
    let broken = register.file("broken.jsonl", "{\"event\": 1}\n");
    let said = register.run(&format!(
        "incident import --format pagerduty {}",
        broken.display()
    ));
    assert!(
        said.starts_with("exit 1") && said.contains("row 1"),
        "{said}"
    );
}

#[test]
fn an_analysis_makes_actions_and_closes_the_incident() {
    let register = Register::new();
    register.run(ADD);
    let coe = register.run("incident coe INC-1").replace("exit 0\n", "");
    let filled = coe
        .replace(
            "> Who does what",
            "- [ ] refuse an empty table | owner: bo | due: 2026-04-01\n> Who does what",
        )
        .replace(
            "> What customers saw",
            "Prices were empty.\n> What customers saw",
        );
    let file = register.file("coe.md", &filled);
    let read = format!("incident coe INC-1 --read {} --by ada", file.display());
    assert!(register.run(&read).contains("still open"));
    assert!(
        register
            .run("incident close INC-1 --by ada")
            .contains("is not over")
    );
    register.run("incident update INC-1 --resolved 2026-03-05T15:10Z --by ada --why over");
    assert!(
        register
            .run("incident close INC-1 --by ada")
            .contains("nobody has written the analysis")
    );
    assert!(register.run(&read).contains("1 action new or changed"));
    assert!(
        register.run(&read).contains("0 actions new or changed"),
        "read twice"
    );
    let actions = register.json("action list --json");
    assert_eq!(
        (&actions[0]["owner"], &actions[0]["due"]),
        (&"bo".into(), &"2026-04-01".into())
    );
    let id = actions[0]["id"].as_str().unwrap().to_owned();
    assert!(register.run("incident coe INC-1").contains(&format!(
        "refuse an empty table | owner: bo | due: 2026-04-01 | id: {id}"
    )));
    assert!(
        register
            .run(&format!("action done {id} --by bo"))
            .contains("not yet shown to help")
    );
    register.run(&format!(
        "action done {id} --by bo --evidence 'the drill of 3 April'"
    ));
    assert_eq!(
        register.json("action list --all --json")[0]["evidence"],
        "the drill of 3 April"
    );
    assert!(
        register
            .run("incident close INC-1 --by ada")
            .contains("closed INC-1")
    );
}

#[test]
fn links_are_suggested_with_reasons_and_people_have_the_last_word() {
    let register = Register::new();
    register.run(ADD);
    register.run(
        "deployment record checkout --id D-1 --release v7 --environment production --started 2026-03-05T08:50Z \
         --finished 2026-03-05T09:00Z --outcome succeeded --by bo",
    );
    register.run(
        "deployment record checkout --id D-2 --move roll-back --environment production \
         --started 2026-03-05T10:00Z --finished 2026-03-05T10:05Z --by bo",
    );
    let found = register.json("link suggest INC-1 --json");
    assert_eq!(found["suggested"][0]["to"]["deployment"], "D-1");
    assert!(found["suggested"][0]["probability"].as_f64().unwrap() > 0.9);
    let said = register.run("link suggest INC-1 --record");
    assert!(
        said.contains("alters `checkout`, which failed") && said.contains("rolled back afterwards"),
        "{said}"
    );
    register.run("link confirm INC-1 none --by ada");
    let found = register.json("link suggest INC-1 --json");
    assert_eq!(found["suggested"][0]["to"], "no-change");
    assert!(
        register
            .run("link reject INC-1 deployment:D-1 --by ada")
            .contains("needs a reason")
    );
    assert_eq!(
        register
            .json("link list INC-1 --json")
            .as_array()
            .unwrap()
            .len(),
        3
    );
    assert!(register.run("ledger verify").starts_with("exit 0"));
}
