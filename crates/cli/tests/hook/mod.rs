//! A desk: a home directory, a repository with rules, and agents that call the
//! hook as the real ones do.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "each test file uses a part of it, and set-up has to fail loudly"
)]

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::common::Org;

/// Every agent, as `guard --agent` names it.
pub(crate) const AGENTS: [&str; 11] = [
    "claude-code",
    "codex",
    "cursor",
    "kiro",
    "amazon-q",
    "gemini-cli",
    "copilot-cli",
    "opencode",
    "windsurf",
    "cline",
    "antigravity",
];

/// What an agent sends before it runs a command.
pub(crate) fn shell_call(agent: &str, command: &str, cwd: &Path) -> String {
    let cwd = cwd.to_str().unwrap();
    let claude = |event: &str, tool: &str| json!({"session_id": "s1", "cwd": cwd, "hook_event_name": event, "tool_name": tool, "tool_input": {"command": command}});
    let message = match agent {
        "claude-code" | "codex" => claude("PreToolUse", "Bash"),
        "cursor" => {
            json!({"conversation_id": "s1", "hook_event_name": "beforeShellExecution", "workspace_roots": [cwd], "command": command, "cwd": cwd})
        }
        "kiro" | "amazon-q" => claude("preToolUse", "execute_bash"),
        "gemini-cli" => claude("BeforeTool", "run_shell_command"),
        "copilot-cli" => {
            json!({"timestamp": 1, "cwd": cwd, "sessionId": "s1", "toolName": "bash", "toolArgs": json!({"command": command}).to_string()})
        }
        "opencode" => {
            json!({"tool": "bash", "sessionID": "s1", "callID": "c", "directory": cwd, "args": {"command": command}})
        }
        "windsurf" => {
            json!({"agent_action_name": "pre_run_command", "trajectory_id": "s1", "tool_info": {"command_line": command, "cwd": cwd}})
        }
        "cline" => {
            json!({"hookName": "PreToolUse", "taskId": "s1", "workspaceRoots": [cwd], "preToolUse": {"toolName": "execute_command", "parameters": {"command": command}}})
        }
        "antigravity" => {
            json!({"toolCall": {"name": "run_command", "args": {"CommandLine": command, "Cwd": cwd}}, "conversationId": "s1", "stepIdx": 1})
        }
        other => panic!("{other}"),
    };
    message.to_string()
}

/// What a hook's process left behind.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Answer {
    /// Everything it said, with JSON's escapes resolved.
    pub(crate) fn text(&self) -> String {
        fn strings(value: &Value, out: &mut String) {
            match value {
                Value::String(text) => out.push_str(text),
                Value::Object(fields) => fields.values().for_each(|it| strings(it, out)),
                _ => {}
            }
        }
        let mut text = self.stderr.clone();
        if let Ok(value) = serde_json::from_str(&self.stdout) {
            strings(&value, &mut text);
        }
        text
    }

    /// The ticket it names for passing.
    pub(crate) fn ticket(&self) -> String {
        let text = self.text();
        let at = text
            .find("countersign pass ")
            .unwrap_or_else(|| panic!("no ticket: {text}"));
        text[at + "countersign pass ".len()..][..9].to_owned()
    }
}

/// What the agent would make of the answer, from the protocols' descriptions.
pub(crate) fn is_denial(agent: &str, answer: &Answer) -> bool {
    let json: Value = serde_json::from_str(&answer.stdout).unwrap_or_default();
    let hook = &json["hookSpecificOutput"];
    match agent {
        "kiro" | "amazon-q" | "windsurf" => answer.code == 2,
        "claude-code" | "codex" => {
            answer.code == 2 || answer.code == 0 && hook["permissionDecision"] == "deny"
        }
        "cursor" => answer.code == 2 || json["permission"] == "deny",
        "gemini-cli" => answer.code == 2 || json["decision"] == "deny",
        "copilot-cli" => answer.code != 0 || json["permissionDecision"] == "deny",
        // The plugin throws unless it reads an explicit "allow".
        "opencode" => answer.code != 0 || json["decision"] != "allow",
        "cline" => json["cancel"] == true,
        "antigravity" => json["decision"] == "deny",
        other => panic!("{other}"),
    }
}

pub(crate) struct Desk {
    org: Org,
    home: tempfile::TempDir,
}

