//! Words that suggest destruction where nothing else is known. They never
//! clear anything: they only decide whether the unknown is held.

/// Programs that can destroy given the right arguments.
pub(super) const PROGRAMS: &[&str] = &[
    "rm",
    "countersign",
    "dd",
    "mkfs",
    "shred",
    "wipefs",
    "blkdiscard",
    "fdisk",
    "parted",
    "sgdisk",
    "truncate",
    "srm",
    "wipe",
    "unlink",
    "terraform",
    "tofu",
    "terragrunt",
    "pulumi",
    "kubectl",
    "helm",
    "aws",
    "gcloud",
    "gsutil",
    "az",
    "dropdb",
    "psql",
    "mysql",
    "find",
    "rmdir",
    "mv",
    "chmod",
    "chown",
    "git",
    "reboot",
    "shutdown",
    "halt",
    "poweroff",
    "userdel",
    "redis-cli",
    "mongosh",
    "docker",
    "heroku",
    "flyctl",
    "fly",
    "railway",
    "vercel",
    "eb",
    "cdk",
    "sam",
    "serverless",
    "bash",
    "sh",
    "curl",
    "rd",
    "del",
    "format",
    "Remove-Item",
    "kill",
    "killall",
    "pkill",
    "systemctl",
    "crontab",
    "iptables",
    "rsync",
    "eval",
];

/// Verbs no tool uses for anything harmless.
const STRONG: &[&str] = &[
    "delete",
    "destroy",
    "drop",
    "purge",
    "wipe",
    "nuke",
    "terminate",
    "teardown",
    "tear-down",
    "truncate",
    "obliterate",
    "erase",
    "deprovision",
    "flushall",
    "flushdb",
    "decommission",
    "uninstall",
    "rm",
    "rmi",
    "destroy-all",
    "delete-all",
    "dropdb",
    "unpublish",
    "yank",
    "rollback",
];

/// Verbs that undo, stop or take away in most tools; not strong enough alone
/// where a tool is known to have other uses for them.
const WEAK: &[&str] = &[
    "reset",
    "revert",
    "downgrade",
    "revoke",
    "deactivate",
    "deregister",
    "unregister",
    "evict",
    "shutdown",
    "drain",
    "failover",
    "fresh",
    "force-reset",
    "cancel",
    "terminate",
];
/// Verbs that take away or stop what others use, in clients of services.
const SERVICE: &[&str] = &[
    "remove",
    "stop",
    "disable",
    "detach",
    "suspend",
    "pause",
    "kill",
    "cancel",
    "clear",
    "empty",
    "prune",
    "restore",
    "promote",
    "unset",
    "archive",
    "undo",
    "expire",
    "invalidate",
    "abort",
    "reboot",
    "disconnect",
    "del",
];
/// What such names begin with when they only read or add.
const READS: &[&str] = &[
    "get", "list", "ls", "show", "describe", "status", "info", "check", "create", "add", "view",
    "make", "new", "generate", "init", "search", "help", "explain", "logs", "log", "diff", "plan",
];

/// Whether a verb, alone or with an object (`delete-table`, `db:drop`,
/// `DeleteTable`), destroys.
pub(super) fn is_strong_verb(word: &str) -> bool {
    let kebab = super::cloud::kebab(word);
    let lower = word.to_ascii_lowercase();
    STRONG.contains(&lower.as_str())
        || kebab.split([':', '-', '_', '.', '/']).any(|part| {
            STRONG.contains(&part) && part.len() > 3
                || matches!(part, "nuke" | "drop" | "wipe")
                || glued(part)
        })
        || lower.ends_with("db:reset")
        || lower.ends_with("db-reset")
        || lower == "reset-db"
}

/// `deletetable`, `destroyall`: a verb with its object and no sign between.
fn glued(word: &str) -> bool {
    ["delete", "destroy", "purge", "truncate"]
        .iter()
        .filter_map(|verb| word.strip_prefix(verb))
        .any(|rest| rest.len() > 2 && rest.bytes().all(|b| b.is_ascii_lowercase()))
}

