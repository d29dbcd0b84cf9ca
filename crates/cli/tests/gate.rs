//! Signing plans and letting them through, once, through the real binary.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "set-up that fails has to fail loudly"
)]

mod common;

use std::path::Path;
use std::process::Output;

use common::{Org, countersign, shown, terraform};

/// A migration that a junior wrote.
const DROP: &str = "DROP TABLE orders;\n";

/// An organisation under the built-in policy with a plan in `m.sql`.
fn org() -> Org {
    let org = Org::new();
    org.repo.write("m.sql", DROP);
    org
}

fn run(org: &Org, args: &[&str]) -> String {
    shown(&countersign(org.repo.path(), args))
}

const STAGING: [&str; 4] = ["--env", "staging", "--by", "mia"];

fn plan(org: &Org, more: &[&str]) -> String {
    run(org, &[&["plan", "m.sql"], &STAGING[..], more].concat())
}

fn gate(org: &Org, more: &[&str]) -> String {
    run(
        org,
        &[&["gate", "apply", "m.sql"], &STAGING[..], more].concat(),
    )
}

fn sign(org: &Org, who: &str, more: &[&str]) -> String {
    let args = [&["sign", "--plan", "m.sql", "--yes"], &STAGING[..], more].concat();
    org.sign(who, &args)
}

#[test]
fn a_signed_plan_goes_through_once() {
    let org = org();
    assert!(
        plan(&org, &[]).starts_with("exit 1\nHOLD"),
        "{}",
        plan(&org, &[])
    );
    let held = gate(&org, &[]);
    assert!(held.starts_with("exit 1\nHOLD"), "{held}");
    assert!(held.contains("countersign sign --plan m.sql --env staging --by mia"));

    let own = sign(&org, "mia", &[]);
    assert!(
        own.starts_with("exit 65\n") && own.contains("mia made the change"),
        "{own}"
    );
    let signed = sign(&org, "sen", &["--message", "the table is empty"]);
    assert!(
        signed.starts_with("exit 0\n") && signed.contains("approved as sen"),
        "{signed}"
    );
    let judged = plan(&org, &[]);
    assert!(judged.starts_with("exit 0\nALLOW"), "{judged}");
    assert!(
        judged.contains("approved by sen: the table is empty"),
        "{judged}"
    );

    let through = gate(&org, &[]);
    assert!(through.starts_with("exit 0\nALLOW  m.sql"), "{through}");
    assert!(through.contains("sen: approve") && through.contains("once in this clone"));
    let again = gate(&org, &[]);
    assert!(
        again.starts_with("exit 2\nREFUSE  this plan was let through before, at "),
        "{again}"
    );
    assert!(again.contains("by mia in staging"), "{again}");
    assert!(plan(&org, &[]).contains("before, at "));
    let json = gate(&org, &["--json"]);
    let json: serde_json::Value = serde_json::from_str(json.split_once('\n').unwrap().1).unwrap();
    assert_eq!(json["schema"], "countersign.gate/1");
    assert_eq!(json["verdict"], "refuse");
    assert_eq!(json["before"]["by"], "mia");
    assert_eq!(json["spent"], serde_json::Value::Null);
}

