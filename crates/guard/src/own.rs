//! The guard's own directory, and files that act by themselves later.
//!
//! What each known command does to each path is read elsewhere. Here it does not
//! matter which program it is: nobody but Countersign itself has anything to write
//! in the guard's directory, so whatever names it and does not merely look is
//! refused. Files that a shell, git or the system runs by itself, in the name of
//! the user and outside of any hook, are held.

use std::collections::HashSet;

use countersign_core::effect::{Effect, Environment, StateLoss, Verb};
use countersign_effects::command::{
    Context, Danger, Finding, MAX_LENGTH, Node, Reading, Scope, command_texts, judge_tool_call,
    normalise, tool_name,
};
use countersign_effects::shell::glob_match;
use countersign_effects::target::Target;
use serde_json::Value;

/// What a call touches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Touched {
    /// The guard's own directory.
    Guard,
    /// A file that acts by itself later: its path.
    Later(String),
}

/// Below the home directory.
const GUARD: &str = ".countersign";
/// On the machine.
const GUARD_OF_MACHINE: &str = "/etc/countersign";

/// Files and directories (with a slash at the end) that act by themselves, below
/// the home directory; in lower case.
const LATER_AT_HOME: &[&str] = &[
    ".bash_aliases",
    ".bash_login",
    ".bash_logout",
    ".bash_profile",
    ".bashrc",
    ".config/autostart/",
    ".config/environment.d/",
    ".config/fish/",
    ".config/git/",
    ".config/systemd/user/",
    ".gitconfig",
    ".pam_environment",
    ".profile",
    ".ssh/environment",
    ".ssh/rc",
    ".xinitrc",
    ".xprofile",
    ".xsessionrc",
    ".zlogin",
    ".zlogout",
    ".zprofile",
    ".zshenv",
    ".zshrc",
    "library/launchagents/",
];
/// The same on the machine.
const LATER: &[&str] = &[
    "/etc/bash.bashrc",
    "/etc/crontab",
    "/etc/cron.d/",
    "/etc/cron.daily/",
    "/etc/cron.hourly/",
    "/etc/environment",
    "/etc/gitconfig",
    "/etc/ld.so.preload",
    "/etc/profile",
    "/etc/profile.d/",
    "/etc/systemd/",
    "/etc/zsh/",
    "/var/spool/cron/",
];
/// The same in every repository.
const LATER_IN_GIT: &[&str] = &["/.git/config", "/.git/config.worktree"];

/// Programs that only look at the files they are given. `git` and `gh` take them
/// as text in these of their commands.
const READERS: &[&str] = &[
    "[",
    "[[",
    "cat",
    "cmp",
    "countersign",
    "diff",
    "du",
    "echo",
    "egrep",
    "fgrep",
    "file",
    "grep",
    "head",
    "jq",
    "less",
    "ls",
    "md5sum",
    "more",
    "printf",
    "readlink",
    "realpath",
    "sha256sum",
    "stat",
    "tail",
    "test",
    "tree",
    "wc",
];
const TEXT_FOR_GIT: &[&str] = &["add", "commit", "status", "tag"];
/// Besides, what reads a shell's own files.
const SHELL_READERS: &[&str] = &["source", "."];
/// How words begin in the names of tools that only look, and words that say that a
/// tool does not.
const LOOKING: &[&str] = &["read", "grep", "glob", "search", "list", "view", "fetch"];
const CHANGING: &[&str] = &[
    "append", "copy", "create", "delete", "edit", "insert", "move", "patch", "put", "remove",
    "rename", "replace", "save", "set", "update", "upload", "write",
];
/// Arguments that hold text for a file or a person, no path.
const TEXT: &[&str] = &[
    "body",
    "content",
    "contents",
    "description",
    "file_text",
    "insert_text",
    "message",
    "new_source",
    "new_str",
    "new_string",
    "old_str",
    "old_string",
    "prompt",
    "query",
    "text",
];

/// Nodes show no more than this of a command, in characters.
const CUT: usize = 399;
/// The most paths of one call that are looked up for symbolic links.
const MAX_LINKS: usize = 256;
/// The longest path looked at, in bytes.
const MAX_PATH: usize = 4096;

