//! Tables: the numbers under every chart.

use crate::Markup;

/// Rows shown before the rest is folded away.
const OPEN_ROWS: usize = 14;

/// A table whose first column names its rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Table {
    /// Heads of the columns.
    pub head: Vec<String>,
    /// Cells, row by row.
    pub rows: Vec<Vec<String>>,
}

impl Table {
    /// An empty table with these heads.
    #[must_use]
    pub fn new<const N: usize>(head: [&str; N]) -> Self {
        Self {
            head: head.map(str::to_owned).to_vec(),
            rows: Vec::new(),
        }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// As HTML. A long table is folded, and not printed unless it was opened.
    pub fn html(&self, caption: &str, out: &mut Markup) {
        if self.rows.len() <= OPEN_ROWS {
            self.body(caption, out);
            return;
        }
        out.element("details", &[], |details| {
            let summary = format!("{caption}: {} rows", self.rows.len());
            details.line("summary", "", &summary);
            self.body(caption, details);
        });
    }

    /// As HTML, never folded: for tables that are the text and not its numbers.
    pub fn html_open(&self, caption: &str, out: &mut Markup) {
        self.body(caption, out);
    }

    fn body(&self, caption: &str, out: &mut Markup) {
        out.element("div", &[("class", "wide")], |wide| {
            wide.element("table", &[], |table| {
                table.line("caption", "unseen", caption);
                table.element("thead", &[], |head| {
                    head.element("tr", &[], |row| {
                        for cell in &self.head {
                            row.element("th", &[("scope", "col")], |th| {
                                th.text(cell);
                            });
                        }
                    });
                });
                table.element("tbody", &[], |body| {
                    for cells in &self.rows {
                        body.element("tr", &[], |row| write_row(cells, row));
                    }
                });
            });
        });
    }

    /// As text, columns aligned, numbers to the right.
    #[must_use]
    pub fn text(&self) -> String {
        let columns = self.head.len();
        let width = |at: usize| {
            self.rows
                .iter()
                .chain(std::iter::once(&self.head))
                .filter_map(|row| row.get(at))
                .map(|cell| cell.chars().count())
                .max()
                .unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        let mut out = String::new();
        for row in std::iter::once(&self.head).chain(&self.rows) {
            let mut line = String::new();
            for ((at, cell), width) in row.iter().enumerate().zip(&widths) {
                if at == 0 {
                    line.push_str(&format!("{cell:<width$}"));
                } else {
                    line.push_str(&format!("  {cell:>width$}"));
                }
            }
            out.push_str(line.trim_end());
            out.push('\n');
        }
        out
    }
}

/// An id such as `ACT-2026-19`, a day or a moment breaks at no hyphen.
fn class(cell: &str) -> &'static str {
    let time = cell.starts_with(|c: char| c.is_ascii_digit());
    let word = time || !cell.contains(char::is_whitespace);
    if word && cell.len() <= 20 && cell.contains('-') {
        "word"
    } else {
        ""
    }
}

fn write_row(cells: &[String], row: &mut Markup) {
    for (at, cell) in cells.iter().enumerate() {
        if at == 0 {
            let attributes: &[(&'static str, &str)] = match class(cell) {
                "" => &[("scope", "row")],
                class => &[("scope", "row"), ("class", class)],
            };
            row.element("th", attributes, |th| {
                th.text(cell);
            });
        } else {
            row.line("td", class(cell), cell);
        }
    }
}
