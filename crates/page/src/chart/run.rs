//! A rate over time: points, the range expected of them, a level that may turn,
//! and events.

use super::axis::{Axis, Frame, bottom_labels, label, left_axis, mark, path, rounded_up};
use super::{COLUMNS, Chart, WIDTH, cut, letter, px};
use crate::number::{decimal, tick};
use crate::{Markup, Table};

/// One moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// When, in full.
    pub label: String,
    /// When, as the axis shows it; empty where the axis shows nothing.
    pub tick: String,
    /// The rate.
    pub value: f64,
    /// Expected rate with the range around it.
    pub expected: Option<[f64; 3]>,
    /// Whether it stands out.
    pub flagged: bool,
}

/// Something that happened before a point.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Position of the first point under it.
    pub at: usize,
    /// What it was.
    pub name: String,
}

/// How values become heights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// From zero in even steps.
    Linear,
    /// In even factors: for evidence.
    Log,
}

/// A rate over time.
#[derive(Debug, Clone, PartialEq)]
pub struct RunChart {
    /// Its title.
    pub title: String,
    /// What the values are.
    pub unit: String,
    /// Name of the first column of its table.
    pub time: String,
    /// The moments, in order.
    pub points: Vec<Point>,
    /// What happened meanwhile.
    pub events: Vec<Event>,
    /// A value above which an alarm goes off, with its name.
    pub threshold: Option<(f64, String)>,
    /// The scale.
    pub scale: Scale,
}

impl RunChart {
    fn largest(&self) -> f64 {
        let expected = |point: &Point| point.expected.map_or(0.0, |[_, _, high]| high);
        let values = self
            .points
            .iter()
            .map(|point| point.value.max(expected(point)));
        let threshold = self.threshold.as_ref().map_or(0.0, |(value, _)| *value);
        values
            .filter(|value| value.is_finite())
            .fold(threshold, f64::max)
    }

    fn value_axis(&self, from: f64, to: f64) -> Axis {
        match self.scale {
            Scale::Linear => Axis::linear(0.0, rounded_up(self.largest()), from, to),
            Scale::Log => {
                let least = self.points.iter().map(|p| p.value).fold(1.0, f64::min);
                Axis::log(least.max(1e-4), (self.largest() * 1.5).min(1e12), from, to)
            }
        }
    }

    fn place(&self, at: usize, frame: Frame) -> f64 {
        let last = self.points.len().saturating_sub(1).max(1);
        let inset = 6.0;
        frame.left + inset + (frame.right - frame.left - 2.0 * inset) * at as f64 / last as f64
    }

    fn frame(&self) -> Frame {
        Frame {
            left: 52.0,
            right: WIDTH - 12.0,
            top: 40.0,
            bottom: self.height() - 30.0 - 17.0 * self.events.len() as f64,
        }
    }

    /// Runs of points with the same expected rate, as first and last position.
    fn levels(&self) -> Vec<(usize, usize, f64)> {
        let mut levels: Vec<(usize, usize, f64)> = Vec::new();
        for (at, point) in self.points.iter().enumerate() {
            let Some([_, centre, _]) = point.expected else {
                continue;
            };
            match levels.last_mut() {
                Some(level) if level.2 == centre && level.1 + 1 == at => level.1 = at,
                _ => levels.push((at, at, centre)),
            }
        }
        levels
    }

    fn band(&self, out: &mut Markup, axis: &Axis, frame: Frame) {
        for (from, to, centre) in self.levels() {
            let inside: Vec<(f64, [f64; 3])> = (from..=to)
                .filter_map(|at| Some((self.place(at, frame), self.points.get(at)?.expected?)))
                .collect();
            let upper = inside
                .iter()
                .map(|(x, [_, _, high])| format!("{} {}", px(*x), px(axis.at(*high))));
            let lower = inside
                .iter()
                .rev()
                .map(|(x, [low, _, _])| format!("{} {}", px(*x), px(axis.at(*low))));
            let outline: Vec<String> = upper.chain(lower).collect();
            path(out, "c-band", &format!("M{}z", outline.join("L")));
            let (x1, x2, y) = (
                self.place(from, frame),
                self.place(to, frame),
                axis.at(centre),
            );
            path(
                out,
                "c-centre",
                &format!("M{} {}H{}", px(x1), px(y), px(x2)),
            );
        }
    }

