//! Many signers at once, and signers that are killed, through the binary.

#![allow(clippy::unwrap_used, reason = "set-up that fails has to fail loudly")]

mod common;

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use common::{Org, countersign, shown};
use countersign_git::Repo;

/// Starts a signature without waiting for it.
fn start(org: &Org, id: &str, message: &str) -> Child {
    let key = org.repo.path().join(format!(".git/key-{id}@example.com"));
    Command::new(env!("CARGO_BIN_EXE_countersign"))
        .current_dir(org.repo.path())
        .args(["sign", "main..retry", "--yes", "-m", message, "--key"])
        .arg(key)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn entries(dir: &Path) -> usize {
    let chain = Repo::open(dir).unwrap().signoffs().unwrap();
    assert_eq!(chain.problems(), []);
    chain.entries().len()
}

#[test]
fn a_hundred_signers_lose_nothing() {
    let org = Org::with_change("src/app.py");
    let people = ["mia", "sen", "pat"];
    let mut done = 0;
    for round in 0..10 {
        let children: Vec<Child> = (0..10)
            .zip(people.iter().cycle())
            .map(|(n, id)| start(&org, id, &format!("{round} {n}")))
            .collect();
        for mut child in children {
            // A mid-level sign-off leaves it held, which is an answer.
            assert!(child.wait().unwrap().code().is_some_and(|code| code < 2));
            done += 1;
        }
    }
    assert_eq!(done, 100);
    assert_eq!(entries(org.repo.path()), 100);
}

#[test]
fn a_killed_signer_corrupts_nothing() {
    let org = Org::with_change("src/app.py");
    let mut before = 0;
    for n in 0..40_u64 {
        let mut child = start(&org, "sen", &format!("attempt {n}"));
        std::thread::sleep(Duration::from_millis(n * 8));
        let _ = child.kill();
        child.wait().unwrap();
        let now = entries(org.repo.path());
        assert!(now == before || now == before + 1, "{before} → {now}");
        before = now;
    }
    // And the next one gets through.
    let said = org.sign("pat", &["sign", "main..retry", "--yes"]);
    assert!(said.starts_with("exit 0\n"), "{said}");
    assert_eq!(entries(org.repo.path()), before + 1);
    let fsck = org.repo.git(&["fsck", "--strict", "--no-dangling"]);
    assert_eq!(fsck, "");
    let list = shown(&countersign(org.repo.path(), &["signoffs", "list"]));
    assert!(list.starts_with("exit 0\n"), "{list}");
}
