//! Two texts as the sides of each kind of lockfile: no panic, and the same text
//! twice is no change.
#![no_main]

use countersign_core::catalog::lock_change;
use countersign_core::problem::Source;
use libfuzzer_sys::fuzz_target;

const NAMES: [&str; 8] = [
    "Cargo.lock",
    "web/package-lock.json",
    "yarn.lock",
    "pnpm-lock.yaml",
    "go.sum",
    "poetry.lock",
    "uv.lock",
    "requirements.txt",
];

fuzz_target!(|input: (u8, &str, &str, &str)| {
    let (kind, before, after, manifest) = input;
    let path = NAMES[usize::from(kind) % NAMES.len()];
    let manifests = [Source { file: "Cargo.toml", text: manifest }];
    let _ = lock_change(path, before, after, &manifests);
    if let Ok(same) = lock_change(path, before, before, &manifests) {
        assert!(same.packages.is_empty(), "{same:?}");
    }
});
