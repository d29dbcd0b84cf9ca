//! Claude Code: `PreToolUse` in `settings.json`.
//!
//! A denial is JSON with exit code 0, which holds under `bypassPermissions` too.
//! Silence leaves the call to Claude Code's own permissions.

use serde_json::json;

use super::fields::{Message, claude_like};
use super::{Answer, Event, ProtocolError, Response};

/// Events that come too late or call no tool.
pub(super) const AFTER: &[&str] = &[
    "PostToolUse",
    "PostToolUseFailure",
    "Notification",
    "UserPromptSubmit",
    "SessionStart",
    "SessionEnd",
    "Stop",
    "SubagentStop",
    "PreCompact",
];

pub(super) fn read(message: &Message) -> Result<Event, ProtocolError> {
    claude_like(message, &["PreToolUse"], AFTER)
}

pub(super) fn answer(event: &str, answer: Answer<'_>) -> Response {
    match answer {
        Answer::Allow => Response::silent(),
        Answer::Deny { reason } if matches!(event, "PreToolUse" | "") => {
            Response::json(&deny(reason))
        }
        // Another event has another form; exit code 2 is known to all of them.
        Answer::Deny { reason } => Response::exit_two(reason),
    }
}

pub(super) fn deny(reason: &str) -> serde_json::Value {
    json!({
        "hookSpecificOutput": {
            "hookEventName": "PreToolUse",
            "permissionDecision": "deny",
            "permissionDecisionReason": reason,
        }
    })
}
