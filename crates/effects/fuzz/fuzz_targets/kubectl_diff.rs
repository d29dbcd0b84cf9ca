//! The output of kubectl diff.

#![no_main]

use countersign_core::effect::Environment;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = countersign_effects::kubernetes::read_diff(bytes, Environment::Unknown);
});
