//! Who an identity stands for.
//!
//! A numeric GitHub id comes first because it survives renames, then the whole
//! mailbox, then a login. A domain never counts: `jane@openai.com` is a person.
//! A display name counts only where it ends in `[bot]`, which no person's
//! account may, or where an agent's name stands before an agent's mailbox.

use countersign_core::involvement::Strength;

use super::agent;
use super::catalogue::{Catalogue, Row, RowClass};
use super::commit::Identity;

/// Whom an identity stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// A person, as far as the identity tells.
    Human,
    /// An AI agent.
    Agent {
        /// The tool's identifier in the catalogue.
        tool: &'static str,
        /// What it says as a co-author.
        strength: Strength,
        /// What it says as author or committer.
        author: Strength,
    },
    /// Automation without AI, such as dependabot.
    Bot,
    /// The forge itself.
    Forge,
}

/// Mailboxes longer than this match no row; longest row is far shorter.
const MAILBOX_MAX: usize = 128;
const GITHUB: &str = "@users.noreply.github.com";

/// Says whom `identity` stands for.
#[must_use]
pub fn classify(catalogue: &Catalogue, identity: Identity<'_>) -> Class {
    let mut buffer = [0_u8; MAILBOX_MAX];
    let mailbox = normalise(identity.email, &mut buffer);
    if let Some(local) = mailbox.strip_suffix(GITHUB) {
        return by_account(catalogue, local)
            .or_else(|| by_bot_name(catalogue, identity.name))
            .unwrap_or(Class::Human);
    }
    if let Some(row) = catalogue.by_mailbox(mailbox)
        && starts_with_ignoring_case(identity.name.trim_start(), row.name)
    {
        return named_class(catalogue, row, identity.name);
    }
    by_bot_name(catalogue, identity.name).unwrap_or(Class::Human)
}

/// The agent that a display name's ending gives away, such as ` (aider)`.
///
/// The identity is still that of the person who ran the agent.
#[must_use]
pub fn name_suffix(catalogue: &Catalogue, name: &str) -> Option<&'static Row> {
    let name = name.trim_end().as_bytes();
    // Every suffix ends in `)`: a cheap look that most names do not pass.
    if name.last() != Some(&b')') {
        return None;
    }
    catalogue.name_suffixes().iter().copied().find(|row| {
        name.len() > row.value.len()
            && name
                .get(name.len() - row.value.len()..)
                .is_some_and(|end| end.eq_ignore_ascii_case(row.value.as_bytes()))
    })
}

/// Lower case, without white space around it and without the backslashes that
/// some squashed messages put before brackets. Empty when too long.
fn normalise<'b>(email: &str, buffer: &'b mut [u8; MAILBOX_MAX]) -> &'b str {
    let mut length = 0;
    for byte in email.trim().bytes().filter(|b| *b != b'\\') {
        let Some(slot) = buffer.get_mut(length) else {
            return "";
        };
        *slot = byte.to_ascii_lowercase();
        length += 1;
    }
    buffer
        .get(..length)
        .and_then(|bytes| std::str::from_utf8(bytes).ok())
        .unwrap_or_default()
}

/// The local part of a GitHub noreply address: `id+login`, or `login` alone.
fn by_account(catalogue: &Catalogue, local: &str) -> Option<Class> {
    let (id, login) = match local.split_once('+') {
        Some((id, login)) => (id.parse::<u64>().ok(), login),
        None => (None, local),
    };
    if let Some(row) = id.and_then(|id| catalogue.by_id(id)) {
        return Some(class_of(row));
    }
    let is_app = login.ends_with("[bot]");
    // With another id, a plain login may have passed to a person.
    if (is_app || id.is_none())
        && let Some(row) = catalogue.by_login(login)
    {
        return Some(class_of(row));
    }
    is_app.then_some(Class::Bot)
}

fn by_bot_name(catalogue: &Catalogue, name: &str) -> Option<Class> {
    let name = name.trim();
    if !name.ends_with(']') {
        return None;
    }
    let lower = name.to_ascii_lowercase().replace('\\', "");
    let row = lower
        .ends_with("[bot]")
        .then(|| catalogue.by_login(&lower))?;
    Some(row.map_or(Class::Bot, class_of))
}

fn class_of(row: &'static Row) -> Class {
    match row.class {
        RowClass::Agent => Class::Agent {
            tool: row.tool,
            strength: row.strength,
            author: row.author,
        },
        RowClass::Bot => Class::Bot,
        RowClass::Forge => Class::Forge,
    }
}

/// A vendor's mailbox may carry another agent's name (`goose
/// <noreply@anthropic.com>`): then the name says which tool it was.
fn named_class(catalogue: &Catalogue, row: &'static Row, name: &str) -> Class {
    let class = class_of(row);
    if let Class::Agent {
        strength, author, ..
    } = class
        && !agent::mentions(catalogue, name, row.tool)
        && let Some(named) = agent::named(catalogue, name)
    {
        return Class::Agent {
            tool: named.row.tool,
            strength,
            author,
        };
    }
    class
}

fn starts_with_ignoring_case(text: &str, prefix: &str) -> bool {
    text.get(..prefix.len())
        .is_some_and(|head| head.eq_ignore_ascii_case(prefix))
}

