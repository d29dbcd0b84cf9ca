//! Arguments split into options and positionals, by a program's own rules.

use super::table::Block;

/// How a program writes its options.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Style {
    /// `-abc`, `--long value`; long options take a value only when listed.
    #[default]
    Plain,
    /// `-long` as well as `--long` (Go's `flag`, find, terraform).
    Single,
    /// Every `--long` takes a value unless listed as a switch (aws, gcloud, az).
    LongTakesValue,
}

/// Which options take values.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Grammar<'t> {
    pub(super) style: Style,
    /// Options that take a value, anywhere. Separated by blanks.
    pub(super) values: &'t str,
    /// Options that take a value only before the first positional.
    pub(super) before: &'t str,
    /// With [`Style::LongTakesValue`]: options that take none.
    pub(super) switches: &'t str,
    /// Rows `@values:SUB`: options that take a value after that subcommand.
    pub(super) subcommands: Option<Block>,
    /// Stop reading options after this many positionals.
    pub(super) stop_after: Option<usize>,
}

/// One option as given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Opt<'a> {
    /// A short option's letter, or 0 for a long one.
    pub(super) short: char,
    /// The whole name with its dashes (long options).
    pub(super) name: &'a str,
    /// Its value.
    pub(super) value: Option<&'a str>,
}

impl Opt<'_> {
    /// Whether the option has this name, written with its dashes.
    pub(super) fn is(&self, name: &str) -> bool {
        if self.short == '\0' {
            self.name == name || self.name.strip_prefix('-') == Some(name)
        } else {
            let mut chars = name.chars();
            chars.next() == Some('-') && chars.next() == Some(self.short) && chars.next().is_none()
        }
    }

    /// Whether its value switches it off: to many parsers of options `--dry-run=false`
    /// and `--help=0` are as good as nothing.
    pub(super) fn is_off(&self) -> bool {
        const OFF: [&str; 5] = ["false", "0", "no", "off", "f"];
        let value = self.value.unwrap_or_default();
        OFF.iter().any(|off| value.eq_ignore_ascii_case(off))
    }
}

/// Arguments after splitting.
#[derive(Debug, Clone, Default)]
pub(super) struct Args<'a> {
    pub(super) options: Vec<Opt<'a>>,
    /// Each with its index into the argument list.
    pub(super) positionals: Vec<(usize, &'a str)>,
}

impl<'a> Args<'a> {
    /// Splits arguments (without the program's name).
    pub(super) fn parse(argv: &'a [String], grammar: &Grammar<'_>) -> Self {
        let mut args = Self::default();
        let mut at = 0;
        while let Some(arg) = argv.get(at) {
            at += 1;
            if grammar
                .stop_after
                .is_some_and(|stop| args.positionals.len() > stop)
            {
                return args;
            }
            if arg == "--" {
                args.positionals.extend(
                    argv.iter()
                        .enumerate()
                        .skip(at)
                        .map(|(i, a)| (i, a.as_str())),
                );
                return args;
            }
            if arg.len() < 2 || !arg.starts_with('-') {
                args.positionals.push((at - 1, arg));
                continue;
            }
            let next = argv.get(at).map(String::as_str);
            let used = if arg.starts_with("--") || grammar.style == Style::Single {
                args.long(arg, next, grammar)
            } else {
                args.shorts(arg, next, grammar)
            };
            at += usize::from(used);
        }
        args
    }

    fn takes_value(&self, name: &str, grammar: &Grammar<'_>) -> bool {
        let listed = |list: &str| {
            list.split_ascii_whitespace().any(|l| {
                l == name || (grammar.style == Style::Single && name.strip_prefix('-') == Some(l))
            })
        };
        if grammar.style == Style::LongTakesValue && name.starts_with("--") {
            return !name.starts_with("--no-") && !listed(grammar.switches);
        }
        if listed(grammar.values) || (self.positionals.is_empty() && listed(grammar.before)) {
            return true;
        }
        let (Some(block), Some(first)) = (grammar.subcommands, self.positional(0)) else {
            return false;
        };
        block.subcommand_values(first).is_some_and(listed)
    }

