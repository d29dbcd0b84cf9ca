//! The cost of reading one commit, and of the catalogue's first use.
//!
//! Run with `cargo bench -p countersign-git --bench provenance`.

use std::time::Instant;

use countersign_git::provenance::{
    Catalogue, CommitInput, Identity, Note, Signature, people, read_commit, scan_commit,
};
use divan::Bencher;
use divan::counter::BytesCount;

const PLAIN: &[u8] = b"parser: accept trailing commas in argument lists

The grammar has allowed them since 1.4, but the hand-written parser did not:
every call with a trailing comma failed with \"expected expression\".

- accept one trailing comma in calls and in definitions
- reject two: `f(a,,)` is still an error
- note: the formatter keeps what it finds

See https://example.org/issues/1234 for the reports that led here.

Fixes: #1234
Signed-off-by: Grace Hopper <grace@example.org>
";

const ASSISTED: &[u8] = b"parser: accept trailing commas in argument lists

The grammar has allowed them since 1.4, but the hand-written parser did not.

\xF0\x9F\xA4\x96 Generated with [Claude Code](https://claude.com/claude-code)

Co-Authored-By: Claude Opus 4.6 <noreply@anthropic.com>
";

fn message(which: &str) -> &'static [u8] {
    if which == "plain" { PLAIN } else { ASSISTED }
}

fn commit(message: &[u8]) -> CommitInput<'_> {
    CommitInput {
        id: "0123456789abcdef0123456789abcdef01234567",
        parents: &["89abcdef0123456789abcdef0123456789abcdef"],
        author: Identity {
            name: "Grace Hopper",
            email: "grace@example.org",
        },
        committer: Identity {
            name: "GitHub",
            email: "noreply@github.com",
        },
        message,
        note: None,
        signature: Signature::NotByAuthor,
        added: None,
        traces: None,
        checkpoints: None,
    }
}

fn main() {
    let start = Instant::now();
    let rows = Catalogue::builtin().rows().len();
    println!(
        "first use of the catalogue, {rows} rows: {:?}",
        start.elapsed()
    );
    divan::main();
}

#[divan::bench(args = ["plain", "assisted"])]
fn scan(bencher: Bencher<'_, '_>, which: &str) {
    let message = message(which);
    let catalogue = Catalogue::builtin();
    bencher
        .counter(BytesCount::of_slice(message))
        .bench(|| scan_commit(catalogue, divan::black_box(&commit(message))));
}

#[divan::bench(args = ["plain", "assisted"])]
fn read(bencher: Bencher<'_, '_>, which: &str) {
    let message = message(which);
    let catalogue = Catalogue::builtin();
    bencher.bench(|| read_commit(catalogue, divan::black_box(&commit(message))));
}

#[divan::bench(args = ["plain", "assisted"])]
fn participants(bencher: Bencher<'_, '_>, which: &str) {
    let message = message(which);
    let catalogue = Catalogue::builtin();
    bencher.bench(|| people(catalogue, divan::black_box(&commit(message))));
}

/// The worst a message can be: nothing but markers, as much as is read.
#[divan::bench(sample_count = 5)]
fn scan_hostile_10_mb(bencher: Bencher<'_, '_>) {
    let catalogue = Catalogue::builtin();
    let message = b"Co-authored-by: a <a@b> ".repeat(430_000);
    bencher
        .counter(BytesCount::of_slice(&message))
        .bench(|| scan_commit(catalogue, divan::black_box(&commit(&message))));
}

/// An old note with an embedded transcript of 3 MB.
#[divan::bench(sample_count = 20)]
fn note_3_mb(bencher: Bencher<'_, '_>) {
    let transcript = "\"words and more words\",".repeat(140_000);
    let note = format!(
        "a.rs\n  0123456789abcdef 1\n---\n{{\"prompts\":{{\"0123456789abcdef\":{{\"messages\":[{transcript}0],\
         \"agent_id\":{{\"tool\":\"claude\",\"id\":\"x\",\"model\":\"m\"}}}}}}}}"
    );
    bencher
        .counter(BytesCount::of_str(&note))
        .bench(|| Note::parse(divan::black_box(note.as_bytes())));
}
