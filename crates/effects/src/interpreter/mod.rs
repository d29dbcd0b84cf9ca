//! One-liners and short programs in general-purpose languages, read for the
//! calls that act on the world. Not an evaluator: literal arguments are known,
//! everything else is unknown.

mod calls;
mod fold;
mod tokens;

pub use calls::{Action, actions};
pub use tokens::{Token, tokens};

/// A language whose programs are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// Python 3.
    Python,
    /// JavaScript and TypeScript under Node, Deno or Bun.
    JavaScript,
    /// Ruby.
    Ruby,
    /// Perl 5.
    Perl,
    /// PHP.
    Php,
    /// Lua.
    Lua,
    /// Go.
    Go,
    /// R.
    R,
    /// Elixir.
    Elixir,
    /// Julia.
    Julia,
    /// Groovy.
    Groovy,
}

impl Language {
    /// The language a program runs, by the program's name.
    #[must_use]
    pub fn of(program: &str) -> Option<Self> {
        let stem = program.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
        Some(match stem {
            "python" | "py" | "pypy" | "ipython" => Self::Python,
            "node" | "nodejs" | "deno" | "bun" | "tsx" | "ts-node" => Self::JavaScript,
            "ruby" | "irb" | "jruby" => Self::Ruby,
            "perl" => Self::Perl,
            "php" => Self::Php,
            "lua" | "luajit" => Self::Lua,
            "go" => Self::Go,
            "R" | "Rscript" | "r" | "littler" => Self::R,
            "elixir" | "iex" => Self::Elixir,
            "julia" => Self::Julia,
            "groovy" => Self::Groovy,
            _ => return None,
        })
    }
}
