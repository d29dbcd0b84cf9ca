//! Walks shell text the way a shell would, without running anything.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::context::{Context, Entry};
use super::reading::{Node, Reading};
use crate::shell::ast::{
    Assign, AssignValue, Command, Item, Join, Kind, Redirect, RedirectOp, Script, Word,
};
use crate::shell::{Expander, HOLE, Vars, expand_var, parse};
use crate::target::Target;

/// Simple commands walked before the rest counts as unknown.
const MAX_STEPS: u32 = 3_000;
/// Nesting of wrappers, functions and scripts.
pub(super) const MAX_DEPTH: u32 = 24;
/// A loop's words beyond this are not walked one by one.
const MAX_LOOP: usize = 32;
/// Bytes of expanded words and code looked at before the rest is unknown.
const MAX_WORK: usize = 1_048_576;
/// Paths followed through links before the rest is unknown.
const MAX_LOOKUPS: u32 = 1_000;
/// Known output longer than this becomes unknown, in bytes.
const MAX_OUTPUT: usize = 131_072;

/// One shell being walked.
pub(super) struct Shell<'c> {
    pub(super) context: &'c dyn Context,
    pub(super) vars: Vars,
    /// The absolute working directory; `None` where nobody knows it.
    pub(super) cwd: Option<String>,
    /// Files written on the way, by absolute path.
    pub(super) files: BTreeMap<String, String>,
    /// Directories made on the way, by absolute path.
    pub(super) made: BTreeSet<String>,
    /// Symbolic links made on the way, and where they lead.
    pub(super) links: BTreeMap<String, String>,
    /// Programs copied or linked under another path, and shell aliases.
    pub(super) aliases: BTreeMap<String, String>,
    pub(super) functions: BTreeMap<String, Rc<Command>>,
    pub(super) reading: Reading,
    /// Names chosen for the rest of the session (`kubectl config use-context`).
    pub(super) chosen: BTreeMap<&'static str, String>,
    /// Open nodes of the explanation, outermost first.
    pub(super) open: Vec<Node>,
    pub(super) steps: u32,
    pub(super) depth: u32,
    /// How many levels of text with holes are being run as code.
    pub(super) tainted: u32,
    /// Where commands run: `None` here, else a host or container.
    pub(super) place: Place,
    /// Host paths seen inside a container: host path and path inside.
    pub(super) mounts: Vec<(String, String)>,
    /// Whether the operands come from a list nobody can see.
    pub(super) many_inputs: bool,
    /// A trap judged before its variables were set, with where it was written.
    pub(super) pending_trap: Option<(String, usize, usize)>,
    /// What the last `find` selected.
    pub(super) found: Vec<String>,
    /// Whether a port of this machine was joined to another host on the way.
    pub(super) tunnelled: bool,
    /// Paths followed through links so far.
    lookups: Cell<u32>,
    /// Bytes of words and code looked at so far.
    work: usize,
    next_process: u32,
}

/// Where a command runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// On this machine.
    Here,
    /// On another host or in a running container or pod.
    Elsewhere(Target),
    /// In a container that is thrown away and sees nothing of this machine.
    Throwaway,
}

impl<'c> Shell<'c> {
    pub(super) fn new(context: &'c dyn Context) -> Self {
        Self {
            context,
            vars: Vars::default(),
            cwd: context.cwd().map(str::to_owned),
            files: BTreeMap::new(),
            made: BTreeSet::new(),
            links: BTreeMap::new(),
            aliases: BTreeMap::new(),
            functions: BTreeMap::new(),
            reading: Reading::default(),
            chosen: BTreeMap::new(),
            open: Vec::new(),
            steps: 0,
            depth: 0,
            tainted: 0,
            place: Place::Here,
            mounts: Vec::new(),
            many_inputs: false,
            pending_trap: None,
            found: Vec::new(),
            tunnelled: context.tunnelled(),
            lookups: Cell::new(0),
            work: 0,
            next_process: 63,
        }
    }

    /// A variable as the command would see it.
    pub(super) fn variable(&self, name: &str) -> Option<String> {
        match expand_var(&self.vars, name) {
            Some(value) => value,
            None => self.outside(name),
        }
    }

