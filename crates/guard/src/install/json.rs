//! Entries added to and taken from JSON text, every other byte kept.

use serde_json::{Value, json};

use super::text::{TIMEOUT, pretty};
use super::{InstallError, is_ours};
use crate::agent::Agent;

/// Our hook's name where hooks have names.
const OWN_NAME: &str = "countersign-guard";

/// How deep a configuration may nest.
const MAX_DEPTH: usize = 64;

/// A value and where it stands.
#[derive(Debug)]
struct Node {
    start: usize,
    end: usize,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Object(Vec<(String, Node)>),
    Array(Vec<Node>),
    Plain,
}

/// Where an agent's entries go and what they are.
fn entries(agent: Agent, command: &str) -> Vec<(Vec<&'static str>, Value)> {
    let claude = |matcher: Value, more: Value| {
        let mut hook = json!({ "type": "command", "command": command });
        merge(&mut hook, more);
        let mut group = json!({});
        merge(&mut group, matcher);
        merge(&mut group, json!({ "hooks": [hook] }));
        group
    };
    match agent {
        Agent::ClaudeCode => vec![(
            vec!["hooks", "PreToolUse"],
            claude(
                json!({ "matcher": "*" }),
                json!({ "timeout": TIMEOUT, "onFailure": "block" }),
            ),
        )],
        Agent::Codex => vec![(
            vec!["hooks", "PreToolUse"],
            claude(json!({}), json!({ "timeout": TIMEOUT })),
        )],
        Agent::GeminiCli => vec![(
            vec!["hooks", "BeforeTool"],
            claude(
                json!({ "matcher": ".*" }),
                json!({ "name": "countersign-guard", "timeout": TIMEOUT * 1000 }),
            ),
        )],
        // Each event once: a call that was judged twice would use a pass up twice.
        Agent::Cursor => ["beforeShellExecution", "beforeMCPExecution"]
            .into_iter()
            .map(|event| {
                (
                    vec!["hooks", event],
                    json!({ "command": command, "failClosed": true }),
                )
            })
            .chain([(
                vec!["hooks", "preToolUse"],
                json!({ "command": command, "matcher": "Write|Edit|Delete", "failClosed": true }),
            )])
            .collect(),
        Agent::Windsurf => ["pre_run_command", "pre_mcp_tool_use", "pre_write_code"]
            .into_iter()
            .map(|event| {
                (
                    vec!["hooks", event],
                    json!({ "command": command, "show_output": true }),
                )
            })
            .collect(),
        // Every top-level name is a hook of its own; strict JSON, whole numbers.
        Agent::Antigravity => vec![(
            vec![OWN_NAME, "PreToolUse"],
            claude(json!({ "matcher": "*" }), json!({ "timeout": TIMEOUT })),
        )],
        _ => vec![(
            vec!["hooks", "PreToolUse"],
            claude(json!({ "matcher": "*" }), json!({ "timeout": TIMEOUT })),
        )],
    }
}

fn merge(into: &mut Value, more: Value) {
    if let (Value::Object(into), Value::Object(more)) = (into, more) {
        into.extend(more);
    }
}

pub(super) fn add(
    agent: Agent,
    before: Option<&str>,
    command: &str,
    comments: bool,
) -> Result<String, InstallError> {
    let mut text = match before.filter(|text| !text.trim().is_empty()) {
        Some(text) => text.to_owned(),
        None if agent == Agent::Cursor => "{\n  \"version\": 1\n}\n".to_owned(),
        None => "{}\n".to_owned(),
    };
    for (path, entry) in entries(agent, command) {
        text = put(&text, &path, &entry, agent, comments)?;
    }
    Ok(text)
}

/// An agent of Kiro before version 3, or of Amazon Q.
pub(super) fn add_kiro_agent(
    agent: Agent,
    before: Option<&str>,
    command: &str,
) -> Result<String, InstallError> {
    let text = before
        .filter(|text| !text.trim().is_empty())
        .unwrap_or("{\n  \"name\": \"default\",\n  \"tools\": [\"*\"]\n}\n");
    let entry = json!({ "matcher": "*", "command": command, "timeout_ms": TIMEOUT * 1000 });
    put(text, &["hooks", "preToolUse"], &entry, agent, false)
}

