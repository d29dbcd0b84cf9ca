//! Kiro CLI (hooks of version 2 and 3) and Amazon Q Developer CLI: `preToolUse`.
//!
//! Only exit code 2 blocks, and standard error goes to the model; any other code
//! is a warning and the tool runs.

use serde_json::{Map, Value, json};

use super::fields::{Message, claude_like};
use super::{Answer, Event, ProtocolError, Response, ToolCall};

pub(super) fn read(message: &Message) -> Result<Event, ProtocolError> {
    let event = claude_like(
        message,
        &["preToolUse", "PreToolUse"],
        &[
            "postToolUse",
            "PostToolUse",
            "agentSpawn",
            "userPromptSubmit",
            "stop",
        ],
    )?;
    Ok(match event {
        Event::Call(call) => Event::Call(plain(call)),
        other => other,
    })
}

pub(super) fn answer(answer: Answer<'_>) -> Response {
    match answer {
        Answer::Allow => Response::silent(),
        Answer::Deny { reason } => Response::exit_two(reason),
    }
}

/// `fs_write` calls its mode `command`, which is none; `use_aws` is the AWS
/// command line in parts.
fn plain(mut call: ToolCall) -> ToolCall {
    let name = call.tool.trim_start_matches('@').to_owned();
    if name.starts_with("fs_") || name == "write" || name == "read" {
        if let Value::Object(input) = &mut call.input
            && let Some(mode) = input.remove("command")
        {
            input.insert("mode".to_owned(), mode);
        }
    } else if matches!(name.as_str(), "use_aws" | "aws")
        && let Some(command) = call.input.as_object().and_then(aws)
    {
        call.input = json!({ "command": command });
    }
    call
}

fn aws(input: &Map<String, Value>) -> Option<Value> {
    let field = |name: &str| input.get(name)?.as_str();
    let mut words = vec!["aws".to_owned()];
    for (option, name) in [("--region", "region"), ("--profile", "profile_name")] {
        if let Some(value) = field(name).filter(|value| !value.is_empty()) {
            words.extend([option.to_owned(), value.to_owned()]);
        }
    }
    words.push(field("service_name")?.to_owned());
    words.push(field("operation_name")?.to_owned());
    if let Some(Value::Object(parameters)) = input.get("parameters") {
        for (name, value) in parameters {
            let name = name.trim_start_matches('-');
            words.push(format!("--{name}"));
            match value {
                Value::String(text) if text.is_empty() => {}
                Value::String(text) => words.push(text.clone()),
                Value::Null => {}
                other => words.push(other.to_string()),
            }
        }
    }
    Some(json!(words))
}
