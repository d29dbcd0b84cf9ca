//! Any note: no panic, and people never cover lines beside an agent.
#![no_main]

use countersign_git::provenance::{AddedLines, Note};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let note = Note::parse(bytes);
    let added = [AddedLines { path: "a.rs".to_owned(), ranges: vec![(1, 3)] }];
    if note.covers(&added) {
        assert!(note.agents.is_empty() && note.without_lines.is_empty());
        assert!(!note.human.is_empty());
    }
});
