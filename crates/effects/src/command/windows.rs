//! `cmd` and PowerShell: enough to see what they delete and run.
//! Source: Microsoft Learn, Windows commands and PowerShell 7 reference.

use countersign_core::effect::Verb;

use super::paths::Spot;
use super::shell_run::Shell;
use crate::shell::{HOLE, STAR};

impl Shell<'_> {
    /// Judges Windows commands; false when the program is none.
    pub(super) fn judge_windows(
        &mut self,
        word: &str,
        args: &[String],
        stdin: Option<&str>,
    ) -> bool {
        let name = super::dispatch::program_name(word).to_ascii_lowercase();
        match name.as_str() {
            "cmd" => self.judge_cmd(args),
            "powershell" | "pwsh" => self.judge_powershell_program(args, stdin),
            "rd" | "rmdir" | "del" | "erase" => self.judge_windows_delete(&name, args),
            "move" => self.judge_windows_move(args),
            "format" if args.iter().any(|a| a.ends_with(':')) => {
                self.destroys(Verb::Delete, "disk", &args.join(" "), "formats a drive");
            }
            "robocopy"
                if args.iter().any(|a| {
                    ["/mir", "/purge", "/move", "/mov"].contains(&a.to_ascii_lowercase().as_str())
                }) && !args.iter().any(|a| a.eq_ignore_ascii_case("/l")) =>
            {
                self.destroys(
                    Verb::Delete,
                    "files",
                    args.get(1).map_or("", String::as_str),
                    "deletes what the source does not have",
                );
            }
            "sc" if args
                .iter()
                .take(2)
                .any(|a| ["delete", "stop"].contains(&a.to_ascii_lowercase().as_str())) =>
            {
                self.destroys(
                    Verb::Disrupt,
                    "service",
                    &args.join(" "),
                    "stops or deletes a service",
                );
            }
            "wmic" | "net" | "netsh" | "dism" | "fsutil"
                if args.iter().any(|a| {
                    [
                        "delete",
                        "stop",
                        "reset",
                        "/delete",
                        "call",
                        "off",
                        "opmode=disable",
                    ]
                    .contains(&a.to_ascii_lowercase().as_str())
                }) =>
            {
                self.destroys(
                    Verb::Update,
                    "system",
                    &args.join(" "),
                    "deletes, stops or resets a part of the system",
                );
            }
            "diskpart" => self.destroys(
                Verb::Delete,
                "disk",
                &args.join(" "),
                "runs a partitioning script",
            ),
            "vssadmin" | "wbadmin" if args.iter().any(|a| a.eq_ignore_ascii_case("delete")) => {
                self.destroys(Verb::Delete, "backup", &args.join(" "), "deletes backups");
            }
            "reg"
                if args
                    .first()
                    .is_some_and(|a| a.eq_ignore_ascii_case("delete")) =>
            {
                self.destroys(
                    Verb::Delete,
                    "registry key",
                    &args.join(" "),
                    "deletes a registry key",
                );
            }
            "schtasks" if args.iter().any(|a| a.eq_ignore_ascii_case("/delete")) => self.destroys(
                Verb::Delete,
                "scheduled task",
                &args.join(" "),
                "deletes scheduled tasks",
            ),
            "cipher"
                if args
                    .iter()
                    .any(|a| a.to_ascii_lowercase().starts_with("/w")) =>
            {
                self.destroys(
                    Verb::Delete,
                    "disk",
                    &args.join(" "),
                    "wipes free space so that nothing can be recovered",
                );
            }
            "bcdedit"
                if args.iter().any(|a| {
                    let lower = a.to_ascii_lowercase();
                    [
                        "/set",
                        "/delete",
                        "/deletevalue",
                        "/import",
                        "/bootsequence",
                        "/default",
                    ]
                    .contains(&lower.as_str())
                }) =>
            {
                self.destroys(
                    Verb::Update,
                    "boot configuration",
                    &args.join(" "),
                    "changes how the machine starts or is recovered",
                );
            }
            "takeown" | "icacls"
                if args
                    .iter()
                    .any(|a| a.contains("/delete") || a.contains("/reset") || a.contains("/T")) =>
            {
                self.destroys(
                    Verb::Update,
                    "system",
                    &args.join(" "),
                    "changes the system",
                );
            }
            _ if is_cmdlet(&name) => self.judge_powershell(&super::dispatch::quote_all(
                &[vec![word.to_owned()], args.to_vec()].concat(),
            )),
            _ => return false,
        }
        true
    }

    /// A safeguard or a part of the system that is switched off or taken away.
    fn loosens(&mut self, words: &[String]) {
        self.destroys(
            Verb::Update,
            "safeguard",
            &words.join(" "),
            "switches a safeguard off, or takes a part of the system away",
        );
    }

    fn judge_cmd(&mut self, args: &[String]) {
        let Some(at) = args
            .iter()
            .position(|a| matches!(a.to_ascii_lowercase().as_str(), "/c" | "/k" | "//c" | "/r"))
        else {
            return;
        };
        let text = args.get(at + 1..).unwrap_or(&[]).join(" ");
        for line in text.split(['&', '|']) {
            // `for … do COMMAND` runs it for each.
            let line = match line.split_once(" do ") {
                Some((head, body)) if head.trim_start().to_ascii_lowercase().starts_with("for") => {
                    body.trim_start_matches(['(', '@', ' '])
                }
                _ => line,
            };
            let words: Vec<String> = line
                .split_ascii_whitespace()
                .map(|w| w.trim_matches('"').replace('*', &STAR.to_string()))
                .collect();
            if !words.is_empty() {
                self.run_argv(&words, None);
            }
        }
    }

    fn judge_windows_delete(&mut self, name: &str, args: &[String]) {
        let switch = |letter: &str| args.iter().any(|a| a.eq_ignore_ascii_case(letter));
        let recursive = switch("/s") || (name != "del" && name != "erase" && switch("/q"));
        for path in args
            .iter()
            .filter(|a| !(a.starts_with('/') && a.len() <= 3))
        {
            // `*.*` is everything in cmd.
            let path = path
                .replace(['*'], &STAR.to_string())
                .replace(&format!("{STAR}.{STAR}"), &STAR.to_string());
            self.judge_delete(&path, recursive);
        }
    }

    /// `move *` onto a directory that does not exist overwrites file after file.
    fn judge_windows_move(&mut self, args: &[String]) {
        let words: Vec<&String> = args.iter().filter(|a| !a.starts_with('/')).collect();
        if let [source, .., target] = words.as_slice()
            && (source.contains('*') || source.contains(STAR))
            && !target.ends_with(['\\', '/'])
            && self.entry(target) != Some(super::context::Entry::Directory)
        {
            self.destroys(
                Verb::Replace,
                "files",
                target,
                "moves many files onto one name: each overwrites the last unless it is a directory",
            );
        }
    }

    fn judge_powershell_program(&mut self, args: &[String], stdin: Option<&str>) {
        let mut at = 0;
        while let Some(arg) = args.get(at) {
            at += 1;
            let lower = arg.to_ascii_lowercase();
            if !lower.starts_with('-') {
                at -= 1;
                break;
            }
            let encoded =
                lower.len() > 1 && "-encodedcommand".starts_with(&lower) || lower == "-ec";
            if encoded && lower != "-ex" {
                match args
                    .get(at)
                    .and_then(|text| crate::shell::from_base64_utf16(text))
                {
                    Some(text) => self.judge_powershell(&text),
                    None => self.unknown("an encoded command nobody can read", ""),
                }
                return;
            }
            if lower.len() > 1 && "-command".starts_with(&lower) {
                break;
            }
            if lower.len() > 1 && "-file".starts_with(&lower) {
                let path = args.get(at).cloned().unwrap_or_default();
                match self.file_text(&path) {
                    Some(text) => self.judge_powershell(&text),
                    None => self.note("the script's text is not known"),
                }
                return;
            }
            if matches!(
                lower.as_str(),
                "-executionpolicy"
                    | "-ep"
                    | "-ex"
                    | "-workingdirectory"
                    | "-wd"
                    | "-windowstyle"
                    | "-w"
                    | "-version"
                    | "-outputformat"
                    | "-inputformat"
            ) {
                at += 1;
            }
        }
        let text = args.get(at..).unwrap_or(&[]).join(" ");
        if text == "-" || text.is_empty() {
            if let Some(text) = stdin {
                self.judge_powershell(text);
            }
            return;
        }
        self.judge_powershell(&text);
    }

    /// Judges PowerShell text: pipelines of cmdlets, quotes respected.
    pub(super) fn judge_powershell(&mut self, text: &str) {
        for line in split_powershell(text) {
            let Some((first, rest)) = line.split_first() else {
                continue;
            };
            let lower = first.to_ascii_lowercase();
            let switch = |name: &str| {
                rest.iter()
                    .any(|a| a.len() > 1 && name.starts_with(&a.to_ascii_lowercase()))
            };
            if rest.iter().any(|a| a.eq_ignore_ascii_case("-WhatIf")) {
                self.note("only says what it would do");
                continue;
            }
            match lower.as_str() {
                "remove-item" | "ri" | "rm" | "del" | "erase" | "rd" | "rmdir" => {
                    let recursive = switch("-recurse");
                    let hole = HOLE.to_string();
                    let is_word = |a: &&String| {
                        let lower = a.to_ascii_lowercase();
                        !a.starts_with('-') && !matches!(lower.as_str(), "$true" | "$false")
                    };
                    let mut paths: Vec<&String> = rest
                        .iter()
                        .filter(is_word)
                        // What a variable holds is not known here.
                        .map(|a| if a.starts_with('$') { &hole } else { a })
                        .collect();
                    // `obj` and `bin` beside each other are what .NET builds.
                    let named =
                        |path: &str, name: &str| path.rsplit(['\\', '/']).next() == Some(name);
                    if paths.iter().any(|path| named(path, "obj")) {
                        paths.retain(|path| !named(path, "bin"));
                    }
                    let piped = paths.is_empty() || paths == [&hole];
                    if paths.is_empty() {
                        paths.push(&hole);
                    }
                    for path in paths {
                        self.judge_delete(
                            &path.replace('*', &STAR.to_string()),
                            recursive || piped,
                        );
                    }
                }
                "clear-content" | "clc" => {
                    for path in rest.iter().filter(|a| !a.starts_with('-')) {
                        if !matches!(self.spot(path), Spot::Throwaway | Spot::ProjectFile) {
                            self.destroys(Verb::Delete, "file", path, "empties the file");
                        }
                    }
                }
                "set-content" | "sc" | "out-file" => {
                    if let Some(path) = rest.iter().find(|a| !a.starts_with('-')) {
                        self.judge_write(path, true);
                    }
                }
                "move-item" | "mi" | "move" | "copy-item" | "cpi" | "copy" => {
                    let program = if lower.starts_with('m') { "mv" } else { "cp" };
                    let paths = rest.iter().filter(|a| !a.starts_with('-')).cloned();
                    let argv: Vec<String> = [program, "--"]
                        .map(str::to_owned)
                        .into_iter()
                        .chain(paths)
                        .collect();
                    self.run_argv(&argv, None);
                }
                "start-process" | "saps" | "start" => {
                    let named = |a: &&String| {
                        let lower = a.to_ascii_lowercase();
                        lower.len() < 2
                            || ![
                                "-argumentlist",
                                "-filepath",
                                "-wait",
                                "-nonewwindow",
                                "-verb",
                            ]
                            .iter()
                            .any(|option| option.starts_with(&lower))
                    };
                    let argv: Vec<String> = rest
                        .iter()
                        .filter(named)
                        .flat_map(|word| word.split_ascii_whitespace())
                        .map(str::to_owned)
                        .collect();
                    self.run_argv(&argv, None);
                }
                "invoke-restmethod" | "irm" | "invoke-webrequest" | "iwr" => {
                    let value = |option: &str| {
                        let at = rest.iter().position(|a| {
                            a.len() > 2 && option.starts_with(&a.to_ascii_lowercase())
                        })?;
                        rest.get(at + 1).map(String::as_str)
                    };
                    let method = value("-method").or_else(|| value("-custommethod"));
                    let url = value("-uri")
                        .or_else(|| rest.iter().map(String::as_str).find(|a| a.contains("://")));
                    let (method, url) = (method.unwrap_or("GET"), url.unwrap_or_default());
                    self.judge_request(method, url, value("-body"), false);
                }
                "clear-disk" | "format-volume" | "initialize-disk" | "remove-partition" => {
                    self.destroys(Verb::Delete, "disk", &rest.join(" "), "erases a disk");
                }
                "stop-computer" | "restart-computer" => {
                    self.destroys(Verb::Disrupt, "machine", "", "stops the machine");
                }
                "stop-service" | "remove-service" => {
                    self.destroys(Verb::Disrupt, "service", &rest.join(" "), "stops a service");
                }
                "invoke-sqlcmd" | "invoke-dbaquery" => {
                    for statement in super::statements::statements(&rest.join(" "), "any")
                        .into_iter()
                        .chain(
                            rest.iter()
                                .flat_map(|text| super::statements::statements(text, "any")),
                        )
                        .filter(|s| s.dangerous)
                    {
                        self.on_service(
                            statement.verb,
                            &statement.kind,
                            &statement.object,
                            &statement.reason,
                            crate::target::Target::unknown(),
                        );
                    }
                }
                "set-mppreference" | "add-mppreference"
                    if rest.iter().any(|a| {
                        let lower = a.to_ascii_lowercase();
                        lower.starts_with("-disable") || lower.starts_with("-exclusion")
                    }) =>
                {
                    self.loosens(&line);
                }
                "set-netfirewallprofile"
                    if rest.iter().any(|a| a.eq_ignore_ascii_case("false")) =>
                {
                    self.loosens(&line);
                }
                "set-executionpolicy"
                    if rest.iter().any(|a| {
                        a.eq_ignore_ascii_case("unrestricted") || a.eq_ignore_ascii_case("bypass")
                    }) && !rest.iter().any(|a| a.eq_ignore_ascii_case("process")) =>
                {
                    self.loosens(&line);
                }
                "clear-eventlog"
                | "remove-eventlog"
                | "limit-eventlog"
                | "disable-bitlocker"
                | "suspend-bitlocker"
                | "disable-netfirewallrule"
                | "remove-netfirewallrule"
                | "disable-computerrestore"
                | "uninstall-windowsfeature"
                | "disable-windowsoptionalfeature"
                | "remove-mppreference"
                | "disable-adaccount"
                | "remove-adgroup"
                | "remove-adorganizationalunit"
                | "remove-adobject"
                | "remove-adcomputer"
                | "remove-adgroupmember"
                | "set-mpcomputerstatus"
                | "remove-vmsnapshot"
                | "remove-vmharddiskdrive"
                | "dismount-vhd" => {
                    self.loosens(&line);
                }
                "iex" | "invoke-expression" => self.judge_invoke(rest),
                "remove-itemproperty"
                | "remove-localuser"
                | "remove-aduser"
                | "remove-vm"
                | "remove-azresourcegroup"
                | "remove-azresource" => {
                    self.destroys(Verb::Delete, "object", &rest.join(" "), "deletes an object");
                }
                _ if let Some((verb, reason)) = cloud_cmdlet(&lower) => {
                    let unknown = crate::target::Target::unknown();
                    self.on_service(verb, "cloud resource", &line.join(" "), reason, unknown);
                }
                // `[IO.Directory]::Delete("…")`, `$_.Delete()`: methods of .NET.
                _ if (lower.starts_with('[') || lower.starts_with('$'))
                    && lower.contains("delete(") =>
                {
                    let words = line.join(" ");
                    let inside = words.split_once('(').map_or("", |(_, rest)| rest);
                    let path = inside.split([',', ')', ' ']).next().unwrap_or_default();
                    let path = if path.is_empty() || path.starts_with('$') {
                        HOLE.to_string()
                    } else {
                        path.to_owned()
                    };
                    self.judge_delete(&path, true);
                }
                _ if is_cmdlet(&lower) || lower.starts_with('$') => {}
                _ => {
                    let words: Vec<String> = line
                        .iter()
                        .map(|w| w.replace('*', &STAR.to_string()))
                        .collect();
                    self.run_argv(&words, None);
                }
            }
        }
    }

    fn judge_invoke(&mut self, rest: &[String]) {
        let text = rest.join(" ");
        if text.contains(['(', '$']) || text.is_empty() {
            self.unknown("runs code that nobody can read beforehand", &text);
        } else {
            self.judge_powershell(&text);
        }
    }
}

