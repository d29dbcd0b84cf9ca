//! What is wrong with a record before it may be kept.

use std::fmt;

/// The longest id, in bytes: three of them make a key that a ledger takes.
pub(crate) const MAX_ID: usize = 160;
/// The longest text of a single line, in characters.
pub(crate) const MAX_LINE: usize = 500;
/// The longest free text, in characters.
pub(crate) const MAX_TEXT: usize = 16_384;
/// The longest address, in characters.
pub(crate) const MAX_URL: usize = 2_000;
/// The most entries of a list.
pub(crate) const MAX_LIST: usize = 2_000;

/// One thing that is wrong with a record.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// The field, such as `resolved`.
    pub field: String,
    /// What is wrong: one line, lower case, no full stop.
    pub message: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.message)
    }
}

/// Collects what is wrong with one record.
#[derive(Debug, Default)]
pub(crate) struct Faults(Vec<Fault>);

impl Faults {
    pub(crate) fn add(&mut self, field: &str, message: impl Into<String>) {
        self.0.push(Fault {
            field: field.to_owned(),
            message: message.into(),
        });
    }

    pub(crate) fn into_vec(self) -> Vec<Fault> {
        self.0
    }

    /// One word: no spaces, so that several ids make an unambiguous key.
    pub(crate) fn id(&mut self, field: &str, id: &str) {
        if id.is_empty() {
            self.add(field, "it is empty");
        } else if id.len() > MAX_ID {
            self.add(field, format!("it is longer than {MAX_ID} bytes"));
        } else if id.chars().any(|c| c.is_whitespace() || c.is_control()) {
            self.add(field, "it has spaces or control characters");
        }
    }

    pub(crate) fn optional_id(&mut self, field: &str, id: Option<&str>) {
        if let Some(id) = id {
            self.id(field, id);
        }
    }

    pub(crate) fn ids<'a>(&mut self, field: &str, ids: impl IntoIterator<Item = &'a String>) {
        let mut count = 0;
        for id in ids {
            self.id(field, id);
            count += 1;
        }
        self.count(field, count);
    }

    pub(crate) fn optional_url(&mut self, field: &str, url: Option<&str>) {
        let Some(url) = url else { return };
        self.limit(field, url, MAX_URL);
        if url.is_empty() || url.chars().any(|c| c.is_whitespace() || c.is_control()) {
            self.add(field, "it is empty, or has spaces or control characters");
        }
    }

    /// A line that must say something.
    pub(crate) fn line(&mut self, field: &str, line: &str) {
        if line.trim().is_empty() {
            self.add(field, "it is empty");
        }
        self.limit(field, line, MAX_LINE);
        if line.chars().any(char::is_control) {
            self.add(field, "it has control characters");
        }
    }

    pub(crate) fn optional_line(&mut self, field: &str, line: Option<&str>) {
        if let Some(line) = line {
            self.line(field, line);
        }
    }

    /// Free text, which may have line breaks.
    pub(crate) fn text(&mut self, field: &str, text: &str) {
        self.limit(field, text, MAX_TEXT);
        if text.chars().any(|c| c.is_control() && !"\n\t".contains(c)) {
            self.add(field, "it has control characters");
        }
    }

    pub(crate) fn optional_text(&mut self, field: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.text(field, text);
        }
    }

    pub(crate) fn count(&mut self, field: &str, count: usize) {
        if count > MAX_LIST {
            self.add(field, format!("it has more than {MAX_LIST} entries"));
        }
    }

    fn limit(&mut self, field: &str, text: &str, most: usize) {
        if text.chars().count() > most {
            self.add(field, format!("it is longer than {most} characters"));
        }
    }
}