/// Appends an entry to the list at a path, making what is missing on the way; an
/// entry of ours that is there already is replaced where it stands.
fn put(
    text: &str,
    path: &[&str],
    entry: &Value,
    agent: Agent,
    comments: bool,
) -> Result<String, InstallError> {
    let root = parse(text, comments)?;
    let mut node = &root;
    for (depth, name) in path.iter().enumerate() {
        let Kind::Object(fields) = &node.kind else {
            return Err(InstallError::Shape(
                path.get(..depth).unwrap_or_default().join("."),
            ));
        };
        match fields.iter().rev().find(|(known, _)| known == name) {
            Some((_, value)) => node = value,
            None => {
                let mut value = Value::Array(vec![entry.clone()]);
                for outer in path.get(depth + 1..).unwrap_or_default().iter().rev() {
                    value = json!({ *outer: value });
                }
                let key = Value::String((*name).to_owned());
                return Ok(insert(
                    text,
                    node,
                    &format!("{key}: "),
                    &value,
                    fields.last().map(|(_, it)| it),
                ));
            }
        }
    }
    let Kind::Array(items) = &node.kind else {
        return Err(InstallError::Shape(path.join(".")));
    };
    let ours = items.iter().find(|item| is_ours(slice(text, item), agent));
    match ours {
        Some(item)
            if serde_json::from_str::<Value>(slice(text, item))
                .ok()
                .as_ref()
                == Some(entry) =>
        {
            Ok(text.to_owned())
        }
        Some(item) => {
            let depth = depth_of(text, item.start);
            let new = indented(entry, &unit(text), depth);
            Ok(splice(text, item.start, item.end, &new))
        }
        None => Ok(insert(text, node, "", entry, items.last())),
    }
}

pub(super) fn remove(text: &str, agent: Agent, comments: bool) -> Result<String, InstallError> {
    let mut text = text.to_owned();
    // One at a time: each removal moves what comes after it.
    while let Some((start, end)) = find_ours(&parse(&text, comments)?, &text, agent) {
        text = cut(&text, start, end);
    }
    Ok(text)
}

/// The innermost list entry of ours that is an entry of `hooks`.
fn find_ours(root: &Node, text: &str, agent: Agent) -> Option<(usize, usize)> {
    let Kind::Object(fields) = &root.kind else {
        return None;
    };
    let homes = fields
        .iter()
        .filter(|(name, _)| name == "hooks" || name == OWN_NAME);
    let events = homes.filter_map(|(_, home)| match &home.kind {
        Kind::Object(events) => Some(events),
        _ => None,
    });
    events.flatten().find_map(|(_, list)| {
        let Kind::Array(items) = &list.kind else {
            return None;
        };
        let item = items
            .iter()
            .find(|item| is_ours(slice(text, item), agent))?;
        // A group that others share keeps their part.
        if let Kind::Object(fields) = &item.kind
            && let Some((_, inner)) = fields.iter().find(|(name, _)| name == "hooks")
            && let Kind::Array(hooks) = &inner.kind
            && hooks.len() > 1
        {
            let hook = hooks
                .iter()
                .find(|hook| is_ours(slice(text, hook), agent))?;
            return Some((hook.start, hook.end));
        }
        Some((item.start, item.end))
    })
}

pub(super) fn command_in(text: &str, agent: Agent) -> Option<String> {
    let root = parse(text, true).ok()?;
    fn find(node: &Node, text: &str, agent: Agent) -> Option<String> {
        match &node.kind {
            Kind::Object(fields) => fields
                .iter()
                .find_map(|(_, value)| find(value, text, agent)),
            Kind::Array(items) => items.iter().find_map(|item| find(item, text, agent)),
            Kind::Plain => {
                let command: String = serde_json::from_str(slice(text, node)).ok()?;
                is_ours(&command, agent).then_some(command)
            }
        }
    }
    find(&root, text, agent)
}

pub(super) fn switched_off(text: &str) -> Option<&'static str> {
    let root = parse(text, true).ok()?;
    let is = |node: &Node, path: &[&str], wanted: &str| {
        let mut node = node;
        for name in path {
            let Kind::Object(fields) = &node.kind else {
                return false;
            };
            match fields.iter().rev().find(|(known, _)| known == name) {
                Some((_, value)) => node = value,
                None => return false,
            }
        }
        slice(text, node) == wanted
    };
    if is(&root, &["disableAllHooks"], "true") {
        return Some("`disableAllHooks` switches hooks off");
    }
    if is(&root, &["hooksConfig", "enabled"], "false")
        || is(&root, &["tools", "enableHooks"], "false")
    {
        return Some("the settings switch hooks off");
    }
    if is(&root, &[OWN_NAME, "enabled"], "false") {
        return Some("the hook is there but not enabled");
    }
    let Kind::Object(fields) = &root.kind else {
        return None;
    };
    let (_, hooks) = fields.iter().find(|(name, _)| name == "hooks")?;
    match &hooks.kind {
        Kind::Array(items) if items.iter().any(|item| is(item, &["enabled"], "false")) => {
            Some("the hook is there but not enabled")
        }
        _ => None,
    }
}

