//! The gate on a push of 50 commits to a bare repository, start to exit, beside
//! the git command that a person would type to look at the same commits. Once
//! with nothing signed, once with a sign-off that lets it through.
#![expect(clippy::unwrap_used, reason = "set-up that fails has to fail loudly")]

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use countersign_testkit::{GitRepo, Who};

const RUNS: usize = 15;
const PAT: Who = Who::new("Pat Principal", "pat@example.com");
const JUN: Who = Who::new("Jun Junior", "jun@example.com");

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

fn countersign(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
    command.current_dir(dir).args(args);
    command
}

fn gate(server: &Path, line: &str) -> i32 {
    let mut child = countersign(server, &["hook", "run", "pre-receive"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(line.as_bytes())
        .unwrap();
    child.wait().unwrap().code().unwrap()
}

fn main() {
    let repo = GitRepo::new();
    let key = repo.signing_key(PAT);
    let key: Vec<&str> = key.split_whitespace().take(2).collect();
    let people = format!(
        "version = 1\n[[person]]\nid = \"jun\"\nemails = [\"jun@example.com\"]\nlevel = \"junior\"\n\
         [[person]]\nid = \"pat\"\nemails = [\"pat@example.com\"]\nlevel = \"principal\"\nkeys = [{{ ssh = \"{}\" }}]\n",
        key.join(" ")
    );
    let policy = countersign(repo.path(), &["policy", "show"])
        .output()
        .unwrap();
    let policy = String::from_utf8(policy.stdout).unwrap();
    let old = repo.commit(
        PAT,
        "Adopt",
        &[
            (".countersign/policy.toml", &policy),
            (".countersign/people.toml", &people),
        ],
    );
    repo.branch("topic");
    for n in 0..50 {
        let message = format!("change {n}\n\nCo-Authored-By: Claude <noreply@anthropic.com>\n");
        let file = format!("src/f{}", n % 7);
        repo.commit(JUN, &message, &[(&file, &format!("{n}\n"))]);
    }
    let new = repo.head();
    let server = GitRepo::bare();
    let here = repo.path().display().to_string();
    server.git(&["fetch", "-q", &here, "main:main", "topic:topic"]);
    let line = format!("{old} {new} refs/heads/main\n");
    let git = median(|| {
        let range = format!("{old}..{new}");
        let mut command = server.command();
        command
            .args(["log", "--numstat", &range])
            .stdout(Stdio::null());
        command.status().unwrap();
    });
    let report = |what: &str, took: Duration| {
        println!(
            "gate on 50 commits, {what}: {:.1} ms; git log --numstat of the same: {:.1} ms",
            took.as_secs_f64() * 1e3,
            git.as_secs_f64() * 1e3
        );
    };
    report("held", median(|| assert_eq!(gate(server.path(), &line), 1)));
    let key = repo
        .path()
        .join(".git/key-pat@example.com")
        .display()
        .to_string();
    let signed = countersign(
        repo.path(),
        &["sign", "main..topic", "--yes", "--key", &key],
    )
    .stdout(Stdio::null())
    .status()
    .unwrap();
    assert!(signed.success());
    server.git(&[
        "fetch",
        "-q",
        &here,
        "refs/countersign/signoffs:refs/countersign/signoffs",
    ]);
    report(
        "let through",
        median(|| assert_eq!(gate(server.path(), &line), 0)),
    );
}