    /// Judges what only the end shows.
    pub(super) fn finish(&mut self) {
        self.finish_trap();
        if self.lookups.get() > MAX_LOOKUPS {
            self.unknown("names more paths than are followed", "");
        }
    }

    /// Whether the work done so far leaves room for this much more.
    fn affords(&mut self, bytes: usize) -> bool {
        self.work = self.work.saturating_add(bytes);
        let affords = self.work <= MAX_WORK;
        if !affords && self.steps <= MAX_STEPS {
            self.steps = MAX_STEPS + 1;
            self.unknown("too much text to follow", "");
        }
        affords
    }

    /// Parses and walks text as code; what it prints.
    pub(super) fn run_text(&mut self, text: &str, stdin: Option<&str>) -> String {
        if self.depth >= MAX_DEPTH {
            self.unknown("nested too deeply to follow", text);
            return HOLE.to_string();
        }
        if !self.affords(text.len()) {
            return HOLE.to_string();
        }
        self.depth += 1;
        let holes = crate::shell::has_hole(text);
        self.tainted += u32::from(holes);
        let parsed = parse(text);
        let mut output = String::new();
        self.run_script(&parsed.script, stdin, &mut output);
        if let Some(error) = parsed.error {
            self.parse_error(text, &error);
        }
        self.tainted -= u32::from(holes);
        self.depth -= 1;
        output
    }

    pub(super) fn run_script(&mut self, script: &Script, stdin: Option<&str>, output: &mut String) {
        let mut skipped = false;
        for item in &script.items {
            if self.steps > MAX_STEPS {
                self.unknown("too many commands to follow", "");
                return;
            }
            // After `false &&` nothing of the right-hand side stays behind.
            let discard = skipped && item.join == Join::IfOk;
            let before = (item.join == Join::IfFailed || discard)
                .then(|| (self.vars.clone(), self.cwd.clone()));
            self.run_item(item, stdin, output);
            if let Some((vars, cwd)) = before {
                self.merge(vars, cwd, discard);
            }
            skipped = discard || is_false(item);
            if output.len() > MAX_OUTPUT {
                output.clear();
                output.push(HOLE);
            }
        }
    }

    /// After a part that may not have run: what differs is unknown.
    fn merge(&mut self, vars: Vars, cwd: Option<String>, discard: bool) {
        if discard {
            self.vars = vars;
            self.cwd = cwd;
            return;
        }
        for (name, var) in &mut self.vars.named {
            if vars.named.get(name) != Some(var) {
                *var = crate::shell::Var::Scalar(HOLE.to_string());
            }
        }
        if self.cwd != cwd {
            self.cwd = None;
        }
    }

    fn run_item(&mut self, item: &Item, stdin: Option<&str>, output: &mut String) {
        match item.stages.as_slice() {
            [] => {}
            [only] => self.run_command(only, stdin, output),
            stages => {
                let saved = self.save();
                let mut piped: Option<String> = stdin.map(str::to_owned);
                for stage in stages {
                    let mut out = String::new();
                    self.run_command(stage, piped.as_deref(), &mut out);
                    piped = Some(out);
                }
                self.restore(saved);
                output.push_str(piped.as_deref().unwrap_or(""));
            }
        }
    }

    fn save(&self) -> (Vars, Option<String>) {
        (self.vars.clone(), self.cwd.clone())
    }

    fn restore(&mut self, saved: (Vars, Option<String>)) {
        (self.vars, self.cwd) = saved;
    }

    pub(super) fn run_command(
        &mut self,
        command: &Command,
        stdin: Option<&str>,
        output: &mut String,
    ) {
        if self.depth >= MAX_DEPTH {
            self.unknown("nested too deeply to follow", "");
            return;
        }
        self.depth += 1;
        let mut io = self.redirects(&command.redirects, stdin);
        let input = io.stdin.take();
        let mut out = String::new();
        match &command.kind {
            Kind::Simple { assigns, words } => self.run_simple(
                assigns,
                words,
                &command.redirects,
                input.as_deref(),
                &mut out,
            ),
            compound => self.run_compound(compound, input.as_deref(), &mut out),
        }
        self.depth -= 1;
        if let Some((path, false)) = &io.stdout
            && out.trim().is_empty()
            && only_empties(&command.kind)
        {
            self.judge_emptying(path);
        }
        if let Some((path, _)) = &io.stdout {
            self.judge_startup(path, &out);
        }
        self.finish_redirects(&io, out, output);
    }

