//! Tool calls of agents: shell tools, file tools, MCP tools.

use countersign_core::effect::Verb;
use serde_json::Value;

use super::context::Context;
use super::reading::{Danger, Reading, Scope};
use super::record::Found;
use super::shell_run::Shell;
use super::statements::statements;
use crate::http::{Request, judge};
use crate::target::{Target, resolve};

/// Argument names that hold a shell command.
const COMMANDS: &[&str] = &[
    "command",
    "cmd",
    "script",
    "CommandLine",
    "command_line",
    "shell_command",
    "bash",
];
/// Argument names that hold statements for a database.
const STATEMENTS: &[&str] = &[
    "query",
    "sql",
    "statement",
    "queries",
    "statements",
    "sql_query",
];
/// Argument names that hold the path a file tool writes.
const PATHS: &[&str] = &[
    "file_path",
    "filePath",
    "path",
    "target_file",
    "notebook_path",
    "TargetFile",
    "AbsolutePath",
    "filename",
    "file",
    "uri",
];
/// Argument names for where something is moved or copied from, and where to.
const SOURCES: &[&str] = &[
    "source",
    "src",
    "from",
    "old_path",
    "oldPath",
    "source_path",
    "sourcePath",
    "path",
    "file_path",
];
const DESTINATIONS: &[&str] = &[
    "destination",
    "dest",
    "dst",
    "to",
    "target",
    "new_path",
    "newPath",
    "target_path",
    "targetPath",
    "destination_path",
    "destinationPath",
];
/// Argument names that name the target, with their facet.
const TARGETS: &[(&str, &str)] = &[
    ("environment", "environment"),
    ("env", "environment"),
    ("stage", "environment"),
    ("profile", "aws-profile"),
    ("account", "aws-account"),
    ("context", "kube-context"),
    ("namespace", "kube-namespace"),
    ("cluster", "cluster"),
    ("project", "gcp-project"),
    ("project_id", "gcp-project"),
    ("host", "host"),
    ("url", "endpoint"),
    ("endpoint", "endpoint"),
    ("database", "database"),
    ("connection_string", "database-url"),
    ("database_url", "database-url"),
    ("workspace", "workspace"),
    ("app", "app"),
    ("stack", "stack"),
];

/// Judges one call of a tool by its name and arguments. Names may carry the
/// agents' `mcp__server__tool` form. Hints a server gives about its own tools
/// are not looked at: they cannot be trusted.
#[must_use]
pub fn judge_tool_call(name: &str, arguments: &Value, context: &dyn Context) -> Reading {
    let mut shell = Shell::new(context);
    shell.open_node(&[name.to_owned()]);
    shell.judge_tool(tool_name(name), arguments);
    shell.close_node();
    shell.finish();
    shell.reading
}

/// A tool's own name, without that of its server: `mcp__server__tool`, and in
/// Kiro `@server/tool`.
#[must_use]
pub fn tool_name(name: &str) -> &str {
    let name = name.rsplit("__").next().unwrap_or(name);
    name.rsplit('/').next().unwrap_or(name)
}

/// Whether one of these is a word of a name in kebab case.
fn has_word(words: &str, list: &[&str]) -> bool {
    words
        .split(['-', '.', ':'])
        .any(|word| list.contains(&word))
}

/// The argument of this name. Servers written in Go do not tell cases apart.
fn argument<'v>(arguments: &'v Value, name: &str) -> Option<&'v Value> {
    let fields = arguments.as_object()?;
    fields.get(name).or_else(|| {
        let mut fields = fields.iter();
        let (_, value) = fields.find(|(key, _)| key.eq_ignore_ascii_case(name))?;
        Some(value)
    })
}

fn string<'v>(arguments: &'v Value, names: &[&str]) -> Option<&'v str> {
    names
        .iter()
        .find_map(|name| argument(arguments, name)?.as_str())
}

/// The texts among a call's arguments that are commands for a shell.
pub fn command_texts(arguments: &Value) -> impl Iterator<Item = &str> {
    COMMANDS
        .iter()
        .filter_map(|name| argument(arguments, name)?.as_str())
}

