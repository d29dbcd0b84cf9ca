//! Git: the commands that its options, its configuration and its environment
//! make it run. What its own commands do is in `data/commands/forges.tsv`.

use countersign_core::effect::Verb;

use super::args::{Args, Grammar};
use super::shell_run::Shell;
use crate::shell::expand_var;

/// Commands of git that change nothing but the work tree and its branches.
const WORK_TREE: &[&str] = &[
    "add", "am", "checkout", "clean", "commit", "merge", "rebase", "reset", "restore", "rm",
    "stash", "switch",
];

impl Shell<'_> {
    /// Commands git runs through its configuration; true when that is all.
    pub(super) fn judge_git(&mut self, args: &[String]) -> bool {
        const RUN_BY_GIT: &[&str] = &[
            "GIT_SSH_COMMAND",
            "GIT_SSH",
            "GIT_PAGER",
            "GIT_EDITOR",
            "GIT_SEQUENCE_EDITOR",
            "GIT_EXTERNAL_DIFF",
            "GIT_ASKPASS",
            "GIT_PROXY_COMMAND",
            "PAGER",
            "EDITOR",
            "VISUAL",
            "SSH_ASKPASS",
        ];
        self.run_variables(RUN_BY_GIT);
        self.judge_git_environment();
        let grammar = Grammar {
            before: "-C -c --git-dir --work-tree --namespace --config-env",
            stop_after: Some(0),
            ..Grammar::default()
        };
        let parsed = Args::parse(args, &grammar);
        for (key, value) in parsed
            .values(&["-c"])
            .filter_map(|pair| pair.split_once('='))
        {
            self.judge_git_config(key, value);
        }
        for pair in parsed.values(&["--config-env"]) {
            let (key, name) = pair.split_once('=').unwrap_or((pair, ""));
            let value = self.variable(name).unwrap_or_default();
            self.judge_git_config(key, &value);
        }
        if let Some(dir) = parsed.value(&["--exec-path"]) {
            self.judge_exec_path(dir);
        }
        let Some((at, command)) = parsed.positionals.first().copied() else {
            return true;
        };
        let rest = args.get(at + 1..).unwrap_or(&[]);
        let away = |dir: &str| self.spot(dir) == super::paths::Spot::Throwaway;
        if WORK_TREE.contains(&command) && parsed.value(&["-C"]).is_some_and(away) {
            self.note("a work tree in a temporary directory");
            return true;
        }
        if command == "clone" {
            let pairs = rest.windows(2).filter_map(|pair| match pair {
                [flag, value] if flag == "-c" || flag == "--config" => value.split_once('='),
                _ => None,
            });
            for (key, value) in pairs {
                self.judge_git_config(key, value);
            }
        }
        self.run_by_git(command, rest);
        for text in rest.iter().filter_map(|arg| arg.strip_prefix("ext::")) {
            self.run_code(text, None);
        }
        if command == "config" {
            self.judge_config_command(rest);
        }
        if let Some(text) = self.aliases.get(&format!("git {command}")).cloned() {
            match text.strip_prefix('!') {
                Some(shell) => drop(self.run_code(shell, None)),
                None => drop(self.run_code(
                    &format!("git {text} {}", super::dispatch::quote_all(rest)),
                    None,
                )),
            }
            return true;
        }
        false
    }

    /// Commands that git is told to run in its arguments.
    fn run_by_git(&mut self, command: &str, rest: &[String]) {
        let options: &[&str] = match command {
            "rebase" => &["-x", "--exec"],
            "difftool" | "mergetool" => &["-x", "--extcmd"],
            "grep" => &["-O", "--open-files-in-pager"],
            "bisect" => {
                if let Some(("run", words)) = rest.split_first().map(|(w, r)| (w.as_str(), r)) {
                    self.run_argv(words, None);
                }
                return;
            }
            "submodule" => {
                let words = rest.iter().filter(|a| !a.starts_with('-'));
                let words: Vec<&str> = words.map(String::as_str).collect();
                if let ["foreach", words @ ..] = words.as_slice() {
                    self.run_code(&words.join(" "), None);
                }
                return;
            }
            _ => return,
        };
        for (at, arg) in rest.iter().enumerate() {
            let line = options.iter().find_map(|option| {
                if arg == option {
                    return rest.get(at + 1).map(String::as_str);
                }
                let given = arg.strip_prefix(option)?;
                let long = option.starts_with("--");
                given.strip_prefix('=').or((!long).then_some(given))
            });
            if let Some(line) = line {
                self.run_code(line, None);
            }
        }
    }

    /// `git config KEY VALUE` and `git config set KEY VALUE`: what stays.
    fn judge_config_command(&mut self, rest: &[String]) {
        let grammar = Grammar {
            values: "-f --file --blob --type --default --comment --value --url",
            ..Grammar::default()
        };
        let parsed = Args::parse(rest, &grammar);
        let words = parsed.positionals.iter().map(|(_, word)| *word);
        let words: Vec<&str> = words.filter(|word| *word != "set").collect();
        let [key, value, ..] = words.as_slice() else {
            return;
        };
        self.judge_git_config(key, value);
        // Whoever uses the alias later does not see what it stands for.
        if key.to_ascii_lowercase().starts_with("alias.")
            && let Some(shell) = value.strip_prefix('!')
        {
            self.run_code(shell, None);
        }
    }

    /// Configuration that comes in variables.
    ///
    /// Source: git-config(1), "Environment" (`GIT_CONFIG_COUNT`); git's `config.c`
    /// (`GIT_CONFIG_PARAMETERS`: `'key=value'` or `'key'='value'`).
    fn judge_git_environment(&mut self) {
        /// More pairs than anybody sets by hand.
        const MOST: usize = 64;
        let given = |shell: &Self, name: &str| expand_var(&shell.vars, name).flatten();
        let mut pairs = Vec::new();
        if let Some(count) = given(self, "GIT_CONFIG_COUNT") {
            let count = count.trim().parse().unwrap_or(MOST).min(MOST);
            for at in 0..count {
                let key = given(self, &format!("GIT_CONFIG_KEY_{at}"));
                let value = given(self, &format!("GIT_CONFIG_VALUE_{at}"));
                pairs.extend(key.zip(value));
            }
        }
        if let Some(text) = given(self, "GIT_CONFIG_PARAMETERS") {
            let text = text.replace("'='", "=");
            let quoted = text.split('\'').skip(1).step_by(2).take(MOST);
            let split = quoted.filter_map(|pair| pair.split_once('='));
            pairs.extend(split.map(|(key, value)| (key.to_owned(), value.to_owned())));
        }
        for (key, value) in pairs {
            self.judge_git_config(&key, &value);
        }
        if let Some(dir) = given(self, "GIT_EXEC_PATH") {
            self.judge_exec_path(&dir);
        }
    }

    /// Where git takes the programs from that its commands are.
    fn judge_exec_path(&mut self, dir: &str) {
        let system = [
            "/usr/",
            "/opt/",
            "/Library/",
            "/Applications/",
            "/nix/store/",
        ];
        if !dir.is_empty() && !system.iter().any(|known| dir.starts_with(known)) {
            self.unknown("git is told to take its commands from elsewhere", dir);
        }
    }

    fn judge_git_config(&mut self, key: &str, value: &str) {
        const RUN: &[&str] = &[
            "core.alternaterefscommand",
            "core.askpass",
            "core.editor",
            "core.fsmonitor",
            "core.gitproxy",
            "core.pager",
            "core.sshcommand",
            "diff.external",
            "gpg.program",
            "interactive.difffilter",
            "sequence.editor",
            "uploadpack.packobjectshook",
        ];
        // The last part of a key of three (`filter.NAME.clean`), by its first.
        const RUN_BY_NAME: &[(&str, &[&str])] = &[
            ("browser", &["cmd"]),
            ("credential", &["helper"]),
            ("diff", &["command", "textconv"]),
            ("difftool", &["cmd"]),
            ("filter", &["clean", "smudge", "process"]),
            ("gpg", &["program", "defaultkeycommand"]),
            ("man", &["cmd"]),
            ("merge", &["driver"]),
            ("mergetool", &["cmd"]),
            ("remote", &["receivepack", "uploadpack"]),
            ("trailer", &["cmd", "command"]),
        ];
        let key = key.to_ascii_lowercase();
        if key == "core.hookspath" {
            self.hits_guard(Verb::Update, &key, "points git away from its hooks");
            return;
        }
        if let Some(alias) = key.strip_prefix("alias.") {
            self.aliases
                .insert(format!("git {alias}"), value.to_owned());
            return;
        }
        let first = key.split('.').next().unwrap_or_default();
        let last = key.rsplit('.').next().unwrap_or_default();
        let by_name = RUN_BY_NAME
            .iter()
            .any(|(section, names)| *section == first && names.contains(&last));
        if by_name || first == "pager" || RUN.contains(&key.as_str()) {
            self.run_code(value.trim_start_matches('!'), None);
        }
    }
}
