//! Files that are not merged as JSON: TOML, a plugin, a script, and JSON files of
//! our own.

use serde_json::{Value, json};

use super::{InstallError, is_ours, marker, quote};
use crate::agent::Agent;

const BEGIN: &str = "# countersign guard: begin (made by `countersign guard install`)";
const END: &str = "# countersign guard: end";

/// The hook's time limit in seconds; the guard itself needs milliseconds.
pub(super) const TIMEOUT: u32 = 30;

/// A file that nobody else writes.
pub(super) fn own_json(agent: Agent, command: &str) -> String {
    let value = match agent {
        Agent::CopilotCli => json!({
            "version": 1,
            "hooks": { "preToolUse": [{ "type": "command", "bash": command, "timeoutSec": TIMEOUT }] },
        }),
        // Kiro, version 3. Without a matcher it sees every tool.
        _ => json!({
            "version": "v1",
            "hooks": [{
                "name": "countersign-guard",
                "trigger": "PreToolUse",
                "action": { "type": "command", "command": command },
                "timeout": TIMEOUT,
                "enabled": true,
            }],
        }),
    };
    pretty(&value, "  ")
}

pub(super) fn pretty(value: &Value, indent: &str) -> String {
    let mut out = Vec::new();
    let formatter = serde_json::ser::PrettyFormatter::with_indent(indent.as_bytes());
    let mut writer = serde_json::Serializer::with_formatter(&mut out, formatter);
    // Plain data into memory cannot fail to be written.
    let _ = serde::Serialize::serialize(value, &mut writer);
    let mut text = String::from_utf8(out).unwrap_or_default();
    text.push('\n');
    text
}

pub(super) fn add_toml(before: Option<&str>, command: &str) -> Result<String, InstallError> {
    let before = before.unwrap_or_default();
    let table: toml::Table =
        toml::from_str(before).map_err(|error| InstallError::Toml(error.message().to_owned()))?;
    let clean = remove_toml(before);
    let hooks = table.get("hooks");
    let there = hooks.and_then(|hooks| hooks.get("PreToolUse"));
    if hooks.is_some_and(|hooks| !hooks.is_table()) || there.is_some_and(|it| !it.is_array()) {
        return Err(InstallError::Shape("hooks".to_owned()));
    }
    let mut text = clean;
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    let gap = if text.is_empty() { "" } else { "\n" };
    text.push_str(&format!(
        "{gap}{BEGIN}\n[[hooks.PreToolUse]]\n\n[[hooks.PreToolUse.hooks]]\ntype = \"command\"\ncommand = {}\n\
         timeout = {TIMEOUT}\n{END}\n",
        toml::Value::String(command.to_owned())
    ));
    // An inline `hooks = {…}` cannot be added to; then nothing is written.
    toml::from_str::<toml::Table>(&text).map_err(|_| InstallError::Shape("hooks".to_owned()))?;
    Ok(text)
}

pub(super) fn remove_toml(before: &str) -> String {
    let Some(start) = before.find(BEGIN) else {
        return before.to_owned();
    };
    let rest = before.get(start..).unwrap_or("");
    let length = rest.find(END).map_or(rest.len(), |at| at + END.len());
    let head = before.get(..start).unwrap_or("");
    let tail = rest.get(length..).unwrap_or("");
    // The empty line before the block was ours as well.
    let head = head
        .strip_suffix("\n\n")
        .map_or_else(|| head.to_owned(), |it| format!("{it}\n"));
    format!("{head}{}", tail.strip_prefix('\n').unwrap_or(tail))
}

pub(super) fn command_in_toml(text: &str, agent: Agent) -> Option<String> {
    fn find(value: &toml::Value, agent: Agent) -> Option<String> {
        match value {
            toml::Value::String(text) if is_ours(text, agent) => Some(text.clone()),
            toml::Value::Array(items) => items.iter().find_map(|item| find(item, agent)),
            toml::Value::Table(fields) => fields.values().find_map(|item| find(item, agent)),
            _ => None,
        }
    }
    let table: toml::Table = toml::from_str(text).ok()?;
    find(table.get("hooks")?, agent)
}

pub(super) fn switched_off_toml(text: &str) -> Option<&'static str> {
    let table: toml::Table = toml::from_str(text).ok()?;
    let features = table.get("features")?;
    ["hooks", "codex_hooks"]
        .iter()
        .any(|name| features.get(name).and_then(toml::Value::as_bool) == Some(false))
        .then_some("`[features] hooks = false` switches hooks off")
}

/// OpenCode's plugin. Only an explicit "allow" lets the tool run.
pub(super) fn plugin(program: &str) -> String {
    let program = Value::String(program.to_owned());
    format!(
        r#"// Made by `countersign guard install`. Each tool call is judged before it runs
// (guard --agent opencode); whatever goes wrong stops the call.
import {{ spawnSync }} from "node:child_process"

const PROGRAM = {program}

export const CountersignGuard = async ({{ directory }}) => ({{
  "tool.execute.before": async (input, output) => {{
    const call = {{
      tool: input.tool,
      sessionID: input.sessionID,
      callID: input.callID,
      directory,
      args: output.args,
    }}
    const run = spawnSync(PROGRAM, ["guard", "--agent", "opencode"], {{
      input: JSON.stringify(call),
      encoding: "utf8",
      timeout: 30000,
    }})
    let answer = {{}}
    try {{
      answer = JSON.parse(run.stdout)
    }} catch {{}}
    if (run.status !== 0 || answer.decision !== "allow") {{
      throw new Error(answer.reason || "DENIED: the guard gave no answer. " + (run.stderr || run.error || ""))
    }}
  }},
}})
"#
    )
}

/// Cline's executable.
pub(super) fn script(before: Option<&str>, program: &str) -> Result<String, InstallError> {
    if before.is_some_and(|text| !text.trim().is_empty() && !is_ours(text, Agent::Cline)) {
        return Err(InstallError::Taken(format!(
            "{} {}",
            quote(program),
            marker(Agent::Cline)
        )));
    }
    Ok(format!(
        "#!/bin/sh\n# Made by `countersign guard install`.\n{} {} ||\n  printf '%s\\n' \
         '{{\"cancel\":true,\"errorMessage\":\"DENIED: the guard gave no answer. Stop here and tell the person you work for.\"}}'\n",
        quote(program),
        marker(Agent::Cline)
    ))
}
