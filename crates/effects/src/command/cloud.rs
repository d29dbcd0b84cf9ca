//! Cloud command lines and cloud calls judged by the published service models
//! (`cargo xtask cloud-apis` derives the tables; see `data/NOTICE.md`).

use countersign_core::effect::Verb;

use super::args::Args;
use super::reading::Danger;
use super::record::Found;
use super::shell_run::Shell;
use super::table;
use crate::shell::has_hole;

/// `service`, class, operations; sorted by service.
const AWS: &str = include_str!("../../data/cloud/aws.tsv");
/// Method name and class, sorted.
const GOOGLE: &str = include_str!("../../data/cloud/google.tsv");

/// What a cloud operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// Takes something away.
    Deletes,
    /// Stops or restarts something.
    Disrupts,
}

impl Class {
    const fn of(letter: &str) -> Option<Self> {
        match letter.as_bytes() {
            [b'D'] => Some(Self::Deletes),
            [b'S'] => Some(Self::Disrupts),
            _ => None,
        }
    }

    const fn verb(self) -> Verb {
        match self {
            Self::Deletes => Verb::Delete,
            Self::Disrupts => Verb::Disrupt,
        }
    }

    const fn reason(self) -> &'static str {
        match self {
            Self::Deletes => "the service model names it as taking something away",
            Self::Disrupts => "the service model names it as stopping or restarting something",
        }
    }
}

/// The lines of a sorted table whose first column is `key`.
fn lines<'k>(table: &'static str, key: &'k str) -> impl Iterator<Item = &'static str> + use<'k> {
    let bytes = table.as_bytes();
    let (mut low, mut high) = (0, bytes.len());
    while low < high {
        let middle = low + (high - low) / 2;
        let start = bytes
            .get(..middle)
            .and_then(|b| memchr::memrchr(b'\n', b))
            .map_or(0, |at| at + 1);
        let rest = table.get(start..).unwrap_or("");
        if rest.split(['\t', '\n']).next().unwrap_or("") < key {
            low = start + rest.find('\n').map_or(rest.len(), |at| at + 1);
        } else {
            high = start;
        }
    }
    table
        .get(low..)
        .unwrap_or("")
        .lines()
        .take_while(move |line| line.split('\t').next() == Some(key))
}

/// The class of an AWS operation by its command-line name.
pub(crate) fn aws_class(service: &str, operation: &str) -> Option<Class> {
    lines(AWS, service).find_map(|line| {
        let mut columns = line.split('\t').skip(1);
        let class = Class::of(columns.next()?)?;
        columns
            .next()?
            .split(' ')
            .any(|name| name == operation)
            .then_some(class)
    })
}

/// The class of an AWS operation of any service.
pub(crate) fn aws_class_anywhere(operation: &str) -> Option<Class> {
    AWS.lines().find_map(|line| {
        let mut columns = line.split('\t').skip(1);
        let class = Class::of(columns.next()?)?;
        columns
            .next()?
            .split(' ')
            .any(|name| name == operation)
            .then_some(class)
    })
}

/// The class of a Google API method by its last name.
pub(crate) fn google_class(method: &str) -> Option<Class> {
    lines(GOOGLE, method).find_map(|line| Class::of(line.split('\t').nth(1)?))
}

/// `DeleteDBInstance` or `delete_db_instance` as `delete-db-instance`.
pub(crate) fn kebab(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 8);
    let mut before = '-';
    let mut chars = name.chars().peekable();
    while let Some(c) = chars.next() {
        if c.is_uppercase()
            && before != '-'
            && before != '_'
            && (!before.is_uppercase() || chars.peek().is_some_and(|n| n.is_lowercase()))
        {
            out.push('-');
        }
        out.push(if c == '_' {
            '-'
        } else {
            c.to_ascii_lowercase()
        });
        before = c;
    }
    out
}

impl Shell<'_> {
    /// Judges `aws`, `gcloud` and `az` beyond their table rows; false for others.
    pub(super) fn judge_cloud(&mut self, name: &str, args: &[String]) -> bool {
        let main = match name {
            "aws" | "awslocal" | "aws2" => "aws",
            "gcloud" | "az" => name,
            _ => return false,
        };
        let Some(block) = table::find(name) else {
            return false;
        };
        let parsed = Args::parse(args, &block.grammar());
        if parsed.is_on(&["--help", "--generate-cli-skeleton", "--version"])
            || args.last().is_some_and(|a| a == "help")
            || parsed.positional(0) == Some("help")
        {
            self.note("only prints help");
            return true;
        }
        if block
            .first_match(&parsed, &|name| self.variable(name))
            .is_some()
        {
            return false;
        }
        let words: Vec<&str> = parsed.positionals.iter().map(|(_, t)| *t).collect();
        if words.iter().take(3).any(|w| has_hole(w)) {
            self.unknown("a cloud operation nobody can name", &words.join(" "));
            return true;
        }
        let found = match main {
            "aws" => aws_by_model(&words),
            "gcloud" => by_verb(&words, google_class),
            _ => by_verb(&words, azure_class),
        };
        if let Some(class) = found {
            let object = words.join(" ");
            let found = Found {
                verb: class.verb(),
                kind: "cloud resource",
                object: &object,
                danger: Danger::Destructive,
                reason: class.reason(),
            };
            self.place_finding(block, &parsed, &found);
        }
        true
    }
}

