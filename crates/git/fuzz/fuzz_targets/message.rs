//! Any message: no panic, and both readers agree.
#![no_main]

use countersign_git::provenance::{
    Catalogue, CommitInput, Identity, PARTICIPANTS_MAX, Signature, people, read_commit, scan_commit,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|message: &[u8]| {
    let person = Identity { name: "Ada", email: "ada@example.org" };
    let commit = CommitInput {
        id: "0123456789abcdef0123456789abcdef01234567",
        parents: &[],
        author: person,
        committer: person,
        message,
        note: None,
        signature: Signature::ByAuthor,
        added: None,
        traces: None,
        checkpoints: None,
    };
    let catalogue = Catalogue::builtin();
    let full = read_commit(catalogue, &commit);
    let fast = scan_commit(catalogue, &commit);
    assert_eq!(full.verdict, fast.verdict);
    assert_eq!(full.tools, fast.tools);
    assert!(people(catalogue, &commit).len() <= PARTICIPANTS_MAX);
});
