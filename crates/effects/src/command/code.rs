//! What programs in general-purpose languages do, judged with the rest.

use countersign_core::effect::Verb;

use super::args::{Args, Grammar};
use super::reading::Danger;
use super::record::Found;
use super::shell_run::Shell;
use super::statements::statements;
use crate::interpreter::{Action, Language, actions};
use crate::shell::HOLE;
use crate::target::{Target, resolve};

impl Shell<'_> {
    /// Judges an interpreter; false when the program is none.
    pub(super) fn judge_interpreter(
        &mut self,
        name: &str,
        args: &[String],
        stdin: Option<&str>,
    ) -> bool {
        let Some(language) = Language::of(name) else {
            return false;
        };
        let (values, code_options): (&str, &[&str]) = match language {
            Language::Python => ("-c -m -W -X", &["-c"]),
            Language::JavaScript => (
                "-e --eval -p --print -r --require --import",
                &["-e", "--eval", "-p", "--print"],
            ),
            Language::Ruby => ("-e -r -I -C", &["-e"]),
            Language::Perl => ("-e -E -I -M -m", &["-e", "-E"]),
            Language::Php => ("-r -f -d -c", &["-r"]),
            Language::Lua => ("-e -l", &["-e"]),
            Language::Go => return false,
            Language::R => ("-e", &["-e"]),
            Language::Elixir => ("-e --eval -r -S", &["-e", "--eval"]),
            Language::Julia => (
                "-e --eval -E --print -L -p -t --project",
                &["-e", "--eval", "-E"],
            ),
            Language::Groovy => ("-e -cp", &["-e"]),
        };
        // Everything behind a script or `-c CODE` belongs to the program.
        let parsed = Args::parse(
            args,
            &Grammar {
                values,
                stop_after: Some(0),
                ..Grammar::default()
            },
        );
        let mut given = false;
        for code in parsed.values(code_options).collect::<Vec<_>>() {
            given = true;
            self.judge_language(language, code);
        }
        let first = parsed.positional(0);
        match (name, first) {
            ("deno", Some("eval")) => {
                if let Some(code) = args.iter().skip(1).find(|a| !a.starts_with('-')) {
                    self.judge_language(language, code);
                }
                return true;
            }
            ("deno" | "bun", Some("run")) => {
                let script = args.iter().skip(1).find(|a| !a.starts_with('-'));
                let text = script.and_then(|path| self.file_text(path));
                if let Some(text) = &text {
                    self.judge_language(language, text);
                }
                return text.is_some();
            }
            ("deno" | "bun", Some("task" | "x" | "test" | "install" | "add")) => return false,
            _ => {}
        }
        if given || parsed.has(&["-V", "--version", "-m"]) {
            return parsed.value(&["-m"]).is_none() || given || !self.run_module(&parsed, args);
        }
        match first {
            None | Some("-" | "/dev/stdin") => {
                if let Some(text) = stdin {
                    self.judge_language(language, text);
                }
            }
            Some(path) if path.starts_with("/dev/fd/") || self.file_text(path).is_some() => {
                let text = self.file_text(path).unwrap_or_else(|| HOLE.to_string());
                self.judge_language(language, &text);
            }
            Some(path) => {
                let name = super::dispatch::program_name(path);
                if matches!(name, "manage.py" | "artisan" | "console" | "rails") {
                    let rest = args
                        .iter()
                        .skip_while(|a| a.as_str() != path)
                        .cloned()
                        .collect::<Vec<_>>();
                    self.run_argv(&rest, stdin);
                } else if super::vocabulary::is_strong_verb(name.split('.').next().unwrap_or(name))
                    && name.contains("prod")
                {
                    self.unknown("runs a script named for destruction", path);
                } else {
                    self.note("the script's text is not known");
                }
            }
        }
        true
    }

    /// `osascript` and `tclsh`: the commands their scripts give to a shell.
    pub(super) fn judge_script_language(
        &mut self,
        name: &str,
        args: &[String],
        stdin: Option<&str>,
    ) -> bool {
        let mut texts: Vec<String> = Vec::new();
        let grammar = Grammar {
            values: "-e -l -s",
            stop_after: Some(0),
            ..Grammar::default()
        };
        let parsed = Args::parse(args, &grammar);
        texts.extend(parsed.values(&["-e"]).map(str::to_owned));
        match parsed.positional(0) {
            Some(path) => texts.extend(self.file_text(path)),
            None => texts.extend(stdin.map(str::to_owned)),
        }
        for text in texts {
            if name == "osascript" {
                for piece in text.split("do shell script").skip(1) {
                    let mut quoted = piece.split('"').skip(1);
                    match quoted.next() {
                        Some(line) => drop(self.run_code(line, None)),
                        None => self.unknown("a script runs a command it computes", ""),
                    }
                }
                if text.contains("empty trash") || text.contains("empty the trash") {
                    self.destroys(Verb::Delete, "trash", "", "empties the trash");
                }
                continue;
            }
            for line in text.split([';', '\n', '{', '}']) {
                let line = line.trim().trim_matches('"');
                let command = match line.strip_prefix("file delete") {
                    Some(rest) if rest.trim_start().starts_with("-force") => {
                        rest.trim_start().replacen("-force", "rm -rf", 1)
                    }
                    Some(rest) => format!("rm {rest}"),
                    None => match line.strip_prefix("exec ") {
                        Some(rest) => rest.to_owned(),
                        None => continue,
                    },
                };
                self.run_code(&command, None);
            }
        }
        true
    }

    /// `python -m awscli …`: the module as a program.
    fn run_module(&mut self, parsed: &Args<'_>, args: &[String]) -> bool {
        let Some(module) = parsed.value(&["-m"]) else {
            return false;
        };
        let at = args
            .iter()
            .position(|a| a == module)
            .map_or(args.len(), |at| at + 1);
        // A module named after its distribution, not its program.
        let module = match module {
            "awscli" => "aws",
            "django" => "django-admin",
            "flask_migrate" => "flask",
            other => other,
        };
        let mut argv = vec![module.to_owned()];
        argv.extend(args.get(at..).unwrap_or(&[]).iter().cloned());
        if super::table::find(module).is_some() {
            self.run_argv(&argv, None);
        }
        false
    }

    /// Judges a program text by its interpreter's name.
    pub(super) fn judge_code(&mut self, program: &str, code: &str) {
        if let Some(language) = Language::of(program) {
            self.judge_language(language, code);
        }
    }

    fn judge_language(&mut self, language: Language, code: &str) {
        if code.trim().chars().all(|c| c == HOLE) && !code.trim().is_empty() {
            self.unknown("runs a program that nobody can read beforehand", "");
            return;
        }
        let before = self.reading.findings.len();
        for action in actions(code, language).into_iter().take(200) {
            self.judge_action(action, code);
        }
        let hit = self.reading.findings.iter().skip(before);
        if !hit
            .clone()
            .any(|it| it.scope == super::reading::Scope::Guard)
            && let Some(name) = super::paths::guarded_name(code)
            && writes(code)
        {
            let reason = "a program that writes names what guards this machine";
            self.hits_guard(Verb::Update, name, reason);
        }
    }

    fn judge_action(&mut self, action: Action, code: &str) {
        match action {
            Action::Shell(Some(line)) => {
                self.run_code(&line, None);
            }
            Action::Program(Some(argv)) => {
                self.run_argv(&argv, None);
            }
            Action::Shell(None) => {
                if super::vocabulary::text_could_destroy(code) || decodes(code) {
                    self.unknown("a program runs a command it computes", "");
                }
            }
            Action::Program(None) => self.note("runs a program it computes"),
            Action::Delete(Some(path), tree) => {
                self.judge_delete(&path.replace('*', &crate::shell::STAR.to_string()), tree);
            }
            Action::Delete(None, _) => self.unknown("a program deletes paths it computes", ""),
            Action::Write(Some(path)) => self.judge_write(&path, true),
            Action::Write(None) => {}
            Action::Statement(Some(text)) => {
                for statement in statements(&text, "any").into_iter().filter(|s| s.dangerous) {
                    self.on_service(
                        statement.verb,
                        &statement.kind,
                        &statement.object,
                        &statement.reason,
                        hinted(code, self),
                    );
                }
            }
            Action::Statement(None) => self.note("sends statements it computes"),
            Action::HttpDelete(url) => {
                let url = url.unwrap_or_else(|| HOLE.to_string());
                let target = resolve(
                    vec![("endpoint".to_owned(), url.clone())],
                    self.context.targets(),
                );
                self.on_service(
                    Verb::Delete,
                    "http request",
                    &url,
                    "an HTTP DELETE request",
                    target,
                );
            }
            Action::Service(method) => {
                let target = hinted(code, self);
                self.on_service(
                    Verb::Delete,
                    "service call",
                    &method,
                    "a call that takes something away",
                    target,
                );
            }
            Action::Code => self.unknown("a program runs code it computes", ""),
        }
    }

    /// Calls of a database shell that speaks JavaScript (mongosh).
    pub(super) fn judge_database_calls(&mut self, text: &str, target: &Target) {
        const CALLS: &[&str] = &[
            "drop",
            "dropDatabase",
            "deleteMany",
            "remove",
            "dropIndexes",
            "dropUser",
            "findOneAndDelete",
            "shutdownServer",
            "dropAllUsers",
            "renameCollection",
        ];
        let close: String = text.split_ascii_whitespace().collect();
        if [".updateMany({},", ".update({},"]
            .iter()
            .any(|call| close.contains(call))
        {
            let found = Found {
                verb: Verb::Update,
                kind: "collection",
                object: "updateMany",
                danger: Danger::Destructive,
                reason: "the filter holds for every document: all are written over",
            };
            self.record(&found, super::reading::Scope::Service, target.clone());
        }
        for action in actions(&format!("db.x;{text}"), Language::JavaScript) {
            if let Action::Service(method) = action
                && CALLS.contains(&method.as_str())
            {
                let found = Found {
                    verb: Verb::Delete,
                    kind: "collection",
                    object: &method,
                    danger: Danger::Destructive,
                    reason: "a call that takes data away",
                };
                self.record(&found, super::reading::Scope::Service, target.clone());
            }
        }
    }
}

