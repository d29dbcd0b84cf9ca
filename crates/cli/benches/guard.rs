//! The hook from start to exit, beside a program that does nothing.
//!
//! `cargo bench -p countersign --bench guard`; the floors are compiled here: an empty
//! program as `rustc` links it, and one linked statically, as `cargo xtask dist` links
//! what is shipped. To measure that, name it:
//! `COUNTERSIGN_BIN=target/x86_64-unknown-linux-gnu/dist/countersign cargo bench …`.
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
    let floors = [
        ("empty program", empty_program(dir.path(), &[])),
        ("empty, static", empty_program(dir.path(), STATIC)),
    ];
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
    let mut times: Vec<Vec<Duration>> = vec![Vec::new(); floors.len() + calls.len()];
    let runs = std::env::var("RUNS")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(RUNS);
    for run in 0..runs {
        for (place, (_, floor)) in floors.iter().enumerate() {
            times[place].push(once(floor, &[], home, &desk.join("empty")));
        }
        for (place, (_, file)) in calls.iter().enumerate() {
            if place < 1 || run % 10 == 0 {
                times[floors.len() + place].push(once(
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
    let names = floors.iter().map(|(name, _)| name);
    for (name, time) in names
        .chain(calls.iter().map(|(name, _)| name))
        .zip(&medians)
    {
        println!(
            "{name:<17} {:8.3} ms  {:+.3} ms, {:.2} times the empty program",
            ms(*time),
            ms(*time) - ms(medians[0]),
            ms(*time) / ms(medians[0])
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

/// How what is shipped is linked; elsewhere it is linked as usual.
const STATIC: &[&str] = if cfg!(all(target_os = "linux", target_env = "gnu")) {
    &["-C", "target-feature=+crt-static"]
} else {
    &[]
};

fn empty_program(dir: &Path, flags: &[&str]) -> PathBuf {
    let source = dir.join("empty.rs");
    let program = dir.join(format!("empty-program-{}", flags.len()));
    std::fs::write(&source, "fn main() {}\n").unwrap();
    let status = Command::new("rustc")
        .args([
            "--edition",
            "2024",
            "-C",
            "opt-level=3",
            "-C",
            "strip=symbols",
        ])
        .args(flags)
        .arg("-o")
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
