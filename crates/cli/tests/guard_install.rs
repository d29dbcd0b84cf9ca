//! `countersign guard install`, `uninstall` and `doctor` on the agents' real files.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot set itself up has to fail loudly"
)]

mod common;
mod hook;

use std::fs;
use std::path::PathBuf;

use countersign_testkit::programs::installed;
use hook::{AGENTS, Desk};

/// Each agent's file, below the home directory, with what a person might have in it.
const FILES: [(&str, &str, Option<&str>); 11] = [
    (
        "claude-code",
        ".claude/settings.json",
        Some(
            "{\n  \"model\": \"opus\",\n  \"hooks\": {\n    \"PreToolUse\": [\n      { \"matcher\": \"Bash\", \"hooks\": [{ \"type\": \"command\", \"command\": \"lint.sh\" }] }\n    ]\n  }\n}\n",
        ),
    ),
    (
        "codex",
        ".codex/config.toml",
        Some("model = \"gpt-5\" # fast\n\n[features]\nweb_search = true\n"),
    ),
    (
        "cursor",
        ".cursor/hooks.json",
        Some(
            "{\n\t\"version\": 1,\n\t\"hooks\": {\n\t\t\"afterFileEdit\": [{ \"command\": \"fmt\" }], // format\n\t}\n}\n",
        ),
    ),
    ("kiro", ".kiro/hooks/countersign.json", None),
    (
        "amazon-q",
        ".aws/amazonq/cli-agents/default.json",
        Some("{\n  \"name\": \"default\",\n  \"tools\": [\"*\"]\n}\n"),
    ),
    (
        "gemini-cli",
        ".gemini/settings.json",
        Some("{\n  // mine\n  \"theme\": \"GitHub\"\n}\n"),
    ),
    ("copilot-cli", ".copilot/hooks/countersign.json", None),
    ("opencode", ".config/opencode/plugins/countersign.js", None),
    (
        "windsurf",
        ".codeium/windsurf/hooks.json",
        Some("{\"hooks\":{\"post_write_code\":[{\"command\":\"fmt\"}]}}"),
    ),
    ("cline", "Documents/Cline/Hooks/PreToolUse", None),
    (
        "antigravity",
        ".gemini/config/hooks.json",
        Some("{\n  \"mine\": {\n    \"Stop\": [{ \"command\": \"make lint\" }]\n  }\n}\n"),
    ),
];

fn set_up(desk: &Desk, file: &str, text: Option<&str>) -> PathBuf {
    let path = desk.home().join(file);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    if let Some(text) = text {
        fs::write(&path, text).unwrap();
    }
    path
}

#[test]
fn installed_twice_tried_and_taken_out_again() {
    assert!(
        AGENTS
            .iter()
            .all(|agent| FILES.iter().any(|(known, ..)| known == agent))
    );
    for (agent, file, text) in FILES {
        let desk = Desk::new();
        let path = set_up(&desk, file, text);
        let args = ["guard", "install", "--agent", agent, "--yes"];
        let first = desk.countersign(&args);
        assert!(first.starts_with("exit 0"), "{first}");
        let installed = fs::read(&path).unwrap();
        let again = desk.countersign(&args);
        assert!(again.contains("is as it should be"), "{agent}: {again}");
        assert_eq!(fs::read(&path).unwrap(), installed, "{agent}");

        let doctor = desk.countersign(&["guard", "doctor"]);
        assert!(
            doctor.starts_with("exit 0") && doctor.contains("denies a planted destruction"),
            "{agent}: {doctor}"
        );

        let out = desk.countersign(&["guard", "uninstall", "--agent", agent, "--yes"]);
        assert!(out.starts_with("exit 0"), "{out}");
        match text {
            Some(text) => assert_eq!(fs::read_to_string(&path).unwrap(), text, "{agent}"),
            None => assert!(!path.exists(), "{agent}"),
        }
    }
}

#[test]
fn all_agents_that_are_used_here_at_once() {
    let desk = Desk::new();
    for (_, file, text) in &FILES[..3] {
        set_up(&desk, file, *text);
    }
    let installed = desk.countersign(&["guard", "install", "--yes"]);
    for agent in ["claude-code", "codex", "cursor"] {
        assert!(installed.contains(agent), "{installed}");
    }
    assert!(!installed.contains("windsurf"), "{installed}");
}

#[test]
fn a_broken_file_stops_everything_before_anything_is_written() {
    let desk = Desk::new();
    let good = set_up(&desk, FILES[0].1, FILES[0].2);
    let broken = set_up(&desk, ".gemini/settings.json", Some("{ \"theme\": "));
    let installed = desk.countersign(&["guard", "install", "--yes"]);
    assert!(installed.starts_with("exit 65"), "{installed}");
    assert!(
        installed.contains("settings.json: it is not valid JSON at line 1, column 12"),
        "{installed}"
    );
    assert_eq!(fs::read_to_string(good).unwrap(), FILES[0].2.unwrap());
    assert_eq!(fs::read_to_string(broken).unwrap(), "{ \"theme\": ");
}

