//! Command knowledge as data: tab-separated rows, sorted by program, searched
//! in place. Nothing is parsed or built at start.
//!
//! A row is `program`, pattern, effect, object, reason. The pattern's terms
//! must all hold:
//!
//! | term | holds when |
//! |---|---|
//! | `word\|other*` | the next positional matches one of the globs |
//! | `-f\|--force` | one of the options is given |
//! | `--opt=a,b*` | the option is given with such a value (an empty alternative: without one) |
//! | `%glob,glob` | some positional matches |
//! | `&NAME=glob` | the environment variable is known and matches |
//! | `$` | no positional is left |
//! | `!term` | the option, `%` or `&` term does not hold |
//!
//! The effect is `none`, `read`, `create`, `update`, `disrupt`, `replace`,
//! `delete`, `forget`, `unknown`, or `run` (the rest is a command, or with
//! `remote:--opt` or `here:$3` as its object the text given there). `!` marks
//! it dangerous, `.` harmless, where that differs from the verb's default. The
//! first row that holds decides. Rows whose pattern starts with `@` say how to
//! read the program's arguments and where its target is named.

use super::args::{Args, Grammar, Style};
use crate::shell::{glob_match, glob_match_nocase};

/// The tables, each sorted by program.
const TABLES: &[&str] = &[
    include_str!("../../data/commands/agents.tsv"),
    include_str!("../../data/commands/brokers.tsv"),
    include_str!("../../data/commands/clouds.tsv"),
    include_str!("../../data/commands/containers.tsv"),
    include_str!("../../data/commands/databases.tsv"),
    include_str!("../../data/commands/developer.tsv"),
    include_str!("../../data/commands/forges.tsv"),
    include_str!("../../data/commands/hosts.tsv"),
    include_str!("../../data/commands/infrastructure.tsv"),
    include_str!("../../data/commands/migrators.tsv"),
    include_str!("../../data/commands/packages.tsv"),
    include_str!("../../data/commands/platforms.tsv"),
    include_str!("../../data/commands/wrappers.tsv"),
];

/// Every row about one program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Block {
    text: &'static str,
}

/// One row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) pattern: &'static str,
    pub(super) effect: &'static str,
    pub(super) object: &'static str,
    pub(super) reason: &'static str,
}

/// The rows about a program, under its own name or the one it shares.
pub(super) fn find(program: &str) -> Option<Block> {
    let block = TABLES.iter().find_map(|table| find_in(table, program))?;
    match block.directive("@same") {
        Some(other) => TABLES.iter().find_map(|table| find_in(table, other)),
        None => Some(block),
    }
}

/// The line's start and its program.
fn line_at(table: &'static str, offset: usize) -> (usize, &'static str) {
    let start = table
        .as_bytes()
        .get(..offset)
        .and_then(|before| memchr::memrchr(b'\n', before))
        .map_or(0, |at| at + 1);
    let rest = table.get(start..).unwrap_or("");
    (start, rest.split(['\t', '\n']).next().unwrap_or(""))
}

fn find_in(table: &'static str, program: &str) -> Option<Block> {
    let (mut low, mut high) = (0, table.len());
    while low < high {
        let (start, name) = line_at(table, low + (high - low) / 2);
        if name.as_bytes() < program.as_bytes() {
            let rest = table.get(start..).unwrap_or("");
            low = start + memchr::memchr(b'\n', rest.as_bytes()).map_or(rest.len(), |at| at + 1);
        } else {
            high = start;
        }
    }
    let rest = table.get(low..).unwrap_or("");
    let mut end = 0;
    for line in rest.split_inclusive('\n') {
        if line.split('\t').next() != Some(program) {
            break;
        }
        end += line.len();
    }
    (end > 0).then(|| Block {
        text: rest.get(..end).unwrap_or(""),
    })
}

impl Block {
    pub(super) fn rows(&self) -> impl Iterator<Item = Row> + use<> {
        self.text.lines().filter_map(|line| {
            let mut columns = line.split('\t').skip(1);
            Some(Row {
                pattern: columns.next()?,
                effect: columns.next().unwrap_or(""),
                object: columns.next().unwrap_or(""),
                reason: columns.next().unwrap_or(""),
            })
        })
    }

