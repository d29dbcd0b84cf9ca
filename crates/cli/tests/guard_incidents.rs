//! Public incidents, replayed: each one's action is stopped with a message that a
//! person understands. Sources are listed in `docs/guide/guard.md`.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot set itself up has to fail loudly"
)]

mod common;
mod hook;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use countersign_testkit::programs::installed;
use hook::{AGENTS, Desk, is_denial, shell_call};

/// What happened, the agent's protocol, the command, and words of the message.
const INCIDENTS: [(&str, &str, &str, &[&str]); 10] = [
    (
        "Dec 2025: the environment was deleted and recreated, 13 hours",
        "kiro",
        "aws elasticbeanstalk rebuild-environment --environment-name cost-explorer-prod --region cn-north-1",
        &[
            "replace environment `cost-explorer-prod`",
            "recreates the environment",
        ],
    ),
    (
        "Feb 2026: a whole platform destroyed after a state file was replaced",
        "claude-code",
        "terraform destroy -auto-approve",
        &["destroys everything the configuration manages"],
    ),
    (
        "Apr 2026: a volume deleted over an API in nine seconds",
        "cursor",
        "curl -X POST https://backboard.railway.app/graphql/v2 -H 'Authorization: Bearer t' -d '{\"query\":\"mutation { volumeDelete(volumeId: \\\"v\\\") }\"}'",
        &["volumeDelete", "GraphQL mutation"],
    ),
    (
        "Jul 2025: the schema pushed in a code freeze, 1,206 records",
        "claude-code",
        "npm run db:push",
        &["dropping what it does not have"],
    ),
    (
        "Jul 2025: files moved onto each other after a failed mkdir",
        "gemini-cli",
        "move * ..\\anuraag_xyz",
        &["HELD"],
    ),
    (
        "2025: a home directory behind a trailing argument",
        "claude-code",
        "rm -rf tests/ patches/ plan/ ~/",
        &["delete"],
    ),
    (
        "Mar 2026: a database reset",
        "claude-code",
        "npx prisma migrate reset --force",
        &["reset"],
    ),
    (
        "Jan 2026: repositories and backups in a container's volume",
        "gemini-cli",
        "rm -rf /var/lib/docker/volumes/gitea_data",
        &["/var/lib/docker/volumes/gitea_data"],
    ),
    (
        "Jun 2025: a database that only a variable named",
        "gemini-cli",
        "psql \"$DATABASE_URL\" -c 'DROP DATABASE railway'",
        &["railway"],
    ),
    (
        "Aug 2026: another shell after the first was blocked",
        "claude-code",
        "cmd /c \"rd /s /q C:\\\\work\"",
        &["C:"],
    ),
];

#[test]
fn every_incident_is_stopped() {
    for (what, agent, command, words) in INCIDENTS {
        let desk = Desk::new();
        fs::write(
            desk.root().join("package.json"),
            r#"{"scripts":{"db:push":"drizzle-kit push"}}"#,
        )
        .unwrap();
        let env = [(
            "DATABASE_URL",
            "postgres://u:hunter2@db.railway.app/railway",
        )];
        let answer = desk.hook_with(agent, &shell_call(agent, command, desk.root()), &env);
        assert!(is_denial(agent, &answer), "{what}: {answer:?}");
        let text = answer.text();
        for word in words
            .iter()
            .chain(&["HELD by Countersign", "Stop here", "countersign pass "])
        {
            assert!(text.contains(word), "{what}: no `{word}` in {text}");
        }
        assert!(!text.contains("hunter2"), "{what}: {text}");
    }
}

/// A plain Windows path loses its backslash in a POSIX shell's eyes; the second
/// attempt is seen as the first one's.
#[test]
fn the_second_shell_is_the_same_incident() {
    let desk = Desk::new();
    let first = desk.hook(
        "claude-code",
        &shell_call(
            "claude-code",
            "Remove-Item -Recurse -Force 'C:\\work'",
            desk.root(),
        ),
    );
    assert!(is_denial("claude-code", &first), "{first:?}");
    let second = desk.hook(
        "claude-code",
        &shell_call("claude-code", "cmd /c \"rd /s /q C:\\\\work\"", desk.root()),
    );
    assert!(
        second
            .text()
            .contains(&format!("another way to what ticket {}", first.ticket())),
        "{}",
        second.text()
    );
}

