//! What was blocked in a conversation, so that the same goal by another route is
//! seen for what it is.
//!
//! An agent whose `rm -rf` was held says "let me use Python instead". The second
//! attempt names the first, and is held even where it would have passed alone,
//! unless it only reads.

use countersign_core::effect::{Environment, Verb};
use countersign_effects::command::{Node, Reading, Scope};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::judge::{TOLERATED, Weighed};

/// The version of the file.
const VERSION: u32 = 1;
/// The most goals remembered; the oldest are kept, because later ones refer to
/// them.
const MAX_BLOCKED: usize = 32;
/// The most objects remembered of one goal.
const MAX_OBJECTS: usize = 8;
/// The largest file read, in bytes.
pub const MAX_SIZE: usize = 64 << 10;

/// Objects that name nothing in particular.
const VAGUE: &[&str] = &[
    "apply",
    "destroy",
    "command",
    "deploy",
    "delete",
    "update",
    "remove",
    "files",
    "file",
    "main",
    "home",
    "root",
    "query",
    "true",
    "false",
    "null",
    "data",
    "test",
    "prod",
    "production",
    "all",
];

/// Programs that only look.
const READERS: &[&str] = &[
    "ls", "cat", "stat", "du", "df", "grep", "rg", "head", "tail", "wc", "file", "tree", "pwd",
    "cd", "test", "echo", "printf", "less", "more", "diff", "cmp", "which", "type", "basename",
    "dirname", "realpath", "readlink", "sort", "uniq", "cut", "jq", "yq", "date", "true", "false",
    "[", "git",
];

/// A goal that was blocked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Blocked {
    /// Its ticket.
    pub ticket: String,
    /// What would have been taken away, as far as it has a name of its own.
    pub objects: Vec<String>,
    /// Where.
    pub environment: Environment,
    /// Whether it is about a service rather than about the machine.
    pub service: bool,
}

/// What one conversation remembers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Session {
    v: u32,
    blocked: Vec<Blocked>,
}

impl Default for Session {
    fn default() -> Self {
        Self {
            v: VERSION,
            blocked: Vec::new(),
        }
    }
}

/// How a call relates to an earlier, blocked one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Relation<'s> {
    /// The very same action.
    Retry,
    /// The same goal in another way.
    AnotherWay(&'s Blocked),
}

impl Session {
    /// Reads the file; `None` when it is damaged.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let session: Self = serde_json::from_slice(bytes).ok()?;
        (session.v == VERSION).then_some(session)
    }

    /// The file.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        // Plain data cannot fail to be written.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Whether nothing was blocked yet.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.blocked.is_empty()
    }

    /// Remembers a blocked action; `false` when there is nothing new.
    pub fn remember(&mut self, ticket: &str, reading: &Reading, weighed: &Weighed) -> bool {
        if self.blocked.len() >= MAX_BLOCKED || self.blocked.iter().any(|it| it.ticket == ticket) {
            return false;
        }
        let dangerous = || {
            weighed
                .dangerous
                .iter()
                .filter_map(|place| reading.findings.get(*place))
        };
        let mut objects: Vec<String> = dangerous()
            .map(|finding| finding.effect.object.trim_end_matches('/').to_owned())
            .filter(|object| is_telling(object))
            .collect();
        objects.sort_unstable();
        objects.dedup();
        objects.truncate(MAX_OBJECTS);
        self.blocked.push(Blocked {
            ticket: ticket.to_owned(),
            objects,
            environment: weighed.environment,
            service: dangerous().any(|finding| finding.scope == Scope::Service),
        });
        true
    }

    /// How an action relates to what was blocked before. `text` is all of the
    /// call's text, as given.
    #[must_use]
    pub fn relate(
        &self,
        ticket: &str,
        text: &str,
        tool: &str,
        reading: &Reading,
        weighed: &Weighed,
    ) -> Option<Relation<'_>> {
        if self.blocked.iter().any(|it| it.ticket == ticket) {
            return Some(Relation::Retry);
        }
        // The words of a call may spell an object otherwise than its effect does.
        let hits: Vec<&str> = weighed
            .dangerous
            .iter()
            .filter_map(|place| reading.findings.get(*place))
            .map(|finding| finding.effect.object.trim_end_matches('/'))
            .collect();
        let named = |object: &String| mentions(text, object) || hits.contains(&object.as_str());
        let mentioned = || self.blocked.iter().find(|it| it.objects.iter().any(named));
        if weighed.dangerous.is_empty() {
            if only_reads(tool, reading) || lands_elsewhere(reading) {
                return None;
            }
            return mentioned().map(Relation::AnotherWay);
        }
        let same_place = |it: &&Blocked| {
            let hits_service = weighed
                .dangerous
                .iter()
                .filter_map(|place| reading.findings.get(*place))
                .any(|finding| {
                    finding.scope == Scope::Service && finding.effect.verb != Verb::Read
                });
            it.service && hits_service && it.environment == weighed.environment
        };
        mentioned()
            .or_else(|| self.blocked.iter().find(same_place))
            .map(Relation::AnotherWay)
    }
}

/// All text of a call's arguments, for [`Session::relate`].
#[must_use]
pub fn text_of(input: &Value) -> String {
    fn collect(value: &Value, out: &mut String) {
        match value {
            Value::String(text) => {
                out.push_str(text);
                out.push('\n');
            }
            Value::Array(items) => items.iter().for_each(|item| collect(item, out)),
            Value::Object(fields) => fields.values().for_each(|item| collect(item, out)),
            _ => {}
        }
    }
    let mut out = String::new();
    collect(input, &mut out);
    out
}

