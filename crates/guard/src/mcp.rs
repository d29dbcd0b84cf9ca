//! What passes between an MCP client and its server.
//!
//! Only `tools/call` is looked at; every other message goes through, on one line and
//! otherwise as it came. One line: what frames messages differs (a lone carriage
//! return ends a line for some servers), and a message inside another must not
//! become one of its own.
//! Names are compared without regard to case, as servers written in Go read them.
//! What a server says about its own tools (`readOnlyHint` and the like) is not
//! looked at: it cannot be trusted.

use serde_json::{Value, json};

use crate::protocol::ToolCall;

/// The longest message, in bytes; a longer one is answered with an error.
pub const MAX_MESSAGE: usize = 16 << 20;

/// What to do with a message of the client.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Send it on: the message as it came, on one line.
    Forward {
        /// For the server.
        message: Vec<u8>,
    },
    /// Send this on instead (what is left of a batch), and answer the rest.
    Part {
        /// For the server; nothing when empty.
        forward: Vec<u8>,
        /// For the client.
        reply: Vec<u8>,
    },
    /// Not a message that can be judged: nothing goes on, this is the answer.
    Reject {
        /// For the client: an error.
        reply: Vec<u8>,
    },
}

/// Goes through a message of the client. `judge` gives the reason why a call must
/// not be made, or `None`.
pub fn client_message(bytes: &[u8], judge: &mut dyn FnMut(&ToolCall) -> Option<String>) -> Step {
    if bytes.len() > MAX_MESSAGE {
        return refuse(
            &Value::Null,
            -32600,
            "the message is too large to be judged",
        );
    }
    let message: Value = match serde_json::from_slice(bytes) {
        Ok(message) => message,
        // What is no JSON here may be read otherwise there.
        Err(_) => return refuse(&Value::Null, -32700, "the message is not JSON"),
    };
    if names_a_field_twice(bytes) {
        return refuse(
            id_of(&message),
            -32600,
            "a field is named twice, so it cannot be judged",
        );
    }
    match message {
        Value::Array(messages) => batch(bytes, messages, judge),
        message => match denied(&message, judge) {
            None => Step::Forward {
                message: on_one_line(bytes),
            },
            Some(reply) => Step::Part {
                forward: Vec::new(),
                reply: reply.map(|reply| line(&reply)).unwrap_or_default(),
            },
        },
    }
}

fn batch(
    bytes: &[u8],
    messages: Vec<Value>,
    judge: &mut dyn FnMut(&ToolCall) -> Option<String>,
) -> Step {
    let (mut forward, mut replies) = (Vec::new(), Vec::new());
    let mut any = false;
    for message in messages {
        match denied(&message, judge) {
            None => forward.push(message),
            Some(reply) => {
                any = true;
                replies.extend(reply);
            }
        }
    }
    if !any {
        return Step::Forward {
            message: on_one_line(bytes),
        };
    }
    let whole = |list: Vec<Value>| {
        if list.is_empty() {
            Vec::new()
        } else {
            line(&Value::Array(list))
        }
    };
    Step::Part {
        forward: whole(forward),
        reply: whole(replies),
    }
}

/// `None` when the message may pass; else the answer, which a notification has not.
fn denied(
    message: &Value,
    judge: &mut dyn FnMut(&ToolCall) -> Option<String>,
) -> Option<Option<Value>> {
    let id = message.get("id").cloned();
    let error = |why: &str| {
        let error = json!({ "code": -32602, "message": why });
        Some(
            id.as_ref()
                .map(|id| json!({ "jsonrpc": "2.0", "id": id, "error": error })),
        )
    };
    if is_read_differently(message) {
        return error("a field is written so that servers may read it differently");
    }
    if message.get("method").and_then(Value::as_str) != Some("tools/call") {
        return None;
    }
    let Some(name) = message.pointer("/params/name").and_then(Value::as_str) else {
        return error("the call names no tool, so it cannot be judged");
    };
    let call = ToolCall {
        // With the prefix it is judged as a tool of a server, not of an agent.
        tool: format!("mcp__{name}"),
        input: message
            .pointer("/params/arguments")
            .cloned()
            .unwrap_or_else(|| json!({})),
        cwd: None,
        session: None,
        event: "tools/call".to_owned(),
    };
    let reason = judge(&call)?;
    Some(id.map(|id| held(&id, &reason)))
}

