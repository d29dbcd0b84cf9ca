//! The agents' hook protocols: bytes in, a tool call; a verdict, bytes out.
//!
//! One file per protocol. `ask` is never answered: several agents approve it
//! silently in their bypass modes, a denial holds in all of them.

mod antigravity;
mod claude_code;
mod cline;
mod codex;
mod copilot_cli;
mod cursor;
mod fields;
mod gemini_cli;
mod kiro;
mod opencode;
mod windsurf;

use serde_json::Value;

use crate::agent::Agent;

/// The longest input read, in bytes; more is denied.
pub const MAX_INPUT: usize = 8 << 20;

/// The exit code that most agents take as a denial.
pub const DENY_CODE: u8 = 2;

/// A tool call that an agent is about to make.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolCall {
    /// The tool, as the agent calls it.
    pub tool: String,
    /// Its arguments.
    pub input: Value,
    /// The directory it would run in, where the agent says so.
    pub cwd: Option<String>,
    /// The conversation, where the agent says so.
    pub session: Option<String>,
    /// The hook's event, which some answers repeat.
    pub event: String,
}

/// What an agent's hook was started for.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A tool call to judge.
    Call(ToolCall),
    /// Something that has already happened or calls no tool: nothing to judge.
    Other(String),
}

/// Why the input of a hook cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProtocolError {
    /// Nothing came.
    #[error("the hook got no input")]
    Empty,
    /// More than [`MAX_INPUT`].
    #[error("the hook's input has more than {MAX_INPUT} bytes")]
    TooLarge,
    /// Not JSON, or not an object.
    #[error("the hook's input is not a JSON object: {0}")]
    Json(String),
    /// A field that the protocol promises is missing or of another type.
    #[error("the hook's input has no usable `{0}`: an unknown version of the agent?")]
    Field(&'static str),
}

/// The verdict, as it goes to the agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer<'a> {
    /// Nothing against it; the agent's own permissions still apply.
    Allow,
    /// It must not run.
    Deny {
        /// Why, and what to do now.
        reason: &'a str,
    },
}

/// What the hook's process prints and returns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// For standard output.
    pub stdout: Vec<u8>,
    /// For standard error.
    pub stderr: Vec<u8>,
    /// The exit code.
    pub code: u8,
    /// The exit code when standard output cannot be written: what this agent
    /// takes as a denial without any JSON.
    pub code_without_output: u8,
}

impl Response {
    fn json(value: &Value) -> Self {
        let mut stdout = value.to_string().into_bytes();
        stdout.push(b'\n');
        Self {
            stdout,
            stderr: Vec::new(),
            code: 0,
            code_without_output: DENY_CODE,
        }
    }

    const fn silent() -> Self {
        Self {
            stdout: Vec::new(),
            stderr: Vec::new(),
            code: 0,
            code_without_output: 0,
        }
    }

    fn exit_two(reason: &str) -> Self {
        Self {
            stdout: Vec::new(),
            stderr: format!("{reason}\n").into_bytes(),
            code: DENY_CODE,
            code_without_output: DENY_CODE,
        }
    }
}

/// Reads what an agent sends to its hook.
///
/// # Errors
/// [`ProtocolError`]: whoever asks must deny then.
pub fn read(agent: Agent, bytes: &[u8]) -> Result<Event, ProtocolError> {
    if bytes.len() > MAX_INPUT {
        return Err(ProtocolError::TooLarge);
    }
    let message = fields::object(bytes)?;
    match agent {
        Agent::ClaudeCode => claude_code::read(&message),
        Agent::Codex => codex::read(&message),
        Agent::Cursor => cursor::read(&message),
        Agent::Kiro | Agent::AmazonQ => kiro::read(&message),
        Agent::GeminiCli => gemini_cli::read(&message),
        Agent::CopilotCli => copilot_cli::read(&message),
        Agent::OpenCode => opencode::read(&message),
        Agent::Windsurf => windsurf::read(&message),
        Agent::Cline => cline::read(&message),
        Agent::Antigravity => antigravity::read(&message),
    }
}

