//! CODEOWNERS: which teams own which paths.
//!
//! Format: <https://docs.github.com/en/repositories/managing-your-repositorys-settings-and-features/customizing-your-repository/about-code-owners>
//! and <https://docs.gitlab.com/user/project/codeowners/reference/>. In both
//! dialects the last matching line wins; GitLab adds sections, each of which
//! names owners of its own.

use globset::{GlobBuilder, GlobMatcher};

use crate::problem::{Problem, Source};

/// Where the file may be, in the order in which forges look.
pub const LOCATIONS: [&str; 4] = [
    ".github/CODEOWNERS",
    ".gitlab/CODEOWNERS",
    "CODEOWNERS",
    "docs/CODEOWNERS",
];

/// GitHub ignores larger files; reading part of one would misjudge ownership.
pub const MAX_BYTES: usize = 3 * 1024 * 1024;

/// One pattern and who owns what it matches. No owners means unowned on purpose.
#[derive(Debug, Clone)]
struct Line {
    matcher: GlobMatcher,
    /// Matches whole directories (`docs/`, `/src`), so everything below too.
    below: GlobMatcher,
    owners: Vec<String>,
}

/// A group of lines among which the last match wins.
#[derive(Debug, Clone, Default)]
struct Section {
    lines: Vec<Line>,
}

/// A parsed CODEOWNERS file.
#[derive(Debug, Clone, Default)]
pub struct Owners {
    sections: Vec<Section>,
}

impl Owners {
    /// Reads a file. Lines that no forge would accept are skipped, as forges
    /// do, and reported as warnings.
    #[must_use]
    pub fn parse(text: &str, file: &str) -> (Self, Vec<Problem>) {
        let source = Source { file, text };
        if text.len() > MAX_BYTES {
            let problem = source.whole("larger than 3 MB, so forges ignore it");
            return (Self::default(), vec![problem.warning()]);
        }
        let mut owners = Self {
            sections: vec![Section::default()],
        };
        let mut problems = Vec::new();
        let mut defaults: Vec<String> = Vec::new();
        let mut offset = 0;
        for raw in text.split_inclusive('\n') {
            let start = offset;
            offset += raw.len();
            let line = raw.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if let Some(names) = section_header(line) {
                owners.sections.push(Section::default());
                defaults = names;
                continue;
            }
            match owner_line(line, &defaults) {
                Ok(parsed) => {
                    if let Some(section) = owners.sections.last_mut() {
                        section.lines.push(parsed);
                    }
                }
                Err(message) => {
                    let span = start..start + raw.trim_end().len();
                    problems.push(source.at(span, message).warning());
                }
            }
        }
        (owners, problems)
    }

    /// The owners of a path, as written (`@org/team`, `@login`, mailbox), in
    /// order, each once. Empty when nobody owns it.
    #[must_use]
    pub fn of(&self, path: &str) -> Vec<&str> {
        let mut found = Vec::new();
        for section in &self.sections {
            let last = section
                .lines
                .iter()
                .rev()
                .find(|line| line.matcher.is_match(path) || line.below.is_match(path));
            for owner in last.into_iter().flat_map(|line| &line.owners) {
                if !found.contains(&owner.as_str()) {
                    found.push(owner.as_str());
                }
            }
        }
        found
    }

    /// Every owner named anywhere, each once, in order.
    #[must_use]
    pub fn all(&self) -> Vec<&str> {
        let mut found: Vec<&str> = Vec::new();
        let lines = self.sections.iter().flat_map(|section| &section.lines);
        for owner in lines.flat_map(|line| &line.owners) {
            if !found.contains(&owner.as_str()) {
                found.push(owner);
            }
        }
        found
    }
}

/// GitLab's `[Section]`, `^[Optional]`, `[Section][2] @default`: its default
/// owners, or `None` for an ordinary line.
fn section_header(line: &str) -> Option<Vec<String>> {
    let rest = line.strip_prefix('^').unwrap_or(line).strip_prefix('[')?;
    let (name, mut rest) = rest.split_once(']')?;
    if name.trim().is_empty() {
        return None;
    }
    if let Some(count) = rest.strip_prefix('[') {
        let (number, after) = count.split_once(']')?;
        number.trim().parse::<u32>().ok()?;
        rest = after;
    }
    // `[ab]*.rs @x` is a pattern, not a header: a header is followed by space.
    if !rest.is_empty() && !rest.starts_with(char::is_whitespace) {
        return None;
    }
    Some(owner_names(rest))
}

fn owner_names(text: &str) -> Vec<String> {
    text.split_whitespace()
        .take_while(|word| !word.starts_with('#'))
        .map(str::to_owned)
        .collect()
}