    /// Whether the next argument was taken as the value.
    fn long(&mut self, arg: &'a str, next: Option<&'a str>, grammar: &Grammar<'_>) -> bool {
        let (name, mut value) = match arg.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (arg, None),
        };
        let mut used = false;
        if value.is_none() && self.takes_value(name, grammar) {
            // A switch of a tool whose options mostly take values.
            let is_option =
                grammar.style == Style::LongTakesValue && next.is_some_and(|n| n.starts_with("--"));
            if !is_option {
                value = next;
                used = next.is_some();
            }
        }
        self.options.push(Opt {
            short: '\0',
            name,
            value,
        });
        used
    }

    fn shorts(&mut self, arg: &'a str, next: Option<&'a str>, grammar: &Grammar<'_>) -> bool {
        for (at, c) in arg.char_indices().skip(1) {
            let mut name = [0_u8; 5];
            name[0] = b'-';
            let length = c.encode_utf8(&mut name[1..]).len() + 1;
            let dashed = name
                .get(..length)
                .and_then(|n| std::str::from_utf8(n).ok())
                .unwrap_or("");
            if self.takes_value(dashed, grammar) {
                let rest = arg.get(at + c.len_utf8()..).unwrap_or("");
                let attached = !rest.is_empty();
                let value = if attached {
                    Some(rest.strip_prefix('=').unwrap_or(rest))
                } else {
                    next
                };
                self.options.push(Opt {
                    short: c,
                    name: arg,
                    value,
                });
                return !attached && next.is_some();
            }
            self.options.push(Opt {
                short: c,
                name: arg,
                value: None,
            });
        }
        false
    }

    /// Whether any of these options (`-f`, `--force`) is given.
    pub(super) fn has(&self, names: &[&str]) -> bool {
        self.options
            .iter()
            .any(|opt| names.iter().any(|name| opt.is(name)))
    }

    /// Whether any of these options is given and not switched off.
    pub(super) fn is_on(&self, names: &[&str]) -> bool {
        self.options
            .iter()
            .any(|opt| !opt.is_off() && names.iter().any(|name| opt.is(name)))
    }

    /// The last value given to any of these options.
    pub(super) fn value(&self, names: &[&str]) -> Option<&'a str> {
        self.options
            .iter()
            .rev()
            .find(|opt| opt.value.is_some() && names.iter().any(|name| opt.is(name)))
            .and_then(|opt| opt.value)
    }

    /// Every value given to any of these options.
    pub(super) fn values<'s>(&'s self, names: &'s [&'s str]) -> impl Iterator<Item = &'a str> + 's {
        self.options
            .iter()
            .filter(|opt| names.iter().any(|name| opt.is(name)))
            .filter_map(|opt| opt.value)
    }

    /// The positional at this index.
    pub(super) fn positional(&self, index: usize) -> Option<&'a str> {
        self.positionals.get(index).map(|(_, text)| *text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn argv(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn splits_by_each_style() {
        let plain = Grammar {
            values: "-n --name",
            before: "-C",
            ..Grammar::default()
        };
        let list = argv("-C dir push -fn5 --name=x --force -- -a");
        let args = Args::parse(&list, &plain);
        assert_eq!(args.value(&["-C"]), Some("dir"));
        assert_eq!(args.value(&["-n"]), Some("5"));
        assert_eq!(args.value(&["--name"]), Some("x"));
        assert!(args.has(&["-f"]) && args.has(&["--force"]) && !args.has(&["-a"]));
        assert_eq!(args.positional(1), Some("-a"));

        let aws = Grammar {
            style: Style::LongTakesValue,
            switches: "--force",
            ..Grammar::default()
        };
        let list = argv("--region us s3 rb --force s3://b --no-x y");
        let args = Args::parse(&list, &aws);
        let words: Vec<_> = args.positionals.iter().map(|(_, t)| *t).collect();
        assert_eq!(words, ["s3", "rb", "s3://b", "y"]);

        let single = Grammar {
            style: Style::Single,
            ..Grammar::default()
        };
        let list = argv("-chdir=a apply --auto-approve");
        let args = Args::parse(&list, &single);
        assert_eq!(args.value(&["-chdir"]), Some("a"));
        assert!(args.has(&["-auto-approve"]));
    }
}
