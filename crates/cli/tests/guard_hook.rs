//! The hook as agents call it: the real binary, its standard input and output.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot set itself up has to fail loudly"
)]

mod common;
mod hook;

use std::fs;

use hook::{AGENTS, Desk, is_denial, shell_call};

#[test]
fn destruction_in_production_is_held_for_every_agent() {
    let desk = Desk::new();
    for agent in AGENTS {
        let held = desk.hook(
            agent,
            &shell_call(agent, "terraform destroy -auto-approve", desk.root()),
        );
        assert!(is_denial(agent, &held), "{agent}: {held:?}");
        assert!(
            held.text().contains("countersign pass "),
            "{agent}: {held:?}"
        );
        let harmless = desk.hook(agent, &shell_call(agent, "terraform plan", desk.root()));
        assert!(!is_denial(agent, &harmless), "{agent}: {harmless:?}");
        assert_eq!(harmless.code, 0, "{agent}");
    }
}

#[test]
fn the_target_decides() {
    let desk = Desk::new();
    for (command, denied) in [
        ("kubectl --context prod-eu delete namespace shop", true),
        ("kubectl --context minikube delete namespace shop", false),
        ("kubectl --context blue-3 delete namespace shop", false),
        ("rm -rf node_modules", false),
        ("rm -rf /", true),
        ("echo 'terraform destroy'", false),
        ("git commit -m 'remove rm -rf / from docs'", false),
    ] {
        let answer = desk.hook("kiro", &shell_call("kiro", command, desk.root()));
        assert_eq!(is_denial("kiro", &answer), denied, "{command}: {answer:?}");
    }
}

