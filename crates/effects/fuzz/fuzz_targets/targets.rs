//! Any text as `targets.toml`: no panic, and the largest file that is read still
//! answers about a target.

#![no_main]

use countersign_effects::command::{Facts, judge_command};
use countersign_effects::target::Targets;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Ok(targets) = Targets::parse(text) else {
        return;
    };
    let facts = Facts {
        targets,
        ..Facts::default()
    };
    let _ = judge_command("kubectl --context kind-shop delete namespace prices", &facts);
});