/// What of the guard, or of what acts later, a call touches in another way than
/// by looking at it.
fn touched(tool: &str, input: &Value, reading: &Reading, context: &dyn Context) -> Option<Touched> {
    let places = Places::new(context);
    let mut look = Look {
        places: &places,
        later: None,
        links: 0,
    };
    let guard = look.command(tool, input, reading) || look.arguments(tool, input);
    match look.later {
        _ if guard => Some(Touched::Guard),
        Some(path) => Some(Touched::Later(path)),
        None => None,
    }
}

/// Reads a call: what it would do, and what of the guard it touches. The effects
/// include that on files that act by themselves later.
#[must_use]
pub fn judge_call(tool: &str, input: &Value, context: &dyn Context) -> (Reading, Option<Touched>) {
    let mut reading = judge_tool_call(tool, input, context);
    let own = touched(tool, input, &reading, context);
    if let Some(Touched::Later(path)) = &own {
        reading.findings.push(later(path));
    }
    (reading, own)
}

/// A file that acts by itself later, as an effect: nobody can tell what it will do.
fn later(path: &str) -> Finding {
    Finding {
        effect: Effect {
            verb: Verb::Update,
            kind: "startup file".to_owned(),
            object: path.to_owned(),
            environment: Environment::Local,
            state: StateLoss::None,
            reasons: vec!["runs by itself later, where no hook sees it".to_owned()],
            witness: path.to_owned(),
        },
        danger: Danger::UnknownCouldDestroy,
        scope: Scope::Machine,
        target: Target::machine(),
    }
}

/// Where things are on this machine; everything in lower case, since some file
/// systems do not tell the two apart.
struct Places<'c> {
    context: &'c dyn Context,
    home: Option<String>,
    cwd: Option<String>,
    /// Home, and what it really is.
    homes: Vec<String>,
}

impl<'c> Places<'c> {
    fn new(context: &'c dyn Context) -> Self {
        let home = context.home().map(str::to_owned);
        let mut homes: Vec<String> = home.iter().map(|it| normalise(it)).collect();
        homes.extend(home.as_deref().and_then(|it| context.real(it)));
        homes.iter_mut().for_each(|it| it.make_ascii_lowercase());
        Self {
            context,
            cwd: context.cwd().map(str::to_owned),
            home,
            homes,
        }
    }

    /// The absolute path that a word of a shell stands for; what it fills in
    /// itself is `*`.
    fn absolute(&self, word: &str) -> Option<String> {
        let word = word.strip_prefix("file://").unwrap_or(word);
        let word = match &self.home {
            Some(home) => word.replace("${HOME}", home).replace("$HOME", home),
            None => word.to_owned(),
        };
        let word = holes(&word);
        if word.starts_with('/') {
            return Some(normalise(&word));
        }
        if let Some(rest) = word.strip_prefix('~') {
            let (user, rest) = rest.split_once('/').unwrap_or((rest, ""));
            let home = self.home.as_deref()?;
            let own = user.is_empty() || home.rsplit('/').next() == Some(user);
            return own.then(|| normalise(&format!("{home}/{rest}")));
        }
        let cwd = self.cwd.as_deref()?;
        (!word.starts_with('*')).then(|| normalise(&format!("{cwd}/{word}")))
    }

    fn what(&self, path: &str) -> Option<Touched> {
        let lower = path.to_ascii_lowercase();
        let below = |home: &String| lower.strip_prefix(home.as_str())?.strip_prefix('/');
        let machine = lower == GUARD_OF_MACHINE || lower.starts_with("/etc/countersign/");
        if machine || self.homes.iter().filter_map(below).any(in_guard) {
            return Some(Touched::Guard);
        }
        let mut at_home = self.homes.iter().filter_map(below);
        let later = at_home.any(|rest| LATER_AT_HOME.iter().any(|it| is_at(rest, it)))
            || LATER.iter().any(|it| is_at(&lower, it))
            || LATER_IN_GIT.iter().any(|it| lower.ends_with(it));
        later.then(|| Touched::Later(path.to_owned()))
    }
}

/// Whether a path, which may be a pattern, leads into the guard's directory.
fn in_guard(rest: &str) -> bool {
    let mut parts = rest.split('/');
    let first = parts.next().unwrap_or_default();
    if first == GUARD {
        return true;
    }
    let literal = first.chars().filter(|c| !"*?".contains(*c)).count();
    first.contains(['*', '?'])
        && glob_match(first, GUARD)
        // `~/.*` is everything that is hidden; more than that means this.
        && (literal >= 3 || parts.next() == Some("guard"))
}