impl Desk {
    /// A repository that has adopted Countersign, whose operator is Mia (mid),
    /// with compiled rules.
    pub(crate) fn new() -> Self {
        let org = Org::new();
        let pat = countersign_testkit::Who::new("Pat Principal", "pat@example.com");
        org.repo.commit(
            pat,
            "Say what our names mean",
            &[(
                ".countersign/targets.toml",
                "[[target]]\nenvironment = \"development\"\nkube-context = [\"blue-*\"]\n",
            )],
        );
        let desk = Self {
            org,
            home: tempfile::tempdir().unwrap(),
        };
        desk.git(&["config", "user.email", "mia@example.com"]);
        let compiled = desk.countersign(&["guard", "compile"]);
        assert!(compiled.starts_with("exit 0"), "{compiled}");
        desk
    }

    pub(crate) const fn repo(&self) -> &countersign_testkit::GitRepo {
        &self.org.repo
    }

    pub(crate) fn root(&self) -> &Path {
        self.org.repo.path()
    }

    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    pub(crate) fn guard_dir(&self) -> PathBuf {
        self.home().join(".countersign/guard")
    }

    pub(crate) fn key(&self, id: &str) -> String {
        self.root()
            .join(format!(".git/key-{id}@example.com"))
            .display()
            .to_string()
    }

    pub(crate) fn git(&self, args: &[&str]) {
        let status = self
            .org
            .repo
            .command()
            .args(args)
            .stdout(Stdio::null())
            .status()
            .unwrap();
        assert!(status.success(), "{args:?}");
    }

    /// The repository's compiled rules.
    pub(crate) fn rules_file(&self) -> PathBuf {
        let all = fs::read_dir(self.guard_dir().join("rules")).unwrap();
        all.map(|entry| entry.unwrap().path())
            .find(|path| path.file_name().unwrap() != "user.rules")
            .unwrap()
    }

    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
        command
            .current_dir(self.root())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.home())
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_SYSTEM", "/dev/null")
            .env("NO_COLOR", "1");
        command
    }

    pub(crate) fn countersign(&self, args: &[&str]) -> String {
        crate::common::shown(&self.command().args(args).output().unwrap())
    }

    /// Runs the hook.
    pub(crate) fn hook(&self, agent: &str, input: &str) -> Answer {
        self.hook_with(agent, input, &[])
    }

    pub(crate) fn hook_with(&self, agent: &str, input: &str, env: &[(&str, &str)]) -> Answer {
        let mut command = self.hook_command(agent);
        command.envs(env.iter().copied());
        Self::exchange(command, input, Stdio::piped())
    }

    pub(crate) fn hook_command(&self, agent: &str) -> Command {
        let mut command = self.command();
        command.args(["guard", "--agent", agent]);
        command
    }

    /// Runs the hook with a standard output that takes nothing.
    pub(crate) fn hook_closed(&self, agent: &str, input: &str) -> Answer {
        let mut command = self.command();
        command.args(["guard", "--agent", agent]);
        let full = fs::OpenOptions::new()
            .write(true)
            .open("/dev/full")
            .unwrap();
        Self::exchange(command, input, full.into())
    }

    pub(crate) fn exchange(mut command: Command, input: &str, stdout: Stdio) -> Answer {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(stdout)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A hook that denies early need not read all of it.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        Answer {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Makes every write into the guard's directory fail, for any user: where
    /// directories should be made there are files, and the log is a device that is
    /// always full.
    pub(crate) fn fill_disk(&self) {
        let dir = self.guard_dir();
        for name in ["tickets", "passes", "spent", "sessions"] {
            let _ = fs::remove_dir_all(dir.join(name));
            fs::write(dir.join(name), "").unwrap();
        }
        let _ = fs::remove_dir_all(dir.join("log"));
        fs::create_dir(dir.join("log")).unwrap();
        std::os::unix::fs::symlink("/dev/full", dir.join("log/decisions.jsonl")).unwrap();
    }

    /// Types at a terminal, as a person would; what the screen shows.
    pub(crate) fn at_terminal(&self, args: &[&str], typed: &str) -> String {
        let line: Vec<String> = std::iter::once(env!("CARGO_BIN_EXE_countersign"))
            .chain(args.iter().copied())
            .map(|word| format!("'{word}'"))
            .collect();
        let mut command = Command::new("script");
        let base = self.command();
        command.current_dir(self.root()).env_clear();
        for (name, value) in base.get_envs() {
            if let Some(value) = value {
                command.env(name, value);
            }
        }
        command.args(["-qec", &line.join(" "), "/dev/null"]);
        let answer = Self::exchange(command, &format!("{typed}\n"), Stdio::piped());
        format!(
            "exit {}\n{}{}",
            answer.code,
            answer.stdout.replace('\r', ""),
            answer.stderr
        )
    }

    /// A person passes a ticket.
    pub(crate) fn pass(&self, person: &str, ticket: &str) -> String {
        self.at_terminal(&["pass", ticket, "--key", &self.key(person)], &ticket[5..])
    }
}
