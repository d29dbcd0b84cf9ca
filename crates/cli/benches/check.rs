//! `countersign check` on a range of 50 commits, start to exit, beside the git
//! command that a person would type to look at the same range.
#![expect(clippy::unwrap_used, reason = "set-up that fails has to fail loudly")]

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use countersign_testkit::{GitRepo, Who};

const RUNS: usize = 15;

fn median(mut run: impl FnMut()) -> Duration {
    let mut times: Vec<Duration> = (0..RUNS)
        .map(|_| {
            let start = Instant::now();
            run();
            start.elapsed()
        })
        .collect();
    times.sort_unstable();
    times.get(RUNS / 2).copied().unwrap()
}

fn main() {
    let repo = GitRepo::new();
    let jun = Who::new("Jun Junior", "jun@example.com");
    repo.commit(jun, "base", &[("src/f", "0\n")]);
    repo.branch("topic");
    for n in 0..50 {
        let message = format!("change {n}\n\nCo-Authored-By: Claude <noreply@anthropic.com>\n");
        repo.commit(jun, &message, &[("src/f", &format!("{n}\n"))]);
    }
    let quiet = |command: &mut Command| {
        command.stdout(Stdio::null()).status().unwrap();
    };
    let check = median(|| {
        quiet(
            Command::new(env!("CARGO_BIN_EXE_countersign"))
                .current_dir(repo.path())
                .arg("check"),
        );
    });
    let git = median(|| quiet(repo.command().args(["log", "--numstat", "main..HEAD"])));
    println!(
        "check of 50 commits: {:.1} ms; git log --numstat of the same: {:.1} ms; ratio {:.1}",
        check.as_secs_f64() * 1e3,
        git.as_secs_f64() * 1e3,
        check.as_secs_f64() / git.as_secs_f64()
    );
}
