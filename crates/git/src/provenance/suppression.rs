//! Signs in a repository's own files that markers are removed or never written.
//!
//! Where they are, the absence of a marker says even less. Three kinds of file
//! are looked at: settings that switch an agent's attribution off (the `config`
//! rows of the catalogue), hooks and CI scripts that delete attribution or
//! refuse commits that carry it, and instructions that tell agents to leave it
//! out. Only whole, simple commands are understood; a script that hides what
//! it does is not found.

use countersign_core::involvement::{Channel, Claim, Evidence, witness};
use serde_json::Value;

use super::catalogue::Catalogue;

/// Longer files are not looked at, in bytes.
pub const FILE_MAX: usize = 1 << 20;

const HOOK_FOLDERS: &[&str] = &[
    ".husky/",
    ".githooks/",
    "githooks/",
    ".git-hooks/",
    "git-hooks/",
    ".hooks/",
    "hooks/",
    ".github/workflows/",
    ".github/actions/",
    ".claude/hooks/",
];
const HOOK_FILES: &[&str] = &[
    "lefthook.yml",
    "lefthook.yaml",
    ".lefthook.yml",
    ".lefthook.yaml",
    ".gitlab-ci.yml",
    ".pre-commit-config.yaml",
    "lefthook.toml",
];
const HOOK_NAMES: &[&str] = &[
    "commit-msg",
    "prepare-commit-msg",
    "post-commit",
    "applypatch-msg",
];
const INSTRUCTIONS: &[&str] = &[
    "CLAUDE.md",
    "AGENTS.md",
    "GEMINI.md",
    "CRUSH.md",
    ".cursorrules",
    ".windsurfrules",
    ".github/copilot-instructions.md",
    ".claude/CLAUDE.md",
];

/// What attribution looks like in scripts and instructions, lower case.
const ATTRIBUTION: &[&str] = &[
    "co-authored-by",
    "co-authored by",
    "coauthored-by",
    "noreply@anthropic",
    "generated with",
    "claude-session",
    "assisted-by",
];

/// Whether a file at `path` (from the root, `/` between folders) can hold signs
/// of suppression and should be given to [`suppression`].
#[must_use]
pub fn may_suppress(catalogue: &Catalogue, path: &str) -> bool {
    is_config(catalogue, path) || is_hook(path) || INSTRUCTIONS.contains(&path)
}

/// Where hooks that are told by their name alone are usually kept.
const SCRIPT_FOLDERS: &[&str] = &[
    "bin/", "ci/", ".ci/", "contrib/", "dev/", "scripts/", "tools/",
];

/// The folders and files from the root that are worth listing for
/// [`may_suppress`], so that a large tree need not be listed whole.
#[must_use]
pub fn places(catalogue: &Catalogue) -> Vec<&'static str> {
    let configs = catalogue
        .configs()
        .iter()
        .filter_map(|row| row.value.split_once(": "));
    let fixed = [
        HOOK_FOLDERS,
        HOOK_FILES,
        HOOK_NAMES,
        SCRIPT_FOLDERS,
        INSTRUCTIONS,
    ];
    configs
        .map(|(path, _)| path)
        .chain(fixed.concat())
        .collect()
}

/// The signs of suppression in one file, each with the words found.
#[must_use]
pub fn suppression(catalogue: &Catalogue, path: &str, bytes: &[u8]) -> Vec<Evidence> {
    if bytes.len() > FILE_MAX {
        return Vec::new();
    }
    let mut signs = Vec::new();
    if is_config(catalogue, path) {
        config(catalogue, path, bytes, &mut signs);
    }
    let text = || String::from_utf8_lossy(bytes);
    if is_hook(path) {
        hook(&text(), &mut signs);
    }
    if INSTRUCTIONS.contains(&path) {
        instructions(&text(), &mut signs);
    }
    signs.dedup();
    let evidence = |sign: &String| Evidence {
        channel: Channel::Configuration,
        claim: Claim::Suppressed,
        witness: witness(&format!("{path}: {sign}")),
        commit: None,
    };
    signs.iter().take(16).map(evidence).collect()
}

fn is_config(catalogue: &Catalogue, path: &str) -> bool {
    let file = |row: &&super::Row| row.value.split_once(": ").map(|(file, _)| file);
    catalogue
        .configs()
        .iter()
        .filter_map(file)
        .any(|file| file == path)
}

