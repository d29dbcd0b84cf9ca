//! `countersign queue` on 200 open branches, start to exit, beside the floor:
//! one `git log --numstat` per branch, which is what a person would type to
//! look at each.
#![expect(clippy::unwrap_used, reason = "set-up that fails has to fail loudly")]

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use countersign_testkit::{GitRepo, Who};

const BRANCHES: usize = 200;
const RUNS: usize = 5;

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
    for n in 0..BRANCHES {
        repo.switch("main");
        repo.branch(&format!("topic-{n}"));
        let message = format!("change {n}\n\nCo-Authored-By: Claude <noreply@anthropic.com>\n");
        let path = format!("src/f{n}");
        repo.commit(jun, &message, &[(path.as_str(), &format!("{n}\n"))]);
    }
    repo.switch("main");
    let quiet = |command: &mut Command| {
        command.stdout(Stdio::null()).status().unwrap();
    };
    let run = |args: &[&str]| {
        median(|| {
            quiet(
                Command::new(env!("CARGO_BIN_EXE_countersign"))
                    .current_dir(repo.path())
                    .args(args),
            );
        })
    };
    let all = run(&["queue", "--everyone", "--all"]);
    let newest = run(&["queue", "--everyone"]);
    let check = run(&["check", "main..topic-7"]);
    let git = median(|| {
        for n in 0..BRANCHES {
            let range = format!("main..topic-{n}");
            quiet(repo.command().args(["log", "--numstat", &range]));
        }
    });
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    println!(
        "queue of {BRANCHES} branches: {:.0} ms, of the 50 newest: {:.0} ms; \
         git log --numstat of each: {:.0} ms, ratio {:.1}; check beside them: {:.0} ms",
        ms(all),
        ms(newest),
        ms(git),
        all.as_secs_f64() / git.as_secs_f64(),
        ms(check)
    );
}