fn is_telling(object: &str) -> bool {
    let name = object.rsplit(['/', '\\']).next().unwrap_or(object);
    object.len() >= 4
        && !name.contains('*')
        && !(VAGUE.contains(&object))
        && !object.starts_with("apply ")
}

/// Whether a text names an object: the whole of it, or its last part where that
/// is telling by itself, as a word of its own.
fn mentions(text: &str, object: &str) -> bool {
    let last = object.rsplit(['/', '\\']).next().unwrap_or(object);
    has_word(text, object) || (last.len() >= 5 && !VAGUE.contains(&last) && has_word(text, last))
}

fn has_word(text: &str, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    text.match_indices(word).any(|(at, _)| {
        let before = text.get(..at).and_then(|t| t.chars().next_back());
        let after = text.get(at + word.len()..).and_then(|t| t.chars().next());
        !before.is_some_and(part) && !after.is_some_and(part)
    })
}

/// Whether all of it is understood to land where losing something is tolerated:
/// another cluster with the same names is not the same goal.
fn lands_elsewhere(reading: &Reading) -> bool {
    let services = || {
        reading
            .findings
            .iter()
            .filter(|finding| finding.scope == Scope::Service)
    };
    reading.unknowns.is_empty()
        && services().count() > 0
        && services().all(|finding| finding.target.environment <= TOLERATED)
}

fn only_reads(tool: &str, reading: &Reading) -> bool {
    if !reading.findings.is_empty() {
        return false;
    }
    let lower = tool.to_ascii_lowercase();
    let looks = ["read", "grep", "glob", "list", "search", "view", "fetch"];
    if looks.iter().any(|word| lower.contains(word)) {
        return true;
    }
    let shell = [
        "bash",
        "shell",
        "run_command",
        "execute_bash",
        "execute_command",
        "run_shell_command",
        "powershell",
    ];
    shell.contains(&lower.as_str())
        && reading
            .tree
            .iter()
            // The tree's first node is the tool itself.
            .flat_map(|node| {
                if node.children.is_empty() {
                    std::slice::from_ref(node)
                } else {
                    node.children.as_slice()
                }
            })
            .all(node_reads)
}

fn node_reads(node: &Node) -> bool {
    let program = node.command.split_whitespace().next().unwrap_or("");
    let program = program.rsplit('/').next().unwrap_or(program);
    READERS.contains(&program) && node.children.iter().all(node_reads)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::weigh;
    use countersign_effects::command::{Facts, judge_tool_call};
    use serde_json::json;

    fn call(tool: &str, input: &Value) -> (Reading, Weighed) {
        let place = Facts {
            cwd: Some("/home/dev/shop".to_owned()),
            home: Some("/home/dev".to_owned()),
            project_root: Some("/home/dev/shop".to_owned()),
            ..Facts::default()
        };
        let reading = judge_tool_call(tool, input, &place);
        let weighed = weigh(&reading, Environment::Production);
        (reading, weighed)
    }

    fn after(first: &str, tool: &str, input: &Value) -> Option<String> {
        let mut session = Session::default();
        let (reading, weighed) = call("Bash", &json!({ "command": first }));
        assert!(!weighed.dangerous.is_empty(), "{first}");
        session.remember("first", &reading, &weighed);
        let (reading, weighed) = call(tool, input);
        match session.relate("second", &text_of(input), tool, &reading, &weighed) {
            Some(Relation::AnotherWay(blocked)) => Some(blocked.ticket.clone()),
            _ => None,
        }
    }

    #[test]
    fn the_same_goal_by_another_route() {
        for (first, tool, second) in [
            (
                "rm -rf /srv/ledger",
                "Bash",
                json!({"command": "python3 -c \"import shutil; shutil.rmtree('/srv/ledger')\""}),
            ),
            (
                "rm -rf /srv/ledger",
                "Bash",
                json!({"command": "python3 clean.py /srv/ledger"}),
            ),
            (
                "rm -rf /srv/ledger",
                "Bash",
                json!({"command": "cd /srv && ./wipe ledger"}),
            ),
            (
                "terraform destroy -auto-approve",
                "Bash",
                json!({"command": "aws rds delete-db-instance --db-instance-identifier shop"}),
            ),
            (
                "rm -rf /srv/ledger",
                "Write",
                json!({"file_path": "clean.py", "content": "import os\nos.system('x /srv/ledger')"}),
            ),
        ] {
            assert_eq!(
                after(first, tool, &second).as_deref(),
                Some("first"),
                "{first} then {second}"
            );
        }
    }

    #[test]
    fn looking_at_it_is_not_another_route() {
        for (tool, second) in [
            ("Bash", json!({"command": "ls -la /srv/ledger"})),
            ("Bash", json!({"command": "cat /srv/ledger/a | grep b"})),
            ("Read", json!({"file_path": "/srv/ledger/a"})),
            ("Bash", json!({"command": "npm test"})),
            (
                "Bash",
                json!({"command": "kubectl --context minikube delete deployment ledger"}),
            ),
            ("Bash", json!({"command": "rm -rf node_modules"})),
        ] {
            assert_eq!(after("rm -rf /srv/ledger", tool, &second), None, "{second}");
        }
    }

    #[test]
    fn memory_is_bounded_and_survives_writing() {
        let mut session = Session::default();
        let (reading, weighed) = call("Bash", &json!({ "command": "rm -rf /srv/ledger" }));
        for n in 0..100 {
            session.remember(&format!("{n}"), &reading, &weighed);
        }
        assert_eq!(session.blocked.len(), MAX_BLOCKED);
        assert!(session.to_bytes().len() < MAX_SIZE);
        assert_eq!(Session::parse(&session.to_bytes()), Some(session));
        assert_eq!(Session::parse(b"{"), None);
    }
}