/// Writes an answer as an agent expects it. `event` is that of the call, empty
/// where the input could not be read.
#[must_use]
pub fn answer(agent: Agent, event: &str, answer: Answer<'_>) -> Response {
    match agent {
        Agent::ClaudeCode => claude_code::answer(event, answer),
        Agent::Codex => codex::answer(event, answer),
        Agent::Cursor => cursor::answer(answer),
        Agent::Kiro | Agent::AmazonQ => kiro::answer(answer),
        Agent::GeminiCli => gemini_cli::answer(answer),
        Agent::CopilotCli => copilot_cli::answer(event, answer),
        Agent::OpenCode => opencode::answer(answer),
        Agent::Windsurf => windsurf::answer(answer),
        Agent::Cline => cline::answer(answer),
        Agent::Antigravity => antigravity::answer(answer),
    }
}

/// Whether an agent takes this for a denial: for checking an installed hook.
#[must_use]
pub fn denies(agent: Agent, code: i32, stdout: &[u8]) -> bool {
    let json: Value = serde_json::from_slice(stdout).unwrap_or_default();
    let says = |path: &str, word: &str| json.pointer(path).and_then(Value::as_str) == Some(word);
    let claude = says("/hookSpecificOutput/permissionDecision", "deny");
    let two = code == i32::from(DENY_CODE);
    match agent {
        Agent::ClaudeCode | Agent::Codex => two || code == 0 && claude,
        Agent::Cursor => two || code == 0 && says("/permission", "deny"),
        Agent::Kiro | Agent::AmazonQ | Agent::Windsurf => two,
        Agent::GeminiCli => two || code == 0 && says("/decision", "deny"),
        Agent::CopilotCli => code != 0 || claude || says("/permissionDecision", "deny"),
        Agent::OpenCode => code != 0 || !says("/decision", "allow"),
        Agent::Cline => json.pointer("/cancel") == Some(&Value::Bool(true)),
        Agent::Antigravity => says("/decision", "deny"),
    }
}

/// What an agent would send before it runs this command: for checking an
/// installed hook.
#[must_use]
pub fn sample(agent: Agent, command: &str, cwd: &str) -> Vec<u8> {
    use serde_json::json;
    const SESSION: &str = "countersign-doctor";
    let claude = |event: &str, tool: &str| {
        json!({
            "session_id": SESSION, "cwd": cwd, "hook_event_name": event,
            "tool_name": tool, "tool_input": { "command": command },
        })
    };
    let message = match agent {
        Agent::ClaudeCode | Agent::Codex => claude("PreToolUse", "Bash"),
        Agent::Cursor => json!({
            "conversation_id": SESSION, "hook_event_name": "beforeShellExecution",
            "workspace_roots": [cwd], "command": command, "cwd": cwd,
        }),
        Agent::Kiro | Agent::AmazonQ => claude("preToolUse", "execute_bash"),
        Agent::GeminiCli => claude("BeforeTool", "run_shell_command"),
        Agent::CopilotCli => json!({
            "timestamp": 0, "cwd": cwd, "sessionId": SESSION, "toolName": "bash",
            "toolArgs": json!({ "command": command }).to_string(),
        }),
        Agent::OpenCode => json!({
            "tool": "bash", "sessionID": SESSION, "callID": "doctor", "directory": cwd,
            "args": { "command": command },
        }),
        Agent::Windsurf => json!({
            "agent_action_name": "pre_run_command", "trajectory_id": SESSION,
            "tool_info": { "command_line": command, "cwd": cwd },
        }),
        Agent::Cline => json!({
            "hookName": "PreToolUse", "taskId": SESSION, "workspaceRoots": [cwd],
            "preToolUse": { "toolName": "execute_command", "parameters": { "command": command } },
        }),
        Agent::Antigravity => json!({
            "toolCall": { "name": "run_command", "args": { "CommandLine": command, "Cwd": cwd } },
            "conversationId": SESSION, "stepIdx": 0,
        }),
    };
    message.to_string().into_bytes()
}
