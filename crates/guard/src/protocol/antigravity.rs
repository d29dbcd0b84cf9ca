//! Antigravity: `hooks.json`. It knows no answer for "no opinion".

use serde_json::{Value, json};

use super::fields::{Message, arguments, first, needed, text};
use super::{Answer, Event, ProtocolError, Response, ToolCall};

pub(super) fn read(message: &Message) -> Result<Event, ProtocolError> {
    let Some(Value::Object(call)) = message.get("toolCall") else {
        return Err(ProtocolError::Field("toolCall"));
    };
    let input = arguments(call.get("args"));
    let cwd = input.get("Cwd").and_then(Value::as_str).map(str::to_owned);
    Ok(Event::Call(ToolCall {
        tool: needed(call, &["name"], "toolCall.name")?,
        cwd: cwd.or_else(|| first(message, "workspacePaths")),
        input,
        session: text(message, &["conversationId"]),
        event: String::new(),
    }))
}

pub(super) fn answer(answer: Answer<'_>) -> Response {
    Response::json(&match answer {
        Answer::Allow => json!({ "decision": "allow" }),
        Answer::Deny { reason } => json!({ "decision": "deny", "reason": reason }),
    })
}
