//! Tool calls: a name, a line feed, and JSON.

#![no_main]

use countersign_effects::command::{Facts, judge_tool_call};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let (name, json) = text.split_once('\n').unwrap_or((text, "{}"));
    if let Ok(arguments) = serde_json::from_str(json) {
        let _ = judge_tool_call(name, &arguments, &Facts::default());
    }
});