fn owner_line(line: &str, defaults: &[String]) -> Result<Line, String> {
    let (pattern, rest) = split_pattern(line);
    if pattern.starts_with('!') {
        return Err("patterns cannot be negated here, so this line has no effect".into());
    }
    let mut owners = owner_names(rest);
    if owners.is_empty() {
        owners = defaults.to_vec();
    }
    let (glob, directory) = anchor(&pattern);
    let compile = |glob: &str| {
        GlobBuilder::new(glob)
            .literal_separator(true)
            .backslash_escape(true)
            .build()
            .map(|glob| glob.compile_matcher())
            .map_err(|error| format!("pattern `{pattern}` is not valid: {}", error.kind()))
    };
    let below = compile(&format!("{glob}/**"))?;
    Ok(Line {
        // `docs/` owns what is below, not a file of that name.
        matcher: if directory {
            below.clone()
        } else {
            compile(&glob)?
        },
        below: if star_file(&glob) {
            compile(&glob)?
        } else {
            below
        },
        owners,
    })
}

/// `docs/*` matches direct children only: what it matches is a file, and
/// matching below it would make it the same as `docs/**`.
fn star_file(glob: &str) -> bool {
    glob.ends_with("/*") && !glob.ends_with("**/*")
}

/// Splits at the first space that is not escaped, and unescapes `\ ` and `\#`.
fn split_pattern(line: &str) -> (String, &str) {
    let mut pattern = String::new();
    let mut chars = line.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some((_, next)) if next == ' ' || next == '#' => pattern.push(next),
                Some((_, next)) => pattern.extend(['\\', next]),
                None => pattern.push_str("\\\\"),
            },
            c if c.is_whitespace() => return (pattern, line.get(at..).unwrap_or_default()),
            c => pattern.push(c),
        }
    }
    (pattern, "")
}

/// A pattern with a slash in the beginning or middle starts at the root; any
/// other matches at every depth. The flag says that it names a directory.
fn anchor(pattern: &str) -> (String, bool) {
    let directory = pattern.ends_with('/');
    let body = pattern.trim_end_matches('/');
    let rooted = body.contains('/');
    let body = body.trim_start_matches('/');
    if body.is_empty() {
        return ("**".to_owned(), false);
    }
    // `[` has no special meaning in CODEOWNERS.
    let body = body.replace('[', "\\[").replace('{', "\\{");
    if rooted || body.starts_with("**") {
        (body, directory)
    } else {
        (format!("**/{body}"), directory)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owners(text: &str) -> Owners {
        let (owners, problems) = Owners::parse(text, "CODEOWNERS");
        assert!(problems.is_empty(), "{problems:?}");
        owners
    }

    #[test]
    fn github_rules() {
        let owners = owners(
            "# comment\n\
             *       @global\n\
             *.js    @js # trailing comment\n\
             /build/logs/ @doctocat\n\
             docs/*  docs@example.com\n\
             apps/   @octocat\n\
             /scripts/ @a @b\n\
             **/logs @logs\n\
             /apps/github\n\
             /with\\ space/x @space\n",
        );
        for (path, wanted) in [
            ("README", &["@global"][..]),
            ("deep/a.js", &["@js"]),
            ("build/logs/x/y", &["@logs"]),
            ("docs/a.md", &["docs@example.com"]),
            ("docs/build/a.md", &["@global"]),
            ("x/apps/y", &["@octocat"]),
            ("scripts/x", &["@a", "@b"]),
            ("scripts/logs/x", &["@logs"]),
            ("apps/github", &[]),
            ("apps/github/x", &[]),
            ("with space/x", &["@space"]),
        ] {
            assert_eq!(owners.of(path), wanted, "{path}");
        }
    }

    #[test]
    fn gitlab_sections_each_give_owners() {
        let owners = owners(
            "* @root\n\
             [Docs] @docs\n\
             docs/\n\
             docs/legal/ @legal\n\
             ^[Optional][2]\n\
             *.rb @ruby\n",
        );
        assert_eq!(owners.of("docs/a.rb"), ["@root", "@docs", "@ruby"]);
        assert_eq!(owners.of("docs/legal/a"), ["@root", "@legal"]);
        assert_eq!(owners.of("src/x"), ["@root"]);
        assert_eq!(owners.all(), ["@root", "@docs", "@legal", "@ruby"]);
    }

    #[test]
    fn lines_without_effect_are_reported() {
        let (_, problems) = Owners::parse("* @a\n!x @b\n", "CODEOWNERS");
        assert_eq!(
            problems.iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["CODEOWNERS:2:1: patterns cannot be negated here, so this line has no effect"]
        );
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in "[\\PC\n\\\\*/\\[\\]{}@# ]{0,80}", path in "[a-z/. ]{0,20}") {
            let (owners, _) = Owners::parse(&text, "CODEOWNERS");
            let _ = owners.of(&path);
        }
    }
}