    fn happenings(&self, out: &mut Markup, frame: Frame) {
        for (number, event) in self.events.iter().enumerate() {
            let x =
                self.place(event.at, frame) - 0.5 * (self.place(1, frame) - self.place(0, frame));
            path(
                out,
                "c-event",
                &format!("M{} {}V{}", px(x), px(frame.top - 4.0), px(frame.bottom)),
            );
            label(out, x, frame.top - 8.0, "middle", "c-b", &letter(number));
            let when = self.points.get(event.at).map_or("", |p| p.label.as_str());
            let text = format!("{}  {} ({when})", letter(number), event.name);
            label(
                out,
                frame.left,
                frame.bottom + 38.0 + 17.0 * number as f64,
                "start",
                "",
                &text,
            );
        }
    }
}

impl Chart for RunChart {
    fn title(&self) -> &str {
        &self.title
    }

    fn description(&self) -> String {
        let ends = self.points.first().zip(self.points.last());
        let mut text = ends.map_or_else(String::new, |(first, last)| {
            format!(
                "{} points from {} to {}, {}; first {}, last {}.",
                self.points.len(),
                first.label,
                last.label,
                self.unit,
                decimal(first.value),
                decimal(last.value)
            )
        });
        for (from, to, centre) in self.levels() {
            if let (Some(first), Some(last)) = (self.points.get(from), self.points.get(to)) {
                text.push_str(&format!(
                    " Level {} from {} to {}.",
                    decimal(centre),
                    first.label,
                    last.label
                ));
            }
        }
        let flagged = self.points.iter().filter(|p| p.flagged).count();
        if flagged > 0 {
            text.push_str(&format!(" {flagged} points stand out."));
        }
        for event in &self.events {
            let when = self.points.get(event.at).map_or("", |p| p.label.as_str());
            text.push_str(&format!(" Event: {} before {when}.", event.name));
        }
        text
    }

    fn height(&self) -> f64 {
        284.0 + 17.0 * self.events.len() as f64
    }

    fn draw(&self, out: &mut Markup) {
        let frame = self.frame();
        let axis = self.value_axis(frame.bottom, frame.top);
        label(out, frame.left - 40.0, 12.0, "start", "c-soft", &self.unit);
        left_axis(out, &axis, frame);
        let ticks: Vec<(f64, String)> = self
            .points
            .iter()
            .enumerate()
            .filter(|(_, point)| !point.tick.is_empty())
            .map(|(at, point)| (self.place(at, frame), point.tick.clone()))
            .collect();
        bottom_labels(out, &ticks, frame, 52.0);
        self.band(out, &axis, frame);
        if let Some((value, name)) = &self.threshold {
            let y = axis.at(*value);
            path(
                out,
                "c-limit",
                &format!("M{} {}H{}", px(frame.left), px(y), px(frame.right)),
            );
            label(out, frame.right, y - 5.0, "end", "c-soft", name);
        }
        let spots: Vec<(f64, f64)> = (0..)
            .zip(&self.points)
            .map(|(at, p)| (self.place(at, frame), axis.at(p.value)))
            .collect();
        let line: Vec<String> = spots
            .iter()
            .map(|(x, y)| format!("{} {}", px(*x), px(*y)))
            .collect();
        if line.len() > 1 {
            path(out, "c-line", &format!("M{}", line.join("L")));
        }
        for ((x, y), point) in spots.iter().zip(&self.points) {
            mark(out, *x, *y, point.flagged);
        }
        self.happenings(out, frame);
    }

