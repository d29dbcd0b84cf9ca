//! Every agent's bytes, in and out.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot set itself up has to fail loudly"
)]

use countersign_guard::agent::Agent;
use countersign_guard::protocol::{self, Answer, Event, ProtocolError, Response, ToolCall};
use proptest::prelude::*;
use serde_json::{Value, json};

fn call(agent: Agent, input: &str) -> ToolCall {
    match protocol::read(agent, input.as_bytes()) {
        Ok(Event::Call(call)) => call,
        other => panic!("{agent:?}: {other:?}"),
    }
}

/// What each agent sends before it runs `terraform destroy`, with fields that no
/// version has yet.
const SHELL: [(Agent, &str); 14] = [
    (
        Agent::ClaudeCode,
        r#"{"session_id":"s1","transcript_path":"/t","cwd":"/w","permission_mode":"bypassPermissions","hook_event_name":"PreToolUse","tool_name":"Bash","tool_input":{"command":"terraform destroy","description":"d","timeout":1},"tool_use_id":"u","new_field":{"a":[1]}}"#,
    ),
    (
        Agent::Codex,
        r#"{"session_id":"s1","turn_id":"t","transcript_path":null,"cwd":"/w","hook_event_name":"PreToolUse","model":"m","permission_mode":"default","tool_name":"Bash","tool_input":{"command":"terraform destroy"},"tool_use_id":"u"}"#,
    ),
    (
        Agent::Cursor,
        r#"{"conversation_id":"s1","generation_id":"g","hook_event_name":"beforeShellExecution","workspace_roots":["/w"],"cursor_version":"9.9.9","user_email":"a@b","model":"m","command":"terraform destroy","cwd":"/w","sandbox":false}"#,
    ),
    (
        Agent::Cursor,
        r#"{"conversation_id":"s1","hook_event_name":"preToolUse","workspace_roots":["/w"],"tool_name":"Shell","tool_input":{"command":"terraform destroy"}}"#,
    ),
    (
        Agent::Kiro,
        r#"{"hook_event_name":"preToolUse","cwd":"/w","session_id":"s1","tool_name":"execute_bash","tool_input":{"command":"terraform destroy"}}"#,
    ),
    (
        Agent::Kiro,
        r#"{"hook_event_name":"PreToolUse","cwd":"/w","session_id":"s1","tool_name":"shell","tool_input":{"command":"terraform destroy"}}"#,
    ),
    (
        Agent::AmazonQ,
        r#"{"hook_event_name":"preToolUse","cwd":"/w","session_id":"s1","tool_name":"execute_bash","tool_input":{"command":"terraform destroy"}}"#,
    ),
    (
        Agent::GeminiCli,
        r#"{"session_id":"s1","transcript_path":"/t","cwd":"/w","hook_event_name":"BeforeTool","timestamp":"2026-01-01T00:00:00Z","tool_name":"run_shell_command","tool_input":{"command":"terraform destroy"}}"#,
    ),
    (
        Agent::CopilotCli,
        r#"{"timestamp":1,"cwd":"/w","sessionId":"s1","toolName":"bash","toolArgs":"{\"command\":\"terraform destroy\"}"}"#,
    ),
    (
        Agent::CopilotCli,
        r#"{"hook_event_name":"PreToolUse","session_id":"s1","cwd":"/w","tool_name":"run_in_terminal","tool_input":{"command":"terraform destroy"}}"#,
    ),
    (
        Agent::OpenCode,
        r#"{"tool":"bash","sessionID":"s1","callID":"c","directory":"/w","args":{"command":"terraform destroy"}}"#,
    ),
    (
        Agent::Windsurf,
        r#"{"agent_action_name":"pre_run_command","trajectory_id":"s1","execution_id":"e","timestamp":"t","tool_info":{"command_line":"terraform destroy","cwd":"/w"}}"#,
    ),
    (
        Agent::Cline,
        r#"{"clineVersion":"9.9.9","hookName":"PreToolUse","timestamp":"1","taskId":"s1","workspaceRoots":["/w"],"userId":"u","preToolUse":{"toolName":"execute_command","parameters":{"command":"terraform destroy","requires_approval":"false"}}}"#,
    ),
    (
        Agent::Antigravity,
        r#"{"toolCall":{"name":"run_command","args":{"CommandLine":"terraform destroy","Cwd":"/w"}},"conversationId":"s1","stepIdx":3}"#,
    ),
];

#[test]
fn shell_calls_are_read_from_every_agent() {
    for (agent, input) in SHELL {
        let call = call(agent, input);
        let command = call
            .input
            .get("command")
            .or_else(|| call.input.get("CommandLine"));
        assert_eq!(command, Some(&json!("terraform destroy")), "{agent:?}");
        assert_eq!(call.cwd.as_deref(), Some("/w"), "{agent:?}");
        assert_eq!(call.session.as_deref(), Some("s1"), "{agent:?}");
    }
    assert!(
        Agent::ALL
            .iter()
            .all(|agent| SHELL.iter().any(|(known, _)| known == agent))
    );
}

