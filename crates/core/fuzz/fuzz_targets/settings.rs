//! Any text as each of the files people write: no panic, and a file that is
//! refused says at least one thing about why.
#![no_main]

use countersign_core::catalog::Catalog;
use countersign_core::owners::Owners;
use countersign_core::roster::Levels;
use countersign_core::usage::Usages;
use countersign_core::{moment, policy, roster};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, &str)| {
    let (kind, text) = input;
    let refused = match kind % 6 {
        0 => policy::parse(text, "policy.toml", &Levels::default()).err(),
        1 => roster::parse(text, "people.toml").err(),
        2 => Usages::parse(text, "usage.toml").err(),
        3 => Catalog::parse(text, "catalog.yaml").err(),
        4 => {
            let (owners, _) = Owners::parse(text, "CODEOWNERS");
            for path in ["src/a.rs", "", "/", "a b/ü", "docs/**"] {
                let _ = owners.of(path);
            }
            None
        }
        _ => {
            let _ = moment::parse_utc(text);
            let _ = moment::parse_duration(text);
            None
        }
    };
    assert!(refused.is_none_or(|problems| !problems.is_empty()));
});
