//! Agents' names in free text: `Claude Opus 4.6`, `codex (GPT-5.4)`,
//! `Crush:claude-sonnet-4-5`.
//!
//! A name counts only at the start, and only if what follows looks like a
//! model or a version: `Claude Paroz` is a person.

use countersign_core::involvement::Strength;

use super::catalogue::{Catalogue, Row};

/// An agent named in a text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Named {
    /// The catalogue row of the name.
    pub(super) row: &'static Row,
    /// What the name says here.
    pub(super) strength: Strength,
}

/// Words that belong to a model's or product's name.
const MODEL_WORDS: &[&str] = &[
    "agent",
    "ai",
    "assistant",
    "bot",
    "chat",
    "cli",
    "cloud",
    "code",
    "coder",
    "composer",
    "developer",
    "extended",
    "fable",
    "fast",
    "flash",
    "gemini",
    "gpt",
    "grok",
    "haiku",
    "high",
    "ide",
    "kimi",
    "latest",
    "lite",
    "llm",
    "low",
    "max",
    "medium",
    "mini",
    "mode",
    "model",
    "nano",
    "openai",
    "opus",
    "preview",
    "pro",
    "qwen",
    "reasoning",
    "sonnet",
    "thinking",
    "turbo",
    "ultra",
    "xhigh",
];

/// Words after which anything may follow: `Claude via Crush`.
const JOINING_WORDS: &[&str] = &["and", "on", "through", "using", "via", "with"];

/// The agent that `text` begins with, if it names one and not a person.
pub(super) fn named(catalogue: &Catalogue, text: &str) -> Option<Named> {
    let text = text.trim_start_matches(['*', '_', '"', '`', '[', '@', ' ']);
    for row in catalogue.agents() {
        let Some(rest) = strip_name(text, row.value) else {
            continue;
        };
        if is_bare(rest) {
            return Some(Named {
                row,
                strength: row.alone,
            });
        }
        if looks_like_model(rest) {
            return Some(Named {
                row,
                strength: row.strength,
            });
        }
    }
    None
}

/// The agent whose very name `text` is; used for tool names in records.
pub(super) fn tool_id(catalogue: &Catalogue, text: &str) -> Option<&'static str> {
    let text = text.trim();
    catalogue
        .agents()
        .iter()
        .find(|row| row.value.eq_ignore_ascii_case(text))
        .map(|row| row.tool)
        .or_else(|| {
            let tools = catalogue.tools();
            let at = tools.binary_search(&text).ok()?;
            tools.get(at).copied()
        })
}

/// Whether `text` contains a name of `tool` as a word.
pub(super) fn mentions(catalogue: &Catalogue, text: &str, tool: &str) -> bool {
    let starts = std::iter::once(0).chain(
        text.char_indices()
            .filter(|(_, c)| !c.is_alphanumeric())
            .map(|(at, c)| at + c.len_utf8()),
    );
    starts.filter_map(|at| text.get(at..)).any(|tail| {
        catalogue
            .agents()
            .iter()
            .any(|row| row.tool == tool && strip_name(tail, row.value).is_some())
    })
}

/// What follows `name` at the start of `text`, if the name ends there.
fn strip_name<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    let (head, rest) = text.split_at_checked(name.len())?;
    let ends = rest.chars().next().is_none_or(|c| !c.is_alphabetic());
    (head.eq_ignore_ascii_case(name) && ends).then_some(rest)
}

fn is_bare(rest: &str) -> bool {
    rest.chars().all(|c| !c.is_alphanumeric())
}

fn looks_like_model(rest: &str) -> bool {
    for word in rest.split_inclusive([' ', '\t', '-', '_']) {
        let word = word.trim_end_matches([' ', '\t', '-', '_']);
        if word.starts_with([':', '(', '/', ',', ';', '@', '[', ']', '+', '<']) {
            return true;
        }
        let word = word.trim_matches(|c: char| !c.is_alphanumeric());
        if word.is_empty() {
            continue;
        }
        let is_any = |list: &[&str]| list.iter().any(|known| known.eq_ignore_ascii_case(word));
        if is_any(JOINING_WORDS) {
            return true;
        }
        let known = is_any(MODEL_WORDS) || word.bytes().any(|b| b.is_ascii_digit());
        if !known {
            return false;
        }
    }
    true
}

