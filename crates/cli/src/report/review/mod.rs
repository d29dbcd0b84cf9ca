//! The weekly review for people: one content, as Markdown and as a page.

mod charts;
mod content;
mod html;
pub(crate) mod letters;
mod markdown;
mod parts;

use countersign_page::Table;
use countersign_page::chart::Chart;

pub(crate) use content::reached;
pub(crate) use html::html;
pub(crate) use markdown::markdown;

/// A piece of a section.
enum Block {
    /// A sentence.
    Say(String),
    /// A sentence in small print.
    Fine(String),
    /// A list.
    List(Vec<String>),
    /// A table with its caption.
    Table(&'static str, Table),
    /// A drawing; the table of its numbers comes with it.
    Chart(Box<dyn Chart>),
}

/// A section.
struct Section {
    title: &'static str,
    blocks: Vec<Block>,
}

impl Section {
    fn new(title: &'static str) -> Self {
        Self {
            title,
            blocks: Vec::new(),
        }
    }

    fn say(&mut self, text: impl Into<String>) {
        self.blocks.push(Block::Say(text.into()));
    }

    fn fine(&mut self, text: impl Into<String>) {
        self.blocks.push(Block::Fine(text.into()));
    }

    /// A table, or a sentence in its place when it has no rows.
    fn table(&mut self, caption: &'static str, table: Table, otherwise: &str) {
        if table.rows.is_empty() {
            if !otherwise.is_empty() {
                self.say(otherwise);
            }
        } else {
            self.blocks.push(Block::Table(caption, table));
        }
    }
}
