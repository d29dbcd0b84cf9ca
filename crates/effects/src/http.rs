//! What an HTTP request would do: its method, its path, its body.
//!
//! Sources: RFC 9110 (methods), GraphQL specification October 2021, AWS query
//! protocol.

use crate::command::cloud;
use countersign_core::effect::Verb;

/// A request as far as it is known.
#[derive(Debug, Clone, Default)]
pub struct Request<'a> {
    /// The method; empty when none is given.
    pub method: &'a str,
    /// The URL or address.
    pub url: &'a str,
    /// The body, where there is one.
    pub body: Option<&'a str>,
}

/// Why a request is dangerous.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Danger {
    /// What it does.
    pub verb: Verb,
    /// The operation's name or the path.
    pub object: String,
    /// Why.
    pub reason: &'static str,
}

/// What in the request destroys; `None` when nothing does.
#[must_use]
pub fn judge(request: &Request<'_>) -> Option<Danger> {
    if request.method.eq_ignore_ascii_case("DELETE") {
        return Some(danger(Verb::Delete, request.url, "an HTTP DELETE request"));
    }
    if request.method.eq_ignore_ascii_case("PURGE") {
        return Some(danger(Verb::Delete, request.url, "an HTTP PURGE request"));
    }
    if let Some(name) = request
        .url
        .split(['?', '&'])
        .find_map(|p| p.strip_prefix("Action="))
        && cloud::aws_class_anywhere(&cloud::kebab(name)).is_some()
    {
        return Some(danger(
            Verb::Delete,
            name,
            "an AWS query that takes something away",
        ));
    }
    let body = request.body.unwrap_or("");
    if let Some(name) = destroying_mutation(body).or_else(|| destroying_mutation(&unescape(body))) {
        return Some(danger(
            Verb::Delete,
            &name,
            "a GraphQL mutation that takes something away",
        ));
    }
    let writes = matches!(
        request.method.to_ascii_uppercase().as_str(),
        "POST" | "PUT" | "PATCH"
    ) || (request.method.is_empty() && request.body.is_some());
    if !writes {
        return None;
    }
    if let Some(key) = switched_off(body) {
        return Some(danger(
            Verb::Update,
            key,
            "switches it off or shuts it away",
        ));
    }
    if let Some(word) = destroying_path(request.url) {
        return Some(danger(
            Verb::Delete,
            word,
            "the path names a destroying action",
        ));
    }
    if !only_searches(request.url)
        && let Some(word) = destroying_action(body)
    {
        return Some(danger(
            Verb::Delete,
            word,
            "the body names a destroying action",
        ));
    }
    stopping_number(body)
        .map(|word| danger(Verb::Disrupt, word, "the body scales something to zero"))
}

/// A setting that takes a safeguard away, or a thing out of use.
fn switched_off(body: &str) -> Option<&'static str> {
    const SETTINGS: &[(&str, &str)] = &[
        ("action.destructive_requires_name", "false"),
        ("archived", "true"),
        ("deletion_protection", "false"),
        ("deletionProtection", "false"),
        ("enforce_admins", "false"),
        ("enforce_admins", "null"),
    ];
    let setting = SETTINGS
        .iter()
        .find(|(key, value)| values(body, key).any(|given| given.starts_with(value)));
    setting.map(|(key, _)| *key)
}

/// A number of instances set to zero.
fn stopping_number(body: &str) -> Option<&'static str> {
    const KEYS: &[&str] = &[
        "quantity",
        "replicas",
        "desiredCount",
        "desired_count",
        "desiredCapacity",
        "desired_capacity",
        "minInstances",
        "maxInstances",
        "numInstances",
        "instances",
        "instance_count",
        "node_count",
    ];
    let is_zero = |value: &str| {
        value
            .strip_prefix('0')
            .is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_digit() || c == '.'))
    };
    KEYS.iter()
        .copied()
        .find(|key| values(body, key).any(is_zero))
}

