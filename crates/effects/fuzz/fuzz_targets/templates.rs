//! CloudFormation templates: the input is cut in two at a NUL.

#![no_main]

use countersign_core::effect::Environment;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let (old, new) = match bytes.iter().position(|b| *b == 0) {
        Some(at) => (bytes.get(..at), bytes.get(at + 1..)),
        None => (None, Some(bytes)),
    };
    let _ = countersign_effects::cloudformation::read_templates(old, new, Environment::Unknown);
});
