use std::path::Path;

use super::*;

const PROGRAM: &str = "/usr/local/bin/countersign";

fn target(agent: Agent) -> Target {
    targets(agent, Scope::User, Path::new("/home/dev"), Path::new("/w")).unwrap()
}

fn added(agent: Agent, before: &str) -> String {
    let after = add(&target(agent), Some(before), PROGRAM).unwrap();
    // Twice is once.
    assert_eq!(
        add(&target(agent), Some(&after), PROGRAM).as_ref(),
        Ok(&after),
        "{agent:?}"
    );
    after
}

/// Settings as people have them: other hooks, odd indentation, one line, comments.
const CLAUDE: &str = r#"{
    "permissions": {
        "allow": ["Bash(npm run test:*)"],
        "deny": []
    },
    "hooks": {
        "PreToolUse": [
            {
                "matcher": "Bash",
                "hooks": [{ "type": "command", "command": "~/.claude/hooks/lint.sh" }]
            }
        ],
        "Stop": [{ "hooks": [{ "type": "command", "command": "say done" }] }]
    },
    "model": "opus"
}
"#;

const GEMINI: &str = "{\n\t// the team's theme\n\t\"theme\": \"GitHub\",\n\t\"mcpServers\": {\n\t\t\"db\": { \"command\": \"db-mcp\" }, // read only\n\t},\n}\n";

const CODEX: &str = "model = \"gpt-5\"   # the team's\n\n[mcp_servers.docs]\ncommand = \"docs-mcp\"\n\n[[hooks.PreToolUse]]\nmatcher = \"^Bash$\"\n[[hooks.PreToolUse.hooks]]\ntype = \"command\"\ncommand = \"lint\"\n";

#[test]
fn an_entry_is_added_and_nothing_else_changes() {
    insta::assert_snapshot!(diff(CLAUDE, &added(Agent::ClaudeCode, CLAUDE)));
}

#[test]
fn comments_stay_where_the_agent_allows_them() {
    let after = added(Agent::GeminiCli, GEMINI);
    insta::assert_snapshot!(after);
}

#[test]
fn tables_are_added_to_toml() {
    let after = added(Agent::Codex, CODEX);
    assert!(after.starts_with(CODEX));
    let table: toml::Table = toml::from_str(&after).unwrap();
    assert_eq!(table["hooks"]["PreToolUse"].as_array().unwrap().len(), 2);
    insta::assert_snapshot!(diff(CODEX, &after));
}

#[test]
fn new_files() {
    let mut text = String::new();
    for agent in Agent::ALL {
        let target = target(agent);
        let after = add(&target, None, PROGRAM).unwrap();
        text.push_str(&format!("== {}\n{after}", target.path.display()));
    }
    insta::assert_snapshot!(text);
}

#[test]
fn what_was_added_comes_out_again() {
    let removed = |agent, text: &str| {
        remove(&target(agent), &added(agent, text))
            .unwrap()
            .unwrap()
    };
    assert_eq!(removed(Agent::Codex, CODEX), CODEX);
    assert_eq!(removed(Agent::ClaudeCode, CLAUDE), CLAUDE);
    let one_line = r#"{"hooks":{"PreToolUse":[{"matcher":"Bash","hooks":[{"type":"command","command":"x"}]}]}}"#;
    assert_eq!(removed(Agent::ClaudeCode, one_line), one_line);
    // Where lists had to be made, they stay behind empty.
    let value: serde_json::Value = serde_json::from_str(&removed(Agent::Windsurf, "{}\n")).unwrap();
    assert_eq!(value["hooks"]["pre_run_command"], serde_json::json!([]));
    for agent in [
        Agent::Kiro,
        Agent::CopilotCli,
        Agent::OpenCode,
        Agent::Cline,
    ] {
        let text = add(&target(agent), None, PROGRAM).unwrap();
        assert_eq!(remove(&target(agent), &text), Ok(None), "{agent:?}");
    }
}

#[test]
fn hooks_that_share_a_group_with_others_leave_theirs() {
    let text = format!(
        r#"{{"hooks":{{"PreToolUse":[{{"hooks":[{{"command":"mine"}},{{"command":"{}"}}]}}]}}}}"#,
        command(Agent::ClaudeCode, PROGRAM)
    );
    assert_eq!(
        remove(&target(Agent::ClaudeCode), &text).unwrap().unwrap(),
        r#"{"hooks":{"PreToolUse":[{"hooks":[{"command":"mine"}]}]}}"#
    );
}