/// What a body gives a key: the text from each of its values on, in JSON and as
/// `HTTPie` writes it (`replicas:=0`).
fn values<'b>(body: &'b str, key: &str) -> impl Iterator<Item = &'b str> + use<'b> {
    let behind = |marks: String, starts_word: bool| {
        let found = body.match_indices(&marks).filter_map(|(at, marks)| {
            let (before, rest) = body.split_at_checked(at)?;
            let starts = before.is_empty() || before.ends_with(' ');
            (starts || !starts_word).then(|| rest.get(marks.len()..))?
        });
        found.collect::<Vec<_>>()
    };
    let mut found = behind(format!("\"{key}\""), false);
    found.extend(behind(format!("{key}:="), true));
    found
        .into_iter()
        .map(|rest| rest.trim_start_matches(|c: char| c.is_whitespace() || ":\"".contains(c)))
}

/// Whether a path is one of a search engine's that only reads, whatever its body
/// looks for.
fn only_searches(url: &str) -> bool {
    let path = url.split(['?', '#']).next().unwrap_or(url);
    let last = path.trim_end_matches('/').rsplit('/').next().unwrap_or("");
    matches!(
        last,
        "_search" | "_msearch" | "_count" | "_explain" | "_field_caps" | "_mget" | "_analyze"
    )
}

fn danger(verb: Verb, object: &str, reason: &'static str) -> Danger {
    Danger {
        verb,
        object: object.to_owned(),
        reason,
    }
}

fn unescape(body: &str) -> String {
    body.replace("\\n", " ").replace("\\\"", "\"")
}

/// Words in an operation's or action's name that take something away.
fn destroys(name: &str) -> bool {
    let kebab = cloud::kebab(name);
    kebab.split(['-', '_', '.']).any(|word| {
        matches!(
            word,
            "delete"
                | "destroy"
                | "remove"
                | "purge"
                | "terminate"
                | "wipe"
                | "drop"
                | "truncate"
                | "deprovision"
                | "teardown"
                | "revoke"
                | "reset"
                | "archive"
                | "uninstall"
        )
    })
}

/// The first field of a mutation whose name takes something away.
fn destroying_mutation(body: &str) -> Option<String> {
    let mut rest = body;
    while let Some(at) = rest.find("mutation") {
        let after = rest.get(at + "mutation".len()..).unwrap_or("");
        rest = after;
        // `mutation Name($x: T) { field(…) }`: skip the name and the variables.
        let Some(open) = selection(after) else {
            continue;
        };
        if let Some(field) = fields(after.get(open + 1..).unwrap_or(""))
            .into_iter()
            .find(|f| destroys(f))
        {
            return Some(field);
        }
    }
    None
}

/// The `{` that opens the selection, behind the operation's name and variables.
fn selection(text: &str) -> Option<usize> {
    let mut brackets = 0_i32;
    for (at, c) in text.char_indices() {
        match c {
            '(' => brackets += 1,
            ')' => brackets -= 1,
            '{' if brackets == 0 => return Some(at),
            _ if brackets == 0
                && !(c.is_alphanumeric()
                    || c.is_whitespace()
                    || matches!(c, '_' | '$' | '@' | '\\')) =>
            {
                return None;
            }
            _ => {}
        }
    }
    None
}

/// The names of the fields of one selection, not of those nested in it.
fn fields(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut name = String::new();
    let (mut depth, mut brackets, mut quoted) = (0_i32, 0_i32, false);
    for c in text.chars() {
        match c {
            '"' => quoted = !quoted,
            _ if quoted => {}
            '(' => brackets += 1,
            ')' => brackets -= 1,
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            c if depth == 0 && brackets == 0 && (c.is_alphanumeric() || c == '_') => {
                name.push(c);
                continue;
            }
            _ => {}
        }
        if !name.is_empty() {
            out.push(std::mem::take(&mut name));
        }
        if out.len() > 64 {
            break;
        }
    }
    out.push(name);
    out
}

