//! Any file as a seal: no panic, and what opens says what was signed.
#![no_main]

use countersign_core::ledger::Seal;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok((seal, _)) = Seal::open(text) {
        assert!(text.starts_with(&seal.text()));
    }
});