fn slice<'t>(text: &'t str, node: &Node) -> &'t str {
    text.get(node.start..node.end).unwrap_or("")
}

fn splice(text: &str, start: usize, end: usize, new: &str) -> String {
    format!(
        "{}{new}{}",
        text.get(..start).unwrap_or(""),
        text.get(end..).unwrap_or("")
    )
}

/// Puts a member after the last one of a container, in the style of the file.
fn insert(text: &str, container: &Node, key: &str, value: &Value, last: Option<&Node>) -> String {
    let unit = unit(text);
    let depth = depth_of(text, container.start);
    let one_line = last.is_some() && !slice(text, container).contains('\n');
    let line_end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let inner = unit.repeat(depth + 1);
    let outer = unit.repeat(depth);
    match last {
        Some(last) if one_line => splice(text, last.end, last.end, &format!(", {key}{value}")),
        Some(last) => {
            let new = indented(value, &unit, depth + 1).replace('\n', line_end);
            let after = text.get(last.end..container.end).unwrap_or("");
            // A comma that is there already (where the agent allows one) is used.
            match after.trim_start().strip_prefix(',') {
                Some(rest) => {
                    let at = container.end - rest.len();
                    splice(text, at, at, &format!("{line_end}{inner}{key}{new}"))
                }
                None => splice(
                    text,
                    last.end,
                    last.end,
                    &format!(",{line_end}{inner}{key}{new}"),
                ),
            }
        }
        None => {
            let new = indented(value, &unit, depth + 1).replace('\n', line_end);
            // Whatever stands in an empty container (a comment, perhaps) stays.
            let inside = text
                .get(container.start + 1..container.end - 1)
                .unwrap_or("");
            let kept = inside.trim_end();
            splice(
                text,
                container.start + 1,
                container.end - 1,
                &format!("{kept}{line_end}{inner}{key}{new}{line_end}{outer}"),
            )
        }
    }
}

/// Cuts a member out with the comma and the space that belong to it.
fn cut(text: &str, start: usize, end: usize) -> String {
    let before = text.get(..start).unwrap_or("");
    let after = text.get(end..).unwrap_or("");
    let trimmed = before.trim_end();
    if let Some(head) = trimmed.strip_suffix(',') {
        return format!("{head}{after}");
    }
    match after.trim_start().strip_prefix(',') {
        Some(rest) => format!("{before}{}", rest.trim_start()),
        None => format!("{trimmed}{}", after.trim_start()),
    }
}

/// The file's unit of indentation: that of its first indented line.
fn unit(text: &str) -> String {
    text.lines()
        .map(|line| {
            line.get(..line.len() - line.trim_start_matches([' ', '\t']).len())
                .unwrap_or("")
        })
        .find(|indent| !indent.is_empty())
        .map_or_else(
            || "  ".to_owned(),
            |indent| indent.chars().take(8).collect(),
        )
}

/// How many units the line of a place is indented by.
fn depth_of(text: &str, at: usize) -> usize {
    let line_start = text
        .get(..at)
        .and_then(|head| head.rfind('\n'))
        .map_or(0, |end| end + 1);
    let line = text.get(line_start..).unwrap_or("");
    let indent = line.len() - line.trim_start_matches([' ', '\t']).len();
    indent / unit(text).len().max(1)
}

fn indented(value: &Value, unit: &str, depth: usize) -> String {
    let text = pretty(value, unit);
    text.trim_end()
        .replace('\n', &format!("\n{}", unit.repeat(depth)))
}