/// The last words of a path that name a destroying action.
fn destroying_path(url: &str) -> Option<&str> {
    const WHOLE: &[&str] = &[
        "flush",
        "reset",
        "shutdown",
        "batchDelete",
        "reboot",
        "restart",
        "rollback",
    ];
    // Words that are an action only where the path ends in them.
    const LAST: &[&str] = &[
        "pause",
        "cancel",
        "close",
        "suspend",
        "stop",
        "disable",
        "deactivate",
        "revoke",
        "remove",
        "archive",
        "detach",
        "kill",
        "poweroff",
        "power_off",
        "abort",
        "expire",
        "unpublish",
        "failover",
        "promote",
        "drain",
        "rebuild",
    ];
    let path = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path = path
        .split(['?', '#'])
        .next()
        .unwrap_or(path)
        .trim_end_matches('/');
    let segments: Vec<&str> = path.split(['/', ':']).skip(1).collect();
    let last = segments.len().saturating_sub(2);
    segments.iter().enumerate().find_map(|(at, segment)| {
        let bare = segment.trim_start_matches('_');
        let ends = at + 1 == segments.len() && (LAST.contains(&bare) || verb_inside(bare));
        let named = ends
            || WHOLE.contains(&bare)
            || matches!(
                bare,
                "delete" | "destroy" | "purge" | "terminate" | "wipe" | "drop" | "truncate"
                    | "delete_by_query" | "deprovision" | "bulk_delete" | "teardown"
            )
            // `purge_cache`, `deleteAll`: an action, where a path ends in one.
            || (at >= last && verb_first(bare));
        named.then_some(*segment)
    })
}

/// `doDelete`: a verb behind a short word that says so.
fn verb_inside(name: &str) -> bool {
    let kebab = cloud::kebab(name);
    kebab.strip_prefix("do-").is_some_and(|verb| {
        matches!(
            verb,
            "delete" | "destroy" | "wipe-out-workspace" | "stop" | "disable"
        )
    })
}

/// Whether a name of several words starts with a verb that takes something away.
fn verb_first(name: &str) -> bool {
    let kebab = cloud::kebab(name);
    kebab.split_once('-').is_some_and(|(verb, rest)| {
        matches!(
            verb,
            "delete" | "destroy" | "purge" | "wipe" | "drop" | "truncate" | "terminate" | "nuke"
        ) && !rest.is_empty()
            && rest.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')
    })
}

/// `"type": "destroy"` and its kin in a JSON or form body.
fn destroying_action(body: &str) -> Option<&str> {
    const KEYS: &[&str] = &[
        "\"type\"",
        "\"action\"",
        "\"operation\"",
        "\"op\"",
        "\"command\"",
        "\"method\"",
        "action",
        "Action",
    ];
    for key in KEYS {
        let Some(at) = body.find(key) else { continue };
        let value = body
            .get(at + key.len()..)
            .unwrap_or("")
            .trim_start_matches([' ', ':', '=', '"']);
        let end = value
            .find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-')))
            .unwrap_or(value.len());
        let word = value.get(..end).unwrap_or("");
        let stops = matches!(
            word.to_ascii_lowercase().as_str(),
            "rebuild"
                | "reboot"
                | "power_off"
                | "poweroff"
                | "power_cycle"
                | "shutdown"
                | "stop"
                | "restart"
                | "suspend"
                | "rollback"
                | "failover"
                | "restore"
                | "deallocate"
        );
        if (destroys(word) || stops) && !word.is_empty() {
            return Some(word);
        }
    }
    body.contains("\"purge_everything\"")
        .then_some("purge_everything")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests() {
        for (method, url, body, dangerous) in [
            ("DELETE", "https://a/x", None, true),
            ("GET", "https://a/delete", None, false),
            (
                "POST",
                "https://a/g",
                Some(r#"{"query":"mutation { volumeDelete(volumeId: \"abc\") }"}"#),
                true,
            ),
            (
                "POST",
                "https://a/g",
                Some(r#"{"query":"mutation Del($id: ID!) { deleteUser(id: $id) { ok } }"}"#),
                true,
            ),
            (
                "POST",
                "https://a/g",
                Some(r#"{"query":"mutation { createUser(name: \"volumeDelete\") { id } }"}"#),
                false,
            ),
            (
                "POST",
                "https://a/g",
                Some(r#"{"query":"query { deletedUsers { id } }"}"#),
                false,
            ),
            (
                "POST",
                "https://a/v1/1/actions",
                Some(r#"{"type":"destroy"}"#),
                true,
            ),
            (
                "POST",
                "https://a/v1/users",
                Some(r#"{"name":"delete me"}"#),
                false,
            ),
            ("POST", "https://es/o/_delete_by_query", Some("{}"), true),
            (
                "POST",
                "https://rds.amazonaws.com/?Action=DeleteDBInstance&x=1",
                None,
                true,
            ),
        ] {
            let request = Request { method, url, body };
            assert_eq!(
                judge(&request).is_some(),
                dangerous,
                "{method} {url} {body:?}"
            );
        }
    }
}