#[test]
fn a_signature_is_for_these_bytes_there_and_then() {
    let org = org();
    sign(&org, "sen", &[]);
    // Other bytes under the same name.
    org.repo.write("m.sql", "DROP TABLE orders, customers;\n");
    let other = gate(&org, &[]);
    assert!(other.starts_with("exit 1\nHOLD"), "{other}");
    assert!(
        other.contains("approve of sen does not count: it is about another plan"),
        "{other}"
    );
    // The same bytes under another name are the same plan.
    org.repo.write("m.sql", DROP);
    org.repo.write("renamed.sql", DROP);
    let renamed = run(&org, &[&["plan", "renamed.sql"], &STAGING[..]].concat());
    assert!(renamed.starts_with("exit 0\nALLOW"), "{renamed}");
    // Another environment.
    let args = [
        "gate",
        "apply",
        "m.sql",
        "--env",
        "production",
        "--by",
        "mia",
    ];
    let production = run(&org, &args);
    assert!(production.starts_with("exit 1\nHOLD"), "{production}");
    assert!(
        production.contains("it is for `environment:staging`"),
        "{production}"
    );
    // An agent that the signer was not shown.
    let agent = gate(&org, &["--agent", "claude-code"]);
    assert!(agent.starts_with("exit 1\nHOLD"), "{agent}");
    assert!(
        agent.contains("AI took part, which its signer was not shown"),
        "{agent}"
    );
    // Nobody named: whoever signed may have made it.
    let nobody = run(&org, &["gate", "apply", "m.sql", "--env", "staging"]);
    assert!(
        nobody.starts_with("exit 1\nHOLD")
            && nobody.contains("nobody says who made it, so that may be the only signer"),
        "{nobody}"
    );
    // What is for elsewhere is named only where there is nothing else.
    let there = ["--env", "production", "--by", "mia"];
    org.sign(
        "pat",
        &[&["sign", "--plan", "m.sql", "--yes"], &there[..]].concat(),
    );
    let judged = run(&org, &[&["plan", "m.sql"], &there[..]].concat());
    assert!(judged.contains("approved by pat"), "{judged}");
    assert!(!judged.contains("it is for"), "{judged}");
    // None of this has cost the permission.
    assert!(gate(&org, &[]).starts_with("exit 0\nALLOW"));
}

#[test]
fn vetoes_and_second_thoughts() {
    let org = org();
    sign(&org, "sen", &[]);
    let veto = sign(&org, "pat", &["--veto", "--message", "not on a Friday"]);
    assert!(
        veto.starts_with("exit 0\n") && veto.contains("vetoed as pat"),
        "{veto}"
    );
    let judged = plan(&org, &[]);
    assert!(
        judged.starts_with("exit 2\nREFUSE  vetoed by pat"),
        "{judged}"
    );
    let json = plan(&org, &["--json"]);
    let json: serde_json::Value = serde_json::from_str(json.split_once('\n').unwrap().1).unwrap();
    let vetoes = json["signoffs"].as_array().unwrap().iter();
    let veto = vetoes
        .filter(|it| it["said"] == "veto")
        .map(|it| it["statement"].as_str().unwrap());
    let veto = veto.collect::<Vec<_>>().join("");
    let back = sign(&org, "pat", &["--revoke", &veto[..8]]);
    assert!(
        back.starts_with("exit 0\n") && back.contains("taken back as pat"),
        "{back}"
    );
    assert!(plan(&org, &[]).starts_with("exit 0\nALLOW"));
    let json = plan(&org, &["--json"]);
    let json: serde_json::Value = serde_json::from_str(json.split_once('\n').unwrap().1).unwrap();
    let yes = json["signoffs"][0]["statement"]
        .as_str()
        .unwrap()
        .to_owned();
    sign(&org, "sen", &["--revoke", &yes[..8]]);
    let judged = plan(&org, &[]);
    assert!(judged.starts_with("exit 1\nHOLD"), "{judged}");
    assert!(
        judged.contains("approve of sen does not count: its signer took it back"),
        "{judged}"
    );
    let late = sign(&org, "sen", &["--expires", "soon"]);
    assert!(late.starts_with("exit 64\n"), "{late}");
    let mixed = org.sign("sen", &["sign", "main..HEAD", "--env", "staging", "--yes"]);
    assert!(
        mixed.starts_with("exit 64\n") && mixed.contains("--plan FILE"),
        "{mixed}"
    );
}

/// `gate apply` with a command.
fn apply(org: &Org, command: &[&str]) -> Output {
    apply_in(org.repo.path(), command)
}

fn apply_in(dir: &Path, command: &[&str]) -> Output {
    let args = [&["gate", "apply", "m.sql"], &STAGING[..], &["--"], command].concat();
    countersign(dir, &args)
}

