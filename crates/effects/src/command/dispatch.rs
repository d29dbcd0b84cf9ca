//! One command with its words known: who judges it.

use super::reading::Danger;
use super::record::Found;
use super::shell_run::{MAX_DEPTH, Shell};
use super::{table, vocabulary};
use crate::shell::{Decoded, HOLE, filter_output, glob_match, has_glob, has_hole, printf};
use countersign_core::effect::Verb;

/// Programs that print nothing of use to a substitution.
const SILENT: &[&str] = &[
    "true", ":", "cd", "set", "unset", "export", "mkdir", "rm", "cp", "mv", "touch", "chmod",
    "sleep", "read", "trap", "wait", "shift", "return", "local", "declare", "readonly", "alias",
    "pushd", "popd", "umask", "ulimit", "shopt", "test", "[", "exit",
];

/// Programs that take a file to change it.
const EDITORS: &[&str] = &["awk", "gawk", "emacs", "nano", "patch", "sponge", "yq"];

/// Programs that only read the files they name, or that are judged by what else
/// they say.
const ONLY_LOOK: &[&str] = &[
    "b2sum",
    "base64",
    "basename",
    "batcat",
    "cat",
    "cd",
    "cksum",
    "countersign",
    "delta",
    "difft",
    "dirname",
    "du",
    "echo",
    "exa",
    "eza",
    "gh",
    "git",
    "lsd",
    "lsof",
    "md5sum",
    "namei",
    "npm",
    "npx",
    "pnpm",
    "readlink",
    "realpath",
    "sha1sum",
    "sha256sum",
    "sha512sum",
    "ssh",
    "ssh-add",
    "ssh-keygen",
    "touch",
    "xxd",
    "yarn",
    "zip",
];

