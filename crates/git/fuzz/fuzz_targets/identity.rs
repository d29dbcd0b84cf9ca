//! Any identity against the catalogue: no panic, and a mailbox on a domain
//! that no row knows is never an agent's.
#![no_main]

use countersign_git::provenance::{Catalogue, Class, Identity, classify, name_suffix};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let (name, email) = text.split_once('<').unwrap_or((text, ""));
    let catalogue = Catalogue::builtin();
    let _ = classify(catalogue, Identity { name, email });
    let _ = name_suffix(catalogue, name);
    let unknown = format!("{}@example.invalid", email.replace('@', ""));
    let class = classify(catalogue, Identity { name, email: &unknown });
    assert!(!matches!(class, Class::Agent { .. }) || name.trim().ends_with(']'));
});
