//! Words: quotes, escapes, expansions.

use super::ast::{Part, Script, Word};
use super::parse::{Outcome, Parser};
use super::simple::arithmetic_length;

/// Where a run of word parts ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// At a blank or an operator.
    Word,
    /// At the closing double quote.
    Quote,
    /// At the end of the text (here-documents, arithmetic).
    Text,
    /// At the `}` of a parameter expansion; true inside double quotes.
    Brace(bool),
}

impl Parser<'_> {
    /// The next word, if one starts here.
    pub(super) fn word(&mut self) -> Outcome<Option<Word>> {
        let start = self.pos;
        let word = self.parts(End::Word)?;
        Ok((self.pos > start).then_some(word))
    }

    /// The whole text as if in double quotes, where quotes are literal.
    pub(super) fn heredoc_text(&mut self) -> Outcome<Word> {
        self.parts(End::Text)
    }

    /// The word after the operator of `${…}`, up to its closing brace.
    pub(super) fn operand(&mut self, quoted: bool) -> Outcome<Word> {
        let word = self.parts(End::Brace(quoted))?;
        if self.eat("}") {
            Ok(word)
        } else {
            Err(self.error("expected `}`"))
        }
    }

    fn parts(&mut self, end: End) -> Outcome<Word> {
        let mut parts = Vec::new();
        let quoted = matches!(end, End::Quote | End::Text | End::Brace(true));
        while let Some(byte) = self.byte() {
            match (end, byte) {
                (End::Quote, b'"')
                | (End::Brace(_), b'}')
                | (End::Word, b' ' | b'\t' | b'\r' | b'\n' | b';' | b'&' | b'|' | b')') => break,
                (End::Word, b'<' | b'>') => {
                    if self.byte_at(1) != Some(b'(') {
                        break;
                    }
                    self.pos += 1;
                    let script = self.bracketed()?;
                    parts.push(Part::Process(script, byte == b'<'));
                }
                (End::Word, b'(') => {
                    if !self.extended_glob(&mut parts)? {
                        break;
                    }
                }
                (_, b'\\') => self.escape(end, &mut parts),
                (_, b'$') => self.dollar(quoted, end, &mut parts)?,
                (_, b'`') => parts.push(self.backticks(quoted)?),
                (End::Word | End::Brace(_), b'"') => self.double_quotes(&mut parts)?,
                (End::Word | End::Brace(false), b'\'') => self.single_quotes(&mut parts)?,
                (End::Word | End::Brace(false), b'*' | b'?' | b'[') => {
                    self.pos += 1;
                    parts.push(Part::Glob(char::from(byte)));
                }
                (End::Word, b'{' | b',' | b'}') => {
                    self.pos += 1;
                    parts.push(Part::Brace(char::from(byte)));
                }
                (End::Word, b'~') if tilde_starts(&parts) => self.tilde(&mut parts),
                _ => self.run(end, quoted, &mut parts),
            }
        }
        Ok(Word { parts })
    }

    /// Plain text up to the next byte with a meaning.
    fn run(&mut self, end: End, quoted: bool, parts: &mut Vec<Part>) {
        let rest = self.rest();
        let stop = rest
            .bytes()
            .enumerate()
            .position(|(at, b)| {
                at > 0
                    && match end {
                        End::Text => matches!(b, b'$' | b'`' | b'\\'),
                        End::Quote => matches!(b, b'$' | b'`' | b'\\' | b'"'),
                        End::Brace(_) => {
                            matches!(
                                b,
                                b'$' | b'`' | b'\\' | b'"' | b'\'' | b'}' | b'*' | b'?' | b'['
                            )
                        }
                        End::Word => {
                            !(b.is_ascii_alphanumeric()
                                || b >= 0x80
                                || b"-_./=:@%+^!]#".contains(&b))
                        }
                    }
            })
            .unwrap_or(rest.len());
        let text = rest.get(..stop).unwrap_or(rest).to_owned();
        self.pos += text.len();
        parts.push(if quoted {
            Part::Quoted(text)
        } else {
            Part::Lit(text)
        });
    }

    fn escape(&mut self, end: End, parts: &mut Vec<Part>) {
        self.pos += 1;
        let Some(next) = self.rest().chars().next() else {
            parts.push(Part::Quoted("\\".to_owned()));
            return;
        };
        self.pos += next.len_utf8();
        if next == '\n' {
            return;
        }
        let keeps = match end {
            End::Word | End::Brace(false) => false,
            End::Quote | End::Brace(true) => !matches!(next, '$' | '`' | '"' | '\\' | '}'),
            End::Text => !matches!(next, '$' | '`' | '\\'),
        };
        let mut text = String::new();
        if keeps {
            text.push('\\');
        }
        text.push(next);
        parts.push(Part::Quoted(text));
    }

    fn double_quotes(&mut self, parts: &mut Vec<Part>) -> Outcome<()> {
        self.pos += 1;
        let inner = self.nested(|p| p.parts(End::Quote))?;
        if !self.eat("\"") {
            return Err(self.error("expected a closing `\"`"));
        }
        if inner.parts.is_empty() {
            parts.push(Part::Quoted(String::new()));
        }
        parts.extend(inner.parts);
        Ok(())
    }

    fn single_quotes(&mut self, parts: &mut Vec<Part>) -> Outcome<()> {
        self.pos += 1;
        let rest = self.rest();
        let end = rest
            .find('\'')
            .ok_or_else(|| self.error("expected a closing `'`"))?;
        parts.push(Part::Quoted(rest.get(..end).unwrap_or("").to_owned()));
        self.pos += end + 1;
        Ok(())
    }

    fn tilde(&mut self, parts: &mut Vec<Part>) {
        self.pos += 1;
        let rest = self.rest();
        let end = rest
            .bytes()
            .position(|b| !(b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'+' | b'.')))
            .unwrap_or(rest.len());
        let name = rest.get(..end).unwrap_or("").to_owned();
        self.pos += end;
        parts.push(Part::Tilde(name));
    }

    /// `?( … )` and its kin after a glob sign; anything else ends the word.
    fn extended_glob(&mut self, parts: &mut Vec<Part>) -> Outcome<bool> {
        let is_glob = match parts.last() {
            Some(Part::Glob('*' | '?')) => true,
            Some(Part::Lit(text)) => text.ends_with(['@', '!', '+']),
            _ => false,
        };
        if !is_glob {
            return Ok(false);
        }
        let mut depth = 0_u32;
        for (at, byte) in self.rest().bytes().enumerate() {
            match byte {
                b'(' => depth += 1,
                b')' => depth -= 1,
                b'\n' => break,
                _ => {}
            }
            if depth == 0 {
                self.pos += at + 1;
                parts.push(Part::Glob('['));
                return Ok(true);
            }
        }
        Err(self.error("expected `)`"))
    }

    /// `( … )` right here, as a script.
    pub(super) fn bracketed(&mut self) -> Outcome<Script> {
        self.pos += 1;
        self.nested(|p| {
            let mut script = Script::default();
            p.list(&mut script, &[])?;
            if p.eat(")") {
                Ok(script)
            } else {
                Err(p.error("expected `)`"))
            }
        })
    }

    /// Arithmetic or a command substitution; stands on `$(`.
    pub(super) fn dollar_bracket(&mut self, quoted: bool) -> Outcome<Part> {
        self.pos += 1;
        if self.starts("((")
            && let Some(length) = arithmetic_length(self.rest().get(2..).unwrap_or(""))
        {
            let text = self.rest().get(2..2 + length).unwrap_or("");
            let mut inner = Parser::new(text);
            inner.depth = self.depth + 1;
            let word = self.nested(|_| inner.heredoc_text())?;
            self.pos += length + 4;
            return Ok(Part::Arithmetic(Box::new(word)));
        }
        Ok(Part::Substitution(self.bracketed()?, quoted))
    }

    fn backticks(&mut self, quoted: bool) -> Outcome<Part> {
        self.pos += 1;
        let mut inner = String::new();
        let mut chars = self.rest().char_indices();
        let end = loop {
            match chars.next() {
                None => return Err(self.error("expected a closing backtick")),
                Some((at, '`')) => break at + 1,
                Some((_, '\\')) => match chars.next() {
                    Some((_, c @ ('`' | '\\' | '$'))) => inner.push(c),
                    Some((_, '"')) if quoted => inner.push('"'),
                    Some((_, c)) => {
                        inner.push('\\');
                        inner.push(c);
                    }
                    None => {}
                },
                Some((_, c)) => inner.push(c),
            }
        };
        self.pos += end;
        let mut parser = Parser::new(&inner);
        parser.depth = self.depth + 1;
        let script = self.nested(|_| {
            let mut script = Script::default();
            parser.list(&mut script, &[])?;
            parser.finish_heredocs()?;
            Ok(script)
        })?;
        Ok(Part::Substitution(script, quoted))
    }

    fn dollar(&mut self, quoted: bool, end: End, parts: &mut Vec<Part>) -> Outcome<()> {
        match self.byte_at(1) {
            Some(b'(') => parts.push(self.dollar_bracket(quoted)?),
            Some(b'{') => parts.push(self.nested(|p| p.braced_parameter(quoted))?),
            Some(b'\'') if !quoted => self.ansi_quotes(parts)?,
            Some(b'"') if matches!(end, End::Word) => {
                self.pos += 1;
                self.double_quotes(parts)?;
            }
            _ => self.plain_parameter(quoted, parts),
        }
        Ok(())
    }
}

fn tilde_starts(parts: &[Part]) -> bool {
    match parts {
        [] => true,
        [.., Part::Lit(text)] => text.ends_with([':', '=']),
        _ => false,
    }
}
