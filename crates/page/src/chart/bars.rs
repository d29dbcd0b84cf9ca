//! Counts over time, stacked by kind: the gravest at the bottom and darkest.
//! Names that are too long to stand side by side make the bars lie.

use super::axis::{Axis, Frame, bottom_labels, label, left_axis, path, rect, rounded_up};
use super::{COLUMNS, Chart, WIDTH, cut, px};
use crate::number::tick;
use crate::{Markup, Table};

/// Shades that text uses, gravest first.
const SHADES: [char; 5] = ['█', '▓', '▒', '░', '·'];

/// Characters of a name beside a lying bar before it is cut.
const LONGEST: usize = 36;
/// The width of a character in a label.
const CHARACTER: f64 = 7.0;
/// Characters that stand under a bar, one label beside the other: `2025-W11`.
const STANDING: usize = 10;
/// The height of a lying bar with the space around it.
const ROW: f64 = 24.0;

/// One period.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Its name.
    pub label: String,
    /// How many of each kind, in the order of the kinds.
    pub counts: Vec<u64>,
}

/// Counts over time, stacked by kind.
#[derive(Debug, Clone, PartialEq)]
pub struct StackedBars {
    /// Its title.
    pub title: String,
    /// Name of the first column of its table.
    pub time: String,
    /// The kinds, gravest first; at most five have a shade of their own.
    pub kinds: Vec<String>,
    /// The periods, in order.
    pub columns: Vec<Column>,
}

impl StackedBars {
    fn largest(&self) -> u64 {
        self.columns
            .iter()
            .map(|c| c.counts.iter().sum())
            .max()
            .unwrap_or(0)
    }

    fn longest(&self) -> usize {
        let labels = self.columns.iter().map(|c| c.label.chars().count());
        labels.max().unwrap_or(0)
    }

    fn is_lying(&self) -> bool {
        self.longest() > STANDING
    }

    /// Names on the left, bars to the right.
    fn draw_lying(&self, out: &mut Markup) {
        let name = self.longest().min(LONGEST) as f64 * CHARACTER;
        let frame = Frame {
            left: 20.0 + name,
            right: WIDTH - 24.0,
            top: 28.0,
            bottom: self.height() - 30.0,
        };
        let high = rounded_up(self.largest() as f64);
        let axis = Axis::linear(0.0, high, frame.left, frame.right).whole();
        self.legend(out);
        for value in axis.ticks() {
            let x = axis.at(value);
            let line = format!("M{} {}V{}", px(x), px(frame.top), px(frame.bottom));
            path(out, "c-grid", &line);
            let y = frame.bottom + 18.0;
            label(out, x, y, "middle", "c-soft", &tick(value));
        }
        for (at, column) in self.columns.iter().enumerate() {
            let top = frame.top + ROW * (at as f64 + 0.15);
            let text = cut(&column.label, LONGEST);
            label(out, frame.left - 8.0, top + 12.0, "end", "", &text);
            let mut below = 0;
            for (kind, &count) in column.counts.iter().enumerate() {
                if count > 0 {
                    let (x0, x1) = (axis.at(below as f64), axis.at((below + count) as f64));
                    bar(out, kind, [x0, top, x1 - x0, ROW * 0.7]);
                }
                below += count;
            }
        }
    }

    fn legend(&self, out: &mut Markup) {
        let mut x = 52.0;
        for (at, kind) in self.kinds.iter().enumerate() {
            rect(out, &class(at), [x, 4.0, 11.0, 11.0], &[]);
            label(out, x + 16.0, 14.0, "start", "", kind);
            x += 16.0 + 7.5 * kind.chars().count() as f64 + 18.0;
        }
    }
}

/// The part of a bar that is of one kind.
fn bar(out: &mut Markup, kind: usize, place: [f64; 4]) {
    let stroke = px(0.75);
    let edge = [("stroke", "var(--page)"), ("stroke-width", &*stroke)];
    rect(out, &class(kind), place, &edge);
}

fn class(at: usize) -> String {
    format!("c-s{}", (at + 1).min(5))
}

impl Chart for StackedBars {
    fn title(&self) -> &str {
        &self.title
    }

    fn description(&self) -> String {
        let totals: Vec<String> = self
            .kinds
            .iter()
            .enumerate()
            .map(|(at, kind)| {
                let sum: u64 = self.columns.iter().filter_map(|c| c.counts.get(at)).sum();
                format!("{kind} {sum}")
            })
            .collect();
        format!(
            "{} periods; in all {}.",
            self.columns.len(),
            totals.join(", ")
        )
    }

    fn height(&self) -> f64 {
        if self.is_lying() {
            58.0 + ROW * self.columns.len() as f64
        } else {
            230.0
        }
    }

    fn draw(&self, out: &mut Markup) {
        if self.is_lying() {
            return self.draw_lying(out);
        }
        let frame = Frame {
            left: 52.0,
            right: WIDTH - 12.0,
            top: 28.0,
            bottom: 200.0,
        };
        let axis = Axis::linear(
            0.0,
            rounded_up(self.largest() as f64),
            frame.bottom,
            frame.top,
        )
        .whole();
        self.legend(out);
        left_axis(out, &axis, frame);
        let slot = (frame.right - frame.left) / self.columns.len().max(1) as f64;
        let width = (slot * 0.72).min(40.0);
        let mut ticks = Vec::new();
        for (at, column) in self.columns.iter().enumerate() {
            let middle = frame.left + slot * (at as f64 + 0.5);
            ticks.push((middle, column.label.clone()));
            let mut below = 0;
            for (kind, &count) in column.counts.iter().enumerate() {
                if count > 0 {
                    let (y1, y0) = (axis.at((below + count) as f64), axis.at(below as f64));
                    bar(out, kind, [middle - width / 2.0, y1, width, y0 - y1]);
                }
                below += count;
            }
        }
        bottom_labels(out, &ticks, frame, 60.0);
    }

    fn text(&self) -> String {
        let named = |at: usize| SHADES.get(at.min(4)).copied().unwrap_or('·');
        let edge = self
            .columns
            .iter()
            .map(|c| c.label.chars().count())
            .max()
            .unwrap_or(0)
            .min(12);
        let room = COLUMNS - edge - 8;
        let unit = (self.largest() as f64 / room as f64).max(1.0);
        let mut out = format!("{}\n", self.title);
        let legend: Vec<String> = self
            .kinds
            .iter()
            .enumerate()
            .map(|(at, kind)| format!("{} {kind}", named(at)))
            .collect();
        out.push_str(&cut(
            &format!("{:edge$} {}", "", legend.join("  ")),
            COLUMNS,
        ));
        out.push('\n');
        for column in &self.columns {
            let mut bar = String::new();
            let mut below = 0;
            for (kind, &count) in column.counts.iter().enumerate() {
                let place = |n: u64| (n as f64 / unit).round() as usize;
                let length = place(below + count) - place(below);
                bar.extend(std::iter::repeat_n(named(kind), length));
                below += count;
            }
            out.push_str(&format!(
                "{:<edge$} {bar} {}\n",
                cut(&column.label, edge),
                tick(below as f64)
            ));
        }
        out
    }

    fn table(&self) -> Table {
        let mut head = vec![self.time.clone()];
        head.extend(self.kinds.iter().cloned());
        head.push("all".to_owned());
        let rows = self
            .columns
            .iter()
            .map(|column| {
                let all: u64 = column.counts.iter().sum();
                let mut row = vec![column.label.clone()];
                row.extend(column.counts.iter().map(u64::to_string));
                row.push(all.to_string());
                row
            })
            .collect();
        Table { head, rows }
    }
}
