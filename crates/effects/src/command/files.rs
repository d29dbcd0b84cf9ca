//! File tools: what they delete, overwrite, move and open up.
//! Sources: GNU coreutils 9, findutils 4.10, rsync 3, tar 1.35 manuals.

use countersign_core::effect::Verb;

use super::args::{Args, Grammar};
use super::context::Entry;
use super::paths::Spot;
use super::shell_run::{Place, Shell};
use crate::shell::{HOLE, has_hole};

impl Shell<'_> {
    /// Judges a file tool; false when the program is none.
    pub(super) fn judge_files(&mut self, name: &str, args: &[String], stdin: Option<&str>) -> bool {
        let asks = args
            .iter()
            .any(|a| matches!(a.as_str(), "--help" | "--version"));
        match name {
            _ if asks && FILE_TOOLS.contains(&name) => {}
            "rm" | "grm" | "srm" | "wipe" | "rimraf" | "del-cli" => self.judge_rm(name, args),
            "unlink" => self.delete_each(args.iter().map(String::as_str), false),
            "rmdir" if args.iter().any(|a| a.eq_ignore_ascii_case("/s")) => return false,
            "rmdir" => {}
            "mkdir" | "gmkdir" => {
                for path in args.iter().filter(|a| !a.starts_with('-')) {
                    let path = self.absolute(path);
                    self.made.extend(path);
                }
            }
            "shred" => self.judge_shred(args),
            "truncate" => self.judge_truncate(args),
            "mv" | "gmv" => self.judge_mv(args),
            "ln" if self.links_guard(args) => {}
            // Without force a link never takes the place of a file.
            "ln" if !args.iter().any(|a| {
                a == "--force" || (a.starts_with('-') && !a.starts_with("--") && a.contains('f'))
            }) => {}
            "cp" | "gcp" | "install" | "ln" => self.judge_copy(name, args),
            "chmod" | "chown" | "chgrp" | "chattr" | "setfacl" => self.judge_mode(name, args),
            "dd" => self.judge_dd(args),
            "tee" => {
                for path in args.iter().filter(|a| !a.starts_with('-')) {
                    self.judge_write(path, !args.iter().any(|a| a == "-a"));
                }
            }
            "sponge" => {
                for path in args.iter().filter(|a| !a.starts_with('-')) {
                    self.judge_write(path, true);
                }
            }
            "rsync" => self.judge_rsync(args),
            "tar" | "bsdtar" => self.judge_tar(args),
            "unzip" => self.judge_extract(args, &["-d"]),
            "7z" | "7za" | "7zr" if args.first().is_some_and(|a| a == "x" || a == "e") => {
                let target = args.iter().find_map(|a| a.strip_prefix("-o"));
                if let Some(target) = target {
                    self.judge_extract(&["-d".to_owned(), target.to_owned()], &["-d"]);
                }
            }
            "find" | "gfind" | "fd" | "fdfind" => self.judge_find(name, args, stdin),
            "sed" | "gsed" | "perl" if name != "perl" => self.judge_sed(args),
            // `w` writes the buffer back over the file.
            "ed" => {
                let writes = stdin.is_none_or(|text| {
                    text.lines()
                        .any(|line| matches!(line.trim(), "w" | "wq" | "W") || line.ends_with('w'))
                });
                if writes {
                    for path in args.iter().filter(|a| !a.starts_with('-')) {
                        self.judge_write(path, true);
                    }
                }
            }
            "crontab" => self.judge_crontab(args, stdin),
            _ => return false,
        }
        true
    }

    fn judge_rm(&mut self, name: &str, args: &[String]) {
        let parsed = Args::parse(args, &Grammar::default());
        let recursive =
            matches!(name, "rimraf" | "del-cli") || parsed.has(&["-r", "-R", "--recursive"]);
        // An option nobody knows may be `-r`.
        let hidden = args
            .iter()
            .any(|a| a.starts_with(HOLE) || (a.starts_with('-') && has_hole(a)));
        self.delete_each(
            parsed.positionals.iter().map(|(_, t)| *t),
            recursive || hidden,
        );
    }

    /// Judges the deletion of each path.
    pub(super) fn delete_each<'a>(
        &mut self,
        paths: impl Iterator<Item = &'a str>,
        recursive: bool,
    ) {
        for path in paths {
            self.judge_delete(path, recursive);
        }
    }

    /// Judges the deletion of one path.
    pub(super) fn judge_delete(&mut self, path: &str, recursive: bool) {
        if self.place == Place::Throwaway {
            return;
        }
        let whole = |spot: Spot| matches!(spot, Spot::ProjectDirectory);
        let spot = self.spot(path);
        let listed = self.many_inputs && has_hole(path);
        match spot {
            Spot::Stream | Spot::Throwaway => self.note("can be made again"),
            Spot::Guard => self.hits_guard(Verb::Delete, path, "deletes what guards this machine"),
            Spot::Device => self.destroys(Verb::Delete, "device", path, "deletes a device node"),
            Spot::State => self.destroys(
                Verb::Delete,
                "state file",
                path,
                "deletes a file that holds state",
            ),
            Spot::Repository if recursive || !path.ends_with(".lock") => {
                self.destroys(
                    Verb::Delete,
                    "repository",
                    path,
                    "deletes the repository's history",
                );
            }
            Spot::Repository => {}
            Spot::Root => self.destroys(
                Verb::Delete,
                "directory",
                path,
                "deletes the project, the home directory or all above",
            ),
            Spot::Home | Spot::System => self.destroys(
                Verb::Delete,
                "files",
                path,
                "deletes files outside the project",
            ),
            spot if whole(spot) && (recursive || crate::shell::has_glob(path)) => {
                self.destroys(
                    Verb::Delete,
                    "directory",
                    path,
                    "deletes a directory of the project that no build makes again",
                );
            }
            Spot::ProjectFile if recursive && crate::shell::has_glob(path) => {
                self.destroys(Verb::Delete, "files", path, "deletes files of the project");
            }
            Spot::ProjectDirectory | Spot::ProjectFile => self.note("one file of the project"),
            Spot::Unknown if recursive => self.unknown("deletes a directory nobody can name", path),
            Spot::Unknown if listed => self.unknown("deletes files nobody can name", path),
            Spot::Unknown => self.note("one file, not known which"),
        }
    }

    /// Judges writing to a path; `empties` when its old content goes.
    pub(super) fn judge_write(&mut self, path: &str, empties: bool) {
        if self.place == Place::Throwaway {
            return;
        }
        if path.ends_with("/sysrq-trigger") {
            self.destroys(
                Verb::Disrupt,
                "kernel",
                path,
                "makes the kernel crash or reboot",
            );
            return;
        }
        let Some(full) = self.absolute(path) else {
            if self.spot(path) == Spot::Guard {
                self.hits_guard(Verb::Update, path, "changes what guards this machine");
            }
            return;
        };
        match self.spot(path) {
            Spot::Device => self.destroys(Verb::Delete, "device", path, "overwrites a disk"),
            Spot::Guard => self.hits_guard(Verb::Update, path, "changes what guards this machine"),
            Spot::Repository => self.destroys(
                Verb::Update,
                "repository",
                path,
                "writes into the repository's own data",
            ),
            Spot::State if empties => self.destroys(
                Verb::Replace,
                "state file",
                path,
                "overwrites a file that holds state",
            ),
            spot @ (Spot::System | Spot::Home | Spot::Root | Spot::Throwaway) => {
                let home = self.context.home().unwrap_or("/home/~");
                let of_home = full.strip_prefix(home);
                // What gives access is that wherever the home lies.
                let private = of_home.is_some_and(|rest| {
                    rest.starts_with("/.ssh/")
                        || rest.starts_with("/.aws/")
                        || rest.starts_with("/.gnupg/")
                        || rest.starts_with("/.kube/config")
                });
                let lasting = spot != Spot::Throwaway;
                let critical = SYSTEM_WRITES.iter().any(|dir| full.starts_with(dir));
                let dotfile = empties
                    && of_home
                        .and_then(|rest| rest.strip_prefix("/."))
                        .is_some_and(|name| !name.contains('/'));
                if private || lasting && (critical || dotfile) {
                    self.destroys(
                        Verb::Replace,
                        "file",
                        path,
                        "overwrites a file of the system or of the person",
                    );
                }
            }
            _ => {}
        }
    }

    fn judge_shred(&mut self, args: &[String]) {
        let parsed = Args::parse(
            args,
            &Grammar {
                values: "-n --iterations -s --size --random-source",
                ..Grammar::default()
            },
        );
        for (_, path) in parsed.positionals.clone() {
            if !matches!(self.spot(path), Spot::Throwaway | Spot::Stream) {
                self.destroys(
                    Verb::Delete,
                    "file",
                    path,
                    "overwrites the file so that nothing can be recovered",
                );
            }
        }
    }

    fn judge_truncate(&mut self, args: &[String]) {
        let parsed = Args::parse(
            args,
            &Grammar {
                values: "-s --size -r --reference",
                ..Grammar::default()
            },
        );
        for (_, path) in parsed.positionals.clone() {
            match self.spot(path) {
                Spot::System | Spot::Home | Spot::Root
                    if !path.ends_with(".log") || self.is_kept_log(path) =>
                {
                    self.destroys(
                        Verb::Delete,
                        "file",
                        path,
                        "empties a file outside the project",
                    );
                }
                _ => self.judge_write(path, true),
            }
        }
    }

    /// Judges text written to a file that every later shell runs.
    pub(super) fn judge_startup(&mut self, path: &str, text: &str) {
        let Some(full) = self.absolute(path) else {
            return;
        };
        let name = full.rsplit('/').next().unwrap_or("");
        if !STARTUP.contains(&name) {
            return;
        }
        for line in text.lines().take(50) {
            let alias = line.trim_start().strip_prefix("alias ");
            let code = alias
                .and_then(|rest| Some(rest.split_once('=')?.1.trim_matches(['\'', '"'])))
                .unwrap_or(line);
            self.in_subshell(|shell| shell.run_code(code, None));
        }
    }

    /// Judges a redirect that leaves a file empty.
    pub(super) fn judge_emptying(&mut self, path: &str) {
        let outside = matches!(self.spot(path), Spot::System | Spot::Home | Spot::Root);
        // Where nothing lies yet an empty file is only made.
        if !outside || self.entry(path) == Some(Entry::Missing) {
            return;
        }
        if !path.ends_with(".log") || self.is_kept_log(path) {
            self.destroys(
                Verb::Delete,
                "file",
                path,
                "empties a file outside the project",
            );
        }
    }

    /// Whether a path lies among the machine's own logs, which tell what happened.
    fn is_kept_log(&self, path: &str) -> bool {
        self.absolute(path)
            .is_some_and(|full| full.starts_with("/var/log/"))
    }

    /// Several files moved onto one name: with a directory there they lie side by
    /// side, without one each takes the place of the last.
    fn judge_gathering(&mut self, sources: &[&str], target: &str) {
        let several = |path: &&str| crate::shell::has_glob(path);
        if !sources.iter().any(several) || target.ends_with(['/', '.']) {
            return;
        }
        let outside = matches!(self.spot(target), Spot::System | Spot::Home | Spot::Root);
        let onto_one = match self.entry(target) {
            Some(Entry::Directory) => false,
            Some(Entry::Missing | Entry::File) => true,
            None => outside && self.absolute(target).as_deref() != self.context.home(),
        };
        if onto_one {
            self.destroys(
                Verb::Replace,
                "files",
                target,
                "moves many files onto one name: each overwrites the last unless it is a directory",
            );
        }
    }

    fn judge_mv(&mut self, args: &[String]) {
        let parsed = Args::parse(
            args,
            &Grammar {
                values: "-t --target-directory -S --suffix",
                ..Grammar::default()
            },
        );
        let mut words: Vec<&str> = parsed.positionals.iter().map(|(_, t)| *t).collect();
        let directory = parsed.value(&["-t", "--target-directory"]);
        let Some(target) = directory.or_else(|| words.pop()) else {
            return;
        };
        if directory.is_none() {
            self.judge_gathering(&words, target);
        }
        if target == "/dev/null" {
            for source in words {
                self.destroys(Verb::Delete, "file", source, "moves it into nothing");
            }
            return;
        }
        for source in words {
            match self.spot(source) {
                Spot::Root | Spot::System | Spot::Device if self.place != Place::Throwaway => {
                    self.destroys(
                        Verb::Update,
                        "files",
                        source,
                        "moves files of the system away",
                    );
                }
                Spot::Home if self.is_private(source) => self.destroys(
                    Verb::Update,
                    "files",
                    source,
                    "moves the person's keys or credentials away",
                ),
                Spot::Guard => {
                    self.hits_guard(Verb::Delete, source, "moves away what guards this machine");
                }
                Spot::Repository => self.destroys(
                    Verb::Update,
                    "repository",
                    source,
                    "moves the repository's own data",
                ),
                _ => {}
            }
        }
        self.judge_write(target, true);
    }

    /// Whether a path lies where a person keeps keys and credentials.
    fn is_private(&self, path: &str) -> bool {
        let home = self.context.home().unwrap_or("/home/~");
        self.absolute(path).is_some_and(|full| {
            full.strip_prefix(home).is_some_and(|rest| {
                let first = rest.trim_start_matches('/').split('/').next().unwrap_or("");
                matches!(first, ".ssh" | ".aws" | ".gnupg" | ".kube" | ".azure")
            })
        })
    }

    /// `ln`: what is written to the link's name is written to where it leads. Makes
    /// a note of that; true when it leads to what guards this machine.
    fn links_guard(&mut self, args: &[String]) -> bool {
        let parsed = Args::parse(
            args,
            &Grammar {
                values: "-t --target-directory -S --suffix",
                ..Grammar::default()
            },
        );
        let (Some(source), Some(link)) = (parsed.positional(0), parsed.positional(1)) else {
            return false;
        };
        if self.spot(source) == Spot::Guard {
            let reason = "gives what guards this machine another name";
            self.hits_guard(Verb::Update, source, reason);
            return true;
        }
        if let (Some(source), Some(link)) = (self.absolute(source), self.absolute(link)) {
            self.links.insert(link, source);
        }
        false
    }

    fn judge_copy(&mut self, name: &str, args: &[String]) {
        let parsed = Args::parse(
            args,
            &Grammar {
                values: "-t --target-directory -S --suffix -m -o -g",
                ..Grammar::default()
            },
        );
        let mut words: Vec<&str> = parsed.positionals.iter().map(|(_, t)| *t).collect();
        let target = parsed
            .value(&["-t", "--target-directory"])
            .or_else(|| words.pop());
        let (Some(target), Some(source)) = (target, words.first()) else {
            return;
        };
        let program = super::dispatch::program_name(source);
        if super::vocabulary::PROGRAMS.contains(&program)
            && source.contains('/')
            && let Some(path) = self.absolute(target)
        {
            self.aliases.insert(path, program.to_owned());
        }
        if name == "cp"
            && let (Some(text), Some(path)) = (self.file_text(source), self.absolute(target))
        {
            self.files.insert(path, text);
        }
        // The first copy of an example makes a settings file; a second overwrites it.
        let example = [".example", ".sample", ".template", ".dist"]
            .iter()
            .any(|end| source.ends_with(end));
        if example && self.file_text(target).is_none() && self.spot(target) == Spot::State {
            self.note("makes a settings file from its example");
            return;
        }
        if *source == "/dev/null" {
            match self.spot(target) {
                Spot::System | Spot::Home | Spot::ProjectFile => {
                    self.destroys(Verb::Delete, "file", target, "empties the file");
                }
                _ => self.judge_write(target, true),
            }
            return;
        }
        self.judge_write(target, true);
    }

    fn judge_mode(&mut self, name: &str, args: &[String]) {
        let values = if name == "setfacl" {
            "-m --modify -x --remove -M -X -S --set --set-file --restore"
        } else {
            "--reference"
        };
        let parsed = Args::parse(
            args,
            &Grammar {
                values,
                ..Grammar::default()
            },
        );
        let recursive = parsed.has(&["-R", "--recursive"]);
        // `chmod -x file` gives the mode as what looks like an option.
        let dashed = name == "chmod" && parsed.options.iter().any(|o| "rwxXst".contains(o.short));
        let skip = usize::from(name != "setfacl" && !dashed);
        let mode = parsed.positional(0).unwrap_or("");
        for (_, path) in parsed
            .positionals
            .iter()
            .skip(skip)
            .copied()
            .collect::<Vec<_>>()
        {
            match self.spot(path) {
                Spot::Guard => self.hits_guard(
                    Verb::Update,
                    path,
                    "changes the rights of what guards this machine",
                ),
                Spot::Root | Spot::System if recursive && self.place != Place::Throwaway => {
                    self.destroys(
                        Verb::Update,
                        "files",
                        path,
                        "changes rights of everything below a system directory",
                    );
                }
                Spot::System
                    if name == "chmod"
                        && matches!(
                            mode,
                            "777" | "666" | "000" | "0777" | "a+rwx" | "a+w" | "o+w"
                        )
                        && SYSTEM_WRITES.iter().any(|d| path.starts_with(d)) =>
                {
                    self.destroys(
                        Verb::Update,
                        "file",
                        path,
                        "opens or closes a system file to everyone",
                    );
                }
                Spot::Device => self.destroys(
                    Verb::Update,
                    "device",
                    path,
                    "changes the rights of a device",
                ),
                _ => {}
            }
        }
    }

    fn judge_dd(&mut self, args: &[String]) {
        for path in args
            .iter()
            .filter_map(|a| a.strip_prefix("of="))
            .collect::<Vec<_>>()
        {
            match self.spot(path) {
                Spot::System | Spot::Home | Spot::Root => self.destroys(
                    Verb::Replace,
                    "file",
                    path,
                    "overwrites a file outside the project",
                ),
                Spot::Unknown if has_hole(path) => {
                    self.unknown("overwrites something nobody can name", path);
                }
                _ => self.judge_write(path, true),
            }
        }
    }

    fn judge_rsync(&mut self, args: &[String]) {
        let grammar = Grammar {
            values: "-e --rsh --exclude --include --filter -f --exclude-from --include-from --files-from --rsync-path --log-file --port --password-file --bwlimit --timeout --out-format -T --temp-dir --backup-dir --chmod --chown",
            ..Grammar::default()
        };
        let parsed = Args::parse(args, &grammar);
        if parsed.is_on(&["-n", "--dry-run", "--list-only"]) {
            self.note("dry run");
            return;
        }
        if let Some(shell) = parsed.value(&["-e", "--rsh"]) {
            self.run_code(shell, None);
        }
        let Some((_, target)) = parsed.positionals.last().copied() else {
            return;
        };
        let deletes = parsed.options.iter().any(|o| o.name.starts_with("--del"));
        let moves = parsed.has(&["--remove-source-files"]);
        let remote = target.contains(':') && !target.starts_with(['/', '.']);
        if deletes && remote {
            let host = target.split(':').next().unwrap_or("");
            let resolved = crate::target::resolve(
                vec![("ssh-host".to_owned(), host.to_owned())],
                self.context.targets(),
            );
            self.elsewhere(resolved, |shell| {
                shell.destroys(
                    Verb::Delete,
                    "files",
                    target,
                    "deletes on the other host what the source does not have",
                );
                String::new()
            });
        } else if deletes {
            self.judge_delete(target.trim_end_matches('/'), true);
        } else if !remote {
            self.judge_write(target, false);
        }
        if moves {
            for (_, source) in parsed
                .positionals
                .iter()
                .rev()
                .skip(1)
                .copied()
                .collect::<Vec<_>>()
            {
                self.judge_delete(source.trim_end_matches('/'), true);
            }
        }
    }

    fn judge_tar(&mut self, args: &[String]) {
        let grammar = Grammar {
            values: "-f --file -C --directory -T -X --exclude --to-command --checkpoint-action -I --use-compress-program --transform",
            ..Grammar::default()
        };
        let parsed = Args::parse(args, &grammar);
        for option in ["--to-command", "--use-compress-program", "-I"] {
            if let Some(text) = parsed.value(&[option]) {
                self.run_code(text, None);
            }
        }
        for text in parsed.values(&["--checkpoint-action"]).collect::<Vec<_>>() {
            if let Some(command) = text.strip_prefix("exec=") {
                self.run_code(command, None);
            }
        }
        let remove = parsed.has(&["--remove-files"]);
        // The old style: letters without a dash come first.
        let letters = args.first().filter(|first| !first.starts_with('-'));
        let letter = |c| letters.is_some_and(|letters| letters.contains(c));
        let extracts = parsed.has(&["-x", "--extract", "--get"]) || letter('x');
        let anywhere = parsed.has(&["-P", "--absolute-names"]) || letter('P');
        if remove {
            for (_, path) in parsed.positionals.clone() {
                self.judge_delete(path, true);
            }
        } else if extracts && anywhere {
            let reason = "unpacks to wherever the archive says";
            self.unknown(reason, "--absolute-names");
        } else if extracts {
            self.judge_extract(args, &["-C", "--directory"]);
        }
    }

    fn judge_extract(&mut self, args: &[String], options: &[&str]) {
        let grammar = Grammar {
            values: "-f --file -C --directory -d",
            ..Grammar::default()
        };
        let parsed = Args::parse(args, &grammar);
        let target = parsed.value(options);
        let names = parsed.positionals.iter().map(|(_, name)| *name);
        let places: Vec<String> = names
            .map(|name| target.map_or_else(|| name.to_owned(), |dir| format!("{dir}/{name}")))
            .chain(target.map(str::to_owned))
            .collect();
        if let Some(place) = places.iter().find(|place| self.spot(place) == Spot::Guard) {
            let reason = "unpacks over what guards this machine";
            self.hits_guard(Verb::Replace, place, reason);
            return;
        }
        let full = target.and_then(|dir| self.absolute(dir));
        if full.is_some() && full.as_deref() == self.context.home() {
            let reason = "unpacks into the home directory, where keys and agents' settings lie";
            self.unknown(reason, target.unwrap_or_default());
            return;
        }
        if let Some(target) = target
            && (matches!(
                self.absolute(target).as_deref(),
                Some("/" | "/etc" | "/usr" | "/bin" | "/boot" | "/lib")
            ))
        {
            self.destroys(Verb::Replace, "files", target, "unpacks over the system");
        }
    }

    fn judge_sed(&mut self, args: &[String]) {
        let parsed = Args::parse(
            args,
            &Grammar {
                values: "-e --expression -f --file",
                ..Grammar::default()
            },
        );
        let in_place = parsed
            .options
            .iter()
            .any(|o| o.short == 'i' || o.name.starts_with("--in-place"));
        let given = parsed.value(&["-e", "--expression"]);
        let script = given.or_else(|| parsed.positional(0)).unwrap_or("");
        // GNU sed's `e` command runs its argument.
        for piece in script.split([';', '{', '\n']) {
            let command = piece.trim_start_matches(|c: char| {
                c.is_ascii_digit() || matches!(c, '$' | ',' | ' ' | '!')
            });
            if let Some(text) = command.strip_prefix("e ") {
                self.run_code(text.trim_end_matches('}'), None);
            }
        }
        if in_place {
            for (_, path) in parsed
                .positionals
                .iter()
                .skip(usize::from(given.is_none()))
                .copied()
                .collect::<Vec<_>>()
            {
                self.judge_write(path, true);
            }
        }
    }

    fn judge_crontab(&mut self, args: &[String], stdin: Option<&str>) {
        let parsed = Args::parse(
            args,
            &Grammar {
                values: "-u",
                ..Grammar::default()
            },
        );
        if parsed.has(&["-r"]) {
            self.destroys(
                Verb::Delete,
                "crontab",
                "crontab",
                "deletes every scheduled job",
            );
            return;
        }
        if parsed.has(&["-l", "-e"]) {
            return;
        }
        let text = match parsed.positional(0) {
            None => return,
            Some("-") => stdin.map(str::to_owned),
            Some(path) => self.file_text(path),
        };
        self.destroys(
            Verb::Replace,
            "crontab",
            "crontab",
            "replaces every scheduled job",
        );
        for line in text.unwrap_or_default().lines().take(50) {
            let command: Vec<&str> = line.splitn(6, ' ').collect();
            if let Some(command) = command.get(5) {
                self.run_code(command, None);
            }
        }
    }
}

/// Everything judged here.
const FILE_TOOLS: &[&str] = &[
    "rm", "grm", "srm", "wipe", "rimraf", "unlink", "shred", "truncate", "mv", "cp", "ln",
    "install", "chmod", "chown", "chgrp", "dd", "tee", "rsync", "tar", "unzip", "find", "fd",
    "sed", "crontab", "chattr", "setfacl",
];
/// Files that shells run when they start.
const STARTUP: &[&str] = &[
    ".bashrc",
    ".bash_profile",
    ".bash_login",
    ".bash_aliases",
    ".profile",
    ".zshrc",
    ".zshenv",
    ".zprofile",
    ".zlogin",
    ".kshrc",
    "config.fish",
    ".envrc",
];
/// Writing below these changes the machine itself.
const SYSTEM_WRITES: &[&str] = &[
    "/etc/",
    "/usr/",
    "/bin/",
    "/sbin/",
    "/lib",
    "/boot/",
    "/var/lib/",
    "/root/",
    "/sys/",
    "/proc/sys",
    "/System/",
    "/Library/",
    "C:/Windows",
];
