//! Any text as a mapping of columns and as objectives: no panic, and a file that
//! is refused says at least one thing about why.

#![no_main]

use countersign_operations::import::mapping::Mapping;
use countersign_operations::review::objectives;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Err(problems) = Mapping::parse(text, "mapping.toml") {
        assert!(!problems.is_empty());
    }
    if let Err(problems) = objectives::parse(text) {
        assert!(!problems.is_empty());
    }
});