fn is_hook(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let stem = name.split('.').next().unwrap_or(name);
    HOOK_FOLDERS.iter().any(|folder| path.starts_with(folder))
        || HOOK_FILES.contains(&path)
        || HOOK_NAMES.contains(&stem)
}

/// Settings: the rows read `path: dotted.key=JSON value`.
fn config(catalogue: &Catalogue, path: &str, bytes: &[u8], signs: &mut Vec<String>) {
    let Ok(settings) = serde_json::from_slice::<Value>(bytes) else {
        return;
    };
    for row in catalogue.configs() {
        let Some((file, setting)) = row.value.split_once(": ") else {
            continue;
        };
        let Some((key, wanted)) = setting.split_once('=') else {
            continue;
        };
        let found = key
            .split('.')
            .try_fold(&settings, |value, part| value.as_object()?.get(part));
        let is_off =
            |value: &Value| serde_json::from_str::<Value>(wanted).is_ok_and(|off| off == *value);
        if file == path && found.is_some_and(is_off) {
            signs.push(setting.to_owned());
        }
    }
}

/// Scripts: a command that deletes lines with attribution, or a check that
/// fails because of them.
fn hook(text: &str, signs: &mut Vec<String>) {
    let text = text.replace("\\\r\n", " ").replace("\\\n", " ");
    let lines: Vec<&str> = text.lines().collect();
    let mut variables: Vec<String> = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let lower = line.trim().to_ascii_lowercase();
        if lower.starts_with('#') || lower.starts_with("//") {
            continue;
        }
        if !is_about_attribution(&lower) && !variables.iter().any(|name| lower.contains(name)) {
            continue;
        }
        if let Some(name) = assigned(&lower) {
            variables.push(format!("${name}"));
            variables.push(format!("${{{name}}}"));
        }
        let next = lines.get(at..lines.len().min(at + 7)).unwrap_or_default();
        if deletes(&lower) || refuses(&lower, next) {
            signs.push(line.trim().to_owned());
        }
    }
}

fn is_about_attribution(lower: &str) -> bool {
    ATTRIBUTION.iter().any(|words| lower.contains(words))
}

/// The shell variable that a line assigns.
fn assigned(lower: &str) -> Option<&str> {
    let (name, _) = lower.split_once('=')?;
    let name = name.rsplit(' ').next()?;
    let is_name = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    (!name.is_empty() && is_name).then_some(name)
}

fn deletes(lower: &str) -> bool {
    let has = |words: &str| lower.contains(words);
    let command = |name: &str| {
        lower
            .split(|c: char| !c.is_ascii_alphanumeric())
            .any(|w| w == name)
    };
    let option_v = lower.split_whitespace().any(|word| {
        word.strip_prefix('-')
            .is_some_and(|o| !o.starts_with('-') && o.contains('v') && o.len() <= 6)
    });
    let sed_deletes = [
        "/d'", "/d\"", "/d;", "/id'", "/id\"", "/id;", "/d ", "/id ", "/,", "d}", "s/", "s|", "s#",
    ];
    (command("sed") && sed_deletes.iter().any(|end| has(end)))
        || (command("grep") && (option_v || has("--invert-match")))
        || (command("awk") && has("!/"))
        || (command("perl") && (has("unless") || has("s/") || has("!/")))
        || has("re.sub(")
        || has(".replace(")
        || has("msg-filter")
        || has("--replace-message")
}

/// `if grep … attribution …; then … exit 1`, but not the check that demands it.
fn refuses(lower: &str, next: &[&str]) -> bool {
    let looks = lower.contains("grep") || lower.contains("=~");
    let demands = lower.contains("! grep") || lower.contains("||") || lower.contains("! [[");
    looks
        && !demands
        && next.iter().any(|line| {
            let line = line.trim();
            line.contains("exit 1") || line.starts_with("exit 2")
        })
}

