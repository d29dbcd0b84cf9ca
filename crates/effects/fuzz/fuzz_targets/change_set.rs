//! CloudFormation change sets.

#![no_main]

use countersign_core::effect::Environment;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = countersign_effects::cloudformation::read_change_set(
        &[("page", bytes)],
        Environment::Unknown,
    );
});
