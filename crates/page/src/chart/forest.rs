//! Ratios with their intervals, side by side: a dot, its whiskers, and the line
//! of no difference.

use super::axis::{Axis, Frame, label, mark, path};
use super::{COLUMNS, Chart, WIDTH, cut, px};
use crate::number::{decimal, tick};
use crate::{Markup, Table};

/// One ratio.
#[derive(Debug, Clone, PartialEq)]
pub struct Dot {
    /// What it is the ratio of.
    pub name: String,
    /// Best value; none for bounds, which have no best value.
    pub value: Option<f64>,
    /// Lower end, from 0.
    pub low: f64,
    /// Upper end, possibly infinite.
    pub high: f64,
}

/// Ratios with their intervals.
#[derive(Debug, Clone, PartialEq)]
pub struct Forest {
    /// Its title.
    pub title: String,
    /// What lies left of the line of no difference, and right of it.
    pub sides: [String; 2],
    /// The ratios.
    pub dots: Vec<Dot>,
}

impl Forest {
    fn axis(&self, from: f64, to: f64) -> Axis {
        let finite = |value: &f64| value.is_finite() && *value > 0.0;
        let all: Vec<f64> = self
            .dots
            .iter()
            .flat_map(|d| [d.low, d.high].into_iter().chain(d.value))
            .filter(finite)
            .collect();
        let least = all.iter().copied().fold(0.5, f64::min).max(0.02);
        let most = all.iter().copied().fold(2.0, f64::max).min(50.0);
        // the line of no difference stays where the eye expects it
        let reach = most.max(1.0 / least) * 1.1;
        Axis::log(1.0 / reach, reach, from, to)
    }
}

impl Chart for Forest {
    fn title(&self) -> &str {
        &self.title
    }

    fn description(&self) -> String {
        let dots: Vec<String> = self
            .dots
            .iter()
            .map(|dot| format!("{}: {}", dot.name, numbers(dot)))
            .collect();
        format!(
            "Ratios on a logarithmic axis; 1 is no difference. {}.",
            dots.join("; ")
        )
    }

    fn height(&self) -> f64 {
        62.0 + 30.0 * self.dots.len() as f64
    }

    fn draw(&self, out: &mut Markup) {
        let frame = Frame {
            left: 210.0,
            right: WIDTH - 150.0,
            top: 24.0,
            bottom: self.height() - 32.0,
        };
        let axis = self.axis(frame.left, frame.right);
        for value in axis.ticks() {
            let x = axis.at(value);
            path(
                out,
                "c-grid",
                &format!("M{} {}V{}", px(x), px(frame.top), px(frame.bottom)),
            );
            label(
                out,
                x,
                frame.bottom + 18.0,
                "middle",
                "c-soft",
                &tick(value),
            );
        }
        let middle = axis.at(1.0);
        path(
            out,
            "c-centre",
            &format!("M{} {}V{}", px(middle), px(frame.top), px(frame.bottom)),
        );
        let [left, right] = &self.sides;
        label(
            out,
            middle - 10.0,
            14.0,
            "end",
            "c-soft",
            &format!("← {left}"),
        );
        label(
            out,
            middle + 10.0,
            14.0,
            "start",
            "c-soft",
            &format!("{right} →"),
        );
        for (at, dot) in self.dots.iter().enumerate() {
            let y = frame.top + 30.0 * (at as f64 + 0.5);
            let (low, high) = (axis.at(dot.low), axis.at(dot.high));
            let class = if dot.value.is_some() {
                "c-whisker"
            } else {
                "c-open"
            };
            path(out, class, &format!("M{} {}H{}", px(low), px(y), px(high)));
            if !dot.high.is_finite() {
                // open at this end
                let head = format!("M{} {}l6 5l-6 5", px(high), px(y - 5.0));
                path(out, "c-axis", &head);
            }
            let ends = [Some(low), dot.high.is_finite().then_some(high)];
            for end in ends.into_iter().flatten() {
                path(out, "c-axis", &format!("M{} {}v10", px(end), px(y - 5.0)));
            }
            if let Some(value) = dot.value {
                let x = axis.at(value);
                let excludes_one = dot.low > 1.0 || dot.high < 1.0;
                if excludes_one {
                    mark(out, x, y, true);
                } else {
                    let (x, y) = (px(x), px(y));
                    out.empty(
                        "circle",
                        &[("class", "c-dot"), ("cx", &x), ("cy", &y), ("r", "5")],
                    );
                }
            }
            label(
                out,
                frame.left - 12.0,
                y + 4.0,
                "end",
                "",
                &cut(&dot.name, 30),
            );
            label(
                out,
                frame.right + 12.0,
                y + 4.0,
                "start",
                "c-soft",
                &numbers(dot),
            );
        }
    }

    fn text(&self) -> String {
        let edge = self
            .dots
            .iter()
            .map(|d| d.name.chars().count())
            .max()
            .unwrap_or(0)
            .min(28);
        let width = COLUMNS - edge - 24;
        let axis = self.axis(0.0, width as f64 - 1.0);
        let place = |value: f64| axis.at(value).round() as usize;
        let mut out = format!("{}\n", self.title);
        for dot in &self.dots {
            let mut cells = vec![' '; width];
            let mut put = |at: usize, sign: char| {
                if let Some(cell) = cells.get_mut(at) {
                    *cell = sign;
                }
            };
            put(place(1.0), '│');
            let line = if dot.value.is_some() { '─' } else { '╌' };
            (place(dot.low)..=place(dot.high))
                .for_each(|at| put(at, if at == place(1.0) { '┼' } else { line }));
            put(place(dot.low), '├');
            put(
                place(dot.high),
                if dot.high.is_finite() { '┤' } else { '→' },
            );
            if let Some(value) = dot.value {
                put(place(value), '●');
            }
            let line: String = cells.into_iter().collect();
            let row = format!("{:<edge$} {line} {}", cut(&dot.name, edge), numbers(dot));
            out.push_str(&cut(row.trim_end(), COLUMNS));
            out.push('\n');
        }
        let one = edge + 1 + place(1.0);
        let [left, right] = &self.sides;
        let before = format!("← {left} ");
        let pad = one.saturating_sub(before.chars().count());
        out.push_str(&cut(
            &format!("{}{before}1 {right} →", " ".repeat(pad)),
            COLUMNS,
        ));
        out.push('\n');
        out
    }

    fn table(&self) -> Table {
        let mut table = Table::new(["", "ratio", "from", "to"]);
        for dot in &self.dots {
            let value = dot.value.map_or_else(|| "any".to_owned(), decimal);
            table.row([dot.name.clone(), value, decimal(dot.low), decimal(dot.high)]);
        }
        table
    }
}

fn numbers(dot: &Dot) -> String {
    let range = if dot.high.is_finite() {
        format!("{}–{}", decimal(dot.low), decimal(dot.high))
    } else {
        format!("≥ {}", decimal(dot.low))
    };
    dot.value.map_or_else(
        || format!("any of {range}"),
        |value| format!("{} ({range})", decimal(value)),
    )
}
