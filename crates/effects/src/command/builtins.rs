//! Shell builtins that change what later words mean, and those that run text.

use countersign_core::effect::Verb;

use super::dispatch::quote_all;
use super::shell_run::Shell;
use crate::shell::{HOLE, Var, has_hole, printf};

impl Shell<'_> {
    /// Runs a builtin; what it prints, or `None` when it is none.
    pub(super) fn run_builtin(
        &mut self,
        name: &str,
        args: &[String],
        stdin: Option<&str>,
    ) -> Option<String> {
        let silent = Some(String::new());
        match name {
            "cd" | "pushd" | "chdir" | "Set-Location" => {
                self.change_directory(args);
                silent
            }
            "unset" => {
                for name in args.iter().filter(|a| !a.starts_with('-')) {
                    self.vars.named.insert(name.clone(), Var::Unset);
                }
                silent
            }
            "set" => {
                if let Some(at) = args.iter().position(|a| a == "--") {
                    self.vars.positional = Some(args.get(at + 1..).unwrap_or(&[]).to_vec());
                }
                silent
            }
            "shift" => {
                if let Some(list) = self.vars.positional.as_mut()
                    && !list.is_empty()
                {
                    list.remove(0);
                }
                silent
            }
            "read" => {
                self.read_into(args, stdin);
                silent
            }
            "mapfile" | "readarray" => {
                self.read_lines(args, stdin);
                silent
            }
            "eval" => Some(self.run_eval(args, stdin)),
            "source" | "." => Some(self.run_source(args, stdin)),
            "trap" => {
                self.set_trap(args);
                silent
            }
            "alias" => {
                for arg in args {
                    if let Some((name, text)) = arg.split_once('=') {
                        self.aliases.insert(name.to_owned(), text.to_owned());
                    }
                }
                silent
            }
            "command" | "builtin" | "exec" => Some(self.run_command_word(name, args, stdin)),
            "history" => {
                if args.iter().any(|a| a == "-c") {
                    self.destroys(
                        Verb::Delete,
                        "history",
                        "shell history",
                        "clears the shell's history",
                    );
                }
                Some(HOLE.to_string())
            }
            "break" | "continue" | "return" | "exit" | "true" | "false" | ":" | "wait"
            | "umask" | "shopt" | "ulimit" | "hash" | "jobs" | "fg" | "bg" | "disown" | "let"
            | "times" | "dirs" | "popd" | "getopts" | "compgen" | "complete" | "bind"
            | "enable" | "help" | "logout" | "unalias" | "setopt" | "unsetopt" | "autoload"
            | "rehash" | "export" | "declare" | "local" | "readonly" | "typeset" => silent,
            _ => None,
        }
    }

    fn change_directory(&mut self, args: &[String]) {
        let target = args.iter().find(|a| !a.starts_with('-') || *a == "-");
        self.cwd = match target.map(String::as_str) {
            None => self.context.home().map(str::to_owned),
            Some("-") => None,
            Some(path) => self.absolute(path),
        };
    }

    fn read_into(&mut self, args: &[String], stdin: Option<&str>) {
        let line = stdin.and_then(|text| text.lines().next());
        let names: Vec<&String> = args.iter().filter(|a| !a.starts_with('-')).collect();
        for (at, name) in names.iter().enumerate() {
            let value = match line {
                Some(line) if names.len() == 1 => line.trim().to_owned(),
                Some(line) if at + 1 < names.len() => line
                    .split_ascii_whitespace()
                    .nth(at)
                    .unwrap_or("")
                    .to_owned(),
                Some(line) => line
                    .split_ascii_whitespace()
                    .skip(at)
                    .collect::<Vec<_>>()
                    .join(" "),
                None => HOLE.to_string(),
            };
            self.vars.set(name, value);
        }
    }

    /// `mapfile NAME`: the lines of its input as an array.
    fn read_lines(&mut self, args: &[String], stdin: Option<&str>) {
        let grammar = super::args::Grammar {
            values: "-d -n -O -s -u -C -c",
            ..Default::default()
        };
        let parsed = super::args::Args::parse(args, &grammar);
        let name = parsed.positional(0).unwrap_or("MAPFILE").to_owned();
        let lines = match stdin {
            Some(text) => text.lines().take(200).map(str::to_owned).collect(),
            None => vec![HOLE.to_string()],
        };
        self.vars.named.insert(name, Var::Array(lines));
    }

    fn run_eval(&mut self, args: &[String], stdin: Option<&str>) -> String {
        self.run_code(&args.join(" "), stdin)
    }

    /// Runs text as shell code; text that is wholly unknown is held.
    pub(super) fn run_code(&mut self, text: &str, stdin: Option<&str>) -> String {
        if has_hole(text) && text.trim().chars().all(|c| c == HOLE) {
            self.unknown("runs code that nobody can read beforehand", "");
            return HOLE.to_string();
        }
        self.run_text(text, stdin)
    }

    fn run_source(&mut self, args: &[String], stdin: Option<&str>) -> String {
        let Some((path, rest)) = args.split_first() else {
            return String::new();
        };
        if path == "-" || path == "/dev/stdin" {
            return match stdin {
                Some(text) => self.run_code(text, None),
                None => String::new(),
            };
        }
        match self.file_text(path) {
            Some(text) => {
                let saved = (!rest.is_empty()).then(|| self.vars.positional.replace(rest.to_vec()));
                let output = self.run_code(&text, stdin);
                if let Some(saved) = saved {
                    self.vars.positional = saved;
                }
                output
            }
            None => {
                self.note("the file's text is not known");
                HOLE.to_string()
            }
        }
    }

    fn set_trap(&mut self, args: &[String]) {
        let Some(action) = args.iter().find(|a| !a.starts_with('-')) else {
            return;
        };
        // A trap runs later: variables set after it are known to it only then.
        let before = self.reading.findings.len();
        let unknowns = self.reading.unknowns.len();
        self.run_code(action, None);
        let late = has_late_variables(action)
            && self
                .reading
                .findings
                .get(before..)
                .is_some_and(|f| f.iter().all(|f| f.effect.verb == Verb::Unknown));
        if late {
            self.pending_trap = Some((action.clone(), before, unknowns));
        }
    }

    /// Judges a trap again now that later assignments are known.
    pub(super) fn finish_trap(&mut self) {
        let Some((action, before, unknowns)) = self.pending_trap.take() else {
            return;
        };
        let later = self.reading.findings.len();
        self.run_code(&action, None);
        if self.reading.findings.len() == later {
            // Nothing is left to fear: what was written down too early goes.
            for finding in self.reading.findings.iter_mut().skip(before).take(1) {
                finding.danger = super::reading::Danger::None;
            }
            if unknowns < self.reading.unknowns.len() {
                self.reading.unknowns.remove(unknowns);
            }
        }
    }

    fn run_command_word(&mut self, name: &str, args: &[String], stdin: Option<&str>) -> String {
        let mut rest = args;
        while let [first, tail @ ..] = rest {
            if !first.starts_with('-') {
                break;
            }
            if name == "command" && matches!(first.as_str(), "-v" | "-V") {
                let program = tail.first();
                return program.map_or_else(String::new, |it| super::dispatch::found_program(it));
            }
            rest = if name == "exec" && first == "-a" {
                tail.get(1..).unwrap_or(&[])
            } else {
                tail
            };
        }
        if rest.is_empty() {
            return String::new();
        }
        self.run_argv(rest, stdin)
    }

    /// `printf -v NAME …` assigns instead of printing.
    pub(super) fn printf_into(&mut self, args: &[String]) -> bool {
        if let [flag, name, rest @ ..] = args
            && flag == "-v"
        {
            let text = printf("printf", rest).unwrap_or_default();
            self.vars.set(name, text);
            return true;
        }
        false
    }

    /// Runs a script file by its first line.
    pub(super) fn run_script_file(
        &mut self,
        path: &str,
        text: &str,
        args: &[String],
        stdin: Option<&str>,
    ) -> String {
        let first = text.lines().next().unwrap_or("");
        let interpreter = first.strip_prefix("#!").map(|line| {
            let mut words = line.split_ascii_whitespace();
            let program = words.next().unwrap_or("");
            let program = super::dispatch::program_name(program);
            if program == "env" {
                words.find(|w| !w.starts_with('-')).unwrap_or("sh")
            } else {
                program
            }
        });
        match interpreter {
            Some(name) if crate::interpreter::Language::of(name).is_some() => {
                self.judge_code(name, text);
                HOLE.to_string()
            }
            Some("make") => HOLE.to_string(),
            _ => {
                let saved = self.vars.positional.replace(args.to_vec());
                let dir = self.cwd.clone();
                self.note(&format!(
                    "reads the script {}",
                    quote_all(&[path.to_owned()])
                ));
                let output = self.run_code(text, stdin);
                self.cwd = dir;
                self.vars.positional = saved;
                output
            }
        }
    }
}

fn has_late_variables(action: &str) -> bool {
    action.contains('$')
}