#[test]
fn without_a_yes_nothing_is_written() {
    let desk = Desk::new();
    let path = set_up(&desk, FILES[0].1, FILES[0].2);
    let piped = desk.countersign(&["guard", "install", "--agent", "claude-code"]);
    assert!(
        piped.starts_with("exit 64") && piped.contains("add --yes"),
        "{piped}"
    );
    let refused = desk.at_terminal(&["guard", "install", "--agent", "claude-code"], "n");
    assert!(refused.contains("was not changed"), "{refused}");
    assert_eq!(fs::read_to_string(&path).unwrap(), FILES[0].2.unwrap());
    let agreed = desk.at_terminal(&["guard", "install", "--agent", "claude-code"], "y");
    assert!(agreed.starts_with("exit 0"), "{agreed}");
    assert_ne!(fs::read_to_string(&path).unwrap(), FILES[0].2.unwrap());
}

#[test]
fn other_peoples_later_changes_survive_uninstalling() {
    let desk = Desk::new();
    let path = set_up(&desk, FILES[0].1, FILES[0].2);
    desk.countersign(&["guard", "install", "--agent", "claude-code", "--yes"]);
    let text = fs::read_to_string(&path).unwrap().replace("opus", "sonnet");
    fs::write(&path, text).unwrap();
    desk.countersign(&["guard", "uninstall", "--agent", "claude-code", "--yes"]);
    assert_eq!(
        fs::read_to_string(&path).unwrap(),
        FILES[0].2.unwrap().replace("opus", "sonnet")
    );
}

#[test]
fn the_doctor_finds_what_does_not_guard() {
    let desk = Desk::new();
    let nothing = desk.countersign(&["guard", "doctor"]);
    assert!(
        nothing.starts_with("exit 1") && nothing.contains("no agent asks the guard"),
        "{nothing}"
    );

    let path = set_up(&desk, FILES[0].1, FILES[0].2);
    desk.countersign(&["guard", "install", "--agent", "claude-code", "--yes"]);
    let installed = fs::read_to_string(&path).unwrap();
    let wrong = |text: String, wanted: &str| {
        fs::write(&path, text).unwrap();
        let doctor = desk.countersign(&["guard", "doctor"]);
        assert!(
            doctor.starts_with("exit 1") && doctor.contains(wanted),
            "{wanted}: {doctor}"
        );
    };
    wrong(
        installed.replacen('{', "{\n  \"disableAllHooks\": true,", 1),
        "switches hooks off",
    );
    wrong(
        installed
            .replace("|| exit 2", "|| exit 0")
            .replace("guard --agent", "gone guard --agent"),
        "LETS a planted destruction through",
    );
    wrong(
        installed.replace(env!("CARGO_BIN_EXE_countersign"), "/gone/countersign"),
        "denies even `git status`",
    );
    fs::write(&path, &installed).unwrap();
    fs::create_dir_all(desk.root().join(".claude")).unwrap();
    desk.countersign(&[
        "guard",
        "install",
        "--agent",
        "claude-code",
        "--project",
        "--yes",
    ]);
    let twice = desk.countersign(&["guard", "doctor"]);
    assert!(twice.contains("installed more than once"), "{twice}");
    fs::remove_file(desk.rules_file()).unwrap();
    let rules = desk.countersign(&["guard", "doctor"]);
    assert!(rules.contains("no rules are compiled"), "{rules}");
}

/// The plugin as OpenCode runs it, in Node.
#[test]
fn the_plugin_throws_unless_the_guard_allows() {
    if installed(&["node"]).is_none() {
        return;
    }
    let desk = Desk::new();
    let path = set_up(&desk, FILES[7].1, None);
    desk.countersign(&["guard", "install", "--agent", "opencode", "--yes"]);
    let module = path.with_extension("mjs");
    fs::copy(&path, &module).unwrap();
    let script = format!(
        "const {{ CountersignGuard }} = await import('{}');
         const hooks = await CountersignGuard({{ directory: '{}' }});
         for (const command of ['terraform destroy -auto-approve', 'git status']) {{
           try {{
             await hooks['tool.execute.before']({{ tool: 'bash', sessionID: 's', callID: 'c' }}, {{ args: {{ command }} }});
             console.log('ran ' + command);
           }} catch (error) {{ console.log('threw ' + error.message.slice(0, 4)); }}
         }}",
        module.display(),
        desk.root().display()
    );
    let mut node = std::process::Command::new("node");
    node.args(["--input-type=module", "-e", &script])
        .env("HOME", desk.home());
    let output = node.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(
        text,
        "threw HELD\nran git status\n",
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