#[test]
fn a_moved_program_is_replaced_where_it_stands() {
    for (agent, before) in [
        (Agent::ClaudeCode, CLAUDE),
        (Agent::Codex, CODEX),
        (Agent::Cursor, "{\"version\": 1}\n"),
    ] {
        let old = add(&target(agent), Some(before), "/old/place/countersign").unwrap();
        let new = added(agent, &old);
        assert!(!new.contains("/old/place"), "{new}");
        assert_eq!(
            command_in(&new, &target(agent)).as_deref(),
            Some(command(agent, PROGRAM).as_str())
        );
    }
}

#[test]
fn broken_files_are_not_touched_and_the_place_is_named() {
    let of = |agent, text: &str| {
        add(&target(agent), Some(text), PROGRAM)
            .unwrap_err()
            .to_string()
    };
    let seen = [
        of(
            Agent::ClaudeCode,
            "{\n  \"hooks\": {\n    \"PreToolUse\": [\n  }\n}\n",
        ),
        of(Agent::ClaudeCode, "{\"a\": 1} x"),
        of(Agent::ClaudeCode, "// mine\n{}"),
        of(Agent::ClaudeCode, "{\"a\": 1,}"),
        of(Agent::ClaudeCode, "[]"),
        of(Agent::ClaudeCode, "{\"hooks\": []}"),
        of(Agent::ClaudeCode, "{\"hooks\": {\"PreToolUse\": {}}}"),
        of(Agent::GeminiCli, "{ /* open"),
        of(
            Agent::GeminiCli,
            &format!("{}1{}", "[".repeat(9999), "]".repeat(9999)),
        ),
        of(Agent::Codex, "a = = 1"),
        of(Agent::Codex, "hooks = \"x\""),
        of(Agent::Codex, "hooks = { PreToolUse = [] }"),
        of(Agent::Cline, "#!/bin/sh\nexec mine\n"),
    ];
    insta::assert_snapshot!(seen.join("\n"));
}

#[test]
fn kiro_before_version_3_and_amazon_q_have_hooks_in_their_agents() {
    let target = Target::at(Agent::Kiro, Path::new("/home/dev/.kiro/agents/ops.json"));
    assert_eq!(target.form, Form::KiroAgent);
    let before = "{\n  \"name\": \"ops\",\n  \"hooks\": {\n    \"agentSpawn\": [{ \"command\": \"git status\" }]\n  }\n}\n";
    let after = add(&target, Some(before), PROGRAM).unwrap();
    insta::assert_snapshot!(diff(before, &after));
}

#[test]
fn switched_off_hooks_are_noticed() {
    for (agent, text) in [
        (Agent::ClaudeCode, "{\"disableAllHooks\": true}"),
        (Agent::Codex, "[features]\nhooks = false\n"),
        (Agent::Codex, "[features]\ncodex_hooks = false\n"),
        (Agent::GeminiCli, "{\"hooksConfig\": {\"enabled\": false}}"),
        (
            Agent::Kiro,
            "{\"version\":\"v1\",\"hooks\":[{\"enabled\":false}]}",
        ),
    ] {
        assert!(switched_off(text, &target(agent)).is_some(), "{text}");
        let good = add(&target(agent), None, PROGRAM).unwrap();
        assert_eq!(switched_off(&good, &target(agent)), None, "{agent:?}");
    }
}

proptest::proptest! {
    /// Whatever JSON a person has: one entry more, and out again the same value.
    #[test]
    fn any_settings_keep_their_meaning(fields in proptest::collection::btree_map("[a-z]{1,6}", 0..1000_i32, 0..6), indent in 0..5_usize) {
        let value = serde_json::to_value(&fields).unwrap();
        let before = if indent == 0 { value.to_string() } else { text::pretty(&value, &" ".repeat(indent)) };
        let after = added(Agent::ClaudeCode, &before);
        let mut parsed: serde_json::Value = serde_json::from_str(&after).unwrap();
        let hooks = parsed.as_object_mut().unwrap().remove("hooks").unwrap();
        proptest::prop_assert_eq!(hooks["PreToolUse"].as_array().unwrap().len(), 1);
        proptest::prop_assert_eq!(parsed, value);
    }

    #[test]
    fn any_text_is_edited_or_refused(text in "[\\[\\]{}\",:/* \na-z1\\\\]{0,60}") {
        for agent in [Agent::ClaudeCode, Agent::GeminiCli, Agent::Codex] {
            if let Ok(after) = add(&target(agent), Some(&text), PROGRAM) {
                proptest::prop_assert!(is_ours(&after, agent));
                proptest::prop_assert!(remove(&target(agent), &after).is_ok());
            }
        }
    }
}
