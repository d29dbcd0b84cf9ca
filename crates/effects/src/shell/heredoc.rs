//! Here-documents: their bodies start after the line that asks for them.

use super::ast::{Part, Word};
use super::parse::{Outcome, Parser};

impl Parser<'_> {
    /// Reads the bodies asked for on the line that just ended.
    pub(super) fn read_heredocs(&mut self) -> Outcome<()> {
        while let Some(wanted) = self.wanted.pop_front() {
            let (body, after) = body(self.rest(), &wanted.delimiter, wanted.strip_tabs);
            self.pos += after;
            let word = if wanted.quoted {
                Word {
                    parts: vec![Part::Quoted(body)],
                }
            } else {
                let mut inner = Parser::new(&body);
                inner.depth = self.depth + 1;
                inner.heredoc_text()?
            };
            let _ = wanted.body.set(word);
        }
        Ok(())
    }

    /// A body that never starts is empty, as in the shell (which warns).
    pub(super) fn finish_heredocs(&mut self) -> Outcome<()> {
        self.read_heredocs()
    }
}

/// The body up to the delimiter line, and how many bytes it takes with it.
fn body(text: &str, delimiter: &str, strip_tabs: bool) -> (String, usize) {
    let mut out = String::new();
    let mut used = 0;
    for line in text.split_inclusive('\n') {
        used += line.len();
        let content = if strip_tabs {
            line.trim_start_matches('\t')
        } else {
            line
        };
        if content.trim_end_matches(['\n', '\r']) == delimiter {
            return (out, used);
        }
        // Inside `$( … )` the closing bracket may follow the delimiter.
        let bare = content.trim_end_matches(['\n', '\r']);
        if let Some(tail) = bare.strip_prefix(delimiter)
            && !delimiter.is_empty()
            && tail.starts_with(')')
        {
            return (
                out,
                used - line.len() + (line.len() - content.len()) + delimiter.len(),
            );
        }
        out.push_str(content);
    }
    (out, used)
}