    /// The text of a directive such as `@values`.
    pub(super) fn directive(&self, name: &str) -> Option<&'static str> {
        self.rows()
            .find(|row| row.pattern == name)
            .map(|row| row.effect)
    }

    /// Every directive of this name: its text and what follows.
    pub(super) fn directives(&self, name: &'static str) -> impl Iterator<Item = Row> + use<> {
        self.rows().filter(move |row| row.pattern == name)
    }

    /// How the program reads its arguments.
    pub(super) fn grammar(&self) -> Grammar<'static> {
        Grammar {
            style: match self.directive("@style") {
                Some("single") => Style::Single,
                Some("long-takes-value") => Style::LongTakesValue,
                _ => Style::Plain,
            },
            values: self.directive("@values").unwrap_or(""),
            before: self.directive("@before").unwrap_or(""),
            switches: self.directive("@switches").unwrap_or(""),
            subcommands: self
                .rows()
                .any(|row| row.pattern.starts_with("@values:"))
                .then_some(*self),
            stop_after: None,
        }
    }

    /// The options that take a value after a subcommand.
    pub(super) fn subcommand_values(&self, subcommand: &str) -> Option<&'static str> {
        self.rows()
            .find(|row| row.pattern.strip_prefix("@values:") == Some(subcommand))
            .map(|row| row.effect)
    }

    /// The first row whose pattern holds, and how many positionals it took.
    pub(super) fn first_match(
        &self,
        args: &Args<'_>,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Option<(Row, usize)> {
        let nocase = self.directive("@nocase").is_some();
        self.rows()
            .filter(|row| !row.pattern.starts_with('@'))
            .find_map(|row| matches(row, args, nocase, env).map(|used| (row, used)))
    }
}

fn matches(
    row: Row,
    args: &Args<'_>,
    nocase: bool,
    env: &dyn Fn(&str) -> Option<String>,
) -> Option<usize> {
    let fits = |glob: &str, text: &str| {
        if nocase {
            glob_match_nocase(glob, text)
        } else {
            glob_match(glob, text)
        }
    };
    let mut cursor = 0;
    let harmless = matches!(row.effect, "none" | "read");
    for term in row.pattern.split_ascii_whitespace() {
        let (negated, bare) = match term.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, term),
        };
        let holds = if bare.starts_with('-') {
            // What would make a call harmless has to be there and on.
            option_holds(bare, args, harmless != negated, &fits)
        } else if let Some(globs) = bare.strip_prefix('%') {
            args.positionals
                .iter()
                .any(|(_, text)| globs.split(',').any(|glob| fits(glob, text)))
        } else if let Some(spec) = bare.strip_prefix('&') {
            let (name, globs) = spec.split_once('=').unwrap_or((spec, "*"));
            env(name).is_some_and(|value| globs.split(',').any(|glob| fits(glob, &value)))
        } else if bare == "$" {
            args.positional(cursor).is_none()
        } else {
            let text = args.positional(cursor)?;
            cursor += 1;
            bare.split('|').any(|glob| fits(glob, text))
        };
        if holds == negated {
            return None;
        }
    }
    Some(cursor)
}

fn option_holds(
    term: &str,
    args: &Args<'_>,
    has_to_be_on: bool,
    fits: &dyn Fn(&str, &str) -> bool,
) -> bool {
    let (names, values) = match term.split_once('=') {
        Some((names, values)) => (names, Some(values)),
        None => (term, None),
    };
    args.options.iter().any(|opt| {
        names.split('|').any(|name| match name.strip_suffix('*') {
            Some(prefix) => opt.short == '\0' && opt.name.starts_with(prefix),
            None => opt.is(name),
        }) && match values {
            None => !(has_to_be_on && opt.is_off()),
            Some(values) => {
                let value = opt.value.unwrap_or("");
                values.split(',').any(|glob| fits(glob, value))
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_sorted_and_every_row_can_be_read() {
        let effects = [
            "none", "read", "create", "update", "disrupt", "replace", "delete", "forget",
            "unknown", "run",
        ];
        for table in TABLES {
            let names: Vec<&str> = table
                .lines()
                .map(|l| l.split('\t').next().unwrap())
                .collect();
            assert!(
                names.is_sorted(),
                "not sorted: {:?}",
                names.windows(2).find(|w| w[0] > w[1])
            );
            for line in table.lines() {
                let columns: Vec<&str> = line.split('\t').collect();
                assert!(columns.len() >= 3, "too few columns: {line}");
                if columns[1].starts_with('@') {
                    continue;
                }
                let verb = columns[2].trim_end_matches(['!', '.']);
                assert!(effects.contains(&verb), "unknown effect: {line}");
            }
        }
    }

    #[test]
    fn every_program_names_its_source() {
        for table in TABLES {
            let names: std::collections::BTreeSet<&str> = table
                .lines()
                .map(|l| l.split('\t').next().unwrap())
                .collect();
            for name in names {
                let block = find(name).unwrap();
                assert!(block.directive("@source").is_some(), "no source for {name}");
            }
        }
    }
}