    fn run_compound(&mut self, kind: &Kind, stdin: Option<&str>, out: &mut String) {
        match kind {
            Kind::Simple { .. } => {}
            Kind::Group(script) => self.run_script(script, stdin, out),
            Kind::Subshell(script) => {
                let saved = self.save();
                self.run_script(script, stdin, out);
                self.restore(saved);
            }
            Kind::If(branches, otherwise) => {
                for (condition, body) in branches {
                    self.run_script(condition, stdin, out);
                    self.run_maybe(body, stdin, out);
                }
                if let Some(body) = otherwise {
                    self.run_maybe(body, stdin, out);
                }
            }
            Kind::While(condition, body) => {
                self.run_script(condition, stdin, out);
                self.run_maybe(body, stdin, out);
            }
            Kind::For(name, words, body) => self.run_for(name, words.as_deref(), body, stdin, out),
            Kind::ArithFor(body) => self.run_maybe(body, stdin, out),
            Kind::Case(subject, arms) => {
                self.joined(subject);
                for (patterns, body) in arms {
                    for pattern in patterns {
                        self.joined(pattern);
                    }
                    self.run_maybe(body, stdin, out);
                }
            }
            Kind::Test(words) => {
                for word in words {
                    self.joined(word);
                }
            }
            Kind::Function(name, body) => {
                self.functions.insert(name.clone(), Rc::clone(body));
            }
            Kind::Coproc(command) => self.run_command(command, stdin, out),
        }
    }

    /// A body that may or may not run.
    fn run_maybe(&mut self, body: &Script, stdin: Option<&str>, out: &mut String) {
        let (vars, cwd) = self.save();
        self.run_script(body, stdin, out);
        self.merge(vars, cwd, false);
    }

    fn run_for(
        &mut self,
        name: &str,
        words: Option<&[Word]>,
        body: &Script,
        stdin: Option<&str>,
        out: &mut String,
    ) {
        let values = match words {
            Some(words) => words.iter().flat_map(|word| self.fields(word)).collect(),
            None => self
                .vars
                .positional
                .clone()
                .unwrap_or_else(|| vec![HOLE.to_string()]),
        };
        for (at, value) in values.iter().enumerate() {
            let value = if at < MAX_LOOP {
                value.clone()
            } else {
                HOLE.to_string()
            };
            self.vars.set(name, value);
            self.run_script(body, stdin, out);
            if at >= MAX_LOOP {
                break;
            }
        }
    }

    fn run_simple(
        &mut self,
        assigns: &[Assign],
        words: &[Word],
        redirects: &[Redirect],
        stdin: Option<&str>,
        out: &mut String,
    ) {
        self.steps += 1;
        if self.steps > MAX_STEPS {
            return;
        }
        let mut argv = Vec::with_capacity(words.len());
        for word in words {
            argv.extend(self.fields(word));
        }
        if !self.affords(argv.iter().map(String::len).sum()) {
            return;
        }
        let declares = argv.first().is_some_and(|w| {
            matches!(
                w.as_str(),
                "export" | "declare" | "local" | "readonly" | "typeset"
            )
        });
        let before =
            (!argv.is_empty() && !declares && !assigns.is_empty()).then(|| self.vars.clone());
        for assign in assigns {
            self.assign(assign);
        }
        // A name for another variable: what it holds is what that one holds by then.
        let is_reference = declares
            && argv
                .first()
                .is_some_and(|w| w != "export" && w != "readonly")
            && argv.iter().any(|w| w.starts_with('-') && w.contains('n'));
        for assign in assigns.iter().filter(|_| is_reference) {
            self.vars.set(&assign.name, HOLE.to_string());
        }
        if argv.is_empty() {
            return;
        }
        // `exec <…` and `exec >…` only move descriptors.
        if argv.len() == 1 && argv.first().is_some_and(|w| w == "exec") && !redirects.is_empty() {
            return;
        }
        let printed = self.run_argv(&argv, stdin);
        out.push_str(&printed);
        if let Some(vars) = before {
            self.vars = vars;
        }
    }