/// Instructions: a sentence that forbids attribution.
fn instructions(text: &str, signs: &mut Vec<String>) {
    const FORBIDS: &[&str] = &[
        "do not",
        "don't",
        "don’t",
        "never",
        "no ",
        "without",
        "must not",
        "omit",
        "remove",
        "strip",
        "avoid",
        "not include",
        "not add",
    ];
    for line in text.lines() {
        let lower = line.to_lowercase();
        let at = ATTRIBUTION
            .iter()
            .filter_map(|words| lower.find(words))
            .min();
        let before = at.and_then(|at| lower.get(..at)).unwrap_or_default();
        if FORBIDS.iter().any(|words| before.contains(words)) {
            signs.push(line.trim().to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::catalogue::{Kind, examples};
    use super::*;
    use proptest::prelude::*;

    fn signs(path: &str, text: &str) -> usize {
        let catalogue = Catalogue::builtin();
        assert!(may_suppress(catalogue, path), "{path}");
        suppression(catalogue, path, text.as_bytes()).len()
    }

    #[test]
    fn every_config_row_matches_its_example_and_no_near_miss() {
        let mut rows = 0;
        for (row, example, near) in examples().filter(|(row, ..)| row.kind == Kind::Config) {
            let (path, _) = row.value.split_once(": ").unwrap();
            assert_eq!(signs(path, example), 1, "{example}");
            for miss in near {
                assert_eq!(signs(path, miss), 0, "{miss}");
            }
            rows += 1;
        }
        assert!(rows >= 8);
    }

    #[test]
    fn hooks_that_delete_or_refuse_attribution() {
        for text in [
            "sed -i '/^Co-Authored-By: Claude/d' \"$1\"",
            "sed -i.bak -e '/co-authored-by:.*anthropic/Id' \"$1\"",
            "grep -v 'Co-authored-by' \"$1\" > tmp && mv tmp \"$1\"",
            "grep -viE \\\n  'generated with' \"$1\" > tmp",
            "PATTERN='Co-Authored-By: Claude'\ngrep -v \"$PATTERN\" \"$1\" > t",
            "awk '!/Co-authored-by/' \"$1\"",
            "perl -ni -e 'print unless /Co-authored-by/' \"$1\"",
            "git filter-branch --msg-filter 'sed \"/Co-Authored-By/d\"'",
            "if grep -qi 'co-authored-by: claude' \"$1\"; then\n  echo no\n  exit 1\nfi",
        ] {
            assert_eq!(signs(".husky/commit-msg", text), 1, "{text}");
        }
        assert_eq!(
            signs(
                ".github/workflows/ci.yml",
                "  run: git log | grep -v 'Co-authored-by'"
            ),
            1
        );
    }

    #[test]
    fn hooks_that_leave_attribution_alone() {
        for text in [
            "",
            "# sed -i '/Co-Authored-By/d' \"$1\"",
            "sed -i '/^#/d' \"$1\"",
            "echo 'Co-authored-by: Ada <ada@example.org>' >> \"$1\"",
            "grep -q 'Co-authored-by' \"$1\" || exit 1",
            "if ! grep -q 'Assisted-by' \"$1\"; then\n exit 1\nfi",
            "grep -c 'Co-authored-by' \"$1\"",
            "git interpret-trailers --trailer 'Co-authored-by: x' \"$1\"",
        ] {
            assert_eq!(signs(".githooks/prepare-commit-msg", text), 0, "{text}");
        }
    }

    #[test]
    fn instructions_that_forbid_attribution() {
        assert_eq!(
            signs(
                "CLAUDE.md",
                "- Do NOT add `Co-Authored-By` lines to commits"
            ),
            1
        );
        assert_eq!(
            signs("AGENTS.md", "Never write \"Generated with Claude Code\"."),
            1
        );
        assert_eq!(
            signs(
                "AGENTS.md",
                "Always add a Co-Authored-By line. Never skip it."
            ),
            0
        );
        assert_eq!(signs("CLAUDE.md", "Do not commit secrets."), 0);
    }

    #[test]
    fn other_files_are_not_looked_at() {
        for path in [
            "src/main.rs",
            "README.md",
            "docs/CLAUDE.md",
            "settings.json",
        ] {
            assert!(!may_suppress(Catalogue::builtin(), path), "{path}");
        }
        let big = vec![b' '; FILE_MAX + 1];
        assert!(suppression(Catalogue::builtin(), "CLAUDE.md", &big).is_empty());
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "(?s).{0,200}") {
            for path in [".husky/x", "CLAUDE.md", "crush.json"] {
                let _ = suppression(Catalogue::builtin(), path, text.as_bytes());
            }
        }
    }
}
