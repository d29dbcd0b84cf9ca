//! Programs that run other programs: shells, and everything the tables mark
//! with `run`.

use super::args::{Args, Grammar};
use super::shell_run::{Place, Shell};
use super::table;
use crate::shell::{HOLE, has_hole};
use crate::target::{Target, resolve};

/// Shells: they take text after `-c`, a file, or their input.
const SHELLS: &[&str] = &[
    "sh", "bash", "zsh", "dash", "ksh", "ash", "fish", "rbash", "mksh", "sh5", "bash5",
];

impl Shell<'_> {
    /// Runs what a wrapper wraps; `None` when the program is no wrapper.
    pub(super) fn run_wrapper(
        &mut self,
        name: &str,
        args: &[String],
        stdin: Option<&str>,
    ) -> Option<String> {
        if SHELLS.contains(&name) {
            return Some(self.run_shell(args, stdin));
        }
        match name {
            "busybox" | "toybox" => {
                if SHELLS.contains(&args.first()?.as_str()) {
                    return Some(self.run_shell(args.get(1..)?, stdin));
                }
                Some(self.run_argv(args, stdin))
            }
            "xargs" | "gxargs" => Some(self.run_xargs(args, stdin)),
            "parallel" => Some(self.run_parallel(args, stdin)),
            "env" => Some(self.run_env(args, stdin)),
            "su" | "runuser" | "sg" => Some(self.run_su(args, stdin)),
            "ssh" | "mosh" | "autossh" => Some(self.run_ssh(args, stdin)),
            "watch" | "at" | "batch" | "script" | "nix-shell" | "tmux" | "screen" | "entr"
            | "expect" => self.run_text_option(name, args, stdin),
            _ => None,
        }
    }

    fn run_shell(&mut self, args: &[String], stdin: Option<&str>) -> String {
        for name in ["BASH_ENV", "ENV"] {
            if let Some(Some(path)) = crate::shell::expand_var(&self.vars, name)
                && let Some(text) = self.file_text(&path)
            {
                self.in_subshell(|shell| shell.run_code(&text, None));
            }
        }
        self.in_subshell(|shell| {
            shell.run_variables(&["PROMPT_COMMAND"]);
            String::new()
        });
        let mut rest = args;
        let mut command = false;
        while let [first, tail @ ..] = rest {
            if !(first.starts_with('-') || first.starts_with('+')) || first == "-" {
                break;
            }
            rest = tail;
            if first == "--" {
                break;
            }
            if first.starts_with("--") {
                if matches!(first.as_str(), "--rcfile" | "--init-file") {
                    rest = rest.get(1..).unwrap_or(&[]);
                }
                continue;
            }
            if first.contains('n') && first.starts_with('-') && !first.contains('c') {
                self.note("only checks the syntax");
                return String::new();
            }
            command |= first.starts_with('-') && first.contains('c');
            if first.ends_with('o') || first.ends_with('O') {
                rest = rest.get(1..).unwrap_or(&[]);
            }
            if first.contains('s') && !command {
                return self.run_input(stdin);
            }
        }
        if command {
            let Some((text, operands)) = rest.split_first() else {
                return String::new();
            };
            let saved = (operands.len() > 1).then(|| {
                self.vars
                    .positional
                    .replace(operands.get(1..).unwrap_or(&[]).to_vec())
            });
            let output = self.in_subshell(|shell| shell.run_code(text, stdin));
            if let Some(saved) = saved {
                self.vars.positional = saved;
            }
            return output;
        }
        match rest.split_first() {
            None => self.run_input(stdin),
            Some((path, _)) if path == "-" || path == "/dev/stdin" => self.run_input(stdin),
            Some((path, operands)) => match self.file_text(path) {
                Some(text) => {
                    let saved = self.vars.positional.replace(operands.to_vec());
                    let output = self.in_subshell(|shell| shell.run_code(&text, stdin));
                    self.vars.positional = saved;
                    output
                }
                None => self.run_unread_script(path),
            },
        }
    }

    /// A script whose text the caller did not give: only its name can tell.
    fn run_unread_script(&mut self, path: &str) -> String {
        let name = super::dispatch::program_name(path);
        let stem = name.split('.').next().unwrap_or(name);
        if has_hole(path) || path.starts_with("/dev/fd/") {
            self.unknown("runs a script that nobody can read beforehand", path);
        } else if super::vocabulary::is_strong_verb(stem) {
            self.unknown("runs a script named for destruction", path);
        } else {
            self.note("the script's text is not known");
        }
        HOLE.to_string()
    }

    fn run_input(&mut self, stdin: Option<&str>) -> String {
        match stdin {
            Some(text) => self.in_subshell(|shell| shell.run_code(text, None)),
            None => String::new(),
        }
    }

    pub(super) fn in_subshell(&mut self, f: impl FnOnce(&mut Self) -> String) -> String {
        let saved = (self.vars.clone(), self.cwd.clone());
        let output = f(self);
        (self.vars, self.cwd) = saved;
        output
    }

    fn run_env(&mut self, args: &[String], stdin: Option<&str>) -> String {
        let mut at = 0;
        let saved = self.vars.clone();
        let mut text = None;
        while let Some(arg) = args.get(at) {
            at += 1;
            match arg.as_str() {
                "-u" | "-C" | "--unset" | "--chdir" => at += 1,
                "-S" | "--split-string" => {
                    text = args.get(at).cloned();
                    at += 1;
                }
                "--" => break,
                _ if arg.starts_with("-S") => text = arg.get(2..).map(str::to_owned),
                _ if arg.starts_with('-') => {}
                _ => match arg.split_once('=') {
                    Some((name, value)) if !name.is_empty() => {
                        self.vars.set(name, value.to_owned());
                    }
                    _ => {
                        at -= 1;
                        break;
                    }
                },
            }
        }
        let rest = args.get(at..).unwrap_or(&[]);
        let output = match text {
            Some(text) => self.run_code(
                &format!("{text} {}", super::dispatch::quote_all(rest)),
                stdin,
            ),
            None if rest.is_empty() => HOLE.to_string(),
            None => self.run_argv(rest, stdin),
        };
        self.vars = saved;
        output
    }

    fn run_su(&mut self, args: &[String], stdin: Option<&str>) -> String {
        let grammar = Grammar {
            values: "-c --command -s --shell -g -G -u --user",
            ..Grammar::default()
        };
        let parsed = Args::parse(args, &grammar);
        if let Some(text) = parsed.value(&["-c", "--command"]) {
            return self.in_subshell(|shell| shell.run_code(text, stdin));
        }
        if let Some((at, _)) = args.iter().enumerate().find(|(_, a)| *a == "--") {
            return self.run_argv(args.get(at + 1..).unwrap_or(&[]), stdin);
        }
        self.run_input(stdin)
    }

    fn run_ssh(&mut self, args: &[String], stdin: Option<&str>) -> String {
        let grammar = Grammar {
            values: "-B -b -c -D -E -e -F -I -i -J -L -l -m -O -o -p -P -Q -R -S -W -w --ssh",
            stop_after: Some(0),
            ..Grammar::default()
        };
        let parsed = Args::parse(args, &grammar);
        let Some((at, host)) = parsed.positionals.first().copied() else {
            return HOLE.to_string();
        };
        let tunnels = parsed.has(&["-L", "-D", "-W"]);
        for option in parsed.values(&["-o"]) {
            self.judge_ssh_option(option);
        }
        let own = parsed.value(&["-F"]).and_then(|path| self.file_text(path));
        for line in own.unwrap_or_default().lines().take(200) {
            self.judge_ssh_option(line.trim());
        }
        let rest = args.get(at + 1..).unwrap_or(&[]);
        let rest = rest.strip_prefix(&["--".to_owned()]).unwrap_or(rest);
        let target = resolve(
            vec![("ssh-host".to_owned(), host.to_owned())],
            self.context.targets(),
        );
        if tunnels {
            self.opens_tunnel(&target);
        }
        let text = rest.join(" ");
        let input = stdin.map(str::to_owned);
        let name = host.rsplit('@').next().unwrap_or(host);
        let itself = matches!(name, "localhost" | "::1") || name.starts_with("127.");
        let forwarded = parsed.has(&["-p", "-J"]);
        let place = if itself && !forwarded && self.place == Place::Here {
            // The same machine, with the same accounts: nothing is better for it.
            Place::Here
        } else {
            Place::Elsewhere(target)
        };
        self.at_place(place, |shell| {
            if text.is_empty() {
                shell.run_input(input.as_deref())
            } else {
                shell.run_code(&text, input.as_deref())
            }
        })
    }

    /// Options of ssh that name a command.
    pub(super) fn judge_ssh_option(&mut self, option: &str) {
        if let Some((name, command)) = option.split_once(['=', ' '])
            && matches!(
                name.to_ascii_lowercase().as_str(),
                "proxycommand" | "localcommand" | "knownhostscommand"
            )
        {
            self.run_code(command, None);
        }
    }

    /// Runs something on another host or in a container.
    pub(super) fn elsewhere(
        &mut self,
        target: Target,
        f: impl FnOnce(&mut Self) -> String,
    ) -> String {
        self.at_place(Place::Elsewhere(target), f)
    }

    pub(super) fn at_place(&mut self, place: Place, f: impl FnOnce(&mut Self) -> String) -> String {
        let saved = (
            self.vars.clone(),
            self.cwd.take(),
            std::mem::replace(&mut self.place, place),
        );
        let output = f(self);
        (self.vars, self.cwd, self.place) = saved;
        output
    }

    fn run_xargs(&mut self, args: &[String], stdin: Option<&str>) -> String {
        let grammar = Grammar {
            values: "-I -n -P -d -E -L -s -a --max-args --max-procs --delimiter --replace --arg-file --max-lines",
            stop_after: Some(0),
            ..Grammar::default()
        };
        let parsed = Args::parse(args, &grammar);
        let replace = parsed
            .value(&["-I"])
            .or_else(|| parsed.has(&["-i", "--replace"]).then_some("{}"));
        let file = parsed
            .value(&["-a", "--arg-file"])
            .and_then(|path| self.file_text(path));
        let input = file.as_deref().or(stdin);
        let Some((at, _)) = parsed.positionals.first() else {
            return input.unwrap_or("").to_owned();
        };
        let mut words = args.get(*at..).unwrap_or(&[]).to_vec();
        let items = match input {
            Some(text) if !has_hole(text) => text
                .split_whitespace()
                .take(64)
                .map(str::to_owned)
                .collect(),
            _ => vec![HOLE.to_string()],
        };
        self.many_inputs = input.is_none_or(has_hole);
        let output = match replace {
            Some(token) => {
                let mut output = String::new();
                for item in &items {
                    let replaced: Vec<String> =
                        words.iter().map(|w| w.replace(token, item)).collect();
                    output = self.run_argv(&replaced, None);
                }
                output
            }
            None => {
                words.extend(items);
                self.run_argv(&words, None)
            }
        };
        self.many_inputs = false;
        output
    }

    fn run_parallel(&mut self, args: &[String], stdin: Option<&str>) -> String {
        let grammar = Grammar {
            values: "-j --jobs -a --arg-file -n -N -I --colsep --delay --timeout --retries -S --sshlogin --joblog",
            stop_after: Some(0),
            ..Grammar::default()
        };
        let parsed = Args::parse(args, &grammar);
        let Some((at, _)) = parsed.positionals.first() else {
            return self.run_input(stdin);
        };
        let rest = args.get(*at..).unwrap_or(&[]);
        let split = rest.iter().position(|a| a.starts_with(":::"));
        let (command, items) = match split {
            Some(split) => (
                rest.get(..split).unwrap_or(&[]),
                rest.get(split + 1..).unwrap_or(&[]).to_vec(),
            ),
            None => (
                rest,
                stdin.filter(|t| !has_hole(t)).map_or_else(
                    || vec![HOLE.to_string()],
                    |t| t.lines().map(str::to_owned).collect(),
                ),
            ),
        };
        let text = command.join(" ");
        let mut output = String::new();
        for item in items.iter().take(64) {
            let line = if text.contains("{}") {
                text.replace("{}", item)
            } else {
                format!("{text} {item}")
            };
            output = self.run_code(&line, None);
        }
        output
    }

    /// Programs that take a command as text in an option or as their operands.
    fn run_text_option(
        &mut self,
        name: &str,
        args: &[String],
        stdin: Option<&str>,
    ) -> Option<String> {
        let values = match name {
            "watch" => "-n --interval -d",
            "script" => "-c --command -I -O -B -T -E -m -o -t",
            "nix-shell" => "--run --command -p --packages -I --arg --argstr",
            "tmux" => "-c -s -n -t -L -S -f -F -x -y -e",
            "screen" => "-S -c -h -T -t -L -s",
            "expect" => "-c -f -d",
            "entr" => "",
            _ => "-f -q -t",
        };
        let stop_after = matches!(name, "watch" | "screen" | "entr").then_some(0);
        let grammar = Grammar {
            values,
            stop_after,
            ..Grammar::default()
        };
        let parsed = Args::parse(args, &grammar);
        let text = match name {
            "script" => parsed.value(&["-c", "--command"])?.to_owned(),
            "nix-shell" => parsed.value(&["--run", "--command"])?.to_owned(),
            "at" | "batch" => stdin?.to_owned(),
            "tmux" => {
                let starts = [
                    "new-session",
                    "new",
                    "new-window",
                    "neww",
                    "split-window",
                    "splitw",
                    "send-keys",
                    "send",
                    "run-shell",
                    "run",
                    "respawn-pane",
                ];
                let (first, rest) = parsed.positionals.split_first()?;
                if !starts.contains(&first.1) {
                    return Some(HOLE.to_string());
                }
                rest.iter()
                    .map(|(_, t)| *t)
                    .filter(|t| !matches!(*t, "Enter" | "C-m"))
                    .collect::<Vec<_>>()
                    .join(" ")
            }
            "entr" if parsed.has(&["-s"]) => parsed.positional(0)?.to_owned(),
            "expect" => expected(parsed.value(&["-c"]).or(stdin)?),
            "screen" if args.iter().any(|a| a == "stuff") => {
                let typed = args.iter().skip_while(|a| *a != "stuff").nth(1)?;
                typed.replace("\\n", "\n")
            }
            "screen" | "entr" => {
                let (at, _) = parsed.positionals.first()?;
                return Some(self.run_argv(args.get(*at..)?, None));
            }
            "watch" => {
                let (at, _) = parsed.positionals.first()?;
                args.get(*at..)?.join(" ")
            }
            _ => return self.judge_by_table(name, args, stdin),
        };
        Some(self.run_code(&text, None))
    }

    /// Runs the rest of a table row marked `run`.
    pub(super) fn run_rest(
        &mut self,
        name: &str,
        effect: &str,
        args: &[String],
        used: usize,
        stdin: Option<&str>,
    ) -> String {
        let Some(block) = table::find(name) else {
            return HOLE.to_string();
        };
        let mut grammar = block.grammar();
        grammar.stop_after = Some(used);
        let parsed = Args::parse(args, &grammar);
        if effect == "throwaway" {
            self.judge_mounts(&parsed);
        }
        if effect == "throwaway"
            && let Some(program) = parsed.value(&["--entrypoint"])
        {
            // All that follows the image is for that program.
            grammar.stop_after = Some(used.saturating_sub(1));
            let parsed = Args::parse(args, &grammar);
            let image = parsed.positionals.get(used.saturating_sub(1));
            let rest = image.and_then(|(at, _)| args.get(at + 1..)).unwrap_or(&[]);
            let argv = [vec![program.to_owned()], rest.to_vec()].concat();
            return self.run_mounted(Self::container(&parsed), &parsed, &argv, stdin);
        }
        let Some((at, _)) = parsed.positionals.get(used).copied() else {
            // Nothing to run: what is piped in may be.
            return match (effect, stdin) {
                ("shell", Some(text)) => self.run_code(text, None),
                _ => HOLE.to_string(),
            };
        };
        let rest = args.get(at..).unwrap_or(&[]);
        let rest = rest
            .strip_prefix(&["--".to_owned()])
            .unwrap_or(rest)
            .to_vec();
        let facets = self.facets(block, &parsed);
        let input = stdin.map(str::to_owned);
        match effect {
            "remote" => {
                let target = resolve(facets, self.context.targets());
                self.elsewhere(target, |shell| {
                    shell.run_words_or_text(&rest, input.as_deref())
                })
            }
            "throwaway" => {
                let place = Self::container(&parsed);
                // An image named for a program runs that program.
                let image = parsed.positional(used.saturating_sub(1)).unwrap_or("");
                let image = image.rsplit('/').next().unwrap_or(image);
                let image = image.split([':', '@']).next().unwrap_or(image);
                let image = image.strip_suffix("-cli").unwrap_or(image);
                let argv = if table::find(image).is_some()
                    && rest
                        .first()
                        .is_some_and(|w| w != image && table::find(w).is_none())
                {
                    [vec![image.to_owned()], rest].concat()
                } else {
                    rest
                };
                self.run_mounted(place, &parsed, &argv, input.as_deref())
            }
            // The subcommand itself is a program (`microk8s kubectl …`).
            "self" => {
                let at = parsed.positionals.first().map_or(0, |(at, _)| *at);
                self.run_argv(args.get(at..).unwrap_or(&[]), stdin)
            }
            "package" => {
                let mut argv = rest;
                if let Some(first) = argv.first_mut() {
                    *first = package_program(first);
                }
                self.run_argv(&argv, stdin)
            }
            "each" => {
                for text in &rest {
                    self.run_code(text, None);
                }
                HOLE.to_string()
            }
            "nix" => {
                let mut argv: Vec<String> = parsed
                    .value(&["-c", "--command"])
                    .map(str::to_owned)
                    .into_iter()
                    .collect();
                argv.extend(rest);
                self.run_argv(&argv, stdin)
            }
            "aws-profile" => {
                let profile = parsed
                    .positional(used.saturating_sub(1))
                    .unwrap_or("")
                    .to_owned();
                self.in_subshell(|shell| {
                    shell.vars.set("AWS_PROFILE", profile);
                    shell.run_words_or_text(&rest, stdin)
                })
            }
            _ => self.run_words_or_text(&rest, stdin),
        }
    }

    /// Runs the text that options (`--command`) or positionals (`$3`) hold.
    pub(super) fn run_given_text(
        &mut self,
        block: table::Block,
        parsed: &Args<'_>,
        place: &str,
        sources: &str,
    ) -> String {
        let mut texts: Vec<String> = Vec::new();
        for source in sources.split(',') {
            match source
                .strip_prefix('$')
                .and_then(|i| i.parse::<usize>().ok())
            {
                Some(index) => texts.push(
                    parsed
                        .positionals
                        .iter()
                        .skip(index.saturating_sub(1))
                        .map(|(_, t)| *t)
                        .collect::<Vec<_>>()
                        .join(" "),
                ),
                None => texts.extend(parsed.values(&[source]).map(str::to_owned)),
            }
        }
        let run = |shell: &mut Self| {
            let mut output = String::new();
            for text in &texts {
                output = shell.run_code(text, None);
            }
            output
        };
        if place == "remote" {
            let target = resolve(self.facets(block, parsed), self.context.targets());
            self.elsewhere(target, run)
        } else {
            self.in_subshell(run)
        }
    }

    /// Where a new container runs: with something of this machine in it, or without.
    fn container(parsed: &Args<'_>) -> Place {
        let mounted = parsed
            .values(&["-v", "--volume", "--mount"])
            .any(|m| !m.is_empty());
        let free = parsed.has(&["--privileged"]) || parsed.value(&["--pid"]) == Some("host");
        if mounted || free {
            Place::Here
        } else {
            Place::Throwaway
        }
    }

    /// What guards this machine, given to a container that may write it.
    fn judge_mounts(&mut self, parsed: &Args<'_>) {
        let volumes = parsed.values(&["-v", "--volume", "--mount"]);
        let writable =
            volumes.filter(|volume| !volume.ends_with(":ro") && !volume.contains("readonly"));
        for volume in writable.collect::<Vec<_>>() {
            let host = volume
                .split(',')
                .find_map(|part| {
                    part.strip_prefix("source=")
                        .or_else(|| part.strip_prefix("src="))
                })
                .unwrap_or_else(|| volume.split(':').next().unwrap_or(volume));
            if self.spot(host) == super::paths::Spot::Guard {
                let reason = "gives a container what guards this machine";
                self.hits_guard(countersign_core::effect::Verb::Update, host, reason);
            }
        }
    }

    /// In a container with host paths mounted: the paths are translated back.
    fn run_mounted(
        &mut self,
        place: Place,
        parsed: &Args<'_>,
        rest: &[String],
        stdin: Option<&str>,
    ) -> String {
        if place == Place::Throwaway {
            return self.at_place(place, |shell| shell.run_words_or_text(rest, stdin));
        }
        let mounts: Vec<(String, String)> = parsed
            .values(&["-v", "--volume"])
            .filter_map(|m| {
                let mut parts = m.split(':');
                let host = parts.next()?;
                let inside = parts.next()?;
                Some((
                    self.absolute(host)
                        .filter(|_| host.starts_with(['/', '.', '~']))
                        .unwrap_or_else(|| format!("/var/lib/docker/volumes/{host}")),
                    inside.to_owned(),
                ))
            })
            .collect();
        let saved = std::mem::replace(&mut self.mounts, mounts);
        let cwd = self.cwd.take();
        let output = self.run_words_or_text(rest, stdin);
        self.cwd = cwd;
        self.mounts = saved;
        output
    }

    /// One word with blanks is text for a shell; several are a command.
    fn run_words_or_text(&mut self, rest: &[String], stdin: Option<&str>) -> String {
        match rest {
            [only] if only.contains(' ') => self.run_code(only, stdin),
            // No program has blanks in its name: the words are text (`heroku run 'rm x' -a app`).
            [first, ..] if first.contains(' ') && !first.starts_with(['/', '.', '~']) => {
                self.run_code(&rest.join(" "), stdin)
            }
            // `sudo NAME=value program` sets the variable for the program.
            [first, tail @ ..] if is_assignment(first) => {
                let (name, value) = first.split_once('=').unwrap_or((first, ""));
                self.in_subshell(|shell| {
                    shell.vars.set(name, value.to_owned());
                    shell.run_words_or_text(tail, stdin)
                })
            }
            _ => self.run_argv(rest, stdin),
        }
    }
}

/// The programs an `expect` script spawns, one a line.
fn expected(script: &str) -> String {
    script
        .split([';', '\n'])
        .filter_map(|line| {
            let line = line.trim();
            line.strip_prefix("spawn ")
                .or_else(|| line.strip_prefix("exec "))
        })
        .collect::<Vec<_>>()
        .join("\n")
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty()
            && !name.starts_with(|c: char| c.is_ascii_digit())
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    })
}

/// The program a package runs: `aws-cdk@2` is `cdk`.
fn package_program(package: &str) -> String {
    let bare = match package.get(1..).and_then(|rest| rest.find('@')) {
        Some(at) => package.get(..=at).unwrap_or(package),
        None => package,
    };
    match bare {
        "aws-cdk" => "cdk",
        "netlify-cli" => "netlify",
        "firebase-tools" => "firebase",
        "@railway/cli" => "railway",
        "cdktf-cli" => "cdktf",
        "@nestjs/cli" => "nest",
        other => other,
    }
    .to_owned()
}
