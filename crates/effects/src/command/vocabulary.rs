//! Words that suggest destruction where nothing else is known. They never
//! clear anything: they only decide whether the unknown is held.

/// Programs that can destroy given the right arguments.
pub(super) const PROGRAMS: &[&str] = &[
    "rm",
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

/// Whether a lower-case verb, alone or with an object (`delete-table`,
/// `db:drop`), destroys.
pub(super) fn is_strong_verb(word: &str) -> bool {
    let lower = word.to_ascii_lowercase();
    STRONG.contains(&lower.as_str())
        || lower.split([':', '-', '_', '.', '/']).any(|part| {
            STRONG.contains(&part) && part.len() > 3 || matches!(part, "nuke" | "drop" | "wipe")
        })
        || lower.ends_with("db:reset")
        || lower.ends_with("db-reset")
        || lower == "reset-db"
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