fn aws_by_model(words: &[&str]) -> Option<Class> {
    let (service, operation) = (words.first()?, words.get(1)?);
    aws_class(service, operation).or_else(|| {
        // Operations newer than the model, and verbs it leaves to their objects.
        let verb = ["admin-", "batch-", "bulk-", "force-"]
            .iter()
            .find_map(|prefix| operation.strip_prefix(prefix))
            .unwrap_or(operation);
        match verb.split('-').next().unwrap_or("") {
            "delete" | "disable" | "remove" | "terminate" | "revoke" | "reset" | "deregister"
            | "unsubscribe" | "close" | "decrease" | "wipe" | "purge" => Some(Class::Deletes),
            "cancel" | "revert" | "suspend" | "abort" => Some(Class::Disrupts),
            _ => None,
        }
    })
}

/// The first word of the path that is a verb decides.
fn by_verb(words: &[&str], class: fn(&str) -> Option<Class>) -> Option<Class> {
    const READS: &[&str] = &[
        "list",
        "describe",
        "get",
        "read",
        "show",
        "tail",
        "create",
        "add",
        "update",
        "set",
        "ssh",
        "print",
        "get-credentials",
        "login",
        "wait",
        "exists",
    ];
    for word in words.iter().skip(1) {
        if READS.contains(word)
            || word.starts_with("get-")
            || word.starts_with("list-")
            || word.starts_with("add-")
            || word.starts_with("describe-")
        {
            return None;
        }
        let verb = word.split('-').next().unwrap_or(word);
        if let Some(class) = class(word).or_else(|| azure_class(verb)) {
            return Some(class);
        }
    }
    None
}

/// Verbs of `az` (Azure CLI reference, command groups share them).
fn azure_class(word: &str) -> Option<Class> {
    match word {
        "delete" | "purge" | "remove" | "delete-batch" | "delete-by-tag" | "detach" | "revoke"
        | "disable" | "reset" | "unregister" | "abandon" | "hard-delete" | "unlink"
        | "disconnect" | "clear" | "cleanup" | "evict" | "flush" | "restore" | "rollback" => {
            Some(Class::Deletes)
        }
        "stop" | "restart" | "deallocate" | "redeploy" | "reimage" | "failover" | "swap"
        | "power-off" | "deactivate" | "suspend" | "pause" | "hibernate" | "kill" | "shutdown"
        | "regenerate" | "regenerate-key" | "renew" | "renew-key" | "switchover" | "abort"
        | "perform-failover" | "force-reboot" | "manual-failover" => Some(Class::Disrupts),
        _ if word.starts_with("delete-") || word.starts_with("remove-") => Some(Class::Deletes),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_sorted_and_found() {
        for table in [AWS, GOOGLE] {
            let names: Vec<&str> = table
                .lines()
                .map(|l| l.split('\t').next().unwrap())
                .collect();
            assert!(names.is_sorted());
            for name in &names {
                assert!(lines(table, name).next().is_some(), "{name}");
            }
        }
        for (service, operation, expected) in [
            ("rds", "delete-db-instance", Some(Class::Deletes)),
            ("rds", "reboot-db-instance", Some(Class::Disrupts)),
            (
                "elasticbeanstalk",
                "rebuild-environment",
                Some(Class::Disrupts),
            ),
            ("ec2", "terminate-instances", Some(Class::Deletes)),
            ("ec2", "describe-instances", None),
            ("kms", "schedule-key-deletion", Some(Class::Deletes)),
            ("nosuch", "delete-x", None),
        ] {
            assert_eq!(
                aws_class(service, operation),
                expected,
                "{service} {operation}"
            );
        }
        assert_eq!(google_class("delete"), Some(Class::Deletes));
        assert_eq!(google_class("insert"), None);
        assert_eq!(kebab("DeleteDBInstance"), "delete-db-instance");
        assert_eq!(kebab("delete_db_instance"), "delete-db-instance");
    }
}