/// `Verb-Noun` with a verb PowerShell approves of.
/// What a cmdlet of a cloud's modules does to a resource.
fn cloud_cmdlet(name: &str) -> Option<(Verb, &'static str)> {
    const DELETE: &[&str] = &["remove-az", "remove-ec2", "remove-s3", "remove-rds"];
    const STOP: &[&str] = &[
        "stop-az",
        "restart-az",
        "stop-ec2",
        "restart-ec2",
        "stop-rds",
    ];
    let is = |list: &[&str]| list.iter().any(|known| name.starts_with(known));
    if is(DELETE) {
        Some((Verb::Delete, "a cmdlet that deletes a cloud resource"))
    } else {
        is(STOP).then_some((Verb::Disrupt, "a cmdlet that stops a cloud resource"))
    }
}

fn is_cmdlet(name: &str) -> bool {
    const VERBS: &[&str] = &[
        "get",
        "set",
        "remove",
        "new",
        "add",
        "clear",
        "stop",
        "start",
        "restart",
        "write",
        "select",
        "where",
        "foreach",
        "invoke",
        "out",
        "test",
        "copy",
        "move",
        "rename",
        "format",
        "import",
        "export",
        "convertto",
        "convertfrom",
        "measure",
        "sort",
        "initialize",
        "join",
        "split",
    ];
    name.split_once('-').is_some_and(|(verb, noun)| {
        !noun.is_empty()
            && VERBS.contains(&verb)
            && noun.bytes().all(|b| b.is_ascii_alphanumeric())
            && !matches!(
                name,
                "get-pip" | "test-results" | "start-server" | "set-version"
            )
    })
}

/// Commands of PowerShell text, each as its words.
fn split_powershell(text: &str) -> Vec<Vec<String>> {
    let mut all: Vec<Vec<String>> = vec![Vec::new()];
    let mut word = String::new();
    let mut quote: Option<char> = None;
    let mut quoted = false;
    let flush = |word: &mut String, quoted: &mut bool, all: &mut Vec<Vec<String>>| {
        if (!word.is_empty() || *quoted)
            && let Some(last) = all.last_mut()
        {
            last.push(std::mem::take(word));
        }
        *quoted = false;
    };
    for c in text.chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '\'' | '"') => {
                quote = Some(c);
                quoted = true;
            }
            (None, ';' | '|' | '\n' | '{' | '}' | '&') => {
                flush(&mut word, &mut quoted, &mut all);
                all.push(Vec::new());
            }
            (None, ',') => flush(&mut word, &mut quoted, &mut all),
            (None, c) if c.is_whitespace() => flush(&mut word, &mut quoted, &mut all),
            (_, c) => word.push(c),
        }
    }
    flush(&mut word, &mut quoted, &mut all);
    all
}