    fn assign(&mut self, assign: &Assign) {
        let value = match &assign.value {
            AssignValue::Scalar(word) => {
                let text = self.joined(word);
                if assign.element {
                    crate::shell::Var::Scalar(HOLE.to_string())
                } else if assign.append {
                    let old = self.variable(&assign.name).unwrap_or_default();
                    crate::shell::Var::Scalar(old + &text)
                } else {
                    crate::shell::Var::Scalar(text)
                }
            }
            AssignValue::Array(words) => {
                let mut items = match self.vars.named.get(&assign.name) {
                    Some(crate::shell::Var::Array(items)) if assign.append => items.clone(),
                    _ => Vec::new(),
                };
                for word in words {
                    items.extend(self.fields(word));
                }
                crate::shell::Var::Array(items)
            }
        };
        self.vars.named.insert(assign.name.clone(), value);
    }

    fn redirects(&mut self, redirects: &[Redirect], stdin: Option<&str>) -> Streams {
        let mut io = Streams {
            stdin: stdin.map(str::to_owned),
            ..Streams::default()
        };
        for redirect in redirects {
            let to_stdin = redirect.fd.is_none_or(|fd| fd == 0);
            let to_stdout = redirect.fd.is_none_or(|fd| fd == 1);
            match &redirect.op {
                RedirectOp::HereDoc(body) => {
                    let text = body.get().map(|word| self.joined(word)).unwrap_or_default();
                    self.affords(text.len());
                    if to_stdin {
                        io.stdin = Some(text);
                    }
                }
                RedirectOp::HereString(word) => io.stdin = Some(self.joined(word) + "\n"),
                RedirectOp::Read(word) => {
                    let path = self.joined(word);
                    if to_stdin {
                        io.stdin = Some(self.file_text(&path).unwrap_or_else(|| HOLE.to_string()));
                    }
                }
                RedirectOp::Write(word) | RedirectOp::ReadWrite(word) => {
                    let path = self.joined(word);
                    self.judge_write(&path, true);
                    if to_stdout {
                        io.stdout = Some((path, false));
                    }
                }
                RedirectOp::Append(word) => {
                    let path = self.joined(word);
                    self.judge_write(&path, false);
                    if to_stdout {
                        io.stdout = Some((path, true));
                    }
                }
                RedirectOp::Duplicate(word) => {
                    let fd = self.joined(word);
                    if to_stdin && redirect.fd.is_none() && fd != "0" && fd != "-" {
                        // `sh <&3` reads what nobody can see; `ls >&2` reads nothing.
                        io.stdin.get_or_insert_with(|| HOLE.to_string());
                    }
                }
            }
        }
        io
    }

    fn finish_redirects(&mut self, io: &Streams, out: String, output: &mut String) {
        match &io.stdout {
            Some((path, append)) => {
                if let Some(path) = self.absolute(path) {
                    let text = match self.files.remove(&path) {
                        Some(old) if *append => old + &out,
                        _ => out,
                    };
                    self.files.insert(path, text);
                }
            }
            None => output.push_str(&out),
        }
    }

    /// The text of a file, if it was written on the way or the caller has it.
    pub(super) fn file_text(&self, path: &str) -> Option<String> {
        if path == "/dev/null" {
            return Some(String::new());
        }
        let path = self.absolute(path)?;
        self.files.get(&path).cloned().or_else(|| {
            if crate::shell::has_hole(&path) || self.place != Place::Here {
                return None;
            }
            self.context.read(&path)
        })
    }

    /// What lies at a path, as far as anybody knows.
    pub(super) fn entry(&self, path: &str) -> Option<Entry> {
        let path = self.absolute(path)?;
        if self.made.contains(&path) {
            return Some(Entry::Directory);
        }
        if crate::shell::has_hole(&path)
            || crate::shell::has_glob(&path)
            || self.place != Place::Here
        {
            return None;
        }
        self.context.entry(&path)
    }

    /// Where an absolute path leads through links, made on the way or before.
    pub(super) fn real(&self, path: &str) -> Option<String> {
        let known = self.links.iter().find_map(|(link, leads)| {
            let rest = path.strip_prefix(link.as_str())?;
            (rest.is_empty() || rest.starts_with('/')).then(|| format!("{leads}{rest}"))
        });
        if known.is_some() || self.place != Place::Here || crate::shell::has_hole(path) {
            return known;
        }
        self.lookups.set(self.lookups.get().saturating_add(1));
        if self.lookups.get() > MAX_LOOKUPS {
            return None;
        }
        self.context.real(path)
    }

