//! Simple commands: assignments, words, redirections.

use std::cell::OnceCell;
use std::rc::Rc;

use super::ast::{Assign, AssignValue, Command, Kind, Part, Redirect, RedirectOp, Word};
use super::parse::{HereDocWanted, Outcome, Parser};

/// Builtins whose operands are assignments.
const DECLARES: &[&str] = &["export", "declare", "local", "readonly", "typeset"];

impl Parser<'_> {
    pub(super) fn simple_command(&mut self) -> Outcome<Command> {
        let mut assigns = Vec::new();
        let mut words: Vec<Word> = Vec::new();
        let mut redirects = Vec::new();
        let start = self.pos;
        loop {
            self.skip_blanks();
            if let Some(redirect) = self.redirect()? {
                redirects.push(redirect);
                continue;
            }
            let declares = words
                .first()
                .and_then(Word::bare)
                .is_some_and(|word| DECLARES.contains(&word));
            if (words.is_empty() || declares)
                && let Some(assign) = self.assignment()?
            {
                assigns.push(assign);
                continue;
            }
            if words.len() == 1 && assigns.is_empty() && self.starts("(") {
                return self.function_definition(&words);
            }
            match self.word()? {
                Some(word) => words.push(word),
                None => break,
            }
        }
        if self.pos == start {
            return Err(self.error("expected a command"));
        }
        let kind = Kind::Simple { assigns, words };
        Ok(Command { kind, redirects })
    }

    fn function_definition(&mut self, words: &[Word]) -> Outcome<Command> {
        self.pos += 1;
        self.skip_blanks();
        let name = words.first().and_then(function_name);
        match (name, self.eat(")")) {
            (Some(name), true) => Ok(Command {
                kind: self.function_body(name)?,
                redirects: Vec::new(),
            }),
            _ => Err(self.error("unexpected `(`")),
        }
    }

    /// `NAME=…`, `NAME+=…` or `NAME[…]=…`, if that is what stands here.
    fn assignment(&mut self) -> Outcome<Option<Assign>> {
        let rest = self.rest();
        let name_len = rest
            .bytes()
            .position(|b| !(b.is_ascii_alphanumeric() || b == b'_'))
            .unwrap_or(rest.len());
        let name = rest.get(..name_len).unwrap_or("");
        if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
            return Ok(None);
        }
        let mut at = name_len;
        let bytes = rest.as_bytes();
        let element = bytes.get(at) == Some(&b'[');
        if element {
            let line = rest.get(at..).unwrap_or("");
            match line.find(']') {
                Some(close) if !line.get(..close).unwrap_or("").contains(['\n', ' ']) => {
                    at += close + 1;
                }
                _ => return Ok(None),
            }
        }
        let append = bytes.get(at) == Some(&b'+');
        at += usize::from(append);
        if bytes.get(at) != Some(&b'=') {
            return Ok(None);
        }
        let name = name.to_owned();
        self.pos += at + 1;
        let value = self.assigned_value()?;
        Ok(Some(Assign {
            name,
            append,
            element,
            value,
        }))
    }

    fn assigned_value(&mut self) -> Outcome<AssignValue> {
        if !self.eat("(") {
            return Ok(AssignValue::Scalar(self.word()?.unwrap_or_default()));
        }
        let mut items = Vec::new();
        loop {
            self.skip_newlines()?;
            if self.eat(")") {
                return Ok(AssignValue::Array(items));
            }
            match self.word()? {
                Some(word) => items.push(word),
                None => return Err(self.error("expected `)` after the array")),
            }
        }
    }

    /// A redirection, if one stands here.
    pub(super) fn redirect(&mut self) -> Outcome<Option<Redirect>> {
        let digits = self.rest().bytes().take_while(u8::is_ascii_digit).count();
        let named = self.named_descriptor();
        let prefix = if named > 0 { named } else { digits };
        match self.byte_at(prefix) {
            Some(b'<' | b'>') if self.byte_at(prefix + 1) != Some(b'(') => {}
            Some(b'&') if prefix == 0 && self.byte_at(1) == Some(b'>') => {}
            _ => return Ok(None),
        }
        let fd = self.rest().get(..digits).and_then(|d| d.parse().ok());
        self.pos += prefix;
        let op = self.redirect_op()?;
        Ok(Some(Redirect { fd, op }))
    }

    /// The length of `{name}` in front of a redirection.
    fn named_descriptor(&self) -> usize {
        let rest = self.rest();
        if !rest.starts_with('{') {
            return 0;
        }
        match rest.find('}') {
            Some(end)
                if end > 1
                    && rest.get(1..end).is_some_and(|n| {
                        n.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
                    }) =>
            {
                end + 1
            }
            _ => 0,
        }
    }

    fn redirect_op(&mut self) -> Outcome<RedirectOp> {
        if self.eat("<<<") {
            return Ok(RedirectOp::HereString(self.target()?));
        }
        if self.eat("<<") {
            return self.heredoc();
        }
        if self.eat("<>") {
            return Ok(RedirectOp::ReadWrite(self.target()?));
        }
        if self.eat("&>>") || self.eat(">>") {
            return Ok(RedirectOp::Append(self.target()?));
        }
        if self.eat("&>") || self.eat(">|") {
            return Ok(RedirectOp::Write(self.target()?));
        }
        if self.eat(">&") || self.eat("<&") {
            return Ok(RedirectOp::Duplicate(self.target()?));
        }
        if self.eat(">") {
            return Ok(RedirectOp::Write(self.target()?));
        }
        self.pos += 1;
        Ok(RedirectOp::Read(self.target()?))
    }

    fn target(&mut self) -> Outcome<Word> {
        self.skip_blanks();
        self.word()?
            .ok_or_else(|| self.error("expected a word after the redirection"))
    }

    fn heredoc(&mut self) -> Outcome<RedirectOp> {
        let strip_tabs = self.eat("-");
        let word = self.target()?;
        let mut delimiter = String::new();
        let mut quoted = false;
        for part in &word.parts {
            match part {
                Part::Lit(text) => delimiter.push_str(text),
                Part::Quoted(text) => {
                    quoted = true;
                    delimiter.push_str(text);
                }
                Part::Brace(c) | Part::Glob(c) => delimiter.push(*c),
                Part::Tilde(name) => {
                    delimiter.push('~');
                    delimiter.push_str(name);
                }
                _ => return Err(self.error("expected a plain here-document delimiter")),
            }
        }
        let body = Rc::new(OnceCell::new());
        self.wanted.push_back(HereDocWanted {
            delimiter,
            strip_tabs,
            quoted,
            body: Rc::clone(&body),
        });
        Ok(RedirectOp::HereDoc(body))
    }

    /// `(( … ))`; `None` when it is a subshell in a subshell after all.
    pub(super) fn arithmetic_command(&mut self) -> Outcome<Option<Kind>> {
        let Some(length) = arithmetic_length(self.rest().get(2..).unwrap_or("")) else {
            return Ok(None);
        };
        let text = self.rest().get(2..2 + length).unwrap_or("");
        let word = Parser::new(text).heredoc_text()?;
        self.pos += length + 4;
        Ok(Some(Kind::Test(vec![word])))
    }
}

fn function_name(word: &Word) -> Option<String> {
    let mut name = String::new();
    for part in &word.parts {
        match part {
            Part::Lit(text) | Part::Quoted(text) => name.push_str(text),
            Part::Glob(c) => name.push(*c),
            _ => return None,
        }
    }
    Some(name)
}

/// The length of an arithmetic text before its `))`.
pub(super) fn arithmetic_length(text: &str) -> Option<usize> {
    let mut depth = 0_u32;
    let bytes = text.as_bytes();
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'(' => depth += 1,
            b')' if depth > 0 => depth -= 1,
            b')' => return (bytes.get(at + 1) == Some(&b')')).then_some(at),
            // Too long for arithmetic: read it as a subshell.
            _ if at > 4096 => return None,
            _ => {}
        }
    }
    None
}