#[test]
fn other_tools() {
    let of = |agent, input: &str| {
        let call = call(agent, input);
        format!("{} {}", call.tool, call.input)
    };
    let seen = [
        of(
            Agent::Codex,
            r#"{"hook_event_name":"PreToolUse","tool_name":"apply_patch","tool_input":{"command":"*** Begin Patch\n*** Delete File: a\n*** End Patch"}}"#,
        ),
        of(
            Agent::Cursor,
            r#"{"hook_event_name":"beforeMCPExecution","tool_name":"query","tool_input":"{\"sql\":\"DROP TABLE t\"}","server":"db"}"#,
        ),
        of(
            Agent::Cursor,
            r#"{"hook_event_name":"beforeMCPExecution","tool_name":"query","tool_input":"not json"}"#,
        ),
        of(
            Agent::Cursor,
            r#"{"hook_event_name":"beforeReadFile","file_path":"/w/a","content":"x"}"#,
        ),
        of(
            Agent::Kiro,
            r#"{"hook_event_name":"preToolUse","tool_name":"fs_write","tool_input":{"command":"create","path":"a","file_text":"x"}}"#,
        ),
        of(
            Agent::AmazonQ,
            r#"{"hook_event_name":"preToolUse","tool_name":"use_aws","tool_input":{"service_name":"rds","operation_name":"delete-db-instance","region":"cn-north-1","profile_name":"ops","parameters":{"db-instance-identifier":"shop","skip-final-snapshot":""},"label":"l"}}"#,
        ),
        of(
            Agent::Kiro,
            r#"{"hook_event_name":"preToolUse","tool_name":"@postgres/query","tool_input":{"sql":"SELECT 1"}}"#,
        ),
        of(
            Agent::Windsurf,
            r#"{"agent_action_name":"pre_mcp_tool_use","tool_info":{"mcp_server_name":"db","mcp_tool_name":"drop_table","mcp_tool_arguments":{"t":"a"}}}"#,
        ),
        of(
            Agent::Windsurf,
            r#"{"agent_action_name":"pre_write_code","tool_info":{"file_path":"/w/a","edits":[]}}"#,
        ),
        of(
            Agent::Cline,
            r#"{"hookName":"tool_call","preToolUse":{"tool":"use_mcp_tool","parameters":{"server_name":"db","tool_name":"drop","arguments":"{\"t\":1}"}}}"#,
        ),
    ];
    insta::assert_snapshot!(seen.join("\n"), @r#"
    apply_patch {"input":"*** Begin Patch\n*** Delete File: a\n*** End Patch"}
    mcp__query {"sql":"DROP TABLE t"}
    mcp__query "not json"
    Read {"file_path":"/w/a"}
    fs_write {"file_text":"x","mode":"create","path":"a"}
    use_aws {"command":["aws","--region","cn-north-1","--profile","ops","rds","delete-db-instance","--db-instance-identifier","shop","--skip-final-snapshot"]}
    @postgres/query {"sql":"SELECT 1"}
    mcp__db__drop_table {"t":"a"}
    write_code {"edits":[],"file_path":"/w/a"}
    mcp__drop {"t":1}
    "#);
}

fn shown(response: &Response) -> String {
    format!(
        "{} | {} | {} ({})",
        String::from_utf8_lossy(&response.stdout).trim_end(),
        String::from_utf8_lossy(&response.stderr).trim_end(),
        response.code,
        response.code_without_output
    )
}

/// Standard output | standard error | exit code (without standard output).
#[test]
fn answers_byte_for_byte() {
    let mut text = String::new();
    for (agent, input) in SHELL {
        let event = call(agent, input).event;
        let deny = protocol::answer(
            agent,
            &event,
            Answer::Deny {
                reason: "no \"x\"\nstop",
            },
        );
        let allow = protocol::answer(agent, &event, Answer::Allow);
        text.push_str(&format!(
            "{} {event}\n  deny  {}\n  allow {}\n",
            agent.as_str(),
            shown(&deny),
            shown(&allow)
        ));
    }
    insta::assert_snapshot!(text);
}

#[test]
fn nobody_is_asked() {
    for agent in Agent::ALL {
        for event in ["", "PreToolUse", "preToolUse", "SomethingNew"] {
            for answer in [Answer::Allow, Answer::Deny { reason: "r" }] {
                let response = protocol::answer(agent, event, answer);
                let text = String::from_utf8(response.stdout).unwrap();
                assert!(!text.contains("ask"), "{agent:?} {text}");
            }
        }
    }
}

/// What an agent takes as a denial, written down apart from the code.
fn is_denial(agent: Agent, response: &Response) -> bool {
    let json: Value = serde_json::from_slice(&response.stdout).unwrap_or_default();
    let hook = &json["hookSpecificOutput"];
    match agent {
        Agent::Kiro | Agent::AmazonQ | Agent::Windsurf => {
            response.code == 2 && !response.stderr.is_empty()
        }
        Agent::ClaudeCode | Agent::Codex => {
            response.code == 2 && !response.stderr.is_empty()
                || response.code == 0
                    && hook["permissionDecision"] == "deny"
                    && hook["hookEventName"] == "PreToolUse"
        }
        Agent::Cursor => response.code == 0 && json["permission"] == "deny",
        Agent::GeminiCli | Agent::OpenCode | Agent::Antigravity => {
            response.code == 0 && json["decision"] == "deny"
        }
        Agent::CopilotCli => {
            response.code != 0
                || json["permissionDecision"] == "deny"
                || hook["permissionDecision"] == "deny"
        }
        Agent::Cline => {
            response.code == 0 && json["cancel"] == true && json["errorMessage"].is_string()
        }
    }
}

#[test]
fn every_denial_is_one_in_its_protocol() {
    for agent in Agent::ALL {
        for event in ["", "PreToolUse", "PermissionRequest", "new"] {
            let response = protocol::answer(agent, event, Answer::Deny { reason: "why" });
            assert!(
                is_denial(agent, &response),
                "{agent:?} {event} {response:?}"
            );
            assert_ne!(response.code_without_output, 0, "{agent:?}");
        }
    }
}

/// Codex runs the tool when its hook's answer has a field too many.
#[test]
fn codex_gets_no_field_too_many() {
    let response = protocol::answer(Agent::Codex, "PreToolUse", Answer::Deny { reason: "r" });
    let json: Value = serde_json::from_slice(&response.stdout).unwrap();
    let names = |value: &Value| {
        value
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect::<Vec<_>>()
    };
    assert_eq!(names(&json), ["hookSpecificOutput"]);
    assert_eq!(
        names(&json["hookSpecificOutput"]),
        [
            "hookEventName",
            "permissionDecision",
            "permissionDecisionReason"
        ]
    );
}

#[test]
fn what_cannot_be_read_is_an_error_and_never_a_call() {
    for agent in Agent::ALL {
        for (input, wanted) in [
            ("", "the hook got no input"),
            (" \n", "the hook got no input"),
            (
                "[1]",
                "the hook's input is not a JSON object: it is another kind of value",
            ),
        ] {
            let error = protocol::read(agent, input.as_bytes()).unwrap_err();
            assert_eq!(error.to_string(), wanted, "{agent:?}");
        }
        let cut = SHELL.iter().find(|(known, _)| *known == agent).unwrap().1;
        for end in [1, cut.len() / 2, cut.len() - 1] {
            assert!(
                protocol::read(agent, &cut.as_bytes()[..end]).is_err(),
                "{agent:?} {end}"
            );
        }
        assert!(
            matches!(protocol::read(agent, b"{}"), Err(ProtocolError::Field(_))),
            "{agent:?}"
        );
        let large = vec![b' '; protocol::MAX_INPUT + 1];
        assert_eq!(protocol::read(agent, &large), Err(ProtocolError::TooLarge));
    }
}

#[test]
fn events_without_a_tool_are_left_alone() {
    for (agent, input) in [
        (
            Agent::ClaudeCode,
            r#"{"hook_event_name":"PostToolUse","tool_name":"Bash","tool_input":{}}"#,
        ),
        (Agent::ClaudeCode, r#"{"hook_event_name":"SessionStart"}"#),
        (
            Agent::Kiro,
            r#"{"hook_event_name":"agentSpawn","cwd":"/w"}"#,
        ),
        (
            Agent::Cursor,
            r#"{"hook_event_name":"afterFileEdit","file_path":"a"}"#,
        ),
        (
            Agent::Windsurf,
            r#"{"agent_action_name":"post_run_command","tool_info":{}}"#,
        ),
        (Agent::Cline, r#"{"hookName":"TaskStart","taskStart":{}}"#),
    ] {
        assert!(
            matches!(protocol::read(agent, input.as_bytes()), Ok(Event::Other(_))),
            "{agent:?} {input}"
        );
    }
}

/// An event that no version has yet, with a tool in it, is judged.
#[test]
fn unknown_events_with_a_tool_are_judged() {
    let input =
        r#"{"hook_event_name":"BeforeEverything","tool_name":"Bash","tool_input":{"command":"x"}}"#;
    for agent in [
        Agent::ClaudeCode,
        Agent::Codex,
        Agent::Kiro,
        Agent::GeminiCli,
        Agent::CopilotCli,
        Agent::Cursor,
    ] {
        assert!(
            matches!(protocol::read(agent, input.as_bytes()), Ok(Event::Call(_))),
            "{agent:?}"
        );
    }
}

proptest! {
    #[test]
    fn any_bytes_give_an_answer(bytes in proptest::collection::vec(any::<u8>(), 0..200), at in 0..11_usize) {
        let _ = protocol::read(Agent::ALL[at], &bytes);
    }

    #[test]
    fn reasons_of_any_text_stay_denials(reason in ".{1,200}", at in 0..11_usize) {
        let response = protocol::answer(Agent::ALL[at], "PreToolUse", Answer::Deny { reason: &reason });
        prop_assert!(is_denial(Agent::ALL[at], &response));
    }
}
