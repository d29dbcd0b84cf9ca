//! Charts as SVG, as text for a terminal, and as the table of their numbers.
//!
//! They are drawn here and not by a library for a measured reason: of plotters
//! 0.3.7, charts-rs 2.3.0, kuva 0.6.0 and poloto 19.1.2 none writes `currentColor`,
//! a CSS variable or `prefers-color-scheme`, so each would need two pictures, one
//! for light and one for dark, and only charts-rs knows a `<desc>`.
//!
//! Colour carries no meaning alone: what is flagged has another shape, series
//! differ in lightness and order, events are lettered.

mod axis;
mod bars;
mod forest;
mod gaps;
mod heat;
mod run;

pub use bars::{Column, StackedBars};
pub use forest::{Dot, Forest};
pub use gaps::{Gap, GapChart};
pub use heat::{HeatRow, HeatStrip};
pub use run::{Event, Point, RunChart, Scale};

use crate::{Markup, Table};

/// Width of every drawing, in its own units.
const WIDTH: f64 = 760.0;
/// Characters that a line of text may take.
pub const COLUMNS: usize = 80;

/// What every chart can do.
pub trait Chart {
    /// Its title.
    fn title(&self) -> &str;
    /// What it shows, for those who cannot see it.
    fn description(&self) -> String;
    /// Height of the drawing, in its own units; the width is 760.
    fn height(&self) -> f64;
    /// The drawing itself.
    fn draw(&self, out: &mut Markup);
    /// The same for a terminal, at most 80 columns wide, with its title.
    fn text(&self) -> String;
    /// The numbers.
    fn table(&self) -> Table;

    /// An SVG that stands alone or within a page of [`Page`](crate::Page).
    fn svg(&self, standalone: bool) -> Markup {
        let mut out = Markup::new();
        let view = format!("0 0 {WIDTH} {}", self.height());
        let attributes = [
            ("xmlns", "http://www.w3.org/2000/svg"),
            ("viewBox", view.as_str()),
            ("role", "img"),
            ("class", "chart"),
        ];
        out.element("svg", &attributes, |svg| {
            svg.line("title", "", self.title());
            svg.line("desc", "", &self.description());
            if standalone {
                svg.raw("<style>")
                    .raw(STANDALONE_STYLE)
                    .raw(CHART_STYLE)
                    .raw("</style>");
                svg.raw("<rect class=\"c-page\" width=\"100%\" height=\"100%\"/>");
            }
            self.draw(svg);
        });
        out
    }

    /// A figure of a page: title, drawing, table.
    fn figure(&self, out: &mut Markup) {
        out.element("figure", &[], |figure| {
            figure.line("figcaption", "", self.title());
            figure.push(&self.svg(false));
        });
        self.table().html(self.title(), out);
    }
}

const STANDALONE_STYLE: &str = "\
:root{color-scheme:light dark;--page:#fff;--ink:#1b1f24;--faint:#57606a;--line:#d8dee4}\
@media(prefers-color-scheme:dark){:root{--page:#14181d;--ink:#eef1f4;--faint:#a5afb9;--line:#343c45}}";

/// Style of charts, for the page around them.
pub(crate) const CHART_STYLE: &str = "\
:root{--mark:#0b5cad;--flag:#b3261e;--band:#0b5cad22;--s1:#5b0f16;--s2:#b3261e;--s3:#e07a52;--s4:#f0b98f;--s5:#cfd6dd}\
@media(prefers-color-scheme:dark){:root{--mark:#6cb2ff;--flag:#ff8a7a;--band:#6cb2ff2e;--s1:#ffd9d2;--s2:#ff8a7a;--s3:#d0583f;--s4:#8c3a2a;--s5:#4a525c}}\
@media print{:root{--mark:#0b5cad;--flag:#b3261e;--band:#0b5cad22;--s1:#5b0f16;--s2:#b3261e;--s3:#e07a52;--s4:#f0b98f;--s5:#cfd6dd}}\
.chart{font:12px system-ui,sans-serif;fill:var(--ink)}.chart text{fill:var(--ink)}.chart .c-soft{fill:var(--faint)}.c-page{fill:var(--page)}\
.c-grid{stroke:var(--line);stroke-width:1;fill:none}.c-axis{stroke:var(--faint);stroke-width:1;fill:none}\
.c-line{stroke:var(--mark);stroke-width:1.5;fill:none;opacity:.55}.c-dot{fill:var(--mark)}.c-flag{fill:var(--flag);stroke:var(--page);stroke-width:1}\
.c-band{fill:var(--band)}.c-centre{stroke:var(--ink);stroke-width:2;fill:none}.c-limit{stroke:var(--faint);stroke-width:1.25;stroke-dasharray:5 4;fill:none}\
.c-event{stroke:var(--ink);stroke-width:1;stroke-dasharray:2 3;fill:none}.c-whisker{stroke:var(--mark);stroke-width:2.5;fill:none}.c-open{stroke:var(--faint);stroke-width:2.5;stroke-dasharray:3 3;fill:none}\
.c-s1{fill:var(--s1)}.c-s2{fill:var(--s2)}.c-s3{fill:var(--s3)}.c-s4{fill:var(--s4)}.c-s5{fill:var(--s5)}.c-heat{fill:var(--mark)}.c-cell{fill:none;stroke:var(--line)}.c-b{font-weight:600}";

/// A number of the drawing, short.
fn px(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

/// The letter of an event: a, b, … z, then aa.
fn letter(at: usize) -> String {
    let one = |n: usize| char::from(b'a' + (n % 26) as u8);
    if at < 26 {
        one(at).to_string()
    } else {
        format!("{}{}", one(at / 26 - 1), one(at))
    }
}

/// Text cut to a width, with a sign that it was.
fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let kept: String = text.chars().take(width.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}
