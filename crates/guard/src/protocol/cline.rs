//! Cline: the executable `PreToolUse`; its command line calls the event
//! `tool_call`.

use serde_json::{Value, json};

use super::fields::{Message, arguments, first, needed, text};
use super::{Answer, Event, ProtocolError, Response, ToolCall};

pub(super) fn read(message: &Message) -> Result<Event, ProtocolError> {
    let event = needed(message, &["hookName"], "hookName")?;
    let Some(Value::Object(call)) = message
        .get("preToolUse")
        .or_else(|| message.get("tool_call"))
    else {
        if matches!(event.as_str(), "PreToolUse" | "tool_call") {
            return Err(ProtocolError::Field("preToolUse"));
        }
        return Ok(Event::Other(event));
    };
    let name = needed(call, &["toolName", "tool"], "preToolUse.toolName")?;
    let parameters = arguments(call.get("parameters").or_else(|| call.get("input")));
    let (tool, input) = match parameters.get("tool_name").and_then(Value::as_str) {
        Some(inner) if name == "use_mcp_tool" => (
            format!("mcp__{inner}"),
            arguments(parameters.get("arguments")),
        ),
        _ => (name, parameters),
    };
    Ok(Event::Call(ToolCall {
        tool,
        input,
        cwd: first(message, "workspaceRoots"),
        session: text(message, &["taskId"]),
        event,
    }))
}

pub(super) fn answer(answer: Answer<'_>) -> Response {
    let mut response = Response::json(&match answer {
        Answer::Allow => json!({ "cancel": false }),
        Answer::Deny { reason } => json!({ "cancel": true, "errorMessage": reason }),
    });
    response.code_without_output = 1;
    response
}
