//! Writing down what was found.

use countersign_core::effect::{Effect, Environment, StateLoss, Verb};

use super::reading::{Danger, Finding, Node, Scope};
use super::shell_run::{Place, Shell};
use crate::shell::{ParseError, has_hole, show};
use crate::target::Target;

/// Text longer than this is cut in witnesses, in characters.
const MAX_WITNESS: usize = 400;
/// More findings than this add nothing.
const MAX_FINDINGS: usize = 500;

/// What was found, before it is placed.
#[derive(Debug, Clone)]
pub(super) struct Found<'a> {
    pub(super) verb: Verb,
    pub(super) kind: &'a str,
    pub(super) object: &'a str,
    pub(super) danger: Danger,
    pub(super) reason: &'a str,
}

impl Shell<'_> {
    /// Writes a finding with a given scope and target.
    pub(super) fn record(&mut self, found: &Found<'_>, scope: Scope, mut target: Target) {
        if self.reading.findings.len() >= MAX_FINDINGS {
            return;
        }
        let witness = self
            .open
            .last()
            .map(|node| node.command.clone())
            .unwrap_or_default();
        let state = match (found.verb, found.danger) {
            (Verb::Delete | Verb::Replace, Danger::Destructive) => StateLoss::Destroyed,
            (Verb::Unknown | Verb::Update, Danger::Destructive | Danger::UnknownCouldDestroy) => {
                StateLoss::Unknown
            }
            _ => StateLoss::None,
        };
        for (_, value) in &mut target.facets {
            *value = redact(&show(value));
        }
        let index = self.reading.findings.len();
        self.reading.findings.push(Finding {
            effect: Effect {
                verb: found.verb,
                kind: found.kind.to_owned(),
                object: redact(&show(found.object)),
                environment: target.environment,
                state,
                reasons: vec![show(found.reason)],
                witness,
            },
            danger: found.danger,
            scope,
            target,
        });
        if let Some(node) = self.open.last_mut() {
            node.findings.push(index);
        }
    }

    /// A loss on the machine the command runs on.
    pub(super) fn on_machine(&mut self, found: &Found<'_>) {
        match self.place.clone() {
            Place::Here => self.record(found, Scope::Machine, Target::machine()),
            Place::Elsewhere(target) => self.record(found, Scope::Service, target),
            Place::Throwaway => {}
        }
    }

    /// A destructive effect on the machine.
    pub(super) fn destroys(&mut self, verb: Verb, kind: &str, object: &str, reason: &str) {
        self.on_machine(&Found {
            verb,
            kind,
            object,
            danger: Danger::Destructive,
            reason,
        });
    }

    /// Something that cannot be understood and could destroy.
    pub(super) fn unknown(&mut self, reason: &str, object: &str) {
        let shown: String = redact(&show(object)).chars().take(120).collect();
        self.reading.unknowns.push(if shown.is_empty() {
            reason.to_owned()
        } else {
            format!("{reason}: `{shown}`")
        });
        let found = Found {
            verb: Verb::Unknown,
            kind: "command",
            object: &shown,
            danger: Danger::UnknownCouldDestroy,
            reason,
        };
        let target = match self.place.clone() {
            Place::Here => Target {
                environment: Environment::Unknown,
                ..Target::unknown()
            },
            Place::Elsewhere(target) => target,
            Place::Throwaway => return,
        };
        let scope = if self.place == Place::Here {
            Scope::Machine
        } else {
            Scope::Service
        };
        self.record(&found, scope, target);
    }

    /// Text that is not shell is held when it names something destructive.
    pub(super) fn parse_error(&mut self, text: &str, error: &ParseError) {
        let suspicious = super::vocabulary::text_could_destroy(text) || has_hole(text);
        if suspicious || text.len() > 16_384 {
            let reason = format!("not shell at byte {}: {}", error.offset, error.message);
            self.unknown(&reason, text);
        } else {
            self.note(&format!(
                "not shell at byte {}: {}",
                error.offset, error.message
            ));
        }
    }

    /// Opens a node of the explanation.
    pub(super) fn open_node(&mut self, argv: &[String]) {
        let mut command = String::new();
        for (at, arg) in argv.iter().enumerate() {
            if at > 0 {
                command.push(' ');
            }
            push_word(&mut command, arg);
            if command.len() > MAX_WITNESS {
                break;
            }
        }
        let command = redact(&show(&command)).chars().take(MAX_WITNESS).collect();
        self.open.push(Node {
            command,
            ..Node::default()
        });
    }

    /// Closes the innermost node.
    pub(super) fn close_node(&mut self) {
        let Some(node) = self.open.pop() else { return };
        match self.open.last_mut() {
            Some(parent) if parent.children.len() < 200 => parent.children.push(node),
            None if self.reading.tree.len() < 200 => self.reading.tree.push(node),
            // Beyond that the tree tells a person nothing more.
            _ => {}
        }
    }

    /// A remark on the open node.
    pub(super) fn note(&mut self, text: &str) {
        if let Some(node) = self.open.last_mut() {
            node.notes
                .push(redact(&show(text)).chars().take(MAX_WITNESS).collect());
        }
    }
}

