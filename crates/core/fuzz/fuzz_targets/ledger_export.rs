//! Any file as an export: no panic; what is read is written back to the same
//! entry, and a chain that was accepted is rejected after any change of an entry.
#![no_main]

use countersign_core::ledger::{Verifier, export};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut verifier = Verifier::part(&[]);
    let mut accepted = Vec::new();
    for line in bytes.split(|byte| *byte == b'\n') {
        let _ = export::read_header(line);
        let Ok(mut entry) = export::read(line) else {
            continue;
        };
        let written = export::write(&entry).expect("it was read");
        assert_eq!(export::read(written.as_bytes()).as_ref(), Ok(&entry));
        // The fuzzer cannot find hashes, so it is given right ones.
        if let Some(before) = accepted.last() {
            let before: &countersign_core::ledger::Entry = before;
            entry.prev = before.hash;
        }
        entry.hash = entry.computed_hash();
        if verifier.push(&entry).is_ok() {
            accepted.push(entry);
        }
    }
    let (verified, faults) = verifier.finish();
    assert!(faults.is_empty());
    assert!(verified.kinds.values().sum::<u64>() >= accepted.len() as u64);
    if let [first, second, ..] = accepted.as_slice() {
        let mut changed = first.clone();
        changed.recorded_by.push('x');
        let mut verifier = Verifier::part(&[]);
        assert!(verifier.push(&changed).is_err());
        changed.hash = changed.computed_hash();
        let mut verifier = Verifier::part(&[]);
        assert!(verifier.push(&changed).is_ok());
        assert!(verifier.push(second).is_err());
    }
});