#[test]
fn the_command_gets_the_checked_bytes() {
    let org = org();
    sign(&org, "sen", &[]);
    // Wrong commands do not cost the permission.
    let unnamed = shown(&apply(&org, &["true"]));
    assert!(
        unnamed.starts_with("exit 64\n") && unnamed.contains("`m.sql` or `{}`"),
        "{unnamed}"
    );
    let missing = shown(&apply(&org, &["no-such-program", "{}"]));
    assert!(missing.starts_with("exit 66\n"), "{missing}");
    // The file is exchanged as soon as the command runs; it cannot write to
    // what it was given either.
    let script = "echo 'DROP DATABASE all' > m.sql; \
                  (echo more >> \"$1\") 2>/dev/null && echo WRITABLE; cat \"$1\"; exit 7";
    let output = apply(&org, &["sh", "-c", script, "sh", "m.sql"]);
    assert_eq!(output.status.code(), Some(7), "{}", shown(&output));
    assert_eq!(String::from_utf8_lossy(&output.stdout), DROP);
    assert!(String::from_utf8_lossy(&output.stderr).starts_with("ALLOW  m.sql"));
    // What ran is spent, whatever came of it.
    org.repo.write("m.sql", DROP);
    let again = apply(&org, &["cat", "{}"]);
    assert_eq!(again.status.code(), Some(2), "{}", shown(&again));
    assert!(again.stdout.is_empty());
}

#[test]
fn of_many_gates_at_once_one_opens() {
    let org = org();
    sign(&org, "sen", &[]);
    let dir = org.repo.path();
    let opened: usize = std::thread::scope(|scope| {
        let gates: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| apply_in(dir, &["cat", "m.sql"])))
            .collect();
        let done = gates.into_iter().map(|it| it.join().unwrap());
        done.filter(|it| it.stdout == DROP.as_bytes()).count()
    });
    assert_eq!(opened, 1);
}

#[test]
fn a_remote_makes_it_once_for_everyone() {
    let org = org();
    let bare = tempfile::tempdir().unwrap();
    let server = bare.path().join("b.git").display().to_string();
    org.repo.git(&["clone", "-q", "--bare", ".", &server]);
    org.repo.git(&["remote", "add", "origin", &server]);
    sign(&org, "sen", &[]);
    run(&org, &["signoffs", "push"]);
    let there = bare.path().join("c");
    org.repo
        .git(&["clone", "-q", &server, &there.display().to_string()]);
    std::fs::write(there.join("m.sql"), DROP).unwrap();
    let remote = ["--remote", "origin"];
    let args = [&["gate", "apply", "m.sql"], &STAGING[..], &remote].concat();
    // The other clone has fetched no sign-offs; the gate does.
    let first = shown(&countersign(&there, &args));
    assert!(first.starts_with("exit 0\nALLOW"), "{first}");
    assert!(
        first.contains("once for everyone who asks origin"),
        "{first}"
    );
    let second = run(&org, &args);
    assert!(
        second.starts_with("exit 2\nREFUSE") && second.contains("according to origin"),
        "{second}"
    );
    let nowhere = run(&org, &["gate", "apply", "m.sql", "--remote", "nowhere"]);
    assert!(
        nowhere.starts_with("exit 74\n") && nowhere.contains("not a remote"),
        "{nowhere}"
    );
}

/// One real object, as release 1; another release is an in-place change of
/// `input`, or replaces the object (`triggers_replace`).
fn applied_once(attribute: &str) -> Option<Org> {
    let org = Org::new();
    let code = format!(
        "variable \"release\" {{}}\n\
         resource \"terraform_data\" \"environment\" {{ {attribute} = var.release }}\n"
    );
    org.repo.write("main.tf", code);
    terraform(org.repo.path(), &["init", "-input=false"])?;
    let apply = ["apply", "-auto-approve", "-var=release=1"];
    terraform(org.repo.path(), &apply)?;
    Some(org)
}

/// How often the state was written, and how many objects are in it.
fn state(folder: &Path) -> (u64, usize) {
    let bytes = std::fs::read(folder.join("terraform.tfstate")).unwrap();
    let state: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    let resources = state["resources"].as_array().unwrap().len();
    (state["serial"].as_u64().unwrap(), resources)
}