impl Shell<'_> {
    /// Judges one command; what it prints.
    pub(super) fn run_argv(&mut self, argv: &[String], stdin: Option<&str>) -> String {
        let Some((word, args)) = argv.split_first() else {
            return String::new();
        };
        if self.depth >= MAX_DEPTH {
            self.unknown("nested too deeply to follow", word);
            return HOLE.to_string();
        }
        self.depth += 1;
        self.open_node(argv);
        let output = self.run_word(word, args, stdin);
        self.close_node();
        self.depth -= 1;
        output
    }

    fn run_word(&mut self, word: &str, args: &[String], stdin: Option<&str>) -> String {
        if word.is_empty() {
            return String::new();
        }
        if has_hole(word) {
            return self.unknown_word(word, args);
        }
        if let Some(body) = self.functions.get(word).cloned() {
            return self.call_function(word, &body, args, stdin);
        }
        if let Some(text) = self.aliases.get(word).cloned() {
            self.aliases.remove(word);
            let text = format!("{text} {}", quote_all(args));
            let output = self.run_text(&text, stdin);
            return output;
        }
        if word.contains('/')
            && let Some(full) = self.absolute(word)
        {
            if let Some(program) = self.aliases.get(&full).cloned() {
                return self.run_program(&program, args, stdin);
            }
            if let Some(text) = self.file_text(word) {
                return self.run_script_file(word, &text, args, stdin);
            }
        }
        if has_glob(word) {
            let pattern = program_name(word);
            let found = vocabulary::PROGRAMS.iter().find(|p| glob_match(pattern, p));
            return match found {
                Some(program) => self.run_program(program, args, stdin),
                None => self.unknown_word(word, args),
            };
        }
        if let Some((path, text)) = self.shim(word) {
            self.run_script_file(&path, &text, args, stdin);
        }
        self.run_program(word, args, stdin)
    }

    /// The script that stands for a program since `PATH` was set on the way.
    fn shim(&self, word: &str) -> Option<(String, String)> {
        if word.contains('/') {
            return None;
        }
        let path = crate::shell::expand_var(&self.vars, "PATH")??;
        let before = self.context.env("PATH").unwrap_or_default();
        // From there on it is the usual search.
        let usual = |dir: &str| has_hole(dir) || before.split(':').any(|known| known == dir);
        path.split(':')
            .take_while(|dir| !usual(dir))
            .take(16)
            .find_map(|dir| {
                let file = format!("{dir}/{word}");
                let text = self.file_text(&file)?;
                Some((file, text))
            })
    }

    /// A command word nobody can know.
    fn unknown_word(&mut self, word: &str, args: &[String]) -> String {
        // Unquoted, one may be a program and its arguments.
        let nothing_known = std::iter::once(word)
            .chain(args.iter().map(String::as_str))
            .all(|word| word.chars().all(|c| c == HOLE));
        if self.tainted > 0
            || vocabulary::args_could_destroy(args)
            || nothing_known
            || matches!(args, [only] if only == &HOLE.to_string())
        {
            self.unknown("the program is not known before it runs", word);
        } else {
            self.note("the program is not known, its arguments do not destroy");
        }
        HOLE.to_string()
    }

    fn call_function(
        &mut self,
        name: &str,
        body: &std::rc::Rc<crate::shell::ast::Command>,
        args: &[String],
        stdin: Option<&str>,
    ) -> String {
        // A function that calls itself ends as unknown (a fork bomb does so at once).
        let calls = self
            .open
            .iter()
            .filter(|node| node.command.split(' ').next() == Some(name))
            .count();
        if calls > 2 {
            self.unknown("a function calls itself without an end in sight", name);
            return HOLE.to_string();
        }
        let saved = self.vars.positional.replace(args.to_vec());
        let mut output = String::new();
        self.run_command(body, stdin, &mut output);
        self.vars.positional = saved;
        output
    }

    /// A program by its name or path.
    pub(super) fn run_program(
        &mut self,
        word: &str,
        args: &[String],
        stdin: Option<&str>,
    ) -> String {
        let name = program_name(word);
        if name == "printf" && self.printf_into(args) {
            return String::new();
        }
        if let Some(text) = printf(name, args) {
            return text;
        }
        if let Some(output) = self.run_builtin(name, args, stdin) {
            return output;
        }
        if let Some(output) = self.run_wrapper(name, args, stdin) {
            return output;
        }
        if self.judge_files(name, args, stdin) {
            return self.output_of(name, args, stdin);
        }
        self.judge_guarded_operands(name, args);
        if self.judge_client(name, args, stdin)
            || self.judge_cloud(name, args)
            || self.judge_http(name, args, stdin)
            || self.judge_windows(word, args, stdin)
            || self.judge_special(name, args, stdin)
        {
            return self.output_of(name, args, stdin);
        }
        if let Some(output) = self.judge_by_table(name, args, stdin) {
            return output;
        }
        self.judge_unlisted(word, name, args);
        self.output_of(name, args, stdin)
    }

    /// A program that may write what it names last, and names what guards this
    /// machine: an editor, a download, a copy from elsewhere, a script of its own.
    fn judge_guarded_operands(&mut self, name: &str, args: &[String]) {
        if ONLY_LOOK.contains(&name) || (is_harmless(name) && !EDITORS.contains(&name)) {
            return;
        }
        let in_place = name.ends_with("awk") || name == "yq";
        if in_place && !args.iter().any(|a| a.starts_with("-i")) {
            return;
        }
        let named = if table::find(name).is_some() {
            args.len().saturating_sub(1)
        } else if crate::interpreter::Language::of(name).is_some() {
            // The script itself is only read.
            args.iter()
                .position(|arg| !arg.starts_with('-'))
                .map_or(0, |at| at + 1)
        } else {
            0
        };
        let object = args.iter().skip(named).find(|arg| {
            let value = arg.split_once('=').map_or(arg.as_str(), |(_, value)| value);
            !value.starts_with('-')
                && value.contains(['/', '.'])
                && !value.contains([' ', '\n'])
                && self.spot(value) == super::paths::Spot::Guard
        });
        if let Some(object) = object.cloned() {
            let reason = "may change what guards this machine";
            self.hits_guard(Verb::Update, &object, reason);
        }
    }

    /// A program no table knows.
    fn judge_unlisted(&mut self, word: &str, name: &str, args: &[String]) {
        if table::find(name).is_some() || is_harmless(name) {
            return;
        }
        let help = args
            .iter()
            .any(|a| matches!(a.as_str(), "--help" | "--version" | "--dry-run"));
        if help {
            return;
        }
        // Bash and zsh call these where there is no such program.
        let handler = ["command_not_found_handle", "command_not_found_handler"];
        let handler = handler
            .iter()
            .find(|name| self.functions.contains_key(**name));
        if let Some(handler) = handler {
            let argv = [&[(*handler).to_owned(), word.to_owned()], args].concat();
            self.run_argv(&argv, None);
        }
        self.judge_carried(args, false);
        let by_name = word.contains('/')
            && vocabulary::is_strong_verb(name.split('.').next().unwrap_or(name));
        let verb = args
            .iter()
            .filter(|a| !a.starts_with('-'))
            .take(3)
            .take_while(|a| !vocabulary::only_names_follow(a))
            .any(|a| {
                (vocabulary::is_strong_verb(a) || vocabulary::is_weak_verb(a))
                    && !a.contains([' ', '/', '='])
                    && !a.contains("::")
                    && !a.ends_with(".rs")
                    && !a.contains('.')
            });
        if by_name
            || (verb && args.iter().all(|a| a != "grep"))
            || args.iter().any(|a| vocabulary::is_destroying_option(a))
            || args.iter().any(|a| vocabulary::recursive_force(a))
                && vocabulary::args_could_destroy(args)
                && args.len() > 1
        {
            self.unknown("an unknown program is told to destroy something", word);
        }
    }

    /// What a program prints, as far as that can be known.
    pub(super) fn output_of(&mut self, name: &str, args: &[String], stdin: Option<&str>) -> String {
        if SILENT.contains(&name) {
            return String::new();
        }
        match name {
            "cat" => {
                let mut out = String::new();
                let files: Vec<_> = args
                    .iter()
                    .filter(|a| !a.starts_with('-') || *a == "-")
                    .collect();
                if files.is_empty() {
                    return stdin.unwrap_or("").to_owned();
                }
                for file in files {
                    let text = if file == "-" {
                        stdin.map(str::to_owned)
                    } else {
                        self.file_text(file)
                    };
                    out.push_str(&text.unwrap_or_else(|| HOLE.to_string()));
                }
                out
            }
            "tee" => {
                for path in args.iter().filter(|a| !a.starts_with('-')) {
                    if let (Some(path), Some(text)) = (self.absolute(path), stdin) {
                        self.files.insert(path, text.to_owned());
                    }
                }
                stdin.unwrap_or("").to_owned()
            }
            "find" | "gfind" => std::mem::take(&mut self.found).join("\n"),
            "pgrep" | "pidof" => args
                .iter()
                .find(|a| !a.starts_with('-'))
                .map_or_else(|| HOLE.to_string(), |name| format!("pid:{name}")),
            "pwd" => self.cwd.clone().unwrap_or_else(|| HOLE.to_string()),
            "mktemp" => "/tmp/tmp.XXXXXXXXXX".to_owned(),
            "which" | "type" | "whereis" => args
                .iter()
                .find(|a| !a.starts_with('-'))
                .map(|program| found_program(program))
                .unwrap_or_default(),
            "basename" => args.first().map_or_else(
                || HOLE.to_string(),
                |p| {
                    p.trim_end_matches('/')
                        .rsplit('/')
                        .next()
                        .unwrap_or("")
                        .to_owned()
                },
            ),
            "dirname" => match args.first() {
                Some(path) if !has_hole(path) => path
                    .trim_end_matches('/')
                    .rsplit_once('/')
                    .map_or(".", |(dir, _)| dir)
                    .to_owned(),
                _ => HOLE.to_string(),
            },
            "realpath" | "readlink" => args
                .iter()
                .find(|a| !a.starts_with('-'))
                .and_then(|p| self.absolute(p))
                .unwrap_or_else(|| HOLE.to_string()),
            "git" if args.iter().any(|a| a == "--show-toplevel") => self
                .context
                .project_root()
                .map_or_else(|| HOLE.to_string(), str::to_owned),
            _ if generates_code(name, args) => String::new(),
            _ => {
                // A decoder may read a file or a here-string instead of a pipe.
                let operand = args
                    .iter()
                    .find(|a| !a.starts_with('-') && name.starts_with("base64"))
                    .and_then(|p| self.file_text(p));
                match filter_output(name, args, operand.as_deref().or(stdin).unwrap_or("")) {
                    Decoded::Text(text) => text,
                    Decoded::NotAFilter => HOLE.to_string(),
                }
            }
        }
    }

    /// A finding whose verb and danger a table row gives.
    pub(super) fn effect_code(code: &str) -> Option<(Verb, Danger)> {
        let (word, mark) = match code.as_bytes().last() {
            Some(b'!') => (code.trim_end_matches('!'), Some(true)),
            Some(b'.') => (code.trim_end_matches('.'), Some(false)),
            _ => (code, None),
        };
        let (verb, dangerous) = match word {
            "create" => (Verb::Create, false),
            "update" => (Verb::Update, false),
            "forget" => (Verb::Forget, false),
            "disrupt" => (Verb::Disrupt, true),
            "replace" => (Verb::Replace, true),
            "delete" => (Verb::Delete, true),
            "unknown" => return Some((Verb::Unknown, Danger::UnknownCouldDestroy)),
            _ => return None,
        };
        let danger = if mark.unwrap_or(dangerous) {
            Danger::Destructive
        } else {
            Danger::None
        };
        Some((verb, danger))
    }

    /// A finding for the guard itself.
    pub(super) fn hits_guard(&mut self, verb: Verb, object: &str, reason: &str) {
        let found = Found {
            verb,
            kind: "guard",
            object,
            danger: Danger::Destructive,
            reason,
        };
        self.record(
            &found,
            super::reading::Scope::Guard,
            crate::target::Target::machine(),
        );
    }
}

