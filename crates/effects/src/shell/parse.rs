//! Lists, pipelines and compound commands.

use std::cell::OnceCell;
use std::collections::VecDeque;
use std::rc::Rc;

use super::ast::{Command, Item, Join, Kind, Script, Word};

/// Nesting deeper than this is not followed.
const MAX_DEPTH: u32 = 60;

/// Where and why a text is not shell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseError {
    /// Byte offset into the text.
    pub offset: usize,
    /// What was expected.
    pub message: &'static str,
}

/// What was read, up to the first error.
#[derive(Debug, Clone)]
pub struct Parsed {
    /// The commands in front of the error, or all of them.
    pub script: Script,
    /// The error, where there is one.
    pub error: Option<ParseError>,
}

/// Reads shell text. Never fails: an error is returned beside what was read.
#[must_use]
pub fn parse(text: &str) -> Parsed {
    let mut parser = Parser::new(text);
    let mut script = Script::default();
    let error = match parser.list(&mut script, &[]) {
        Ok(()) if parser.pos < text.len() => Some(parser.error("unexpected token")),
        Ok(()) => parser.finish_heredocs().err(),
        Err(error) => Some(error),
    };
    Parsed { script, error }
}

pub(super) struct HereDocWanted {
    pub(super) delimiter: String,
    pub(super) strip_tabs: bool,
    pub(super) quoted: bool,
    pub(super) body: Rc<OnceCell<Word>>,
}

pub(super) struct Parser<'a> {
    pub(super) text: &'a str,
    pub(super) pos: usize,
    pub(super) depth: u32,
    pub(super) wanted: VecDeque<HereDocWanted>,
}

pub(super) type Outcome<T> = Result<T, ParseError>;

