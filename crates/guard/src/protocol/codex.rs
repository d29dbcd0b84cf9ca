//! Codex CLI: `PreToolUse` in `config.toml` or `hooks.json`.
//!
//! The schema of the answer allows no other field, and a hook that breaks it is
//! a failed hook: the tool runs. So the answer has the three fields and no more.

use serde_json::{Value, json};

use super::fields::{Message, claude_like};
use super::{Answer, Event, ProtocolError, Response, claude_code};

pub(super) fn read(message: &Message) -> Result<Event, ProtocolError> {
    let event = claude_like(message, &["PreToolUse"], claude_code::AFTER)?;
    Ok(match event {
        Event::Call(mut call) if call.tool == "apply_patch" => {
            // The patch travels in the field of the shell's command.
            if let Some(Value::String(patch)) = call.input.get("command") {
                call.input = json!({ "input": patch });
            }
            Event::Call(call)
        }
        other => other,
    })
}

pub(super) fn answer(event: &str, answer: Answer<'_>) -> Response {
    claude_code::answer(event, answer)
}