const MAIN: &str =
    "resource \"terraform_data\" \"environment\" {\n  input = \"cost-explorer\"\n}\n";

fn terraform(dir: &Path, args: &[&str]) -> String {
    let output = Command::new("terraform")
        .args(args)
        .current_dir(dir)
        .env("CHECKPOINT_DISABLE", "1")
        .env("TF_CLI_CONFIG_FILE", "/dev/null")
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{args:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

/// An agent as all of them work: ask the hook, and run the command unless it says
/// no.
fn agent_runs(desk: &Desk, agent: &str, command: &str, dir: &Path) -> Result<(), hook::Answer> {
    let answer = desk.hook(agent, &shell_call(agent, command, dir));
    if is_denial(agent, &answer) {
        return Err(answer);
    }
    let status = Command::new("sh")
        .args(["-c", command])
        .current_dir(dir)
        .env("CHECKPOINT_DISABLE", "1")
        .env("TF_CLI_CONFIG_FILE", "/dev/null")
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success(), "{command}");
    Ok(())
}

/// The 13-hour outage with a real environment: an agent with inherited rights
/// decides to delete and recreate it.
#[test]
fn delete_and_recreate_needs_another_person_and_runs_once() {
    if installed(&["terraform"]).is_none() {
        return;
    }
    let made = tempfile::tempdir().unwrap();
    fs::write(made.path().join("main.tf"), MAIN).unwrap();
    terraform(made.path(), &["init", "-input=false", "-no-color"]);
    terraform(made.path(), &["apply", "-auto-approve", "-no-color"]);
    let id_of = |dir: &Path| {
        terraform(
            dir,
            &["state", "show", "-no-color", "terraform_data.environment"],
        )
    };
    let before = id_of(made.path());
    for agent in AGENTS {
        let desk = Desk::new();
        let dir = desk.root().join("envs/cost-explorer");
        fs::create_dir_all(&dir).unwrap();
        for file in ["main.tf", "terraform.tfstate"] {
            fs::copy(made.path().join(file), dir.join(file)).unwrap();
        }
        terraform(&dir, &["init", "-input=false", "-no-color"]);
        let recreate = "terraform apply -replace=terraform_data.environment -auto-approve";
        let held = agent_runs(&desk, agent, recreate, &dir).unwrap_err();
        // It looks for another way.
        let other = agent_runs(&desk, agent, "terraform destroy -auto-approve", &dir).unwrap_err();
        assert!(
            other.text().contains(&held.ticket()),
            "{agent}: {}",
            other.text()
        );
        assert_eq!(id_of(&dir), before, "{agent}");
        // Its operator cannot wave it through; someone more senior can.
        assert!(
            desk.pass("mia", &held.ticket()).contains("would not count"),
            "{agent}"
        );
        assert!(agent_runs(&desk, agent, recreate, &dir).is_err(), "{agent}");
        let screen = desk.pass("sen", &held.ticket());
        assert!(screen.contains("passed"), "{agent}: {screen}");
        assert!(
            agent_runs(&desk, agent, "terraform destroy -auto-approve", &dir).is_err(),
            "{agent}"
        );
        agent_runs(&desk, agent, recreate, &dir).unwrap();
        assert_ne!(id_of(&dir), before, "{agent}: it was recreated");
        assert!(
            agent_runs(&desk, agent, recreate, &dir).is_err(),
            "{agent}: once"
        );
        let log = desk.countersign(&["guard", "log", "--verify"]);
        assert!(log.starts_with("exit 0"), "{agent}: {log}");
        let shown = desk.countersign(&["guard", "log", "--denied"]);
        assert!(
            shown.contains("passed") && shown.contains("signed by sen"),
            "{agent}: {shown}"
        );
    }
}
