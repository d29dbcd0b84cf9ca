//! Programs whose arguments hold commands in a form of their own.

use countersign_core::effect::Verb;

use super::args::{Args, Grammar};
use super::shell_run::{Place, Shell};
use crate::shell::{HOLE, has_hole};
use crate::target::resolve;

/// Servers whose end others notice.
const SERVERS: &[&str] = &[
    "postgres",
    "postmaster",
    "mysqld",
    "mariadbd",
    "mongod",
    "redis-server",
    "nginx",
    "httpd",
    "apache2",
    "haproxy",
    "envoy",
    "dockerd",
    "containerd",
    "kubelet",
    "etcd",
    "sshd",
    "systemd",
    "init",
    "java",
    "kafka",
    "consul",
    "vault",
    "rabbitmq-server",
    "beam.smp",
    "memcached",
];

/// The command in an address of `socat`: `EXEC:'cmd',pty`.
fn program_of_socat(address: &str) -> Option<&str> {
    let (kind, rest) = address.split_once(':')?;
    let runs = kind.eq_ignore_ascii_case("exec") || kind.eq_ignore_ascii_case("system");
    runs.then(|| {
        rest.split(',')
            .next()
            .unwrap_or(rest)
            .trim_matches(['\'', '"'])
    })
}

/// Programs that start the pager, editor or browser that a variable names.
const START_OTHERS: &[&str] = &[
    "crontab",
    "fc",
    "gh",
    "glab",
    "info",
    "journalctl",
    "kubectl",
    "less",
    "man",
    "sudoedit",
    "systemctl",
    "visudo",
];