fn parse(text: &str, comments: bool) -> Result<Node, InstallError> {
    let mut parser = Parser {
        text,
        at: usize::from(text.starts_with('\u{feff}')) * 3,
        comments,
    };
    let node = parser.value(0)?;
    parser.space()?;
    if parser.at < text.len() {
        return Err(parser.error("something follows the value"));
    }
    // The independent reader has the last word where no comments are.
    if !comments && serde_json::from_str::<Value>(text.trim_start_matches('\u{feff}')).is_err() {
        return Err(parser.error("it is not JSON"));
    }
    match node.kind {
        Kind::Object(_) => Ok(node),
        _ => Err(InstallError::Shape("the file".to_owned())),
    }
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
    comments: bool,
}

impl<'t> Parser<'t> {
    fn error(&self, what: &'static str) -> InstallError {
        let before = self.text.get(..self.at).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |end| end + 1);
        InstallError::Json {
            line: before.matches('\n').count() + 1,
            column: before.get(line_start..).unwrap_or("").chars().count() + 1,
            what,
        }
    }

    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn space(&mut self) -> Result<(), InstallError> {
        loop {
            let rest = self.rest();
            let trimmed = rest.trim_start_matches([' ', '\t', '\r', '\n']);
            self.at += rest.len() - trimmed.len();
            if !trimmed.starts_with("//") && !trimmed.starts_with("/*") {
                return Ok(());
            }
            if !self.comments {
                return Err(self.error("this agent reads no comments"));
            }
            let (end, extra) = if trimmed.starts_with("//") {
                ("\n", 0)
            } else {
                ("*/", 2)
            };
            match trimmed.find(end) {
                Some(length) => self.at += length + extra,
                None if end == "\n" => self.at = self.text.len(),
                None => return Err(self.error("a comment does not end")),
            }
        }
    }

    fn value(&mut self, depth: usize) -> Result<Node, InstallError> {
        if depth > MAX_DEPTH {
            return Err(self.error("it nests too deeply"));
        }
        self.space()?;
        let start = self.at;
        let kind = match self.peek() {
            Some('{') => self.object(depth)?,
            Some('[') => self.array(depth)?,
            Some('"') => {
                self.string()?;
                Kind::Plain
            }
            _ => {
                let rest = self.rest();
                let length = rest
                    .find(|c: char| !(c.is_ascii_alphanumeric() || "+-.".contains(c)))
                    .unwrap_or(rest.len());
                let word = rest.get(..length).unwrap_or("");
                if serde_json::from_str::<Value>(word).is_err() {
                    return Err(self.error("a value is expected"));
                }
                self.at += length;
                Kind::Plain
            }
        };
        Ok(Node {
            start,
            end: self.at,
            kind,
        })
    }

    fn string(&mut self) -> Result<String, InstallError> {
        let rest = self.rest();
        let mut escaped = false;
        for (place, c) in rest.char_indices().skip(1) {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '"' => {
                    let raw = rest.get(..=place).unwrap_or("");
                    let found =
                        serde_json::from_str(raw).map_err(|_| self.error("a text is wrong"))?;
                    self.at += place + 1;
                    return Ok(found);
                }
                '\n' => break,
                _ => {}
            }
        }
        Err(self.error("a text does not end"))
    }

    fn object(&mut self, depth: usize) -> Result<Kind, InstallError> {
        let mut fields = Vec::new();
        self.at += 1;
        loop {
            self.space()?;
            match self.peek() {
                Some('}') if fields.is_empty() || self.comments => break,
                Some('"') => {}
                _ => return Err(self.error("a name or `}` is expected")),
            }
            let name = self.string()?;
            self.space()?;
            if self.peek() != Some(':') {
                return Err(self.error("`:` is expected"));
            }
            self.at += 1;
            fields.push((name, self.value(depth + 1)?));
            self.space()?;
            match self.peek() {
                Some(',') => self.at += 1,
                Some('}') => break,
                _ => return Err(self.error("`,` or `}` is expected")),
            }
        }
        self.at += 1;
        Ok(Kind::Object(fields))
    }

    fn array(&mut self, depth: usize) -> Result<Kind, InstallError> {
        let mut items = Vec::new();
        self.at += 1;
        loop {
            self.space()?;
            if self.peek() == Some(']') && (items.is_empty() || self.comments) {
                break;
            }
            items.push(self.value(depth + 1)?);
            self.space()?;
            match self.peek() {
                Some(',') => self.at += 1,
                Some(']') => break,
                _ => return Err(self.error("`,` or `]` is expected")),
            }
        }
        self.at += 1;
        Ok(Kind::Array(items))
    }
}