/// Whether a word is, or holds as a part, a verb that mostly undoes or stops.
pub(super) fn is_weak_verb(word: &str) -> bool {
    // `remove-secret` names what goes; `remove` alone is also what package
    // managers of one project say.
    has_part(word, WEAK) || (word.contains('-') && has_part(word, &["remove", "clear", "unset"]))
}

/// Whether a subcommand of a service's client takes away or stops.
pub(super) fn is_service_verb(word: &str) -> bool {
    has_part(word, WEAK) || has_part(word, SERVICE)
}

/// Whether a word only reads or makes: what follows it is a name.
pub(super) fn only_names_follow(word: &str) -> bool {
    let kebab = super::cloud::kebab(word);
    let mut parts = kebab.split([':', '-', '_', '.']);
    let first = parts.next().unwrap_or("");
    READS.contains(&first) || parts.next_back().is_some_and(|last| READS.contains(&last))
}

fn has_part(word: &str, list: &[&str]) -> bool {
    let kebab = super::cloud::kebab(word);
    // What a cache holds can be made again.
    if only_names_follow(word) || kebab.contains("cache") {
        return false;
    }
    let mut parts = kebab.split([':', '-', '_', '.']);
    let first = parts.next();
    let last = parts.next_back();
    [first, last]
        .into_iter()
        .flatten()
        .any(|part| list.contains(&part))
        || list.contains(&kebab.as_str())
}

/// An option that by its name alone destroys: `--delete-secret-keys`, `--purge`.
pub(super) fn is_destroying_option(arg: &str) -> bool {
    let Some(name) = arg.strip_prefix("--") else {
        return false;
    };
    let name = name.split('=').next().unwrap_or(name);
    [
        "delete",
        "destroy",
        "purge",
        "wipe",
        "erase",
        "drop",
        "unregister",
        "decommission",
        "force-reset",
        "cancel",
    ]
    .iter()
    .filter_map(|verb| name.strip_prefix(verb))
    .any(|rest| rest.is_empty() || rest.starts_with('-'))
}

/// Whether arguments given to an unknown program could destroy.
pub(super) fn args_could_destroy(args: &[String]) -> bool {
    args.iter().enumerate().any(|(at, arg)| {
        let first_words = args.iter().take(at).filter(|a| !a.starts_with('-')).count() < 3;
        (first_words
            && !arg.contains(' ')
            && !arg.starts_with('-')
            && STRONG.contains(&arg.to_ascii_lowercase().as_str()))
            || recursive_force(arg)
            || arg.starts_with("of=/")
            || matches!(
                arg.as_str(),
                "--force"
                    | "-auto-approve"
                    | "--auto-approve"
                    | "--hard"
                    | "-delete"
                    | "--delete"
                    | "--purge"
            )
            || (arg.len() < 200 && sql_like(arg))
    })
}

/// `-rf` in any order or case, alone or among other letters.
pub(super) fn recursive_force(arg: &str) -> bool {
    arg.len() > 2
        && arg.len() < 8
        && arg.starts_with('-')
        && !arg.starts_with("--")
        && arg.contains(['r', 'R'])
        && arg.contains('f')
        && arg.bytes().skip(1).all(|b| b.is_ascii_alphabetic())
        && arg.bytes().skip(1).all(|b| b"rRfvidx".contains(&b))
}

fn sql_like(text: &str) -> bool {
    let lower = text.trim_start().to_ascii_lowercase();
    [
        "drop table",
        "drop database",
        "drop schema",
        "truncate ",
        "delete from",
    ]
    .iter()
    .any(|s| lower.starts_with(s))
}

/// Whether text nobody can parse names anything destructive.
pub(super) fn text_could_destroy(text: &str) -> bool {
    text.split(|c: char| c.is_whitespace() || "\"'`;&|(){}<>$=,".contains(c))
        .filter(|word| !word.is_empty())
        .any(|word| {
            let name = word.rsplit(['/', '\\']).next().unwrap_or(word);
            PROGRAMS.contains(&name) || is_strong_verb(word)
        })
}