/// The model that a name or value gives, such as `GPT-5.4` in
/// `codex (GPT-5.4)`; at most 100 characters.
pub(super) fn model(catalogue: &Catalogue, text: &str) -> Option<String> {
    let text = text.rsplit(" / ").next().unwrap_or(text).trim();
    let named = named(catalogue, text)?;
    let rest = strip_name(text, named.row.value)?.trim_start();
    let before_via = |text: &str| text.split(" via ").next().unwrap_or(text).trim().to_owned();
    let model = if let Some(model) = rest.strip_prefix(':') {
        model.split_whitespace().next()?.to_owned()
    } else if let Some(model) = rest.strip_prefix('(') {
        model.split(')').next()?.trim().to_owned()
    } else {
        let first = rest.split_whitespace().next()?;
        let has = |check: fn(&u8) -> bool| first.as_bytes().iter().any(check);
        if named.row.value.ends_with("code") || !rest.bytes().any(|b| b.is_ascii_digit()) {
            return None;
        } else if has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic) {
            before_via(rest)
        } else {
            before_via(text)
        }
    };
    let plausible = model.bytes().any(|b| b.is_ascii_alphanumeric());
    plausible.then(|| model.chars().take(100).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_not_agents() {
        let catalogue = Catalogue::builtin();
        for text in [
            "Claude Paroz",
            "Devin Gould",
            "Jules Verne",
            "Claudette",
            "Amp Lifier",
            "Cursor Styles",
            "protoc 3.2",
            "",
            "Junie B. Jones",
            "Claude-Alain Muller",
        ] {
            assert!(named(catalogue, text).is_none(), "{text}");
        }
    }

    #[test]
    fn agents_are_found_with_their_models() {
        let catalogue = Catalogue::builtin();
        for (text, tool, model_name) in [
            ("Claude", "claude-code", None),
            (
                "Claude Opus 4.8 (1M context)",
                "claude-code",
                Some("Claude Opus 4.8 (1M context)"),
            ),
            (
                "Claude Code 2.1.133 / Claude Opus 4.7",
                "claude-code",
                Some("Claude Opus 4.7"),
            ),
            ("Claude Code 2.1.133", "claude-code", None),
            ("codex (GPT-5.4)", "codex", Some("GPT-5.4")),
            ("OpenAI GPT 5.5", "codex", Some("OpenAI GPT 5.5")),
            (
                "Crush:claude-sonnet-4-5",
                "crush",
                Some("claude-sonnet-4-5"),
            ),
            ("aider (gpt-4o)", "aider", Some("gpt-4o")),
            (
                "gemini-cli gemini-2.5-pro",
                "gemini-cli",
                Some("gemini-2.5-pro"),
            ),
            (
                "Claude Sonnet 4.5 via Crush",
                "claude-code",
                Some("Claude Sonnet 4.5"),
            ),
            ("[Cursor](https://cursor.com)", "cursor", None),
        ] {
            let found = named(catalogue, text);
            assert_eq!(found.map(|n| n.row.tool), Some(tool), "{text}");
            assert_eq!(model(catalogue, text).as_deref(), model_name, "{text}");
        }
    }

    #[test]
    fn a_first_name_alone_is_weak() {
        let catalogue = Catalogue::builtin();
        for name in ["Devin", "Jules"] {
            let strength = named(catalogue, name).map(|n| n.strength);
            assert_eq!(strength, Some(Strength::Weak), "{name}");
        }
    }

    #[test]
    fn tools_of_records_are_mapped() {
        let catalogue = Catalogue::builtin();
        assert_eq!(tool_id(catalogue, "claude"), Some("claude-code"));
        assert_eq!(tool_id(catalogue, "firebender"), Some("firebender"));
        assert_eq!(tool_id(catalogue, "mock_ai"), None);
        assert!(mentions(catalogue, "Claude Sonnet 4.5 via Crush", "crush"));
        assert!(!mentions(catalogue, "goose", "claude-code"));
    }
}
