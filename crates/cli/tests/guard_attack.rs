//! An agent with its user's rights against the real hook and a real file system.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot set itself up has to fail loudly"
)]

mod common;
mod hook;

use std::fs;
use std::os::unix::fs::symlink;

use hook::{Desk, is_denial, shell_call};
use serde_json::json;

const AGENT: &str = "claude-code";

fn runs(desk: &Desk, command: &str) -> bool {
    !is_denial(
        AGENT,
        &desk.hook(AGENT, &shell_call(AGENT, command, desk.root())),
    )
}

fn writes(desk: &Desk, tool: &str, input: &serde_json::Value) -> bool {
    let call = json!({
        "session_id": "s", "cwd": desk.root(), "hook_event_name": "PreToolUse",
        "tool_name": tool, "tool_input": input,
    });
    !is_denial(AGENT, &desk.hook(AGENT, &call.to_string()))
}

#[test]
fn links_that_are_there_already_lead_nowhere() {
    let desk = Desk::new();
    let elsewhere = tempfile::tempdir().unwrap();
    let link = elsewhere.path().join("notes");
    symlink(desk.home().join(".countersign/guard"), &link).unwrap();
    let inside = elsewhere.path().join("home");
    symlink(desk.home(), &inside).unwrap();
    let link = link.display();
    for command in [
        format!("cp x.rules {link}/rules/user.rules"),
        format!("echo > {link}/log/decisions.jsonl"),
        format!("rm -rf {link}/passes"),
        format!("cd {link} && rm -rf rules"),
        format!("sed -i s/a/b/ {link}/rules/user.rules"),
    ] {
        assert!(!runs(&desk, &command), "{command}");
    }
    for path in [
        format!("{link}/rules/user.rules"),
        format!("{link}/passes/new"),
        format!("{}/.claude/settings.json", inside.display()),
    ] {
        let input = json!({"file_path": path, "content": "x"});
        assert!(!writes(&desk, "Write", &input), "{path}");
        let edit = json!({"file_path": path, "old_string": "a", "new_string": "b"});
        assert!(!writes(&desk, "Edit", &edit), "{path}");
    }
    assert!(writes(
        &desk,
        "Write",
        &json!({"file_path": elsewhere.path().join("x"), "content": "x"})
    ));
}

#[test]
fn what_was_written_first_is_read_when_it_runs() {
    let desk = Desk::new();
    let root = desk.root();
    fs::write(
        root.join("build.sh"),
        "#!/bin/sh\nterraform destroy -auto-approve\n",
    )
    .unwrap();
    fs::write(root.join("Makefile"), "all:\n\tterraform destroy\n").unwrap();
    fs::write(
        root.join("package.json"),
        r#"{"scripts":{"postinstall":"terraform destroy"}}"#,
    )
    .unwrap();
    fs::create_dir(root.join("bin")).unwrap();
    fs::write(root.join("bin/git"), "terraform destroy\n").unwrap();
    symlink(root.join("build.sh"), root.join("harmless.sh")).unwrap();
    for command in [
        "./build.sh",
        "sh build.sh &",
        "./harmless.sh",
        "make",
        "npm install",
        "PATH=$PWD/bin:$PATH git status",
        "bash -c 'source build.sh'",
    ] {
        assert!(!runs(&desk, command), "{command}");
    }
}

#[test]
fn the_environment_of_a_command_does_not_move_the_guard() {
    let desk = Desk::new();
    for command in [
        "HOME=/tmp/x terraform destroy",
        "export HOME=/tmp/x; terraform destroy",
        "XDG_CONFIG_HOME=/tmp/x terraform destroy",
        "COUNTERSIGN_PLANTED_PANIC=1 terraform destroy",
        "PATH=/tmp/shim terraform destroy",
        "cd / && terraform destroy",
    ] {
        assert!(!runs(&desk, command), "{command}");
    }
}

#[test]
fn files_that_run_later_are_no_way_round() {
    let desk = Desk::new();
    let root = desk.root();
    for path in [
        root.join(".git/hooks/post-commit"),
        desk.home().join(".claude/settings.json"),
        desk.home().join(".codex/hooks.json"),
        desk.home().join(".countersign/guard/passes/x"),
    ] {
        let input = json!({"file_path": path, "content": "terraform destroy"});
        assert!(!writes(&desk, "Write", &input), "{path:?}");
    }
}

#[test]
fn a_tunnel_opened_before_is_remembered() {
    let drop = "psql -h localhost -c 'DROP DATABASE shop'";
    for (tunnel, remembered) in [
        ("ssh -fN -L 5432:db:5432 bastion.example.com", true),
        ("kubectl --context prod-eu port-forward svc/db 5432 &", true),
        ("kubectl --context blue-1 port-forward svc/db 5432 &", false),
        ("true", false),
    ] {
        let desk = Desk::new();
        assert!(runs(&desk, drop), "{tunnel}");
        assert!(runs(&desk, tunnel), "{tunnel}");
        assert_eq!(runs(&desk, drop), !remembered, "{tunnel}");
    }
}

