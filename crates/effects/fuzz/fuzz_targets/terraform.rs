//! Terraform plans, and the state in binary ones.

#![no_main]

use countersign_core::effect::Environment;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = countersign_effects::terraform::read(bytes, Environment::Unknown);
    let _ = countersign_effects::terraform::state_in_binary_plan(bytes);
    let _ = countersign_effects::terraform::state_identity(bytes);
});