fn push_word(out: &mut String, word: &str) {
    let plain = !word.is_empty()
        && word
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b >= 0x80 || b"-_./=:@%+,~".contains(&b));
    if plain {
        out.push_str(word);
    } else {
        out.push('\'');
        out.push_str(word);
        out.push('\'');
    }
}

/// Takes secrets out of text that is kept: passwords in URLs, tokens in
/// headers, values of options and variables whose names say so.
#[must_use]
pub fn redact(text: &str) -> String {
    if !needs_redaction(text) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut hide_next = false;
    for piece in text.split_inclusive([' ', '\n', '\'', '"']) {
        let word = piece.trim_end_matches([' ', '\n', '\'', '"']);
        let tail = piece.get(word.len()..).unwrap_or("");
        if hide_next && !word.is_empty() {
            out.push_str("***");
            hide_next = word.eq_ignore_ascii_case("basic");
        } else if let Some((name, _)) = word
            .split_once('=')
            .filter(|(name, value)| is_secret_name(name) && !value.is_empty())
        {
            out.push_str(name);
            out.push_str("=***");
        } else {
            out.push_str(&without_userinfo(word));
            let lower = word.to_ascii_lowercase();
            hide_next = (word.starts_with("--") && is_secret_name(word))
                || matches!(lower.as_str(), "bearer" | "basic");
        }
        out.push_str(tail);
    }
    out
}

fn needs_redaction(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    [
        "://", "pass", "token", "secret", "key", "bearer", "basic", "pwd",
    ]
    .iter()
    .any(|word| lower.contains(word))
}

fn is_secret_name(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    [
        "password",
        "passwd",
        "token",
        "secret",
        "api_key",
        "apikey",
        "api-key",
        "access_key",
        "private_key",
        "_pwd",
        "pgpassword",
    ]
    .iter()
    .any(|word| lower.contains(word))
}

fn without_userinfo(word: &str) -> String {
    let Some((scheme, rest)) = word.split_once("://") else {
        return word.to_owned();
    };
    let authority_end = rest.find('/').unwrap_or(rest.len());
    let authority = rest.get(..authority_end).unwrap_or("");
    let path = rest.get(authority_end..).unwrap_or("");
    match authority.rsplit_once('@') {
        Some((user, host)) => {
            let user = user.split(':').next().unwrap_or("");
            format!("{scheme}://{user}:***@{host}{path}")
        }
        None => word.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::redact;

    #[test]
    fn secrets_do_not_stay() {
        for (text, expected) in [
            (
                "psql postgres://u:hunter2@db/shop",
                "psql postgres://u:***@db/shop",
            ),
            ("PGPASSWORD=hunter2 psql", "PGPASSWORD=*** psql"),
            ("x --token hunter2 y", "x --token *** y"),
            (
                "curl -H 'Authorization: Bearer hunter2'",
                "curl -H 'Authorization: Bearer ***'",
            ),
            ("ls -la", "ls -la"),
        ] {
            assert_eq!(redact(text), expected);
        }
    }
}
