//! OpenCode: `tool.execute.before` in a plugin, which starts this program with
//! the call and throws unless the answer says `allow`.

use serde_json::json;

use super::fields::{Message, arguments, needed, text};
use super::{Answer, Event, ProtocolError, Response, ToolCall};

pub(super) fn read(message: &Message) -> Result<Event, ProtocolError> {
    Ok(Event::Call(ToolCall {
        tool: needed(message, &["tool"], "tool")?,
        input: arguments(Some(
            message.get("args").ok_or(ProtocolError::Field("args"))?,
        )),
        cwd: text(message, &["directory", "cwd"]),
        session: text(message, &["sessionID"]),
        event: "tool.execute.before".to_owned(),
    }))
}

pub(super) fn answer(answer: Answer<'_>) -> Response {
    Response::json(&match answer {
        Answer::Allow => json!({ "decision": "allow" }),
        Answer::Deny { reason } => json!({ "decision": "deny", "reason": reason }),
    })
}