/// The answer to a held call: a result, so that the model reads it.
fn held(id: &Value, reason: &str) -> Value {
    json!({
        "jsonrpc": "2.0",
        "id": id,
        "result": { "content": [{ "type": "text", "text": reason }], "isError": true },
    })
}

/// The server's answer to what was forwarded of a batch, and the proxy's own
/// answers, as one batch. Both are JSON; what is not is left out.
#[must_use]
pub fn merged(server: &[u8], own: &[u8]) -> Vec<u8> {
    let parts = [server, own].into_iter().map(serde_json::from_slice);
    let mut all = Vec::new();
    for part in parts.flatten() {
        match part {
            Value::Array(messages) => all.extend(messages),
            message => all.push(message),
        }
    }
    line(&Value::Array(all))
}

fn refuse(id: &Value, code: i32, message: &str) -> Step {
    Step::Reject {
        reply: line(
            &json!({ "jsonrpc": "2.0", "id": id, "error": { "code": code, "message": message } }),
        ),
    }
}

fn id_of(message: &Value) -> &Value {
    message.get("id").unwrap_or(&Value::Null)
}

fn line(value: &Value) -> Vec<u8> {
    let mut bytes = value.to_string().into_bytes();
    bytes.push(b'\n');
    bytes
}

/// Whether a server that does not tell cases apart may read other fields than
/// the proxy did: in the message itself, in its parameters and arguments.
fn is_read_differently(message: &Value) -> bool {
    const OF_MESSAGES: &[&str] = &["id", "jsonrpc", "method", "params"];
    const OF_CALLS: &[&str] = &["arguments", "name"];
    let params = message.get("params");
    let arguments = params.and_then(|params| params.get("arguments"));
    let levels = [
        (Some(message), OF_MESSAGES),
        (params, OF_CALLS),
        (arguments, &[][..]),
    ];
    levels.into_iter().any(|(object, known)| {
        let Some(fields) = object.and_then(Value::as_object) else {
            return false;
        };
        let mut seen = std::collections::HashSet::new();
        fields.keys().any(|name| {
            let folded = folded(name);
            let another = known.contains(&folded.as_str()) && folded != *name;
            another || !seen.insert(folded)
        })
    })
}

/// A name in lower case; the two letters beyond ASCII that fold into it as well
/// (Unicode's simple case folding of U+017F and U+212A).
fn folded(name: &str) -> String {
    name.chars()
        .map(|c| match c {
            '\u{17f}' => 's',
            '\u{212a}' => 'k',
            c => c.to_ascii_lowercase(),
        })
        .collect()
}

/// A JSON text without the white space between its parts, and with the characters
/// escaped that some readers end a line at. Numbers and order stay as they are.
fn on_one_line(json: &[u8]) -> Vec<u8> {
    const ENDS: [(&str, &str); 3] = [
        ("\u{85}", "\\u0085"),
        ("\u{2028}", "\\u2028"),
        ("\u{2029}", "\\u2029"),
    ];
    let mut out = Vec::with_capacity(json.len() + 1);
    let (mut in_text, mut escaped) = (false, false);
    let mut rest = json;
    while let [byte, tail @ ..] = rest {
        let end = ENDS
            .iter()
            .find(|(end, _)| rest.starts_with(end.as_bytes()));
        if let Some((end, escape)) = end {
            out.extend_from_slice(escape.as_bytes());
            rest = rest.get(end.len()..).unwrap_or_default();
            continue;
        }
        rest = tail;
        if !in_text && byte.is_ascii_whitespace() {
            continue;
        }
        if *byte == b'"' && !escaped {
            in_text = !in_text;
        }
        escaped = in_text && *byte == b'\\' && !escaped;
        out.push(*byte);
    }
    out.push(b'\n');
    out
}

