//! Windsurf Cascade: the `pre_…` hooks of `hooks.json`. Exit code 2 blocks.

use serde_json::{Value, json};

use super::fields::{Message, arguments, needed, text};
use super::{Answer, Event, ProtocolError, Response, ToolCall};

pub(super) fn read(message: &Message) -> Result<Event, ProtocolError> {
    let event = needed(message, &["agent_action_name"], "agent_action_name")?;
    if !event.starts_with("pre_") || event == "pre_user_prompt" {
        return Ok(Event::Other(event));
    }
    let Some(Value::Object(info)) = message.get("tool_info") else {
        return Err(ProtocolError::Field("tool_info"));
    };
    let (tool, input) = match event.as_str() {
        "pre_run_command" => {
            let command = needed(info, &["command_line"], "tool_info.command_line")?;
            ("run_command".to_owned(), json!({ "command": command }))
        }
        "pre_mcp_tool_use" => (
            format!(
                "mcp__{}__{}",
                text(info, &["mcp_server_name"]).unwrap_or_default(),
                needed(info, &["mcp_tool_name"], "tool_info.mcp_tool_name")?
            ),
            arguments(info.get("mcp_tool_arguments")),
        ),
        "pre_write_code" => ("write_code".to_owned(), Value::Object(info.clone())),
        "pre_read_code" => ("read_code".to_owned(), Value::Object(info.clone())),
        _ => (event.clone(), Value::Object(info.clone())),
    };
    Ok(Event::Call(ToolCall {
        tool,
        input,
        cwd: text(info, &["cwd"]),
        session: text(message, &["trajectory_id"]),
        event,
    }))
}

pub(super) fn answer(answer: Answer<'_>) -> Response {
    match answer {
        Answer::Allow => Response::silent(),
        Answer::Deny { reason } => Response::exit_two(reason),
    }
}