/// Where a program lies: some directory, but under its own name.
pub(super) fn found_program(program: &str) -> String {
    if program.contains('/') {
        program.to_owned()
    } else {
        format!("/usr/bin/{program}")
    }
}

/// The last part of a path, without `.exe`.
pub(super) fn program_name(word: &str) -> &str {
    let name = word.rsplit(['/', '\\']).next().unwrap_or(word);
    name.strip_suffix(".exe")
        .or_else(|| name.strip_suffix(".EXE"))
        .unwrap_or(name)
}

/// Words quoted so that the shell reads them back.
pub(super) fn quote_all(args: &[String]) -> String {
    let mut out = String::new();
    for arg in args {
        if !out.is_empty() {
            out.push(' ');
        }
        let plain = !arg.is_empty()
            && arg
                .chars()
                .all(|c| c.is_alphanumeric() || c == HOLE || "-_./=:@%+,".contains(c));
        if plain {
            out.push_str(arg);
        } else {
            out.push('\'');
            out.push_str(&arg.replace('\'', "'\\''"));
            out.push('\'');
        }
    }
    out
}

/// Programs whose every use only reads, builds or prints.
fn is_harmless(name: &str) -> bool {
    const HARMLESS: &[&str] = &[
        "ack",
        "ag",
        "awk",
        "bat",
        "cargo",
        "cmp",
        "code",
        "cut",
        "date",
        "diff",
        "dig",
        "egrep",
        "eslint",
        "explainshell",
        "fgrep",
        "file",
        "gawk",
        "go",
        "grep",
        "head",
        "hexdump",
        "history",
        "host",
        "jest",
        "jq",
        "less",
        "logger",
        "ls",
        "man",
        "mocha",
        "more",
        "mypy",
        "notify-send",
        "nslookup",
        "open",
        "ping",
        "playwright",
        "prettier",
        "pytest",
        "rg",
        "rspec",
        "ruff",
        "sed",
        "shellcheck",
        "sort",
        "stat",
        "tail",
        "test",
        "[",
        "tldr",
        "apt-cache",
        "tree",
        "type",
        "where",
        "whereis",
        "tsc",
        "uniq",
        "vitest",
        "wc",
        "which",
        "whois",
        "xdg-open",
        "yq",
        "patch",
        "strings",
        "od",
        "sponge",
        "fzf",
        "column",
        "paste",
        "comm",
        "tig",
        "info",
        "apropos",
        "whatis",
        "nano",
        "emacs",
        "subl",
        "cypress",
        "rubocop",
        "golangci-lint",
        "terraform-docs",
        "tflint",
        "yamllint",
        "hadolint",
        "actionlint",
        "markdownlint",
        "cspell",
        "vale",
        "say",
        "figlet",
        "cowsay",
        "gradle",
        "gradlew",
        "mvn",
        "mvnw",
        "dotnet",
        "ctest",
        "bazel",
        "phpunit",
        "behave",
        "tox",
        "nox",
        "coverage",
    ];
    HARMLESS.contains(&name)
}

/// Programs whose output is shell code meant to be evaluated.
fn generates_code(name: &str, args: &[String]) -> bool {
    let first = args.first().map_or("", String::as_str);
    match name {
        "ssh-agent"
        | "dircolors"
        | "lesspipe"
        | "keychain"
        | "gpg-agent"
        | "register-python-argcomplete" => true,
        "direnv" | "brew" | "pyenv" | "rbenv" | "nodenv" | "jenv" | "goenv" | "starship"
        | "zoxide" | "fnm" | "mise" | "rtx" | "asdf" | "opam" | "luarocks" | "fzf" | "atuin"
        | "mcfly" | "thefuck" | "conda" | "mamba" | "micromamba" | "minikube"
        | "docker-machine" | "devbox" | "vfox" | "nodenv-init" => [
            "hook",
            "export",
            "shellenv",
            "init",
            "env",
            "activate",
            "shell.bash",
            "shell.zsh",
            "shell.posix",
            "docker-env",
            "path",
            "--bash",
            "--zsh",
            "--alias",
            "global",
        ]
        .contains(&first),
        _ => args
            .iter()
            .any(|a| a == "completion" || a == "completions" || a == "shell-init"),
    }
}
