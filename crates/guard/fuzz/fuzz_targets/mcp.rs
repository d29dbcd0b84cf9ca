//! Messages of an MCP client. A held call never goes on.

#![no_main]

use countersign_guard::mcp::{Step, client_message, merged};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut calls = 0;
    let step = client_message(bytes, &mut |_| {
        calls += 1;
        Some("held".to_owned())
    });
    match step {
        Step::Forward { message } => {
            assert_eq!(calls, 0);
            let read = |json| serde_json::from_slice::<serde_json::Value>(json).ok();
            assert_eq!(read(&message), read(bytes));
            let lines = message.split(|byte| matches!(byte, b'\n' | b'\r')).count();
            assert_eq!(lines, 2, "one line and its end");
        }
        Step::Part { forward, reply } => {
            assert!(!forward.windows(12).any(|it| it == b"\"tools/call\"") || calls == 0);
            let _ = merged(&forward, &reply);
        }
        Step::Reject { reply } => assert!(!reply.is_empty()),
    }
});
