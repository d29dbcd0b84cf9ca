//! Copilot CLI: `preToolUse`; `toolArgs` may be an object or its text. Copilot in
//! VS Code sends and expects Claude Code's form.

use serde_json::json;

use super::fields::{Message, arguments, claude_like, needed, text};
use super::{Answer, Event, ProtocolError, Response, ToolCall, claude_code};

pub(super) fn read(message: &Message) -> Result<Event, ProtocolError> {
    if message.contains_key("hook_event_name") {
        return claude_like(message, &["PreToolUse"], claude_code::AFTER);
    }
    if !message.contains_key("toolName") && message.contains_key("prompt") {
        return Ok(Event::Other("userPromptSubmitted".to_owned()));
    }
    Ok(Event::Call(ToolCall {
        tool: needed(message, &["toolName"], "toolName")?,
        input: arguments(Some(
            message
                .get("toolArgs")
                .ok_or(ProtocolError::Field("toolArgs"))?,
        )),
        cwd: text(message, &["cwd"]),
        session: text(message, &["sessionId"]),
        event: String::new(),
    }))
}

pub(super) fn answer(event: &str, answer: Answer<'_>) -> Response {
    match answer {
        Answer::Allow => Response::silent(),
        Answer::Deny { reason } if event.is_empty() => Response::json(&json!({
            "permissionDecision": "deny",
            "permissionDecisionReason": reason,
        })),
        Answer::Deny { .. } => claude_code::answer(event, answer),
    }
}