fn is_at(path: &str, known: &str) -> bool {
    if known.ends_with('/') {
        path.starts_with(known)
    } else {
        path == known
    }
}

/// A word with everything that the shell fills in replaced by `*`.
fn holes(word: &str) -> String {
    let mut out = String::with_capacity(word.len());
    let mut chars = word.chars().peekable();
    while let Some(c) = chars.next() {
        let end = match (c, chars.peek()) {
            ('$', Some('{')) | ('{', _) => Some('}'),
            ('[', _) => Some(']'),
            ('…', _) => None,
            ('$', _) => {
                while chars
                    .next_if(|c| c.is_alphanumeric() || *c == '_')
                    .is_some()
                {}
                None
            }
            _ => {
                out.push(c);
                continue;
            }
        };
        if let Some(end) = end {
            while chars.next().is_some_and(|c| c != end) {}
        }
        if !out.ends_with('*') {
            out.push('*');
        }
    }
    out
}

/// One call that is looked through.
struct Look<'p> {
    places: &'p Places<'p>,
    later: Option<String>,
    links: usize,
}

impl Look<'_> {
    /// Whether a word leads to the guard. What acts later is noted.
    fn leads_there(&mut self, word: &str) -> bool {
        if word.is_empty() || word.len() > MAX_PATH {
            return false;
        }
        let Some(path) = self.places.absolute(word) else {
            return false;
        };
        let mut found = self.places.what(&path);
        if found.is_none() && word.contains('/') && self.links < MAX_LINKS {
            self.links += 1;
            let real = self.places.context.real(&path);
            found = real.and_then(|real| self.places.what(&real));
        }
        match found {
            Some(Touched::Guard) => true,
            Some(Touched::Later(path)) => {
                self.later.get_or_insert(path);
                false
            }
            None => false,
        }
    }

    fn command(&mut self, tool: &str, input: &Value, reading: &Reading) -> bool {
        if reading.tree.iter().any(|node| self.node(node, tool)) {
            return true;
        }
        let cut = reading.tree.iter().any(has_cut_node);
        let mut guard = false;
        for text in command_texts(input) {
            let bare = unquoted(text);
            if text.len() > MAX_LENGTH {
                // It is held as too long; that it names the guard is enough to refuse it.
                let lower = bare.to_ascii_lowercase();
                guard |= [GUARD, GUARD_OF_MACHINE]
                    .iter()
                    .any(|it| lower.contains(it));
                continue;
            }
            let mut seen = HashSet::new();
            for (word, before) in words(&bare) {
                // What is written to, and what variables are set to, is in no node.
                if (cut || matches!(before, Some('>' | '='))) && seen.insert(word) {
                    guard |= self.leads_there(word);
                }
            }
        }
        guard
    }

    fn node(&mut self, node: &Node, tool: &str) -> bool {
        let mut plain = node.command.split_whitespace();
        let program = plain.next().unwrap_or_default();
        let program = program.trim_matches(['\'', '"']);
        let program = program.rsplit('/').next().unwrap_or(program);
        let first = plain.next().unwrap_or_default();
        let looks = READERS.contains(&program)
            || program == "gh"
            || program == "git" && TEXT_FOR_GIT.contains(&first);
        let is_shell = node.command == tool || !node.children.is_empty();
        if !looks && !is_shell {
            let later = self.later.clone();
            let bare = unquoted(&node.command);
            let mut guard = false;
            for (word, _) in words(&bare) {
                guard |= self.leads_there(word);
            }
            if SHELL_READERS.contains(&program) {
                self.later = later;
            }
            if guard {
                return true;
            }
        }
        node.children.iter().any(|child| self.node(child, tool))
    }

    /// The arguments of a tool that is no shell.
    fn arguments(&mut self, tool: &str, input: &Value) -> bool {
        let commands: Vec<&str> = command_texts(input).collect();
        match input {
            _ if only_looks(tool) => false,
            // The commands were looked at as such; beside one, a path is a path
            // (`{"command": "create", "path": …}`).
            Value::Object(fields) if !commands.is_empty() => fields
                .iter()
                .filter(|(name, _)| !TEXT.contains(&name.as_str()))
                .filter(|(_, item)| item.as_str().is_none_or(|text| !commands.contains(&text)))
                .any(|(_, item)| self.value(item)),
            input => self.value(input),
        }
    }

    fn value(&mut self, value: &Value) -> bool {
        match value {
            Value::String(text) if text.contains("*** Begin Patch") => {
                let mut paths = text.lines().filter_map(|line| {
                    let rest = line.trim().strip_prefix("*** ")?;
                    rest.split_once(": ").map(|(_, path)| path.trim())
                });
                paths.any(|path| self.leads_there(path))
            }
            Value::String(text) if !text.contains('\n') => self.leads_there(text.trim()),
            Value::Array(items) => items.iter().any(|item| self.value(item)),
            Value::Object(fields) => fields
                .iter()
                .filter(|(name, _)| !TEXT.contains(&name.as_str()))
                .any(|(_, item)| self.value(item)),
            _ => false,
        }
    }
}

