//! Recording, and what can be done with what was recorded, through the binary.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "set-up that fails has to fail loudly"
)]

mod common;
mod hook;

use std::path::{Path, PathBuf};
use std::process::Command;

use common::{Org, shown};
use countersign_operations::record::Record;
use countersign_testkit::programs::installed;
use countersign_testkit::{Who, postgres};
use hook::{Desk, shell_call};
use tempfile::TempDir;

const JUN: Who = Who::new("Jun Junior", "jun@example.com");
const CLAUDE: &str = "\n\nCo-Authored-By: Claude Opus 4.8 <noreply@anthropic.com>\n";

/// An organisation with a change on a branch, and a place for a database.
struct Scene {
    org: Org,
    dir: TempDir,
}

impl Scene {
    fn new() -> Self {
        let org = Org::new();
        let git = |args: &[&str]| {
            let done = Command::new("git")
                .current_dir(org.repo.path())
                .args(args)
                .output();
            assert!(done.unwrap().status.success());
        };
        git(&["config", "user.email", "sen@example.com"]);
        org.repo
            .commit(JUN, "Start", &[("checkout/a.py", "a = 1\n")]);
        org.repo.branch("retry");
        let message = format!("Retry{CLAUDE}");
        org.repo
            .commit(JUN, &message, &[("checkout/a.py", "a = 2\n")]);
        let dir = TempDir::new().unwrap();
        Self { org, dir }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    /// Runs the binary in the repository with a database configured.
    fn run(&self, args: &[&str]) -> String {
        self.run_with(Some(&self.text("ops.db")), args)
    }

    fn run_with(&self, database: Option<&str>, args: &[&str]) -> String {
        let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
        command
            .current_dir(self.org.repo.path())
            .args(args)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_SYSTEM", "/dev/null")
            .env("NO_COLOR", "1")
            .env("HOME", self.dir.path())
            .env_remove("COUNTERSIGN_DB");
        if let Some(database) = database {
            command.env("COUNTERSIGN_DB", database);
        }
        shown(&command.output().unwrap())
    }

    fn migrated() -> Self {
        let scene = Self::new();
        let made = scene.run(&["db", "migrate"]);
        assert!(
            made.starts_with("exit 0\n") && made.contains("is ready"),
            "{made}"
        );
        scene
    }

    /// The bodies of every entry of a kind.
    fn bodies(&self, kind: &str) -> Vec<Record> {
        let shown = self.run(&["ledger", "show", "--kind", kind, "--json"]);
        let lines = shown.lines().skip(1).filter(|line| line.starts_with('{'));
        lines
            .map(|line| {
                let entry = countersign_core::ledger::export::read(line.as_bytes()).unwrap();
                Record::parse(entry.record.body()).unwrap()
            })
            .collect()
    }
}

#[test]
fn a_database_is_never_a_surprise() {
    let scene = Scene::new();
    let unnamed = scene.run_with(None, &["ledger", "head"]);
    assert!(unnamed.starts_with("exit 64\n"), "{unnamed}");
    assert!(unnamed.contains("no database is named") && unnamed.contains("COUNTERSIGN_DB"));
    let missing = scene.run(&["ledger", "head"]);
    assert!(missing.starts_with("exit 66\n") && missing.contains("countersign db migrate"));
    assert!(!scene.path("ops.db").exists(), "nothing is made by the way");
    let secret = "postgres://ann:hunter2@localhost:1/ops";
    for args in [["db", "status"], ["db", "migrate"], ["ledger", "verify"]] {
        let shown = scene.run_with(Some(secret), &args);
        assert!(shown.starts_with("exit 74\n"), "{shown}");
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}

#[test]
fn changes_are_recorded_once() {
    let scene = Scene::migrated();
    let first = scene.run(&["record", "changes", "--branch", "main"]);
    assert!(
        first.starts_with("exit 0\nrecorded 2 changes  ledger ends at 2"),
        "{first}"
    );
    let again = scene.run(&["record", "changes", "--branch", "main"]);
    assert!(
        again.contains("recorded 0 changes  2 known already, ledger ends at 2"),
        "{again}"
    );
    let more = scene.run(&["record", "changes", "--branch", "retry"]);
    assert!(
        more.contains("recorded 1 change  2 known already"),
        "{more}"
    );

    let records = scene.bodies("change");
    let Some(Record::Change(change)) = records.last() else {
        panic!()
    };
    assert_eq!(
        change.involvement,
        countersign_core::involvement::Verdict::Yes
    );
    assert_eq!(change.author_level.as_deref(), Some("junior"));
    assert_eq!((change.tier, change.lines, change.files), (Some(1), 2, 1));
    assert!(change.services.contains("checkout") && change.people.contains("jun"));
    assert_eq!(change.title.as_deref(), Some("Retry"));
    assert!(change.decided.is_none());
    let tables = scene.run(&["ledger", "verify", "--against-tables"]);
    assert!(tables.starts_with("exit 0\nWHOLE"), "{tables}");
}

#[test]
fn decisions_are_recorded_where_a_database_is_named() {
    let scene = Scene::migrated();
    let check = ["check", "main..retry"];
    let with = scene.run(&check);
    let without = scene.run_with(None, &check);
    assert_eq!(with, without, "recording changes nothing that is said");
    scene.run(&check);
    let found = scene.bodies("decision");
    let [Record::Decision(decision)] = found.as_slice() else {
        panic!("asking twice leaves one trace");
    };
    assert_eq!(decision.verdict, countersign_core::decide::Verdict::Hold);
    assert!(decision.policy.is_some() && !decision.rules.is_empty());
    assert_eq!(decision.noted.by, "sen");

    // A missing database is a warning: the verdict stands.
    let lost = scene.run_with(Some(&scene.text("missing.db")), &check);
    assert!(lost.starts_with("exit 1\nHOLD") && lost.contains("warning: this was not recorded"));
    // Asked to record, it is an error.
    let missing = scene.text("missing.db");
    let asked = scene.run(&["record", "check", "main..retry", "--db", &missing]);
    assert!(asked.starts_with("exit 66\n"), "{asked}");

    // The sign-off changes the decision, and is recorded with it.
    let key = scene.org.repo.path().join(".git/key-sen@example.com");
    let key = key.display().to_string();
    let signed = scene.run(&["sign", "main..retry", "--yes", "--key", &key]);
    assert!(signed.starts_with("exit 0\n"), "{signed}");
    scene.run(&check);
    assert_eq!(scene.bodies("decision").len(), 2);
    let found = scene.bodies("sign-off");
    let [Record::SignOff(given)] = found.as_slice() else {
        panic!("one statement");
    };
    assert_eq!(given.person, "sen");
    let again = scene.run(&["record", "signoffs"]);
    assert!(
        again.contains("recorded 0 statements  1 known already"),
        "{again}"
    );

    // The change that lands knows what was decided about it.
    scene.run(&["record", "changes", "--branch", "retry"]);
    let changes = scene.bodies("change");
    let Some(Record::Change(change)) = changes.last() else {
        panic!()
    };
    let decided = change.decided.as_ref().unwrap();
    assert_eq!(decided.verdict, countersign_core::decide::Verdict::Allow);
    assert!(decided.signers.contains("sen") && !change.bypassed);
}

#[test]
fn plans_and_guard_logs_are_recorded() {
    let scene = Scene::migrated();
    let plan = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/replace.json");
    let plan = plan.display().to_string();
    scene.run(&["plan", &plan]);
    let found = scene.bodies("decision");
    let [Record::Decision(decision)] = found.as_slice() else {
        panic!("one decision");
    };
    assert_eq!(decision.kind, countersign_core::facts::Kind::Plan);
    let first = "0".repeat(64);
    let log = format!(
        r#"{{"v":1,"seq":1,"prev":"{first}","at":"2026-03-02T12:00:00Z","agent":"claude-code","place":"/r","tool":"Bash","call":"terraform destroy","verdict":"hold"}}"#
    );
    std::fs::write(scene.path("guard.log"), format!("{log}\n")).unwrap();
    let file = scene.text("guard.log");
    let done = scene.run(&["record", "guard-log", &file]);
    assert!(done.contains("recorded 1 guard decision "), "{done}");
    assert_eq!(scene.bodies("guard").len(), 1);
    std::fs::write(scene.path("guard.log"), format!("{log}\n{log}\n")).unwrap();
    let refused = scene.run(&["record", "guard-log", &file]);
    assert!(
        refused.starts_with("exit 65\n") && refused.contains("guard.log:2: "),
        "{refused}"
    );
}

#[test]
fn what_the_guard_answered_goes_along() {
    let desk = Desk::new();
    let db = desk.home().join("ops.db").display().to_string();
    let run = |args: &[&str]| {
        let output = desk
            .command()
            .env("COUNTERSIGN_DB", &db)
            .args(args)
            .output();
        shown(&output.unwrap())
    };
    let ask = |command: &str, place: &Path| {
        let call = shell_call("kiro", command, place);
        let answer = desk.hook_with("kiro", &call, &[("COUNTERSIGN_DB", "/nowhere/ops.db")]);
        // an agent waits for the guard, so it asks no database
        assert!(!answer.stderr.contains("warning"), "{}", answer.stderr);
    };
    let guards = || {
        let shown = run(&["ledger", "show", "--kind", "guard", "--json"]);
        shown.lines().filter(|line| line.starts_with('{')).count()
    };
    let check = || run(&["check", "HEAD~1..HEAD"]);
    run(&["db", "migrate"]);
    ask("terraform destroy -auto-approve", desk.root());
    ask("cat notes", desk.home());
    let said = check();
    assert_eq!(guards(), 1, "what was done elsewhere stays out: {said}");
    check();
    assert_eq!(guards(), 1);
    ask("terraform plan", desk.root());
    ask("ls", desk.root());
    check();
    assert_eq!(guards(), 3);
    let all = run(&["record", "guard-log"]);
    assert!(
        all.contains("recorded 1 guard decision  3 known already"),
        "{all}"
    );

    // Whoever takes the log away is noticed, and the verdict stands.
    let log = desk.guard_dir().join("log/decisions.jsonl");
    std::fs::remove_file(&log).unwrap();
    ask("pwd", desk.root());
    let warned = check();
    assert!(
        warned.contains("does not go on from its line 4"),
        "{warned}"
    );
    assert_eq!(guards(), 5);
    assert!(!check().contains("warning"));
    ask("pwd", desk.root());
    ask("pwd", desk.root());
    let text = std::fs::read_to_string(&log).unwrap();
    let cut: Vec<&str> = text
        .lines()
        .enumerate()
        .filter(|(at, _)| *at != 1)
        .map(|(_, it)| it)
        .collect();
    std::fs::write(&log, cut.join("\n")).unwrap();
    let cut = check();
    assert!(
        cut.contains("was not recorded") && cut.contains("does not follow"),
        "{cut}"
    );
    assert_eq!(said.lines().next(), cut.lines().next());
    assert_eq!(guards(), 5);
}

#[test]
fn an_export_is_verified_without_a_database() {
    let scene = Scene::migrated();
    scene.run(&["record", "changes", "--branch", "retry"]);
    let (file, cut) = (scene.text("ledger.jsonl"), scene.text("cut.jsonl"));
    scene.run(&["ledger", "export", "--out", &file]);
    let offline = |args: &[&str]| scene.run_with(None, args);
    let whole = offline(&["ledger", "verify", &file]);
    assert!(
        whole.starts_with("exit 0\nWHOLE") && whole.contains("entries 3: 3 change"),
        "{whole}"
    );

    let text = std::fs::read_to_string(&file).unwrap();
    for (changed, why) in [
        (
            text.replacen("\\\"lines\\\":1", "\\\"lines\\\":9", 1),
            "was changed",
        ),
        (
            text.replacen("\"seq\":2", "\"seq\":3", 1),
            "entry 4 is expected here",
        ),
        (
            text.replacen("\"hash\"", "\"hesh\"", 1),
            "the line is not an entry",
        ),
    ] {
        assert_ne!(changed, text);
        std::fs::write(&cut, changed).unwrap();
        let found = offline(&["ledger", "verify", &cut]);
        assert!(
            found.starts_with("exit 65\nDAMAGED") && found.contains(why),
            "{found}"
        );
    }
    std::fs::write(&cut, "hello\n").unwrap();
    let other = offline(&["ledger", "verify", &cut]);
    assert!(
        other.starts_with("exit 65\n") && other.contains("not an export"),
        "{other}"
    );

    // A part begins later; what came before is tied to it by a head.
    scene.run(&[
        "ledger",
        "export",
        "--from",
        "2",
        "--out",
        &scene.text("part.jsonl"),
    ]);
    let part = scene.text("part.jsonl");
    assert!(offline(&["ledger", "verify", &part]).starts_with("exit 65\n"));
    assert!(offline(&["ledger", "verify", "--part", &part]).starts_with("exit 0\n"));
}

/// The verifier printed in the documentation, by an interpreter that knows
/// nothing of us.
#[test]
fn the_documented_verifier_agrees() {
    if installed(&["python3"]).is_none() {
        return;
    }
    let scene = Scene::migrated();
    scene.run(&["record", "changes", "--branch", "retry"]);
    scene.run(&["ledger", "export", "--out", &scene.text("ledger.jsonl")]);
    let docs = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../docs/reference/ledger.md"
    );
    let docs = std::fs::read_to_string(docs).unwrap();
    let program = docs
        .split("```python\n")
        .nth(1)
        .unwrap()
        .split("```")
        .next()
        .unwrap();
    let verify = || {
        let mut python = Command::new("python3");
        let output = python
            .args(["-c", program])
            .arg(scene.path("ledger.jsonl"))
            .output();
        shown(&output.unwrap())
    };
    let head = scene.run(&["ledger", "head"]);
    let head = head.lines().nth(1).unwrap();
    assert_eq!(verify(), format!("exit 0\nwhole, head {head}\n"));
    let text = std::fs::read_to_string(scene.path("ledger.jsonl")).unwrap();
    let changed = text.replacen("\"recorded_by\":\"sen\"", "\"recorded_by\":\"jun\"", 1);
    std::fs::write(scene.path("ledger.jsonl"), changed).unwrap();
    assert_eq!(verify(), "exit 1\nentry 1 was changed\n");
}

#[test]
fn a_seal_shows_a_ledger_that_was_cut_off() {
    let scene = Scene::migrated();
    scene.run(&["record", "changes", "--branch", "retry"]);
    let key = scene.org.repo.path().join(".git/key-pat@example.com");
    let key = key.display().to_string();
    let seal = scene.text("march.seal");
    let sealed = scene.run(&["ledger", "seal", "--key", &key, "--out", &seal]);
    assert!(
        sealed.starts_with("exit 0\nsealed entries 1 to 3 as pat"),
        "{sealed}"
    );
    openssh_agrees(&scene, &key);

    let people = scene.org.repo.path().join(".countersign/people.toml");
    let people = people.display().to_string();
    let verify = |file: &[&str]| {
        let mut args = vec!["ledger", "verify", "--seal", &seal, "--people", &people];
        args.extend(file);
        scene.run(&args)
    };
    let whole = verify(&[]);
    assert!(
        whole.starts_with("exit 0\nWHOLE") && whole.contains("sealed  3 at"),
        "{whole}"
    );
    // Growing is no harm.
    scene.run(&["check", "main..retry"]);
    assert!(verify(&[]).starts_with("exit 0\nWHOLE"));

    let file = scene.text("ledger.jsonl");
    scene.run(&["ledger", "export", "--out", &file]);
    let text = std::fs::read_to_string(&file).unwrap();
    let cut: Vec<&str> = text.lines().take(3).collect();
    std::fs::write(&file, cut.join("\n")).unwrap();
    let found = verify(&[&file]);
    assert!(found.starts_with("exit 65\nDAMAGED"), "{found}");
    assert!(found.contains("it ends at entry 2, and had 3"), "{found}");
    // Without the seal nobody could tell.
    assert!(
        scene
            .run(&["ledger", "verify", &file])
            .starts_with("exit 0\n")
    );

    let text = std::fs::read_to_string(&seal).unwrap();
    std::fs::write(&seal, text.replace("person pat", "person sen")).unwrap();
    assert!(verify(&[]).starts_with("exit 65\n"));
}

/// `ssh-keygen` alone accepts the seal, as the documentation says.
fn openssh_agrees(scene: &Scene, key: &str) {
    let seal = std::fs::read_to_string(scene.path("march.seal")).unwrap();
    let (text, signature) = seal.split_at(seal.find("-----BEGIN").unwrap());
    std::fs::write(scene.path("text.sig"), signature).unwrap();
    let public = std::fs::read_to_string(format!("{key}.pub")).unwrap();
    std::fs::write(scene.path("allowed"), format!("pat {public}")).unwrap();
    let mut verify = Command::new("ssh-keygen")
        .args(["-Y", "verify", "-n", "ledger@countersign.dev", "-I", "pat"])
        .arg("-f")
        .arg(scene.path("allowed"))
        .arg("-s")
        .arg(scene.path("text.sig"))
        .stdin(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut verify.stdin.take().unwrap(), text.as_bytes()).unwrap();
    assert!(verify.wait().unwrap().success());
}

#[test]
fn backup_restore_and_move() {
    let scene = Scene::migrated();
    scene.run(&["record", "changes", "--branch", "retry"]);
    let head = scene.run(&["ledger", "head"]);
    let (backup, fresh) = (scene.text("backup.db"), scene.text("fresh.db"));
    let done = scene.run(&["db", "backup", &backup]);
    assert!(done.starts_with("exit 0\nbacked up to") && done.contains("3 entries, ledger whole"));
    let again = scene.run(&["db", "backup", &backup]);
    assert!(
        again.starts_with("exit 65\n") && again.contains("exists already"),
        "{again}"
    );
    let restored = scene.run(&["db", "restore", &backup, "--db", &fresh]);
    assert!(restored.contains("restored 3 entries to"), "{restored}");
    assert_eq!(scene.run(&["ledger", "head", "--db", &fresh]), head);
    let status = scene.run(&["db", "status", "--db", &fresh]);
    assert!(
        status.contains("SQLite") && status.contains("change "),
        "{status}"
    );
    let rebuilt = scene.run(&["db", "rebuild", "--db", &fresh]);
    assert!(
        rebuilt.starts_with("exit 0\ntables made anew from 3 entries"),
        "{rebuilt}"
    );

    let Some(server) = postgres::server() else {
        return;
    };
    let database = server.database();
    let moved = scene.run(&["db", "move", &database.url()]);
    assert!(
        moved.starts_with("exit 0\ncopied 3 entries to postgres://"),
        "{moved}"
    );
    assert_eq!(
        scene.run(&["ledger", "head", "--db", &database.url()]),
        head
    );
    let verified = scene.run(&[
        "ledger",
        "verify",
        "--against-tables",
        "--db",
        &database.url(),
    ]);
    assert!(verified.starts_with("exit 0\nWHOLE"), "{verified}");
}
