//! Scales and axes.

use super::px;
use crate::Markup;
use crate::number::tick;

/// Where the plot lies within a drawing.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame {
    pub(super) left: f64,
    pub(super) right: f64,
    pub(super) top: f64,
    pub(super) bottom: f64,
}

/// From a value to a place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Axis {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
    log: bool,
    whole: bool,
}

impl Axis {
    /// Even steps from `low` at `from` to `high` at `to`.
    pub(super) fn linear(low: f64, high: f64, from: f64, to: f64) -> Self {
        let high = if high > low { high } else { low + 1.0 };
        Self {
            low,
            high,
            from,
            to,
            log: false,
            whole: false,
        }
    }

    /// Of counts: labels whole numbers only.
    pub(super) const fn whole(mut self) -> Self {
        self.whole = true;
        self
    }

    /// Even factors; both ends must be above 0.
    pub(super) fn log(low: f64, high: f64, from: f64, to: f64) -> Self {
        let low = low.max(1e-9);
        let high = if high > low { high } else { low * 10.0 };
        Self {
            low,
            high,
            from,
            to,
            log: true,
            whole: false,
        }
    }

    /// The place of a value, kept within the axis.
    pub(super) fn at(&self, value: f64) -> f64 {
        let share = if self.log {
            (value.max(1e-300) / self.low).ln() / (self.high / self.low).ln()
        } else {
            (value - self.low) / (self.high - self.low)
        };
        self.from + share.clamp(0.0, 1.0) * (self.to - self.from)
    }

    /// Round values to label, four to seven of them.
    pub(super) fn ticks(&self) -> Vec<f64> {
        if self.log {
            return self.log_ticks();
        }
        let step = round_step((self.high - self.low) / 5.0);
        let step = if self.whole { step.ceil() } else { step };
        let first = (self.low / step).ceil() as i64;
        let last = (self.high / step + 1e-9).floor() as i64;
        (first..=last).map(|n| n as f64 * step).collect()
    }

    fn log_ticks(&self) -> Vec<f64> {
        let decades = (self.high / self.low).log10();
        let steps: &[f64] = match decades {
            d if d > 6.0 => &[1.0],
            d if d > 2.5 => &[1.0, 3.0],
            d if d > 1.2 => &[1.0, 2.0, 5.0],
            _ => &[1.0, 1.25, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0],
        };
        let (first, last) = (
            self.low.log10().floor() as i32,
            self.high.log10().ceil() as i32,
        );
        let skip = if decades > 12.0 {
            (decades / 6.0).ceil() as usize
        } else {
            1
        };
        (first..=last)
            .step_by(skip)
            .flat_map(|power| steps.iter().map(move |step| step * 10f64.powi(power)))
            .filter(|value| *value >= self.low * 0.999 && *value <= self.high * 1.001)
            .collect()
    }
}

/// The upper end of an axis that holds `largest` with room to spare.
pub(super) fn rounded_up(largest: f64) -> f64 {
    if !(largest.is_finite() && largest > 0.0) {
        return 1.0;
    }
    let step = round_step(largest / 5.0);
    (largest / step).ceil() * step
}

fn round_step(rough: f64) -> f64 {
    let power = 10f64.powf(rough.max(1e-12).log10().floor());
    let factor = [1.0, 2.0, 2.5, 5.0, 10.0]
        .into_iter()
        .find(|factor| factor * power >= rough * 0.999)
        .unwrap_or(10.0);
    factor * power
}

/// Grid lines with labels on the left.
pub(super) fn left_axis(out: &mut Markup, axis: &Axis, frame: Frame) {
    for value in axis.ticks() {
        let y = axis.at(value);
        path(
            out,
            "c-grid",
            &format!("M{} {}H{}", px(frame.left), px(y), px(frame.right)),
        );
        label(
            out,
            frame.left - 8.0,
            y + 4.0,
            "end",
            "c-soft",
            &tick(value),
        );
    }
}

/// Labels under the plot, thinned so that they do not touch.
pub(super) fn bottom_labels(out: &mut Markup, labels: &[(f64, String)], frame: Frame, apart: f64) {
    let mut free = f64::NEG_INFINITY;
    path(
        out,
        "c-axis",
        &format!(
            "M{} {}H{}",
            px(frame.left),
            px(frame.bottom),
            px(frame.right)
        ),
    );
    for (x, text) in labels {
        if *x < free {
            continue;
        }
        path(
            out,
            "c-axis",
            &format!("M{} {}v4", px(*x), px(frame.bottom)),
        );
        label(out, *x, frame.bottom + 18.0, "middle", "c-soft", text);
        free = x + apart;
    }
}

/// One path.
pub(super) fn path(out: &mut Markup, class: &str, data: &str) {
    out.empty("path", &[("class", class), ("d", data)]);
}

/// One piece of text.
pub(super) fn label(out: &mut Markup, x: f64, y: f64, anchor: &str, class: &str, text: &str) {
    let attributes = [
        ("x", px(x)),
        ("y", px(y)),
        ("text-anchor", anchor.to_owned()),
        ("class", class.to_owned()),
    ];
    let attributes = attributes
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));
    out.element("text", &attributes, |inside| {
        inside.text(text);
    });
}

/// One rectangle.
pub(super) fn rect(
    out: &mut Markup,
    class: &str,
    [x, y, width, height]: [f64; 4],
    more: &[(&'static str, &str)],
) {
    let numbers = [x, y, width.max(0.0), height.max(0.0)].map(px);
    let [x, y, width, height] = numbers.each_ref().map(String::as_str);
    let mut attributes = vec![
        ("class", class),
        ("x", x),
        ("y", y),
        ("width", width),
        ("height", height),
    ];
    attributes.extend_from_slice(more);
    out.empty("rect", &attributes);
}

/// A round mark, or a diamond for what is flagged.
pub(super) fn mark(out: &mut Markup, x: f64, y: f64, flagged: bool) {
    if flagged {
        let data = format!("M{} {}l5.5 5.5l-5.5 5.5l-5.5 -5.5z", px(x), px(y - 5.5));
        path(out, "c-flag", &data);
    } else {
        let (x, y) = (px(x), px(y));
        out.empty(
            "circle",
            &[("class", "c-dot"), ("cx", &x), ("cy", &y), ("r", "2.4")],
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_few() {
        assert_eq!(
            Axis::linear(0.0, 12.0, 0.0, 1.0).ticks(),
            [0.0, 2.5, 5.0, 7.5, 10.0]
        );
        assert_eq!(
            Axis::linear(0.0, 2.0, 0.0, 1.0).whole().ticks(),
            [0.0, 1.0, 2.0]
        );
        assert_eq!(rounded_up(11.3), 12.5);
        for high in [0.003, 1.0, 7.0, 1e6] {
            let count = Axis::linear(0.0, high, 0.0, 1.0).ticks().len();
            assert!((3..=7).contains(&count), "{high}: {count}");
        }
        let log = Axis::log(0.2, 5.0, 0.0, 100.0);
        assert_eq!(log.ticks(), [0.2, 0.5, 1.0, 2.0, 5.0]);
        assert!((log.at(1.0) - 50.0).abs() < 1e-9);
    }
}
