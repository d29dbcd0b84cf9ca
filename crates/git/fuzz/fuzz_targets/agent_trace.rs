//! Any file of records or checkpoint metadata, and any hook or setting.
#![no_main]

use countersign_git::provenance::{Catalogue, Checkpoints, Traces, suppression};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut traces = Traces::default();
    traces.add(bytes);
    Checkpoints::default().add("12/34567890ab/metadata.json", bytes);
    for path in ["crush.json", ".husky/commit-msg", "CLAUDE.md"] {
        assert!(suppression(Catalogue::builtin(), path, bytes).len() <= 16);
    }
});
