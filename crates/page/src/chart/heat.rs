//! How much of something each row has in each period: one strip per row.

use super::axis::{label, rect};
use super::{COLUMNS, Chart, WIDTH, cut};
use crate::{Markup, Table};

const SHADES: [char; 5] = [' ', '░', '▒', '▓', '█'];

/// One row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeatRow {
    /// Its name.
    pub name: String,
    /// A count per period.
    pub counts: Vec<u64>,
}

/// Strips of counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeatStrip {
    /// Its title.
    pub title: String,
    /// Name of the first column of its table.
    pub periods_are: String,
    /// Names of the periods.
    pub periods: Vec<String>,
    /// The rows.
    pub rows: Vec<HeatRow>,
}

impl HeatStrip {
    fn most(&self) -> u64 {
        self.rows
            .iter()
            .flat_map(|row| &row.counts)
            .copied()
            .max()
            .unwrap_or(0)
    }
}

impl Chart for HeatStrip {
    fn title(&self) -> &str {
        &self.title
    }

    fn description(&self) -> String {
        let rows: Vec<String> = self
            .rows
            .iter()
            .map(|row| format!("{} {}", row.name, row.counts.iter().sum::<u64>()))
            .collect();
        format!(
            "{} periods; in all {}. The darkest cell is {}.",
            self.periods.len(),
            rows.join(", "),
            self.most()
        )
    }

    fn height(&self) -> f64 {
        34.0 + 24.0 * self.rows.len() as f64
    }

    fn draw(&self, out: &mut Markup) {
        let (left, right) = (170.0, WIDTH - 12.0);
        let slot = (right - left) / self.periods.len().max(1) as f64;
        let most = self.most().max(1) as f64;
        for (number, row) in self.rows.iter().enumerate() {
            let y = 4.0 + 24.0 * number as f64;
            label(out, left - 10.0, y + 15.0, "end", "", &cut(&row.name, 24));
            for (at, &count) in row.counts.iter().enumerate() {
                let place = [left + slot * at as f64, y, slot - 1.0, 20.0];
                rect(out, "c-cell", place, &[]);
                if count > 0 {
                    let depth = format!("{:.2}", 0.15 + 0.85 * count as f64 / most);
                    rect(out, "c-heat", place, &[("opacity", &depth)]);
                }
            }
        }
        let mut free = f64::NEG_INFINITY;
        for (at, period) in self.periods.iter().enumerate() {
            let x = left + slot * at as f64;
            if x >= free && x + 50.0 < right {
                label(out, x, self.height() - 8.0, "start", "c-soft", period);
                free = x + 70.0;
            }
        }
    }

    fn text(&self) -> String {
        let edge = self
            .rows
            .iter()
            .map(|r| r.name.chars().count())
            .max()
            .unwrap_or(0)
            .min(22);
        let room = COLUMNS - edge - 8;
        let skip = self.periods.len().saturating_sub(room);
        let most = self.most().max(1);
        let mut out = format!("{}\n", self.title);
        for row in &self.rows {
            let cells: String = row
                .counts
                .iter()
                .skip(skip)
                .map(|&count| {
                    let depth = (count * 4).div_ceil(most) as usize;
                    SHADES.get(depth.min(4)).copied().unwrap_or('█')
                })
                .collect();
            let all: u64 = row.counts.iter().sum();
            out.push_str(&format!(
                "{:<edge$} │{cells}│ {all}\n",
                cut(&row.name, edge)
            ));
        }
        let shown: Vec<&String> = self.periods.iter().skip(skip).collect();
        if let (Some(first), Some(last)) = (shown.first(), shown.last()) {
            let width = shown.len().max(first.len() + last.len() + 1);
            let gap = width - first.len() - last.len();
            out.push_str(&format!("{:edge$}  {first}{}{last}\n", "", " ".repeat(gap)));
        }
        out
    }

    /// A row for each period: there are more of them than of anything else.
    fn table(&self) -> Table {
        let mut head = vec![self.periods_are.clone()];
        head.extend(self.rows.iter().map(|row| row.name.clone()));
        let cells = |at: usize| {
            let count = |row: &HeatRow| row.counts.get(at).map_or_else(String::new, u64::to_string);
            self.rows.iter().map(count).collect::<Vec<String>>()
        };
        let rows = self.periods.iter().enumerate().map(|(at, period)| {
            let mut row = vec![period.clone()];
            row.extend(cells(at));
            row
        });
        Table {
            head,
            rows: rows.collect(),
        }
    }
}
