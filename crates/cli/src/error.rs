//! What the command line says when it cannot answer, and the exit code.

use std::fmt;
use std::io::IsTerminal;

use countersign_core::problem::Problem;
use miette::{Diagnostic, LabeledSpan, NamedSource};

/// The exit codes that scripts may rely on.
pub(crate) mod exit {
    /// The change may go ahead.
    pub(crate) const ALLOW: u8 = 0;
    /// It needs sign-offs.
    pub(crate) const HOLD: u8 = 1;
    /// It cannot go ahead as it is.
    pub(crate) const REFUSE: u8 = 2;
    /// The command line was not understood.
    pub(crate) const USAGE: u8 = 64;
    /// A file or argument has wrong content.
    pub(crate) const DATA: u8 = 65;
    /// Something named does not exist.
    pub(crate) const NOT_FOUND: u8 = 66;
    /// A fault of this program.
    pub(crate) const INTERNAL: u8 = 70;
    /// Reading or writing failed.
    pub(crate) const IO: u8 = 74;
}

/// An error for a person: one line, then hints.
#[derive(Debug)]
pub(crate) struct CliError {
    /// The exit code.
    pub(crate) code: u8,
    message: String,
    hints: Vec<String>,
    /// Problems in files, drawn in place, with each file's text.
    problems: Vec<(Problem, String)>,
    broken_pipe: bool,
}

/// What commands return: an exit code.
pub(crate) type CliResult<T = u8> = Result<T, CliError>;

impl CliError {
    pub(crate) fn new(code: u8, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            hints: Vec::new(),
            problems: Vec::new(),
            broken_pipe: false,
        }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// A file in which something is wrong.
    pub(crate) fn file(file: &str, text: &str, problems: Vec<Problem>) -> Self {
        let count = problems.len();
        let noun = if count == 1 { "problem" } else { "problems" };
        Self {
            problems: problems
                .into_iter()
                .map(|problem| (problem, text.to_owned()))
                .collect(),
            ..Self::new(exit::DATA, format!("{file} cannot be used: {count} {noun}"))
        }
    }

    /// Whether whoever read the output has gone away, which is no error.
    pub(crate) const fn is_broken_pipe(&self) -> bool {
        self.broken_pipe
    }

    /// Writes the error for a person.
    pub(crate) fn print(&self) {
        anstream::eprintln!("countersign: {}", self.message);
        for (problem, text) in &self.problems {
            anstream::eprintln!("{}", draw(problem, text));
        }
        for hint in &self.hints {
            anstream::eprintln!("  hint: {hint}");
        }
    }
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for CliError {}

impl From<std::io::Error> for CliError {
    fn from(error: std::io::Error) -> Self {
        Self {
            broken_pipe: error.kind() == std::io::ErrorKind::BrokenPipe,
            ..Self::new(exit::IO, error.to_string())
        }
    }
}

/// A problem as miette draws it.
#[derive(Debug)]
struct Drawn<'a> {
    problem: &'a Problem,
    source: NamedSource<String>,
}

impl fmt::Display for Drawn<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problem.message)
    }
}

impl std::error::Error for Drawn<'_> {}

impl Diagnostic for Drawn<'_> {
    fn help(&self) -> Option<Box<dyn fmt::Display + '_>> {
        let hint = self.problem.hint.as_ref()?;
        Some(Box::new(hint))
    }

    fn source_code(&self) -> Option<&dyn miette::SourceCode> {
        self.problem.span.as_ref()?;
        Some(&self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let span = self.problem.span.clone()?;
        Some(Box::new(std::iter::once(LabeledSpan::underline(span))))
    }
}

/// Draws a problem in its place. Colour only on a terminal.
pub(crate) fn draw(problem: &Problem, text: &str) -> String {
    let drawn = Drawn {
        problem,
        source: NamedSource::new(&problem.file, text.to_owned()),
    };
    let theme = if std::io::stderr().is_terminal() {
        miette::GraphicalTheme::unicode()
    } else {
        miette::GraphicalTheme::unicode_nocolor()
    };
    let mut out = String::new();
    let handler = miette::GraphicalReportHandler::new_themed(theme).with_links(false);
    match handler.render_report(&mut out, &drawn) {
        Ok(()) => out.trim_end().to_owned(),
        Err(_) => problem.to_string(),
    }
}
