//! `countersign guard explain` says what the hook would answer, and why.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot set itself up has to fail loudly"
)]

mod common;
mod hook;

use hook::{Desk, is_denial, shell_call};

fn explain(desk: &Desk, words: &[&str]) -> String {
    desk.countersign(&[&["guard", "explain", "--"], words].concat())
}

#[test]
fn a_held_command_shows_rules_target_and_parse() {
    let desk = Desk::new();
    let shown = explain(&desk, &["cd infra && terraform destroy -auto-approve"]);
    insta::assert_snapshot!(shown, @r"
    exit 1
    HOLD  would destroy or disrupt
      most guarded target: an environment nobody has named
      rules: ai-below-senior, agent-alone
      needs: 1 sign-off; and 1 sign-off by at least senior, above the author

      Bash
        cd infra
        terraform destroy -auto-approve
          -> delete infrastructure `destroy` in an environment nobody has named [destructive]: destroys everything the configuration manages
    ");
}

#[test]
fn verdicts_are_the_hooks_own() {
    let desk = Desk::new();
    for (command, code) in [
        // What is held is remembered, so harmless calls come first.
        ("kubectl --context blue-1 delete ns shop", 0),
        ("git status", 0),
        ("terraform destroy", 1),
        ("rm -rf \"$BUILD_DIR\"", 1),
        ("rm -rf .countersign", 2),
        ("cat ~/.ssh/id_ed25519", 2),
    ] {
        let shown = explain(&desk, &[command]);
        assert!(
            shown.starts_with(&format!("exit {code}")),
            "{command}: {shown}"
        );
        let hook = desk.hook("kiro", &shell_call("kiro", command, desk.root()));
        assert_eq!(is_denial("kiro", &hook), code > 0, "{command}: {hook:?}");
    }
    // Several words are one command, quoted as a shell would need them.
    let words = explain(&desk, &["rm", "-rf", "a b"]);
    assert!(words.contains("rm -rf 'a b'"), "{words}");
}

#[test]
fn without_rules_it_says_that_the_hook_denies() {
    let desk = Desk::new();
    std::fs::remove_file(desk.rules_file()).unwrap();
    let shown = explain(&desk, &["terraform destroy"]);
    assert!(shown.starts_with("exit 1"), "{shown}");
    assert!(shown.contains("no rules are compiled"), "{shown}");
}

#[test]
fn json_has_verdict_findings_and_tree() {
    let desk = Desk::new();
    let shown = desk.countersign(&["guard", "explain", "--json", "--", "terraform destroy"]);
    let json = &shown[shown.find('{').unwrap()..=shown.rfind('}').unwrap()];
    let json: serde_json::Value = serde_json::from_str(json).unwrap();
    assert_eq!(json["verdict"], "hold");
    assert_eq!(json["rules"][0], "ai-below-senior");
    assert_eq!(json["findings"][0]["effect"]["verb"], "delete");
    assert!(json["tree"][0]["children"].is_array());
}
