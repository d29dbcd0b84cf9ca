//! Cursor: `beforeShellExecution`, `beforeMCPExecution`, `preToolUse` and
//! `beforeReadFile` in `hooks.json`.

use serde_json::{Value, json};

use super::fields::{Message, arguments, first, needed, text};
use super::{Answer, Event, ProtocolError, Response, ToolCall};

pub(super) fn read(message: &Message) -> Result<Event, ProtocolError> {
    let event = needed(message, &["hook_event_name"], "hook_event_name")?;
    let cwd = text(message, &["cwd"]).or_else(|| first(message, "workspace_roots"));
    let (tool, input) = match event.as_str() {
        "beforeShellExecution" => {
            let command = needed(message, &["command"], "command")?;
            ("Shell".to_owned(), json!({ "command": command }))
        }
        "beforeReadFile" | "beforeTabFileRead" => {
            let path = needed(message, &["file_path"], "file_path")?;
            ("Read".to_owned(), json!({ "file_path": path }))
        }
        "beforeMCPExecution" => (
            // Without the prefix it would be taken for a tool of Cursor's own.
            format!("mcp__{}", needed(message, &["tool_name"], "tool_name")?),
            arguments(message.get("tool_input")),
        ),
        _ if message.contains_key("tool_name") => (
            needed(message, &["tool_name"], "tool_name")?,
            arguments(message.get("tool_input")),
        ),
        // After the fact, or about prompts.
        name if name.starts_with("after") || name.starts_with("post") => {
            return Ok(Event::Other(event));
        }
        "beforeSubmitPrompt" | "stop" | "sessionStart" | "sessionEnd" => {
            return Ok(Event::Other(event));
        }
        _ => match message.get("command") {
            Some(Value::String(command)) => ("Shell".to_owned(), json!({ "command": command })),
            _ => return Err(ProtocolError::Field("tool_name")),
        },
    };
    Ok(Event::Call(ToolCall {
        tool,
        input,
        cwd,
        session: text(message, &["conversation_id", "session_id"]),
        event,
    }))
}

pub(super) fn answer(answer: Answer<'_>) -> Response {
    Response::json(&match answer {
        // Cursor asks its own permissions after the hook.
        Answer::Allow => json!({ "permission": "allow" }),
        Answer::Deny { reason } => json!({
            "permission": "deny",
            "user_message": reason,
            "agent_message": reason,
        }),
    })
}
