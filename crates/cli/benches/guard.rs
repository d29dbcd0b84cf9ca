//! The hook from start to exit, beside a program that does nothing.
//!
//! `cargo bench -p countersign --bench guard`; the floor is compiled here with the
//! same linker. For what is shipped, build with `--profile dist` and name the
//! program: `COUNTERSIGN_BIN=target/dist/countersign cargo bench …`.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "set-up that fails has to fail loudly"
)]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const RUNS: usize = 1000;

fn main() {
    let dir = tempfile::tempdir().unwrap();
    let program = std::env::var_os("COUNTERSIGN_BIN").map_or_else(
        || PathBuf::from(env!("CARGO_BIN_EXE_countersign")),
        PathBuf::from,
    );
    let floor = empty_program(dir.path());
    let desk = desk(dir.path(), &program);
    let calls = [
        ("harmless command", input(&desk, "git status && cargo test")),
        (
            "held command",
            input(&desk, "terraform destroy -auto-approve"),
        ),
        ("1 MB command", input(&desk, &"x ".repeat(500_000))),
    ];
    let home = dir.path();
    // In turns, so that a change of the machine's load meets all of them alike.
    let mut times: Vec<Vec<Duration>> = vec![Vec::new(); calls.len() + 1];
    let runs = std::env::var("RUNS")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(RUNS);
    for run in 0..runs {
        times[0].push(once(&floor, &[], home, &desk.join("empty")));
        for (place, (_, file)) in calls.iter().enumerate() {
            if place < 1 || run % 10 == 0 {
                times[place + 1].push(once(
                    &program,
                    &["guard", "--agent", "claude-code"],
                    home,
                    file,
                ));
            }
        }
    }
    let medians: Vec<Duration> = times.iter_mut().map(|times| median(times)).collect();
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    println!("empty program     {:8.3} ms", ms(medians[0]));
    for ((name, _), time) in calls.iter().zip(&medians[1..]) {
        println!(
            "{name:<17} {:8.3} ms  (+{:.3} ms)",
            ms(*time),
            ms(*time) - ms(medians[0])
        );
    }
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn once(program: &Path, args: &[&str], home: &Path, input: &Path) -> Duration {
    let mut command = Command::new(program);
    command
        .args(args)
        .env_clear()
        .env("HOME", home)
        .stdin(std::fs::File::open(input).unwrap())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let start = Instant::now();
    let status = command.status().unwrap();
    let time = start.elapsed();
    assert!(status.success());
    time
}

fn empty_program(dir: &Path) -> PathBuf {
    let (source, program) = (dir.join("empty.rs"), dir.join("empty-program"));
    std::fs::write(&source, "fn main() {}\n").unwrap();
    let status = Command::new("rustc")
        .args([
            "--edition",
            "2024",
            "-C",
            "opt-level=3",
            "-C",
            "strip=symbols",
            "-o",
        ])
        .arg(&program)
        .arg(&source)
        .status()
        .unwrap();
    assert!(status.success());
    program
}

/// A repository with compiled rules.
fn desk(home: &Path, program: &Path) -> PathBuf {
    let repo = home.join("repo");
    std::fs::create_dir(&repo).unwrap();
    std::fs::write(repo.join("empty"), "").unwrap();
    let git = |args: &[&str]| {
        let status = Command::new("git")
            .args(["-c", "user.name=a", "-c", "user.email=a@example.com"])
            .args(args)
            .current_dir(&repo)
            .stdout(Stdio::null())
            .status()
            .unwrap();
        assert!(status.success());
    };
    git(&["init", "-q", "-b", "main"]);
    git(&["commit", "-q", "--allow-empty", "-m", "start"]);
    let status = Command::new(program)
        .args(["guard", "compile"])
        .current_dir(&repo)
        .env("HOME", home)
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success());
    repo
}

fn input(repo: &Path, command: &str) -> PathBuf {
    let name = format!("call-{}.json", command.len());
    let path = repo.join(name);
    let message = serde_json::json!({
        "session_id": command.len().to_string(),
        "cwd": repo,
        "hook_event_name": "PreToolUse",
        "tool_name": "Bash",
        "tool_input": { "command": command },
    });
    std::fs::File::create(&path)
        .unwrap()
        .write_all(message.to_string().as_bytes())
        .unwrap();
    path
}
