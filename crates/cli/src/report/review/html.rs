//! The review as a page that stands alone.

use countersign_operations::review::{Against, Fate, Moved, Review};
use countersign_page::{Markup, Page, Tone};

use super::content::sections;
use super::markdown::header;
use super::{Block, Section};

/// The whole page.
pub(crate) fn html(review: &Review) -> String {
    let title = format!("Weekly review {}", review.week);
    let (headline, notes) = (review.headline(), header(review));
    let page = Page {
        title: &title,
        tone: tone(review),
        word: &title,
        headline: &headline,
        notes: &notes,
    };
    let mut body = Markup::new();
    for section in sections(review) {
        write(&mut body, &section);
    }
    page.html(&body)
}

/// Bad where something is missed or hidden; attention where somebody decides.
fn tone(review: &Review) -> Tone {
    let missed = review
        .metrics
        .iter()
        .any(|it| it.against == Against::Missed);
    let worse = review.metrics.iter().any(|it| it.moved == Moved::Higher);
    let mut altered = review.changelog.altered.iter();
    if missed || worse || altered.any(|it| it.fate == Fate::VanishedUnexplained) {
        Tone::Bad
    } else if review.decisions.is_empty() {
        Tone::Good
    } else {
        Tone::Attention
    }
}

fn write(body: &mut Markup, section: &Section) {
    body.element("section", &[], |out| {
        out.line("h2", "", section.title);
        for block in &section.blocks {
            match block {
                Block::Say(text) => {
                    out.line("p", "", text);
                }
                Block::Fine(text) => {
                    out.line("p", "fine", text);
                }
                Block::List(items) => {
                    out.element("ul", &[("class", "fine")], |list| {
                        for item in items {
                            list.line("li", "", item);
                        }
                    });
                }
                Block::Table(caption, table) => {
                    if *caption != section.title {
                        out.line("h3", "", caption);
                    }
                    table.html_open(caption, out);
                }
                Block::Chart(chart) => chart.figure(out),
            }
        }
    });
    body.raw("\n");
}
