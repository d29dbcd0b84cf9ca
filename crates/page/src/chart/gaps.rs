//! A g or t chart: how much lay between each two rare events.

use super::axis::{Axis, Frame, bottom_labels, label, left_axis, mark, path, rounded_up};
use super::{COLUMNS, Chart, WIDTH, cut, px};
use crate::number::decimal;
use crate::{Markup, Table};

/// What lay before one event.
#[derive(Debug, Clone, PartialEq)]
pub struct Gap {
    /// The event that ended it.
    pub label: String,
    /// Its length.
    pub value: f64,
    /// What is remarkable about it; empty for nothing.
    pub note: String,
}

/// How much lay between each two rare events.
#[derive(Debug, Clone, PartialEq)]
pub struct GapChart {
    /// Its title.
    pub title: String,
    /// What the gaps are measured in.
    pub unit: String,
    /// The gaps, in order.
    pub gaps: Vec<Gap>,
    /// Middle of a stable process.
    pub centre: f64,
    /// Gaps below come too close together.
    pub lower: f64,
    /// Gaps above are longer than usual.
    pub upper: f64,
}

impl GapChart {
    fn largest(&self) -> f64 {
        let gaps = self.gaps.iter().map(|gap| gap.value);
        // a limit far above every gap would flatten them all
        let largest = gaps.fold(self.centre, f64::max);
        if self.upper <= 3.0 * largest {
            largest.max(self.upper)
        } else {
            largest * 1.1
        }
    }
}

impl Chart for GapChart {
    fn title(&self) -> &str {
        &self.title
    }

    fn description(&self) -> String {
        let flagged: Vec<String> = self
            .gaps
            .iter()
            .filter(|gap| !gap.note.is_empty())
            .map(|gap| format!("{} before {} ({})", decimal(gap.value), gap.label, gap.note))
            .collect();
        let standing = if flagged.is_empty() {
            "none stands out".to_owned()
        } else {
            flagged.join("; ")
        };
        format!(
            "{} gaps in {}; centre {}, limits {} and {}; {standing}.",
            self.gaps.len(),
            self.unit,
            decimal(self.centre),
            decimal(self.lower),
            decimal(self.upper)
        )
    }

    fn height(&self) -> f64 {
        220.0
    }

    fn draw(&self, out: &mut Markup) {
        let frame = Frame {
            left: 62.0,
            right: WIDTH - 70.0,
            top: 26.0,
            bottom: 188.0,
        };
        let axis = Axis::linear(0.0, rounded_up(self.largest()), frame.bottom, frame.top);
        label(
            out,
            12.0,
            12.0,
            "start",
            "c-soft",
            &format!("{} since the one before", self.unit),
        );
        left_axis(out, &axis, frame);
        let slot = (frame.right - frame.left) / self.gaps.len().max(1) as f64;
        let places: Vec<(f64, String)> = self
            .gaps
            .iter()
            .enumerate()
            .map(|(at, gap)| (frame.left + slot * (at as f64 + 0.5), cut(&gap.label, 12)))
            .collect();
        bottom_labels(out, &places, frame, 84.0);
        for (value, name, class) in [
            (self.centre, "middle", "c-centre"),
            (self.lower, "too close", "c-limit"),
            (self.upper, "rarer", "c-limit"),
        ] {
            if value > 0.0 && value <= self.largest() {
                let y = axis.at(value);
                path(
                    out,
                    class,
                    &format!("M{} {}H{}", px(frame.left), px(y), px(frame.right)),
                );
                label(out, frame.right + 6.0, y + 4.0, "start", "c-soft", name);
            }
        }
        let line: Vec<String> = places
            .iter()
            .zip(&self.gaps)
            .map(|((x, _), gap)| format!("{} {}", px(*x), px(axis.at(gap.value))))
            .collect();
        if line.len() > 1 {
            path(out, "c-line", &format!("M{}", line.join("L")));
        }
        for ((x, _), gap) in places.iter().zip(&self.gaps) {
            mark(out, *x, axis.at(gap.value), !gap.note.is_empty());
        }
    }

    fn text(&self) -> String {
        let edge = self
            .gaps
            .iter()
            .map(|g| g.label.chars().count())
            .max()
            .unwrap_or(0)
            .min(16);
        let room = (COLUMNS - edge - 24) as f64;
        let unit = self.largest().max(1e-9) / room;
        let mut out = format!("{} ({} since the one before)\n", self.title, self.unit);
        for gap in &self.gaps {
            let bar = "━".repeat((gap.value / unit).round() as usize);
            let line = format!(
                "{:<edge$} {bar}● {} {}",
                cut(&gap.label, edge),
                decimal(gap.value),
                gap.note
            );
            out.push_str(line.trim_end());
            out.push('\n');
        }
        let limits = format!(
            "{:edge$} middle {}, too close below {}, rarer above {}",
            "",
            decimal(self.centre),
            decimal(self.lower),
            decimal(self.upper)
        );
        out.push_str(&cut(&limits, COLUMNS));
        out.push('\n');
        out
    }

    fn table(&self) -> Table {
        let mut table = Table::new(["incident", &self.unit, ""]);
        for gap in &self.gaps {
            table.row([gap.label.clone(), decimal(gap.value), gap.note.clone()]);
        }
        table
    }
}