#[cfg(test)]
mod tests {
    use super::super::catalogue::{Kind, examples};
    use super::*;
    use proptest::prelude::*;

    fn parse(text: &str) -> Identity<'_> {
        let (name, email) = text.split_once('<').unwrap();
        Identity {
            name: name.trim(),
            email: email.trim_end_matches('>'),
        }
    }

    fn of(text: &str) -> Class {
        classify(Catalogue::builtin(), parse(text))
    }

    fn tool(class: Class) -> &'static str {
        match class {
            Class::Agent { tool, .. } => tool,
            _ => "",
        }
    }

    #[test]
    fn every_identity_row_matches_its_example_and_no_near_miss() {
        let mut rows = 0;
        for (row, example, near) in examples() {
            match row.kind {
                Kind::GithubId | Kind::Login | Kind::Mailbox => {
                    assert_eq!(of(example), class_of(row), "{example}");
                    for miss in near {
                        assert_eq!(tool(of(miss)), "", "{miss}");
                    }
                    rows += 1;
                }
                Kind::NameSuffix => {
                    let suffix = |text| name_suffix(Catalogue::builtin(), parse(text).name);
                    assert!(suffix(example).is_some_and(|found| found.value == row.value));
                    assert_eq!(of(example), Class::Human, "the mailbox is a person's");
                    assert!(near.iter().all(|miss| suffix(miss).is_none()));
                    rows += 1;
                }
                _ => {}
            }
        }
        assert!(rows > 90, "{rows}");
    }

    #[test]
    fn people_bots_and_forges() {
        for (text, class) in [
            ("Claude Paroz <claude@2xlibre.net>", Class::Human),
            ("Claude Dioudonnat <claude@example.org>", Class::Human),
            ("Devin Gould <djgould0628@gmail.com>", Class::Human),
            ("Jules <jules@example.org>", Class::Human),
            ("Jules <4123+jules@users.noreply.github.com>", Class::Human),
            ("Paul Gauthier <paul@aider.chat>", Class::Human),
            ("Jane <jane@openai.com>", Class::Human),
            ("Anthropic person <someone@anthropic.com>", Class::Human),
            ("opencode <opencode@sst.dev>", Class::Bot),
            (
                "dependabot[bot] <49699333+dependabot[bot]@users.noreply.github.com>",
                Class::Bot,
            ),
            ("dependabot[bot] <support@github.com>", Class::Bot),
            (
                "something-new[bot] <1+something-new[bot]@users.noreply.github.com>",
                Class::Bot,
            ),
            ("GitHub <noreply@github.com>", Class::Forge),
            (" <>", Class::Human),
            ("x <+@users.noreply.github.com>", Class::Human),
            (
                "x <99999999999999999999999+y@users.noreply.github.com>",
                Class::Human,
            ),
        ] {
            assert_eq!(of(text), class, "{text}");
        }
    }

    #[test]
    fn the_three_copilot_accounts_differ_by_id_alone() {
        for (id, name, strength) in [
            (198_982_749, "copilot-agent", Strength::AgentAuthored),
            (223_556_219, "copilot", Strength::Session),
            (175_728_472, "copilot-review", Strength::AcceptedSuggestion),
        ] {
            let text = format!("Copilot <{id}+Copilot@users.noreply.github.com>");
            let Class::Agent {
                tool,
                strength: found,
                ..
            } = of(&text)
            else {
                panic!("{text}");
            };
            assert_eq!((tool, found), (name, strength));
        }
        assert_eq!(
            of("Copilot <1+Copilot@users.noreply.github.com>"),
            Class::Human
        );
        let Class::Agent {
            strength, author, ..
        } = of("Copilot <copilot@github.com>")
        else {
            panic!("stamp");
        };
        assert_eq!((strength, author), (Strength::Weak, Strength::Weak));
    }

    #[test]
    fn an_agents_name_wins_over_a_shared_mailbox() {
        assert_eq!(tool(of("goose <noreply@anthropic.com>")), "goose");
        assert_eq!(
            tool(of("Cursor Grok 4.6 <noreply@anthropic.com>")),
            "cursor"
        );
        assert_eq!(
            tool(of("Claude Sonnet 4.5 via Crush <crush@charm.land>")),
            "crush"
        );
        assert_eq!(
            tool(of("Ada Lovelace <noreply@anthropic.com>")),
            "claude-code"
        );
    }

    proptest! {
        #[test]
        fn nothing_panics(name in ".*", email in ".*") {
            let identity = Identity { name: &name, email: &email };
            let _ = classify(Catalogue::builtin(), identity);
            let _ = name_suffix(Catalogue::builtin(), &name);
        }

        #[test]
        fn a_whole_domain_never_counts(local in "[a-z]{1,8}\\.[a-z]{1,8}") {
            for domain in ["anthropic.com", "openai.com", "cursor.com", "aider.chat", "google.com"] {
                let email = format!("{local}@{domain}");
                let identity = Identity { name: "Someone", email: &email };
                prop_assert_eq!(classify(Catalogue::builtin(), identity), Class::Human);
            }
        }
    }
}
