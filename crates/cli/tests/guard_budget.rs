//! What the hook costs, counted in instructions: the same on every load.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot set itself up has to fail loudly"
)]

mod common;
mod hook;

use std::fs;
use std::process::{Command, Stdio};

use countersign_testkit::programs::installed;
use hook::{Desk, shell_call};

/// Instructions of one run as callgrind counts them; `None` without valgrind.
fn instructions(desk: &Desk, input: &str) -> Option<u64> {
    let out = desk.home().join("callgrind.out");
    let mut command = Command::new("valgrind");
    command.current_dir(desk.root()).env_clear();
    for (name, value) in desk.command().get_envs() {
        if let Some(value) = value {
            command.env(name, value);
        }
    }
    command
        .args([
            "--tool=callgrind",
            &format!("--callgrind-out-file={}", out.display()),
        ])
        .args([
            env!("CARGO_BIN_EXE_countersign"),
            "guard",
            "--agent",
            "claude-code",
        ]);
    installed(&["valgrind"])?;
    Desk::exchange(command, input, Stdio::piped());
    let text = fs::read_to_string(&out).unwrap();
    let total = text.lines().find_map(|line| {
        line.strip_prefix("summary:")
            .or_else(|| line.strip_prefix("totals:"))
    });
    total.map(|it| it.trim().parse().unwrap())
}

/// A harmless call is on the path of everything an agent does. The budget is for
/// the profile that is tested, with room for other compilers; a regular
/// expression compiled at start, or a second parse of the rules, breaks it.
#[test]
fn a_harmless_call_stays_within_its_budget() {
    let desk = Desk::new();
    let call = shell_call("claude-code", "git status && cargo test", desk.root());
    let Some(count) = instructions(&desk, &call) else {
        return;
    };
    let budget = if cfg!(debug_assertions) {
        9_000_000
    } else {
        2_500_000
    };
    eprintln!("{count} instructions");
    assert!(
        count < budget,
        "{count} instructions, the budget is {budget}"
    );
}

/// A longer text costs no more than in proportion, up to where it is held unread.
#[test]
fn work_is_bounded_for_a_megabyte() {
    let desk = Desk::new();
    let of = |length: usize| shell_call("claude-code", &"x ".repeat(length / 2), desk.root());
    let (Some(short), Some(long)) = (
        instructions(&desk, &of(60_000)),
        instructions(&desk, &of(1_000_000)),
    ) else {
        return;
    };
    eprintln!("{short} and {long} instructions");
    assert!(long < short * 4, "{short} and {long} instructions");
}