impl Shell<'_> {
    /// Judges such a program; false when a table should decide.
    pub(super) fn judge_special(
        &mut self,
        name: &str,
        args: &[String],
        stdin: Option<&str>,
    ) -> bool {
        if START_OTHERS.contains(&name) {
            self.run_variables(&[
                "PAGER", "MANPAGER", "LESSOPEN", "EDITOR", "VISUAL", "BROWSER",
            ]);
        }
        match name {
            "git" => self.judge_git(args),
            "mc" => self.judge_mc(args),
            "socat" => {
                for text in args.iter().filter_map(|a| program_of_socat(a)) {
                    self.run_code(text, None);
                }
                false
            }
            "sort" => {
                let program = args
                    .iter()
                    .find_map(|a| a.strip_prefix("--compress-program="));
                if let Some(program) = program {
                    self.run_code(program, None);
                }
                true
            }
            // Text typed into another terminal is run there.
            "kitty" | "kitten" | "wezterm" | "zellij" => {
                let typed = ["send-text", "write-chars"];
                if let Some(at) = args.iter().position(|a| typed.contains(&a.as_str())) {
                    let rest = args.get(at + 1..).unwrap_or(&[]);
                    let text = rest.iter().filter(|a| !a.starts_with('-'));
                    for text in text.map(|a| a.replace("\\n", "\n")).collect::<Vec<_>>() {
                        self.run_code(&text, None);
                    }
                }
                true
            }
            "hg" => {
                let parsed = Args::parse(
                    args,
                    &Grammar {
                        values: "--config -R --repository --cwd",
                        ..Grammar::default()
                    },
                );
                for pair in parsed.values(&["--config"]).collect::<Vec<_>>() {
                    if let Some((_, line)) = pair.split_once("=!") {
                        self.run_code(line, None);
                    }
                }
                false
            }
            "emacs" | "emacsclient" => {
                self.judge_lisp(args);
                true
            }
            "ssh-keygen" => {
                self.judge_new_key(args, stdin);
                true
            }
            "direnv" => {
                self.judge_direnv(args);
                false
            }
            "gdb" | "lldb" => {
                let parsed = Args::parse(
                    args,
                    &Grammar {
                        values: "-ex -x -iex -p -o",
                        style: super::args::Style::Single,
                        ..Grammar::default()
                    },
                );
                for text in parsed.values(&["-ex", "-iex", "-o"]).collect::<Vec<_>>() {
                    let line = text
                        .strip_prefix("shell ")
                        .or_else(|| text.strip_prefix('!'));
                    let line = line.or_else(|| text.strip_prefix("platform shell "));
                    // The debugged program is told to call it.
                    let call = text.split_once("system(\"").map(|(_, rest)| rest);
                    let call = call.and_then(|rest| rest.rsplit_once("\")"));
                    if let Some(line) = line.or(call.map(|(line, _)| line)) {
                        self.run_code(line, None);
                    }
                }
                true
            }
            "less" | "more" => {
                for arg in args.iter().filter_map(|a| a.strip_prefix('+')) {
                    if let Some(line) = arg.trim_start_matches('+').strip_prefix('!') {
                        self.run_code(line, None);
                    }
                }
                true
            }
            "scp" | "sftp" | "slogin" => {
                let parsed = Args::parse(
                    args,
                    &Grammar {
                        values: "-S -o -i -F -P -J -l -c -D -X -b",
                        ..Grammar::default()
                    },
                );
                if let Some(program) = parsed.value(&["-S"]) {
                    self.run_code(program, None);
                }
                for option in parsed.values(&["-o"]).collect::<Vec<_>>() {
                    self.judge_ssh_option(option);
                }
                false
            }
            "kill" | "pkill" | "killall" | "skill" => {
                self.judge_kill(name, args);
                true
            }
            "bun"
                if args
                    .iter()
                    .any(|a| matches!(a.as_str(), "-e" | "--eval" | "-p" | "--print")) =>
            {
                self.judge_interpreter(name, args, stdin)
            }
            "npm" | "yarn" | "pnpm" | "bun" => self.judge_package_script(name, args),
            "make" | "gmake" => {
                self.judge_make(args, stdin);
                true
            }
            "just" | "task" | "go-task" => {
                self.judge_recipe(name, args);
                true
            }
            "mage" | "invoke" | "inv" => {
                self.judge_named_task(args);
                true
            }
            "composer" => self.judge_composer_script(args),
            "go" if args.first().is_some_and(|a| a == "run") => {
                self.judge_go_run(args);
                true
            }
            "vim" | "vi" | "nvim" | "ex" | "view" => {
                for text in Args::parse(
                    args,
                    &Grammar {
                        values: "-c --cmd -S -u",
                        ..Grammar::default()
                    },
                )
                .values(&["-c", "--cmd"])
                {
                    if let Some(command) = text.trim_start_matches([':', '%']).strip_prefix('!') {
                        self.run_code(command, None);
                    }
                }
                true
            }
            "awk" | "gawk" | "mawk" => {
                // Behind an escaped quote the call stands in a string.
                let called = |program: &'_ String| {
                    let mut calls = program.split("system(").skip(1);
                    calls
                        .find(|rest| !rest.trim_start().starts_with("\\\""))
                        .map(str::to_owned)
                };
                for call in args.iter().filter_map(called) {
                    match call.split('"').nth(1) {
                        Some(text) => drop(self.run_code(text, None)),
                        None => self.note("runs a command it computes"),
                    }
                }
                true
            }
            "rg" => {
                let parsed = Args::parse(
                    args,
                    &Grammar {
                        values: "--pre -e -g -t -T -A -B -C -f -m --type --glob",
                        ..Grammar::default()
                    },
                );
                if let Some(command) = parsed.value(&["--pre"]) {
                    self.run_code(command, None);
                }
                true
            }
            "osascript" | "tclsh" | "wish" => self.judge_script_language(name, args, stdin),
            "ansible" => {
                self.judge_ansible(args);
                true
            }
            "salt" | "salt-ssh" => {
                if args.iter().any(|a| a == "cmd.run" || a == "cmd.shell") {
                    let target = resolve(
                        vec![(
                            "inventory".to_owned(),
                            args.first().cloned().unwrap_or_default(),
                        )],
                        self.context.targets(),
                    );
                    let text = args
                        .iter()
                        .skip_while(|a| !a.starts_with("cmd."))
                        .nth(1)
                        .cloned()
                        .unwrap_or_default();
                    self.elsewhere(target, |shell| shell.run_code(&text, None));
                    return true;
                }
                false
            }
            "perl"
                if args
                    .iter()
                    .any(|a| a.starts_with("-i") || a.starts_with("-pi")) =>
            {
                for path in args.iter().skip(1).filter(|a| !a.starts_with('-')) {
                    self.judge_write(path, true);
                }
                self.judge_interpreter(name, args, stdin)
            }
            "artisan" | "console" | "manage.py" | "rails" | "rake" => false,
            _ => self.judge_interpreter(name, args, stdin),
        }
    }

    /// `mc`, whose aliases are named on the way; true when what it does is judged.
    fn judge_mc(&mut self, args: &[String]) -> bool {
        if let [group, verb, name, url, ..] = args
            && matches!(
                (group.as_str(), verb.as_str()),
                ("alias", "set" | "import") | ("config", "host")
            )
        {
            self.aliases.insert(format!("mc {name}"), url.clone());
            return true;
        }
        let known = args.iter().find_map(|arg| {
            let alias = arg.split('/').next()?;
            self.aliases.get(&format!("mc {alias}"))
        });
        let Some(url) = known.cloned() else {
            return false;
        };
        let target = resolve(vec![("endpoint".to_owned(), url)], self.context.targets());
        let tolerated = target.environment <= countersign_core::effect::Environment::Development;
        if tolerated {
            self.note("the alias stands for a server that is made to be broken");
        }
        tolerated
    }

    /// Emacs Lisp given on the command line.
    fn judge_lisp(&mut self, args: &[String]) {
        let parsed = Args::parse(
            args,
            &Grammar {
                values: "--eval -e --execute -l --load -f --funcall",
                ..Grammar::default()
            },
        );
        for code in parsed
            .values(&["--eval", "-e", "--execute"])
            .collect::<Vec<_>>()
        {
            let quoted = |name: &str| code.split(name).nth(1).map(|rest| rest.split('"').nth(1));
            for (name, tree) in [("(delete-directory", true), ("(delete-file", false)] {
                match quoted(name) {
                    Some(Some(path)) => self.judge_delete(path, tree),
                    Some(None) => self.unknown("a program deletes paths it computes", ""),
                    None => {}
                }
            }
            if let Some(Some(line)) = quoted("shell-command") {
                self.run_code(line, None);
            }
        }
    }

    /// `ssh-keygen -f FILE`, told beforehand to overwrite.
    fn judge_new_key(&mut self, args: &[String], stdin: Option<&str>) {
        let parsed = Args::parse(
            args,
            &Grammar {
                values: "-t -b -C -f -N -O -m -a -I -n -s -V -z -Y -r",
                ..Grammar::default()
            },
        );
        let agrees = stdin.is_some_and(|text| text.trim_start().starts_with(['y', 'Y']));
        let makes = !parsed.has(&["-l", "-y", "-R", "-F", "-e", "-i", "-p", "-Y", "-L", "-A"]);
        if let Some(path) = parsed.value(&["-f"]).filter(|_| agrees && makes) {
            self.destroys(
                Verb::Replace,
                "key",
                path,
                "overwrites a key that may be in use",
            );
        }
    }

    /// Runs what variables set on the way hold, as the program would.
    pub(super) fn run_variables(&mut self, names: &[&str]) {
        for name in names {
            if let Some(Some(text)) = crate::shell::expand_var(&self.vars, name) {
                self.run_code(&text, None);
            }
        }
    }

    /// `direnv allow [FILE]` and `direnv exec DIR …` run what `.envrc` says.
    fn judge_direnv(&mut self, args: &[String]) {
        let (command, place) = match args {
            [command, place, ..] => (command.as_str(), place.as_str()),
            [command] => (command.as_str(), "."),
            [] => return,
        };
        if !matches!(command, "allow" | "permit" | "grant" | "exec") {
            return;
        }
        let text = self.file_text(&format!("{place}/.envrc"));
        if let Some(text) = text.or_else(|| self.file_text(place)) {
            self.in_subshell(|shell| shell.run_code(&text, None));
        }
    }

    fn judge_kill(&mut self, name: &str, args: &[String]) {
        let mut targets: Vec<&String> = args.iter().collect();
        // The first `-9`, `-KILL`, `-s TERM` is the signal.
        let mut pairs = Vec::new();
        let mut at = 0;
        let mut signal = false;
        while let Some(arg) = targets.get(at) {
            match arg.as_str() {
                "-l" | "-L" | "-0" => return,
                "-s" | "-n" | "-u" | "-U" | "-g" | "-t" | "-P" | "--signal" => {
                    pairs.push(targets.get(at + 1).map_or("", |s| s.as_str()).to_owned());
                    at += 2;
                    continue;
                }
                "--" => {}
                text if text.starts_with('-')
                    && !signal
                    && (name != "kill" || at == 0 && targets.len() > 1) =>
                {
                    signal = true;
                }
                text => pairs.push(text.to_owned()),
            }
            at += 1;
        }
        targets.clear();
        for target in pairs {
            let process = target.strip_prefix("pid:").unwrap_or(&target);
            if process.contains("countersign") {
                self.hits_guard(Verb::Disrupt, &target, "ends the guard");
            } else if (name == "kill" && matches!(process, "-1" | "1"))
                || SERVERS.contains(&process)
            {
                self.destroys(
                    Verb::Disrupt,
                    "process",
                    &target,
                    "ends processes others depend on",
                );
            }
        }
    }

    /// `npm run X` and its kin, with the text from `package.json`.
    fn judge_package_script(&mut self, name: &str, args: &[String]) -> bool {
        const OWN: &[&str] = &[
            "install",
            "i",
            "ci",
            "add",
            "remove",
            "rm",
            "uninstall",
            "un",
            "publish",
            "unpublish",
            "pack",
            "view",
            "info",
            "audit",
            "update",
            "upgrade",
            "outdated",
            "init",
            "create",
            "link",
            "version",
            "config",
            "cache",
            "login",
            "logout",
            "whoami",
            "owner",
            "dist-tag",
            "deprecate",
            "access",
            "team",
            "token",
            "exec",
            "x",
            "dlx",
            "why",
            "ls",
            "list",
            "prune",
            "dedupe",
            "rebuild",
            "root",
            "bin",
            "help",
            "search",
            "set",
            "get",
            "import",
            "patch",
            "fund",
            "doctor",
            "ping",
            "npm",
            "workspaces",
            "node",
            "up",
            "store",
            "fetch",
            "env",
            "setup",
            "upgrade-interactive",
            "unlink",
            "global",
        ];
        let parsed = Args::parse(
            args,
            &Grammar {
                values: "--prefix -C --cwd --dir -w --workspace --filter -F",
                stop_after: Some(1),
                ..Grammar::default()
            },
        );
        let (script, used) = match (parsed.positional(0), parsed.positional(1)) {
            (Some("run" | "run-script" | "rum"), Some(script)) => (script, 1),
            (Some("workspace"), _) => return true,
            (Some(short @ ("test" | "t" | "tst" | "start" | "stop" | "restart")), _) => (
                if short.starts_with("t") {
                    "test"
                } else {
                    short
                },
                0,
            ),
            (Some(first), _) if name != "npm" && !OWN.contains(&first) => (first, 0),
            (Some("install" | "i" | "ci" | "rebuild"), None) => {
                let dir = parsed
                    .value(&["--prefix", "-C", "--cwd", "--dir"])
                    .unwrap_or(".");
                if !args.iter().any(|a| a == "--ignore-scripts") {
                    self.judge_lifecycle(dir);
                }
                return false;
            }
            _ => return false,
        };
        let dir = parsed
            .value(&["--prefix", "-C", "--cwd", "--dir"])
            .unwrap_or(".");
        let script = script.to_owned();
        let extra: Vec<String> = parsed
            .positionals
            .get(used)
            .map_or(&[][..], |(at, _)| args.get(at + 1..).unwrap_or(&[]))
            .iter()
            .filter(|a| *a != "--")
            .cloned()
            .collect();
        let text = self.file_text(&format!("{dir}/package.json"));
        let json: serde_json::Value = text
            .as_deref()
            .and_then(|text| serde_json::from_str(text).ok())
            .unwrap_or_default();
        let named = json
            .pointer("/scripts")
            .is_some_and(|s| s.get(&script).is_some());
        // What is no script is a program of a package: `pnpm prisma …`.
        if !named && used == 0 && name != "npm" && super::table::find(&script).is_some() {
            let argv = [vec![script], extra].concat();
            self.run_argv(&argv, None);
            return true;
        }
        if text.is_none() {
            self.judge_named_task(&[script]);
            return true;
        }
        let lookup = |name: &str| {
            json.pointer("/scripts")
                .and_then(|s| s.get(name))
                .and_then(|s| s.as_str())
                .map(str::to_owned)
        };
        let main =
            lookup(&script).map(|line| format!("{line} {}", super::dispatch::quote_all(&extra)));
        for line in [
            lookup(&format!("pre{script}")),
            main,
            lookup(&format!("post{script}")),
        ]
        .into_iter()
        .flatten()
        {
            let cwd = self.absolute(dir);
            self.in_subshell(|shell| {
                shell.cwd = cwd;
                shell.run_code(&line, None)
            });
        }
        true
    }

    /// Scripts of the project's own that an installation runs.
    fn judge_lifecycle(&mut self, dir: &str) {
        let text = self.file_text(&format!("{dir}/package.json"));
        let json: serde_json::Value = text
            .and_then(|text| serde_json::from_str(&text).ok())
            .unwrap_or_default();
        for name in ["preinstall", "install", "postinstall", "prepare"] {
            let line = json
                .pointer("/scripts")
                .and_then(|all| all.get(name)?.as_str());
            if let Some(line) = line {
                let cwd = self.absolute(dir);
                self.in_subshell(|shell| {
                    shell.cwd = cwd;
                    shell.run_code(line, None)
                });
            }
        }
    }

    /// A task whose text is not known: its name decides.
    pub(super) fn judge_named_task(&mut self, args: &[String]) {
        if let Some(task) = args
            .iter()
            .find(|a| !a.starts_with('-') && !a.contains('='))
        {
            if (super::vocabulary::is_strong_verb(task) || super::vocabulary::is_weak_verb(task))
                && !task.contains("test")
                && task != "uninstall"
            {
                self.unknown(
                    "a task named for destruction, whose text is not known",
                    task,
                );
            } else {
                self.note("the task's text is not known");
            }
        }
    }

    fn judge_make(&mut self, args: &[String], stdin: Option<&str>) {
        let parsed = Args::parse(
            args,
            &Grammar {
                values: "-C --directory -f --file --makefile -j -l -o -W -I --eval",
                ..Grammar::default()
            },
        );
        if parsed.is_on(&["-n", "--just-print", "--dry-run", "-q", "--help"]) {
            return;
        }
        // Every line of a recipe is given to this program.
        let shells = parsed.positionals.iter().map(|(_, text)| *text);
        for shell in shells
            .filter_map(|text| text.strip_prefix("SHELL="))
            .collect::<Vec<_>>()
        {
            self.run_code(shell, None);
        }
        for rules in parsed.values(&["--eval"]).collect::<Vec<_>>() {
            for recipe in rules.split(';').skip(1) {
                self.run_code(recipe, None);
            }
        }
        let dir = parsed
            .value(&["-C", "--directory"])
            .unwrap_or(".")
            .to_owned();
        let text = match parsed.value(&["-f", "--file", "--makefile"]) {
            Some("-" | "/dev/stdin") => stdin.map(str::to_owned),
            Some(path) => self.file_text(path),
            None => ["Makefile", "makefile", "GNUmakefile"]
                .iter()
                .find_map(|name| self.file_text(&format!("{dir}/{name}"))),
        };
        let goals: Vec<String> = parsed
            .positionals
            .iter()
            .map(|(_, t)| (*t).to_owned())
            .filter(|t| !t.contains('='))
            .collect();
        let Some(text) = text else {
            self.judge_named_task(&goals);
            return;
        };
        let cwd = self.absolute(&dir);
        let goals = if goals.is_empty() {
            first_goal(&text).into_iter().collect()
        } else {
            goals
        };
        self.in_subshell(|shell| {
            shell.cwd = cwd;
            for goal in goals {
                shell.run_goal(&text, &goal, &mut Vec::new());
            }
            String::new()
        });
    }

    /// Walks a goal's recipe and those of the goals it needs.
    fn run_goal(&mut self, text: &str, goal: &str, seen: &mut Vec<String>) {
        if !super::recipes::first_time(goal, seen) {
            return;
        }
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            let Some((targets, needs)) = line.split_once(':') else {
                continue;
            };
            if line.starts_with('\t') || !targets.split_ascii_whitespace().any(|t| t == goal) {
                continue;
            }
            let (needs, inline) = match needs.split_once(';') {
                Some((needs, recipe)) => (needs, Some(recipe)),
                None => (needs, None),
            };
            for need in needs.trim_start_matches(':').split_ascii_whitespace() {
                self.run_goal(text, need, seen);
            }
            let below = lines
                .by_ref()
                .take_while(|l| l.starts_with('\t') || l.trim().is_empty());
            for recipe in inline.into_iter().chain(below) {
                let command = recipe.trim_start().trim_start_matches(['@', '-', '+']);
                // Make's own variables are unknown to the shell that reads this.
                let command = command
                    .replace("$$", "\u{1}")
                    .replace("$(", "${")
                    .replace('\u{1}', "$");
                let command = if command.contains("${") {
                    command.replace(')', "}")
                } else {
                    command
                };
                self.run_code(&command, None);
            }
            return;
        }
    }

    fn judge_ansible(&mut self, args: &[String]) {
        let parsed = Args::parse(
            args,
            &Grammar {
                values: "-m --module-name -a --args -i --inventory -u -l --limit -e --extra-vars -f --forks -t",
                ..Grammar::default()
            },
        );
        if parsed.has(&["-C", "--check", "--list-hosts", "--version"]) {
            return;
        }
        let module = parsed.value(&["-m", "--module-name"]).unwrap_or("command");
        let module = module.rsplit('.').next().unwrap_or(module);
        let text = parsed.value(&["-a", "--args"]).unwrap_or("").to_owned();
        let hosts = parsed.positional(0).unwrap_or("").to_owned();
        let mut facets = vec![("host".to_owned(), hosts.clone())];
        if let Some(inventory) = parsed.value(&["-i", "--inventory"]) {
            facets.push(("inventory".to_owned(), inventory.to_owned()));
        }
        let target = resolve(facets, self.context.targets());
        let absent = [
            "state=absent",
            "state=stopped",
            "state=reset",
            "state=killed",
        ]
        .iter()
        .any(|s| text.contains(s));
        let here = matches!(hosts.as_str(), "localhost" | "127.0.0.1" | "localhost,");
        let place = if here && self.place == Place::Here {
            Place::Here
        } else {
            Place::Elsewhere(target)
        };
        self.at_place(place, |shell| {
            match module {
                "command" | "shell" | "raw" | "win_shell" => return shell.run_code(&text, None),
                "reboot" | "win_reboot" => {
                    shell.destroys(Verb::Disrupt, "hosts", &hosts, "reboots the hosts");
                }
                _ if absent => shell.destroys(
                    Verb::Delete,
                    module,
                    &text,
                    "removes or stops it on the hosts",
                ),
                "script" => shell.unknown("runs a script on the hosts", &text),
                _ => {}
            }
            HOLE.to_string()
        });
    }
}

/// The first goal of a makefile.
fn first_goal(text: &str) -> Option<String> {
    text.lines()
        .filter(|line| !line.starts_with(['\t', '#', '.', ' ']) && !line.contains(":="))
        .find_map(|line| line.split_once(':'))
        .and_then(|(targets, _)| targets.split_ascii_whitespace().next())
        .filter(|goal| !has_hole(goal))
        .map(str::to_owned)
}
