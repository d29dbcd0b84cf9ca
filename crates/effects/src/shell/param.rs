//! Parameter expansions and `$'…'`.

use super::ast::{ParamOp, Part, Word};
use super::decode::unescape_ansi;
use super::parse::{Outcome, Parser};

impl Parser<'_> {
    /// `$name`, `$1`, `$?` or a lone `$`.
    pub(super) fn plain_parameter(&mut self, quoted: bool, parts: &mut Vec<Part>) {
        self.pos += 1;
        let name = parameter_name(self.rest());
        if name.is_empty() {
            parts.push(if quoted {
                Part::Quoted("$".to_owned())
            } else {
                Part::Lit("$".to_owned())
            });
            return;
        }
        // `$12` is `${1}2`.
        let name = if name.starts_with(|c: char| c.is_ascii_digit()) {
            name.get(..1).unwrap_or(name)
        } else {
            name
        };
        self.pos += name.len();
        let op = if matches!(name, "@" | "*") {
            ParamOp::All
        } else {
            ParamOp::Plain
        };
        parts.push(Part::Param {
            name: name.to_owned(),
            op,
            quoted,
        });
    }

    /// `${…}`; stands on the `$`.
    pub(super) fn braced_parameter(&mut self, quoted: bool) -> Outcome<Part> {
        self.pos += 2;
        let indirect = self.starts("!") && self.byte_at(1) != Some(b'}');
        if indirect {
            self.pos += 1;
        }
        if self.starts("#")
            && self.byte_at(1) != Some(b'}')
            && !parameter_name(self.rest().get(1..).unwrap_or("")).is_empty()
        {
            self.operand(quoted)?;
            return Ok(param("#", ParamOp::Opaque, quoted));
        }
        let name = parameter_name(self.rest()).to_owned();
        if name.is_empty() {
            return Err(self.error("expected a parameter name"));
        }
        self.pos += name.len();
        let mut op = if matches!(name.as_str(), "@" | "*") {
            ParamOp::All
        } else {
            ParamOp::Plain
        };
        if self.starts("[@]") || self.starts("[*]") {
            self.pos += 3;
            op = ParamOp::All;
        } else if self.starts("[") {
            op = ParamOp::Element(self.subscript()?);
        }
        if self.eat("}") {
            let op = if indirect { ParamOp::Indirect } else { op };
            return Ok(param(&name, op, quoted));
        }
        let op = self.parameter_op(quoted)?;
        let op = if indirect { ParamOp::Opaque } else { op };
        Ok(param(&name, op, quoted))
    }

    fn subscript(&mut self) -> Outcome<Word> {
        let rest = self.rest();
        let end = rest.find(']').ok_or_else(|| self.error("expected `]`"))?;
        let text = rest.get(1..end).unwrap_or("");
        let word = Parser::new(text).heredoc_text()?;
        self.pos += end + 1;
        Ok(word)
    }

    fn parameter_op(&mut self, quoted: bool) -> Outcome<ParamOp> {
        if self.eat(":-") || self.eat("-") {
            return Ok(ParamOp::Default(self.operand(quoted)?, false));
        }
        if self.eat(":=") || self.eat("=") {
            return Ok(ParamOp::Default(self.operand(quoted)?, true));
        }
        if self.eat(":+") || self.eat("+") {
            return Ok(ParamOp::Alternative(self.operand(quoted)?));
        }
        if self.eat(":?") || self.eat("?") {
            self.operand(quoted)?;
            return Ok(ParamOp::Plain);
        }
        if self.eat("##") {
            return Ok(ParamOp::TrimStart(self.operand(false)?, true));
        }
        if self.eat("#") {
            return Ok(ParamOp::TrimStart(self.operand(false)?, false));
        }
        if self.eat("%%") {
            return Ok(ParamOp::TrimEnd(self.operand(false)?, true));
        }
        if self.eat("%") {
            return Ok(ParamOp::TrimEnd(self.operand(false)?, false));
        }
        if self.eat("//") {
            return Ok(ParamOp::Replace(self.operand(false)?, true));
        }
        if self.eat("/") {
            return Ok(ParamOp::Replace(self.operand(false)?, false));
        }
        if self.eat(":") {
            return Ok(ParamOp::Slice(self.operand(quoted)?));
        }
        for (token, upper, all) in [
            ("^^", true, true),
            ("^", true, false),
            (",,", false, true),
            (",", false, false),
        ] {
            if self.eat(token) {
                self.operand(quoted)?;
                return Ok(ParamOp::Case { upper, all });
            }
        }
        self.operand(quoted)?;
        Ok(ParamOp::Opaque)
    }

    /// `$'…'`; stands on the `$`.
    pub(super) fn ansi_quotes(&mut self, parts: &mut Vec<Part>) -> Outcome<()> {
        self.pos += 2;
        let rest = self.rest();
        let mut escaped = false;
        let end = rest
            .bytes()
            .position(|b| {
                let closes = b == b'\'' && !escaped;
                escaped = b == b'\\' && !escaped;
                closes
            })
            .ok_or_else(|| self.error("expected a closing `'`"))?;
        parts.push(Part::Quoted(unescape_ansi(rest.get(..end).unwrap_or(""))));
        self.pos += end + 1;
        Ok(())
    }
}

fn param(name: &str, op: ParamOp, quoted: bool) -> Part {
    Part::Param {
        name: name.to_owned(),
        op,
        quoted,
    }
}

/// The longest parameter name at the start of the text.
fn parameter_name(text: &str) -> &str {
    let first = text.bytes().next().unwrap_or(0);
    let length = if first.is_ascii_alphabetic() || first == b'_' {
        text.bytes()
            .position(|b| !(b.is_ascii_alphanumeric() || b == b'_'))
            .unwrap_or(text.len())
    } else if first.is_ascii_digit() {
        text.bytes()
            .position(|b| !b.is_ascii_digit())
            .unwrap_or(text.len())
    } else {
        usize::from(b"@*#?-$!".contains(&first))
    };
    text.get(..length).unwrap_or("")
}