/// Whether a program does more than read and print.
fn writes(code: &str) -> bool {
    let code = code.replace("stdout.write", "").replace("stderr.write", "");
    [
        "write",
        "unlink",
        "remove",
        "rename",
        "rmtree",
        "rmdir",
        "copy",
        "move",
        "chmod",
        "truncate",
        "symlink",
        "dump(",
        "system",
        "subprocess",
        "exec",
        "spawn",
        "popen",
        "'w",
        "\"w",
        "'a'",
        "\"a\"",
        "'r+",
        "\"r+",
        "rm_",
        "delete",
        "put_contents",
        "Write",
        "save",
    ]
    .iter()
    .any(|sign| code.contains(sign))
}

/// Whether a program puts texts together from codes, so that nobody reads them.
fn decodes(code: &str) -> bool {
    [
        "chr(",
        "chr,",
        "(chr",
        "bytes([",
        "bytearray(",
        "fromCharCode",
        "pack(",
        "unhexlify",
        "fromhex",
        "b64decode",
        "atob(",
        "base64",
        "rot13",
        "rot_13",
        "[::-1]",
        "reversed(",
        ".reverse()",
        "decode64",
    ]
    .iter()
    .any(|sign| code.contains(sign))
}

/// The target of a program's calls: an address of this machine in its text.
fn hinted(code: &str, shell: &Shell<'_>) -> Target {
    let local = ["localhost", "127.0.0.1"]
        .iter()
        .any(|host| code.contains(host));
    let facets = if local {
        vec![("host".to_owned(), "localhost".to_owned())]
    } else {
        Vec::new()
    };
    resolve(facets, shell.context.targets())
}
