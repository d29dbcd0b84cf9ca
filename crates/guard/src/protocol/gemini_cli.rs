//! Gemini CLI: `BeforeTool` in `settings.json`.
//!
//! Standard output must hold JSON and nothing else.

use serde_json::json;

use super::fields::{Message, claude_like};
use super::{Answer, Event, ProtocolError, Response};

pub(super) fn read(message: &Message) -> Result<Event, ProtocolError> {
    claude_like(
        message,
        &["BeforeTool"],
        &[
            "AfterTool",
            "BeforeAgent",
            "AfterAgent",
            "SessionStart",
            "SessionEnd",
            "Notification",
        ],
    )
}

pub(super) fn answer(answer: Answer<'_>) -> Response {
    Response::json(&match answer {
        Answer::Allow => json!({}),
        Answer::Deny { reason } => json!({ "decision": "deny", "reason": reason }),
    })
}