impl<'a> Parser<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            text,
            pos: 0,
            depth: 0,
            wanted: VecDeque::new(),
        }
    }

    pub(super) const fn error(&self, message: &'static str) -> ParseError {
        ParseError {
            offset: self.pos,
            message,
        }
    }

    pub(super) fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.pos).copied()
    }

    pub(super) fn byte_at(&self, ahead: usize) -> Option<u8> {
        self.text.as_bytes().get(self.pos + ahead).copied()
    }

    pub(super) fn rest(&self) -> &'a str {
        self.text.get(self.pos..).unwrap_or("")
    }

    pub(super) fn starts(&self, token: &str) -> bool {
        self.text
            .as_bytes()
            .get(self.pos..)
            .is_some_and(|rest| rest.starts_with(token.as_bytes()))
    }

    pub(super) fn eat(&mut self, token: &str) -> bool {
        let found = self.starts(token);
        if found {
            self.pos += token.len();
        }
        found
    }

    /// Runs `f` one level deeper, and refuses beyond the limit.
    pub(super) fn nested<T>(&mut self, f: impl FnOnce(&mut Self) -> Outcome<T>) -> Outcome<T> {
        if self.depth >= MAX_DEPTH {
            return Err(self.error("nested too deeply"));
        }
        self.depth += 1;
        let result = f(self);
        self.depth -= 1;
        result
    }

    /// Skips blanks, line continuations and comments, not newlines.
    pub(super) fn skip_blanks(&mut self) {
        let start = self.pos;
        loop {
            match self.byte() {
                Some(b' ' | b'\t' | b'\r') => self.pos += 1,
                Some(b'\\') if self.byte_at(1) == Some(b'\n') => self.pos += 2,
                Some(b'\\') if self.starts("\\\r\n") => self.pos += 3,
                Some(b'#') if self.at_word_start(start) => {
                    self.pos += self.rest().find('\n').unwrap_or(self.rest().len());
                }
                _ => return,
            }
        }
    }

    fn at_word_start(&self, start: usize) -> bool {
        self.pos > start
            || self.pos == 0
            || self
                .text
                .as_bytes()
                .get(self.pos - 1)
                .is_some_and(|b| matches!(b, b'\n' | b';' | b'&' | b'|' | b'(' | b')' | b'`'))
    }

    /// Skips newlines too, and reads the here-documents that begin there.
    pub(super) fn skip_newlines(&mut self) -> Outcome<()> {
        loop {
            self.skip_blanks();
            if self.byte() != Some(b'\n') {
                return Ok(());
            }
            self.pos += 1;
            self.read_heredocs()?;
        }
    }

    /// The unquoted word ahead, when it could be a reserved word.
    pub(super) fn keyword(&self) -> &'a str {
        let rest = self.rest();
        let end = rest
            .bytes()
            .position(|b| {
                matches!(
                    b,
                    b' ' | b'\t' | b'\r' | b'\n' | b';' | b'&' | b'|' | b'(' | b')' | b'<' | b'>'
                )
            })
            .unwrap_or(rest.len())
            .min(12);
        rest.get(..end).unwrap_or("")
    }

    /// A list, up to the end or one of the `until` words.
    pub(super) fn list(&mut self, into: &mut Script, until: &[&str]) -> Outcome<()> {
        let mut join = Join::Always;
        loop {
            self.skip_newlines()?;
            if self.at_list_end(until) {
                return if join == Join::Always {
                    Ok(())
                } else {
                    Err(self.error("expected a command after `&&` or `||`"))
                };
            }
            let item = self.pipeline(join)?;
            into.items.push(item);
            self.skip_blanks();
            join = if self.eat("&&") {
                Join::IfOk
            } else if self.eat("||") {
                Join::IfFailed
            } else if self.starts(";;") || self.starts(";&") {
                return Ok(());
            } else if self.eat(";") || self.eat("&") || self.byte() == Some(b'\n') {
                Join::Always
            } else {
                return Ok(());
            };
        }
    }

    fn at_list_end(&self, until: &[&str]) -> bool {
        match self.byte() {
            None | Some(b')') => true,
            Some(b';') => self.starts(";;") || self.starts(";&"),
            _ => !until.is_empty() && until.contains(&self.keyword()),
        }
    }

    fn pipeline(&mut self, join: Join) -> Outcome<Item> {
        let mut negated = false;
        loop {
            self.skip_blanks();
            match self.keyword() {
                "!" => {
                    negated = !negated;
                    self.pos += 1;
                }
                "time" if !self.rest().starts_with("time=") => {
                    self.pos += 4;
                    self.skip_blanks();
                    if self.keyword() == "-p" {
                        self.pos += 2;
                    }
                    self.skip_blanks();
                    if matches!(self.byte(), None | Some(b'\n' | b';' | b')')) {
                        break;
                    }
                }
                _ => break,
            }
        }
        let mut stages = Vec::new();
        loop {
            if matches!(self.byte(), None | Some(b'\n' | b';' | b')'))
                && stages.is_empty()
                && self.depth > 0
            {
                return Ok(Item {
                    join,
                    stages,
                    negated,
                });
            }
            stages.push(self.nested(Self::command)?);
            self.skip_blanks();
            if self.starts("||") || !self.starts("|") {
                return Ok(Item {
                    join,
                    stages,
                    negated,
                });
            }
            self.pos += if self.starts("|&") { 2 } else { 1 };
            self.skip_newlines()?;
        }
    }

    pub(super) fn command(&mut self) -> Outcome<Command> {
        self.skip_blanks();
        let kind = if self.starts("((") {
            match self.arithmetic_command()? {
                Some(kind) => kind,
                None => self.subshell()?,
            }
        } else if self.starts("(") {
            self.subshell()?
        } else {
            match self.keyword() {
                "{" => self.group()?,
                "if" => self.if_command()?,
                "while" | "until" => self.while_command()?,
                "for" | "select" => self.for_command()?,
                "case" => self.case_command()?,
                "[[" => self.test_command()?,
                "function" => self.function_command()?,
                "coproc" => self.coproc_command()?,
                "then" | "fi" | "do" | "done" | "esac" | "else" | "elif" | "}" | "in"
                    if self.keyword() != "in" =>
                {
                    return Err(self.error("unexpected reserved word"));
                }
                _ => return self.simple_command(),
            }
        };
        let mut redirects = Vec::new();
        loop {
            self.skip_blanks();
            match self.redirect()? {
                Some(redirect) => redirects.push(redirect),
                None => return Ok(Command { kind, redirects }),
            }
        }
    }

    pub(super) fn expect(&mut self, word: &str, message: &'static str) -> Outcome<()> {
        self.skip_newlines()?;
        if self.keyword() == word {
            self.pos += word.len();
            Ok(())
        } else {
            Err(self.error(message))
        }
    }

    fn subshell(&mut self) -> Outcome<Kind> {
        self.pos += 1;
        let mut script = Script::default();
        self.list(&mut script, &[])?;
        if self.eat(")") {
            Ok(Kind::Subshell(script))
        } else {
            Err(self.error("expected `)`"))
        }
    }

    fn group(&mut self) -> Outcome<Kind> {
        self.pos += 1;
        let mut script = Script::default();
        self.list(&mut script, &["}"])?;
        self.expect("}", "expected `}`")?;
        Ok(Kind::Group(script))
    }

    fn if_command(&mut self) -> Outcome<Kind> {
        self.pos += 2;
        let mut branches = Vec::new();
        loop {
            let mut condition = Script::default();
            self.list(&mut condition, &["then"])?;
            self.expect("then", "expected `then`")?;
            let mut body = Script::default();
            self.list(&mut body, &["elif", "else", "fi"])?;
            branches.push((condition, body));
            match self.keyword() {
                "elif" => self.pos += 4,
                "else" => {
                    self.pos += 4;
                    let mut otherwise = Script::default();
                    self.list(&mut otherwise, &["fi"])?;
                    self.expect("fi", "expected `fi`")?;
                    return Ok(Kind::If(branches, Some(otherwise)));
                }
                _ => {
                    self.expect("fi", "expected `fi`")?;
                    return Ok(Kind::If(branches, None));
                }
            }
        }
    }

    fn while_command(&mut self) -> Outcome<Kind> {
        self.pos += 5;
        let mut condition = Script::default();
        self.list(&mut condition, &["do"])?;
        Ok(Kind::While(condition, self.do_body()?))
    }

    fn do_body(&mut self) -> Outcome<Script> {
        let mut body = Script::default();
        self.skip_newlines()?;
        if self.keyword() == "{" {
            self.pos += 1;
            self.list(&mut body, &["}"])?;
            self.expect("}", "expected `}`")?;
            return Ok(body);
        }
        self.expect("do", "expected `do`")?;
        self.list(&mut body, &["done"])?;
        self.expect("done", "expected `done`")?;
        Ok(body)
    }

    fn for_command(&mut self) -> Outcome<Kind> {
        self.pos += self.keyword().len();
        self.skip_blanks();
        if self.starts("((") {
            self.arithmetic_command()?
                .ok_or_else(|| self.error("expected `))`"))?;
            self.skip_blanks();
            self.eat(";");
            return Ok(Kind::ArithFor(self.do_body()?));
        }
        let name = self.keyword().to_owned();
        self.pos += name.len();
        self.skip_newlines()?;
        let mut words = None;
        if self.keyword() == "in" {
            self.pos += 2;
            let mut list = Vec::new();
            loop {
                self.skip_blanks();
                match self.word()? {
                    Some(word) => list.push(word),
                    None => break,
                }
            }
            words = Some(list);
        }
        self.skip_blanks();
        self.eat(";");
        Ok(Kind::For(name, words, self.do_body()?))
    }

    fn case_command(&mut self) -> Outcome<Kind> {
        self.pos += 4;
        self.skip_blanks();
        let subject = self
            .word()?
            .ok_or_else(|| self.error("expected a word after `case`"))?;
        self.expect("in", "expected `in`")?;
        let mut arms = Vec::new();
        loop {
            self.skip_newlines()?;
            if self.keyword() == "esac" {
                self.pos += 4;
                return Ok(Kind::Case(subject, arms));
            }
            arms.push(self.case_arm()?);
        }
    }

    fn case_arm(&mut self) -> Outcome<(Vec<Word>, Script)> {
        self.eat("(");
        let mut patterns = Vec::new();
        loop {
            self.skip_blanks();
            patterns.push(
                self.word()?
                    .ok_or_else(|| self.error("expected a pattern"))?,
            );
            self.skip_blanks();
            if self.eat(")") {
                break;
            }
            if !self.eat("|") {
                return Err(self.error("expected `)` after the pattern"));
            }
        }
        let mut body = Script::default();
        self.list(&mut body, &["esac"])?;
        let _ = self.eat(";;&") || self.eat(";;") || self.eat(";&");
        Ok((patterns, body))
    }

    fn test_command(&mut self) -> Outcome<Kind> {
        self.pos += 2;
        let mut words = Vec::new();
        loop {
            self.skip_newlines()?;
            if self.keyword() == "]]" {
                self.pos += 2;
                return Ok(Kind::Test(words));
            }
            match self.byte() {
                None => return Err(self.error("expected `]]`")),
                Some(b'<' | b'>') if self.byte_at(1) != Some(b'(') => self.pos += 1,
                // Operators, grouping, and the brackets of a regular expression.
                Some(b'&' | b'|' | b';' | b'(' | b')') => self.pos += 1,
                Some(_) => match self.word()? {
                    Some(word) => words.push(word),
                    None => return Err(self.error("expected `]]`")),
                },
            }
        }
    }

    fn function_command(&mut self) -> Outcome<Kind> {
        self.pos += 8;
        self.skip_blanks();
        let name = self.keyword().to_owned();
        self.pos += name.len();
        self.skip_blanks();
        if self.eat("(") {
            self.skip_blanks();
            if !self.eat(")") {
                return Err(self.error("expected `)`"));
            }
        }
        self.function_body(name)
    }

    pub(super) fn function_body(&mut self, name: String) -> Outcome<Kind> {
        self.skip_newlines()?;
        let body = self.nested(Self::command)?;
        Ok(Kind::Function(name, Rc::new(body)))
    }

    fn coproc_command(&mut self) -> Outcome<Kind> {
        self.pos += 6;
        self.skip_blanks();
        Ok(Kind::Coproc(Box::new(self.nested(Self::command)?)))
    }
}