#[test]
fn names_are_not_moved_to_another_cluster() {
    let desk = Desk::new();
    for command in [
        "kubectl config rename-context prod-eu blue-1",
        "kubectl config set-context blue-1 --cluster=prod-eu",
        "kubectl config set-cluster blue --server=https://prod.example.com",
        "kubectl config view --raw > ~/.kube/config",
    ] {
        assert!(!runs(&desk, command), "{command}");
    }
    // Another conversation: this one has been held for what it tried.
    let desk = Desk::new();
    assert!(runs(&desk, "kubectl config use-context blue-1"));
    assert!(runs(
        &desk,
        "kubectl config set-context --current --namespace=shop"
    ));
}

/// Whatever the program: nobody but Countersign writes there.
#[test]
fn no_program_writes_the_guards_own_files() {
    let desk = Desk::new();
    let guard = desk.guard_dir();
    let link = desk.root().join("deep");
    symlink(&guard, &link).unwrap();
    let guard = guard.display();
    for command in [
        format!("sort -o {guard}/rules/a README"),
        format!("git archive HEAD -o {guard}/rules/a"),
        format!("GIT_DIR={guard} git init"),
        format!("find . -exec cp README {guard}/rules/ \\;"),
        "sort -o deep/rules/a README".to_owned(),
        "cd ~/.count* && touch guard/spent/x".to_owned(),
        "echo x > ~/.c?untersign/guard/rules/a".to_owned(),
        "CDPATH=~/.countersign cd guard && touch x".to_owned(),
    ] {
        assert!(!runs(&desk, &command), "{command}");
    }
    for (tool, input) in [
        (
            "mcp__fs__move_file",
            json!({"source": "a", "destination": format!("{guard}/rules/a")}),
        ),
        (
            "mcp__x__do",
            json!({"args": [{"to": format!("{guard}/x")}]}),
        ),
    ] {
        assert!(!writes(&desk, tool, &input), "{tool}");
    }
    assert!(runs(&desk, &format!("ls {guard}")));
}

#[test]
fn what_a_shell_or_git_runs_later_is_held() {
    let desk = Desk::new();
    for command in [
        "echo 'countersign() { true; }' >> ~/.bashrc",
        "printf '[core]\\nfsmonitor = x\\n' >> .git/config",
    ] {
        assert!(!runs(&desk, command), "{command}");
    }
    for path in [
        desk.root().join(".git/config"),
        desk.home().join(".profile"),
    ] {
        let input = json!({"file_path": path, "content": "x"});
        assert!(!writes(&desk, "Write", &input), "{path:?}");
    }
}

#[test]
fn a_key_signs_nothing_however_it_is_asked() {
    let desk = Desk::new();
    for command in [
        "ssh-keygen -Ysign -n signoff@countersign.dev -f k.pub a",
        "SSH_AUTH_SOCK=/tmp/x ssh-keygen -qYsign -n a -f k.pub a",
    ] {
        assert!(!runs(&desk, command), "{command}");
    }
}

/// What was signed is void as soon as anything changes that the tool reads.
#[test]
fn a_pass_is_bound_to_all_that_is_read() {
    let main =
        "module \"db\" { source = \"./modules/db\" }\nmodule \"x\" { source = \"../base\" }\n";
    for (place, changed) in [
        // Behind more files than anybody lists.
        ("infra", "infra/zz.tf"),
        ("infra", "infra/modules/db/main.tf"),
        ("infra", "base/main.tf"),
    ] {
        let desk = Desk::new();
        let root = desk.root();
        fs::create_dir_all(root.join("infra/modules/db")).unwrap();
        fs::create_dir_all(root.join("base")).unwrap();
        for n in 0..300 {
            fs::write(root.join(format!("infra/a{n:03}.json")), "{}").unwrap();
        }
        fs::write(root.join("infra/main.tf"), main).unwrap();
        for file in ["infra/zz.tf", "infra/modules/db/main.tf", "base/main.tf"] {
            fs::write(root.join(file), "# good\n").unwrap();
        }
        let call = shell_call(AGENT, "terraform destroy -auto-approve", &root.join(place));
        let ticket = desk.hook(AGENT, &call).ticket();
        let screen = desk.pass("sen", &ticket);
        assert!(screen.contains("passed: "), "{screen}");
        fs::write(root.join(changed), "# evil\n").unwrap();
        assert!(is_denial(AGENT, &desk.hook(AGENT, &call)), "{changed}");
        fs::write(root.join(changed), "# good\n").unwrap();
        assert!(!is_denial(AGENT, &desk.hook(AGENT, &call)), "{changed}");
    }
}