    /// The absolute, normalised form of a path.
    pub(super) fn absolute(&self, path: &str) -> Option<String> {
        super::paths::absolute(path, self.cwd.as_deref(), self.context.home())
    }
}

#[derive(Default)]
struct Streams {
    stdin: Option<String>,
    stdout: Option<(String, bool)>,
}

/// Whether a command is one of those that print exactly what they are given, so
/// that printing nothing is what it is there for: `cat /dev/null >`, `: >`, `>`.
fn only_empties(kind: &Kind) -> bool {
    let Kind::Simple { words, .. } = kind else {
        return false;
    };
    match words.first() {
        None => true,
        Some(word) => matches!(word.bare(), Some(":" | "true" | "cat" | "echo" | "printf")),
    }
}

fn is_false(item: &Item) -> bool {
    match item.stages.as_slice() {
        [
            Command {
                kind: Kind::Simple { words, .. },
                ..
            },
        ] => {
            let word = words.first().and_then(Word::bare);
            (word == Some("false") && !item.negated) || (word == Some("true") && item.negated)
        }
        _ => false,
    }
}

impl Expander for Shell<'_> {
    fn vars(&mut self) -> &mut Vars {
        &mut self.vars
    }

    fn outside(&self, name: &str) -> Option<String> {
        match name {
            "HOME" => Some(self.context.home().unwrap_or("~").to_owned()),
            "PWD" => Some(self.cwd.clone().unwrap_or_else(|| HOLE.to_string())),
            "TMPDIR" => Some(self.context.env(name).unwrap_or_else(|| "/tmp".to_owned())),
            _ => self.context.env(name),
        }
    }

    fn substitute(&mut self, script: &Script) -> String {
        if self.depth >= MAX_DEPTH {
            self.unknown("nested too deeply to follow", "");
            return HOLE.to_string();
        }
        self.depth += 1;
        let saved = self.save();
        // `$(<file)` prints the file.
        let text = match script.items.as_slice() {
            [Item { stages, .. }] => match stages.as_slice() {
                [
                    Command {
                        kind: Kind::Simple { assigns, words },
                        redirects,
                    },
                ] if words.is_empty() && assigns.is_empty() => {
                    self.redirects(redirects, None).stdin
                }
                _ => None,
            },
            _ => None,
        };
        let text = text.unwrap_or_else(|| {
            let mut out = String::new();
            self.run_script(script, None, &mut out);
            out
        });
        self.restore(saved);
        self.depth -= 1;
        text
    }

    fn process(&mut self, script: &Script, reads: bool) -> String {
        let text = self.substitute(script);
        let path = format!("/dev/fd/{}", self.next_process);
        self.next_process -= u32::from(self.next_process > 0);
        if reads {
            self.files.insert(path.clone(), text);
        }
        path
    }
}

#[cfg(test)]
#[path = "../../benches/shapes/mod.rs"]
mod shapes;

#[cfg(test)]
mod tests {
    use super::super::context::Facts;
    use super::*;

    /// No text, whatever its shape, makes more work than a bounded number of
    /// commands, bytes, paths and entries: what is left is held as unknown.
    #[test]
    fn work_is_bounded_for_every_shape() {
        let facts = Facts {
            cwd: Some("/home/dev/shop".to_owned()),
            home: Some("/home/dev".to_owned()),
            ..Facts::default()
        };
        for name in shapes::SHAPES {
            let text = shapes::shape(name);
            let length = text.len().min(super::super::MAX_LENGTH);
            let mut shell = Shell::new(&facts);
            shell.run_text(text.get(..length).unwrap_or(""), None);
            shell.finish();
            let (steps, work) = (shell.steps, shell.work);
            let findings = shell.reading.findings.len();
            assert!(steps <= MAX_STEPS + 64, "{name}: {steps} commands");
            // One word more than fits is looked at before the rest is given up.
            let most = MAX_WORK + 2 * super::super::MAX_LENGTH;
            assert!(work <= most, "{name}: {work} bytes");
            assert!(findings <= 500, "{name}: {findings} findings");
        }
    }
}
