//! Database clients: the statements they are given, and where they connect.

use countersign_core::effect::Verb;

use super::args::Args;
use super::reading::Danger;
use super::record::Found;
use super::shell_run::Shell;
use super::statements::statements;
use super::table::{self, Block};
use crate::shell::{HOLE, has_hole};

impl Shell<'_> {
    /// Judges a client with an `@sql` row; false when there is none, or when
    /// nothing was given to run (the other rows decide then).
    pub(super) fn judge_client(
        &mut self,
        name: &str,
        args: &[String],
        stdin: Option<&str>,
    ) -> bool {
        let Some(block) = table::find(name) else {
            return false;
        };
        let sources: Vec<_> = block.directives("@sql").collect();
        if sources.is_empty() {
            return false;
        }
        let parsed = Args::parse(args, &block.grammar());
        if parsed.is_on(&["--help", "--version"]) {
            return true;
        }
        // A dry run, or another use that only looks.
        if let Some((row, _)) = block.first_match(&parsed, &|name| self.variable(name))
            && row.effect == "none"
        {
            self.note(row.reason);
            return true;
        }
        let mut judged = false;
        for row in sources {
            if let Some(subcommand) = row.reason.split_ascii_whitespace().next()
                && parsed.positional(0) != Some(subcommand)
            {
                continue;
            }
            for source in row.object.split_ascii_whitespace() {
                judged |= self.judge_source(block, &parsed, row.effect, source, stdin);
            }
        }
        judged
    }

    fn judge_source(
        &mut self,
        block: Block,
        parsed: &Args<'_>,
        dialect: &str,
        source: &str,
        stdin: Option<&str>,
    ) -> bool {
        let texts: Vec<String> = match source.as_bytes().first() {
            Some(b'|') => stdin.map(str::to_owned).into_iter().collect(),
            Some(b'<') => {
                let name = source.get(1..).unwrap_or("");
                let paths: Vec<String> = match name.strip_prefix('@') {
                    Some(_) => parsed
                        .positionals
                        .iter()
                        .filter_map(|(_, t)| t.strip_prefix('@'))
                        .map(str::to_owned)
                        .collect(),
                    None => parsed.values(&[name]).map(str::to_owned).collect(),
                };
                paths
                    .iter()
                    .map(|p| self.file_text(p).unwrap_or_else(|| HOLE.to_string()))
                    .collect()
            }
            Some(b'#') => {
                let index = source
                    .get(1..)
                    .and_then(|i| i.parse::<usize>().ok())
                    .unwrap_or(1);
                parsed
                    .positionals
                    .iter()
                    .skip(index - 1)
                    .map(|(_, t)| (*t).to_owned())
                    .collect()
            }
            _ => parsed.values(&[source]).map(str::to_owned).collect(),
        };
        for text in &texts {
            self.judge_statements(block, parsed, dialect, text);
        }
        !texts.is_empty()
    }

    /// Judges a text of statements for a client.
    pub(super) fn judge_statements(
        &mut self,
        block: Block,
        parsed: &Args<'_>,
        dialect: &str,
        text: &str,
    ) {
        if has_hole(text) && text.trim().chars().all(|c| c == HOLE) {
            let found = Found {
                verb: Verb::Unknown,
                kind: "statements",
                object: dialect,
                danger: Danger::UnknownCouldDestroy,
                reason: "statements nobody can read beforehand",
            };
            self.reading.unknowns.push(found.reason.to_owned());
            self.place_finding(block, parsed, &found);
            return;
        }
        match dialect {
            "javascript" => {
                let target = self.target_of(block, parsed);
                self.judge_database_calls(text, &target);
                return;
            }
            "redis" => {
                for line in text.lines().take(200) {
                    let words: Vec<String> =
                        line.split_ascii_whitespace().map(str::to_owned).collect();
                    let inner = Args::parse(&words, &block.grammar());
                    if let Some((row, _)) = block.first_match(&inner, &|_| None)
                        && let Some((verb, danger)) = Self::effect_code(row.effect)
                    {
                        let found = Found {
                            verb,
                            kind: "keys",
                            object: line,
                            danger,
                            reason: row.reason,
                        };
                        self.place_finding(block, parsed, &found);
                    }
                }
                return;
            }
            _ => {}
        }
        for line in text.lines() {
            // `\!` of psql and `.shell` of sqlite3 run commands.
            if let Some(command) = line
                .trim_start()
                .strip_prefix("\\!")
                .or_else(|| line.trim_start().strip_prefix(".shell "))
            {
                self.run_code(command, None);
            }
        }
        for statement in statements(text, dialect) {
            let found = Found {
                verb: statement.verb,
                kind: &statement.kind,
                object: &statement.object,
                danger: if statement.dangerous {
                    Danger::Destructive
                } else {
                    Danger::None
                },
                reason: &statement.reason,
            };
            self.place_finding(block, parsed, &found);
        }
    }
}