#[test]
fn the_real_delete_and_recreate() {
    let Some(org) = applied_once("triggers_replace") else {
        return;
    };
    let folder = org.repo.path();
    terraform(folder, &["plan", "-out=tf.plan", "-var=release=2"]);
    let shows = terraform(folder, &["show", "-json", "tf.plan"]).unwrap();
    std::fs::write(folder.join("tf.json"), shows.stdout).unwrap();
    let before = state(folder);

    // An agent in production: refused, binary and JSON, whoever signs.
    for file in ["tf.plan", "tf.json"] {
        let args = [
            "plan",
            file,
            "--env",
            "production",
            "--by",
            "sen",
            "--agent",
            "claude-code",
        ];
        let said = run(&org, &args);
        assert!(
            said.starts_with("exit 2\nREFUSE") && said.contains("agents-recreate-nothing"),
            "{said}"
        );
    }
    let agent = [
        "--plan",
        "tf.plan",
        "--env",
        "production",
        "--by",
        "sen",
        "--agent",
        "claude-code",
    ];
    let signed = org.sign("pat", &[&["sign", "--yes"], &agent[..]].concat());
    assert!(signed.contains("now: refuse"), "{signed}");

    // A senior on staging: held, since nobody signs off their own.
    let staging = ["--env", "staging", "--by", "sen"];
    let applied = |file: &str| {
        let gate = [&["gate", "apply", file], &staging[..]].concat();
        let command = [
            "--",
            "terraform",
            "apply",
            "-no-color",
            "-input=false",
            file,
        ];
        run(&org, &[&gate[..], &command].concat())
    };
    let held = applied("tf.plan");
    assert!(
        held.starts_with("exit 1\nHOLD") && held.contains("delete-and-recreate"),
        "{held}"
    );
    assert!(!held.contains("agents-recreate-nothing"), "{held}");
    assert_eq!(state(folder), before, "nothing was applied");

    // Signed: exactly this plan, and no other.
    let args = [&["sign", "--plan", "tf.plan", "--yes"], &staging[..]].concat();
    assert!(org.sign("pat", &args).starts_with("exit 0\n"));
    terraform(folder, &["plan", "-out=again.plan", "-var=release=2"]);
    let other = applied("again.plan");
    assert!(
        other.starts_with("exit 1\nHOLD") && other.contains("approve of pat does not count"),
        "{other}"
    );
    let json = run(&org, &[&["plan", "tf.json"], &staging[..]].concat());
    assert!(json.starts_with("exit 1\nHOLD"), "{json}");
    assert_eq!(state(folder), before, "nothing was applied");

    // It really applies, once.
    let done = applied("tf.plan");
    assert!(
        done.starts_with("exit 0\n") && done.contains("1 added, 0 changed, 1 destroyed"),
        "{done}"
    );
    let after = state(folder);
    assert!(after.0 > before.0 && after.1 == 1, "{after:?}");
    let twice = applied("tf.plan");
    assert!(
        twice.starts_with("exit 2\nREFUSE") && !twice.contains("destroyed."),
        "{twice}"
    );
    assert_eq!(state(folder), after, "nothing was applied twice");
}