impl Shell<'_> {
    fn judge_tool(&mut self, tool: &str, arguments: &Value) {
        if let Some(cwd) = string(
            arguments,
            &["cwd", "Cwd", "workdir", "working_directory", "dir_path"],
        ) {
            self.cwd = self.absolute(cwd);
        }
        let words = super::cloud::kebab(tool);
        // A server reads one of several names for the same; which one is not known.
        let mut read = self.judge_command_arguments(&words, arguments);
        read |= self.judge_patch(arguments);
        read |= self.judge_transfer(&words, arguments);
        for path in PATHS
            .iter()
            .filter_map(|name| argument(arguments, name)?.as_str())
        {
            let path = path.strip_prefix("file://").unwrap_or(path);
            read |= self.judge_path_argument(path, &words);
        }
        for text in STATEMENTS
            .iter()
            .filter_map(|name| argument(arguments, name)?.as_str())
        {
            read |= self.judge_statement_argument(text, arguments);
        }
        read |= self.judge_request_argument(arguments);
        if !read {
            self.judge_tool_name(tool, &words, arguments);
        }
    }

    /// What a tool does to a path, by the tool's name.
    fn judge_path_argument(&mut self, path: &str, words: &str) -> bool {
        const WRITES: &[&str] = &[
            "write",
            "edit",
            "multiedit",
            "create",
            "replace",
            "patch",
            "update",
            "insert",
            "append",
            "notebookedit",
            "save",
            "str",
        ];
        let has = |list: &[&str]| has_word(words, list);
        if has(WRITES) {
            self.judge_write(path, has(&["write", "create", "save"]));
        } else if has(&["delete", "remove", "rm", "unlink"]) {
            self.judge_delete(path, true);
        } else {
            return false;
        }
        true
    }

    /// A tool that moves or copies, by its name: as `mv` and `cp` would.
    fn judge_transfer(&mut self, words: &str, arguments: &Value) -> bool {
        let has = |list: &[&str]| has_word(words, list);
        let program = if has(&["move", "rename", "mv"]) {
            "mv"
        } else if has(&["copy", "cp", "duplicate"]) {
            "cp"
        } else {
            return false;
        };
        let given = |names: &[&str]| -> Vec<String> {
            let texts = names
                .iter()
                .filter_map(|name| argument(arguments, name)?.as_str());
            let paths = texts.map(|text| text.strip_prefix("file://").unwrap_or(text));
            paths.map(str::to_owned).collect()
        };
        let (sources, destinations) = (given(SOURCES), given(DESTINATIONS));
        if destinations.is_empty() && program == "mv" {
            // Where to is in words of the tool's own.
            for source in &sources {
                self.judge_delete(source, false);
            }
            return !sources.is_empty();
        }
        for source in &sources {
            for destination in &destinations {
                let argv = [program, "--", source, destination].map(str::to_owned);
                self.run_argv(&argv, None);
            }
        }
        !sources.is_empty() && !destinations.is_empty()
    }

    fn judge_command_arguments(&mut self, words: &str, arguments: &Value) -> bool {
        let mut read = false;
        let powershell = has_word(words, &["powershell", "pwsh"]) || words == "power-shell";
        for value in COMMANDS.iter().filter_map(|name| argument(arguments, name)) {
            read = true;
            match value {
                Value::String(text) if text.len() <= super::MAX_LENGTH && powershell => {
                    self.judge_powershell(text);
                }
                Value::String(text) if text.len() <= super::MAX_LENGTH => {
                    drop(self.run_text(text, None));
                }
                Value::Array(items) => {
                    let argv: Vec<String> = items
                        .iter()
                        .filter_map(Value::as_str)
                        .map(str::to_owned)
                        .collect();
                    self.run_argv(&argv, None);
                }
                _ => self.unknown("a command that cannot be read", ""),
            }
        }
        read
    }

    /// The patch format of Codex: `*** Update File: path`.
    fn judge_patch(&mut self, arguments: &Value) -> bool {
        let text = match arguments {
            Value::String(text) => Some(text.as_str()),
            _ => string(arguments, &["input", "patch", "patchText", "diff"]),
        };
        let Some(text) = text.filter(|t| t.contains("*** ")) else {
            return false;
        };
        for line in text.lines() {
            if let Some(path) = line.strip_prefix("*** Delete File: ") {
                self.judge_delete(path.trim(), false);
            } else if let Some(path) = ["*** Update File: ", "*** Add File: ", "*** Move to: "]
                .iter()
                .find_map(|p| line.strip_prefix(p))
            {
                self.judge_write(path.trim(), false);
            }
        }
        true
    }

    fn judge_statement_argument(&mut self, text: &str, arguments: &Value) -> bool {
        let target = self.argument_target(arguments);
        let mut found_any = false;
        for statement in statements(text, "any") {
            found_any = true;
            let found = Found {
                verb: statement.verb,
                kind: &statement.kind,
                object: &statement.object,
                danger: if statement.dangerous {
                    Danger::Destructive
                } else {
                    Danger::None
                },
                reason: &statement.reason,
            };
            self.record(&found, Scope::Service, target.clone());
        }
        let lower = text.trim_start().to_ascii_lowercase();
        if let Some(danger) = judge(&Request {
            method: "POST",
            url: "",
            body: Some(text),
        }) {
            self.on_service(
                danger.verb,
                "graphql",
                &danger.object,
                danger.reason,
                target,
            );
            return true;
        }
        found_any
            || [
                "select", "show", "explain", "describe", "with", "query", "insert", "create",
            ]
            .iter()
            .any(|word| lower.starts_with(word))
    }

    fn judge_request_argument(&mut self, arguments: &Value) -> bool {
        let Some(url) = string(arguments, &["url", "uri", "endpoint"]) else {
            return false;
        };
        let method = string(arguments, &["method", "http_method"]).unwrap_or("");
        let body = argument(arguments, "body")
            .map(|b| b.as_str().map_or_else(|| b.to_string(), str::to_owned));
        self.judge_request(method, url, body.as_deref(), false);
        true
    }

    fn argument_target(&self, arguments: &Value) -> Target {
        let facets = TARGETS
            .iter()
            .filter_map(|(name, facet)| {
                Some((
                    (*facet).to_owned(),
                    argument(arguments, name)?.as_str()?.to_owned(),
                ))
            })
            .collect();
        resolve(facets, self.context.targets())
    }

    /// A tool of which only the name tells.
    fn judge_tool_name(&mut self, tool: &str, words: &str, arguments: &Value) {
        const READS: &[&str] = &[
            "get",
            "list",
            "read",
            "search",
            "find",
            "describe",
            "show",
            "view",
            "fetch",
            "grep",
            "glob",
            "ls",
            "count",
            "check",
            "inspect",
            "lookup",
            "browse",
            "explain",
            "todo",
            "task",
            "webfetch",
            "websearch",
            "plan",
        ];
        const DESTROYS: &[&str] = &[
            "delete",
            "destroy",
            "remove",
            "drop",
            "purge",
            "terminate",
            "wipe",
            "truncate",
            "reset",
            "revoke",
            "uninstall",
            "archive",
            "flush",
            "erase",
            "deprovision",
            "teardown",
            "rollback",
            "force",
        ];
        const DISRUPTS: &[&str] = &[
            "stop", "restart", "reboot", "shutdown", "scale", "drain", "failover", "pause",
            "suspend", "kill", "cancel", "disable", "detach",
        ];
        const OPAQUE: &[&str] = &[
            "run", "execute", "exec", "apply", "deploy", "invoke", "call", "eval", "sync", "merge",
            "publish", "promote", "migrate", "restore",
        ];
        let has = |list: &[&str]| has_word(words, list);
        let (verb, danger, reason) = if has(DESTROYS) {
            (
                Verb::Delete,
                Danger::Destructive,
                "a tool named for taking something away",
            )
        } else if has(DISRUPTS) {
            (
                Verb::Disrupt,
                Danger::Destructive,
                "a tool named for stopping something",
            )
        } else if has(READS) {
            return;
        } else if has(OPAQUE) {
            self.reading
                .unknowns
                .push(format!("what the tool `{tool}` does"));
            (
                Verb::Unknown,
                Danger::UnknownCouldDestroy,
                "a tool that runs or applies what its arguments do not tell",
            )
        } else {
            (
                Verb::Update,
                Danger::None,
                "a tool that may change something",
            )
        };
        let target = self.argument_target(arguments);
        self.record(
            &Found {
                verb,
                kind: "tool call",
                object: tool,
                danger,
                reason,
            },
            Scope::Service,
            target,
        );
    }
}