/// Whether an object has a field twice: readers differ on which one counts.
fn names_a_field_twice(bytes: &[u8]) -> bool {
    use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
    struct Once(bool);
    impl<'de> Deserialize<'de> for Once {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct Look;
            impl<'de> Visitor<'de> for Look {
                type Value = Once;
                fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.write_str("any value")
                }
                fn visit_bool<E>(self, _: bool) -> Result<Once, E> {
                    Ok(Once(false))
                }
                fn visit_i64<E>(self, _: i64) -> Result<Once, E> {
                    Ok(Once(false))
                }
                fn visit_u64<E>(self, _: u64) -> Result<Once, E> {
                    Ok(Once(false))
                }
                fn visit_f64<E>(self, _: f64) -> Result<Once, E> {
                    Ok(Once(false))
                }
                fn visit_str<E>(self, _: &str) -> Result<Once, E> {
                    Ok(Once(false))
                }
                fn visit_unit<E>(self) -> Result<Once, E> {
                    Ok(Once(false))
                }
                fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Once, A::Error> {
                    let mut twice = false;
                    while let Some(Once(inner)) = seq.next_element()? {
                        twice |= inner;
                    }
                    Ok(Once(twice))
                }
                fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Once, A::Error> {
                    let mut seen = std::collections::HashSet::new();
                    let mut twice = false;
                    while let Some((name, Once(inner))) = map.next_entry::<String, Once>()? {
                        twice |= inner | !seen.insert(name);
                    }
                    Ok(Once(twice))
                }
            }
            deserializer.deserialize_any(Look)
        }
    }
    serde_json::from_slice::<Once>(bytes).is_ok_and(|Once(twice)| twice)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(text: &str) -> Step {
        client_message(text.as_bytes(), &mut |call| {
            call.tool
                .contains("drop")
                .then(|| format!("held {}", call.input))
        })
    }

    fn parts(text: &str) -> (String, String) {
        match step(text) {
            Step::Forward { .. } => panic!("{text} is forwarded"),
            Step::Reject { reply } => (String::new(), String::from_utf8(reply).unwrap()),
            Step::Part { forward, reply } => (
                String::from_utf8(forward).unwrap(),
                String::from_utf8(reply).unwrap(),
            ),
        }
    }

    #[test]
    fn everything_but_a_held_call_is_forwarded_as_it_is() {
        for text in [
            r#"{"jsonrpc":"2.0","id":12345678901234567890123,"method":"initialize","params":{"x":[1,2.50],"a":"\\ \" é"}}"#,
            r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
            r#"{"jsonrpc":"2.0","id":"a","method":"tools/list"}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"list","arguments":{}}}"#,
            r#"{"jsonrpc":"2.0","id":7,"result":{"roots":[]}}"#,
            r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#,
        ] {
            let message = format!("{text}\n").into_bytes();
            assert_eq!(step(text), Step::Forward { message }, "{text}");
        }
    }

    #[test]
    fn what_is_forwarded_is_one_line_for_every_reader() {
        let inner = r#"{"method":"tools/call","params":{"name":"drop"}}"#;
        let text =
            format!("{{\"method\":\"x\",\t\"params\":\r{inner}\r, \"y\":\"a b\u{2028}\u{85}\"\n}}");
        let Step::Forward { message } = step(&text) else {
            panic!("{text}")
        };
        let message = String::from_utf8(message).unwrap();
        let expected =
            format!("{{\"method\":\"x\",\"params\":{inner},\"y\":\"a b\\u2028\\u0085\"}}\n");
        assert_eq!(message, expected);
        let (sent, read): (Value, Value) = (
            serde_json::from_str(&text).unwrap(),
            serde_json::from_str(&message).unwrap(),
        );
        assert_eq!(sent, read);
    }

    #[test]
    fn names_that_differ_in_case_only_are_refused() {
        for text in [
            r#"{"id":1,"method":"ping","Method":"tools/call","params":{"name":"drop"}}"#,
            r#"{"id":1,"METHOD":"tools/call","params":{"name":"drop"}}"#,
            r#"{"id":1,"method":"ping","param\u017f":{"name":"drop"},"params":{}}"#,
            r#"{"id":1,"method":"tools/call","params":{"name":"list","Name":"drop"}}"#,
            r#"{"id":1,"method":"tools/call","params":{"name":"list","Arguments":{}}}"#,
            r#"{"id":1,"method":"tools/call","params":{"name":"list","arguments":{"a":1,"A":2}}}"#,
            r#"[{"id":1,"method":"ping","Method":"tools/call"}]"#,
        ] {
            let (forward, reply) = parts(text);
            assert_eq!(forward, "", "{text}");
            assert!(reply.contains("read it differently"), "{text}: {reply}");
        }
        // What lies deeper is the tool's own.
        let text = r#"{"id":1,"method":"tools/call","params":{"name":"list","arguments":{"env":{"a":1,"A":2}}}}"#;
        assert!(matches!(step(text), Step::Forward { .. }));
    }

    #[test]
    fn a_held_call_is_answered_with_its_id() {
        let (forward, reply) = parts(
            r#"{"jsonrpc":"2.0","id":"x-1","method":"tools/call","params":{"name":"drop","arguments":{"t":1}}}"#,
        );
        assert_eq!(forward, "");
        insta::assert_snapshot!(reply.trim_end(), @r#"{"id":"x-1","jsonrpc":"2.0","result":{"content":[{"text":"held {\"t\":1}","type":"text"}],"isError":true}}"#);
    }

    #[test]
    fn of_a_batch_the_rest_is_forwarded() {
        let (forward, reply) = parts(
            r#"[{"id":1,"method":"ping"},{"id":2,"method":"tools/call","params":{"name":"drop"}},{"method":"tools/call","params":{"name":"drop"}}]"#,
        );
        assert_eq!(forward.trim_end(), r#"[{"id":1,"method":"ping"}]"#);
        assert!(
            reply.contains(r#""id":2"#) && reply.matches("held").count() == 1,
            "{reply}"
        );
    }

    #[test]
    fn answers_of_server_and_proxy_are_one_batch() {
        for (server, expected) in [
            (r#"{"id":1}"#, r#"[{"id":1},{"id":2}]"#),
            (r#"[{"id":1},{"id":3}]"#, r#"[{"id":1},{"id":3},{"id":2}]"#),
            ("", r#"[{"id":2}]"#),
        ] {
            let all = merged(server.as_bytes(), br#"[{"id":2}]"#);
            assert_eq!(String::from_utf8(all).unwrap().trim_end(), expected);
        }
    }

    #[test]
    fn a_held_notification_is_dropped_without_an_answer() {
        let (forward, reply) = parts(r#"{"method":"tools/call","params":{"name":"drop"}}"#);
        assert_eq!((forward.as_str(), reply.as_str()), ("", ""));
    }

    #[test]
    fn what_cannot_be_judged_goes_nowhere() {
        for text in [
            "{",
            "",
            r#"{"id":1,"method":"tools/call","params":{"name":7}}"#,
            r#"{"id":1,"method":"ping","method":"tools/call","params":{"name":"drop"}}"#,
            r#"{"id":1,"method":"tools/call","params":{"name":"drop","name":"list"}}"#,
        ] {
            let (forward, reply) = parts(text);
            assert_eq!(forward, "", "{text}");
            assert!(reply.contains("error"), "{text}: {reply}");
        }
        assert!(matches!(step("{"), Step::Reject { .. }));
        let large = vec![b' '; MAX_MESSAGE + 1];
        assert!(matches!(
            client_message(&large, &mut |_| None),
            Step::Reject { .. }
        ));
    }
}