#[test]
fn the_guard_and_the_agents_settings_are_out_of_reach() {
    let desk = Desk::new();
    let root = desk.root().display();
    let home = desk.home().display().to_string();
    for (tool, input) in [
        (
            "Write",
            format!(r#"{{"file_path":"{root}/.countersign/policy.toml","content":""}}"#),
        ),
        (
            "Edit",
            format!(
                r#"{{"file_path":"{root}/.claude/settings.json","old_string":"a","new_string":"b"}}"#
            ),
        ),
        (
            "Write",
            format!(r#"{{"file_path":"{home}/.countersign/guard/rules/user.rules","content":""}}"#),
        ),
        (
            "Write",
            format!(r#"{{"file_path":"{home}/.kiro/hooks/x.json","content":""}}"#),
        ),
        ("Bash", r#"{"command":"rm -rf ~/.countersign"}"#.to_owned()),
        (
            "Bash",
            r#"{"command":"countersign pass abcd-efgh"}"#.to_owned(),
        ),
        (
            "Bash",
            r#"{"command":"bash -c 'countersign pass abcd-efgh'"}"#.to_owned(),
        ),
        (
            "Bash",
            r#"{"command":"echo x > ~/.countersign/guard/passes/x"}"#.to_owned(),
        ),
        (
            "Bash",
            r#"{"command":"ssh-keygen -Y sign -n signoff@countersign.dev -f ~/.ssh/id_ed25519"}"#
                .to_owned(),
        ),
        ("Bash", r#"{"command":"cat ~/.ssh/id_ed25519"}"#.to_owned()),
        (
            "Read",
            format!(r#"{{"file_path":"{home}/.ssh/id_ed25519"}}"#),
        ),
        (
            "Write",
            format!(r#"{{"file_path":"{home}/.ssh/id_ed25519","content":""}}"#),
        ),
    ] {
        let message = format!(
            r#"{{"session_id":"s","cwd":"{root}","hook_event_name":"PreToolUse","tool_name":"{tool}","tool_input":{input}}}"#
        );
        let answer = desk.hook("claude-code", &message);
        assert!(is_denial("claude-code", &answer), "{tool} {input}");
        assert!(
            answer.text().contains("REFUSED"),
            "{tool} {input}: {}",
            answer.text()
        );
    }
}

/// Whatever breaks: an explicit denial in the agent's own protocol.
#[test]
fn every_fault_is_a_denial_in_every_protocol() {
    for agent in AGENTS {
        let desk = Desk::new();
        let destroy = shell_call(agent, "terraform destroy", desk.root());
        for (what, input) in [
            ("nothing", String::new()),
            ("no JSON", "{".to_owned()),
            ("other JSON", "[]".to_owned()),
            (
                "an unknown version",
                r#"{"version":99,"call":{"shell":"ls"}}"#.to_owned(),
            ),
            ("binary", "\u{0}\u{1}".to_owned()),
        ] {
            let answer = desk.hook(agent, &input);
            assert!(is_denial(agent, &answer), "{agent}, {what}: {answer:?}");
        }
        if cfg!(debug_assertions) {
            let answer = desk.hook_with(
                agent,
                &shell_call(agent, "ls", desk.root()),
                &[("COUNTERSIGN_PLANTED_PANIC", "1")],
            );
            assert!(is_denial(agent, &answer), "{agent}, panic: {answer:?}");
        }
        let closed = desk.hook_closed(agent, &destroy);
        assert_ne!(
            closed.code, 0,
            "{agent}, closed standard output: {closed:?}"
        );

        let rules = desk.rules_file();
        let good = fs::read(&rules).unwrap();
        for (what, bad) in [
            ("cut off", good[..good.len() / 2].to_vec()),
            ("empty", Vec::new()),
            ("changed", [b"x".as_slice(), &good].concat()),
        ] {
            fs::write(&rules, bad).unwrap();
            let answer = desk.hook(agent, &destroy);
            assert!(
                is_denial(agent, &answer),
                "{agent}, rules {what}: {answer:?}"
            );
            assert!(
                answer.text().contains("countersign guard compile"),
                "{}",
                answer.text()
            );
            // What destroys nothing still works, so that a person can mend it.
            let looks = desk.hook(agent, &shell_call(agent, "git status", desk.root()));
            assert!(
                !is_denial(agent, &looks),
                "{agent}, rules {what}: {looks:?}"
            );
        }
        fs::remove_file(&rules).unwrap();
        let missing = desk.hook(agent, &destroy);
        assert!(is_denial(agent, &missing), "{agent}, no rules: {missing:?}");
        fs::create_dir(&rules).unwrap();
        let unreadable = desk.hook(agent, &destroy);
        assert!(
            is_denial(agent, &unreadable),
            "{agent}, unreadable rules: {unreadable:?}"
        );
    }
}

/// Nothing can be written anywhere: as with a full disk.
#[test]
fn a_disk_that_takes_nothing_changes_no_verdict() {
    for agent in AGENTS {
        let desk = Desk::new();
        desk.fill_disk();
        let held = desk.hook(agent, &shell_call(agent, "terraform destroy", desk.root()));
        assert!(is_denial(agent, &held), "{agent}: {held:?}");
        let harmless = desk.hook(agent, &shell_call(agent, "ls", desk.root()));
        assert!(!is_denial(agent, &harmless), "{agent}: {harmless:?}");
        assert!(
            harmless.stderr.contains("decision log"),
            "{agent}: {harmless:?}"
        );
    }
}

#[test]
fn an_unknown_agent_is_denied() {
    let desk = Desk::new();
    let answer = desk.hook("some-agent", "{}");
    assert_eq!(answer.code, 2);
    assert!(answer.stderr.contains("known: claude-code"), "{answer:?}");
}

#[test]
fn a_very_long_command_is_held() {
    let desk = Desk::new();
    let command = format!("echo {}; terraform destroy", "x ".repeat(500_000));
    for agent in AGENTS {
        let answer = desk.hook(agent, &shell_call(agent, &command, desk.root()));
        assert!(is_denial(agent, &answer), "{agent}");
    }
}

#[test]
fn a_repository_with_rules_never_falls_back_to_the_users() {
    let desk = Desk::new();
    // The user's own rules let the operator pass everything.
    let user = desk.countersign(&["guard", "compile", "--user", "--key", &desk.key("sen")]);
    assert!(user.starts_with("exit 0"), "{user}");
    // Made anew without naming it, they keep the key.
    let again = desk.countersign(&["guard", "compile", "--user"]);
    assert!(again.contains("1 person can sign passes"), "{again}");
    fs::remove_file(desk.rules_file()).unwrap();
    let answer = desk.hook(
        "kiro",
        &shell_call("kiro", "terraform destroy", desk.root()),
    );
    assert!(
        answer.text().contains("no rules are compiled"),
        "{answer:?}"
    );
}

#[test]
fn the_same_goal_by_another_route_names_the_first() {
    let desk = Desk::new();
    let first = desk.hook(
        "claude-code",
        &shell_call("claude-code", "rm -rf /srv/ledger", desk.root()),
    );
    let ticket = first.ticket();
    for second in [
        "python3 -c \"import shutil; shutil.rmtree('/srv/ledger')\"",
        "python3 clean.py /srv/ledger",
    ] {
        let answer = desk.hook(
            "claude-code",
            &shell_call("claude-code", second, desk.root()),
        );
        assert!(is_denial("claude-code", &answer), "{second}: {answer:?}");
        assert!(
            answer
                .text()
                .contains(&format!("another way to what ticket {ticket}")),
            "{}",
            answer.text()
        );
    }
    // A retry of what memory alone held stays held.
    let again = desk.hook(
        "claude-code",
        &shell_call("claude-code", "python3 clean.py /srv/ledger", desk.root()),
    );
    assert!(is_denial("claude-code", &again), "{again:?}");
    let looks = desk.hook(
        "claude-code",
        &shell_call("claude-code", "ls /srv/ledger", desk.root()),
    );
    assert!(!is_denial("claude-code", &looks));
}