    fn text(&self) -> String {
        const ROWS: usize = 7;
        const EDGE: usize = 9;
        let width = (COLUMNS - EDGE).min(self.points.len()).max(1);
        // several points may share a column; their mean is shown
        let column = |at: usize| (at * width / self.points.len().max(1)).min(width - 1);
        let mut sums = vec![(0.0, 0u32); width];
        for (at, point) in self.points.iter().enumerate() {
            if let Some(sum) = sums.get_mut(column(at)) {
                *sum = (sum.0 + point.value, sum.1 + 1);
            }
        }
        let axis = self.value_axis(0.0, (8 * ROWS) as f64);
        let heights: Vec<usize> = sums
            .iter()
            .map(|(sum, n)| {
                if *n == 0 {
                    0
                } else {
                    axis.at(sum / f64::from(*n)).round() as usize
                }
            })
            .collect();
        let mut out = format!("{} ({})\n", self.title, self.unit);
        let top = self.top_of_text();
        for row in (0..ROWS).rev() {
            let edge = match row {
                0 => tick(self.bottom_of_text()),
                r if r + 1 == ROWS => tick(top),
                _ => String::new(),
            };
            let bars: String = heights
                .iter()
                .map(|height| block(height.saturating_sub(8 * row)))
                .collect();
            let line = format!("{edge:>7} {bars}");
            out.push_str(line.trim_end());
            out.push('\n');
        }
        out.push_str(&self.text_events(&column, width, EDGE - 1));
        let ends = self.points.first().zip(self.points.last());
        if let Some((first, last)) = ends {
            let gap =
                width.saturating_sub(first.label.chars().count() + last.label.chars().count());
            out.push_str(&format!(
                "{:8}{}{}{}\n",
                "",
                first.label,
                " ".repeat(gap.max(1)),
                last.label
            ));
        }
        for (number, event) in self.events.iter().enumerate() {
            let when = self.points.get(event.at).map_or("", |p| p.label.as_str());
            out.push_str(&cut(
                &format!("{:8}{} {} ({when})", "", letter(number), event.name),
                COLUMNS,
            ));
            out.push('\n');
        }
        out
    }

    fn table(&self) -> Table {
        let mut table = Table::new([&self.time, &self.unit, "expected", "range of 95 %", ""]);
        for (at, point) in self.points.iter().enumerate() {
            let mut notes: Vec<String> = self
                .events
                .iter()
                .filter(|e| e.at == at)
                .map(|e| e.name.clone())
                .collect();
            if point.flagged {
                notes.push("stands out".to_owned());
            }
            let (centre, range) =
                point
                    .expected
                    .map_or((String::new(), String::new()), |[low, centre, high]| {
                        (
                            decimal(centre),
                            format!("{} to {}", decimal(low), decimal(high)),
                        )
                    });
            table.row([
                point.label.clone(),
                decimal(point.value),
                centre,
                range,
                notes.join("; "),
            ]);
        }
        // a column that says nothing is no column
        for at in (1..table.head.len()).rev() {
            if table
                .rows
                .iter()
                .all(|row| row.get(at).is_none_or(String::is_empty))
            {
                table.head.remove(at);
                for row in &mut table.rows {
                    if at < row.len() {
                        row.remove(at);
                    }
                }
            }
        }
        table
    }
}

impl RunChart {
    fn top_of_text(&self) -> f64 {
        match self.scale {
            Scale::Linear => rounded_up(self.largest()),
            Scale::Log => (self.largest() * 1.5).min(1e12),
        }
    }

    fn bottom_of_text(&self) -> f64 {
        match self.scale {
            Scale::Linear => 0.0,
            Scale::Log => self
                .points
                .iter()
                .map(|p| p.value)
                .fold(1.0, f64::min)
                .max(1e-4),
        }
    }

    /// Letters of events under their columns.
    fn text_events(&self, column: &dyn Fn(usize) -> usize, width: usize, edge: usize) -> String {
        if self.events.is_empty() {
            return String::new();
        }
        let mut line = vec![' '; width];
        for (number, event) in self.events.iter().enumerate() {
            let name = letter(number).chars().next().unwrap_or('?');
            if let Some(cell) = line.get_mut(column(event.at)) {
                // a column that two events share says so
                *cell = if *cell == ' ' { name } else { '*' };
            }
        }
        let line: String = line.into_iter().collect();
        format!("{}{}\n", " ".repeat(edge), line.trim_end())
    }
}

/// A block so many eighths high.
fn block(eighths: usize) -> char {
    match eighths {
        0 => ' ',
        1 => '▁',
        2 => '▂',
        3 => '▃',
        4 => '▄',
        5 => '▅',
        6 => '▆',
        7 => '▇',
        _ => '█',
    }
}