/// Whether a tool only looks, by its name alone. A server's own name in front of
/// it says nothing.
fn only_looks(tool: &str) -> bool {
    let name = tool_name(tool);
    let mut split = String::with_capacity(name.len() + 4);
    for c in name.chars() {
        if c.is_ascii_uppercase() {
            split.push(' ');
        }
        split.push(c.to_ascii_lowercase());
    }
    let words: Vec<&str> = split
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    let looks = |word: &&str| match *word {
        word if word.starts_with("stat") => matches!(word, "stat" | "stats"),
        word if word.starts_with("web") => word.ends_with("fetch") || word.ends_with("search"),
        word => LOOKING.iter().any(|look| word.starts_with(look)),
    };
    words.iter().any(looks) && !words.iter().any(|word| CHANGING.contains(word))
}

fn has_cut_node(node: &Node) -> bool {
    node.command.chars().count() >= CUT || node.children.iter().any(has_cut_node)
}

/// Without the marks that a shell takes away.
fn unquoted(text: &str) -> String {
    text.replace(['\'', '"', '\\'], "")
}

/// The words of a text that could be paths, and what stands right before each.
fn words(text: &str) -> impl Iterator<Item = (&str, Option<char>)> {
    let mut depth = 0_usize;
    let mut before = None;
    text.split_inclusive(move |c: char| {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c.is_whitespace() || is_between(c) || c == ',' && depth == 0
    })
    .filter_map(move |piece| {
        let last = piece.chars().next_back();
        let cut = last.filter(|c| c.is_whitespace() || is_between(*c) || *c == ',');
        let word = cut.map_or(piece, |c| piece.strip_suffix(c).unwrap_or(piece));
        if word.is_empty() {
            // `> file`, `>| file`: spaces and the rest of the sign change nothing.
            if let Some(c) = cut.filter(|c| !c.is_whitespace() && *c != '|' && *c != '&') {
                before = Some(c);
            }
            return None;
        }
        let found = (word, before);
        before = cut.filter(|c| !c.is_whitespace());
        Some(found)
    })
}

