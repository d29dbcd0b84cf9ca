//! Whatever the bytes look like.

#![no_main]

use countersign_core::effect::Environment;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let files = [("x", bytes)];
    let source = countersign_effects::plan::Source {
        files: &files,
        ..Default::default()
    };
    let _ = countersign_effects::plan::read(&source, Environment::Unknown);
});
