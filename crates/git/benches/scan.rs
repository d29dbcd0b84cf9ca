//! A scan of 80,000 commits beside `git log --grep` on the same repository.
//!
//! Run with `cargo bench -p countersign-git --bench scan`. Rounds alternate, so
//! that a busy machine slows both; the ratio of the best rounds is what counts.
#![expect(
    clippy::unwrap_used,
    reason = "a benchmark that cannot set itself up has to fail"
)]

use std::time::{Duration, Instant};

use countersign_core::involvement::Verdict;
use countersign_git::{Repo, ScanOptions};
use countersign_testkit::GitRepo;

const COMMITS: u64 = 80_000;
const ROUNDS: usize = 7;
const GREP: &str = "--grep=co-authored-by|generated with|assisted-by|amp-thread|entire-checkpoint";

fn main() {
    // `cargo test --benches` only wants to know that it runs.
    let commits = if std::env::args().any(|arg| arg == "--bench") {
        COMMITS
    } else {
        200
    };
    let repo = GitRepo::bare();
    repo.import_history(commits, 1);
    let git = Repo::open(repo.path()).unwrap();
    let rev = git.resolve("main").unwrap();
    let (mut ours, mut theirs) = (Duration::MAX, Duration::MAX);
    let mut found = (0_u64, 0_u64);
    for _ in 0..ROUNDS {
        let start = Instant::now();
        repo.git(&["log", "-i", "-E", GREP, "--format=%H", "main"]);
        theirs = theirs.min(start.elapsed());
        let start = Instant::now();
        found = (0, 0);
        let options = ScanOptions {
            rev: rev.clone(),
            since: None,
        };
        git.scan(&options, &mut |record| {
            found.0 += 1;
            found.1 += u64::from(record.verdict == Verdict::Yes);
        })
        .unwrap();
        ours = ours.min(start.elapsed());
    }
    assert_eq!(found.0, commits);
    println!("{commits} commits, {} with AI involvement", found.1);
    println!("countersign scan      {:8.1} ms", ours.as_secs_f64() * 1e3);
    println!(
        "git log -i -E --grep  {:8.1} ms",
        theirs.as_secs_f64() * 1e3
    );
    println!(
        "ratio                 {:8.2}",
        ours.as_secs_f64() / theirs.as_secs_f64()
    );
    println!("peak memory           {:8} kB", peak_kb());
}

/// The most memory this process ever held, in kB (Linux; elsewhere 0).
fn peak_kb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok())
        .unwrap_or(0)
}
