//! Colours, which disappear where output is not a terminal.

use anstyle::{AnsiColor, Style};
use countersign_core::decide::Verdict;
use countersign_core::involvement::Verdict as Ai;

/// What stands out.
pub(crate) const BOLD: Style = Style::new().bold();
/// What supports.
pub(crate) const DIM: Style = Style::new().dimmed();

/// Green, yellow, red.
pub(crate) const fn verdict(verdict: Verdict) -> Style {
    let color = match verdict {
        Verdict::Allow => AnsiColor::Green,
        Verdict::Hold => AnsiColor::Yellow,
        Verdict::Refuse => AnsiColor::Red,
    };
    Style::new()
        .bold()
        .fg_color(Some(anstyle::Color::Ansi(color)))
}

/// A colour per involvement.
pub(crate) const fn involvement(verdict: Ai) -> Style {
    let color = match verdict {
        Ai::Yes => AnsiColor::Magenta,
        Ai::Unknown => AnsiColor::Yellow,
        Ai::No => AnsiColor::Green,
    };
    Style::new().fg_color(Some(anstyle::Color::Ansi(color)))
}

/// Text in a style.
pub(crate) fn paint(style: Style, text: impl std::fmt::Display) -> String {
    format!("{style}{text}{style:#}")
}