#[test]
fn a_plan_from_an_old_state() {
    let Some(org) = applied_once("input") else {
        return;
    };
    let folder = org.repo.path();
    std::fs::copy(folder.join("terraform.tfstate"), folder.join("old.tfstate")).unwrap();
    terraform(folder, &["apply", "-auto-approve", "-var=release=2"]);
    let plan = |release: &str, file: &str| {
        let out = format!("-out={file}");
        terraform(folder, &["plan", &out, &format!("-var=release={release}")]);
        run(&org, &["plan", file, "--env", "staging", "--by", "sen"])
    };
    // Seen once, remembered: a change in place needs nobody.
    let first = plan("3", "new.plan");
    assert!(first.starts_with("exit 0\nALLOW"), "{first}");
    // The same change from the old copy of the state.
    std::fs::copy(folder.join("terraform.tfstate"), folder.join("new.tfstate")).unwrap();
    std::fs::copy(folder.join("old.tfstate"), folder.join("terraform.tfstate")).unwrap();
    let stale = plan("3", "stale.plan");
    assert!(stale.starts_with("exit 1\nHOLD"), "{stale}");
    assert!(
        stale.contains("made from a wrong state: the plan is from serial"),
        "{stale}"
    );
    // No state at all: everything would be made a second time.
    std::fs::remove_file(folder.join("terraform.tfstate")).unwrap();
    let empty = plan("3", "empty.plan");
    assert!(
        empty.starts_with("exit 1\nHOLD") && empty.contains("lineage"),
        "{empty}"
    );
    // The right state, said out loud, and for everyone.
    let recorded = run(
        &org,
        &["plan", "record-state", "new.tfstate", "--env", "staging"],
    );
    assert!(
        recorded.starts_with("exit 0\nrecorded . in staging: serial "),
        "{recorded}"
    );
    let lines = run(
        &org,
        &[
            "plan",
            "record-state",
            "new.tfstate",
            "--env",
            "staging",
            "--print",
        ],
    );
    let lines = lines.strip_prefix("exit 0\n").unwrap();
    let file = format!("version = 1\n\n{lines}");
    let pat = countersign_testkit::Who::new("Pat Principal", "pat@example.com");
    org.repo
        .commit(pat, "States", &[(".countersign/states.toml", &file)]);
    std::fs::remove_file(folder.join(".git/countersign/states.json")).unwrap();
    let again = run(
        &org,
        &["plan", "stale.plan", "--env", "staging", "--by", "sen"],
    );
    assert!(
        again.starts_with("exit 1\nHOLD") && again.contains("wrong state"),
        "{again}"
    );
    let good = run(
        &org,
        &["plan", "new.plan", "--env", "staging", "--by", "sen"],
    );
    assert!(good.starts_with("exit 0\nALLOW"), "{good}");
    org.repo.commit(
        pat,
        "Broken",
        &[(".countersign/states.toml", "version = 2\n")],
    );
    let broken = run(&org, &["plan", "new.plan"]);
    assert!(
        broken.starts_with("exit 65\n") && broken.contains("version 2"),
        "{broken}"
    );
}

/// An agent that leaves `--agent` out is one all the same, and signs nothing.
#[test]
fn an_agents_session_is_seen() {
    let org = org();
    let key = org.repo.path().join(".git/key-sen@example.com");
    let key = key.display().to_string();
    let production = ["--env", "production", "--by", "mia"];
    let in_session = |args: &[&str]| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_countersign"))
            .current_dir(org.repo.path())
            .args([args, &production[..]].concat())
            .env("CLAUDECODE", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("NO_COLOR", "1")
            .output()
            .unwrap();
        shown(&output)
    };
    let sign = ["sign", "--plan", "m.sql", "--yes", "--key", &key];
    let said = in_session(&sign);
    assert!(said.starts_with("exit 2\n"), "{said}");
    assert!(said.contains("a signature is for a person"), "{said}");
    // A person's approval does not make it the agent's to apply.
    let signed = run(&org, &[&sign[..], &production[..]].concat());
    assert!(signed.starts_with("exit 0\n"), "{signed}");
    let said = in_session(&["gate", "apply", "m.sql"]);
    assert!(said.starts_with("exit 2\nREFUSE"), "{said}");
    let said = in_session(&["plan", "m.sql"]);
    assert!(said.contains("claude-code"), "{said}");
    let person = run(
        &org,
        &[&["gate", "apply", "m.sql"], &production[..]].concat(),
    );
    assert!(person.starts_with("exit 0\nALLOW"), "{person}");
}

/// What a comparison shows can be signed, and the signature is for it alone.
#[test]
fn manifests_that_are_compared_can_be_signed() {
    let org = org();
    let kept = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  namespace: shop\n";
    let gone =
        "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata:\n  name: data\n  namespace: shop\n";
    org.repo.write("old.yaml", format!("{kept}---\n{gone}"));
    org.repo.write("new.yaml", kept);
    let compared = ["new.yaml", "--before", "old.yaml"];
    let with = |first: &[&str]| run(&org, &[first, &compared[..], &STAGING[..]].concat());
    let held = with(&["plan"]);
    assert!(held.starts_with("exit 1\nHOLD"), "{held}");
    let command = "countersign sign --plan new.yaml --env staging --by mia --before old.yaml";
    assert!(held.contains(command), "{held}");
    let args = [&["sign", "--yes", "--plan"], &compared[..], &STAGING[..]].concat();
    let signed = org.sign("sen", &args);
    assert!(signed.starts_with("exit 0\n"), "{signed}");
    let through = with(&["gate", "apply"]);
    assert!(through.starts_with("exit 0\nALLOW"), "{through}");
}
