//! The review as Markdown.

use countersign_operations::review::Review;
use countersign_operations::sample;
use countersign_page::Table;

use super::content::sections;
use super::parts::moment;
use super::{Block, Section};

/// The whole document.
pub(crate) fn markdown(review: &Review) -> String {
    let mut out = format!("# Weekly review {}\n\n", review.week);
    out.push_str(&format!("**{}**\n\n", escape(&review.headline())));
    for line in header(review) {
        out.push_str(&format!("{}  \n", escape(&line)));
    }
    for section in sections(review) {
        write(&mut out, &section);
    }
    out
}

/// Which week, version, cut-off.
pub(super) fn header(review: &Review) -> Vec<String> {
    let over = if review.complete {
        ""
    } else {
        "; the week was not over"
    };
    let sample = review.sample.then(|| sample::LABEL.to_owned());
    let rest = [
        format!(
            "{} to {}, {}; version {}",
            moment(review.from),
            moment(review.until),
            review.zone,
            review.version
        ),
        format!("Recorded until {}{over}.", moment(review.cut_off)),
    ];
    sample.into_iter().chain(rest).collect()
}

/// Text from outside stays text. Brackets are escaped and parentheses need not
/// be, so that figures stay readable as they are.
fn escape(text: &str) -> String {
    text.chars().fold(String::new(), |mut out, c| {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            // a word joiner keeps names from calling people or teams
            '@' => out.push_str("@\u{2060}"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' => out.extend(['\\', c]),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
        out
    })
}

fn write(out: &mut String, section: &Section) {
    out.push_str(&format!("\n## {}\n\n", section.title));
    for block in &section.blocks {
        match block {
            Block::Say(text) => out.push_str(&format!("{}\n\n", escape(text))),
            Block::Fine(text) => out.push_str(&format!("*{}*\n\n", escape(text))),
            Block::List(items) => {
                for item in items {
                    out.push_str(&format!("- {}\n", escape(item)));
                }
                out.push('\n');
            }
            Block::Table(caption, one) => {
                if *caption != section.title {
                    out.push_str(&format!("**{caption}**\n\n"));
                }
                table(out, one);
            }
            // text drawings are fenced, so nothing in them is markup
            Block::Chart(chart) => {
                let text = chart.text().replace("```", "'''");
                out.push_str(&format!("```\n{}\n```\n\n", text.trim_end()));
            }
        }
    }
    while out.ends_with("\n\n") {
        out.pop();
    }
}

fn table(out: &mut String, table: &Table) {
    let row = |out: &mut String, cells: &[String]| {
        let cells: Vec<String> = cells.iter().map(|cell| escape(cell)).collect();
        out.push_str(&format!("| {} |\n", cells.join(" | ")));
    };
    row(out, &table.head);
    out.push_str(&format!("|{}\n", " --- |".repeat(table.head.len())));
    for cells in &table.rows {
        row(out, cells);
    }
    out.push('\n');
}
