//! Fields of a hook's input. Unknown fields are left alone: agents add some with
//! every version.

use serde_json::{Map, Value};

use super::{Event, ProtocolError, ToolCall};

pub(super) type Message = Map<String, Value>;

pub(super) fn object(bytes: &[u8]) -> Result<Message, ProtocolError> {
    // Some shells on Windows put a byte order mark in front.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(ProtocolError::Empty);
    }
    match serde_json::from_slice(bytes) {
        Ok(Value::Object(message)) => Ok(message),
        Ok(_) => Err(ProtocolError::Json(
            "it is another kind of value".to_owned(),
        )),
        Err(error) => Err(ProtocolError::Json(error.to_string())),
    }
}

/// The first of these fields that is a text and not empty.
pub(super) fn text(message: &Message, names: &[&str]) -> Option<String> {
    names
        .iter()
        .filter_map(|name| message.get(*name)?.as_str())
        .find(|value| !value.is_empty())
        .map(str::to_owned)
}

pub(super) fn needed(
    message: &Message,
    names: &[&str],
    name: &'static str,
) -> Result<String, ProtocolError> {
    text(message, names).ok_or(ProtocolError::Field(name))
}

/// The first entry of a list of texts.
pub(super) fn first(message: &Message, name: &str) -> Option<String> {
    let list = message.get(name)?.as_array()?;
    list.first()?.as_str().map(str::to_owned)
}

/// Arguments that may come as an object or as the text of one. Text that is not
/// JSON stays text.
pub(super) fn arguments(value: Option<&Value>) -> Value {
    match value {
        Some(Value::String(text)) => {
            serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.clone()))
        }
        Some(other) => other.clone(),
        None => Value::Object(Map::new()),
    }
}

/// The protocol that Claude Code began and others took over.
pub(super) fn claude_like(
    message: &Message,
    before: &[&str],
    after: &[&str],
) -> Result<Event, ProtocolError> {
    let event = needed(message, &["hook_event_name"], "hook_event_name")?;
    if after.contains(&event.as_str()) {
        return Ok(Event::Other(event));
    }
    if !before.contains(&event.as_str()) && !message.contains_key("tool_name") {
        return Ok(Event::Other(event));
    }
    Ok(Event::Call(ToolCall {
        tool: needed(message, &["tool_name"], "tool_name")?,
        input: arguments(Some(
            message
                .get("tool_input")
                .ok_or(ProtocolError::Field("tool_input"))?,
        )),
        cwd: text(message, &["cwd"]),
        session: text(message, &["session_id", "conversation_id"]),
        event,
    }))
}