const fn is_between(c: char) -> bool {
    matches!(
        c,
        '=' | ';' | '|' | '&' | '<' | '>' | '(' | ')' | '`' | ':' | '@'
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_effects::command::Facts;
    use serde_json::json;

    fn place() -> Facts {
        Facts {
            cwd: Some("/home/dev/shop".to_owned()),
            home: Some("/home/dev".to_owned()),
            project_root: Some("/home/dev/shop".to_owned()),
            ..Facts::default()
        }
    }

    fn of(tool: &str, input: &Value) -> Option<Touched> {
        let place = place();
        judge_call(tool, input, &place).1
    }

    #[test]
    fn whatever_names_the_guard_and_does_not_look_touches_it() {
        for command in [
            "sort -o ~/.countersign/guard/x a",
            "awk 'BEGIN{print \"x\" > \"/home/dev/.countersign/guard/rules/a\"}'",
            "git archive HEAD -o ../.countersign/guard/a",
            "git -C ~/.countersign/guard init",
            "GIT_DIR=~/.countersign/guard git init",
            "find . -exec cp x ~/.countersign/guard/rules/ \\;",
            "cd ~/.countersign && cd guard && touch a",
            "cd ~/.count* ; touch guard/x",
            "echo x > ~/.c?untersign/guard/rules/a",
            "echo x > ~/.{countersign,x}/guard/a",
            "echo x >| \"$HOME\"/.counter''sign/guard/a",
            "echo x > ~/$D/guard/a",
            "CDPATH=~/.countersign cd guard && touch x",
            "touch ~/.Countersign/Guard/spent/x",
            "unknown-tool --out=/etc/countersign/guard.rules",
            "vim -c 'w! ~/.countersign/guard/x' a",
        ] {
            let input = json!({ "command": command });
            assert_eq!(of("Bash", &input), Some(Touched::Guard), "{command}");
        }
    }

    #[test]
    fn what_is_too_long_to_read_and_names_it_touches_it() {
        let long = format!("echo {}", "x ".repeat(MAX_LENGTH));
        assert_eq!(of("Bash", &json!({ "command": long })), None);
        let long = format!("{long}; touch ~/.Counter''sign/guard/x");
        let found = of("Bash", &json!({ "command": long }));
        assert_eq!(found, Some(Touched::Guard));
    }

    #[test]
    fn looking_and_talking_about_it_is_free() {
        for command in [
            "cat ~/.countersign/guard/log/decisions.jsonl | head",
            "ls -la ~/.countersign/guard",
            "git commit -m 'about ~/.countersign/guard'",
            "echo see ~/.countersign/guard",
            "cp ~/.* /backup",
            "touch .countersign/policy.toml",
            "source ~/.bashrc",
            "cat ~/.bashrc",
            "cat .git/config",
            "cargo build --target-dir=target",
        ] {
            assert_eq!(
                of("Bash", &json!({ "command": command })),
                None,
                "{command}"
            );
        }
        for (tool, input) in [
            (
                "Read",
                json!({"file_path": "/home/dev/.countersign/guard/x"}),
            ),
            (
                "Write",
                json!({"file_path": "a.md", "content": "~/.countersign/guard"}),
            ),
            (
                "Edit",
                json!({"file_path": "a", "old_string": "~/.bashrc", "new_string": "x"}),
            ),
        ] {
            assert_eq!(of(tool, &input), None, "{tool}");
        }
    }

    #[test]
    fn names_of_tools_that_only_look() {
        for tool in [
            "Read",
            "WebFetch",
            "Grep",
            "LS_list",
            "mcp__fs__read_file",
            "readFile",
            "list_files",
            "view",
            "mcp__x__get_stats",
            "websearch",
        ] {
            assert!(only_looks(tool), "{tool}");
        }
        for tool in [
            "Write",
            "mcp__reader__write_file",
            "update_status",
            "state",
            "spreadsheet",
            "Edit",
            "read_write_file",
            "post_thread",
            "mcp__list__do",
            "@list/do",
            "create_listing",
            "bash",
        ] {
            assert!(!only_looks(tool), "{tool}");
        }
    }

    #[test]
    fn every_argument_that_is_a_path_counts() {
        for (tool, input) in [
            (
                "str_replace_based_edit_tool",
                json!({"command": "create", "path": "/etc/countersign/x", "file_text": "a"}),
            ),
            (
                "mcp__fs__move_file",
                json!({"source": "/tmp/x", "destination": "/home/dev/.countersign/guard/rules/a"}),
            ),
            (
                "mcp__x__do",
                json!({"args": {"nested": ["~/.countersign/guard/rules/a"]}}),
            ),
            (
                "apply_patch",
                json!({"command": ["apply_patch", "*** Begin Patch\n*** Add File: ../.countersign/guard/a\n+x\n*** End Patch"]}),
            ),
        ] {
            assert_eq!(of(tool, &input), Some(Touched::Guard), "{tool}");
        }
    }

    #[test]
    fn what_acts_by_itself_later_is_seen() {
        for command in [
            "echo 'alias a=b' >> ~/.bashrc",
            "cp a .git/config",
            "tee ~/.config/systemd/user/x.service",
            "sed -i s/a/b/ ~/.zshenv",
        ] {
            let found = of("Bash", &json!({ "command": command }));
            assert!(
                matches!(found, Some(Touched::Later(_))),
                "{command}: {found:?}"
            );
        }
        let found = of(
            "Write",
            &json!({"file_path": ".git/config", "content": "x"}),
        );
        assert_eq!(
            found,
            Some(Touched::Later("/home/dev/shop/.git/config".to_owned()))
        );
    }
}
