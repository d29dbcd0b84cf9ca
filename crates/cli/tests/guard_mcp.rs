//! `countersign mcp-proxy` around a server that answers with what it was sent.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot set itself up has to fail loudly"
)]

mod common;
mod hook;

use std::process::Stdio;

use hook::{Desk, is_denial};

/// What the client gets when it sends these lines to a server that echoes.
fn exchange(desk: &Desk, server: &[&str], input: &str) -> hook::Answer {
    let mut command = desk.command();
    command
        .args(["mcp-proxy", "--agent", "kiro", "--"])
        .args(server);
    Desk::exchange(command, input, Stdio::piped())
}

const CALL: &str = r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"query","arguments":{"sql":"DROP TABLE customers"}}}"#;

#[test]
fn everything_but_a_held_call_passes_as_it_came_on_one_line() {
    let desk = Desk::new();
    let lines = [
        r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25", "x":[1,  2]}}"#,
        r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
        r#"{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"query","arguments":{"sql":"SELECT 1"}}}"#,
    ];
    let input = format!("{}\n", lines.join("\n"));
    let answer = exchange(&desk, &["cat"], &input);
    let passed = input.replace("\", ", "\",").replace(",  ", ",");
    assert_eq!((answer.code, answer.stdout.as_str()), (0, passed.as_str()));
}

/// Python's text streams end a line at a lone carriage return, too.
#[test]
fn a_call_inside_another_message_does_not_become_one() {
    let desk = Desk::new();
    let input =
        format!("{{\"jsonrpc\":\"2.0\",\"method\":\"notifications/x\",\"params\":\r{CALL}\r}}\n");
    let lines = "import sys\nfor line in sys.stdin: print(len(line))";
    let answer = exchange(&desk, &["python3", "-c", lines], &input);
    let length = input.len() - 2;
    assert_eq!(
        (answer.code, answer.stdout),
        (0, format!("{length}\n")),
        "as many messages as were judged"
    );
}

#[test]
fn a_held_call_is_answered_with_a_ticket_and_runs_after_a_pass() {
    let desk = Desk::new();
    let input = format!("{CALL}\n");
    let held = exchange(&desk, &["cat"], &input);
    let json: serde_json::Value = serde_json::from_str(&held.stdout).unwrap();
    assert_eq!(
        (&json["id"], &json["result"]["isError"]),
        (&7.into(), &true.into()),
        "{held:?}"
    );
    let text = json["result"]["content"][0]["text"].as_str().unwrap();
    let at = text.find("countersign pass ").unwrap() + "countersign pass ".len();
    let screen = desk.pass("sen", &text[at..at + 9]);
    assert!(screen.contains("passed"), "{screen}");
    assert_eq!(exchange(&desk, &["cat"], &input).stdout, input);
    assert_ne!(exchange(&desk, &["cat"], &input).stdout, input);
}

#[test]
fn what_cannot_be_judged_never_reaches_the_server() {
    let desk = Desk::new();
    let long = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"query","arguments":{{"sql":"{}"}}}}}}"#,
        "x".repeat(17 << 20)
    );
    for line in [
        "not json",
        r#"{"id":1,"method":"ping","method":"tools/call"}"#,
        long.as_str(),
    ] {
        let after = r#"{"id":9,"method":"ping"}"#;
        let answer = exchange(&desk, &["cat"], &format!("{line}\n{after}\n"));
        let (first, rest) = answer.stdout.split_once('\n').unwrap();
        // The two directions are not ordered among each other.
        let error = [first, rest].iter().any(|it| it.contains("\"error\""));
        assert!(
            error && answer.stdout.contains(after),
            "{}",
            &answer.stdout[..answer.stdout.len().min(300)]
        );
        assert!(!answer.stdout.contains("not json") && answer.stdout.len() < 1000);
    }
}

#[test]
fn a_server_that_ends_ends_the_proxy_with_its_code() {
    let desk = Desk::new();
    assert_eq!(exchange(&desk, &["sh", "-c", "exit 3"], "").code, 3);
    assert_eq!(exchange(&desk, &["sh", "-c", "kill -9 $$"], "").code, 74);
    let missing = exchange(&desk, &["/no/such/server"], "");
    assert_eq!(missing.code, 66, "{missing:?}");
}

#[test]
fn hook_and_proxy_judge_alike() {
    let desk = Desk::new();
    let input = format!(
        r#"{{"session_id":"s","cwd":"{}","hook_event_name":"PreToolUse","tool_name":"mcp__db__query","tool_input":{{"sql":"DROP TABLE customers"}}}}"#,
        desk.root().display()
    );
    assert!(is_denial("claude-code", &desk.hook("claude-code", &input)));
}
